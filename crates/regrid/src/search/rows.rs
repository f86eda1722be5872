//! The nearest center in a grid of rows, by its axes: no tree, and mostly no trigonometry.

use super::ascending::{Ascending, turned};
use super::points::TIE;
use super::rings::{At, Ring, Two};
use knarr_grid::{Columns, LonLat, Rows};
use knarr_kernels::sphere::{UnitVector, dot, lon_lat_deg, sin_cos_deg, sub};
use std::f64::consts::TAU;

/// Centers looked at around a point before the search gives up: a point far outside a regional grid.
const PATIENCE: usize = 256;

/// Rows within reach of a point outside a regional grid above which its search is not begun: about as many columns are, more
/// centers than patience is for.
const MOST_ROWS: usize = 24;

/// Columns further away than this are compared by distance, not by longitude.
const NEAR_DEG: f64 = 5.0;

/// Two points of a parallel and meridians around it are equally far if the product of the cosines is below this.
const POLAR: f64 = 1e-16;

/// Degrees by which latitudes and longitudes may be wrong: rounding, ten times over.
const ROUNDING_DEG: f64 = 1e-12;

/// The answer for a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Nearest {
    /// The cell: of those within [`TIE`] of the least distance the one with the lowest number.
    Cell(u32),
    /// Too many centers would have to be looked at, or all near ones are masked.
    Unknown,
}

/// Centers of rows, ready for queries.
pub(crate) struct RowCenters<'a> {
    rows: &'a Rows,
    is_active: &'a [bool],
    lats: Ascending,
    /// Sine and cosine of the latitude of each row, and of the longitude of each shared column.
    row_sines: Vec<(f64, f64)>,
    column_sines: Vec<(f64, f64)>,
    /// Longitudes in 0..360 of shared columns.
    lons: Option<Ascending>,
    /// Least distance between two rows; 0 if columns repeat, so that the second nearest is not the next one.
    least_gap_deg: f64,
    /// Least distance between two shared columns.
    least_column_gap_deg: f64,
}

/// Two columns (by longitude) on both sides of a place, and how far west and east they are.
struct Around {
    left: usize,
    right: usize,
    west: f64,
    east: f64,
}

impl Around {
    /// The nearer one and its distance.
    fn nearest(&self) -> (usize, f64) {
        if self.west <= self.east { (self.left, self.west) } else { (self.right, self.east) }
    }
}

impl<'a> RowCenters<'a> {
    pub fn new(rows: &'a Rows, is_active: &'a [bool]) -> Self {
        let numbered = |(k, &v): (usize, &f64)| (v, k as u32);
        let lats = Ascending::new(rows.lats_deg.iter().enumerate().map(numbered).collect());
        let lons = match &rows.columns {
            Columns::Shared(lon) => {
                let turned = |(k, v): (usize, &f64)| (v.rem_euclid(360.0), k as u32);
                Some(Ascending::new(lon.centers_deg.iter().enumerate().map(turned).collect()))
            }
            Columns::Reduced { .. } => None,
        };
        let least_gap =
            |axis: &Ascending| (1..axis.len()).map(|k| axis.value(k) - axis.value(k - 1)).fold(f64::INFINITY, f64::min);
        let least_column_gap_deg = lons.as_ref().map_or(f64::INFINITY, |lons| {
            let n = lons.len();
            least_gap(lons).min(if n > 1 { lons.value(0) + 360.0 - lons.value(n - 1) } else { 360.0 })
        });
        let columns_repeat = least_column_gap_deg < 1e3 * ROUNDING_DEG;
        let least_gap_deg = if columns_repeat { 0.0 } else { least_gap(&lats) };
        let column_sines = match &rows.columns {
            Columns::Shared(lon) => lon.centers_deg.iter().map(|&c| sin_cos_deg(c)).collect(),
            Columns::Reduced { .. } => Vec::new(),
        };
        let row_sines = rows.lats_deg.iter().map(|&lat| sin_cos_deg(lat)).collect();
        Self { rows, is_active, lats, row_sines, column_sines, lons, least_gap_deg, least_column_gap_deg }
    }

