//! Polygons x polygons: candidates from a hierarchy of boxes, areas by clipping.

use super::overlaps::{Overlaps, least_overlap};
use crate::growing::RowBlock;
use crate::search::bvh::{Box3, Bvh, Found};
use knarr_grid::{Formula, KnownCorners, Mask, Offsets, Polygons};
use knarr_kernels::overlap::{is_convex, triangulate};
use knarr_kernels::overlap_batch::{CornerStarts, OverlapBatch, PolygonList};
use knarr_kernels::sphere::UnitVector;
use std::ops::Range;

/// Most destination cells that share a search.
const GROUP: usize = 16;
/// A group ends where its box would be this many times as large as those of its cells together: the search would find too
/// much.
const LOOSE: f32 = 1.25;

/// Cells that what they overlap is looked for.
#[derive(Clone, Copy)]
pub(super) enum Targets<'a> {
    Polygons(&'a Polygons),
    /// Made some at a time: all of them would take as much as a source.
    Formula(&'a Formula),
}

/// Overlap areas by destination cell.
pub(super) fn overlaps(
    source: &Polygons,
    source_mask: &Mask,
    source_areas: &[f64],
    destination: Targets,
    destination_mask: &Mask,
    destination_areas: &[f64],
) -> Overlaps {
    let search = Search::new(source, source_mask, source_areas, destination, destination_mask, destination_areas);
    search.rows()
}

/// The source in a hierarchy of boxes, and the cells that look into it.
pub(super) struct Search<'a> {
    bvh: Bvh,
    list: PolygonList<'a>,
    source_areas: &'a [f64],
    destination: Targets<'a>,
    destination_mask: &'a Mask,
    destination_areas: &'a [f64],
}

impl<'a> Search<'a> {
    pub(super) fn new(
        source: &'a Polygons,
        source_mask: &Mask,
        source_areas: &'a [f64],
        destination: Targets<'a>,
        destination_mask: &'a Mask,
        destination_areas: &'a [f64],
    ) -> Self {
        let cell = |cell| Cell { polygons: source, is_active: source_mask.is_active(cell), cell };
        let bvh = Bvh::of(source.len(), |k| cell(k).place(), |k| cell(k).bounds());
        let list = PolygonList {
            vertices: &source.vertices,
            corners: &source.corners,
            starts: match &source.offsets {
                Offsets::Uniform(n) => CornerStarts::Uniform(*n),
                Offsets::PerCell(offsets) => CornerStarts::PerPolygon(offsets),
            },
        };
        Self { bvh, list, source_areas, destination, destination_mask, destination_areas }
    }

    /// Overlap areas of all destination cells.
    fn rows(&self) -> Overlaps {
        Overlaps::by_blocks(self.destination_areas.len(), Worker::default, |cells, worker, block| {
            self.add_rows(cells, worker, block)
        })
    }

    /// Adds the rows of the destination cells `cells`.
    pub(super) fn add_rows(&self, cells: Range<usize>, worker: &mut Worker, block: &mut RowBlock) {
        self.groups(cells, worker, |worker, k, cell| {
            let least = worker.row(k, &self.list, self.source_areas, self.destination_areas[cell]);
            block.finish_row(&mut worker.links, least);
        });
    }

    /// Calls `found(worker, place in its group, cell)` for every cell, what is near the group in `worker`.
    fn groups(&self, cells: Range<usize>, worker: &mut Worker, mut found: impl FnMut(&mut Worker, usize, usize)) {
        let made;
        let (polygons, made_from) = match self.destination {
            Targets::Polygons(polygons) => (polygons, 0),
            Targets::Formula(formula) => {
                made = formula.polygons_of(cells.clone(), worker.known.get_or_insert_default());
                (&made, cells.start)
            }
        };
        let cell = |cell| Cell { polygons, is_active: self.destination_mask.is_active(cell), cell: cell - made_from };
        let mut first = cells.start;
        while first < cells.end {
            let group = worker.group(first..cells.end, cell);
            self.bvh.gather(&group.bounds, &mut worker.near);
            for number in first..group.end {
                found(worker, number - first, number);
            }
            first = group.end;
        }
    }
}

#[cfg(feature = "gpu")]
mod candidates {
    use super::{Range, Search, Worker, is_convex};
    use rayon::prelude::*;

    /// Source cells that may overlap some destination cells, row by row, ascending.
    #[derive(Default)]
    pub(in super::super) struct Candidates {
        pub starts: Vec<u32>,
        pub subjects: Vec<u32>,
        /// Rows whose cell is not convex.
        pub is_concave: Vec<bool>,
    }

    /// Rows that one task looks up.
    const BLOCK: usize = 1024;

