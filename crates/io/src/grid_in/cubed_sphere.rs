//! Tiled grids with a lattice of corners for each face, as GEOS writes its cubed sphere.

use super::context::{Context, Found, degrees_or_nan, positions_of, uniform_corners};
use crate::IoError;
use crate::nc::Variable;
use knarr_grid::Grid;

pub(super) fn of_variable(context: &Context<'_>) -> Result<Option<Found>, IoError> {
    let (Some(corner_lons), Some(corner_lats)) = (context.file.find("corner_lons"), context.file.find("corner_lats")) else {
        return Ok(None);
    };
    let Some((lons, lats)) = centers(context) else { return Ok(None) };
    let [faces, ny, nx] = lons.dims.iter().map(|d| d.len).collect::<Vec<_>>()[..] else { return Ok(None) };
    let lattice = [faces, ny + 1, nx + 1];
    let fits = |v: &Variable| v.dims.iter().map(|d| d.len).eq(lattice);
    if !fits(corner_lons) || !fits(corner_lats) {
        return Err(context.malformed(
            "tiled grid",
            format!("`{}` has dimensions {}, expected {lattice:?}", corner_lons.name, corner_lons.dims_in_words()),
        ));
    }
    let (clon, clat) = (degrees_or_nan(context.file, corner_lons, None)?, degrees_or_nan(context.file, corner_lats, None)?);
    let gather = |values: &[f64]| -> Vec<f64> {
        let mut out = Vec::with_capacity(4 * faces * ny * nx);
        for face in 0..faces {
            for j in 0..ny {
                for i in 0..nx {
                    let at = |j: usize, i: usize| values[(face * (ny + 1) + j) * (nx + 1) + i];
                    out.extend([at(j, i), at(j, i + 1), at(j + 1, i + 1), at(j + 1, i)]);
                }
            }
        }
        out
    };
    let corners = uniform_corners(&gather(&clon), &gather(&clat), 4);
    let centers = positions_of(context.file, [lons, lats])?;
    let mut grid = Grid::mesh(Some(centers), corners).map_err(context.bad_grid("tiled grid"))?;
    grid.shape = vec![faces, ny, nx];
    grid.report.recognised_by =
        format!("`{}` and `{}` on {faces} faces of {ny} x {nx} cells", corner_lons.name, corner_lats.name);
    let dims = lons.dims.iter().map(|d| d.name.clone()).collect();
    let variables = [lons, lats, corner_lons, corner_lats].map(|v| v.name.clone()).to_vec();
    Ok(Some(Found { grid, dims, variables }))
}

/// Three-dimensional longitudes and latitudes of the variable's own dimensions.
fn centers<'a>(context: &Context<'a>) -> Option<(&'a Variable, &'a Variable)> {
    use super::coordinates::{Quantity, quantity};
    let of =
        |wanted| context.file.variables().iter().find(|v| v.dims.len() == 3 && context.covers(v) && quantity(v) == Some(wanted));
    let (lon, lat) = (of(Quantity::Longitude)?, of(Quantity::Latitude)?);
    (lon.dims == lat.dims).then_some((lon, lat))
}
