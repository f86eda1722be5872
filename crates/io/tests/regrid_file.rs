//! Whole files through the pipeline.

mod common;

use common::{Var, axis_vars, names_in, numbers, on, spec, text, var, write};
use knarr_field::{Attribute, NumberType};
use knarr_io::nc::Numbers;
use knarr_io::{
    Conservation, Dataset, IoError, NanPolicy, Purpose, RegridReport, RegridRequest, VariableInfo, VectorOutput, read_decoded,
    regrid_file,
};
use knarr_regrid::{Finish, Method, MissingPolicy, Options, Stack};
use std::path::Path;

const DIMS: [(&str, usize); 6] = [("time", 3), ("lev", 2), ("lat", 4), ("lon", 8), ("bnds", 2), ("len", 3)];

fn methods(method: Method) -> impl Fn(&VariableInfo) -> Stack {
    move |_| Options::new(method).into()
}

fn run(
    input: &Path,
    output: &Path,
    to: &str,
    method: Method,
    change: &dyn Fn(&mut RegridRequest<'_>),
) -> Result<RegridReport, IoError> {
    let methods = methods(method);
    let mut request = RegridRequest {
        input: input.to_owned(),
        grid_file: None,
        output: output.to_owned(),
        destination: spec(to),
        variables: None,
        methods: &methods,
        missing: MissingPolicy::Skip { min_valid: 0.0 },
        finish: Finish::Sum,
        weights: None,
        stored: None,
        overwrite: false,
        nan: NanPolicy::Error,
        history: "knarr 0.1.0: regrid --to grid".into(),
        memory_limit: 1 << 28,
        vectors: VectorOutput::Earth,
        pairs: Vec::new(),
    };
    change(&mut request);
    regrid_file(&request, &mut |_| {})
}

fn as_is(_: &mut RegridRequest<'_>) {}

fn wave(count: usize) -> Vec<f32> {
    (0..count).map(|i| 280.0 + (i as f32 * 0.7).sin() * 10.0).collect()
}

/// A model's output with everything a file may carry.
fn rich_file(path: &Path) {
    let mut vars = axis_vars(4, 8);
    let hybrid = |name, offset: f64, values: Vec<f64>| {
        let _ = offset;
        var(name, &["lev"], Numbers::F64(values), &[])
    };
    vars.extend([
        var(
            "time",
            &["time"],
            Numbers::F64(vec![15.5, 45.0, 74.5]),
            &[
                ("units", text("days since 1850-1-1")),
                ("calendar", text("365_day")),
                ("bounds", text("time_bnds")),
                ("axis", text("T")),
            ],
        ),
        var("time_bnds", &["time", "bnds"], Numbers::F64(vec![0.0, 31.0, 31.0, 59.0, 59.0, 90.0]), &[]),
        var(
            "lev",
            &["lev"],
            Numbers::F64(vec![0.9, 0.5]),
            &[
                ("standard_name", text("atmosphere_hybrid_sigma_pressure_coordinate")),
                ("formula_terms", text("ap: ap b: b ps: ps")),
                ("positive", text("down")),
                ("bounds", text("not_there")),
            ],
        ),
        hybrid("ap", 0.0, vec![0.0, 100.0]),
        hybrid("b", 0.0, vec![1.0, 0.5]),
        var("height", &[], Numbers::F64(vec![2.0]), &[("units", text("m")), ("axis", text("Z"))]),
        var("areacella", &["lat", "lon"], Numbers::F32(vec![1.0; 32]), &[("units", text("m2"))]),
        var(
            "ta",
            &["time", "lev", "lat", "lon"],
            Numbers::F32(wave(192)),
            &[
                ("units", text("K")),
                ("standard_name", text("air_temperature")),
                ("coordinates", text("height")),
                ("cell_measures", text("area: areacella")),
                ("cell_methods", text("time: mean")),
                ("_FillValue", numbers(NumberType::F32, &[f64::from(1e20f32)])),
                ("missing_value", numbers(NumberType::F64, &[1e20])),
            ],
        ),
        var("ps", &["time", "lat", "lon"], Numbers::F64(wave(96).into_iter().map(f64::from).collect()), &[]),
        var(
            "packed",
            &["lat", "lon"],
            Numbers::I16((0..32).map(|i| if i == 5 { -9 } else { i }).collect()),
            &[
                ("scale_factor", numbers(NumberType::F64, &[0.5])),
                ("add_offset", numbers(NumberType::F64, &[10.0])),
                ("_FillValue", numbers(NumberType::I16, &[-9.0])),
                ("valid_range", numbers(NumberType::I16, &[0.0, 31.0])),
            ],
        ),
        var(
            "kind",
            &["lat", "lon"],
            Numbers::I8((0..32).map(|i| i % 3).collect()),
            &[("flag_values", numbers(NumberType::I8, &[0.0, 1.0, 2.0])), ("flag_meanings", text("sea land ice"))],
        ),
        var("steps", &["time"], Numbers::I64(vec![1, i64::MAX, 3]), &[("long_name", text("count"))]),
    ]);
    let globals = [("Conventions", "CF-1.7 CMIP-6.2"), ("history", "made by a model"), ("external_variables", "areacella")];
    write(path, &DIMS, &globals, &vars);
}

fn values(path: &Path, name: &str) -> Vec<f64> {
    let dataset = Dataset::open(path).expect("NetCDF");
    read_decoded(dataset.file(), name, Purpose::Data, NanPolicy::Error).expect("decodes").values
}

#[test]
fn nearest_to_the_same_grid_changes_no_value_and_keeps_what_the_file_carries() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    rich_file(&input);
    let report = run(&input, &output, "r8x4", Method::Nearest, &as_is).expect("regrids");
    let names: Vec<&str> = report.variables.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["ta", "ps", "packed", "kind"]);
    // The destination starts at 0 east, the source half a cell further; the tie goes to the lower source index.
    let (source, regridded) = (values(&input, "ta"), values(&output, "ta"));
    assert_eq!(source.len(), regridded.len());
    let all: std::collections::BTreeSet<u64> = source.iter().map(|v| v.to_bits()).collect();
    assert!(regridded.iter().all(|v| all.contains(&v.to_bits())));

    let out = Dataset::open(&output).expect("NetCDF");
    let file = out.file();
    let ta = file.variable("ta").expect("kept");
    assert_eq!(ta.dim_names(), ["time", "lev", "lat", "lon"]);
    assert!(ta.dims[0].unlimited);
    assert_eq!(ta.value_type.number(), Some(NumberType::F32));
    assert_eq!(ta.attributes.get("_FillValue"), Some(&numbers(NumberType::F32, &[f64::from(1e20f32)])));
    assert_eq!(ta.attributes.get("missing_value"), Some(&numbers(NumberType::F32, &[f64::from(1e20f32)])));
    assert_eq!(ta.attributes.text("coordinates"), Some("height"));
    assert_eq!(ta.attributes.text("cell_methods"), Some("time: mean"));
    assert!(!ta.attributes.contains("cell_measures"));
    assert_eq!(ta.chunks, Some(vec![1, 1, 4, 8]));
    for name in ["time", "time_bnds", "ap", "b", "height", "lev"] {
        assert_eq!(values(&input, name), values(&output, name), "{name}");
    }
    let time = &file.variable("time").expect("kept").attributes;
    assert_eq!(time.text("units"), Some("days since 1850-1-1"));
    assert_eq!(time.text("bounds"), Some("time_bnds"));
    let lev = &file.variable("lev").expect("kept").attributes;
    assert_eq!(lev.text("formula_terms"), Some("ap: ap b: b ps: ps"));
    assert!(!lev.contains("bounds"), "names a variable that is not there");
    let counts = file.read_numbers("steps", std::slice::from_ref(&(0..3))).expect("kept");
    assert_eq!(counts, Numbers::I64(vec![1, i64::MAX, 3]));
    assert!(file.find("areacella").is_none());
    assert!(report.skipped.iter().any(|(name, _)| name == "areacella"), "{:?}", report.skipped);

    let packed = file.variable("packed").expect("kept");
    assert_eq!(packed.value_type.number(), Some(NumberType::F32));
    for name in ["scale_factor", "add_offset", "valid_range"] {
        assert!(!packed.attributes.contains(name), "{name}");
    }
    let kind = file.variable("kind").expect("kept");
    assert_eq!(kind.value_type.number(), Some(NumberType::I8));
    assert_eq!(kind.attributes.get("flag_values"), Some(&numbers(NumberType::I8, &[0.0, 1.0, 2.0])));

    let globals = file.attributes();
    assert_eq!(globals.text("Conventions"), Some("CF-1.11 CMIP-6.2"));
    assert_eq!(globals.text("history"), Some("knarr 0.1.0: regrid --to grid\nmade by a model"));
    assert!(!globals.contains("external_variables"));
}

