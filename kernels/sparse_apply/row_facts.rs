//! What is the same for every field: sums of the weights of a row.

use super::SparseRows;
use super::products::Products;
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
    /// Sums of magnitudes, if a weight is below 0.
    magnitudes: Option<Vec<f64>>,
    /// Bits of the rows that are means, and of those that have links.
    means: Vec<u64>,
    mapped: Vec<u64>,
}

impl RowFacts {
    /// Of rows of which some may be `products`, whatever stands in place of their weights.
    pub(crate) fn new(rows: SparseRows<'_>, products: Option<&Products>) -> Self {
        let n = rows.len();
        let mut totals = vec![0.0; n];
        let step = products.map_or(4096, Products::cells);
        // Those of products are above 0.
        let any_below = totals.par_chunks_mut(step).enumerate().map(|(k, totals)| {
            !products.is_some_and(|products| products.write_totals(k, totals)) && add_up(rows, k * step, totals)
        });
        let magnitude = |i: usize| rows.row(i).1.iter().fold(0.0, |sum, w| sum + w.abs());
        let magnitudes = any_below
            .reduce(|| false, |a, b| a | b)
            .then(|| (0..n).into_par_iter().with_min_len(4096).map(magnitude).collect::<Vec<f64>>());
        let is_one_sign = |i: usize| magnitudes.as_ref().is_none_or(|magnitudes| magnitudes[i] == totals[i]);
        let means = bits(n, |i| (totals[i] - 1.0).abs() <= UNIT_SUM_TOLERANCE && is_one_sign(i));
        let mapped = bits(n, |i| rows.row_starts[i] < rows.row_starts[i + 1]);
        Self { totals, magnitudes, means, mapped }
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

    #[inline(always)]
    pub(crate) fn is_mapped(&self, row: usize) -> bool {
        self.mapped[row / 64] >> (row % 64) & 1 == 1
    }

    /// Bits of the rows that have links.
    pub(crate) fn mapped(&self) -> &[u64] {
        &self.mapped
    }
}

/// Writes the sums of the weights of the rows from `first` on; whether one of these is not 0 or above.
fn add_up(rows: SparseRows<'_>, first: usize, totals: &mut [f64]) -> bool {
    let mut any_below = false;
    for (k, total) in totals.iter_mut().enumerate() {
        let weights = rows.row(first + k).1;
        *total = weights.iter().fold(0.0, |sum, w| sum + w);
        any_below |= !weights.iter().fold(true, |all, w| all & (*w >= 0.0));
    }
    any_below
}

/// A bit for each of `n` rows.
fn bits(n: usize, is: impl Fn(usize) -> bool + Sync) -> Vec<u64> {
    let word = |word: usize| (64 * word..n.min(64 * word + 64)).fold(0, |bits, i| bits | u64::from(is(i)) << (i % 64));
    (0..n.div_ceil(64)).into_par_iter().with_min_len(256).map(word).collect()
}
