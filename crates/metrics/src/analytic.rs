//! Test functions on the sphere, known everywhere, so that a regridded field has an exact reference.

use knarr_grid::Grid;
use std::f64::consts::PI;

/// The four test functions of Valcke, Piacentini and Jonville (2022), Math. Comput. Appl. 27(2), 31, and the two smooth
/// ones of Mahadevan et al. (2022), Geosci. Model Dev. 15, 6601–6635.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalyticField {
    /// Slowly varying: 2 − cos(π·acos(cos λ·cos φ)/(1.2π)).
    Sinusoid,
    /// Short waves at mid-latitudes: 2 + sin¹⁶(2φ)·cos(16λ).
    Harmonic,
    /// Two vortices about the pole (5.5, 0.2) rad: 2·[1 + tanh((ρ/5)·sin(λ' − 6ω))].
    Vortex,
    /// The sinusoid with a sharp, meandering front along the Gulf Stream.
    Gulfstream,
    /// Spherical harmonics Y₃² + Y₃³ (A1), 4π-normalised.
    HarmonicsOfDegree3,
    /// 2 + cos²φ·cos 2λ (A2).
    TwoWaves,
}

impl AnalyticField {
    /// The four of Valcke et al., smooth to sharp.
    pub const ALL: [Self; 4] = [Self::Sinusoid, Self::Harmonic, Self::Vortex, Self::Gulfstream];

    /// The two of Mahadevan et al., smooth on the whole sphere: orders of convergence are observed on them.
    pub const SMOOTH: [Self; 2] = [Self::HarmonicsOfDegree3, Self::TwoWaves];

    /// Its value at a longitude and latitude in radians; dimensionless, between -4.1 and 4.5.
    pub fn value(self, lon_rad: f64, lat_rad: f64) -> f64 {
        match self {
            Self::Sinusoid => sinusoid(lon_rad, lat_rad),
            Self::Harmonic => 2.0 + (2.0 * lat_rad).sin().powi(16) * (16.0 * lon_rad).cos(),
            Self::Vortex => vortex(lon_rad, lat_rad),
            Self::Gulfstream => gulfstream(lon_rad, lat_rad),
            Self::HarmonicsOfDegree3 => harmonics_of_degree_3(lon_rad, lat_rad),
            Self::TwoWaves => 2.0 + lat_rad.cos() * lat_rad.cos() * (2.0 * lon_rad).cos(),
        }
    }

    /// Its value at a longitude and latitude in degrees.
    ///
    /// ```
    /// use knarr_metrics::AnalyticField;
    /// assert_eq!(AnalyticField::Sinusoid.value_deg(0.0, 0.0), 1.0);
    /// ```
    pub fn value_deg(self, lon_deg: f64, lat_deg: f64) -> f64 {
        self.value(lon_deg.to_radians(), lat_deg.to_radians())
    }

    /// Its values at the centers of `grid`, one per cell, masked cells too.
    pub fn at_centers(self, grid: &Grid) -> Vec<f64> {
        (0..grid.len())
            .map(|cell| {
                let center = grid.center(cell);
                self.value_deg(center.lon_deg, center.lat_deg)
            })
            .collect()
    }
}

impl std::fmt::Display for AnalyticField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sinusoid => "sinusoid",
            Self::Harmonic => "harmonic",
            Self::Vortex => "vortex",
            Self::Gulfstream => "gulfstream",
            Self::HarmonicsOfDegree3 => "y32+y33",
            Self::TwoWaves => "two waves",
        })
    }
}

/// Y_lm = √(2(2l+1)(l−m)!/(l+m)!)·P_lm(sin φ)·cos mλ with P₃² = 15 s c², P₃³ = 15 c³.
fn harmonics_of_degree_3(lon: f64, lat: f64) -> f64 {
    let (s, c) = lat.sin_cos();
    let second = (14.0f64 / 120.0).sqrt() * 15.0 * s * c * c * (2.0 * lon).cos();
    second + (14.0f64 / 720.0).sqrt() * 15.0 * c * c * c * (3.0 * lon).cos()
}

