//! Other levels: formulas, methods, what is beyond, and the files that come of it.

use knarr_io::levels::{Beyond, LevelsReport, LevelsRequest, Targets, VerticalMethod, levels_file};
use knarr_io::{Dataset, IoError, NanPolicy, Purpose, read_decoded};
use std::path::{Path, PathBuf};

fn request(input: &Path, output: &Path, to: &str, method: VerticalMethod) -> LevelsRequest {
    LevelsRequest {
        input: input.to_owned(),
        output: output.to_owned(),
        targets: Targets::parse(to).expect("levels"),
        method,
        below: Beyond::Missing,
        above: Beyond::Missing,
        variables: None,
        nan: NanPolicy::Error,
        overwrite: true,
        history: "a test".to_owned(),
    }
}

const LEVELS: usize = 20;
const CELLS: usize = 6;

/// Surface pressure of a time and cell.
fn surface(time: usize, cell: usize) -> f64 {
    100_000.0 - 6000.0 * cell as f64 + 500.0 * time as f64
}

/// Hybrid coefficients at half levels: pure pressure at the top, pure sigma at the ground.
fn half_level(k: usize) -> (f64, f64) {
    let s = k as f64 / LEVELS as f64;
    (20_000.0 * s * (1.0 - s) + 100.0 * (1.0 - s), s * s)
}

fn full_level(k: usize) -> (f64, f64) {
    let (above, below) = (half_level(k), half_level(k + 1));
    (0.5 * (above.0 + below.0), 0.5 * (above.1 + below.1))
}

/// A file of 2 times, hybrid levels and 6 columns; `t` is `profile` of the pressure of full levels, `q` of the edges'.
fn hybrid(folder: &tempfile::TempDir, profile: impl Fn(f64) -> f64, layer: impl Fn(f64, f64) -> f64) -> PathBuf {
    let path = folder.path().join("hybrid.nc");
    let mut file = netcdf::create(&path).expect("a new file");
    for (name, len) in [("time", 2), ("lev", LEVELS), ("lat", 2), ("lon", 3), ("bnds", 2)] {
        file.add_dimension(name, len).expect("a dimension");
    }
    let mut put = |name: &str, dims: &[&str], values: &[f64], attributes: &[(&str, &str)]| {
        let mut v = file.add_variable::<f64>(name, dims).expect("a variable");
        for (name, text) in attributes {
            v.put_attribute(name, *text).expect("an attribute");
        }
        v.put_values(values, ..).expect("values");
    };
    put("lat", &["lat"], &[-10.0, 10.0], &[("units", "degrees_north")]);
    put("lon", &["lon"], &[0.0, 10.0, 20.0], &[("units", "degrees_east")]);
    put("time", &["time"], &[0.0, 1.0], &[("units", "days since 2000-01-01")]);
    let numbers: Vec<f64> = (1..=LEVELS).map(|k| k as f64).collect();
    let name = ("standard_name", "atmosphere_hybrid_sigma_pressure_coordinate");
    put(
        "lev",
        &["lev"],
        &numbers,
        &[name, ("formula_terms", "ap: ap b: b ps: ps"), ("bounds", "lev_bnds"), ("positive", "down")],
    );
    let pairs: Vec<f64> = (0..LEVELS).flat_map(|k| [k as f64, k as f64 + 1.0]).collect();
    put("lev_bnds", &["lev", "bnds"], &pairs, &[name, ("formula_terms", "ap: ap_bnds b: b_bnds ps: ps")]);
    let full: Vec<(f64, f64)> = (0..LEVELS).map(full_level).collect();
    put("ap", &["lev"], &full.iter().map(|f| f.0).collect::<Vec<_>>(), &[("units", "Pa")]);
    put("b", &["lev"], &full.iter().map(|f| f.1).collect::<Vec<_>>(), &[("units", "1")]);
    let half: Vec<(f64, f64)> = (0..LEVELS).flat_map(|k| [half_level(k), half_level(k + 1)]).collect();
    put("ap_bnds", &["lev", "bnds"], &half.iter().map(|f| f.0).collect::<Vec<_>>(), &[("units", "Pa")]);
    put("b_bnds", &["lev", "bnds"], &half.iter().map(|f| f.1).collect::<Vec<_>>(), &[]);
    let ps: Vec<f64> = (0..2 * CELLS).map(|i| surface(i / CELLS, i % CELLS)).collect();
    put("ps", &["time", "lat", "lon"], &ps, &[("units", "Pa")]);
    let (mut t, mut q) = (Vec::new(), Vec::new());
    for i in 0..2 * LEVELS * CELLS {
        let (time, k, cell) = (i / (LEVELS * CELLS), i / CELLS % LEVELS, i % CELLS);
        let at = |(a, b): (f64, f64)| a + b * surface(time, cell);
        t.push(profile(at(full_level(k))));
        let (top, bottom) = (at(half_level(k)), at(half_level(k + 1)));
        q.push(layer(top, bottom));
    }
    let dims = ["time", "lev", "lat", "lon"];
    put("t", &dims, &t, &[("units", "K"), ("standard_name", "air_temperature"), ("cell_methods", "time: mean")]);
    put("q", &dims, &q, &[("units", "kg kg-1")]);
    path
}

