//! Sea ice without heat capacity on part of each cell, under the kernel of that name.

use super::bulk_flux::SNOW_ON_ICE;
use super::inputs::{active_cells, everywhere, masked};
use super::slab_ocean::{FRAZIL, ICE_HEAT, ICE_WATER, MELT_POTENTIAL};
use crate::document::{Fraction, Length, Temperature};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Interval, Need, Parameters,
    Quantity, State, Stock,
};
use knarr_kernels::sea_ice::{FUSION, Forcing, ICE_DENSITY, Ice, MELTING, SNOW_DENSITY, Step, steps};
use schemars::JsonSchema;
use serde::Deserialize;

/// Ice and snow by volume per area of the cell; where there is little, it stands `least_thickness` high on a part of it:
/// a = min(1, volume / least thickness).
///
/// The surface takes (1 − albedo)·sunlight + emissivity·longwave + ρ c_p C |U| (T_air − T_s) − emissivity·σ T_s⁴, the
/// bottom `exchange`·(T − T_f) of the sea, no more than half of what it could give in the step. Heat is counted from water
/// at freezing, so that ice has less than none.
#[derive(Debug)]
pub struct SeaIce {
    declaration: Declaration,
    active: Vec<bool>,
    albedo: [f64; 2],
    emissivity: f64,
    least_thickness: f64,
    freezing: f64,
    /// m³ m⁻² of ice.
    ice: Vec<f64>,
    /// m³ m⁻² of snow.
    snow: Vec<f64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Albedo of bare and melting ice.
    #[serde(default = "bare")]
    ice_albedo: Fraction,
    /// Albedo of snow.
    #[serde(default = "snowy")]
    snow_albedo: Fraction,
    /// Emissivity of both.
    #[serde(default = "default_emissivity")]
    emissivity: Fraction,
    /// Thickness below which ice covers a part of the cell.
    #[serde(default = "half_a_metre")]
    least_thickness: Length,
    /// Where sea water freezes.
    #[serde(default = "default_freezing")]
    freezing: Temperature,
    /// Volume per area at the start poleward of `initial_latitude`.
    #[serde(default = "nothing")]
    initial: Length,
    /// Latitude in degrees, north and south, where ice begins.
    #[serde(default = "polar")]
    initial_latitude: f64,
}

fn bare() -> Fraction {
    Fraction::new(0.64)
}

fn snowy() -> Fraction {
    Fraction::new(0.75)
}

fn default_emissivity() -> Fraction {
    Fraction::new(0.97)
}

fn half_a_metre() -> Length {
    Length::new(0.5)
}

fn default_freezing() -> Temperature {
    Temperature::new(271.35)
}

fn nothing() -> Length {
    Length::new(0.0)
}

fn polar() -> f64 {
    70.0
}

const SUN: &str = "surface_downwelling_shortwave_flux_in_air";
const LONGWAVE: &str = "surface_downwelling_longwave_flux_in_air";
const FRACTION: &str = "sea_ice_area_fraction";
const VOLUME: &str = "sea_ice_thickness";
const SURFACE: &str = "sea_ice_surface_temperature";
const TAKEN: &str = "surface_downward_heat_flux_in_sea_ice";
/// ρ c_p C of air over ice (J m⁻³ K⁻¹): 1.3 · 1005 · 1.4e-3.
const AIR_EXCHANGE: f64 = 1.3 * 1005.0 * 1.4e-3;

impl SeaIce {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "ice and snow without heat capacity on part of each cell",
            "{kind: sea_ice, grid: r360x180, step: P1D, parameters: {initial: 1.5 m, initial_latitude: 72}}",
        )
    }

    /// Makes one from `ice_albedo`, `snow_albedo`, `emissivity`, `least_thickness`, `freezing`, `initial` and
    /// `initial_latitude`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let active = active_cells(&grid);
        let begins = |cell: usize| active[cell] && grid.center(cell).lat_deg.abs() >= settings.initial_latitude;
        let ice = (0..grid.len()).map(|cell| if begins(cell) { settings.initial.get() } else { 0.0 }).collect();
        let (heat, water) = (Quantity::Heat, Quantity::Water);
        let imports = vec![
            Import::flux(SUN, "W m-2", &[]),
            Import::flux(LONGWAVE, "W m-2", &[]),
            Import::new("air_temperature", "K"),
            Import::new("wind_speed", "m s-1").need(Need::Default(5.0)),
            // Snow is frozen when it comes.
            Import::flux(SNOW_ON_ICE, "kg m-2 s-1", &[(water, 1.0), (heat, -FUSION)]).need(Need::Default(0.0)),
            Import::flux(FRAZIL, "W m-2", &[(heat, -1.0), (water, 1.0 / FUSION)]).need(Need::Default(0.0)),
            Import::new(MELT_POTENTIAL, "W m-2").need(Need::Default(0.0)),
        ];
        let exports = vec![
            Export::new(FRACTION, "1"),
            Export::new(VOLUME, "m"),
            Export::new(SURFACE, "K"),
            Export::flux(TAKEN, "W m-2", &[(heat, 1.0)]),
            Export::flux(ICE_HEAT, "W m-2", &[(heat, -1.0)]),
            Export::flux(ICE_WATER, "kg m-2 s-1", &[(water, -1.0)]),
        ];
        Ok(Box::new(Self {
            albedo: [settings.ice_albedo.get(), settings.snow_albedo.get()],
            emissivity: settings.emissivity.get(),
            least_thickness: settings.least_thickness.get(),
            freezing: settings.freezing.get(),
            snow: vec![0.0; active.len()],
            ice,
            active,
            declaration: Declaration { grids: vec![DeclaredGrid { name, grid }], imports, exports },
        }))
    }

    fn fractions(&self) -> Vec<f64> {
        self.ice.iter().map(|&volume| (volume / self.least_thickness).min(1.0)).collect()
    }

    fn states(&self, exports: &mut Fields) -> Result<(), ComponentError> {
        exports.set(FRACTION, masked(self.fractions(), &self.active))?;
        exports.set(VOLUME, masked(self.ice.clone(), &self.active))
    }
}

