//! Files that may leave do, in the form the gate gives them.

use super::scene::{Scene, add_field, axes, classic, done, horizontal};
use knarr_exchange::gate::FILL;
use knarr_exchange::package::verify;
use std::path::PathBuf;

/// A scene and an input that must pass.
type Case = (&'static str, fn() -> (Scene, PathBuf));

fn with(edit: impl FnOnce(&mut netcdf::FileMut)) -> (Scene, PathBuf) {
    let scene = Scene::new();
    let input = scene.input_with(edit);
    (scene, input)
}

fn second_field(scene: Scene, variable: &str, field: &str) -> Scene {
    let mut scene = scene;
    scene.statement +=
        &format!("\n[[files]]\nvariable = \"{variable}\"\nfield = \"{field}\"\ngrid = \"north-10deg\"\nearth_relative = true\n");
    scene
}

const CLEAN: [Case; 26] = [
    ("classic format", || {
        let scene = Scene::new();
        let path = scene.at("input.nc");
        std::fs::write(&path, classic().to_bytes().expect("small")).expect("writable");
        (scene, path)
    }),
    ("plain", || with(|_| {})),
    ("start of the forecast", || {
        with(|f| {
            let mut t = f.add_variable::<f64>("reftime", &[]).expect("a variable");
            t.put_attribute("standard_name", "forecast_reference_time").expect("set");
            t.put_attribute("units", "hours since 2026-11-20 00:00:00").expect("set");
            t.put_value(0.0, ()).expect("written");
            f.variable_mut("tas").expect("there").put_attribute("coordinates", "reftime").expect("set");
        })
    }),
    ("time that grows", || {
        let scene = Scene::new();
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        horizontal(&mut file, 18, 36);
        file.add_unlimited_dimension("time").expect("a dimension");
        let mut t = file.add_variable::<f64>("time", &["time"]).expect("a variable");
        t.put_attribute("standard_name", "time").expect("set");
        t.put_attribute("units", "days since 2026-11-20 00:00:00").expect("set");
        t.put_values(&[0.25, 0.5], 0..2).expect("written");
        add_field(&mut file, "tas", "air_temperature", "K", 273.15);
        file.close().expect("closed");
        (scene, path)
    }),
    ("listed attributes", || {
        with(|f| {
            f.add_attribute("Conventions", "CF-1.8").expect("set");
            f.add_attribute("title", "Forecast of air temperature at 2 m, global, 10 degrees").expect("set");
            f.add_attribute("product_version", "10.1").expect("set");
        })
    }),
    ("title in French", || {
        with(|f| done(f.add_attribute("title", "Température de l'air à 2 m – prévision à 12 h").expect("set")))
    }),
    ("title with a public address", || {
        with(|f| {
            done(
                f.add_attribute("title", "See https://data.north.example/gdps/readme and https://cfconventions.org.")
                    .expect("set"),
            )
        })
    }),
    ("title with numbers and units", || {
        with(|f| {
            done(
                f.add_attribute("title", "T at 2 m in K (1 h to 84 h, then 3 h to 240 h), WGS-84, 0.15°, CF-1.8, 10-12 km")
                    .expect("set"),
            )
        })
    }),
    ("missing values", || {
        with(|f| f.variable_mut("tas").expect("there").put_values(&[-999.0f32; 10], [0..1, 0..1, 0..10]).expect("written"))
    }),
    ("whole time step missing", || {
        with(|f| f.variable_mut("tas").expect("there").put_values(&[-999.0f32; 648], [0..1, 0..18, 0..36]).expect("written"))
    }),
    ("many attributes of a variable", || {
        with(|f| {
            let mut v = f.variable_mut("tas").expect("there");
            v.put_attribute("valid_min", 100.0f32).expect("set");
            v.put_attribute("valid_max", 400.0f32).expect("set");
            v.put_attribute("missing_value", -999.0f32).expect("set");
            v.put_attribute("long_name", "Air temperature at 2 m").expect("set");
            v.put_attribute("coordinates", "lat lon").expect("set");
            v.put_attribute("comment", "air_temperature_2m").expect("set");
            v.put_attribute("flag_meanings", "good bad").expect("set");
        })
    }),
    ("compressed", || {
        let scene = Scene::new();
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 18, 36);
        let mut v = file.add_variable::<f32>("tas", &["time", "lat", "lon"]).expect("a variable");
        v.set_chunking(&[1, 18, 36]).expect("chunked");
        v.set_compression(5, true).expect("compressed");
        v.set_fill_value(-999.0f32).expect("set");
        for (n, t) in [("standard_name", "air_temperature"), ("units", "K"), ("cell_methods", "time: point")] {
            v.put_attribute(n, t).expect("set");
        }
        v.put_values(&[280.5f32; 1296], ..).expect("written");
        file.close().expect("closed");
        (scene, path)
    }),
    ("packed", || {
        let scene = Scene::new();
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 18, 36);
        let mut v = file.add_variable::<i16>("tas", &["time", "lat", "lon"]).expect("a variable");
        v.set_fill_value(-32768i16).expect("set");
        for (n, t) in [("standard_name", "air_temperature"), ("units", "K"), ("cell_methods", "time: point")] {
            v.put_attribute(n, t).expect("set");
        }
        v.put_attribute("scale_factor", 0.01f64).expect("set");
        v.put_attribute("add_offset", 273.15f64).expect("set");
        v.put_values(&(0..1296).map(|k| k as i16 - 600).collect::<Vec<_>>(), ..).expect("written");
        file.close().expect("closed");
        (scene, path)
    }),
    ("double precision", || {
        let scene = Scene::new();
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 18, 36);
        let mut v = file.add_variable::<f64>("tas", &["time", "lat", "lon"]).expect("a variable");
        for (n, t) in [("standard_name", "air_temperature"), ("units", "K"), ("cell_methods", "time: point")] {
            v.put_attribute(n, t).expect("set");
        }
        v.put_values(&vec![281.123_456_789f64; 1296], ..).expect("written");
        file.close().expect("closed");
        (scene, path)
    }),
    ("coarser grid", || {
        let scene = Scene::new();
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 9, 18);
        add_field(&mut file, "tas", "air_temperature", "K", 250.0);
        file.close().expect("closed");
        (scene, path)
    }),
    ("values outside are filled where the policy says so", || {
        let (scene, input) = with(|_| {});
        let scene = scene.policy(
            "extent = \"everywhere\"\nboxes = []\noutside = \"deny\"",
            "extent = \"boxes\"\nboxes = [[-150.0, 40.0, -50.0, 90.0]]\noutside = \"fill\"",
        );
        (scene, input)
    }),
    ("all values inside a box", || {
        let (scene, input) = with(|f| {
            let mut values = vec![-999.0f32; 1296];
            // Rows 13 to 17 are north of 40; columns 21 to 30 lie from 210 to 310 east.
            (0..2).for_each(|t| (13..18).for_each(|j| (21..31).for_each(|i| values[(t * 18 + j) * 36 + i] = 260.0)));
            f.variable_mut("tas").expect("there").put_values(&values, ..).expect("written");
        });
        (scene.policy("extent = \"everywhere\"\nboxes = []", "extent = \"boxes\"\nboxes = [[-150.0, 40.0, -50.0, 90.0]]"), input)
    }),
    ("unlisted attributes are left out where the policy says so", || {
        let (scene, input) = with(|f| {
            f.add_attribute("history", "regridded and averaged").expect("set");
            f.variable_mut("tas").expect("there").put_attribute("model_level", "surface").expect("set");
        });
        (scene.policy("unlisted = \"deny\"", "unlisted = \"drop\""), input)
    }),
    ("pressure levels", || {
        let scene = Scene::new().statement("air_temperature_2m", "air_temperature_pl");
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 18, 36);
        file.add_dimension("plev", 2).expect("a dimension");
        let mut v = file.add_variable::<f64>("plev", &["plev"]).expect("a variable");
        for (n, t) in [("standard_name", "air_pressure"), ("units", "Pa"), ("positive", "down"), ("axis", "Z")] {
            v.put_attribute(n, t).expect("set");
        }
        v.put_values(&[85000.0, 50000.0], ..).expect("written");
        let mut v = file.add_variable::<f32>("tas", &["time", "plev", "lat", "lon"]).expect("a variable");
        for (n, t) in [("standard_name", "air_temperature"), ("units", "K"), ("cell_methods", "time: point")] {
            v.put_attribute(n, t).expect("set");
        }
        v.put_values(&vec![255.0f32; 2592], ..).expect("written");
        file.close().expect("closed");
        (scene, path)
    }),
    ("wind, both components", || {
        let scene = Scene::new()
            .statement("variable = \"tas\"\nfield = \"air_temperature_2m\"", "variable = \"u\"\nfield = \"eastward_wind_10m\"");
        let scene = second_field(scene, "v", "northward_wind_10m");
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 18, 36);
        add_field(&mut file, "u", "eastward_wind", "m s-1", 5.0);
        add_field(&mut file, "v", "northward_wind", "m s-1", -3.0);
        file.close().expect("closed");
        (scene, path)
    }),
    ("precipitation and snow, means over intervals", || {
        let scene = Scene::new()
            .statement("variable = \"tas\"\nfield = \"air_temperature_2m\"", "variable = \"pr\"\nfield = \"precipitation_flux\"");
        let scene = second_field(scene, "prsn", "snowfall_flux");
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 18, 36);
        for (name, standard_name, value) in [("pr", "precipitation_flux", 2e-4), ("prsn", "snowfall_flux", 1e-4)] {
            add_field(&mut file, name, standard_name, "kg m-2 s-1", value);
            file.variable_mut(name).expect("there").put_attribute("cell_methods", "time: mean").expect("set");
        }
        file.close().expect("closed");
        (scene, path)
    }),
    ("one time, as a scalar", || {
        let scene = Scene::new();
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        horizontal(&mut file, 18, 36);
        let mut t = file.add_variable::<f64>("at", &[]).expect("a variable");
        t.put_attribute("standard_name", "time").expect("set");
        t.put_attribute("units", "hours since 2026-11-20 00:00:00").expect("set");
        t.put_value(6.0, ()).expect("written");
        let mut v = file.add_variable::<f32>("tas", &["lat", "lon"]).expect("a variable");
        for (n, t) in
            [("standard_name", "air_temperature"), ("units", "K"), ("cell_methods", "time: point"), ("coordinates", "at")]
        {
            v.put_attribute(n, t).expect("set");
        }
        v.put_values(&vec![288.0f32; 648], ..).expect("written");
        file.close().expect("closed");
        (scene, path)
    }),
    ("a field that another calendar dates", || {
        with(|f| {
            let mut t = f.variable_mut("time").expect("there");
            t.put_attribute("calendar", "proleptic_gregorian").expect("set");
        })
    }),
    ("released again as a correction", || {
        let (scene, input) = with(|_| {});
        (
            scene.statement("release_id = \"gdps-20261120\"", "release_id = \"gdps-20261120-b\"\nsupersedes = \"gdps-20261120\""),
            input,
        )
    }),
    ("data modified by the sender", || {
        let (scene, input) = with(|_| {});
        (scene.statement("modified = false", "modified = true"), input)
    }),
    ("clocks half a minute apart", || {
        let (mut scene, input) = with(|_| {});
        scene.clocks[1].0 += 30;
        (scene, input)
    }),
];

