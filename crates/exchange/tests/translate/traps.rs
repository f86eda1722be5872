//! Where data of the two sides have been mistaken for each other.

use crate::support::{Axis, Frame, Var, catalogue, read, request, run, text, write};
use knarr_exchange::catalogue::Convention;
use knarr_exchange::translate::{Slab, TranslateError, Turn, VectorAxes, translate};
use knarr_grid::{Grid, HealpixOrder};
use std::sync::Arc;

fn constant(name: &str, units: &str, value: f64) -> Var<'static> {
    Var { name: name.into(), attributes: vec![("units", units.to_owned())], value: Box::new(move |_, _, _| Some(value)) }
}

fn files() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    (folder, input, output)
}

#[test]
fn winds_along_a_rotated_grid_become_eastward_before_anything_else() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("rot:65.3,36.1,-3,-10,1.5,1.5,5,4").expect("a grid");
    let turn = Turn::of(&grid).expect("axes");
    // A wind from the west everywhere, as the axes of the grid see it.
    let west = knarr_exchange::translate::EarthRelative {
        east: Slab::whole(vec![10.0; grid.len()]),
        north: Slab::whole(vec![0.0; grid.len()]),
    };
    let along = turn.to_grid(&west);
    let component = |name: &str, slab: &Slab| {
        let values = slab.values.clone();
        Var {
            name: name.into(),
            attributes: vec![("units", "m s-1".to_owned())],
            value: Box::new(move |_, _, cell| Some(values[cell])),
        }
    };
    // The northward one first: the order of the file does not matter.
    write(&input, &Frame::new(&grid, &[1.0]), &[component("VGRD_AGL-10m", &along.y), component("UGRD_AGL-10m", &along.x)]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::ClimateDt).unwrap_or_else(|e| panic!("{e}"));
    let ((u, _), (v, _)) = (read(&output, "10u"), read(&output, "10v"));
    assert!(u.iter().all(|u| (u - 10.0).abs() < 1e-13) && v.iter().all(|v| v.abs() < 1e-13));
    // Said to be eastward already, they stay as they are.
    let mut told = request(&catalogue, &input, &output, Convention::Eccc, Convention::Cf);
    told.axes = VectorAxes::Earth;
    translate(&told).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read(&output, "eastward_wind_10m").0, along.x.values);
    // One component alone cannot be turned.
    write(&input, &Frame::new(&grid, &[1.0]), &[component("UGRD_AGL-10m", &along.x)]);
    let error = run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).expect_err("half a vector");
    assert!(matches!(error, TranslateError::Partner { .. }), "{error}");
    // On a lat-lon grid there is nothing to turn, and one component will do.
    let plain = Grid::from_spec("r4x3").expect("a grid");
    write(&input, &Frame::new(&plain, &[1.0]), &[constant("UGRD_AGL-10m", "m s-1", 4.0)]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "eastward_wind_10m").0.iter().all(|u| *u == 4.0));
}

#[test]
fn turbulent_fluxes_change_their_direction() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r4x3").expect("a grid");
    write(&input, &Frame::new(&grid, &[1.0]), &[constant("SHTFL_Sfc", "W m-2", 120.0)]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::ClimateDt).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "avg_ishf").0.iter().all(|v| *v == -120.0), "upward at ECCC, downward at ECMWF");
    write(&input, &Frame::new(&grid, &[1.0]), &[constant("avg_tnlwrf", "W m**-2", -240.0)]);
    run(&catalogue, &input, &output, Convention::ClimateDt, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "toa_outgoing_longwave_flux").0.iter().all(|v| *v == 240.0));
}

#[test]
fn heights_are_decametres_metres_or_geopotential() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r4x3").expect("a grid");
    let mut frame = Frame::new(&grid, &[1.0]);
    frame.axis = Some(Axis { name: "pres", attributes: vec![("units", "hPa")], values: vec![500.0], bounds: None });
    write(&input, &frame, &[constant("GZ", "dam", 552.0)]);
    run(&catalogue, &input, &output, Convention::Rpn, Convention::ClimateDt).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "z").0.iter().all(|v| (v / (5520.0 * 9.806_65) - 1.0).abs() < 1e-15));
    assert_eq!(text(&output, "z", "units").as_deref(), Some("m2 s-2"));
    // The feed of the AI model has geopotential under ECCC's name.
    write(&input, &frame, &[constant("HGT_ISBL", "m2 s-2", 5520.0 * 9.806_65)]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "geopotential_height_pl").0.iter().all(|v| (v / 5520.0 - 1.0).abs() < 1e-15));
}

