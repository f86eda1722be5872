//! Reading, decoding, writing and the whole of regridding a file. Ids: device/what/size; throughput in bytes of values.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use knarr::grid::Grid;
use knarr::io::nc::{self, Numbers};
use knarr::io::{Dataset, NanPolicy, RegridRequest, VectorOutput, read_grid, regrid_file};
use knarr::regrid::{Finish, Method, MissingPolicy, Options, Weights};
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

const LENS: [usize; 3] = [16, 721, 1440];

/// A wave with noise, in steps of 1/128 as packed values have them: shuffled and deflated it has a sixth of the size.
fn value(i: usize) -> f32 {
    let cell = i % (LENS[1] * LENS[2]);
    let (row, column) = (cell / LENS[2], cell % LENS[2]);
    let noise = (((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24) - 0.5) * 0.02;
    let wave = 280.0 + 20.0 * (row as f64 * 0.01).cos() * (1.0 + (column as f64 * 0.02).sin()) + noise;
    (wave * 128.0).round() as f32 / 128.0
}

/// Writes the field by the NetCDF library, as others write their files.
fn write_input(path: &Path, values: &[f32], options: netcdf::Options, deflated: bool) {
    let mut file = netcdf::create_with(path, options).expect("created");
    for (name, len) in ["lev", "lat", "lon"].iter().zip(LENS) {
        file.add_dimension(name, len).expect("added");
    }
    for (name, units) in [("lat", "degrees_north"), ("lon", "degrees_east")] {
        let mut axis = file.add_variable::<f64>(name, &[name]).expect("added");
        axis.put_attribute("units", units).expect("put");
    }
    let mut field = file.add_variable::<f32>("t", &["lev", "lat", "lon"]).expect("added");
    if deflated {
        field.set_chunking(&[1, LENS[1], LENS[2]]).expect("set");
        field.set_compression(1, true).expect("set");
    }
    file.enddef().expect("defined");
    let lat: Vec<f64> = (0..LENS[1]).map(|i| -90.0 + 0.25 * i as f64).collect();
    let lon: Vec<f64> = (0..LENS[2]).map(|i| 0.25 * i as f64).collect();
    file.variable_mut("lat").expect("there").put_values(&lat, ..).expect("put");
    file.variable_mut("lon").expect("there").put_values(&lon, ..).expect("put");
    file.variable_mut("t").expect("there").put_values(values, ..).expect("put");
    file.close().expect("closed");
}

fn io(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, classic, output) = (folder.path().join("in.nc"), folder.path().join("c.nc"), folder.path().join("out.nc"));
    let values: Vec<f32> = (0..LENS.iter().product()).map(value).collect();
    write_input(&input, &values, netcdf::Options::NETCDF4, true);
    write_input(&classic, &values, netcdf::Options::_64BIT_OFFSET, false);
    let bytes = Throughput::Bytes(size_of_val(values.as_slice()) as u64);
    let size = "16x721x1440";
    let whole: Vec<Range<usize>> = LENS.iter().map(|&len| 0..len).collect();

    let mut group = criterion.benchmark_group("io");
    group.sample_size(10).throughput(bytes);
    for (what, path) in [("deflated", &input), ("classic", &classic)] {
        let file = nc::File::open(path).expect("NetCDF");
        assert_eq!(file.read_numbers("t", &whole).expect("reads"), Numbers::F32(values.clone()));
        assert_eq!(file.read_numbers_plainly("t", &whole).expect("reads"), Numbers::F32(values.clone()));
        group.bench_function(BenchmarkId::new(format!("cpu/read {what}"), size), |b| {
            b.iter(|| file.read_numbers(black_box("t"), &whole).expect("reads"));
        });
        group.bench_function(BenchmarkId::new(format!("cpu/read {what} by the library"), size), |b| {
            b.iter(|| file.read_numbers_plainly(black_box("t"), &whole).expect("reads"));
        });
    }
    let dataset = Dataset::open(&input).expect("NetCDF");
    let grid = read_grid(&dataset, "t").expect("a grid");
    group.bench_function(BenchmarkId::new("cpu/read and decode deflated", size), |b| {
        b.iter(|| dataset.read_slabs(black_box("t"), &grid, 0..LENS[0], NanPolicy::Error).expect("reads"));
    });

    let destination = Arc::new(Grid::from_spec("H128n").expect("a grid"));
    let methods = |_: &knarr::io::VariableInfo| Options::new(Method::Conservative).into();
    let weights = Weights::build(&grid.grid, &destination, &Options::new(Method::Conservative)).expect("corners");
    let stored = |_: &Grid, _: &Grid, _: &Options| Ok(Some(weights.clone()));
    let request = RegridRequest {
        input: input.clone(),
        grid_file: None,
        output: output.clone(),
        destination: destination.clone(),
        variables: None,
        methods: &methods,
        missing: MissingPolicy::Skip { min_valid: 0.0 },
        finish: Finish::Sum,
        weights: None,
        stored: Some(&stored),
        overwrite: true,
        nan: NanPolicy::Error,
        history: "bench".into(),
        memory_limit: 512 << 20,
        vectors: VectorOutput::Earth,
        pairs: Vec::new(),
    };
    let report = regrid_file(&request, &mut |_| {}).expect("regrids");
    let conservation = report.variables[0].conservation.expect("conservative");
    assert!(conservation.relative_error.abs() < report.variables[0].rounding, "the integral is kept to the rounding");
    group.bench_function(BenchmarkId::new("cpu/regrid to H128n, weights at hand", size), |b| {
        b.iter(|| regrid_file(black_box(&request), &mut |_| {}).expect("regrids"));
    });
    group.finish();
}

criterion_group!(benches, io);
criterion_main!(benches);
