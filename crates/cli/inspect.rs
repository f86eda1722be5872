//! `knarr inspect`: what is in a file, and what is awkward about it.

use crate::Outcome;
use crate::failure::Failure;
use crate::grid::Description;
use crate::slab::{data_variables, grid_of};
use crate::talk::{self, number};
use clap::Args;
use knarr::field::{TimeAxis, TimeUnits};
use knarr::io::times::{self, VariableTime};
use knarr::io::{Dataset, Decoder, NanPolicy, Purpose, Role, VariableGrid, VariableInfo};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Tell what is in a file: variables, grids and how they were recognised, times, missing values, oddities.
#[derive(Args)]
pub struct Inspect {
    /// Files to look into
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Look at these variables only, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    vars: Option<Vec<String>>,
    /// Take the grid from GRID, matched by dimension sizes, where the file has none
    #[arg(long, value_name = "GRID", alias = "grid")]
    source_grid: Option<String>,
    /// List up to N bad cells of each grid
    #[arg(long, value_name = "N", default_value_t = 5)]
    bad_cells: usize,
}

#[derive(serde::Serialize)]
struct FileReport {
    file: String,
    variables: Vec<VariableReport>,
    /// Grids, named by the variables on them.
    grids: Vec<GridReport>,
    times: Vec<TimeReport>,
    others: Vec<OtherReport>,
}

#[derive(serde::Serialize)]
struct VariableReport {
    name: String,
    dimensions: Vec<(String, usize)>,
    dtype: String,
    units: Option<String>,
    standard_name: Option<String>,
    long_name: Option<String>,
    cell_methods: Option<String>,
    chunks: Option<Vec<usize>>,
    grid: Option<usize>,
    values: Option<Values>,
    notes: Vec<String>,
}

#[derive(serde::Serialize)]
struct Values {
    /// All values, or those of the first slab.
    all: bool,
    count: usize,
    missing: usize,
    min: Option<f64>,
    max: Option<f64>,
}

#[derive(serde::Serialize)]
struct GridReport {
    variables: Vec<String>,
    dimensions: Vec<String>,
    #[serde(flatten)]
    description: Description,
}

#[derive(serde::Serialize)]
struct TimeReport {
    name: String,
    steps: usize,
    first: Option<String>,
    last: Option<String>,
    step: Option<String>,
    calendar: Option<String>,
    units: Option<String>,
    problem: Option<String>,
}

#[derive(serde::Serialize)]
struct OtherReport {
    name: String,
    dimensions: Vec<(String, usize)>,
    role: String,
}

impl Inspect {
    /// Runs the verb.
    pub fn run(self, json: bool) -> Result<Outcome, Failure> {
        let reports = self.files.iter().map(|file| self.report(file)).collect::<Result<Vec<_>, _>>()?;
        if json {
            talk::print_json(&reports)?;
        } else {
            talk::print(&reports.iter().map(FileReport::text).collect::<Vec<_>>().join("\n"))?;
        }
        Ok(Outcome::Fine)
    }

    fn report(&self, path: &Path) -> Result<FileReport, Failure> {
        let dataset = Dataset::open(path)?;
        let chosen: Vec<&VariableInfo> = match &self.vars {
            Some(names) => names.iter().map(|n| dataset.variable(n)).collect::<Result<_, _>>()?,
            None => data_variables(&dataset).collect(),
        };
        let mut report = FileReport {
            file: path.display().to_string(),
            variables: Vec::new(),
            grids: Vec::new(),
            times: Vec::new(),
            others: others(&dataset, &chosen),
        };
        let mut known: HashMap<String, (usize, VariableGrid)> = HashMap::new();
        for variable in chosen {
            let mut notes = Vec::new();
            let grid = self.grid_index(&dataset, variable, &mut known, &mut report, &mut notes);
            if let Some(time) = times::time_of(&dataset, variable) {
                add_time(&dataset, time, &mut report.times, &mut notes);
            }
            let values = match &grid {
                Some((_, grid)) => self.values(&dataset, variable, grid, &mut notes),
                None => None,
            };
            let attribute = |name: &str| variable.attributes.text(name).map(str::to_owned);
            report.variables.push(VariableReport {
                name: variable.name.clone(),
                dimensions: variable.dims.clone(),
                dtype: variable.dtype.to_string(),
                units: attribute("units"),
                standard_name: attribute("standard_name"),
                long_name: attribute("long_name"),
                cell_methods: attribute("cell_methods"),
                chunks: dataset.file().find(&variable.name).and_then(|v| v.chunks.clone()),
                grid: grid.map(|(index, _)| index),
                values,
                notes,
            });
        }
        Ok(report)
    }

