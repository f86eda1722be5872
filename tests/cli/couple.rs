//! `knarr couple`: experiments checked, run, stopped and gone on with.

use crate::run::{Folder, Ran, check_snapshot};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Two boxes that trade heat; what goes back is a step late.
const PAIR: &str = "\
title: two boxes
clock: {start: 2001-02-27, stop: P2D, calendar: noleap}
grids: {fine: r24x12, coarse: H4}
components:
  air:
    kind: analytic
    grid: fine
    step: PT1H
    parameters: {imports: [sea_flux], flux: air_flux, residence: 30 h, amplitude: 10, initial: 1e7}
  sea:
    kind: analytic
    grid: coarse
    step: PT3H
    parameters: {imports: [air_flux], flux: sea_flux, residence: 100 h, amplitude: 4, initial: 3e7}
maps:
  flux: conservative
exchanges:
  - {from: air, to: sea, fields: [air_flux], every: PT3H, map: flux}
  - {from: sea, to: air, fields: [sea_flux], every: PT3H, lag: PT3H, initial: 0 W m-2, map: flux}
budget: {quantities: [heat], every: P1D}
output: {every: PT3H}
restart: {every: PT6H}
";

fn write(folder: &Folder, name: &str, text: &str) {
    std::fs::write(folder.path(name), text).expect("the experiment can be written");
}

#[test]
fn a_check_tells_what_will_run() {
    let folder = Folder::new();
    write(&folder, "pair.yaml", PAIR);
    for (arguments, snapshot) in [
        ("couple check pair.yaml", "couple_check"),
        ("couple check pair.yaml --explain", "couple_explain"),
        ("couple check pair.yaml --graph", "couple_graph"),
    ] {
        let ran = folder.knarr(arguments);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        check_snapshot(snapshot, arguments, &ran);
    }
    let json: serde_json::Value =
        serde_json::from_str(&folder.knarr("couple check pair.yaml --format json").stdout).expect("JSON");
    assert_eq!(json["overview"]["couplings"][0]["exchanges"], 16);
    assert_eq!(json["findings"], serde_json::json!([]));
}

