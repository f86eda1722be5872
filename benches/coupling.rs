//! The coupled cases of `knarr bench`, by criterion; with each the share of time outside of components.

mod by_criterion;

use criterion::{Criterion, criterion_group, criterion_main};
use knarr::bench::speed::Suite;

fn coupling(criterion: &mut Criterion) {
    by_criterion::cases(criterion, &[Suite::Coupling]);
}

criterion_group!(benches, coupling);
criterion_main!(benches);
