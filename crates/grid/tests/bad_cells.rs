//! Each blemish is found in the cell that has it, treated as documented, and never fatal to the rest.

use knarr_grid::{Action, Axis, Blemish, CornerLists, Grid, GridError, Layout, LonLat, Mask, Offsets, Outlines};

const NI: usize = 24;
const NJ: usize = 16;

/// A grid about a rotated pole with its cells as polygons: centers, corners, shape.
fn sound() -> (Vec<LonLat>, CornerLists) {
    let grid = Grid::rotated(-100.0, 35.0, 0.0, &Axis::regular(-11.5, 1.0, NI), &Axis::regular(-7.5, 1.0, NJ)).unwrap();
    let centers = (0..grid.len()).map(|c| grid.center(c)).collect();
    let corners = (0..grid.len()).flat_map(|c| grid.corners(c)).map(LonLat::from_unit).collect();
    (centers, CornerLists { corners, offsets: Offsets::Uniform(4) })
}

fn build(centers: &[LonLat], corners: &CornerLists) -> Grid {
    Grid::curvilinear([NJ, NI], centers.to_vec(), Some(corners.clone())).unwrap()
}

/// The same cells without rows and columns, so that nothing tells what broken corners should be.
fn build_mesh(centers: &[LonLat], corners: &CornerLists) -> Grid {
    Grid::mesh(Some(centers.to_vec()), corners.clone()).unwrap()
}

fn total_area(grid: &Grid) -> f64 {
    grid.covered_fraction()
}

/// What the report lists, without positions.
fn listed(grid: &Grid) -> Vec<(usize, Blemish, Action)> {
    grid.report.bad_cells.iter().map(|b| (b.cell, b.blemish, b.action)).collect()
}

fn at(lon_deg: f64, lat_deg: f64) -> LonLat {
    LonLat { lon_deg, lat_deg }
}

#[test]
fn a_sound_grid_has_an_empty_report() {
    let (centers, corners) = sound();
    let grid = build(&centers, &corners);
    assert!(listed(&grid).is_empty() && grid.report.notes.is_empty(), "{:?}", grid.report);
    assert_eq!(grid.active_count(), NI * NJ);
}

#[test]
fn orientation_of_the_whole_file_is_a_note() {
    let (centers, mut corners) = sound();
    let expected = total_area(&build(&centers, &corners));
    corners.corners.chunks_mut(4).for_each(<[LonLat]>::reverse);
    let grid = build(&centers, &corners);
    assert_eq!(grid.report.notes.len(), 1, "{:?}", grid.report.notes);
    assert!(grid.report.notes[0].contains("384 of 384 cells turn clockwise"));
    assert!(listed(&grid).is_empty());
    // The same triangles summed from another corner.
    assert!((total_area(&grid) / expected - 1.0).abs() < 1e-12);
    assert!((0..grid.len()).all(|cell| grid.area(cell) > 0.0));
}

#[test]
fn orientation_of_few_cells_is_listed_and_of_half_a_note() {
    let (centers, mut corners) = sound();
    for cell in [7, 100] {
        corners.corners[4 * cell..4 * cell + 4].reverse();
    }
    let grid = build(&centers, &corners);
    assert_eq!(listed(&grid), [(7, Blemish::Clockwise, Action::Repaired), (100, Blemish::Clockwise, Action::Repaired)]);
    assert!(grid.area(7) > 0.0 && grid.active_count() == NI * NJ);

    let (centers, mut corners) = sound();
    corners.corners.chunks_mut(4).step_by(2).for_each(<[LonLat]>::reverse);
    let grid = build(&centers, &corners);
    assert!(listed(&grid).is_empty() && grid.report.notes.len() == 1);
}

