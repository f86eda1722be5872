//! Statistics of the source values that a destination cell overlaps, weighted by the overlaps.
//!
//! Where a mean makes no sense: extremes of rain, the most common land cover, the median depth. The weights are those
//! of a first-order conservative map; weights that are not positive do not count.

use crate::sparse_apply::{SparseRows, Value};
use rayon::prelude::*;

/// What is made of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// The least value.
    Minimum,
    /// The greatest value.
    Maximum,
    /// The value with the greatest share of the cell; of several the least.
    Mode,
    /// The least value v such that values up to v have at least this share (0 to 1) of the valid weight: 0.5 is the
    /// median.
    Quantile(f64),
    /// √(Σ w (x − m)² / Σ w) about the weighted mean m.
    StandardDeviation,
    /// Number of valid values.
    Count,
}

/// Shares of weight are compared with this allowance for their rounding.
const SHARE_TOLERANCE: f64 = 1e-12;

/// Destination rows that one task handles.
const BLOCK: usize = 1024;

/// Computes `statistic` for each row of `rows` and each slab of `source_len` values.
///
/// Shapes and missing values are those of [`crate::sparse_apply::apply`]: values that are not valid are left out, and a
/// destination value is valid if valid weights have at least the share `min_valid` of the row's and there is one.
///
/// # Panics
/// If lengths do not fit each other, or a column is not below `source_len`.
pub fn apply_statistic<V: Value>(
    rows: SparseRows<'_>,
    source_len: usize,
    source: &[V],
    valid: Option<&[bool]>,
    statistic: Statistic,
    min_valid: f64,
    destination: &mut [V],
    destination_valid: &mut [bool],
) {
    let n = rows.len();
    if n == 0 || source_len == 0 {
        return;
    }
    let slabs = source.len() / source_len;
    assert_eq!(source.len(), slabs * source_len, "whole slabs of source values");
    assert_eq!(destination.len(), slabs * n, "whole slabs of destination values");
    assert_eq!(destination_valid.len(), slabs * n, "a flag per destination value");
    assert!(valid.is_none_or(|v| v.len() == source.len()), "a flag per source value");
    let results = destination.chunks_mut(n).zip(destination_valid.chunks_mut(n)).enumerate();
    for (slab, (values, flags)) in results {
        let from = slab * source_len..(slab + 1) * source_len;
        let (source, valid) = (&source[from.clone()], valid.map(|v| &v[from]));
        let blocks = values.par_chunks_mut(BLOCK).zip(flags.par_chunks_mut(BLOCK)).enumerate();
        blocks.for_each_init(Vec::new, |parts, (block, (values, flags))| {
            for (k, (value, flag)) in values.iter_mut().zip(flags).enumerate() {
                let (columns, weights) = rows.row(block * BLOCK + k);
                let mut total = 0.0;
                parts.clear();
                for (&column, &w) in columns.iter().zip(weights).filter(|l| *l.1 > 0.0) {
                    let j = column as usize;
                    total += w;
                    if valid.is_none_or(|v| v[j]) {
                        parts.push((source[j].to_f64(), w));
                    }
                }
                let found: f64 = parts.iter().map(|p| p.1).sum();
                *flag = !parts.is_empty() && found >= (min_valid - SHARE_TOLERANCE) * total;
                *value = V::from_f64(if *flag { of(parts, found, statistic) } else { 0.0 });
            }
        });
    }
}

