//! Moist air: density, humidity at saturation, potential temperature, stability.
//!
//! Constants are those that the published numbers of the schemes rest on: g 9.8 m s⁻², c_p 1005 + 1860 q J kg⁻¹ K⁻¹,
//! R 287.05 and 461.495 J kg⁻¹ K⁻¹, κ 0.4.

pub(super) const GRAVITY: f64 = 9.8;
pub(super) const KARMAN: f64 = 0.4;
/// 0 °C in K.
pub(super) const ZERO_CELSIUS: f64 = 273.15;
const DRY_GAS: f64 = 287.05;
const VAPOUR_GAS: f64 = 461.495;
const DRY_HEAT: f64 = 1005.0;
const VAPOUR_HEAT: f64 = 1860.0;
/// Ratio of the gas constants, 0.622.
const EPSILON: f64 = DRY_GAS / VAPOUR_GAS;
/// What makes a temperature virtual: T (1 + 0.608 q).
pub(super) const VIRTUAL: f64 = VAPOUR_GAS / DRY_GAS - 1.0;
/// Saturation over salt water against that over fresh water.
pub(super) const SALT: f64 = 0.98;

/// What a scheme is told of the air.
pub(super) struct Air {
    /// Potential temperature at the height of the air (K), with the sea level as reference.
    pub theta: f64,
    pub humidity: f64,
    /// Scalar wind (m s⁻¹).
    pub wind: f64,
    pub pressure: f64,
}

/// u*, θ* and q*: friction velocity (m s⁻¹) and the scales of temperature (K) and humidity.
#[derive(Clone, Copy)]
pub(super) struct Scales {
    pub velocity: f64,
    pub temperature: f64,
    pub humidity: f64,
}

/// Vapour pressure at saturation over fresh water (Pa) at a temperature in K.
///
/// Goff (1957), as recommended by the World Meteorological Organization, with 273.15 K for its reference temperature,
/// which is what bulk flux codes do.
///
/// ```
/// use knarr_kernels::bulk_flux::air::vapour_pressure;
/// assert!((vapour_pressure(295.15) - 2644.530_035_448_867).abs() < 1e-9);
/// ```
pub fn vapour_pressure(temperature: f64) -> f64 {
    let t = temperature.max(180.0);
    let ratio = ZERO_CELSIUS / t;
    let exponent = 10.795_74 * (1.0 - ratio) - 5.028 * (t / ZERO_CELSIUS).log10()
        + 1.504_75e-4 * (1.0 - ten_to(-8.2969 * (t / ZERO_CELSIUS - 1.0)))
        + 0.428_73e-3 * (ten_to(4.769_55 * (1.0 - ratio)) - 1.0)
        + 0.786_14;
    100.0 * ten_to(exponent)
}

fn ten_to(x: f64) -> f64 {
    (x * std::f64::consts::LN_10).exp()
}

/// Specific humidity at saturation over fresh water (kg kg⁻¹) at a temperature in K and a pressure in Pa.
///
/// `q = ε e / (p − (1 − ε) e)`.
///
/// ```
/// use knarr_kernels::bulk_flux::air::saturation;
/// assert!((saturation(295.15, 101_000.0) - 1.644_892_254_629_359e-2).abs() < 1e-16);
/// ```
pub fn saturation(temperature: f64, pressure: f64) -> f64 {
    let e = vapour_pressure(temperature);
    EPSILON * e / (pressure - (1.0 - EPSILON) * e)
}

/// Saturation at a sea surface of that temperature.
pub(super) fn sea_humidity(temperature: f64, pressure: f64) -> f64 {
    SALT * saturation(temperature.max(200.0), pressure)
}

/// Latent heat of vaporization (J kg⁻¹) at a temperature in K: (2.501 − 0.00237 t) 1e6, t in °C.
pub fn latent_heat(temperature: f64) -> f64 {
    (2.501 - 0.002_37 * (temperature - ZERO_CELSIUS)) * 1e6
}

/// Heat capacity of moist air (J kg⁻¹ K⁻¹).
pub(super) fn heat_capacity(humidity: f64) -> f64 {
    DRY_HEAT + VAPOUR_HEAT * humidity
}

/// Kinematic viscosity of air (m² s⁻¹) at a temperature in K.
pub(super) fn viscosity(temperature: f64) -> f64 {
    let t = temperature - ZERO_CELSIUS;
    1.326e-5 * (1.0 + 6.542e-3 * t + 8.301e-6 * t * t - 4.84e-9 * t * t * t)
}

/// Density (kg m⁻³) from temperature, humidity and pressure.
fn density(temperature: f64, humidity: f64, pressure: f64) -> f64 {
    (pressure / (DRY_GAS * temperature * (1.0 + VIRTUAL * humidity))).max(0.8)
}

/// Density at a height above the sea level that `pressure` is for, of air with a potential temperature.
pub(super) fn density_at(height: f64, theta: f64, humidity: f64, pressure: f64) -> f64 {
    let temperature = theta - GRAVITY / DRY_HEAT * height;
    let first = density(temperature, humidity, pressure);
    density(temperature, humidity, pressure - first * GRAVITY * height)
}

/// Potential temperature (K), with the sea level as reference, of air at a height: θ = T (p₀ / p)^(R/c_p), where p is
/// from the barometric formula.
///
/// The molar mass there mixes dry air and vapour by relative humidity, as in the code that published figures come from;
/// by the share of vapour θ would be 0.003 K per metre of height higher at most.
pub fn potential_temperature(height: f64, pressure: f64, temperature: f64, humidity: f64) -> f64 {
    const GAS: f64 = 8.314_510;
    const DRY_MASS: f64 = 28.9647e-3;
    const WATER_MASS: f64 = 18.0153e-3;
    let mut here = pressure;
    for _ in 0..3 {
        let share = humidity / saturation(temperature, here);
        let mass = (1.0 - share) * DRY_MASS + share * WATER_MASS;
        here = pressure * (-GRAVITY * mass * height / (GAS * temperature)).exp();
    }
    temperature * ((pressure / here).ln() * (DRY_GAS / DRY_HEAT)).exp()
}

/// Inverse of the Obukhov length (m⁻¹), negative where the air is unstable.
///
/// `1/L = g κ (θ* (1 + 0.608 q) + 0.608 θ q*) / (u*² θ (1 + 0.608 q))`, at most 200 in size.
pub(super) fn inverse_obukhov(theta: f64, humidity: f64, scales: &Scales) -> f64 {
    let moist = 1.0 + VIRTUAL * humidity;
    let buoyancy = GRAVITY * KARMAN * (scales.temperature * moist + VIRTUAL * theta * scales.humidity);
    let shear = (scales.velocity * scales.velocity * theta * moist).max(1e-9);
    (buoyancy / shear).clamp(-200.0, 200.0)
}

/// Bulk Richardson number of the layer below a height: buoyancy over shear.
pub(super) fn richardson(height: f64, surface: f64, surface_humidity: f64, theta: f64, humidity: f64, wind: f64) -> f64 {
    let surface_virtual = surface * (1.0 + VIRTUAL * surface_humidity);
    let moist = 1.0 + VIRTUAL * humidity;
    let absolute = theta - GRAVITY / DRY_HEAT * height;
    let mean = 0.5 * (surface_virtual + absolute * moist);
    GRAVITY * (theta * moist - surface_virtual) * height / (mean * wind * wind)
}
