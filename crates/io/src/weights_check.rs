//! Judgement of any weights file: is it a map one may use, does it conserve.

use crate::IoError;
use crate::weights::raw::{RawEnd, RawWeights};
use knarr_kernels::global_integral::{Compensated, sum};
use rayon::prelude::*;
use serde::Serialize;
use std::path::Path;

/// Sums of weights may miss their target by this much: a row of a hundred weights rounds to 1e-14, programs that
/// compute areas with less care reach 1e-10, a lost sliver of a cell is larger.
const SUM_TOLERANCE: f64 = 1e-9;

/// A first-order weight may be this much below 0 or above 1 by rounding.
const RANGE_TOLERANCE: f64 = 1e-12;

/// Grids of the whole sphere in files of other programs miss 4π by up to this much.
const SPHERE_TOLERANCE: f64 = 1e-6;

/// Rows listed in a verdict.
const MAX_WORST_ROWS: usize = 10;

/// How a criterion came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Met.
    Pass,
    /// Not met.
    Fail,
    /// Not to be judged for such a map.
    NotApplicable,
}

/// One criterion of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Criterion {
    /// What is judged.
    pub name: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// The threshold.
    pub expected: String,
}

/// A destination cell whose weights miss their sum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WorstRow {
    /// Destination cell, counted from 1 as in the file.
    pub row: usize,
    /// Longitude of its center, if known.
    pub lon_deg: Option<f64>,
    /// Latitude of its center, if known.
    pub lat_deg: Option<f64>,
    /// Sum of its weights.
    pub sum: f64,
    /// What the sum should be.
    pub expected: f64,
}

/// What a weights file is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightsVerdict {
    /// `ESMF`, `SCRIP` or `TempestRemap`.
    pub convention: &'static str,
    /// Method as the file names it.
    pub method: String,
    /// `fracarea`, `destarea` or `none`.
    pub normalization: String,
    /// Number of source cells.
    pub source_cells: usize,
    /// Number of destination cells.
    pub destination_cells: usize,
    /// Number of links.
    pub links: usize,
    /// Destination cells without links.
    pub unmapped: usize,
    /// Smallest weight.
    pub min_weight: f64,
    /// Largest weight.
    pub max_weight: f64,
    /// Area of the source grid over that of the sphere, if the file has areas.
    pub source_area_of_sphere: Option<f64>,
    /// Area of the destination grid over that of the sphere, if the file has areas.
    pub destination_area_of_sphere: Option<f64>,
    /// Criteria in a fixed order.
    pub criteria: Vec<Criterion>,
    /// The rows farthest from their sum, at most ten, none if all are within the threshold.
    pub worst_rows: Vec<WorstRow>,
    /// Remarks of the reader.
    pub notes: Vec<String>,
}

impl WeightsVerdict {
    /// Whether no criterion failed.
    pub fn passed(&self) -> bool {
        self.criteria.iter().all(|c| c.outcome != Outcome::Fail)
    }
}

/// Judges a weights file of any program: indices, repeated links, numbers, row sums, conservation, areas, range of weights and
/// fractions, masks.
///
/// Row i should sum to 1, or to its fraction where weights are normalised by the destination's area. Column j of a
/// conservative map should carry Σ_i w_ij·A_i(·f_i for fracarea) = A_j·f_j.
///
/// # Errors
/// [`IoError`] if the file cannot be read or holds no weights; faults of the weights are in the verdict.
pub fn check_weights(file: &Path) -> Result<WeightsVerdict, IoError> {
    Ok(judge(&RawWeights::read(file)?))
}

