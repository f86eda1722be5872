//! A file on other levels: pressures, heights or depths in place of the vertical coordinate of its variables.

mod column;
mod coordinate;
mod targets;

pub use targets::Targets;

use crate::decode::NanPolicy;
use crate::rewrite::{Changed, NewAxis, Rewrite, offsets, split, strides};
use crate::{Dataset, IoError, Role, VariableInfo};
use column::{Fate, Scratch, Task};
use coordinate::{Coordinate, columns_of};
use knarr_field::{Attribute, Attributes, CellMethod, CellMethods, VerticalQuantity};
pub use knarr_kernels::vertical::Beyond;
use rayon::prelude::*;
use std::path::PathBuf;

/// How values on the new levels are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerticalMethod {
    /// Lines in pressure, height or depth. Second order; exact at levels; range kept.
    Linear,
    /// Lines in the logarithm of pressure. Second order; exact at levels; range kept.
    Log,
    /// Monotone cubics (PCHIP). Third order; exact at levels; rise and fall kept.
    Pchip,
    /// Means of layers, each layer constant. First order; integral and range kept.
    Conservative,
    /// Means of layers, each layer a parabola (PPM). Third order inside; integral and range kept.
    Ppm,
}

impl VerticalMethod {
    /// Whether layers, not levels, are the source and the target.
    pub fn is_conservative(self) -> bool {
        matches!(self, Self::Conservative | Self::Ppm)
    }
}

/// What is to be done.
pub struct LevelsRequest {
    /// The file to read.
    pub input: PathBuf,
    /// The file to write.
    pub output: PathBuf,
    /// The levels, or the edges of layers for conservative methods.
    pub targets: Targets,
    /// The method.
    pub method: VerticalMethod,
    /// Below the lowest level: under the ground or the sea floor.
    pub below: Beyond,
    /// Above the highest level.
    pub above: Beyond,
    /// Variables to take; all that have such levels if not given.
    pub variables: Option<Vec<String>>,
    /// What NaN means where no attribute tells.
    pub nan: NanPolicy,
    /// Whether an existing output is replaced.
    pub overwrite: bool,
    /// Line added to the `history` attribute.
    pub history: String,
}

/// What was done to a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelsOfVariable {
    /// Its name.
    pub name: String,
    /// Its vertical coordinate.
    pub coordinate: String,
    /// Columns: combinations of the other dimensions.
    pub columns: usize,
    /// Values written, and those of them that are missing.
    pub values: usize,
    /// Values that are missing.
    pub missing: usize,
    /// What is odd about it.
    pub remarks: Vec<String>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelsReport {
    /// Variables on new levels, in the order of the file.
    pub variables: Vec<LevelsOfVariable>,
    /// Variables left out, and why.
    pub skipped: Vec<(String, String)>,
}

/// Columns per task of a thread.
const CHUNK: usize = 512;

