//! `knarr weights`: make weights, or judge a weights file.

use crate::Outcome;
use crate::failure::Failure;
use crate::memory;
use crate::options::{self, MethodName, MethodOptions, WeightsFormatName};
use crate::regrid::found_in;
use crate::talk::{self, Talk, number};
use clap::{Args, Subcommand};
use knarr::grid::Grid;
use knarr::io::{IoError, MemoryPlan, WeightsCache, WeightsTiles, check_weights, write_weights};
use knarr::kernels::device::DeviceChoice;
use knarr::regrid::{Device, Options, Weights};
use std::path::{Path, PathBuf};

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
    /// Keep weights in DIR and use those kept there, found by content
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Take at most SIZE of memory (512M, 4G): weights beyond it are made tile by tile
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    max_memory: Option<u64>,
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
    pub fn run(self, device: Option<DeviceChoice>, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        match &self.check {
            Some(Judge::Check { file }) => judge(file, json),
            None => self.make(&crate::device::open(device, talk)?, talk, json),
        }
    }

    fn make(&self, device: &Device, talk: Talk, json: bool) -> Result<Outcome, Failure> {
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
        let options = self.how.with(method);
        if !matches!(device, Device::Cpu) && !Weights::has_kernels(&source, &destination, &options) {
            talk.note("these weights are made on the processor: kernels are for cells with great-circle edges");
        }
        let job = Job { source: &source, destination: &destination, options, output, device };
        let made = self.file(&job, talk)?;
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

/// What the weights are of, and where they go.
struct Job<'a> {
    source: &'a Grid,
    destination: &'a Grid,
    options: Options,
    output: &'a Path,
    device: &'a Device,
}

impl WeightsVerb {
    /// Makes or finds the weights and writes them.
    fn file(&self, job: &Job, talk: Talk) -> Result<Made, Failure> {
        let Job { source, destination, options, output, device } = job;
        let cache = self.cache.as_deref().map(WeightsCache::open).transpose()?;
        let found = cache.as_ref().and_then(|cache| found_in(cache, (source, destination), options, talk));
        let is_found = found.is_some();
        if !is_found {
            let plan = match self.max_memory {
                Some(allowed) => MemoryPlan::tiled(source, destination, options, allowed)?,
                None => MemoryPlan::whole(source, destination, options),
            };
            memory::announce(&plan, talk);
            if plan.tiles > 1 {
                return self.tiles(job, &plan, talk);
            }
        }
        let weights = match found {
            Some(weights) => weights,
            None => {
                let bar = talk.progress(&format!("{} weights", options.method));
                bar.enable_steady_tick(std::time::Duration::from_millis(200));
                let start = std::time::Instant::now();
                let weights = Weights::build_on(device, source, destination, options)?;
                bar.finish_and_clear();
                talk.more(&format!("weights made in {:.3} s", start.elapsed().as_secs_f64()));
                weights
            }
        };
        write_weights(&weights, source, destination, output, self.format.into(), self.force)?;
        if let (Some(cache), false) = (&cache, is_found)
            && let Err(error) = cache.keep(&weights)
        {
            talk.note(&format!("the weights are not kept: {error}"));
        }
        let mut made = Made::new(job);
        made.add(&weights.values);
        made.unmapped = weights.unmapped_among(&destination.mask);
        Ok(made)
    }

    /// Makes the weights tile by tile; they are too many for a cache to give back.
    fn tiles(&self, job: &Job, plan: &MemoryPlan, talk: Talk) -> Result<Made, Failure> {
        let Job { source, destination, options, output, .. } = job;
        let mut tiles = WeightsTiles::new(output, self.format.into(), self.force)?;
        let mut made = Made::new(job);
        let bar = talk.progress(&format!("{} weights", options.method));
        bar.set_length(plan.tiles as u64);
        for rows in plan.rows() {
            let tile = Weights::build_rows(source, destination, options, rows)?;
            made.add(&tile.values);
            tiles.add(tile)?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        made.unmapped = tiles.unmapped_among(&destination.mask);
        tiles.finish(source, destination)?;
        Ok(made)
    }
}

impl Made {
    fn new(job: &Job) -> Self {
        Self {
            method: job.options.method.to_string(),
            source_cells: job.source.len(),
            destination_cells: job.destination.len(),
            links: 0,
            unmapped: 0,
            smallest: 0.0,
            largest: 0.0,
        }
    }

    fn add(&mut self, weights: &[f64]) {
        let Some(&first) = weights.first() else { return };
        if self.links == 0 {
            (self.smallest, self.largest) = (first, first);
        }
        self.links += weights.len();
        self.smallest = weights.iter().copied().fold(self.smallest, f64::min);
        self.largest = weights.iter().copied().fold(self.largest, f64::max);
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
