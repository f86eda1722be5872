//! [`crate::sparse_apply`] for fields that lie interleaved: the values of a cell are neighbours.
//!
//! One weight is read once for all fields and no value is gathered. Sums run in the same order as in the
//! plain form and give the same bits. Worth it where fields stay interleaved: to interleave and separate them
//! for a single application costs as much as it saves.

use crate::sparse_apply::{BLOCK, Missing, RowSums, SparseRows, Sums, Value, row_sums};
use rayon::prelude::*;

/// Fields that lie interleaved.
pub const BATCH: usize = 8;

/// Applies `rows` to [`BATCH`] fields that lie interleaved: the values of a cell are neighbours.
///
/// Results are interleaved as well; values and flags mean what they mean in [`crate::sparse_apply::apply`].
pub fn apply_batch<V: Value>(
    rows: SparseRows<'_>,
    source: &[[V; BATCH]],
    valid: Option<&[[bool; BATCH]]>,
    missing: Missing,
    destination: &mut [[V; BATCH]],
    destination_valid: &mut [[bool; BATCH]],
) {
    let blocks = destination.par_chunks_mut(BLOCK).zip(destination_valid.par_chunks_mut(BLOCK)).enumerate();
    blocks.for_each(|(block, (values, flags))| {
        for (offset, (value, flag)) in values.iter_mut().zip(flags).enumerate() {
            let (columns, weights) = rows.row(block * BLOCK + offset);
            let row = row_sums(weights);
            match valid {
                None => all_valid_row(columns, weights, row, source, value, flag),
                Some(valid) => masked_row(columns, weights, row, source, valid, missing, value, flag),
            }
        }
    });
}

/// One row of the batched form with a mask.
#[inline(always)]
fn masked_row<V: Value>(
    columns: &[u32],
    weights: &[f64],
    row: RowSums,
    source: &[[V; BATCH]],
    valid: &[[bool; BATCH]],
    missing: Missing,
    value: &mut [V; BATCH],
    flag: &mut [bool; BATCH],
) {
    let (mut sum, mut share, mut magnitude) = ([0.0; BATCH], [0.0; BATCH], [0.0; BATCH]);
    let (mut least, mut greatest) = ([f64::INFINITY; BATCH], [f64::NEG_INFINITY; BATCH]);
    let mut count = [0u32; BATCH];
    for (&column, &w) in columns.iter().zip(weights) {
        let (x, ok) = (source[column as usize].map(V::to_f64), &valid[column as usize]);
        for b in 0..BATCH {
            // Sums start from +0, so that adding 0 changes no bit of them.
            let (w, x_or_zero) = if ok[b] { (w, x[b]) } else { (0.0, 0.0) };
            sum[b] += w * x_or_zero;
            share[b] += w;
            magnitude[b] += w.abs();
            least[b] = if ok[b] && x[b] < least[b] { x[b] } else { least[b] };
            greatest[b] = if ok[b] && x[b] > greatest[b] { x[b] } else { greatest[b] };
            count[b] += u32::from(ok[b]);
        }
    }
    for b in 0..BATCH {
        let sums = Sums {
            value: sum[b],
            valid: share[b],
            valid_magnitude: magnitude[b],
            least: least[b],
            greatest: greatest[b],
            valid_links: count[b],
        };
        let result = sums.finish(row, columns.len(), missing);
        flag[b] = result.is_some();
        value[b] = V::from_f64(result.unwrap_or(0.0));
    }
}

