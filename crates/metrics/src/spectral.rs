//! Fields with the spectra of real ones: water vapour, cloud cover and relief as random spherical harmonics.
//!
//! Spectra, random numbers and low-degree coefficients after Mahadevan et al. (2022), Geosci. Model Dev. 15,
//! 6601–6635 (MIRA). There each mesh rescales the field by its own extremes; here the range is fixed once, so that
//! source and destination see one field.

use std::f64::consts::PI;

/// Which field is imitated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpectralKind {
    /// Total precipitable water (TPW), from 0: smooth.
    WaterVapour,
    /// Cloud fraction (CFR), 0 to 1: cut off at 1, so that its gradient jumps.
    CloudFraction,
    /// Relief (TPO), -10994 m to 8848 m: rough.
    Relief,
}

/// Power of degree l: a·l^b + c below and above a degree.
struct Spectrum {
    low: [f64; 3],
    high: [f64; 3],
    from: f64,
    /// Cosine coefficients of degrees and orders 0 to 3, from data.
    data: [[f64; 4]; 4],
}

impl Spectrum {
    fn power(&self, degree: usize) -> f64 {
        let l = if degree == 0 { 1e-8 } else { degree as f64 };
        let [a, b, c] = if l < self.from { self.low } else { self.high };
        // A fitted exponent below -5 stands for a constant.
        if b > -5.0 { a * l.powf(b) + c } else { c }
    }
}

impl SpectralKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::WaterVapour, Self::CloudFraction, Self::Relief];

    fn spectrum(self) -> Spectrum {
        match self {
            Self::WaterVapour => Spectrum {
                low: [5.84729561e4, -2.91678103e-4, -5.83966265e4],
                high: [217.936330, -1.99788552, -7.94469251e-4],
                from: 1.8161917668847762,
                data: [
                    [24.5709150, 0.0, 0.0, 0.0],
                    [4.00222122, 2.39412571, 0.0, 0.0],
                    [-13.6433589, 3.90520866e-3, 0.470350344, 0.0],
                    [-3.54931720, -1.23629157, 0.401454924, 1.76782768],
                ],
            },
            Self::CloudFraction => Spectrum {
                low: [8.38954430, -1.85962382e-4, -8.38439294],
                high: [0.125594628, -1.99203168, 1.91763519e-6],
                from: 8.322269484619733,
                data: [
                    [0.665795054, 0.0, 0.0, 0.0],
                    [-2.45480409e-2, 2.24697424e-2, 0.0, 0.0],
                    [5.72322008e-2, 3.41184683e-2, -7.71082815e-3, 0.0],
                    [1.86562455e-2, 4.34697733e-4, 8.91735978e-3, -5.53756958e-3],
                ],
            },
            Self::Relief => Spectrum {
                low: [1.79242815e5, -42.8193211, 7.68040558e5],
                high: [9.56198160e6, -1.85485966, -26.3553217],
                from: 3.8942282772035255,
                data: [
                    [-2384.52711, 0.0, 0.0, 0.0],
                    [-647.223253, -606.453097, 0.0, 0.0],
                    [567.394318, 332.672611, -417.639577, 0.0],
                    [157.403492, 152.896988, 447.106726, -140.553447],
                ],
            },
        }
    }
}

impl std::fmt::Display for SpectralKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WaterVapour => "water vapour",
            Self::CloudFraction => "cloud fraction",
            Self::Relief => "relief",
        })
    }
}

/// A field of one kind up to a degree.
#[derive(Clone, Debug)]
pub struct SpectralField {
    kind: SpectralKind,
    degrees: usize,
    /// Cosine and sine coefficients by degree and order, 4π-normalised: `[l·(l + 1)/2 + m]`.
    coefficients: Vec<[f64; 2]>,
    /// Factors of the recurrence over degrees, in the same order.
    recurrence: Vec<[f64; 2]>,
    scale: f64,
    offset: f64,
}

/// Position of degree `l` and order `m`.
fn at(l: usize, m: usize) -> usize {
    l * (l + 1) / 2 + m
}

impl SpectralField {
    /// The field with the degrees 0 to `degrees` - 1 (at least 4).
    pub fn new(kind: SpectralKind, degrees: usize) -> Self {
        let degrees = degrees.max(4);
        let spectrum = kind.spectrum();
        let mut coefficients = random_coefficients(degrees);
        for l in 0..degrees {
            let row = &mut coefficients[at(l, 0)..=at(l, l)];
            let power: f64 = row.iter().enumerate().map(|(m, [c, s])| c * c + if m > 0 { s * s } else { 0.0 }).sum();
            let factor = (spectrum.power(l).max(0.0) / power).sqrt();
            row.iter_mut().for_each(|c| *c = c.map(|v| v * factor));
            if l < 4 {
                row.iter_mut().zip(spectrum.data[l]).for_each(|(c, data)| c[0] = data);
            }
        }
        let recurrence = (0..degrees).flat_map(|l| (0..=l).map(move |m| factors(l as f64, m as f64))).collect();
        let mut field = Self { kind, degrees, coefficients, recurrence, scale: 1.0, offset: 0.0 };
        let (least, greatest) = field.range();
        (field.scale, field.offset) = match kind {
            SpectralKind::WaterVapour | SpectralKind::CloudFraction => {
                let scale = greatest / (greatest - least);
                (scale, -least * scale)
            }
            SpectralKind::Relief => {
                let scale = (8848.0 + 10994.0) / (greatest - least);
                (scale, -10994.0 - least * scale)
            }
        };
        field
    }

