//! Polygons x rows, by the cells of the rows: found polygon by polygon, kept cell by cell.
//!
//! The rows are taken in a few belts, some of them at a time, so that little is held in both orders at once. A polygon
//! that reaches into two belts is cut for both; one that lies in a single cell is not cut at all.

use super::overlaps::{Overlaps, least_overlap};
use super::reach::{Reach, belts, reaches};
use super::slicing::{PolygonsByRows, Slicer};
use crate::growing::{Growing, RowBlock};
use knarr_grid::{Mask, Polygons, Rows};
use rayon::prelude::*;
use std::ops::Range;

/// Most belts.
const BELTS: f64 = 32.0;
/// Belts per √polygons: one polygon in 15 or so lies in two belts.
const BELTS_PER_SIDE: f64 = 0.03;

/// Pieces of a task.
const PIECES: usize = 4;

/// An area that a polygon shares with a cell.
#[derive(Clone, Copy)]
struct Shared {
    cell: u32,
    polygon: u32,
    area: f64,
}

/// Overlap areas by the cells of `rows`.
pub(super) fn rows_by_polygons(
    rows: &Rows,
    rows_mask: &Mask,
    row_areas: &[f64],
    polygons: &Polygons,
    polygon_mask: &Mask,
    polygon_areas: &[f64],
) -> Overlaps {
    let belts = belts(rows, (BELTS_PER_SIDE * (polygons.len() as f64).sqrt()).clamp(1.0, BELTS) as usize);
    let pair = PolygonsByRows::new((polygons, polygon_mask, polygon_areas), (rows, rows_mask, row_areas));
    let reaches = reaches(rows, &belts, || pair.holder(), polygons, polygon_mask);
    let mut all = Growing::with_rows(rows.len());
    // Kept from some belts to the next: memory that is given back and asked for anew costs more than what is done in it.
    let (mut found, mut blocks) = (Vec::new(), Vec::new());
    let together = rayon::current_num_threads().clamp(1, belts.len().max(1));
    for first in (0..belts.len()).step_by(together) {
        let several = first..(first + together).min(belts.len());
        let pieces: Vec<(usize, usize)> =
            several.clone().flat_map(|belt| reaches.blocks_near(belt).map(move |block| (belt, block))).collect();
        if found.len() < pieces.len() {
            found.resize_with(pieces.len(), Vec::new);
        }
        let finders = found.par_iter_mut().zip(&pieces).with_max_len(PIECES);
        finders.for_each_init(Slicer::default, |slicer, (found, &(belt, block))| {
            found.clear();
            for (polygon, reach) in reaches.of_block(block).filter(|(_, reach)| reach.meets(belt)) {
                find(&pair, polygon, reach, &belts[belt], slicer, found);
            }
        });
        blocks.resize_with(several.len(), RowBlock::default);
        blocks.par_iter_mut().zip(several).for_each(|(rows, belt)| {
            let first = pieces.partition_point(|piece| piece.0 < belt);
            let end = pieces.partition_point(|piece| piece.0 <= belt);
            by_cell(&belts[belt], &found[first..end], rows);
        });
        all.append(&blocks);
    }
    all.into()
}

/// Appends what a polygon shares with `cells`, each once and without slivers.
#[inline]
fn find(
    pair: &PolygonsByRows<'_>,
    polygon: usize,
    reach: Reach,
    cells: &Range<usize>,
    slicer: &mut Slicer,
    found: &mut Vec<Shared>,
) {
    let own = pair.polygon_areas[polygon];
    let is_sliver = |shared: &Shared| shared.area <= least_overlap(own.min(pair.row_areas[shared.cell as usize]));
    let shared = |cell: u32, area: f64| Shared { cell, polygon: polygon as u32, area };
    if let Some(cell) = reach.cell() {
        if pair.rows_mask.is_active(cell as usize) {
            found.extend(Some(shared(cell, own)).filter(|s| !is_sliver(s)));
        }
        return;
    }
    let before = found.len();
    pair.cut(polygon, slicer, |cell, area| {
        if cells.contains(&(cell as usize)) {
            found.push(shared(cell, area));
        }
    });
    // Ascending as a rule; parts of one overlap, of cells around poles, are added in their order.
    let of_polygon = &mut found[before..];
    if !of_polygon.is_sorted_by(|a, b| a.cell < b.cell) {
        of_polygon.sort_by_key(|s| s.cell);
        let mut kept = 0;
        for k in 1..of_polygon.len() {
            if of_polygon[k].cell == of_polygon[kept].cell {
                of_polygon[kept].area += of_polygon[k].area;
            } else {
                kept += 1;
                of_polygon[kept] = of_polygon[k];
            }
        }
        found.truncate(before + kept + 1);
    }
    let mut kept = before;
    for k in before..found.len() {
        if !is_sliver(&found[k]) {
            found[kept] = found[k];
            kept += 1;
        }
    }
    found.truncate(kept);
}

/// Fills `rows` with what was found by polygon, ascending, in the order of `cells`.
fn by_cell(cells: &Range<usize>, found: &[Vec<Shared>], rows: &mut RowBlock) {
    rows.counts.clear();
    rows.counts.resize(cells.len(), 0);
    for shared in found.iter().flatten() {
        rows.counts[shared.cell as usize - cells.start] += 1;
    }
    let mut total = 0;
    let mut places: Vec<u32> = Vec::with_capacity(cells.len());
    for count in &rows.counts {
        places.push(total);
        total += count;
    }
    rows.columns.resize(total as usize, 0);
    rows.values.resize(total as usize, 0.0);
    for shared in found.iter().flatten() {
        let place = &mut places[shared.cell as usize - cells.start];
        rows.columns[*place as usize] = shared.polygon;
        rows.values[*place as usize] = shared.area;
        *place += 1;
    }
}
