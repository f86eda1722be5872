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

/// Cells that one thread takes at a time.
const BLOCK: usize = 1 << 14;

/// Cartesian components of the vectors (`u`, `v`), one per cell, along the `axes` of each cell; in the units of `u`.
///
/// # Panics
/// If lengths differ.
pub fn to_cartesian(u: &[f64], v: &[f64], axes: &[[UnitVector; 2]]) -> [Vec<f64>; 3] {
    assert!(u.len() == axes.len() && v.len() == axes.len(), "two components and two axes per cell");
    let mut vectors = vec![0.0; 3 * u.len()];
    to_cartesian_into([Some(u), Some(v)], axes, &mut vectors);
    let z = vectors.split_off(2 * u.len());
    let y = vectors.split_off(u.len());
    [vectors, y, z]
}

/// [`to_cartesian`] for whole slabs of cells: `cartesian` gets all x, all y, all z, each slab after slab. A component
/// that is not given is 0.
///
/// # Panics
/// If `cartesian` is not three times as long as a component, or that not a whole number of slabs.
pub fn to_cartesian_into(components: [Option<&[f64]>; 2], axes: &[[UnitVector; 2]], cartesian: &mut [f64]) {
    let (cells, len) = (axes.len(), cartesian.len() / 3);
    assert!(cartesian.len() == 3 * len && len.is_multiple_of(cells.max(1)), "three components of whole slabs");
    assert!(components.iter().flatten().all(|c| c.len() == len), "as many values of both components");
    if cells == 0 {
        return;
    }
    cartesian.par_chunks_mut(len).enumerate().for_each(|(c, all)| {
        all.par_chunks_mut(cells).enumerate().for_each(|(slab, out)| {
            out.par_chunks_mut(BLOCK).zip(axes.par_chunks(BLOCK)).enumerate().for_each(|(block, (out, axes))| {
                let first = slab * cells + block * BLOCK;
                let of = |k: usize| components[k].map(|values| &values[first..first + out.len()]);
                match (of(0), of(1)) {
                    (Some(u), Some(v)) => {
                        for (((out, u), v), [a, b]) in out.iter_mut().zip(u).zip(v).zip(axes) {
                            *out = u * a[c] + v * b[c];
                        }
                    }
                    (Some(u), None) => out.iter_mut().zip(u).zip(axes).for_each(|((out, u), [a, _])| *out = u * a[c]),
                    (None, Some(v)) => out.iter_mut().zip(v).zip(axes).for_each(|((out, v), [_, b])| *out = v * b[c]),
                    (None, None) => out.fill(0.0),
                }
            });
        });
    });
}

/// Components of Cartesian vectors along the `axes` of each cell.
///
/// Axes need not be at right angles: u·a + v·b is the part of the vector in their plane.
///
/// # Panics
/// If lengths differ.
pub fn from_cartesian(vectors: [&[f64]; 3], axes: &[[UnitVector; 2]]) -> [Vec<f64>; 2] {
    assert!(vectors.iter().all(|v| v.len() == axes.len()), "three components and two axes per cell");
    let (mut u, mut v) = (vec![0.0; axes.len()], vec![0.0; axes.len()]);
    from_cartesian_into(&vectors.concat(), axes, &mut u, &mut v);
    [u, v]
}

/// [`from_cartesian`] for whole slabs of cells, `cartesian` as [`to_cartesian_into`] makes it.
///
/// # Panics
/// If `cartesian` is not three times as long as `u` and `v`, or these not a whole number of slabs.
pub fn from_cartesian_into(cartesian: &[f64], axes: &[[UnitVector; 2]], u: &mut [f64], v: &mut [f64]) {
    let (cells, len) = (axes.len(), u.len());
    assert!(cartesian.len() == 3 * len && v.len() == len && len.is_multiple_of(cells.max(1)), "three components of whole slabs");
    if cells == 0 {
        return;
    }
    u.par_chunks_mut(cells).zip(v.par_chunks_mut(cells)).enumerate().for_each(|(slab, (u, v))| {
        let blocks = u.par_chunks_mut(BLOCK).zip(v.par_chunks_mut(BLOCK)).zip(axes.par_chunks(BLOCK));
        blocks.enumerate().for_each(|(block, ((u, v), axes))| {
            let first = slab * cells + block * BLOCK;
            let [x, y, z] = [0, 1, 2].map(|c| &cartesian[c * len + first..c * len + first + axes.len()]);
            for (i, &axes) in axes.iter().enumerate() {
                [u[i], v[i]] = along([x[i], y[i], z[i]], axes);
            }
        });
    });
}

/// Components of the vector `p` along two axes.
#[inline]
fn along(p: [f64; 3], [a, b]: [UnitVector; 2]) -> [f64; 2] {
    let (along_a, along_b, skew) = (dot(p, a), dot(p, b), dot(a, b));
    let square = 1.0 - skew * skew;
    // Parallel axes have no plane; their common direction is all there is.
    if square < 1e-12 { [along_a, 0.0] } else { [(along_a - skew * along_b) / square, (along_b - skew * along_a) / square] }
}

