//! Files made for the tests.

use knarr_exchange::Catalogue;
use knarr_exchange::catalogue::Convention;
use knarr_exchange::translate::{Report, Request, TranslateError, VectorAxes, translate};
use knarr_field::{Attributes, NumberType};
use knarr_grid::Grid;
use knarr_io::nc::{Numbers, ValueType};
use knarr_io::nc_write::{NewFile, NewVariable};
use knarr_io::{Dataset, LayoutData, NanPolicy, output_layout, read_grid};
use std::collections::HashMap;
use std::path::Path;

pub fn catalogue() -> Catalogue {
    Catalogue::load().unwrap_or_else(|e| panic!("{e}"))
}

/// A vertical axis of a made file.
#[derive(Clone, Debug)]
pub struct Axis {
    pub name: &'static str,
    pub attributes: Vec<(&'static str, &'static str)>,
    pub values: Vec<f64>,
    pub bounds: Option<Vec<[f64; 2]>>,
}

/// A variable of a made file: its values for a time, a level and a cell; `None` is missing.
pub struct Var<'a> {
    pub name: String,
    pub attributes: Vec<(&'a str, String)>,
    pub value: Box<dyn Fn(usize, usize, usize) -> Option<f64> + 'a>,
}

pub const FILL: f64 = 9.969_209_968_386_869e36;

/// What a made file has besides its variables.
pub struct Frame<'a> {
    pub grid: &'a Grid,
    /// Hours since the reference date; the run starts at hour 0.
    pub hours: Vec<f64>,
    /// Bounds of the times, in hours.
    pub bounds: Option<Vec<[f64; 2]>>,
    pub axis: Option<Axis>,
    /// Whether the file tells when the run started.
    pub tells_start: bool,
}

impl<'a> Frame<'a> {
    pub fn new(grid: &'a Grid, hours: &[f64]) -> Self {
        Self { grid, hours: hours.to_vec(), bounds: None, axis: None, tells_start: true }
    }
}

