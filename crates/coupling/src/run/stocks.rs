//! Stocks of components against the fluxes they took and gave.

use crate::error::RunError;
use crate::ledger::{Cells, flat, from_flat, times};
use crate::plan::PlannedComponent;
use crate::sums::{Asked, Sums};
use crate::{Array, Component, ComponentError, Effect, Fields, Nature, Quantity, State, Stock, Values};
use knarr_kernels::global_integral::Compensated;
use std::sync::Arc;

/// Integrals of a component's fields as they are, where they were needed.
#[derive(Clone, Debug)]
pub(crate) struct Integrals {
    /// Of imports, until they change.
    pub taken: Vec<Option<Asked>>,
    /// Of exports, until the next step.
    pub given: Vec<Option<Asked>>,
}

impl Integrals {
    /// None known.
    pub fn new(planned: &PlannedComponent) -> Self {
        Self { taken: vec![None; planned.declaration.imports.len()], given: vec![None; planned.declaration.exports.len()] }
    }

    /// Sums are read: all are known now.
    pub fn resolve(&mut self, sums: &Sums) {
        for asked in self.taken.iter_mut().chain(&mut self.given).flatten() {
            *asked = Asked::Known(sums.of(asked));
        }
    }

    /// Fields are others now.
    pub fn forget(&mut self) {
        self.taken.fill(None);
        self.given.fill(None);
    }
}

/// One component's stocks, in kg or J over the whole Earth and each basin.
#[derive(Clone, Debug)]
pub(crate) struct Stocks {
    quantities: Vec<Quantity>,
    /// S(0); `None` where the component holds none.
    first: Vec<Option<Vec<Compensated>>>,
    /// F(t).
    fluxes: Vec<Vec<Compensated>>,
    /// What the component itself carried from zone to zone.
    moved: Vec<Vec<Compensated>>,
}

impl Stocks {
    pub fn new(quantities: &[Quantity], component: &dyn Component, cells: &[Arc<Cells>]) -> Self {
        let first = quantities.iter().map(|&q| stock(component, q, cells)).collect();
        let zones = cells.first().map_or(1, |c| c.zones);
        let fluxes = vec![vec![Compensated::default(); zones]; quantities.len()];
        Self { quantities: quantities.to_vec(), first, moved: fluxes.clone(), fluxes }
    }

    /// Asks for the integrals of fields that change stocks, where they are not known or asked for: of imports `on_their_way`
    /// they come with what the ledger is told. Those of exports are noted: couplings need them too.
    pub fn ask(
        &self,
        planned: &PlannedComponent,
        cells: &[Arc<Cells>],
        (imports, exports): (&Fields, &Fields),
        known: &mut Integrals,
        on_their_way: impl Iterator<Item = usize>,
        sums: &mut Sums,
    ) -> Result<(), RunError> {
        let on_their_way: Vec<usize> = on_their_way.collect();
        let is_wanted = |effects: &[Effect]| effects.iter().any(|effect| self.quantities.contains(&effect.quantity));
        for (k, import) in planned.declaration.imports.iter().enumerate() {
            let unknown = known.taken[k].is_none() && !on_their_way.contains(&k);
            if let (Some(values), true) = (imports.at(k), unknown && is_wanted(&import.effects)) {
                known.taken[k] = Some(sums.integral(&cells[import.grid], values, import.nature != Nature::Amount)?);
            }
        }
        for (k, export) in planned.declaration.exports.iter().enumerate() {
            if let (Some(values), true) = (exports.at(k), known.given[k].is_none() && is_wanted(&export.effects)) {
                known.given[k] = Some(sums.integral(&cells[export.grid], values, export.nature != Nature::Amount)?);
            }
        }
        Ok(())
    }

    /// Adds what a step of `dt` seconds took and gave by the integrals that [`Stocks::ask`] asked for, and what it carried
    /// from cell to cell.
    pub fn step(
        &mut self,
        planned: &PlannedComponent,
        component: &dyn Component,
        cells: &[Arc<Cells>],
        known: &Integrals,
        dt: f64,
    ) {
        if self.quantities.is_empty() {
            return;
        }
        for (&quantity, sums) in self.quantities.iter().zip(&mut self.moved) {
            for amounts in component.transport(quantity).into_iter().filter_map(|carried| integral(carried, cells)) {
                sums.iter_mut().zip(&amounts).for_each(|(sum, amount)| sum.merge(amount));
            }
        }
        let imported = planned.declaration.imports.iter().map(|import| &import.effects).zip(&known.taken);
        let exported = planned.declaration.exports.iter().map(|export| &export.effects).zip(&known.given);
        for (effects, known) in imported.chain(exported) {
            let Some(Asked::Known(integral)) = known else { continue };
            for effect in effects {
                let Some(at) = self.quantities.iter().position(|q| *q == effect.quantity) else { continue };
                let amounts = times(integral, effect.per_unit * dt);
                self.fluxes[at].iter_mut().zip(&amounts).for_each(|(sum, amount)| sum.merge(amount));
            }
        }
    }

    /// For each quantity that the component holds: S(0), S(t), F(t) and what it moved into a zone.
    pub fn now(&self, component: &dyn Component, cells: &[Arc<Cells>], zone: usize) -> Vec<(Quantity, [f64; 4])> {
        let mut rows = Vec::new();
        for (k, &quantity) in self.quantities.iter().enumerate() {
            let (Some(first), Some(now)) = (&self.first[k], stock(component, quantity, cells)) else { continue };
            let values = [&first[zone], &now[zone], &self.fluxes[k][zone], &self.moved[k][zone]];
            rows.push((quantity, values.map(Compensated::value)));
        }
        rows
    }

    pub fn save(&self) -> State {
        let mut state = State::new();
        for (k, quantity) in self.quantities.iter().enumerate() {
            if let Some(first) = &self.first[k] {
                state.put(format!("{quantity}/first"), Array::Real(flat(first)));
            }
            state.put(format!("{quantity}/fluxes"), Array::Real(flat(&self.fluxes[k])));
            state.put(format!("{quantity}/moved"), Array::Real(flat(&self.moved[k])));
        }
        state
    }

    pub fn restore(&mut self, state: &State) -> Result<(), ComponentError> {
        for (k, quantity) in self.quantities.iter().enumerate() {
            let name = format!("{quantity}/first");
            self.first[k] = state.find(&name).is_some().then(|| state.real(&name)).transpose()?.map(from_flat);
            self.fluxes[k] = from_flat(state.real(&format!("{quantity}/fluxes"))?);
            self.moved[k] = from_flat(state.real(&format!("{quantity}/moved"))?);
        }
        Ok(())
    }
}

fn stock(component: &dyn Component, quantity: Quantity, cells: &[Arc<Cells>]) -> Option<Vec<Compensated>> {
    integral(component.stock(quantity)?, cells)
}

fn integral(stock: Stock, cells: &[Arc<Cells>]) -> Option<Vec<Compensated>> {
    Some(cells.get(stock.grid)?.integral(&Values::new(stock.per_area), true))
}
