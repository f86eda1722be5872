//! Areas beside those of 30 digits.

use super::*;
use crate::cell_area::polygon_area;
use crate::double_double::DoubleDouble;
use crate::sphere::{Rotation, cross, normalize, unit_vector};
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

/// Areas by cell.
fn areas_of(grid: &Bands, corners: &[UnitVector], scratch: &mut Scratch) -> BTreeMap<usize, f64> {
    let mut areas = BTreeMap::new();
    slice_polygon(grid, corners, None, scratch, &mut |cell, area| *areas.entry(cell).or_insert(0.0) += area);
    areas
}

/// Reduced rows, numbered southward: as many columns as fit cells about as wide as high; the last row but one is a table.
fn reduced(rows: u32, finest: f64) -> Bands {
    let step = 180.0 / f64::from(rows);
    let lats = even(-90.0, step, rows + 1);
    let (mut meridians, mut starts, mut next) = (Vec::new(), Vec::new(), 0);
    for row in (0..rows as usize).rev() {
        let middle: f64 = 0.5 * (lats[row] + lats[row + 1]);
        let count = ((360.0 / step * middle.to_radians().cos() * finest).round() as usize).max(4);
        starts.push(next);
        next += count;
        meridians.push(if count >= 8 && row != 1 {
            Meridians::Uniform { count }
        } else {
            let width = 360.0 / count as f64;
            Meridians::table(&(0..count).map(|c| ((c as f64 - 0.5) * width, c as u32)).collect::<Vec<_>>())
        });
    }
    Bands::new(&lats, (0..rows).rev().collect(), meridians, starts)
}

/// Latitudes and longitudes of a cell of [`reduced`] rows.
fn reduced_bounds(grid: &Bands, rows: u32, cell: usize) -> ([f64; 2], [DoubleDouble; 2]) {
    let row = grid.row_starts.partition_point(|&start| start <= cell) - 1;
    let count = match &grid.meridians[row] {
        Meridians::Uniform { count } => *count,
        Meridians::Table { columns, .. } => *columns.iter().max().expect("some") as usize + 1,
    };
    let lats = even(-90.0, 180.0 / f64::from(rows), rows + 1);
    let (south, column) = (rows as usize - 1 - row, cell - grid.row_starts[row]);
    let lon = |k: usize| DoubleDouble::from((2.0 * k as f64 - 1.0) * 180.0) / DoubleDouble::from(count as f64);
    ([lats[south], lats[south + 1]], [lon(column), lon(column + 1)])
}

/// The greatest difference of areas from those of 30 digits, by the smaller of cell and polygon times the ratio of their
/// sides, and the number of areas.
fn worst_in_reduced(rows: u32, grid: &Bands, polygons: impl Iterator<Item = Vec<UnitVector>>) -> (f64, usize) {
    let (mut worst, mut compared, mut scratch) = (0.0f64, 0, Scratch::default());
    for corners in polygons {
        let own = polygon_area(&corners);
        let mut whole = 0.0;
        for (cell, area) in areas_of(grid, &corners, &mut scratch) {
            let (lats, lons) = reduced_bounds(grid, rows, cell);
            let exact = exact_around_pole(&corners, lats, lons);
            let other = crate::cell_area::quadrangle_area(lats[0], lats[1], (lons[1] - lons[0]).high);
            worst = worst.max((area - exact).abs() / (own * other).sqrt());
            whole += area;
            compared += 1;
        }
        // Nothing is missing.
        assert!((whole / own - 1.0).abs() < 1e-12, "{}", whole / own - 1.0);
    }
    (worst, compared)
}

const SHAPES: [&[f64]; 4] = [&[1.0; 3], &[1.0, 0.7, 1.1, 0.9], &[1.0, 0.3, 1.0, 0.4, 0.9, 0.2], &[1.0; 16]];

