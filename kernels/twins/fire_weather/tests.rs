//! The twin beside the kernel of the processor, and all days of the report.

use super::*;
use crate::fire_weather::tests::{DAYS, agrees};
use crate::fire_weather::{self, Codes, Weather};
use crate::gpu::tests::{Noise, assert_close, device, poisoned};
use crate::gpu::{BlockShape, Gpu};
use crate::sparse_apply::SlabFlags;

fn weather(noise: &mut Noise, n: usize) -> Vec<f64> {
    let mut all = noise.many(n, -10.0, 38.0);
    all.extend(noise.many(n, 5.0, 100.0));
    all.extend(noise.many(n, 0.0, 60.0));
    all.extend((0..n).map(|_| if noise.next() < 0.5 { 0.0 } else { 30.0 * noise.next() }));
    all.extend(noise.many(n, -90.0, 90.0));
    all
}

fn slabs<V: Stored>(gpu: &Gpu, n: usize, values: &[f64], valid: Option<&SlabFlags>) -> DeviceField<V> {
    let values: Vec<V> = values.iter().map(|&v| V::from_f64(v)).collect();
    DeviceField::upload(gpu, n, &values, valid, 1).expect("it fits")
}

fn read<V: Stored>(gpu: &Gpu, field: &DeviceField<V>) -> Vec<f64> {
    field.download(gpu).expect("read").0.into_iter().map(V::to_f64).collect()
}

fn compare<V: Stored>(gpu: &Gpu, bound: f64) {
    let (n, mut noise) = (1500, Noise(5));
    let values: Vec<f64> = weather(&mut noise, n).into_iter().map(|v| V::from_f64(v).to_f64()).collect();
    let start: Vec<f64> = [noise.many(n, 20.0, 100.0), noise.many(n, 0.0, 150.0), noise.many(n, 0.0, 700.0)].concat();
    let start: Vec<f64> = start.into_iter().map(|v| V::from_f64(v).to_f64()).collect();
    let flags: Vec<bool> = (0..5 * n).map(|k| k % 777 != 3).collect();
    let flags = SlabFlags::from_bools(n, &flags);
    let input = slabs::<V>(gpu, n, &values, Some(&flags));
    let codes = slabs::<V>(gpu, n, &start, None);
    let indices = poisoned::<V>(gpu, BlockShape { cells: n, slabs: 4, lanes: 1 }, false);
    let mut step = Step::new(gpu);
    days(&mut step, Variant::Vwp1985, 7, &input, &codes, &indices).expect("it fits");
    step.finish().expect("it runs");
    let mut out = [
        start[..n].to_vec(),
        start[n..2 * n].to_vec(),
        start[2 * n..].to_vec(),
        vec![0.0; n],
        vec![0.0; n],
        vec![0.0; n],
        vec![0.0; n],
    ];
    let valid: Vec<bool> = (0..n).map(|k| (0..5).all(|slab| flags.get(slab, k))).collect();
    let column = |k: usize| &values[k * n..(k + 1) * n];
    let inputs = fire_weather::Inputs {
        temperature: column(0),
        relative_humidity: column(1),
        wind: column(2),
        rain: column(3),
        latitude: column(4),
        valid: Some(&valid),
    };
    let [fine_fuel, duff, drought, spread, buildup, fire_weather, severity] = &mut out;
    let outputs = fire_weather::Outputs { fine_fuel, duff, drought, spread, buildup, fire_weather, severity };
    fire_weather::days(Variant::Vwp1985, 7, &inputs, outputs);
    let found = [read(gpu, &codes), read(gpu, &indices)].concat();
    let expected = out.concat();
    // Relative to the size of a code, or to 1.
    assert_close("fire weather", &found, &expected, |k| bound * expected[k].abs().max(1.0));
}

#[test]
fn days_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    compare::<f32>(gpu, if gpu.facts().f64 { 2e-6 } else { 2e-3 });
    if gpu.facts().f64 {
        compare::<f64>(gpu, 1e-11);
    }
}

#[test]
fn all_days_of_the_report_with_codes_that_stay_on_the_device() {
    let Some(gpu) = device().filter(|gpu| gpu.facts().f64) else { return };
    let codes = slabs::<f64>(gpu, 1, &[85.0, 6.0, 15.0], None);
    let indices = poisoned::<f64>(gpu, BlockShape { cells: 1, slabs: 4, lanes: 1 }, false);
    let mut expected = Codes::SPRING;
    for (k, (month, noon, printed)) in DAYS.into_iter().enumerate() {
        let [temperature, relative_humidity, wind, rain] = noon;
        let weather = slabs::<f64>(gpu, 1, &[temperature, relative_humidity, wind, rain, 46.0], None);
        let mut step = Step::new(gpu);
        days(&mut step, Variant::Vwp1985, month, &weather, &codes, &indices).expect("it fits");
        step.finish().expect("it runs");
        let noon = Weather { temperature, relative_humidity, wind, rain };
        let (today, last) = fire_weather::day(Variant::Vwp1985, noon, month, 46.0, expected);
        expected = today;
        let found = [read(gpu, &codes), read(gpu, &indices)].concat();
        for (found, printed) in found.iter().zip(printed) {
            assert!(agrees(*found, printed), "day {}: {found}, expected {printed}", k + 1);
        }
        let full = [expected.fine_fuel, expected.duff, expected.drought, last.spread, last.buildup, last.fire_weather];
        // Each day adds its bound to what it begins with.
        let bound = 1e-11 * (k + 1) as f64;
        assert_close("the processor", &found[..6], &full, |code| bound * full[code].abs().max(1.0));
    }
}

#[test]
fn fields_that_do_not_fit_are_refused() {
    let Some(gpu) = device() else { return };
    let field = |slabs: usize, lanes: usize| {
        DeviceField::<f32>::zeros(gpu, BlockShape { cells: 8, slabs, lanes }, false).expect("it fits")
    };
    let mut step = Step::new(gpu);
    let result = days(&mut step, Variant::Vwp1985, 7, &field(5, 1), &field(3, 4), &field(4, 1));
    assert!(matches!(result, Err(GpuError::WrongLength { what: "the codes", .. })), "{result:?}");
}
