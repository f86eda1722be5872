//! Convex polygons of source centers, and the weights of a point inside one.

use super::collected::Shown;
use crate::links::Link;
use crate::search::locate::{Found, Locator};
use knarr_kernels::bilinear::{self, LEAST_COSINE};
use knarr_kernels::cell_area::polygon_area;
use knarr_kernels::sphere::{UnitVector, add, cross, dot, normalize, sub};
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};
use rayon::prelude::*;

/// Source cells that carry less of a point's weight than this do not stand for the masked rest.
pub(super) const LEAST_SHARE: f64 = 1e-9;

/// Patches smaller than this (in steradians; a square of 6 cm on Earth) are repeats, not neighbours.
const LEAST_AREA: f64 = 1e-16;

/// Patches wider than this (a chord; 74°) do not fit into a tangent plane at each of their points.
const WIDE: f64 = 1.2;

/// Collects patches: each is made simple, convex and counter-clockwise, or left out.
pub(super) struct PatchBuilder<'a> {
    /// Centers of the source cells.
    centers: &'a [UnitVector],
    all: Part,
}

/// Patches made by one task. Nodes are numbered on from the centers.
pub(super) struct Part {
    pub nodes: Vec<UnitVector>,
    /// The source cells that each of these nodes is the mean of.
    pub members: Vec<Vec<u32>>,
    pub starts: Vec<usize>,
    pub corners: Vec<u32>,
    area: f64,
    buffers: Buffers,
}

/// Of one ring at a time: its nodes, their positions, and those in a plane.
#[derive(Default)]
struct Buffers {
    ring: Vec<u32>,
    positions: Vec<UnitVector>,
    plane: Vec<PlanePoint>,
}

impl<'a> PatchBuilder<'a> {
    pub fn new(centers: &'a [UnitVector]) -> Self {
        Self { centers, all: Part::new() }
    }

    /// Adds a node whose value is the mean of source cells.
    pub fn add_mean(&mut self, position: UnitVector, members: Vec<u32>) -> u32 {
        self.all.add_mean(self.centers, position, members)
    }

    pub fn len(&self) -> usize {
        self.all.starts.len() - 1
    }

    /// Sum of the areas of all patches.
    pub fn area(&self) -> f64 {
        self.all.area
    }

    /// Adds the polygon through `ring`. Repeats are joined, clockwise rings turned, concave ones split
    /// into triangles, and so are those that span a large part of the globe; rings that cross themselves or
    /// have no area are left out.
    pub fn add(&mut self, ring: &[u32]) {
        self.all.add(self.centers, ring);
    }

    /// [`Self::add`] of the rings that `rings(k, state, add)` adds for each `k` below `count`, in that order, each `k` a task.
    pub fn add_all<S>(
        &mut self,
        count: usize,
        state: impl Fn() -> S + Sync,
        rings: impl Fn(usize, &mut S, &mut dyn FnMut(&[u32])) + Sync,
    ) {
        let centers = self.centers;
        let part = |state: &mut S, k: usize| {
            let mut part = Part::new();
            rings(k, state, &mut |ring| part.add(centers, ring));
            part
        };
        let mut parts = vec![std::mem::replace(&mut self.all, Part::new())];
        parts.par_extend((0..count).into_par_iter().map_init(&state, part));
        self.all = Part::joined(parts, centers.len());
    }

    /// All patches, to be made ready for queries.
    pub fn done(self) -> Part {
        self.all
    }
}

impl Part {
    fn new() -> Self {
        Self {
            nodes: Vec::new(),
            members: Vec::new(),
            starts: vec![0],
            corners: Vec::new(),
            area: 0.0,
            buffers: Buffers::default(),
        }
    }

