//! The mediator between air and sea: turbulent and radiative fluxes on its own, the finer grid.

use super::inputs::{active_cells, everywhere, masked, or_else};
use super::slab_ocean::{HEAT, WATER};
use crate::document::{Fraction, Length};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Interval, Need, Parameters,
    State,
};
use knarr_kernels::bulk_flux::{Inputs, Options, Outputs, Scheme, fluxes};
use knarr_kernels::open_water::{Cell, Turbulent, traded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fluxes between air and open water, per area of the whole cell.
///
/// With the share `a` of the cell that is under ice:
/// heat into the sea = (1 − a)·((1 − albedo)·sunlight + emissivity·(longwave − σT⁴) + sensible + latent − L·snow),
/// water into the sea = (1 − a)·(snow − evaporation) + rain, snow on ice = a·snow; rain on ice runs off into the sea.
/// Precipitation is snow where the air is below 0 °C.
#[derive(Debug)]
pub struct BulkFlux {
    declaration: Declaration,
    active: Vec<bool>,
    options: Options,
    albedo: f64,
    emissivity: f64,
    #[cfg(feature = "gpu")]
    on_device: Option<on_device::Fields>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Which transfer coefficients.
    #[serde(default)]
    scheme: SchemeName,
    /// Whether the sea's skin is cooler than the water below.
    #[serde(default)]
    cool_skin: bool,
    /// Height of the wind.
    #[serde(default = "ten")]
    wind_height: Length,
    /// Height of temperature and humidity.
    #[serde(default = "two")]
    air_height: Length,
    /// Rounds of the scheme.
    #[serde(default = "rounds")]
    iterations: u32,
    /// Albedo of open water.
    #[serde(default = "default_albedo")]
    albedo: Fraction,
    /// Emissivity of open water.
    #[serde(default = "default_emissivity")]
    emissivity: Fraction,
}

/// Names of the schemes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SchemeName {
    /// Large and Yeager.
    #[default]
    Ncar,
    /// COARE 3.0.
    Coare3p0,
    /// COARE 3.6.
    Coare3p6,
    /// IFS.
    Ecmwf,
    /// Andreas et al.
    Andreas,
}

impl From<SchemeName> for Scheme {
    fn from(name: SchemeName) -> Self {
        match name {
            SchemeName::Ncar => Scheme::Ncar,
            SchemeName::Coare3p0 => Scheme::Coare30,
            SchemeName::Coare3p6 => Scheme::Coare36,
            SchemeName::Ecmwf => Scheme::Ecmwf,
            SchemeName::Andreas => Scheme::Andreas,
        }
    }
}

fn ten() -> Length {
    Length::new(10.0)
}

fn two() -> Length {
    Length::new(2.0)
}

fn rounds() -> u32 {
    5
}

fn default_albedo() -> Fraction {
    Fraction::new(0.066)
}

fn default_emissivity() -> Fraction {
    Fraction::new(0.98)
}

const SUN: &str = "surface_downwelling_shortwave_flux_in_air";
const LONGWAVE: &str = "surface_downwelling_longwave_flux_in_air";
const RAIN: &str = "precipitation_flux";
const ICE: &str = "sea_ice_area_fraction";
pub(super) const SNOW_ON_ICE: &str = "snowfall_flux";
const STRESS: [&str; 2] = ["surface_downward_eastward_stress", "surface_downward_northward_stress"];
const SENSIBLE: &str = "surface_downward_sensible_heat_flux";
const LATENT: &str = "surface_downward_latent_heat_flux";
const EVAPORATION: &str = "water_evaporation_flux";

