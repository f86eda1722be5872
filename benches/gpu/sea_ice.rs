//! A step of sea ice at many points: ice and what comes from above and below go in, ice and fluxes come out.

use super::{Bench, Clock, Table};
use criterion::Criterion;
use knarr::kernels::gpu::{DeviceField, Gpu, Step, Stored};
use knarr::kernels::sea_ice::{Forcing, Ice, steps};
use knarr::kernels::twins::sea_ice;
use std::hint::black_box;

/// A second: ice stays what it is, however often it is stepped.
const SECONDS: f64 = 1.0;

/// Slabs of forcing, ice and results.
const SLABS: [usize; 3] = [6, 2, 4];

/// Numbers between two, the same in every run.
fn spread(point: usize, seed: usize, [low, high]: [f64; 2]) -> f64 {
    let part = ((point + 1) * (2 * seed + 1)) as f64 * 0.618_033_988_749_894_9;
    low + (high - low) * part.fract()
}

pub fn bench<V: Stored>(criterion: &mut Criterion, table: &mut Table, gpu: &Gpu, points: usize) {
    // Numbers that both can hold.
    let rounded = |v: f64| V::from_f64(v).to_f64();
    let ranges = [[50.0, 700.0], [0.9, 1.0], [0.0, 20.0], [235.0, 280.0], [0.0, 40.0], [271.0, 271.6]];
    let forcing = |point: usize| {
        let [given, emissivity, exchange, air_temperature, ocean, freezing] =
            std::array::from_fn(|slab| rounded(spread(point, slab, ranges[slab])));
        Forcing { given, emissivity, exchange, air_temperature, ocean, freezing }
    };
    let forcings: Vec<Forcing> = (0..points).map(forcing).collect();
    let ice =
        |point: usize| Ice { thickness: rounded(spread(point, 7, [0.5, 4.0])), snow: rounded(spread(point, 8, [0.0, 0.5])) };
    let before: Vec<Ice> = (0..points).map(ice).collect();
    let of = |of: &dyn Fn(usize) -> f64| (0..points).map(|k| V::from_f64(of(k))).collect::<Vec<V>>();
    let from_above: [&dyn Fn(&Forcing) -> f64; 6] =
        [&|f| f.given, &|f| f.emissivity, &|f| f.exchange, &|f| f.air_temperature, &|f| f.ocean, &|f| f.freezing];
    let above: Vec<V> = from_above.iter().flat_map(|number| of(&|k| number(&forcings[k]))).collect();
    let slabs: Vec<V> = [of(&|k| before[k].thickness), of(&|k| before[k].snow)].concat();
    let upload = |values: &[V]| DeviceField::upload(gpu, points, values, None, 1).expect("memory");
    let (forcing, ice) = (upload(&above), upload(&slabs));
    let results = upload(&vec![V::default(); SLABS[2] * points]);
    let mut step = Step::new(gpu);
    sea_ice::step(&mut step, SECONDS, &forcing, &ice, &results).expect("it fits");
    step.submit().expect("the device runs");

    let expected = steps(&before, &forcings, SECONDS);
    let (told, _) = results.download(gpu).expect("memory");
    let heat = |k: usize| expected[k].map_or(0.0, |s| s.surface_heat);
    let worst = (0..points).map(|k| (told[points + k].to_f64() - heat(k)).abs()).fold(0.0, f64::max);
    let name = format!("sea_ice f{}", 8 * V::WIDTH.bytes());
    println!("{name} {points} points: greatest difference {worst:.1e} of 700 W/m2");
    assert!(worst <= 700.0 * if V::WIDTH.bytes() == 4 { 1e-5 } else { 1e-12 }, "{name}: {worst:e}");

    let mut bench = Bench::new(criterion, table, &name);
    // Ice is read and written.
    bench.bytes((SLABS[0] + 2 * SLABS[1] + SLABS[2]) * points * V::WIDTH.bytes());
    let id = format!("{points} points");
    bench.calls(&id, "cpu", Clock::Cpu, || steps(black_box(&before), &forcings, SECONDS));
    bench.three(&id, gpu, &step, || {
        forcing.replace(gpu, &above, None).expect("it fits");
        ice.replace(gpu, &slabs, None).expect("it fits");
        step.submit().expect("the device runs");
        black_box((ice.download(gpu).expect("memory"), results.download(gpu).expect("memory")));
    });
}
