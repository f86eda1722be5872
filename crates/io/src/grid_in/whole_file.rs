//! The grid of a file as a whole, and which of several fits given values.

use super::context::{Context, Found};
use super::coordinates::{Quantity, quantity};
use super::{esmf, mpas, oasis, recognise, scrip, ugrid};
use crate::dataset::Role;
use crate::nc::{Dimension, File, Variable};
use crate::{Dataset, IoError, VariableGrid};
use knarr_field::Attributes;
use knarr_grid::{Detail, Grid, Mask};
use std::path::Path;
use std::sync::Arc;

/// The grid of a file: of `variable`, of the OASIS grid or UGRID mesh of that name, or where none is named of the
/// grid the file describes (SCRIP, ESMF mesh, UGRID, MPAS, OASIS with one grid), or of its first variable that has one.
///
/// Where centers are asked for and the file lists them, or neighbours in rows and columns, corners are not read.
///
/// # Errors
/// As [`super::read_grid`]; [`IoError::NoGriddedVariable`] with the reason for each variable.
pub fn read_grid_file(path: &Path, variable: Option<&str>, detail: Detail) -> Result<VariableGrid, IoError> {
    let dataset = Dataset::open(path)?;
    match variable {
        Some(name) => read_grid_named(&dataset, name, detail),
        None => first(&dataset, detail).map(Found::into_variable_grid),
    }
}

/// As [`read_grid_file`] of a file that is open.
pub(crate) fn read_grid_named(dataset: &Dataset, name: &str, detail: Detail) -> Result<VariableGrid, IoError> {
    named(dataset.file(), name, detail).map(Found::into_variable_grid)
}

fn named(file: &File, name: &str, detail: Detail) -> Result<Found, IoError> {
    if oasis::prefixes(file).contains(&name) {
        return oasis::read(file, name, detail);
    }
    if let Some(topology) = ugrid::topologies(file).find(|v| v.name == name) {
        return ugrid::of_topology(file, topology, detail);
    }
    let context = Context::of_variable(file, name, detail)?;
    recognise(&context).and_then(|found| with_own_mask(file, found))
}

fn first(dataset: &Dataset, detail: Detail) -> Result<Found, IoError> {
    let file = dataset.file();
    if scrip::is_scrip(file) {
        return scrip::read(file, detail);
    }
    if esmf::is_esmf(file) {
        return esmf::read(file, detail);
    }
    match oasis::prefixes(file)[..] {
        [] => {}
        [prefix] => return oasis::read(file, prefix, detail),
        ref several => {
            let names: Vec<String> = several.iter().map(|p| format!("`{}:{p}`", file.path().display())).collect();
            return Err(IoError::Malformed {
                path: file.path().to_owned(),
                what: "OASIS grids",
                problem: format!("{} grids, name one: {}", several.len(), names.join(" or ")),
            });
        }
    }
    let mut reasons = Vec::new();
    for info in dataset.variables().iter().filter(|v| v.role == Role::Data) {
        let context = Context::of_variable(file, &info.name, detail)?;
        match recognise(&context) {
            Ok(found) => return with_own_mask(file, found),
            Err(error) => reasons.push((info.name.clone(), reason(error)?)),
        }
    }
    if let Some(topology) = ugrid::topologies(file).next() {
        return ugrid::of_topology(file, topology, detail);
    }
    if mpas::is_mpas(file) {
        return mpas::cells(file, detail);
    }
    if let Some(found) = bare_coordinates(file, detail)? {
        return with_own_mask(file, found);
    }
    Err(IoError::NoGriddedVariable { path: file.path().to_owned(), reasons })
}

/// Why a variable has no grid; other errors end the search.
fn reason(error: IoError) -> Result<String, IoError> {
    match error {
        IoError::NoGrid { problem, .. } => Ok(problem),
        IoError::Malformed { what, problem, .. } => Ok(format!("{what}: {problem}")),
        IoError::Grid { what, source, .. } => Ok(format!("{what}: {source}")),
        other => Err(other),
    }
}

