//! What a modeller is told of a kind of components: what it is, its parameters, an example.

use crate::document::{Kind, Node};
use crate::{ComponentError, Constructor, Context, Declaration, Instant, Parameters};
use knarr_field::Calendar;
use knarr_grid::Grid;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A kind of components: how one is made, and what is told of it.
#[derive(Clone, Copy, Debug)]
pub struct ComponentKind {
    /// Makes one.
    pub make: Constructor,
    /// What is told of it; `None` for kinds that say nothing.
    pub about: Option<About>,
}

/// What is told of a kind.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// What it is, in a few words.
    pub summary: &'static str,
    /// One as it could stand in an experiment, in YAML.
    pub example: &'static str,
    schema: fn() -> Value,
}

impl ComponentKind {
    /// Grids, imports and exports of the example, made with a step of a day.
    ///
    /// # Errors
    /// [`ComponentError::Parameter`] for a kind without an example; as the constructor, where the example names files.
    pub fn example(&self) -> Result<Declaration, ComponentError> {
        const DAY_S: i64 = 86_400;
        let wrong = |problem: String| ComponentError::Parameter { parameter: "example".to_owned(), problem };
        let about = self.about.ok_or_else(|| wrong("there is none".to_owned()))?;
        let example = Node::parse(about.example)?;
        let grid = match example.get("grid") {
            Some(Node { kind: Kind::Text(spec), .. }) => {
                Some((spec.clone(), Arc::new(Grid::from_spec(spec).map_err(|e| wrong(e.to_string()))?)))
            }
            _ => None,
        };
        let context = Context {
            name: "example".to_owned(),
            grid,
            grids: BTreeMap::new(),
            folder: PathBuf::new(),
            calendar: Calendar::NoLeap,
            start: Instant(0),
            stop: Instant(DAY_S),
            step_s: DAY_S,
        };
        let component = (self.make)(&context, &Parameters(example.get("parameters").cloned()))?;
        Ok(component.declaration().clone())
    }
}

/// A parameter of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParameterInfo {
    /// Its key; one within a map after the map's, `initial.value`; `fields.NAME` where the keys are the modeller's.
    pub name: String,
    /// Whether it has to be given.
    pub required: bool,
    /// What holds if it is not given, as it would be written.
    pub default: Option<String>,
    /// How it is written: choices, an example with units, or a type.
    pub form: String,
    /// What it means.
    pub about: String,
}

impl About {
    /// What is told of a kind whose parameters are read as `S`; the comments on its fields say what they mean.
    pub fn new<S: JsonSchema>(summary: &'static str, example: &'static str) -> Self {
        let schema = || {
            let generator = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true).into_generator();
            let mut schema = generator.into_root_schema_for::<S>().to_value();
            if let Some(map) = schema.as_object_mut() {
                ["$schema", "title", "description"].iter().for_each(|key| drop(map.remove(*key)));
            }
            schema
        };
        Self { summary, example, schema }
    }

    /// The JSON Schema of its parameters.
    pub fn schema(&self) -> Value {
        (self.schema)()
    }

    /// Its parameters, those within maps after the map.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        let mut all = Vec::new();
        list("", &self.schema(), &mut all);
        all
    }
}

fn list(within: &str, schema: &Value, all: &mut Vec<ParameterInfo>) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let (name, property) = (format!("{within}{key}"), present(property));
        all.push(ParameterInfo {
            required: required.contains(&key.as_str()),
            default: property.get("default").filter(|v| is_told(v)).map(written),
            form: form(property.shape),
            about: property.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " "),
            name: name.clone(),
        });
        list(&format!("{name}."), property.shape, all);
        if let Some(entry) = property.shape.get("additionalProperties").filter(|v| v.is_object()) {
            list(&format!("{name}.NAME."), map_form(entry), all);
        }
    }
}

/// A property, and what it is if it is there.
struct Property<'s> {
    outer: &'s Value,
    shape: &'s Value,
}

impl<'s> Property<'s> {
    fn get(&self, key: &str) -> Option<&'s Value> {
        self.outer.get(key).or_else(|| self.shape.get(key))
    }
}

/// A property without the `null` that stands for its absence.
fn present(outer: &Value) -> Property<'_> {
    let mut forms = outer["anyOf"].as_array().into_iter().flatten().filter(|v| v["type"] != "null");
    match (forms.next(), forms.next()) {
        (Some(shape), None) => Property { outer, shape },
        _ => Property { outer, shape: outer },
    }
}

/// Of a text or a map: the map.
fn map_form(entry: &Value) -> &Value {
    let map = entry["anyOf"].as_array().and_then(|forms| forms.iter().find(|v| v["type"] == "object"));
    map.unwrap_or(entry)
}

/// Whether a default says something.
fn is_told(default: &Value) -> bool {
    !(default.is_null() || default.is_object() || default.as_array().is_some_and(Vec::is_empty))
}

fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn form(shape: &Value) -> String {
    let constants = |forms: &Value| -> Vec<String> {
        forms.as_array().into_iter().flatten().filter_map(|v| v.get("const")).map(written).collect()
    };
    let choices = match shape["enum"].as_array() {
        Some(values) => values.iter().filter(|v| !v.is_null()).map(written).collect(),
        None => constants(&shape["oneOf"]),
    };
    if !choices.is_empty() {
        return choices.join(" | ");
    }
    if let Some(example) = shape["examples"].get(0) {
        return format!("such as {}", written(example));
    }
    let types: Vec<&str> = match &shape["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|t| *t != "null").collect(),
        _ => Vec::new(),
    };
    let told = |kind: &&str| match *kind {
        "string" => "text",
        "array" => "list",
        "object" => "map",
        "boolean" => "true | false",
        "integer" => "whole number",
        _ => "number",
    };
    types.iter().map(told).collect::<Vec<_>>().join(" or ")
}
