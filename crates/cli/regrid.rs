//! `knarr regrid`: the variables of a file on another grid.

use crate::Outcome;
use crate::automatic::Automatic;
use crate::failure::Failure;
use crate::memory;
use crate::options::{
    self, FinishOptions, MethodChoice, MethodName, MethodOptions, MethodParser, MissingOptions, NanName, VectorsName,
    WeightsFormatName,
};
use crate::regrid_notes::tell;
use crate::regrid_report::Report;
use crate::slab::{data_variables, grid_of};
use crate::talk::{self, Talk};
use clap::Args;
use knarr::field::VectorRole;
use knarr::grid::Grid;
use knarr::io::atomic::AtomicFile;
use knarr::io::{
    Cached, Dataset, GridFormat, IoError, MemoryPlan, NamedPair, Progress, RegridReport, RegridRequest, VariableInfo,
    WeightsCache, WeightsFile, read_weights, regrid_file_on, write_grid, write_weights,
};
use knarr::kernels::device::DeviceChoice;
use knarr::regrid::{Device, Options, Stack, Weights};
use std::cell::Cell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Regrid the variables of a file onto another grid.
///
/// Coordinates, bounds and grid mapping become those of the new grid; names, attributes, times and variables without
/// a grid are kept.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  knarr regrid ocean.nc -o ocean_1deg.nc --to r360x180\n  knarr regrid ocean.nc -o ocean_h128.nc --to H128n --vars tos --method conservative --check"
)]
pub struct Regrid {
    /// File to read
    pub input: PathBuf,
    /// Write the result to OUTPUT
    #[arg(short, long)]
    pub output: PathBuf,
    /// GRID to regrid to: a file (FILE.nc, FILE.nc:VARIABLE) or a name (`knarr grid --list`)
    #[arg(long, value_name = "GRID")]
    pub to: String,
    /// Regrid these variables only, separated by commas (default: all that have a grid)
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub vars: Option<Vec<String>>,
    /// Method, or several separated by commas: each takes over where those before it leave a cell open
    ///
    /// Options follow a colon: `conservative:destarea,nearest:300km,fixed:0` is conservative where cells overlap, else the
    /// nearest valid center up to 300 km away, else 0; `distance:8:500km` takes up to 8 neighbours. Levels of the stack take
    /// over for missing values, too, time by time.
    #[arg(long, value_parser = MethodParser, default_value = "auto")]
    pub method: MethodChoice,
    #[command(flatten)]
    pub how: MethodOptions,
    #[command(flatten)]
    pub finish: FinishOptions,
    #[command(flatten)]
    pub missing: MissingOptions,
    /// Use the weights in FILE (ESMF, SCRIP or TempestRemap); refused if they belong to other grids
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cache", "method"])]
    pub weights: Option<PathBuf>,
    /// Write the weights to FILE, too
    #[arg(long, value_name = "FILE")]
    pub save_weights: Option<PathBuf>,
    /// Layout of the file of --save-weights
    #[arg(long, value_enum, default_value_t = WeightsFormatName::Esmf, requires = "save_weights")]
    pub weights_format: WeightsFormatName,
    /// Keep weights in DIR and use those kept there, found by content
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Take the grid of the input from GRID, matched by dimension sizes
    #[arg(long, value_name = "GRID", alias = "grid")]
    pub source_grid: Option<String>,
    /// Take NaN without a fill value as an error or as missing
    #[arg(long, value_enum, default_value_t = NanName::Error)]
    pub nan: NanName,
    /// Regrid components of vectors together and write them east and north (earth) or along the destination's axes (grid)
    #[arg(long, value_enum, default_value_t = VectorsName::Earth)]
    pub vectors: VectorsName,
    /// Take the variables U and V as the components of a vector, along earth or grid (default: by standard names)
    #[arg(long = "pair", value_name = "U,V[:earth|:grid]", value_parser = options::pair)]
    pub pairs: Vec<NamedPair>,
    /// Print min, mean, max, missing and unmapped cells, and conservation; exit code 1 if a range or an integral is not kept
    #[arg(long)]
    pub check: bool,
    /// Take at most SIZE of memory (512M, 4G), or refuse (default: what weights need, and 512M of values at a time)
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    pub max_memory: Option<u64>,
    /// Overwrite OUTPUT if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    pub force: bool,
}

