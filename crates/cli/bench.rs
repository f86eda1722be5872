//! `knarr bench`: how right and how fast it is.

mod accuracy;
mod speed;

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::{Args, Subcommand};
use knarr::bench::speed::Suite;
use knarr::io::atomic::AtomicFile;
use std::path::Path;

/// Measure how right and how fast Knarr is.
#[derive(Args)]
pub struct Bench {
    #[command(subcommand)]
    suite: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Score every method on pairs of grids by published fields and metrics, beside CDO where it is installed.
    Accuracy(accuracy::Accuracy),
    /// Time kernels on data in memory against the limits of the machine and other programs.
    Speed(speed::Timed),
    /// Time reading, regridding and writing of files.
    Io(speed::Timed),
    /// Time releases judged, packed and verified.
    Exchange(speed::Timed),
    /// Time all suites.
    All(speed::Timed),
    /// Show, compare and combine results of earlier runs.
    Report(speed::Report),
}

impl Bench {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        match self.suite {
            Command::Accuracy(suite) => suite.run(talk, json),
            Command::Speed(options) => options.run(&[Suite::Speed], talk, json),
            Command::Io(options) => options.run(&[Suite::Io], talk, json),
            Command::Exchange(options) => options.run(&[Suite::Exchange], talk, json),
            Command::All(options) => options.run(&Suite::ALL, talk, json),
            Command::Report(report) => report.run(talk, json),
        }
    }
}

fn write_whole(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let file = AtomicFile::create(path, force)?;
    std::fs::write(file.path(), text).map_err(|e| file.error(&e))?;
    Ok(file.commit()?)
}
