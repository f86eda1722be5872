//! The equiangular cubed sphere.

use crate::{CornerSource, Family, Grid, GridError, Layout, LonLat, Mask, Offsets, Polygons, Report};
use knarr_kernels::sphere::UnitVector;

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
        let lattice = Lattice { n };
        let ends = tangents(n, 0);
        let middles = tangents(n, 1);
        let mut centers = Vec::with_capacity(6 * n * n);
        let mut corners = Vec::with_capacity(24 * n * n);
        let mut vertices = vec![[0.0; 3]; 6 * n * n + 2];
        for face in 0..6 {
            for j in 0..n {
                for i in 0..n {
                    let p = on_face(face, middles[i], middles[j], 1.0);
                    centers.push(LonLat::from_unit(p));
                    for (i, j) in [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)] {
                        let v = lattice.index(lattice.point(face, i, j));
                        corners.push(v as u32);
                        vertices[v] = unit(on_face(face, ends[i], ends[j], 1.0));
                    }
                }
            }
        }
        let report = Report::new("formula of the equiangular cubed sphere", CornerSource::Formula);
        Ok(Grid {
            family: Family::CubedSphere { n },
            shape: vec![6 * n * n],
            layout: Layout::Polygons { centers, polygons: Polygons { vertices, offsets: Offsets::Uniform(4), corners } },
            mask: Mask::ALL,
            report,
        })
    }
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::{distance, unit_vector};

    #[test]
    fn faces_meet_without_gaps() {
        for n in [1, 2, 3, 18] {
            let grid = Grid::cubed_sphere(n).unwrap();
            assert_eq!(grid.len(), 6 * n * n);
            assert!((grid.covered_fraction() - 1.0).abs() < 1e-14);
            let Layout::Polygons { polygons, .. } = &grid.layout else { panic!() };
            let mut uses = vec![0; polygons.vertices.len()];
            polygons.corners.iter().for_each(|&v| uses[v as usize] += 1);
            assert_eq!(uses.iter().filter(|&&u| u == 3).count(), 8);
            assert_eq!(uses.iter().filter(|&&u| u == 4).count(), 6 * n * n - 6);
            // Each face computes its own corners; the last one written must be what every other face gets.
            let (lattice, ends) = (Lattice { n }, tangents(n, 0));
            for face in 0..6 {
                for (i, j) in (0..=n).flat_map(|j| (0..=n).map(move |i| (i, j))) {
                    let v = lattice.index(lattice.point(face, i, j));
                    assert_eq!(polygons.vertices[v], unit(on_face(face, ends[i], ends[j], 1.0)), "{face} {i} {j}");
                }
            }
            for cell in 0..grid.len() {
                assert!(grid.area(cell) > 0.0);
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
