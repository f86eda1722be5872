//! Totals and means over intervals of time.

use super::Slab;

/// What values at the steps of a file are taken over.
#[derive(Clone, Debug, PartialEq)]
pub struct Intervals {
    /// Seconds from the start of the run to the start of each interval.
    pub starts_s: Vec<f64>,
    /// Seconds from the start of the run to the end of each interval.
    pub ends_s: Vec<f64>,
}

/// Why totals cannot be made into means or back.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AccumulationError {
    /// A total that is less than the one before.
    #[error("the total at step {step} is less than the one before by {by}: values are no totals since the start of the run")]
    Decreasing {
        /// Which step, 0-based.
        step: usize,
        /// By how much, at most.
        by: f64,
    },
    /// A step that does not begin where the one before ends.
    #[error("the interval of step {step} does not begin where the one before ends")]
    Gap {
        /// Which step, 0-based.
        step: usize,
    },
    /// Times that do not go forward.
    #[error("step {step} is not later than the one before")]
    NotForward {
        /// Which step, 0-based.
        step: usize,
    },
}

impl Intervals {
    /// Intervals between consecutive steps, the first from the start of the run: `ends_s` are lead times.
    ///
    /// # Errors
    /// [`AccumulationError::NotForward`] if times do not increase or begin before the start.
    pub fn between_steps(ends_s: Vec<f64>) -> Result<Self, AccumulationError> {
        let starts_s: Vec<f64> = std::iter::once(0.0).chain(ends_s.iter().copied()).take(ends_s.len()).collect();
        // A step at the start of the run has an interval without length.
        match (0..ends_s.len()).find(|&k| ends_s[k] < starts_s[k] || (k > 0 && ends_s[k] == starts_s[k])) {
            Some(step) => Err(AccumulationError::NotForward { step }),
            None => Ok(Self { starts_s, ends_s }),
        }
    }

    /// Seconds of the interval of a step.
    pub fn length_s(&self, step: usize) -> f64 {
        self.ends_s[step] - self.starts_s[step]
    }

    /// Fails unless each interval begins where the one before ends.
    ///
    /// # Errors
    /// [`AccumulationError::Gap`].
    pub fn check_contiguous(&self) -> Result<(), AccumulationError> {
        let gap = |k: &usize| (self.starts_s[*k] - self.ends_s[k - 1]).abs() > 1e-3;
        (1..self.ends_s.len()).find(gap).map_or(Ok(()), |step| Err(AccumulationError::Gap { step }))
    }
}

/// Smallest decrease, relative to the largest total of the step, that is more than rounding of packed values.
const PACKING: f64 = 1e-3;

/// Turns run totals into totals of intervals, step by step.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    before: Option<Slab>,
    /// Small decreases that packing explains, set to zero.
    pub clipped: usize,
}

impl Differences {
    /// The total of the interval that ends at `step`: `total − total before`, zero before the first.
    ///
    /// With `never_negative`, decreases that the packing of totals explains become zero and are counted.
    ///
    /// # Errors
    /// [`AccumulationError::Decreasing`] for larger ones.
    pub fn next(&mut self, step: usize, total: Slab, never_negative: bool) -> Result<Slab, AccumulationError> {
        let mut difference = match &self.before {
            Some(before) => Slab::combine(&[&total, before], |v| Some(v[0] - v[1])),
            None => total.clone(),
        };
        if never_negative {
            let largest = total.range().map_or(0.0, |[low, high]| high.max(-low));
            let by = difference.range().map_or(0.0, |[low, _]| -low);
            if by > PACKING * largest {
                return Err(AccumulationError::Decreasing { step, by });
            }
            for value in difference.values.iter_mut().filter(|v| **v < 0.0) {
                *value = 0.0;
                self.clipped += 1;
            }
        }
        self.before = Some(total);
        Ok(difference)
    }
}

/// Turns totals of intervals into run totals, step by step.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    total: Option<Slab>,
}

impl Totals {
    /// The total since the start of the run at the end of the interval.
    pub fn next(&mut self, amount: Slab) -> Slab {
        let total = match &self.total {
            Some(total) => Slab::combine(&[total, &amount], |v| Some(v[0] + v[1])),
            None => amount,
        };
        self.total = Some(total.clone());
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_flux_comes_back_from_its_run_totals() {
        // 250 W m-2 for 12 steps of 1 h, then 3 h, as the lead times of GDPS do.
        let leads: Vec<f64> = (1..=6).map(|h| f64::from(h) * 3600.0).chain((3..=5).map(|k| f64::from(k) * 10_800.0)).collect();
        let intervals = Intervals::between_steps(leads.clone()).expect("forward");
        intervals.check_contiguous().expect("no gaps");
        let mut differences = Differences::default();
        for (step, lead) in leads.iter().enumerate() {
            let amount = differences.next(step, Slab::whole(vec![250.0 * lead]), true).expect("increasing");
            assert_eq!(amount.values[0] / intervals.length_s(step), 250.0);
        }
    }

    #[test]
    fn totals_and_differences_undo_each_other() {
        let amounts = [0.0, 1.5, 0.25, 7.0, 0.0, 2.0];
        let (mut totals, mut differences) = (Totals::default(), Differences::default());
        for (step, amount) in amounts.into_iter().enumerate() {
            let total = totals.next(Slab::whole(vec![amount, -amount]));
            let back = differences.next(step, total, false).expect("any sign");
            assert_eq!(back.values, [amount, -amount], "binary fractions are exact");
        }
    }

    #[test]
    fn packing_may_round_a_total_down_a_little_but_not_more() {
        let mut differences = Differences::default();
        differences.next(0, Slab::whole(vec![10.0, 5.0]), true).expect("the first");
        let next = differences.next(1, Slab::whole(vec![10.0 - 1e-3, 6.0]), true).expect("packing");
        assert_eq!(next.values, [0.0, 1.0]);
        assert_eq!(differences.clipped, 1);
        let error = differences.next(2, Slab::whole(vec![3.0, 7.0]), true).expect_err("a rate, not a total");
        assert!(matches!(error, AccumulationError::Decreasing { step: 2, .. }), "{error}");
    }

    #[test]
    fn times_must_go_forward_without_gaps() {
        assert_eq!(Intervals::between_steps(vec![3600.0, 3600.0]), Err(AccumulationError::NotForward { step: 1 }));
        assert_eq!(Intervals::between_steps(vec![-3600.0]), Err(AccumulationError::NotForward { step: 0 }));
        assert!(Intervals::between_steps(vec![0.0, 3600.0]).is_ok(), "a step at the start");
        let gap = Intervals { starts_s: vec![0.0, 7200.0], ends_s: vec![3600.0, 10_800.0] };
        assert_eq!(gap.check_contiguous(), Err(AccumulationError::Gap { step: 1 }));
    }

    #[test]
    fn a_value_missing_in_one_total_is_missing_in_both_intervals_it_bounds() {
        let mut differences = Differences::default();
        let gap = Slab { values: vec![0.0], valid: Some(vec![false]) };
        assert!(differences.next(0, Slab::whole(vec![1.0]), true).expect("fine").is_valid(0));
        assert!(!differences.next(1, gap, true).expect("fine").is_valid(0));
        assert!(!differences.next(2, Slab::whole(vec![3.0]), true).expect("fine").is_valid(0));
        assert!(differences.next(3, Slab::whole(vec![4.0]), true).expect("fine").is_valid(0));
    }
}
