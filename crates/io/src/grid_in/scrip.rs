//! SCRIP grid files: one list of cells with corners; 1 = active in `grid_imask`.

use super::cells::by_formula;
use super::context::{Context, Found, degrees_or_nan, malformed, outlines_of, positions_of};
use super::plain::{Plain, each_stretch};
use crate::IoError;
use crate::nc::{File, Variable};
use knarr_grid::{Axis, Detail, Grid, LonLat, Mask};

pub(super) fn is_scrip(file: &File) -> bool {
    ["grid_center_lat", "grid_center_lon"].iter().all(|name| file.find(name).is_some())
}

pub(super) fn of_variable(context: &Context<'_>) -> Result<Option<Found>, IoError> {
    if is_scrip(context.file) && context.has_dim("grid_size") { read(context.file, context.detail).map(Some) } else { Ok(None) }
}

/// The grid of a SCRIP file; grids of rank 2 get their shape back, and their axes where all rows share them.
pub(super) fn read(file: &File, detail: Detail) -> Result<Found, IoError> {
    let bad = |source| IoError::Grid { path: file.path().to_owned(), what: "SCRIP grid".to_owned(), source };
    let (lon, lat) = (file.variable("grid_center_lon")?, file.variable("grid_center_lat")?);
    let centers = positions_of(file, [lon, lat])?;
    let mut variables = vec![lon.name.clone(), lat.name.clone()];
    let dims = match file.find("grid_dims") {
        Some(_) => file.read("grid_dims")?.into_iter().map(|n| n as usize).rev().collect(),
        None => vec![centers.len()],
    };
    let shape = match dims[..] {
        [ny, nx] if ny * nx == centers.len() => Some([ny, nx]),
        _ => None,
    };
    let corners = corners(file, centers.len())?;
    variables.extend(corners.iter().flat_map(|corners| corners.map(|v| v.name.clone())));
    let whole = |[clon, clat]: [&Variable; 2]| -> Result<[Vec<f64>; 2], IoError> {
        Ok([degrees_or_nan(file, clon, Some(lon))?, degrees_or_nan(file, clat, Some(lat))?])
    };
    let outlines = |[clon, clat]: [&Variable; 2]| outlines_of(file, [[clon, lon], [clat, lat]], bad);
    let mask = mask(file, centers.len())?;
    variables.extend(mask.is_some().then(|| "grid_imask".to_owned()));
    let mask = mask.unwrap_or_default();
    let mut kind = String::new();
    let grid = if let Some(shape) = shape {
        if detail.in_rows(shape) == Detail::Centers && !have_axes(shape, &centers) {
            Grid::curvilinear_by_centers(shape, centers, corners.is_some(), &mask)
        } else {
            let in_axes = corners.filter(|corners| width(*corners) == 4 && have_axes(shape, &centers));
            match in_axes.map(whole).transpose()?.and_then(|values| axes(shape, &centers, &values)) {
                Some((lon, lat)) => {
                    kind = ", whose rows share their longitudes".to_owned();
                    Grid::lat_lon(&lon, &lat)
                }
                None => Grid::curvilinear_masked(shape, centers, corners.map(outlines).transpose()?, &mask),
            }
        }
    } else if let Some(formula) = by_formula(&centers).map_err(bad)? {
        kind = format!(", {}", formula.report.recognised_by);
        Ok(formula)
    } else {
        match corners.filter(|_| detail != Detail::Centers) {
            Some(corners) => Grid::mesh_of_outlines(Some(centers), outlines(corners)?),
            None => Grid::points(centers),
        }
    };
    let mut grid = grid.map_err(bad)?.masked_by(&mask);
    grid.report.recognised_by = format!("SCRIP grid file{kind}");
    let dim = lon.dims.first().map_or("grid_size", |d| d.name.as_str()).to_owned();
    // Values in such a file lie along one dimension, whatever the shape of the grid.
    Ok(Found { grid, dims: vec![dim], variables })
}

/// The longitudes and latitudes of corners, if the file has them.
fn corners(file: &File, cells: usize) -> Result<Option<[&Variable; 2]>, IoError> {
    let (Some(lon), Some(lat)) = (file.find("grid_corner_lon"), file.find("grid_corner_lat")) else { return Ok(None) };
    if lon.len() != cells * width([lon, lat]) || lat.len() != lon.len() {
        let problem = format!("corners have dimensions {}, expected {cells} cells first", lon.dims_in_words());
        return Err(malformed(file, "SCRIP grid", problem));
    }
    Ok(Some([lon, lat]))
}

/// Corners of a cell.
fn width([lon, _]: [&Variable; 2]) -> usize {
    lon.dims.last().map_or(0, |d| d.len)
}

fn mask(file: &File, cells: usize) -> Result<Option<Mask>, IoError> {
    let Some(flags) = file.find("grid_imask") else { return Ok(None) };
    let mut active = Vec::with_capacity(flags.len());
    each_stretch(&[Plain::flags(file, flags)], |[flags]| active.extend(flags.iter().map(|&m| m != 0.0)))?;
    if active.len() != cells {
        return Err(malformed(file, "SCRIP grid", format!("grid_imask has {} values, expected {cells}", active.len())));
    }
    Ok(Some(Mask::from_active(active)))
}

/// Radians in the file lose a unit or two in the last place of 360 degrees.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9
}

/// Whether columns share their longitudes and rows their latitudes.
fn have_axes([_, nx]: [usize; 2], centers: &[LonLat]) -> bool {
    centers
        .iter()
        .enumerate()
        .all(|(cell, p)| same(p.lon_deg, centers[cell % nx].lon_deg) && same(p.lat_deg, centers[cell / nx * nx].lat_deg))
}

/// Longitude and latitude axes with bounds, if the four corners of all cells are those of rows and columns, as their centers are.
fn axes(shape: [usize; 2], centers: &[LonLat], [lons, lats]: &[Vec<f64>; 2]) -> Option<(Axis, Axis)> {
    let [ny, nx] = shape;
    if ny < 2 || nx < 2 {
        return None;
    }
    let ends = |values: &[f64]| {
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        let of_two = values.iter().all(|&v| same(v, low) || same(v, high));
        (of_two && high - low < 359.0).then_some([low, high])
    };
    let column_bounds: Option<Vec<[f64; 2]>> = (0..nx).map(|i| ends(&lons[4 * i..4 * i + 4])).collect();
    let row_bounds: Option<Vec<[f64; 2]>> = (0..ny).map(|j| ends(&lats[4 * j * nx..4 * j * nx + 4])).collect();
    let (column_bounds, row_bounds) = (column_bounds?, row_bounds?);
    for cell in 0..nx * ny {
        let (j, i) = (cell / nx, cell % nx);
        let lon_ends = ends(&lons[4 * cell..4 * cell + 4])?;
        let lat_ends = ends(&lats[4 * cell..4 * cell + 4])?;
        let corners = (0..2).all(|k| same(lon_ends[k], column_bounds[i][k]) && same(lat_ends[k], row_bounds[j][k]));
        if !corners {
            return None;
        }
    }
    let lon = Axis { centers: (0..nx).map(|i| centers[i].lon_deg).collect(), bounds: Some(column_bounds) };
    let lat = Axis { centers: (0..ny).map(|j| centers[j * nx].lat_deg).collect(), bounds: Some(row_bounds) };
    Some((lon, lat))
}
