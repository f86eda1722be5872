//! Kernels on a graphics processor beside the processor. Ids: kernel/pair/slabs/device, and for a graphics processor
//! three figures: `device` by its clock, `wall` from submit to end, `end to end` with copies from and to the host.
//!
//! Throughput is the bytes that must be moved at least; `copy` is what the device reaches on memory to memory.
//! `--probe` tells instead what a device computes where drivers differ. Grids are small on a driver that computes on the
//! processor, large on a real device; KNARR_BENCH_GRIDS=small|large chooses.

mod probe;
mod sea_ice;
mod table;

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use knarr::grid::Grid;
use knarr::kernels::device::DeviceChoice;
use knarr::kernels::global_integral::slab_statistics;
use knarr::kernels::gpu::{AdapterKind, COPY, DeviceField, Gpu, Numbers, Parameters, Ran, Step, Stored, Width};
use knarr::kernels::point_hash::PointHash;
use knarr::kernels::sparse_apply::{Missing, PreparedRows, SparseRows};
use knarr::kernels::sphere::unit_vector;
use knarr::kernels::twins::global_integral::DeviceStatistics;
use knarr::kernels::twins::point_hash::DevicePointHash;
use knarr::kernels::twins::sparse_apply::DeviceRows;
use knarr::kernels::twins::vertical::{Curve, DeviceLevels, at_levels};
use knarr::kernels::vertical::{Beyond, linear};
use knarr::metrics::AnalyticField;
use knarr::regrid::{Device, Edges, Method, Options, Weights};
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};
use table::{Clock, Table};

/// Passes in one submit: the cost of submits vanishes, and no driver takes the work for a hang.
const PASSES: u64 = 16;

struct Pair {
    name: String,
    weights: Weights,
}

fn pair(source: &str, destination: &str) -> Pair {
    let (from, to) = (Grid::from_spec(source), Grid::from_spec(destination));
    let (from, to) = (from.expect("a grid of this bench"), to.expect("a grid of this bench"));
    let weights = Weights::build(&from, &to, &Options::new(Method::Conservative)).expect("corners");
    Pair { name: format!("{source} -> {destination}"), weights }
}

/// Adds up what `count` passes of a step take, by the device's clock or by the wall's.
fn passes(step: &Step, count: u64, of: fn(Ran) -> Duration) -> Duration {
    let whole = (0..count / PASSES).map(|_| PASSES);
    let all = whole.chain([count % PASSES]).filter(|&n| n > 0);
    all.map(|n| of(step.timed(n as u32).expect("the device runs"))).sum()
}

/// A kernel's group of benches, and the table.
struct Bench<'t, 'g> {
    group: BenchmarkGroup<'g, WallTime>,
    kernel: String,
    table: &'t mut Table,
    bytes: Option<u64>,
}

impl<'t, 'g> Bench<'t, 'g> {
    fn new(criterion: &'g mut Criterion, table: &'t mut Table, kernel: &str) -> Self {
        Self { group: criterion.benchmark_group(kernel), kernel: kernel.to_owned(), table, bytes: None }
    }

    /// What the next cases move at least.
    fn bytes(&mut self, bytes: usize) {
        self.bytes = Some(bytes as u64);
        self.group.throughput(Throughput::Bytes(bytes as u64));
    }

    fn time(&mut self, id: &str, device: &str, clock: Clock, mut run: impl FnMut(u64) -> Duration) {
        let (table, kernel, bytes) = (&mut *self.table, &self.kernel, self.bytes);
        self.group.bench_function(BenchmarkId::new(id, device), |b| {
            b.iter_custom(|n| {
                let time = run(n);
                table.note((kernel, id), bytes, clock, time, n);
                time
            });
        });
    }

    /// One call after the other.
    fn calls<T>(&mut self, id: &str, device: &str, clock: Clock, mut call: impl FnMut() -> T) {
        self.time(id, device, clock, |n| {
            let start = Instant::now();
            (0..n).for_each(|_| drop(black_box(call())));
            start.elapsed()
        });
    }

