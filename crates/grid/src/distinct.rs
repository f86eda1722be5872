//! Distinct points, each found again by its bits.

use crate::marks::doubtful;

/// Points with their numbers. The table holds numbers alone: a map of the points themselves would take twice as much as
/// a mesh.
pub(crate) struct Distinct<const N: usize> {
    pub found: Vec<[f64; N]>,
    /// Number of a point, or [`FREE`]; a power of two of places, at most half of them taken.
    places: Vec<u32>,
}

/// A place without a point.
const FREE: u32 = u32::MAX;

impl<const N: usize> Default for Distinct<N> {
    fn default() -> Self {
        Self { found: Vec::new(), places: Vec::new() }
    }
}

impl<const N: usize> Distinct<N> {
    /// With room for about `points` of them, so that the table need not be made anew while they come.
    pub fn with_room(points: usize) -> Self {
        let mut distinct = Self { found: Vec::with_capacity(points), places: Vec::new() };
        if points > 0 {
            distinct.resize((2 * points).next_power_of_two());
        }
        distinct
    }

    /// The number of `p`, which is added if it is new.
    #[inline]
    pub fn index_of(&mut self, p: [f64; N]) -> u32 {
        if 2 * self.found.len() >= self.places.len() {
            self.resize((2 * self.places.len()).max(64));
        }
        let bits = p.map(f64::to_bits);
        let mut place = hash(p) as usize & (self.places.len() - 1);
        loop {
            let index = self.places[place];
            if index == FREE {
                self.places[place] = self.found.len() as u32;
                self.found.push(p);
                return self.places[place];
            }
            if self.found[index as usize].map(f64::to_bits) == bits {
                return index;
            }
            place = (place + 1) & (self.places.len() - 1);
        }
    }

    /// Another number of places, a power of two.
    #[cold]
    fn resize(&mut self, len: usize) {
        self.places.clear();
        self.places.resize(len, FREE);
        for (index, p) in self.found.iter().enumerate() {
            let mut place = hash(*p) as usize & (len - 1);
            while self.places[place] != FREE {
                place = (place + 1) & (len - 1);
            }
            self.places[place] = index as u32;
        }
    }
}

/// The points that have the same bits as one before, ascending, each with the first of those.
pub(crate) fn repeats<const N: usize>(points: &[[f64; N]]) -> Vec<[u32; 2]> {
    let mut known = Distinct::default();
    let (mut firsts, mut repeats) = (Vec::new(), Vec::new());
    for k in doubtful(points.len(), |k| hash(points[k as usize])) {
        match firsts.get(known.index_of(points[k as usize]) as usize) {
            Some(&first) => repeats.push([k, first]),
            None => firsts.push(k),
        }
    }
    repeats
}

/// Leaves out the points that have the same bits as one before, and renumbers what refers to them by numbers: all that are
/// numbers of points.
pub(crate) fn share_equal<const N: usize>(points: &mut Vec<[f64; N]>, numbers: &mut [u32]) {
    let repeats = repeats(points);
    if repeats.is_empty() {
        return;
    }
    let mut new_numbers = Vec::with_capacity(points.len());
    let (mut rest, mut kept) = (repeats.iter().peekable(), 0);
    for k in 0..points.len() {
        match rest.next_if(|[repeat, _]| *repeat as usize == k) {
            Some(&[_, first]) => new_numbers.push(new_numbers[first as usize]),
            None => {
                new_numbers.push(kept as u32);
                points[kept] = points[k];
                kept += 1;
            }
        }
    }
    points.truncate(kept);
    for number in numbers {
        if let Some(&new) = new_numbers.get(*number as usize) {
            *number = new;
        }
    }
}

/// Mixes the bits of coordinates: they come from files, not from people who would choose them to collide.
pub(crate) fn hash<const N: usize>(p: [f64; N]) -> u64 {
    // A product brings low bits up alone; its upper half brings high ones down: the sign of the last coordinate as well.
    let mix = |hash: u64, value: u64| {
        let product = (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ (product >> 32)
    };
    mix(p.map(f64::to_bits).into_iter().fold(0, mix), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points that differ in signs alone, and others on a lattice: as many places of a table as by chance, 63 %, and no fewer.
    #[test]
    fn hashes_of_like_points_differ() {
        let signs = |k: u32, p: [f64; 3]| [0, 1, 2].map(|c| if k >> c & 1 == 0 { p[c] } else { -p[c] });
        let mirrored: Vec<_> = (0..8192)
            .map(|k| signs(k, [0.1234567, 0.7654321, 0.314_159_2].map(|step| (f64::from(k / 8) * step).fract())))
            .collect();
        let lattice: Vec<_> = (0..8192).map(|k| [f64::from(k % 128) * 0.25, f64::from(k / 128) * 0.5 - 16.0, 1.0]).collect();
        for points in [mirrored, lattice] {
            let places: std::collections::HashSet<u64> = points.iter().map(|&p| hash(p) % 8192).collect();
            assert!((5000..5400).contains(&places.len()), "{}", places.len());
        }
    }

    #[test]
    fn repeats_are_those_found_by_comparing_all() {
        for count in [0, 1, 7, 64, 3000] {
            let mut points: Vec<[f64; 2]> = (0..count).map(|k| [f64::from(k).sin(), f64::from(k % 29) * 0.25]).collect();
            points.extend_from_within(..points.len() / 10);
            points.extend_from_within(..points.len() / 20);
            points.extend([[0.0, 1.0], [-0.0, 1.0]]);
            let first = |k: usize| (0..k).find(|&j| points[j].map(f64::to_bits) == points[k].map(f64::to_bits));
            let expected: Vec<[u32; 2]> = (0..points.len()).filter_map(|k| Some([k as u32, first(k)? as u32])).collect();
            assert_eq!(repeats(&points), expected);
            let mut shared = points.clone();
            let mut numbers: Vec<u32> = (0..points.len() as u32).rev().chain([u32::MAX]).collect();
            share_equal(&mut shared, &mut numbers);
            assert_eq!((shared.len() + expected.len(), numbers.pop()), (points.len(), Some(u32::MAX)));
            for (p, number) in points.iter().rev().zip(numbers) {
                assert_eq!(shared[number as usize].map(f64::to_bits), p.map(f64::to_bits));
            }
        }
    }
}
