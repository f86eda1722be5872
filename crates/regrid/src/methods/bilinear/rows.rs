//! Linear along the rows of a source, then between two rows, in the longitudes and latitudes of its frame.
//!
//! Between the last row of a global grid and the pole, values change linearly to the mean of that row at
//! the pole. Beyond the first or last center of a regional grid nothing is known: unmapped.

mod cubic;

use super::patches::LEAST_SHARE;
use crate::links::{Link, LinkRows, NEGLIGIBLE, tidy};
use crate::methods::POLE_TOLERANCE_DEG;
use crate::methods::centers::{Centers, Stretch};
use crate::search::ascending::{Ascending, turned};
use knarr_grid::{Columns, LonAxis, LonLat, Rows};
use knarr_kernels::sphere::lon_lat_deg;

/// Points up to this far outside the centers are on the edge: coordinates are rounded.
const TOLERANCE_DEG: f64 = 1e-9;

/// Links of all active destination cells.
pub(super) fn rows(source: &RowSource<'_>, destination: &Centers) -> LinkRows {
    LinkRows::collect_blocks(
        destination.len(),
        || (Stretch::default(), Vec::new()),
        |cells, (stretch, links), block| {
            let mut parallel = None;
            for (i, p) in cells.clone().zip(stretch.lon_lats(destination.grid(), cells)) {
                if !destination.is_active[i] {
                    block.push_row(&[]);
                } else if let Some(four) = source.four_at(p, &mut parallel) {
                    block.push_row(&four);
                } else {
                    links.clear();
                    source.links_at(p, links);
                    tidy(links);
                    block.push_row(links);
                }
            }
        },
    )
}

/// A source of rows, ready for points.
pub(super) struct RowSource<'a> {
    rows: &'a Rows,
    is_active: &'a [bool],
    /// Latitudes, ascending, and the rows they belong to.
    lats: Ascending,
    line: Line,
    reaches_south: bool,
    reaches_north: bool,
}

/// The rows around a latitude, and the share of the northern one.
pub(super) struct Parallel {
    lat: f64,
    share: f64,
    rows: [usize; 2],
}

/// Where the columns of a row are.
enum Line {
    Shared {
        /// Longitude of the westernmost center.
        west_deg: f64,
        /// Degrees east of it, ascending, and the columns they belong to.
        offsets: Ascending,
        is_periodic: bool,
    },
    Reduced,
}

impl Line {
    fn shared(lon: &LonAxis) -> Self {
        let mut turned: Vec<(f64, usize)> =
            lon.centers_deg.iter().enumerate().map(|(column, c)| (c.rem_euclid(360.0), column)).collect();
        turned.sort_by(|a, b| a.partial_cmp(b).expect("longitudes are numbers"));
        // A column repeated after a full turn counts once.
        turned.dedup_by(|next, kept| next.0 - kept.0 < TOLERANCE_DEG);
        if turned.len() > 1 && turned[0].0 + 360.0 - turned[turned.len() - 1].0 < TOLERANCE_DEG {
            turned.pop();
        }
        let n = turned.len();
        let gap = |k: usize| if k == 0 { turned[0].0 + 360.0 - turned[n - 1].0 } else { turned[k].0 - turned[k - 1].0 };
        // The axis starts after its widest gap; of equal gaps after the first in storage order.
        let widest = (0..n).map(gap).fold(0.0, f64::max);
        let start = (0..n).find(|&k| gap(k) >= widest - TOLERANCE_DEG).unwrap_or(0);
        let others = (0..n).filter(|&k| k != start).map(gap).fold(0.0, f64::max);
        let covered: f64 = lon.bounds_deg.iter().map(|b| b[1] - b[0]).sum();
        let is_periodic = n > 1 && (covered >= 360.0 - POLE_TOLERANCE_DEG || widest <= 1.01 * others);
        let west_deg = turned[start].0;
        let offset = |&(c, column): &(f64, usize)| ((c - west_deg).rem_euclid(360.0), column as u32);
        Self::Shared { west_deg, offsets: Ascending::new(turned.iter().map(offset).collect()), is_periodic }
    }

    fn is_periodic(&self) -> bool {
        match self {
            Self::Shared { is_periodic, .. } => *is_periodic,
            Self::Reduced => true,
        }
    }
}

