//! Sums over zones that a step asks for: made where the values are; those on a device are read together.

use crate::FieldValues;
use crate::error::RunError;
use crate::ledger::{CellWeights, Cells};
use knarr_kernels::global_integral::Compensated;
#[cfg(feature = "gpu")]
use knarr_kernels::gpu::{Gpu, Step};
#[cfg(feature = "gpu")]
use knarr_kernels::twins::zone_sums::{DeviceZones, ZoneSums};
#[cfg(feature = "gpu")]
use knarr_kernels::zone_sums::ZoneSum;

/// A sum over each zone that was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// It is known.
    Known(Vec<Compensated>),
    /// Its number among those of a device: the Earth is the sum of zones.
    #[cfg(feature = "gpu")]
    Zones(usize),
    /// A number for each zone, the sum of all cells by weights of its own; 0 where there is none.
    #[cfg(feature = "gpu")]
    Each(Vec<Option<usize>>),
}

/// What a step asks for, and the work on a device that goes before.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    #[cfg(feature = "gpu")]
    at_work: Option<(Step, ZoneSums)>,
    #[cfg(feature = "gpu")]
    read: Vec<Vec<ZoneSum>>,
}

impl Sums {
    /// Σ value · area where valid; for amounts per cell Σ value over active cells.
    pub fn integral(&mut self, cells: &Cells, field: &FieldValues, per_area: bool) -> Result<Asked, RunError> {
        #[cfg(feature = "gpu")]
        if let Some((gpu, values)) = made_on(field) {
            let (weights, zones) = (cells.sizes_on(gpu, per_area).map_err(device)?, cells.zones_on(gpu).map_err(device)?);
            let number = self.add(gpu, |step, sums| sums.add(step, values.field(), weights, zones))?;
            return Ok(Asked::Zones(number));
        }
        Ok(Asked::Known(cells.integral(field.host()?, per_area)))
    }

    /// Σ weight · value where valid.
    pub fn weighted(&mut self, cells: &Cells, field: &FieldValues, weights: &CellWeights) -> Result<Asked, RunError> {
        #[cfg(feature = "gpu")]
        if let Some((gpu, values)) = made_on(field) {
            let (weights, zones) = (weights.on_device(gpu).map_err(device)?, cells.zones_on(gpu).map_err(device)?);
            let number = self.add(gpu, |step, sums| sums.add(step, values.field(), weights, zones))?;
            return Ok(Asked::Zones(number));
        }
        Ok(Asked::Known(cells.weighted(field.host()?, &weights.values)))
    }

    /// Σ weight · value where valid over all cells, by weights for each zone; of a field on a device.
    #[cfg(feature = "gpu")]
    pub fn each(&mut self, field: &FieldValues, zones: &[Option<CellWeights>]) -> Result<Asked, RunError> {
        let Some((gpu, values)) = made_on(field) else { return Ok(Asked::Each(vec![None; zones.len()])) };
        let mut numbers = Vec::with_capacity(zones.len());
        for weights in zones {
            let mut add = |weights: &CellWeights| {
                let weights = weights.on_device(gpu).map_err(device)?;
                self.add(gpu, |step, sums| sums.add(step, values.field(), weights, &DeviceZones::ONE))
            };
            numbers.push(weights.as_ref().map(&mut add).transpose()?);
        }
        Ok(Asked::Each(numbers))
    }

    /// Work on a device that is done before anything is read.
    #[cfg(feature = "gpu")]
    pub fn step(&mut self, gpu: &Gpu) -> &mut Step {
        &mut self.at_work.get_or_insert_with(|| (Step::new(gpu), ZoneSums::new())).0
    }

    #[cfg(feature = "gpu")]
    fn add(
        &mut self,
        gpu: &Gpu,
        add: impl FnOnce(&mut Step, &mut ZoneSums) -> Result<usize, knarr_kernels::gpu::GpuError>,
    ) -> Result<usize, RunError> {
        let (step, sums) = self.at_work.get_or_insert_with(|| (Step::new(gpu), ZoneSums::new()));
        Ok(self.read.len() + add(step, sums).map_err(device)?)
    }

    /// Does the work, and reads all that was asked for since the last call in one copy.
    pub fn read(&mut self) -> Result<(), RunError> {
        #[cfg(feature = "gpu")]
        if let Some((step, sums)) = self.at_work.take() {
            self.read.extend(sums.read(step).map_err(device)?);
        }
        Ok(())
    }

    /// A sum over the Earth and each basin, once read.
    pub fn of(&self, asked: &Asked) -> Vec<Compensated> {
        match asked {
            Asked::Known(sums) => sums.clone(),
            #[cfg(feature = "gpu")]
            Asked::Zones(number) => {
                let sum = |zone: &ZoneSum| Compensated::from_parts([zone.sum, 0.0]);
                let mut sums: Vec<Compensated> = self.read[*number].iter().map(sum).collect();
                if sums.len() > 1 {
                    let mut earth = Compensated::default();
                    sums.iter().for_each(|zone| earth.merge(zone));
                    sums.insert(0, earth);
                }
                sums
            }
            #[cfg(feature = "gpu")]
            Asked::Each(numbers) => {
                let of = |number: &Option<usize>| number.map_or(0.0, |number| self.read[number][0].sum);
                numbers.iter().map(|number| Compensated::from_parts([of(number), 0.0])).collect()
            }
        }
    }

    /// Σ weight over the Earth where a value was missing, once read; of a field on the host it is not known.
    pub fn missing(&self, asked: &Asked) -> f64 {
        match asked {
            #[cfg(feature = "gpu")]
            Asked::Zones(number) => self.read[*number].iter().map(|zone| zone.missing).sum(),
            _ => 0.0,
        }
    }
}

/// The values of a field that was made on a device, with the device.
#[cfg(feature = "gpu")]
fn made_on(field: &FieldValues) -> Option<(&Gpu, &crate::DeviceValues)> {
    field.made_there().map(|values| (values.gpu(), values))
}

#[cfg(feature = "gpu")]
pub(crate) fn device(error: knarr_kernels::gpu::GpuError) -> RunError {
    RunError::Regrid(error.into())
}
