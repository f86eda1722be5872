//! Where a point lies between the centers of reduced rows, and its bilinear weights.

use crate::axes_location::Corners;

/// Rows around a globe, each with columns of its own that are as far apart as one another, the first at 0°.
#[derive(Clone, Copy, Debug)]
pub struct ReducedRows<'a> {
    /// Latitudes of the rows, ascending (degrees).
    pub y: &'a [f64],
    /// Columns of each row; at least one.
    pub columns: &'a [u32],
    /// First cell of each row.
    pub starts: &'a [u32],
}

impl ReducedRows<'_> {
    /// The cells around a point at the longitude x in [0°, 360°) and the latitude y, two of the row below and two of the row
    /// above, and their weights; `None` beyond the first and last row.
    ///
    /// With s and s' the parts of the way from column to column in both rows, and t that from row to row, they are
    /// (1−s)(1−t), s(1−t), (1−s')t, s't. On a row those of the other row are 0.
    ///
    /// ```
    /// use knarr_kernels::reduced_location::ReducedRows;
    /// let rows = ReducedRows { y: &[-60.0, 0.0], columns: &[4, 8], starts: &[8, 0] };
    /// assert_eq!(rows.locate([337.5, -30.0]), Some(([11, 8, 7, 0], [0.125, 0.375, 0.25, 0.25])));
    /// assert_eq!(rows.locate([10.0, 1.0]), None);
    /// ```
    pub fn locate(&self, [x, y]: [f64; 2]) -> Option<Corners> {
        let rows = self.y.len();
        if rows == 0 || !(y >= self.y[0] && y <= self.y[rows - 1]) {
            return None;
        }
        let above = self.y.partition_point(|&v| v <= y).clamp(1, rows.max(2) - 1);
        let (south, north) = (above - 1, above.min(rows - 1));
        let height = self.y[north] - self.y[south];
        let t = if height > 0.0 { ((y - self.y[south]) / height).clamp(0.0, 1.0) } else { 0.0 };
        let ([a, b], s) = self.along(south, x);
        let ([c, d], u) = self.along(north, x);
        Some(([a, b, c, d], [(1.0 - t) * (1.0 - s), (1.0 - t) * s, t * (1.0 - u), t * u]))
    }

    /// The cells of a row around a longitude, and the part of the way to the second one.
    fn along(&self, row: usize, x: f64) -> ([u32; 2], f64) {
        let columns = self.columns[row];
        let position = x / 360.0 * f64::from(columns);
        let left = position.floor();
        let cell = |column: u32| self.starts[row] + column % columns;
        ([cell(left as u32), cell(left as u32 + 1)], position - left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_both_rows() {
        let rows = ReducedRows { y: &[-60.0, 0.0, 30.0], columns: &[4, 8, 1], starts: &[9, 1, 0] };
        for (p, cells, weights) in [
            ([0.0, -60.0], [9, 10, 1, 2], [1.0, 0.0, 0.0, 0.0]),
            ([100.0, -15.0], [10, 11, 3, 4], [0.25 * 8.0 / 9.0, 0.25 / 9.0, 0.75 * 7.0 / 9.0, 0.75 * 2.0 / 9.0]),
            ([350.0, 30.0], [8, 1, 0, 0], [0.0, 0.0, 1.0 / 36.0, 35.0 / 36.0]),
        ] {
            let (found, of_found) = rows.locate(p).expect("between rows");
            assert_eq!(found, cells, "{p:?}");
            assert!(of_found.iter().zip(weights).all(|(f, w)| (f - w).abs() < 1e-14), "{p:?}: {of_found:?}");
        }
        assert!([[0.0, -60.1], [0.0, 30.1], [0.0, f64::NAN]].iter().all(|&p| rows.locate(p).is_none()));
        let single = ReducedRows { y: &[5.0], columns: &[2], starts: &[0] };
        assert_eq!(single.locate([180.0, 5.0]), Some(([1, 0, 1, 0], [1.0, 0.0, 0.0, 0.0])));
    }
}
