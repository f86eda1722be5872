//! `knarr exchange`: between data centres. One file per verb in `exchange/`.

mod approve;
mod audit;
mod catalogue;
mod demo;
mod gate;
mod keys;
mod pack;
mod release;
mod transfer;
mod translate;
mod unpack;
mod verify;
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
    /// Exchange two fields on the data that come with Knarr, and tamper with them.
    Demo(demo::Demo),
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
    /// Judge a file by the rules of a policy; nothing leaves.
    Gate(gate::Gate),
    /// Approve a gate's report with one's key.
    Approve(approve::Approve),
    /// Judge, and seal what passes as a package.
    Pack(pack::Pack),
    /// Prove offline that a package is what its sender sealed.
    Verify(verify::Verify),
    /// Verify a package and copy it.
    Unpack(unpack::Unpack),
    /// Walk an audit log.
    Audit(audit::Audit),
    /// Make a pair of keys.
    Keygen(keys::Keygen),
    /// Sign a file, a policy for example.
    Sign(keys::Sign),
}

impl Exchange {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        match self.verb {
            Verb::Demo(verb) => verb.run(talk),
            Verb::Catalogue(verb) => verb.run(talk, json),
            Verb::Translate(verb) => verb.run(talk, json),
            Verb::Push(verb) => verb.run(talk, json),
            Verb::Pull(verb) => verb.run(talk, json),
            Verb::Watch(verb) => verb.run(talk, json),
            Verb::Gate(verb) => verb.run(talk, json),
            Verb::Approve(verb) => verb.run(talk),
            Verb::Pack(verb) => verb.run(talk, json),
            Verb::Verify(verb) => verb.run(talk, json),
            Verb::Unpack(verb) => verb.run(talk, json),
            Verb::Audit(verb) => verb.run(json),
            Verb::Keygen(verb) => verb.run(talk),
            Verb::Sign(verb) => verb.run(talk),
        }
    }
}
