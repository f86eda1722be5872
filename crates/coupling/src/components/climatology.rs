//! An atmosphere of formulas, for what no data set at hand has: radiation, precipitation, and the air over land.

use super::inputs::{active_cells, masked, or_else, part_of_year};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Instant, Interval, Need,
    Parameters, State,
};
use knarr_kernels::bulk_flux::air;
use knarr_kernels::solar;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use std::f64::consts::TAU;

/// An atmosphere that depends on latitude, season, height and land alone.
///
/// With the latitude φ, the part of the year y, and s = sin(2π(y − 0.29)), which is 1 in July:
///
/// | field | formula |
/// |---|---|
/// | sunlight | 1360.8 W m-2 · nearness · daily mean of cos z · `transmissivity` |
/// | air temperature | 27 °C − 45 sin²φ + A sin φ s − 6.5 K/km · height, A = 8 + 17 · land fraction |
/// | relative humidity | 75 % |
/// | specific humidity | that of the temperature, relative humidity and 1013.25 hPa · e^(−height/8 km) |
/// | longwave from above | `emissivity` · σ · temperature⁴ |
/// | wind | 3 + 5 sin²(2φ) m s-1 from the west |
/// | precipitation | `rain` · (0.5 + 2.0 e^(−((φ − 7 s)/9)²) + 0.75 e^(−((abs φ − 45)/15)²)) |
///
/// Formulas are round fits by eye to zonal means of the atmosphere's climate; they stand in where data lack, and are
/// no climatology of a place.
#[derive(Debug)]
pub struct Climatology {
    declaration: Declaration,
    active: Vec<bool>,
    transmissivity: f64,
    emissivity: f64,
    rain: f64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Part of the sunlight that reaches the surface.
    #[serde(default = "default_transmissivity")]
    transmissivity: f64,
    /// Emissivity of the sky, clouds and all.
    #[serde(default = "default_emissivity")]
    emissivity: f64,
    /// Scale of precipitation.
    #[serde(default = "default_rain")]
    rain: crate::document::MassFlux,
}

fn default_transmissivity() -> f64 {
    0.55
}

fn default_emissivity() -> f64 {
    0.84
}

/// 2.7 mm a day.
fn default_rain() -> crate::document::MassFlux {
    crate::document::MassFlux::new(2.7 / 86_400.0)
}

const HUMIDITY: f64 = 75.0;

/// The air at a place and time.
struct Air {
    temperature: f64,
    pressure: f64,
    wind: f64,
}

fn season(part: f64) -> f64 {
    (TAU * (part - 0.29)).sin()
}

fn air(lat_deg: f64, part: f64, height: f64, land: f64) -> Air {
    let phi = lat_deg.to_radians();
    let swing = (8.0 + 17.0 * land) * phi.sin() * season(part);
    let temperature = 300.15 - 45.0 * phi.sin() * phi.sin() + swing - 6.5e-3 * height;
    let turn = (2.0 * phi).sin();
    Air { temperature, pressure: 101_325.0 * (-height / 8000.0).exp(), wind: 3.0 + 5.0 * turn * turn }
}

fn rain_pattern(lat_deg: f64, part: f64) -> f64 {
    let bell = |x: f64, width: f64| (-(x / width) * (x / width)).exp();
    0.5 + 2.0 * bell(lat_deg - 7.0 * season(part), 9.0) + 0.75 * bell(lat_deg.abs() - 45.0, 15.0)
}

const SUN: &str = "surface_downwelling_shortwave_flux_in_air";
const LONGWAVE: &str = "surface_downwelling_longwave_flux_in_air";
const RAIN: &str = "precipitation_flux";

impl Climatology {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "an atmosphere of formulas, where data lack",
            "{kind: climatology, grid: r360x180, step: P1D, parameters: {rain: 2.7 kg m-2 d-1}}",
        )
    }

    /// Makes one from `transmissivity`, `emissivity` and `rain`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let exports = vec![
            Export::flux(SUN, "W m-2", &[]),
            Export::flux(LONGWAVE, "W m-2", &[]),
            Export::flux(RAIN, "kg m-2 s-1", &[]),
            Export::new("air_temperature", "K"),
            Export::new("specific_humidity", "1"),
            Export::new("relative_humidity", "%"),
            Export::new("wind_speed", "m s-1"),
            Export::new("surface_air_pressure", "Pa"),
        ];
        let imports = vec![
            Import::new("surface_altitude", "m").need(Need::Default(0.0)),
            Import::new("land_area_fraction", "1").need(Need::Default(0.0)),
        ];
        Ok(Box::new(Self {
            active: active_cells(&grid),
            transmissivity: settings.transmissivity,
            emissivity: settings.emissivity,
            rain: settings.rain.get(),
            declaration: Declaration { grids: vec![DeclaredGrid { name, grid }], imports, exports },
        }))
    }
}

impl Component for Climatology {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn step(&mut self, interval: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let grid = &self.declaration.grids[0].grid;
        let n = grid.len();
        let height = or_else(imports, "surface_altitude", 0.0, n)?;
        let land = or_else(imports, "land_area_fraction", 0.0, n)?;
        let middle = part_of_year(Instant(interval.start.0 + interval.seconds() / 2), interval.calendar);
        let angle = TAU * middle;
        let sun = solar::CONSTANT * solar::nearness(angle) * self.transmissivity;
        let rows: Vec<[f64; 8]> = (0..n)
            .into_par_iter()
            .with_min_len(512)
            .map(|cell| {
                let lat = grid.center(cell).lat_deg;
                let here = air(lat, middle, height[cell].max(0.0), land[cell].clamp(0.0, 1.0));
                let squared = here.temperature * here.temperature;
                let saturated = air::saturation(here.temperature, here.pressure);
                [
                    sun * solar::daily_zenith_cosine(angle, lat),
                    self.emissivity * knarr_kernels::sea_ice::STEFAN_BOLTZMANN * squared * squared,
                    self.rain * rain_pattern(lat, middle),
                    here.temperature,
                    0.01 * HUMIDITY * saturated,
                    HUMIDITY,
                    here.wind,
                    here.pressure,
                ]
            })
            .collect();
        for (k, export) in self.declaration.exports.iter().enumerate() {
            let column = rows.iter().map(|row| row[k]).collect();
            exports.set(&export.name, masked(column, &self.active))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_those_of_the_table() {
        // At the equator in the calm of the seasons, and at 90° N in July.
        let equator = air(0.0, 0.29, 0.0, 0.0);
        assert!((equator.temperature - 300.15).abs() < 1e-12 && (equator.wind - 3.0).abs() < 1e-12);
        let pole = air(90.0, 0.54, 1000.0, 1.0);
        assert!((pole.temperature - (300.15 - 45.0 + 25.0 - 6.5)).abs() < 1e-9, "{}", pole.temperature);
        assert!((rain_pattern(7.0, 0.54) - (2.5 + 0.75 * (-(38.0_f64 / 15.0).powi(2)).exp())).abs() < 1e-12);
        // The mean of precipitation over the sphere is near its scale.
        let mean: f64 = (0..1800)
            .map(|k| {
                let lat = -90.0 + (f64::from(k) + 0.5) / 10.0;
                rain_pattern(lat, 0.29) * lat.to_radians().cos()
            })
            .sum::<f64>()
            / (0..1800).map(|k| (-90.0 + (f64::from(k) + 0.5) / 10.0_f64).to_radians().cos()).sum::<f64>();
        assert!((0.9..1.3).contains(&mean), "{mean}");
    }
}
