//! The nearest source center.

use super::centers::{Centers, Stretch};
use crate::links::LinkRows;
use crate::search::formula::FormulaCenters;
use crate::search::quarters::{Asked, Points};
use crate::search::rows::{Nearest, RowCenters};
use knarr_grid::{Layout, LonLat};
use knarr_kernels::sphere::{dot, sub};
use rayon::prelude::*;
use std::ops::Range;
#[cfg(feature = "gpu")]
use {
    crate::RegridError,
    knarr_kernels::gpu::{Gpu, Width},
    knarr_kernels::point_hash::PointHash,
    knarr_kernels::sphere::UnitVector,
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
        Layout::Formula(formula) => match FormulaCenters::of(formula, destination.len()) {
            Some(centers) => by_formula(&centers, &from.is_active, destination),
            None => unknown(destination),
        },
        Layout::Polygons { .. } | Layout::Points { .. } => unknown(destination),
    };
    finish(&mut nearest, from, destination, reach);
    LinkRows::of_single(nearest, NONE)
}

/// As many centers for each place are worth it that squares are made of them.
const WORTH: usize = 16;

/// Searches for what is not found yet, and drops what is too far.
fn finish(nearest: &mut [u32], from: &Centers, destination: &Centers, reach: f64) {
    let count = from.is_active.iter().filter(|active| **active).count();
    let open = nearest.iter().filter(|cell| **cell == UNKNOWN).count();
    // What a formula did not find has no active center close by, so that squares find little of it.
    let is_first = !nearest.iter().any(|cell| *cell < UNKNOWN);
    if open > 0 && (is_first || WORTH * open > count) {
        let squares = from.squares();
        in_stretches(destination, nearest, |cells, stretch, nearest| {
            if nearest.contains(&UNKNOWN) {
                squares.nearest(stretch.units(destination.grid(), cells), nearest, UNKNOWN);
            }
        });
    }
    if nearest.contains(&UNKNOWN) {
        search(nearest, &from.quarters(), destination);
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

/// Searches everywhere for what is not found yet.
fn search(nearest: &mut [u32], points: &Points, destination: &Centers) {
    let mut asked = Vec::new();
    // Some at a time: memory for all is not needed, and what is used again is at hand.
    let many = AT_ONCE.max(2 * points.len());
    for (k, nearest) in nearest.chunks_mut(many).enumerate() {
        ask(destination, k * many, nearest, &mut asked);
        points.nearest(&mut asked);
        asked.iter().for_each(|place| nearest[place.number as usize] = place.nearest);
    }
}

/// Cells that are looked for together at least.
const AT_ONCE: usize = 1 << 16;

/// What is not found yet, by its place in `nearest`, which begins with cell `first`.
fn ask(destination: &Centers, first: usize, nearest: &[u32], asked: &mut Vec<Asked>) {
    let is_open = |cell: &&u32| **cell == UNKNOWN;
    let counts: Vec<usize> = nearest.chunks(STRETCH).map(|cells| cells.iter().filter(is_open).count()).collect();
    let count = counts.iter().sum();
    asked.clear();
    asked.reserve_exact(count);
    asked.resize(count, Asked { at: [0.0; 3], number: 0, nearest: NONE });
    let mut rest = &mut asked[..];
    let own = counts.into_iter().map(|count| {
        let (own, others) = std::mem::take(&mut rest).split_at_mut(count);
        rest = others;
        own
    });
    let stretches: Vec<_> = own.zip(nearest.chunks(STRETCH)).enumerate().filter(|(_, (asked, _))| !asked.is_empty()).collect();
    stretches.into_par_iter().for_each_init(Stretch::default, |stretch, (k, (asked, cells))| {
        let start = k * STRETCH;
        let units = stretch.units(destination.grid(), first + start..first + start + cells.len());
        let open = cells.iter().zip(units).zip(start..).filter(|((cell, _), _)| is_open(cell));
        for (place, ((_, &at), number)) in asked.iter_mut().zip(open) {
            *place = Asked { at, number: number as u32, nearest: NONE };
        }
    });
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
    let known = |cell: usize| if is_active[cell] { cell as u32 } else { UNKNOWN };
    if source.asks_angles() {
        return by_angles(destination, |i, p| known(source.nearest(|| p, || destination.unit(i))));
    }
    found_in_stretches(destination, |cells, stretch, out| {
        let points = stretch.units(destination.grid(), cells.clone());
        for ((i, &p), out) in cells.zip(points).zip(out).filter(|((i, _), _)| destination.is_active[*i]) {
            *out = known(source.nearest(|| destination.lon_lat(i), || p));
        }
    })
}

fn in_rows(source: &RowCenters<'_>, destination: &Centers) -> Vec<u32> {
    by_angles(destination, |_, p| match source.nearest(p) {
        Nearest::Cell(cell) => cell,
        Nearest::Unknown => UNKNOWN,
    })
}

/// What `find` says of the number and the angles of each active cell.
fn by_angles(destination: &Centers, find: impl Fn(usize, LonLat) -> u32 + Sync) -> Vec<u32> {
    found_in_stretches(destination, |cells, stretch, out| {
        let points = stretch.lon_lats(destination.grid(), cells.clone());
        for ((i, p), out) in cells.zip(points).zip(out).filter(|((i, _), _)| destination.is_active[*i]) {
            *out = find(i, p);
        }
    })
}

/// Cells whose centers are computed together.
const STRETCH: usize = 1 << 10;

/// The nearest cells of the destination, [`NONE`] where `find` does not say otherwise.
fn found_in_stretches(destination: &Centers, find: impl Fn(Range<usize>, &mut Stretch, &mut [u32]) + Sync) -> Vec<u32> {
    // Zeros that are asked for anew are not written here: each thread fills its own.
    let mut nearest = vec![0; destination.len()];
    in_stretches(destination, &mut nearest, |cells, stretch, out| {
        out.fill(NONE);
        find(cells, stretch, out);
    });
    nearest
}

/// Calls `find` for stretches of the destination and what is `nearest` to their cells.
fn in_stretches(destination: &Centers, nearest: &mut [u32], find: impl Fn(Range<usize>, &mut Stretch, &mut [u32]) + Sync) {
    debug_assert_eq!(nearest.len(), destination.len());
    nearest.par_chunks_mut(STRETCH).enumerate().for_each_init(Stretch::default, |stretch, (k, out)| {
        find(k * STRETCH..k * STRETCH + out.len(), stretch, out);
    });
}
