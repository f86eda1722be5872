//! Which of many small convex polygons contain a point.

use super::bvh::{self, Box3, Bvh};
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
    /// The square of what polygons measure from side to side, in the mean.
    mean_width2: f64,
}

/// Points this many widths of a polygon apart are not looked for together.
const TOGETHER: f64 = 16.0;

/// Buffers of a query, and what it found.
#[derive(Default)]
pub(crate) struct Found {
    /// Polygons near a run of points, if they are close together.
    near: Option<bvh::Found>,
    /// Kept for the next run.
    spare: bvh::Found,
    /// Polygons whose box holds the point, ascending.
    candidates: Vec<u32>,
    /// Corners of the polygon in the tangent plane of the point.
    pub plane: Vec<PlanePoint>,
}

#[cfg(test)]
impl Found {
    /// Whether there is a run of points whose surroundings are at hand.
    pub fn is_gathered(&self) -> bool {
        self.near.is_some()
    }
}

impl Locator {
    /// `corners[starts[k]..starts[k + 1]]` are the nodes of polygon `k`.
    pub fn new(nodes: Vec<UnitVector>, starts: Vec<usize>, corners: Vec<u32>) -> Self {
        let boxes = boxes(&nodes, &starts, &corners);
        let width2 = |b: &Box3| if *b == Box3::EMPTY { 0.0 } else { width2(b) };
        // In parts, so that the sum does not depend on the number of threads.
        let widths: Vec<f64> = boxes.par_chunks(1 << 14).map(|boxes| boxes.iter().map(width2).sum()).collect();
        let mean_width2 = widths.iter().sum::<f64>() / boxes.len().max(1) as f64;
        Self { nodes, starts, corners, tree: Bvh::new(&boxes), mean_width2 }
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

    /// Gathers what is near a run of points that [`Self::containing`] is then asked for, where that saves work.
    pub fn gather(&self, points: &[UnitVector], found: &mut Found) {
        if let Some(near) = found.near.take() {
            found.spare = near;
        }
        let around = Box3::around(points.iter().copied(), 0.0);
        if width2(&around) <= TOGETHER * TOGETHER * self.mean_width2 {
            let mut near = std::mem::take(&mut found.spare);
            self.tree.gather(&around, &mut near);
            found.near = Some(near);
        }
    }

    /// Calls `accept` with the polygons that contain `p`, lowest number first, until it returns true;
    /// `found.plane` then has the corners as seen from `p`, one of the points gathered for, if [`Self::gather`] was called.
    pub fn containing(&self, p: UnitVector, found: &mut Found, mut accept: impl FnMut(&[u32], &[PlanePoint]) -> bool) {
        found.candidates.clear();
        let at = Box3::around([p], 0.0);
        match &found.near {
            Some(near) => near.meeting(&at, &mut found.candidates),
            None => self.tree.meeting(&at, &mut found.candidates),
        }
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

/// The square of what a box measures from corner to corner.
fn width2(b: &Box3) -> f64 {
    (0..3).map(|c| f64::from(b.max[c] - b.min[c]).powi(2)).sum()
}

fn boxes(nodes: &[UnitVector], starts: &[usize], corners: &[u32]) -> Vec<Box3> {
    let around = |w: &[usize]| Box3::around_corners(corners[w[0]..w[1]].iter().map(|&c| nodes[c as usize]));
    starts.par_windows(2).map(around).collect()
}
