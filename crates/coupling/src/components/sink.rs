//! Where the modelled part of the Earth ends: fields go in, and nothing comes out.

use crate::{Component, ComponentError, Context, Declaration, DeclaredGrid, Fields, Import, Interval, Nature, Parameters, State};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Takes what leaves the others, so that a ledger has it on both sides.
#[derive(Debug)]
pub struct Sink {
    declaration: Declaration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Fluxes it takes: names and units.
    imports: BTreeMap<String, String>,
}

impl Sink {
    /// Makes one from `imports`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let import = |(name, units): (String, String)| Import { nature: Nature::Flux, ..Import::new(&name, &units) };
        let imports = settings.imports.into_iter().map(import).collect();
        let grids = vec![DeclaredGrid { name, grid }];
        Ok(Box::new(Self { declaration: Declaration { grids, imports, exports: Vec::new() } }))
    }
}

impl Component for Sink {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn step(&mut self, _: &Interval, _: &Fields, _: &mut Fields) -> Result<(), ComponentError> {
        Ok(())
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}
