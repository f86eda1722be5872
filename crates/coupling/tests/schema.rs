//! The published schema accepts what the types accept.

mod common;

use common::BOXES;
use knarr_coupling::document::{Kind, Node};
use knarr_coupling::{ExperimentFile, experiment};
use serde_json::{Map, Value, json};
use std::path::Path;

fn json_of(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Flag(v) => json!(v),
        Kind::Whole(v) => json!(v),
        Kind::Real(v) => json!(v),
        Kind::Text(v) => json!(v),
        Kind::List(nodes) => nodes.iter().map(json_of).collect(),
        Kind::Map(entries) => Value::Object(entries.iter().map(|e| (e.key.clone(), json_of(&e.value))).collect::<Map<_, _>>()),
    }
}

fn agree(validator: &jsonschema::Validator, name: &str, text: &str, expected: bool) {
    let instance = json_of(&Node::parse(text).unwrap_or_else(|e| panic!("{name}: {e}")));
    let errors: Vec<String> = validator.iter_errors(&instance).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors.is_empty(), expected, "{name}, by the schema: {errors:?}");
    let typed = ExperimentFile::parse(Path::new(name), text);
    assert_eq!(typed.is_ok(), expected, "{name}, by the types: {:?}", typed.err().map(|e| e.to_string()));
}

#[test]
fn schema_and_types_agree_on_good_and_bad_experiments() {
    let validator = jsonschema::validator_for(&experiment::schema()).expect("a schema");
    agree(&validator, "boxes", BOXES, true);
    let change = |from: &str, to: &str| {
        assert!(BOXES.contains(from), "{from}");
        BOXES.replacen(from, to, 1)
    };
    for (name, text, expected) in [
        ("unknown key", change("every: PT6H", "evry: PT6H"), false),
        ("unknown section", change("budget:", "buget:"), false),
        ("unknown reduction", change("reduce: average", "reduce: mean"), false),
        ("a number for a text", change("stop: P2D", "stop: 2"), false),
        ("a text for a list", change("fields: [air_flux]", "fields: air_flux"), false),
        ("a quantity nobody knows", change("[heat]", "[momentum]"), false),
        ("another name of a field", change("fields: [air_flux]", "fields: [{air_flux: sun}]"), true),
        ("initial by field", change("initial: 5 W m-2", "initial: {air_flux: component}"), true),
        ("conservation", change("map: conservative}", "map: conservative, conserve: {mode: glbpos, limit: 1e-3}}"), true),
        ("another mode", change("map: conservative}", "map: conservative, conserve: {mode: local}}"), false),
        (
            "a map by its parts",
            change("exchanges:", "maps: {flux: {methods: conservative, normalization: destarea}}\nexchanges:"),
            true,
        ),
        ("a sequence", change("budget:", "run: [{every: PT12H, do: [air, {parallel: [sea, [land]]}]}]\nbudget:"), true),
        ("an iteration", change("budget:", "run: [{iterate: {members: [air, sea], scheme: iqn_ils}}]\nbudget:"), true),
        ("an iteration without members", change("budget:", "run: [{iterate: {scheme: iqn_ils}}]\nbudget:"), false),
        ("a zone", change("lat: [23.5, 90]", "lat: [23.5, 90], lon: [-10, 40]"), true),
    ] {
        agree(&validator, name, &text, expected);
    }
}

#[test]
fn shipped_experiments_fit_the_schema() {
    let validator = jsonschema::validator_for(&experiment::schema()).expect("a schema");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/experiments");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no experiments ship yet");
        return;
    };
    for path in entries.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "yaml")) {
        let text = std::fs::read_to_string(&path).expect("readable");
        agree(&validator, &path.display().to_string(), &text, true);
    }
}
