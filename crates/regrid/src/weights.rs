//! Interpolation weights: a sparse matrix from source to destination cells.

use crate::{Device, Method, Options, RegridError, methods};
use knarr_grid::{Grid, Mask};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

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
/// Tables of cells come in pairs, of the source and of the destination. Methods between centers have none of them.
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
    /// Area of each cell in steradians, 0 of points. Conservative weights have them; `None` of methods that do not ask for
    /// areas, which [`crate::cell_areas`] has.
    pub areas: Option<[Vec<f64>; 2]>,
    /// Part of each cell that takes part in overlaps. Conservative weights have them; `None` where it is 1 of cells with a
    /// link and 0 of others.
    pub fractions: Option<[Vec<f64>; 2]>,
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
    /// and the others thrown away; source fractions of conservative weights are then those of all rows.
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

    /// Area of each source cell in steradians, if the method asked for areas.
    pub fn source_areas(&self) -> Option<&[f64]> {
        self.areas.as_ref().map(|[source, _]| source.as_slice())
    }

    /// Area of each destination cell in steradians, if the method asked for areas.
    pub fn destination_areas(&self) -> Option<&[f64]> {
        self.areas.as_ref().map(|[_, destination]| destination.as_slice())
    }

    /// Part of each source cell that takes part in overlaps; of methods between centers whether a row has it.
    pub fn source_fractions(&self) -> Cow<'_, [f64]> {
        match &self.fractions {
            Some([source, _]) => Cow::Borrowed(source),
            None => self.used_sources().into_iter().map(|used| f64::from(u8::from(used))).collect(),
        }
    }

    /// Part of each destination cell that takes part in overlaps; of methods between centers whether its row has links.
    pub fn destination_fractions(&self) -> Cow<'_, [f64]> {
        match &self.fractions {
            Some([_, destination]) => Cow::Borrowed(destination),
            None => (0..self.destination_len()).map(|i| self.destination_fraction(i)).collect(),
        }
    }

    /// Part of the destination cell `i` that takes part in overlaps.
    pub fn destination_fraction(&self, i: usize) -> f64 {
        match &self.fractions {
            Some([_, destination]) => destination[i],
            None => f64::from(u8::from(self.is_mapped(i))),
        }
    }

    /// Whether each source cell has a link.
    pub fn used_sources(&self) -> Vec<bool> {
        let is_used: Vec<AtomicBool> =
            (0..self.source_len).into_par_iter().with_min_len(1 << 14).map(|_| AtomicBool::new(false)).collect();
        let mark = |column: &u32| is_used[*column as usize].store(true, Ordering::Relaxed);
        self.columns.par_chunks(1 << 14).for_each(|columns| columns.iter().for_each(mark));
        is_used.into_iter().map(AtomicBool::into_inner).collect()
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
