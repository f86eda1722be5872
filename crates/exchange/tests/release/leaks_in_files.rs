//! Leaks in the structure, the values and the bytes of a file.

use super::leaks::{Leak, assert_denied, write};
use super::scene::{Scene, add_field, axes, classic, done, horizontal};
use knarr_exchange::classic::{Values, Variable};
use std::path::{Path, PathBuf};

/// Name, rule, secret, and the file.
type Case = (&'static str, &'static str, &'static str, fn() -> (Scene, PathBuf));

const SECRET: &str = "payload77";

fn with(edit: impl FnOnce(&mut netcdf::FileMut)) -> (Scene, PathBuf) {
    let scene = Scene::new();
    let input = scene.input_with(edit);
    (scene, input)
}

/// The clean input, its bytes changed.
fn bytes(change: impl FnOnce(&mut Vec<u8>)) -> (Scene, PathBuf) {
    let (scene, input) = with(|_| {});
    let mut bytes = std::fs::read(&input).expect("readable");
    change(&mut bytes);
    (scene, write(input, &bytes))
}

/// The clean input, changed through the HDF5 library.
fn hdf5(change: impl FnOnce(&hdf5_metno::File)) -> (Scene, PathBuf) {
    let (scene, input) = with(|_| {});
    let file = hdf5_metno::File::open_rw(&input).expect("HDF5");
    change(&file);
    file.close().expect("closed");
    (scene, input)
}

/// The clean classic input, changed before it is written and after.
fn classic_file(change: impl FnOnce(&mut knarr_exchange::classic::File), after: impl FnOnce(&mut Vec<u8>)) -> (Scene, PathBuf) {
    let scene = Scene::new();
    let mut file = classic();
    change(&mut file);
    let mut bytes = file.to_bytes().expect("small");
    after(&mut bytes);
    let input = write(scene.at("input.nc"), &bytes);
    (scene, input)
}

fn text_attribute(place: &hdf5_metno::Location, name: &str, text: &str) {
    let value: hdf5_metno::types::VarLenUnicode = text.parse().expect("a text");
    let attribute = place.new_attr::<hdf5_metno::types::VarLenUnicode>().create(name).expect("an attribute");
    attribute.write_scalar(&value).expect("written");
}

#[expect(deprecated, reason = "comments are what leaks here")]
fn comment(file: &hdf5_metno::File, text: &str) {
    file.dataset("tas").expect("there").set_comment(text).expect("set");
}

fn values(edit: impl FnOnce(&mut netcdf::VariableMut)) -> (Scene, PathBuf) {
    with(|f| edit(&mut f.variable_mut("tas").expect("there")))
}

fn times(times: [f64; 2], units: &'static str) -> (Scene, PathBuf) {
    let scene = Scene::new();
    let path = scene.at("input.nc");
    let mut file = netcdf::create(&path).expect("writable");
    horizontal(&mut file, 18, 36);
    file.add_dimension("time", 2).expect("a dimension");
    let mut t = file.add_variable::<f64>("time", &["time"]).expect("a variable");
    t.put_attribute("standard_name", "time").expect("set");
    t.put_attribute("units", units).expect("set");
    t.put_values(&times, ..).expect("written");
    add_field(&mut file, "tas", "air_temperature", "K", 273.15);
    file.close().expect("closed");
    (scene, path)
}

fn level(values: &[f64], statement: bool) -> (Scene, PathBuf) {
    let scene = Scene::new();
    let scene = if statement { scene.statement("air_temperature_2m", "air_temperature_pl") } else { scene };
    let path = scene.at("input.nc");
    let mut file = netcdf::create(&path).expect("writable");
    axes(&mut file, 18, 36);
    file.add_dimension("plev", values.len()).expect("a dimension");
    let mut v = file.add_variable::<f64>("plev", &["plev"]).expect("a variable");
    v.put_attribute("standard_name", "air_pressure").expect("set");
    v.put_attribute("units", "Pa").expect("set");
    v.put_values(values, ..).expect("written");
    let mut v = file.add_variable::<f32>("tas", &["time", "plev", "lat", "lon"]).expect("a variable");
    for (n, t) in [("standard_name", "air_temperature"), ("units", "K"), ("cell_methods", "time: point")] {
        v.put_attribute(n, t).expect("set");
    }
    v.put_values(&vec![255.0f32; 1296 * values.len()], ..).expect("written");
    file.close().expect("closed");
    (scene, path)
}

const FILES: [Case; 52] = [
    // Objects that a plain file does not have.
    ("user block", "R16", SECRET, || bytes(|b| done(b.splice(0..0, [SECRET.as_bytes(), &[0; 503]].concat())))),
    ("bytes at the end", "R16", SECRET, || bytes(|b| b.extend_from_slice(b"payload77"))),
    ("one byte at the end", "R16", SECRET, || bytes(|b| b.push(7))),
    ("binary at the end", "R16", SECRET, || bytes(|b| b.extend((0..2000u32).map(|k| (k * 37 % 251) as u8 + 1)))),
    ("wide text at the end", "R16", SECRET, || bytes(|b| b.extend(SECRET.bytes().flat_map(|c| [c, 0])))),
    ("group", "R16", SECRET, || with(|f| done(f.add_group("hidden").expect("a group")))),
    ("group with a variable", "R16", SECRET, || {
        with(|f| {
            let mut group = f.add_group("hidden").expect("a group");
            group.add_dimension("x", 3).expect("a dimension");
            group.add_variable::<f32>("payload77", &["x"]).expect("a variable").put_values(&[1.0f32; 3], ..).expect("written");
        })
    }),
    ("soft link", "R16", SECRET, || hdf5(|f| f.link_soft("/payload77", "alias").expect("a link"))),
    ("external link", "R16", SECRET, || hdf5(|f| f.link_external("payload77.h5", "/x", "alias").expect("a link"))),
    ("comment of a variable", "R16", SECRET, || hdf5(|f| comment(f, "payload77"))),
    ("comment with a path", "R14", "asmith", || hdf5(|f| comment(f, "in /home/asmith/x"))),
    ("hidden attribute, the library's name", "R12", SECRET, || {
        hdf5(|f| {
            f.delete_attr("_NCProperties").expect("there");
            text_attribute(f, "_NCProperties", "version=2,payload77");
        })
    }),
    ("hidden attribute with a path", "R14", "asmith", || {
        hdf5(|f| {
            f.delete_attr("_NCProperties").expect("there");
            text_attribute(f, "_NCProperties", "/home/asmith/x/y");
        })
    }),
    ("deleted attribute leaves its bytes", "R16", SECRET, || {
        let scene = Scene::new();
        let input = scene.input_with(|f| done(f.add_attribute("title", "payload77 stays in the file").expect("set")));
        let mut bytes = std::fs::read(&input).expect("readable");
        // What a library that does not clear freed space leaves: the attribute's message is turned into an empty one.
        let at = find(&bytes, b"payload77");
        let name = find(&bytes[at - 60..at], b"title") + at - 60;
        let message = (name - 20..name).rev().find(|&k| bytes[k] == 0x0c && bytes[k + 3] <= 4).expect("the message");
        bytes[message] = 0;
        (scene, write(input, &bytes))
    }),
    ("sequence of any length", "R16", SECRET, || {
        hdf5(|f| {
            let value: hdf5_metno::types::VarLenArray<i32> = hdf5_metno::types::VarLenArray::from_slice(&[1, 2, 3]);
            let attribute = f.new_attr::<hdf5_metno::types::VarLenArray<i32>>().create("title").expect("an attribute");
            attribute.write_scalar(&value).expect("written");
        })
    }),
    ("dataset the library does not list", "R03", SECRET, || {
        hdf5(|f| done(f.new_dataset::<f32>().shape(3).create("payload77").expect("a dataset")))
    }),
    ("foreign filter", "R16", SECRET, || {
        hdf5(|f| done(f.new_dataset::<f32>().shape(16).chunk(16).nbit().create("x77").expect("a dataset")))
    }),
    ("text behind the end of a text", "R12", SECRET, || {
        let scene = Scene::new();
        let input = scene.input_with(|f| done(f.add_attribute("title", "Forecast#payload77").expect("set")));
        let mut bytes = std::fs::read(&input).expect("readable");
        let at = find(&bytes, b"Forecast#payload77");
        bytes[at + 8] = 0;
        (scene, write(input, &bytes))
    }),
    ("not UTF-8", "R14", SECRET, || {
        let scene = Scene::new();
        let input = scene.input_with(|f| done(f.add_attribute("title", "Forecast#payload77").expect("set")));
        let mut bytes = std::fs::read(&input).expect("readable");
        let at = find(&bytes, b"Forecast#payload77");
        bytes[at + 8] = 0xff;
        (scene, write(input, &bytes))
    }),
    ("GRIB", "R17", SECRET, || {
        let scene = Scene::new();
        let input = write(scene.at("input.nc"), b"GRIB\0\0\x00\x02payload777777");
        (scene, input)
    }),
    ("no known format", "R16", SECRET, || {
        let scene = Scene::new();
        let input = write(scene.at("input.nc"), b"payload77 is all there is");
        (scene, input)
    }),
    ("cut off", "R16", SECRET, || bytes(|b| b.truncate(b.len() / 2))),
    // The classic format.
    ("classic: bytes at the end", "R16", SECRET, || classic_file(|_| {}, |b| b.extend_from_slice(b"payload77"))),
    ("classic: padding", "R16", SECRET, || {
        classic_file(
            |_| {},
            |b| {
                let at = find(b, b"title");
                b[at + 5] = 7;
            },
        )
    }),
    ("classic: characters", "R14", "asmith", || {
        classic_file(
            |f| {
                f.dims.push(("len".to_owned(), 20));
                let values = Values::Text("in /home/asmith/x/y/".to_owned());
                f.variables.push(Variable { name: "note".to_owned(), dims: vec![4], attributes: Vec::new(), values });
            },
            |_| {},
        )
    }),
    ("classic: text variable", "R03", SECRET, || {
        classic_file(
            |f| {
                f.dims.push(("len".to_owned(), 12));
                let values = Values::Text("payload77   ".to_owned());
                f.variables.push(Variable { name: "note".to_owned(), dims: vec![4], attributes: Vec::new(), values });
            },
            |_| {},
        )
    }),
    // Variables and attributes.
    ("unlisted variable", "R03", SECRET, || {
        with(|f| done(f.add_variable::<f32>("payload77", &["lat"]).expect("a variable").put_values(&[1.0f32; 18], ..)))
    }),
    ("another field under the name", "R03", SECRET, || {
        values(|v| done(v.put_attribute("standard_name", "air_potential_temperature").expect("set")))
    }),
    ("unlisted attribute", "R12", SECRET, || with(|f| done(f.add_attribute("comment", "payload77").expect("set")))),
    ("history", "R12", SECRET, || with(|f| done(f.add_attribute("history", "payload77").expect("set")))),
    ("attribute of another form", "R12", SECRET, || {
        with(|f| done(f.add_attribute("product_version", "payload77").expect("set")))
    }),
    ("unlisted attribute of a variable", "R13", SECRET, || {
        values(|v| done(v.put_attribute("remark", "payload77").expect("set")))
    }),
    ("comment of a variable that is no id", "R13", SECRET, || {
        values(|v| done(v.put_attribute("comment", "payload77").expect("set")))
    }),
    ("many numbers in an attribute", "R13", SECRET, || {
        values(|v| done(v.put_attribute("valid_range", vec![1.5f64; 200]).expect("set")))
    }),
    // Values.
    ("value under the mask", "R18", SECRET, || {
        values(|v| {
            v.put_attribute("valid_min", 100.0f32).expect("set");
            v.put_values(&[77.0f32; 5], [0..1, 0..1, 0..5]).expect("written");
        })
    }),
    ("message in NaNs", "R18", SECRET, || {
        values(|v| v.put_values(&[f32::from_bits(0x7fc0_7077); 5], [0..1, 0..1, 0..5]).expect("written"))
    }),
    ("infinite", "R18", SECRET, || values(|v| v.put_values(&[f32::INFINITY], [0..1, 0..1, 0..1]).expect("written"))),
    ("out of range", "R19", SECRET, || values(|v| v.put_values(&[500.0f32], [0..1, 0..1, 0..1]).expect("written"))),
    ("all missing", "R19", SECRET, || values(|v| v.put_values(&[-999.0f32; 1296], ..).expect("written"))),
    ("finer than allowed", "R22", SECRET, || {
        let (scene, input) = values(|v| v.put_values(&[280.123f32], [0..1, 0..1, 0..1]).expect("written"));
        (scene.policy("decimals = 2\nfiner = \"round\"", "decimals = 2\nfiner = \"deny\""), input)
    }),
    ("outside the region", "R09", SECRET, || {
        let (scene, input) = with(|_| {});
        (scene.policy("extent = \"everywhere\"\nboxes = []", "extent = \"boxes\"\nboxes = [[-150.0, 40.0, -50.0, 90.0]]"), input)
    }),
    ("too fine a grid", "R10", SECRET, || {
        let (scene, input) = with(|_| {});
        (scene.policy("min_spacing_km = 500.0", "min_spacing_km = 1500.0"), input)
    }),
    ("unlisted level", "R11", SECRET, || level(&[85000.0, 70000.0], true)),
    ("level of a field without levels", "R11", SECRET, || level(&[85000.0], false)),
    ("other units", "R21", SECRET, || values(|v| done(v.put_attribute("units", "degC").expect("set")))),
    ("other statistic", "R21", SECRET, || values(|v| done(v.put_attribute("cell_methods", "time: maximum").expect("set")))),
    // Times.
    ("times that descend", "R24", SECRET, || times([12.0, 6.0], "hours since 2026-11-20 00:00:00")),
    ("message in the digits of a time", "R24", SECRET, || times([6.000_077, 12.0], "hours since 2026-11-20 00:00:00")),
    ("issued by another run", "R24", SECRET, || {
        with(|f| {
            let mut t = f.add_variable::<f64>("reftime", &[]).expect("a variable");
            t.put_attribute("standard_name", "forecast_reference_time").expect("set");
            t.put_attribute("units", "hours since 2026-11-20 00:00:00").expect("set");
            t.put_value(12.0, ()).expect("written");
            f.variable_mut("tas").expect("there").put_attribute("coordinates", "reftime").expect("set");
        })
    }),
    ("odd units of time", "R24", SECRET, || times([6.0, 12.0], "weeks since 2026-11-20 00:00:00")),
    ("newer than allowed", "R08", SECRET, || {
        let (scene, input) = times([6.0, 12.0], "days since 2026-11-20 00:00:00");
        (scene.policy("min_hours_since_valid = -240", "min_hours_since_valid = 24"), input)
    }),
    ("too many values", "R26", SECRET, || {
        // Claims 10^10 values in a file of a few kilobytes: a bomb for whoever decompresses first and asks later.
        let scene = Scene::new();
        let path = scene.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 18, 36);
        file.add_dimension("a", 100_000).expect("a dimension");
        file.add_dimension("b", 100_000).expect("a dimension");
        let mut v = file.add_variable::<f32>("tas", &["a", "b"]).expect("a variable");
        v.set_chunking(&[1000, 1000]).expect("chunked");
        v.set_compression(9, true).expect("compressed");
        file.close().expect("closed");
        (scene, path)
    }),
];

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|w| w == what).expect("it is in the file")
}

