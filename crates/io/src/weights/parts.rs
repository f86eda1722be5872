//! Weights as a file is made of them, wherever their links are.

use crate::IoError;
use knarr_regrid::{Weights, WeightsOrigin};
use std::borrow::Cow;
use std::ops::Range;

/// Links in the order of rows, given block by block.
pub(super) trait Links: Sync {
    /// Number of links.
    fn len(&self) -> usize;

    /// Source cells of the links `range`, counted from 1.
    fn columns(&self, range: Range<usize>, out: &mut [i32]) -> Result<(), IoError>;

    /// All weights, where they are in memory.
    fn all_values(&self) -> Option<&[f64]> {
        None
    }

    /// Weights of the links `range`.
    fn values(&self, range: Range<usize>, out: &mut [f64]) -> Result<(), IoError>;
}

/// Parts of cells that take part in overlaps.
pub(super) enum Fractions<'a> {
    /// Of source and destination cells.
    Told([&'a [f64]; 2]),
    /// All of those with links.
    OfLinks {
        /// Whether each source cell has a link.
        used: Cow<'a, [bool]>,
    },
}

/// What a weights file says of the weights.
pub(super) struct Parts<'a> {
    /// Where the links of each destination cell start.
    pub row_starts: &'a [usize],
    pub links: &'a dyn Links,
    /// Of source and destination cells.
    pub areas: Option<[&'a [f64]; 2]>,
    pub fractions: Fractions<'a>,
    pub origin: &'a WeightsOrigin,
}

impl<'a> Parts<'a> {
    pub fn of(weights: &'a Weights) -> Self {
        Self {
            row_starts: &weights.row_starts,
            links: weights,
            areas: weights.areas.as_ref().map(|both| both.each_ref().map(Vec::as_slice)),
            fractions: match &weights.fractions {
                Some(both) => Fractions::Told(both.each_ref().map(Vec::as_slice)),
                None => Fractions::OfLinks { used: Cow::Owned(weights.used_sources()) },
            },
            origin: &weights.origin,
        }
    }

    pub fn source_len(&self) -> usize {
        match &self.fractions {
            Fractions::Told([source, _]) => source.len(),
            Fractions::OfLinks { used } => used.len(),
        }
    }

    pub fn destination_len(&self) -> usize {
        self.row_starts.len() - 1
    }

    /// Fractions of the destination cells `range`, if they are those of links.
    pub fn mapped(&self, range: Range<usize>, out: &mut [f64]) {
        let ends = self.row_starts[range.start..=range.end].windows(2);
        out.iter_mut().zip(ends).for_each(|(out, ends)| *out = f64::from(u8::from(ends[0] < ends[1])));
    }

    /// Destination cells of the links `range`, counted from 1.
    pub fn rows(&self, range: Range<usize>, mut out: &mut [i32]) -> Result<(), IoError> {
        let mut row = self.row_starts.partition_point(|&start| start <= range.start) - 1;
        let mut at = range.start;
        while !out.is_empty() {
            let count = (self.row_starts[row + 1] - at).min(out.len());
            let (these, rest) = out.split_at_mut(count);
            these.fill(row as i32 + 1);
            (out, at, row) = (rest, at + count, row + 1);
        }
        Ok(())
    }
}

impl Links for Weights {
    fn len(&self) -> usize {
        self.columns.len()
    }

    fn columns(&self, range: Range<usize>, out: &mut [i32]) -> Result<(), IoError> {
        out.iter_mut().zip(&self.columns[range]).for_each(|(out, &column)| *out = column as i32 + 1);
        Ok(())
    }

    fn all_values(&self) -> Option<&[f64]> {
        Some(&self.values)
    }

    fn values(&self, range: Range<usize>, out: &mut [f64]) -> Result<(), IoError> {
        out.copy_from_slice(&self.values[range]);
        Ok(())
    }
}
