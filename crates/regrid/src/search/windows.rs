//! Polygons by the rows of points that they may hold: windows of latitude and longitude by formula, no tree.

use super::ascending::Ascending;
use knarr_grid::{Columns, Rows};
use knarr_kernels::sphere::{UnitVector, dot, sin_cos_deg, sub};
use rayon::prelude::*;
use std::ops::Range;

/// More than the rounding of sines of latitudes and the tolerance at edges.
const MARGIN: f64 = 1e-12;

/// Degrees that longitudes of windows are wider on either side: more than [`rough_longitude`] and single precision amount to.
const MARGIN_DEG: f32 = 3e-3;

/// Points of rows, found by latitude and longitude.
pub(crate) struct RowPoints<'a> {
    rows: &'a Rows,
    /// Sines of the latitudes of rows.
    sines: Ascending,
    /// Sine and cosine of the latitude of each row, and of the longitude of each shared column.
    row_sines: Vec<(f64, f64)>,
    column_sines: Vec<(f64, f64)>,
    /// Longitudes in 0..360 of shared columns.
    lons: Option<Ascending>,
}

/// Longitudes of a polygon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lons {
    west_deg: f32,
    /// 360 where it is around a pole, or near one.
    width_deg: f32,
}

/// Polygons in the order of numbers, by row.
pub(crate) struct Windows {
    lons: Vec<Lons>,
    /// First of the polygons of each row, and the number of all at the end.
    starts: Vec<usize>,
    polygons: Vec<u32>,
}

impl<'a> RowPoints<'a> {
    /// `None` where rows are not in the frame of the polygons.
    pub fn of(rows: &'a Rows) -> Option<Self> {
        if rows.rotation.is_some() {
            return None;
        }
        let row_sines: Vec<(f64, f64)> = rows.lats_deg.iter().map(|&lat| sin_cos_deg(lat)).collect();
        let sines = Ascending::new(row_sines.iter().enumerate().map(|(k, sines)| (sines.0, k as u32)).collect());
        let (lons, column_sines) = match &rows.columns {
            Columns::Shared(lon) => {
                let turned = |(k, c): (usize, &f64)| (c.rem_euclid(360.0), k as u32);
                let lons = Ascending::new(lon.centers_deg.iter().enumerate().map(turned).collect());
                (Some(lons), lon.centers_deg.iter().map(|&c| sin_cos_deg(c)).collect())
            }
            Columns::Reduced { .. } => (None, Vec::new()),
        };
        Some(Self { rows, sines, row_sines, column_sines, lons })
    }

    /// Puts some points of a row into `units`, with the bits that their grid has of them.
    pub fn put_units(&self, row: usize, columns: Range<usize>, units: &mut Vec<UnitVector>) {
        let (sin_lat, cos_lat) = self.row_sines[row];
        let unit = |(sin_lon, cos_lon): (f64, f64)| [cos_lat * cos_lon + 0.0, cos_lat * sin_lon + 0.0, sin_lat + 0.0];
        units.clear();
        match &self.rows.columns {
            Columns::Shared(_) => units.extend(self.column_sines[columns].iter().map(|&sines| unit(sines))),
            Columns::Reduced { counts, .. } => {
                let lon_deg = |column: usize| 360.0 * column as f64 / counts[row] as f64;
                units.extend(columns.map(|column| unit(sin_cos_deg(lon_deg(column)))));
            }
        }
    }

    /// Places of rows, from south to north, between two sines.
    fn between(&self, [south, north]: [f64; 2]) -> Range<usize> {
        let first = self.sines.count_up_to(south);
        first..self.sines.count_up_to(north).max(first)
    }

    /// Calls `visit` with the columns of a row between longitudes.
    #[inline(always)]
    pub fn columns_between(&self, row: usize, lons: Lons, mut visit: impl FnMut(usize)) {
        let (west, width) = (f64::from(lons.west_deg), f64::from(lons.width_deg));
        let east = west + width;
        match (&self.lons, &self.rows.columns) {
            (Some(axis), _) => {
                if width >= 360.0 {
                    return (0..axis.len()).for_each(|k| visit(axis.number(k)));
                }
                (axis.count_up_to(west)..axis.count_up_to(east)).for_each(|k| visit(axis.number(k)));
                if east >= 360.0 {
                    (0..axis.count_up_to(east - 360.0)).for_each(|k| visit(axis.number(k)));
                }
            }
            (None, Columns::Reduced { counts, .. }) => {
                let count = counts[row];
                let per_degree = count as f64 / 360.0;
                let first = (west * per_degree).ceil() as usize;
                let last = (east * per_degree).floor() as usize;
                let end = if width >= 360.0 { first + count } else { (last + 1).min(first + count) };
                (first..end).for_each(|column| visit(if column < count { column } else { column - count }));
            }
            (None, Columns::Shared(_)) => {}
        }
    }
}

