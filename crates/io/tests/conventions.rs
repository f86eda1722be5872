//! Grids told from the conventions of files: each as small as it can be. Meshes are in `mesh_conventions.rs`.

mod case;

use case::{Attributes, Case, Data, grid_of, noted, read, t};
use knarr_grid::{Detail, Family, Grid, HealpixOrder, Layout};
use knarr_io::{IoError, read_grid_file};
use knarr_kernels::sphere::distance;
use netcdf::AttributeValue;
use std::path::PathBuf;

fn worst_center(a: &Grid, b: &Grid) -> f64 {
    assert_eq!(a.len(), b.len());
    (0..a.len()).map(|c| distance(a.center(c).unit(), b.center(c).unit())).fold(0.0, f64::max)
}

/// Longitudes and latitudes of a specification's centers, in degrees or radians.
fn places(spec: &str, unit: f64) -> (Vec<f64>, Vec<f64>) {
    let grid = Grid::from_spec(spec).expect("a specification");
    (0..grid.len()).map(|c| grid.center(c)).map(|p| (p.lon_deg * unit, p.lat_deg * unit)).unzip()
}

const LONS: [f64; 4] = [0.0, 90.0, 180.0, 270.0];
const LATS: [f64; 3] = [60.0, 0.0, -60.0];

#[test]
fn axes_are_found_by_any_spelling_of_their_units() {
    for (east, north) in
        [("degrees_east", "degrees_north"), ("degree_E", "degree_N"), ("degreesE", "degreesN"), ("Degrees East", "degrees north")]
    {
        let path = Case::new();
        let file = path.file(
            "a.nc",
            &[("XAX", 4), ("YAX", 3)],
            &[
                ("XAX", &["XAX"], Data::F64(LONS.to_vec()), &[("units", t(east))]),
                ("YAX", &["YAX"], Data::F64(LATS.to_vec()), &[("units", t(north))]),
                ("v", &["YAX", "XAX"], Data::F64(vec![0.0; 12]), &[]),
            ],
        );
        let found = grid_of(&file, "v");
        assert_eq!(
            (found.grid.shape.as_slice(), found.dims.as_slice()),
            ([3, 4].as_slice(), ["YAX".to_owned(), "XAX".to_owned()].as_slice())
        );
        assert!((found.grid.covered_fraction() - 1.0).abs() < 1e-14);
    }
}

#[test]
fn axes_in_radians_and_variables_with_longitude_first() {
    let case = Case::new();
    let radians = |v: &[f64]| Data::F64(v.iter().map(|d: &f64| d.to_radians()).collect());
    let file = case.file(
        "a.nc",
        &[("lon", 4), ("lat", 3)],
        &[
            ("lon", &["lon"], radians(&LONS), &[("units", t("radian"))]),
            ("lat", &["lat"], radians(&LATS), &[("units", t("radians"))]),
            ("v", &["lon", "lat"], Data::F64(vec![0.0; 12]), &[]),
        ],
    );
    let found = grid_of(&file, "v");
    assert_eq!(found.dims, ["lat", "lon"]);
    assert!((found.grid.center(5).lon_deg - 90.0).abs() < 1e-13);
}

#[test]
fn absent_and_malformed_bounds_are_noted_and_inferred() {
    let case = Case::new();
    let file = case.file(
        "a.nc",
        &[("lon", 4), ("lat", 3), ("three", 3)],
        &[
            ("lon", &["lon"], Data::F64(LONS.to_vec()), &[("units", t("degrees_east")), ("bounds", t("lon_bnds"))]),
            ("lat", &["lat"], Data::F64(LATS.to_vec()), &[("units", t("degrees_north")), ("bounds", t("lat_three"))]),
            ("lat_three", &["lat", "three"], Data::F64(vec![0.0; 9]), &[]),
            ("v", &["lat", "lon"], Data::F64(vec![0.0; 12]), &[]),
        ],
    );
    let found = grid_of(&file, "v");
    assert!(noted(&found, "`lon_bnds` that are not in the file"));
    assert!(noted(&found, "need two numbers for each value"));
    assert!((found.grid.covered_fraction() - 1.0).abs() < 1e-14);
}

