//! Cases of `knarr bench` by criterion: ids `device/kernel/suite/size`, throughput in bytes that must move.

use criterion::{BenchmarkId, Criterion, Throughput};
use knarr::bench::speed::{CaseError, Size, Suite};

/// Times the cases of some suites; each judges its result before it is timed.
///
/// `KNARR_BENCH_SIZE` is s (default), m, l or xl; where `KNARR_BENCH_ONLY` is set, ids must contain it.
pub fn cases(criterion: &mut Criterion, suites: &[Suite]) {
    let asked = std::env::var("KNARR_BENCH_SIZE").unwrap_or_else(|_| "s".to_owned());
    let size = Size::ALL.into_iter().find(|s| s.to_string() == asked).expect("a size: s, m, l or xl");
    let only = std::env::var("KNARR_BENCH_ONLY").unwrap_or_default();
    for suite in suites {
        let mut group = criterion.benchmark_group(suite.to_string());
        group.sample_size(10);
        // Criterion's own filter is asked when a case has been made ready.
        for plan in suite.plans(size, 0).into_iter().filter(|p| p.id().contains(&only)) {
            let made = (plan.with)(&mut |mut case| {
                group.throughput(Throughput::Bytes(case.work.bytes));
                (case.figures)();
                group.bench_function(BenchmarkId::from_parameter(plan.id()), |bencher| {
                    bencher.iter(|| (case.run)().unwrap_or_else(|e| panic!("{}: {e}", plan.id())));
                });
                for figure in (case.figures)().iter().filter(|f| f.value.is_finite()) {
                    println!("{}: {} {:.3} {}", plan.id(), figure.name, figure.value, figure.unit);
                }
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
