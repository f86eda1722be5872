//! What air and sea trade over a cell that ice covers in part.

use crate::sea_ice::{FUSION, STEFAN_BOLTZMANN};

/// Below this the air gives snow, K.
pub const SNOW_BELOW: f64 = 273.15;

/// Turbulent fluxes over open water, of the kernel [`mod@crate::bulk_flux`], or over the whole cell; positive downwards but
/// for evaporation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Turbulent {
    /// Eastward and northward stress, Pa.
    pub stress: [f64; 2],
    /// Sensible heat, W m⁻².
    pub sensible: f64,
    /// Latent heat, W m⁻².
    pub latent: f64,
    /// Evaporation, kg m⁻² s⁻¹.
    pub evaporation: f64,
}

/// What is known of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Over open water.
    pub turbulent: Turbulent,
    /// Of the water's surface, K.
    pub surface_temperature: f64,
    /// Of the air, K.
    pub air_temperature: f64,
    /// What the water keeps of it, W m⁻².
    pub shortwave: f64,
    /// From above, W m⁻².
    pub longwave: f64,
    /// Rain and snow, kg m⁻² s⁻¹.
    pub precipitation: f64,
    /// Share of the cell under ice, taken as within 0 to 1.
    pub ice: f64,
}

/// Fluxes per area of the whole cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traded {
    /// Into the sea, W m⁻².
    pub heat: f64,
    /// Into the sea, kg m⁻² s⁻¹.
    pub water: f64,
    /// Snow on ice, kg m⁻² s⁻¹.
    pub snow_on_ice: f64,
    /// The share of open water in those.
    pub turbulent: Turbulent,
}

/// With the share `a` under ice: heat = (1 − a)·(shortwave + ε·(longwave − σT⁴) + sensible + latent − L·snow), water =
/// (1 − a)·(snow − evaporation) + rain, snow on ice = a·snow; rain on ice runs off into the sea. Precipitation is snow where
/// the air is below [`SNOW_BELOW`].
///
/// ```
/// use knarr_kernels::open_water::{Cell, Turbulent, traded};
/// let cell = Cell {
///     turbulent: Turbulent { evaporation: 1e-5, ..Turbulent::default() },
///     surface_temperature: 0.0, air_temperature: 280.0, shortwave: 100.0, longwave: 300.0, precipitation: 3e-5, ice: 0.25,
/// };
/// let found = traded(0.5, &cell);
/// assert_eq!((found.heat, found.snow_on_ice), (0.75 * 250.0, 0.0));
/// assert!((found.water - (3e-5 - 0.75e-5)).abs() < 1e-20);
/// ```
pub fn traded(emissivity: f64, cell: &Cell) -> Traded {
    let turbulent = cell.turbulent;
    let open = 1.0 - cell.ice.clamp(0.0, 1.0);
    let snow = if cell.air_temperature < SNOW_BELOW { cell.precipitation } else { 0.0 };
    let squared = cell.surface_temperature * cell.surface_temperature;
    let radiated = emissivity * (cell.longwave - STEFAN_BOLTZMANN * squared * squared);
    let down = cell.shortwave + radiated + turbulent.sensible + turbulent.latent - FUSION * snow;
    Traded {
        heat: open * down,
        water: open * (snow - turbulent.evaporation) + (cell.precipitation - snow),
        snow_on_ice: (1.0 - open) * snow,
        turbulent: Turbulent {
            stress: turbulent.stress.map(|stress| stress * open),
            sensible: turbulent.sensible * open,
            latent: turbulent.latent * open,
            evaporation: turbulent.evaporation * open,
        },
    }
}
