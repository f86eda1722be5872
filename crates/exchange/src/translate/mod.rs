//! From one centre's conventions to canonical CF, and to the other's.
//!
//! | what | how | inverse |
//! |---|---|---|
//! | names | `paramId`, else the name, else the standard name; namesakes by their vertical axis | the other side's first name |
//! | units | linear, by their text; depths of water and geopotential across a constant | the same |
//! | sign | `negate` | itself |
//! | run totals | differences of steps over their seconds, also where the tag says W m-2 | means times seconds, summed |
//! | vectors | turned from the grid's axes to east and north before anything else | turned back |
//! | soil layers | means by overlap of layers | the same |
//! | ratios | numerator and denominator are exchanged, the ratio is taken last | numerator = ratio · denominator |
//! | order of HEALPix cells | a permutation | the permutation |
//!
//! A file is taken to canonical form, then to the partner's grid, then to the partner's form; each is a file of its own
//! that is gone in the end.

pub mod accumulation;
mod attributes;
mod chain;
mod copy;
mod error;
mod identify;
mod jobs;
mod layers;
mod pass;
mod request;
mod run;
mod slab;
pub mod texture;
mod timing;
mod vectors;

pub use chain::{Chain, ChainError, Surroundings};
pub use error::TranslateError;
pub use layers::{BadLayers, LEAST_COVER, LayerOverlap, between};
pub use request::{FieldReport, Report, Request, Statistic, VectorAxes, translate};
pub use slab::Slab;
pub use vectors::{EarthRelative, GridRelative, NoAxes, Turn};
