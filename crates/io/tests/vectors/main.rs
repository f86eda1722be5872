//! Vectors on their way between grids: turned, interpolated in space, named for what they are along.

#[path = "../common/mod.rs"]
mod common;
mod pairs;

use common::spec;
use knarr_field::{Attribute, Attributes, NumberType, VectorFrame};
use knarr_grid::{Grid, LonLat};
use knarr_io::nc::{Numbers, ValueType};
use knarr_io::nc_write::{NewFile, NewVariable};
use knarr_io::{
    Dataset, IoError, LayoutData, NamedPair, NanPolicy, RegridReport, RegridRequest, VectorOutput, output_layout, read_grid,
    read_weights, regrid_file, write_weights,
};
use knarr_kernels::sphere::dot;
use knarr_regrid::{Finish, Limit, Method, MissingPolicy, Options, Stack, Statistic};
use std::path::Path;
use std::sync::Arc;

const FILL: f64 = 1e20;

/// A variable on a grid: its name, attributes, lengths of other dimensions, and values (`FILL` where missing).
struct OnGrid {
    name: &'static str,
    attributes: Vec<(&'static str, &'static str)>,
    extra: Vec<(&'static str, usize)>,
    values: Vec<f64>,
}

fn component(name: &'static str, standard_name: &'static str, values: Vec<f64>) -> OnGrid {
    OnGrid { name, attributes: vec![("standard_name", standard_name), ("units", "m s-1")], extra: Vec::new(), values }
}

/// Writes variables on grids; the names of the second grid's dimensions and variables end in `_2`.
fn write(path: &Path, grids: &[(&Grid, Vec<OnGrid>)]) {
    let mut file = NewFile::create(path, true).expect("created");
    let mut values: Vec<(String, Vec<usize>, Numbers)> = Vec::new();
    let others = grids.iter().flat_map(|(_, variables)| variables.iter().flat_map(|v| v.extra.iter()));
    for (name, len) in others.collect::<std::collections::BTreeSet<_>>() {
        file.add_dimension(name, *len, false).expect("added");
    }
    for (k, (grid, variables)) in grids.iter().enumerate() {
        let layout = output_layout(grid);
        let named = |name: &str| if k == 0 { name.to_owned() } else { format!("{name}_2") };
        let all = |text: &str| text.split_whitespace().map(named).collect::<Vec<_>>().join(" ");
        for (name, len) in &layout.dims {
            file.add_dimension(&named(name), *len, false).expect("added");
        }
        let mut add = |name: String, dims: Vec<(String, usize)>, numbers: Numbers, attributes: Attributes, fill: Option<f64>| {
            let number = if matches!(numbers, Numbers::I32(_)) { NumberType::I32 } else { NumberType::F64 };
            let variable = NewVariable {
                name: name.clone(),
                dims: dims.iter().map(|(n, _)| n.clone()).collect(),
                value_type: ValueType::Number(number),
                attributes,
                fill,
                chunks: None,
                compressed: false,
            };
            file.add_variable(&variable).expect("added");
            values.push((name, dims.into_iter().map(|(_, len)| len).collect(), numbers));
        };
        let len_of = |dim: &String| layout.dims.iter().find(|(n, _)| n == dim).expect("a dimension of the layout").1;
        for v in &layout.variables {
            let numbers = match &v.data {
                LayoutData::None => Numbers::I32(vec![0]),
                LayoutData::F64(values) => Numbers::F64(values.clone()),
                LayoutData::I32(values) => Numbers::I32(values.clone()),
            };
            let dims = v.dims.iter().map(|d| (named(d), len_of(d))).collect();
            let mut attributes = v.attributes.clone();
            for reference in ["bounds", "coordinates"] {
                if let Some(text) = attributes.text(reference).map(all) {
                    attributes.set(reference, text);
                }
            }
            add(named(&v.name), dims, numbers, attributes, None);
        }
        for v in variables {
            let mut attributes: Attributes = v.attributes.iter().map(|(n, t)| ((*n).to_owned(), Attribute::from(*t))).collect();
            for (name, text) in [("coordinates", &layout.coordinates), ("grid_mapping", &layout.grid_mapping)] {
                if let Some(text) = text {
                    attributes.set(name, all(text));
                }
            }
            let extra = v.extra.iter().map(|(n, len)| ((*n).to_owned(), *len));
            let horizontal = layout.dims[..grid.shape.len()].iter().map(|(n, len)| (named(n), *len));
            add(v.name.to_owned(), extra.chain(horizontal).collect(), Numbers::F64(v.values.clone()), attributes, Some(FILL));
        }
    }
    for (name, lens, numbers) in values {
        let part: Vec<_> = lens.iter().map(|&len| 0..len).collect();
        file.put_numbers(&name, &part, &numbers).expect("put");
    }
    file.finish().expect("written");
}

fn run(
    input: &Path,
    output: &Path,
    destination: &Arc<Grid>,
    vectors: VectorOutput,
    change: &dyn Fn(&mut RegridRequest<'_>),
) -> Result<RegridReport, IoError> {
    let methods = |_: &knarr_io::VariableInfo| Options::new(Method::Bilinear).into();
    let mut request = RegridRequest {
        input: input.to_owned(),
        grid_file: None,
        output: output.to_owned(),
        destination: destination.clone(),
        variables: None,
        methods: &methods,
        missing: MissingPolicy::Propagate,
        finish: Finish::Sum,
        weights: None,
        stored: None,
        overwrite: true,
        nan: NanPolicy::Error,
        history: "a test".into(),
        memory_limit: 1 << 28,
        vectors,
        pairs: Vec::new(),
    };
    change(&mut request);
    regrid_file(&request, &mut |_| {})
}

fn as_is(_: &mut RegridRequest<'_>) {}

/// Values and validity of a variable.
fn read(path: &Path, name: &str) -> (Vec<f64>, Vec<bool>) {
    let dataset = Dataset::open(path).expect("a file");
    let grid = read_grid(&dataset, name).expect("a grid");
    let field = dataset.read_field(name, &grid, NanPolicy::Error).expect("values");
    let valid = field.valid.map_or_else(|| vec![true; field.values.len()], |v| v.into_raw_vec_and_offset().0);
    (field.values.into_raw_vec_and_offset().0, valid)
}

fn attribute(path: &Path, variable: &str, name: &str) -> String {
    let dataset = Dataset::open(path).expect("a file");
    dataset.variable(variable).expect("a variable").attributes.text(name).unwrap_or_default().to_owned()
}

/// Solid-body rotation, 10 m s-1 on its equator, about an axis at 40 degrees to that of the Earth: along the grid's axes
/// or east and north.
fn rotation(grid: &Grid, frame: VectorFrame) -> [Vec<f64>; 2] {
    let axes = match frame {
        VectorFrame::Earth => grid.east_north(),
        VectorFrame::Grid => grid.axes().expect("a grid with axes"),
    };
    let (s, w) = 40f64.to_radians().sin_cos();
    let wind = |c: usize| {
        let [x, y, z] = grid.center(c).unit();
        [-10.0 * w * y, 10.0 * (w * x - s * z), 10.0 * s * y]
    };
    [0, 1].map(|k| (0..grid.len()).map(|c| dot(wind(c), axes[c][k])).collect())
}

/// Largest length of the difference from the rotation, and how many values are valid.
fn error(path: &Path, names: [&str; 2], grid: &Grid, frame: VectorFrame) -> (f64, usize) {
    let ((u, u_valid), (v, v_valid)) = (read(path, names[0]), read(path, names[1]));
    assert_eq!(u_valid, v_valid, "both components are missing together");
    let expected = rotation(grid, frame);
    let off = |c: usize| (u[c] - expected[0][c]).hypot(v[c] - expected[1][c]);
    let valid: Vec<usize> = (0..grid.len()).filter(|&c| u_valid[c]).collect();
    (valid.iter().map(|&c| off(c)).fold(0.0, f64::max), valid.len())
}

/// The frame of HRDPS, at coarser spacings.
fn hrdps(degrees: f64) -> Arc<Grid> {
    let (nx, ny) = ((57.15 / degrees).round(), (29.025 / degrees).round());
    spec(&format!("rot:65.305142,36.08852,345.17878,-12.3,{degrees},{degrees},{nx},{ny}"))
}

/// From the axes of the rotated grid to east and north, to those of a polar stereographic grid and back: the error falls
/// with the square of the spacing, as that of scalars does.
#[test]
fn a_rotation_goes_from_rotated_to_lat_lon_to_polar_stereographic_and_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut errors = Vec::new();
    for (degrees, lat_lon, metres) in [(1.8, "r180x90", 200_000), (0.9, "r360x180", 100_000), (0.45, "r720x360", 50_000)] {
        let rotated = hrdps(degrees);
        let [x, y] = rotation(&rotated, VectorFrame::Grid);
        write(&path("rotated.nc"), &[(&rotated, vec![component("u", "x_wind", x), component("v", "y_wind", y)])]);
        let lat_lon = spec(lat_lon);
        let report = run(&path("rotated.nc"), &path("lat_lon.nc"), &lat_lon, VectorOutput::Earth, &as_is).expect("done");
        let vector = report.variables[0].vector.clone().expect("a vector");
        assert_eq!((vector.partner.as_str(), vector.from, vector.to), ("v", VectorFrame::Grid, VectorFrame::Earth));
        assert!(vector.longest_after <= vector.longest_before && vector.longest_before < 10.0 + 1e-12);
        assert_eq!(attribute(&path("lat_lon.nc"), "v", "standard_name"), "northward_wind");
        let (nx, ny) = (4_000_000 / metres, 2_400_000 / metres);
        let polar = spec(&format!("ps:lat_ts=60,lon_0=-100,dx={metres},nx={nx},ny={ny},x0=-1900000,y0=-4800000"));
        run(&path("lat_lon.nc"), &path("polar.nc"), &polar, VectorOutput::Grid, &as_is).expect("done");
        assert_eq!(attribute(&path("polar.nc"), "u", "standard_name"), "x_wind");
        let (columns, rows) = ((14.4 / degrees) as usize, (9.0 / degrees) as usize);
        let inner = spec(&format!("rot:65.305142,36.08852,6,-7,{degrees},{degrees},{columns},{rows}"));
        run(&path("polar.nc"), &path("back.nc"), &inner, VectorOutput::Grid, &as_is).expect("done");
        let steps = [
            error(&path("lat_lon.nc"), ["u", "v"], &lat_lon, VectorFrame::Earth),
            error(&path("polar.nc"), ["u", "v"], &polar, VectorFrame::Grid),
            error(&path("back.nc"), ["u", "v"], &inner, VectorFrame::Grid),
        ];
        println!("{degrees} degrees: {steps:?}");
        assert!(steps[0].1 * 40 > lat_lon.len() && steps[1].1 * 2 > polar.len() && steps[2].1 * 2 > inner.len(), "{steps:?}");
        errors.push(steps.map(|(off, _)| off));
    }
    for pair in errors.windows(2) {
        for step in 0..3 {
            // Four times less for half the spacing; the points of the largest error move, so some less than that.
            assert!(pair[0][step] / pair[1][step] > 3.0, "step {step}: {errors:?}");
        }
    }
    // Linear between points 0.45 degrees apart: h²/8 of 10 m/s per radian squared in each of three steps.
    assert!(errors[2][2] < 3.0 * 10.0 * (0.45f64.to_radians().powi(2) / 4.0), "{errors:?}");
}

/// Over the pole, from meridians that meet and onto points there, vectors are right where components as scalars are not.
#[test]
fn poles_are_like_any_other_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut errors = Vec::new();
    for (rows, poles, cap) in [("r72x36", "10/5", 3.0), ("r144x72", "5/2.5", 1.5), ("r288x144", "2.5/1.25", 0.75)] {
        let (source, poles) = (spec(rows), spec(poles));
        let [east, north] = rotation(&source, VectorFrame::Earth);
        let variables = vec![component("ua", "eastward_wind", east), component("va", "northward_wind", north)];
        write(&path("source.nc"), &[(&source, variables)]);
        run(&path("source.nc"), &path("poles.nc"), &poles, VectorOutput::Earth, &as_is).expect("done");
        let (off, valid) = error(&path("poles.nc"), ["ua", "va"], &poles, VectorFrame::Earth);
        assert_eq!(valid, poles.len(), "rows at the poles are reached");
        // A cap about the pole, from a grid with rows at the poles, along axes of its own.
        let cap = spec(&format!("ps:lat_ts=90,lon_0=0,dx={},nx=9,ny=9,x0={},y0={}", cap * 5e4, -cap * 2e5, -cap * 2e5));
        run(&path("poles.nc"), &path("cap.nc"), &cap, VectorOutput::Grid, &as_is).expect("done");
        let (cap_off, cap_valid) = error(&path("cap.nc"), ["ua", "va"], &cap, VectorFrame::Grid);
        assert_eq!(cap_valid, 81);
        let report = run(&path("source.nc"), &path("scalars.nc"), &poles, VectorOutput::Separate, &as_is).expect("done");
        assert!(report.variables.iter().all(|v| v.vector.is_none()));
        let (scalar_off, _) = error(&path("scalars.nc"), ["ua", "va"], &poles, VectorFrame::Earth);
        println!("{rows}: {off:.2e}, cap {cap_off:.2e}, as scalars {scalar_off:.2e}");
        assert!(scalar_off > 1.0, "components turn about the pole: {scalar_off}");
        errors.push([off, cap_off]);
    }
    for pair in errors.windows(2) {
        assert!(pair[0][0] / pair[1][0] > 3.0 && pair[0][1] / pair[1][1] > 3.0, "{errors:?}");
    }
    assert!(errors[2][0] < 0.01);
}

/// Steps and levels in batches of any size, with values missing here and there in one component or the other.
#[test]
fn batches_missing_values_and_given_weights_make_no_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (source, destination) = (hrdps(3.0), spec("r90x45"));
    let [x, y] = rotation(&source, VectorFrame::Grid);
    let slabs = 5 * 3;
    let many = |one: &[f64], hole: usize| -> Vec<f64> {
        let value = |slab: usize, c: usize| if c == hole + slab { FILL } else { one[c] * (1.0 + slab as f64) };
        (0..slabs).flat_map(|slab| (0..one.len()).map(move |c| (slab, c))).map(|(slab, c)| value(slab, c)).collect()
    };
    let variable = |name: &'static str, standard_name: &'static str, values: Vec<f64>| OnGrid {
        extra: vec![("time", 5), ("lev", 3)],
        ..component(name, standard_name, values)
    };
    let temperature = many(&x.iter().map(|x| 280.0 + x).collect::<Vec<_>>(), 40);
    write(
        &path("in.nc"),
        &[(
            &source,
            vec![
                variable("v", "y_wind", many(&y, 90)),
                variable("t", "air_temperature", temperature),
                variable("u", "x_wind", many(&x, 50)),
            ],
        )],
    );
    let skip = MissingPolicy::Skip { min_valid: 0.5 };
    let report = run(&path("in.nc"), &path("all.nc"), &destination, VectorOutput::Earth, &|r| r.missing = skip).expect("done");
    assert_eq!(report.variables.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["v", "t", "u"]);
    assert_eq!(report.variables[0].slabs, slabs);
    let bytes = |name: &str| std::fs::read(path(name)).expect("an output");
    let small = |r: &mut RegridRequest<'_>| (r.missing, r.memory_limit) = (skip, 1);
    run(&path("in.nc"), &path("small.nc"), &destination, VectorOutput::Earth, &small).expect("done");
    assert!(bytes("small.nc") == bytes("all.nc"));

