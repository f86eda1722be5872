//! Whether a package is what a pinned sender sealed for this receiver, whole and nothing more.

use super::approval::{SignedApproval, last, problems};
use super::bag::{BAGIT, DERIVED, REQUIRED, bag_info, is_package_path, is_payload_path, manifest, tag_manifest};
use super::pins::{Pins, Sender};
use super::release::{BLOCKS, MANIFEST, RELEASE, REPORT, Release, SCHEMA, SIGNATURE, TAG_MANIFEST};
use super::tree;
use crate::audit::AuditLog;
use crate::canonical::{from_bytes, sha256, sha512};
use crate::classic::check_layout;
use crate::instant::Instant;
use crate::keys::PublicKey;
use crate::{ExchangeError, gate};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Seek;
use std::path::Path;

/// No statement, signature or text of a package is longer.
const TEXT_LIMIT: u64 = 16 << 20;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What, as a code.
    pub code: &'static str,
    /// Where: a path that a package may have, or an ordinal.
    pub place: String,
}

/// What verification found.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// The statement, once its signature held.
    pub release: Option<Release>,
    /// Its digest.
    pub release_sha256: String,
    /// Key that sealed it.
    pub key_id: String,
    /// What was checked, in words.
    pub checked: Vec<String>,
    /// What is wrong; empty if all is well.
    pub problems: Vec<Problem>,
    /// Whether this very release was taken in before.
    pub is_known: bool,
    #[serde(skip)]
    pub(super) statement: Vec<u8>,
    #[serde(skip)]
    pub(super) signature: Vec<u8>,
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.release.is_some() && self.problems.is_empty()
    }

    fn wrong(&mut self, code: &'static str, place: impl Into<String>) {
        self.problems.push(Problem { code, place: place.into() });
    }

    fn wrong_if(&mut self, wrong: bool, code: &'static str, place: &str) {
        if wrong {
            self.wrong(code, place);
        }
    }
}

/// Verifies a package at the moment `now`, offline. `log` is the receiver's, to know releases that came before.
///
/// Memory is bounded by the size of the texts (16 MiB each) whatever the package holds: payload is hashed as it is
/// read and never decompressed.
///
/// # Errors
/// [`ExchangeError::Log`] if the log is broken. A package that is wrong in any way is no error but a result.
pub fn verify(package: &Path, pins: &Pins, log: Option<&AuditLog>, now: Instant) -> Result<Verification, ExchangeError> {
    let mut found = Verification {
        release: None,
        release_sha256: String::new(),
        key_id: String::new(),
        checked: Vec::new(),
        problems: Vec::new(),
        is_known: false,
        statement: Vec::new(),
        signature: Vec::new(),
    };
    // Nothing else is looked at before the signature holds.
    let sealed = match sealed(package, pins) {
        Ok(sealed) => sealed,
        Err((code, place)) => {
            found.wrong(code, place);
            return Ok(found);
        }
    };
    let Sealed { release, sender, key, statement, signature } = sealed;
    found.release_sha256 = sha256(&statement);
    found.key_id = key.id();
    found.checked.push(format!("signature of {} by the pinned key {}", release.sender, key.id()));
    check_statement(&release, pins, now, &mut found);
    check_replay(&release, log, &mut found)?;
    check_files(package, &release, pins, &statement, &mut found);
    check_approvals(package, &release, sender, &mut found);
    (found.release, found.statement, found.signature) = (Some(release), statement, signature);
    Ok(found)
}

struct Sealed<'p> {
    release: Release,
    sender: &'p Sender,
    key: PublicKey,
    statement: Vec<u8>,
    signature: Vec<u8>,
}

fn sealed<'p>(package: &Path, pins: &'p Pins) -> Result<Sealed<'p>, (&'static str, &'static str)> {
    if !pins.has_known_schema() {
        return Err(("unknown_schema", "pins"));
    }
    let read = |path: &'static str| tree::read(package, path, TEXT_LIMIT).map_err(|code| (code, path));
    let (statement, signature) = (read(RELEASE)?, read(SIGNATURE)?);
    let pinned = pins.senders.iter().flat_map(|s| s.keys.iter().map(move |line| (s, line)));
    let (sender, key, comment) = pinned
        .filter_map(|(sender, line)| {
            let key = PublicKey::from_base64(line)?;
            Some((sender, key, key.verify(&statement, &signature)?))
        })
        .next()
        .ok_or(("not_signed_by_a_pinned_key", SIGNATURE))?;
    let value = from_bytes(&statement).ok_or(("not_canonical", RELEASE))?;
    let release: Release = serde_json::from_value(value).map_err(|_| ("not_a_release", RELEASE))?;
    // The comment is signed too; a signature made for something else does not fit here.
    if comment != format!("release {} for {}", release.release_id, release.receiver) {
        return Err(("signature_of_something_else", SIGNATURE));
    }
    if release.schema != SCHEMA {
        return Err(("unknown_schema", RELEASE));
    }
    if release.sender != sender.id {
        return Err(("key_of_another_sender", RELEASE));
    }
    Ok(Sealed { release, sender, key, statement, signature })
}

