//! Soil water on land, under the kernel of that name.

use super::inputs::{active_cells, everywhere, masked};
use crate::document::{AreaMass, Fraction};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Interval, Parameters, Quantity,
    State, Stock,
};
use knarr_kernels::bulk_flux::air;
use knarr_kernels::land_bucket::{CAPACITY, steps};
use knarr_kernels::sea_ice::STEFAN_BOLTZMANN;
use schemars::JsonSchema;
use serde::Deserialize;

/// A bucket of soil water in each cell.
///
/// Potential evaporation is that of Priestley and Taylor (1972): 1.26·Δ/(Δ + γ)·R_n/L_v where R_n > 0, else 0, with the net
/// radiation R_n = (1 − albedo)·sunlight + emissivity·(longwave − σT⁴) at the air's temperature, the slope Δ of the vapour
/// pressure at saturation and γ = 66.5 Pa K⁻¹. Snow is rain here, and land holds no heat.
#[derive(Debug)]
pub struct LandBucket {
    declaration: Declaration,
    active: Vec<bool>,
    albedo: f64,
    emissivity: f64,
    capacity: f64,
    water: Vec<f64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Albedo of land.
    #[serde(default = "default_albedo")]
    albedo: Fraction,
    /// Emissivity of land.
    #[serde(default = "default_emissivity")]
    emissivity: Fraction,
    /// What the soil holds at most.
    #[serde(default = "default_capacity")]
    capacity: AreaMass,
    /// What it holds at the start.
    #[serde(default = "default_initial")]
    initial: AreaMass,
}

fn default_albedo() -> Fraction {
    Fraction::new(0.2)
}

fn default_emissivity() -> Fraction {
    Fraction::new(0.95)
}

fn default_capacity() -> AreaMass {
    AreaMass::new(CAPACITY)
}

fn default_initial() -> AreaMass {
    AreaMass::new(0.5 * CAPACITY)
}

const SUN: &str = "surface_downwelling_shortwave_flux_in_air";
const LONGWAVE: &str = "surface_downwelling_longwave_flux_in_air";
const RAIN: &str = "precipitation_flux";
const SOIL: &str = "mass_content_of_water_in_soil";
const EVAPORATION: &str = "water_evapotranspiration_flux";
pub(super) const RUNOFF: &str = "runoff_flux";
/// Pa K⁻¹, at sea level.
const PSYCHROMETRIC: f64 = 66.5;

impl LandBucket {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "soil as a bucket of water that rain fills, evaporation and runoff empty",
            "{kind: land_bucket, grid: r360x180, step: P1D, parameters: {initial: 140 kg m-2}}",
        )
    }

    /// Makes one from `albedo`, `emissivity`, `capacity` and `initial`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let (capacity, initial) = (settings.capacity.get(), settings.initial.get());
        if !(0.0..=capacity).contains(&initial) {
            let problem = format!("found {initial} kg m-2, expected 0 to the capacity, {capacity} kg m-2");
            return Err(ComponentError::Parameter { parameter: "initial".to_owned(), problem });
        }
        let imports = vec![
            Import::flux(RAIN, "kg m-2 s-1", &[(Quantity::Water, 1.0)]),
            Import::flux(SUN, "W m-2", &[]),
            Import::flux(LONGWAVE, "W m-2", &[]),
            Import::new("air_temperature", "K"),
        ];
        let exports = vec![
            Export::new(SOIL, "kg m-2"),
            Export::flux(EVAPORATION, "kg m-2 s-1", &[(Quantity::Water, -1.0)]),
            Export::flux(RUNOFF, "kg m-2 s-1", &[(Quantity::Water, -1.0)]),
        ];
        Ok(Box::new(Self {
            active: active_cells(&grid),
            albedo: settings.albedo.get(),
            emissivity: settings.emissivity.get(),
            capacity,
            water: vec![initial; grid.len()],
            declaration: Declaration { grids: vec![DeclaredGrid { name, grid }], imports, exports },
        }))
    }

    /// kg m⁻² s⁻¹.
    fn potential_evaporation(&self, sun: f64, longwave: f64, temperature: f64) -> f64 {
        let squared = temperature * temperature;
        let net = (1.0 - self.albedo) * sun + self.emissivity * (longwave - STEFAN_BOLTZMANN * squared * squared);
        let slope = (air::vapour_pressure(temperature + 0.5) - air::vapour_pressure(temperature - 0.5)) / 1.0;
        1.26 * slope / (slope + PSYCHROMETRIC) * net.max(0.0) / air::latent_heat(temperature)
    }
}

impl Component for LandBucket {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn start(&mut self, exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        exports.set(SOIL, masked(self.water.clone(), &self.active))?;
        Ok(vec![SOIL.to_owned()])
    }

    fn step(&mut self, interval: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let grid = self.declaration.grids[0].grid.clone();
        let n = grid.len();
        let there = |name: &str| everywhere(imports, name, &grid);
        let (rain, sun, longwave, air) = (there(RAIN)?, there(SUN)?, there(LONGWAVE)?, there("air_temperature")?);
        let potential: Vec<f64> = (0..n)
            .map(|cell| if self.active[cell] { self.potential_evaporation(sun[cell], longwave[cell], air[cell]) } else { 0.0 })
            .collect();
        let (mut evaporation, mut runoff) = (vec![0.0; n], vec![0.0; n]);
        let rules = (self.capacity, interval.length_s());
        steps(&mut self.water, rain, &potential, Some(&self.active), rules, &mut evaporation, &mut runoff);
        exports.set(SOIL, masked(self.water.clone(), &self.active))?;
        exports.set(EVAPORATION, masked(evaporation, &self.active))?;
        exports.set(RUNOFF, masked(runoff, &self.active))
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new().with("water", &self.water))
    }

    fn restore(&mut self, state: &State) -> Result<(), ComponentError> {
        state.copy("water", &mut self.water)
    }

    fn stock(&self, quantity: Quantity) -> Option<Stock> {
        let per_area = (0..self.water.len()).map(|cell| if self.active[cell] { self.water[cell] } else { 0.0 }).collect();
        (quantity == Quantity::Water).then_some(Stock { grid: 0, per_area })
    }
}
