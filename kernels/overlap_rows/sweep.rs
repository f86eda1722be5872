//! Overlaps with cells between parallels and meridians as integrals along the edges of a cell.
//!
//! In longitude λ and z = sin φ areas are plane: the part of a counter-clockwise polygon in column c and row j is
//! −∮ (clamp(z, r_j, t_j) − r_j) dλ over the stretch of its boundary in that column, with t_j the upper end of the
//! row and r_j its lower one. So each edge is cut where it passes from cell to cell, and each segment gives one
//! integral to the cell it lies in: no polygon is ever built. Segments are integrated in closed form, see
//! [`Segment::integrals`]. What the boundary does above a row adds its width there times the height of the row: as the
//! sum of what is above where rows share their columns ([`shared`]), and else along the row's upper end, from
//! where the boundary leaves it to where it comes back ([`own`]).
//!
//! All that is a difference is taken as one, in the [`Frame`] of the cell's first corner: areas are right to 4e-15 of
//! the cell at any resolution, and to 2e-14 where cells at a pole are a hundred times as high as wide.

use super::arc::{Arc, Circle, CircleArc, arc_top, chord2};
use super::bands::{Bands, Meridians};
use super::frame::{Frame, Point};
use super::place::Place;
use super::quadrants;
use super::segment::Sum;
use super::walk::{Columns, Middle, Own, Shared, Trail, Walk};
use super::{own, shared};
use crate::cell_area::polygon_area;
use crate::sphere::UnitVector;

/// Buffers of the sweep, and where the last cell began.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) corners: Vec<Corner>,
    pub(super) trail: Trail,
    pub(super) window: Vec<Sum>,
    /// Lowest and highest row that a segment lies in, by column.
    pub(super) ranges: Vec<[usize; 2]>,
    /// Westernmost and easternmost column, and place in the window, by row.
    pub(super) spans: Vec<(i64, i64, usize)>,
    last: (i64, usize),
}

/// What an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    GreatCircle,
    /// The first or second parallel about another pole.
    Circle(u8),
}

/// A corner, and the edge that begins there.
#[derive(Clone, Copy)]
pub(super) struct Corner {
    pub(super) point: Point,
    pub(super) edge: Edge,
}

/// Emits the overlaps of a polygon with great-circle edges, whose corners in the frame of the rows are `places`; its area is
/// that of `corners`.
#[inline]
pub(super) fn polygon(
    bands: &Bands,
    corners: &[UnitVector],
    places: impl Iterator<Item = Place> + Clone,
    buffers: &mut Buffers,
    emit: &mut impl FnMut(usize, f64),
) {
    let Some(first) = places.clone().next() else { return };
    let frame = Frame::at(&first);
    buffers.corners.clear();
    buffers.corners.extend(places.map(|p| Corner { point: frame.point(&p), edge: Edge::GreatCircle }));
    cell(bands, &frame, &[], Some(corners), buffers, emit);
}

/// Emits the overlaps of the cell of `buffers.corners`; `polygon`: its corners if all edges are great circles.
#[inline]
pub(super) fn cell(
    bands: &Bands,
    frame: &Frame,
    circles: &[Circle],
    polygon: Option<&[UnitVector]>,
    buffers: &mut Buffers,
    emit: &mut impl FnMut(usize, f64),
) {
    if super::is_narrow(buffers.corners.iter().map(|c| [c.point.x, c.point.y])) {
        piece(bands, frame, Middle(0.0, 1.0), circles, polygon, buffers, emit);
    } else {
        for (middle, quadrant) in quadrants::of(&buffers.corners, circles, frame) {
            buffers.corners.clear();
            buffers.corners.extend(quadrant);
            piece(bands, frame, middle, circles, None, buffers, emit);
        }
    }
}