    impl Search<'_> {
        /// What the destination cells `range` may overlap.
        pub(in super::super) fn candidates(&self, range: Range<usize>) -> Candidates {
            let blocks: Vec<Range<usize>> = range.clone().step_by(BLOCK).map(|k| k..range.end.min(k + BLOCK)).collect();
            let found = |worker: &mut Worker, cells: Range<usize>| {
                let mut block = Candidates::default();
                self.groups(cells, worker, |worker, k, _| {
                    let corners = &worker.corners[if k == 0 { 0 } else { worker.ends[k - 1] }..worker.ends[k]];
                    worker.candidates.clear();
                    if corners.len() >= 3 {
                        worker.near.meeting(&worker.boxes[k], &mut worker.candidates);
                        worker.candidates.sort_unstable();
                    }
                    block.is_concave.push(corners.len() > 3 && !is_convex(corners));
                    block.subjects.extend_from_slice(&worker.candidates);
                    block.starts.push(block.subjects.len() as u32);
                });
                block
            };
            let made: Vec<Candidates> = blocks.into_par_iter().map_init(Worker::default, found).collect();
            let mut all = Candidates { starts: vec![0], ..Candidates::default() };
            for block in made {
                let before = all.subjects.len() as u32;
                all.starts.extend(block.starts.iter().map(|end| before + end));
                all.subjects.extend(block.subjects);
                all.is_concave.extend(block.is_concave);
            }
            all
        }
    }
}

/// A cell of a list of polygons that may be switched off.
struct Cell<'a> {
    polygons: &'a Polygons,
    is_active: bool,
    cell: usize,
}

impl Cell<'_> {
    /// The corners; none of cells that are switched off or have no area.
    #[inline]
    fn corners(&self) -> &[u32] {
        if !self.is_active {
            return &[];
        }
        let corners = self.polygons.cell(self.cell);
        let is_cell = corners.len() >= 3 && corners.iter().any(|&v| v != corners[0]);
        if is_cell { corners } else { &[] }
    }

    /// Where it is, roughly: its first corner.
    fn place(&self) -> Option<UnitVector> {
        self.corners().first().map(|&v| self.polygons.vertices[v as usize])
    }

    /// Nothing for cells without corners.
    fn bounds(&self) -> Box3 {
        Box3::around_corners(self.corners().iter().map(|&v| self.polygons.vertices[v as usize]))
    }
}

/// Cells that share a search.
struct Group {
    end: usize,
    bounds: Box3,
}

/// Buffers of a thread.
#[derive(Default)]
pub(super) struct Worker {
    batch: OverlapBatch,
    /// Boxes of the group's cells.
    boxes: Vec<Box3>,
    /// Corners of the group's cells, one after another, and where each cell's end.
    corners: Vec<UnitVector>,
    ends: Vec<usize>,
    /// Source cells near the group.
    near: Found,
    candidates: Vec<u32>,
    links: Vec<(u32, f64)>,
    /// Corners of the cells before, where a formula gives them.
    known: Option<KnownCorners>,
}

impl Worker {
    /// Takes the first of the cells `range` that lie close together.
    fn group<'p>(&mut self, range: Range<usize>, cell: impl Fn(usize) -> Cell<'p>) -> Group {
        self.boxes.clear();
        self.corners.clear();
        self.ends.clear();
        let mut group = Group { end: range.start, bounds: Box3::EMPTY };
        let mut size = 0.0f32;
        for number in range.start..range.end.min(range.start + GROUP) {
            let cell = cell(number);
            let bounds = cell.bounds();
            let together = group.bounds.and(&bounds);
            size += bounds.size();
            if number > range.start && together.size() > LOOSE * size {
                break;
            }
            if bounds != Box3::EMPTY {
                cell.polygons.copy_cell(cell.cell, &mut self.corners);
            }
            self.boxes.push(bounds);
            self.ends.push(self.corners.len());
            group = Group { end: number + 1, bounds: together };
        }
        group
    }

    /// Fills the links of a cell of the group and gives its sliver limit.
    fn row(&mut self, k: usize, source: &PolygonList, source_areas: &[f64], area: f64) -> f64 {
        let corners = &self.corners[if k == 0 { 0 } else { self.ends[k - 1] }..self.ends[k]];
        if corners.len() < 3 {
            return 0.0;
        }
        self.candidates.clear();
        self.near.meeting(&self.boxes[k], &mut self.candidates);
        if corners.len() == 3 || is_convex(corners) {
            self.batch.overlaps(corners, source, source_areas, &self.candidates, &mut self.links);
        } else {
            for triangle in triangulate(corners) {
                self.batch.overlaps(&triangle, source, source_areas, &self.candidates, &mut self.links);
            }
        }
        let least = |least: f64, link: &(u32, f64)| least.min(source_areas[link.0 as usize]);
        least_overlap(self.links.iter().fold(area, least))
    }
}
