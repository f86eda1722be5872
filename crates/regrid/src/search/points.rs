//! Nearest points on the sphere: an implicit k-d tree whose nodes keep tight boxes.
//!
//! Points are permuted so that every node is a range of them; nothing but the boxes is stored per node.
//! Repeated points and equal coordinates (rows of a lat-lon grid, pole rows) need no care: ranges are
//! halved by count.

use knarr_kernels::sphere::{UnitVector, dot, sub};
use rayon::prelude::*;

/// Distances (chords of the unit sphere) that differ by less are equal: 60 nanometres on Earth, some
/// ten times the rounding of coordinates in degrees.
pub(crate) const TIE: f64 = 1e-14;

/// Most points of a leaf.
const LEAF: usize = 8;

/// Points with their numbers, ready for queries.
pub(crate) struct PointTree {
    points: Vec<UnitVector>,
    ids: Vec<u32>,
    /// Least and greatest coordinates of each node; children of node `k` are `2k + 1` and `2k + 2`.
    boxes: Vec<[UnitVector; 2]>,
    depth: u32,
}

impl PointTree {
    /// A tree of points and the numbers queries give for them; numbers differ.
    pub fn new(items: Vec<(UnitVector, u32)>) -> Self {
        let leaves = items.len().div_ceil(LEAF).next_power_of_two();
        let depth = leaves.ilog2();
        let mut order: Vec<Coarse> = items.iter().enumerate().map(|(place, (p, _))| Coarse::new(p, place)).collect();
        split(&mut order, depth);
        let (points, ids): (Vec<_>, Vec<_>) = order.iter().map(|item| items[item.place as usize]).unzip();
        let mut tree = Self { points, ids, boxes: vec![EMPTY; 2 * leaves - 1], depth };
        let boxes: Vec<_> = (leaves - 1..2 * leaves - 1).into_par_iter().map(|k| tree.leaf_box(k)).collect();
        tree.boxes[leaves - 1..].copy_from_slice(&boxes);
        for k in (0..leaves - 1).rev() {
            let ([a_min, a_max], [b_min, b_max]) = (tree.boxes[2 * k + 1], tree.boxes[2 * k + 2]);
            tree.boxes[k] = [std::array::from_fn(|c| a_min[c].min(b_min[c])), std::array::from_fn(|c| a_max[c].max(b_max[c]))];
        }
        tree
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    fn leaf_box(&self, node: usize) -> [UnitVector; 2] {
        let mut bounds = EMPTY;
        for p in &self.points[self.leaf_range(node)] {
            for c in 0..3 {
                bounds[0][c] = bounds[0][c].min(p[c]);
                bounds[1][c] = bounds[1][c].max(p[c]);
            }
        }
        bounds
    }

    fn leaf_range(&self, node: usize) -> std::ops::Range<usize> {
        let path = node + 1 - (1 << self.depth);
        let (mut low, mut high) = (0, self.points.len());
        for level in (0..self.depth).rev() {
            let middle = low + (high - low) / 2;
            if path >> level & 1 == 0 { high = middle } else { low = middle }
        }
        low..high
    }

    /// Calls `visit(chord², number)` for points whose chord² to `p` is at most what the last call returned
    /// (first `bound`), nearest nodes first.
    fn descend(&self, p: UnitVector, mut bound: f64, mut visit: impl FnMut(f64, u32) -> f64) {
        if self.points.is_empty() {
            return;
        }
        let first_leaf = (1usize << self.depth) - 1;
        // One waiting sibling per level, and 2^32 points have at most 32 levels.
        let mut stack = [(0usize, 0.0f64); 40];
        let mut height = 1;
        stack[0] = (0, box_distance(&self.boxes[0], p));
        while height > 0 {
            height -= 1;
            let (node, distance) = stack[height];
            if distance > bound {
                continue;
            }
            if node >= first_leaf {
                for k in self.leaf_range(node) {
                    let chord = sub(self.points[k], p);
                    let chord2 = dot(chord, chord);
                    if chord2 <= bound {
                        bound = visit(chord2, self.ids[k]);
                    }
                }
            } else {
                let children = [2 * node + 1, 2 * node + 2].map(|c| (c, box_distance(&self.boxes[c], p)));
                let near = usize::from(children[1].1 < children[0].1);
                stack[height] = children[1 - near];
                stack[height + 1] = children[near];
                height += 2;
            }
        }
    }

    /// The nearest point: its number and chord². Ties (see [`TIE`]) go to the lowest number.
    pub fn nearest(&self, p: UnitVector) -> Option<(u32, f64)> {
        self.nearest_within(p, f64::INFINITY)
    }

    /// The same if it lies within a chord² of `bound`, which makes the search short.
    pub fn nearest_within(&self, p: UnitVector, bound: f64) -> Option<(u32, f64)> {
        // Points that were the nearest one or tied with it; more than a few lie in one place.
        let (mut least, mut ties, mut more) = (f64::INFINITY, [(0.0, 0u32); 8], Vec::new());
        let mut count = 0;
        self.descend(p, widened(bound), |chord2, id| {
            if count < ties.len() {
                ties[count] = (chord2, id);
                count += 1;
            } else if chord2 < least {
                // Most of those before are out of reach by now.
                let reach = widened(chord2);
                more.extend(ties.iter().copied().filter(|t| t.0 <= reach));
                ties[0] = (chord2, id);
                count = 1;
            } else {
                more.push((chord2, id));
            }
            least = least.min(chord2);
            widened(least).min(widened(bound))
        });
        let reach = least.sqrt() + TIE;
        let tied = ties[..count].iter().chain(&more).filter(|t| t.0.sqrt() <= reach);
        tied.min_by_key(|t| t.1).map(|&(chord2, id)| (id, chord2))
    }

    /// The `k` nearest points as (chord², number), nearest first; fewer if there are fewer.
    ///
    /// Of several points equally far at the last place (see [`TIE`]), those with the lowest numbers are taken.
    pub fn nearest_k(&self, p: UnitVector, k: usize, found: &mut Vec<(f64, u32)>) {
        found.clear();
        if k == 0 {
            return;
        }
        self.descend(p, f64::INFINITY, |chord2, id| {
            let place = found.partition_point(|f| *f < (chord2, id));
            found.insert(place, (chord2, id));
            if found.len() < k {
                return f64::INFINITY;
            }
            let bound = widened(found[k - 1].0);
            while found.last().is_some_and(|f| f.0 > bound) {
                found.pop();
            }
            bound
        });
        keep_nearest(found, k);
    }

    /// Appends the numbers of all points within `radius` (a chord) of `p`, ascending.
    pub fn all_within(&self, p: UnitVector, radius: f64, found: &mut Vec<u32>) {
        let bound = radius * radius;
        self.descend(p, bound, |_, id| {
            found.push(id);
            bound
        });
        found.sort_unstable();
    }

    /// The lowest number of a point within `radius` (a chord) of `p`.
    pub fn lowest_within(&self, p: UnitVector, radius: f64) -> Option<u32> {
        let mut lowest: Option<u32> = None;
        let bound = radius * radius;
        self.descend(p, bound, |_, id| {
            lowest = Some(lowest.map_or(id, |l| l.min(id)));
            bound
        });
        lowest
    }
}

/// Of points nearest first, up to all those tied with the last one, keeps `k`: at the last place the lowest numbers.
pub(crate) fn keep_nearest(found: &mut Vec<(f64, u32)>, k: usize) {
    if found.len() > k {
        let last = found[k - 1].0.sqrt() - TIE;
        let surely = found.partition_point(|f| f.0.sqrt() < last);
        found[surely..].sort_unstable_by_key(|f| f.1);
        found.truncate(k);
        found[surely..].sort_unstable_by(|a, b| a.partial_cmp(b).expect("distances are numbers"));
    }
}

const EMPTY: [UnitVector; 2] = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];

