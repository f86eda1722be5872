//! All forms beside brute force and the plain reference.

use super::*;

/// Small reproducible pseudo-random numbers in 0..1.
pub(super) struct Noise(pub(super) u64);
impl Noise {
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

struct Case {
    row_starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f64>,
    source: Vec<f64>,
    valid: Vec<bool>,
}

const SOURCE_LEN: usize = 700;
const SLABS: usize = 11;

/// Rows of 0..8 links with sum 1, and 11 slabs with holes (slab 3 without, slab 4 all missing).
fn case() -> Case {
    let mut noise = Noise(7);
    let (mut row_starts, mut columns, mut weights) = (vec![0], Vec::new(), Vec::new());
    for _ in 0..5000 {
        let links = (noise.next() * 9.0) as usize;
        let first = (noise.next() * (SOURCE_LEN - 20) as f64) as u32;
        let raw: Vec<f64> = (0..links).map(|_| noise.next() + 1e-3).collect();
        let sum: f64 = raw.iter().sum();
        columns.extend((0..links as u32).map(|k| first + 2 * k));
        weights.extend(raw.iter().map(|w| w / sum));
        row_starts.push(columns.len());
    }
    let source: Vec<f64> = (0..SOURCE_LEN * SLABS).map(|_| 250.0 + 50.0 * noise.next()).collect();
    let valid = (0..source.len())
        .map(|i| match i / SOURCE_LEN {
            3 => true,
            4 => false,
            _ => noise.next() > 0.3,
        })
        .collect();
    Case { row_starts, columns, weights, source, valid }
}

impl Case {
    fn rows(&self) -> SparseRows<'_> {
        SparseRows { row_starts: &self.row_starts, columns: &self.columns, weights: &self.weights }
    }

    fn apply<V: Value>(&self, source: &[V], valid: Option<&Vec<bool>>, missing: Missing) -> (Vec<V>, Vec<bool>) {
        let n = self.row_starts.len() - 1;
        // Poison: every value must be written.
        let (mut out, mut flags) = (vec![V::from_f64(-9e9); n * SLABS], vec![true; n * SLABS]);
        flags.iter_mut().step_by(2).for_each(|f| *f = false);
        let valid = valid.map(Vec::as_slice);
        apply(self.rows(), SOURCE_LEN, source, valid, missing, &mut out, &mut flags);
        (out, flags)
    }

    fn brute_force(&self, slab: usize, row: usize, valid: &[bool], missing: Missing) -> Option<f64> {
        let links: Vec<(f64, f64, bool)> = (self.row_starts[row]..self.row_starts[row + 1])
            .map(|k| (k, slab * SOURCE_LEN + self.columns[k] as usize))
            .map(|(k, c)| (self.weights[k], self.source[c], valid[c]))
            .collect();
        let kept: Vec<_> = links.iter().filter(|l| l.2).collect();
        let share: f64 = kept.iter().map(|l| l.0).sum();
        let sum: f64 = kept.iter().map(|l| l.0 * l.1).sum();
        match missing {
            _ if kept.is_empty() => None,
            Missing::Propagate => (kept.len() == links.len()).then_some(sum),
            Missing::Keep { min_valid } => (share >= min_valid).then_some(sum),
            Missing::Renormalize { min_valid } => (share >= min_valid).then_some(sum / share),
        }
    }
}

#[test]
fn every_policy_equals_brute_force() {
    let case = case();
    let all = vec![true; case.valid.len()];
    for missing in [
        Missing::Renormalize { min_valid: 0.0 },
        Missing::Renormalize { min_valid: 0.6 },
        Missing::Keep { min_valid: 0.3 },
        Missing::Propagate,
    ] {
        for valid in [None, Some(&case.valid)] {
            let (out, flags) = case.apply(&case.source, valid, missing);
            let n = case.row_starts.len() - 1;
            for i in 0..out.len() {
                let expected = case.brute_force(i / n, i % n, valid.unwrap_or(&all), missing);
                assert_eq!(flags[i], expected.is_some(), "{missing:?} {i}");
                // 8 terms of 300 rounded to 1.1e-16 each, divided and scaled: below 2e-15 relative.
                assert!((out[i] - expected.unwrap_or(0.0)).abs() <= 2e-15 * 300.0, "{missing:?} {i}");
            }
        }
    }
}

