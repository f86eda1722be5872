//! `knarr exchange demo`: a release each way on the data that come with Knarr.

use super::transfer::failure as transfer_failure;
use super::translate::failure as translate_failure;
use crate::Outcome;
use crate::demo::find_data;
use crate::failure::Failure;
use crate::options;
use crate::talk::{self, Talk};
use clap::Args;
use knarr::exchange::Catalogue;
use knarr::exchange::audit::AuditLog;
use knarr::exchange::catalogue::Convention;
use knarr::exchange::gate::{Request as GateRequest, judge};
use knarr::exchange::instant::Instant;
use knarr::exchange::package::{PackRequest, Pins, Role, approve, pack, unpack, verify};
use knarr::exchange::policy::{Loaded, Policy, Statement};
use knarr::exchange::sample::{self, RELEASES, Release, key};
use knarr::exchange::transfer::{Place, pull, push};
use knarr::exchange::translate::{Request, VectorAxes, translate};
use knarr::io::NanPolicy;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Exchange two fields on the data that come with Knarr: translate, judge, pack, move, verify, unpack; then tamper.
///
/// A forecast of Canada's GDPS goes to Destination Earth on HEALPix cells, and a European field to ECCC on its polar
/// stereographic 5 km grid. Keys, policies and centres are made for the demo and worth nothing elsewhere.
#[derive(Args)]
pub struct Demo {
    /// Folder to write to; it must not exist
    #[arg(default_value = "knarr-exchange-demo")]
    dir: PathBuf,
    /// Folder with the data (default: `datasets` here, beside the program, or in the source tree)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Demo {
    /// Runs the verb.
    pub fn run(self, talk: Talk) -> Result<Outcome, Failure> {
        let data = find_data(self.data.as_deref())?;
        if self.dir.exists() {
            return Err(Failure::new(format!("{}: it exists", self.dir.display()))
                .hint("name another folder: `knarr exchange demo other`"));
        }
        let catalogue = Catalogue::load().map_err(|e| Failure::new(e.to_string()))?;
        let mut good = true;
        for release in &RELEASES {
            good &= one(release, &data, &self.dir.join(release.id), &catalogue, talk)?;
        }
        talk.note(&format!("packages, policies and logs are in {}", self.dir.display()));
        Ok(if good { Outcome::Fine } else { Outcome::CheckFailed })
    }
}

/// One release from file to file. False: something that must pass did not, or the other way round.
fn one(release: &Release, data: &Path, folder: &Path, catalogue: &Catalogue, talk: Talk) -> Result<bool, Failure> {
    let make = |name: &str| -> Result<PathBuf, Failure> {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).map_err(|e| Failure::new(format!("{}: {e}", path.display())))?;
        Ok(path)
    };
    let (sender, place, receiver) = (make("sender")?, make("place")?, make("receiver")?);
    talk::print(&format!("{}: {}\n", release.id, release.what))?;

    let canonical = sender.join("canonical.nc");
    let translated = translate(&Request {
        input: data.join(release.input),
        output: canonical.clone(),
        from: Convention::Cf,
        to: Convention::Cf,
        to_grid: Some(options::grid(release.grid)?),
        variables: Some(vec![release.variable.to_owned()]),
        fields: HashMap::from([(release.variable.to_owned(), release.field.to_owned())]),
        units: HashMap::new(),
        statistics: HashMap::new(),
        axes: VectorAxes::Auto,
        start: None,
        overwrite: false,
        nan: NanPolicy::Error,
        catalogue,
    })
    .map_err(translate_failure)?;
    let method = translated.regridded.first().map(|(_, m)| m.as_str()).unwrap_or_default();
    talk::print(&format!("  translated  {} is {}, on {} ({method})\n", release.variable, release.field, release.grid_id))?;

    let log = AuditLog::at(&sender.join("audit.log"));
    let packed = sealed(release, &canonical, &sender, &log, catalogue)?;
    let package = match packed {
        Ok(package) => package,
        Err(report) => {
            talk::print(&format!("  DENIED\n{report}"))?;
            return Ok(false);
        }
    };
    talk::print("  packed      judged by every rule, approved by two, signed\n")?;

    let at_place = Place::parse(&place.display().to_string()).map_err(transfer_failure)?;
    let mut go_on = |_: &_| ControlFlow::Continue(());
    push(&package, &at_place, None, &mut go_on).map_err(transfer_failure)?;
    let moved = pull(&at_place, release.id, &receiver, &mut go_on).map_err(transfer_failure)?;
    talk::print(&format!("  moved       {} files, {} bytes, by way of a folder\n", moved.files, moved.bytes))?;

    let pins: Pins = Loaded::<Pins>::from_bytes(sample::pins(release).into_bytes(), Path::new("pins.toml"))?.value;
    let received = receiver.join(release.id);
    let receiver_log = AuditLog::at(&receiver.join("audit.log"));
    let unpacked = unpack(&received, &receiver.join("unpacked"), &pins, &receiver_log, Instant::now(), false)?;
    for problem in &unpacked.problems {
        talk::print(&format!("  WRONG       {} in {}\n", problem.code, problem.place))?;
    }
    talk::print(&format!("  verified    {} checks; unpacked\n", unpacked.checked.len()))?;

    let payload =
        first_payload(&received.join("data")).ok_or_else(|| Failure::new(format!("{}: no payload in it", received.display())))?;
    flip(&payload)?;
    let tampered = verify(&received, &pins, None, Instant::now())?;
    let refused = !tampered.is_good();
    for problem in &tampered.problems {
        talk::print(&format!("  tampered    one bit of a data file changed: {} in {}\n", problem.code, problem.place))?;
    }
    flip(&payload)?;
    talk.more("the bit is put back");
    if !refused {
        talk::print("  tampered    NOT NOTICED\n")?;
    }
    Ok(unpacked.is_good() && refused)
}

