//! The catalogue agrees with itself, with the grids and with the regridder.

use knarr_exchange::Catalogue;
use knarr_exchange::catalogue::{Availability, Convention, Field, LevelKind, Matched, Membership, Operation};
use knarr_exchange::units::Units;
use knarr_grid::Grid;
use std::collections::{BTreeMap, BTreeSet};

fn catalogue() -> Catalogue {
    Catalogue::load().unwrap_or_else(|e| panic!("{e}"))
}

fn units(text: &str) -> Units {
    Units::parse(text).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn there_are_sixty_fields_and_thirty_grids_in_five_domains() {
    let catalogue = catalogue();
    let ids: BTreeSet<&str> = catalogue.fields.iter().map(|f| f.id.as_str()).collect();
    assert_eq!((catalogue.fields.len(), ids.len()), (60, 60));
    let grids: BTreeSet<&str> = catalogue.grids.iter().map(|g| g.id.as_str()).collect();
    assert_eq!((catalogue.grids.len(), grids.len()), (30, 30));
    let mut domains: BTreeMap<String, usize> = BTreeMap::new();
    for field in &catalogue.fields {
        *domains.entry(format!("{:?}", field.domain)).or_default() += 1;
    }
    let counts: Vec<(&str, usize)> = domains.iter().map(|(d, n)| (d.as_str(), *n)).collect();
    assert_eq!(counts, [("Atmosphere", 26), ("Biosphere", 7), ("Cryosphere", 7), ("Geosphere", 6), ("Hydrosphere", 14)]);
    assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')));
}

/// Forty-one is what the survey of both sides counted by hand.
#[test]
fn forty_one_fields_are_open_on_both_sides() {
    let open = catalogue().fields.iter().filter(|f| f.is_open_on_both_sides()).count();
    assert_eq!(open, 41);
}

#[test]
fn ranges_are_ordered_and_references_lead_somewhere() {
    let catalogue = catalogue();
    for field in &catalogue.fields {
        let [low, high] = field.valid_range;
        assert!(low < high && low.is_finite() && high.is_finite(), "{}", field.id);
        for key in [&field.licence.eccc, &field.licence.destine] {
            assert!(catalogue.licence(key).is_some(), "{}: licence {key}", field.id);
        }
        if let Some(partner) = &field.regrid.vector_with {
            let partner = catalogue.field(partner).unwrap_or_else(|e| panic!("{}: {e}", field.id));
            assert_eq!(partner.regrid.vector_with.as_ref(), Some(&field.id));
            assert_eq!(partner.regrid.method, field.regrid.method);
            assert_eq!(partner.cf.units, field.cf.units);
        }
        for operation in all_operations(field) {
            if let Operation::SubtractFrom(id) = operation {
                assert!(catalogue.field(&id).is_ok(), "{}: {id}", field.id);
            }
        }
    }
    for ratio in &catalogue.ratios {
        let (n, d) = (catalogue.field(&ratio.numerator), catalogue.field(&ratio.denominator));
        let (n, d) = (n.unwrap_or_else(|e| panic!("{e}")), d.unwrap_or_else(|e| panic!("{e}")));
        let by_units = units(
            &format!("{} /{}", n.cf.units, d.cf.units.replace(['1'], "")).replace(" /", if d.cf.units == "1" { "" } else { "/" }),
        );
        assert!(by_units.to(&units(&ratio.units)).is_ok_and(|l| l.is_identity()), "{}", ratio.id);
        assert!(ratio.least_denominator > 0.0);
    }
    for layers in &catalogue.soil_layers {
        assert!(layers.interfaces_m[0] == 0.0 && layers.interfaces_m.windows(2).all(|p| p[0] < p[1]), "{}", layers.id);
    }
}

fn all_operations(field: &Field) -> Vec<Operation> {
    let lists = [&field.eccc.to_canonical, &field.climate_dt.to_canonical, &field.extremes_dt.to_canonical];
    lists.into_iter().flatten().chain(field.eccc.alternates.iter().flat_map(|a| &a.to_canonical)).cloned().collect()
}

/// What the operations of a row do to units must lead to the canonical ones: a wrong factor or a forgotten `div_dt`
/// shows here.
#[test]
fn units_parse_and_operations_lead_to_the_canonical_ones() {
    for field in &catalogue().fields {
        let canonical = units(&field.cf.units);
        if let Some(table) = field.cf.table_units.as_deref().filter(|t| !t.is_empty()) {
            assert_eq!(units(table), canonical, "{}", field.id);
        }
        for convention in Convention::all() {
            let Some(entry) = convention.entry(field) else { continue };
            let operand = units(&entry.operand_units);
            if !field.unit_labels.contains(&entry.units) {
                let linear = units(&entry.units).to_across(&operand, field.bridge);
                assert!(linear.is_ok(), "{} in {convention}: {} to {}", field.id, entry.units, entry.operand_units);
            }
            if entry.to_canonical.iter().any(|o| matches!(o, Operation::TextureClass(..) | Operation::CheckStatistic)) {
                continue;
            }
            // One operand, over one second where there is time, as the operations change it.
            let is_rate = entry.to_canonical.contains(&Operation::DivDt);
            let mut factor = 1.0;
            for operation in &entry.to_canonical {
                match operation {
                    Operation::Scale(x) => factor *= x,
                    Operation::Divide(x) => factor /= x,
                    _ => {}
                }
            }
            let text = if is_rate { format!("{} s-1", entry.operand_units) } else { entry.operand_units.clone() };
            let expected = if field.unit_labels.contains(&entry.units) {
                Ok(1.0)
            } else {
                units(&text).to_across(&canonical, field.bridge).map(|l| l.apply(1.0))
            };
            let expected = expected.unwrap_or_else(|e| panic!("{} in {convention}: {e}", field.id));
            assert!(
                (factor / expected - 1.0).abs() < 1e-12,
                "{} in {convention}: by operations {factor}, by units {expected}",
                field.id
            );
        }
        for twin in [&field.climate_dt, &field.extremes_dt] {
            for text in &twin.eccodes_units {
                let own = units(twin.units.as_deref().unwrap_or_default());
                let same = own == units(text) || text == "Numeric";
                assert!(same, "{}: {:?} and {text}", field.id, twin.units);
            }
        }
    }
}

#[test]
fn accumulations_are_differenced_before_they_are_divided() {
    for field in &catalogue().fields {
        for convention in Convention::all() {
            let Some(entry) = convention.entry(field) else { continue };
            let place = |wanted: Operation| entry.to_canonical.iter().position(|o| *o == wanted);
            match (place(Operation::DiffTime), place(Operation::DivDt)) {
                (Some(diff), Some(div)) => assert!(diff < div, "{}", field.id),
                (None, None) => {}
                _ => panic!("{} in {convention}: one without the other", field.id),
            }
            let told = entry.time.contains("accumulated") && !entry.time.starts_with("instant");
            assert_eq!(place(Operation::DiffTime).is_some(), told, "{} in {convention}: {}", field.id, entry.time);
        }
    }
}

#[test]
fn twins_have_names_where_they_have_fields() {
    for field in &catalogue().fields {
        for twin in [&field.climate_dt, &field.extremes_dt] {
            if matches!(twin.member, Membership::Listed | Membership::Expected | Membership::Unlisted) {
                assert!(twin.short.is_some() && twin.param.is_some() && twin.units.is_some(), "{}", field.id);
            }
            assert_eq!(twin.short.is_some(), twin.id_verified, "{}", field.id);
            for code in &twin.codes {
                let triple: Vec<&str> = code.trim_end_matches(" local1").split('.').collect();
                assert!(triple.len() == 3 && triple.iter().all(|n| n.parse::<u8>().is_ok()), "{}: {code}", field.id);
            }
        }
        if field.access.eccc == Availability::Anonymous {
            let named = field.eccc.grib2.is_some() || !field.eccc.netcdf.is_empty() || !field.eccc.products.is_empty();
            assert!(named, "{}: open, but under which name?", field.id);
        }
    }
}

/// Names that stand for two fields; the vertical axis tells which.
const NAMESAKES: [(Convention, &str, &[&str]); 8] = [
    (Convention::Rpn, "TT", &["air_temperature_2m", "air_temperature_pl"]),
    (Convention::Rpn, "UU", &["eastward_wind_10m", "eastward_wind_pl"]),
    (Convention::Rpn, "VV", &["northward_wind_10m", "northward_wind_pl"]),
    (Convention::Rpn, "TM", &["sea_surface_temperature", "sea_water_potential_temperature"]),
    (Convention::Eccc, "votemper", &["sea_surface_temperature", "sea_water_potential_temperature"]),
    (Convention::ClimateDt, "z", &["geopotential_height_pl", "surface_altitude"]),
    (Convention::ExtremesDt, "z", &["geopotential_height_pl", "surface_altitude"]),
    (Convention::Cf, "", &[]),
];

#[test]
fn names_are_unique_or_listed_as_namesakes_that_their_axis_tells_apart() {
    let catalogue = catalogue();
    for convention in Convention::all() {
        let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for field in &catalogue.fields {
            for name in convention.entry(field).map(|e| e.names).unwrap_or_default() {
                owners.entry(name).or_default().push(field.id.clone());
            }
        }
        for (name, owners) in owners.into_iter().filter(|(_, o)| o.len() > 1) {
            let listed = NAMESAKES.iter().find(|(c, n, _)| *c == convention && *n == name);
            assert_eq!(
                listed.map(|(_, _, ids)| ids.to_vec()),
                Some(owners.iter().map(String::as_str).collect()),
                "{convention}: {name}"
            );
        }
    }
    for (convention, name, ids) in NAMESAKES.iter().filter(|(_, _, ids)| !ids.is_empty()) {
        let axis_of = |id: &str| {
            let kind = catalogue.field(id).unwrap_or_else(|e| panic!("{e}")).level.kind;
            matches!(kind, LevelKind::Isobaric | LevelKind::OceanDepth).then_some(kind)
        };
        for id in *ids {
            let found = catalogue.candidates(*convention, Matched { name, axis: axis_of(id), ..Matched::default() });
            assert_eq!(found.iter().map(|f| f.id.as_str()).collect::<Vec<_>>(), [*id], "{convention}: {name}");
        }
    }
}

#[test]
fn grids_are_those_of_the_grid_crate() {
    let catalogue = catalogue();
    let specs: BTreeSet<String> = knarr_grid::specs().into_iter().map(|s| s.spec).collect();
    let mut built = 0;
    for entry in &catalogue.grids {
        assert!(specs.contains(&entry.id), "{} is unknown to the grid crate", entry.id);
        // Twelve million cells and more are covered by smaller ones of their kind.
        if entry.npix.is_some_and(|n| n > 1_000_000) {
            continue;
        }
        let Ok(grid) = Grid::from_spec(&entry.id) else { continue };
        built += 1;
        let cells = entry.npix.or_else(|| Some(entry.ni? * entry.nj?)).unwrap_or_else(|| panic!("{} has no size", entry.id));
        assert_eq!(grid.len(), cells, "{}", entry.id);
        if let Some([lat, lon]) = entry.south_pole {
            // The frame's north pole is opposite its south pole.
            let knarr_grid::Family::RotatedLatLon { pole_lon_deg, pole_lat_deg, .. } = grid.family else {
                panic!("{} is not rotated", entry.id)
            };
            let turn = (pole_lon_deg - (lon - 180.0) + 180.0).rem_euclid(360.0) - 180.0;
            assert!((pole_lat_deg + lat).abs() < 1e-9 && turn.abs() < 1e-9, "{}", entry.id);
        }
    }
    assert!(built >= 10, "only {built} grids are specified");
}
