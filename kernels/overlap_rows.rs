//! Overlap of any cell with the cells between parallels and meridians, by a sweep along its edges.
//!
//! Edges are great circles, or parallels about another pole. Each is cut where it passes from cell to cell; areas are exact
//! for great circles and for parallels, and right to 4e-15 of the cell at any resolution. See `sweep.rs` for how.

mod arc;
mod bands;
#[cfg(test)]
pub(crate) mod exact;
mod frame;
mod holder;
mod milestones;
mod own;
mod place;
mod quadrangle;
mod quadrants;
mod segment;
mod shared;
mod sweep;
#[cfg(test)]
mod tests;
mod walk;

pub use bands::{Bands, Meridians, NO_OWNER};
pub use holder::Holder;
#[cfg(feature = "gpu")]
pub(crate) use milestones::{Milestones, radians};
pub use place::{Direction, Place, Turn};
pub use quadrangle::{Quadrangle, slice_quadrangle};

use crate::sphere::UnitVector;

/// Buffers of a sweep; one per thread.
#[derive(Default)]
pub struct Scratch {
    sweep: sweep::Buffers,
}

/// Calls `emit(cell, area)` with every cell of `bands` that a polygon with great-circle edges overlaps, and the
/// area of overlap (sr).
///
/// `corners` are counter-clockwise and in any number, the polygon smaller than a hemisphere; concave ones are right as
/// well. `turn` takes them into the frame of the rows (`None`: they are in it). A cell may be emitted more than once (add
/// the areas up) when the polygon lies around a pole or is wide. Areas can be as small as rounding, and then of either
/// sign: the caller decides what a sliver is.
pub fn slice_polygon(
    bands: &Bands,
    corners: &[UnitVector],
    turn: Option<&Turn>,
    scratch: &mut Scratch,
    emit: &mut impl FnMut(usize, f64),
) {
    if corners.len() < 3 || bands.rows.is_empty() {
        return;
    }
    let places = corners.iter().map(|&p| Place::from(p));
    match turn {
        None => sweep::polygon(bands, corners, places, &mut scratch.sweep, emit),
        Some(turn) => sweep::polygon(bands, corners, places.map(|p| turn.apply(&p)), &mut scratch.sweep, emit),
    }
}

/// Whether all corners, by their places from the axis, lie within 60° of longitude of the centroid, so that no pole is inside.
pub(crate) fn is_narrow(corners: impl Iterator<Item = [f64; 2]> + Clone) -> bool {
    let (x, y) = corners.clone().fold((0.0, 0.0), |(x, y), p| (x + p[0], y + p[1]));
    let reach = x * x + y * y;
    let mut corners = corners;
    reach > 0.0
        && corners.all(|p| {
            let along = p[0] * x + p[1] * y;
            along > 0.0 && 4.0 * along * along >= reach * (p[0] * p[0] + p[1] * p[1])
        })
}
