//! One-dimensional coordinates and their cell bounds.

use crate::{CornerSource, GridError};

/// Centers along one dimension, with bounds if there are any, as a file gives them.
///
/// Degrees for longitudes and latitudes, metres for the axes of projections.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Cell centers.
    pub centers: Vec<f64>,
    /// Both ends of each cell, in any order.
    pub bounds: Option<Vec<[f64; 2]>>,
}

impl Axis {
    /// Centers without bounds.
    pub fn new(centers: Vec<f64>) -> Self {
        Self { centers, bounds: None }
    }

    /// `count` centers `first, first + step, ...`, each rounded once.
    pub fn regular(first: f64, step: f64, count: usize) -> Self {
        Self::new((0..count).map(|k| first + step * k as f64).collect())
    }
}

/// Lower and upper end of each cell, and how they were found.
pub(crate) struct Bounds {
    pub cells: Vec<[f64; 2]>,
    pub source: CornerSource,
    pub notes: Vec<String>,
}

/// How far two given ends may lie apart, in parts of a cell, to count as one edge written twice.
const TOUCHING: f64 = 2e-3;

/// Fails unless the centers are finite, at least one, and strictly monotone.
fn check(what: &str, centers: &[f64], bounds: Option<&[[f64; 2]]>) -> Result<(), GridError> {
    let bad = |problem: String| Err(GridError::BadAxis { what: what.into(), problem });
    if centers.is_empty() {
        return bad("no values".into());
    }
    if let Some(k) = centers.iter().position(|c| !c.is_finite()) {
        return bad(format!("value {k} is missing"));
    }
    let ascending = centers.len() < 2 || centers[1] > centers[0];
    for k in 1..centers.len() {
        if (centers[k] > centers[k - 1]) != ascending || centers[k] == centers[k - 1] {
            return bad(format!("value {k} ({}) does not go on from {}, expected a monotone axis", centers[k], centers[k - 1]));
        }
    }
    if let Some(bounds) = bounds {
        if bounds.len() != centers.len() {
            return Err(GridError::WrongLength { what: format!("{what} bounds"), found: bounds.len(), expected: centers.len() });
        }
    } else if centers.len() == 1 {
        return bad("one value without bounds, so the extent of the cell is unknown".into());
    }
    Ok(())
}

/// Given bounds in ascending pairs with touching ends made equal, or why they cannot be used.
///
/// `may_gap` lets cells stand apart, which rows of latitude may not.
fn tidy(centers: &[f64], given: &[[f64; 2]], may_gap: bool) -> Result<Vec<[f64; 2]>, String> {
    let mut cells: Vec<[f64; 2]> = given.iter().map(|b| [b[0].min(b[1]), b[0].max(b[1])]).collect();
    for (k, (cell, &center)) in cells.iter().zip(centers).enumerate() {
        let width = cell[1] - cell[0];
        if !(cell[0].is_finite() && cell[1].is_finite() && width > 0.0) {
            return Err(format!("bounds {k} are {:?}", given[k]));
        }
        if center < cell[0] - TOUCHING * width || center > cell[1] + TOUCHING * width {
            return Err(format!("bounds {k} {cell:?} do not hold the center {center}"));
        }
    }
    let ascending = centers.len() < 2 || centers[1] > centers[0];
    for k in 1..cells.len() {
        let (lower, upper) = if ascending { (k - 1, k) } else { (k, k - 1) };
        let apart = cells[upper][0] - cells[lower][1];
        let width = (cells[upper][1] - cells[upper][0]).min(cells[lower][1] - cells[lower][0]);
        if apart.abs() <= TOUCHING * width {
            cells[upper][0] = cells[lower][1];
        } else if apart < 0.0 {
            return Err(format!("cells {} and {k} overlap by {}", k - 1, -apart));
        } else if !may_gap {
            return Err(format!("cells {} and {k} are {apart} apart", k - 1));
        }
    }
    Ok(cells)
}

