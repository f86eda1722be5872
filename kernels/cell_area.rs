//! Areas on the unit sphere: great-circle polygons, and what a parallel adds to them.
//!
//! Every formula starts from differences of vertices. A plain triple product of unit vectors loses
//! digits as cells shrink (6e-7 relative at 64 m); the difference form keeps 5e-16 at any size.

mod lanes;

pub use lanes::areas_of_same_sized;

use crate::sphere::{UnitVector, cross, dot, sub};

/// Area of the great-circle triangle `a b c`, positive if the corners turn counter-clockwise seen from outside.
///
/// tan(E/2) = a·((b−a)×(c−a)) / (1 + a·b + b·c + c·a), after Van Oosterom and Strackee (1983),
/// IEEE Trans. Biomed. Eng. 30, 125–126, with the determinant taken from differences.
#[inline]
pub fn triangle_area(a: UnitVector, b: UnitVector, c: UnitVector) -> f64 {
    let (determinant, sum) = tangent_parts(a, b, c);
    let t = determinant / sum;
    if t.abs() < SMALL && sum > 0.0 { twice_small_angle(t) } else { 2.0 * determinant.atan2(sum) }
}

/// Tangents of half areas up to which the series is taken.
const SMALL: f64 = 1e-3;

/// Numerator and denominator of the tangent of half the area of a triangle.
#[inline(always)]
fn tangent_parts(a: UnitVector, b: UnitVector, c: UnitVector) -> (f64, f64) {
    (dot(a, cross(sub(b, a), sub(c, a))), 1.0 + dot(a, b) + dot(b, c) + dot(c, a))
}

/// 2·atan(t): the next term is below 3e-22.
#[inline(always)]
fn twice_small_angle(t: f64) -> f64 {
    let t2 = t * t;
    2.0 * t * (1.0 - t2 * (1.0 / 3.0 - t2 * (1.0 / 5.0 - t2 / 7.0)))
}

/// Area of a great-circle polygon, positive if its corners turn counter-clockwise seen from outside.
///
/// The sum of the triangles of a fan; exact also for concave polygons smaller than a hemisphere.
/// Fewer than three corners have no area.
///
/// ```
/// use knarr_kernels::{cell_area::polygon_area, sphere::unit_vector};
/// let octant = [unit_vector(0.0, 0.0), unit_vector(90.0, 0.0), unit_vector(0.0, 90.0)];
/// assert!((polygon_area(&octant) - std::f64::consts::FRAC_PI_2).abs() < 1e-15);
/// ```
pub fn polygon_area(corners: &[UnitVector]) -> f64 {
    // From +0: an empty sum would be -0.
    (2..corners.len()).fold(0.0, |area, k| area + triangle_area(corners[0], corners[k - 1], corners[k]))
}

/// Area between a parallel and the great circle through its two ends, positive towards the pole:
/// ∫ (sin φ_great_circle − sin φ) dλ = 2 [atan(s·tan δ) − s·δ], with s = sin φ and δ half the width.
///
/// `sin_lat` is the sine of the parallel's latitude, `width_rad` the longitudes it spans, in (−π, π);
/// the sign follows `width_rad · sin_lat`.
#[inline]
pub fn parallel_lens_area(sin_lat: f64, width_rad: f64) -> f64 {
    let s = sin_lat;
    let delta = 0.5 * width_rad;
    let s2 = s * s;
    if delta.abs() < 0.05 {
        // The two terms nearly cancel for narrow arcs; their difference as a series in δ, to δ⁹.
        let c2 = (1.0 - s) * (1.0 + s);
        let d2 = delta * delta;
        let k5 = 2.0 / 15.0 - s2 / 5.0;
        let k7 = 17.0 / 315.0 - s2 * (4.0 / 21.0 - s2 / 7.0);
        let k9 = 62.0 / 2835.0 - s2 * (2.0 / 15.0 - s2 * (2.0 / 9.0 - s2 / 9.0));
        2.0 * s * c2 * delta * d2 * (1.0 / 3.0 + d2 * (k5 + d2 * (k7 + d2 * k9)))
    } else {
        2.0 * ((s * delta.tan()).atan() - s * delta)
    }
}

/// Area of the quadrangle between two parallels and two meridians: (sin north − sin south) · width.
///
/// The difference of sines is taken as 2·cos(mean)·sin(half difference), exact for thin rows.
pub fn quadrangle_area(south_deg: f64, north_deg: f64, width_deg: f64) -> f64 {
    sine_difference(south_deg, north_deg) * width_deg.to_radians()
}

/// sin(north) − sin(south) without cancellation; latitudes in degrees.
pub fn sine_difference(south_deg: f64, north_deg: f64) -> f64 {
    let half = 0.5 * (north_deg - south_deg);
    let mean = south_deg + half;
    2.0 * crate::sphere::sin_cos_deg(mean).1 * crate::sphere::sin_cos_deg(half).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::unit_vector;
    use std::f64::consts::PI;

    #[test]
    fn quadrangles_cover_the_sphere() {
        let total: f64 = (0..180).map(|j| 360.0 * quadrangle_area(f64::from(j) - 90.0, f64::from(j) - 89.0, 1.0)).sum();
        assert!((total / (4.0 * PI) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn great_circle_polygon_and_lenses_make_the_quadrangle() {
        for (south, north, width) in [(10.0, 11.0, 1.0), (-80.0, -75.0, 5.0), (60.0, 60.02, 0.02), (88.0, 89.0, 30.0)] {
            let corners = [
                unit_vector(3.0, south),
                unit_vector(3.0 + width, south),
                unit_vector(3.0 + width, north),
                unit_vector(3.0, north),
            ];
            let width_rad = f64::to_radians(width);
            let (sin_south, sin_north) = (f64::to_radians(south).sin(), f64::to_radians(north).sin());
            let area =
                polygon_area(&corners) + parallel_lens_area(sin_south, width_rad) - parallel_lens_area(sin_north, width_rad);
            let exact = quadrangle_area(south, north, width);
            // Vertices are rounded to 1e-16, which is 1e-16/side of the area.
            let bound = 4e-16 / (width_rad.min(f64::to_radians(north - south)) * f64::to_radians(south).cos());
            assert!((area / exact - 1.0).abs() < bound, "{south} {north} {width}: {}", area / exact - 1.0);
        }
    }

    #[test]
    fn lens_series_meets_the_closed_form() {
        for s in [0.0, 0.1, 0.5, 0.9, 0.999, -0.7] {
            let delta: f64 = 0.0499;
            let closed = 2.0 * ((s * delta.tan()).atan() - s * delta);
            let series = parallel_lens_area(s, 2.0 * delta);
            // The closed form itself carries rounding of s·δ.
            assert!((series - closed).abs() <= 2e-17 + 1e-10 * closed.abs(), "{s}: {series} {closed}");
        }
    }

    #[test]
    fn small_triangles_keep_their_digits() {
        // A right triangle of legs 1e-5 at the equator; the plane area is right to 1e-10.
        let (a, h) = ([1.0, 0.0, 0.0], 1e-5f64);
        let b = [h.cos(), h.sin(), 0.0];
        let c = [h.cos(), 0.0, h.sin()];
        let plane = 0.5 * h * h;
        assert!((triangle_area(a, b, c) / plane - 1.0).abs() < 1e-9);
    }
}
