//! Longitude x latitude axes: regular, irregular, Gaussian, and about a rotated pole.

use crate::axis::{Axis, latitude_bounds, longitude_bounds};
use crate::{Action, BadCell, Blemish, Columns, CornerSource, Family, Grid, GridError, Layout, LonAxis, Mask, Report, Rows};
use crate::{gaussian, gaussian_edges};
use knarr_kernels::cell_area::sine_difference;
use knarr_kernels::sphere::Rotation;

impl Grid {
    /// Cells between parallels and meridians, shape `[lat, lon]`, in the order of the axes.
    ///
    /// Longitudes may cross 0 or 180, run past 360, and descend; latitudes may run either way. Given bounds
    /// win; without them Gaussian latitudes get their Gaussian edges and other axes mid-points. Rows end at
    /// the poles exactly. A column that repeats an earlier one (0 and 360) is switched off and reported.
    ///
    /// # Errors
    /// [`GridError::BadAxis`] for values that are missing or not monotone, and for one value without bounds;
    /// [`GridError::WrongLength`] for bounds of another length than the centers.
    pub fn lat_lon(lon: &Axis, lat: &Axis) -> Result<Grid, GridError> {
        let n = gaussian::recognise(&lat.centers);
        let (rows, periodic, mut report, mask) = rows(lon, lat, n, None, ["longitude", "latitude"])?;
        let family = match n {
            Some(n) => Family::Gaussian { n },
            None => Family::LatLon,
        };
        if let Some(n) = n {
            report.recognised_by = format!("longitude and latitude axes; the latitudes are Gaussian (n = {n})");
        }
        if !periodic {
            report.notes.push(regional_note(&rows));
        }
        Ok(Grid { family, shape: vec![lat.centers.len(), lon.centers.len()], layout: Layout::Rows(rows), mask, report })
    }

    /// Cells between the parallels and meridians of a rotated pole, shape `[rlat, rlon]`.
    ///
    /// The frame's north pole lies at (`pole_lon_deg`, `pole_lat_deg`); the geographic north pole has the
    /// longitude `north_pole_grid_longitude_deg` in the frame (CF `rotated_latitude_longitude`, default 0).
    ///
    /// # Errors
    /// As [`Grid::lat_lon`]; [`GridError::BadAxis`] if the pole is not a position.
    pub fn rotated(
        pole_lon_deg: f64,
        pole_lat_deg: f64,
        north_pole_grid_longitude_deg: f64,
        rlon: &Axis,
        rlat: &Axis,
    ) -> Result<Grid, GridError> {
        let angles = [pole_lon_deg, pole_lat_deg, north_pole_grid_longitude_deg];
        if angles.iter().any(|a| !a.is_finite()) || pole_lat_deg.abs() > 90.0 {
            return Err(GridError::BadAxis {
                what: "rotated pole".into(),
                problem: format!("{pole_lon_deg} degrees east, {pole_lat_deg} degrees north is no position"),
            });
        }
        let rotation = Rotation::from_rotated_pole(pole_lon_deg, pole_lat_deg, north_pole_grid_longitude_deg);
        let (rows, _, mut report, mask) = rows(rlon, rlat, None, Some(rotation), ["rotated longitude", "rotated latitude"])?;
        report.recognised_by = "longitude and latitude axes of a rotated pole".into();
        Ok(Grid {
            family: Family::RotatedLatLon { pole_lon_deg, pole_lat_deg, north_pole_grid_longitude_deg },
            shape: vec![rlat.centers.len(), rlon.centers.len()],
            layout: Layout::Rows(rows),
            mask,
            report,
        })
    }
}

