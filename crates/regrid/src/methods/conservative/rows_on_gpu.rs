//! Polygons x rows on a graphics processor, tile by tile: which cells a polygon may reach into, their areas, and the
//! rows are made there. Polygons that the kernel cannot tell are cut here.

use super::overlaps::{Overlaps, least_overlap};
use super::slicing::{PolygonsByRows, Slicer};
use crate::RegridError;
use crate::growing::{Growing, RowBlock};
use knarr_kernels::gpu::{Gpu, GpuError, Width};
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::twins::overlap_rows::DeviceBands;
use rayon::prelude::*;
use std::ops::Range;

/// Pairs of a tile: lists of some ten megabytes each.
const PAIRS: usize = 4 << 20;

/// Most polygons of a tile.
const POLYGONS: usize = 1 << 16;

/// Tiles at a time.
const TILES: usize = 16;

/// Overlap areas by polygon.
pub(super) fn overlaps(gpu: &Gpu, pair: &PolygonsByRows<'_>) -> Result<Overlaps, RegridError> {
    let width = if gpu.facts().f64 { Width::F64 } else { Width::F32 };
    let bands = DeviceBands::new(gpu, pair.bands(), pair.row_areas, width)?;
    let len = pair.polygons.len();
    let mut result = Growing::with_rows(len);
    // A polygon looks at the cells along its border as well.
    let mut together = (PAIRS / (2 * pair.row_areas.len() / len.max(1) + 8)).clamp(64, POLYGONS);
    let mut first = 0;
    while first < len {
        // While the device does one tile, others are made ready and taken apart.
        let tiles: Vec<Range<usize>> =
            (first..len).step_by(together).take(TILES).map(|first| first..(first + together).min(len)).collect();
        let made: Vec<Result<RowBlock, GpuError>> =
            tiles.par_iter().with_max_len(1).map(|tile| rows(gpu, &bands, pair, tile.clone())).collect();
        let refused = |made: &Result<RowBlock, GpuError>| {
            matches!(made, Err(GpuError::TooLarge { .. } | GpuError::OutOfMemory { .. })) && together > 64
        };
        let done = made.iter().take_while(|made| !refused(made)).count();
        let blocks = made.into_iter().take(done).collect::<Result<Vec<RowBlock>, GpuError>>()?;
        result.append(&blocks);
        first = tiles.get(done).map_or(tiles[tiles.len() - 1].end, |tile| tile.start);
        if done < tiles.len() {
            // More pairs than a binding holds: rows may be much finer here than elsewhere.
            together /= 4;
        }
    }
    Ok(result.into())
}

/// [`overlaps`] by the cells of the rows, without slivers.
pub(super) fn overlaps_by_cell(gpu: &Gpu, pair: &PolygonsByRows<'_>) -> Result<Overlaps, RegridError> {
    let mut found = overlaps(gpu, pair)?;
    let cells = pair.row_areas.len();
    let mut row_starts = vec![0usize; cells + 1];
    for polygon in 0..pair.polygons.len() {
        for link in found.row_starts[polygon]..found.row_starts[polygon + 1] {
            let cell = found.columns[link] as usize;
            if found.areas[link] > least_overlap(pair.polygon_areas[polygon].min(pair.row_areas[cell])) {
                row_starts[cell + 1] += 1;
            } else {
                found.areas[link] = 0.0;
            }
        }
    }
    for cell in 0..cells {
        row_starts[cell + 1] += row_starts[cell];
    }
    let (mut columns, mut areas) = (vec![0u32; row_starts[cells]], vec![0.0; row_starts[cells]]);
    // Each start moves to its row's end, which is the next row's start.
    for polygon in 0..pair.polygons.len() {
        for link in found.row_starts[polygon]..found.row_starts[polygon + 1] {
            if found.areas[link] > 0.0 {
                let place = &mut row_starts[found.columns[link] as usize];
                columns[*place] = polygon as u32;
                areas[*place] = found.areas[link];
                *place += 1;
            }
        }
    }
    row_starts.copy_within(0..cells, 1);
    row_starts[0] = 0;
    Ok(Overlaps { row_starts, columns, areas })
}

/// The rows of some polygons.
fn rows(gpu: &Gpu, bands: &DeviceBands, pair: &PolygonsByRows<'_>, range: Range<usize>) -> Result<RowBlock, GpuError> {
    let (starts, corners) = corners_of(pair, range.clone());
    let made = bands.rows(gpu, (&starts, &corners), pair.turn(), &pair.polygon_areas[range.clone()])?;
    let (mut block, mut links, mut slicer) = (RowBlock::default(), Vec::new(), Slicer::default());
    let mut end = 0;
    for (polygon, (&count, &is_elsewhere)) in range.zip(made.counts.iter().zip(&made.elsewhere)) {
        let own = end..end + count as usize;
        end = own.end;
        // Slivers of the device are gone.
        let mut least = 0.0;
        if is_elsewhere {
            least = pair.row(polygon, &mut slicer, &mut links);
        } else {
            let found = made.subjects[own.clone()].iter().copied().zip(made.areas[own].iter().copied());
            links.extend(found.filter(|&(cell, _)| pair.rows_mask.is_active(cell as usize)));
        }
        block.finish_row(&mut links, least);
    }
    Ok(block)
}

/// Polygons that one task copies.
const COPIED: usize = 1024;

/// Starts of the corners of some polygons, and the corners.
fn corners_of(pair: &PolygonsByRows<'_>, range: Range<usize>) -> (Vec<u32>, Vec<UnitVector>) {
    let several = |first: usize| {
        let (mut counts, mut corners) = (Vec::with_capacity(COPIED), Vec::with_capacity(4 * COPIED));
        for polygon in first..range.end.min(first + COPIED) {
            let before = corners.len();
            pair.copy_corners(polygon, &mut corners);
            counts.push((corners.len() - before) as u32);
        }
        (counts, corners)
    };
    let firsts: Vec<usize> = range.clone().step_by(COPIED).collect();
    let made: Vec<(Vec<u32>, Vec<UnitVector>)> = firsts.into_par_iter().map(several).collect();
    let (mut starts, mut all) = (vec![0], Vec::new());
    for (counts, corners) in made {
        starts.extend(counts.iter().scan(all.len() as u32, |end, count| {
            *end += count;
            Some(*end)
        }));
        all.extend(corners);
    }
    (starts, all)
}
