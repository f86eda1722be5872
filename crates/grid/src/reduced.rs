//! Reduced Gaussian grids: fewer cells per row towards the poles.

use crate::axis::{Axis, latitude_bounds};
use crate::{
    Columns, CornerSource, Family, Grid, GridError, Layout, Mask, Report, Rows, gaussian, gaussian_edges, gaussian_latitudes,
};

/// Row lengths of the classic grids.
const CLASSIC: &str = include_str!("reduced_classic.txt");

impl Grid {
    /// Reduced Gaussian grid with `n` rows between each pole and the equator, shape `[cell]`, north to south.
    ///
    /// `counts` are the cells of its `2n` rows from north to south; `None` = octahedral, row `k` from the pole
    /// (0-based) having `4k + 20` cells. Cells of a row are equal, the first is centered at longitude 0; rows
    /// have Gaussian edges, so that row areas are the Gauss weights.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] unless there are `2n` counts; [`GridError::BadAxis`] for `n` = 0 or an empty row.
    pub fn reduced_gaussian(n: usize, counts: Option<Vec<usize>>) -> Result<Grid, GridError> {
        let octahedral = octahedral_counts(n);
        let counts = counts.unwrap_or_else(|| octahedral.clone());
        if n == 0 || n > MOST_ROWS {
            return Err(GridError::BadAxis {
                what: "reduced Gaussian grid".into(),
                problem: format!("{n} rows between pole and equator, expected 1 to {MOST_ROWS}"),
            });
        }
        check_counts(&counts, 2 * n)?;
        let family = Family::ReducedGaussian { n, octahedral: counts == octahedral };
        let edges = gaussian_edges(n);
        let lat_bounds_deg = edges.windows(2).map(|e| [e[1], e[0]]).collect();
        let report = Report::new("formula of the Gaussian rows", CornerSource::Formula);
        Ok(build(family, gaussian_latitudes(n), lat_bounds_deg, counts, report))
    }

    /// Rows of equal cells from a file: `lats_deg` of the rows in either order, and their `counts`.
    ///
    /// Gaussian latitudes get Gaussian edges, other rows mid-points.
    ///
    /// # Errors
    /// As [`Grid::reduced_gaussian`]; [`GridError::BadAxis`] for latitudes that are not monotone.
    pub fn reduced_rows(lats_deg: Vec<f64>, counts: Vec<usize>) -> Result<Grid, GridError> {
        check_counts(&counts, lats_deg.len())?;
        let n = gaussian::recognise(&lats_deg);
        let edges = n.map(|n| {
            let mut edges = gaussian_edges(n);
            if lats_deg[0] < lats_deg[lats_deg.len() - 1] {
                edges.reverse();
            }
            edges
        });
        let axis = Axis::new(lats_deg);
        let bounds = latitude_bounds("latitude", &axis, edges, true)?;
        let family = match n {
            Some(n) => Family::ReducedGaussian { n, octahedral: counts == octahedral_counts(n) },
            None => Family::ReducedLatLon,
        };
        let by = match n {
            Some(n) => format!("rows of equal cells on Gaussian latitudes (n = {n})"),
            None => "rows of equal cells".into(),
        };
        let mut report = Report::new(by, bounds.source);
        report.notes = bounds.notes;
        Ok(build(family, axis.centers, bounds.cells, counts, report))
    }
}

/// Beyond this the cells would not fit 32-bit indices.
const MOST_ROWS: usize = 16_000;

fn check_counts(counts: &[usize], rows: usize) -> Result<(), GridError> {
    if counts.len() != rows {
        return Err(GridError::WrongLength { what: "cells per row".into(), found: counts.len(), expected: rows });
    }
    if let Some(row) = counts.iter().position(|&c| c == 0) {
        return Err(GridError::BadAxis { what: "cells per row".into(), problem: format!("row {row} has no cells") });
    }
    Ok(())
}

fn octahedral_counts(n: usize) -> Vec<usize> {
    (0..n).chain((0..n).rev()).map(|k| 4 * k + 20).collect()
}

fn build(family: Family, lats_deg: Vec<f64>, lat_bounds_deg: Vec<[f64; 2]>, counts: Vec<usize>, report: Report) -> Grid {
    let mut starts = Vec::with_capacity(counts.len() + 1);
    starts.push(0);
    for count in &counts {
        starts.push(starts[starts.len() - 1] + count);
    }
    let cells = starts[starts.len() - 1];
    let rows = Rows { rotation: None, lats_deg, lat_bounds_deg, columns: Columns::Reduced { counts, starts } };
    Grid { family, shape: vec![cells], layout: Layout::Rows(rows), mask: Mask::ALL, report }
}