/// The statistic of values with positive weights, of which there is at least one and whose sum is `total`.
pub fn of(parts: &mut [(f64, f64)], total: f64, statistic: Statistic) -> f64 {
    match statistic {
        Statistic::Minimum => parts.iter().map(|p| p.0).fold(f64::INFINITY, f64::min),
        Statistic::Maximum => parts.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max),
        Statistic::Count => parts.len() as f64,
        Statistic::Mode => {
            parts.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (mut best, mut best_share) = (parts[0].0, 0.0);
            for same in parts.chunk_by(|a, b| a.0 == b.0) {
                let share: f64 = same.iter().map(|p| p.1).sum();
                if share > best_share * (1.0 + SHARE_TOLERANCE) {
                    (best, best_share) = (same[0].0, share);
                }
            }
            best
        }
        Statistic::Quantile(share) => {
            parts.sort_by(|a, b| a.0.total_cmp(&b.0));
            let wanted = (share - SHARE_TOLERANCE) * total;
            let mut reached = 0.0;
            let at = parts.iter().position(|p| {
                reached += p.1;
                reached >= wanted
            });
            parts[at.unwrap_or(parts.len() - 1)].0
        }
        Statistic::StandardDeviation => {
            let mean = parts.iter().map(|p| p.0 * p.1).sum::<f64>() / total;
            (parts.iter().map(|p| p.1 * (p.0 - mean) * (p.0 - mean)).sum::<f64>() / total).max(0.0).sqrt()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATISTICS: [Statistic; 7] = [
        Statistic::Count,
        Statistic::Minimum,
        Statistic::Maximum,
        Statistic::Mode,
        Statistic::Quantile(0.5),
        Statistic::Quantile(0.9),
        Statistic::StandardDeviation,
    ];

    /// By repeating each value as often as its weight, in hundredths, says.
    fn by_counting(parts: &[(f64, usize)], statistic: Statistic) -> f64 {
        let mut all: Vec<f64> = parts.iter().flat_map(|&(v, n)| std::iter::repeat_n(v, n)).collect();
        all.sort_by(f64::total_cmp);
        let n = all.len();
        match statistic {
            Statistic::Minimum => all[0],
            Statistic::Maximum => all[n - 1],
            Statistic::Count => parts.len() as f64,
            Statistic::Quantile(q) => all[((q * n as f64 - 1e-9).ceil() as usize).clamp(1, n) - 1],
            Statistic::StandardDeviation => {
                let mean = all.iter().sum::<f64>() / n as f64;
                (all.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64).sqrt()
            }
            Statistic::Mode => {
                let count = |v: f64| all.iter().filter(|&&x| x == v).count();
                let most = all.iter().map(|&v| count(v)).max().expect("not empty");
                *all.iter().find(|&&v| count(v) == most).expect("one has most")
            }
        }
    }

    #[test]
    fn statistics_equal_counting() {
        let mut state = 17u64;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % n
        };
        let (mut row_starts, mut columns, mut weights, mut counts) = (vec![0], Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3000 {
            for _ in 0..next(8) {
                columns.push(next(50) as u32);
                counts.push(1 + next(30) as usize);
                weights.push(counts[counts.len() - 1] as f64 / 100.0);
            }
            row_starts.push(columns.len());
        }
        let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
        // Few different values, so that modes have company; a fifth is missing.
        let source: Vec<f64> = (0..100).map(|_| next(6) as f64 - 2.5).collect();
        let valid: Vec<bool> = (0..100).map(|_| next(5) > 0).collect();
        for statistic in STATISTICS {
            let (mut values, mut flags) = (vec![-99.0; 6000], vec![false; 6000]);
            apply_statistic(rows, 50, &source, Some(&valid), statistic, 0.4, &mut values, &mut flags);
            for i in 0..6000 {
                let (slab, row) = (i / 3000, i % 3000);
                let links = row_starts[row]..row_starts[row + 1];
                let at = |k: usize| slab * 50 + columns[k] as usize;
                let all: usize = links.clone().map(|k| counts[k]).sum();
                let parts: Vec<(f64, usize)> = links.filter(|&k| valid[at(k)]).map(|k| (source[at(k)], counts[k])).collect();
                let found: usize = parts.iter().map(|p| p.1).sum();
                let expected = (found > 0 && found * 10 >= all * 4).then(|| by_counting(&parts, statistic));
                assert_eq!(flags[i], expected.is_some(), "{statistic:?} {i}");
                assert!((values[i] - expected.unwrap_or(0.0)).abs() < 1e-12, "{statistic:?} {i}: {} {expected:?}", values[i]);
            }
        }
    }
}
