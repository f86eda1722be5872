//! The ledger: what was given, what arrived, and where the rest is.
//!
//! For each coupling of a flux or an amount, in the units of the taker times m2 (a flux) and s (a rate), over the whole
//! Earth and each basin:
//!
//! emitted + before = received + masked + unmapped + clipped + in flight - reduced - mapped - corrected - moved + residual
//!
//! | column | is |
//! |---|---|
//! | emitted | Σ value · area · step of what the giver gave |
//! | before | the same of initial values, for the part of windows before the start |
//! | reduced | what instants, extremes or missing values in a window made of it |
//! | masked | over cells of the taker that take no part |
//! | unmapped | beyond the taker's grid |
//! | mapped | what cells got that are covered in part, filled or extrapolated; for maps that keep no integral their error |
//! | moved | what came in from other basins where cells of both grids lie across a border |
//! | clipped | cut off by `range` |
//! | corrected | added by `conserve` |
//! | received | Σ value · area · period of what the taker took |
//! | in flight | in open windows and queues, by their own sums |
//!
//! Each is summed from values of its own; the residual is what does not agree. Sums are compensated, over blocks in fixed
//! order: the same bits for any number of threads.

use crate::experiment::ZoneEntry;
use crate::{Array, ComponentError, State, Values};
use knarr_grid::Grid;
use knarr_kernels::global_integral::Compensated;
#[cfg(feature = "gpu")]
use knarr_kernels::gpu::{Buffer, Gpu, GpuError, Numbers};
#[cfg(feature = "gpu")]
use knarr_kernels::twins::zone_sums::DeviceZones;
use knarr_kernels::zone_sums::product_sum;
use rayon::prelude::*;
#[cfg(feature = "gpu")]
use std::sync::OnceLock;

/// Radius by which areas are told in m2 (the sphere of GRIB templates and WRF).
pub const EARTH_RADIUS_M: f64 = 6_371_229.0;

/// Columns that only grow, in order.
pub const COLUMNS: [&str; 10] =
    ["emitted", "before", "reduced", "masked", "unmapped", "mapped", "moved", "clipped", "corrected", "received"];

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table above says what each is")]
pub enum Column {
    Emitted,
    Before,
    Reduced,
    Masked,
    Unmapped,
    Mapped,
    Moved,
    Clipped,
    Corrected,
    Received,
}

/// Signs with which columns make what is in flight.
const SIGNS: [f64; 10] = [1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0];

/// Cells summed by one task.
const BLOCK: usize = 16_384;

/// Cells of a grid for sums: areas in m2 (0 where a cell takes no part) and basins.
#[derive(Clone, Debug)]
pub struct Cells {
    /// Area of each cell.
    pub areas: Vec<f64>,
    /// Number of the basin of each cell; none if there are no basins.
    pub basins: Option<Vec<u16>>,
    /// Number of zones: the Earth, the basins, and the rest if there are basins.
    pub zones: usize,
    /// Of each block of cells, stretches in one zone: their first and last cells, and the zone.
    blocks: Vec<Vec<(usize, usize, usize)>>,
    #[cfg(feature = "gpu")]
    on_device: CellsOnDevice,
}

/// What sums on a device need of cells, copied there once.
#[cfg(feature = "gpu")]
#[derive(Clone, Debug, Default)]
struct CellsOnDevice {
    zones: OnceLock<DeviceZones>,
    /// Areas, and 1 for cells that take part.
    sizes: [OnceLock<Buffer>; 2],
}

/// Weights of cells in sums, and once they are used there a copy on a device.
#[derive(Clone, Debug)]
pub(crate) struct CellWeights {
    pub values: Vec<f64>,
    #[cfg(feature = "gpu")]
    on_device: OnceLock<Buffer>,
}

impl From<Vec<f64>> for CellWeights {
    fn from(values: Vec<f64>) -> Self {
        Self {
            values,
            #[cfg(feature = "gpu")]
            on_device: OnceLock::new(),
        }
    }
}

#[cfg(feature = "gpu")]
impl CellWeights {
    pub fn on_device(&self, gpu: &Gpu) -> Result<&Buffer, GpuError> {
        once(&self.on_device, || upload(gpu, &self.values))
    }
}

