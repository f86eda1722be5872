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
        match (&self.layout, &self.family, &self.shape[..]) {
            (Layout::Rows(rows), _, _) => Ok(match &rows.rotation {
                None => self.east_north(),
                Some(_) => frame_axes(rows),
            }),
            (_, Family::Projected(projection), _) => projection.axes(self.len()),
            (_, Family::Curvilinear, &[ny, nx]) if ny * nx == self.len() => Ok(self.index_axes(ny, nx)),
            _ => Err(GridError::NoAxes { family: self.family.to_string() }),
        }
    }

    fn index_axes(&self, ny: usize, nx: usize) -> Vec<[UnitVector; 2]> {
        let points: Vec<UnitVector> = (0..self.len()).into_par_iter().map(|c| self.center(c).unit()).collect();
        let near = |from: usize, to: usize| {
            let d = sub(points[to], points[from]);
            dot(d, d) < SEAM * SEAM
        };
        let direction = |cell: usize, before: usize, after: usize| {
            let first = if near(cell, before) { before } else { cell };
            let last = if near(cell, after) { after } else { cell };
            along_surface(points[cell], sub(points[last], points[first]))
        };
        (0..self.len())
            .into_par_iter()
            .map(|cell| {
                let (j, i) = (cell / nx, cell % nx);
                let column = |i: usize| j * nx + i;
                // The last column is followed by the first if they are near each other.
                let x = direction(cell, column((i + nx - 1) % nx), column((i + 1) % nx));
                let y = direction(cell, if j > 0 { cell - nx } else { cell }, if j + 1 < ny { cell + nx } else { cell });
                let [east, north] = east_north(self.center(cell).lon_deg, self.center(cell).lat_deg);
                [x.unwrap_or(east), y.unwrap_or(north)]
            })
            .collect()
    }
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
                // Central differences in the middle, one-sided ones at the rim: half a cell of 1.5 degrees times 12 degrees.
                assert!(dot(a[cell][k], b[cell][k]) > 1.0 - 1e-4, "{cell} {k}");
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
