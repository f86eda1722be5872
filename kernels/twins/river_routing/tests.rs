//! The twins beside the kernels of the processor, and the manual of PCRaster.

use super::*;
use crate::gpu::BlockShape;
use crate::gpu::tests::{Noise, assert_close, device, poisoned};
use crate::river_routing::{kinematic as wave, reservoir};

/// Trees of all depths: every cell drains to one of the 40 before it, or nowhere.
fn forest(n: usize) -> Network {
    let mut noise = Noise(11);
    let below = |k: usize, noise: &mut Noise| u32::try_from(k - 1 - noise.below(k.min(40))).expect("small");
    let downstream = (0..n).map(|k| (k % 97 != 0).then(|| below(k, &mut noise))).collect();
    Network::new(downstream).expect("no circle")
}

fn upload<V: Stored>(gpu: &Gpu, values: &[f64]) -> DeviceField<V> {
    let stored: Vec<V> = values.iter().map(|&v| V::from_f64(v)).collect();
    DeviceField::upload(gpu, values.len(), &stored, None, 1).expect("it fits")
}

fn download<V: Stored>(gpu: &Gpu, field: &DeviceField<V>) -> Vec<f64> {
    field.download(gpu).expect("read").0.into_iter().map(V::to_f64).collect()
}

fn round<V: Stored>(values: Vec<f64>) -> Vec<f64> {
    values.into_iter().map(|v| V::from_f64(v).to_f64()).collect()
}

fn compare<V: Stored>(gpu: &Gpu, bound: f64) {
    let (n, mut noise) = (3000, Noise(5));
    let network = forest(n);
    let on_device = DeviceNetwork::upload(gpu, &network).expect("it fits");
    let (old, lateral) = (round::<V>(noise.many(n, 0.0, 50.0)), round::<V>(noise.many(n, -1e-3, 5e-3)));
    let channel = Channel { alpha: 1.7, beta: 0.6, seconds: 600.0, length: 900.0 };
    let shape = BlockShape { cells: n, slabs: 1, lanes: 1 };
    let now = poisoned::<V>(gpu, shape, false);
    let mut step = Step::new(gpu);
    kinematic(&mut step, &on_device, &channel, &upload(gpu, &old), &upload(gpu, &lateral), &now).expect("it fits");
    step.finish().expect("it runs");
    let expected = wave::step(&network, &channel, &old, &lateral);
    assert_close("waves", &download(gpu, &now), &expected, |k| bound * expected[k].abs().max(1e-3));

    let residence = round::<V>((0..n).map(|k| (k % 5) as f64 * 3e4).collect());
    let (local, mut storage) = (round::<V>(noise.many(n, 0.0, 9.0)), round::<V>(noise.many(n, 0.0, 1e5)));
    let (held, outflow) = (upload::<V>(gpu, &storage), poisoned::<V>(gpu, shape, false));
    let (local_field, seconds) = (upload::<V>(gpu, &local), 86_400.0);
    let channels = channels::<V>(gpu, &residence, seconds).expect("it fits");
    let mut step = Step::new(gpu);
    reservoirs(&mut step, &on_device, &channels, &local_field, &held, &outflow).expect("it fits");
    reservoirs(&mut step, &on_device, &channels, &local_field, &held, &outflow).expect("it fits");
    step.finish().expect("it runs");
    reservoir::step(&network, &mut storage, &local, &residence, seconds);
    let expected = reservoir::step(&network, &mut storage, &local, &residence, seconds);
    let largest = storage.iter().fold(0.0_f64, |m, v| m.max(*v));
    assert_close("what is held", &download(gpu, &held), &storage, |_| bound * largest);
    let largest = expected.iter().fold(0.0_f64, |m, v| m.max(*v));
    assert_close("outflow", &download(gpu, &outflow), &expected, |_| bound * largest);
}

#[test]
fn rivers_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    let double = gpu.facts().f64;
    compare::<f32>(gpu, if double { 1e-5 } else { 2e-4 });
    if double {
        compare::<f64>(gpu, 1e-11);
    }
}

#[test]
fn discharges_of_the_manual_are_met_on_the_device() {
    let Some(gpu) = device() else { return };
    let codes = [2, 2, 2, 1, 1, 2, 2, 1, 1, 1, 3, 2, 1, 4, 1, 3, 2, 1, 4, 4, 6, 5, 4, 4, 4];
    let network = DeviceNetwork::upload(gpu, &Network::from_keypad(&codes, 5, false).expect("a network")).expect("small");
    let mut old = [10.0; 25];
    old[19..24].fill(50.0);
    old[24] = 49.0;
    let channel = Channel { alpha: 1.5, beta: 0.6, seconds: 15.0, length: 10.0 };
    let now = poisoned::<f32>(gpu, BlockShape { cells: 25, slabs: 1, lanes: 1 }, false);
    let mut step = Step::new(gpu);
    let (old, lateral) = (upload(gpu, &old), upload(gpu, &[0.0; 25]));
    kinematic(&mut step, &network, &channel, &old, &lateral, &now).expect("it fits");
    step.finish().expect("it runs");
    let expected = [
        2.32293, 2.32293, 2.32293, 2.32293, 2.32293, 4.00491, 4.00491, 5.76591, 4.00491, 2.32293, 5.27401, 9.81514, 8.40418,
        4.00491, 2.32293, 2.32293, 21.22170, 9.68365, 9.60760, 7.19019, 7.19019, 57.27763, 17.74742, 12.90773, 7.09124,
    ];
    // Digits as printed there; single precision has seven.
    let bound = |k: usize| if gpu.facts().f64 { 5.01e-6 + 6e-8 * expected[k] } else { 1e-4 * expected[k] };
    assert_close("the manual", &download(gpu, &now), &expected, bound);
}

#[test]
fn fields_of_another_length_are_refused() {
    let Some(gpu) = device() else { return };
    let network = DeviceNetwork::upload(gpu, &forest(20)).expect("small");
    let (right, wrong) = (upload::<f32>(gpu, &[0.0; 20]), upload::<f32>(gpu, &[0.0; 19]));
    let channel = Channel { alpha: 1.5, beta: 0.6, seconds: 15.0, length: 10.0 };
    let found = kinematic(&mut Step::new(gpu), &network, &channel, &right, &wrong, &right);
    assert!(matches!(found, Err(GpuError::WrongLength { what: "the lateral inflow", found: 19, expected: 20 })), "{found:?}");
}
