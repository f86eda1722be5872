//! Cells that lie where another one lies: halo columns, fold rows, cells listed twice.

use crate::Mask;
use crate::boxes::Boxes;
use crate::polygon::chord;
use crate::repair::POLE_SINE;
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;

/// Cells among which some may repeat others.
pub(crate) struct Repeats<'a, R> {
    /// Their centers, not numbers where there are none.
    pub places: &'a [UnitVector],
    /// Half the width of a cell, `None` if it takes no part.
    pub radius: R,
    /// The usual one.
    pub typical: f64,
    /// `[rows, columns]`, where there are any.
    pub shape: Option<[usize; 2]>,
    /// Cells that are known to take part.
    pub mask: &'a Mask,
}

impl<R: Fn(usize) -> Option<f64> + Sync> Repeats<'_, R> {
    /// Those of which another copy is kept, ascending; around a pole, where many cells may have one center, `is_same` tells of
    /// the other one and the cell whether they are one.
    pub fn find(&self, is_same: impl Fn(usize, usize) -> bool + Sync) -> Vec<usize> {
        let largest = 2.5e-3 * self.typical;
        let tolerance = |cell: usize| {
            let radius = (self.radius)(cell).filter(|_| !self.places[cell][0].is_nan())?;
            Some((1e-3 * radius).min(largest))
        };
        let boxes = Boxes::of(self.places, 16.0 * largest, tolerance);
        let is_repeat = |&cell: &usize| {
            let (place, Some(tolerance)) = (self.places[cell], tolerance(cell)) else { return false };
            boxes.any_near(place, tolerance, |other| {
                other != cell
                    && chord(self.places[other], place) <= tolerance
                    && self.rank(other) < self.rank(cell)
                    && (place[2].abs() < POLE_SINE || is_same(other, cell))
            })
        };
        boxes.doubtful().par_iter().copied().filter(is_repeat).collect()
    }

    /// Of two copies an active one is kept, then one off the rim: models leave halo rows and columns without values.
    fn rank(&self, cell: usize) -> (bool, (bool, bool), usize) {
        let rim = self.shape.map_or((false, false), |[ny, nx]| {
            let (j, i) = (cell / nx, cell % nx);
            (j == 0 || j == ny - 1, i == 0 || i == nx - 1)
        });
        (!self.mask.is_active(cell), rim, cell)
    }
}
