//! Other programs judge and use what we write: CDO and NCO, where they are installed.
//!
//! One test at a time: HDF5 locks files it writes, and a program started meanwhile would inherit the lock.

mod support;

use knarr_grid::Grid;
use knarr_io::{GridFormat, WeightsFormat, check_identity, check_weights, read_weights, write_grid, write_weights};
use knarr_kernels::cell_area::polygon_area;
use knarr_regrid::{Method, Options, Weights};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use support::{COARSE, FINE, Made, grid};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: 1 comparison, no {program} on this machine");
    }
    found
}

fn run(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).output().expect("the program runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {arguments:?}: {text}");
    text
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of characters")
}

/// CDO applies our SCRIP weights to a field and gets what the weights say.
#[test]
fn cdo_applies_our_scrip_weights() {
    let _alone = alone();
    if !has("cdo") {
        return;
    }
    let made = Made::new();
    let weights = made.written("w.nc", WeightsFormat::Scrip);
    let (field, out) = (made.path("topo.nc"), made.path("out.nc"));
    run("cdo", &["-s", "-b", "F64", "-f", "nc4", &format!("-topo,{FINE}"), text(&field)]);
    run("cdo", &["-s", "-b", "F64", &format!("remap,{COARSE},{}", text(&weights)), text(&field), text(&out)]);
    let values = |path: &Path| {
        netcdf::open(path).expect("it opens").variable("topo").expect("topo").get_values::<f64, _>(..).expect("values")
    };
    let (source, found) = (values(&field), values(&out));
    for (row, &found) in found.iter().enumerate() {
        let (columns, weights) = made.weights.row(row);
        let expected: f64 = columns.iter().zip(weights).map(|(&c, w)| w * source[c as usize]).sum();
        // Heights of up to 5000 m, nine terms: 1e-12 of rounding.
        assert!((found - expected).abs() < 1e-9, "row {row}: cdo {found}, here {expected}");
    }
}