#[cfg(feature = "gpu")]
fn upload(gpu: &Gpu, weights: &[f64]) -> Result<Buffer, GpuError> {
    gpu.upload_real("weights of cells", weights, Numbers::of::<f64>(gpu)?)
}

/// What is made once; of two threads that make it at the same time one wins.
#[cfg(feature = "gpu")]
fn once<T>(made: &OnceLock<T>, make: impl FnOnce() -> Result<T, GpuError>) -> Result<&T, GpuError> {
    match made.get() {
        Some(value) => Ok(value),
        None => {
            let value = make()?;
            Ok(made.get_or_init(|| value))
        }
    }
}

#[cfg(feature = "gpu")]
impl Cells {
    /// The zone of each cell on a device: basins in order, the Earth as their sum; the Earth alone without basins.
    pub(crate) fn zones_on(&self, gpu: &Gpu) -> Result<&DeviceZones, GpuError> {
        once(&self.on_device.zones, || match &self.basins {
            None => Ok(DeviceZones::ONE),
            Some(basins) => DeviceZones::upload(gpu, basins, self.zones - 1),
        })
    }

    /// Areas of cells, or 1 for cells that take part, on a device.
    pub(crate) fn sizes_on(&self, gpu: &Gpu, per_area: bool) -> Result<&Buffer, GpuError> {
        once(&self.on_device.sizes[usize::from(per_area)], || {
            if per_area { upload(gpu, &self.areas) } else { upload(gpu, &self.counts()) }
        })
    }
}

impl Cells {
    /// Cells of a grid.
    pub fn new(grid: &Grid, basins: &[(String, ZoneEntry)]) -> Self {
        let square = EARTH_RADIUS_M * EARTH_RADIUS_M;
        let area = |cell: usize| if grid.mask.is_active(cell) { grid.area(cell) * square } else { 0.0 };
        let areas = (0..grid.len()).into_par_iter().map(area).collect();
        let basin = |cell: usize| {
            let p = grid.center(cell);
            basins.iter().position(|(_, zone)| zone.contains(p.lon_deg, p.lat_deg)).unwrap_or(basins.len()) as u16
        };
        let zones = if basins.is_empty() { 1 } else { basins.len() + 2 };
        let basins: Option<Vec<u16>> = (!basins.is_empty()).then(|| (0..grid.len()).into_par_iter().map(basin).collect());
        let blocks = (0..grid.len()).step_by(BLOCK).map(|first| {
            let last = (first + BLOCK).min(grid.len());
            let Some(basins) = &basins else { return vec![(first, last, 0)] };
            let mut at = first;
            let runs = basins[first..last].chunk_by(|a, b| a == b);
            runs.map(|run| {
                at += run.len();
                (at - run.len(), at, 1 + usize::from(run[0]))
            })
            .collect()
        });
        Self {
            areas,
            blocks: blocks.collect(),
            basins,
            zones,
            #[cfg(feature = "gpu")]
            on_device: CellsOnDevice::default(),
        }
    }

    /// Whether a cell takes part.
    pub fn is_active(&self, cell: usize) -> bool {
        self.areas[cell] != 0.0
    }

    /// 1 for cells that take part, 0 for the others.
    pub fn counts(&self) -> Vec<f64> {
        self.areas.iter().map(|&area| f64::from(u8::from(area != 0.0))).collect()
    }

    /// Flags without those of cells that take no part, which are missing for nobody; `None` if nothing is missing.
    pub(crate) fn told(&self, valid: Vec<bool>) -> Option<Vec<bool>> {
        let missing = valid.iter().zip(&self.areas).any(|(&valid, &area)| !valid && area != 0.0);
        missing.then_some(valid)
    }

    /// Σ value · weight over the Earth and each basin, where valid; cells with a weight of 0 never count.
    pub fn weighted(&self, values: &Values, weights: &[f64]) -> Vec<Compensated> {
        let of_block = |stretches: &Vec<(usize, usize, usize)>| {
            let mut sums = vec![Compensated::default(); self.zones];
            for &(first, last, zone) in stretches {
                let valid = values.valid.as_ref().map(|valid| &valid[first..last]);
                sums[zone].merge(&product_sum(&values.values[first..last], &weights[first..last], valid));
            }
            sums
        };
        let blocks: Vec<Vec<Compensated>> = self.blocks.par_iter().map(of_block).collect();
        let mut sums = vec![Compensated::default(); self.zones];
        for block in &blocks {
            sums.iter_mut().zip(block).for_each(|(sum, part)| sum.merge(part));
        }
        if let Some((earth, zones)) = sums.split_first_mut() {
            zones.iter().for_each(|zone| earth.merge(zone));
        }
        sums
    }

