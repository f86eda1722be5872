//! Several methods, each where those before it leave a cell open.

use crate::files;
use crate::run::Folder;

const STACK: &str = "conservative,nearest:300km,fixed:0";

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not JSON: {e}\n{text}"))
}

#[test]
fn a_stack_counts_what_each_layer_made() {
    let folder = Folder::new().with_dataset("orca2_votemper.nc");
    let arguments = format!("regrid orca2_votemper.nc -o out.nc --to r36x18 --method {STACK} --check --json");
    let ran = folder.knarr(&arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let report = json(&ran.stdout);
    let variable = &report["variables"][0];
    let values = |k: usize| variable["levels"][k]["values"].as_u64().expect("a count");
    assert_eq!(variable["levels"][1]["layer"], "nearest:300km");
    assert_eq!(values(0) + values(1) + values(2), 648);
    assert!(values(0) > 400 && values(2) > 50, "{variable}");
    assert_eq!((&variable["unmapped"], &variable["after"]["missing"]), (&0.into(), &0.into()));
    assert_eq!(variable["integral_kept"], true, "what the first layer made has the integral of the source");
    // The same as weights, which are sound, and say as many cells of each layer.
    let ran = folder.knarr(&format!("weights orca2_votemper.nc:votemper r36x18 -o map.nc --method {STACK} --json -q"));
    let made = json(&ran.stdout);
    assert_eq!(made["levels"].as_array().expect("a list").len(), 3);
    assert_eq!(folder.knarr("weights check map.nc").code, Some(0));
    let ran = folder.knarr("regrid orca2_votemper.nc -o again.nc --to r36x18 --weights map.nc --check --json");
    let again = json(&ran.stdout);
    assert_eq!(again["variables"][0]["levels"][1]["layer"], "fixed:0", "{}", ran.stderr);
    assert_eq!(again["variables"][0]["after"]["missing"], 0);
}

#[test]
fn missing_values_fall_to_the_next_layer() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("field.nc"), |k| if k == 30 { -999.0 } else { 5.0 + k as f32 }, Some(-999.0));
    let levels = |method: &str| {
        let ran = folder.knarr(&format!("regrid field.nc -o out.nc --to r36x18 --method {method} --check --json -O"));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let variable = json(&ran.stdout)["variables"][0].clone();
        (variable["levels"].clone(), variable["after"]["missing"].as_u64().expect("a count"))
    };
    // 6 x 12 cells onto 18 x 36: the cell takes 3 x 4 destination cells, those at its rim in part.
    let (alone, missing) = levels("conservative");
    assert!(alone.is_null() && missing == 6, "{missing}");
    let (stacked, missing) = levels("conservative,nearest");
    assert_eq!((stacked[1]["values"].as_u64(), missing), (Some(6), 0));
    let (fixed, missing) = levels("conservative,nearest:100km,fixed:-1");
    assert_eq!((fixed[2]["values"].as_u64(), missing), (Some(6), 0), "no valid center is so near");
}

#[test]
fn stacks_that_mean_nothing_are_told() {
    let folder = Folder::new();
    for (method, words) in [
        ("conservative,neerest", "no method `neerest`, did you mean `nearest`?"),
        ("fixed:0", "expected a method as the first layer"),
        ("nearest:300kg", "expected a distance such as `300km`"),
    ] {
        let ran = folder.knarr(&format!("weights r36x18 H4 -o map.nc --method {method}"));
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}

#[test]
fn statistics_and_limits_are_made_and_told() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("field.nc"), |k| (k % 5) as f32, None);
    let report = |more: &str| {
        let ran = folder.knarr(&format!("regrid field.nc -o out.nc --to r6x3 --check --json -O {more}"));
        assert_eq!(ran.code, Some(0), "{more}: {}", ran.stderr);
        json(&ran.stdout)["variables"][0].clone()
    };
    let variable = report("--statistic max");
    assert_eq!((&variable["method"], &variable["after"]["max"]), (&"conservative (max)".into(), &4.0.into()));
    let cell_methods = || {
        let file = netcdf::open(folder.path("out.nc")).expect("the output");
        let text = file.variable("t").expect("the variable").attribute_value("cell_methods");
        text.map(|t| t.expect("a text"))
    };
    assert_eq!(cell_methods(), Some(netcdf::AttributeValue::Str("area: maximum".into())));
    assert_eq!(report("--statistic p90")["method"], "conservative (p90)");
    assert_eq!(report("--method conservative2 --limit monotone")["integral_kept"], true);
    let variable = report("--method conservative2,nearest --limit caas");
    assert_eq!(variable["method"], "conservative2 (caas),nearest");
    assert_eq!((&variable["integral_kept"], &variable["range_kept"]), (&true.into(), &true.into()));
    let ran = folder.knarr("regrid field.nc -o out.nc --to r6x3 --method bilinear --statistic mode -O");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("needs conservative weights of first order, the method is bilinear"), "{}", ran.stderr);
}
