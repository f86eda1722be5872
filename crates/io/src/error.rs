//! Errors of this crate.

use crate::weights::{bytes_in_words, links_in_words};
use std::path::PathBuf;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IoError {
    /// No such file.
    #[error("{}: no such file", .path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("{}: cannot {action}: {source}", .path.display())]
    System {
        /// Which file.
        path: PathBuf,
        /// What was tried: `read`, `create`, `rename`, ...
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file of another kind.
    #[error("{}: not a NetCDF file{}", .path.display(), .looks_like.map(|l| format!(", it looks like {l}")).unwrap_or_default())]
    NotNetcdf {
        /// Which file.
        path: PathBuf,
        /// What its first bytes look like.
        looks_like: Option<&'static str>,
    },
    /// The file ends too early.
    #[error("{}: the file is truncated: {problem}", .path.display())]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// Found and expected size, or what the library says.
        problem: String,
    },
    /// Another program is writing the file.
    #[error("{}: another program has locked the file, it is being written", .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// The NetCDF library refuses.
    #[error("{}: {what}: {problem}", .path.display())]
    Netcdf {
        /// Which file.
        path: PathBuf,
        /// Variable, dimension or attribute.
        what: String,
        /// What the library says.
        problem: String,
    },
    /// Values are packed in a way that there is nothing to unpack with.
    #[error("{}: {what}: its values are packed by a filter that is not at hand, such as szip or a plugin", .path.display())]
    Filter {
        /// Which file.
        path: PathBuf,
        /// Which variable.
        what: String,
    },
    /// No variable of that name.
    #[error("{}: no variable `{name}`{}", .path.display(), near_names(.near))]
    NoVariable {
        /// Which file.
        path: PathBuf,
        /// What was asked for.
        name: String,
        /// Names that look alike.
        near: Vec<String>,
    },
    /// A variable does not hold what is wanted of it.
    #[error("{}: variable `{variable}` has type {found}, expected {expected}", .path.display())]
    WrongType {
        /// Which file.
        path: PathBuf,
        /// Which variable.
        variable: String,
        /// Its type.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// Dimensions of a variable do not fit.
    #[error("{}: variable `{variable}` has dimensions {found}, expected {expected}", .path.display())]
    WrongShape {
        /// Which file.
        path: PathBuf,
        /// Which variable.
        variable: String,
        /// Its dimensions.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// An attribute cannot be used.
    #[error("{}: attribute `{attribute}` of `{variable}`: {problem}", .path.display())]
    BadAttribute {
        /// Which file.
        path: PathBuf,
        /// Which variable.
        variable: String,
        /// Which attribute.
        attribute: String,
        /// What is wrong: found and expected.
        problem: String,
    },
    /// Not-a-number that no attribute declares missing.
    #[error("{}: variable `{variable}` has NaN at value {first_index} (0-based), and no `_FillValue` or `missing_value` says that NaN is missing", .path.display())]
    NanWithoutFill {
        /// Which file.
        path: PathBuf,
        /// Which variable.
        variable: String,
        /// Flat index of the first NaN in the variable.
        first_index: usize,
    },
    /// A variable, or a file's every variable, has no grid.
    #[error("{}: no variable can be regridded{}", .path.display(), .reasons.iter().map(|(v, why)| format!("\n  `{v}`: {why}")).collect::<String>())]
    NoGriddedVariable {
        /// Which file.
        path: PathBuf,
        /// Each variable and why.
        reasons: Vec<(String, String)>,
    },
    /// A variable has no recognisable grid.
    #[error("{}: variable `{variable}` has no grid: {problem}", .path.display())]
    NoGrid {
        /// Which file.
        path: PathBuf,
        /// Which variable.
        variable: String,
        /// What is missing or contradictory.
        problem: String,
    },
    /// The grid cannot be made from what the file says.
    #[error("{}: {what}: {source}", .path.display())]
    Grid {
        /// Which file.
        path: PathBuf,
        /// Variable or file part.
        what: String,
        /// Why.
        source: knarr_grid::GridError,
    },
    /// Regridding fails.
    #[error("{}: cannot regrid `{variable}`: {source}", .path.display())]
    Regrid {
        /// Input file.
        path: PathBuf,
        /// Which variable.
        variable: String,
        /// Why.
        source: knarr_regrid::RegridError,
    },
    /// A component of a vector that means nothing by itself.
    #[error("{}: cannot regrid `{variable}`: it is a component along {along}, and {problem}", .path.display())]
    Component {
        /// Input file.
        path: PathBuf,
        /// Which variable.
        variable: String,
        /// What it is along, in words.
        along: &'static str,
        /// Why it cannot be turned: what is missing or does not fit.
        problem: String,
        /// What may help.
        remedy: ComponentRemedy,
    },
    /// A weights or grid file does not say what its layout demands.
    #[error("{}: {what}: {problem}", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Kind of content: `weights`, `UGRID mesh`, ...
        what: &'static str,
        /// What is missing or wrong: found and expected.
        problem: String,
    },
    /// A text that names neither a file nor a grid.
    #[error("{source}")]
    UnknownGrid {
        /// What is wrong with the specification.
        source: knarr_grid::GridError,
    },
    /// Weights belong to other grids.
    #[error("the weights do not belong to {what}: found {found}, expected {expected}")]
    WeightsMismatch {
        /// Which end, or which property.
        what: String,
        /// What the weights have.
        found: String,
        /// What they should have.
        expected: String,
    },
    /// A job needs more memory than it may take.
    #[error("about {} of memory are needed for {}, at most {} are allowed", bytes_in_words(*needed), links_in_words(*links), bytes_in_words(*allowed))]
    Memory {
        /// About how many links the weights have.
        links: u64,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// The output exists.
    #[error("{}: the output file exists already", .path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// The output could not be written completely; nothing was left behind.
    #[error("{}: cannot write: {problem}", .path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system or the library says.
        problem: String,
    },
}

fn near_names(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!(", did you mean {}?", near.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or "))
}

/// What may help with a component of a vector that cannot be regridded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentRemedy {
    /// The other component beside it.
    Partner,
    /// To say that it is along the Earth's axes, as its grid has none.
    EarthAxes,
    /// To take it by itself, as what is asked for is not of vectors.
    Apart,
}

impl std::fmt::Display for ComponentRemedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Partner => "name the other component with --pair if it is there; `--vectors separate` regrids it as a scalar",
            Self::EarthAxes => "if it is east or north, say so with --pair; `--vectors separate` regrids it as a scalar",
            Self::Apart => "`--vectors separate` takes each component by itself, along its own axes",
        })
    }
}

