//! What an input holds, decoded: fields with axes and grid, attributes, and variables that nobody asked for.

use crate::policy::{FileRequest, Limits};
use knarr_field::{Attributes, Calendar, TimeUnits};
use knarr_io::decode::{Decoder, NanPolicy, Purpose, read_decoded};
use knarr_io::{Dataset, Role, SlabOrder, VariableGrid, VariableInfo, read_grid};
use std::collections::HashSet;
use std::path::Path;

/// What an axis other than the horizontal ones counts.
#[derive(Clone, Debug)]
pub enum AxisKind {
    /// Times.
    Time(TimeUnits),
    /// The start of the forecast.
    Issue(TimeUnits),
    /// Levels, depths, layers.
    Level,
    /// Members of an ensemble, realisations.
    Member,
}

/// An axis other than the horizontal ones, or a single value that stands for one.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it counts.
    pub kind: AxisKind,
    /// Whether values have a dimension for it.
    pub is_dimension: bool,
    /// Its values.
    pub values: Vec<f64>,
    /// Lower and upper bound of each value.
    pub bounds: Option<Vec<f64>>,
    /// Its attributes.
    pub attributes: Attributes,
}

/// A field of the release as the input has it.
#[derive(Clone, Debug)]
pub struct Field {
    /// Place in the statement's list.
    pub request: usize,
    /// Place in the input.
    pub ordinal: usize,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its grid.
    pub grid: VariableGrid,
    /// Its other axes: those with dimensions first, slowest first.
    pub axes: Vec<Axis>,
    /// Values, `[other dimensions][cell]`; 0 where not valid.
    pub values: Vec<f64>,
    /// Which are valid.
    pub valid: Vec<bool>,
    /// How many values count as missing without being the fill value to the bit.
    pub hidden: usize,
}

/// A variable's attributes, with the part it plays.
#[derive(Clone, Debug)]
pub struct VariableAttributes {
    /// Place in the input.
    pub ordinal: usize,
    /// The part it plays.
    pub role: Role,
    /// Its attributes.
    pub attributes: Attributes,
}

/// What an input holds.
#[derive(Clone, Debug)]
pub struct Content {
    /// Attributes of the file.
    pub global: Attributes,
    /// All variables.
    pub variables: Vec<VariableAttributes>,
    /// The fields asked for, as far as they are there.
    pub fields: Vec<Field>,
    /// Places of variables that no field needs.
    pub unneeded: Vec<usize>,
    /// Places in the statement's list of fields that are not there.
    pub absent: Vec<usize>,
    /// Texts of character and string variables, by place.
    pub texts: Vec<(usize, String)>,
}

/// Why content could not be read: a code and the place in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Code.
    pub code: &'static str,
    /// Where.
    pub place: String,
}

impl Content {
    /// Reads the fields asked for.
    ///
    /// # Errors
    /// [`Unreadable`]; its words are not of the file.
    pub fn read(path: &Path, requests: &[FileRequest], limits: &Limits) -> Result<Self, Unreadable> {
        let dataset = Dataset::open(path).map_err(|_| refuse("unreadable", "the file"))?;
        for (ordinal, variable) in dataset.file().variables().iter().enumerate() {
            let product = |lens: Vec<usize>| lens.into_iter().try_fold(1u64, |n, len| n.checked_mul(len as u64));
            let values = product(variable.dims.iter().map(|d| d.len).collect());
            // A chunk is decompressed whole, however little of it the variable has.
            let chunk = product(variable.chunks.clone().unwrap_or_default());
            if [values, chunk].iter().any(|n| n.is_none_or(|n| n > limits.max_values)) {
                return Err(refuse("too_many_values", &variable_place(ordinal)));
            }
        }
        let mut content = Self {
            global: dataset.file().attributes().clone(),
            variables: Vec::new(),
            fields: Vec::new(),
            unneeded: Vec::new(),
            absent: Vec::new(),
            texts: Vec::new(),
        };
        let mut needed = HashSet::new();
        for (request, wanted) in requests.iter().enumerate() {
            let found = dataset.variables().iter().position(|v| v.name == wanted.variable);
            match found {
                Some(ordinal) => content.fields.push(read_field(&dataset, request, ordinal, &mut needed)?),
                None => content.absent.push(request),
            }
        }
        for (ordinal, variable) in dataset.variables().iter().enumerate() {
            let (role, attributes) = (variable.role, variable.attributes.clone());
            content.variables.push(VariableAttributes { ordinal, role, attributes });
            if !needed.contains(&variable.name) {
                content.unneeded.push(ordinal);
            }
            if role == Role::Text {
                let texts =
                    dataset.file().read_texts(&variable.name).map_err(|_| refuse("unreadable", &variable_place(ordinal)))?;
                content.texts.extend(texts.into_iter().map(|text| (ordinal, text)));
            }
        }
        Ok(content)
    }
}