#[test]
fn threads_and_slabs_do_not_change_a_bit() {
    let case = case();
    let n = case.row_starts.len() - 1;
    let missing = Missing::Renormalize { min_valid: 0.5 };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        pool.install(|| case.apply(&case.source, Some(&case.valid), missing))
    };
    let (one, four) = (run(1), run(4));
    assert!(one.0.iter().zip(&four.0).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert_eq!(one.1, four.1);
    let (mut out, mut flags) = (vec![-1.0; n], vec![false; n]);
    let slab = 5 * SOURCE_LEN..6 * SOURCE_LEN;
    let valid = Some(&case.valid[slab.clone()]);
    apply(case.rows(), SOURCE_LEN, &case.source[slab], valid, missing, &mut out, &mut flags);
    assert_eq!((&out[..], &flags[..]), (&one.0[5 * n..6 * n], &one.1[5 * n..6 * n]));
}

#[test]
fn means_keep_constants_and_range_exactly() {
    let case = case();
    let constant = vec![0.1; case.source.len()];
    let missing = Missing::Renormalize { min_valid: 0.0 };
    for valid in [None, Some(&case.valid)] {
        let (out, flags) = case.apply(&constant, valid, missing);
        assert!(out.iter().zip(&flags).all(|(&v, &ok)| v == if ok { 0.1 } else { 0.0 }));
        let (out, flags) = case.apply(&case.source, valid, missing);
        let inside = |v: f64| (250.0..=300.0).contains(&v);
        assert!(out.iter().zip(&flags).all(|(&v, &ok)| inside(v) == ok));
    }
}

#[test]
fn invalid_values_are_never_read() {
    let mut case = case();
    let missing = Missing::Renormalize { min_valid: 0.0 };
    let (clean, _) = case.apply(&case.source, Some(&case.valid), missing);
    for (value, &ok) in case.source.iter_mut().zip(&case.valid) {
        if !ok {
            *value = f64::NAN;
        }
    }
    let (poisoned, _) = case.apply(&case.source, Some(&case.valid), missing);
    assert_eq!(clean, poisoned);
}

#[test]
fn single_precision_is_the_rounded_double_result() {
    let case = case();
    let narrow: Vec<f32> = case.source.iter().map(|&v| v as f32).collect();
    let wide: Vec<f64> = narrow.iter().map(|&v| f64::from(v)).collect();
    let missing = Missing::Renormalize { min_valid: 0.2 };
    let (a, a_flags) = case.apply(&narrow, Some(&case.valid), missing);
    let (b, b_flags) = case.apply(&wide, Some(&case.valid), missing);
    assert!(a.iter().zip(&b).all(|(&a, &b)| a == b as f32));
    assert_eq!(a_flags, b_flags);
}

#[test]
fn rows_that_are_no_means_are_not_clamped() {
    let rows = SparseRows { row_starts: &[0, 2, 3], columns: &[0, 1, 1], weights: &[0.25, 0.25, -2.0] };
    let (mut out, mut flags) = ([0.0; 2], [false; 2]);
    apply(rows, 2, &[1.0, 3.0], None, Missing::Propagate, &mut out, &mut flags);
    assert_eq!((out, flags), ([1.0, -6.0], [true, true]));
    let missing = Missing::Keep { min_valid: 0.5 };
    apply(rows, 2, &[1.0, 3.0], Some(&[true, false]), missing, &mut out, &mut flags);
    assert_eq!((out, flags), ([0.25, 0.0], [true, false]));
}

/// The plain reference: one value after the other, sums in the stored order, means kept in range in any type.
fn reference<V: Value>(rows: SparseRows<'_>, source: &[V], valid: &[bool], missing: Missing) -> Vec<Option<V>> {
    let row = |i: usize| {
        let (columns, weights) = rows.row(i);
        let (mut sum, mut share, mut magnitude, mut links) = (0.0, 0.0, 0.0, 0);
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut total, mut total_magnitude) = (0.0, 0.0);
        for (&column, &w) in columns.iter().zip(weights) {
            total += w;
            total_magnitude += w.abs();
            if valid[column as usize] {
                let x = source[column as usize].to_f64();
                sum += w * x;
                share += w;
                magnitude += w.abs();
                links += 1;
                (least, greatest) = (f64::min(least, x), f64::max(greatest, x));
            }
        }
        let is_mean = total == total_magnitude && f64::abs(total - 1.0) <= 1e-12;
        let enough = |min_valid: f64| magnitude >= (min_valid - 1e-12) * total_magnitude;
        let bounded = |value: f64| V::from_f64(if is_mean { value.max(least).min(greatest) } else { value });
        match missing {
            _ if links == 0 => None,
            _ if links == columns.len() => Some(bounded(sum)),
            // Weights of one sign too small to divide by.
            _ if total == total_magnitude && magnitude < f64::MIN_POSITIVE => None,
            // What is left of weights of both signs has one sign, or means nothing.
            _ if f64::abs(share) <= (1.0 - 1e-9) * magnitude => None,
            Missing::Keep { min_valid } => enough(min_valid).then(|| V::from_f64(sum)),
            Missing::Renormalize { min_valid } if enough(min_valid) => Some(bounded(sum * (total / share))),
            _ => None,
        }
    };
    (0..rows.len()).map(row).collect()
}

