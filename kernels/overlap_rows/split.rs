//! Cutting a piece in two along a parallel or a meridian.

use super::piece::{Edge, OwnParallels, Piece};
use super::{CAPACITY, ON_LINE};
use crate::sphere::{UnitVector, cross, dot, scale, sub};

/// The two parallels of a band.
pub(super) struct Parallels {
    pub(super) sin: [f64; 2],
    pub(super) cos: [f64; 2],
}

/// A line along which a piece is cut.
pub(super) enum Cut {
    /// The parallel of this latitude; `chord2` bounds the squared chord of great-circle edges.
    Parallel { sin: f64, cos: f64, chord2: f64 },
    /// The half great circle from pole to pole at this longitude.
    Meridian { sin: f64, cos: f64 },
}

/// Positive east of the meridian (sin, cos), negative west of it.
#[inline(always)]
pub(super) fn side(p: &UnitVector, (sin, cos): (f64, f64)) -> f64 {
    p[1] * cos - p[0] * sin
}

/// Splits `piece` into what lies south/west (`below`) and north/east (`above`) of `cut`.
///
/// `piece` gets extra corners where an edge turns back before it reaches the line or after it.
pub(super) fn split(
    piece: &mut Piece,
    cut: &Cut,
    own: Option<&OwnParallels>,
    parallels: Option<&Parallels>,
    below: &mut Piece,
    above: &mut Piece,
) {
    below.len = 0;
    above.len = 0;
    let mut sides = [0.0f64; CAPACITY];
    let (mut any_below, mut any_above) = (false, false);
    let mut nearest = f64::INFINITY;
    for k in 0..piece.len {
        let s = match cut {
            Cut::Parallel { sin, .. } => piece.corners[k][2] - sin,
            Cut::Meridian { sin, cos } => side(&piece.corners[k], (*sin, *cos)),
        };
        sides[k] = s;
        any_below |= s < -ON_LINE;
        any_above |= s > ON_LINE;
        nearest = nearest.min(s.abs());
    }
    let may_turn = own.is_some() || matches!(cut, Cut::Parallel { chord2, .. } if nearest < chord2 / 7.0);
    if may_turn && insert_turning_points(piece, cut, own, &mut sides) {
        any_below = sides[..piece.len].iter().any(|&s| s < -ON_LINE);
        any_above = sides[..piece.len].iter().any(|&s| s > ON_LINE);
    }
    if !any_above {
        below.copy_from(piece);
        return;
    }
    if !any_below {
        above.copy_from(piece);
        return;
    }
    let cut_edge = match cut {
        Cut::Parallel { .. } => Edge::Upper,
        Cut::Meridian { .. } => Edge::Meridian,
    };
    for k in 0..piece.len {
        let next = piece.next(k);
        let (p, edge) = (piece.corners[k], piece.edges[k]);
        let (s, s_next) = (sides[k], sides[next]);
        let (is_below, is_above) = (s < -ON_LINE, s > ON_LINE);
        let (next_below, next_above) = (s_next < -ON_LINE, s_next > ON_LINE);
        if !is_above {
            // A corner on the line whose edge leaves to the other side continues along the line.
            below.push(p, if !is_below && next_above { cut_edge } else { edge });
        }
        if !is_below {
            above.push(p, if !is_above && next_below { cut_edge } else { edge });
        }
        if (is_below && next_above) || (is_above && next_below) {
            let x = crossing(piece, k, next, s, s_next, cut, own, parallels);
            below.push(x, if is_below { cut_edge } else { edge });
            above.push(x, if is_above { cut_edge } else { edge });
        }
    }
}

