//! Gaussian latitudes, weights and row edges.

use rayon::prelude::*;

/// An unevaluated sum of two doubles, about 32 digits.
///
/// Legendre polynomials of degree 5000 by recurrence lose four digits in plain doubles, and the
/// latitudes would show it in the last places that files keep.
#[derive(Clone, Copy)]
struct Double2 {
    high: f64,
    low: f64,
}

impl Double2 {
    const ZERO: Self = Self { high: 0.0, low: 0.0 };
    const ONE: Self = Self { high: 1.0, low: 0.0 };

    #[inline(always)]
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }

    /// Exact sum of `a` and `b` if |a| >= |b|.
    #[inline(always)]
    fn renormalized(a: f64, b: f64) -> Self {
        let high = a + b;
        Self { high, low: b - (high - a) }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        let sum = self.high + other.high;
        let part = sum - self.high;
        let lost = (self.high - (sum - part)) + (other.high - part);
        Self::renormalized(sum, lost + self.low + other.low)
    }

    #[inline(always)]
    fn negative(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.plus(other.negative())
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        let (product, lost) = exact_product(self.high, other.high);
        Self::renormalized(product, lost + (self.high * other.low + self.low * other.high))
    }

    fn over(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self.minus(other.times(Self::from(first)));
        let second = rest.high / other.high;
        Self::renormalized(first, second)
    }

    fn value(self) -> f64 {
        self.high + self.low
    }
}

/// Product and its rounding error by Dekker's splitting: `mul_add` is a slow library call without the FMA feature.
#[inline(always)]
fn exact_product(a: f64, b: f64) -> (f64, f64) {
    const SPLIT: f64 = 134_217_729.0;
    let product = a * b;
    let (ta, tb) = (SPLIT * a, SPLIT * b);
    let (a_high, b_high) = (ta - (ta - a), tb - (tb - b));
    let (a_low, b_low) = (a - a_high, b - b_high);
    (product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low)
}

/// Positive root number `k` (0 = next to the pole) of the Legendre polynomial of even degree, with its Gauss weight.
fn root_and_weight(degree: usize, k: usize, ratios: &[Double2]) -> (Double2, Double2) {
    let m = degree as f64;
    let mut x = (1.0 - (m - 1.0) / (8.0 * m * m * m)) * (std::f64::consts::PI * (k as f64 + 0.75) / (m + 0.5)).cos();
    for _ in 0..8 {
        let (mut before, mut p) = (1.0, x);
        for ratio in &ratios[1..degree] {
            let t = x * p;
            (before, p) = (p, t + ratio.high * (t - before));
        }
        let step = p * (x * x - 1.0) / (m * (x * p - before));
        x -= step;
        // Quadratic convergence: what is left after this step is rounding.
        if step.abs() < 1e-11 {
            break;
        }
    }
    let x0 = Double2::from(x);
    let (mut before, mut p) = (Double2::ONE, x0);
    for &ratio in &ratios[1..degree] {
        let t = x0.times(p);
        (before, p) = (p, t.plus(ratio.times(t.minus(before))));
    }
    // (1 - x²) P' = m (P_{m-1} - x P_m)
    let cos2 = Double2::ONE.minus(x0.times(x0));
    let slope = Double2::from(m).times(before.minus(x0.times(p))).over(cos2);
    let step = p.over(slope);
    let x1 = x0.minus(step);
    // (1 - x²) P'' = 2x P' - m (m + 1) P moves the slope to the improved root.
    let curvature = Double2::from(2.0).times(x0).times(slope).minus(Double2::from(m * (m + 1.0)).times(p)).over(cos2);
    let slope = slope.minus(step.times(curvature));
    let cos2 = Double2::ONE.minus(x1.times(x1));
    (x1, Double2::from(2.0).over(cos2.times(slope.times(slope))))
}

/// Sines and weights of the northern rows, from the pole to the equator.
fn northern_half(n: usize) -> Vec<(Double2, Double2)> {
    let degree = 2 * n;
    let ratios: Vec<Double2> = (0..degree).map(|k| Double2::from(k as f64).over(Double2::from((k + 1) as f64))).collect();
    (0..n).into_par_iter().map(|k| root_and_weight(degree, k, &ratios)).collect()
}

/// Latitude in degrees of a sine.
fn latitude_deg(sine: Double2) -> f64 {
    let cosine = Double2::ONE.minus(sine).times(Double2::ONE.plus(sine)).value().sqrt();
    sine.value().atan2(cosine).to_degrees()
}

/// Gaussian latitudes: the roots of the Legendre polynomial of degree `2n`, in degrees, north to south.
///
/// Right to the last place of a double (1e-14 degrees).
///
/// ```
/// let lats = knarr_grid::gaussian_latitudes(1);
/// assert!((lats[0] - (1.0_f64 / 3.0).sqrt().asin().to_degrees()).abs() < 1e-14);
/// ```
pub fn gaussian_latitudes(n: usize) -> Vec<f64> {
    let north: Vec<f64> = northern_half(n).into_iter().map(|(sine, _)| latitude_deg(sine)).collect();
    north.iter().copied().chain(north.iter().rev().map(|lat| -lat)).collect()
}

/// Gauss weights of the rows of [`gaussian_latitudes`]; their sum is 2.
pub fn gaussian_weights(n: usize) -> Vec<f64> {
    let north: Vec<f64> = northern_half(n).into_iter().map(|(_, weight)| weight.value()).collect();
    north.iter().copied().chain(north.iter().rev().copied()).collect()
}

