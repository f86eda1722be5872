//! The equiangular cubed sphere.

mod quarter;

use crate::formula::{CornerNumbers, Formula};
use crate::{CornerSource, Family, Grid, GridError, Layout, LonLat, Mask, Report};
use knarr_kernels::sphere::UnitVector;
use quarter::Side;
use std::ops::Range;

impl Grid {
    /// Equiangular cubed sphere with `n` x `n` cells on each of 6 faces, shape `[cell]`.
    ///
    /// Faces 0 to 3 lie round the equator, centered at longitude 0, 90, 180 and 270, face 4 is the north one
    /// (its rows go on from face 0), face 5 the south one (its rows lead to face 0); rows start in the south-west.
    /// Corners are at equal angles seen from the centre of the Earth, centers half-way in angle.
    ///
    /// # Errors
    /// [`GridError::BadAxis`] for `n` 0 or beyond 4096.
    pub fn cubed_sphere(n: usize) -> Result<Grid, GridError> {
        if n == 0 || n > 4096 {
            let problem = format!("found {n} cells along a face, expected 1 to 4096");
            return Err(GridError::BadAxis { what: "cubed sphere".into(), problem });
        }
        Ok(Grid {
            family: Family::CubedSphere { n },
            shape: vec![6 * n * n],
            layout: Layout::Formula(Formula::CubedSphere(CubedSphere::new(n))),
            mask: Mask::ALL,
            report: Report::new("formula of the equiangular cubed sphere", CornerSource::Formula),
        })
    }
}

/// The cells of the equiangular cubed sphere, see [`Grid::cubed_sphere`].
#[derive(Clone, Debug, PartialEq)]
pub struct CubedSphere {
    lattice: Lattice,
    /// Where cells end along the sides of faces.
    ends: Side,
    /// Their middles.
    middles: Side,
}

/// Where a cell is: face, column and row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FacePlace {
    /// Face, 0 to 5.
    pub face: usize,
    /// Column along the face's rows.
    pub i: usize,
    /// Row.
    pub j: usize,
}

impl CubedSphere {
    fn new(n: usize) -> Self {
        Self { lattice: Lattice { n }, ends: Side::new(n, tangents(n, 0)), middles: Side::new(n, tangents(n, 1)) }
    }

    /// Cells along the side of a face.
    pub fn n(&self) -> usize {
        self.lattice.n
    }

    pub(crate) fn family(&self) -> Family {
        Family::CubedSphere { n: self.n() }
    }

    pub(crate) fn len(&self) -> usize {
        6 * self.n() * self.n()
    }

    /// Calls `each` with the places of `cells`.
    pub(crate) fn each_place(&self, cells: Range<usize>, mut each: impl FnMut(FacePlace)) {
        if cells.is_empty() {
            return;
        }
        let n = self.n();
        let FacePlace { mut face, i: mut first, mut j } = self.place(cells.start);
        let mut left = cells.len();
        while left > 0 {
            let end = n.min(first + left);
            left -= end - first;
            (first..end).for_each(|i| each(FacePlace { face, i, j }));
            (first, j) = (0, j + 1);
            if j == n {
                (face, j) = (face + 1, 0);
            }
        }
    }

    /// Face, column and row of a cell.
    #[inline]
    pub fn place(&self, cell: usize) -> FacePlace {
        let n = self.n();
        let (line, i) = (cell / n, cell % n);
        FacePlace { face: line / n, i, j: line % n }
    }

    /// The cell at a place.
    #[inline]
    pub fn cell(&self, FacePlace { face, i, j }: FacePlace) -> usize {
        (face * self.n() + j) * self.n() + i
    }

    /// The vector of `p` as face `face` sees it: its columns' tangent is `[1] / [0]`, its rows' `[2] / [0]` where `[0]`,
    /// the way out, is positive.
    #[inline]
    pub fn seen_from(face: usize, [x, y, z]: UnitVector) -> [f64; 3] {
        match face {
            0 => [x, y, z],
            1 => [y, -x, z],
            2 => [-x, -y, z],
            3 => [-y, x, z],
            4 => [z, y, -x],
            _ => [-z, y, x],
        }
    }

    /// The center at a place as its own face sees it.
    #[inline]
    pub fn seen_at(&self, FacePlace { i, j, .. }: FacePlace) -> [f64; 3] {
        let (a, b) = (self.middles.tangent(i), self.middles.tangent(j));
        let factor = 1.0 / (1.0 + a * a + b * b).sqrt();
        [factor, a * factor, b * factor]
    }

    #[inline]
    pub(crate) fn center(&self, cell: usize) -> LonLat {
        self.center_at(self.place(cell))
    }

    #[inline]
    pub(crate) fn center_at(&self, place: FacePlace) -> LonLat {
        angles(&self.middles, place)
    }

