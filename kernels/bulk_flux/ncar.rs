//! Large and Yeager: neutral coefficients at 10 m from the neutral wind there, shifted by stability.

use super::air::{Air, KARMAN, Scales, VIRTUAL, inverse_obukhov, sea_humidity};
use super::{LEAST_COEFFICIENT, Options, Point, Transfer, same_height, within};

/// C_DN at 10 m of the neutral wind, equation 11 of Large and Yeager (2009): 1e-3 (2.7/U + 0.142 + U/13.09 −
/// 3.14807e-10 U⁶) below 33 m/s, 2.34e-3 above.
pub(super) fn neutral_drag(wind: f64) -> f64 {
    if wind >= 33.0 {
        return 2.34e-3;
    }
    let cubed = wind * wind * wind;
    (1e-3 * (2.7 / wind + 0.142 + wind / 13.09 - 3.148_07e-10 * cubed * cubed)).max(LEAST_COEFFICIENT)
}

/// C_HN over √C_DN: weak transfer in stable air.
fn neutral_heat(stable: bool) -> f64 {
    if stable { 18e-3 } else { 32.7e-3 }
}

/// C_EN over √C_DN.
const NEUTRAL_MOISTURE: f64 = 34.6e-3;

pub(super) fn transfer(options: &Options, air: &Air, point: &Point) -> Transfer {
    let surface = point.sea_surface_temperature;
    let surface_humidity = sea_humidity(surface, air.pressure);
    let wind = air.wind.max(0.5);
    let (log_heights, log_ten) = ((options.air_height / options.wind_height).ln(), (options.wind_height / 10.0).ln());
    let virtual_rise = air.theta * (1.0 + VIRTUAL * air.humidity) - surface * (1.0 + VIRTUAL * surface_humidity);

    let mut drag = neutral_drag(wind);
    let mut root = drag.sqrt();
    let mut heat = (root * neutral_heat(virtual_rise >= 0.0)).max(LEAST_COEFFICIENT);
    let mut moisture = (root * NEUTRAL_MOISTURE).max(LEAST_COEFFICIENT);
    let mut theta = air.theta.max(180.0);
    let mut humidity = air.humidity.max(1e-6);
    let mut velocity = root * wind;
    for _ in 0..options.iterations {
        velocity = root * wind;
        let scales = Scales {
            velocity,
            temperature: heat / root * (theta - surface),
            humidity: moisture / root * (humidity - surface_humidity),
        };
        let inverse_length = inverse_obukhov(theta, humidity, &scales);
        let zeta = within(options.wind_height * inverse_length, 10.0);
        let psi_heat = psi_h(zeta);
        if !same_height(options) {
            let zeta_air = within(options.air_height * inverse_length, 10.0);
            let profile = log_heights + psi_heat - psi_h(zeta_air);
            theta = air.theta - scales.temperature / KARMAN * profile;
            humidity = (air.humidity - scales.humidity / KARMAN * profile).max(0.0);
        }
        let psi_momentum = psi_m(zeta);
        // ln(10/z0), with z0 from ln(z/z0) = κ/√C_D + ψ.
        let log_roughness = -log_ten + KARMAN / drag.sqrt() + psi_momentum;
        let neutral_wind = (drag.sqrt() * wind / KARMAN * log_roughness).max(0.25);
        let neutral = neutral_drag(neutral_wind);
        let neutral_root = neutral.sqrt();
        let shift = 1.0 + neutral_root / KARMAN * (log_ten - psi_momentum);
        drag = (neutral / (shift * shift)).max(LEAST_COEFFICIENT);
        root = drag.sqrt();
        let shift = (log_ten - psi_heat) / KARMAN / neutral_root;
        let (neutral_h, neutral_e) = (neutral_root * neutral_heat(zeta >= 0.0), neutral_root * NEUTRAL_MOISTURE);
        heat = (neutral_h * (root / neutral_root) / (1.0 + neutral_h * shift)).max(LEAST_COEFFICIENT);
        moisture = (neutral_e * (root / neutral_root) / (1.0 + neutral_e * shift)).max(LEAST_COEFFICIENT);
    }
    Transfer {
        drag,
        heat,
        moisture,
        theta,
        humidity,
        bulk_wind: wind,
        friction_velocity: velocity,
        surface_temperature: surface,
        surface_humidity,
    }
}

/// ψ of momentum: Paulson (1970) where unstable, −5ζ where stable.
pub(super) fn psi_m(zeta: f64) -> f64 {
    if zeta >= 0.0 {
        return -5.0 * zeta;
    }
    let square = (1.0 - 16.0 * zeta).sqrt().max(1.0);
    let x = square.sqrt();
    2.0 * ((1.0 + x) * 0.5).ln() + ((1.0 + square) * 0.5).ln() - 2.0 * x.atan() + std::f64::consts::FRAC_PI_2
}

/// ψ of heat and moisture.
pub(super) fn psi_h(zeta: f64) -> f64 {
    if zeta >= 0.0 {
        return -5.0 * zeta;
    }
    2.0 * (0.5 * (1.0 + (1.0 - 16.0 * zeta).sqrt().max(1.0))).ln()
}
