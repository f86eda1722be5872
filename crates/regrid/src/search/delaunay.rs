//! Delaunay triangles of points on the sphere.
//!
//! Seen from one of the points (stereographic projection), circles through that point become lines and all
//! others stay circles. So the triangulation of the sphere is the plane one of the other points, and the
//! triangles of its hull edges with the point itself.

use super::points::{NearPoints, TIE};
use knarr_kernels::sphere::{UnitVector, cross, dot, normalize, scale, sub};
use spade::{DelaunayTriangulation, HasPosition, Point2, Triangulation};

struct Vertex {
    position: Point2<f64>,
    id: u32,
}

impl HasPosition for Vertex {
    type Scalar = f64;
    fn position(&self) -> Point2<f64> {
        self.position
    }
}

/// Counter-clockwise triangles of numbered points, in a fixed order; of coinciding points the lowest takes part.
///
/// Triangles that see the centre of the sphere from behind are left out: they cover what lies outside a
/// regional set of points.
pub(crate) fn triangles(mut items: Vec<(UnitVector, u32)>) -> Vec<[u32; 3]> {
    items.sort_unstable_by_key(|item| item.1);
    let near = NearPoints::new(items.clone());
    items.retain(|&(p, id)| near.lowest_within(p, TIE) == Some(id));
    let Some(&(pivot, pivot_id)) = items.first().filter(|_| items.len() >= 3) else {
        return Vec::new();
    };
    // Axes that turn counter-clockwise seen from outside, opposite the pivot.
    let smallest = (0..3).min_by(|&a, &b| pivot[a].abs().total_cmp(&pivot[b].abs())).expect("three axes");
    let mut axis = [0.0; 3];
    axis[smallest] = 1.0;
    let x = normalize(cross(axis, pivot)).expect("the axis is not parallel to the pivot");
    let y = cross(scale(pivot, -1.0), x);
    let vertices = items[1..]
        .iter()
        .map(|&(p, id)| {
            let offset = sub(p, pivot);
            // 1 − cos of the angle from the pivot, without cancellation.
            let depth = 0.5 * dot(offset, offset);
            Vertex { position: Point2::new(dot(x, offset) / depth, dot(y, offset) / depth), id }
        })
        .collect();
    let Ok(plane) = DelaunayTriangulation::<Vertex>::bulk_load(vertices) else {
        // Only for positions that are no numbers; those of unit vectors apart from the pivot are.
        return Vec::new();
    };
    let inner = plane.inner_faces().map(|face| face.vertices().map(|v| v.data().id));
    let hull = plane.convex_hull().map(|edge| {
        let edge = if edge.face().is_outer() { edge } else { edge.rev() };
        [edge.from().data().id, edge.to().data().id, pivot_id]
    });
    let position = |id: u32| items[items.binary_search_by_key(&id, |item| item.1).expect("from items")].0;
    let mut result: Vec<[u32; 3]> = inner
        .chain(hull)
        .filter(|t| {
            let [a, b, c] = t.map(position);
            dot(a, cross(sub(b, a), sub(c, a))) > 0.0
        })
        .map(|t| {
            let first = (0..3).min_by_key(|&k| t[k]).expect("three corners");
            [t[first], t[(first + 1) % 3], t[(first + 2) % 3]]
        })
        .collect();
    result.sort_unstable();
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::cell_area::polygon_area;
    use knarr_kernels::sphere::unit_vector;
    use std::f64::consts::PI;

    /// Points of a spiral around the globe.
    fn spiral(n: u32) -> Vec<(UnitVector, u32)> {
        (0..n)
            .map(|k| {
                let z = 1.0 - (2.0 * f64::from(k) + 1.0) / f64::from(n);
                (unit_vector(f64::from(k) * 137.50776, z.asin().to_degrees()), k)
            })
            .collect()
    }

    #[test]
    fn triangles_cover_the_sphere_and_have_empty_circles() {
        let points = spiral(400);
        let all = triangles(points.clone());
        assert_eq!(all.len(), 2 * 400 - 4);
        let corner = |t: &[u32; 3]| t.map(|k| points[k as usize].0);
        let area: f64 = all.iter().map(|t| polygon_area(&corner(t))).sum();
        assert!((area / (4.0 * PI) - 1.0).abs() < 1e-13, "{area}");
        for t in &all {
            let [a, b, c] = corner(t);
            let normal = cross(sub(b, a), sub(c, a));
            // No other point lies beyond the plane of the circle.
            assert!(points.iter().all(|(p, _)| dot(normal, sub(*p, a)) < 1e-14));
        }
    }

    #[test]
    fn regional_points_cover_their_hull_only() {
        let points: Vec<(UnitVector, u32)> =
            (0..100).map(|k| (unit_vector(f64::from(k % 10), 40.0 + f64::from(k / 10)), k)).collect();
        let area: f64 = triangles(points.clone()).iter().map(|t| polygon_area(&t.map(|k| points[k as usize].0))).sum();
        let box_area = 9f64.to_radians() * (49f64.to_radians().sin() - 40f64.to_radians().sin());
        // Great circles between the points of a parallel rise above it: the hull is up to 1 % wider.
        assert!(area > box_area * 0.995 && area < box_area * 1.01, "{}", area / box_area);
    }

    #[test]
    fn repeated_and_few_points_are_harmless() {
        let mut points = spiral(50);
        points.extend(spiral(50).iter().map(|(p, k)| (*p, k + 50)));
        let all = triangles(points);
        assert_eq!(all.len(), 96);
        assert!(all.iter().flatten().all(|&k| k < 50));
        assert!(triangles(spiral(2)).is_empty());
        // One circle: the triangles of its disc.
        let ring = (0..6).map(|k| (unit_vector(60.0 * f64::from(k), 70.0), k)).collect();
        assert_eq!(triangles(ring).len(), 4);
    }
}
