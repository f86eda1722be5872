//! OASIS `grids.nc`: `PREFIX.lon`, `PREFIX.lat`, corners `PREFIX.clo`, `PREFIX.cla` with the corner as first
//! dimension; `PREFIX.msk` in `masks.nc`, where 1 = masked.

use super::context::{Context, Found, degrees_or_nan, lon_lats, malformed, transposed, uniform_corners};
use crate::IoError;
use crate::nc::File;
use knarr_grid::{Detail, Grid, Mask, Outlines};
use std::path::{Path, PathBuf};

/// Prefixes of the grids of a file, in its order.
pub(super) fn prefixes(file: &File) -> Vec<&str> {
    file.variables()
        .iter()
        .filter_map(|v| v.name.strip_suffix(".lon"))
        .filter(|prefix| file.find(&format!("{prefix}.lat")).is_some())
        .collect()
}

/// The grid of `PREFIX.srf` or `PREFIX.msk`: in the same file, or in the grids file beside an areas or masks file.
pub(super) fn of_variable(context: &Context<'_>) -> Result<Option<Found>, IoError> {
    let Some((prefix, _)) = context.name.rsplit_once('.') else { return Ok(None) };
    if prefixes(context.file).contains(&prefix) {
        return read(context.file, prefix, context.detail).map(Some);
    }
    for word in ["areas", "masks"] {
        let Some(path) = renamed(context.file.path(), word, "grids") else { continue };
        let Ok(file) = File::open(&path) else { continue };
        if prefixes(&file).contains(&prefix) {
            let mut found = read(&file, prefix, context.detail)?;
            found.variables.clear();
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A grid of an OASIS grids file, masked by the masks file beside it if there is one.
pub(super) fn read(file: &File, prefix: &str, detail: Detail) -> Result<Found, IoError> {
    let bad = |source| IoError::Grid { path: file.path().to_owned(), what: format!("OASIS grid `{prefix}`"), source };
    let lon = file.variable(&format!("{prefix}.lon"))?;
    let lat = file.variable(&format!("{prefix}.lat"))?;
    let centers = lon_lats(&degrees_or_nan(file, lon, None)?, &degrees_or_nan(file, lat, None)?);
    let shape: Vec<usize> = lon.dims.iter().map(|d| d.len).collect();
    let mut variables = vec![lon.name.clone(), lat.name.clone()];
    let corners = match (file.find(&format!("{prefix}.clo")), file.find(&format!("{prefix}.cla"))) {
        (Some(clo), Some(cla)) => {
            let width = clo.dims.first().map_or(0, |d| d.len);
            if clo.len() != width * centers.len() || cla.len() != clo.len() {
                let problem = format!("`{}` has dimensions {}, expected corners before {shape:?}", clo.name, clo.dims_in_words());
                return Err(malformed(file, "OASIS grid", problem));
            }
            variables.extend([clo.name.clone(), cla.name.clone()]);
            Some((clo, cla, width))
        }
        _ => None,
    };
    let one_dimensional = shape.len() < 2 || shape.contains(&1);
    let cells = centers.len();
    let (mask, note) = match mask(file, prefix, cells)? {
        Some((mask, beside)) => {
            (mask, beside.map(|name| format!("mask `{prefix}.msk` taken from `{name}` beside the file (1 = masked)")))
        }
        None => (Mask::ALL, None),
    };
    let read = |(clo, cla, width)| {
        let cell_by_cell = |values: Vec<f64>| transposed(&values, width, cells);
        let lons = cell_by_cell(degrees_or_nan(file, clo, Some(lon))?);
        let lists = uniform_corners(&lons, &cell_by_cell(degrees_or_nan(file, cla, Some(lat))?), width);
        Outlines::of_lists(lists).map_err(&bad)
    };
    let grid = match (detail, one_dimensional) {
        (Detail::Centers, true) => Grid::points(centers),
        (Detail::Centers | Detail::Neighbours, false) => {
            Grid::curvilinear_by_centers([shape[0], shape[1]], centers, corners.is_some(), &mask)
        }
        (Detail::Neighbours | Detail::Cells, true) => match corners.map(read).transpose()? {
            Some(outlines) => Grid::mesh_of_outlines(Some(centers), outlines),
            None => Grid::points(centers),
        },
        (Detail::Cells, false) => Grid::curvilinear_masked([shape[0], shape[1]], centers, corners.map(read).transpose()?, &mask),
    };
    let mut grid = grid.map_err(bad)?.masked_by(&mask);
    grid.shape.clone_from(&shape);
    grid.report.recognised_by = format!("OASIS grid `{prefix}`");
    grid.report.notes.extend(note);
    Ok(Found { grid, dims: lon.dims.iter().map(|d| d.name.clone()).collect(), variables })
}

fn mask(file: &File, prefix: &str, cells: usize) -> Result<Option<(Mask, Option<String>)>, IoError> {
    let name = format!("{prefix}.msk");
    let (values, beside) = if file.find(&name).is_some() {
        (file.read(&name)?, None)
    } else {
        let Some(path) = renamed(file.path(), "grids", "masks").filter(|p| p.exists()) else { return Ok(None) };
        let masks = File::open(&path)?;
        if masks.find(&name).is_none() {
            return Ok(None);
        }
        (masks.read(&name)?, path.file_name().map(|n| n.to_string_lossy().into_owned()))
    };
    if values.len() != cells {
        return Err(malformed(file, "OASIS mask", format!("`{name}` has {} values, expected {cells}", values.len())));
    }
    Ok(Some((Mask::from_active(values.into_iter().map(|m| m == 0.0).collect()), beside)))
}

/// The file beside `path` whose name has `to` where this one's has `from`.
fn renamed(path: &Path, from: &str, to: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    name.contains(from).then(|| path.with_file_name(name.replacen(from, to, 1)))
}
