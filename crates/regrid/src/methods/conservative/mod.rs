//! First-order conservative weights from the areas in which cells overlap.
//!
//! w_ij = A_ij / Σ_j A_ij (fraction area) or A_ij / A_i (destination area), A_ij the area that destination cell i
//! shares with source cell j. Keeps constants (fraction area), the integral over what is covered, and the range
//! of the source. Reference: Jones (1999), Mon. Wea. Rev. 127, 2204–2210.
//!
//! Each pair of grid kinds has its own way to find overlaps, one file each:
//! rows x rows of one pole in closed form, anything x rows by cutting along these, polygons x polygons by clipping.

mod bands;
mod overlaps;
mod polygons;
#[cfg(feature = "gpu")]
mod polygons_on_gpu;
#[cfg(feature = "gpu")]
mod products_on_gpu;
mod reach;
mod rows;
#[cfg(feature = "gpu")]
mod rows_on_gpu;
mod slicing;
mod transposed;

use super::{areas_of_formula, areas_of_polygons, areas_of_rows};
use crate::identity::content_hash;
use crate::{Device, Edges, Normalization, Options, RegridError, Weights, WeightsOrigin};
use knarr_grid::{Columns, Formula, Grid, Layout, Mask, Offsets, Polygons, Rows};
#[cfg(feature = "gpu")]
use knarr_kernels::gpu::Gpu;
use overlaps::Overlaps;
use polygons::Targets;
use rayon::prelude::*;
use slicing::PolygonsByRows;
use std::borrow::Cow;
use std::ops::Range;

pub(crate) use rows::same_pole as same_frame;

/// Weights of the first-order conservative method; rows outside `range` are empty.
pub(crate) fn build(
    source: &Grid,
    destination: &Grid,
    range: &Range<usize>,
    options: &Options,
    device: &Device,
) -> Result<Weights, RegridError> {
    check_cells(source, destination)?;
    let great_circles = options.edges == Edges::GreatCircle;
    let (source_cells, destination_cells) = Cells::of_pair(source, destination, great_circles, device);
    let source_areas = source_cells.areas();
    let destination_areas = destination_cells.areas();
    let mask = if *range == (0..destination.len()) {
        Cow::Borrowed(&destination.mask)
    } else {
        let active = (0..destination.len()).map(|i| range.contains(&i) && destination.mask.is_active(i)).collect();
        Cow::Owned(Mask::from_active(active))
    };
    let to = (&*mask, &destination_areas[..], range);
    let overlaps = find((source, &source_cells, &source_areas), &destination_cells, to, device)?;
    // Cells made for this have done their part; to give their memory back takes a while.
    let weights = || weights_from(overlaps, source, destination, source_areas, destination_areas, options);
    Ok(rayon::join(|| drop((source_cells, destination_cells)), weights).1)
}

/// The area of each destination cell that overlaps cover.
pub(crate) fn covered_areas(weights: &Weights) -> impl Fn(usize) -> f64 {
    let areas = weights.destination_areas().expect("conservative weights have areas");
    |i| weights.destination_fraction(i) * areas[i]
}

/// Rows of shared areas: row starts, source cells, areas (sr).
type SharedAreas = (Vec<usize>, Vec<u32>, Vec<f64>);

/// Areas that cells of two grids share, as rows by destination cell.
pub(crate) fn shared_areas(source: &Grid, destination: &Grid) -> Result<SharedAreas, RegridError> {
    check_cells(source, destination)?;
    let (source_cells, destination_cells) = Cells::of_pair(source, destination, false, &Device::Cpu);
    let (source_areas, destination_areas) = (source_cells.areas(), destination_cells.areas());
    let to = (&destination.mask, &destination_areas[..], &(0..destination.len()));
    let found = find((source, &source_cells, &source_areas), &destination_cells, to, &Device::Cpu)?;
    Ok((found.row_starts, found.columns, found.areas))
}

fn check_cells(source: &Grid, destination: &Grid) -> Result<(), RegridError> {
    for (end, grid) in [("source", source), ("destination", destination)] {
        if !grid.has_corners() {
            return Err(RegridError::NoCorners { end });
        }
        if grid.len() >= u32::MAX as usize {
            return Err(RegridError::TooManyCells { end, cells: grid.len(), limit: u32::MAX as usize - 1 });
        }
    }
    Ok(())
}

