//! Real files through vectors, other levels, regions and other times, each against numbers worked out here by hand.
//!
//! The files lie beside the project where it is developed; without them the tests say that they are skipped.

use knarr_field::VectorFrame;
use knarr_grid::{Grid, LonLat};
use knarr_io::levels::{Beyond, LevelsRequest, Targets, VerticalMethod, levels_file};
use knarr_io::regions::{CsvLayout, NamedStatistic, RegionsRequest, TableFormat, read_regions, regions_file};
use knarr_io::resample::{Partial, Period, ResampleRequest, TimeKind, TimeMethod, resample_file};
use knarr_io::{
    Dataset, NamedPair, NanPolicy, RegridReport, RegridRequest, VariableGrid, VectorOutput, read_grid, read_grid_matching,
    regrid_file,
};
use knarr_kernels::sphere::{add, dot, scale};
use knarr_regrid::regions::{Region, RegionEdges};
use knarr_regrid::{Finish, Method, MissingPolicy, Options};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of real files, if it is there.
fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        eprintln!("skipped 1: no {}", data.display());
        return None;
    }
    Some(data)
}

/// Values and validity, slab after slab.
fn read(path: &Path, name: &str, grid_file: Option<&Path>) -> (Vec<f64>, Vec<bool>, VariableGrid) {
    let dataset = Dataset::open(path).expect("a file");
    let dims = &dataset.variable(name).expect("a variable").dims;
    let grid = grid_file.map_or_else(|| read_grid(&dataset, name), |file| read_grid_matching(file, dims)).expect("a grid");
    let field = dataset.read_field(name, &grid, NanPolicy::Missing).expect("values");
    let valid = field.valid.map_or_else(|| vec![true; field.values.len()], |v| v.into_raw_vec_and_offset().0);
    (field.values.into_raw_vec_and_offset().0, valid, grid)
}

fn regrid(input: &Path, output: &Path, destination: &Arc<Grid>, vectors: VectorOutput, pairs: &[NamedPair]) -> RegridReport {
    let request = RegridRequest {
        input: input.to_owned(),
        grid_file: None,
        output: output.to_owned(),
        destination: destination.clone(),
        variables: None,
        methods: &|_| Options::new(Method::Nearest).into(),
        missing: MissingPolicy::Propagate,
        weights: None,
        stored: None,
        overwrite: true,
        nan: NanPolicy::Missing,
        history: "a test".to_owned(),
        memory_limit: 64 << 20,
        vectors,
        pairs: pairs.to_vec(),
        finish: Finish::Sum,
    };
    regrid_file(&request, &mut |_| {}).unwrap_or_else(|e| panic!("{e}"))
}