/// The rows, whether they close the circle, the report and the mask.
fn rows(
    lon: &Axis,
    lat: &Axis,
    gaussian: Option<usize>,
    rotation: Option<Rotation>,
    names: [&str; 2],
) -> Result<(Rows, bool, Report, Mask), GridError> {
    let columns = longitude_bounds(names[0], lon)?;
    let edges = gaussian.map(|n| {
        let mut edges = gaussian_edges(n);
        if lat.centers[0] < lat.centers[lat.centers.len() - 1] {
            edges.reverse();
        }
        edges
    });
    let lat_bounds = latitude_bounds(names[1], lat, edges, columns.periodic)?;
    let source = match (columns.bounds.source, lat_bounds.source) {
        (CornerSource::Given, rows) => rows,
        // Equally spaced columns have one natural edge, so the rows decide what to say.
        (_, CornerSource::Formula) => CornerSource::Formula,
        (columns, _) => columns,
    };
    let mut report = Report::new("longitude and latitude axes", source);
    if columns.bounds.source != lat_bounds.source && (lat.bounds.is_some() != lon.bounds.is_some()) {
        report.notes.push(format!("{} bounds: {}; {} bounds: {}", names[0], columns.bounds.source, names[1], lat_bounds.source));
    }
    report.notes.extend(columns.bounds.notes);
    report.notes.extend(lat_bounds.notes);
    if let Some(n) = gaussian
        && lat_bounds.source == CornerSource::Given
    {
        report.notes.push(compare_with_gauss(&lat_bounds.cells, n));
    }
    let rows = Rows {
        rotation,
        lats_deg: lat.centers.clone(),
        lat_bounds_deg: lat_bounds.cells,
        columns: Columns::Shared(LonAxis { centers_deg: lon.centers.clone(), bounds_deg: columns.bounds.cells }),
    };
    let width = lon.centers.len();
    if columns.repeated_from == width {
        return Ok((rows, columns.periodic, report, Mask::ALL));
    }
    report.notes.push(format!(
        "{} columns from number {} on repeat the first ones a turn later and take no part",
        width - columns.repeated_from,
        columns.repeated_from
    ));
    let repeated = |cell: usize| cell % width >= columns.repeated_from;
    let mask = Mask::from_active((0..rows.len()).map(|cell| !repeated(cell)).collect());
    report.bad_cells = (0..rows.len())
        .filter(|&cell| repeated(cell))
        .map(|cell| BadCell { cell, center: rows.center(cell), blemish: Blemish::Duplicate, action: Action::Dropped })
        .collect();
    Ok((rows, columns.periodic, report, mask))
}

/// How the areas between given latitude bounds differ from the Gauss weights.
fn compare_with_gauss(bounds: &[[f64; 2]], n: usize) -> String {
    let weights = gaussian::gaussian_weights(n);
    let largest =
        bounds.iter().zip(&weights).map(|(b, weight)| (sine_difference(b[0], b[1]) / weight - 1.0).abs()).fold(0.0, f64::max);
    if largest < 1e-4 {
        format!("the given latitude bounds are used; row areas agree with the Gauss weights to {largest:.1e}")
    } else {
        format!(
            "the given latitude bounds are used, not the Gaussian edges; row areas differ from the Gauss weights by up to {:.1} %",
            100.0 * largest
        )
    }
}

