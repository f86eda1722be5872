//! What the outline of a small cell is like, by least and greatest values over its corners: enough to tell sound cells from
//! others.
//!
//! With corners p_k, edges e_k = p_{k+1} − p_k and a middle m: |e_k|², |m − p_k|², and the turns p_k · (e_k × e_{k+1}), positive to
//! the left.

use crate::sphere::{UnitVector, cross, dot, sub};

/// Least and greatest values over the corners of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outline {
    /// Square of the shortest edge.
    pub shortest2: f64,
    /// Square of the distance of the nearest corner from the middle.
    pub nearest2: f64,
    /// The same of the farthest corner.
    pub farthest2: f64,
    /// The least turn.
    pub least_turn: f64,
    /// The greatest turn.
    pub greatest_turn: f64,
}

/// The outline of a cell of three or four corners, given by their numbers among `vertices`.
///
/// # Panics
/// If there is no vertex of a number, or `N` is neither 3 nor 4.
#[inline]
pub fn outline<const N: usize>(vertices: &[UnitVector], corners: &[u32; N], middle: UnitVector) -> Outline {
    const { assert!(N == 3 || N == 4, "triangles and quadrangles") };
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
        // SAFETY: the processor has AVX2, as just asked.
        return unsafe { avx2::outline(corners.map(|v| &vertices[v as usize]), middle) };
    }
    plain(corners.map(|v| vertices[v as usize]), middle)
}

fn plain<const N: usize>(points: [UnitVector; N], middle: UnitVector) -> Outline {
    let least = |a: f64, b: f64| if b < a { b } else { a };
    let greatest = |a: f64, b: f64| if b > a { b } else { a };
    let edge = |k: usize| sub(points[(k + 1) % N], points[k % N]);
    let mut all = Outline {
        shortest2: f64::INFINITY,
        nearest2: f64::INFINITY,
        farthest2: f64::NEG_INFINITY,
        least_turn: f64::INFINITY,
        greatest_turn: f64::NEG_INFINITY,
    };
    for (k, &p) in points.iter().enumerate() {
        let (own, next, away) = (edge(k), edge(k + 1), sub(middle, p));
        let (reach2, turn) = (dot(away, away), dot(p, cross(own, next)));
        all.shortest2 = least(all.shortest2, dot(own, own));
        all.nearest2 = least(all.nearest2, reach2);
        all.farthest2 = greatest(all.farthest2, reach2);
        all.least_turn = least(all.least_turn, turn);
        all.greatest_turn = greatest(all.greatest_turn, turn);
    }
    all
}

