//! Two-dimensional longitudes and latitudes.

use super::context::{Context, Found, degrees_or_nan, lon_lats, uniform_corners};
use super::coordinates::{Pair, bounds_of, note_valid_range};
use crate::IoError;
use knarr_grid::{CornerLists, Grid};

pub(super) fn read(context: &Context<'_>, pair: &Pair<'_>, notes: &mut Vec<String>) -> Result<Found, IoError> {
    let lons = degrees_or_nan(context.file, pair.lon, None)?;
    let lats = degrees_or_nan(context.file, pair.lat, None)?;
    note_valid_range(pair.lon, &lons, notes);
    note_valid_range(pair.lat, &lats, notes);
    let mut variables = vec![pair.lon.name.clone(), pair.lat.name.clone()];
    let corners = read_corners(context, pair, 4, notes, &mut variables)?;
    let shape = [pair.lon.dims[0].len, pair.lon.dims[1].len];
    let what = format!("coordinates `{}` and `{}`", pair.lon.name, pair.lat.name);
    let mut grid = Grid::curvilinear(shape, lon_lats(lons, lats), corners).map_err(context.bad_grid(what))?;
    grid.report.recognised_by = format!("two-dimensional `{}` and `{}`, found by {}", pair.lon.name, pair.lat.name, pair.how);
    let dims = pair.lon.dims.iter().map(|d| d.name.clone()).collect();
    Ok(Found { grid, dims, variables })
}

/// Corners from the bounds of both coordinates, at least `least` for each cell.
pub(super) fn read_corners(
    context: &Context<'_>,
    pair: &Pair<'_>,
    least: usize,
    notes: &mut Vec<String>,
    variables: &mut Vec<String>,
) -> Result<Option<CornerLists>, IoError> {
    let lon = bounds_of(context, pair.lon, notes)?;
    let lat = bounds_of(context, pair.lat, notes)?;
    variables.extend([&lon, &lat].into_iter().flatten().map(|b| b.variable.name.clone()));
    let (Some(lon), Some(lat)) = (lon, lat) else { return Ok(None) };
    if lon.width != lat.width || lon.width < least {
        notes.push(format!(
            "bounds `{}` and `{}` have {} and {} values a cell, expected {least} or more: they are left out",
            lon.variable.name, lat.variable.name, lon.width, lat.width
        ));
        return Ok(None);
    }
    Ok(Some(uniform_corners(lon.values, lat.values, lon.width)))
}
