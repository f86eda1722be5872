//! The order of steps: as given, proved to be one in which every step gets what it takes, or worked out.

use super::Iteration;
use super::build::Builder;
use super::clock::RunClock;
use crate::document::{Place, Placed};
use crate::experiment::{IterateEntry, RunItem};
use crate::findings::Finding;
use crate::schedule::{Action, Dependency, Hop, Schedule, Verdict, judge, lcm};
use crate::{Instant, Period};

impl Builder<'_> {
    /// The schedule, its iterations, and whether it was given.
    pub(super) fn order(&mut self, clock: &RunClock) -> Option<(Schedule, Vec<Iteration>, bool)> {
        let steps: Vec<i64> = self.components.iter().map(|c| c.step_s).collect();
        if steps.is_empty() {
            if self.broken.is_empty() {
                let hint = "add at least one under `components`";
                self.findings.add(Finding::error("component", Place::default(), "the experiment has no components").hint(hint));
            }
            return None;
        }
        let mut iterations = Vec::new();
        let given = match self.experiment.run.clone() {
            None => None,
            Some(items) => Some(self.given_order(&items, &mut iterations)?),
        };
        let all: Vec<Dependency> = self
            .couplings
            .iter()
            .map(|k| Dependency { source: k.source, destination: k.destination, timing: k.timing })
            .collect();
        let guessed: Vec<usize> = iterations.iter().flat_map(|i| i.guessed.clone()).collect();
        // What an iteration guesses, nobody waits for.
        let waiting: Vec<usize> = (0..all.len()).filter(|k| !guessed.contains(k)).collect();
        let dependencies: Vec<Dependency> = waiting.iter().map(|&k| all[k]).collect();
        match judge(&steps, &dependencies) {
            Verdict::Order { cycle_s, order } => match given {
                None => {
                    let actions = order.into_iter().map(Action::Step).collect();
                    Some((Schedule { cycle_s, actions }, iterations, false))
                }
                Some(schedule) => {
                    self.follow(&schedule, &iterations, &all, &guessed, clock)?;
                    Some((schedule, iterations, true))
                }
            },
            Verdict::Circle(hops) => {
                self.tell_circle(&hops, &waiting, clock);
                None
            }
            Verdict::TooLong { steps } => {
                let message = format!("steps and periods fit together only after {steps} steps, too many to look at");
                let hint = "choose steps and periods that divide each other, such as PT20M, PT1H and P1D";
                self.findings.add(Finding::error("division", Place::default(), message).hint(hint));
                None
            }
        }
    }

    fn tell_circle(&mut self, hops: &[Hop], waiting: &[usize], clock: &RunClock) {
        let label = |start: i64| Instant(clock.start.0 + start).label(clock.calendar);
        let first = hops.iter().map(|h| h.start).min().unwrap_or(0);
        let place = hops.iter().find_map(|h| h.waits_for).map_or(Place::default(), |k| self.couplings[waiting[k]].place);
        let mut finding =
            Finding::error("deadlock", place, format!("these components wait for one another, first at {}", label(first)));
        for hop in hops {
            let name = &self.components[hop.component].name;
            let Some(k) = hop.waits_for else { continue };
            let coupling = &self.couplings[waiting[k]];
            let (field, giver) = (
                &self.components[coupling.source].declaration.exports[coupling.parts[0].export].name,
                &self.components[coupling.source].name,
            );
            let end = label(coupling.timing.window_taken_at(hop.start));
            finding = finding.detail(format!(
                "`{name}` at {} waits for `{field}` from `{giver}` up to {end} (line {})",
                label(hop.start),
                coupling.place.line
            ));
        }
        let candidates: Vec<String> = hops
            .iter()
            .filter_map(|h| h.waits_for)
            .map(|k| &self.couplings[waiting[k]])
            .filter(|c| c.timing.lag < c.timing.period)
            .take(2)
            .map(|c| format!("line {} `lag: {}`", c.place.line, Period::seconds(c.timing.period)))
            .collect();
        let hint = format!("give one of them a lag ({}) with `initial:`, or iterate them together", candidates.join(" or "));
        self.findings.add(finding.hint(hint));
    }

    fn given_order(&mut self, items: &[Placed<RunItem>], iterations: &mut Vec<Iteration>) -> Option<Schedule> {
        let place = items.first().map_or(Place::default(), |i| i.place);
        let cycle_s = match items {
            [Placed { value: RunItem::Every { every, .. }, .. }] if !every.value.is_empty() => self.seconds(every, "every")?,
            _ => {
                // A plain list is one step of each, all of the same length.
                let steps: Vec<i64> = self.components.iter().map(|c| c.step_s).collect();
                *steps.iter().max()?
            }
        };
        let actions = self.expand(items, cycle_s, iterations)?;
        let mut fits = true;
        let mut counts = vec![0i64; self.components.len()];
        count(&actions, iterations, &mut counts);
        for c in 0..counts.len() {
            let (name, step) = (self.components[c].name.clone(), self.components[c].step_s);
            if counts[c] * step != cycle_s {
                let message = match counts[c] {
                    0 => format!("`{name}` does not stand in `run`"),
                    n => format!(
                        "`run` steps `{name}` {n} times in {}, which is {} of its time",
                        Period::seconds(cycle_s),
                        Period::seconds(n * step)
                    ),
                };
                let hint = format!("it must step {} times in {}", cycle_s / step, Period::seconds(cycle_s));
                self.findings.add(Finding::error("order", place, message).hint(hint));
                fits = false;
            }
        }
        fits.then_some(Schedule { cycle_s, actions })
    }

    fn expand(&mut self, items: &[Placed<RunItem>], length: i64, iterations: &mut Vec<Iteration>) -> Option<Vec<Action>> {
        let mut actions = Vec::new();
        for item in items {
            match &item.value {
                RunItem::Step(name) => {
                    let c = self.component(name)?;
                    self.step_fits(c, item.place, length)?;
                    actions.push(Action::Step(c));
                }
                RunItem::Every { every, items } if every.value.is_empty() => {
                    actions.extend(self.expand(items, length, iterations)?)
                }
                RunItem::Every { every, items } => {
                    let seconds = self.seconds(every, "every")?;
                    if length % seconds != 0 {
                        self.not_divisible(every.place, "the block around", length, "`every`", seconds);
                        return None;
                    }
                    for _ in 0..length / seconds {
                        actions.extend(self.expand(items, seconds, iterations)?);
                    }
                }
                RunItem::Parallel(branches) => {
                    let mut list = Vec::new();
                    for branch in branches {
                        list.push(self.expand(std::slice::from_ref(branch), length, iterations)?);
                    }
                    actions.push(Action::Parallel(list));
                }
                RunItem::Iterate(entry) => {
                    let number = self.iteration(entry, item.place, length, iterations)?;
                    actions.push(Action::Iterate(number));
                }
            }
        }
        Some(actions)
    }

    fn step_fits(&mut self, c: usize, place: Place, length: i64) -> Option<()> {
        let (name, step) = (self.components[c].name.clone(), self.components[c].step_s);
        if step == length {
            return Some(());
        }
        let message =
            format!("`{name}` has steps of {}, but stands in a block of {}", Period::seconds(step), Period::seconds(length));
        let hint = format!("put it into `every: {}`, or change its step", Period::seconds(step));
        self.findings.add(Finding::error("order", place, message).hint(hint));
        None
    }

    fn iteration(&mut self, entry: &IterateEntry, place: Place, length: i64, iterations: &mut Vec<Iteration>) -> Option<usize> {
        let mut members = Vec::new();
        for name in &entry.members {
            let c = self.component(name)?;
            self.step_fits(c, name.place, length)?;
            if members.contains(&c) {
                self.findings.add(Finding::error("iterate", name.place, format!("`{}` is a member twice", name.value)));
                return None;
            }
            members.push(c);
        }
        if !(entry.relaxation > 0.0 && entry.relaxation <= 2.0 && entry.tolerance > 0.0 && entry.at_most > 0) {
            let message = "an iteration needs a relaxation above 0 and at most 2, a tolerance above 0 and at least one pass";
            self.findings.add(Finding::error("iterate", place, message));
            return None;
        }
        if let Some(known) = iterations.iter().position(|i| i.members == members) {
            return Some(known);
        }
        let position = |c: usize| members.iter().position(|&m| m == c);
        let mut guessed = Vec::new();
        for (k, coupling) in self.couplings.iter().enumerate() {
            let (Some(from), Some(to)) = (position(coupling.source), position(coupling.destination)) else { continue };
            if coupling.timing.lag == 0 && coupling.timing.period == length && from >= to {
                guessed.push(k);
            }
        }
        if guessed.is_empty() {
            let message = "nothing in this iteration depends on a later member: one pass is all there is";
            let hint = format!("its members need an exchange back with `every: {}` and no lag", Period::seconds(length));
            self.findings.add(Finding::error("iterate", place, message).hint(hint));
            return None;
        }
        // A guess begins with something, as a lag does.
        for &k in &guessed {
            let line = self.couplings[k].place;
            let giver = self.couplings[k].source;
            for part in 0..self.couplings[k].parts.len() {
                let export = self.couplings[k].parts[part].export;
                let entry = self.experiment.exchanges[self.couplings[k].entry].clone();
                let initial = self.initial_of_guess(&entry, line, (giver, export));
                self.couplings[k].parts[part].initial = initial;
            }
        }
        iterations.push(Iteration { members, guessed, entry: entry.clone() });
        Some(iterations.len() - 1)
    }

    /// Goes through the given order and sees whether each step gets what it takes.
    fn follow(
        &mut self,
        schedule: &Schedule,
        iterations: &[Iteration],
        all: &[Dependency],
        guessed: &[usize],
        clock: &RunClock,
    ) -> Option<()> {
        let length = all.iter().map(|d| d.timing.period).try_fold(schedule.cycle_s, lcm)?;
        let mut walk = Walk {
            done: vec![0; self.components.len()],
            steps: self.components.iter().map(|c| c.step_s).collect(),
            all,
            guessed,
            iterations,
        };
        for _ in 0..length / schedule.cycle_s {
            if let Err((component, start, k)) = walk.actions(&schedule.actions, None) {
                let coupling = &self.couplings[k];
                let (taker, giver) = (&self.components[component].name, &self.components[coupling.source].name);
                let field = &self.components[coupling.source].declaration.exports[coupling.parts[0].export].name;
                let label = |s: i64| Instant(clock.start.0 + s).label(clock.calendar);
                let message =
                    format!("in this order `{taker}` at {} takes `{field}` before `{giver}` has given it", label(start));
                let needed = coupling.timing.window_taken_at(start);
                let hint = format!(
                    "step `{giver}` first, or give line {} a lag: `lag: {}` with `initial:`",
                    coupling.place.line,
                    Period::seconds(coupling.timing.period)
                );
                let finding = Finding::error("order", coupling.place, message)
                    .detail(format!(
                        "`{giver}` must be at {} by then and is at {}",
                        label(needed),
                        label(walk.done[coupling.source] * walk.steps[coupling.source])
                    ))
                    .hint(hint);
                self.findings.add(finding);
                return None;
            }
        }
        Some(())
    }
}

