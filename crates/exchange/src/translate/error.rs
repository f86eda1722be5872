//! Why a file could not be translated.

use super::{BadLayers, ChainError, NoAxes};
use crate::catalogue::CatalogueError;
use knarr_field::FieldError;
use knarr_io::IoError;

/// Why a file could not be translated.
#[derive(Debug, thiserror::Error)]
pub enum TranslateError {
    /// The file cannot be read or written, or not regridded.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The catalogue, or a field that was asked for.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// No variable is a field of the catalogue.
    #[error("no variable of {file} is a field of the catalogue in the convention {convention}{}", .reasons.iter().map(|(v, why)| format!("\n`{v}`: {why}")).collect::<String>())]
    Nothing {
        /// Which file.
        file: String,
        /// The convention it was read by.
        convention: String,
        /// Each variable and why not.
        reasons: Vec<(String, String)>,
    },
    /// A variable could be several fields.
    #[error("`{variable}` may be {}", .fields.join(" or "))]
    Ambiguous {
        /// Which variable.
        variable: String,
        /// Ids of the fields.
        fields: Vec<String>,
    },
    /// Two variables are the same field.
    #[error("`{first}` and `{second}` are both {field}")]
    Twice {
        /// A variable.
        first: String,
        /// Another.
        second: String,
        /// The field.
        field: String,
    },
    /// Units that do not fit the field.
    #[error("`{variable}` ({field}): {problem}")]
    Units {
        /// Which variable.
        variable: String,
        /// The field.
        field: String,
        /// Found and expected.
        problem: String,
    },
    /// The file does not tell whether values are totals or means.
    #[error("`{variable}` ({field}) is labelled `{units}`: its values may be means, or run totals with a wrong label")]
    Statistic {
        /// Which variable.
        variable: String,
        /// The field.
        field: String,
        /// Its units, as the file has them.
        units: String,
    },
    /// A fraction that is labelled as a percentage.
    #[error("`{variable}` ({field}) is labelled `%`, but no value is above {largest}: it looks like a fraction")]
    LooksLikeFraction {
        /// Which variable.
        variable: String,
        /// The field.
        field: String,
        /// The largest value.
        largest: f64,
    },
    /// A variable that goes with another one is not there.
    #[error("`{variable}` ({field}) needs {needs}, which is not in the file")]
    Partner {
        /// Which variable.
        variable: String,
        /// The field.
        field: String,
        /// What it needs.
        needs: String,
    },
    /// A time axis that does not tell intervals.
    #[error("`{variable}`: {problem}")]
    Time {
        /// Which variable.
        variable: String,
        /// What is wrong.
        problem: String,
    },
    /// An operation cannot be carried out.
    #[error("`{variable}` ({field}): {source}")]
    Chain {
        /// Which variable.
        variable: String,
        /// The field.
        field: String,
        /// Why.
        source: ChainError,
    },
    /// A grid without axes.
    #[error("`{variable}`: {source}")]
    Axes {
        /// Which variable.
        variable: String,
        /// Why.
        source: NoAxes,
    },
    /// Soil layers that cannot be used.
    #[error("`{variable}`: {source}")]
    Layers {
        /// Which variable.
        variable: String,
        /// Why.
        source: BadLayers,
    },
    /// A date or a calendar.
    #[error("`{variable}`: {source}")]
    Calendar {
        /// Which variable.
        variable: String,
        /// Why.
        source: FieldError,
    },
    /// A temporary folder beside the output cannot be made.
    #[error("cannot make a temporary folder beside {path}: {source}")]
    Folder {
        /// The output.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl TranslateError {
    /// How to go on, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io(error) => return error.hint(),
            Self::Ambiguous { variable, fields } => format!("say which with `--map {variable}={}`", fields[0]),
            Self::Twice { first, .. } => format!("translate one at a time: `--vars {first}`"),
            Self::Units { variable, .. } => format!("if the file is wrong, say what its values are in: `--units {variable}=UNITS`"),
            Self::Statistic { variable, .. } => format!("say which with `--statistic {variable}=total` or `--statistic {variable}=mean`"),
            Self::LooksLikeFraction { variable, .. } => format!("say so with `--units {variable}=1`, or insist with `--units {variable}=%`"),
            Self::Partner { .. } => "both must be in one file; merge them first".to_owned(),
            Self::Time { .. } => "say when the run started with `--start 2026-05-01T00:00Z`".to_owned(),
            Self::Nothing { .. } => "`knarr exchange catalogue` lists the names; `--from` says whose they are, `--map VAR=FIELD` which field a variable is".to_owned(),
            _ => return None,
        })
    }
}
