//! Areas of many cells one after the other: the bits of those one by one, but sines once a row and no list for each cell.

use crate::centers::each_of_rows;
use crate::{Columns, Grid, Layout, Offsets, Polygons};
use knarr_kernels::cell_area::{areas_of_same_sized, polygon_area, sine_difference};
use std::ops::Range;

impl Grid {
    /// Puts the areas of `cells` (sr) into `areas`, as [`Grid::area`] has them.
    ///
    /// # Panics
    /// If the slice is not as long as the range.
    pub fn put_areas(&self, cells: Range<usize>, areas: &mut [f64]) {
        assert_eq!(areas.len(), cells.len(), "one place for each area");
        let mut corners = Vec::new();
        match &self.layout {
            Layout::Rows(rows) => {
                let (mut at, mut sines) = (usize::MAX, 0.0);
                let mut places = areas.iter_mut();
                each_of_rows(rows, cells, |row, column| {
                    if row != at {
                        let [south, north] = rows.lat_bounds_deg[row];
                        (at, sines) = (row, sine_difference(south, north));
                    }
                    let count = match &rows.columns {
                        Columns::Shared(lon) => lon.centers_deg.len(),
                        Columns::Reduced { counts, .. } => counts[row],
                    };
                    let [west, east] = rows.columns.bounds_deg(column, count);
                    if let Some(place) = places.next() {
                        *place = sines * (east - west).to_radians();
                    }
                });
            }
            Layout::Formula(formula) => {
                for (cell, area) in cells.zip(areas) {
                    corners.clear();
                    formula.each_corner(cell, |number| corners.push(formula.corner(number)));
                    *area = polygon_area(&corners);
                }
            }
            Layout::Polygons { polygons, .. } => put_of_polygons(polygons, cells, areas),
            Layout::Points { .. } => areas.fill(0.0),
        }
    }
}

fn put_of_polygons(polygons: &Polygons, cells: Range<usize>, areas: &mut [f64]) {
    let listed = |width: usize| &polygons.corners[width * cells.start..width * cells.end];
    match polygons.offsets {
        Offsets::Uniform(3) => areas_of_same_sized::<3>(&polygons.vertices, listed(3), areas),
        Offsets::Uniform(4) => areas_of_same_sized::<4>(&polygons.vertices, listed(4), areas),
        _ => {
            let mut corners = Vec::new();
            for (cell, area) in cells.zip(areas) {
                corners.clear();
                polygons.copy_cell(cell, &mut corners);
                *area = polygon_area(&corners);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CornerLists, LonLat};

    fn check(name: &str, grid: &Grid) {
        let n = grid.len();
        for cells in [0..n, 0..0, n / 3..n, n / 2..n / 2 + 1, 1..n.min(30)] {
            let mut areas = vec![9e9; cells.len()];
            grid.put_areas(cells.clone(), &mut areas);
            for (cell, area) in cells.zip(areas) {
                assert_eq!(area.to_bits(), grid.area(cell).to_bits(), "{name} {cell}");
            }
        }
    }

    #[test]
    fn areas_together_have_the_bits_of_those_one_by_one() {
        for name in ["r36x18", "O8", "H2", "CS7", "ICO7", "ICO3d"] {
            let grid = Grid::from_spec(name).expect("a valid name");
            check(name, &grid);
            // The same cells as lists of corners, some of them dropped, some of them of other widths.
            for (drop, widths) in [(false, false), (true, false), (true, true)] {
                let (mut corners, mut offsets) = (Vec::new(), vec![0]);
                for cell in 0..grid.len() {
                    let own: Vec<LonLat> = grid.corners(cell).into_iter().map(LonLat::from_unit).collect();
                    let missing = drop && cell % 7 == 2;
                    let far = LonLat { lon_deg: f64::NAN, lat_deg: 0.0 };
                    corners.extend(own.iter().map(|&p| if missing { far } else { p }));
                    if widths && cell % 3 == 0 {
                        corners.push(own[own.len() - 1]);
                    }
                    offsets.push(corners.len() as u32);
                }
                let lists = CornerLists { corners, offsets: Offsets::PerCell(offsets) };
                check(name, &Grid::mesh(None, lists).expect("lists fit"));
            }
        }
        let points = Grid::points(vec![LonLat { lon_deg: 1.0, lat_deg: 2.0 }; 3]).expect("points");
        check("points", &points);
    }
}
