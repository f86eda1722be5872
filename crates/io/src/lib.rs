//! Files in, files out: NetCDF fields, grids and weights.

pub mod atomic;
mod cache;
mod carry;
mod chunks;
mod classic;
mod classic_read;
mod container;
mod dataset;
pub mod decode;
mod element;
mod error;
mod grid_in;
mod grid_out;
mod grid_source;
mod job;
mod layout;
pub mod levels;
mod library;
pub mod nc;
pub mod nc_write;
mod output;
mod pipeline;
mod plan;
mod positioned;
mod prepared;
mod references;
pub mod regions;
mod regrid_file;
pub mod resample;
mod rewrite;
mod slabs;
mod statistics;
pub mod times;
mod unfinished;
mod vector_job;
mod vectors;
mod weights;
mod weights_check;

pub use cache::{Cached, WeightsCache};
pub use dataset::{Dataset, Role, VariableInfo, listed_names};
pub use decode::{Decoded, Decoder, NanPolicy, Purpose, read_decoded};
pub use error::{ComponentRemedy, IoError};
pub use grid_in::{read_grid, read_grid_file, read_grid_matching};
pub use grid_out::{GridFormat, output_layout, write_grid};
pub use grid_source::{file_of_argument, grid_from_argument};
pub use layout::{GridLayout, LayoutData, LayoutVariable, VariableGrid};
pub use plan::Plan;
pub use regrid_file::{
    FindWeights, Progress, RegridReport, RegridRequest, UsedWeights, VariableReport, VectorReport, regrid_file, regrid_file_on,
};
pub use slabs::{SlabOrder, Slabs, match_dims_by_size};
pub use statistics::{Conservation, Summary};
pub use unfinished::remove_unfinished;
pub use vectors::{NamedPair, VectorOutput};
pub use weights::{
    CENTER_TOLERANCE_DEG, MemoryPlan, WeightsFile, WeightsFormat, WeightsTiles, check_identity, read_weights, write_weights,
};
pub use weights_check::{Criterion, Outcome, WeightsVerdict, WorstRow, check_weights};