fn judge(raw: &RawWeights) -> WeightsVerdict {
    let links = raw.values.len();
    let all = || (0..links).into_par_iter().with_min_len(1 << 14);
    // Smallest and largest do not depend on the order.
    let (min_weight, max_weight) = all()
        .filter(|&k| is_usable(raw, k))
        .map(|k| (raw.values[k], raw.values[k]))
        .reduce(|| (f64::INFINITY, f64::NEG_INFINITY), |a, b| (a.0.min(b.0), a.1.max(b.1)));
    let rows = row_sums(raw);
    let worst_rows = worst_rows(raw, &rows);
    let outside = all().filter(|&k| !raw.is_inside(k)).count();
    let not_finite = all().filter(|&k| !raw.values[k].is_finite()).count();
    let of_sphere =
        |end: &RawEnd| end.areas.as_ref().map(|a| sum(a) / (4.0 * std::f64::consts::PI)).filter(|&fraction| fraction > 0.0);
    let (source_area, destination_area) = (of_sphere(&raw.source), of_sphere(&raw.destination));
    let criteria = vec![
        counted("indices in range", outside, "0 links outside the grids"),
        counted("finite weights", not_finite, "0 weights that are no number"),
        counted("no repeated links", repeated_links(raw), "0 pairs of cells linked twice"),
        row_criterion(raw, &rows),
        column_criterion(raw),
        area_criterion(source_area, destination_area),
        range_criterion(raw, min_weight, max_weight),
        fraction_criterion(raw),
        counted("masked cells unused", masked_links(raw), "0 links from or to masked cells"),
    ];
    WeightsVerdict {
        convention: raw.convention,
        method: raw.method.clone(),
        normalization: raw.normalization.clone(),
        source_cells: raw.source.len,
        destination_cells: raw.destination.len,
        links,
        unmapped: rows.iter().filter(|r| r.is_none()).count(),
        min_weight: if min_weight > max_weight { 0.0 } else { min_weight },
        max_weight: if min_weight > max_weight { 0.0 } else { max_weight },
        source_area_of_sphere: source_area,
        destination_area_of_sphere: destination_area,
        criteria,
        worst_rows,
        notes: raw.notes.clone(),
    }
}

fn counted(name: &'static str, count: usize, expected: &str) -> Criterion {
    let outcome = if count == 0 { Outcome::Pass } else { Outcome::Fail };
    Criterion { name, outcome, found: count.to_string(), expected: expected.to_owned() }
}

fn not_applicable(name: &'static str, why: &str) -> Criterion {
    Criterion { name, outcome: Outcome::NotApplicable, found: why.to_owned(), expected: String::new() }
}

fn limited(name: &'static str, ok: bool, found: String, expected: String) -> Criterion {
    Criterion { name, outcome: if ok { Outcome::Pass } else { Outcome::Fail }, found, expected }
}

/// Whether link `k` joins two cells by a number.
fn is_usable(raw: &RawWeights, k: usize) -> bool {
    raw.is_inside(k) && raw.values[k].is_finite()
}

/// Sum of the weights of each row, `None` for rows without links.
fn row_sums(raw: &RawWeights) -> Vec<Option<f64>> {
    if raw.rows.outside.is_none() && raw.has_ascending_rows() {
        let starts = raw.row_starts();
        let sum_of = |row: usize| {
            let mut sum: Option<Compensated> = None;
            (starts[row]..starts[row + 1])
                .filter(|&k| is_usable(raw, k))
                .for_each(|k| sum.get_or_insert_default().add(raw.values[k]));
            sum.map(|s| s.value())
        };
        return (0..raw.destination.len).into_par_iter().with_min_len(1 << 12).map(sum_of).collect();
    }
    let mut sums: Vec<Option<Compensated>> = vec![None; raw.destination.len];
    for k in (0..raw.values.len()).filter(|&k| is_usable(raw, k)) {
        sums[raw.rows.cells[k] as usize].get_or_insert_default().add(raw.values[k]);
    }
    sums.into_iter().map(|s| s.map(|s| s.value())).collect()
}

/// What a row should sum to.
fn expected_sum(raw: &RawWeights, row: usize) -> f64 {
    match &raw.destination.fractions {
        Some(fractions) if raw.normalization == "destarea" => fractions[row],
        _ => 1.0,
    }
}

/// Without fractions the sums of partly covered cells cannot be told from faults.
fn rows_are_judged(raw: &RawWeights) -> bool {
    raw.normalization != "destarea" || raw.destination.fractions.is_some()
}

