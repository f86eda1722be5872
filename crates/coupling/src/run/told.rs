//! What can be asked of a run on its way.

use super::coupler::{Coupler, Running, lock};
use super::flow::Flow;
use crate::ledger::COLUMNS;
use crate::{Fields, Quantity};
use std::sync::Mutex;

/// What a component cost.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ComponentCost {
    /// Its name.
    pub name: String,
    /// Steps done.
    pub steps: i64,
    /// Seconds in its steps.
    pub busy_s: f64,
    /// Seconds on what it took and gave.
    pub exchange_s: f64,
    /// Seconds that its branch of a parallel block waited for the others; told of the first component of a branch.
    pub wait_s: f64,
}

/// How often a coupling gave and took.
#[derive(Clone, Debug, serde::Serialize)]
pub struct CouplingCount {
    /// `from -> to: fields`.
    pub coupling: String,
    /// Values given.
    pub given: u64,
    /// Values taken.
    pub taken: u64,
    /// Bytes of values taken.
    pub bytes: u64,
    /// Whether its values are on a device.
    pub on_device: bool,
    /// Values that were copied between host and device on their way: when they were given, or when the taker looked at
    /// them. With 0 the exchange stayed where it was.
    pub copies: u64,
}

impl Coupler<'_> {
    /// Names of the zones: the Earth, the basins, and the rest.
    pub fn zone_name(&self, zone: usize) -> String {
        match zone.checked_sub(1) {
            None => "global".to_owned(),
            Some(basin) => self.plan.budget.basins.get(basin).map_or_else(|| "elsewhere".to_owned(), |(name, _)| name.clone()),
        }
    }

    /// Number of zones.
    pub fn zones(&self) -> usize {
        if self.plan.budget.basins.is_empty() { 1 } else { self.plan.budget.basins.len() + 2 }
    }

    /// The account of a coupling in a zone: the columns, what is in flight, the residual; `None` for states.
    pub fn account(&self, coupling: usize, zone: usize) -> Option<([f64; COLUMNS.len()], f64, f64)> {
        let flow = lock(&self.flows[coupling]);
        let in_flight = flow.in_flight();
        let account = flow.account.as_ref()?;
        Some((account.row(zone), in_flight[zone].value(), account.residual(zone, &in_flight[zone])))
    }

    /// Greatest relative residual at any interval, and greatest relative correction, of a coupling.
    pub fn worst(&self, coupling: usize) -> Option<(f64, f64)> {
        lock(&self.flows[coupling]).account.as_ref().map(|a| (a.worst, a.largest_correction))
    }

    /// For each quantity that a component holds: S(0), S(t), F(t) and what the component itself moved into a zone.
    pub fn stocks(&self, component: usize, zone: usize) -> Vec<(Quantity, [f64; 4])> {
        let running = lock(&self.running[component]);
        running.stocks.now(running.component.as_ref(), &self.cells[component], zone)
    }

    /// The exports of a component as they are now.
    pub fn exports(&self, component: usize) -> Fields {
        lock(&self.running[component]).exports.clone()
    }

    /// Seconds since the start that a component has passed.
    pub fn component_reached_s(&self, component: usize) -> i64 {
        lock(&self.running[component]).done * self.plan.components[component].step_s
    }

    /// What each component cost.
    pub fn costs(&self) -> Vec<ComponentCost> {
        let of = |(running, planned): (&Mutex<Running>, &crate::plan::PlannedComponent)| {
            let running = lock(running);
            ComponentCost {
                name: planned.name.clone(),
                steps: running.done,
                busy_s: running.busy_s,
                exchange_s: running.exchange_s,
                wait_s: running.wait_s,
            }
        };
        self.running.iter().zip(&self.plan.components).map(of).collect()
    }

    /// How often each coupling gave and took.
    pub fn counts(&self) -> Vec<CouplingCount> {
        let of = |(flow, coupling): (&Mutex<Flow>, &crate::plan::Coupling)| {
            let (flow, running) = (lock(flow), lock(&self.running[coupling.destination]));
            let cells = self.plan.mappings[coupling.mapping].destination.len() * coupling.parts.len();
            let declared = self.plan.components[coupling.destination].declaration.imports.len();
            let taken = |part: &crate::Part| match part.import.checked_sub(declared) {
                _ if coupling.share.is_some() => false,
                None => running.imports.at(part.import).is_some_and(crate::FieldValues::was_copied),
                Some(at) => running.hidden[at].as_ref().is_some_and(crate::FieldValues::was_copied),
            };
            let merged = flow.current.iter().filter(|values| values.was_copied()).count();
            let now = coupling.parts.iter().filter(|part| taken(part)).count() + merged;
            CouplingCount {
                coupling: self.plan.label(coupling),
                given: flow.given,
                taken: flow.taken,
                bytes: flow.taken * cells as u64 * 8,
                on_device: flow.is_on_device(),
                copies: flow.copies + now as u64,
            }
        };
        self.flows.iter().zip(&self.plan.couplings).map(of).collect()
    }

    /// Intervals, passes and intervals without convergence of each iteration.
    pub fn iterations(&self) -> Vec<[u64; 3]> {
        self.passes.iter().map(|p| *lock(p)).collect()
    }
}
