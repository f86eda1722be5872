//! A box in every cell that relaxes to what it imports: small, exact, and enough to test a coupler with.

use crate::document::{Fraction, Seconds};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Effect, Export, Fields, Import, Instant, Interval,
    Nature, Need, Parameters, Quantity, State, Statistic, Stock,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// A box with a content x (heat per area, J m-2), which imported fluxes fill and exported ones drain.
///
/// Over a step of length dt from time t, with the sum q of the imports:
/// flux = x/τ + a·(1 + sin λ cos φ cos(2π t/1 day)), x' = x + dt·(q - flux), at longitude λ and latitude φ; exported are
/// the flux (mean over the step) and x' (at its end).
#[derive(Debug)]
pub struct Analytic {
    declaration: Declaration,
    residence_s: f64,
    amplitude: f64,
    pattern: Vec<f64>,
    content: Vec<f64>,
    cost: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Names of the fluxes it takes, in W m-2.
    #[serde(default)]
    imports: Vec<String>,
    /// Names of imports it can do without.
    #[serde(default)]
    optional: Vec<String>,
    /// Name of the flux it gives, in W m-2.
    #[serde(default = "default_flux")]
    flux: String,
    /// Name of the content it gives, in J m-2.
    #[serde(default = "default_content")]
    content: String,
    /// How long the content stays.
    residence: Option<Seconds>,
    /// Amplitude of what it gives by itself, W m-2.
    #[serde(default)]
    amplitude: Option<Fraction>,
    /// Content at the start, J m-2.
    #[serde(default)]
    initial: f64,
    /// Rounds of arithmetic without effect per cell and step, to stand for a costly model.
    #[serde(default)]
    cost: u32,
}

fn default_flux() -> String {
    "surface_downward_heat_flux".to_owned()
}

fn default_content() -> String {
    "heat_content".to_owned()
}

impl Analytic {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "a box that relaxes to what it imports, for tests and timings",
            "{kind: analytic, grid: r360x180, step: P1D, parameters: {imports: [sea_flux], flux: air_flux, residence: 30 h, amplitude: 10}}",
        )
    }

    /// Makes one from `imports`, `optional`, `flux`, `content`, `residence`, `amplitude`, `initial`, `cost`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] for parameters of another form, [`ComponentError::Parameter`] without a grid.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let heat = |per_unit| vec![Effect { quantity: Quantity::Heat, per_unit }];
        let import = |name: &String, need| Import { need, ..Import::flux(name, "W m-2", &[(Quantity::Heat, 1.0)]) };
        let required = settings.imports.iter().map(|name| import(name, Need::Required));
        let optional = settings.optional.iter().map(|name| import(name, Need::Optional));
        let export = |name: &str, units: &str, statistic, nature, effects| Export {
            statistic,
            nature,
            effects,
            ..Export::new(name, units)
        };
        let pattern = (0..grid.len()).map(|cell| {
            let p = grid.center(cell).unit();
            p[1]
        });
        Ok(Box::new(Self {
            residence_s: settings.residence.map_or(f64::INFINITY, Seconds::get),
            amplitude: settings.amplitude.map_or(0.0, Fraction::get),
            pattern: pattern.collect(),
            content: vec![settings.initial; grid.len()],
            cost: settings.cost,
            declaration: Declaration {
                grids: vec![DeclaredGrid { name, grid }],
                imports: required.chain(optional).collect(),
                exports: vec![
                    export(&settings.flux, "W m-2", Statistic::Mean, Nature::Flux, heat(-1.0)),
                    export(&settings.content, "J m-2", Statistic::Point, Nature::State, Vec::new()),
                ],
            },
        }))
    }

    fn day_phase(at: Instant) -> f64 {
        (at.0.rem_euclid(86_400) as f64 / 86_400.0 * std::f64::consts::TAU).cos()
    }
}

impl Component for Analytic {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn start(&mut self, exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        let name = self.declaration.exports[1].name.clone();
        exports.set(&name, self.content.clone())?;
        Ok(vec![name])
    }

    fn step(&mut self, interval: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let (dt, phase) = (interval.length_s(), Self::day_phase(interval.start));
        let flux: Vec<f64> = (0..self.content.len())
            .map(|cell| self.content[cell] / self.residence_s + self.amplitude * (1.0 + self.pattern[cell] * phase))
            .collect();
        let mut given = Vec::new();
        for import in &self.declaration.imports {
            given.extend(imports.find(&import.name)?);
        }
        for (cell, content) in self.content.iter_mut().enumerate() {
            let taken: f64 = given.iter().filter_map(|values| values.get(cell)).sum();
            *content += dt * (taken - flux[cell]);
            // Rounds that leave the content as it is, and are not left out.
            let mut x = *content;
            for _ in 0..self.cost {
                x = (x * 1.000_000_1).sin().abs();
            }
            std::hint::black_box(x);
        }
        exports.set(&self.declaration.exports[0].name, flux)?;
        exports.set(&self.declaration.exports[1].name, self.content.clone())
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new().with("content", &self.content))
    }

    fn restore(&mut self, state: &State) -> Result<(), ComponentError> {
        state.copy("content", &mut self.content)
    }

    fn stock(&self, quantity: Quantity) -> Option<Stock> {
        (quantity == Quantity::Heat).then(|| Stock { grid: 0, per_area: self.content.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_field::Calendar;
    use knarr_grid::Grid;
    use std::sync::Arc;

    #[test]
    fn what_a_box_takes_and_gives_is_what_its_content_gains() {
        let grid = Arc::new(Grid::from_spec("r8x4").expect("a grid"));
        let context = Context {
            name: "box".into(),
            grid: Some(("g".into(), grid)),
            grids: Default::default(),
            folder: ".".into(),
            calendar: Calendar::NoLeap,
            start: Instant(0),
            stop: Instant(86_400),
            step_s: 3600,
        };
        let yaml = "{imports: [surface_upward_heat_flux], residence: 10 h, amplitude: 5, initial: 1e6}";
        let mut component = Analytic::make(&context, &Parameters::from_yaml(yaml).expect("YAML")).expect("fits");
        let declaration = component.declaration().clone();
        let (mut imports, mut exports) = (Fields::for_imports(&declaration), Fields::for_exports(&declaration));
        imports.set("surface_upward_heat_flux", vec![7.0; 32]).expect("declared");
        let interval = Interval { start: Instant(0), end: Instant(3600), calendar: Calendar::NoLeap };
        let before = component.stock(Quantity::Heat).expect("heat").per_area;
        let saved = component.save().expect("on the host");
        component.step(&interval, &imports, &mut exports).expect("steps");
        let after = component.stock(Quantity::Heat).expect("heat").per_area;
        let flux = &exports.get("surface_downward_heat_flux").expect("exported").values;
        for cell in 0..32 {
            let gain = after[cell] - before[cell];
            // One rounding of a content of 1e6.
            assert!((gain - 3600.0 * (7.0 - flux[cell])).abs() <= 1e6 * f64::EPSILON);
        }
        let first = exports.clone();
        component.restore(&saved).expect("its own state");
        component.step(&interval, &imports, &mut exports).expect("steps");
        assert_eq!(exports, first);
    }
}
