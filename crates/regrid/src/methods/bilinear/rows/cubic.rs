//! Cubic along four rows of a source, then across them: bicubic in the longitudes and latitudes of its frame.
//!
//! Lagrange's cubic through the two rows (columns) on either side, with their true spacing. Order 4 on smooth fields;
//! constants are kept, extremes and integrals are not. Over a pole that the rows reach the next row is found on the
//! other side, half a turn away; at the rim of a regional grid the four nearest rows are taken. Where one of the
//! sixteen centers is masked, or there are fewer than four rows or columns, the weights are bilinear.

use super::{Line, RowSource, TOLERANCE_DEG};
use crate::links::Link;
use knarr_grid::{Columns, LonLat};
use knarr_kernels::sphere::lon_lat_deg;

/// A row as seen from the point: its number, its latitude continued over the poles, and the turn of its longitudes.
#[derive(Clone, Copy)]
struct SeenRow {
    row: usize,
    lat: f64,
    turn_deg: f64,
}

impl RowSource<'_> {
    /// Appends the links of a point; weights have both signs.
    pub fn cubic_links_at(&self, p: LonLat, links: &mut Vec<Link>) {
        let (lon, lat) = match &self.rows.rotation {
            None => (p.lon_deg, p.lat_deg),
            Some(rotation) => lon_lat_deg(rotation.apply(p.unit())),
        };
        if self.cubic(lon, lat, links).is_none() {
            links.clear();
            self.links_at(p, links);
        }
    }

    fn cubic(&self, lon: f64, lat: f64, links: &mut Vec<Link>) -> Option<()> {
        let rows = self.four_rows(lat)?;
        for (row, weight) in rows.iter().zip(lagrange(rows.map(|r| r.lat), lat)) {
            let (columns, weights) = self.four_columns(row.row, lon + row.turn_deg)?;
            for (column, w) in columns.into_iter().zip(weights) {
                let cell = self.cell(row.row, column);
                if !self.is_active[cell] {
                    return None;
                }
                links.push((cell as u32, weight * w));
            }
        }
        Some(())
    }

    fn four_rows(&self, lat: f64) -> Option<[SeenRow; 4]> {
        let n = self.lats.len() as isize;
        let (first, last) = (self.lats.value(0), self.lats.value(self.lats.len() - 1));
        let beyond = (lat < first - TOLERANCE_DEG && !self.reaches_south) || (lat > last + TOLERANCE_DEG && !self.reaches_north);
        if beyond || n < 4 {
            return None;
        }
        let mut start = self.lats.count_up_to(lat) as isize - 2;
        if !self.reaches_south {
            start = start.max(0);
        }
        if !self.reaches_north {
            start = start.min(n - 4);
        }
        // A row of points at the pole is not met twice.
        let at_south = isize::from(first <= TOLERANCE_DEG - 90.0);
        let at_north = isize::from(last >= 90.0 - TOLERANCE_DEG);
        let seen = |k: isize| {
            let (inside, over) = match k {
                _ if k < 0 => (at_south - 1 - k, -180.0),
                _ if k >= n => (2 * n - 1 - k - at_north, 180.0),
                _ => (k, 0.0),
            };
            let (row, value) = (self.lats.number(inside as usize), self.lats.value(inside as usize));
            if over == 0.0 {
                SeenRow { row, lat: value, turn_deg: 0.0 }
            } else {
                SeenRow { row, lat: over - value, turn_deg: 180.0 }
            }
        };
        Some([seen(start), seen(start + 1), seen(start + 2), seen(start + 3)])
    }

    fn four_columns(&self, row: usize, lon: f64) -> Option<([usize; 4], [f64; 4])> {
        match (&self.line, &self.rows.columns) {
            (Line::Shared { west_deg, offsets, is_periodic }, _) => {
                let n = offsets.len() as isize;
                let mut x = (lon - west_deg).rem_euclid(360.0);
                if !is_periodic && x > 360.0 - TOLERANCE_DEG {
                    x = 0.0;
                }
                if n < 4 || (!is_periodic && x > offsets.value(offsets.len() - 1) + TOLERANCE_DEG) {
                    return None;
                }
                let mut start = offsets.count_up_to(x) as isize - 2;
                if !is_periodic {
                    start = start.clamp(0, n - 4);
                }
                let at = |k: isize| {
                    let turns = k.div_euclid(n);
                    let index = k.rem_euclid(n) as usize;
                    (offsets.number(index), offsets.value(index) + 360.0 * turns as f64)
                };
                let four = [at(start), at(start + 1), at(start + 2), at(start + 3)];
                Some((four.map(|c| c.0), lagrange(four.map(|c| c.1), x)))
            }
            (Line::Reduced, Columns::Reduced { counts, .. }) => {
                let n = counts[row];
                let position = lon.rem_euclid(360.0) / 360.0 * n as f64;
                let left = position.floor();
                let columns = [n - 1, 0, 1, 2].map(|shift| (left as usize + shift) % n);
                (n >= 4).then(|| (columns, lagrange([-1.0, 0.0, 1.0, 2.0], position - left)))
            }
            (Line::Reduced, Columns::Shared(_)) => None,
        }
    }
}

/// Weights of the cubic through four places at `x`.
fn lagrange(places: [f64; 4], x: f64) -> [f64; 4] {
    std::array::from_fn(|i| (0..4).filter(|&j| j != i).map(|j| (x - places[j]) / (places[i] - places[j])).product())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lagrange_reproduces_cubics_at_uneven_places() {
        let places = [-2.0, -0.5, 1.0, 4.0];
        let f = |x: f64| 1.0 - x + 0.5 * x * x - 0.25 * x * x * x;
        let value: f64 = lagrange(places, 0.3).iter().zip(places).map(|(w, p)| w * f(p)).sum();
        assert!((value - f(0.3)).abs() < 1e-14);
        assert_eq!(lagrange(places, 1.0), [0.0, 0.0, 1.0, 0.0]);
    }
}
