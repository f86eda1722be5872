//! A replayed data set: fields of a NetCDF file, interpolated in time.

mod moment;
mod series;
#[cfg(test)]
mod tests;

use super::inputs::{active_cells, masked, same_centers};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Interval, Parameters, Period, State,
    Statistic,
};
use knarr_grid::{Grid, Mask};
use moment::{Beyond, Timing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use series::Series;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A replayed data set.
///
/// States are given at the end of the step, with `coszen` means over it. Nothing is kept between steps but what is read:
/// a step depends on its time alone.
#[derive(Debug)]
pub struct Stream {
    declaration: Declaration,
    fields: Vec<Series>,
    active: Vec<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The file.
    file: PathBuf,
    /// How values between its times are made.
    #[serde(default)]
    time: Timing,
    /// What holds before its first and after its last time.
    #[serde(default)]
    beyond: Beyond,
    /// After which time it begins again, for `beyond: cycle`: a year unless said.
    #[serde(default)]
    cycle: Option<String>,
    /// What becomes of cells without a value.
    #[serde(default)]
    missing: Missing,
    /// Exports: their names, and the variables of the file.
    fields: BTreeMap<String, FieldEntry>,
}

/// What becomes of cells without a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Missing {
    /// They are missing, and those that never have one take no part.
    #[default]
    Keep,
    /// They take the value of the nearest cell that has one.
    Nearest,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum FieldEntry {
    Name(String),
    Entry(Entry),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Variable of the file.
    variable: String,
    /// Units, where the file has none or wrong ones.
    #[serde(default)]
    units: Option<String>,
    /// How values between times are made, where not as the others.
    #[serde(default)]
    time: Option<Timing>,
}

impl Stream {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "a replayed data set: fields of a NetCDF file, interpolated in time",
            "{kind: stream, step: P1D, parameters: {file: air.nc, time: linear, beyond: cycle, fields: {air_temperature: AIRT}}}",
        )
    }

    /// Makes one from `file`, `fields`, `time`, `beyond`, `cycle`, `missing`.
    ///
    /// The grid is that of the file; a grid that the experiment gives has to have the same cells.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters, [`ComponentError::Io`] for the file.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        if settings.fields.is_empty() {
            return Err(wrong("fields", "found none, expected one such as `air_temperature: AIRT`"));
        }
        let path = context.path(&settings.file);
        let cycle = match &settings.cycle {
            Some(text) => Period::parse(text).map_err(|problem| wrong("cycle", problem))?,
            None => Period { months: 12, seconds: 0 },
        };
        let mut fields = Vec::new();
        for (name, entry) in &settings.fields {
            let entry = match entry {
                FieldEntry::Name(variable) => Entry { variable: variable.clone(), units: None, time: None },
                FieldEntry::Entry(e) => Entry { variable: e.variable.clone(), units: e.units.clone(), time: e.time },
            };
            let timing = entry.time.unwrap_or(settings.time);
            let rules = moment::Rules { timing, beyond: settings.beyond, cycle, calendar: context.calendar };
            let fill = settings.missing == Missing::Nearest;
            fields.push((name.clone(), entry.units, Series::open(&path, &entry.variable, rules, fill)?));
        }
        let grid = Self::grid(context, settings.missing, &mut fields)?;
        let active = active_cells(&grid.grid);
        let mut exports = Vec::new();
        for (name, units, series) in &fields {
            let units = units.clone().or_else(|| series.units.clone());
            let unitless = || wrong(&format!("fields.{name}"), "the file says no units; add `units: ...`");
            let standard = series.standard_name.as_deref().unwrap_or(name);
            let statistic = if series.is_mean() { Statistic::Mean } else { Statistic::Point };
            exports.push(Export { statistic, ..Export::new(standard, &units.ok_or_else(unitless)?).named(name) });
        }
        let declaration = Declaration { grids: vec![grid], imports: Vec::new(), exports };
        let fields = fields.into_iter().map(|(.., series)| series).collect();
        Ok(Box::new(Self { declaration, fields, active }))
    }

    /// The grid of the file, without cells that never have a value where those stay missing.
    fn grid(
        context: &Context,
        missing: Missing,
        fields: &mut [(String, Option<String>, Series)],
    ) -> Result<DeclaredGrid, ComponentError> {
        let file_grid = fields[0].2.grid.clone();
        for (name, _, series) in fields.iter() {
            if !same_centers(&series.grid, &file_grid) {
                let problem = format!("it is on another grid than `{}`; a stream has one", fields[0].0);
                return Err(wrong(&format!("fields.{name}"), problem));
            }
        }
        let (name, mut grid) = match &context.grid {
            None => (context.name.clone(), file_grid),
            Some((name, given)) if same_centers(given, &file_grid) => (name.clone(), given.clone()),
            Some((name, given)) => {
                let problem = format!(
                    "`{name}` has {} cells, the file {} elsewhere; leave `grid` out, exchanges regrid",
                    given.len(),
                    file_grid.len()
                );
                return Err(wrong("grid", problem));
            }
        };
        if missing == Missing::Keep {
            let mut valid = vec![true; grid.len()];
            for (.., series) in fields.iter_mut() {
                valid.iter_mut().zip(series.ever_valid()?).for_each(|(all, one)| *all &= one);
            }
            grid = Arc::new(Grid::clone(&grid).masked_by(&Mask::from_active(valid)));
        }
        Ok(DeclaredGrid { name, grid })
    }
}

fn wrong(parameter: &str, problem: impl Into<String>) -> ComponentError {
    ComponentError::Parameter { parameter: parameter.to_owned(), problem: problem.into() }
}

impl Component for Stream {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn step(&mut self, interval: &Interval, _: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        for (field, export) in self.fields.iter_mut().zip(&self.declaration.exports) {
            let mut values = field.over(interval)?;
            values = match values.valid {
                None => masked(values.values, &self.active),
                some => crate::Values { valid: some, ..values },
            };
            exports.set(&export.name, values)?;
        }
        Ok(())
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}
