//! Edges of cells: arcs of great circles, and of parallels about another pole.
//!
//! A point of an arc is one of its chord, seen from the centre of the arc's circle. `lack` is what the way from that centre
//! to the chord lacks to the circle's radius, so that sides and latitudes are a straight line and what `lack` adds.

use super::frame::{Frame, Point};
use crate::cell_area::parallel_lens_area;

/// An arc that a walk follows: in one direction of longitude and of latitude all along.
pub(super) trait Curve {
    /// Whether areas beyond the great circle through two of its points are to be added.
    const BULGES: bool;
    fn start(&self) -> Point;
    fn end(&self) -> Point;
    /// Where it meets the meridian (sine, cosine); `end_side` is the side of its end.
    fn on_meridian(&self, frame: &Frame, end_side: f64, meridian: (f64, f64)) -> Point;
    /// Where it meets a parallel between its ends, `rise` above the frame's origin.
    fn on_parallel(&self, frame: &Frame, rises: bool, rise: f64, parallel: (f64, f64)) -> Point;
    /// The area that polygons have between it and the great circle through two of its points.
    fn lens(&self, a: &Point, b: &Point) -> f64;
}

/// Positive east of the meridian (sin, cos), negative west of it.
#[inline(always)]
pub(super) fn side(p: &Point, (sin, cos): (f64, f64)) -> f64 {
    p.y * cos - p.x * sin
}

#[inline(always)]
pub(super) fn chord2(a: &Point, b: &Point) -> f64 {
    let (x, y, z) = (b.x - a.x, b.y - a.y, b.rise - a.rise);
    x * x + y * y + z * z
}

/// The part of the chord between points of the heights `a` and `b` above the circle's centre, `rise` = b − a, over which
/// the arc is highest or lowest, if that is between them; `square` is that of the chord by the radius.
#[inline(always)]
pub(super) fn arc_top(a: f64, b: f64, rise: f64, square: f64) -> Option<f64> {
    let (start, end) = (rise + 0.5 * square * a, rise - 0.5 * square * b);
    // The slopes at both ends, but for positive factors.
    if start * end >= 0.0 {
        return None;
    }
    let t = start / (square * (a + 0.5 * rise));
    (t > 0.0 && t < 1.0).then_some(t)
}

/// A chord.
#[derive(Clone, Copy)]
struct Chord {
    start: Point,
    end: Point,
    x: f64,
    y: f64,
    rise: f64,
    /// Square of its length by the radius of the circle.
    square: f64,
}

impl Chord {
    #[inline(always)]
    fn new(a: Point, b: Point) -> Self {
        let (x, y, rise) = (b.x - a.x, b.y - a.y, b.rise - a.rise);
        Self { start: a, end: b, x, y, rise, square: x * x + y * y + rise * rise }
    }

    /// Of the way to the part `t`, by the radius, what it lacks to 1, and one over it.
    #[inline(always)]
    fn length(&self, t: f64) -> (f64, f64) {
        let less = t * (1.0 - t) * self.square;
        if less < 1e-4 {
            // √(1 − x) and 1/√(1 − x): what follows is below 1e-16.
            let lack = less * (0.5 + less * (0.125 + less * (0.0625 + less * 0.039_062_5)));
            (lack, 1.0 + less * (0.5 + less * (0.375 + less * (0.3125 + less * 0.273_437_5))))
        } else {
            let length = (1.0 - less).sqrt();
            (less / (1.0 + length), 1.0 / length)
        }
    }

    /// Where `above + t·delta + pull·lack(t)` is zero, where it rises or falls.
    #[cold]
    fn root(&self, rises: bool, above: f64, delta: f64, pull: f64) -> f64 {
        // With lack = t (1 − t) square/(1 + length) it is a parabola, all but for the length.
        let bulge = pull * self.square / (1.0 + (1.0 - 0.25 * self.square).sqrt());
        let slope = delta + bulge;
        let root = (slope * slope + 4.0 * bulge * above).max(0.0).sqrt();
        let root = if rises { root } else { -root };
        // Of the two ways to write the root where the slope is `root`, the one without a difference.
        let t = if slope * root < 0.0 { (slope - root) / (2.0 * bulge) } else { -2.0 * above / (slope + root) };
        let mut t = within_one(t);
        for _ in 0..8 {
            let (lack, inverse) = self.length(t);
            let slope = delta + pull * self.square * (0.5 - t) * inverse;
            let step = (above + t * delta + pull * lack) / slope;
            if !step.is_finite() {
                break;
            }
            let better = within_one(t - step);
            let moved = better - t;
            t = better;
            // What Newton's step leaves is below half of square/slope of its square.
            if self.square * moved * moved <= 1e-17 * slope.abs() {
                break;
            }
        }
        t
    }
}

