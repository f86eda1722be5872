//! Centers of many cells one after the other: the bits of those one by one, without finding each cell anew.

use crate::{Columns, Formula, Grid, Layout, LonLat, Rows};
use knarr_kernels::sphere::{UnitVector, sin_cos_deg, unit_vectors};
use std::ops::Range;

impl Grid {
    /// Puts the centers of `cells` into `lons` and `lats` (degrees), as [`Grid::center`] has them.
    ///
    /// # Panics
    /// If the slices are not as long as the range.
    pub fn put_centers(&self, cells: Range<usize>, lons: &mut [f64], lats: &mut [f64]) {
        assert!(lons.len() == cells.len() && lats.len() == cells.len(), "one place for each center");
        if let Layout::Formula(Formula::IcosahedralTriangles(triangles)) = &self.layout {
            return triangles.put_centers(cells, lons, lats);
        }
        let mut places = lons.iter_mut().zip(lats);
        let mut put = |center: LonLat| {
            if let Some((lon, lat)) = places.next() {
                (*lon, *lat) = (center.lon_deg, center.lat_deg);
            }
        };
        match &self.layout {
            Layout::Rows(rows) if rows.rotation.is_none() => each_of_rows(rows, cells, |row, column| {
                put(LonLat { lon_deg: lon_deg(rows, row, column), lat_deg: rows.lats_deg[row] });
            }),
            Layout::Formula(Formula::Healpix(healpix)) => healpix.each_place(cells, |place| put(healpix.center_at(place))),
            Layout::Polygons { centers, .. } | Layout::Points { centers } => centers[cells].iter().copied().for_each(put),
            Layout::Formula(Formula::CubedSphere(faces)) => faces.each_place(cells, |place| put(faces.center_at(place))),
            Layout::Rows(_) | Layout::Formula(Formula::IcosahedralTriangles(_)) => {
                cells.for_each(|cell| put(self.center(cell)));
            }
        }
    }

    /// Puts the centers of `cells` into `units`, as [`Grid::center_unit`] has them.
    ///
    /// # Panics
    /// If the slice is not as long as the range.
    pub fn put_center_units(&self, cells: Range<usize>, units: &mut [UnitVector]) {
        assert_eq!(units.len(), cells.len(), "one place for each center");
        if let Layout::Polygons { centers, .. } | Layout::Points { centers } = &self.layout {
            return unit_vectors(&centers[cells], |center| [center.lon_deg, center.lat_deg], units);
        }
        let mut places = units.iter_mut();
        let mut put = |unit: UnitVector| {
            if let Some(place) = places.next() {
                *place = unit;
            }
        };
        match &self.layout {
            Layout::Rows(rows) if rows.rotation.is_none() => {
                let (mut at, mut sines) = (usize::MAX, (0.0, 0.0));
                let columns = Sines::of(rows, cells.len());
                each_of_rows(rows, cells, |row, column| {
                    if row != at {
                        (at, sines) = (row, sin_cos_deg(rows.lats_deg[row]));
                    }
                    let ((sin_lat, cos_lat), (sin_lon, cos_lon)) = (sines, columns.at(rows, row, column));
                    put([cos_lat * cos_lon + 0.0, cos_lat * sin_lon + 0.0, sin_lat + 0.0]);
                });
            }
            Layout::Formula(Formula::IcosahedralTriangles(triangles)) => triangles.each_center(cells, put),
            Layout::Formula(Formula::Healpix(healpix)) => healpix.each_place(cells, |place| put(healpix.unit_at(place))),
            Layout::Formula(Formula::CubedSphere(faces)) => faces.each_place(cells, |place| put(faces.center_unit_at(place))),
            Layout::Rows(_) | Layout::Polygons { .. } | Layout::Points { .. } => {
                cells.for_each(|cell| put(self.center_unit(cell)));
            }
        }
    }
}

/// Calls `each` with the rows and columns of `cells`.
pub(crate) fn each_of_rows(rows: &Rows, cells: Range<usize>, mut each: impl FnMut(usize, usize)) {
    if cells.is_empty() {
        return;
    }
    let (mut row, mut column) = rows.row_column(cells.start);
    let mut left = cells.len();
    while left > 0 {
        let count = match &rows.columns {
            Columns::Shared(lon) => lon.centers_deg.len(),
            Columns::Reduced { counts, .. } => counts[row],
        };
        let end = count.min(column + left);
        left -= end - column;
        (column..end).for_each(|column| each(row, column));
        (row, column) = (row + 1, 0);
    }
}

fn lon_deg(rows: &Rows, row: usize, column: usize) -> f64 {
    match &rows.columns {
        Columns::Shared(lon) => lon.centers_deg[column],
        Columns::Reduced { counts, .. } => 360.0 * column as f64 / counts[row] as f64,
    }
}

/// Sines and cosines of the longitudes that rows share, where more than a row of them is needed.
struct Sines(Vec<(f64, f64)>);

impl Sines {
    fn of(rows: &Rows, needed: usize) -> Self {
        Self(match &rows.columns {
            Columns::Shared(lon) if needed > lon.centers_deg.len() => lon.centers_deg.iter().map(|&c| sin_cos_deg(c)).collect(),
            _ => Vec::new(),
        })
    }

    fn at(&self, rows: &Rows, row: usize, column: usize) -> (f64, f64) {
        self.0.get(column).copied().unwrap_or_else(|| sin_cos_deg(lon_deg(rows, row, column)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centers_together_have_the_bits_of_those_one_by_one() {
        for name in ["r36x18", "O8", "H1", "H6", "H8n", "CS1", "CS7", "ICO1", "ICO2", "ICO7", "ICO3d"] {
            let formula = Grid::from_spec(name).expect("a valid name");
            let points = Grid::points((0..formula.len()).map(|cell| formula.center(cell)).collect()).expect("points");
            for grid in [formula, points] {
                check(name, &grid);
            }
        }
    }

    fn check(name: &str, grid: &Grid) {
        let n = grid.len();
        for cells in [0..n, 0..0, n / 3..n, n / 2..n / 2 + 1, 1..n.min(30)] {
            let count = cells.len();
            let (mut lons, mut lats, mut units) = (vec![9e9; count], vec![9e9; count], vec![[9e9; 3]; count]);
            grid.put_centers(cells.clone(), &mut lons, &mut lats);
            grid.put_center_units(cells.clone(), &mut units);
            for (k, cell) in cells.enumerate() {
                let center = grid.center(cell);
                let pairs = [(lons[k], center.lon_deg), (lats[k], center.lat_deg)];
                let units = units[k].into_iter().zip(grid.center_unit(cell));
                for (found, expected) in pairs.into_iter().chain(units) {
                    assert_eq!(found.to_bits(), expected.to_bits(), "{name} {cell}");
                }
            }
        }
    }
}