/// Where edge `k` crosses the line; the two ends lie on different sides.
#[inline]
fn crossing(
    piece: &Piece,
    k: usize,
    next: usize,
    s: f64,
    s_next: f64,
    cut: &Cut,
    own: Option<&OwnParallels>,
    parallels: Option<&Parallels>,
) -> UnitVector {
    let (a, b) = (piece.corners[k], piece.corners[next]);
    if let (Edge::Own(which), Some(own)) = (piece.edges[k], own) {
        return own_crossing(a, b, own, own.sin[which as usize], cut);
    }
    let d = sub(b, a);
    match cut {
        Cut::Parallel { sin, cos, .. } => {
            // Newton on a_z + t·d_z − sin·|a + t·d|, from the linear guess; |a + t·d|² = 1 − t(1 − t)·|d|².
            let chord2 = dot(d, d);
            let (mut low, mut high) = (0.0, 1.0);
            let rising = s < 0.0;
            let mut t = s / (s - s_next);
            for _ in 0..60 {
                let length = (1.0 - t * (1.0 - t) * chord2).sqrt();
                let value = a[2] + t * d[2] - sin * length;
                if (value < 0.0) == rising {
                    low = t;
                } else {
                    high = t;
                }
                let slope = d[2] + sin * chord2 * (1.0 - 2.0 * t) / (2.0 * length);
                let step = value / slope;
                let mut better = t - step;
                if !(better >= low && better <= high) {
                    better = 0.5 * (low + high);
                }
                let moved = (better - t).abs();
                t = better;
                // Newton leaves an error below chord2/(2·slope)·moved²; as a length on the sphere, below 1e-16.
                let left = chord2 * moved * moved;
                if left * left * chord2 < 1e-32 * slope * slope {
                    break;
                }
            }
            let (x, y) = (a[0] + t * d[0], a[1] + t * d[1]);
            let factor = cos / (x * x + y * y).sqrt();
            if factor.is_finite() { [x * factor, y * factor, *sin] } else { [0.0, 0.0, *sin] }
        }
        Cut::Meridian { sin, cos } => {
            if let (Edge::Lower | Edge::Upper, Some(parallels)) = (piece.edges[k], parallels) {
                let which = usize::from(piece.edges[k] == Edge::Upper);
                let radius = parallels.cos[which];
                return [radius * cos, radius * sin, parallels.sin[which]];
            }
            let t = s / (s - s_next);
            let p = [a[0] + t * d[0], a[1] + t * d[1], a[2] + t * d[2]];
            // Along the meridian by construction: what is left across it is rounding.
            let along = p[0] * cos + p[1] * sin;
            let factor = 1.0 / (along * along + p[2] * p[2]).sqrt();
            [along * cos * factor, along * sin * factor, p[2] * factor]
        }
    }
}

