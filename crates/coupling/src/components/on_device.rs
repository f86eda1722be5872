//! What components that work on a device ask of their imports, and how they give exports.

use super::inputs::everywhere;
use crate::{ComponentError, DeviceValues, Fields, Values};
use knarr_grid::Grid;
use knarr_kernels::convert::Conversion;
use knarr_kernels::gpu::{Buffer, DeviceField, Gpu, GpuError, Numbers, Step};
use knarr_kernels::twins::convert::convert;
use knarr_kernels::twins::zone_sums::{DeviceZones, ZoneSums};
use knarr_regrid::RegridError;

/// A device, and on it which cells of a component's grid take part.
#[derive(Debug)]
pub(super) struct ActiveCells {
    pub gpu: Gpu,
    /// 1 for cells that take part, as weights of sums, and as flags of values; without flags if all do.
    weights: Buffer,
    flags: DeviceField<f64>,
}

impl ActiveCells {
    pub fn new(gpu: &Gpu, active: &[bool]) -> Result<Self, ComponentError> {
        let counts: Vec<f64> = active.iter().map(|&active| f64::from(u8::from(active))).collect();
        let numbers = Numbers::of::<f64>(gpu).map_err(failed)?;
        let weights = gpu.upload_real("active cells", &counts, numbers).map_err(failed)?;
        let valid = active.contains(&false).then(|| active.to_vec());
        let flags = DeviceValues::upload(gpu, &Values { values: counts, valid })?.field().clone();
        Ok(Self { gpu: gpu.clone(), weights, flags })
    }

    /// Does a step, and fails unless imports have numbers in every active cell; says whether some results have a value in
    /// each, by their flags. The sums that tell come back in one copy.
    pub fn finish(
        &self,
        mut step: Step,
        imports: &Fields,
        names: &[&str],
        grid: &Grid,
        results: Option<&DeviceField<f64>>,
    ) -> Result<bool, ComponentError> {
        let mut sums = ZoneSums::new();
        for name in names {
            let field = imports.on_device(name, &self.gpu)?.field();
            sums.add(&mut step, field, &self.weights, &DeviceZones::ONE).map_err(failed)?;
        }
        if let Some(results) = results {
            let first = DeviceField::zeros(&self.gpu, self.flags.shape(), results.has_flags()).map_err(failed)?;
            convert(&mut step, (results, 0), &Conversion::NOTHING, (&first, 0)).map_err(failed)?;
            sums.add(&mut step, &first, &self.weights, &DeviceZones::ONE).map_err(failed)?;
        }
        let read = sums.read(step).map_err(failed)?;
        for (name, zones) in names.iter().zip(&read) {
            if zones.iter().any(|zone| zone.missing > 0.0 || !zone.sum.is_finite()) {
                everywhere(imports, name, grid)?;
            }
        }
        Ok(read.iter().skip(names.len()).flatten().all(|zone| zone.missing == 0.0))
    }

    /// Adds an import to a step as a slab of `inputs`, missing where a cell takes no part.
    pub fn gather(
        &self,
        step: &mut Step,
        imports: &Fields,
        name: &str,
        conversion: &Conversion,
        inputs: (&DeviceField<f64>, usize),
    ) -> Result<(), ComponentError> {
        let field = imports.on_device(name, &self.gpu)?.field().with_flags_of(&self.flags).map_err(failed)?;
        convert(step, (&field, 0), conversion, inputs).map_err(failed)
    }

    /// Adds a slab of results to a step as values of an export, missing where a cell takes no part.
    pub fn export(&self, step: &mut Step, results: (&DeviceField<f64>, usize)) -> Result<DeviceValues, ComponentError> {
        let field = DeviceField::zeros(&self.gpu, self.flags.shape(), false).map_err(failed)?;
        let conversion = Conversion { fill: Some(0.0), ..Conversion::NOTHING };
        convert(step, results, &conversion, (&field, 0)).map_err(failed)?;
        Ok(DeviceValues::new(&self.gpu, field.with_flags_of(&self.flags).map_err(failed)?)?)
    }

    /// Whether cells take no part.
    pub fn has_flags(&self) -> bool {
        self.flags.has_flags()
    }
}

pub(super) fn failed(error: GpuError) -> ComponentError {
    ComponentError::Regrid(RegridError::from(error))
}
