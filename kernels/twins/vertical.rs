//! Twin of [`crate::vertical`]: the slabs of a field are the levels of its columns, those of the result the targets.

use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, BlockShape, DeviceField, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Stored};
use crate::vertical::Beyond;

/// Values at levels.
pub const AT_LEVELS: Kernel = Kernel {
    name: "vertical",
    texts: &[include_str!("../shared/columns.wgsl"), include_str!("../vertical.wgsl")],
    entry: "at_levels",
    bindings: &[
        ("values", Access::Read),
        ("valid", Access::Read),
        ("levels", Access::Read),
        ("own_levels", Access::Read),
        ("targets", Access::Read),
        ("results", Access::Write),
        ("results_valid", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Means of layers.
pub const LAYER_MEANS: Kernel = Kernel {
    name: "vertical_layers",
    texts: &[include_str!("../shared/columns.wgsl"), include_str!("../vertical_layers.wgsl")],
    entry: "layer_means",
    bindings: &[
        ("values", Access::Read),
        ("valid", Access::Read),
        ("edges", Access::Read),
        ("target_edges", Access::Read),
        ("results", Access::Write),
        ("results_valid", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Where the values of a field are: ascending.
#[derive(Clone, Copy, Debug)]
pub enum DeviceLevels<'l, V> {
    /// The same for all cells.
    Shared(&'l [f64]),
    /// A coordinate for each value; values without one are none.
    PerCell(&'l DeviceField<V>),
}

/// Between levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// [`crate::vertical::linear`].
    Line,
    /// [`crate::vertical::Cubic`].
    MonotoneCubic,
}

/// Adds the values of columns at `targets` to a step, as [`crate::vertical::linear`] or [`crate::vertical::Cubic`];
/// levels that are not valid are left out of their column.
///
/// # Errors
/// [`GpuError::WrongLength`] if levels do not fit; [`GpuError::TooLarge`] if all levels together are more than a
/// binding; [`GpuError::TooLong`] if there are thousands of levels.
pub fn at_levels<V: Stored>(
    step: &mut Step,
    field: &DeviceField<V>,
    levels: DeviceLevels<'_, V>,
    targets: &[f64],
    curve: Curve,
    beyond: [Beyond; 2],
) -> Result<DeviceField<V>, GpuError> {
    let result = results(step.gpu(), field, targets.len())?;
    at_levels_into(step, field, levels, targets, curve, beyond, &result)?;
    Ok(result)
}

/// [`at_levels`] into a field that is there, a slab with flags for each target.
///
/// # Errors
/// As there, and [`GpuError::WrongLength`] if the result does not fit.
pub fn at_levels_into<V: Stored>(
    step: &mut Step,
    field: &DeviceField<V>,
    levels: DeviceLevels<'_, V>,
    targets: &[f64],
    curve: Curve,
    beyond: [Beyond; 2],
    result: &DeviceField<V>,
) -> Result<(), GpuError> {
    let gpu = step.gpu().clone();
    let (from, numbers) = (field.shape(), Numbers::of::<V>(&gpu)?);
    check("cells of the result", result.shape().cells, from.cells)?;
    check("slabs of the result", result.shape().slabs, targets.len())?;
    check("flags of the result", usize::from(result.has_flags()), 1)?;
    let shared = match levels {
        DeviceLevels::Shared(levels) => levels,
        DeviceLevels::PerCell(own) => {
            check("cells of the levels", own.shape().cells, from.cells)?;
            check("lanes of the levels", own.shape().lanes, from.lanes)?;
            check("the levels", own.shape().slabs, from.slabs)?;
            &[]
        }
    };
    let own = match levels {
        DeviceLevels::Shared(levels) => {
            check("the levels", levels.len(), from.slabs)?;
            field.whole()
        }
        DeviceLevels::PerCell(own) => own.whole(),
    };
    let is_own = matches!(levels, DeviceLevels::PerCell(_));
    let shared = gpu.upload_real("levels", shared, numbers)?;
    let targets = gpu.upload_real("targets", targets, numbers)?;
    for block in 0..result.shape().blocks() {
        let parameters = parameters(numbers, field, result, block)
            .count(u32::from(field.has_flags()) | u32::from(is_own) << 1 | u32::from(curve == Curve::MonotoneCubic) << 2)
            .count(code(beyond[0]))
            .count(code(beyond[1]));
        let bindings = [
            field.whole(),
            field.whole_flags(),
            (&shared).into(),
            own,
            (&targets).into(),
            result.block(block),
            result.flags(block),
        ];
        step.run(&AT_LEVELS, parameters, &bindings, from.cells as u64)?;
    }
    Ok(())
}

/// In a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// [`crate::vertical::Layers::constant`].
    Constant,
    /// [`crate::vertical::Layers::parabolic`], between layers without a value as if the column ended there.
    Parabola,
}

/// Adds the means of layers with ascending `edges` between `target_edges` to a step, as
/// [`crate::vertical::layer_means`]; layers that are not valid cover nothing. What is covered in part counts; beyond the
/// layers [`Beyond::Extrapolate`] is [`Beyond::Nearest`].
///
/// # Errors
/// As [`at_levels`].
pub fn layer_means<V: Stored>(
    step: &mut Step,
    field: &DeviceField<V>,
    edges: &[f64],
    target_edges: &[f64],
    profile: Profile,
    beyond: [Beyond; 2],
) -> Result<DeviceField<V>, GpuError> {
    let gpu = step.gpu().clone();
    let (from, numbers) = (field.shape(), Numbers::of::<V>(&gpu)?);
    check("the edges of the layers", edges.len(), from.slabs + 1)?;
    let result = results(&gpu, field, target_edges.len().saturating_sub(1))?;
    let edges = gpu.upload_real("edges", edges, numbers)?;
    let targets = gpu.upload_real("targets", target_edges, numbers)?;
    for block in 0..result.shape().blocks() {
        let parameters = parameters(numbers, field, &result, block)
            .count(u32::from(field.has_flags()) | u32::from(profile == Profile::Parabola) << 1)
            .count(code(beyond[0]))
            .count(code(beyond[1]));
        let bindings: [Binding<'_>; 6] =
            [field.whole(), field.whole_flags(), (&edges).into(), (&targets).into(), result.block(block), result.flags(block)];
        step.run(&LAYER_MEANS, parameters, &bindings, from.cells as u64)?;
    }
    Ok(result)
}

fn results<V: Stored>(gpu: &Gpu, field: &DeviceField<V>, slabs: usize) -> Result<DeviceField<V>, GpuError> {
    let cells = field.shape().cells;
    DeviceField::zeros(gpu, BlockShape { cells, slabs, lanes: gpu.lanes::<V>(cells, slabs)? }, true)
}

fn parameters<V: Stored>(numbers: Numbers, field: &DeviceField<V>, result: &DeviceField<V>, block: usize) -> Parameters {
    let (from, to, [stride, word_stride]) = (field.shape(), result.shape(), field.strides());
    Parameters::new(numbers)
        .trips((to.lanes * (from.slabs + 1)) as u64)
        .count(from.slabs as u32)
        .count(from.lanes as u32)
        .count(stride)
        .count(word_stride)
        .count(to.lanes as u32)
        .count((block * to.lanes) as u32)
        .count(to.slabs_of(block) as u32)
}

fn code(beyond: Beyond) -> u32 {
    match beyond {
        Beyond::Missing => 0,
        Beyond::Nearest => 1,
        Beyond::Extrapolate => 2,
    }
}

fn check(what: &'static str, found: usize, expected: usize) -> Result<(), GpuError> {
    if found == expected { Ok(()) } else { Err(GpuError::WrongLength { what, found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, assert_close, device};
    use crate::sparse_apply::SlabFlags;
    use crate::vertical::{Cubic, Layers, linear};

    const CELLS: usize = 300;
    const LEVELS: usize = 11;

    struct Case<V> {
        values: Vec<V>,
        flags: Vec<bool>,
        levels: Vec<f64>,
        own: Vec<V>,
    }

    /// Cell 0 has no level, cells 1 to 3 as many as their number, the others most.
    fn case<V: Stored>() -> Case<V> {
        let mut noise = Noise(21);
        let values: Vec<V> = noise.many(CELLS * LEVELS, -3.0, 9.0).into_iter().map(V::from_f64).collect();
        let there = |k: usize, noise: &mut Noise| match (k % CELLS, k / CELLS) {
            (cell @ 0..4, level) => level < cell,
            _ => noise.next() < 0.8,
        };
        let flags: Vec<bool> = (0..CELLS * LEVELS).map(|k| there(k, &mut noise)).collect();
        let levels: Vec<f64> = (0..LEVELS).map(|k| (k * k) as f64 * 0.25 + k as f64).collect();
        let own = (0..CELLS * LEVELS).map(|k| V::from_f64(levels[k / CELLS] + (k % CELLS) as f64 / 1024.0)).collect();
        Case { values, flags, levels, own }
    }

    /// What lies under the mask must not matter.
    fn hidden<V: Stored>(values: &[V], flags: &[bool]) -> Vec<V> {
        let nothing = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(V::from_f64);
        let value = |(k, &v): (usize, &V)| if flags[k] { v } else { nothing[k % 3] };
        values.iter().enumerate().map(value).collect()
    }

    fn column<V: Stored>(case: &Case<V>, cell: usize, own: bool) -> (Vec<f64>, Vec<f64>) {
        let there = (0..LEVELS).map(|l| l * CELLS + cell).filter(|&k| case.flags[k]);
        there.map(|k| (if own { case.own[k].to_f64() } else { case.levels[k / CELLS] }, case.values[k].to_f64())).unzip()
    }

    fn compare<V: Stored>(gpu: &Gpu, name: &str, result: &DeviceField<V>, expected: &[Option<f64>]) {
        let (found, flags) = result.download(gpu).expect("small");
        let mut bools = vec![true; found.len()];
        flags.expect("results have flags").write_bools(&mut bools);
        let wanted: Vec<bool> = expected.iter().map(Option::is_some).collect();
        assert!(bools == wanted, "{name}: flags");
        let found: Vec<f64> = found.iter().map(|v| v.to_f64()).collect();
        let expected: Vec<f64> = expected.iter().map(|v| v.unwrap_or(0.0)).collect();
        // Some ten roundings of values up to 12 and slopes; lines beyond the levels reach to some hundred.
        assert_close(name, &found, &expected, |k| 100.0 * V::WIDTH.epsilon() * (12.0 + expected[k].abs()));
    }

    fn check_numbers<V: Stored>(gpu: &Gpu) {
        let case = case::<V>();
        let flags = SlabFlags::from_bools(CELLS, &case.flags);
        let field = DeviceField::upload(gpu, CELLS, &hidden(&case.values, &case.flags), Some(&flags), 8).expect("small");
        let own = DeviceField::upload(gpu, CELLS, &case.own, None, 8).expect("small");
        // At, between, below, above and not a number; more than a block.
        let mut targets: Vec<f64> = (0..14).map(|k| f64::from(k) * 2.5 - 1.0).collect();
        targets.extend([0.0, 1.25, f64::NAN, 35.0]);
        for beyond in [[Beyond::Missing; 2], [Beyond::Nearest, Beyond::Extrapolate], [Beyond::Extrapolate, Beyond::Nearest]] {
            for (curve, is_own) in [(Curve::Line, false), (Curve::Line, true), (Curve::MonotoneCubic, false)] {
                let levels = if is_own { DeviceLevels::PerCell(&own) } else { DeviceLevels::Shared(&case.levels) };
                let mut step = Step::new(gpu);
                let result = at_levels(&mut step, &field, levels, &targets, curve, beyond).expect("it fits");
                step.submit().expect("it runs");
                let expected: Vec<Option<f64>> = (0..targets.len() * CELLS)
                    .map(|k| {
                        let (z, v) = column(&case, k % CELLS, is_own);
                        match curve {
                            Curve::Line => linear(&z, &v, targets[k / CELLS], beyond),
                            Curve::MonotoneCubic => {
                                let mut cubic = Cubic::default();
                                cubic.fit(&z, &v);
                                cubic.value(&z, &v, targets[k / CELLS], beyond)
                            }
                        }
                    })
                    .collect();
                compare(gpu, &format!("{curve:?} {is_own} {beyond:?}"), &result, &expected);
            }
        }
    }

    #[test]
    fn columns_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        check_numbers::<f32>(gpu);
        if gpu.facts().f64 {
            check_numbers::<f64>(gpu);
        }
    }

    fn check_layers<V: Stored>(gpu: &Gpu) {
        let case = case::<V>();
        // Without gaps, as one call of the processor's kernel has it.
        let field = DeviceField::upload(gpu, CELLS, &case.values, None, 8).expect("small");
        let edges: Vec<f64> = (0..=LEVELS).map(|k| 1.5 * k as f64 + 0.05 * (k * k) as f64).collect();
        let targets = [-2.0, 0.5, 1.5, 3.0, 7.1, 7.2, 16.0, 20.0, 25.0];
        for (profile, beyond) in [
            (Profile::Constant, [Beyond::Missing; 2]),
            (Profile::Constant, [Beyond::Nearest; 2]),
            (Profile::Parabola, [Beyond::Missing; 2]),
        ] {
            let mut step = Step::new(gpu);
            let result = layer_means(&mut step, &field, &edges, &targets, profile, beyond).expect("it fits");
            step.submit().expect("it runs");
            let expected: Vec<Option<f64>> = (0..(targets.len() - 1) * CELLS)
                .map(|k| {
                    let means: Vec<f64> = (0..LEVELS).map(|l| case.values[l * CELLS + k % CELLS].to_f64()).collect();
                    let mut layers = Layers::default();
                    match profile {
                        Profile::Constant => layers.constant(&means),
                        Profile::Parabola => layers.parabolic(&edges, &means),
                    }
                    let range = (targets[k / CELLS], targets[k / CELLS + 1]);
                    crate::vertical::layer_means(&edges, &means, &layers, range, beyond).map(|m| m.0)
                })
                .collect();
            compare(gpu, &format!("{profile:?} {beyond:?}"), &result, &expected);
        }
        // A layer that is missing covers nothing: what is left of the others stays.
        let flags: Vec<bool> = (0..case.values.len()).map(|k| k / CELLS != 1).collect();
        let values = hidden(&case.values, &flags);
        let flags = SlabFlags::from_bools(CELLS, &flags);
        let field = DeviceField::upload(gpu, CELLS, &values, Some(&flags), 8).expect("small");
        let mut step = Step::new(gpu);
        let profile = Profile::Parabola;
        let result = layer_means(&mut step, &field, &edges, &[0.0, edges[2]], profile, [Beyond::Missing; 2]).expect("it fits");
        step.submit().expect("it runs");
        let expected: Vec<Option<f64>> = (0..CELLS).map(|c| Some(case.values[c].to_f64())).collect();
        compare(gpu, "a gap", &result, &expected);
    }

    #[test]
    fn layers_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        check_layers::<f32>(gpu);
        if gpu.facts().f64 {
            check_layers::<f64>(gpu);
        }
        let field = DeviceField::<f32>::upload(gpu, 1, &[1.0; 2], None, 4).expect("small");
        let (edges, profile) = ([0.0, 1.0], Profile::Constant);
        let refused = layer_means(&mut Step::new(gpu), &field, &edges, &edges, profile, [Beyond::Missing; 2]).map(|_| ());
        assert_eq!(refused, Err(GpuError::WrongLength { what: "the edges of the layers", found: 2, expected: 3 }));
    }
}
