//! The audit log: one line an event, each with the digest of the line before it.
//!
//! | key | holds |
//! |---|---|
//! | `seq` | number of the line, from 1 |
//! | `time` | when, by the system's clock |
//! | `event` | `denied`, `sealed`, `received`, `refused`, `unpacked` |
//! | `release_id`, `policy_sha256`, `release_sha256`, `report_sha256` | what it is about |
//! | `key_id` | key of the one who acted |
//! | `codes` | rules and reason codes, never what was found |
//! | `bytes`, `files` | how much |
//! | `prev`, `this` | digests (SHA-256) of the line before, and of this line without `this` |
//!
//! Lines are canonical JSON. They are appended under a lock and made durable before the next step goes on. Cutting
//! lines off the end is seen with a checkpoint: the last digest, noted or signed elsewhere.

mod log;

pub use log::{AuditLog, Head};

use crate::instant::Instant;
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The gate denied a release.
    Denied,
    /// A release was sealed; its first byte leaves after this line is durable.
    Sealed,
    /// A package was verified.
    Received,
    /// A package did not verify.
    Refused,
    /// A verified package was unpacked.
    Unpacked,
}

/// One event. Everything in it is a digest, a count, a code, or a name that passed the gate's scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What happened.
    pub event: EventKind,
    /// The release, or `withheld`.
    pub release_id: String,
    /// Digest of the policy; empty where there is none.
    pub policy_sha256: String,
    /// Digest of the release statement; empty where there is none.
    pub release_sha256: String,
    /// Digest of the gate's report; empty where there is none.
    pub report_sha256: String,
    /// Id of the key of the one who acted; empty where there is none.
    pub key_id: String,
    /// Rules and reason codes.
    pub codes: Vec<String>,
    /// Bytes of the payload.
    pub bytes: u64,
    /// Payload files.
    pub files: u64,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Number of the line, from 1.
    pub seq: u64,
    /// When.
    pub time: Instant,
    /// What.
    pub what: Event,
    /// Digest of the line before; zeros for the first.
    pub prev: String,
    /// Digest of this line without this key.
    pub this: String,
}
