//! The faces of a cube around the sphere, seen from its center, and their strips.

use knarr_kernels::sphere::UnitVector;

/// Places along strips are kept in single precision, and bounds of windows are rounded: more than both amount to.
pub(super) const ROUNDING: f64 = 3e-7;

/// The strips of a face.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Face {
    pub first: usize,
    pub count: usize,
    /// Where the first one begins, their width, and how many there are in a unit.
    pub low: f64,
    pub width: f64,
    pub per_unit: f64,
}

/// A point as a face sees it.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// Along the way out of the face.
    pub out: f64,
    pub x: f64,
    pub y: f64,
}

impl Seen {
    /// Where points on a face have no greater `x` and `y` than 1.
    #[inline(always)]
    pub fn from(face: usize, [x, y, z]: UnitVector) -> Self {
        let (out, u, v) = match face {
            0 => (x, y, z),
            1 => (-x, y, z),
            2 => (y, z, x),
            3 => (-y, z, x),
            4 => (z, x, y),
            _ => (-z, x, y),
        };
        Self { out, x: u / out, y: v / out }
    }

    /// The point of a face that it sees at a place.
    pub fn point(face: usize, x: f64, y: f64) -> UnitVector {
        let out = 1.0 / (1.0 + x * x + y * y).sqrt();
        let [ahead, u, v] = axes(face);
        [0, 1, 2].map(|c| out * (ahead[c] + x * u[c] + y * v[c]))
    }

    /// How far a chord reaches in x and y; no end if it reaches out of sight.
    ///
    /// With δ = q − p, |δ| ≤ d: |x_q − x_p| = |δ_u − x_p·δ_out| / out_q ≤ d·√(1 + x_p²) / (out_p − d).
    #[inline(always)]
    pub fn reach(&self, bound: f64) -> [f64; 2] {
        let chord = bound.sqrt();
        let rest = self.out - chord;
        if rest <= 0.0 {
            return [f64::INFINITY; 2];
        }
        let factor = chord / rest * (1.0 + ROUNDING);
        [self.x, self.y].map(|x| factor * (1.0 + x * x).sqrt() + ROUNDING)
    }
}

/// The way out of a face, and its directions of x and y.
pub(super) fn axes(face: usize) -> [UnitVector; 3] {
    let axis = face / 2;
    let mut axes = [[0.0; 3]; 3];
    axes[0][axis] = if face.is_multiple_of(2) { 1.0 } else { -1.0 };
    axes[1][(axis + 1) % 3] = 1.0;
    axes[2][(axis + 2) % 3] = 1.0;
    axes
}

/// The face that a point lies on.
#[inline(always)]
pub(super) fn face_of(p: UnitVector) -> usize {
    let size = p.map(f64::abs);
    let axis = if size[0] >= size[1] && size[0] >= size[2] {
        0
    } else if size[1] >= size[2] {
        1
    } else {
        2
    };
    2 * axis + usize::from(p[axis] < 0.0)
}

/// Points that are seen together.
pub(super) const TOGETHER: usize = 32;

/// Some points as the faces see them that they lie on.
pub(super) struct Sights {
    faces: [u64; TOGETHER],
    out: [f64; TOGETHER],
    x: [f64; TOGETHER],
    y: [f64; TOGETHER],
}

impl Sights {
    pub const NONE: Self = Self { faces: [0; TOGETHER], out: [0.0; TOGETHER], x: [0.0; TOGETHER], y: [0.0; TOGETHER] };

    /// Looks at some points, [`TOGETHER`] at most and several at a time.
    pub fn take(&mut self, points: &[UnitVector]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
            // SAFETY: the processor has AVX2, as just asked.
            return unsafe { self.take_avx2(points) };
        }
        self.take_here(points);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn take_avx2(&mut self, points: &[UnitVector]) {
        self.take_here(points);
    }

