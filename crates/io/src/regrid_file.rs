//! A file on one grid becomes a file on another, slab by slab.

use crate::decode::{Decoder, NanPolicy, Purpose};
use crate::nc::{Numbers, ValueType};
use crate::nc_write::{NewFile, NewVariable, numbers_of};
use crate::output::{self, Storage};
use crate::plan::Plan;
use crate::slabs::SlabOrder;
use crate::statistics::{Conservation, ConservationBuilder, Summary, SummaryBuilder};
use crate::{Dataset, GridLayout, IoError, Role, VariableGrid, VariableInfo, WeightsFile, check_identity, output_layout};
use knarr_grid::Grid;
use knarr_regrid::{MissingPolicy, Options, RegridError, Regridder, Weights};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Finds weights made before, for a source, a destination and options; an error ends the work before they are made.
pub type FindWeights<'a> = dyn Fn(&Grid, &Grid, &Options) -> Result<Option<Weights>, IoError> + 'a;

/// What is to be done.
pub struct RegridRequest<'a> {
    /// The file to read.
    pub input: PathBuf,
    /// Where grids come from if the file lacks them; matched by the lengths of dimensions.
    pub grid_file: Option<PathBuf>,
    /// The file to write.
    pub output: PathBuf,
    /// The grid to regrid to.
    pub destination: Arc<Grid>,
    /// Variables to regrid; all that have a grid if not given.
    pub variables: Option<Vec<String>>,
    /// Method and its options for a variable.
    pub options: &'a dyn Fn(&VariableInfo) -> Options,
    /// What missing values do.
    pub missing: MissingPolicy,
    /// Weights to use instead of making them; variables on other grids are left out.
    pub weights: Option<WeightsFile>,
    /// Where weights may be found before they are made (a cache): source, destination, options.
    pub stored: Option<&'a FindWeights<'a>>,
    /// Whether an existing output is replaced.
    pub overwrite: bool,
    /// What NaN means where no attribute tells.
    pub nan: NanPolicy,
    /// Line added to the `history` attribute.
    pub history: String,
    /// Bytes of values held at a time, at least one slab.
    pub memory_limit: usize,
}

/// How far the work is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Weights are being made for a variable's grid.
    Weights {
        /// The first variable that needs them.
        variable: String,
    },
    /// Slabs of a variable have been written.
    Slabs {
        /// Which variable.
        variable: String,
        /// Slabs written, of this variable.
        done: usize,
        /// Slabs of this variable.
        total: usize,
        /// Slabs written, of all variables.
        all_done: usize,
        /// Slabs of all variables.
        all_total: usize,
    },
}

/// What was done to a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableReport {
    /// Its name.
    pub name: String,
    /// Kind of its grid, in words.
    pub family: String,
    /// Cells of its grid, and those that are active.
    pub cells: (usize, usize),
    /// How it was regridded; as the weights say where they were given.
    pub method: String,
    /// Slabs: combinations of the dimensions that are not horizontal.
    pub slabs: usize,
    /// Values read.
    pub before: Summary,
    /// Values written.
    pub after: Summary,
    /// Active destination cells that no source cell reaches.
    pub unmapped: usize,
    /// Integrals before and after, for conservative weights.
    pub conservation: Option<Conservation>,
    /// Contradictory attributes, and what was done about them.
    pub remarks: Vec<String>,
}

