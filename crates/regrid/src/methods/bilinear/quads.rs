//! Patches of a structured grid: quadrangles of neighbouring centers, across the seam, the fold and the poles.

use super::patches::PatchBuilder;
use crate::search::points::NearPoints;
use knarr_grid::Boxes;
use knarr_kernels::sphere::{UnitVector, add, distance, dot, normalize, sub};
use rayon::prelude::*;
use std::collections::HashSet;
use std::sync::OnceLock;

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

/// Boxes for cells that may be copies: few cells are as close to their sides.
const BOX: f64 = 64.0 * SAME_PLACE;

/// For each cell the cell whose value it shows: itself, or for a masked copy the active original.
pub(super) fn aliases(points: &[UnitVector], is_active: &[bool]) -> Option<Vec<u32>> {
    if is_active.iter().all(|&a| a) {
        return None;
    }
    let is_known = |i: usize| points[i].iter().all(|c| c.is_finite());
    let boxes = Boxes::of(points, BOX, |i| is_known(i).then_some(SAME_PLACE));
    let mut aliases: Vec<u32> = (0..points.len() as u32).collect();
    for &i in boxes.doubtful().iter().filter(|&&i| !is_active[i]) {
        let mut lowest = None;
        boxes.any_near(points[i], SAME_PLACE, |other| {
            let apart = sub(points[other], points[i]);
            let is_same = is_active[other] && dot(apart, apart) <= SAME_PLACE * SAME_PLACE;
            if is_same && lowest.is_none_or(|lowest| other < lowest) {
                lowest = Some(other);
            }
            // All in reach are looked at.
            false
        });
        aliases[i] = lowest.unwrap_or(i) as u32;
    }
    Some(aliases)
}

/// Centers in rows and columns.
struct Lattice<'a> {
    points: &'a [UnitVector],
    ny: usize,
    nx: usize,
    /// The square of the chord from each center to the next in its row, round the end of the row, and to the next in its
    /// column.
    chords2: [Vec<f64>; 2],
    /// The median of the spacings in rows, once it is needed.
    median: OnceLock<f64>,
    alias: Option<&'a [u32]>,
}

/// Whether the last column of `ny` rows of `nx` centers is next to the first.
pub(in crate::methods) fn is_closed(points: &[UnitVector], ny: usize, nx: usize) -> bool {
    Lattice { points, ny, nx, chords2: Default::default(), median: OnceLock::new(), alias: None }.rows_are_closed()
}

