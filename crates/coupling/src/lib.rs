//! Between the components of one run: what a component is, when it steps, what goes from one to another.
//!
//! A [`Component`] declares its grids, imports and exports, and makes steps. A [`Registry`] knows kinds of components by
//! name: a new one plugs in as one file in `components/`. An [`ExperimentFile`] says which of them run together;
//! [`Prepared`] is the plan that comes of it, with all that is wrong with it before anything has run; a [`Coupler`] steps
//! the plan and keeps the [`ledger`].

mod budget;
mod component;
pub mod components;
pub mod document;
mod driver;
mod error;
pub mod experiment;
mod field_values;
mod fields;
mod findings;
mod kind;
pub mod ledger;
mod losses;
mod mapping;
#[cfg(feature = "gpu")]
mod on_device;
mod output;
mod overview;
mod picture;
mod plan;
mod reduction;
mod registry;
pub mod restart;
mod run;
pub mod schedule;
mod state;
mod sums;
mod time;
mod transfer;
mod way;

pub use self::run::{ComponentCost, Coupler, CouplingCount, Watch};
pub use budget::{AccountRow, Book, StockRow};
pub use component::{Component, Declaration, DeclaredGrid, Effect, Export, Import, Nature, Need, Quantity, Statistic, Stock};
pub use driver::{CopyCounts, Progress, Report, RunOptions, run};
pub use error::{ComponentError, RunError};
pub use experiment::{ExperimentError, ExperimentFile};
#[cfg(feature = "gpu")]
pub use field_values::DeviceValues;
pub use field_values::FieldValues;
pub use fields::{Fields, Values};
pub use findings::{Finding, Findings, Severity};
pub use kind::{About, ComponentKind, ParameterInfo};
pub use mapping::{Mapping, Methods, Origin};
pub use overview::{CouplingRow, Event, Overview};
pub use plan::{
    Coupling, Iteration, Part, Plan, PlannedBudget, PlannedComponent, PlannedInitial, PlannedOutput, Prepared, Rotation,
};
pub use reduction::{Reducer, Reduction};
pub use registry::{Constructor, Context, Parameters, Registry};
pub use state::{Array, State};
pub use time::{Instant, Interval, Period};
