//! Directions with more digits than a double has: numbers in two parts, of which the first has 26 bits.
//!
//! Products of first parts are exact, and so are sums of a few of them, up to 1 on the way: what is lost is 1e-24.

use crate::double_double::DoubleDouble;
use crate::sphere::{Rotation, UnitVector};

/// A number up to 1 as a multiple of 2⁻²⁶, and the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Split {
    pub(super) coarse: f64,
    pub(super) rest: f64,
}

impl Split {
    #[inline(always)]
    pub(super) fn of(v: f64) -> Self {
        let coarse = coarse(v);
        Self { coarse, rest: v - coarse }
    }

    /// An exact number and a small one.
    #[inline(always)]
    pub(super) fn of_sum(v: f64, more: f64) -> Self {
        let coarse = coarse(v);
        Self { coarse, rest: (v - coarse) + more }
    }

    #[inline(always)]
    pub(super) fn rounded(self) -> f64 {
        self.coarse + self.rest
    }

    /// A product but for that of the first parts, which is exact.
    #[inline(always)]
    pub(super) fn beyond_coarse(self, other: Self) -> f64 {
        self.coarse * other.rest + self.rest * other.coarse + self.rest * other.rest
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self::of_sum(self.coarse * other.coarse, self.beyond_coarse(other))
    }
}

impl From<DoubleDouble> for Split {
    fn from(v: DoubleDouble) -> Self {
        Self::of_sum(v.high, v.low)
    }
}

/// The nearest multiple of 2⁻²⁶.
#[inline(always)]
pub(super) fn coarse(v: f64) -> f64 {
    // One unit of the last place of this number.
    const SHIFT: f64 = 1.5 * (1u64 << 26) as f64;
    (v + SHIFT) - SHIFT
}

/// Sine and cosine of an angle, to 80 bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direction {
    pub(super) sin: Split,
    pub(super) cos: Split,
}

impl Direction {
    /// Of an angle in degrees.
    pub fn of_deg(deg: f64) -> Self {
        Self::of(DoubleDouble::from(deg))
    }

    /// Of a part of a turn.
    pub fn of_turn(numerator: i32, denominator: i32) -> Self {
        let whole = DoubleDouble::from(360.0 * f64::from(numerator));
        Self::of(whole / DoubleDouble::from(f64::from(denominator)))
    }

    pub(super) fn of(deg: DoubleDouble) -> Self {
        let (sin, cos) = deg.sin_cos_deg();
        Self { sin: sin.into(), cos: cos.into() }
    }

    /// Sine and cosine.
    pub fn rounded(&self) -> (f64, f64) {
        (self.sin.rounded(), self.cos.rounded())
    }
}

/// A direction from the centre of the sphere.
#[derive(Clone, Copy, Debug)]
pub struct Place(pub(super) [Split; 3]);

impl Place {
    /// Of a longitude and a latitude.
    pub fn new(lon: &Direction, lat: &Direction) -> Self {
        Self([lat.cos.times(lon.cos), lat.cos.times(lon.sin), lat.sin])
    }

    /// Components as doubles.
    #[inline(always)]
    pub fn rounded(&self) -> UnitVector {
        self.0.map(Split::rounded)
    }

    /// 1/|p| − 1.
    #[inline(always)]
    pub(super) fn shrinking(&self) -> f64 {
        let [x, y, z] = self.0;
        let coarse = (x.coarse * x.coarse + y.coarse * y.coarse + z.coarse * z.coarse) - 1.0;
        let mixed = x.coarse * x.rest + y.coarse * y.rest + z.coarse * z.rest;
        let excess = coarse + (2.0 * mixed + (x.rest * x.rest + y.rest * y.rest + z.rest * z.rest));
        excess * (-0.5 + 0.375 * excess)
    }
}

impl From<UnitVector> for Place {
    #[inline(always)]
    fn from(p: UnitVector) -> Self {
        Self(p.map(Split::of))
    }
}

