//! Grids as the command line names them.

use crate::{IoError, read_grid_file};
use knarr_grid::Grid;
use std::path::Path;
use std::sync::Arc;

/// The grid of a file (`file.nc`, `file.nc:variable`, OASIS `grids.nc:torc`), else of a specification (`r360x180`,
/// `H128n`, ...).
///
/// # Errors
/// [`IoError`] of the file; [`IoError::UnknownGrid`] if the text is no specification and looks like no file.
pub fn grid_from_argument(text: &str) -> Result<Arc<Grid>, IoError> {
    let whole = Path::new(text);
    if whole.is_file() {
        return Ok(read_grid_file(whole, None)?.grid);
    }
    if let Some((path, variable)) = text.rsplit_once(':')
        && Path::new(path).is_file()
    {
        return Ok(read_grid_file(Path::new(path), Some(variable))?.grid);
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
