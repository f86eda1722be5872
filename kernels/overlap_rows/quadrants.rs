//! Cells around poles, and wide ones, in quadrants by the planes through the axis and across the frame's meridian.
//!
//! No quadrant has a pole inside or is wider than 90° of longitude. Corners at a pole, which have no longitude, are two: so
//! near to it that no digit is lost, in the directions of their edges.

use super::arc::{Arc, Circle, CircleArc, Curve, side};
use super::frame::{Frame, InTwo, Point};
use super::sweep::{Corner, Edge};
use super::walk::Middle;
use std::f64::consts::FRAC_1_SQRT_2;

/// Distance of a corner from the pole where it stands for it.
pub(super) const AT_POLE: f64 = 1e-20;
/// Distance from the pole at which an edge goes through it, but for rounding.
const THROUGH_POLE: f64 = 1e-15;

/// The quadrants of a cell that have something of it, with their middles.
pub(super) fn of(corners: &[Corner], circles: &[Circle], frame: &Frame) -> Vec<(Middle, Vec<Corner>)> {
    let corners = apart_from_poles(&with_poles_on_edges(corners, circles, frame), circles);
    // Along the frame's meridian and the opposite one, then across.
    let halves = halves(&corners, (0.0, 1.0), circles, frame);
    let mut quadrants = Vec::with_capacity(4);
    for (half, y) in halves.into_iter().zip([-1.0, 1.0]) {
        let half = insert_poles(&half, y, frame);
        for (quadrant, x) in self::halves(&half, (1.0, 0.0), circles, frame).into_iter().zip([1.0, -1.0]) {
            if quadrant.len() > 2 {
                quadrants.push((Middle(y * FRAC_1_SQRT_2, x * FRAC_1_SQRT_2), quadrant));
            }
        }
    }
    quadrants
}

/// Corners at poles that parallels go through.
fn with_poles_on_edges(corners: &[Corner], circles: &[Circle], frame: &Frame) -> Vec<Corner> {
    let mut all = Vec::with_capacity(corners.len() + 1);
    for (k, &corner) in corners.iter().enumerate() {
        all.push(corner);
        if let Edge::Circle(which) = corner.edge {
            let arc = CircleArc::new(corner.point, corners[(k + 1) % corners.len()].point, circles[usize::from(which)]);
            let pole = arc.top(frame).filter(|top| top.radius < THROUGH_POLE);
            all.extend(pole.map(|top| Corner { point: Point { x: 0.0, y: 0.0, radius: 0.0, ..top }, edge: corner.edge }));
        }
    }
    all
}

/// Corners at poles in two.
fn apart_from_poles(corners: &[Corner], circles: &[Circle]) -> Vec<Corner> {
    let is_pole = |p: &Point| p.x == 0.0 && p.y == 0.0;
    let equal = |a: &Point, b: &Point| is_pole(a) && is_pole(b) && (a.rise < 0.0) == (b.rise < 0.0);
    let mut apart: Vec<Corner> = Vec::with_capacity(corners.len() + 2);
    // Corners that lie together at a pole are one.
    let n = corners.len();
    let distinct: Vec<Corner> =
        (0..n).filter(|&k| !equal(&corners[k].point, &corners[(k + 1) % n].point)).map(|k| corners[k]).collect();
    let n = distinct.len();
    for (k, corner) in distinct.iter().enumerate() {
        if !is_pole(&corner.point) {
            apart.push(*corner);
            continue;
        }
        let ways = |a: &Corner, b: &Corner| match a.edge {
            Edge::GreatCircle => [[b.point.x - a.point.x, b.point.y - a.point.y], [a.point.x - b.point.x, a.point.y - b.point.y]],
            Edge::Circle(which) => CircleArc::new(a.point, b.point, circles[usize::from(which)]).ways(),
        };
        let (before, after) = (&distinct[(k + n - 1) % n], &distinct[(k + 1) % n]);
        let beside = |[x, y]: [f64; 2], edge: Edge| {
            let length = (x * x + y * y).sqrt();
            let (x, y) = if length > 0.0 { (AT_POLE * x / length, AT_POLE * y / length) } else { (AT_POLE, 0.0) };
            Corner { point: Point { x, y, radius: AT_POLE, ..corner.point }, edge }
        };
        apart.push(beside(ways(before, corner)[1], Edge::GreatCircle));
        apart.push(beside(ways(corner, after)[0], corner.edge));
    }
    apart
}