/// The same for a cell that is less than 180° from a meridian and has no pole in it.
#[inline]
fn piece(
    bands: &Bands,
    frame: &Frame,
    middle: Middle,
    circles: &[Circle],
    polygon: Option<&[UnitVector]>,
    buffers: &mut Buffers,
    emit: &mut impl FnMut(usize, f64),
) {
    if buffers.corners.len() < 3 {
        return;
    }
    match bands.meridians.as_slice() {
        [Meridians::Table { lon_deg, directions, columns, .. }] => {
            let meridians = Shared { lon_deg, directions };
            match walk((bands, meridians), (frame, middle), circles, polygon, buffers) {
                Found::Within(row, column) => {
                    if let (Some(owner), Some(column)) = (bands.owner(row), bands.meridians[0].column(column)) {
                        emit(bands.row_starts[owner] + column, polygon.map_or(0.0, polygon_area));
                    }
                }
                Found::Trail => shared::collect(bands, columns, frame, buffers, emit),
            }
        }
        _ => match walk((bands, Own { bands, row: None }), (frame, middle), circles, polygon, buffers) {
            Found::Within(row, column) => {
                let cell = bands.owner(row).and_then(|owner| Some((owner, bands.meridians_of(owner).column(column)?)));
                if let Some((owner, column)) = cell {
                    emit(bands.row_starts[owner] + column, polygon.map_or(0.0, polygon_area));
                }
            }
            Found::Trail => own::collect(bands, frame, buffers, emit),
        },
    }
}

/// What a walk finds.
enum Found {
    /// The whole cell lies in that row and column.
    Within(usize, i64),
    /// Its boundary is in the trail.
    Trail,
}

#[inline(always)]
fn walk<C: Columns>(
    (bands, columns): (&Bands, C),
    (frame, middle): (&Frame, Middle),
    circles: &[Circle],
    polygon: Option<&[UnitVector]>,
    Buffers { corners, trail, last, .. }: &mut Buffers,
) -> Found {
    trail.segments.clear();
    trail.lenses.clear();
    trail.crossings.clear();
    let first = corners[0].point;
    let from = (last.0, last.1.min(bands.rows.len() + 1), middle);
    let mut walk = Walk::start((bands, columns), frame, trail, &first, from);
    *last = (walk.column, walk.row);
    if polygon.is_some() && is_within(&walk, corners) {
        return Found::Within(walk.row, walk.column);
    }
    let mut a = first;
    for k in 0..corners.len() {
        let b = corners[if k + 1 == corners.len() { 0 } else { k + 1 }].point;
        match corners[k].edge {
            Edge::GreatCircle => {
                // Between its northernmost or southernmost point and its ends an edge rises or falls all along.
                if let Some(t) = arc_top(frame.sin() + a.rise, frame.sin() + b.rise, b.rise - a.rise, chord2(&a, &b)) {
                    let top = Arc::new(a, b).at(t, frame);
                    walk.follow(&Arc::new(a, top));
                    a = top;
                }
                walk.follow(&Arc::new(a, b));
            }
            Edge::Circle(which) => {
                CircleArc::new(a, b, circles[usize::from(which)]).straight_parts(frame, |arc| walk.follow(arc));
            }
        }
        a = b;
    }
    Found::Trail
}

/// Whether the whole polygon lies in the cell of the walk, which holds the first corner.
#[inline]
fn is_within<C: Columns>(walk: &Walk<'_, C>, corners: &[Corner]) -> bool {
    let first = corners[0].point;
    let (mut lowest, mut highest, mut reach2) = (first.rise, first.rise, 0.0f64);
    for Corner { point, .. } in &corners[1..] {
        if !walk.holds(point) {
            return false;
        }
        (lowest, highest) = (lowest.min(point.rise), highest.max(point.rise));
        reach2 = reach2.max(chord2(&first, point));
    }
    // Edges rise above their ends by an eighth of chord² at most, and no edge is longer than twice the way from the first
    // corner to the farthest one.
    lowest - 0.5 * reach2 >= walk.south && highest + 0.5 * reach2 < walk.north
}