/// Where the parallel `sin` of the cell's own frame crosses the line between `a` and `b`.
fn own_crossing(a: UnitVector, b: UnitVector, own: &OwnParallels, sin: f64, cut: &Cut) -> UnitVector {
    let (normal, height) = match cut {
        Cut::Parallel { sin, .. } => ([0.0, 0.0, 1.0], *sin),
        Cut::Meridian { sin, cos } => ([-sin, *cos, 0.0], 0.0),
    };
    // Both planes: p = α·axis + β·normal ± γ·(axis × normal).
    let cosine = dot(own.axis, normal);
    let across = cross(own.axis, normal);
    let sine2 = dot(across, across);
    let alpha = (sin - height * cosine) / sine2;
    let beta = (height - sin * cosine) / sine2;
    let gamma2 = (1.0 - alpha * alpha - beta * beta - 2.0 * alpha * beta * cosine) / sine2;
    let gamma = gamma2.max(0.0).sqrt();
    let middle = [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    let base =
        [alpha * own.axis[0] + beta * normal[0], alpha * own.axis[1] + beta * normal[1], alpha * own.axis[2] + beta * normal[2]];
    let sign = if dot(across, middle) >= dot(scale(across, 2.0), base) { gamma } else { -gamma };
    let candidate = |g: f64| [base[0] + g * across[0], base[1] + g * across[1], base[2] + g * across[2]];
    let nearer = |p: UnitVector| {
        let d = sub(scale(middle, 0.5), p);
        dot(d, d)
    };
    let (first, second) = (candidate(sign), candidate(-sign));
    let p = if nearer(first) <= nearer(second) { first } else { second };
    scale(p, 1.0 / dot(p, p).sqrt())
}

/// Adds corners where an edge comes nearest to the line from either side; true if any was added.
fn insert_turning_points(piece: &mut Piece, cut: &Cut, own: Option<&OwnParallels>, sides: &mut [f64; CAPACITY]) -> bool {
    let mut inserted = false;
    let mut k = 0;
    while k < piece.len && piece.len < CAPACITY {
        let next = piece.next(k);
        let (a, b) = (piece.corners[k], piece.corners[next]);
        let (s, s_next) = (sides[k], sides[next]);
        let turning = match piece.edges[k] {
            Edge::Own(which) => own.and_then(|own| own_turning_point(a, b, own, own.sin[which as usize], cut, s, s_next)),
            Edge::GreatCircle => match cut {
                Cut::Parallel { sin, .. } => great_circle_turning_point(a, b, *sin, s, s_next),
                Cut::Meridian { .. } => None,
            },
            _ => None,
        };
        if let Some((p, s)) = turning {
            sides.copy_within(k + 1..piece.len, k + 2);
            sides[k + 1] = s;
            piece.insert_after(k, p);
            inserted = true;
            k += 1;
        }
        k += 1;
    }
    inserted
}

/// The northernmost or southernmost point of a great-circle edge, if it lies within the edge and beyond the parallel.
fn great_circle_turning_point(a: UnitVector, b: UnitVector, sin: f64, s: f64, s_next: f64) -> Option<(UnitVector, f64)> {
    let d = sub(b, a);
    let p = great_circle_top(a, b, dot(d, d))?;
    let northward = p[2] > 0.0 && s <= ON_LINE && s_next <= ON_LINE;
    let southward = p[2] < 0.0 && s >= -ON_LINE && s_next >= -ON_LINE;
    let side = p[2] - sin;
    let beyond = northward && side > ON_LINE || southward && side < -ON_LINE;
    beyond.then_some((p, side))
}

/// The northernmost or southernmost point of a great-circle edge of squared chord `chord2`, if it lies within it.
#[inline(always)]
fn great_circle_top(a: UnitVector, b: UnitVector, chord2: f64) -> Option<UnitVector> {
    let t = arc_top(a[2], b[2], b[2] - a[2], chord2)?;
    let p: UnitVector = std::array::from_fn(|k| a[k] + t * (b[k] - a[k]));
    Some(scale(p, 1.0 / dot(p, p).sqrt()))
}

/// The part of the chord between points of the sines `a` and `b`, `rise` = b − a, over which its arc is northernmost or
/// southernmost, if that is between them.
#[inline(always)]
pub(super) fn arc_top(a: f64, b: f64, rise: f64, chord2: f64) -> Option<f64> {
    let (start, end) = (rise + 0.5 * chord2 * a, rise - 0.5 * chord2 * b);
    // The slopes at both ends, but for positive factors.
    if start * end >= 0.0 {
        return None;
    }
    let t = start / (chord2 * (a + 0.5 * rise));
    (t > 0.0 && t < 1.0).then_some(t)
}

/// The same for an arc of the cell's own parallel.
fn own_turning_point(
    a: UnitVector,
    b: UnitVector,
    own: &OwnParallels,
    sin: f64,
    cut: &Cut,
    s: f64,
    s_next: f64,
) -> Option<(UnitVector, f64)> {
    let normal = match cut {
        Cut::Parallel { .. } => [0.0, 0.0, 1.0],
        Cut::Meridian { sin, cos } => [-sin, *cos, 0.0],
    };
    let cosine = dot(own.axis, normal);
    let along = sub(normal, scale(own.axis, cosine));
    let length2 = dot(along, along);
    if length2 < 1e-30 {
        return None;
    }
    let radius = ((1.0 - sin) * (1.0 + sin)).max(0.0).sqrt() / length2.sqrt();
    let turn = dot(own.axis, cross(a, b));
    for direction in [1.0, -1.0] {
        let towards = direction > 0.0;
        // Only an extreme on the far side of the line matters, from ends that are both on the near side.
        let ends_near = if towards { s <= ON_LINE && s_next <= ON_LINE } else { s >= -ON_LINE && s_next >= -ON_LINE };
        if !ends_near {
            continue;
        }
        let p: UnitVector = std::array::from_fn(|i| sin * own.axis[i] + direction * radius * along[i]);
        let within = dot(own.axis, cross(a, p)) * turn > 0.0 && dot(own.axis, cross(p, b)) * turn > 0.0;
        let side = match cut {
            Cut::Parallel { sin, .. } => p[2] - sin,
            Cut::Meridian { sin, cos } => side(&p, (*sin, *cos)),
        };
        if within && (if towards { side > ON_LINE } else { side < -ON_LINE }) {
            return Some((p, side));
        }
    }
    None
}

/// Puts the pole into cut edges that run from one half of a great circle through the poles to the other.
pub(super) fn insert_poles(piece: &mut Piece, sin: f64, cos: f64) {
    let mut k = 0;
    while k < piece.len && piece.len < CAPACITY {
        let next = piece.next(k);
        let (a, b) = (piece.corners[k], piece.corners[next]);
        let (along_a, along_b) = (a[0] * cos + a[1] * sin, b[0] * cos + b[1] * sin);
        if piece.edges[k] == Edge::Meridian && along_a * along_b < 0.0 {
            piece.insert_after(k, [0.0, 0.0, if a[2] + b[2] >= 0.0 { 1.0 } else { -1.0 }]);
            k += 1;
        }
        k += 1;
    }
}