/// Length of the longest vector u·a + v·b of whole slabs, both components of which are valid; 0 if there is none.
///
/// # Panics
/// If lengths differ.
pub fn longest([u, v]: [&[f64]; 2], valid: [Option<&[bool]>; 2], axes: &[[UnitVector; 2]]) -> f64 {
    assert!(u.len() == v.len() && u.len().is_multiple_of(axes.len().max(1)), "two components of whole slabs");
    let square = |i: usize| {
        let [a, b] = axes[i % axes.len()];
        let counts = valid.iter().flatten().all(|valid| valid[i]);
        if counts { u[i] * u[i] + v[i] * v[i] + 2.0 * u[i] * v[i] * dot(a, b) } else { 0.0 }
    };
    (0..u.len()).into_par_iter().with_min_len(BLOCK).map(square).reduce(|| 0.0, f64::max).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grid of `n` cells turned by 1 degree more from cell to cell, whose second axis leans by 20 degrees.
    fn skewed(n: usize) -> Vec<[UnitVector; 2]> {
        let axes = |k: usize| {
            let [east, north] = east_north(0.73 * k as f64 - 200.0, 0.36 * k as f64 - 90.0);
            let turned = |deg: f64| {
                let (s, c) = deg.to_radians().sin_cos();
                std::array::from_fn(|i| c * east[i] + s * north[i])
            };
            [turned(k as f64), turned(k as f64 + 70.0)]
        };
        (0..n).map(axes).collect()
    }

    #[test]
    fn there_and_back_is_the_identity_also_on_skewed_axes() {
        let n = 500;
        let axes = skewed(n);
        let u: Vec<f64> = (0..n).map(|k| (k as f64 * 0.7).sin() * 20.0).collect();
        let v: Vec<f64> = (0..n).map(|k| (k as f64 * 0.3).cos() * 15.0).collect();
        let [x, y, z] = to_cartesian(&u, &v, &axes);
        let [u_again, v_again] = from_cartesian([&x, &y, &z], &axes);
        for k in 0..n {
            assert!((u[k] - u_again[k]).abs() < 1e-13 && (v[k] - v_again[k]).abs() < 1e-13, "{k}");
        }
    }

    /// Slabs at once are the slabs one by one, and the parts of two components add up to the whole.
    #[test]
    fn slabs_and_components_may_be_taken_apart() {
        let (cells, slabs) = (BLOCK + 77, 2);
        let axes = skewed(cells);
        let wave = |phase: f64| (0..cells * slabs).map(|k| (k as f64 * 0.7 + phase).sin() * 20.0).collect::<Vec<f64>>();
        let (u, v) = (wave(0.0), wave(1.0));
        let of = |components| {
            let mut all = vec![f64::NAN; 3 * u.len()];
            to_cartesian_into(components, &axes, &mut all);
            all
        };
        let whole = of([Some(&u), Some(&v)]);
        let (first, second) = (of([Some(&u), None]), of([None, Some(&v)]));
        assert!(whole.iter().zip(first.iter().zip(&second)).all(|(w, (a, b))| *w == a + b));
        assert!(of([None, None]).iter().all(|&x| x == 0.0));
        let (mut u_again, mut v_again) = (vec![f64::NAN; u.len()], vec![f64::NAN; v.len()]);
        from_cartesian_into(&whole, &axes, &mut u_again, &mut v_again);
        for slab in 0..slabs {
            let part = slab * cells..(slab + 1) * cells;
            let [x, y, z] = to_cartesian(&u[part.clone()], &v[part.clone()], &axes);
            assert_eq!(from_cartesian([&x, &y, &z], &axes), [u_again[part.clone()].to_vec(), v_again[part].to_vec()]);
        }
        let error = u.iter().zip(&u_again).chain(v.iter().zip(&v_again)).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        // Skewed by 70 degrees, rounding of 20 grows by 1 / sin² 70 twice.
        assert!(error < 1e-13, "{error:e}");
    }

    #[test]
    fn the_longest_vector_is_measured_in_space() {
        let axes = skewed(3);
        let (u, v) = ([3.0, 1.0, 9.0], [4.0, 0.0, 9.0]);
        let [x, y, z] = to_cartesian(&u, &v, &axes);
        let length = |i: usize| (x[i] * x[i] + y[i] * y[i] + z[i] * z[i]).sqrt();
        assert!((longest([&u, &v], [Some(&[true, true, false]), None], &axes) - length(0)).abs() < 1e-14);
        assert!((longest([&u, &v], [None, None], &axes) - length(2)).abs() < 1e-14);
        assert_eq!(longest([&u, &v], [Some(&[true; 3]), Some(&[false; 3])], &axes), 0.0);
    }
}
