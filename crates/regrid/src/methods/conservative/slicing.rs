//! Anything x rows: cells sliced by the parallels and meridians of the rows.

use super::bands::bands;
use super::overlaps::{Overlaps, least_overlap};
use knarr_grid::{Mask, Polygons, Rows};
use knarr_kernels::overlap_rows::{OwnParallels, Piece, Scratch, slice, slice_polygon};
use knarr_kernels::sphere::{Rotation, UnitVector, sin_cos_deg, unit_vector};

/// Overlaps of polygons (rows of the result) with the cells of `rows` (columns of the result).
pub(super) fn polygons_by_rows(
    polygons: &Polygons,
    polygon_mask: &Mask,
    polygon_areas: &[f64],
    rows: &Rows,
    rows_mask: &Mask,
    row_areas: &[f64],
) -> Overlaps {
    let bands = bands(rows);
    let rotation = rows.rotation;
    Overlaps::by_rows(
        polygons.len(),
        || (Scratch::default(), Vec::<UnitVector>::new()),
        |cell, (scratch, corners), links| {
            if !polygon_mask.is_active(cell) {
                return 0.0;
            }
            corners.clear();
            polygons.copy_cell(cell, corners);
            if let Some(rotation) = &rotation {
                corners.iter_mut().for_each(|p| *p = rotation.apply(*p));
            }
            // Slivers are judged by the smaller of the two cells, whichever side is the destination.
            let least = least_overlap(polygon_areas[cell]);
            let mut emit = |column: usize, area: f64| {
                if rows_mask.is_active(column) {
                    links.push((column as u32, area));
                }
            };
            slice_polygon(&bands, corners, scratch, &mut emit);
            if links.len() == 1 { least } else { least.min(smallest(links, row_areas)) }
        },
    )
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
