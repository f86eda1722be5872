//! Releases that must not leave because of what is said about them, or not said.

use super::leaks::{Leak, assert_denied};
use super::scene::{Scene, add_field, axes, moment};
use std::path::PathBuf;

type Case = (&'static str, &'static str, fn(Scene) -> Scene);

const STATEMENTS: [Case; 44] = [
    ("policy not signed", "R01", |mut s| {
        s.signer = knarr_exchange::keys::SecretKey::from_seed([9; 32], [9; 8]);
        s
    }),
    ("policy expired", "R01", |s| s.policy("valid_until = \"2027-01-01", "valid_until = \"2026-11-01")),
    ("policy not yet in force", "R01", |s| s.policy("valid_from = \"2026-01-01", "valid_from = \"2026-12-01")),
    ("policy of another form", "R01", |s| s.policy("knarr-policy-1", "knarr-policy-9")),
    ("another sender", "R01", |s| s.statement("sender = \"xx-north\"", "sender = \"zz-west\"")),
    ("another receiver", "R01", |s| s.statement("receiver = \"yy-south\"", "receiver = \"zz-west\"")),
    ("another purpose", "R01", |s| s.statement("purpose = \"research\"", "purpose = \"trade\"")),
    ("name that climbs", "R01", |s| s.statement("gdps-20261120", "../gdps-20261120")),
    ("name with a folder", "R01", |s| s.statement("grid = \"north-10deg\"", "grid = \"a/b\"")),
    ("protected", "R02", |s| s.statement("\"Unclassified\"", "\"Protected A\"")),
    ("restricted", "R02", |s| s.statement("\"public\"", "\"RESTREINT UE/EU RESTRICTED\"")),
    ("no label", "R02", |s| s.statement("\"Unclassified\"", "\"\"")),
    ("label in other letters", "R02", |s| s.statement("\"Unclassified\"", "\"unclassified\"")),
    ("field not in the policy", "R03", |s| s.statement("field = \"air_temperature_2m\"", "field = \"skin_temperature\"")),
    ("field not in the catalogue", "R03", |s| {
        s.policy("air_temperature_2m", "my_field").statement("air_temperature_2m", "my_field")
    }),
    ("variable not there", "R03", |s| s.statement("variable = \"tas\"", "variable = \"tos\"")),
    ("no field at all", "R03", |mut s| {
        s.statement = s.statement.split("[[files]]").next().expect("the front").replace("\n[origin]", "\nfiles = []\n[origin]");
        s
    }),
    ("unlisted product", "R04", |s| s.statement("product = \"GDPS\"", "product = \"SECRET\"")),
    ("unlisted run", "R04", |s| s.statement("run = \"2026-11-20T00", "run = \"2026-11-20T06")),
    ("unlisted origin", "R04", |s| s.statement("https://data.north.example/gdps", "https://internal.example/gdps")),
    ("origin that looks alike", "R04", |s| s.statement("https://data.north.example/gdps", "https://data.north.example.org/gdps")),
    ("origin without protection", "R04", |s| s.statement("url = \"https://", "url = \"http://")),
    ("origin with a token", "R04", |s| s.statement("tas.nc\"", "tas.nc?token=abc\"")),
    ("product not allowed for the field", "R04", |s| {
        s.policy("id = \"air_temperature_2m\"\nproducts = [\"GDPS\"]", "id = \"air_temperature_2m\"\nproducts = [\"RDPS\"]")
    }),
    ("unknown licence", "R05", |s| s.statement("licence = \"North-Open-1.0\"", "licence = \"CC-BY-4.0\"")),
    ("changed licence text", "R05", |mut s| {
        s.licence += "And never on Sundays.\n";
        s
    }),
    ("licence not in force", "R05", |s| s.policy("in_force_until = \"2030", "in_force_until = \"2026")),
    ("licence does not reach the receiver", "R06", |s| {
        s.policy("onward = [{ receiver = \"yy-south\"", "onward = [{ receiver = \"zz-west\"")
    }),
    ("licence does not reach the purpose", "R06", |s| {
        s.policy("\"yy-south\", purposes = [\"research\"]", "\"yy-south\", purposes = [\"teaching\"]")
    }),
    ("no attribution", "R07", |s| s.policy("attribution = \"Data Source: Northern Weather Service\"", "attribution = \"\"")),
    ("embargo", "R08", |s| s.statement("not_before = \"2026-11-21", "not_before = \"2026-12-21")),
    ("too young", "R08", |s| s.policy("min_hours_since_issue = 6", "min_hours_since_issue = 600")),
    ("prepared in the future", "R08", |s| s.statement("prepared = \"2026-11-24", "prepared = \"2026-11-29")),
    ("clocks that differ", "R08", |mut s| {
        s.clocks[1] = moment("2026-11-25T12:02:00Z");
        s
    }),
    ("embargo that one clock has passed", "R08", |mut s| {
        s = s.statement("not_before = \"2026-11-21T00:00:00Z", "not_before = \"2026-11-25T12:00:00Z");
        s.clocks[1].0 -= 10;
        s
    }),
    ("boxes that bound nothing", "R09", |s| s.policy("boxes = []", "boxes = [[0.0, 0.0, 10.0, 10.0]]")),
    ("pattern that is none", "R12", |s| s.policy("pattern = \".*\"", "pattern = \"[\"")),
    ("list with an attribute that never leaves", "R12", |s| s.policy("name = \"product_version\"", "name = \"history\"")),
    ("path in the title", "R14", |s| s.statement("Air temperature of the global forecast", "See /home/asmith/run7/out")),
    ("path in the summary", "R14", |s| s.statement("Air temperature at 2 m from", "In /home/asmith/run7/out from")),
    ("mailbox of a person", "R25", |s| s.statement("mailbox = \"data@north.example\"", "mailbox = \"asmith@north.example\"")),
    ("input larger than allowed", "R26", |s| s.policy("max_input_bytes = 4000000", "max_input_bytes = 5000")),
    ("payload larger than allowed", "R26", |s| s.policy("max_payload_bytes = 4000000", "max_payload_bytes = 1000")),
    ("approval expired", "R29", |mut s| {
        s.approval_hours = 1;
        s
    }),
];