/// Winds of AROME on a Lambert and currents of Arctic20 on a polar stereographic grid are turned as the longitudes and
/// latitudes in the file say, which know nothing of the projection, and come back.
#[test]
fn vectors_of_real_projections_are_turned() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (turned, back) = (folder.path().join("turned.nc"), folder.path().join("back.nc"));
    for (name, [u_name, v_name], precision) in [
        ("atmos/AROME_MetCoOp_wind10m_lambert.nc", ["x_wind_10m", "y_wind_10m"], 1e-6),
        // Packed currents become single precision.
        ("ocean/Arctic20_seaice_polarstereo_2steps.nc", ["ubar", "vbar"], 1e-6),
    ] {
        let input = data.join(name);
        let (u, u_valid, grid) = read(&input, u_name, None);
        let (v, v_valid, _) = read(&input, v_name, None);
        // To the same cells, each from itself.
        let report = regrid(&input, &turned, &grid.grid, VectorOutput::Earth, &[]);
        let of = |name: &str| report.variables.iter().find(|v| v.name == name).expect("regridded");
        assert_eq!(of(u_name).vector.as_ref().map(|v| (v.partner.as_str(), v.from)), Some((v_name, VectorFrame::Grid)), "{name}");
        let ((east, valid, _), (north, ..)) = (read(&turned, u_name, None), read(&turned, v_name, None));
        let dataset = Dataset::open(&input).expect("a file");
        let [lons, lats] = ["longitude", "latitude"].map(|name| dataset.file().read(name).expect("coordinates"));
        let [ny, nx] = [grid.grid.shape[0], grid.grid.shape[1]];
        let (mut compared, mut turn): (usize, f64) = (0, 0.0);
        for i in 0..u.len() {
            let cell = i % (nx * ny);
            assert_eq!(valid[i], u_valid[i] && v_valid[i], "{name} {i}");
            let column = cell % nx;
            if !valid[i] || column == 0 || column + 1 == nx {
                continue;
            }
            let west_east = (lons[cell + 1] - lons[cell - 1] + 540.0).rem_euclid(360.0) - 180.0;
            let step = [west_east * lats[cell].to_radians().cos(), lats[cell + 1] - lats[cell - 1]];
            let angle = step[1].atan2(step[0]);
            let (s, c) = angle.sin_cos();
            let expected = [u[i] * c - v[i] * s, u[i] * s + v[i] * c];
            let off = (east[i] - expected[0]).hypot(north[i] - expected[1]);
            // Longitudes and latitudes are in single precision, steps of some kilometres.
            assert!(off < 2e-3 * u[i].hypot(v[i]) + precision, "{name} {i}: {off}");
            (compared, turn) = (compared + 1, turn.max(angle.abs()));
        }
        assert!(compared > 2000 && turn > 0.1, "{name}: {compared} values, up to {turn} rad");
        let attributes = Dataset::open(&turned).expect("written").variable(u_name).expect("there").attributes.clone();
        assert!(attributes.text("standard_name").expect("a name").contains("eastward"), "{name}");
        regrid(&turned, &back, &grid.grid, VectorOutput::Grid, &[]);
        let (again, again_valid, _) = read(&back, u_name, None);
        for i in (0..u.len()).filter(|&i| again_valid[i]) {
            assert!((again[i] - u[i]).abs() < 1e-6 * u[i].hypot(v[i]) + precision, "{name} {i}: {} {}", again[i], u[i]);
        }
    }
}

/// The drift of sea ice in FESOM says neither that it is a vector nor along what; named, both parts are kept together.
#[test]
fn ice_drift_of_fesom_is_a_vector_when_it_is_named() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("drift.nc"), folder.path().join("out.nc"));
    let mesh_file = data.join("unstructured/fesom_pi_mesh_diag.nc");
    let ice = Dataset::open(&data.join("unstructured/uice.fesom.1948.nc")).expect("a file");
    let dims = &ice.variable("uice").expect("a variable").dims;
    // The mesh has cells around nodes and triangles between them.
    let mesh = read_grid_matching(&mesh_file, dims).expect("a mesh");
    let mut drift = netcdf::create(&input).expect("a file");
    drift.add_dimension("node", mesh.grid.len()).expect("a dimension");
    for (name, units, value) in [("lon", "degrees_east", 0), ("lat", "degrees_north", 1)] {
        let places: Vec<f64> = (0..mesh.grid.len())
            .map(|c| mesh.grid.center(c))
            .map(|LonLat { lon_deg, lat_deg }| if value == 0 { lon_deg } else { lat_deg })
            .collect();
        let mut v = drift.add_variable::<f64>(name, &["node"]).expect("a coordinate");
        v.put_attribute("units", units).expect("units");
        v.put_values(&places, ..).expect("values");
    }
    for name in ["uice", "vice"] {
        let source = Dataset::open(&data.join(format!("unstructured/{name}.fesom.1948.nc"))).expect("a file");
        let mut v = drift.add_variable::<f32>(name, &["node"]).expect("a variable");
        v.put_attribute("coordinates", "lon lat").expect("coordinates");
        v.put_attribute("units", "m/s").expect("units");
        let values: Vec<f32> = source.file().read(name).expect("values").iter().map(|&v| v as f32).collect();
        v.put_values(&values[..mesh.grid.len()], ..).expect("values");
    }
    drop(drift);
    let destination = Arc::new(Grid::from_spec("ps:lat_ts=60,lon_0=-45,dx=200000,nx=20,ny=20").expect("a valid grid"));
    let pair = NamedPair { names: ["uice".to_owned(), "vice".to_owned()], frame: Some(VectorFrame::Earth) };
    let report = regrid(&input, &output, &destination, VectorOutput::Grid, &[pair]);
    let vector = report.variables[0].vector.as_ref().expect("a vector");
    assert!(vector.longest_after > 0.01, "there is drift: {}", vector.longest_after);
    assert!(vector.longest_after < vector.longest_before * (1.0 + 1e-12), "{} {}", vector.longest_after, vector.longest_before);
    let ((u, ..), (v, ..)) = (read(&output, "uice", None), read(&output, "vice", None));
    let ((su, ..), (sv, ..)) = (read(&input, "uice", None), read(&input, "vice", None));
    // The drift of the nearest node as an arrow in space, along the axes of the destination.
    let (nodes, turned) = (mesh.grid.east_north(), destination.axes().expect("a projection has axes"));
    let arrow = |node: usize| add(scale(nodes[node][0], su[node]), scale(nodes[node][1], sv[node]));
    let places: Vec<_> = (0..mesh.grid.len()).map(|c| mesh.grid.center(c).unit()).collect();
    for cell in 0..destination.len() {
        let here = destination.center(cell).unit();
        let nearest = (0..places.len()).max_by(|&a, &b| dot(places[a], here).total_cmp(&dot(places[b], here))).expect("nodes");
        for (found, axis) in [u[cell], v[cell]].into_iter().zip(turned[cell]) {
            let expected = dot(arrow(nearest), axis);
            assert!((found - expected).abs() < 1e-6, "{cell}: {found} {expected}");
        }
    }
}