#[test]
fn missing_coordinates_drop_their_cell_alone() {
    let (mut centers, mut corners) = sound();
    centers[3] = at(f64::NAN, f64::NAN);
    centers[4] = at(1e20, 1e20);
    corners.corners[4 * 50 + 2] = at(9.969_21e36, 10.0);
    corners.corners[4 * 60] = at(10.0, 91.0);
    let grid = build_mesh(&centers, &corners);
    assert_eq!(listed(&grid), [3, 4, 50, 60].map(|cell| (cell, Blemish::MissingCoordinate, Action::Dropped)));
    assert_eq!(grid.active_count(), NI * NJ - 4);
    for cell in [3, 4, 50, 60] {
        assert!(grid.corners(cell).is_empty() && grid.area(cell) == 0.0 && !grid.mask.is_active(cell));
        assert!(grid.center(cell).lat_deg.is_finite() && grid.center(cell).lon_deg.is_finite());
    }
    // The report gives the position it knows.
    assert_eq!(grid.report.bad_cells[2].center, centers[50]);
    // On rows and columns a missing center still drops its cell, a missing corner is made up for.
    let grid = build(&centers, &corners);
    let actions = [Action::Dropped, Action::Dropped, Action::Repaired, Action::Repaired];
    let expected: Vec<_> = [3, 4, 50, 60].into_iter().zip(actions).map(|(c, a)| (c, Blemish::MissingCoordinate, a)).collect();
    assert_eq!(listed(&grid), expected);
}

#[test]
fn broken_corners_on_rows_and_columns_are_made_up_from_the_centers_around() {
    let (centers, mut corners) = sound();
    let whole = build(&centers, &corners);
    corners.corners[4 * 200 + 1] = at(0.0, 0.0);
    corners.corners[4 * 210 + 3] = at(f64::NAN, f64::NAN);
    let one = corners.corners[4 * 220];
    corners.corners[4 * 220..4 * 221].fill(one);
    let grid = build(&centers, &corners);
    let expected = [(200, Blemish::Oversized), (210, Blemish::MissingCoordinate), (220, Blemish::Degenerate)];
    assert_eq!(listed(&grid), expected.map(|(cell, blemish)| (cell, blemish, Action::Repaired)));
    assert!(grid.report.notes.iter().any(|n| n.starts_with("3 cells with broken corners got")), "{:?}", grid.report.notes);
    for (cell, _) in expected {
        // Means of four centers d apart: right to d², 3e-4 for one degree.
        assert!((grid.area(cell) / whole.area(cell) - 1.0).abs() < 1e-3);
    }
}

#[test]
fn boxes_that_do_not_meet_are_remarked_on() {
    // Corners as boxes of longitude and latitude on a grid turned by 45 degrees: neighbours leave gaps.
    let (mut centers, mut corners) = (Vec::new(), Vec::new());
    for (i, j) in (0..NJ).flat_map(|j| (0..NI).map(move |i| (i as f64, j as f64))) {
        let c = at(10.0 + 0.5 * (i - j), 0.5 * (i + j) - 5.0);
        centers.push(c);
        corners
            .extend([(-0.25, -0.25), (0.25, -0.25), (0.25, 0.25), (-0.25, 0.25)].map(|(x, y)| at(c.lon_deg + x, c.lat_deg + y)));
    }
    let grid = build(&centers, &CornerLists { corners, offsets: Offsets::Uniform(4) });
    assert!(grid.report.notes.iter().any(|n| n.contains("leave gaps or overlap")), "{:?}", grid.report.notes);
    assert!(listed(&grid).is_empty());
}

#[test]
fn doubled_corners_are_removed() {
    let (centers, mut corners) = sound();
    corners.corners[4 * 30 + 1] = corners.corners[4 * 30];
    let grid = build(&centers, &corners);
    assert_eq!(listed(&grid), [(30, Blemish::DoubledCorner, Action::Repaired)]);
    assert_eq!(grid.corners(30).len(), 3);
    assert!(grid.mask.is_active(30));
}

#[test]
fn cells_without_area_are_dropped() {
    let (centers, mut corners) = sound();
    let one = corners.corners[4 * 31];
    corners.corners[4 * 31..4 * 32].fill(one);
    let (a, b) = (corners.corners[4 * 77], corners.corners[4 * 77 + 1]);
    corners.corners[4 * 77 + 2] = b;
    corners.corners[4 * 77 + 3] = a;
    let grid = build_mesh(&centers, &corners);
    assert_eq!(listed(&grid), [(31, Blemish::Degenerate, Action::Dropped), (77, Blemish::Degenerate, Action::Dropped)]);
}

