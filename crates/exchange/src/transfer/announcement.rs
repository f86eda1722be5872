//! Messages that say where new data are: WIS2 notifications (WNM) and Sarracenia v03.

use super::TransferError;
use base64::Engine;
use serde_json::Value;

/// Longest message of WNM.
pub(super) const MAX_MESSAGE_BYTES: usize = 8192;

/// New data, or the end of old ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// What is announced: `data_id` of WNM, path of v03.
    pub id: String,
    /// When, as the message has it.
    pub published: String,
    /// Where the data are.
    pub url: String,
    /// Bytes, if told.
    pub size: Option<u64>,
    /// How to check them.
    pub integrity: Option<Integrity>,
    /// What happened.
    pub action: Action,
}

/// What happened to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// They are there, or there anew.
    New,
    /// They are gone.
    Gone,
}

/// A hash that data must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integrity {
    /// `sha256`, `sha512`, ...
    pub method: String,
    /// The hash itself.
    pub value: Vec<u8>,
}

impl Announcement {
    /// Reads a message of either kind; what is not needed is not looked at.
    ///
    /// Times may be missing or null, and hashes hex where base64 is meant: senders do that. What says where the data are
    /// must be there.
    ///
    /// # Errors
    /// [`TransferError::Message`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TransferError> {
        let bad = |problem: &str| TransferError::Message { problem: problem.to_owned() };
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(bad(&format!("it has {} bytes, expected up to {MAX_MESSAGE_BYTES}", bytes.len())));
        }
        let message: Value = serde_json::from_slice(bytes).map_err(|e| bad(&format!("it is not JSON: {e}")))?;
        if message["type"] == "Feature" || message["properties"].is_object() { wnm(&message) } else { v03(&message) }
    }

    /// What tells one message from another: a repetition has the same.
    pub fn key(&self) -> String {
        let hash = self.integrity.as_ref().map(|i| hex(&i.value)).unwrap_or_default();
        format!("{} {} {hash}", self.id.replace(char::is_whitespace, "_"), self.published)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn wnm(message: &Value) -> Result<Announcement, TransferError> {
    let bad = |problem: &str| TransferError::Message { problem: format!("a WIS2 notification: {problem}") };
    let properties = &message["properties"];
    let links = message["links"].as_array().ok_or_else(|| bad("it has no links"))?;
    let with = |relations: &[&str]| links.iter().find(|l| l["rel"].as_str().is_some_and(|r| relations.contains(&r)));
    let (link, action) = match (with(&["canonical", "update"]), with(&["deletion"])) {
        (Some(link), None) => (link, Action::New),
        (None, Some(link)) => (link, Action::Gone),
        (Some(_), Some(_)) => return Err(bad("it says both that data are there and that they are gone")),
        (None, None) => return Err(bad("no link is canonical, update or deletion")),
    };
    let integrity = match &properties["integrity"] {
        Value::Null => None,
        given => Some(
            integrity(given["method"].as_str(), given["value"].as_str()).ok_or_else(|| bad("its integrity cannot be read"))?,
        ),
    };
    Ok(Announcement {
        id: text(&properties["data_id"]).ok_or_else(|| bad("it has no data_id"))?,
        published: text(&properties["pubtime"]).unwrap_or_default(),
        url: text(&link["href"]).ok_or_else(|| bad("its link has no href"))?,
        size: link["length"].as_u64(),
        integrity,
        action,
    })
}

fn v03(message: &Value) -> Result<Announcement, TransferError> {
    let bad = |problem: &str| TransferError::Message { problem: format!("a Sarracenia message: {problem}") };
    let path = text(&message["relPath"]).ok_or_else(|| bad("it has no relPath"))?;
    let base = text(&message["baseUrl"]).ok_or_else(|| bad("it has no baseUrl"))?;
    let retrieve = text(&message["retrievePath"]).unwrap_or_else(|| path.clone());
    // `integrity` was the name of `identity` in early messages.
    let given = if message["identity"].is_object() { &message["identity"] } else { &message["integrity"] };
    let method = given["method"].as_str();
    // `cod` is a hash to be made on delivery, `random` and `arbitrary` are none.
    let integrity = match method {
        Some("md5" | "sha256" | "sha512") => {
            Some(integrity(method, given["value"].as_str()).ok_or_else(|| bad("its identity cannot be read"))?)
        }
        _ => None,
    };
    let gone = ["remove", "delete", "rename"].iter().any(|what| message["fileOp"].get(what).is_some());
    Ok(Announcement {
        url: format!("{}/{}", base.trim_end_matches('/'), retrieve.trim_start_matches('/')),
        id: path,
        published: text(&message["pubTime"]).unwrap_or_default(),
        size: message["size"].as_u64().or_else(|| message["size"].as_str()?.parse().ok()),
        integrity,
        action: if gone { Action::Gone } else { Action::New },
    })
}

/// A hash in base64, or in hex where its length says so.
fn integrity(method: Option<&str>, value: Option<&str>) -> Option<Integrity> {
    let (method, value) = (method?.to_lowercase(), value?.trim());
    let len = match method.as_str() {
        "md5" => 16,
        "sha256" => 32,
        "sha384" => 48,
        "sha512" => 64,
        _ => 0,
    };
    let bytes = if value.len() == 2 * len && value.bytes().all(|b| b.is_ascii_hexdigit()) {
        (0..len).map(|i| u8::from_str_radix(&value[2 * i..2 * i + 2], 16).ok()).collect::<Option<Vec<u8>>>()?
    } else {
        base64::engine::general_purpose::STANDARD.decode(value).ok()?
    };
    (len == 0 || bytes.len() == len).then_some(Integrity { method, value: bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WNM: &str = r#"{"id":"31e9d66a-cd83-4174-9429-b932f1abe1be","conformsTo":["http://wis.wmo.int/spec/wnm/1/conf/core"],
        "type":"Feature","geometry":null,"properties":{"pubtime":"2026-05-01T00:10:00Z","datetime":null,
        "data_id":"ca-eccc-msc/data/core/weather/x","integrity":{"method":"sha256","value":"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}},
        "links":[{"href":"https://host.example/x.nc","rel":"canonical","length":3}]}"#;

    const V03: &str = r#"{"pubTime":"20260501T001000.52","baseUrl":"https://dd.weather.gc.ca/","relPath":"20260501/WXO-DD/model_gdps/x.grib2",
        "size":"3","identity":{"method":"sha512","value":"3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="}}"#;

    #[test]
    fn both_kinds_say_where_and_how_to_check() {
        let wnm = Announcement::parse(WNM.as_bytes()).expect("a notification");
        assert_eq!((wnm.url.as_str(), wnm.size, wnm.action), ("https://host.example/x.nc", Some(3), Action::New));
        assert_eq!(hex(&wnm.integrity.expect("told").value), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let v03 = Announcement::parse(V03.as_bytes()).expect("a message");
        assert_eq!(v03.url, "https://dd.weather.gc.ca/20260501/WXO-DD/model_gdps/x.grib2");
        assert_eq!((v03.size, v03.integrity.as_ref().map(|i| i.value.len())), (Some(3), Some(64)));
        assert_ne!(v03.key(), Announcement::parse(V03.replace(".52", ".53").as_bytes()).expect("a message").key());
    }

    #[test]
    fn what_senders_get_wrong_is_read_and_what_is_needed_is_asked_for() {
        let hex_value = WNM.replace(
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        assert_eq!(Announcement::parse(hex_value.as_bytes()).expect("hex"), Announcement::parse(WNM.as_bytes()).expect("base64"));
        let problem = |text: String| Announcement::parse(text.as_bytes()).expect_err(&text).to_string();
        assert!(problem(WNM.replace("canonical", "about")).contains("no link is canonical"));
        assert!(problem(WNM.replace("data_id", "dataid")).contains("data_id"));
        assert!(problem(WNM.replace("ungWv", "!")).contains("integrity"));
        assert!(problem(V03.replace("relPath", "path")).contains("relPath"));
        assert!(problem("[]".to_owned()).contains("relPath"));
        assert!(problem("{".to_owned()).contains("not JSON"));
        assert!(problem(format!("{WNM}{}", " ".repeat(9000))).contains("bytes"));
        let gone = Announcement::parse(WNM.replace("canonical", "deletion").as_bytes()).expect("a notification");
        assert_eq!(gone.action, Action::Gone);
        let removed = V03.replacen('{', r#"{"fileOp":{"remove":""},"#, 1);
        assert_eq!(Announcement::parse(removed.as_bytes()).expect("a message").action, Action::Gone);
    }
}
