//! The twin beside the kernel of the processor.

use super::*;
use crate::gpu::tests::{Noise, POISON, assert_close, device, poisoned};
use crate::sparse_apply::{PreparedRows, SlabFlags};

struct Case {
    row_starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f64>,
    source_len: usize,
}

impl Case {
    /// Rows of 0 to `most` links; every third is no mean, every fifth has weights of both signs.
    fn new(noise: &mut Noise, rows: usize, source_len: usize, most: usize) -> Self {
        let (mut row_starts, mut columns, mut weights) = (vec![0], Vec::new(), Vec::new());
        for row in 0..rows {
            let links = noise.below(most + 1).min(source_len);
            let first = noise.below(source_len - links + 1);
            let sign = |k: usize| if row % 5 == 0 && k % 3 == 1 { -0.2 } else { 1.0 };
            let raw: Vec<f64> = (0..links).map(|k| sign(k) * (noise.next() + 1e-3)).collect();
            let sum: f64 = raw.iter().sum::<f64>() * if row % 3 == 0 { 1.6 } else { 1.0 };
            columns.extend((first..first + links).map(|c| c as u32));
            weights.extend(raw.iter().map(|w| w / sum));
            row_starts.push(columns.len());
        }
        Self { row_starts, columns, weights, source_len }
    }

    fn rows(&self) -> SparseRows<'_> {
        SparseRows { row_starts: &self.row_starts, columns: &self.columns, weights: &self.weights }
    }

    /// (n + 3)·ε·Σ|w·x|, for each row and slab, over all links: more than over the valid ones. Scaling up what is left
    /// multiplies errors as it does weights: least shares of a hundredth and more are compared.
    fn bounds(&self, values: &[f64], valid: Option<&SlabFlags>, epsilon: f64) -> Vec<f64> {
        let slabs = values.len() / self.source_len;
        let mut bounds = Vec::new();
        for slab in 0..slabs {
            for i in 0..self.rows().len() {
                let (columns, weights) = self.rows().row(i);
                let (mut sum, mut all, mut kept) = (0.0, 0.0, 0.0);
                for (&c, w) in columns.iter().zip(weights) {
                    all += w.abs();
                    if valid.is_none_or(|v| v.get(slab, c as usize)) {
                        sum += (w * values[slab * self.source_len + c as usize]).abs();
                        kept += w;
                    }
                }
                let scale = if valid.is_some() { (all / f64::abs(kept)).max(1.0) } else { 1.0 };
                bounds.push((2.0 * columns.len() as f64 + 6.0) * epsilon * sum * scale * scale);
            }
        }
        bounds
    }
}

fn compare<V: Stored>(gpu: &Gpu, case: &Case, numbers: Numbers, slabs: usize, masked: bool, missing: Missing, most: usize) {
    let mut noise = Noise(slabs as u64 + 11);
    let n = case.source_len;
    let mut values: Vec<V> = noise.many(n * slabs, 200.0, 320.0).into_iter().map(V::from_f64).collect();
    let flags: Vec<bool> = (0..values.len()).map(|k| !masked || k / n == 1 || k / n != 2 && noise.next() < 0.7).collect();
    for (value, _) in values.iter_mut().zip(&flags).filter(|(_, f)| !**f) {
        // What lies under the mask must not matter.
        *value = V::from_f64([f64::NAN, f64::INFINITY, f64::NEG_INFINITY][noise.below(3)]);
    }
    let flags = masked.then(|| SlabFlags::from_bools(n, &flags));
    let name = format!("{numbers:?}, {slabs} slabs, {masked}, {missing:?}");

    let mut expected = vec![V::from_f64(POISON); case.rows().len() * slabs];
    let expected_flags = PreparedRows::new(case.rows(), n).apply(&values, flags.as_ref(), missing, &mut expected);

    let lanes = gpu.lanes::<V>(n.max(case.rows().len()), slabs).expect("small");
    let source = DeviceField::upload(gpu, n, &values, flags.as_ref(), lanes).expect("small");
    let rows = DeviceRows::upload_parts(gpu, case.rows(), n, numbers, most).expect("small");
    let shape = BlockShape { cells: case.rows().len(), ..source.shape() };
    let destination = poisoned::<V>(gpu, shape, rows.destination_for(gpu, &source).expect("small").has_flags());
    let mut step = Step::new(gpu);
    rows.apply(&mut step, &source, missing, &destination).expect("it fits");
    step.finish().expect("it runs");
    let (found, found_flags) = destination.download(gpu).expect("small");

    let all = |flags: Option<SlabFlags>| {
        let mut bools = vec![true; expected.len()];
        flags.inspect(|f| f.write_bools(&mut bools));
        bools
    };
    let present = all(expected_flags);
    assert!(all(found_flags) == present, "{name}: flags");
    // What is rounded to single precision once more may differ by a half of its last place twice.
    let epsilon = numbers.real.epsilon();
    let stored = if V::WIDTH == numbers.real { 0.0 } else { V::WIDTH.epsilon() };
    let wide = |v: &[V]| v.iter().map(|v| v.to_f64()).collect::<Vec<f64>>();
    let (found, expected, values) = (wide(&found), wide(&expected), wide(&values));
    let bounds = case.bounds(&values, flags.as_ref(), epsilon);
    assert_close(&name, &found, &expected, |k| bounds[k] + stored * expected[k].abs());

    // A slab alone: the last one, somewhere in a block.
    let len = case.rows().len();
    let alone = BlockShape { cells: len, slabs: 1, lanes: 1 };
    let one = poisoned::<V>(gpu, alone, destination.has_flags());
    let mut step = Step::new(gpu);
    rows.apply_slab(&mut step, (&source, slabs - 1), missing, &one).expect("it fits");
    step.finish().expect("it runs");
    let (found, found_flags) = one.download(gpu).expect("small");
    let first = (slabs - 1) * len;
    let expected_flags = &present[first..];
    let mut one_present = vec![true; len];
    found_flags.inspect(|f| f.write_bools(&mut one_present));
    assert!(one_present == expected_flags, "{name}: flags of a slab");
    assert_close(&name, &wide(&found), &expected[first..], |k| bounds[first + k] + stored * expected[first + k].abs());
    let beyond = rows.apply_slab(&mut Step::new(gpu), (&source, slabs), missing, &one);
    assert_eq!(beyond, Err(GpuError::WrongLength { what: "slabs of the source", found: slabs, expected: slabs + 1 }));
}