    /// The nearest active center.
    pub fn nearest(&self, p: LonLat) -> Nearest {
        let (lon, lat) = match &self.rows.rotation {
            None => (p.lon_deg, p.lat_deg),
            Some(rotation) => lon_lat_deg(rotation.apply(p.unit())),
        };
        let clearly = match &self.rows.columns {
            Columns::Shared(_) => self.clearly_nearest(lon, lat).or_else(|| self.nearest_from_afar(lon, lat)),
            Columns::Reduced { counts, starts } => self.clearly_nearest_in_rings(counts, starts, lon, lat),
        };
        match clearly {
            Some(cell) if self.is_active[cell] => Nearest::Cell(cell as u32),
            _ => self.nearest_of_window(p.unit(), lon, lat),
        }
    }

    /// The columns around a longitude.
    #[inline(always)]
    fn columns_around(lons: &Ascending, lon: f64) -> Around {
        let (n, x) = (lons.len(), turned(lon));
        let east = lons.count_up_to(x);
        let (left, right) = (if east == 0 { n - 1 } else { east - 1 }, if east == n { 0 } else { east });
        let west_of = if east == 0 { x - lons.value(left) + 360.0 } else { x - lons.value(left) };
        let east_of = if east == n { lons.value(right) - x + 360.0 } else { lons.value(right) - x };
        Around { left, right, west: west_of, east: east_of }
    }

    /// The center that is nearest in longitude and in latitude, if no other can be; of two columns that are
    /// equally far the lower one.
    ///
    /// With the same difference δ of longitudes to all rows, the nearest row is the nearest one to the latitude
    /// ψ with tan ψ = tan φ / cos δ, and |ψ − φ| ≤ (1/cos δ − 1)/2 < 0.26 δ² for δ < 5°.
    #[inline]
    fn clearly_nearest(&self, lon: f64, lat: f64) -> Option<usize> {
        let lons = self.lons.as_ref()?;
        let (n, above) = (lons.len(), self.lats.count_up_to(lat));
        if n < 2 || above == 0 || above == self.lats.len() || lat.abs() > 89.0 {
            return None;
        }
        let around = Self::columns_around(lons, lon);
        let ((column, delta), width) = (around.nearest(), around.west + around.east);

        let (south, north) = (lat - self.lats.value(above - 1), self.lats.value(above) - lat);
        let (row, gap) = (if south <= north { above - 1 } else { above }, south + north);
        // 0.26 · π/180 for δ² in degrees.
        let shift = 0.0046 * delta * delta;
        let (along, across) = ((around.west - around.east).abs(), (south - north).abs() - 2.0 * shift);
        // Up to 89° the second nearest is further away by 1e-12 at least: a hundred ties.
        let is_clear = |margin: f64, size: f64| margin * size > 1e-6 * (gap + width);
        let row_is_clear =
            delta <= NEAR_DEG && 2.0 * shift < self.least_gap_deg && self.lats.value(row).abs() <= 89.5 && is_clear(across, gap);
        if !row_is_clear {
            return None;
        }
        let first = self.first_of_row(self.lats.number(row));
        if is_clear(along, width) {
            return Some(first + lons.number(column));
        }
        // Half-way between two columns of a row: distances differ by less than the longitudes do.
        let cells = [around.left, around.right].map(|k| first + lons.number(k));
        let tie = n > 2 && along.to_radians() <= 0.5 * TIE && cells.iter().all(|&cell| self.is_active[cell]);
        tie.then(|| cells[0].min(cells[1]))
    }

