//! Policies and statements from files, with their digests, and errors that say which key was meant.

use super::{Policy, Statement};
use crate::ExchangeError;
use crate::canonical::sha256;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Settings with the digest of the bytes they were read from.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The settings.
    pub value: T,
    /// Bytes of the file.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub sha256: String,
}

impl<T: DeserializeOwned> Loaded<T> {
    /// Reads a file once; what is parsed is what is hashed.
    ///
    /// # Errors
    /// [`ExchangeError::File`], and [`ExchangeError::Settings`] with line, key and the nearest known key.
    pub fn from_file(path: &Path) -> Result<Self, ExchangeError> {
        let bytes = std::fs::read(path).map_err(ExchangeError::file(path, "read"))?;
        Self::from_bytes(bytes, path)
    }

    /// Parses bytes; `path` is named in errors.
    ///
    /// # Errors
    /// [`ExchangeError::Settings`].
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, ExchangeError> {
        let wrong = |problem: String, near| ExchangeError::Settings { path: path.to_owned(), problem, near };
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is not UTF-8".to_owned(), None))?;
        let value = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1);
            let place = line.map_or(String::new(), |line| format!("line {line}: "));
            wrong(format!("{place}{}", error.message()), nearest(error.message()))
        })?;
        Ok(Self { value, sha256: sha256(&bytes), bytes })
    }
}

/// The schema a file must name.
const POLICY: &str = "knarr-policy-1";
const STATEMENT: &str = "knarr-statement-1";

impl Policy {
    /// Whether the file is of the form that this program reads.
    pub fn has_known_schema(&self) -> bool {
        self.schema == POLICY
    }
}

impl Statement {
    /// Whether the file is of the form that this program reads.
    pub fn has_known_schema(&self) -> bool {
        self.schema == STATEMENT
    }
}

/// Of the names a message offers, the one most like the name it complains about.
fn nearest(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let found = quoted.next().filter(|_| message.starts_with("unknown"))?;
    quoted
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .filter(|(score, _)| *score > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_name() {
        let error =
            Loaded::<Policy>::from_bytes(b"schema = 'x'\nrecievers = []\n".to_vec(), Path::new("p.toml")).expect_err("unknown");
        assert!(error.to_string().starts_with("p.toml: line 2: unknown field `recievers`"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("did you mean `receivers`?"));
    }

    #[test]
    fn nothing_has_a_default() {
        let error =
            Loaded::<Policy>::from_bytes(b"schema = 'knarr-policy-1'\n".to_vec(), Path::new("p.toml")).expect_err("missing");
        assert!(error.to_string().contains("missing field `id`"), "{error}");
    }
}