fn for_all_numbers(gpu: &Gpu, check: impl Fn(Numbers)) {
    for &numbers in FIELD_NUMBERS.iter().filter(|n| gpu.facts().f64 || !n.needs_f64()) {
        check(numbers);
    }
}

fn compare_numbers(gpu: &Gpu, case: &Case, numbers: Numbers, slabs: usize, masked: bool, missing: Missing, most: usize) {
    match numbers.stored {
        Width::F32 => compare::<f32>(gpu, case, numbers, slabs, masked, missing, most),
        Width::F64 => compare::<f64>(gpu, case, numbers, slabs, masked, missing, most),
    }
}

#[test]
fn rows_on_the_device_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    let case = Case::new(&mut Noise(5), 3000, 700, 9);
    for_all_numbers(gpu, |numbers| {
        // 1, 3, 5 and 19 slabs: every kind of block, with lanes to spare.
        for slabs in [1, 3, 5, 19] {
            compare_numbers(gpu, &case, numbers, slabs, false, Missing::Propagate, usize::MAX / 2);
            for missing in [
                Missing::Propagate,
                Missing::Keep { min_valid: 0.31 },
                Missing::Renormalize { min_valid: 0.0131 },
                Missing::Renormalize { min_valid: 0.51 },
            ] {
                compare_numbers(gpu, &case, numbers, slabs, true, missing, usize::MAX / 2);
            }
        }
    });
}

#[test]
fn long_rows_are_summed_together() {
    let Some(gpu) = device() else { return };
    let case = Case::new(&mut Noise(6), 203, 5000, 900);
    for_all_numbers(gpu, |numbers| {
        for missing in [Missing::Renormalize { min_valid: 0.31 }, Missing::Propagate] {
            compare_numbers(gpu, &case, numbers, 1, true, missing, usize::MAX / 2);
            compare_numbers(gpu, &case, numbers, 2, true, missing, usize::MAX / 2);
        }
        for slabs in [1, 4, 7, 33] {
            compare_numbers(gpu, &case, numbers, slabs, false, Missing::Propagate, usize::MAX / 2);
        }
        compare_numbers(gpu, &case, numbers, 9, true, Missing::Keep { min_valid: 0.31 }, usize::MAX / 2);
    });
}

/// Up to the length that an invocation does alone, and one beyond, in parts that have both, one kind, and the other.
#[test]
fn long_rows_among_short_ones_are_done_once() {
    let Some(gpu) = device() else { return };
    let lengths = [3, LONGEST_ALONE, LONGEST_ALONE + 1, 0, 700, 1, 2, 4, 5, 300, LONGEST_ALONE + 1, 9];
    let mut case = Case { row_starts: vec![0], columns: vec![], weights: vec![], source_len: 800 };
    for (row, &links) in lengths.iter().enumerate() {
        case.columns.extend((0..links).map(|k| (k + row) as u32));
        case.weights.extend((0..links).map(|_| 1.0 / links as f64));
        case.row_starts.push(case.columns.len());
    }
    for most in [1, 600, usize::MAX / 2] {
        for slabs in [1, 3, 8, 32] {
            compare::<f32>(gpu, &case, Numbers::all(Width::F32), slabs, false, Missing::Propagate, most);
            compare::<f32>(gpu, &case, Numbers::all(Width::F32), slabs, true, Missing::Renormalize { min_valid: 0.2 }, most);
        }
    }
}

