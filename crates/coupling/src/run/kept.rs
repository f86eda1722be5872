//! The state of a run, to be kept and taken back.

use super::coupler::{Coupler, lock};
use super::flow::{get_values, put_values};
use crate::error::RunError;
use crate::{Array, State};

impl Coupler<'_> {
    /// All that the rest of the run depends on.
    ///
    /// # Errors
    /// [`RunError`] if something cannot be copied from a device.
    pub fn save(&self) -> Result<State, RunError> {
        let mut state = State::new();
        state.put("done", Array::Whole(vec![self.done as i64]));
        for (k, passes) in self.passes.iter().enumerate() {
            state.put(format!("iteration {k}"), Array::Whole(lock(passes).map(|n| n as i64).to_vec()));
        }
        for (running, planned) in self.running.iter().zip(&self.plan.components) {
            let running = lock(running);
            let name = format!("component {}", planned.name);
            state.put(format!("{name}/done"), Array::Whole(vec![running.done]));
            for i in 0..planned.import_count() {
                let declared = planned.declaration.imports.len();
                let values = if i < declared { running.imports.at(i) } else { running.hidden[i - declared].as_ref() };
                if let Some(values) = values {
                    put_values(&mut state, &format!("{name}/import {i}"), values)?;
                }
            }
            for e in 0..planned.declaration.exports.len() {
                if let Some(values) = running.exports.at(e) {
                    put_values(&mut state, &format!("{name}/export {e}"), values)?;
                }
            }
            state.absorb(&format!("{name}/state"), running.component.save()?);
            state.absorb(&format!("{name}/stocks"), running.stocks.save());
        }
        for (k, flow) in self.flows.iter().enumerate() {
            state.absorb(&format!("coupling {k}"), lock(flow).save()?);
        }
        Ok(state)
    }

    /// Takes back what [`Coupler::save`] of the same plan gave.
    ///
    /// # Errors
    /// [`RunError::State`] if something is missing.
    pub fn restore(&mut self, state: &State) -> Result<(), RunError> {
        let mut done = [0];
        state.copy_whole("done", &mut done)?;
        self.done = done[0] as u64;
        for (k, passes) in self.passes.iter().enumerate() {
            let mut kept = [0; 3];
            state.copy_whole(&format!("iteration {k}"), &mut kept)?;
            *lock(passes) = kept.map(|n| n as u64);
        }
        for (running, planned) in self.running.iter().zip(&self.plan.components) {
            let mut running = lock(running);
            let own = state.under(&format!("component {}", planned.name));
            let mut done = [0];
            own.copy_whole("done", &mut done)?;
            running.done = done[0];
            for i in 0..planned.import_count() {
                let declared = planned.declaration.imports.len();
                let name = format!("import {i}");
                let there = own.find(&format!("{name}/values")).is_some();
                let values = there.then(|| get_values(&own, &name, &self.device)).transpose()?;
                if i < declared { *running.imports.slot(i) = values } else { running.hidden[i - declared] = values }
            }
            for e in 0..planned.declaration.exports.len() {
                *running.exports.slot(e) = Some(get_values(&own, &format!("export {e}"), &self.device)?);
            }
            running.component.restore(&own.under("state"))?;
            running.stocks.restore(&own.under("stocks"))?;
            running.integrals.forget();
        }
        for (k, flow) in self.flows.iter().enumerate() {
            lock(flow).restore(&state.under(&format!("coupling {k}")))?;
        }
        Ok(())
    }
}
