//! A new file for each field, made of allowed content only: what is not named here cannot leave.
//!
//! Coordinates come from the grid, names and units from the catalogue, texts from statement and policy. Of the input
//! there are only the values, rounded, and those attributes of the file that the policy lists.

use super::content::{Axis, AxisKind, Field};
use super::{Case, geometry};
use crate::catalogue;
use crate::classic::{File, Values, Variable};
use crate::instant::{Instant, days_from_civil};
use crate::policy::FieldRule;
use knarr_field::{Attribute, Attributes, Calendar, TimeUnits};
use knarr_io::{LayoutData, output_layout};

/// What stands for no value: the default of NetCDF for single precision.
pub const FILL: f32 = 9.969_21e36;
/// Coordinates have this many decimals, about a millimetre; the rest of a double could carry anything.
const COORDINATE_DECIMALS: i32 = 8;

/// A file of the release.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// Path in the package, such as `data/air_temperature_2m/eccc-gdps-0.15_20260101T000000Z_20260101T120000Z.nc`.
    pub path: String,
    /// Id of the field.
    pub field: String,
    /// Id of the grid.
    pub grid: String,
    /// First and last time, where they are moments.
    pub times: Option<[Instant; 2]>,
    /// West, south, east, north of the centers of its cells, in hundredths of a degree.
    pub extent: [i64; 4],
    /// The model behind the bytes.
    pub file: File,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Names of the file's attributes that the gate writes.
pub const OWN_ATTRIBUTES: [&str; 12] = [
    "Conventions",
    "title",
    "summary",
    "institution",
    "source",
    "references",
    "license",
    "acknowledgement",
    "date_created",
    "id",
    "naming_authority",
    "processing_level",
];

/// `value` with so many decimals.
pub fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

