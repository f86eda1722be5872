//! What regridding did to the values: range, mean, missing values, integral.

use knarr_kernels::global_integral::Compensated;
use knarr_regrid::{MissingPolicy, Weights};

/// Range and mean of the valid values on one grid, over all slabs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Smallest valid value; `NaN` if there is none.
    pub min: f64,
    /// Largest valid value; `NaN` if there is none.
    pub max: f64,
    /// Mean weighted by cell areas, where they are known, else of all values alike; `NaN` if there is none.
    pub mean: f64,
    /// Number of valid values.
    pub valid: u64,
    /// Number of missing values among active cells.
    pub missing: u64,
}

/// Integrals over the sphere of radius 1, summed over all slabs, in the units of the variable times steradian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conservation {
    /// Over the part of the source cells that overlaps destination cells.
    pub source: f64,
    /// Over the same part of the destination cells.
    pub destination: f64,
    /// Difference over the integral of the absolute values of the source; 0 if that is 0.
    pub relative_error: f64,
}

/// Sums on the way to a [`Summary`].
#[derive(Debug)]
pub(crate) struct SummaryBuilder {
    min: f64,
    max: f64,
    sum: Compensated,
    weight: Compensated,
    valid: u64,
    missing: u64,
}

impl SummaryBuilder {
    pub(crate) fn new() -> Self {
        let (sum, weight) = (Compensated::default(), Compensated::default());
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY, sum, weight, valid: 0, missing: 0 }
    }

    /// Adds a slab; cells that are not active count for nothing.
    pub(crate) fn add(
        &mut self,
        values: &[f64],
        valid: &dyn Fn(usize) -> bool,
        active: &dyn Fn(usize) -> bool,
        areas: Option<&[f64]>,
    ) {
        for (i, &value) in values.iter().enumerate() {
            if !active(i) {
                continue;
            }
            if !valid(i) {
                self.missing += 1;
                continue;
            }
            self.valid += 1;
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            let weight = areas.map_or(1.0, |a| a[i]);
            self.sum.add_product(value, weight);
            self.weight.add(weight);
        }
    }

    pub(crate) fn finish(self) -> Summary {
        let Self { min, max, sum, weight, valid, missing } = self;
        if valid == 0 {
            return Summary { min: f64::NAN, max: f64::NAN, mean: f64::NAN, valid, missing };
        }
        Summary { min, max, mean: sum.value() / weight.value(), valid, missing }
    }
}

/// Sums on the way to a [`Conservation`].
#[derive(Debug, Default)]
pub(crate) struct ConservationBuilder {
    source: Compensated,
    absolute: Compensated,
    destination: Compensated,
}

impl ConservationBuilder {
    /// Adds a slab of both sides.
    pub(crate) fn add(
        &mut self,
        weights: &Weights,
        source: (&[f64], Option<&[bool]>),
        destination: (&[f64], &[bool]),
        missing: MissingPolicy,
    ) {
        let source_valid = |j: usize| source.1.is_none_or(|v| v[j]);
        for (j, &value) in source.0.iter().enumerate() {
            if source_valid(j) {
                let part = weights.source_areas[j] * weights.source_fractions[j];
                self.source.add_product(part, value);
                self.absolute.add_product(part, value.abs());
            }
        }
        let whole_cell = weights.origin.normalization == "destarea";
        for (i, &value) in destination.0.iter().enumerate() {
            if !destination.1[i] {
                continue;
            }
            let fraction = if whole_cell { 1.0 } else { weights.destination_fractions[i] };
            // Where missing values were left out, the mean stands for the valid share of the overlap alone.
            let share = match (source.1, missing) {
                (Some(valid), MissingPolicy::Skip { .. }) if !whole_cell => {
                    let (columns, values) = weights.row(i);
                    let (mut found, mut total) = (0.0, 0.0);
                    for (&column, &w) in columns.iter().zip(values) {
                        total += w;
                        found += if valid[column as usize] { w } else { 0.0 };
                    }
                    found / total
                }
                _ => 1.0,
            };
            self.destination.add_product(weights.destination_areas[i] * fraction * share, value);
        }
    }

    pub(crate) fn finish(self) -> Conservation {
        let (source, destination) = (self.source.value(), self.destination.value());
        let absolute = self.absolute.value();
        let relative_error = if absolute == 0.0 { 0.0 } else { (destination - source) / absolute };
        Conservation { source, destination, relative_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_weighted_and_missing_values_counted() {
        let mut builder = SummaryBuilder::new();
        let active = |i: usize| i != 3;
        builder.add(&[1.0, 5.0, 9.0, -7.0], &|i| i != 2, &active, Some(&[3.0, 1.0, 1.0, 1.0]));
        let summary = builder.finish();
        assert_eq!(summary, Summary { min: 1.0, max: 5.0, mean: 2.0, valid: 2, missing: 1 });
    }

    #[test]
    fn nothing_valid_has_no_range() {
        let mut builder = SummaryBuilder::new();
        builder.add(&[1.0, 2.0], &|_| false, &|_| true, None);
        let summary = builder.finish();
        assert!(summary.min.is_nan() && summary.max.is_nan() && summary.mean.is_nan());
        assert_eq!((summary.valid, summary.missing), (0, 2));
    }
}
