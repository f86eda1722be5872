//! Sparse weights times fields: `destination_i = Σ_k w_k · source[column_k]`.
//!
//! Sums run in the stored order of a row, in f64, whatever the layout or number of threads: all forms give
//! the same bits. [`apply`] takes slabs as files have them, block by block of destination cells; several slabs
//! go through a tile that stays in cache.

use crate::sparse_apply_tiles::{Pages, Slab, Tile};
use rayon::prelude::*;

/// Destination rows that one task handles.
const BLOCK: usize = 2048;

/// A row counts as a mean (weights not negative, sum 1) within this bound; its results are then kept
/// within the range of the values it averages. Rounding of 10⁴ weights stays below it.
const UNIT_SUM_TOLERANCE: f64 = 1e-12;

/// Shares of valid weight are compared with `min_valid` with this allowance for their rounding.
pub(crate) const SHARE_TOLERANCE: f64 = 1e-12;

/// With weights of both signs what is left may cancel: no mean is made of sums below this part of the magnitude.
pub(crate) const UNCANCELLED: f64 = 1e-6;

/// Slabs of a tile: sums, minima and maxima of a row fit into the registers that every x86-64 has.
const TILE: usize = 8;

/// Slabs from which on a tile pays.
const FEW: usize = 3;

/// Compressed sparse rows, as slices.
#[derive(Clone, Copy, Debug)]
pub struct SparseRows<'a> {
    /// First link of each row, and the number of links at the end.
    pub row_starts: &'a [usize],
    /// Source cell of each link.
    pub columns: &'a [u32],
    /// Weight of each link.
    pub weights: &'a [f64],
}

/// What missing source values do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missing {
    /// Valid weights are scaled up to the row's sum if they carry at least the share `min_valid` of it.
    Renormalize {
        /// Least share of valid weight, 0..1.
        min_valid: f64,
    },
    /// Valid weights are used as they are if they carry at least the share `min_valid`.
    Keep {
        /// Least share of valid weight, 0..1.
        min_valid: f64,
    },
    /// One missing value makes the result missing.
    Propagate,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// Numbers that fields are stored as.
pub trait Value: sealed::Sealed + Copy + Default + PartialOrd + Send + Sync + 'static {
    /// Below and above every number.
    const LEAST: Self;
    /// See [`Self::LEAST`].
    const GREATEST: Self;
    /// As the number sums are made of.
    fn to_f64(self) -> f64;
    /// Rounded to storage.
    fn from_f64(value: f64) -> Self;
}

impl Value for f64 {
    const LEAST: Self = Self::NEG_INFINITY;
    const GREATEST: Self = Self::INFINITY;
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}

impl Value for f32 {
    const LEAST: Self = Self::NEG_INFINITY;
    const GREATEST: Self = Self::INFINITY;
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl<'a> SparseRows<'a> {
    /// Number of destination cells.
    pub fn len(&self) -> usize {
        self.row_starts.len() - 1
    }

    /// Whether there are no destination cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> (&'a [u32], &'a [f64]) {
        let range = self.row_starts[i]..self.row_starts[i + 1];
        (&self.columns[range.clone()], &self.weights[range])
    }
}

/// What is the same for every field: sums of a row's weights.
#[derive(Clone, Copy)]
pub(crate) struct RowSums {
    pub(crate) total: f64,
    pub(crate) magnitude: f64,
    pub(crate) is_mean: bool,
}

#[inline(always)]
fn row_sums(weights: &[f64]) -> RowSums {
    let (mut total, mut magnitude) = (0.0, 0.0);
    for &w in weights {
        total += w;
        magnitude += w.abs();
    }
    let is_mean = total == magnitude && (total - 1.0).abs() <= UNIT_SUM_TOLERANCE;
    RowSums { total, magnitude, is_mean }
}

/// [`row_sums`] of the rows `first..last`.
fn block_sums(rows: SparseRows<'_>, first: usize, last: usize) -> Vec<RowSums> {
    // One pass without branches brings the block's weights into cache many times faster than short rows do.
    let weights = &rows.weights[rows.row_starts[first]..rows.row_starts[last]];
    let negative = weights.iter().fold(0u64, |signs, w| signs | w.to_bits()) >> 63;
    let sums = |i| {
        let weights = rows.row(i).1;
        if negative == 1 {
            return row_sums(weights);
        }
        let total = weights.iter().fold(0.0, |sum, w| sum + w);
        RowSums { total, magnitude: total, is_mean: (total - 1.0).abs() <= UNIT_SUM_TOLERANCE }
    };
    (first..last).map(sums).collect()
}

/// Running sums of one destination value.
#[derive(Clone, Copy)]
struct Sums {
    value: f64,
    /// Σ w and Σ |w| over valid sources.
    valid: f64,
    valid_magnitude: f64,
    least: f64,
    greatest: f64,
    valid_links: u32,
}

impl Sums {
    const ZERO: Self =
        Self { value: 0.0, valid: 0.0, valid_magnitude: 0.0, least: f64::INFINITY, greatest: f64::NEG_INFINITY, valid_links: 0 };

    #[inline(always)]
    fn add(&mut self, weight: f64, x: f64) {
        self.value += weight * x;
        self.least = if x < self.least { x } else { self.least };
        self.greatest = if x > self.greatest { x } else { self.greatest };
    }

