//! Centers and corners of a grid's cells as files hold them.

use knarr_grid::{Columns, Grid, Layout, LonLat};
use knarr_kernels::sphere::lon_lat_deg;

/// Corners of all cells, padded to the same number by repeating the last one.
pub(crate) struct PaddedCorners {
    /// Corners per cell.
    pub width: usize,
    /// Longitudes in degrees, cell by cell.
    pub lons: Vec<f64>,
    /// Latitudes in degrees, cell by cell.
    pub lats: Vec<f64>,
}

/// Centers of all cells.
pub(crate) fn centers(grid: &Grid) -> Vec<LonLat> {
    (0..grid.len()).map(|cell| grid.center(cell)).collect()
}

/// Longitudes and latitudes of all centers.
pub(crate) fn center_tables(grid: &Grid) -> (Vec<f64>, Vec<f64>) {
    centers(grid).into_iter().map(|c| (c.lon_deg, c.lat_deg)).unzip()
}

/// Corners of all cells, counter-clockwise; a cell without corners has its center as its only corner.
pub(crate) fn padded_corners(grid: &Grid) -> PaddedCorners {
    let width = match &grid.layout {
        Layout::Rows(_) => 4,
        Layout::Polygons { polygons, .. } => polygons.max_corners().max(1),
        Layout::Points { .. } => 1,
    };
    let mut lons = Vec::with_capacity(width * grid.len());
    let mut lats = Vec::with_capacity(width * grid.len());
    for cell in 0..grid.len() {
        let mut corners = corners_deg(grid, cell);
        if corners.is_empty() {
            corners.push(grid.center(cell));
        }
        for k in 0..width {
            let corner = corners[k.min(corners.len() - 1)];
            lons.push(corner.lon_deg);
            lats.push(corner.lat_deg);
        }
    }
    PaddedCorners { width, lons, lats }
}

/// Corners of a cell in degrees: the bounds themselves where the cell lies between parallels and meridians, else
/// longitudes within half a turn of the center's; a corner at a pole has the center's longitude.
pub(crate) fn corners_deg(grid: &Grid, cell: usize) -> Vec<LonLat> {
    if let Layout::Rows(rows) = &grid.layout
        && rows.rotation.is_none()
    {
        let ([west, east], [south, north]) = rows.frame_bounds_deg(cell);
        return [(west, south), (east, south), (east, north), (west, north)]
            .map(|(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg })
            .to_vec();
    }
    let center = grid.center(cell);
    grid.corners(cell)
        .into_iter()
        .map(|p| {
            let (lon, lat_deg) = lon_lat_deg(p);
            let lon_deg = if lat_deg.abs() >= 90.0 - 1e-12 || !center.lon_deg.is_finite() {
                if center.lon_deg.is_finite() { center.lon_deg } else { lon }
            } else {
                lon + 360.0 * ((center.lon_deg - lon) / 360.0).round()
            };
            LonLat { lon_deg, lat_deg }
        })
        .collect()
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

/// Values with 0 for what is unknown: such cells are masked, and other programs stumble over NaN even there.
pub(crate) fn known(mut values: Vec<f64>) -> Vec<f64> {
    values.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = 0.0);
    values
}
