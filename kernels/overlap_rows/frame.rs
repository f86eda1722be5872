//! Coordinates about a corner of a polygon.
//!
//! Sines of latitudes that lie close together, and directions that do, differ in their last digits alone. So these
//! differences are taken first, from more digits than a double has: of the two parts of a number the first has 26 bits,
//! and products of first parts are exact. What comes out is right to some 1e-16 of itself, whatever the size of cells.

use crate::double_double::DoubleDouble;
use crate::sphere::UnitVector;

/// A number and what rounding took from it.
pub(super) type InTwo = DoubleDouble;

/// A number up to 1 as a multiple of 2⁻²⁶, and the rest.
#[derive(Clone, Copy, Debug)]
struct Split {
    coarse: f64,
    rest: f64,
}

impl Split {
    #[inline(always)]
    fn of(v: f64) -> Self {
        let coarse = coarse(v);
        Self { coarse, rest: v - coarse }
    }
}

/// The nearest multiple of 2⁻²⁶.
#[inline(always)]
fn coarse(v: f64) -> f64 {
    // One unit of the last place of this number.
    const SHIFT: f64 = 1.5 * (1u64 << 26) as f64;
    (v + SHIFT) - SHIFT
}

/// Sine and cosine of a longitude, to 80 bits.
#[derive(Clone, Copy, Debug)]
pub struct Direction {
    sin: Split,
    cos: Split,
}

impl Direction {
    pub(super) fn of_deg(lon_deg: impl Into<DoubleDouble>) -> Self {
        let (sin, cos) = lon_deg.into().sin_cos_deg();
        let split = |v: DoubleDouble| {
            let coarse = coarse(v.high);
            Split { coarse, rest: (v.high - coarse) + v.low }
        };
        Self { sin: split(sin), cos: split(cos) }
    }

    pub(super) fn rounded(&self) -> (f64, f64) {
        (self.sin.coarse + self.sin.rest, self.cos.coarse + self.cos.rest)
    }
}

/// A point in a frame: x outward at the frame's meridian, y eastward, both from the axis, their distance from it, and how
/// far the sine of its latitude is above that of the frame's origin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) rise: f64,
    pub(super) radius: f64,
}

/// A meridian near a place, and the sine of a latitude there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Direction of the meridian, of 26 bits and of any length.
    sin: f64,
    cos: f64,
    /// One over its length.
    factor: f64,
    /// Sine of latitude.
    origin: InTwo,
}

impl Frame {
    /// At a point; at a pole the meridian is that of 0°.
    #[inline(always)]
    pub(super) fn at(p: UnitVector) -> Self {
        let square = p[0] * p[0] + p[1] * p[1];
        let scale = if square > 1e-4 { 1.0 } else { 1.0 / square.sqrt() };
        let (cos, sin) = if square > 0.0 { (coarse(p[0] * scale), coarse(p[1] * scale)) } else { (1.0, 0.0) };
        let factor = 1.0 / (cos * cos + sin * sin).sqrt();
        Self { sin, cos, factor, origin: InTwo { high: p[2], low: p[2] * shrinking(p.map(Split::of)) } }
    }

    /// Sine of the origin's latitude.
    #[inline(always)]
    pub(super) fn sin(&self) -> f64 {
        self.origin.high
    }

    /// A direction from the centre of the sphere.
    #[inline(always)]
    pub(super) fn point(&self, p: UnitVector) -> Point {
        let split = p.map(Split::of);
        let shrinking = shrinking(split);
        let rise = (p[2] - self.origin.high) + (p[2] * shrinking - self.origin.low);
        let (y, x) = self.turned(split[1], split[0]);
        let (x, y) = (x + x * shrinking, y + y * shrinking);
        Point { x, y, rise, radius: (x * x + y * y).sqrt() }
    }

    /// Sine and cosine of a longitude east of the frame's meridian.
    #[inline(always)]
    pub(super) fn direction(&self, lon: &Direction) -> (f64, f64) {
        self.turned(lon.sin, lon.cos)
    }

    /// How far the sine of a latitude is above the origin's.
    #[inline(always)]
    pub(super) fn rise(&self, sin: InTwo) -> f64 {
        (sin.high - self.origin.high) + (sin.low - self.origin.low)
    }

    #[inline(always)]
    fn turned(&self, y: Split, x: Split) -> (f64, f64) {
        let across = (y.coarse * self.cos - x.coarse * self.sin) + (y.rest * self.cos - x.rest * self.sin);
        let along = (x.coarse * self.cos + y.coarse * self.sin) + (x.rest * self.cos + y.rest * self.sin);
        (across * self.factor, along * self.factor)
    }
}

/// Meridians all around, from which longitudes are measured.
#[cfg(feature = "gpu")]
#[derive(Clone, Debug)]
pub(crate) struct Milestones(Vec<(Direction, InTwo)>);

#[cfg(feature = "gpu")]
impl Milestones {
    /// So many that what is added to a milestone has 1e-19 of rounding.
    const COUNT: usize = 4096;

    pub(crate) fn new() -> Self {
        let at = |k: usize| {
            let deg = InTwo::from(360.0 / Self::COUNT as f64 * k as f64 - 180.0);
            (Direction::of_deg(deg), radians(deg))
        };
        Self((0..Self::COUNT).map(at).collect())
    }

    /// Longitude (rad), sine and cosine of latitude of a direction from the centre of the sphere.
    pub(crate) fn place(&self, p: UnitVector) -> [InTwo; 3] {
        let [x, y, z] = p.map(Split::of);
        let lon = p[1].atan2(p[0]);
        let k = ((lon / std::f64::consts::TAU + 0.5) * Self::COUNT as f64).round() as usize % Self::COUNT;
        let (direction, milestone) = self.0[k];
        let (Direction { sin, cos }, (rounded_sin, rounded_cos)) = (direction, direction.rounded());
        let rest = |a: Split, b: Split| a.coarse * b.rest + a.rest * b.coarse + a.rest * b.rest;
        let across = (y.coarse * cos.coarse - x.coarse * sin.coarse) + (rest(y, cos) - rest(x, sin));
        let along = p[0] * rounded_cos + p[1] * rounded_sin;
        // At a pole any longitude will do.
        let beyond = if along > 0.0 { (across / along).atan() } else { 0.0 };
        let shrinking = shrinking([x, y, z]);
        let with = |v: InTwo| InTwo::of_sum(v.high, v.low + v.high * shrinking);
        let radius = InTwo::of_product(p[0], p[0]) + InTwo::of_product(p[1], p[1]);
        [milestone + InTwo::from(beyond), with(InTwo::from(p[2])), with(radius.sqrt())]
    }
}

/// Degrees in radians.
#[cfg(feature = "gpu")]
pub(crate) fn radians(deg: InTwo) -> InTwo {
    deg * crate::double_double::PI / InTwo::from(180.0)
}

/// 1/|p| − 1.
#[inline(always)]
fn shrinking([x, y, z]: [Split; 3]) -> f64 {
    let coarse = (x.coarse * x.coarse + y.coarse * y.coarse + z.coarse * z.coarse) - 1.0;
    let mixed = x.coarse * x.rest + y.coarse * y.rest + z.coarse * z.rest;
    let excess = coarse + (2.0 * mixed + (x.rest * x.rest + y.rest * y.rest + z.rest * z.rest));
    excess * (-0.5 + 0.375 * excess)
}