/// Edges half-way between neighbouring centers, the outer ones as far out as the next one lies in; `n + 1` values.
fn midpoints(centers: &[f64]) -> Vec<f64> {
    let n = centers.len();
    let mut edges = Vec::with_capacity(n + 1);
    edges.push(centers[0] - 0.5 * (centers[1] - centers[0]));
    edges.extend(centers.windows(2).map(|w| w[0] + 0.5 * (w[1] - w[0])));
    edges.push(centers[n - 1] + 0.5 * (centers[n - 1] - centers[n - 2]));
    edges
}

fn pairs(edges: &[f64]) -> Vec<[f64; 2]> {
    edges.windows(2).map(|e| [e[0].min(e[1]), e[0].max(e[1])]).collect()
}

/// Whether the centers are equally spaced up to the rounding of 32-bit numbers in a file.
fn is_regular(centers: &[f64]) -> bool {
    let last = centers.len() - 1;
    let step = (centers[last] - centers[0]) / last as f64;
    let largest = centers[0].abs().max(centers[last].abs());
    let tolerance = (1.2e-7 * largest).min(0.01 * step.abs()).max(1e-9 * step.abs());
    centers.iter().enumerate().all(|(k, c)| (c - centers[0] - step * k as f64).abs() <= tolerance)
}

/// Bounds of rows: they tile, and end at the poles where the axis does.
///
/// `gaussian_edges` (in the order of the centers) are taken when no bounds are given. `closed` says that the
/// rows go round the globe, so that a remainder at a pole of less than half a row belongs to the last row.
pub(crate) fn latitude_bounds(
    what: &str,
    axis: &Axis,
    gaussian_edges: Option<Vec<f64>>,
    closed: bool,
) -> Result<Bounds, GridError> {
    let centers = &axis.centers;
    check(what, centers, axis.bounds.as_deref())?;
    if let Some(center) = centers.iter().find(|c| c.abs() > 90.0 + 1e-4) {
        return Err(GridError::BadAxis { what: what.into(), problem: format!("{center} degrees is beyond the pole") });
    }
    let mut notes = Vec::new();
    if let Some(given) = &axis.bounds {
        match tidy(centers, given, false) {
            Ok(mut cells) => {
                for cell in &mut cells {
                    let width = cell[1] - cell[0];
                    for end in cell {
                        if 90.0 - end.abs() < TOUCHING * width {
                            *end = 90.0f64.copysign(*end);
                        }
                    }
                }
                return Ok(Bounds { cells, source: CornerSource::Given, notes });
            }
            Err(problem) if centers.len() > 1 => notes.push(format!("given {what} bounds not used: {problem}")),
            Err(problem) => return Err(GridError::BadAxis { what: what.into(), problem }),
        }
    }
    if let Some(edges) = gaussian_edges {
        return Ok(Bounds { cells: pairs(&edges), source: CornerSource::Formula, notes });
    }
    let n = centers.len();
    let mut edges = midpoints(centers);
    if is_regular(centers) {
        let span = centers[n - 1] - centers[0];
        let step = span / (n - 1) as f64;
        let sign = span.signum();
        if (span.abs() + step.abs() - 180.0).abs() < 1e-3 * step.abs() {
            // Rows of 180/n degrees: whole fractions, not sums of rounded steps.
            edges = (0..=n).map(|k| sign * (180.0 * k as f64 / n as f64 - 90.0)).collect();
        } else if (span.abs() - 180.0).abs() < 1e-3 * step.abs() {
            // Pole rows as points: half rows at both ends.
            edges = (0..=n).map(|k| sign * (180.0 * (k as f64 - 0.5) / (n - 1) as f64 - 90.0)).collect();
        }
    }
    for (k, inner) in [(0, 1), (n, n - 1)] {
        let width = (edges[k] - edges[inner]).abs();
        let sign = if edges[k] > edges[inner] { 1.0 } else { -1.0 };
        let rest = 90.0 - sign * edges[k];
        if rest <= 1e-3 * width {
            edges[k] = sign * 90.0;
        } else if closed && rest < 0.499 * width {
            notes.push(format!("{what}: the outermost row was extended from {:.4} to the pole", edges[k]));
            edges[k] = sign * 90.0;
        }
    }
    Ok(Bounds { cells: pairs(&edges), source: CornerSource::AxisMidpoints, notes })
}