impl BulkFlux {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "the mediator between air and sea: stress, heat and evaporation by bulk formulas",
            "{kind: bulk_flux, grid: r360x180, step: P1D, parameters: {scheme: ecmwf, cool_skin: true}}",
        )
    }

    /// Makes one from `scheme`, `cool_skin`, `wind_height`, `air_height`, `iterations`, `albedo` and `emissivity`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let options = Options {
            scheme: settings.scheme.into(),
            cool_skin: settings.cool_skin,
            wind_height: settings.wind_height.get(),
            air_height: settings.air_height.get(),
            iterations: settings.iterations,
        };
        let imports = vec![
            Import::new("sea_surface_temperature", "K"),
            Import::new("air_temperature", "K"),
            Import::new("specific_humidity", "1"),
            Import::new("eastward_wind", "m s-1"),
            Import::new("northward_wind", "m s-1"),
            Import::new("air_pressure_at_mean_sea_level", "Pa"),
            Import::flux(SUN, "W m-2", &[]),
            Import::flux(LONGWAVE, "W m-2", &[]),
            Import::flux(RAIN, "kg m-2 s-1", &[]),
            Import::new(ICE, "1").need(Need::Default(0.0)),
        ];
        let flux = |name: &str, units: &str| Export::flux(name, units, &[]);
        let exports = vec![
            flux(HEAT, "W m-2"),
            flux(WATER, "kg m-2 s-1"),
            flux(SNOW_ON_ICE, "kg m-2 s-1"),
            flux(EVAPORATION, "kg m-2 s-1"),
            flux(SENSIBLE, "W m-2"),
            flux(LATENT, "W m-2"),
            flux(STRESS[0], "Pa"),
            flux(STRESS[1], "Pa"),
        ];
        Ok(Box::new(Self {
            active: active_cells(&grid),
            options,
            albedo: settings.albedo.get(),
            emissivity: settings.emissivity.get(),
            #[cfg(feature = "gpu")]
            on_device: None,
            declaration: Declaration { grids: vec![DeclaredGrid { name, grid }], imports, exports },
        }))
    }
}

/// Exports in order.
const NAMES: [&str; 8] = [HEAT, WATER, SNOW_ON_ICE, EVAPORATION, SENSIBLE, LATENT, STRESS[0], STRESS[1]];

impl BulkFlux {
    fn untold(&self, cell: usize) -> ComponentError {
        let at = self.declaration.grids[0].grid.center(cell);
        let problem = format!("no flux can be told in cell {cell} at {:.2}° E {:.2}° N", at.lon_deg, at.lat_deg);
        ComponentError::Value { problem }
    }
}

impl Component for BulkFlux {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    #[cfg(feature = "gpu")]
    fn move_to(&mut self, device: &knarr_regrid::Device) -> Result<bool, ComponentError> {
        if let knarr_regrid::Device::Gpu(gpu) = device {
            self.on_device = Some(on_device::Fields::new(gpu, self)?);
        }
        Ok(self.on_device.is_some())
    }

    fn step(&mut self, _: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        #[cfg(feature = "gpu")]
        if let Some(fields) = &self.on_device {
            return fields.step(self, imports, exports);
        }
        let grid = &self.declaration.grids[0].grid;
        let n = grid.len();
        let there = |name: &str| everywhere(imports, name, grid);
        let sea = there("sea_surface_temperature")?;
        let air = there("air_temperature")?;
        let (sun, longwave, rain) = (there(SUN)?, there(LONGWAVE)?, there(RAIN)?);
        let ice = or_else(imports, ICE, 0.0, n)?;
        let net_sun: Vec<f64> = sun.iter().map(|s| (1.0 - self.albedo) * s).collect();
        let inputs = Inputs {
            sea_surface_temperature: sea,
            air_temperature: air,
            specific_humidity: there("specific_humidity")?,
            eastward_wind: there("eastward_wind")?,
            northward_wind: there("northward_wind")?,
            pressure: there("air_pressure_at_mean_sea_level")?,
            shortwave: &net_sun,
            longwave,
            valid: Some(&self.active),
        };
        let mut out = vec![vec![0.0; n]; 6];
        let mut valid = vec![false; n];
        let [east, north, sensible, latent, evaporation, skin] = &mut out[..] else { unreachable!("six fluxes") };
        let outputs = Outputs {
            eastward_stress: east,
            northward_stress: north,
            sensible,
            latent,
            evaporation,
            surface_temperature: skin,
            valid: &mut valid,
        };
        fluxes(&self.options, &inputs, outputs);
        if let Some(cell) = (0..n).find(|&cell| self.active[cell] && !valid[cell]) {
            return Err(self.untold(cell));
        }
        let mut all = vec![vec![0.0; n]; NAMES.len()];
        for cell in (0..n).filter(|&cell| self.active[cell]) {
            let traded = traded(
                self.emissivity,
                &Cell {
                    turbulent: Turbulent {
                        stress: [east[cell], north[cell]],
                        sensible: sensible[cell],
                        latent: latent[cell],
                        evaporation: evaporation[cell],
                    },
                    surface_temperature: skin[cell],
                    air_temperature: air[cell],
                    shortwave: net_sun[cell],
                    longwave: longwave[cell],
                    precipitation: rain[cell],
                    ice: ice[cell],
                },
            );
            let Turbulent { stress: [east, north], sensible, latent, evaporation } = traded.turbulent;
            let values = [traded.heat, traded.water, traded.snow_on_ice, evaporation, sensible, latent, east, north];
            all.iter_mut().zip(values).for_each(|(field, value)| field[cell] = value);
        }
        for (name, values) in NAMES.iter().zip(all) {
            exports.set(name, masked(values, &self.active))?;
        }
        Ok(())
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}

#[cfg(feature = "gpu")]
mod on_device {
    use super::{BulkFlux, ICE, LONGWAVE, NAMES, RAIN, SUN};
    use crate::ComponentError;
    use crate::components::on_device::{ActiveCells, failed};
    use knarr_kernels::convert::Conversion;
    use knarr_kernels::gpu::{BlockShape, DeviceField, Gpu, Step};
    use knarr_kernels::twins::bulk_flux::fluxes;
    use knarr_kernels::twins::convert::convert;
    use knarr_kernels::twins::open_water::{RESULTS, traded};

