//! Weights made tile by tile and put together in a file, for more links than memory holds.

use super::WeightsFormat;
use super::parts::{Fractions, Links, Parts};
use super::write::write_parts;
use crate::IoError;
use crate::atomic::AtomicFile;
use crate::positioned::read_at;
use knarr_grid::{Grid, Mask};
use knarr_regrid::{Weights, WeightsOrigin};
use std::borrow::Cow;
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
    source_len: usize,
    /// Each tile has them all: they wait outside of memory while the next is made.
    source_areas: Column,
    /// If the method asks for areas.
    destination_areas: Option<Vec<f64>>,
    /// If the method tells them.
    fractions: Option<[Vec<f64>; 2]>,
    /// Whether each source cell has a link, of methods that do not tell fractions.
    used: Vec<bool>,
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
            source_len: 0,
            source_areas: Column::new(path, overwrite)?,
            destination_areas: None,
            fractions: None,
            used: Vec::new(),
            origin: None,
        })
    }

    /// Adds the rows that follow, as [`Weights::build_rows`] makes them.
    ///
    /// # Errors
    /// [`IoError::Write`]; [`IoError::WeightsMismatch`] if the source is another.
    pub fn add(&mut self, tile: Weights) -> Result<(), IoError> {
        let is_first = self.origin.is_none();
        if is_first {
            self.source_len = tile.source_len;
        } else if tile.source_len != self.source_len {
            let cells = |n: usize| format!("{n} cells");
            return Err(IoError::WeightsMismatch {
                what: "the source grid".to_owned(),
                found: cells(tile.source_len),
                expected: cells(self.source_len),
            });
        }
        self.links.columns.append(bytemuck::cast_slice(&tile.columns))?;
        self.links.values.append(bytemuck::cast_slice(&tile.values))?;
        self.row_starts.extend(tile.row_starts[1..].iter().map(|start| self.links.len + start));
        self.links.len += tile.len();
        if tile.fractions.is_none() {
            self.used.resize(self.source_len, false);
            self.used.iter_mut().zip(tile.used_sources()).for_each(|(all, own)| *all |= own);
        }
        if let Some([source, destination]) = tile.areas {
            if is_first {
                self.source_areas.append(bytemuck::cast_slice(&source))?;
            }
            self.destination_areas.get_or_insert_default().extend(destination);
        }
        if let Some([source, destination]) = tile.fractions {
            let [sources, destinations] = self.fractions.get_or_insert_default();
            destinations.extend(destination);
            // Parts of a cell shared with these rows and with those before.
            sources.resize(self.source_len, 0.0);
            sources.iter_mut().zip(source).for_each(|(all, part)| *all += part);
        }
        self.origin.get_or_insert(tile.origin);
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
        let mut source_areas = Vec::new();
        if self.destination_areas.is_some() {
            source_areas.resize(self.source_len, 0.0);
            self.source_areas.read(0, &mut source_areas)?;
        }
        let parts = Parts {
            row_starts: &self.row_starts,
            links: &self.links,
            areas: self.destination_areas.as_deref().map(|destination| [source_areas.as_slice(), destination]),
            fractions: match &self.fractions {
                Some(both) => Fractions::Told(both.each_ref().map(Vec::as_slice)),
                None => Fractions::OfLinks { used: Cow::Borrowed(&self.used) },
            },
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
