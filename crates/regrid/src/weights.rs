//! Interpolation weights: a sparse matrix from source to destination cells.

use crate::{Device, Method, Options, RegridError, methods};
use knarr_grid::{Grid, Mask};
use rayon::prelude::*;
use std::ops::Range;

/// Where weights come from, kept with them so that a wrong use can be refused.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsOrigin {
    /// Method and normalization in words, as files keep them.
    pub method: String,
    /// `fracarea`, `destarea` or `none`.
    pub normalization: String,
    /// Whether overlaps were area-weighted, so that integrals are kept.
    pub conservative: bool,
    /// Content hash of the source grid with its mask; empty for files of other programs.
    pub source_hash: String,
    /// Content hash of the destination grid with its mask; empty for files of other programs.
    pub destination_hash: String,
    /// Hash of the options that made the weights; empty for files of other programs.
    pub options_hash: String,
    /// The value of active destination cells without links; they are missing if there is none.
    pub fixed_value: Option<f64>,
}

/// `destination_i = Σ_k values[k] · source[columns[k]]`, `k` in `row_starts[i]..row_starts[i + 1]`.
///
/// Compressed sparse rows; columns ascend within a row. A destination cell with an empty row is unmapped.
/// Areas are steradians; fractions are the part of a cell that takes part in overlaps (1 for other methods
/// where mapped).
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Number of source cells.
    pub source_len: usize,
    /// First link of each row, and the number of links at the end: `destination_len + 1` values.
    pub row_starts: Vec<usize>,
    /// Source cell of each link, 0-based.
    pub columns: Vec<u32>,
    /// Weight of each link.
    pub values: Vec<f64>,
    /// Area of each source cell; 0 for points, and for methods between centers, which do not ask for areas
    /// ([`crate::cell_areas`] has them).
    pub source_areas: Vec<f64>,
    /// Area of each destination cell; 0 where those of source cells are.
    pub destination_areas: Vec<f64>,
    /// Overlapped part of each source cell.
    pub source_fractions: Vec<f64>,
    /// Overlapped part of each destination cell.
    pub destination_fractions: Vec<f64>,
    /// How they were made.
    pub origin: WeightsOrigin,
}

impl Weights {
    /// Weights from `source` to `destination`.
    ///
    /// # Errors
    /// [`RegridError`] if a grid lacks what the method needs.
    pub fn build(source: &Grid, destination: &Grid, options: &Options) -> Result<Self, RegridError> {
        Self::build_on(&Device::Cpu, source, destination, options)
    }

    /// [`Weights::build`] on a device: what [`Weights::has_kernels`] tells is made there, all else on the processor. In
    /// double precision overlaps are those of the processor within 1e-14 of the cell and the rounding of coordinates,
    /// nearest centers the same, bilinear weights the same in rows and within 1e-12 in meshes; devices without it have
    /// overlaps within 5e-7, rows that sum to 1 all the same, and leave methods between centers to the processor.
    ///
    /// # Errors
    /// As [`Weights::build`]; [`RegridError::Device`] if the device fails.
    pub fn build_on(device: &Device, source: &Grid, destination: &Grid, options: &Options) -> Result<Self, RegridError> {
        methods::build(source, destination, options, 0..destination.len(), device)
    }

    /// Whether a graphics processor with double precision would make these weights: overlaps of polygons with polygons or
    /// rows, and of rows with rows that share their columns, the nearest center, and bilinear ones.
    pub fn has_kernels(source: &Grid, destination: &Grid, options: &Options) -> bool {
        match options.method {
            Method::Conservative | Method::Conservative2nd | Method::LargestFraction => {
                methods::conservative::has_kernels(source, destination, options)
            }
            Method::Nearest | Method::Bilinear => true,
            _ => false,
        }
    }

    /// The weights of some destination cells: rows `rows` of what [`Weights::build`] makes, with the same bits, so that
    /// weights larger than memory can be made tile by tile.
    ///
    /// Row 0 is destination cell `rows.start`; areas and fractions of the destination are those of `rows`. Source areas are
    /// whole. A source cell's fraction counts what these rows share with it: over tiles that cover the destination,
    /// fractions of conservative weights add up to those of all rows (to rounding, the order of sums differs); for other
    /// methods the greatest of the tiles is taken. Where rows depend on one another ([`Options::needs_all_rows`]) all are made
    /// and the others thrown away; source fractions are then those of all rows.
    ///
    /// # Errors
    /// As [`Weights::build`]; [`RegridError::WrongLength`] if `rows` reach beyond the destination.
    pub fn build_rows(source: &Grid, destination: &Grid, options: &Options, rows: Range<usize>) -> Result<Self, RegridError> {
        Self::build_rows_on(&Device::Cpu, source, destination, options, rows)
    }

    /// [`Weights::build_rows`] on a device: rows of what [`Weights::build_on`] makes there, with the same bits.
    ///
    /// # Errors
    /// As [`Weights::build_rows`]; [`RegridError::Device`] if the device fails.
    pub fn build_rows_on(
        device: &Device,
        source: &Grid,
        destination: &Grid,
        options: &Options,
        rows: Range<usize>,
    ) -> Result<Self, RegridError> {
        if rows.start > rows.end || rows.end > destination.len() {
            return Err(RegridError::WrongLength { what: "the range of rows", found: rows.end, expected: destination.len() });
        }
        methods::build(source, destination, options, rows, device)
    }

    /// Number of destination cells.
    pub fn destination_len(&self) -> usize {
        self.row_starts.len() - 1
    }

    /// Number of links.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are no links.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Source cells and weights of a destination cell.
    pub fn row(&self, destination: usize) -> (&[u32], &[f64]) {
        let range = self.row_starts[destination]..self.row_starts[destination + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// Whether a source cell reaches `destination`.
    pub fn is_mapped(&self, destination: usize) -> bool {
        self.row_starts[destination] < self.row_starts[destination + 1]
    }

    /// Share of each row's weight that `valid` sources have; of weights of both signs it means little.
    pub fn valid_shares(&self, valid: &[bool]) -> Vec<f64> {
        let share = |i: usize| {
            let (columns, values) = self.row(i);
            let (mut found, mut total) = (0.0, 0.0);
            for (&column, &w) in columns.iter().zip(values) {
                total += w;
                found += if valid[column as usize] { w } else { 0.0 };
            }
            // A row without weight has no valid value either, and no share to scale.
            if total == 0.0 { 0.0 } else { found / total }
        };
        (0..self.destination_len()).into_par_iter().with_min_len(2048).map(share).collect()
    }

    /// Number of destination cells that no source cell reaches, masked ones included.
    pub fn unmapped_count(&self) -> usize {
        self.unmapped_among(&Mask::ALL)
    }

    /// Number of active destination cells that no source cell reaches.
    pub fn unmapped_among(&self, destination: &Mask) -> usize {
        (0..self.destination_len()).filter(|&i| destination.is_active(i) && !self.is_mapped(i)).count()
    }
}
