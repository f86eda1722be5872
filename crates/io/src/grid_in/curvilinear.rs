//! Two-dimensional longitudes and latitudes.

use super::context::{Context, Found, outlines_of, positions_of};
use super::coordinates::{Bounds, Pair, bounds_of, note_valid_range};
use crate::IoError;
use knarr_grid::{Detail, Grid, Mask, Outlines};

pub(super) fn read(context: &Context<'_>, pair: &Pair<'_>, notes: &mut Vec<String>) -> Result<Found, IoError> {
    let centers = positions_of(context.file, [pair.lon, pair.lat])?;
    note_valid_range(pair.lon, centers.iter().map(|p| p.lon_deg), notes);
    note_valid_range(pair.lat, centers.iter().map(|p| p.lat_deg), notes);
    let mut variables = vec![pair.lon.name.clone(), pair.lat.name.clone()];
    let bounds = corner_bounds(context, pair, 4, notes, &mut variables);
    let shape = [pair.lon.dims[0].len, pair.lon.dims[1].len];
    let what = format!("coordinates `{}` and `{}`", pair.lon.name, pair.lat.name);
    let grid = match (context.detail.in_rows(shape), bounds) {
        (Detail::Centers | Detail::Neighbours, bounds) => {
            Grid::curvilinear_by_centers(shape, centers, bounds.is_some(), &Mask::ALL)
        }
        (Detail::Cells, bounds) => {
            let outlines = bounds.map(|bounds| bounds.outlines(context, &what)).transpose()?;
            Grid::curvilinear_masked(shape, centers, outlines, &Mask::ALL)
        }
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
    /// The cells of `what`.
    pub fn outlines(&self, context: &Context<'_>, what: &str) -> Result<Outlines, IoError> {
        let variables = [&self.lon, &self.lat].map(|bounds| [bounds.variable, bounds.coordinate]);
        outlines_of(context.file, variables, context.bad_grid(what))
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