fn row_criterion(raw: &RawWeights, rows: &[Option<f64>]) -> Criterion {
    const NAME: &str = "consistency (row sums)";
    if !rows_are_judged(raw) {
        return not_applicable(NAME, "normalised by the destination's area, but the file has no fractions");
    }
    let worst = rows.iter().enumerate().filter_map(|(i, s)| s.map(|s| (s - expected_sum(raw, i)).abs())).fold(0.0, f64::max);
    let target = if raw.normalization == "destarea" { "the cell's fraction" } else { "1" };
    limited(NAME, worst <= SUM_TOLERANCE, format!("within {worst:.1e} of {target}"), format!("within {SUM_TOLERANCE:.0e}"))
}

fn worst_rows(raw: &RawWeights, rows: &[Option<f64>]) -> Vec<WorstRow> {
    if !rows_are_judged(raw) {
        return Vec::new();
    }
    let mut bad: Vec<WorstRow> = rows
        .iter()
        .enumerate()
        .filter_map(|(i, &sum)| {
            let (sum, expected) = (sum?, expected_sum(raw, i));
            let center = raw.destination.centers.as_ref().map(|c| c[i]);
            ((sum - expected).abs() > SUM_TOLERANCE).then_some(WorstRow {
                row: i + 1,
                lon_deg: center.map(|c| c.lon_deg),
                lat_deg: center.map(|c| c.lat_deg),
                sum,
                expected,
            })
        })
        .collect();
    let miss = |r: &WorstRow| (r.sum - r.expected).abs();
    bad.sort_by(|a, b| miss(b).total_cmp(&miss(a)).then(a.row.cmp(&b.row)));
    bad.truncate(MAX_WORST_ROWS);
    bad
}

fn column_criterion(raw: &RawWeights) -> Criterion {
    const NAME: &str = "conservation (column sums)";
    let (Some(source), Some(destination), true) = (&raw.source.areas, &raw.destination.areas, raw.has_areas()) else {
        return not_applicable(NAME, "the file has no areas");
    };
    if !raw.conservative {
        return not_applicable(NAME, "the method is not conservative");
    }
    let mut carried = vec![Compensated::default(); raw.source.len];
    let by_fraction = raw.normalization == "fracarea";
    if by_fraction && raw.destination.fractions.is_none() {
        return not_applicable(NAME, "normalised by fractions, which the file does not have");
    }
    for k in (0..raw.values.len()).filter(|&k| is_usable(raw, k)) {
        let row = raw.rows.cells[k] as usize;
        let fraction = raw.destination.fractions.as_ref().filter(|_| by_fraction).map_or(1.0, |f| f[row]);
        carried[raw.columns.cells[k] as usize].add(raw.values[k] * destination[row] * fraction);
    }
    let mut worst = (0.0f64, 0usize);
    let (mut total_carried, mut total) = (Compensated::default(), Compensated::default());
    for (j, carried) in carried.iter().enumerate() {
        let fraction = raw.source.fractions.as_ref().map_or(1.0, |f| f[j]);
        let due = source[j] * fraction;
        total_carried.add(carried.value());
        total.add(due);
        if source[j] > 0.0 {
            let miss = (carried.value() - due).abs() / source[j];
            if miss > worst.0 {
                worst = (miss, j);
            }
        }
    }
    let whole = if total.value() > 0.0 { total_carried.value() / total.value() - 1.0 } else { 0.0 };
    limited(
        NAME,
        worst.0 <= SUM_TOLERANCE && whole.abs() <= SUM_TOLERANCE,
        format!("columns within {:.1e} of their cell (worst: {}), total off by {whole:.1e}", worst.0, worst.1 + 1),
        format!("within {SUM_TOLERANCE:.0e}"),
    )
}

fn area_criterion(source: Option<f64>, destination: Option<f64>) -> Criterion {
    const NAME: &str = "areas no more than the sphere";
    if source.is_none() && destination.is_none() {
        return not_applicable(NAME, "the file has no areas");
    }
    let words = |area: Option<f64>| area.map_or_else(|| "none".to_owned(), |a| format!("{a:.9}"));
    let ok = [source, destination].into_iter().flatten().all(|a| a <= 1.0 + SPHERE_TOLERANCE);
    limited(
        NAME,
        ok,
        format!("source {}, destination {} of 4π", words(source), words(destination)),
        format!("at most 1 + {SPHERE_TOLERANCE:.0e}"),
    )
}