/// Bounds of columns and what was found out about them.
pub(crate) struct Longitudes {
    pub bounds: Bounds,
    /// The cells close the circle.
    pub periodic: bool,
    /// First column that repeats an earlier one a full turn later; the number of columns if none does.
    pub repeated_from: usize,
}

/// Rounds to a multiple of 2⁻⁴⁴ degrees, so that adding 360 is exact and both sides of the seam have one edge.
fn on_lattice(x: f64) -> f64 {
    const STEPS: f64 = (1u64 << 44) as f64;
    (x * STEPS).round() / STEPS
}

/// The longitudes as one monotone run, neighbours less than half a turn apart.
fn unwrapped(lons: &[f64]) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::with_capacity(lons.len());
    for &lon in lons {
        let next = match out.last() {
            Some(&last) => {
                let turns = ((last - lon) / 360.0).round();
                lon + 360.0 * turns
            }
            None => lon,
        };
        out.push(next);
    }
    // 0 .. 360 in one step, or 720 degrees in few, is an axis as it stands.
    let monotone = |v: &[f64]| v.windows(2).all(|w| w[1] > w[0]) || v.windows(2).all(|w| w[1] < w[0]);
    if monotone(lons) && !monotone(&out) { lons.to_vec() } else { out }
}

/// Bounds of columns about the unwrapped centers: west < east <= west + 360.
pub(crate) fn longitude_bounds(what: &str, axis: &Axis) -> Result<Longitudes, GridError> {
    if axis.centers.iter().all(|c| c.is_finite()) {
        let run = Axis { centers: unwrapped(&axis.centers), bounds: axis.bounds.clone() };
        check(what, &run.centers, run.bounds.as_deref())?;
        return longitude_run_bounds(what, &run);
    }
    check(what, &axis.centers, axis.bounds.as_deref())?;
    longitude_run_bounds(what, axis)
}

fn longitude_run_bounds(what: &str, axis: &Axis) -> Result<Longitudes, GridError> {
    let centers = &axis.centers;
    let n = centers.len();
    let span = centers[n - 1] - centers[0];
    let step = if n > 1 { span / (n - 1) as f64 } else { 0.0 };
    let repeated_from = centers.iter().position(|c| (c - centers[0]).abs() > 360.0 - 0.1 * step.abs()).unwrap_or(n);
    let repeated_from = if n > 1 { repeated_from } else { 1 };
    let mut notes = Vec::new();
    if let Some(given) = &axis.bounds {
        let near: Vec<[f64; 2]> = given.iter().zip(centers).map(|(b, &center)| about(*b, center)).collect();
        match tidy(centers, &near, true) {
            Ok(cells) => {
                let mut cells: Vec<[f64; 2]> = cells.into_iter().map(|c| c.map(on_lattice)).collect();
                let gaps = cells.windows(2).filter(|w| w[0][1] != w[1][0] && w[0][0] != w[1][1]).count();
                if gaps > 0 {
                    notes.push(format!("{what}: {gaps} gaps between the given bounds"));
                }
                let periodic = repeated_from == n && gaps == 0 && close_circle(&mut cells, step < 0.0);
                if let Some(k) = cells.iter().position(|c| c[1] - c[0] > 360.0) {
                    return Err(GridError::BadAxis {
                        what: what.into(),
                        problem: format!("bounds {k} span more than 360 degrees"),
                    });
                }
                let bounds = Bounds { cells, source: CornerSource::Given, notes };
                return Ok(Longitudes { bounds, periodic, repeated_from });
            }
            Err(problem) if n > 1 => notes.push(format!("given {what} bounds not used: {problem}")),
            Err(problem) => return Err(GridError::BadAxis { what: what.into(), problem }),
        }
    }
    let used = &centers[..repeated_from];
    let m = used.len();
    let mut edges = midpoints(centers);
    let rest = 360.0 - (used[m - 1] - used[0]).abs();
    let widest = used.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
    let periodic = rest <= 1.01 * widest;
    if periodic {
        let sign = step.signum();
        if is_regular(used) && (rest - step.abs()).abs() < 1e-3 * step.abs() {
            edges = (0..=n).map(|k| centers[0] + sign * 360.0 * (k as f64 - 0.5) / m as f64).collect();
        } else {
            edges[0] = used[0] - sign * 0.5 * rest;
        }
        edges.iter_mut().for_each(|e| *e = on_lattice(*e));
        for k in m..=n {
            edges[k] = edges[k - m] + sign * 360.0;
        }
    } else {
        edges.iter_mut().for_each(|e| *e = on_lattice(*e));
    }
    let bounds = Bounds { cells: pairs(&edges), source: CornerSource::AxisMidpoints, notes };
    Ok(Longitudes { bounds, periodic, repeated_from })
}

