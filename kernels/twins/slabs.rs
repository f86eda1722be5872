//! Fields of several slabs that a kernel sees at once: what the twins of physics have in common.

use crate::gpu::{Binding, DeviceField, GpuError, Numbers, Parameters, Step, Stored};

/// Fails unless a field has so many slabs of so many cells, each slab a block of its own.
pub(super) fn single_lane<V: Stored>(
    field: &DeviceField<V>,
    what: &'static str,
    cells: usize,
    slabs: usize,
) -> Result<(), GpuError> {
    let shape = field.shape();
    let (found, expected) = (shape.cells * shape.slabs * shape.lanes, cells * slabs);
    if shape.cells == cells && shape.slabs == slabs && shape.lanes == 1 {
        return Ok(());
    }
    Err(GpuError::WrongLength { what, found, expected })
}

/// Fails unless a field has a slab of so many cells at `slab`, each slab a block of its own.
pub(super) fn slab_of<V: Stored>(field: &DeviceField<V>, what: &'static str, cells: usize, slab: usize) -> Result<(), GpuError> {
    single_lane(field, what, cells, field.shape().slabs.max(slab + 1))
}

/// Parameters that begin with the distances between slabs, and whether there are flags.
pub(super) fn parameters<V: Stored>(step: &Step, field: &DeviceField<V>) -> Result<Parameters, GpuError> {
    let shape = field.shape();
    let stride = shape.block_bytes(V::WIDTH.bytes()) / V::WIDTH.bytes() as u64;
    let count = |n: u64| u32::try_from(n).expect("a buffer is below 4 GiB");
    let parameters = Parameters::new(Numbers::of::<V>(step.gpu())?);
    Ok(parameters.count(count(stride)).count(count(shape.flag_bytes() / 4)).count(u32::from(field.has_flags())))
}

/// The flags of all slabs; something to bind if all values are valid.
pub(super) fn flags<V>(field: &DeviceField<V>) -> Binding<'_> {
    Binding::from(field.valid.as_ref().unwrap_or(&field.values))
}
