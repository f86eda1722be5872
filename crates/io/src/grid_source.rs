//! Grids as the command line names them.

use crate::decode::{Decoder, Purpose};
use crate::grid_in::read_grid_named;
use crate::{Dataset, IoError, NanPolicy, VariableGrid, read_grid_file};
use knarr_grid::{Detail, Grid, Mask};
use std::path::Path;
use std::sync::Arc;

/// The grid of a file (`file.nc`, `file.nc:variable`, OASIS `grids.nc:torc`), else of a specification (`r360x180`,
/// `H128n`, ...).
///
/// A variable that is named brings its mask: cells without a value on any level at any time take no part.
///
/// Where centers are asked for and a file lists them, or neighbours in rows and columns, corners are not read, nor are cells
/// dropped for them.
///
/// # Errors
/// [`IoError`] of the file; [`IoError::UnknownGrid`] if the text is no specification and looks like no file.
pub fn grid_from_argument(text: &str, detail: Detail) -> Result<Arc<Grid>, IoError> {
    match file_of_argument(text) {
        Some((path, None)) => return Ok(read_grid_file(path, None, detail)?.grid),
        Some((path, Some(variable))) => return grid_with_mask(path, variable, detail),
        None => {}
    }
    match Grid::from_spec(text) {
        Ok(grid) => Ok(Arc::new(grid)),
        // A name with a file's ending or a folder was meant as a file.
        Err(_) if text.contains('/') || text.contains(".nc") => {
            let path = text.rsplit_once(':').filter(|(p, _)| p.contains(".nc")).map_or(text, |(path, _)| path);
            Err(IoError::NotFound { path: path.into() })
        }
        Err(source) => Err(IoError::UnknownGrid { source }),
    }
}

/// The file that an argument of [`grid_from_argument`] means, if there is one, and the variable it names.
pub fn file_of_argument(text: &str) -> Option<(&Path, Option<&str>)> {
    if Path::new(text).is_file() {
        return Some((Path::new(text), None));
    }
    let (path, variable) = text.rsplit_once(':')?;
    Path::new(path).is_file().then_some((Path::new(path), Some(variable)))
}

fn grid_with_mask(path: &Path, variable: &str, detail: Detail) -> Result<Arc<Grid>, IoError> {
    let dataset = Dataset::open(path)?;
    let found = read_grid_named(&dataset, variable, detail)?;
    // Names of OASIS grids and meshes are no variables; their masks come with the grid.
    match dataset.slab_count(variable, &found) {
        Ok(slabs) if slabs > 0 => {
            let mask = valid_somewhere(&dataset, variable, &found, slabs)?;
            Ok(Arc::new(Arc::unwrap_or_clone(found.grid).masked_by(&mask)))
        }
        _ => Ok(found.grid),
    }
}

/// Cells that have a value in at least one of the slabs.
fn valid_somewhere(dataset: &Dataset, variable: &str, found: &VariableGrid, slabs: usize) -> Result<Mask, IoError> {
    let decoder = Decoder::new(dataset.file(), dataset.file().variable(variable)?, Purpose::Data)?;
    let mut active = vec![false; found.grid.len()];
    for slab in 0..slabs {
        let values = dataset.read_slabs_with(&decoder, variable, found, slab..slab + 1, NanPolicy::Missing)?;
        let Some(valid) = values.valid else { return Ok(Mask::ALL) };
        active.iter_mut().zip(&valid).for_each(|(active, &valid)| *active |= valid);
        if active.iter().all(|&a| a) {
            break;
        }
    }
    // A variable without any value says nothing about the grid.
    Ok(if active.contains(&true) { Mask::from_active(active) } else { Mask::ALL })
}
