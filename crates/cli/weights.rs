//! `knarr weights`: make weights, or judge a weights file.

use crate::Outcome;
use crate::failure::Failure;
use crate::memory;
use crate::options::{MethodChoice, MethodName, MethodOptions, MethodParser, WeightsFormatName};
use crate::regrid::found_in;
use crate::talk::{self, Talk, number};
use clap::{Args, Subcommand};
use knarr::grid::{Detail, Grid};
use knarr::io::{
    IoError, MemoryPlan, WeightsCache, WeightsTiles, check_weights, file_of_argument, grid_from_argument, write_weights,
};
use knarr::kernels::device::DeviceChoice;
use knarr::regrid::{Device, Options, Stack, StackWeights, Weights};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Method, or several separated by commas; auto is conservative where both grids have corners, else bilinear
    ///
    /// Options follow a colon: `conservative,nearest:300km,fixed:0` is conservative where cells overlap, else the nearest
    /// center up to 300 km away, else 0 (the attribute `fixed_value` of FILE, which other programs do not know).
    #[arg(long, value_parser = MethodParser, default_value = "auto")]
    method: MethodChoice,
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
    /// Cells that each layer of a stack reaches as the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    levels: Vec<Level>,
}

#[derive(serde::Serialize)]
struct Level {
    layer: String,
    cells: usize,
}

impl WeightsVerb {
    /// Runs the verb.
    pub fn run(self, device: Option<DeviceChoice>, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        match &self.check {
            Some(Judge::Check { file }) => judge(file, json),
            None => {
                let device = crate::device::open(device, talk)?;
                let outcome = self.make(&device, talk, json)?;
                crate::device::tell_copies(&device, talk);
                Ok(outcome)
            }
        }
    }

    /// What to read of both grids for a method, or for one that is chosen by what they have.
    fn detail(&self, given: Option<&Stack>) -> [Detail; 2] {
        let [from, to] = given.and_then(Stack::single).map_or([Detail::Cells; 2], Options::detail);
        // Files in ESMF layout have the corners of the destination, whatever the method.
        [from, if self.format == WeightsFormatName::Esmf { Detail::Cells } else { to }]
    }

    fn make(&self, device: &Device, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let needed = "clap asks for it where there is no subcommand";
        let given = match &self.method {
            MethodChoice::Auto => None,
            MethodChoice::Given(text) => Some(self.how.stack(text)?),
        };
        let [from, to] = self.detail(given.as_ref());
        let source = grid_from_argument(self.source.as_deref().expect(needed), from)?;
        let destination = grid_from_argument(self.destination.as_deref().expect(needed), to)?;
        if [&self.source, &self.destination].into_iter().flatten().any(|grid| file_of_argument(grid).is_some()) {
            memory::return_arrays();
        }
        let output = self.output.as_deref().expect(needed);
        if output.exists() && !self.force {
            return Err(IoError::Exists { path: output.to_owned() }.into());
        }
        let stack = match given {
            Some(stack) => stack,
            None => {
                let corners = source.has_corners() && destination.has_corners();
                let method = if corners { MethodName::Conservative } else { MethodName::Bilinear };
                self.how.stack(&method.to_string())?
            }
        };
        let on_device = stack.whole_weights().any(|options| Weights::has_kernels(&source, &destination, options));
        if !matches!(device, Device::Cpu) && !on_device {
            talk.note(
                "these weights are made on the processor: kernels are for overlaps (not of reduced rows with rows, nor about two \
                 poles), nearest and bilinear",
            );
        }
        let made = match stack.single() {
            Some(&options) => self.file(&Job { source: &source, destination: &destination, options, output, device }, talk)?,
            None => self.stacked((&source, &destination), &stack, output, device, talk)?,
        };
        if json {
            talk::print_json(&made)?;
        } else {
            let Made { method, source_cells, destination_cells, links, unmapped, smallest, largest, levels } = &made;
            talk::print(&format!(
                "{method}: {links} links from {source_cells} to {destination_cells} cells, {unmapped} unmapped, weights {} to {}\n",
                number(*smallest),
                number(*largest)
            ))?;
            for Level { layer, cells } in levels {
                talk::print(&format!("  {cells} cells: {layer}\n"))?;
            }
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
            memory::make_room(&plan);
        }
        let weights = match found {
            Some(weights) => weights,
            None => {
                let bar = talk.waiting(&format!("{} weights", options.method));
                let start = std::time::Instant::now();
                let weights = Weights::build_on(device, source, destination, options)?;
                bar.finish_and_clear();
                talk.more(&format!("weights made in {:.4} s", start.elapsed().as_secs_f64()));
                weights
            }
        };
        write_weights(&weights, source, destination, output, self.format.into(), self.force)?;
        if let (Some(cache), Device::Cpu, false) = (&cache, device, is_found)
            && let Err(error) = cache.keep(&weights)
        {
            talk.note(&format!("the weights are not kept: {error}"));
        }
        let mut made = Made::new(job);
        made.add(&weights.values);
        made.unmapped = weights.unmapped_among(&destination.mask);
        Ok(made)
    }

