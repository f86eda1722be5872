//! Components of vectors: what is said of them, and that a lone one is refused.

use crate::files;
use crate::run::{Folder, check_snapshot};

#[test]
fn components_are_turned_and_told() {
    let folder = Folder::new();
    files::rotated_wind(&folder.path("wind.nc"), true);
    let arguments = "regrid wind.nc -o out.nc --to 2 --check";
    check_snapshot("vectors", arguments, &folder.knarr(arguments));
    let values = |variable: &str| {
        let file = netcdf::open(folder.path("out.nc")).expect("the output");
        let v = file.variable(variable).expect("a component");
        let name: String = v.attribute_value("standard_name").expect("a name").expect("text").try_into().expect("text");
        (v.get_values::<f32, _>(..).expect("values"), name)
    };
    let ((east, east_name), (north, north_name)) = (values("u"), values("v"));
    assert_eq!((east_name.as_str(), north_name.as_str()), ("eastward_wind", "northward_wind"));
    let speeds: Vec<f32> = east.iter().zip(&north).map(|(u, v)| u.hypot(*v)).filter(|s| *s < 100.0).collect();
    // 5 m/s along axes that turn by half a degree over half a cell.
    assert!(speeds.len() > 50 && speeds.iter().all(|s| (s - 5.0).abs() < 0.01), "{speeds:?}");
    let report = folder.knarr(&format!("{arguments} --json -O -q")).stdout;
    assert!(report.contains("\"vector_with\": \"v\""), "{report}");
    let back = folder.knarr("regrid out.nc -o back.nc --to wind.nc:u --vectors grid -q");
    assert_eq!(back.code, Some(0), "{}", back.stderr);
}

#[test]
fn a_lone_component_is_refused() {
    let folder = Folder::new();
    files::rotated_wind(&folder.path("wind.nc"), false);
    folder.fails("regrid wind.nc -o out.nc --to 2", "lone_component");
}

#[test]
fn a_statistic_of_a_component_that_would_be_turned_is_refused() {
    let folder = Folder::new();
    files::rotated_wind(&folder.path("wind.nc"), true);
    let arguments = "regrid wind.nc -o out.nc --to 2 --method conservative --statistic max";
    folder.fails(arguments, "statistic_of_component");
    let hinted = folder.knarr(&format!("{arguments} --vectors separate -q"));
    assert_eq!(hinted.code, Some(0), "{}", hinted.stderr);
}

#[test]
fn pairs_are_named_as_the_option_says() {
    let folder = Folder::new();
    files::rotated_wind(&folder.path("wind.nc"), true);
    let named = folder.knarr("regrid wind.nc -o named.nc --to 2 --pair u,v:grid -q");
    assert_eq!(named.code, Some(0), "{}", named.stderr);
    assert_eq!(folder.knarr("regrid wind.nc -o told.nc --to 2 -q").code, Some(0));
    let bytes = |name: &str| std::fs::read(folder.path(name)).expect("an output");
    assert!(bytes("named.nc") == bytes("told.nc"));
    for (pair, problem) in [("u", "two names"), ("u,v:north", "`north`"), ("u,u", "two names")] {
        let ran = folder.knarr(&format!("regrid wind.nc -o out.nc --to 2 --pair {pair}"));
        assert!(ran.code == Some(2) && ran.stderr.contains(problem), "{pair}: {}", ran.stderr);
    }
}
