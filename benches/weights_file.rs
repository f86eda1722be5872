//! Weights files and cache entries written and read. Ids: device/what pair/links; throughput in bytes of the file.
//!
//! `copy` reads or writes the same bytes without a thought, the bound for all others: files are in the page cache, in
//! the folder for temporary files.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use knarr::grid::Grid;
use knarr::io::{Cached, WeightsCache, WeightsFormat, read_weights, write_weights};
use knarr::regrid::{Method, Options, Weights, content_hash};
use std::fs;
use std::hint::black_box;
use std::path::Path;

const PAIR: (&str, &str) = ("r1440x720", "CS360");

fn weights_file(criterion: &mut Criterion) {
    let (source, destination) = (grid(PAIR.0), grid(PAIR.1));
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for method in [Method::Conservative, Method::Nearest] {
        let options = Options::new(method);
        let weights = Weights::build(&source, &destination, &options).expect("corners");
        let mut group = criterion.benchmark_group(format!("weights_file {method}"));
        group.sample_size(10);
        let id = |what: &str| BenchmarkId::new(format!("cpu/{what} {} -> {}", PAIR.0, PAIR.1), weights.len());

        for (name, format) in [("esmf", WeightsFormat::Esmf), ("scrip", WeightsFormat::Scrip)] {
            let file = path(name);
            let write = || write_weights(&weights, &source, &destination, &file, format, true).expect("written");
            write();
            assert_eq!(read_weights(&file).expect("weights").weights, weights);
            group.throughput(Throughput::Bytes(size(&file)));
            group.bench_function(id(&format!("write {name}")), |bencher| bencher.iter(write));
            group.bench_function(id(&format!("read {name}")), |bencher| bencher.iter(|| read_weights(black_box(&file))));
            copies(&mut group, &file, &path("copy"), &id);
        }

        let keep = || {
            // A new value each time: one that has written an entry does not write it again.
            WeightsCache::open(&path("kept")).expect("a cache").keep(&weights).expect("kept");
        };
        let find = || WeightsCache::open(&path("kept")).expect("a cache").find(&source, &destination, &options);
        keep();
        assert!(matches!(find(), Cached::Found(found) if *found == weights));
        let entry = fs::read_dir(path("kept")).expect("the cache").next().expect("an entry").expect("an entry").path();
        group.throughput(Throughput::Bytes(size(&entry)));
        group.bench_function(id("write cache"), |bencher| bencher.iter(keep));
        group.bench_function(id("read cache"), |bencher| bencher.iter(find));
        // What finding an entry takes before it is read.
        let hashes = || [content_hash(black_box(&source)), content_hash(black_box(&destination))];
        group.bench_function(id("hash grids of cache"), |bencher| bencher.iter(hashes));
        copies(&mut group, &entry, &path("copy"), &id);
        group.finish();
        fs::remove_dir_all(path("kept")).expect("removed");
    }
}

fn copies(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    file: &Path,
    copy: &Path,
    id: &impl Fn(&str) -> BenchmarkId,
) {
    let bytes = fs::read(file).expect("readable");
    let of = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let of = if of.ends_with(".weights") { "cache".to_owned() } else { of };
    group.bench_function(id(&format!("copy out {of}")), |bencher| bencher.iter(|| fs::write(copy, &bytes).expect("written")));
    group.bench_function(id(&format!("copy in {of}")), |bencher| bencher.iter(|| fs::read(black_box(file)).expect("readable")));
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).expect("it is there").len()
}

fn grid(spec: &str) -> Grid {
    Grid::from_spec(spec).expect("a grid of this bench")
}

criterion_group!(benches, weights_file);
criterion_main!(benches);