    /// Least and greatest value before scaling, on a lattice of two points per wave.
    fn range(&self) -> (f64, f64) {
        let n = 4 * self.degrees;
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for j in 0..n {
            let lat = PI * ((j as f64 + 0.5) / n as f64 - 0.5);
            let waves = self.waves(lat);
            for i in 0..2 * n {
                let v = sum_of_waves(&waves, PI * i as f64 / n as f64);
                range = (range.0.min(v), range.1.max(v));
            }
        }
        range
    }

    /// Amplitudes of cos mλ and sin mλ at a latitude.
    fn waves(&self, lat_rad: f64) -> Vec<[f64; 2]> {
        let (s, c) = lat_rad.sin_cos();
        let mut waves = vec![[0.0; 2]; self.degrees];
        let mut sectoral = 1.0f64;
        for (m, wave) in waves.iter_mut().enumerate() {
            if m > 0 {
                sectoral *= c * if m == 1 { 3.0f64 } else { (2 * m + 1) as f64 / (2 * m) as f64 }.sqrt();
            }
            let (mut before, mut legendre) = (0.0, sectoral);
            for l in m..self.degrees {
                if l > m {
                    let [a, b] = self.recurrence[at(l, m)];
                    (before, legendre) = (legendre, a * s * legendre - b * before);
                }
                let [cos, sin] = self.coefficients[at(l, m)];
                wave[0] += cos * legendre;
                wave[1] += sin * legendre;
            }
        }
        waves
    }

    /// Its value at a longitude and latitude in radians.
    pub fn value(&self, lon_rad: f64, lat_rad: f64) -> f64 {
        let v = sum_of_waves(&self.waves(lat_rad), lon_rad) * self.scale + self.offset;
        if self.kind == SpectralKind::CloudFraction { v.min(1.0) } else { v }
    }
}

fn sum_of_waves(waves: &[[f64; 2]], lon: f64) -> f64 {
    let (step_sin, step_cos) = lon.sin_cos();
    let (mut sin, mut cos, mut sum) = (0.0, 1.0, 0.0);
    for [a, b] in waves {
        sum += a * cos + b * sin;
        (sin, cos) = (sin * step_cos + cos * step_sin, cos * step_cos - sin * step_sin);
    }
    sum
}

/// P̄_lm = a·sin φ·P̄_(l−1)m − b·P̄_(l−2)m of the 4π-normalised associated Legendre functions.
fn factors(l: f64, m: f64) -> [f64; 2] {
    if l <= m {
        return [0.0; 2];
    }
    let a = ((2.0 * l - 1.0) * (2.0 * l + 1.0) / ((l - m) * (l + m))).sqrt();
    let b = if l - m < 2.0 {
        0.0
    } else {
        ((2.0 * l + 1.0) * (l + m - 1.0) * (l - m - 1.0) / ((l - m) * (l + m) * (2.0 * l - 3.0))).sqrt()
    };
    [a, b]
}

/// Pairs of cosine and sine coefficients in (-2, 2) by the linear congruential generator of the reference.
fn random_coefficients(degrees: usize) -> Vec<[f64; 2]> {
    const MODULUS: u64 = 2_147_483_647;
    let step = |x: u64| (1_103_515_245 * x + 25_214_903_917 + 12_345) % MODULUS;
    let unit = |x: u64| 2.0 * (2.0 * x as f64 / MODULUS as f64 - 1.0);
    let mut x = step(384);
    (0..at(degrees, 0))
        .map(|_| {
            let cos = unit(x);
            let sin = unit(step(x));
            x = step(step(x));
            [cos, sin]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legendre_functions_are_orthonormal() {
        // The mean over the sphere of a field's square is the sum of its coefficients' squares.
        let mut field = SpectralField::new(SpectralKind::Relief, 12);
        (field.scale, field.offset) = (1.0, 0.0);
        let power: f64 = (0..12)
            .flat_map(|l| (0..=l).map(move |m| (l, m)))
            .map(|(l, m)| {
                let [c, s] = field.coefficients[at(l, m)];
                c * c + if m > 0 { s * s } else { 0.0 }
            })
            .sum();
        let n = 400;
        let mut mean = 0.0;
        for j in 0..n {
            // Equal areas: evenly spaced sines of latitude (midpoint rule, error of order n⁻²).
            let lat = ((2.0 * j as f64 + 1.0) / n as f64 - 1.0).asin();
            for i in 0..48 {
                let v = field.value(2.0 * PI * f64::from(i) / 48.0, lat);
                mean += v * v / (48.0 * n as f64);
            }
        }
        assert!((mean / power - 1.0).abs() < 1e-3, "{mean} {power}");
    }

    #[test]
    fn ranges_are_those_of_the_fields() {
        for (kind, low, high) in [(SpectralKind::CloudFraction, 0.0, 1.0), (SpectralKind::Relief, -10994.0, 8848.0)] {
            let field = SpectralField::new(kind, 32);
            let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
            for j in 0..90 {
                for i in 0..180 {
                    let v = field.value(f64::from(i) * 2.0 * PI / 180.0, (f64::from(j) + 0.5) * PI / 90.0 - 0.5 * PI);
                    (least, greatest) = (least.min(v), greatest.max(v));
                }
            }
            let width = high - low;
            assert!(least > low - 0.02 * width && greatest < high + 0.02 * width, "{kind}: {least} {greatest}");
            assert!(greatest - least > 0.8 * width, "{kind}: {least} {greatest}");
        }
    }
}
