//! Numbers for the corners of listed cells: one for each position.

use crate::distinct::{hash, share_equal};
use crate::outlines::MISSING;
use crate::repair::is_position;
use crate::{GridError, LonLat, Offsets, Outlines};

/// Corners of cells that all have as many of them, numbered as they come: a list of them all, each as often as there are cells
/// around it, is never held.
///
/// They may turn either way, repeat, or be filled up with what is no position.
pub struct Listing {
    width: usize,
    numbering: Numbering,
}

impl Listing {
    /// None yet, with room for `cells` of `width` corners.
    pub fn with_room(cells: usize, width: usize) -> Self {
        Self { width, numbering: Numbering::with_room(cells * width) }
    }

    /// The corners of further cells, in degrees, cell by cell.
    ///
    /// # Panics
    /// If there are not as many longitudes as latitudes, or not those of whole cells.
    pub fn extend(&mut self, lons: &[f64], lats: &[f64]) {
        assert!(lons.len() == lats.len() && lons.len().is_multiple_of(self.width.max(1)), "corners of whole cells");
        for (lons, lats) in lons.chunks_exact(self.width.max(1)).zip(lats.chunks_exact(self.width.max(1))) {
            for (slot, (&lon, &lat)) in lons.iter().zip(lats).enumerate() {
                self.numbering.push(slot, [lon, lat]);
            }
        }
    }

    /// The cells.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if they have no corners.
    pub fn outlines(self) -> Result<Outlines, GridError> {
        if self.width == 0 {
            return Err(GridError::WrongLength { what: "list of corners".into(), found: 0, expected: 1 });
        }
        let (positions, numbers) = self.numbering.finish();
        Ok(Outlines::of_positions(&positions, numbers, Offsets::Uniform(self.width)))
    }
}

/// Positions in the order they come first, and the number of each corner so far, [`MISSING`] where it is no position.
pub(crate) struct Numbering {
    /// Some may come again.
    positions: Vec<[f64; 2]>,
    numbers: Vec<u32>,
    recent: Recent,
    /// How far back the first, second, ... corner was listed for the cell before: along rows always as far, so that most
    /// are found without a search.
    back: [usize; SLOTS],
}

/// Corners of a cell with a guess of their own.
const SLOTS: usize = 8;

impl Numbering {
    /// None yet, with room for so many corners.
    pub fn with_room(corners: usize) -> Self {
        Self {
            // Where cells meet, four or more share a corner; a little more at a rim.
            positions: Vec::with_capacity(corners / 4 + corners / 64),
            numbers: Vec::with_capacity(corners),
            recent: Recent::new(corners),
            back: [0; SLOTS],
        }
    }

    /// The next corner, the `slot`th of its cell.
    #[inline]
    pub fn push(&mut self, slot: usize, p: [f64; 2]) {
        let (k, back) = (self.numbers.len(), &mut self.back[slot % SLOTS]);
        let is_it = |number: u32| self.positions.get(number as usize).is_some_and(|&known| is_same(known, p));
        let guess = self.numbers.get(k.wrapping_sub(*back)).copied().unwrap_or(MISSING);
        self.numbers.push(if is_it(guess) {
            guess
        } else if !is_position(LonLat { lon_deg: p[0], lat_deg: p[1] }) {
            MISSING
        } else if let Some(at) = self.recent.replace(p, k).filter(|&at| is_it(self.numbers[at])) {
            *back = k - at;
            self.numbers[at]
        } else {
            self.positions.push(p);
            self.positions.len() as u32 - 1
        });
    }

    /// Positions, of which some may be equal, and the number of each corner.
    pub fn finish(self) -> (Vec<[f64; 2]>, Vec<u32>) {
        let Self { mut positions, mut numbers, recent, .. } = self;
        drop(recent);
        // Three cells and more around a corner are the rule: beyond that, corners came anew time and again.
        if 3 * positions.len() > numbers.len() {
            share_equal(&mut positions, &mut numbers);
        }
        (positions, numbers)
    }
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
    fn replace(&mut self, p: [f64; 2], k: usize) -> Option<usize> {
        let hash = hash(p);
        let (place, other_half) = (hash as usize & (self.0.len() - 1), (hash >> 32) as u32);
        let (known, at) = std::mem::replace(&mut self.0[place], (other_half, k as u32));
        (known == other_half && at != u32::MAX).then_some(at as usize)
    }
}

