//! A file on one grid becomes a file on another, slab by slab.

use crate::decode::NanPolicy;
use crate::job::Job;
use crate::nc_write::NewFile;
use crate::output;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::statistics::{Conservation, Summary};
use crate::vector_job::{KnownAxes, VectorJob};
use crate::vectors::{self, Group, NamedPair, VectorOutput};
use crate::{Dataset, IoError, VariableInfo, WeightsFile, check_identity, output_layout};
use knarr_field::VectorFrame;
use knarr_grid::Grid;
use knarr_regrid::{
    Device, Finish, MissingPolicy, Options, RegridError, Stack, StackRegridder, StackWeights, Weights, cell_areas,
};
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
    /// Methods and their options for a variable.
    pub methods: &'a dyn Fn(&VariableInfo) -> Stack,
    /// What missing values do.
    pub missing: MissingPolicy,
    /// What is made of the values of the first layer.
    pub finish: Finish,
    /// Weights to use instead of making them; variables on other grids are left out. Their fixed value is used as well.
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
    /// What components of vectors are along in the output.
    pub vectors: VectorOutput,
    /// Components of vectors that their standard names do not tell.
    pub pairs: Vec<NamedPair>,
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
    /// Active destination cells that no source cell reaches, and no fixed value fills.
    pub unmapped: usize,
    /// Number of values that each layer of a stack made; empty for single methods.
    pub levels: Vec<(String, u64)>,
    /// Integrals before and after, for conservative weights.
    pub conservation: Option<Conservation>,
    /// The vector it is a component of, if it was regridded as one.
    pub vector: Option<VectorReport>,
    /// Relative rounding of the values written; ranges and integrals of values in single precision are kept to it.
    pub rounding: f64,
    /// Contradictory attributes, and what was done about them.
    pub remarks: Vec<String>,
}

/// A vector of which a variable is a component.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorReport {
    /// The variable with the other component.
    pub partner: String,
    /// What the components are along in the source.
    pub from: VectorFrame,
    /// What they are along in the output.
    pub to: VectorFrame,
    /// Length of the longest vector read; a bound where the components are at different points.
    pub longest_before: f64,
    /// Length of the longest vector written.
    pub longest_after: f64,
}

/// Weights that were used.
#[derive(Clone, Debug)]
pub struct UsedWeights {
    /// Their source grid.
    pub source: Arc<Grid>,
    /// Their methods; none if they were given.
    pub methods: Option<Stack>,
    /// The weights, with the policy for missing values.
    pub regridder: StackRegridder,
    /// Methods of those that were made on the processor though a graphics processor was asked for: it has no kernels for them.
    pub left_to_processor: Vec<Options>,
    /// Areas of source and destination cells where the weights have none, for means.
    pub(crate) areas: Option<[Vec<f64>; 2]>,
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
    regrid_file_on(request, &Device::Cpu, progress)
}

