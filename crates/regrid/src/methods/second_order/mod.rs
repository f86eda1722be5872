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

mod factored;
mod gradients;

pub(crate) use factored::{Factored, Refit};

use super::barycentres::{Cells, Clip};
use crate::links::LinkRows;
use gradients::{Gradients, Scratch};
use knarr_grid::Grid;
use knarr_kernels::sphere::{UnitVector, add, dot, normalize, scale, sub};
use rayon::prelude::*;

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
            gradients.of(column as usize, |_| true, scratch);
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
