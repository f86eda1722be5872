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

impl Detail {
    /// What is asked of cells in `[rows, columns]`. Neighbours in them are known by their centers; in one row or column alone,
    /// as meshes are kept as well, they are not.
    #[must_use]
    pub fn in_rows(self, [ny, nx]: [usize; 2]) -> Self {
        match self {
            Self::Neighbours if ny > 1 && nx > 1 => Self::Centers,
            Self::Neighbours => Self::Cells,
            other => other,
        }
    }
}
