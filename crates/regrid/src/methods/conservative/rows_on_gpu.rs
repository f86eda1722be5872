//! Polygons x rows on a graphics processor, tile by tile: which cells a polygon may reach into, their areas, and the
//! rows are made there. Polygons that the kernel cannot tell are sliced here.

use super::overlaps::Overlaps;
use super::slicing::{PolygonsByRows, Slicer};
use crate::RegridError;
use knarr_kernels::gpu::{Gpu, GpuError, Width};
use knarr_kernels::twins::overlap_rows::DeviceBands;

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
    let mut together = (PAIRS / (2 * pair.rows.len() / len.max(1) + 8)).clamp(64, POLYGONS);
    let (mut starts, mut corners) = (Vec::new(), Vec::new());
    let mut first = 0;
    while first < len {
        let range = first..(first + together).min(len);
        starts.clear();
        starts.push(0);
        corners.clear();
        for polygon in range.clone() {
            pair.copy_corners(polygon, &mut corners);
            starts.push(corners.len() as u32);
        }
        let made = match bands.rows(gpu, &starts, &corners, &pair.polygon_areas[range.clone()]) {
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
