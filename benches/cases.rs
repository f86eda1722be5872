//! The cases of `knarr bench`, by criterion: ids `device/kernel/suite/size`, throughput in bytes that must move.
//!
//! `KNARR_BENCH_SIZE` is s (default), m, l or xl. Each case judges its result before it is timed.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use knarr::bench::speed::{CaseError, Size, Suite};

fn cases(criterion: &mut Criterion) {
    let asked = std::env::var("KNARR_BENCH_SIZE").unwrap_or_else(|_| "s".to_owned());
    let size = Size::ALL.into_iter().find(|s| s.to_string() == asked).expect("a size: s, m, l or xl");
    for suite in Suite::ALL {
        let mut group = criterion.benchmark_group(suite.to_string());
        group.sample_size(10);
        for plan in suite.plans(size) {
            let made = (plan.with)(&mut |mut case| {
                group.throughput(Throughput::Bytes(case.work.bytes));
                group.bench_function(BenchmarkId::from_parameter(plan.id()), |bencher| {
                    bencher.iter(|| (case.run)().unwrap_or_else(|e| panic!("{}: {e}", plan.id())));
                });
            });
            match made {
                Ok(()) => {}
                Err(CaseError::NoAdapter) => eprintln!("{}: no adapter", plan.id()),
                Err(error) => panic!("{}: {error}", plan.id()),
            }
        }
        group.finish();
    }
}

criterion_group!(benches, cases);
criterion_main!(benches);
