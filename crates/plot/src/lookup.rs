//! Which cell of a row-structured grid holds a direction.

use knarr_grid::{Columns, Rows};
use knarr_kernels::sphere::{UnitVector, lon_lat_deg};

/// Sorted bounds of the rows and columns.
pub(crate) struct RowsLookup<'a> {
    rows: &'a Rows,
    /// South end, north end, row; ascending by south end.
    by_south: Vec<(f64, f64, usize)>,
    /// West end in 0..360, width, column; ascending by west end. Empty for reduced rows.
    by_west: Vec<(f64, f64, usize)>,
}

impl<'a> RowsLookup<'a> {
    pub fn new(rows: &'a Rows) -> Self {
        let mut by_south: Vec<_> = rows.lat_bounds_deg.iter().enumerate().map(|(row, b)| (b[0], b[1], row)).collect();
        by_south.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut by_west: Vec<_> = match &rows.columns {
            Columns::Shared(lon) => {
                lon.bounds_deg.iter().enumerate().map(|(column, b)| (b[0].rem_euclid(360.0), b[1] - b[0], column)).collect()
            }
            Columns::Reduced { .. } => Vec::new(),
        };
        by_west.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { rows, by_south, by_west }
    }

    /// The cell at `p`; `None` outside the grid.
    pub fn cell_at(&self, p: UnitVector) -> Option<usize> {
        let in_frame = self.rows.rotation.as_ref().map_or(p, |rotation| rotation.apply(p));
        let (lon, lat) = lon_lat_deg(in_frame);
        let at = self.by_south.partition_point(|row| row.0 <= lat).checked_sub(1)?;
        let (_, north, row) = self.by_south[at];
        if lat > north {
            return None;
        }
        match &self.rows.columns {
            Columns::Shared(axis) => Some(row * axis.centers_deg.len() + self.column_at(lon.rem_euclid(360.0))?),
            Columns::Reduced { counts, starts } => {
                let n = counts[row] as f64;
                let column = (lon / 360.0 * n + 0.5).floor().rem_euclid(n) as usize;
                Some(starts[row] + column.min(counts[row] - 1))
            }
        }
    }

    fn column_at(&self, lon: f64) -> Option<usize> {
        let at = self.by_west.partition_point(|column| column.0 <= lon);
        // The last column that starts before `lon`, or the last of all, reaching over 360.
        let (west, width, column) = *self.by_west.get(at.wrapping_sub(1)).or(self.by_west.last())?;
        let offset = if west <= lon { lon - west } else { lon + 360.0 - west };
        (offset <= width).then_some(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_grid::LonAxis;
    use knarr_kernels::sphere::unit_vector;

    #[test]
    fn every_center_is_found_in_its_cell() {
        let lons: Vec<f64> = (0..8).map(|i| 45.0 * f64::from(i)).collect();
        let bounds = lons.iter().map(|l| [l - 22.5, l + 22.5]).collect();
        let rows = Rows {
            rotation: None,
            lats_deg: vec![60.0, 0.0, -60.0],
            lat_bounds_deg: vec![[30.0, 90.0], [-30.0, 30.0], [-90.0, -30.0]],
            columns: Columns::Shared(LonAxis { centers_deg: lons, bounds_deg: bounds }),
        };
        let lookup = RowsLookup::new(&rows);
        for cell in 0..rows.len() {
            let (lon, lat) = rows.frame_center_deg(cell);
            assert_eq!(lookup.cell_at(unit_vector(lon, lat)), Some(cell));
            assert_eq!(lookup.cell_at(unit_vector(lon - 22.4, lat)), Some(cell), "near its west end");
        }
    }

    #[test]
    fn outside_a_regional_grid_is_no_cell() {
        let rows = Rows {
            rotation: None,
            lats_deg: vec![50.0],
            lat_bounds_deg: vec![[49.0, 51.0]],
            columns: Columns::Shared(LonAxis {
                centers_deg: vec![359.0, 361.0],
                bounds_deg: vec![[358.0, 360.0], [360.0, 362.0]],
            }),
        };
        let lookup = RowsLookup::new(&rows);
        let at = |lon, lat| lookup.cell_at(unit_vector(lon, lat));
        assert_eq!((at(-1.5, 50.0), at(1.5, 50.0)), (Some(0), Some(1)));
        assert_eq!((at(2.5, 50.0), at(-2.5, 50.0), at(0.0, 52.0), at(0.0, 48.0)), (None, None, None, None));
    }
}