    /// The best of three calls: of what takes seconds.
    fn few_calls<T>(&mut self, id: &str, clock: Clock, mut call: impl FnMut() -> T) {
        for _ in 0..3 {
            let start = Instant::now();
            drop(black_box(call()));
            let time = start.elapsed();
            println!("{}/{id}, {clock:?}: {:.3} s", self.kernel, time.as_secs_f64());
            self.table.note((&self.kernel, id), self.bytes, clock, time, 1);
        }
    }

    /// The three figures of a step; `end_to_end` copies, computes and copies back once.
    fn three(&mut self, id: &str, gpu: &Gpu, step: &Step, end_to_end: impl FnMut()) {
        let name = &gpu.facts().name;
        // An idle device computes slowly for a while.
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(200) {
            step.timed(1).expect("the device runs");
        }
        if gpu.facts().timestamps {
            let of = |ran: Ran| ran.device.expect("it has a clock");
            self.time(id, &format!("{name}, device"), Clock::Device, |n| passes(step, n, of));
        }
        self.time(id, &format!("{name}, wall"), Clock::Wall, |n| passes(step, n, |ran| ran.wall));
        self.calls(id, &format!("{name}, end to end"), Clock::EndToEnd, end_to_end);
    }
}

fn copy(criterion: &mut Criterion, table: &mut Table, gpu: &Gpu) {
    let bytes = (512u64 << 20).min(gpu.binding_limit()) / 16 * 16;
    let (from, to) = (gpu.buffer("from", bytes).expect("memory"), gpu.buffer("to", bytes).expect("memory"));
    let mut step = Step::new(gpu);
    let parameters = Parameters::new(Numbers::all(Width::F32));
    step.run(&COPY, parameters, &[(&from).into(), (&to).into()], bytes / 16).expect("it fits");
    let host = vec![1u32; bytes as usize / 4];
    let mut bench = Bench::new(criterion, table, "copy");
    bench.bytes(2 * bytes as usize);
    let mut target = vec![0u32; host.len()];
    let id = format!("{} MiB", bytes >> 20);
    bench.calls(&id, "cpu", Clock::Cpu, || {
        let pieces = target.par_chunks_mut(1 << 16).zip(host.par_chunks(1 << 16));
        pieces.for_each(|(to, from)| to.copy_from_slice(black_box(from)));
    });
    bench.three(&id, gpu, &step, || {
        gpu.write(&from, 0, &host).expect("it fits");
        step.submit().expect("the device runs");
        black_box(gpu.read::<u32>(&to, 0, host.len()).expect("it fits"));
    });
}

fn apply<V: Stored>(bench: (&mut Criterion, &mut Table, &Gpu), pair: &Pair, name: &str, single: bool, slabs: &[usize]) {
    let (criterion, table, gpu) = bench;
    let weights = &pair.weights;
    let rows = SparseRows { row_starts: &weights.row_starts, columns: &weights.columns, weights: &weights.values };
    let (from, to) = (weights.source_len, weights.destination_len());
    let numbers = if single { Numbers::all(Width::F32) } else { Numbers::of::<V>(gpu).expect("asked before") };
    let device_rows = DeviceRows::upload(gpu, rows, from, numbers).expect("memory");
    let prepared = PreparedRows::new(rows, from);
    let mut bench = Bench::new(criterion, table, name);
    for &slabs in slabs {
        let values: Vec<V> = (0..slabs * from).map(|k| V::from_f64(250.0 + (k % 1009) as f64 / 16.0)).collect();
        let mut expected = vec![V::default(); slabs * to];
        prepared.apply(&values, None, Missing::Propagate, &mut expected);
        let Ok(lanes) = gpu.lanes::<V>(from.max(to), slabs) else { continue };
        let Ok(source) = DeviceField::upload(gpu, from, &values, None, lanes) else { continue };
        let destination = device_rows.destination_for(gpu, &source).expect("memory");
        let mut step = Step::new(gpu);
        device_rows.apply(&mut step, &source, Missing::Propagate, &destination).expect("it fits");
        step.submit().expect("the device runs");
        let (found, _) = destination.download(gpu).expect("memory");
        let bound = 300.0 * 40.0 * numbers.real.epsilon() + 300.0 * V::WIDTH.epsilon();
        let worst = found.iter().zip(&expected).map(|(f, e)| (f.to_f64() - e.to_f64()).abs()).fold(0.0, f64::max);
        assert!(worst <= bound, "{name} {slabs}: {worst:e}");
        println!("{name} {} {slabs} slabs: greatest difference {worst:.1e} of 313", pair.name);

        let link = 4 + numbers.real.bytes();
        let bytes = link * weights.len() + 4 * to + slabs * V::WIDTH.bytes() * (from + to);
        bench.bytes(bytes);
        let id = format!("{}/{slabs}", pair.name);
        let mut result = expected;
        bench.calls(&id, "cpu", Clock::Cpu, || prepared.apply(black_box(&values), None, Missing::Propagate, &mut result));
        bench.three(&id, gpu, &step, || {
            source.replace(gpu, &values, None).expect("it fits");
            step.submit().expect("the device runs");
            black_box(destination.download(gpu).expect("memory"));
        });
    }
}