#[test]
fn a_polygon_that_a_cell_holds_shares_its_whole_area_with_it_alone() {
    // Rows to the poles and beside them, a column that nobody owns, columns 40° wide that a turn does not begin with.
    let grids = [
        bands(&even(-90.0, 1.0, 181), &even(0.0, 1.0, 360), false, None),
        bands(&even(-72.0, 4.0, 37), &even(-173.5, 40.0, 9), true, Some(3)),
    ];
    for (grid, step) in grids.iter().zip([1.0f64, 4.0]) {
        let (mut scratch, mut holder) = (Scratch::default(), Holder::new(grid).expect("shared columns"));
        let (mut held, mut single) = (0, 0);
        for k in 0..6000u32 {
            let (lon, lat) = (f64::from(k) * 137.507_76, (1.7 * f64::from(k)).sin().asin().to_degrees());
            let size = [0.05, 0.2, 0.5][k as usize % 3] * step.to_radians();
            let corners = polygon(lon, lat, size, f64::from(k), SHAPES[k as usize % 4]);
            let mut shared = Vec::new();
            slice_polygon(grid, &corners, None, &mut scratch, &mut |cell, area| shared.push((cell, area.to_bits())));
            single += usize::from(shared.len() == 1 && shared[0].1 == polygon_area(&corners).to_bits());
            if let Some(cell) = holder.cell(corners.iter().copied()) {
                assert_eq!(shared, [(cell, polygon_area(&corners).to_bits())], "{k}: {lon} {lat}");
                held += 1;
            }
        }
        // All but those around poles.
        assert!(held > 1500 && held + 50 > single, "{held} of {single}");
    }
    // Corners on borders, and edges that rise over them.
    let mut holder = Holder::new(&grids[0]).expect("shared columns");
    let mut cell = |corners: &[(f64, f64)]| holder.cell(corners.iter().map(|&(lon, lat)| unit_vector(lon, lat)));
    assert_eq!(cell(&[(5.25, 60.25), (5.75, 60.25), (5.75, 60.75), (5.25, 60.75)]), Some(150 * 360 + 5));
    assert_eq!(cell(&[(5.0, 60.25), (5.75, 60.25), (5.75, 60.75), (5.0, 60.75)]), None);
    assert_eq!(cell(&[(5.25, 60.25), (6.0, 60.25), (6.0, 60.75), (5.25, 60.75)]), None);
    assert_eq!(cell(&[(5.25, 60.0), (5.75, 60.0), (5.75, 60.75), (5.25, 60.75)]), None);
    assert_eq!(cell(&[(5.05, 60.25), (5.95, 60.25), (5.95, 60.9999), (5.05, 60.9999)]), None);
}

#[test]
fn areas_in_reduced_rows_have_all_their_digits() {
    for (rows, finest, bound) in [(18, 1.0, 4e-15), (180, 1.0, 4e-15), (180, 0.5, 4e-15), (1800, 1.0, 4e-15), (4000, 1.0, 8e-15)]
    {
        let grid = reduced(rows, finest);
        let step = 180.0 / f64::from(rows);
        let places = (0..120u32).map(|k| {
            let lat = [-70.0, -30.0, 0.0, 12.0, 45.0, 75.0][k as usize % 6];
            let size = [0.4, 1.0, 2.5][k as usize % 3] * step.to_radians();
            let lon = f64::from(k) * 137.507_76;
            polygon(lon, lat + step * (0.3 * f64::from(k)).sin(), size, f64::from(k), SHAPES[k as usize % 4])
        });
        let (worst, compared) = worst_in_reduced(rows, &grid, places);
        assert!(worst < bound && compared > 300, "{rows} rows: {worst:e} of {compared}");
    }
}