/// Cells as the overlap search sees them.
enum Cells<'a> {
    Rows(&'a Rows),
    Polygons(Cow<'a, Polygons>),
    /// Polygons that have not been made.
    Formula(&'a Formula),
}

impl<'a> Cells<'a> {
    /// Of a source and a destination; polygons of a formula that polygons look at once need not be there all at once.
    fn of_pair(source: &'a Grid, destination: &'a Grid, great_circles: bool, device: &Device) -> (Self, Self) {
        let source = Self::of(source, great_circles);
        let destination = match (&source, &destination.layout, device) {
            (Self::Polygons(_), Layout::Formula(formula), Device::Cpu) => Self::Formula(formula),
            _ => Self::of(destination, great_circles),
        };
        (source, destination)
    }

    fn of(grid: &'a Grid, great_circles: bool) -> Self {
        match &grid.layout {
            Layout::Rows(rows) if !great_circles && bands::can_tile(rows) => Self::Rows(rows),
            Layout::Rows(_) => Self::Polygons(Cow::Owned(polygons_of_rows(grid))),
            Layout::Formula(formula) => Self::Polygons(Cow::Owned(formula.polygons())),
            Layout::Polygons { polygons, .. } => Self::Polygons(Cow::Borrowed(polygons)),
            Layout::Points { .. } => Self::Polygons(Cow::Owned(Polygons::from_cells(std::iter::empty()))),
        }
    }

    /// Area of each cell with the edges in use.
    fn areas(&self) -> Vec<f64> {
        match self {
            Self::Rows(rows) => areas_of_rows(rows),
            Self::Polygons(polygons) => areas_of_polygons(polygons),
            Self::Formula(formula) => areas_of_formula(formula),
        }
    }
}

/// The cells of a row grid with great-circle edges; two equal corners at a pole.
fn polygons_of_rows(grid: &Grid) -> Polygons {
    let mut vertices = Vec::with_capacity(4 * grid.len());
    for cell in 0..grid.len() {
        vertices.extend(grid.corners(cell));
    }
    let cells: Vec<&[knarr_kernels::sphere::UnitVector]> = vertices.chunks_exact(4).collect();
    let mut polygons = Polygons::from_cells(cells.into_iter());
    if polygons.corners.is_empty() {
        polygons.offsets = Offsets::PerCell(vec![0]);
    }
    polygons
}

/// Overlaps of the destination's cells that the mask leaves, all of them in `range`.
fn find(
    (source, source_cells, source_areas): (&Grid, &Cells, &[f64]),
    destination_cells: &Cells,
    (destination_mask, destination_areas, range): (&Mask, &[f64], &Range<usize>),
    device: &Device,
) -> Result<Overlaps, RegridError> {
    #[cfg(feature = "gpu")]
    if let Device::Gpu(gpu) = device {
        let to = (destination_mask, destination_areas, range);
        if let Some(found) = find_on_gpu(gpu, (source_cells, &source.mask, source_areas), destination_cells, to)? {
            return Ok(found);
        }
    }
    // Rows with columns of their own and those about two poles are the processor's, whatever the device.
    let _ = (device, range);
    Ok(find_here((source_cells, &source.mask, source_areas), (destination_cells, destination_mask, destination_areas)))
}

/// [`find`] on the processor.
fn find_here(
    (source, source_mask, source_areas): (&Cells, &Mask, &[f64]),
    (destination, destination_mask, destination_areas): (&Cells, &Mask, &[f64]),
) -> Overlaps {
    match (source, destination) {
        (Cells::Rows(s), Cells::Rows(d)) if rows::same_pole(s, d) => rows::overlaps(s, source_mask, d, destination_mask),
        (Cells::Rows(s), Cells::Rows(d)) => {
            slicing::destination_rows_by_rows(s, source_mask, d, destination_mask, destination_areas)
        }
        (Cells::Rows(s), Cells::Polygons(d)) => {
            PolygonsByRows::new((d, destination_mask, destination_areas), (s, source_mask, source_areas)).overlaps()
        }
        (Cells::Polygons(s), Cells::Rows(d)) => {
            transposed::rows_by_polygons(d, destination_mask, destination_areas, s, source_mask, source_areas)
        }
        (Cells::Polygons(s), Cells::Polygons(d)) => {
            polygons::overlaps(s, source_mask, source_areas, Targets::Polygons(d), destination_mask, destination_areas)
        }
        (Cells::Polygons(s), Cells::Formula(d)) => {
            polygons::overlaps(s, source_mask, source_areas, Targets::Formula(d), destination_mask, destination_areas)
        }
        (Cells::Rows(_), Cells::Formula(d)) => {
            let made = Cells::Polygons(Cow::Owned(d.polygons()));
            find_here((source, source_mask, source_areas), (&made, destination_mask, destination_areas))
        }
        (Cells::Formula(s), _) => {
            let made = Cells::Polygons(Cow::Owned(s.polygons()));
            find_here((&made, source_mask, source_areas), (destination, destination_mask, destination_areas))
        }
    }
}

/// The overlaps of pairs that a graphics processor has kernels for.
#[cfg(feature = "gpu")]
fn find_on_gpu(
    gpu: &Gpu,
    (source, source_mask, source_areas): (&Cells, &Mask, &[f64]),
    destination: &Cells,
    (destination_mask, destination_areas, range): (&Mask, &[f64], &Range<usize>),
) -> Result<Option<Overlaps>, RegridError> {
    Ok(match (source, destination) {
        (Cells::Rows(s), Cells::Rows(d)) if rows::same_pole(s, d) => {
            products_on_gpu::overlaps(gpu, (s, source_mask), (d, destination_mask))?
        }
        (Cells::Rows(_), Cells::Rows(_)) | (Cells::Formula(_), _) | (_, Cells::Formula(_)) => None,
        (Cells::Rows(s), Cells::Polygons(d)) => {
            let pair = PolygonsByRows::new((d, destination_mask, destination_areas), (s, source_mask, source_areas));
            Some(rows_on_gpu::overlaps(gpu, &pair)?)
        }
        (Cells::Polygons(s), Cells::Rows(d)) => {
            // Polygons far from the rows that are asked for need not be looked at.
            let near = match *range == (0..d.len()) {
                true => Cow::Borrowed(source_mask),
                false => Cow::Owned(reach::polygons_near(d, range, s, source_mask)),
            };
            let pair = PolygonsByRows::new((s, &near, source_areas), (d, destination_mask, destination_areas));
            Some(rows_on_gpu::overlaps_by_cell(gpu, &pair)?)
        }
        (Cells::Polygons(s), Cells::Polygons(d)) => {
            let found = polygons_on_gpu::overlaps(gpu, s, source_mask, source_areas, d, destination_mask, destination_areas)?;
            Some(found)
        }
    })
}

/// Whether a graphics processor has kernels for the overlaps of these grids: cells with great-circle edges on one side,
/// and such cells or rows on the other; or rows about one pole that share their columns on both sides.
pub(crate) fn has_kernels(source: &Grid, destination: &Grid, options: &Options) -> bool {
    let is_points = |grid: &Grid| matches!(grid.layout, Layout::Points { .. });
    let (of_source, of_destination) = (rows_of(source, options), rows_of(destination, options));
    if is_points(source) || is_points(destination) {
        return false;
    }
    let is_shared = |rows: &Rows| matches!(rows.columns, Columns::Shared(_));
    match (of_source, of_destination) {
        (Some(s), Some(d)) => rows::same_pole(s, d) && is_shared(s) && is_shared(d),
        _ => true,
    }
}

/// The rows that a grid is taken as.
fn rows_of<'g>(grid: &'g Grid, options: &Options) -> Option<&'g Rows> {
    match &grid.layout {
        Layout::Rows(rows) if options.edges != Edges::GreatCircle && bands::can_tile(rows) => Some(rows),
        _ => None,
    }
}

