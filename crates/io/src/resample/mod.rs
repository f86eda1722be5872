//! A file at other times: periods made of its steps, or instants between them.

mod periods;
mod steps;

pub use periods::Period;
pub use steps::TimeKind;

use crate::decode::NanPolicy;
use crate::nc::{Numbers, ValueType};
use crate::nc_write::NewVariable;
use crate::rewrite::{Changed, NewAxis, Rewrite, split};
use crate::{Dataset, IoError, Role, VariableInfo, times};
use knarr_field::{Attributes, Calendar, CellMethod, CellMethods, NumberType, TimeAxis};
use knarr_kernels::time_reduce::{PeriodSums, between};
use periods::{Encoding, Instant, date_time};
use std::path::PathBuf;
use steps::{Plan, Source, Target};

/// How values at the new times are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeMethod {
    /// Periods from the steps in them, by what each variable's `cell_methods` say.
    Reduce,
    /// Instants on the line between the two steps around them.
    Linear,
    /// Instants from the nearest step; the earlier one of equals.
    Nearest,
}

/// What becomes of periods that steps do not fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// They are left out, and told.
    Drop,
    /// They are made of what is there, and told; `time_covered` says how much that is.
    Keep,
    /// They are an error.
    Refuse,
}

/// What is to be done.
pub struct ResampleRequest {
    /// The file to read.
    pub input: PathBuf,
    /// The file to write.
    pub output: PathBuf,
    /// The periods, or the distance of instants.
    pub period: Period,
    /// The method.
    pub method: TimeMethod,
    /// What values are over their step, where the file does not say it or says it wrongly.
    pub kind: Option<TimeKind>,
    /// What becomes of periods that are not filled.
    pub partial: Partial,
    /// Calendar of the output; dates stay what they are, those that it lacks are left out.
    pub calendar: Option<Calendar>,
    /// Variables to take; all with the time axis if not given.
    pub variables: Option<Vec<String>>,
    /// What NaN means where no attribute tells.
    pub nan: NanPolicy,
    /// Whether an existing output is replaced.
    pub overwrite: bool,
    /// Line added to the `history` attribute.
    pub history: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct ResampleReport {
    /// Each variable, and what its values were taken for.
    pub variables: Vec<(String, TimeKind)>,
    /// Steps of the source and of the output.
    pub steps: (usize, usize),
    /// Periods that steps do not fill: first instant, and the part that is there.
    pub partial: Vec<(String, f64)>,
    /// What was assumed, left out or converted.
    pub remarks: Vec<String>,
    /// Variables left out, and why.
    pub skipped: Vec<(String, String)>,
}

/// Brings the variables of a file that have a time axis to other times; others are copied.
///
/// A mean of steps becomes a mean weighted by the time that step and period share, an amount is divided by that time,
/// extremes are extremes of all steps that share time, instants count alike. Totals since the start of a run are first
/// turned into amounts per step. Reference: CF 1.11, 7.3 (cell methods) and 4.4 (time, bounds and calendars).
///
/// # Errors
/// [`IoError::Malformed`] without a time axis of dates, for means or amounts without bounds, and for unfilled periods
/// under [`Partial::Refuse`]; errors of reading and writing.
pub fn resample_file(request: &ResampleRequest) -> Result<ResampleReport, IoError> {
    let dataset = Dataset::open(&request.input)?;
    let malformed = |problem: String| IoError::Malformed { path: request.input.clone(), what: "time", problem };
    for name in request.variables.iter().flatten() {
        dataset.variable(name)?;
    }
    let wanted = |v: &&VariableInfo| match &request.variables {
        Some(names) => names.contains(&v.name),
        None => matches!(v.role, Role::Data | Role::Ancillary),
    };
    let mut found: Option<(String, TimeAxis)> = None;
    let mut jobs: Vec<&VariableInfo> = Vec::new();
    for v in dataset.variables().iter().filter(wanted).filter(|v| v.dtype.number().is_some()) {
        let Some(times::VariableTime { dimension: Some(dim), axis }) = times::time_of(&dataset, v) else { continue };
        let axis = axis.map_err(malformed)?;
        if found.as_ref().is_none_or(|(known, _)| *known == dim) {
            found.get_or_insert((dim, axis));
            jobs.push(v);
        }
    }
    let (dim, axis) =
        found.ok_or_else(|| malformed("no variable has a time axis, expected units such as `days since 2000-01-01`".into()))?;
    let source = Source::read(&dataset, &dim, &axis).map_err(malformed)?;
    let mut remarks = Vec::new();
    let mut kinds = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let (kind, remark) = source.kind(job, request.kind).map_err(|e| malformed(format!("`{}`: {e}", job.name)))?;
        remarks.extend(remark.map(|r| format!("{}: {r}", job.name)));
        kinds.push(kind);
    }
    let calendar = axis.units.calendar();
    let mut plan = Plan::new(&source, request.period, request.method, &kinds, calendar).map_err(malformed)?;
    let label = |at: Instant| date_time(at, calendar).map_or(String::new(), |t| t.to_string());
    let partial: Vec<(String, f64)> =
        plan.targets.iter().filter(|t| t.covered < 1.0 - 1e-9).map(|t| (label(t.start), t.covered)).collect();
    match request.partial {
        Partial::Refuse if !partial.is_empty() => {
            let (first, part) = &partial[0];
            let problem = format!(
                "{} periods are not filled by steps, the first from {first} ({:.0} % of it)",
                partial.len(),
                part * 100.0
            );
            return Err(malformed(problem));
        }
        Partial::Drop => plan.targets.retain(|t| t.covered >= 1.0 - 1e-9),
        _ => {}
    }
    let encoding = encode(request, &axis, &mut plan.targets, &mut remarks)
        .ok_or_else(|| malformed("no period is filled by steps".into()))?;
    let changed: Vec<String> = jobs.iter().map(|v| v.name.clone()).collect();
    let (carried, skipped) = split(&dataset, &changed, &[&dim], "times");
    let count = plan.targets.len();
    let unlimited = dataset.file().dimensions().iter().any(|d| d.name == dim && d.unlimited);
    let output = (request.output.as_path(), request.overwrite);
    let mut rewrite = Rewrite::start(&dataset, output, (carried, changed), (&dim, count, unlimited), &request.history)?;
    let axis_variables = axis_variables(&dataset, &axis, &dim, &encoding, &plan.targets, request);
    for (new, _) in &axis_variables {
        if new.dims.len() == 2 {
            rewrite.add_dimension("bnds", 2)?;
        }
        rewrite.add_variable(new)?;
    }
    let mut workers = Vec::with_capacity(jobs.len());
    for (job, kind) in jobs.iter().zip(&kinds) {
        let new = NewAxis { old: &dim, new: &dim, len: count, chunk: 1 };
        let change = |attributes: &mut Attributes| {
            if request.method == TimeMethod::Reduce {
                say_method(attributes, &dim, *kind);
            }
        };
        let changed = Changed::add(&mut rewrite, job, request.nan, new, request.method == TimeMethod::Nearest, change)?;
        workers.push(Worker { method: request.method, changed, dim: &dim, source: &source });
    }
    rewrite.fill_carried()?;
    for (new, numbers) in &axis_variables {
        let whole: Vec<_> = new.dims.iter().map(|d| 0..if *d == dim { count } else { 2 }).collect();
        rewrite.file.put_numbers(&new.name, &whole, numbers)?;
    }
    for (worker, kind) in workers.iter().zip(&kinds) {
        remarks.extend(worker.run(&plan, *kind, &mut rewrite)?.map(|r| format!("{}: {r}", worker.changed.info.name)));
    }
    rewrite.file.finish()?;
    let variables = jobs.iter().zip(kinds).map(|(v, kind)| (v.name.clone(), kind)).collect();
    Ok(ResampleReport { variables, steps: (axis.values.len(), count), partial, remarks, skipped })
}

