//! Numbers as sums of two: 32 digits, where differences of nearly equal ones are all that counts.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number and what rounding took from it, below half a unit of its last place.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub(crate) struct DoubleDouble {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

/// π.
pub(crate) const PI: DoubleDouble = DoubleDouble { high: std::f64::consts::PI, low: 1.224_646_799_147_353_2e-16 };

/// 1/(k (k − 1)) for each k from 2 on.
const RECIPROCALS: [DoubleDouble; 30] = {
    let mut reciprocals = [DoubleDouble { high: 0.0, low: 0.0 }; 30];
    let mut k = 2;
    while k < reciprocals.len() {
        reciprocals[k] = reciprocal((k * (k - 1)) as f64);
        k += 1;
    }
    reciprocals
};

/// 1/n of a whole number of up to 26 bits.
const fn reciprocal(n: f64) -> DoubleDouble {
    let high = 1.0 / n;
    // With 26 bits in each factor products are exact, and so is what is left of 1.
    let coarse = f64::from_bits(high.to_bits() >> 27 << 27);
    DoubleDouble { high, low: ((1.0 - coarse * n) - (high - coarse) * n) / n }
}

impl DoubleDouble {
    /// a + b, of any sizes: Knuth's sum.
    pub(crate) fn of_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let of_b = high - a;
        Self { high, low: (a - (high - of_b)) + (b - of_b) }
    }

    /// a · b.
    pub(crate) fn of_product(a: f64, b: f64) -> Self {
        let high = a * b;
        Self { high, low: a.mul_add(b, -high) }
    }

    /// The square root; of 0 it is 0.
    pub(crate) fn sqrt(self) -> Self {
        if self.high <= 0.0 {
            return Self::default();
        }
        let root = self.high.sqrt();
        let left = self - Self::of_product(root, root);
        Self::of_sum(root, 0.5 * left.high / root)
    }

    /// Sine and cosine of an angle in degrees, exact at multiples of 90°.
    pub(crate) fn sin_cos_deg(self) -> (Self, Self) {
        let turns = (self.high / 90.0).round();
        let x = (self - Self::from(90.0 * turns)) * PI / Self::from(180.0);
        let x2 = x * x;
        // Taylor for |x| < 0.8: what is left out is below 1e-33.
        let series = |last: usize| {
            let term = |sum: Self, k: usize| Self::from(1.0) - (x2 * RECIPROCALS[k]) * sum;
            (2..=last).rev().step_by(2).fold(Self::from(1.0), term)
        };
        let (sin, cos) = (x * series(29), series(28));
        match (turns as i64).rem_euclid(4) {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        }
    }
}

impl From<f64> for DoubleDouble {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Neg for DoubleDouble {
    type Output = Self;
    fn neg(self) -> Self {
        // `+ 0.0` turns -0 into 0.
        Self { high: -self.high + 0.0, low: -self.low + 0.0 }
    }
}

impl Add for DoubleDouble {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (high, low) = (Self::of_sum(self.high, other.high), Self::of_sum(self.low, other.low));
        let sum = Self::of_sum(high.high, high.low + low.high);
        Self::of_sum(sum.high, sum.low + low.low)
    }
}

impl Sub for DoubleDouble {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for DoubleDouble {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let product = Self::of_product(self.high, other.high);
        Self::of_sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }
}

impl Div for DoubleDouble {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let left = self - other * Self::from(first);
        let second = left.high / other.high;
        let left = left - other * Self::from(second);
        Self::of_sum(first, second) + Self::from(left.high / other.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the digits beyond the nearest double are right.
    fn close(found: DoubleDouble, high: f64, low: f64) -> bool {
        ((found.high - high) + (found.low - low)).abs() < 1e-31
    }

    #[test]
    fn thirty_digits_are_right() {
        // √2 and 1/3 to 32 digits, less their nearest doubles.
        assert!(close(DoubleDouble::from(2.0).sqrt(), std::f64::consts::SQRT_2, -9.667_293_313_452_913e-17));
        let third = DoubleDouble::from(1.0) / DoubleDouble::from(3.0);
        assert!(close(third, 1.0 / 3.0, 1.850_371_707_708_594e-17));
        for degrees in [1.0, 37.7, 52.3, 89.999, -120.1, 1234.5] {
            let (s, c) = DoubleDouble::from(degrees).sin_cos_deg();
            let one = s * s + c * c - DoubleDouble::from(1.0);
            assert!(one.high.abs() < 1e-31, "{degrees}: {one:?}");
            // The sine of the double angle.
            let (double, _) = (DoubleDouble::from(degrees) + DoubleDouble::from(degrees)).sin_cos_deg();
            let off = double - DoubleDouble::from(2.0) * s * c;
            assert!(off.high.abs() < 1e-31, "{degrees}: {off:?}");
            let (sin, cos) = crate::sphere::sin_cos_deg(degrees);
            assert!((s.high - sin).abs() < 2e-16 && (c.high - cos).abs() < 2e-16);
        }
        assert_eq!(DoubleDouble::from(270.0).sin_cos_deg(), (DoubleDouble::from(-1.0), DoubleDouble::from(0.0)));
        // sin 30° is a half: π has its digits.
        let half = DoubleDouble::from(30.0).sin_cos_deg().0 - DoubleDouble::from(0.5);
        assert!(half.high.abs() < 1e-32, "{half:?}");
    }

    #[test]
    fn sines_of_degrees_are_within_two_units_in_the_last_place() {
        let units = |found: f64, exact: DoubleDouble| {
            let unit = exact.high.abs().next_up() - exact.high.abs();
            (((found - exact.high) - exact.low) / unit).abs()
        };
        let mut most: f64 = 0.0;
        // All quadrants, near their ends and within, and angles so small that the sine is the angle.
        let angles = (0..20_000).map(|k| f64::from(k) * 0.036_718_281_828 - 360.0);
        let near_quadrants = (-8..=8).flat_map(|k| [1e-300, 1e-9, 1e-3, 0.7, 44.999_999_999].map(|d| f64::from(k) * 90.0 + d));
        for degrees in angles.chain(near_quadrants).flat_map(|d| [d, -d]) {
            let (s, c) = DoubleDouble::from(degrees).sin_cos_deg();
            let (sin, cos) = crate::sphere::sin_cos_deg(degrees);
            for (found, exact) in [(sin, s), (cos, c)] {
                assert!(exact.high != 0.0 || found == 0.0, "{degrees}");
                most = most.max(if exact.high == 0.0 { 0.0 } else { units(found, exact) });
            }
        }
        assert!(most < 2.0, "{most}");
    }
}