    /// The patches of several parts, one part after the other.
    fn joined(parts: Vec<Self>, cells: usize) -> Self {
        let sum = |of: fn(&Self) -> usize| parts.iter().map(of).sum::<usize>();
        let (mut starts, mut corners) = (vec![0; sum(|p| p.starts.len() - 1) + 1], vec![0; sum(|p| p.corners.len())]);
        let (mut starts_left, mut corners_left) = (&mut starts[1..], corners.as_mut_slice());
        let (mut links, mut nodes, mut places) = (0, 0, Vec::with_capacity(parts.len()));
        for part in &parts {
            let (own_starts, rest) = starts_left.split_at_mut(part.starts.len() - 1);
            starts_left = rest;
            let (own_corners, rest) = corners_left.split_at_mut(part.corners.len());
            corners_left = rest;
            places.push((part, links, nodes, own_starts, own_corners));
            (links, nodes) = (links + part.corners.len(), nodes + part.nodes.len() as u32);
        }
        places.into_par_iter().for_each(|(part, links, nodes, starts, corners)| {
            starts.iter_mut().zip(&part.starts[1..]).for_each(|(to, start)| *to = links + start);
            let renumbered = |k: u32| if (k as usize) < cells { k } else { k + nodes };
            corners.iter_mut().zip(&part.corners).for_each(|(to, &k)| *to = renumbered(k));
        });
        let mut all = Self { starts, corners, ..Self::new() };
        for part in parts {
            all.nodes.extend(part.nodes);
            all.members.extend(part.members);
            all.area += part.area;
        }
        all
    }

    fn node(&self, centers: &[UnitVector], k: u32) -> UnitVector {
        let k = k as usize;
        if k < centers.len() { centers[k] } else { self.nodes[k - centers.len()] }
    }

    fn add_mean(&mut self, centers: &[UnitVector], position: UnitVector, members: Vec<u32>) -> u32 {
        self.nodes.push(position);
        self.members.push(members);
        (centers.len() + self.nodes.len() - 1) as u32
    }

    fn add(&mut self, centers: &[UnitVector], ring: &[u32]) {
        if let &[a, b, c, d] = ring
            && let Some(turn) = clear_turn([a, b, c, d].map(|k| self.node(centers, k)))
        {
            // Clockwise rings are turned from the last corner on.
            let (ring, area) = if turn > 0.0 { ([a, b, c, d], turn) } else { ([d, c, b, a], -turn) };
            return self.push(&ring, area);
        }
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.ring.clear();
        buffers.ring.extend_from_slice(ring);
        self.add_buffered(centers, &mut buffers);
        self.buffers = buffers;
    }

    fn add_buffered(&mut self, centers: &[UnitVector], Buffers { ring, positions, plane }: &mut Buffers) {
        ring.dedup_by(|a, b| self.coincide(centers, *a, *b));
        while ring.len() > 1 && self.coincide(centers, ring[0], ring[ring.len() - 1]) {
            ring.pop();
        }
        positions.clear();
        positions.extend(ring.iter().map(|&k| self.node(centers, k)));
        if ring.len() < 3 || positions.iter().any(|p| !p.iter().all(|c| c.is_finite())) {
            return;
        }
        let area = polygon_area(positions);
        if area < 0.0 {
            ring.reverse();
            positions.reverse();
        }
        if area.abs() < LEAST_AREA {
            return;
        }
        if ring.len() > 3 && is_wide(positions) {
            self.add_around_middle(centers, ring, positions);
            return;
        }
        if !flatten(positions, plane) {
            return;
        }
        if is_convex(plane) {
            self.push(ring, area.abs());
        } else if ring.len() > 4 || !crosses_itself(plane) {
            for triangle in clip_ears(plane) {
                self.push(&triangle.map(|k| ring[k]), polygon_area(&triangle.map(|k| positions[k])));
            }
        }
    }

    /// Triangles from each side of a ring of source cells to its middle, where their mean is assumed.
    fn add_around_middle(&mut self, centers: &[UnitVector], ring: &[u32], positions: &[UnitVector]) {
        let middle = normalize(positions.iter().copied().fold([0.0; 3], add));
        if let Some(middle) = middle.filter(|_| ring.iter().all(|&k| (k as usize) < centers.len())) {
            let mean = self.add_mean(centers, middle, ring.to_vec());
            for (k, &corner) in ring.iter().enumerate() {
                self.add(centers, &[corner, ring[(k + 1) % ring.len()], mean]);
            }
        }
    }

    fn push(&mut self, ring: &[u32], area: f64) {
        self.area += area;
        self.corners.extend_from_slice(ring);
        self.starts.push(self.corners.len());
    }

