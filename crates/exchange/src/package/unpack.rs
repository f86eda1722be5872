//! Out of a package into a folder of one's own, once it is verified; what is copied is verified again as it is copied.

use super::pack::{set_readable, sync, sync_folders, write};
use super::pins::Pins;
use super::release::{RELEASE, SIGNATURE};
use super::verify::{Verification, verify};
use super::{bag, tree};
use crate::ExchangeError;
use crate::audit::{AuditLog, Event, EventKind};
use crate::canonical::sha512;
use crate::instant::Instant;
use std::path::Path;

/// Verifies `package` and copies it to `destination`, which must not exist.
///
/// The copy is made from the bytes that are hashed on the way, so that a package that changes meanwhile is refused. A
/// release that was unpacked before is refused unless `again`.
///
/// Returns what verification found; the package was unpacked if it [is good](Verification::is_good).
///
/// # Errors
/// [`ExchangeError::Exists`], [`ExchangeError::File`], [`ExchangeError::Log`].
pub fn unpack(
    package: &Path,
    destination: &Path,
    pins: &Pins,
    log: &AuditLog,
    now: Instant,
    again: bool,
) -> Result<Verification, ExchangeError> {
    if destination.symlink_metadata().is_ok() {
        return Err(ExchangeError::Exists { path: destination.to_owned() });
    }
    let mut found = verify(package, pins, Some(log), now)?;
    if found.is_good() && found.is_known && !again {
        found.problems.push(super::Problem { code: "received_before", place: RELEASE.to_owned() });
    }
    let Some(release) = found.release.clone().filter(|_| found.is_good()) else {
        log.append(now, event(&found, EventKind::Refused))?;
        return Ok(found);
    };
    let folder = destination.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let part = tempfile::Builder::new().prefix(".knarr-").tempdir_in(folder).map_err(ExchangeError::file(folder, "write"))?;
    let payload = release.payload.iter().map(|p| (&p.path, &p.sha512, p.bytes));
    let tags = release.files.iter().map(|(path, f)| (path, &f.sha512, f.bytes));
    for (path, expected, bytes) in payload.chain(tags) {
        if let Err(code) = copy(package, part.path(), path, expected, bytes) {
            found.problems.push(super::Problem { code, place: path.clone() });
            log.append(now, event(&found, EventKind::Refused))?;
            return Ok(found);
        }
    }
    write(part.path(), RELEASE, &found.statement)?;
    write(part.path(), SIGNATURE, &found.signature)?;
    let tag_manifest = bag::tag_manifest(&release.files, &sha512(&found.statement));
    write(part.path(), super::release::TAG_MANIFEST, tag_manifest.as_bytes())?;
    sync_folders(part.path(), release.payload.iter().map(|p| &p.path).chain(release.files.keys()))?;
    // Two that unpack the same at the same time meet at the log's lock.
    let taken =
        |e: &crate::audit::Entry| !again && e.what.event == EventKind::Unpacked && e.what.release_id == release.release_id;
    if log.append_unless(now, event(&found, EventKind::Unpacked), taken)?.is_none() {
        found.problems.push(super::Problem { code: "received_before", place: RELEASE.to_owned() });
        return Ok(found);
    }
    let part = part.keep();
    set_readable(&part)?;
    std::fs::rename(&part, destination).map_err(|e| {
        let _ = std::fs::remove_dir_all(&part);
        ExchangeError::file(destination, "write")(e)
    })?;
    sync(folder)?;
    Ok(found)
}

fn copy(package: &Path, part: &Path, path: &str, expected: &str, bytes: u64) -> Result<(), &'static str> {
    let mut from = tree::open(package, path)?;
    let to = part.join(path);
    std::fs::create_dir_all(to.parent().unwrap_or(part)).map_err(|_| "copy_failed")?;
    let mut to = std::fs::File::create_new(&to).map_err(|_| "copy_failed")?;
    let digests = tree::digest(&mut from, bytes, &mut to)?;
    to.sync_all().map_err(|_| "copy_failed")?;
    if digests.sha512 == expected { Ok(()) } else { Err("changed") }
}

fn event(found: &Verification, event: EventKind) -> Event {
    let release = found.release.as_ref();
    let known = |f: fn(&super::Release) -> &String| release.map(f).cloned().unwrap_or_default();
    let problems = found.problems.iter().map(|p| p.code.to_owned());
    // Only what a good release says of others counts.
    let supersedes = release.filter(|_| found.is_good()).and_then(|r| r.supersedes.as_ref()).map(|id| format!("supersedes:{id}"));
    Event {
        event,
        release_id: release
            .map(|r| &r.release_id)
            .filter(|id| crate::gate::is_plain_name(id))
            .map_or("withheld".to_owned(), Clone::clone),
        policy_sha256: known(|r| &r.policy_sha256),
        release_sha256: found.release_sha256.clone(),
        report_sha256: known(|r| &r.report_sha256),
        key_id: found.key_id.clone(),
        codes: problems.chain(supersedes).collect(),
        bytes: release.map_or(0, |r| r.payload.iter().map(|p| p.bytes).sum()),
        files: release.map_or(0, |r| r.payload.len() as u64),
    }
}
