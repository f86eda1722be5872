//! Longitude and latitude axes about a rotated pole.

use super::context::{Context, Found};
use super::coordinates::{Quantity, find_axis};
use super::lat_lon::read_axis;
use super::projected::prefer_stored;
use crate::IoError;
use crate::nc::Variable;
use knarr_grid::Grid;

pub(super) fn of_mapping(context: &Context<'_>, mapping: &Variable) -> Result<Option<Found>, IoError> {
    let axes = (find_axis(context, Quantity::PlaneX, "X"), find_axis(context, Quantity::PlaneY, "Y"));
    let (Some(x), Some(y)) = axes else { return Ok(None) };
    let number = |name: &str| mapping.attributes.number(name);
    let (Some(pole_lon), Some(pole_lat)) = (number("grid_north_pole_longitude"), number("grid_north_pole_latitude")) else {
        return Err(context.malformed(
            "grid mapping",
            format!("`{}` lacks grid_north_pole_longitude or grid_north_pole_latitude", mapping.name),
        ));
    };
    let north_pole_grid_lon = number("north_pole_grid_longitude").unwrap_or(0.0);
    let mut notes = Vec::new();
    let mut variables = vec![mapping.name.clone(), x.name.clone(), y.name.clone()];
    let rlon = read_axis(context, x, &mut notes, &mut variables)?;
    let rlat = read_axis(context, y, &mut notes, &mut variables)?;
    let mut grid = Grid::rotated(pole_lon, pole_lat, north_pole_grid_lon, &rlon, &rlat)
        .map_err(context.bad_grid(format!("rotated axes `{}` and `{}`", x.name, y.name)))?;
    grid.report.recognised_by = format!("grid mapping `{}` with axes `{}` and `{}`", mapping.name, x.name, y.name);
    let dims = vec![y.dims[0].name.clone(), x.dims[0].name.clone()];
    prefer_stored(context, Found { grid, dims, variables }, notes).map(Some)
}
