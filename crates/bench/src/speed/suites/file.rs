//! Fields read from files, regridded and written.

use super::{Measure, Prepare};
use crate::speed::{Bound, Case, CaseError, Device, Plan, Size, Work, judged};
use knarr_grid::Grid;
use knarr_io::nc::{File, Numbers};
use knarr_io::{Dataset, NanPolicy, RegridRequest, VariableInfo, VectorOutput, read_grid, regrid_file};
use knarr_regrid::{Finish, Method, MissingPolicy, Options, Weights};
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

const SUITE: &str = "GDPS levels -> H128n, in files";

/// Levels, rows and columns.
fn lens(size: Size) -> [usize; 3] {
    match size {
        Size::S => [4, 181, 360],
        Size::M => [8, 361, 720],
        Size::L => [16, 721, 1440],
        Size::Xl => [64, 721, 1440],
    }
}

fn destination(size: Size) -> &'static str {
    if size == Size::S { "H32n" } else { "H128n" }
}

/// Plans at a size.
pub fn plans(size: Size) -> Vec<Plan> {
    let [levels, rows, columns] = lens(size);
    let plan = |kernel: &str, is_parallel: bool, with: Prepare| Plan {
        suite: SUITE,
        kernel: kernel.to_owned(),
        device: Device::Cpu,
        size,
        data: format!("{levels} x {rows} x {columns}"),
        is_parallel,
        with,
    };
    vec![
        plan("read deflated", true, Box::new(move |m| read(size, Form::Deflated, true, m))),
        plan("read deflated, HDF5 library alone", false, Box::new(move |m| read(size, Form::Deflated, false, m))),
        plan("read classic", true, Box::new(move |m| read(size, Form::Classic, true, m))),
        plan("read, regrid, write", true, Box::new(move |m| whole(size, m))),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Deflated,
    Classic,
}

/// A wave with noise, in steps of 1/128 as packed values have them: shuffled and deflated it has a sixth of the size.
fn value(i: usize, [_, rows, columns]: [usize; 3]) -> f32 {
    let cell = i % (rows * columns);
    let (row, column) = ((cell / columns) as f64 / rows as f64, (cell % columns) as f64 / columns as f64);
    let noise = (((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24) - 0.5) * 0.02;
    let wave = 280.0 + 20.0 * (row * 7.0).cos() * (1.0 + (column * 28.0).sin()) + noise;
    (wave * 128.0).round() as f32 / 128.0
}

/// Writes the field by the NetCDF library, as others write their files.
fn write_input(path: &Path, lens: [usize; 3], values: &[f32], form: Form) -> Result<(), netcdf::Error> {
    let options = if form == Form::Deflated { netcdf::Options::NETCDF4 } else { netcdf::Options::_64BIT_OFFSET };
    let mut file = netcdf::create_with(path, options)?;
    for (name, len) in ["lev", "lat", "lon"].iter().zip(lens) {
        file.add_dimension(name, len)?;
    }
    for (name, units) in [("lat", "degrees_north"), ("lon", "degrees_east")] {
        file.add_variable::<f64>(name, &[name])?.put_attribute("units", units)?;
    }
    let mut field = file.add_variable::<f32>("t", &["lev", "lat", "lon"])?;
    if form == Form::Deflated {
        field.set_chunking(&[1, lens[1], lens[2]])?;
        field.set_compression(1, true)?;
    }
    file.enddef()?;
    let lat: Vec<f64> = (0..lens[1]).map(|i| -90.0 + 180.0 / (lens[1] - 1) as f64 * i as f64).collect();
    let lon: Vec<f64> = (0..lens[2]).map(|i| 360.0 / lens[2] as f64 * i as f64).collect();
    for (name, values) in [("lat", &lat), ("lon", &lon)] {
        if let Some(mut axis) = file.variable_mut(name) {
            axis.put_values(values, ..)?;
        }
    }
    if let Some(mut field) = file.variable_mut("t") {
        field.put_values(values, ..)?;
    }
    file.close()
}

/// The input in a folder of its own.
fn input(size: Size, form: Form) -> Result<(tempfile::TempDir, Vec<f32>), CaseError> {
    // The NetCDF library asks for attributes that are not there, and the HDF5 library would tell each time.
    hdf5_metno::silence_errors(true);
    let folder = tempfile::tempdir().map_err(CaseError::from_error)?;
    let values: Vec<f32> = (0..lens(size).iter().product()).map(|i| value(i, lens(size))).collect();
    write_input(&folder.path().join("in.nc"), lens(size), &values, form).map_err(CaseError::from_error)?;
    Ok((folder, values))
}

fn work(values: usize, bound: Bound, formula: &str) -> Work {
    let (items, bytes) = (values as u64, 4 * values as u64);
    Work { items, unit: "values".to_owned(), bytes, flops: 0, formula: formula.to_owned(), bound }
}

/// All values of a file in the page cache. Right: those that were written, bit for bit.
fn read(size: Size, form: Form, ours: bool, measure: Measure<'_>) -> Result<(), CaseError> {
    let (folder, values) = input(size, form)?;
    let path = folder.path().join("in.nc");
    let whole: Vec<Range<usize>> = lens(size).iter().map(|&len| 0..len).collect();
    // Opened each time: the library keeps what it has inflated as long as a file is open.
    let read = || {
        let file = File::open(&path).map_err(CaseError::from_error)?;
        let read = if ours { file.read_numbers("t", &whole) } else { file.read_numbers_plainly("t", &whole) };
        read.map_err(CaseError::from_error)
    };
    let error = judged("values that differ", f64::from(u8::from(read()? != Numbers::F32(values.clone()))), 0.0)?;
    let work = work(values.len(), Bound::Open, "4 B a value, as decoded");
    measure(Case::new(work, error, || read().map(|v| drop(black_box(v)))));
    Ok(())
}

/// A file from end to end with weights at hand. Right: the integral is kept to rounding.
fn whole(size: Size, measure: Measure<'_>) -> Result<(), CaseError> {
    let (folder, values) = input(size, Form::Deflated)?;
    let path = folder.path().join("in.nc");
    let dataset = Dataset::open(&path).map_err(CaseError::from_error)?;
    let grid = read_grid(&dataset, "t").map_err(CaseError::from_error)?;
    let destination = Arc::new(Grid::from_spec(destination(size)).map_err(CaseError::from_error)?);
    let options = Options::new(Method::Conservative);
    let weights = Weights::build(&grid.grid, &destination, &options).map_err(CaseError::from_error)?;
    // The request is made anew for each call: what it refers to cannot go to another thread, what it is made from can.
    let regrid = || {
        let stored = |_: &Grid, _: &Grid, _: &Options| Ok(Some(weights.clone()));
        let methods = |_: &VariableInfo| Options::new(Method::Conservative).into();
        let request = RegridRequest {
            input: path.clone(),
            grid_file: None,
            output: folder.path().join("out.nc"),
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
        regrid_file(&request, &mut |_| {}).map_err(CaseError::from_error)
    };
    let report = regrid()?;
    let variable = &report.variables[0];
    let off = variable.conservation.map_or(f64::INFINITY, |c| c.relative_error.abs());
    let error = judged("integral", off, variable.rounding)?;
    let work = work(values.len(), Bound::Open, "4 B a source value");
    measure(Case::new(work, error, || regrid().map(drop)));
    Ok(())
}
