//! Polygons of every format, and the tables made with them.

use knarr_field::{Attributes, CellMethods};
use knarr_grid::LonLat;
use knarr_io::regions::{CsvLayout, NamedStatistic, RegionsRequest, TableFormat, read_regions, regions_file};
use knarr_io::{Dataset, NanPolicy};
use knarr_regrid::regions::{Region, RegionEdges};
use std::path::{Path, PathBuf};

fn datasets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets")
}

/// Area (sr) of rings whose edges are straight in longitude and latitude: ∮ sin φ dλ, exactly, edge by edge.
fn exact_area(region: &Region) -> f64 {
    let edge = |p: &LonLat, q: &LonLat| {
        let width = (q.lon_deg - p.lon_deg).to_radians();
        let (south, north) = (p.lat_deg.to_radians(), q.lat_deg.to_radians());
        // The mean of the sine over a line of latitudes; a short line's is that of its middle.
        let mean = if (north - south).abs() < 1e-6 {
            (0.5 * (south + north)).sin()
        } else {
            (south.cos() - north.cos()) / (north - south)
        };
        width * mean
    };
    let ring = |ring: &[LonLat]| (0..ring.len()).map(|k| edge(&ring[k], &ring[(k + 1) % ring.len()])).sum::<f64>().abs();
    region.polygons.iter().map(|p| ring(&p.outer) - p.holes.iter().map(|h| ring(h)).sum::<f64>()).sum()
}

fn request(input: &Path, output: &Path, regions: Vec<Region>, statistics: &[&str]) -> RegionsRequest {
    let csv = output.extension().is_some_and(|e| e == "csv");
    RegionsRequest {
        input: input.to_owned(),
        grid_file: None,
        output: output.to_owned(),
        format: if csv { TableFormat::Csv(CsvLayout::Long) } else { TableFormat::Netcdf },
        regions,
        edges: RegionEdges::LonLat,
        variables: None,
        statistics: statistics.iter().map(|s| NamedStatistic::parse(s).expect("a statistic")).collect(),
        min_valid: 0.0,
        nan: NanPolicy::Error,
        overwrite: false,
        history: "a test".to_owned(),
    }
}

#[test]
fn the_land_of_the_earth_has_its_area() {
    let land = read_regions(&datasets().join("natural_earth_land110m.topojson"), None).expect("the shipped polygons");
    assert_eq!((land.regions.len(), land.regions[0].name.as_str()), (1, "land"));
    let folder = tempfile::tempdir().expect("a folder");
    let (exact, output) = (exact_area(&land.regions[0]), folder.path().join("land.nc"));
    let input = datasets().join("natural_earth_landfrac_1deg.nc");
    let report = regions_file(&request(&input, &output, land.regions, &["integral", "area", "count"])).expect("a table");
    let area = report.regions[0].area_m2 / 6_371_007.181f64.powi(2);
    // 5127 edges, each followed to 1e-8 rad; what is between goes to either side.
    assert!((area / exact - 1.0).abs() < 1e-8, "{area} {exact}");
    // Published: 148.9 million km² of land, some of it on islands that 1:110m leaves out.
    assert!((report.regions[0].area_m2 / 148.9e12 - 1.0).abs() < 0.02, "{}", report.regions[0].area_m2);
    assert!((report.regions[0].covered - 1.0).abs() < 1e-9);
    // The land fraction within the land; beyond it the two sets of coastlines differ.
    let integral = report.variables[0].values[0].expect("valid");
    assert!(integral > 0.9 * report.regions[0].area_m2 && integral <= report.regions[0].area_m2 * 1.0001);
}

const COUNTRIES: &str = r#"{"type": "FeatureCollection", "features": [
  {"type": "Feature", "id": 7, "properties": {"NAME": "Alpha", "CONTINENT": "West"}, "geometry":
    {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[2, 2], [2, 4], [4, 4], [4, 2], [2, 2]]]}},
  {"type": "Feature", "properties": {"NAME": "Beta", "CONTINENT": "East"}, "geometry":
    {"type": "MultiPolygon", "coordinates": [[[[20, 0], [30, 0], [30, 10], [20, 10], [20, 0]]], [[[40, 0], [41, 0], [41, 1], [40, 0]]]]}},
  {"type": "Feature", "properties": {"NAME": "Gamma", "CONTINENT": "West"}, "geometry":
    {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 1]},
      {"type": "Polygon", "coordinates": [[[0, 20], [5, 20], [5, 25], [0, 20]]]}]}},
  {"type": "Feature", "properties": {"NAME": "a road", "CONTINENT": ""}, "geometry":
    {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}]}"#;

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("writable");
    path
}

