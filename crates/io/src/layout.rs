//! What reading and writing of grids agree on with reading and writing of fields.

use knarr_field::Attributes;
use knarr_grid::Grid;
use std::sync::Arc;

/// A grid as a variable of a file uses it.
#[derive(Clone, Debug)]
pub struct VariableGrid {
    /// The grid.
    pub grid: Arc<Grid>,
    /// Horizontal dimensions in the order of `grid.shape`, slowest first.
    pub dims: Vec<String>,
    /// Names of coordinate, bounds, grid-mapping and mesh variables that describe this grid alone, so that
    /// another grid replaces them.
    pub coordinate_variables: Vec<String>,
}

/// Values of a variable that describes a grid.
#[derive(Clone, Debug, PartialEq)]
pub enum LayoutData {
    /// A container of attributes without data (`grid_mapping`, mesh topology), written as one integer 0.
    None,
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// 32-bit integers.
    I32(Vec<i32>),
}

/// A coordinate, bounds, grid-mapping or mesh variable ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct LayoutVariable {
    /// Its name.
    pub name: String,
    /// Its dimensions, names of [`GridLayout::dims`]; empty for containers.
    pub dims: Vec<String>,
    /// Its values.
    pub data: LayoutData,
    /// Its attributes.
    pub attributes: Attributes,
}

/// How a grid appears in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct GridLayout {
    /// Names and lengths of all dimensions, the horizontal ones (as many as `grid.shape` has) first, in that
    /// order; then those of corners and nodes.
    pub dims: Vec<(String, usize)>,
    /// Variables to write.
    pub variables: Vec<LayoutVariable>,
    /// Value of the `coordinates` attribute of data variables, if they need one.
    pub coordinates: Option<String>,
    /// Value of the `grid_mapping` attribute of data variables, if there is one.
    pub grid_mapping: Option<String>,
    /// Further attributes of data variables, such as `mesh` and `location` of UGRID.
    pub data_attributes: Attributes,
}
