//! Overlaps of one convex cell with many polygons: what [`ConvexCell::overlap`] does, several polygons at a time.
//!
//! Lanes are polygons. All corners of eight polygons are projected into the cell's tangent plane and held against
//! its edges side by side; that settles what lies wholly inside or outside. The rest is clipped one by one,
//! and the triangles of what is left are measured together again.

#[cfg(test)]
mod tests;
mod triangles;

use crate::overlap::{ConvexCell, ON_LINE, Scratch};
use crate::sphere::UnitVector;
use crate::tangent_plane::{PlanePoint, TangentPlane};
use triangles::Triangles;

/// Polygons looked at together.
const LANES: usize = 8;
/// Most corners of a polygon in a lane; those with more are clipped on their own.
const MAX_CORNERS: usize = 8;
/// Most edges of the cell.
const MAX_EDGES: usize = 12;
/// Most corners of a clipped polygon: each edge of the cell adds one to a convex polygon.
const MAX_CLIPPED: usize = 32;

type Lanes = [f64; LANES];

/// Where the corners of each polygon start in a list.
#[derive(Clone, Copy, Debug)]
pub enum CornerStarts<'a> {
    /// Every polygon has this many corners.
    Uniform(usize),
    /// Polygon `i` has the corners `starts[i]..starts[i + 1]`.
    PerPolygon(&'a [u32]),
}

/// Polygons of unit vectors with shared corners, counter-clockwise; a corner may be repeated.
#[derive(Clone, Copy, Debug)]
pub struct PolygonList<'a> {
    /// Distinct corners.
    pub vertices: &'a [UnitVector],
    /// Indices into `vertices`.
    pub corners: &'a [u32],
    /// Where each polygon's corners start in `corners`.
    pub starts: CornerStarts<'a>,
}

impl PolygonList<'_> {
    #[inline(always)]
    fn corners_of(&self, polygon: u32) -> &[u32] {
        let i = polygon as usize;
        match self.starts {
            CornerStarts::Uniform(n) => &self.corners[i * n..(i + 1) * n],
            CornerStarts::PerPolygon(starts) => &self.corners[starts[i] as usize..starts[i + 1] as usize],
        }
    }
}

/// Overlaps of convex cells with many polygons each; one per thread, for its buffers.
pub struct OverlapBatch {
    /// Edges of the cell: start, direction, and distance tolerance times length.
    edges: [([f64; 2], [f64; 2], f64); MAX_EDGES],
    /// Corners in the plane, by corner and lane.
    x: [Lanes; MAX_CORNERS],
    y: [Lanes; MAX_CORNERS],
    /// Least side of the corners of a lane, by edge.
    least: [Lanes; MAX_EDGES],
    /// A polygon before and after an edge, and on which side of the edge its corners are.
    subject: Box<[PlanePoint; MAX_CLIPPED]>,
    clipped: Box<[PlanePoint; MAX_CLIPPED]>,
    sides: [f64; MAX_CLIPPED],
    triangles: Triangles,
    slow: Scratch,
}

impl Default for OverlapBatch {
    fn default() -> Self {
        Self {
            edges: [([0.0; 2], [0.0; 2], 0.0); MAX_EDGES],
            x: [[0.0; LANES]; MAX_CORNERS],
            y: [[0.0; LANES]; MAX_CORNERS],
            least: [[0.0; LANES]; MAX_EDGES],
            subject: Box::new([[0.0; 2]; MAX_CLIPPED]),
            clipped: Box::new([[0.0; 2]; MAX_CLIPPED]),
            sides: [0.0; MAX_CLIPPED],
            triangles: Triangles::default(),
            slow: Scratch::default(),
        }
    }
}