#[test]
fn two_dimensional_coordinates_need_no_attribute_and_may_have_gaps() {
    let case = Case::new();
    let (mut lons, mut lats) = places("rot:-162,39.25,-20,-15,2,2,20,15", 1.0);
    (lons[40], lats[40]) = (1e20, 1e20);
    let fill = AttributeValue::Float(1e20);
    let file = case.file(
        "a.nc",
        &[("time", 2), ("y", 15), ("x", 20)],
        &[
            (
                "nav_lon",
                &["y", "x"],
                Data::F32(lons),
                &[("units", t("degrees_east")), ("_FillValue", fill.clone()), ("valid_min", AttributeValue::Float(0.0))],
            ),
            ("nav_lat", &["y", "x"], Data::F32(lats), &[("units", t("degrees_north")), ("_FillValue", fill)]),
            ("v", &["time", "y", "x"], Data::F32(vec![0.0; 600]), &[]),
        ],
    );
    let found = grid_of(&file, "v");
    assert_eq!(found.grid.family, Family::Curvilinear);
    assert_eq!((found.grid.shape.as_slice(), found.dims[0].as_str()), ([15, 20].as_slice(), "y"));
    assert!(!found.grid.mask.is_active(40), "a cell without a place takes part");
    assert!(noted(&found, "outside its valid range"));
    assert!(found.coordinate_variables.contains(&"nav_lon".to_owned()));
}