/// chord² of the circle that holds all ties of a point at `chord2`.
#[inline(always)]
pub(super) fn widened(chord2: f64) -> f64 {
    let chord = chord2.sqrt() + TIE;
    chord * chord
}

#[inline(always)]
fn box_distance(bounds: &[UnitVector; 2], p: UnitVector) -> f64 {
    let mut sum = 0.0;
    for c in 0..3 {
        let d = (bounds[0][c] - p[c]).max(p[c] - bounds[1][c]).max(0.0);
        sum += d * d;
    }
    sum
}

/// A point by whole numbers, for halving alone: what counts is its true place.
#[derive(Clone, Copy)]
struct Coarse {
    coordinates: [i32; 3],
    place: u32,
}

impl Coarse {
    fn new(p: &UnitVector, place: usize) -> Self {
        // A step is 2^-30 of the radius: 6 mm on Earth. What is not a number becomes 0.
        Self { coordinates: p.map(|c| (c * f64::from(1 << 30)) as i32), place: place as u32 }
    }

    /// Coordinate, then place: a total order, so that halves do not depend on how they were found.
    #[inline(always)]
    fn key(&self, axis: usize) -> i64 {
        i64::from(self.coordinates[axis]) << 32 | i64::from(self.place)
    }
}

/// Halves `items` along their widest extent, `depth` times.
fn split(items: &mut [Coarse], depth: u32) {
    if depth == 0 || items.len() < 2 {
        return;
    }
    let (mut least, mut most) = ([i32::MAX; 3], [i32::MIN; 3]);
    for item in items.iter() {
        for axis in 0..3 {
            least[axis] = least[axis].min(item.coordinates[axis]);
            most[axis] = most[axis].max(item.coordinates[axis]);
        }
    }
    let extent = |axis: usize| i64::from(most[axis]) - i64::from(least[axis]);
    let widest = (0..3).max_by_key(|&axis| extent(axis)).expect("three axes");
    let middle = items.len() / 2;
    items.select_nth_unstable_by_key(middle, |item| item.key(widest));
    let (low, high) = items.split_at_mut(middle);
    if middle > 4096 {
        rayon::join(|| split(low, depth - 1), || split(high, depth - 1));
    } else {
        split(low, depth - 1);
        split(high, depth - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::unit_vector;

    /// A lat-lon grid with pole rows: equal coordinates, and 36 times the same two points.
    fn lattice() -> Vec<(UnitVector, u32)> {
        (0..19)
            .flat_map(|j| (0..36).map(move |i| (f64::from(i) * 10.0, f64::from(j) * 10.0 - 90.0)))
            .enumerate()
            .map(|(k, (lon, lat))| (unit_vector(lon, lat), k as u32))
            .collect()
    }

    fn brute_force(points: &[(UnitVector, u32)], p: UnitVector, k: usize) -> Vec<u32> {
        let chord = |q: UnitVector| dot(sub(q, p), sub(q, p)).sqrt();
        let mut all: Vec<(f64, u32)> = points.iter().map(|&(q, id)| (chord(q), id)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        let last = all[k - 1].0;
        let mut kept: Vec<u32> = all.iter().filter(|a| a.0 < last - TIE).map(|a| a.1).collect();
        let mut tied: Vec<u32> = all.iter().filter(|a| (a.0 - last).abs() <= TIE).map(|a| a.1).collect();
        tied.sort_unstable();
        kept.extend(tied.iter().take(k - kept.len()));
        kept.sort_unstable();
        kept
    }

    #[test]
    fn queries_equal_brute_force_with_ties_and_repeats() {
        let points = lattice();
        let tree = PointTree::new(points.clone());
        let mut found = Vec::new();
        // Multiples of 5° hit centers, edges and corners between centers: ties of 2, 4 and 36.
        for j in 0..=72 {
            for i in 0..144 {
                let p = unit_vector(f64::from(i) * 2.5, f64::from(j) * 2.5 - 90.0);
                for k in [1, 4, 7] {
                    tree.nearest_k(p, k, &mut found);
                    let mut ids: Vec<u32> = found.iter().map(|f| f.1).collect();
                    assert!(found.windows(2).all(|w| w[0].0 <= w[1].0));
                    ids.sort_unstable();
                    assert_eq!(ids, brute_force(&points, p, k), "{i} {j} {k}");
                }
            }
        }
    }

    #[test]
    fn few_and_no_points() {
        let mut found = Vec::new();
        PointTree::new(Vec::new()).nearest_k([1.0, 0.0, 0.0], 4, &mut found);
        assert!(found.is_empty());
        let tree = PointTree::new(vec![([0.0, 1.0, 0.0], 5), ([0.0, 1.0, 0.0], 3)]);
        assert_eq!(tree.nearest([1.0, 0.0, 0.0]).map(|n| n.0), Some(3));
        tree.nearest_k([1.0, 0.0, 0.0], 4, &mut found);
        assert_eq!(found.iter().map(|f| f.1).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(tree.lowest_within([0.0, 1.0, 0.0], 1e-9), Some(3));
        assert_eq!(tree.lowest_within([1.0, 0.0, 0.0], 1.0), None);
        assert_eq!(tree.len(), 2);
    }
}