fn is_same(a: [f64; 2], b: [f64; 2]) -> bool {
    (a[0].to_bits() == b[0].to_bits()) & (a[1].to_bits() == b[1].to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distinct::Distinct;
    use crate::{CornerLists, Grid};

    const NOWHERE: LonLat = LonLat { lon_deg: f64::NAN, lat_deg: 0.0 };

    /// Cells in an order of their own, some of them filled up.
    fn listed(name: &str, stride: usize) -> CornerLists {
        let grid = Grid::from_spec(name).expect("a valid name");
        let (mut corners, mut offsets) = (Vec::new(), vec![0]);
        for cell in (0..grid.len()).map(|k| k * stride % grid.len()) {
            corners.extend(grid.corners(cell).into_iter().map(LonLat::from_unit));
            if cell % 11 == 4 {
                corners.push(NOWHERE);
            }
            offsets.push(corners.len() as u32);
        }
        CornerLists { corners, offsets: Offsets::PerCell(offsets) }
    }

    #[test]
    fn numbers_are_those_of_the_first_listing() {
        for (name, stride) in [("r36x18", 1), ("CS6", 1), ("ICO5", 1), ("H4", 1), ("CS6", 7), ("ICO5", 77)] {
            let lists = listed(name, stride);
            let mut numbering = Numbering::with_room(lists.corners.len());
            for cell in 0..lists.cell_count().expect("lists fit") {
                lists.cell(cell).iter().enumerate().for_each(|(slot, p)| numbering.push(slot, [p.lon_deg, p.lat_deg]));
            }
            let (mut found, mut numbers) = numbering.finish();
            share_equal(&mut found, &mut numbers);
            let mut expected = Distinct::default();
            assert_eq!(numbers.len(), lists.corners.len());
            for (p, number) in lists.corners.iter().zip(numbers) {
                let one = if is_position(*p) { expected.index_of([p.lon_deg, p.lat_deg]) } else { MISSING };
                assert_eq!(number, one, "{name} {p:?}");
            }
            assert_eq!(found, expected.found);
        }
    }

    #[test]
    fn cells_are_the_same_whether_listed_at_once_or_some_at_a_time() {
        for (name, stride) in [("r36x18", 1), ("CS6", 5), ("ICO5", 77), ("H4", 1)] {
            let lists = listed(name, stride);
            let cells = lists.cell_count().expect("lists fit");
            let width = (0..cells).map(|cell| lists.cell(cell).len()).max().unwrap_or(0);
            let mut padded = Vec::new();
            let mut listing = Listing::with_room(cells, width);
            for some in (0..cells).collect::<Vec<_>>().chunks(17) {
                let from = padded.len();
                for &cell in some {
                    padded.extend_from_slice(lists.cell(cell));
                    padded.resize(padded.len().next_multiple_of(width), NOWHERE);
                }
                let (lons, lats): (Vec<f64>, Vec<f64>) = padded[from..].iter().map(|p| (p.lon_deg, p.lat_deg)).unzip();
                listing.extend(&lons, &lats);
            }
            let all = CornerLists { corners: padded, offsets: Offsets::Uniform(width) };
            let at_once = Grid::mesh(None, all).expect("lists fit");
            let outlines = listing.outlines().expect("corners");
            assert_eq!(Grid::mesh_of_outlines(None, outlines).expect("no centers"), at_once, "{name}");
            // Nothing but the numbers of missing corners is lost by padding.
            let unpadded = Grid::mesh(None, lists).expect("lists fit");
            assert!((0..cells).all(|cell| unpadded.corners(cell) == at_once.corners(cell)), "{name}");
        }
    }
}
