//! Between data centres: what ECCC and Destination Earth call a field, translation from one side's conventions to the
//! other's, the release gate, packages a receiver can check, and their transfer.

pub mod catalogue;
pub mod transfer;
pub mod translate;
pub mod units;

pub use catalogue::Catalogue;
