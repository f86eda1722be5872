//! The solid Earth as the others see it: fields that do not change.

use super::inputs::{active_cells, static_field};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Interval, Parameters, State, Values,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Fields of files that hold for the whole run, such as relief and land fraction, on one grid.
#[derive(Debug)]
pub struct Geosphere {
    declaration: Declaration,
    fields: Vec<Values>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Exports by name.
    fields: BTreeMap<String, Entry>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// `FILE.nc:VARIABLE`.
    from: String,
    /// Units of the values.
    units: String,
    /// What stands where the file has no value.
    #[serde(default)]
    missing: Option<f64>,
    /// Least and greatest value; others are moved there.
    #[serde(default)]
    range: Option<[f64; 2]>,
}

impl Geosphere {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "relief, land fraction and other fields of files that do not change",
            r#"{kind: geosphere, grid: r360x180, step: P1D, parameters: {fields: {surface_altitude: {from: "relief.nc:height", units: m, range: [0, 9000]}}}}"#,
        )
    }

    /// Makes one from `fields`: for each `from`, `units`, and if need be `missing` and `range`. On another grid than the
    /// file's the nearest value is taken.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters, [`ComponentError::Io`] for files.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let active = active_cells(&grid);
        let (mut exports, mut fields) = (Vec::new(), Vec::new());
        for (field, entry) in settings.fields {
            let (mut values, mut valid) = static_field(context, &format!("fields.{field}"), &entry.from, &grid)?;
            for cell in 0..values.len() {
                if let (false, Some(missing)) = (valid[cell], entry.missing) {
                    (values[cell], valid[cell]) = (missing, true);
                }
                if let (true, Some([least, most])) = (valid[cell], entry.range) {
                    values[cell] = values[cell].max(least).min(most);
                }
            }
            valid.iter_mut().zip(&active).for_each(|(valid, active)| *valid &= active);
            exports.push(Export::new(&field, &entry.units));
            fields.push(Values { values, valid: valid.contains(&false).then_some(valid) });
        }
        let grids = vec![DeclaredGrid { name, grid }];
        Ok(Box::new(Self { declaration: Declaration { grids, imports: Vec::new(), exports }, fields }))
    }

    fn give(&self, exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        let mut names = Vec::new();
        for (export, values) in self.declaration.exports.iter().zip(&self.fields) {
            exports.set(&export.name, values.clone())?;
            names.push(export.name.clone());
        }
        Ok(names)
    }
}

impl Component for Geosphere {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn start(&mut self, exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        self.give(exports)
    }

    fn step(&mut self, _: &Interval, _: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        self.give(exports).map(drop)
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}