impl<'a> RowSource<'a> {
    pub fn new(rows: &'a Rows, is_active: &'a [bool]) -> Self {
        let lats = Ascending::new(rows.lats_deg.iter().enumerate().map(|(row, &lat)| (lat, row as u32)).collect());
        let line = match &rows.columns {
            Columns::Shared(lon) => Line::shared(lon),
            Columns::Reduced { .. } => Line::Reduced,
        };
        let south = rows.lat_bounds_deg.iter().map(|b| b[0]).fold(90.0, f64::min);
        let north = rows.lat_bounds_deg.iter().map(|b| b[1]).fold(-90.0, f64::max);
        let is_periodic = line.is_periodic();
        Self {
            rows,
            is_active,
            lats,
            reaches_south: is_periodic && south <= POLE_TOLERANCE_DEG - 90.0,
            reaches_north: is_periodic && north >= 90.0 - POLE_TOLERANCE_DEG,
            line,
        }
    }

    /// Degrees east of the first column, latitudes, and length of a turn (0: none); `None` without columns that all rows
    /// share, or if rows repeat.
    #[cfg(feature = "gpu")]
    pub fn axes(&self) -> Option<(Vec<f64>, Vec<f64>, f64)> {
        let Line::Shared { offsets, is_periodic, .. } = &self.line else { return None };
        let values = |axis: &Ascending| (0..axis.len()).map(|k| axis.value(k)).collect::<Vec<f64>>();
        let lats = values(&self.lats);
        let ascend = lats.windows(2).all(|w| w[0] < w[1]);
        ascend.then(|| (values(offsets), lats, if *is_periodic { 360.0 } else { 0.0 }))
    }

    /// Where a point lies along the axes.
    #[cfg(feature = "gpu")]
    pub fn place(&self, p: LonLat) -> [f64; 2] {
        let (lon, lat) = self.in_frame(p);
        match &self.line {
            Line::Shared { west_deg, is_periodic, .. } => {
                let x = turned(lon - west_deg);
                [if !is_periodic && x > 360.0 - TOLERANCE_DEG { 0.0 } else { x }, lat]
            }
            Line::Reduced => [turned(lon), lat],
        }
    }

    /// Latitudes of reduced rows, ascending, their numbers of columns and first cells; `None` if columns are shared or rows
    /// repeat.
    #[cfg(feature = "gpu")]
    pub fn reduced(&self) -> Option<(Vec<f64>, Vec<u32>, Vec<u32>)> {
        let Columns::Reduced { counts, starts } = &self.rows.columns else { return None };
        let numbers = || (0..self.lats.len()).map(|k| self.lats.number(k));
        let lats: Vec<f64> = (0..self.lats.len()).map(|k| self.lats.value(k)).collect();
        let ascend = lats.windows(2).all(|w| w[0] < w[1]);
        ascend
            .then(|| (lats, numbers().map(|row| counts[row] as u32).collect(), numbers().map(|row| starts[row] as u32).collect()))
    }

    /// Appends the links of a point between these centers of the axes, or these cells of reduced rows, with their weights.
    #[cfg(feature = "gpu")]
    pub fn push_located(&self, centers: [u32; 4], weights: [f64; 4], links: &mut Vec<Link>) {
        for (center, weight) in centers.into_iter().zip(weights) {
            match &self.line {
                Line::Shared { offsets, .. } => {
                    let (row, column) = (center as usize / offsets.len(), center as usize % offsets.len());
                    self.push(self.lats.number(row), offsets.number(column), weight, links);
                }
                Line::Reduced => self.push_cell(center as usize, weight, links),
            }
        }
        if links.iter().map(|l| l.1).sum::<f64>() <= LEAST_SHARE {
            links.clear();
        }
    }

    /// Longitude and latitude in the frame of the rows.
    fn in_frame(&self, p: LonLat) -> (f64, f64) {
        match &self.rows.rotation {
            None => (p.lon_deg, p.lat_deg),
            Some(rotation) => lon_lat_deg(rotation.apply(p.unit())),
        }
    }

