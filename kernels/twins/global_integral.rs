//! Twin of [`crate::global_integral::slab_statistics`]: a field is summed up where it is, some numbers a slab come back.

use crate::global_integral::SlabStatistics;
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Buffer, DeviceField, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Stored};

/// Cells to partial results.
pub const OF_CELLS: Kernel = Kernel {
    name: "global_integral",
    texts: &[include_str!("../global_integral.wgsl")],
    entry: "of_cells",
    bindings: &[
        ("values", Access::Read),
        ("valid", Access::Read),
        ("areas", Access::Read),
        ("sums", Access::Write),
        ("counts", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Partial results to fewer.
pub const OF_PARTIALS: Kernel = Kernel {
    name: "global_integral_tree",
    texts: &[include_str!("../global_integral_tree.wgsl")],
    entry: "of_partials",
    bindings: &[("sums", Access::Read), ("counts", Access::Read), ("fewer_sums", Access::Write), ("fewer_counts", Access::Write)],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Terms that one invocation adds: the tree is the same on every device.
pub(super) const TERMS: usize = 256;

/// Statistics of a field in the making: added to a step, read when that is done.
///
/// Sums are a tree of 256 terms a node, in the order of cells: for n cells the error is below
/// 256·⌈log₂₅₆ n⌉·ε·Σ|a·x|, ε that of the device's `real`; the same bits in every run on a device.
#[derive(Debug)]
pub struct DeviceStatistics {
    blocks: Vec<(Buffer, Buffer)>,
    numbers: Numbers,
    lanes: usize,
    slabs: usize,
}

impl DeviceStatistics {
    /// Adds the statistics of `field` to a step; `areas` has a `real` for each cell ([`Gpu::upload_real`]).
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if there are fewer areas than cells; [`GpuError::OutOfMemory`].
    pub fn add<V: Stored>(step: &mut Step, field: &DeviceField<V>, areas: &Buffer) -> Result<Self, GpuError> {
        let gpu = step.gpu().clone();
        let (numbers, shape) = (Numbers::of::<V>(&gpu)?, field.shape());
        let found = areas.bytes() as usize / numbers.real.bytes();
        if found != shape.cells {
            return Err(GpuError::WrongLength { what: "the areas", found, expected: shape.cells });
        }
        let partial = |partials: usize| -> Result<(Buffer, Buffer), GpuError> {
            let items = (partials * shape.lanes) as u64;
            let sums = gpu.buffer("partial sums", 4 * items * numbers.real.bytes() as u64)?;
            Ok((sums, gpu.buffer("partial counts", 4 * items)?))
        };
        let parameters = || Parameters::new(numbers).trips(TERMS as u64);
        let mut blocks = Vec::new();
        for block in 0..shape.blocks() {
            let mut partials = shape.cells.div_ceil(TERMS).max(1);
            let mut now = partial(partials)?;
            let first = parameters().count(shape.cells as u32).count(shape.lanes as u32).count(partials as u32);
            let first = first.count(u32::from(field.has_flags()));
            let bindings = [field.block(block), field.flags(block), areas.into(), (&now.0).into(), (&now.1).into()];
            step.run(&OF_CELLS, first, &bindings, (partials * shape.lanes) as u64)?;
            while partials > 1 {
                let fewer = partials.div_ceil(TERMS);
                let next = partial(fewer)?;
                let parameters = parameters().count(shape.lanes as u32).count(partials as u32).count(fewer as u32);
                let bindings = [&now.0, &now.1, &next.0, &next.1].map(Into::into);
                step.run(&OF_PARTIALS, parameters, &bindings, (fewer * shape.lanes) as u64)?;
                (partials, now) = (fewer, next);
            }
            blocks.push(now);
        }
        Ok(Self { blocks, numbers, lanes: shape.lanes, slabs: shape.slabs })
    }

    /// The statistics of each slab, once the step was submitted.
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    pub fn read(&self, gpu: &Gpu) -> Result<Vec<SlabStatistics>, GpuError> {
        let mut all = Vec::with_capacity(self.slabs);
        for (sums, counts) in &self.blocks {
            let sums = gpu.read_real(sums, 4 * self.lanes, self.numbers.real)?;
            let counts: Vec<u32> = gpu.read(counts, 0, self.lanes)?;
            for lane in 0..self.lanes.min(self.slabs - all.len()) {
                let of = |plane: usize| sums[plane * self.lanes + lane];
                let some = counts[lane] > 0;
                all.push(SlabStatistics {
                    integral: of(0),
                    area: of(1),
                    least: if some { of(2) } else { f64::INFINITY },
                    greatest: if some { of(3) } else { f64::NEG_INFINITY },
                    count: counts[lane].into(),
                });
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::global_integral::slab_statistics;
    use crate::gpu::tests::{Noise, assert_close, device};
    use crate::sparse_apply::SlabFlags;

    fn check<V: Stored>(gpu: &Gpu, cells: usize, slabs: usize, masked: bool) {
        let mut noise = Noise((cells + slabs) as u64);
        let mut values: Vec<V> = noise.many(cells * slabs, -50.0, 300.0).into_iter().map(V::from_f64).collect();
        let flags: Vec<bool> = (0..values.len()).map(|k| !masked || k / cells.max(1) != 1 && noise.next() < 0.6).collect();
        for (value, _) in values.iter_mut().zip(&flags).filter(|(_, f)| !**f) {
            *value = V::from_f64(f64::NAN);
        }
        let flags = masked.then(|| SlabFlags::from_bools(cells, &flags));
        let areas = noise.many(cells, 1e-4, 2e-4);
        let expected = slab_statistics(&values, flags.as_ref(), &areas);
        let numbers = Numbers::of::<V>(gpu).expect("the test asked");
        let device_areas = gpu.upload_real("areas", &areas, numbers).expect("small");
        let lanes = gpu.lanes::<V>(cells, slabs).expect("small");
        let field = DeviceField::upload(gpu, cells, &values, flags.as_ref(), lanes).expect("small");
        let copies = gpu.copies();
        let mut step = Step::new(gpu);
        let statistics = DeviceStatistics::add(&mut step, &field, &device_areas).expect("small");
        step.submit().expect("it runs");
        let found = statistics.read(gpu).expect("small");
        if slabs == 1 && cells > 100 {
            // Other tests copy too; the least that this one needs is far below the field.
            assert!(gpu.copies().submits > copies.submits);
        }
        let of = |of: fn(&SlabStatistics) -> f64, s: &[SlabStatistics]| s.iter().map(of).collect::<Vec<f64>>();
        let depth = 256.0 * (cells.max(2) as f64).log(256.0).ceil();
        // Areas are rounded to the device's numbers first.
        let bound = (depth + 2.0) * numbers.real.epsilon();
        let name = format!("{cells} cells, {slabs} slabs, {masked}");
        let whole = |k: usize| bound * 300.0 * expected[k].area;
        assert_close(&name, &of(|s| s.integral, &found), &of(|s| s.integral, &expected), whole);
        assert_close(&name, &of(|s| s.area, &found), &of(|s| s.area, &expected), |k| bound * expected[k].area);
        assert_close(&name, &of(|s| s.least, &found), &of(|s| s.least, &expected), |_| 0.0);
        assert_close(&name, &of(|s| s.greatest, &found), &of(|s| s.greatest, &expected), |_| 0.0);
        assert_close(&name, &of(|s| s.count as f64, &found), &of(|s| s.count as f64, &expected), |_| 0.0);
    }

    #[test]
    fn statistics_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        for (cells, slabs) in [(1, 1), (257, 1), (70_000, 1), (1000, 3), (300, 19)] {
            for masked in [false, true] {
                check::<f32>(gpu, cells, slabs, masked);
                if gpu.facts().f64 {
                    check::<f64>(gpu, cells, slabs, masked);
                }
            }
        }
        let field = DeviceField::<f32>::upload(gpu, 3, &[1.0; 3], None, 1).expect("small");
        let areas = gpu.upload_real("areas", &[1.0; 2], Numbers::of::<f32>(gpu).expect("single")).expect("small");
        let refused = DeviceStatistics::add(&mut Step::new(gpu), &field, &areas).map(|_| ());
        assert_eq!(refused, Err(GpuError::WrongLength { what: "the areas", found: 2, expected: 3 }));
    }
}
