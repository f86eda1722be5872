//! The cool skin of the sea: a layer of a millimetre that loses heat to the air by conduction.
//!
//! Reference: Fairall et al. (1996), J. Geophys. Res. 101, 1295–1308, equations 12 to 16.

use super::air::{self, Scales};
use super::{Options, Point, at_least};

const WATER_HEAT: f64 = 4190.0;
const WATER_DENSITY: f64 = 1025.0;
const WATER_VISCOSITY: f64 = 1e-6;
const WATER_CONDUCTIVITY: f64 = 0.6;
/// Of vaporization, in the buoyancy of evaporation (J kg⁻¹).
const LATENT_HEAT: f64 = 2.46e6;
const EMISSIVITY: f64 = 0.98;
const STEFAN_BOLTZMANN: f64 = 5.67e-8;
/// Density of air over that of the sea.
const DENSITY_RATIO: f64 = 1.2 / WATER_DENSITY;

/// Where a scheme parts from the others.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Share of sunlight that a skin of no thickness absorbs, less a constant: 0.137 in Fairall et al., 0.065 in Zeng
    /// and Beljaars (2005).
    pub absorbed: f64,
    /// Whether salt that evaporation leaves behind makes water sink.
    pub salinity: bool,
}

/// The air at the height of the wind over a skin, as an iteration has it.
pub(super) struct State {
    pub surface_temperature: f64,
    pub surface_humidity: f64,
    pub theta: f64,
    pub humidity: f64,
    pub scales: Scales,
    pub bulk_wind: f64,
}

/// How much warmer the skin is than the water below it (K), mostly −0.3 to 0.
pub(super) fn warming(kind: Kind, options: &Options, point: &Point, state: &State) -> f64 {
    let density = air::density_at(options.wind_height, state.theta, state.humidity, point.pressure);
    let rho_wind = state.bulk_wind * density.max(1.0);
    let (rise, moist) = (state.theta - state.surface_temperature, state.humidity - state.surface_humidity);
    let root = state.scales.velocity / state.bulk_wind;
    let heat = root * state.scales.temperature / at_least(rise, 1e-6);
    let moisture = root * state.scales.humidity / at_least(moist, 1e-9);
    let sensible = rho_wind * heat * rise * air::heat_capacity(state.humidity);
    let latent = air::latent_heat(state.surface_temperature) * rho_wind * moisture * moist;
    let squared = state.surface_temperature * state.surface_temperature;
    let longwave = EMISSIVITY * (point.longwave - STEFAN_BOLTZMANN * squared * squared);
    let dark = latent + sensible + longwave;

    let celsius = point.sea_surface_temperature - air::ZERO_CELSIUS;
    let expansion = 2.1e-5 * (celsius + 3.2).max(0.0).powf(0.79);
    let sinking = if kind.salinity { 0.026 * latent.min(0.0) * WATER_HEAT / LATENT_HEAT / expansion } else { 0.0 };
    let thickness = |absorbed: f64| thickness(expansion, absorbed + sinking, state.scales.velocity);
    let mut absorbed = dark;
    let mut depth = thickness(absorbed);
    // The share of sunlight that the layer absorbs depends on its thickness.
    for _ in 0..4 {
        let share = (kind.absorbed + 11.0 * depth - 6.6e-5 / depth * (1.0 - (-depth / 8e-4).exp())).max(0.01);
        absorbed = dark + share * point.shortwave;
        depth = thickness(absorbed);
    }
    absorbed * depth / WATER_CONDUCTIVITY
}

/// Thickness of the layer (m): Saunders' constant, 6 at most, times ν/u* of the water.
fn thickness(expansion: f64, absorbed: f64, friction_velocity: f64) -> f64 {
    const CONVECTION: f64 = 16.0 * 9.806_65 * WATER_DENSITY * WATER_HEAT * WATER_VISCOSITY * WATER_VISCOSITY * WATER_VISCOSITY
        / (WATER_CONDUCTIVITY * WATER_CONDUCTIVITY);
    let velocity = friction_velocity.max(1e-4) * DENSITY_RATIO.sqrt();
    let scale = WATER_VISCOSITY / velocity;
    if absorbed >= 0.0 {
        return (6.0 * scale).min(0.007);
    }
    let fourth = velocity * velocity * velocity * velocity;
    6.0 * scale / (1.0 + (expansion * CONVECTION / fourth * -absorbed).powf(0.75)).cbrt()
}