    /// Appends the links of a point; masked centers are left out, the rest is scaled up by the caller.
    pub fn links_at(&self, p: LonLat, links: &mut Vec<Link>) {
        let (lon, lat) = self.in_frame(p);
        let at = |k: usize| (self.lats.value(k), self.lats.number(k));
        let (first, last) = (at(0), at(self.lats.len() - 1));
        let inside = if lat < first.0 - TOLERANCE_DEG {
            let t = (first.0 - lat) / (first.0 + 90.0);
            self.reaches_south && self.along(first.1, lon, 1.0 - t, links) && self.mean(first.1, t, links)
        } else if lat > last.0 + TOLERANCE_DEG {
            let t = (lat - last.0) / (90.0 - last.0);
            self.reaches_north && self.along(last.1, lon, 1.0 - t, links) && self.mean(last.1, t, links)
        } else {
            let above = self.lats.count_up_to(lat).clamp(1, self.lats.len().max(2) - 1);
            let (south, north) = (at(above - 1), if above < self.lats.len() { at(above) } else { last });
            let width = north.0 - south.0;
            let t = if width > 0.0 { ((lat - south.0) / width).clamp(0.0, 1.0) } else { 0.0 };
            match &self.line {
                // The same columns in both rows.
                Line::Shared { .. } => self.columns_around(south.1, lon).is_some_and(|columns| {
                    self.push_both(south.1, columns, 1.0 - t, links);
                    self.push_both(north.1, columns, t, links);
                    true
                }),
                Line::Reduced => self.along(south.1, lon, 1.0 - t, links) && self.along(north.1, lon, t, links),
            }
        };
        // Weights add up to 1 before masked ones are left out.
        if !inside || links.iter().map(|l| l.1).sum::<f64>() <= LEAST_SHARE {
            links.clear();
        }
    }

    /// What [`Self::links_at`] and [`tidy`] make of a point, to the bit, where that is four links: between rows and columns,
    /// all of them active. `parallel` is what the point before found.
    #[inline]
    pub fn four_at(&self, p: LonLat, parallel: &mut Option<Parallel>) -> Option<[Link; 4]> {
        let (lon, lat) = self.in_frame(p);
        let at = match parallel {
            Some(at) if at.lat == lat => at,
            _ => parallel.insert(self.parallel(lat)?),
        };
        let (t, rows) = (at.share, at.rows);
        let (first, second) = match &self.line {
            Line::Shared { .. } => {
                let columns = self.columns_around(rows[0], lon)?;
                (columns, columns)
            }
            Line::Reduced => (self.columns_around(rows[0], lon)?, self.columns_around(rows[1], lon)?),
        };
        let of_row = |row: usize, (left, right, s): (usize, usize, f64), weight: f64| {
            let (west, east) = ((self.cell(row, left) as u32, weight * (1.0 - s)), (self.cell(row, right) as u32, weight * s));
            if left < right { [west, east] } else { [east, west] }
        };
        let (south, north) = (of_row(rows[0], first, 1.0 - t), of_row(rows[1], second, t));
        let [[a, b], [c, d]] = if rows[0] < rows[1] { [south, north] } else { [north, south] };
        let mut links = [a, b, c, d];
        let sum = 0.0 + a.1 + b.1 + c.1 + d.1;
        let is_whole = |l: &Link| l.1 > NEGLIGIBLE * sum && self.is_active[l.0 as usize];
        let whole = a.0 < b.0 && c.0 < d.0 && links.iter().all(is_whole) && sum > LEAST_SHARE;
        links.iter_mut().for_each(|l| l.1 /= sum);
        whole.then_some(links)
    }

    /// The rows around a latitude; `None` beyond the first and last one.
    fn parallel(&self, lat: f64) -> Option<Parallel> {
        let above = self.lats.count_up_to(lat);
        if above == 0 || above >= self.lats.len() {
            return None;
        }
        let (south, north) = (self.lats.value(above - 1), self.lats.value(above));
        let share = ((lat - south) / (north - south)).clamp(0.0, 1.0);
        Some(Parallel { lat, share, rows: [above - 1, above].map(|k| self.lats.number(k)) })
    }

    /// Linear between the two columns of a row around `lon`; false if it lies outside the row.
    fn along(&self, row: usize, lon: f64, weight: f64, links: &mut Vec<Link>) -> bool {
        let Some(columns) = self.columns_around(row, lon) else { return false };
        self.push_both(row, columns, weight, links);
        true
    }

