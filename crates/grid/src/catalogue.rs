//! The grids of the exchange catalogue.

use serde::Deserialize;

/// One entry: either `spec` or `missing` is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub id: String,
    pub meaning: String,
    pub spec: Option<String>,
    pub missing: Option<String>,
}

#[derive(Deserialize)]
struct Catalogue {
    grid: Vec<Entry>,
}

/// All entries, in the order of the catalogue.
pub(crate) fn entries() -> Vec<Entry> {
    let catalogue: Catalogue =
        toml::from_str(include_str!("catalogue.toml")).expect("the catalogue is part of the program and tested");
    catalogue.grid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grid, GridError};

    #[test]
    fn every_entry_makes_a_grid_or_says_what_is_missing() {
        for entry in entries() {
            match (&entry.spec, &entry.missing) {
                // Large ones are covered by smaller ones of their kind.
                (Some(spec), None) if ["H1024n", "H512n"].contains(&spec.as_str()) => {}
                (Some(spec), None) => {
                    let grid = Grid::from_spec(&entry.id).unwrap();
                    assert!(!grid.is_empty() && grid.report.notes.iter().any(|n| n.contains(spec)), "{}", entry.id);
                }
                (None, Some(missing)) => {
                    let error = Grid::from_spec(&entry.id).unwrap_err();
                    assert!(matches!(&error, GridError::BadSpec { .. }) && error.to_string().contains(missing), "{error}");
                }
                _ => panic!("{} has both or neither", entry.id),
            }
        }
    }

    #[test]
    fn no_id_is_a_form_too() {
        for entry in entries() {
            assert!(crate::spec::parse(&entry.id).is_none(), "{}", entry.id);
        }
    }

    #[test]
    fn corners_lie_where_the_catalogue_prints_them() {
        // South-west, south-east, north-west and north-east centers as (lat, lon), to four decimals.
        let printed = [
            ("eccc-hrdps-0.0225", [(39.6260, -133.6295), (27.2846, -66.9664), (66.5685, -152.7307), (47.8765, -40.7086)]),
            ("eccc-rdps-0.09", [(-7.7491, -128.8064), (3.3521, -69.1459), (40.8003, 138.9448), (57.9689, 39.2520)]),
            ("eccc-raqdps-0.09", [(16.2079, -126.6700), (21.7993, -68.7776), (53.6096, -176.7444), (64.9187, -18.9659)]),
            ("eccc-ps5km", [(30.5619, -138.7191), (28.9215, -59.0177), (43.9070, 137.0640), (41.4696, 20.8721)]),
        ];
        for (id, corners) in printed {
            let grid = Grid::from_spec(id).unwrap();
            let (ni, cells) = (grid.shape[1], grid.len());
            for (cell, (lat, lon)) in [0, ni - 1, cells - ni, cells - 1].into_iter().zip(corners) {
                let center = grid.center(cell);
                let turn = (center.lon_deg - lon + 180.0).rem_euclid(360.0) - 180.0;
                assert!((center.lat_deg - lat).abs() <= 5.1e-5 && turn.abs() <= 5.1e-5, "{id}: {center:?} {lat} {lon}");
            }
        }
    }

    #[test]
    fn cell_counts_are_those_of_the_catalogue() {
        for (id, cells) in [
            ("eccc-gdps-0.15", 2400 * 1201),
            ("eccc-giops-0.2", 1800 * 850),
            ("cccma-canesm5-t63", 128 * 64),
            ("destine-h128n", 196_608),
            ("destine-edt-o2560", 26_306_560),
        ] {
            assert_eq!(Grid::from_spec(id).unwrap().len(), cells, "{id}");
        }
    }
}
