//! Overlap of any cell with the cells between parallels and meridians, by slicing.
//!
//! A cell is cut along the parallels it crosses into bands, each band along the meridians into pieces: about one
//! cut per overlap. A cut gives both sides the same new corners, so the pieces of a cell tile it, and the area
//! of each piece is exact for great circles (difference form of the triangle area) and for parallels (closed
//! form of the area between a parallel and its chord), see [`crate::cell_area`].

mod bands;
#[cfg(test)]
pub(crate) mod exact;
mod frame;
mod piece;
mod split;
mod sweep;
#[cfg(test)]
mod tests;

pub use bands::{Bands, Meridians, NO_OWNER};
pub use frame::Direction;
#[cfg(feature = "gpu")]
pub(crate) use frame::{Milestones, radians};
pub use piece::{OwnParallels, Piece};

use crate::cell_area::parallel_lens_area;
use crate::sphere::{UnitVector, cross, dot, sub};
use piece::Edge;
use split::{Cut, Parallels, insert_poles, side, split};

/// Corners a piece can have. Cells with more than [`MAX_CELL_CORNERS`] are split by the caller.
const CAPACITY: usize = 40;
/// Corners a cell may have when it is handed in.
pub const MAX_CELL_CORNERS: usize = 16;
/// Distance (rad) below which a corner counts as on a cutting line: a few roundings of a coordinate.
const ON_LINE: f64 = 1e-15;

/// Buffers of a slicing; one per thread.
#[derive(Default)]
pub struct Scratch {
    rest: Piece,
    band: Piece,
    east: Piece,
    west: Piece,
    spare: Piece,
    sweep: sweep::Buffers,
}

/// Calls `emit(cell, area)` with every cell of `bands` that a polygon with great-circle edges overlaps, and the
/// area of overlap (sr).
///
/// `corners` as for [`slice()`], in any number; what else it says holds as well.
pub fn slice_polygon(bands: &Bands, corners: &[UnitVector], scratch: &mut Scratch, emit: &mut impl FnMut(usize, f64)) {
    if corners.len() < 3 || bands.rows.is_empty() || is_narrow(corners) && sweep::sweep(bands, corners, &mut scratch.sweep, emit)
    {
        return;
    }
    // A fan of pieces where there are more corners than a piece holds.
    let mut start = 1;
    while start + 1 < corners.len() {
        let end = (start + MAX_CELL_CORNERS - 2).min(corners.len() - 1);
        let mut piece = Piece::default();
        piece.push(corners[0], Edge::GreatCircle);
        corners[start..=end].iter().for_each(|&p| piece.push(p, Edge::GreatCircle));
        slice(bands, &piece, None, scratch, emit);
        start = end;
    }
}

/// Calls `emit(cell, area)` with every cell of `bands` that `cell` overlaps and the area of overlap (sr).
///
/// `cell` is in the frame of the rows, its corners counter-clockwise, smaller than a hemisphere; concave cells
/// are right as well. A cell may be emitted more than once (add the areas up) when `cell` lies around a pole or
/// is concave. Areas can be as small as rounding, and then of either sign: the caller decides what a sliver is.
pub fn slice(bands: &Bands, cell: &Piece, own: Option<&OwnParallels>, scratch: &mut Scratch, emit: &mut impl FnMut(usize, f64)) {
    if cell.len < 3 || bands.rows.is_empty() {
        return;
    }
    if is_narrow(&cell.corners[..cell.len]) {
        scratch.rest.copy_from(cell);
        slice_narrow(bands, own, scratch, emit);
    } else {
        // Quadrants by the meridians 0°/180° and 90°/270°: none holds a pole inside or is wider than 90°.
        let (mut east, mut west, mut north, mut south) = (Piece::default(), Piece::default(), Piece::default(), Piece::default());
        let mut work = *cell;
        split(&mut work, &Cut::Meridian { sin: 0.0, cos: 1.0 }, own, None, &mut west, &mut east);
        insert_poles(&mut west, 0.0, 1.0);
        insert_poles(&mut east, 0.0, 1.0);
        for half in [&mut west, &mut east] {
            split(half, &Cut::Meridian { sin: 1.0, cos: 0.0 }, own, None, &mut south, &mut north);
            for quadrant in [&mut south, &mut north] {
                insert_poles(quadrant, 1.0, 0.0);
                if quadrant.len >= 2 {
                    scratch.rest.copy_from(quadrant);
                    slice_narrow(bands, own, scratch, emit);
                }
            }
        }
    }
}