/// Rows of a step, a column and sums: what a coupled step does with a field.
fn chain(criterion: &mut Criterion, table: &mut Table, gpu: &Gpu, pair: &Pair) {
    let (weights, slabs) = (&pair.weights, 16);
    let rows = SparseRows { row_starts: &weights.row_starts, columns: &weights.columns, weights: &weights.values };
    let (from, to) = (weights.source_len, weights.destination_len());
    let values: Vec<f32> = (0..slabs * from).map(|k| 250.0 + (k % 1009) as f32 / 16.0).collect();
    let levels: Vec<f64> = (0..slabs).map(|k| k as f64).collect();
    let targets = [0.5, 3.25, 7.75, 11.5];
    let areas = vec![1.0; to];
    let numbers = Numbers::of::<f32>(gpu).expect("single");
    let lanes = gpu.lanes::<f32>(from.max(to), slabs).expect("a slab fits");
    let source = DeviceField::upload(gpu, from, &values, None, lanes).expect("memory");
    let device_rows = DeviceRows::upload(gpu, rows, from, numbers).expect("memory");
    let device_areas = gpu.upload_real("areas", &areas, numbers).expect("memory");
    let regridded = device_rows.destination_for(gpu, &source).expect("memory");
    let mut step = Step::new(gpu);
    let beyond = [Beyond::Nearest; 2];
    device_rows.apply(&mut step, &source, Missing::Propagate, &regridded).expect("it fits");
    let shared = DeviceLevels::Shared(&levels);
    let at_targets = at_levels(&mut step, &regridded, shared, &targets, Curve::Line, beyond).expect("it fits");
    let statistics = DeviceStatistics::add(&mut step, &at_targets, &device_areas).expect("it fits");
    let prepared = PreparedRows::new(rows, from);
    let mut result = vec![0f32; slabs * to];
    let mut on_processor = || {
        prepared.apply(&values, None, Missing::Propagate, &mut result);
        let mut columns = vec![0f32; targets.len() * to];
        let cells: Vec<[f32; 4]> = (0..to)
            .into_par_iter()
            .map(|cell| {
                let column: Vec<f64> = (0..slabs).map(|l| f64::from(result[l * to + cell])).collect();
                targets.map(|t| linear(&levels, &column, t, beyond).unwrap_or(0.0) as f32)
            })
            .collect();
        for (cell, values) in cells.iter().enumerate() {
            (0..targets.len()).for_each(|t| columns[t * to + cell] = values[t]);
        }
        slab_statistics(&columns, None, &areas)
    };
    let expected = on_processor();
    step.submit().expect("the device runs");
    for (f, e) in statistics.read(gpu).expect("small").iter().zip(&expected) {
        assert!((f.integral / e.integral - 1.0).abs() < 1e-5, "{f:?} {e:?}");
    }
    let mut bench = Bench::new(criterion, table, "chain f32: regrid, 4 of 16 levels, statistics");
    let id = format!("{}/{slabs}", pair.name);
    bench.calls(&id, "cpu", Clock::Cpu, &mut on_processor);
    bench.three(&id, gpu, &step, || {
        source.replace(gpu, &values, None).expect("it fits");
        step.submit().expect("the device runs");
        black_box(statistics.read(gpu).expect("small"));
    });
}