fn levels(input: &Path, output: &Path, to: &str, method: VerticalMethod, variable: &str) {
    let request = LevelsRequest {
        input: input.to_owned(),
        output: output.to_owned(),
        targets: Targets::parse(to).expect("levels"),
        method,
        below: Beyond::Missing,
        above: Beyond::Missing,
        variables: Some(vec![variable.to_owned()]),
        nan: NanPolicy::Missing,
        overwrite: true,
        history: "a test".to_owned(),
    };
    levels_file(&request).unwrap_or_else(|e| panic!("{e}"));
}

/// p = ap + b ps in each of 18 432 columns of MPI-ESM, and lines in p and in ln p between its levels.
#[test]
fn hybrid_levels_of_a_real_model_are_those_of_the_formula() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("plev.nc");
    let input = data.join("atmos/o3_AERmon_MPI-ESM1-2-LR_hybrid_185001.nc");
    let dataset = Dataset::open(&input).expect("a file");
    let [ap, b, ps, o3] = ["ap", "b", "ps", "o3"].map(|name| dataset.file().read(name).expect("values"));
    let cells = ps.len();
    let targets = [98_500.0, 95_000.0, 70_000.0];
    for (method, through) in [(VerticalMethod::Linear, (|p| p) as fn(f64) -> f64), (VerticalMethod::Log, f64::ln)] {
        levels(&input, &output, "985,950,700hPa", method, "o3");
        let (found, valid, _) = read(&output, "o3", None);
        let mut inside = 0;
        for (k, target) in targets.into_iter().enumerate() {
            for cell in 0..cells {
                let p: Vec<f64> = (0..ap.len()).map(|l| ap[l] + b[l] * ps[cell]).collect();
                // Levels go up from the ground: pressures fall.
                let pair = (0..p.len() - 1).find(|&l| p[l] >= target && target >= p[l + 1]);
                let expected = pair.map(|l| {
                    let f = (through(target) - through(p[l])) / (through(p[l + 1]) - through(p[l]));
                    (1.0 - f) * o3[l * cells + cell] + f * o3[(l + 1) * cells + cell]
                });
                let i = k * cells + cell;
                match expected {
                    // Written in single precision.
                    Some(e) => assert!(valid[i] && (found[i] - e).abs() <= 1.2e-7 * e.abs(), "{method:?} {i}: {} {e}", found[i]),
                    None => assert!(!valid[i], "{method:?} {i}: {} out of {p:?}", found[i]),
                }
                inside += usize::from(expected.is_some());
            }
        }
        assert!(inside > 1000, "{inside} values between the levels");
    }
}