#[test]
fn no_attribute_of_an_output_names_a_variable_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("in.nc");
    rich_file(&input);
    for to in ["r12x6", "H4n", "CS4", "F4", "O8"] {
        let output = folder.path().join(format!("{to}.nc"));
        run(&input, &output, to, Method::Nearest, &as_is).expect("regrids");
        let out = Dataset::open(&output).expect("NetCDF");
        for v in out.file().variables() {
            for name in ["coordinates", "bounds", "grid_mapping", "ancillary_variables", "mesh", "climatology"] {
                for word in v.attributes.text(name).unwrap_or_default().split_whitespace() {
                    assert!(out.file().find(word).is_some(), "{to}: `{name}` of `{}` names `{word}`", v.name);
                }
            }
        }
        let bytes = std::fs::read(&output).expect("readable");
        let secret = folder.path().to_string_lossy().into_owned();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{to}: a path is in the file");
    }
}

#[test]
fn conservative_keeps_the_integral_with_and_without_missing_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    rich_file(&input);
    let report = run(&input, &output, "r12x6", Method::Conservative, &as_is).expect("regrids");
    for name in ["ta", "packed"] {
        let v = report.variables.iter().find(|v| v.name == name).expect("regridded");
        let Conservation { relative_error, .. } = v.conservation.expect("conservative");
        // The values written are in single precision. Beside that, 32 source and 72 destination cells: sums of some
        // hundred products, each rounded once or twice.
        assert!((5.9e-8..6e-8).contains(&v.rounding), "half an ulp of 24 bits");
        assert!(relative_error.abs() < v.rounding + 1e-14, "{name}: {relative_error:e}");
        assert_eq!(v.unmapped, 0, "{name}");
    }
    let packed = report.variables.iter().find(|v| v.name == "packed").expect("regridded");
    assert_eq!(packed.before.missing, 1);
    let out = Dataset::open(&output).expect("NetCDF");
    assert_eq!(out.variable("ta").expect("kept").attributes.text("cell_methods"), Some("time: mean area: mean"));
    // Means of categories are no categories.
    assert_eq!(out.file().variable("kind").expect("kept").value_type.number(), Some(NumberType::F32));
}

