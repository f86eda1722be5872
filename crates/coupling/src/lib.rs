//! Between the components of one run: what a component is, when it steps, what goes from one to another.
//!
//! A [`Component`] declares its grids, imports and exports, and makes steps. A [`Registry`] knows kinds of components by
//! name: a new one plugs in as one file in `components/`.

mod component;
pub mod components;
pub mod document;
mod error;
mod fields;
mod registry;
mod state;
mod time;

pub use component::{Component, Declaration, DeclaredGrid, Effect, Export, Import, Nature, Need, Quantity, Statistic, Stock};
pub use error::ComponentError;
pub use fields::{Fields, Values};
pub use registry::{Constructor, Context, Parameters, Registry};
pub use state::{Array, State};
pub use time::{Instant, Interval, Period};