/// We read the weights CDO makes for the same grids, and they are the same numbers.
#[test]
fn weights_of_cdo_are_read_and_equal_the_exact_ones() {
    let _alone = alone();
    if !has("cdo") {
        return;
    }
    let made = Made::new();
    let path = made.path("cdo.nc");
    run("cdo", &["-s", "-f", "nc4", &format!("gencon,{COARSE}"), &format!("-topo,{FINE}"), text(&path)]);
    let read = read_weights(&path).expect("weights");
    check_identity(&read, &made.source, &made.destination).expect("the same grids");
    assert!(read.weights.origin.conservative && read.weights.origin.normalization == "fracarea");
    let tidy = |w: &Weights| {
        (0..w.destination_len())
            .map(|i| w.row(i).0.iter().copied().zip(w.row(i).1.iter().copied()).filter(|l| l.1 > 1e-9).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    for (row, (theirs, ours)) in tidy(&read.weights).iter().zip(tidy(&made.weights)).enumerate() {
        assert_eq!(theirs.iter().map(|l| l.0).collect::<Vec<_>>(), ours.iter().map(|l| l.0).collect::<Vec<_>>(), "row {row}");
        for (a, b) in theirs.iter().zip(&ours) {
            // CDO takes great circles for parallels 30 degrees long: rows of ten degrees differ by up to a tenth.
            assert!((a.1 / b.1 - 1.0).abs() < 0.15, "row {row}: cdo {}, exact {}", a.1, b.1);
        }
    }
}

/// NCO judges our ESMF map.
#[test]
fn nco_finds_no_fault_in_our_esmf_map() {
    let _alone = alone();
    if !has("ncks") {
        return;
    }
    let made = Made::new();
    let verdict = run("ncks", &["--chk_map", text(&made.written("w.nc", WeightsFormat::Esmf))]);
    assert!(!verdict.contains("WARNING") && !verdict.contains("ERROR"), "{verdict}");
    // A fault that it has to see.
    let mut spoiled = Made::new();
    spoiled.weights.values[40] *= 1.5;
    let verdict = run("ncks", &["--chk_map", text(&spoiled.written("w.nc", WeightsFormat::Esmf))]);
    assert!(verdict.contains("WARNING"), "{verdict}");
}

/// CDO sums the areas of the cells it sees in our CF files.
#[test]
fn cdo_sees_the_same_areas() {
    let _alone = alone();
    if !has("cdo") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for spec in ["H8n", "O12", "CS6", "ICO5d", "r36x18", "ps:lat_ts=60,lon_0=-111,dx=150000,nx=30,ny=25"] {
        let grid = grid(spec);
        let path = folder.path().join("grid.nc");
        write_grid(&grid, &path, GridFormat::Cf, true).expect("written");
        let out = Command::new("cdo")
            .args(["-s", "outputf,%.12g", "-fldsum", "-gridarea", "-selname,cell_mask"])
            .arg(&path)
            .env("PLANET_RADIUS", "1000000")
            .output()
            .expect("cdo runs");
        let text = String::from_utf8_lossy(&out.stdout);
        let sum: f64 = text.trim().parse().unwrap_or_else(|_| panic!("{spec}: {text} {}", String::from_utf8_lossy(&out.stderr)));
        let ours: f64 = (0..grid.len())
            .map(|c| if spec.starts_with('r') { grid.area(c) } else { polygon_area(&grid.corners(c)) })
            .sum::<f64>()
            * 1e12;
        // Fields in cdo's chain are double; 12 digits are printed.
        assert!((sum / ours - 1.0).abs() < 1e-9, "{spec}: cdo {sum}, here {ours}");
    }
}

/// Maps between unlike grids, made by this program, pass NCO and our own judge, and CDO applies them as we do.
#[test]
fn maps_between_unlike_grids_pass_every_judge() {
    let _alone = alone();
    let (nco, cdo) = (has("ncks"), has("cdo"));
    let folder = tempfile::tempdir().expect("a folder");
    for (from, to) in [("r36x18", "H8n"), ("H8n", "F16"), ("O16", "CS8"), ("ICO6", "r24x13"), ("F16", "ICO6d")] {
        let (source, destination) = (grid(from), grid(to));
        let options = Options::new(Method::Conservative);
        let weights = Weights::build(&source, &destination, &options).unwrap_or_else(|e| panic!("{from} to {to}: {e}"));
        let (esmf, scrip) = (folder.path().join("esmf.nc"), folder.path().join("scrip.nc"));
        write_weights(&weights, &source, &destination, &esmf, WeightsFormat::Esmf, true).expect("written");
        write_weights(&weights, &source, &destination, &scrip, WeightsFormat::Scrip, true).expect("written");
        let verdict = check_weights(&esmf).expect("a verdict");
        assert!(verdict.passed(), "{from} to {to}: {verdict}");
        assert_eq!(read_weights(&scrip).expect("weights").weights, weights, "{from} to {to}");
        if nco {
            let verdict = run("ncks", &["--chk_map", text(&esmf)]);
            assert!(!verdict.contains("WARNING") && !verdict.contains("ERROR"), "{from} to {to}: {verdict}");
        }
        if cdo {
            let (target, field, out) = (folder.path().join("to.nc"), folder.path().join("in.nc"), folder.path().join("out.nc"));
            let values: Vec<f64> = (0..source.len()).map(|c| source.center(c).unit()).map(|p| 2.0 + p[0] * p[1] + p[2]).collect();
            write_field(&source, &values, &field);
            write_grid(&destination, &target, GridFormat::Cf, true).expect("written");
            let map = format!("remap,{},{}", text(&target), text(&scrip));
            run("cdo", &["-s", "-b", "F64", &map, text(&field), text(&out)]);
            let found = netcdf::open(&out).expect("it opens").variable("v").expect("v").get_values::<f64, _>(..).expect("values");
            for (row, &found) in found.iter().enumerate() {
                let (columns, weights) = weights.row(row);
                let expected: f64 = columns.iter().zip(weights).map(|(&c, w)| w * values[c as usize]).sum();
                assert!((found - expected).abs() < 1e-12, "{from} to {to}, row {row}: cdo {found}, here {expected}");
            }
        }
    }
}

/// Maps of methods between centers have few corners or none; NCO and CDO judge and apply them all the same.
#[test]
fn maps_without_corners_are_applied_by_others() {
    let _alone = alone();
    let (nco, cdo) = (has("ncks"), has("cdo"));
    let made = Made::new();
    let (source, destination) = (&made.source, grid("H8n"));
    let values: Vec<f64> = (0..source.len()).map(|c| source.center(c).unit()).map(|p| 2.0 + p[0] * p[1] + p[2]).collect();
    let (field, target, map, out) = (made.path("in.nc"), made.path("to.nc"), made.path("map.nc"), made.path("out.nc"));
    write_field(source, &values, &field);
    write_grid(&destination, &target, GridFormat::Cf, true).expect("written");
    for method in [Method::Bilinear, Method::Nearest, Method::Distance { neighbours: 4 }] {
        let weights = Weights::build(source, &destination, &Options::new(method)).expect("weights");
        let judge = |program: &str| {
            let found = netcdf::open(&out).expect("it opens").variable("v").expect("v").get_values::<f64, _>(..).expect("values");
            for (row, &found) in found.iter().enumerate() {
                let (columns, weights) = weights.row(row);
                let expected: f64 = columns.iter().zip(weights).map(|(&c, w)| w * values[c as usize]).sum();
                assert!((found - expected).abs() < 1e-12, "{method}, row {row}: {program} {found}, here {expected}");
            }
        };
        write_weights(&weights, source, &destination, &map, WeightsFormat::Esmf, true).expect("written");
        if nco {
            // It warns that such a map does not conserve.
            assert!(!run("ncks", &["--chk_map", text(&map)]).contains("ERROR"), "{method}");
            run("ncks", &["-O", &format!("--map={}", text(&map)), text(&field), text(&out)]);
            judge("nco");
        }
        write_weights(&weights, source, &destination, &map, WeightsFormat::Scrip, true).expect("written");
        if cdo {
            run("cdo", &["-s", "-b", "F64", &format!("remap,{},{}", text(&target), text(&map)), text(&field), text(&out)]);
            judge("cdo");
        }
    }
}

/// A CF file with the grid and one variable `v` on it.
fn write_field(grid: &Grid, values: &[f64], path: &Path) {
    write_grid(grid, path, GridFormat::Cf, true).expect("written");
    let mut file = netcdf::append(path).expect("it opens");
    let (dims, attributes) = {
        let mask = file.variable("cell_mask").expect("the mask");
        let dims: Vec<String> = mask.dimensions().iter().map(netcdf::Dimension::name).collect();
        let copied = ["coordinates", "grid_mapping", "CDI_grid_type"];
        let attributes: Vec<_> = copied.iter().filter_map(|n| Some((*n, mask.attribute_value(n)?.expect("readable")))).collect();
        (dims, attributes)
    };
    let names: Vec<&str> = dims.iter().map(String::as_str).collect();
    let mut v = file.add_variable::<f64>("v", &names).expect("variable");
    for (name, value) in attributes {
        v.put_attribute(name, value).expect("attribute");
    }
    v.put_values(values, ..).expect("values");
    drop(file);
}
