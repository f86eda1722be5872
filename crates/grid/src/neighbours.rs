//! Which cells are next to each other.

use crate::{Columns, Grid, Layout, Polygons, Rows};

/// Neighbours of every cell, compressed: those of cell `i` are `cells[starts[i]..starts[i + 1]]`, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// First neighbour of each cell, and the number of all at the end.
    pub starts: Vec<usize>,
    /// The neighbours.
    pub cells: Vec<u32>,
}

impl Neighbours {
    /// Neighbours of cell `i`.
    pub fn of(&self, i: usize) -> &[u32] {
        &self.cells[self.starts[i]..self.starts[i + 1]]
    }

    fn collect(len: usize, mut around: impl FnMut(usize, &mut Vec<u32>)) -> Self {
        let (mut starts, mut cells, mut one) = (vec![0], Vec::new(), Vec::new());
        for i in 0..len {
            one.clear();
            around(i, &mut one);
            one.sort_unstable();
            one.dedup();
            cells.extend(one.iter().copied().filter(|&c| c as usize != i));
            starts.push(cells.len());
        }
        Self { starts, cells }
    }
}

impl Grid {
    /// The cells that share a corner or a part of an edge with each cell; none for points.
    ///
    /// In rows: the cells of the same row on both sides and those of the next rows whose longitudes touch. All cells of
    /// a row at a pole touch there, but are not counted as neighbours.
    pub fn neighbours(&self) -> Neighbours {
        match &self.layout {
            Layout::Rows(rows) => of_rows(rows),
            Layout::Formula(formula) => of_polygons(&formula.polygons()),
            Layout::Polygons { polygons, .. } => of_polygons(polygons),
            Layout::Points { centers } => Neighbours { starts: vec![0; centers.len() + 1], cells: Vec::new() },
        }
    }
}

fn of_polygons(polygons: &Polygons) -> Neighbours {
    let mut starts = vec![0usize; polygons.vertices.len() + 1];
    polygons.corners.iter().for_each(|&v| starts[v as usize + 1] += 1);
    for k in 1..starts.len() {
        starts[k] += starts[k - 1];
    }
    let mut next = starts.clone();
    let mut meeting = vec![0u32; polygons.corners.len()];
    for cell in 0..polygons.len() {
        for &v in polygons.cell(cell) {
            meeting[next[v as usize]] = cell as u32;
            next[v as usize] += 1;
        }
    }
    Neighbours::collect(polygons.len(), |i, around| {
        for &v in polygons.cell(i) {
            around.extend_from_slice(&meeting[starts[v as usize]..starts[v as usize + 1]]);
        }
    })
}

fn of_rows(rows: &Rows) -> Neighbours {
    let lens: Vec<usize> = match &rows.columns {
        Columns::Shared(lon) => vec![lon.centers_deg.len(); rows.lats_deg.len()],
        Columns::Reduced { counts, .. } => counts.clone(),
    };
    let mut firsts = vec![0usize];
    lens.iter().for_each(|n| firsts.push(firsts[firsts.len() - 1] + n));
    let is_closed = match &rows.columns {
        Columns::Shared(lon) => lon.bounds_deg.iter().map(|b| b[1] - b[0]).sum::<f64>() > 360.0 - 1e-4,
        Columns::Reduced { .. } => true,
    };
    // Rows in order of latitude: those stored next to each other need not be.
    let mut order: Vec<usize> = (0..lens.len()).collect();
    order.sort_by(|&a, &b| rows.lats_deg[a].total_cmp(&rows.lats_deg[b]));
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(k, &row)| place[row] = k);
    Neighbours::collect(rows.len(), |cell, around| {
        let (row, column) = rows.row_column(cell);
        let n = lens[row];
        let near_rows = [place[row].checked_sub(1), Some(place[row]), Some(place[row] + 1)];
        for other in near_rows.into_iter().flatten().filter(|&k| k < order.len()).map(|k| order[k]) {
            let m = lens[other];
            // Columns of the other row that touch [column, column + 1] of n, in units of its own columns.
            let (west, east) = ((column * m) as f64 / n as f64, ((column + 1) * m) as f64 / n as f64);
            let shift = if matches!(rows.columns, Columns::Reduced { .. }) { 0.5 * (1.0 - m as f64 / n as f64) } else { 0.0 };
            let first = (west + shift - 1e-9).floor() as i64 - i64::from(((west + shift).fract()).abs() < 1e-9);
            let last = (east + shift + 1e-9).floor() as i64;
            for k in first..=last {
                let touches = (k + 1) as f64 >= west + shift - 1e-9 && k as f64 <= east + shift + 1e-9;
                if touches && (is_closed || (0..m as i64).contains(&k)) {
                    around.push((firsts[other] + k.rem_euclid(m as i64) as usize) as u32);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neighbourhood goes both ways, and every cell of a global grid has some.
    fn check(grid: &Grid, least: usize, most: usize) {
        let neighbours = grid.neighbours();
        for i in 0..grid.len() {
            let around = neighbours.of(i);
            assert!((least..=most).contains(&around.len()), "{}: cell {i} has {}", grid.family, around.len());
            for &k in around {
                assert!(neighbours.of(k as usize).contains(&(i as u32)), "{}: {i} and {k}", grid.family);
            }
        }
    }

    #[test]
    fn neighbours_are_mutual_on_every_kind_of_grid() {
        let grid = |text: &str| Grid::from_spec(text).expect("a valid grid");
        check(&grid("r36x18"), 5, 8);
        check(&grid("O16"), 4, 9);
        check(&grid("H8n"), 7, 8);
        check(&grid("CS8"), 7, 8);
        check(&grid("ICO8d"), 5, 6);
        check(&grid("ll:0,0,1,1,5,4"), 3, 8);
    }
}
