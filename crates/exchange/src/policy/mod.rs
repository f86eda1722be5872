//! What may leave: the policy of a pair of centres, and the statement that asks for one release.
//!
//! Both are TOML written by people. Every key must be there and none may be unknown, so that nothing is allowed
//! because nobody thought of it. The policy is signed by its owner; its digest is part of every report and package.
//! `examples/policy.toml`, `statement.toml` and `pins.toml` of this crate are examples; a test releases by them.

mod load;
mod statement;

pub use load::Loaded;
pub use statement::{FileRequest, Origin, Statement};

use crate::instant::Instant;
use serde::Deserialize;

/// What one centre lets go to others. See the module for how it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// `knarr-policy-1`.
    pub schema: String,
    /// Its name.
    pub id: String,
    /// Counted up with every change.
    pub version: u32,
    /// In force from.
    pub valid_from: Instant,
    /// In force until.
    pub valid_until: Instant,
    /// Identifier of the sending centre.
    pub sender: String,
    /// Identifiers of centres that may receive.
    pub receivers: Vec<String>,
    /// Purposes that may be stated.
    pub purposes: Vec<String>,
    /// Who answers for releases.
    pub producer: Producer,
    /// Products that may leave, with where they come from.
    pub sources: Vec<Source>,
    /// Licences data may be under.
    pub licences: Vec<Licence>,
    /// Fields that may leave.
    pub fields: Vec<FieldRule>,
    /// How old data must be.
    pub latency: Latency,
    /// Where data may be.
    pub region: Region,
    /// Attributes and texts.
    pub texts: Texts,
    /// What the input file may look like.
    pub input: InputRule,
    /// Sizes.
    pub limits: Limits,
    /// Who must agree.
    pub approvals: Approvals,
    /// Hours after its preparation until which a release may be taken in.
    pub release_valid_hours: u32,
}

/// An organisation with a role mailbox: never a person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Producer {
    /// Name of the organisation.
    pub organisation: String,
    /// Its WIS2 centre identifier, such as `ca-eccc-msc`.
    pub centre_id: String,
    /// Address of its public pages.
    pub url: String,
    /// Where packages are offered; announcements point there.
    pub distribution_url: String,
    /// Its role mailboxes.
    pub mailboxes: Vec<String>,
}

/// A product and where it may come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of the product, such as `GDPS`.
    pub product: String,
    /// Beginnings of addresses it may have come from.
    pub origins: Vec<String>,
    /// Hours of the runs that may leave.
    pub run_hours: Vec<u32>,
}

/// A licence and what it allows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Its identifier.
    pub id: String,
    /// Digest (SHA-256) of its text as the policy's owner read it.
    pub text_sha256: String,
    /// Where the text is published.
    pub url: String,
    /// In force from.
    pub in_force_from: Instant,
    /// In force until.
    pub in_force_until: Instant,
    /// Sentence that must go with the data, word for word.
    pub attribution: String,
    /// WMO data policy: `core` or `recommended`.
    pub wmo_policy: WmoPolicy,
    /// To whom and for what data under it may be passed on.
    pub onward: Vec<Onward>,
}

/// Classes of the WMO's unified data policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WmoPolicy {
    /// Free, without conditions.
    Core,
    /// Conditions may apply.
    Recommended,
}

impl WmoPolicy {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Recommended => "recommended",
        }
    }
}

/// One permission to pass data on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Onward {
    /// The receiver.
    pub receiver: String,
    /// Its purposes.
    pub purposes: Vec<String>,
}

/// A field that may leave, and how fine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRule {
    /// Its id in the field catalogue.
    pub id: String,
    /// Products it may come from.
    pub products: Vec<String>,
    /// Finest spacing in km.
    pub min_spacing_km: f64,
    /// Levels that may leave, in the units of the file; empty for fields without a level.
    pub levels: Vec<f64>,
    /// Members that may leave; empty for fields without members.
    pub members: Vec<i64>,
    /// Decimals of the values, in canonical units.
    pub decimals: i32,
    /// What happens to values given finer.
    pub finer: Finer,
}

/// What happens to values with more decimals than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finer {
    /// They are rounded.
    Round,
    /// The release is denied.
    Deny,
}

/// How old data must be before they leave, in hours.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Since the run.
    pub min_hours_since_issue: u32,
    /// Since the latest valid time; negative where forecasts of that lead may leave.
    pub min_hours_since_valid: i64,
    /// Seconds by which two clocks may differ.
    pub clock_tolerance_s: u32,
}

/// Where data may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// `everywhere`, or `boxes` within which every corner of a cell must lie.
    pub extent: Extent,
    /// West, south, east, north in degrees; west may exceed east across the date line.
    pub boxes: Vec<[f64; 4]>,
    /// What happens to values outside.
    pub outside: Outside,
}

/// Whether a region is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// The whole globe.
    Everywhere,
    /// The boxes.
    Boxes,
}

/// What happens to values outside the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outside {
    /// They become the fill value.
    Fill,
    /// The release is denied.
    Deny,
}

/// Attributes and texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// Global attributes that may leave, beyond those the gate writes itself: name and what their text must look like.
    pub global_attributes: Vec<AttributeRule>,
    /// What happens to attributes that are not listed.
    pub unlisted: Unlisted,
    /// Hosts that may be named.
    pub public_hosts: Vec<String>,
}

/// A global attribute that may leave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeRule {
    /// Its name.
    pub name: String,
    /// Regular expression for the whole text.
    pub pattern: String,
    /// Longest text, in characters.
    pub max_length: usize,
}

/// What happens to attributes that are not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlisted {
    /// They are left out, and counted.
    Drop,
    /// The release is denied.
    Deny,
}

/// What the input file may look like; it never leaves itself.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRule {
    /// Short stretches of bytes that a library left behind, all of whose words the file shows elsewhere too.
    pub library_residue: Residue,
}

/// What is done about residue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Residue {
    /// It is counted.
    Allow,
    /// The release is denied.
    Deny,
}

/// Sizes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of an input file.
    pub max_input_bytes: u64,
    /// Values of one variable, decompressed.
    pub max_values: u64,
    /// Bytes of all payload files.
    pub max_payload_bytes: u64,
    /// Payload files.
    pub max_files: usize,
    /// Characters of one text.
    pub max_text_length: usize,
}

/// Who must agree to a release.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    /// Hours an approval is good for, at most.
    pub max_hours: u32,
    /// Public keys (minisign) that may approve as owner of the data.
    pub data_owners: Vec<String>,
    /// Public keys that may approve as release officer.
    pub release_officers: Vec<String>,
}

impl Policy {
    /// The rule of a field.
    pub fn field(&self, id: &str) -> Option<&FieldRule> {
        self.fields.iter().find(|f| f.id == id)
    }

    /// The licence of that id.
    pub fn licence(&self, id: &str) -> Option<&Licence> {
        self.licences.iter().find(|l| l.id == id)
    }

    /// The source of that product.
    pub fn source(&self, product: &str) -> Option<&Source> {
        self.sources.iter().find(|s| s.product == product)
    }
}
