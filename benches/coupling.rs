//! Couplings. Ids: device/what source -> destination/cells; throughput in values that go round.
//!
//! `ping-pong`: two components of a million cells that do nothing but hand on what they get: a state over two bilinear maps,
//! and a flux over two conservative ones with all that the ledger adds up, over the Earth and three basins.
//! `overhead`: two boxes with ten microseconds of arithmetic a cell and step (a column of atmospheric physics costs more), and
//! all that is not arithmetic told as a part of the whole.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use knarr::coupling::{
    Component, ComponentError, Context, Coupler, Declaration, DeclaredGrid, ExperimentFile, Export, Fields, Import, Interval,
    Parameters, Prepared, Registry, State,
};
use std::path::Path;

/// Hands on what it imports.
struct Mirror {
    declaration: Declaration,
}

impl Mirror {
    fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let (import, export, is_flux): (String, String, bool) = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let (imports, exports) = match is_flux {
            true => (Import::flux(&import, "W m-2", &[]), Export::flux(&export, "W m-2", &[])),
            false => (Import::new(&import, "K"), Export::new(&export, "K")),
        };
        let grids = vec![DeclaredGrid { name, grid }];
        Ok(Box::new(Self { declaration: Declaration { grids, imports: vec![imports], exports: vec![exports] } }))
    }
}

impl Component for Mirror {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn step(&mut self, _: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let given = imports.get(&self.declaration.imports[0].name)?;
        let taken = exports.get_mut(&self.declaration.exports[0].name)?;
        taken.values.copy_from_slice(&given.values);
        taken.valid = None;
        Ok(())
    }

    fn save(&self) -> State {
        State::new()
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}

fn prepare(text: &str) -> Prepared {
    let registry = Registry::built_in().with("mirror", Mirror::make);
    let file = ExperimentFile::parse(Path::new("bench.yaml"), text).expect("an experiment");
    let (prepared, findings) = Prepared::new(&file, &registry);
    prepared.unwrap_or_else(|| panic!("{findings:?}"))
}

fn one_thread() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread")
}

fn ping_pong(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ping-pong");
    group.sample_size(20);
    for (source, destination, is_flux) in
        [("r1000x1000", "r1250x800", false), ("r1250x800", "H289", false), ("r1000x1000", "r1250x800", true)]
    {
        let map = if is_flux { "conservative" } else { "bilinear,nearest" };
        let mut prepared = prepare(&format!(
            "
clock: {{start: 2000-01-01, stop: P4000D}}
components:
  ping: {{kind: mirror, grid: {source}, step: PT1H, parameters: [pong, ping, {is_flux}]}}
  pong: {{kind: mirror, grid: {destination}, step: PT1H, parameters: [ping, pong, {is_flux}]}}
exchanges:
  - {{from: ping, to: pong, fields: [ping], every: PT1H, map: '{map}', reduce: instant}}
  - {{from: pong, to: ping, fields: [pong], every: PT1H, map: '{map}', reduce: instant, lag: PT1H, initial: 280}}
budget: {{basins: {{north: {{lat: [30, 90]}}, tropics: {{lat: [-30, 30]}}}}}}
"
        ));
        let cells = prepared.plan.mappings[0].source.len();
        let pool = one_thread();
        let mut coupler = Coupler::of(&mut prepared, 1).expect("starts");
        let mut round = || {
            pool.install(|| {
                coupler.advance().expect("steps");
                coupler.advance().expect("steps");
            });
        };
        round();
        round();
        group.throughput(Throughput::Elements(2 * cells as u64));
        let id = BenchmarkId::new(format!("cpu/{} {source} -> {destination}", if is_flux { "flux" } else { "state" }), cells);
        group.bench_function(id, |bencher| bencher.iter(&mut round));
        // Right and fast: a constant stays one.
        let back = coupler.exports(0);
        assert!(back.at(0).expect("exported").values.iter().all(|v| (v - 280.0).abs() < 1e-6));
    }
    group.finish();
}

fn overhead(criterion: &mut Criterion) {
    let mut prepared = prepare(
        "
clock: {start: 2000-01-01, stop: P400D}
components:
  air: {kind: analytic, grid: r360x180, step: PT1H, parameters: {imports: [up], flux: down, residence: 30 h, amplitude: 10, cost: 1000}}
  sea: {kind: analytic, grid: r360x180, step: PT1H, parameters: {imports: [down], flux: up, residence: 90 h, amplitude: 4, cost: 1000}}
exchanges:
  - {from: air, to: sea, fields: [down], every: PT1H}
  - {from: sea, to: air, fields: [up], every: PT1H, lag: PT1H, initial: 0}
budget: {quantities: [heat]}
",
    );
    let mut group = criterion.benchmark_group("overhead");
    group.sample_size(10);
    let pool = one_thread();
    let mut coupler = Coupler::of(&mut prepared, 1).expect("starts");
    group.bench_function(BenchmarkId::new("cpu/two boxes", 64_800), |bencher| {
        bencher.iter(|| {
            pool.install(|| {
                coupler.advance().expect("steps");
                coupler.advance().expect("steps");
            });
        });
    });
    let costs = coupler.costs();
    let (busy, exchange): (f64, f64) = (costs.iter().map(|c| c.busy_s).sum(), costs.iter().map(|c| c.exchange_s).sum());
    println!("outside of components: {:.3} % of {:.1} s", 100.0 * exchange / (busy + exchange), busy + exchange);
    group.finish();
}

criterion_group!(benches, ping_pong, overhead);
criterion_main!(benches);
