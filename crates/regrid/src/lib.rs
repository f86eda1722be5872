//! How values move between grids: weights, the methods that make them, and their application.

mod apply;
mod error;
mod identity;
mod links;
pub mod methods;
mod options;
pub mod regions;
mod search;
mod weights;

pub use apply::{MissingPolicy, Regridder};
pub use error::RegridError;
pub use identity::{content_hash, options_hash};
pub use options::{Edges, Extrapolation, Method, Normalization, Options};
pub use weights::{Weights, WeightsOrigin};