    /// Σ value · area where valid; for amounts per cell Σ value over active cells.
    pub fn integral(&self, values: &Values, per_area: bool) -> Vec<Compensated> {
        if per_area { self.weighted(values, &self.areas) } else { self.weighted(values, &self.counts()) }
    }
}

/// Sums times a factor.
pub fn times(sums: &[Compensated], factor: f64) -> Vec<Compensated> {
    sums.iter()
        .map(|sum| {
            let mut scaled = Compensated::default();
            let [total, lost] = sum.parts();
            scaled.add_product(total, factor);
            scaled.add_product(lost, factor);
            scaled
        })
        .collect()
}

/// The account of one coupling.
#[derive(Clone, Debug)]
pub struct Account {
    zones: usize,
    /// `[column][zone]`.
    sums: Vec<Compensated>,
    /// Greatest relative residual seen when a value was taken, since the start or the state the run went on from.
    pub worst: f64,
    /// Greatest correction relative to what was given.
    pub largest_correction: f64,
}

impl Account {
    /// Nothing yet.
    pub fn new(zones: usize) -> Self {
        Self { zones, sums: vec![Compensated::default(); COLUMNS.len() * zones], worst: 0.0, largest_correction: 0.0 }
    }

    /// Adds to a column.
    pub fn add(&mut self, column: Column, amounts: &[Compensated]) {
        let first = column as usize * self.zones;
        self.sums[first..first + self.zones].iter_mut().zip(amounts).for_each(|(sum, amount)| sum.merge(amount));
    }

    /// A column of a zone.
    pub fn value(&self, column: Column, zone: usize) -> f64 {
        self.sums[column as usize * self.zones + zone].value()
    }

    /// All columns of a zone.
    pub fn row(&self, zone: usize) -> [f64; COLUMNS.len()] {
        std::array::from_fn(|c| self.sums[c * self.zones + zone].value())
    }

    /// What is left of a zone with `in_flight` of it under way.
    pub fn residual(&self, zone: usize, in_flight: &Compensated) -> f64 {
        let mut left = Compensated::default();
        for (c, sign) in SIGNS.iter().enumerate() {
            let [total, lost] = self.sums[c * self.zones + zone].parts();
            left.add(sign * total);
            left.add(sign * lost);
        }
        let [total, lost] = in_flight.parts();
        left.add(-total);
        left.add(-lost);
        left.value()
    }

    /// The greatest of the columns that a residual is measured by.
    pub fn scale(&self, zone: usize) -> f64 {
        (0..COLUMNS.len()).map(|c| self.sums[c * self.zones + zone].value().abs()).fold(0.0, f64::max)
    }

    /// As an array to be kept.
    pub fn save(&self, prefix: &str, state: &mut State) {
        let mut flat: Vec<f64> = self.sums.iter().flat_map(Compensated::parts).collect();
        // The worst residual depends on which side was looked at first where both run at the same time: it is told, not kept.
        flat.push(self.largest_correction);
        state.put(format!("{prefix}/account"), Array::Real(flat));
    }

    /// Takes back what [`Account::save`] gave.
    ///
    /// # Errors
    /// [`ComponentError::State`].
    pub fn restore(&mut self, prefix: &str, state: &State) -> Result<(), ComponentError> {
        let mut flat = vec![0.0; 2 * self.sums.len() + 1];
        state.copy(&format!("{prefix}/account"), &mut flat)?;
        for (sum, parts) in self.sums.iter_mut().zip(flat.chunks_exact(2)) {
            *sum = Compensated::from_parts([parts[0], parts[1]]);
        }
        self.largest_correction = flat[flat.len() - 1];
        Ok(())
    }
}

/// Sums as numbers to be kept.
pub fn flat(sums: &[Compensated]) -> Vec<f64> {
    sums.iter().flat_map(Compensated::parts).collect()
}

/// Sums that [`flat`] made numbers of.
pub fn from_flat(flat: &[f64]) -> Vec<Compensated> {
    flat.chunks_exact(2).map(|parts| Compensated::from_parts([parts[0], parts[1]])).collect()
}
