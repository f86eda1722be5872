//! How far polygons reach over rows: into which belts of them, or into a single cell.

use knarr_grid::{Columns, Mask, Polygons, Rows};
use knarr_kernels::overlap_rows::Holder;
use knarr_kernels::sphere::{UnitVector, dot, sin_cos_deg};
use rayon::prelude::*;
use std::ops::Range;

/// Polygons looked at together.
pub(super) const BLOCK: usize = 1024;

/// The polygon lies in no single cell, or that is not certain.
const NO_CELL: u32 = u32::MAX;

/// Where a polygon reaches.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// The cell that holds all of it.
    cell: u32,
    /// First and last belt; the first after the last if it takes no part.
    belts: [u8; 2],
}

impl Reach {
    const NOWHERE: Self = Self { cell: NO_CELL, belts: [1, 0] };

    /// The cell of the rows that holds all of the polygon.
    #[inline]
    pub fn cell(self) -> Option<u32> {
        (self.cell != NO_CELL).then_some(self.cell)
    }

    /// Whether it may reach into a belt.
    #[inline]
    pub fn meets(self, belt: usize) -> bool {
        (usize::from(self.belts[0])..=usize::from(self.belts[1])).contains(&belt)
    }
}

/// Where all polygons reach.
pub(super) struct Reaches {
    of_polygons: Vec<Reach>,
    /// First and last belt of each block of polygons.
    of_blocks: Vec<[u8; 2]>,
}

impl Reaches {
    /// The blocks of polygons some of which may reach into a belt.
    pub fn blocks_near(&self, belt: usize) -> impl Iterator<Item = usize> {
        let near = move |&(_, [first, last]): &(usize, &[u8; 2])| (usize::from(*first)..=usize::from(*last)).contains(&belt);
        self.of_blocks.iter().enumerate().filter(near).map(|(block, _)| block)
    }

    /// The polygons of a block, with where they reach.
    #[inline]
    pub fn of_block(&self, block: usize) -> impl Iterator<Item = (usize, Reach)> {
        let first = block * BLOCK;
        let end = self.of_polygons.len().min(first + BLOCK);
        (first..end).zip(self.of_polygons[first..end].iter().copied())
    }

    /// The polygons that take part.
    #[cfg(feature = "gpu")]
    pub fn some(&self) -> Mask {
        Mask::from_active(self.of_polygons.iter().map(|reach| reach.belts[0] <= reach.belts[1]).collect())
    }
}

/// Cells of `count` belts of whole rows, about equally many.
pub(super) fn belts(rows: &Rows, count: usize) -> Vec<Range<usize>> {
    let row_starts: Vec<usize> = match &rows.columns {
        Columns::Shared(lon) => (0..=rows.lats_deg.len()).map(|row| row * lon.centers_deg.len()).collect(),
        Columns::Reduced { starts, .. } => starts.clone(),
    };
    let mut belts: Vec<Range<usize>> = Vec::with_capacity(count);
    for &end in &row_starts[1..] {
        let start = belts.last().map_or(0, |belt| belt.end);
        if end * count >= rows.len() * (belts.len() + 1) {
            belts.push(start..end);
        }
    }
    belts
}

/// Where polygons that the mask leaves reach; single cells are told if `holder` looks for them.
pub(super) fn reaches<'b>(
    rows: &Rows,
    belts: &[Range<usize>],
    holder: impl Fn() -> Option<Holder<'b>> + Sync,
    polygons: &Polygons,
    mask: &Mask,
) -> Reaches {
    let axis = rows.rotation.map_or([0.0, 0.0, 1.0], |r| r.pole());
    let extents = extents(rows, belts);
    let reach = |holder: &mut Option<Holder<'b>>, polygon: usize| {
        let corners = polygons.cell(polygon).iter().map(|&v| polygons.vertices[v as usize]);
        if !mask.is_active(polygon) || corners.len() == 0 {
            return Reach::NOWHERE;
        }
        match holder.as_mut().and_then(|holder| holder.cell(corners.clone())) {
            Some(cell) => {
                let belt = belts.partition_point(|belt| belt.end <= cell) as u8;
                Reach { cell: cell as u32, belts: [belt; 2] }
            }
            None => Reach { cell: NO_CELL, belts: belts_near(&extents, axis, corners) },
        }
    };
    let tasks = (0..polygons.len()).into_par_iter().with_min_len(BLOCK).with_max_len(4 * BLOCK);
    let of_polygons: Vec<Reach> = tasks.map_init(&holder, reach).collect();
    let of_block = |reaches: &[Reach]| {
        let taking_part = reaches.iter().map(|reach| reach.belts).filter(|[first, last]| first <= last);
        taking_part.fold([u8::MAX, 0], |[first, last], belts| [first.min(belts[0]), last.max(belts[1])])
    };
    let of_blocks = of_polygons.par_chunks(BLOCK).map(of_block).collect();
    Reaches { of_polygons, of_blocks }
}

/// Least and greatest sine of latitude of belts.
fn extents(rows: &Rows, belts: &[Range<usize>]) -> Vec<[f64; 2]> {
    let of_belt = |cells: &Range<usize>| {
        let (first, last) = (rows.row_column(cells.start).0, rows.row_column(cells.end - 1).0);
        let bounds = &rows.lat_bounds_deg[first..=last];
        let south = bounds.iter().map(|b| b[0]).fold(f64::INFINITY, f64::min);
        let north = bounds.iter().map(|b| b[1]).fold(f64::NEG_INFINITY, f64::max);
        [sin_cos_deg(south).0 - 1e-12, sin_cos_deg(north).0 + 1e-12]
    };
    belts.iter().map(of_belt).collect()
}

/// First and last belt that a polygon may reach into.
#[inline]
fn belts_near(extents: &[[f64; 2]], axis: UnitVector, mut corners: impl Iterator<Item = UnitVector>) -> [u8; 2] {
    let Some(first) = corners.next() else { return Reach::NOWHERE.belts };
    let height = dot(axis, first);
    let (mut south, mut north, mut reach2) = (height, height, 0.0f64);
    for p in corners {
        let height = dot(axis, p);
        south = south.min(height);
        north = north.max(height);
        reach2 = reach2.max((0..3).map(|k| (p[k] - first[k]) * (p[k] - first[k])).sum());
    }
    // The face bulges over its widest diagonal, at most twice the reach of a corner, as the sphere does.
    let bulge = 1.0 - (1.0 - reach2.min(1.0)).sqrt();
    let meets = |&(_, e): &(usize, &[f64; 2])| e[0] <= north + bulge && e[1] >= south - bulge;
    let mut belts = extents.iter().enumerate().filter(meets).map(|(belt, _)| belt as u8);
    let Some(first) = belts.next() else { return Reach::NOWHERE.belts };
    [first, belts.next_back().unwrap_or(first)]
}

/// The polygons that may reach into some cells of the rows.
#[cfg(feature = "gpu")]
pub(super) fn polygons_near(rows: &Rows, cells: &Range<usize>, polygons: &Polygons, mask: &Mask) -> Mask {
    if cells.is_empty() {
        return Mask::from_active(vec![false; polygons.len()]);
    }
    reaches(rows, std::slice::from_ref(cells), || None, polygons, mask).some()
}