    /// The number of the variable's grid in the report, which it joins.
    fn grid_index(
        &self,
        dataset: &Dataset,
        variable: &VariableInfo,
        known: &mut HashMap<String, (usize, VariableGrid)>,
        report: &mut FileReport,
        notes: &mut Vec<String>,
    ) -> Option<(usize, VariableGrid)> {
        let named: Vec<Option<&str>> =
            ["coordinates", "grid_mapping", "mesh", "location"].iter().map(|a| variable.attributes.text(a)).collect();
        let key = format!("{named:?} {:?}", variable.dims);
        if let Some((index, grid)) = known.get(&key) {
            report.grids[*index].variables.push(variable.name.clone());
            return Some((*index, grid.clone()));
        }
        let grid = match grid_of(dataset, variable, self.source_grid.as_deref()) {
            Ok(grid) => grid,
            Err(failure) => {
                notes.push(format!("no grid: {}", failure.without_path(dataset.path())));
                return None;
            }
        };
        let same = |(_, other): &&(usize, VariableGrid)| other.dims == grid.dims && other.grid == grid.grid;
        let index = match known.values().find(same) {
            Some((index, _)) => *index,
            None => {
                report.grids.push(GridReport {
                    variables: Vec::new(),
                    dimensions: grid.dims.clone(),
                    description: Description::of(&grid.grid, self.bad_cells),
                });
                report.grids.len() - 1
            }
        };
        report.grids[index].variables.push(variable.name.clone());
        known.insert(key, (index, grid.clone()));
        Some((index, grid))
    }

    /// Counts missing values: all if they are few enough to read at once, else those of the first slab.
    fn values(&self, dataset: &Dataset, variable: &VariableInfo, grid: &VariableGrid, notes: &mut Vec<String>) -> Option<Values> {
        if variable.is_empty() {
            notes.push("it has no values: a dimension has length 0".to_owned());
            return None;
        }
        const AT_ONCE: usize = 20_000_000;
        let read = || {
            let slabs = dataset.slab_count(&variable.name, grid)?;
            let all = variable.len() <= AT_ONCE;
            let range = 0..if all { slabs } else { 1 };
            let decoder = Decoder::new(dataset.file(), dataset.file().variable(&variable.name)?, Purpose::Data)?;
            let slabs = dataset.read_slabs(&variable.name, grid, range.clone(), NanPolicy::Error);
            match slabs {
                Err(knarr::io::IoError::NanWithoutFill { .. }) => {
                    let slabs = dataset.read_slabs(&variable.name, grid, range, NanPolicy::Missing)?;
                    Ok((slabs, all, decoder, true))
                }
                slabs => Ok((slabs?, all, decoder, false)),
            }
        };
        let (slabs, all, decoder, undeclared_nan) = match read() {
            Ok(found) => found,
            Err(error) => {
                let error: knarr::io::IoError = error;
                notes.push(error.to_string());
                return None;
            }
        };
        notes.extend(decoder.remarks().iter().cloned());
        if decoder.is_packed() {
            notes.push("values are packed (scale_factor, add_offset)".to_owned());
        }
        if undeclared_nan {
            notes.push("holds NaN that no attribute declares missing: `knarr regrid --nan missing` takes it so".to_owned());
        }
        let (mut missing, mut min, mut max) = (0, f64::INFINITY, f64::NEG_INFINITY);
        for (i, value) in slabs.values.iter().enumerate() {
            if slabs.valid.as_ref().is_some_and(|v| !v.as_slice().is_none_or(|v| v[i])) {
                missing += 1;
            } else {
                (min, max) = (min.min(*value), max.max(*value));
            }
        }
        let count = slabs.values.len();
        if missing == count {
            notes.push("all values are missing".to_owned());
        }
        let some = missing < count;
        Some(Values { all, count, missing, min: some.then_some(min), max: some.then_some(max) })
    }
}

fn add_time(dataset: &Dataset, time: VariableTime, times: &mut Vec<TimeReport>, notes: &mut Vec<String>) {
    match time.axis {
        Ok(axis) => {
            if !times.iter().any(|t| t.name == axis.name) {
                times.push(time_report(&axis));
            }
        }
        Err(problem) => {
            let name = time.dimension.unwrap_or_else(|| "time".to_owned());
            if !times.iter().any(|t| t.name == name) {
                let units = dataset.variable(&name).ok().and_then(|v| v.attributes.text("units").map(str::to_owned));
                let steps = dataset.variable(&name).map_or(0, |v| v.len());
                let problem = Some(problem.clone());
                times.push(TimeReport { name, steps, first: None, last: None, step: None, calendar: None, units, problem });
            }
            notes.push(format!("its time cannot be told as dates: {problem}"));
        }
    }
}

