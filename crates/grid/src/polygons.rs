//! Cells as polygons with shared corners.

use knarr_kernels::sphere::UnitVector;

/// Where the corners of each cell start.
#[derive(Clone, Debug, PartialEq)]
pub enum Offsets {
    /// Every cell has this many corners.
    Uniform(usize),
    /// Cell `i` has the corners `offsets[i]..offsets[i + 1]`.
    PerCell(Vec<u32>),
}

/// Polygons whose edges are great circles (or parallels, see [`crate::Rows`]); corners turn counter-clockwise.
///
/// A cell without corners (a dropped one) has an empty range, or all corners equal in the uniform layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygons {
    /// Distinct corners.
    pub vertices: Vec<UnitVector>,
    /// Where each cell's corners start in `corners`.
    pub offsets: Offsets,
    /// Indices into `vertices`.
    pub corners: Vec<u32>,
}

impl Polygons {
    /// Shares equal corners of cells given one by one; equal means equal to the bit.
    pub fn from_cells<'a>(cells: impl Iterator<Item = &'a [UnitVector]>) -> Self {
        let mut vertices = Distinct::default();
        let mut corners = Vec::new();
        let mut offsets = vec![0u32];
        for cell in cells {
            for &p in cell {
                corners.push(vertices.index_of(p));
            }
            offsets.push(corners.len() as u32);
        }
        let width = offsets[1..].first().copied().unwrap_or(0);
        let uniform = width > 0 && offsets.windows(2).all(|w| w[1] - w[0] == width);
        let offsets = if uniform { Offsets::Uniform(width as usize) } else { Offsets::PerCell(offsets) };
        Self { vertices: vertices.found, offsets, corners }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        match &self.offsets {
            Offsets::Uniform(n) => self.corners.len() / n,
            Offsets::PerCell(offsets) => offsets.len() - 1,
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Corner indices of `cell`.
    #[inline]
    pub fn cell(&self, cell: usize) -> &[u32] {
        match &self.offsets {
            Offsets::Uniform(n) => &self.corners[cell * n..(cell + 1) * n],
            Offsets::PerCell(offsets) => &self.corners[offsets[cell] as usize..offsets[cell + 1] as usize],
        }
    }

    /// Appends the corners of `cell` to `out`, leaving out repeats of the corner before.
    #[inline]
    pub fn copy_cell(&self, cell: usize, out: &mut Vec<UnitVector>) {
        let indices = self.cell(cell);
        for (k, &index) in indices.iter().enumerate() {
            let previous = if k == 0 { indices[indices.len() - 1] } else { indices[k - 1] };
            if index != previous || indices.len() == 1 {
                out.push(self.vertices[index as usize]);
            }
        }
    }

    /// Largest number of corners of a cell.
    pub fn max_corners(&self) -> usize {
        match &self.offsets {
            Offsets::Uniform(n) => *n,
            Offsets::PerCell(offsets) => offsets.windows(2).map(|w| (w[1] - w[0]) as usize).max().unwrap_or(0),
        }
    }
}

/// Distinct points, each found again by its bits. The table holds numbers of points alone: a map of the points
/// themselves would take twice as much as the mesh.
#[derive(Default)]
struct Distinct {
    found: Vec<UnitVector>,
    /// Number of a point, or [`FREE`]; a power of two of places, at most half of them taken.
    places: Vec<u32>,
}

/// A place without a point.
const FREE: u32 = u32::MAX;

impl Distinct {
    /// The number of `p`, which is added if it is new.
    fn index_of(&mut self, p: UnitVector) -> u32 {
        if 2 * self.found.len() >= self.places.len() {
            self.grow();
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

    fn grow(&mut self) {
        let len = (2 * self.places.len()).max(64);
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
fn hash(bits: [u64; 3]) -> u64 {
    // The golden ratio spreads the low bits up; the rotation brings the high ones, which vary most, down.
    let mix = |hash: u64, value: u64| (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(27);
    let mixed = bits.into_iter().fold(0, mix);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_corners_are_shared_and_others_are_not() {
        // Squares of a 70 x 70 lattice, each given by its own four corners, and once more in reverse.
        let at = |i: usize, j: usize| [i as f64, j as f64 * 1e-9, 0.5];
        let cells: Vec<[UnitVector; 4]> =
            (0..4900).map(|k| (k % 70, k / 70)).map(|(i, j)| [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)]).collect();
        let twice = cells.iter().chain(cells.iter().rev());
        let polygons = Polygons::from_cells(twice.map(|c| c.as_slice()));
        assert_eq!(polygons.vertices.len(), 71 * 71);
        assert_eq!(polygons.offsets, Offsets::Uniform(4));
        for (k, cell) in cells.iter().enumerate() {
            let mut corners = Vec::new();
            polygons.copy_cell(k, &mut corners);
            assert_eq!(corners, cell);
            assert_eq!(polygons.cell(k), polygons.cell(9799 - k));
        }
    }
}
