//! Distinct points, each found again by its bits.

use crate::marks::Marks;

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
        let mut place = hash(bits) as usize & (self.places.len() - 1);
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
            let mut place = hash(p.map(f64::to_bits)) as usize & (len - 1);
            while self.places[place] != FREE {
                place = (place + 1) & (len - 1);
            }
            self.places[place] = index as u32;
        }
    }
}

/// For each of `points` whether another one may have the same bits: of all that have one, and of few others.
pub(crate) fn doubtful<const N: usize>(points: &[[f64; N]]) -> Vec<bool> {
    let mut marks = Marks::for_about(points.len());
    let hashes = || points.iter().map(|p| hash(p.map(f64::to_bits)));
    hashes().for_each(|hash| marks.meet(hash));
    hashes().map(|hash| marks.is_doubtful(hash)).collect()
}

/// Mixes the bits of coordinates: they come from files, not from people who would choose them to collide.
fn hash<const N: usize>(bits: [u64; N]) -> u64 {
    // A product brings low bits up alone; its upper half brings high ones down: the sign of the last coordinate as well.
    let mix = |hash: u64, value: u64| {
        let product = (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ (product >> 32)
    };
    mix(bits.into_iter().fold(0, mix), 0)
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
            let places: std::collections::HashSet<u64> = points.iter().map(|p| hash(p.map(f64::to_bits)) % 8192).collect();
            assert!((5000..5400).contains(&places.len()), "{}", places.len());
        }
    }

    #[test]
    fn all_that_are_equal_are_doubtful_and_few_others() {
        for count in [0, 1, 7, 64, 5000] {
            let mut points: Vec<[f64; 2]> = (0..count).map(|k| [f64::from(k).sin(), f64::from(k) * 0.25]).collect();
            points.extend_from_within(..points.len() / 10);
            let doubtful = doubtful(&points);
            let repeats = points.len() / 11;
            let is_repeated = |k: usize| k < repeats || k >= points.len() - repeats;
            assert_eq!(doubtful.len(), points.len());
            assert!((0..points.len()).all(|k| doubtful[k] || !is_repeated(k) || count < 10), "{count}");
            let others = (0..points.len()).filter(|&k| doubtful[k] && !is_repeated(k)).count();
            // By chance one in twelve; of a handful that says nothing.
            assert!(count < 1000 || 8 * others <= points.len(), "{others} of {count}");
        }
    }
}
