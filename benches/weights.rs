//! Weight generation. Ids: device/method source -> destination/links; throughput in links.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use knarr::grid::Grid;
use knarr::regrid::{Method, Options, Weights};
use std::hint::black_box;

/// Pairs of grids by the work they stand for: structured source, structured destination, none, both.
const PAIRS: [(&str, &str); 8] = [
    ("r1440x720", "CS360"),
    ("r1440x720", "r360x180"),
    ("CS90", "r360x180"),
    ("H256", "r360x180"),
    ("r360x180", "H256"),
    ("CS360", "ICO120"),
    ("O320", "r720x360"),
    ("rot:-97.6,36.1,-180,-90,0.5,0.5,720,361", "r720x360"),
];

fn weights(criterion: &mut Criterion) {
    for method in [Method::Conservative, Method::Bilinear, Method::Nearest] {
        let mut group = criterion.benchmark_group(format!("weights {method}"));
        group.sample_size(10);
        for (source_spec, destination_spec) in PAIRS {
            let source = Grid::from_spec(source_spec).expect("a grid of this bench");
            let destination = Grid::from_spec(destination_spec).expect("a grid of this bench");
            let options = Options::new(method);
            let build = || Weights::build(black_box(&source), black_box(&destination), &options).expect("corners");
            let once = build();
            // Right before fast: every cell of a global pair is reached, and rows of means sum to 1.
            assert_eq!(once.unmapped_count(), 0, "{source_spec} -> {destination_spec}");
            for i in 0..once.destination_len() {
                let sum: f64 = once.row(i).1.iter().sum();
                assert!((sum - 1.0).abs() < 4e-15, "{source_spec} -> {destination_spec}: row {i} sums to {sum}");
            }
            group.throughput(Throughput::Elements(once.len() as u64));
            let id = BenchmarkId::new(format!("cpu/{source_spec} -> {destination_spec}"), once.len());
            group.bench_function(id, |bencher| bencher.iter(build));
        }
        group.finish();
    }
}

criterion_group!(benches, weights);
criterion_main!(benches);
