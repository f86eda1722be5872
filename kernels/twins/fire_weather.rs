//! Twin of [`mod@crate::fire_weather`]: a day at many points; codes stay on the device from day to day.
//!
//! In double precision codes are those of the processor within 1e-11, in single precision within 2e-3 of their size after
//! a day: exponentials of drying are by the polynomials of `shared/exp_log.wgsl`.

use super::slabs::{self, single_lane};
use crate::fire_weather::{Variant, day_length, drying_factor};
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, DeviceField, GpuError, Kernel, Step, Stored};

/// The whole of it.
pub const DAYS: Kernel = Kernel {
    name: "fire_weather",
    texts: &[include_str!("../fire_weather.wgsl"), include_str!("../shared/exp_log.wgsl")],
    entry: "days",
    bindings: &[("weather", Access::Read), ("weather_valid", Access::Read), ("codes", Access::Write), ("indices", Access::Write)],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Adds a day to a step: `weather` has slabs of temperature (°C), relative humidity (percent), wind (km h⁻¹), rain (mm) and
/// latitude; `codes` of fine fuel, duff and drought, yesterday's before and today's after; `indices` of spread, buildup,
/// fire weather and severity. Where weather is missing codes stay, and indices are 0.
///
/// # Errors
/// [`GpuError::WrongLength`] for other numbers of slabs or cells, or blocks of more than one lane; as [`Step::run`].
pub fn days<V: Stored>(
    step: &mut Step,
    variant: Variant,
    month: u32,
    weather: &DeviceField<V>,
    codes: &DeviceField<V>,
    indices: &DeviceField<V>,
) -> Result<(), GpuError> {
    let cells = weather.shape().cells;
    single_lane(weather, "the weather", cells, 5)?;
    single_lane(codes, "the codes", cells, 3)?;
    single_lane(indices, "the indices", cells, 4)?;
    // Rounds of all loops: exponentials and logarithms are at most 25, of 10 rounds each; the flags.
    let mut parameters = slabs::parameters::<V>(step, weather)?.trips(300).real(variant.moisture_coefficient());
    for latitude in [45.0, 20.0, 0.0, -20.0, -45.0] {
        parameters = parameters.real(day_length(latitude, month));
    }
    for latitude in [45.0, 0.0, -45.0] {
        parameters = parameters.real(drying_factor(latitude, month));
    }
    let bindings =
        [Binding::from(&weather.values), slabs::flags(weather), Binding::from(&codes.values), Binding::from(&indices.values)];
    step.run(&DAYS, parameters, &bindings, cells as u64)
}

#[cfg(test)]
mod tests;
