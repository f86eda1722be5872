//! Two runs set against each other: what changed beyond the noise that both measured.

use super::results::{Measured, Outcome, Results};
use super::timing::{Timing, median};
use serde::Serialize;

/// A change below this share is never told from noise.
const LEAST: f64 = 0.05;
const RESAMPLES: usize = 1000;

/// What is said of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Slower beyond noise.
    Slower,
    /// Faster beyond noise.
    Faster,
    /// No change can be told.
    Same,
    /// It gave a figure before and gives none now.
    Lost,
}

/// A case in both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Of the case.
    pub id: String,
    /// Threads.
    pub threads: usize,
    /// Seconds now over seconds before.
    pub ratio: f64,
    /// Interval of that ratio with 95 % confidence, by resampling.
    pub interval: [f64; 2],
    /// What the fixed work beside the case took now over before: how much slower the machine itself was.
    pub drift: f64,
    /// The share that parts of the measurements differ by.
    pub noise: f64,
    /// What that comes to.
    pub verdict: Verdict,
}

/// Sets `now` against `before`, case by case; cases that only one has are left out, but for those that gave a figure before
/// and none now.
pub fn compare(before: &Results, now: &Results) -> Vec<Change> {
    let mut changes = Vec::new();
    for row in &before.rows {
        let Outcome::Measured(old) = &row.outcome else { continue };
        let Some(new) = now.rows.iter().find(|r| (&r.id, r.threads) == (&row.id, row.threads)) else { continue };
        changes.push(match &new.outcome {
            Outcome::Measured(new) => change(&row.id, row.threads, old, new),
            _ => Change {
                id: row.id.clone(),
                threads: row.threads,
                ratio: f64::NAN,
                interval: [f64::NAN; 2],
                drift: f64::NAN,
                noise: f64::NAN,
                verdict: Verdict::Lost,
            },
        });
    }
    changes
}

fn change(id: &str, threads: usize, old: &Measured, new: &Measured) -> Change {
    let (old, new) = (&old.timing, &new.timing);
    let ratio = new.median_s / old.median_s;
    let interval = resampled(old, new);
    let drift = match (median(&old.reference_s), median(&new.reference_s)) {
        (before, now) if before > 0.0 && now > 0.0 => now / before,
        _ => 1.0,
    };
    let noise = old.noise() + new.noise();
    let margin = 1.0 + noise.max(LEAST);
    // A slower machine explains a slower case, a faster one a faster case; neither explains the opposite.
    let verdict = if interval[0] / drift.max(1.0) > margin {
        Verdict::Slower
    } else if interval[1] / drift.min(1.0) < 1.0 / margin {
        Verdict::Faster
    } else {
        Verdict::Same
    };
    Change { id: id.to_owned(), threads, ratio, interval, drift, noise, verdict }
}

/// Interval of the ratio of medians by the bootstrap (Efron 1979), with numbers that are the same in every run.
fn resampled(old: &Timing, new: &Timing) -> [f64; 2] {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut pick = |values: &[f64]| -> f64 {
        let sample: Vec<f64> = (0..values.len())
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                values[(state % values.len() as u64) as usize]
            })
            .collect();
        median(&sample)
    };
    let ratios: Vec<f64> = (0..RESAMPLES).map(|_| pick(&new.samples_s) / pick(&old.samples_s)).collect();
    [super::timing::quantile(&ratios, 0.025), super::timing::quantile(&ratios, 0.975)]
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{empty, plan};
    use super::*;

    /// Samples around `seconds` with a spread, and the machine beside.
    fn samples(seconds: f64, spread: f64, machine: f64, seed: usize) -> Timing {
        let noise = |k: usize| ((k * 7919 + seed * 104_729) % 1000) as f64 / 1000.0 - 0.5;
        Timing::of(
            (0..21).map(|k| seconds * (1.0 + spread * noise(k))).collect(),
            (0..21).map(|k| machine * (1.0 + 0.01 * noise(k + 500))).collect(),
        )
    }

    fn verdict(old: Timing, new: Timing) -> Verdict {
        let mut results = [empty(), empty()];
        for (results, timing) in results.iter_mut().zip([old, new]) {
            results.add(&plan(1, 0.0), &[1], true);
            let Outcome::Measured(m) = &mut results.rows[0].outcome else { panic!("it runs") };
            m.timing = timing;
        }
        compare(&results[0], &results[1])[0].verdict
    }

    #[test]
    fn noise_is_no_change_and_a_slowdown_is_one() {
        for seed in 0..30 {
            assert_eq!(verdict(samples(1.0, 0.1, 1.0, seed), samples(1.0, 0.1, 1.0, seed + 50)), Verdict::Same, "{seed}");
        }
        assert_eq!(verdict(samples(1.0, 0.04, 1.0, 1), samples(1.2, 0.04, 1.0, 2)), Verdict::Slower);
        assert_eq!(verdict(samples(1.2, 0.04, 1.0, 1), samples(1.0, 0.04, 1.0, 2)), Verdict::Faster);
    }

    #[test]
    fn a_slower_machine_is_no_slower_kernel() {
        assert_eq!(verdict(samples(1.0, 0.04, 1.0, 1), samples(1.3, 0.04, 1.3, 2)), Verdict::Same);
        // Nor does a faster one hide it.
        assert_eq!(verdict(samples(1.0, 0.04, 1.0, 1), samples(1.3, 0.04, 0.8, 2)), Verdict::Slower);
    }

    #[test]
    fn a_kernel_slowed_on_purpose_is_found() {
        // Eight times the work. Where other work on the machine makes a measurement too noisy to tell, which is what it should
        // say, it is made again.
        let verdicts = (0..10).map(|_| {
            let (mut before, mut now) = (empty(), empty());
            before.add(&plan(1, 0.0), &[1], true);
            now.add(&plan(8, 0.0), &[1], true);
            compare(&before, &now)[0].verdict
        });
        assert_eq!(verdicts.into_iter().find(|&verdict| verdict != Verdict::Same), Some(Verdict::Slower));
    }

    #[test]
    fn a_case_that_gives_no_figure_any_more_is_lost() {
        let (mut before, mut now) = (empty(), empty());
        before.add(&plan(1, 0.0), &[1], true);
        now.add(&plan(1, 1.0), &[1], true);
        assert_eq!(compare(&before, &now)[0].verdict, Verdict::Lost);
        assert_eq!(compare(&now, &before), []);
    }
}
