//! Seconds of a call, with their spread and with those of a fixed piece of work beside them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Seconds to spend on one case, its first call apart.
    pub budget: Duration,
    /// Samples at least, however long they take.
    pub samples_min: usize,
    /// Samples at most.
    pub samples_max: usize,
}

impl Effort {
    /// A second or so per case.
    pub const QUICK: Self = Self { budget: Duration::from_millis(400), samples_min: 5, samples_max: 15 };
    /// Some seconds per case.
    pub const FULL: Self = Self { budget: Duration::from_millis(2500), samples_min: 9, samples_max: 45 };
}

/// What a sample must last at least: far above the resolution of the clock.
const SAMPLE_MIN: Duration = Duration::from_millis(5);

/// Batches a measurement is split into; what their medians differ by is noise slower than a sample.
const BATCHES: usize = 4;

/// Seconds of one call, sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Median of the samples, seconds a call.
    pub median_s: f64,
    /// First and third quartile.
    pub quartiles_s: [f64; 2],
    /// All samples in the order they were taken.
    pub samples_s: Vec<f64>,
    /// The same piece of work on one thread before each sample: how fast the machine was at the time.
    pub reference_s: Vec<f64>,
}

impl Timing {
    /// Calls `run` until the effort is spent. The first call, which warms caches, is not counted.
    ///
    /// # Errors
    /// What `run` fails with.
    pub fn measure<E>(effort: Effort, mut run: impl FnMut() -> Result<(), E>) -> Result<Self, E> {
        let start = Instant::now();
        run()?;
        let calls = (SAMPLE_MIN.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-9)).ceil().max(1.0) as usize;
        let mut reference = Reference::new();
        let (mut samples, mut beside) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while samples.len() < effort.samples_min || samples.len() < effort.samples_max && start.elapsed() < effort.budget {
            beside.push(reference.run());
            let sample = Instant::now();
            for _ in 0..calls {
                run()?;
            }
            samples.push(sample.elapsed().as_secs_f64() / calls as f64);
        }
        Ok(Self::of(samples, beside))
    }

    /// Of samples taken elsewhere.
    pub fn of(samples_s: Vec<f64>, reference_s: Vec<f64>) -> Self {
        let quartiles_s = [quantile(&samples_s, 0.25), quantile(&samples_s, 0.75)];
        Self { median_s: median(&samples_s), quartiles_s, samples_s, reference_s }
    }

    /// Adds the samples of a later measurement.
    pub fn append(&mut self, later: &Self) {
        let joined = |a: &[f64], b: &[f64]| [a, b].concat();
        *self = Self::of(joined(&self.samples_s, &later.samples_s), joined(&self.reference_s, &later.reference_s));
    }

    /// What medians of parts of the measurement differ by, as a share of the median: a change below it shows nothing.
    pub fn noise(&self) -> f64 {
        let batch = self.samples_s.len().div_ceil(BATCHES).max(1);
        let medians: Vec<f64> = self.samples_s.chunks(batch).map(median).collect();
        let (low, high) = medians.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &m| (l.min(m), h.max(m)));
        if self.median_s > 0.0 { (high - low) / self.median_s } else { 0.0 }
    }
}

/// The middle of the values; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Quantile by linear interpolation between order statistics (Hyndman and Fan 1996, type 7); NaN of none.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q * (sorted.len() - 1) as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    sorted[low] + part * (sorted[(low + 1).min(sorted.len() - 1)] - sorted[low])
}

/// A piece of work that is always the same: a chain of products through an array that fits the second cache.
struct Reference(Vec<f64>);

impl Reference {
    fn new() -> Self {
        Self((0..1 << 16).map(|k| 1.0 + f64::from(k) * 1e-9).collect())
    }

    /// Seconds it took.
    fn run(&mut self) -> f64 {
        let start = Instant::now();
        for _ in 0..4 {
            self.0.iter_mut().for_each(|v| *v = (*v * 1.000_000_1).sqrt());
        }
        black_box(&self.0);
        start.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_definition() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|q| quantile(&values, q)), [1.0, 1.75, 2.5, 3.25, 4.0]);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn noise_is_what_parts_differ_by() {
        let steady = Timing::of(vec![1.0; 9], vec![1.0; 9]);
        assert_eq!(steady.noise(), 0.0);
        let drifting = Timing::of(vec![1.0, 1.0, 1.1, 1.1, 1.1, 1.1, 1.2, 1.2], vec![1.0; 8]);
        assert!((drifting.noise() - 0.2 / 1.1).abs() < 1e-12);
    }

    #[test]
    fn errors_of_the_work_come_back() {
        let mut calls = 0;
        let result = Timing::measure(Effort::QUICK, || {
            calls += 1;
            if calls == 3 { Err("broken") } else { Ok(()) }
        });
        assert_eq!(result, Err("broken"));
    }
}
