//! The twin beside the kernels of the processor.

use super::*;
use crate::bilinear::{LEAST_COSINE, contains_origin, mean_value_weights, quadrangle_weights, triangle_weights};
use crate::gpu::tests::{Noise, device};
use crate::polygon_hash::Bounds;
use crate::sphere::unit_vector;
use crate::tangent_plane::{PlanePoint, TangentPlane};

/// A skewed grid of quadrangles around a place: some of them as two triangles, some with corners on their edges.
struct Mesh {
    nodes: Vec<UnitVector>,
    starts: Vec<u32>,
    corners: Vec<u32>,
    /// How far faces bulge beyond their corners at most.
    bulge: f64,
}

fn mesh(lon: f64, lat: f64, step: f64) -> Mesh {
    const SIDE: usize = 24;
    let mut noise = Noise(81);
    let nodes: Vec<UnitVector> = (0..(SIDE + 1) * (SIDE + 1))
        .map(|k| {
            let (i, j) = ((k % (SIDE + 1)) as f64, (k / (SIDE + 1)) as f64);
            unit_vector(lon + step * (i + 0.3 * noise.next()), lat + step * (j + 0.1 * i + 0.3 * noise.next()))
        })
        .collect();
    let (mut starts, mut corners) = (vec![0u32], Vec::new());
    for k in 0..SIDE * SIDE {
        let at = |i: usize, j: usize| ((k / SIDE + j) * (SIDE + 1) + k % SIDE + i) as u32;
        let quadrangle = [at(0, 0), at(1, 0), at(1, 1), at(0, 1)];
        let rings: Vec<Vec<u32>> = match k % 3 {
            0 => vec![vec![quadrangle[0], quadrangle[1], quadrangle[2]], vec![quadrangle[0], quadrangle[2], quadrangle[3]]],
            _ => vec![quadrangle.to_vec()],
        };
        for ring in rings {
            corners.extend(ring);
            starts.push(corners.len() as u32);
        }
    }
    Mesh { nodes, starts, corners, bulge: step.to_radians().powi(2) }
}

/// A ring of polygons of five to nine corners, apart from one another.
fn rosettes() -> Mesh {
    let (mut nodes, mut starts, mut corners) = (Vec::new(), vec![0u32], Vec::new());
    for k in 0..40usize {
        let sides = 5 + k % 5;
        let center = unit_vector(9.0 * k as f64, 20.0 * (k as f64).sin());
        let axes = TangentPlane::new(center, 0.1).axes();
        for n in 0..sides {
            let (s, c) = (std::f64::consts::TAU * n as f64 / sides as f64).sin_cos();
            let corner = std::array::from_fn(|i| center[i] + 0.05 * (c * axes[0][i] + s * axes[1][i]));
            corners.push(nodes.len() as u32);
            nodes.push(crate::sphere::normalize(corner).expect("far from the centre"));
        }
        starts.push(corners.len() as u32);
    }
    Mesh { nodes, starts, corners, bulge: 0.05f64.powi(2) }
}

impl Mesh {
    fn polygon(&self, k: usize) -> &[u32] {
        &self.corners[self.starts[k] as usize..self.starts[k + 1] as usize]
    }

    fn hash(&self) -> PolygonHash {
        let bounds = |k: usize| -> Bounds {
            let corners = || self.polygon(k).iter().map(|&c| self.nodes[c as usize]);
            let of =
                |axis: usize, sign: f64| corners().map(|p| sign * p[axis]).fold(f64::NEG_INFINITY, f64::max) + self.bulge + 1e-6;
            [std::array::from_fn(|axis| -of(axis, -1.0) as f32), std::array::from_fn(|axis| of(axis, 1.0) as f32)]
        };
        PolygonHash::new(&(0..self.starts.len() - 1).map(bounds).collect::<Vec<_>>())
    }

    /// By the kernels of the processor.
    fn expected(&self, p: UnitVector) -> Place {
        let plane = TangentPlane::new(p, LEAST_COSINE);
        for k in 0..self.starts.len() - 1 {
            let ring: Vec<PlanePoint> = self.polygon(k).iter().map_while(|&c| plane.project(self.nodes[c as usize])).collect();
            if ring.len() < self.polygon(k).len() || !contains_origin(&ring) {
                continue;
            }
            let mut weights = [0.0; MOST_CORNERS];
            match ring[..] {
                _ if ring.len() > MOST_CORNERS => return Place::Elsewhere,
                [a, b, c] => match triangle_weights([a, b, c]) {
                    Some(w) => weights[..3].copy_from_slice(&w.map(|w| w.max(0.0))),
                    None => continue,
                },
                [a, b, c, d] => match quadrangle_weights([a, b, c, d]) {
                    Some(w) => weights[..4].copy_from_slice(&w),
                    None => continue,
                },
                _ => {
                    let mut all = Vec::new();
                    mean_value_weights(&ring, &mut all);
                    weights[..all.len()].copy_from_slice(&all);
                }
            }
            return Place::In(k as u32, weights);
        }
        Place::Outside
    }

