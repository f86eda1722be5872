//! Cells around the nodes of a mesh.

use crate::{
    Action, BadCell, Blemish, CornerSource, Faces, Family, Grid, GridError, Layout, LonLat, Mask, Offsets, Polygons, Report,
};
use knarr_kernels::cell_area::polygon_area;
use knarr_kernels::sphere::{UnitVector, add, cross, dot, normalize, sub};

impl Grid {
    /// Median dual of a mesh: one cell per node, shape `[node]`, for values kept at nodes (FESOM, UGRID).
    ///
    /// The corners of a cell are in turn the mid-point of an edge at the node and the centroid of a face; at
    /// the rim of the mesh the node itself is a corner. A face is so shared by its nodes, and the cells have
    /// the area of the mesh together. Missing nodes (not a number) and what touches them take no part. Concave cells are kept and reported.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if a face names a node that is not there.
    pub fn mesh_dual(nodes: &[LonLat], faces: &Faces) -> Result<Grid, GridError> {
        faces.check(nodes.len())?;
        let known = |p: &LonLat| p.lon_deg.is_finite() && p.lat_deg.abs() <= 90.0 + 1e-4;
        let positions: Vec<Option<UnitVector>> = nodes.iter().map(|p| known(p).then(|| p.unit())).collect();
        let mut report = Report::new("cells around the nodes of a mesh (median dual)", CornerSource::Formula);
        let (faces, unusable) = oriented(&positions, faces);
        if unusable > 0 {
            report.notes.push(format!("{unusable} faces have missing nodes or no area and take no part"));
        }
        let place = |node: u32| positions[node as usize].expect("faces with missing nodes were left out above");

        // Corners: the nodes, the edge mid-points, the face centroids.
        let mut edges: Vec<[u32; 2]> =
            faces.iter().flat_map(|f| (0..f.len()).map(move |k| sorted_pair(f[k], f[(k + 1) % f.len()]))).collect();
        edges.sort_unstable();
        edges.dedup();
        let mut vertices: Vec<UnitVector> = positions.iter().map(|p| p.unwrap_or([0.0, 0.0, 1.0])).collect();
        vertices.extend(edges.iter().map(|&[a, b]| middle(place(a), place(b))));
        vertices.extend(faces.iter().map(|f| {
            let sum = f.iter().fold([0.0; 3], |sum, &node| add(sum, place(node)));
            normalize(sum).unwrap_or_else(|| place(f[0]))
        }));
        let edge_corner = |a: u32, b: u32| {
            let edge = edges.binary_search(&sorted_pair(a, b)).expect("every edge of a face was entered above");
            (nodes.len() + edge) as u32
        };
        let face_corner = |face: u32| (nodes.len() + edges.len()) as u32 + face;

        let fans = Fans::new(nodes.len(), faces.len(), |face| faces.nodes_of(face));
        let mut corners = Vec::with_capacity(8 * nodes.len());
        let mut offsets = vec![0u32];
        let mut active = vec![true; nodes.len()];
        let mut cell = Vec::new();
        for node in 0..nodes.len() {
            let from = corners.len();
            for chain in fans.chains(node) {
                for sector in &chain {
                    corners.extend([edge_corner(node as u32, sector.next), face_corner(sector.face)]);
                }
                let last = chain[chain.len() - 1];
                if last.previous != chain[0].next {
                    corners.extend([edge_corner(node as u32, last.previous), node as u32]);
                }
            }
            offsets.push(corners.len() as u32);
            cell.clear();
            cell.extend(corners[from..].iter().map(|&v| vertices[v as usize]));
            let found = if positions[node].is_none() {
                Some((Blemish::MissingCoordinate, Action::Dropped))
            } else if cell.is_empty() {
                Some((Blemish::Degenerate, Action::Dropped))
            } else if crate::polygon::is_concave(&cell) {
                Some((Blemish::Concave, Action::Kept))
            } else {
                None
            };
            if let Some((blemish, action)) = found {
                active[node] = action != Action::Dropped;
                report.bad_cells.push(BadCell { cell: node, center: nodes[node], blemish, action });
            }
        }
        let centers = nodes.iter().map(|p| if known(p) { *p } else { LonLat { lon_deg: 0.0, lat_deg: 0.0 } }).collect();
        Ok(Grid {
            family: Family::Mesh,
            shape: vec![nodes.len()],
            layout: Layout::Polygons { centers, polygons: Polygons { vertices, offsets: Offsets::PerCell(offsets), corners } },
            mask: Mask::from_active(active),
            report,
        })
    }
}

