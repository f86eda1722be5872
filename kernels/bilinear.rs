//! Weights of a point inside a polygon: barycentric, inverse bilinear, mean value coordinates.
//!
//! Polygons are given in the plane that touches the sphere at the point, which is its origin (gnomonic
//! projection: great circles are straight lines). There is neither a pole nor a seam in that plane, and
//! two polygons that share an edge see the same two points.

pub mod lanes;

use crate::tangent_plane::PlanePoint;

/// Corners of a polygon are looked at if the cosine of their angle from the point is at least this.
pub const LEAST_COSINE: f64 = 1e-3;

/// Points are inside a polygon up to this distance from an edge, in radians: some hundred times the
/// rounding of coordinates in degrees.
pub const EDGE_TOLERANCE: f64 = 1e-13;

#[inline(always)]
fn cross2(a: PlanePoint, b: PlanePoint) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

#[inline(always)]
fn dot2(a: PlanePoint, b: PlanePoint) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

#[inline(always)]
fn sub2(a: PlanePoint, b: PlanePoint) -> PlanePoint {
    [a[0] - b[0], a[1] - b[1]]
}

/// Whether the origin lies in a convex counter-clockwise polygon, or within [`EDGE_TOLERANCE`] of it.
#[inline]
pub fn contains_origin(polygon: &[PlanePoint]) -> bool {
    (0..polygon.len()).all(|k| {
        let (a, b) = (polygon[k], polygon[(k + 1) % polygon.len()]);
        let along = sub2(b, a);
        // Twice the triangle's area is the edge's length times the distance from it.
        cross2(a, b) >= -EDGE_TOLERANCE * dot2(along, along).sqrt()
    })
}

/// Barycentric weights of the origin in a triangle; `None` if the triangle has no area.
///
/// ```
/// use knarr_kernels::bilinear::triangle_weights;
/// let weights = triangle_weights([[-1.0, -1.0], [3.0, -1.0], [-1.0, 3.0]]).expect("it has an area");
/// assert_eq!(weights, [0.5, 0.25, 0.25]);
/// ```
pub fn triangle_weights([a, b, c]: [PlanePoint; 3]) -> Option<[f64; 3]> {
    let parts = [cross2(b, c), cross2(c, a), cross2(a, b)];
    let sum = parts[0] + parts[1] + parts[2];
    (sum > 0.0).then(|| parts.map(|w| w / sum))
}

/// Bilinear weights of the origin in a convex counter-clockwise quadrangle that contains it:
/// (1−u)(1−v), u(1−v), uv, (1−u)v with Σ weight · corner = 0.
///
/// `None` if no (u, v) in the unit square within rounding does it.
pub fn quadrangle_weights([a, b, c, d]: [PlanePoint; 4]) -> Option<[f64; 4]> {
    // a + u·e + v·f + uv·g = 0; eliminating u leaves k2·v² + k1·v + k0 = 0.
    let (e, f) = (sub2(b, a), sub2(d, a));
    let g = [a[0] - b[0] + c[0] - d[0], a[1] - b[1] + c[1] - d[1]];
    let k2 = cross2(f, g);
    let k1 = cross2(f, e) + cross2(a, g);
    let k0 = cross2(a, e);
    let root = (k1 * k1 - 4.0 * k0 * k2).max(0.0).sqrt();
    let q = -0.5 * (k1 + root.copysign(k1));
    let candidates = [k0 / q, q / k2];
    let outside = |t: f64| (-t).max(t - 1.0).max(0.0);
    let mut best: Option<(f64, f64, f64)> = None;
    for v in candidates.into_iter().filter(|v| v.is_finite()) {
        // a + v·f + u·(e + v·g) = 0, by the larger of two coordinates.
        let (left, right) = ([a[0] + v * f[0], a[1] + v * f[1]], [e[0] + v * g[0], e[1] + v * g[1]]);
        let u = -dot2(left, right) / dot2(right, right);
        let miss = outside(u) + outside(v);
        if u.is_finite() && best.is_none_or(|b| miss < b.2) {
            best = Some((u, v, miss));
        }
    }
    let (mut u, mut v, miss) = best.filter(|b| b.2 < 1e-6)?;
    // One Newton step takes back what the elimination lost in thin quadrangles.
    let residual: PlanePoint = std::array::from_fn(|k| a[k] + u * e[k] + v * f[k] + u * v * g[k]);
    let du = [e[0] + v * g[0], e[1] + v * g[1]];
    let dv = [f[0] + u * g[0], f[1] + u * g[1]];
    let det = cross2(du, dv);
    let (step_u, step_v) = (cross2(residual, dv) / det, cross2(du, residual) / det);
    if step_u.abs() + step_v.abs() < 1e-3 + miss {
        u -= step_u;
        v -= step_v;
    }
    let (u, v) = (u.clamp(0.0, 1.0), v.clamp(0.0, 1.0));
    Some([(1.0 - u) * (1.0 - v), u * (1.0 - v), u * v, (1.0 - u) * v])
}

