//! Nearest points on the sphere: the faces of a cube around it, cut into strips, points in order along each.
//!
//! A query looks at its strip from its place outward, then at the strips beside, as far as the bound reaches. Strips are
//! about as wide as points are apart; along them places are found by halving, so that dense parts cost little more. Repeated
//! points and equal coordinates (rows of a lat-lon grid, pole rows) need no care. Where the own strip has nothing near, as
//! around regional grids and on continents, strips are asked by the boxes around their points, the nearest box first.

use super::cube::{Extent, Face, ROUNDING, Seen, face_of};
use knarr_kernels::sphere::{UnitVector, dot, sub};
use rayon::prelude::*;

/// Distances (chords of the unit sphere) that differ by less are equal: 60 nanometres on Earth, some
/// ten times the rounding of coordinates in degrees.
pub(crate) const TIE: f64 = 1e-14;

/// Points with their numbers, ready for queries.
pub(crate) struct NearPoints {
    points: Vec<UnitVector>,
    ids: Vec<u32>,
    /// Place of each point along its strip, ascending within it.
    along: Vec<f32>,
    /// First point of each strip, and the number of points at the end.
    starts: Vec<u32>,
    /// Least and greatest coordinates of the points of each strip, and of each [`CHUNK`] of points.
    boxes: Vec<[UnitVector; 2]>,
    chunks: Vec<[UnitVector; 2]>,
    faces: [Face; 6],
}

/// Windows that reach farther along a strip than this are held against the box around its points first.
const WIDE: f64 = 0.05;

/// The square of a chord, 1600 km, beyond which boxes lead to the nearest point sooner than strip after strip.
const FAR: f64 = 0.0625;

/// Points that share a box within their strip.
const CHUNK: usize = 32;

/// A point on its way to its strip.
#[derive(Clone, Copy)]
struct Item {
    along: f32,
    place: u32,
}