    /// The nearest center of rows with columns of their own, which start at longitude 0, if no other is hardly farther.
    fn clearly_nearest_in_rings(&self, counts: &[usize], starts: &[usize], lon_deg: f64, lat_deg: f64) -> Option<usize> {
        let at = At::new(LonLat { lon_deg, lat_deg });
        let mut two = Two::none(0);
        let meet = |k: usize, two: &mut Two<usize>| {
            let row = self.lats.number(k);
            let ring = Ring { sine_cosine: self.row_sines[row], len: counts[row], first: 0.0 };
            at.meet_ring(ring, two, |column| starts[row] + column);
        };
        let above = self.lats.count_up_to(lat_deg);
        let pair = above.checked_sub(1)?..above + 1;
        if above == self.lats.len() {
            return None;
        }
        pair.clone().for_each(|k| meet(k, &mut two));
        // An arc of up to 60° is no longer than this times its chord.
        if two.least > 1.0 {
            return None;
        }
        let angle_deg = (two.least.sqrt() * (TAU / 6.0)).to_degrees() + ROUNDING_DEG;
        if lat_deg.abs() + angle_deg >= 90.0 {
            return None;
        }
        let window = self.lats.count_up_to(lat_deg - angle_deg)..self.lats.count_up_to(lat_deg + angle_deg);
        for k in window.filter(|k| !pair.contains(k)) {
            meet(k, &mut two);
        }
        two.is_clear().then_some(two.place)
    }

    /// The center that is nearest of all those of shared columns from wherever, if no other is hardly farther.
    ///
    /// In each row the nearest column is the one nearest in longitude: the same one in all. With the difference δ to it, the
    /// chord to its row at φ_k is 2 − 2R cos(φ_k − ψ), R² = sin² φ + cos² φ cos² δ and ψ with R sin ψ = sin φ,
    /// R cos ψ = cos φ cos δ: the nearest row is the one nearest to ψ on a circle.
    fn nearest_from_afar(&self, lon: f64, lat: f64) -> Option<usize> {
        let (lons, rows) = (self.lons.as_ref()?, self.lats.len());
        if lons.len() < 2 || rows < 2 || self.least_gap_deg <= 0.0 {
            return None;
        }
        let around = Self::columns_around(lons, lon);
        let (column, delta) = around.nearest();
        let (sin_lat, cos_lat) = sin_cos_deg(lat);
        let along = cos_lat * sin_cos_deg(delta).1;
        let (psi, radius) = (sin_lat.atan2(along).to_degrees(), sin_lat.hypot(along));
        // Those around ψ, and those at the ends, which are near beyond a pole; of each the next one.
        let above = self.lats.count_up_to(psi).clamp(1, rows - 1);
        let candidates = [above - 1, above, 0, 1, rows - 2, rows - 1];
        let mut nearest = (f64::INFINITY, 0);
        let mut second = f64::INFINITY;
        for (k, &row) in candidates.iter().enumerate() {
            if candidates[..k].contains(&row) {
                continue;
            }
            let apart = (self.lats.value(row) - psi).abs();
            let apart = apart.min(360.0 - apart);
            if apart < nearest.0 {
                (second, nearest) = (nearest.0, (apart, row));
            } else {
                second = second.min(apart);
            }
        }
        let (apart, row) = nearest;
        let row = self.lats.number(row);
        // By how much the squares of chords to others are greater: 2 (cos a − cos b) of both angles.
        let greater = |a: f64, b: f64| 4.0 * sin_cos_deg(0.5 * (b + a)).0 * sin_cos_deg(0.5 * (b - a)).0;
        let next_column = (delta + self.least_column_gap_deg).min(around.west.max(around.east)).min(180.0);
        let of_rows = radius * greater(apart, second);
        let of_columns = cos_lat * self.row_sines[row].1 * greater(delta, next_column);
        let margin = of_rows.min(of_columns);
        let chord2 = 2.0 - 2.0 * radius * sin_cos_deg(apart).1 + margin;
        (margin > 200.0 * TIE * chord2.max(0.0).sqrt()).then(|| self.first_of_row(row) + lons.number(column))
    }