pub fn count() -> usize {
    FILES.len()
}

#[test]
fn files_that_must_not_leave_are_denied_by_the_right_rule() {
    for (name, rule, secret, case) in FILES {
        let (scene, input) = case();
        assert_denied(&Leak { name, rule, secret }, &scene, &input);
    }
}

#[test]
fn the_walk_understands_the_files_people_have() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["../../datasets", "../../../shared/data/atmos", "../../../shared/data/ocean", "../../../shared/data/healpix"] {
        let Ok(list) = std::fs::read_dir(here.join(folder)) else {
            println!("skipped: {folder} is not there");
            continue;
        };
        for path in list.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "nc")) {
            if std::fs::metadata(&path).expect("there").len() > 50_000_000 {
                continue;
            }
            let walked = knarr_exchange::structure::inspect(&std::fs::read(&path).expect("readable"));
            let strange = walked.has(knarr_exchange::structure::OddityKind::NotUnderstood);
            assert!(!strange, "{}: {:?}", path.display(), walked.oddities);
            count += 1;
        }
    }
    assert!(count >= 10, "{count} files");
}

/// Whatever a file claims, the walk ends, and does not break.
#[test]
fn mangled_files_are_walked_without_a_panic() {
    let scene = Scene::new();
    let input = scene.input_with(|f| {
        (0..12).for_each(|k| done(f.add_attribute(&format!("a{k}"), "text").expect("set")));
        f.add_string_variable("s", &["bnds"]).expect("a variable").put_string("text", 0).expect("written");
    });
    let whole = std::fs::read(&input).expect("readable");
    let mut understood = 0;
    for at in 0..whole.len() {
        for value in [0x00, 0x01, 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            let walked = knarr_exchange::structure::inspect(&changed);
            understood += usize::from(!walked.has(knarr_exchange::structure::OddityKind::NotUnderstood));
        }
    }
    for len in (0..whole.len()).step_by(13) {
        knarr_exchange::structure::inspect(&whole[..len]);
    }
    assert!(understood > 0 && understood < 4 * whole.len(), "{understood}");
}
