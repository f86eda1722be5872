//! The nearest source center.

use super::centers::Centers;
use crate::links::LinkRows;
use crate::search::formula::FormulaCenters;
use crate::search::rows::{Nearest, RowCenters};
use knarr_grid::Layout;
use knarr_kernels::sphere::{UnitVector, dot, sub};
use rayon::prelude::*;
#[cfg(feature = "gpu")]
use {
    crate::RegridError,
    knarr_kernels::gpu::{Gpu, Width},
    knarr_kernels::point_hash::PointHash,
    knarr_kernels::twins::point_hash::DevicePointHash,
};

/// No source cell: an inactive destination cell.
const NONE: u32 = u32::MAX;
/// Not found yet.
const UNKNOWN: u32 = u32::MAX - 1;

/// One link of weight 1 per active destination cell. Ties go to the lowest source index; distances
/// that differ by less than 1e-14 of the radius are ties. Centers beyond the square `reach` of a chord do not count.
pub(super) fn rows(from: &Centers, destination: &Centers, reach: f64) -> LinkRows {
    let mut nearest = match &from.grid().layout {
        Layout::Rows(rows) => in_rows(&RowCenters::new(rows, &from.is_active), destination),
        Layout::Formula(formula) => match FormulaCenters::of(formula) {
            Some(centers) => by_formula(&centers, &from.is_active, destination),
            None => unknown(destination),
        },
        Layout::Polygons { .. } | Layout::Points { .. } => unknown(destination),
    };
    finish(&mut nearest, from, destination, reach);
    LinkRows::of_single(nearest, NONE)
}

/// Asks a tree for what is not found yet, and drops what is too far.
fn finish(nearest: &mut [u32], from: &Centers, destination: &Centers, reach: f64) {
    if nearest.contains(&UNKNOWN) {
        let (tree, centers, points) = (from.tree(), from.points(), destination.points());
        let unknown = nearest.par_iter_mut().enumerate().filter(|(_, cell)| **cell == UNKNOWN);
        // Neighbours in index mostly are on the globe: the last answer is a short bound for the next one.
        unknown.for_each_init(
            || None,
            |last: &mut Option<UnitVector>, (i, cell)| {
                let bound = last.map_or(f64::INFINITY, |last| dot(sub(points[i], last), sub(points[i], last)));
                *cell = tree.nearest_within(points[i], bound).map_or(NONE, |(column, _)| column);
                *last = centers.get(*cell as usize).copied();
            },
        );
    }
    if reach < f64::INFINITY {
        let (centers, points) = (from.points(), destination.points());
        let is_far = |i: usize, cell: u32| {
            let apart = sub(points[i], centers[cell as usize]);
            dot(apart, apart) > reach
        };
        nearest.par_iter_mut().enumerate().for_each(|(i, cell)| {
            if *cell != NONE && is_far(i, *cell) {
                *cell = NONE;
            }
        });
    }
}

/// [`rows`] on a graphics processor that has double precision: the same cells, found by cubes. What is far from all
/// centers is left to the processor.
#[cfg(feature = "gpu")]
pub(super) fn rows_on(gpu: &Gpu, from: &Centers, destination: &Centers, reach: f64) -> Result<LinkRows, RegridError> {
    let active = |centers: &Centers| (0..centers.len() as u32).filter(|&i| centers.is_active[i as usize]).collect::<Vec<u32>>();
    let (cells, targets) = (active(from), active(destination));
    let units = |centers: &Centers, of: &[u32]| of.par_iter().map(|&i| centers.unit(i as usize)).collect::<Vec<UnitVector>>();
    let hash = PointHash::new(&units(from, &cells));
    let uploaded = DevicePointHash::upload(gpu, &hash, Width::F64)?;
    let mut nearest = vec![NONE; destination.len()];
    for part in targets.chunks(POINTS) {
        let found = uploaded.search(gpu, &units(destination, part))?;
        for (&i, id) in part.iter().zip(found) {
            nearest[i as usize] = id.map_or(UNKNOWN, |id| cells[id as usize]);
        }
    }
    finish(&mut nearest, from, destination, reach);
    Ok(LinkRows::of_single(nearest, NONE))
}

/// Points that are looked up at a time.
#[cfg(feature = "gpu")]
const POINTS: usize = 1 << 20;

/// Active cells, nothing found yet.
fn unknown(destination: &Centers) -> Vec<u32> {
    destination.is_active.par_iter().map(|&active| if active { UNKNOWN } else { NONE }).collect()
}

fn by_formula(source: &FormulaCenters<'_>, is_active: &[bool], destination: &Centers) -> Vec<u32> {
    let cell = |i: usize| {
        if !destination.is_active[i] {
            return NONE;
        }
        let cell = source.nearest(|| destination.lon_lat(i), || destination.unit(i));
        if is_active[cell] { cell as u32 } else { UNKNOWN }
    };
    (0..destination.len()).into_par_iter().map(cell).collect()
}

fn in_rows(source: &RowCenters<'_>, destination: &Centers) -> Vec<u32> {
    let cell = |i: usize| match destination.active_lon_lat(i).map(|p| source.nearest(p)) {
        Some(Nearest::Cell(cell)) => cell,
        Some(Nearest::Unknown) => UNKNOWN,
        None => NONE,
    };
    (0..destination.len()).into_par_iter().map(cell).collect()
}
