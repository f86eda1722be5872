//! One file per method; each turns two grids into rows of weights.

mod bilinear;
pub(crate) mod centers;
pub(crate) mod conservative;
pub(crate) mod creep;
mod distance;
mod extrapolate;
mod largest;
mod nearest;
mod neighbours;
mod patch;
pub(crate) mod second_order;
mod solve;
mod spread;

use crate::identity::hashes_of;
use crate::links::LinkRows;
use crate::{Device, Keeps, Method, Options, RegridError, Weights, WeightsOrigin};
use centers::Centers;
use knarr_grid::{Columns, Formula, Grid, KnownCorners, Layout, Offsets, Polygons, Rows};
use knarr_kernels::cell_area::{areas_of_same_sized, polygon_area, sine_difference};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;
use std::ops::Range;

pub(crate) use conservative::same_frame;

/// Mean radius of the Earth (WGS 84, IUGG).
pub(crate) const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Bounds this close to a pole reach it (single precision coordinates).
pub(crate) const POLE_TOLERANCE_DEG: f64 = 1e-4;

/// Most cells of a grid: indices are 32 bits.
const CELL_LIMIT: usize = u32::MAX as usize;

/// Weights of the destination cells in `range`.
pub(crate) fn build(
    source: &Grid,
    destination: &Grid,
    options: &Options,
    range: Range<usize>,
    device: &Device,
) -> Result<Weights, RegridError> {
    for (end, grid) in [("source", source), ("destination", destination)] {
        if grid.len() > CELL_LIMIT {
            return Err(RegridError::TooManyCells { end, cells: grid.len(), limit: CELL_LIMIT });
        }
    }
    if source.active_count() == 0 {
        return Err(RegridError::NoActiveCell { end: "source" });
    }
    let made = if options.needs_all_rows() { 0..destination.len() } else { range.clone() };
    let mut to = Centers::of(destination);
    to.restrict(&made);
    #[cfg(feature = "gpu")]
    let on_device = match (device, options.method) {
        (Device::Gpu(gpu), Method::Nearest) if gpu.facts().f64 => Some(nearest_on(gpu, &Centers::of(source), &to, options)?),
        (Device::Gpu(gpu), Method::Bilinear) if gpu.facts().f64 => Some(bilinear::rows_on(gpu, source, &to)?),
        _ => None,
    };
    #[cfg(not(feature = "gpu"))]
    let on_device: Option<LinkRows> = None;
    if let Some(rows) = on_device {
        let rows = extrapolate::fill(rows, source, destination, &to, options.extrapolation)?;
        return Ok(cut(point_weights(source, destination, options, rows, None), range));
    }
    let rows = match options.method {
        Method::Nearest | Method::Distance { .. } | Method::Gaussian { .. } | Method::Radial { .. } => {
            neighbour_rows(&Centers::of(source), &to, options).expect("a method of nearest centers")
        }
        Method::Bilinear => bilinear::rows(source, &to),
        Method::Bicubic => bilinear::cubic_rows(source, &to).unwrap_or_else(|| patch::rows(source, &to)),
        Method::Patch => patch::rows(source, &to),
        Method::Spread { radius_m, keeps } => {
            return Ok(cut(spread_weights(source, destination, options, radius_m, keeps), range));
        }
        Method::Conservative | Method::Conservative2nd | Method::LargestFraction => {
            let mut weights = conservative::build(source, destination, &made, options, device)?;
            let rows = LinkRows {
                row_starts: std::mem::take(&mut weights.row_starts),
                columns: std::mem::take(&mut weights.columns),
                values: std::mem::take(&mut weights.values),
            };
            if options.method == Method::LargestFraction {
                let rows = extrapolate::fill(largest::of_overlaps(&rows), source, destination, &to, options.extrapolation)?;
                return Ok(cut(point_weights(source, destination, options, rows, weights.areas), range));
            }
            let rows = if options.method == Method::Conservative2nd {
                weights.origin.method = weights.origin.method.replace("first order", "second order");
                let sum = |i: usize| rows.row(i).map(|l| l.1).sum::<f64>();
                // Areas are shares of the destination cell here: what they are divided by cancels in each row.
                let covered = conservative::covered_areas(&weights);
                let overlaps = second_order::areas(&rows, |i| covered(i) / sum(i));
                let mut second = second_order::rows(&overlaps, source, destination, options.edges);
                second_order::scaled(&mut second, sum);
                second
            } else {
                rows
            };
            let rows = extrapolate::fill(rows, source, destination, &to, options.extrapolation)?;
            let weights = Weights { row_starts: rows.row_starts, columns: rows.columns, values: rows.values, ..weights };
            return Ok(cut(weights, range));
        }
    };
    let rows = extrapolate::fill(rows, source, destination, &to, options.extrapolation)?;
    Ok(cut(point_weights(source, destination, options, rows, None), range))
}

