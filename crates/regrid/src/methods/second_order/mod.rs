//! Second-order conservative weights: first-order overlaps with the shape of the field inside each source cell.
//!
//! destination_i = Σ_j A_ij/A_i · [f_j + s_j·(φ_ij − φ_j)], A_ij the area of the overlap of cells i and j, φ_ij the mean of
//! (x, y, x², xy, y²) over it in the [frame](Frame) of cell j, and φ_j = Σ_i A_ij·φ_ij / Σ_i A_ij, so that the shape of a
//! source cell adds nothing to the integral: it is kept to rounding. Constants are kept, extremes are not. Order 2 on
//! smooth fields.
//!
//! s_j are the coefficients of a quadratic without constant that is fitted by least squares to the differences to the
//! cells around, which lie at their barycentres. Their weights 1/d¹² go by the distance d in the frame, where cell j is
//! like a square of side 1: the cells across its edges count, however long it is, those at its corners hardly. Of the
//! second-order coefficients 0.6 is taken: the whole would be better for means over cells (of smooth fields 2 to 5 times),
//! less for values at centers of fields that the source hardly resolves (by 3 to 7 %), and files hold both. Beside masked or missing cells they are left out, and where the cells around determine no
//! quadratic the gradient is that of a plane, or 0 where they lie on one line. Being linear in the values all goes into
//! the weights.
//!
//! After Dukowicz and Kodis (1987), SIAM J. Sci. Stat. Comput. 8, 305–321; Kritsikis et al. (2017), Geosci. Model Dev.
//! 10, 425–431; quadratics in cells as in Ullrich and Taylor (2015), Mon. Wea. Rev. 143, 2419–2440.

mod factored;
mod frame;
mod moments;
mod shapes;

pub(crate) use factored::{Factored, Refit};

use crate::Edges;
use crate::links::{Link, LinkRows};
use frame::Frame;
use knarr_grid::Grid;
use moments::{Cells, Clip};
use rayon::prelude::*;
use shapes::{Recent, Shapes};

/// Of x, y, x², xy and y² in the frame of a cell: means, or what they are multiplied by.
type Terms = [f64; 5];

fn dot(a: &Terms, b: &Terms) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Rows of second order from the overlap areas `areas(i)` of first-order rows.
pub(super) fn rows(overlaps: &LinkRows, source: &Grid, destination: &Grid, edges: Edges) -> LinkRows {
    let (from, to) = (Cells::of(source, edges), Cells::of(destination, edges));
    let shapes = Shapes::new(source, &from);
    let reaches = reaches(overlaps, &from, &to, shapes.frames());
    LinkRows::collect_signed(overlaps.len(), Recent::default, |i, recent, links| {
        let first = overlaps.row_starts[i];
        for (k, (column, area)) in overlaps.row(i).enumerate() {
            let mut own = area;
            for (neighbour, shape) in recent.of(&shapes, column) {
                let part = area * dot(shape, &reaches[first + k]);
                add_to(links, *neighbour, part);
                own -= part;
            }
            add_to(links, column, own);
        }
    })
}

/// Adds to the link of a column. Cells side by side have most of those around in common: a look through a short row is
/// less than sorting them all later.
fn add_to(links: &mut Vec<Link>, column: u32, value: f64) {
    const SHORT: usize = 40;
    let known = if links.len() <= SHORT { links.iter_mut().find(|l| l.0 == column) } else { None };
    match known {
        Some(link) => link.1 += value,
        None => links.push((column, value)),
    }
}

/// φ_ij − φ_j of each link.
fn reaches(overlaps: &LinkRows, from: &Cells<'_>, to: &Cells<'_>, frames: &[Frame]) -> Vec<Terms> {
    let mut reaches = vec![[0.0; 5]; overlaps.columns.len()];
    // Rows of links are disjoint parts of the list.
    let mut parts: Vec<&mut [Terms]> = Vec::with_capacity(overlaps.len());
    let mut rest = &mut reaches[..];
    for i in 0..overlaps.len() {
        let (part, after) = rest.split_at_mut(overlaps.row_starts[i + 1] - overlaps.row_starts[i]);
        parts.push(part);
        rest = after;
    }
    parts.into_par_iter().enumerate().for_each_init(Clip::default, |clip, (i, part)| {
        clip.turn_to(from, to, i);
        for (terms, (column, _)) in part.iter_mut().zip(overlaps.row(i)) {
            let j = column as usize;
            *terms = clip.overlap(from, j, to, i).terms(&frames[j]);
        }
    });
    let means = source_means(overlaps, &reaches, frames.len());
    let less_mean =
        |(terms, &column): (&mut Terms, &u32)| terms.iter_mut().zip(&means[column as usize]).for_each(|(t, m)| *t -= m);
    reaches.par_iter_mut().zip(&overlaps.columns).for_each(less_mean);
    reaches
}

/// φ_j of each source cell.
fn source_means(overlaps: &LinkRows, terms: &[Terms], sources: usize) -> Vec<Terms> {
    let mut sums = vec![([0.0; 5], 0.0); sources];
    for ((&column, &area), terms) in overlaps.columns.iter().zip(&overlaps.values).zip(terms) {
        let (sum, total) = &mut sums[column as usize];
        sum.iter_mut().zip(terms).for_each(|(s, t)| *s += area * t);
        *total += area;
    }
    sums.into_iter().map(|(sum, total)| if total > 0.0 { sum.map(|s| s / total) } else { sum }).collect()
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
