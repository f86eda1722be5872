//! Kernels on a graphics processor, one file for each; what they compute is told at the kernel of the same name.

pub mod axes_location;
pub mod blocked_layout;
pub mod bulk_flux;
pub mod cell_area;
#[cfg(test)]
mod chain;
pub mod convert;
pub mod exclusive_scan;
pub mod fire_weather;
pub mod global_integral;
pub mod merge_tiles;
pub mod open_water;
pub mod overlap;
pub mod overlap_products;
pub mod overlap_rows;
pub mod point_hash;
pub mod polygon_hash;
pub mod reduced_location;
pub mod river_routing;
pub mod rotate_vectors;
pub mod sea_ice;
mod slabs;
pub mod sparse_apply;
pub mod time_reduce;
pub mod vertical;
pub mod zone_sums;

use crate::gpu::Kernel;

/// All kernels: what the guards check.
pub const KERNELS: &[Kernel] = &[
    crate::gpu::COPY,
    axes_location::LOCATE,
    blocked_layout::TO_BLOCKS,
    blocked_layout::TO_SLABS,
    blocked_layout::FLAGS_TO_BLOCKS,
    blocked_layout::FLAGS_TO_SLABS,
    bulk_flux::FLUXES,
    cell_area::POLYGON_AREAS,
    convert::CONVERT,
    exclusive_scan::OF_CHUNKS,
    exclusive_scan::FILL,
    fire_weather::DAYS,
    global_integral::OF_CELLS,
    global_integral::OF_PARTIALS,
    merge_tiles::MERGE,
    open_water::TRADED,
    overlap::PAIR_AREAS,
    overlap::COUNT,
    overlap::FILL,
    overlap_products::COUNT,
    overlap_products::AREAS,
    overlap_rows::COUNT,
    overlap_rows::FILL,
    overlap_rows::PAIR_AREAS,
    point_hash::NEAREST,
    polygon_hash::CONTAINING,
    reduced_location::LOCATE,
    river_routing::KINEMATIC,
    river_routing::RESERVOIR,
    rotate_vectors::TO_CARTESIAN,
    rotate_vectors::FROM_CARTESIAN,
    sea_ice::STEP,
    sparse_apply::BY_QUADS,
    sparse_apply::FULL,
    sparse_apply::SINGLE,
    sparse_apply::LONG,
    time_reduce::PERIODS,
    time_reduce::BETWEEN,
    time_reduce::ADD,
    time_reduce::FINISH,
    vertical::AT_LEVELS,
    vertical::LAYER_MEANS,
    zone_sums::OF_CELLS,
    zone_sums::OF_PARTIALS,
];
