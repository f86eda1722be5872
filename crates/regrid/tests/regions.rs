//! Regions against closed forms and a brute-force oracle.

use knarr_grid::{Grid, LonLat};
use knarr_kernels::cell_area::quadrangle_area;
use knarr_regrid::regions::{Region, RegionEdges, RegionField, RegionOverlaps, RegionPolygon, Statistic};
use std::f64::consts::PI;

fn ring(corners: &[(f64, f64)]) -> Vec<LonLat> {
    corners.iter().map(|&(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg }).collect()
}

fn region(name: &str, outer: &[(f64, f64)], holes: &[&[(f64, f64)]]) -> Region {
    let holes = holes.iter().map(|h| ring(h)).collect();
    Region { name: name.into(), polygons: vec![RegionPolygon { outer: ring(outer), holes }] }
}

fn grid(spec: &str) -> Grid {
    Grid::from_spec(spec).expect("a grid")
}

const GRIDS: [&str; 5] = ["r90x45", "H16", "CS20", "O24", "rot:-97.5,50.25,0.5,0.5,120,120"];

fn grids() -> impl Iterator<Item = Grid> {
    GRIDS.iter().filter_map(|spec| Grid::from_spec(spec).ok())
}

/// What a test wants to know of awkward shapes: their area by another way.
fn shapes() -> Vec<(Region, f64)> {
    let box_area = |w: f64, e: f64, s: f64, n: f64| quadrangle_area(s, n, e - w);
    let bounds = |w: f64, e: f64, s: f64, n: f64| [(w, s), (e, s), (e, n), (w, n)];
    let inner = bounds(12.0, 18.0, 52.0, 58.0);
    vec![
        (region("box", &bounds(10.0, 20.0, 50.0, 60.0), &[]), box_area(10.0, 20.0, 50.0, 60.0)),
        (region("clockwise", &[(10.0, 50.0), (10.0, 60.0), (20.0, 60.0), (20.0, 50.0)], &[]), box_area(10.0, 20.0, 50.0, 60.0)),
        (
            region("with a hole", &bounds(10.0, 20.0, 50.0, 60.0), &[&inner]),
            box_area(10.0, 20.0, 50.0, 60.0) - box_area(12.0, 18.0, 52.0, 58.0),
        ),
        (
            region("antimeridian", &[(170.0, -20.0), (-165.0, -20.0), (-165.0, 10.0), (170.0, 10.0)], &[]),
            box_area(170.0, 195.0, -20.0, 10.0),
        ),
        (region("cap by its ring", &[(0.0, 65.0), (100.0, 65.0), (-140.0, 65.0)], &[]), box_area(0.0, 360.0, 65.0, 90.0)),
        (
            region("cap cut at the rim", &[(-180.0, -90.0), (180.0, -90.0), (180.0, -70.0), (-180.0, -70.0)], &[]),
            box_area(-180.0, 180.0, -90.0, -70.0),
        ),
        (
            region("all but a cap", &[(-180.0, -90.0), (180.0, -90.0), (180.0, 80.0), (-180.0, 80.0)], &[]),
            box_area(-180.0, 180.0, -90.0, 80.0),
        ),
        (
            // An L: concave.
            region("L", &[(0.0, 0.0), (30.0, 0.0), (30.0, 10.0), (10.0, 10.0), (10.0, 40.0), (0.0, 40.0)], &[]),
            box_area(0.0, 30.0, 0.0, 10.0) + box_area(0.0, 10.0, 10.0, 40.0),
        ),
    ]
}

#[test]
fn areas_are_those_of_the_closed_forms() {
    let (regions, exact): (Vec<Region>, Vec<f64>) = shapes().into_iter().unzip();
    for grid in grids() {
        let overlaps = RegionOverlaps::build(&grid, &regions, RegionEdges::LonLat).expect("cells");
        let global = (grid.covered_fraction() - 1.0).abs() < 1e-9;
        for (r, exact) in exact.iter().enumerate() {
            // Parallels are followed to 1e-8 rad, which is two thirds of that times their length: at most 2 · 2π.
            let tolerance = 0.7e-8 * 4.0 * PI + 1e-13;
            let area = overlaps.region_areas[r];
            assert!((area - exact).abs() < tolerance, "{}: {area} {exact}", regions[r].name);
            let shared: f64 = overlaps.links(r).map(|k| overlaps.areas[k]).sum();
            if global {
                assert!((shared / area - 1.0).abs() < 1e-10, "{} on {}: {}", regions[r].name, grid.family, shared / area - 1.0);
                assert!((overlaps.covered(r) - 1.0).abs() < 1e-10);
            } else {
                assert!(shared <= area * (1.0 + 1e-10), "{} on {}", regions[r].name, grid.family);
            }
        }
    }
}

