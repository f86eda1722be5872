//! From a request to a sealed package, or to a report that says why not.

use super::approval::{SignedApproval, last, problems};
use super::bag::{BAGIT, bag_info, is_package_path, is_payload_path, manifest, tag_manifest};
use super::metadata::{self, Subject};
use super::release::{BLOCKS, FileEntry, MANIFEST, PayloadEntry, RELEASE, REPORT, Release, SCHEMA, SIGNATURE, TAG_MANIFEST};
use crate::ExchangeError;
use crate::audit::{AuditLog, Event, EventKind};
use crate::canonical::{sha256, sha512, to_bytes};
use crate::catalogue::Catalogue;
use crate::gate::{Judgement, Payload, Report, Request, RuleResult, judge};
use crate::keys::SecretKey;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is needed to pack.
#[derive(Clone, Copy, Debug)]
pub struct PackRequest<'a> {
    /// What the gate is asked.
    pub gate: Request<'a>,
    /// Approvals of the gate's report.
    pub approvals: &'a [SignedApproval],
    /// The sender's key.
    pub key: &'a SecretKey,
    /// Folder in which the package's folder and its announcement are made.
    pub folder: &'a Path,
    /// The sender's log.
    pub log: &'a AuditLog,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The gate's report, R01 to R28.
    pub report: Report,
    /// R29 and R30; they depend on the moment and are not part of the report.
    pub sealing: Vec<RuleResult>,
    /// The package's folder, if it was released.
    pub package: Option<PathBuf>,
}

impl Packed {
    /// Whether every rule passed and there is a package.
    pub fn is_released(&self) -> bool {
        self.package.is_some()
    }
}

/// Judges, and seals if all rules pass. A denied release writes nothing but a line in the log.
///
/// # Errors
/// [`ExchangeError::Exists`] if there is a package of that name, [`ExchangeError::File`], [`ExchangeError::Log`].
pub fn pack(request: &PackRequest<'_>, catalogue: &Catalogue) -> Result<Packed, ExchangeError> {
    let Judgement { report, payload } = judge(&request.gate, catalogue)?;
    let (policy, statement) = (&request.gate.policy.value, &request.gate.statement.value);
    // The earlier of the clocks ends no embargo, the later one extends no approval.
    let now = request.gate.clocks[0].max(request.gate.clocks[1]);

    let mut approval = RuleResult::new("R29", "approval");
    approval.saw(format!("{} approvals of the report {}", request.approvals.len(), &report.sha256()[..16]));
    for code in problems(request.approvals, &statement.release_id, &report.sha256(), now, &policy.approvals) {
        approval.deny(code, "approvals", 1);
    }
    let mut seal = RuleResult::new("R30", "seal");
    seal.saw("the audit log and the place of the package");
    seal.deny_if(!report.is_pass() || !approval.findings.is_empty(), "not_released", "the release");
    let sealing = |approval, seal| vec![approval, seal];
    if !seal.findings.is_empty() {
        request.log.append(now, denied(&report, [&approval]))?;
        return Ok(Packed { report, sealing: sealing(approval, seal), package: None });
    }

    let destination = request.folder.join(&statement.release_id);
    let announcement = request.folder.join(format!("{}.wnm.json", statement.release_id));
    for path in [&destination, &announcement] {
        if path.symlink_metadata().is_ok() {
            return Err(ExchangeError::Exists { path: path.clone() });
        }
    }
    let sealed = Sealed::new(request, &report, &payload)?;
    let part = tempfile::Builder::new()
        .prefix(".knarr-")
        .tempdir_in(request.folder)
        .map_err(ExchangeError::file(request.folder, "write"))?;
    for (path, bytes) in &sealed.files {
        write(part.path(), path, bytes)?;
    }
    sync_folders(part.path(), sealed.files.keys())?;
    // Rule R30: the line is durable before the package has a name that anyone could send.
    let event = Event {
        event: EventKind::Sealed,
        release_id: statement.release_id.clone(),
        policy_sha256: report.policy_sha256.clone(),
        release_sha256: sha256(&sealed.files[RELEASE]),
        report_sha256: report.sha256(),
        key_id: request.key.public().id(),
        codes: statement.supersedes.iter().map(|id| format!("supersedes:{id}")).collect(),
        bytes: payload.iter().map(|p| p.bytes.len() as u64).sum(),
        files: payload.len() as u64,
    };
    request.log.append(now, event)?;
    let part = part.keep();
    set_readable(&part)?;
    std::fs::rename(&part, &destination).map_err(|e| {
        let _ = std::fs::remove_dir_all(&part);
        ExchangeError::file(&destination, "write")(e)
    })?;
    sync(request.folder)?;
    let file = knarr_io::atomic::AtomicFile::create(&announcement, false)?;
    std::fs::write(file.path(), &sealed.announcement).map_err(ExchangeError::file(&announcement, "write"))?;
    file.commit()?;
    Ok(Packed { report, sealing: sealing(approval, seal), package: Some(destination) })
}

