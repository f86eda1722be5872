//! The twin beside the kernel of the processor.

use super::*;
use crate::cell_area::polygon_area;
use crate::gpu::tests::{Noise, assert_close, device};
use crate::overlap::{ConvexCell, Scratch};
use crate::sphere::{UnitVector, unit_vector};

/// Quadrangles of `size` degrees, a little askew, in clusters in which every two may overlap.
fn cells(noise: &mut Noise, count: usize, size: f64) -> Vec<Vec<UnitVector>> {
    (0..count)
        .map(|k| {
            let cluster = (k / 8) as f64;
            // Degrees of longitude as long as those of latitude, everywhere but at the pole.
            let lat = (cluster * 37.3) % 110.0 - 55.0;
            let stretch = 1.0 / lat.to_radians().cos();
            let (lon, lat) = ((cluster * 71.7) % 360.0 + noise.next() * size * stretch, lat + noise.next() * size);
            let mut at = |x: f64, y: f64| {
                let (x, y) = (x + 0.2 * noise.next(), y + 0.2 * noise.next());
                unit_vector(lon + x * size * stretch, lat + y * size)
            };
            vec![at(0.0, 0.0), at(1.0, 0.0), at(1.0, 1.0), at(0.0, 1.0)]
        })
        .collect()
}

fn upload(gpu: &Gpu, cells: &[Vec<UnitVector>], width: Width) -> (DevicePolygons, Vec<f64>) {
    let mut starts = vec![0u32];
    cells.iter().for_each(|c| starts.push(starts[starts.len() - 1] + c.len() as u32));
    let vertices = cells.concat();
    let corners: Vec<u32> = (0..vertices.len() as u32).collect();
    let polygons = DevicePolygons::upload(gpu, &starts, &corners, &vertices, width).expect("small");
    (polygons, cells.iter().map(|c| polygon_area(c)).collect())
}

fn both(gpu: &Gpu, a: &[Vec<UnitVector>], b: &[Vec<UnitVector>], width: Width) -> DeviceOverlaps {
    let ((a, a_areas), (b, b_areas)) = (upload(gpu, a, width), upload(gpu, b, width));
    DeviceOverlaps::new(gpu, (a, &a_areas), (b, &b_areas)).expect("they fit")
}

fn widths(gpu: &Gpu) -> Vec<Width> {
    if gpu.facts().f64 { vec![Width::F32, Width::F64] } else { vec![Width::F32] }
}

#[test]
fn areas_of_pairs_are_those_of_the_processor_at_any_resolution() {
    let Some(gpu) = device() else { return };
    for size in [10.0, 1.0, 0.1, 0.02] {
        let mut noise = Noise(31);
        let (a, b) = (cells(&mut noise, 800, size), cells(&mut noise, 800, size));
        let pairs: (Vec<u32>, Vec<u32>) = (0..800u32).flat_map(|i| (0..8).map(move |k| (i, i / 8 * 8 + k))).unzip();
        let mut scratch = Scratch::default();
        let expected: Vec<f64> = pairs
            .0
            .iter()
            .zip(&pairs.1)
            .map(|(&i, &j)| {
                let subject = &b[j as usize];
                ConvexCell::new(&a[i as usize]).overlap(subject, polygon_area(subject), &mut scratch)
            })
            .collect();
        let least = a.iter().map(|c| polygon_area(c)).fold(f64::INFINITY, f64::min);
        assert!(expected.iter().filter(|&&e| e > 0.1 * least).count() > 2000, "many pairs overlap");
        for width in widths(gpu) {
            let found = both(gpu, &a, &b, width).pair_areas(gpu, &pairs.0, &pairs.1).expect("small");
            let share = if width == Width::F64 { 1e-14 } else { 5e-7 };
            let cell = |k: usize| polygon_area(&a[pairs.0[k] as usize]);
            assert_close(&format!("{width:?} {size}"), &found, &expected, |k| share * cell(k));
        }
    }
}

