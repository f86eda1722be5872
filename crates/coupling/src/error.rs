//! Errors of this crate.

/// Why a component could not be made, stepped or restored.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// A field that a step needs is not there.
    #[error("the field `{field}` is not there")]
    NoField {
        /// Its name.
        field: String,
    },
    /// A parameter of the experiment file is not usable.
    #[error("parameter `{parameter}`: {problem}")]
    Parameter {
        /// Its name.
        parameter: String,
        /// What is wrong: found and expected.
        problem: String,
    },
    /// The parameters do not have the form that the component reads.
    #[error("{0}")]
    Document(#[from] crate::document::DocumentError),
    /// A file cannot be read.
    #[error("{0}")]
    Io(#[from] knarr_io::IoError),
    /// A saved state does not fit.
    #[error("state `{array}`: {problem}")]
    State {
        /// Which array.
        array: String,
        /// What is wrong: found and expected.
        problem: String,
    },
    /// A value is not usable.
    #[error("{problem}")]
    Value {
        /// What, where, found and expected.
        problem: String,
    },
}
