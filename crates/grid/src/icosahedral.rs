//! Icosahedral triangles, and the pentagons and hexagons around their corners.

use crate::dual::{Fans, circumcenter};
use crate::formula::Formula;
use crate::{CornerSource, Family, Grid, GridError, Layout, LonLat, Mask, Offsets, Polygons, Report};
use knarr_kernels::angles;
use knarr_kernels::sphere::{UnitVector, add, normalize, scale};
use std::ops::Range;

impl Grid {
    /// Triangles of an icosahedron whose edges are split into `n` parts: 20·n² cells, shape `[cell]`.
    ///
    /// Two vertices of the icosahedron are the poles, one of the others lies on longitude 0. Points split the
    /// flat faces evenly and are then moved out to the sphere; centers are those of the circumscribed circles.
    ///
    /// # Errors
    /// [`GridError::BadAxis`] for `n` 0 or beyond 2048.
    pub fn icosahedral_triangles(n: usize) -> Result<Grid, GridError> {
        let cells = IcosahedralTriangles::new(n)?;
        Ok(Grid {
            family: Family::IcosahedralTriangles { n },
            shape: vec![cells.len()],
            layout: Layout::Formula(Formula::IcosahedralTriangles(cells)),
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
        let cells = IcosahedralTriangles::new(n)?;
        let triangles = Formula::IcosahedralTriangles(cells.clone()).polygons();
        let nodes = &triangles.vertices;
        let vertices = (0..triangles.len()).map(|cell| cells.center_unit(cell)).collect();
        let fans = Fans::new(nodes.len(), triangles.len(), |face| triangles.cell(face));
        let mut corners = Vec::with_capacity(triangles.corners.len());
        let mut offsets = vec![0];
        for node in 0..nodes.len() {
            corners.extend(fans.chains(node).into_iter().flatten().map(|sector| sector.face));
            offsets.push(corners.len() as u32);
        }
        let centers: Vec<LonLat> = nodes.iter().copied().map(LonLat::from_unit).collect();
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

/// The triangles of an icosahedron whose edges are split, see [`Grid::icosahedral_triangles`].
///
/// Points are numbered: the 12 vertices of the icosahedron, those on its 30 edges, those within its 20 faces. A face has
/// rows of points j = 0 … n from its first edge to the third vertex, and between them rows of triangles that point up
/// and down in turn.
#[derive(Clone, Debug, PartialEq)]
pub struct IcosahedralTriangles {
    n: usize,
    solid: Box<Icosahedron>,
}

/// Centers that are turned into angles together.
const TOGETHER: usize = 1 << 9;

/// The icosahedron itself.
#[derive(Clone, Debug, PartialEq)]
struct Icosahedron {
    tops: [UnitVector; 12],
    faces: [Face; 20],
    /// Both ends of each edge, the lower number first.
    edges: [[usize; 2]; 30],
}

/// A face of the icosahedron: its vertices, and its edges a-b, a-c and b-c with whether they lead to a higher number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Face {
    tops: [usize; 3],
    edges: [(usize, bool); 3],
}

impl IcosahedralTriangles {
    fn new(n: usize) -> Result<Self, GridError> {
        if n == 0 || n > 2048 {
            let problem = format!("found {n} parts of an edge, expected 1 to 2048");
            return Err(GridError::BadAxis { what: "icosahedral grid".into(), problem });
        }
        let (tops, triangles) = icosahedron();
        let mut edges: Vec<[usize; 2]> = Vec::with_capacity(30);
        for [a, b, c] in triangles {
            for (a, b) in [(a, b), (b, c), (c, a)] {
                let edge = [a.min(b), a.max(b)];
                if !edges.contains(&edge) {
                    edges.push(edge);
                }
            }
        }
        let edge = |a: usize, b: usize| {
            let edge = edges.iter().position(|e| *e == [a.min(b), a.max(b)]);
            (edge.expect("every edge of a face was entered above"), a < b)
        };
        let faces = triangles.map(|[a, b, c]| Face { tops: [a, b, c], edges: [edge(a, b), edge(a, c), edge(b, c)] });
        let edges = std::array::from_fn(|k| edges[k]);
        Ok(Self { n, solid: Box::new(Icosahedron { tops, faces, edges }) })
    }

    /// Parts of an icosahedron's edge.
    pub fn n(&self) -> usize {
        self.n
    }

    pub(crate) fn family(&self) -> Family {
        Family::IcosahedralTriangles { n: self.n }
    }

    pub(crate) fn len(&self) -> usize {
        20 * self.n * self.n
    }

    pub(crate) fn center(&self, cell: usize) -> LonLat {
        let (lon_deg, lat_deg) = angles::lon_lat_deg(self.center_unit(cell));
        LonLat { lon_deg, lat_deg }
    }

    /// Center of the circle through the corners.
    pub(crate) fn center_unit(&self, cell: usize) -> UnitVector {
        circumcenter(self.lattice_points(cell).map(|(face, [i, j])| self.inside(face, i, j)))
    }

    /// Puts the centers of `cells` in degrees into `lons` and `lats`.
    pub(crate) fn put_centers(&self, cells: Range<usize>, lons: &mut [f64], lats: &mut [f64]) {
        let mut units = Vec::with_capacity(TOGETHER.min(cells.len()));
        let places = lons.chunks_mut(TOGETHER).zip(lats.chunks_mut(TOGETHER));
        for (first, (lons, lats)) in cells.step_by(TOGETHER).zip(places) {
            units.clear();
            self.each_center(first..first + lons.len(), |unit| units.push(unit));
            angles::put_lon_lats_deg(&units, lons, lats);
        }
    }

    /// Calls `each` with the centers of `cells`, each corner of a row computed once.
    pub(crate) fn each_center(&self, cells: Range<usize>, mut each: impl FnMut(UnitVector)) {
        let n = self.n;
        let mut cell = cells.start;
        while cell < cells.end {
            let (face, j, first) = self.row(cell);
            let last = (2 * (n - j) - 1).min(first + cells.end - cell);
            cell += last - first;
            // The points west of the next triangle, on the line below and above the row.
            let mut below = self.inside(face, first / 2 + first % 2, j);
            let mut above = self.inside(face, first / 2, j + 1);
            for place in first..last {
                if place % 2 == 0 {
                    let next = self.inside(face, place / 2 + 1, j);
                    each(circumcenter([below, next, above]));
                    below = next;
                } else {
                    let next = self.inside(face, place / 2 + 1, j + 1);
                    each(circumcenter([below, next, above]));
                    above = next;
                }
            }
        }
    }

    /// Face, row and place in the row of a cell.
    fn row(&self, cell: usize) -> (usize, usize, usize) {
        let n = self.n;
        let (face, k) = (cell / (n * n), cell % (n * n));
        // Rows have 2(n - j) - 1 triangles, so that (n - j)² are left from row j on.
        let left = n * n - k;
        let mut side = (left as f64).sqrt() as usize;
        while side * side < left {
            side += 1;
        }
        while side > 1 && (side - 1) * (side - 1) >= left {
            side -= 1;
        }
        (face, n - side, side * side - left)
    }

    /// Face and lattice points of a cell's corners.
    fn lattice_points(&self, cell: usize) -> [(usize, [usize; 2]); 3] {
        let (face, j, place) = self.row(cell);
        let i = place / 2;
        let corners = if place % 2 == 0 { [[i, j], [i + 1, j], [i, j + 1]] } else { [[i + 1, j], [i + 1, j + 1], [i, j + 1]] };
        corners.map(|corner| (face, corner))
    }

    pub(crate) fn corner_numbers(&self, cell: usize) -> [u32; 3] {
        self.lattice_points(cell).map(|(face, [i, j])| self.number(face, i, j) as u32)
    }

    /// Number of the point (i, j) of a face; points on edges have one number.
    fn number(&self, face: usize, i: usize, j: usize) -> usize {
        let n = self.n;
        let Face { tops: [a, b, c], edges } = self.solid.faces[face];
        // Point k of n along an edge.
        let along = |(edge, is_ascending): (usize, bool), k: usize, from: usize, to: usize| match k {
            0 => from,
            k if k == n => to,
            k => 12 + edge * (n - 1) + if is_ascending { k - 1 } else { n - k - 1 },
        };
        if j == 0 {
            along(edges[0], i, a, b)
        } else if i == 0 {
            along(edges[1], j, a, c)
        } else if i + j == n {
            along(edges[2], j, b, c)
        } else {
            self.first_inside(face) + (j - 1) * (n - 1) - j * (j - 1) / 2 + i - 1
        }
    }

    /// Number of the first point within a face.
    fn first_inside(&self, face: usize) -> usize {
        let n = self.n;
        12 + 30 * (n - 1) + face * ((n - 1) * n.saturating_sub(2) / 2)
    }

    /// The point (i, j) of a face, with the bits that all faces find for it.
    fn inside(&self, face: usize, i: usize, j: usize) -> UnitVector {
        let n = self.n;
        let Face { tops, edges } = self.solid.faces[face];
        let on_edge = |(edge, is_ascending): (usize, bool), k: usize| self.on_edge(edge, if is_ascending { k } else { n - k });
        if j == 0 {
            on_edge(edges[0], i)
        } else if i == 0 {
            on_edge(edges[1], j)
        } else if i + j == n {
            on_edge(edges[2], j)
        } else {
            mix(tops.map(|top| self.solid.tops[top]), [n - i - j, i, j])
        }
    }

    /// Point `k` of n from the lower end of an edge.
    fn on_edge(&self, edge: usize, k: usize) -> UnitVector {
        let [a, b] = self.solid.edges[edge].map(|top| self.solid.tops[top]);
        match k {
            0 => a,
            k if k == self.n => b,
            k => mix([a, b, [0.0; 3]], [self.n - k, k, 0]),
        }
    }

    /// A point by its number.
    pub(crate) fn corner(&self, number: usize) -> UnitVector {
        let n = self.n;
        let Some(number) = number.checked_sub(12) else { return self.solid.tops[number] };
        let Some(number) = number.checked_sub(30 * (n - 1)) else { return self.on_edge(number / (n - 1), number % (n - 1) + 1) };
        let per_face = (n - 1) * (n - 2) / 2;
        let (face, k) = (number / per_face, number % per_face);
        // Row j has n - 1 - j points, so that (n - j)(n - j - 1) / 2 are left from row j on.
        let left = per_face - k;
        let mut rest = ((2 * left) as f64).sqrt() as usize;
        while rest * (rest + 1) / 2 < left {
            rest += 1;
        }
        while rest > 1 && rest * (rest - 1) / 2 >= left {
            rest -= 1;
        }
        let (j, place) = (n - 1 - rest, rest * (rest + 1) / 2 - left);
        self.inside(face, place + 1, j)
    }
}

/// The sum of three vertices by weights, moved out to the sphere.
fn mix([a, b, c]: [UnitVector; 3], weights: [usize; 3]) -> UnitVector {
    let p = add(add(scale(a, weights[0] as f64), scale(b, weights[1] as f64)), scale(c, weights[2] as f64));
    normalize(p).expect("a positive mix of three vertices of one face is not the zero vector")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triangles_and_dual_have_their_counts_and_cover_the_sphere() {
        for n in [1, 2, 3, 7, 16] {
            let triangles = Grid::icosahedral_triangles(n).unwrap();
            assert_eq!(triangles.len(), 20 * n * n);
            let polygons = triangles.polygons().expect("cells have corners");
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
