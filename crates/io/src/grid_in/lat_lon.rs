//! One-dimensional longitude and latitude axes.

use super::context::{Context, Found, degrees_or_nan};
use super::coordinates::{Pair, bounds_of, note_valid_range};
use crate::IoError;
use crate::nc::Variable;
use knarr_grid::{Axis, Grid};

pub(super) fn read(context: &Context<'_>, pair: &Pair<'_>, notes: &mut Vec<String>) -> Result<Found, IoError> {
    let mut variables = vec![pair.lon.name.clone(), pair.lat.name.clone()];
    let lon = read_axis(context, pair.lon, notes, &mut variables)?;
    let lat = read_axis(context, pair.lat, notes, &mut variables)?;
    let what = format!("axes `{}` and `{}`", pair.lon.name, pair.lat.name);
    let mut grid = Grid::lat_lon(&lon, &lat).map_err(context.bad_grid(what))?;
    grid.report.recognised_by = format!("axes `{}` and `{}`, found by {}", pair.lon.name, pair.lat.name, pair.how);
    if let Some(mapping) = context.attributes.text("grid_mapping").and_then(|name| context.find(name.trim()))
        && mapping.attributes.text("grid_mapping_name") == Some("latitude_longitude")
    {
        variables.push(mapping.name.clone());
        if mapping.attributes.number("inverse_flattening").is_some_and(|f| f > 0.0) {
            notes.push(format!("`{}` describes an ellipsoid; latitudes are taken on a sphere", mapping.name));
        }
    }
    Ok(Found { grid, dims: vec![pair.lat.dims[0].name.clone(), pair.lon.dims[0].name.clone()], variables })
}

/// Centers and, where the file has two for each, bounds of an axis.
pub(super) fn read_axis(
    context: &Context<'_>,
    variable: &Variable,
    notes: &mut Vec<String>,
    variables: &mut Vec<String>,
) -> Result<Axis, IoError> {
    let centers = degrees_or_nan(context.file, variable, None)?;
    note_valid_range(variable, centers.iter().copied(), notes);
    let mut bounds = None;
    if let Some(given) = bounds_of(context, variable, notes) {
        variables.push(given.variable.name.clone());
        let values = given.values(context)?;
        if given.width != 2 || values.iter().any(|v| v.is_nan()) {
            notes.push(format!("bounds `{}` of an axis need two numbers for each value and are left out", given.variable.name));
        } else {
            notes.push(format!("bounds of `{}` taken from `{}`", variable.name, given.variable.name));
            bounds = Some(values.chunks_exact(2).map(|b| [b[0], b[1]]).collect());
        }
    }
    Ok(Axis { centers, bounds })
}
