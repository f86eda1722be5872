//! Rows of a grid as the bands and meridians of the kernel that cuts cells along them.

use knarr_grid::{Columns, Rows};
use knarr_kernels::overlap_rows::{Bands, Meridians, NO_OWNER};

/// Part of a cell's width or height by which neighbours may overlap without being refused: rounding of files.
const SNAP: f64 = 1e-4;

/// Whether rows and columns do not overlap one another, so that cutting along them finds each part of the sphere once.
pub(super) fn can_tile(rows: &Rows) -> bool {
    !rows.is_empty() && lat_parts(rows).is_some() && lon_parts(rows).is_some()
}

/// Bands of `rows`, in their own frame.
pub(super) fn bands(rows: &Rows) -> Bands {
    let (breaks, owners) = lat_parts(rows).expect("can_tile was asked before");
    let (meridians, row_starts) = match &rows.columns {
        Columns::Shared(lon) => {
            let n = lon.centers_deg.len();
            let parts = lon_parts(rows).expect("can_tile was asked before");
            (vec![Meridians::table(&parts)], (0..rows.lats_deg.len()).map(|j| j * n).collect())
        }
        Columns::Reduced { counts, starts } => {
            let meridians = counts
                .iter()
                .map(|&count| {
                    if count >= 8 {
                        Meridians::Uniform { count }
                    } else {
                        let width = 360.0 / count as f64;
                        let parts: Vec<(f64, u32)> = (0..count).map(|c| ((c as f64 - 0.5) * width, c as u32)).collect();
                        Meridians::table(&parts)
                    }
                })
                .collect();
            (meridians, starts[..counts.len()].to_vec())
        }
    };
    Bands::new(&breaks, owners, meridians, row_starts)
}

/// Latitudes of the parallels, ascending, and the row of each band between them.
fn lat_parts(rows: &Rows) -> Option<(Vec<f64>, Vec<u32>)> {
    let mut order: Vec<usize> = (0..rows.lats_deg.len()).collect();
    order.sort_by(|&a, &b| rows.lat_bounds_deg[a][0].total_cmp(&rows.lat_bounds_deg[b][0]));
    let mut breaks = vec![rows.lat_bounds_deg[*order.first()?][0]];
    let mut owners = Vec::with_capacity(order.len());
    for row in order {
        let [south, north] = rows.lat_bounds_deg[row];
        let last = breaks[breaks.len() - 1];
        if south > last {
            breaks.push(south);
            owners.push(NO_OWNER);
        } else if last - south > SNAP * (north - south) {
            return None;
        }
        breaks.push(north);
        owners.push(row as u32);
    }
    Some((breaks, owners))
}

/// West ends and columns, ascending within one turn, gaps included; empty for reduced rows, which always tile.
fn lon_parts(rows: &Rows) -> Option<Vec<(f64, u32)>> {
    let Columns::Shared(lon) = &rows.columns else { return Some(Vec::new()) };
    let base = lon.bounds_deg.first()?[0];
    let mut intervals: Vec<(f64, f64, u32)> = lon
        .bounds_deg
        .iter()
        .enumerate()
        .map(|(column, &[west, east])| {
            let turns = ((west - base) / 360.0 + 1e-12).floor();
            (west - 360.0 * turns, east - 360.0 * turns, column as u32)
        })
        .collect();
    intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut parts: Vec<(f64, u32)> = Vec::with_capacity(intervals.len() + 1);
    for (k, &(west, east, column)) in intervals.iter().enumerate() {
        let width = east - west;
        if !(width > 0.0 && width <= 360.0) {
            return None;
        }
        parts.push((west, column));
        let next = intervals.get(k + 1).map_or(intervals[0].0 + 360.0, |i| i.0);
        if next > east + SNAP * width {
            parts.push((east, NO_OWNER));
        } else if east > next + SNAP * width {
            return None;
        }
    }
    Some(parts)
}
