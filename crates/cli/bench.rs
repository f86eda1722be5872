//! `knarr bench`: how right and how fast it is.

mod accuracy;
mod calls;
mod speed;

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::{Args, Subcommand};
use knarr::bench::speed::Suite;
use knarr::io::atomic::AtomicFile;
use knarr::kernels::device::DeviceChoice;
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
    /// Time components coupled to one another: what the coupler costs.
    Coupling(speed::Timed),
    /// Time all suites, and score methods.
    All(speed::Timed),
    /// Run one case N times and nothing else, for profilers.
    Calls(calls::Calls),
    /// Show, compare and combine results of earlier runs.
    Report(speed::Report),
}

impl Bench {
    /// Runs the verb.
    pub fn run(self, devices: &[DeviceChoice], talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let timed = !matches!(self.suite, Command::Accuracy(_) | Command::Calls(_) | Command::Report(_));
        devices.iter().filter(|_| !timed).try_for_each(|&d| crate::device::refuse(Some(d), "bench accuracy"))?;
        match self.suite {
            Command::Accuracy(suite) => suite.run(talk, json),
            Command::Speed(options) => options.run(&[Suite::Speed], false, devices, talk, json),
            Command::Io(options) => options.run(&[Suite::Io], false, devices, talk, json),
            Command::Exchange(options) => options.run(&[Suite::Exchange], false, devices, talk, json),
            Command::Coupling(options) => options.run(&[Suite::Coupling], false, devices, talk, json),
            Command::All(options) => options.run(&Suite::ALL, true, devices, talk, json),
            Command::Calls(calls) => calls.run(talk),
            Command::Report(report) => report.run(talk, json),
        }
    }
}

fn write_whole(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let file = AtomicFile::create(path, force)?;
    std::fs::write(file.path(), text).map_err(|e| file.error(&e))?;
    Ok(file.commit()?)
}
