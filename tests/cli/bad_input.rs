//! Each bad input: what is said, that nothing is left behind, and that the hints work.

use crate::files;
use crate::run::{Folder, check_snapshot};
use std::process::Command;

fn with_field(name: &str) -> Folder {
    let folder = Folder::new();
    files::lat_lon(&folder.path(name), |k| 270.0 + k as f32, None);
    folder
}

#[test]
fn missing_file() {
    with_field("ocean.nc").fails("regrid ocaen.nc -o out.nc --to r36x18", "missing_file");
}

#[test]
fn not_netcdf() {
    let folder = Folder::new();
    std::fs::write(folder.path("notes.nc"), "these are notes\n").expect("a text");
    folder.fails("inspect notes.nc", "not_netcdf");
}

#[test]
fn grib_is_named() {
    let folder = Folder::new().with_dataset("cmc_gdps_t1015_ps30km.grib2");
    folder.fails("regrid cmc_gdps_t1015_ps30km.grib2 -o out.nc --to r36x18", "grib");
}

#[test]
fn truncated_file() {
    let folder = Folder::new().with_dataset("etopo_1deg.nc");
    let whole = std::fs::read(folder.path("etopo_1deg.nc")).expect("the copy");
    std::fs::write(folder.path("short.nc"), &whole[..whole.len() / 2]).expect("half of it");
    folder.fails("regrid short.nc -o out.nc --to r36x18", "truncated");
}

#[test]
fn truncated_classic_file() {
    let folder = with_field("whole.nc");
    let made = Command::new("nccopy").args(["-3", "whole.nc", "classic.nc"]).current_dir(folder.path(".")).status();
    if !made.is_ok_and(|s| s.success()) {
        eprintln!("skipped 1: nccopy is not installed");
        return;
    }
    let whole = std::fs::read(folder.path("classic.nc")).expect("the copy");
    std::fs::write(folder.path("short.nc"), &whole[..whole.len() - 100]).expect("most of it");
    folder.fails("regrid short.nc -o out.nc --to r36x18", "truncated_classic");
}

#[test]
fn variable_without_a_grid() {
    let folder = Folder::new();
    files::no_grid(&folder.path("stations.nc"));
    folder.fails("regrid stations.nc -o out.nc --to r36x18 --vars t", "variable_without_a_grid");
    folder.fails("regrid stations.nc -o out.nc --to r36x18", "file_without_a_grid");
    folder.fails("plot stations.nc -o out.png", "plot_without_a_grid");
}

#[test]
fn no_corners_for_conservative() {
    let folder = Folder::new();
    files::points(&folder.path("buoys.nc"));
    folder.fails("regrid buoys.nc -o out.nc --to r36x18 --method conservative", "no_corners");
    folder.fails("weights buoys.nc:t r36x18 -o map.nc --method conservative", "no_corners_for_weights");
}

#[test]
fn unknown_grid() {
    let folder = with_field("field.nc");
    folder.fails("regrid field.nc -o out.nc --to H12x", "unknown_grid");
    folder.fails("grid eccc-hrdsp-0.0225", "unknown_grid_id");
    folder.fails("grid r0x180", "bad_grid");
}

#[test]
fn weights_of_other_grids() {
    let folder = with_field("field.nc");
    assert_eq!(folder.knarr("weights r36x18 r18x9 -o map.nc -q").code, Some(0));
    folder.fails("regrid field.nc -o out.nc --to r18x9 --weights map.nc", "weights_mismatch");
    folder.fails("regrid field.nc -o out.nc --to r36x18 --weights field.nc", "no_weights");
}

#[test]
fn unwritable_output() {
    let folder = with_field("field.nc");
    folder.fails("regrid field.nc -o nowhere/out.nc --to r36x18", "folder_missing");
    std::fs::create_dir(folder.path("out")).expect("a folder");
    folder.fails("regrid field.nc -o out --to r36x18 -O", "output_is_a_folder");
    folder.fails("plot field.nc -o nowhere/map.png", "map_folder_missing");
}