fn denied<'r>(report: &'r Report, more: impl IntoIterator<Item = &'r RuleResult>) -> Event {
    let rules = report.rules.iter().chain(more);
    let codes = rules.flat_map(|r| r.findings.iter().map(|f| format!("{}:{}", r.rule, f.code)));
    let mut codes: Vec<String> = codes.collect();
    codes.sort();
    codes.dedup();
    Event {
        event: EventKind::Denied,
        release_id: report.release_id.clone(),
        policy_sha256: report.policy_sha256.clone(),
        release_sha256: String::new(),
        report_sha256: report.sha256(),
        key_id: String::new(),
        codes,
        bytes: 0,
        files: 0,
    }
}

/// All files of a package, and its announcement.
struct Sealed {
    files: BTreeMap<String, Vec<u8>>,
    announcement: Vec<u8>,
}

impl Sealed {
    fn new(request: &PackRequest<'_>, report: &Report, payload: &[Payload]) -> Result<Self, ExchangeError> {
        let (policy, statement) = (&request.gate.policy.value, &request.gate.statement.value);
        let licence = policy.licence(&statement.origin.licence).expect("rule R05 passed");
        let mut entries: Vec<PayloadEntry> = payload
            .iter()
            .map(|p| PayloadEntry {
                path: p.path.clone(),
                field: p.field.clone(),
                grid: p.grid.clone(),
                sha512: sha512(&p.bytes),
                bytes: p.bytes.len() as u64,
            })
            .collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let subject = Subject { policy, statement, licence, report, payload, entries: &entries };

        let mut tags: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut tag = |path: &str, bytes: Vec<u8>| drop(tags.insert(path.to_owned(), bytes));
        tag(BAGIT.0, BAGIT.1.into());
        tag("bag-info.txt", bag_info(&statement.release_id, &policy.producer.organisation, statement.prepared, &entries).into());
        tag(MANIFEST, manifest(&entries).into());
        tag(REPORT, report.to_bytes());
        tag(BLOCKS, metadata::text(&blocks(payload)));
        tag("meta/stac-item.json", metadata::text(&metadata::stac_item(&subject)));
        tag("meta/wcmp2.json", metadata::text(&metadata::wcmp2(&subject)));
        tag("meta/prov.json", metadata::text(&metadata::prov(&subject)));
        tag("meta/policy.odrl.json", metadata::text(&metadata::odrl(&subject)));
        tag("meta/ATTRIBUTION.txt", attribution(&subject).into());
        tag(&format!("meta/LICENCE-{}.txt", licence.id), request.gate.licence_text.to_vec());
        let mut approvals: Vec<&SignedApproval> = request.approvals.iter().collect();
        approvals.sort_by(|a, b| a.statement.cmp(&b.statement));
        for (number, approval) in approvals.into_iter().enumerate() {
            tag(&format!("meta/approval-{}.json", number + 1), approval.statement.clone());
            tag(&format!("meta/approval-{}.json.minisig", number + 1), approval.signature.clone());
        }
        let release = Release {
            schema: SCHEMA.to_owned(),
            release_id: statement.release_id.clone(),
            supersedes: statement.supersedes.clone(),
            prepared: statement.prepared,
            sealed: last(request.approvals).expect("rule R29 passed"),
            valid_until: statement.prepared.plus_hours(policy.release_valid_hours),
            sender: statement.sender.clone(),
            receiver: statement.receiver.clone(),
            purpose: statement.purpose.clone(),
            classification_gc: statement.classification_gc.clone(),
            classification_eu: statement.classification_eu.clone(),
            licence: licence.id.clone(),
            policy_id: policy.id.clone(),
            policy_version: policy.version,
            policy_sha256: report.policy_sha256.clone(),
            report_sha256: report.sha256(),
            payload: entries.clone(),
            files: tags.iter().map(|(path, b)| (path.clone(), FileEntry { sha512: sha512(b), bytes: b.len() as u64 })).collect(),
        };
        let release_bytes = to_bytes(&release, "a release")?;
        let signature = request.key.sign(&release_bytes, &format!("release {} for {}", statement.release_id, statement.receiver));
        let announcement = metadata::text(&metadata::wnm(&subject, &release_bytes));
        let mut files = tags;
        files.insert(TAG_MANIFEST.to_owned(), tag_manifest(&release.files, &sha512(&release_bytes)).into());
        files.insert(SIGNATURE.to_owned(), signature.into());
        files.insert(RELEASE.to_owned(), release_bytes);
        for p in payload {
            debug_assert!(is_payload_path(&p.path), "the gate checks names");
            files.insert(p.path.clone(), p.bytes.clone());
        }
        debug_assert!(files.keys().all(|path| is_package_path(path)));
        Ok(Self { files, announcement })
    }
}