#[test]
fn areas_around_poles_and_of_wide_polygons_are_exact() {
    // With the pole inside, at a corner, on an edge, and far inside; in rows of both kinds.
    let (rows, step) = (36, 5.0f64);
    let grid = reduced(rows, 1.0);
    let lats = even(-90.0, step, rows + 1);
    let square = bands(&lats, &even(0.0, 10.0, 36), false, None);
    let ring = |n: u32, lat: f64, turn: f64| -> Vec<UnitVector> {
        let lon = |k: u32| if lat > 0.0 { f64::from(k) } else { -f64::from(k) } * 360.0 / f64::from(n) + turn;
        (0..n).map(|k| unit_vector(lon(k), lat)).collect()
    };
    let pole = [0.0, 0.0, 1.0];
    let at = |lon: f64, lat: f64| unit_vector(lon, lat);
    let cells = [
        ring(5, 77.0, 3.0),
        ring(40, 61.0, 1.3),
        ring(4, -83.0, 45.0),
        vec![pole, at(10.0, 80.0), at(95.0, 78.0)],
        vec![at(10.0, 80.0), at(170.0, 70.0), pole],
        vec![at(10.0, 80.0), at(80.0, 60.0), pole, pole],
        vec![at(30.0, 80.0), at(100.0, 65.0), at(209.0, 80.0)],
        vec![at(30.0, 80.0), at(100.0, 65.0), at(211.0, 80.0)],
        // Through the pole: of the sum alone, as there the long way goes astray.
        vec![at(30.0, 80.0), at(100.0, 65.0), at(210.0, 80.0)],
        vec![at(0.0, 80.0), at(100.0, 65.0), at(180.0, 80.0)],
        vec![at(-75.0, 10.0), at(0.0, -20.0), at(75.0, 10.0), at(0.0, 70.0)],
    ];
    for corners in cells {
        let mut scratch = Scratch::default();
        let own = polygon_area(&corners);
        for grid in [&grid, &square] {
            let areas = areas_of(grid, &corners, &mut scratch);
            let whole: f64 = areas.values().sum();
            assert!((whole / own - 1.0).abs() < 1e-14, "{corners:?}: {}", whole / own - 1.0);
            let goes_through_pole = corners.len() == 3 && (corners[0][0] + corners[2][0]).abs() < 1e-15;
            for (cell, area) in areas.into_iter().filter(|_| !goes_through_pole) {
                let (lats, lons) = if grid.meridians.len() == 1 {
                    let (row, column) = (cell / 36, cell % 36);
                    ([lats[row], lats[row + 1]], [10.0 * column as f64, 10.0 * column as f64 + 10.0].map(DoubleDouble::from))
                } else {
                    reduced_bounds(grid, rows, cell)
                };
                let exact = exact_around_pole(&corners, lats, lons);
                let other = crate::cell_area::quadrangle_area(lats[0], lats[1], (lons[1] - lons[0]).high);
                assert!((area - exact).abs() < 2e-14 * (own * other).sqrt(), "{corners:?} {lats:?} {lons:?}: {area} {exact}");
            }
        }
    }
}

/// The exact area of a polygon that may hold a pole or touch it, in a cell less than 180° wide: what lies more than a quarter
/// of a turn from the cell's middle is cut off by the plane through the axis, and the pole stands for itself 1e-25 beside it.
fn exact_around_pole(corners: &[UnitVector], lats: [f64; 2], lons: [DoubleDouble; 2]) -> f64 {
    type Vector = [DoubleDouble; 3];
    let number = DoubleDouble::from;
    let (sin, cos) = ((lons[0] + lons[1]) * number(0.5)).sin_cos_deg();
    let beside_pole = |[x, y, z]: Vector| -> Vector {
        let scale = number(1e-25) / (x * x + y * y).sqrt();
        [x * scale, y * scale, number(z.high.signum())]
    };
    let n = corners.len();
    let mut apart: Vec<Vector> = Vec::new();
    for (k, corner) in corners.iter().enumerate() {
        let p = corner.map(number);
        let is_pole = |p: &UnitVector| p[0] == 0.0 && p[1] == 0.0;
        let (before, after) = (&corners[(k + n - 1) % n], &corners[(k + 1) % n]);
        if !is_pole(corner) {
            apart.push(p);
            continue;
        }
        apart.extend([before, after].into_iter().filter(|p| !is_pole(p)).map(|q| {
            let [x, y, _] = beside_pole(q.map(number));
            [x, y, p[2]]
        }));
    }
    let side = |p: &Vector| p[0] * cos + p[1] * sin;
    let mut kept: Vec<Vector> = Vec::new();
    for (k, a) in apart.iter().enumerate() {
        let b = &apart[(k + 1) % apart.len()];
        let (from, to) = (side(a), side(b));
        if from.high > 0.0 {
            kept.push(*a);
        }
        if from.high * to.high < 0.0 {
            let t = from / (from - to);
            kept.push(std::array::from_fn(|i| a[i] + t * (b[i] - a[i])));
        }
    }
    // From one side of the pole to the other along the plane.
    let mut whole: Vec<(Vector, exact::Line)> = Vec::new();
    for (k, a) in kept.iter().enumerate() {
        whole.push((*a, exact::Line::GreatCircle));
        let b = &kept[(k + 1) % kept.len()];
        let is_cut = |p: &Vector| side(p).high.abs() < 1e-29;
        if is_cut(a) && is_cut(b) && (a[0] * b[0] + a[1] * b[1]).high < 0.0 {
            let pole = number((a[2] + b[2]).high.signum());
            let ahead = [cos * number(1e-25), sin * number(1e-25), pole];
            for p in [beside_pole(*a), ahead, beside_pole(*b)] {
                whole.push(([p[0], p[1], pole], exact::Line::GreatCircle));
            }
        }
    }
    exact::shared_area_of(&whole, lats, lons)
}

