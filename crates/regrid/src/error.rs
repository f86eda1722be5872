//! Errors of this crate.

/// Why weights could not be made or applied.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum RegridError {
    /// A conservative method needs cells, the grid has points.
    #[error("the {end} grid has no cell corners")]
    NoCorners {
        /// `source` or `destination`.
        end: &'static str,
    },
    /// Nothing to interpolate from.
    #[error("the {end} grid has no active cell")]
    NoActiveCell {
        /// `source` or `destination`.
        end: &'static str,
    },
    /// Values do not belong to the grid the weights were made for.
    #[error("{what} has {found} values, the weights expect {expected}")]
    WrongLength {
        /// What was counted.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// The graphics processor fails, or has not what is needed.
    #[error("{problem}")]
    Device {
        /// What it is, in words.
        problem: String,
    },
    /// More cells than an index can name.
    #[error("the {end} grid has {cells} cells, more than the {limit} that weights can address")]
    TooManyCells {
        /// `source` or `destination`.
        end: &'static str,
        /// Cells found.
        cells: usize,
        /// The limit.
        limit: usize,
    },
    /// What cannot be made of the values of a method.
    #[error("{needs}, the method is {method}")]
    Finish {
        /// A statistic or a limit, and what it needs.
        needs: &'static str,
        /// The method.
        method: String,
    },
    /// No statistic or limit.
    #[error("no statistic or limit `{text}`, expected mean, min, max, mode, median, p0 to p100, stddev, count, monotone or caas")]
    UnknownFinish {
        /// What was asked for.
        text: String,
    },
    /// A stack of methods that means nothing.
    #[error("layer `{layer}`: {problem}")]
    Stack {
        /// The layer, as it is written.
        layer: String,
        /// What is wrong, what was expected.
        problem: String,
    },
}