#[test]
fn snow_is_depth_here_and_water_there() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r4x3").expect("a grid");
    write(&input, &Frame::new(&grid, &[1.0]), &[constant("sd", "kg m-2", 80.0)]);
    run(&catalogue, &input, &output, Convention::ClimateDt, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "snow_water_equivalent").0.iter().all(|v| *v == 80.0));
    // Generation 1 had metres of water under the same name.
    write(&input, &Frame::new(&grid, &[1.0]), &[constant("sd", "m of water equivalent", 0.08)]);
    run(&catalogue, &input, &output, Convention::ClimateDt, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "snow_water_equivalent").0.iter().all(|v| (v - 80.0).abs() < 1e-13));
    write(&input, &Frame::new(&grid, &[1.0]), &[constant("SD", "cm", 35.0)]);
    run(&catalogue, &input, &output, Convention::Rpn, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "snow_depth").0.iter().all(|v| *v == 0.35));
}

/// Density is never regridded: depth is made from it, exchanged, and density taken again in the end.
#[test]
fn ratios_go_as_numerator_and_denominator() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r36x18").expect("a grid");
    let deep = |cell: usize| cell.is_multiple_of(2);
    let water = Var {
        name: "sd".into(),
        attributes: vec![("units", "kg m-2".to_owned())],
        value: Box::new(move |_, _, cell| {
            Some(if cell == 3 {
                0.0
            } else if deep(cell) {
                400.0
            } else {
                10.0
            })
        }),
    };
    // No snow, no density: missing in cell 3.
    let density = Var {
        name: "rsn".into(),
        attributes: vec![("units", "kg m-3".to_owned())],
        value: Box::new(move |_, _, cell| (cell != 3).then(|| if deep(cell) { 400.0 } else { 100.0 })),
    };
    write(&input, &Frame::new(&grid, &[1.0]), &[water, density]);
    run(&catalogue, &input, &output, Convention::ClimateDt, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    let (depth, valid) = read(&output, "snow_depth");
    assert!(valid[3] && depth[3] == 0.0);
    assert_eq!((depth[0], depth[1]), (1.0, 0.1));
    // Coarser by 2 x 2 (conservatively): mean water 205, mean depth 0.55, density 372.7; a mean of densities says 250.
    let mut to_grid = request(&catalogue, &input, &output, Convention::ClimateDt, Convention::Eccc);
    to_grid.to_grid = Some(Arc::new(Grid::from_spec("r18x9").expect("a grid")));
    let report = translate(&to_grid).unwrap_or_else(|e| panic!("{e}"));
    assert!(report.regridded.iter().all(|(_, method)| method == "conservative"), "{:?}", report.regridded);
    let ((mass, _), (depth, _), (density, _)) = (read(&output, "swe"), read(&output, "sd"), read(&output, "SDEN_Sfc"));
    for cell in 0..mass.len() {
        assert!((density[cell] - mass[cell] / depth[cell]).abs() < 1e-9);
    }
    let middle = density[4 * 18 + 9];
    assert!((middle - 205.0 / 0.55).abs() < 1e-6, "{middle}");
}

#[test]
fn dew_point_is_not_its_depression() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r4x3").expect("a grid");
    write(
        &input,
        &Frame::new(&grid, &[1.0]),
        &[constant("DewPointDepression_AGL-2m", "K", 4.5), constant("AirTemp_AGL-2m", "K", 290.0)],
    );
    run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "dew_point_temperature_2m").0.iter().all(|v| *v == 285.5));
    assert!(read(&output, "air_temperature_2m").0.iter().all(|v| *v == 290.0));
}

#[test]
fn percentages_that_look_like_fractions_are_asked_about() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r4x3").expect("a grid");
    write(&input, &Frame::new(&grid, &[1.0]), &[constant("tcc", "%", 0.8)]);
    let error = run(&catalogue, &input, &output, Convention::ClimateDt, Convention::Cf).expect_err("a fraction");
    assert!(matches!(error, TranslateError::LooksLikeFraction { .. }), "{error}");
    assert!(!output.exists());
    let mut told = request(&catalogue, &input, &output, Convention::ClimateDt, Convention::Cf);
    told.units.insert("tcc".into(), "1".into());
    translate(&told).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "total_cloud_cover").0.iter().all(|v| (v - 0.8).abs() < 1e-15));
}

