//! Errors of this crate.

/// Why a map cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Values or flags do not belong to the grid.
    #[error("{what} has {found} values, the grid has {expected} cells")]
    WrongLength {
        /// What was counted.
        what: &'static str,
        /// Its length.
        found: usize,
        /// Cells of the grid.
        expected: usize,
    },
    /// The grid has no cell to draw.
    #[error("the grid has no cell with a position")]
    NothingToDraw,
    /// A picture of this size cannot be drawn.
    #[error("a map {found} pixels wide cannot be drawn, expected {least} to {most}")]
    BadWidth {
        /// What was asked for.
        found: u32,
        /// Smallest width.
        least: u32,
        /// Largest width.
        most: u32,
    },
    /// The colour range is empty or not finite.
    #[error("colours from {low} to {high} show nothing, expected two finite numbers in ascending order")]
    BadRange {
        /// Low end.
        low: f64,
        /// High end.
        high: f64,
    },
    /// The encoder refused the picture.
    #[error("the PNG encoder failed")]
    Encode(#[from] png::EncodingError),
}
