//! What is made of the values given in a window.

use crate::schedule::Timing;
use crate::{Array, ComponentError, State, Values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the values of a window become one; steps weigh by their length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// The last.
    Instant,
    /// Σ v·dt / Σ dt.
    #[default]
    Average,
    /// Σ v·dt, in the units of v times s.
    Accumulate,
    /// Σ v, for amounts per step.
    Sum,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
}

impl Reduction {
    /// Its name in experiment files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Average => "average",
            Self::Accumulate => "accumulate",
            Self::Sum => "sum",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
        }
    }

    /// How long a given value acts for the ledger: its step's length for rates, 1 for amounts.
    pub(crate) fn given_weight(self, step_s: i64) -> f64 {
        if self == Self::Sum { 1.0 } else { step_s as f64 }
    }

    /// How long a taken value acts for the ledger.
    pub(crate) fn taken_weight(self, period_s: i64) -> f64 {
        if matches!(self, Self::Sum | Self::Accumulate) { 1.0 } else { period_s as f64 }
    }
}

/// The values of the window so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Reducer {
    reduction: Reduction,
    sums: Vec<f64>,
    /// Time with a value: of all cells, until one misses a value.
    common: f64,
    each: Option<Vec<f64>>,
}

impl Reducer {
    /// Nothing yet.
    pub fn new(reduction: Reduction) -> Self {
        Self { reduction, sums: Vec::new(), common: 0.0, each: None }
    }

    /// Starts the window that ends at `window`, the part of it before the start of the run with the initial value.
    pub fn begin(&mut self, timing: &Timing, window: i64, initial: Option<&Values>) {
        self.sums.clear();
        self.common = 0.0;
        self.each = None;
        let before = timing.before_start(window);
        if let (Some(initial), true) = (initial, before > 0) {
            let part = before as f64 / timing.period as f64;
            match self.reduction {
                // The initial amount is that of a whole window.
                Reduction::Sum => {
                    let share =
                        Values { values: initial.values.iter().map(|v| v * part).collect(), valid: initial.valid.clone() };
                    self.add(&share, before as f64);
                }
                _ => self.add(initial, before as f64),
            }
        }
    }

    /// Adds a value over a step of `dt` seconds.
    pub fn add(&mut self, given: &Values, dt: f64) {
        let first = self.common == 0.0 && self.each.is_none();
        let replace = first || self.reduction == Reduction::Instant;
        if given.valid.is_none() && self.each.is_none() {
            self.add_whole(&given.values, dt, replace);
            self.common = if replace { dt } else { self.common + dt };
            return;
        }
        let common = self.common;
        let each = self.each.get_or_insert_with(|| vec![common; given.len()]);
        self.sums.resize(given.len(), 0.0);
        for (cell, &value) in given.values.iter().enumerate() {
            let fresh = self.reduction == Reduction::Instant || each[cell] == 0.0;
            if !given.is_valid(cell) {
                // An instant is the last one, missing or not.
                if self.reduction == Reduction::Instant {
                    each[cell] = 0.0;
                }
                continue;
            }
            let sum = &mut self.sums[cell];
            *sum = match self.reduction {
                Reduction::Instant => value,
                Reduction::Average | Reduction::Accumulate if fresh => value * dt,
                Reduction::Average | Reduction::Accumulate => *sum + value * dt,
                _ if fresh => value,
                Reduction::Sum => *sum + value,
                Reduction::Minimum => sum.min(value),
                Reduction::Maximum => sum.max(value),
            };
            each[cell] = if self.reduction == Reduction::Instant { dt } else { each[cell] + dt };
        }
    }

    fn add_whole(&mut self, values: &[f64], dt: f64, replace: bool) {
        let scaled = matches!(self.reduction, Reduction::Average | Reduction::Accumulate);
        if replace {
            self.sums.clear();
            if scaled {
                self.sums.extend(values.iter().map(|v| v * dt));
            } else {
                self.sums.extend_from_slice(values);
            }
            return;
        }
        let pairs = self.sums.iter_mut().zip(values);
        match self.reduction {
            Reduction::Instant => self.sums.copy_from_slice(values),
            Reduction::Average | Reduction::Accumulate => pairs.for_each(|(sum, v)| *sum += v * dt),
            Reduction::Sum => pairs.for_each(|(sum, v)| *sum += v),
            Reduction::Minimum => pairs.for_each(|(sum, v)| *sum = sum.min(*v)),
            Reduction::Maximum => pairs.for_each(|(sum, v)| *sum = sum.max(*v)),
        }
    }

    /// The value of the window; cells without any value are missing.
    pub fn value(&self) -> Values {
        let averaged = self.reduction == Reduction::Average;
        match &self.each {
            None if averaged => Values::new(self.sums.iter().map(|sum| sum / self.common).collect()),
            None => Values::new(self.sums.clone()),
            Some(each) => {
                let value = |(cell, &sum): (usize, &f64)| match each[cell] {
                    0.0 => 0.0,
                    time if averaged => sum / time,
                    _ => sum,
                };
                let values = self.sums.iter().enumerate().map(value).collect();
                let valid: Vec<bool> = each.iter().map(|&time| time > 0.0).collect();
                Values { values, valid: valid.contains(&false).then_some(valid) }
            }
        }
    }

    /// Adds what it holds to `state`, under names that begin with `prefix`.
    pub fn save(&self, prefix: &str, state: &mut State) {
        state.put(format!("{prefix}/sums"), Array::Real(self.sums.clone()));
        state.put(format!("{prefix}/common"), Array::Real(vec![self.common]));
        if let Some(each) = &self.each {
            state.put(format!("{prefix}/each"), Array::Real(each.clone()));
        }
    }

    /// Takes back what [`Reducer::save`] gave.
    ///
    /// # Errors
    /// [`ComponentError::State`].
    pub fn restore(&mut self, prefix: &str, state: &State) -> Result<(), ComponentError> {
        self.sums = state.real(&format!("{prefix}/sums"))?.to_vec();
        let mut common = [0.0];
        state.copy(&format!("{prefix}/common"), &mut common)?;
        self.common = common[0];
        self.each = state
            .find(&format!("{prefix}/each"))
            .is_some()
            .then(|| state.real(&format!("{prefix}/each")))
            .transpose()?
            .map(<[f64]>::to_vec);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
