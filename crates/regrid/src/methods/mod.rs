//! One file per method; each turns two grids into rows of weights.

mod barycentres;
mod bilinear;
mod centers;
mod conservative;
mod distance;
mod extrapolate;
mod largest;
mod nearest;
mod neighbours;
mod patch;
mod second_order;
mod solve;
mod spread;

use crate::identity::{content_hash, options_hash};
use crate::links::LinkRows;
use crate::{Keeps, Method, Options, RegridError, Weights, WeightsOrigin};
use centers::Centers;
use knarr_grid::{Grid, Layout};
use knarr_kernels::cell_area::{polygon_area, quadrangle_area};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;

/// Mean radius of the Earth (WGS 84, IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Most cells of a grid: indices are 32 bits.
const CELL_LIMIT: usize = u32::MAX as usize;

pub(crate) fn build(source: &Grid, destination: &Grid, options: &Options) -> Result<Weights, RegridError> {
    for (end, grid) in [("source", source), ("destination", destination)] {
        if grid.len() > CELL_LIMIT {
            return Err(RegridError::TooManyCells { end, cells: grid.len(), limit: CELL_LIMIT });
        }
    }
    if source.active_count() == 0 {
        return Err(RegridError::NoActiveCell { end: "source" });
    }
    let to = Centers::of(destination);
    let rows = match options.method {
        Method::Nearest => nearest::rows(source, &to),
        Method::Distance { neighbours } => distance::rows(&Centers::of(source).tree(), &to, neighbours),
        Method::Bilinear => bilinear::rows(source, &to),
        Method::Bicubic => bilinear::cubic_rows(source, &to).unwrap_or_else(|| patch::rows(source, &to)),
        Method::Patch => patch::rows(source, &to),
        Method::Gaussian { neighbours } => neighbours::gaussian(source, &to, neighbours),
        Method::Radial { neighbours } => neighbours::radial(source, &to, neighbours),
        Method::Spread { radius_m, keeps } => return Ok(spread_weights(source, destination, options, radius_m, keeps)),
        Method::Conservative | Method::Conservative2nd | Method::LargestFraction => {
            let mut weights = conservative::build(source, destination, options)?;
            let rows = LinkRows {
                row_starts: std::mem::take(&mut weights.row_starts),
                columns: std::mem::take(&mut weights.columns),
                values: std::mem::take(&mut weights.values),
            };
            if options.method == Method::LargestFraction {
                let rows = extrapolate::fill(largest::of_overlaps(&rows), source, destination, &to, options.extrapolation)?;
                return Ok(point_weights(source, destination, options, rows));
            }
            let rows = if options.method == Method::Conservative2nd {
                weights.origin.method = weights.origin.method.replace("first order", "second order");
                let sum = |i: usize| rows.row(i).map(|l| l.1).sum::<f64>();
                // Areas are shares of the destination cell here: what they are divided by cancels in each row.
                let covered = |i: usize| weights.destination_fractions[i] * weights.destination_areas[i] / sum(i);
                let mut second = second_order::rows(&second_order::areas(&rows, covered), source, destination);
                second_order::scaled(&mut second, sum);
                second
            } else {
                rows
            };
            let rows = extrapolate::fill(rows, source, destination, &to, options.extrapolation)?;
            return Ok(Weights { row_starts: rows.row_starts, columns: rows.columns, values: rows.values, ..weights });
        }
    };
    let rows = extrapolate::fill(rows, source, destination, &to, options.extrapolation)?;
    Ok(point_weights(source, destination, options, rows))
}

/// Weights that bring every active source cell somewhere.
fn spread_weights(source: &Grid, destination: &Grid, options: &Options, radius_m: u32, keeps: Keeps) -> Weights {
    let (source_areas, destination_areas) = (areas(source), areas(destination));
    let kept = match keeps {
        Keeps::Sum => spread::Kept::Amount,
        Keeps::Integral => spread::Kept::Integral { source_areas: &source_areas, destination_areas: &destination_areas },
    };
    let rows = spread::rows(source, &Centers::of(destination), f64::from(radius_m) / EARTH_RADIUS_M, kept);
    let mut weights = point_weights(source, destination, options, rows);
    if keeps == Keeps::Integral {
        // The integral over whole destination cells is that over the source cells.
        weights.origin.conservative = true;
        weights.origin.normalization = "destarea".into();
    }
    weights
}

/// Weights of a method that interpolates between centers.
fn point_weights(source: &Grid, destination: &Grid, options: &Options, rows: LinkRows) -> Weights {
    let mut source_fractions = vec![0.0; source.len()];
    for &column in &rows.columns {
        source_fractions[column as usize] = 1.0;
    }
    let destination_fractions = (0..rows.len()).map(|i| f64::from(u8::from(rows.is_mapped(i)))).collect();
    Weights {
        source_len: source.len(),
        row_starts: rows.row_starts,
        columns: rows.columns,
        values: rows.values,
        source_areas: areas(source),
        destination_areas: areas(destination),
        source_fractions,
        destination_fractions,
        origin: WeightsOrigin {
            method: options.method.to_string(),
            normalization: "none".into(),
            conservative: false,
            source_hash: content_hash(source),
            destination_hash: content_hash(destination),
            options_hash: options_hash(options),
        },
    }
}

/// Areas of all cells in steradians.
pub(crate) fn areas(grid: &Grid) -> Vec<f64> {
    match &grid.layout {
        Layout::Polygons { polygons, .. } => {
            let area = |corners: &mut Vec<UnitVector>, cell| {
                corners.clear();
                polygons.copy_cell(cell, corners);
                polygon_area(corners)
            };
            (0..grid.len()).into_par_iter().map_init(Vec::new, area).collect()
        }
        Layout::Rows(rows) => {
            // Cells of a row have few widths: each is computed where it changes.
            let area = |known: &mut ([f64; 3], f64), cell| {
                let ([west, east], [south, north]) = rows.frame_bounds_deg(cell);
                let bounds = [south, north, east - west];
                if bounds != known.0 {
                    *known = (bounds, quadrangle_area(south, north, east - west));
                }
                known.1
            };
            (0..grid.len()).into_par_iter().map_init(|| ([f64::NAN; 3], 0.0), area).collect()
        }
        Layout::Points { .. } => vec![0.0; grid.len()],
    }
}