    fn coincide(&self, centers: &[UnitVector], a: u32, b: u32) -> bool {
        if a == b {
            return true;
        }
        let d = sub(self.node(centers, a), self.node(centers, b));
        dot(d, d) < SAME_NODE2
    }
}

/// The area of a quadrangle, negative if it is clockwise, if it is clearly convex and neither wide nor too small.
#[inline]
fn clear_turn([a, b, c, d]: [UnitVector; 4]) -> Option<f64> {
    let sides = [sub(b, a), sub(c, b), sub(d, c), sub(a, d)];
    let (first, second) = (sub(c, a), sub(d, b));
    let width2 = dot(first, first).max(dot(second, second));
    // Of a convex quadrangle no side is longer than both diagonals together.
    if width2.is_nan() || width2 > 0.25 * WIDE * WIDE {
        return None;
    }
    let turns = [
        dot(a, cross(sides[0], sides[1])),
        dot(b, cross(sides[1], sides[2])),
        dot(c, cross(sides[2], sides[3])),
        dot(d, cross(sides[3], sides[0])),
    ];
    let sign = 1f64.copysign(turns[0]);
    let least_turn = (CLEAR_TURN * width2).max(4.0 * LEAST_AREA);
    let is_clear =
        turns.iter().all(|turn| sign * turn > least_turn) && sides.iter().all(|&side| dot(side, side) > 4.0 * SAME_NODE2);
    is_clear.then(|| polygon_area(&[a, b, c, d]))
}

/// Turns of a quadrangle larger than this part of the square of its width leave no doubt about their sign.
const CLEAR_TURN: f64 = 1e-9;

/// The square of a chord up to which nodes are one.
const SAME_NODE2: f64 = 1e-24;

fn is_wide(positions: &[UnitVector]) -> bool {
    let apart = |a: UnitVector, b: UnitVector| dot(sub(a, b), sub(a, b)) > WIDE * WIDE;
    positions.iter().enumerate().any(|(k, &a)| positions[..k].iter().any(|&b| apart(a, b)))
}

/// Puts the ring into the tangent plane at its middle; false if it does not fit.
fn flatten(positions: &[UnitVector], ring: &mut Vec<PlanePoint>) -> bool {
    let Some(middle) = normalize(positions.iter().copied().fold([0.0; 3], add)) else {
        return false;
    };
    let plane = TangentPlane::new(middle, LEAST_COSINE);
    ring.clear();
    ring.extend(positions.iter().map_while(|&p| plane.project(p)));
    ring.len() == positions.len()
}

fn cross2(a: PlanePoint, b: PlanePoint, c: PlanePoint) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

fn is_convex(ring: &[PlanePoint]) -> bool {
    let n = ring.len();
    (0..n).all(|k| {
        let after = |k: usize| if k + 1 < n { k + 1 } else { 0 };
        let (a, b, c) = (ring[k], ring[after(k)], ring[after(after(k))]);
        let length2 = |p: PlanePoint, q: PlanePoint| (p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1]);
        let turn = cross2(a, b, c);
        // Three corners in a line are convex, whatever their rounding.
        turn >= 0.0 || turn >= -1e-10 * (length2(a, b) * length2(b, c)).sqrt()
    })
}

/// Whether opposite edges of a quadrangle meet.
fn crosses_itself(quad: &[PlanePoint]) -> bool {
    let meet = |a: PlanePoint, b: PlanePoint, c: PlanePoint, d: PlanePoint| {
        cross2(a, b, c) * cross2(a, b, d) < 0.0 && cross2(c, d, a) * cross2(c, d, b) < 0.0
    };
    meet(quad[0], quad[1], quad[2], quad[3]) || meet(quad[1], quad[2], quad[3], quad[0])
}

