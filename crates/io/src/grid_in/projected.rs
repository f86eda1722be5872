//! x and y axes of a map projection.

use super::context::{Context, Found, degrees_or_nan};
use super::coordinates::{Quantity, find_axis, find_pair};
use super::curvilinear;
use super::lat_lon::read_axis;
use crate::IoError;
use crate::nc::Variable;
use knarr_field::Attribute;
use knarr_grid::{Axis, Grid, LonLat};
use knarr_kernels::sphere::distance;

pub(super) fn of_mapping(context: &Context<'_>, mapping: &Variable, name: &str) -> Result<Option<Found>, IoError> {
    let axes = (find_axis(context, Quantity::PlaneX, "X"), find_axis(context, Quantity::PlaneY, "Y"));
    let (Some(x), Some(y)) = axes else { return Ok(None) };
    let parameters: Vec<(String, Vec<f64>)> = mapping
        .attributes
        .iter()
        .filter_map(|(name, value)| match value {
            Attribute::Numbers(numbers, _) if !numbers.is_empty() => Some((name.to_owned(), numbers.clone())),
            _ => None,
        })
        .collect();
    let mut notes = Vec::new();
    let mut variables = vec![mapping.name.clone(), x.name.clone(), y.name.clone()];
    let x_axis = metres(context, x, &mut notes, &mut variables)?;
    let y_axis = metres(context, y, &mut notes, &mut variables)?;
    let (Some(x_axis), Some(y_axis)) = (x_axis, y_axis) else {
        // Indices or degrees: the axes say nothing about places.
        return Ok(None);
    };
    let dims = vec![y.dims[0].name.clone(), x.dims[0].name.clone()];
    match Grid::projected(name, &parameters, &x_axis, &y_axis) {
        Ok(mut grid) => {
            grid.report.recognised_by =
                format!("grid mapping `{}` ({name}) with axes `{}` and `{}`", mapping.name, x.name, y.name);
            prefer_stored(context, Found { grid, dims, variables }, notes).map(Some)
        }
        Err(error) => {
            // Stored longitudes and latitudes make a grid of projections that are not known here.
            let Some(mut found) = stored(context, &dims, &mut notes)? else {
                return Err(context.bad_grid(format!("grid mapping `{}`", mapping.name))(error));
            };
            found.grid.report.notes.insert(0, format!("{error}: the stored longitudes and latitudes are used"));
            found.variables.extend(variables);
            Ok(Some(found))
        }
    }
}

/// An axis in metres; `None` where its units are no length.
fn metres(
    context: &Context<'_>,
    variable: &Variable,
    notes: &mut Vec<String>,
    variables: &mut Vec<String>,
) -> Result<Option<Axis>, IoError> {
    let factor = match variable.attributes.text("units").unwrap_or("m").trim().to_lowercase().as_str() {
        "m" | "metre" | "meter" | "metres" | "meters" => 1.0,
        "km" | "kilometre" | "kilometer" | "kilometres" | "kilometers" => 1000.0,
        _ => return Ok(None),
    };
    let mut axis = read_axis(context, variable, notes, variables)?;
    if factor != 1.0 {
        axis.centers.iter_mut().for_each(|v| *v *= factor);
        axis.bounds.iter_mut().flatten().flatten().for_each(|v| *v *= factor);
    }
    Ok(Some(axis))
}

/// The grid of the stored two-dimensional longitudes and latitudes, if they have the dimensions `dims`.
fn stored(context: &Context<'_>, dims: &[String], notes: &mut Vec<String>) -> Result<Option<Found>, IoError> {
    let Some(pair) = find_pair(context).filter(|p| p.lon.dim_names() == dims && p.lat.dim_names() == dims) else {
        return Ok(None);
    };
    let mut found = curvilinear::read(context, &pair, notes)?;
    found.grid.report.notes.splice(0..0, notes.drain(..));
    Ok(Some(found))
}

/// `computed` unless the file stores longitudes and latitudes that lie elsewhere.
///
/// Elsewhere is more than a hundredth of the distance to the next center: less cannot be told from the rounding of
/// stored values or from another radius, and would cost the exact corners.
pub(super) fn prefer_stored(context: &Context<'_>, mut computed: Found, mut notes: Vec<String>) -> Result<Found, IoError> {
    let pair = find_pair(context).filter(|p| p.lon.dims == p.lat.dims && p.lon.dims.len() == 2);
    let Some(pair) = pair.filter(|p| p.lon.dim_names() == computed.dims) else {
        computed.grid.report.notes.splice(0..0, notes);
        return Ok(computed);
    };
    let lons = degrees_or_nan(context.file, pair.lon, None)?;
    let lats = degrees_or_nan(context.file, pair.lat, None)?;
    let mut worst = (0.0f64, 0usize);
    for (cell, (&lon_deg, &lat_deg)) in lons.iter().zip(&lats).enumerate() {
        let apart = distance(LonLat { lon_deg, lat_deg }.unit(), computed.grid.center(cell).unit());
        if apart > worst.0 {
            worst = (apart, cell);
        }
    }
    let spacing = spacing_rad(&computed.grid, worst.1);
    let words = format!(
        "stored `{}` and `{}` lie up to {:.2e} degrees ({:.4} of a cell) from the place the axes give",
        pair.lon.name,
        pair.lat.name,
        worst.0.to_degrees(),
        worst.0 / spacing
    );
    // Single precision keeps longitudes to 3e-5 degrees.
    if worst.0 > (0.01 * spacing).max(5e-5f64.to_radians()) {
        notes.push(format!("{words}: the stored ones are used, with corners inferred from them"));
        let mut pair_notes = Vec::new();
        let mut found = curvilinear::read(context, &pair, &mut pair_notes)?;
        found.grid.report.recognised_by =
            format!("{}, which contradict {}", found.grid.report.recognised_by, computed.grid.report.recognised_by);
        notes.extend(pair_notes);
        found.grid.report.notes.splice(0..0, notes);
        found.variables.extend(computed.variables);
        return Ok(found);
    }
    notes.push(format!("{words}: the axes are used"));
    computed.variables.extend([pair.lon.name.clone(), pair.lat.name.clone()]);
    for v in [pair.lon, pair.lat] {
        if let Some(bounds) = v.attributes.text("bounds").and_then(|name| context.file.find_from(&v.name, name)) {
            let width = bounds.dims.last().map_or(0, |d| d.len);
            if width < 4 {
                notes.push(format!(
                    "bounds `{}` of `{}` have {width} values a cell, expected 4: they are left out",
                    bounds.name, v.name
                ));
            }
            computed.variables.push(bounds.name.clone());
        }
    }
    computed.grid.report.notes.splice(0..0, notes);
    Ok(computed)
}

/// Distance from a center to the nearest of its neighbours in the next row and column.
fn spacing_rad(grid: &Grid, cell: usize) -> f64 {
    let columns = grid.shape.last().copied().unwrap_or(1);
    let here = grid.center(cell).unit();
    let column = cell % columns;
    [
        (column + 1 < columns).then(|| cell + 1),
        (column > 0).then(|| cell - 1),
        (cell + columns < grid.len()).then(|| cell + columns),
        (cell >= columns).then(|| cell - columns),
    ]
    .into_iter()
    .flatten()
    .map(|next| distance(here, grid.center(next).unit()))
    .fold(f64::INFINITY, f64::min)
}