    /// Makes or finds the weights of the layers of a stack, and writes what they are together.
    fn stacked(
        &self,
        (source, destination): (&Arc<Grid>, &Arc<Grid>),
        stack: &Stack,
        output: &Path,
        device: &Device,
        talk: Talk,
    ) -> Result<Made, Failure> {
        let cache = self.cache.as_deref().map(WeightsCache::open).transpose()?;
        let mut whole = Vec::new();
        for options in stack.whole_weights() {
            if let Some(weights) = cache.as_ref().and_then(|cache| found_in(cache, (source, destination), options, talk)) {
                whole.push(weights);
                continue;
            }
            let plan = MemoryPlan::whole(source, destination, options);
            memory::announce(&plan, talk);
            if let Some(allowed) = self.max_memory.filter(|allowed| *allowed < plan.bytes) {
                return Err(IoError::Memory { links: plan.links, needed: plan.bytes, allowed }.into());
            }
            memory::make_room(&plan);
            let weights = Weights::build_on(device, source, destination, options)?;
            if let (Some(cache), Device::Cpu) = (&cache, device)
                && let Err(error) = cache.keep(&weights)
            {
                talk.note(&format!("the weights are not kept: {error}"));
            }
            whole.push(weights);
        }
        let stacked = StackWeights::join(source, destination, stack, whole)?;
        let weights = stacked.joined();
        write_weights(weights, source, destination, output, self.format.into(), self.force)?;
        let mut made = Made {
            method: stack.to_string(),
            source_cells: source.len(),
            destination_cells: destination.len(),
            links: 0,
            unmapped: stacked.open_count(),
            smallest: 0.0,
            largest: 0.0,
            levels: Vec::new(),
        };
        made.add(&weights.values);
        let layers = stack.layers().iter().map(ToString::to_string).zip(stacked.counts());
        made.levels = layers.map(|(layer, cells)| Level { layer, cells }).collect();
        Ok(made)
    }

    /// Makes the weights tile by tile; they are too many for a cache to give back.
    fn tiles(&self, job: &Job, plan: &MemoryPlan, talk: Talk) -> Result<Made, Failure> {
        let Job { source, destination, options, output, device } = job;
        let mut tiles = WeightsTiles::new(output, self.format.into(), self.force)?;
        let mut made = Made::new(job);
        let bar = talk.progress(&format!("{} weights", options.method));
        bar.set_length(plan.tiles as u64);
        for rows in plan.rows() {
            let tile = Weights::build_rows_on(device, source, destination, options, rows)?;
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
            levels: Vec::new(),
        }
    }

    fn add(&mut self, weights: &[f64]) {
        let Some(&first) = weights.first() else { return };
        if self.links == 0 {
            (self.smallest, self.largest) = (first, first);
        }
        self.links += weights.len();
        // Eight at a time: one after another, each comparison would wait for the last.
        let (eights, rest) = weights.as_chunks::<8>();
        let (mut least, mut most) = ([self.smallest; 8], [self.largest; 8]);
        for eight in eights {
            for k in 0..8 {
                least[k] = if eight[k] < least[k] { eight[k] } else { least[k] };
                most[k] = if eight[k] > most[k] { eight[k] } else { most[k] };
            }
        }
        self.smallest = rest.iter().chain(&least).copied().fold(self.smallest, f64::min);
        self.largest = rest.iter().chain(&most).copied().fold(self.largest, f64::max);
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