/// Triangles of a simple counter-clockwise polygon, as corner numbers.
fn clip_ears(ring: &[PlanePoint]) -> Vec<[usize; 3]> {
    let mut left: Vec<usize> = (0..ring.len()).collect();
    let mut triangles = Vec::new();
    while left.len() >= 3 {
        let n = left.len();
        let ear = (0..n).find(|&k| {
            let [a, b, c] = [left[(k + n - 1) % n], left[k], left[(k + 1) % n]];
            let inside = |p: PlanePoint| {
                cross2(ring[a], ring[b], p) >= 0.0 && cross2(ring[b], ring[c], p) >= 0.0 && cross2(ring[c], ring[a], p) >= 0.0
            };
            let others = left.iter().filter(|&&o| o != a && o != b && o != c);
            cross2(ring[a], ring[b], ring[c]) > 0.0 && !others.into_iter().any(|&o| inside(ring[o]))
        });
        let Some(k) = ear else {
            break;
        };
        triangles.push([left[(k + n - 1) % n], left[k], left[(k + 1) % n]]);
        left.remove(k);
    }
    triangles
}

/// Patches that can be asked for the weights of a point.
pub(in crate::methods) struct Patches {
    locator: Locator,
    shown: Shown,
}

/// Buffers of a query.
#[derive(Default)]
pub(in crate::methods) struct Scratch {
    found: Found,
    weights: Vec<f64>,
}

impl Scratch {
    /// Those of a patch: its corners in a plane, and their weights.
    pub(super) fn buffers(&mut self) -> (&mut Vec<PlanePoint>, &mut Vec<f64>) {
        (&mut self.found.plane, &mut self.weights)
    }
}

impl Patches {
    pub(super) fn new(locator: Locator, shown: Shown) -> Self {
        Self { locator, shown }
    }

    /// Appends the links of the first patch around `p` that has an active corner there.
    ///
    /// Corners that are masked are left out; the rest is scaled up by the caller.
    pub fn links_at(&self, p: UnitVector, scratch: &mut Scratch, links: &mut Vec<Link>) {
        let Scratch { found, weights } = scratch;
        self.locator
            .containing(p, found, |polygon, plane| weights_in(plane, weights) && self.shown.push_links(polygon, weights, links));
    }

    /// Looks around a run of points, which queries are then asked for one after the other.
    pub fn gather(&self, points: &[UnitVector], scratch: &mut Scratch) {
        self.locator.gather(points, &mut scratch.found);
    }

    /// Whether a source cell has a value.
    pub fn is_active(&self, cell: u32) -> bool {
        self.shown.is_active(cell)
    }

    /// Patches that are quadrangles of source cells, those shown by their copies.
    pub fn quadrangles(&self) -> impl Iterator<Item = [u32; 4]> + '_ {
        (0..self.locator.len() as u32).filter_map(|k| self.shown(self.locator.polygon(k)))
    }

    /// The first patch around `p` that is a quadrangle of active source cells, and its weights.
    pub fn quadrangle_at(&self, p: UnitVector, scratch: &mut Scratch) -> Option<([u32; 4], [f64; 4])> {
        let mut quadrangle = None;
        self.locator.containing(p, &mut scratch.found, |polygon, plane| {
            let corners = self.shown(polygon).filter(|corners| corners.iter().all(|&c| self.is_active(c)));
            quadrangle = corners.and_then(|corners| Some((corners, bilinear::quadrangle_weights(plane.try_into().ok()?)?)));
            quadrangle.is_some()
        });
        quadrangle
    }

    fn shown(&self, polygon: &[u32]) -> Option<[u32; 4]> {
        self.shown.four(polygon.try_into().ok()?)
    }

    /// The patches.
    #[cfg(feature = "gpu")]
    pub fn locator(&self) -> &Locator {
        &self.locator
    }

    /// Appends the links of a point in a patch that has these weights; none, and false, if no corner is active there.
    #[cfg(feature = "gpu")]
    pub fn push_weighed(&self, patch: u32, weights: &[f64], links: &mut Vec<Link>) -> bool {
        let polygon = self.locator.polygon(patch);
        self.shown.push_links(polygon, &weights[..polygon.len()], links)
    }
}

