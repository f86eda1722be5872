//! Kernels one after the other on a device, beside the same on the processor: what a coupled step does with the fields of
//! an atmosphere over sea and ice.

use super::bulk_flux::fluxes;
use super::global_integral::DeviceStatistics;
use super::merge_tiles::merge;
use super::sparse_apply::DeviceRows;
use super::vertical::{Curve, DeviceLevels, at_levels_into};
use crate::bulk_flux::{Inputs, Options, Outputs, Scheme};
use crate::global_integral::{SlabStatistics, slab_statistics};
use crate::gpu::tests::{Noise, assert_close, device};
use crate::gpu::{BlockShape, Copies, DeviceField, Gpu, Numbers, Step, Width};
use crate::sparse_apply::{Missing, PreparedRows, SlabFlags, SparseRows};
use crate::vertical::{Beyond, linear};

const SOURCE: usize = 900;
const DESTINATION: usize = 400;
const LEVELS: usize = 9;
/// Heights at which two surfaces of a cell want the air.
const TARGETS: [f64; 2] = [50.0, 333.0];
const BEYOND: [Beyond; 2] = [Beyond::Nearest, Beyond::Missing];
const RENORMALIZE: Missing = Missing::Renormalize { min_valid: 0.5 };
/// The air's temperature among the inputs of fluxes.
const AIR: usize = 1;

/// Ranges of the inputs of fluxes.
const RANGES: [(f64, f64); 8] =
    [(272.0, 303.0), (0.0, 0.0), (0.004, 0.015), (-12.0, 12.0), (-12.0, 12.0), (98e3, 103e3), (0.0, 700.0), (250.0, 420.0)];

/// Fields and weights of the chain.
struct Case {
    row_starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f64>,
    /// Areas of source and destination cells between which the weights keep integrals.
    areas: [Vec<f64>; 2],
    levels: Vec<f64>,
    /// The air's temperature on levels.
    air: Vec<f32>,
    air_flags: SlabFlags,
    /// The other inputs of fluxes.
    surface: Vec<f32>,
    fractions: Vec<f32>,
}

impl Case {
    fn new() -> Self {
        let mut noise = Noise(61);
        let row_starts = (0..=DESTINATION).map(|i| 4 * i).collect();
        let columns: Vec<u32> = (0..DESTINATION)
            .flat_map(|_| {
                let first = noise.below(SOURCE - 12) as u32;
                [first, first + 1, first + 10, first + 11]
            })
            .collect();
        let weights = [0.1, 0.2, 0.3, 0.4].repeat(DESTINATION);
        let destination_areas = noise.many(DESTINATION, 0.9, 1.1);
        let mut source_areas = vec![0.0; SOURCE];
        for (k, &column) in columns.iter().enumerate() {
            source_areas[column as usize] += weights[k] * destination_areas[k / 4];
        }
        let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect::<Vec<f32>>();
        let mut air = single(noise.many(SOURCE * LEVELS, 262.0, 302.0));
        let flags: Vec<bool> = (0..air.len()).map(|_| noise.next() < 0.9).collect();
        air.iter_mut().zip(&flags).filter(|(_, f)| !**f).for_each(|(v, _)| *v = f32::NAN);
        let surface = single(RANGES.iter().flat_map(|&(low, high)| noise.many(SOURCE, low, high)).collect());
        let ice = single(noise.many(DESTINATION, 0.0, 1.0));
        let fractions = ice.iter().copied().chain(ice.iter().map(|f| 1.0 - f)).collect();
        Self {
            row_starts,
            columns,
            weights,
            areas: [source_areas, destination_areas],
            levels: (0..LEVELS).map(|k| 100.0 * k as f64).collect(),
            air,
            air_flags: SlabFlags::from_bools(SOURCE, &flags),
            surface,
            fractions,
        }
    }

    fn rows(&self) -> SparseRows<'_> {
        SparseRows { row_starts: &self.row_starts, columns: &self.columns, weights: &self.weights }
    }
}

/// Flux options of the chain.
fn options() -> Options {
    Options::new(Scheme::Ncar)
}

