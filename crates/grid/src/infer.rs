//! Corners of a curvilinear grid from its centers.

use crate::polygon::chord;
use knarr_kernels::sphere::{UnitVector, add, dot, normalize, scale, sub};
use rayon::prelude::*;

/// Corners of cells, in turn round them.
pub(crate) struct Inferred {
    /// Of those asked for, or of all; `None` where too few centers are near.
    pub cells: Vec<Option<[UnitVector; 4]>>,
    /// What was recognised.
    pub notes: Vec<String>,
}

/// Corners as means of the four centers around, of the cells that are asked for or of all.
pub(crate) fn corners_from_centers(shape: [usize; 2], centers: &[Option<UnitVector>], asked: Option<&[usize]>) -> Inferred {
    let [ny, nx] = shape;
    let field = Centers { ny, nx, places: centers };
    let mut notes = Vec::new();
    let period = field.period();
    match period {
        Some(period) if period < nx => notes.push(format!("rows close the circle; {} halo columns", nx - period)),
        Some(_) => notes.push("rows close the circle".into()),
        None => notes.push("rows do not close the circle; corners at the rim are extrapolated".into()),
    }
    // The centers with a frame of one more on each side.
    let width = nx + 2;
    let mut framed: Vec<Option<UnitVector>> = vec![None; width * (ny + 2)];
    for j in 0..ny {
        framed[(j + 1) * width + 1..(j + 1) * width + 1 + nx].copy_from_slice(&centers[j * nx..(j + 1) * nx]);
        if let Some(period) = period {
            framed[(j + 1) * width] = field.at(j, period - 1);
            framed[(j + 1) * width + nx + 1] = field.at(j, nx - period);
        }
    }
    if let Some(period) = period
        && let Some(fold) = field.fold(period)
    {
        notes.push(format!("north fold recognised ({})", fold.kind));
        for i in 0..nx + 2 {
            // Column i of the frame is column i - 1 of the grid.
            let partner = (fold.sum + 2 * period + 1 - i % period) % period;
            framed[(ny + 1) * width + i] = field.at(fold.row, partner);
        }
    }
    // Once for the rim and for gaps, once more for the outer corners, which need the mirrored rim.
    for _ in 0..2 {
        mirror_outward(&mut framed, width);
    }
    let frame = Frame::new(width, &framed, asked.is_none());
    let count = asked.map_or(ny * nx, <[usize]>::len);
    let nth = |k: usize| asked.map_or(k, |asked| asked[k]);
    let corners = |k: usize| -> Option<[UnitVector; 4]> {
        let cell = nth(k);
        let (j, i) = (cell / nx + 1, cell % nx + 1);
        centers[cell]?;
        let corner = |dj, di| frame.corner(j, i, dj, di);
        Some([corner(-1, -1)?, corner(-1, 1)?, corner(1, 1)?, corner(1, -1)?])
    };
    let cells = (0..count).into_par_iter().map(corners).collect();
    let torn = (0..count).into_par_iter().map(nth).filter(|c| frame.is_torn(c / nx + 1, c % nx + 1)).count();
    if torn > 0 {
        notes.push(format!("{torn} cells lie at a tear of the grid; no corner was built across it"));
    }
    Inferred { cells, notes }
}

/// Neighbours this many times farther apart than the next ones on both sides belong to different pieces of the grid.
const TEAR: f64 = 3.0;

/// Centers with their frame.
struct Frame<'a> {
    width: usize,
    places: &'a [Option<UnitVector>],
    /// Whether the grid is torn between a place and the next one in its row, and the one above, if that has been found
    /// for all places beforehand.
    torn: Option<[Vec<bool>; 2]>,
}

impl<'a> Frame<'a> {
    fn new(width: usize, places: &'a [Option<UnitVector>], for_all: bool) -> Self {
        let mut frame = Self { width, places, torn: None };
        let find = |dj, di| -> Vec<bool> {
            let row_column = |k: usize| ((k / width) as isize, (k % width) as isize);
            (0..places.len()).into_par_iter().map(|k| frame.gapes(row_column(k).0, row_column(k).1, dj, di)).collect()
        };
        frame.torn = for_all.then(|| [find(0, 1), find(1, 0)]);
        frame
    }

    fn at(&self, j: isize, i: isize) -> Option<UnitVector> {
        let height = (self.places.len() / self.width) as isize;
        let inside = j >= 0 && i >= 0 && j < height && (i as usize) < self.width;
        if inside { self.places[j as usize * self.width + i as usize] } else { None }
    }

