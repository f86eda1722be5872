//! Grids written: CF coordinates for output files, and grid files in the formats other programs read.

pub(crate) mod cells;
mod cf;
mod corners;
mod esmf;
mod faces;
mod scrip;
pub(crate) mod stream;
pub(crate) mod tables;
mod ugrid;

pub use cf::output_layout;

use crate::IoError;
use knarr_grid::Grid;
use std::path::Path;

/// Layout of a grid file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridFormat {
    /// CF coordinates with bounds and grid mapping.
    Cf,
    /// SCRIP: one list of cells with corners.
    Scrip,
    /// UGRID mesh: nodes and faces.
    Ugrid,
    /// ESMF mesh: nodes and elements.
    Esmf,
}

/// Writes a grid with its mask.
///
/// Degrees, 1 = active, cells in the grid's order, corners counter-clockwise. UGRID and ESMF meshes know great
/// circles alone, so that parallels of a grid with axes become great circles there.
///
/// # Errors
/// [`IoError::Exists`] if there is a file and `overwrite` is off, [`IoError::Malformed`] if a mesh is asked for of
/// points, [`IoError::Write`].
pub fn write_grid(grid: &Grid, path: &Path, format: GridFormat, overwrite: bool) -> Result<(), IoError> {
    let no_faces = |what| IoError::Malformed {
        path: path.to_owned(),
        what,
        problem: "the grid has points without corners, expected cells".to_owned(),
    };
    let tables = match format {
        GridFormat::Cf => cf::tables(grid),
        GridFormat::Scrip => scrip::tables(grid),
        GridFormat::Ugrid if !grid.has_corners() => return Err(no_faces("UGRID mesh")),
        GridFormat::Esmf if !grid.has_corners() => return Err(no_faces("ESMF mesh")),
        GridFormat::Ugrid => ugrid::tables(grid),
        GridFormat::Esmf => esmf::tables(grid),
    };
    tables.write(path, overwrite)
}