/// A grid of coordinates alone, without any data on it.
fn bare_coordinates(file: &File, detail: Detail) -> Result<Option<Found>, IoError> {
    let of = |wanted| file.variables().iter().filter(move |v: &&Variable| quantity(v) == Some(wanted) && !v.dims.is_empty());
    let Some(lon) = of(Quantity::Longitude).next() else { return Ok(None) };
    let Some(lat) = of(Quantity::Latitude).find(|v| v.dims == lon.dims).or_else(|| of(Quantity::Latitude).next()) else {
        return Ok(None);
    };
    let mut dims: Vec<Dimension> = lat.dims.clone();
    dims.extend(lon.dims.iter().filter(|d| !lat.dims.contains(d)).cloned());
    let attributes = Attributes::new();
    let context = Context { file, name: "", dims, attributes: &attributes, detail };
    recognise(&context).map(Some)
}

/// Applies `cell_mask`, which this program writes into grid files (1 = active).
fn with_own_mask(file: &File, mut found: Found) -> Result<Found, IoError> {
    let Some(variable) = file.find("cell_mask").filter(|v| v.dim_names() == found.dims) else { return Ok(found) };
    if variable.attributes.text("flag_meanings") != Some("inactive active") {
        return Ok(found);
    }
    let active = file.read(&variable.name)?.into_iter().map(|m| m != 0.0).collect();
    found.grid = found.grid.masked_by(&Mask::from_active(active));
    found.variables.push(variable.name.clone());
    Ok(found)
}

/// The grid of a file that fits values of another file with dimensions `dims`, by their lengths: a field without
/// coordinates and a grid file may name their dimensions differently, and a mesh file holds grids of its nodes and of
/// its faces. The dimensions of the result are those of the values.
///
/// # Errors
/// [`IoError::NoGriddedVariable`] with what the grid file has instead; [`IoError`] if a file cannot be read.
pub fn read_grid_matching(path: &Path, dims: &[(String, usize)]) -> Result<VariableGrid, IoError> {
    let source = Dataset::open(path)?;
    let file = source.file();
    let mut reasons = Vec::new();
    let mut candidates: Vec<(String, Result<Found, IoError>)> = Vec::new();
    let whole = scrip::is_scrip(file) || esmf::is_esmf(file);
    if whole {
        candidates.push(("the whole file".to_owned(), first(&source, Detail::Cells)));
    } else {
        let prefixes = oasis::prefixes(file).into_iter().map(str::to_owned);
        let data = source.variables().iter().filter(|v| v.role == Role::Data);
        // One candidate for each set of dimensions: its grid is the same.
        let mut seen: Vec<&[(String, usize)]> = Vec::new();
        let mut names: Vec<String> = prefixes.collect();
        for info in data {
            if !seen.contains(&info.dims.as_slice()) {
                seen.push(&info.dims);
                names.push(info.name.clone());
            }
        }
        if names.is_empty() {
            candidates.push(("the whole file".to_owned(), first(&source, Detail::Cells)));
        }
        for name in names {
            let found = named(file, &name, Detail::Cells);
            candidates.push((name, found));
        }
    }
    for (name, found) in candidates {
        match found {
            Ok(found) => match positions(&found.grid, dims) {
                Some(at) => {
                    let dims = at.map(|k| dims[k].0.clone()).collect();
                    return Ok(VariableGrid { grid: Arc::new(found.grid), dims, coordinate_variables: Vec::new() });
                }
                None => {
                    let shape: Vec<String> = found.grid.shape.iter().map(usize::to_string).collect();
                    reasons.push((name, format!("its {} grid has {} cells", found.grid.family, shape.join(" x "))));
                }
            },
            Err(error) => reasons.push((name, reason(error)?)),
        }
    }
    Err(IoError::NoGriddedVariable { path: path.to_owned(), reasons })
}

/// The last run of dimensions with the grid's extents.
fn positions(grid: &Grid, dims: &[(String, usize)]) -> Option<std::ops::Range<usize>> {
    let rank = grid.shape.len();
    let fits = |at: usize| dims[at..at + rank].iter().map(|d| d.1).eq(grid.shape.iter().copied());
    (0..(dims.len() + 1).checked_sub(rank)?).rev().find(|&at| fits(at)).map(|at| at..at + rank)
}