#[test]
fn rows_keep_what_overlaps_in_order() {
    let Some(gpu) = device() else { return };
    let mut noise = Noise(41);
    let (a, b) = (cells(&mut noise, 400, 1.0), cells(&mut noise, 400, 1.0));
    // Rows from cell 40 on; the first has no pairs.
    let (mut starts, mut subjects) = (vec![0u32, 0], Vec::new());
    for i in 41..400u32 {
        subjects.extend(i / 8 * 8..i / 8 * 8 + 8);
        starts.push(subjects.len() as u32);
    }
    for width in widths(gpu) {
        let overlaps = both(gpu, &a, &b, width);
        let found = overlaps.rows(gpu, 40, &starts, &subjects).expect("small");
        assert!(found.elsewhere.iter().all(|e| !e));
        let (mut at, mut scratch) = (0, Scratch::default());
        for (row, &count) in found.counts.iter().enumerate() {
            let cell = ConvexCell::new(&a[40 + row]);
            let own = polygon_area(&a[40 + row]);
            let expected: Vec<(u32, f64)> = subjects[starts[row] as usize..starts[row + 1] as usize]
                .iter()
                .map(|&s| (s, cell.overlap(&b[s as usize], polygon_area(&b[s as usize]), &mut scratch)))
                // Between this and the sliver of single precision no area lies here.
                .filter(|l| l.1 > 1e-6 * own)
                .collect();
            let links = at..at + count as usize;
            let columns: Vec<u32> = expected.iter().map(|l| l.0).collect();
            assert_eq!(found.subjects[links.clone()], columns[..], "{width:?} row {row}");
            let areas: Vec<f64> = expected.iter().map(|l| l.1).collect();
            let share = if width == Width::F64 { 1e-14 } else { 5e-7 };
            assert_close("areas", &found.areas[links.clone()], &areas, |_| share * own);
            at = links.end;
        }
        assert_eq!(at, found.areas.len());
        assert!(at > 400, "{at} links");
        let again = overlaps.rows(gpu, 40, &starts, &subjects).expect("small");
        assert_eq!(again, found, "the same bits in every run");
    }
}

#[test]
fn what_the_kernel_cannot_tell_is_marked() {
    let Some(gpu) = device() else { return };
    let ring = |corners: usize| (0..corners).map(|k| unit_vector(360.0 * k as f64 / corners as f64, 70.0)).collect();
    // Thirteen corners; cells that touch; a cell that reaches beyond its plane; a repeated corner at the pole.
    let square =
        |lon: f64, size: f64| [(0.0, 0.0), (size, 0.0), (size, size), (0.0, size)].map(|(x, y)| unit_vector(lon + x, y)).to_vec();
    let pole = [(0.0, 89.0), (60.0, 89.0), (0.0, 90.0), (0.0, 90.0)].map(|(x, y)| unit_vector(x, y)).to_vec();
    let a: Vec<Vec<UnitVector>> = vec![ring(13), square(0.0, 1.0), square(0.0, 170.0), pole];
    let b: Vec<Vec<UnitVector>> = vec![ring(12), square(1.0, 1.0), square(0.0, 1.0), ring(13)];
    for width in widths(gpu) {
        let overlaps = both(gpu, &a, &b, width);
        let found = overlaps.pair_areas(gpu, &[0, 1, 1, 2, 3], &[0, 1, 2, 2, 0]).expect("small");
        assert_eq!(found[0], -1.0);
        assert_eq!(found[1], 0.0, "{width:?}: they touch");
        let bound = if width == Width::F64 { 1e-14 } else { 5e-7 };
        let unit = polygon_area(&b[2]);
        assert!((found[2] / unit - 1.0).abs() < bound, "{width:?}: the same cell");
        assert_eq!(found[3], -1.0);
        let pole = polygon_area(&a[3]);
        // A degree high and sixty wide: what rounding does along its length weighs more.
        let error = (found[4] / pole - 1.0).abs();
        assert!(error < 20.0 * bound, "{width:?}: within, {error:e}");
        let rows = overlaps.rows(gpu, 0, &[0, 1, 2], &[0, 2]).expect("small");
        assert_eq!(rows.elsewhere, [true, false]);
        let refused = overlaps.pair_areas(gpu, &[4], &[0]);
        assert_eq!(refused, Err(GpuError::WrongLength { what: "the cells", found: 4, expected: 5 }));
    }
}
