//! Points and places that searches for the nearest point are tried on.

use super::cube::Seen;
use knarr_kernels::sphere::{UnitVector, unit_vector};

/// A lattice of `step` degrees with pole rows, where many points are in one place.
pub(super) fn lattice(step: f64) -> Vec<UnitVector> {
    let [nx, ny] = [360.0, 180.0].map(|degrees| (degrees / step) as u32);
    (0..nx * (ny + 1)).map(|k| unit_vector(f64::from(k % nx) * step, f64::from(k / nx) * step - 90.0)).collect()
}

/// Points of a spiral around the globe, from north to south.
pub(super) fn globe() -> Vec<UnitVector> {
    let height = |k: u32| 1.0 - (2.0 * f64::from(k) + 1.0) / 20_000.0;
    (0..20_000).map(|k| unit_vector(f64::from(k) * 137.50776, height(k).asin().to_degrees())).collect()
}

/// Places along two edges of each face of the cube, where points of two faces are near, and its corners.
pub(super) fn edges() -> Vec<UnitVector> {
    let at = |face, k: u32| Seen::point(face, f64::from(k % 100) / 50.0 - 1.0, f64::from(k / 100 % 2) * 2.0 - 1.0);
    (0..6).flat_map(|face| (0..1000).map(move |k| at(face, k))).collect()
}

/// A region, a hundred times as dense as the globe.
pub(super) fn region() -> Vec<UnitVector> {
    (0..6000).map(|k| unit_vector(-76.0 + 0.01 * f64::from(k % 60), 37.0 + 0.01 * f64::from(k / 60))).collect()
}
