//! Corners inferred from centers lie between the right neighbours: at the rim, over the seam, at the fold.

use knarr_grid::{Action, Axis, Blemish, CornerSource, Family, Grid, Layout, LonLat, Mask, gaussian_latitudes};
use knarr_kernels::sphere::{UnitVector, add, distance, normalize, scale, unit_vector};

fn centers_of(grid: &Grid) -> Vec<LonLat> {
    (0..grid.len()).map(|c| grid.center(c)).collect()
}

fn at(lon_deg: f64, lat_deg: f64) -> LonLat {
    LonLat { lon_deg, lat_deg }
}

#[test]
fn a_lat_lon_grid_written_out_is_that_grid() {
    for lat in [Axis::regular(-88.0, 4.0, 45), Axis::regular(90.0, -5.0, 37), Axis::new(gaussian_latitudes(16))] {
        let lon = Axis::regular(-180.0, 5.0, 72);
        let plain = Grid::lat_lon(&lon, &lat).unwrap();
        let shape = [plain.shape[0], plain.shape[1]];
        let written = Grid::curvilinear(shape, centers_of(&plain), None).unwrap();
        assert_eq!((&written.family, &written.layout), (&plain.family, &plain.layout));
        assert!(written.report.recognised_by.contains("two-dimensional"));
    }
}

#[test]
fn corners_of_a_rotated_grid_are_met_to_the_square_of_the_spacing() {
    // The mean of four centers d apart lies off the true corner by at most d²/8 times the tangent of latitude,
    // and extrapolation at the rim doubles it.
    for d in [2.0, 1.0, 0.5] {
        let (rlon, rlat) = (Axis::regular(-10.0, d, 21), Axis::regular(20.0, d, 17));
        let exact = Grid::rotated(30.0, 50.0, 0.0, &rlon, &rlat).unwrap();
        let inferred = Grid::curvilinear([17, 21], centers_of(&exact), None).unwrap();
        assert_eq!((&inferred.family, inferred.report.corners), (&Family::Curvilinear, CornerSource::Centers));
        assert!(inferred.report.bad_cells.is_empty(), "{:?}", inferred.report.summary());
        let bound = 1.5 * f64::to_radians(d).powi(2) * f64::to_radians(20.0 + 17.0 * d).tan();
        for cell in 0..exact.len() {
            for (a, b) in exact.corners(cell).into_iter().zip(inferred.corners(cell)) {
                assert!(distance(a, b) < bound, "{d}: {} {bound}", distance(a, b));
            }
        }
    }
}

#[test]
fn either_direction_of_rows_and_columns_gives_the_same_cells() {
    let exact = Grid::rotated(30.0, 50.0, 0.0, &Axis::regular(-10.0, 1.0, 12), &Axis::regular(20.0, 1.0, 9)).unwrap();
    let mirrored = Grid::rotated(30.0, 50.0, 0.0, &Axis::regular(1.0, -1.0, 12), &Axis::regular(20.0, 1.0, 9)).unwrap();
    let a = Grid::curvilinear([9, 12], centers_of(&exact), None).unwrap();
    let b = Grid::curvilinear([9, 12], centers_of(&mirrored), None).unwrap();
    for cell in 0..a.len() {
        let other = cell / 12 * 12 + 11 - cell % 12;
        assert!((a.area(cell) / b.area(other) - 1.0).abs() < 1e-11 && a.area(cell) > 0.0);
    }
}

/// Centers of a tripolar-like grid: parallels up to 60 N, then two half-circles folded on the line between two poles.
///
/// Beyond 60 N the plane of a polar stereographic map holds confocal ellipses that shrink to a segment: the fold.
struct Tripolar {
    ni: usize,
    rows: usize,
}

impl Tripolar {
    /// Position at fractional indices; `j` = `rows` is the fold line, columns are half a turn apart over it.
    fn position(&self, i: f64, j: f64) -> UnitVector {
        let u = std::f64::consts::TAU * i / self.ni as f64;
        // tan(colatitude / 2) in the plane: half axes of the ellipse; focal points at +-0.2.
        let cap = (self.rows / 3) as f64;
        let rest = self.rows as f64 - j;
        let (a, b) = if rest >= cap {
            let colatitude = 30.0 + (rest - cap) * 60.0 / cap;
            let r = (0.5 * colatitude.to_radians()).tan();
            (r, r)
        } else {
            let r = (15f64.to_radians()).tan();
            let share = rest / cap;
            (0.2 + (r - 0.2) * share, r * share)
        };
        let (x, y) = (a * u.cos(), b * u.sin());
        let s = 1.0 + x * x + y * y;
        [2.0 * x / s, 2.0 * y / s, (2.0 - s) / s]
    }