/// What each change of the experiment is told; all at once cost one start of the program each.
#[test]
fn what_is_wrong_is_told_with_its_line_and_the_way_on() {
    let folder = Folder::new();
    fractions(&folder.path("fractions.nc"));
    let replace = |from: &str, to: &str| {
        assert!(PAIR.contains(from), "{from}");
        PAIR.replace(from, to)
    };
    let shares = |sea: &str| {
        let three = "
  land:
    kind: analytic
    grid: fine
    step: PT3H
    parameters: {flux: land_flux, residence: 9 h}
  earth:
    kind: geosphere
    grid: fine
    step: PT3H
    parameters: {fields: {land_area_fraction: {from: 'fractions.nc:land', units: '1'}, sea_area_fraction: {from: 'fractions.nc:SEA', units: '1'}}}
maps:";
        replace("\nmaps:", &three.replace("SEA", sea)).replace(
            "initial: 0 W m-2, map: flux}",
            "initial: 0 W m-2, map: flux, share: sea_area_fraction}
  - {from: land, to: air, fields: [{land_flux: sea_flux}], every: PT3H, share: land_area_fraction}
  - {from: earth, to: air, fields: [land_area_fraction, sea_area_fraction], every: PT3H}",
        )
    };
    let cases = [
        ("unknown_key", replace("lag: PT3H", "lagg: PT3H")),
        ("misspelt_field", replace("fields: [air_flux]", "fields: [air_flx]")),
        ("units", replace("fields: [sea_flux]", "fields: [{heat_content: sea_flux}]")),
        ("period", replace("fields: [air_flux], every: PT3H", "fields: [air_flux], every: PT5H")),
        ("no_initial", replace("initial: 0 W m-2, ", "")),
        ("initial_units", replace("0 W m-2", "0 K")),
        ("uncovered", replace("fine: r24x12", "fine: 'll:0,-30,15,15,24,5'")),
        ("deadlock", replace("lag: PT3H, initial: 0 W m-2, ", "")),
        ("order", replace("budget:", "run: [{every: PT3H, do: [sea, {every: PT1H, do: [air]}]}]\nbudget:")),
        ("forgotten", replace("budget:", "run: [{every: PT3H, do: [sea]}]\nbudget:")),
        ("missing_grid", replace("coarse: H4", "coarse: fraction.nc")),
        ("calendar", replace("calendar: noleap", "calendar: nolaep")),
        ("no_such_date", replace("2001-02-27", "2001-02-29")),
        ("kind", replace("kind: analytic\n    grid: coarse", "kind: analitic\n    grid: coarse")),
        ("parameter", replace("residence: 30 h", "residence: 30 m")),
        ("unsatisfied", replace("  - {from: air, to: sea, fields: [air_flux], every: PT3H, map: flux}\n", "")),
        ("twice", replace("step: PT1H", "step: PT1H\n    step: PT2H")),
        ("lag_too_long", replace("lag: PT3H", "lag: PT9H")),
        ("stop", replace("stop: P2D", "stop: PT50H")),
        ("gap", shares("half")),
        ("overlap", shares("all")),
    ];
    for (name, text) in cases {
        let file = format!("{name}.yaml");
        write(&folder, &file, &text);
        let arguments = format!("couple check {file}");
        let ran = folder.knarr(&arguments);
        assert_eq!(ran.code, Some(1), "{name}: {}{}", ran.stdout, ran.stderr);
        check_snapshot(&format!("couple_{name}"), &arguments, &ran);
        // A run refuses the same, and leaves nothing.
        if name == "deadlock" {
            let before = folder.names();
            let ran = folder.knarr(&format!("couple run {file}"));
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
            assert!(ran.stderr.contains("wait for one another"), "{}", ran.stderr);
            assert_eq!(folder.names(), before);
        }
    }
    // With fractions that fit nothing is wrong.
    write(&folder, "shares.yaml", &shares("sea"));
    let ran = folder.knarr("couple check shares.yaml");
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let ran = folder.knarr("couple run shares.yaml -q");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// Fractions on the grid `fine`: of land, of sea, and two that do not fit.
fn fractions(path: &Path) {
    let mut file = netcdf::create(path).expect("writable");
    file.add_dimension("lat", 12).expect("a dimension");
    file.add_dimension("lon", 24).expect("a dimension");
    let land = |cell: usize| if cell % 24 < 7 { 1.0 } else { (cell % 5) as f64 / 8.0 };
    let fields: [(&str, &dyn Fn(usize) -> f64); 4] =
        [("land", &land), ("sea", &|c| 1.0 - land(c)), ("half", &|c| 0.5 * (1.0 - land(c))), ("all", &|_| 1.0)];
    for (name, axis, n, first, step) in [("lat", "degrees_north", 12usize, -82.5, 15.0), ("lon", "degrees_east", 24, 0.0, 15.0)] {
        let mut variable = file.add_variable::<f64>(name, &[name]).expect("a variable");
        variable.put_attribute("units", axis).expect("an attribute");
        let values: Vec<f64> = (0..n).map(|k| first + step * k as f64).collect();
        variable.put_values(&values, ..).expect("values");
    }
    for (name, value) in fields {
        let values: Vec<f64> = (0..288).map(value).collect();
        file.add_variable::<f64>(name, &["lat", "lon"]).expect("a variable").put_values(&values, ..).expect("values");
    }
}

/// Files of a run that say the same whenever and however it ran.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("the run left a folder");
    entries
        .map(|e| e.expect("an entry"))
        .filter(|e| e.path().is_file())
        .map(|e| (e.file_name().to_string_lossy().into_owned(), e.path()))
        .filter(|(name, _)| name != "report.json" && !name.starts_with('.'))
        .map(|(name, path)| (name, std::fs::read(path).expect("readable")))
        .collect()
}

