//! Many polygons at a time beside one by one.

use super::*;
use crate::cell_area::polygon_area;
use crate::sphere::unit_vector;

/// Polygons of 3 to 9 corners of many sizes around a place, some concave, some with a repeated corner.
struct Case {
    vertices: Vec<UnitVector>,
    corners: Vec<u32>,
    starts: Vec<u32>,
    areas: Vec<f64>,
}

impl Case {
    fn new(lon: f64, lat: f64, size: f64) -> Self {
        let mut case = Self { vertices: Vec::new(), corners: Vec::new(), starts: vec![0], areas: Vec::new() };
        let mut random = 12345u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 11) as f64 / (1u64 << 53) as f64
        };
        for k in 0..500 {
            let n = 3 + k % 7;
            let (x, y, r) = (lon + size * (3.0 * next() - 1.5), lat + size * (3.0 * next() - 1.5), size * next());
            let corner = |i: usize, r: f64| {
                let angle = std::f64::consts::TAU * (i as f64 + 0.3) / n as f64;
                unit_vector(x + r * angle.cos() / f64::to_radians(y).cos(), y + r * angle.sin())
            };
            let own: Vec<UnitVector> = (0..n).map(|i| corner(i, if k % 5 == 0 && i == 1 { 0.4 * r } else { r })).collect();
            case.areas.push(polygon_area(&own));
            let first = case.vertices.len() as u32;
            case.corners.extend((0..n as u32).map(|i| first + i));
            if k % 11 == 0 {
                case.corners.push(first + n as u32 - 1);
            }
            case.vertices.extend(own);
            case.starts.push(case.corners.len() as u32);
        }
        case
    }

    fn list(&self) -> PolygonList<'_> {
        PolygonList { vertices: &self.vertices, corners: &self.corners, starts: CornerStarts::PerPolygon(&self.starts) }
    }
}

fn cell(lon: f64, lat: f64, size: f64, n: usize) -> Vec<UnitVector> {
    let at = |i: usize| std::f64::consts::TAU * i as f64 / n as f64;
    (0..n).map(|i| unit_vector(lon + size * at(i).cos() / f64::to_radians(lat).cos(), lat + size * at(i).sin())).collect()
}

const PLACES: [(f64, f64, f64); 4] = [(10.0, 40.0, 0.01), (-100.0, -60.0, 1.0), (0.0, 0.0, 8.0), (50.0, 20.0, 25.0)];

#[test]
fn together_is_one_by_one() {
    for (lon, lat, size) in PLACES {
        let case = Case::new(lon, lat, size);
        let all: Vec<u32> = (0..500).collect();
        for n in [3, 4, 6, 13] {
            let cell = cell(lon, lat, size, n);
            let (mut batch, mut found) = (OverlapBatch::default(), Vec::new());
            batch.overlaps(&cell, &case.list(), &case.areas, &all, &mut found);
            let target = ConvexCell::new(&cell);
            let mut expected = Vec::new();
            for k in all.iter().copied() {
                let mut subject: Vec<UnitVector> = case.list().corners_of(k).iter().map(|&v| case.vertices[v as usize]).collect();
                subject.dedup();
                expected.push(target.overlap(&subject, case.areas[k as usize], &mut Scratch::default()));
            }
            assert!(found.len() > 100 && found.len() < 500, "{size} {n}: {}", found.len());
            let mut sums = vec![0.0; 500];
            found.iter().for_each(|&(k, area)| sums[k as usize] += area);
            let own = polygon_area(&cell);
            for (k, (a, b)) in sums.iter().zip(&expected).enumerate() {
                assert!((a - b).abs() < 1e-15 * own, "{size} {n} {k}: {a:e} {b:e}");
            }
        }
    }
}

#[test]
fn every_processor_gives_the_same_bits() {
    for (lon, lat, size) in PLACES {
        let case = Case::new(lon, lat, size);
        let all: Vec<u32> = (0..500).rev().collect();
        let cell = cell(lon, lat, size, 5);
        let (mut batch, mut found, mut plain) = (OverlapBatch::default(), Vec::new(), Vec::new());
        batch.overlaps(&cell, &case.list(), &case.areas, &all, &mut found);
        batch.overlaps_here(&cell, &case.list(), &case.areas, &all, &mut plain);
        assert!(found.iter().zip(&plain).all(|(a, b)| a.0 == b.0 && a.1.to_bits() == b.1.to_bits()));
        assert_eq!(found.len(), plain.len());
    }
}