pub fn write(path: &Path, frame: &Frame<'_>, variables: &[Var<'_>]) {
    let layout = output_layout(frame.grid);
    let mut file = NewFile::create(path, true).expect("writable");
    for (name, len) in &layout.dims {
        file.add_dimension(name, *len, false).expect("a dimension");
    }
    file.add_dimension("time", frame.hours.len(), false).expect("a dimension");
    file.add_dimension("two", 2, false).expect("a dimension");
    let add =
        |file: &mut NewFile, name: &str, dims: Vec<String>, number: NumberType, attributes: Attributes, fill: Option<f64>| {
            let new = NewVariable {
                name: name.into(),
                dims,
                value_type: ValueType::Number(number),
                attributes,
                fill,
                chunks: None,
                compressed: false,
            };
            file.add_variable(&new).expect("a variable");
        };
    for v in &layout.variables {
        let number = if matches!(v.data, LayoutData::F64(_)) { NumberType::F64 } else { NumberType::I32 };
        add(&mut file, &v.name, v.dims.clone(), number, v.attributes.clone(), v.attributes.number("_FillValue"));
    }
    let mut time: Attributes =
        [("standard_name", "time"), ("units", "hours since 2026-05-01 00:00:00"), ("calendar", "standard")].into_iter().collect();
    if frame.bounds.is_some() {
        time.set("bounds", "time_two");
        add(&mut file, "time_two", vec!["time".into(), "two".into()], NumberType::F64, Attributes::new(), None);
    }
    add(&mut file, "time", vec!["time".into()], NumberType::F64, time, None);
    if frame.tells_start {
        let reference =
            [("standard_name", "forecast_reference_time"), ("units", "seconds since 2026-05-01")].into_iter().collect();
        add(&mut file, "reference", vec![], NumberType::F64, reference, None);
    }
    if let Some(axis) = &frame.axis {
        file.add_dimension(axis.name, axis.values.len(), false).expect("a dimension");
        let mut attributes: Attributes = axis.attributes.iter().copied().collect();
        if axis.bounds.is_some() {
            attributes.set("bounds", "axis_two");
            add(&mut file, "axis_two", vec![axis.name.into(), "two".into()], NumberType::F64, Attributes::new(), None);
        }
        add(&mut file, axis.name, vec![axis.name.into()], NumberType::F64, attributes, None);
    }
    let lens: Vec<usize> = frame.grid.shape.clone();
    let horizontal: Vec<String> = layout.dims[..lens.len()].iter().map(|(n, _)| n.clone()).collect();
    let levels = frame.axis.as_ref().map_or(1, |a| a.values.len());
    for v in variables {
        let mut attributes: Attributes = v.attributes.iter().map(|(n, t)| (*n, t.as_str())).collect();
        for (name, value) in layout.data_attributes.iter() {
            attributes.set(name, value.clone());
        }
        if let Some(mapping) = &layout.grid_mapping {
            attributes.set("grid_mapping", mapping.as_str());
        }
        if let Some(coordinates) = &layout.coordinates {
            attributes.set("coordinates", coordinates.as_str());
        }
        let dims = std::iter::once("time".to_owned())
            .chain(frame.axis.iter().map(|a| a.name.to_owned()))
            .chain(horizontal.iter().cloned())
            .collect();
        add(&mut file, &v.name, dims, NumberType::F64, attributes, Some(FILL));
    }
    for v in &layout.variables {
        let part: Vec<_> = v.dims.iter().map(|d| 0..layout.dims.iter().find(|(n, _)| n == d).expect("its dimension").1).collect();
        let numbers = match &v.data {
            LayoutData::None => Numbers::I32(vec![0]),
            LayoutData::F64(values) => Numbers::F64(values.clone()),
            LayoutData::I32(values) => Numbers::I32(values.clone()),
        };
        file.put_numbers(&v.name, &part, &numbers).expect("written");
    }
    let steps = frame.hours.len();
    file.put_numbers("time", std::slice::from_ref(&(0..steps)), &Numbers::F64(frame.hours.clone())).expect("written");
    if let Some(bounds) = &frame.bounds {
        file.put_numbers("time_two", &[0..steps, 0..2], &Numbers::F64(bounds.iter().flatten().copied().collect()))
            .expect("written");
    }
    if frame.tells_start {
        file.put_numbers("reference", &[], &Numbers::F64(vec![0.0])).expect("written");
    }
    if let Some(axis) = &frame.axis {
        file.put_numbers(axis.name, std::slice::from_ref(&(0..levels)), &Numbers::F64(axis.values.clone())).expect("written");
        if let Some(bounds) = &axis.bounds {
            file.put_numbers("axis_two", &[0..levels, 0..2], &Numbers::F64(bounds.iter().flatten().copied().collect()))
                .expect("written");
        }
    }
    for v in variables {
        let mut values = Vec::new();
        for step in 0..steps {
            for level in 0..levels {
                values.extend((0..frame.grid.len()).map(|cell| (v.value)(step, level, cell).unwrap_or(FILL)));
            }
        }
        let part: Vec<_> =
            std::iter::once(0..steps).chain(frame.axis.iter().map(|_| 0..levels)).chain(lens.iter().map(|&len| 0..len)).collect();
        file.put_numbers(&v.name, &part, &Numbers::F64(values)).expect("written");
    }
    file.finish().expect("written");
}

/// All values of a variable with validity, as it is stored.
pub fn read(path: &Path, name: &str) -> (Vec<f64>, Vec<bool>) {
    let dataset = Dataset::open(path).unwrap_or_else(|e| panic!("{e}"));
    let grid = read_grid(&dataset, name).unwrap_or_else(|e| panic!("{e}"));
    let field = dataset.read_field(name, &grid, NanPolicy::Error).unwrap_or_else(|e| panic!("{e}"));
    let len = field.values.len();
    let valid = field.valid.map_or(vec![true; len], |v| v.into_iter().collect());
    (field.values.into_iter().collect(), valid)
}

pub fn text(path: &Path, variable: &str, attribute: &str) -> Option<String> {
    let dataset = Dataset::open(path).unwrap_or_else(|e| panic!("{e}"));
    dataset.variable(variable).unwrap_or_else(|e| panic!("{e}")).attributes.text(attribute).map(str::to_owned)
}

pub fn request<'a>(catalogue: &'a Catalogue, input: &Path, output: &Path, from: Convention, to: Convention) -> Request<'a> {
    Request {
        input: input.to_owned(),
        output: output.to_owned(),
        from,
        to,
        to_grid: None,
        variables: None,
        fields: HashMap::new(),
        units: HashMap::new(),
        statistics: HashMap::new(),
        axes: VectorAxes::Auto,
        start: None,
        overwrite: true,
        nan: NanPolicy::Error,
        catalogue,
    }
}

pub fn run(
    catalogue: &Catalogue,
    input: &Path,
    output: &Path,
    from: Convention,
    to: Convention,
) -> Result<Report, TranslateError> {
    translate(&request(catalogue, input, output, from, to))
}
