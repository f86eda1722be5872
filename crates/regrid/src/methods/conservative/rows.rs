//! Rows x rows about one pole: overlaps are products of overlaps of latitude and of longitude.

use super::overlaps::Overlaps;
use knarr_grid::{Columns, Mask, Rows};
use knarr_kernels::cell_area::sine_difference;
use knarr_kernels::overlap_products::{AxisOverlaps, areas};

/// Overlaps shorter than this part of the destination's extent are rounding.
const LEAST_PART: f64 = 1e-13;

/// Whether both have the same frame, to rounding.
pub(crate) fn same_pole(a: &Rows, b: &Rows) -> bool {
    match (&a.rotation, &b.rotation) {
        (None, None) => true,
        (Some(a), Some(b)) => a.0.iter().flatten().zip(b.0.iter().flatten()).all(|(x, y)| (x - y).abs() < 1e-14),
        _ => false,
    }
}

/// What the rows of the destination share with those of the source: differences of sines.
pub(super) fn lats(source: &Rows, destination: &Rows) -> AxisOverlaps {
    let source_rows = Intervals::new(source.lat_bounds_deg.iter().copied());
    AxisOverlaps::new(destination.lat_bounds_deg.iter().map(|&[south, north]| {
        let mut found = Vec::new();
        let least = LEAST_PART * sine_difference(south, north);
        source_rows.meeting(south, north, |row, [s, n]| {
            let overlap = sine_difference(south.max(s), north.min(n));
            if overlap > least {
                found.push((row, overlap));
            }
        });
        found
    }))
}

/// What the columns of the destination share with those of the source (rad), if all rows of both have the same ones.
pub(super) fn shared_lons(source: &Rows, destination: &Rows) -> Option<AxisOverlaps> {
    let (Columns::Shared(s), Columns::Shared(d)) = (&source.columns, &destination.columns) else { return None };
    let axis = LonIntervals::new(&s.bounds_deg);
    Some(AxisOverlaps::new(d.bounds_deg.iter().map(|&bounds| axis.meeting(bounds))))
}

/// Overlap areas by destination cell.
pub(super) fn overlaps(source: &Rows, source_mask: &Mask, destination: &Rows, destination_mask: &Mask) -> Overlaps {
    let lats = lats(source, destination);
    // With shared longitudes on both sides, each pair of columns is looked at once for all rows.
    let shared = shared_lons(source, destination);
    let shared_source = match &source.columns {
        Columns::Shared(lon) => Some((LonIntervals::new(&lon.bounds_deg), lon.centers_deg.len())),
        Columns::Reduced { .. } => None,
    };
    Overlaps::by_rows(
        destination.len(),
        || (),
        |cell, (), links| {
            if !destination_mask.is_active(cell) {
                return 0.0;
            }
            let (row, column) = destination.row_column(cell);
            let mut add = |source_cell: u32, area: f64| {
                if source_mask.is_active(source_cell as usize) {
                    links.push((source_cell, area));
                }
            };
            if let (Some(lons), Some((_, columns))) = (&shared, &shared_source) {
                areas(&lats, lons, *columns, (row, column), add);
                return 0.0;
            }
            let (lon, _) = destination.frame_bounds_deg(cell);
            for (source_row, height) in lats.of(row) {
                let mut add = |start: usize, column: u32, width_rad: f64| add(start as u32 + column, height * width_rad);
                match (&shared_source, &source.columns) {
                    (Some((axis, columns)), _) => {
                        let start = source_row as usize * columns;
                        axis.meeting(lon).into_iter().for_each(|(c, w)| add(start, c, w));
                    }
                    (None, Columns::Reduced { counts, starts }) => {
                        let start = starts[source_row as usize];
                        meeting_uniform(counts[source_row as usize], lon, &mut |c, w| add(start, c, w));
                    }
                    (None, Columns::Shared(_)) => {}
                }
            }
            0.0
        },
    )
}

/// Overlap (rad) of [west, east] with the equal columns of a reduced row, the first centered at 0.
fn meeting_uniform(count: usize, [west, east]: [f64; 2], add: &mut impl FnMut(u32, f64)) {
    let width = 360.0 / count as f64;
    let least = LEAST_PART * (east - west);
    let first = (west / width + 0.5).floor() as i64 - 1;
    let last = (east / width + 0.5).floor() as i64 + 1;
    for k in first..=last {
        let edge = |k: i64| (k as f64 - 0.5) * 360.0 / count as f64;
        let overlap = edge(k + 1).min(east) - edge(k).max(west);
        if overlap > least {
            add(k.rem_euclid(count as i64) as u32, overlap.to_radians());
        }
    }
}

/// Intervals sorted by their lower end.
struct Intervals {
    sorted: Vec<([f64; 2], u32)>,
    /// Greatest upper end among the intervals up to each one.
    reach: Vec<f64>,
}

impl Intervals {
    fn new(intervals: impl Iterator<Item = [f64; 2]>) -> Self {
        let mut sorted: Vec<([f64; 2], u32)> = intervals.enumerate().map(|(k, i)| (i, k as u32)).collect();
        sorted.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]).then(a.1.cmp(&b.1)));
        let mut greatest = f64::NEG_INFINITY;
        let reach = sorted
            .iter()
            .map(|(i, _)| {
                greatest = greatest.max(i[1]);
                greatest
            })
            .collect();
        Self { sorted, reach }
    }

    fn meeting(&self, low: f64, high: f64, mut found: impl FnMut(u32, [f64; 2])) {
        let first = self.reach.partition_point(|&r| r <= low);
        for &(interval, index) in &self.sorted[first..] {
            if interval[0] >= high {
                break;
            }
            found(index, interval);
        }
    }
}

/// Intervals on a circle, laid out over one turn.
struct LonIntervals {
    base: f64,
    intervals: Intervals,
}

impl LonIntervals {
    fn new(bounds_deg: &[[f64; 2]]) -> Self {
        let base = bounds_deg.first().map_or(0.0, |b| b[0]);
        let unwrap = |&[west, east]: &[f64; 2]| {
            let turns = ((west - base) / 360.0 + 1e-12).floor();
            [west - 360.0 * turns, east - 360.0 * turns]
        };
        Self { base, intervals: Intervals::new(bounds_deg.iter().map(unwrap)) }
    }

    /// Columns that meet [west, east] and the overlap in radians.
    fn meeting(&self, [west, east]: [f64; 2]) -> Vec<(u32, f64)> {
        let mut found: Vec<(u32, f64)> = Vec::new();
        let least = LEAST_PART * (east - west);
        let turns = ((west - self.base) / 360.0).floor();
        // An interval may reach over the end of the turn, as may what is asked for.
        for shift in [-1.0, 0.0, 1.0] {
            let (low, high) = (west - 360.0 * (turns + shift), east - 360.0 * (turns + shift));
            self.intervals.meeting(low, high, |index, [w, e]| {
                let overlap = high.min(e) - low.max(w);
                if overlap > least {
                    match found.iter_mut().find(|(i, _)| *i == index) {
                        Some((_, total)) => *total += overlap.to_radians(),
                        None => found.push((index, overlap.to_radians())),
                    }
                }
            });
        }
        found
    }
}
