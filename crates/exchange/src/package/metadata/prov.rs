//! W3C PROV in JSON: what came from what, by roles and digests, never by paths.

use super::Subject;
use serde_json::{Map, Value, json};

pub(in super::super) fn prov(subject: &Subject<'_>) -> Value {
    let (statement, report) = (subject.statement, subject.report);
    let mut entities = Map::new();
    let mut derived = Map::new();
    let mut generated = Map::new();
    entities.insert(
        "knarr:input".into(),
        json!({"knarr:role": "source file", "knarr:product": statement.origin.product, "knarr:run": statement.origin.run, "knarr:sha256": report.input_sha256}),
    );
    entities.insert("knarr:policy".into(), json!({"knarr:role": "policy", "knarr:sha256": report.policy_sha256}));
    for (number, entry) in subject.entries.iter().enumerate() {
        let name = format!("knarr:output-{}", number + 1);
        entities.insert(
            name.clone(),
            json!({"knarr:role": "payload", "knarr:field": entry.field, "knarr:grid": entry.grid, "knarr:sha512": entry.sha512}),
        );
        derived.insert(format!("_:d{}", number + 1), json!({"prov:generatedEntity": name, "prov:usedEntity": "knarr:input"}));
        generated.insert(format!("_:g{}", number + 1), json!({"prov:entity": name, "prov:activity": "knarr:gate"}));
    }
    json!({
        "prefix": {"knarr": "urn:knarr:", "prov": "http://www.w3.org/ns/prov#"},
        "entity": entities,
        "activity": {"knarr:gate": {"prov:endTime": statement.prepared, "knarr:what": "release gate: judged and rebuilt"}},
        "agent": {
            "knarr:sender": {"prov:type": "prov:Organization", "knarr:name": subject.policy.producer.organisation},
            "knarr:tool": {"prov:type": "prov:SoftwareAgent", "knarr:name": report.tool},
        },
        "used": {
            "_:u1": {"prov:activity": "knarr:gate", "prov:entity": "knarr:input"},
            "_:u2": {"prov:activity": "knarr:gate", "prov:entity": "knarr:policy"},
        },
        "wasGeneratedBy": generated,
        "wasDerivedFrom": derived,
        "wasAssociatedWith": {
            "_:a1": {"prov:activity": "knarr:gate", "prov:agent": "knarr:sender"},
            "_:a2": {"prov:activity": "knarr:gate", "prov:agent": "knarr:tool"},
        },
    })
}