    /// Centers of `rows` rows with `halo` more at the top, and `columns` from number `first` on.
    fn centers(&self, shift: f64, halo: usize, first: isize, columns: usize) -> ([usize; 2], Vec<LonLat>) {
        let top = self.rows + halo;
        let places = (0..top).flat_map(|j| {
            (0..columns).map(move |k| {
                let (i, j) = ((first + k as isize) as f64 + 0.5, j as f64 + shift);
                let over = j > self.rows as f64;
                let (i, j) = if over { (-i, 2.0 * self.rows as f64 - j) } else { (i, j) };
                LonLat::from_unit(self.position(i, j))
            })
        });
        ([top, columns], places.collect())
    }
}

/// Area of the sphere north of the first row's southern edge, which the cells must cover without hole or overlap.
fn check_tripolar(shift: f64, halo: usize, first: isize, columns: usize, duplicates: usize) {
    let tripolar = Tripolar { ni: 60, rows: 30 };
    let (shape, centers) = tripolar.centers(shift, halo, first, columns);
    let by_centers = Grid::curvilinear_by_centers(shape, centers.clone(), false, &Mask::ALL).unwrap();
    let grid = Grid::curvilinear(shape, centers, None).unwrap();
    assert_eq!(by_centers.mask, grid.mask, "the same copies are dropped");
    let notes = &grid.report.notes;
    assert!(notes.iter().any(|n| n.contains("close the circle")), "{notes:?}");
    assert!(notes.iter().any(|n| n.contains("north fold recognised")), "{notes:?}");
    let summary = grid.report.summary();
    let dropped = summary.iter().find(|s| s.0 == Blemish::Duplicate && s.1 == Action::Dropped).map_or(0, |s| s.2);
    assert_eq!(dropped, duplicates, "{summary:?}");
    assert_eq!(summary.iter().filter(|s| s.1 == Action::Dropped).map(|s| s.2).sum::<usize>(), duplicates, "{summary:?}");

    // Every edge inside is used once each way: no hole, no overlap. The only rim is the southern one.
    let Layout::Polygons { polygons, .. } = &grid.layout else { panic!() };
    let key = |p: UnitVector| p.map(|v| (v * 1e9).round() as i64);
    let mut edges = std::collections::HashMap::new();
    for cell in (0..grid.len()).filter(|&c| grid.mask.is_active(c)) {
        let mut corners = Vec::new();
        polygons.copy_cell(cell, &mut corners);
        for k in 0..corners.len() {
            let (a, b) = (key(corners[k]), key(corners[(k + 1) % corners.len()]));
            *edges.entry((a, b)).or_insert(0i32) += 1;
            *edges.entry((b, a)).or_insert(0i32) -= 1;
        }
    }
    let rim: Vec<_> = edges.iter().filter(|(_, uses)| **uses != 0).collect();
    let south = -0.5;
    assert_eq!(rim.len(), 2 * 60, "edges without a partner");
    assert!(rim.iter().all(|((a, _), _)| (a[2] as f64) < south * 1e9), "the rim lies in the south");
}

#[test]
fn a_fold_about_cell_edges_closes_the_north() {
    // F-point pivot: the last row of centers lies half a row south of the fold.
    check_tripolar(0.5, 0, 0, 60, 0);
}

#[test]
fn a_fold_about_cell_edges_with_halo_closes_the_north() {
    // One row beyond the fold, and one column on each side: ORCA1 as NEMO writes it.
    check_tripolar(0.5, 1, -1, 62, 30 * 2 + 62);
}

#[test]
fn a_fold_about_cell_centers_closes_the_north() {
    // T-point pivot: centers of row 30 lie on the fold, each twice.
    check_tripolar(1.0, 0, 0, 60, 30);
}

#[test]
fn a_fold_about_cell_centers_with_halo_closes_the_north() {
    check_tripolar(1.0, 1, -1, 62, 29 * 2 + (62 - 30) + 62);
}