fn sorted_pair(a: u32, b: u32) -> [u32; 2] {
    [a.min(b), a.max(b)]
}

fn middle(a: UnitVector, b: UnitVector) -> UnitVector {
    normalize(add(a, b)).unwrap_or(a)
}

/// Center of the circle through three points, on their side of the sphere.
pub(crate) fn circumcenter([a, b, c]: [UnitVector; 3]) -> UnitVector {
    let axis = normalize(cross(sub(b, a), sub(c, a))).unwrap_or(a);
    if dot(axis, a) < 0.0 { axis.map(|v| -v) } else { axis }
}

/// The usable faces turned counter-clockwise, and the number of the others.
fn oriented(positions: &[Option<UnitVector>], faces: &Faces) -> (Faces, usize) {
    let mut kept = Faces::with_room(faces.len(), faces.iter().map(<[u32]>::len).sum());
    let (mut unusable, mut face) = (0, Vec::new());
    for nodes in faces.iter() {
        face.clear();
        face.extend_from_slice(nodes);
        face.dedup();
        while face.len() > 1 && face[0] == face[face.len() - 1] {
            face.pop();
        }
        let corners: Option<Vec<UnitVector>> = face.iter().map(|&node| positions[node as usize]).collect();
        let area = corners.map_or(0.0, |corners| polygon_area(&corners));
        if area < 0.0 {
            face.reverse();
        }
        if area == 0.0 { unusable += 1 } else { kept.push(face.iter().copied()) }
    }
    (kept, unusable)
}

/// One face seen from one of its nodes: counter-clockwise round the node come the edge to `next`, the face,
/// and the edge to `previous`.
#[derive(Clone, Copy)]
pub(crate) struct Sector {
    pub face: u32,
    pub next: u32,
    pub previous: u32,
}

/// The faces around each node.
pub(crate) struct Fans {
    starts: Vec<usize>,
    sectors: Vec<Sector>,
}

