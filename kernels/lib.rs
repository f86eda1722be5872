//! Numeric kernels on plain slices.
//!
//! Kernels know slices, not grids or fields, so that they run, are tested and are timed without files.
//! Directions on the sphere are unit vectors `[x, y, z]`, areas are steradians on the unit sphere.

pub mod angles;
pub mod axes_location;
pub mod bilinear;
pub mod blocked_layout;
pub mod bulk_flux;
pub mod cell_area;
pub mod convert;
pub mod device;
mod double_double;
pub mod fire_weather;
pub mod global_integral;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod land_bucket;
pub mod merge_tiles;
pub mod open_water;
pub mod outline;
pub mod overlap;
pub mod overlap_batch;
pub mod overlap_products;
pub mod overlap_rows;
pub mod overlap_statistics;
pub mod point_hash;
pub mod polygon_hash;
pub mod reduced_location;
pub mod river_routing;
pub mod rotate_vectors;
pub mod sea_ice;
pub mod slab_ocean;
pub mod solar;
pub mod sparse_apply;
pub mod sphere;
pub mod tangent_plane;
pub mod time_reduce;
#[cfg(feature = "gpu")]
pub mod twins;
pub mod vertical;
pub mod zone_sums;
