//! Cells as polygons with shared corners.

use knarr_kernels::sphere::UnitVector;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

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
        let mut seen: HashMap<[u64; 3], u32, BuildHasherDefault<BitsHasher>> = HashMap::default();
        let mut vertices = Vec::new();
        let mut corners = Vec::new();
        let mut offsets = vec![0u32];
        for cell in cells {
            for &p in cell {
                let index = *seen.entry(p.map(f64::to_bits)).or_insert_with(|| {
                    vertices.push(p);
                    (vertices.len() - 1) as u32
                });
                corners.push(index);
            }
            offsets.push(corners.len() as u32);
        }
        let width = offsets[1..].first().copied().unwrap_or(0);
        let uniform = width > 0 && offsets.windows(2).all(|w| w[1] - w[0] == width);
        let offsets = if uniform { Offsets::Uniform(width as usize) } else { Offsets::PerCell(offsets) };
        Self { vertices, offsets, corners }
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

/// Mixes the bits of coordinates: they come from files, not from people who would choose them to collide.
#[derive(Default)]
struct BitsHasher(u64);

impl Hasher for BitsHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, value: u64) {
        // The golden ratio spreads the low bits up; the rotation brings the high ones, which vary most, down.
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(27);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
}
