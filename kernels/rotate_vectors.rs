//! Horizontal vectors as three-dimensional ones and back: no pole, no seam, one way for every grid.
//!
//! A vector with the components (u, v) along the unit vectors a, b of its cell is V = u·a + v·b in Cartesian
//! components fixed to the Earth, which can be averaged between cells; at the destination u' = V·a', v' = V·b', and
//! what of V points up or down there (of second order in the distance between the cells) is left out.

use crate::sphere::{UnitVector, dot};
use rayon::prelude::*;

/// East and north at a longitude and latitude in degrees; at a pole those of the meridian that is named.
///
/// ```
/// use knarr_kernels::rotate_vectors::east_north;
/// let [east, north] = east_north(90.0, 0.0);
/// assert_eq!(east, [-1.0, 0.0, 0.0]);
/// assert_eq!(north, [0.0, 0.0, 1.0]);
/// ```
pub fn east_north(lon_deg: f64, lat_deg: f64) -> [UnitVector; 2] {
    let (sin_lon, cos_lon) = crate::sphere::sin_cos_deg(lon_deg);
    let (sin_lat, cos_lat) = crate::sphere::sin_cos_deg(lat_deg);
    // `+ 0.0` turns -0 into 0.
    [[-sin_lon + 0.0, cos_lon + 0.0, 0.0], [-sin_lat * cos_lon + 0.0, -sin_lat * sin_lon + 0.0, cos_lat + 0.0]]
}

/// Cartesian components of the vectors (`u`, `v`), one per cell, along the `axes` of each cell; in the units of `u`.
///
/// # Panics
/// If lengths differ.
pub fn to_cartesian(u: &[f64], v: &[f64], axes: &[[UnitVector; 2]]) -> [Vec<f64>; 3] {
    assert!(u.len() == axes.len() && v.len() == axes.len(), "two components and two axes per cell");
    let component = |c: usize| (0..u.len()).into_par_iter().map(|i| u[i] * axes[i][0][c] + v[i] * axes[i][1][c]).collect();
    [component(0), component(1), component(2)]
}

/// Components of Cartesian vectors along the `axes` of each cell.
///
/// Axes need not be at right angles: u·a + v·b is the part of the vector in their plane.
///
/// # Panics
/// If lengths differ.
pub fn from_cartesian(vectors: [&[f64]; 3], axes: &[[UnitVector; 2]]) -> [Vec<f64>; 2] {
    assert!(vectors.iter().all(|v| v.len() == axes.len()), "three components and two axes per cell");
    let both: Vec<[f64; 2]> = axes
        .par_iter()
        .enumerate()
        .map(|(i, &[a, b])| {
            let p = [vectors[0][i], vectors[1][i], vectors[2][i]];
            let (along_a, along_b, skew) = (dot(p, a), dot(p, b), dot(a, b));
            let square = 1.0 - skew * skew;
            // Parallel axes have no plane; their common direction is all there is.
            if square < 1e-12 {
                [along_a, 0.0]
            } else {
                [(along_a - skew * along_b) / square, (along_b - skew * along_a) / square]
            }
        })
        .collect();
    [both.iter().map(|c| c[0]).collect(), both.iter().map(|c| c[1]).collect()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_identity_also_on_skewed_axes() {
        let n = 500;
        let axes: Vec<[UnitVector; 2]> = (0..n)
            .map(|k| {
                let [east, north] = east_north(0.73 * k as f64 - 200.0, 0.36 * k as f64 - 90.0);
                // A grid turned by k degrees whose second axis leans by 20 degrees.
                let turned = |deg: f64| {
                    let (s, c) = deg.to_radians().sin_cos();
                    std::array::from_fn(|i| c * east[i] + s * north[i])
                };
                [turned(k as f64), turned(k as f64 + 70.0)]
            })
            .collect();
        let u: Vec<f64> = (0..n).map(|k| (k as f64 * 0.7).sin() * 20.0).collect();
        let v: Vec<f64> = (0..n).map(|k| (k as f64 * 0.3).cos() * 15.0).collect();
        let [x, y, z] = to_cartesian(&u, &v, &axes);
        let [u_again, v_again] = from_cartesian([&x, &y, &z], &axes);
        for k in 0..n {
            assert!((u[k] - u_again[k]).abs() < 1e-13 && (v[k] - v_again[k]).abs() < 1e-13, "{k}");
        }
    }
}