    let used = &report.weights[0];
    assert_eq!(report.weights.len(), 1);
    let weights = path("weights.nc");
    write_weights(used.regridder.weights.joined(), &used.source, &destination, &weights, knarr_io::WeightsFormat::Esmf, true)
        .expect("written");
    let given = |r: &mut RegridRequest<'_>| (r.missing, r.weights) = (skip, Some(read_weights(&weights).expect("weights")));
    run(&path("in.nc"), &path("given.nc"), &destination, VectorOutput::Earth, &given).expect("done");
    assert!(bytes("given.nc") == bytes("all.nc"));
    // A slab by itself, where either component is missing: what several slabs together give.
    let hole = |one: &[f64], slab: usize| {
        let holes = [50 + slab, 90 + slab];
        (0..one.len()).map(|c| if holes.contains(&c) { FILL } else { one[c] * (1.0 + slab as f64) }).collect::<Vec<f64>>()
    };
    let (u, u_valid) = read(&path("all.nc"), "u");
    let n = destination.len();
    for slab in [0, 7, 14] {
        let both = vec![component("u", "x_wind", hole(&x, slab)), component("v", "y_wind", hole(&y, slab))];
        write(&path("one.nc"), &[(&source, both)]);
        run(&path("one.nc"), &path("alone.nc"), &destination, VectorOutput::Earth, &|r| r.missing = skip).expect("done");
        let (alone, valid) = read(&path("alone.nc"), "u");
        assert_eq!((&u[slab * n..(slab + 1) * n], &u_valid[slab * n..(slab + 1) * n]), (&alone[..], &valid[..]));
        assert!(valid.contains(&false) && valid.contains(&true));
    }
    // The scalar beside them is as it is without vectors.
    run(&path("in.nc"), &path("separate.nc"), &destination, VectorOutput::Separate, &|r| r.missing = skip).expect("done");
    assert_eq!(read(&path("all.nc"), "t"), read(&path("separate.nc"), "t"));
    assert_ne!(read(&path("all.nc"), "u").0, read(&path("separate.nc"), "u").0);
    assert_eq!(attribute(&path("separate.nc"), "u", "standard_name"), "x_wind");
}