/// Puts the variables of a file that have a vertical coordinate of the wanted kind on other levels.
///
/// Variables without it are copied. The coordinate is an axis in units of pressure or length, or a parametric one of
/// CF, whose formula is evaluated in every column (see [`knarr_field::Parametric`]). Missing values are left out of a
/// column. A target beyond the lowest or highest level is what `below` and `above` say.
///
/// # Errors
/// [`IoError::Malformed`] if no variable has such levels or terms of a formula lack; errors of reading and writing.
pub fn levels_file(request: &LevelsRequest) -> Result<LevelsReport, IoError> {
    let dataset = Dataset::open(&request.input)?;
    for name in request.variables.iter().flatten() {
        dataset.variable(name)?;
    }
    // Coefficients of a formula, those of its bounds too, are no fields.
    let terms: Vec<&str> = dataset
        .variables()
        .iter()
        .filter_map(|v| v.attributes.text("formula_terms"))
        .flat_map(|text| text.split_whitespace().filter(|word| !word.ends_with(':')))
        .collect();
    let wanted = |v: &VariableInfo| match &request.variables {
        Some(names) => names.contains(&v.name),
        None => matches!(v.role, Role::Data | Role::Ancillary) && !terms.contains(&v.name.as_str()),
    };
    let mut jobs: Vec<(&VariableInfo, Coordinate)> = Vec::new();
    for v in dataset.variables().iter().filter(|v| wanted(v) && v.dtype.number().is_some()) {
        if let Some(found) = Coordinate::of(&dataset, v)?.filter(|c| request.targets.fit(c.quantity)) {
            jobs.push((v, found));
        }
    }
    let Some((_, first)) = jobs.first() else {
        let problem = format!(
            "no variable has levels of {}: expected an axis with such units, or a parametric coordinate with formula_terms",
            request.targets.quantity_in_words()
        );
        return Err(IoError::Malformed { path: request.input.clone(), what: "levels", problem });
    };
    let quantity = first.quantity;
    let changed: Vec<String> = jobs.iter().map(|(v, _)| v.name.clone()).collect();
    let old: Vec<&str> = jobs.iter().map(|(_, c)| c.dim.as_str()).collect();
    let (carried, skipped) = split(&dataset, &changed, &old, "levels");
    // The name of an axis that stays with other variables is taken.
    let taken = |name: &str| carried.iter().any(|c| c == name) || dims_of(&dataset, &carried).any(|d| d == name);
    let own = request.targets.axis_name(quantity, if first.by_formula { None } else { Some(&first.dim) });
    let axis = if taken(&own) { format!("{own}_new") } else { own };
    let count = request.targets.count(request.method.is_conservative());
    let output = (request.output.as_path(), request.overwrite);
    let mut rewrite = Rewrite::start(&dataset, output, (carried, changed), (&axis, count, false), &request.history)?;
    let source_axis = dataset.variable(&first.variable)?.attributes.clone();
    let attributes = if first.by_formula { None } else { Some(&source_axis) };
    let axis_variables = request.targets.axis_variables(&axis, quantity, request.method.is_conservative(), attributes);
    rewrite.add_dimension("bnds", 2)?;
    for (new, _) in &axis_variables {
        rewrite.add_variable(new)?;
    }
    let mut stores = Vec::with_capacity(jobs.len());
    for (info, coordinate) in &jobs {
        let new = NewAxis { old: &coordinate.dim, new: &axis, len: count, chunk: count };
        let change = |attributes: &mut Attributes| {
            if request.method.is_conservative() {
                add_layer_mean(attributes, &axis);
            }
        };
        stores.push(Changed::add(&mut rewrite, info, request.nan, new, false, change)?);
    }
    rewrite.fill_carried()?;
    for (new, numbers) in &axis_variables {
        let whole: Vec<_> = new.dims.iter().map(|d| 0..if d == "bnds" { 2 } else { count }).collect();
        rewrite.file.put_numbers(&new.name, &whole, numbers)?;
    }
    let task = Task {
        method: request.method,
        targets: request.targets.in_base_units(request.method.is_conservative()),
        quantity,
        below: request.below,
        above: request.above,
    };
    let mut variables = Vec::with_capacity(jobs.len());
    for ((_, coordinate), changed) in jobs.iter().zip(&stores) {
        variables.push(run(changed, coordinate, &task, &mut rewrite)?);
    }
    rewrite.file.finish()?;
    Ok(LevelsReport { variables, skipped })
}

