//! The JSON Schema of experiment files, for editors.

use super::Experiment;
use crate::Registry;
use serde_json::{Value, json};

/// The schema as JSON, with the parameters of the kinds that tell them; `crates/coupling/experiment.schema.json` has the
/// same, and a test sees to it.
pub fn schema(registry: &Registry) -> Value {
    let mut schema = schemars::schema_for!(Experiment).to_value();
    schema["title"] = "Experiment of knarr couple".into();
    let entry = &mut schema["$defs"]["ComponentEntry"];
    let (mut rules, mut kinds) = (Vec::new(), Vec::new());
    for (name, about) in registry.kinds().filter_map(|(name, kind)| Some((name, kind.about?))) {
        let mut then = json!({ "properties": { "parameters": about.schema() } });
        // Kinds that cannot do without parameters.
        if about.parameters().iter().any(|p| p.required && !p.name.contains('.')) {
            then["required"] = json!(["parameters"]);
        }
        rules.push(json!({ "if": { "properties": { "kind": { "const": name } } }, "then": then }));
        kinds.push(json!({ "const": name, "description": about.summary }));
    }
    // Names that editors offer; programs may add kinds of their own.
    kinds.push(json!({ "type": "string" }));
    entry["properties"]["kind"]["anyOf"] = kinds.into();
    entry["allOf"] = rules.into();
    schema
}