/// Edges of Gaussian rows in degrees, north to south: sin(edge) = 1 - the sum of the Gauss weights north of it.
///
/// Between these parallels each row has the area of its Gauss weight. The first and last of the `2n + 1`
/// values are the poles, the middle one is 0, and the two hemispheres mirror each other exactly.
pub fn gaussian_edges(n: usize) -> Vec<f64> {
    let mut north = vec![90.0];
    let mut cap = Double2::ZERO;
    for (_, weight) in northern_half(n).into_iter().take(n.saturating_sub(1)) {
        cap = cap.plus(weight);
        // 1 - sin(lat) = 2 sin²(colatitude / 2) keeps the digits next to the pole.
        north.push(90.0 - 2.0 * (0.5 * cap.value()).sqrt().asin().to_degrees());
    }
    let south = north.iter().rev().map(|lat| -lat);
    north.iter().copied().chain([0.0]).chain(south).collect()
}

/// `n` if `lats_deg` are all rows of a Gaussian grid, in either order.
pub(crate) fn recognise(lats_deg: &[f64]) -> Option<usize> {
    let rows = lats_deg.len();
    if rows < 4 || !rows.is_multiple_of(2) {
        return None;
    }
    let n = rows / 2;
    // Equally spaced rows differ by a quarter of a row next to the poles; files round far less than a hundredth.
    let tolerance = 0.01 * 90.0 / n as f64;
    let sign = if lats_deg[0] > lats_deg[rows - 1] { 1.0 } else { -1.0 };
    // The first row alone rules out nearly every other axis, without computing all roots.
    let first = (2.404_825_557_695_773 / (rows as f64 + 0.5)).to_degrees();
    if (90.0 - sign * lats_deg[0] - first).abs() > tolerance + 0.02 * first {
        return None;
    }
    let exact = gaussian_latitudes(n);
    lats_deg.iter().zip(&exact).all(|(lat, exact)| (sign * lat - exact).abs() < tolerance).then_some(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_and_weights_equal_the_tables() {
        // Abramowitz and Stegun (1964), table 25.4: degree 8 and 96 to 15 digits or more.
        let n4: Vec<f64> = gaussian_latitudes(4).iter().map(|lat| lat.to_radians().sin()).collect();
        for (k, x) in
            [0.960_289_856_497_536, 0.796_666_477_413_627, 0.525_532_409_916_329, 0.183_434_642_495_650].into_iter().enumerate()
        {
            assert!((n4[k] - x).abs() < 1e-15, "{k}: {} {x}", n4[k]);
        }
        let w4 = gaussian_weights(4);
        for (k, w) in
            [0.101_228_536_290_376, 0.222_381_034_453_374, 0.313_706_645_877_887, 0.362_683_783_378_362].into_iter().enumerate()
        {
            assert!((w4[k] - w).abs() < 1e-15);
        }
        // ECMWF prints the latitudes of N80 with 5 decimals, of N32 with 8.
        assert!((gaussian_latitudes(80)[0] - 89.141_52).abs() < 5e-6);
        assert!((gaussian_latitudes(32)[0] - 87.863_798_84).abs() < 5e-9);
        assert!((gaussian_latitudes(32)[31] - 1.395_306_91).abs() < 5e-9);
    }

    #[test]
    fn weights_sum_to_two_and_edges_mirror() {
        for n in [1, 2, 16, 80, 320, 1280] {
            let sum = knarr_kernels::global_integral::sum(&gaussian_weights(n));
            // Each of the 2n weights is rounded to half an ulp of at most 1/n.
            assert!((sum - 2.0).abs() < 4.0 * f64::EPSILON, "{n}: {sum}");
            let edges = gaussian_edges(n);
            assert_eq!((edges.len(), edges[0], edges[n], edges[2 * n]), (2 * n + 1, 90.0, 0.0, -90.0));
            let lats = gaussian_latitudes(n);
            for j in 0..2 * n {
                assert_eq!(edges[j], -edges[2 * n - j]);
                assert!(edges[j] > lats[j] && lats[j] > edges[j + 1], "{n} row {j}");
            }
        }
    }

    #[test]
    fn rows_between_edges_have_their_weight() {
        let (edges, weights) = (gaussian_edges(160), gaussian_weights(160));
        for j in 0..320 {
            let height = knarr_kernels::cell_area::sine_difference(edges[j + 1], edges[j]);
            // The edge is known to 1.4e-14 degrees = 2.5e-16, times the cosine, over a height of at least 1e-4.
            assert!((height - weights[j]).abs() < 6e-16, "{j}: {height} {}", weights[j]);
        }
    }

    #[test]
    fn recognises_rounded_rows_and_no_others() {
        let rounded: Vec<f64> = gaussian_latitudes(64).iter().map(|lat| (lat * 1e4).round() / 1e4).collect();
        assert_eq!(recognise(&rounded), Some(64));
        let upward: Vec<f64> = rounded.iter().rev().copied().collect();
        assert_eq!(recognise(&upward), Some(64));
        let regular: Vec<f64> = (0..128).map(|j| -90.0 + (f64::from(j) + 0.5) * 180.0 / 128.0).collect();
        assert_eq!(recognise(&regular), None);
        assert_eq!(recognise(&rounded[1..127]), None);
    }
}