    /// Weights by node, with the sum 1.
    fn by_node(&self, place: &Place) -> Vec<(u32, f64)> {
        let Place::In(k, weights) = place else { return Vec::new() };
        let sum: f64 = weights[..self.polygon(*k as usize).len()].iter().sum();
        self.polygon(*k as usize).iter().zip(weights).map(|(&node, w)| (node, w / sum)).collect()
    }
}

fn check(gpu: &Gpu, name: &str, mesh: &Mesh, points: &[UnitVector], size: f64, width: Width) {
    let hash = mesh.hash();
    let device = DevicePolygonHash::upload(gpu, &hash, &mesh.starts, &mesh.corners, &mesh.nodes, width).expect("small");
    let found = device.containing(gpu, points).expect("small");
    let (mut inside, mut borders) = (0, 0);
    for (&p, place) in points.iter().zip(&found) {
        let expected = mesh.expected(p);
        if (*place, expected) == (Place::Elsewhere, Place::Elsewhere) {
            continue;
        }
        if (*place == Place::Outside) != (expected == Place::Outside) {
            borders += 1;
            continue;
        }
        let (own, other) = (mesh.by_node(place), mesh.by_node(&expected));
        inside += usize::from(!own.is_empty());
        let weight = |of: &[(u32, f64)], node: u32| of.iter().filter(|l| l.0 == node).map(|l| l.1).sum::<f64>();
        let worst = own.iter().chain(&other).map(|l| (weight(&own, l.0) - weight(&other, l.0)).abs()).fold(0.0, f64::max);
        // Coordinates are rounded to ε and a little, weights are these by the size of a polygon; edges that are not
        // sharp, a point may be on the other side of.
        let bound = 40.0 * width.epsilon() / size + if width == Width::F32 { 40.0 * SINGLE_TOLERANCE / size } else { 0.0 };
        assert!(worst <= bound, "{name} {width:?}: {worst:e} of {bound:e}: {place:?} {expected:?}");
    }
    assert!(inside > points.len() / 4, "{name} {width:?}: {inside} points are inside");
    assert!(borders <= if width == Width::F64 { 0 } else { points.len() / 50 }, "{name} {width:?}: {borders} on a border");
}

#[test]
fn polygons_around_points_on_the_device_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    let mut noise = Noise(82);
    for width in [Width::F32, Width::F64].into_iter().filter(|w| *w == Width::F32 || gpu.facts().f64) {
        for (lon, lat, step) in [(10.0, 30.0, 1.0), (170.0, -60.0, 0.7), (-20.0, 0.0, 0.1)] {
            let mesh = mesh(lon, lat, step);
            let mut at = |_: usize| unit_vector(lon + 26.0 * step * noise.next(), lat + 27.0 * step * noise.next());
            let points: Vec<UnitVector> = (0..1500).map(&mut at).collect();
            check(gpu, &format!("{step} at {lon} {lat}"), &mesh, &points, step.to_radians() * 0.5, width);
        }
        let rosettes = rosettes();
        let inside = |k: usize| {
            let polygon = rosettes.polygon(k % 40);
            let shares: Vec<f64> = polygon.iter().map(|_| noise.next()).collect();
            let sum = |axis: usize| polygon.iter().zip(&shares).map(|(&c, s)| s * rosettes.nodes[c as usize][axis]).sum::<f64>();
            crate::sphere::normalize(std::array::from_fn(sum)).expect("on one side")
        };
        let points: Vec<UnitVector> = (0..600).map(inside).collect();
        check(gpu, "five to nine corners", &rosettes, &points, 0.01, width);
    }
}

#[test]
fn polygons_that_do_not_fit_their_nodes_are_refused() {
    let Some(gpu) = device() else { return };
    let hash = PolygonHash::new(&[]);
    let refused = |starts: &[u32], corners: &[u32]| {
        DevicePolygonHash::upload(gpu, &hash, starts, corners, &[[1.0, 0.0, 0.0]], Width::F32).map(|_| ())
    };
    assert_eq!(refused(&[0, 3], &[0, 0]), Err(GpuError::WrongLength { what: "the corners", found: 2, expected: 3 }));
    assert_eq!(refused(&[0, 2], &[0, 4]), Err(GpuError::WrongLength { what: "the nodes", found: 1, expected: 5 }));
    let none = DevicePolygonHash::upload(gpu, &hash, &[0], &[], &[], Width::F32).expect("nothing");
    assert_eq!(none.containing(gpu, &[[0.0, 0.0, 1.0]]), Ok(vec![Place::Outside]));
    assert_eq!(none.containing(gpu, &[]), Ok(vec![]));
}
