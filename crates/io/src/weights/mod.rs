//! Weights files: ESMF and SCRIP layouts written and read, TempestRemap's read; identity checked before use.
//!
//! | | ESMF (`S`, `row`, `col`) | SCRIP (`remap_matrix`, `dst_address`, `src_address`) |
//! |---|---|---|
//! | index base in the file | 1 | 1 |
//! | centers and corners | degrees | radians |
//! | areas | steradians | steradians |
//! | mask | 1 = active | 1 = active |
//! | extents (`*_grid_dims`) | fastest first | fastest first |
//!
//! In memory indices are 0-based, extents slowest first, links sorted by row and column.

mod esmf;
mod identity;
mod memory;
mod parts;
pub(crate) mod raw;
mod scrip;
mod sorted;
mod tables;
mod tiles;
mod write;

pub use identity::{CENTER_TOLERANCE_DEG, check_identity};
pub use memory::MemoryPlan;
pub(crate) use memory::{bytes_in_words, links_in_words};
pub use tiles::WeightsTiles;
pub use write::write_weights;

use crate::IoError;
use knarr_grid::{LonLat, Mask};
use knarr_regrid::Weights;
use std::path::Path;

/// Layout of a weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightsFormat {
    /// ESMF, as NCO and TempestRemap read it.
    Esmf,
    /// SCRIP, as CDO reads it.
    Scrip,
}

/// Weights with what else their file says about the two grids.
#[derive(Clone, Debug)]
pub struct WeightsFile {
    /// The weights.
    pub weights: Weights,
    /// `ESMF`, `SCRIP` or `TempestRemap`.
    pub convention: &'static str,
    /// Centers of the source cells, if the file has them.
    pub source_centers: Option<Vec<LonLat>>,
    /// Centers of the destination cells, if the file has them.
    pub destination_centers: Option<Vec<LonLat>>,
    /// Source cells that took part when the weights were made.
    pub source_mask: Mask,
    /// Destination cells that took part when the weights were made.
    pub destination_mask: Mask,
    /// Extents of the source grid, slowest first.
    pub source_shape: Vec<usize>,
    /// Extents of the destination grid, slowest first.
    pub destination_shape: Vec<usize>,
    /// Remarks: duplicates merged, units left out.
    pub notes: Vec<String>,
}

/// Reads weights in ESMF, SCRIP or TempestRemap layout.
///
/// Repeated links of one pair of cells are added up, as a sparse matrix means them, and noted.
///
/// # Errors
/// [`IoError`] if the file cannot be read, holds no weights, or an index or a weight is not valid.
pub fn read_weights(path: &Path) -> Result<WeightsFile, IoError> {
    sorted::weights_from(raw::RawWeights::read(path)?, path)
}