/// A rotation of the sphere that keeps the digits of places.
#[derive(Clone, Copy, Debug)]
pub struct Turn([[Split; 3]; 3]);

impl Turn {
    /// Geographic places in the frame of a rotation.
    pub fn into_frame(rotation: &Rotation) -> Self {
        Self(axes(rotation).map(|axis| axis.map(Split::from)))
    }

    /// Places in the frame of the first rotation in that of the second.
    pub fn between(first: &Rotation, second: &Rotation) -> Self {
        let (first, second) = (axes(first), axes(second));
        Self(second.map(|axis| first.map(|other| Split::from(dot(axis, other)))))
    }

    /// A place after it.
    #[inline(always)]
    pub fn apply(&self, p: &Place) -> Place {
        Place(self.0.map(|row| product(row, p.0)))
    }
}

/// The axes of a frame, at right angles to 30 digits: its third, then its first.
fn axes(rotation: &Rotation) -> [[DoubleDouble; 3]; 3] {
    let [x, _, z] = rotation.0.map(|axis| axis.map(DoubleDouble::from));
    let scaled = |v: [DoubleDouble; 3], by: DoubleDouble| v.map(|v| v * by);
    let unit = |v: [DoubleDouble; 3]| scaled(v, DoubleDouble::from(1.0) / dot(v, v).sqrt());
    let z = unit(z);
    let along = scaled(z, dot(x, z));
    let x = unit([x[0] - along[0], x[1] - along[1], x[2] - along[2]]);
    let y = [z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]];
    [x, y, z]
}

fn dot(a: [DoubleDouble; 3], b: [DoubleDouble; 3]) -> DoubleDouble {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// A scalar product of vectors of length 1.
#[inline(always)]
fn product(a: [Split; 3], b: [Split; 3]) -> Split {
    let coarse = (a[0].coarse * b[0].coarse + a[1].coarse * b[1].coarse) + a[2].coarse * b[2].coarse;
    Split::of_sum(coarse, (a[0].beyond_coarse(b[0]) + a[1].beyond_coarse(b[1])) + a[2].beyond_coarse(b[2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(v: Split) -> DoubleDouble {
        DoubleDouble::of_sum(v.coarse, v.rest)
    }

    #[test]
    fn turned_places_have_24_digits() {
        let rotations = [(-162.0, 39.25, 0.0), (20.0, 60.0, 33.0)];
        let [a, b] = rotations.map(|(lon, lat, north)| Rotation::from_rotated_pole(lon, lat, north));
        for (lon, lat) in [(0.1, 0.2), (77.7, -12.3), (-130.0, 89.0)] {
            let place = Place::new(&Direction::of_deg(lon), &Direction::of_deg(lat));
            let ((sin_lon, cos_lon), (sin_lat, cos_lat)) =
                (DoubleDouble::from(lon).sin_cos_deg(), DoubleDouble::from(lat).sin_cos_deg());
            let exact = [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat];
            let times = |matrix: [[DoubleDouble; 3]; 3], v: [DoubleDouble; 3]| matrix.map(|row| dot(row, v));
            let (first, second) = (axes(&a), axes(&b));
            let inverse: [[DoubleDouble; 3]; 3] = std::array::from_fn(|i| std::array::from_fn(|k| first[k][i]));
            for (axis, given) in first.iter().zip(a.0) {
                assert!((dot(*axis, *axis) - DoubleDouble::from(1.0)).high.abs() < 1e-30);
                assert!((0..3).all(|k| (axis[k].high - given[k]).abs() < 4e-16));
            }
            for (turned, exact) in [
                (place, exact),
                (Turn::into_frame(&a).apply(&place), times(first, exact)),
                (Turn::between(&a, &b).apply(&place), times(second, times(inverse, exact))),
            ] {
                for (found, exact) in turned.0.into_iter().zip(exact) {
                    let off = (number(found) - exact).high;
                    assert!(off.abs() < 3e-23, "{off:e}");
                }
            }
        }
    }
}