/// [`regrid_file`] with weights made and applied on a device, copied there once for all variables that use them.
///
/// # Errors
/// As there, and [`knarr_regrid::RegridError::Device`] if the device fails.
pub fn regrid_file_on(
    request: &RegridRequest<'_>,
    device: &Device,
    progress: &mut dyn FnMut(Progress),
) -> Result<RegridReport, IoError> {
    let dataset = Dataset::open(&request.input)?;
    let mut plan = Plan::new(&dataset, request.grid_file.as_deref(), request.variables.as_deref())?;
    let layout = output_layout(&request.destination);
    plan.give_way_to(&layout);
    // An output that cannot be written is told before weights are made.
    let mut file = NewFile::create(&request.output, request.overwrite)?;
    let (works, weights) = works(request, device, &dataset, &mut plan, progress)?;
    crate::carry::define(&mut file, &dataset, &plan, &layout, &request.history)?;
    let mut all: Vec<&Job> = works.iter().flat_map(Work::jobs).collect();
    let position = |name: &str| dataset.variables().iter().position(|v| v.name == name);
    all.sort_by_key(|job| position(&job.name));
    for job in all {
        file.add_variable(&job.new_variable(&plan, &dataset, &layout, &request.destination, &weights[job.weights]))?;
    }
    crate::carry::fill(&mut file, &dataset, &plan, &layout)?;
    let all_total = works.iter().map(|work| work.jobs()[0].slabs).sum();
    let mut variables = Vec::new();
    let (mut all_done, mut axes) = (0, KnownAxes::default());
    let prepared: Vec<Prepared<'_>> = weights.iter().map(|used| Prepared::new(used, device)).collect();
    for work in &works {
        let Job { name, slabs, .. } = &work.jobs()[0];
        let mut step = |done: usize| {
            let (variable, total) = (name.clone(), *slabs);
            progress(Progress::Slabs { variable, done, total, all_done: all_done + done, all_total });
        };
        match work {
            Work::Scalar(job) => {
                variables.push(job.run(request, &prepared[job.weights], &dataset, &layout, &mut file, &mut step)?);
            }
            Work::Vector(job) => {
                variables.extend(job.run(request, &dataset, &layout, &prepared, &mut axes, &mut file, &mut step)?);
            }
        }
        all_done += slabs;
    }
    variables.sort_by_key(|v| position(&v.name));
    drop(prepared);
    file.finish()?;
    Ok(RegridReport { variables, carried: plan.carried, skipped: plan.skipped, weights })
}

/// What is read and written together.
enum Work {
    Scalar(Box<Job>),
    Vector(Box<VectorJob>),
}

impl Work {
    fn jobs(&self) -> &[Job] {
        match self {
            Self::Scalar(job) => std::slice::from_ref(&**job),
            Self::Vector(vector) => &vector.components,
        }
    }
}