/// What was done, and why.
pub struct Done {
    /// The report of the library.
    pub report: RegridReport,
    /// Why each variable got its method, with `--method auto`.
    pub reasons: HashMap<String, String>,
    /// The destination.
    pub destination: Arc<Grid>,
}

impl Regrid {
    /// What `knarr regrid INPUT -o OUTPUT --to TO --method METHOD -O` is, for other verbs.
    pub fn of(input: &Path, output: &Path, to: &str, method: MethodName) -> Self {
        Self {
            input: input.to_owned(),
            output: output.to_owned(),
            to: to.to_owned(),
            vars: None,
            method: method.into(),
            how: MethodOptions::default(),
            finish: FinishOptions::default(),
            missing: MissingOptions::default(),
            weights: None,
            save_weights: None,
            weights_format: WeightsFormatName::Esmf,
            cache: None,
            source_grid: None,
            nan: NanName::Error,
            vectors: VectorsName::Earth,
            pairs: Vec::new(),
            check: true,
            max_memory: None,
            force: true,
        }
    }

    /// Runs the verb.
    pub fn run(self, device: Option<DeviceChoice>, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let device = crate::device::open(device, talk)?;
        let done = self.execute_on(&device, talk)?;
        crate::device::tell_copies(&device, talk);
        let report = Report::new(&done);
        if json {
            talk::print_json(&report)?;
        } else if self.check {
            talk::print(&report.text())?;
        }
        talk.note(&format!("wrote {}", self.output.display()));
        Ok(if self.check && !report.passed() { Outcome::CheckFailed } else { Outcome::Fine })
    }

    /// Does the work on the processor, saying what it does.
    pub fn execute(&self, talk: Talk) -> Result<Done, Failure> {
        self.execute_on(&Device::Cpu, talk)
    }

    /// Does the work, making and applying weights on a device.
    fn execute_on(&self, device: &Device, talk: Talk) -> Result<Done, Failure> {
        let dataset = Dataset::open(&self.input)?;
        self.check_outputs()?;
        let grid_file = self.grid_file()?;
        let destination = options::grid(&self.to)?;
        let choices = self.choices(&dataset, &destination)?;
        let weights = self.given_weights()?;
        let cache = self.cache.as_deref().map(WeightsCache::open).transpose()?;
        let held = Cell::new(0);
        let is_component = |v: &VariableInfo| VectorRole::of(&v.attributes).is_some();
        let vectors =
            self.vectors != VectorsName::Separate && (!self.pairs.is_empty() || data_variables(&dataset).any(is_component));
        let find = |source: &Grid, destination: &Grid, options: &Options| {
            let found = cache.as_ref().and_then(|cache| found_in(cache, (source, destination), options, talk));
            self.allow(&held, vectors, (source, destination), options, found.as_ref(), talk)?;
            Ok(found)
        };
        let automatic = Automatic::load()?;
        let given = match &self.method {
            MethodChoice::Auto => {
                // A statistic of overlapping cells needs overlaps, whatever the variable is.
                self.finish.statistic.map(|_| self.how.stack(&MethodName::Conservative.to_string())).transpose()?
            }
            MethodChoice::Given(text) => Some(self.how.stack(text)?),
        };
        let methods_of = |variable: &VariableInfo| -> Stack {
            if let Some(stack) = &given {
                return stack.clone();
            }
            let name = match choices.get(&variable.name) {
                Some((method, why)) => {
                    talk.note(&format!("{}: {method} ({why})", variable.name));
                    *method
                }
                None => automatic.choose(variable).method,
            };
            self.how.stack(&name.to_string()).expect("a method alone is a stack")
        };
        let request = RegridRequest {
            input: self.input.clone(),
            grid_file: grid_file.as_ref().map(|f| f.path().to_owned()),
            output: self.output.clone(),
            destination: destination.clone(),
            variables: self.vars.clone(),
            methods: &methods_of,
            missing: self.missing.policy(),
            finish: self.finish.finish(),
            weights,
            stored: Some(&find),
            overwrite: self.force,
            nan: self.nan.into(),
            history: format!("knarr {}: regrid to {}", env!("CARGO_PKG_VERSION"), name_of(&self.to)),
            memory_limit: self.values_bytes() as usize,
            vectors: self.vectors.into(),
            pairs: self.pairs.clone(),
        };
        let bar = talk.progress("reading");
        let report = regrid_file_on(&request, device, &mut |progress| match progress {
            Progress::Weights { variable } => {
                bar.set_message(format!("weights for {variable}"));
                bar.tick();
            }
            Progress::Slabs { variable, all_done, all_total, .. } => {
                bar.set_length(all_total as u64);
                bar.set_message(variable);
                bar.set_position(all_done as u64);
            }
        });
        bar.finish_and_clear();
        let report = report.map_err(|e| self.explain(e))?;
        // Last digits of other devices are their own: what is kept is the processor's.
        if let (Some(cache), Device::Cpu) = (&cache, device) {
            keep(cache, &report, talk);
        }
        crate::device::tell_left_to_processor(&report, device, talk);
        self.save_weights(&report, &destination, talk)?;
        tell(&report, &self.input, talk);
        let reasons = choices.into_iter().map(|(name, (_, why))| (name, why)).collect();
        Ok(Done { report, reasons, destination })
    }

