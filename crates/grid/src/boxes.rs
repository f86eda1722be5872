//! Places by boxes of space: which others may be as close as a tolerance.

use crate::marks::Marks;
use knarr_kernels::sphere::UnitVector;

/// Places of a list that may have others of it near: each in the cube of a lattice that it lies in, so that those are found
/// without a tree.
pub struct Boxes {
    /// Cubes in a unit of length.
    per_width: f64,
    /// The places, ascending.
    doubtful: Vec<usize>,
    /// By the hash of a cube: which of them is the last in it, or [`NONE`]; a power of two of them.
    last: Vec<u32>,
    /// The one before in the same cubes.
    before: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Boxes {
    /// Boxes some times as wide as the largest tolerance; the places that have a tolerance take part.
    pub fn of(places: &[UnitVector], width: f64, tolerance: impl Fn(usize) -> Option<f64>) -> Self {
        let mut boxes = Self { per_width: 1.0 / width.max(1e-15), doubtful: Vec::new(), last: Vec::new(), before: Vec::new() };
        // Most have no other one near: marks tell, and marks of other bits tell of most that seem to.
        let seeming = boxes.not_alone(places.len(), |k| Some((places[k], tolerance(k)?)), 0);
        let those = |j: usize| Some((places[seeming[j] as usize], tolerance(seeming[j] as usize)?));
        boxes.doubtful = boxes.not_alone(seeming.len(), those, 32).into_iter().map(|j| seeming[j as usize] as usize).collect();
        boxes.last = vec![NONE; (2 * boxes.doubtful.len()).next_power_of_two()];
        for (j, &k) in boxes.doubtful.iter().enumerate() {
            let slot = hash(boxes.cube(places[k])) as usize & (boxes.last.len() - 1);
            boxes.before.push(std::mem::replace(&mut boxes.last[slot], j as u32));
        }
        boxes
    }

    /// Which of `count` places, those that come with a tolerance, may have another one near, by marks of hashes turned by some bits.
    fn not_alone(&self, count: usize, place: impl Fn(usize) -> Option<(UnitVector, f64)>, turn: u32) -> Vec<u32> {
        // Marks have fewer bits, and those of places without a tolerance are nobody's.
        let hash = |cube: Cube| (hash(cube).rotate_left(turn) as u32).min(NONE - 1);
        let (mut marks, mut hashes, mut pairs) = (Marks::for_about(count), vec![NONE; count], Vec::new());
        for (k, kept) in hashes.iter_mut().enumerate() {
            let Some((place, tolerance)) = place(k) else { continue };
            let own = self.cube(place);
            *kept = hash(own);
            if self.reaches_out(place, own, tolerance) {
                let near = cubes(self.near(place, tolerance));
                pairs.extend(near.filter(|other| *other != own).map(|other| [own, other].map(hash).map(u64::from)));
            }
        }
        let taking_part = || (0..).zip(&hashes).filter(|(_, hash)| **hash != NONE).map(|(k, &hash)| (k, u64::from(hash)));
        marks.meet(taking_part().map(|(_, hash)| hash));
        marks.doubt(pairs.into_iter());
        marks.doubtful(taking_part())
    }

    /// The places that may have another one within their tolerance: all that have one, and few others.
    pub fn doubtful(&self) -> &[usize] {
        &self.doubtful
    }

    /// Whether `test` holds of a place in the boxes that come within `tolerance` of one of those that are doubtful, and
    /// perhaps of others.
    pub fn any_near(&self, place: UnitVector, tolerance: f64, mut test: impl FnMut(usize) -> bool) -> bool {
        cubes(self.near(place, tolerance)).any(|cube| {
            let mut j = self.last[hash(cube) as usize & (self.last.len() - 1)];
            while j != NONE && !test(self.doubtful[j as usize]) {
                j = self.before[j as usize];
            }
            j != NONE
        })
    }

    /// The first and the last cube within a tolerance, in each direction.
    #[inline(always)]
    fn near(&self, [x, y, z]: UnitVector, tolerance: f64) -> [Cube; 2] {
        [self.cube([x - tolerance, y - tolerance, z - tolerance]), self.cube([x + tolerance, y + tolerance, z + tolerance])]
    }

    /// Whether others than the cube that a place is in may lie within its tolerance.
    #[inline(always)]
    fn reaches_out(&self, place: UnitVector, cube: Cube, tolerance: f64) -> bool {
        // From the middle of a cube it is half a width to its sides; rounding is a small part of the rest.
        let from_middle = |axis: usize| (place[axis] * self.per_width - (f64::from_bits(cube[axis]) - WHOLE)).abs();
        let [x, y, z] = [from_middle(0), from_middle(1), from_middle(2)];
        let farthest = if x > y { x } else { y };
        (if farthest > z { farthest } else { z }) + tolerance * self.per_width > 0.499
    }

    /// The cube of a place. Bits of numbers around [`WHOLE`] count whole ones: the nearest, so that cubes lie around those.
    #[inline(always)]
    fn cube(&self, [x, y, z]: UnitVector) -> Cube {
        let number = |c: f64| (c * self.per_width + WHOLE).to_bits();
        [number(x), number(y), number(z)]
    }
}

/// A cube of the lattice, by its numbers in each direction.
type Cube = [u64; 3];

/// Neighbours of this number are 1 apart, as those of all are that differ from it by less than 2⁵¹.
const WHOLE: f64 = (3u64 << 51) as f64;

/// The cubes from the first to the last, of which there are at most two in each direction: a tolerance is less than their width.
fn cubes(ends: [Cube; 2]) -> impl Iterator<Item = Cube> {
    let end = move |k: usize, axis: usize| ends[k >> axis & 1][axis];
    let is_new = move |k: &usize| [0, 1, 2].iter().all(|&axis| k >> axis & 1 == 0 || end(*k, axis) != end(0, axis));
    (0..8).filter(is_new).map(move |k| [end(k, 0), end(k, 1), end(k, 2)])
}

#[inline]
fn hash([x, y, z]: Cube) -> u64 {
    // Three odd numbers without a pattern; products that do not wait for each other.
    let x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let y = y.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    let z = z.wrapping_mul(0x1656_67b1_9e37_79f9);
    let sum = x.wrapping_add(y).wrapping_add(z);
    // Products bring low bits up alone, and sums keep cubes of a lattice on one.
    let mixed = (sum ^ (sum >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_within_the_tolerance_are_among_those_tested() {
        let places: Vec<UnitVector> =
            (0..4000).map(|k| [0.37, 0.61, 0.83].map(|step| (f64::from(k) * step * step).fract() * 0.2 - 0.1)).collect();
        let tolerance = |k: usize| (k % 29 != 3).then_some(0.004 + 0.001 * (k % 7) as f64);
        let boxes = Boxes::of(&places, 0.04, tolerance);
        let mut pairs = 0;
        for (own, place) in places.iter().enumerate() {
            let Some(reach) = tolerance(own) else { continue };
            let mut tested = vec![false; places.len()];
            let is_doubtful = boxes.doubtful().binary_search(&own).is_ok();
            if is_doubtful {
                let none = boxes.any_near(*place, reach, |k| {
                    tested[k] = true;
                    false
                });
                assert!(!none);
                assert!(boxes.any_near(*place, 0.0, |k| k == own));
            }
            for (k, other) in places.iter().enumerate().filter(|(k, _)| *k != own) {
                assert!(tolerance(k).is_some() || !tested[k]);
                let is_near = tolerance(k).is_some() && (0..3).all(|c| (place[c] - other[c]).abs() <= reach);
                pairs += usize::from(is_near);
                assert!(!is_near || is_doubtful && tested[k], "{own} {k}");
            }
            assert!(tested.iter().filter(|t| **t).count() < places.len() / 2);
        }
        assert!(pairs > places.len() / 4, "{pairs}");
        // Places far from each other are hardly ever doubtful.
        let apart: Vec<UnitVector> =
            (0..9261).map(|k| [k % 21, k / 21 % 21, k / 441].map(|c| 0.1 * f64::from(c) - 0.999)).collect();
        let boxes = Boxes::of(&apart, 0.004, |_| Some(1e-6));
        assert!(boxes.doubtful().len() < apart.len() / 8, "{}", boxes.doubtful().len());
        assert!(Boxes::of(&[], 0.1, |_| Some(0.01)).doubtful().is_empty());
    }
}
