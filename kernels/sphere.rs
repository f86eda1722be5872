//! Points on the unit sphere: conversions and the little vector algebra that kernels share.

/// A direction from the centre of the sphere; length 1 unless said otherwise.
pub type UnitVector = [f64; 3];

/// Sine and cosine of an angle in degrees, exact at multiples of 90°; elsewhere within two units in the last place.
///
/// Exactness at the quadrants makes poles and the meridians 0°, ±90°, 180° single points and planes,
/// however a file writes them (180 and -180, 0 and 360). Sums and products alone: the bits are the same on all machines,
/// whatever their mathematical library, and a mesh of millions of corners does not wait for calls.
#[inline]
pub fn sin_cos_deg(angle_deg: f64) -> (f64, f64) {
    // The nearest integer of what is less than 2^51: numbers of this size have no fractions.
    const SHIFT: f64 = 1.5 * (1u64 << 52) as f64;
    let shifted = angle_deg / 90.0 + SHIFT;
    let quadrants = shifted - SHIFT;
    let (sin, cos) = sin_cos_of_small((angle_deg - quadrants * 90.0).to_radians());
    // Which of the two comes first, and their signs, by bits and without a branch: angles of a mesh are in all quadrants, and
    // so several go into one vector.
    let quadrant = shifted.to_bits();
    let (sin, cos) = (sin.to_bits(), cos.to_bits());
    let swapped = (sin ^ cos) & (quadrant & 1).wrapping_neg();
    let sign = |quadrant: u64| (quadrant & 2) << 62;
    (f64::from_bits(sin ^ swapped ^ sign(quadrant)), f64::from_bits(cos ^ swapped ^ sign(quadrant + 1)))
}

/// Sine and cosine of an angle in radians, at most a quarter of π and a little either way.
///
/// Polynomials whose largest error is least, 2^-58 of the sine and 2^-60 of the cosine (Sun Microsystems, fdlibm 5.3).
#[inline(always)]
fn sin_cos_of_small(x: f64) -> (f64, f64) {
    const S: [f64; 6] = [
        -1.666_666_666_666_663_2e-1,
        8.333_333_333_322_49e-3,
        -1.984_126_982_985_795e-4,
        2.755_731_370_707_006_8e-6,
        -2.505_076_025_340_686_3e-8,
        1.589_690_995_211_55e-10,
    ];
    const C: [f64; 6] = [
        4.166_666_666_666_66e-2,
        -1.388_888_888_887_411e-3,
        2.480_158_728_947_673e-5,
        -2.755_731_435_139_066_3e-7,
        2.087_572_321_298_175e-9,
        -1.135_964_755_778_819_5e-11,
    ];
    let z = x * x;
    let w = z * z;
    // Halves that do not wait for each other.
    let s = (S[1] + z * S[2]) + w * ((S[3] + z * S[4]) + w * S[5]);
    let sin = x + z * x * (S[0] + z * s);
    let c = z * (C[0] + z * C[1]) + w * z * ((C[2] + z * C[3]) + w * (C[4] + z * C[5]));
    let half = 0.5 * z;
    let cos = 1.0 - half;
    // What is lost of the half in the difference comes back with the rest.
    (sin, cos + (((1.0 - cos) - half) + z * c))
}

/// Unit vector of a longitude and latitude in degrees.
///
/// ```
/// use knarr_kernels::sphere::unit_vector;
/// assert_eq!(unit_vector(180.0, 0.0), unit_vector(-180.0, 0.0));
/// assert_eq!(unit_vector(17.0, 90.0), [0.0, 0.0, 1.0]);
/// ```
#[inline]
pub fn unit_vector(lon_deg: f64, lat_deg: f64) -> UnitVector {
    let (sin_lat, cos_lat) = sin_cos_deg(lat_deg);
    let (sin_lon, cos_lon) = sin_cos_deg(lon_deg);
    // `+ 0.0` turns -0 into 0, so that equal points have equal bits.
    [cos_lat * cos_lon + 0.0, cos_lat * sin_lon + 0.0, sin_lat + 0.0]
}

/// The unit vectors of many places, whose longitudes and latitudes in degrees `lon_lat` tells: the bits of [`unit_vector`], several
/// at a time.
///
/// # Panics
/// If there are not as many units as places.
pub fn unit_vectors<P: Copy>(places: &[P], lon_lat: impl Fn(P) -> [f64; 2], units: &mut [UnitVector]) {
    assert_eq!(places.len(), units.len(), "a vector for each place");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
        // SAFETY: the processor has AVX2, as just asked.
        return unsafe { unit_vectors_avx2(places, lon_lat, units) };
    }
    unit_vectors_here(places, lon_lat, units);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn unit_vectors_avx2<P: Copy>(places: &[P], lon_lat: impl Fn(P) -> [f64; 2], units: &mut [UnitVector]) {
    unit_vectors_here(places, lon_lat, units);
}

#[inline(always)]
fn unit_vectors_here<P: Copy>(places: &[P], lon_lat: impl Fn(P) -> [f64; 2], units: &mut [UnitVector]) {
    for (&place, unit) in places.iter().zip(units) {
        let [lon_deg, lat_deg] = lon_lat(place);
        *unit = unit_vector(lon_deg, lat_deg);
    }
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