    /// Fails before any work is done if an output exists or cannot be written.
    fn check_outputs(&self) -> Result<(), Failure> {
        for path in [Some(&self.output), self.save_weights.as_ref()].into_iter().flatten() {
            // Made and dropped: nothing stays.
            AtomicFile::create(path, self.force)?;
        }
        Ok(())
    }

    /// The file with the grid of `--source-grid`; a named grid is written to a temporary one.
    fn grid_file(&self) -> Result<Option<GridFile>, Failure> {
        let Some(text) = &self.source_grid else { return Ok(None) };
        if Path::new(text).is_file() {
            return Ok(Some(GridFile::Given(text.into())));
        }
        let grid = options::grid(text)?;
        let folder = tempfile::tempdir().map_err(|e| Failure::new(format!("cannot make a temporary folder: {e}")))?;
        write_grid(&grid, &folder.path().join("grid.nc"), GridFormat::Cf, false)?;
        Ok(Some(GridFile::Made(folder)))
    }

    /// With `--method auto`: the method of each variable and why. Where corners lack, bilinear takes the place of
    /// conservative.
    fn choices(&self, dataset: &Dataset, destination: &Grid) -> Result<HashMap<String, (MethodName, String)>, Failure> {
        let mut choices = HashMap::new();
        if self.method != MethodChoice::Auto || self.weights.is_some() || self.finish.statistic.is_some() {
            return Ok(choices);
        }
        let automatic = Automatic::load()?;
        let mut corners: HashMap<String, bool> = HashMap::new();
        for variable in data_variables(dataset) {
            if self.vars.as_ref().is_some_and(|vars| !vars.contains(&variable.name)) {
                continue;
            }
            let mut choice = automatic.choose(variable);
            if choice.method == MethodName::Conservative {
                let names = ["coordinates", "grid_mapping", "mesh", "location"].map(|a| variable.attributes.text(a));
                let key = format!("{names:?} {:?}", variable.dims);
                let has_corners = *corners.entry(key).or_insert_with(|| {
                    grid_of(dataset, variable, self.source_grid.as_deref()).is_ok_and(|g| g.grid.has_corners())
                });
                if !has_corners || !destination.has_corners() {
                    choice.method = MethodName::Bilinear;
                    choice.why += ", conservative would suit, but there are no cell corners";
                }
            }
            choices.insert(variable.name.clone(), (choice.method, choice.why));
        }
        Ok(choices)
    }

    /// The weights of `--weights`.
    fn given_weights(&self) -> Result<Option<WeightsFile>, Failure> {
        let Some(path) = &self.weights else { return Ok(None) };
        if let (Some(allowed), Ok(file)) = (self.max_memory, path.metadata()) {
            // 16 bytes a link in the file and while it is read, 12 kept for each grid of the input, and values.
            let needed = with_values(2 * file.len());
            if needed > allowed {
                return Err(IoError::Memory { links: file.len() / 16, needed, allowed }.into());
            }
        }
        Ok(Some(read_weights(path)?))
    }

    /// Bytes of values held at a time: half a GiB, or a quarter of what is allowed.
    fn values_bytes(&self) -> u64 {
        let usual = 512 << 20;
        self.max_memory.map_or(usual, |allowed| usual.min(allowed / 4).max(1 << 20))
    }

