//! Polygons x rows, by the cells of the rows: found polygon by polygon, kept cell by cell.
//!
//! The rows are taken in a few belts, one after another, so that little is held in both orders at once. A polygon
//! that reaches into two belts is cut for both.

use super::overlaps::{Overlaps, least_overlap};
use super::slicing::{PolygonsByRows, Slicer};
use knarr_grid::{Columns, Mask, Polygons, Rows};
use knarr_kernels::sphere::{dot, sin_cos_deg};
use rayon::prelude::*;
use std::ops::Range;

/// Most belts.
const BELTS: f64 = 16.0;
/// Belts per √polygons: one polygon in 30 or so lies in two belts.
const BELTS_PER_SIDE: f64 = 0.015;

/// Overlap areas by the cells of `rows`.
pub(super) fn rows_by_polygons(
    rows: &Rows,
    rows_mask: &Mask,
    row_areas: &[f64],
    polygons: &Polygons,
    polygon_mask: &Mask,
    polygon_areas: &[f64],
) -> Overlaps {
    let belts = belts(rows, (BELTS_PER_SIDE * (polygons.len() as f64).sqrt()).clamp(1.0, BELTS) as usize);
    let reached = reached_belts(rows, &belts, polygons, polygon_mask);
    let pair = PolygonsByRows::new((polygons, polygon_mask, polygon_areas), (rows, rows_mask, row_areas));
    let overlaps_of = |belt: usize| {
        let cells = belts[belt].clone();
        let meeting = |(_, [first, last]): &(u32, &[u8; 2])| (*first..=*last).contains(&(belt as u8));
        let here: Vec<u32> = (0..).zip(&reached).filter(meeting).map(|(polygon, _)| polygon).collect();
        let found = Overlaps::by_rows(here.len(), Slicer::default, |k, slicer, links| {
            pair.cut(here[k] as usize, slicer, |cell, area| {
                if cells.contains(&(cell as usize)) {
                    links.push((cell, area));
                }
            });
            // Slivers are judged link by link below: each belt sees only some links of a polygon.
            0.0
        });
        let least = |polygon: u32, cell: usize| least_overlap(polygon_areas[polygon as usize].min(row_areas[cell]));
        found.transposed(cells, |k| here[k], least)
    };
    let mut result = Overlaps::with_rows(rows.len());
    let together = rayon::current_num_threads().clamp(1, belts.len());
    for first in (0..belts.len()).step_by(together) {
        let several = first..(first + together).min(belts.len());
        let made: Vec<Overlaps> = several.into_par_iter().map(overlaps_of).collect();
        made.iter().for_each(|overlaps| result.append(overlaps, rows.len()));
    }
    result.shrink();
    result
}

/// The polygons that may reach into some cells of the rows.
#[cfg(feature = "gpu")]
pub(super) fn polygons_near(rows: &Rows, cells: &Range<usize>, polygons: &Polygons, mask: &Mask) -> Mask {
    if cells.is_empty() {
        return Mask::from_active(vec![false; polygons.len()]);
    }
    let reached = reached_belts(rows, std::slice::from_ref(cells), polygons, mask);
    Mask::from_active(reached.into_iter().map(|[first, last]| first <= last).collect())
}

/// Cells of `count` belts of whole rows, about equally many.
fn belts(rows: &Rows, count: usize) -> Vec<Range<usize>> {
    let row_starts: Vec<usize> = match &rows.columns {
        Columns::Shared(lon) => (0..=rows.lats_deg.len()).map(|row| row * lon.centers_deg.len()).collect(),
        Columns::Reduced { starts, .. } => starts.clone(),
    };
    let mut belts: Vec<Range<usize>> = Vec::with_capacity(count);
    for &end in &row_starts[1..] {
        let start = belts.last().map_or(0, |belt| belt.end);
        if end * count >= rows.len() * (belts.len() + 1) {
            belts.push(start..end);
        }
    }
    belts
}

/// First and last belt that each polygon may reach into; the first after the last for those that take no part.
fn reached_belts(rows: &Rows, belts: &[Range<usize>], polygons: &Polygons, mask: &Mask) -> Vec<[u8; 2]> {
    let axis = rows.rotation.map_or([0.0, 0.0, 1.0], |r| r.pole());
    let extents: Vec<[f64; 2]> = belts
        .iter()
        .map(|cells| {
            let (first, last) = (rows.row_column(cells.start).0, rows.row_column(cells.end - 1).0);
            let bounds = &rows.lat_bounds_deg[first..=last];
            let south = bounds.iter().map(|b| b[0]).fold(f64::INFINITY, f64::min);
            let north = bounds.iter().map(|b| b[1]).fold(f64::NEG_INFINITY, f64::max);
            [sin_cos_deg(south).0 - 1e-12, sin_cos_deg(north).0 + 1e-12]
        })
        .collect();
    let reached = |cell: usize| {
        let corners = polygons.cell(cell);
        if !mask.is_active(cell) || corners.is_empty() {
            return [1, 0];
        }
        let corner = |k: usize| polygons.vertices[corners[k] as usize];
        let first = corner(0);
        let (mut south, mut north, mut reach2) = (f64::INFINITY, f64::NEG_INFINITY, 0.0f64);
        for p in (0..corners.len()).map(corner) {
            let height = dot(axis, p);
            south = south.min(height);
            north = north.max(height);
            reach2 = reach2.max((0..3).map(|k| (p[k] - first[k]) * (p[k] - first[k])).sum());
        }
        // The face bulges over its widest diagonal, at most twice the reach of a corner, as the sphere does.
        let bulge = 1.0 - (1.0 - reach2.min(1.0)).sqrt();
        let meets = |&(_, e): &(usize, &[f64; 2])| e[0] <= north + bulge && e[1] >= south - bulge;
        let mut belts = extents.iter().enumerate().filter(meets).map(|(belt, _)| belt as u8);
        let Some(first) = belts.next() else { return [1, 0] };
        [first, belts.next_back().unwrap_or(first)]
    };
    (0..polygons.len()).into_par_iter().map(reached).collect()
}
