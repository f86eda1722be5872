//! A release as a folder that proves itself, with no network and no trust in who carried it.
//!
//! ```text
//! <release-id>/
//!   release.json            what this is, canonical JSON, with digests of all files but the payload
//!   release.json.minisig    signature of the sender over release.json
//!   bagit.txt bag-info.txt manifest-sha512.txt tagmanifest-sha512.txt      BagIt, RFC 8493
//!   data/<field>/<grid>_<start>_<end>.nc                                   the payload, nothing else
//!   meta/gate-report.json                       verdicts of the rules
//!   meta/approval-*.json, .json.minisig         who agreed
//!   meta/blocks.json                            SHA-256 of each 8 MiB, to resume transfers
//!   meta/stac-item.json meta/wcmp2.json meta/prov.json meta/policy.odrl.json
//!   meta/LICENCE-<id>.txt meta/ATTRIBUTION.txt
//! <release-id>.wnm.json     announcement, beside the folder
//! ```
//!
//! The chain a receiver follows: pinned key, `release.json.minisig`, `release.json`, every tag file and the manifest,
//! every byte of the payload. Each file has one allowed form, and a file that is not named is refused.

mod approval;
mod bag;
mod metadata;
mod pack;
mod pins;
mod release;
mod tree;
mod unpack;
mod verify;

pub use approval::{Approval, Role, SignedApproval, approve};
pub use bag::BLOCK_BYTES;
pub use pack::{PackRequest, Packed, pack};
pub use pins::{Pins, Sender};
pub use release::{FileEntry, PayloadEntry, Release};
pub use unpack::unpack;
pub use verify::{Problem, Verification, verify};
