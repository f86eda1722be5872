//! Grids recognised in NetCDF files.
//!
//! One file per convention; [`read_grid`] asks them in the order of the weight of their evidence: an explicit mesh or
//! grid mapping, then model conventions known by their variables, then geographic coordinates.

mod cells;
mod context;
mod coordinates;
mod cubed_sphere;
mod curvilinear;
mod esmf;
mod healpix;
mod lat_lon;
mod mapped;
mod mpas;
mod oasis;
mod plain;
mod projected;
mod reduced;
mod rotated;
mod scrip;
mod ugrid;
mod whole_file;

pub(crate) use whole_file::read_grid_named;
pub use whole_file::{read_grid_file, read_grid_matching};

use crate::nc::File;
use crate::{Dataset, IoError, VariableGrid};
use context::{Context, Found};
use knarr_grid::Detail;
use std::sync::Arc;

/// The grid of a data variable.
///
/// What was inferred, contradictory or left out is in the notes of the grid's report. Where stored longitudes and
/// latitudes contradict the axes of a projection or rotated pole by more than a hundredth of a cell, the stored ones
/// win and corners are inferred from them; where they agree, the axes win, because they give exact corners.
///
/// # Errors
/// [`IoError::NoGrid`] if nothing in the file says where the values are, [`IoError::Grid`] or [`IoError::Malformed`]
/// if what it says makes no grid, [`IoError::NoVariable`].
pub fn read_grid(dataset: &Dataset, variable: &str) -> Result<VariableGrid, IoError> {
    let context = Context::of_variable(dataset.file(), variable, Detail::Cells)?;
    recognise(&context).map(Found::into_variable_grid)
}

impl Found {
    pub(crate) fn into_variable_grid(self) -> VariableGrid {
        let mut coordinate_variables = self.variables;
        coordinate_variables.sort();
        coordinate_variables.dedup();
        VariableGrid { grid: Arc::new(self.grid), dims: self.dims, coordinate_variables }
    }
}

type Recogniser = for<'a> fn(&Context<'a>) -> Result<Option<Found>, IoError>;

fn recognise(context: &Context<'_>) -> Result<Found, IoError> {
    let recognisers: [Recogniser; 8] = [
        ugrid::of_variable,
        mapped::of_variable,
        cubed_sphere::of_variable,
        mpas::of_variable,
        scrip::of_variable,
        esmf::of_variable,
        oasis::of_variable,
        by_coordinates,
    ];
    for recogniser in recognisers {
        if let Some(found) = recogniser(context)? {
            return Ok(found);
        }
    }
    Err(context.no_grid(mapped::problem(context).unwrap_or_else(|| nothing_found(context))))
}

fn by_coordinates(context: &Context<'_>) -> Result<Option<Found>, IoError> {
    let Some(pair) = coordinates::find_pair(context) else { return Ok(None) };
    let mut notes = mapped::remark(context);
    let mut found = if pair.lon.dims != pair.lat.dims {
        lat_lon::read(context, &pair, &mut notes)?
    } else if pair.lon.dims.len() == 2 {
        curvilinear::read(context, &pair, &mut notes)?
    } else {
        cells::read(context, &pair, &mut notes)?
    };
    found.grid.report.notes.splice(0..0, notes);
    Ok(Some(found))
}

fn nothing_found(context: &Context<'_>) -> String {
    if let Some(mesh) = context.attributes.text("mesh") {
        return format!("its mesh `{mesh}` is neither in the file nor in a NetCDF file beside it");
    }
    let dims: Vec<String> = context.dims.iter().map(|d| format!("{} = {}", d.name, d.len)).collect();
    if dims.is_empty() {
        return "it is a single value".to_owned();
    }
    format!("no longitudes and latitudes for its dimensions {}, no grid mapping, no mesh", dims.join(", "))
}

/// NetCDF files in the folder of `file`, itself left out, in alphabetical order.
pub(crate) fn neighbours(file: &File) -> Vec<std::path::PathBuf> {
    let folder = file.path().parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "nc" || e == "nc4" || e == "cdf"))
        .filter(|p| p.file_name() != file.path().file_name())
        .collect();
    paths.sort();
    paths
}
