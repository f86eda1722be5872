//! Every specification that is listed makes a grid; every other one is refused with a reason.

use knarr_grid::{Family, Grid, GridError, HealpixOrder, specs};

#[test]
fn every_listed_form_parses() {
    let forms: Vec<_> = specs().into_iter().take_while(|info| !info.spec.starts_with("eccc")).collect();
    assert!(forms.len() > 15);
    for info in forms {
        let grid = Grid::from_spec(&info.spec).unwrap_or_else(|e| panic!("{}: {e}", info.spec));
        assert!(!grid.is_empty() && grid.report.recognised_by.contains(&info.spec), "{}", info.spec);
    }
}

#[test]
fn global_grids_cover_the_sphere() {
    for spec in [
        "r36x18",
        "r1x1",
        "r5x3",
        "r7x2",
        "2.5",
        "0.75",
        "1.6",
        "60",
        "5/2.5",
        "F16",
        "n16",
        "N32",
        "O16",
        "H8",
        "H8n",
        "H6",
        "CS10",
        "ICO6",
        "ICO6d",
        "ll:0,-90,0.5,0.5,720,361",
    ] {
        let grid = Grid::from_spec(spec).unwrap();
        // Compensated sums of areas rounded to a few ε each.
        assert!((grid.covered_fraction() - 1.0).abs() < 2e-14, "{spec}: {}", grid.covered_fraction() - 1.0);
    }
}

#[test]
fn conventions_are_those_of_the_field() {
    // CDO: first center at 0 E, rows from the south.
    let cdo = Grid::from_spec("r360x180").unwrap();
    assert_eq!((cdo.shape.as_slice(), cdo.center(0).lon_deg, cdo.center(0).lat_deg), (&[180, 360][..], 0.0, -89.5));
    assert_eq!((cdo.center(64_799).lon_deg, cdo.center(64_799).lat_deg), (359.0, 89.5));
    // ECMWF: rows from the north, poles included.
    let ecmwf = Grid::from_spec("0.25/0.25").unwrap();
    assert_eq!((ecmwf.shape.as_slice(), ecmwf.center(0).lat_deg), (&[721, 1440][..], 90.0));
    assert_eq!(ecmwf.center(1440 * 720 + 1).lat_deg, -90.0);
    assert_eq!(Grid::from_spec("1.6").unwrap().shape, [113, 225]);
    assert_eq!(Grid::from_spec("n80").unwrap().shape, [160, 320]);
    assert_eq!(Grid::from_spec("N80").unwrap().len(), 35_718);
    assert_eq!(Grid::from_spec("O80").unwrap().family, Family::ReducedGaussian { n: 80, octahedral: true });
    for (spec, order) in [
        ("H4", HealpixOrder::Ring),
        ("H4r", HealpixOrder::Ring),
        ("hp4", HealpixOrder::Ring),
        ("healpix:4", HealpixOrder::Ring),
        ("H4n", HealpixOrder::Nested),
        ("healpix:4:nested", HealpixOrder::Nested),
    ] {
        assert_eq!(Grid::from_spec(spec).unwrap().family, Family::Healpix { nside: 4, order }, "{spec}");
    }
}

