//! Polygons x polygons: candidates from a hierarchy of boxes, areas by clipping.

use super::overlaps::{Overlaps, least_overlap};
use crate::search::bvh::{Box3, Bvh};
use knarr_grid::{Mask, Polygons};
use knarr_kernels::overlap::{ConvexCell, Scratch, is_convex, triangulate};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;

/// Overlap areas by destination cell.
pub(super) fn overlaps(
    source: &Polygons,
    source_mask: &Mask,
    source_areas: &[f64],
    destination: &Polygons,
    destination_mask: &Mask,
    destination_areas: &[f64],
) -> Overlaps {
    let boxes: Vec<Box3> = (0..source.len())
        .into_par_iter()
        .map_init(Vec::new, |corners, cell| {
            corners.clear();
            if source_mask.is_active(cell) {
                source.copy_cell(cell, corners);
            }
            if corners.len() < 3 { Box3::EMPTY } else { Box3::around_polygon(corners) }
        })
        .collect();
    let bvh = Bvh::new(&boxes);
    drop(boxes);
    Overlaps::by_rows(
        destination.len(),
        || (Scratch::default(), Vec::<UnitVector>::new(), Vec::<UnitVector>::new(), Vec::<u32>::new()),
        |cell, (scratch, corners, subject, candidates), links| {
            corners.clear();
            if destination_mask.is_active(cell) {
                destination.copy_cell(cell, corners);
            }
            if corners.len() < 3 {
                return 0.0;
            }
            candidates.clear();
            bvh.query(&Box3::around_polygon(corners), |item| candidates.push(item));
            candidates.sort_unstable();
            let mut least = destination_areas[cell];
            let mut clip = |part: &[UnitVector], scratch: &mut Scratch, subject: &mut Vec<UnitVector>| {
                let target = ConvexCell::new(part);
                for &candidate in candidates.iter() {
                    subject.clear();
                    source.copy_cell(candidate as usize, subject);
                    let area = target.overlap(subject, source_areas[candidate as usize], scratch);
                    if area != 0.0 {
                        least = least.min(source_areas[candidate as usize]);
                        links.push((candidate, area));
                    }
                }
            };
            if is_convex(corners) {
                clip(corners, scratch, subject);
            } else {
                for triangle in triangulate(corners) {
                    clip(&triangle, scratch, subject);
                }
            }
            least_overlap(least)
        },
    )
}
