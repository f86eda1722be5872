//! The JSON Schema of experiment files, for editors.

use super::Experiment;

/// The schema as JSON; `crates/coupling/experiment.schema.json` has the same, and a test sees to it.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Experiment).to_value();
    schema["title"] = "Experiment of knarr couple".into();
    schema
}