/// Reads, interpolates and writes a variable, one step of its first dimension at a time.
fn run(
    changed: &Changed<'_>,
    coordinate: &Coordinate,
    task: &Task,
    rewrite: &mut Rewrite<'_>,
) -> Result<LevelsOfVariable, IoError> {
    let info = changed.info;
    let stepped = info.dims[0].0 != coordinate.dim && info.dims.len() > 1;
    let steps = if stepped { info.dims[0].1 } else { 1 };
    let columns = columns_of(info, &coordinate.dim, stepped.then_some(0));
    let lens: Vec<usize> = columns.iter().map(|(_, len)| *len).collect();
    let levels = info.dims.iter().find(|(n, _)| *n == coordinate.dim).map_or(0, |(_, len)| *len);
    // Dimensions of a block as stored, before and after.
    let stored: Vec<(String, usize)> = info.dims.iter().skip(usize::from(stepped)).cloned().collect();
    let after: Vec<(String, usize)> =
        stored.iter().map(|(n, len)| (n.clone(), if *n == coordinate.dim { task.len() } else { *len })).collect();
    let level_dim = [(coordinate.dim.clone(), levels)];
    let (at, to) = (offsets(&lens, &strides(&columns, &stored)), offsets(&lens, &strides(&columns, &after)));
    let (level_at, level_to) = (strides(&level_dim, &stored)[0], strides(&level_dim, &after)[0]);
    let (mut missing, mut disordered, mut gaps, mut values_written) = (0, 0, 0, 0);
    for step in 0..steps {
        let here = stepped.then_some(step);
        let at_step = here.map(|step| (info.dims[0].0.as_str(), step));
        let decoded = changed.read(at_step)?;
        let (places, edge_places) = (coordinate.places(info, here), coordinate.edge_places(info, here));
        let one = |column: usize, scratch: &mut Scratch, out: &mut [Option<f64>]| {
            coordinate.levels(&places, column, &mut scratch.levels);
            scratch.values.clear();
            scratch.valid.clear();
            for k in 0..levels {
                let i = at[column] + k * level_at;
                scratch.values.push(decoded.values[i]);
                scratch.valid.push(decoded.valid.as_ref().is_none_or(|v| v[i]));
            }
            if !task.method.is_conservative() {
                return task.between_levels(scratch, out);
            }
            match coordinate.edges(&edge_places, column, &scratch.levels, &mut scratch.edges) {
                Some(()) => task.between_edges(scratch, out),
                None => Fate::Gaps,
            }
        };
        let chunks: Vec<(Vec<Option<f64>>, [usize; 2])> = (0..at.len().div_ceil(CHUNK))
            .into_par_iter()
            .map_init(Scratch::default, |scratch, chunk| {
                let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(at.len());
                let mut out = vec![None; range.len() * task.len()];
                let mut odd = [0; 2];
                for (column, out) in range.zip(out.chunks_mut(task.len())) {
                    match one(column, scratch, out) {
                        Fate::Done => {}
                        Fate::Disordered => odd[0] += 1,
                        Fate::Gaps => odd[1] += 1,
                    }
                }
                (out, odd)
            })
            .collect();
        let size = after.iter().map(|(_, len)| len).product();
        let (mut values, mut valid) = (vec![0.0; size], vec![false; size]);
        let all = chunks.iter().flat_map(|(out, _)| out.chunks(task.len()));
        for (column, out) in all.enumerate() {
            for (k, value) in out.iter().enumerate() {
                let i = to[column] + k * level_to;
                valid[i] = value.is_some();
                values[i] = value.unwrap_or(0.0);
            }
        }
        chunks.iter().for_each(|(_, odd)| (disordered, gaps) = (disordered + odd[0], gaps + odd[1]));
        missing += valid.iter().filter(|v| !**v).count();
        values_written += size;
        changed.write(rewrite, at_step, &values, &valid)?;
    }
    let mut remarks = changed.decoder.remarks().to_vec();
    if disordered > 0 {
        remarks.push(format!("{disordered} columns have levels that neither rise nor fall: they are missing"));
    }
    if gaps > 0 {
        remarks.push(format!("{gaps} columns have no layers that follow each other: they are missing"));
    }
    if task.method.is_conservative() && !coordinate.has_bounds() {
        remarks.push(format!("`{}` has no bounds: layers end half-way between levels", coordinate.variable));
    }
    Ok(LevelsOfVariable {
        name: info.name.clone(),
        coordinate: coordinate.variable.clone(),
        columns: at.len() * steps,
        values: values_written,
        missing,
        remarks,
    })
}

fn dims_of<'a>(dataset: &'a Dataset, names: &'a [String]) -> impl Iterator<Item = &'a str> {
    names.iter().filter_map(|n| dataset.variable(n).ok()).flat_map(|v| v.dims.iter().map(|(n, _)| n.as_str()))
}

fn add_layer_mean(attributes: &mut Attributes, axis: &str) {
    let mut methods = CellMethods::parse(attributes.text("cell_methods").unwrap_or_default());
    methods.0.push(CellMethod { names: vec![axis.to_owned()], method: "mean".to_owned(), rest: String::new() });
    attributes.set("cell_methods", Attribute::Text(methods.to_string()));
}
