//! Components stepped again and again over one interval until what they exchange agrees.

use super::acceleration::Acceleration;
use super::coupler::{Coupler, lock};
use super::flow::Waiting;
use crate::error::RunError;
use crate::experiment::Unconverged;
use crate::ledger::{Column, times};
use crate::plan::Coupling;
use crate::sums::Sums;
use crate::{FieldValues, Instant, Nature, Values};

impl Coupler<'_> {
    /// One interval of an iteration.
    ///
    /// What a member takes from a later one (or itself) is guessed, at first as in the interval before; a pass gives what it
    /// should have been, and the next guess is made from both. Before each pass but the first the members, and what is under
    /// way between them, are put back. The last pass stays. What comes from others is taken once before, and what goes to
    /// others is given once after: they may step at the same time.
    pub(super) fn iterate(&self, number: usize, stepped: &mut Vec<usize>) -> Result<(), RunError> {
        let iteration = &self.plan.iterations[number];
        let entry = &iteration.entry;
        let length = self.plan.components[iteration.members[0]].step_s;
        let start = lock(&self.running[iteration.members[0]]).done * length;
        if start + length > self.plan.length_s() {
            return Ok(());
        }
        let touched: Vec<usize> = (0..self.plan.couplings.len())
            .filter(|&k| {
                let coupling = &self.plan.couplings[k];
                iteration.members.contains(&coupling.source) && iteration.members.contains(&coupling.destination)
            })
            .collect();
        let is_inner = |k: &Coupling| iteration.members.contains(&k.source) && iteration.members.contains(&k.destination);
        for &c in &iteration.members {
            let (mut running, mut sums) = (lock(&self.running[c]), Sums::default());
            let took = self.take(c, start, &mut running, &|k| !is_inner(k), &mut sums)?;
            sums.read()?;
            self.receive(&mut running, took, &sums)?;
        }
        let first = |&k: &usize| self.first_guess(k);
        let mut guess: Vec<Vec<Values>> = iteration.guessed.iter().map(first).collect::<Result<_, _>>()?;
        let weights = self.guess_weights(&iteration.guessed, &guess);
        let mut acceleration = Acceleration::new(entry.scheme, entry.relaxation);
        let saved_flows: Vec<_> = touched.iter().map(|&k| lock(&self.flows[k]).clone()).collect();
        let saved_members: Vec<_> = iteration
            .members
            .iter()
            .map(|&c| {
                let running = lock(&self.running[c]);
                let state = running.component.save()?;
                let (imports, hidden, exports) = (running.imports.clone(), running.hidden.clone(), running.exports.clone());
                Ok((state, imports, hidden, exports, running.stocks.clone(), running.done))
            })
            .collect::<Result<_, RunError>>()?;
        let (mut pass, mut change) = (0, f64::INFINITY);
        while pass < entry.at_most {
            if pass > 0 {
                for (&k, flow) in touched.iter().zip(&saved_flows) {
                    *lock(&self.flows[k]) = flow.clone();
                }
                for (&c, (state, imports, hidden, exports, stocks, done)) in iteration.members.iter().zip(&saved_members) {
                    let mut running = lock(&self.running[c]);
                    running.component.restore(state)?;
                    (running.imports, running.hidden, running.exports) = (imports.clone(), hidden.clone(), exports.clone());
                    (running.stocks, running.done) = (stocks.clone(), *done);
                    running.integrals.forget();
                }
            }
            for (&k, values) in iteration.guessed.iter().zip(&guess) {
                self.put_guess(k, start, values)?;
            }
            let mut own = Vec::new();
            for &c in &iteration.members {
                self.step_with(c, &is_inner, &mut own)?;
            }
            let outcome = |&k: &usize| self.outcome(k);
            let outcome: Vec<Vec<Values>> = iteration.guessed.iter().map(outcome).collect::<Result<_, _>>()?;
            let (x, h) = (flatten(&guess), flatten(&outcome));
            change = relative_change(&x, &h, &weights);
            pass += 1;
            if change <= entry.tolerance || pass == entry.at_most {
                stepped.extend(own);
                break;
            }
            unflatten(&acceleration.next(&x, &h, &weights), &mut guess);
        }
        iteration.guessed.iter().for_each(|&k| self.settle(k));
        for &c in &iteration.members {
            let mut sums = Sums::default();
            let carried = self.give(c, start + length, &lock(&self.running[c]), &|k| !is_inner(k), &mut sums)?;
            sums.read()?;
            self.enter(carried, &sums)?;
        }
        let mut passes = lock(&self.passes[number]);
        passes[0] += 1;
        passes[1] += u64::from(pass);
        if change > entry.tolerance {
            passes[2] += 1;
            if entry.otherwise == Unconverged::Error {
                let names: Vec<String> =
                    iteration.members.iter().map(|&c| format!("`{}`", self.plan.components[c].name)).collect();
                return Err(RunError::NotConverged {
                    members: names.join(" and "),
                    at: Instant(self.plan.start.0 + start).label(self.plan.calendar),
                    change,
                    passes: pass,
                    tolerance: entry.tolerance,
                });
            }
        }
        Ok(())
    }

    /// What the coupling brought in the interval before; before the first one, its initial value.
    fn first_guess(&self, k: usize) -> Result<Vec<Values>, RunError> {
        let coupling = &self.plan.couplings[k];
        let flow = lock(&self.flows[k]);
        if flow.current.len() == coupling.parts.len() {
            return on_host(&flow.current);
        }
        drop(flow);
        let exports = lock(&self.running[coupling.source]).exports.clone();
        let given: Vec<FieldValues> = coupling
            .parts
            .iter()
            .map(|part| match &part.initial {
                Some(crate::plan::PlannedInitial::Values(values)) => values.clone().into(),
                _ => exports.at(part.export).cloned().unwrap_or_else(|| Values::default().into()),
            })
            .collect();
        let (way, mut sums) = (&self.ways[coupling.mapping], Sums::default());
        let arrived = way.transfer(coupling, &|| self.plan.label(coupling), &given, None, &mut sums, &mut Vec::new());
        sums.read()?;
        // A first guess that cannot be mapped is 0 everywhere; the passes tell what is wrong.
        arrived.map_or_else(|_| on_host(&given), |arrived| on_host(&arrived.values))
    }

    fn guess_weights(&self, guessed: &[usize], guess: &[Vec<Values>]) -> Vec<f64> {
        let mut weights = Vec::new();
        for (&k, parts) in guessed.iter().zip(guess) {
            let cells = &self.ways[self.plan.couplings[k].mapping].destination;
            let total: f64 = cells.areas.iter().sum();
            for values in parts {
                weights.extend((0..values.len()).map(|cell| if total > 0.0 { cells.areas[cell] / total } else { 1.0 }));
            }
        }
        weights
    }

    fn put_guess(&self, k: usize, start: i64, values: &[Values]) -> Result<(), RunError> {
        let coupling = &self.plan.couplings[k];
        let window = coupling.timing.window_taken_at(start);
        let amounts = self.amounts(k, values);
        let mut flow = lock(&self.flows[k]);
        // A guess comes from nobody: until its outcome is known all of it is a correction.
        if let Some(account) = &mut flow.account {
            account.add(Column::Corrected, &amounts);
        }
        let values = values.iter().map(|values| flow.placed(values)).collect::<Result<_, _>>()?;
        flow.queue.push_front(Waiting { window, values, amounts });
        Ok(())
    }

    fn amounts(&self, k: usize, values: &[Values]) -> Vec<knarr_kernels::global_integral::Compensated> {
        let coupling = &self.plan.couplings[k];
        let weight = coupling.reduction.taken_weight(coupling.timing.period);
        let cells = &self.ways[coupling.mapping].destination;
        times(&cells.integral(&values[0], coupling.nature == Nature::Flux), weight)
    }

    /// What a pass gave for a guessed coupling.
    fn outcome(&self, k: usize) -> Result<Vec<Values>, RunError> {
        lock(&self.flows[k]).queue.back().map_or_else(|| Ok(Vec::new()), |waiting| on_host(&waiting.values))
    }

    /// The guess was taken in the place of its outcome: what remains a correction is the difference.
    fn settle(&self, k: usize) {
        let mut flow = lock(&self.flows[k]);
        let Some(outcome) = flow.queue.pop_back() else { return };
        flow.current = outcome.values;
        if let Some(account) = &mut flow.account {
            account.add(Column::Corrected, &times(&outcome.amounts, -1.0));
        }
    }
}

fn on_host(fields: &[FieldValues]) -> Result<Vec<Values>, RunError> {
    fields.iter().map(|field| Ok(field.host()?.clone())).collect()
}

fn flatten(parts: &[Vec<Values>]) -> Vec<f64> {
    parts.iter().flatten().flat_map(|v| (0..v.len()).map(move |cell| v.get(cell).unwrap_or(0.0))).collect()
}

fn unflatten(flat: &[f64], parts: &mut [Vec<Values>]) {
    let mut rest = flat;
    for values in parts.iter_mut().flatten() {
        let (own, after) = rest.split_at(values.len());
        values.values.copy_from_slice(own);
        rest = after;
    }
}

/// |h - x| / |h| by area; the absolute change where h is 0.
fn relative_change(x: &[f64], h: &[f64], weights: &[f64]) -> f64 {
    let mut sums = [knarr_kernels::global_integral::Compensated::default(); 2];
    for ((x, h), w) in x.iter().zip(h).zip(weights) {
        sums[0].add((h - x) * (h - x) * w);
        sums[1].add(h * h * w);
    }
    let [change, size] = sums.map(|s| s.value().sqrt());
    if size > 0.0 { change / size } else { change }
}