/// Fluxes, slab by slab, and which are valid.
fn on_processor(case: &Case) -> (Vec<f64>, Vec<bool>) {
    let prepared = PreparedRows::new(case.rows(), SOURCE);
    let mut air = vec![0f32; DESTINATION * LEVELS];
    let present = prepared.apply(&case.air, Some(&case.air_flags), RENORMALIZE, &mut air).expect("holes");
    let at = |cell: usize, target: f64| {
        let there = (0..LEVELS).filter(|&l| present.get(l, cell));
        let column: (Vec<f64>, Vec<f64>) = there.map(|l| (case.levels[l], f64::from(air[l * DESTINATION + cell]))).unzip();
        linear(&column.0, &column.1, target, BEYOND).map(|v| f64::from(v as f32))
    };
    let of_surfaces = TARGETS.map(|target| (0..DESTINATION).map(|cell| at(cell, target)).collect::<Vec<_>>());
    let values = of_surfaces.each_ref().map(|v| v.iter().map(|v| v.unwrap_or(0.0)).collect::<Vec<f64>>());
    let valid = of_surfaces.each_ref().map(|v| v.iter().map(Option::is_some).collect::<Vec<bool>>());
    let fractions: Vec<f64> = case.fractions.iter().map(|&f| f64::from(f)).collect();
    let (merged, merged_valid) = crate::merge_tiles::merge(
        &[&fractions[..DESTINATION], &fractions[DESTINATION..]],
        &values.each_ref().map(Vec::as_slice),
        &valid.each_ref().map(|v| Some(v.as_slice())),
    );
    let mut inputs = vec![0f32; DESTINATION * RANGES.len()];
    prepared.apply(&case.surface, None, Missing::Propagate, &mut inputs);
    let mut inputs: Vec<f64> = inputs.into_iter().map(f64::from).collect();
    let rounded = merged.iter().map(|&v| f64::from(v as f32));
    inputs[AIR * DESTINATION..][..DESTINATION].iter_mut().zip(rounded).for_each(|(to, v)| *to = v);
    let column = |k: usize| &inputs[k * DESTINATION..(k + 1) * DESTINATION];
    let inputs = Inputs {
        sea_surface_temperature: column(0),
        air_temperature: column(AIR),
        specific_humidity: column(2),
        eastward_wind: column(3),
        northward_wind: column(4),
        pressure: column(5),
        shortwave: column(6),
        longwave: column(7),
        valid: Some(&merged_valid),
    };
    let (mut out, mut valid) = (vec![vec![0.0; DESTINATION]; 6], vec![false; DESTINATION]);
    let [a, b, c, d, e, f] = &mut out[..] else { unreachable!("six columns") };
    let outputs = Outputs {
        eastward_stress: a,
        northward_stress: b,
        sensible: c,
        latent: d,
        evaporation: e,
        surface_temperature: f,
        valid: &mut valid,
    };
    crate::bulk_flux::fluxes(&options(), &inputs, outputs);
    (out.concat(), valid)
}