    /// Whether two neighbours lie far apart, measured by the next ones on both sides.
    fn gapes(&self, j: isize, i: isize, dj: isize, di: isize) -> bool {
        let apart = |a: isize, b: isize| Some(chord(self.at(j + a * dj, i + a * di)?, self.at(j + b * dj, i + b * di)?));
        let Some(gap) = apart(0, 1) else { return false };
        let usual = apart(-1, 0).unwrap_or(0.0).max(apart(1, 2).unwrap_or(0.0));
        usual > 0.0 && gap > TEAR * usual
    }

    /// Whether the grid is torn between a center and its neighbour in one direction.
    fn torn(&self, j: isize, i: isize, dj: isize, di: isize) -> bool {
        let (j, i) = (j + dj.min(0), i + di.min(0));
        let height = (self.places.len() / self.width) as isize;
        if j < 0 || i < 0 || j >= height || i as usize >= self.width {
            return false;
        }
        match &self.torn {
            Some(torn) => torn[usize::from(dj != 0)][j as usize * self.width + i as usize],
            None => self.gapes(j, i, dj.abs(), di.abs()),
        }
    }

    fn is_torn(&self, j: usize, i: usize) -> bool {
        let (j, i) = (j as isize, i as isize);
        [(0, 1), (0, -1), (1, 0), (-1, 0)].into_iter().any(|(dj, di)| self.torn(j, i, dj, di))
    }

    /// The corner of a cell between its neighbours in directions `dj` and `di`.
    fn corner(&self, j: usize, i: usize, dj: isize, di: isize) -> Option<UnitVector> {
        let (j, i) = (j as isize, i as isize);
        let (own, beside, above, across) = (self.at(j, i)?, self.at(j, i + di), self.at(j + dj, i), self.at(j + dj, i + di));
        let torn_above = self.torn(j, i, dj, 0) || self.torn(j, i + di, dj, 0);
        let torn_beside = self.torn(j, i, 0, di) || self.torn(j + dj, i, 0, di);
        match (torn_above, torn_beside) {
            (false, false) => mean_of_four([own, beside?, above?, across?]),
            // The piece is continued by its own mirror image, for this center and the one beside it alike.
            (true, false) => {
                let beside = beside?;
                mean_of_four([own, beside, mirror(own, self.at(j - dj, i)?), mirror(beside, self.at(j - dj, i + di)?)])
            }
            (false, true) => {
                let above = above?;
                mean_of_four([own, above, mirror(own, self.at(j, i - di)?), mirror(above, self.at(j + dj, i - di)?)])
            }
            (true, true) => {
                let (a, b) = (mirror(own, self.at(j - dj, i)?), mirror(own, self.at(j, i - di)?));
                mean_of_four([own, a, b, normalize(sub(add(a, b), own))?])
            }
        }
    }
}

/// `far` mirrored at `near`.
fn mirror(near: UnitVector, far: UnitVector) -> UnitVector {
    sub(scale(near, 2.0 * dot(near, far)), far)
}

/// Sums in sorted order, so that a corner met from both sides of a seam or fold has the same bits.
fn mean_of_four(mut four: [UnitVector; 4]) -> Option<UnitVector> {
    four.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])).then(a[2].total_cmp(&b[2])));
    normalize(four.into_iter().fold([0.0; 3], add))
}

/// Gives unknown places next to two known ones in a line their mirror image.
fn mirror_outward(framed: &mut [Option<UnitVector>], width: usize) {
    let height = framed.len() / width;
    let at = |j: isize, i: isize| -> Option<UnitVector> {
        let inside = j >= 0 && i >= 0 && (j as usize) < height && (i as usize) < width;
        if inside { framed[j as usize * width + i as usize] } else { None }
    };
    let image = |k: usize| {
        let (j, i) = ((k / width) as isize, (k % width) as isize);
        let images = [(0, 1), (0, -1), (1, 0), (-1, 0)].into_iter().filter_map(|(dj, di)| {
            let (near, far) = (at(j + dj, i + di)?, at(j + 2 * dj, i + 2 * di)?);
            Some(mirror(near, far))
        });
        (k, normalize(images.fold([0.0; 3], add)))
    };
    // All of what is known now, before any becomes known.
    let images: Vec<_> = (0..framed.len()).filter(|&k| framed[k].is_none()).map(image).collect();
    images.into_iter().for_each(|(k, place)| framed[k] = place);
}

/// Which row lies beyond the last one: column `i` meets column `sum - i` (modulo the period) of `row`.
struct Fold {
    row: usize,
    sum: usize,
    kind: &'static str,
}