#[test]
fn a_bow_tie_of_four_corners_is_untangled() {
    let (centers, mut corners) = sound();
    let sound_area = build(&centers, &corners).area(90);
    corners.corners.swap(4 * 90 + 1, 4 * 90 + 2);
    corners.corners.swap(4 * 91, 4 * 91 + 1);
    let grid = build(&centers, &corners);
    assert_eq!(listed(&grid), [90, 91].map(|cell| (cell, Blemish::SelfCrossing, Action::Repaired)));
    assert!((grid.area(90) / sound_area - 1.0).abs() < 1e-12);
}

#[test]
fn a_crossed_polygon_of_more_corners_is_dropped() {
    let star = [at(0.0, 0.0), at(1.0, 1.0), at(1.0, 0.0), at(0.0, 1.0), at(-0.5, 0.5)];
    let square = [at(5.0, 0.0), at(6.0, 0.0), at(6.0, 1.0), at(5.5, 1.2), at(5.0, 1.0)];
    let corners = CornerLists { corners: [star, square].concat(), offsets: Offsets::PerCell(vec![0, 5, 10]) };
    let grid = Grid::mesh(None, corners).unwrap();
    assert_eq!(listed(&grid), [(0, Blemish::SelfCrossing, Action::Dropped)]);
    assert_eq!(grid.active_count(), 1);
}

#[test]
fn concave_cells_take_part_as_they_are() {
    let dart = [at(0.0, 0.0), at(1.0, 0.0), at(0.2, 0.2), at(0.0, 1.0)];
    for turned in [false, true] {
        let mut cell = dart.to_vec();
        if turned {
            cell.reverse();
        }
        let grid = Grid::mesh(None, CornerLists { corners: cell, offsets: Offsets::Uniform(4) }).unwrap();
        assert!(listed(&grid).contains(&(0, Blemish::Concave, Action::Kept)));
        // Twice the triangle (0,0) (1,0) (0.2,0.2) in the plane, to the square of a degree in radians.
        let plane = 0.2 * 1f64.to_radians().powi(2);
        assert!((grid.area(0) / plane - 1.0).abs() < 4e-4, "{}", grid.area(0) / plane);
    }
}

#[test]
fn corners_elsewhere_on_the_globe_are_found() {
    // A whole first row with one corner each far away, and single cells with unset corners at (0, 0).
    let (centers, mut corners) = sound();
    for cell in 0..NI {
        corners.corners[4 * cell + 2] = at(73.0, 58.0);
    }
    corners.corners[4 * 200 + 1] = at(0.0, 0.0);
    corners.corners[4 * 210] = at(0.0, 0.0);
    corners.corners[4 * 210 + 1] = at(0.0, 0.0);
    let bad: Vec<usize> = (0..NI).chain([200, 210]).collect();
    for (grid, action) in [(build_mesh(&centers, &corners), Action::Dropped), (build(&centers, &corners), Action::Repaired)] {
        assert_eq!(listed(&grid), bad.iter().map(|&c| (c, Blemish::Oversized, action)).collect::<Vec<_>>());
    }
}

#[test]
fn an_unset_corner_is_found_near_the_origin_too() {
    // Cells of one degree at 3 E 3 N: (0, 0) is only a few cells away.
    let centers: Vec<LonLat> = (0..100).map(|c| at(f64::from(c % 10) + 3.3, f64::from(c / 10) + 3.3)).collect();
    let quad = |c: &LonLat| [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(x, y)| at(c.lon_deg + x, c.lat_deg + y));
    let mut corners: Vec<LonLat> = centers.iter().flat_map(quad).collect();
    corners[0] = at(0.0, 0.0);
    let lists = CornerLists { corners, offsets: Offsets::Uniform(4) };
    let grid = Grid::curvilinear([10, 10], centers, Some(lists)).unwrap();
    assert_eq!(listed(&grid), [(0, Blemish::Oversized, Action::Repaired)]);
}

