//! Small dense systems of one point or cell: least squares and symmetric saddle points.

use knarr_kernels::tangent_plane::PlanePoint;

/// Terms of a cubic without its constant.
pub(super) const TERMS: usize = 9;
/// Terms that are dependent on others up to this share of their squares are not determined.
const DEPENDENT: f64 = 1e-6;

/// x, y, x², xy, y², x³, x²y, xy² and y³: the first 2 make a plane, the first 5 a quadratic.
pub(super) fn terms([x, y]: PlanePoint) -> [f64; TERMS] {
    let (xx, xy, yy) = (x * x, x * y, y * y);
    [x, y, xx, xy, yy, xx * x, xx * y, x * yy, yy * y]
}

/// The normal equations of a least-squares fit of Σ_m c_m·b_m(x) to values f_j at places x_j, minimising
/// Σ_j w_j·(Σ_m c_m·b_m(x_j) − f_j)², with the first `T` terms: N·c = Σ_j w_j·b(x_j)·f_j, N = Σ_j w_j·b(x_j)·b(x_j)ᵀ.
///
/// A Cholesky factor of N with its diagonal scaled to 1, so that neither the unit of length nor that of the weights
/// counts; in place, without allocation.
pub(super) struct Fit<const T: usize> {
    /// Below the diagonal the factor, on it the inverse of the factor's.
    factor: [[f64; T]; T],
    scales: [f64; T],
}

impl<const T: usize> Fit<T> {
    /// That of rows b(x_j) and weights w_j; `None` if the places do not determine it.
    pub fn new(rows: &[[f64; TERMS]], weights: &[f64]) -> Option<Self> {
        if rows.len() < T {
            return None;
        }
        let mut normal = [[0.0; T]; T];
        for (row, weight) in rows.iter().zip(weights) {
            for m in 0..T {
                let weighted = weight * row[m];
                for k in 0..=m {
                    normal[m][k] += weighted * row[k];
                }
            }
        }
        let scales: [f64; T] = std::array::from_fn(|m| 1.0 / normal[m][m].sqrt());
        let mut factor = normal;
        for m in 0..T {
            for k in 0..m {
                let known: f64 = (0..k).map(|i| factor[m][i] * factor[k][i]).sum();
                factor[m][k] = (normal[m][k] * scales[m] * scales[k] - known) * factor[k][k];
            }
            let rest = 1.0 - factor[m][..m].iter().map(|v| v * v).sum::<f64>();
            // Terms that are 0 everywhere have no scale, and compare to nothing.
            if rest.is_nan() || rest <= DEPENDENT {
                return None;
            }
            factor[m][m] = 1.0 / rest.sqrt();
        }
        Some(Self { factor, scales })
    }

    /// N⁻¹·`right`, of which the first `T` count.
    pub fn solve(&self, right: &[f64; TERMS]) -> [f64; T] {
        let mut y = [0.0; T];
        for m in 0..T {
            let known: f64 = (0..m).map(|k| self.factor[m][k] * y[k]).sum();
            y[m] = (right[m] * self.scales[m] - known) * self.factor[m][m];
        }
        for m in (0..T).rev() {
            let known: f64 = (m + 1..T).map(|k| self.factor[k][m] * y[k]).sum();
            y[m] = (y[m] - known) * self.factor[m][m];
        }
        (0..T).for_each(|m| y[m] *= self.scales[m]);
        y
    }
}

/// Solves the `n` x `n` system `matrix · x = right` in place of `right`; `None` if it is singular.
///
/// Gauss elimination with row pivots.
pub(super) fn solve(matrix: &mut [f64], right: &mut [f64]) -> Option<()> {
    let n = right.len();
    let largest = matrix.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| matrix[i * n + k].abs().total_cmp(&matrix[j * n + k].abs()))?;
        if matrix[pivot * n + k].abs() <= 1e-14 * largest {
            return None;
        }
        if pivot != k {
            (k..n).for_each(|m| matrix.swap(pivot * n + m, k * n + m));
            right.swap(pivot, k);
        }
        for i in k + 1..n {
            let factor = matrix[i * n + k] / matrix[k * n + k];
            for m in k..n {
                matrix[i * n + m] -= factor * matrix[k * n + m];
            }
            right[i] -= factor * right[k];
        }
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|m| matrix[i * n + m] * right[m]).sum();
        right[i] = (right[i] - known) / matrix[i * n + i];
    }
    right.iter().all(|v| v.is_finite()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_reproduces_its_basis() {
        // Twelve points of a lattice, 4 x 3: a quadratic, but y³ is 1e-6·y.
        let places: Vec<PlanePoint> = (0..12).map(|k| [f64::from(k % 4) - 1.3, 1e-3 * (f64::from(k / 4) - 1.0)]).collect();
        let rows: Vec<[f64; TERMS]> = places.iter().map(|&p| terms(p)).collect();
        let weights: Vec<f64> = (0..12).map(|k| 1e-5 * (1.0 + f64::from(k))).collect();
        let fit = Fit::<5>::new(&rows, &weights).expect("twelve points determine five terms");
        let coefficients = [3.0, 0.5, -2.0, 4.0, 1.0];
        let mut right = [0.0; TERMS];
        for (row, weight) in rows.iter().zip(&weights) {
            let value: f64 = row.iter().zip(coefficients).map(|(b, c)| b * c).sum();
            right.iter_mut().zip(row).for_each(|(r, b)| *r += weight * b * value);
        }
        // Values of y² are 1e-6 of those of x, and so are the digits that it has.
        for (found, expected) in fit.solve(&right).iter().zip(coefficients) {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
        assert!(Fit::<TERMS>::new(&rows, &weights).is_none());
        let on_a_line: Vec<[f64; TERMS]> = (0..5).map(|k| terms([f64::from(k), 2.0 * f64::from(k)])).collect();
        assert!(Fit::<2>::new(&on_a_line, &[1.0; 5]).is_none());
        assert!(Fit::<2>::new(&[[0.0; TERMS]; 3], &[1.0; 3]).is_none());
    }

    #[test]
    fn a_system_is_solved_with_pivots() {
        let (mut matrix, mut right) = (vec![0.0, 2.0, 1.0, 1.0, 1.0, 0.0, 2.0, 0.0, 1.0], vec![7.0, 3.0, 5.0]);
        solve(&mut matrix, &mut right).expect("regular");
        assert!(right.iter().zip([1.0, 2.0, 3.0]).all(|(x, e)| (x - e).abs() < 1e-14), "{right:?}");
        assert_eq!(solve(&mut [1.0, 2.0, 2.0, 4.0], &mut [1.0, 2.0]), None);
    }
}
