//! STAC 1.1 item: one for the package, one asset a file, with checksums of the file extension.

use super::Subject;
use serde_json::{Map, Value, json};

pub(in super::super) fn stac_item(subject: &Subject<'_>) -> Value {
    let statement = subject.statement;
    let assets: Map<String, Value> = subject
        .entries
        .iter()
        .map(|entry| {
            let asset = json!({
                "href": format!("../{}", entry.path),
                "type": "application/netcdf",
                "title": entry.field,
                "roles": ["data"],
                // Multihash: 0x13 is SHA-512, 0x40 its length.
                "file:checksum": format!("1340{}", entry.sha512),
                "file:size": entry.bytes,
            });
            (entry.path.trim_start_matches("data/").replace('/', "_"), asset)
        })
        .collect();
    let mut properties = json!({
        "title": statement.title,
        "description": statement.summary,
        "created": statement.prepared,
        "license": "other",
        "providers": [{
            "name": subject.policy.producer.organisation,
            "roles": ["producer", "licensor"],
            "url": subject.policy.producer.url,
        }],
    });
    match subject.times() {
        Some([start, end]) => {
            properties["datetime"] = Value::Null;
            properties["start_datetime"] = json!(start);
            properties["end_datetime"] = json!(end);
        }
        None => properties["datetime"] = json!(statement.origin.run),
    }
    json!({
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": ["https://stac-extensions.github.io/file/v2.1.0/schema.json"],
        "id": statement.release_id,
        "geometry": subject.geometry(),
        "bbox": subject.bbox(),
        "properties": properties,
        "links": [{"rel": "license", "href": subject.licence.url, "type": "text/html"}],
        "assets": assets,
    })
}
