//! Longitudes and latitudes of a variable: which variables hold them, and their bounds.

use super::context::{Context, degrees_or_nan};
use crate::IoError;
use crate::dataset::listed_names;
use crate::nc::Variable;

/// What a coordinate measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Longitude,
    Latitude,
    /// x of a projection, or longitude about a rotated pole.
    PlaneX,
    /// y of a projection, or latitude about a rotated pole.
    PlaneY,
}

/// A longitude and a latitude variable that belong together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a> {
    pub lon: &'a Variable,
    pub lat: &'a Variable,
    /// How they were found, in words.
    pub how: &'static str,
}

/// What a variable measures, by `standard_name`, then units, then name.
pub(crate) fn quantity(variable: &Variable) -> Option<Quantity> {
    variable.value_type.number()?;
    let attributes = &variable.attributes;
    match attributes.text("standard_name").map(str::trim) {
        Some("longitude" | "nav_lon") => return Some(Quantity::Longitude),
        Some("latitude" | "nav_lat") => return Some(Quantity::Latitude),
        Some("grid_longitude" | "projection_x_coordinate") => return Some(Quantity::PlaneX),
        Some("grid_latitude" | "projection_y_coordinate") => return Some(Quantity::PlaneY),
        Some(_) => return None,
        None => {}
    }
    let units = attributes.text("units").unwrap_or_default().trim().to_lowercase().replace([' ', '-'], "_");
    match units.as_str() {
        "degrees_east" | "degree_east" | "degrees_e" | "degree_e" | "degreese" | "degreee" | "radians_east" => {
            return Some(Quantity::Longitude);
        }
        "degrees_north" | "degree_north" | "degrees_n" | "degree_n" | "degreesn" | "degreen" | "radians_north" => {
            return Some(Quantity::Latitude);
        }
        _ => {}
    }
    let angle = matches!(units.as_str(), "" | "degrees" | "degree" | "deg" | "rad" | "radian" | "radians");
    let name = variable.name.rsplit('/').next().unwrap_or(&variable.name).to_lowercase();
    match name.as_str() {
        "lon" | "lons" | "longitude" | "longitudes" | "nav_lon" | "clon" | "glon" | "xlong" | "long" | "loncell" if angle => {
            Some(Quantity::Longitude)
        }
        "lat" | "lats" | "latitude" | "latitudes" | "nav_lat" | "clat" | "glat" | "xlat" | "latcell" if angle => {
            Some(Quantity::Latitude)
        }
        "rlon" if angle => Some(Quantity::PlaneX),
        "rlat" if angle => Some(Quantity::PlaneY),
        _ => None,
    }
}

/// Longitude and latitude of a variable: named by its `coordinates`, else its dimensions' own coordinates, else any in
/// the file that fit its dimensions.
pub(crate) fn find_pair<'a>(context: &Context<'a>) -> Option<Pair<'a>> {
    let named: Vec<&Variable> = context
        .attributes
        .text("coordinates")
        .map(|text| listed_names(text).filter_map(|name| context.find(name)).collect())
        .unwrap_or_default();
    let own: Vec<&Variable> =
        context.dims.iter().filter_map(|d| context.file.find(&d.name)).filter(|v| v.dims.len() == 1).collect();
    let all: Vec<&Variable> = context.file.variables().iter().collect();
    // A name in `coordinates` and an axis may make a pair: `coordinates = "lat"` beside the dimension `lon`.
    let named_and_own: Vec<&Variable> = named.iter().chain(&own).copied().collect();
    [
        (named, "its `coordinates` attribute"),
        (own, "the coordinates of its dimensions"),
        (named_and_own, "its `coordinates` attribute and dimensions"),
        (all, "coordinates of the file that have its dimensions"),
    ]
    .into_iter()
    .find_map(|(candidates, how)| pair_among(context, &candidates, how))
}

