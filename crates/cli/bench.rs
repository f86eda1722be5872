//! `knarr bench`: how right it is.

mod accuracy;

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::{Args, Subcommand};

/// Measure how right Knarr is.
#[derive(Args)]
pub struct Bench {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// Score every method on pairs of grids by published fields and metrics, beside CDO where it is installed.
    Accuracy(accuracy::Accuracy),
}

impl Bench {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        match self.suite {
            Suite::Accuracy(suite) => suite.run(talk, json),
        }
    }
}
