//! The time axis of a variable, and its bounds.

use crate::{Dataset, VariableInfo, listed_names};
use knarr_field::{Attributes, Calendar, TimeAxis, TimeUnits};

/// A time coordinate of a variable.
pub struct VariableTime {
    /// The dimension it runs along; `None` for a single time.
    pub dimension: Option<String>,
    /// The axis, or why it cannot be told as dates.
    pub axis: Result<TimeAxis, String>,
}

/// The time of a variable: the coordinate of one of its dimensions, else a coordinate it names, else nothing.
pub fn time_of(dataset: &Dataset, variable: &VariableInfo) -> Option<VariableTime> {
    let own = variable.dims.iter().map(|(name, _)| name.as_str());
    let named = listed_names(variable.attributes.text("coordinates").unwrap_or_default());
    let is_reference = |c: &VariableInfo| {
        c.attributes.text("standard_name").is_some_and(|n| n == "forecast_reference_time" || n == "forecast_period")
    };
    let candidates: Vec<&VariableInfo> = own
        .chain(named)
        .filter_map(|name| dataset.variable(name).ok())
        .filter(|c| is_time(&c.attributes) && c.dims.len() <= 1 && !is_reference(c))
        .filter(|c| c.dims.iter().all(|(dim, _)| variable.dims.iter().any(|(d, _)| d == dim)))
        .collect();
    let best = candidates.iter().find(|c| !c.dims.is_empty()).or(candidates.first())?;
    Some(VariableTime { dimension: best.dims.first().map(|(name, _)| name.clone()), axis: read(dataset, best) })
}

/// Whether the units are those of a time since a date.
pub fn is_time(attributes: &Attributes) -> bool {
    attributes.text("units").is_some_and(|u| u.contains(" since ") || u.contains(" as %Y"))
}

fn read(dataset: &Dataset, coordinate: &VariableInfo) -> Result<TimeAxis, String> {
    let calendar = Calendar::parse(coordinate.attributes.text("calendar").unwrap_or("standard")).map_err(|e| e.to_string())?;
    let units = coordinate.attributes.text("units").unwrap_or_default();
    let units = TimeUnits::parse(units, calendar).map_err(|e| e.to_string())?;
    let values = dataset.file().read(&coordinate.name).map_err(|e| e.to_string())?;
    Ok(TimeAxis { name: coordinate.name.clone(), units, values })
}