/// Layers of the ocean of FESOM and levels of ECMWF, by their axes.
#[test]
fn depths_of_fesom_and_pressures_of_ecmwf_are_met_exactly() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.nc");
    let fesom = data.join("unstructured/temp.fesom.1948.nc");
    let source = Dataset::open(&fesom).expect("a file");
    let (depths, temperature) = (source.file().read("nz1").expect("depths"), source.file().read("temp").expect("values"));
    let nodes = temperature.len() / depths.len();
    let between = 0.5 * (depths[3] + depths[4]);
    levels(&fesom, &output, &format!("{},{},{between},{}m", depths[0], depths[2], depths[11]), VerticalMethod::Linear, "temp");
    let found = Dataset::open(&output).expect("written").file().read("temp").expect("values");
    for (k, level) in [(0, 0), (1, 2), (3, 11)] {
        assert_eq!(found[k * nodes..(k + 1) * nodes], temperature[level * nodes..(level + 1) * nodes], "level {level}");
    }
    for node in 0..nodes {
        let expected = 0.5 * (temperature[3 * nodes + node] + temperature[4 * nodes + node]);
        assert!((found[2 * nodes + node] - expected).abs() < 1e-12 * expected.abs().max(1.0), "{node}");
    }
    let ecmwf = data.join("atmos/ecmwf_tz_2levels_packed.nc");
    let (t, _, grid) = read(&ecmwf, "t", None);
    let pressures = Dataset::open(&ecmwf).expect("a file").file().read("level").expect("levels");
    let cells = grid.grid.len();
    let middle = 0.5 * (pressures[0] + pressures[1]);
    levels(&ecmwf, &output, &format!("{middle}hPa"), VerticalMethod::Linear, "t");
    let (found, valid, _) = read(&output, "t", None);
    for cell in 0..cells {
        let expected = 0.5 * (t[cell] + t[cells + cell]);
        assert!(valid[cell] && (found[cell] - expected).abs() < 1.2e-7 * expected, "{cell}: {} {expected}", found[cell]);
    }
}

/// Depths of GIOPS between its layers, and none below its sea floor.
#[test]
fn depths_of_giops_end_at_the_sea_floor() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.nc");
    let input = data.join("eccc/giops_temp_50lev_tropical_pacific.nc");
    let depths = Dataset::open(&input).expect("a file").file().read("deptht").expect("depths");
    let (t, t_valid, grid) = read(&input, "votemper", None);
    let cells = grid.grid.len();
    let targets = [100.0, 1000.0, 5000.0];
    levels(&input, &output, "100,1000,5000m", VerticalMethod::Linear, "votemper");
    let (found, valid, _) = read(&output, "votemper", None);
    let mut below = 0;
    for (k, target) in targets.into_iter().enumerate() {
        let l = depths.partition_point(|&d| d <= target) - 1;
        let f = (target - depths[l]) / (depths[l + 1] - depths[l]);
        for cell in 0..cells {
            let (i, a, b) = (k * cells + cell, l * cells + cell, (l + 1) * cells + cell);
            assert_eq!(valid[i], t_valid[a] && t_valid[b], "{target} m, {cell}");
            below += usize::from(!valid[i]);
            let expected = (1.0 - f) * t[a] + f * t[b];
            assert!(!valid[i] || (found[i] - expected).abs() < 1.2e-7 * expected, "{target} m, {cell}: {} {expected}", found[i]);
        }
    }
    assert!((500..cells).contains(&below), "{below} below the floor");
}

fn regions_of(input: &Path, grid_file: Option<PathBuf>, output: &Path, variable: &str, regions: Vec<Region>) -> Vec<Option<f64>> {
    let request = RegionsRequest {
        input: input.to_owned(),
        grid_file,
        output: output.to_owned(),
        format: TableFormat::Csv(CsvLayout::Long),
        regions,
        edges: RegionEdges::LonLat,
        variables: Some(vec![variable.to_owned()]),
        statistics: ["integral", "mean", "min", "max"].map(|s| NamedStatistic::parse(s).expect("a statistic")).to_vec(),
        min_valid: 0.0,
        nan: NanPolicy::Missing,
        overwrite: true,
        history: "a test".to_owned(),
    };
    regions_file(&request).unwrap_or_else(|e| panic!("{e}")).variables.remove(0).values
}

