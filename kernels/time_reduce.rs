//! Steps of time made into periods: sums over the parts of steps that lie in a period, and values between instants.

/// What a period is made of the steps in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Mean weighted by the time that step and period share: Σ d·v / Σ d.
    Mean,
    /// Sum of amounts, each by the share of its step's length in the period: Σ (d/D)·v.
    Sum,
    /// Smallest value of a step that shares time.
    Minimum,
    /// Largest.
    Maximum,
}

/// A step that shares time with a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Which step.
    pub step: usize,
    /// Time shared, in any unit.
    pub shared: f64,
    /// Length of the step, in the same unit; for instants as `shared`.
    pub length: f64,
}

/// Running results for many cells of one period; steps are added in order, so that memory holds one step at a time.
///
/// ```
/// use knarr_kernels::time_reduce::{PeriodSums, Reduction, Share};
/// // Half of a step of 6 hours with 4 mm, and a whole one with 1 mm: 3 mm in 9 hours.
/// let mut sums = PeriodSums::new(Reduction::Sum, 1);
/// sums.add(&[4.0], None, Share { step: 0, shared: 3.0, length: 6.0 });
/// sums.add(&[1.0], None, Share { step: 1, shared: 6.0, length: 6.0 });
/// assert_eq!(sums.finish(9.0), (vec![3.0], vec![true]));
/// ```
#[derive(Clone, Debug)]
pub struct PeriodSums {
    reduction: Reduction,
    values: Vec<f64>,
    weights: Vec<f64>,
}

impl PeriodSums {
    /// Nothing yet, for `cells` cells.
    pub fn new(reduction: Reduction, cells: usize) -> Self {
        let start = match reduction {
            Reduction::Mean | Reduction::Sum => 0.0,
            Reduction::Minimum => f64::INFINITY,
            Reduction::Maximum => f64::NEG_INFINITY,
        };
        Self { reduction, values: vec![start; cells], weights: vec![0.0; cells] }
    }

    /// Adds a step: one value for each cell, and which are valid (all if not given).
    pub fn add(&mut self, values: &[f64], valid: Option<&[bool]>, share: Share) {
        let part = share.shared / share.length;
        for (cell, &value) in values.iter().enumerate() {
            if valid.is_some_and(|v| !v[cell]) {
                continue;
            }
            self.weights[cell] += share.shared;
            let so_far = &mut self.values[cell];
            match self.reduction {
                Reduction::Mean => *so_far += share.shared * value,
                Reduction::Sum => *so_far += part * value,
                Reduction::Minimum => *so_far = so_far.min(value),
                Reduction::Maximum => *so_far = so_far.max(value),
            }
        }
    }

    /// Values and validity of the period: a cell with valid values for less than `least` of time is missing.
    pub fn finish(self, least: f64) -> (Vec<f64>, Vec<bool>) {
        // Times are counted in parts of a period; their sum has a rounding.
        let valid: Vec<bool> = self.weights.iter().map(|&w| w > 0.0 && w >= least * (1.0 - 1e-9)).collect();
        let value = |(cell, &v): (usize, &f64)| match self.reduction {
            _ if !valid[cell] => 0.0,
            Reduction::Mean => v / self.weights[cell],
            _ => v,
        };
        (self.values.iter().enumerate().map(value).collect(), valid)
    }
}

/// Values at an instant between two others: `before + f · (after − before)`, `f` from 0 to 1; missing where one is.
///
/// At the ends the value there is taken as it is, whatever the other one.
pub fn between(before: (&[f64], Option<&[bool]>), after: (&[f64], Option<&[bool]>), f: f64) -> (Vec<f64>, Vec<bool>) {
    let ok = |side: Option<&[bool]>, cell: usize| side.is_none_or(|v| v[cell]);
    (0..before.0.len())
        .map(|cell| match (ok(before.1, cell), ok(after.1, cell)) {
            (true, _) if f == 0.0 => (before.0[cell], true),
            (_, true) if f == 1.0 => (after.0[cell], true),
            (true, true) => (before.0[cell] + f * (after.0[cell] - before.0[cell]), true),
            _ => (0.0, false),
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(step: usize, shared: f64, length: f64) -> Share {
        Share { step, shared, length }
    }

    #[test]
    fn means_weigh_by_time_and_extremes_do_not() {
        let steps = [(2.0, share(0, 1.0, 2.0)), (5.0, share(1, 3.0, 3.0))];
        let of = |reduction: Reduction| {
            let mut sums = PeriodSums::new(reduction, 1);
            steps.iter().for_each(|(v, s)| sums.add(&[*v], None, *s));
            sums.finish(4.0).0[0]
        };
        let found = [Reduction::Mean, Reduction::Sum, Reduction::Minimum, Reduction::Maximum].map(of);
        assert_eq!(found, [4.25, 6.0, 2.0, 5.0]);
    }

    #[test]
    fn missing_steps_make_a_period_missing_unless_less_is_enough() {
        let mut sums = PeriodSums::new(Reduction::Mean, 2);
        sums.add(&[1.0, 7.0], Some(&[true, false]), share(0, 1.0, 1.0));
        sums.add(&[3.0, 9.0], None, share(1, 1.0, 1.0));
        assert_eq!(sums.clone().finish(2.0), (vec![2.0, 0.0], vec![true, false]));
        assert_eq!(sums.finish(1.0), (vec![2.0, 9.0], vec![true, true]));
    }

    #[test]
    fn ends_are_exact_and_need_no_other_side() {
        let (before, after) = ([1.0, 2.0], [3.0, 4.0]);
        let valid: &[bool] = &[true, false];
        assert_eq!(between((&before, None), (&after, Some(valid)), 0.5), (vec![2.0, 0.0], vec![true, false]));
        assert_eq!(between((&before, None), (&after, Some(valid)), 0.0), (vec![1.0, 2.0], vec![true, true]));
        assert_eq!(between((&before, Some(valid)), (&after, None), 1.0), (vec![3.0, 4.0], vec![true, true]));
    }
}
