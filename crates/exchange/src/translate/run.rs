//! Jobs carried out: values read, changed and written, one time after another.

use super::jobs::{Combine, Job, Source, TimeBounds};
use super::{Chain, FieldReport, Request, Slab, TranslateError, copy};
use knarr_field::{Attribute, Attributes, NumberType};
use knarr_io::nc::{Numbers, ValueType};
use knarr_io::nc_write::{NewFile, NewVariable};
use knarr_io::{Dataset, VariableInfo};
use std::path::Path;

/// What stands for missing: the default of the NetCDF library, which readers know.
const FILL: f64 = 9.969_209_968_386_869e36;
/// Dimension of the two sides of an interval.
const SIDES: &str = "bnds_2";
/// Largest fraction of a field labelled `%` that is still looked at with suspicion.
const SUSPICIOUS_PERCENT: f64 = 1.5;

/// Carries out all jobs into a new file.
pub(super) fn jobs(
    request: &Request<'_>,
    dataset: &Dataset,
    output: &Path,
    made: &mut [Job<'_>],
    overwrite: bool,
) -> Result<Vec<FieldReport>, TranslateError> {
    let mut file = NewFile::create(output, overwrite)?;
    let carried = define(&mut file, dataset, made)?;
    for variable in carried {
        copy::values(&mut file, dataset, variable)?;
    }
    write_bounds(&mut file, made)?;
    let mut reports = Vec::new();
    for job in made.iter_mut() {
        reports.extend(one(request, dataset, job, &mut file)?);
    }
    file.finish()?;
    Ok(reports)
}

/// Adds dimensions and variables; returns those to copy.
fn define<'d>(file: &mut NewFile, dataset: &'d Dataset, made: &[Job<'_>]) -> Result<Vec<&'d VariableInfo>, TranslateError> {
    let mut attributes = dataset.file().attributes().clone();
    attributes.remove("history");
    attributes.set("Conventions", "CF-1.11");
    file.add_attributes(&attributes)?;
    let new_bounds: Vec<(&str, String, TimeBounds)> = bounds(made);
    let replaced: Vec<&str> = made.iter().filter_map(|j| j.layers.as_ref().map(|(dim, _)| dim.as_str())).collect();
    let written: Vec<&str> = made.iter().flat_map(|j| j.targets.iter().map(|t| t.name.as_str())).collect();
    let used: Vec<&str> = made
        .iter()
        .flat_map(|j| j.sources[0].extra.iter().map(|(n, _)| n.as_str()).chain(j.sources[0].grid.dims.iter().map(String::as_str)))
        .collect();
    let has_run = dataset.variables().iter().any(|v| v.attributes.text("standard_name") == Some("forecast_reference_time"));
    let carried: Vec<&VariableInfo> = dataset
        .variables()
        .iter()
        .filter(|v| copy::goes_along(v) && !written.contains(&v.name.as_str()))
        // The time of the run and that of the values tell the lead time; two of the three cannot contradict each other.
        .filter(|v| !(has_run && v.attributes.text("standard_name") == Some("forecast_period")))
        .filter(|v| !new_bounds.iter().any(|(_, name, _)| *name == v.name))
        // Layers that are replaced take their coordinate and its bounds along; others on their dimension mean nothing now.
        .filter(|v| !v.dims.iter().any(|(d, _)| replaced.contains(&d.as_str())))
        .collect();
    let mut added: Vec<&str> = Vec::new();
    for dim in dataset.file().dimensions() {
        let carries = carried.iter().any(|v| v.dims.iter().any(|(d, _)| *d == dim.name));
        if carries || (used.contains(&dim.name.as_str()) && !replaced.contains(&dim.name.as_str())) {
            file.add_dimension(&dim.name, dim.len, false)?;
            added.push(&dim.name);
        }
    }
    for variable in &carried {
        let mut variable = (*variable).clone();
        if let Some((_, name, _)) = new_bounds.iter().find(|(time, ..)| *time == variable.name) {
            variable.attributes.set("bounds", name.as_str());
        }
        copy::define(file, &variable)?;
    }
    if !new_bounds.is_empty() && !added.contains(&SIDES) {
        file.add_dimension(SIDES, 2, false)?;
    }
    for (time, name, _) in &new_bounds {
        let timing = made.iter().filter_map(|j| j.timing.as_ref()).find(|t| t.name == *time).expect("bounds belong to a time");
        let dims = timing.dim.iter().cloned().chain([SIDES.to_owned()]).collect();
        file.add_variable(&plain(name, dims, NumberType::F64, Attributes::new(), None, None))?;
    }
    if let Some((_, layers)) = made.iter().find_map(|j| j.layers.as_ref()) {
        file.add_dimension("soil_layer", layers.len(), false)?;
        file.add_dimension("soil_side", 2, false)?;
        let attributes: Attributes = [
            ("standard_name", "depth"),
            ("long_name", "depth of the middle of a soil layer"),
            ("units", "m"),
            ("positive", "down"),
            ("bounds", "soil_layer_bounds"),
        ]
        .into_iter()
        .collect();
        file.add_variable(&plain("soil_layer", vec!["soil_layer".into()], NumberType::F64, attributes, None, None))?;
        let both = vec!["soil_layer".into(), "soil_side".into()];
        file.add_variable(&plain("soil_layer_bounds", both, NumberType::F64, Attributes::new(), None, None))?;
    }
    for job in made {
        let (extra, horizontal) = shape(job);
        for target in &job.targets {
            let mut attributes: Attributes = target.attributes.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            if let Some(named) = attributes.text("coordinates") {
                let kept: Vec<&str> = named.split_whitespace().filter(|n| carried.iter().any(|v| v.name == *n)).collect();
                let kept = kept.join(" ");
                if kept.is_empty() {
                    attributes.remove("coordinates");
                } else {
                    attributes.set("coordinates", kept);
                }
            }
            if let Some(param) = target.param {
                attributes.set("GRIB_paramId", Attribute::Numbers(vec![f64::from(param)], NumberType::I32));
            }
            let dims = extra.iter().chain(&horizontal).map(|(n, _)| n.clone()).collect();
            let chunks = extra.iter().map(|_| 1).chain(horizontal.iter().map(|(_, len)| (*len).max(1))).collect();
            file.add_variable(&plain(&target.name, dims, storage(job, dataset), attributes, Some(FILL), Some(chunks)))?;
        }
    }
    Ok(carried)
}

fn plain(
    name: &str,
    dims: Vec<String>,
    number: NumberType,
    attributes: Attributes,
    fill: Option<f64>,
    chunks: Option<Vec<usize>>,
) -> NewVariable {
    let compressed = chunks.is_some();
    NewVariable { name: name.to_owned(), dims, value_type: ValueType::Number(number), attributes, fill, chunks, compressed }
}

/// Single precision stays single, everything else becomes double: differences of totals need their digits.
fn storage(job: &Job<'_>, dataset: &Dataset) -> NumberType {
    let single = |s: &Source| {
        let variable = dataset.variable(&s.name).ok().and_then(|v| v.dtype.number());
        matches!(variable, Some(NumberType::F32 | NumberType::I8 | NumberType::U8 | NumberType::I16 | NumberType::U16))
    };
    if job.sources.iter().all(single) { NumberType::F32 } else { NumberType::F64 }
}

/// New bounds: time coordinate, name of the bounds, kind. Totals since the start count more than intervals.
fn bounds<'j>(made: &'j [Job<'_>]) -> Vec<(&'j str, String, TimeBounds)> {
    let mut all: Vec<(&str, String, TimeBounds)> = Vec::new();
    for job in made.iter().filter(|j| j.bounds != TimeBounds::Kept) {
        let Some(timing) = &job.timing else { continue };
        let name = timing.bounds.clone().unwrap_or_else(|| format!("{}_bounds", timing.name));
        match all.iter_mut().find(|(time, ..)| *time == timing.name) {
            Some(known) if job.bounds == TimeBounds::SinceStart => known.2 = TimeBounds::SinceStart,
            Some(_) => {}
            None => all.push((&timing.name, name, job.bounds)),
        }
    }
    all
}

fn write_bounds(file: &mut NewFile, made: &[Job<'_>]) -> Result<(), TranslateError> {
    for (time, name, kind) in bounds(made) {
        let job = made.iter().find(|j| j.around.intervals.is_some() && j.timing.as_ref().is_some_and(|t| t.name == time));
        let (Some(timing), Some(intervals)) =
            (job.and_then(|j| j.timing.as_ref()), job.and_then(|j| j.around.intervals.as_ref()))
        else {
            continue;
        };
        let values = timing.bounds_of(intervals, kind == TimeBounds::SinceStart)?;
        let part: Vec<_> = timing.dim.iter().map(|_| 0..timing.steps()).chain(std::iter::once(0..2)).collect();
        file.put_numbers(&name, &part, &Numbers::F64(values))?;
    }
    if let Some((_, layers)) = made.iter().find_map(|j| j.layers.as_ref()) {
        let middles = layers.iter().map(|[top, bottom]| 0.5 * (top + bottom)).collect();
        file.put_numbers("soil_layer", std::slice::from_ref(&(0..layers.len())), &Numbers::F64(middles))?;
        let sides = layers.iter().flatten().copied().collect();
        file.put_numbers("soil_layer_bounds", &[0..layers.len(), 0..2], &Numbers::F64(sides))?;
    }
    Ok(())
}

type Dims = Vec<(String, usize)>;

/// Dimensions of the outputs: those that are not horizontal, and those that are.
fn shape(job: &Job<'_>) -> (Dims, Dims) {
    let source = &job.sources[0];
    let extra = source.extra.iter().map(|(name, len)| match &job.layers {
        Some((dim, layers)) if dim == name => ("soil_layer".to_owned(), layers.len()),
        _ => (name.clone(), *len),
    });
    let grid = &source.grid;
    let lens = if grid.dims.len() == 1 { vec![grid.grid.len()] } else { grid.grid.shape.clone() };
    (extra.collect(), grid.dims.iter().cloned().zip(lens).collect())
}

/// What is found in canonical values.
#[derive(Default)]
struct Judge {
    range: Option<[f64; 2]>,
    outside: usize,
}

impl Judge {
    fn look(&mut self, slab: &Slab, [low, high]: [f64; 2]) {
        if let Some([a, b]) = slab.range() {
            self.range = Some(self.range.map_or([a, b], |[c, d]| [a.min(c), b.max(d)]));
        }
        // Values stored in single precision may lie a rounding beyond a limit.
        let slack = 1e-6 * (high - low);
        let outside = |cell: &usize| slab.is_valid(*cell) && !(low - slack..=high + slack).contains(&slab.values[*cell]);
        self.outside += (0..slab.values.len()).filter(outside).count();
    }
}

/// Reads, changes and writes one job: columns of levels outside, times inside, since totals need the time before.
fn one(
    request: &Request<'_>,
    dataset: &Dataset,
    job: &mut Job<'_>,
    file: &mut NewFile,
) -> Result<Vec<FieldReport>, TranslateError> {
    let extra = job.sources[0].extra.clone();
    let time_at = job.timing.as_ref().and_then(|t| t.dim.as_ref()).and_then(|dim| extra.iter().position(|(n, _)| n == dim));
    let layers_at = job.layers.as_ref().and_then(|(dim, _)| extra.iter().position(|(n, _)| n == dim));
    let steps = time_at.map_or(1, |at| extra[at].1);
    let columns: Vec<usize> = (0..extra.len()).filter(|at| Some(*at) != time_at && Some(*at) != layers_at).collect();
    let lens: Vec<usize> = columns.iter().map(|&at| extra[at].1).collect();
    let mut judges: Vec<Judge> = job.targets.iter().map(|_| Judge::default()).collect();
    let mut clipped = 0;
    let number = storage(job, dataset);
    for column in 0..lens.iter().product::<usize>() {
        let mut index = vec![0; extra.len()];
        let mut rest = column;
        for (&at, len) in columns.iter().zip(&lens).rev() {
            (index[at], rest) = (rest % len, rest / len);
        }
        let mut own: Vec<Chain> = job.sources.iter().map(|s| Chain::new(s.own.clone())).collect();
        let mut chain = Chain::new(match &job.combine {
            Combine::Operations(list) => list.clone(),
            _ => Vec::new(),
        });
        for step in 0..steps {
            if let Some(at) = time_at {
                index[at] = step;
            }
            let layers = layers_at.map_or(1, |at| extra[at].1);
            let mut slabs = Vec::new();
            for layer in 0..layers {
                if let Some(at) = layers_at {
                    index[at] = layer;
                }
                for (source, own) in job.sources.iter().zip(&mut own) {
                    slabs.extend(read(request, dataset, source, &extra, &index, step, own, job)?);
                }
            }
            if job.judge_before {
                slabs.iter().zip(&mut judges).for_each(|(slab, judge)| judge.look(slab, job.valid_range));
            }
            let done = combine(job, &mut chain, step, slabs)?;
            if !job.judge_before {
                done.iter().zip(&mut judges).for_each(|(slab, judge)| judge.look(slab, job.valid_range));
            }
            write(job, file, number, &index, layers_at, done)?;
        }
        clipped += chain.clipped();
    }
    reports(job, judges, clipped)
}

fn combine(job: &Job<'_>, chain: &mut Chain, step: usize, slabs: Vec<Slab>) -> Result<Vec<Slab>, TranslateError> {
    let pair = |make: &dyn Fn(&[f64]) -> Option<f64>| Slab::combine(&slabs.iter().collect::<Vec<_>>(), make);
    Ok(match job.combine {
        Combine::Operations(_) => chain.apply(step, slabs, &job.around).map_err(|source| TranslateError::Chain {
            variable: job.sources[0].name.clone(),
            field: job.fields[0].id.clone(),
            source,
        })?,
        Combine::Quotient(least) => vec![pair(&|v| (v[1] >= least).then(|| v[0] / v[1]))],
        Combine::Denominator(least) => vec![or_nothing(&slabs, pair(&|v| (v[1] >= least).then(|| v[0] / v[1])))],
        Combine::Numerator => vec![or_nothing(&slabs, pair(&|v| Some(v[0] * v[1])))],
    })
}

/// Where there is no snow there is no density of it either: the depth is zero all the same.
fn or_nothing(slabs: &[Slab], mut derived: Slab) -> Slab {
    for cell in 0..derived.values.len() {
        if slabs[0].is_valid(cell) && slabs[0].values[cell] == 0.0 {
            derived.values[cell] = 0.0;
            if let Some(valid) = &mut derived.valid {
                valid[cell] = true;
            }
        }
    }
    derived
}

fn read(
    request: &Request<'_>,
    dataset: &Dataset,
    source: &Source,
    extra: &[(String, usize)],
    index: &[usize],
    step: usize,
    own: &mut Chain,
    job: &Job<'_>,
) -> Result<Vec<Slab>, TranslateError> {
    // A partner may have its dimensions in another order, but not other ones.
    let mut flat = 0;
    for (name, len) in &source.extra {
        let at = extra.iter().position(|(n, l)| n == name && l == len).ok_or_else(|| TranslateError::Partner {
            variable: job.sources[0].name.clone(),
            field: job.fields[0].id.clone(),
            needs: format!("`{}` on the same levels and times", source.name),
        })?;
        flat = flat * len + index[at];
    }
    let read = dataset.read_slabs_with(&source.decoder, &source.name, &source.grid, flat..flat + 1, request.nan)?;
    let mut slab =
        Slab { values: read.values.into_raw_vec_and_offset().0, valid: read.valid.map(|v| v.into_raw_vec_and_offset().0) };
    if !source.linear.is_identity() {
        slab.map(|v| source.linear.apply(v));
    }
    own.apply(step, vec![slab], &job.around).map_err(|error| TranslateError::Chain {
        variable: source.name.clone(),
        field: job.fields[0].id.clone(),
        source: error,
    })
}

fn write(
    job: &Job<'_>,
    file: &mut NewFile,
    number: NumberType,
    index: &[usize],
    layers_at: Option<usize>,
    done: Vec<Slab>,
) -> Result<(), TranslateError> {
    let (_, horizontal) = shape(job);
    let linear = job.targets[0].linear;
    for (k, mut slab) in done.into_iter().enumerate() {
        // With layers each slab is one of them, else each is a variable of its own.
        let (target, layer) = if layers_at.is_some() { (0, Some(k)) } else { (k, None) };
        if !linear.is_identity() {
            slab.map(|v| linear.apply(v));
        }
        let part: Vec<_> = index
            .iter()
            .enumerate()
            .map(|(at, &i)| if Some(at) == layers_at { layer.unwrap_or(i) } else { i })
            .map(|i| i..i + 1)
            .chain(horizontal.iter().map(|(_, len)| 0..*len))
            .collect();
        let filled = (0..slab.values.len()).map(|cell| if slab.is_valid(cell) { slab.values[cell] } else { FILL });
        let numbers = match number {
            NumberType::F32 => Numbers::F32(filled.map(|v| v as f32).collect()),
            _ => Numbers::F64(filled.collect()),
        };
        file.put_numbers(&job.targets[target].name, &part, &numbers)?;
    }
    Ok(())
}

fn reports(job: &Job<'_>, judges: Vec<Judge>, clipped: usize) -> Result<Vec<FieldReport>, TranslateError> {
    let operations: Vec<String> = match &job.combine {
        Combine::Operations(list) => list.iter().map(ToString::to_string).collect(),
        Combine::Quotient(_) | Combine::Denominator(_) => vec!["quotient".to_owned()],
        Combine::Numerator => vec!["product".to_owned()],
    };
    let largest = judges[0].range.map(|[_, high]| high);
    if job.is_percentage && largest.is_some_and(|high| high > 0.0 && 100.0 * high <= SUSPICIOUS_PERCENT) {
        return Err(TranslateError::LooksLikeFraction {
            variable: job.sources[0].name.clone(),
            field: job.fields[0].id.clone(),
            largest: 100.0 * largest.unwrap_or_default(),
        });
    }
    let mut reports: Vec<FieldReport> = Vec::new();
    for (k, field) in job.fields.iter().enumerate() {
        let judge = judges.get(k).unwrap_or(&judges[0]);
        reports.push(FieldReport {
            field: field.id.clone(),
            from: job.sources.iter().map(|s| s.name.clone()).collect(),
            to: if job.fields.len() == 1 {
                job.targets.iter().map(|t| t.name.clone()).collect()
            } else {
                vec![job.targets[k].name.clone()]
            },
            operations: operations.clone(),
            range: judge.range,
            out_of_range: judge.outside,
            clipped,
            remarks: job.remarks.clone(),
        });
    }
    Ok(reports)
}
