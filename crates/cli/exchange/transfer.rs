//! `knarr exchange push` and `pull`: a release to another place and back.

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::{self, Talk};
use clap::Args;
use knarr::exchange::transfer::{Moved, Place, Progress, TransferError, pull, push};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// What both directions say about places.
const PLACES: &str = "PLACE is a folder, s3://BUCKET/PREFIX (settings: AWS_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY),\nor http(s)://HOST/PATH. An interrupted transfer goes on where it stopped when the command is given again.";

/// Put a release at another place, by blocks; it is complete there or not seen at all.
#[derive(Args)]
#[command(after_help = PLACES)]
pub struct Push {
    /// Folder of the release
    release: PathBuf,
    /// PLACE to put it
    place: String,
}

/// Fetch a release from another place, by blocks; it appears when all of it is there.
#[derive(Args)]
#[command(after_help = PLACES)]
pub struct Pull {
    /// PLACE to fetch it from
    place: String,
    /// Name of the release
    name: String,
    /// Put it in DIR
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
}

impl Push {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let place = Place::parse(&self.place).map_err(failure)?;
        let release = self.release.canonicalize().map_err(|e| Failure::new(format!("{}: {e}", self.release.display())))?;
        let moved = with_bar(talk, "pushing", |on_block| push(&release, &place, None, on_block))?;
        told(&moved, &format!("{} is at {place}", self.release.display()), talk, json)
    }
}

impl Pull {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let place = Place::parse(&self.place).map_err(failure)?;
        let moved = with_bar(talk, "pulling", |on_block| pull(&place, &self.name, &self.output, on_block))?;
        let path = self.output.join(&self.name);
        told(
            &moved,
            &format!("{} is there; `knarr exchange verify {}` tells whom it is from", path.display(), path.display()),
            talk,
            json,
        )
    }
}

fn with_bar(
    talk: Talk,
    what: &str,
    work: impl FnOnce(&mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Result<Moved, TransferError>,
) -> Result<Moved, Failure> {
    let bar = talk.progress(what);
    let moved = work(&mut |progress| {
        bar.set_length(progress.blocks_total as u64);
        bar.set_position(progress.blocks_done as u64);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    moved.map_err(failure)
}

fn told(moved: &Moved, where_it_is: &str, talk: Talk, json: bool) -> Result<Outcome, Failure> {
    if json {
        talk::print_json(moved)?;
    } else {
        let resumed = if moved.resumed > 0 { format!(", {} of them moved before", moved.resumed) } else { String::new() };
        talk::print(&format!("{} files, {} bytes, {} blocks{resumed}\n", moved.files, moved.bytes, moved.blocks))?;
    }
    talk.note(where_it_is);
    Ok(Outcome::Fine)
}

/// The failure of a transfer, and how to go on.
pub(super) fn failure(error: TransferError) -> Failure {
    let hint = match &error {
        TransferError::NoRelease { .. } => Some("ask the sender; a release without a listing is still under way"),
        TransferError::Store { .. } | TransferError::Hash { .. } | TransferError::Stopped { .. } => {
            Some("give the same command again; it goes on where it stopped")
        }
        TransferError::Exists { same: true, .. } => Some("nothing is left to do"),
        TransferError::Exists { same: false, .. } => Some("a release is never replaced; a correction has a name of its own"),
        TransferError::Place { .. } => {
            Some("make the folder first, or check the address; `knarr exchange push --help` lists the settings")
        }
        _ => None,
    };
    let failure = Failure::new(error.to_string());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