fn range_criterion(raw: &RawWeights, min: f64, max: f64) -> Criterion {
    const NAME: &str = "weights between 0 and 1";
    if raw.values.is_empty() {
        return not_applicable(NAME, "there are no links");
    }
    let outside = raw.values.iter().filter(|v| !(-RANGE_TOLERANCE..=1.0 + SUM_TOLERANCE).contains(*v)).count();
    let found = format!("{min:.6e} to {max:.6e}, {outside} outside");
    if raw.is_higher_order() {
        return Criterion { name: NAME, outcome: Outcome::NotApplicable, found, expected: "any, beyond first order".to_owned() };
    }
    limited(NAME, outside == 0, found, format!("-{RANGE_TOLERANCE:.0e} to 1 + {SUM_TOLERANCE:.0e}"))
}

fn fraction_criterion(raw: &RawWeights) -> Criterion {
    const NAME: &str = "fractions between 0 and 1";
    let ends = [&raw.source.fractions, &raw.destination.fractions];
    if ends.iter().all(|f| f.is_none()) {
        return not_applicable(NAME, "the file has no fractions");
    }
    let values = || ends.iter().filter_map(|f| f.as_ref()).flatten().copied();
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let finite = values().all(f64::is_finite);
    limited(
        NAME,
        finite && low >= -SUM_TOLERANCE && high <= 1.0 + SUM_TOLERANCE,
        format!("{low:.9} to {high:.9}{}", if finite { "" } else { ", some are no number" }),
        format!("within {SUM_TOLERANCE:.0e}"),
    )
}

fn repeated_links(raw: &RawWeights) -> usize {
    if raw.is_ordered() {
        return 0;
    }
    let pair = |k: usize| u64::from(raw.rows.cells[k]) << 32 | u64::from(raw.columns.cells[k]);
    let mut pairs: Vec<u64> = (0..raw.values.len()).filter(|&k| is_usable(raw, k)).map(pair).collect();
    pairs.par_sort_unstable();
    pairs.windows(2).filter(|w| w[0] == w[1]).count()
}

fn masked_links(raw: &RawWeights) -> usize {
    let masked = |end: &RawEnd, index: u32| end.mask.as_ref().is_some_and(|m| !m[index as usize]);
    (0..raw.values.len())
        .into_par_iter()
        .with_min_len(1 << 14)
        .filter(|&k| is_usable(raw, k) && raw.values[k] != 0.0)
        .filter(|&k| masked(&raw.source, raw.columns.cells[k]) || masked(&raw.destination, raw.rows.cells[k]))
        .count()
}

impl std::fmt::Display for WeightsVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let method = if self.method.is_empty() { "not named" } else { &self.method };
        writeln!(f, "{} weights, method: {method}, normalization: {}", self.convention, self.normalization)?;
        writeln!(
            f,
            "{} links from {} to {} cells, {} unmapped, weights {:.6e} to {:.6e}",
            self.links, self.source_cells, self.destination_cells, self.unmapped, self.min_weight, self.max_weight
        )?;
        for c in &self.criteria {
            let word = match c.outcome {
                Outcome::Pass => "pass",
                Outcome::Fail => "FAIL",
                Outcome::NotApplicable => "  - ",
            };
            write!(f, "  {word}  {}: {}", c.name, c.found)?;
            if c.outcome == Outcome::NotApplicable || c.expected.is_empty() {
                writeln!(f)?;
            } else {
                writeln!(f, " (expected {})", c.expected)?;
            }
        }
        if !self.worst_rows.is_empty() {
            writeln!(f, "  worst rows:")?;
        }
        for row in &self.worst_rows {
            let place = match (row.lon_deg, row.lat_deg) {
                (Some(lon), Some(lat)) => format!(" at {lon:.3}E {lat:.3}N"),
                _ => String::new(),
            };
            writeln!(f, "    row {}{place}: sum {:.12}, expected {:.12}", row.row, row.sum, row.expected)?;
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        let count = |outcome: Outcome| self.criteria.iter().filter(|c| c.outcome == outcome).count();
        write!(
            f,
            "{}: {} criteria met, {} failed, {} not applicable",
            if self.passed() { "PASS" } else { "FAIL" },
            count(Outcome::Pass),
            count(Outcome::Fail),
            count(Outcome::NotApplicable)
        )
    }
}