/// Divides overlap areas as the normalization says.
fn weights_from(
    overlaps: Overlaps,
    source: &Grid,
    destination: &Grid,
    source_areas: Vec<f64>,
    destination_areas: Vec<f64>,
    options: &Options,
) -> Weights {
    let Overlaps { row_starts, columns, areas: mut values } = overlaps;
    let source_fractions = column_fractions(&columns, &values, &source_areas);
    let mut destination_fractions = vec![0.0; destination.len()];
    let starts = row_starts.par_chunks(ROWS).zip(destination_areas.par_chunks(ROWS));
    let blocks = split(&mut values, &row_starts).into_par_iter().zip(destination_fractions.par_chunks_mut(ROWS));
    blocks.zip(starts).with_max_len(1).for_each(|((mut links, fractions), (starts, areas))| {
        for (i, fraction) in fractions.iter_mut().enumerate() {
            let end = starts.get(i + 1).map_or(links.len(), |end| end - starts[i]);
            let (row, rest) = links.split_at_mut(end);
            links = rest;
            let covered = row.iter().fold(0.0, |sum, area| sum + area);
            *fraction = if areas[i] > 0.0 { covered / areas[i] } else { 0.0 };
            let divisor = match options.normalization {
                Normalization::FractionArea => covered,
                Normalization::DestinationArea => areas[i],
            };
            row.iter_mut().for_each(|w| *w /= divisor);
        }
    });
    let normalization = match options.normalization {
        Normalization::FractionArea => "fracarea",
        Normalization::DestinationArea => "destarea",
    };
    let edges = match options.edges {
        Edges::Grid => "edges of the grids",
        Edges::GreatCircle => "great-circle edges",
    };
    Weights {
        source_len: source.len(),
        row_starts,
        columns,
        values,
        areas: Some([source_areas, destination_areas]),
        fractions: Some([source_fractions, destination_fractions]),
        origin: WeightsOrigin {
            method: format!("conservative, first order, {edges}"),
            normalization: normalization.to_owned(),
            conservative: true,
            source_hash: content_hash(source),
            destination_hash: content_hash(destination),
            options_hash: crate::identity::options_hash(options),
            fixed_value: None,
        },
    }
}