#[test]
fn projections_lie_where_their_parameters_say() {
    // Without x0 and y0 the grid is centered on the projection's origin.
    let pole = Grid::from_spec("ps:lat_ts=60,lon_0=-100,dx=50000,nx=101,ny=101").unwrap();
    assert!((pole.center(50 * 101 + 50).lat_deg - 90.0).abs() < 1e-6);
    // True scale at 60 N: the spacing there is dx. (1 + sin 60) tan(15) R = 3 185 614 m from the pole.
    let r = 6_371_229.0 * (1.0 + 60f64.to_radians().sin()) * 15f64.to_radians().tan();
    let ring = Grid::from_spec(&format!("ps:lat_ts=60,lon_0=-100,dx=1000,nx=3,ny=3,x0=-1000,y0={}", -r - 1000.0)).unwrap();
    assert!((ring.center(4).lat_deg - 60.0).abs() < 1e-9 && (ring.center(4).lon_deg + 100.0).abs() < 1e-9);
    let expected = (1000.0f64 / 6_371_229.0).powi(2);
    // The scale changes by (dx/R)/cos 60 over half a cell, which cancels to second order.
    assert!((ring.area(4) / expected - 1.0).abs() < 1e-6, "{}", ring.area(4) / expected - 1.0);
    let south = Grid::from_spec("ps:lat_ts=-70,lon_0=0,dx=25000,nx=20,ny=20").unwrap();
    assert!(south.center(0).lat_deg < -85.0 && south.area(0) > 0.0);

    let cone = Grid::from_spec("lcc:lat_1=50,lon_0=-107,dx=10000,nx=31,ny=21").unwrap();
    let middle = cone.center(10 * 31 + 15);
    assert!((middle.lat_deg - 50.0).abs() < 1e-9 && (middle.lon_deg + 107.0).abs() < 1e-9);
    let expected = (10_000.0f64 / 6_371_229.0).powi(2);
    assert!((cone.area(10 * 31 + 15) / expected - 1.0).abs() < 1e-6);
    // Two parallels: true there, smaller in between.
    let two = Grid::from_spec("lcc:lat_1=33,lat_2=45,lat_0=39,lon_0=-96,dx=10000,nx=3,ny=3").unwrap();
    assert!(two.area(4) > 1.005 * expected && two.area(4) < 1.02 * expected);
}

#[test]
fn numbers_that_do_not_fit_are_told() {
    for (spec, words) in [
        ("F0", "rows between pole and equator"),
        ("N33", "N32"),
        ("O0", "rows between pole and equator"),
        ("H12n", "power of two"),
        ("H0", "expected 1 to"),
        ("CS0", "expected 1 to"),
        ("ICO0", "expected 1 to"),
        ("r0x10", "0 x 10 cells"),
        ("r999999x999999", "expected 1 to"),
        ("0.7", "whole number of steps"),
        ("0", "spacing must be above 0"),
        ("healpix:8:spiral", "order `spiral`"),
        ("rot:1,2,3", "3 values, expected 8"),
        ("rot:0,99,0,0,1,1,3,3", "no position"),
        ("rot:0,x,0,0,1,1,3,3", "`x` is not a number"),
        ("ll:0,0,1,1,400,10", "more than once"),
        ("ll:0,85,1,1,10,10", "beyond the pole"),
        ("ps:lon_0=0,dx=1000,nx=3,ny=3", "lat_ts"),
        ("ps:lat_ts=60,lon_0=0,dx=1000,nx=3,ny=2.5", "whole number"),
        ("ps:lat_ts=60,lon_0=0,dx=1000,nx=3,ny=3,colour=1", "`colour` is unknown"),
        ("ps:lat_ts=60,lon_0=0,dx=1000,nx=3,nx=3,ny=3", "twice"),
        ("lcc:lon_0=0,dx=1000,nx=3,ny=3", "`lat_1` is missing"),
        ("eccc-caps-0.03", "not specify it fully"),
    ] {
        let error = Grid::from_spec(spec).expect_err(spec);
        assert!(matches!(error, GridError::BadSpec { .. }), "{spec}: {error:?}");
        assert!(error.to_string().contains(words), "{spec}: {error}");
    }
}

#[test]
fn unknown_names_come_with_near_ones() {
    for (spec, expected) in [
        ("eccc-hrdps", "eccc-hrdps-0.0225"),
        ("destine-h1024", "destine-h1024n"),
        ("r360y180", "r360x180"),
        ("healpx:128:nested", "healpix:128:nested"),
        ("IC064", "ICO64"),
    ] {
        let error = Grid::from_spec(spec).expect_err(spec);
        let GridError::UnknownSpec { near, .. } = &error else { panic!("{spec}: {error:?}") };
        assert!(near.iter().any(|n| n == expected), "{spec}: {near:?}");
        assert!(error.to_string().contains("did you mean"), "{error}");
    }
    for spec in ["", "tas.nc", "???", "r", "rx", "12x", "0.25/", "H", "Hn", "H8q"] {
        assert!(matches!(Grid::from_spec(spec), Err(GridError::UnknownSpec { .. })), "{spec}");
    }
}
