//! Vectors turned where weights are applied: two components go to the device and two come back.

use super::on_gpu::GpuRegridder;
use super::{RegridderOn, Way};
use crate::vectors::Axes;
use crate::{RegridError, SlabFlags};
use knarr_kernels::gpu::{BlockShape, DeviceField, Step};
use knarr_kernels::twins::rotate_vectors::DeviceAxes;
use std::sync::{Mutex, PoisonError};

/// Fields of a vector that are on the device at a time: two components and three, at both ends.
const FIELDS: u64 = 10;

/// The axes of both ends on the device of the weights, and the fields of the last call.
#[derive(Debug)]
pub(crate) struct Turned {
    from: DeviceAxes,
    to: DeviceAxes,
    fields: Mutex<Option<Fields>>,
}

/// Components on the device, and the step from the source's to the destination's.
#[derive(Debug)]
struct Fields {
    source: [DeviceField<f64>; 2],
    result: [DeviceField<f64>; 2],
    /// Which components the last call brought; the others are zeros.
    given: [bool; 2],
    step: Step,
}

impl RegridderOn<'_, f64> {
    /// Axes made ready beside the weights; `None` on the processor.
    pub(crate) fn turned(&self, from: &Axes, to: &Axes) -> Result<Option<Turned>, RegridError> {
        let Way::Gpu(regridder) = &self.way else { return Ok(None) };
        let (from, to) = (DeviceAxes::upload::<f64>(&regridder.gpu, from)?, DeviceAxes::upload::<f64>(&regridder.gpu, to)?);
        Ok(Some(Turned { from, to, fields: Mutex::default() }))
    }

    /// Components of `turned`, whole slabs along the axes of the source, become those along the axes of the destination;
    /// one that is not given is 0. `valid` holds for the vectors; so does what comes back.
    ///
    /// # Panics
    /// On the processor, which gives no [`Turned`].
    pub(crate) fn apply_turned(
        &self,
        turned: &Turned,
        components: [Option<&[f64]>; 2],
        valid: Option<&SlabFlags>,
        result: [&mut [f64]; 2],
    ) -> Result<Option<SlabFlags>, RegridError> {
        let Way::Gpu(regridder) = &self.way else { unreachable!("axes are ready on graphics processors alone") };
        turned.apply(regridder, components, valid, result)
    }
}

impl Turned {
    fn apply(
        &self,
        regridder: &GpuRegridder<f64>,
        components: [Option<&[f64]>; 2],
        valid: Option<&SlabFlags>,
        [u, v]: [&mut [f64]; 2],
    ) -> Result<Option<SlabFlags>, RegridError> {
        let gpu = &regridder.gpu;
        let (from, to) = (regridder.source_len, regridder.rows.len());
        let given = components.map(|c| c.is_some());
        let source = components.iter().flatten().next().map_or(0, |c| c.len());
        let slabs = crate::apply::check_slabs((from, to), source, valid, u.len())?;
        let lanes = gpu.lanes::<f64>(from.max(to), slabs)?;
        let block = (from.max(to) * lanes * size_of::<f64>()) as u64;
        let together = lanes * (gpu.facts().buffer_bytes / FIELDS / (block + 256)).max(1) as usize;
        let mut flags: Option<SlabFlags> = None;
        for first in (0..slabs).step_by(together) {
            let range = first..slabs.min(first + together);
            let own = valid.map(|v| v.slabs_in(range.clone()));
            let own = own.filter(|v| !(0..v.slabs()).all(|slab| v.is_full(slab)));
            let shape = BlockShape { cells: from, slabs: range.len(), lanes };
            let fields = self.fields(regridder, shape, given, own.is_some())?;
            for (field, values) in fields.source.iter().zip(components) {
                if let Some(values) = values {
                    field.replace(gpu, &values[range.start * from..range.end * from], own.as_ref())?;
                }
            }
            fields.step.submit()?;
            let mut found = None;
            for (field, out) in fields.result.iter().zip([&mut *u, &mut *v]) {
                let (values, of_field) = field.download(gpu)?;
                out[range.start * to..range.end * to].copy_from_slice(&values);
                found = found.or(of_field);
            }
            *self.fields.lock().unwrap_or_else(PoisonError::into_inner) = Some(fields);
            if let Some(found) = found {
                flags.get_or_insert_with(|| SlabFlags::all(to, slabs)).put(range.start, &found);
            }
        }
        Ok(flags.filter(|f| !(0..slabs).all(|slab| f.is_full(slab))))
    }

    /// Those of the last call if they fit, else new ones.
    fn fields(
        &self,
        regridder: &GpuRegridder<f64>,
        shape: BlockShape,
        given: [bool; 2],
        has_flags: bool,
    ) -> Result<Fields, RegridError> {
        let kept = self.fields.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fits = |f: &Fields| f.source[0].shape() == shape && f.source[0].has_flags() == has_flags && f.given == given;
        if let Some(fields) = kept.filter(fits) {
            return Ok(fields);
        }
        let gpu = &regridder.gpu;
        let [first, second] = given.map(|given| DeviceField::zeros(gpu, shape, has_flags && given));
        let (first, second) = (first?, second?);
        // A component that is not given is as valid as the other.
        let source = match given {
            [true, false] => [first.clone(), second.with_flags_of(&first)?],
            [false, true] => [first.with_flags_of(&second)?, second],
            _ => [first, second],
        };
        let mut step = Step::new(gpu);
        let vectors = self.from.to_cartesian(&mut step, &source[0], &source[1])?;
        let moved = vectors.each_ref().map(|vector| {
            let moved = regridder.rows.destination_for(gpu, vector)?;
            regridder.rows.apply(&mut step, vector, regridder.missing, &moved)?;
            Ok::<_, RegridError>(moved)
        });
        let [x, y, z] = moved;
        let result = self.to.from_cartesian(&mut step, [&x?, &y?, &z?])?;
        Ok(Fields { source, result, given, step })
    }
}
