//! The parts of a bag, each in its one form.

use super::release::{MANIFEST, PayloadEntry, RELEASE, TAG_MANIFEST};
use crate::instant::Instant;
use std::collections::BTreeMap;

/// Size of the blocks whose digests let a transfer resume.
pub const BLOCK_BYTES: usize = 8 << 20;

pub(super) const BAGIT: (&str, &str) = ("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");

pub(super) fn bag_info(id: &str, organisation: &str, prepared: Instant, payload: &[PayloadEntry]) -> String {
    let bytes: u64 = payload.iter().map(|p| p.bytes).sum();
    let (year, month, day) = prepared.date();
    format!(
        "Source-Organization: {organisation}\nExternal-Identifier: {id}\nBagging-Date: {year:04}-{month:02}-{day:02}\n\
         Payload-Oxum: {bytes}.{}\n",
        payload.len()
    )
}

/// The list of payload digests, in the order of paths.
pub(super) fn manifest(payload: &[PayloadEntry]) -> String {
    lines(payload.iter().map(|p| (p.path.as_str(), p.sha512.as_str())))
}

/// The list of the other digests: what is named in the release, and the release itself, but not its signature, which
/// is made last.
pub(super) fn tag_manifest(files: &BTreeMap<String, super::FileEntry>, release_sha512: &str) -> String {
    let listed = files.iter().map(|(path, entry)| (path.as_str(), entry.sha512.as_str()));
    lines(listed.chain([(RELEASE, release_sha512)]))
}

fn lines<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_unstable();
    entries.into_iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}

/// Names that a release does not list, because they follow from it.
pub(super) const DERIVED: [&str; 3] = [RELEASE, super::release::SIGNATURE, TAG_MANIFEST];

/// Whether a path may stand in a package: plain words, at most four, in `data/`, `meta/` or at the top.
pub(super) fn is_package_path(path: &str) -> bool {
    let fair = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let words: Vec<&str> = path.split('/').collect();
    let plain = words.iter().all(|w| w.len() <= 128 && w.starts_with(|c: char| c.is_ascii_alphanumeric()) && w.chars().all(fair));
    let placed = matches!(words[..], [_] | ["data", _, _] | ["meta", _]);
    plain && placed && path != "data" && path != "meta"
}

/// Whether a path is one of the payload's.
pub(super) fn is_payload_path(path: &str) -> bool {
    is_package_path(path) && path.starts_with("data/") && path.ends_with(".nc")
}

/// Names at the top that every release lists.
pub(super) const REQUIRED: [&str; 9] = [
    "bagit.txt",
    "bag-info.txt",
    MANIFEST,
    super::release::REPORT,
    super::release::BLOCKS,
    "meta/ATTRIBUTION.txt",
    "meta/stac-item.json",
    "meta/wcmp2.json",
    "meta/prov.json",
];
