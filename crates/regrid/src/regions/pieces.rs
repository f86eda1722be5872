//! Rings within an octant, cut by great circles into pieces of few corners with signed areas.
//!
//! In coordinates p / (|x| + |y| + |z|) an octant is a plane triangle and great circles are straight lines, so that
//! cutting is planar, and both sides of a cut get the same corners, to the bit.

use super::plane::Ring;
use knarr_kernels::cell_area::polygon_area;
use knarr_kernels::overlap::is_convex;
use knarr_kernels::sphere::{UnitVector, normalize, scale};
use std::ops::Range;

/// Corners that are not divided further.
const FEW: usize = 12;
/// Corners that are divided only if that helps.
const SOME: usize = 64;
/// Halvings after which corners cannot be told apart any more.
const DEEPEST: u32 = 60;
/// Areas (sr) that are nothing but rounding: (6 µm)² on the Earth.
const NOTHING: f64 = 1e-24;
/// Width (rad) of strips that are nothing but rounding: some units in the last place of a corner.
const STRIP: f64 = 1e-15;

/// Pieces of regions: polygons that count positive or negative.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    corners: Vec<UnitVector>,
    ends: Vec<usize>,
    signs: Vec<f64>,
    /// First piece of each region.
    region_starts: Vec<usize>,
}

impl Pieces {
    /// Begins the next region.
    pub fn start_region(&mut self) {
        self.region_starts.push(self.ends.len());
    }

    /// Adds rings within one octant to the region begun last.
    pub fn add(&mut self, rings: Vec<Ring>) {
        let flat = |ring: Ring| ring.into_iter().map(|p| scale(p, 1.0 / (p[0].abs() + p[1].abs() + p[2].abs()))).collect();
        self.divide(rings.into_iter().map(flat).collect(), 0);
    }

    /// Number of pieces.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Pieces of a region.
    pub fn of_region(&self, region: usize) -> Range<usize> {
        let end = self.region_starts.get(region + 1).copied().unwrap_or(self.ends.len());
        self.region_starts[region]..end
    }

    /// Corners of a piece, counter-clockwise; convex.
    pub fn corners(&self, piece: usize) -> &[UnitVector] {
        let start = if piece == 0 { 0 } else { self.ends[piece - 1] };
        &self.corners[start..self.ends[piece]]
    }

    /// 1 or -1.
    pub fn sign(&self, piece: usize) -> f64 {
        self.signs[piece]
    }

    fn divide(&mut self, rings: Vec<Ring>, depth: u32) {
        let corners = rings.iter().map(Vec::len).sum::<usize>();
        let (axis, middle) = widest(&rings);
        let Some(middle) = middle.filter(|_| corners > FEW && depth < DEEPEST) else {
            rings.iter().for_each(|ring| self.finish(ring));
            return;
        };
        let half = |side: f64| -> Vec<Ring> {
            rings.iter().map(|ring| clip(ring, axis, middle, side)).filter(|r| r.len() >= 3).collect()
        };
        let halves = [half(1.0), half(-1.0)];
        let after: usize = halves.iter().flatten().map(Vec::len).sum();
        if corners <= SOME && 5 * after > 8 * corners {
            // Long thin parts: cutting them makes more corners, not fewer.
            rings.iter().for_each(|ring| self.finish(ring));
            return;
        }
        for half in halves {
            if !half.is_empty() {
                self.divide(half, depth + 1);
            }
        }
    }

    /// Takes a small ring as it is, or as a fan of triangles of either sign.
    fn finish(&mut self, ring: &[UnitVector]) {
        let corners: Vec<UnitVector> = ring.iter().filter_map(|&p| normalize(p)).collect();
        if corners.len() <= 4 && is_convex(&corners) {
            self.push(&corners);
            return;
        }
        for k in 2..corners.len() {
            self.push(&[corners[0], corners[k - 1], corners[k]]);
        }
    }

