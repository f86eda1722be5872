//! The twin beside the kernel of the processor.

use super::*;
use crate::cell_area::polygon_area;
use crate::gpu::tests::{Noise, device};
use crate::overlap_rows::{Scratch, slice_polygon};
use crate::sphere::unit_vector;
use std::collections::BTreeMap;

/// Cells of `step` degrees, `rows` of them from `south` on and `columns` from `west` on, and gaps around.
struct Region {
    bands: Bands,
    areas: Vec<f64>,
}

fn region(south: f64, west: f64, step: f64, rows: usize, columns: usize) -> Region {
    let lats: Vec<f64> = (0..=rows).map(|k| (south + step * k as f64).min(90.0)).collect();
    let mut parts: Vec<(f64, u32)> = (0..columns).map(|k| (west + step * k as f64, k as u32)).collect();
    if step * (columns as f64) < 360.0 - 1e-9 {
        parts.push((west + step * columns as f64, NO_OWNER));
    }
    let starts = (0..rows).map(|j| j * columns).collect();
    let areas = lats.windows(2).flat_map(|l| {
        let area = crate::cell_area::quadrangle_area(l[0], l[1], step);
        std::iter::repeat_n(area, columns)
    });
    let areas = areas.collect();
    Region { bands: Bands::new(&lats, (0..rows as u32).collect(), vec![Meridians::table(&parts)], starts), areas }
}

/// Polygons of about `size` degrees around places in a range of longitudes and latitudes, with 3 to 6 corners.
fn polygons(noise: &mut Noise, count: usize, size: f64, lons: [f64; 2], lats: [f64; 2]) -> Vec<Vec<UnitVector>> {
    (0..count)
        .map(|k| {
            let at = |range: [f64; 2], part: f64| range[0] + part * (range[1] - range[0]);
            let center = unit_vector(at(lons, noise.next()), at(lats, noise.next()));
            let plane = crate::tangent_plane::TangentPlane::new(center, 0.1);
            let (axes, corners) = (plane.axes(), 3 + k % 4);
            let turn = noise.next();
            let corner = |n: usize| {
                let (s, c) = (TAU * (n as f64 / corners as f64 + turn)).sin_cos();
                let r = 0.6 * size.to_radians();
                crate::sphere::normalize(std::array::from_fn(|i| center[i] + r * (c * axes[0][i] + s * axes[1][i])))
            };
            (0..corners).map(|n| corner(n).expect("not the centre")).collect()
        })
        .collect()
}

fn tile(polygons: &[Vec<UnitVector>]) -> (Vec<u32>, Vec<UnitVector>, Vec<f64>) {
    let mut starts = vec![0u32];
    polygons.iter().for_each(|p| starts.push(starts[starts.len() - 1] + p.len() as u32));
    (starts, polygons.concat(), polygons.iter().map(|p| polygon_area(p)).collect())
}

fn widths(gpu: &Gpu) -> Vec<Width> {
    if gpu.facts().f64 { vec![Width::F32, Width::F64] } else { vec![Width::F32] }
}

/// Compares the areas of all pairs; `bound(width, cell, corners)` in steradians. Gives the greatest difference by part of a cell.
fn check(gpu: &Gpu, name: &str, region: &Region, polygons: &[Vec<UnitVector>]) {
    check_turned(gpu, name, region, polygons, None);
}

