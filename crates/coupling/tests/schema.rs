//! The published schema accepts what the types accept.

mod common;

use common::BOXES;
use knarr_coupling::document::{Kind, Node};
use knarr_coupling::{ExperimentFile, Registry, experiment};
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
    let validator = jsonschema::validator_for(&experiment::schema(&Registry::built_in())).expect("a schema");
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
    let validator = jsonschema::validator_for(&experiment::schema(&Registry::built_in())).expect("a schema");
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

/// What `knarr couple kinds` tells is what the kinds take.
#[test]
fn examples_of_kinds_fit_the_schema_and_the_kinds() {
    let registry = Registry::built_in();
    let validator = jsonschema::validator_for(&experiment::schema(&registry)).expect("a schema");
    let of_files = ["geosphere", "river_routing", "stream"];
    for (name, kind) in registry.kinds() {
        let about = kind.about.unwrap_or_else(|| panic!("{name} tells nothing"));
        let text = format!("clock: {{start: 2000-01-01, stop: P1D}}\ncomponents:\n  mine: {}\n", about.example);
        agree(&validator, name, &text, true);
        match kind.example() {
            Ok(declaration) => assert!(!declaration.imports.is_empty() || !declaration.exports.is_empty(), "{name}"),
            Err(e) => assert!(of_files.contains(&name) && e.to_string().contains(".nc"), "{name}: {e}"),
        }
        let parameters = about.parameters();
        assert!(!parameters.is_empty() && parameters.iter().all(|p| !p.about.is_empty() && !p.form.is_empty()), "{parameters:?}");
    }
}

/// The schema knows the parameters of each kind: a misspelt one is no number for the editor either.
#[test]
fn the_schema_refuses_wrong_parameters() {
    let validator = jsonschema::validator_for(&experiment::schema(&Registry::built_in())).expect("a schema");
    for (mine, expected) in [
        ("{kind: slab_ocean, grid: r36x18, step: P1D, parameters: {depth: 50 m, initial: {value: 10 degC}}}", true),
        ("{kind: slab_ocean, grid: r36x18, step: P1D, parameters: {depht: 50 m, initial: {value: 10 degC}}}", false),
        ("{kind: slab_ocean, grid: r36x18, step: P1D, parameters: {depth: 50, initial: {value: 10 degC}}}", false),
        ("{kind: slab_ocean, grid: r36x18, step: P1D}", false),
        ("{kind: bulk_flux, grid: r36x18, step: P1D}", true),
        ("{kind: bulk_flux, grid: r36x18, step: P1D, parameters: {scheme: coare}}", false),
        ("{kind: my_own, grid: r36x18, step: P1D, parameters: {anything: 1}}", true),
    ] {
        let text = format!("clock: {{start: 2000-01-01, stop: P1D}}\ncomponents:\n  mine: {mine}\n");
        let instance = json_of(&Node::parse(&text).expect("YAML"));
        assert_eq!(validator.is_valid(&instance), expected, "{mine}");
    }
}
