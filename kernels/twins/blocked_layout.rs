//! Twin of [`crate::blocked_layout`]: slabs of the host become blocks on their way, and back.

use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, DeviceField, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Stored, Width};
use crate::sparse_apply::SlabFlags;

/// Slabs to a block.
pub const TO_BLOCKS: Kernel = Kernel {
    name: "blocked_layout",
    texts: &[include_str!("../blocked_layout.wgsl")],
    entry: "to_blocks",
    bindings: &[("slab_values", Access::Read), ("block_values", Access::Write)],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// A block to slabs.
pub const TO_SLABS: Kernel = Kernel {
    name: "blocked_layout_back",
    texts: &[include_str!("../blocked_layout_back.wgsl")],
    entry: "to_slabs",
    bindings: &[("block_values", Access::Read), ("slab_values", Access::Write)],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Flags of slabs to words of a block.
pub const FLAGS_TO_BLOCKS: Kernel = Kernel {
    name: "blocked_flags",
    texts: &[include_str!("../blocked_flags.wgsl")],
    entry: "to_blocks",
    bindings: &[("before", Access::Read), ("after", Access::Write)],
    numbers: &[SINGLE],
    loops: true,
};

/// Words of a block to flags of slabs.
pub const FLAGS_TO_SLABS: Kernel = Kernel { entry: "to_slabs", ..FLAGS_TO_BLOCKS };

/// Kernels that only move bits need no double precision.
const SINGLE: Numbers = Numbers { stored: Width::F32, real: Width::F32 };

fn moving<V: Stored>() -> Numbers {
    Numbers { stored: V::WIDTH, real: V::WIDTH }
}

/// Words of 32 flags of a slab, as [`SlabFlags`] has them.
fn words_of(cells: usize) -> usize {
    2 * cells.div_ceil(64)
}

/// Writes slabs into the blocks of `field`.
pub(crate) fn upload<V: Stored>(
    gpu: &Gpu,
    field: &DeviceField<V>,
    values: &[V],
    valid: Option<&SlabFlags>,
) -> Result<(), GpuError> {
    let shape = field.shape();
    let (cells, lanes, words) = (shape.cells, shape.lanes, words_of(shape.cells));
    if cells == 0 || shape.slabs == 0 {
        return gpu.check();
    }
    let most = lanes.min(shape.slabs);
    // Slabs of a lane each are blocks already.
    let staged = gpu.buffer("slabs on their way", if lanes == 1 { 0 } else { (most * cells * V::WIDTH.bytes()) as u64 })?;
    let staged_flags = gpu.buffer("flags on their way", if valid.is_some() { 4 * (most * words) as u64 } else { 0 })?;
    for block in 0..shape.blocks() {
        let slabs = shape.slabs_of(block);
        let first = block * lanes;
        let own = &values[first * cells..(first + slabs) * cells];
        let mut step = Step::new(gpu);
        if lanes == 1 {
            gpu.write(&field.values, block as u64 * shape.block_bytes(V::WIDTH.bytes()), own)?;
        } else {
            gpu.write(&staged, 0, own)?;
            let parameters =
                Parameters::new(moving::<V>()).count(cells as u32).count(lanes as u32).count(slabs as u32).trips(lanes as u64);
            let used = Binding::part(&staged, 0, (slabs * cells * V::WIDTH.bytes()) as u64);
            step.run(&TO_BLOCKS, parameters, &[used, field.block(block)], cells as u64)?;
        }
        if let Some(valid) = valid {
            let flags: Vec<u64> = (first..first + slabs).flat_map(|slab| valid.slab(slab)).copied().collect();
            gpu.write(&staged_flags, 0, &flags)?;
            let parameters =
                Parameters::new(SINGLE).count(cells as u32).count(words as u32).count(slabs as u32).trips(33 * lanes as u64);
            step.run(&FLAGS_TO_BLOCKS, parameters, &[(&staged_flags).into(), field.flags(block)], cells as u64)?;
        }
        if !step.is_empty() {
            step.submit()?;
        }
    }
    Ok(())
}

/// Reads the slabs of `field`.
pub(crate) fn download<V: Stored>(gpu: &Gpu, field: &DeviceField<V>) -> Result<(Vec<V>, Option<SlabFlags>), GpuError> {
    let shape = field.shape();
    let (cells, lanes, words) = (shape.cells, shape.lanes, words_of(shape.cells));
    let mut values = vec![V::default(); cells * shape.slabs];
    let mut valid = field.has_flags().then(|| SlabFlags::none(cells, shape.slabs));
    if values.is_empty() {
        gpu.check()?;
        return Ok((values, valid));
    }
    let most = lanes.min(shape.slabs);
    // Slabs of a lane each are blocks already.
    let staged = gpu.buffer("slabs on their way", if lanes == 1 { 0 } else { (most * cells * V::WIDTH.bytes()) as u64 })?;
    let staged_flags = gpu.buffer("flags on their way", if valid.is_some() { 4 * (most * words) as u64 } else { 0 })?;
    for block in 0..shape.blocks() {
        let (slabs, first) = (shape.slabs_of(block), block * lanes);
        let mut step = Step::new(gpu);
        let parameters =
            Parameters::new(moving::<V>()).count(cells as u32).count(lanes as u32).count(slabs as u32).trips(lanes as u64);
        if lanes > 1 {
            step.run(&TO_SLABS, parameters, &[field.block(block), (&staged).into()], cells as u64)?;
        }
        if valid.is_some() {
            let parameters =
                Parameters::new(SINGLE).count(cells as u32).count(words as u32).count(slabs as u32).trips(33 * lanes as u64);
            step.run(&FLAGS_TO_SLABS, parameters, &[field.flags(block), (&staged_flags).into()], words as u64)?;
        }
        if !step.is_empty() {
            step.submit()?;
        }
        // A block of one lane is a slab already.
        let (from, at) = match lanes {
            1 => (&field.values, block as u64 * shape.block_bytes(V::WIDTH.bytes())),
            _ => (&staged, 0),
        };
        gpu.read_into(from, at, &mut values[first * cells..(first + slabs) * cells])?;
        if let Some(valid) = &mut valid {
            let per_slab = words / 2;
            gpu.read_into(&staged_flags, 0, &mut valid.words_mut()[first * per_slab..(first + slabs) * per_slab])?;
        }
    }
    Ok((values, valid))
}
