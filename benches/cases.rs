//! All cases of `knarr bench`, by criterion.

mod by_criterion;

use criterion::{Criterion, criterion_group, criterion_main};
use knarr::bench::speed::Suite;

fn all(criterion: &mut Criterion) {
    by_criterion::cases(criterion, &Suite::ALL);
}

criterion_group!(benches, all);
criterion_main!(benches);
