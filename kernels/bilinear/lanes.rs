//! Weights of points in quadrangles, several at a time: lanes are points, each with its own quadrangle.

use super::{EDGE_TOLERANCE, LEAST_COSINE, PlanePoint, cross2, dot2, sub2};
use crate::sphere::{UnitVector, cross, dot, scale, sub};

/// Points that are looked at together.
pub const LANES: usize = 8;

type Lanes = [f64; LANES];

/// Points and the corners of the quadrangle that each one may lie in, by coordinate.
#[derive(Clone, Copy, Debug)]
pub struct PointsInQuadrangles {
    /// The points.
    pub points: [Lanes; 3],
    /// Corners, counter-clockwise.
    pub corners: [[Lanes; 3]; 4],
}

impl PointsInQuadrangles {
    /// Lanes without any.
    pub const EMPTY: Self = Self { points: [[0.0; LANES]; 3], corners: [[[0.0; LANES]; 3]; 4] };

    /// Puts a point and its quadrangle into a lane.
    #[inline(always)]
    pub fn put(&mut self, lane: usize, point: UnitVector, corners: [UnitVector; 4]) {
        for axis in 0..3 {
            self.points[axis][lane] = point[axis];
            for k in 0..4 {
                self.corners[k][axis][lane] = corners[k][axis];
            }
        }
    }

    /// Bilinear weights of each point, by corner, and one bit per point that lies in its quadrangle and has weights there.
    ///
    /// The bits are those of [`super::contains_origin`] and [`super::quadrangle_weights`] in the tangent plane of the point, on
    /// every processor.
    pub fn weights(&self, weights: &mut [Lanes; 4]) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512dq")
        {
            #[allow(unsafe_code, reason = "a function for AVX-512 has no other way to be called")]
            // SAFETY: the processor has AVX-512 F, VL and DQ, as just asked.
            return unsafe { self.weights_avx512(weights) };
        }
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
            // SAFETY: the processor has AVX2, as just asked.
            return unsafe { self.weights_avx2(weights) };
        }
        self.weights_here(weights)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq")]
    fn weights_avx512(&self, weights: &mut [Lanes; 4]) -> u32 {
        self.weights_here(weights)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn weights_avx2(&self, weights: &mut [Lanes; 4]) -> u32 {
        self.weights_here(weights)
    }

    #[inline(always)]
    fn weights_here(&self, weights: &mut [Lanes; 4]) -> u32 {
        let mut plane = [[[0.0; LANES]; 2]; 4];
        // Numbers rather than truth values: that keeps all lanes in vectors.
        let mut holds = [1.0; LANES];
        for lane in 0..LANES {
            let center = at(&self.points, lane);
            let [first, second] = axes(center);
            for k in 0..4 {
                let offset = sub(at(&self.corners[k], lane), center);
                let cosine = 1.0 + dot(offset, center);
                let inverse = 1.0 / cosine;
                plane[k][0][lane] = dot(offset, first) * inverse;
                plane[k][1][lane] = dot(offset, second) * inverse;
                holds[lane] *= one_if(cosine > LEAST_COSINE);
            }
        }
        for k in 0..4 {
            let (from, to) = (&plane[k], &plane[(k + 1) % 4]);
            for lane in 0..LANES {
                let (a, b) = ([from[0][lane], from[1][lane]], [to[0][lane], to[1][lane]]);
                let along = sub2(b, a);
                holds[lane] *= one_if(cross2(a, b) >= -EDGE_TOLERANCE * dot2(along, along).sqrt());
            }
        }
        for lane in 0..LANES {
            let corner = |k: usize| [plane[k][0][lane], plane[k][1][lane]];
            let ([a, b, c, d], has_weights) = quadrangle([corner(0), corner(1), corner(2), corner(3)]);
            (weights[0][lane], weights[1][lane], weights[2][lane], weights[3][lane]) = (a, b, c, d);
            holds[lane] *= has_weights;
        }
        let mut bits = 0;
        for lane in 0..LANES {
            bits |= u32::from(holds[lane] != 0.0) << lane;
        }
        bits
    }
}

#[inline(always)]
fn at(p: &[Lanes; 3], lane: usize) -> UnitVector {
    [p[0][lane], p[1][lane], p[2][lane]]
}

