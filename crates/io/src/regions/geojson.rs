//! GeoJSON (RFC 7946): positions are longitude, latitude in degrees.

use super::{Shape, malformed, properties_of};
use crate::IoError;
use geojson::{Feature, GeoJson, Geometry, GeometryValue, Position};
use knarr_grid::LonLat;
use knarr_regrid::regions::RegionPolygon;
use std::path::Path;

pub(super) fn read(path: &Path, json: serde_json::Value) -> Result<Vec<Shape>, IoError> {
    let crs = json["crs"]["properties"]["name"].as_str().unwrap_or_default().to_owned();
    // Before RFC 7946 a file could name another system.
    if !crs.is_empty() && !["CRS84", "4326", "4269", "CRS83"].iter().any(|known| crs.contains(known)) {
        return Err(malformed(path, format!("found the coordinate system `{crs}`, expected longitude and latitude (CRS84)")));
    }
    let parsed = serde_json::from_value::<GeoJson>(json).map_err(|e| malformed(path, format!("found no GeoJSON: {e}")))?;
    Ok(match parsed {
        GeoJson::Geometry(geometry) => vec![shape(Feature { geometry: Some(geometry), ..Feature::default() })],
        GeoJson::Feature(feature) => vec![shape(feature)],
        GeoJson::FeatureCollection(collection) => collection.features.into_iter().map(shape).collect(),
    })
}

fn shape(feature: Feature) -> Shape {
    let mut polygons = Vec::new();
    let mut other = None;
    match &feature.geometry {
        Some(geometry) => collect(geometry, &mut polygons, &mut other),
        None => other = Some("no geometry".to_owned()),
    }
    let id = feature.id.as_ref().map(|id| match id {
        geojson::feature::Id::String(text) => text.clone(),
        geojson::feature::Id::Number(number) => number.to_string(),
    });
    Shape { properties: properties_of(feature.properties.as_ref()), id, polygons, other }
}

fn collect(geometry: &Geometry, polygons: &mut Vec<RegionPolygon>, other: &mut Option<String>) {
    match &geometry.value {
        GeometryValue::Polygon { coordinates } => polygons.extend(polygon(coordinates)),
        GeometryValue::MultiPolygon { coordinates } => polygons.extend(coordinates.iter().filter_map(|c| polygon(c))),
        GeometryValue::GeometryCollection { geometries } => geometries.iter().for_each(|g| collect(g, polygons, other)),
        value => *other = Some(value.type_name().to_owned()),
    }
}

fn polygon(rings: &[Vec<Position>]) -> Option<RegionPolygon> {
    let ring = |positions: &Vec<Position>| -> Vec<LonLat> {
        let place = |p: &Position| {
            let at = |i: usize| p.as_slice().get(i).copied().unwrap_or(f64::NAN);
            LonLat { lon_deg: at(0), lat_deg: at(1) }
        };
        positions.iter().map(place).collect()
    };
    let (outer, holes) = rings.split_first()?;
    Some(RegionPolygon { outer: ring(outer), holes: holes.iter().map(ring).collect() })
}
