//! ESRI shapefiles: `.shp` with its table `.dbf` beside it, in longitude and latitude.

use super::{Shape, malformed};
use crate::IoError;
use knarr_grid::LonLat;
use knarr_regrid::regions::RegionPolygon;
use shapefile::dbase::FieldValue;
use shapefile::record::polygon::GenericPolygon;
use shapefile::{PolygonRing, Shape as Stored};
use std::path::Path;

pub(super) fn read(path: &Path) -> Result<Vec<Shape>, IoError> {
    refuse_projected(path)?;
    let fail = |e: shapefile::Error| malformed(path, format!("found no shapefile with a table: {e}"));
    // Without a table the shapes have no names, but they are there.
    if !path.with_extension("dbf").is_file() {
        let shapes = shapefile::read_shapes(path).map_err(fail)?;
        return Ok(shapes.into_iter().map(|stored| shape(stored, Vec::new())).collect());
    }
    let records = shapefile::read(path).map_err(fail)?;
    let with_properties = |(stored, record): (Stored, shapefile::dbase::Record)| {
        let mut properties: Vec<(String, String)> = record.into_iter().map(|(name, value)| (name, as_text(value))).collect();
        // The crate's records have no order of their own.
        properties.sort();
        shape(stored, properties)
    };
    Ok(records.into_iter().map(with_properties).collect())
}

/// A `.prj` file that says `PROJCS` means metres.
fn refuse_projected(path: &Path) -> Result<(), IoError> {
    match std::fs::read_to_string(path.with_extension("prj")) {
        Ok(text) if text.trim_start().starts_with("PROJC") => {
            let name = text.split('"').nth(1).unwrap_or("a projection").to_owned();
            Err(malformed(path, format!("found coordinates in `{name}`, expected longitude and latitude (EPSG:4326)")))
        }
        _ => Ok(()),
    }
}

fn shape(stored: Stored, properties: Vec<(String, String)>) -> Shape {
    let (polygons, other) = match &stored {
        Stored::Polygon(p) => (polygons(p, |p| (p.x, p.y)), None),
        Stored::PolygonM(p) => (polygons(p, |p| (p.x, p.y)), None),
        Stored::PolygonZ(p) => (polygons(p, |p| (p.x, p.y)), None),
        other => (Vec::new(), Some(other.shapetype().to_string())),
    };
    Shape { properties, id: None, polygons, other }
}

/// Rings in order: a hole belongs to the outline before it.
fn polygons<P>(stored: &GenericPolygon<P>, position: fn(&P) -> (f64, f64)) -> Vec<RegionPolygon>
where
    GenericPolygon<P>: Rings<P>,
{
    let mut polygons: Vec<RegionPolygon> = Vec::new();
    for ring in stored.all_rings() {
        let (points, is_outer) = match ring {
            PolygonRing::Outer(points) => (points, true),
            PolygonRing::Inner(points) => (points, false),
        };
        let places = points.iter().map(position).map(|(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg }).collect();
        match polygons.last_mut() {
            Some(last) if !is_outer => last.holes.push(places),
            None if !is_outer => polygons.push(RegionPolygon { outer: Vec::new(), holes: vec![places] }),
            _ => polygons.push(RegionPolygon { outer: places, holes: Vec::new() }),
        }
    }
    polygons
}

/// What the crate's polygons of every kind of point have in common.
trait Rings<P> {
    fn all_rings(&self) -> &[PolygonRing<P>];
}

macro_rules! rings {
    ($($point:ty),*) => {$(
        impl Rings<$point> for GenericPolygon<$point> {
            fn all_rings(&self) -> &[PolygonRing<$point>] {
                self.rings()
            }
        }
    )*};
}
rings!(shapefile::Point, shapefile::PointM, shapefile::PointZ);

fn as_text(value: FieldValue) -> String {
    match value {
        FieldValue::Character(text) => text.unwrap_or_default(),
        FieldValue::Numeric(number) => number.map(|n| n.to_string()).unwrap_or_default(),
        FieldValue::Float(number) => number.map(|n| n.to_string()).unwrap_or_default(),
        FieldValue::Integer(number) => number.to_string(),
        FieldValue::Double(number) | FieldValue::Currency(number) => number.to_string(),
        FieldValue::Memo(text) => text,
        FieldValue::Logical(flag) => flag.map(|f| f.to_string()).unwrap_or_default(),
        FieldValue::Date(date) => date.map(|d| format!("{:04}-{:02}-{:02}", d.year(), d.month(), d.day())).unwrap_or_default(),
        FieldValue::DateTime(_) => String::new(),
    }
}
