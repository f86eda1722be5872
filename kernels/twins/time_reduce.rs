//! Twin of [`crate::time_reduce::PeriodSums`]: the slabs of a field are steps, those of the result periods.

use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, BlockShape, DeviceField, GpuError, Kernel, Numbers, Parameters, Step, Stored};
use crate::time_reduce::{Reduction, Share};

/// A block of periods.
pub const PERIODS: Kernel = Kernel {
    name: "time_reduce",
    texts: &[include_str!("../time_reduce.wgsl")],
    entry: "periods",
    bindings: &[
        ("values", Access::Read),
        ("valid", Access::Read),
        ("share_starts", Access::Read),
        ("steps", Access::Read),
        ("shares", Access::Read),
        ("least", Access::Read),
        ("results", Access::Write),
        ("results_valid", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Adds the reduction of the slabs of `field` to a step: `periods` have the shares of their steps, in order, and the
/// least time of valid values.
///
/// # Errors
/// [`GpuError::WrongLength`] if a share names a step beyond the last; [`GpuError::TooLarge`] if all steps together are
/// more than a binding; [`GpuError::TooLong`].
pub fn periods<V: Stored>(
    step: &mut Step,
    field: &DeviceField<V>,
    reduction: Reduction,
    periods: &[(Vec<Share>, f64)],
) -> Result<DeviceField<V>, GpuError> {
    let gpu = step.gpu().clone();
    let (shape, numbers) = (field.shape(), Numbers::of::<V>(&gpu)?);
    let all = || periods.iter().flat_map(|p| &p.0);
    if let Some(beyond) = all().find(|s| s.step >= shape.slabs) {
        return Err(GpuError::WrongLength { what: "the steps", found: shape.slabs, expected: beyond.step + 1 });
    }
    let mut starts = vec![0u32];
    periods.iter().for_each(|p| starts.push(starts[starts.len() - 1] + p.0.len() as u32));
    let steps: Vec<u32> = all().map(|s| s.step as u32).collect();
    let shares: Vec<f64> = all().flat_map(|s| [s.shared, s.shared / s.length]).collect();
    // Times are counted in parts of a period; their sum has a rounding.
    let slack = 1.0 - 1e-9f64.max(64.0 * numbers.real.epsilon());
    let least: Vec<f64> = periods.iter().map(|p| p.1 * slack).collect();
    let (starts, steps) = (gpu.upload("starts of periods", &starts)?, gpu.upload("steps of periods", &steps)?);
    let shares = gpu.upload_real("shares of steps", &shares, numbers)?;
    let least = gpu.upload_real("least times", &least, numbers)?;
    let slabs = periods.len();
    let result =
        DeviceField::zeros(&gpu, BlockShape { cells: shape.cells, slabs, lanes: gpu.lanes::<V>(shape.cells, slabs)? }, true)?;
    let to = result.shape();
    let longest = periods.iter().map(|p| p.0.len() + 1).max().unwrap_or(1);
    let reduction = match reduction {
        Reduction::Mean => 0,
        Reduction::Sum => 1,
        Reduction::Minimum => 2,
        Reduction::Maximum => 3,
    };
    for block in 0..to.blocks() {
        let [stride, word_stride] = field.strides();
        let parameters = Parameters::new(numbers)
            .trips((longest * to.lanes) as u64)
            .count(shape.lanes as u32)
            .count(stride)
            .count(word_stride)
            .count(to.lanes as u32)
            .count((block * to.lanes) as u32)
            .count(to.slabs_of(block) as u32)
            .count(reduction)
            .count(u32::from(field.has_flags()));
        let bindings = [
            field.whole(),
            field.whole_flags(),
            (&starts).into(),
            (&steps).into(),
            (&shares).into(),
            (&least).into(),
            result.block(block),
            result.flags(block),
        ];
        step.run(&PERIODS, parameters, &bindings, shape.cells as u64)?;
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Gpu;
    use crate::gpu::tests::{Noise, assert_close, device};
    use crate::sparse_apply::SlabFlags;
    use crate::time_reduce::PeriodSums;

    fn check<V: Stored>(gpu: &Gpu, reduction: Reduction) {
        let (cells, steps, mut noise) = (333, 21, Noise(12));
        let values: Vec<V> = noise.many(cells * steps, -5.0, 30.0).into_iter().map(V::from_f64).collect();
        let flags: Vec<bool> = (0..values.len()).map(|_| noise.next() < 0.7).collect();
        // Periods of two and a half steps, and one without any.
        let mut periods: Vec<(Vec<Share>, f64)> = (0..7)
            .map(|p| {
                let share = |k: usize| Share { step: 3 * p + k, shared: [3.0, 6.0, 1.5][k], length: 6.0 };
                ((0..3).map(share).collect(), 7.5)
            })
            .collect();
        periods.push((Vec::new(), 0.0));
        let field = DeviceField::upload(gpu, cells, &values, Some(&SlabFlags::from_bools(cells, &flags)), 8).expect("small");
        let mut step = Step::new(gpu);
        let result = super::periods(&mut step, &field, reduction, &periods).expect("it fits");
        step.submit().expect("it runs");
        let (found, found_flags) = result.download(gpu).expect("small");
        let wide: Vec<f64> = values.iter().map(|v| v.to_f64()).collect();
        let mut found_bools = vec![false; found.len()];
        found_flags.expect("periods have flags").write_bools(&mut found_bools);
        for (p, (shares, least)) in periods.iter().enumerate() {
            let mut sums = PeriodSums::new(reduction, cells);
            for share in shares {
                let range = share.step * cells..(share.step + 1) * cells;
                sums.add(&wide[range.clone()], Some(&flags[range]), *share);
            }
            let (expected, valid) = sums.finish(*least);
            let found: Vec<f64> = found[p * cells..(p + 1) * cells].iter().map(|v| v.to_f64()).collect();
            assert_eq!(&found_bools[p * cells..(p + 1) * cells], &valid[..], "{reduction:?} {p}");
            // Three products, two sums, a division and storage.
            assert_close(&format!("{reduction:?} {p}"), &found, &expected, |_| 8.0 * V::WIDTH.epsilon() * 60.0);
        }
    }

    #[test]
    fn periods_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::Minimum, Reduction::Maximum] {
            check::<f32>(gpu, reduction);
            if gpu.facts().f64 {
                check::<f64>(gpu, reduction);
            }
        }
        let field = DeviceField::<f32>::upload(gpu, 2, &[1.0; 4], None, 4).expect("small");
        let share = Share { step: 2, shared: 1.0, length: 1.0 };
        let refused = super::periods(&mut Step::new(gpu), &field, Reduction::Sum, &[(vec![share], 0.0)]).map(|_| ());
        assert_eq!(refused, Err(GpuError::WrongLength { what: "the steps", found: 2, expected: 3 }));
    }
}
