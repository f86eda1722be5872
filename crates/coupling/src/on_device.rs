//! What happens to fields on a device on their way: they are converted, mapped, turned and filled, and stay there.

use crate::error::RunError;
use crate::mapping::Mapping;
use crate::plan::Rotation;
use crate::sums::{Sums, device};
use crate::{DeviceValues, FieldValues};
use knarr_kernels::convert::Conversion;
use knarr_kernels::gpu::{BlockShape, DeviceField, Gpu, GpuError, Numbers, Step};
use knarr_kernels::sparse_apply::Missing;
use knarr_kernels::twins::rotate_vectors::DeviceAxes;
use knarr_kernels::twins::sparse_apply::DeviceRows;
use knarr_regrid::RegridError;

/// A mapping's weights on a device, in double precision: without it no ledger closes.
pub(crate) struct DeviceWay {
    gpu: Gpu,
    rows: DeviceRows,
    missing: Missing,
    fill: Option<f64>,
}

impl DeviceWay {
    /// Brings weights to the device; `None` where both grids are the same.
    pub fn new(gpu: &Gpu, mapping: &Mapping) -> Result<Option<Self>, RegridError> {
        let Some(regridder) = &mapping.regridder else { return Ok(None) };
        let (rows, missing) = regridder.rows_on(gpu, Numbers::of::<f64>(gpu)?)?;
        Ok(Some(Self { gpu: gpu.clone(), rows, missing, fill: mapping.methods.fill() }))
    }

    /// Values of the destination from those of the source; cells that nothing reaches have the fill value.
    pub fn map(&self, given: &FieldValues, sums: &mut Sums) -> Result<FieldValues, RunError> {
        let source = given.on_device(&self.gpu)?.field();
        let result = self.apply(source, sums.step(&self.gpu)).map_err(device)?;
        Ok(DeviceValues::new(&self.gpu, result)?.into())
    }

    /// [`DeviceWay::map`] for the two components of a vector, in space as three.
    pub fn map_vector(
        &self,
        [u, v]: [&FieldValues; 2],
        rotation: &Rotation,
        sums: &mut Sums,
    ) -> Result<[FieldValues; 2], RunError> {
        let [u, v] = [u.on_device(&self.gpu)?, v.on_device(&self.gpu)?].map(DeviceValues::field);
        let turned = self.turned([u, v], rotation, sums.step(&self.gpu)).map_err(device)?;
        let [u, v] = turned.map(|field| DeviceValues::new(&self.gpu, field).map(FieldValues::from));
        Ok([u?, v?])
    }

    fn apply(&self, source: &DeviceField<f64>, step: &mut Step) -> Result<DeviceField<f64>, GpuError> {
        let mapped = self.rows.destination_for(&self.gpu, source)?;
        self.rows.apply(step, source, self.missing, &mapped)?;
        match self.fill {
            Some(_) if mapped.has_flags() => converted(&mapped, &Conversion { fill: self.fill, ..Conversion::NOTHING }, step),
            _ => Ok(mapped),
        }
    }

    fn turned(
        &self,
        components: [&DeviceField<f64>; 2],
        rotation: &Rotation,
        step: &mut Step,
    ) -> Result<[DeviceField<f64>; 2], GpuError> {
        let [from, to] = match rotation.on_device.get() {
            Some(axes) => axes,
            None => {
                let axes = |axes| DeviceAxes::upload::<f64>(&self.gpu, axes);
                let both = [axes(&rotation.source)?, axes(&rotation.destination)?];
                rotation.on_device.get_or_init(|| both)
            }
        };
        // A vector is valid where both components are: one without flags gets some, all set.
        let flagged = components.iter().any(|field| field.has_flags());
        let mut same = |field: &DeviceField<f64>| match flagged && !field.has_flags() {
            true => converted_with(field, &Conversion::NOTHING, true, step),
            false => Ok(field.clone()),
        };
        let [u, v] = components.map(&mut same);
        let [x, y, z] = from.to_cartesian(step, &u?, &v?)?;
        let [y, z] = [y.with_flags_of(&x)?, z.with_flags_of(&x)?];
        let [x, y, z] = [&x, &y, &z].map(|field| self.apply(field, step));
        let [u, v] = to.from_cartesian(step, [&x?, &y?, &z?])?;
        let v = v.with_flags_of(&u)?;
        Ok([u, v])
    }
}

/// A field converted, on the device where it was made.
pub(crate) fn convert(values: &DeviceValues, conversion: &Conversion, sums: &mut Sums) -> Result<FieldValues, RunError> {
    let field = converted(values.field(), conversion, sums.step(values.gpu())).map_err(device)?;
    Ok(DeviceValues::new(values.gpu(), field)?.into())
}

fn converted(field: &DeviceField<f64>, conversion: &Conversion, step: &mut Step) -> Result<DeviceField<f64>, GpuError> {
    converted_with(field, conversion, field.has_flags() && conversion.fill.is_none(), step)
}

fn converted_with(
    field: &DeviceField<f64>,
    conversion: &Conversion,
    has_flags: bool,
    step: &mut Step,
) -> Result<DeviceField<f64>, GpuError> {
    let shape = BlockShape { cells: field.shape().cells, slabs: 1, lanes: 1 };
    let result = DeviceField::zeros(step.gpu(), shape, has_flags)?;
    knarr_kernels::twins::convert::convert(step, (field, 0), conversion, (&result, 0))?;
    Ok(result)
}
