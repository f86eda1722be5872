//! Two-dimensional longitudes and latitudes.

use super::context::{Context, Found, degrees_or_nan, lon_lats, uniform_corners};
use super::coordinates::{Bounds, Pair, bounds_of, note_valid_range};
use crate::IoError;
use knarr_grid::{CornerLists, Detail, Grid, Mask};

pub(super) fn read(context: &Context<'_>, pair: &Pair<'_>, notes: &mut Vec<String>) -> Result<Found, IoError> {
    let lons = degrees_or_nan(context.file, pair.lon, None)?;
    let lats = degrees_or_nan(context.file, pair.lat, None)?;
    note_valid_range(pair.lon, &lons, notes);
    note_valid_range(pair.lat, &lats, notes);
    let mut variables = vec![pair.lon.name.clone(), pair.lat.name.clone()];
    let bounds = corner_bounds(context, pair, 4, notes, &mut variables);
    let shape = [pair.lon.dims[0].len, pair.lon.dims[1].len];
    let what = format!("coordinates `{}` and `{}`", pair.lon.name, pair.lat.name);
    let centers = lon_lats(lons, lats);
    let grid = match (context.detail.in_rows(shape), bounds) {
        (Detail::Centers | Detail::Neighbours, bounds) => {
            Grid::curvilinear_by_centers(shape, centers, bounds.is_some(), &Mask::ALL)
        }
        (Detail::Cells, Some(bounds)) => Grid::curvilinear(shape, centers, Some(bounds.corners(context)?)),
        (Detail::Cells, None) => Grid::curvilinear(shape, centers, None),
    };
    let mut grid = grid.map_err(context.bad_grid(what))?;
    grid.report.recognised_by = format!("two-dimensional `{}` and `{}`, found by {}", pair.lon.name, pair.lat.name, pair.how);
    let dims = pair.lon.dims.iter().map(|d| d.name.clone()).collect();
    Ok(Found { grid, dims, variables })
}

/// Bounds of longitudes and latitudes that are corners of cells.
pub(super) struct CornerBounds<'a> {
    lon: Bounds<'a>,
    lat: Bounds<'a>,
}

impl CornerBounds<'_> {
    /// The corners.
    pub fn corners(&self, context: &Context<'_>) -> Result<CornerLists, IoError> {
        Ok(uniform_corners(self.lon.values(context)?, self.lat.values(context)?, self.lon.width))
    }
}

/// The bounds of both coordinates, if they have at least `least` corners for each cell.
pub(super) fn corner_bounds<'a>(
    context: &Context<'a>,
    pair: &Pair<'a>,
    least: usize,
    notes: &mut Vec<String>,
    variables: &mut Vec<String>,
) -> Option<CornerBounds<'a>> {
    let lon = bounds_of(context, pair.lon, notes);
    let lat = bounds_of(context, pair.lat, notes);
    variables.extend([&lon, &lat].into_iter().flatten().map(|b| b.variable.name.clone()));
    let (lon, lat) = (lon?, lat?);
    if lon.width != lat.width || lon.width < least {
        notes.push(format!(
            "bounds `{}` and `{}` have {} and {} values a cell, expected {least} or more: they are left out",
            lon.variable.name, lat.variable.name, lon.width, lat.width
        ));
        return None;
    }
    Some(CornerBounds { lon, lat })
}
