//! Twin of [`crate::open_water`]: after fluxes of [`super::bulk_flux`], from its inputs and outputs.
//!
//! In double precision within an ulp of each term.

use super::slabs::single_lane;
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, DeviceField, GpuError, Kernel, Numbers, Parameters, Step, Stored};
use crate::open_water::SNOW_BELOW;
use crate::sea_ice::{FUSION, STEFAN_BOLTZMANN};

/// The whole of it.
pub const TRADED: Kernel = Kernel {
    name: "open_water",
    texts: &[include_str!("../open_water.wgsl")],
    entry: "traded",
    bindings: &[
        ("inputs", Access::Read),
        ("surface", Access::Read),
        ("fluxes", Access::Read),
        ("fluxes_valid", Access::Read),
        ("results", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: false,
};

/// Slabs of the results: heat, water, snow on ice, evaporation, sensible and latent heat, eastward and northward stress.
pub const RESULTS: usize = 8;

/// Adds [`crate::open_water::traded`] to a step: `inputs` and `fluxes` are those of [`super::bulk_flux::fluxes`], `surface`
/// has slabs of precipitation and ice, `results` those of [`RESULTS`]; they are 0 where no flux is told.
///
/// # Errors
/// [`GpuError::WrongLength`] for other numbers of slabs or cells, blocks of more than one lane, or fluxes without flags;
/// as [`Step::run`].
pub fn traded<V: Stored>(
    step: &mut Step,
    emissivity: f64,
    inputs: &DeviceField<V>,
    surface: &DeviceField<V>,
    fluxes: &DeviceField<V>,
    results: &DeviceField<V>,
) -> Result<(), GpuError> {
    let cells = inputs.shape().cells;
    single_lane(inputs, "the inputs", cells, 8)?;
    single_lane(surface, "precipitation and ice", cells, 2)?;
    single_lane(fluxes, "the fluxes", cells, 6)?;
    single_lane(results, "the results", cells, RESULTS)?;
    let Some(fluxes_valid) = &fluxes.valid else {
        return Err(GpuError::WrongLength { what: "the flags of the fluxes", found: 0, expected: 6 * cells });
    };
    let parameters = Parameters::new(Numbers::of::<V>(step.gpu())?)
        .count(inputs.strides()[0])
        .real(emissivity)
        .real(STEFAN_BOLTZMANN)
        .real(FUSION)
        .real(SNOW_BELOW);
    let bindings = [&inputs.values, &surface.values, &fluxes.values, fluxes_valid, &results.values].map(Binding::from);
    step.run(&TRADED, parameters, &bindings, cells as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, assert_close, device, poisoned};
    use crate::gpu::{BlockShape, Gpu};
    use crate::open_water::{Cell, Turbulent};
    use crate::sparse_apply::SlabFlags;

    fn check<V: Stored>(gpu: &Gpu) {
        let (cells, mut noise) = (300, Noise(9));
        let mut many = |slabs: &[(f64, f64)]| -> Vec<V> {
            slabs.iter().flat_map(|&(low, high)| noise.many(cells, low, high)).map(V::from_f64).collect()
        };
        let any = (0.0, 1.0);
        let inputs = many(&[any, (263.0, 283.0), any, any, any, any, (0.0, 700.0), (250.0, 420.0)]);
        // Ice a little beyond both ends.
        let surface = many(&[(0.0, 1e-4), (-0.1, 1.1)]);
        let fluxes = many(&[(-0.3, 0.3), (-0.3, 0.3), (-100.0, 50.0), (-200.0, 10.0), (-1e-5, 1e-4), (271.0, 300.0)]);
        let valid: Vec<bool> = (0..6 * cells).map(|k| k % cells % 7 != 3).collect();
        let upload = |values: &[V], flags: Option<&SlabFlags>| DeviceField::upload(gpu, cells, values, flags, 1).expect("small");
        let on_device = [&inputs, &surface].map(|values| upload(values, None));
        let device_fluxes = upload(&fluxes, Some(&SlabFlags::from_bools(cells, &valid)));
        let results = poisoned::<V>(gpu, BlockShape { cells, slabs: RESULTS, lanes: 1 }, false);
        let mut step = Step::new(gpu);
        traded(&mut step, 0.98, &on_device[0], &on_device[1], &device_fluxes, &results).expect("it fits");
        step.submit().expect("it runs");
        let found: Vec<f64> = results.download(gpu).expect("small").0.iter().map(|v| v.to_f64()).collect();
        let mut expected = vec![0.0; RESULTS * cells];
        for i in (0..cells).filter(|&i| valid[i]) {
            let at = |values: &[V], slab: usize| values[slab * cells + i].to_f64();
            let cell = Cell {
                turbulent: Turbulent {
                    stress: [at(&fluxes, 0), at(&fluxes, 1)],
                    sensible: at(&fluxes, 2),
                    latent: at(&fluxes, 3),
                    evaporation: at(&fluxes, 4),
                },
                surface_temperature: at(&fluxes, 5),
                air_temperature: at(&inputs, 1),
                shortwave: at(&inputs, 6),
                longwave: at(&inputs, 7),
                precipitation: at(&surface, 0),
                ice: at(&surface, 1),
            };
            let t = crate::open_water::traded(0.98, &cell);
            let all = [
                t.heat,
                t.water,
                t.snow_on_ice,
                t.turbulent.evaporation,
                t.turbulent.sensible,
                t.turbulent.latent,
                t.turbulent.stress[0],
                t.turbulent.stress[1],
            ];
            all.iter().enumerate().for_each(|(slab, value)| expected[slab * cells + i] = *value);
        }
        let largest = |slab: usize| expected[slab * cells..][..cells].iter().fold(0.0f64, |m, v| m.max(v.abs()));
        // A dozen roundings, of terms below some times the largest result.
        assert_close("traded", &found, &expected, |k| 60.0 * V::WIDTH.epsilon() * largest(k / cells));
    }

    #[test]
    fn what_is_traded_on_the_device_is_what_is_on_the_processor() {
        let Some(gpu) = device() else { return };
        check::<f32>(gpu);
        if gpu.facts().f64 {
            check::<f64>(gpu);
        }
    }
}
