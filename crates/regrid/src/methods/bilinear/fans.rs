//! Patches of an unstructured mesh: the centers of the cells around each corner that is closed all around.

use super::patches::PatchBuilder;
use crate::search::points::PointTree;
use knarr_grid::Polygons;
use knarr_kernels::sphere::{UnitVector, distance};
use rayon::prelude::*;

/// Corners closer than this part of the median edge are one: files round the corners of each cell apart.
const WELD: f64 = 1e-4;

/// One cell at a corner, with the corners before and after.
#[derive(Clone, Copy)]
struct Spoke {
    cell: u32,
    previous: u32,
    next: u32,
}

/// Patches around shared corners; cells without corners take no part.
pub(super) fn patches(points: &[UnitVector], polygons: &Polygons) -> PatchBuilder {
    let welded = weld(polygons);
    let mut patches = PatchBuilder::new(points.to_vec());
    for fan in fans(points, polygons, &welded) {
        patches.add(&fan);
    }
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
    let tree = PointTree::new(vertices.iter().enumerate().filter(|(_, v)| finite(v)).map(|(k, &v)| (v, k as u32)).collect());
    let lowest =
        |(k, v): (usize, &UnitVector)| Some(*v).filter(finite).and_then(|v| tree.lowest_within(v, radius)).unwrap_or(k as u32);
    vertices.par_iter().enumerate().map(lowest).collect()
}

/// The cells around each closed corner, counter-clockwise.
fn fans(points: &[UnitVector], polygons: &Polygons, welded: &[u32]) -> Vec<Vec<u32>> {
    let mut spokes: Vec<(u32, Spoke)> = Vec::with_capacity(polygons.corners.len());
    let mut ring = Vec::new();
    for cell in 0..polygons.len() {
        ring.clear();
        ring.extend(polygons.cell(cell).iter().map(|&v| welded[v as usize]));
        ring.dedup();
        while ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
        let n = ring.len();
        if n >= 3 && points[cell].iter().all(|c| c.is_finite()) {
            let spoke = |k: usize| Spoke { cell: cell as u32, previous: ring[(k + n - 1) % n], next: ring[(k + 1) % n] };
            spokes.extend((0..n).map(|k| (ring[k], spoke(k))));
        }
    }
    spokes.par_sort_unstable_by_key(|(vertex, spoke)| (*vertex, spoke.cell, spoke.next));
    let mut corners: Vec<&[(u32, Spoke)]> = Vec::new();
    let mut rest = spokes.as_slice();
    while let Some(first) = rest.first() {
        let (corner, after) = rest.split_at(rest.partition_point(|s| s.0 == first.0));
        corners.push(corner);
        rest = after;
    }
    corners.into_par_iter().filter_map(closed_fan).collect()
}

/// Follows the edges around a corner; `None` unless all its cells close up in one turn.
fn closed_fan(spokes: &[(u32, Spoke)]) -> Option<Vec<u32>> {
    if spokes.len() < 3 {
        return None;
    }
    let start = spokes[0].1;
    let (mut at, mut fan) = (start, Vec::with_capacity(spokes.len()));
    loop {
        fan.push(at.cell);
        let shared = at.previous;
        let mut after = spokes.iter().map(|s| s.1).filter(|s| s.next == shared);
        at = after.next()?;
        if after.next().is_some() || fan.len() > spokes.len() {
            return None;
        }
        if at.cell == start.cell {
            break;
        }
    }
    (fan.len() == spokes.len()).then_some(fan)
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
