//! Polygons x polygons on a graphics processor: candidates come from the tree of the source, tile by tile; areas and
//! rows are made there. Rows that the kernel cannot tell are made here.

use super::overlaps::Overlaps;
use super::polygons::{Search, Targets, Worker};
use crate::RegridError;
use crate::growing::{Growing, RowBlock};
use knarr_grid::{Mask, Polygons};
use knarr_kernels::gpu::{Gpu, Width};
use knarr_kernels::twins::cell_area::DevicePolygons;
use knarr_kernels::twins::overlap::DeviceOverlaps;

/// Pairs of a tile: lists of some ten megabytes each.
const PAIRS: usize = 4 << 20;

/// Most destination cells whose candidates are found together.
const CELLS: usize = 1 << 16;

/// Overlap areas by destination cell.
pub(super) fn overlaps(
    gpu: &Gpu,
    source: &Polygons,
    source_mask: &Mask,
    source_areas: &[f64],
    destination: &Polygons,
    destination_mask: &Mask,
    destination_areas: &[f64],
) -> Result<Overlaps, RegridError> {
    let width = if gpu.facts().f64 { Width::F64 } else { Width::F32 };
    let upload = |polygons: &Polygons| -> Result<DevicePolygons, RegridError> {
        // Without repeats, which are no edges.
        let (mut starts, mut vertices) = (vec![0u32], Vec::new());
        for cell in 0..polygons.len() {
            polygons.copy_cell(cell, &mut vertices);
            starts.push(vertices.len() as u32);
        }
        let corners: Vec<u32> = (0..vertices.len() as u32).collect();
        Ok(DevicePolygons::upload(gpu, &starts, &corners, &vertices, width)?)
    };
    let (cells, subjects) = (upload(destination)?, upload(source)?);
    let on_device = DeviceOverlaps::new(gpu, (cells, destination_areas), (subjects, source_areas))?;
    let targets = Targets::Polygons(destination);
    let search = Search::new(source, source_mask, source_areas, targets, destination_mask, destination_areas);
    let mut result = Growing::with_rows(destination.len());
    let mut worker = Worker::default();
    let most = PAIRS.min(gpu.binding_limit() as usize / width.bytes());
    // Boxes meet several times as often as cells.
    let expected = 4 * (source.len() / destination.len().max(1) + 2);
    let together = (PAIRS / expected).clamp(64, CELLS);
    for first in (0..destination.len()).step_by(together) {
        let range = first..(first + together).min(destination.len());
        let candidates = search.candidates(range.clone());
        let mut row = 0;
        while row < range.len() {
            let start = candidates.starts[row];
            let end = (candidates.starts.partition_point(|&s| s - start <= most as u32) - 1).max(row + 1);
            let pairs = start as usize..candidates.starts[end] as usize;
            let starts: Vec<u32> = candidates.starts[row..=end].iter().map(|s| s - start).collect();
            let made = on_device.rows(gpu, first + row, &starts, &candidates.subjects[pairs])?;
            let elsewhere = |k: usize| made.elsewhere[k] || candidates.is_concave[row + k];
            let (mut block, mut at) = (RowBlock::default(), 0);
            for k in 0..made.counts.len() {
                let links = at..at + made.counts[k] as usize;
                at = links.end;
                if elsewhere(k) {
                    search.add_rows(first + row + k..first + row + k + 1, &mut worker, &mut block);
                } else {
                    block.counts.push(made.counts[k]);
                    block.columns.extend_from_slice(&made.subjects[links.clone()]);
                    block.values.extend_from_slice(&made.areas[links]);
                }
            }
            result.append(&[block]);
            row = end;
        }
    }
    Ok(result.into())
}
