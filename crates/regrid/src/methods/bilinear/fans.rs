//! Patches of an unstructured mesh: the centers of the cells around each corner that is closed all around.

use super::patches::PatchBuilder;
use crate::search::points::NearPoints;
use knarr_grid::Polygons;
use knarr_kernels::sphere::{UnitVector, distance};
use rayon::prelude::*;
use std::ops::Range;

/// Corners closer than this part of the median edge are one: files round the corners of each cell apart.
const WELD: f64 = 1e-4;

/// Corners that one task looks at.
const STRETCH: usize = 1 << 12;

/// One cell at a corner, with the corners before and after.
#[derive(Clone, Copy)]
struct Spoke {
    cell: u32,
    previous: u32,
    next: u32,
}

/// Patches around shared corners; cells without corners take no part.
pub(super) fn patches(points: &[UnitVector], polygons: &Polygons) -> PatchBuilder {
    let mut fans = Fans::new(points, polygons, None);
    if !fans.are_complete {
        // Cells that do not share all their corners: files round the corners of each cell apart.
        fans = Fans::new(points, polygons, Some(&weld(polygons)));
    }
    let mut patches = PatchBuilder::new(points.to_vec());
    patches.add_all(fans.is_closed.len(), STRETCH, |corner, add| {
        if fans.is_closed[corner] {
            add(&fans.cells[fans.starts[corner]..fans.starts[corner + 1]]);
        }
    });
    patches
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

/// The cells around each corner, counter-clockwise where they close up.
struct Fans {
    /// First place of each corner in `cells`, and the number of all at the end.
    starts: Vec<usize>,
    cells: Vec<u32>,
    is_closed: Vec<bool>,
    /// Whether all corners that have cells are closed.
    are_complete: bool,
}

impl Fans {
    /// `welded` names for each corner the one it stands for; `None` where each stands for itself.
    fn new(points: &[UnitVector], polygons: &Polygons, welded: Option<&[u32]>) -> Self {
        let mut ring = Vec::new();
        // Cells in order, so that the spokes of a corner ascend by cell.
        let mut each_spoke = |visit: &mut dyn FnMut(u32, Spoke)| {
            for cell in 0..polygons.len() {
                ring.clear();
                ring.extend(polygons.cell(cell).iter().map(|&v| welded.map_or(v, |welded| welded[v as usize])));
                ring.dedup();
                while ring.len() > 1 && ring.first() == ring.last() {
                    ring.pop();
                }
                let n = ring.len();
                if n >= 3 && points[cell].iter().all(|c| c.is_finite()) {
                    let (mut previous, mut at) = (ring[n - 1], ring[0]);
                    for k in 0..n {
                        let next = if k + 1 == n { ring[0] } else { ring[k + 1] };
                        visit(at, Spoke { cell: cell as u32, previous, next });
                        (previous, at) = (at, next);
                    }
                }
            }
        };
        let mut starts = vec![0usize; polygons.vertices.len() + 1];
        each_spoke(&mut |corner, _| starts[corner as usize + 1] += 1);
        for k in 1..starts.len() {
            starts[k] += starts[k - 1];
        }
        let mut next = starts.clone();
        let mut spokes = vec![Spoke { cell: 0, previous: 0, next: 0 }; starts[starts.len() - 1]];
        each_spoke(&mut |corner, spoke| {
            spokes[next[corner as usize]] = spoke;
            next[corner as usize] += 1;
        });
        let mut cells: Vec<u32> = spokes.iter().map(|spoke| spoke.cell).collect();
        let corners = starts.len() - 1;
        let (mut rest, mut stretches) = (cells.as_mut_slice(), Vec::new());
        for first in (0..corners).step_by(STRETCH) {
            let stretch = first..corners.min(first + STRETCH);
            let (fans, after) = std::mem::take(&mut rest).split_at_mut(starts[stretch.end] - starts[first]);
            stretches.push((stretch, fans));
            rest = after;
        }
        let closed = |(stretch, mut fans): (Range<usize>, &mut [u32])| -> Vec<bool> {
            let close_one = |corner: usize| {
                let spokes = &spokes[starts[corner]..starts[corner + 1]];
                let (fan, after) = std::mem::take(&mut fans).split_at_mut(spokes.len());
                fans = after;
                close(spokes, fan)
            };
            stretch.map(close_one).collect()
        };
        let is_closed: Vec<bool> = stretches.into_par_iter().map(closed).collect::<Vec<_>>().concat();
        let are_complete = is_closed.iter().zip(starts.windows(2)).all(|(&closed, w)| closed || w[0] == w[1]);
        Self { starts, cells, is_closed, are_complete }
    }
}

/// Follows the edges around a corner and writes down its cells; false unless they close up in one turn.
fn close(spokes: &[Spoke], fan: &mut [u32]) -> bool {
    let Some(start) = spokes.first().filter(|_| spokes.len() >= 3) else {
        return false;
    };
    let mut at = *start;
    let last = fan.len() - 1;
    for (k, place) in fan.iter_mut().enumerate() {
        *place = at.cell;
        let shared = at.previous;
        let mut after = spokes.iter().filter(|s| s.next == shared);
        let Some(next) = after.next().filter(|_| after.next().is_none()) else {
            return false;
        };
        at = *next;
        // Once around, but not before all cells were met.
        if at.cell == start.cell {
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
