//! `knarr weights`: make weights, or judge a weights file.

use crate::Outcome;
use crate::failure::Failure;
use crate::options::{self, MethodName, MethodOptions, WeightsFormatName};
use crate::talk::{self, Talk, number};
use clap::{Args, Subcommand};
use knarr::io::{IoError, check_weights, write_weights};
use knarr::regrid::Weights;
use std::path::PathBuf;

/// Make interpolation weights from one grid to another, or judge a weights file.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  knarr weights ocean.nc:tos r360x180 -o map.nc --method conservative\n  knarr weights check map.nc"
)]
pub struct WeightsVerb {
    #[command(subcommand)]
    check: Option<Judge>,
    /// GRID to regrid from: a file (FILE.nc, FILE.nc:VARIABLE) or a name
    #[arg(required = true)]
    source: Option<String>,
    /// GRID to regrid to
    #[arg(required = true)]
    destination: Option<String>,
    /// Write the weights to FILE
    #[arg(short, long, required = true, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Method: auto is conservative where both grids have corners, else bilinear
    #[arg(long, value_enum, default_value_t = MethodName::Auto)]
    method: MethodName,
    #[command(flatten)]
    how: MethodOptions,
    /// Layout of FILE
    #[arg(long, value_enum, default_value_t = WeightsFormatName::Esmf)]
    format: WeightsFormatName,
    /// Overwrite FILE if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    force: bool,
}

#[derive(Subcommand)]
enum Judge {
    /// Judge a weights file of any program: sums, areas, conservation, range, duplicates; exit code 1 if it fails
    Check {
        /// Weights file in ESMF, SCRIP or TempestRemap layout
        file: PathBuf,
    },
}

#[derive(serde::Serialize)]
struct Made {
    method: String,
    source_cells: usize,
    destination_cells: usize,
    links: usize,
    unmapped: usize,
    smallest: f64,
    largest: f64,
}

impl WeightsVerb {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        match &self.check {
            Some(Judge::Check { file }) => judge(file, json),
            None => self.make(talk, json),
        }
    }

    fn make(&self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let needed = "clap asks for it where there is no subcommand";
        let source = options::grid(self.source.as_deref().expect(needed))?;
        let destination = options::grid(self.destination.as_deref().expect(needed))?;
        let output = self.output.as_deref().expect(needed);
        if output.exists() && !self.force {
            return Err(IoError::Exists { path: output.to_owned() }.into());
        }
        let name = match self.method {
            MethodName::Auto if source.has_corners() && destination.has_corners() => MethodName::Conservative,
            MethodName::Auto => MethodName::Bilinear,
            name => name,
        };
        let method = self.how.method(name).expect("auto is replaced above");
        let bar = talk.progress(&format!("{method} weights"));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        let weights = Weights::build(&source, &destination, &self.how.with(method))?;
        bar.finish_and_clear();
        write_weights(&weights, &source, &destination, output, self.format.into(), self.force)?;
        let fold = |start: f64, pick: fn(f64, f64) -> f64| weights.values.iter().copied().fold(start, pick);
        let made = Made {
            method: method.to_string(),
            source_cells: weights.source_len,
            destination_cells: weights.destination_len(),
            links: weights.len(),
            unmapped: weights.unmapped_among(&destination.mask),
            smallest: if weights.is_empty() { 0.0 } else { fold(f64::INFINITY, f64::min) },
            largest: if weights.is_empty() { 0.0 } else { fold(f64::NEG_INFINITY, f64::max) },
        };
        if json {
            talk::print_json(&made)?;
        } else {
            let Made { method, source_cells, destination_cells, links, unmapped, smallest, largest } = &made;
            talk::print(&format!(
                "{method}: {links} links from {source_cells} to {destination_cells} cells, {unmapped} unmapped, weights {} to {}\n",
                number(*smallest),
                number(*largest)
            ))?;
        }
        talk.note(&format!("wrote {}", output.display()));
        Ok(Outcome::Fine)
    }
}

fn judge(file: &std::path::Path, json: bool) -> Result<Outcome, Failure> {
    let verdict = check_weights(file)?;
    if json {
        talk::print_json(&verdict)?;
    } else {
        talk::print(&format!("{verdict}\n"))?;
    }
    Ok(if verdict.passed() { Outcome::Fine } else { Outcome::CheckFailed })
}
