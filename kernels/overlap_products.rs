//! Overlaps of rows with rows about one pole: products of what their parallels and their meridians share.
//!
//! A cell in row i and column j of one grid shares the area `(sin north − sin south) · (east − west)` of what both the rows
//! i, k and the columns j, l have in common with the cell in row k and column l of another.

/// What the intervals of one axis share with those of another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AxisOverlaps {
    /// First link of each interval of the first axis, and the number of all.
    pub(crate) starts: Vec<u32>,
    /// Interval of the other axis, ascending.
    pub(crate) others: Vec<u32>,
    /// Shared length.
    pub(crate) lengths: Vec<f64>,
}

impl AxisOverlaps {
    /// From the intervals of the other axis and shared lengths of each interval.
    pub fn new(of_intervals: impl Iterator<Item = Vec<(u32, f64)>>) -> Self {
        let mut overlaps = Self { starts: vec![0], ..Self::default() };
        for mut links in of_intervals {
            links.sort_by_key(|link| link.0);
            overlaps.others.extend(links.iter().map(|link| link.0));
            overlaps.lengths.extend(links.iter().map(|link| link.1));
            overlaps.starts.push(overlaps.others.len() as u32);
        }
        overlaps
    }

    /// Intervals of the first axis.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether the first axis has no intervals.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Links of all intervals.
    pub fn links(&self) -> usize {
        self.others.len()
    }

    /// Links of an interval.
    pub fn count(&self, interval: usize) -> usize {
        (self.starts[interval + 1] - self.starts[interval]) as usize
    }

    /// The intervals of the other axis that meet one, and the shared lengths.
    pub fn of(&self, interval: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let range = self.starts[interval] as usize..self.starts[interval + 1] as usize;
        self.others[range.clone()].iter().copied().zip(self.lengths[range].iter().copied())
    }
}

/// Gives the cells of the other grid that the cell in `row` and `column` overlaps, in their order, and the areas (sr): `lats`
/// are shared differences of sines, `lons` shared longitudes (rad), and rows of the other grid have `columns` cells.
///
/// ```
/// use knarr_kernels::overlap_products::{AxisOverlaps, areas};
/// let lats = AxisOverlaps::new([vec![(0, 0.5)], vec![(0, 0.25), (1, 0.25)]].into_iter());
/// let lons = AxisOverlaps::new([vec![(2, 0.1), (1, 0.2)]].into_iter());
/// let mut found = Vec::new();
/// areas(&lats, &lons, 4, (1, 0), |cell, area| found.push((cell, area)));
/// assert_eq!(found, [(1, 0.05), (2, 0.025), (5, 0.05), (6, 0.025)]);
/// ```
pub fn areas(
    lats: &AxisOverlaps,
    lons: &AxisOverlaps,
    columns: usize,
    (row, column): (usize, usize),
    mut found: impl FnMut(u32, f64),
) {
    for (other_row, height) in lats.of(row) {
        for (other_column, width) in lons.of(column) {
            found((other_row as usize * columns) as u32 + other_column, height * width);
        }
    }
}