    /// Adds a convex polygon that runs either way round.
    fn push(&mut self, corners: &[UnitVector]) {
        let area = polygon_area(corners);
        if area.abs() <= NOTHING {
            return;
        }
        if area > 0.0 {
            self.corners.extend_from_slice(corners);
        } else {
            self.corners.extend(corners.iter().rev());
        }
        self.ends.push(self.corners.len());
        self.signs.push(area.signum());
    }
}

/// The axis along which the rings reach farthest, and the middle of it; nothing where all corners are one.
fn widest(rings: &[Ring]) -> (usize, Option<f64>) {
    let mut best = (0, None, 0.0);
    for axis in 0..3 {
        let values = || rings.iter().flatten().map(|p| p[axis]);
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let middle = 0.5 * (low + high);
        // Neighbouring numbers have no middle.
        if high - low > best.2 && low < middle && middle < high {
            best = (axis, Some(middle), high - low);
        }
    }
    (best.0, best.1)
}

/// The part of a ring on one side of `coordinate = value`; runs along the cut are straightened.
fn clip(ring: &[UnitVector], axis: usize, value: f64, side: f64) -> Ring {
    let mut out: Ring = Vec::with_capacity(ring.len() + 2);
    let mut push = |p: UnitVector| {
        let n = out.len();
        let along_cut = n >= 2 && p[axis] == value && out[n - 1][axis] == value && out[n - 2][axis] == value;
        if n >= 2 && out[n - 2] == p {
            // There and back again encloses nothing.
            out.pop();
        } else if along_cut {
            out[n - 1] = p;
        } else if out.last() != Some(&p) {
            out.push(p);
        }
    };
    for k in 0..ring.len() {
        let (p, q) = (ring[k], ring[(k + 1) % ring.len()]);
        let (s, t) = (side * (p[axis] - value), side * (q[axis] - value));
        if s >= 0.0 {
            push(p);
        }
        if (s > 0.0 && t < 0.0) || (s < 0.0 && t > 0.0) {
            let f = s / (s - t);
            let mut met = [0, 1, 2].map(|i| p[i] + f * (q[i] - p[i]));
            met[axis] = value;
            push(met);
        }
    }
    // What runs along the rim alone would be divided for ever.
    if is_strip(&out) {
        out.clear();
    }
    out
}

/// Whether a ring encloses nothing but the rounding of its corners.
fn is_strip(ring: &[UnitVector]) -> bool {
    let n = ring.len();
    let length: f64 = (0..n).map(|k| (0..3).map(|i| (ring[(k + 1) % n][i] - ring[k][i]).abs()).sum::<f64>()).sum();
    polygon_area(ring).abs() <= STRIP * length
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::unit_vector;

    #[test]
    fn pieces_of_a_star_add_up_to_it() {
        // A star of 1000 corners about 20 E 40 N: deeply concave, far too rich for the kernels.
        let star: Ring = (0..1000)
            .map(|k| {
                let angle = f64::from(k) * std::f64::consts::TAU / 1000.0;
                let reach = if k % 2 == 0 { 15.0 } else { 2.0 + f64::from(k % 7) };
                unit_vector(20.0 + reach * angle.cos(), 40.0 + reach * angle.sin())
            })
            .collect();
        let mut pieces = Pieces::default();
        pieces.start_region();
        pieces.add(vec![star.clone()]);
        let total: f64 = pieces.of_region(0).map(|p| pieces.sign(p) * polygon_area(pieces.corners(p))).sum();
        let exact = polygon_area(&star);
        assert!((total / exact - 1.0).abs() < 1e-12, "{}", total / exact - 1.0);
        assert!(pieces.len() > 1000 && pieces.len() < 50_000, "{}", pieces.len());
        for p in 0..pieces.len() {
            let corners = pieces.corners(p);
            // Corners of a thin triangle are rounded by more than it is wide: its turns mean nothing.
            let area = polygon_area(corners);
            assert!(area > -1e-20 && (corners.len() == 3 || is_convex(corners)), "{area:e} {}", corners.len());
        }
    }
}