#[test]
fn two_halves_of_a_country_make_the_whole_and_every_cell_is_shared_once() {
    // A wavy border through a box: what one side gives away the other takes.
    let border: Vec<(f64, f64)> = (0..=60).map(|k| (5.0 + 4.0 * (f64::from(k) * 0.7).sin(), f64::from(k))).collect();
    let mut west = vec![(-20.0, 0.0)];
    west.extend(&border);
    west.push((-20.0, 60.0));
    let mut east: Vec<(f64, f64)> = border.iter().rev().copied().collect();
    east.extend([(40.0, 0.0), (40.0, 60.0)]);
    let regions = [
        region("west", &west, &[]),
        region("east", &east, &[]),
        // The border's end is a corner of all three: it bends a great circle.
        region("both", &[(-20.0, 0.0), (40.0, 0.0), (40.0, 60.0), border[60], (-20.0, 60.0)], &[]),
    ];
    for edges in [RegionEdges::LonLat, RegionEdges::GreatCircle] {
        for grid in grids() {
            let overlaps = RegionOverlaps::build(&grid, &regions, edges).expect("cells");
            let mut sums = vec![[0.0; 2]; grid.len()];
            for r in 0..3 {
                for k in overlaps.links(r) {
                    sums[overlaps.cells[k] as usize][r / 2] += overlaps.areas[k];
                }
            }
            for (cell, [parts, whole]) in sums.iter().enumerate() {
                let area = grid.area(cell);
                assert!((parts - whole).abs() < 3e-9 * area, "{} cell {cell}: {parts} {whole}", grid.family);
                assert!(*whole <= area * (1.0 + 1e-9));
            }
        }
    }
}

#[test]
fn great_circles_and_lines_of_longitude_and_latitude_differ_as_they_should() {
    let corners = [(0.0, 50.0), (40.0, 50.0), (40.0, 60.0), (0.0, 60.0)];
    let regions = [region("box", &corners, &[])];
    let of = |edges| RegionOverlaps::build(&grid("r90x45"), &regions, edges).expect("cells").region_areas[0];
    let exact = knarr_kernels::cell_area::polygon_area(&corners.map(|(lon, lat)| knarr_kernels::sphere::unit_vector(lon, lat)));
    assert!((of(RegionEdges::GreatCircle) - exact).abs() < 1e-14);
    assert!((of(RegionEdges::LonLat) - quadrangle_area(50.0, 60.0, 40.0)).abs() < 1e-8);
    assert!((of(RegionEdges::GreatCircle) - of(RegionEdges::LonLat)).abs() > 1e-4);
}

/// Shares of a planar polygon in the cells of a lat-lon grid, by counting points of equal area.
fn counted(outer: &[(f64, f64)], hole: &[(f64, f64)], columns: usize, rows: usize, points: usize) -> Vec<f64> {
    let inside = |ring: &[(f64, f64)], x: f64, y: f64| {
        let mut odd = false;
        for k in 0..ring.len() {
            let ((x0, y0), (x1, y1)) = (ring[k], ring[(k + 1) % ring.len()]);
            if (y0 > y) != (y1 > y) && x < x0 + (y - y0) / (y1 - y0) * (x1 - x0) {
                odd = !odd;
            }
        }
        odd
    };
    let (width, height) = (360.0 / columns as f64, 180.0 / rows as f64);
    let mut shares = vec![0.0; columns * rows];
    for row in 0..rows {
        let (south, north) = (-90.0 + row as f64 * height, -90.0 + (row + 1) as f64 * height);
        let (low, high) = (south.to_radians().sin(), north.to_radians().sin());
        for column in 0..columns {
            let mut hits = 0;
            for j in 0..points {
                let lat = (low + (high - low) * (j as f64 + 0.5) / points as f64).asin().to_degrees();
                for i in 0..points {
                    // Columns of r grids are centred on multiples of their width.
                    let lon = (column as f64 - 0.5 + (i as f64 + 0.5) / points as f64) * width;
                    let lon = if lon > 180.0 { lon - 360.0 } else { lon };
                    hits += usize::from(inside(outer, lon, lat) && !inside(hole, lon, lat));
                }
            }
            shares[row * columns + column] = hits as f64 / (points * points) as f64;
        }
    }
    shares
}