/// How a variable is named in reports.
pub(super) fn variable_place(ordinal: usize) -> String {
    format!("variable {}", ordinal + 1)
}

fn refuse(code: &'static str, place: &str) -> Unreadable {
    Unreadable { code, place: place.to_owned() }
}

fn read_field(dataset: &Dataset, request: usize, ordinal: usize, needed: &mut HashSet<String>) -> Result<Field, Unreadable> {
    let variable = &dataset.variables()[ordinal];
    let place = variable_place(ordinal);
    let fail = |code| refuse(code, &place);
    needed.insert(variable.name.clone());
    let grid = read_grid(dataset, &variable.name).map_err(|_| fail("no_grid"))?;
    needed.extend(grid.coordinate_variables.iter().cloned());
    let order = SlabOrder::new(dataset, variable, &grid).map_err(|_| fail("no_grid"))?;
    let mut axes = Vec::new();
    for &at in &order.extra {
        let dim = &variable.dims[at].0;
        let coordinate = dataset.variables().iter().find(|v| v.name == *dim && v.dims.len() == 1);
        axes.push(read_axis(dataset, coordinate.ok_or_else(|| fail("dimension_without_coordinate"))?, true, needed)?);
    }
    for name in variable.attributes.text("coordinates").into_iter().flat_map(knarr_io::listed_names) {
        let coordinate = dataset.variables().iter().find(|v| v.name == name && v.len() == 1);
        if let Some(coordinate) = coordinate.filter(|_| !needed.contains(name)) {
            axes.push(read_axis(dataset, coordinate, false, needed)?);
        }
    }
    let slabs = order.extra_lens(variable).iter().product();
    let file = dataset.file();
    let raw_variable = file.variable(&variable.name).map_err(|_| fail("unreadable"))?;
    let decoder = Decoder::new(file, raw_variable, Purpose::Data).map_err(|_| fail("unreadable"))?;
    let read =
        dataset.read_slabs_with(&decoder, &variable.name, &grid, 0..slabs, NanPolicy::Missing).map_err(|_| fail("unreadable"))?;
    let values: Vec<f64> = read.values.into_iter().collect();
    let valid: Vec<bool> = read.valid.map_or_else(|| vec![true; values.len()], |v| v.into_iter().collect());
    let missing = valid.iter().filter(|&&v| !v).count();
    let fill = match variable.attributes.number("_FillValue") {
        Some(fill) => Some(fill),
        None => file.fill_in_effect(&variable.name).map_err(|_| fail("unreadable"))?,
    };
    let raw = file.read(&variable.name).map_err(|_| fail("unreadable"))?;
    let filled = raw.iter().filter(|v| fill.is_some_and(|f| f.to_bits() == v.to_bits())).count();
    let attributes = variable.attributes.clone();
    Ok(Field { request, ordinal, attributes, grid, axes, values, valid, hidden: missing.abs_diff(filled) })
}

fn read_axis(
    dataset: &Dataset,
    coordinate: &VariableInfo,
    is_dimension: bool,
    needed: &mut HashSet<String>,
) -> Result<Axis, Unreadable> {
    let ordinal = dataset.variables().iter().position(|v| v.name == coordinate.name).unwrap_or(0);
    let fail = |code| refuse(code, &variable_place(ordinal));
    needed.insert(coordinate.name.clone());
    let attributes = &coordinate.attributes;
    let read = |name: &str| {
        let decoded =
            read_decoded(dataset.file(), name, Purpose::Coordinate, NanPolicy::Error).map_err(|_| fail("unreadable"))?;
        if decoded.valid.is_some() { Err(fail("missing_coordinate")) } else { Ok(decoded.values) }
    };
    let values = read(&coordinate.name)?;
    let bounds = match attributes.text("bounds") {
        Some(name) => {
            needed.insert(name.to_owned());
            Some(read(name)?).filter(|b| b.len() == 2 * values.len())
        }
        None => None,
    };
    let units = attributes.text("units").unwrap_or_default();
    let kind = if units.contains(" since ") {
        let calendar =
            Calendar::parse(attributes.text("calendar").unwrap_or("standard")).map_err(|_| fail("unknown_calendar"))?;
        let units = TimeUnits::parse(units, calendar).map_err(|_| fail("unknown_time_units"))?;
        let is_issue = attributes.text("standard_name") == Some("forecast_reference_time");
        if is_issue { AxisKind::Issue(units) } else { AxisKind::Time(units) }
    } else if attributes.text("standard_name") == Some("realization") {
        AxisKind::Member
    } else {
        AxisKind::Level
    };
    Ok(Axis { kind, is_dimension, values, bounds, attributes: attributes.clone() })
}
