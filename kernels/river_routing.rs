//! Water on its way to the sea: where each cell drains to, in which order, and how fast.
//!
//! | part | does |
//! |---|---|
//! | [`Network`] | downstream cell of each cell, checked and ordered; of D8 codes or of relief |
//! | [`kinematic`] | kinematic wave on a network, by Newton's method in each cell |
//! | [`reservoir`] | a linear reservoir in each cell, exact in time |
//!
//! Cells of one level of [`Network::levels`] do not depend on each other: levels are what runs in parallel.

pub mod kinematic;
mod network;
pub mod relief;
pub mod reservoir;

pub use network::{Network, NetworkError};

#[cfg(test)]
mod tests;
