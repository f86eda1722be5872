//! `knarr exchange gate`: what the rules say, before anyone approves.

use super::release::ReleaseFiles;
use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::Args;
use knarr::exchange::{Catalogue, gate::judge};

/// Judge a file by the rules of a policy; nothing leaves.
///
/// Denies by default: what is not listed, not understood or not readable does not pass. The report names rules, codes
/// and places, never what was found. Exit code 1 if denied.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  knarr exchange gate tas.nc --policy policy.toml --policy-key owner.pub --statement release.toml --licence LICENCE.txt --explain\n  knarr exchange gate tas.nc ... --report report.json"
)]
pub struct Gate {
    #[command(flatten)]
    files: ReleaseFiles,
}

impl Gate {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let catalogue = Catalogue::load().map_err(|e| Failure::new(e.to_string()))?;
        let judged = self.files.with_request(&std::env::temp_dir(), |request| judge(&request, &catalogue))?;
        self.files.tell(&judged.report, &[], json)?;
        if judged.report.is_pass() {
            talk.note("next: two people approve the report (`knarr exchange approve`), then `knarr exchange pack`");
            Ok(Outcome::Fine)
        } else {
            Ok(Outcome::CheckFailed)
        }
    }
}
