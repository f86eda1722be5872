//! Between data centres: what may leave, in which package, and how the receiver proves what arrived.
//!
//! [`policy`] says what may leave. [`gate`] looks at an input with every rule, denies by default, and rebuilds what
//! it lets through as a new file ([`classic`]). [`package`] puts the files with their metadata, licences and
//! signatures ([`keys`]) in a folder that anyone can verify without a network; [`audit`] remembers each step.

pub mod canonical;
pub mod classic;
mod error;
pub mod hdf5;
pub mod instant;
pub mod structure;

pub use error::ExchangeError;
