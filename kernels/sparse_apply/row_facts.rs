//! What is the same for every field: sums of the weights of a row.

use super::SparseRows;
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
}
