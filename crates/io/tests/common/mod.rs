//! Small files on small grids.

#![allow(dead_code, reason = "each test file uses its part")]

use knarr_field::{Attribute, Attributes, NumberType};
use knarr_grid::Grid;
use knarr_io::VariableGrid;
use knarr_io::nc::{Numbers, ValueType};
use knarr_io::nc_write::{NewFile, NewVariable};
use std::path::Path;
use std::sync::Arc;

/// A variable to be written.
pub struct Var {
    pub name: &'static str,
    pub dims: Vec<&'static str>,
    pub numbers: Numbers,
    pub attributes: Attributes,
}

pub fn var(name: &'static str, dims: &[&'static str], numbers: Numbers, attributes: &[(&str, Attribute)]) -> Var {
    let attributes = attributes.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    Var { name, dims: dims.to_vec(), numbers, attributes }
}

pub fn numbers(number: NumberType, values: &[f64]) -> Attribute {
    Attribute::Numbers(values.to_vec(), number)
}

pub fn text(text: &str) -> Attribute {
    Attribute::Text(text.to_owned())
}

pub fn number_type(numbers: &Numbers) -> NumberType {
    match numbers {
        Numbers::I8(_) => NumberType::I8,
        Numbers::U8(_) => NumberType::U8,
        Numbers::I16(_) => NumberType::I16,
        Numbers::U16(_) => NumberType::U16,
        Numbers::I32(_) => NumberType::I32,
        Numbers::U32(_) => NumberType::U32,
        Numbers::I64(_) => NumberType::I64,
        Numbers::U64(_) => NumberType::U64,
        Numbers::F32(_) => NumberType::F32,
        Numbers::F64(_) => NumberType::F64,
    }
}

/// Writes a file; dimensions named `time` can grow.
pub fn write(path: &Path, dims: &[(&str, usize)], globals: &[(&str, &str)], vars: &[Var]) {
    let mut file = NewFile::create(path, true).expect("created");
    file.add_attributes(&globals.iter().copied().collect()).expect("put");
    for (name, len) in dims {
        file.add_dimension(name, *len, *name == "time").expect("added");
    }
    for v in vars {
        let new = NewVariable {
            name: v.name.to_owned(),
            dims: v.dims.iter().map(|d| (*d).to_owned()).collect(),
            value_type: ValueType::Number(number_type(&v.numbers)),
            attributes: v.attributes.clone(),
            fill: v.attributes.number("_FillValue"),
            chunks: None,
            compressed: false,
        };
        file.add_variable(&new).expect("added");
    }
    for v in vars {
        let part: Vec<_> = v.dims.iter().map(|d| 0..len_of(dims, d)).collect();
        file.put_numbers(v.name, &part, &v.numbers).expect("put");
    }
    file.finish().expect("written");
}

pub fn len_of(dims: &[(&str, usize)], name: &str) -> usize {
    dims.iter().find(|(n, _)| *n == name).expect("a dimension of the file").1
}

/// `nlat` x `nlon` global cells, south first.
pub fn lat_lon_axes(nlat: usize, nlon: usize) -> (Vec<f64>, Vec<f64>) {
    let lats = (0..nlat).map(|j| -90.0 + 180.0 * (j as f64 + 0.5) / nlat as f64).collect();
    let lons = (0..nlon).map(|i| 360.0 * (i as f64 + 0.5) / nlon as f64).collect();
    (lats, lons)
}

pub fn axis_vars(nlat: usize, nlon: usize) -> Vec<Var> {
    let (lats, lons) = lat_lon_axes(nlat, nlon);
    vec![
        var("lat", &["lat"], Numbers::F64(lats), &[("units", text("degrees_north")), ("standard_name", text("latitude"))]),
        var("lon", &["lon"], Numbers::F64(lons), &[("units", text("degrees_east")), ("standard_name", text("longitude"))]),
    ]
}

pub fn spec(text: &str) -> Arc<Grid> {
    Arc::new(Grid::from_spec(text).expect("a known grid"))
}

/// A grid whose horizontal dimensions are `dims`.
pub fn on(grid: &Arc<Grid>, dims: &[&str]) -> VariableGrid {
    VariableGrid { grid: grid.clone(), dims: dims.iter().map(|d| (*d).to_owned()).collect(), coordinate_variables: Vec::new() }
}

/// Names in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries.map(|e| e.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
