//! What is the same for every field: sums of the weights of a row.

use super::{Missing, SparseRows};
use rayon::prelude::*;

/// A row counts as a mean (weights not negative, sum 1) within this bound; its results are then kept
/// within the range of the values it averages. Rounding of 10⁴ weights stays below it.
const UNIT_SUM_TOLERANCE: f64 = 1e-12;

/// Shares of valid weight are compared with `min_valid` with this allowance for their rounding.
pub(crate) const SHARE_TOLERANCE: f64 = 1e-12;

/// Weights of both signs (gradients, cubics) mean something together only: with some of them missing there is a result
/// only if those left have one sign, so that their sum is this part of their magnitude.
pub(crate) const UNCANCELLED: f64 = 1.0 - 1e-9;

/// Sums of rows.
#[derive(Debug)]
pub struct RowFacts {
    totals: Vec<f64>,
    /// Sums of magnitudes, if they differ from the totals.
    magnitudes: Option<Vec<f64>>,
    /// Bits of the rows that are means, and of those that have links.
    means: Vec<u64>,
    mapped: Vec<u64>,
}

impl RowFacts {
    pub(crate) fn new(rows: SparseRows<'_>) -> Self {
        let n = rows.len();
        let sums = |i: usize| rows.row(i).1.iter().fold((0.0, 0.0), |(t, m), w| (t + w, m + w.abs()));
        let (totals, magnitudes): (Vec<f64>, Vec<f64>) = (0..n).into_par_iter().with_min_len(4096).map(sums).unzip();
        let is_mean = |i: usize| totals[i] == magnitudes[i] && (totals[i] - 1.0).abs() <= UNIT_SUM_TOLERANCE;
        let bits = |is: &dyn Fn(usize) -> bool| -> Vec<u64> {
            (0..n.div_ceil(64))
                .map(|word| (64 * word..n.min(64 * word + 64)).fold(0, |bits, i| bits | u64::from(is(i)) << (i % 64)))
                .collect()
        };
        let means = bits(&is_mean);
        let mapped = bits(&|i| rows.row_starts[i] < rows.row_starts[i + 1]);
        let differ = totals != magnitudes;
        Self { totals, magnitudes: differ.then_some(magnitudes), means, mapped }
    }

    #[inline(always)]
    pub(crate) fn total(&self, row: usize) -> f64 {
        self.totals[row]
    }

    #[inline(always)]
    pub(crate) fn magnitude(&self, row: usize) -> f64 {
        self.magnitudes.as_ref().map_or(self.totals[row], |m| m[row])
    }

    #[inline(always)]
    pub(crate) fn is_mean(&self, row: usize) -> bool {
        self.means[row / 64] >> (row % 64) & 1 == 1
    }

    /// Bits of the rows that have links.
    pub(crate) fn mapped(&self) -> &[u64] {
        &self.mapped
    }

    /// What the sum over valid links is multiplied by if some are missing; `None`: the result is missing.
    #[inline(always)]
    pub(crate) fn scale(&self, row: usize, share: f64, magnitude: f64, missing: Missing) -> Option<f64> {
        let enough = |min_valid: f64| magnitude >= (min_valid - SHARE_TOLERANCE) * self.magnitude(row);
        match missing {
            Missing::Propagate => None,
            _ if share.abs() <= UNCANCELLED * magnitude => None,
            Missing::Keep { min_valid } => enough(min_valid).then_some(1.0),
            Missing::Renormalize { min_valid } => enough(min_valid).then(|| self.total(row) / share),
        }
    }

    /// [`Self::scale`] of every row for one mask, NaN where the result is missing and 1 where no value is; and a bit for
    /// each row that has a result.
    pub(crate) fn scales(&self, rows: SparseRows<'_>, words: &[u64], missing: Missing) -> (Vec<f64>, Vec<u64>) {
        let scale = |row: usize| {
            let (columns, weights) = rows.row(row);
            let (mut links, mut share, mut magnitude) = (0, 0.0, 0.0);
            for (&column, &w) in columns.iter().zip(weights) {
                let there = words[column as usize / 64] >> (column % 64) & 1;
                links += there as usize;
                // A weight as it is, or 0.
                share += w * there as f64;
                magnitude += w.abs() * there as f64;
            }
            match links {
                0 => f64::NAN,
                _ if links == columns.len() => 1.0,
                _ => self.scale(row, share, magnitude, missing).unwrap_or(f64::NAN),
            }
        };
        let scales: Vec<f64> = (0..rows.len()).into_par_iter().with_min_len(4096).map(scale).collect();
        let there = |scales: &[f64]| scales.iter().enumerate().fold(0, |bits, (k, s)| bits | u64::from(!s.is_nan()) << k);
        let flags = scales.chunks(64).map(there).collect();
        (scales, flags)
    }
}
