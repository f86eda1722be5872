//! Twin of [`crate::time_reduce`]: the slabs of a field are steps, those of the result periods; running results to which
//! steps are added one by one; and values between instants.

use super::slabs::single_lane;
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

/// A block of slabs between two instants.
pub const BETWEEN: Kernel = Kernel {
    name: "time_reduce_between",
    texts: &[include_str!("../time_reduce_between.wgsl")],
    entry: "between",
    bindings: &[
        ("before", Access::Read),
        ("before_valid", Access::Read),
        ("after", Access::Read),
        ("after_valid", Access::Read),
        ("results", Access::Write),
        ("results_valid", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// A step added to running results.
pub const ADD: Kernel = Kernel {
    name: "time_reduce_add",
    texts: &[include_str!("../time_reduce_add.wgsl")],
    entry: "add",
    bindings: &[
        ("values", Access::Read),
        ("valid", Access::Read),
        ("before", Access::Read),
        ("times_before", Access::Read),
        ("results", Access::Write),
        ("times", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: false,
};

/// Running results made values.
pub const FINISH: Kernel = Kernel {
    name: "time_reduce_finish",
    texts: &[include_str!("../time_reduce_finish.wgsl")],
    entry: "finish",
    bindings: &[("sums", Access::Read), ("times", Access::Read), ("results", Access::Write), ("results_valid", Access::Write)],
    numbers: FIELD_NUMBERS,
    loops: false,
};

/// Running results of one period on a device, as [`crate::time_reduce::PeriodSums`]. They never change: a step that is added
/// makes others.
#[derive(Clone, Debug)]
pub struct DevicePeriodSums<V> {
    reduction: Reduction,
    /// Running results, and the time with a value, of each cell.
    parts: Option<[DeviceField<V>; 2]>,
    /// Whether no value was missing so far.
    whole: bool,
}

impl<V: Stored> DevicePeriodSums<V> {
    /// Nothing yet.
    pub fn new(reduction: Reduction) -> Self {
        Self { reduction, parts: None, whole: true }
    }

    /// Goes on from running results and times with a value, a slab each without flags; `whole` if no value was missing so
    /// far, so that times are the same everywhere.
    pub fn from_parts(reduction: Reduction, parts: [DeviceField<V>; 2], whole: bool) -> Self {
        Self { reduction, parts: Some(parts), whole }
    }

    /// Running results and times; `None` before the first step.
    pub fn parts(&self) -> Option<&[DeviceField<V>; 2]> {
        self.parts.as_ref()
    }

    /// Whether no value was missing so far.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Adds a step of time, a field of one slab, to a step of the device: `share.shared` counts as time with a value.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] for a field of several slabs, or of other cells than before; as [`DeviceField::zeros`].
    pub fn add(&self, step: &mut Step, field: &DeviceField<V>, share: Share) -> Result<Self, GpuError> {
        let gpu = step.gpu().clone();
        let cells = self.parts.as_ref().map_or(field.shape().cells, |parts| parts[0].shape().cells);
        single_lane(field, "the values of a step", cells, 1)?;
        let numbers = Numbers::of::<V>(&gpu)?;
        let [results, times] = [0, 1].map(|_| DeviceField::zeros(&gpu, field.shape(), false));
        let (results, times) = (results?, times?);
        let reduction = match self.reduction {
            Reduction::Mean => 0,
            Reduction::Sum => 1,
            Reduction::Minimum => 2,
            Reduction::Maximum => 3,
        };
        let parameters = Parameters::new(numbers)
            .count(u32::from(field.has_flags()) | u32::from(self.parts.is_some()) << 1)
            .count(reduction)
            .real(share.shared)
            .real(share.shared / share.length);
        let before = self.parts.as_ref().map_or([field, field], |[results, times]| [results, times]);
        let bindings = [field.block(0), field.flags(0), before[0].block(0), before[1].block(0), results.block(0), times.block(0)];
        step.run(&ADD, parameters, &bindings, cells as u64)?;
        let whole = self.whole && !field.has_flags();
        Ok(Self { reduction: self.reduction, parts: Some([results, times]), whole })
    }

    /// Adds the values of the period to a step of the device, with flags if a value can be missing; a cell with values for
    /// less than `least` of time is missing. `None` before the first step of time.
    ///
    /// # Errors
    /// As [`DeviceField::zeros`].
    pub fn finish(&self, step: &mut Step, least: f64) -> Result<Option<DeviceField<V>>, GpuError> {
        let gpu = step.gpu().clone();
        let Some([sums, times]) = &self.parts else { return Ok(None) };
        let numbers = Numbers::of::<V>(&gpu)?;
        let has_flags = !self.whole || least > 0.0;
        let result = DeviceField::zeros(&gpu, sums.shape(), has_flags)?;
        // Times are counted in parts of a period; their sum has a rounding.
        let slack = 1.0 - 1e-9f64.max(64.0 * numbers.real.epsilon());
        let parameters = Parameters::new(numbers)
            .count(u32::from(self.reduction == Reduction::Mean) | u32::from(has_flags) << 1)
            .real(least * slack);
        // Bound where flags are not written.
        let unused = gpu.buffer("no flags", 4)?;
        let written = if has_flags { result.flags(0) } else { (&unused).into() };
        let bindings = [sums.block(0), times.block(0), result.block(0), written];
        step.run(&FINISH, parameters, &bindings, sums.shape().cells as u64)?;
        Ok(Some(result))
    }
}

/// Adds the values at an instant between two fields to a step, as [`crate::time_reduce::between`]: `fraction` of the way,
/// 0 to 1.
///
/// # Errors
/// [`GpuError::WrongLength`] if the fields are not of the same slabs in the same blocks; as [`DeviceField::zeros`].
pub fn between<V: Stored>(
    step: &mut Step,
    before: &DeviceField<V>,
    after: &DeviceField<V>,
    fraction: f64,
) -> Result<DeviceField<V>, GpuError> {
    let gpu = step.gpu().clone();
    let (shape, other, numbers) = (before.shape(), after.shape(), Numbers::of::<V>(&gpu)?);
    for (what, found, expected) in [
        ("a slab of the later field", other.cells, shape.cells),
        ("slabs of the later field", other.slabs, shape.slabs),
        ("lanes of the later field", other.lanes, shape.lanes),
    ] {
        if found != expected {
            return Err(GpuError::WrongLength { what, found, expected });
        }
    }
    let result = DeviceField::zeros(&gpu, shape, true)?;
    let at_end = if fraction == 0.0 { 1 } else { 2 * u32::from(fraction == 1.0) };
    for block in 0..shape.blocks() {
        let parameters = Parameters::new(numbers)
            .trips(shape.lanes as u64)
            .count(shape.lanes as u32)
            .count(shape.slabs_of(block) as u32)
            .count(u32::from(before.has_flags()) | u32::from(after.has_flags()) << 1)
            .count(at_end)
            .real(fraction);
        let bindings = [
            before.block(block),
            before.flags(block),
            after.block(block),
            after.flags(block),
            result.block(block),
            result.flags(block),
        ];
        step.run(&BETWEEN, parameters, &bindings, shape.cells as u64)?;
    }
    Ok(result)
}

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

    /// What lies under the mask must not matter.
    fn hidden<V: Stored>(mut values: Vec<V>, flags: &[bool]) -> Vec<V> {
        let nothing = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        values.iter_mut().enumerate().filter(|(k, _)| !flags[*k]).for_each(|(k, v)| *v = V::from_f64(nothing[k % 3]));
        values
    }

    fn check_between<V: Stored>(gpu: &Gpu, masked: [bool; 2], fraction: f64) {
        // Five slabs leave lanes of their block unused, nineteen those of a second one.
        for slabs in [1usize, 5, 19] {
            let (cells, mut noise) = (130, Noise(slabs as u64));
            let mut field = |masked: bool| {
                let values: Vec<V> = noise.many(cells * slabs, -5.0, 30.0).into_iter().map(V::from_f64).collect();
                let flags: Vec<bool> = (0..values.len()).map(|_| !masked || noise.next() < 0.7).collect();
                (hidden(values, &flags), flags)
            };
            let sides = masked.map(&mut field);
            let lanes = gpu.lanes::<V>(cells, slabs).expect("small");
            let [before, after] = [0, 1].map(|k| {
                let flags = masked[k].then(|| SlabFlags::from_bools(cells, &sides[k].1));
                DeviceField::upload(gpu, cells, &sides[k].0, flags.as_ref(), lanes).expect("small")
            });
            let mut step = Step::new(gpu);
            let result = super::between(&mut step, &before, &after, fraction).expect("it fits");
            step.submit().expect("it runs");
            let (found, flags) = result.download(gpu).expect("small");
            let mut valid = vec![false; found.len()];
            flags.expect("it has flags").write_bools(&mut valid);
            let wide = sides.each_ref().map(|(values, _)| values.iter().map(|v| v.to_f64()).collect::<Vec<f64>>());
            let side = |k: usize| (&wide[k][..], masked[k].then_some(&sides[k].1[..]));
            let (expected, expected_valid) = crate::time_reduce::between(side(0), side(1), fraction);
            let name = format!("{masked:?} {fraction} {slabs}");
            assert!(valid == expected_valid, "{name}: flags");
            let found: Vec<f64> = found.iter().map(|v| v.to_f64()).collect();
            // A difference, a product, a sum and storage; ends are as they are.
            let bound = if fraction == 0.0 || fraction == 1.0 { 0.0 } else { 4.0 * V::WIDTH.epsilon() * 35.0 };
            assert_close(&name, &found, &expected, |_| bound);
        }
    }

    #[test]
    fn values_between_instants_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        for masked in [[false, false], [true, false], [false, true], [true, true]] {
            for fraction in [0.0, 0.3, 1.0] {
                check_between::<f32>(gpu, masked, fraction);
                if gpu.facts().f64 {
                    check_between::<f64>(gpu, masked, fraction);
                }
            }
        }
        let [one, two] = [1, 2].map(|cells| DeviceField::<f32>::upload(gpu, cells, &[1.0, 1.0], None, 1).expect("small"));
        let refused = super::between(&mut Step::new(gpu), &one, &two, 0.5).map(|_| ());
        assert_eq!(refused, Err(GpuError::WrongLength { what: "a slab of the later field", found: 2, expected: 1 }));
    }

    fn check_running<V: Stored>(gpu: &Gpu, reduction: Reduction, masked: bool, least: f64) {
        let (cells, mut noise) = (333, Noise(8));
        let (mut running, mut expected) = (DevicePeriodSums::<V>::new(reduction), PeriodSums::new(reduction, cells));
        let mut step = Step::new(gpu);
        assert!(running.finish(&mut step, least).expect("nothing to do").is_none());
        let mut first = None;
        for shared in [3.0, 6.0, 1.5] {
            let share = Share { step: 0, shared, length: 6.0 };
            let values: Vec<V> = noise.many(cells, -5.0, 30.0).into_iter().map(V::from_f64).collect();
            let flags: Vec<bool> = (0..cells).map(|_| !masked || noise.next() < 0.5).collect();
            let values = hidden(values, &flags);
            let slab_flags = masked.then(|| SlabFlags::from_bools(cells, &flags));
            let field = DeviceField::upload(gpu, cells, &values, slab_flags.as_ref(), 1).expect("small");
            running = running.add(&mut step, &field, share).expect("it fits");
            let wide: Vec<f64> = values.iter().map(|v| v.to_f64()).collect();
            expected.add(&wide, Some(&flags), share);
            first.get_or_insert((running.clone(), expected.clone()));
        }
        for (when, running, expected) in [("all", running, expected), first.map(|(r, e)| ("first", r, e)).expect("steps")] {
            let result = running.finish(&mut step, least).expect("it fits").expect("steps were added");
            step.submit().expect("it runs");
            step = Step::new(gpu);
            let (found, found_flags) = result.download(gpu).expect("small");
            let mut valid = vec![true; cells];
            assert_eq!(found_flags.is_some(), masked || least > 0.0);
            found_flags.iter().for_each(|flags| flags.write_bools(&mut valid));
            let (expected, expected_valid) = expected.finish(least);
            let name = format!("{reduction:?} {masked} {when}");
            assert_eq!(valid, expected_valid, "{name}");
            let found: Vec<f64> = found.iter().map(|v| v.to_f64()).collect();
            // Three products, two sums, a division and storage.
            assert_close(&name, &found, &expected, |_| 8.0 * V::WIDTH.epsilon() * 320.0);
        }
    }

    #[test]
    fn running_results_on_the_device_are_those_of_the_processor_and_stay_as_they_were() {
        let Some(gpu) = device() else { return };
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::Minimum, Reduction::Maximum] {
            for (masked, least) in [(false, 0.0), (true, 0.0), (true, 7.5)] {
                check_running::<f32>(gpu, reduction, masked, least);
                if gpu.facts().f64 {
                    check_running::<f64>(gpu, reduction, masked, least);
                }
            }
        }
        let [one, two] = [1, 2].map(|cells| DeviceField::<f32>::upload(gpu, cells, &vec![1.0; cells], None, 1).expect("small"));
        let (mut step, share) = (Step::new(gpu), Share { step: 0, shared: 1.0, length: 1.0 });
        let running = DevicePeriodSums::new(Reduction::Sum).add(&mut step, &one, share).expect("it fits");
        let refused = running.add(&mut step, &two, share).map(|_| ());
        assert_eq!(refused, Err(GpuError::WrongLength { what: "the values of a step", found: 2, expected: 1 }));
    }

    fn check<V: Stored>(gpu: &Gpu, reduction: Reduction) {
        let (cells, steps, mut noise) = (333, 21, Noise(12));
        let values: Vec<V> = noise.many(cells * steps, -5.0, 30.0).into_iter().map(V::from_f64).collect();
        let flags: Vec<bool> = (0..values.len()).map(|_| noise.next() < 0.7).collect();
        let values = hidden(values, &flags);
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