    /// Says what the weights that come next take, and refuses what `--max-memory` does not allow. `held` counts the bytes
    /// of weights made and found before, `vectors` tells whether there are any.
    fn allow(
        &self,
        held: &Cell<u64>,
        vectors: bool,
        (source, destination): (&Grid, &Grid),
        options: &Options,
        found: Option<&Weights>,
        talk: Talk,
    ) -> Result<(), IoError> {
        let weights = |links: u64| 12 * links + 24 * destination.len() as u64 + 16 * source.len() as u64;
        let (links, peak) = match found {
            Some(found) => (found.len() as u64, weights(found.len() as u64)),
            None => {
                let plan = MemoryPlan::whole(source, destination, options);
                memory::announce(&plan, talk);
                memory::make_room(&plan);
                (plan.links, plan.bytes)
            }
        };
        if let Some(allowed) = self.max_memory {
            // One slab, as read, decoded and regridded; of vectors two components, three in space, and the axes.
            let (of_source, of_destination) = if vectors { (109, 105) } else { (25, 17) };
            let slab = of_source * source.len() as u64 + of_destination * destination.len() as u64;
            let kept = held.get() + weights(links);
            let needed = (held.get() + peak).max(kept + slab).max(with_values(kept));
            if needed > allowed {
                return Err(IoError::Memory { links, needed, allowed });
            }
        }
        held.set(held.get() + weights(links));
        Ok(())
    }

    fn save_weights(&self, report: &RegridReport, destination: &Grid, talk: Talk) -> Result<(), Failure> {
        let Some(path) = &self.save_weights else { return Ok(()) };
        for (k, used) in report.weights.iter().enumerate() {
            let path = if k == 0 { path.clone() } else { numbered(path, k + 1) };
            write_weights(
                used.regridder.weights.joined(),
                &used.source,
                destination,
                &path,
                self.weights_format.into(),
                self.force,
            )?;
            talk.note(&format!("wrote {}", path.display()));
        }
        Ok(())
    }

    /// Adds how to go on where the library does not know the options.
    fn explain(&self, error: IoError) -> Failure {
        let mismatch = matches!(error, IoError::WeightsMismatch { .. });
        let failure = Failure::from(error);
        match &self.weights {
            Some(path) if mismatch => failure
                .detail(format!("{}: weights, given by --weights", path.display()))
                .or_hint(|| "leave `--weights` out to make weights for these grids".to_owned()),
            _ => failure,
        }
    }
}

/// The weights that the cache has; an entry that cannot be used is told.
pub fn found_in(cache: &WeightsCache, (source, destination): (&Grid, &Grid), options: &Options, talk: Talk) -> Option<Weights> {
    match cache.find(source, destination, options) {
        Cached::Found(weights) => Some(*weights),
        Cached::Absent => None,
        Cached::Unusable(why) => {
            talk.note(&format!("weights are made anew: {why}"));
            None
        }
    }
}

/// Keeps the weights that were made; the job is done, whether the cache takes them or not.
fn keep(cache: &WeightsCache, report: &RegridReport, talk: Talk) {
    // What is joined of several layers is made of their weights in no time.
    for used in report.weights.iter().filter(|used| used.methods.as_ref().is_some_and(|m| m.single().is_some())) {
        if let Err(error) = cache.keep(used.regridder.weights.joined()) {
            talk.note(&format!("the weights are not kept: {error}"));
        }
    }
}

/// What a job needs that keeps `bytes` of weights: a quarter is left to values.
fn with_values(bytes: u64) -> u64 {
    bytes + bytes.div_ceil(3)
}

/// A grid file, of the user or made for the run.
enum GridFile {
    Given(PathBuf),
    Made(tempfile::TempDir),
}

impl GridFile {
    fn path(&self) -> PathBuf {
        match self {
            Self::Given(path) => path.clone(),
            Self::Made(folder) => folder.path().join("grid.nc"),
        }
    }
}

/// The name of a grid without the folders of its file.
fn name_of(grid: &str) -> String {
    Path::new(grid).file_name().map_or_else(|| grid.to_owned(), |n| n.to_string_lossy().into_owned())
}

/// `map.nc` becomes `map-2.nc`.
fn numbered(path: &Path, k: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-{k}{ending}"))
}
