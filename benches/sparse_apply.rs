//! Application of weights beside the machine's copy bandwidth. Ids: type/source -> destination/slabs; throughput
//! in bytes that must be moved: weights once, sources once and results twice (write-allocate) per slab.
//! Copies count alike: read, allocate, write.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use knarr::grid::Grid;
use knarr::metrics::AnalyticField;
use knarr::regrid::{Method, MissingPolicy, Options, PreparedRegridder, Regridder, SlabFlags, Value, Weights};
use rayon::prelude::*;
use std::hint::black_box;

const PAIR: &str = "r1440x720 -> CS360";

/// Values per array of a copy: far beyond the caches.
const COPIED: usize = 64 << 20;

fn copy(criterion: &mut Criterion) {
    let (from, mut to) = (vec![1f32; COPIED], vec![0f32; COPIED]);
    let mut group = criterion.benchmark_group("copy");
    group.sample_size(20).throughput(Throughput::Bytes(3 * size_of_val(&from[..]) as u64));
    group.bench_function("scaled, f32", |bencher| {
        bencher.iter(|| {
            let pieces = to.par_chunks_mut(1 << 16).zip(from.par_chunks(1 << 16));
            pieces.for_each(|(to, from)| to.iter_mut().zip(from).for_each(|(to, from)| *to = 2.0 * from));
            black_box(&mut to);
        });
    });
    group.finish();
}

fn apply<V: Value>(criterion: &mut Criterion, name: &str, regridder: &Regridder, source: &Grid, destination: &Grid) {
    let prepared: PreparedRegridder<'_> = regridder.prepare();
    let (sources, links) = (source.len(), regridder.weights.len());
    let field: Vec<V> = AnalyticField::Vortex.at_centers(source).into_iter().map(V::from_f64).collect();
    let expected = AnalyticField::Vortex.at_centers(destination);
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    for slabs in [1usize, 8, 32] {
        let values: Vec<V> = field.iter().copied().cycle().take(slabs * sources).collect();
        // A quarter of the cells missing: the same in all slabs, and another quarter in each.
        let flags = |shift: usize| -> Vec<bool> {
            (0..values.len()).map(|k| !(k % sources + shift * (k / sources)).is_multiple_of(4)).collect()
        };
        let (same, mixed) = (SlabFlags::from_bools(sources, &flags(0)), SlabFlags::from_bools(sources, &flags(1)));
        let mut result = vec![V::from_f64(f64::NAN); slabs * destination.len()];
        let none = prepared.apply_into(&values, None, &mut result).expect("lengths fit");
        assert_eq!(none, None, "all cells are mapped");
        // First order at a quarter of a degree: far below 1 % everywhere on the vortex.
        assert!(result.iter().zip(expected.iter().cycle()).all(|(&r, &e)| (r.to_f64() - e).abs() < 0.01));

        let bytes = 12 * links + slabs * size_of::<V>() * (sources + 2 * destination.len());
        group.throughput(Throughput::Bytes(bytes as u64));
        for (missing, valid) in [("", None), (", one mask", Some(&same)), (", a mask per slab", Some(&mixed))] {
            group.bench_function(BenchmarkId::new(format!("{PAIR}{missing}"), slabs), |bencher| {
                bencher.iter(|| prepared.apply_into(black_box(&values), valid, &mut result));
            });
        }
    }
    group.finish();
}

fn sparse_apply(criterion: &mut Criterion) {
    let source = Grid::from_spec("r1440x720").expect("a grid of this bench");
    let destination = Grid::from_spec("CS360").expect("a grid of this bench");
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).expect("corners");
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    apply::<f32>(criterion, "sparse_apply f32", &regridder, &source, &destination);
    apply::<f64>(criterion, "sparse_apply f64", &regridder, &source, &destination);
    criterion.bench_function("prepare/r1440x720 -> CS360", |bencher| bencher.iter(|| black_box(regridder.prepare())));
}

criterion_group!(benches, copy, sparse_apply);
criterion_main!(benches);
