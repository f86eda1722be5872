//! COARE 3.0 and 3.6: roughness of Charnock, gusts by convection, one length for heat and moisture.

use super::air::{Air, GRAVITY, KARMAN, Scales, inverse_obukhov, richardson, sea_humidity, viscosity};
use super::skin;
use super::{LEAST_COEFFICIENT, Options, Point, Transfer, at_least, same_height, within};

/// Where the versions part.
#[derive(Clone, Copy)]
pub(super) struct Version {
    charnock: fn(f64) -> f64,
    /// Length for scalars: at most the first, the second times the inverse of the roughness Reynolds number to the third.
    scalar_roughness: [f64; 3],
    /// What convection adds to the wind, in convective velocities.
    gustiness: f64,
    /// Whether the viscosity is that of the first guess at the height of the wind, not that of the air as given.
    pub viscosity_of_guess: bool,
}

pub(super) const VERSION_30: Version =
    Version { charnock: charnock_30, scalar_roughness: [1.1e-4, 5.5e-5, 0.6], gustiness: 1.25, viscosity_of_guess: true };
pub(super) const VERSION_36: Version =
    Version { charnock: charnock_36, scalar_roughness: [1.6e-4, 5.8e-5, 0.72], gustiness: 1.2, viscosity_of_guess: true };

/// 0.011 below 10 m/s, 0.018 above 18 m/s, a line between (Hare et al. 1999).
fn charnock_30(neutral_wind: f64) -> f64 {
    0.011 + (0.018 - 0.011) * ((neutral_wind - 10.0) / 8.0).clamp(0.0, 1.0)
}

/// Equation 13 of Edson et al. (2013).
fn charnock_36(neutral_wind: f64) -> f64 {
    (0.0017 * neutral_wind - 0.005).clamp(0.0, 0.028)
}

/// Height of the boundary layer (m).
const LAYER_HEIGHT: f64 = 600.0;
/// Gustiness of the first guess.
const GUSTINESS: f64 = 1.2;
const SKIN: skin::Kind = skin::Kind { absorbed: 0.137, salinity: true };