/// Judges, lets two approve, and packs; the report if a rule denies.
fn sealed(
    release: &Release,
    input: &Path,
    sender: &Path,
    log: &AuditLog,
    catalogue: &Catalogue,
) -> Result<Result<PathBuf, String>, Failure> {
    let keep = |name: &str, text: String| -> Result<Vec<u8>, Failure> {
        std::fs::write(sender.join(name), &text).map_err(|e| Failure::new(format!("{name}: {e}")))?;
        Ok(text.into_bytes())
    };
    let now = Instant::now();
    let policy = Loaded::<Policy>::from_bytes(keep("policy.toml", sample::policy(release))?, Path::new("policy.toml"))?;
    let statement = keep("statement.toml", sample::statement(release, &now.to_string()))?;
    let statement = Loaded::<Statement>::from_bytes(statement, Path::new("statement.toml"))?;
    let policy_signature = key(1).sign(&policy.bytes, "policy of the demo");
    let policy_keys = [key(1).public()];
    let gate = || GateRequest {
        policy: &policy,
        policy_signature: policy_signature.as_bytes(),
        policy_keys: &policy_keys,
        statement: &statement,
        licence_text: release.licence_text.as_bytes(),
        input,
        clocks: [now, now],
    };
    let report = judge(&gate(), catalogue)?.report;
    let bytes = report.to_bytes();
    let approvals = [(Role::DataOwner, 3), (Role::ReleaseOfficer, 4)]
        .into_iter()
        .map(|(role, number)| approve(&bytes, release.id, role, now, 24, &key(number)))
        .collect::<Result<Vec<_>, _>>();
    let approvals = match approvals {
        Ok(approvals) => approvals,
        Err(_) => return Ok(Err(report.to_text(true))),
    };
    let packed = pack(&PackRequest { gate: gate(), approvals: &approvals, key: &key(2), folder: sender, log }, catalogue)?;
    Ok(packed.package.ok_or_else(|| {
        let mut whole = packed.report.clone();
        whole.rules.extend(packed.sealing.iter().cloned());
        whole.to_text(false)
    }))
}

fn first_payload(folder: &Path) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    entries.sort();
    entries.into_iter().find_map(|path| if path.is_dir() { first_payload(&path) } else { Some(path) })
}

/// Changes one bit in the middle of a file.
fn flip(path: &Path) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::new(format!("{}: {e}", path.display()));
    let mut bytes = std::fs::read(path).map_err(fail)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).map_err(fail)
}
