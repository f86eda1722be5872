//! Corners of cells as they come, before any check: each position once, and its number in the cells around it.

use crate::distinct::{Distinct, share_equal};
use crate::numbering::Numbering;
use crate::repair::units_of;
use crate::{CornerLists, Faces, GridError, LonLat, Offsets};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;
use std::ops::Range;

/// The number of a corner that is missing.
pub(crate) const MISSING: u32 = u32::MAX;

/// Cells that one task looks at.
pub(crate) const BLOCK: usize = 1 << 12;

/// Outlines of cells. They may be clockwise, doubled, crossed.
pub struct Outlines {
    /// Positions.
    pub(crate) vertices: Vec<UnitVector>,
    /// Whether no two of them are equal.
    pub(crate) are_distinct: bool,
    /// Numbers of vertices, cell after cell.
    pub(crate) corners: Vec<u32>,
    /// Where each cell's corners start.
    pub(crate) offsets: Offsets,
}

impl Outlines {
    /// Of cells as a file lists them.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if the offsets do not fit the corners.
    pub fn of_lists(lists: CornerLists) -> Result<Self, GridError> {
        let cells = lists.cell_count()?;
        let mut numbering = Numbering::with_room(lists.corners.len());
        for cell in 0..cells {
            lists.cell(cell).iter().enumerate().for_each(|(slot, p)| numbering.push(slot, [p.lon_deg, p.lat_deg]));
        }
        let offsets = lists.offsets;
        drop(lists.corners);
        let (positions, corners) = numbering.finish();
        Ok(Self::of_positions(&positions, corners, offsets))
    }

    /// Of the numbers of positions, longitude and latitude, some of which may be equal.
    pub(crate) fn of_positions(positions: &[[f64; 2]], mut corners: Vec<u32>, offsets: Offsets) -> Self {
        let mut vertices = units_of(positions, |[lon_deg, lat_deg]| LonLat { lon_deg, lat_deg });
        share_equal(&mut vertices, &mut corners);
        Self { vertices, are_distinct: true, corners, offsets }
    }

    /// Of faces between nodes, not numbers where those are missing.
    pub(crate) fn of_faces(nodes: &[LonLat], faces: Faces) -> Result<Self, GridError> {
        faces.check(nodes.len())?;
        let vertices = units_of(nodes, |p| p);
        let (mut corners, offsets) = faces.into_parts();
        corners.par_iter_mut().with_min_len(BLOCK).for_each(|number| {
            if vertices[*number as usize][0].is_nan() {
                *number = MISSING;
            }
        });
        Ok(Self { vertices, are_distinct: false, corners, offsets })
    }

    /// Of quadrangles, where there are any.
    pub(crate) fn of_quadrangles(cells: &[Option<[UnitVector; 4]>]) -> Self {
        let mut vertices = Distinct::with_room(cells.len());
        let number = |cell: &Option<[UnitVector; 4]>| cell.map_or([MISSING; 4], |cell| cell.map(|p| vertices.index_of(p)));
        let corners = cells.iter().flat_map(number).collect();
        Self { vertices: vertices.found, are_distinct: true, corners, offsets: Offsets::Uniform(4) }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        match &self.offsets {
            Offsets::Uniform(n) => self.corners.len() / n,
            Offsets::PerCell(offsets) => offsets.len() - 1,
        }
    }

    /// Whether each position is a corner.
    pub(crate) fn uses_all(&self) -> bool {
        let mut is_used = vec![false; self.vertices.len()];
        self.corners.iter().for_each(|&v| is_used[v as usize] = true);
        !is_used.contains(&false)
    }

    /// All positions, and the corners of cells, [`BLOCK`] of them at a time.
    pub(crate) fn blocks(&mut self) -> (&[UnitVector], Vec<Block<'_>>) {
        let cells = self.len();
        let (mut rest, mut blocks) = (self.corners.as_mut_slice(), Vec::with_capacity(cells.div_ceil(BLOCK)));
        let mut start = 0;
        for first in (0..cells).step_by(BLOCK) {
            let end = self.offsets.of(cells.min(first + BLOCK) - 1).end;
            let (corners, after) = std::mem::take(&mut rest).split_at_mut(end - start);
            blocks.push(Block { cells: first..cells.min(first + BLOCK), start, corners, offsets: &self.offsets });
            (rest, start) = (after, end);
        }
        (&self.vertices, blocks)
    }
}

/// Some cells in a row.
pub(crate) struct Block<'a> {
    pub cells: Range<usize>,
    /// The place of its first corner among all.
    start: usize,
    corners: &'a mut [u32],
    offsets: &'a Offsets,
}

impl Block<'_> {
    /// The corners of a cell of the block as they are listed, and the place of the first among all.
    pub fn listed(&mut self, cell: usize) -> (usize, &mut [u32]) {
        let range = self.offsets.of(cell);
        (range.start, &mut self.corners[range.start - self.start..range.end - self.start])
    }
}