/// Rows of 0 to 8 links: means, sums and, every eleventh, weights of both signs; some weights are all 0. Cells of a row are
/// `spread` cells apart.
pub(super) fn mixed_rows(n: usize, source_len: usize, spread: usize) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
    let (mut row_starts, mut columns, mut weights) = (vec![0], Vec::new(), Vec::new());
    let mut noise = Noise(3);
    for i in 0..n {
        let raw: Vec<f64> = (0..i % 9).map(|_| noise.next() + 1e-3).collect();
        let sum: f64 = if i % 81 == 5 { 1.0 } else { raw.iter().sum() };
        let sign = |k: usize| match i % 11 {
            3 if k == 1 => -1.0,
            5 if i % 13 == 7 => 0.0,
            _ => 1.0,
        };
        columns.extend((0..i % 9).map(|k| ((i / 7 * if spread > 100 { 7919 } else { 1 } + k * spread) % source_len) as u32));
        weights.extend(raw.iter().enumerate().map(|(k, w)| sign(k) * w / sum));
        row_starts.push(columns.len());
    }
    (row_starts, columns, weights)
}

/// From slabs of `cells` to values cell by cell.
fn turned<T: Copy>(slabs: &[T], cells: usize) -> Vec<T> {
    let count = slabs.len() / cells;
    (0..slabs.len()).map(|k| slabs[k % count * cells + k / count]).collect()
}

/// Masks of levels, each with the gaps of those above and more of its own; some cells have none at all, some miss all.
pub(super) const LEVELS: usize = usize::MAX;

/// The same mask of all slabs, with rows that have all, some and none.
const SAME: usize = usize::MAX - 1;

/// Whether a value is there. Every fifth slab is complete; with one mask all others have the same.
fn is_there(masks: usize, slab: usize, cell: usize, slabs: usize) -> bool {
    match masks {
        0 => true,
        // Runs of cells as wide as some rows, so that those have all or nothing.
        SAME => match cell / 40 % 3 {
            0 => true,
            1 => !cell.is_multiple_of(4),
            _ => false,
        },
        LEVELS => slab < (cell / 40 * 7 + cell / 3 % 2) % 5 * slabs.div_ceil(4),
        _ => slab % 5 == 3 || !(cell / 3 * 7 + slab % masks * 31).is_multiple_of(4) && slab != 6,
    }
}

/// All slabs at once, in both layouts, beside the reference, bit for bit.
pub(super) fn compare<V: Value>(prepared: &PreparedRows<'_>, instructions: u8, slabs: usize, missing: Missing, masks: usize) {
    let (n, source_len) = (prepared.len(), prepared.source_len());
    let mut noise = Noise(11);
    let mut source: Vec<V> = (0..slabs * source_len).map(|_| V::from_f64(280.0 + 30.0 * noise.next())).collect();
    let valid: Vec<bool> = (0..source.len()).map(|k| is_there(masks, k / source_len, k % source_len, slabs)).collect();
    source.iter_mut().zip(&valid).filter(|(_, valid)| !**valid).for_each(|(x, _)| *x = V::from_f64(f64::NAN));
    let flags = (masks > 0).then(|| SlabFlags::from_bools(source_len, &valid));
    // Poison: every value must be written.
    let mut out = vec![V::from_f64(-9e9); slabs * n];
    let present = prepared.apply_with(instructions, &source, flags.as_ref(), missing, &mut out);
    let flags = (masks > 0).then(|| SlabFlags::from_bools(slabs, &turned(&valid, source_len)));
    let mut by_cell = vec![V::from_f64(-9e9); slabs * n];
    let source_by_cell = turned(&source, source_len);
    let present_by_cell = prepared.apply_cells_with(instructions, slabs, &source_by_cell, flags.as_ref(), missing, &mut by_cell);
    for slab in 0..slabs {
        let cells = slab * source_len..(slab + 1) * source_len;
        let expected = reference(prepared.rows(), &source[cells.clone()], &valid[cells], missing);
        for (row, expected) in expected.into_iter().enumerate() {
            let expected = (expected.is_some(), expected.unwrap_or_default().to_f64().to_bits());
            let found = [
                ("slabs", present.as_ref().is_none_or(|p| p.get(slab, row)), out[slab * n + row]),
                ("cells", present_by_cell.as_ref().is_none_or(|p| p.get(row, slab)), by_cell[row * slabs + slab]),
            ];
            for (layout, ok, value) in found {
                assert_eq!(
                    (ok, value.to_f64().to_bits()),
                    expected,
                    "{layout}, instructions {instructions}, {slabs} slabs, {masks} masks, {missing:?}, slab {slab}, row {row}"
                );
            }
        }
    }
}

