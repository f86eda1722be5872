//! Centers in rings: evenly spaced on parallels, as those of HEALPix and of reduced Gaussian grids are.
//!
//! In a ring only the centers west and east of a point can be the nearest, and their distances follow from angles: without vectors,
//! and mostly without trigonometry.

use super::points::TIE;
use knarr_grid::LonLat;
use knarr_kernels::sphere::sin_cos_deg;
use std::f64::consts::TAU;

/// Distances found without the centers' vectors are right to this part of the radius, a hundred times over.
pub(super) const CLEAR: f64 = 100.0 * TIE;

/// The two least chord² met so far.
pub(super) struct Two<P> {
    pub least: f64,
    second: f64,
    pub place: P,
}

impl<P: Copy> Two<P> {
    /// Nothing met yet.
    pub fn none(place: P) -> Self {
        Self { least: f64::INFINITY, second: f64::INFINITY, place }
    }

    /// One met.
    pub fn one(chord2: f64, place: P) -> Self {
        Self { least: chord2, second: f64::INFINITY, place }
    }

    #[inline(always)]
    pub fn meet(&mut self, chord2: f64, place: P) {
        if chord2 < self.least {
            (self.second, self.least, self.place) = (self.least, chord2, place);
        } else {
            self.second = self.second.min(chord2);
        }
    }

    /// Whether the second is further away than rounding.
    #[inline(always)]
    pub fn is_clear(&self) -> bool {
        self.second - self.least > 2.0 * CLEAR * self.second.sqrt()
    }
}

/// 4 sin²(x/2) of a few columns.
#[inline(always)]
fn chord2_of_angle(x: f64) -> f64 {
    if x.abs() > 0.1 {
        let half = (0.5 * x).sin();
        return 4.0 * half * half;
    }
    let x2 = x * x;
    x2 * (1.0 - x2 * (1.0 / 12.0 - x2 * (1.0 / 360.0 - x2 * (1.0 / 20160.0 - x2 / 1_814_400.0))))
}

/// A ring: its latitude, the number of its centers, and the longitude of the first in parts of their distance.
pub(super) struct Ring {
    pub sine_cosine: (f64, f64),
    pub len: usize,
    pub first: f64,
}

/// The point asked for.
pub(super) struct At {
    /// Its longitude in parts of a turn, from 0.
    pub turn: f64,
    pub sin_lat: f64,
    pub cos_lat: f64,
}

impl At {
    #[inline(always)]
    pub fn new(p: LonLat) -> Self {
        let (sin_lat, cos_lat) = sin_cos_deg(p.lat_deg);
        let turn = p.lon_deg / 360.0;
        Self { turn: turn - turn.floor(), sin_lat, cos_lat }
    }

    /// Meets the centers of a ring west and east of the point; `place` has them by their column.
    #[inline(always)]
    pub fn meet_ring<P: Copy>(&self, ring: Ring, two: &mut Two<P>, place: impl Fn(usize) -> P) {
        let (sin_ring, cos_ring) = ring.sine_cosine;
        let count = ring.len as f64;
        let (up, out) = (self.sin_lat - sin_ring, self.cos_lat - cos_ring);
        let across2 = up * up + out * out;
        let x = self.turn * count - ring.first;
        let west = x.floor();
        let cosines = self.cos_lat * cos_ring;
        let wrapped = |column: f64| {
            if column < 0.0 {
                column + count
            } else if column >= count {
                column - count
            } else {
                column
            }
        };
        for column in [west, west + 1.0] {
            let chord2 = across2 + cosines * chord2_of_angle((x - column) * (TAU / count));
            two.meet(chord2, place(wrapped(column) as usize));
        }
    }
}
