//! Which of many small convex polygons contain a point.

use super::bvh::{Box3, Bvh};
use knarr_kernels::bilinear::{LEAST_COSINE, contains_origin};
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};
use rayon::prelude::*;

/// Convex polygons with great-circle edges, counter-clockwise, ready for queries.
pub(crate) struct Locator {
    nodes: Vec<UnitVector>,
    starts: Vec<usize>,
    corners: Vec<u32>,
    tree: Bvh,
}

/// Buffers of a query, and what it found.
#[derive(Default)]
pub(crate) struct Found {
    /// Polygons whose box holds the point, ascending.
    candidates: Vec<u32>,
    /// Corners of the polygon in the tangent plane of the point.
    pub plane: Vec<PlanePoint>,
}

impl Locator {
    /// `corners[starts[k]..starts[k + 1]]` are the nodes of polygon `k`.
    pub fn new(nodes: Vec<UnitVector>, starts: Vec<usize>, corners: Vec<u32>) -> Self {
        let boxes = boxes(&nodes, &starts, &corners);
        Self { nodes, starts, corners, tree: Bvh::new(&boxes) }
    }

    /// Starts of the corners of each polygon, the corners, and the nodes.
    #[cfg(feature = "gpu")]
    pub fn parts(&self) -> (&[usize], &[u32], &[UnitVector]) {
        (&self.starts, &self.corners, &self.nodes)
    }

    /// Boxes around the polygons.
    #[cfg(feature = "gpu")]
    pub fn bounds(&self) -> Vec<[[f32; 3]; 2]> {
        boxes(&self.nodes, &self.starts, &self.corners).into_iter().map(|b| [b.min, b.max]).collect()
    }

    /// Number of polygons.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Nodes of a polygon.
    pub fn polygon(&self, k: u32) -> &[u32] {
        &self.corners[self.starts[k as usize]..self.starts[k as usize + 1]]
    }

    /// Calls `accept` with the polygons that contain `p`, lowest number first, until it returns true;
    /// `found.plane` then has the corners as seen from `p`.
    pub fn containing(&self, p: UnitVector, found: &mut Found, mut accept: impl FnMut(&[u32], &[PlanePoint]) -> bool) {
        found.candidates.clear();
        self.tree.meeting(&Box3::around([p], 0.0), &mut found.candidates);
        found.candidates.sort_unstable();
        let plane = TangentPlane::new(p, LEAST_COSINE);
        for &k in &found.candidates {
            let polygon = self.polygon(k);
            found.plane.clear();
            found.plane.extend(polygon.iter().map_while(|&c| plane.project(self.nodes[c as usize])));
            let contains = found.plane.len() == polygon.len() && contains_origin(&found.plane);
            if contains && accept(polygon, &found.plane) {
                return;
            }
        }
    }
}

fn boxes(nodes: &[UnitVector], starts: &[usize], corners: &[u32]) -> Vec<Box3> {
    let around = |w: &[usize]| {
        let polygon: Vec<UnitVector> = corners[w[0]..w[1]].iter().map(|&c| nodes[c as usize]).collect();
        Box3::around_polygon(&polygon)
    };
    starts.par_windows(2).map(around).collect()
}