#[test]
fn slab_by_slab_equals_all_at_once_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, whole, parts) = (folder.path().join("in.nc"), folder.path().join("whole.nc"), folder.path().join("parts.nc"));
    rich_file(&input);
    run(&input, &whole, "r12x6", Method::Bilinear, &as_is).expect("regrids");
    run(&input, &parts, "r12x6", Method::Bilinear, &|r| r.memory_limit = 1).expect("regrids");
    assert!(std::fs::read(&whole).expect("readable") == std::fs::read(&parts).expect("readable"));
}

#[test]
fn other_dimensions_go_before_the_horizontal_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let mut vars = axis_vars(4, 8);
    vars.push(var("v", &["lat", "time", "lon", "lev"], Numbers::F32(wave(192)), &[]));
    vars.push(var("w", &["time", "lev", "lat", "lon"], Numbers::F32(permuted(&wave(192))), &[]));
    write(&input, &DIMS, &[], &vars);
    run(&input, &output, "r12x6", Method::Nearest, &as_is).expect("regrids");
    let out = Dataset::open(&output).expect("NetCDF");
    assert_eq!(out.file().variable("v").expect("kept").dim_names(), ["time", "lev", "lat", "lon"]);
    assert_eq!(values(&output, "v"), values(&output, "w"));
}

/// From `[lat][time][lon][lev]` to `[time][lev][lat][lon]`.
fn permuted(from: &[f32]) -> Vec<f32> {
    let at = |t: usize, l: usize, j: usize, i: usize| from[((j * 3 + t) * 8 + i) * 2 + l];
    let index = (0..3).flat_map(|t| (0..2).map(move |l| (t, l)));
    index
        .flat_map(|(t, l)| (0..4).flat_map(move |j| (0..8).map(move |i| (t, l, j, i))))
        .map(|(t, l, j, i)| at(t, l, j, i))
        .collect()
}

#[test]
fn chosen_variables_bring_what_belongs_to_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    rich_file(&input);
    let report = run(&input, &output, "r12x6", Method::Nearest, &|r| r.variables = Some(vec!["ta".into()])).expect("regrids");
    let names: Vec<&str> = report.variables.iter().map(|v| v.name.as_str()).collect();
    // The surface pressure is a term of the levels' formula.
    assert_eq!(names, ["ta", "ps"]);
    assert_eq!(report.carried, ["time", "time_bnds", "lev", "ap", "b", "height"]);
    let typo = run(&input, &output, "r12x6", Method::Nearest, &|r| r.variables = Some(vec!["taa".into()]));
    let typo = typo.expect_err("misspelt").to_string();
    assert!(typo.contains("no variable `taa`, did you mean `ta`"), "{typo}");
    let flat = run(&input, &output, "r12x6", Method::Nearest, &|r| r.variables = Some(vec!["steps".into()]));
    assert!(flat.is_err());
}

