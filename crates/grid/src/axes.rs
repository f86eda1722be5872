//! Which way the axes of a grid point at each cell: what grid-relative vector components are along.

use crate::{Family, Grid, GridError, Layout, LonLat, Rows};
use knarr_kernels::rotate_vectors::east_north;
use knarr_kernels::sphere::{UnitVector, dot, normalize, scale, sub};
use rayon::prelude::*;

/// Half the distance in metres over which the axes of a projection are followed: long against the rounding of
/// positions, short against the curvature of the axes.
const HALF_STEP_M: f64 = 200.0;

/// Neighbours further apart than this (a chord, 20 degrees) are another part of the globe: a seam, a fold.
const SEAM: f64 = 0.35;

impl Grid {
    /// East and north at each center.
    pub fn east_north(&self) -> Vec<[UnitVector; 2]> {
        (0..self.len())
            .into_par_iter()
            .map(|cell| {
                let LonLat { lon_deg, lat_deg } = self.center(cell);
                east_north(lon_deg, lat_deg)
            })
            .collect()
    }

    /// Whether the axes of the grid point east and north: on lat-lon and Gaussian grids, about the geographic pole.
    pub fn has_geographic_axes(&self) -> bool {
        matches!(&self.layout, Layout::Rows(rows) if rows.rotation.is_none())
    }

    /// Whether [`Self::axes`] has an answer.
    ///
    /// # Errors
    /// [`GridError::NoAxes`] for grids without rows and columns.
    pub fn check_axes(&self) -> Result<(), GridError> {
        let curvilinear = self.family == Family::Curvilinear && self.shape.len() == 2;
        if matches!(self.layout, Layout::Rows(_)) || matches!(self.family, Family::Projected(_)) || curvilinear {
            return Ok(());
        }
        Err(GridError::NoAxes { family: self.family.to_string() })
    }

    /// The directions of growing x and y (of growing column and row where there are no axes) at each center.
    ///
    /// | grid | x, y |
    /// |---|---|
    /// | lat-lon, Gaussian, reduced | east and north |
    /// | rotated lat-lon | east and north of the rotated frame |
    /// | on a projection | along the projection's x and y |
    /// | curvilinear | towards the next column and row, by central differences of the centers |
    ///
    /// # Errors
    /// [`GridError::NoAxes`] for grids without rows and columns.
    pub fn axes(&self) -> Result<Vec<[UnitVector; 2]>, GridError> {
        self.check_axes()?;
        match (&self.layout, &self.family) {
            (Layout::Rows(rows), _) if rows.rotation.is_some() => Ok(frame_axes(rows)),
            (Layout::Rows(_), _) => Ok(self.east_north()),
            (_, Family::Projected(projection)) => projection.axes(self.len()),
            _ => Ok(self.index_axes(self.shape[0], self.shape[1])),
        }
    }

    fn index_axes(&self, ny: usize, nx: usize) -> Vec<[UnitVector; 2]> {
        let points: Vec<UnitVector> = (0..self.len()).into_par_iter().map(|c| self.center(c).unit()).collect();
        (0..self.len())
            .into_par_iter()
            .map(|cell| {
                let (j, i) = (cell / nx, cell % nx);
                let x = along_line(&|i| points[j * nx + i], i, nx, true);
                let y = along_line(&|j| points[j * nx + i], j, ny, false);
                let LonLat { lon_deg, lat_deg } = self.center(cell);
                let [east, north] = east_north(lon_deg, lat_deg);
                [x.unwrap_or(east), y.unwrap_or(north)]
            })
            .collect()
    }
}

/// The direction of growing index at `at` on a line of `len` points: by the neighbours on both sides, at its ends (or
/// beside a seam) by two on one side. The ends of a `closed` line are neighbours if they are no further apart than
/// points of the line are; where the last columns repeat the first ones, as in ORCA grids, they are not.
fn along_line(point: &dyn Fn(usize) -> UnitVector, at: usize, len: usize, closed: bool) -> Option<UnitVector> {
    let here = point(at);
    let square = |a: UnitVector, b: UnitVector| {
        let d = sub(a, b);
        dot(d, d)
    };
    let near = |p: UnitVector| square(p, here) < SEAM * SEAM;
    let inside = |k: usize, of: usize| (k < len).then(|| point(k)).filter(|&p| near(p) && square(p, point(of)) > 0.0);
    let before = at.checked_sub(1).and_then(|k| inside(k, at));
    let after = inside(at + 1, at);
    let around = |other: usize, inner: Option<UnitVector>| {
        let (p, inner) = (point(other), inner?);
        // On the other side, within twice the spacing and a half: grids stretch, but not that much at once.
        let spaced = square(p, here) < 6.25 * square(inner, here) && dot(sub(p, here), sub(inner, here)) <= 0.0;
        (closed && spaced).then_some(p)
    };
    let before = if at == 0 { around(len - 1, after) } else { before };
    let after = if at + 1 == len { around(0, before) } else { after };
    // To second order also at an end: -3 p0 + 4 p1 - p2.
    let one_sided = |near_by: UnitVector, next: Option<UnitVector>| match next.filter(|&p| near(p)) {
        Some(next) => sub(sub(scale(near_by, 4.0), scale(here, 3.0)), next),
        None => sub(near_by, here),
    };
    let d = match (before, after) {
        (Some(before), Some(after)) => sub(after, before),
        (None, Some(after)) => one_sided(after, (at + 2 < len).then(|| point(at + 2))),
        (Some(before), None) => scale(one_sided(before, at.checked_sub(2).map(point)), -1.0),
        (None, None) => return None,
    };
    along_surface(here, d)
}

