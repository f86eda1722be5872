//! First-order conservative weights from the areas in which cells overlap.
//!
//! w_ij = A_ij / Σ_j A_ij (fraction area) or A_ij / A_i (destination area), A_ij the area that destination cell i
//! shares with source cell j. Keeps constants (fraction area), the integral over what is covered, and the range
//! of the source. Reference: Jones (1999), Mon. Wea. Rev. 127, 2204–2210.
//!
//! Each pair of grid kinds has its own way to find overlaps, one file each:
//! rows x rows of one pole in closed form, anything x rows by slicing, polygons x polygons by clipping.

mod bands;
mod overlaps;
mod polygons;
mod rows;
mod slicing;

use crate::identity::content_hash;
use crate::{Edges, Normalization, Options, RegridError, Weights, WeightsOrigin};
use knarr_grid::{Grid, Layout, Offsets, Polygons, Rows};
use overlaps::Overlaps;
use rayon::prelude::*;

/// Weights of the first-order conservative method.
pub(crate) fn build(source: &Grid, destination: &Grid, options: &Options) -> Result<Weights, RegridError> {
    check_cells(source, destination)?;
    let great_circles = options.edges == Edges::GreatCircle;
    let (source_cells, destination_cells) = (Cells::of(source, great_circles), Cells::of(destination, great_circles));
    let source_areas = source_cells.areas(source);
    let destination_areas = destination_cells.areas(destination);
    let overlaps = find(source, &source_cells, &source_areas, destination, &destination_cells, &destination_areas);
    Ok(weights_from(overlaps, source, destination, source_areas, destination_areas, options))
}

/// Rows of shared areas: row starts, source cells, areas (sr).
type SharedAreas = (Vec<usize>, Vec<u32>, Vec<f64>);

/// Areas that cells of two grids share, as rows by destination cell.
pub(crate) fn shared_areas(source: &Grid, destination: &Grid) -> Result<SharedAreas, RegridError> {
    check_cells(source, destination)?;
    let (source_cells, destination_cells) = (Cells::of(source, false), Cells::of(destination, false));
    let (source_areas, destination_areas) = (source_cells.areas(source), destination_cells.areas(destination));
    let found = find(source, &source_cells, &source_areas, destination, &destination_cells, &destination_areas);
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
    Polygons(std::borrow::Cow<'a, Polygons>),
}

impl<'a> Cells<'a> {
    fn of(grid: &'a Grid, great_circles: bool) -> Self {
        match &grid.layout {
            Layout::Rows(rows) if !great_circles && bands::can_tile(rows) => Self::Rows(rows),
            Layout::Rows(_) => Self::Polygons(std::borrow::Cow::Owned(polygons_of_rows(grid))),
            Layout::Polygons { polygons, .. } => Self::Polygons(std::borrow::Cow::Borrowed(polygons)),
            Layout::Points { .. } => Self::Polygons(std::borrow::Cow::Owned(Polygons::from_cells(std::iter::empty()))),
        }
    }

    /// Area of each cell with the edges in use.
    fn areas(&self, grid: &Grid) -> Vec<f64> {
        match self {
            Self::Rows(_) => (0..grid.len()).into_par_iter().map(|c| grid.area(c)).collect(),
            Self::Polygons(polygons) => (0..grid.len())
                .into_par_iter()
                .map_init(Vec::new, |corners, c| {
                    corners.clear();
                    polygons.copy_cell(c, corners);
                    knarr_kernels::cell_area::polygon_area(corners)
                })
                .collect(),
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

fn find(
    source: &Grid,
    source_cells: &Cells,
    source_areas: &[f64],
    destination: &Grid,
    destination_cells: &Cells,
    destination_areas: &[f64],
) -> Overlaps {
    match (source_cells, destination_cells) {
        (Cells::Rows(s), Cells::Rows(d)) if rows::same_pole(s, d) => rows::overlaps(s, &source.mask, d, &destination.mask),
        (Cells::Rows(s), Cells::Rows(d)) => {
            slicing::destination_rows_by_rows(s, &source.mask, d, &destination.mask, destination_areas)
        }
        (Cells::Rows(s), Cells::Polygons(d)) => {
            slicing::polygons_by_rows(d, &destination.mask, destination_areas, s, &source.mask, source_areas)
        }
        (Cells::Polygons(s), Cells::Rows(d)) => {
            slicing::polygons_by_rows(s, &source.mask, source_areas, d, &destination.mask, destination_areas)
                .transposed(destination.len())
        }
        (Cells::Polygons(s), Cells::Polygons(d)) => {
            polygons::overlaps(s, &source.mask, source_areas, d, &destination.mask, destination_areas)
        }
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
    let mut source_fractions = vec![0.0; source.len()];
    for (&column, &area) in columns.iter().zip(&values) {
        source_fractions[column as usize] += area;
    }
    for (fraction, &area) in source_fractions.iter_mut().zip(&source_areas) {
        *fraction = if area > 0.0 { *fraction / area } else { 0.0 };
    }
    let mut destination_fractions = vec![0.0; destination.len()];
    for i in 0..destination.len() {
        let row = &mut values[row_starts[i]..row_starts[i + 1]];
        let covered = row.iter().fold(0.0, |sum, area| sum + area);
        let area = destination_areas[i];
        destination_fractions[i] = if area > 0.0 { covered / area } else { 0.0 };
        let divisor = match options.normalization {
            Normalization::FractionArea => covered,
            Normalization::DestinationArea => area,
        };
        row.iter_mut().for_each(|w| *w /= divisor);
    }
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
        source_areas,
        destination_areas,
        source_fractions,
        destination_fractions,
        origin: WeightsOrigin {
            method: format!("conservative, first order, {edges}"),
            normalization: normalization.to_owned(),
            conservative: true,
            source_hash: content_hash(source),
            destination_hash: content_hash(destination),
            options_hash: crate::identity::options_hash(options),
        },
    }
}