/// The given ends moved by whole turns to either side of the center.
fn about(given: [f64; 2], center: f64) -> [f64; 2] {
    if (given[1] - given[0]).abs() >= 180.0 && given[0].min(given[1]) <= center && center <= given[0].max(given[1]) {
        // Wide cells stay; ends written on the two sides of the seam (359.5, 0.5) do not hold their center.
        let narrow = given.map(|b| b + 360.0 * ((center - b) / 360.0).round());
        let holds = narrow[0].min(narrow[1]) < center && center < narrow[0].max(narrow[1]);
        if !holds {
            return given;
        }
        return if (narrow[1] - narrow[0]).abs() < 180.0 { narrow } else { given };
    }
    given.map(|b| b + 360.0 * ((center - b) / 360.0).round())
}

/// Makes the outer ends one edge if they lie a full turn apart.
fn close_circle(cells: &mut [[f64; 2]], descending: bool) -> bool {
    let n = cells.len();
    let (west, east) = if descending { (n - 1, 0) } else { (0, n - 1) };
    let width = (cells[east][1] - cells[east][0]).min(cells[west][1] - cells[west][0]);
    let closed = cells[west][0] + 360.0;
    if (cells[east][1] - closed).abs() > TOUCHING * width {
        return false;
    }
    cells[east][1] = closed;
    true
}

/// `n + 1` edges of a projection axis in the order of the centers, and where they come from.
pub(crate) fn plane_edges(what: &str, axis: &Axis) -> Result<(Vec<f64>, CornerSource, Vec<String>), GridError> {
    check(what, &axis.centers, axis.bounds.as_deref())?;
    let ascending = axis.centers.len() < 2 || axis.centers[1] > axis.centers[0];
    let mut notes = Vec::new();
    if let Some(given) = &axis.bounds {
        match tidy(&axis.centers, given, false) {
            Ok(cells) => {
                let (first, second) = if ascending { (0, 1) } else { (1, 0) };
                let mut edges: Vec<f64> = cells.iter().map(|c| c[first]).collect();
                edges.push(cells[cells.len() - 1][second]);
                return Ok((edges, CornerSource::Given, notes));
            }
            Err(problem) if axis.centers.len() > 1 => notes.push(format!("given {what} bounds not used: {problem}")),
            Err(problem) => return Err(GridError::BadAxis { what: what.into(), problem }),
        }
    }
    Ok((midpoints(&axis.centers), CornerSource::AxisMidpoints, notes))
}
