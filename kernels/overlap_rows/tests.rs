//! The sweep along edges and the slicing into pieces are two ways to the same areas.

use super::*;
use crate::cell_area::polygon_area;
use crate::sphere::{normalize, unit_vector};
use std::collections::BTreeMap;

/// Rows between `lats`, columns between `lons` (gaps where the owner says so).
fn bands(lats: &[f64], lons: &[f64], is_southward: bool, gap: Option<usize>) -> Bands {
    let count = lats.len() - 1;
    let rows = (0..count as u32).map(|j| if is_southward { count as u32 - 1 - j } else { j }).collect();
    let owner = |k: usize| if gap == Some(k) { NO_OWNER } else { k as u32 };
    let parts: Vec<(f64, u32)> = lons.iter().enumerate().map(|(k, &lon)| (lon, owner(k))).collect();
    Bands::new(lats, rows, vec![Meridians::table(&parts)], (0..count).map(|j| j * lons.len()).collect())
}

fn even(first: f64, step: f64, count: u32) -> Vec<f64> {
    (0..count).map(|k| first + step * f64::from(k)).collect()
}

/// A polygon around a place: `radii` times `size` in as many directions.
fn polygon(lon: f64, lat: f64, size: f64, turn: f64, radii: &[f64]) -> Vec<UnitVector> {
    let center = unit_vector(lon, lat);
    let east = normalize(cross([0.0, 0.0, 1.0], center)).expect("not at a pole");
    let north = cross(center, east);
    let n = radii.len() as f64;
    let corner = |(k, r): (usize, &f64)| {
        let (s, c) = (turn + std::f64::consts::TAU * k as f64 / n).sin_cos();
        let r = (r * size).tan();
        normalize(std::array::from_fn(|i| center[i] + r * (c * east[i] + s * north[i]))).expect("near the center")
    };
    radii.iter().enumerate().map(corner).collect()
}

/// Areas by cell from the pieces.
fn pieces(bands: &Bands, corners: &[UnitVector]) -> BTreeMap<usize, f64> {
    let mut areas = BTreeMap::new();
    let piece = Piece::great_circle(corners).expect("few corners");
    slice(bands, &piece, None, &mut Scratch::default(), &mut |cell, area| *areas.entry(cell).or_insert(0.0) += area);
    areas
}

#[test]
fn sweeping_and_slicing_find_the_same_areas() {
    let grids = [
        bands(&even(-90.0, 1.0, 181), &even(-0.5, 1.0, 360), false, None),
        bands(&even(-90.0, 7.5, 25), &even(170.0, 5.0, 72), true, None),
        bands(&[-60.0, -31.0, 4.0, 4.5, 4.6, 40.0, 88.0], &[-180.0, -170.0, -140.0, -139.9, 0.0, 30.0, 100.0], false, Some(3)),
        bands(&even(20.0, 0.05, 401), &even(-10.0, 0.05, 400), false, Some(399)),
    ];
    let shapes: [&[f64]; 4] = [&[1.0; 3], &[1.0, 0.7, 1.1, 0.9], &[1.0, 0.3, 1.0, 0.4, 0.9, 0.2], &[1.0; 16]];
    let mut scratch = Scratch::default();
    let mut compared = 0;
    for grid in &grids {
        for step in 0..400u32 {
            let k = f64::from(step);
            let lon = (k * 137.50776).rem_euclid(360.0) - 180.0;
            let lat = (0.97 - k / 206.0).asin().to_degrees();
            for size in [0.2, 0.02, 0.002, 1e-5] {
                let corners = polygon(lon, lat, size, 0.37 * k, shapes[step as usize % 4]);
                let mut areas = BTreeMap::new();
                let mut add = |cell, area| *areas.entry(cell).or_insert(0.0) += area;
                let is_swept = is_narrow(&corners) && sweep::sweep(grid, &corners, &mut scratch.sweep, &mut add);
                if !is_swept {
                    continue;
                }
                compared += 1;
                // Corners and crossings are rounded to 1e-16, along a boundary of some sizes; next to a pole a
                // rounding turns a meridian by more.
                let bound = 2e-15 * size / lat.to_radians().cos();
                let mut expected = pieces(grid, &corners);
                for (cell, area) in &areas {
                    let other = expected.remove(cell).unwrap_or(0.0);
                    assert!((area - other).abs() < bound, "{lon} {lat} {size}: cell {cell} {area} {other}");
                }
                assert!(expected.values().all(|&area| area < bound), "{lon} {lat} {size}: {expected:?}");
            }
        }
    }
    assert!(compared > 5000, "{compared}");
}