/// The same of polygons that `turn` takes into the frame of the rows.
fn check_turned(gpu: &Gpu, name: &str, region: &Region, polygons: &[Vec<UnitVector>], turn: Option<&Turn>) {
    let (starts, corners, areas) = tile(polygons);
    let mut scratch = Scratch::default();
    for width in widths(gpu) {
        let bands = DeviceBands::new(gpu, &region.bands, &region.areas, width).expect("small");
        let found = bands.rows(gpu, (&starts, &corners), turn, &areas).expect("small");
        assert_eq!(found, bands.rows(gpu, (&starts, &corners), turn, &areas).expect("small"), "the same bits in every run");
        let (mut at, mut compared, mut worst, mut elsewhere) = (0, 0, 0.0f64, 0);
        for (i, polygon) in polygons.iter().enumerate() {
            let links = at..at + found.counts[i] as usize;
            at = links.end;
            if found.elsewhere[i] {
                elsewhere += 1;
                continue;
            }
            let mut expected = BTreeMap::new();
            slice_polygon(&region.bands, polygon, turn, &mut scratch, &mut |cell, area| {
                *expected.entry(cell).or_insert(0.0) += area
            });
            for link in links {
                let cell = found.subjects[link] as usize;
                let other = expected.remove(&cell).unwrap_or(0.0);
                let (smaller, both) = (region.areas[cell].min(areas[i]), (region.areas[cell] * areas[i]).sqrt());
                let share = if width == Width::F64 { 1e-14 } else { 5e-7 };
                let error = (found.areas[link] - other).abs();
                worst = worst.max(error / smaller);
                assert!(
                    error <= share * both,
                    "{name} {width:?}: polygon {i}, cell {cell}: {:e}, expected {other:e}, cell of {smaller:e}",
                    found.areas[link]
                );
                compared += 1;
            }
            let rest = expected.iter().find(|&(&cell, &area)| area > 2e-6 * region.areas[cell].min(areas[i]));
            assert!(rest.is_none(), "{name} {width:?}: polygon {i} has not {rest:?}");
        }
        eprintln!("{name} {width:?}: {compared} links, greatest difference {worst:.1e} of the smaller cell");
        assert_eq!(at, found.areas.len());
        assert!(compared > 2 * polygons.len() / 3 && elsewhere <= polygons.len() / 3, "{name}: {compared} {elsewhere}");
    }
}

#[test]
fn areas_in_rows_are_those_of_the_processor_at_any_resolution() {
    let Some(gpu) = device() else { return };
    let mut noise = Noise(5);
    const SIDE: usize = 35;
    for size in [10.0f64, 1.0, 0.1, 0.02] {
        // The third lies across the equator, a row of it as well.
        for south in [0.0, 30.0, -5.5 * size, -40.0, 60.0] {
            let rows = SIDE.min(((90.0 - south) / size + 1e-9) as usize);
            let region = region(south, 20.0, size, rows, SIDE);
            let lons = [20.0 + size, 20.0 + size * (SIDE - 1) as f64];
            let lats = [south + 0.8 * size, (south + size * (rows as f64 - 1.0)).min(70.0)];
            check(gpu, &format!("{size} from {south}"), &region, &polygons(&mut noise, 150, size, lons, lats));
        }
    }
}

#[test]
fn slivers_next_to_poles_keep_their_digits() {
    let Some(gpu) = device() else { return };
    let mut noise = Noise(6);
    for size in [1.0, 0.1, 0.02] {
        // Three rows at the pole, cells as wide in degrees as they are high: a thousandth of that in kilometres.
        let narrow = region(90.0 - 3.0 * size, 0.0, size, 3, (45.0 / size) as usize);
        let places = polygons(&mut noise, 60, 0.3 * size, [5.0, 40.0], [90.0 - 2.7 * size, 90.0 - 1.0 * size]);
        check(gpu, &format!("{size} at the pole"), &narrow, &places);
    }
}

#[test]
fn coarse_and_fine_cells_and_southern_ones_are_found_whole() {
    let Some(gpu) = device() else { return };
    let mut noise = Noise(7);
    let globe = region(-90.0, -0.5, 1.0, 180, 360);
    check(gpu, "fine in coarse", &globe, &polygons(&mut noise, 300, 0.1, [-180.0, 360.0], [-85.0, 85.0]));
    check(gpu, "across the seam", &globe, &polygons(&mut noise, 200, 1.5, [350.0, 370.0], [-80.0, 80.0]));
    let coarse = region(-90.0, 0.0, 10.0, 18, 36);
    check(gpu, "fine in very coarse", &coarse, &polygons(&mut noise, 300, 2.0, [0.0, 360.0], [-80.0, 80.0]));
}