#[test]
fn clean_files_pass_and_verify() {
    for (name, case) in CLEAN {
        let (scene, input) = case();
        let judged = scene.judge(&input);
        assert!(judged.report.is_pass(), "{name}:\n{}", judged.report.to_text(false));
        let packed = scene.pack(&input, "out");
        let package = packed.package.unwrap_or_else(|| panic!("{name}: not released: {:?}", packed.sealing));
        let found = verify(&package, &scene.pins(), None, scene.clocks[0]).expect("verified");
        assert!(found.is_good(), "{name}: {:?}", found.problems);
    }
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    let scene = Scene::new();
    let input = scene.input();
    let read = |name: &str| {
        let package = scene.pack(&input, name).package.expect("released");
        let mut files = Vec::new();
        let mut folders = vec![package.clone(), scene.at(name).join("gdps-20261120.wnm.json")];
        while let Some(path) = folders.pop() {
            if path.is_dir() {
                folders.extend(std::fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").path()));
            } else {
                let name = path.strip_prefix(scene.at(name)).expect("inside").to_owned();
                files.push((name, std::fs::read(&path).expect("readable")));
            }
        }
        files.sort();
        files
    };
    let (first, second) = (read("first"), read("second"));
    assert!(first.len() >= 17, "{} files", first.len());
    assert_eq!(first, second);
}

#[test]
fn values_outside_the_region_are_the_fill_value_to_the_bit() {
    let (scene, input) = CLEAN.iter().find(|c| c.0.starts_with("values outside")).expect("in the list").1();
    let judged = scene.judge(&input);
    let file = knarr_file(&scene, &judged.payload[0].bytes);
    let read = file.read("air_temperature_2m").expect("numbers");
    let kept = read.iter().filter(|v| v.to_bits() != f64::from(FILL).to_bits()).count();
    // Five rows north of 40, ten columns, two times.
    assert_eq!(kept, 5 * 10 * 2);
}

#[test]
fn what_leaves_is_rounded_and_named_by_the_catalogue() {
    let scene = Scene::new();
    let judged = scene.judge(&scene.input());
    let file = knarr_file(&scene, &judged.payload[0].bytes);
    let names: Vec<&str> = file.variables().iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["time_bnds", "time", "lat", "lat_bnds", "lon", "lon_bnds", "air_temperature_2m"]);
    let read = file.read("air_temperature_2m").expect("numbers");
    assert!(read.iter().all(|v| (v * 100.0 - (v * 100.0).round()).abs() < 2e-3), "two decimals in single precision");
    assert!((read[1] - 273.42).abs() < 1e-4, "{}", read[1]);
    assert_eq!(file.attributes().text("acknowledgement"), Some("Data Source: Northern Weather Service"));
}

fn knarr_file(scene: &Scene, bytes: &[u8]) -> knarr_io::nc::File {
    let path = scene.at("leaves.nc");
    std::fs::write(&path, bytes).expect("writable");
    knarr_io::nc::File::open(&path).expect("NetCDF")
}
