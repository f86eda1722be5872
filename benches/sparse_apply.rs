//! Application of weights. Ids: device/source -> destination/slabs; throughput in bytes that must be moved.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use knarr::grid::Grid;
use knarr::metrics::AnalyticField;
use knarr::regrid::{Method, MissingPolicy, Options, Regridder, Weights};
use std::hint::black_box;

fn sparse_apply(criterion: &mut Criterion) {
    let source = Grid::from_spec("r1440x720").expect("a grid of this bench");
    let destination = Grid::from_spec("CS360").expect("a grid of this bench");
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).expect("corners");
    let links = weights.len();
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    let field: Vec<f32> = AnalyticField::Vortex.at_centers(&source).iter().map(|&v| v as f32).collect();
    let expected = AnalyticField::Vortex.at_centers(&destination);

    let mut group = criterion.benchmark_group("sparse_apply f32");
    group.sample_size(20);
    for slabs in [1usize, 8, 32] {
        let values: Vec<f32> = field.iter().copied().cycle().take(slabs * source.len()).collect();
        // A quarter of the cells missing, another quarter in each slab.
        let valid: Vec<bool> = (0..values.len()).map(|k| !(k % source.len() + k / source.len()).is_multiple_of(4)).collect();
        let mut result = vec![f32::NAN; slabs * destination.len()];
        let mut flags = vec![false; result.len()];
        regridder.apply_into(&values, None, &mut result, &mut flags).expect("lengths fit");
        // First order at a quarter of a degree: far below 1 % everywhere on the vortex.
        assert!(result.iter().zip(expected.iter().cycle()).all(|(&r, &e)| (f64::from(r) - e).abs() < 0.01));

        // CSR with 4-byte columns and 8-byte weights once, source and destination once per slab (write-allocate).
        let bytes = 12 * links + slabs * 4 * (source.len() + 2 * destination.len());
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("cpu/r1440x720 -> CS360", slabs), |bencher| {
            bencher.iter(|| regridder.apply_into(black_box(&values), None, &mut result, &mut flags));
        });
        group.bench_function(BenchmarkId::new("cpu/r1440x720 -> CS360 missing", slabs), |bencher| {
            bencher.iter(|| regridder.apply_into(black_box(&values), Some(&valid), &mut result, &mut flags));
        });
    }
    group.finish();
}

criterion_group!(benches, sparse_apply);
criterion_main!(benches);
