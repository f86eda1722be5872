//! Sines and cosines remembered: the angles of most grids repeat along rows and columns.

use crate::LonLat;
use knarr_kernels::sphere::{UnitVector, sin_cos_deg};

/// Angles remembered: enough for a row of most grids, few enough for the fastest cache level.
const REMEMBERED: usize = 1 << 10;

/// Unit vectors of positions given one after the other, to the bit those of [`LonLat::unit`].
pub(crate) struct Units {
    lons: Sines,
    lats: Sines,
}

impl Units {
    /// For so many positions.
    pub fn of(count: usize) -> Self {
        Self { lons: Sines::of(count), lats: Sines::of(count) }
    }

    #[inline]
    pub fn unit(&mut self, p: LonLat) -> UnitVector {
        let ((sin_lat, cos_lat), (sin_lon, cos_lon)) = (self.lats.sin_cos_deg(p.lat_deg), self.lons.sin_cos_deg(p.lon_deg));
        [cos_lat * cos_lon + 0.0, cos_lat * sin_lon + 0.0, sin_lat + 0.0]
    }
}

/// The last angles with that hash, by their bits, with their sines and cosines.
struct Sines(Vec<(u64, f64, f64)>);

impl Sines {
    fn of(count: usize) -> Self {
        // Of no angle yet: zero, whose sine and cosine these are.
        Self(vec![(0, 0.0, 1.0); count.next_power_of_two().min(REMEMBERED)])
    }

    #[inline]
    fn sin_cos_deg(&mut self, angle_deg: f64) -> (f64, f64) {
        let bits = angle_deg.to_bits();
        // The golden ratio spreads the bits up.
        let hash = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mask = self.0.len() - 1;
        let place = &mut self.0[hash as usize & mask];
        if place.0 != bits {
            let (sin, cos) = sin_cos_deg(angle_deg);
            *place = (bits, sin, cos);
        }
        (place.1, place.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_units_have_the_bits_of_computed_ones() {
        for count in [0, 1, 7, 5000] {
            let mut units = Units::of(count);
            for k in 0..3000 {
                let angle = |k: i32| match k % 7 {
                    0 => 0.0,
                    1 => -0.0,
                    2 => f64::from(k % 13) * 90.0 - 540.0,
                    3 => f64::NAN,
                    _ => f64::from(k % 97) * 3.7 - 180.0,
                };
                let p = LonLat { lon_deg: angle(k), lat_deg: angle(k / 5) };
                assert_eq!(units.unit(p).map(f64::to_bits), p.unit().map(f64::to_bits), "{p:?}");
            }
        }
    }
}
