//! Triangles of clipped polygons, measured together.

use super::{LANES, Lanes};
use crate::overlap::{small_triangle, triangle_tangent};
use crate::tangent_plane::PlanePoint;

/// Triangles measured together.
const TRIANGLES: usize = 256;

/// Triangles of clipped polygons, waiting to be measured together.
pub(super) struct Triangles {
    /// Coordinates of the three corners, by group of lanes, coordinate and lane.
    points: [[Lanes; 6]; TRIANGLES / LANES],
    areas: [Lanes; TRIANGLES / LANES],
    count: usize,
    /// Polygons and the numbers of their triangles.
    polygons: Vec<(u32, u32)>,
}

impl Default for Triangles {
    fn default() -> Self {
        Self {
            points: [[[0.0; LANES]; 6]; TRIANGLES / LANES],
            areas: [[0.0; LANES]; TRIANGLES / LANES],
            count: 0,
            polygons: Vec::new(),
        }
    }
}

impl Triangles {
    /// Takes the fan of a clipped polygon.
    #[inline(always)]
    pub(super) fn push(&mut self, polygon: u32, corners: &[PlanePoint], found: &mut Vec<(u32, f64)>) {
        let more = corners.len() - 2;
        if self.count + more > TRIANGLES {
            self.flush(found);
        }
        let a = corners[0];
        for k in 0..more {
            let (b, c) = (corners[k + 1], corners[k + 2]);
            let (group, lane) = ((self.count + k) / LANES, (self.count + k) % LANES);
            for (place, value) in self.points[group].iter_mut().zip([a[0], a[1], b[0], b[1], c[0], c[1]]) {
                place[lane] = value;
            }
        }
        self.count += more;
        self.polygons.push((polygon, more as u32));
    }

    /// Measures all and appends the sums of the polygons that have an area.
    #[inline(always)]
    pub(super) fn flush(&mut self, found: &mut Vec<(u32, f64)>) {
        let mut widest = [0.0f64; LANES];
        // Whole groups: what lies beyond the count is left from before and not used.
        for (points, areas) in self.points.iter().zip(&mut self.areas).take(self.count.div_ceil(LANES)) {
            let [ax, ay, bx, by, cx, cy] = points;
            for k in 0..LANES {
                let (cross, sum) = triangle_tangent([ax[k], ay[k]], [bx[k], by[k]], [cx[k], cy[k]]);
                let t = cross / sum;
                widest[k] = if t.abs() > widest[k] { t.abs() } else { widest[k] };
                areas[k] = small_triangle(t);
            }
        }
        if widest.iter().any(|&t| t >= 1e-3) {
            self.measure_large();
        }
        let mut areas = self.areas.as_flattened();
        for &(polygon, count) in &self.polygons {
            let (own, rest) = areas.split_at(count as usize);
            areas = rest;
            let area = own.iter().fold(0.0, |sum, a| sum + a);
            if area != 0.0 {
                found.push((polygon, area));
            }
        }
        self.polygons.clear();
        self.count = 0;
    }

    #[cold]
    #[inline(never)]
    fn measure_large(&mut self) {
        for place in 0..self.count {
            let (group, lane) = (place / LANES, place % LANES);
            let corner = |k: usize| [self.points[group][2 * k][lane], self.points[group][2 * k + 1][lane]];
            self.areas[group][lane] = crate::overlap::plane_polygon_area(&[corner(0), corner(1), corner(2)]);
        }
    }
}
