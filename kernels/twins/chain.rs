//! Kernels one after the other on a device, beside the same on the processor.

use super::global_integral::DeviceStatistics;
use super::sparse_apply::DeviceRows;
use super::vertical::{Curve, DeviceLevels, at_levels};
use crate::global_integral::slab_statistics;
use crate::gpu::tests::{Noise, assert_close, device};
use crate::gpu::{Copies, DeviceField, Gpu, Numbers, Step};
use crate::sparse_apply::{Missing, PreparedRows, SlabFlags, SparseRows};
use crate::vertical::{Beyond, linear};

const SOURCE: usize = 900;
const DESTINATION: usize = 400;
const LEVELS: usize = 9;

/// Rows of four links.
fn rows(noise: &mut Noise) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
    let starts = (0..=DESTINATION).map(|i| 4 * i).collect();
    let columns = (0..DESTINATION).flat_map(|_| {
        let first = noise.below(SOURCE - 12) as u32;
        [first, first + 1, first + 10, first + 11]
    });
    (starts, columns.collect(), [0.1, 0.2, 0.3, 0.4].repeat(DESTINATION))
}

#[test]
fn a_chain_stays_on_the_device_and_is_that_of_the_processor() {
    if device().is_none() {
        return;
    }
    // A device of its own: others count their copies on the shared one.
    let gpu = Gpu::open(crate::device::DeviceChoice::Gpu(Some(0))).expect("it opened before").expect("a device");
    let mut noise = Noise(61);
    let (row_starts, columns, weights) = rows(&mut noise);
    let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
    let values: Vec<f32> = noise.many(SOURCE * LEVELS, 200.0, 300.0).into_iter().map(|v| v as f32).collect();
    let flags: Vec<bool> = (0..values.len()).map(|_| noise.next() < 0.9).collect();
    let flags = SlabFlags::from_bools(SOURCE, &flags);
    let levels: Vec<f64> = (0..LEVELS).map(|k| 100.0 * k as f64).collect();
    let (targets, beyond) = ([50.0, 333.0, 799.0], [Beyond::Nearest, Beyond::Missing]);
    let areas = noise.many(DESTINATION, 0.9, 1.1);
    let missing = Missing::Renormalize { min_valid: 0.5 };

    // On the processor.
    let mut regridded = vec![0f32; DESTINATION * LEVELS];
    let present = PreparedRows::new(rows, SOURCE).apply(&values, Some(&flags), missing, &mut regridded).expect("holes");
    let column = |cell: usize| -> (Vec<f64>, Vec<f64>) {
        let there = (0..LEVELS).filter(|&l| present.get(l, cell));
        there.map(|l| (levels[l], f64::from(regridded[l * DESTINATION + cell]))).unzip()
    };
    let expected: Vec<Option<f64>> = targets
        .iter()
        .flat_map(|&target| (0..DESTINATION).map(move |cell| (target, cell)))
        .map(|(target, cell)| {
            let (z, v) = column(cell);
            linear(&z, &v, target, beyond)
        })
        .collect();
    let expected_flags = SlabFlags::from_bools(DESTINATION, &expected.iter().map(Option::is_some).collect::<Vec<bool>>());
    let expected: Vec<f64> = expected.into_iter().map(|v| v.unwrap_or(0.0)).collect();
    let expected_statistics = slab_statistics(&expected, Some(&expected_flags), &areas);

    // On the device: recorded once, submitted as often as there are steps.
    let numbers = Numbers::of::<f32>(&gpu).expect("single");
    let device_rows = DeviceRows::upload(&gpu, rows, SOURCE, numbers).expect("small");
    let device_areas = gpu.upload_real("areas", &areas, numbers).expect("small");
    let source = DeviceField::upload(&gpu, SOURCE, &values, Some(&flags), gpu.lanes::<f32>(SOURCE, LEVELS).expect("small"));
    let source = source.expect("small");
    let on_destination = device_rows.destination_for(&gpu, &source).expect("small");
    let mut step = Step::new(&gpu);
    device_rows.apply(&mut step, &source, missing, &on_destination).expect("it fits");
    let shared = DeviceLevels::Shared(&levels);
    let at_targets = at_levels(&mut step, &on_destination, shared, &targets, Curve::Line, beyond).expect("it fits");
    let statistics = DeviceStatistics::add(&mut step, &at_targets, &device_areas).expect("it fits");
    let before = gpu.copies();
    for _ in 0..3 {
        step.submit().expect("it runs");
    }
    assert_eq!(gpu.copies() - before, Copies { submits: 3, ..Copies::default() }, "no value comes to the host between");
    let found = statistics.read(&gpu).expect("small");
    let copies = gpu.copies() - before;
    assert!(copies.downloaded_bytes < 400, "statistics are some numbers a slab: {copies:?}");

    let bound = 20.0 * f64::from(f32::EPSILON) * 300.0;
    for (f, e) in found.iter().zip(&expected_statistics) {
        assert_eq!(f.count, e.count);
        assert!((f.integral - e.integral).abs() <= bound * e.area, "{f:?} {e:?}");
        assert!((f.least - e.least).abs() <= bound && (f.greatest - e.greatest).abs() <= bound, "{f:?} {e:?}");
    }
    let (values, flags) = at_targets.download(&gpu).expect("small");
    assert_eq!(flags, Some(expected_flags));
    let values: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
    assert_close("targets", &values, &expected, |_| bound);
}
