//! Anything x rows: cells sliced by the parallels and meridians of the rows.

use super::bands::bands;
use super::overlaps::{Overlaps, least_overlap};
use knarr_grid::{Mask, Polygons, Rows};
use knarr_kernels::overlap_rows::{Bands, OwnParallels, Piece, Scratch, slice, slice_polygon};
use knarr_kernels::sphere::{Rotation, UnitVector, sin_cos_deg, unit_vector};

/// Polygons (rows of the result), and the cells of rows that they overlap (columns of the result).
pub(super) struct PolygonsByRows<'a> {
    pub polygons: &'a Polygons,
    pub polygon_mask: &'a Mask,
    pub polygon_areas: &'a [f64],
    pub rows: &'a Rows,
    pub rows_mask: &'a Mask,
    pub row_areas: &'a [f64],
    bands: Bands,
}

/// Buffers of a thread.
#[derive(Default)]
pub(super) struct Slicer {
    scratch: Scratch,
    corners: Vec<UnitVector>,
}

impl<'a> PolygonsByRows<'a> {
    pub fn new(
        (polygons, polygon_mask, polygon_areas): (&'a Polygons, &'a Mask, &'a [f64]),
        (rows, rows_mask, row_areas): (&'a Rows, &'a Mask, &'a [f64]),
    ) -> Self {
        Self { polygons, polygon_mask, polygon_areas, rows, rows_mask, row_areas, bands: bands(rows) }
    }

    /// The rows, in their own frame.
    #[cfg(feature = "gpu")]
    pub fn bands(&self) -> &Bands {
        &self.bands
    }

    /// Appends the corners of a polygon in the frame of the rows; none if it is switched off.
    pub fn copy_corners(&self, polygon: usize, corners: &mut Vec<UnitVector>) {
        if !self.polygon_mask.is_active(polygon) {
            return;
        }
        let start = corners.len();
        self.polygons.copy_cell(polygon, corners);
        if let Some(rotation) = &self.rows.rotation {
            corners[start..].iter_mut().for_each(|p| *p = rotation.apply(*p));
        }
    }

    /// Pushes the links of a polygon and gives its sliver limit.
    pub fn row(&self, polygon: usize, Slicer { scratch, corners }: &mut Slicer, links: &mut Vec<(u32, f64)>) -> f64 {
        corners.clear();
        self.copy_corners(polygon, corners);
        if corners.is_empty() {
            return 0.0;
        }
        // Slivers are judged by the smaller of the two cells, whichever side is the destination.
        let least = least_overlap(self.polygon_areas[polygon]);
        let mut emit = |column: usize, area: f64| {
            if self.rows_mask.is_active(column) {
                links.push((column as u32, area));
            }
        };
        slice_polygon(&self.bands, corners, scratch, &mut emit);
        if links.len() == 1 { least } else { least.min(smallest(links, self.row_areas)) }
    }

    /// All rows.
    pub fn overlaps(&self) -> Overlaps {
        Overlaps::by_rows(self.polygons.len(), Slicer::default, |polygon, slicer, links| self.row(polygon, slicer, links))
    }
}

/// The sliver limit of the smallest cell among the links.
fn smallest(links: &[(u32, f64)], areas: &[f64]) -> f64 {
    least_overlap(links.iter().map(|&(column, _)| areas[column as usize]).fold(f64::INFINITY, f64::min))
}

/// Overlaps of rows about one pole (destination) with rows about another (source).
pub(super) fn destination_rows_by_rows(
    source: &Rows,
    source_mask: &Mask,
    destination: &Rows,
    destination_mask: &Mask,
    destination_areas: &[f64],
) -> Overlaps {
    let bands = bands(source);
    let geographic = Rotation::IDENTITY;
    let source_rotation = source.rotation.unwrap_or(geographic);
    let destination_rotation = destination.rotation.unwrap_or(geographic);
    let to_source = |lon: f64, lat: f64| source_rotation.apply(destination_rotation.apply_inverse(unit_vector(lon, lat)));
    let axis = source_rotation.apply(destination_rotation.pole());
    Overlaps::by_rows(destination.len(), Scratch::default, |cell, scratch, links| {
        if !destination_mask.is_active(cell) {
            return 0.0;
        }
        let ([west, east], [south, north]) = destination.frame_bounds_deg(cell);
        let own = OwnParallels { axis, sin: [sin_cos_deg(south).0, sin_cos_deg(north).0] };
        // Arcs of a parallel are followed over at most 45°, so that their ends tell where they turn.
        let parts = ((east - west) / 45.0).ceil().max(1.0) as usize;
        for part in 0..parts {
            let at = |k: usize| west + (east - west) * k as f64 / parts as f64;
            let (w, e) = (at(part), if part + 1 == parts { east } else { at(part + 1) });
            let corners = [to_source(w, south), to_source(e, south), to_source(e, north), to_source(w, north)];
            slice(&bands, &Piece::quadrangle(corners), Some(&own), scratch, &mut |column, area| {
                if source_mask.is_active(column) {
                    links.push((column as u32, area));
                }
            });
        }
        least_overlap(destination_areas[cell])
    })
}
