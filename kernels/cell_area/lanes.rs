//! Areas of many polygons of as many corners each, several at a time: lanes are polygons.

use super::{SMALL, polygon_area, tangent_parts, twice_small_angle};
use crate::sphere::UnitVector;

/// Polygons measured together.
const LANES: usize = 8;

type Lanes = [f64; LANES];

/// Areas (sr) of polygons of `N` corners each, positive if they turn counter-clockwise seen from outside.
///
/// Polygon `i` has the corners `corners[N·i..N·(i + 1)]`, numbers of `vertices`, and its area goes to `areas[i]`; a corner
/// equal to the one before is left out. The bits are those of [`polygon_area`], on every processor.
///
/// # Panics
/// If `corners` does not have `N` numbers for each of `areas`, or one of them is not of `vertices`.
///
/// ```
/// use knarr_kernels::{cell_area::{areas_of_same_sized, polygon_area}, sphere::unit_vector};
/// let vertices = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(lon, lat)| unit_vector(lon, lat));
/// let mut areas = [0.0; 2];
/// areas_of_same_sized::<4>(&vertices, &[0, 1, 2, 3, 0, 1, 2, 2], &mut areas);
/// assert_eq!(areas, [polygon_area(&vertices), polygon_area(&vertices[..3])]);
/// ```
pub fn areas_of_same_sized<const N: usize>(vertices: &[UnitVector], corners: &[u32], areas: &mut [f64]) {
    assert_eq!(corners.len(), N * areas.len(), "corners of each polygon");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512vl") {
        #[allow(unsafe_code, reason = "a function for AVX-512 has no other way to be called")]
        // SAFETY: the processor has AVX-512 F and VL, as just asked.
        return unsafe { areas_avx512::<N>(vertices, corners, areas) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
        // SAFETY: the processor has AVX2, as just asked.
        return unsafe { areas_avx2::<N>(vertices, corners, areas) };
    }
    areas_here::<N>(vertices, corners, areas);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl")]
fn areas_avx512<const N: usize>(vertices: &[UnitVector], corners: &[u32], areas: &mut [f64]) {
    areas_here::<N>(vertices, corners, areas);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn areas_avx2<const N: usize>(vertices: &[UnitVector], corners: &[u32], areas: &mut [f64]) {
    areas_here::<N>(vertices, corners, areas);
}

#[inline(always)]
fn areas_here<const N: usize>(vertices: &[UnitVector], corners: &[u32], areas: &mut [f64]) {
    for (corners, areas) in corners.chunks(N * LANES).zip(areas.chunks_mut(LANES)) {
        let all: Option<&mut Lanes> = areas.first_chunk_mut();
        let is_done = match all {
            Some(areas) if are_distinct::<N>(corners) => small_fans::<N>(vertices, corners, areas),
            _ => false,
        };
        if !is_done {
            for (corners, area) in corners.chunks_exact(N).zip(areas) {
                *area = area_of_one::<N>(vertices, corners);
            }
        }
    }
}

/// Whether no corner is that before it.
#[inline(always)]
fn are_distinct<const N: usize>(corners: &[u32]) -> bool {
    let mut repeats = 0;
    for corners in corners.chunks_exact(N) {
        for k in 0..N {
            repeats += u32::from(corners[k] == corners[if k == 0 { N - 1 } else { k - 1 }]);
        }
    }
    repeats == 0
}

/// The areas as sums of small triangles; false if one of them is large.
#[inline(always)]
fn small_fans<const N: usize>(vertices: &[UnitVector], corners: &[u32], areas: &mut Lanes) -> bool {
    let mut points = [[[0.0; LANES]; 3]; N];
    for lane in 0..LANES {
        for k in 0..N {
            let p = vertices[corners[N * lane + k] as usize];
            for axis in 0..3 {
                points[k][axis][lane] = p[axis];
            }
        }
    }
    *areas = [0.0; LANES];
    let mut large = [0.0; LANES];
    for k in 2..N {
        let (a, b, c) = (&points[0], &points[k - 1], &points[k]);
        for lane in 0..LANES {
            let at = |p: &[Lanes; 3]| [p[0][lane], p[1][lane], p[2][lane]];
            let (determinant, sum) = tangent_parts(at(a), at(b), at(c));
            let t = determinant / sum;
            let is_small = (t.abs() < SMALL) & (sum > 0.0);
            large[lane] += if is_small { 0.0 } else { 1.0 };
            areas[lane] += twice_small_angle(t);
        }
    }
    large == [0.0; LANES]
}

#[cold]
#[inline(never)]
fn area_of_one<const N: usize>(vertices: &[UnitVector], corners: &[u32]) -> f64 {
    let (mut kept, mut count) = ([[0.0; 3]; N], 0);
    for k in 0..N {
        if corners[k] != corners[if k == 0 { N - 1 } else { k - 1 }] {
            kept[count] = vertices[corners[k] as usize];
            count += 1;
        }
    }
    polygon_area(&kept[..count])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::unit_vector;

    /// Polygons of all sizes, some with repeated corners, some as large as an octant, some clockwise.
    #[test]
    fn areas_have_the_bits_of_those_one_by_one() {
        fn check<const N: usize>(size: f64, count: usize) {
            let (mut vertices, mut corners) = (Vec::new(), Vec::<u32>::new());
            for polygon in 0..count {
                let (lon, lat) = (polygon as f64 * 137.5, (polygon as f64).sin() * 60.0);
                let turn = if polygon % 5 == 3 { -360.0 } else { 360.0 };
                for k in 0..N {
                    let is_repeat = polygon % 19 == 7 && k == polygon % N;
                    corners.push((vertices.len() - usize::from(is_repeat && k > 0)) as u32);
                    let (sin, cos) = (turn * k as f64 / N as f64 + polygon as f64).to_radians().sin_cos();
                    vertices.push(unit_vector(lon + size * cos, lat + size * sin));
                }
                if polygon % 38 == 7 && polygon % N == 0 {
                    let first = N * polygon;
                    corners[first] = corners[first + N - 1];
                }
            }
            let (mut areas, mut plain) = (vec![f64::NAN; count], vec![f64::NAN; count]);
            areas_of_same_sized::<N>(&vertices, &corners, &mut areas);
            areas_here::<N>(&vertices, &corners, &mut plain);
            let mut repeats = 0;
            for (polygon, corners) in corners.chunks(N).enumerate() {
                let mut expected: Vec<u32> = corners.to_vec();
                if expected[0] == expected[N - 1] {
                    expected.remove(0);
                }
                expected.dedup();
                repeats += N - expected.len();
                let expected: Vec<UnitVector> = expected.iter().map(|&v| vertices[v as usize]).collect();
                assert_eq!(areas[polygon].to_bits(), polygon_area(&expected).to_bits(), "{N} corners of {size}, {polygon}");
                assert_eq!(areas[polygon].to_bits(), plain[polygon].to_bits());
            }
            assert!(count < 100 || repeats > 3, "{repeats}");
        }
        for size in [1e-4, 0.1, 2.0, 29.0] {
            for count in [0, 1, 8, 500] {
                check::<3>(size, count);
                check::<4>(size, count);
            }
        }
    }
}