#[test]
fn existing_output() {
    let folder = with_field("field.nc");
    std::fs::write(folder.path("out.nc"), "precious").expect("a file");
    let before = std::fs::read(folder.path("out.nc")).expect("it");
    let ran = folder.knarr("regrid field.nc -o out.nc --to r36x18");
    assert_eq!(std::fs::read(folder.path("out.nc")).expect("still there"), before, "it was touched");
    check_snapshot("existing_output", "regrid field.nc -o out.nc --to r36x18", &ran);
    folder.fails("regrid field.nc -o out.nc --to r36x18", "existing_output");
    assert_ne!(std::fs::read(folder.path("out.nc")).expect("replaced by the hint"), before);
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    // A limit of 8 blocks on the size of files; with its signal ignored, writing fails as on a full disk.
    let folder = with_field("field.nc");
    let before = folder.names();
    let knarr = env!("CARGO_BIN_EXE_knarr");
    for command in ["regrid field.nc -o out.nc --to r360x180", "weights r72x36 r36x18 -o map.nc", "plot field.nc -o map.png"] {
        let script = format!("trap '' XFSZ; ulimit -f 8; exec {knarr} {command}");
        let ran = folder.finish(Command::new("sh").args(["-c", &script]));
        assert_eq!(ran.code, Some(2), "{command}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("error: ") && ran.stderr.contains("cannot write"), "{command}: {}", ran.stderr);
        assert_eq!(folder.names(), before, "{command} left something behind");
    }
}

#[test]
fn a_full_file_system_is_named() {
    // A file system of 16 kB in a namespace of its own, where the system allows that.
    let folder = with_field("field.nc");
    std::fs::create_dir(folder.path("tiny")).expect("a folder");
    let knarr = env!("CARGO_BIN_EXE_knarr");
    let arguments = "regrid field.nc -o tiny/out.nc --to r720x360";
    let script = format!("mount -t tmpfs -o size=16k none tiny || exit 77; {knarr} {arguments}; code=$?; ls -A tiny; exit $code");
    let ran = folder.finish(Command::new("unshare").args(["-rm", "sh", "-c", &script]));
    if ran.code == Some(77) || ran.stderr.contains("unshare") {
        eprintln!("skipped 1: no user namespaces with mounts here ({})", ran.stderr.trim());
        return;
    }
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
    check_snapshot("disk_full", arguments, &ran);
}

#[test]
fn variable_typo() {
    with_field("field.nc").fails("regrid field.nc -o out.nc --to r36x18 --vars tt", "vars_typo");
}

#[test]
fn nan_without_fill_value() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("field.nc"), |k| if k == 5 { f32::NAN } else { k as f32 }, None);
    folder.fails("regrid field.nc -o out.nc --to r36x18", "nan_without_fill");
}

#[test]
fn all_missing_field_stays_missing() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("field.nc"), |_| -999.0, Some(-999.0));
    let arguments = "regrid field.nc -o out.nc --to r36x18 --check";
    let ran = folder.knarr(arguments);
    check_snapshot("all_missing", arguments, &ran);
    assert_eq!(ran.code, Some(0));
    let ran = folder.knarr("plot field.nc -o map.png");
    assert_eq!((ran.code, folder.path("map.png").is_file()), (Some(0), true), "{}", ran.stderr);
}

#[test]
fn zero_size_dimension() {
    let folder = Folder::new();
    files::no_times(&folder.path("empty.nc"));
    let arguments = "regrid empty.nc -o out.nc --to r36x18 --check";
    let ran = folder.knarr(arguments);
    check_snapshot("zero_size", arguments, &ran);
    let ran = folder.knarr("inspect empty.nc");
    check_snapshot("zero_size_inspect", "inspect empty.nc", &ran);
    folder.fails("plot empty.nc -o map.png", "zero_size_plot");
}

#[test]
fn steps_beyond_the_last() {
    let folder = Folder::new().with_dataset("levitus_annual_temp_salt.nc");
    folder.fails("plot levitus_annual_temp_salt.nc --level 4 -o map.png", "level_beyond");
    folder.fails("plot levitus_annual_temp_salt.nc --time 1 -o map.png", "no_time");
}

#[test]
fn files_on_different_grids() {
    let folder = with_field("a.nc");
    assert_eq!(folder.knarr("regrid a.nc -o b.nc --to r36x18 -q").code, Some(0));
    folder.fails("compare a.nc b.nc", "different_grids");
}

#[test]
fn maps_are_png() {
    let folder = with_field("field.nc");
    folder.fails("plot field.nc -o map.pdf", "map_ending");
    folder.fails("plot field.nc -o map", "map_without_ending");
}

#[test]
fn no_gpu() {
    with_field("field.nc").fails("grid H4 --device gpu", "no_gpu");
}