/// Weights that were used.
#[derive(Clone, Debug)]
pub struct UsedWeights {
    /// Their source grid.
    pub source: Arc<Grid>,
    /// Their options; none if they were given.
    pub options: Option<Options>,
    /// The weights, with the policy for missing values.
    pub regridder: Regridder,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct RegridReport {
    /// Variables regridded, in the order of the file.
    pub variables: Vec<VariableReport>,
    /// Variables copied.
    pub carried: Vec<String>,
    /// Variables left out, and why.
    pub skipped: Vec<(String, String)>,
    /// Weights used, in the order of first use.
    pub weights: Vec<UsedWeights>,
}

/// Regrids a file.
///
/// Values are read, regridded and written in batches of slabs, so that memory does not grow with the number of steps.
/// The output appears whole or not at all.
///
/// # Errors
/// [`IoError`]: a wanted variable that is not there or has no grid, no variable with a grid, weights of other grids,
/// values that cannot be read, an output that exists or cannot be written.
pub fn regrid_file(request: &RegridRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<RegridReport, IoError> {
    let dataset = Dataset::open(&request.input)?;
    let mut plan = Plan::new(&dataset, request.grid_file.as_deref(), request.variables.as_deref())?;
    let layout = output_layout(&request.destination);
    plan.give_way_to(&layout);
    // An output that cannot be written is told before weights are made.
    let mut file = NewFile::create(&request.output, request.overwrite)?;
    let (jobs, weights) = jobs(request, &dataset, &mut plan, progress)?;
    crate::carry::define(&mut file, &dataset, &plan, &layout, &request.history)?;
    for job in &jobs {
        file.add_variable(&job.new_variable(&plan, &dataset, &layout, &request.destination, &weights[job.weights]))?;
    }
    crate::carry::fill(&mut file, &dataset, &plan, &layout)?;
    let all_total = jobs.iter().map(|job| job.slabs).sum();
    let mut variables = Vec::with_capacity(jobs.len());
    let mut all_done = 0;
    for job in &jobs {
        let mut step = |done: usize| {
            let (variable, total) = (job.name.clone(), job.slabs);
            progress(Progress::Slabs { variable, done, total, all_done: all_done + done, all_total });
        };
        variables.push(job.run(request, &dataset, &layout, &weights[job.weights], &mut file, &mut step)?);
        all_done += job.slabs;
    }
    file.finish()?;
    Ok(RegridReport { variables, carried: plan.carried, skipped: plan.skipped, weights })
}

/// One variable to be regridded.
struct Job {
    name: String,
    grid: VariableGrid,
    decoder: Decoder,
    storage: Storage,
    extra_dims: Vec<(String, usize)>,
    slabs: usize,
    weights: usize,
    auxiliary: bool,
}

/// Makes weights for the variables of the plan. Variables that the given weights or the method do not fit leave the
/// plan, unless they were asked for by name or none is left.
fn jobs(
    request: &RegridRequest<'_>,
    dataset: &Dataset,
    plan: &mut Plan,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Vec<Job>, Vec<UsedWeights>), IoError> {
    let mut used: Vec<UsedWeights> = Vec::new();
    let mut jobs = Vec::new();
    let mut refused = None;
    for (name, grid) in std::mem::take(&mut plan.regridded) {
        let info = dataset.variable(&name)?;
        let weights = match weights_for(request, dataset, info, &grid.grid, &mut used, progress) {
            Ok(weights) => weights,
            Err(error @ (IoError::Regrid { .. } | IoError::WeightsMismatch { .. })) if request.variables.is_none() => {
                let why = match &error {
                    IoError::Regrid { source, .. } => source.to_string(),
                    other => other.to_string(),
                };
                plan.skipped.push((name, why));
                refused.get_or_insert(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        let variable = dataset.file().variable(&name)?;
        let decoder = Decoder::new(dataset.file(), variable, Purpose::Data)?;
        let keeps_values = used[weights].options.as_ref().is_some_and(output::keeps_values);
        let storage = output::storage(variable, &decoder, keeps_values);
        let order = SlabOrder::new(dataset, info, &grid)?;
        let extra_dims: Vec<(String, usize)> = order.extra.iter().map(|&i| info.dims[i].clone()).collect();
        let slabs = extra_dims.iter().map(|(_, len)| len).product();
        let auxiliary = info.role == Role::Coordinate;
        plan.regridded.push((name.clone(), grid.clone()));
        jobs.push(Job { name, grid, decoder, storage, extra_dims, slabs, weights, auxiliary });
    }
    match refused {
        Some(error) if jobs.is_empty() => Err(error),
        _ => Ok((jobs, used)),
    }
}

/// Index in `used` of the weights for a variable, made or taken where they are not there yet.
fn weights_for(
    request: &RegridRequest<'_>,
    dataset: &Dataset,
    info: &VariableInfo,
    source: &Arc<Grid>,
    used: &mut Vec<UsedWeights>,
    progress: &mut dyn FnMut(Progress),
) -> Result<usize, IoError> {
    let destination = &request.destination;
    let options = request.weights.is_none().then(|| (request.options)(info));
    let same = |w: &UsedWeights| w.options == options && (Arc::ptr_eq(&w.source, source) || w.source == *source);
    if let Some(at) = used.iter().position(same) {
        return Ok(at);
    }
    let weights = match (&request.weights, &options) {
        (Some(given), _) => {
            check_identity(given, source, destination)?;
            given.weights.clone()
        }
        (None, options) => {
            let options = options.unwrap_or_else(|| (request.options)(info));
            match request.stored.map_or(Ok(None), |find| find(source, destination, &options))? {
                Some(weights) => weights,
                None => {
                    progress(Progress::Weights { variable: info.name.clone() });
                    Weights::build(source, destination, &options).map_err(|e| fail(dataset, &info.name, e))?
                }
            }
        }
    };
    let regridder = Regridder { weights, missing: request.missing };
    used.push(UsedWeights { source: source.clone(), options, regridder });
    Ok(used.len() - 1)
}

impl Job {
    fn new_variable(
        &self,
        plan: &Plan,
        dataset: &Dataset,
        layout: &GridLayout,
        destination: &Grid,
        used: &UsedWeights,
    ) -> NewVariable {
        let file = dataset.file();
        let variable = file.find(&self.name).expect("the plan names variables of the file");
        let is_kept = |name: &str| file.find_from(&self.name, name).is_some_and(|v| plan.keeps(&v.name));
        let conservative = used.regridder.weights.origin.conservative && !self.auxiliary;
        let mut attributes =
            output::regridded_attributes(variable, &self.decoder, self.storage, layout, &self.grid.dims, conservative, &is_kept);
        if self.auxiliary {
            // A coordinate has no coordinates of its own.
            attributes.remove("coordinates");
        }
        let horizontal = horizontal_dims(layout, destination);
        let lens: Vec<usize> = horizontal.iter().map(|(_, len)| *len).collect();
        let dims = self.extra_dims.iter().map(|(name, len)| plan.dim_name(layout, name, *len));
        NewVariable {
            name: self.name.clone(),
            dims: dims.chain(horizontal.iter().map(|(name, _)| name.clone())).collect(),
            value_type: ValueType::Number(self.storage.number),
            attributes,
            fill: Some(self.storage.fill),
            chunks: Some(output::slab_chunks(self.extra_dims.len(), &lens, self.storage.number.size())),
            compressed: true,
        }
    }

    /// Reads, regrids and writes the variable.
    fn run(
        &self,
        request: &RegridRequest<'_>,
        dataset: &Dataset,
        layout: &GridLayout,
        used: &UsedWeights,
        file: &mut NewFile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<VariableReport, IoError> {
        let weights = &used.regridder.weights;
        let (sources, destinations) = (weights.source_len, weights.destination_len());
        let horizontal = horizontal_dims(layout, &request.destination);
        // Raw, decoded and ordered source values with flags; regridded values with flags and in the file's type.
        let slab_bytes = sources * 25 + destinations * 17;
        let batch = (request.memory_limit / slab_bytes.max(1)).max(1);
        let known = |areas: &[f64]| areas.iter().any(|&a| a > 0.0);
        let source_areas = known(&weights.source_areas).then_some(weights.source_areas.as_slice());
        let destination_areas = known(&weights.destination_areas).then_some(weights.destination_areas.as_slice());
        let (mut before, mut after) = (SummaryBuilder::new(), SummaryBuilder::new());
        let integrable = weights.origin.conservative && source_areas.is_some() && destination_areas.is_some();
        let mut integral = integrable.then(ConservationBuilder::default);
        let lens: Vec<usize> = self.extra_dims.iter().map(|(_, len)| *len).collect();
        let mut start = 0;
        while start < self.slabs {
            let slabs = start..(start + batch).min(self.slabs);
            let read = dataset.read_slabs_with(&self.decoder, &self.name, &self.grid, slabs.clone(), request.nan)?;
            let values = read.values.as_slice().expect("slabs are contiguous");
            let valid = read.valid.as_ref().map(|v| v.as_slice().expect("slabs are contiguous"));
            let (new, new_valid) = used.regridder.apply(values, valid).map_err(|e| fail(dataset, &self.name, e))?;
            for k in 0..slabs.len() {
                let (from, to) = (k * sources..(k + 1) * sources, k * destinations..(k + 1) * destinations);
                let slab_valid = valid.map(|v| &v[from.clone()]);
                let flags = &new_valid[to.clone()];
                let source_mask = &self.grid.grid.mask;
                before.add(
                    &values[from.clone()],
                    &|i| slab_valid.is_none_or(|v| v[i]),
                    &|i| source_mask.is_active(i),
                    source_areas,
                );
                let destination_mask = &request.destination.mask;
                after.add(&new[to.clone()], &|i| flags[i], &|i| destination_mask.is_active(i), destination_areas);
                if let Some(integral) = &mut integral {
                    integral.add(weights, (&values[from], slab_valid), (&new[to.clone()], flags), request.missing);
                }
                let numbers = numbers_of(self.storage.number, &new[to], flags, self.storage.fill);
                self.write(file, horizontal, slabs.start + k, &lens, &numbers)?;
            }
            start = slabs.end;
            progress(start);
        }
        let method = used.options.as_ref().map_or_else(|| weights.origin.method.clone(), |o| o.method.to_string());
        Ok(VariableReport {
            name: self.name.clone(),
            family: self.grid.grid.family.to_string(),
            cells: (self.grid.grid.len(), self.grid.grid.active_count()),
            method,
            slabs: self.slabs,
            before: before.finish(),
            after: after.finish(),
            unmapped: weights.unmapped_among(&request.destination.mask),
            conservation: integral.map(ConservationBuilder::finish),
            remarks: self.decoder.remarks().to_vec(),
        })
    }

    fn write(
        &self,
        file: &mut NewFile,
        horizontal: &[(String, usize)],
        slab: usize,
        lens: &[usize],
        numbers: &Numbers,
    ) -> Result<(), IoError> {
        let at = crate::nc::unravel(slab, lens).into_iter().map(|i| i..i + 1);
        let part: Vec<Range<usize>> = at.chain(horizontal.iter().map(|(_, len)| 0..*len)).collect();
        file.put_numbers(&self.name, &part, numbers)
    }
}

/// The dimensions of the layout that hold the cells: as in the grid's shape, or one for all of them.
fn horizontal_dims<'l>(layout: &'l GridLayout, grid: &Grid) -> &'l [(String, usize)] {
    let shaped = layout.dims.len() >= grid.shape.len() && layout.dims.iter().zip(&grid.shape).all(|((_, len), s)| len == s);
    &layout.dims[..if shaped { grid.shape.len() } else { 1 }]
}

fn fail(dataset: &Dataset, variable: &str, source: RegridError) -> IoError {
    IoError::Regrid { path: dataset.path().to_owned(), variable: variable.to_owned(), source }
}