#[test]
fn the_outer_copies_of_halo_columns_are_dropped() {
    let n = 36;
    let lon = |i: usize| 10.0 * i as f64 - 10.0;
    let mut centers = Vec::new();
    let mut corners = Vec::new();
    for j in 0..10 {
        let lat = -45.0 + 10.0 * f64::from(j);
        for i in 0..n + 2 {
            // Written as 0 .. 360, so the halo comes with other numbers than its twin.
            centers.push(at(lon(i).rem_euclid(360.0), lat));
            corners.extend([(-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)].map(|(x, y)| at(lon(i) + x, lat + y)));
        }
    }
    let lists = CornerLists { corners, offsets: Offsets::Uniform(4) };
    let by_centers = Grid::curvilinear_by_centers([10, n + 2], centers.clone(), true, &Mask::ALL).unwrap();
    let grid = Grid::curvilinear([10, n + 2], centers, Some(lists)).unwrap();
    // The first column repeats the last but one, the last repeats the second: models leave these two without values.
    let expected: Vec<usize> = (0..10).flat_map(|j| [j * (n + 2), j * (n + 2) + n + 1]).collect();
    let dropped: Vec<_> = expected.iter().map(|&c| (c, Blemish::Duplicate, Action::Dropped)).collect();
    assert_eq!(listed(&grid), dropped);
    assert_eq!(listed(&by_centers), dropped);
    assert_eq!(by_centers.mask, grid.mask);
}

#[test]
fn polar_rows_share_a_center_and_are_no_duplicates() {
    let mut centers = Vec::new();
    let mut corners = Vec::new();
    for (lat, south, north) in [(80.0, 75.0, 85.0), (90.0, 85.0, 90.0)] {
        for i in 0..36 {
            let lon = 10.0 * f64::from(i);
            centers.push(at(lon, lat));
            corners.extend([(-5.0, south), (5.0, south), (5.0, north), (-5.0, north)].map(|(x, lat)| at(lon + x, lat)));
        }
    }
    let lists = CornerLists { corners, offsets: Offsets::Uniform(4) };
    let by_centers = Grid::curvilinear_by_centers([2, 36], centers.clone(), true, &Mask::ALL).unwrap();
    let grid = Grid::curvilinear([2, 36], centers, Some(lists)).unwrap();
    for grid in [grid, by_centers] {
        assert!(listed(&grid).is_empty(), "{:?}", grid.report.summary());
        assert_eq!(grid.active_count(), 72);
    }
}

#[test]
fn by_centers_unset_missing_and_stray_places_take_no_part() {
    let mut centers: Vec<LonLat> =
        (0..100).map(|c| at(f64::from(c % 10) + 3.3, f64::from(c / 10) + 3.3 + 0.01 * f64::from(c % 10))).collect();
    let mask = Mask::from_active((0..100).map(|c| c != 50).collect());
    for cell in [0, 1, 99] {
        centers[cell] = at(0.0, 0.0);
    }
    centers[7] = at(f64::NAN, 3.0);
    centers[80] = at(80.0, 50.0);
    let grid = Grid::curvilinear_by_centers([10, 10], centers.clone(), true, &mask).unwrap();
    let inactive: Vec<usize> = (0..100).filter(|&c| !grid.mask.is_active(c)).collect();
    assert_eq!(inactive, [0, 1, 7, 50, 80, 99]);
    assert!(listed(&grid).contains(&(80, Blemish::Oversized, Action::Dropped)), "a place of its own");
    assert!(grid.report.notes.iter().any(|n| n.contains("3 centers at exactly 0 E, 0 N")), "{:?}", grid.report.notes);
    assert!(matches!(Grid::curvilinear_by_centers([9, 10], centers, true, &mask), Err(GridError::WrongLength { .. })));
}

#[test]
fn large_cells_of_coarse_grids_are_sound() {
    for n in [1, 2, 4] {
        let made = Grid::icosahedral_triangles(n).unwrap();
        let corners = (0..made.len()).flat_map(|c| made.corners(c)).map(LonLat::from_unit).collect();
        let centers = (0..made.len()).map(|c| made.center(c)).collect();
        let grid = Grid::mesh(Some(centers), CornerLists { corners, offsets: Offsets::Uniform(3) }).unwrap();
        assert!(listed(&grid).is_empty());
        // Corners went through degrees: 1e-16 of a radian each.
        assert!((grid.covered_fraction() - 1.0).abs() < 1e-13);
    }
}

