//! `knarr exchange pack`: judge, and seal what passes.

use super::release::{ReleaseFiles, read};
use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::Args;
use knarr::exchange::Catalogue;
use knarr::exchange::audit::AuditLog;
use knarr::exchange::keys::SecretKey;
use knarr::exchange::package::{PackRequest, SignedApproval, pack};
use std::path::PathBuf;

/// Judge a file, and seal what passes as a package.
///
/// A denied release writes nothing but its report and a line in the log. Exit code 0 if released, 1 if denied.
#[derive(Args)]
#[command(
    after_help = "Example:\n  knarr exchange pack tas.nc --policy policy.toml --policy-key owner.pub --statement release.toml --licence LICENCE.txt --approval owner.json --approval officer.json --key sender.key --log audit.log -o releases"
)]
pub struct Pack {
    #[command(flatten)]
    files: ReleaseFiles,
    /// Approval made by `knarr exchange approve`; its signature is APPROVAL.minisig
    #[arg(long = "approval", value_name = "APPROVAL")]
    approvals: Vec<PathBuf>,
    /// Secret key of the sender
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// Audit log
    #[arg(long)]
    log: PathBuf,
    /// Make the package and its announcement in FOLDER
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

impl Pack {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let catalogue = Catalogue::load().map_err(|e| Failure::new(e.to_string()))?;
        let key = SecretKey::from_file(&self.key)?;
        let log = AuditLog::at(&self.log);
        let mut approvals = Vec::new();
        for path in &self.approvals {
            let mut signature = path.clone().into_os_string();
            signature.push(".minisig");
            approvals.push(SignedApproval { statement: read(path)?, signature: read(&PathBuf::from(signature))? });
        }
        if !self.output.is_dir() {
            return Err(Failure::new(format!("{}: no such folder", self.output.display()))
                .hint(format!("make the folder first: `mkdir -p {}`", self.output.display())));
        }
        let packed = self.files.with_request(&self.output, |gate| {
            pack(&PackRequest { gate, approvals: &approvals, key: &key, folder: &self.output, log: &log }, &catalogue)
        })?;
        self.files.tell(&packed.report, &packed.sealing, json)?;
        match packed.package {
            Some(package) => {
                talk.note(&format!("released: {}", package.display()));
                Ok(Outcome::Fine)
            }
            None => Ok(Outcome::CheckFailed),
        }
    }
}