/// Weights by both, held to the same smooth field.
fn weights(bench: (&mut Criterion, &mut Table, &Gpu), options: &Options, source: &str, destination: &str, is_large: bool) {
    let (criterion, table, gpu) = bench;
    let (from, to) = (Grid::from_spec(source), Grid::from_spec(destination));
    let (from, to) = (from.expect("a grid of this bench"), to.expect("a grid of this bench"));
    let device = Device::Gpu(gpu.clone());
    let field = AnalyticField::Sinusoid.at_centers(&from);
    let regridded = |weights: &Weights| {
        let rows = SparseRows { row_starts: &weights.row_starts, columns: &weights.columns, weights: &weights.values };
        let mut result = vec![0.0; to.len()];
        PreparedRows::new(rows, from.len()).apply(&field, None, Missing::Propagate, &mut result);
        result
    };
    let name = format!("weights: {} {}", options.method, if options.edges == Edges::Grid { "" } else { "great circles" });
    let name = name.trim();
    let found = match Weights::build_on(&device, &from, &to, options) {
        Ok(found) => found,
        Err(error) => return println!("{name} {source} -> {destination}: not on this device: {error}"),
    };
    let expected = Weights::build(&from, &to, options).expect("corners");
    let pairs = regridded(&found).into_iter().zip(regridded(&expected));
    let worst = pairs.map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
    println!("{name} {source} -> {destination}: {} links, greatest difference of a field of 3: {worst:.1e}", found.len());
    assert!(worst < if gpu.facts().f64 { 1e-8 } else { 1e-4 }, "{name}: {worst:e}");
    let links = expected.len() as u64;
    drop((expected, found));
    let mut bench = Bench::new(criterion, table, name);
    bench.group.throughput(Throughput::Elements(links));
    let id = format!("{source} -> {destination}");
    let on_processor = || Weights::build(&from, &to, options).expect("corners");
    let on_device = || Weights::build_on(&device, &from, &to, options).expect("corners");
    if is_large {
        bench.few_calls(&id, Clock::EndToEnd, on_device);
        bench.few_calls(&id, Clock::Cpu, on_processor);
    } else {
        bench.calls(&id, "cpu", Clock::Cpu, on_processor);
        bench.calls(&id, &format!("{}, end to end", gpu.facts().name), Clock::EndToEnd, on_device);
    }
}

fn nearest(criterion: &mut Criterion, table: &mut Table, gpu: &Gpu, source: &str, destination: &str) {
    let centers = |spec: &str| -> Vec<[f64; 3]> {
        let grid = Grid::from_spec(spec).expect("a grid of this bench");
        let at = |i: usize| grid.center(i);
        (0..grid.len()).map(|i| unit_vector(at(i).lon_deg, at(i).lat_deg)).collect()
    };
    let (points, targets) = (centers(source), centers(destination));
    let hash = PointHash::new(&points);
    let width = if gpu.facts().f64 { Width::F64 } else { Width::F32 };
    let uploaded = DevicePointHash::upload(gpu, &hash, width).expect("memory");
    let on_processor = || -> Vec<Option<u32>> { targets.par_iter().map(|&p| hash.nearest(p)).collect() };
    let on_device = || uploaded.nearest(gpu, &targets).expect("memory");
    let differ = on_processor().iter().zip(on_device()).filter(|(a, b)| **a != *b).count();
    println!("nearest {source} -> {destination}: {differ} of {} differ", targets.len());
    let mut bench = Bench::new(criterion, table, &format!("nearest {width:?}"));
    bench.group.throughput(Throughput::Elements(targets.len() as u64));
    let id = format!("{source} -> {destination}");
    bench.calls(&id, "cpu", Clock::Cpu, on_processor);
    bench.calls(&id, &format!("{}, end to end", gpu.facts().name), Clock::EndToEnd, on_device);
}

