//! Patches of a structured grid: quadrangles of neighbouring centers, across the seam, the fold and the poles.

use super::patches::PatchBuilder;
use crate::search::points::NearPoints;
use knarr_kernels::sphere::{UnitVector, add, distance, normalize};
use rayon::prelude::*;
use std::collections::HashSet;

/// A spacing this many times that of its neighbours is a jump (another part of the globe), not a cell.
const JUMP: f64 = 6.0;

/// Cells of one row and the next one are neighbours up to this many times the spacing inside the row.
const CLOSED: f64 = 1.5;

/// Nearest centers of a row among which the one across a fold is looked for.
const FOLD_CANDIDATES: usize = 16;

/// Rows of quadrangles that one task makes.
const ROWS: usize = 16;

/// A masked cell this close (6 m on Earth) to an active one is its copy: halo columns, folded rows.
const SAME_PLACE: f64 = 1e-6;

/// For each cell the cell whose value it shows: itself, or for a masked copy the active original.
pub(super) fn aliases(points: &[UnitVector], is_active: &[bool]) -> Option<Vec<u32>> {
    if is_active.iter().all(|&a| a) {
        return None;
    }
    let active = (0..points.len()).filter(|&i| is_active[i]).map(|i| (points[i], i as u32)).collect();
    let near = NearPoints::new(active);
    let alias = |i: usize| {
        let masked = !is_active[i] && points[i].iter().all(|c| c.is_finite());
        masked.then(|| near.lowest_within(points[i], SAME_PLACE)).flatten().unwrap_or(i as u32)
    };
    Some((0..points.len()).map(alias).collect())
}

/// Centers in rows and columns.
struct Lattice<'a> {
    points: &'a [UnitVector],
    ny: usize,
    nx: usize,
    /// From each center to the next in its row, round the end of the row, and to the next in its column.
    spacings: [Vec<f64>; 2],
    median: f64,
    alias: Option<&'a [u32]>,
}

/// Whether the last column of `ny` rows of `nx` centers is next to the first.
pub(in crate::methods) fn is_closed(points: &[UnitVector], ny: usize, nx: usize) -> bool {
    Lattice { points, ny, nx, spacings: Default::default(), median: 0.0, alias: None }.rows_are_closed()
}

/// Patches of `ny` rows of `nx` centers; `alias` as from [`aliases`].
pub(super) fn patches<'a>(points: &'a [UnitVector], alias: Option<&[u32]>, ny: usize, nx: usize) -> PatchBuilder<'a> {
    let spacings = spacings(points, ny, nx);
    let median = median_spacing(&spacings[0], nx);
    let lattice = Lattice { points, ny, nx, spacings, median, alias };
    let mut patches = PatchBuilder::new(points);
    let is_closed = lattice.rows_are_closed();
    let row = |j: usize, add: &mut dyn FnMut(&[u32])| {
        for i in 0..if is_closed { nx } else { nx - 1 } {
            let next = (i + 1) % nx;
            let sides = [
                lattice.is_jump(j, i, true),
                lattice.is_jump(j + 1, i, true),
                lattice.is_jump(j, i, false),
                lattice.is_jump(j, next, false),
            ];
            if !sides.contains(&true) {
                let cell = |j, i| (j * nx + i) as u32;
                add(&[cell(j, i), cell(j, next), cell(j + 1, next), cell(j + 1, i)]);
            }
        }
    };
    patches.add_all(
        (ny - 1).div_ceil(ROWS),
        || (),
        |k, (), add| {
            (k * ROWS..(ny - 1).min((k + 1) * ROWS)).for_each(|j| row(j, add));
        },
    );
    for (row, inner) in [(0, 1), (ny - 1, ny - 2)] {
        if !(is_closed && lattice.close_pole(row, inner, &mut patches)) {
            lattice.close_fold(row, inner, &mut patches);
        }
    }
    patches
}

fn spacings(points: &[UnitVector], ny: usize, nx: usize) -> [Vec<f64>; 2] {
    let in_row = |k: usize| distance(points[k], points[k / nx * nx + (k + 1) % nx]);
    let in_column = |k: usize| distance(points[k], points[k + nx]);
    let all = |count: usize, spacing: &(dyn Fn(usize) -> f64 + Sync)| (0..count).into_par_iter().map(spacing).collect();
    [all(ny * nx, &in_row), all((ny - 1) * nx, &in_column)]
}

/// The median of what is known between columns.
fn median_spacing(in_rows: &[f64], nx: usize) -> f64 {
    let mut spacings: Vec<f64> =
        in_rows.chunks(nx).flat_map(|row| row[..nx - 1].iter().copied()).filter(|d| d.is_finite()).collect();
    if spacings.is_empty() {
        return 0.0;
    }
    let middle = spacings.len() / 2;
    *spacings.select_nth_unstable_by(middle, f64::total_cmp).1
}