#[test]
fn sea_surface_temperatures_in_the_wrong_unit_are_out_of_range() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r4x3").expect("a grid");
    write(&input, &Frame::new(&grid, &[1.0]), &[constant("avg_tos", "K", 14.0)]);
    let report = run(&catalogue, &input, &output, Convention::ClimateDt, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(report.out_of_range(), grid.len());
}

#[test]
fn soil_water_is_kept_between_layers() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r4x3").expect("a grid");
    let svs = [0.0, 0.05, 0.1, 0.2, 0.4, 1.0, 2.0, 3.0];
    let mut frame = Frame::new(&grid, &[1.0]);
    frame.axis = Some(Axis {
        name: "depth",
        attributes: vec![("long_name", "soil depth"), ("units", "m")],
        values: svs.windows(2).map(|p| 0.5 * (p[0] + p[1])).collect(),
        bounds: None,
    });
    let wet = Var {
        name: "wsol".into(),
        attributes: vec![("units", "m3 m-3".to_owned())],
        value: Box::new(|_, level, _| Some(0.1 + 0.05 * level as f64)),
    };
    write(&input, &frame, &[wet]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::ClimateDt).unwrap_or_else(|e| panic!("{e}"));
    let (values, _) = read(&output, "vsw");
    assert_eq!(values.len(), 4 * grid.len());
    let ifs = [0.0, 0.07, 0.28, 1.0, 2.89];
    let before: f64 = (0..7).map(|k| (svs[k + 1].min(2.89) - svs[k]) * (0.1 + 0.05 * k as f64)).sum();
    let after: f64 = (0..4).map(|k| (ifs[k + 1] - ifs[k]) * values[k * grid.len()]).sum();
    assert!((before - after).abs() < 1e-14, "{before} {after}");
}

/// A field that holds the number of its cell cannot hide an order.
#[test]
fn rings_become_nested_for_destine_without_a_change_of_value() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let ring = Grid::from_spec("H4").expect("a grid");
    let number = Var {
        name: "skt".into(),
        attributes: vec![("units", "K".to_owned())],
        value: Box::new(|_, _, cell| Some(200.0 + 0.25 * cell as f64)),
    };
    write(&input, &Frame::new(&ring, &[1.0]), &[number]);
    run(&catalogue, &input, &output, Convention::ClimateDt, Convention::ClimateDt).unwrap_or_else(|e| panic!("{e}"));
    let dataset = knarr_io::Dataset::open(&output).expect("readable");
    let grid = knarr_io::read_grid(&dataset, "skt").expect("a grid").grid;
    assert!(matches!(grid.family, knarr_grid::Family::Healpix { order: HealpixOrder::Nested, .. }), "{}", grid.family);
    let (values, _) = read(&output, "skt");
    let mut seen: Vec<f64> = values.clone();
    seen.sort_by(f64::total_cmp);
    assert!(seen.iter().enumerate().all(|(k, v)| *v == 200.0 + 0.25 * k as f64), "a permutation");
    for (cell, value) in values.iter().enumerate() {
        // The ring cell whose number the value is lies where the nested cell lies.
        let from = ((value - 200.0) * 4.0) as usize;
        let (a, b) = (ring.center(from).unit(), grid.center(cell).unit());
        assert!((0..3).all(|k| (a[k] - b[k]).abs() < 1e-12), "cell {cell}");
    }
}

#[test]
fn names_nobody_knows_are_told_and_nothing_is_written() {
    let (catalogue, (_folder, input, output)) = (catalogue(), files());
    let grid = Grid::from_spec("r4x3").expect("a grid");
    write(&input, &Frame::new(&grid, &[1.0]), &[constant("mystery", "K", 280.0)]);
    let error = run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).expect_err("unknown");
    assert!(matches!(error, TranslateError::Nothing { .. }) && error.to_string().contains("`mystery`"), "{error}");
    assert!(!output.exists());
    let mut told = request(&catalogue, &input, &output, Convention::Eccc, Convention::ClimateDt);
    told.fields.insert("mystery".into(), "skin_temperature".into());
    let report = translate(&told).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(report.written[0].to, ["skt"]);
    let left: Vec<_> = std::fs::read_dir(output.parent().expect("a folder"))
        .expect("readable")
        .filter_map(Result::ok)
        .map(|e| e.file_name())
        .collect();
    assert_eq!(left.len(), 2, "only the input and the output are left: {left:?}");
}