    /// The nearest by distance: first among the four centers around the point, then among all that their
    /// least distance allows.
    fn nearest_of_window(&self, p: UnitVector, lon: f64, lat: f64) -> Nearest {
        let above = self.lats.count_up_to(lat);
        let mut best = Best::NONE;
        for row in [above.checked_sub(1), Some(above).filter(|&k| k < self.lats.len())].into_iter().flatten() {
            self.visit_row(row, p, lon, 0.0, &mut |cell, chord2| best.meet(cell, chord2));
        }
        if best.chord2 > 3.0 {
            return Nearest::Unknown;
        }
        let reach = best.chord2.sqrt() + 10.0 * TIE;
        let angle_deg = (2.0 * (0.5 * reach).min(1.0).asin()).to_degrees() + ROUNDING_DEG;
        let (sin_lat, cos_lat) = sin_cos_deg(lat);
        let mut patience = PATIENCE;
        let mut rows = self.lats.count_up_to(lat - angle_deg)..self.lats.count_up_to(lat + angle_deg);
        if rows.len() > MOST_ROWS && self.is_outside(lon, above) {
            return Nearest::Unknown;
        }
        let is_complete = rows.all(|k| {
            // chord² = 4 sin²((φ − φ_k)/2) + 4 cos φ cos φ_k sin²(δ/2)
            let (sin_row, cos_row) = self.row_sines[self.lats.number(k)];
            let cosines = cos_lat * cos_row;
            if cosines < POLAR {
                return self.meet_first_active(k, p, &mut best);
            }
            let across2 = (sin_lat - sin_row) * (sin_lat - sin_row) + (cos_lat - cos_row) * (cos_lat - cos_row);
            let sine2 = 0.25 * (reach * reach - across2).max(0.0) / cosines;
            let half_width = if sine2 < 1.0 { 2.0 * sine2.sqrt().asin().to_degrees() + ROUNDING_DEG } else { 360.0 };
            self.visit_row(k, p, lon, half_width, &mut |cell, chord2| {
                best.meet(cell, chord2);
                patience -= 1;
                patience > 0
            })
        });
        best.lowest().filter(|_| is_complete).map_or(Nearest::Unknown, |cell| Nearest::Cell(cell as u32))
    }

    /// Whether a longitude is in a wide gap between columns, or no row is on one side, with `above` rows up to its latitude.
    fn is_outside(&self, lon: f64, above: usize) -> bool {
        // As many times as far apart as so many columns around the globe.
        const WIDE: f64 = 10.0;
        let is_in_gap = self.lons.as_ref().is_some_and(|lons| {
            let (n, east) = (lons.len(), lons.count_up_to(turned(lon)));
            let gap = if east == 0 || east == n {
                lons.value(0) + 360.0 - lons.value(n - 1)
            } else {
                lons.value(east) - lons.value(east - 1)
            };
            gap * n as f64 > WIDE * 360.0
        });
        is_in_gap || above == 0 || above == self.lats.len()
    }

    /// Calls `visit` with the active cells of a row (by latitude) up to `half_width` degrees from `lon`, with the
    /// next one on both sides, and with their chord² to `p`; false as soon as `visit` is.
    #[inline]
    fn visit_row(&self, k: usize, p: UnitVector, lon: f64, half_width: f64, visit: &mut impl FnMut(usize, f64) -> bool) -> bool {
        let row = self.lats.number(k);
        let first = self.first_of_row(row);
        let x = turned(lon);
        let (n, east) = match (&self.lons, &self.rows.columns) {
            (Some(lons), _) => (lons.len(), lons.count_up_to(x)),
            (None, Columns::Reduced { counts, .. }) => (counts[row], (x / 360.0 * counts[row] as f64) as usize + 1),
            (None, Columns::Shared(_)) => (0, 0),
        };
        let at = |place: usize| match &self.lons {
            Some(lons) => (lons.value(place), lons.number(place)),
            None => (360.0 * place as f64 / n as f64, place),
        };
        let mut left = n;
        // Eastward from the point, then westward, each until it is too far or all columns have been met.
        for is_eastward in [true, false] {
            let (mut place, mut turned, mut is_next) = (east, 0.0, true);
            while left > 0 {
                if is_eastward && place == n {
                    (place, turned) = (0, turned + 360.0);
                } else if !is_eastward && place == 0 {
                    (place, turned) = (n, turned - 360.0);
                }
                let (value, column) = at(if is_eastward { place } else { place - 1 });
                if !is_next && (value + turned - x).abs() > half_width {
                    break;
                }
                if self.is_active[first + column] && !visit(first + column, self.chord2(p, row, column, first + column)) {
                    return false;
                }
                place = if is_eastward { place + 1 } else { place - 1 };
                (is_next, left) = (false, left - 1);
            }
        }
        true
    }

