//! Patches of an unstructured mesh: the centers of the cells around each corner that is closed all around.

use super::patches::PatchBuilder;
use crate::search::buckets::Buckets;
use crate::search::points::NearPoints;
use knarr_grid::{Formula, Polygons};
use knarr_kernels::sphere::{UnitVector, distance};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Corners closer than this part of the median edge are one: files round the corners of each cell apart.
const WELD: f64 = 1e-4;

/// Cells, and corners, that one task looks at; more where there would be more tasks than [`TASKS`].
const STRETCH: usize = 1 << 12;
const TASKS: usize = 1 << 10;

/// The cells of a mesh by the numbers of their corners.
#[derive(Clone, Copy)]
pub(super) enum Cells<'a> {
    Formula(&'a Formula),
    Polygons(&'a Polygons),
    /// With the corner that each one stands for.
    Welded(&'a Polygons, &'a [u32]),
}

impl Cells<'_> {
    fn len(self) -> usize {
        match self {
            Self::Formula(formula) => formula.len(),
            Self::Polygons(polygons) | Self::Welded(polygons, _) => polygons.len(),
        }
    }

    fn corner_count(self) -> usize {
        match self {
            Self::Formula(formula) => formula.corner_count(),
            Self::Polygons(polygons) | Self::Welded(polygons, _) => polygons.vertices.len(),
        }
    }

    fn most_corners(self) -> usize {
        match self {
            Self::Formula(formula) => formula.corners_per_cell(),
            Self::Polygons(polygons) | Self::Welded(polygons, _) => polygons.max_corners(),
        }
    }

    /// Puts the distinct corners of a cell into `ring`.
    fn put(self, cell: usize, ring: &mut Vec<u32>) {
        ring.clear();
        match self {
            Self::Formula(formula) => formula.each_corner(cell, |corner| ring.push(corner)),
            Self::Polygons(polygons) => ring.extend_from_slice(polygons.cell(cell)),
            Self::Welded(polygons, welded) => ring.extend(polygons.cell(cell).iter().map(|&v| welded[v as usize])),
        }
        ring.dedup();
        while ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
    }
}

/// One cell at a corner: the corner, the cell, and the corners before and after.
type Spoke = [u32; 4];
const CORNER: usize = 0;
const CELL: usize = 1;
const PREVIOUS: usize = 2;
const NEXT: usize = 3;

/// Patches around shared corners; cells without corners take no part.
pub(super) fn patches<'a>(points: &'a [UnitVector], polygons: &Polygons) -> PatchBuilder<'a> {
    around_corners(points, Cells::Polygons(polygons), false).unwrap_or_else(|| {
        // Cells that do not share all their corners: files round the corners of each cell apart.
        let welded = weld(polygons);
        around_corners(points, Cells::Welded(polygons, &welded), true).expect("open corners are left out")
    })
}

/// Patches around the corners of cells that a formula gives; `None` if one is open.
pub(super) fn patches_of_formula<'a>(points: &'a [UnitVector], formula: &Formula) -> Option<PatchBuilder<'a>> {
    around_corners(points, Cells::Formula(formula), false)
}

/// Patches around the corners that are closed; `None` if one that has cells is open, unless those are to be left out.
fn around_corners<'a>(points: &'a [UnitVector], cells: Cells, leaves_out_open: bool) -> Option<PatchBuilder<'a>> {
    let corners = cells.corner_count();
    let width = STRETCH.max(corners.div_ceil(TASKS));
    let spokes = spokes(points, cells, width);
    let is_complete = AtomicBool::new(true);
    let mut patches = PatchBuilder::new(points);
    patches.add_all(spokes.count(), Fans::default, |bucket, fans, add| {
        if !leaves_out_open && !is_complete.load(Ordering::Relaxed) {
            return;
        }
        fans.sort(spokes.parts(bucket), bucket * width..corners.min((bucket + 1) * width));
        if !fans.each_closed(add) {
            is_complete.store(false, Ordering::Relaxed);
        }
    });
    (leaves_out_open || is_complete.into_inner()).then_some(patches)
}

/// The spokes of all cells that have a center, in buckets of `width` corners, in the order of cells.
fn spokes(points: &[UnitVector], cells: Cells, width: usize) -> Buckets<Spoke> {
    let step = STRETCH.max(cells.len().div_ceil(TASKS));
    let stretch = |k: usize| k * step..cells.len().min((k + 1) * step);
    let most = cells.most_corners();
    Buckets::new(
        (0..cells.len().div_ceil(step)).map(|k| most * stretch(k).len()),
        cells.corner_count().div_ceil(width),
        |k, spokes| {
            let mut ring = Vec::with_capacity(most);
            for cell in stretch(k) {
                cells.put(cell, &mut ring);
                let n = ring.len();
                if n >= 3 && points[cell].iter().all(|c| c.is_finite()) {
                    let (mut previous, mut at) = (ring[n - 1], ring[0]);
                    for k in 0..n {
                        let next = if k + 1 == n { ring[0] } else { ring[k + 1] };
                        spokes.push([at, cell as u32, previous, next]);
                        (previous, at) = (at, next);
                    }
                }
            }
        },
        |spoke| spoke[CORNER] as usize / width,
    )
}

/// The spokes of some corners, by corner and then by cell.
#[derive(Default)]
struct Fans {
    /// Where the spokes of each corner end.
    ends: Vec<u32>,
    spokes: Vec<Spoke>,
    fan: Vec<u32>,
}

