//! Sums that do not depend on how the work is split.

use crate::sparse_apply::{SlabFlags, Value};
use rayon::prelude::*;

/// Sum of `values` with Neumaier's compensation, in index order: the same bits for any number of threads.
///
/// The error is below 2ε|Σx| + n²ε²Σ|x|. Reference: Neumaier (1974), Z. angew. Math. Mech. 54, 39–51.
pub fn sum(values: &[f64]) -> f64 {
    let mut total = Compensated::default();
    for &value in values {
        total.add(value);
    }
    total.value()
}

/// Σ a_i·b_i, compensated like [`sum`]; both slices have the same length.
pub fn weighted_sum(a: &[f64], b: &[f64]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let mut total = Compensated::default();
    for (&a, &b) in a.iter().zip(b) {
        total.add_product(a, b);
    }
    total.value()
}

/// What the valid values of a slab come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlabStatistics {
    /// Σ a·x over the valid cells.
    pub integral: f64,
    /// Σ a over the valid cells.
    pub area: f64,
    /// The least valid value; infinity if there is none.
    pub least: f64,
    /// The greatest valid value; minus infinity if there is none.
    pub greatest: f64,
    /// Number of valid cells.
    pub count: u64,
}

/// Statistics of slabs of `areas.len()` values that lie one after the other, with their validity (`None`: all valid).
///
/// Sums are compensated, in the order of cells. Values that are not valid never count.
///
/// # Panics
/// If values are not whole slabs, or flags are of others.
pub fn slab_statistics<V: Value>(values: &[V], valid: Option<&SlabFlags>, areas: &[f64]) -> Vec<SlabStatistics> {
    let cells = areas.len();
    let slabs = values.len().checked_div(cells).unwrap_or(0);
    assert_eq!(values.len(), slabs * cells, "whole slabs of values");
    assert!(valid.is_none_or(|v| (v.cells(), v.slabs()) == (cells, slabs)), "a flag per value");
    let of_slab = |slab: usize| {
        let (mut integral, mut area) = (Compensated::default(), Compensated::default());
        let (mut least, mut greatest, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        for (cell, &a) in areas.iter().enumerate() {
            if valid.is_none_or(|v| v.get(slab, cell)) {
                let x = values[slab * cells + cell].to_f64();
                integral.add_product(a, x);
                area.add(a);
                least = least.min(x);
                greatest = greatest.max(x);
                count += 1;
            }
        }
        SlabStatistics { integral: integral.value(), area: area.value(), least, greatest, count }
    };
    (0..slabs).into_par_iter().map(of_slab).collect()
}

/// A running compensated sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compensated {
    total: f64,
    lost: f64,
}

impl Compensated {
    /// Adds one term.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let next = self.total + value;
        self.lost += if self.total.abs() >= value.abs() { (self.total - next) + value } else { (value - next) + self.total };
        self.total = next;
    }

    /// Adds the exact product of two numbers.
    #[inline]
    pub fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        self.add(product);
        self.lost += a.mul_add(b, -product);
    }

    /// Adds all terms of another sum.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        self.add(other.total);
        self.lost += other.lost;
    }

    /// What the sum is made of, to be kept and taken back by [`Self::from_parts`].
    pub fn parts(&self) -> [f64; 2] {
        [self.total, self.lost]
    }

    /// The sum that gave these parts.
    pub fn from_parts([total, lost]: [f64; 2]) -> Self {
        Self { total, lost }
    }

    /// The sum so far.
    #[inline]
    pub fn value(&self) -> f64 {
        self.total + self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancellation_does_not_lose_small_terms() {
        assert_eq!(sum(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(weighted_sum(&[1e100, 1.0, -1e100], &[1.0, 0.5, 1.0]), 0.5);
    }
}
