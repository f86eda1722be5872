//! What lagged fields and first guesses begin with.

use super::PlannedInitial;
use super::build::Builder;
use crate::Values;
use crate::document::{Place, Placed};
use crate::experiment::{ExchangeEntry, Initial, InitialEntry};
use crate::findings::Finding;
use knarr_field::units::{Linear, Units};
use std::sync::Arc;

impl Builder<'_> {
    /// What the first guess of an iteration is: as given, else what the component gives before its first step.
    pub(super) fn initial_of_guess(
        &mut self,
        entry: &Placed<ExchangeEntry>,
        place: Place,
        giver: (usize, usize),
    ) -> Option<PlannedInitial> {
        if entry.initial.is_none() {
            return Some(PlannedInitial::Component);
        }
        self.initial(entry, place, giver)
    }

    pub(super) fn initial(
        &mut self,
        entry: &Placed<ExchangeEntry>,
        place: Place,
        (source, export): (usize, usize),
    ) -> Option<PlannedInitial> {
        let given = self.components[source].declaration.exports[export].clone();
        let found = entry.initial.as_ref().and_then(|initial| match &initial.value {
            InitialEntry::One(one) => Some((initial.place, one.clone())),
            InitialEntry::Each(each) => each.find(&given.name).map(|one| (one.place, one.value.clone())),
        });
        let Some((place, initial)) = found else {
            let lag = entry.lag.as_ref().map(|l| l.value.clone()).unwrap_or_default();
            let message = format!("`{}` is taken {lag} after it is given, but nothing says what is taken at first", given.name);
            let hint =
                format!("add `initial: component`, a value such as `initial: 0 {}`, or `initial: FILE.nc:VARIABLE`", given.units);
            self.findings.add(Finding::error("initial", place, message).hint(hint));
            return None;
        };
        let grid = Arc::clone(&self.components[source].declaration.grids[given.grid].grid);
        match initial {
            Initial::Component => Some(PlannedInitial::Component),
            Initial::Value(text) => match quantity(&text, &given.units) {
                Ok(value) => Some(PlannedInitial::Values(Values::constant(grid.len(), value))),
                Err(problem) => {
                    let hint = format!("write a number, with units that can become {}", given.units);
                    self.findings.add(Finding::error("initial", place, format!("`{}`: {problem}", given.name)).hint(hint));
                    None
                }
            },
            Initial::File(path, variable) => match super::grids::first_values(&self.folder.join(&path), &variable, &grid) {
                Ok(values) => Some(PlannedInitial::Values(values)),
                Err(error) => {
                    let hint = super::grids::near_files(&self.folder.join(&path));
                    self.findings.add(Finding::error("initial", place, format!("`{}`: {error}", given.name)).hint(hint));
                    None
                }
            },
        }
    }
}

/// A number in `units`, as `280 K` or without units.
fn quantity(text: &str, units: &str) -> Result<f64, String> {
    let text = text.trim();
    if let Ok(value) = text.parse::<f64>() {
        return Ok(value);
    }
    let (number, own) = text.split_once(' ').ok_or_else(|| format!("`{text}` is no number with units"))?;
    let number: f64 = number.parse().map_err(|_| format!("`{text}` is no number with units"))?;
    let conversion: Linear =
        Units::parse(own).and_then(|own| own.to(&Units::parse(units)?)).map_err(|_| format!("`{text}` cannot become {units}"))?;
    Ok(conversion.apply(number))
}