pub fn count() -> usize {
    STATEMENTS.len()
}

#[test]
fn statements_that_do_not_fit_are_denied_by_the_right_rule() {
    for (name, rule, change) in STATEMENTS {
        let scene = change(Scene::new());
        let input = scene.input();
        assert_denied(&Leak { name, rule, secret: "asmith" }, &scene, &input);
    }
}

/// Two wind components with something amiss.
fn wind(statement: &str, names: [(&str, &str); 2]) -> (Scene, PathBuf) {
    let mut scene = Scene::new();
    let front = scene.statement.split("[[files]]").next().expect("the front").to_owned();
    scene.statement = front + statement;
    let path = scene.at("input.nc");
    let mut file = netcdf::create(&path).expect("writable");
    axes(&mut file, 18, 36);
    for (name, standard_name) in names.into_iter().filter(|n| !n.0.is_empty()) {
        add_field(&mut file, name, standard_name, "m s-1", 5.0);
    }
    file.close().expect("closed");
    (scene, path)
}

fn component(variable: &str, field: &str, earth: bool) -> String {
    format!("[[files]]\nvariable = \"{variable}\"\nfield = \"{field}\"\ngrid = \"north-10deg\"\nearth_relative = {earth}\n")
}

#[test]
fn vectors_leave_whole_and_earth_relative() {
    let (u, v) = ("eastward_wind_10m", "northward_wind_10m");
    let both = [("u", "eastward_wind"), ("v", "northward_wind")];
    let (scene, input) = wind(&(component("u", u, true) + &component("v", v, false)), both);
    assert_denied(&Leak { name: "along the grid", rule: "R23", secret: "asmith" }, &scene, &input);
    let (scene, input) = wind(&component("u", u, true), [both[0], ("", "")]);
    assert_denied(&Leak { name: "one component", rule: "R23", secret: "asmith" }, &scene, &input);
}

#[test]
fn fields_that_contradict_each_other_wait_for_people() {
    let mut scene = Scene::new();
    let front = scene.statement.split("[[files]]").next().expect("the front").to_owned();
    scene.statement = front + &component("pr", "precipitation_flux", true) + &component("prsn", "snowfall_flux", true);
    let path = scene.at("input.nc");
    let mut file = netcdf::create(&path).expect("writable");
    axes(&mut file, 18, 36);
    for (name, standard_name, value) in [("pr", "precipitation_flux", 1e-4), ("prsn", "snowfall_flux", 2e-4)] {
        add_field(&mut file, name, standard_name, "kg m-2 s-1", value);
        file.variable_mut(name).expect("there").put_attribute("cell_methods", "time: mean").expect("set");
    }
    file.close().expect("closed");
    assert_denied(&Leak { name: "more snow than precipitation", rule: "R20", secret: "asmith" }, &scene, &path);
}

#[test]
fn approvals_are_by_two_keys_for_this_report_and_in_time() {
    use knarr_exchange::package::{Role, approve};
    let scene = Scene::new();
    let input = scene.input();
    let report = scene.judge(&input).report.to_bytes();
    let good = scene.approvals(&report);
    let by = |report: &[u8], role, key, approved| approve(report, "gdps-20261120", role, approved, 72, key).expect("approved");
    let at = scene.approved;
    let twice = vec![by(&report, Role::DataOwner, &scene.owner, at), by(&report, Role::ReleaseOfficer, &scene.owner, at)];
    let other = vec![by(b"another report", Role::DataOwner, &scene.owner, at), good[1].clone()];
    let early = vec![by(&report, Role::DataOwner, &scene.owner, moment("2026-12-24T00:00:00Z")), good[1].clone()];
    let late = vec![by(&report, Role::DataOwner, &scene.owner, moment("2026-11-20T00:00:00Z")), good[1].clone()];
    let long = approve(&report, "gdps-20261120", Role::DataOwner, at, 7200, &scene.owner).expect("approved");
    let swapped = {
        let mut swapped = good.clone();
        swapped[0].signature = good[1].signature.clone();
        swapped
    };
    let cases = [Vec::new(), vec![good[0].clone()], twice, other, early, late, vec![long, good[1].clone()], swapped];
    for (number, approvals) in cases.iter().enumerate() {
        let packed = scene.pack_with(&input, "out", approvals);
        assert!(!packed.is_released(), "case {number}");
        assert_eq!(packed.sealing[0].rule, "R29");
        assert!(!packed.sealing[0].findings.is_empty(), "case {number}");
    }
    assert!(scene.pack_with(&input, "out", &good).is_released());
}