pub(super) fn transfer(version: Version, options: &Options, air: &Air, point: &Point) -> Transfer {
    let bulk = point.sea_surface_temperature;
    let mut surface = if options.cool_skin { bulk - 0.25 } else { bulk };
    let mut surface_humidity = sea_humidity(surface, air.pressure);
    let guess = first_guess(options, air, surface, surface_humidity, (version.charnock)(air.wind));
    let Guess { mut scales, mut theta, mut humidity, mut bulk_wind, mut roughness } = guess;
    let mut rise = at_least(theta - surface, 1e-6);
    let mut moist = at_least(humidity - surface_humidity, 1e-9);
    let nu = viscosity(if version.viscosity_of_guess { theta } else { air.theta });
    let (log_wind, log_air) = (options.wind_height.ln(), options.air_height.ln());

    for _ in 0..options.iterations {
        let squared = scales.velocity * scales.velocity;
        let inverse_length = inverse_obukhov(theta, humidity, &scales);
        bulk_wind = gusty(air.wind, version.gustiness, LAYER_HEIGHT, squared, inverse_length);
        let zeta = within(options.wind_height * inverse_length, 50.0);

        let neutral_wind = scales.velocity / KARMAN * (10.0_f64.ln() - roughness.ln());
        roughness = (version.charnock)(neutral_wind) * squared / GRAVITY + 0.11 * nu / scales.velocity;
        roughness = roughness.clamp(1e-9, 1.0);
        let [most, factor, power] = version.scalar_roughness;
        let scalar = (factor * (nu / (roughness * scales.velocity)).powf(power)).min(most).clamp(1e-9, 1.0);

        let psi_heat = psi_h(zeta);
        let profile = KARMAN / (log_wind - scalar.ln() - psi_heat);
        scales.temperature = rise * profile;
        scales.humidity = moist * profile;
        scales.velocity = (bulk_wind * KARMAN / (log_wind - roughness.ln() - psi_m(zeta))).max(1e-9);
        if !same_height(options) {
            let zeta_air = within(options.air_height * inverse_length, 50.0);
            let shift = log_air - log_wind + psi_heat - psi_h(zeta_air);
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
    let root = scales.velocity / bulk_wind;
    Transfer {
        drag: (root * root).max(LEAST_COEFFICIENT),
        heat: (root * scales.temperature / rise).max(LEAST_COEFFICIENT),
        moisture: (root * scales.humidity / moist).max(LEAST_COEFFICIENT),
        theta,
        humidity,
        bulk_wind,
        friction_velocity: scales.velocity,
        surface_temperature: surface,
        surface_humidity,
    }
}

/// Wind with the gusts of convection, equation 8 of Fairall et al. (2003), and no calm.
pub(super) fn gusty(wind: f64, gustiness: f64, layer: f64, velocity_squared: f64, inverse_length: f64) -> f64 {
    let convection = (-layer * inverse_length / KARMAN).max(0.0);
    let gusts = gustiness * gustiness * velocity_squared * convection.powf(2.0 / 3.0);
    (wind * wind + gusts).sqrt().max(0.2)
}

/// Where iterations begin.
pub(super) struct Guess {
    pub scales: Scales,
    pub theta: f64,
    pub humidity: f64,
    pub bulk_wind: f64,
    pub roughness: f64,
}

/// The first guess of COARE, from the bulk Richardson number.
pub(super) fn first_guess(options: &Options, air: &Air, surface: f64, surface_humidity: f64, charnock: f64) -> Guess {
    let (zu, zt) = (options.wind_height, options.air_height);
    let mut theta = air.theta.max(180.0);
    let mut humidity = air.humidity.max(1e-6);
    let nu = viscosity(theta);
    let bulk_wind = (air.wind * air.wind + 0.25).sqrt();
    let mut velocity = 0.035 * (10.0_f64 / 1e-4).ln() / (zu / 1e-4).ln() * bulk_wind;
    let rough = |velocity: f64| (charnock * velocity * velocity / GRAVITY + 0.11 * nu / velocity).clamp(1e-8, 1.0);
    let roughness = rough(velocity);
    let log_over = zu.ln() - roughness.ln();
    let drag = (KARMAN / log_over) * (KARMAN / log_over);
    let scalar = (10.0 / (KARMAN / (0.001_15 * (10.0_f64.ln() - roughness.ln()) / KARMAN)).exp()).clamp(1e-8, 1.0);
    let ri = richardson(zu, surface, surface_humidity, theta, humidity, bulk_wind);
    let product = KARMAN * KARMAN / (drag * (zt.ln() - scalar.ln())) * ri;
    let zeta = if ri >= 0.0 {
        product + 27.0 / 9.0 * ri * ri
    } else {
        product / (1.0 - ri * 0.004 * LAYER_HEIGHT * GUSTINESS * GUSTINESS * GUSTINESS / zu)
    };
    velocity = (bulk_wind * KARMAN / (log_over - psi_m(zeta))).max(1e-9);
    let profile = KARMAN / (zu.ln() - scalar.ln() - psi_h(zeta));
    let rise = |theta: f64| at_least(theta - surface, 1e-6);
    let moist = |humidity: f64| at_least(humidity - surface_humidity, 1e-9);
    if !same_height(options) {
        let shift = (zt / zu).ln() + psi_h(zeta) - psi_h(zt * zeta / zu);
        theta = air.theta - rise(theta) * profile / KARMAN * shift;
        humidity = (air.humidity - moist(humidity) * profile / KARMAN * shift).max(0.0);
    }
    let scales = Scales { velocity, temperature: rise(theta) * profile, humidity: moist(humidity) * profile };
    Guess { scales, theta, humidity, bulk_wind, roughness: rough(velocity) }
}

/// Convective form of Grachev et al. (2000): 1.5 ln((1 + y + y²)/3) − √3 atan((1 + 2y)/√3) + π/√3.
fn psi_convective(y: f64) -> f64 {
    1.5 * ((1.0 + y + y * y) / 3.0).ln() - 1.732_050_8 * ((1.0 + 2.0 * y) / 1.732_050_8).atan() + 1.813_799_447
}

/// Weight of the convective form.
fn convective_share(zeta: f64) -> f64 {
    let squared = zeta * zeta;
    squared / (1.0 + squared)
}

/// ψ of momentum: Kansas and free convection where unstable, Beljaars and Holtslag (1991) where stable.
fn psi_m(zeta: f64) -> f64 {
    if zeta >= 0.0 {
        let fall = (0.35 * zeta).min(50.0).exp();
        return -(1.0 + zeta + 0.6667 * (zeta - 14.28) / fall + 8.525);
    }
    let x = (1.0 - 15.0 * zeta).sqrt().sqrt();
    let kansas = 2.0 * ((1.0 + x) / 2.0).ln() + ((1.0 + x * x) / 2.0).ln() - 2.0 * x.atan() + std::f64::consts::FRAC_PI_2;
    let share = convective_share(zeta);
    (1.0 - share) * kansas + share * psi_convective((1.0 - 10.15 * zeta).powf(0.3333))
}

/// ψ of heat and moisture.
fn psi_h(zeta: f64) -> f64 {
    if zeta >= 0.0 {
        let fall = (0.35 * zeta).min(50.0).exp();
        return -((1.0 + 2.0 * zeta / 3.0).powf(1.5) + 0.6667 * (zeta - 14.28) / fall + 8.525);
    }
    let kansas = 2.0 * ((1.0 + (1.0 - 15.0 * zeta).sqrt()) / 2.0).ln();
    let share = convective_share(zeta);
    (1.0 - share) * kansas + share * psi_convective((1.0 - 34.15 * zeta).powf(0.3333))
}
