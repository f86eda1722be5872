//! A variable whose grid is sought, and the file around it.

use super::plain::{Plain, each_stretch};
use crate::IoError;
use crate::nc::{Dimension, File, Variable};
use knarr_field::Attributes;
use knarr_grid::{CornerLists, Detail, Grid, GridError, Listing, LonLat, Offsets, Outlines};

/// A variable, or a stand-in for one where a file holds a grid and no data.
pub(crate) struct Context<'a> {
    pub file: &'a File,
    /// Name of the variable.
    pub name: &'a str,
    pub dims: Vec<Dimension>,
    pub attributes: &'a Attributes,
    /// What is asked of cells of which a file lists centers and corners.
    pub detail: Detail,
}

/// A grid found for a variable.
#[derive(Debug)]
pub(crate) struct Found {
    pub grid: Grid,
    /// In the order of the grid's shape.
    pub dims: Vec<String>,
    /// Variables that describe this grid alone.
    pub variables: Vec<String>,
}

impl<'a> Context<'a> {
    pub fn of_variable(file: &'a File, name: &str, detail: Detail) -> Result<Self, IoError> {
        let variable = file.variable(name)?;
        Ok(Self { file, name: &variable.name, dims: variable.dims.clone(), attributes: &variable.attributes, detail })
    }

    /// The variable that a name in an attribute of this one means.
    pub fn find(&self, name: &str) -> Option<&'a Variable> {
        self.file.find_from(self.name, name)
    }

    pub fn has_dim(&self, name: &str) -> bool {
        self.dims.iter().any(|d| d.name == name)
    }

    /// Whether all dimensions of `variable` are among this variable's, and there is at least one.
    pub fn covers(&self, variable: &Variable) -> bool {
        !variable.dims.is_empty() && variable.dims.iter().all(|d| self.has_dim(&d.name))
    }

    pub fn no_grid(&self, problem: impl Into<String>) -> IoError {
        IoError::NoGrid { path: self.file.path().to_owned(), variable: self.name.to_owned(), problem: problem.into() }
    }

    pub fn bad_grid(&self, what: impl Into<String>) -> impl FnOnce(GridError) -> IoError {
        let (path, what) = (self.file.path().to_owned(), what.into());
        move |source| IoError::Grid { path, what, source }
    }

    pub fn malformed(&self, what: &'static str, problem: impl Into<String>) -> IoError {
        malformed(self.file, what, problem)
    }
}

pub(crate) fn malformed(file: &File, what: &'static str, problem: impl Into<String>) -> IoError {
    IoError::Malformed { path: file.path().to_owned(), what, problem: problem.into() }
}

/// Numbers of a variable with what the file calls missing as NaN; packing undone.
///
/// `valid_min` and the like are not applied: on coordinates they have been seen to shut out every value.
pub(crate) fn numbers_or_nan(file: &File, variable: &Variable) -> Result<Vec<f64>, IoError> {
    Plain::numbers(file, variable).whole()
}

/// Angles of a variable in degrees; `units_of` has the units where the variable has none (bounds).
pub(crate) fn degrees_or_nan(file: &File, variable: &Variable, units_of: Option<&Variable>) -> Result<Vec<f64>, IoError> {
    Plain::degrees(file, variable, units_of).whole()
}

pub(crate) fn is_radian(units: &str) -> bool {
    matches!(units.trim().to_lowercase().as_str(), "rad" | "radian" | "radians")
}

/// Positions of longitudes and latitudes, as many as there are of both.
pub(crate) fn lon_lats(lons: &[f64], lats: &[f64]) -> Vec<LonLat> {
    lons.iter().zip(lats).map(|(&lon_deg, &lat_deg)| LonLat { lon_deg, lat_deg }).collect()
}

/// Positions of two variables of the same dimensions.
pub(crate) fn positions_of(file: &File, [lon, lat]: [&Variable; 2]) -> Result<Vec<LonLat>, IoError> {
    let mut positions = Vec::with_capacity(lon.len().min(lat.len()));
    let angles = [lon, lat].map(|variable| Plain::degrees(file, variable, None));
    each_stretch(&angles, |[lons, lats]| {
        positions.extend(lons.iter().zip(lats).map(|(&lon_deg, &lat_deg)| LonLat { lon_deg, lat_deg }));
    })?;
    Ok(positions)
}

/// Cells whose corners are the last dimension of two variables, each with the variable that has its units if need be.
pub(crate) fn outlines_of(
    file: &File,
    [lon, lat]: [[&Variable; 2]; 2],
    bad: impl FnOnce(GridError) -> IoError,
) -> Result<Outlines, IoError> {
    let width = lon[0].dims.last().map_or(0, |d| d.len);
    let mut listing = Listing::with_room(lon[0].len() / width.max(1), width);
    let angles = [lon, lat].map(|[variable, units_of]| Plain::degrees(file, variable, Some(units_of)));
    each_stretch(&angles, |[lons, lats]| listing.extend(lons, lats))?;
    listing.outlines().map_err(bad)
}

/// Positions of a longitude and a latitude each.
pub(crate) fn positions(mut pairs: Vec<f64>) -> Vec<LonLat> {
    pairs.truncate(pairs.len() & !1);
    pairs.shrink_to_fit();
    bytemuck::cast_vec(pairs)
}

/// Corners of cells that all have `width`, given cell by cell.
pub(crate) fn uniform_corners(lons: &[f64], lats: &[f64], width: usize) -> CornerLists {
    CornerLists { corners: lon_lats(lons, lats), offsets: Offsets::Uniform(width) }
}

/// Values of an array `[outer][inner]` as `[inner][outer]`.
pub(crate) fn transposed(values: &[f64], outer: usize, inner: usize) -> Vec<f64> {
    (0..inner).flat_map(|i| (0..outer).map(move |o| values[o * inner + i])).collect()
}
