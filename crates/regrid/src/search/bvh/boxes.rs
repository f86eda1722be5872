//! Boxes around what lies on the unit sphere.

/// An axis-parallel box around part of the unit sphere; single precision, rounded outward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Box3 {
    /// Least x, y, z.
    pub min: [f32; 3],
    /// Greatest x, y, z.
    pub max: [f32; 3],
}

/// More than the rounding of a coordinate in [-1, 1] to single precision.
pub(super) const ROUNDING: f32 = 1.2e-7;

impl Box3 {
    /// Overlaps nothing.
    pub const EMPTY: Self = Self { min: [f32::INFINITY; 3], max: [f32::NEG_INFINITY; 3] };

    /// Around points, widened by `margin` on every side for what bulges beyond them.
    pub fn around(points: impl IntoIterator<Item = [f64; 3]>, margin: f64) -> Self {
        let mut result = Self::EMPTY;
        for p in points {
            let p = p.map(|c| c as f32);
            result = result.and(&Self { min: p, max: p });
        }
        result.widened(margin)
    }

    #[inline(always)]
    fn widened(mut self, margin: f64) -> Self {
        let margin = margin as f32 * (1.0 + ROUNDING) + ROUNDING;
        for axis in 0..3 {
            self.min[axis] -= margin;
            self.max[axis] += margin;
        }
        self
    }

    /// Around the corners of a great-circle polygon: an edge of chord c rises at most c²/8·(1 + c²) above its
    /// chord, and the face bulges as the sphere does over the widest diagonal.
    #[inline]
    pub fn around_corners(corners: impl Iterator<Item = [f64; 3]>) -> Self {
        let mut corners = corners;
        let Some(first) = corners.next() else { return Self::EMPTY };
        let (mut min, mut max, mut reach2) = (first, first, 0.0);
        for p in corners {
            let mut chord2 = 0.0;
            for axis in 0..3 {
                min[axis] = if p[axis] < min[axis] { p[axis] } else { min[axis] };
                max[axis] = if p[axis] > max[axis] { p[axis] } else { max[axis] };
                chord2 += (p[axis] - first[axis]) * (p[axis] - first[axis]);
            }
            reach2 = if chord2 > reach2 { chord2 } else { reach2 };
        }
        // The polygon lies within `reach` of the first corner, so all its diagonals are below 2·reach.
        let margin = 1.0 - (1.0 - reach2).max(0.0).sqrt();
        Self { min: min.map(|c| c as f32), max: max.map(|c| c as f32) }.widened(margin)
    }

    /// Around both.
    #[inline]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = *self;
        for axis in 0..3 {
            both.min[axis] = if other.min[axis] < both.min[axis] { other.min[axis] } else { both.min[axis] };
            both.max[axis] = if other.max[axis] > both.max[axis] { other.max[axis] } else { both.max[axis] };
        }
        both
    }

    /// Half of its surface; 0 if empty.
    pub fn size(&self) -> f32 {
        let [x, y, z] = std::array::from_fn(|axis| (self.max[axis] - self.min[axis]).max(0.0));
        x * y + y * z + z * x
    }
}
