//! The run itself.

mod acceleration;
mod check;
mod coupler;
mod flow;
mod iterate;
mod kept;
mod merge;
mod step;
mod stocks;
mod told;
mod watch;
mod window;

pub use coupler::Coupler;
pub use told::{ComponentCost, CouplingCount};
pub use watch::Watch;
pub(crate) use watch::Watching;
