//! What each verb does when all is well.

use crate::files;
use crate::run::{Folder, check_snapshot, datasets};
use std::process::{Command, Stdio};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not JSON: {e}\n{text}"))
}

#[test]
fn inspect_tells_what_is_in_a_file() {
    let folder = Folder::new().with_dataset("cmc_gdps_t1015_ps30km.nc");
    check_snapshot("inspect", "inspect cmc_gdps_t1015_ps30km.nc", &folder.knarr("inspect cmc_gdps_t1015_ps30km.nc"));
    let report = json(&folder.knarr("inspect cmc_gdps_t1015_ps30km.nc --json").stdout);
    assert_eq!(report[0]["grids"][0]["kind"], "polar stereographic");
    assert_eq!(report[0]["variables"][0]["values"]["missing"], 0);
}

#[test]
fn grid_describes_lists_and_writes() {
    let folder = Folder::new();
    check_snapshot("grid", "grid H4n", &folder.knarr("grid H4n"));
    let list = folder.knarr("grid --list").stdout;
    assert!(["r360x180", "H128n", "eccc-hrdps-0.0225"].iter().all(|name| list.contains(name)), "{list}");
    for format in ["scrip", "ugrid", "esmf", "cf"] {
        let ran = folder.knarr(&format!("grid r36x18 -o {format}.nc --format {format} -q"));
        assert_eq!(ran.code, Some(0), "{format}: {}", ran.stderr);
        let back = json(&folder.knarr(&format!("grid {format}.nc --json")).stdout);
        assert_eq!(back["cells"], 648, "{format}");
        let area = back["area_over_sphere"].as_f64().expect("it has corners");
        // Great circles instead of parallels keep the sum of a whole sphere.
        assert!((area - 1.0).abs() < 1e-12, "{format}: {area}");
    }
}

#[test]
fn regrid_tells_what_it_chose_and_keeps_the_integral() {
    let folder = Folder::new().with_dataset("orca2_votemper.nc");
    let arguments = "regrid orca2_votemper.nc -o out.nc --to r36x18 --check";
    check_snapshot("regrid", arguments, &folder.knarr(arguments));
    let report = json(&folder.knarr(&format!("{arguments} --json -O")).stdout);
    let variable = &report["variables"][0];
    assert_eq!(variable["method"], "conservative");
    // The field is stored in single precision: half a unit in the last place of 24 bits.
    assert!(variable["conservation_error"].as_f64().expect("conservative") < 6e-8);
}

/// Fractions of land have sharp edges.
#[test]
fn values_that_change_their_sign_are_told_with_the_way_out() {
    let folder = Folder::new().with_dataset("natural_earth_landfrac_1deg.nc");
    let run = |more: &str| folder.knarr(&format!("regrid natural_earth_landfrac_1deg.nc -o out.nc -O --to H32n {more}"));
    let told = "while none of the source is below 0: `--limit monotone` keeps them in range";
    for (more, is_told) in [
        ("--method bicubic", true),
        ("--method bicubic,nearest", true),
        ("--method bicubic --limit monotone", false),
        ("", false),
    ] {
        let ran = run(more);
        assert_eq!(ran.code, Some(0), "{more}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains(told), is_told, "{more}: {}", ran.stderr);
    }
}

#[test]
fn cache_and_saved_weights_give_the_same_bytes() {
    let folder = Folder::new().with_dataset("orca2_votemper.nc");
    let run = |more: &str, out: &str| {
        let ran = folder.knarr(&format!("regrid orca2_votemper.nc -o {out} --to H8 -q {more}"));
        assert_eq!(ran.code, Some(0), "{more}: {}", ran.stderr);
        std::fs::read(folder.path(out)).expect("the output")
    };
    let plain = run("--method conservative --save-weights map.nc", "plain.nc");
    assert_eq!(run("--method conservative --cache kept", "first.nc"), plain);
    let kept: Vec<_> = std::fs::read_dir(folder.path("kept")).expect("the cache").collect();
    assert_eq!(kept.len(), 1, "one pair of grids, one file");
    assert_eq!(run("--method conservative --cache kept", "second.nc"), plain);
    assert_eq!(run("--weights map.nc", "given.nc"), plain);
    assert_eq!(run("--method conservative --threads 1", "one_thread.nc"), plain);
}

#[test]
fn weights_check_passes_what_weights_makes() {
    let folder = Folder::new();
    for method in ["conservative", "bilinear", "nearest", "distance"] {
        for format in ["esmf", "scrip"] {
            let ran = folder.knarr(&format!("weights r36x18 H8 -o map.nc -q -O --method {method} --format {format}"));
            assert_eq!(ran.code, Some(0), "{method} {format}: {}", ran.stderr);
            let ran = folder.knarr("weights check map.nc");
            assert_eq!(ran.code, Some(0), "{method} {format}: {}", ran.stdout);
        }
    }
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("field.nc"), |k| k as f32, None);
    let arguments = "regrid field.nc -o out.nc --to r36x18 --cache kept -O";
    assert_eq!(folder.knarr(arguments).code, Some(0));
    let file = std::fs::read_dir(folder.path("kept")).expect("the cache").next().expect("a file").expect("an entry").path();
    let whole = std::fs::read(&file).expect("weights");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("half of them");
    let ran = folder.knarr(arguments);
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("weights are made anew: ") && ran.stderr.contains(".weights: it has "), "{}", ran.stderr);
    assert_eq!(std::fs::read(&file).expect("weights"), whole);
    let ran = folder.knarr(arguments);
    assert!(ran.code == Some(0) && !ran.stderr.contains("anew"), "{}", ran.stderr);
}