/// Whether all corners lie within 60° of longitude of the centroid, so that no pole is inside.
pub(crate) fn is_narrow(corners: &[UnitVector]) -> bool {
    let (x, y) = corners.iter().fold((0.0, 0.0), |(x, y), p| (x + p[0], y + p[1]));
    let reach = x * x + y * y;
    reach > 0.0
        && corners.iter().all(|p| {
            let along = p[0] * x + p[1] * y;
            along > 0.0 && 4.0 * along * along >= reach * (p[0] * p[0] + p[1] * p[1])
        })
}

/// Slices `scratch.rest`, which spans at most 120° of longitude and has no pole inside.
fn slice_narrow(bands: &Bands, own: Option<&OwnParallels>, scratch: &mut Scratch, emit: &mut impl FnMut(usize, f64)) {
    let piece = &scratch.rest;
    let lowest = piece.corners[..piece.len].iter().map(|p| p[2]).fold(f64::INFINITY, f64::min);
    let (x, y) = piece.corners[..piece.len].iter().fold((0.0, 0.0), |(x, y), p| (x + p[0], y + p[1]));
    let mut lon_deg = None;
    let mut part = 0;

    // Edges can dip below the lowest corner, towards the south pole: start early, empty bands cost little.
    let chord2 = piece.longest_chord2();
    let dip = if own.is_some() { lowest - 0.5 * chord2.sqrt() } else { lowest - chord2 / 7.0 };
    let mut band = bands.sin.partition_point(|&s| s <= dip);
    if band == 0 {
        // What lies south of the first parallel belongs to no row.
        let cut = Cut::Parallel { sin: bands.sin[0], cos: bands.cos[0], chord2 };
        split(&mut scratch.rest, &cut, own, None, &mut scratch.band, &mut scratch.spare);
        scratch.spare.relabel(Edge::Upper, Edge::Lower);
        std::mem::swap(&mut scratch.rest, &mut scratch.spare);
    } else {
        band -= 1;
    }
    while scratch.rest.len >= 2 && band < bands.rows.len() {
        let cut = Cut::Parallel { sin: bands.sin[band + 1], cos: bands.cos[band + 1], chord2 };
        let parallels = Parallels { sin: [bands.sin[band], bands.sin[band + 1]], cos: [bands.cos[band], bands.cos[band + 1]] };
        split(&mut scratch.rest, &cut, own, None, &mut scratch.band, &mut scratch.spare);
        std::mem::swap(&mut scratch.rest, &mut scratch.spare);
        scratch.rest.relabel(Edge::Upper, Edge::Lower);
        if scratch.band.len >= 2 && bands.rows[band] != NO_OWNER {
            let row = bands.rows[band] as usize;
            let meridians = &bands.meridians[if bands.meridians.len() == 1 { 0 } else { row }];
            let lon = *lon_deg.get_or_insert_with(|| f64::atan2(y, x).to_degrees());
            // With one set of meridians for all rows, the part where the last band began is a good start.
            if bands.meridians.len() > 1 || part >= meridians.len() || part == 0 {
                part = meridians.locate(lon);
            }
            part = slice_band(meridians, part, &parallels, own, scratch, bands.row_starts[row], emit);
        }
        band += 1;
    }
}