#[test]
fn failures_leave_nothing_and_keep_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let mut vars = axis_vars(4, 8);
    let mut late_nan = wave(96);
    late_nan[90] = f32::NAN;
    vars.push(var("v", &["time", "lat", "lon"], Numbers::F32(late_nan), &[]));
    write(&input, &DIMS, &[], &vars);
    let failed = run(&input, &output, "r12x6", Method::Nearest, &|r| r.memory_limit = 1);
    assert!(matches!(failed, Err(IoError::NanWithoutFill { first_index: 90, .. })), "{failed:?}");
    assert_eq!(names_in(folder.path()), ["in.nc"]);

    std::fs::write(&output, b"precious").expect("writable");
    let exists = run(&input, &output, "r12x6", Method::Nearest, &|r| r.nan = NanPolicy::Missing);
    assert!(matches!(exists, Err(IoError::Exists { .. })), "{exists:?}");
    let failed = run(&input, &output, "r12x6", Method::Nearest, &|r| r.overwrite = true);
    assert!(matches!(failed, Err(IoError::NanWithoutFill { .. })), "{failed:?}");
    assert_eq!(std::fs::read(&output).expect("still there"), b"precious");
    run(&input, &output, "r12x6", Method::Nearest, &|r| {
        r.overwrite = true;
        r.nan = NanPolicy::Missing;
    })
    .expect("regrids");
    assert_eq!(names_in(folder.path()), ["in.nc", "out.nc"]);
}

#[test]
fn fields_that_are_all_missing_or_have_no_step_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let fill = numbers(NumberType::F32, &[-1.0]);
    let mut vars = axis_vars(4, 8);
    vars.push(var("gone", &["lat", "lon"], Numbers::F32(vec![-1.0; 32]), &[("_FillValue", fill)]));
    vars.push(var("none", &["time", "lat", "lon"], Numbers::F32(vec![]), &[]));
    let dims: Vec<(&str, usize)> = DIMS.iter().map(|&(n, len)| (n, if n == "time" { 0 } else { len })).collect();
    write(&input, &dims, &[], &vars);
    let report = run(&input, &output, "r12x6", Method::Conservative, &as_is).expect("regrids");
    let gone = &report.variables[0];
    assert_eq!((gone.before.valid, gone.before.missing, gone.after.valid, gone.after.missing), (0, 32, 0, 72));
    assert!(gone.after.mean.is_nan());
    assert_eq!(report.variables[1].slabs, 0);
    let out = Dataset::open(&output).expect("NetCDF");
    let none = out.file().variable("none").expect("kept");
    assert!(none.dims[0].unlimited && none.dims[0].len == 0);
}

#[test]
fn a_file_without_grids_says_why_for_each_variable() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let series: Vec<Var> = vec![var("series", &["time"], Numbers::F32(vec![1.0, 2.0, 3.0]), &[])];
    write(&input, &DIMS, &[], &series);
    let error = run(&input, &output, "r12x6", Method::Nearest, &as_is).expect_err("no grid");
    assert!(matches!(&error, IoError::NoGriddedVariable { reasons, .. } if reasons[0].0 == "series"), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(names_in(folder.path()), ["in.nc"]);
}

#[test]
fn weights_of_another_grid_are_refused_and_own_ones_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let (again, map) = (folder.path().join("again.nc"), folder.path().join("map.nc"));
    rich_file(&input);
    let report = run(&input, &output, "r12x6", Method::Conservative, &as_is).expect("regrids");
    assert_eq!(report.weights.len(), 1, "one grid, one method: made once");
    let used = &report.weights[0];
    let (format, weights) = (knarr_io::WeightsFormat::Esmf, used.regridder.weights.joined());
    knarr_io::write_weights(weights, &used.source, &spec("r12x6"), &map, format, false).expect("written");
    let with = |to: &str, output: &Path| {
        run(&input, output, to, Method::Nearest, &|r| r.weights = Some(knarr_io::read_weights(&map).expect("weights")))
    };
    with("r12x6", &again).expect("they fit");
    assert_eq!(values(&output, "ta"), values(&again, "ta"));
    let refused = with("r6x12", &folder.path().join("no.nc")).expect_err("another grid");
    assert!(matches!(refused, IoError::WeightsMismatch { .. }), "{refused}");
}

