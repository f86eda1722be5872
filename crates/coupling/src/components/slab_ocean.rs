//! A sea of one layer, under the kernel of that name.

use super::inputs::{active_cells, everywhere, masked, or_else, static_field};
use crate::document::{Length, Temperature};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Interval, Need, Parameters,
    Quantity, State, Stock,
};
use knarr_kernels::sea_ice::FUSION;
use knarr_kernels::slab_ocean::{DENSITY, HEAT_CAPACITY, steps};
use schemars::JsonSchema;
use serde::Deserialize;

/// A mixed layer of fixed depth: heat changes its temperature, water only its account.
///
/// Heat is counted from the freezing point, water from the start of the run.
#[derive(Debug)]
pub struct SlabOcean {
    declaration: Declaration,
    active: Vec<bool>,
    depth: f64,
    freezing: f64,
    temperature: Vec<f64>,
    water: Vec<f64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Depth of the layer.
    #[serde(default = "default_depth")]
    depth: Length,
    /// Temperature at the start, the same everywhere, or a variable in °C or K.
    initial: Initial,
    /// Where sea water freezes.
    #[serde(default = "default_freezing")]
    freezing: Temperature,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Initial {
    /// The same everywhere.
    #[serde(default)]
    value: Option<Temperature>,
    /// From a file, `FILE.nc:VARIABLE`.
    #[serde(default)]
    from: Option<String>,
    /// Units of the file's values, K unless said.
    #[serde(default)]
    units: Option<String>,
}

fn default_depth() -> Length {
    Length::new(50.0)
}

fn default_freezing() -> Temperature {
    Temperature::new(271.35)
}

pub(super) const HEAT: &str = "surface_downward_heat_flux_in_sea_water";
pub(super) const ICE_HEAT: &str = "heat_flux_into_sea_water_due_to_sea_ice_thermodynamics";
pub(super) const WATER: &str = "water_flux_into_sea_water";
pub(super) const ICE_WATER: &str = "water_flux_into_sea_water_due_to_sea_ice_thermodynamics";
pub(super) const RIVERS: &str = "water_flux_into_sea_water_from_rivers";
pub(super) const FRAZIL: &str = "heat_flux_into_sea_water_due_to_freezing_of_frazil_ice";
pub(super) const MELT_POTENTIAL: &str = "upward_sea_ice_basal_heat_flux";
const SST: &str = "sea_surface_temperature";

impl SlabOcean {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "a mixed layer of one temperature",
            "{kind: slab_ocean, grid: r360x180, step: P1D, parameters: {depth: 50 m, initial: {value: 10 degC}}}",
        )
    }

    /// Makes one from `depth`, `initial` and `freezing`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters, [`ComponentError::Io`] for a file.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let (active, freezing) = (active_cells(&grid), settings.freezing.get());
        let wrong = |problem: String| ComponentError::Parameter { parameter: "initial".to_owned(), problem };
        let temperature = match (&settings.initial.value, &settings.initial.from) {
            (Some(value), None) => vec![value.get(); grid.len()],
            (None, Some(from)) => {
                let units = settings.initial.units.as_deref().unwrap_or("K");
                let parse = |text: &str| knarr_field::units::Units::parse(text);
                let to_kelvin = parse(units).and_then(|units| units.to(&parse("K")?)).map_err(|e| wrong(e.to_string()))?;
                let (values, valid) = static_field(context, "initial", from, &grid)?;
                let missing = (0..grid.len()).filter(|&cell| active[cell] && !valid[cell]).count();
                if missing > 0 {
                    let of = grid.active_count();
                    return Err(wrong(format!("`{from}` has no value in {missing} of {of} active cells")));
                }
                values.iter().map(|&v| to_kelvin.apply(v).max(freezing)).collect()
            }
            _ => return Err(wrong("expected either `value: 10 degC` or `from: FILE.nc:VARIABLE`".to_owned())),
        };
        let flux = |name: &str, units: &str, effect| Import::flux(name, units, &[effect]).need(Need::Default(0.0));
        let heat = |name: &str| flux(name, "W m-2", (Quantity::Heat, 1.0));
        let water = |name: &str| flux(name, "kg m-2 s-1", (Quantity::Water, 1.0));
        let imports = vec![heat(HEAT), heat(ICE_HEAT), water(WATER), water(ICE_WATER), water(RIVERS)];
        let exports = vec![
            Export::new(SST, "K"),
            // Freezing warms what stays liquid, and takes what freezes out of the water.
            Export::flux(FRAZIL, "W m-2", &[(Quantity::Heat, 1.0), (Quantity::Water, -1.0 / FUSION)]),
            Export::new(MELT_POTENTIAL, "W m-2"),
        ];
        Ok(Box::new(Self {
            water: vec![0.0; grid.len()],
            depth: settings.depth.get(),
            freezing,
            active,
            temperature,
            declaration: Declaration { grids: vec![DeclaredGrid { name, grid }], imports, exports },
        }))
    }
}

impl Component for SlabOcean {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn start(&mut self, exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        let n = self.temperature.len();
        exports.set(SST, masked(self.temperature.clone(), &self.active))?;
        exports.set(FRAZIL, masked(vec![0.0; n], &self.active))?;
        exports.set(MELT_POTENTIAL, masked(vec![0.0; n], &self.active))?;
        Ok([SST, FRAZIL, MELT_POTENTIAL].map(str::to_owned).to_vec())
    }

    fn step(&mut self, interval: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let grid = &self.declaration.grids[0].grid;
        let n = grid.len();
        let seconds = interval.length_s();
        let mut heat = vec![0.0; n];
        for name in [HEAT, ICE_HEAT] {
            let add = everywhere(imports, name, grid)?;
            (0..n).filter(|&cell| self.active[cell]).for_each(|cell| heat[cell] += add[cell]);
        }
        let (mut frazil, mut potential) = (vec![0.0; n], vec![0.0; n]);
        let rules = (self.depth, seconds, self.freezing);
        steps(&mut self.temperature, &heat, Some(&self.active), rules, &mut frazil, &mut potential);
        for name in [WATER, ICE_WATER, RIVERS] {
            // Rivers reach few cells; elsewhere there is nothing, not an error.
            let add = or_else(imports, name, 0.0, n)?;
            (0..n).filter(|&cell| self.active[cell]).for_each(|cell| self.water[cell] += add[cell] * seconds);
        }
        for cell in 0..n {
            self.water[cell] -= frazil[cell] / FUSION * seconds;
        }
        exports.set(SST, masked(self.temperature.clone(), &self.active))?;
        exports.set(FRAZIL, masked(frazil, &self.active))?;
        exports.set(MELT_POTENTIAL, masked(potential, &self.active))
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new().with("temperature", &self.temperature).with("water", &self.water))
    }

    fn restore(&mut self, state: &State) -> Result<(), ComponentError> {
        state.copy("temperature", &mut self.temperature)?;
        state.copy("water", &mut self.water)
    }

    fn stock(&self, quantity: Quantity) -> Option<Stock> {
        let capacity = HEAT_CAPACITY * DENSITY * self.depth;
        let of = |cell: usize| match quantity {
            Quantity::Heat => capacity * (self.temperature[cell] - self.freezing),
            _ => self.water[cell],
        };
        let per_area = (0..self.active.len()).map(|cell| if self.active[cell] { of(cell) } else { 0.0 }).collect();
        (quantity != Quantity::Salt).then_some(Stock { grid: 0, per_area })
    }
}
