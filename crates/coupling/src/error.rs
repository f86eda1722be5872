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
    /// Values cannot be copied to or from a device, or mapped.
    #[error("{0}")]
    Regrid(#[from] knarr_regrid::RegridError),
    /// A value is not usable.
    #[error("{problem}")]
    Value {
        /// What, where, found and expected.
        problem: String,
    },
}

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A component could not make its step.
    #[error("component `{component}` at {at}: {source}")]
    Component {
        /// Which.
        component: String,
        /// Start of the step.
        at: String,
        /// Why.
        source: Box<ComponentError>,
    },
    /// A value was taken before it was given: the schedule and the couplings do not agree.
    #[error("`{coupling}` at {at}: the value up to {window} was not given")]
    NotGiven {
        /// Which.
        coupling: String,
        /// Start of the step that takes it.
        at: String,
        /// End of the window.
        window: String,
    },
    /// Weights could not be applied.
    #[error("{0}")]
    Regrid(#[from] knarr_regrid::RegridError),
    /// A correction is larger than allowed.
    #[error("`{coupling}`: the correction is {size:.3e} of what was given, at most {limit:.3e} are allowed")]
    Correction {
        /// Which.
        coupling: String,
        /// Its size, relative.
        size: f64,
        /// What is allowed.
        limit: f64,
    },
    /// The ledger does not close.
    #[error(
        "`{coupling}` up to {window}, {zone}: {residual:.3e} of {scale:.3e} is not accounted for, at most {limit:.1e} of it may be"
    )]
    Ledger {
        /// Which.
        coupling: String,
        /// End of the window.
        window: String,
        /// Where.
        zone: String,
        /// What is left.
        residual: f64,
        /// The greatest column.
        scale: f64,
        /// What is allowed, relative.
        limit: f64,
    },
    /// Fractions that should cover a cell do not.
    #[error("`{component}` at {at}: the shares of `{field}` add up to {sum} in cell {cell}, expected 1")]
    Shares {
        /// The component that takes.
        component: String,
        /// Start of the step.
        at: String,
        /// The merged field.
        field: String,
        /// First cell where they do not.
        cell: usize,
        /// What they add up to.
        sum: f64,
    },
    /// An iteration did not converge.
    #[error("the iteration of {members} at {at} changes by {change:.3e} after {passes} passes, the tolerance is {tolerance:.1e}")]
    NotConverged {
        /// Its members.
        members: String,
        /// Start of the interval.
        at: String,
        /// Relative change of the last pass.
        change: f64,
        /// How many.
        passes: u32,
        /// What was asked for.
        tolerance: f64,
    },
    /// A field has values that are no numbers.
    #[error("`{component}` at {at} gives {value} in cell {cell} of `{field}`")]
    NotFinite {
        /// The component.
        component: String,
        /// End of the step.
        at: String,
        /// The field.
        field: String,
        /// First such cell.
        cell: usize,
        /// What is there.
        value: f64,
    },
    /// A kept state does not belong to this run.
    #[error("{}: {problem}", .path.display())]
    Restart {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        problem: String,
        /// What has changed, by name.
        changed: Vec<String>,
    },
    /// Couplings that never took a value.
    #[error("exchanged nothing: {}", .couplings.join("; "))]
    Silent {
        /// Which.
        couplings: Vec<String>,
    },
    /// Files that the run read are others now.
    #[error("inputs changed while the run was on: {}", .files.join(", "))]
    InputsChanged {
        /// Which.
        files: Vec<String>,
    },
    /// Threads could not be started.
    #[error("cannot start threads: {0}")]
    Threads(String),
    /// A file could not be written or read.
    #[error("{0}")]
    Io(#[from] knarr_io::IoError),
    /// A state could not be taken back.
    #[error("{0}")]
    State(#[from] ComponentError),
}

impl RunError {
    /// How to go on, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Correction { .. } => "look at the map (coverage, masks) before raising `limit` of `conserve`".to_owned(),
            Self::Ledger { .. } => {
                "give the map a method that keeps integrals (`conservative`, `spread`), or raise `limit` of `budget` knowingly"
                    .to_owned()
            }
            Self::Shares { .. } => "every cell must be shared out wholly: check the fractions and their maps".to_owned(),
            Self::NotConverged { .. } => "allow more passes (`at_most`), relax less, or say `otherwise: warn`".to_owned(),
            Self::Restart { changed, .. } if !changed.is_empty() => {
                "undo the change, start a new run in another folder, or name what may differ (`--allow-changed NAME`)".to_owned()
            }
            Self::Silent { .. } => "shorten `every`, or let the run go on for at least one period and lag".to_owned(),
            Self::InputsChanged { .. } => {
                "the outputs are there, and nobody can tell which data they are of: run again from the start".to_owned()
            }
            Self::Io(error) => return error.hint(),
            _ => return None,
        })
    }
}