fn pair_among<'a>(context: &Context<'a>, candidates: &[&'a Variable], how: &'static str) -> Option<Pair<'a>> {
    let of = |wanted: Quantity| {
        candidates.iter().copied().filter(move |v| quantity(v) == Some(wanted) && context.covers(v) && v.name != context.name)
    };
    for lon in of(Quantity::Longitude) {
        let same = of(Quantity::Latitude).find(|lat| lat.dims == lon.dims);
        let crossed = of(Quantity::Latitude).find(|lat| lat.dims.len() == 1 && lon.dims.len() == 1);
        if let Some(lat) = same.or(crossed) {
            return Some(Pair { lon, lat, how });
        }
    }
    None
}

/// The one-dimensional variable of the dimensions of `context` that measures `wanted`; `axis` is its CF axis letter.
pub(crate) fn find_axis<'a>(context: &Context<'a>, wanted: Quantity, axis: &str) -> Option<&'a Variable> {
    let own = || context.dims.iter().filter_map(|d| context.file.find(&d.name)).filter(|v| v.dims.len() == 1);
    own()
        .find(|v| quantity(v) == Some(wanted))
        .or_else(|| own().find(|v| v.attributes.text("axis") == Some(axis) && quantity(v).is_none()))
        .or_else(|| {
            let mut any = context.file.variables().iter();
            any.find(|v| v.dims.len() == 1 && context.covers(v) && quantity(v) == Some(wanted))
        })
}

/// Bounds of a coordinate, `width` values for each of its own.
pub(crate) struct Bounds<'a> {
    pub variable: &'a Variable,
    /// Has the units where the bounds have none.
    pub coordinate: &'a Variable,
    pub width: usize,
}

impl Bounds<'_> {
    /// Their values, in degrees where the coordinate is an angle.
    pub fn values(&self, context: &Context<'_>) -> Result<Vec<f64>, IoError> {
        degrees_or_nan(context.file, self.variable, Some(self.coordinate))
    }
}

/// Bounds named by a coordinate; a note instead where they are absent or of another shape.
pub(crate) fn bounds_of<'a>(context: &Context<'a>, coordinate: &'a Variable, notes: &mut Vec<String>) -> Option<Bounds<'a>> {
    let named = ["bounds", "corners"].iter().find_map(|name| coordinate.attributes.text(name));
    let found = match named {
        Some(name) => {
            let found = context.file.find_from(&coordinate.name, name.trim());
            if found.is_none() {
                notes.push(format!("`{}` names bounds `{name}` that are not in the file", coordinate.name));
            }
            found
        }
        None => conventional_bounds(context, coordinate),
    };
    let variable = found?;
    let fits = variable.dims.len() == coordinate.dims.len() + 1 && variable.dims.starts_with(&coordinate.dims);
    if !fits {
        notes.push(format!(
            "bounds `{}` of `{}` have dimensions {} and are left out",
            variable.name,
            coordinate.name,
            variable.dims_in_words()
        ));
        return None;
    }
    let width = variable.dims.last().map_or(0, |d| d.len);
    Some(Bounds { variable, coordinate, width })
}

/// ICON writes `clon_vertices` beside `clon`; others keep `lon_bnds` without naming it.
fn conventional_bounds<'a>(context: &Context<'a>, coordinate: &Variable) -> Option<&'a Variable> {
    ["_vertices", "_bnds", "_bounds"]
        .iter()
        .find_map(|suffix| context.file.find(&format!("{}{suffix}", coordinate.name)))
        .filter(|v| v.dims.len() == coordinate.dims.len() + 1 && v.dims.starts_with(&coordinate.dims))
}

/// A note where a coordinate declares a valid range that some of its values lie outside.
pub(crate) fn note_valid_range(variable: &Variable, values: impl ExactSizeIterator<Item = f64>, notes: &mut Vec<String>) {
    let range = variable.attributes.numbers("valid_range");
    let low = variable.attributes.number("valid_min").or_else(|| range.and_then(|r| r.first().copied()));
    let high = variable.attributes.number("valid_max").or_else(|| range.and_then(|r| r.get(1).copied()));
    let count = values.len();
    let outside = values.filter(|&v| low.is_some_and(|l| v < l) || high.is_some_and(|h| v > h)).count();
    if outside > 0 {
        notes.push(format!(
            "{outside} of {count} values of `{}` lie outside its valid range, which is not applied to coordinates",
            variable.name
        ));
    }
}
