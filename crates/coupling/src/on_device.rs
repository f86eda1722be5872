//! A mapping on a graphics processor: weights, areas and losses stay there, values go up, results and sums come back.

use crate::Nature;
use crate::ledger::Cells;
use crate::losses::Losses;
use crate::mapping::Mapping;
use knarr_kernels::global_integral::Compensated;
use knarr_kernels::gpu::{Buffer, DeviceField, Gpu, GpuError, Numbers, Step};
use knarr_kernels::sparse_apply::Missing;
use knarr_kernels::twins::global_integral::DeviceStatistics;
use knarr_kernels::twins::sparse_apply::DeviceRows;
use knarr_regrid::{RegridError, SlabFlags};

/// A mapping on a device, in double precision: without it no ledger closes.
pub(crate) struct DeviceWay {
    gpu: Gpu,
    rows: DeviceRows,
    missing: Missing,
    source_len: usize,
    accounts: Vec<DeviceAccount>,
}

/// What sums of the ledger are weighted by.
struct DeviceAccount {
    nature: Nature,
    areas: Zoned,
    masked: Option<Zoned>,
    beyond: Zoned,
    stretched: Option<Zoned>,
}

/// Sums that the device made, Σ value · weight of each zone.
///
/// Each is a tree of 256 terms a node: for n cells the error is below 256·⌈log₂₅₆ n⌉·ε·Σ|value · weight|, in practice some ε.
pub(crate) struct DeviceSums {
    pub amounts: Vec<Compensated>,
    pub masked: Option<Vec<Compensated>>,
    pub beyond: Vec<Compensated>,
    pub stretched: Option<Vec<Compensated>>,
}

/// What comes back of a field.
pub(crate) struct DeviceMapped {
    pub values: Vec<f64>,
    pub valid: Option<SlabFlags>,
    pub sums: Option<DeviceSums>,
}

impl DeviceWay {
    /// Brings weights to the device, and what the ledger needs for fields of some `natures`.
    pub fn new(
        gpu: &Gpu,
        mapping: &Mapping,
        (source, destination): (&Cells, &Cells),
        natures: &[Nature],
    ) -> Result<Option<Self>, RegridError> {
        let Some(regridder) = &mapping.regridder else { return Ok(None) };
        let (rows, missing) = regridder.rows_on(gpu, Numbers::of::<f64>(gpu)?)?;
        let mut accounts = Vec::new();
        for &nature in natures {
            let Some(losses) = Losses::new(mapping, source, destination, nature) else { continue };
            let per_area = nature == Nature::Flux;
            let areas = if per_area { destination.areas.clone() } else { destination.counts() };
            let zoned = |cells: &Cells, weights: &Vec<f64>| Zoned::upload(gpu, cells, weights);
            accounts.push(DeviceAccount {
                nature,
                areas: zoned(destination, &areas)?,
                masked: losses.masked.as_ref().map(|weights| zoned(source, weights)).transpose()?,
                beyond: zoned(source, &losses.beyond)?,
                stretched: losses.stretched.as_ref().map(|weights| zoned(destination, weights)).transpose()?,
            });
        }
        let source_len = regridder.weights.source_len;
        Ok(Some(Self { gpu: gpu.clone(), rows, missing, source_len, accounts }))
    }

    /// Maps a field, in one submission with the sums that its `nature` needs, if any. Values that are not `valid` never
    /// count, whatever they are; without flags all values must be numbers.
    pub fn map(&self, values: &[f64], valid: Option<&SlabFlags>, nature: Option<Nature>) -> Result<DeviceMapped, RegridError> {
        let gpu = &self.gpu;
        let source = DeviceField::upload(gpu, self.source_len, values, valid, 1)?;
        let result = self.rows.destination_for(gpu, &source)?;
        let mut step = Step::new(gpu);
        self.rows.apply(&mut step, &source, self.missing, &result)?;
        let account = self.accounts.iter().find(|a| Some(a.nature) == nature);
        let mut sums = Vec::new();
        if let Some(account) = account {
            sums.push(Some(account.areas.sum(&mut step, &result)?));
            sums.push(account.masked.as_ref().map(|weights| weights.sum(&mut step, &source)).transpose()?);
            sums.push(Some(account.beyond.sum(&mut step, &source)?));
            sums.push(account.stretched.as_ref().map(|weights| weights.sum(&mut step, &result)).transpose()?);
        }
        step.submit()?;
        let (values, valid) = result.download(gpu)?;
        let mut read = Vec::new();
        for of_zones in sums {
            read.push(of_zones.map(|of_zones| told(gpu, &of_zones)).transpose()?);
        }
        let sums = match <[Option<Vec<Compensated>>; 4]>::try_from(read) {
            Ok([Some(amounts), masked, Some(beyond), stretched]) => Some(DeviceSums { amounts, masked, beyond, stretched }),
            _ => None,
        };
        Ok(DeviceMapped { values, valid, sums })
    }
}

/// Weights of cells on the device: of the Earth, or of each zone where there are basins.
struct Zoned(Vec<Buffer>);

impl Zoned {
    fn upload(gpu: &Gpu, cells: &Cells, weights: &[f64]) -> Result<Self, GpuError> {
        let numbers = Numbers::of::<f64>(gpu)?;
        let Some(basins) = &cells.basins else {
            return Ok(Self(vec![gpu.upload_real("weights of cells", weights, numbers)?]));
        };
        let of_zone = |zone: usize| {
            let own = |(&weight, &basin): (&f64, &u16)| if usize::from(basin) == zone { weight } else { 0.0 };
            let weights: Vec<f64> = weights.iter().zip(basins).map(own).collect();
            gpu.upload_real("weights of a basin's cells", &weights, numbers)
        };
        Ok(Self((0..cells.zones - 1).map(of_zone).collect::<Result<_, _>>()?))
    }

    fn sum(&self, step: &mut Step, field: &DeviceField<f64>) -> Result<Vec<DeviceStatistics>, GpuError> {
        self.0.iter().map(|weights| DeviceStatistics::add(step, field, weights)).collect()
    }
}

/// Sums of zones, the Earth first.
fn told(gpu: &Gpu, of_zones: &[DeviceStatistics]) -> Result<Vec<Compensated>, GpuError> {
    let mut sums = Vec::with_capacity(of_zones.len() + 1);
    for zone in of_zones {
        let value = zone.read(gpu)?.first().map_or(0.0, |slab| slab.integral);
        sums.push(Compensated::from_parts([value, 0.0]));
    }
    if sums.len() > 1 {
        let mut earth = Compensated::default();
        sums.iter().for_each(|zone| earth.merge(zone));
        sums.insert(0, earth);
    }
    Ok(sums)
}
