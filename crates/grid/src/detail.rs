//! How much of its cells is known of a grid.

/// How much of its cells is asked of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Where their centers lie. What is wrong with corners is not found, and drops no cell.
    Centers,
    /// Centers, and which of them are neighbours: those of two-dimensional grids by rows and columns, so that corners are
    /// asked of all others alone.
    Neighbours,
    /// Centers and corners.
    Cells,
}