/// Weights of the origin in a polygon around it; false if the polygon is too thin to have any.
pub(super) fn weights_in(plane: &[PlanePoint], weights: &mut Vec<f64>) -> bool {
    weights.clear();
    match *plane {
        [a, b, c] => match bilinear::triangle_weights([a, b, c]) {
            Some(w) => weights.extend(w.map(|w| w.max(0.0))),
            None => return false,
        },
        [a, b, c, d] => match bilinear::quadrangle_weights([a, b, c, d]) {
            Some(w) => weights.extend(w),
            None => return false,
        },
        _ => bilinear::mean_value_weights(plane, weights),
    }
    weights.iter().all(|w| w.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::bilinear::collected::Collected;
    use knarr_kernels::sphere::unit_vector;

    fn units(points: &[(f64, f64)]) -> Vec<UnitVector> {
        points.iter().map(|&(lon, lat)| unit_vector(lon, lat)).collect()
    }

    fn links(patches: &Patches, lon: f64, lat: f64) -> Vec<Link> {
        let mut links = Vec::new();
        patches.links_at(unit_vector(lon, lat), &mut Scratch::default(), &mut links);
        links
    }

    #[test]
    fn clockwise_concave_and_crossing_rings() {
        let corners = units(&[(0.0, 0.0), (4.0, 0.0), (1.0, 1.0), (0.0, 4.0)]);
        for ring in [[0, 1, 2, 3], [3, 2, 1, 0]] {
            let mut patches = PatchBuilder::new(&corners);
            patches.add(&ring);
            assert_eq!(patches.len(), 2, "a concave quadrangle becomes two triangles");
            let patches = Collected::new(corners.clone(), patches.done(), None, vec![true; 4]).located();
            assert_eq!(links(&patches, 0.5, 0.5).len(), 3);
            assert!(links(&patches, 2.0, 2.0).is_empty(), "outside the notch");
        }
        let corners = units(&[(0.0, 0.0), (1.0, 1.2), (1.0, 0.0), (0.0, 1.0)]);
        let mut crossing = PatchBuilder::new(&corners);
        crossing.add(&[0, 1, 2, 3]);
        crossing.add(&[0, 0, 1, 1]);
        assert_eq!(crossing.len(), 0);
    }

    #[test]
    fn runs_of_points_have_the_links_of_points_one_by_one() {
        let corners: Vec<(f64, f64)> = (0..400).map(|k| (f64::from(k % 20) * 2.0, f64::from(k / 20) * 2.0 + 0.1)).collect();
        let corners = units(&corners);
        let mut patches = PatchBuilder::new(&corners);
        for k in (0..380).filter(|k| k % 20 < 19) {
            patches.add(&[k, k + 1, k + 21, k + 20]);
        }
        let patches = Collected::new(corners.clone(), patches.done(), None, vec![true; 400]).located();
        // Close together, on sides of patches and beyond the last one, then far apart.
        let (mut scratch, mut gathered) = (Scratch::default(), [0, 0]);
        for (far, step) in [0.5, 40.0].into_iter().enumerate() {
            for run in 0..60 {
                let place = |k: i32| (f64::from(run) * 0.7 + f64::from(k) * step, f64::from(run) * 0.6 + 0.1 * f64::from(k % 3));
                let run: Vec<(f64, f64)> = (0..16).map(place).collect();
                let points: Vec<UnitVector> = run.iter().map(|&(lon, lat)| unit_vector(lon, lat)).collect();
                patches.gather(&points, &mut scratch);
                gathered[far] += usize::from(scratch.found.is_gathered());
                for (&p, &(lon, lat)) in points.iter().zip(&run) {
                    let mut found = Vec::new();
                    patches.links_at(p, &mut scratch, &mut found);
                    assert_eq!(found, links(&patches, lon, lat), "{lon} {lat}");
                }
            }
        }
        assert_eq!(gathered, [60, 0]);
    }

    #[test]
    fn masked_corners_are_left_out_and_aliases_followed() {
        let corners = units(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]);
        let mut patches = PatchBuilder::new(&corners);
        patches.add(&[0, 1, 2, 3]);
        let (alias, is_active) = (Some(vec![0, 1, 2, 0]), vec![true, false, true, false]);
        let patches = Collected::new(corners.clone(), patches.done(), alias, is_active).located();
        let found = links(&patches, 0.25, 0.5);
        assert_eq!(found.iter().map(|l| l.0).collect::<Vec<_>>(), [0, 2, 0]);
        assert!(links(&patches, 1.0, 0.0).is_empty(), "at a masked center nothing is known");
    }
}