#[test]
fn overlaps_of_a_polygon_add_up_to_its_area() {
    let grid = bands(&even(-90.0, 0.25, 721), &even(0.0, 0.25, 1440), true, None);
    let mut scratch = Scratch::default();
    for step in 0..300u32 {
        let k = f64::from(step);
        let corners = polygon(k * 77.7, 85.0 * (k * 1.7).sin(), 0.004, k, &[1.0, 0.8, 1.2, 1.1, 0.9]);
        let (mut sum, mut last) = (0.0, None);
        slice_polygon(&grid, &corners, None, &mut scratch, &mut |cell, area| {
            sum += area;
            last = Some(cell);
        });
        // Roundings of 1e-16 along a boundary of some 0.004, which meridians close to a pole magnify.
        let area = polygon_area(&corners);
        let bound = 2e-16 / (0.004 * (85.0 * (k * 1.7).sin()).to_radians().cos());
        assert!((sum / area - 1.0).abs() < bound, "{step}: {} {bound}", sum / area - 1.0);
        // Where the sweep starts to look makes no difference.
        let mut fresh = 0.0;
        slice_polygon(&grid, &corners, None, &mut Scratch::default(), &mut |_, area| fresh += area);
        assert_eq!(sum.to_bits(), fresh.to_bits());
    }
}

