//! Sea ice without heat capacity: a slab of ice under snow that conducts from the sea to the air.
//!
//! Reference: Semtner (1976), J. Phys. Oceanogr. 6, 379–389, the zero-layer model of its appendix. What a square metre of
//! ice and snow holds is counted from water at freezing: `−ρ_i L h_i − ρ_s L h_s` (J m⁻²), and changes by what flows in
//! from above and below alone.

use rayon::prelude::*;

/// Conductivity of ice (W m⁻¹ K⁻¹).
pub const ICE_CONDUCTIVITY: f64 = 2.03;
/// Conductivity of snow (W m⁻¹ K⁻¹).
pub const SNOW_CONDUCTIVITY: f64 = 0.31;
/// Density of ice (kg m⁻³).
pub const ICE_DENSITY: f64 = 917.0;
/// Density of snow (kg m⁻³).
pub const SNOW_DENSITY: f64 = 330.0;
/// Latent heat of fusion (J kg⁻¹).
pub const FUSION: f64 = 3.34e5;
/// W m⁻² K⁻⁴.
pub const STEFAN_BOLTZMANN: f64 = 5.67e-8;
/// Where snow and ice melt (K).
pub const MELTING: f64 = 273.15;

/// Ice and snow where there is ice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ice {
    /// m.
    pub thickness: f64,
    /// m.
    pub snow: f64,
}

/// What comes from above and below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forcing {
    /// All that does not depend on the surface temperature: absorbed sunlight, longwave from above times emissivity,
    /// given turbulent fluxes; positive downwards (W m⁻²).
    pub given: f64,
    /// Of the surface.
    pub emissivity: f64,
    /// Sensible heat per kelvin that the air is warmer than the surface (W m⁻² K⁻¹).
    pub exchange: f64,
    /// K.
    pub air_temperature: f64,
    /// From the sea into the ice's bottom (W m⁻²).
    pub ocean: f64,
    /// Of the sea (K).
    pub freezing: f64,
}

/// What a step of the ice gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// After the step.
    pub ice: Ice,
    /// Of the surface in the step (K).
    pub surface_temperature: f64,
    /// Net heat flux into the surface, without what conducts (W m⁻², positive downwards).
    pub surface_heat: f64,
    /// Heat left when all ice has melted, that goes on into the sea (W m⁻²).
    pub left: f64,
    /// Water that melting gives the sea, negative where the sea freezes (kg m⁻² s⁻¹).
    pub melt_water: f64,
}

/// Conductance of ice under snow: `k_i k_s / (k_s h_i + k_i h_s)` (W m⁻² K⁻¹).
pub fn conductance(ice: Ice) -> f64 {
    ICE_CONDUCTIVITY * SNOW_CONDUCTIVITY / (SNOW_CONDUCTIVITY * ice.thickness + ICE_CONDUCTIVITY * ice.snow)
}

/// Heat that ice and snow hold, against water at freezing (J m⁻²).
pub fn energy(ice: Ice) -> f64 {
    -FUSION * (ICE_DENSITY * ice.thickness + SNOW_DENSITY * ice.snow)
}

/// Net heat flux into a surface of that temperature (W m⁻²).
fn surface_heat(forcing: &Forcing, surface: f64) -> f64 {
    let squared = surface * surface;
    forcing.given + forcing.exchange * (forcing.air_temperature - surface)
        - forcing.emissivity * STEFAN_BOLTZMANN * squared * squared
}

/// Surface temperature (K) where what comes from above conducts to the sea: the root of
/// `F(T_s) + k (T_f − T_s) = 0`, or [`MELTING`] where that is above it.
pub fn surface_temperature(ice: Ice, forcing: &Forcing) -> f64 {
    let k = conductance(ice);
    let balance = |t: f64| surface_heat(forcing, t) + k * (forcing.freezing - t);
    if balance(MELTING) >= 0.0 {
        return MELTING;
    }
    // The balance falls with temperature and bends down: from above the root each step stays above it.
    let mut surface = MELTING;
    for _ in 0..20 {
        let slope = -k - forcing.exchange - 4.0 * forcing.emissivity * STEFAN_BOLTZMANN * surface * surface * surface;
        let next = surface - balance(surface) / slope;
        if (next - surface).abs() <= 1e-13 * MELTING {
            return next;
        }
        surface = next;
    }
    surface
}