#[test]
fn rows_in_parts_are_the_same_rows() {
    let Some(gpu) = device() else { return };
    let case = Case::new(&mut Noise(8), 1000, 300, 7);
    compare::<f32>(gpu, &case, Numbers::all(Width::F32), 5, true, Missing::Renormalize { min_valid: 0.2 }, 50);
    compare::<f32>(gpu, &case, Numbers::all(Width::F32), 1, true, Missing::Renormalize { min_valid: 0.2 }, 333);
}

#[test]
fn one_cell_and_none_are_rows_too() {
    let Some(gpu) = device() else { return };
    let one = Case { row_starts: vec![0, 1], columns: vec![0], weights: vec![1.0], source_len: 1 };
    for slabs in [1, 2] {
        compare::<f32>(gpu, &one, Numbers::all(Width::F32), slabs, false, Missing::Propagate, 100);
    }
    let none = SparseRows { row_starts: &[0], columns: &[], weights: &[] };
    let rows = DeviceRows::upload(gpu, none, 1, Numbers::all(Width::F32)).expect("nothing");
    let source = DeviceField::<f32>::upload(gpu, 1, &[4.0], None, 1).expect("small");
    let destination = rows.destination_for(gpu, &source).expect("nothing");
    let mut step = Step::new(gpu);
    rows.apply(&mut step, &source, Missing::Propagate, &destination).expect("nothing to do");
    assert!(step.is_empty());
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = device() else { return };
    let numbers = Numbers::all(Width::F32);
    let case = Case { row_starts: vec![0, 1, 1], columns: vec![2], weights: vec![1.0], source_len: 3 };
    let rows = DeviceRows::upload(gpu, case.rows(), 3, numbers).expect("small");
    let field = |cells: usize, has_flags| {
        DeviceField::<f32>::zeros(gpu, BlockShape { cells, slabs: 1, lanes: 1 }, has_flags).expect("small")
    };
    let apply =
        |source: &DeviceField<f32>, to: &DeviceField<f32>| rows.apply(&mut Step::new(gpu), source, Missing::Propagate, to).err();
    let wrong = |what, found, expected| Some(GpuError::WrongLength { what, found, expected });
    assert_eq!(apply(&field(4, false), &field(2, true)), wrong("the source field", 4, 3));
    assert_eq!(apply(&field(3, false), &field(3, true)), wrong("the destination field", 3, 2));
    assert_eq!(apply(&field(3, false), &field(2, false)), wrong("flags of the destination", 0, 1));
    assert_eq!(apply(&field(3, false), &field(2, true)), None);
    let long = Case { row_starts: vec![0, 70_000], columns: vec![0; 70_000], weights: vec![0.0; 70_000], source_len: 1 };
    let refused = DeviceRows::upload(gpu, long.rows(), 1, numbers);
    assert!(matches!(refused, Err(GpuError::TooLong { found: 70_000, .. })), "{refused:?}");
}

#[test]
fn rounded_rows_keep_their_sums() {
    let case = Case::new(&mut Noise(9), 500, 400, 40);
    let rounded = rounded(case.rows(), 0..500);
    for i in 0..500 {
        let range = case.row_starts[i]..case.row_starts[i + 1];
        let before: f64 = case.weights[range.clone()].iter().sum();
        let after: f64 = rounded[range.clone()].iter().map(|&w| f64::from(w)).sum();
        let largest = case.weights[range].iter().fold(0.0, |m: f64, w| m.max(w.abs()));
        // Half of the last place of the largest weight is left.
        assert!((before - after).abs() <= 0.5 * f64::from(f32::EPSILON) * largest, "{i}");
    }
}

#[test]
fn grids_of_one_cell_and_of_none_are_grids() {
    let Some(gpu) = device() else { return };
    let one = Case { row_starts: vec![0, 1], columns: vec![0], weights: vec![1.0], source_len: 1 };
    let none = Case { row_starts: vec![0], columns: vec![], weights: vec![], source_len: 1 };
    for_all_numbers(gpu, |numbers| {
        for (case, slabs) in [(&one, 1), (&one, 3), (&none, 2)] {
            compare_numbers(gpu, case, numbers, slabs, false, Missing::Propagate, usize::MAX / 2);
            compare_numbers(gpu, case, numbers, slabs, true, Missing::Renormalize { min_valid: 0.5 }, usize::MAX / 2);
        }
    });
}
