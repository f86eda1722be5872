//! Large and Yeager on the lowest level of an atmosphere model, which gives density and potential temperature itself.
//!
//! ψ shifts the coefficients from 10 m to the level; nothing is shifted between heights. Constants are those of CESM.

use super::{ncar, within};

/// Air on the lowest level, and the sea.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Height of the level (m).
    pub height: f64,
    /// Relative to the sea (m s⁻¹).
    pub eastward_wind: f64,
    /// Relative to the sea (m s⁻¹).
    pub northward_wind: f64,
    /// K.
    pub potential_temperature: f64,
    /// kg kg⁻¹.
    pub specific_humidity: f64,
    /// kg m⁻³.
    pub density: f64,
    /// K.
    pub sea_surface_temperature: f64,
}

/// Fluxes, heat positive downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flux {
    /// N m⁻².
    pub eastward_stress: f64,
    /// N m⁻².
    pub northward_stress: f64,
    /// W m⁻².
    pub sensible: f64,
    /// W m⁻².
    pub latent: f64,
    /// What the sea radiates, −σT⁴ (W m⁻²).
    pub longwave_up: f64,
    /// kg m⁻² s⁻¹, positive upwards.
    pub evaporation: f64,
    /// m s⁻¹.
    pub friction_velocity: f64,
}

const GRAVITY: f64 = 9.806_16;
const KARMAN: f64 = 0.4;
const DRY_HEAT: f64 = 1.004_64e3;
const VAPOUR_HEAT: f64 = 1.810e3;
const LATENT_HEAT: f64 = 2.501e6;
const STEFAN_BOLTZMANN: f64 = 5.67e-8;
/// R_v/R_d − 1 from the molar masses 18.016 and 28.966.
const VIRTUAL: f64 = 28.966 / 18.016 - 1.0;

/// C_DN at 10 m with the coefficients as CESM rounds them; wind above 33 m/s counts as 33.
fn neutral_drag(wind: f64) -> f64 {
    let u = wind.min(33.0);
    0.0027 / u + 0.000_142 + 0.000_076_4 * u - 3.148_07e-13 * u.powi(6)
}

/// ψ of momentum, with 1.571 for π/2.
fn psi_m(zeta: f64) -> f64 {
    ncar::psi_m(zeta) + if zeta < 0.0 { 1.571 - std::f64::consts::FRAC_PI_2 } else { 0.0 }
}

/// Fluxes at one point after `iterations` (2 in CESM by default).
///
/// ```
/// use knarr_kernels::bulk_flux::cesm::{Point, flux};
/// let point = Point {
///     height: 10.0,
///     eastward_wind: 5.0,
///     northward_wind: 0.0,
///     potential_temperature: 293.15,
///     specific_humidity: 0.012,
///     density: 1.2,
///     sea_surface_temperature: 295.15,
/// };
/// assert!((flux(&point, 2).sensible - -15.482_602_714).abs() < 1e-6);
/// ```
pub fn flux(point: &Point, iterations: u32) -> Flux {
    let Point { eastward_wind: u, northward_wind: v, density, .. } = *point;
    let wind = (u * u + v * v).sqrt().max(0.5);
    let surface_humidity = 0.98 * 640_380.0 * (-5107.4 / point.sea_surface_temperature).exp() / density;
    let rise = point.potential_temperature - point.sea_surface_temperature;
    let moist = point.specific_humidity - surface_humidity;
    let log_height = (point.height / 10.0).ln();

    let heat = |stable: bool| if stable { 0.018 } else { 0.0327 };
    const MOISTURE: f64 = 0.0346;
    let mut neutral = neutral_drag(wind).sqrt();
    let mut velocity = neutral * wind;
    let mut temperature = heat(rise >= 0.0) * rise;
    let mut humidity = MOISTURE * moist;
    for _ in 0..iterations {
        let buoyancy = temperature / point.potential_temperature + humidity / (1.0 / VIRTUAL + point.specific_humidity);
        let zeta = within(KARMAN * GRAVITY * point.height * buoyancy / (velocity * velocity), 10.0);
        let (psi_momentum, psi_scalar) = (psi_m(zeta), ncar::psi_h(zeta));
        let shifted = |neutral: f64, psi: f64| neutral / (1.0 + neutral / KARMAN * (log_height - psi));
        let neutral_wind = wind * shifted(neutral, psi_momentum) / neutral;
        neutral = neutral_drag(neutral_wind).sqrt();
        velocity = shifted(neutral, psi_momentum) * wind;
        temperature = shifted(heat(zeta >= 0.0), psi_scalar) * rise;
        humidity = shifted(MOISTURE, psi_scalar) * moist;
    }
    let stress = density * velocity * velocity;
    let capacity = DRY_HEAT * (1.0 + (VAPOUR_HEAT / DRY_HEAT - 1.0) * surface_humidity);
    let latent = LATENT_HEAT * stress * humidity / velocity;
    let squared = point.sea_surface_temperature * point.sea_surface_temperature;
    Flux {
        eastward_stress: stress * u / wind,
        northward_stress: stress * v / wind,
        sensible: capacity * stress * temperature / velocity,
        latent,
        longwave_up: -STEFAN_BOLTZMANN * squared * squared,
        evaporation: -latent / LATENT_HEAT,
        friction_velocity: velocity,
    }
}
