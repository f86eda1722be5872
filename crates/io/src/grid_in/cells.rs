//! Longitudes and latitudes along one dimension, or along tiles of rows and columns: HEALPix, reduced Gaussian rows, polygons or points.

use super::context::{Context, Found, positions_of};
use super::coordinates::{Pair, note_valid_range};
use super::{curvilinear, healpix, reduced};
use crate::IoError;
use knarr_grid::{Detail, Grid, LonLat};

pub(super) fn read(context: &Context<'_>, pair: &Pair<'_>, notes: &mut Vec<String>) -> Result<Found, IoError> {
    let centers = positions_of(context.file, [pair.lon, pair.lat])?;
    note_valid_range(pair.lon, centers.iter().map(|p| p.lon_deg), notes);
    let mut variables = vec![pair.lon.name.clone(), pair.lat.name.clone()];
    let bounds = curvilinear::corner_bounds(context, pair, 3, notes, &mut variables);
    let what = format!("coordinates `{}` and `{}`", pair.lon.name, pair.lat.name);
    let mut grid = match by_formula(&centers).map_err(context.bad_grid(what.clone()))? {
        Some(grid) => {
            if bounds.is_some() {
                notes.push("corners are computed from the formula, the bounds in the file are left out".to_owned());
            }
            grid
        }
        None => {
            let mut grid = match bounds.filter(|_| context.detail != Detail::Centers) {
                Some(bounds) => Grid::mesh_of_outlines(Some(centers), bounds.outlines(context, &what)?),
                None => Grid::points(centers),
            }
            .map_err(context.bad_grid(what))?;
            grid.report.recognised_by = "longitudes and latitudes of single cells".to_owned();
            grid
        }
    };
    grid.report.recognised_by =
        format!("{}: `{}` and `{}`, found by {}", grid.report.recognised_by, pair.lon.name, pair.lat.name, pair.how);
    grid.shape = pair.lon.dims.iter().map(|d| d.len).collect();
    Ok(Found { grid, dims: pair.lon.dims.iter().map(|d| d.name.clone()).collect(), variables })
}

/// The grid whose formula gives exactly these centers, in this order.
pub(super) fn by_formula(centers: &[LonLat]) -> Result<Option<Grid>, knarr_grid::GridError> {
    if let Some(grid) = healpix::from_centers(centers)? {
        return Ok(Some(grid));
    }
    reduced::from_centers(centers)
}
