//! Overlap of two great-circle polygons, clipped in the tangent plane of one of them.
//!
//! Great circles are straight lines in the gnomonic projection, so clipping is planar and branch-poor. Offsets
//! from the plane's centre are taken before anything is multiplied, which keeps areas right to 5e-16 of a cell
//! at any resolution.

use crate::cell_area::polygon_area;
use crate::sphere::{UnitVector, add, cross, dot, normalize, scale, sub};
use crate::tangent_plane::{PlanePoint, TangentPlane};

/// Distance (rad) below which a corner counts as on an edge.
pub(crate) const ON_LINE: f64 = 1e-15;

/// Twice the signed area of the plane triangle `a b p`, or the distance of `p` from `a b` times its length.
#[inline(always)]
pub(crate) fn turn(a: PlanePoint, b: PlanePoint, p: PlanePoint) -> f64 {
    (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
}

/// The area E of a triangle on the sphere, given in the tangent plane, as the two parts of tan(E/2):
///
/// cross / (l_a l_b l_c + (1 + a·b) l_c + (1 + b·c) l_a + (1 + c·a) l_b), l(p) = √(1 + p·p).
#[inline(always)]
pub(crate) fn triangle_tangent(a: PlanePoint, b: PlanePoint, c: PlanePoint) -> (f64, f64) {
    let length = |p: PlanePoint| (1.0 + p[0] * p[0] + p[1] * p[1]).sqrt();
    let one_plus = |p: PlanePoint, q: PlanePoint| 1.0 + p[0] * q[0] + p[1] * q[1];
    let (la, lb, lc) = (length(a), length(b), length(c));
    (turn(a, b, c), la * lb * lc + one_plus(a, b) * lc + one_plus(b, c) * la + one_plus(c, a) * lb)
}

/// 2·atan(t) for |t| < 1e-3: the next term is below 3e-22.
#[inline(always)]
pub(crate) fn small_triangle(t: f64) -> f64 {
    let t2 = t * t;
    2.0 * t * (1.0 - t2 * (1.0 / 3.0 - t2 * (0.2 - t2 / 7.0)))
}

/// Area on the sphere of a polygon given in the tangent plane, positive if counter-clockwise: the triangles of a fan.
pub fn plane_polygon_area(corners: &[PlanePoint]) -> f64 {
    (2..corners.len()).fold(0.0, |area, k| {
        let (cross, sum) = triangle_tangent(corners[0], corners[k - 1], corners[k]);
        let t = cross / sum;
        area + if t.abs() < 1e-3 { small_triangle(t) } else { 2.0 * cross.atan2(sum) }
    })
}

/// A convex cell, ready to be overlapped with others.
#[derive(Clone, Debug)]
pub struct ConvexCell {
    plane: TangentPlane,
    corners: Vec<UnitVector>,
    /// Empty if the cell reaches beyond its tangent plane.
    plane_corners: Vec<PlanePoint>,
    /// Distance tolerance of each edge times its length.
    tolerances: Vec<f64>,
}

/// Buffers of a clipping; one per thread.
#[derive(Default)]
pub struct Scratch {
    subject: Vec<PlanePoint>,
    clipped: Vec<PlanePoint>,
    sides: Vec<f64>,
}

impl ConvexCell {
    /// A convex polygon, corners counter-clockwise, smaller than a hemisphere.
    pub fn new(corners: &[UnitVector]) -> Self {
        let plane = TangentPlane::of_cell(corners);
        let projected: Option<Vec<PlanePoint>> = corners.iter().map(|&p| plane.project(p)).collect();
        let plane_corners = projected.unwrap_or_default();
        let tolerances = (0..plane_corners.len())
            .map(|k| {
                let (a, b) = (plane_corners[k], plane_corners[(k + 1) % plane_corners.len()]);
                let d = [b[0] - a[0], b[1] - a[1]];
                ON_LINE * (d[0] * d[0] + d[1] * d[1]).sqrt()
            })
            .collect();
        Self { plane, corners: corners.to_vec(), plane_corners, tolerances }
    }

    /// Area of overlap with the polygon `subject` (sr), whose own area is `subject_area`.
    ///
    /// `subject` is counter-clockwise and smaller than a hemisphere; it may be concave. 0 where they only touch.
    pub fn overlap(&self, subject: &[UnitVector], subject_area: f64, scratch: &mut Scratch) -> f64 {
        scratch.subject.clear();
        for &p in subject {
            match self.plane.project(p) {
                Some(q) if !self.plane_corners.is_empty() => scratch.subject.push(q),
                _ => return overlap_on_sphere(&self.corners, subject),
            }
        }
        let mut whole = true;
        let n = self.plane_corners.len();
        for k in 0..n {
            let (a, b) = (self.plane_corners[k], self.plane_corners[if k + 1 == n { 0 } else { k + 1 }]);
            let tolerance = self.tolerances[k];
            let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
            scratch.sides.clear();
            for &p in &scratch.subject {
                let s = turn(a, b, p);
                least = least.min(s);
                greatest = greatest.max(s);
                scratch.sides.push(s);
            }
            if greatest <= tolerance {
                return 0.0;
            }
            if least >= -tolerance {
                continue;
            }
            whole = false;
            scratch.clipped.clear();
            let count = scratch.subject.len();
            for i in 0..count {
                let next = if i + 1 == count { 0 } else { i + 1 };
                let (p, q) = (scratch.subject[i], scratch.subject[next]);
                let (s, t) = (scratch.sides[i], scratch.sides[next]);
                if s >= -tolerance {
                    scratch.clipped.push(p);
                }
                if (s > tolerance && t < -tolerance) || (s < -tolerance && t > tolerance) {
                    let f = s / (s - t);
                    scratch.clipped.push([p[0] + f * (q[0] - p[0]), p[1] + f * (q[1] - p[1])]);
                }
            }
            std::mem::swap(&mut scratch.subject, &mut scratch.clipped);
            if scratch.subject.len() < 3 {
                return 0.0;
            }
        }
        if whole { subject_area } else { plane_polygon_area(&scratch.subject) }
    }
}

/// Overlap of polygons too large for a tangent plane, clipped by the planes of the edges.
fn overlap_on_sphere(cell: &[UnitVector], subject: &[UnitVector]) -> f64 {
    let mut polygon = subject.to_vec();
    for k in 0..cell.len() {
        let Some(normal) = normalize(cross(cell[k], cell[(k + 1) % cell.len()])) else { continue };
        let mut clipped = Vec::with_capacity(polygon.len() + 2);
        for i in 0..polygon.len() {
            let (p, q) = (polygon[i], polygon[(i + 1) % polygon.len()]);
            let (s, t) = (dot(normal, p), dot(normal, q));
            if s >= -ON_LINE {
                clipped.push(p);
            }
            if (s > ON_LINE && t < -ON_LINE) || (s < -ON_LINE && t > ON_LINE) {
                let x = add(scale(p, -t), scale(q, s));
                // Towards the point between p and q, whichever of them is inside.
                clipped.extend(normalize(if s > 0.0 { x } else { scale(x, -1.0) }));
            }
        }
        polygon = clipped;
        if polygon.len() < 3 {
            return 0.0;
        }
    }
    polygon_area(&polygon)
}

/// Whether the polygon turns left (or goes straight on, within rounding) at every corner.
pub fn is_convex(corners: &[UnitVector]) -> bool {
    let n = corners.len();
    (0..n).all(|k| {
        let (a, b, c) = (corners[k], corners[(k + 1) % n], corners[(k + 2) % n]);
        let (d, e) = (sub(b, a), sub(c, b));
        dot(b, cross(d, e)) >= -1e-12 * (dot(d, d) * dot(e, e)).sqrt()
    })
}

/// Splits a simple polygon into triangles by clipping ears.
pub fn triangulate(corners: &[UnitVector]) -> Vec<[UnitVector; 3]> {
    let mut rest = corners.to_vec();
    let mut triangles = Vec::new();
    while rest.len() > 3 {
        let n = rest.len();
        let left = |a: UnitVector, b: UnitVector, c: UnitVector| dot(a, cross(sub(b, a), sub(c, a)));
        let ear = (0..n).find(|&k| {
            let (a, b, c) = (rest[(k + n - 1) % n], rest[k], rest[(k + 1) % n]);
            left(a, b, c) > 0.0
                && rest
                    .iter()
                    .filter(|&&p| p != a && p != b && p != c)
                    .all(|&p| !(left(a, b, p) >= 0.0 && left(b, c, p) >= 0.0 && left(c, a, p) >= 0.0))
        });
        // A polygon without an ear is not simple; any corner will do, the signed areas still add up.
        let k = ear.unwrap_or(0);
        triangles.push([rest[(k + n - 1) % n], rest[k], rest[(k + 1) % n]]);
        rest.remove(k);
    }
    if let [a, b, c] = rest[..] {
        triangles.push([a, b, c]);
    }
    triangles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::unit_vector;

    fn square(lon: f64, lat: f64, size: f64) -> Vec<UnitVector> {
        [(0.0, 0.0), (size, 0.0), (size, size), (0.0, size)].map(|(x, y)| unit_vector(lon + x, lat + y)).to_vec()
    }

    /// Overlap by halving the subject until triangles are inside or outside: slow and independent.
    fn brute(cell: &[UnitVector], triangle: [UnitVector; 3], depth: u32) -> f64 {
        let inside =
            |p: UnitVector| (0..cell.len()).map(|k| dot(cross(cell[k], cell[(k + 1) % cell.len()]), p)).collect::<Vec<_>>();
        let sides: Vec<Vec<f64>> = triangle.iter().map(|&p| inside(p)).collect();
        if sides.iter().all(|s| s.iter().all(|&v| v >= 0.0)) {
            return crate::cell_area::triangle_area(triangle[0], triangle[1], triangle[2]);
        }
        if (0..cell.len()).any(|k| sides.iter().all(|s| s[k] <= 0.0)) || depth == 0 {
            return 0.0;
        }
        let [a, b, c] = triangle;
        let mid = |p, q| normalize(add(p, q)).expect("not opposite");
        let (ab, bc, ca) = (mid(a, b), mid(b, c), mid(c, a));
        [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]].into_iter().map(|t| brute(cell, t, depth - 1)).sum()
    }

    #[test]
    fn overlap_matches_subdivision() {
        let cell = square(10.0, 40.0, 5.0);
        let other = [unit_vector(12.0, 38.0), unit_vector(17.0, 42.0), unit_vector(11.0, 44.0)];
        let clipped = ConvexCell::new(&cell).overlap(&other, polygon_area(&other), &mut Scratch::default());
        let counted = brute(&cell, other, 11);
        // Each halving leaves the strip along the border uncounted: about perimeter · side / 2¹¹.
        assert!((clipped - counted).abs() < 0.3 * 0.08 / 2048.0, "{clipped} {counted}");
        assert!(clipped >= counted);
    }

    #[test]
    fn tangent_plane_and_sphere_agree_and_are_symmetric() {
        let a = square(-5.0, 70.0, 12.0);
        let b = square(0.0, 75.0, 9.0);
        let in_plane = ConvexCell::new(&a).overlap(&b, polygon_area(&b), &mut Scratch::default());
        let swapped = ConvexCell::new(&b).overlap(&a, polygon_area(&a), &mut Scratch::default());
        let on_sphere = overlap_on_sphere(&a, &b);
        assert!((in_plane - on_sphere).abs() < 4e-16, "{in_plane} {on_sphere}");
        assert!((in_plane - swapped).abs() < 4e-16);
    }

    #[test]
    fn pieces_of_a_fine_grid_add_up() {
        // A 0.02 degree cell cut by four cells that meet inside it.
        let cell = square(20.0, 50.0, 0.02);
        let area = polygon_area(&cell);
        let target = ConvexCell::new(&cell);
        let middle = unit_vector(20.007, 50.012);
        let far = [unit_vector(19.0, 49.0), unit_vector(21.0, 49.0), unit_vector(21.0, 51.0), unit_vector(19.0, 51.0)];
        let total: f64 = (0..4)
            .map(|k| {
                let triangle = [far[k], far[(k + 1) % 4], middle];
                target.overlap(&triangle, polygon_area(&triangle), &mut Scratch::default())
            })
            .sum();
        // Rounding of corners is 1e-16 along a perimeter of 1e-3.
        assert!((total - area).abs() < 4e-19, "{}", total / area - 1.0);
    }

    #[test]
    fn cells_that_touch_do_not_overlap() {
        let a = square(0.0, 0.0, 1.0);
        for (lon, lat) in [(1.0, 0.0), (-1.0, 0.0), (1.0, 1.0)] {
            let b = square(lon, lat, 1.0);
            assert!(ConvexCell::new(&a).overlap(&b, polygon_area(&b), &mut Scratch::default()).abs() < 1e-17);
        }
    }

    #[test]
    fn concave_polygons_triangulate() {
        let corners = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0)].map(|(x, y)| unit_vector(x, y));
        assert!(!is_convex(&corners));
        assert!(is_convex(&square(0.0, 0.0, 3.0)));
        let total: f64 = triangulate(&corners).iter().map(|t| polygon_area(t)).sum();
        assert!((total - polygon_area(&corners)).abs() < 1e-17);
        assert!(triangulate(&corners).iter().all(|t| polygon_area(t) > 0.0));
    }
}