impl Windows {
    /// Windows of polygons on points: `corners[starts[k]..starts[k + 1]]` are the nodes of polygon `k`.
    pub fn new(points: &RowPoints, nodes: &[UnitVector], starts: &[usize], corners: &[u32]) -> Self {
        let window = |range: &[usize]| {
            let corners = corners[range[0]..range[1]].iter().map(|&c| nodes[c as usize]);
            let rows = points.between(sines_around(corners.clone()));
            ([rows.start, rows.end].map(|place| place as u32), Lons::around(corners))
        };
        let (places, lons): (Vec<[u32; 2]>, Vec<Lons>) = starts.par_windows(2).with_min_len(1 << 10).map(window).unzip();
        let rows_of = |[first, end]: [u32; 2]| (first..end).map(|place| points.sines.number(place as usize));
        let mut starts = vec![0; points.sines.len() + 2];
        places.iter().flat_map(|&places| rows_of(places)).for_each(|row| starts[row + 2] += 1);
        for row in 2..starts.len() {
            starts[row] += starts[row - 1];
        }
        let mut polygons = vec![0; starts[starts.len() - 1]];
        for (polygon, places) in places.into_iter().enumerate() {
            for row in rows_of(places) {
                let next = &mut starts[row + 1];
                polygons[*next] = polygon as u32;
                *next += 1;
            }
        }
        starts.pop();
        Self { lons, starts, polygons }
    }

    /// The polygons that may hold points of a row, ascending, and their longitudes.
    #[inline]
    pub fn of_row(&self, row: usize) -> impl Iterator<Item = (u32, Lons)> + '_ {
        let polygons = &self.polygons[self.starts[row]..self.starts[row + 1]];
        polygons.iter().map(|&polygon| (polygon, self.lons[polygon as usize]))
    }
}

/// Sines of latitudes that no point of a convex polygon lies beyond.
///
/// A point of it is Σ wₖ qₖ / |Σ wₖ qₖ| with weights that sum to 1; all corners lie within r of the first, so that the length
/// is 1 − r²/2 at least.
#[inline(always)]
fn sines_around(mut corners: impl Iterator<Item = UnitVector>) -> [f64; 2] {
    let Some(first) = corners.next() else { return [1.0, -1.0] };
    let (mut south, mut north, mut reach2) = (first[2], first[2], 0.0);
    for p in corners {
        let apart = sub(p, first);
        let chord2 = dot(apart, apart);
        reach2 = if chord2 > reach2 { chord2 } else { reach2 };
        south = if p[2] < south { p[2] } else { south };
        north = if p[2] > north { p[2] } else { north };
    }
    let length = 1.0 - 0.5 * reach2;
    if length < 0.1 {
        return [-2.0, 2.0];
    }
    let poleward = |sine: f64| sine / length;
    [if south < 0.0 { poleward(south) } else { south } - MARGIN, if north > 0.0 { poleward(north) } else { north } + MARGIN]
}

impl Lons {
    const ALL: Self = Self { west_deg: 0.0, width_deg: 360.0 };

    /// Around the corners of a polygon: from one to the next, less than half a turn each, back to the first.
    #[inline(always)]
    fn around(corners: impl Iterator<Item = UnitVector>) -> Self {
        let mut lons = corners.map(rough_longitude);
        let Some(first) = lons.next() else { return Self::ALL };
        let (mut last, mut at, mut west, mut east) = (first, first, first, first);
        let mut step_to = |lon: f32| {
            let step = lon - last;
            let step = if step > 180.0 {
                step - 360.0
            } else if step < -180.0 {
                step + 360.0
            } else {
                step
            };
            (last, at) = (lon, at + step);
            (west, east) = (if at < west { at } else { west }, if at > east { at } else { east });
            // Near a pole, or where there is no longitude.
            step.abs() < HALF_TURN_DEG
        };
        let mut is_known = true;
        for lon in lons {
            is_known &= step_to(lon);
        }
        is_known &= step_to(first);
        // Around a pole the last step does not lead back to the first place.
        let width_deg = east - west + 2.0 * MARGIN_DEG;
        if !is_known || (at - first).abs() > 180.0 || width_deg >= 360.0 {
            return Self::ALL;
        }
        let west_deg = west - MARGIN_DEG;
        Self { west_deg: if west_deg < 0.0 { west_deg + 360.0 } else { west_deg }, width_deg }
    }
}