/// Patches of `ny` rows of `nx` centers, but those between centers of which none shows a value; `alias` as from [`aliases`].
pub(super) fn patches<'a>(
    points: &'a [UnitVector],
    is_active: &[bool],
    alias: Option<&[u32]>,
    ny: usize,
    nx: usize,
) -> PatchBuilder<'a> {
    let lattice = Lattice { points, ny, nx, chords2: chords2(points, ny, nx), median: OnceLock::new(), alias };
    let mut patches = PatchBuilder::new(points);
    let is_closed = lattice.rows_are_closed();
    let shows = |cell: &u32| is_active[alias.map_or(*cell, |alias| alias[*cell as usize]) as usize];
    let row = |j: usize, add: &mut dyn FnMut(&[u32])| {
        for i in 0..if is_closed { nx } else { nx - 1 } {
            let next = if i + 1 < nx { i + 1 } else { 0 };
            let cell = |j, i| (j * nx + i) as u32;
            let ring = [cell(j, i), cell(j, next), cell(j + 1, next), cell(j + 1, i)];
            if !ring.iter().any(shows) {
                continue;
            }
            let sides = [
                lattice.is_jump(j, i, true),
                lattice.is_jump(j + 1, i, true),
                lattice.is_jump(j, i, false),
                lattice.is_jump(j, next, false),
            ];
            if !sides.contains(&true) {
                add(&ring);
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

fn chords2(points: &[UnitVector], ny: usize, nx: usize) -> [Vec<f64>; 2] {
    let chord2 = |a: UnitVector, b: UnitVector| dot(sub(a, b), sub(a, b));
    let row = |j: usize| &points[j * nx..(j + 1) * nx];
    let (mut in_rows, mut in_columns) = (vec![0.0; ny * nx], vec![0.0; (ny - 1) * nx]);
    in_rows.par_chunks_mut(nx).enumerate().with_min_len(ROWS).for_each(|(j, chords2)| {
        let row = row(j);
        (0..nx - 1).for_each(|i| chords2[i] = chord2(row[i], row[i + 1]));
        chords2[nx - 1] = chord2(row[nx - 1], row[0]);
    });
    in_columns.par_chunks_mut(nx).enumerate().with_min_len(ROWS).for_each(|(j, chords2)| {
        let (row, next) = (row(j), row(j + 1));
        (0..nx).for_each(|i| chords2[i] = chord2(row[i], next[i]));
    });
    [in_rows, in_columns]
}

impl Lattice<'_> {
    fn at(&self, j: usize, i: usize) -> UnitVector {
        self.points[j * self.nx + i]
    }

    /// The place among all of the spacing from a center to the next in its row or column; `None` at the end.
    fn place(&self, j: Option<usize>, i: Option<usize>, in_row: bool) -> Option<usize> {
        let (j, i) = (j?, i?);
        let inside = i < self.nx && if in_row { j < self.ny } else { j + 1 < self.ny };
        inside.then_some(j * self.nx + i)
    }

    /// A spacing by its place.
    fn spacing(&self, place: usize, in_row: bool) -> f64 {
        let nx = self.nx;
        let next = if in_row { place / nx * nx + (place + 1) % nx } else { place + nx };
        distance(self.points[place], self.points[next])
    }

    /// The median of what is known between columns.
    fn median(&self) -> f64 {
        *self.median.get_or_init(|| {
            let (nx, chords2) = (self.nx, &self.chords2[0]);
            let mut places: Vec<u32> =
                (0..chords2.len()).filter(|&k| k % nx + 1 < nx && chords2[k].is_finite()).map(|k| k as u32).collect();
            if places.is_empty() {
                return 0.0;
            }
            let middle = places.len() / 2;
            let by_chord = |a: &u32, b: &u32| chords2[*a as usize].total_cmp(&chords2[*b as usize]);
            self.spacing(*places.select_nth_unstable_by(middle, by_chord).1 as usize, true)
        })
    }

    #[inline]
    fn is_jump(&self, j: usize, i: usize, in_row: bool) -> bool {
        let (before, after) = if in_row {
            ((Some(j), i.checked_sub(1)), (Some(j), Some(i + 1)))
        } else {
            ((j.checked_sub(1), Some(i)), (Some(j + 1), Some(i)))
        };
        let chords2 = &self.chords2[usize::from(!in_row)];
        let neighbours = || [before, after].into_iter().filter_map(|(j, i)| self.place(j, i, in_row));
        let Some(own) = self.place(Some(j), Some(i), in_row) else { return true };
        let least2 = neighbours().map(|place| chords2[place]).filter(|d| d.is_finite()).fold(f64::INFINITY, f64::min);
        // A spacing is its chord at least, and 1.0472 chords at most where that is 1 or less.
        if chords2[own] <= 1.0 && least2.is_finite() && 1.0967 * chords2[own] <= JUMP * JUMP * least2 {
            return false;
        }
        let least = neighbours().map(|place| self.spacing(place, in_row)).filter(|d| d.is_finite()).fold(f64::INFINITY, f64::min);
        let typical = if least.is_finite() { least.max(0.2 * self.median()) } else { self.median() };
        // What is not a number is a jump.
        let spacing = self.spacing(own, in_row);
        spacing.is_nan() || spacing > JUMP * typical
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