#[test]
fn lists_of_one_width_may_be_filled_up_either_way() {
    let triangle = [at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0)];
    let nothing = at(f64::NAN, f64::NAN);
    let quad = [at(3.0, 0.0), at(4.0, 0.0), at(4.0, 1.0), at(3.0, 1.0)];
    let mut corners = Vec::new();
    corners.extend(quad);
    corners.extend([nothing; 2]);
    corners.extend(triangle);
    corners.extend([nothing; 3]);
    corners.extend(triangle.map(|p| at(p.lon_deg + 8.0, p.lat_deg)));
    corners.extend([at(8.0, 1.0); 3]);
    let grid = Grid::mesh(None, CornerLists { corners, offsets: Offsets::Uniform(6) }).unwrap();
    assert!(listed(&grid).is_empty(), "{:?}", grid.report);
    assert_eq!((0..3).map(|c| grid.corners(c).len()).collect::<Vec<_>>(), [4, 3, 3]);
    // Missing corners inside a list are missing.
    let corners = vec![at(0.0, 0.0), nothing, at(1.0, 0.0), at(0.0, 1.0)];
    let grid = Grid::mesh(None, CornerLists { corners, offsets: Offsets::Uniform(4) }).unwrap();
    assert_eq!(listed(&grid), [(0, Blemish::MissingCoordinate, Action::Dropped)]);
}

#[test]
fn corners_that_files_repeat_are_shared() {
    let (centers, corners) = sound();
    let grid = build(&centers, &corners);
    let Layout::Polygons { polygons, .. } = &grid.layout else { panic!() };
    assert_eq!(polygons.offsets, Offsets::Uniform(4));
    assert_eq!(polygons.vertices.len(), (NI + 1) * (NJ + 1));
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let (centers, corners) = sound();
    assert!(Grid::curvilinear([NJ, NI + 1], centers.clone(), Some(corners.clone())).is_err());
    assert!(Grid::mesh(Some(centers[1..].to_vec()), corners.clone()).is_err());
    let cut = CornerLists { corners: corners.corners[1..].to_vec(), offsets: Offsets::Uniform(4) };
    assert!(Grid::mesh(None, cut).is_err());
    let wild = CornerLists { corners: corners.corners, offsets: Offsets::PerCell(vec![0, 9, 5]) };
    assert!(Grid::mesh(None, wild).is_err());
}

#[test]
fn points_that_are_missing_take_no_part() {
    let grid = Grid::points(vec![at(0.0, 0.0), at(f64::NAN, 0.0), at(10.0, 95.0)]).unwrap();
    assert_eq!((grid.len(), grid.active_count(), grid.has_corners()), (3, 1, false));
    assert_eq!(grid.report.bad_cells.len(), 2);
    assert!(Grid::points(vec![at(f64::NAN, 0.0)]).is_err());
}

#[test]
fn of_two_copies_the_active_one_is_kept() {
    // Six columns of 60 degrees and a halo column at the end; the mask switches the first column off.
    let lon = |i: usize| 60.0 * i as f64;
    let mut centers = Vec::new();
    let mut corners = Vec::new();
    for j in 0..4 {
        let lat = -45.0 + 30.0 * f64::from(j);
        for i in 0..7 {
            centers.push(at(lon(i).rem_euclid(360.0), lat));
            corners.extend([(-30.0, -15.0), (30.0, -15.0), (30.0, 15.0), (-30.0, 15.0)].map(|(x, y)| at(lon(i) + x, lat + y)));
        }
    }
    let lists = || CornerLists { corners: corners.clone(), offsets: Offsets::Uniform(4) };
    let mask = Mask::from_active((0..28).map(|c| c % 7 != 0).collect());
    let masked = Grid::curvilinear_masked([4, 7], centers.clone(), Some(Outlines::of_lists(lists()).unwrap()), &mask).unwrap();
    assert_eq!(masked.active_count(), 24);
    let plain = Grid::curvilinear([4, 7], centers, Some(lists())).unwrap();
    assert_eq!(plain.active_count(), 24);
    assert!(plain.mask.is_active(0) != masked.mask.is_active(0));
}
