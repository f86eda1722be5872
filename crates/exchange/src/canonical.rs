//! JSON with one form for one value (RFC 8785), so that a signature covers a value by covering its bytes.
//!
//! Keys in order, no blanks, shortest escapes. Signed statements hold texts, whole numbers, truths, lists and objects;
//! other numbers are refused, so that no two programs can disagree on how they are written.

use crate::ExchangeError;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};

/// The canonical bytes of `value`, without a newline at the end.
///
/// # Errors
/// [`ExchangeError::NotCanonical`] for numbers that are not whole or exceed 2⁵³.
pub fn to_bytes(value: &impl Serialize, what: &'static str) -> Result<Vec<u8>, ExchangeError> {
    let value = serde_json::to_value(value).map_err(|_| ExchangeError::NotCanonical { what })?;
    if !only_whole_numbers(&value) {
        return Err(ExchangeError::NotCanonical { what });
    }
    let mut out = Vec::new();
    write(&value, &mut out);
    Ok(out)
}

/// The value of canonical bytes; `None` if they are no JSON or not in canonical form.
pub fn from_bytes(bytes: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    // Writing it again refuses keys given twice, other orders, escapes and blanks.
    (to_bytes(&value, "a statement").ok()? == bytes).then_some(value)
}

fn only_whole_numbers(value: &Value) -> bool {
    match value {
        Value::Number(n) => n.as_i64().is_some_and(|i| i.unsigned_abs() <= 1 << 53),
        Value::Array(list) => list.iter().all(only_whole_numbers),
        Value::Object(map) => map.values().all(only_whole_numbers),
        _ => true,
    }
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(list) => {
            out.push(b'[');
            for (at, item) in list.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(&Value::String(key.clone()), out);
                out.push(b':');
                write(&map[key], out);
            }
            out.push(b'}');
        }
        // The crate writes texts and whole numbers as the standard asks.
        scalar => out.extend_from_slice(scalar.to_string().as_bytes()),
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-512 in hexadecimal.
pub fn sha512(bytes: &[u8]) -> String {
    hex(&Sha512::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_in_the_order_of_utf16() {
        // The order of RFC 8785, section 3.2.3: U+1F600 is a pair of surrogates and comes before U+FB33.
        let value = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        let text = String::from_utf8(to_bytes(&value, "it").expect("canonical")).expect("UTF-8");
        // Key, then its number: the digit 1 is a key of its own.
        assert_eq!(text, "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}");
    }

    #[test]
    fn other_forms_of_the_same_value_are_refused() {
        assert!(from_bytes(br#"{"a":1,"b":[true,"x"]}"#).is_some());
        for other in [r#"{"b":1,"a":1}"#, r#"{"a": 1}"#, r#"{"a":1,"a":1}"#, r#"{"a":"\u0078"}"#, r#"{"a":1.5}"#, "{\"a\":1}\n"] {
            assert!(from_bytes(other.as_bytes()).is_none(), "{other}");
        }
    }
}
