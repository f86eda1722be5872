//! `knarr exchange verify`: whether a package is what its sender sealed.

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::{self, Talk};
use clap::Args;
use knarr::exchange::audit::AuditLog;
use knarr::exchange::instant::Instant;
use knarr::exchange::package::{Pins, Verification, verify};
use knarr::exchange::policy::Loaded;
use std::path::PathBuf;

/// Prove offline that a package is what its sender sealed for this receiver.
///
/// PINS names this receiver and the keys of its senders; nothing in the package is trusted before its signature holds.
/// Exit code 1 if anything is wrong.
#[derive(Args)]
#[command(after_help = "Example:\n  knarr exchange verify releases/gdps-20261120 --pins pins.toml --log received.log")]
pub struct Verify {
    /// Folder of the package
    package: PathBuf,
    /// What this receiver knows of its senders
    #[arg(long)]
    pins: PathBuf,
    /// Audit log of this receiver, to know what came before
    #[arg(long)]
    log: Option<PathBuf>,
}

impl Verify {
    /// Runs the verb.
    pub fn run(self, _talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let pins = Loaded::<Pins>::from_file(&self.pins)?.value;
        let log = self.log.as_deref().map(AuditLog::at);
        let found = verify(&self.package, &pins, log.as_ref(), Instant::now())?;
        tell(&found, json)
    }
}

/// Shows what was found.
pub fn tell(found: &Verification, json: bool) -> Result<Outcome, Failure> {
    if json {
        talk::print_json(found)?;
    } else {
        let mut text = String::new();
        for what in &found.checked {
            text += &format!("checked {what}\n");
        }
        for problem in &found.problems {
            text += &format!("WRONG   {} in {}\n", problem.code, problem.place);
        }
        text += match &found.release {
            Some(release) if found.is_good() => {
                format!("good: release {} from {}, {} files\n", release.release_id, release.sender, release.payload.len())
            }
            _ => "not good: do not use this package\n".to_owned(),
        }
        .as_str();
        talk::print(&text)?;
    }
    Ok(if found.is_good() { Outcome::Fine } else { Outcome::CheckFailed })
}
