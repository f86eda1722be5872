//! What a component of a coupled run is: its declaration, its step, its state.

use crate::{ComponentError, Fields, Interval, State};
use knarr_grid::Grid;
use knarr_regrid::Device;
use std::sync::Arc;

/// A model, a replayed data set or a mediator in a coupled run.
///
/// The coupler calls [`Component::start`] once, then [`Component::step`] for one step after the other. A component knows
/// nothing of the others: it reads imports and fills exports. [`Component::save`] and [`Component::restore`] together lose
/// nothing: a restored component goes on with the same bits.
pub trait Component: Send {
    /// Grids, imports and exports; the same at every call.
    fn declaration(&self) -> &Declaration;

    /// Fills the exports with what holds before the first step, where something does (a sea surface temperature does, a flux
    /// over the first step does not). An exchange with a lag may begin with it (`initial: component`).
    ///
    /// Gives the names of the exports that were filled.
    ///
    /// # Errors
    /// [`ComponentError`] if inputs cannot be read.
    fn start(&mut self, _exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        Ok(Vec::new())
    }

    /// Told once, before the first step, where exchanges are computed. A component that can work there keeps the device and
    /// says `true`: from then on it finds imports there ([`Fields::on_device`]) and leaves exports there ([`Fields::set`] takes
    /// `DeviceValues`). Without this method a component works on the host, and what it takes and gives is copied.
    ///
    /// # Errors
    /// [`ComponentError::Regrid`] if the device has not the memory.
    fn move_to(&mut self, _device: &Device) -> Result<bool, ComponentError> {
        Ok(false)
    }

    /// Goes from the start of `interval` to its end.
    ///
    /// `imports` has what the exchanges deliver at the start of the interval (optional imports that nothing feeds are not
    /// there); `exports` holds the values of the step before and takes those of this one: states at the end of the interval,
    /// fluxes as means over it.
    ///
    /// # Errors
    /// [`ComponentError`] if a value is not usable or inputs cannot be read.
    fn step(&mut self, interval: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError>;

    /// All that a later step depends on, as named arrays.
    ///
    /// # Errors
    /// [`ComponentError::Regrid`] if it cannot be copied from a device.
    fn save(&self) -> Result<State, ComponentError>;

    /// Takes back what [`Component::save`] gave.
    ///
    /// # Errors
    /// [`ComponentError::State`] if an array is missing or has another length.
    fn restore(&mut self, state: &State) -> Result<(), ComponentError>;

    /// What the component holds of a quantity now; `None` if it holds none.
    fn stock(&self, _quantity: Quantity) -> Option<Stock> {
        None
    }

    /// What the last step carried from cell to cell, as change of the stock per area: over the Earth it comes to nothing,
    /// over a basin to what crossed its border. On as many grids as it takes; empty if nothing goes from cell to cell within
    /// the component.
    fn transport(&self, _quantity: Quantity) -> Vec<Stock> {
        Vec::new()
    }
}

/// What the ledger follows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Mass of water in all phases, kg.
    Water,
    /// Heat, J; the zero is liquid water at 0 °C unless a component says otherwise.
    Heat,
    /// Mass of salt, kg.
    Salt,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Water, Self::Heat, Self::Salt];

    /// Its name in experiment files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Water => "water",
            Self::Heat => "heat",
            Self::Salt => "salt",
        }
    }

    /// Units of its amount.
    pub fn units(self) -> &'static str {
        match self {
            Self::Water | Self::Salt => "kg",
            Self::Heat => "J",
        }
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a component holds of a quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Stock {
    /// Which of its grids.
    pub grid: usize,
    /// Amount per area of each cell, kg m-2 or J m-2; 0 where there is none.
    pub per_area: Vec<f64>,
}

/// A grid of a component.
#[derive(Clone, Debug)]
pub struct DeclaredGrid {
    /// Its name in messages: that of the experiment file, or the component's own.
    pub name: String,
    /// Cells and mask; fields matter on active cells only.
    pub grid: Arc<Grid>,
}

