//! Errors of this crate.

/// Why a grid could not be made.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum GridError {
    /// Two lengths that belong together differ.
    #[error("{what} has {found} values, expected {expected}")]
    WrongLength {
        /// What was counted.
        what: String,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// An axis is not usable.
    #[error("{what}: {problem}")]
    BadAxis {
        /// Which axis.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A grid specification that names no grid.
    #[error("unknown grid `{spec}`{}", if .near.is_empty() { String::new() } else { format!(", did you mean {}?", .near.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")) })]
    UnknownSpec {
        /// What was typed.
        spec: String,
        /// Specifications that look alike.
        near: Vec<String>,
    },
    /// A grid specification with a value out of range.
    #[error("grid `{spec}`: {problem}")]
    BadSpec {
        /// What was typed.
        spec: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Components along the axes of the grid need a grid that has axes.
    #[error("a {family} grid has no x and y axes that vector components could be along")]
    NoAxes {
        /// Kind of grid.
        family: String,
    },
    /// A projection the projection library refuses.
    #[error("projection `{definition}`: {problem}")]
    Projection {
        /// PROJ string.
        definition: String,
        /// What the library says.
        problem: String,
    },
}
