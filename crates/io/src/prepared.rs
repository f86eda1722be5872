//! Weights made ready on a device, once for all variables that use them.

use crate::element::Real;
use crate::regrid_file::UsedWeights;
use knarr_regrid::{Device, RegridError, StackOn};
use std::cell::OnceCell;

/// Weights, and their form on a device for each kind of number, made when it is first asked for.
pub(crate) struct Prepared<'a> {
    pub(crate) used: &'a UsedWeights,
    pub(crate) device: &'a Device,
    single: OnceCell<StackOn<'a, f32>>,
    double: OnceCell<StackOn<'a, f64>>,
}

/// Numbers that weights can be made ready for.
pub(crate) trait Kind: Real {
    /// Where they are kept.
    fn kept<'p, 'a>(prepared: &'p Prepared<'a>) -> &'p OnceCell<StackOn<'a, Self>>;
}

impl Kind for f32 {
    fn kept<'p, 'a>(prepared: &'p Prepared<'a>) -> &'p OnceCell<StackOn<'a, Self>> {
        &prepared.single
    }
}

impl Kind for f64 {
    fn kept<'p, 'a>(prepared: &'p Prepared<'a>) -> &'p OnceCell<StackOn<'a, Self>> {
        &prepared.double
    }
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(used: &'a UsedWeights, device: &'a Device) -> Self {
        Self { used, device, single: OnceCell::new(), double: OnceCell::new() }
    }

    /// Whether vectors are regridded on the device: on graphics processors with double precision.
    pub(crate) fn turns_vectors(&self) -> bool {
        !matches!(self.device, Device::Cpu) && self.device.has_f64()
    }

    /// The weights on a graphics processor, where they stay; `None` on the processor, where making them ready
    /// for a single variable takes less memory.
    pub(crate) fn resident<V: Kind>(&self) -> Result<Option<&StackOn<'a, V>>, RegridError> {
        if matches!(self.device, Device::Cpu) {
            return Ok(None);
        }
        let kept = V::kept(self);
        if kept.get().is_none() {
            let made = self.used.regridder.prepare_on::<V>(self.device)?;
            let _ = kept.set(made);
        }
        Ok(kept.get())
    }
}