#[test]
fn healpix_is_declared_in_three_ways() {
    let case = Case::new();
    let level = ("refinement_level", AttributeValue::Int(2));
    let cf: Attributes<'_> = &[("grid_mapping_name", t("healpix")), level.clone(), ("indexing_scheme", t("nested"))];
    let older: Attributes<'_> =
        &[("grid_mapping_name", t("healpix")), ("healpix_nside", AttributeValue::Int(4)), ("healpix_order", t("ring"))];
    let no_order: Attributes<'_> = &[("grid_mapping_name", t("healpix")), level];
    let make = |name: &str, cells: usize, mapping: Attributes<'_>| {
        let data = Data::F32(vec![0.0; 2 * cells]);
        let variables: &[(&str, &[&str], Data, Attributes<'_>)] =
            &[("crs", &[], Data::I32(vec![0]), mapping), ("v", &["time", "cell"], data, &[("grid_mapping", t("crs"))])];
        case.file(name, &[("time", 2), ("cell", cells)], variables)
    };
    let found = grid_of(&make("cf.nc", 192, cf), "v");
    assert_eq!(found.grid.family, Family::Healpix { nside: 4, order: HealpixOrder::Nested });
    assert_eq!(
        (found.dims.as_slice(), found.coordinate_variables.as_slice()),
        (["cell".to_owned()].as_slice(), ["crs".to_owned()].as_slice())
    );
    let found = grid_of(&make("older.nc", 192, older), "v");
    assert_eq!(found.grid.family, Family::Healpix { nside: 4, order: HealpixOrder::Ring });
    let error = read(&make("order.nc", 192, no_order), "v").expect_err("no order").to_string();
    assert!(error.contains("expected `nested` or `ring`"), "{error}");
    let error = read(&make("part.nc", 100, cf), "v").expect_err("a part").to_string();
    assert!(error.contains("parts of the globe"), "{error}");
}

#[test]
fn cells_along_one_dimension_are_told_by_their_centers() {
    let radian = std::f64::consts::PI / 180.0;
    for (spec, unit, units) in
        [("H4", 1.0, "degrees"), ("H4n", radian, "radian"), ("O12", 1.0, "degrees"), ("N32", 1.0, "degrees")]
    {
        let case = Case::new();
        let (lons, lats) = places(spec, unit);
        let n = lons.len();
        let file = case.file(
            "a.nc",
            &[("i", n)],
            &[
                ("longitude", &["i"], Data::F32(lons), &[("standard_name", t("longitude")), ("units", t(units))]),
                ("latitude", &["i"], Data::F32(lats), &[("standard_name", t("latitude")), ("units", t(units))]),
                ("v", &["i"], Data::F32(vec![0.0; n]), &[("coordinates", t("longitude latitude"))]),
            ],
        );
        let expected = Grid::from_spec(spec).expect("a specification");
        let found = grid_of(&file, "v");
        assert_eq!(found.grid.family, expected.family, "{spec}");
        assert!((found.grid.covered_fraction() - 1.0).abs() < 1e-12, "{spec}");
        // Known from single precision, then exact again by the formula (the rows of a reduced grid too).
        assert!(worst_center(&found.grid, &expected) < 1e-13, "{spec}");
    }
}

#[test]
fn scrip_files_keep_shape_mask_and_units() {
    let case = Case::new();
    let grid = Grid::from_spec("rot:-162,39.25,-20,-15,2,2,8,6").expect("a grid");
    let corner = |c: usize| grid.corners(c).into_iter().map(knarr_grid::LonLat::from_unit).collect::<Vec<_>>();
    let (lons, lats) = places("rot:-162,39.25,-20,-15,2,2,8,6", std::f64::consts::PI / 180.0);
    let corners: Vec<_> = (0..48).flat_map(corner).collect();
    let units: Attributes<'_> = &[("units", t("radians"))];
    let mut mask = vec![1; 48];
    mask[5] = 0;
    let file = case.file(
        "scrip.nc",
        &[("grid_size", 48), ("grid_corners", 4), ("grid_rank", 2)],
        &[
            ("grid_dims", &["grid_rank"], Data::I32(vec![8, 6]), &[]),
            ("grid_center_lon", &["grid_size"], Data::F64(lons), units),
            ("grid_center_lat", &["grid_size"], Data::F64(lats), units),
            // The value that says a cell takes no part, called missing: it says so all the same.
            ("grid_imask", &["grid_size"], Data::I32(mask), &[("missing_value", 0.into())]),
            (
                "grid_corner_lon",
                &["grid_size", "grid_corners"],
                Data::F64(corners.iter().map(|c| c.lon_deg.to_radians()).collect()),
                units,
            ),
            (
                "grid_corner_lat",
                &["grid_size", "grid_corners"],
                Data::F64(corners.iter().map(|c| c.lat_deg.to_radians()).collect()),
                units,
            ),
        ],
    );
    let found = read_grid_file(&file, None, Detail::Cells).expect("a grid").grid;
    assert_eq!((found.shape.as_slice(), found.active_count()), ([6, 8].as_slice(), 47));
    assert!(!found.mask.is_active(5), "0 is masked in SCRIP files");
    assert!(worst_center(&found, &grid) < 1e-14);
}

#[test]
fn oasis_masks_have_the_opposite_sign() {
    let case = Case::new();
    let (lons, lats) = places("r4x3", 1.0);
    let half = [(-45.0, -30.0), (45.0, -30.0), (45.0, 30.0), (-45.0, 30.0)];
    let corners = |of: &[f64], pick: fn((f64, f64)) -> f64| {
        Data::F64(half.iter().flat_map(|&h| of.iter().map(move |v| v + pick(h))).collect())
    };
    case.file(
        "grids.nc",
        &[("x", 4), ("y", 3), ("crn", 4)],
        &[
            ("atm.clo", &["crn", "y", "x"], corners(&lons, |h| h.0), &[]),
            ("atm.cla", &["crn", "y", "x"], corners(&lats, |h| h.1), &[]),
            ("atm.lon", &["y", "x"], Data::F64(lons.clone()), &[]),
            ("atm.lat", &["y", "x"], Data::F64(lats.clone()), &[]),
        ],
    );
    let mut mask = vec![0; 12];
    mask[6] = 1;
    case.file("masks.nc", &[("x", 4), ("y", 3)], &[("atm.msk", &["y", "x"], Data::I32(mask), &[])]);
    for name in [None, Some("atm")] {
        let found = read_grid_file(&case.path("grids.nc"), name, Detail::Cells).expect("a grid").grid;
        assert_eq!((found.shape.as_slice(), found.active_count()), ([3, 4].as_slice(), 11));
        assert!(!found.mask.is_active(6), "1 is masked in OASIS files");
    }
    assert_eq!(read_grid_file(&case.path("masks.nc"), Some("atm.msk"), Detail::Cells).expect("a grid").grid.active_count(), 11);
}

/// Axes of a rotated pole with stored longitudes and latitudes turned by `off_deg`.
fn rotated(case: &Case, off_deg: f64) -> PathBuf {
    let (lons, lats) = places("rot:-162,39.25,-20,-15,2,2,20,15", 1.0);
    let axis = |first: f64, n: usize| Data::F64((0..n).map(|k| first + 2.0 * k as f64).collect());
    let mapping: Attributes<'_> = &[
        ("grid_mapping_name", t("rotated_latitude_longitude")),
        ("grid_north_pole_latitude", AttributeValue::Double(39.25)),
        ("grid_north_pole_longitude", AttributeValue::Double(-162.0)),
    ];
    case.file(
        "rotated.nc",
        &[("rlat", 15), ("rlon", 20)],
        &[
            ("rlon", &["rlon"], axis(-20.0, 20), &[("standard_name", t("grid_longitude")), ("units", t("degrees"))]),
            ("rlat", &["rlat"], axis(-15.0, 15), &[("standard_name", t("grid_latitude")), ("units", t("degrees"))]),
            ("pole", &[], Data::I32(vec![0]), mapping),
            ("lon", &["rlat", "rlon"], Data::F64(lons.iter().map(|l| l + off_deg).collect()), &[("units", t("degrees_east"))]),
            ("lat", &["rlat", "rlon"], Data::F64(lats), &[("units", t("degrees_north"))]),
            ("v", &["rlat", "rlon"], Data::F64(vec![0.0; 300]), &[("grid_mapping", t("pole")), ("coordinates", t("lon lat"))]),
        ],
    )
}