/// Cuts `scratch.band` along meridians, starting the walk at part `start`; gives the westernmost part.
fn slice_band(
    meridians: &Meridians,
    start: usize,
    parallels: &Parallels,
    own: Option<&OwnParallels>,
    scratch: &mut Scratch,
    row_start: usize,
    emit: &mut impl FnMut(usize, f64),
) -> usize {
    let count = meridians.len();
    let mut part = start;
    let mut western = meridians.sin_cos(part);
    // Walk west until nothing lies west of the part, then east to the first part with something in it.
    while scratch.band.corners[..scratch.band.len].iter().any(|p| side(p, western) < -ON_LINE) {
        part = if part == 0 { count - 1 } else { part - 1 };
        western = meridians.sin_cos(part);
    }
    let mut first = None;
    for _ in 0..=count {
        let next = if part + 1 == count { 0 } else { part + 1 };
        let eastern = meridians.sin_cos(next);
        let cut = Cut::Meridian { sin: eastern.0, cos: eastern.1 };
        split(&mut scratch.band, &cut, own, Some(parallels), &mut scratch.west, &mut scratch.east);
        if scratch.west.len >= 2 {
            first.get_or_insert(part);
            let column = meridians.column(part);
            if column != NO_OWNER {
                emit(row_start + column as usize, area(&scratch.west, parallels, own));
            }
        }
        if scratch.east.len < 2 {
            break;
        }
        std::mem::swap(&mut scratch.band, &mut scratch.east);
        part = next;
    }
    first.unwrap_or(start)
}

/// Area of a piece: the great-circle polygon of its corners, and what its parallels add.
#[inline]
fn area(piece: &Piece, parallels: &Parallels, own: Option<&OwnParallels>) -> f64 {
    let n = piece.len;
    let origin = piece.corners[0];
    let mut total = 0.0;
    if n > 2 {
        let mut previous = sub(piece.corners[1], origin);
        let mut previous2 = dot(previous, previous);
        for corner in &piece.corners[2..n] {
            let offset = sub(*corner, origin);
            let offset2 = dot(offset, offset);
            let between = sub(offset, previous);
            let determinant = dot(origin, cross(previous, offset));
            // 1 + a·b + b·c + c·a, with a·b = 1 − |a − b|²/2 for unit vectors.
            let sum = 4.0 - 0.5 * (previous2 + offset2 + dot(between, between));
            let t = determinant / sum;
            total += if t.abs() < 1e-3 && sum > 0.0 {
                let t2 = t * t;
                2.0 * t * (1.0 - t2 * (1.0 / 3.0 - t2 * (0.2 - t2 / 7.0)))
            } else {
                2.0 * determinant.atan2(sum)
            };
            previous = offset;
            previous2 = offset2;
        }
    }
    for k in 0..n {
        let (sin, width) = match piece.edges[k] {
            Edge::GreatCircle | Edge::Meridian => continue,
            Edge::Lower => (parallels.sin[0], width_about_pole(piece.corners[k], piece.corners[piece.next(k)])),
            Edge::Upper => (parallels.sin[1], width_about_pole(piece.corners[k], piece.corners[piece.next(k)])),
            Edge::Own(which) => match own {
                Some(own) => (
                    own.sin[which as usize],
                    width_about(own.axis, own.sin[which as usize], piece.corners[k], piece.corners[piece.next(k)]),
                ),
                None => continue,
            },
        };
        total += parallel_lens_area(sin, width);
    }
    total
}

/// Longitude from `a` to `b`.
#[inline]
fn width_about_pole(a: UnitVector, b: UnitVector) -> f64 {
    angle(a[0] * (b[1] - a[1]) - a[1] * (b[0] - a[0]), a[0] * b[0] + a[1] * b[1])
}

/// Angle about `axis` from `a` to `b`, both on the parallel `sin` of that axis.
fn width_about(axis: UnitVector, sin: f64, a: UnitVector, b: UnitVector) -> f64 {
    angle(dot(axis, cross(a, sub(b, a))), dot(a, b) - sin * sin)
}

/// atan2 with a shortcut for small angles.
#[inline]
fn angle(sine: f64, cosine: f64) -> f64 {
    let t = sine / cosine;
    if cosine > 0.0 && t.abs() < 0.02 {
        let t2 = t * t;
        t * (1.0 - t2 * (1.0 / 3.0 - t2 * (0.2 - t2 * (1.0 / 7.0 - t2 * (1.0 / 9.0 - t2 / 11.0)))))
    } else {
        sine.atan2(cosine)
    }
}
