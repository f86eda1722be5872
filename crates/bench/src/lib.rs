//! How right and how fast Knarr is: methods scored on published fields, kernels held against the machine's limits, both
//! beside other programs.

pub mod accuracy;
mod page;
pub mod speed;

pub use page::DrawingError;