#[test]
fn overlaps_of_a_polygon_add_up_to_its_area() {
    let grid = bands(&even(-90.0, 0.25, 721), &even(0.0, 0.25, 1440), true, None);
    let mut scratch = Scratch::default();
    for step in 0..300u32 {
        let k = f64::from(step);
        let corners = polygon(k * 77.7, 85.0 * (k * 1.7).sin(), 0.004, k, &[1.0, 0.8, 1.2, 1.1, 0.9]);
        let (mut sum, mut last) = (0.0, None);
        slice_polygon(&grid, &corners, &mut scratch, &mut |cell, area| {
            sum += area;
            last = Some(cell);
        });
        // Roundings of 1e-16 along a boundary of some 0.004, which meridians close to a pole magnify.
        let area = polygon_area(&corners);
        let bound = 2e-16 / (0.004 * (85.0 * (k * 1.7).sin()).to_radians().cos());
        assert!((sum / area - 1.0).abs() < bound, "{step}: {} {bound}", sum / area - 1.0);
        // Where the sweep starts to look makes no difference.
        let mut fresh = 0.0;
        slice_polygon(&grid, &corners, &mut Scratch::default(), &mut |_, area| fresh += area);
        assert_eq!(sum.to_bits(), fresh.to_bits());
    }
}

#[test]
fn polygons_around_a_pole_and_with_many_corners_are_complete() {
    let grid = bands(&even(-90.0, 5.0, 37), &even(0.0, 10.0, 36), false, None);
    let ring = |n: u32| -> Vec<UnitVector> { (0..n).map(|k| unit_vector(360.0 * f64::from(k) / f64::from(n), 77.0)).collect() };
    for corners in [ring(5), ring(15), ring(40), polygon(20.0, 30.0, 0.1, 0.0, &[1.0; 50])] {
        let mut sum = 0.0;
        slice_polygon(&grid, &corners, &mut Scratch::default(), &mut |_, area| sum += area);
        assert!((sum / polygon_area(&corners) - 1.0).abs() < 1e-13, "{} corners", corners.len());
    }
}

/// Areas of the sweep beside those of 30 digits: the greatest difference by the smaller of cell and polygon, times the ratio
/// of their sides.
fn worst_of_sweep(south: f64, west: f64, step: f64, [rows, columns]: [u32; 2], sizes: &[f64], count: u32) -> f64 {
    let lats: Vec<f64> = (0..=rows).map(|k| (south + step * f64::from(k)).min(90.0)).collect();
    let lons = even(west, step, columns + 1);
    let grid = bands(&lats, &lons, false, Some(columns as usize));
    let (mut worst, mut compared, mut scratch) = (0.0f64, 0, Scratch::default());
    for k in 0..count {
        let part = |phase: f64| (f64::from(k) * phase).fract();
        let size = sizes[k as usize % sizes.len()].to_radians();
        let lat = lats[0] + (lats[rows as usize] - lats[0]) * (0.1 + 0.8 * part(0.618_033_9));
        let lon = west + step * f64::from(columns) * (0.1 + 0.8 * part(0.324_717_9));
        let radii: &[f64] = [&[1.0; 3][..], &[1.0, 0.7, 1.1, 0.9], &[1.0, 0.3, 1.0, 0.4, 0.9, 0.2]][k as usize % 3];
        let corners = polygon(lon, lat, size, f64::from(k), radii);
        if !is_narrow(&corners) {
            continue;
        }
        let own = polygon_area(&corners);
        let mut emit = |cell: usize, area: f64| {
            let (row, column) = (cell / lons.len(), cell % lons.len());
            let exact = exact::shared_area(&corners, [lats[row], lats[row + 1]], [lons[column], lons[column + 1]]);
            let other = crate::cell_area::quadrangle_area(lats[row], lats[row + 1], step);
            worst = worst.max((area - exact).abs() / (own * other).sqrt());
            compared += 1;
        };
        assert!(sweep::sweep(&grid, &corners, &mut scratch.sweep, &mut emit));
    }
    assert!(compared > count, "{compared}");
    worst
}

#[test]
fn swept_areas_have_all_their_digits_at_any_resolution() {
    for step in [10.0f64, 1.0, 0.1, 0.02, 0.001] {
        for south in [0.0, -3.5 * step, 30.0, -40.0, 60.0] {
            let rows = (((90.0 - south) / step).round() as u32).min(7);
            let worst = worst_of_sweep(south, 20.0, step, [rows, 9], &[0.4 * step, step, 3.0 * step], 60);
            assert!(worst < 4e-15, "{step} from {south}: {worst:e}");
        }
    }
    // Cells at the pole are a hundred times as high as wide, and polygons reach over many of them.
    for step in [1.0, 0.1, 0.02] {
        let worst = worst_of_sweep(90.0 - 7.0 * step, 20.0, step, [7, 9], &[0.4 * step, step], 60);
        assert!(worst < 2e-14, "{step} at the pole: {worst:e}");
    }
}
