//! Coordinates about a corner of a polygon.
//!
//! Sines of latitudes that lie close together, and directions that do, differ in their last digits alone. So these
//! differences are taken first, from more digits than a double has (see [`super::place`]). What comes out is right to
//! some 1e-16 of itself, whatever the size of cells.

use super::place::{Direction, Place, Split, coarse};
use crate::double_double::DoubleDouble;

/// A number and what rounding took from it.
pub(super) type InTwo = DoubleDouble;

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
    /// At a place; at a pole the meridian is that of 0°.
    #[inline(always)]
    pub(super) fn at(place: &Place) -> Self {
        let p = place.rounded();
        let square = p[0] * p[0] + p[1] * p[1];
        let scale = if square > 1e-4 { 1.0 } else { 1.0 / square.sqrt() };
        let (cos, sin) = if square > 0.0 { (coarse(p[0] * scale), coarse(p[1] * scale)) } else { (1.0, 0.0) };
        let factor = 1.0 / (cos * cos + sin * sin).sqrt();
        let z = place.0[2];
        let low = (z.coarse - p[2]) + z.rest;
        Self { sin, cos, factor, origin: InTwo { high: p[2], low: low + p[2] * place.shrinking() } }
    }

    /// Sine of the origin's latitude.
    #[inline(always)]
    pub(super) fn sin(&self) -> f64 {
        self.origin.high
    }

    /// Longitude of the frame's meridian.
    #[inline]
    pub(super) fn lon_deg(&self) -> f64 {
        self.sin.atan2(self.cos).to_degrees()
    }

    /// A direction from the centre of the sphere.
    #[inline(always)]
    pub(super) fn point(&self, p: &Place) -> Point {
        let shrinking = p.shrinking();
        let [x, y, z] = p.0;
        let rise = (z.coarse - self.origin.high) + ((z.rest - self.origin.low) + z.coarse * shrinking);
        let (y, x) = self.turned(y, x);
        let (x, y) = (x + x * shrinking, y + y * shrinking);
        Point { x, y, rise, radius: (x * x + y * y).sqrt() }
    }

    /// A vector of any length, rounded.
    pub(super) fn vector(&self, p: &Place, scale: f64) -> [f64; 3] {
        let [x, y, z] = p.0;
        let (y, x) = self.turned(y, x);
        [x, y, z.rounded()].map(|v| scale * v)
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
