//! Which components make a vector, and what is said of those that do not.

use super::*;

fn message(result: Result<RegridReport, IoError>) -> String {
    result.expect_err("refused").to_string()
}

#[test]
fn a_lone_component_along_the_grid_is_refused_and_one_along_the_earth_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (rotated, lat_lon) = (hrdps(6.0), spec("r36x18"));
    let [x, y] = rotation(&rotated, VectorFrame::Grid);
    let out = path("out.nc");
    let to = |input: &str, vectors, change: &dyn Fn(&mut RegridRequest<'_>)| run(&path(input), &out, &lat_lon, vectors, change);

    write(&path("lone.nc"), &[(&rotated, vec![component("u", "x_wind", x.clone())])]);
    let why = message(to("lone.nc", VectorOutput::Earth, &as_is));
    assert!(why.contains("`u`: it is a component along the axes of its grid") && why.contains("`y_wind`"), "{why}");
    assert!(!out.exists());
    to("lone.nc", VectorOutput::Separate, &as_is).expect("as a scalar");

    // So is each of two where they cannot be turned: the least u and the least v are of different places.
    let two = vec![component("u", "x_wind", x.clone()), component("v", "y_wind", y.clone())];
    write(&path("pair.nc"), &[(&rotated, two)]);
    let least = |r: &mut RegridRequest<'_>| (r.methods, r.finish) = (&first_order, Finish::Statistic(Statistic::Minimum));
    let why = message(to("pair.nc", VectorOutput::Earth, &least));
    assert!(why.contains("a statistic of it tells nothing along other axes"), "{why}");
    let report = to("pair.nc", VectorOutput::Separate, &least).expect("as scalars");
    assert!(report.variables.len() == 2 && report.variables.iter().all(|v| v.vector.is_none()));

    let two = vec![component("u", "x_wind", x.clone()), component("t", "air_temperature", y.clone())];
    write(&path("beside.nc"), &[(&rotated, two)]);
    let report = to("beside.nc", VectorOutput::Earth, &as_is).expect("the other variable");
    assert_eq!(report.variables.len(), 1);
    assert!(report.skipped.iter().any(|(name, why)| name == "u" && why.contains("y_wind")), "{:?}", report.skipped);
    let asked = message(to("beside.nc", VectorOutput::Earth, &|r| r.variables = Some(vec!["u".into(), "t".into()])));
    assert!(asked.contains("cannot regrid `u`"), "{asked}");

    // East is east on both grids, whatever it is called.
    let wind = rotation(&lat_lon, VectorFrame::Earth)[0].clone();
    write(&path("east.nc"), &[(&lat_lon, vec![component("ua", "x_wind", wind.clone())])]);
    let report = to("east.nc", VectorOutput::Earth, &as_is).expect("a scalar");
    assert!(report.variables[0].remarks[0].contains("`y_wind`"), "{:?}", report.variables[0].remarks);
    assert_eq!(attribute(&out, "ua", "standard_name"), "eastward_wind");
    let onto = run(&path("east.nc"), &out, &rotated, VectorOutput::Grid, &as_is);
    assert!(message(onto).contains("to be turned to the axes of the destination"));
}

