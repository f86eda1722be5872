//! `knarr exchange`: between data centres. One file per verb in `exchange/`.

mod catalogue;
mod transfer;
mod translate;
mod watch;

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::{Args, Subcommand};

/// Exchange fields between ECCC and Destination Earth.
#[derive(Args)]
pub struct Exchange {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Tell what both sides call a field, in which units, and who may have it.
    Catalogue(catalogue::CatalogueVerb),
    /// Translate a file from one side's names, units, signs and totals to the other's, and to its grid.
    Translate(translate::Translate),
    /// Put a release at another place.
    Push(transfer::Push),
    /// Fetch a release from another place.
    Pull(transfer::Pull),
    /// Fetch what is announced and subscribed to.
    Watch(watch::Watch),
}

impl Exchange {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        match self.verb {
            Verb::Catalogue(verb) => verb.run(talk, json),
            Verb::Translate(verb) => verb.run(talk, json),
            Verb::Push(verb) => verb.run(talk, json),
            Verb::Pull(verb) => verb.run(talk, json),
            Verb::Watch(verb) => verb.run(talk, json),
        }
    }
}
