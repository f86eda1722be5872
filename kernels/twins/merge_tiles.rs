//! Twin of [`mod@crate::merge_tiles`]: the same sums in the same order.
//!
//! In double precision the processor's bits, unless the device fuses products with sums; then within an ulp of each term.

use super::slabs::{self, single_lane, slab_of};
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, DeviceField, GpuError, Kernel, Step, Stored};

/// The whole of it.
pub const MERGE: Kernel = Kernel {
    name: "merge_tiles",
    texts: &[include_str!("../merge_tiles.wgsl")],
    entry: "merge",
    bindings: &[
        ("fractions", Access::Read),
        ("values", Access::Read),
        ("values_valid", Access::Read),
        ("merged", Access::Write),
        ("merged_valid", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Adds a merge to a step: a slab of fractions and one of values for each surface become a slab of `merged`, which has
/// flags.
///
/// # Errors
/// [`GpuError::WrongLength`] for slabs that do not fit each other, a slab that is not there, or blocks of more than one
/// lane; as [`Step::run`].
pub fn merge<V: Stored>(
    step: &mut Step,
    fractions: &DeviceField<V>,
    values: &DeviceField<V>,
    (merged, slab): (&DeviceField<V>, usize),
) -> Result<(), GpuError> {
    let (cells, tiles) = (values.shape().cells, values.shape().slabs);
    single_lane(values, "the values", cells, tiles)?;
    single_lane(fractions, "the fractions", cells, tiles)?;
    slab_of(merged, "the merged field", cells, slab)?;
    if !merged.has_flags() {
        return Err(GpuError::WrongLength { what: "the flags of the merged field", found: 0, expected: cells });
    }
    let count = u32::try_from(tiles).expect("few surfaces");
    let parameters = slabs::parameters::<V>(step, values)?;
    let parameters = parameters.count(count).trips(tiles.max(1) as u64);
    let bindings = [
        Binding::from(&fractions.values),
        Binding::from(&values.values),
        slabs::flags(values),
        merged.block(slab),
        merged.flags(slab),
    ];
    step.run(&MERGE, parameters, &bindings, cells as u64)
}

#[cfg(test)]
mod tests;
