//! WMO Core Metadata Profile 2: the discovery record.

use super::Subject;
use serde_json::{Value, json};

pub(in super::super) fn wcmp2(subject: &Subject<'_>) -> Value {
    let (statement, producer) = (subject.statement, &subject.policy.producer);
    let time = match subject.times() {
        Some([start, end]) => json!({"interval": [start, end]}),
        None => Value::Null,
    };
    let concepts: Vec<Value> = subject.entries.iter().map(|e| json!({"id": e.field})).collect();
    json!({
        "id": subject.record_id(),
        "type": "Feature",
        "conformsTo": ["http://wis.wmo.int/spec/wcmp/2/conf/core"],
        "geometry": subject.geometry(),
        "time": time,
        "properties": {
            "type": "dataset",
            "title": statement.title,
            "description": statement.summary,
            "created": statement.prepared,
            "themes": [
                {"concepts": [{"id": "weather"}], "scheme": "https://codes.wmo.int/wis/topic-hierarchy/earth-system-discipline"},
                {"concepts": concepts, "scheme": "https://cfconventions.org/standard-names"},
            ],
            "contacts": [{
                "organization": producer.organisation,
                "emails": [{"value": statement.mailbox}],
                "links": [{"rel": "about", "href": producer.url, "type": "text/html"}],
                "roles": ["producer", "host"],
            }],
            "wmo:dataPolicy": subject.licence.wmo_policy.word(),
            "rights": subject.licence.attribution,
        },
        "links": [
            {"rel": "data", "href": subject.address("release.json"), "type": "application/json", "title": statement.title},
            {"rel": "license", "href": subject.licence.url, "type": "text/html", "title": subject.licence.id},
        ],
    })
}