/// What lies west and east of a meridian and the opposite one.
fn halves(corners: &[Corner], meridian: (f64, f64), circles: &[Circle], frame: &Frame) -> [Vec<Corner>; 2] {
    let mut halves = [Vec::with_capacity(corners.len() + 2), Vec::with_capacity(corners.len() + 2)];
    let mut step = |arc: &dyn Arcs, edge: Edge| {
        let (a, b) = arc.ends();
        let (from, to) = (side(&a, meridian), side(&b, meridian));
        let crosses = (from < 0.0 && to > 0.0) || (from > 0.0 && to < 0.0);
        let crossing = crosses.then(|| on_plane(arc.cut(frame, to, meridian), meridian));
        for (half, sign) in halves.iter_mut().zip([-1.0, 1.0]) {
            let (from, to) = (sign * from, sign * to);
            if from > 0.0 || from == 0.0 && to > 0.0 {
                half.push(Corner { point: a, edge });
            } else if from == 0.0 {
                half.push(Corner { point: a, edge: Edge::GreatCircle });
            }
            if let Some(point) = crossing {
                half.push(Corner { point, edge: if from > 0.0 { Edge::GreatCircle } else { edge } });
            }
        }
    };
    for (k, corner) in corners.iter().enumerate() {
        let (a, b) = (corner.point, corners[(k + 1) % corners.len()].point);
        match corner.edge {
            Edge::GreatCircle => step(&Arc::new(a, b), corner.edge),
            Edge::Circle(which) => {
                let arc = CircleArc::new(a, b, circles[usize::from(which)]);
                arc.parts_beside(meridian, frame).iter().for_each(|part| step(part, corner.edge));
            }
        }
    }
    halves
}

/// An arc of either kind.
trait Arcs {
    fn ends(&self) -> (Point, Point);
    fn cut(&self, frame: &Frame, end_side: f64, meridian: (f64, f64)) -> Point;
}

impl<C: Curve> Arcs for C {
    fn ends(&self) -> (Point, Point) {
        (self.start(), self.end())
    }

    fn cut(&self, frame: &Frame, end_side: f64, meridian: (f64, f64)) -> Point {
        self.on_meridian(frame, end_side, meridian)
    }
}

/// On a plane with nothing left across it, and not at a pole.
fn on_plane(p: Point, (sin, cos): (f64, f64)) -> Point {
    let along = p.x * cos + p.y * sin;
    let along = if along == 0.0 { AT_POLE } else { along };
    Point { x: along * cos, y: along * sin, rise: p.rise, radius: along.abs() }
}

/// Goes around the pole where the edge of a half runs from one meridian to the opposite one; `y` is the sign of the half.
fn insert_poles(half: &[Corner], y: f64, frame: &Frame) -> Vec<Corner> {
    let mut corners = Vec::with_capacity(half.len() + 3);
    for (k, &corner) in half.iter().enumerate() {
        corners.push(corner);
        let (a, b) = (corner.point, half[(k + 1) % half.len()].point);
        if a.y == 0.0 && b.y == 0.0 && a.x * b.x < 0.0 {
            let is_north = 2.0 * frame.sin() + a.rise + b.rise >= 0.0;
            let rise = frame.rise(InTwo::from(if is_north { 1.0 } else { -1.0 }));
            let at = |x: f64, y: f64| Corner { point: Point { x, y, rise, radius: AT_POLE }, edge: Edge::GreatCircle };
            let x = AT_POLE * a.x.signum();
            corners.extend([at(x, 0.0), at(0.0, y * AT_POLE), at(-x, 0.0)]);
        }
    }
    corners
}