/// The `n` of the classic grids whose row lengths are known, ascending.
pub(crate) fn classic_sizes() -> Vec<usize> {
    CLASSIC.lines().filter_map(|line| line.strip_prefix('N')?.split(' ').next()?.parse().ok()).collect()
}

/// Cells per row of the classic grid N`n`, north to south; `None` if the table does not have it.
pub(crate) fn classic_counts(n: usize) -> Option<Vec<usize>> {
    let mut lines = CLASSIC
        .lines()
        .skip_while(|line| line.strip_prefix('N').and_then(|rest| rest.split(' ').next()) != Some(n.to_string().as_str()));
    let head = lines.next()?;
    let mut north: Vec<usize> = Vec::with_capacity(n);
    for word in lines.take_while(|line| line.starts_with(' ')).flat_map(str::split_whitespace) {
        let (count, rows) = word.split_once('x').unwrap_or((word, "1"));
        north.extend(std::iter::repeat_n(count.parse::<usize>().ok()?, rows.parse().ok()?));
    }
    let total: usize = head.split(' ').nth(1)?.parse().ok()?;
    let valid = north.len() == n && 2 * north.iter().sum::<usize>() == total;
    valid.then(|| north.iter().chain(north.iter().rev()).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_classic_table_is_whole() {
        let sizes = classic_sizes();
        assert!(sizes.contains(&32) && sizes.contains(&640) && sizes.len() == 16, "{sizes:?}");
        for n in sizes {
            let counts = classic_counts(n).unwrap_or_else(|| panic!("N{n} is damaged"));
            // Rows lengthen towards the equator and have 4n cells there.
            assert!(counts[..n].windows(2).all(|w| w[0] <= w[1]));
            assert_eq!((counts.len(), counts[n - 1]), (2 * n, 4 * n));
            // A length must suit the fast Fourier transform of the model: factors 2, 3 and 5.
            for count in counts {
                let rest = [2, 3, 5].into_iter().fold(count, |mut c, p| {
                    while c % p == 0 {
                        c /= p;
                    }
                    c
                });
                assert_eq!(rest, 1, "N{n}: {count}");
            }
        }
        assert_eq!(classic_counts(33), None);
        // Published totals of ECMWF's grid pages.
        assert_eq!(classic_counts(80).unwrap().iter().sum::<usize>(), 35_718);
        assert_eq!(classic_counts(320).unwrap().iter().sum::<usize>(), 542_080);
    }

    #[test]
    fn octahedral_grid_has_4n_n_plus_9_cells_and_covers_the_sphere() {
        for n in [1, 8, 80] {
            let grid = Grid::reduced_gaussian(n, None).unwrap();
            assert_eq!(grid.len(), 4 * n * (n + 9));
            assert_eq!(grid.family, Family::ReducedGaussian { n, octahedral: true });
            // Compensated sum of areas that are each right to a few ε.
            assert!((grid.covered_fraction() - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn rows_from_a_file_equal_the_formula() {
        let counts = classic_counts(32).unwrap();
        let formula = Grid::reduced_gaussian(32, Some(counts.clone())).unwrap();
        let lats = gaussian_latitudes(32).iter().map(|lat| (lat * 1e5).round() / 1e5).collect();
        let file = Grid::reduced_rows(lats, counts.clone()).unwrap();
        assert_eq!(file.family, formula.family);
        for cell in [0, 19, 20, 3000, 6113] {
            assert_eq!(file.area(cell), formula.area(cell));
        }
        let upward = gaussian_latitudes(32).into_iter().rev().collect();
        let upward = Grid::reduced_rows(upward, counts).unwrap();
        assert!((upward.covered_fraction() - 1.0).abs() < 1e-14);
        assert!(upward.center(0).lat_deg < -87.0);
    }

    #[test]
    fn other_rows_are_a_reduced_lat_lon_grid() {
        let grid = Grid::reduced_rows(vec![60.0, 0.0, -60.0], vec![4, 8, 4]).unwrap();
        assert_eq!(grid.family, Family::ReducedLatLon);
        assert!((grid.covered_fraction() - 1.0).abs() < 1e-15);
        assert!(Grid::reduced_rows(vec![60.0, 0.0], vec![4, 8, 4]).is_err());
        assert!(Grid::reduced_rows(vec![60.0, -60.0], vec![4, 0]).is_err());
        assert!(Grid::reduced_gaussian(0, None).is_err());
    }
}
