//! Devices: what they are called, what is said without one, and that their results are those of the processor.

use crate::files;
use crate::run::{Folder, Ran, check_snapshot};
use std::process::Command;

/// Runs `knarr` with a driver that computes on the processor, or without any.
fn run(folder: &Folder, arguments: &str, has_driver: bool) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_knarr"));
    // The loader complains on stderr where there is no desktop.
    command.args(arguments.split_whitespace()).env("XDG_RUNTIME_DIR", folder.path("."));
    if !has_driver {
        for name in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
            command.env(name, "/nonexistent.json");
        }
    }
    folder.finish(&mut command)
}

/// A folder with a field that has holes.
fn with_field() -> Folder {
    let folder = Folder::new();
    let value = |k: usize| if k.is_multiple_of(5) { 1e20 } else { 250.0 + (k as f32 * 0.37).sin() };
    files::lat_lon(&folder.path("field.nc"), value, Some(1e20));
    folder
}

#[test]
#[cfg(feature = "gpu")]
fn without_a_graphics_processor() {
    let folder = with_field();
    let arguments = "regrid field.nc -o out.nc --to r8x4 --device gpu";
    let ran = run(&folder, arguments, false);
    assert!(!folder.path("out.nc").exists());
    check_snapshot("gpu_none", arguments, &ran);
    let ran = run(&folder, "regrid field.nc -o out.nc --to r8x4 --device auto", false);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines = ran.stderr.lines().filter(|l| l.contains("graphics processor")).collect::<Vec<_>>();
    assert_eq!(lines, ["no graphics processor here: computing on the processor"]);
    let ran = run(&folder, "gpu info", false);
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 1), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(run(&folder, "gpu info --json", false).stdout, "[]\n");
}

#[test]
#[cfg(not(feature = "gpu"))]
fn without_kernels_for_graphics_processors() {
    let folder = with_field();
    let ran = run(&folder, "regrid field.nc -o out.nc --to r8x4 --device gpu", true);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("this build has no GPU kernels"), "{}", ran.stderr);
    assert_eq!(run(&folder, "regrid field.nc -o out.nc --to r8x4 --device auto", true).code, Some(0));
}

#[test]
fn a_device_is_named_as_the_help_says() {
    let ran = with_field().knarr("regrid field.nc -o out.nc --to r8x4 --device cuda");
    assert!(ran.code == Some(2) && ran.stderr.contains("expected auto, cpu, gpu or gpu:N"), "{}", ran.stderr);
}

#[test]
#[cfg(feature = "gpu")]
fn a_file_regridded_on_a_device_is_that_of_the_processor() {
    let folder = with_field();
    let info = run(&folder, "gpu info --json", true);
    let adapters: serde_json::Value = serde_json::from_str(&info.stdout).expect("JSON");
    if adapters.as_array().is_none_or(Vec::is_empty) {
        assert!(std::env::var("KNARR_REQUIRE_GPU").as_deref() != Ok("1"), "no GPU adapter: {}", info.stderr);
        eprintln!("skipped: no GPU adapter");
        return;
    }
    assert_eq!(adapters[0]["device"], "gpu:0");
    for method in ["conservative", "bilinear", "nearest"] {
        let regrid = format!("regrid field.nc --to H8 --method {method} --check -O");
        let on_device = run(&folder, &format!("{regrid} -o device.nc --device gpu:0"), true);
        assert_eq!(on_device.code, Some(0), "{}{}", on_device.stdout, on_device.stderr);
        assert!(on_device.stderr.contains("computing on gpu:0 "), "{}", on_device.stderr);
        assert!(on_device.stderr.contains("to the device ("), "{}", on_device.stderr);
        let on_processor = run(&folder, &format!("{regrid} -o processor.nc"), true);
        assert_eq!(on_processor.code, Some(0), "{}", on_processor.stderr);
        // Sums are in double precision on both, rounded once to single.
        let same = run(&folder, "compare device.nc processor.nc --tolerance 2e-7", true);
        assert_eq!(same.code, Some(0), "{}{}", same.stdout, same.stderr);
    }
    // Vectors are turned on the device.
    files::rotated_wind(&folder.path("wind.nc"), true);
    for (name, device) in [("wind_device.nc", "gpu:0"), ("wind_processor.nc", "cpu")] {
        let ran = run(&folder, &format!("regrid wind.nc -o {name} --to 2 --method bilinear --device {device}"), true);
        assert_eq!((ran.code, ran.stderr.contains("left to")), (Some(0), false), "{}", ran.stderr);
    }
    let same = run(&folder, "compare wind_device.nc wind_processor.nc --tolerance 2e-7", true);
    assert_eq!(same.code, Some(0), "{}{}", same.stdout, same.stderr);
    // What has no kernels is said in one line; what has, is not.
    for (method, left) in [
        ("conservative", None),
        ("bilinear,nearest", None),
        ("conservative,distance:3", Some("left to the processor: the search for valid centers by distance")),
        ("conservative,creep", Some("left to the processor: what layers that creep fill")),
        ("conservative2,fixed:0", Some("left to the processor: gradients of second order")),
    ] {
        let ran = run(&folder, &format!("regrid field.nc --to H8 --method {method} -O -o device.nc --device gpu:0"), true);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().find(|line| line.starts_with("left to")), left, "{method}");
    }
    let weights = run(&folder, "weights CS6 H4 -o map.nc --device gpu:0", true);
    assert_eq!(weights.code, Some(0), "{}", weights.stderr);
    let judged = run(&folder, "weights check map.nc", true);
    assert_eq!(judged.code, Some(0), "{}{}", judged.stdout, judged.stderr);
    let rows = run(&folder, "weights O16 r8x4 -o map.nc -O --device gpu:0", true);
    assert!(rows.stderr.contains("made on the processor"), "{}", rows.stderr);
    for method in ["conservative", "nearest", "bilinear"] {
        for to in ["H4", "r8x4"] {
            let made = run(&folder, &format!("weights r36x18 {to} -o map.nc -O --device gpu:0 --method {method}"), true);
            assert!(made.code == Some(0) && !made.stderr.contains("made on the processor"), "{}", made.stderr);
        }
    }
    // Tiles of weights are made there as well.
    for pair in ["r360x180 H128", "CS128 r360x180"] {
        let make = |more: &str| run(&folder, &format!("weights {pair} -o map.nc -O --device gpu:0 {more}"), true);
        let (whole, refused) = (make(""), make("--max-memory 1M"));
        let least = refused.stderr.split('`').nth(1).expect("a hint");
        let tiled = make(least);
        assert!(tiled.code == Some(0) && tiled.stderr.contains(" tiles\n"), "{}", tiled.stderr);
        assert!(!tiled.stderr.contains("on the processor"), "{}", tiled.stderr);
        assert_eq!(whole.stdout, tiled.stdout, "links, unmapped cells, smallest and largest weight");
        let judged = run(&folder, "weights check map.nc", true);
        assert_eq!(judged.code, Some(0), "{}{}", judged.stdout, judged.stderr);
    }
    let cached = run(&folder, "weights r36x18 H4 -o map.nc -O --device gpu:0 --cache kept", true);
    assert_eq!(cached.code, Some(0), "{}", cached.stderr);
    let kept = std::fs::read_dir(folder.path("kept")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "a cache has the weights of the processor alone");
    let far = run(&folder, "regrid field.nc -o far.nc --to H8 --device gpu:99", true);
    assert!(far.code == Some(2) && far.stderr.contains("`gpu:0` "), "{}", far.stderr);
}
