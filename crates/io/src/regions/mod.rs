//! Polygons from files, and fields summed up in them.

mod csv;
mod geojson;
mod netcdf;
mod series;
mod shapefile;
mod topojson;

pub use csv::CsvLayout;
pub use series::{NamedStatistic, ReachedRegion, RegionReport, RegionSeries, RegionsRequest, TableFormat, regions_file};

use crate::IoError;
use knarr_grid::LonLat;
use knarr_regrid::regions::{Region, RegionPolygon};
use std::path::Path;

/// Properties that name a region where none is asked for, in the order of preference; compared without case.
const NAME_PROPERTIES: [&str; 8] = ["name", "name_en", "name_long", "admin", "basin", "label", "title", "id"];

/// Regions of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionsFile {
    /// The regions, in the order of the file.
    pub regions: Vec<Region>,
    /// Where the names come from, and what was left out.
    pub remarks: Vec<String>,
}

/// A shape of a file, with what the file says about it.
struct Shape {
    /// Properties as texts, in the order of the file.
    properties: Vec<(String, String)>,
    id: Option<String>,
    polygons: Vec<RegionPolygon>,
    /// What it is, if it is no polygon.
    other: Option<String>,
}

/// Reads polygons of a GeoJSON, TopoJSON or ESRI shapefile.
///
/// `name_property` names the regions; without, the first of the usual ones that is there, else the shape's id, else
/// its number. Shapes of the same name are one region, so that a property such as a continent joins countries.
/// Positions are longitude and latitude in degrees.
///
/// # Errors
/// [`IoError::NotFound`], [`IoError::System`]; [`IoError::Malformed`] for what is no such file, has no polygon, lacks
/// the property, or has positions that are no longitudes and latitudes.
pub fn read_regions(path: &Path, name_property: Option<&str>) -> Result<RegionsFile, IoError> {
    if !path.exists() {
        return Err(IoError::NotFound { path: path.to_owned() });
    }
    let mut remarks = Vec::new();
    let is_shapefile = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("shp"));
    let shapes = if is_shapefile {
        shapefile::read(path)?
    } else {
        let bytes = std::fs::read(path).map_err(|source| IoError::System { path: path.to_owned(), action: "read", source })?;
        let json: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|e| malformed(path, format!("found no JSON ({e}), expected GeoJSON, TopoJSON or a shapefile (.shp)")))?;
        if json["type"] == "Topology" { topojson::read(path, &json, &mut remarks)? } else { geojson::read(path, json)? }
    };
    let others: Vec<&str> = shapes.iter().filter(|s| s.polygons.is_empty()).filter_map(|s| s.other.as_deref()).collect();
    if let Some(first) = others.first() {
        remarks.push(format!("{} of {} shapes are no polygons ({first}) and left out", others.len(), shapes.len()));
    }
    let shapes: Vec<Shape> = shapes.into_iter().filter(|s| !s.polygons.is_empty()).collect();
    if shapes.is_empty() {
        return Err(malformed(path, "found no polygon, expected at least one".to_owned()));
    }
    check_positions(path, &shapes)?;
    let names = names(path, &shapes, name_property, &mut remarks)?;
    let mut regions: Vec<Region> = Vec::new();
    for (shape, name) in shapes.into_iter().zip(names) {
        match regions.iter_mut().find(|r| r.name == name) {
            Some(region) => region.polygons.extend(shape.polygons),
            None => regions.push(Region { name, polygons: shape.polygons }),
        }
    }
    Ok(RegionsFile { regions, remarks })
}

fn names(path: &Path, shapes: &[Shape], wanted: Option<&str>, remarks: &mut Vec<String>) -> Result<Vec<String>, IoError> {
    let value = |shape: &Shape, property: &str| {
        let found = shape.properties.iter().find(|(name, _)| name == property);
        found.map(|(_, text)| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let numbered = |(k, shape): (usize, &Shape)| shape.id.clone().unwrap_or_else(|| format!("region {}", k + 1));
    if let Some(wanted) = wanted {
        let all: Vec<&str> = shapes[0].properties.iter().map(|(name, _)| name.as_str()).collect();
        if !shapes.iter().any(|s| s.properties.iter().any(|(name, _)| name == wanted)) {
            let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            return Err(malformed(path, format!("no shape has the property `{wanted}`, found {all}")));
        }
        return Ok(shapes.iter().enumerate().map(|(k, s)| value(s, wanted).unwrap_or_else(|| numbered((k, s)))).collect());
    }
    let all_have = |name: &str| shapes.iter().all(|s| value(s, name).is_some());
    let usual = NAME_PROPERTIES.iter().find_map(|usual| {
        shapes[0].properties.iter().map(|(name, _)| name).find(|name| name.eq_ignore_ascii_case(usual) && all_have(name))
    });
    match usual {
        Some(property) => {
            remarks.push(format!("regions are named by the property `{property}`"));
            Ok(shapes.iter().map(|s| value(s, property).expect("all shapes have it")).collect())
        }
        None => Ok(shapes.iter().enumerate().map(numbered).collect()),
    }
}

/// Refuses projected coordinates and what is no number.
fn check_positions(path: &Path, shapes: &[Shape]) -> Result<(), IoError> {
    let rings = shapes.iter().flat_map(|s| &s.polygons).flat_map(|p| std::iter::once(&p.outer).chain(&p.holes));
    for LonLat { lon_deg, lat_deg } in rings.flatten() {
        if !(lon_deg.abs() <= 540.0 && lat_deg.abs() <= 90.0 + 1e-9) {
            let problem = format!(
                "found the position {lon_deg}, {lat_deg}, expected longitude and latitude in degrees: convert it to EPSG:4326 first"
            );
            return Err(malformed(path, problem));
        }
    }
    Ok(())
}

fn malformed(path: &Path, problem: String) -> IoError {
    IoError::Malformed { path: path.to_owned(), what: "regions", problem }
}

/// A property's value as a name.
fn as_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn properties_of(map: Option<&serde_json::Map<String, serde_json::Value>>) -> Vec<(String, String)> {
    map.into_iter().flatten().map(|(name, value)| (name.clone(), as_text(value))).collect()
}
