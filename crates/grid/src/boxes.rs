//! Places by boxes of space: which others may be as close as a tolerance.

use knarr_kernels::sphere::UnitVector;

/// Places of a list, each in the cube of a lattice that it lies in: those near a place are found without a tree.
pub struct Boxes {
    /// Cubes in a unit of length.
    per_width: f64,
    /// By the hash of a cube: the last place in it, or [`NONE`]; a power of two of them.
    last: Vec<u32>,
    /// The place before in the same cubes.
    before: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Boxes {
    /// Boxes some times as wide as the tolerances that will be asked for, of those fewer than 2³² places that `takes_part`
    /// holds of.
    pub fn of(places: &[UnitVector], width: f64, takes_part: impl Fn(usize) -> bool) -> Self {
        let per_width = 1.0 / width.max(1e-15);
        let mut boxes = Self { per_width, last: vec![NONE; (2 * places.len()).next_power_of_two()], before: Vec::new() };
        boxes.before.reserve_exact(places.len());
        for (k, place) in places.iter().enumerate() {
            let before = if takes_part(k) {
                let slot = boxes.slot(place.map(|c| boxes.cube(c)));
                std::mem::replace(&mut boxes.last[slot], k as u32)
            } else {
                NONE
            };
            boxes.before.push(before);
        }
        boxes
    }

    /// Whether `test` holds of a place in the boxes that come within `tolerance` of `place`, and perhaps of others.
    #[inline]
    pub fn any_near(&self, place: UnitVector, tolerance: f64, mut test: impl FnMut(usize) -> bool) -> bool {
        let low = place.map(|c| self.cube(c - tolerance));
        let high = place.map(|c| self.cube(c + tolerance));
        if low == high {
            return self.any_in(low, &mut test);
        }
        for x in low[0]..=high[0] {
            for y in low[1]..=high[1] {
                for z in low[2]..=high[2] {
                    if self.any_in([x, y, z], &mut test) {
                        return true;
                    }
                }
            }
        }
        false
    }

    #[inline]
    fn any_in(&self, cube: [i64; 3], test: &mut impl FnMut(usize) -> bool) -> bool {
        let mut k = self.last[self.slot(cube)];
        while k != NONE && !test(k as usize) {
            k = self.before[k as usize];
        }
        k != NONE
    }

    #[inline]
    fn cube(&self, coordinate: f64) -> i64 {
        let scaled = coordinate * self.per_width;
        // Down, without a call of the library.
        let toward_zero = scaled as i64;
        toward_zero - i64::from(scaled < toward_zero as f64)
    }

    #[inline]
    fn slot(&self, [x, y, z]: [i64; 3]) -> usize {
        // Three odd numbers without a pattern; products that do not wait for each other.
        let x = (x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let y = (y as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        let z = (z as u64).wrapping_mul(0x1656_67b1_9e37_79f9);
        let mixed = x.wrapping_add(y).wrapping_add(z);
        ((mixed ^ (mixed >> 29)) >> 20) as usize & (self.last.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_within_the_tolerance_are_among_those_tested() {
        let places: Vec<UnitVector> =
            (0..4000).map(|k| [0.37, 0.61, 0.83].map(|step| (f64::from(k) * step * step).fract() * 0.2 - 0.1)).collect();
        let takes_part = |k: usize| k % 29 != 3;
        let boxes = Boxes::of(&places, 0.04, takes_part);
        let mut pairs = 0;
        for (own, place) in places.iter().enumerate() {
            let mut tested = vec![false; places.len()];
            let none = boxes.any_near(*place, 0.01, |k| {
                tested[k] = true;
                false
            });
            assert!(!none);
            for (k, other) in places.iter().enumerate() {
                assert!(takes_part(k) || !tested[k]);
                let is_near = takes_part(k) && (0..3).all(|c| (place[c] - other[c]).abs() <= 0.01);
                pairs += usize::from(is_near);
                assert!(!is_near || tested[k]);
            }
            assert!(tested.iter().filter(|t| **t).count() < places.len() / 2);
            assert_eq!(boxes.any_near(*place, 0.0, |k| places[k] == *place), takes_part(own));
        }
        assert!(pairs > 2 * places.len(), "{pairs}");
        assert!(!Boxes::of(&[], 0.1, |_| true).any_near([1.0, 0.0, 0.0], 0.01, |_| true));
    }
}