/// One variable at work.
struct Worker<'a> {
    method: TimeMethod,
    changed: Changed<'a>,
    dim: &'a str,
    source: &'a Source,
}

/// Values of a step and which are valid.
type Step = (Vec<f64>, Option<Vec<bool>>);

impl Worker<'_> {
    fn read(&self, step: usize) -> Result<Step, IoError> {
        let decoded = self.changed.read(Some((self.dim, step)))?;
        Ok((decoded.values, decoded.valid))
    }

    fn write(&self, rewrite: &mut Rewrite<'_>, target: usize, values: &[f64], valid: &[bool]) -> Result<(), IoError> {
        self.changed.write(rewrite, Some((self.dim, target)), values, valid)
    }

    /// Makes the variable; says what is odd about its values.
    fn run(&self, plan: &Plan, kind: TimeKind, rewrite: &mut Rewrite<'_>) -> Result<Option<String>, IoError> {
        if self.method != TimeMethod::Reduce {
            for (at, target) in plan.targets.iter().enumerate() {
                let (before, after, f) = self.source.around(target.start, self.method);
                let a = self.read(before)?;
                let b = if after == before { a.clone() } else { self.read(after)? };
                let (values, valid) = between((&a.0, a.1.as_deref()), (&b.0, b.1.as_deref()), f);
                self.write(rewrite, at, &values, &valid)?;
            }
            return Ok(None);
        }
        let cells = self.changed.info.dims.iter().filter(|(n, _)| n != self.dim).map(|(_, len)| len).product();
        let mut falls = 0usize;
        // The last total of a run, and the step it belongs to.
        let mut last: Option<(usize, Step)> = None;
        for (at, target) in plan.targets.iter().enumerate() {
            let mut sums = PeriodSums::new(kind.reduction(), cells);
            let mut least = 0.0;
            for share in plan.shares(self.source, target, kind) {
                let (mut values, mut valid) = self.read(share.step)?;
                if kind == TimeKind::Total {
                    let total = (values.clone(), valid.clone());
                    if let Some(previous) = self.source.previous_total(share.step) {
                        let before = match last.take().filter(|(step, _)| *step == previous) {
                            Some((_, before)) => before,
                            None => self.read(previous)?,
                        };
                        falls += subtract(&mut values, &mut valid, &before);
                    }
                    last = Some((share.step, total));
                }
                least += share.shared;
                sums.add(&values, valid.as_deref(), share);
            }
            let (values, valid) = sums.finish(least);
            self.write(rewrite, at, &values, &valid)?;
        }
        Ok((falls > 0).then(|| format!("the run total falls {falls} times: amounts there are negative")))
    }
}

