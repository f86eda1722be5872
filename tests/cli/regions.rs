//! `knarr regions`: tables, and what is said where they cannot be made.

use crate::files;
use crate::run::{Folder, check_snapshot};

const BOXES: &str = r#"{"type": "FeatureCollection", "features": [
{"type": "Feature", "properties": {"name": "Bow River, upper", "zone": "A"}, "geometry":
  {"type": "Polygon", "coordinates": [[[-117, 51], [-114, 51], [-114, 53], [-117, 53], [-117, 51]]]}},
{"type": "Feature", "properties": {"name": "Fiji", "zone": "B"}, "geometry":
  {"type": "Polygon", "coordinates": [[[177, -19], [-179, -19], [-179, -16], [177, -16], [177, -19]]]}}]}"#;

fn with_boxes() -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.path("zones.geojson"), BOXES).expect("polygons");
    files::lat_lon(&folder.path("t.nc"), |k| 250.0 + k as f32, None);
    folder
}

#[test]
fn a_table_of_regions_is_made() {
    let folder = with_boxes();
    let arguments = "regions t.nc --polygons zones.geojson -o t.csv --statistics mean,sum,p50,area,valid,count";
    let ran = folder.knarr(arguments);
    check_snapshot("regions", arguments, &ran);
    let table = std::fs::read_to_string(folder.path("t.csv")).expect("the table");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "region,variable,units,mean,sum,p50,area_m2,valid,count");
    assert!(lines[1].starts_with("\"Bow River, upper\",t,K,306,"), "{}", lines[1]);
    assert_eq!(lines.len(), 3);
    assert_eq!(folder.knarr("regions t.nc --polygons zones.geojson:zone -o w.csv --layout wide --statistics mean").code, Some(0));
    let wide = std::fs::read_to_string(folder.path("w.csv")).expect("the table");
    assert_eq!(wide.lines().next(), Some("variable,units,A mean,B mean"));
}

#[test]
fn a_region_that_no_cell_reaches_is_named() {
    let folder = with_boxes().with_dataset("ukmo_mslp_rotated_pole.nc");
    let arguments = "regions ukmo_mslp_rotated_pole.nc --polygons zones.geojson -o out.csv --statistics mean,count";
    check_snapshot("regions_unreached", arguments, &folder.knarr(arguments));
}

#[test]
fn bad_polygons_are_refused() {
    let folder = with_boxes();
    folder.fails("regions t.nc --polygons zone.geojson -o t.csv", "regions_no_file");
    folder.fails("regions t.nc --polygons zones.geojson:basin -o t.csv", "regions_no_property");
    folder.fails("regions t.nc --polygons t.nc -o t.csv", "regions_not_polygons");
    folder.fails("regions t.nc --polygons zones.geojson -o t.txt", "regions_bad_output");
    files::points(&folder.path("buoys.nc"));
    folder.fails("regions buoys.nc --polygons zones.geojson -o t.csv", "regions_no_corners");
}
