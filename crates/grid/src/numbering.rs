//! Numbers for the corners of listed cells: one for each position.

use crate::distinct::{hash, share_equal};
use crate::outlines::MISSING;
use crate::repair::is_position;
use crate::{CornerLists, LonLat};

/// Positions in the order they come first, and the number of each listed corner, [`MISSING`] where it is no position.
///
/// The lists must fit their offsets.
pub(crate) fn numbered(lists: &CornerLists, cells: usize) -> (Vec<[f64; 2]>, Vec<u32>) {
    let listed = &lists.corners;
    // Where cells meet, four or more share a corner; a little more at a rim. These are where each was listed first.
    let mut firsts: Vec<u32> = Vec::with_capacity(listed.len() / 4 + listed.len() / 64);
    let mut numbers: Vec<u32> = Vec::with_capacity(listed.len());
    let mut recent = Recent::new(listed.len());
    // How far back the first, second, ... corner was listed for the cell before: along rows always as far, so that most
    // are found without a search.
    let mut back = [0; SLOTS];
    for cell in 0..cells {
        for (slot, k) in lists.offsets.of(cell).enumerate() {
            let (p, slot) = (listed[k], slot % SLOTS);
            let guess = k - back[slot].min(k);
            numbers.push(if guess < k && is_same(listed[guess], p) {
                numbers[guess]
            } else if !is_position(p) {
                MISSING
            } else if let Some(at) = recent.replace(p, k).filter(|&at| is_same(listed[at], p)) {
                back[slot] = k - at;
                numbers[at]
            } else {
                firsts.push(k as u32);
                firsts.len() as u32 - 1
            });
        }
    }
    drop(recent);
    let mut positions: Vec<[f64; 2]> = firsts.iter().map(|&k| coordinates(listed[k as usize])).collect();
    drop(firsts);
    share_equal(&mut positions, &mut numbers);
    (positions, numbers)
}

/// Where positions were listed, as far as others did not take their places since: what is shared with cells listed not
/// long before is found in a cache.
struct Recent(Vec<(u32, u32)>);

/// So many places, at most, with the other half of the hash of what they hold, so that nothing else is looked at.
const RECENT: usize = 1 << 15;

impl Recent {
    fn new(corners: usize) -> Self {
        Self(vec![(0, u32::MAX); RECENT.min(corners.next_power_of_two())])
    }

    /// Where a position with this one's hash was listed, if that is known; from now on it is at `k`.
    #[inline]
    fn replace(&mut self, p: LonLat, k: usize) -> Option<usize> {
        let hash = hash(coordinates(p));
        let (place, other_half) = (hash as usize & (self.0.len() - 1), (hash >> 32) as u32);
        let (known, at) = std::mem::replace(&mut self.0[place], (other_half, k as u32));
        (known == other_half && at != u32::MAX).then_some(at as usize)
    }
}

/// Corners of a cell with a guess of their own.
const SLOTS: usize = 8;

fn coordinates(p: LonLat) -> [f64; 2] {
    [p.lon_deg, p.lat_deg]
}

fn is_same(a: LonLat, b: LonLat) -> bool {
    (a.lon_deg.to_bits() == b.lon_deg.to_bits()) & (a.lat_deg.to_bits() == b.lat_deg.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distinct::Distinct;
    use crate::{Grid, Offsets};

    #[test]
    fn numbers_are_those_of_the_first_listing() {
        let nowhere = LonLat { lon_deg: f64::NAN, lat_deg: 0.0 };
        for (name, stride) in [("r36x18", 1), ("CS6", 1), ("ICO5", 1), ("H4", 1), ("CS6", 7), ("ICO5", 77)] {
            let grid = Grid::from_spec(name).expect("a valid name");
            let (mut corners, mut offsets) = (Vec::new(), vec![0]);
            for cell in (0..grid.len()).map(|k| k * stride % grid.len()) {
                corners.extend(grid.corners(cell).into_iter().map(LonLat::from_unit));
                if cell % 11 == 4 {
                    corners.push(nowhere);
                }
                offsets.push(corners.len() as u32);
            }
            let cells = offsets.len() - 1;
            let lists = CornerLists { corners, offsets: Offsets::PerCell(offsets) };
            let (found, numbers) = numbered(&lists, cells);
            let mut expected = Distinct::default();
            assert_eq!(numbers.len(), lists.corners.len());
            for (p, number) in lists.corners.iter().zip(numbers) {
                let one = if is_position(*p) { expected.index_of([p.lon_deg, p.lat_deg]) } else { MISSING };
                assert_eq!(number, one, "{name} {p:?}");
            }
            assert_eq!(found, expected.found);
        }
    }
}
