//! Between data centres: what ECCC and Destination Earth call a field, translation from one side's conventions to the
//! other's, the release gate, packages a receiver can check, and their transfer.
//!
//! [`policy`] says what may leave. [`gate`] looks at an input with every rule, denies by default, and rebuilds what
//! it lets through as a new file ([`classic`]). [`package`] puts the files with their metadata, licences and
//! signatures ([`keys`]) in a folder that anyone can verify without a network; [`audit`] remembers each step.

pub mod audit;
pub mod canonical;
pub mod catalogue;
pub mod classic;
mod error;
pub mod gate;
mod hdf5;
pub mod instant;
pub mod keys;
pub mod package;
pub mod policy;
pub mod sample;
pub mod structure;
pub mod text;
pub mod transfer;
pub mod translate;
pub use knarr_field::units;

pub use catalogue::Catalogue;
pub use error::ExchangeError;
