//! `release.json`: the one file that is signed, and through which all others are.

use crate::instant::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the statement in a package.
pub const RELEASE: &str = "release.json";
/// Name of its signature.
pub const SIGNATURE: &str = "release.json.minisig";
/// Name of the list of payload digests.
pub const MANIFEST: &str = "manifest-sha512.txt";
/// Name of the list of the other files' digests; it follows from them.
pub const TAG_MANIFEST: &str = "tagmanifest-sha512.txt";
/// Name of the gate's report.
pub const REPORT: &str = "meta/gate-report.json";
/// Name of the blocks' digests.
pub const BLOCKS: &str = "meta/blocks.json";

/// Digest and size of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// SHA-512 in hexadecimal.
    pub sha512: String,
    /// Size.
    pub bytes: u64,
}

/// What a payload file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadEntry {
    /// Path in the package.
    pub path: String,
    /// Id of the field.
    pub field: String,
    /// Id of the grid.
    pub grid: String,
    /// SHA-512 in hexadecimal.
    pub sha512: String,
    /// Size.
    pub bytes: u64,
}

/// What a package is, in a form that has one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// `knarr-release-1`.
    pub schema: String,
    /// The release.
    pub release_id: String,
    /// The release it corrects.
    pub supersedes: Option<String>,
    /// When it was prepared.
    pub prepared: Instant,
    /// When the last approval was given, which is what sealing waits for.
    pub sealed: Instant,
    /// Until when it may be taken in.
    pub valid_until: Instant,
    /// Who sends.
    pub sender: String,
    /// To whom.
    pub receiver: String,
    /// For what.
    pub purpose: String,
    /// Classification by the Government of Canada.
    pub classification_gc: String,
    /// Classification by the European Union.
    pub classification_eu: String,
    /// Licence of the data.
    pub licence: String,
    /// The policy.
    pub policy_id: String,
    /// Its version.
    pub policy_version: u32,
    /// Its digest.
    pub policy_sha256: String,
    /// Digest of the gate's report, to which the approvals refer.
    pub report_sha256: String,
    /// The payload, in the order of the manifest.
    pub payload: Vec<PayloadEntry>,
    /// All other files but this one, its signature and the tag manifest.
    pub files: BTreeMap<String, FileEntry>,
}

/// The form that [`Release::schema`] names.
pub const SCHEMA: &str = "knarr-release-1";
