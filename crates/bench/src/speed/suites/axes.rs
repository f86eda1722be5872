//! Files on other levels and at other times.

use super::{Measure, Prepare};
use crate::speed::{Bound, Case, CaseError, Device, Plan, Size, Work, judged};
use knarr_io::NanPolicy;
use knarr_io::levels::{Beyond, LevelsRequest, Targets, VerticalMethod, levels_file};
use knarr_io::nc::File;
use knarr_io::resample::{Partial, Period, ResampleRequest, TimeMethod, resample_file};
use std::ops::Range;
use std::path::{Path, PathBuf};

const SUITE: &str = "levels and times, in files";
/// Pressures of the input in hPa, and those of the output: one of the input, then between two of them.
const LEVELS: [f64; 12] = [1000.0, 925.0, 850.0, 700.0, 600.0, 500.0, 400.0, 300.0, 250.0, 200.0, 150.0, 100.0];
const TARGETS: &str = "850,550,375hPa";
/// The level below each target, and the weight of the one above.
const BETWEEN: [(usize, f64); 3] = [(2, 0.0), (4, 0.5), (6, 0.25)];
/// Hours of the input: two days.
const HOURS: usize = 48;

/// Rows and columns.
fn lens(size: Size) -> [usize; 2] {
    match size {
        Size::S => [91, 180],
        Size::M => [181, 360],
        Size::L => [361, 720],
        Size::Xl => [721, 1440],
    }
}

/// Plans at a size.
pub fn plans(size: Size) -> Vec<Plan> {
    let [rows, columns] = lens(size);
    let plan = |kernel: &str, steps: usize, with: Prepare| Plan {
        suite: SUITE,
        kernel: kernel.to_owned(),
        device: Device::Cpu,
        size,
        data: format!("{steps} x {rows} x {columns}"),
        is_parallel: true,
        with,
    };
    vec![
        plan("levels, linear", LEVELS.len(), Box::new(move |m| levels(size, m))),
        plan("days of hours", HOURS, Box::new(move |m| days(size, m))),
    ]
}

/// A wave that no two steps have alike.
fn value(step: usize, cell: usize) -> f32 {
    (280.0 + 20.0 * (cell as f64 * 1e-3).sin() - (step as f64) * (1.0 + 0.1 * (cell as f64 * 7e-3).cos())) as f32
}

/// A file with the axis `name` of `steps` before latitude and longitude.
fn input(folder: &Path, size: Size, name: &str, units: &str, steps: &[f64]) -> Result<PathBuf, netcdf::Error> {
    let (path, [rows, columns]) = (folder.join("in.nc"), lens(size));
    let mut file = netcdf::create(&path)?;
    for (name, units, values) in [
        (name, units, steps.to_vec()),
        ("lat", "degrees_north", (0..rows).map(|i| -90.0 + 180.0 / (rows - 1) as f64 * i as f64).collect()),
        ("lon", "degrees_east", (0..columns).map(|i| 360.0 / columns as f64 * i as f64).collect()),
    ] {
        file.add_dimension(name, values.len())?;
        let mut axis = file.add_variable::<f64>(name, &[name])?;
        axis.put_attribute("units", units)?;
        axis.put_values(&values, ..)?;
    }
    let mut field = file.add_variable::<f32>("t", &[name, "lat", "lon"])?;
    field.put_attribute("units", "K")?;
    field.put_attribute("cell_methods", "time: point")?;
    field.set_chunking(&[1, rows, columns])?;
    field.set_compression(1, true)?;
    let cells = rows * columns;
    let values: Vec<f32> = (0..steps.len() * cells).map(|i| value(i / cells, i % cells)).collect();
    field.put_values(&values, ..)?;
    file.close()?;
    Ok(path)
}

fn folder() -> Result<tempfile::TempDir, CaseError> {
    // The NetCDF library asks for attributes that are not there, and the HDF5 library would tell each time.
    hdf5_metno::silence_errors(true);
    tempfile::tempdir().map_err(CaseError::from_error)
}

/// How far the steps of an output are from `expected`, in shares of the value.
fn off(path: &Path, size: Size, steps: usize, expected: impl Fn(usize, usize) -> f64) -> Result<(f64, String), CaseError> {
    let cells: usize = lens(size).iter().product();
    let found = File::open(path).and_then(|file| file.read("t")).map_err(CaseError::from_error)?;
    let of = |(i, found): (usize, &f64)| (found / expected(i / cells, i % cells) - 1.0).abs();
    let worst = found.iter().enumerate().map(of).fold(0.0, f64::max);
    let worst = if found.len() == steps * cells { worst } else { f64::INFINITY };
    // Rounded to single precision, as the input.
    judged("relative", worst, 1.5 * f64::from(f32::EPSILON))
}

fn work(size: Size, steps: usize) -> Work {
    let items = (lens(size).iter().product::<usize>() * steps) as u64;
    let formula = "4 B a source value".to_owned();
    Work { items, unit: "values".to_owned(), bytes: 4 * items, flops: 0, formula, bound: Bound::Open }
}

/// Pressures between those of the file. Right: lines between the two levels around.
fn levels(size: Size, measure: Measure<'_>) -> Result<(), CaseError> {
    let folder = folder()?;
    let input = input(folder.path(), size, "lev", "hPa", &LEVELS).map_err(CaseError::from_error)?;
    let output = folder.path().join("out.nc");
    let request = LevelsRequest {
        input,
        output: output.clone(),
        targets: Targets::parse(TARGETS).map_err(CaseError::from_error)?,
        method: VerticalMethod::Linear,
        below: Beyond::Missing,
        above: Beyond::Missing,
        variables: None,
        nan: NanPolicy::Error,
        overwrite: true,
        history: "bench".into(),
    };
    let run = || levels_file(&request).map(drop).map_err(CaseError::from_error);
    run()?;
    let expected = |step: usize, cell: usize| {
        let (below, f) = BETWEEN[step];
        (1.0 - f) * f64::from(value(below, cell)) + f * f64::from(value(below + 1, cell))
    };
    let error = off(&output, size, BETWEEN.len(), expected)?;
    measure(Case::new(work(size, LEVELS.len()), error, run));
    Ok(())
}

/// Means of days. Right: the mean of the 24 instants of each.
fn days(size: Size, measure: Measure<'_>) -> Result<(), CaseError> {
    let folder = folder()?;
    let hours: Vec<f64> = (0..HOURS).map(|h| h as f64).collect();
    let input = input(folder.path(), size, "time", "hours since 2000-01-01", &hours).map_err(CaseError::from_error)?;
    let output = folder.path().join("out.nc");
    let request = ResampleRequest {
        input,
        output: output.clone(),
        period: Period::parse("day").map_err(CaseError::from_error)?,
        method: TimeMethod::Reduce,
        kind: None,
        partial: Partial::Keep,
        calendar: None,
        variables: None,
        nan: NanPolicy::Error,
        overwrite: true,
        history: "bench".into(),
    };
    let run = || resample_file(&request).map(drop).map_err(CaseError::from_error);
    run()?;
    let of_day = |day: usize| -> Range<usize> { 24 * day..24 * (day + 1) };
    let expected = |day: usize, cell: usize| of_day(day).map(|hour| f64::from(value(hour, cell))).sum::<f64>() / 24.0;
    let error = off(&output, size, HOURS / 24, expected)?;
    measure(Case::new(work(size, HOURS), error, run));
    Ok(())
}
