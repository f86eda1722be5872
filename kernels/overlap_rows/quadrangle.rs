//! Cells between parallels and meridians about another pole.

use super::Scratch;
use super::arc::Circle;
use super::bands::Bands;
use super::frame::Frame;
use super::place::{Direction, Place, Split, Turn};
use super::sweep::{self, Corner, Edge};

/// A cell between two parallels and two meridians about another pole than that of the rows.
#[derive(Clone, Copy, Debug)]
pub struct Quadrangle {
    /// South-west, south-east, north-east, north-west, in the frame of the rows.
    corners: [Place; 4],
    /// The other pole there.
    axis: Place,
    /// Sine and cosine of the latitude of the south and the north edge.
    edges: [(f64, f64); 2],
}

impl Quadrangle {
    /// Of its western and eastern end, less than 90° apart, and its southern and northern one; `turn` takes its frame into
    /// that of the rows.
    pub fn new(turn: &Turn, [west, east]: [&Direction; 2], [south, north]: [&Direction; 2]) -> Self {
        let corners = [(west, south), (east, south), (east, north), (west, north)];
        let up = Split { coarse: 1.0, rest: 0.0 };
        Self {
            corners: corners.map(|(lon, lat)| turn.apply(&Place::new(lon, lat))),
            axis: turn.apply(&Place([Split::default(), Split::default(), up])),
            edges: [south.rounded(), north.rounded()],
        }
    }
}

/// Calls `emit(cell, area)` with every cell of `bands` that a quadrangle overlaps, and the area of overlap (sr); what
/// [`super::slice_polygon`] says holds as well.
pub fn slice_quadrangle(bands: &Bands, cell: &Quadrangle, scratch: &mut Scratch, emit: &mut impl FnMut(usize, f64)) {
    if bands.rows.is_empty() {
        return;
    }
    let frame = Frame::at(&cell.corners[0]);
    let edges = [Edge::Circle(0), Edge::GreatCircle, Edge::Circle(1), Edge::GreatCircle];
    let corners = &mut scratch.sweep.corners;
    corners.clear();
    for ((place, edge), which) in cell.corners.iter().zip(edges).zip([0, 0, 1, 1]) {
        // All of an edge at the other pole is one corner.
        let is_point = edge == Edge::Circle(which as u8) && cell.edges[which].1.abs() < f64::MIN_POSITIVE;
        if !is_point {
            corners.push(Corner { point: frame.point(place), edge });
        }
    }
    let circle = |which: usize| {
        let (sin, cos) = cell.edges[which];
        Circle { center: frame.vector(&cell.axis, sin), sin, square: cos * cos, is_eastward: which == 0 }
    };
    sweep::cell(bands, &frame, &[circle(0), circle(1)], None, &mut scratch.sweep, emit);
}