/// What a step adds to a total; gives the number of values that fall by more than the rounding of single precision.
fn subtract(values: &mut [f64], valid: &mut Option<Vec<bool>>, before: &Step) -> usize {
    let mut falls = 0;
    let len = values.len();
    for cell in 0..len {
        if before.1.as_ref().is_some_and(|v| !v[cell]) {
            valid.get_or_insert_with(|| vec![true; len])[cell] = false;
            continue;
        }
        let amount = values[cell] - before.0[cell];
        falls += usize::from(amount < -1e-6 * before.0[cell].abs() && valid.as_ref().is_none_or(|v| v[cell]));
        values[cell] = amount;
    }
    falls
}

/// How times are counted in the output; targets whose dates its calendar lacks are left out.
fn encode(request: &ResampleRequest, axis: &TimeAxis, targets: &mut Vec<Target>, remarks: &mut Vec<String>) -> Option<Encoding> {
    let from = axis.units.calendar();
    let to = request.calendar.unwrap_or(from);
    let first = targets.iter().find_map(|t| date_time(t.start, from).filter(|d| to.day_number(d.date).is_ok()))?;
    let encoding = Encoding::new(&axis.units, to, first)?;
    if to != from {
        let before = targets.len();
        let has = |at: Instant| date_time(at, from).is_some_and(|d| encoding.value(d).is_some());
        targets.retain(|t| has(t.start) && has(t.end));
        let lost = before - targets.len();
        remarks.push(format!("calendar {from} to {to}: dates are kept, {lost} steps on dates that {to} lacks are left out"));
    }
    (!targets.is_empty()).then_some(encoding)
}

/// The time axis, its bounds, and how far steps fill each period.
fn axis_variables(
    dataset: &Dataset,
    axis: &TimeAxis,
    dim: &str,
    encoding: &Encoding,
    targets: &[Target],
    request: &ResampleRequest,
) -> Vec<(NewVariable, Numbers)> {
    let info = dataset.variable(&axis.name).ok();
    let from = axis.units.calendar();
    let mut attributes = Attributes::new();
    for name in ["standard_name", "long_name"] {
        if let Some(text) = info.and_then(|i| i.attributes.text(name)) {
            attributes.set(name, text);
        }
    }
    attributes.set("units", encoding.units.as_str());
    attributes.set("calendar", encoding.calendar.name());
    attributes.set("axis", "T");
    if encoding.calendar != from {
        attributes.set("comment", format!("converted from the calendar {from}, dates kept"));
    }
    let value = |at: Instant| date_time(at, from).and_then(|d| encoding.value(d)).expect("targets without a date are left out");
    let new = |name: &str, dims: &[&str], attributes: Attributes| NewVariable {
        name: name.to_owned(),
        dims: dims.iter().map(|d| (*d).to_owned()).collect(),
        value_type: ValueType::Number(NumberType::F64),
        attributes,
        fill: None,
        chunks: Some(dims.iter().map(|d| if *d == dim { targets.len().clamp(1, 4096) } else { 2 }).collect()),
        compressed: false,
    };
    if request.method != TimeMethod::Reduce {
        let values = targets.iter().map(|t| value(t.start)).collect();
        return vec![(new(&axis.name, &[dim], attributes), Numbers::F64(values))];
    }
    let bounds_name = format!("{}_bnds", axis.name);
    attributes.set("bounds", bounds_name.as_str());
    let pairs: Vec<f64> = targets.iter().flat_map(|t| [value(t.start), value(t.end)]).collect();
    let middles = pairs.chunks(2).map(|p| 0.5 * (p[0] + p[1])).collect();
    let words = [("long_name", "part of the period that steps of the source fill"), ("units", "1")];
    vec![
        (new(&axis.name, &[dim], attributes), Numbers::F64(middles)),
        (new(&bounds_name, &[dim, "bnds"], Attributes::new()), Numbers::F64(pairs)),
        (
            new("time_covered", &[dim], words.into_iter().collect()),
            Numbers::F64(targets.iter().map(|t| t.covered.min(1.0)).collect()),
        ),
    ]
}

/// The method over time of what was made of steps.
fn say_method(attributes: &mut Attributes, dim: &str, kind: TimeKind) {
    let mut methods = CellMethods::parse(attributes.text("cell_methods").unwrap_or_default());
    let is_time = |name: &String| name == dim || name == "time";
    for entry in &mut methods.0 {
        entry.names.retain(|n| !is_time(n));
    }
    methods.0.retain(|entry| !entry.names.is_empty());
    methods.0.push(CellMethod { names: vec![dim.to_owned()], method: kind.method_of_period().to_owned(), rest: String::new() });
    attributes.set("cell_methods", methods.to_string());
}