/// Steps of longitude from here on may lead around a pole on either side.
const HALF_TURN_DEG: f32 = 170.0;

/// Closer to the axis than this, points have no longitude.
const AXIS: f64 = 1e-5;

/// The longitude in degrees, from -180 to 180, right to 0.001. Reference: Abramowitz and Stegun (1964), 4.4.49.
#[inline(always)]
fn rough_longitude([x, y, _]: UnitVector) -> f32 {
    let (along, across) = (x.abs() as f32, y.abs() as f32);
    let (least, most) = if along < across { (along, across) } else { (across, along) };
    if f64::from(most) < AXIS {
        return f32::NAN;
    }
    let t = least / most;
    let t2 = t * t;
    let angle = t * (0.999_866 + t2 * (-0.330_299_5 + t2 * (0.180_141 + t2 * (-0.085_133 + t2 * 0.020_835_1))));
    let angle = angle.to_degrees();
    let angle = if along < across { 90.0 - angle } else { angle };
    let angle = if x < 0.0 { 180.0 - angle } else { angle };
    if y < 0.0 { -angle } else { angle }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_grid::{Grid, Layout};
    use knarr_kernels::sphere::unit_vector;

    #[test]
    fn longitudes_are_near() {
        for k in -7200..7200 {
            let lon = f64::from(k) * 0.025;
            let found = f64::from(rough_longitude(unit_vector(lon, 89.0 * (f64::from(k) * 0.7).sin())));
            assert!((found - lon).abs().min(360.0 - (found - lon).abs()) < 1e-3, "{lon} {found}");
        }
        assert!(rough_longitude([0.0, 0.0, 1.0]).is_nan());
    }

    /// Polygons over the seam and the poles, on even, turned and reduced rows: every point inside is in a window.
    #[test]
    fn points_in_a_polygon_are_in_its_window() {
        let quads: Vec<[UnitVector; 4]> = (0..3000)
            .map(|k| {
                let (lon, lat) = (f64::from(k) * 137.5 % 360.0 - 180.0, f64::from(k) * 0.06 - 90.0);
                let size = 1.0 + f64::from(k % 23);
                let around = knarr_kernels::tangent_plane::TangentPlane::new(unit_vector(lon, lat), 0.1);
                let [u, v] = around.axes();
                let half = (0.5 * size).to_radians();
                [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(a, b): (f64, f64)| {
                    let place = |c: usize| around.center()[c] + half * (a * u[c] + b * v[c]);
                    knarr_kernels::sphere::normalize([place(0), place(1), place(2)]).expect("not the middle")
                })
            })
            .collect();
        let nodes: Vec<UnitVector> = quads.iter().flatten().copied().collect();
        let starts: Vec<usize> = (0..=quads.len()).map(|k| 4 * k).collect();
        let corners: Vec<u32> = (0..nodes.len() as u32).collect();
        for name in ["r72x37", "O16", "F8"] {
            let grid = Grid::from_spec(name).expect("a valid name");
            let Layout::Rows(rows) = &grid.layout else { panic!("{name} has no rows") };
            let points = RowPoints::of(rows).expect("rows around the poles of the Earth");
            let windows = Windows::new(&points, &nodes, &starts, &corners);
            let mut inside = 0;
            for row in 0..rows.lats_deg.len() {
                let polygons: Vec<(u32, Lons)> = windows.of_row(row).collect();
                assert!(polygons.is_sorted_by(|a, b| a.0 < b.0));
                let cells: Vec<usize> = (0..grid.len()).filter(|&c| rows.row_column(c).0 == row).collect();
                let mut units = Vec::new();
                points.put_units(row, 0..cells.len(), &mut units);
                let expected: Vec<UnitVector> = cells.iter().map(|&cell| grid.center_unit(cell)).collect();
                assert_eq!(units.as_flattened().to_vec(), expected.as_flattened().to_vec());
                for (k, quad) in quads.iter().enumerate() {
                    let mut held = vec![0; cells.len()];
                    if let Some((_, lons)) = polygons.iter().find(|p| p.0 as usize == k) {
                        points.columns_between(row, *lons, |column| held[column] += 1);
                    }
                    for (column, &cell) in cells.iter().enumerate() {
                        let p = grid.center_unit(cell);
                        let is_left = |k: usize| dot(knarr_kernels::sphere::cross(quad[k], quad[(k + 1) % 4]), p) >= 0.0;
                        let is_inside = (0..4).all(is_left);
                        inside += usize::from(is_inside);
                        assert!(held[column] <= 1 && (held[column] == 1 || !is_inside), "{name}: {k} {cell}");
                    }
                }
            }
            assert!(inside > 1000, "{name}: {inside}");
        }
    }
}