    /// The columns of a row around `lon` and the share of the second one.
    #[inline]
    fn columns_around(&self, row: usize, lon: f64) -> Option<(usize, usize, f64)> {
        match (&self.line, &self.rows.columns) {
            (Line::Shared { west_deg, offsets, is_periodic }, _) => {
                let n = offsets.len();
                let mut x = turned(lon - west_deg);
                if !is_periodic && x > 360.0 - TOLERANCE_DEG {
                    x = 0.0;
                }
                let at = |k: usize| (offsets.value(k), offsets.number(k));
                let right = offsets.count_up_to(x).max(1);
                let left = at(right - 1);
                if right < n {
                    Some((left.1, at(right).1, (x - left.0) / (at(right).0 - left.0)))
                } else if *is_periodic {
                    Some((left.1, at(0).1, ((x - left.0) / (360.0 - left.0)).min(1.0)))
                } else {
                    (x - left.0 <= TOLERANCE_DEG).then_some((left.1, left.1, 0.0))
                }
            }
            (Line::Reduced, Columns::Reduced { counts, .. }) => {
                let n = counts[row];
                let position = turned(lon) / 360.0 * n as f64;
                let left = position.floor();
                Some((left as usize % n, (left as usize + 1) % n, position - left))
            }
            (Line::Reduced, Columns::Shared(_)) => None,
        }
    }

    #[inline]
    fn push_both(&self, row: usize, (left, right, t): (usize, usize, f64), weight: f64, links: &mut Vec<Link>) {
        self.push(row, left, weight * (1.0 - t), links);
        self.push(row, right, weight * t, links);
    }

    /// The mean of a row.
    fn mean(&self, row: usize, weight: f64, links: &mut Vec<Link>) -> bool {
        match (&self.line, &self.rows.columns) {
            (Line::Shared { offsets, .. }, _) => {
                let share = weight / offsets.len() as f64;
                (0..offsets.len()).for_each(|k| self.push(row, offsets.number(k), share, links));
            }
            (Line::Reduced, Columns::Reduced { counts, .. }) => {
                let share = weight / counts[row] as f64;
                (0..counts[row]).for_each(|column| self.push(row, column, share, links));
            }
            (Line::Reduced, Columns::Shared(_)) => return false,
        }
        true
    }

    #[inline]
    fn cell(&self, row: usize, column: usize) -> usize {
        column
            + match &self.rows.columns {
                Columns::Shared(lon) => row * lon.centers_deg.len(),
                Columns::Reduced { starts, .. } => starts[row],
            }
    }

    fn push(&self, row: usize, column: usize, weight: f64, links: &mut Vec<Link>) {
        self.push_cell(self.cell(row, column), weight, links);
    }

