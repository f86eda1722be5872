//! Coordinates of a cell in which it is like a square of side 1.

use super::Terms;
use knarr_kernels::sphere::{UnitVector, dot, scale, sub};
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};

/// Least cosine of the angle from the barycentre within which there are coordinates.
const LEAST_COSINE: f64 = 0.1;

/// Affine coordinates in the tangent plane at the barycentre of a cell; second moments of the cell about it are 1/12 in
/// all directions, those of a square of side 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub origin: UnitVector,
    /// Coordinates are products with these; 0 for cells without area, which makes all places one.
    axes: [UnitVector; 2],
}

/// A piece of the sphere: its barycentre, and its second moments ⟨xx⟩, ⟨xy⟩, ⟨yy⟩ about it along `axes`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub centre: UnitVector,
    pub axes: [UnitVector; 2],
    pub spread: [f64; 3],
}

impl Frame {
    /// That of a cell, whose moments are in the tangent plane at its barycentre.
    pub fn new(Piece { centre, axes: [e, f], spread }: Piece) -> Self {
        // 12·(second moments) = L·Lᵀ; the coordinates are L⁻¹·(x, y).
        let [xx, xy, yy] = spread.map(|s| 12.0 * s);
        let first = xx.sqrt();
        let across = xy / first;
        let second = (yy - across * across).sqrt();
        let is_cell = first > 0.0 && second > 1e-9 * first;
        let axes = [scale(e, 1.0 / first), scale(sub(f, scale(e, across / first)), 1.0 / second)];
        Self { origin: centre, axes: if is_cell { axes } else { [[0.0; 3]; 2] } }
    }

    /// Coordinates of a point; `None` if it is far away.
    pub fn project(&self, p: UnitVector) -> Option<PlanePoint> {
        let offset = sub(p, self.origin);
        let cosine = 1.0 + dot(offset, self.origin);
        (cosine > LEAST_COSINE).then(|| self.axes.map(|axis| dot(axis, offset) / cosine))
    }
}

impl Piece {
    /// A piece whose extent is not known.
    pub fn point(centre: UnitVector) -> Self {
        Self { centre, axes: TangentPlane::new(centre, LEAST_COSINE).axes(), spread: [0.0; 3] }
    }

    /// Means of x, y, x², xy and y² over the piece.
    pub fn terms(&self, frame: &Frame) -> Terms {
        let Some([x, y]) = frame.project(self.centre) else { return [0.0; 5] };
        let [xx, xy, yy] = self.spread;
        let turned = frame.axes.map(|to| self.axes.map(|axis| dot(to, axis)));
        let second = |p: PlanePoint, q: PlanePoint| p[0] * q[0] * xx + (p[0] * q[1] + p[1] * q[0]) * xy + p[1] * q[1] * yy;
        let [p, q] = turned;
        [x, y, x * x + second(p, p), x * y + second(p, q), y * y + second(q, q)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Edges;
    use crate::methods::second_order::moments::Cells;
    use knarr_grid::Grid;

    /// Long or skew, a cell is a square of side 1 in its frame, but for the curvature of the sphere.
    #[test]
    fn cells_are_squares_in_their_frames() {
        for (spec, cell) in [("r360x60", 20 * 360 + 5), ("r120x180", 40 * 120 + 3), ("H64n", 1234), ("CS64", 2000)] {
            let grid = Grid::from_spec(spec).expect("a valid grid");
            let frame = Cells::of(&grid, Edges::Grid).frame(cell, &mut Vec::new());
            let places: Vec<PlanePoint> = grid.corners(cell).iter().map(|&p| frame.project(p).expect("near")).collect();
            let (first, third) = (places[0], places[2]);
            for [x, y] in &places {
                assert!((x.hypot(*y) - 0.5f64.sqrt()).abs() < 0.03, "{spec}: {places:?}");
            }
            assert!((first[0] + third[0]).abs() < 0.03 && (first[1] + third[1]).abs() < 0.03, "{spec}: {places:?}");
        }
    }

    #[test]
    fn terms_of_a_cell_are_those_of_a_square_and_a_cell_without_area_has_none() {
        let centre = [0.0, 0.0, 1.0];
        let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let piece = Piece { centre, axes, spread: [3e-4, 1e-4, 2e-4] };
        let terms = piece.terms(&Frame::new(piece));
        for (found, expected) in terms.iter().zip([0.0, 0.0, 1.0 / 12.0, 0.0, 1.0 / 12.0]) {
            assert!((found - expected).abs() < 1e-15, "{terms:?}");
        }
        let line = Frame::new(Piece { spread: [1e-4, 1e-4, 1e-4], ..piece });
        assert_eq!(line.project([0.1, 0.2, 0.97]), Some([0.0; 2]));
    }
}
