//! First-order conservative weights: what they keep, on every pair of grid kinds.

use knarr_grid::{Columns, CornerSource, Family, Grid, Layout, LonAxis, LonLat, Mask, Polygons, Report, Rows};
use knarr_kernels::global_integral::weighted_sum;
use knarr_kernels::sphere::{Rotation, UnitVector, normalize};
use knarr_regrid::{Edges, Method, Normalization, Options, Weights};
use std::collections::HashMap;
use std::f64::consts::PI;

/// Equiangular cubed sphere, written down here so that the search is tested against other hands.
fn cubed_sphere(n: usize) -> Grid {
    let tan = |k: usize| if 2 * k == n { 0.0 } else { (PI / 2.0 * (k as f64 / n as f64 - 0.5)).tan() };
    let mut cells: Vec<[UnitVector; 4]> = Vec::new();
    for face in 0..6 {
        let at = |i: usize, j: usize| -> UnitVector {
            let (a, b) = (tan(i), tan(j));
            let p = match face {
                0 => [1.0, a, b],
                1 => [-a, 1.0, b],
                2 => [-1.0, -a, b],
                3 => [a, -1.0, b],
                4 => [-b, a, 1.0],
                _ => [b, a, -1.0],
            };
            normalize(p).expect("never zero")
        };
        for j in 0..n {
            for i in 0..n {
                cells.push([at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)]);
            }
        }
    }
    polygons(Family::CubedSphere { n }, cells.iter().map(|c| c.as_slice()))
}

fn polygons<'a>(family: Family, cells: impl Iterator<Item = &'a [UnitVector]>) -> Grid {
    let polygons = Polygons::from_cells(cells);
    let centers: Vec<LonLat> = (0..polygons.len())
        .map(|c| {
            let mut corners = Vec::new();
            polygons.copy_cell(c, &mut corners);
            LonLat::from_unit(corners.iter().fold([0.0; 3], |s, p| [s[0] + p[0], s[1] + p[1], s[2] + p[2]]))
        })
        .collect();
    Grid {
        family,
        shape: vec![centers.len()],
        layout: Layout::Polygons { centers, polygons },
        mask: Mask::ALL,
        report: Report::new("test", CornerSource::Formula),
    }
}

/// Global lat-lon, cell edges from `west`; rows from the south.
fn lat_lon(nlon: usize, nlat: usize, west: f64) -> Grid {
    rows(nlon, nlat, west, None)
}

fn rows(nlon: usize, nlat: usize, west: f64, rotation: Option<Rotation>) -> Grid {
    let (dlon, dlat) = (360.0 / nlon as f64, 180.0 / nlat as f64);
    let lat_edge = |j: usize| if j == nlat { 90.0 } else { -90.0 + dlat * j as f64 };
    let lon_edge = |i: usize| west + dlon * i as f64;
    let layout = Rows {
        rotation,
        lats_deg: (0..nlat).map(|j| -90.0 + dlat * (j as f64 + 0.5)).collect(),
        lat_bounds_deg: (0..nlat).map(|j| [lat_edge(j), lat_edge(j + 1)]).collect(),
        columns: Columns::Shared(LonAxis {
            centers_deg: (0..nlon).map(|i| west + dlon * (i as f64 + 0.5)).collect(),
            bounds_deg: (0..nlon).map(|i| [lon_edge(i), lon_edge(i + 1)]).collect(),
        }),
    };
    Grid {
        family: Family::LatLon,
        shape: vec![nlat, nlon],
        layout: Layout::Rows(layout),
        mask: Mask::ALL,
        report: Report::new("test", CornerSource::Formula),
    }
}

fn rotated(nlon: usize, nlat: usize) -> Grid {
    rows(nlon, nlat, -180.0, Some(Rotation::from_rotated_pole(-97.6, 36.1, 0.0)))
}