#[test]
fn no_fold_is_seen_on_rows_around_a_pole() {
    // Rows about a pole that is shifted a little, so that the axes do not separate.
    let exact = Grid::rotated(40.0, 85.0, 0.0, &Axis::regular(0.0, 3.0, 120), &Axis::regular(-88.5, 3.0, 60)).unwrap();
    let grid = Grid::curvilinear([60, 120], centers_of(&exact), None).unwrap();
    assert!(!grid.report.notes.iter().any(|n| n.contains("fold")), "{:?}", grid.report.notes);
    // Both ends of the last rows' cells meet in the frame's poles.
    assert_eq!(grid.report.summary(), [(Blemish::DoubledCorner, Action::Repaired, 240)]);
    // The corners of the last rows lie within d² of the poles, which leaves holes of that size.
    assert!((grid.covered_fraction() - 1.0).abs() < 1e-3, "{}", grid.covered_fraction());
}

#[test]
fn no_corner_is_built_across_a_tear() {
    // Two pieces of one grid, 40 degrees apart, as rows of one file.
    let piece = |lon: f64| {
        let exact = Grid::rotated(lon, 50.0, 0.0, &Axis::regular(-10.0, 1.0, 12), &Axis::regular(20.0, 1.0, 6)).unwrap();
        centers_of(&exact)
    };
    let apart: Vec<Grid> = [30.0, 70.0].map(|lon| Grid::curvilinear([6, 12], piece(lon), None).unwrap()).into();
    let both = Grid::curvilinear([12, 12], [piece(30.0), piece(70.0)].concat(), None).unwrap();
    assert!(both.report.notes.iter().any(|n| n.starts_with("24 cells lie at a tear")), "{:?}", both.report.notes);
    assert!(both.report.bad_cells.is_empty(), "{:?}", both.report.summary());
    for cell in 0..both.len() {
        let alone = apart[cell / 72].area(cell % 72);
        // The same centers summed in another order; where tear and rim meet, mirrored in another order: d⁴ = 1e-7.
        assert!((both.area(cell) / alone - 1.0).abs() < 1e-6, "{cell}: {}", both.area(cell) / alone - 1.0);
    }
}

#[test]
fn missing_centers_leave_their_neighbours_whole() {
    let exact = Grid::rotated(30.0, 50.0, 0.0, &Axis::regular(-10.0, 1.0, 12), &Axis::regular(20.0, 1.0, 9)).unwrap();
    let whole = Grid::curvilinear([9, 12], centers_of(&exact), None).unwrap();
    for unset in [at(f64::NAN, f64::NAN), at(0.0, 0.0)] {
        let mut centers = centers_of(&exact);
        centers[40] = unset;
        centers[41] = unset;
        let grid = Grid::curvilinear([9, 12], centers, None).unwrap();
        let bad: Vec<_> = grid.report.bad_cells.iter().map(|b| (b.cell, b.blemish, b.action)).collect();
        assert_eq!(bad, [40, 41].map(|cell| (cell, Blemish::MissingCoordinate, Action::Dropped)));
        // Neighbours are completed with mirrored centers: they agree to the curvature of the grid, d² = 3e-4.
        for cell in [39, 42, 28, 29, 52, 53] {
            assert!((grid.area(cell) / whole.area(cell) - 1.0).abs() < 5e-3);
        }
    }
}

#[test]
fn a_single_row_is_points() {
    let centers: Vec<LonLat> = (0..9).map(|i| at(f64::from(i), f64::from(i))).collect();
    let grid = Grid::curvilinear([1, 9], centers, None).unwrap();
    assert_eq!((grid.has_corners(), grid.report.corners), (false, CornerSource::None));
}

#[test]
fn the_mean_of_four_is_a_mean_of_vectors() {
    // Around the pole, where means of longitudes and latitudes fail.
    let centers: Vec<LonLat> = (0..9)
        .map(|c| {
            let (x, y) = (f64::from(c % 3) - 1.1, f64::from(c / 3) - 0.9);
            LonLat::from_unit(normalize([0.01 * x, 0.01 * y, 1.0]).unwrap())
        })
        .collect();
    let grid = Grid::curvilinear([3, 3], centers.clone(), None).unwrap();
    let sum = [0, 1, 3, 4].into_iter().fold([0.0; 3], |sum, c| add(sum, centers[c as usize].unit()));
    let expected = scale(sum, 1.0 / knarr_kernels::sphere::dot(sum, sum).sqrt());
    assert!(grid.corners(0).into_iter().any(|p| distance(p, expected) < 1e-15));
    assert!(distance(unit_vector(0.0, 90.0), grid.center(4).unit()) < 0.02);
}