    /// Of a row that is as far from `p` everywhere, the lowest number is enough.
    fn meet_first_active(&self, k: usize, p: UnitVector, best: &mut Best) -> bool {
        let row = self.lats.number(k);
        let cells = match &self.rows.columns {
            Columns::Shared(lon) => lon.centers_deg.len(),
            Columns::Reduced { counts, .. } => counts[row],
        };
        let first = self.first_of_row(row);
        let active = (0..cells).find(|column| self.is_active[first + column]);
        active.is_none_or(|column| best.meet(first + column, self.chord2(p, row, column, first + column)))
    }

    fn first_of_row(&self, row: usize) -> usize {
        match &self.rows.columns {
            Columns::Shared(lon) => row * lon.centers_deg.len(),
            Columns::Reduced { starts, .. } => starts[row],
        }
    }

    /// As for centers that were turned into vectors one by one, to the bit.
    #[inline]
    fn chord2(&self, p: UnitVector, row: usize, column: usize, cell: usize) -> f64 {
        let center = if self.rows.rotation.is_some() {
            self.rows.center(cell).unit()
        } else {
            let (sin_lat, cos_lat) = self.row_sines[row];
            let (sin_lon, cos_lon) = match &self.rows.columns {
                Columns::Shared(_) => self.column_sines[column],
                Columns::Reduced { counts, .. } => sin_cos_deg(360.0 * column as f64 / counts[row] as f64),
            };
            [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
        };
        let chord = sub(center, p);
        dot(chord, chord)
    }
}

/// The least distance so far, and the cells near it.
pub(super) struct Best {
    chord2: f64,
    tied: [(f64, usize); 8],
    count: usize,
    /// Where many are tied: around a pole.
    more: Vec<(f64, usize)>,
}

impl Best {
    /// Nothing met yet.
    pub(super) const NONE: Self = Self { chord2: f64::INFINITY, tied: [(0.0, 0); 8], count: 0, more: Vec::new() };

    /// Always true, for searches that go on.
    pub(super) fn meet(&mut self, cell: usize, chord2: f64) -> bool {
        if chord2.sqrt() <= self.chord2.sqrt() + TIE {
            self.chord2 = self.chord2.min(chord2);
            match self.tied.get_mut(self.count) {
                Some(place) => *place = (chord2, cell),
                None => self.more.push((chord2, cell)),
            }
            self.count += 1;
        }
        true
    }