/// Rows of equal height with the row lengths of an octahedral grid.
fn octahedral(n: usize) -> Grid {
    let counts: Vec<usize> = (0..2 * n).map(|j| 16 + 4 * (j.min(2 * n - 1 - j) + 1)).collect();
    let mut starts = vec![0];
    counts.iter().for_each(|c| starts.push(starts[starts.len() - 1] + c));
    let edge = |j: usize| 90.0 - 180.0 * j as f64 / (2 * n) as f64;
    let mut grid = lat_lon(4, 2, 0.0);
    grid.shape = vec![starts[2 * n]];
    grid.layout = Layout::Rows(Rows {
        rotation: None,
        lats_deg: (0..2 * n).map(|j| 0.5 * (edge(j) + edge(j + 1))).collect(),
        lat_bounds_deg: (0..2 * n).map(|j| [edge(j + 1), edge(j)]).collect(),
        columns: Columns::Reduced { counts, starts },
    });
    grid
}

/// The cells of a global grid within columns `west..east` and rows `south..north`.
fn cut_out(grid: Grid, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> Grid {
    let Layout::Rows(mut layout) = grid.layout else { unreachable!("made by lat_lon") };
    let Columns::Shared(mut axis) = layout.columns else { unreachable!("made by lat_lon") };
    axis.centers_deg = axis.centers_deg[columns.clone()].to_vec();
    axis.bounds_deg = axis.bounds_deg[columns.clone()].to_vec();
    layout.columns = Columns::Shared(axis);
    layout.lats_deg = layout.lats_deg[rows.clone()].to_vec();
    layout.lat_bounds_deg = layout.lat_bounds_deg[rows.clone()].to_vec();
    Grid { shape: vec![rows.len(), columns.len()], layout: Layout::Rows(layout), ..grid }
}

/// A tetrahedron's faces: four cells, each larger than a tangent plane holds.
fn tetrahedron() -> Grid {
    let v = [[1.0, 1.0, 1.0], [-1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, -1.0]].map(|p| normalize(p).expect("not zero"));
    let cells: Vec<Vec<UnitVector>> = [[v[0], v[2], v[1]], [v[0], v[3], v[2]], [v[0], v[1], v[3]], [v[1], v[2], v[3]]]
        .into_iter()
        .map(|c| if knarr_kernels::cell_area::polygon_area(&c) > 0.0 { c.to_vec() } else { c.into_iter().rev().collect() })
        .collect();
    polygons(Family::Mesh, cells.iter().map(Vec::as_slice))
}

fn grids() -> Vec<(&'static str, Grid)> {
    vec![
        ("36x18", lat_lon(36, 18, 0.0)),
        ("36x18 shifted", lat_lon(36, 18, -183.7)),
        ("4x2", lat_lon(4, 2, 0.0)),
        ("72x37", lat_lon(72, 37, 12.3)),
        ("rotated 40x20", rotated(40, 20)),
        ("rotated 5x4", rotated(5, 4)),
        ("O8", octahedral(8)),
        ("CS6", cubed_sphere(6)),
        ("CS9", cubed_sphere(9)),
        ("CS1", cubed_sphere(1)),
        ("tetrahedron", tetrahedron()),
    ]
}

fn build(source: &Grid, destination: &Grid) -> Weights {
    Weights::build(source, destination, &Options::new(Method::Conservative)).expect("both grids have corners")
}

fn areas(weights: &Weights) -> &[Vec<f64>; 2] {
    weights.areas.as_ref().expect("conservative weights have areas")
}

/// Area of overlap of link `k` of row `i`.
fn overlap(weights: &Weights, i: usize, k: usize) -> f64 {
    weights.values[k] * weights.destination_fraction(i) * areas(weights)[1][i]
}

/// Greatest deviation of row and column sums of overlap from the cells' areas, relative to the areas.
fn closure(weights: &Weights) -> (f64, f64) {
    let mut columns = vec![0.0; weights.source_len];
    let mut row_error = 0.0f64;
    for i in 0..weights.destination_len() {
        row_error = row_error.max((weights.destination_fraction(i) - 1.0).abs());
        for k in weights.row_starts[i]..weights.row_starts[i + 1] {
            columns[weights.columns[k] as usize] += overlap(weights, i, k);
        }
    }
    let column_error = columns.iter().zip(&areas(weights)[0]).map(|(c, a)| (c / a - 1.0).abs()).fold(0.0, f64::max);
    (row_error, column_error)
}

fn for_all_pairs(mut check: impl FnMut(&str, &Grid, &Grid, &Weights)) {
    for (source_name, source) in grids() {
        for (destination_name, destination) in grids() {
            let name = format!("{source_name} -> {destination_name}");
            check(&name, &source, &destination, &build(&source, &destination));
        }
    }
}

#[test]
fn every_pair_of_global_grids_tiles_the_sphere() {
    for_all_pairs(|name, _, _, weights| {
        let (rows, columns) = closure(weights);
        // Corners are rounded to 1e-16; the smallest cells here are 0.003 wide at the pole.
        assert!(rows < 2e-13 && columns < 2e-13, "{name}: {rows:e} {columns:e}");
        assert_eq!(weights.unmapped_count(), 0, "{name}");
        assert!(weights.values.iter().all(|&w| w > 0.0 && w <= 1.0 + 1e-15), "{name}");
    });
}

#[test]
fn constants_stay_and_the_integral_is_kept() {
    for_all_pairs(|name, source, _, weights| {
        let field: Vec<f64> = (0..source.len()).map(|c| source.center(c).unit()).map(|p| 2.0 + p[2] * p[0]).collect();
        let mut result = Vec::new();
        for i in 0..weights.destination_len() {
            let (columns, values) = weights.row(i);
            let sum: f64 = values.iter().sum();
            // A rounding of half a unit for each addition.
            let bound = 4e-15f64.max(1.1e-16 * values.len() as f64);
            assert!((sum - 1.0).abs() < bound, "{name}: row {i} sums to {sum}");
            result.push(columns.iter().zip(values).map(|(&j, w)| w * field[j as usize]).sum());
        }
        let integral = weighted_sum(&result, &areas(weights)[1]);
        let expected = weighted_sum(&field, &areas(weights)[0]);
        assert!((integral / expected - 1.0).abs() < 1e-14, "{name}: {:e}", integral / expected - 1.0);
    });
}

#[test]
fn reversing_the_roles_gives_the_same_overlaps() {
    for_all_pairs(|name, source, destination, there| {
        let back = build(destination, source);
        let mut areas: HashMap<(usize, usize), f64> = HashMap::new();
        for j in 0..back.destination_len() {
            for k in back.row_starts[j]..back.row_starts[j + 1] {
                areas.insert((j, back.columns[k] as usize), overlap(&back, j, k));
            }
        }
        for i in 0..there.destination_len() {
            for k in there.row_starts[i]..there.row_starts[i + 1] {
                let (a, b) = (overlap(there, i, k), areas.remove(&(there.columns[k] as usize, i)).unwrap_or(0.0));
                assert!((a - b).abs() < 4e-15, "{name}: {} {i}: {a:e} {b:e}", there.columns[k]);
            }
        }
        // What is kept on one side only is a sliver.
        assert!(areas.values().all(|&a| a < 4e-15), "{name}");
    });
}

#[test]
fn great_circle_edges_tile_too() {
    let options = Options { edges: Edges::GreatCircle, ..Options::new(Method::Conservative) };
    let weights = Weights::build(&lat_lon(36, 18, 0.0), &cubed_sphere(4), &options).expect("both have corners");
    let (rows, columns) = closure(&weights);
    assert!(rows < 1e-13 && columns < 1e-13, "{rows:e} {columns:e}");
    let total: f64 = areas(&weights)[0].iter().sum();
    assert!((total / (4.0 * PI) - 1.0).abs() < 1e-13, "great-circle cells with shared corners tile the sphere: {total}");
}

#[test]
fn great_circle_cells_lose_the_lens_to_their_neighbour() {
    // A lat-lon grid read as great-circle polygons, onto the same grid with parallels.
    let exact = lat_lon(36, 18, 0.0);
    let cells: Vec<Vec<UnitVector>> = (0..exact.len()).map(|c| exact.corners(c)).collect();
    let chords = polygons(Family::Mesh, cells.iter().map(Vec::as_slice));
    let weights = build(&chords, &exact);
    let (rows, columns) = closure(&weights);
    assert!(rows < 1e-13 && columns < 1e-13, "{rows:e} {columns:e}");
    // The edge at 30 N bulges north: the cell south of it gains the lens that the cell north of it loses.
    let (south, north) = (11 * 36 + 5, 12 * 36 + 5);
    let (links, _) = weights.row(north);
    let k = weights.row_starts[north] + links.iter().position(|&j| j as usize == south).expect("the lens is a link");
    let lens = knarr_kernels::cell_area::parallel_lens_area(f64::to_radians(30.0).sin(), f64::to_radians(10.0));
    assert!((overlap(&weights, north, k) / lens - 1.0).abs() < 1e-10, "{:e} {lens:e}", overlap(&weights, north, k));
}

#[test]
fn masks_take_cells_out_on_both_sides() {
    let source = lat_lon(36, 18, 0.0).masked_by(&Mask::from_active((0..648).map(|c| c % 36 < 18).collect()));
    let destination = cubed_sphere(5).masked_by(&Mask::from_active((0..150).map(|c| c % 7 != 0).collect()));
    let weights = build(&source, &destination);
    assert!(weights.columns.iter().all(|&j| j % 36 < 18));
    assert!((0..150).step_by(7).all(|i| !weights.is_mapped(i)));
    let full = build(&lat_lon(36, 18, 0.0), &destination);
    for i in (0..150).filter(|i| i % 7 != 0) {
        let (columns, values) = full.row(i);
        let covered: f64 = columns.iter().zip(values).filter(|(j, _)| **j % 36 < 18).map(|(_, w)| w).sum();
        assert!((weights.destination_fraction(i) - covered).abs() < 1e-13);
    }
}

#[test]
fn destination_area_normalization_keeps_the_integral_of_partly_covered_cells() {
    let source = cut_out(lat_lon(360, 180, -0.5), 170..190, 130..140);
    let options = Options { normalization: Normalization::DestinationArea, ..Options::new(Method::Conservative) };
    let weights = Weights::build(&source, &cubed_sphere(12), &options).expect("both have corners");
    let integral: f64 =
        (0..weights.destination_len()).map(|i| weights.row(i).1.iter().sum::<f64>() * areas(&weights)[1][i]).sum();
    let expected: f64 = areas(&weights)[0].iter().sum();
    assert!((integral / expected - 1.0).abs() < 1e-13, "{}", integral / expected - 1.0);
    assert!(weights.unmapped_count() > 800);
}

/// Cells that a formula gives are made some at a time where polygons look for them.
#[test]
fn cells_of_a_formula_have_the_weights_of_the_same_polygons() {
    let grid = |name: &str| Grid::from_spec(name).expect("a valid name");
    for (from, to) in
        [("CS24", "ICO20"), ("ICO9", "CS30"), ("CS10", "H32n"), ("H8", "H16"), ("r36x18", "CS12"), ("CS12", "r36x18")]
    {
        let (source, mut destination) = (grid(from), grid(to));
        let active = (0..destination.len()).map(|cell| cell % 13 != 5).collect();
        destination = destination.masked_by(&Mask::from_active(active));
        let mut listed = destination.clone();
        if let Layout::Formula(formula) = &destination.layout {
            let centers = (0..destination.len()).map(|cell| destination.center(cell)).collect();
            listed.layout = Layout::Polygons { centers, polygons: formula.polygons() };
        }
        let (by_formula, by_list) = (build(&source, &destination), build(&source, &listed));
        assert_eq!(by_formula.row_starts, by_list.row_starts, "{from} -> {to}");
        assert_eq!(by_formula.columns, by_list.columns, "{from} -> {to}");
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
        assert_eq!(bits(&by_formula.values), bits(&by_list.values), "{from} -> {to}");
        assert_eq!(bits(&areas(&by_formula)[1]), bits(&areas(&by_list)[1]), "{from} -> {to}");
    }
}

#[test]
fn one_thread_and_four_give_the_same_bits() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads");
    for (source, destination) in [
        (lat_lon(90, 45, 0.0), cubed_sphere(40)),
        (cubed_sphere(40), lat_lon(90, 45, 0.0)),
        (cubed_sphere(40), cubed_sphere(31)),
        (rotated(90, 45), lat_lon(80, 40, 3.0)),
    ] {
        let one = pool(1).install(|| build(&source, &destination));
        let four = pool(4).install(|| build(&source, &destination));
        assert_eq!(one.row_starts, four.row_starts);
        assert_eq!(one.columns, four.columns);
        assert!(one.values.iter().zip(&four.values).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn shared_edges_make_no_extra_links() {
    // The figure two other programs give for 360x180 with edges on whole degrees onto CS90 (slivers aside).
    let weights = build(&lat_lon(360, 180, 0.0), &cubed_sphere(90));
    assert_eq!(weights.len(), 181_424);
}