/// Four quarters of the sphere hold what the sphere holds: Gaussian, lat-lon with rows at the poles, cubed sphere, triangles.
#[test]
fn quarters_of_the_sphere_add_up_on_real_grids() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.csv");
    let quarter = |west: i32| {
        let east = west + 90;
        format!(
            r#"{{"type": "Feature", "properties": {{"name": "{west}"}}, "geometry": {{"type": "Polygon", "coordinates": [[[{west}, -90], [{east}, -90], [{east}, 90], [{west}, 90], [{west}, -90]]]}}}}"#
        )
    };
    let features: Vec<String> = [-180, -90, 0, 90].map(quarter).to_vec();
    let path = folder.path().join("quarters.json");
    std::fs::write(&path, format!(r#"{{"type": "FeatureCollection", "features": [{}]}}"#, features.join(","))).expect("writable");
    let mesh = data.join("unstructured/fesom_pi_mesh_diag.nc");
    for (name, variable, grid_file) in [
        ("atmos/tas_Amon_EC-Earth3_gaussian_3mon.nc", "tas", None),
        ("atmos/2t_era5_2p5deg_2000.nc", "2t", None),
        ("unstructured/lfric_surface_fluxes_C48.nc", "fqw_sea", None),
        ("unstructured/sst.fesom.1948.nc", "sst", Some(mesh)),
    ] {
        let input = data.join(name);
        let (values, valid, grid) = read(&input, variable, grid_file.as_deref());
        let cells = grid.grid.len();
        let areas: Vec<f64> = (0..cells).map(|c| grid.grid.area(c)).collect();
        let regions = read_regions(&path, Some("name")).expect("quarters").regions;
        let found = regions_of(&input, grid_file, &output, variable, regions);
        for slab in 0..values.len() / cells {
            let counts = |c: usize| valid[slab * cells + c] && grid.grid.mask.is_active(c);
            let terms = (0..cells).filter(|&c| counts(c)).map(|c| areas[c] * values[slab * cells + c]);
            let (expected, size) = terms.fold((0.0, 0.0), |(sum, size): (f64, f64), t| (sum + t, size + t.abs()));
            let quarters: f64 = (0..4).map(|r| found[(slab * 4 + r) * 4].expect("values everywhere")).sum();
            let radius = 6_371_007.181f64;
            // Meridians are followed exactly; cells with other edges to 1e-8 rad, some hundred of them.
            assert!((quarters / (radius * radius) - expected).abs() < 1e-7 * size, "{name}: {quarters:e} {expected:e}");
        }
    }
}

/// A basin as a watershed authority may give it: GeoJSON, TopoJSON and a shapefile make the same table.
#[test]
fn a_watershed_is_the_same_in_every_format() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    // About the basin of the Ottawa River, clockwise.
    let basin = [
        (-79.6, 47.9),
        (-78.2, 48.1),
        (-76.9, 48.4),
        (-75.6, 47.6),
        (-74.9, 46.6),
        (-74.3, 45.6),
        (-75.4, 44.8),
        (-76.6, 44.9),
        (-77.9, 45.4),
        (-78.9, 46.1),
        (-80.2, 46.9),
    ];
    let path = |name: &str| folder.path().join(name);
    let ring: Vec<String> = basin.iter().chain(&basin[..1]).map(|(x, y)| format!("[{x}, {y}]")).collect();
    let ring = ring.join(", ");
    let feature = r#"{"type": "Feature", "properties": {"NAME": "Ottawa"}, "geometry": {"type": "Polygon", "coordinates": [["#;
    std::fs::write(path("basin.geojson"), format!("{feature}{ring}]]}}}}")).expect("writable");
    let object = r#"{"type": "Polygon", "properties": {"NAME": "Ottawa"}, "arcs": [[0]]}"#;
    let topology = format!(r#"{{"type": "Topology", "objects": {{"basin": {object}}}, "arcs": [[{ring}]]}}"#);
    std::fs::write(path("basin.topojson"), topology).expect("writable");
    use shapefile::dbase::{FieldName, FieldValue, Record, TableWriterBuilder};
    let table = TableWriterBuilder::new().add_character_field(FieldName::try_from("NAME").expect("short"), 20);
    let mut writer = shapefile::Writer::from_path(path("basin.shp"), table).expect("writable");
    let points = basin.iter().chain(&basin[..1]).map(|&(x, y)| shapefile::Point::new(x, y)).collect();
    let mut record = Record::default();
    record.insert("NAME".to_owned(), FieldValue::Character(Some("Ottawa".to_owned())));
    let polygon = shapefile::Polygon::with_rings(vec![shapefile::PolygonRing::Outer(points)]);
    writer.write_shape_and_record(&polygon, &record).expect("written");
    drop(writer);
    for (name, variable, range) in [
        ("eccc/rdpa_apcp024_ps10km.nc", "pr_amount", 0.0..150.0),
        ("eccc/gdps_tas_0p6deg_packed_i16.nc", "tas", 250.0..320.0),
        ("atmos/tas_Amon_EC-Earth3_gaussian_3mon.nc", "tas", 240.0..290.0),
    ] {
        let table = |file: &str| {
            let regions = read_regions(&path(file), Some("NAME")).expect(file).regions;
            assert_eq!(regions[0].name, "Ottawa");
            let values = regions_of(&data.join(name), None, &path("out.csv"), variable, regions);
            (values, std::fs::read_to_string(path("out.csv")).expect("a table"))
        };
        let (values, text) = table("basin.geojson");
        let [mean, min, max] = [1, 2, 3].map(|k| values[k].expect(name));
        assert!(min <= mean && mean <= max && range.contains(&min) && range.contains(&max), "{name}: {min} {mean} {max}");
        for other in ["basin.topojson", "basin.shp"] {
            assert_eq!(table(other), (values.clone(), text.clone()), "{name} {other}");
        }
    }
}

fn resample(input: &Path, output: &Path, to: &str, method: TimeMethod, kind: Option<TimeKind>, partial: Partial) {
    let request = ResampleRequest {
        input: input.to_owned(),
        output: output.to_owned(),
        period: Period::parse(to).expect("a period"),
        method,
        kind,
        partial,
        calendar: None,
        variables: None,
        nan: NanPolicy::Missing,
        overwrite: true,
        history: "a test".to_owned(),
    };
    resample_file(&request).unwrap_or_else(|e| panic!("{e}"));
}

/// Months are weighted by their days: EC-Earth by its bounds, ERA5 though each of its months ends 6 hours early.
#[test]
fn months_of_real_files_become_quarters_and_years() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.nc");
    for (name, variable, to, kind, partial, step) in [
        ("atmos/tas_Amon_EC-Earth3_gaussian_3mon.nc", "tas", "3mon", None, Partial::Refuse, 1.0),
        ("atmos/2t_era5_2p5deg_2000.nc", "2t", "year", Some(TimeKind::Mean), Partial::Keep, 24.0),
    ] {
        let input = data.join(name);
        resample(&input, &output, to, TimeMethod::Reduce, kind, partial);
        let (values, _, grid) = read(&input, variable, None);
        let bounds = Dataset::open(&input).expect("a file").file().read("time_bnds").expect("bounds");
        let (found, valid, _) = read(&output, variable, None);
        let cells = grid.grid.len();
        assert_eq!(found.len(), cells, "{name}: one period");
        let lengths: Vec<f64> = bounds.chunks(2).map(|b| (b[1] - b[0]) / step).collect();
        let whole: f64 = lengths.iter().sum();
        for cell in 0..cells {
            let expected: f64 = lengths.iter().enumerate().map(|(k, len)| len * values[k * cells + cell]).sum::<f64>() / whole;
            assert!(
                valid[cell] && (found[cell] - expected).abs() < 1.2e-7 * expected,
                "{name} {cell}: {} {expected}",
                found[cell]
            );
        }
        assert!((whole - if variable == "tas" { 91.0 } else { 363.0 }).abs() < 1e-9, "{name}: {whole} days");
    }
}

/// Hours of AROME on the half hour: between the two, as lines have it; at full hours what the file has.
#[test]
fn hours_of_a_real_forecast_are_met_between() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (output, halves) = (folder.path().join("out.nc"), folder.path().join("half.nc"));
    let input = data.join("atmos/AROME_MetCoOp_wind10m_lambert.nc");
    resample(&input, &output, "hour", TimeMethod::Linear, None, Partial::Drop);
    let ((before, ..), (after, ..)) = (read(&input, "x_wind_10m", None), read(&output, "x_wind_10m", None));
    assert_eq!(before, after);
    // The mean of each hour is that of its instants; LFRic's single average stays what it is.
    resample(&input, &halves, "day", TimeMethod::Reduce, None, Partial::Keep);
    let (day, _, grid) = read(&halves, "x_wind_10m", None);
    let cells = grid.grid.len();
    for cell in 0..cells {
        let expected = (0..3).map(|k| before[k * cells + cell]).sum::<f64>() / 3.0;
        assert!((day[cell] - expected).abs() <= 1.2e-7 * expected.abs() + 1e-9, "{cell}: {} {expected}", day[cell]);
    }
}
