//! The Canadian fire weather index, under the kernel of that name.

use super::inputs::{active_cells, everywhere, masked};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Interval, Parameters, State,
};
use knarr_kernels::fire_weather::{Codes, Inputs, Outputs, Variant, days};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Six codes from the weather of each day; its step is a day.
///
/// What it imports stands for noon: a component that gives daily means makes the codes too low.
#[derive(Debug)]
pub struct FireWeather {
    declaration: Declaration,
    active: Vec<bool>,
    latitude: Vec<f64>,
    variant: Variant,
    /// FFMC, DMC, DC; while it works on a device those of the start.
    codes: [Vec<f64>; 3],
    #[cfg(feature = "gpu")]
    on_device: Option<on_device::Codes>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Which form of the fine fuel moisture code.
    #[serde(default)]
    variant: VariantName,
    /// Codes at the start.
    #[serde(default)]
    initial: Initial,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum VariantName {
    /// Van Wagner and Pickett (1985).
    #[default]
    Vwp1985,
    /// The R package cffdrs from 1.9 on.
    #[serde(rename = "cffdrs_r_1_9")]
    CffdrsR19,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Initial {
    /// Fine fuel moisture code.
    ffmc: f64,
    /// Duff moisture code.
    dmc: f64,
    /// Drought code.
    dc: f64,
}

impl Default for Initial {
    fn default() -> Self {
        Self { ffmc: Codes::SPRING.fine_fuel, dmc: Codes::SPRING.duff, dc: Codes::SPRING.drought }
    }
}

const NAMES: [&str; 7] = [
    "fine_fuel_moisture_code",
    "duff_moisture_code",
    "drought_code",
    "initial_spread_index",
    "buildup_index",
    "fire_weather_index",
    "daily_severity_rating",
];

impl FireWeather {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "the six codes of the Canadian Forest Fire Weather Index System, day by day",
            "{kind: fire_weather, grid: r360x180, step: P1D, parameters: {initial: {ffmc: 85, dmc: 6, dc: 15}}}",
        )
    }

    /// Makes one from `variant` and `initial`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters, also for a step that is not a day.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        if context.step_s != 86_400 {
            let problem = format!("found {} s, expected P1D: the codes are daily", context.step_s);
            return Err(ComponentError::Parameter { parameter: "step".to_owned(), problem });
        }
        let variant = match settings.variant {
            VariantName::Vwp1985 => Variant::Vwp1985,
            VariantName::CffdrsR19 => Variant::CffdrsR19,
        };
        let n = grid.len();
        let imports = vec![
            Import::new("air_temperature", "degC"),
            Import::new("relative_humidity", "%"),
            Import::new("wind_speed", "km h-1"),
            Import::flux("precipitation_flux", "kg m-2 s-1", &[]),
        ];
        Ok(Box::new(Self {
            active: active_cells(&grid),
            latitude: (0..n).map(|cell| grid.center(cell).lat_deg).collect(),
            variant,
            codes: [settings.initial.ffmc, settings.initial.dmc, settings.initial.dc].map(|code| vec![code; n]),
            #[cfg(feature = "gpu")]
            on_device: None,
            declaration: Declaration {
                grids: vec![DeclaredGrid { name, grid }],
                imports,
                exports: NAMES.iter().map(|name| Export::new(name, "1")).collect(),
            },
        }))
    }
}

impl Component for FireWeather {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn start(&mut self, exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        for (name, code) in NAMES.iter().zip(&self.codes) {
            exports.set(name, masked(code.clone(), &self.active))?;
        }
        Ok(NAMES[..3].iter().map(|&name| name.to_owned()).collect())
    }

    #[cfg(feature = "gpu")]
    fn move_to(&mut self, device: &knarr_regrid::Device) -> Result<bool, ComponentError> {
        if let knarr_regrid::Device::Gpu(gpu) = device {
            self.on_device = Some(on_device::Codes::new(gpu, self)?);
        }
        Ok(self.on_device.is_some())
    }

    fn step(&mut self, interval: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        #[cfg(feature = "gpu")]
        if let Some(codes) = &self.on_device {
            return codes.step(self, interval, imports, exports);
        }
        let grid = self.declaration.grids[0].grid.clone();
        let there = |name: &str| everywhere(imports, name, &grid);
        let rain: Vec<f64> = there("precipitation_flux")?.iter().map(|p| p.max(0.0) * interval.length_s()).collect();
        let inputs = Inputs {
            temperature: there("air_temperature")?,
            relative_humidity: there("relative_humidity")?,
            wind: there("wind_speed")?,
            rain: &rain,
            latitude: &self.latitude,
            valid: Some(&self.active),
        };
        let n = grid.len();
        let mut indices = vec![vec![0.0; n]; 4];
        let [spread, buildup, fire_weather, severity] = &mut indices[..] else { unreachable!("four indices") };
        let [fine_fuel, duff, drought] = &mut self.codes;
        let month = interval.start.date_time(interval.calendar).date.month;
        days(self.variant, month, &inputs, Outputs { fine_fuel, duff, drought, spread, buildup, fire_weather, severity });
        for (name, values) in NAMES.iter().zip(self.codes.iter().chain(&indices)) {
            exports.set(name, masked(values.clone(), &self.active))?;
        }
        Ok(())
    }