/// Grids, imports and exports of a component.
#[derive(Clone, Debug, Default)]
pub struct Declaration {
    /// Its grids; most have one.
    pub grids: Vec<DeclaredGrid>,
    /// Fields it needs or can use.
    pub imports: Vec<Import>,
    /// Fields it gives.
    pub exports: Vec<Export>,
}

/// What a value in time is over its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// The value at the end of the step.
    Point,
    /// Mean over the step.
    Mean,
    /// Total over the step.
    Sum,
    /// Smallest in the step.
    Minimum,
    /// Largest in the step.
    Maximum,
}

/// What a value is in space, and with it what a ledger can make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    /// A state such as a temperature: its integral means nothing.
    State,
    /// An amount per area (and time): its integral over area is what must not get lost.
    Flux,
    /// An amount of the whole cell, such as kg s-1 at a river mouth: its sum over cells must not get lost.
    Amount,
}

/// Whether a step can go without an import.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need {
    /// It cannot.
    Required,
    /// It can; the import is then not there.
    Optional,
    /// It takes this value everywhere, in the units of the import.
    Default(f64),
}

/// What an exchanged field does to the stock of the component that declares it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Of what.
    pub quantity: Quantity,
    /// Change of the stock (kg or J, per area and second for a [`Nature::Flux`], per second for a [`Nature::Amount`]) for a
    /// value of 1 in the field's units: +1 for imported rain in kg m-2 s-1, -1 for exported runoff, +3.34e5 J kg-1 ... .
    pub per_unit: f64,
}

/// A field that a component takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Its name in the experiment file, unique among the imports; the standard name unless there are two of those.
    pub name: String,
    /// Standard name of CF.
    pub standard_name: String,
    /// Units the component expects.
    pub units: String,
    /// Which of the component's grids.
    pub grid: usize,
    /// What it is in space.
    pub nature: Nature,
    /// Whether it must be there.
    pub need: Need,
    /// What it does to the component's stocks.
    pub effects: Vec<Effect>,
}

impl Import {
    /// A required state on the first grid, named by its standard name.
    pub fn new(standard_name: &str, units: &str) -> Self {
        Self {
            name: standard_name.to_owned(),
            standard_name: standard_name.to_owned(),
            units: units.to_owned(),
            grid: 0,
            nature: Nature::State,
            need: Need::Required,
            effects: Vec::new(),
        }
    }

    /// A required flux on the first grid with its effects on stocks.
    pub fn flux(standard_name: &str, units: &str, effects: &[(Quantity, f64)]) -> Self {
        let effects = effects.iter().map(|&(quantity, per_unit)| Effect { quantity, per_unit }).collect();
        Self { nature: Nature::Flux, effects, ..Self::new(standard_name, units) }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same with another need.
    #[must_use]
    pub fn need(mut self, need: Need) -> Self {
        self.need = need;
        self
    }
}

/// A field that a component gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Its name in the experiment file, unique among the exports.
    pub name: String,
    /// Standard name of CF.
    pub standard_name: String,
    /// Units of its values.
    pub units: String,
    /// Which of the component's grids.
    pub grid: usize,
    /// What it is over a step.
    pub statistic: Statistic,
    /// What it is in space.
    pub nature: Nature,
    /// What it does to the component's stocks: negative where giving it takes from them.
    pub effects: Vec<Effect>,
}

impl Export {
    /// A state at the end of the step on the first grid, named by its standard name.
    pub fn new(standard_name: &str, units: &str) -> Self {
        Self {
            name: standard_name.to_owned(),
            standard_name: standard_name.to_owned(),
            units: units.to_owned(),
            grid: 0,
            statistic: Statistic::Point,
            nature: Nature::State,
            effects: Vec::new(),
        }
    }

    /// A flux, mean over the step, on the first grid with its effects on stocks.
    pub fn flux(standard_name: &str, units: &str, effects: &[(Quantity, f64)]) -> Self {
        let effects = effects.iter().map(|&(quantity, per_unit)| Effect { quantity, per_unit }).collect();
        Self { statistic: Statistic::Mean, nature: Nature::Flux, effects, ..Self::new(standard_name, units) }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }
}
