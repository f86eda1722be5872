//! Weights made tile by tile and put together in a file, for more links than memory holds.

use super::WeightsFormat;
use super::parts::{Links, Parts};
use super::write::write_parts;
use crate::IoError;
use crate::atomic::AtomicFile;
use crate::positioned::read_at;
use knarr_grid::{Grid, Mask};
use knarr_regrid::{Weights, WeightsOrigin};
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Tiles of weights on their way into a file: links and the areas of source cells wait in the folder of the file, other
/// areas, fractions and the start of each row in memory.
pub struct WeightsTiles {
    path: PathBuf,
    format: WeightsFormat,
    overwrite: bool,
    links: Waiting,
    row_starts: Vec<usize>,
    /// Each tile has them all: they wait outside of memory while the next is made.
    source_areas: Column,
    destination_areas: Vec<f64>,
    source_fractions: Vec<f64>,
    destination_fractions: Vec<f64>,
    origin: Option<WeightsOrigin>,
}

impl WeightsTiles {
    /// No tiles yet, of a file at `path`.
    ///
    /// # Errors
    /// As [`super::write_weights`] for a file that exists or a folder that cannot be written to.
    pub fn new(path: &Path, format: WeightsFormat, overwrite: bool) -> Result<Self, IoError> {
        Ok(Self {
            path: path.to_owned(),
            format,
            overwrite,
            links: Waiting { columns: Column::new(path, overwrite)?, values: Column::new(path, overwrite)?, len: 0 },
            row_starts: vec![0],
            source_areas: Column::new(path, overwrite)?,
            destination_areas: Vec::new(),
            source_fractions: Vec::new(),
            destination_fractions: Vec::new(),
            origin: None,
        })
    }

    /// Adds the rows that follow, as [`Weights::build_rows`] makes them.
    ///
    /// # Errors
    /// [`IoError::Write`]; [`IoError::WeightsMismatch`] if the source is another.
    pub fn add(&mut self, tile: Weights) -> Result<(), IoError> {
        self.links.columns.append(bytemuck::cast_slice(&tile.columns))?;
        self.links.values.append(bytemuck::cast_slice(&tile.values))?;
        self.row_starts.extend(tile.row_starts[1..].iter().map(|start| self.links.len + start));
        self.links.len += tile.len();
        self.destination_areas.extend(tile.destination_areas);
        self.destination_fractions.extend(tile.destination_fractions);
        if self.origin.is_none() {
            self.source_areas.append(bytemuck::cast_slice(&tile.source_areas))?;
            self.source_fractions = tile.source_fractions;
            self.origin = Some(tile.origin);
            return Ok(());
        }
        if tile.source_fractions.len() != self.source_fractions.len() {
            let cells = |n: usize| format!("{n} cells");
            return Err(IoError::WeightsMismatch {
                what: "the source grid".to_owned(),
                found: cells(tile.source_fractions.len()),
                expected: cells(self.source_fractions.len()),
            });
        }
        for (all, part) in self.source_fractions.iter_mut().zip(tile.source_fractions) {
            // Parts of a cell shared with these rows and with those before; points are used or not.
            *all = if tile.origin.conservative { *all + part } else { all.max(part) };
        }
        Ok(())
    }

    /// Number of links so far.
    pub fn len(&self) -> usize {
        self.links.len
    }

    /// Whether there are no links.
    pub fn is_empty(&self) -> bool {
        self.links.len == 0
    }

    /// Number of active destination cells so far that no source cell reaches.
    pub fn unmapped_among(&self, destination: &Mask) -> usize {
        self.row_starts.windows(2).enumerate().filter(|(row, ends)| ends[0] == ends[1] && destination.is_active(*row)).count()
    }

    /// Writes the file, as [`super::write_weights`] writes all the weights at once; fractions of the source agree to
    /// rounding.
    ///
    /// # Errors
    /// As [`super::write_weights`]; nothing is left behind.
    pub fn finish(self, source: &Grid, destination: &Grid) -> Result<(), IoError> {
        let origin = self.origin.unwrap_or(WeightsOrigin {
            method: String::new(),
            normalization: "none".to_owned(),
            conservative: false,
            source_hash: String::new(),
            destination_hash: String::new(),
            options_hash: String::new(),
            fixed_value: None,
        });
        let mut source_areas = vec![0.0; self.source_fractions.len()];
        self.source_areas.read(0, &mut source_areas)?;
        let parts = Parts {
            row_starts: &self.row_starts,
            links: &self.links,
            areas: [&source_areas, &self.destination_areas],
            fractions: [&self.source_fractions, &self.destination_fractions],
            origin: &origin,
        };
        write_parts(&parts, source, destination, &self.path, self.format, self.overwrite)
    }
}

/// Links in two columns.
struct Waiting {
    columns: Column,
    values: Column,
    len: usize,
}

/// Numbers in a temporary file.
struct Column {
    file: File,
    // Removes the file in the end.
    temporary: AtomicFile,
}

impl Column {
    fn new(beside: &Path, overwrite: bool) -> Result<Self, IoError> {
        let temporary = AtomicFile::create(beside, overwrite)?;
        let open = File::options().read(true).write(true).open(temporary.path());
        Ok(Self { file: open.map_err(|e| temporary.error(&e))?, temporary })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        self.file.write_all(bytes).map_err(|e| self.temporary.error(&e))
    }

    fn read<T: bytemuck::Pod>(&self, start: usize, out: &mut [T]) -> Result<(), IoError> {
        let at = (start * size_of::<T>()) as u64;
        read_at(&self.file, at, bytemuck::cast_slice_mut(out)).map_err(|e| self.temporary.error(&e))
    }
}

impl Links for Waiting {
    fn len(&self) -> usize {
        self.len
    }

    fn columns(&self, range: Range<usize>, out: &mut [i32]) -> Result<(), IoError> {
        self.columns.read(range.start, out)?;
        // Cells of files are counted from 1, and below 2^31.
        out.iter_mut().for_each(|column| *column += 1);
        Ok(())
    }

    fn values(&self, range: Range<usize>, out: &mut [f64]) -> Result<(), IoError> {
        self.values.read(range.start, out)
    }
}
