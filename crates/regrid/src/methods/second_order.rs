//! Second-order conservative weights: first-order overlaps with a gradient inside each source cell.
//!
//! destination_i = Σ_j A_ij/A_i · [f_j + g_j·(b_ij − c_j)], A_ij and b_ij area and barycentre of the overlap of cells i
//! and j, g_j the gradient of the field in source cell j, and c_j = Σ_i A_ij·b_ij / Σ_i A_ij, so that the gradients of
//! a source cell add nothing to the integral: it is kept to rounding. Order 2 on smooth fields; constants are kept,
//! extremes are not.
//!
//! g_j is that of a quadratic fitted by least squares to the differences to the cells around (weights 1/distance²),
//! between barycentres of cells and in the tangent plane; at masks and rims, where there are too few of them, that of a
//! plane, and 0 where they lie on one line. Being linear in the values it goes into the weights.
//!
//! After Dukowicz and Kodis (1987), SIAM J. Sci. Stat. Comput. 8, 305–321; Kritsikis et al. (2017), Geosci. Model Dev.
//! 10, 425–431.

use super::barycentres::{Cells, Clip};
use super::solve::Fit;
use crate::links::LinkRows;
use knarr_grid::{Grid, Neighbours};
use knarr_kernels::sphere::{UnitVector, add, dot, normalize, scale, sub};
use knarr_kernels::tangent_plane::TangentPlane;
use rayon::prelude::*;

/// Terms of a quadratic and of a plane without their constants: at least as many cells around are needed.
const DEGREES: [usize; 2] = [5, 2];
/// Gradients whose weights, over the reach of the fit, have a greater sum of magnitudes are made of noise.
const GREATEST_MAGNITUDE: f64 = 20.0;

/// Rows of second order from the overlap areas `areas(i)` of first-order rows.
pub(super) fn rows(overlaps: &LinkRows, source: &Grid, destination: &Grid) -> LinkRows {
    let (from, to) = (Cells::of(source), Cells::of(destination));
    let barycentres = overlap_barycentres(overlaps, &from, &to);
    let moments = source_moments(overlaps, &barycentres, source.len());
    let gradients = Gradients::new(source, &from);
    LinkRows::collect_signed(overlaps.len(), Scratch::default, |i, scratch, links| {
        let first = overlaps.row_starts[i];
        for (k, (column, area)) in overlaps.row(i).enumerate() {
            links.push((column, area));
            let reach = sub(barycentres[first + k], moments[column as usize]);
            gradients.of(column as usize, scratch);
            for &(neighbour, slope) in scratch.slopes.iter() {
                let part = area * dot(slope, reach);
                links.push((neighbour, part));
                links.push((column, -part));
            }
        }
    })
}

/// b of each link.
fn overlap_barycentres(overlaps: &LinkRows, from: &Cells<'_>, to: &Cells<'_>) -> Vec<UnitVector> {
    let mut barycentres = vec![[0.0; 3]; overlaps.columns.len()];
    // Rows of links are disjoint parts of the list.
    let mut parts: Vec<&mut [UnitVector]> = Vec::with_capacity(overlaps.len());
    let mut rest = &mut barycentres[..];
    for i in 0..overlaps.len() {
        let (part, after) = rest.split_at_mut(overlaps.row_starts[i + 1] - overlaps.row_starts[i]);
        parts.push(part);
        rest = after;
    }
    parts.into_par_iter().enumerate().for_each_init(Clip::default, |clip, (i, part)| {
        for (b, (column, _)) in part.iter_mut().zip(overlaps.row(i)) {
            *b = clip.barycentre(from, column as usize, to, i);
        }
    });
    barycentres
}

/// c of each source cell.
fn source_moments(overlaps: &LinkRows, barycentres: &[UnitVector], sources: usize) -> Vec<UnitVector> {
    let mut sums = vec![([0.0; 3], 0.0); sources];
    for i in 0..overlaps.len() {
        for (k, (column, area)) in overlaps.row(i).enumerate() {
            let (moment, total) = &mut sums[column as usize];
            *moment = add(*moment, scale(barycentres[overlaps.row_starts[i] + k], area));
            *total += area;
        }
    }
    sums.into_iter().map(|(moment, total)| if total > 0.0 { scale(moment, 1.0 / total) } else { moment }).collect()
}

/// Gradients as sums over differences to the cells around.
struct Gradients<'a> {
    source: &'a Grid,
    centres: Vec<UnitVector>,
    neighbours: Neighbours,
}

/// Buffers of a gradient.
#[derive(Default)]
struct Scratch {
    basis: Vec<f64>,
    scales: Vec<f64>,
    weights: [Vec<f64>; 2],
    cells: Vec<u32>,
    /// Pairs (k, v) with g_j = Σ v·(f_k − f_j), v tangent to the sphere.
    slopes: Vec<(u32, UnitVector)>,
}

impl<'a> Gradients<'a> {
    fn new(source: &'a Grid, cells: &Cells<'_>) -> Self {
        let centres = (0..source.len()).into_par_iter().map(|j| cells.centre(j)).collect();
        Self { source, centres, neighbours: source.neighbours() }
    }

    /// Leaves the gradient of cell `j` in `scratch.slopes`; none where the cells around do not determine it.
    fn of(&self, j: usize, scratch: &mut Scratch) {
        scratch.slopes.clear();
        scratch.cells.clear();
        scratch.cells.extend(self.neighbours.of(j).iter().filter(|&&k| self.source.mask.is_active(k as usize)));
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

/// Direction of a mean of unit vectors; the vector itself where it has none.
pub(super) fn direction(p: UnitVector) -> UnitVector {
    normalize(p).unwrap_or(p)
}

/// Overlap areas of first-order rows: `row_sum(i)` is what the weights of row `i` are shares of.
pub(super) fn areas(weights: &LinkRows, row_sum: impl Fn(usize) -> f64) -> LinkRows {
    let mut areas = weights.clone();
    for i in 0..weights.len() {
        let sum = row_sum(i);
        areas.values[weights.row_starts[i]..weights.row_starts[i + 1]].iter_mut().for_each(|v| *v *= sum);
    }
    areas
}

/// Multiplies each row by `sum(i)`.
pub(super) fn scaled(rows: &mut LinkRows, sum: impl Fn(usize) -> f64) {
    for i in 0..rows.len() {
        let factor = sum(i);
        let range = rows.row_starts[i]..rows.row_starts[i + 1];
        rows.values[range].iter_mut().for_each(|v: &mut f64| *v *= factor);
    }
}
