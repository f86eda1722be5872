//! WIS2 notification message: announces the package; whoever fetches `release.json` can check that it is this one.

use super::Subject;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

pub(in super::super) fn wnm(subject: &Subject<'_>, release: &[u8]) -> Value {
    let statement = subject.statement;
    let mut properties = json!({
        "pubtime": statement.prepared,
        "data_id": format!("{}/{}", subject.policy.producer.centre_id, statement.release_id),
        "metadata_id": subject.record_id(),
        "producer": subject.policy.producer.centre_id,
        "integrity": {"method": "sha512", "value": STANDARD.encode(Sha512::digest(release))},
    });
    match subject.times() {
        Some([start, end]) => {
            properties["start_datetime"] = json!(start);
            properties["end_datetime"] = json!(end);
        }
        None => properties["datetime"] = Value::Null,
    }
    json!({
        "id": uuid(release),
        "conformsTo": ["http://wis.wmo.int/spec/wnm/1/conf/core"],
        "type": "Feature",
        "geometry": subject.geometry(),
        "properties": properties,
        "links": [
            {
                "rel": if statement.supersedes.is_some() { "update" } else { "canonical" },
                "href": subject.address("release.json"),
                "type": "application/json",
                "length": release.len(),
            },
            {"rel": "license", "href": subject.licence.url, "type": "text/html"},
        ],
    })
}

/// A version 8 UUID (RFC 9562) from a digest: the same release is announced under the same id.
fn uuid(release: &[u8]) -> String {
    let mut bytes: [u8; 16] = Sha256::digest(release)[..16].try_into().expect("16 of 32 bytes");
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = crate::canonical::hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
