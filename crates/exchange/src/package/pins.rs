//! What a receiver knows beforehand: who it is, which senders it takes from, and by which keys.

use crate::policy::Approvals;
use serde::Deserialize;

/// A receiver's settings (TOML). Every key must be there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// `knarr-pins-1`.
    pub schema: String,
    /// Identifier of this receiver.
    pub receiver: String,
    /// Senders.
    pub senders: Vec<Sender>,
    /// Most bytes of a package.
    pub max_bytes: u64,
    /// Most files of a package.
    pub max_files: usize,
    /// Seconds by which the sender's clock may be ahead of ours.
    pub clock_tolerance_s: u32,
}

/// A sender and its keys, exchanged in person or by another way that is trusted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// Identifier of the sender.
    pub id: String,
    /// Public keys (base64 lines of minisign) that may seal.
    pub keys: Vec<String>,
    /// Who approves there, and for how long.
    pub approvals: Approvals,
}

impl Pins {
    /// Whether the file is of the form that this program reads.
    pub fn has_known_schema(&self) -> bool {
        self.schema == "knarr-pins-1"
    }
}
