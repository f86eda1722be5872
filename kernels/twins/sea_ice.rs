//! Twin of [`mod@crate::sea_ice`]: a step at many points; ice stays on the device from step to step.
//!
//! In double precision ice and fluxes are those of the processor within 1e-12 of the largest terms of a step, in single
//! precision within 1e-5; water is a difference of masses, with their rounding.

use super::slabs::single_lane;
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, DeviceField, GpuError, Kernel, Numbers, Parameters, Step, Stored};
use crate::sea_ice::{FUSION, ICE_CONDUCTIVITY, ICE_DENSITY, MELTING, SNOW_CONDUCTIVITY, SNOW_DENSITY, STEFAN_BOLTZMANN};

/// The whole of it.
pub const STEP: Kernel = Kernel {
    name: "sea_ice",
    texts: &[include_str!("../sea_ice.wgsl")],
    entry: "step",
    bindings: &[("forcing", Access::Read), ("ice", Access::Write), ("results", Access::Write)],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Adds [`crate::sea_ice::step`] of `seconds` at all points to a step: `forcing` has slabs in the order of
/// [`crate::sea_ice::Forcing`], `ice` of thickness and snow (m), before and then after, `results` of surface temperature
/// (K), surface heat, heat left (W m⁻²) and melt water (kg m⁻² s⁻¹), 0 where there is no ice.
///
/// # Errors
/// [`GpuError::WrongLength`] for other numbers of slabs or cells, or blocks of more than one lane; as [`Step::run`].
pub fn step<V: Stored>(
    step: &mut Step,
    seconds: f64,
    forcing: &DeviceField<V>,
    ice: &DeviceField<V>,
    results: &DeviceField<V>,
) -> Result<(), GpuError> {
    let cells = forcing.shape().cells;
    single_lane(forcing, "the forcing", cells, 6)?;
    single_lane(ice, "the ice", cells, 2)?;
    single_lane(results, "the results", cells, 4)?;
    let numbers = Numbers::of::<V>(step.gpu())?;
    // The balance is met as nearly as numbers can tell.
    let tolerance = MELTING * (1e-13f64).max(numbers.real.epsilon() / 4.0);
    let parameters =
        [ICE_CONDUCTIVITY, SNOW_CONDUCTIVITY, ICE_DENSITY, SNOW_DENSITY, FUSION, STEFAN_BOLTZMANN, MELTING, tolerance]
            .into_iter()
            .fold(Parameters::new(numbers).count(forcing.strides()[0]).trips(20).real(seconds), Parameters::real);
    let bindings = [&forcing.values, &ice.values, &results.values].map(Binding::from);
    step.run(&STEP, parameters, &bindings, cells as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, assert_close, device, poisoned};
    use crate::gpu::{BlockShape, Gpu};
    use crate::sea_ice::{self, Forcing, Ice, stefan_thickness};

    const DAY: f64 = 86_400.0;

    fn upload<V: Stored>(gpu: &Gpu, cells: usize, slabs: &[Vec<f64>]) -> DeviceField<V> {
        let values: Vec<V> = slabs.concat().into_iter().map(V::from_f64).collect();
        DeviceField::upload(gpu, cells, &values, None, 1).expect("small")
    }

    fn read<V: Stored>(gpu: &Gpu, field: &DeviceField<V>) -> Vec<f64> {
        field.download(gpu).expect("read").0.into_iter().map(V::to_f64).collect()
    }

    /// Points without ice, thick, thin and melting ones, bare and under snow.
    fn check<V: Stored>(gpu: &Gpu, bound: f64) {
        let (n, mut noise) = (1500, Noise(11));
        let rounded = |values: Vec<f64>| -> Vec<f64> { values.into_iter().map(|v| V::from_f64(v).to_f64()).collect() };
        let thickness = noise.many(n, -0.5, 4.0).into_iter().map(|h| h.max(0.0)).collect();
        let snow = noise.many(n, -0.2, 0.6).into_iter().map(|h| h.max(0.0)).collect();
        let ice = [rounded(thickness), rounded(snow)];
        let ranges = [(50.0, 700.0), (0.9, 1.0), (0.0, 20.0), (235.0, 280.0), (0.0, 40.0), (271.0, 271.6)];
        let forcing = ranges.map(|(low, high)| rounded(noise.many(n, low, high)));
        let on_device = upload::<V>(gpu, n, &ice);
        let results = poisoned::<V>(gpu, BlockShape { cells: n, slabs: 4, lanes: 1 }, false);
        let mut run = Step::new(gpu);
        // A month, so that thin ice melts away.
        step(&mut run, 30.0 * DAY, &upload::<V>(gpu, n, &forcing), &on_device, &results).expect("it fits");
        run.finish().expect("it runs");
        let points: Vec<Ice> = (0..n).map(|k| Ice { thickness: ice[0][k], snow: ice[1][k] }).collect();
        let sky = |k: usize| {
            let [given, emissivity, exchange, air_temperature, ocean, freezing] =
                [0, 1, 2, 3, 4, 5].map(|slab: usize| forcing[slab][k]);
            Forcing { given, emissivity, exchange, air_temperature, ocean, freezing }
        };
        let expected = sea_ice::steps(&points, &(0..n).map(sky).collect::<Vec<_>>(), 30.0 * DAY);
        let (melted, none) =
            (expected.iter().flatten().filter(|s| s.left > 0.0).count(), expected.iter().filter(|s| s.is_none()).count());
        assert!(melted > 50 && none > 50, "{melted} melt away, {none} have none");
        let column = |of: &dyn Fn(usize) -> f64| (0..n).map(of).collect::<Vec<_>>();
        let after = |k: usize| expected[k].map_or(points[k], |s| s.ice);
        let told = |k: usize, of: &dyn Fn(&sea_ice::Step) -> f64| expected[k].as_ref().map_or(0.0, of);
        let found = [read(gpu, &on_device), read(gpu, &results)].concat();
        let expected = [
            column(&|k| after(k).thickness),
            column(&|k| after(k).snow),
            column(&|k| told(k, &|s| s.surface_temperature)),
            column(&|k| told(k, &|s| s.surface_heat)),
            column(&|k| told(k, &|s| s.left)),
            column(&|k| told(k, &|s| s.melt_water)),
        ]
        .concat();
        // Of thickness, snow, temperature, heat, and water: 4 m of ice in a month.
        let sizes = [4.0, 4.0, 273.0, 700.0, 700.0, 4.0 * ICE_DENSITY / (30.0 * DAY)];
        assert_close("sea ice", &found, &expected, |k| bound * sizes[k / n]);
    }

    #[test]
    fn steps_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        check::<f32>(gpu, 1e-5);
        if gpu.facts().f64 {
            check::<f64>(gpu, 1e-12);
        }
    }

    /// A surface that the air holds 20 K below the sea: the growth of Stefan, to the first order of the steps.
    #[test]
    fn growth_is_that_of_stefan() {
        let Some(gpu) = device().filter(|gpu| gpu.facts().f64) else { return };
        let freezing = 271.35;
        let held = [0.0, 0.0, 1e9, freezing - 20.0, 0.0, freezing].map(|v| vec![v]);
        let forcing = upload::<f64>(gpu, 1, &held);
        let error = |days: f64, steps: u32| {
            let ice = upload::<f64>(gpu, 1, &[vec![0.1], vec![0.0]]);
            let results = poisoned::<f64>(gpu, BlockShape { cells: 1, slabs: 4, lanes: 1 }, false);
            let mut run = Step::new(gpu);
            for _ in 0..steps {
                step(&mut run, days * DAY / f64::from(steps), &forcing, &ice, &results).expect("it fits");
            }
            run.finish().expect("it runs");
            (read(gpu, &ice)[0] - stefan_thickness(0.1, 20.0, days * DAY)).abs()
        };
        for days in [10.0, 30.0, 90.0] {
            let (coarse, fine) = (error(days, 400), error(days, 800));
            assert!(fine < 1e-2 && (coarse / fine - 2.0).abs() < 0.1, "{days}: {coarse} {fine}");
        }
    }

    /// 25 W m⁻² through 2 m of ice, and what a step gives: the numbers of the processor's documentation.
    #[test]
    fn what_conducts_is_that_of_semtner() {
        let Some(gpu) = device().filter(|gpu| gpu.facts().f64) else { return };
        let forcing = upload::<f64>(gpu, 1, &[-25.0, 0.0, 0.0, 0.0, 0.0, 271.35].map(|v| vec![v]));
        let ice = upload::<f64>(gpu, 1, &[vec![2.0], vec![0.0]]);
        let results = poisoned::<f64>(gpu, BlockShape { cells: 1, slabs: 4, lanes: 1 }, false);
        let mut run = Step::new(gpu);
        step(&mut run, DAY, &forcing, &ice, &results).expect("it fits");
        run.finish().expect("it runs");
        let (surface, after) = (read(gpu, &results)[0], read(gpu, &ice)[0]);
        assert!((271.35 - surface - 25.0 * 2.0 / 2.03).abs() < 1e-9, "{surface}");
        assert!((after - 2.0 - 25.0 * DAY / (FUSION * ICE_DENSITY)).abs() < 1e-13, "{after}");
    }

    #[test]
    fn fields_that_do_not_fit_are_refused() {
        let Some(gpu) = device() else { return };
        let field =
            |slabs: usize| DeviceField::<f32>::zeros(gpu, BlockShape { cells: 8, slabs, lanes: 1 }, false).expect("it fits");
        let result = step(&mut Step::new(gpu), DAY, &field(6), &field(2), &field(3));
        assert!(matches!(result, Err(GpuError::WrongLength { what: "the results", .. })), "{result:?}");
    }
}
