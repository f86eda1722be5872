//! Distinct points, each found again by its bits.

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

/// Mixes the bits of coordinates: they come from files, not from people who would choose them to collide.
fn hash<const N: usize>(bits: [u64; N]) -> u64 {
    // The golden ratio spreads the low bits up; the rotation brings the high ones, which vary most, down.
    let mix = |hash: u64, value: u64| (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(27);
    let mixed = bits.into_iter().fold(0, mix);
    mixed ^ (mixed >> 29)
}