    /// Without a branch, so that it becomes vectors.
    #[inline(always)]
    fn take_here(&mut self, points: &[UnitVector]) {
        let places = self.faces.iter_mut().zip(&mut self.out).zip(self.x.iter_mut().zip(&mut self.y));
        for (&[x, y, z], ((face, out), (seen_x, seen_y))) in points.iter().zip(places) {
            let first = (x.abs() >= y.abs()) & (x.abs() >= z.abs());
            let second = !first & (y.abs() >= z.abs());
            let pick = |a: f64, b: f64, c: f64| {
                if first {
                    a
                } else if second {
                    b
                } else {
                    c
                }
            };
            let ahead = pick(x, y, z);
            let axis = if first {
                0
            } else if second {
                2
            } else {
                4
            };
            *face = axis + u64::from(ahead < 0.0);
            *out = ahead.abs();
            (*seen_x, *seen_y) = (pick(y, z, x) / *out, pick(z, x, y) / *out);
        }
    }

    /// The face of a point, which [`face_of`] tells as well, and how that sees it.
    #[inline(always)]
    pub fn get(&self, k: usize) -> (usize, Seen) {
        (self.faces[k] as usize, Seen { out: self.out[k], x: self.x[k], y: self.y[k] })
    }
}

/// Where the points of a face lie.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub count: usize,
    pub low: [f64; 2],
    pub high: [f64; 2],
}

impl Extent {
    pub const NONE: Self = Self { count: 0, low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2] };

    pub fn meet(&mut self, at: Seen) {
        self.count += 1;
        for (axis, x) in [at.x, at.y].into_iter().enumerate() {
            self.low[axis] = self.low[axis].min(x);
            self.high[axis] = self.high[axis].max(x);
        }
    }

    /// The extent of both.
    pub fn and(&self, other: &Self) -> Self {
        Self {
            count: self.count + other.count,
            low: [0, 1].map(|axis| self.low[axis].min(other.low[axis])),
            high: [0, 1].map(|axis| self.high[axis].max(other.high[axis])),
        }
    }

    /// That of `times` as many points, of which this is of some here and there.
    pub fn of_all(&self, times: usize) -> Self {
        let area = (self.high[0] - self.low[0]) * (self.high[1] - self.low[1]);
        let apart = 1.5 * (area / self.count as f64).sqrt();
        Self {
            count: times * self.count,
            low: self.low.map(|low| (low - apart).max(-1.0)),
            high: self.high.map(|high| (high + apart).min(1.0)),
        }
    }

    /// Strips as wide as points are apart, numbered from `first`.
    pub fn strips(&self, first: usize) -> Face {
        if self.count == 0 {
            return Face { first, ..Face::default() };
        }
        let [x, y] = [0, 1].map(|axis| (self.high[axis] - self.low[axis]).max(f64::MIN_POSITIVE.sqrt()));
        let count = ((self.count as f64 * y / x).sqrt() as usize).clamp(1, self.count);
        Face { first, count, low: self.low[1], width: y / count as f64, per_unit: count as f64 / y }
    }
}

impl Face {
    /// The strip of a place, the nearest for one beyond them.
    #[inline(always)]
    pub fn strip(&self, y: f64) -> usize {
        (((y - self.low) * self.per_unit) as usize).min(self.count.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_where_they_are_seen() {
        for face in 0..6 {
            for (x, y) in [(0.0, 0.0), (0.25, -0.75), (-0.5, 0.125)] {
                let p = Seen::point(face, x, y);
                let at = Seen::from(face, p);
                assert_eq!(face_of(p), face);
                assert!((at.x - x).abs() < 1e-15 && (at.y - y).abs() < 1e-15 && at.out > 0.5, "{face} {x} {y}");
            }
        }
    }

    #[test]
    fn points_seen_together_are_seen_as_one_by_one() {
        let signs = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
        let mut points: Vec<UnitVector> =
            (0..6).flat_map(|face| signs.map(|[x, y]| Seen::point(face, 0.5 * x, 0.75 * y))).collect();
        points.extend([[0.0, -1.0, 0.0], [-0.6, 0.0, 0.6], [0.5, -0.5, 0.5], [-0.0, 0.0, -1.0]]);
        let mut sights = Sights::NONE;
        for some in points.chunks(TOGETHER - 1) {
            sights.take(some);
            for (k, &p) in some.iter().enumerate() {
                let (face, at) = sights.get(k);
                let expected = Seen::from(face_of(p), p);
                assert_eq!((face, at.out, at.x, at.y), (face_of(p), expected.out, expected.x, expected.y), "{p:?}");
            }
        }
    }
}