/// Rows normalized by one task.
const ROWS: usize = 4096;

/// The links of every [`ROWS`] rows.
fn split<'a>(mut values: &'a mut [f64], row_starts: &[usize]) -> Vec<&'a mut [f64]> {
    let rows = row_starts.len() - 1;
    (0..rows)
        .step_by(ROWS)
        .map(|first| {
            let count = row_starts[(first + ROWS).min(rows)] - row_starts[first];
            let (links, rest) = std::mem::take(&mut values).split_at_mut(count);
            values = rest;
            links
        })
        .collect()
}

/// Links that are held against the columns of a task together.
const LINKS: usize = 4096;

/// Overlapped part of each source cell. Each task sums up some columns, in the order of the links.
fn column_fractions(columns: &[u32], overlaps: &[f64], areas: &[f64]) -> Vec<f64> {
    let mut fractions = vec![0.0; areas.len()];
    let part = areas.len().div_ceil(rayon::current_num_threads()).max(1);
    let ends = |columns: &[u32]| columns.iter().fold((u32::MAX, 0), |(low, high), &c| (low.min(c), high.max(c)));
    let ends: Vec<(u32, u32)> = columns.par_chunks(LINKS).map(ends).collect();
    fractions.par_chunks_mut(part).zip(areas.par_chunks(part)).enumerate().for_each(|(k, (fractions, areas))| {
        let (first, last) = (k * part, k * part + areas.len() - 1);
        for ((columns, overlaps), &(low, high)) in columns.chunks(LINKS).zip(overlaps.chunks(LINKS)).zip(&ends) {
            if (high as usize) < first || low as usize > last {
                continue;
            }
            for (&column, overlap) in columns.iter().zip(overlaps) {
                if let Some(sum) = fractions.get_mut((column as usize).wrapping_sub(first)) {
                    *sum += overlap;
                }
            }
        }
        for (fraction, &area) in fractions.iter_mut().zip(areas) {
            *fraction = if area > 0.0 { *fraction / area } else { 0.0 };
        }
    });
    fractions
}