/// An arc of a great circle.
#[derive(Clone, Copy)]
pub(super) struct Arc(Chord);

impl Arc {
    #[inline(always)]
    pub(super) fn new(a: Point, b: Point) -> Self {
        Self(Chord::new(a, b))
    }

    /// The point over the part `t` of the chord.
    #[inline(always)]
    pub(super) fn at(&self, t: f64, frame: &Frame) -> Point {
        let Chord { start, x, y, rise, .. } = &self.0;
        let (lack, inverse) = self.0.length(t);
        let (x, y) = ((start.x + t * x) * inverse, (start.y + t * y) * inverse);
        let rise = (start.rise + t * rise + frame.sin() * lack) * inverse;
        Point { x, y, rise, radius: (x * x + y * y).sqrt() }
    }
}

impl Curve for Arc {
    const BULGES: bool = false;

    #[inline(always)]
    fn start(&self) -> Point {
        self.0.start
    }

    #[inline(always)]
    fn end(&self) -> Point {
        self.0.end
    }

    #[inline(always)]
    fn on_meridian(&self, frame: &Frame, end_side: f64, (sin, cos): (f64, f64)) -> Point {
        let Chord { start, x, y, rise, .. } = &self.0;
        let start_side = side(start, (sin, cos));
        // With both ends on the meridian, but for rounding, any point of the edge will do.
        let t = within_one(start_side / (start_side - end_side));
        let (lack, inverse) = self.0.length(t);
        let radius = ((start.x + t * x) * cos + (start.y + t * y) * sin) * inverse;
        let rise = (start.rise + t * rise + frame.sin() * lack) * inverse;
        Point { x: radius * cos, y: radius * sin, rise, radius }
    }

    #[inline(always)]
    fn on_parallel(&self, _: &Frame, rises: bool, rise: f64, (sin, cos): (f64, f64)) -> Point {
        let chord = &self.0;
        let above = chord.start.rise - rise;
        // Sines of the ends of the chord, by that of the parallel.
        let (start, end) = (sin + above, sin + above + chord.rise);
        let (t, inverse) = if start * sin <= 0.25 * sin * sin || end * sin <= 0.25 * sin * sin {
            // Next to the equator.
            let t = chord.root(rises, above, chord.rise, sin);
            (t, chord.length(t).1)
        } else {
            // (start + t·Δ)² = sin² (1 − t (1 − t) chord²), differences first: A t² + B t + C = 0.
            let bent = sin * sin * chord.square;
            let a = chord.rise * chord.rise - bent;
            let b = 2.0 * chord.rise * start + bent;
            let c = above * (sin + start);
            let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
            let divisor = b + if rises == (sin > 0.0) { root } else { -root };
            let t = within_one(-2.0 * c / divisor);
            // The length of the vector is what its sine is above that of the parallel.
            (t, sin / (start + t * chord.rise))
        };
        Point { x: (chord.start.x + t * chord.x) * inverse, y: (chord.start.y + t * chord.y) * inverse, rise, radius: cos }
    }

    #[inline(always)]
    fn lens(&self, _: &Point, _: &Point) -> f64 {
        0.0
    }
}

/// A parallel about another pole, in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circle {
    /// Its centre, with the height from the equator's plane.
    pub(super) center: [f64; 3],
    /// Sine of its latitude.
    pub(super) sin: f64,
    /// Square of its radius.
    pub(super) square: f64,
    /// Whether it is followed eastward about its own pole.
    pub(super) is_eastward: bool,
}

impl Circle {
    /// The sine of the latitude at which it goes along a meridian: there its plane's pole is as far from the frame's as it
    /// is itself. Infinite if there is none.
    fn turning_sin(&self) -> f64 {
        self.center[2] / (self.sin * self.sin)
    }
}

/// An arc of such a parallel, of less than half of it.
#[derive(Clone, Copy)]
pub(super) struct CircleArc {
    chord: Chord,
    circle: Circle,
}

impl CircleArc {
    pub(super) fn new(a: Point, b: Point, circle: Circle) -> Self {
        let chord = Chord::new(a, b);
        Self { chord: Chord { square: chord.square / circle.square, ..chord }, circle }
    }

    /// The point over the part `t` of the chord.
    pub(super) fn at(&self, t: f64, frame: &Frame) -> Point {
        let (lack, inverse) = self.chord.length(t);
        let [x, y, z] = self.circle.center;
        let Chord { start, x: dx, y: dy, rise, .. } = &self.chord;
        let (x, y) = ((start.x + t * dx - x * lack) * inverse, (start.y + t * dy - y * lack) * inverse);
        let rise = (start.rise + t * rise + (frame.sin() - z) * lack) * inverse;
        Point { x, y, rise, radius: (x * x + y * y).sqrt() }
    }