    pub(super) fn lowest(&self) -> Option<usize> {
        let bound = self.chord2.sqrt() + TIE;
        let met = self.tied.iter().take(self.count).chain(&self.more);
        met.filter(|t| t.0.sqrt() <= bound).map(|t| t.1).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::points::NearPoints;
    use knarr_grid::LonAxis;
    use knarr_kernels::sphere::Rotation;

    fn shared(lons: Vec<f64>, lats_deg: Vec<f64>) -> Rows {
        let bounds = |v: &[f64]| v.iter().map(|c| [c - 0.5, c + 0.5]).collect();
        let lon = LonAxis { bounds_deg: bounds(&lons), centers_deg: lons };
        Rows { rotation: None, lat_bounds_deg: bounds(&lats_deg), lats_deg, columns: Columns::Shared(lon) }
    }

    fn even(first: f64, step: f64, n: u32) -> Vec<f64> {
        (0..n).map(|k| first + step * f64::from(k)).collect()
    }

    fn reduced(lats_deg: Vec<f64>, counts: Vec<usize>) -> Rows {
        let mut starts = vec![0];
        counts.iter().for_each(|n| starts.push(starts[starts.len() - 1] + n));
        let lat_bounds_deg = lats_deg.iter().map(|c| [c - 0.5, c + 0.5]).collect();
        Rows { rotation: None, lats_deg, lat_bounds_deg, columns: Columns::Reduced { counts, starts } }
    }

    /// Answers of both, over points on, between and off the centers, and the part that formulas answered.
    fn known_part(rows: &Rows, is_active: &[bool]) -> f64 {
        let active = (0..rows.len()).filter(|&c| is_active[c]);
        let near = NearPoints::new(active.map(|c| (rows.center(c).unit(), c as u32)).collect());
        let centers = RowCenters::new(rows, is_active);
        let multiples =
            (0..=144).flat_map(|i| (0..=72).map(move |j| (f64::from(i) * 2.5 - 1.0 / 3.0, f64::from(j) * 2.5 - 90.0)));
        let round = (0..=72).flat_map(|i| (0..=72).map(move |j| (f64::from(i) * 5.0 - 30.0, f64::from(j) * 2.5 - 90.0)));
        let spiral = (0..3000).map(|k| (f64::from(k) * 137.50776, (1.0 - f64::from(k) / 1499.5).asin().to_degrees()));
        let around: Vec<(f64, f64)> =
            (0..rows.len()).step_by(7).map(|c| rows.center(c)).map(|c| (c.lon_deg, c.lat_deg)).collect();
        let points: Vec<(f64, f64)> = multiples.chain(round).chain(spiral).chain(around).collect();
        let mut known = 0;
        for &(lon_deg, lat_deg) in &points {
            let p = LonLat { lon_deg, lat_deg };
            if let Nearest::Cell(cell) = centers.nearest(p) {
                assert_eq!(Some(cell), near.nearest(p.unit()).map(|n| n.0), "{lon_deg} {lat_deg}");
                known += 1;
            }
        }
        f64::from(known) / points.len() as f64
    }

    #[test]
    fn formulas_and_strips_agree_on_every_kind_of_rows() {
        let global = |n: u32, first: f64| even(first, 360.0 / f64::from(n), n);
        let gaussian = [-86.0, -75.0, -62.5, -45.5, -28.0, -9.0, 8.0, 26.5, 44.0, 61.0, 74.5, 87.0].to_vec();
        let cases = [
            ("regular", shared(global(72, 2.5), even(-87.5, 5.0, 36)), 1.0),
            ("pole rows, north to south", shared(global(72, 0.0), even(90.0, -5.0, 37)), 1.0),
            ("flat cells", shared(global(18, 0.0), even(-89.75, 0.5, 360)), 1.0),
            ("tall cells", shared(global(360, 0.5), even(-80.0, 20.0, 9)), 1.0),
            ("uneven", shared((0..60).map(|k| 0.1 * f64::from(k * k)).collect(), gaussian.clone()), 1.0),
            ("repeated column", shared(even(-180.0, 10.0, 37), even(-85.0, 10.0, 18)), 1.0),
            ("one row", shared(global(36, 0.0), vec![10.0]), 0.3),
            ("regional", shared(even(350.0, 0.5, 40), even(30.0, 0.5, 30)), 0.9),
            ("regional, around the globe", shared(global(36, 0.0), even(-80.0, 5.0, 4)), 0.9),
            ("regional, tall", shared(even(100.0, 0.25, 20), even(-89.0, 8.0, 23)), 0.9),
            ("reduced", reduced(gaussian.clone(), vec![20, 24, 28, 32, 36, 40, 40, 36, 32, 28, 24, 20]), 1.0),
            ("reduced with poles", reduced(even(-90.0, 15.0, 13), vec![1, 8, 16, 20, 24, 28, 32, 28, 24, 20, 16, 8, 1]), 1.0),
        ];
        for (name, mut rows, least) in cases {
            for rotation in [None, Some(Rotation::from_rotated_pole(-162.0, 39.25, 10.0))] {
                rows.rotation = rotation;
                let known = known_part(&rows, &vec![true; rows.len()]);
                assert!(known >= least, "{name}: {known}");
                // Patches of land, and single cells.
                let masked: Vec<bool> = (0..rows.len()).map(|c| c % 5 != 0 && c / 40 % 3 != 1).collect();
                let known = known_part(&rows, &masked);
                assert!(known >= 0.4 * least, "{name}, masked: {known}");
            }
        }
    }
}