    #[inline]
    fn push_cell(&self, cell: usize, weight: f64, links: &mut Vec<Link>) {
        if weight > 0.0 && self.is_active[cell] {
            links.push((cell as u32, weight));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(first: f64, step: f64, n: usize) -> LonAxis {
        let centers_deg: Vec<f64> = (0..n).map(|i| first + step * i as f64).collect();
        let half = 0.5 * step.abs();
        LonAxis { bounds_deg: centers_deg.iter().map(|c| [c - half, c + half]).collect(), centers_deg }
    }

    fn rows(lon: LonAxis, lats_deg: Vec<f64>, half: f64) -> Rows {
        Rows {
            rotation: None,
            lat_bounds_deg: lats_deg.iter().map(|l| [(l - half).max(-90.0), (l + half).min(90.0)]).collect(),
            lats_deg,
            columns: Columns::Shared(lon),
        }
    }

    fn value(source: &RowSource<'_>, rows: &Rows, lon: f64, lat: f64, f: impl Fn(f64, f64) -> f64) -> Option<f64> {
        let mut links = Vec::new();
        source.links_at(LonLat { lon_deg: lon, lat_deg: lat }, &mut links);
        (!links.is_empty()).then(|| {
            let sum: f64 = links.iter().map(|l| l.1).sum();
            assert!((sum - 1.0).abs() < 1e-14, "{sum}");
            let center = |cell: u32| rows.frame_center_deg(cell as usize);
            links.iter().map(|&(cell, weight)| weight * f(center(cell).0, center(cell).1)).sum()
        })
    }

    #[test]
    fn bilinear_fields_are_reproduced_across_seams_and_in_any_order() {
        let f = |lon: f64, lat: f64| 3.0 + 0.5 * lon - 0.25 * lat + 0.01 * lon * lat;
        for (lon, lats) in [
            (axis(350.0, 2.0, 11), vec![10.0, 13.0, 15.0]),
            (axis(-10.0, 2.0, 11), vec![15.0, 13.0, 10.0]),
            (axis(10.0, -2.0, 11), vec![10.0, 13.0, 15.0]),
        ] {
            let turn = if lon.centers_deg[0] > 180.0 { 360.0 } else { 0.0 };
            let rows = rows(lon, lats, 0.5);
            let active = vec![true; rows.len()];
            let source = RowSource::new(&rows, &active);
            for (lon, lat) in [(-10.0, 10.0), (-3.3, 14.1), (0.0, 12.0), (0.7, 13.0), (10.0, 15.0)] {
                let found = value(&source, &rows, lon, lat, f).expect("inside");
                assert!((found - f(lon + turn, lat)).abs() < 1e-11, "{lon} {lat}: {found}");
            }
            for (lon, lat) in [(-10.01, 12.0), (10.01, 12.0), (180.0, 12.0), (0.0, 9.9), (0.0, 15.1)] {
                assert_eq!(value(&source, &rows, lon, lat, f), None, "{lon} {lat}");
            }
        }
    }

    #[test]
    fn the_pole_of_a_global_grid_is_the_mean_of_its_last_row() {
        let lats: Vec<f64> = (0..18).map(|j| 85.0 - 10.0 * f64::from(j)).collect();
        let rows = rows(axis(5.0, 10.0, 36), lats, 5.0);
        let active = vec![true; rows.len()];
        let source = RowSource::new(&rows, &active);
        let f = |lon: f64, lat: f64| lat + 10.0 * lon.to_radians().cos();
        let at = |lon, lat| value(&source, &rows, lon, lat, f).expect("global");
        assert!((at(20.0, 90.0) - 85.0).abs() < 1e-12);
        assert!((at(5.0, 87.5) - (85.0 + 5.0 * 5f64.to_radians().cos())).abs() < 1e-12);
        assert!((at(0.0, -90.0) + 85.0).abs() < 1e-12);
        // Between the last and the first column.
        assert!((at(0.0, 40.0) - (40.0 + 10.0 * 5f64.to_radians().cos())).abs() < 1e-12);
    }

    #[test]
    fn masked_centers_are_left_out() {
        let rows = rows(axis(0.0, 1.0, 3), vec![0.0, 1.0], 0.5);
        let active = [true, false, true, true, true, true];
        let source = RowSource::new(&rows, &active);
        let mut links = Vec::new();
        source.links_at(LonLat { lon_deg: 0.5, lat_deg: 0.5 }, &mut links);
        assert_eq!(links.iter().map(|l| l.0).collect::<Vec<_>>(), [0, 3, 4]);
        links.clear();
        source.links_at(LonLat { lon_deg: 1.0, lat_deg: 0.0 }, &mut links);
        assert!(links.is_empty(), "at a masked center nothing is known");
    }

    #[test]
    fn reduced_rows_have_their_own_longitudes() {
        let rows = Rows {
            rotation: None,
            lats_deg: vec![60.0, 0.0, -60.0],
            lat_bounds_deg: vec![[30.0, 90.0], [-30.0, 30.0], [-90.0, -30.0]],
            columns: Columns::Reduced { counts: vec![4, 8, 4], starts: vec![0, 4, 12, 16] },
        };
        let active = vec![true; 16];
        let source = RowSource::new(&rows, &active);
        let mut links = Vec::new();
        source.links_at(LonLat { lon_deg: -22.5, lat_deg: 30.0 }, &mut links);
        links.sort_by_key(|l| l.0);
        let expected = [(0, 0.375), (3, 0.125), (4, 0.25), (11, 0.25)];
        assert!(links.iter().zip(expected).all(|(l, e)| l.0 == e.0 && (l.1 - e.1).abs() < 1e-13), "{links:?}");
    }
}