fn main() {
    // The first real graphics processor, else a driver that computes on the processor.
    let opened = match Gpu::open(DeviceChoice::Auto) {
        Ok(None) => Gpu::open(DeviceChoice::Gpu(Some(0))),
        found => found,
    };
    let gpu = match opened {
        Ok(gpu) => gpu.expect("a choice of an adapter gives one"),
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    let facts = gpu.facts();
    println!("{} ({}, {}), {} threads", facts.name, facts.kind, facts.driver, rayon::current_num_threads());
    if std::env::args().any(|a| a == "--probe") {
        probe::run(&gpu);
        return;
    }
    let is_large = match std::env::var("KNARR_BENCH_GRIDS").as_deref() {
        Ok("large") => true,
        Ok("small") => false,
        _ => facts.kind != AdapterKind::Software,
    };
    let start = Instant::now();
    // The whole takes some minutes.
    let milliseconds = |small: u64, large: u64| Duration::from_millis(if is_large { large } else { small });
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(milliseconds(50, 300))
        .measurement_time(milliseconds(150, 800))
        .configure_from_args();
    // From small to large: where a device begins to pay shows.
    let small: [(_, _, &[usize]); 3] =
        [("r36x18", "H8", &[1, 8, 32]), ("r90x45", "CS24", &[1, 32]), ("r360x180", "CS90", &[1, 32])];
    let large: [(_, _, &[usize]); 3] =
        [("r360x180", "CS90", &[1, 8, 32, 64]), ("r1440x720", "CS360", &[1, 8, 32, 64]), ("r3600x1800", "H1024n", &[1, 32])];
    let mut table = Table::default();
    copy(&mut criterion, &mut table, &gpu);
    for (source, destination, slabs) in if is_large { large } else { small } {
        let pair = pair(source, destination);
        check(&pair, source, destination);
        apply::<f32>((&mut criterion, &mut table, &gpu), &pair, "sparse_apply f32", true, slabs);
        if facts.f64 {
            apply::<f32>((&mut criterion, &mut table, &gpu), &pair, "sparse_apply f32, sums f64", false, slabs);
            apply::<f64>((&mut criterion, &mut table, &gpu), &pair, "sparse_apply f64", false, slabs);
        }
        chain(&mut criterion, &mut table, &gpu, &pair);
    }
    let great_circles = Options { edges: Edges::GreatCircle, ..Options::new(Method::Conservative) };
    let [polygons, rows, both, points] = match is_large {
        true => [("CS1000", "H1024n"), ("O2560", "H1024n"), ("r3600x1800", "r1440x720"), ("CS1000", "H512n")],
        false => [("CS60", "H32"), ("O64", "H64n"), ("r360x180", "r90x45"), ("CS60", "H32")],
    };
    for (options, (source, destination)) in [
        (great_circles, polygons),
        (Options::new(Method::Conservative), rows),
        (Options::new(Method::Conservative), both),
        (Options::new(Method::Nearest), points),
        (Options::new(Method::Bilinear), points),
    ] {
        weights((&mut criterion, &mut table, &gpu), &options, source, destination, is_large);
    }
    nearest(&mut criterion, &mut table, &gpu, points.0, points.1);
    let points = if is_large { 4_000_000 } else { 50_000 };
    sea_ice::bench::<f32>(&mut criterion, &mut table, &gpu, points);
    if gpu.facts().f64 {
        sea_ice::bench::<f64>(&mut criterion, &mut table, &gpu, points);
    }
    criterion.final_summary();
    table.print();
    println!("done in {:.0} s; copies: {:?}", start.elapsed().as_secs_f64(), gpu.copies());
}

/// Weights that keep a smooth field.
fn check(pair: &Pair, source: &str, destination: &str) {
    let at = |spec: &str| AnalyticField::Sinusoid.at_centers(&Grid::from_spec(spec).expect("a grid of this bench"));
    let (values, expected) = (at(source), at(destination));
    let weights = &pair.weights;
    let rows = SparseRows { row_starts: &weights.row_starts, columns: &weights.columns, weights: &weights.values };
    let mut result = vec![0.0; weights.destination_len()];
    PreparedRows::new(rows, weights.source_len).apply(&values, None, Missing::Propagate, &mut result);
    let worst = result.iter().zip(&expected).map(|(r, e)| (r - e).abs()).fold(0.0, f64::max);
    assert!(worst < 0.2, "{}: {worst}", pair.name);
}