#[test]
fn a_chain_stays_on_the_device_and_is_that_of_the_processor() {
    if device().is_none() {
        return;
    }
    // A device of its own: others count their copies on the shared one.
    let gpu = Gpu::open(crate::device::DeviceChoice::Gpu(Some(0))).expect("it opened before").expect("a device");
    let case = Case::new();
    let (expected, expected_valid) = on_processor(&case);

    // Copied once, recorded once.
    let numbers = Numbers::of::<f32>(&gpu).expect("single");
    let rows = DeviceRows::upload(&gpu, case.rows(), SOURCE, numbers).expect("small");
    let areas = case.areas.each_ref().map(|areas| gpu.upload_real("areas", areas, numbers).expect("small"));
    let lanes = gpu.lanes::<f32>(SOURCE, LEVELS).expect("small");
    let air = DeviceField::upload(&gpu, SOURCE, &case.air, Some(&case.air_flags), lanes).expect("small");
    let surface = DeviceField::upload(&gpu, SOURCE, &case.surface, None, 1).expect("small");
    let fractions = DeviceField::upload(&gpu, DESTINATION, &case.fractions, None, 1).expect("small");
    let new =
        |slabs: usize| DeviceField::<f32>::zeros(&gpu, BlockShape { cells: DESTINATION, slabs, lanes: 1 }, true).expect("small");
    let (of_surfaces, inputs, outputs) = (new(2), new(RANGES.len()), new(6));
    let on_destination = rows.destination_for(&gpu, &air).expect("small");
    let mut step = Step::new(&gpu);
    rows.apply(&mut step, &surface, Missing::Propagate, &inputs).expect("it fits");
    // What the atmosphere gave and the sea received, before a component changes it.
    let given = DeviceStatistics::add(&mut step, &surface, &areas[0]).expect("it fits");
    let received = DeviceStatistics::add(&mut step, &inputs, &areas[1]).expect("it fits");
    rows.apply(&mut step, &air, RENORMALIZE, &on_destination).expect("it fits");
    let levels = DeviceLevels::Shared(&case.levels);
    at_levels_into(&mut step, &on_destination, levels, &TARGETS, Curve::Line, BEYOND, &of_surfaces).expect("it fits");
    merge(&mut step, &fractions, &of_surfaces, (&inputs, AIR)).expect("it fits");
    fluxes(&mut step, &options(), &inputs, &outputs).expect("it fits");
    let statistics = DeviceStatistics::add(&mut step, &outputs, &areas[1]).expect("it fits");
    let before = gpu.copies();
    for _ in 0..3 {
        step.submit().expect("it runs");
    }
    assert_eq!(gpu.copies() - before, Copies { submits: 3, ..Copies::default() }, "no value comes to the host between");

    // Whether integrals are kept is known from some numbers.
    let [given, received, statistics] = [given, received, statistics].map(|s| s.read(&gpu).expect("small"));
    let copies = gpu.copies() - before;
    assert!(copies.downloaded_bytes < 1000, "statistics are some numbers a slab: {copies:?}");
    for (slab, (g, r)) in given.iter().zip(&received).enumerate() {
        let largest = RANGES[slab].0.abs().max(RANGES[slab].1.abs());
        // Values received are stored in single precision; sums are of some hundred.
        let bound = (f64::from(f32::EPSILON) + 600.0 * numbers.real.epsilon()) * largest * g.area;
        assert!((g.integral - r.integral).abs() <= bound, "slab {slab}: {g:?} {r:?}");
    }
    let flags: Vec<bool> = (0..expected.len()).map(|k| expected_valid[k % DESTINATION]).collect();
    let expected_statistics = slab_statistics(&expected, Some(&SlabFlags::from_bools(DESTINATION, &flags)), &case.areas[1]);
    let largest = |slab: usize| expected[slab * DESTINATION..][..DESTINATION].iter().fold(0.0f64, |m, v| m.max(v.abs()));
    // Inputs differ by a rounding of single precision, which differences of temperatures some hundred times less than
    // these weigh more.
    let bound = if numbers.real == Width::F64 { 5e-5 } else { 5e-4 };
    for (slab, (f, e)) in statistics.iter().zip(&expected_statistics).enumerate() {
        let near = |of: fn(&SlabStatistics) -> f64, scale: f64| (of(f) - of(e)).abs() <= bound * largest(slab) * scale;
        assert_eq!(f.count, e.count);
        assert!(near(|s| s.integral, e.area) && near(|s| s.least, 1.0) && near(|s| s.greatest, 1.0), "{f:?} {e:?}");
    }
    let (values, flags) = outputs.download(&gpu).expect("small");
    let flags = flags.expect("outputs have flags");
    assert!((0..values.len()).all(|k| flags.get(k / DESTINATION, k % DESTINATION) == expected_valid[k % DESTINATION]));
    assert!(expected_valid.iter().filter(|v| **v).count() > DESTINATION / 2);
    let values: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
    assert_close("fluxes", &values, &expected, |k| bound * largest(k / DESTINATION));
}