impl Component for SeaIce {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn start(&mut self, exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        self.states(exports)?;
        Ok([FRACTION, VOLUME].map(str::to_owned).to_vec())
    }

    fn step(&mut self, interval: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let grid = self.declaration.grids[0].grid.clone();
        let (n, seconds) = (grid.len(), interval.length_s());
        let there = |name: &str| everywhere(imports, name, &grid);
        let (sun, longwave, air) = (there(SUN)?, there(LONGWAVE)?, there("air_temperature")?);
        let (wind, snowfall) = (there("wind_speed")?, there(SNOW_ON_ICE)?);
        let (frazil, potential) = (there(FRAZIL)?, there(MELT_POTENTIAL)?);
        let fraction = self.fractions();
        let (mut ice, mut forcing) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for cell in 0..n {
            let part = fraction[cell];
            let there = self.active[cell] && part > 0.0;
            let per = if there { 1.0 / part } else { 0.0 };
            ice.push(Ice { thickness: self.ice[cell] * per, snow: self.snow[cell] * per });
            let albedo = self.albedo[usize::from(self.snow[cell] > 0.0)];
            forcing.push(Forcing {
                given: (1.0 - albedo) * sun[cell] + self.emissivity * longwave[cell],
                emissivity: self.emissivity,
                exchange: AIR_EXCHANGE * wind[cell],
                air_temperature: air[cell],
                // Half of what the sea has, so that it does not freeze for what it gave.
                ocean: 0.5 * potential[cell].max(0.0),
                freezing: self.freezing,
            });
        }
        let found: Vec<Option<Step>> = steps(&ice, &forcing, seconds);
        let (mut taken, mut to_sea, mut water) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let mut surface = vec![MELTING.min(self.freezing); n];
        for cell in (0..n).filter(|&cell| self.active[cell]) {
            if let Some(step) = &found[cell] {
                let part = fraction[cell];
                taken[cell] = part * step.surface_heat;
                to_sea[cell] = part * (step.left - forcing[cell].ocean);
                water[cell] = part * step.melt_water;
                surface[cell] = step.surface_temperature;
                (self.ice[cell], self.snow[cell]) = (part * step.ice.thickness, part * step.ice.snow);
            }
            // What froze in the sea and what fell on the ice; snow without ice has gone into the sea.
            self.ice[cell] += frazil[cell] * seconds / (FUSION * ICE_DENSITY);
            let fallen = snowfall[cell] * seconds;
            if self.ice[cell] > 0.0 {
                self.snow[cell] += fallen / SNOW_DENSITY;
            } else {
                to_sea[cell] -= FUSION * fallen / seconds;
                water[cell] += fallen / seconds;
            }
        }
        self.states(exports)?;
        exports.set(SURFACE, masked(surface, &self.active))?;
        exports.set(TAKEN, masked(taken, &self.active))?;
        exports.set(ICE_HEAT, masked(to_sea, &self.active))?;
        exports.set(ICE_WATER, masked(water, &self.active))
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new().with("ice", &self.ice).with("snow", &self.snow))
    }

    fn restore(&mut self, state: &State) -> Result<(), ComponentError> {
        state.copy("ice", &mut self.ice)?;
        state.copy("snow", &mut self.snow)
    }

    fn stock(&self, quantity: Quantity) -> Option<Stock> {
        let per = match quantity {
            Quantity::Heat => -FUSION,
            Quantity::Water => 1.0,
            Quantity::Salt => return None,
        };
        let mass = |cell: usize| ICE_DENSITY * self.ice[cell] + SNOW_DENSITY * self.snow[cell];
        let per_area = (0..self.ice.len()).map(|cell| if self.active[cell] { per * mass(cell) } else { 0.0 }).collect();
        Some(Stock { grid: 0, per_area })
    }
}