/// East and north of the rotated frame.
fn frame_axes(rows: &Rows) -> Vec<[UnitVector; 2]> {
    (0..rows.len())
        .into_par_iter()
        .map(|cell| {
            let (lon, lat) = rows.frame_center_deg(cell);
            let turn = |p: UnitVector| rows.rotation.as_ref().map_or(p, |r| r.apply_inverse(p));
            east_north(lon, lat).map(turn)
        })
        .collect()
}

impl crate::Projection {
    fn axes(&self, cells: usize) -> Result<Vec<[UnitVector; 2]>, GridError> {
        let nx = self.x.len();
        let place = |cell: usize, dx: f64, dy: f64| [self.x[cell % nx] + dx, self.y[cell / nx] + dy];
        let around = |dx: f64, dy: f64| -> Result<Vec<Option<UnitVector>>, GridError> {
            let places: Vec<[f64; 2]> = (0..cells).map(|c| place(c, dx, dy)).collect();
            Ok(self.inverse(&places)?.into_iter().map(|p| p.map(LonLat::unit)).collect())
        };
        let h = HALF_STEP_M;
        let (middle, west, east) = (around(0.0, 0.0)?, around(-h, 0.0)?, around(h, 0.0)?);
        let (south, north) = (around(0.0, -h)?, around(0.0, h)?);
        let direction =
            |at: Option<UnitVector>, from: Option<UnitVector>, to: Option<UnitVector>| along_surface(at?, sub(to?, from?));
        Ok((0..cells)
            .map(|c| {
                let x = direction(middle[c], west[c], east[c]);
                let y = direction(middle[c], south[c], north[c]);
                // Outside the domain of the projection cells are dropped anyway.
                [x.unwrap_or([1.0, 0.0, 0.0]), y.unwrap_or([0.0, 1.0, 0.0])]
            })
            .collect())
    }
}

/// The part of `d` that is tangent to the sphere at `p`, of length 1.
fn along_surface(p: UnitVector, d: UnitVector) -> Option<UnitVector> {
    normalize(sub(d, scale(p, dot(d, p))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Axis;

    /// Angle in degrees from east to the first axis, counter-clockwise.
    fn turn_deg(grid: &Grid, axes: &[[UnitVector; 2]], cell: usize) -> f64 {
        let [east, north] = grid.east_north()[cell];
        dot(axes[cell][0], north).atan2(dot(axes[cell][0], east)).to_degrees()
    }

    #[test]
    fn axes_of_a_polar_stereographic_grid_turn_with_longitude() {
        let grid = Grid::from_spec("ps:lat_ts=60,lon_0=-100,dx=250000,nx=21,ny=17").expect("a valid grid");
        let axes = grid.axes().expect("it has axes");
        for cell in (0..grid.len()).step_by(7) {
            // On the northern plane x points east along the meridian that runs down the page.
            let expected = -(grid.center(cell).lon_deg + 100.0);
            let off = (turn_deg(&grid, &axes, cell) - expected + 540.0).rem_euclid(360.0) - 180.0;
            assert!(off.abs() < 1e-6, "{cell}: {off}");
            assert!(dot(axes[cell][0], axes[cell][1]).abs() < 1e-8, "conformal");
        }
    }

    #[test]
    fn rotated_and_curvilinear_axes_agree() {
        let rotated = Grid::from_spec("rot:-97.6,36.1,-12,-6,1.5,1.5,17,9").expect("a valid grid");
        let centers = (0..rotated.len()).map(|c| rotated.center(c)).collect();
        let curvilinear = Grid::curvilinear([9, 17], centers, None).expect("a valid grid");
        let (a, b) = (rotated.axes().expect("rows"), curvilinear.axes().expect("columns and rows"));
        for cell in 0..rotated.len() {
            for k in 0..2 {
                // Central differences, at the rim one-sided ones of the second order: 1.5 degrees squared.
                assert!(dot(a[cell][k], b[cell][k]) > 1.0 - 1e-6, "{cell} {k}");
            }
        }
    }

    /// The ends of a line of columns: a small region is not closed, a globe is, and ORCA grids repeat columns.
    #[test]
    fn columns_at_the_seam_point_along_the_row() {
        for (nx, first, step) in [(3, 10.0, 1.0), (6, 10.0, 1.0), (36, 5.0, 10.0), (38, 5.0, 10.0), (37, 5.0, 10.0)] {
            let lons: Vec<f64> = (0..nx).map(|i| first + step * i as f64).collect();
            let centers = (0..3 * nx).map(|c| LonLat { lon_deg: lons[c % nx], lat_deg: 40.0 + (c / nx) as f64 }).collect();
            let grid = Grid::curvilinear([3, nx], centers, None).expect("a valid grid");
            let axes = grid.axes().expect("columns and rows");
            for (cell, east_north) in grid.east_north().iter().enumerate() {
                // At an end, -3 p0 + 4 p1 - p2 is off by 2/3 h² of the third derivative of the parallel: 10 degrees squared.
                let off = [0, 1].map(|k| 1.0 - dot(axes[cell][k], east_north[k]));
                assert!(off[0] < 2e-4 && off[1] < 1e-9, "{nx} columns, cell {cell}: {off:?}");
            }
        }
    }

    #[test]
    fn lat_lon_axes_are_east_and_north_and_meshes_have_none() {
        let axis =
            |n: usize, first: f64, step: f64| Axis { centers: (0..n).map(|k| first + step * k as f64).collect(), bounds: None };
        let grid = Grid::lat_lon(&axis(36, 5.0, 10.0), &axis(17, -80.0, 10.0)).expect("a valid grid");
        assert_eq!(grid.axes().expect("rows"), grid.east_north());
        let mesh = Grid::from_spec("H4").expect("a valid grid");
        assert!(mesh.axes().expect_err("no axes").to_string().contains("HEALPix"));
    }
}
