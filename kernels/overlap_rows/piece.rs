//! Polygons whose edges are great circles or parallels.

use super::{CAPACITY, MAX_CELL_CORNERS};
use crate::sphere::{UnitVector, dot, sub};

/// What an edge of a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    GreatCircle,
    /// On a meridian where it was cut.
    Meridian,
    /// On the parallel below the band.
    Lower,
    /// On the parallel above the band.
    Upper,
    /// On the first or second parallel of the cell's own frame.
    Own(u8),
}

/// Parallels of another pole that bound the cell being sliced.
#[derive(Clone, Copy, Debug)]
pub struct OwnParallels {
    /// The other pole, in the frame of the rows.
    pub axis: UnitVector,
    /// Sine of the latitude (about `axis`) of the cell's south and north edge.
    pub sin: [f64; 2],
}

/// A polygon whose edges are great circles or parallels.
#[derive(Clone, Copy)]
pub struct Piece {
    pub(super) len: usize,
    pub(super) corners: [UnitVector; CAPACITY],
    pub(super) edges: [Edge; CAPACITY],
}

impl Default for Piece {
    fn default() -> Self {
        Self { len: 0, corners: [[0.0; 3]; CAPACITY], edges: [Edge::GreatCircle; CAPACITY] }
    }
}

impl Piece {
    /// A polygon with great-circle edges; `None` with more than [`MAX_CELL_CORNERS`] corners.
    pub fn great_circle(corners: &[UnitVector]) -> Option<Self> {
        let mut piece = Self::default();
        if corners.len() > MAX_CELL_CORNERS {
            return None;
        }
        corners.iter().for_each(|&p| piece.push(p, Edge::GreatCircle));
        Some(piece)
    }

    /// A quadrangle `south-west, south-east, north-east, north-west` between the [`OwnParallels`] of its frame.
    pub fn quadrangle(corners: [UnitVector; 4]) -> Self {
        let mut piece = Self::default();
        let edges = [Edge::Own(0), Edge::GreatCircle, Edge::Own(1), Edge::GreatCircle];
        corners.into_iter().zip(edges).for_each(|(p, e)| piece.push(p, e));
        piece
    }

    #[inline(always)]
    pub(super) fn push(&mut self, corner: UnitVector, edge: Edge) {
        if self.len < CAPACITY {
            self.corners[self.len] = corner;
            self.edges[self.len] = edge;
            self.len += 1;
        }
    }

    #[inline(always)]
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.len = other.len;
        self.corners[..other.len].copy_from_slice(&other.corners[..other.len]);
        self.edges[..other.len].copy_from_slice(&other.edges[..other.len]);
    }

    #[inline(always)]
    pub(super) fn next(&self, k: usize) -> usize {
        if k + 1 == self.len { 0 } else { k + 1 }
    }

    /// Adds a corner after corner `k` on the same edge.
    pub(super) fn insert_after(&mut self, k: usize, corner: UnitVector) {
        self.corners.copy_within(k + 1..self.len, k + 2);
        self.edges.copy_within(k + 1..self.len, k + 2);
        self.corners[k + 1] = corner;
        self.edges[k + 1] = self.edges[k];
        self.len += 1;
    }

    /// Calls edges of one kind edges of another.
    pub(super) fn relabel(&mut self, from: Edge, to: Edge) {
        for edge in &mut self.edges[..self.len] {
            if *edge == from {
                *edge = to;
            }
        }
    }

    /// Square of the longest chord between neighbouring corners.
    pub(super) fn longest_chord2(&self) -> f64 {
        (0..self.len)
            .map(|k| {
                let d = sub(self.corners[self.next(k)], self.corners[k]);
                dot(d, d)
            })
            .fold(0.0, f64::max)
    }
}