#[inline(always)]
fn one_if(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

/// The axes of [`crate::tangent_plane::TangentPlane::new`], without branches.
#[inline(always)]
fn axes(center: UnitVector) -> [UnitVector; 2] {
    let size = [center[0].abs(), center[1].abs(), center[2].abs()];
    // The first of the least coordinates.
    let x = one_if(size[0] <= size[1]) * one_if(size[0] <= size[2]);
    let y = (1.0 - x) * one_if(size[1] <= size[2]);
    let across = cross([x, y, 1.0 - x - y], center);
    let first = scale(across, 1.0 / dot(across, across).sqrt());
    [first, cross(center, first)]
}

/// [`super::quadrangle_weights`] without branches, and 1 if there are any, else 0.
#[inline(always)]
fn quadrangle([a, b, c, d]: [PlanePoint; 4]) -> ([f64; 4], f64) {
    let (e, f) = (sub2(b, a), sub2(d, a));
    let g = [a[0] - b[0] + c[0] - d[0], a[1] - b[1] + c[1] - d[1]];
    let k2 = cross2(f, g);
    let k1 = cross2(f, e) + cross2(a, g);
    let k0 = cross2(a, e);
    let square = k1 * k1 - 4.0 * k0 * k2;
    let root = greater(square, 0.0).sqrt();
    let q = -0.5 * (k1 + root.copysign(k1));
    let (first, second) = (candidate(a, e, f, g, k0 / q), candidate(a, e, f, g, q / k2));
    let best = if second.miss < first.miss { second } else { first };
    let (u, v, miss) = (best.u, best.v, best.miss);
    let residual = [a[0] + u * e[0] + v * f[0] + u * v * g[0], a[1] + u * e[1] + v * f[1] + u * v * g[1]];
    let du = [e[0] + v * g[0], e[1] + v * g[1]];
    let dv = [f[0] + u * g[0], f[1] + u * g[1]];
    let det = cross2(du, dv);
    let (step_u, step_v) = (cross2(residual, dv) / det, cross2(du, residual) / det);
    let steps = step_u.abs() + step_v.abs() < 1e-3 + miss;
    let (u, v) = (within(if steps { u - step_u } else { u }), within(if steps { v - step_v } else { v }));
    ([(1.0 - u) * (1.0 - v), u * (1.0 - v), u * v, (1.0 - u) * v], one_if(miss < 1e-6))
}

#[derive(Clone, Copy)]
struct Candidate {
    u: f64,
    v: f64,
    /// How far outside the unit square; without end if one of the two is not a number.
    miss: f64,
}

#[inline(always)]
fn candidate(a: PlanePoint, e: PlanePoint, f: PlanePoint, g: PlanePoint, v: f64) -> Candidate {
    let (left, right) = ([a[0] + v * f[0], a[1] + v * f[1]], [e[0] + v * g[0], e[1] + v * g[1]]);
    let u = -dot2(left, right) / dot2(right, right);
    let miss = outside(u) + outside(v);
    let is_finite = (u.abs() < f64::INFINITY) & (v.abs() < f64::INFINITY);
    Candidate { u, v, miss: if is_finite { miss } else { f64::INFINITY } }
}

/// The greater one, and `b` if `a` is not a number.
#[inline(always)]
fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[inline(always)]
fn outside(t: f64) -> f64 {
    greater(greater(-t, t - 1.0), 0.0)
}

#[inline(always)]
fn within(t: f64) -> f64 {
    let t = if t < 0.0 { 0.0 } else { t };
    if t > 1.0 { 1.0 } else { t }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bilinear::{contains_origin, quadrangle_weights};
    use crate::sphere::{add, normalize, unit_vector};
    use crate::tangent_plane::TangentPlane;

    /// Quadrangles of all shapes, triangles and lines among them, and points in them, on their sides and corners, and outside.
    #[test]
    fn weights_have_the_bits_of_those_one_by_one() {
        let (mut seed, mut inside, mut weightless) = (7u64, 0, 0);
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        for round in 0..6000 {
            let (lon, lat) = (360.0 * random(), 180.0 * random() - 90.0);
            let size = [40.0, 2.0, 1e-3, 1e-7][round % 4];
            let mut near = || unit_vector(lon + size * (random() - 0.5), (lat + size * (random() - 0.5)).clamp(-90.0, 90.0));
            let mut lanes = PointsInQuadrangles::EMPTY;
            let mut expected = Vec::new();
            for lane in 0..LANES {
                let mut corners = [near(), near(), near(), near()];
                match (round + lane) % 7 {
                    // An even one, a triangle with a corner twice or in a line, all corners in one place.
                    0 => {
                        let (west, south) = (lon.floor(), lat.floor().clamp(-88.0, 88.0));
                        corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(i, j)| unit_vector(west + i, south + j));
                    }
                    1 => corners[3] = corners[0],
                    2 => corners[1] = normalize(add(corners[0], corners[2])).expect("not opposite"),
                    3 if lane == 0 => corners = [corners[0]; 4],
                    _ => {}
                }
                let [a, b, c, d] = corners;
                let middle = |p: UnitVector, q: UnitVector| normalize(add(p, q)).expect("not opposite");
                let point =
                    [middle(middle(a, b), middle(c, d)), middle(a, c), middle(a, b), a, near(), [0.0, 0.0, 1.0]][lane % 6];
                lanes.put(lane, point, corners);
                let plane = TangentPlane::new(point, LEAST_COSINE);
                let seen: Vec<PlanePoint> = corners.iter().map_while(|&p| plane.project(p)).collect();
                let contains = seen.len() == 4 && contains_origin(&seen);
                let found = contains.then(|| quadrangle_weights([seen[0], seen[1], seen[2], seen[3]]));
                weightless += usize::from(found == Some(None));
                expected.push(found.flatten());
            }
            let (mut weights, mut here) = ([[0.0; LANES]; 4], [[0.0; LANES]; 4]);
            let bits = lanes.weights(&mut weights);
            assert_eq!(bits, lanes.weights_here(&mut here));
            for (lane, expected) in expected.into_iter().enumerate() {
                assert_eq!(bits >> lane & 1 == 1, expected.is_some(), "{round} {lane}");
                let Some(expected) = expected else { continue };
                inside += 1;
                for k in 0..4 {
                    assert_eq!(weights[k][lane].to_bits(), expected[k].to_bits(), "{round} {lane} {k}");
                    assert_eq!(here[k][lane].to_bits(), expected[k].to_bits(), "{round} {lane} {k}");
                }
            }
        }
        assert!(inside > 5000 && weightless > 0, "{inside} {weightless}");
    }
}
