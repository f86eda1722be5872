//! Icosahedral triangles, and the pentagons and hexagons around their corners.

use crate::dual::{Fans, circumcenter};
use crate::{CornerSource, Family, Grid, GridError, Layout, LonLat, Mask, Offsets, Polygons, Report};
use knarr_kernels::sphere::{UnitVector, add, normalize, scale};

impl Grid {
    /// Triangles of an icosahedron whose edges are split into `n` parts: 20·n² cells, shape `[cell]`.
    ///
    /// Two vertices of the icosahedron are the poles, one of the others lies on longitude 0. Points split the
    /// flat faces evenly and are then moved out to the sphere; centers are those of the circumscribed circles.
    ///
    /// # Errors
    /// [`GridError::BadAxis`] for `n` 0 or beyond 2048.
    pub fn icosahedral_triangles(n: usize) -> Result<Grid, GridError> {
        let (vertices, triangles) = subdivided(n)?;
        let centers = triangles.iter().map(|t| LonLat::from_unit(circumcenter(t.map(|v| vertices[v as usize])))).collect();
        let corners = triangles.concat();
        Ok(Grid {
            family: Family::IcosahedralTriangles { n },
            shape: vec![triangles.len()],
            layout: Layout::Polygons { centers, polygons: Polygons { vertices, offsets: Offsets::Uniform(3), corners } },
            mask: Mask::ALL,
            report: Report::new("formula of the icosahedral triangles", CornerSource::Formula),
        })
    }

    /// Cells around the 10·n² + 2 corners of those triangles: 12 pentagons, else hexagons, shape `[cell]`.
    ///
    /// Their corners are the centers of the circles through the triangles' corners, so that edges lie half-way
    /// between centers.
    ///
    /// # Errors
    /// As [`Grid::icosahedral_triangles`].
    pub fn icosahedral_dual(n: usize) -> Result<Grid, GridError> {
        let (nodes, triangles) = subdivided(n)?;
        let vertices = triangles.iter().map(|t| circumcenter(t.map(|v| nodes[v as usize]))).collect();
        let fans = Fans::new(nodes.len(), triangles.len(), |face| &triangles[face]);
        let mut corners = Vec::with_capacity(3 * triangles.len());
        let mut offsets = vec![0];
        for node in 0..nodes.len() {
            corners.extend(fans.chains(node).into_iter().flatten().map(|sector| sector.face));
            offsets.push(corners.len() as u32);
        }
        let centers: Vec<LonLat> = nodes.into_iter().map(LonLat::from_unit).collect();
        Ok(Grid {
            family: Family::IcosahedralDual { n },
            shape: vec![centers.len()],
            layout: Layout::Polygons { centers, polygons: Polygons { vertices, offsets: Offsets::PerCell(offsets), corners } },
            mask: Mask::ALL,
            report: Report::new("formula of the icosahedral pentagons and hexagons", CornerSource::Formula),
        })
    }
}

/// The 12 vertices of the icosahedron: north pole, two rings of five, south pole.
fn icosahedron() -> ([UnitVector; 12], [[usize; 3]; 20]) {
    let z = 0.2f64.sqrt();
    let r = 2.0 * z;
    let mut vertices = [[0.0, 0.0, 1.0]; 12];
    let mut faces = [[0; 3]; 20];
    for k in 0..5 {
        let (sin, cos) = knarr_kernels::sphere::sin_cos_deg(72.0 * k as f64);
        vertices[1 + k] = [r * cos, r * sin, z];
        let (sin, cos) = knarr_kernels::sphere::sin_cos_deg(72.0 * k as f64 + 36.0);
        vertices[6 + k] = [r * cos, r * sin, -z];
        let (upper, next_upper) = (1 + k, 1 + (k + 1) % 5);
        let (lower, next_lower) = (6 + k, 6 + (k + 1) % 5);
        faces[k] = [0, upper, next_upper];
        faces[5 + 2 * k] = [upper, lower, next_upper];
        faces[6 + 2 * k] = [lower, next_lower, next_upper];
        faces[15 + k] = [11, next_lower, lower];
    }
    vertices[11] = [0.0, 0.0, -1.0];
    (vertices, faces)
}