/// Two centers are one if they lie nearer than this part of the spacing; files keep 32-bit coordinates.
const SAME: f64 = 0.02;
/// Part of the rows or columns that must agree, as land may hold anything.
const MOST: f64 = 0.9;

struct Centers<'a> {
    ny: usize,
    nx: usize,
    places: &'a [Option<UnitVector>],
}

impl Centers<'_> {
    fn at(&self, j: usize, i: usize) -> Option<UnitVector> {
        self.places[j * self.nx + i]
    }

    fn apart(&self, a: (usize, usize), b: (usize, usize)) -> Option<f64> {
        Some(chord(self.at(a.0, a.1)?, self.at(b.0, b.1)?))
    }

    /// Columns after which a row begins again; more columns are halo. `None` if rows have two ends.
    fn period(&self) -> Option<usize> {
        let (ny, nx) = (self.ny, self.nx);
        if nx < 5 {
            return None;
        }
        let most_rows = |test: &dyn Fn(usize) -> Option<bool>| {
            let answers: Vec<bool> = (0..ny).filter_map(test).collect();
            !answers.is_empty() && answers.iter().filter(|&&yes| yes).count() as f64 >= MOST * answers.len() as f64
        };
        // Spacing of a row, where it has one: the centers of a pole row are one point.
        let spacing = |j: usize| {
            let step = self.apart((j, 1), (j, 2))?.max(self.apart((j, nx - 3), (j, nx - 2))?);
            (step > 1e-7).then_some(step)
        };
        for halo in 1..=4.min(nx - 4) {
            if most_rows(&|j| {
                let step = spacing(j)?;
                (0..halo).map(|k| Some(self.apart((j, nx - halo + k), (j, k))? < SAME * step)).reduce(|a, b| Some(a? && b?))?
            }) {
                return Some(nx - halo);
            }
        }
        most_rows(&|j| Some(self.apart((j, nx - 1), (j, 0))? < 1.6 * spacing(j)?)).then_some(nx)
    }

    /// The fold of a tripolar grid at its last row, if it has one.
    fn fold(&self, period: usize) -> Option<Fold> {
        let last = self.ny.checked_sub(1)?;
        if self.ny < 5 || period < 16 {
            return None;
        }
        // The column where the row is widest is far from the two points the fold turns about.
        let next = |i: usize| (i + 1) % period;
        let start = (0..period).filter(|&i| self.apart((last, i), (last, next(i))).is_some()).max_by(|&a, &b| {
            let width = |i| self.apart((last, i), (last, next(i))).unwrap_or(0.0);
            width(a).total_cmp(&width(b))
        })?;
        let along = self.apart((last, start), (last, next(start)))?;
        let across = self.apart((last, start), (last - 1, start))?;
        // Next to a pole of a lat-lon grid every column is near every other: no fold.
        if along < 0.25 * across && across > 1e-7 {
            return None;
        }
        let cyclic = |i: usize| (i + period - start).min(start + period - i) % period;
        let partner = |row: usize, least: usize| {
            (0..period)
                .filter(|&i| cyclic(i).min(period - cyclic(i)) >= least)
                .filter_map(|i| Some((self.apart((last, start), (row, i))?, i)))
                .min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let agrees = |row: usize, sum: usize, limit: &dyn Fn(usize) -> Option<f64>| {
            let answers: Vec<bool> = (0..period)
                .filter_map(|i| Some(self.apart((last, i), (row, (sum + period - i) % period))? < limit(i)?))
                .collect();
            answers.len() * 2 > period && answers.iter().filter(|&&yes| yes).count() as f64 >= MOST * answers.len() as f64
        };
        for (row, kind, beyond) in [
            (last, "about cell centers", last - 1),
            (last - 1, "about cell edges, with its halo row", last.saturating_sub(2)),
            (last - 2, "about cell centers, with its halo row", last.saturating_sub(3)),
        ] {
            let least = if row == last { 3 } else { 0 };
            if let Some((gap, i)) = partner(row, least)
                && gap < SAME * along
            {
                let sum = (start + i) % period;
                if agrees(row, sum, &|_| Some(SAME * along)) {
                    return Some(Fold { row: beyond, sum, kind });
                }
            }
        }
        let (gap, i) = partner(last, 3)?;
        let sum = (start + i) % period;
        let step = |i: usize| Some(2.0 * self.apart((last, i), (last - 1, i))?);
        (gap < 1.6 * across.max(1e-7) && agrees(last, sum, &step)).then_some(Fold { row: last, sum, kind: "about cell edges" })
    }
}