impl Fans {
    /// Sorts the spokes of `corners`, which ascend by cell.
    fn sort<'s>(&mut self, parts: impl Iterator<Item = &'s [Spoke]> + Clone, corners: Range<usize>) {
        let place = |spoke: &Spoke| spoke[CORNER] as usize - corners.start;
        self.ends.clear();
        self.ends.resize(corners.len(), 0);
        parts.clone().flatten().for_each(|spoke| self.ends[place(spoke)] += 1);
        let mut start = 0;
        for end in &mut self.ends {
            (start, *end) = (start + *end, start);
        }
        self.spokes.resize(start as usize, [0; 4]);
        for spoke in parts.flatten() {
            let next = &mut self.ends[place(spoke)];
            self.spokes[*next as usize] = *spoke;
            *next += 1;
        }
    }

    /// Calls `add` with the cells around each corner where they close up, counter-clockwise; false if one is open.
    fn each_closed(&mut self, add: &mut dyn FnMut(&[u32])) -> bool {
        let (mut start, mut are_closed) = (0, true);
        for &end in &self.ends {
            let spokes = &self.spokes[start..end as usize];
            start = end as usize;
            self.fan.resize(spokes.len(), 0);
            if close(spokes, &mut self.fan) {
                add(&self.fan);
            } else {
                are_closed &= spokes.is_empty();
            }
        }
        are_closed
    }
}

/// For each corner the lowest one at the same place.
fn weld(polygons: &Polygons) -> Vec<u32> {
    let vertices = &polygons.vertices;
    let finite = |v: &UnitVector| v.iter().all(|c| c.is_finite());
    let mut edges: Vec<f64> = (0..polygons.len())
        .into_par_iter()
        .filter_map(|c| {
            let cell = polygons.cell(c);
            let (a, b) = (vertices[*cell.first()? as usize], vertices[*cell.get(1)? as usize]);
            Some(distance(a, b)).filter(|d| *d > 0.0)
        })
        .collect();
    if edges.is_empty() {
        return (0..vertices.len() as u32).collect();
    }
    let middle = edges.len() / 2;
    let radius = WELD * *edges.select_nth_unstable_by(middle, f64::total_cmp).1;
    let near = NearPoints::new(vertices.iter().enumerate().filter(|(_, v)| finite(v)).map(|(k, &v)| (v, k as u32)).collect());
    let lowest =
        |(k, v): (usize, &UnitVector)| Some(*v).filter(finite).and_then(|v| near.lowest_within(v, radius)).unwrap_or(k as u32);
    vertices.par_iter().enumerate().map(lowest).collect()
}

/// Follows the edges around a corner and writes down its cells; false unless they close up in one turn.
fn close(spokes: &[Spoke], fan: &mut [u32]) -> bool {
    let Some(start) = spokes.first().filter(|_| spokes.len() >= 3) else {
        return false;
    };
    let mut at = *start;
    let last = fan.len() - 1;
    for (k, place) in fan.iter_mut().enumerate() {
        *place = at[CELL];
        let shared = at[PREVIOUS];
        let mut after = spokes.iter().filter(|s| s[NEXT] == shared);
        let Some(next) = after.next().filter(|_| after.next().is_none()) else {
            return false;
        };
        at = *next;
        // Once around, but not before all cells were met.
        if at[CELL] == start[CELL] {
            return k == last;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::{normalize, unit_vector};
    use std::f64::consts::PI;

    fn mesh(cells: &[Vec<UnitVector>]) -> (Vec<UnitVector>, Polygons) {
        let center = |c: &Vec<UnitVector>| normalize(std::array::from_fn(|k| c.iter().map(|p| p[k]).sum())).expect("small cells");
        (cells.iter().map(center).collect(), Polygons::from_cells(cells.iter().map(Vec::as_slice)))
    }

    #[test]
    fn an_octahedron_becomes_a_cube() {
        let axes = [(0.0, 0.0), (90.0, 0.0), (180.0, 0.0), (270.0, 0.0)].map(|(x, y)| unit_vector(x, y));
        let mut cells = Vec::new();
        for k in 0..4 {
            cells.push(vec![axes[k], axes[(k + 1) % 4], [0.0, 0.0, 1.0]]);
            cells.push(vec![axes[(k + 1) % 4], axes[k], [0.0, 0.0, -1.0]]);
        }
        let (points, polygons) = mesh(&cells);
        let patches = patches(&points, &polygons);
        // Its six faces are wide, so each is four triangles around its middle.
        assert_eq!(patches.len(), 24);
        assert!((patches.area() / (4.0 * PI) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn open_corners_have_no_patch() {
        let cell = |x: f64, y: f64| {
            vec![unit_vector(x, y), unit_vector(x + 1.0, y), unit_vector(x + 1.0, y + 1.0), unit_vector(x, y + 1.0)]
        };
        let cells: Vec<_> = (0..9).map(|k| cell(f64::from(k % 3), f64::from(k / 3))).collect();
        let (points, polygons) = mesh(&cells);
        assert_eq!(patches(&points, &polygons).len(), 4);
        // Without the cell in the middle no corner is closed.
        let ring: Vec<_> = cells.iter().enumerate().filter(|(k, _)| *k != 4).map(|(_, c)| c.clone()).collect();
        let (points, polygons) = mesh(&ring);
        assert_eq!(patches(&points, &polygons).len(), 0);
    }
}