fn values(path: &Path, name: &str) -> Vec<Option<f64>> {
    let dataset = Dataset::open(path).expect("a file");
    let decoded = read_decoded(dataset.file(), name, Purpose::Data, NanPolicy::Error).expect("values");
    let valid = decoded.valid;
    decoded.values.into_iter().enumerate().map(|(i, v)| valid.as_ref().is_none_or(|ok| ok[i]).then_some(v)).collect()
}

fn of_variable<'a>(report: &'a LevelsReport, name: &str) -> &'a knarr_io::levels::LevelsOfVariable {
    report.variables.iter().find(|v| v.name == name).expect("it has levels")
}

#[test]
fn hybrid_levels_become_pressures_and_lines_stay_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    // What a method draws as a line it must give exactly: of pressure, and of its logarithm.
    type Case = (VerticalMethod, fn(f64) -> f64);
    let cases: [Case; 3] = [
        (VerticalMethod::Linear, |p| 200.0 + 1e-3 * p),
        (VerticalMethod::Log, |p| 20.0 * p.ln()),
        (VerticalMethod::Pchip, |p| 200.0 + 1e-3 * p),
    ];
    for (method, profile) in cases {
        let input = hybrid(&folder, profile, |_, _| 0.0);
        let output = folder.path().join("plev.nc");
        let report = levels_file(&request(&input, &output, "900,500,10hPa", method)).expect("levels");
        assert_eq!(of_variable(&report, "t").columns, 2 * CELLS);
        let found = values(&output, "t");
        for (i, value) in found.iter().enumerate() {
            let (time, k, cell) = (i / (3 * CELLS), i / CELLS % 3, i % CELLS);
            let p = [90_000.0, 50_000.0, 1000.0][k];
            let lowest = full_level(LEVELS - 1);
            let highest = full_level(0);
            let at = |(a, b): (f64, f64)| a + b * surface(time, cell);
            let expected = (p <= at(lowest) && p >= at(highest)).then(|| profile(p));
            match (value, expected) {
                (Some(v), Some(e)) => assert!((v - e).abs() < 1e-9 * e.abs(), "{method:?} {i}: {v} {e}"),
                (found, expected) => assert_eq!(*found, expected, "{method:?} {i}"),
            }
        }
        // Some columns lie on mountains: 900 hPa is under the ground there.
        assert!(found.contains(&None) && of_variable(&report, "t").missing > 0);
    }
}