/// Rows of `step` degrees all around, of as many columns as fit cells about as wide as high.
fn reduced(step: f64) -> Region {
    let rows = (180.0 / step).round() as usize;
    let lats: Vec<f64> = (0..=rows).map(|k| (step * k as f64 - 90.0).min(90.0)).collect();
    let (mut meridians, mut starts, mut areas) = (Vec::new(), Vec::new(), Vec::new());
    for l in lats.windows(2) {
        let count = ((360.0 / step * (0.5 * (l[0] + l[1])).to_radians().cos()).round() as usize).max(8);
        starts.push(areas.len());
        areas.extend(std::iter::repeat_n(crate::cell_area::quadrangle_area(l[0], l[1], 360.0 / count as f64), count));
        meridians.push(Meridians::Uniform { count });
    }
    Region { bands: Bands::new(&lats, (0..rows as u32).collect(), meridians, starts), areas }
}

#[test]
fn areas_in_reduced_rows_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    let mut noise = Noise(9);
    for step in [10.0, 1.0, 0.2] {
        let region = reduced(step);
        let lats = [-80.0f64, 80.0].map(|lat| lat * (1.0 - step / 60.0));
        for size in [0.4, 1.0, 2.0] {
            check(gpu, &format!("{step} reduced, {size}"), &region, &polygons(&mut noise, 150, size * step, [0.0, 360.0], lats));
        }
    }
}

#[test]
fn areas_in_rows_about_another_pole_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    let rotation = crate::sphere::Rotation::from_rotated_pole(-162.0, 39.25, 0.0);
    let turn = Turn::into_frame(&rotation);
    let mut noise = Noise(10);
    for step in [1.0, 0.1, 0.02] {
        let region = region(-17.5 * step, -17.5 * step, step, 35, 35);
        let sides = [-16.0 * step, 16.0 * step];
        let own = polygons(&mut noise, 150, step, sides, sides);
        let turned = |corners: Vec<UnitVector>| corners.into_iter().map(|p| rotation.apply_inverse(p)).collect();
        let geographic: Vec<Vec<UnitVector>> = own.into_iter().map(turned).collect();
        check_turned(gpu, &format!("{step} turned"), &region, &geographic, Some(&turn));
    }
}

#[test]
fn what_bands_cannot_tell_is_left_to_the_processor() {
    let Some(gpu) = device() else { return };
    let globe = region(-90.0, 0.0, 5.0, 36, 72);
    let ring = (0..5).map(|k| unit_vector(72.0 * f64::from(k), 80.0)).collect();
    let wide = vec![unit_vector(0.0, 0.0), unit_vector(40.0, 0.0), unit_vector(20.0, 30.0)];
    let (starts, corners, areas) = tile(&[ring, wide, vec![], vec![unit_vector(1.0, 1.0); 2]]);
    for width in widths(gpu) {
        let bands = DeviceBands::new(gpu, &globe.bands, &globe.areas, width).expect("small");
        let found = bands.rows(gpu, (&starts, &corners), None, &areas).expect("small");
        assert_eq!((found.counts, found.elsewhere), (vec![0; 4], vec![true, true, false, false]));
        let none = bands.rows(gpu, (&[0], &[]), None, &[]).expect("nothing");
        assert!(none.counts.is_empty() && none.areas.is_empty());
        let refused = bands.rows(gpu, (&starts, &corners[1..]), None, &areas);
        assert_eq!(refused, Err(GpuError::WrongLength { what: "the corners", found: 9, expected: 10 }));
    }
    // Cells wider than 45 degrees are several parts, each with a link.
    let broad = region(-90.0, 0.0, 60.0, 3, 6);
    let (starts, corners, areas) = tile(&polygons(&mut Noise(8), 50, 3.0, [0.0, 360.0], [-60.0, 60.0]));
    let bands = DeviceBands::new(gpu, &broad.bands, &broad.areas, Width::F32).expect("small");
    let found = bands.rows(gpu, (&starts, &corners), None, &areas).expect("small");
    let (all, sum): (f64, f64) = (areas.iter().sum(), found.areas.iter().sum());
    assert!((all / sum - 1.0).abs() < 1e-5, "{all} {sum}");
}
