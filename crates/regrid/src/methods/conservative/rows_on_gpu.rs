//! Polygons x rows on a graphics processor, tile by tile: which cells a polygon may reach into, their areas, and the
//! rows are made there. Polygons that the kernel cannot tell are cut here.

use super::overlaps::Overlaps;
use super::slicing::{PolygonsByRows, Slicer};
use crate::RegridError;
use knarr_kernels::gpu::{Gpu, GpuError, Width};
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::twins::overlap_rows::DeviceBands;
use rayon::prelude::*;
use std::ops::Range;

/// Pairs of a tile: lists of some ten megabytes each.
const PAIRS: usize = 4 << 20;

/// Most polygons of a tile.
const POLYGONS: usize = 1 << 16;

/// Overlap areas by polygon.
pub(super) fn overlaps(gpu: &Gpu, pair: &PolygonsByRows<'_>) -> Result<Overlaps, RegridError> {
    let width = if gpu.facts().f64 { Width::F64 } else { Width::F32 };
    let bands = DeviceBands::new(gpu, pair.bands(), pair.row_areas, width)?;
    let len = pair.polygons.len();
    let mut result = Overlaps::with_rows(len);
    // A polygon looks at the cells along its border as well.
    let mut together = (PAIRS / (2 * pair.row_areas.len() / len.max(1) + 8)).clamp(64, POLYGONS);
    let mut first = 0;
    while first < len {
        let range = first..(first + together).min(len);
        let (starts, corners) = corners_of(pair, range.clone());
        let made = match bands.rows(gpu, (&starts, &corners), pair.turn(), &pair.polygon_areas[range.clone()]) {
            // More pairs than a binding holds: rows may be much finer here than elsewhere.
            Err(GpuError::TooLarge { .. } | GpuError::OutOfMemory { .. }) if together > 64 => {
                together /= 4;
                continue;
            }
            made => made?,
        };
        let ends: Vec<usize> = made
            .counts
            .iter()
            .scan(0, |end, &count| {
                *end += count as usize;
                Some(*end)
            })
            .collect();
        let tile = Overlaps::by_rows(range.len(), Slicer::default, |i, slicer, links| {
            if made.elsewhere[i] {
                return pair.row(range.start + i, slicer, links);
            }
            let own = ends[i] - made.counts[i] as usize..ends[i];
            let found = made.subjects[own.clone()].iter().copied().zip(made.areas[own].iter().copied());
            links.extend(found.filter(|&(cell, _)| pair.rows_mask.is_active(cell as usize)));
            // Slivers are gone.
            0.0
        });
        result.append(&tile, len);
        first = range.end;
    }
    result.shrink();
    Ok(result)
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