#[test]
fn geojson_regions_are_named_and_joined_by_a_property() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(&folder, "countries.geojson", COUNTRIES);
    let by_name = read_regions(&path, None).expect("regions");
    let names: Vec<&str> = by_name.regions.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["Alpha", "Beta", "Gamma"]);
    assert_eq!(by_name.regions.iter().map(|r| r.polygons.len()).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(by_name.regions[0].polygons[0].holes.len(), 1);
    assert!(by_name.remarks.iter().any(|r| r.contains("LineString")), "{:?}", by_name.remarks);
    let by_continent = read_regions(&path, Some("CONTINENT")).expect("regions");
    let joined: Vec<(&str, usize)> = by_continent.regions.iter().map(|r| (r.name.as_str(), r.polygons.len())).collect();
    assert_eq!(joined, [("West", 2), ("East", 2)]);
}

#[test]
fn what_is_no_file_of_polygons_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let says = |text: &str, property: Option<&str>| {
        read_regions(&written(&folder, "x.json", text), property).expect_err(text).to_string()
    };
    assert!(says("rings", None).contains("expected GeoJSON, TopoJSON or a shapefile"));
    assert!(says(r#"{"type": "Feature"}"#, None).contains("found no polygon"));
    assert!(says(COUNTRIES, Some("POP")).contains("no shape has the property `POP`, found CONTINENT, NAME"));
    let projected = COUNTRIES.replace("[30, 10]", "[500000, 4649776]");
    assert!(says(&projected, None).contains("expected longitude and latitude in degrees"));
    let named = COUNTRIES.replacen('{', r#"{"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3978"}}, "#, 1);
    assert!(says(&named, None).contains("EPSG::3978"));
    let broken = r#"{"type": "Topology", "arcs": [], "objects": {"a": {"type": "Polygon", "arcs": [[3]]}}}"#;
    assert!(says(broken, None).contains("arcs that are not in the file"));
    assert!(matches!(read_regions(Path::new("nowhere.json"), None), Err(knarr_io::IoError::NotFound { .. })));
}

#[test]
fn a_shapefile_holds_what_geojson_holds() {
    use shapefile::dbase::{FieldName, TableWriterBuilder};
    use shapefile::{Point, Polygon, PolygonRing, Writer};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("countries.shp");
    let table = TableWriterBuilder::new().add_character_field(FieldName::try_from("NAME").expect("short"), 20);
    let mut writer = Writer::from_path(&path, table).expect("writable");
    let ring = |points: &[(f64, f64)]| points.iter().map(|&(x, y)| Point::new(x, y)).collect::<Vec<_>>();
    let outer = PolygonRing::Outer(ring(&[(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0), (0.0, 0.0)]));
    let hole = PolygonRing::Inner(ring(&[(2.0, 2.0), (4.0, 2.0), (4.0, 4.0), (2.0, 4.0), (2.0, 2.0)]));
    let mut record = shapefile::dbase::Record::default();
    record.insert("NAME".to_owned(), shapefile::dbase::FieldValue::Character(Some("Alpha".to_owned())));
    writer.write_shape_and_record(&Polygon::with_rings(vec![outer, hole]), &record).expect("written");
    drop(writer);
    let from_shapefile = read_regions(&path, Some("NAME")).expect("regions").regions;
    let json = read_regions(&written(&folder, "c.geojson", COUNTRIES), None).expect("regions").regions;
    assert_eq!(from_shapefile[0].name, "Alpha");
    assert!((exact_area(&from_shapefile[0]) / exact_area(&json[0]) - 1.0).abs() < 1e-14);
    std::fs::write(path.with_extension("prj"), r#"PROJCS["NAD83 / Canada Atlas Lambert",GEOGCS["NAD83"]]"#).expect("writable");
    let refused = read_regions(&path, None).expect_err("projected").to_string();
    assert!(refused.contains("NAD83 / Canada Atlas Lambert"), "{refused}");
}

#[test]
fn netcdf_tables_keep_times_and_say_what_they_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let regions = read_regions(&written(&folder, "c.geojson", COUNTRIES), None).expect("regions").regions;
    let output = folder.path().join("sst.nc");
    let input = datasets().join("coads_monthly_climatology.nc");
    let mut request = request(&input, &output, regions, &["mean", "p90", "valid", "integral"]);
    request.variables = Some(vec!["SST".to_owned()]);
    let report = regions_file(&request).expect("a table");
    assert_eq!(report.variables[0].values.len(), 12 * 3 * 4);
    let written = Dataset::open(&output).expect("written");
    let info = |name: &str| written.variable(name).unwrap_or_else(|e| panic!("{e}"));
    let mean = info("SST_mean");
    assert_eq!(mean.dims, [("TIME".to_owned(), 12), ("region".to_owned(), 3)]);
    let text = |a: &Attributes, name: &str| a.text(name).unwrap_or_default().to_owned();
    assert_eq!(text(&mean.attributes, "standard_name"), "sea_surface_temperature");
    let methods = CellMethods::parse(&text(&mean.attributes, "cell_methods"));
    assert_eq!(methods.get("area").map(|m| m.method.as_str()), Some("mean"));
    assert_eq!(text(&info("SST_integral").attributes, "units"), "degC m2");
    assert_eq!(text(&info("SST_p90").attributes, "standard_name"), "");
    assert_eq!(written.file().read_texts("region_name").expect("names"), ["Alpha", "Beta", "Gamma"]);
    let decoded = knarr_io::read_decoded(written.file(), "SST_mean", knarr_io::Purpose::Data, NanPolicy::Error).expect("values");
    for step in 0..12 {
        for region in 0..3 {
            let at = step * 3 + region;
            let expected = report.variables[0].values[at * 4];
            let valid = decoded.valid.as_ref().is_none_or(|v| v[at]);
            assert_eq!(valid.then_some(decoded.values[at]), expected, "{step} {region}");
        }
    }
    // Two regions have sea in them, and the land of the third has no sea temperature.
    assert!(report.variables[0].values[0].is_some());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |name: &str, threads: usize| {
        let regions = read_regions(&written(&folder, "c.geojson", COUNTRIES), None).expect("regions").regions;
        let output = folder.path().join(name);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let input = datasets().join("ukmo_mslp_rotated_pole.nc");
        pool.install(|| regions_file(&request(&input, &output, regions, &["mean", "std", "p50", "count"])).expect("a table"));
        std::fs::read(output).expect("written")
    };
    assert_eq!(of("one.csv", 1), of("two.csv", 4));
    assert_eq!(of("one.nc", 1), of("two.nc", 4));
}

#[test]
fn every_grid_of_the_real_files_serves() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        eprintln!("skipped 1: no {}", data.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let canada = r#"{"type": "Polygon", "coordinates": [[[-140, 70], [-140, 50], [-95, 49], [-60, 44], [-52, 47], [-65, 63], [-80, 74], [-140, 70]]]}"#;
    let path = written(&folder, "canada.json", canada);
    let files = [
        ("eccc/hrdps_hurs_rotated_crop.nc", "hurs", 0.0..100.5),
        ("eccc/rdpa_apcp024_ps10km.nc", "pr_amount", 0.0..500.0),
        ("eccc/tas_Amon_CanESM2_rcp85_r1i1p1_200701-200712.nc", "tas", 200.0..310.0),
        ("unstructured/tas_Amon_ICON-ESM-LR_185001.nc", "tas", 200.0..310.0),
        ("healpix/tas_nextgems_hp32_nested.nc", "tas", 200.0..310.0),
        ("ocean/simass_SImon_NorESM2-MM_201501.nc", "simass", 0.0..1e5),
    ];
    for (name, variable, range) in files {
        let regions = read_regions(&path, None).expect("a region").regions;
        let output = folder.path().join(format!("{variable}.csv"));
        let mut request = request(&data.join(name), &output, regions, &["mean", "min", "max", "valid"]);
        request.variables = Some(vec![variable.to_owned()]);
        request.overwrite = true;
        request.nan = NanPolicy::Missing;
        let report = regions_file(&request).unwrap_or_else(|e| panic!("{name}: {e}"));
        let [mean, min, max, valid] = [0, 1, 2, 3].map(|k| report.variables[0].values[k]);
        let (mean, min, max) = (mean.expect(name), min.expect(name), max.expect(name));
        assert!(min <= mean && mean <= max && range.contains(&min) && range.contains(&max), "{name}: {min} {mean} {max}");
        assert!(valid.expect("always there") > 0.0);
    }
}
