//! Points on the unit sphere: conversions and the little vector algebra that kernels share.

/// A direction from the centre of the sphere; length 1 unless said otherwise.
pub type UnitVector = [f64; 3];

/// Sine and cosine of an angle in degrees, exact at multiples of 90°.
///
/// Exactness at the quadrants makes poles and the meridians 0°, ±90°, 180° single points and planes,
/// however a file writes them (180 and -180, 0 and 360).
pub fn sin_cos_deg(angle_deg: f64) -> (f64, f64) {
    let turns = (angle_deg / 90.0).round();
    let (sin, cos) = (angle_deg - turns * 90.0).to_radians().sin_cos();
    match (turns as i64).rem_euclid(4) {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// Unit vector of a longitude and latitude in degrees.
///
/// ```
/// use knarr_kernels::sphere::unit_vector;
/// assert_eq!(unit_vector(180.0, 0.0), unit_vector(-180.0, 0.0));
/// assert_eq!(unit_vector(17.0, 90.0), [0.0, 0.0, 1.0]);
/// ```
pub fn unit_vector(lon_deg: f64, lat_deg: f64) -> UnitVector {
    let (sin_lat, cos_lat) = sin_cos_deg(lat_deg);
    let (sin_lon, cos_lon) = sin_cos_deg(lon_deg);
    // `+ 0.0` turns -0 into 0, so that equal points have equal bits.
    [cos_lat * cos_lon + 0.0, cos_lat * sin_lon + 0.0, sin_lat + 0.0]
}

/// Longitude in [-180°, 180°] and latitude in degrees of a vector of any length but 0.
pub fn lon_lat_deg(p: UnitVector) -> (f64, f64) {
    let lat = p[2].atan2(p[0].hypot(p[1])).to_degrees();
    let lon = if p[0] == 0.0 && p[1] == 0.0 { 0.0 } else { p[1].atan2(p[0]).to_degrees() };
    (lon, lat)
}

/// Scalar product.
#[inline(always)]
pub fn dot(a: UnitVector, b: UnitVector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Vector product.
#[inline(always)]
pub fn cross(a: UnitVector, b: UnitVector) -> UnitVector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Difference `a - b`.
#[inline(always)]
pub fn sub(a: UnitVector, b: UnitVector) -> UnitVector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// Sum `a + b`.
#[inline(always)]
pub fn add(a: UnitVector, b: UnitVector) -> UnitVector {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// `a` times the number `factor`.
#[inline(always)]
pub fn scale(a: UnitVector, factor: f64) -> UnitVector {
    [a[0] * factor, a[1] * factor, a[2] * factor]
}

/// `a` scaled to length 1; `None` for the zero vector and for what is not a number.
pub fn normalize(a: UnitVector) -> Option<UnitVector> {
    let length = dot(a, a).sqrt();
    (length > 0.0 && length.is_finite()).then(|| scale(a, 1.0 / length))
}

/// Angle between two unit vectors in radians, accurate for small and for large angles.
pub fn distance(a: UnitVector, b: UnitVector) -> f64 {
    let chord = sub(a, b);
    let antichord = add(a, b);
    2.0 * dot(chord, chord).sqrt().atan2(dot(antichord, antichord).sqrt())
}

/// A rotation of the sphere: `frame_from_geographic`, rows are the axes of the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation(pub [[f64; 3]; 3]);

impl Rotation {
    /// No rotation.
    pub const IDENTITY: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);

    /// Rotation into the frame of a rotated pole, as CF defines `rotated_latitude_longitude`:
    /// the north pole of the frame lies at (`pole_lon_deg`, `pole_lat_deg`), and the geographic north
    /// pole has the longitude `north_pole_grid_longitude_deg` (CF default 0) in the frame.
    pub fn from_rotated_pole(pole_lon_deg: f64, pole_lat_deg: f64, north_pole_grid_longitude_deg: f64) -> Self {
        let (sin_lat, cos_lat) = sin_cos_deg(pole_lat_deg);
        let (sin_lon, cos_lon) = sin_cos_deg(pole_lon_deg);
        // Axes of the frame before the turn about its own pole.
        let x = [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat];
        let y = [sin_lon, -cos_lon, 0.0];
        let z = [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat];
        let (s, c) = sin_cos_deg(north_pole_grid_longitude_deg);
        let turned_x = sub(scale(x, c), scale(y, s));
        let turned_y = add(scale(x, s), scale(y, c));
        Self([turned_x, turned_y, z])
    }

    /// The vector in the frame.
    #[inline(always)]
    pub fn apply(&self, p: UnitVector) -> UnitVector {
        [dot(self.0[0], p), dot(self.0[1], p), dot(self.0[2], p)]
    }

    /// The geographic vector of a vector in the frame.
    #[inline(always)]
    pub fn apply_inverse(&self, p: UnitVector) -> UnitVector {
        let [x, y, z] = self.0;
        [
            x[0] * p[0] + y[0] * p[1] + z[0] * p[2],
            x[1] * p[0] + y[1] * p[1] + z[1] * p[2],
            x[2] * p[0] + y[2] * p[1] + z[2] * p[2],
        ]
    }

    /// The north pole of the frame, in geographic coordinates.
    pub fn pole(&self) -> UnitVector {
        self.0[2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrant_angles_are_exact() {
        for k in -8..=8 {
            let (s, c) = sin_cos_deg(f64::from(k) * 90.0);
            assert!(s == 0.0 || s.abs() == 1.0, "{k}: {s}");
            assert_eq!(s.abs() + c.abs(), 1.0);
        }
        let (s, c) = sin_cos_deg(-30.0);
        assert!((s + 0.5).abs() < 1e-16 && (c - 0.75f64.sqrt()).abs() < 2e-16);
    }

    #[test]
    fn rotated_pole_puts_the_domain_centre_opposite_the_pole() {
        // CORDEX EUR-11: pole 39.25 N 162 W, so (0, 0) of the frame is 50.75 N 18 E.
        let rotation = Rotation::from_rotated_pole(-162.0, 39.25, 0.0);
        let (lon, lat) = lon_lat_deg(rotation.apply_inverse([1.0, 0.0, 0.0]));
        assert!((lon - 18.0).abs() < 1e-12 && (lat - 50.75).abs() < 1e-12, "{lon} {lat}");
        let (lon, lat) = lon_lat_deg(rotation.apply([0.0, 0.0, 1.0]));
        assert!(lon.abs() < 1e-12 && (lat - 39.25).abs() < 1e-12, "{lon} {lat}");
    }

    #[test]
    fn north_pole_grid_longitude_is_the_frame_longitude_of_the_north_pole() {
        let rotation = Rotation::from_rotated_pole(20.0, 60.0, 33.0);
        let (lon, _) = lon_lat_deg(rotation.apply([0.0, 0.0, 1.0]));
        assert!((lon - 33.0).abs() < 1e-12, "{lon}");
        let p = unit_vector(77.0, -12.0);
        assert!(distance(rotation.apply_inverse(rotation.apply(p)), p) < 1e-15);
    }
}