#[test]
fn a_cache_that_takes_nothing_does_not_stop_the_work() {
    let folder = Folder::new();
    std::fs::write(folder.path("kept"), "a file").expect("a file");
    folder.fails("weights r36x18 H4 -o map.nc --cache kept", "cache_is_a_file");
    std::fs::remove_file(folder.path("kept")).expect("removed");
    assert_eq!(folder.knarr("weights r36x18 H4 -o map.nc --cache kept -q").code, Some(0));
    let entry = std::fs::read_dir(folder.path("kept")).expect("the cache").next().expect("a file").expect("an entry").path();
    std::fs::remove_file(&entry).expect("removed");
    // A folder in the place of the entry.
    std::fs::create_dir(&entry).expect("a folder");
    let ran = folder.knarr("weights r36x18 H4 -o map.nc --cache kept -O");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("the weights are not kept: "), "{}", ran.stderr);
}

#[test]
fn weights_use_the_cache_of_regrid() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("field.nc"), |k| k as f32, None);
    assert_eq!(folder.knarr("regrid field.nc -o out.nc --to H4 --method conservative --cache kept -q").code, Some(0));
    let ran = folder.knarr("weights field.nc:t H4 -o found.nc --method conservative --cache kept -v");
    assert!(ran.code == Some(0) && !ran.stderr.contains("about"), "made, not found: {}", ran.stderr);
    let ran = folder.knarr("weights field.nc:t H4 -o made.nc --method conservative -v");
    assert!(ran.code == Some(0) && ran.stderr.contains("about"), "{}", ran.stderr);
    let bytes = |name: &str| std::fs::read(folder.path(name)).expect("weights");
    assert_eq!(bytes("found.nc"), bytes("made.nc"));
    assert_eq!(std::fs::read_dir(folder.path("kept")).expect("the cache").count(), 1);
}