    /// Where it is northernmost or southernmost, if that is between its ends.
    pub(super) fn top(&self, frame: &Frame) -> Option<Point> {
        let height = frame.sin() - self.circle.center[2];
        let Chord { start, end, rise, square, .. } = &self.chord;
        arc_top(height + start.rise, height + end.rise, *rise, *square).map(|t| self.at(t, frame))
    }

    /// Gives its parts that go one way in longitude and latitude each.
    #[inline(always)]
    pub(super) fn straight_parts(&self, frame: &Frame, mut each: impl FnMut(&Self)) {
        let turning = self.circle.turning_sin();
        let mut part = |arc: &Self| {
            let (above, rise) = (arc.chord.start.rise - (turning - frame.sin()), arc.chord.rise);
            if above * (above + rise) < 0.0 {
                let t = arc.chord.root(rise > 0.0, above, rise, turning - arc.circle.center[2]);
                arc.halves_at(arc.at(t, frame)).iter().for_each(&mut each);
            } else {
                each(arc);
            }
        };
        match self.top(frame) {
            Some(top) => self.halves_at(top).iter().for_each(part),
            None => part(self),
        }
    }

    /// Its parts on which the distance from a plane through the meridian (sin, cos) grows or falls all along.
    pub(super) fn parts_beside(&self, meridian: (f64, f64), frame: &Frame) -> Vec<Self> {
        let center = self.side_of_center(meridian);
        let (a, b) = (side(&self.chord.start, meridian), side(&self.chord.end, meridian));
        match arc_top(a - center, b - center, b - a, self.chord.square) {
            Some(t) => self.halves_at(self.at(t, frame)).to_vec(),
            None => vec![*self],
        }
    }

    fn halves_at(&self, p: Point) -> [Self; 2] {
        [Self::new(self.chord.start, p, self.circle), Self::new(p, self.chord.end, self.circle)]
    }

    fn side_of_center(&self, (sin, cos): (f64, f64)) -> f64 {
        self.circle.center[1] * cos - self.circle.center[0] * sin
    }

    /// Directions in which it leaves its start, and from which it comes to its end; of any length.
    pub(super) fn ways(&self) -> [[f64; 2]; 2] {
        let Chord { start, end, x, y, square, .. } = &self.chord;
        let pull = |p: &Point| [0.5 * square * (p.x - self.circle.center[0]), 0.5 * square * (p.y - self.circle.center[1])];
        let (from, to) = (pull(start), pull(end));
        [[x + from[0], y + from[1]], [to[0] - x, to[1] - y]]
    }
}

impl Curve for CircleArc {
    const BULGES: bool = true;

    fn start(&self) -> Point {
        self.chord.start
    }

    fn end(&self) -> Point {
        self.chord.end
    }

    fn on_meridian(&self, frame: &Frame, end_side: f64, (sin, cos): (f64, f64)) -> Point {
        let start_side = side(&self.chord.start, (sin, cos));
        let pull = -self.side_of_center((sin, cos));
        let t = self.chord.root(end_side > start_side, start_side, end_side - start_side, pull);
        let p = self.at(t, frame);
        let radius = p.x * cos + p.y * sin;
        Point { x: radius * cos, y: radius * sin, rise: p.rise, radius }
    }

    fn on_parallel(&self, frame: &Frame, rises: bool, rise: f64, (sin, cos): (f64, f64)) -> Point {
        let above = self.chord.start.rise - rise;
        let t = self.chord.root(rises, above, self.chord.rise, sin - self.circle.center[2]);
        let p = self.at(t, frame);
        let factor = if p.radius > 0.0 { cos / p.radius } else { 1.0 };
        Point { x: p.x * factor, y: p.y * factor, rise, radius: cos }
    }

    fn lens(&self, a: &Point, b: &Point) -> f64 {
        let half = (0.25 * chord2(a, b) / self.circle.square).min(1.0).sqrt().asin();
        // Great circles are on its left on the northern half of its sphere, going eastward.
        parallel_lens_area(self.circle.sin, if self.circle.is_eastward { 2.0 * half } else { -2.0 * half })
    }
}

/// Between 0 and 1; what is not a number is 0.
#[inline(always)]
fn within_one(t: f64) -> f64 {
    let t = if t > 0.0 { t } else { 0.0 };
    if t < 1.0 { t } else { 1.0 }
}
