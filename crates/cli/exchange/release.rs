//! What `gate` and `pack` have in common: the files a judgement needs, and how its result is shown.

use crate::failure::Failure;
use crate::talk;
use clap::Args;
use knarr::exchange::ExchangeError;
use knarr::exchange::gate::{Report, Request, RuleResult, Verdict};
use knarr::exchange::instant::Instant;
use knarr::exchange::keys::PublicKey;
use knarr::exchange::policy::{Loaded, Policy, Statement};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        let hint = error.hint();
        let failure = Self::new(error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The files of a release.
#[derive(Args)]
pub struct ReleaseFiles {
    /// File to release from
    input: PathBuf,
    /// Policy that says what may leave; its signature is POLICY.minisig
    #[arg(long)]
    policy: PathBuf,
    /// Public key that may sign policies; may be given several times
    #[arg(long = "policy-key", value_name = "KEY.pub", required = true)]
    policy_keys: Vec<PathBuf>,
    /// Statement of the data's owner on this release
    #[arg(long)]
    statement: PathBuf,
    /// Text of the licence
    #[arg(long, value_name = "TEXT")]
    licence: PathBuf,
    /// Say for every rule what was looked at
    #[arg(long)]
    pub explain: bool,
    /// Write the report to REPORT
    #[arg(long, value_name = "REPORT")]
    report: Option<PathBuf>,
}

impl ReleaseFiles {
    /// Reads the files and judges by `then`; `folder` is where the second clock is read.
    pub fn with_request<T>(
        &self,
        folder: &Path,
        then: impl FnOnce(Request<'_>) -> Result<T, ExchangeError>,
    ) -> Result<T, Failure> {
        let policy = Loaded::<Policy>::from_file(&self.policy)?;
        let statement = Loaded::<Statement>::from_file(&self.statement)?;
        let mut signature = self.policy.clone().into_os_string();
        signature.push(".minisig");
        let signature = PathBuf::from(signature);
        let policy_signature = read(&signature).map_err(|failure| {
            failure.hint(format!("let the policy's owner sign it: `knarr exchange sign {} --key KEY`", self.policy.display()))
        })?;
        let policy_keys = self.policy_keys.iter().map(|path| PublicKey::from_file(path)).collect::<Result<Vec<_>, _>>()?;
        let licence_text = read(&self.licence)?;
        let clocks = [Instant::now(), Instant::of_file_system(folder)?];
        Ok(then(Request {
            policy: &policy,
            policy_signature: &policy_signature,
            policy_keys: &policy_keys,
            statement: &statement,
            licence_text: &licence_text,
            input: &self.input,
            clocks,
        })?)
    }

    /// Writes the report where asked, and shows it.
    pub fn tell(&self, report: &Report, sealing: &[RuleResult], json: bool) -> Result<(), Failure> {
        if let Some(path) = &self.report {
            write_new(path, &report.to_bytes())?;
        }
        if json {
            return talk::print_json(&json!({"report": report, "sealing": sealing, "report_sha256": report.sha256()}));
        }
        let mut whole = report.clone();
        whole.rules.extend(sealing.iter().cloned());
        let denied = whole.rules.iter().filter(|r| r.verdict != Verdict::Pass).count();
        let summary = match denied {
            0 => format!("all {} rules pass, report {}\n", whole.rules.len(), report.sha256()),
            n => format!("denied by {n} of {} rules\n", whole.rules.len()),
        };
        talk::print(&(whole.to_text(self.explain) + &summary))
    }
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| ExchangeError::file(path, "read")(e).into())
}

/// Writes a file that is not there yet.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        return Err(ExchangeError::Exists { path: path.to_owned() }.into());
    }
    let written = std::fs::File::create_new(path).and_then(|mut f| f.write_all(bytes).and_then(|()| f.sync_all()));
    written.map_err(|e| ExchangeError::file(path, "write")(e).into())
}