#[test]
fn nearest_weights_drop_no_cell_for_its_corners() {
    let folder = Folder::new();
    assert_eq!(folder.knarr("grid CS6 -o mesh.nc --format scrip -q").code, Some(0));
    let mut file = netcdf::append(folder.path("mesh.nc")).expect("the mesh");
    for name in ["grid_corner_lon", "grid_corner_lat"] {
        let mut corners = file.variable_mut(name).expect("corners");
        let first: Vec<f64> = corners.get_values((40, ..)).expect("values");
        corners.put_values(&[first[0], first[1], first[0], first[1]], (40, ..)).expect("a line");
    }
    drop(file);
    for (method, cells) in [("conservative", 215), ("bilinear", 215), ("gaussian", 215), ("nearest", 216)] {
        let ran = folder.knarr(&format!("weights mesh.nc r36x18 -o {method}.nc -q --method {method} --format scrip"));
        assert_eq!(ran.code, Some(0), "{method}: {}", ran.stderr);
        let file = netcdf::open(folder.path(&format!("{method}.nc"))).expect("weights");
        let mask: Vec<i32> = file.variable("src_grid_imask").expect("a mask").get_values(..).expect("values");
        assert_eq!(mask.iter().filter(|&&flag| flag == 1).count(), cells, "{method}");
        assert_eq!(file.variable("src_grid_area").is_some(), method == "conservative", "{method}");
        assert_eq!(folder.knarr(&format!("weights check {method}.nc")).code, Some(0), "{method}");
    }
    // In ESMF layout the destination keeps its corners, which NCO takes.
    assert_eq!(folder.knarr("weights r36x18 mesh.nc -o to.nc -q --method nearest").code, Some(0));
    let file = netcdf::open(folder.path("to.nc")).expect("weights");
    assert_eq!(file.variable("xv_b").expect("corners").dimensions()[1].len(), 4);
}

#[test]
fn weights_check_finds_a_fault() {
    let folder = Folder::new();
    assert_eq!(folder.knarr("weights r36x18 H4 -o map.nc -q").code, Some(0));
    let mut file = netcdf::append(folder.path("map.nc")).expect("the map");
    let mut values = file.variable_mut("S").expect("weights");
    values.put_value(0.5f64, [0]).expect("a wrong weight");
    drop(file);
    let ran = folder.knarr("weights check map.nc");
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stdout.contains("FAIL"), "{}", ran.stdout);
}

#[test]
fn compare_judges_by_the_tolerance() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("a.nc"), |k| 100.0 + k as f32, None);
    files::lat_lon(&folder.path("b.nc"), |k| 100.0 + k as f32 + if k == 7 { 1.0 } else { 0.0 }, None);
    check_snapshot("compare", "compare a.nc b.nc", &folder.knarr("compare a.nc b.nc"));
    // One cell differs by 1 where the largest value is 171.
    assert_eq!(folder.knarr("compare a.nc b.nc --tolerance 0.01").code, Some(0));
    assert_eq!(folder.knarr("compare a.nc b.nc --tolerance 0.001").code, Some(1));
    assert_eq!(folder.knarr("compare a.nc a.nc --tolerance 0").code, Some(0));
    assert_eq!(json(&folder.knarr("compare a.nc b.nc --json").stdout)["variables"][0]["norms"]["max_difference"], 1.0);
}

#[test]
fn plot_draws_structured_and_unstructured_fields() {
    for name in ["ukmo_mslp_rotated_pole.nc", "chesapeake_mesh_ugrid.nc", "uv300_t42_gaussian.nc"] {
        let folder = Folder::new().with_dataset(name);
        let ran = folder.knarr(&format!("plot {name} -o map.png --width 500"));
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let png = std::fs::read(folder.path("map.png")).expect("the map");
        assert!(png.starts_with(b"\x89PNG") && png.len() > 5000, "{name}: {} bytes", png.len());
    }
}

#[test]
fn source_grid_takes_the_place_of_coordinates() {
    let folder = Folder::new();
    files::no_grid(&folder.path("stations.nc"));
    // Four stations are no HEALPix grid; twelve cells are.
    let ran = folder.knarr("regrid stations.nc -o out.nc --to r36x18 --source-grid H1");
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let mut file = netcdf::create(folder.path("bare.nc")).expect("a file");
    file.add_dimension("cell", 12).expect("a dimension");
    let mut variable = file.add_variable::<f32>("t", &["cell"]).expect("a variable");
    variable.put_values(&[1.0f32; 12], ..).expect("values");
    drop(file);
    let ran = folder.knarr("regrid bare.nc -o out.nc --to r36x18 --source-grid H1n --method conservative --check --json -q");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let variable = &json(&ran.stdout)["variables"][0];
    assert_eq!((&variable["unmapped"], &variable["after"]["values"]), (&0.into(), &648.into()));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let file = datasets().join("coads_monthly_climatology.nc");
    let mut child = Command::new(env!("CARGO_BIN_EXE_knarr"))
        .arg("inspect")
        .args([&file, &file, &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    // Closing the reading end before anything is written.
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
