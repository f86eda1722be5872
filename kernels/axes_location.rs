//! Where a point lies between the lines of a rectilinear grid, and its bilinear weights.

/// The axes of a grid, ascending, in degrees or any unit.
#[derive(Clone, Copy, Debug)]
pub struct Axes<'a> {
    /// Along a row.
    pub x: &'a [f64],
    /// From row to row.
    pub y: &'a [f64],
    /// Length of a turn along a row, from the last to the first center on; 0 if there is none.
    pub period: f64,
}

/// Four centers, as row · columns + column, and their weights: the row below first, the column to the left first.
pub type Corners = ([u32; 4], [f64; 4]);

impl Axes<'_> {
    /// The centers around a point and their weights, (1−s)(1−t), s(1−t), (1−s)t, st; `None` outside.
    ///
    /// On a line the weights of the other side are 0. In a periodic row x lies within a turn of the first center.
    ///
    /// ```
    /// use knarr_kernels::axes_location::Axes;
    /// let axes = Axes { x: &[0.0, 120.0, 240.0], y: &[-45.0, 45.0], period: 360.0 };
    /// assert_eq!(axes.locate([300.0, 0.0]), Some(([2, 0, 5, 3], [0.25; 4])));
    /// assert_eq!(axes.locate([300.0, 46.0]), None);
    /// ```
    pub fn locate(&self, [x, y]: [f64; 2]) -> Option<Corners> {
        let (n, rows) = (self.x.len(), self.y.len());
        if n == 0 || rows == 0 || !(y >= self.y[0] && y <= self.y[rows - 1]) {
            return None;
        }
        let above = self.y.partition_point(|&v| v <= y).clamp(1, rows);
        let (south, north) = (above - 1, above.min(rows - 1));
        let t = if north > south { (y - self.y[south]) / (self.y[north] - self.y[south]) } else { 0.0 };
        let after = self.x.partition_point(|&v| v <= x);
        let (west, east, s) = if after > 0 && after < n {
            (after - 1, after, (x - self.x[after - 1]) / (self.x[after] - self.x[after - 1]))
        } else if self.period > 0.0 {
            let from_last = if after == 0 { x + self.period } else { x } - self.x[n - 1];
            (n - 1, 0, from_last / (self.x[0] + self.period - self.x[n - 1]))
        } else if after == n && x == self.x[n - 1] {
            (n - 1, n - 1, 0.0)
        } else {
            return None;
        };
        let cell = |row: usize, column: usize| (row * n + column) as u32;
        let cells = [cell(south, west), cell(south, east), cell(north, west), cell(north, east)];
        Some((cells, [(1.0 - s) * (1.0 - t), s * (1.0 - t), (1.0 - s) * t, s * t]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_reproduce_bilinear_fields() {
        let axes = Axes { x: &[0.0, 1.0, 4.0, 9.0], y: &[-2.0, 0.5, 3.0], period: 0.0 };
        for (x, y) in [(0.0, -2.0), (9.0, 3.0), (2.5, 0.5), (8.0, 2.9), (0.3, -1.0)] {
            let (cells, weights) = axes.locate([x, y]).expect("inside");
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-15);
            let field = |cell: u32| {
                let (a, b) = (axes.x[cell as usize % 4], axes.y[cell as usize / 4]);
                1.0 + a - 2.0 * b + 0.5 * a * b
            };
            let found: f64 = cells.iter().zip(&weights).map(|(&c, w)| w * field(c)).sum();
            assert!((found - (1.0 + x - 2.0 * y + 0.5 * x * y)).abs() < 1e-13, "{x} {y}");
        }
        assert!([[-0.1, 0.0], [9.1, 0.0], [1.0, 3.1], [1.0, f64::NAN]].iter().all(|&p| axes.locate(p).is_none()));
        let single = Axes { x: &[5.0], y: &[1.0], period: 360.0 };
        assert_eq!(single.locate([5.0, 1.0]).map(|l| l.0), Some([0; 4]));
    }
}