/// Rebuilds one field; a code if it cannot be.
pub(super) fn rebuild(case: &Case<'_>, field: &Field) -> Result<Payload, &'static str> {
    let request = &case.statement.files[field.request];
    let facts = case.catalogue.field(&request.field).map_err(|_| "unknown_field")?;
    let rule = case.policy.field(&request.field).ok_or("field_not_in_policy")?;
    let inside = geometry::inside(&field.grid.grid, &case.policy.region).ok_or("no_corners")?;

    let mut file = File { attributes: global_attributes(case), ..File::default() };
    let mut dims = Vec::new();
    let mut scalars = Vec::new();
    for axis in &field.axes {
        let name = add_axis(&mut file, axis, rule)?;
        if axis.is_dimension { dims.push(name) } else { scalars.push(file.variables[name].name.clone()) }
    }
    let dims: Vec<usize> = dims.into_iter().map(|at| file.variables[at].dims[0]).collect();
    let mut layout = output_layout(&field.grid.grid);
    let horizontal = field.grid.grid.shape.len();
    let first = file.dims.len();
    for (name, len) in &layout.dims {
        // Bounds of a time axis and of the grid may share their dimension of two.
        if !file.dims.contains(&(name.clone(), *len)) {
            file.dims.push((name.clone(), *len));
        }
    }
    let dim_of = |file: &File, name: &str| file.dims.iter().position(|(n, _)| n == name).ok_or("dimension_lost");
    for variable in layout.variables.drain(..) {
        let dims = variable.dims.iter().map(|d| dim_of(&file, d)).collect::<Result<_, _>>()?;
        let values = match variable.data {
            LayoutData::None => Values::Int(vec![0]),
            LayoutData::I32(v) => Values::Int(v),
            LayoutData::F64(v) => Values::Double(v.into_iter().map(|x| rounded(x, COORDINATE_DECIMALS)).collect()),
        };
        file.variables.push(Variable { name: variable.name, dims, attributes: written(&variable.attributes), values });
    }
    let cells = inside.len();
    let values = field
        .values
        .iter()
        .zip(&field.valid)
        .enumerate()
        .map(|(at, (&value, &valid))| {
            let kept = valid && inside[at % cells] && field.grid.grid.mask.is_active(at % cells);
            if kept { rounded(value, rule.decimals) as f32 } else { FILL }
        })
        .collect();
    let dims = dims.into_iter().chain((0..horizontal).map(|k| first + k)).collect();
    let coordinates: Vec<String> = scalars.into_iter().chain(layout.coordinates).collect();
    let mut attributes = vec![
        ("long_name".to_owned(), Values::Text(facts.name.clone())),
        ("units".to_owned(), Values::Text(facts.cf.units.clone())),
        ("cell_methods".to_owned(), Values::Text(facts.cell_methods.clone())),
        ("_FillValue".to_owned(), Values::Float(vec![FILL])),
    ];
    if let Some(name) = &facts.cf.standard_name {
        attributes.insert(0, ("standard_name".to_owned(), Values::Text(name.clone())));
    }
    if !coordinates.is_empty() {
        attributes.push(("coordinates".to_owned(), Values::Text(coordinates.join(" "))));
    }
    if let Some(mapping) = layout.grid_mapping {
        attributes.push(("grid_mapping".to_owned(), Values::Text(mapping)));
    }
    attributes.extend(written(&layout.data_attributes));
    file.variables.push(Variable { name: facts.id.clone(), dims, attributes, values: Values::Float(values) });

    let times = field.axes.iter().find_map(times);
    let span = match times {
        Some([start, end]) => format!("{}_{}", start.compact(), end.compact()),
        None => "static".to_owned(),
    };
    let bytes = file.to_bytes().ok_or("too_large_for_format")?;
    let path = format!("data/{}/{}_{span}.nc", facts.id, request.grid);
    let extent = extent(&field.grid.grid, &inside);
    Ok(Payload { path, field: facts.id.clone(), grid: request.grid.clone(), times, extent, file, bytes })
}

fn extent(grid: &knarr_grid::Grid, inside: &[bool]) -> [i64; 4] {
    let mut extent = [i64::MAX, i64::MAX, i64::MIN, i64::MIN];
    for (cell, _) in inside.iter().enumerate().filter(|(_, inside)| **inside) {
        let center = grid.center(cell);
        let lon = ((center.lon_deg + 180.0).rem_euclid(360.0) - 180.0) * 100.0;
        let lat = center.lat_deg * 100.0;
        extent[0] = extent[0].min(lon.floor() as i64);
        extent[1] = extent[1].min(lat.floor() as i64);
        extent[2] = extent[2].max(lon.ceil() as i64);
        extent[3] = extent[3].max(lat.ceil() as i64);
    }
    extent
}

fn global_attributes(case: &Case<'_>) -> Vec<(String, Values)> {
    let (policy, statement) = (&case.policy, &case.statement);
    let origin = &statement.origin;
    let licence = policy.licence(&origin.licence);
    let sentence = licence.map_or("", |l| &l.attribution);
    let note = if origin.modified { " Modified by the sender." } else { "" };
    let own = [
        ("Conventions", "CF-1.11".to_owned()),
        ("title", statement.title.clone()),
        ("summary", statement.summary.clone()),
        ("institution", policy.producer.organisation.clone()),
        ("source", format!("{}, run of {}", origin.product, origin.run)),
        ("references", policy.producer.url.clone()),
        ("license", licence.map_or(String::new(), |l| format!("{} {}", l.id, l.url))),
        ("acknowledgement", format!("{sentence}{note}")),
        ("date_created", statement.prepared.to_string()),
        ("id", statement.release_id.clone()),
        ("naming_authority", policy.producer.centre_id.clone()),
        ("processing_level", "rebuilt by a release gate".to_owned()),
    ];
    let mut attributes: Vec<(String, Values)> = own.into_iter().map(|(n, v)| (n.to_owned(), Values::Text(v))).collect();
    if let Ok(content) = &case.content {
        let listed = content.global.iter().filter(|(name, _)| !OWN_ATTRIBUTES.contains(name) && case.is_listed(name));
        attributes.extend(listed.filter_map(|(name, value)| Some((name.to_owned(), Values::Text(value.text()?.to_owned())))));
    }
    attributes
}

/// Adds an axis with bounds; returns the place of its variable.
fn add_axis(file: &mut File, axis: &Axis, rule: &FieldRule) -> Result<usize, &'static str> {
    let (name, attributes) = match &axis.kind {
        AxisKind::Time(units) => {
            ("time", [time_attributes("time", units), vec![("axis".to_owned(), Values::Text("T".into()))]].concat())
        }
        AxisKind::Issue(units) => ("forecast_reference_time", time_attributes("forecast_reference_time", units)),
        AxisKind::Member => (
            "realization",
            vec![
                ("standard_name".to_owned(), Values::Text("realization".into())),
                ("units".to_owned(), Values::Text("1".into())),
            ],
        ),
        AxisKind::Level => {
            let kept = ["standard_name", "units", "positive"];
            let kept = kept.iter().filter_map(|&n| Some((n.to_owned(), Values::Text(axis.attributes.text(n)?.to_owned()))));
            ("level", kept.chain([("axis".to_owned(), Values::Text("Z".into()))]).collect())
        }
    };
    if file.variables.iter().any(|v| v.name == name) {
        return Err("two_axes_of_a_kind");
    }
    let exact = |value: f64| exact_value(axis, value, rule);
    let values: Vec<f64> = axis.values.iter().map(|&v| exact(v)).collect();
    let mut attributes = attributes;
    let dims = if axis.is_dimension {
        file.dims.push((name.to_owned(), values.len()));
        vec![file.dims.len() - 1]
    } else {
        Vec::new()
    };
    if let Some(bounds) = &axis.bounds {
        let pair = match file.dims.iter().position(|d| *d == ("bnds".to_owned(), 2)) {
            Some(at) => at,
            None => {
                file.dims.push(("bnds".to_owned(), 2));
                file.dims.len() - 1
            }
        };
        let bounds_name = format!("{name}_bnds");
        attributes.push(("bounds".to_owned(), Values::Text(bounds_name.clone())));
        let bounds_dims = dims.iter().copied().chain([pair]).collect();
        let values = match &axis.kind {
            AxisKind::Time(_) | AxisKind::Issue(_) => bounds.iter().map(|&b| exact(b)).collect(),
            _ => bounds.iter().map(|&b| rounded(b, 3)).collect(),
        };
        file.variables.push(Variable {
            name: bounds_name,
            dims: bounds_dims,
            attributes: Vec::new(),
            values: Values::Double(values),
        });
    }
    file.variables.push(Variable { name: name.to_owned(), dims, attributes, values: Values::Double(values) });
    Ok(file.variables.len() - 1)
}