fn state_hash(folder: &Path) -> String {
    let report = std::fs::read_to_string(folder.join("report.json")).expect("the run left a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    report["state_hash"].as_str().expect("a text").to_owned()
}

#[test]
fn a_run_leaves_outputs_a_ledger_and_a_report() {
    let folder = Folder::new();
    write(&folder, "pair.yaml", PAIR);
    let ran = folder.knarr("couple run pair.yaml --threads 2");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let out = folder.path("pair.out");
    let names: Vec<String> = contents(&out).into_keys().collect();
    assert!(["budget.json", "budget.nc", "budget.txt"].iter().all(|n| names.contains(&(*n).to_owned())), "{names:?}");
    assert_eq!(names.iter().filter(|n| n.starts_with("sea_")).count(), 8, "one file between two kept states: {names:?}");
    assert_eq!(std::fs::read_dir(out.join("restart")).expect("kept states").count(), 2);
    let report = std::fs::read_to_string(out.join("report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["couplings"][0]["taken"], 16);
    assert!(report["sypd"].as_f64().expect("a number") > 0.0);
    assert!(report["worst_residual"].as_f64().expect("a number") < 1e-12);
    let budget: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("budget.json")).expect("a budget")).expect("JSON");
    for row in budget["exchanges"].as_array().expect("rows").iter().chain(budget["stocks"].as_array().expect("rows")) {
        assert!(row["relative_residual"].as_f64().expect("a number").abs() < 1e-12, "{row}");
    }
    // What was written can be read as any file.
    let first = names.iter().find(|n| n.starts_with("air_")).expect("an output");
    let inspected = folder.knarr(&format!("inspect pair.out/{first}"));
    assert_eq!(inspected.code, Some(0), "{}", inspected.stderr);
    assert!(inspected.stdout.contains("air_flux"), "{}", inspected.stdout);
    folder.fails("couple run pair.yaml", "couple_again");
    // Other threads, the same bits.
    let ran = folder.knarr("couple run pair.yaml -o one --threads 1 -q");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(contents(&folder.path("one")), contents(&out));
    assert_eq!(state_hash(&folder.path("one")), state_hash(&out));
    // A run that goes on from its last kept state comes to the same end.
    let ran = folder.knarr("couple resume pair.yaml --threads 3 -q");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(contents(&folder.path("one")), contents(&out));
    // Longer is allowed, other is not.
    write(&folder, "pair.yaml", &PAIR.replace("stop: P2D", "stop: P3D"));
    assert_eq!(folder.knarr("couple resume pair.yaml -q").code, Some(0));
    write(&folder, "pair.yaml", &PAIR.replace("amplitude: 10", "amplitude: 11"));
    let ran = folder.knarr("couple resume pair.yaml");
    assert_eq!(ran.code, Some(2));
    check_snapshot("couple_changed", "couple resume pair.yaml", &hide_date(ran));
    // Unless it is named.
    let ran = folder.knarr("couple resume pair.yaml -q --allow-changed maps");
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let ran = folder.knarr("couple resume pair.yaml -q --allow-changed maps --allow-changed components");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn the_graph_is_a_picture_too() {
    let folder = Folder::new();
    write(&folder, "pair.yaml", PAIR);
    let ran = folder.knarr("couple check pair.yaml --graph=svg");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("<svg ") && ran.stdout.ends_with("</svg>\n"), "{}", ran.stdout);
    for text in [">air</text>", ">sea</text>", ">air_flux</text>", ">every PT3H, lag PT3H</text>", "stroke-dasharray"] {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
    assert_eq!(folder.knarr("couple check pair.yaml --graph=svg").stdout, ran.stdout);
}

#[test]
#[cfg(feature = "gpu")]
fn a_run_on_a_graphics_processor_says_so_and_closes() {
    let folder = Folder::new();
    let info = folder.knarr("gpu info --json");
    let adapters: serde_json::Value = serde_json::from_str(&info.stdout).expect("JSON");
    if adapters.as_array().is_none_or(|list| list.first().is_none_or(|first| first["double_precision"] != true)) {
        assert!(std::env::var("KNARR_REQUIRE_GPU").as_deref() != Ok("1"), "no GPU adapter: {}", info.stderr);
        eprintln!("skipped: no GPU adapter with double precision");
        return;
    }
    write(&folder, "pair.yaml", &PAIR.replace("title:", "device: gpu:0\ntitle:"));
    write(&folder, "other.yaml", &PAIR.replace("title:", "device: cuda\ntitle:"));
    let report = |out: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(folder.path(out).join("report.json")).expect("a report");
        serde_json::from_str(&text).expect("JSON")
    };
    for (arguments, out) in [("couple run pair.yaml", "pair.out"), ("couple run pair.yaml -o host --device cpu", "host")] {
        let ran = folder.knarr(arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let (report, on_device) = (report(out), out != "host");
        assert_eq!(report["device"].as_str().expect("a text").starts_with("gpu:0 "), on_device, "{report}");
        for count in ["uploads", "downloads", "uploaded_bytes", "downloaded_bytes"] {
            assert_eq!(report["copies"][count].as_u64().expect("a number") > 0, on_device, "{report}");
        }
        for coupling in report["couplings"].as_array().expect("a list") {
            assert_eq!(coupling["on_device"], on_device, "{report}");
            assert_eq!(coupling["copies"].as_u64().expect("a number") > 0, on_device, "{report}");
        }
        assert!(report["worst_residual"].as_f64().expect("a number") <= 1e-12, "{report}");
    }
    let ran = folder.knarr("couple check other.yaml");
    assert!(ran.code == Some(1) && ran.stdout.contains("expected auto, cpu, gpu or gpu:N"), "{}", ran.stdout);
}

fn hide_date(mut ran: Ran) -> Ran {
    ran.stderr = ran.stderr.replace(|c: char| c.is_ascii_digit(), "N");
    ran
}

/// Killed at any moment, a run goes on from what it kept and comes to the same end.
#[test]
fn a_run_killed_at_any_moment_comes_to_the_same_end() {
    let folder = Folder::new();
    let text = PAIR.replace("stop: P2D", "stop: P8D").replace("initial: 3e7", "initial: 3e7, cost: 40");
    write(&folder, "long.yaml", &text);
    let start = std::time::Instant::now();
    let ran = folder.knarr("couple run long.yaml -o whole -q --threads 1");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let whole = start.elapsed();
    let expected = (contents(&folder.path("whole")), state_hash(&folder.path("whole")));
    let (mut kills, mut number) = (0, 0x2545_F491_4F6C_DD1Du64);
    let mut known = false;
    while kills < 50 {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        let verb = if known { "resume" } else { "run" };
        let mut command = Command::new(env!("CARGO_BIN_EXE_knarr"));
        command.args(["couple", verb, "long.yaml", "-o", "broken", "-q", "--threads", "1"]);
        if !known {
            command.arg("--force");
        }
        command.current_dir(folder.path("")).env("HDF5_USE_FILE_LOCKING", "FALSE");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program can be started");
        // Moments from the very start to most of a run.
        std::thread::sleep(whole.mul_f64((number % 1000) as f64 / 1600.0).max(Duration::from_millis(2)));
        match child.try_wait().expect("it can be asked") {
            Some(status) => {
                assert_eq!(status.code(), Some(0), "after {kills} kills");
                assert_eq!(contents(&folder.path("broken")), expected.0, "after {kills} kills");
                assert_eq!(state_hash(&folder.path("broken")), expected.1, "after {kills} kills");
                std::fs::remove_dir_all(folder.path("broken")).expect("it can be removed");
                known = false;
            }
            None => {
                child.kill().expect("it can be killed");
                child.wait().expect("it ends");
                kills += 1;
                let kept = std::fs::read_dir(folder.path("broken/restart")).into_iter().flatten().flatten();
                known = kept.filter(|e| e.path().extension().is_some_and(|x| x == "knarr")).count() > 0;
            }
        }
    }
    let verb = if known { "resume" } else { "run --force" };
    let ran = folder.knarr(&format!("couple {verb} long.yaml -o broken -q"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(contents(&folder.path("broken")), expected.0);
    let left = std::fs::read_dir(folder.path("broken")).expect("the run left a folder");
    let left: Vec<String> = left.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.ends_with(".part")), "unfinished files stay: {left:?}");
}

/// A modeller learns from the program what a component wants to know.
#[test]
fn kinds_are_told() {
    let folder = Folder::new();
    for (snapshot, arguments) in [
        ("couple_kinds", "couple kinds"),
        ("couple_kinds_one", "couple kinds slab_ocean"),
        ("couple_kinds_unknown", "couple kinds slab_ocan"),
    ] {
        check_snapshot(snapshot, arguments, &folder.knarr(arguments));
    }
    let told: serde_json::Value = serde_json::from_str(&folder.knarr("couple kinds fire_weather --json").stdout).expect("JSON");
    assert_eq!(told["fields"]["imports"][3]["name"], "precipitation_flux");
    assert!(
        told["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|p| p["name"] == "initial.ffmc" && p["default"] == "85.0"))
    );
}

/// The schema for editors is that of the types, and what ships fits it.
#[test]
fn the_schema_is_that_of_the_types() {
    let folder = Folder::new();
    let printed = folder.knarr("couple schema").stdout;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/coupling/experiment.schema.json");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &printed).expect("writable");
    }
    let shipped = std::fs::read_to_string(&path).expect("the schema ships");
    assert_eq!(shipped, printed, "UPDATE_SNAPSHOTS=1 accepts it");
}
