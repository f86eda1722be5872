//! `knarr exchange approve`: one's signature under a gate's report.

use super::release::{read, write_new};
use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::{Args, ValueEnum};
use knarr::exchange::canonical::from_bytes;
use knarr::exchange::instant::Instant;
use knarr::exchange::keys::SecretKey;
use knarr::exchange::package::{Role, approve};
use std::path::PathBuf;

/// Approve a gate's report with one's key.
///
/// A release needs an approval by a data owner and one by a release officer, with different keys that the policy
/// lists. It is for this report alone: another input, policy or statement needs new approvals.
#[derive(Args)]
#[command(after_help = "Example:\n  knarr exchange approve report.json --role data-owner --key me.key --hours 24 -o owner.json")]
pub struct Approve {
    /// Report of `knarr exchange gate --report`
    report: PathBuf,
    /// In which role
    #[arg(long, value_enum)]
    role: RoleName,
    /// Secret key
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// Let the approval end after HOURS (default: 72)
    #[arg(long, default_value_t = 72, value_name = "HOURS", hide_default_value = true)]
    hours: u32,
    /// Write the approval to OUTPUT and its signature to OUTPUT.minisig
    #[arg(short, long)]
    output: PathBuf,
}

/// The two roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleName {
    /// Answers for the data
    DataOwner,
    /// Answers for the release
    ReleaseOfficer,
}

impl Approve {
    /// Runs the verb. A report of a denial cannot be approved.
    pub fn run(self, talk: Talk) -> Result<Outcome, Failure> {
        let report = read(&self.report)?;
        let value = from_bytes(&report)
            .filter(|v| v["schema"] == "knarr-gate-report-1")
            .ok_or_else(|| Failure::new(format!("{}: not a report of the gate", self.report.display())))?;
        if value["verdict"] != "pass" {
            return Err(Failure::new(format!("{}: the gate denied this release", self.report.display()))
                .hint("change the input or the statement, and judge again"));
        }
        let id = value["release_id"].as_str().unwrap_or_default();
        let role = match self.role {
            RoleName::DataOwner => Role::DataOwner,
            RoleName::ReleaseOfficer => Role::ReleaseOfficer,
        };
        let key = SecretKey::from_file(&self.key)?;
        let signed = approve(&report, id, role, Instant::now(), self.hours, &key)?;
        write_new(&self.output, &signed.statement)?;
        let mut signature = self.output.into_os_string();
        signature.push(".minisig");
        write_new(&PathBuf::from(signature), &signed.signature)?;
        talk.note(&format!("release {id} approved as {} by key {}", role.word(), key.public().id()));
        Ok(Outcome::Fine)
    }
}