/// One row of the batched form without a mask: separate arrays, so that the compiler uses vector registers.
#[inline(always)]
fn all_valid_row<V: Value>(
    columns: &[u32],
    weights: &[f64],
    row: RowSums,
    source: &[[V; BATCH]],
    value: &mut [V; BATCH],
    flag: &mut [bool; BATCH],
) {
    let mut sum = [0.0; BATCH];
    let mut least = [f64::INFINITY; BATCH];
    let mut greatest = [f64::NEG_INFINITY; BATCH];
    for (&column, &w) in columns.iter().zip(weights) {
        let x = source[column as usize].map(V::to_f64);
        for b in 0..BATCH {
            sum[b] += w * x[b];
            least[b] = if x[b] < least[b] { x[b] } else { least[b] };
            greatest[b] = if x[b] > greatest[b] { x[b] } else { greatest[b] };
        }
    }
    *flag = [!columns.is_empty(); BATCH];
    for b in 0..BATCH {
        let sums = Sums { value: sum[b], least: least[b], greatest: greatest[b], ..Sums::ZERO };
        value[b] = V::from_f64(sums.finish_all_valid(row));
    }
}

/// Interleaves [`BATCH`] slabs: `[slab][cell]` to `[cell][slab]`.
pub fn interleave<T: Copy + Send + Sync>(slabs: &[T], interleaved: &mut [[T; BATCH]]) {
    let n = interleaved.len();
    interleaved.par_chunks_mut(BLOCK).enumerate().for_each(|(block, cells)| {
        for (offset, cell) in cells.iter_mut().enumerate() {
            let index = block * BLOCK + offset;
            *cell = std::array::from_fn(|b| slabs[b * n + index]);
        }
    });
}

/// The way back from [`interleave`].
pub fn separate<T: Copy + Send + Sync>(interleaved: &[[T; BATCH]], slabs: &mut [T]) {
    if interleaved.is_empty() {
        return;
    }
    slabs.par_chunks_mut(interleaved.len()).enumerate().for_each(|(b, slab)| {
        for (value, cell) in slab.iter_mut().zip(interleaved) {
            *value = cell[b];
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse_apply::apply;

    #[test]
    fn interleaved_and_plain_give_the_same_bits() {
        let (n, source_len) = (5000usize, 700usize);
        let noise = |k: usize| (k as f64 * 12.9898).sin() * 43758.5453 % 1.0;
        // Rows of 0 to 8 links with sum 1, every ninth without the scaling.
        let (mut row_starts, mut columns, mut weights) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            let raw: Vec<f64> = (0..i % 9).map(|k| noise(9 * i + k).abs() + 1e-3).collect();
            let sum: f64 = if i % 81 == 5 { 1.0 } else { raw.iter().sum() };
            columns.extend((0..i % 9).map(|k| ((i * 31 + 3 * k) % source_len) as u32));
            weights.extend(raw.iter().map(|w| w / sum));
            row_starts.push(columns.len());
        }
        let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
        let source: Vec<f64> = (0..BATCH * source_len).map(|k| 280.0 + 30.0 * noise(k)).collect();
        let valid: Vec<bool> = (0..source.len()).map(|k| k / source_len == 3 || noise(k + 7) > -0.4).collect();
        let (mut x, mut ok) = (vec![[0.0; BATCH]; source_len], vec![[false; BATCH]; source_len]);
        interleave(&source, &mut x);
        interleave(&valid, &mut ok);
        for missing in [Missing::Renormalize { min_valid: 0.5 }, Missing::Keep { min_valid: 0.0 }, Missing::Propagate] {
            for masked in [false, true] {
                let (mut plain, mut plain_flags) = (vec![-1.0; BATCH * n], vec![false; BATCH * n]);
                apply(rows, source_len, &source, masked.then_some(&valid[..]), missing, &mut plain, &mut plain_flags);
                let (mut out, mut flags) = (vec![[-2.0; BATCH]; n], vec![[false; BATCH]; n]);
                apply_batch(rows, &x, masked.then_some(&ok[..]), missing, &mut out, &mut flags);
                let (mut values, mut value_flags) = (vec![-3.0; BATCH * n], vec![false; BATCH * n]);
                separate(&out, &mut values);
                separate(&flags, &mut value_flags);
                assert!(values.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits()));
                assert_eq!(value_flags, plain_flags);
                assert!(masked == plain_flags.iter().enumerate().any(|(k, f)| !f && (k % n) % 9 != 0));
            }
        }
    }
}