    /// Imports in the order of the kernel's inputs.
    const INPUTS: [&str; 8] = [
        "sea_surface_temperature",
        "air_temperature",
        "specific_humidity",
        "eastward_wind",
        "northward_wind",
        "air_pressure_at_mean_sea_level",
        SUN,
        LONGWAVE,
    ];

    /// Fields of a step on a device, for the next one too.
    #[derive(Debug)]
    pub(super) struct Fields {
        cells: ActiveCells,
        inputs: DeviceField<f64>,
        /// Precipitation and ice.
        surface: DeviceField<f64>,
        fluxes: DeviceField<f64>,
        results: DeviceField<f64>,
    }

    impl Fields {
        pub fn new(gpu: &Gpu, bulk: &BulkFlux) -> Result<Self, ComponentError> {
            let cells = ActiveCells::new(gpu, &bulk.active)?;
            let field = |slabs, has_flags| {
                let shape = BlockShape { cells: bulk.active.len(), slabs, lanes: 1 };
                DeviceField::zeros(gpu, shape, has_flags).map_err(failed)
            };
            let inputs = field(INPUTS.len(), cells.has_flags())?;
            Ok(Self { inputs, surface: field(2, false)?, fluxes: field(6, true)?, results: field(RESULTS, false)?, cells })
        }

        pub fn step(&self, bulk: &BulkFlux, imports: &crate::Fields, exports: &mut crate::Fields) -> Result<(), ComponentError> {
            let gpu = &self.cells.gpu;
            let mut step = Step::new(gpu);
            for (slab, &name) in INPUTS.iter().enumerate() {
                let kept = Conversion { multiply: 1.0 - bulk.albedo, ..Conversion::NOTHING };
                let conversion = if name == SUN { kept } else { Conversion::NOTHING };
                self.cells.gather(&mut step, imports, name, &conversion, (&self.inputs, slab))?;
            }
            let there = Conversion { fill: Some(0.0), ..Conversion::NOTHING };
            self.cells.gather(&mut step, imports, RAIN, &there, (&self.surface, 0))?;
            let ice = imports.on_device(ICE, gpu)?.field();
            convert(&mut step, (ice, 0), &there, (&self.surface, 1)).map_err(failed)?;
            fluxes(&mut step, &bulk.options, &self.inputs, &self.fluxes).map_err(failed)?;
            traded(&mut step, bulk.emissivity, &self.inputs, &self.surface, &self.fluxes, &self.results).map_err(failed)?;
            for (slab, name) in NAMES.iter().enumerate() {
                exports.set(name, self.cells.export(&mut step, (&self.results, slab))?)?;
            }
            let names: Vec<&str> = INPUTS.iter().copied().chain([RAIN]).collect();
            let grid = &bulk.declaration.grids[0].grid;
            if self.cells.finish(step, imports, &names, grid, Some(&self.fluxes))? {
                return Ok(());
            }
            let (_, flags) = self.fluxes.download(gpu).map_err(failed)?;
            let untold = |&cell: &usize| bulk.active[cell] && flags.as_ref().is_some_and(|flags| !flags.get(0, cell));
            (0..bulk.active.len()).find(untold).map_or(Ok(()), |cell| Err(bulk.untold(cell)))
        }
    }
}