#[test]
fn beyond_the_levels_is_what_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = hybrid(&folder, |p| 1e-3 * p, |_, _| 0.0);
    let output = folder.path().join("out.nc");
    let mut request = request(&input, &output, "1100,0.1hPa", VerticalMethod::Linear);
    for (below, above) in [(Beyond::Nearest, Beyond::Missing), (Beyond::Missing, Beyond::Extrapolate)] {
        (request.below, request.above) = (below, above);
        levels_file(&request).expect("levels");
        let found = values(&output, "t");
        let lowest = |cell: usize| full_level(LEVELS - 1).0 + full_level(LEVELS - 1).1 * surface(0, cell);
        for cell in 0..CELLS {
            let (ground, top) = (found[cell], found[CELLS + cell]);
            if below == Beyond::Nearest {
                assert!((ground.expect("nearest") - 1e-3 * lowest(cell)).abs() < 1e-9);
                assert_eq!(top, None);
            } else {
                assert_eq!(ground, None);
                assert!((top.expect("a line") - 1e-3 * 10.0).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn layers_keep_the_mass_of_every_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let layer = |top: f64, bottom: f64| 1e-3 + ((bottom / 9000.0).cos() - (top / 9000.0).cos()).abs();
    let input = hybrid(&folder, |_| 280.0, layer);
    let output = folder.path().join("layers.nc");
    for method in [VerticalMethod::Conservative, VerticalMethod::Ppm] {
        // From above the top to below every ground, and cut anywhere between.
        let edges = [0.0, 5.0, 60.0, 123.0, 300.0, 512.0, 700.0, 850.0, 933.3, 1200.0];
        let text: Vec<String> = edges.iter().map(f64::to_string).collect();
        let report = levels_file(&request(&input, &output, &format!("{}hPa", text.join(",")), method)).expect("layers");
        assert_eq!(of_variable(&report, "q").remarks, Vec::<String>::new());
        let (before, after, constant) = (values(&input, "q"), values(&output, "q"), values(&output, "t"));
        let layers = edges.len() - 1;
        for column in 0..2 * CELLS {
            let (time, cell) = (column / CELLS, column % CELLS);
            let at = |k: usize| half_level(k).0 + half_level(k).1 * surface(time, cell);
            let mass: f64 =
                (0..LEVELS).map(|k| before[(time * LEVELS + k) * CELLS + cell].expect("all there") * (at(k + 1) - at(k))).sum();
            let found: f64 = (0..layers)
                .map(|k| {
                    // What source layers cover of a target is between the top and the ground.
                    let (top, bottom) = (edges[k] * 100.0, edges[k + 1] * 100.0);
                    let height = (bottom.min(at(LEVELS)) - top.max(at(0))).max(0.0);
                    after[(time * layers + k) * CELLS + cell].map_or(0.0, |v| v * height)
                })
                .sum();
            assert!((found / mass - 1.0).abs() < 1e-14, "{method:?} {column}: {}", found / mass - 1.0);
        }
        assert!(constant.iter().flatten().all(|&t| t == 280.0), "a constant keeps its bits");
        let dataset = Dataset::open(&output).expect("written");
        let text = |v: &str, a: &str| dataset.variable(v).expect("there").attributes.text(a).unwrap_or_default().to_owned();
        assert_eq!((text("plev", "bounds"), text("plev", "units")), ("plev_bnds".to_owned(), "hPa".to_owned()));
        assert_eq!(text("t", "cell_methods"), "time: mean plev: mean");
        assert_eq!(dataset.variable("t").expect("there").dims[1], ("plev".to_owned(), layers));
        assert!(dataset.variable("ps").is_ok() && dataset.variable("ap").is_err());
    }
}

#[test]
fn what_has_no_such_levels_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = hybrid(&folder, |_| 280.0, |_, _| 0.0);
    let output = folder.path().join("out.nc");
    let error = levels_file(&request(&input, &output, "10,100m", VerticalMethod::Linear)).expect_err("pressures, not heights");
    assert!(error.to_string().contains("no variable has levels of height or depth"), "{error}");
    let mut file = netcdf::append(&input).expect("the file");
    let mut lev = file.variable_mut("lev").expect("levels");
    lev.put_attribute("formula_terms", "ap: ap b: b").expect("an attribute");
    drop(file);
    let error = levels_file(&request(&input, &output, "500hPa", VerticalMethod::Linear)).expect_err("no ps");
    assert!(matches!(&error, IoError::Malformed { .. }) && error.to_string().contains("needs the term `"), "{error}");
}

#[test]
fn real_columns_of_the_ocean_and_the_atmosphere() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        eprintln!("skipped 1: no {}", data.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.nc");
    let giops = data.join("eccc/giops_temp_50lev_tropical_pacific.nc");
    let dataset = Dataset::open(&giops).expect("a real file");
    let depths = dataset.file().read("deptht").expect("depths");
    let source = values(&giops, "votemper");
    let cells = source.len() / depths.len();
    // At the file's own depths its values are exact, bottom included.
    let list: Vec<String> = [0, 7, 20, 49].map(|k| depths[k].to_string()).to_vec();
    for method in [VerticalMethod::Linear, VerticalMethod::Pchip] {
        levels_file(&request(&giops, &output, &format!("{}m", list.join(",")), method)).expect("depths");
        let found = values(&output, "votemper");
        for (k, level) in [0, 7, 20, 49].into_iter().enumerate() {
            assert_eq!(found[k * cells..(k + 1) * cells], source[level * cells..(level + 1) * cells], "{method:?} {level}");
        }
    }
    let ozone = data.join("atmos/o3_AERmon_MPI-ESM1-2-LR_hybrid_185001.nc");
    let mut request = request(&ozone, &output, "980,950hPa", VerticalMethod::Linear);
    request.variables = Some(vec!["o3".to_owned()]);
    let report = levels_file(&request).expect("pressures");
    let found = values(&output, "o3");
    let source = values(&ozone, "o3");
    let range = source.iter().flatten().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    assert!(report.variables[0].missing < found.len(), "some columns reach down to 950 hPa");
    assert!(found.iter().flatten().all(|v| (range.0..=range.1).contains(v)));
}