fn check_statement(release: &Release, pins: &Pins, now: Instant, found: &mut Verification) {
    found.checked.push("receiver, dates, classification and names of the statement".to_owned());
    found.wrong_if(release.receiver != pins.receiver, "for_another_receiver", RELEASE);
    let latest = Instant(now.0 + i64::from(pins.clock_tolerance_s));
    found.wrong_if(release.prepared > latest || release.sealed > latest, "from_the_future", RELEASE);
    found.wrong_if(now >= release.valid_until, "no_longer_valid", RELEASE);
    let free = release.classification_gc == "Unclassified" && release.classification_eu == "public";
    found.wrong_if(!free, "classified", RELEASE);
    let names = std::iter::once(&release.release_id).chain(&release.supersedes).chain([&release.licence]);
    found.wrong_if(!names.into_iter().all(|n| gate::is_plain_name(n)), "odd_name", RELEASE);
    let ordered = release.payload.windows(2).all(|w| w[0].path < w[1].path);
    let paths = release.payload.iter().all(|p| is_payload_path(&p.path)) && release.files.keys().all(|p| is_package_path(p));
    let apart = release.files.keys().all(|p| !is_payload_path(p) && !DERIVED.contains(&p.as_str()));
    found.wrong_if(!ordered || !paths || !apart || release.payload.is_empty(), "odd_paths", RELEASE);
    let licence = format!("meta/LICENCE-{}.txt", release.licence);
    let complete = REQUIRED.iter().all(|p| release.files.contains_key(*p)) && release.files.contains_key(&licence);
    found.wrong_if(!complete, "incomplete", RELEASE);
    let sizes = release.payload.iter().map(|p| p.bytes).chain(release.files.values().map(|f| f.bytes));
    let total = sizes.fold(0u64, u64::saturating_add);
    found.wrong_if(total > pins.max_bytes, "too_large", RELEASE);
    found.wrong_if(release.files.values().any(|f| f.bytes > TEXT_LIMIT), "too_large", RELEASE);
    found.wrong_if(release.payload.len() + release.files.len() + DERIVED.len() > pins.max_files, "too_many_files", RELEASE);
}

fn check_replay(release: &Release, log: Option<&AuditLog>, found: &mut Verification) -> Result<(), ExchangeError> {
    let Some(log) = log else { return Ok(()) };
    found.checked.push("releases that came before".to_owned());
    if let Some(before) = log.seen(&release.release_id)? {
        found.is_known = before == found.release_sha256;
        found.wrong_if(!found.is_known, "another_release_of_this_name", RELEASE);
    }
    let superseded = format!("supersedes:{}", release.release_id);
    let replaced = log.entries()?.iter().any(|e| e.what.codes.contains(&superseded));
    found.wrong_if(replaced, "superseded", RELEASE);
    Ok(())
}