/// The corners side by side; where there are three, the first one comes twice.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Outline, UnitVector};
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn outline<const N: usize>(points: [&UnitVector; N], middle: UnitVector) -> Outline {
        let [a, b, c, d] = [load(points[0]), load(points[1]), load(points[2]), load(points[3 % N])];
        let (low_ab, high_ab) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (low_cd, high_cd) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        let p = Vectors {
            x: _mm256_permute2f128_pd::<0x20>(low_ab, low_cd),
            y: _mm256_permute2f128_pd::<0x20>(high_ab, high_cd),
            z: _mm256_permute2f128_pd::<0x31>(low_ab, low_cd),
        };
        let edges = p.next::<N>().minus(p);
        let middle = Vectors { x: _mm256_set1_pd(middle[0]), y: _mm256_set1_pd(middle[1]), z: _mm256_set1_pd(middle[2]) };
        let away = middle.minus(p);
        let (reach2, turns) = (away.dot(away), p.dot(edges.cross(edges.next::<N>())));
        Outline {
            shortest2: least(edges.dot(edges)),
            nearest2: least(reach2),
            farthest2: greatest(reach2),
            least_turn: least(turns),
            greatest_turn: greatest(turns),
        }
    }

    /// Four vectors, coordinate by coordinate.
    #[derive(Clone, Copy)]
    struct Vectors {
        x: __m256d,
        y: __m256d,
        z: __m256d,
    }

    impl Vectors {
        /// For each corner the one after it.
        #[inline]
        #[target_feature(enable = "avx2")]
        fn next<const N: usize>(self) -> Self {
            if N == 4 {
                let next = |v| _mm256_permute4x64_pd::<0b00_11_10_01>(v);
                Self { x: next(self.x), y: next(self.y), z: next(self.z) }
            } else {
                let next = |v| _mm256_permute4x64_pd::<0b01_00_10_01>(v);
                Self { x: next(self.x), y: next(self.y), z: next(self.z) }
            }
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        fn minus(self, b: Self) -> Self {
            Self { x: _mm256_sub_pd(self.x, b.x), y: _mm256_sub_pd(self.y, b.y), z: _mm256_sub_pd(self.z, b.z) }
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        fn dot(self, b: Self) -> __m256d {
            let xy = _mm256_add_pd(_mm256_mul_pd(self.x, b.x), _mm256_mul_pd(self.y, b.y));
            _mm256_add_pd(xy, _mm256_mul_pd(self.z, b.z))
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        fn cross(self, b: Self) -> Self {
            Self {
                x: _mm256_sub_pd(_mm256_mul_pd(self.y, b.z), _mm256_mul_pd(self.z, b.y)),
                y: _mm256_sub_pd(_mm256_mul_pd(self.z, b.x), _mm256_mul_pd(self.x, b.z)),
                z: _mm256_sub_pd(_mm256_mul_pd(self.x, b.y), _mm256_mul_pd(self.y, b.x)),
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(p: &UnitVector) -> __m256d {
        #[allow(unsafe_code, reason = "the fourth number is beyond the vector")]
        // SAFETY: the mask leaves it out.
        unsafe {
            _mm256_maskload_pd(p.as_ptr(), _mm256_setr_epi64x(-1, -1, -1, 0))
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn least(v: __m256d) -> f64 {
        let halves = _mm_min_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        _mm_cvtsd_f64(_mm_min_sd(halves, _mm_unpackhi_pd(halves, halves)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn greatest(v: __m256d) -> f64 {
        let halves = _mm_max_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        _mm_cvtsd_f64(_mm_max_sd(halves, _mm_unpackhi_pd(halves, halves)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::unit_vector;

    #[test]
    fn corners_side_by_side_are_those_one_by_one() {
        let vertices: Vec<UnitVector> =
            (0..500).map(|k| unit_vector(f64::from(k) * 137.5, f64::from(k * 61 % 179) - 89.0)).collect();
        for k in 0..480 {
            let middle = vertices[k as usize + 17];
            let quadrangle = [k, k * 7 % 500, k + 3, k * 31 % 500];
            let expected = plain(quadrangle.map(|v| vertices[v as usize]), middle);
            assert_eq!(outline(&vertices, &quadrangle, middle), expected, "{quadrangle:?}");
            let triangle = [k + 11, k * 7 % 500, k * 13 % 500];
            let expected = plain(triangle.map(|v| vertices[v as usize]), middle);
            assert_eq!(outline(&vertices, &triangle, middle), expected, "{triangle:?}");
        }
    }

    #[test]
    fn a_square_turns_left_by_the_squares_of_its_edges() {
        let vertices = [(0.0, 0.0), (0.01, 0.0), (0.01, 0.01), (0.0, 0.01)].map(|(lon, lat)| unit_vector(lon, lat));
        let edge2 = 0.01f64.to_radians().powi(2);
        let found = outline(&vertices, &[0, 1, 2, 3], unit_vector(0.005, 0.005));
        for (value, expected) in [
            (found.shortest2, edge2),
            (found.nearest2, 0.5 * edge2),
            (found.farthest2, 0.5 * edge2),
            (found.least_turn, edge2),
            (found.greatest_turn, edge2),
        ] {
            assert!((value / expected - 1.0).abs() < 1e-6, "{found:?}");
        }
        assert!(outline(&vertices, &[3, 2, 1, 0], vertices[0]).greatest_turn < -0.99 * edge2);
    }
}
