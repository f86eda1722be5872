//! Kernels on a graphics processor, one file for each; what they compute is told at the kernel of the same name.

pub mod blocked_layout;
pub mod bulk_flux;
pub mod fire_weather;
pub mod merge_tiles;
mod slabs;
pub mod sparse_apply;

use crate::gpu::Kernel;

/// All kernels: what the guards check.
pub const KERNELS: &[Kernel] = &[
    blocked_layout::TO_BLOCKS,
    blocked_layout::TO_SLABS,
    blocked_layout::FLAGS_TO_BLOCKS,
    blocked_layout::FLAGS_TO_SLABS,
    sparse_apply::BY_QUADS,
    sparse_apply::SINGLE,
    sparse_apply::LONG,
    bulk_flux::FLUXES,
    fire_weather::DAYS,
    merge_tiles::MERGE,
];
