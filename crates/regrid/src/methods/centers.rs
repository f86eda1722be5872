//! Centers of cells as unit vectors, with what takes part.

use crate::search::points::PointTree;
use knarr_grid::Grid;
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;

/// The centers of a grid; a center that is not a number counts as inactive.
pub(crate) struct Centers {
    pub points: Vec<UnitVector>,
    pub is_active: Vec<bool>,
}

impl Centers {
    pub fn of(grid: &Grid) -> Self {
        let points: Vec<UnitVector> = (0..grid.len()).into_par_iter().map(|i| grid.center(i).unit()).collect();
        let is_active =
            points.par_iter().enumerate().map(|(i, p)| grid.mask.is_active(i) && p.iter().all(|c| c.is_finite())).collect();
        Self { points, is_active }
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// The center of an active cell.
    #[inline]
    pub fn active(&self, i: usize) -> Option<UnitVector> {
        self.is_active[i].then(|| self.points[i])
    }

    /// The active centers, ready for queries.
    pub fn tree(&self) -> PointTree {
        PointTree::new((0..self.len()).filter_map(|i| Some((self.active(i)?, i as u32))).collect())
    }
}