impl Fans {
    /// Collects the sectors of `faces` counter-clockwise faces.
    pub fn new<'a, F: AsRef<[u32]> + 'a + ?Sized>(nodes: usize, faces: usize, face: impl Fn(usize) -> &'a F) -> Self {
        let mut starts = vec![0usize; nodes + 1];
        for f in 0..faces {
            face(f).as_ref().iter().for_each(|&node| starts[node as usize + 1] += 1);
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut filled = starts.clone();
        let mut sectors = vec![Sector { face: 0, next: 0, previous: 0 }; starts[nodes]];
        for f in 0..faces {
            let corners = face(f).as_ref();
            let n = corners.len();
            for k in 0..n {
                let slot = &mut filled[corners[k] as usize];
                sectors[*slot] = Sector { face: f as u32, next: corners[(k + 1) % n], previous: corners[(k + n - 1) % n] };
                *slot += 1;
            }
        }
        Self { starts, sectors }
    }

    /// The faces around `node` in counter-clockwise runs: one closed run inside the mesh, open ones at its rim.
    pub fn chains(&self, node: usize) -> Vec<Vec<Sector>> {
        let mut left: Vec<Sector> = self.sectors[self.starts[node]..self.starts[node + 1]].to_vec();
        let mut chains = Vec::with_capacity(1);
        while !left.is_empty() {
            // An open run starts at the sector no other one leads to.
            let start = left.iter().position(|s| left.iter().all(|other| other.previous != s.next)).unwrap_or(0);
            let mut chain = vec![left.remove(start)];
            while let Some(k) = left.iter().position(|s| s.next == chain[chain.len() - 1].previous) {
                chain.push(left.remove(k));
            }
            chains.push(chain);
        }
        chains
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes and triangles of a sphere, some of them turned clockwise.
    fn sphere(n: usize) -> (Vec<LonLat>, Vec<Vec<u32>>) {
        let grid = Grid::icosahedral_triangles(n).unwrap();
        let polygons = grid.polygons().expect("cells have corners");
        let nodes = polygons.vertices.iter().map(|&v| LonLat::from_unit(v)).collect();
        let faces = (0..polygons.len())
            .map(|f| {
                let mut face = polygons.cell(f).to_vec();
                if f % 3 == 0 {
                    face.reverse();
                }
                face
            })
            .collect();
        (nodes, faces)
    }

    fn area_of(nodes: &[LonLat], faces: &[Vec<u32>]) -> f64 {
        faces.iter().map(|f| polygon_area(&f.iter().map(|&v| nodes[v as usize].unit()).collect::<Vec<_>>()).abs()).sum()
    }

    #[test]
    fn cells_around_nodes_have_the_area_of_the_mesh() {
        let (nodes, faces) = sphere(6);
        let dual = Grid::mesh_dual(&nodes, &faces.iter().collect()).unwrap();
        assert_eq!(dual.len(), nodes.len());
        assert!((dual.covered_fraction() - 1.0).abs() < 1e-14);

        // A piece of it: the caps of 8 faces, with a rim, and nodes that belong to no face.
        let piece = faces[100..180].to_vec();
        let dual = Grid::mesh_dual(&nodes, &piece.iter().collect()).unwrap();
        let area: f64 = (0..dual.len()).map(|cell| dual.area(cell)).sum();
        let expected = area_of(&nodes, &piece);
        assert!((area / expected - 1.0).abs() < 1e-14, "{}", area / expected - 1.0);
        let unused = dual.report.bad_cells.iter().filter(|b| b.action == Action::Dropped).count();
        assert!(unused > 0 && dual.active_count() == nodes.len() - unused);
    }

    #[test]
    fn a_third_of_each_triangle_goes_to_each_node() {
        // Small equal triangles: thirds are exact in the plane, and to side² on the sphere.
        let (nodes, faces) = sphere(40);
        let dual = Grid::mesh_dual(&nodes, &faces.iter().collect()).unwrap();
        let mut thirds = vec![0.0; nodes.len()];
        for f in &faces {
            let area = area_of(&nodes, std::slice::from_ref(f));
            f.iter().for_each(|&v| thirds[v as usize] += area / 3.0);
        }
        let side2 = 4.0 * std::f64::consts::PI / faces.len() as f64;
        for (node, third) in thirds.iter().enumerate() {
            assert!((dual.area(node) / third - 1.0).abs() < side2, "{node}: {}", dual.area(node) / third - 1.0);
        }
    }

    #[test]
    fn concave_cells_are_kept_and_told() {
        // A reflex rim: the node at the tip of three triangles that open by 300 degrees.
        let nodes: Vec<LonLat> = [(0.0, 0.0), (1.0, 0.1), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]
            .map(|(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg })
            .to_vec();
        let faces = vec![vec![0, 1, 2], vec![0, 2, 3], vec![0, 3, 4]];
        let dual = Grid::mesh_dual(&nodes, &faces.iter().collect()).unwrap();
        assert!(dual.report.bad_cells.contains(&BadCell {
            cell: 0,
            center: nodes[0],
            blemish: Blemish::Concave,
            action: Action::Kept
        }));
        assert_eq!(dual.active_count(), 5);
        assert!((dual.covered_fraction() * 4.0 * std::f64::consts::PI / area_of(&nodes, &faces) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn a_face_with_an_unknown_node_is_refused() {
        let (nodes, mut faces) = sphere(1);
        faces[3][1] = 12;
        assert!(matches!(
            Grid::mesh_dual(&nodes, &faces.iter().collect()),
            Err(GridError::WrongLength { found: 12, expected: 13, .. })
        ));
    }

    #[test]
    fn missing_nodes_do_not_stop_the_rest() {
        let (mut nodes, faces) = sphere(3);
        nodes[20].lon_deg = f64::NAN;
        let dual = Grid::mesh_dual(&nodes, &faces.iter().collect()).unwrap();
        assert!(dual.report.bad_cells.iter().any(|b| b.cell == 20 && b.blemish == Blemish::MissingCoordinate));
        assert!(dual.corners(20).is_empty() && dual.area(19) > 0.0);
        assert!(dual.covered_fraction() > 0.8 && dual.covered_fraction() < 1.0);
    }
}