/// u on the western, v on the southern faces of curvilinear cells, on dimensions of their own.
#[test]
fn components_of_a_c_grid_meet_at_the_destination() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let curvilinear = |spec_text: &str| {
        let rotated = spec(spec_text);
        let centers: Vec<LonLat> = (0..rotated.len()).map(|c| rotated.center(c)).collect();
        Grid::curvilinear([40, 60], centers, None).expect("a valid grid")
    };
    let u_grid = curvilinear("rot:-97.6,36.1,-15.25,-9,0.5,0.5,60,40");
    let v_grid = curvilinear("rot:-97.6,36.1,-15,-9.25,0.5,0.5,60,40");
    let u = component("uo", "sea_water_x_velocity", rotation(&u_grid, VectorFrame::Grid)[0].clone());
    let v = component("vo", "sea_water_y_velocity", rotation(&v_grid, VectorFrame::Grid)[1].clone());
    write(&path("c_grid.nc"), &[(&u_grid, vec![u]), (&v_grid, vec![v])]);
    let destination = spec("r360x180");
    let report = run(&path("c_grid.nc"), &path("out.nc"), &destination, VectorOutput::Earth, &as_is).expect("done");
    assert_eq!(report.weights.len(), 2);
    let (off, valid) = error(&path("out.nc"), ["uo", "vo"], &destination, VectorFrame::Earth);
    // h²/8 of each component, and axes by differences that are as good.
    assert!(off < 10.0 * 0.5f64.to_radians().powi(2) && valid > 400, "{off:e} at {valid}");
    assert_eq!(attribute(&path("out.nc"), "uo", "standard_name"), "eastward_sea_water_velocity");
}