fn time_report(axis: &TimeAxis) -> TimeReport {
    let steps = axis.values.len();
    let label = |index| (steps > 0).then(|| axis.label(index));
    TimeReport {
        name: axis.name.clone(),
        steps,
        first: label(0),
        last: label(steps.saturating_sub(1)),
        step: step_in_words(&axis.values, &axis.units),
        calendar: Some(axis.units.calendar().name().to_owned()),
        units: Some(axis.units.text().to_owned()),
        problem: (0..steps).find_map(|k| axis.date_time(k).err()).map(|e| e.to_string()),
    }
}

/// `1 days`, or `28 to 31 days` for months.
fn step_in_words(values: &[f64], units: &TimeUnits) -> Option<String> {
    let steps: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
    let (low, high) = steps.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), s| (l.min(*s), h.max(*s)));
    let unit = units.text().split_whitespace().next().unwrap_or_default();
    if steps.is_empty() {
        return None;
    }
    // Steps kept as floating point differ by rounding of the times.
    let even = (high - low).abs() <= 1e-6 * high.abs();
    Some(if even { format!("{} {unit}", number(high)) } else { format!("{} to {} {unit}", number(low), number(high)) })
}

fn others(dataset: &Dataset, chosen: &[&VariableInfo]) -> Vec<OtherReport> {
    dataset
        .variables()
        .iter()
        .filter(|v| !chosen.iter().any(|c| c.name == v.name))
        .map(|v| OtherReport {
            name: v.name.clone(),
            dimensions: v.dims.clone(),
            role: match v.role {
                Role::Data => "data",
                Role::Ancillary => "ancillary",
                Role::Coordinate => "coordinate",
                Role::Bounds => "bounds",
                Role::GridMapping => "grid mapping",
                Role::Mesh => "mesh",
                Role::CellMeasure => "cell measure",
                Role::FormulaTerm => "formula term",
                Role::Text => "text",
                Role::Unreadable => "not readable",
            }
            .to_owned(),
        })
        .collect()
}

impl FileReport {
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.file);
        for variable in &self.variables {
            text += &variable.text();
        }
        for (k, grid) in self.grids.iter().enumerate() {
            text += &format!("grid {} of {} ({})\n", k + 1, grid.variables.join(", "), grid.dimensions.join(", "));
            text += &grid.description.lines("  ");
        }
        for time in &self.times {
            text += &time.text();
        }
        if !self.others.is_empty() {
            text += "other variables\n";
        }
        for other in &self.others {
            text += &format!("  {}{}: {}\n", other.name, dims_in_words(&other.dimensions), other.role);
        }
        text
    }
}

impl VariableReport {
    fn text(&self) -> String {
        let mut text = format!("variable {}{} {}\n", self.name, dims_in_words(&self.dimensions), self.dtype);
        let mut line = |what: &str, value: &str| text += &format!("  {what:<10}  {value}\n");
        for (what, value) in [
            ("units", &self.units),
            ("name", &self.standard_name),
            ("long name", &self.long_name),
            ("statistic", &self.cell_methods),
        ] {
            if let Some(value) = value {
                line(what, value);
            }
        }
        match self.grid {
            Some(index) => line("grid", &(index + 1).to_string()),
            None => line("grid", "none"),
        }
        if let Some(values) = &self.values {
            let part = if values.all { "" } else { " in the first slab" };
            let range = match (values.min, values.max) {
                (Some(min), Some(max)) => format!("{} to {}, ", number(min), number(max)),
                _ => String::new(),
            };
            line("values", &format!("{range}{} of {} missing{part}", values.missing, values.count));
        }
        if let Some(chunks) = &self.chunks {
            line("chunks", &chunks.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "));
        }
        for note in &self.notes {
            line("note", note);
        }
        text
    }
}

impl TimeReport {
    fn text(&self) -> String {
        let mut text = format!("time {}: {} step{}", self.name, self.steps, if self.steps == 1 { "" } else { "s" });
        match (&self.first, &self.last) {
            (Some(first), Some(last)) if self.steps > 1 => text += &format!(", {first} to {last}"),
            (Some(first), _) => text += &format!(", {first}"),
            _ => {}
        }
        if let Some(step) = &self.step {
            text += &format!(", every {step}");
        }
        if let Some(calendar) = &self.calendar {
            text += &format!(", calendar {calendar}");
        }
        text.push('\n');
        if let Some(problem) = &self.problem {
            text += &format!("  note        {problem}\n");
        }
        text
    }
}

fn dims_in_words(dims: &[(String, usize)]) -> String {
    if dims.is_empty() {
        return String::new();
    }
    format!(" ({})", dims.iter().map(|(name, len)| format!("{name} {len}")).collect::<Vec<_>>().join(", "))
}