    #[inline(always)]
    fn add_if(&mut self, weight: f64, x: f64, valid: bool) {
        if valid {
            self.add(weight, x);
            self.valid += weight;
            self.valid_magnitude += weight.abs();
            self.valid_links += 1;
        }
    }

    /// A rounded mean can leave the range of its values by an ulp.
    #[inline(always)]
    fn within_range(&self, value: f64) -> f64 {
        if value < self.least {
            self.least
        } else if value > self.greatest {
            self.greatest
        } else {
            value
        }
    }

    #[inline(always)]
    fn finish_all_valid(&self, row: RowSums) -> f64 {
        if row.is_mean { self.within_range(self.value) } else { self.value }
    }

    #[inline(always)]
    fn finish(&self, row: RowSums, links: usize, missing: Missing) -> Option<f64> {
        if self.valid_links as usize == links {
            return (links > 0).then(|| self.finish_all_valid(row));
        }
        let enough =
            |min_valid: f64| self.valid_links > 0 && self.valid_magnitude >= (min_valid - SHARE_TOLERANCE) * row.magnitude;
        match missing {
            Missing::Propagate => None,
            Missing::Keep { min_valid } => enough(min_valid).then_some(self.value),
            Missing::Renormalize { min_valid } => {
                let scalable = self.valid.abs() > UNCANCELLED * self.valid_magnitude;
                (enough(min_valid) && scalable).then(|| {
                    let value = self.value * (row.total / self.valid);
                    if row.is_mean { self.within_range(value) } else { value }
                })
            }
        }
    }
}

/// Applies `rows` to slabs of `source_len` source values that lie one after the other.
///
/// `valid` has one flag per source value (`None`: all valid; values that are not valid never count).
/// `destination` and `destination_valid` have `rows.len()` values per slab; a value without a valid source
/// is 0 and not valid. A slab without a missing value costs no mask work.
///
/// # Panics
/// If lengths do not fit each other, or a column is not below `source_len`.
pub fn apply<V: Value>(
    rows: SparseRows<'_>,
    source_len: usize,
    source: &[V],
    valid: Option<&[bool]>,
    missing: Missing,
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
    let slab_valid: Vec<Option<&[bool]>> = match valid {
        None => vec![None; slabs],
        Some(valid) => valid.par_chunks(source_len).map(|v| Some(v).filter(|v| !v.iter().all(|&ok| ok))).collect(),
    };
    // For each block of rows its part of every slab: tasks share no output.
    let mut tasks: Vec<Vec<Slab<'_, '_, V>>> = (0..n.div_ceil(BLOCK)).map(|_| Vec::with_capacity(slabs)).collect();
    let results = destination.chunks_mut(n).zip(destination_valid.chunks_mut(n));
    for ((source, &valid), (values, flags)) in source.chunks(source_len).zip(&slab_valid).zip(results) {
        for (task, (values, flags)) in tasks.iter_mut().zip(values.chunks_mut(BLOCK).zip(flags.chunks_mut(BLOCK))) {
            task.push((source, valid, values, flags));
        }
    }
    let buffers = || (Pages::default(), Tile::<V, TILE>::default());
    tasks.into_par_iter().enumerate().for_each_init(buffers, |(pages, tile), (block, mut slabs)| {
        let (first, last) = (block * BLOCK, n.min((block + 1) * BLOCK));
        let sums = block_sums(rows, first, last);
        let through_tiles = slabs.len() >= FEW && pages.lay_out(rows, source_len, first, last);
        for batch in slabs.chunks_mut(TILE) {
            match batch.len() {
                FEW.. if through_tiles => tile.apply(rows, first, &sums, pages, missing, batch),
                _ => batch.iter_mut().for_each(|(source, valid, values, flags)| {
                    apply_block(rows, first, &sums, source, *valid, missing, values, flags);
                }),
            }
        }
    });
}

/// The rows from `first` on, for one slab; the plain form that others are tested against.
fn apply_block<V: Value>(
    rows: SparseRows<'_>,
    first: usize,
    row_sums: &[RowSums],
    source: &[V],
    valid: Option<&[bool]>,
    missing: Missing,
    values: &mut [V],
    flags: &mut [bool],
) {
    for (k, (value, flag)) in values.iter_mut().zip(flags).enumerate() {
        let (columns, weights) = rows.row(first + k);
        let mut sums = Sums::ZERO;
        let result = match valid {
            None => {
                for (&column, &w) in columns.iter().zip(weights) {
                    sums.add(w, source[column as usize].to_f64());
                }
                (!columns.is_empty()).then(|| sums.finish_all_valid(row_sums[k]))
            }
            Some(valid) => {
                for (&column, &w) in columns.iter().zip(weights) {
                    sums.add_if(w, source[column as usize].to_f64(), valid[column as usize]);
                }
                sums.finish(row_sums[k], columns.len(), missing)
            }
        };
        *flag = result.is_some();
        *value = V::from_f64(result.unwrap_or(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small reproducible pseudo-random numbers in 0..1.
    struct Noise(u64);
    impl Noise {
        fn next(&mut self) -> f64 {
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
}
