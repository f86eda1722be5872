//! One step of a component: what comes to it, the step, what goes from it, and the account of both.

use super::coupler::{Coupler, Running, lock};
use super::flow::Carried;
use super::merge::merge;
use super::stocks::Integrals;
use crate::error::RunError;
use crate::plan::Coupling;
use crate::sums::{Asked, Sums};
use crate::{Fields, Instant, Interval, Nature, Values};
use std::sync::Arc;

/// What a step took from a coupling; the ledger does not know of it yet.
pub(super) struct Took {
    coupling: usize,
    window: i64,
    /// Where there is an account, the integral of what came, and the import whose integral it is too.
    integral: Option<Asked>,
    import: Option<usize>,
}

/// Some of the couplings.
pub(super) type Which<'w> = &'w dyn Fn(&Coupling) -> bool;

impl Coupler<'_> {
    /// One step of a component: takes, steps, gives. Nothing happens beyond the end of the run.
    pub(super) fn step(&self, c: usize, stepped: &mut Vec<usize>) -> Result<(), RunError> {
        self.step_with(c, &|_| true, stepped)
    }

    /// A step that takes and gives by the couplings `which` alone.
    pub(super) fn step_with(&self, c: usize, which: Which, stepped: &mut Vec<usize>) -> Result<(), RunError> {
        let planned = &self.plan.components[c];
        let mut running = lock(&self.running[c]);
        let start = running.done * planned.step_s;
        if start + planned.step_s > self.plan.length_s() {
            return Ok(());
        }
        let clock = std::time::Instant::now();
        let _at_work = self.activity.begin(c, start);
        let mut sums = Sums::default();
        let took = self.take(c, start, &mut running, which, &mut sums)?;
        let taken = clock.elapsed();
        let at = |s: i64| Instant(self.plan.start.0 + s);
        let interval = Interval { start: at(start), end: at(start + planned.step_s), calendar: self.plan.calendar };
        let Running { component, imports, exports, .. } = &mut *running;
        component.step(&interval, imports, exports).map_err(|source| RunError::Component {
            component: planned.name.clone(),
            at: interval.start.label(self.plan.calendar),
            source: Box::new(source),
        })?;
        let busy = clock.elapsed() - taken;
        running.done += 1;
        // First all that happens to fields, then in one copy the sums of it, then the ledger.
        let end = start + planned.step_s;
        let Running { stocks, imports, exports, integrals, .. } = &mut *running;
        integrals.given.fill(None);
        let finite = self.ask_finite(c, end, exports, &mut sums)?;
        let on_their_way = took.iter().filter(|took| took.integral.is_some()).filter_map(|took| took.import);
        stocks.ask(planned, &self.cells[c], (imports, exports), integrals, on_their_way, &mut sums)?;
        self.ask_given(c, exports, integrals, &mut sums)?;
        let carried = self.give(c, end, &running, which, &mut sums)?;
        sums.read()?;
        self.check_finite(c, end, &running.exports, &finite, &sums)?;
        self.receive(&mut running, took, &sums)?;
        let Running { component, stocks, integrals, .. } = &mut *running;
        integrals.resolve(&sums);
        stocks.step(planned, component.as_ref(), &self.cells[c], integrals, planned.step_s as f64);
        self.enter(carried, &sums)?;
        let total = clock.elapsed();
        running.busy_s += busy.as_secs_f64();
        running.exchange_s += (total - busy).as_secs_f64();
        stepped.push(c);
        Ok(())
    }

    /// Brings to a step that begins at `start` what the couplings `which` have for it. [`Coupler::receive`] follows, once
    /// `sums` are read.
    pub(super) fn take(
        &self,
        c: usize,
        start: i64,
        running: &mut Running,
        which: Which,
        sums: &mut Sums,
    ) -> Result<Vec<Took>, RunError> {
        let mut took = Vec::new();
        let planned = &self.plan.components[c];
        let declared = planned.declaration.imports.len();
        let mut merged: Vec<usize> = Vec::new();
        for &k in &self.incoming[c] {
            let coupling = &self.plan.couplings[k];
            if !coupling.timing.is_taken_at(start) || !which(coupling) {
                continue;
            }
            let window = coupling.timing.window_taken_at(start);
            let mut flow = lock(&self.flows[k]);
            let label = |s: i64| Instant(self.plan.start.0 + s).label(self.plan.calendar);
            let taken = flow.take(coupling, &self.ways[coupling.mapping], window, sums)?.ok_or_else(|| RunError::NotGiven {
                coupling: self.plan.label(coupling),
                at: label(start),
                window: label(window),
            })?;
            took.push(Took { coupling: k, window, integral: taken.integral, import: None });
            if coupling.share.is_some() {
                merged.extend(coupling.parts.iter().map(|p| p.import));
                for before in std::mem::replace(&mut flow.current, taken.values) {
                    flow.retire(Some(before));
                }
                continue;
            }
            for (part, values) in coupling.parts.iter().zip(taken.values) {
                let before = match part.import.checked_sub(declared) {
                    None => {
                        let import = &planned.declaration.imports[part.import];
                        // Amounts of one side can be states of the other: their integrals are not the same.
                        let is_same = import.nature == coupling.nature
                            && Arc::ptr_eq(&self.cells[c][import.grid], &self.ways[coupling.mapping].destination);
                        running.integrals.taken[part.import] = None;
                        if let Some(took) = took.last_mut().filter(|_| is_same) {
                            took.import = Some(part.import);
                        }
                        running.imports.slot(part.import).replace(values)
                    }
                    Some(at) => running.hidden[at].replace(values),
                };
                flow.retire(before);
            }
        }
        merged.sort_unstable();
        merged.dedup();
        // Where other couplings of the field come later, so does the merge.
        merged.retain(|&import| {
            let feeds = |k: &&usize| self.plan.couplings[**k].parts.iter().any(|p| p.import == import);
            self.incoming[c].iter().filter(feeds).all(|&k| !lock(&self.flows[k]).current.is_empty())
        });
        for import in merged {
            let values = self.merged(c, import, start, running)?;
            running.integrals.taken[import] = None;
            *running.imports.slot(import) = Some(values.into());
        }
        Ok(took)
    }

    /// Writes into the ledger what a step took, and sees that it closes, once `sums` are read.
    pub(super) fn receive(&self, running: &mut Running, took: Vec<Took>, sums: &Sums) -> Result<(), RunError> {
        for Took { coupling: k, window, integral, import } in took {
            let mut flow = lock(&self.flows[k]);
            let integral = integral.map(|integral| sums.of(&integral));
            if let Some(integral) = &integral {
                flow.receive(&self.plan.couplings[k], integral);
            }
            if let Some(import) = import {
                running.integrals.taken[import] = integral.map(Asked::Known);
            }
            self.check_ledger(k, &mut flow, window)?;
        }
        Ok(())
    }

    fn merged(&self, c: usize, import: usize, start: i64, running: &Running) -> Result<Values, RunError> {
        let planned = &self.plan.components[c];
        let declared = planned.declaration.imports.len();
        let mut parts = Vec::new();
        for &k in &self.incoming[c] {
            let coupling = &self.plan.couplings[k];
            let (Some(part), Some(share)) = (coupling.parts.iter().position(|p| p.import == import), coupling.share) else {
                continue;
            };
            let flow = lock(&self.flows[k]);
            let shares = match share.checked_sub(declared) {
                None => running.imports.at(share).cloned(),
                Some(at) => running.hidden[at].clone(),
            };
            if let (Some(values), Some(shares)) = (flow.current.get(part), shares) {
                // The handle of the flow tells that its value was copied.
                values.host()?;
                parts.push((values.clone(), shares));
            }
        }
        let mut pairs: Vec<(&Values, &Values)> = Vec::new();
        for (values, shares) in &parts {
            pairs.push((values.host()?, shares.host()?));
        }
        let cells = &self.cells[c][planned.import(import).grid];
        merge(&pairs, |cell| cells.is_active(cell)).map_err(|(cell, sum)| RunError::Shares {
            component: planned.name.clone(),
            at: Instant(self.plan.start.0 + start).label(self.plan.calendar),
            field: planned.import(import).name.clone(),
            cell,
            sum,
        })
    }

    /// Hands the exports of a step that ended at `end` to the couplings `which`. [`Coupler::enter`] follows, once `sums` are
    /// read.
    pub(super) fn give(
        &self,
        c: usize,
        end: i64,
        running: &Running,
        which: Which,
        sums: &mut Sums,
    ) -> Result<Vec<(usize, Carried)>, RunError> {
        let mut carried = Vec::new();
        for &k in &self.outgoing[c] {
            let coupling = &self.plan.couplings[k];
            if !which(coupling) {
                continue;
            }
            let way = &self.ways[coupling.mapping];
            let integral = &running.integrals.given[coupling.parts[0].export];
            let integral = integral.as_ref().filter(|_| self.gives_over_own_cells(coupling));
            let mut flow = lock(&self.flows[k]);
            let label = || self.plan.label(coupling);
            carried.push((k, flow.give(coupling, way, &running.exports, integral, end, &label, sums)?));
        }
        Ok(carried)
    }

    /// Writes into the ledger what a step gave, once `sums` are read.
    pub(super) fn enter(&self, carried: Vec<(usize, Carried)>, sums: &Sums) -> Result<(), RunError> {
        for (k, carried) in carried {
            let coupling = &self.plan.couplings[k];
            lock(&self.flows[k]).enter(coupling, &self.ways[coupling.mapping], carried, sums)?;
        }
        Ok(())
    }

    /// Asks for the integrals of exports that several couplings may emit.
    fn ask_given(&self, c: usize, exports: &Fields, integrals: &mut Integrals, sums: &mut Sums) -> Result<(), RunError> {
        for &k in &self.outgoing[c] {
            let coupling = &self.plan.couplings[k];
            let export = coupling.parts[0].export;
            let given = &mut integrals.given[export];
            if let (Some(values), true, None) =
                (exports.at(export), coupling.has_account() && self.gives_over_own_cells(coupling), &given)
            {
                let cells = &self.ways[coupling.mapping].source;
                *given = Some(sums.integral(cells, values, coupling.nature == Nature::Flux)?);
            }
        }
        Ok(())
    }

    /// Whether the cells that a coupling starts from are those of its export.
    fn gives_over_own_cells(&self, coupling: &Coupling) -> bool {
        let declared = &self.plan.components[coupling.source].declaration.exports[coupling.parts[0].export];
        Arc::ptr_eq(&self.cells[coupling.source][declared.grid], &self.ways[coupling.mapping].source)
    }
}
