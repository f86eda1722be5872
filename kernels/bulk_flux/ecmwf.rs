//! The scheme of the IFS: ζ from the bulk Richardson number, lengths of their own for heat and moisture.

use super::air::{Air, GRAVITY, KARMAN, inverse_obukhov, richardson, sea_humidity, viscosity};
use super::coare::{Guess, first_guess, gusty};
use super::skin;
use super::{LEAST_COEFFICIENT, Options, Point, Transfer, at_least, same_height};

const CHARNOCK: f64 = 0.018;
const LAYER_HEIGHT: f64 = 1000.0;
const GUSTINESS: f64 = 1.0;
/// Lengths over a smooth surface, in ν/u*.
const SMOOTH_MOMENTUM: f64 = 0.11;
const SMOOTH_HEAT: f64 = 0.40;
const SMOOTH_MOISTURE: f64 = 0.62;
const SKIN: skin::Kind = skin::Kind { absorbed: 0.065, salinity: false };

pub(super) fn transfer(options: &Options, air: &Air, point: &Point) -> Transfer {
    let bulk = point.sea_surface_temperature;
    let mut surface = if options.cool_skin { bulk - 0.25 } else { bulk };
    let mut surface_humidity = sea_humidity(surface, air.pressure);
    let guess = first_guess(options, air, surface, surface_humidity, CHARNOCK);
    let Guess { mut scales, mut theta, mut humidity, mut bulk_wind, mut roughness } = guess;
    let mut rise = at_least(theta - surface, 1e-6);
    let mut moist = at_least(humidity - surface_humidity, 1e-9);
    let nu = viscosity(air.theta);
    let (zu, zt) = (options.wind_height, options.air_height);
    let log_wind = zu.ln();

    let inverse_length = inverse_obukhov(theta, humidity, &scales);
    let log_ten_over = 10.0_f64.ln() - roughness.ln();
    let heat_roughness = (10.0 / (KARMAN * KARMAN / (0.001_15 * log_ten_over)).exp()).clamp(1e-9, 1.0);
    let over = |roughness: f64, psi: fn(f64) -> f64, inverse_length: f64| {
        log_wind - roughness.ln() - psi(zu * inverse_length) + psi(roughness * inverse_length)
    };
    let mut momentum = over(roughness, psi_m, inverse_length);
    let mut heat = over(heat_roughness, psi_h, inverse_length);
    let mut moisture = heat;

    for _ in 0..options.iterations {
        let ri = richardson(zu, surface, surface_humidity, theta, humidity, bulk_wind);
        let inverse_length = (ri * momentum * momentum / heat / zu).clamp(-200.0, 200.0);
        scales.velocity = bulk_wind * KARMAN / over(roughness, psi_m, inverse_length);
        let squared = scales.velocity * scales.velocity;
        let smooth = nu / scales.velocity;
        roughness = (SMOOTH_MOMENTUM * smooth + CHARNOCK * squared / GRAVITY).abs().min(0.001);
        let heat_roughness = (SMOOTH_HEAT * smooth).abs().min(0.001);
        let moisture_roughness = (SMOOTH_MOISTURE * smooth).abs().min(0.001);
        bulk_wind = gusty(air.wind, GUSTINESS, LAYER_HEIGHT, squared, inverse_length);

        momentum = over(roughness, psi_m, inverse_length);
        heat = over(heat_roughness, psi_h, inverse_length);
        moisture = over(moisture_roughness, psi_h, inverse_length);
        scales.temperature = rise * KARMAN / heat;
        scales.humidity = moist * KARMAN / moisture;
        if !same_height(options) {
            let shift = (zt / zu).ln() + psi_h(zu * inverse_length) - psi_h(zt * inverse_length);
            theta = air.theta - scales.temperature / KARMAN * shift;
            humidity = air.humidity - scales.humidity / KARMAN * shift;
        }
        if options.cool_skin {
            let state = skin::State { surface_temperature: surface, surface_humidity, theta, humidity, scales, bulk_wind };
            surface = bulk + skin::warming(SKIN, options, point, &state);
            surface_humidity = sea_humidity(surface, air.pressure);
        }
        rise = at_least(theta - surface, 1e-6);
        moist = at_least(humidity - surface_humidity, 1e-9);
    }
    let squared = KARMAN * KARMAN;
    Transfer {
        drag: (squared / (momentum * momentum)).max(LEAST_COEFFICIENT),
        heat: (squared / (momentum * heat)).max(LEAST_COEFFICIENT),
        moisture: (squared / (momentum * moisture)).max(LEAST_COEFFICIENT),
        theta,
        humidity,
        bulk_wind,
        friction_velocity: scales.velocity,
        surface_temperature: surface,
        surface_humidity,
    }
}

/// Stable part that both have, equation 3.22 of the documentation; ζ above 5 counts as 5.
fn psi_stable(zeta: f64) -> f64 {
    const C: f64 = 5.0 / 0.35;
    -2.0 / 3.0 * (zeta - C) * (-0.35 * zeta).exp() - 2.0 / 3.0 * C
}

/// ψ of momentum.
fn psi_m(zeta: f64) -> f64 {
    let zeta = zeta.min(5.0);
    if zeta >= 0.0 {
        return psi_stable(zeta) - zeta;
    }
    let square = (1.0 - 16.0 * zeta).sqrt();
    let x = square.sqrt();
    (0.125 * (1.0 + x) * (1.0 + x) * (1.0 + square)).ln() - 2.0 * x.atan() + std::f64::consts::FRAC_PI_2
}

/// ψ of heat and moisture.
fn psi_h(zeta: f64) -> f64 {
    let zeta = zeta.min(5.0);
    if zeta >= 0.0 {
        return psi_stable(zeta) - (1.0 + 2.0 / 3.0 * zeta).powf(1.5) + 1.0;
    }
    2.0 * (0.5 * (1.0 + (1.0 - 16.0 * zeta).sqrt())).ln()
}