fn regional_note(rows: &Rows) -> String {
    let Columns::Shared(lon) = &rows.columns else { return String::new() };
    let west = lon.bounds_deg.iter().map(|b| b[0]).fold(f64::INFINITY, f64::min);
    let east = lon.bounds_deg.iter().map(|b| b[1]).fold(f64::NEG_INFINITY, f64::max);
    format!("regional: longitudes {west:.4} to {east:.4}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaussian_latitudes;

    fn rows_of(grid: &Grid) -> &Rows {
        let Layout::Rows(rows) = &grid.layout else { panic!("expected rows") };
        rows
    }

    fn columns_of(grid: &Grid) -> &LonAxis {
        let Columns::Shared(columns) = &rows_of(grid).columns else { panic!("expected shared columns") };
        columns
    }

    /// Areas of n cells are rounded once each, so the sum is right to a few ε.
    fn assert_covers_the_sphere(grid: &Grid) {
        assert!((grid.covered_fraction() - 1.0).abs() < 1e-13, "{}", grid.covered_fraction());
    }

    #[test]
    fn every_way_to_write_a_global_grid_covers_the_sphere() {
        let lats = [
            Axis::regular(-88.0, 4.0, 45),
            Axis::regular(88.0, -4.0, 45),
            Axis::regular(90.0, -2.5, 73),
            Axis::new((0..45).map(|j| f64::from(-88.0f32 + 4.0 * j as f32)).collect()),
            Axis::new(gaussian_latitudes(32)),
            Axis::new(gaussian_latitudes(32).into_iter().rev().collect()),
        ];
        let lons = [
            Axis::regular(0.0, 3.0, 120),
            Axis::regular(-180.0, 3.0, 120),
            Axis::regular(21.0, 2.0, 180),
            Axis::regular(357.0, -3.0, 120),
            Axis::new((0..120).map(|i| if i < 60 { 3.0 * f64::from(i) } else { 3.0 * f64::from(i) - 360.0 }).collect()),
            Axis::new((0..2400).map(|i| f64::from(-180.0f32 + 0.15 * i as f32)).collect()),
            Axis::regular(0.0, 2.8125, 128),
            Axis::regular(1.0 / 7.0, 360.0 / 77.0, 77),
        ];
        for lat in &lats {
            for lon in &lons {
                let grid = Grid::lat_lon(lon, lat).unwrap();
                assert_covers_the_sphere(&grid);
                let rows = rows_of(&grid);
                let ends: Vec<f64> = rows.lat_bounds_deg.iter().flatten().copied().collect();
                assert!(ends.contains(&90.0) && ends.contains(&-90.0));
                for pair in rows.lat_bounds_deg.windows(2) {
                    assert!(pair[0][1] == pair[1][0] || pair[0][0] == pair[1][1], "{pair:?}");
                }
                let columns = &columns_of(&grid).bounds_deg;
                let (first, last) = (columns[0], columns[columns.len() - 1]);
                assert!(last[1] - 360.0 == first[0] || first[1] - 360.0 == last[0], "{first:?} {last:?}");
            }
        }
    }

    #[test]
    fn gaussian_rows_have_their_weights_unless_bounds_are_given() {
        let lats = gaussian_latitudes(32);
        let lon = Axis::regular(0.0, 2.8125, 128);
        let grid = Grid::lat_lon(&lon, &Axis::new(lats.clone())).unwrap();
        assert_eq!((grid.family.clone(), grid.report.corners), (Family::Gaussian { n: 32 }, CornerSource::Formula));
        let weight = gaussian::gaussian_weights(32)[0];
        let area = grid.area(0) / 2.8125f64.to_radians();
        // 1.4e-14 degrees of edge error, times the cosine, over a weight of 1.8e-3.
        assert!((area / weight - 1.0).abs() < 1e-14, "{}", area / weight - 1.0);

        let mut edges = vec![90.0];
        edges.extend(lats.windows(2).map(|w| 0.5 * (w[0] + w[1])));
        edges.push(-90.0);
        let bounds = edges.windows(2).map(|e| [e[0], e[1]]).collect();
        let given = Grid::lat_lon(&lon, &Axis { centers: lats, bounds: Some(bounds) }).unwrap();
        assert_eq!(rows_of(&given).lat_bounds_deg[0], [edges[1], 90.0]);
        let note = given.report.notes.iter().find(|n| n.contains("Gauss weights")).unwrap();
        assert!(note.contains("not the Gaussian edges") && note.contains('%'), "{note}");
        assert_covers_the_sphere(&given);
    }

    #[test]
    fn bounds_may_come_in_any_order_and_across_the_seam() {
        let lat = Axis::regular(-45.0, 90.0, 2);
        let centers: Vec<f64> = (0..36).map(|i| 10.0 * f64::from(i)).collect();
        let bounds = centers.iter().map(|c| [(c + 5.0) % 360.0, (c + 355.0) % 360.0]).collect();
        let grid = Grid::lat_lon(&Axis { centers, bounds: Some(bounds) }, &lat).unwrap();
        assert_eq!(columns_of(&grid).bounds_deg[0], [-5.0, 5.0]);
        assert_eq!(columns_of(&grid).bounds_deg[35], [345.0, 355.0]);
        assert_covers_the_sphere(&grid);

        let whole = Axis { centers: vec![180.0], bounds: Some(vec![[0.0, 360.0]]) };
        assert_covers_the_sphere(&Grid::lat_lon(&whole, &lat).unwrap());
    }

    #[test]
    fn bounds_that_cannot_be_right_are_not_used_and_noted() {
        let mut lat = Axis::regular(-45.0, 90.0, 2);
        lat.bounds = Some(vec![[-90.0, 10.0], [0.0, 90.0]]);
        let grid = Grid::lat_lon(&Axis::regular(0.0, 90.0, 4), &lat).unwrap();
        assert!(grid.report.notes.iter().any(|n| n.contains("overlap by 10")), "{:?}", grid.report.notes);
        assert_covers_the_sphere(&grid);
    }

    #[test]
    fn a_repeated_column_takes_no_part() {
        let grid = Grid::lat_lon(&Axis::regular(0.0, 1.0, 361), &Axis::regular(-89.5, 1.0, 180)).unwrap();
        assert_eq!((grid.active_count(), grid.report.bad_cells.len()), (360 * 180, 180));
        assert_covers_the_sphere(&grid);
    }

    #[test]
    fn a_region_ends_half_a_cell_beyond_its_centers() {
        let grid = Grid::lat_lon(&Axis::regular(-80.0, 0.5, 21), &Axis::regular(60.0, -0.5, 11)).unwrap();
        assert_eq!(columns_of(&grid).bounds_deg[0], [-80.25, -79.75]);
        assert_eq!(columns_of(&grid).bounds_deg[20], [-70.25, -69.75]);
        assert_eq!(rows_of(&grid).lat_bounds_deg[0], [59.75, 60.25]);
        assert_eq!(rows_of(&grid).lat_bounds_deg[10], [54.75, 55.25]);
    }

    #[test]
    fn unusable_axes_are_refused() {
        let lat = Axis::regular(-45.0, 90.0, 2);
        let twice = Axis::new(vec![0.0, 10.0, 5.0]);
        assert!(matches!(Grid::lat_lon(&twice, &lat), Err(GridError::BadAxis { .. })));
        assert!(matches!(Grid::lat_lon(&Axis::new(vec![0.0]), &lat), Err(GridError::BadAxis { .. })));
        assert!(matches!(Grid::lat_lon(&Axis::new(vec![]), &lat), Err(GridError::BadAxis { .. })));
        assert!(matches!(Grid::lat_lon(&Axis::new(vec![0.0, f64::NAN]), &lat), Err(GridError::BadAxis { .. })));
        let beyond = Axis::new(vec![80.0, 100.0]);
        assert!(matches!(Grid::lat_lon(&Axis::regular(0.0, 90.0, 4), &beyond), Err(GridError::BadAxis { .. })));
        let short = Axis { centers: vec![0.0, 1.0], bounds: Some(vec![[0.0, 1.0]]) };
        assert!(matches!(Grid::lat_lon(&short, &lat), Err(GridError::WrongLength { found: 1, expected: 2, .. })));
    }

    #[test]
    fn a_rotated_grid_has_the_area_of_its_frame() {
        let (rlon, rlat) = (Axis::regular(345.0, 0.5, 61), Axis::regular(-12.0, 0.5, 49));
        let turned = Grid::rotated(65.0, 36.0, 0.0, &rlon, &rlat).unwrap();
        let plain = Grid::lat_lon(&rlon, &rlat).unwrap();
        assert_eq!(turned.covered_fraction(), plain.covered_fraction());
        // The polygon of the rotated corners has great-circle edges: 1e-5 of a half-degree cell at most.
        let polygon = knarr_kernels::cell_area::polygon_area(&turned.corners(777));
        assert!((polygon / turned.area(777) - 1.0).abs() < 2e-5);
        assert!(Grid::rotated(0.0, 95.0, 0.0, &rlon, &rlat).is_err());
    }
}
