//! Where the modelled part of the Earth ends: fields go in, and nothing comes out.

use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Fields, Import, Interval, Nature, Parameters, State,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Takes what leaves the others, so that a ledger has it on both sides.
#[derive(Debug)]
pub struct Sink {
    declaration: Declaration,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Fluxes it takes: names and units.
    imports: BTreeMap<String, String>,
}

impl Sink {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "the end of the modelled part: takes fluxes and gives nothing",
            "{kind: sink, grid: r360x180, step: P1D, parameters: {imports: {water_flux_into_sea_water_from_rivers: kg m-2 s-1}}}",
        )
    }

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
