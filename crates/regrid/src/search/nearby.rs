//! The nearest points of one place after another: what was found around one answers for the next ones close by.

use super::points::{NearPoints, TIE, keep_nearest, widened};
use knarr_kernels::sphere::{UnitVector, add, dot, normalize, scale, sub};

/// Points are kept up to this many times the distance of the farthest one asked for.
const KEPT: f64 = 2.2;
/// Steps of at most this share of that distance are worth it.
const CLOSE: f64 = 0.5;
/// More than the rounding of chords.
const ROUNDING: f64 = 4.0 * TIE;

/// Points kept from query to query. Answers are those of [`NearPoints::nearest_k`], to the bit.
#[derive(Default)]
pub(crate) struct Nearby {
    /// All points within `radius` (a chord) of `center`, and their numbers.
    points: Vec<UnitVector>,
    numbers: Vec<u32>,
    center: UnitVector,
    radius: f64,
    last: UnitVector,
}

impl Nearby {
    /// The `k` nearest points to `p` as (chord², number), nearest first. `places` has the points by number.
    pub fn nearest_k(&mut self, near: &NearPoints, places: &[UnitVector], p: UnitVector, k: usize, found: &mut Vec<(f64, u32)>) {
        if !self.answers(p, k, found) {
            near.nearest_k(p, k, found);
            if let Some(farthest) = found.last().map(|f| f.0.sqrt()) {
                self.keep(near, places, p, farthest);
            }
        }
        self.last = p;
    }

    /// Whether the points kept have all of the `k` nearest, which are left in `found`.
    fn answers(&self, p: UnitVector, k: usize, found: &mut Vec<(f64, u32)>) -> bool {
        // No point within this chord is missing.
        let whole = self.radius - distance(p, self.center) - ROUNDING;
        if whole <= 0.0 || self.numbers.len() < k {
            return false;
        }
        found.clear();
        for (&q, &number) in self.points.iter().zip(&self.numbers) {
            let chord = sub(q, p);
            let chord2 = dot(chord, chord);
            if chord2 <= whole * whole {
                found.push((chord2, number));
            }
        }
        if found.len() < k {
            return false;
        }
        let (_, farthest, _) = found.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0));
        // Those tied with the last one are there too.
        let tied = widened(farthest.0);
        if tied.sqrt() + ROUNDING > whole {
            return false;
        }
        found.retain(|f| f.0 <= tied);
        found.sort_unstable_by(|a, b| a.partial_cmp(b).expect("distances are numbers"));
        keep_nearest(found, k);
        true
    }

    /// Keeps what is around `p`, or ahead of it, if the next places are likely to be close.
    fn keep(&mut self, near: &NearPoints, places: &[UnitVector], p: UnitVector, farthest: f64) {
        let step = distance(p, self.last);
        if step > CLOSE * farthest || step <= 0.0 {
            return;
        }
        let ahead = add(p, scale(sub(p, self.last), farthest / step));
        self.center = normalize(ahead).unwrap_or(p);
        self.radius = KEPT * farthest;
        self.numbers.clear();
        near.all_within(self.center, self.radius, &mut self.numbers);
        self.points.clear();
        self.points.extend(self.numbers.iter().map(|&number| places[number as usize]));
    }
}

fn distance(p: UnitVector, q: UnitVector) -> f64 {
    let chord = sub(p, q);
    dot(chord, chord).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::unit_vector;

    #[test]
    fn answers_are_those_of_the_strips() {
        // A lattice with pole rows, where many points are equally far, and points in one place.
        let at = |k: u32| unit_vector(f64::from(k % 72) * 5.0, f64::from(k / 72) * 5.0 - 90.0);
        let places: Vec<UnitVector> = (0..72 * 37).map(at).collect();
        let near = NearPoints::new(places.iter().copied().zip(0..).filter(|(_, k)| k % 11 != 0).collect());
        let (mut nearby, mut found, mut expected) = (Nearby::default(), Vec::new(), Vec::new());
        let mut answered = 0;
        for j in 0..73 {
            for i in 0..288 {
                let p = unit_vector(f64::from(i) * 1.25, f64::from(j) * 2.5 - 90.0);
                answered += usize::from(nearby.answers(p, 25, &mut found));
                nearby.nearest_k(&near, &places, p, 25, &mut found);
                near.nearest_k(p, 25, &mut expected);
                assert_eq!(found, expected, "{i} {j}");
            }
        }
        assert!(answered > 73 * 288 / 2, "{answered}");
    }
}
