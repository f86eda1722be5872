//! Faces of a mesh, by the numbers of their nodes.

use crate::{GridError, Offsets};

/// Which nodes, from 0, are the corners of each face, in turn and in either orientation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faces {
    /// Of all faces, one after another.
    nodes: Vec<u32>,
    /// Where those of each face end.
    ends: Vec<u32>,
}

impl Faces {
    /// None yet, with room for so many that have so many nodes together.
    pub fn with_room(faces: usize, nodes: usize) -> Self {
        Self { nodes: Vec::with_capacity(nodes), ends: Vec::with_capacity(faces) }
    }

    /// One more.
    pub fn push(&mut self, nodes: impl IntoIterator<Item = u32>) {
        self.nodes.extend(nodes);
        self.ends.push(self.nodes.len() as u32);
    }

    /// Number of faces.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The nodes of a face.
    #[inline]
    pub fn nodes_of(&self, face: usize) -> &[u32] {
        let start = if face == 0 { 0 } else { self.ends[face - 1] };
        &self.nodes[start as usize..self.ends[face] as usize]
    }

    /// The nodes of face after face.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.len()).map(|face| self.nodes_of(face))
    }

    /// Whether all nodes are among the first `count`.
    pub(crate) fn check(&self, count: usize) -> Result<(), GridError> {
        match self.nodes.iter().find(|&&node| node as usize >= count) {
            Some(&node) => {
                Err(GridError::WrongLength { what: "list of nodes".into(), found: count, expected: node as usize + 1 })
            }
            None => Ok(()),
        }
    }

    /// All nodes, and where those of each face are.
    pub(crate) fn into_parts(self) -> (Vec<u32>, Offsets) {
        (self.nodes, Offsets::of_ends(self.ends))
    }
}

impl<F: AsRef<[u32]>> FromIterator<F> for Faces {
    fn from_iter<I: IntoIterator<Item = F>>(faces: I) -> Self {
        let mut all = Self::default();
        faces.into_iter().for_each(|face| all.push(face.as_ref().iter().copied()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CornerLists, Grid, LonLat};

    /// Nodes of a grid, behind two of no face, and its cells as faces.
    fn mesh(name: &str) -> (Vec<LonLat>, Faces) {
        let grid = Grid::from_spec(name).expect("a valid name");
        let polygons = grid.polygons().expect("polygons");
        let nowhere = LonLat { lon_deg: 11.0, lat_deg: 12.0 };
        let nodes = [nowhere; 2].into_iter().chain(polygons.vertices.iter().map(|&v| LonLat::from_unit(v))).collect();
        let faces = (0..polygons.len()).map(|cell| polygons.cell(cell).iter().map(|v| v + 2).collect::<Vec<u32>>()).collect();
        (nodes, faces)
    }

    fn listed(nodes: &[LonLat], faces: &Faces) -> CornerLists {
        let corners = faces.iter().flatten().map(|&node| nodes[node as usize]).collect();
        let ends = faces.iter().scan(0, |end, face| {
            *end += face.len() as u32;
            Some(*end)
        });
        CornerLists { corners, offsets: Offsets::PerCell(std::iter::once(0).chain(ends).collect()) }
    }

    #[test]
    fn faces_are_the_cells_that_lists_of_their_corners_are() {
        for name in ["ICO5", "CS6", "H4"] {
            let (mut nodes, mut faces) = mesh(name);
            for step in 0..4 {
                match step {
                    1 => faces = faces.iter().map(|face| face.iter().rev().copied().collect::<Vec<_>>()).collect(),
                    2 => faces.push([2, 2, 3]),
                    3 => nodes[17].lat_deg = f64::NAN,
                    _ => {}
                }
                let by_lists = Grid::mesh(None, listed(&nodes, &faces)).expect("lists fit");
                let by_faces = Grid::mesh_of_faces(None, &nodes, faces.clone()).expect("nodes are there");
                // In words: centers may be no numbers.
                assert_eq!(format!("{:?}", by_faces.report), format!("{:?}", by_lists.report));
                assert_eq!((&by_faces.mask, by_faces.len()), (&by_lists.mask, faces.len()));
                for cell in 0..faces.len() {
                    assert_eq!(by_faces.corners(cell), by_lists.corners(cell), "{name} {step} {cell}");
                    assert_eq!(by_faces.center(cell), by_lists.center(cell), "{name} {step} {cell}");
                }
                let vertices = |grid: &Grid| grid.polygons().expect("polygons").vertices.len();
                assert_eq!(vertices(&by_faces), vertices(&by_lists), "nodes of no face are left out");
            }
        }
    }

    #[test]
    fn meshes_whose_nodes_are_all_used_keep_their_order() {
        let (nodes, faces) = mesh("ICO4");
        let faces: Faces = faces.iter().map(|face| face.iter().map(|v| v - 2).rev().collect::<Vec<_>>()).collect();
        let grid = Grid::mesh_of_faces(None, &nodes[2..], faces).expect("nodes are there");
        let polygons = grid.polygons().expect("polygons");
        assert_eq!(polygons.offsets, Offsets::Uniform(3));
        assert!(polygons.vertices.iter().zip(&nodes[2..]).all(|(v, node)| *v == node.unit()));
    }

    #[test]
    fn a_face_with_an_unknown_node_is_refused() {
        let (nodes, mut faces) = mesh("ICO1");
        faces.push([1, 2, nodes.len() as u32]);
        let expected = nodes.len() + 1;
        let refused = Grid::mesh_of_faces(None, &nodes, faces);
        assert!(matches!(refused, Err(GridError::WrongLength { expected: e, .. }) if e == expected));
    }
}