    fn save(&self) -> Result<State, ComponentError> {
        #[cfg(feature = "gpu")]
        let read = self.on_device.as_ref().map(|codes| codes.read()).transpose()?;
        #[cfg(not(feature = "gpu"))]
        let read = None;
        let [fine_fuel, duff, drought] = read.as_ref().unwrap_or(&self.codes);
        Ok(State::new().with("fine_fuel", fine_fuel).with("duff", duff).with("drought", drought))
    }

    fn restore(&mut self, state: &State) -> Result<(), ComponentError> {
        let [fine_fuel, duff, drought] = &mut self.codes;
        state.copy("fine_fuel", fine_fuel)?;
        state.copy("duff", duff)?;
        state.copy("drought", drought)?;
        #[cfg(feature = "gpu")]
        if let Some(codes) = &self.on_device {
            codes.write(&self.codes)?;
        }
        Ok(())
    }
}

#[cfg(feature = "gpu")]
mod on_device {
    use super::{FireWeather, NAMES};
    use crate::components::on_device::{ActiveCells, failed};
    use crate::{ComponentError, Fields, Interval};
    use knarr_kernels::convert::Conversion;
    use knarr_kernels::gpu::{BlockShape, DeviceField, Gpu, Step};
    use knarr_kernels::twins::fire_weather::days;

    /// The codes on a device, from day to day.
    #[derive(Debug)]
    pub(super) struct Codes {
        cells: ActiveCells,
        /// Temperature, humidity, wind, rain, and the latitude, which stays.
        weather: DeviceField<f64>,
        codes: DeviceField<f64>,
        indices: DeviceField<f64>,
    }

    impl Codes {
        pub fn new(gpu: &Gpu, fire: &FireWeather) -> Result<Self, ComponentError> {
            let cells = ActiveCells::new(gpu, &fire.active)?;
            let field = |slabs, has_flags| {
                let shape = BlockShape { cells: fire.active.len(), slabs, lanes: 1 };
                DeviceField::zeros(gpu, shape, has_flags).map_err(failed)
            };
            let weather = field(5, cells.has_flags())?;
            let latitude = DeviceField::upload(gpu, fire.latitude.len(), &fire.latitude, None, 1).map_err(failed)?;
            let mut step = Step::new(gpu);
            let copy = |step: &mut Step| {
                knarr_kernels::twins::convert::convert(step, (&latitude, 0), &Conversion::NOTHING, (&weather, 4))
            };
            copy(&mut step).and_then(|()| step.submit()).map_err(failed)?;
            let made = Self { weather, codes: field(3, false)?, indices: field(4, false)?, cells };
            made.write(&fire.codes)?;
            Ok(made)
        }

        pub fn write(&self, codes: &[Vec<f64>; 3]) -> Result<(), ComponentError> {
            self.codes.replace(&self.cells.gpu, &codes.concat(), None).map_err(failed)
        }

        pub fn read(&self) -> Result<[Vec<f64>; 3], ComponentError> {
            let (codes, _) = self.codes.download(&self.cells.gpu).map_err(failed)?;
            let n = codes.len() / 3;
            Ok([0, 1, 2].map(|slab| codes[slab * n..(slab + 1) * n].to_vec()))
        }

        pub fn step(
            &self,
            fire: &FireWeather,
            interval: &Interval,
            imports: &Fields,
            exports: &mut Fields,
        ) -> Result<(), ComponentError> {
            let names = ["air_temperature", "relative_humidity", "wind_speed", "precipitation_flux"];
            let mut step = Step::new(&self.cells.gpu);
            for (slab, name) in names.iter().enumerate() {
                let amount = Conversion { multiply: interval.length_s(), range: Some([0.0, f64::MAX]), ..Conversion::NOTHING };
                let conversion = if slab == 3 { amount } else { Conversion::NOTHING };
                self.cells.gather(&mut step, imports, name, &conversion, (&self.weather, slab))?;
            }
            let month = interval.start.date_time(interval.calendar).date.month;
            days(&mut step, fire.variant, month, &self.weather, &self.codes, &self.indices).map_err(failed)?;
            let slabs = (0..3).map(|slab| (&self.codes, slab)).chain((0..4).map(|slab| (&self.indices, slab)));
            for (name, slab) in NAMES.iter().zip(slabs) {
                exports.set(name, self.cells.export(&mut step, slab)?)?;
            }
            self.cells.finish(step, imports, &names, &fire.declaration.grids[0].grid, None).map(|_| ())
        }
    }
}
