//! Cells as polygons with shared corners.

use crate::distinct::{Distinct, repeats};
use knarr_kernels::sphere::UnitVector;
use std::ops::Range;

/// Where the corners of each cell start.
#[derive(Clone, Debug, PartialEq)]
pub enum Offsets {
    /// Every cell has this many corners.
    Uniform(usize),
    /// Cell `i` has the corners `offsets[i]..offsets[i + 1]`.
    PerCell(Vec<u32>),
}

impl Offsets {
    /// Of cells whose corners end there.
    pub(crate) fn of_ends(mut ends: Vec<u32>) -> Self {
        let width = ends.first().copied().unwrap_or(0);
        if width > 0 && ends.iter().zip(1u64..).all(|(&end, cells)| u64::from(end) == cells * u64::from(width)) {
            return Self::Uniform(width as usize);
        }
        ends.insert(0, 0);
        Self::PerCell(ends)
    }

    /// The same, uniform if cells have equally many corners.
    pub(crate) fn simplest(self) -> Self {
        match self {
            Self::PerCell(mut offsets) if offsets.first() == Some(&0) => Self::of_ends(offsets.split_off(1)),
            _ => self,
        }
    }

    /// Where the corners of a cell are among all.
    #[inline]
    pub fn of(&self, cell: usize) -> Range<usize> {
        match self {
            Self::Uniform(n) => cell * n..(cell + 1) * n,
            Self::PerCell(offsets) => offsets[cell] as usize..offsets[cell + 1] as usize,
        }
    }
}

/// No number yet.
const UNUSED: u32 = u32::MAX;

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
        let (mut corners, mut ends) = (Vec::new(), Vec::new());
        for cell in cells {
            corners.extend(cell.iter().map(|&p| vertices.index_of(p)));
            ends.push(corners.len() as u32);
        }
        Self { vertices: vertices.found, offsets: Offsets::of_ends(ends), corners }
    }

    /// As [`Polygons::from_cells`], of cells given by numbers of `vertices`, some of which may be equal or of no cell.
    pub(crate) fn from_numbers<'a>(vertices: &[UnitVector], cells: impl Iterator<Item = &'a [u32]>) -> Self {
        let (mut found, mut numbers) = (Vec::with_capacity(vertices.len()), vec![UNUSED; vertices.len()]);
        let repeats = repeats(vertices);
        let first_of = |v: u32| repeats.binary_search_by_key(&v, |[repeat, _]| *repeat).map_or(v, |k| repeats[k][1]);
        let mut number_of = |v: u32| {
            if numbers[v as usize] == UNUSED {
                let first = first_of(v) as usize;
                if numbers[first] == UNUSED {
                    numbers[first] = found.len() as u32;
                    found.push(vertices[first]);
                }
                numbers[v as usize] = numbers[first];
            }
            numbers[v as usize]
        };
        let (mut corners, mut ends) = (Vec::with_capacity(4 * cells.size_hint().0), Vec::with_capacity(cells.size_hint().0));
        for cell in cells {
            corners.extend(cell.iter().map(|&v| number_of(v)));
            ends.push(corners.len() as u32);
        }
        Self { vertices: found, offsets: Offsets::of_ends(ends), corners }
    }

    /// The numbers of vertices in the order in which cells use them first; `None` if they are in this order, all of them.
    pub fn order_of_use(&self) -> Option<Vec<u32>> {
        let (mut used, mut is_in_order) = (0, true);
        for &v in &self.corners {
            is_in_order &= v <= used;
            used += u32::from(v == used);
        }
        if is_in_order && used as usize == self.vertices.len() {
            return None;
        }
        let (mut is_used, mut order) = (vec![false; self.vertices.len()], Vec::with_capacity(self.vertices.len()));
        order.extend(self.corners.iter().filter(|&&v| !std::mem::replace(&mut is_used[v as usize], true)));
        Some(order)
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
        &self.corners[self.offsets.of(cell)]
    }

    /// Appends the corners of `cell` to `out`, leaving out repeats of the corner before.
    #[inline]
    pub fn copy_cell(&self, cell: usize, out: &mut Vec<UnitVector>) {
        let indices = self.cell(cell);
        if let &[a, b, c, d] = indices
            && a != b
            && b != c
            && c != d
            && d != a
        {
            return out.extend_from_slice(&[a, b, c, d].map(|v| self.vertices[v as usize]));
        }
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
        assert_eq!(polygons.order_of_use(), None);
        // In another order of vertices, one of them of no cell.
        let last = polygons.vertices.len() as u32 - 1;
        let mut turned = polygons.clone();
        turned.corners.iter_mut().for_each(|v| *v = last - *v);
        assert_eq!(turned.order_of_use(), Some((0..=last).rev().collect()));
        let mut more = polygons.clone();
        more.vertices.push([2.0; 3]);
        assert_eq!(more.order_of_use(), Some((0..=last).collect()));
        for (k, cell) in cells.iter().enumerate() {
            let mut corners = Vec::new();
            polygons.copy_cell(k, &mut corners);
            assert_eq!(corners, cell);
            assert_eq!(polygons.cell(k), polygons.cell(9799 - k));
        }
    }
}
