//! TopoJSON: shapes made of shared arcs, which are stored as quantised steps where a transform says so.

use super::{Shape, as_text, malformed, properties_of};
use crate::IoError;
use knarr_grid::LonLat;
use knarr_regrid::regions::RegionPolygon;
use serde_json::Value;
use std::path::Path;

/// Shapes of the object with most of them.
pub(super) fn read(path: &Path, json: &Value, remarks: &mut Vec<String>) -> Result<Vec<Shape>, IoError> {
    let arcs = arcs(json).ok_or_else(|| malformed(path, "found arcs that are not lists of positions".to_owned()))?;
    let objects = json["objects"].as_object().ok_or_else(|| malformed(path, "found no `objects`".to_owned()))?;
    let members = |object: &Value| object["geometries"].as_array().map_or(1, Vec::len);
    // The first of equals, so that the order of the file decides.
    let Some((name, object)) = objects.iter().rev().max_by_key(|(_, object)| members(object)) else {
        return Err(malformed(path, "found no object, expected at least one".to_owned()));
    };
    if objects.len() > 1 {
        let all: Vec<&str> = objects.keys().map(String::as_str).collect();
        remarks.push(format!("took the object `{name}` of {}", all.join(", ")));
    }
    let geometries: Vec<&Value> = match object["geometries"].as_array() {
        Some(list) => list.iter().collect(),
        None => vec![object],
    };
    let single = geometries.len() == 1;
    geometries
        .into_iter()
        .map(|geometry| {
            let mut shape = Shape {
                properties: properties_of(geometry["properties"].as_object()),
                id: Some(as_text(&geometry["id"])).filter(|id| !id.is_empty()).or(single.then(|| name.clone())),
                polygons: Vec::new(),
                other: None,
            };
            collect(geometry, &arcs, &mut shape)
                .ok_or_else(|| malformed(path, format!("object `{name}`: found arcs that are not in the file")))?;
            Ok(shape)
        })
        .collect()
}

/// All arcs in degrees.
fn arcs(json: &Value) -> Option<Vec<Vec<LonLat>>> {
    let pair = |value: &Value| Some([value[0].as_f64()?, value[1].as_f64()?]);
    let transform = &json["transform"];
    let (scale, translate) = (pair(&transform["scale"]), pair(&transform["translate"]));
    let arc = |arc: &Value| {
        let mut sum = [0.0; 2];
        let position = |value: &Value| {
            let stored = pair(value)?;
            let [lon_deg, lat_deg] = match (scale, translate) {
                (Some(scale), Some(translate)) => {
                    sum = [sum[0] + stored[0], sum[1] + stored[1]];
                    [sum[0] * scale[0] + translate[0], sum[1] * scale[1] + translate[1]]
                }
                _ => stored,
            };
            Some(LonLat { lon_deg, lat_deg: within_poles(lat_deg) })
        };
        arc.as_array()?.iter().map(position).collect::<Option<Vec<LonLat>>>()
    };
    json["arcs"].as_array()?.iter().map(arc).collect()
}

/// Quantised steps reach a pole but for their rounding.
fn within_poles(lat_deg: f64) -> f64 {
    if (90.0..90.0 + 1e-6).contains(&lat_deg.abs()) { lat_deg.clamp(-90.0, 90.0) } else { lat_deg }
}

/// TopoJSON is read on the sphere: 180 and -180 are one place, and a ring that goes once around contains a pole, along
/// which it is closed here. Longitudes become continuous.
fn on_sphere(mut ring: Vec<LonLat>) -> Vec<LonLat> {
    let step = |from: f64, to: f64| to - from - 360.0 * ((to - from) / 360.0).round();
    let Some(first) = ring.first().copied() else { return ring };
    let (mut stored, mut lon) = (first.lon_deg, first.lon_deg);
    for place in &mut ring {
        lon += step(stored, place.lon_deg);
        stored = place.lon_deg;
        place.lon_deg = lon;
    }
    let end = lon + step(stored, first.lon_deg);
    if (end - first.lon_deg).abs() > 180.0 {
        let mean = ring.iter().map(|p| p.lat_deg).sum::<f64>() / ring.len() as f64;
        let pole = 90.0f64.copysign(mean);
        ring.extend(
            [(end, first.lat_deg), (end, pole), (first.lon_deg, pole)].map(|(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg }),
        );
    }
    ring
}

fn collect(geometry: &Value, arcs: &[Vec<LonLat>], shape: &mut Shape) -> Option<()> {
    let lists = || geometry["arcs"].as_array();
    match geometry["type"].as_str().unwrap_or_default() {
        "Polygon" => shape.polygons.extend(polygon(lists()?, arcs)?),
        "MultiPolygon" => {
            for part in lists()? {
                shape.polygons.extend(polygon(part.as_array()?, arcs)?);
            }
        }
        "GeometryCollection" => {
            for part in geometry["geometries"].as_array()? {
                collect(part, arcs, shape)?;
            }
        }
        other => shape.other = Some(if other.is_empty() { "no geometry".to_owned() } else { other.to_owned() }),
    }
    Some(())
}

fn polygon(rings: &[Value], arcs: &[Vec<LonLat>]) -> Option<Option<RegionPolygon>> {
    let ring = |indices: &Value| {
        let mut positions: Vec<LonLat> = Vec::new();
        for index in indices.as_array()? {
            // Complement of the index: the arc backwards. Neighbouring arcs share their ends.
            let index = index.as_i64()?;
            let arc = arcs.get(usize::try_from(if index < 0 { !index } else { index }).ok()?)?;
            let shared = usize::from(!positions.is_empty());
            if index < 0 { positions.extend(arc.iter().rev().skip(shared)) } else { positions.extend(arc.iter().skip(shared)) }
        }
        Some(on_sphere(positions))
    };
    let rings: Vec<Vec<LonLat>> = rings.iter().map(ring).collect::<Option<_>>()?;
    let mut rings = rings.into_iter();
    Some(rings.next().map(|outer| RegionPolygon { outer, holes: rings.collect() }))
}
