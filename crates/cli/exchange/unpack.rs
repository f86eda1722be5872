//! `knarr exchange unpack`: verify and copy, in one step that nothing can come between.

use super::verify::tell;
use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::Args;
use knarr::exchange::audit::AuditLog;
use knarr::exchange::instant::Instant;
use knarr::exchange::package::{Pins, unpack};
use knarr::exchange::policy::Loaded;
use std::path::PathBuf;

/// Verify a package and copy it.
///
/// What is copied is verified again while it is copied. A release that was unpacked before is refused.
#[derive(Args)]
#[command(
    after_help = "Example:\n  knarr exchange unpack inbox/gdps-20261120 -o data/gdps-20261120 --pins pins.toml --log received.log"
)]
pub struct Unpack {
    /// Folder of the package
    package: PathBuf,
    /// Copy to FOLDER, which must not exist
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// What this receiver knows of its senders
    #[arg(long)]
    pins: PathBuf,
    /// Audit log of this receiver
    #[arg(long)]
    log: PathBuf,
    /// Take a release that was unpacked before
    #[arg(long)]
    again: bool,
}

impl Unpack {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let pins = Loaded::<Pins>::from_file(&self.pins)?.value;
        let log = AuditLog::at(&self.log);
        let found = unpack(&self.package, &self.output, &pins, &log, Instant::now(), self.again)?;
        let outcome = tell(&found, json)?;
        if outcome == Outcome::Fine {
            talk.note(&format!("unpacked: {}", self.output.display()));
        }
        Ok(outcome)
    }
}