fn count(actions: &[Action], iterations: &[Iteration], counts: &mut [i64]) {
    for action in actions {
        match action {
            Action::Step(c) => counts[*c] += 1,
            Action::Parallel(branches) => branches.iter().for_each(|branch| count(branch, iterations, counts)),
            Action::Iterate(number) => iterations[*number].members.iter().for_each(|&c| counts[c] += 1),
        }
    }
}

/// Who has done how many steps.
struct Walk<'a> {
    done: Vec<i64>,
    steps: Vec<i64>,
    all: &'a [Dependency],
    guessed: &'a [usize],
    iterations: &'a [Iteration],
}

impl Walk<'_> {
    /// Does the actions; `frozen` is what others had done when a parallel block began.
    fn actions(&mut self, actions: &[Action], frozen: Option<(&[i64], &[usize])>) -> Result<(), (usize, i64, usize)> {
        for action in actions {
            match action {
                Action::Step(c) => self.step(*c, frozen)?,
                Action::Iterate(number) => {
                    let iterations = self.iterations;
                    for &c in &iterations[*number].members {
                        self.step(c, frozen)?;
                    }
                }
                Action::Parallel(branches) => {
                    let before = self.done.clone();
                    for branch in branches {
                        let mut own = Vec::new();
                        members(branch, self.iterations, &mut own);
                        self.actions(branch, Some((&before, &own)))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, c: usize, frozen: Option<(&[i64], &[usize])>) -> Result<(), (usize, i64, usize)> {
        let start = self.done[c] * self.steps[c];
        for (k, dependency) in self.all.iter().enumerate().filter(|(_, d)| d.destination == c) {
            if self.guessed.contains(&k) {
                continue;
            }
            // What runs beside this branch may or may not have happened: only what was done before the block counts.
            let given = match frozen {
                Some((before, own)) if !own.contains(&dependency.source) => before[dependency.source],
                _ => self.done[dependency.source],
            };
            if dependency.timing.needed_step(start).is_some_and(|needed| needed >= given) {
                return Err((c, start, k));
            }
        }
        self.done[c] += 1;
        Ok(())
    }
}

fn members(actions: &[Action], iterations: &[Iteration], out: &mut Vec<usize>) {
    for action in actions {
        match action {
            Action::Step(c) => out.push(*c),
            Action::Iterate(number) => out.extend(&iterations[*number].members),
            Action::Parallel(branches) => branches.iter().for_each(|branch| members(branch, iterations, out)),
        }
    }
}