impl OverlapBatch {
    /// Appends the number and the area of overlap (sr) of each of `candidates` that overlaps the convex `cell`.
    ///
    /// `cell` is counter-clockwise and smaller than a hemisphere; `areas` are those of all polygons of the list, in
    /// steradians. Polygons may be concave. Areas are those of [`ConvexCell::overlap`] to rounding, and the same
    /// bits on every processor.
    pub fn overlaps(
        &mut self,
        cell: &[UnitVector],
        polygons: &PolygonList,
        areas: &[f64],
        candidates: &[u32],
        found: &mut Vec<(u32, f64)>,
    ) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512vl") {
            #[allow(unsafe_code, reason = "a function for AVX-512 has no other way to be called")]
            // SAFETY: the processor has AVX-512 F and VL, as just asked.
            return unsafe { self.overlaps_avx512(cell, polygons, areas, candidates, found) };
        }
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
            // SAFETY: the processor has AVX2, as just asked.
            return unsafe { self.overlaps_avx2(cell, polygons, areas, candidates, found) };
        }
        self.overlaps_here(cell, polygons, areas, candidates, found);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn overlaps_avx512(
        &mut self,
        cell: &[UnitVector],
        polygons: &PolygonList,
        areas: &[f64],
        candidates: &[u32],
        found: &mut Vec<(u32, f64)>,
    ) {
        self.overlaps_here(cell, polygons, areas, candidates, found);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn overlaps_avx2(
        &mut self,
        cell: &[UnitVector],
        polygons: &PolygonList,
        areas: &[f64],
        candidates: &[u32],
        found: &mut Vec<(u32, f64)>,
    ) {
        self.overlaps_here(cell, polygons, areas, candidates, found);
    }

    #[inline(always)]
    fn overlaps_here(
        &mut self,
        cell: &[UnitVector],
        polygons: &PolygonList,
        areas: &[f64],
        candidates: &[u32],
        found: &mut Vec<(u32, f64)>,
    ) {
        let Some(plane) = self.set_cell(cell) else {
            return self.one_by_one(cell, polygons, areas, candidates, found);
        };
        for batch in candidates.chunks(LANES) {
            let Some(corner_count) = self.project(&plane, polygons, batch) else {
                self.one_by_one(cell, polygons, areas, batch, found);
                continue;
            };
            let (reaches_in, reaches_out) = self.hold_against_edges(cell.len(), corner_count);
            for (lane, &polygon) in batch.iter().enumerate() {
                if reaches_in[lane] <= 0.0 {
                    continue;
                }
                if reaches_out[lane] >= 0.0 {
                    found.push((polygon, areas[polygon as usize]));
                    continue;
                }
                match self.clip(lane, polygons.corners_of(polygon).len(), cell.len()) {
                    Some(0) => {}
                    Some(count) => self.triangles.push(polygon, &self.clipped[..count], found),
                    None => self.one_by_one(cell, polygons, areas, &[polygon], found),
                }
            }
        }
        self.triangles.flush(found);
    }

    /// The tangent plane of the cell, with its edges; `None` if the cell does not fit.
    #[inline(always)]
    fn set_cell(&mut self, cell: &[UnitVector]) -> Option<TangentPlane> {
        if cell.len() > MAX_EDGES {
            return None;
        }
        let plane = TangentPlane::of_cell(cell);
        let mut points = [[0.0; 2]; MAX_EDGES];
        for (point, &corner) in points.iter_mut().zip(cell) {
            *point = plane.project(corner)?;
        }
        for k in 0..cell.len() {
            let (a, b) = (points[k], points[if k + 1 == cell.len() { 0 } else { k + 1 }]);
            let d = [b[0] - a[0], b[1] - a[1]];
            self.edges[k] = (a, d, ON_LINE * (d[0] * d[0] + d[1] * d[1]).sqrt());
        }
        Some(plane)
    }

    /// Projects the corners of the polygons and gives their greatest number; `None` if they do not fit.
    #[inline(always)]
    fn project(&mut self, plane: &TangentPlane, polygons: &PolygonList, batch: &[u32]) -> Option<usize> {
        let mut corner_count = 3;
        for &polygon in batch {
            corner_count = corner_count.max(polygons.corners_of(polygon).len());
        }
        if corner_count > MAX_CORNERS {
            return None;
        }
        // Lanes to spare repeat the last polygon, corners to spare the last corner.
        let mut lanes: [&[u32]; LANES] = [&[]; LANES];
        for lane in 0..LANES {
            lanes[lane] = polygons.corners_of(batch[lane.min(batch.len() - 1)]);
            if lanes[lane].is_empty() {
                return None;
            }
        }
        let mut in_reach = true;
        for k in 0..corner_count {
            let mut xyz = [[0.0; LANES]; 3];
            for lane in 0..LANES {
                let corners = lanes[lane];
                let p = polygons.vertices[corners[k.min(corners.len() - 1)] as usize];
                for axis in 0..3 {
                    xyz[axis][lane] = p[axis];
                }
            }
            in_reach &= plane.project_lanes(&xyz, &mut self.x[k], &mut self.y[k]);
        }
        in_reach.then_some(corner_count)
    }

    /// Per lane: how far it reaches inside the edge it lies farthest outside of (0 or less: it is outside), and how far
    /// inside all edges its corners are (0 or more: it is inside).
    #[inline(always)]
    fn hold_against_edges(&mut self, edge_count: usize, corner_count: usize) -> (Lanes, Lanes) {
        let (mut reaches_in, mut reaches_out) = ([f64::INFINITY; LANES], [f64::INFINITY; LANES]);
        for e in 0..edge_count {
            let (a, d, tolerance) = self.edges[e];
            let (mut least, mut greatest) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
            for k in 0..corner_count {
                let (x, y) = (&self.x[k], &self.y[k]);
                for lane in 0..LANES {
                    let side = d[0] * (y[lane] - a[1]) - d[1] * (x[lane] - a[0]);
                    least[lane] = if side < least[lane] { side } else { least[lane] };
                    greatest[lane] = if side > greatest[lane] { side } else { greatest[lane] };
                }
            }
            for lane in 0..LANES {
                let (inward, outward) = (greatest[lane] - tolerance, least[lane] + tolerance);
                reaches_in[lane] = if inward < reaches_in[lane] { inward } else { reaches_in[lane] };
                reaches_out[lane] = if outward < reaches_out[lane] { outward } else { reaches_out[lane] };
            }
            self.least[e] = least;
        }
        (reaches_in, reaches_out)
    }

    /// Clips the polygon in a lane by the edges into `self.clipped`: its number of corners; `None` if there are too many.
    #[inline(always)]
    fn clip(&mut self, lane: usize, corner_count: usize, edge_count: usize) -> Option<usize> {
        let mut count = corner_count;
        for k in 0..count {
            self.clipped[k] = [self.x[k][lane], self.y[k][lane]];
        }
        for e in 0..edge_count {
            let (a, d, tolerance) = self.edges[e];
            if self.least[e][lane] >= -tolerance {
                continue;
            }
            std::mem::swap(&mut self.subject, &mut self.clipped);
            let (subject, clipped, sides) = (&*self.subject, &mut *self.clipped, &mut self.sides);
            let mut greatest = f64::NEG_INFINITY;
            for k in 0..count {
                let p = subject[k];
                let side = d[0] * (p[1] - a[1]) - d[1] * (p[0] - a[0]);
                sides[k] = side;
                greatest = if side > greatest { side } else { greatest };
            }
            if greatest <= tolerance {
                return Some(0);
            }
            let mut kept = 0;
            for k in 0..count {
                // Space for the two points that one corner can add.
                if kept + 2 > MAX_CLIPPED {
                    return None;
                }
                let next = if k + 1 == count { 0 } else { k + 1 };
                let (p, q, s, t) = (subject[k], subject[next], sides[k], sides[next]);
                clipped[kept] = p;
                kept += usize::from(s >= -tolerance);
                if (s > tolerance && t < -tolerance) || (s < -tolerance && t > tolerance) {
                    let f = s / (s - t);
                    clipped[kept] = [p[0] + f * (q[0] - p[0]), p[1] + f * (q[1] - p[1])];
                    kept += 1;
                }
            }
            count = kept;
            if count < 3 {
                return Some(0);
            }
        }
        Some(count)
    }

    /// For what does not fit into lanes.
    #[cold]
    #[inline(never)]
    fn one_by_one(
        &mut self,
        cell: &[UnitVector],
        polygons: &PolygonList,
        areas: &[f64],
        candidates: &[u32],
        found: &mut Vec<(u32, f64)>,
    ) {
        let target = ConvexCell::new(cell);
        let mut subject = Vec::with_capacity(MAX_CORNERS);
        for &polygon in candidates {
            subject.clear();
            subject.extend(polygons.corners_of(polygon).iter().map(|&v| polygons.vertices[v as usize]));
            subject.dedup();
            while subject.len() > 1 && subject.first() == subject.last() {
                subject.pop();
            }
            let area = target.overlap(&subject, areas[polygon as usize], &mut self.slow);
            if area != 0.0 {
                found.push((polygon, area));
            }
        }
    }
}