/// A step of `seconds`: conduction grows the bottom, what the surface cannot conduct at [`MELTING`] melts snow and then
/// ice from the top, the sea melts the bottom.
///
/// `E' − E = (surface_heat + ocean − left) dt` to rounding, where E is [`energy`]; `ocean` of the forcing is taken whole.
///
/// ```
/// use knarr_kernels::sea_ice::{Forcing, Ice, surface_temperature};
/// // 25 W/m² are lost through 2 m of ice: T_s = T_f − F h / k, 24.6 K below the sea.
/// let forcing =
///     Forcing { given: -25.0, emissivity: 0.0, exchange: 0.0, air_temperature: 0.0, ocean: 0.0, freezing: 271.35 };
/// let ts = surface_temperature(Ice { thickness: 2.0, snow: 0.0 }, &forcing);
/// assert!((271.35 - ts - 25.0 * 2.0 / 2.03).abs() < 1e-9);
/// ```
pub fn step(ice: Ice, forcing: &Forcing, seconds: f64) -> Step {
    let k = conductance(ice);
    let surface = surface_temperature(ice, forcing);
    let conducted = k * (forcing.freezing - surface);
    // Below melting the surface has no heat of its own; what the root leaves of the balance is conducted.
    let from_above = if surface < MELTING { -conducted } else { surface_heat(forcing, surface) };
    let mut melt = (from_above + conducted) * seconds / FUSION;
    let snow_mass = SNOW_DENSITY * ice.snow;
    let snow_melt = melt.min(snow_mass);
    melt -= snow_melt;
    let growth = (conducted - forcing.ocean) * seconds / FUSION;
    let mass = ICE_DENSITY * ice.thickness + growth - melt;
    let (mut left, mut after) = (0.0, Ice { thickness: mass / ICE_DENSITY, snow: (snow_mass - snow_melt) / SNOW_DENSITY });
    if mass <= 0.0 {
        // Snow without ice falls into the sea and takes its heat of fusion from what is left.
        left = (-mass - SNOW_DENSITY * after.snow) * FUSION / seconds;
        after = Ice { thickness: 0.0, snow: 0.0 };
    }
    let before = ICE_DENSITY * ice.thickness + snow_mass;
    let now = ICE_DENSITY * after.thickness + SNOW_DENSITY * after.snow;
    Step { ice: after, surface_temperature: surface, surface_heat: from_above, left, melt_water: (before - now) / seconds }
}

/// Thickness of bare ice after `seconds` under a surface that stays `difference` (K) below the sea:
/// `√(h₀² + 2 k ΔT t / (ρ L))` (Stefan 1891).
///
/// ```
/// let day = 86_400.0;
/// let found = knarr_kernels::sea_ice::stefan_thickness(0.1, 20.0, 30.0 * day);
/// assert!((found - 0.834_977_518_946_932_5).abs() < 1e-15);
/// ```
pub fn stefan_thickness(start: f64, difference: f64, seconds: f64) -> f64 {
    (start * start + 2.0 * ICE_CONDUCTIVITY * difference * seconds / (ICE_DENSITY * FUSION)).sqrt()
}

/// A step at many points with ice; `None` elsewhere.
///
/// # Panics
/// If slices differ in length.
pub fn steps(ice: &[Ice], forcing: &[Forcing], seconds: f64) -> Vec<Option<Step>> {
    assert_eq!(ice.len(), forcing.len(), "one forcing per point");
    (0..ice.len())
        .into_par_iter()
        .with_min_len(1024)
        .map(|i| (ice[i].thickness > 0.0).then(|| step(ice[i], &forcing[i], seconds)))
        .collect()
}

#[cfg(test)]
mod tests;