#[test]
fn statistics_agree_with_a_brute_force_count() {
    let outer = [(-80.0, 45.0), (-60.0, 42.0), (-52.0, 50.0), (-64.0, 62.0), (-70.0, 52.0), (-78.0, 63.0)];
    let hole = [(-70.0, 46.0), (-64.0, 46.0), (-66.0, 50.0)];
    let (columns, rows, points) = (72, 36, 60);
    let shares = counted(&outer, &hole, columns, rows, points);
    let grid = grid("r72x36");
    let overlaps = RegionOverlaps::build(&grid, &[region("bay", &outer, &[&hole])], RegionEdges::LonLat).expect("cells");
    let south_first = grid.center(0).lat_deg < 0.0;
    assert!(south_first);
    let mut found = vec![0.0; grid.len()];
    for k in overlaps.links(0) {
        found[overlaps.cells[k] as usize] = overlaps.cell_shares[k];
    }
    // A straight edge through n x n points leaves about n of them undecided, twice where two edges meet.
    for cell in 0..grid.len() {
        assert!((found[cell] - shares[cell]).abs() < 3.0 / points as f64, "cell {cell}: {} {}", found[cell], shares[cell]);
    }
    // A field with missing values; the same statistics from counted shares.
    let values: Vec<f64> = (0..grid.len()).map(|c| ((c * 37) % 101) as f64).collect();
    let valid: Vec<bool> = (0..grid.len()).map(|c| c % 5 != 0).collect();
    let wanted = [Statistic::Mean, Statistic::Min, Statistic::Max, Statistic::Sum, Statistic::ValidShare];
    let field = RegionField { values: &values, valid: Some(&valid) };
    let got: Vec<f64> = overlaps.statistics(field, &wanted, 0.0)[0].iter().map(|v| v.expect("valid")).collect();
    let area = |c: usize| shares[c] * grid.area(c);
    let cells = || (0..grid.len()).filter(|&c| valid[c] && shares[c] > 0.0);
    let total: f64 = cells().map(area).sum();
    let mean = cells().map(|c| area(c) * values[c]).sum::<f64>() / total;
    let whole: f64 = (0..grid.len()).map(area).sum();
    let tolerance = 100.0 * 0.004;
    assert!((got[0] - mean).abs() < tolerance, "{} {mean}", got[0]);
    // Counting may miss cells that are barely touched: the exact range is the wider one.
    assert!(got[1] <= cells().map(|c| values[c]).fold(f64::INFINITY, f64::min));
    assert!(got[2] >= cells().map(|c| values[c]).fold(0.0, f64::max));
    let sum: f64 = cells().map(|c| shares[c] * values[c]).sum();
    assert!((got[3] / sum - 1.0).abs() < 0.005, "{} {sum}", got[3]);
    assert!((got[4] - total / whole).abs() < 0.005);
}

#[test]
fn regions_that_no_cell_reaches_have_no_values() {
    // A regional grid and a box elsewhere.
    let grid = Grid::from_spec("ll:0,0,1,1,20,20").unwrap_or_else(|_| grid("r36x18").masked_by(&north_only(648)));
    let far = region("far", &[(100.0, -60.0), (110.0, -60.0), (110.0, -50.0), (100.0, -50.0)], &[]);
    let overlaps = RegionOverlaps::build(&grid, &[far], RegionEdges::LonLat).expect("cells");
    assert_eq!((overlaps.links(0).len(), overlaps.covered(0)), (0, 0.0));
    let values = vec![1.0; grid.len()];
    let field = RegionField { values: &values, valid: None };
    let wanted = [Statistic::Mean, Statistic::Percentile(50.0), Statistic::Count, Statistic::ValidShare];
    assert_eq!(overlaps.statistics(field, &wanted, 0.0)[0], [None, None, Some(0.0), Some(0.0)]);
}

fn north_only(cells: usize) -> knarr_grid::Mask {
    knarr_grid::Mask::from_active((0..cells).map(|c| c >= cells / 2).collect())
}

#[test]
fn threads_do_not_change_the_result() {
    let regions: Vec<Region> = shapes().into_iter().map(|(r, _)| r).collect();
    let of = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| RegionOverlaps::build(&grid("H16"), &regions, RegionEdges::LonLat).expect("cells"))
    };
    assert_eq!(of(1), of(5));
}
