//! The twin beside the kernel of the processor, and the published numbers.

use super::*;
use crate::bulk_flux;
use crate::gpu::tests::{Noise, POISON, assert_close, device, poisoned};
use crate::gpu::{BlockShape, Gpu};
use crate::sparse_apply::SlabFlags;

const SCHEMES: [Scheme; 5] = [Scheme::Ncar, Scheme::Coare30, Scheme::Coare36, Scheme::Ecmwf, Scheme::Andreas];

fn run<V: Stored>(gpu: &Gpu, options: &Options, n: usize, values: &[f64], valid: Option<&SlabFlags>) -> (Vec<f64>, SlabFlags) {
    let values: Vec<V> = values.iter().map(|&v| V::from_f64(v)).collect();
    let inputs = DeviceField::upload(gpu, n, &values, valid, 1).expect("it fits");
    let outputs = poisoned::<V>(gpu, BlockShape { cells: n, slabs: 6, lanes: 1 }, true);
    let mut step = Step::new(gpu);
    fluxes(&mut step, options, &inputs, &outputs).expect("it fits");
    step.finish().expect("it runs");
    let (found, flags) = outputs.download(gpu).expect("read");
    (found.into_iter().map(V::to_f64).collect(), flags.expect("flags"))
}

fn compare<V: Stored>(gpu: &Gpu, options: &Options, bound: f64) {
    let (n, mut noise) = (700, Noise(17));
    let ranges = [
        (271.0, 304.0),
        (255.0, 306.0),
        (0.001, 0.02),
        (-18.0, 18.0),
        (-18.0, 18.0),
        (96e3, 104e3),
        (0.0, 700.0),
        (150.0, 430.0),
    ];
    let mut values: Vec<f64> = ranges.iter().flat_map(|&(low, high)| noise.many(n, low, high)).collect();
    values.iter_mut().for_each(|v| *v = V::from_f64(*v).to_f64());
    let flags: Vec<bool> = (0..8 * n).map(|k| k % 613 != 5).collect();
    // What lies under the mask must not matter.
    (0..8 * n).filter(|&k| !flags[k]).for_each(|k| values[k] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][k % 3]);
    let flags = SlabFlags::from_bools(n, &flags);
    let (found, found_flags) = run::<V>(gpu, options, n, &values, Some(&flags));
    let valid: Vec<bool> = (0..n).map(|k| (0..8).all(|slab| flags.get(slab, k))).collect();
    let column = |k: usize| &values[k * n..(k + 1) * n];
    let inputs = bulk_flux::Inputs {
        sea_surface_temperature: column(0),
        air_temperature: column(1),
        specific_humidity: column(2),
        eastward_wind: column(3),
        northward_wind: column(4),
        pressure: column(5),
        shortwave: column(6),
        longwave: column(7),
        valid: Some(&valid),
    };
    let mut out = vec![vec![POISON; n]; 6];
    let mut out_valid = vec![false; n];
    let [a, b, c, d, e, f] = &mut out[..] else { unreachable!("six columns") };
    let outputs = bulk_flux::Outputs {
        eastward_stress: a,
        northward_stress: b,
        sensible: c,
        latent: d,
        evaporation: e,
        surface_temperature: f,
        valid: &mut out_valid,
    };
    bulk_flux::fluxes(options, &inputs, outputs);
    for (slab, expected) in out.iter().enumerate() {
        let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        assert_close(&format!("{options:?} {slab}"), &found[slab * n..(slab + 1) * n], expected, |_| bound * largest);
        assert!((0..n).all(|k| found_flags.get(slab, k) == out_valid[k]), "{options:?} {slab}: flags");
    }
}

#[test]
fn fluxes_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    for scheme in SCHEMES {
        let single = match scheme {
            _ if gpu.facts().f64 => 1e-6,
            Scheme::Andreas => 0.1,
            _ => 2e-4,
        };
        for cool_skin in [false, true] {
            let options = Options { cool_skin, iterations: 6, ..Options::new(scheme) };
            compare::<f32>(gpu, &options, single);
            if gpu.facts().f64 {
                compare::<f64>(gpu, &options, 1e-11);
            }
        }
        let one_height = Options { air_height: 10.0, iterations: 6, ..Options::new(scheme) };
        compare::<f32>(gpu, &one_height, single);
    }
}

#[test]
fn published_numbers_are_met_on_the_device() {
    let Some(gpu) = device().filter(|gpu| gpu.facts().f64) else { return };
    // AeroBulk: 22 °C under 20 °C, 12 g/kg, 5 m/s, 1010 hPa; sensible, latent, stress without a skin.
    let values = [295.15, 293.15, 0.012, 5.0, 0.0, 101_000.0, 0.0, 350.0];
    let table = [
        (Scheme::Ncar, [-16.696_953_274_859, -88.478_183_775_260, 0.035_851_960_993_619]),
        (Scheme::Coare36, [-18.292_657_704_947, -90.485_194_305_803, 0.032_595_091_484_168]),
        (Scheme::Ecmwf, [-16.771_628_251_682, -86.559_889_506_035, 0.038_861_221_018_940]),
    ];
    for (scheme, expected) in table {
        let options = Options { iterations: 50, ..Options::new(scheme) };
        let (found, _) = run::<f64>(gpu, &options, 1, &values, None);
        assert_close(&format!("{scheme:?}"), &[found[2], found[3], found[0]], &expected, |k| 1e-11 * expected[k].abs());
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = device() else { return };
    let field = |slabs: usize, flags: bool| {
        DeviceField::<f32>::zeros(gpu, BlockShape { cells: 8, slabs, lanes: 1 }, flags).expect("it fits")
    };
    let mut step = Step::new(gpu);
    for (inputs, outputs) in [(field(8, false), field(6, false)), (field(7, false), field(6, true))] {
        let result = fluxes(&mut step, &Options::new(Scheme::Ncar), &inputs, &outputs);
        assert!(matches!(result, Err(GpuError::WrongLength { .. })), "{result:?}");
    }
}
