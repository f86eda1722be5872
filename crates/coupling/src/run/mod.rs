//! The run itself.

mod acceleration;
mod coupler;
mod flow;
mod iterate;
mod merge;
mod stocks;

pub use coupler::{ComponentCost, Coupler, CouplingCount};
