//! Where the sun stands, and what it sends to the top of the atmosphere.
//!
//! Declination and distance by the Fourier series of Spencer (1971), Search 2, 172: 0.0006 rad and 1e-4. A day angle is
//! 2π times the part of the year that has passed, so that any calendar has one.

use std::f64::consts::{PI, TAU};

/// Irradiance at one astronomical unit (W m⁻²): Kopp and Lean (2011).
pub const CONSTANT: f64 = 1360.8;

/// Declination of the sun (rad).
pub fn declination(day_angle: f64) -> f64 {
    let g = day_angle;
    0.006_918 - 0.399_912 * g.cos() + 0.070_257 * g.sin() - 0.006_758 * (2.0 * g).cos() + 0.000_907 * (2.0 * g).sin()
        - 0.002_697 * (3.0 * g).cos()
        + 0.001_48 * (3.0 * g).sin()
}

/// Square of the mean distance over the distance.
pub fn nearness(day_angle: f64) -> f64 {
    let g = day_angle;
    1.000_11 + 0.034_221 * g.cos() + 0.001_28 * g.sin() + 0.000_719 * (2.0 * g).cos() + 0.000_077 * (2.0 * g).sin()
}

/// Cosine of the zenith angle, 0 at night: sin φ sin δ + cos φ cos δ cos h.
///
/// `day_part` is the part of the day that has passed at longitude 0 (mean solar time), `lon_deg` and `lat_deg` degrees.
pub fn zenith_cosine(day_angle: f64, day_part: f64, lon_deg: f64, lat_deg: f64) -> f64 {
    let (delta, phi) = (declination(day_angle), lat_deg.to_radians());
    let hour = TAU * day_part + lon_deg.to_radians() - PI;
    (phi.sin() * delta.sin() + phi.cos() * delta.cos() * hour.cos()).max(0.0)
}

/// Mean of the zenith's cosine over a day: (H sin φ sin δ + cos φ cos δ sin H)/π, with H the hour angle of sunset.
///
/// ```
/// use knarr_kernels::solar::{daily_zenith_cosine, declination};
/// // At the equator and the equinox it is 1/π.
/// let equinox = 1.3628; // where the series has no declination, 21 March
/// assert!(declination(equinox).abs() < 1e-3);
/// assert!((daily_zenith_cosine(equinox, 0.0) - 1.0 / std::f64::consts::PI).abs() < 1e-3);
/// ```
pub fn daily_zenith_cosine(day_angle: f64, lat_deg: f64) -> f64 {
    let (delta, phi) = (declination(day_angle), lat_deg.to_radians());
    let (s, c) = (phi.sin() * delta.sin(), phi.cos() * delta.cos());
    let sunset = if s >= c.abs() {
        PI
    } else if s <= -c.abs() {
        0.0
    } else {
        (-s / c).acos()
    };
    (sunset * s + c * sunset.sin()) / PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_day_is_that_of_its_moments() {
        for (angle, latitude) in [(0.1, 40.0), (3.0, 70.0), (3.0, -80.0), (1.5, 0.0), (2.9, 89.0)] {
            let n = 20_000;
            let mean: f64 =
                (0..n).map(|k| zenith_cosine(angle, (f64::from(k) + 0.5) / f64::from(n), 33.0, latitude)).sum::<f64>()
                    / f64::from(n);
            assert!((mean - daily_zenith_cosine(angle, latitude)).abs() < 1e-6, "{angle} {latitude}: {mean}");
        }
    }

    #[test]
    fn solstices_and_distance_are_those_of_the_almanac() {
        let days = |k: u32| TAU * f64::from(k) / 365.0;
        let most = (0..365).max_by(|&a, &b| declination(days(a)).total_cmp(&declination(days(b)))).expect("a year");
        assert!((169..=174).contains(&most), "{most}");
        assert!((declination(days(most)).to_degrees() - 23.44).abs() < 0.05);
        // Perihelion in the first days of January: 0.98329 au.
        assert!((nearness(days(3)) - 1.0 / (0.983_29 * 0.983_29)).abs() < 1e-3);
        // A year's mean over the globe is a quarter of the constant, but for the mean of the distance.
        let rows = 180;
        let mut sum = 0.0;
        for day in 0..365 {
            for row in 0..rows {
                let (south, north) = (f64::from(row) - 90.0, f64::from(row) - 89.0);
                let weight = 0.5 * (north.to_radians().sin() - south.to_radians().sin());
                sum += weight * daily_zenith_cosine(days(day), 0.5 * (south + north)) / 365.0;
            }
        }
        assert!((sum - 0.25).abs() < 1e-4, "{sum}");
    }

    #[test]
    fn noon_is_at_the_meridian() {
        let at = |part: f64, lon: f64| zenith_cosine(1.0, part, lon, 10.0);
        assert!(at(0.5, 0.0) > at(0.49, 0.0) && at(0.5, 0.0) > at(0.51, 0.0));
        assert_eq!(at(0.0, 0.0), 0.0);
        assert!((at(0.25, 90.0) - at(0.5, 0.0)).abs() < 1e-15);
    }
}