fn check_files(package: &Path, release: &Release, pins: &Pins, statement: &[u8], found: &mut Verification) {
    let listed = match tree::list(package, pins.max_files) {
        Ok(listed) => listed,
        Err(code) => return found.wrong(code, "the folder"),
    };
    let payload = release.payload.iter().map(|p| p.path.as_str());
    let expected: BTreeSet<&str> = payload.chain(release.files.keys().map(String::as_str)).chain(DERIVED).collect();
    for path in listed.keys().filter(|path| !expected.contains(path.as_str())) {
        found.wrong("file_not_listed", path.clone());
    }
    for path in expected.iter().filter(|path| !listed.contains_key(**path)) {
        found.wrong("file_missing", *path);
    }
    found.checked.push(format!("{} files, no more and no less", expected.len()));

    let tags = check_tags(package, release, found);
    let derived = tag_manifest(&release.files, &sha512(statement));
    let same = tree::read(package, TAG_MANIFEST, TEXT_LIMIT).is_ok_and(|bytes| bytes == derived.as_bytes());
    found.wrong_if(!same, "not_as_it_follows", TAG_MANIFEST);
    let blocks = check_payload(package, release, found);
    // What follows from the statement must be in the form that follows.
    let equals = |path: &str, expected: &str| tags.get(path).is_some_and(|bytes| bytes == expected.as_bytes());
    found.wrong_if(!equals(BAGIT.0, BAGIT.1), "not_as_it_follows", BAGIT.0);
    found.wrong_if(!equals(MANIFEST, &manifest(&release.payload)), "not_as_it_follows", MANIFEST);
    let organisation =
        tags.get("bag-info.txt").and_then(|b| std::str::from_utf8(b).ok()?.lines().next()?.strip_prefix("Source-Organization: "));
    let info = organisation.map(|o| bag_info(&release.release_id, o, release.prepared, &release.payload));
    found.wrong_if(!info.is_some_and(|info| equals("bag-info.txt", &info)), "not_as_it_follows", "bag-info.txt");
    let listed_blocks = tags.get(BLOCKS).and_then(|b| serde_json::from_slice::<Value>(b).ok());
    let listed_blocks = listed_blocks.as_ref().and_then(|v| v["files"].as_object());
    let same = listed_blocks.is_some_and(|files| {
        files.len() == blocks.len()
            && blocks.iter().all(|(path, digests)| files.get(*path) == Some(&Value::from(digests.clone())))
    });
    found.wrong_if(!same && blocks.len() == release.payload.len(), "not_as_it_follows", BLOCKS);
    let report = tags.get(REPORT).map(|b| sha256(b));
    found.wrong_if(report.as_deref() != Some(&release.report_sha256), "another_report", REPORT);
}

/// Checks and returns the files that are not payload.
fn check_tags<'r>(package: &Path, release: &'r Release, found: &mut Verification) -> BTreeMap<&'r str, Vec<u8>> {
    let mut tags = BTreeMap::new();
    for (path, entry) in &release.files {
        if !is_package_path(path) {
            continue;
        }
        match tree::read(package, path, entry.bytes.min(TEXT_LIMIT)) {
            Ok(bytes) if bytes.len() as u64 == entry.bytes && sha512(&bytes) == entry.sha512 => {
                drop(tags.insert(path.as_str(), bytes))
            }
            Ok(_) => found.wrong("changed", path.clone()),
            Err(code) => found.wrong(code, path.clone()),
        }
    }
    found.checked.push(format!("digests of {} texts", release.files.len()));
    tags
}

/// Checks digests and form of the payload; returns the digests of its blocks.
fn check_payload<'r>(package: &Path, release: &'r Release, found: &mut Verification) -> Vec<(&'r str, Vec<String>)> {
    let mut blocks = Vec::new();
    for entry in release.payload.iter().filter(|p| is_payload_path(&p.path)) {
        let checked = tree::open(package, &entry.path).and_then(|mut file| {
            let digests = tree::digest(&mut file, entry.bytes, &mut std::io::sink())?;
            if digests.sha512 != entry.sha512 {
                return Err("changed");
            }
            file.rewind().map_err(|_| "unreadable")?;
            check_layout(&mut file, entry.bytes).map_err(|_| "not_plain_netcdf")?;
            Ok(digests.blocks)
        });
        match checked {
            Ok(digests) => blocks.push((entry.path.as_str(), digests)),
            Err(code) => found.wrong(code, entry.path.clone()),
        }
    }
    found.checked.push(format!("digests, blocks and form of {} payload files", release.payload.len()));
    blocks
}

fn check_approvals(package: &Path, release: &Release, sender: &Sender, found: &mut Verification) {
    let read = |path: &str| tree::read(package, path, TEXT_LIMIT).unwrap_or_default();
    let approvals: Vec<SignedApproval> = release
        .files
        .keys()
        .filter(|path| path.starts_with("meta/approval-") && path.ends_with(".json") && is_package_path(path))
        .map(|path| SignedApproval { statement: read(path), signature: read(&format!("{path}.minisig")) })
        .collect();
    found.checked.push(format!("{} approvals at the time of sealing", approvals.len()));
    found.wrong_if(last(&approvals) != Some(release.sealed), "sealed_at_another_time", "approvals");
    for code in problems(&approvals, &release.release_id, &release.report_sha256, release.sealed, &sender.approvals) {
        found.wrong(code, "approvals");
    }
}
