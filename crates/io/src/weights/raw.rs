//! What a weights file says, before it is judged or used.

use super::tables::Tables;
use crate::IoError;
use knarr_grid::LonLat;
use rayon::prelude::*;
use std::path::Path;

/// In place of an index outside its grid; no grid has so many cells.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// One end of the map as its file describes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawEnd {
    /// Number of cells.
    pub len: usize,
    /// Center of each cell, degrees.
    pub centers: Option<Vec<LonLat>>,
    /// Area of each cell in steradians.
    pub areas: Option<Vec<f64>>,
    /// Part of each cell that takes part.
    pub fractions: Option<Vec<f64>>,
    /// 1 = active.
    pub mask: Option<Vec<bool>>,
    /// Extents, slowest first.
    pub shape: Vec<usize>,
}

/// Indices of one end of the links.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Indices {
    /// Cell of each link, counted from 0, or [`NOWHERE`].
    pub cells: Vec<u32>,
    /// The first link that is nowhere, and what the file has there, less its index base.
    pub outside: Option<(usize, i64)>,
}

/// A weights file as read: 16 bytes a link, which may be in any order and lead nowhere.
#[derive(Clone, Debug)]
pub(crate) struct RawWeights {
    /// `ESMF`, `SCRIP` or `TempestRemap`.
    pub convention: &'static str,
    pub source: RawEnd,
    pub destination: RawEnd,
    /// Destination cell of each link.
    pub rows: Indices,
    /// Source cell of each link.
    pub columns: Indices,
    /// Weight of each link.
    pub values: Vec<f64>,
    /// Method in words.
    pub method: String,
    /// Whether the name of the method says that integrals are kept.
    pub conservative: bool,
    /// `fracarea`, `destarea` or `none`.
    pub normalization: String,
    pub source_hash: String,
    pub destination_hash: String,
    pub options_hash: String,
    /// Of active destination cells without links.
    pub fixed_value: Option<f64>,
    /// Remarks about what was read.
    pub notes: Vec<String>,
}

impl RawWeights {
    /// Reads either layout, recognised by its variables.
    pub fn read(path: &Path) -> Result<Self, IoError> {
        let file = Tables::open(path)?;
        if file.has("S") && file.has("row") && file.has("col") {
            super::esmf::read(&file)
        } else if file.has("remap_matrix") && file.has("src_address") && file.has("dst_address") {
            super::scrip::read(&file)
        } else {
            Err(file.malformed(
                "no weights: neither `S`, `row`, `col` (ESMF) nor `remap_matrix`, `src_address`, `dst_address` (SCRIP)",
            ))
        }
    }

    /// Whether weights may be negative or above 1: methods beyond first order.
    pub fn is_higher_order(&self) -> bool {
        let method = self.method.to_lowercase();
        [
            "second",
            "2nd",
            "conservative2",
            "radial",
            "bicubic",
            "higher",
            "patch",
            "order 2",
            "order=2",
            "np=2",
            "np=3",
            "np=4",
            "gll",
            "bilinear extrap",
        ]
        .iter()
        .any(|word| method.contains(word))
    }

    /// Whether both ends have areas that are not all 0.
    pub fn has_areas(&self) -> bool {
        let some = |end: &RawEnd| end.areas.as_ref().is_some_and(|a| a.iter().any(|&a| a != 0.0));
        some(&self.source) && some(&self.destination)
    }

    /// Whether both ends of link `k` are cells.
    pub fn is_inside(&self, k: usize) -> bool {
        self.rows.cells[k] != NOWHERE && self.columns.cells[k] != NOWHERE
    }

    /// Whether links ascend by row and column without repeats, as this program, ESMF and NCO write them.
    pub fn is_ordered(&self) -> bool {
        let pair = |k: usize| (self.rows.cells[k], self.columns.cells[k]);
        (1..self.values.len()).into_par_iter().with_min_len(1 << 14).all(|k| pair(k - 1) < pair(k))
    }

    /// Whether rows never descend.
    pub fn has_ascending_rows(&self) -> bool {
        let rows = &self.rows.cells;
        (1..rows.len()).into_par_iter().with_min_len(1 << 14).all(|k| rows[k - 1] <= rows[k])
    }

    /// Where the links of each row start, if rows ascend and none is nowhere.
    pub fn row_starts(&self) -> Vec<usize> {
        let rows = &self.rows.cells;
        let mut starts = vec![0; self.destination.len + 1];
        let mut row = 0;
        for (k, &of_link) in rows.iter().enumerate() {
            while row < of_link as usize {
                row += 1;
                starts[row] = k;
            }
        }
        starts[row + 1..].fill(rows.len());
        starts
    }
}

/// A weights file that does not say what it should.
pub(crate) fn malformed(path: &Path, problem: impl Into<String>) -> IoError {
    IoError::Malformed { path: path.to_owned(), what: "weights", problem: problem.into() }
}