/// Mean value coordinates of the origin in a convex counter-clockwise polygon that contains it, not
/// scaled to the sum 1: w_k = (tan(α_{k−1}/2) + tan(α_k/2)) / |p_k|, with α_k the angle in which the edge
/// k, k+1 is seen. They are positive, continuous, and reproduce linear fields.
///
/// Reference: Floater (2003), Comput. Aided Geom. Des. 20, 19–27.
pub fn mean_value_weights(polygon: &[PlanePoint], weights: &mut Vec<f64>) {
    let n = polygon.len();
    weights.clear();
    weights.resize(n, 0.0);
    for k in 0..n {
        let (a, b) = (polygon[k], polygon[(k + 1) % n]);
        let along = sub2(b, a);
        let length2 = dot2(along, along);
        let t = (-dot2(a, along) / length2).clamp(0.0, 1.0);
        let nearest = [a[0] + t * along[0], a[1] + t * along[1]];
        if dot2(nearest, nearest) <= EDGE_TOLERANCE * EDGE_TOLERANCE {
            // On an edge the formula is 0/0; its limit is linear.
            weights[k] = 1.0 - t;
            weights[(k + 1) % n] = t;
            return;
        }
    }
    // tan(α/2) = (|a||b| − a·b) / (a×b), kept finite for a point within rounding of an edge.
    let half_tangent = |a: PlanePoint, b: PlanePoint| {
        let lengths = (dot2(a, a) * dot2(b, b)).sqrt();
        let sine = cross2(a, b).max(1e-300 + 1e-16 * lengths);
        let cosine = dot2(a, b);
        if cosine > 0.0 { sine / (lengths + cosine) } else { (lengths - cosine) / sine }
    };
    for k in 0..n {
        let tangent = half_tangent(polygon[k], polygon[(k + 1) % n]);
        weights[k] += tangent;
        weights[(k + 1) % n] += tangent;
    }
    for (weight, p) in weights.iter_mut().zip(polygon) {
        *weight /= dot2(*p, *p).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polygons around the origin in many sizes, turned and shifted.
    fn polygons(shape: &[PlanePoint]) -> Vec<Vec<PlanePoint>> {
        let mut all = Vec::new();
        for size in [1.0, 1e-3, 1e-7] {
            for step in 0..40 {
                let (s, c) = (f64::from(step) * 0.7).sin_cos();
                let shift = [0.3 * (f64::from(step) * 1.3).cos(), 0.3 * (f64::from(step) * 2.1).sin()];
                let place = |p: &PlanePoint| [size * (c * p[0] - s * p[1] - shift[0]), size * (s * p[0] + c * p[1] - shift[1])];
                all.push(shape.iter().map(place).collect());
            }
        }
        all
    }

    fn check(polygon: &[PlanePoint], weights: &[f64]) {
        let size = polygon.iter().map(|p| dot2(*p, *p).sqrt()).fold(0.0, f64::max);
        let sum: f64 = weights.iter().sum();
        assert!(weights.iter().all(|&w| w >= 0.0), "{weights:?}");
        for axis in 0..2 {
            // Linear fields are reproduced, to the rounding of a handful of operations.
            let value: f64 = weights.iter().zip(polygon).map(|(w, p)| w * p[axis]).sum();
            assert!((value / sum).abs() < 1e-14 * size, "{value} {size}");
        }
    }

    #[test]
    fn weights_reproduce_linear_fields() {
        let quads: [[PlanePoint; 4]; 4] = [
            [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]],
            [[-1.0, -1.2], [1.5, -0.8], [0.9, 1.0], [-0.7, 0.9]],
            [[-1.0, -1.0], [1.0, -1.0], [0.6, 0.7], [-0.6, 0.7]],
            [[-0.6, -0.6], [2.0, -0.9], [2.6, 0.8], [-0.5, 0.5]],
        ];
        for quad in quads {
            for p in polygons(&quad) {
                let corners = [p[0], p[1], p[2], p[3]];
                if contains_origin(&corners) {
                    check(&p, &quadrangle_weights(corners).expect("the origin is inside"));
                }
            }
        }
        let hexagon: Vec<PlanePoint> = (0..6).map(|k| f64::from(k) * 1.05).map(|a| [1.1 * a.cos(), a.sin()]).collect();
        let mut weights = Vec::new();
        for p in polygons(&hexagon) {
            assert!(contains_origin(&p));
            mean_value_weights(&p, &mut weights);
            check(&p, &weights);
        }
    }

    #[test]
    fn corners_and_edges_are_exact() {
        let square: [PlanePoint; 4] = [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]];
        assert!(contains_origin(&square));
        assert_eq!(quadrangle_weights(square), Some([1.0, 0.0, 0.0, 0.0]));
        let on_edge = square.map(|p| [p[0] - 2.0, p[1] - 0.5]);
        assert_eq!(quadrangle_weights(on_edge), Some([0.0, 0.75, 0.25, 0.0]));
        let mut weights = Vec::new();
        mean_value_weights(&on_edge, &mut weights);
        assert_eq!(weights, [0.0, 0.75, 0.25, 0.0]);
        assert!(!contains_origin(&square.map(|p| [p[0] + 1e-12, p[1]])));
    }

    #[test]
    fn bilinear_in_a_square_is_the_textbook_formula() {
        let (u, v) = (0.3, 0.8);
        let square = [[-u, -v], [1.0 - u, -v], [1.0 - u, 1.0 - v], [-u, 1.0 - v]];
        let weights = quadrangle_weights(square).expect("inside");
        for (w, expected) in weights.iter().zip([0.7 * 0.2, 0.3 * 0.2, 0.3 * 0.8, 0.7 * 0.8]) {
            assert!((w - expected).abs() < 2e-16);
        }
    }
}