impl Lattice<'_> {
    fn at(&self, j: usize, i: usize) -> UnitVector {
        self.points[j * self.nx + i]
    }

    /// Spacing from a center to the next in its row or column; `None` at the end.
    fn spacing(&self, j: Option<usize>, i: Option<usize>, in_row: bool) -> Option<f64> {
        let (j, i) = (j?, i?);
        let inside = i < self.nx && if in_row { j < self.ny } else { j + 1 < self.ny };
        inside.then(|| self.spacings[usize::from(!in_row)][j * self.nx + i])
    }

    fn is_jump(&self, j: usize, i: usize, in_row: bool) -> bool {
        let (before, after) = if in_row {
            ((Some(j), i.checked_sub(1)), (Some(j), Some(i + 1)))
        } else {
            ((j.checked_sub(1), Some(i)), (Some(j + 1), Some(i)))
        };
        let neighbours = [before, after].into_iter().filter_map(|(j, i)| self.spacing(j, i, in_row));
        let least = neighbours.filter(|d| d.is_finite()).fold(f64::INFINITY, f64::min);
        let typical = if least.is_finite() { least.max(0.2 * self.median) } else { self.median };
        // What is not a number is a jump.
        !self.spacing(Some(j), Some(i), in_row).is_some_and(|d| d <= JUMP * typical)
    }

    /// Whether the last column is a neighbour of the first, in most rows.
    fn rows_are_closed(&self) -> bool {
        let nx = self.nx;
        if nx < 3 {
            return false;
        }
        let (mut closed, mut open) = (0usize, 0usize);
        for j in 0..self.ny {
            let gap = distance(self.at(j, nx - 1), self.at(j, 0));
            let inside = distance(self.at(j, nx - 2), self.at(j, nx - 1)).max(distance(self.at(j, 0), self.at(j, 1)));
            if gap.is_finite() && inside.is_finite() {
                if gap <= CLOSED * inside { closed += 1 } else { open += 1 }
            }
        }
        closed > 4 * open
    }

    /// Triangles from a closed row around a pole to the mean of the row there; false if the row is not
    /// a small ring.
    fn close_pole(&self, row: usize, inner: usize, patches: &mut PatchBuilder) -> bool {
        // Each center once, without its copies in halo columns.
        let shown = |i: usize| self.alias.map_or((row * self.nx + i) as u32, |alias| alias[row * self.nx + i]);
        let mut seen = HashSet::new();
        let columns: Vec<usize> = (0..self.nx).filter(|&i| seen.insert(shown(i))).collect();
        let ring: Vec<UnitVector> = columns.iter().map(|&i| self.at(row, i)).collect();
        let Some(pole) = normalize(ring.iter().fold([0.0; 3], |sum, &p| add(sum, p))) else {
            return false;
        };
        let radii = ring.iter().map(|&p| distance(pole, p));
        let (least, most) = radii.fold((f64::INFINITY, 0.0f64), |(a, b), r| (a.min(r), b.max(r)));
        let to_inner: f64 = (0..self.nx).map(|i| distance(self.at(row, i), self.at(inner, i))).sum();
        // The ring is round, and the pole is not further away than the next row.
        let is_ring = most <= CLOSED * to_inner / self.nx as f64 && least >= 0.5 * most;
        if is_ring && most > 1e-9 {
            let cells: Vec<u32> = columns.iter().map(|&i| (row * self.nx + i) as u32).collect();
            let mean = patches.add_mean(pole, cells.clone());
            for (k, &cell) in cells.iter().enumerate() {
                patches.add(&[cell, cells[(k + 1) % cells.len()], mean]);
            }
        }
        is_ring || most <= 1e-9
    }

    /// Quadrangles between the two halves of a row that is folded onto itself (tripolar grids): column `i`
    /// lies opposite column `sum - i`, with a `sum` that most of the row agrees on.
    fn close_fold(&self, row: usize, inner: usize, patches: &mut PatchBuilder) {
        let nx = self.nx;
        let ring = (0..nx).map(|i| (self.at(row, i), i as u32)).filter(|(p, _)| p.iter().all(|c| c.is_finite()));
        let near = NearPoints::new(ring.collect());
        let apart = |a: usize, b: usize| a.abs_diff(b).min(nx - a.abs_diff(b));
        let reach = |i: usize| {
            let step = |k: usize| distance(self.at(row, k), self.at(row, (k + 1) % nx));
            let along = step(i).min(step((i + nx - 1) % nx));
            CLOSED * along.max(distance(self.at(row, i), self.at(inner, i)))
        };
        let (mut votes, mut found) = (vec![0usize; nx], Vec::new());
        for i in (0..nx).filter(|&i| self.at(row, i).iter().all(|c| c.is_finite())) {
            near.nearest_k(self.at(row, i), FOLD_CANDIDATES, &mut found);
            let near = found.iter().filter(|f| f.0.sqrt() <= reach(i)).map(|f| f.1 as usize);
            near.filter(|&k| apart(k, i) > 2).for_each(|k| votes[(i + k) % nx] += 1);
        }
        let width = |sum: usize| -> f64 {
            let across = (0..nx).map(|i| distance(self.at(row, i), self.at(row, (sum + nx - i) % nx)));
            across.filter(|d| d.is_finite()).sum()
        };
        // Where columns are dense their neighbours' sums get votes too: the narrowest fold is the right one.
        let candidates = (0..nx).filter(|&sum| 2 * votes[sum] >= nx);
        let Some(sum) = candidates.min_by(|&a, &b| width(a).total_cmp(&width(b))) else {
            return;
        };
        let opposite = |i: usize| (sum + nx - i) % nx;
        for i in 0..nx {
            let next = (i + 1) % nx;
            let across = [i, next].iter().all(|&k| distance(self.at(row, k), self.at(row, opposite(k))) <= 2.0 * reach(k));
            // Each quadrangle is met from both sides.
            if i <= opposite(next) && across && !self.is_jump(row, i, true) {
                let cell = |i: usize| (row * nx + i) as u32;
                patches.add(&[cell(i), cell(next), cell(opposite(next)), cell(opposite(i))]);
            }
        }
    }
}
