//! The package's metadata are what the conventions ask for.
//!
//! The schemas in `schemas/` are transcriptions of what the specifications require, made for these tests: those of WMO come
//! without a licence to pass them on. `.ci/setup.sh test` fetches the official ones where it can, and they are used then.

use super::scene::Scene;
use serde_json::Value;
use std::path::PathBuf;

fn package() -> (Scene, PathBuf) {
    let scene = Scene::new();
    let package = scene.pack(&scene.input(), "out").package.expect("released");
    (scene, package)
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON")
}

fn valid(schema: &str, value: &Value) -> Result<(), String> {
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    let problems: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

const STAC: &str = include_str!("schemas/stac-item.json");
const WCMP2: &str = include_str!("schemas/wcmp2.json");
const WNM: &str = include_str!("schemas/wnm.json");

#[test]
fn metadata_satisfy_the_schemas_of_their_conventions() {
    let (scene, package) = package();
    valid(STAC, &json(package.join("meta/stac-item.json"))).expect("a STAC item");
    valid(WCMP2, &json(package.join("meta/wcmp2.json"))).expect("a WCMP2 record");
    valid(WNM, &json(scene.at("out").join("gdps-20261120.wnm.json"))).expect("a WIS2 notification");
}

/// Makes references that point to nothing in the schema itself into no demand: the published schema of WCMP2 has one.
fn drop_dead_references(value: &mut Value, whole: &Value) {
    let dead = value.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')).filter(|r| whole.pointer(r).is_none());
    if let Some(dead) = dead {
        println!("the reference #{dead} points to nothing");
        *value = Value::Bool(true);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|v| drop_dead_references(v, whole)),
        Value::Array(items) => items.iter_mut().for_each(|v| drop_dead_references(v, whole)),
        _ => {}
    }
}

/// An official schema that was fetched; `None`, and a line that says so, where there is none.
fn official(name: &str) -> Option<String> {
    let fetched = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-readers/schemas");
    let folder = std::env::var_os("KNARR_TEST_SCHEMAS").map_or_else(|| PathBuf::from(fetched), PathBuf::from);
    let text = std::fs::read_to_string(folder.join(name)).ok();
    if text.is_none() {
        println!("skipped: the official schema {name} was not fetched (name a folder that has it by KNARR_TEST_SCHEMAS)");
    }
    text
}

#[test]
fn messages_and_records_satisfy_the_official_schemas() {
    let (scene, package) = package();
    for (schema, path) in
        [("wnm.json", scene.at("out").join("gdps-20261120.wnm.json")), ("wcmp2.json", package.join("meta/wcmp2.json"))]
    {
        let Some(text) = official(schema) else { continue };
        let whole: Value = serde_json::from_str(&text).expect("JSON");
        let mut schema = whole.clone();
        drop_dead_references(&mut schema, &whole);
        let schema = schema.to_string();
        let value = json(path);
        valid(&schema, &value).unwrap_or_else(|e| panic!("{e}"));
        let mut wrong = value.clone();
        wrong["links"] = Value::from("nowhere");
        assert!(valid(&schema, &wrong).is_err(), "the official schema refuses nothing");
    }
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    let (scene, package) = package();
    let wnm = json(scene.at("out").join("gdps-20261120.wnm.json"));
    let (stac, wcmp2) = (json(package.join("meta/stac-item.json")), json(package.join("meta/wcmp2.json")));
    let broken = |value: &Value, pointer: &str, new: Value| {
        let mut value = value.clone();
        *value.pointer_mut(pointer).expect("it is there") = new;
        value
    };
    for (schema, value) in [
        (WNM, broken(&wnm, "/id", "no uuid".into())),
        (WNM, broken(&wnm, "/properties/integrity/method", "md5".into())),
        (WNM, broken(&wnm, "/properties/pubtime", "yesterday".into())),
        (WNM, broken(&wnm, "/links", Value::Array(Vec::new()))),
        (WNM, broken(&wnm, "/links/0/rel", "about".into())),
        (STAC, broken(&stac, "/stac_version", "0.9".into())),
        (STAC, broken(&stac, "/properties/start_datetime", "soon".into())),
        (STAC, broken(&stac, "/bbox", Value::from(vec![0, 1]))),
        (WCMP2, broken(&wcmp2, "/id", "urn:x-wmo:md:a".into())),
        (WCMP2, broken(&wcmp2, "/properties/wmo:dataPolicy", "free".into())),
        (WCMP2, broken(&wcmp2, "/properties/contacts", Value::Array(Vec::new()))),
    ] {
        assert!(valid(schema, &value).is_err(), "{value}");
    }
}

#[test]
fn digests_in_all_forms_are_of_the_same_bytes() {
    use base64::Engine;
    use sha2::{Digest, Sha512};
    let (scene, package) = package();
    let item = json(package.join("meta/stac-item.json"));
    let manifest = std::fs::read_to_string(package.join("manifest-sha512.txt")).expect("readable");
    let asset = item["assets"].as_object().expect("assets").values().next().expect("one").clone();
    let href = asset["href"].as_str().expect("a path");
    let bytes = std::fs::read(package.join("meta").join(href)).expect("the asset is where the item says");
    let hex = knarr_exchange::canonical::sha512(&bytes);
    assert_eq!(asset["file:checksum"], format!("1340{hex}"));
    assert_eq!(asset["file:size"], bytes.len());
    assert_eq!(manifest, format!("{hex}  {}\n", href.trim_start_matches("../")));
    let wnm = json(scene.at("out").join("gdps-20261120.wnm.json"));
    let release = std::fs::read(package.join("release.json")).expect("readable");
    let expected = base64::engine::general_purpose::STANDARD.encode(Sha512::digest(&release));
    assert_eq!(wnm["properties"]["integrity"]["value"], expected);
    assert!(
        std::fs::metadata(scene.at("out").join("gdps-20261120.wnm.json")).expect("there").len() <= 8192,
        "the limit of a message"
    );
}

#[test]
fn metadata_name_no_path_of_the_machine() {
    let (scene, package) = package();
    let here = scene.folder.path().to_string_lossy().into_owned();
    let user = std::env::var("USER").ok().filter(|u| u.len() > 3);
    let mut folders = vec![package];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).expect("a folder").map(|e| e.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned();
            let found = [Some(here.clone()), Some("input.nc".to_owned()), user.clone()]
                .into_iter()
                .flatten()
                .find(|w| text.contains(w.as_str()));
            assert_eq!(found, None, "in {}", path.display());
        }
    }
}
