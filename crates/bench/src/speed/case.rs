//! One definition of what is timed, for `knarr bench` and for criterion.

use super::suites::Prepare;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How large a case is; four steps of about a factor 4 in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// Seconds for all, also on a laptop.
    S,
    /// A degree or half of it.
    M,
    /// A quarter of a degree.
    L,
    /// The operational size that the suite is named after.
    Xl,
}

impl Size {
    /// All, small first.
    pub const ALL: [Self; 4] = [Self::S, Self::M, Self::L, Self::Xl];
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::S => "s",
            Self::M => "m",
            Self::L => "l",
            Self::Xl => "xl",
        })
    }
}

/// Where a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor, by rayon.
    Cpu,
    /// A graphics processor, by wgpu.
    Gpu,
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Cpu { "cpu" } else { "gpu" })
    }
}

/// What bounds a case at best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// Memory bandwidth (copy).
    Memory,
    /// Arithmetic in double precision.
    Arithmetic,
    /// Reading from disk.
    Disk,
    /// Nothing simple: no share is given.
    Open,
}

/// What a call of a case does, counted from its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Work {
    /// How many items; time is given per item.
    pub items: u64,
    /// What an item is.
    pub unit: String,
    /// Bytes that must move at least.
    pub bytes: u64,
    /// Operations on numbers; 0: not counted.
    pub flops: u64,
    /// How bytes and operations were counted.
    pub formula: String,
    /// What it is held against.
    pub bound: Bound,
}

/// A figure beside the time, such as the share of a run that is not in its components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its unit: `%`, `a day`.
    pub unit: String,
}

impl Figure {
    /// For people: `outside of components: 0.8 %`.
    pub fn in_words(&self) -> String {
        let digits = if self.value.abs() < 10.0 { 2 } else { 0 };
        format!("{}: {:.digits$} {}", self.name, self.value, self.unit)
    }
}

/// A case that is ready to run.
pub struct Case<'c> {
    /// What it does.
    pub work: Work,
    /// Its result against the truth, of one call before any is timed: the number, and what it is.
    pub error: (f64, String),
    /// Whether a program on the processor only acts as the graphics processor.
    pub is_software: bool,
    /// One call.
    pub run: Box<dyn FnMut() -> Result<(), CaseError> + Send + 'c>,
    /// Figures of the calls since it was last asked.
    pub figures: Box<dyn FnMut() -> Vec<Figure> + 'c>,
}

impl<'c> Case<'c> {
    /// A case on real hardware with no other figures than its time.
    pub fn new(work: Work, error: (f64, String), run: impl FnMut() -> Result<(), CaseError> + Send + 'c) -> Self {
        Self { work, error, is_software: false, run: Box::new(run), figures: Box::new(Vec::new) }
    }

    /// The same on a program that may only act as a graphics processor.
    #[must_use]
    pub fn by_software(self, is_software: bool) -> Self {
        Self { is_software, ..self }
    }

    /// The same with further figures.
    #[must_use]
    pub fn with_figures(self, figures: impl FnMut() -> Vec<Figure> + 'c) -> Self {
        Self { figures: Box::new(figures), ..self }
    }
}

/// A case that can be made ready.
pub struct Plan {
    /// The work it stands for: `RLL 0.25 -> CS360`.
    pub suite: &'static str,
    /// What is timed: `weights conservative`.
    pub kernel: String,
    /// Where.
    pub device: Device,
    /// How large.
    pub size: Size,
    /// What exactly is used at this size: `r360x180 -> CS90`.
    pub data: String,
    /// Whether more threads make a difference.
    pub is_parallel: bool,
    /// Makes the data, runs once, judges the result, and hands the case over to be timed.
    pub with: Prepare,
}

impl Plan {
    /// `device/kernel/suite/size`: the same wherever the case is timed.
    pub fn id(&self) -> String {
        format!("{}/{}/{}/{}", self.device, self.kernel, self.suite, self.size)
    }
}

/// Why a case has no figure.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CaseError {
    /// The result is not what it must be.
    #[error("wrong result: {found:e} ({what}), at most {bound:e} is right")]
    Wrong {
        /// What was compared.
        what: String,
        /// How far off it is.
        found: f64,
        /// How far off it may be.
        bound: f64,
    },
    /// There is no device of the kind.
    #[error("no adapter")]
    NoAdapter,
    /// It could not run.
    #[error("{0}")]
    Failed(String),
}

impl CaseError {
    /// Of any other error.
    pub fn from_error(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Lets a result pass that is not farther off than `bound`.
///
/// # Errors
/// [`CaseError::Wrong`], for NaN too.
pub fn judged(what: &str, found: f64, bound: f64) -> Result<(f64, String), CaseError> {
    if found <= bound { Ok((found, what.to_owned())) } else { Err(CaseError::Wrong { what: what.to_owned(), found, bound }) }
}
