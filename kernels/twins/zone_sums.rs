//! Weighted sums of fields over zones, where the fields are: twin of [`mod@crate::zone_sums`]. Sums of many fields
//! come to the host in one copy.
//!
//! Each is a tree of 256 terms a node, in the order of cells: for n cells the error is below
//! 256·⌈log₂₅₆ n⌉·ε·Σ|w·x|, ε that of the device's `real`; the same bits in every run on a device.

use super::global_integral::TERMS;
use super::slabs::single_lane;
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, Buffer, DeviceField, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Stored};
use crate::zone_sums::ZoneSum;

/// Cells to partial results.
pub const OF_CELLS: Kernel = Kernel {
    name: "zone_sums",
    texts: &[include_str!("../zone_sums.wgsl")],
    entry: "of_cells",
    bindings: &[
        ("values", Access::Read),
        ("valid", Access::Read),
        ("weights", Access::Read),
        ("zones", Access::Read),
        ("sums", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Partial results to fewer.
pub const OF_PARTIALS: Kernel = Kernel {
    name: "zone_sums_tree",
    texts: &[include_str!("../zone_sums_tree.wgsl")],
    entry: "of_partials",
    bindings: &[("sums", Access::Read), ("fewer", Access::Write)],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Sums begin at multiples of this in the buffer that is read; no device asks for more.
const ALIGNMENT: u64 = 256;

/// The zone of each cell on a device.
#[derive(Clone, Debug)]
pub struct DeviceZones {
    zones: Option<Buffer>,
    count: usize,
}

impl DeviceZones {
    /// All cells in one zone.
    pub const ONE: Self = Self { zones: None, count: 1 };

    /// Copies the zones of cells, below `count`, to a device.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn upload(gpu: &Gpu, zones: &[u16], count: usize) -> Result<Self, GpuError> {
        let zones: Vec<u32> = zones.iter().map(|&zone| zone.into()).collect();
        Ok(Self { zones: Some(gpu.upload("zones of cells", &zones)?), count })
    }
}

/// Sums in the making: added to a step one by one, read together.
#[derive(Debug, Default)]
pub struct ZoneSums {
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    partial: Buffer,
    partials: usize,
    zones: usize,
    numbers: Numbers,
}

impl ZoneSums {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether none are asked for.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Adds the sums of a field of one slab to a step, weighted by a `real` for each cell ([`Gpu::upload_real`]); gives
    /// their number among those read.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if there are not as many weights or zones as cells, or the field has several slabs.
    pub fn add<V: Stored>(
        &mut self,
        step: &mut Step,
        field: &DeviceField<V>,
        weights: &Buffer,
        zones: &DeviceZones,
    ) -> Result<usize, GpuError> {
        let gpu = step.gpu().clone();
        let (numbers, cells) = (Numbers::of::<V>(&gpu)?, field.shape().cells);
        single_lane(field, "the field", cells, 1)?;
        let told = zones.zones.as_ref().map_or(cells, |zones| zones.bytes() as usize / 4);
        for (what, found) in [("the weights", weights.bytes() as usize / numbers.real.bytes()), ("the zones", told)] {
            if found != cells {
                return Err(GpuError::WrongLength { what, found, expected: cells });
            }
        }
        let mut partials = cells.div_ceil(TERMS).max(1);
        let room = |partials: usize| {
            let bytes = 2 * partials * zones.count * numbers.real.bytes();
            gpu.buffer("partial sums", bytes as u64)
        };
        let mut now = room(partials)?;
        let flags = u32::from(field.has_flags()) | u32::from(zones.zones.is_some()) << 1;
        let parameters = Parameters::new(numbers).trips(TERMS as u64).count(cells as u32).count(partials as u32).count(flags);
        let bound = zones.zones.as_ref().map_or_else(|| Binding::from(weights), Binding::from);
        let bindings = [field.block(0), field.flags(0), weights.into(), bound, (&now).into()];
        step.run(&OF_CELLS, parameters, &bindings, (partials * zones.count) as u64)?;
        while partials > TERMS {
            let fewer = partials.div_ceil(TERMS);
            let next = room(fewer)?;
            tree(step, numbers, (&now, partials), ((&next).into(), fewer), 2 * zones.count)?;
            (partials, now) = (fewer, next);
        }
        self.asked.push(Asked { partial: now, partials, zones: zones.count, numbers });
        Ok(self.asked.len() - 1)
    }

    /// Does the step, and reads all sums in one copy: those of each number, zone by zone.
    ///
    /// # Errors
    /// As [`Step::submit`] and [`Gpu::read`].
    pub fn read(self, mut step: Step) -> Result<Vec<Vec<ZoneSum>>, GpuError> {
        if self.asked.is_empty() {
            if !step.is_empty() {
                step.submit()?;
            }
            return Ok(Vec::new());
        }
        let gpu = step.gpu().clone();
        let room = |asked: &Asked| ((2 * asked.zones * asked.numbers.real.bytes()) as u64).next_multiple_of(ALIGNMENT);
        let bytes = self.asked.iter().map(room).sum();
        let all = gpu.buffer("sums", bytes)?;
        let mut at = 0;
        for asked in &self.asked {
            let to = Binding::part(&all, at, (2 * asked.zones * asked.numbers.real.bytes()) as u64);
            tree(&mut step, asked.numbers, (&asked.partial, asked.partials), (to, 1), 2 * asked.zones)?;
            at += room(asked);
        }
        step.submit()?;
        let read: Vec<u8> = gpu.read(&all, 0, bytes as usize)?;
        let mut at = 0;
        let of = |asked: &Asked| {
            let width = asked.numbers.real.bytes();
            let number = |k: usize| {
                let own = &read[at + k * width..at + (k + 1) * width];
                match own.try_into() {
                    Ok(bytes) => f64::from_le_bytes(bytes),
                    Err(_) => f32::from_le_bytes(own.try_into().expect("4 or 8 bytes")).into(),
                }
            };
            let sums = (0..asked.zones).map(|zone| ZoneSum { sum: number(zone), missing: number(asked.zones + zone) });
            let sums: Vec<ZoneSum> = sums.collect();
            at += room(asked) as usize;
            sums
        };
        Ok(self.asked.iter().map(of).collect())
    }
}

/// Adds a level of the tree to a step: partial results of so many series made fewer.
fn tree(
    step: &mut Step,
    numbers: Numbers,
    (sums, before): (&Buffer, usize),
    (fewer, after): (Binding<'_>, usize),
    series: usize,
) -> Result<(), GpuError> {
    let parameters = Parameters::new(numbers).trips(TERMS as u64).count(before as u32).count(after as u32);
    step.run(&OF_PARTIALS, parameters, &[sums.into(), fewer], (series * after) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, assert_close, device};
    use crate::sparse_apply::SlabFlags;
    use crate::zone_sums::product_sum;

    struct Case<V> {
        values: Vec<V>,
        flags: Vec<bool>,
        weights: Vec<f64>,
        zones: Vec<u16>,
    }

    fn case<V: Stored>(cells: usize, masked: bool) -> Case<V> {
        let mut noise = Noise(cells as u64);
        let mut values: Vec<V> = noise.many(cells, -50.0, 300.0).into_iter().map(V::from_f64).collect();
        let flags: Vec<bool> = (0..cells).map(|_| !masked || noise.next() < 0.7).collect();
        let weights: Vec<f64> = (0..cells).map(|_| if noise.next() < 0.1 { 0.0 } else { noise.next() }).collect();
        // What is missing or has no weight may be anything.
        for cell in (0..cells).filter(|&cell| !flags[cell] || weights[cell] == 0.0) {
            values[cell] = V::from_f64(f64::NAN);
        }
        Case { values, flags, weights, zones: (0..cells).map(|_| noise.below(4) as u16).collect() }
    }

    fn check<V: Stored>(gpu: &Gpu, sizes: &[usize]) {
        let numbers = Numbers::of::<V>(gpu).expect("the test asked");
        let (mut step, mut sums, mut cases) = (Step::new(gpu), ZoneSums::new(), Vec::new());
        for &cells in sizes {
            for masked in [false, true] {
                let case = case::<V>(cells, masked);
                let flags = masked.then(|| SlabFlags::from_bools(cells, &case.flags));
                let field = DeviceField::upload(gpu, cells, &case.values, flags.as_ref(), 1).expect("small");
                let weights = gpu.upload_real("weights", &case.weights, numbers).expect("small");
                let zones = DeviceZones::upload(gpu, &case.zones, 4).expect("small");
                for zones in [DeviceZones::ONE, zones] {
                    let number = sums.add(&mut step, &field, &weights, &zones).expect("it fits");
                    assert_eq!(number, cases.len());
                    cases.push((case.zones.clone(), zones.count));
                }
            }
        }
        let found = sums.read(step).expect("it runs");
        assert_eq!(found.len(), cases.len());
        for (k, ((zones, count), found)) in cases.iter().zip(&found).enumerate() {
            let case = case::<V>(zones.len(), k / 2 % 2 == 1);
            let values: Vec<f64> = case.values.iter().map(|v| v.to_f64()).collect();
            let weights_in = |zone: usize| -> Vec<f64> {
                let own = |(&w, &z): (&f64, &u16)| if *count == 1 || usize::from(z) == zone { w } else { 0.0 };
                case.weights.iter().zip(zones).map(own).collect()
            };
            let missing: Vec<bool> = case.flags.iter().map(|f| !f).collect();
            let of = |zone: usize| {
                let weights = weights_in(zone);
                let sum = product_sum(&values, &weights, Some(&case.flags)).value();
                (sum, product_sum(&vec![1.0; values.len()], &weights, Some(&missing)).value())
            };
            let (expected, expected_missing): (Vec<f64>, Vec<f64>) = (0..*count).map(of).unzip();
            let depth = 256.0 * (zones.len().max(2) as f64).log(256.0).ceil();
            // Weights are rounded to the device's numbers first.
            let bound = (depth + 2.0) * numbers.real.epsilon() * zones.len() as f64;
            let of = |of: fn(&ZoneSum) -> f64| found.iter().map(of).collect::<Vec<f64>>();
            assert_close(&format!("sums {k}"), &of(|s| s.sum), &expected, |_| 300.0 * bound);
            assert_close(&format!("missing {k}"), &of(|s| s.missing), &expected_missing, |_| bound);
        }
    }

    #[test]
    fn sums_over_zones_come_together_and_are_those_of_the_processor() {
        if device().is_none() {
            return;
        }
        // A device of its own: others count their copies on the shared one.
        let gpu = Gpu::open(crate::device::DeviceChoice::Gpu(Some(0))).expect("it opened before").expect("a device");
        let gpu = &gpu;
        check::<f32>(gpu, &[1, 257, 70_000]);
        if gpu.facts().f64 {
            let before = gpu.copies();
            check::<f64>(gpu, &[1, 257, 70_000]);
            assert_eq!((gpu.copies() - before).downloads, 1);
        }
        let field = DeviceField::<f32>::upload(gpu, 3, &[1.0; 3], None, 1).expect("small");
        let weights = gpu.upload_real("weights", &[1.0; 2], Numbers::of::<f32>(gpu).expect("single")).expect("small");
        let refused = ZoneSums::new().add(&mut Step::new(gpu), &field, &weights, &DeviceZones::ONE);
        assert_eq!(refused, Err(GpuError::WrongLength { what: "the weights", found: 2, expected: 3 }));
    }
}