#[test]
fn a_grid_file_serves_fields_without_coordinates() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let grid_file = folder.path().join("grid.nc");
    let mut vars = axis_vars(4, 8);
    vars.push(var("depth", &["lat", "lon"], Numbers::F32(wave(32)), &[]));
    write(&grid_file, &DIMS, &[], &vars);
    let dims = [("t", 3), ("j", 4), ("i", 8)];
    write(&input, &dims, &[], &[var("v", &["t", "j", "i"], Numbers::F32(wave(96)), &[])]);
    let without = run(&input, &output, "r12x6", Method::Nearest, &as_is);
    assert!(matches!(without, Err(IoError::NoGriddedVariable { .. })));
    let report = run(&input, &output, "r12x6", Method::Nearest, &|r| r.grid_file = Some(grid_file.clone())).expect("regrids");
    assert_eq!((report.variables[0].slabs, report.variables[0].cells), (3, (32, 32)));
    let out = Dataset::open(&output).expect("NetCDF");
    assert_eq!(out.file().variable("v").expect("kept").dim_names(), ["t", "lat", "lon"]);
}

#[test]
fn texts_and_groups_are_carried_over() {
    use knarr_io::nc::ValueType;
    use knarr_io::nc_write::{NewFile, NewVariable};
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let mut file = NewFile::create(&input, false).expect("created");
    for (name, len) in [("lat", 4), ("lon", 8), ("g/member", 2), ("len", 3)] {
        file.add_dimension(name, len, false).expect("added");
    }
    let new = |name: &str, dims: &[&str], value_type, attributes: &[(&str, &str)]| NewVariable {
        name: name.into(),
        dims: dims.iter().map(|d| (*d).to_owned()).collect(),
        value_type,
        attributes: attributes.iter().map(|(n, v)| ((*n).to_owned(), Attribute::from(*v))).collect(),
        fill: None,
        chunks: None,
        compressed: false,
    };
    let f64s = ValueType::Number(NumberType::F64);
    file.add_variable(&new("lat", &["lat"], f64s.clone(), &[("units", "degrees_north")])).expect("added");
    file.add_variable(&new("lon", &["lon"], f64s.clone(), &[("units", "degrees_east")])).expect("added");
    file.add_variable(&new("g/v", &["g/member", "lat", "lon"], f64s, &[("coordinates", "names")])).expect("added");
    file.add_variable(&new("g/names", &["g/member"], ValueType::String, &[])).expect("added");
    file.add_variable(&new("codes", &["len"], ValueType::Char, &[("long_name", "letters")])).expect("added");
    let (lats, lons) = common::lat_lon_axes(4, 8);
    file.put_numbers("lat", std::slice::from_ref(&(0..4)), &Numbers::F64(lats)).expect("put");
    file.put_numbers("lon", std::slice::from_ref(&(0..8)), &Numbers::F64(lons)).expect("put");
    let ramp = Numbers::F64((0..64).map(f64::from).collect());
    file.put_numbers("g/v", &[0..2, 0..4, 0..8], &ramp).expect("put");
    file.put_texts("g/names", &[2], &["r1i1".into(), "r2i1".into()]).expect("put");
    file.put_chars("codes", &[3], b"abc").expect("put");
    file.finish().expect("written");
    run(&input, &output, "r12x6", Method::Nearest, &as_is).expect("regrids");
    let out = Dataset::open(&output).expect("NetCDF");
    assert_eq!(out.file().read_texts("g/names").expect("kept"), ["r1i1", "r2i1"]);
    assert_eq!(out.file().read_texts("codes").expect("kept"), ["abc"]);
    let v = out.file().variable("g/v").expect("kept");
    assert_eq!(v.dim_names(), ["g/member", "lat", "lon"]);
    assert_eq!(v.attributes.text("coordinates"), Some("names"));
}

#[test]
fn slabs_of_a_file_equal_slabs_made_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    rich_file(&input);
    let report = run(&input, &output, "r12x6", Method::Bilinear, &|r| r.memory_limit = 1).expect("regrids");
    let dataset = Dataset::open(&input).expect("NetCDF");
    let grid = on(&report.weights[0].source, &["lat", "lon"]);
    let slabs = dataset.read_slabs("ta", &grid, 0..6, NanPolicy::Error).expect("reads");
    let (mut expected, mut valid) = (vec![f64::NAN; 6 * 72], vec![false; 6 * 72]);
    let regridder = &report.weights[0].regridder;
    regridder.apply_into(slabs.values.as_slice().expect("contiguous"), None, &mut expected, &mut valid).expect("fits");
    let single: Vec<f64> = expected.iter().map(|&v| f64::from(v as f32)).collect();
    assert_eq!(values(&output, "ta"), single);
}