pub(super) const POLICIES: [Missing; 4] = [
    Missing::Renormalize { min_valid: 0.5 },
    Missing::Renormalize { min_valid: 0.0 },
    Missing::Keep { min_valid: 0.3 },
    Missing::Propagate,
];

#[test]
fn every_path_equals_the_reference_bit_for_bit() {
    // Neighbouring cells, cells further apart, and so far apart that no tile is made for them.
    for (spread, source_len, through_tiles) in [(1, 9003, true), (3, 9003, true), (977, 90_031, false)] {
        let (row_starts, columns, weights) = mixed_rows(4501, source_len, spread);
        let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
        let prepared = PreparedRows::new(rows, source_len);
        assert!(prepared.chunks.iter().all(|chunk| chunk.plan.is_some() == through_tiles), "{spread}");
        for instructions in 0..=best_instructions() {
            for slabs in [1, 2, 3, 8, 11, 16, 21, 35] {
                for masks in [0, 1, 2, 7, SAME, LEVELS] {
                    let policies = if masks == 0 { &POLICIES[..1] } else { &POLICIES[..] };
                    for &missing in policies {
                        compare::<f32>(&prepared, instructions, slabs, missing, masks);
                        compare::<f64>(&prepared, instructions, slabs, missing, masks);
                    }
                }
            }
        }
    }
}

#[test]
fn any_number_of_values_of_a_cell_equals_the_reference() {
    let (row_starts, columns, weights) = mixed_rows(1000, 2003, 3);
    let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
    let prepared = PreparedRows::new(rows, 2003);
    for instructions in 0..=best_instructions() {
        for slabs in [1, 2, 5, 17, 40, 64, 65, 75, 130] {
            for masks in [0, 7, SAME, LEVELS] {
                compare::<f32>(&prepared, instructions, slabs, POLICIES[0], masks);
                compare::<f64>(&prepared, instructions, slabs, POLICIES[2], masks);
            }
        }
    }
}

#[test]
fn weights_of_nothing_or_next_to_it_equal_the_reference() {
    let (row_starts, columns, mut weights) = mixed_rows(1000, 2003, 3);
    for (k, w) in weights.iter_mut().enumerate() {
        *w = w.abs() * [1.0, 1e-310, 0.0, 1e-300, 1e-318][k / 3 % 5];
    }
    let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
    let prepared = PreparedRows::new(rows, 2003);
    for instructions in 0..=best_instructions() {
        for (slabs, masks) in [(2, 1), (16, 7), (32, SAME), (32, LEVELS), (35, 7)] {
            for missing in POLICIES {
                compare::<f32>(&prepared, instructions, slabs, missing, masks);
                compare::<f64>(&prepared, instructions, slabs, missing, masks);
            }
        }
    }
}

#[test]
fn slabs_of_one_mask_share_tiles() {
    // Masks in turn.
    let mask = |slab: usize| [0, 0, 2, 0, 2, 0, 0, 2, 0][slab % 9] + usize::from(slab % 11 == 5);
    let valid: Vec<bool> = (0..40 * 100).map(|k| !(k % 100 + mask(k / 100)).is_multiple_of(7)).collect();
    let valid = SlabFlags::from_bools(100, &valid);
    let slabs: Vec<usize> = (0..40).collect();
    let (row_starts, columns, weights) = mixed_rows(300, 100, 1);
    let prepared = PreparedRows::new(SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights }, 100);
    for lanes in [8, 16] {
        let batches = prepared.by_masks(&valid, &slabs, lanes, POLICIES[0]);
        let mut done: Vec<usize> = batches.iter().flat_map(|batch| batch.slabs.iter().copied()).collect();
        done.sort_unstable();
        assert_eq!(done, slabs);
        assert!(batches.len() <= slabs.len().div_ceil(lanes) + 1);
        for batch in &batches {
            assert_eq!(batch.one_mask.is_some(), batch.gaps == ONE_MASK);
            if let Some(one) = &batch.one_mask {
                assert!(batch.slabs.iter().all(|&slab| valid.slab(slab) == one.mask()));
            }
        }
        let count = |gaps| batches.iter().filter(|batch| batch.gaps == gaps).count();
        assert!(count(ONE_MASK) > 0 && count(OWN_MASKS) > 0, "{lanes}");
    }
}

