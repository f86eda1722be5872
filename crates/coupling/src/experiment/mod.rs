//! The experiment file: one YAML document that says which components run, when, and what goes from one to another.

mod choices;
mod named;
mod schema;

pub use choices::{
    Conservation, ConservationMode, GridEntry, Initial, InitialEntry, IterateEntry, MapEntry, RunItem, Scheme, Unconverged,
    Unmapped, ZoneEntry,
};
pub use named::{FieldPair, Named};
pub use schema::schema;

use crate::document::{DocumentError, Node, Placed};
use crate::{Quantity, Reduction};
use knarr_regrid::Normalization;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A coupled run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What it is about, in a sentence.
    #[serde(default)]
    pub title: Option<String>,
    /// When it runs.
    pub clock: Clock,
    /// Grids by name.
    #[serde(default)]
    pub grids: Named<GridEntry>,
    /// Components by name.
    pub components: Named<ComponentEntry>,
    /// Ways from grid to grid, by name.
    #[serde(default)]
    pub maps: Named<MapEntry>,
    /// What goes from one component to another.
    #[serde(default)]
    pub exchanges: Vec<Placed<ExchangeEntry>>,
    /// The order of steps; worked out from the exchanges if not given.
    #[serde(default)]
    pub run: Option<Vec<Placed<RunItem>>>,
    /// What the ledger follows and how closely it must close.
    #[serde(default)]
    pub budget: Budget,
    /// What is written during the run.
    #[serde(default)]
    pub output: Output,
    /// States to go on from.
    #[serde(default)]
    pub restart: Option<Restart>,
    /// Where weights are kept between runs.
    #[serde(default)]
    pub weights: Option<WeightsFolder>,
    /// Where exchanges are: `cpu` (default), `gpu`, `gpu:N` or `auto`; `--device` says otherwise.
    #[serde(default)]
    pub device: Option<Placed<String>>,
}

/// When an experiment runs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Date and time of the beginning, such as 2000-01-01 or 2000-01-01T06:00.
    pub start: Placed<String>,
    /// Length of the run (P10D, P1Y) or date and time of its end.
    pub stop: Placed<String>,
    /// A calendar of CF: standard (default), proleptic_gregorian, julian, noleap, all_leap, 360_day, or another name of these.
    #[serde(default)]
    pub calendar: Option<Placed<String>>,
}

/// A component of an experiment.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentEntry {
    /// What it is: `knarr couple kinds` lists all.
    pub kind: Placed<String>,
    /// Its grid: a name of `grids`, or a grid as `knarr grid --list` names them.
    #[serde(default)]
    pub grid: Option<Placed<String>>,
    /// Length of its step, such as PT1H.
    pub step: Placed<String>,
    /// What its kind needs to know.
    #[serde(default)]
    pub parameters: Option<Node>,
}

/// Fields that go from one component to another in the same way.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeEntry {
    /// The component that gives.
    pub from: Placed<String>,
    /// The component that takes.
    pub to: Placed<String>,
    /// Names of the fields; `{theirs: ours}` where the two components call a field differently.
    pub fields: Vec<Placed<FieldPair>>,
    /// How often, such as PT1H: a whole number of steps of both.
    pub every: Placed<String>,
    /// What is made of the values given since the last time.
    #[serde(default)]
    pub reduce: Option<Reduction>,
    /// How much later it is taken than given: a length of time up to `every`, or `2 periods`, `3 periods`, ...
    #[serde(default)]
    pub lag: Option<Placed<String>>,
    /// What is taken where a lag reaches back before the beginning: `component`, a number with units, or FILE.nc:VARIABLE;
    /// `{field: ...}` where fields differ.
    #[serde(default)]
    pub initial: Option<Placed<InitialEntry>>,
    /// The way from grid to grid: a name of `maps`, or methods in order.
    #[serde(default)]
    pub map: Option<Placed<String>>,
    /// What happens to cells that the map does not reach: an error (default), or they are missing.
    #[serde(default)]
    pub unmapped: Option<Unmapped>,
    /// How the integral is made to agree on both sides.
    #[serde(default)]
    pub conserve: Option<Placed<Conservation>>,
    /// Least and greatest value, in the units of the taker; what is clipped goes to the ledger.
    #[serde(default)]
    pub range: Option<Placed<[f64; 2]>>,
    /// The field of the taker that is the fraction of each cell this exchange stands for, where several feed one field.
    #[serde(default)]
    pub share: Option<Placed<String>>,
}

/// What the ledger follows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Quantities whose stocks are set against the fluxes.
    #[serde(default)]
    pub quantities: Vec<Quantity>,
    /// Length of a row of the table; the whole run if not given.
    #[serde(default)]
    pub every: Option<Placed<String>>,
    /// Greatest relative residual of an exchange that conserves.
    #[serde(default)]
    pub limit: Option<Placed<f64>>,
    /// Parts of the Earth that are summed apart, by name; the rest is one more.
    #[serde(default)]
    pub basins: Named<ZoneEntry>,
}

/// What is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The folder; NAME.out beside the experiment NAME.yaml if not given.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// How often exports are written; never if not given.
    #[serde(default)]
    pub every: Option<Placed<String>>,
    /// Exports to write, as COMPONENT.FIELD or COMPONENT; all if not given.
    #[serde(default)]
    pub fields: Option<Vec<Placed<String>>>,
}

/// When states are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// How often; the last two are kept.
    pub every: Placed<String>,
}

/// Where weights are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightsFolder {
    /// The folder; weights in it are found again by the content of both grids and the method.
    pub cache: PathBuf,
}

/// What `normalization` may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NormalizationName {
    /// By the overlapped part of a cell: constants stay constant.
    Fracarea,
    /// By the whole cell: the integral over whole cells is kept.
    Destarea,
}

impl From<NormalizationName> for Normalization {
    fn from(name: NormalizationName) -> Self {
        match name {
            NormalizationName::Fracarea => Self::FractionArea,
            NormalizationName::Destarea => Self::DestinationArea,
        }
    }
}

/// An experiment with the file it was read from.
#[derive(Clone, Debug)]
pub struct ExperimentFile {
    /// As the user named it.
    pub path: PathBuf,
    /// The tree, for what needs to know what was written.
    pub document: Node,
    /// What it says.
    pub experiment: Experiment,
}

/// Why an experiment file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The file is not there or not readable.
    #[error("{}: cannot read: {source}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no experiment.
    #[error("{}:{}: {source}", .path.display(), .source.place.line)]
    Document {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: DocumentError,
    },
}

impl ExperimentFile {
    /// Reads an experiment.
    ///
    /// # Errors
    /// [`ExperimentError`] with the line of what does not fit.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ExperimentError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// An experiment from its text; file names in it start from the folder of `path`.
    ///
    /// # Errors
    /// As [`ExperimentFile::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ExperimentError> {
        let wrong = |source| ExperimentError::Document { path: path.to_owned(), source };
        let document = Node::parse(text).map_err(wrong)?;
        let experiment = document.clone().read().map_err(wrong)?;
        Ok(Self { path: path.to_owned(), document, experiment })
    }

    /// The folder that file names start from.
    pub fn folder(&self) -> PathBuf {
        self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
    }
}
