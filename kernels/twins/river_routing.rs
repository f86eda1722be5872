//! Twins of [`crate::river_routing`]: a dispatch per level of the network, sources first.
//!
//! In double precision discharges of the kinematic wave are those of the processor within 1e-11 of their size, in single
//! precision within 2e-4; reservoirs within an ulp of each term.

use super::slabs::single_lane;
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, Buffer, DeviceField, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Stored};
use crate::river_routing::Network;
use crate::river_routing::kinematic::{Channel, LEAST_DISCHARGE};
use crate::river_routing::reservoir::emptied;

/// The kinematic wave in a level.
pub const KINEMATIC: Kernel = Kernel {
    name: "river_routing_kinematic",
    texts: &[include_str!("../river_routing/kinematic.wgsl"), include_str!("../shared/exp_log.wgsl")],
    entry: "level",
    bindings: &[
        ("order", Access::Read),
        ("starts", Access::Read),
        ("upstream", Access::Read),
        ("old", Access::Read),
        ("lateral", Access::Read),
        ("now", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Linear reservoirs of a level.
pub const RESERVOIR: Kernel = Kernel {
    name: "river_routing_reservoir",
    texts: &[include_str!("../river_routing/reservoir.wgsl")],
    entry: "level",
    bindings: &[
        ("order", Access::Read),
        ("starts", Access::Read),
        ("upstream", Access::Read),
        ("channel", Access::Read),
        ("local", Access::Read),
        ("held", Access::Write),
        ("outflow", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// A network on a device.
#[derive(Debug)]
pub struct DeviceNetwork {
    cells: usize,
    order: Buffer,
    starts: Buffer,
    upstream: Buffer,
    /// Number of cells of each level.
    levels: Vec<u32>,
    /// The most cells that drain into one.
    most: u64,
}

impl DeviceNetwork {
    /// Copies a network to a device.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn upload(gpu: &Gpu, network: &Network) -> Result<Self, GpuError> {
        let (mut order, mut levels, mut starts, mut upstream) = (Vec::new(), Vec::new(), vec![0], Vec::new());
        let count = |n: usize| u32::try_from(n).expect("a network has fewer cells");
        for level in network.levels() {
            order.extend_from_slice(level);
            levels.push(count(level.len()));
        }
        for cell in 0..network.len() {
            upstream.extend_from_slice(network.upstream(cell));
            starts.push(count(upstream.len()));
        }
        Ok(Self {
            cells: network.len(),
            order: gpu.upload("the order of cells", &order)?,
            starts: gpu.upload("starts of what drains", &starts)?,
            upstream: gpu.upload("what drains", &upstream)?,
            levels,
            most: starts.windows(2).map(|w| u64::from(w[1] - w[0])).max().unwrap_or(0),
        })
    }

    /// Adds a dispatch per level.
    fn run(
        &self,
        step: &mut Step,
        kernel: &Kernel,
        fields: &[&Buffer],
        parameters: impl Fn(u32) -> Parameters,
    ) -> Result<(), GpuError> {
        let mut bindings: Vec<Binding<'_>> = vec![(&self.order).into(), (&self.starts).into(), (&self.upstream).into()];
        bindings.extend(fields.iter().map(|&field| Binding::from(field)));
        let mut first = 0;
        for &cells in &self.levels {
            step.run(kernel, parameters(first), &bindings, cells.into())?;
            first += cells;
        }
        Ok(())
    }
}

/// Adds a step of the kinematic wave: discharges `now` from those before and what comes from the sides, a slab each.
///
/// # Errors
/// [`GpuError::WrongLength`] for other numbers of slabs or cells, or blocks of more than one lane; as [`Step::run`].
pub fn kinematic<V: Stored>(
    step: &mut Step,
    network: &DeviceNetwork,
    channel: &Channel,
    old: &DeviceField<V>,
    lateral: &DeviceField<V>,
    now: &DeviceField<V>,
) -> Result<(), GpuError> {
    for (what, field) in [("the old discharges", old), ("the lateral inflow", lateral), ("the discharges", now)] {
        single_lane(field, what, network.cells, 1)?;
    }
    let numbers = Numbers::of::<V>(step.gpu())?;
    let Channel { alpha, beta, seconds, length } = *channel;
    let parameters = |first| {
        let parameters = Parameters::new(numbers).count(first);
        let parameters = parameters.real(alpha).real(beta).real(1.0 / beta).real(seconds / length).real(seconds);
        // 63 powers of an exponential and a logarithm, of 10 rounds each.
        parameters.real(LEAST_DISCHARGE).real(alpha * LEAST_DISCHARGE.powf(beta)).trips(60 + 63 * 20 + network.most)
    };
    network.run(step, &KINEMATIC, &[&old.values, &lateral.values, &now.values], parameters)
}

/// What [`channels`] gives: slabs of residence and of the part that leaves in a step.
#[derive(Debug)]
pub struct Channels<V> {
    field: DeviceField<V>,
    seconds: f64,
}

/// Copies residence times (s) to a device, for steps of so many seconds.
///
/// # Errors
/// As [`DeviceField::upload`].
pub fn channels<V: Stored>(gpu: &Gpu, residence: &[f64], seconds: f64) -> Result<Channels<V>, GpuError> {
    let both = residence.iter().copied().chain(residence.iter().map(|&k| emptied(k, seconds)));
    let values: Vec<V> = both.map(V::from_f64).collect();
    Ok(Channels { field: DeviceField::upload(gpu, residence.len(), &values, None, 1)?, seconds })
}

/// Adds a step of linear reservoirs: what they hold goes on from `held`, mean outflows of the step come to `outflow`.
///
/// # Errors
/// [`GpuError::WrongLength`] for other numbers of slabs or cells, or blocks of more than one lane; as [`Step::run`].
pub fn reservoirs<V: Stored>(
    step: &mut Step,
    network: &DeviceNetwork,
    channels: &Channels<V>,
    local: &DeviceField<V>,
    held: &DeviceField<V>,
    outflow: &DeviceField<V>,
) -> Result<(), GpuError> {
    single_lane(&channels.field, "the channels", network.cells, 2)?;
    for (what, field) in [("the local inflow", local), ("what is held", held), ("the outflow", outflow)] {
        single_lane(field, what, network.cells, 1)?;
    }
    let numbers = Numbers::of::<V>(step.gpu())?;
    let stride = channels.field.shape().block_bytes(V::WIDTH.bytes()) / V::WIDTH.bytes() as u64;
    let stride = u32::try_from(stride).expect("a buffer is below 4 GiB");
    let parameters = |first| {
        let parameters = Parameters::new(numbers).count(first).count(stride);
        parameters.real(channels.seconds).trips(network.most.max(1))
    };
    let fields = [&channels.field.values, &local.values, &held.values, &outflow.values];
    network.run(step, &RESERVOIR, &fields, parameters)
}

#[cfg(test)]
mod tests;
