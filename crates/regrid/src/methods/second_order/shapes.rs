//! The shape of a field in its cells, as sums over differences to the cells around.

use super::{Cells, Frame, Terms};
use crate::methods::solve::Fit;
use knarr_grid::{Grid, Mask, Neighbours};
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;

/// Terms of a quadratic and of a plane without their constants: at least as many cells around are needed.
const DEGREES: [usize; 2] = [5, 2];
/// Shapes whose weights have a greater sum of magnitudes are made of noise; among squares the gradient has 2, the
/// curvature 3.
const GREATEST_MAGNITUDE: f64 = 5.0;
/// Cells whose shapes are kept: some rows of a block of destination cells.
const RECENT: usize = 4096;
/// The shares of gradient and curvature that are taken.
const SHARES: Terms = [1.0, 1.0, 0.5, 0.5, 0.5];

/// Gradient and curvature in each cell as sums over differences to the cells around.
#[derive(Debug)]
pub(super) struct Shapes {
    is_active: Mask,
    frames: Vec<Frame>,
    neighbours: Neighbours,
}

/// Buffers of a shape.
#[derive(Default)]
pub(super) struct Scratch {
    basis: Vec<f64>,
    scales: Vec<f64>,
    weights: [Vec<f64>; 5],
    cells: Vec<u32>,
    /// Pairs (k, v) with s_j = Σ v·(f_k − f_j).
    pub links: Vec<(u32, Terms)>,
}

/// Shapes of the cells that were asked for last: destination cells side by side overlap the same ones.
#[derive(Default)]
pub(super) struct Recent {
    scratch: Scratch,
    known: HashMap<u32, Range<usize>>,
    links: Vec<(u32, Terms)>,
}

impl Recent {
    /// The shape in cell `j` from all cells around, as [`Scratch::links`].
    pub fn of(&mut self, shapes: &Shapes, j: u32) -> &[(u32, Terms)] {
        let Self { scratch, known, links } = self;
        if known.len() >= RECENT && !known.contains_key(&j) {
            known.clear();
            links.clear();
        }
        let range = known.entry(j).or_insert_with(|| {
            shapes.of(j as usize, |_| true, scratch);
            links.extend_from_slice(&scratch.links);
            links.len() - scratch.links.len()..links.len()
        });
        &links[range.clone()]
    }
}

impl Shapes {
    pub fn new(source: &Grid, cells: &Cells<'_>) -> Self {
        let frames = (0..source.len()).into_par_iter().map_init(Vec::new, |outline, j| cells.frame(j, outline)).collect();
        Self { is_active: source.mask.clone(), frames, neighbours: source.neighbours() }
    }

    /// Frames of all cells.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Cells around cell `j` that take part.
    pub fn around(&self, j: usize) -> impl Iterator<Item = u32> + '_ {
        self.neighbours.of(j).iter().copied().filter(|&k| self.is_active.is_active(k as usize))
    }

    /// Leaves the shape in cell `j` from the cells around that are `valid` in `scratch.links`; none where they do not
    /// determine it.
    pub fn of(&self, j: usize, valid: impl Fn(u32) -> bool, scratch: &mut Scratch) {
        let Scratch { cells, links, .. } = scratch;
        links.clear();
        cells.clear();
        cells.extend(self.around(j).filter(|&k| valid(k)));
        let is_surrounded = cells.len() == self.neighbours.of(j).len();
        // Copies of the cell itself, in halos, lie at the same place and tell nothing.
        let place = |k: u32| self.frames[j].project(self.frames[k as usize].origin).filter(|[x, y]| x * x + y * y > 1e-12);
        cells.retain(|&k| place(k).is_some());
        let Some(terms) = DEGREES.into_iter().find(|&terms| self.fit(terms, j, scratch)) else { return };
        let Scratch { cells, weights, links, .. } = scratch;
        let is_curved = is_surrounded && terms == 5 && magnitude(&weights[2..]) <= GREATEST_MAGNITUDE;
        let taken = if is_curved { 5 } else { 2 };
        links.extend(cells.iter().enumerate().map(|(at, &k)| {
            let mut shape = [0.0; 5];
            shape.iter_mut().zip(weights.iter()).zip(SHARES).take(taken).for_each(|((s, w), share)| *s = share * w[at]);
            (k, shape)
        }));
    }

    /// Fits p(x, y) without a constant to the differences f_k − f_j; false if it does not hold.
    fn fit(&self, terms: usize, j: usize, Scratch { basis, scales, weights, cells, .. }: &mut Scratch) -> bool {
        if cells.len() < terms {
            return false;
        }
        basis.clear();
        scales.clear();
        for [x, y] in cells.iter().filter_map(|&k| self.frames[j].project(self.frames[k as usize].origin)) {
            basis.extend_from_slice(&[x, y, x * x, x * y, y * y][..terms]);
            // The square root of the least-squares weight 1/d¹⁰.
            scales.push((x * x + y * y).powf(-2.5));
        }
        let fit = Fit::new(basis, terms, scales);
        let is_solved = fit.is_some_and(|fit| (0..terms).all(|m| fit.coefficient(m, &mut weights[m])));
        is_solved && magnitude(&weights[..2]) <= GREATEST_MAGNITUDE
    }
}

fn magnitude(weights: &[Vec<f64>]) -> f64 {
    weights.iter().flatten().map(|w| w.abs()).sum()
}