fn sinusoid(lon: f64, lat: f64) -> f64 {
    // Rounding can push the cosine past 1, where acos is not a number.
    2.0 - (PI * (lon.cos() * lat.cos()).clamp(-1.0, 1.0).acos() / (1.2 * PI)).cos()
}

fn vortex(lon: f64, lat: f64) -> f64 {
    let (pole_lon, pole_lat) = (5.5, 0.2f64);
    let t = lat.cos() * (lon - pole_lon).cos();
    let x = pole_lat.sin() * t - pole_lat.cos() * lat.sin();
    let y = lat.cos() * (lon - pole_lon).sin();
    let z = pole_lat.sin() * lat.sin() + pole_lat.cos() * t;
    let turned_lon = y.atan2(x).rem_euclid(2.0 * PI);
    let radius = 3.0 * z.clamp(-1.0, 1.0).asin().cos();
    let speed = 1.5 * 3.0f64.sqrt() * radius.cosh().powi(-2) * radius.tanh();
    let angular_speed = if radius == 0.0 { 0.0 } else { speed / radius };
    2.0 * (1.0 + (radius / 5.0 * (turned_lon - 6.0 * angular_speed).sin()).tanh())
}

fn gulfstream(lon: f64, lat: f64) -> f64 {
    let plane_distance = |lon_deg: f64, lat_deg: f64| f64::to_radians(lon_deg + 80.0).hypot(f64::to_radians(lat_deg - 25.0));
    let end = plane_distance(-1.8, 50.0);
    let fading = plane_distance(-25.5, 55.5);
    let dx = (lon - f64::to_radians(-80.0) + PI).rem_euclid(2.0 * PI) - PI;
    let dy = lat - f64::to_radians(25.0);
    let (r, theta) = (dx.hypot(dy), dy.atan2(dx));
    let height = if r > end {
        0.0
    } else if r > fading {
        1.3 * (0.5 * PI * (r - fading) / (end - fading)).cos()
    } else {
        1.3
    };
    let crest = 1000.0 * (0.4 * (0.5 * r + theta) + 0.007 * (50.0 * theta).cos() + 0.37 * PI).sin();
    sinusoid(lon, lat) + height * (crest.max(999.0) - 999.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_meet_the_published_functions() {
        let golden = [
            (AnalyticField::Sinusoid, -1.0, 0.6, 1.39722244700804),
            (AnalyticField::Harmonic, -1.0, 0.6, 1.6894317055261),
            (AnalyticField::Vortex, 0.5, 0.5, 2.95978379512368),
            (AnalyticField::Vortex, 3.0, -1.2, 1.62751678425993),
        ];
        for (field, lon, lat, expected) in golden {
            // The reference values carry 15 digits, so half a unit of the last is 5e-15 to 5e-14.
            assert!((field.value(lon, lat) - expected).abs() < 1e-13, "{field}: {}", field.value(lon, lat));
        }
    }

    #[test]
    fn the_front_meets_the_published_function() {
        // The crest is 1000 times a sine minus 999, so rounding of the sine (1e-16) grows to 1e-13.
        let golden = [(-70.0, 37.0, 2.81965277294684), (-30.0, 50.0, 2.01463421122853)];
        for (lon, lat, expected) in golden {
            let value = AnalyticField::Gulfstream.value_deg(lon, lat);
            assert!((value - expected).abs() < 1e-13, "{lon} {lat}: {value}");
        }
        assert!((AnalyticField::Sinusoid.value_deg(-70.0, 37.0) - 1.52729846757268).abs() < 1e-13);
    }

    #[test]
    fn every_longitude_convention_gives_the_same_value() {
        for field in AnalyticField::ALL.into_iter().chain(AnalyticField::SMOOTH) {
            let (a, b) = (field.value_deg(-70.0, 37.0), field.value_deg(290.0, 37.0));
            // 16 waves and a front 1000 times steeper than the sphere: 1e-16 · 2π · 1000.
            assert!((a - b).abs() < 1e-12, "{field}: {a} {b}");
        }
    }
}
