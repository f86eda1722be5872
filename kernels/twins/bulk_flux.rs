//! Twin of [`mod@crate::bulk_flux`]: all schemes, with the cool skin.
//!
//! In double precision fluxes are those of the processor within 1e-11 of the largest in the field, in single precision
//! within 2e-4; the scheme of Andreas et al. jumps by percents where a table of it changes its range, so that single
//! precision may be on the other side there.

use super::slabs::{self, single_lane};
use crate::bulk_flux::{Options, Scheme};
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, DeviceField, GpuError, Kernel, Step, Stored};

/// The whole of it.
pub const FLUXES: Kernel = Kernel {
    name: "bulk_flux",
    texts: &[
        include_str!("../bulk_flux.wgsl"),
        include_str!("../bulk_flux/air.wgsl"),
        include_str!("../bulk_flux/ncar.wgsl"),
        include_str!("../bulk_flux/skin.wgsl"),
        include_str!("../bulk_flux/coare.wgsl"),
        include_str!("../bulk_flux/ecmwf.wgsl"),
        include_str!("../bulk_flux/andreas.wgsl"),
        include_str!("../shared/exp_log.wgsl"),
    ],
    entry: "fluxes",
    bindings: &[
        ("inputs", Access::Read),
        ("inputs_valid", Access::Read),
        ("outputs", Access::Write),
        ("outputs_valid", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Adds fluxes to a step: `inputs` has slabs in the order of [`crate::bulk_flux::Inputs`], `outputs` in that of
/// [`crate::bulk_flux::Outputs`], with flags.
///
/// # Errors
/// [`GpuError::WrongLength`] for other numbers of slabs or cells, blocks of more than one lane, or outputs without flags;
/// as [`Step::run`].
pub fn fluxes<V: Stored>(
    step: &mut Step,
    options: &Options,
    inputs: &DeviceField<V>,
    outputs: &DeviceField<V>,
) -> Result<(), GpuError> {
    let cells = inputs.shape().cells;
    single_lane(inputs, "the inputs", cells, 8)?;
    single_lane(outputs, "the outputs", cells, 6)?;
    let Some(outputs_valid) = &outputs.valid else {
        return Err(GpuError::WrongLength { what: "the flags of the outputs", found: 0, expected: 6 * cells });
    };
    let scheme = match options.scheme {
        Scheme::Ncar => 0,
        Scheme::Coare30 => 1,
        Scheme::Coare36 => 2,
        Scheme::Ecmwf => 3,
        Scheme::Andreas => 4,
    };
    let (zu, zt) = (options.wind_height, options.air_height);
    let parameters = slabs::parameters::<V>(step, inputs)?
        .count(scheme)
        .count(u32::from(options.cool_skin))
        .count(options.iterations)
        .count(u32::from((zu - zt).abs() < 0.01))
        // Rounds of all loops: an iteration has at most 60 exponentials and logarithms of 10 rounds, more with a skin.
        .trips(600 * (2 + u64::from(options.iterations)))
        .real(zu)
        .real(zt)
        .real(zu.ln())
        .real(zt.ln())
        .real((zt / zu).ln())
        .real((zu / 10.0).ln());
    let bindings =
        [Binding::from(&inputs.values), slabs::flags(inputs), Binding::from(&outputs.values), Binding::from(outputs_valid)];
    step.run(&FLUXES, parameters, &bindings, cells as u64)
}

#[cfg(test)]
mod tests;