/// Rows of a method that looks for the nearest of the active centers of `from`; `None` for the others.
pub(crate) fn neighbour_rows(from: &Centers, to: &Centers, options: &Options) -> Option<LinkRows> {
    let reach = options.reach_chord2();
    Some(match options.method {
        Method::Nearest => nearest::rows(from, to, reach),
        Method::Distance { neighbours } => distance::rows(&from.near_points(), to, neighbours, reach),
        Method::Gaussian { neighbours } => neighbours::gaussian(from, to, neighbours, reach),
        Method::Radial { neighbours } => neighbours::radial(from, to, neighbours, reach),
        _ => return None,
    })
}

/// Rows of the nearest center, looked for on a device with double precision.
#[cfg(feature = "gpu")]
pub(crate) fn nearest_on(
    gpu: &knarr_kernels::gpu::Gpu,
    from: &Centers,
    to: &Centers,
    options: &Options,
) -> Result<LinkRows, RegridError> {
    nearest::rows_on(gpu, from, to, options.reach_chord2())
}

/// Rows `range` of `weights`.
fn cut(mut weights: Weights, range: Range<usize>) -> Weights {
    if range == (0..weights.destination_len()) {
        return weights;
    }
    let links = weights.row_starts[range.start]..weights.row_starts[range.end];
    let keep = |values: &mut Vec<f64>, range: &Range<usize>| {
        values.truncate(range.end);
        values.drain(..range.start);
    };
    keep(&mut weights.values, &links);
    for [_, destination] in weights.areas.iter_mut().chain(&mut weights.fractions) {
        keep(destination, &range);
    }
    weights.columns.truncate(links.end);
    weights.columns.drain(..links.start);
    weights.row_starts = weights.row_starts[range.start..=range.end].iter().map(|start| start - links.start).collect();
    weights
}

/// Weights that bring every active source cell somewhere.
fn spread_weights(source: &Grid, destination: &Grid, options: &Options, radius_m: u32, keeps: Keeps) -> Weights {
    let areas = [source, destination].map(cell_areas);
    let [source_areas, destination_areas] = &areas;
    let kept = match keeps {
        Keeps::Sum | Keeps::Mean => spread::Kept::Amount,
        Keeps::Integral => spread::Kept::Integral { source_areas, destination_areas },
    };
    let rows = spread::rows(source, &Centers::of(destination), f64::from(radius_m) / EARTH_RADIUS_M, kept);
    let rows =
        if keeps == Keeps::Mean { LinkRows::collect(rows.len(), || (), |i, (), links| links.extend(rows.row(i))) } else { rows };
    let mut weights = point_weights(source, destination, options, rows, Some(areas));
    if keeps == Keeps::Mean {
        weights.origin.method += ":mean";
    }
    if keeps == Keeps::Integral {
        // The integral over whole destination cells is that over the source cells.
        weights.origin.conservative = true;
        weights.origin.normalization = "destarea".into();
        weights.fractions = Some([weights.source_fractions().into_owned(), weights.destination_fractions().into_owned()]);
    }
    weights
}