fn time_attributes(standard_name: &str, units: &TimeUnits) -> Vec<(String, Values)> {
    let list = [("standard_name", standard_name), ("units", units.text()), ("calendar", units.calendar().name())];
    list.map(|(name, text)| (name.to_owned(), Values::Text(text.to_owned()))).to_vec()
}

/// The listed value that is meant, or the whole second: what a double holds beyond that could carry anything.
fn exact_value(axis: &Axis, value: f64, rule: &FieldRule) -> f64 {
    match &axis.kind {
        AxisKind::Time(units) | AxisKind::Issue(units) => match step_seconds(units) {
            Some(step) => (value * step).round() / step,
            None => value,
        },
        AxisKind::Member => value.round(),
        AxisKind::Level => rule.levels.iter().copied().find(|l| same_level(*l, value)).unwrap_or(value),
    }
}

/// Whether a level of the file is one of the policy: single precision may stand between them.
pub(super) fn same_level(listed: f64, found: f64) -> bool {
    (listed - found).abs() <= 1e-6 * listed.abs().max(1e-3)
}

/// Seconds of a unit of time, for the units the gate lets through.
pub(super) fn step_seconds(units: &TimeUnits) -> Option<f64> {
    match units.text().split(' ').next()? {
        "seconds" => Some(1.0),
        "minutes" => Some(60.0),
        "hours" => Some(3600.0),
        "days" => Some(86_400.0),
        _ => None,
    }
}

/// First and last moment of a time axis in a calendar that moments have.
pub(super) fn times(axis: &Axis) -> Option<[Instant; 2]> {
    let AxisKind::Time(units) = &axis.kind else { return None };
    if !matches!(units.calendar(), Calendar::Standard | Calendar::ProlepticGregorian) {
        return None;
    }
    let all: Vec<Instant> = axis.bounds.as_ref().unwrap_or(&axis.values).iter().filter_map(|&v| moment(units, v)).collect();
    Some([*all.iter().min()?, *all.iter().max()?])
}

/// A time as a moment, to the second.
pub(super) fn moment(units: &TimeUnits, value: f64) -> Option<Instant> {
    let found = units.date_time(value).ok()?;
    let days = days_from_civil(found.date.year, found.date.month, found.date.day);
    Some(Instant(days * 86_400 + (found.microseconds / 1_000_000) as i64))
}

fn written(attributes: &Attributes) -> Vec<(String, Values)> {
    let value = |value: &Attribute| match value {
        Attribute::Text(text) => Values::Text(text.clone()),
        Attribute::Strings(strings) => Values::Text(strings.join(" ")),
        Attribute::Numbers(numbers, kind) if kind.is_float() => Values::Double(numbers.clone()),
        Attribute::Numbers(numbers, _) => Values::Int(numbers.iter().map(|&n| n as i32).collect()),
    };
    attributes.iter().map(|(name, v)| (name.to_owned(), value(v))).collect()
}

/// The catalogue's row of a request.
pub(super) fn facts<'a>(case: &Case<'a>, field: &Field) -> Option<&'a catalogue::Field> {
    case.catalogue.field(&case.statement.files[field.request].field).ok()
}
