//! Centers and corners of a grid's cells as files hold them.

use super::corners::Corners;
use knarr_grid::{Columns, Grid, Layout, LonLat};
use rayon::prelude::*;
use std::ops::Range;

/// Corners of all cells, padded to the same number by repeating the last one.
pub(crate) struct PaddedCorners {
    /// Corners per cell.
    pub width: usize,
    /// Longitudes in degrees, cell by cell.
    pub lons: Vec<f64>,
    /// Latitudes in degrees, cell by cell.
    pub lats: Vec<f64>,
}

/// Cells whose corners one task computes.
const TASK_CELLS: usize = 1 << 14;

/// Centers of all cells.
pub(crate) fn centers(grid: &Grid) -> Vec<LonLat> {
    (0..grid.len()).into_par_iter().with_min_len(TASK_CELLS).map(|cell| grid.center(cell)).collect()
}

/// Longitudes and latitudes of all centers.
pub(crate) fn center_tables(grid: &Grid) -> (Vec<f64>, Vec<f64>) {
    let (mut lons, mut lats) = (vec![0.0; grid.len()], vec![0.0; grid.len()]);
    let tasks = lons.par_chunks_mut(TASK_CELLS).zip(lats.par_chunks_mut(TASK_CELLS)).enumerate();
    tasks.for_each(|(task, (lons, lats))| {
        let start = task * TASK_CELLS;
        grid.put_centers(start..start + lons.len(), lons, lats);
    });
    (lons, lats)
}

/// Longitudes and latitudes of the centers of `cells`, 0 where they are unknown: such cells are masked, and other
/// programs stumble over NaN even there.
pub(crate) fn put_centers(grid: &Grid, cells: Range<usize>, lons: &mut [f64], lats: &mut [f64]) {
    grid.put_centers(cells, lons, lats);
    lons.iter_mut().chain(lats).for_each(|v| *v = finite(*v));
}

/// Areas of all cells in steradians.
pub(crate) fn areas(grid: &Grid) -> Vec<f64> {
    let mut areas = vec![0.0; grid.len()];
    grid.put_areas(0..grid.len(), &mut areas);
    areas
}

/// Corners of all cells, counter-clockwise; a cell without corners has its center as its only corner.
pub(crate) fn padded_corners(grid: &Grid) -> PaddedCorners {
    let width = corner_width(grid);
    let (mut lons, mut lats) = (vec![0.0; width * grid.len()], vec![0.0; width * grid.len()]);
    let tasks = lons.par_chunks_mut(width * TASK_CELLS).zip(lats.par_chunks_mut(width * TASK_CELLS)).enumerate();
    tasks.for_each(|(task, (lons, lats))| {
        let start = task * TASK_CELLS;
        put_corners(grid, start..start + lons.len() / width, lons, lats);
    });
    PaddedCorners { width, lons, lats }
}

/// Most corners of a cell, at least 1.
pub(crate) fn corner_width(grid: &Grid) -> usize {
    match &grid.layout {
        Layout::Rows(_) => 4,
        Layout::Formula(formula) => formula.corners_per_cell(),
        Layout::Polygons { polygons, .. } => polygons.max_corners().max(1),
        Layout::Points { .. } => 1,
    }
}

/// Corners of `cells` as [`padded_corners`] gives them, each cell's [`corner_width`] after the other.
pub(crate) fn put_corners(grid: &Grid, cells: Range<usize>, lons: &mut [f64], lats: &mut [f64]) {
    let width = lons.len() / cells.len().max(1);
    let (mut known, mut corners) = (Corners::of(grid), Vec::new());
    let (mut center_lons, mut center_lats) = (vec![0.0; cells.len()], vec![0.0; cells.len()]);
    grid.put_centers(cells.clone(), &mut center_lons, &mut center_lats);
    let centers = center_lons.into_iter().zip(center_lats).map(|(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg });
    let places = lons.chunks_mut(width).zip(lats.chunks_mut(width));
    for ((cell, center), (lons, lats)) in cells.zip(centers).zip(places) {
        corners.clear();
        known.append(cell, center.lon_deg, &mut corners);
        if corners.is_empty() {
            corners.push(center);
        }
        for (k, (lon, lat)) in lons.iter_mut().zip(lats).enumerate() {
            let corner = corners[k.min(corners.len() - 1)];
            (*lon, *lat) = (corner.lon_deg, corner.lat_deg);
        }
    }
}

/// Extents as SCRIP and ESMF store them, fastest first; a reduced grid has one.
pub(crate) fn extents_fastest_first(grid: &Grid) -> Vec<i32> {
    let reduced = matches!(&grid.layout, Layout::Rows(rows) if matches!(rows.columns, Columns::Reduced { .. }));
    let shape = if reduced { vec![grid.len()] } else { grid.shape.clone() };
    shape.iter().rev().map(|&n| n as i32).collect()
}

/// 1 = active, as SCRIP and ESMF count.
pub(crate) fn active_flags(grid: &Grid) -> Vec<i32> {
    (0..grid.len()).map(|cell| i32::from(grid.mask.is_active(cell))).collect()
}

/// Values with 0 for what is unknown, as in [`put_centers`].
pub(crate) fn known(mut values: Vec<f64>) -> Vec<f64> {
    values.iter_mut().for_each(|v| *v = finite(*v));
    values
}

/// The value, or 0 for what is no number.
pub(crate) fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}