fn blocks(payload: &[Payload]) -> Value {
    let files: serde_json::Map<String, Value> = payload
        .iter()
        .map(|p| (p.path.clone(), p.bytes.chunks(super::BLOCK_BYTES).map(sha256).collect::<Vec<_>>().into()))
        .collect();
    json!({"block_bytes": super::BLOCK_BYTES, "method": "sha256", "files": files})
}

fn attribution(subject: &Subject<'_>) -> String {
    let origin = &subject.statement.origin;
    let note = if origin.modified { "\nThe data were modified by the sender." } else { "" };
    format!(
        "{}{note}\n\nLicence: {} ({})\nSource: {}, run of {}\n",
        subject.licence.attribution, subject.licence.id, subject.licence.url, origin.product, origin.run
    )
}

/// Writes a file that is not there yet, with the folders above it, and makes it durable.
pub(super) fn write(root: &Path, path: &str, bytes: &[u8]) -> Result<(), ExchangeError> {
    use std::io::Write;
    let full = root.join(path);
    let folder = full.parent().unwrap_or(root);
    std::fs::create_dir_all(folder).map_err(ExchangeError::file(folder, "write"))?;
    let mut file = std::fs::File::create_new(&full).map_err(ExchangeError::file(&full, "write"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(ExchangeError::file(&full, "write"))
}

/// Makes the names of files durable.
pub(super) fn sync_folders<'p>(root: &Path, paths: impl Iterator<Item = &'p String>) -> Result<(), ExchangeError> {
    let mut folders: Vec<PathBuf> =
        paths.flat_map(|p| Path::new(p).ancestors().skip(1).map(|f| root.join(f)).collect::<Vec<_>>()).collect();
    folders.sort();
    folders.dedup();
    folders.iter().rev().try_for_each(|folder| sync(folder))
}

pub(super) fn sync(folder: &Path) -> Result<(), ExchangeError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(ExchangeError::file(folder, "sync"))
}

/// Temporary folders are for their owner alone; a package is for all who may read the folder it is in.
pub(super) fn set_readable(folder: &Path) -> Result<(), ExchangeError> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).map_err(ExchangeError::file(folder, "write"))
}