fn first_order(_: &knarr_io::VariableInfo) -> Stack {
    Options::new(Method::Conservative).into()
}

fn second_order(_: &knarr_io::VariableInfo) -> Stack {
    Options::new(Method::Conservative2nd).into()
}

/// A jump in one component, along the axes of its grid: kept from overshooting as the vector that it is.
#[test]
fn limits_are_of_vectors() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (source, destination) = (hrdps(1.5), spec("rot:65.305142,36.08852,366,-8,0.4,0.4,40,40"));
    let jump: Vec<f64> = (0..source.len()).map(|c| if c % source.shape[1] < source.shape[1] / 2 { 0.0 } else { 1.0 }).collect();
    let calm = vec![0.0; jump.len()];
    write(&path("in.nc"), &[(&source, vec![component("u", "x_wind", jump), component("v", "y_wind", calm)])]);
    let greatest = |finish: Finish| {
        let change = |r: &mut RegridRequest<'_>| (r.methods, r.finish) = (&second_order, finish);
        let report = run(&path("in.nc"), &path("out.nc"), &destination, VectorOutput::Grid, &change).expect("done");
        assert!(report.variables[0].vector.is_some());
        read(&path("out.nc"), "u").0.into_iter().fold(0.0, f64::max)
    };
    assert!(greatest(Finish::Sum) > 1.03);
    for limit in [Limit::Monotone, Limit::Caas] {
        // Ranges are of the cells around an overlap, four of 1.5 degree across at most; where axes turn by that angle, the
        // greatest of each component make a length of half its square more.
        let found = greatest(Finish::Limit(limit));
        let longer = (4.0 * 1.5f64.to_radians()).powi(2) / 2.0;
        assert!(found > 0.99 && found < 1.0 + longer, "{limit:?}: {found}");
    }
}
