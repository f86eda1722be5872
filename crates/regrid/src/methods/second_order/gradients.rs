//! Gradients of a field in its cells, as sums over differences to the cells around.

use crate::methods::barycentres::Cells;
use crate::methods::solve::Fit;
use knarr_grid::{Grid, Mask, Neighbours};
use knarr_kernels::sphere::{UnitVector, add, scale};
use knarr_kernels::tangent_plane::TangentPlane;
use rayon::prelude::*;

/// Terms of a quadratic and of a plane without their constants: at least as many cells around are needed.
const DEGREES: [usize; 2] = [5, 2];
/// Gradients whose weights, over the reach of the fit, have a greater sum of magnitudes are made of noise.
const GREATEST_MAGNITUDE: f64 = 20.0;

/// Gradients as sums over differences to the cells around.
#[derive(Debug)]
pub(super) struct Gradients {
    is_active: Mask,
    centres: Vec<UnitVector>,
    neighbours: Neighbours,
}

/// Buffers of a gradient.
#[derive(Default)]
pub(super) struct Scratch {
    basis: Vec<f64>,
    scales: Vec<f64>,
    weights: [Vec<f64>; 2],
    cells: Vec<u32>,
    /// Pairs (k, v) with g_j = Σ v·(f_k − f_j), v tangent to the sphere.
    pub slopes: Vec<(u32, UnitVector)>,
}

impl Gradients {
    pub fn new(source: &Grid, cells: &Cells<'_>) -> Self {
        let centres = (0..source.len()).into_par_iter().map(|j| cells.centre(j)).collect();
        Self { is_active: source.mask.clone(), centres, neighbours: source.neighbours() }
    }

    /// Cells around cell `j` that take part.
    pub fn around(&self, j: usize) -> impl Iterator<Item = u32> + '_ {
        self.neighbours.of(j).iter().copied().filter(|&k| self.is_active.is_active(k as usize))
    }

    /// Leaves the gradient of cell `j` from the cells around that are `valid` in `scratch.slopes`; none where they do not
    /// determine it.
    pub fn of(&self, j: usize, valid: impl Fn(u32) -> bool, scratch: &mut Scratch) {
        scratch.slopes.clear();
        scratch.cells.clear();
        scratch.cells.extend(self.around(j).filter(|&k| valid(k)));
        let plane = TangentPlane::new(self.centres[j], 0.1);
        let sound = DEGREES.into_iter().any(|terms| scratch.cells.len() >= terms && self.fit(terms, &plane, scratch));
        if sound {
            let [first, second] = plane.axes();
            let Scratch { cells, weights: [x, y], slopes, .. } = scratch;
            let pairs = cells.iter().zip(x.iter().zip(y.iter()));
            slopes.extend(pairs.map(|(&k, (x, y))| (k, add(scale(first, *x), scale(second, *y)))));
        }
    }

    /// Fits p(x, y) without a constant to the differences f_k − f_j.
    fn fit(&self, terms: usize, plane: &TangentPlane, scratch: &mut Scratch) -> bool {
        let Scratch { basis, scales, weights: [along_x, along_y], cells, .. } = scratch;
        basis.clear();
        scales.clear();
        // Copies of the cell itself, in halos, lie at the same place and tell nothing.
        cells.retain(|&k| plane.project(self.centres[k as usize]).is_some_and(|[x, y]| x * x + y * y > 1e-20));
        let places = cells.iter().filter_map(|&k| plane.project(self.centres[k as usize]));
        let reach = places.clone().map(|[x, y]| x.hypot(y)).fold(0.0, f64::max);
        for [x, y] in places {
            let (x, y) = (x / reach, y / reach);
            basis.extend_from_slice(&[x, y, x * x, x * y, y * y][..terms]);
            scales.push(1.0 / (x * x + y * y));
        }
        let fit = Fit::new(basis, terms, scales);
        let sound = fit.is_some_and(|fit| fit.coefficient(0, along_x) && fit.coefficient(1, along_y));
        for w in along_x.iter_mut().chain(along_y.iter_mut()) {
            *w /= reach;
        }
        // Over the reach of the fit a gradient of order 1 has weights of order 1.
        sound && along_x.iter().chain(along_y.iter()).map(|w| w.abs()).sum::<f64>() * reach <= GREATEST_MAGNITUDE
    }
}