/// Weights of a method that interpolates between centers.
fn point_weights(source: &Grid, destination: &Grid, options: &Options, rows: LinkRows, areas: Option<[Vec<f64>; 2]>) -> Weights {
    let [source_hash, destination_hash, options_hash] = hashes_of(source, destination, options);
    Weights {
        source_len: source.len(),
        row_starts: rows.row_starts,
        columns: rows.columns,
        values: rows.values,
        areas,
        fractions: None,
        origin: WeightsOrigin {
            method: options.method.to_string(),
            normalization: "none".into(),
            conservative: false,
            source_hash,
            destination_hash,
            options_hash,
            fixed_value: None,
        },
    }
}

/// Areas of all cells in steradians, masked ones too; 0 for points and dropped cells.
pub fn cell_areas(grid: &Grid) -> Vec<f64> {
    match &grid.layout {
        Layout::Formula(formula) => areas_of_formula(formula),
        Layout::Polygons { polygons, .. } => areas_of_polygons(polygons),
        Layout::Rows(rows) => areas_of_rows(rows),
        Layout::Points { .. } => vec![0.0; grid.len()],
    }
}

/// Cells that one task measures.
const MEASURED: usize = 4096;

fn areas_of_polygons(polygons: &Polygons) -> Vec<f64> {
    match &polygons.offsets {
        Offsets::Uniform(3) => areas_of_same_sized_polygons::<3>(polygons),
        Offsets::Uniform(4) => areas_of_same_sized_polygons::<4>(polygons),
        _ => {
            let area = |corners: &mut Vec<UnitVector>, cell| {
                corners.clear();
                polygons.copy_cell(cell, corners);
                polygon_area(corners)
            };
            (0..polygons.len()).into_par_iter().map_init(Vec::new, area).collect()
        }
    }
}

fn areas_of_same_sized_polygons<const N: usize>(polygons: &Polygons) -> Vec<f64> {
    let mut areas = vec![0.0; polygons.len()];
    let tasks = areas.par_chunks_mut(MEASURED).zip(polygons.corners.par_chunks(N * MEASURED)).with_max_len(1);
    tasks.for_each(|(areas, corners)| areas_of_same_sized::<N>(&polygons.vertices, corners, areas));
    areas
}

/// The same as of its polygons, which are made some at a time.
fn areas_of_formula(formula: &Formula) -> Vec<f64> {
    let mut areas = vec![0.0; formula.len()];
    areas.par_chunks_mut(MEASURED).enumerate().for_each_init(KnownCorners::default, |known, (k, areas)| {
        let Polygons { vertices, corners, .. } = formula.polygons_of(k * MEASURED..k * MEASURED + areas.len(), known);
        match formula.corners_per_cell() {
            3 => areas_of_same_sized::<3>(&vertices, &corners, areas),
            _ => areas_of_same_sized::<4>(&vertices, &corners, areas),
        }
    });
    areas
}

fn areas_of_rows(rows: &Rows) -> Vec<f64> {
    let mut areas = vec![0.0; rows.len()];
    let mut rest = areas.as_mut_slice();
    let mut of_rows = Vec::with_capacity(rows.lats_deg.len());
    for row in 0..rows.lats_deg.len() {
        let count = match &rows.columns {
            Columns::Shared(lon) => lon.centers_deg.len(),
            Columns::Reduced { counts, .. } => counts[row],
        };
        let (own, after) = std::mem::take(&mut rest).split_at_mut(count);
        of_rows.push(own);
        rest = after;
    }
    of_rows.into_par_iter().zip(&rows.lat_bounds_deg).for_each(|(areas, &[south, north])| {
        // One height for the whole row: what is left is arithmetic.
        let height = sine_difference(south, north);
        let count = areas.len();
        for (column, area) in areas.iter_mut().enumerate() {
            let [west, east] = rows.columns.bounds_deg(column, count);
            *area = height * (east - west).to_radians();
        }
    });
    areas
}
