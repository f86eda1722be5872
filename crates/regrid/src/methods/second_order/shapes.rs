//! The shape of a field in its cells, as sums over differences to the cells around.

use super::{Cells, Frame, Terms};
use crate::methods::solve::{Fit, TERMS, terms};
use knarr_grid::{Grid, Mask, Neighbours};
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;

/// Gradients and curvatures whose weights have a greater sum of magnitudes are made of noise: among squares they have 2
/// and 4, the curvature among triangles more.
const GREATEST_SLOPE: f64 = 5.0;
const GREATEST_CURVATURE: f64 = 8.0;
/// Cells whose shapes are kept: some rows of a block of destination cells.
const RECENT: usize = 4096;
/// The share of the curvature that is taken.
const CURVATURE_SHARE: f64 = 0.6;

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
    cells: Vec<u32>,
    rows: Vec<[f64; TERMS]>,
    weights: Vec<f64>,
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
        let Scratch { cells, rows, weights, links } = scratch;
        links.clear();
        cells.clear();
        rows.clear();
        weights.clear();
        let all = self.neighbours.of(j);
        let mut found = 0;
        for &k in all.iter().filter(|&&k| self.is_active.is_active(k as usize) && valid(k)) {
            found += 1;
            let Some([x, y]) = self.frames[j].project(self.frames[k as usize].origin) else { continue };
            let d2 = x * x + y * y;
            // Copies of the cell itself, in halos, lie at the same place and tell nothing.
            if d2 > 1e-12 {
                cells.push(k);
                rows.push(terms([x, y]));
                weights.push((d2 * d2 * d2).powi(-2));
            }
        }
        let is_surrounded = found == all.len();
        let _ = fit::<5>(cells, rows, weights, is_surrounded, links) || fit::<2>(cells, rows, weights, false, links);
    }
}

/// Appends the links of a fit of p(x, y) of `T` terms without a constant to the differences f_k − f_j, whose curvature is
/// kept if it is sound and `is_curved`; false if none holds.
fn fit<const T: usize>(
    cells: &[u32],
    rows: &[[f64; TERMS]],
    weights: &[f64],
    is_curved: bool,
    links: &mut Vec<(u32, Terms)>,
) -> bool {
    let Some(fit) = Fit::<T>::new(rows, weights) else { return false };
    let (mut slope, mut curvature) = (0.0f64, 0.0);
    for ((&cell, row), weight) in cells.iter().zip(rows).zip(weights) {
        let mut shape = [0.0; 5];
        shape.iter_mut().zip(fit.solve(row)).for_each(|(s, c)| *s = weight * c);
        slope += shape[..2].iter().map(|s| s.abs()).sum::<f64>();
        curvature += shape[2..].iter().map(|s| s.abs()).sum::<f64>();
        links.push((cell, shape));
    }
    if slope.is_nan() || slope > GREATEST_SLOPE {
        links.clear();
        return false;
    }
    let share = if is_curved && curvature <= GREATEST_CURVATURE { CURVATURE_SHARE } else { 0.0 };
    links.iter_mut().for_each(|(_, shape)| shape[2..].iter_mut().for_each(|s| *s *= share));
    true
}