impl IoError {
    /// Whether others of the file may fare better.
    pub(crate) fn concerns_one_variable(&self) -> bool {
        matches!(self, Self::Regrid { .. } | Self::WeightsMismatch { .. } | Self::Component { .. })
    }

    /// How to go on, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotNetcdf { looks_like: Some(kind), .. } if kind.starts_with("GRIB") => {
                "convert it first, for example with `cdo -f nc4 copy IN.grib OUT.nc`".to_owned()
            }
            Self::Locked { .. } => "wait until the other program has closed it".to_owned(),
            Self::Truncated { .. } => "copy or download the file again".to_owned(),
            Self::Filter { .. } => "pack it anew with the tools of HDF5: `h5repack -f GZIP=1 IN.nc OUT.nc`".to_owned(),
            Self::NoVariable { path, .. } => format!("`knarr inspect {}` lists the variables", path.display()),
            Self::NanWithoutFill { .. } => "`--nan missing` takes NaN as missing".to_owned(),
            Self::NoGrid { .. } | Self::NoGriddedVariable { .. } => {
                "`--source-grid GRID` takes the grid from another file or a name, matched by dimension sizes".to_owned()
            }
            Self::Regrid { source: knarr_regrid::RegridError::NoCorners { .. }, .. } => {
                "`--method nearest`, `distance` or `bilinear` need no cell corners".to_owned()
            }
            Self::Component { remedy, .. } => remedy.to_string(),
            Self::Exists { .. } => "`--force` overwrites it".to_owned(),
            Self::Write { .. } => "check the free space and the permissions of the folder".to_owned(),
            _ => return None,
        })
    }
}