impl NearPoints {
    /// Points, and the numbers queries give for them; numbers differ. Those with coordinates that are not numbers are
    /// left out.
    pub fn new(mut items: Vec<(UnitVector, u32)>) -> Self {
        items.retain(|(p, _)| p.iter().all(|c| c.is_finite()));
        let seen = |p: UnitVector| (face_of(p), Seen::from(face_of(p), p));
        let mut extents = [Extent::NONE; 6];
        items.iter().map(|(p, _)| seen(*p)).for_each(|(face, at)| extents[face].meet(at));
        let (mut faces, mut strips) = ([Face::default(); 6], 0);
        for (face, extent) in faces.iter_mut().zip(&extents) {
            *face = extent.strips(strips);
            strips += face.count;
        }
        let strip_of = |p: UnitVector| {
            let (face, at) = seen(p);
            faces[face].first + faces[face].strip(at.y)
        };
        let mut starts = vec![0u32; strips + 1];
        items.iter().for_each(|(p, _)| starts[strip_of(*p) + 1] += 1);
        for k in 0..strips {
            starts[k + 1] += starts[k];
        }
        let mut order = vec![Item { along: 0.0, place: 0 }; items.len()];
        let mut next = starts.clone();
        for (place, (p, _)) in items.iter().enumerate() {
            let next = &mut next[strip_of(*p)];
            order[*next as usize] = Item { along: seen(*p).1.x as f32, place: place as u32 };
            *next += 1;
        }
        let (mut rest, mut parts) = (order.as_mut_slice(), Vec::with_capacity(strips));
        for range in starts.windows(2) {
            let (part, after) = std::mem::take(&mut rest).split_at_mut((range[1] - range[0]) as usize);
            parts.push(part);
            rest = after;
        }
        let sort = |part: &mut [Item]| part.sort_unstable_by(|a, b| a.along.total_cmp(&b.along).then(a.place.cmp(&b.place)));
        parts.into_par_iter().with_min_len(16).for_each(sort);
        let (points, ids) = order.iter().map(|item| items[item.place as usize]).unzip();
        let along = order.iter().map(|item| item.along).collect();
        let points: Vec<UnitVector> = points;
        let boxes = starts.windows(2).map(|range| box_around(&points[range[0] as usize..range[1] as usize])).collect();
        let chunks = points.chunks(CHUNK).map(box_around).collect();
        Self { points, ids, along, starts, boxes, chunks, faces }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Calls `visit(chord², number)` for points whose chord² to `p` is at most what the last call returned
    /// (first `bound`), near ones mostly first.
    #[inline]
    fn descend(&self, p: UnitVector, mut bound: f64, mut visit: impl FnMut(f64, u32) -> f64) {
        let own = face_of(p);
        let at = Seen::from(own, p);
        let strip = self.faces[own].first + self.faces[own].strip(at.y);
        if self.faces[own].count > 0 {
            let mut reach = at.reach(bound);
            self.descend_strip(strip, at, p, &mut bound, &mut reach, &mut visit);
        }
        if bound > FAR {
            return self.descend_boxes(p, strip, bound, visit);
        }
        self.descend_face(own, at, p, true, &mut bound, &mut visit);
        let [x, y] = at.reach(bound);
        if at.x.abs() + x < 1.0 && at.y.abs() + y < 1.0 {
            return;
        }
        for face in (0..6).filter(|&face| face != own && self.faces[face].count > 0) {
            let at = Seen::from(face, p);
            let [x, y] = at.reach(bound);
            let is_near = if x < f64::INFINITY {
                at.x.abs() - x <= 1.0 && at.y.abs() - y <= 1.0
            } else {
                // The way out to points of a face is 1/√3 at least.
                1.0 / 3.0f64.sqrt() - at.out <= bound.sqrt() + ROUNDING
            };
            if is_near {
                self.descend_face(face, at, p, false, &mut bound, &mut visit);
            }
        }
    }

    /// Looks at all strips but one by the boxes around their points, at that of the nearest box first.
    fn descend_boxes(&self, p: UnitVector, but: usize, mut bound: f64, mut visit: impl FnMut(f64, u32) -> f64) {
        let but = if self.faces[face_of(p)].count > 0 { but } else { self.boxes.len() };
        let mut nearest = (f64::INFINITY, but);
        for strip in (0..self.boxes.len()).filter(|&strip| strip != but) {
            let distance = box_distance(&self.boxes[strip], p);
            if distance < nearest.0 {
                nearest = (distance, strip);
            }
        }
        let others = (0..self.boxes.len()).filter(|&strip| strip != nearest.1);
        for strip in std::iter::once(nearest.1).chain(others).filter(|&strip| strip != but) {
            if box_distance(&self.boxes[strip], p) > bound {
                continue;
            }
            let range = self.starts[strip] as usize..self.starts[strip + 1] as usize;
            for chunk in range.start / CHUNK..range.end.div_ceil(CHUNK) {
                if box_distance(&self.chunks[chunk], p) > bound {
                    continue;
                }
                for k in range.start.max(chunk * CHUNK)..range.end.min((chunk + 1) * CHUNK) {
                    let chord = sub(self.points[k], p);
                    let chord2 = dot(chord, chord);
                    if chord2 <= bound {
                        bound = bound.min(visit(chord2, self.ids[k]));
                    }
                }
            }
        }
    }

    /// Looks at a face from the strip of `p` outward; at that strip if it has not been `begun`.
    #[inline]
    fn descend_face(
        &self,
        face: usize,
        at: Seen,
        p: UnitVector,
        begun: bool,
        bound: &mut f64,
        visit: &mut impl FnMut(f64, u32) -> f64,
    ) {
        let face = self.faces[face];
        if face.count == 0 {
            return;
        }
        // What lies out of sight has no place: all strips from their start.
        let at = if at.out > 0.0 { at } else { Seen { out: 0.0, x: -2.0, y: -2.0 } };
        let mut reach = at.reach(*bound);
        let own = face.strip(at.y);
        let (mut below, mut above) = (own, own);
        if !begun {
            self.descend_strip(face.first + own, at, p, bound, &mut reach, visit);
        }
        loop {
            let is_below = below > 0 && at.y - (face.low + below as f64 * face.width) <= reach[1];
            if is_below {
                below -= 1;
                self.descend_strip(face.first + below, at, p, bound, &mut reach, visit);
            }
            let is_above = above + 1 < face.count && face.low + (above + 1) as f64 * face.width - at.y <= reach[1];
            if is_above {
                above += 1;
                self.descend_strip(face.first + above, at, p, bound, &mut reach, visit);
            }
            if !is_below && !is_above {
                return;
            }
        }
    }

    /// Looks at a strip from the place of `p` eastward, then westward.
    #[inline]
    fn descend_strip(
        &self,
        strip: usize,
        at: Seen,
        p: UnitVector,
        bound: &mut f64,
        reach: &mut [f64; 2],
        visit: &mut impl FnMut(f64, u32) -> f64,
    ) {
        if reach[0] > WIDE && box_distance(&self.boxes[strip], p) > *bound {
            return;
        }
        let range = self.starts[strip] as usize..self.starts[strip + 1] as usize;
        let east = range.start + self.along[range.clone()].partition_point(|&x| f64::from(x) < at.x);
        let mut meet = |k: usize, reach: &mut [f64; 2]| {
            let chord = sub(self.points[k], p);
            let chord2 = dot(chord, chord);
            if chord2 <= *bound {
                let next = visit(chord2, self.ids[k]);
                if next < *bound {
                    *bound = next;
                    *reach = at.reach(next);
                }
            }
        };
        for k in east..range.end {
            if f64::from(self.along[k]) - at.x > reach[0] {
                break;
            }
            meet(k, reach);
        }
        for k in (range.start..east).rev() {
            if at.x - f64::from(self.along[k]) > reach[0] {
                break;
            }
            meet(k, reach);
        }
    }

    /// The nearest point: its number and chord². Ties (see [`TIE`]) go to the lowest number.
    pub fn nearest(&self, p: UnitVector) -> Option<(u32, f64)> {
        // Points that were the nearest one or tied with it; more than a few lie in one place.
        let (mut least, mut ties, mut more) = (f64::INFINITY, [(0.0, 0u32); 8], Vec::new());
        let mut count = 0;
        self.descend(p, f64::INFINITY, |chord2, id| {
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
            widened(least)
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
        // A circle that should hold them, and wider ones where it does not.
        let mut reach = self.faces[face_of(p)].width.max(1e-9) * (k as f64).sqrt();
        loop {
            let bound = if reach < 2.0 { reach * reach } else { f64::INFINITY };
            self.descend(p, widened(bound), |chord2, id| {
                let place = found.partition_point(|f| *f < (chord2, id));
                found.insert(place, (chord2, id));
                if found.len() < k {
                    return widened(bound);
                }
                let bound = widened(found[k - 1].0).min(widened(bound));
                while found.last().is_some_and(|f| f.0 > bound) {
                    found.pop();
                }
                bound
            });
            if bound == f64::INFINITY || found.len() >= k && found[k - 1].0 <= bound {
                break;
            }
            found.clear();
            reach *= 2.0;
        }
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

fn box_around(points: &[UnitVector]) -> [UnitVector; 2] {
    let mut bounds = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    for p in points {
        for c in 0..3 {
            bounds[0][c] = bounds[0][c].min(p[c]);
            bounds[1][c] = bounds[1][c].max(p[c]);
        }
    }
    bounds
}

/// The square of the distance to a box.
#[inline(always)]
fn box_distance(bounds: &[UnitVector; 2], p: UnitVector) -> f64 {
    let mut sum = 0.0;
    for c in 0..3 {
        let d = (bounds[0][c] - p[c]).max(p[c] - bounds[1][c]).max(0.0);
        sum += d * d;
    }
    sum
}

/// chord² of the circle that holds all ties of a point at `chord2`.
#[inline(always)]
pub(super) fn widened(chord2: f64) -> f64 {
    let chord = chord2.sqrt() + TIE;
    chord * chord
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
        let near = NearPoints::new(points.clone());
        let mut found = Vec::new();
        // Multiples of 5° hit centers, edges and corners between centers: ties of 2, 4 and 36.
        for j in 0..=72 {
            for i in 0..144 {
                let p = unit_vector(f64::from(i) * 2.5, f64::from(j) * 2.5 - 90.0);
                for k in [1, 4, 7] {
                    near.nearest_k(p, k, &mut found);
                    let mut ids: Vec<u32> = found.iter().map(|f| f.1).collect();
                    assert!(found.windows(2).all(|w| w[0].0 <= w[1].0));
                    ids.sort_unstable();
                    assert_eq!(ids, brute_force(&points, p, k), "{i} {j} {k}");
                }
            }
        }
    }

    /// Part of the globe, and parts a hundred times as dense as others; asked from near and from far.
    #[test]
    fn uneven_points_equal_brute_force() {
        let spiral = |k: u32, n: u32| {
            let z = 1.0 - (2.0 * f64::from(k) + 1.0) / f64::from(n);
            unit_vector(f64::from(k) * 137.50776, z.asin().to_degrees())
        };
        let dense = (0..600).map(|k| unit_vector(-76.0 + 0.01 * f64::from(k % 30), 37.0 + 0.01 * f64::from(k / 30)));
        let sparse = (0..300).map(|k| spiral(k, 300));
        let corner = 1.0f64.atan2(2.0f64.sqrt()).to_degrees();
        let around_a_corner =
            (0..100).map(|k| unit_vector(45.0 + 0.2 * f64::from(k % 10) - 1.0, corner + 0.2 * f64::from(k / 10) - 1.0));
        let mut sets = vec![dense.clone().collect::<Vec<_>>(), sparse.clone().chain(dense).collect(), around_a_corner.collect()];
        sets.push(vec![[f64::NAN; 3], unit_vector(3.0, 4.0)]);
        for (set, points) in sets.into_iter().enumerate() {
            let points: Vec<(UnitVector, u32)> = points.into_iter().enumerate().map(|(k, p)| (p, k as u32)).collect();
            let near = NearPoints::new(points.clone());
            let known: Vec<(UnitVector, u32)> = points.into_iter().filter(|(p, _)| !p[0].is_nan()).collect();
            assert_eq!(near.len(), known.len());
            let asked = (0..400).map(|k| spiral(k, 400)).chain(known.iter().step_by(7).map(|p| p.0));
            let mut found = Vec::new();
            for p in asked {
                let least = brute_force(&known, p, 1)[0];
                assert_eq!(near.nearest(p).map(|n| n.0), Some(least), "{set}");
                let chord2 = near.nearest(p).expect("there are points").1;
                for k in [1, 5] {
                    near.nearest_k(p, k, &mut found);
                    let mut ids: Vec<u32> = found.iter().map(|f| f.1).collect();
                    ids.sort_unstable();
                    assert_eq!(ids, brute_force(&known, p, k.min(known.len())), "{set}");
                }
                let radius = 1.3 * chord2.sqrt() + 1e-3;
                let within = |q: &UnitVector| dot(sub(*q, p), sub(*q, p)) <= radius * radius;
                let expected: Vec<u32> = known.iter().filter(|(q, _)| within(q)).map(|q| q.1).collect();
                found.clear();
                let mut all = Vec::new();
                near.all_within(p, radius, &mut all);
                assert_eq!(all, expected, "{set}");
                assert_eq!(near.lowest_within(p, radius), expected.first().copied(), "{set}");
            }
        }
    }

    #[test]
    fn few_and_no_points() {
        let mut found = Vec::new();
        NearPoints::new(Vec::new()).nearest_k([1.0, 0.0, 0.0], 4, &mut found);
        assert!(found.is_empty());
        let near = NearPoints::new(vec![([0.0, 1.0, 0.0], 5), ([0.0, 1.0, 0.0], 3)]);
        assert_eq!(near.nearest([1.0, 0.0, 0.0]).map(|n| n.0), Some(3));
        near.nearest_k([1.0, 0.0, 0.0], 4, &mut found);
        assert_eq!(found.iter().map(|f| f.1).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(near.lowest_within([0.0, 1.0, 0.0], 1e-9), Some(3));
        assert_eq!(near.lowest_within([1.0, 0.0, 0.0], 1.0), None);
        assert_eq!(near.len(), 2);
    }
}
