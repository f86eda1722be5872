//! A component that hands on what it gets: what is left of a run is the coupler.

use knarr_coupling::{
    Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Interval, Parameters, State,
};

/// Hands on its import as its export; parameters are the names of both, and whether they are fluxes.
pub struct Mirror {
    declaration: Declaration,
}

impl Mirror {
    /// Its constructor.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let (import, export, is_flux): (String, String, bool) = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let (import, export) = match is_flux {
            true => (Import::flux(&import, "W m-2", &[]), Export::flux(&export, "W m-2", &[])),
            false => (Import::new(&import, "K"), Export::new(&export, "K")),
        };
        let grids = vec![DeclaredGrid { name, grid }];
        Ok(Box::new(Self { declaration: Declaration { grids, imports: vec![import], exports: vec![export] } }))
    }
}

impl Component for Mirror {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn step(&mut self, _: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let given = imports.get(&self.declaration.imports[0].name)?;
        let taken = exports.get_mut(&self.declaration.exports[0].name)?;
        taken.values.copy_from_slice(&given.values);
        taken.valid = None;
        Ok(())
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}
