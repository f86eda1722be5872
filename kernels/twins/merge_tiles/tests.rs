//! The twin beside the kernel of the processor.

use super::*;
use crate::gpu::tests::{Noise, POISON, assert_close, device, poisoned};
use crate::gpu::{BlockShape, Gpu};
use crate::merge_tiles;
use crate::sparse_apply::SlabFlags;

fn compare<V: Stored>(gpu: &Gpu, masked: bool, epsilon: f64) {
    let (n, tiles, mut noise) = (1000, 3, Noise(3));
    let (mut fractions, values) = (vec![0.0; n * tiles], noise.many(n * tiles, -300.0, 300.0));
    for cell in 0..n {
        let a = if cell % 4 == 0 { 0.0 } else { noise.next() };
        let b = (1.0 - a) * noise.next();
        (fractions[cell], fractions[n + cell], fractions[2 * n + cell]) = (a, b, 1.0 - a - b);
    }
    let round = |values: &[f64]| values.iter().map(|&v| V::from_f64(v).to_f64()).collect::<Vec<f64>>();
    let (fractions, values) = (round(&fractions), round(&values));
    let flags: Vec<bool> = (0..n * tiles).map(|k| k % 37 != 0).collect();
    // What lies under the mask must not matter, nor what no share of a cell has.
    let mut values = values;
    for k in (0..n * tiles).filter(|&k| masked && !flags[k] || fractions[k] == 0.0) {
        values[k] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][k % 3];
    }
    let slab_flags = masked.then(|| SlabFlags::from_bools(n, &flags));
    let upload = |values: &[f64], valid: Option<&SlabFlags>| {
        let values: Vec<V> = values.iter().map(|&v| V::from_f64(v)).collect();
        DeviceField::upload(gpu, n, &values, valid, 1).expect("it fits")
    };
    let merged = poisoned::<V>(gpu, BlockShape { cells: n, slabs: 3, lanes: 1 }, true);
    let mut step = Step::new(gpu);
    merge(&mut step, &upload(&fractions, None), &upload(&values, slab_flags.as_ref()), (&merged, 1)).expect("it fits");
    step.finish().expect("it runs");
    let (found, found_flags) = merged.download(gpu).expect("read");
    let found: Vec<f64> = found.into_iter().map(V::to_f64).collect();
    let poison = V::from_f64(POISON).to_f64();
    assert!(found[..n].iter().chain(&found[2 * n..]).all(|&v| v == poison), "the other slabs are as they were");
    let found = &found[n..2 * n];
    let slab = |of: &'_ [f64], tile: usize| of[tile * n..(tile + 1) * n].to_vec();
    let (f, v): (Vec<_>, Vec<_>) = (0..tiles).map(|t| (slab(&fractions, t), slab(&values, t))).unzip();
    let f: Vec<&[f64]> = f.iter().map(Vec::as_slice).collect();
    let v: Vec<&[f64]> = v.iter().map(Vec::as_slice).collect();
    let valid: Vec<Option<&[bool]>> = (0..tiles).map(|t| masked.then(|| &flags[t * n..(t + 1) * n])).collect();
    let (expected, expected_valid) = merge_tiles::merge(&f, &v, &valid);
    assert_close("merge", found, &expected, |_| 4.0 * epsilon * 300.0);
    let found_flags = found_flags.expect("flags");
    assert!((0..n).all(|k| found_flags.get(1, k) == expected_valid[k]), "flags");
}

#[test]
fn merges_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    for masked in [false, true] {
        compare::<f32>(gpu, masked, f32::EPSILON.into());
        if gpu.facts().f64 {
            compare::<f64>(gpu, masked, f64::EPSILON);
        }
    }
}
