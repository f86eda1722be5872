//! ODRL: what the receiver may do, for programs.

use super::Subject;
use serde_json::{Value, json};

pub(in super::super) fn odrl(subject: &Subject<'_>) -> Value {
    let statement = subject.statement;
    json!({
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "Agreement",
        "uid": format!("urn:knarr:{}:{}", subject.policy.producer.centre_id, statement.release_id),
        "permission": [{
            "target": subject.record_id(),
            "assigner": format!("urn:knarr:centre:{}", statement.sender),
            "assignee": format!("urn:knarr:centre:{}", statement.receiver),
            "action": "use",
            "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": statement.purpose}],
            "duty": [{"action": "attribute", "attributedParty": subject.licence.attribution}],
        }],
        "prohibition": [],
    })
}
