//! What regridding did, for people and as JSON.

use crate::regrid::Done;
use crate::talk::{number, table};
use knarr::io::{Summary, VariableReport};

/// Integrals differ by rounding of the sums alone; measured values are below 1e-13.
const INTEGRAL_TOLERANCE: f64 = 1e-10;

/// Weights are means, so values stay between those of the source but for rounding.
const RANGE_TOLERANCE: f64 = 1e-12;

/// Methods that overshoot: cubics and gradients.
const OVERSHOOT: [&str; 4] = ["bicubic", "patch", "radial", "conservative2"];

/// Other methods that promise no range: amounts gather, fixed values are what they are.
const LEAVE_RANGE: [&str; 2] = ["spread", "fixed"];

/// Names of the layers of a method.
fn layers(method: &str) -> impl Iterator<Item = &str> {
    method.split(',').map(|layer| layer.split(':').next().unwrap_or_default())
}

/// Whether a method, as a report names it, may leave the range of the source.
pub fn overshoots(method: &str) -> bool {
    layers(method).any(|layer| OVERSHOOT.contains(&layer))
}

/// The report of `knarr regrid`.
#[derive(serde::Serialize)]
pub struct Report {
    destination: String,
    destination_cells: usize,
    variables: Vec<Line>,
    carried: Vec<String>,
    left_out: Vec<(String, String)>,
}

#[derive(serde::Serialize)]
struct Line {
    name: String,
    source: String,
    method: String,
    why: Option<String>,
    vector_with: Option<String>,
    slabs: usize,
    before: Numbers,
    after: Numbers,
    unmapped: usize,
    conservation_error: Option<f64>,
    range_kept: bool,
    integral_kept: bool,
    notes: Vec<String>,
    /// Values that each layer of a stack made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    levels: Vec<Level>,
}

#[derive(serde::Serialize)]
struct Level {
    layer: String,
    values: u64,
}

#[derive(serde::Serialize)]
struct Numbers {
    min: Option<f64>,
    mean: Option<f64>,
    max: Option<f64>,
    values: u64,
    missing: u64,
}

impl Numbers {
    fn of(summary: &Summary) -> Self {
        let some = |value: f64| (summary.valid > 0).then_some(value);
        let Summary { min, mean, max, valid, missing } = *summary;
        Self { min: some(min), mean: some(mean), max: some(max), values: valid, missing }
    }
}

impl Line {
    fn of(variable: &VariableReport, why: Option<&String>, scales_down: bool) -> Self {
        let (before, after) = (&variable.before, &variable.after);
        let slack = RANGE_TOLERANCE * before.min.abs().max(before.max.abs());
        // Divided by the whole cell, partly covered cells hold less than the mean of their sources.
        let (low, high) = if scales_down { (before.min.min(0.0), before.max.max(0.0)) } else { (before.min, before.max) };
        let is_other = [" (stddev)", " (count)"].iter().any(|made| variable.method.contains(made));
        let promised = !is_other && !overshoots(&variable.method) && !layers(&variable.method).any(|l| LEAVE_RANGE.contains(&l));
        let kept = match &variable.vector {
            // Components change as they turn; no mean of vectors is longer than the longest of them.
            Some(vector) => vector.longest_after <= vector.longest_before * (1.0 + RANGE_TOLERANCE),
            None => after.min >= low - slack && after.max <= high + slack,
        };
        let range_kept = !promised || after.valid == 0 || kept;
        let conservation_error = variable.conservation.map(|c| c.relative_error.abs());
        Self {
            name: variable.name.clone(),
            source: variable.family.clone(),
            method: variable.method.clone(),
            why: why.cloned(),
            vector_with: variable.vector.as_ref().map(|vector| vector.partner.clone()),
            slabs: variable.slabs,
            before: Numbers::of(before),
            after: Numbers::of(after),
            unmapped: variable.unmapped,
            conservation_error,
            range_kept,
            integral_kept: conservation_error.is_none_or(|e| e <= INTEGRAL_TOLERANCE + variable.rounding),
            notes: variable.remarks.clone(),
            levels: variable.levels.iter().map(|(layer, values)| Level { layer: layer.clone(), values: *values }).collect(),
        }
    }
}

impl Report {
    /// The report of a run.
    pub fn new(done: &Done) -> Self {
        let scales_down = done.report.weights.iter().any(|w| w.regridder.weights.joined().origin.normalization == "destarea");
        let lines = done.report.variables.iter().map(|v| Line::of(v, done.reasons.get(&v.name), scales_down));
        Self {
            destination: done.destination.family.to_string(),
            destination_cells: done.destination.len(),
            variables: lines.collect(),
            carried: done.report.carried.clone(),
            left_out: done.report.skipped.clone(),
        }
    }

    /// Whether ranges and integrals are kept.
    pub fn passed(&self) -> bool {
        self.variables.iter().all(|v| v.range_kept && v.integral_kept)
    }

    /// A table, two rows a variable.
    pub fn text(&self) -> String {
        let mut rows = vec![row(&["variable", "", "min", "mean", "max", "values", "missing", "unmapped", "conservation", ""])];
        for v in &self.variables {
            rows.push(v.row(&v.name, "before", &v.before, None));
            rows.push(v.row(&format!("  {}", v.method), "after", &v.after, Some(v)));
        }
        let mut text = table(&rows);
        for v in self.variables.iter().filter(|v| !v.levels.is_empty()) {
            let levels: Vec<String> = v.levels.iter().map(|l| format!("{} {}", l.values, l.layer)).collect();
            text += &format!("  {}: {}, {} missing\n", v.name, levels.join(", "), v.after.missing);
        }
        text += &format!(
            "  to {}, {} cells; conservation: |after - before| / integral of |before|\n",
            self.destination, self.destination_cells
        );
        text
    }

    /// The same as a table in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = "| variable | method | | min | mean | max | values | missing | unmapped | conservation |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|\n".to_owned();
        for v in &self.variables {
            for (when, numbers, last) in [("before", &v.before, None), ("after", &v.after, Some(v))] {
                let cells = v.row(&v.name, when, numbers, last);
                text += &format!("| {} | {} | {} |\n", cells[0], v.method, cells[1..9].join(" | "));
            }
        }
        text
    }
}

impl Line {
    fn row(&self, first: &str, when: &str, numbers: &Numbers, last: Option<&Line>) -> Vec<String> {
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
        let mut cells = vec![
            first.to_owned(),
            when.to_owned(),
            shown(numbers.min),
            shown(numbers.mean),
            shown(numbers.max),
            numbers.values.to_string(),
            numbers.missing.to_string(),
        ];
        if let Some(line) = last {
            cells.push(line.unmapped.to_string());
            cells.push(
                line.conservation_error
                    .map_or_else(|| "-".to_owned(), |e| if e == 0.0 { "0".to_owned() } else { format!("{e:.1e}") }),
            );
            cells.push(match (line.range_kept, line.integral_kept) {
                (true, true) => String::new(),
                (false, _) => "RANGE NOT KEPT".to_owned(),
                (_, false) => "INTEGRAL NOT KEPT".to_owned(),
            });
        } else {
            cells.extend([String::new(), String::new(), String::new()]);
        }
        cells
    }
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|c| (*c).to_owned()).collect()
}
