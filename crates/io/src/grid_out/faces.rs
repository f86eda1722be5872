//! A grid's cells as faces between shared nodes.

use knarr_grid::{Grid, LonLat, Polygons};
use knarr_kernels::sphere::UnitVector;
use std::borrow::Cow;

/// Nodes, and the nodes around each cell counter-clockwise; dropped cells have none.
pub(super) struct Faces {
    pub nodes: Vec<LonLat>,
    pub faces: Vec<Vec<u32>>,
    /// Largest number of nodes of a face, at least 3.
    pub width: usize,
}

pub(super) fn faces(grid: &Grid) -> Faces {
    let polygons = grid.polygons().unwrap_or_else(|| {
        let cells: Vec<Vec<UnitVector>> = (0..grid.len()).map(|cell| grid.corners(cell)).collect();
        Cow::Owned(Polygons::from_cells(cells.iter().map(Vec::as_slice)))
    });
    let faces: Vec<Vec<u32>> = (0..grid.len())
        .map(|cell| {
            let corners = polygons.cell(cell);
            let mut face: Vec<u32> = Vec::with_capacity(corners.len());
            for (k, &node) in corners.iter().enumerate() {
                let previous = if k == 0 { corners[corners.len() - 1] } else { corners[k - 1] };
                // Both ends of an edge at a pole are one node.
                if node != previous {
                    face.push(node);
                }
            }
            face
        })
        .collect();
    let width = faces.iter().map(Vec::len).max().unwrap_or(0).max(3);
    Faces { nodes: polygons.vertices.iter().map(|&p| LonLat::from_unit(p)).collect(), faces, width }
}

impl Faces {
    /// The table of nodes, counted from `base`, padded by -1.
    pub fn table(&self, base: i32) -> Vec<i32> {
        let mut table = Vec::with_capacity(self.width * self.faces.len());
        for face in &self.faces {
            table.extend(face.iter().map(|&n| n as i32 + base));
            table.extend(std::iter::repeat_n(-1, self.width - face.len()));
        }
        table
    }
}
