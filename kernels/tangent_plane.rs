//! The plane that touches the sphere at a point: great circles are straight lines there.

use crate::sphere::{UnitVector, add, cross, dot, normalize, sub};

/// A point of a tangent plane.
pub type PlanePoint = [f64; 2];

/// Least cosine of the angle from a cell's middle for which its tangent plane is used.
const LEAST_COSINE: f64 = 0.25;

/// A tangent plane with gnomonic coordinates: no pole and no seam.
#[derive(Clone, Copy, Debug)]
pub struct TangentPlane {
    center: UnitVector,
    axes: [UnitVector; 2],
    least_cosine: f64,
}

impl TangentPlane {
    /// The plane at `center`, for points whose angle from it has at least this cosine; the axes are some
    /// right-handed pair.
    #[inline]
    pub fn new(center: UnitVector, least_cosine: f64) -> Self {
        // The coordinate axis farthest from the centre gives the best-conditioned pair.
        let smallest = (0..3).min_by(|&i, &j| center[i].abs().total_cmp(&center[j].abs())).unwrap_or(0);
        let mut axis = [0.0; 3];
        axis[smallest] = 1.0;
        let first = normalize(cross(axis, center)).unwrap_or([1.0, 0.0, 0.0]);
        Self { center, axes: [first, cross(center, first)], least_cosine }
    }

    /// Where it touches the sphere.
    pub fn center(&self) -> UnitVector {
        self.center
    }

    /// The axes of x and y.
    pub fn axes(&self) -> [UnitVector; 2] {
        self.axes
    }

    /// The plane at the middle of a cell's corners, for points up to 75° from it.
    #[inline(always)]
    pub fn of_cell(corners: &[UnitVector]) -> Self {
        let sum = corners.iter().fold([0.0; 3], |s, &p| add(s, p));
        Self::new(normalize(sum).unwrap_or([0.0, 0.0, 1.0]), LEAST_COSINE)
    }

    /// Coordinates of `p`; `None` if it is too far from the centre.
    ///
    /// The offset from the centre is taken before anything is multiplied, so that neighbours keep their digits.
    #[inline(always)]
    pub fn project(&self, p: UnitVector) -> Option<PlanePoint> {
        let offset = sub(p, self.center);
        let cosine = 1.0 + dot(offset, self.center);
        (cosine > self.least_cosine).then(|| {
            let inverse = 1.0 / cosine;
            [dot(offset, self.axes[0]) * inverse, dot(offset, self.axes[1]) * inverse]
        })
    }

    /// [`TangentPlane::project`] of several points, by coordinate: `p[axis][lane]` to `x[lane]`, `y[lane]`.
    /// Whether all are near enough to the centre; if not, the coordinates mean nothing.
    #[inline(always)]
    pub fn project_lanes<const N: usize>(&self, p: &[[f64; N]; 3], x: &mut [f64; N], y: &mut [f64; N]) -> bool {
        let mut least = f64::INFINITY;
        for lane in 0..N {
            let offset = sub([p[0][lane], p[1][lane], p[2][lane]], self.center);
            let cosine = 1.0 + dot(offset, self.center);
            let inverse = 1.0 / cosine;
            least = if cosine < least { cosine } else { least };
            x[lane] = dot(offset, self.axes[0]) * inverse;
            y[lane] = dot(offset, self.axes[1]) * inverse;
        }
        least > self.least_cosine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::unit_vector;

    #[test]
    fn the_distance_in_the_plane_is_the_tangent_of_the_angle() {
        let plane = TangentPlane::new(unit_vector(30.0, 60.0), 0.1);
        for angle in [1e-6, 0.02, 1.0, 70.0] {
            let [x, y] = plane.project(unit_vector(30.0, 60.0 - angle)).expect("near enough");
            // Rounding of a latitude weighs more the smaller the angle, and the tangent steepens towards 90 degrees.
            assert!((x.hypot(y) / f64::to_radians(angle).tan() - 1.0).abs() < 4e-16 * (90.0 / angle + 5.0), "{angle}");
        }
        assert_eq!(plane.project(unit_vector(-150.0, 10.0)), None);
    }

    #[test]
    fn the_tangent_plane_sees_great_circles_straight() {
        for (lon, lat) in [(0.0, 0.0), (33.0, 60.0), (10.0, 90.0), (-120.0, -45.0)] {
            let plane = TangentPlane::new(unit_vector(lon, lat), 1e-3);
            let (a, b) = (unit_vector(lon + 3.0, lat - 5.0), unit_vector(lon - 8.0, lat - 1.0));
            let middle = normalize(std::array::from_fn(|k| 0.4 * a[k] + 0.6 * b[k])).expect("not opposite");
            let [a, b, m] = [a, b, middle].map(|p| plane.project(p).expect("near"));
            let turn = (m[0] - a[0]) * (b[1] - a[1]) - (m[1] - a[1]) * (b[0] - a[0]);
            assert!(turn.abs() < 1e-16);
        }
    }
}
