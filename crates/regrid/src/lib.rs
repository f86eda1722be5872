//! How values move between grids: weights, the methods that make them, and their application.

mod apply;
mod device;
mod error;
mod estimate;
mod finish;
mod growing;
mod identity;
mod limit;
mod links;
pub mod methods;
mod options;
pub mod regions;
mod search;
mod stack;
mod vectors;
mod weights;

pub use apply::{MissingPolicy, PreparedRegridder, Regridder};
pub use device::{Device, DeviceValue, RegridderOn};
pub use error::RegridError;
pub use estimate::Estimate;
pub use finish::{Finish, Limit, Statistic};
pub use identity::{content_hash, hash_of, hashes_of, options_hash};
pub use knarr_kernels::sparse_apply::{SlabFlags, Value};
pub use methods::cell_areas;
pub use options::{Edges, Extrapolation, Keeps, Method, Normalization, Options};
pub use stack::{Defaults, Layer, Levels, Stack, StackOn, StackRegridder, StackWeights};
pub use vectors::{Axes, VectorRegridder, VectorSource};
pub use weights::{Weights, WeightsOrigin};