    #[inline]
    pub(crate) fn center_unit(&self, cell: usize) -> UnitVector {
        self.center_unit_at(self.place(cell))
    }

    #[inline]
    pub(crate) fn center_unit_at(&self, place: FacePlace) -> UnitVector {
        let [out, a, b] = self.seen_at(place);
        on_face(place.face, a, b, out).map(|c| c + 0.0)
    }

    #[inline]
    pub(crate) fn corner_numbers(&self, cell: usize) -> CornerNumbers {
        let FacePlace { face, i, j } = self.place(cell);
        let number = |i, j| self.lattice.index(self.lattice.point(face, i, j)) as u32;
        [number(i, j), number(i + 1, j), number(i + 1, j + 1), number(i, j + 1)]
    }

    /// A corner by its number: at equal angles along all three axes of the cube.
    pub(crate) fn corner(&self, number: usize) -> UnitVector {
        unit(self.lattice.at(number).map(|k| self.ends.tangent(k)))
    }

    /// The same in degrees.
    pub(crate) fn corner_angles(&self, number: usize) -> LonLat {
        angles(&self.ends, self.lattice.place(self.lattice.at(number)))
    }
}

/// Longitude and latitude of a point on a face by the places along its sides.
#[inline]
fn angles(side: &Side, FacePlace { face, i, j }: FacePlace) -> LonLat {
    if face < 4 {
        let lon_deg = [0.0, 90.0, 180.0, -90.0][face] + side.angle_deg(i);
        return LonLat { lon_deg: if lon_deg > 180.0 { lon_deg - 360.0 } else { lon_deg }, lat_deg: side.latitude_deg(i, j) };
    }
    let rest_deg = side.to_pole_deg(i, j);
    // Rows of the north face lead away from longitude 0, those of the south face to it.
    let is_behind = if face == 4 { side.tangent(j) > 0.0 } else { side.tangent(j) < 0.0 };
    let turn_deg = side.turn_deg(i, j);
    let turned = (if is_behind { 180.0 - turn_deg } else { turn_deg }).copysign(side.tangent(i));
    let lon_deg = if rest_deg > 0.0 { turned } else { 0.0 };
    LonLat { lon_deg, lat_deg: if face == 4 { 90.0 - rest_deg } else { rest_deg - 90.0 } }
}

/// Tangents of the angles at the ends (`half` 0, `n + 1` values) or middles (`half` 1, `n` values) of the cells.
///
/// Computed for one half and mirrored, so that neighbouring faces have equal corners to the bit.
fn tangents(n: usize, half: usize) -> Vec<f64> {
    let count = n + 1 - half;
    let mut out = vec![0.0; count];
    for k in 0..count {
        let twice = (2 * k + half) as isize - n as isize;
        let size = if twice.unsigned_abs() == n {
            1.0
        } else {
            (std::f64::consts::FRAC_PI_4 * twice.unsigned_abs() as f64 / n as f64).tan()
        };
        out[k] = if twice < 0 { -size } else { size };
    }
    out
}

/// Point of a face of the cube [-1, 1]³, `a` along its rows and `b` across.
fn on_face(face: usize, a: f64, b: f64, out: f64) -> [f64; 3] {
    match face {
        0 => [out, a, b],
        1 => [-a, out, b],
        2 => [-out, -a, b],
        3 => [a, -out, b],
        4 => [-b, a, out],
        _ => [b, a, -out],
    }
}

/// Length from sorted squares, so that the bits do not depend on the face a corner is computed from.
fn unit(p: UnitVector) -> UnitVector {
    let mut squares = p.map(|c| c * c);
    squares.sort_by(f64::total_cmp);
    let factor = 1.0 / (squares[0] + squares[1] + squares[2]).sqrt();
    p.map(|c| c * factor + 0.0)
}

/// Corners as points with integer coordinates 0..=n on the surface of a cube, numbered layer by layer in z.
#[derive(Clone, Debug, PartialEq)]
struct Lattice {
    n: usize,
}

impl Lattice {
    fn point(&self, face: usize, i: usize, j: usize) -> [usize; 3] {
        let n = self.n;
        match face {
            0 => [n, i, j],
            1 => [n - i, n, j],
            2 => [0, n - i, j],
            3 => [i, 0, j],
            4 => [n - j, i, n],
            _ => [j, i, 0],
        }
    }

    /// A face of a point, one round the equator if it can be, and the place on it: the inverse of [`Self::point`].
    fn place(&self, [x, y, z]: [usize; 3]) -> FacePlace {
        let n = self.n;
        let (face, i, j) = if x == n {
            (0, y, z)
        } else if y == n {
            (1, n - x, z)
        } else if x == 0 {
            (2, n - y, z)
        } else if y == 0 {
            (3, x, z)
        } else if z == n {
            (4, y, n - x)
        } else {
            (5, y, x)
        };
        FacePlace { face, i, j }
    }

    fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        let n = self.n;
        let full = (n + 1) * (n + 1);
        if z == 0 {
            return y * (n + 1) + x;
        }
        if z == n {
            return full + 4 * n * (n - 1) + y * (n + 1) + x;
        }
        // Between the full layers only the rim: 4n points counter-clockwise from (0, 0).
        let rim = if y == 0 {
            x
        } else if x == n {
            n + y
        } else if y == n {
            2 * n + (n - x)
        } else {
            3 * n + (n - y)
        };
        full + 4 * n * (z - 1) + rim
    }

    /// The inverse of [`Self::index`].
    fn at(&self, index: usize) -> [usize; 3] {
        let n = self.n;
        let full = (n + 1) * (n + 1);
        if index < full {
            return [index % (n + 1), index / (n + 1), 0];
        }
        let index = index - full;
        if let Some(top) = index.checked_sub(4 * n * (n - 1)) {
            return [top % (n + 1), top / (n + 1), n];
        }
        let (z, rim) = (index / (4 * n) + 1, index % (4 * n));
        let k = rim % n;
        match rim / n {
            0 => [k, 0, z],
            1 => [n, k, z],
            2 => [n - k, n, z],
            _ => [0, n - k, z],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::{distance, unit_vector};

    /// Centers and corners by the quarters that are kept have the bits of those by the formula.
    #[test]
    fn what_is_kept_changes_no_bit() {
        for n in [1, 2, 3, 8, 15] {
            let kept = CubedSphere::new(n);
            let computed = CubedSphere { middles: kept.middles.computed(), ends: kept.ends.computed(), ..kept.clone() };
            let bits = |c: LonLat| [c.lon_deg, c.lat_deg].map(f64::to_bits);
            for cell in 0..kept.len() {
                assert_eq!(bits(kept.center(cell)), bits(computed.center(cell)), "n {n}, cell {cell}");
            }
            for corner in 0..kept.len() + 2 {
                assert_eq!(bits(kept.corner_angles(corner)), bits(computed.corner_angles(corner)), "n {n}, corner {corner}");
            }
        }
    }

    #[test]
    fn faces_meet_without_gaps() {
        for n in [1, 2, 3, 18] {
            let grid = Grid::cubed_sphere(n).unwrap();
            assert_eq!(grid.len(), 6 * n * n);
            assert!((grid.covered_fraction() - 1.0).abs() < 1e-14);
            let polygons = grid.polygons().expect("cells have corners");
            let mut uses = vec![0; polygons.vertices.len()];
            polygons.corners.iter().for_each(|&v| uses[v as usize] += 1);
            assert_eq!(uses.iter().filter(|&&u| u == 3).count(), 8);
            assert_eq!(uses.iter().filter(|&&u| u == 4).count(), 6 * n * n - 6);
            // A corner as each of its faces computes it.
            let (lattice, ends) = (Lattice { n }, tangents(n, 0));
            for face in 0..6 {
                for (i, j) in (0..=n).flat_map(|j| (0..=n).map(move |i| (i, j))) {
                    let v = lattice.index(lattice.point(face, i, j));
                    assert_eq!(polygons.vertices[v], unit(on_face(face, ends[i], ends[j], 1.0)), "{face} {i} {j}");
                }
            }
            let Layout::Formula(Formula::CubedSphere(cells)) = &grid.layout else { panic!() };
            for cell in 0..grid.len() {
                assert!(grid.area(cell) > 0.0);
                let place = cells.place(cell);
                assert_eq!(cells.cell(place), cell);
                let (seen, at) = (CubedSphere::seen_from(place.face, cells.center_unit(cell)), cells.seen_at(place));
                assert!((0..3).all(|c| (seen[c] - at[c]).abs() < 1e-15), "{cell}");
            }
        }
    }

    #[test]
    fn cells_lie_where_the_formula_says() {
        let grid = Grid::cubed_sphere(3).unwrap();
        for (face, (lon, lat)) in
            [(0.0, 0.0), (90.0, 0.0), (180.0, 0.0), (-90.0, 0.0), (0.0, 90.0), (0.0, -90.0)].into_iter().enumerate()
        {
            assert!(distance(grid.center(9 * face + 4).unit(), unit_vector(lon, lat)) < 1e-15);
        }
        // One third of a face is 30 degrees: corner at (-15, 0) on the equator between rows.
        let corner = grid.corners(4)[0];
        assert!((corner[1] / corner[0] - (-15.0f64).to_radians().tan()).abs() < 1e-15);
        // The faces of a cube have a sixth of the sphere each.
        let first: f64 = (0..9).map(|cell| grid.area(cell)).sum();
        assert!((first - 4.0 * std::f64::consts::PI / 6.0).abs() < 1e-14);
        assert!(Grid::cubed_sphere(0).is_err());
    }
}