/// Makes weights for the variables of the plan. Variables that the given weights or the method do not fit, and
/// components of vectors that cannot be turned, leave the plan, unless they were asked for by name or none is left.
fn works(
    request: &RegridRequest<'_>,
    device: &Device,
    dataset: &Dataset,
    plan: &mut Plan,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Vec<Work>, Vec<UsedWeights>), IoError> {
    let mut used: Vec<UsedWeights> = Vec::new();
    let mut works = Vec::new();
    let mut refused = None;
    let geographic = request.destination.has_geographic_axes();
    let groups = vectors::groups(dataset, plan, request.vectors, &request.pairs, geographic, request.finish)?;
    plan.regridded.clear();
    for group in groups {
        let names = group.names().to_vec();
        match work(request, device, dataset, group, &mut used, progress) {
            Ok(work) => {
                plan.regridded.extend(work.jobs().iter().map(|job| (job.name.clone(), job.grid.clone())));
                works.push(work);
            }
            Err(error) if request.variables.is_none() && error.concerns_one_variable() => {
                let why = match &error {
                    IoError::Regrid { source, .. } => source.to_string(),
                    IoError::Component { along, problem, .. } => format!("a component along {along}, and {problem}"),
                    other => other.to_string(),
                };
                plan.skipped.extend(names.into_iter().map(|name| (name, why.clone())));
                refused.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(error) if works.is_empty() => Err(error),
        _ => Ok((works, used)),
    }
}

/// A variable or a vector with its weights.
fn work(
    request: &RegridRequest<'_>,
    device: &Device,
    dataset: &Dataset,
    group: Group,
    used: &mut Vec<UsedWeights>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Work, IoError> {
    match group {
        Group::Refused { error, .. } => Err(error),
        Group::Scalar { name, grid, frame, remarks } => {
            let weights = weights_for(request, device, dataset, dataset.variable(&name)?, &grid.grid, used, progress)?;
            let keeps_values = used[weights].methods.as_ref().is_some_and(|m| output::keeps_values(m, request.finish));
            let job = Job::new(dataset, name, grid, weights, keeps_values)?;
            Ok(Work::Scalar(Box::new(Job { frame, remarks, ..job })))
        }
        Group::Vector { names, grids, from } => {
            let to = request.vectors.frame().unwrap_or(from);
            let [first, second] = [dataset.variable(&names[0])?, dataset.variable(&names[1])?];
            let mut weights = [weights_for(request, device, dataset, first, &grids[0].grid, used, progress)?; 2];
            if grids[0].grid != grids[1].grid {
                weights[1] = weights_for(request, device, dataset, second, &grids[1].grid, used, progress)?;
            }
            for at in weights {
                if let Some(fixed) = used[at].regridder.weights.stack().fixed().filter(|&value| value != 0.0) {
                    let problem = "it has no direction: expected `fixed:0` for a component of a vector".to_owned();
                    let source = RegridError::Stack { layer: format!("fixed:{fixed}"), problem };
                    return Err(fail(dataset, &names[0], source));
                }
            }
            let mut jobs = Vec::with_capacity(2);
            for (k, (name, grid)) in names.into_iter().zip(grids).enumerate() {
                let job = Job::new(dataset, name, grid, weights[k], false)?;
                jobs.push(Job { frame: Some(to), ..job });
            }
            let components = <[Job; 2]>::try_from(jobs).unwrap_or_else(|_| unreachable!("two components"));
            Ok(Work::Vector(Box::new(VectorJob { components, from, to })))
        }
    }
}

/// Index in `used` of the weights for a variable, made or taken where they are not there yet.
fn weights_for(
    request: &RegridRequest<'_>,
    device: &Device,
    dataset: &Dataset,
    info: &VariableInfo,
    source: &Arc<Grid>,
    used: &mut Vec<UsedWeights>,
    progress: &mut dyn FnMut(Progress),
) -> Result<usize, IoError> {
    let destination = &request.destination;
    let methods = request.weights.is_none().then(|| (request.methods)(info));
    let same = |w: &UsedWeights| w.methods == methods && (Arc::ptr_eq(&w.source, source) || w.source == *source);
    if let Some(at) = used.iter().position(same) {
        return Ok(at);
    }
    let failed = |error| fail(dataset, &info.name, error);
    let mut left_to_processor = Vec::new();
    let weights = match (&request.weights, &methods) {
        (Some(given), _) => {
            check_identity(given, source, destination)?;
            StackWeights::given(source, destination, given.weights.clone()).map_err(failed)?
        }
        (None, methods) => {
            let stack = methods.clone().unwrap_or_else(|| (request.methods)(info));
            let mut whole = Vec::new();
            for options in stack.whole_weights() {
                whole.push(match request.stored.map_or(Ok(None), |find| find(source, destination, options))? {
                    Some(weights) => weights,
                    None => {
                        progress(Progress::Weights { variable: info.name.clone() });
                        if !matches!(device, Device::Cpu) && !Weights::has_kernels(source, destination, options) {
                            left_to_processor.push(*options);
                        }
                        Weights::build_on(device, source, destination, options).map_err(failed)?
                    }
                });
            }
            StackWeights::join(source, destination, &stack, whole).map_err(failed)?
        }
    };
    let weights = weights.finished(request.finish).map_err(failed)?;
    let joined = weights.joined();
    let has_areas = joined.areas.iter().flatten().flatten().any(|&area| area != 0.0);
    let areas = (!has_areas).then(|| [&**source, &**destination].map(cell_areas));
    let regridder = StackRegridder { weights, missing: request.missing };
    used.push(UsedWeights { source: source.clone(), methods, regridder, left_to_processor, areas });
    Ok(used.len() - 1)
}

pub(crate) fn fail(dataset: &Dataset, variable: &str, source: RegridError) -> IoError {
    IoError::Regrid { path: dataset.path().to_owned(), variable: variable.to_owned(), source }
}