#[test]
fn stored_places_win_only_where_they_contradict_the_axes() {
    let case = Case::new();
    let found = grid_of(&rotated(&case, 0.001), "v");
    assert!(matches!(found.grid.layout, Layout::Rows(_)) && noted(&found, "the axes are used"), "{:?}", found.grid.report);
    let found = grid_of(&rotated(&case, 0.5), "v");
    assert_eq!(found.grid.family, Family::Curvilinear);
    assert!(noted(&found, "the stored ones are used"), "{:?}", found.grid.report);
    assert_eq!(found.dims, ["rlat", "rlon"]);
    // Every variable that described the old grid goes.
    assert_eq!(found.coordinate_variables, ["lat", "lon", "pole", "rlat", "rlon"]);
}

#[test]
fn kilometres_are_metres_times_a_thousand() {
    let mapping: Attributes<'_> = &[
        ("grid_mapping_name", t("polar_stereographic")),
        ("latitude_of_projection_origin", AttributeValue::Double(90.0)),
        ("straight_vertical_longitude_from_pole", AttributeValue::Double(-111.0)),
        ("standard_parallel", AttributeValue::Double(60.0)),
        ("earth_radius", AttributeValue::Double(6_371_229.0)),
    ];
    let grids: Vec<_> = [("m", 100_000.0), ("km", 100.0)]
        .into_iter()
        .map(|(units, step)| {
            let case = Case::new();
            let axis = |n: usize| Data::F64((0..n).map(|k| step * (k as f64 - 3.0)).collect());
            let file = case.file(
                "a.nc",
                &[("y", 6), ("x", 8)],
                &[
                    ("x", &["x"], axis(8), &[("standard_name", t("projection_x_coordinate")), ("units", t(units))]),
                    ("y", &["y"], axis(6), &[("standard_name", t("projection_y_coordinate")), ("units", t(units))]),
                    ("crs", &[], Data::I32(vec![0]), mapping),
                    // The extended form names the axes after the mapping.
                    ("v", &["y", "x"], Data::F64(vec![0.0; 48]), &[("grid_mapping", t("crs: x y"))]),
                ],
            );
            grid_of(&file, "v").grid
        })
        .collect();
    assert!(matches!(grids[0].family, Family::Projected(_)));
    assert!(worst_center(&grids[0], &grids[1]) < 1e-14);
    // 48 cells of 100 km near the pole, where the scale is 0.933: 48 · 1e10 / 0.933² / R² within a percent or two.
    let expected = 48.0e10 / 0.933f64.powi(2) / 6_371_229f64.powi(2) / (4.0 * std::f64::consts::PI);
    assert!((grids[0].covered_fraction() / expected - 1.0).abs() < 0.02, "{}", grids[0].covered_fraction() / expected);
}

#[test]
fn what_is_missing_is_said() {
    let case = Case::new();
    let file = case.file(
        "a.nc",
        &[("time", 3), ("x", 48), ("station", 5)],
        &[
            ("healpix", &["time", "x"], Data::F64(vec![0.0; 144]), &[("grid_mapping", t("crs"))]),
            ("bare", &["time", "station"], Data::F64(vec![0.0; 15]), &[]),
            ("single", &[], Data::F64(vec![0.0]), &[]),
        ],
    );
    for (variable, words) in
        [("healpix", "`--source-grid H2n`"), ("bare", "no longitudes and latitudes"), ("single", "a single value")]
    {
        match read(&file, variable) {
            Err(IoError::NoGrid { problem, .. }) => assert!(problem.contains(words), "{problem}"),
            other => panic!("{variable}: {other:?}"),
        }
    }
    assert!(matches!(read(&file, "bear"), Err(IoError::NoVariable { near, .. }) if near[0] == "bare"));
}
