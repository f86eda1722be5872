//! Longitudes and latitudes of many vectors side by side: without a branch and without a table, so that vectors of numbers
//! take as long as one.
//!
//! λ = atan(y / x) and φ = atan(z / √(x² + y²)), with arc tangents of |t| ≤ √2 − 1: greater ones by
//! atan t = π/4 + atan((t − 1) / (t + 1)) and atan t = π/2 − atan(1/t).

use crate::sphere::UnitVector;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// tan(π/8).
const SMALL: f64 = std::f64::consts::SQRT_2 - 1.0;

/// (atan(t)/t − 1)/t² as a polynomial of t², interpolated at the Chebyshev points of [0, tan²(π/8)]: atan is right to
/// 4e-18 of itself there, before rounding.
const ATAN: [f64; 12] = [
    -0.333_333_333_333_333_3,
    0.199_999_999_999_998_04,
    -0.142_857_142_856_597_79,
    0.111_111_111_051_505_88,
    -0.090_909_087_532_591_12,
    0.076_922_963_680_422_96,
    -0.066_664_247_602_005_2,
    0.058_789_275_544_738_07,
    -0.052_304_436_406_869_48,
    0.045_515_447_340_221_615,
    -0.034_569_315_063_326_09,
    0.016_284_375_050_043_393,
];

/// The angle whose tangent is `rise / run`, neither of them negative; 0 if both are 0.
#[inline(always)]
fn angle(rise: f64, run: f64) -> f64 {
    let is_steep = rise > run;
    let (less, more) = if is_steep { (run, rise) } else { (rise, run) };
    let is_wide = less > SMALL * more;
    let up = if is_wide { less - more } else { less };
    let along = if is_wide { less + more } else { more };
    // 0/0 is 0.
    let t = up / if along > 0.0 { along } else { 1.0 };
    let t2 = t * t;
    let tail = ATAN.iter().rev().fold(0.0, |sum, c| sum * t2 + c);
    let small = t + t * (t2 * tail);
    let angle = if is_wide { FRAC_PI_4 + small } else { small };
    if is_steep { FRAC_PI_2 - angle } else { angle }
}

#[inline(always)]
fn of_vector([x, y, z]: UnitVector) -> [f64; 2] {
    let lat = angle(z.abs(), (x * x + y * y).sqrt()).copysign(z);
    let lon = angle(y.abs(), x.abs());
    let lon = if x < 0.0 { PI - lon } else { lon }.copysign(y);
    // `+ 0.0` turns -0 into 0.
    [lon.to_degrees() + 0.0, lat.to_degrees()]
}

/// Longitude in [−180°, 180°] and latitude in degrees of a unit vector, as [`put_lon_lats_deg`] has them.
///
/// ```
/// use knarr_kernels::angles::lon_lat_deg;
/// assert_eq!(lon_lat_deg([0.0, -0.5f64.sqrt(), 0.5f64.sqrt()]), (-90.0, 45.0));
/// ```
pub fn lon_lat_deg(p: UnitVector) -> (f64, f64) {
    let [lon, lat] = of_vector(p);
    (lon, lat)
}

/// Longitudes in [−180°, 180°] and latitudes in degrees of unit vectors, within 3e-14° of the exact ones (some 3e-16 of small
/// latitudes); the longitude of a pole is 0.
///
/// # Panics
/// If the slices are not as long as `units`.
pub fn put_lon_lats_deg(units: &[UnitVector], lons: &mut [f64], lats: &mut [f64]) {
    assert!(lons.len() == units.len() && lats.len() == units.len(), "one place for each vector");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512vl")
        && std::arch::is_x86_feature_detected!("avx512dq")
    {
        #[allow(unsafe_code, reason = "a function for AVX-512 has no other way to be called")]
        // SAFETY: the processor has AVX-512 F, VL and DQ, as just asked.
        return unsafe { put_avx512(units, lons, lats) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
        // SAFETY: the processor has AVX2, as just asked.
        return unsafe { put_avx2(units, lons, lats) };
    }
    put(units, lons, lats);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq")]
fn put_avx512(units: &[UnitVector], lons: &mut [f64], lats: &mut [f64]) {
    put(units, lons, lats);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn put_avx2(units: &[UnitVector], lons: &mut [f64], lats: &mut [f64]) {
    put(units, lons, lats);
}

#[inline(always)]
fn put(units: &[UnitVector], lons: &mut [f64], lats: &mut [f64]) {
    for ((p, lon), lat) in units.iter().zip(lons).zip(lats) {
        [*lon, *lat] = of_vector(*p);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::{self, unit_vector};

    /// All over, along the axes and diagonals, and near poles and the equator down to 1e-300.
    fn vectors() -> Vec<UnitVector> {
        let spiral = (0..50_000).map(|k| (f64::from(k) * 137.50776, (1.0 - f64::from(k) / 24_999.5).asin().to_degrees()));
        let round = (-72..=72).flat_map(|i| (-36..=36).map(move |j| (f64::from(i) * 2.5, f64::from(j) * 2.5)));
        let mut all: Vec<UnitVector> = spiral.chain(round).map(|(lon, lat)| unit_vector(lon, lat)).collect();
        for size in [1e-300, 1e-160, 1e-100, 1e-20, 1e-9, 1e-3] {
            for sign in [-1.0, 1.0] {
                all.extend([
                    [1.0, 0.0, sign * size],
                    [-1.0, sign * size, 0.0],
                    [sign * size, size, 1.0],
                    [0.0, sign * size, -1.0],
                ]);
            }
        }
        all
    }

    #[test]
    fn angles_are_those_of_the_arc_tangents_of_libraries() {
        for p in vectors() {
            let ((lon, lat), expected) = (lon_lat_deg(p), sphere::lon_lat_deg(p));
            // Both are rounded: some half units of the last place of up to 180 (1.4e-14) and 90 degrees, and small
            // latitudes to some units of their own.
            assert!((lon - expected.0).abs() <= 6e-14, "{p:?}: {lon} and {}", expected.0);
            assert!((lat - expected.1).abs() <= 1e-15 * expected.1.abs().max(1e-300), "{p:?}: {lat} and {}", expected.1);
            assert!(lon.abs() <= 180.0 && lat.abs() <= 90.0);
        }
    }

    #[test]
    fn poles_and_axes_are_exact() {
        for (p, expected) in [
            ([0.0, 0.0, 1.0], (0.0, 90.0)),
            ([0.0, 0.0, -1.0], (0.0, -90.0)),
            ([1.0, 0.0, 0.0], (0.0, 0.0)),
            ([-1.0, 0.0, 0.0], (180.0, 0.0)),
            ([0.0, 1.0, 0.0], (90.0, 0.0)),
            ([0.0, -1.0, 0.0], (-90.0, 0.0)),
        ] {
            assert_eq!(lon_lat_deg(p), expected, "{p:?}");
        }
    }

    #[test]
    fn many_have_the_bits_of_one() {
        let units = vectors();
        let (mut lons, mut lats) = (vec![0.0; units.len()], vec![0.0; units.len()]);
        put_lon_lats_deg(&units, &mut lons, &mut lats);
        for ((p, lon), lat) in units.iter().zip(lons).zip(lats) {
            let one = lon_lat_deg(*p);
            assert_eq!([lon, lat].map(f64::to_bits), [one.0, one.1].map(f64::to_bits), "{p:?}");
        }
    }
}
