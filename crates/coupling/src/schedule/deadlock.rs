//! Does every step get what it waits for? Answered by looking at the steps of one hyper-period.
//!
//! Giving never waits; taking waits until the window is whole. So a step depends on the step before it of the same
//! component, and on the step of each source that ends the window it takes. Those lie less than one period ahead, hence in
//! the same hyper-period (the least common multiple of all steps and periods), and every other one in an earlier: a run
//! gets stuck if and only if the steps of one hyper-period cannot be put in order.

use super::{Timing, lcm};
use std::collections::{BTreeMap, BTreeSet};

/// A coupling as the proof sees it.
#[derive(Clone, Copy, Debug)]
pub struct Dependency {
    /// Component that gives.
    pub source: usize,
    /// Component that takes.
    pub destination: usize,
    /// When.
    pub timing: Timing,
}

/// One step of a circle of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The component that waits.
    pub component: usize,
    /// Start of its step, seconds since the start of the run.
    pub start: i64,
    /// The coupling it waits for; `None` if for its own step before.
    pub waits_for: Option<usize>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An order in which all steps of one hyper-period can be done: components, by step.
    Order {
        /// Length of the hyper-period.
        cycle_s: i64,
        /// Components, one entry a step.
        order: Vec<usize>,
    },
    /// A circle: each waits for the next, the last for the first.
    Circle(Vec<Hop>),
    /// The hyper-period has more steps than are looked at.
    TooLong {
        /// How many.
        steps: i64,
    },
}

/// Most steps of a hyper-period that are looked at.
const MOST_STEPS: i64 = 4_000_000;

/// Judges components with the steps `steps` and their couplings.
pub fn judge(steps: &[i64], couplings: &[Dependency]) -> Verdict {
    let mut lengths = steps.iter().copied().chain(couplings.iter().map(|c| c.timing.period));
    let cycle_s = lengths.try_fold(1, lcm).unwrap_or(i64::MAX);
    let counts: Vec<i64> = steps.iter().map(|step| cycle_s / step).collect();
    let total = counts.iter().fold(0i64, |sum, &n| sum.saturating_add(n));
    if cycle_s == i64::MAX || total > MOST_STEPS {
        return Verdict::TooLong { steps: total };
    }
    let incoming: Vec<Vec<usize>> =
        (0..steps.len()).map(|c| (0..couplings.len()).filter(|&k| couplings[k].destination == c).collect()).collect();
    let outgoing: Vec<Vec<usize>> =
        (0..steps.len()).map(|c| (0..couplings.len()).filter(|&k| couplings[k].source == c).collect()).collect();
    // Steps done of each component; a component is looked at again whenever one of its sources has done a step.
    let mut done = vec![0i64; steps.len()];
    let waits_for = |done: &[i64], c: usize| {
        let start = done[c] * steps[c];
        incoming[c]
            .iter()
            .copied()
            .find(|&k| couplings[k].timing.needed_step(start).is_some_and(|m| m >= done[couplings[k].source]))
    };
    // Earliest start first, then the order of the experiment: the same list every time.
    let mut ready: BTreeSet<(i64, usize)> = (0..steps.len()).filter(|&c| counts[c] > 0).map(|c| (0, c)).collect();
    let mut order = Vec::with_capacity(total as usize);
    while let Some((_, c)) = ready.pop_first() {
        if done[c] == counts[c] || waits_for(&done, c).is_some() {
            continue;
        }
        done[c] += 1;
        order.push(c);
        for next in outgoing[c].iter().map(|&k| couplings[k].destination).chain([c]) {
            if done[next] < counts[next] {
                ready.insert((done[next] * steps[next], next));
            }
        }
    }
    if order.len() as i64 == total {
        return Verdict::Order { cycle_s, order };
    }
    Verdict::Circle(circle(steps, couplings, &done, &counts, waits_for))
}

/// The circle that the components which did not finish wait in.
fn circle(
    steps: &[i64],
    couplings: &[Dependency],
    done: &[i64],
    counts: &[i64],
    waits_for: impl Fn(&[i64], usize) -> Option<usize>,
) -> Vec<Hop> {
    let stuck = |c: usize| done[c] < counts[c];
    let Some(mut at) = (0..steps.len()).filter(|&c| stuck(c)).min_by_key(|&c| done[c] * steps[c]) else { return Vec::new() };
    let (mut path, mut seen): (Vec<Hop>, BTreeMap<usize, usize>) = (Vec::new(), BTreeMap::new());
    loop {
        if let Some(&first) = seen.get(&at) {
            return path.split_off(first);
        }
        seen.insert(at, path.len());
        let waits_for = waits_for(done, at);
        path.push(Hop { component: at, start: done[at] * steps[at], waits_for });
        // Who is stuck waits for a coupling whose source is stuck too, at this step or an earlier one of its own.
        let Some(coupling) = waits_for else { return path };
        at = couplings[coupling].source;
    }
}

#[cfg(test)]
mod tests;