#[test]
fn polygons_around_a_pole_and_with_many_corners_are_complete() {
    let grid = bands(&even(-90.0, 5.0, 37), &even(0.0, 10.0, 36), false, None);
    let ring = |n: u32| -> Vec<UnitVector> { (0..n).map(|k| unit_vector(360.0 * f64::from(k) / f64::from(n), 77.0)).collect() };
    for corners in [ring(5), ring(15), ring(40), polygon(20.0, 30.0, 0.1, 0.0, &[1.0; 50])] {
        let mut sum = 0.0;
        slice_polygon(&grid, &corners, None, &mut Scratch::default(), &mut |_, area| sum += area);
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
        if !is_narrow(corners.iter().map(|p| [p[0], p[1]])) {
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
        slice_polygon(&grid, &corners, None, &mut scratch, &mut emit);
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

/// Quadrangles about another pole in rows: the greatest difference from the areas of 30 digits, by the smaller cell times
/// the ratio of sides.
#[test]
fn quadrangles_about_another_pole_have_all_their_digits() {
    let number = DoubleDouble::from;
    // In whose frame the geographic poles lie at 39.25 N.
    let rotation = Rotation::from_rotated_pole(-162.0, 39.25, 0.0);
    let turn = Turn::between(&rotation, &Rotation::IDENTITY);
    // To 30 digits: a rotation by the transposed matrix, its axes at right angles from the third on.
    let dot = |a: [DoubleDouble; 3], b: [DoubleDouble; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let unit = |v: [DoubleDouble; 3]| v.map(|c| c / dot(v, v).sqrt());
    let [x, _, z] = rotation.0.map(|axis| axis.map(number));
    let z = unit(z);
    let x = unit(std::array::from_fn(|k| x[k] - z[k] * dot(x, z)));
    let y: [DoubleDouble; 3] = std::array::from_fn(|k| z[(k + 1) % 3] * x[(k + 2) % 3] - z[(k + 2) % 3] * x[(k + 1) % 3]);
    let turned = |p: [DoubleDouble; 3]| -> [DoubleDouble; 3] { std::array::from_fn(|i| x[i] * p[0] + y[i] * p[1] + z[i] * p[2]) };
    let place = |lon: f64, lat: f64| {
        let ((sin_lon, cos_lon), (sin, cos)) = (number(lon).sin_cos_deg(), number(lat).sin_cos_deg());
        turned([cos * cos_lon, cos * sin_lon, sin])
    };
    let axis = turned([number(0.0), number(0.0), number(1.0)]);
    let mut scratch = Scratch::default();
    for step in [10.0f64, 1.0, 0.1, 0.02, 0.001] {
        let (mut worst, mut compared) = (0.0f64, 0);
        for k in 0..60u32 {
            let part = |phase: f64| (f64::from(k) * phase).fract();
            // From 60 S to 60 N of the other pole: the arcs turn in longitude and latitude there.
            let (lon, lat) = (-60.0 + 120.0 * part(0.618_033_9), -55.0 + 110.0 * part(0.324_717_9));
            let size = step * [0.4, 1.0, 2.5][k as usize % 3];
            let (west, east, south, north) = (lon, lon + size, lat, lat + 0.9 * size);
            let [w, e, s, n] = [west, east, south, north].map(Direction::of_deg);
            let cell = Quadrangle::new(&turn, [&w, &e], [&s, &n]);
            // Rows around the cell.
            let (lon, lat) = crate::sphere::lon_lat_deg(rotation.apply_inverse(unit_vector(lon, lat)));
            if lat.abs() > 85.0 - 5.0 * step {
                continue;
            }
            // Roughly as wide as high.
            let wide = step * (1.0 / lat.to_radians().cos()).round();
            let (first_lat, first_lon) = ((lat / step).round() - 4.0, (lon / wide).round() - 4.0);
            let lats: Vec<f64> = (0..=8).map(|k| ((first_lat + f64::from(k)) * step).clamp(-90.0, 90.0)).collect();
            let lons: Vec<f64> = (0..=8).map(|k| (first_lon + f64::from(k)) * wide).collect();
            let grid = bands(&lats, &lons, false, Some(8));
            let sine = |lat: f64| number(lat).sin_cos_deg().0;
            let parallel = |lat: f64, is_eastward: bool| exact::Line::Parallel { axis, sin: sine(lat), is_eastward };
            let outline = [
                (place(west, south), parallel(south, true)),
                (place(east, south), exact::Line::GreatCircle),
                (place(east, north), parallel(north, false)),
                (place(west, north), exact::Line::GreatCircle),
            ];
            let own = crate::cell_area::quadrangle_area(south, north, east - west);
            slice_quadrangle(&grid, &cell, &mut scratch, &mut |cell, area| {
                let (row, column) = (cell / lons.len(), cell % lons.len());
                let columns = [lons[column], lons[column + 1]].map(number);
                let exact = exact::shared_area_of(&outline, [lats[row], lats[row + 1]], columns);
                let other = crate::cell_area::quadrangle_area(lats[row], lats[row + 1], wide);
                worst = worst.max((area - exact).abs() / (own * other).sqrt());
                compared += 1;
            });
        }
        assert!(worst < 4e-15 && compared > 100, "{step}: {worst:e} of {compared}");
    }
}

#[test]
fn quadrangles_around_poles_and_poles_on_their_edges_are_whole() {
    // The geographic north pole is at 39.25 N on the meridian 0 of the frame.
    let rotation = Rotation::from_rotated_pole(-162.0, 39.25, 0.0);
    let turn = Turn::between(&rotation, &Rotation::IDENTITY);
    let mut scratch = Scratch::default();
    for grid in [reduced(36, 1.0), bands(&even(-90.0, 5.0, 37), &even(0.0, 10.0, 36), false, None)] {
        for [west, east, south, north] in [
            [-5.0, 5.0, 30.0, 45.0],
            [0.0, 10.0, 30.0, 45.0],
            [-5.0, 5.0, 39.25, 45.0],
            [-5.0, 5.0, 30.0, 39.25],
            [0.0, 10.0, 39.25, 45.0],
            [-30.0, 10.0, 20.0, 60.0],
            [100.0, 140.0, 50.0, 90.0],
            [175.0, 190.0, -45.0, -30.0],
            [175.0, 215.0, -90.0, -60.0],
        ] {
            let [w, e, s, n] = [west, east, south, north].map(Direction::of_deg);
            let mut sum = 0.0;
            slice_quadrangle(&grid, &Quadrangle::new(&turn, [&w, &e], [&s, &n]), &mut scratch, &mut |_, area| sum += area);
            let own = crate::cell_area::quadrangle_area(south, north, east - west);
            assert!((sum / own - 1.0).abs() < 1e-14, "{west} {east} {south} {north}: {:e}", sum / own - 1.0);
        }
    }
}
