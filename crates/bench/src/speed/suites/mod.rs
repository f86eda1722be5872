//! What is timed, named after real work. Inputs come from the grid catalogue and analytic fields: no files are needed.

mod axes;
mod coupling;
mod exchange;
mod file;
mod pairs;
mod regrid;
mod tripolar;
mod weights_file;

use super::{Case, CaseError, Plan, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use pairs::{PAIRS, Pair, Spec};
pub use tripolar::tripolar;

/// Takes a case that is ready and times it.
pub type Measure<'m> = &'m mut dyn FnMut(Case<'_>);

/// Makes a case ready and hands it over.
pub type Prepare = Box<dyn Fn(Measure<'_>) -> Result<(), CaseError>>;

/// A group of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// Kernels on data in memory.
    Speed,
    /// Files.
    Io,
    /// Releases packed and verified.
    Exchange,
    /// Components of one run.
    Coupling,
}

impl Suite {
    /// All.
    pub const ALL: [Self; 4] = [Self::Speed, Self::Io, Self::Exchange, Self::Coupling];

    /// Its cases at a size; those on a graphics processor on the adapter of that number.
    pub fn plans(self, size: Size, adapter: usize) -> Vec<Plan> {
        match self {
            Self::Speed => regrid::plans(size, adapter),
            Self::Io => [file::plans(size), axes::plans(size), weights_file::plans(size)].into_iter().flatten().collect(),
            Self::Exchange => exchange::plans(size),
            Self::Coupling => coupling::plans(size),
        }
    }
}

impl std::fmt::Display for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Speed => "speed",
            Self::Io => "io",
            Self::Exchange => "exchange",
            Self::Coupling => "coupling",
        })
    }
}