#[test]
fn masks_of_levels_have_whole_partial_and_missing_rows() {
    let (row_starts, columns, weights) = mixed_rows(4501, 9003, 1);
    let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
    for slab in [7, 12, 17] {
        let count = |i: usize| rows.row(i).0.iter().filter(|&&c| is_there(LEVELS, slab, c as usize, 21)).count();
        let kinds = (0..rows.len()).filter(|&i| rows.row(i).0.len() > 1).map(|i| match count(i) {
            0 => 0,
            n if n == rows.row(i).0.len() => 1,
            _ => 2,
        });
        let counts = kinds.fold([0; 3], |mut counts, kind| {
            counts[kind] += 1;
            counts
        });
        assert!(counts.iter().all(|&n| n > 300), "slab {slab}: {counts:?}");
    }
}

#[test]
fn results_that_pass_the_caches_equal_the_reference() {
    let (row_starts, columns, weights) = mixed_rows(70_013, 30_011, 2);
    let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
    let prepared = PreparedRows::new(rows, 30_011);
    assert!(prepared.len() * 33 * 4 >= STREAMED && prepared.chunks.len() > 16);
    for instructions in 0..=best_instructions() {
        compare::<f32>(&prepared, instructions, 33, POLICIES[0], 0);
        compare::<f32>(&prepared, instructions, 33, POLICIES[0], 2);
        compare::<f64>(&prepared, instructions, 17, POLICIES[0], 7);
        // Those of a cell are whole lines.
        compare::<f32>(&prepared, instructions, 32, POLICIES[0], 0);
        compare::<f64>(&prepared, instructions, 16, POLICIES[0], 0);
        compare::<f32>(&prepared, instructions, 32, POLICIES[1], 7);
        compare::<f64>(&prepared, instructions, 16, POLICIES[2], LEVELS);
        compare::<f32>(&prepared, instructions, 32, POLICIES[0], SAME);
        compare::<f64>(&prepared, instructions, 16, POLICIES[2], SAME);
    }
}

#[test]
fn rows_longer_than_a_tile_and_groups_that_fill_it_are_right() {
    // One row over all cells, and rows of 700 cells 11 apart: few of them fill the tile.
    let (mut row_starts, mut columns) = (vec![0], (0..20_000).collect::<Vec<u32>>());
    row_starts.push(columns.len());
    for row in 0..40 {
        columns.extend((0..700).map(|k| row * 300 + 11 * k));
        row_starts.push(columns.len());
    }
    let mut noise = Noise(5);
    let weights: Vec<f64> = columns.iter().map(|_| noise.next()).collect();
    for first in [0, 1] {
        let starts: Vec<usize> = row_starts[first..].iter().map(|s| s - row_starts[first]).collect();
        let (columns, weights) = (&columns[row_starts[first]..], &weights[row_starts[first]..]);
        let prepared = PreparedRows::new(SparseRows { row_starts: &starts, columns, weights }, 20_000);
        let plan = &prepared.chunks[0].plan;
        assert_eq!(plan.is_some(), first == 1, "a row that needs more pages than a tile has is read in place");
        assert!(plan.as_ref().is_none_or(|plan| plan.groups.len() > 1));
        compare::<f32>(&prepared, best_instructions(), 19, POLICIES[1], 3);
        compare::<f64>(&prepared, best_instructions(), 19, POLICIES[1], 3);
    }
}

#[test]
fn the_comparison_finds_a_single_wrong_bit() {
    let (row_starts, columns, mut weights) = mixed_rows(300, 400, 1);
    let wrong = weights.clone();
    weights[500] = f64::from_bits(weights[500].to_bits() ^ (1 << 40));
    let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
    let source: Vec<f64> = (0..400).map(|k| 250.0 + f64::from(k)).collect();
    let right = reference(rows, &source, &[true; 400], Missing::Propagate);
    let changed = reference(SparseRows { weights: &wrong, ..rows }, &source, &[true; 400], Missing::Propagate);
    assert_eq!(right.iter().zip(&changed).filter(|(a, b)| a != b).count(), 1);
}
