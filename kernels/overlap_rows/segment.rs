//! Parts of edges in single cells, integrated in closed form.

use super::frame::Point;

/// Part of an edge in one cell; rows by their upper limit.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    pub(super) column: i64,
    pub(super) row: usize,
    /// tan(Δλ/2).
    half_tangent: f64,
    /// tan of the half of what it cuts off the equator, over `half_tangent`: s, and how far that is above the sine of the
    /// frame's origin.
    slope: f64,
    height: f64,
    /// 1 − s².
    rest: f64,
}

/// What the segments of a cell add up to.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) area: f64,
    pub(super) width: f64,
}

impl Segment {
    /// With z̄ the mean of the ends' sines, the integral ∫ z dλ is 2 atan(s·tan(Δλ/2)), s = z̄/(1 − δ) and
    /// δ = sin²((φ_b − φ_a)/2): the area between a great circle and the equator. 1 − s² = cos φ_a cos φ_b/(1 − δ).
    #[inline(always)]
    pub(super) fn new(column: i64, row: usize, a: &Point, b: &Point, origin_sin: f64) -> Self {
        // From the point nearer to the pole: the difference has its digits beside that.
        let nearer = if b.radius < a.radius { b } else { a };
        let across = nearer.x * (b.y - a.y) - nearer.y * (b.x - a.x);
        let along = a.x * b.x + a.y * b.y;
        let (dz, dr) = (b.rise - a.rise, b.radius - a.radius);
        let delta = 0.25 * (dz * dz + dr * dr);
        let mean = 0.5 * (a.rise + b.rise);
        let radii = a.radius * b.radius;
        // 1/(1 − δ) − 1; the series leaves δ⁴.
        let more = if delta < 1e-4 { delta * (1.0 + delta * (1.0 + delta)) } else { delta / (1.0 - delta) };
        let height = mean + (origin_sin + mean) * more;
        let half_tangent = across / (radii + along);
        Self { column, row, half_tangent, slope: origin_sin + height, height, rest: radii + radii * more }
    }

    /// ∫ (z − r) dλ and ∫ dλ; `reference` is how far r is above the sine of the frame's origin.
    ///
    /// The first is (s − r) Δλ + 2 (atan(s t) − s atan(t)), t = tan(Δλ/2): what is below the parallel s and what the arc adds.
    #[inline(always)]
    pub(super) fn integrals(&self, reference: f64) -> Sum {
        let (t, s, above) = (self.half_tangent, self.slope, self.height - reference);
        let (t2, s2) = (t * t, s * s);
        let (half_width, lens) = if t2 < 6e-4 {
            // What follows is below 1e-17 of the first term.
            let s4 = s2 * s2;
            let lens = 1.0 / 3.0
                - t2 * ((1.0 + s2) * 0.2 - t2 * ((1.0 + s2 + s4) * (1.0 / 7.0) - t2 * ((1.0 + s2 + s4 + s4 * s2) * (1.0 / 9.0))));
            (1.0 + t2 * (-1.0 / 3.0 + t2 * (0.2 + t2 * (-1.0 / 7.0 + t2 * (1.0 / 9.0)))), lens)
        } else {
            long_series(t2, s2)
        };
        let half_width = t * half_width;
        Sum { area: 2.0 * (above * half_width + s * self.rest * t * t2 * lens), width: 2.0 * half_width }
    }
}

/// atan(t)/t, and (s·atan(t) − atan(s·t)) / (s (s² − 1) t³), for t² < 0.18: columns are at most 45° wide.
#[cold]
fn long_series(t2: f64, s2: f64) -> (f64, f64) {
    let (mut angle, mut lens, mut power, mut powers) = (1.0, 0.0, 1.0, 1.0);
    for k in 0..24 {
        let next = power * t2;
        let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
        let part = 1.0 / f64::from(2 * k + 3);
        lens += sign * power * powers * part;
        angle -= sign * next * part;
        if next < 1e-18 {
            break;
        }
        (power, powers) = (next, 1.0 + s2 * powers);
    }
    (angle, lens)
}

/// Longitude from `a` to `b`, both at the same latitude and less than 90° apart.
#[inline(always)]
pub(super) fn width_between(a: (f64, f64), b: (f64, f64), radius: f64) -> f64 {
    let across = a.0 * (b.1 - a.1) - a.1 * (b.0 - a.0);
    let t = across / (radius * radius + a.0 * b.0 + a.1 * b.1);
    let t2 = t * t;
    let of_tangent =
        if t2 < 6e-4 { 1.0 + t2 * (-1.0 / 3.0 + t2 * (0.2 + t2 * (-1.0 / 7.0 + t2 * (1.0 / 9.0)))) } else { t.atan() / t };
    2.0 * t * of_tangent
}
