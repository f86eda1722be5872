//! `knarr`: the command line of the toolkit. One file per verb; see `knarr VERB --help`.

mod automatic;
mod bench;
mod compare;
mod couple;
mod demo;
mod device;
mod exchange;
mod failure;
mod gpu;
mod grid;
mod inspect;
#[cfg(unix)]
mod interrupt;
mod later;
mod levels;
mod memory;
mod options;
mod plot;
mod regions;
mod regrid;
mod regrid_notes;
mod regrid_report;
mod resample;
mod slab;
mod talk;
mod weights;

use clap::{Parser, Subcommand};
use failure::Failure;
use later::Later;
use std::num::NonZero;
use std::process::ExitCode;
use talk::Talk;

/// Regrid Earth-system fields, and see that it is right.
///
/// GRID is a file (FILE.nc, FILE.nc:VARIABLE) or a name such as r360x180, H128n, O320 or eccc-hrdps-0.0225;
/// `knarr grid --list` shows them all. Exit codes: 0 fine, 1 a check failed, 2 could not run.
#[derive(Parser)]
#[command(name = "knarr", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: options::Common,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the main jobs on the data that come with Knarr: files, maps and a report.
    Demo(Later<demo::Demo>),
    /// Tell what is in a file: variables, grids and how they were recognised, times, missing values, oddities.
    Inspect(Later<inspect::Inspect>),
    /// Describe a grid, or write it as a grid file.
    Grid(Later<grid::GridVerb>),
    /// Regrid the variables of a file onto another grid.
    Regrid(Later<regrid::Regrid>),
    /// Make interpolation weights, or judge a weights file.
    Weights(Later<weights::WeightsVerb>),
    /// Put variables on other levels of pressure, height or depth.
    Levels(Later<levels::Levels>),
    /// Bring variables to other times: periods made of steps, or instants between them.
    Resample(Later<resample::Resample>),
    /// Sum up fields in polygons: a table per region, time and level.
    Regions(Later<regions::Regions>),
    /// Compare two files: error norms and integrals, variable by variable.
    Compare(Later<compare::Compare>),
    /// Draw a map.
    Plot(Later<plot::Plot>),
    /// Measure how right Knarr is.
    Bench(Later<bench::Bench>),
    /// Couple components of an Earth-system run.
    Couple(Later<couple::Couple>),
    /// Exchange fields between ECCC and Destination Earth.
    Exchange(Later<exchange::Exchange>),
    /// Tell which graphics processors there are.
    Gpu(Later<gpu::GpuVerb>),
}

impl Verb {
    /// Whether its own thread waits for nothing but parallel work. Others wait for threads that read and write files, or for
    /// components, and must leave the work of those to threads beside them.
    fn waits_in_parallel_work_alone(&self) -> bool {
        matches!(self, Self::Weights(_) | Self::Grid(_))
    }

    /// Its name, unless it computes on any device itself.
    fn without_device(&self) -> Option<&'static str> {
        Some(match self {
            Self::Regrid(_) | Self::Weights(_) | Self::Couple(_) | Self::Gpu(_) | Self::Bench(_) => return None,
            Self::Demo(_) => "demo",
            Self::Inspect(_) => "inspect",
            Self::Grid(_) => "grid",
            Self::Levels(_) => "levels",
            Self::Resample(_) => "resample",
            Self::Regions(_) => "regions",
            Self::Compare(_) => "compare",
            Self::Plot(_) => "plot",
            Self::Exchange(_) => "exchange",
        })
    }
}

/// What a verb that ran came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Fine,
    /// The tool ran, and what it checked is not right.
    CheckFailed,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    #[cfg(unix)]
    interrupt::watch();
    match run(arguments) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::CheckFailed) => ExitCode::from(1),
        Err(failure) => {
            failure.tell();
            ExitCode::from(2)
        }
    }
}

/// Starts `threads` threads, as many as there are processors if `None`, of which this one is one if it `takes_part`: work
/// then need not be handed to another thread and waited for.
fn start_threads(threads: Option<NonZero<usize>>, takes_part: bool) -> Result<(), Failure> {
    let mut pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, NonZero::get));
    if takes_part {
        pool = pool.use_current_thread();
    } else if threads.is_none() {
        // They start when they are needed.
        return Ok(());
    }
    let asked = threads.map_or("the".into(), |threads| threads.to_string());
    pool.build_global().map_err(|e| Failure::new(format!("cannot start {asked} threads: {e}")))
}

fn run(Arguments { verb, common }: Arguments) -> Result<Outcome, Failure> {
    if let Some(name) = verb.without_device() {
        device::refuse(common.device()?, name)?;
    }
    start_threads(common.threads, verb.waits_in_parallel_work_alone())?;
    let talk = Talk { level: if common.quiet { -1 } else { common.verbose as i8 } };
    match verb {
        Verb::Demo(Later(verb)) => verb.run(talk, common.json),
        Verb::Inspect(Later(verb)) => verb.run(common.json),
        Verb::Grid(Later(verb)) => verb.run(talk, common.json),
        Verb::Regrid(Later(verb)) => verb.run(common.device()?, talk, common.json),
        Verb::Weights(Later(verb)) => verb.run(common.device()?, talk, common.json),
        Verb::Levels(Later(verb)) => verb.run(talk, common.json),
        Verb::Resample(Later(verb)) => verb.run(talk, common.json),
        Verb::Regions(Later(verb)) => verb.run(talk, common.json),
        Verb::Compare(Later(verb)) => verb.run(common.json),
        Verb::Plot(Later(verb)) => verb.run(talk),
        Verb::Bench(Later(verb)) => verb.run(common.devices(), talk, common.json),
        Verb::Couple(Later(verb)) => verb.run(common.device()?, talk, common.json),
        Verb::Exchange(Later(verb)) => verb.run(talk, common.json),
        Verb::Gpu(Later(verb)) => verb.run(talk, common.json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn options_of_all_verbs_fit_together() {
        Arguments::command().debug_assert();
    }
}