/// Points and counter-clockwise triangles; points on the icosahedron's edges are made once per edge.
fn subdivided(n: usize) -> Result<(Vec<UnitVector>, Vec<[u32; 3]>), GridError> {
    if n == 0 || n > 2048 {
        let problem = format!("found {n} parts of an edge, expected 1 to 2048");
        return Err(GridError::BadAxis { what: "icosahedral grid".into(), problem });
    }
    let (tops, faces) = icosahedron();
    let mut points = tops.to_vec();
    let mix = |a: UnitVector, b: UnitVector, c: UnitVector, weights: [usize; 3]| {
        let p = add(add(scale(a, weights[0] as f64), scale(b, weights[1] as f64)), scale(c, weights[2] as f64));
        normalize(p).expect("a positive mix of three vertices of one face is not the zero vector")
    };
    let mut edges: Vec<(usize, usize)> = Vec::with_capacity(30);
    for f in &faces {
        for (a, b) in [(f[0], f[1]), (f[1], f[2]), (f[2], f[0])] {
            let edge = (a.min(b), a.max(b));
            if !edges.contains(&edge) {
                edges.push(edge);
                points.extend((1..n).map(|k| mix(tops[edge.0], tops[edge.1], [0.0; 3], [n - k, k, 0])));
            }
        }
    }
    // Point number k of n from vertex `a` towards `b`.
    let along = |a: usize, b: usize, k: usize| {
        if k == 0 {
            return a;
        }
        if k == n {
            return b;
        }
        let edge = edges.iter().position(|e| *e == (a.min(b), a.max(b))).expect("every edge of a face was entered above");
        12 + edge * (n - 1) + if a < b { k - 1 } else { n - k - 1 }
    };
    let mut triangles = Vec::with_capacity(20 * n * n);
    for &[a, b, c] in &faces {
        let inside = points.len();
        // Row j from edge a-b towards c has the points i = 0..=n-j; the weights are (n - i - j, i, j).
        let inner_row = |j: usize| inside + (j - 1) * (n - 1) - j * (j - 1) / 2;
        for j in 1..n {
            points.extend((1..n - j).map(|i| mix(tops[a], tops[b], tops[c], [n - i - j, i, j])));
        }
        let at = |i: usize, j: usize| -> u32 {
            let index = if j == 0 {
                along(a, b, i)
            } else if i == 0 {
                along(a, c, j)
            } else if i + j == n {
                along(b, c, j)
            } else {
                inner_row(j) + i - 1
            };
            index as u32
        };
        for j in 0..n {
            for i in 0..n - j {
                triangles.push([at(i, j), at(i + 1, j), at(i, j + 1)]);
                if i + j + 1 < n {
                    triangles.push([at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)]);
                }
            }
        }
    }
    Ok((points, triangles))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triangles_and_dual_have_their_counts_and_cover_the_sphere() {
        for n in [1, 2, 3, 7, 16] {
            let triangles = Grid::icosahedral_triangles(n).unwrap();
            assert_eq!(triangles.len(), 20 * n * n);
            let Layout::Polygons { polygons, .. } = &triangles.layout else { panic!() };
            assert_eq!(polygons.vertices.len(), 10 * n * n + 2);
            // No two of the points are the same: the nearest are a cell apart.
            let mut sorted: Vec<[u64; 3]> = polygons.vertices.iter().map(|v| v.map(f64::to_bits)).collect();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), 10 * n * n + 2);

            let dual = Grid::icosahedral_dual(n).unwrap();
            assert_eq!(dual.len(), 10 * n * n + 2);
            let pentagons = (0..dual.len()).filter(|&cell| dual.corners(cell).len() == 5).count();
            let hexagons = (0..dual.len()).filter(|&cell| dual.corners(cell).len() == 6).count();
            assert_eq!((pentagons, hexagons), (12, dual.len() - 12));
            for grid in [triangles, dual] {
                assert!((grid.covered_fraction() - 1.0).abs() < 1e-14);
                assert!((0..grid.len()).all(|cell| grid.area(cell) > 0.0));
            }
        }
        assert!(Grid::icosahedral_triangles(0).is_err());
    }

    #[test]
    fn the_icosahedron_itself_is_regular() {
        let grid = Grid::icosahedral_triangles(1).unwrap();
        for cell in 0..20 {
            assert!((grid.area(cell) - std::f64::consts::PI / 5.0).abs() < 2e-15);
        }
    }
}