#[test]
fn pairs_are_told_apart_or_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (rotated, lat_lon) = (hrdps(6.0), spec("r36x18"));
    let [x, y] = rotation(&rotated, VectorFrame::Grid);
    let out = path("out.nc");
    let to =
        |input: &str, change: &dyn Fn(&mut RegridRequest<'_>)| run(&path(input), &out, &lat_lon, VectorOutput::Earth, change);
    let partners = |report: &RegridReport| -> Vec<(String, String)> {
        let of = |v: &knarr_io::VariableReport| Some((v.name.clone(), v.vector.as_ref()?.partner.clone()));
        report.variables.iter().filter_map(of).collect()
    };

    // Two heights with the same standard names.
    let winds = [("u10", "x_wind", &x), ("u100", "x_wind", &y), ("v10", "y_wind", &y), ("v100", "y_wind", &x)];
    let of = |winds: &[(&'static str, &'static str, &Vec<f64>)]| {
        winds.iter().map(|(name, standard, values)| component(name, standard, (*values).clone())).collect::<Vec<_>>()
    };
    write(&path("heights.nc"), &[(&rotated, of(&winds))]);
    let report = to("heights.nc", &as_is).expect("two vectors");
    let named = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    assert_eq!(partners(&report), named(&[("u10", "v10"), ("u100", "v100"), ("v10", "u10"), ("v100", "u100")]));

    // Nothing tells which is which.
    write(&path("twice.nc"), &[(&rotated, of(&[("a", "x_wind", &x), ("b", "y_wind", &y), ("c", "y_wind", &y)]))]);
    let why = message(to("twice.nc", &as_is));
    assert!(why.contains("`b` and `c` could each be the other component"), "{why}");
    let pair = |a: &str, b: &str, frame| vec![NamedPair { names: [a.into(), b.into()], frame }];
    let report = to("twice.nc", &|r| r.pairs = pair("a", "c", None)).expect("named");
    assert_eq!(partners(&report), named(&[("a", "c"), ("c", "a")]));
    assert!(report.skipped.iter().any(|(name, _)| name == "b"), "{:?}", report.skipped);

    // No standard names, or wrong ones.
    let mut plain = of(&[("uice", "x", &x), ("vice", "y", &y)]);
    plain.iter_mut().for_each(|v| v.attributes.retain(|(name, _)| *name == "units"));
    write(&path("plain.nc"), &[(&rotated, plain)]);
    assert!(partners(&to("plain.nc", &as_is).expect("scalars")).is_empty());
    let why = message(to("plain.nc", &|r| r.pairs = pair("uice", "vice", None)));
    assert!(why.contains("`:earth` or `:grid`"), "{why}");
    to("plain.nc", &|r| r.pairs = pair("uice", "vice", Some(VectorFrame::Grid))).expect("turned");
    let turned = read(&out, "uice");
    write(&path("named.nc"), &[(&rotated, of(&[("uice", "x_wind", &x), ("vice", "y_wind", &y)]))]);
    to("named.nc", &as_is).expect("turned");
    assert_eq!(turned, read(&out, "uice"));
    write(&path("wrong.nc"), &[(&rotated, of(&[("uice", "eastward_wind", &x), ("vice", "northward_wind", &y)]))]);
    to("wrong.nc", &|r| r.pairs = pair("uice", "vice", Some(VectorFrame::Grid))).expect("turned");
    assert_eq!(turned, read(&out, "uice"));
    assert!(message(to("wrong.nc", &|r| r.pairs = pair("uice", "vise", None))).contains("vise"));
}

#[test]
fn components_that_do_not_fit_are_no_vector() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (rotated, lat_lon) = (hrdps(6.0), spec("r36x18"));
    let [x, y] = rotation(&rotated, VectorFrame::Grid);
    let refused = |change: &dyn Fn(&mut [OnGrid; 2]), grid: &Grid| {
        let mut both = [component("u", "x_wind", x.clone()), component("v", "y_wind", y.clone())];
        change(&mut both);
        write(&path("in.nc"), &[(grid, both.into())]);
        message(run(&path("in.nc"), &path("out.nc"), &lat_lon, VectorOutput::Earth, &as_is))
    };
    let why = refused(&|[_, v]| v.attributes[1].1 = "knot", &rotated);
    assert!(why.contains("`v` has other units (`knot`, not `m s-1`)"), "{why}");
    let why = refused(&|[_, v]| (v.extra, v.values) = (vec![("lev", 2)], [y.clone(), y.clone()].concat()), &rotated);
    assert!(why.contains("other dimensions (lev = 2, not )"), "{why}");
    let why = refused(&|both| both.iter_mut().for_each(|v| v.attributes.push(("cell_methods", "time: maximum"))), &rotated);
    assert!(why.contains("`cell_methods` say maximum"), "{why}");
    let why = refused(
        &|[u, v]| (u.attributes[0].1, v.attributes[0].1) = ("ocean_mass_x_transport", "ocean_mass_y_transport"),
        &rotated,
    );
    assert!(why.contains("a transport through the faces of cells"), "{why}");
    let mesh = Grid::from_spec("H4").expect("a valid grid");
    let why = refused(&|both| both.iter_mut().for_each(|v| v.values.resize(mesh.len(), 1.0)), &mesh);
    assert!(why.contains("HEALPix nside 4 ring grid has no x and y axes"), "{why}");
    // A direction cannot be fixed.
    let fixed = |r: &mut RegridRequest<'_>| r.methods = &|_| "bilinear,fixed:5".parse().expect("a stack");
    write(&path("both.nc"), &[(&rotated, vec![component("u", "x_wind", x.clone()), component("v", "y_wind", y.clone())])]);
    assert!(
        message(run(&path("both.nc"), &path("out.nc"), &lat_lon, VectorOutput::Earth, &fixed)).contains("it has no direction")
    );
    // And onto a mesh along axes it has not.
    let two = vec![component("u", "x_wind", x.clone()), component("v", "y_wind", y.clone())];
    write(&path("in.nc"), &[(&rotated, two)]);
    let onto = run(&path("in.nc"), &path("out.nc"), &Arc::new(mesh), VectorOutput::Grid, &as_is);
    assert!(message(onto).contains("HEALPix"));
}
