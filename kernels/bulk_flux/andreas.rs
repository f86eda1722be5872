//! Andreas, Mahrt and Vickers: the friction velocity from the neutral wind, scalars by surface renewal.

use super::air::{Air, KARMAN, Scales, inverse_obukhov, richardson, sea_humidity, viscosity};
use super::ncar;
use super::{LEAST_COEFFICIENT, Options, Point, Transfer, at_least, same_height};

/// Above this bulk Richardson number the relation of the neutral wind has no meaning.
const MOST_STABLE: f64 = 0.15;
const LEAST_SCALAR: f64 = 0.35e-3;
const MOST_ROUGH: f64 = 0.0025;

/// Equation 2.2 of Andreas et al. (2015): u* = 0.239 + 0.0433 (d + √(0.12 d² + 0.181)), d = U_N10 − 8.271.
fn friction_velocity(neutral_wind: f64) -> f64 {
    let d = neutral_wind - 8.271;
    0.239 + 0.0433 * (d + (0.12 * d * d + 0.181).sqrt())
}

pub(super) fn transfer(options: &Options, air: &Air, point: &Point) -> Transfer {
    let surface = point.sea_surface_temperature;
    let surface_humidity = sea_humidity(surface, air.pressure);
    let wind = air.wind.max(0.25);
    let (zu, zt) = (options.wind_height, options.air_height);
    let log_wind = zu.ln();
    let (mut theta, mut humidity, mut neutral_wind) = (air.theta, air.humidity, wind);
    let root = 1.1e-3_f64.sqrt();
    let mut scales = Scales {
        velocity: 0.0,
        temperature: 1.1e-3 / root * (theta - surface),
        humidity: 1.1e-3 / root * (humidity - surface_humidity),
    };
    let mut ri = richardson(zu, surface, surface_humidity, theta, humidity, wind);
    for iteration in 0..options.iterations {
        scales.velocity = if ri < MOST_STABLE { friction_velocity(neutral_wind) } else { LEAST_COEFFICIENT.sqrt() * wind };
        let zeta = zu * inverse_obukhov(theta, humidity, &scales);
        let drag = (scales.velocity / wind * (scales.velocity / wind)).max(LEAST_COEFFICIENT);
        let roughness = (zu * (-(KARMAN / drag.sqrt() + psi_m(zeta))).exp()).min(MOST_ROUGH);
        let reynolds = roughness * scales.velocity / viscosity(theta);
        let psi = psi_h(zeta);
        let over = |table: &[[f64; 2]; 8]| log_wind - scalar_roughness(table, reynolds, roughness).ln() - psi;
        scales.temperature = (theta - surface) * KARMAN / over(&HEAT);
        scales.humidity = (humidity - surface_humidity) * KARMAN / over(&MOISTURE);
        if !same_height(options) && iteration > 0 {
            let shift = (zt / zu).ln() + psi - psi_h(zeta / zu * zt);
            theta = air.theta - scales.temperature / KARMAN * shift;
            humidity = air.humidity - scales.humidity / KARMAN * shift;
            ri = richardson(zu, surface, surface_humidity, theta, humidity, wind);
        }
        neutral_wind = (wind - scales.velocity / KARMAN * ((zu / 10.0).ln() - psi_m(zeta))).max(0.1);
    }
    let root = scales.velocity / wind;
    let (rise, moist) = (at_least(theta - surface, 1e-6), at_least(humidity - surface_humidity, 1e-9));
    Transfer {
        drag: (root * root).max(LEAST_COEFFICIENT),
        heat: (root * scales.temperature / rise).max(LEAST_SCALAR),
        moisture: (root * scales.humidity / moist).max(LEAST_SCALAR),
        theta,
        humidity,
        bulk_wind: wind,
        friction_velocity: scales.velocity,
        surface_temperature: surface,
        surface_humidity,
    }
}

/// Upper ends of the ranges of the roughness Reynolds number in Liu et al. (1979), J. Atmos. Sci. 36, 1722–1735.
const RANGES: [f64; 8] = [0.11, 0.825, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0];
/// Factor and power for heat in each range.
const HEAT: [[f64; 2]; 8] = [
    [0.177, 0.0],
    [1.376, 0.929],
    [1.026, -0.599],
    [1.625, -1.018],
    [4.661, -1.475],
    [34.904, -2.067],
    [1667.19, -2.907],
    [5.88e5, -3.935],
];
/// And for moisture.
const MOISTURE: [[f64; 2]; 8] = [
    [0.292, 0.0],
    [1.808, 0.826],
    [1.393, -0.528],
    [1.956, -0.870],
    [4.994, -1.297],
    [30.709, -1.845],
    [1448.68, -2.682],
    [2.98e5, -3.616],
];

/// Length for heat or moisture (m).
fn scalar_roughness(table: &[[f64; 2]; 8], reynolds: f64, roughness: f64) -> f64 {
    if !(reynolds > 0.0 && reynolds < 1000.0) {
        return 0.05;
    }
    let range = RANGES.iter().position(|&end| reynolds <= end).unwrap_or(7);
    let [factor, power] = table[range];
    (factor * reynolds.powf(power) * roughness / reynolds).clamp(1e-9, 0.05)
}

/// ψ of momentum: Paulson (1970) where unstable, Grachev et al. (2007), equation 12, where stable.
fn psi_m(zeta: f64) -> f64 {
    let zeta = zeta.min(15.0);
    if zeta < 0.0 {
        return ncar::psi_m(zeta);
    }
    const A: f64 = 5.0;
    const B: f64 = A / 6.5;
    let root3 = 3.0_f64.sqrt();
    let x = (1.0 + zeta).cbrt();
    let b = ((1.0 - B) / B).cbrt();
    -3.0 * A / B * (x - 1.0)
        + A * b / (2.0 * B)
            * (2.0 * ((x + b) / (1.0 + b)).ln() - ((x * x - x * b + b * b) / (1.0 - b + b * b)).ln()
                + 2.0 * root3 * (((2.0 * x - b) / (root3 * b)).atan() - ((2.0 - b) / (root3 * b)).atan()))
}

/// ψ of heat and moisture: Grachev et al. (2007), equation 13, where stable.
fn psi_h(zeta: f64) -> f64 {
    let zeta = zeta.min(15.0);
    if zeta < 0.0 {
        return ncar::psi_h(zeta);
    }
    const A: f64 = 5.0;
    const B: f64 = 5.0;
    const C: f64 = 3.0;
    let root = 5.0_f64.sqrt();
    let z = 2.0 * zeta + C;
    -0.5 * B * (1.0 + C * zeta + zeta * zeta).ln()
        + (-A / root + 0.5 * B * C / root) * (((z - root) / (z + root)).ln() - ((C - root) / (C + root)).ln())
}
