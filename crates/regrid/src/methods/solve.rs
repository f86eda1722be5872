//! Small dense systems of one destination point: least squares and symmetric saddle points.

/// Rows and columns below this share of the largest pivot are taken as dependent.
const DEPENDENT: f64 = 1e-10;

/// A least-squares fit of Σ_m c_m·b_m(x) to values f_j at places x_j, minimising Σ_j s_j²·(p(x_j) − f_j)²: what its
/// coefficients are in terms of the values.
///
/// Householder QR of the scaled rows; the orthogonal factor is not kept (semi-normal equations).
pub(super) struct Fit {
    columns: usize,
    scaled: Vec<f64>,
    scales: Vec<f64>,
    triangle: Vec<f64>,
}

impl Fit {
    /// `basis` holds the rows b_m(x_j) of `columns` functions, `scales` the s_j; `None` if the places do not determine
    /// the fit.
    pub fn new(basis: &[f64], columns: usize, scales: &[f64]) -> Option<Self> {
        let rows = scales.len();
        if rows < columns {
            return None;
        }
        let mut a: Vec<f64> = basis.to_vec();
        for (row, s) in a.chunks_exact_mut(columns).zip(scales) {
            row.iter_mut().for_each(|v| *v *= s);
        }
        let scaled = a.clone();
        let mut largest = 0.0f64;
        for k in 0..columns {
            let norm2: f64 = (k..rows).map(|i| a[i * columns + k] * a[i * columns + k]).sum();
            let norm = norm2.sqrt();
            largest = largest.max(norm);
            if norm <= DEPENDENT * largest {
                return None;
            }
            let pivot = a[k * columns + k];
            let alpha = if pivot > 0.0 { -norm } else { norm };
            // v = column − α·e_k, and H = I − 2vvᵀ/vᵀv maps the column to α·e_k.
            a[k * columns + k] = pivot - alpha;
            let v2 = 2.0 * (norm2 - alpha * pivot);
            for m in k + 1..columns {
                let along: f64 = (k..rows).map(|i| a[i * columns + k] * a[i * columns + m]).sum();
                let factor = 2.0 * along / v2;
                for i in k..rows {
                    a[i * columns + m] -= factor * a[i * columns + k];
                }
            }
            for i in k..rows {
                a[i * columns + k] = 0.0;
            }
            a[k * columns + k] = alpha;
        }
        a.truncate(columns * columns);
        Some(Self { columns, scaled, scales: scales.to_vec(), triangle: a })
    }

    /// Weights w with c_m = Σ_j w_j·f_j; false if they are no numbers.
    pub fn coefficient(&self, m: usize, weights: &mut Vec<f64>) -> bool {
        let n = self.columns;
        let r = |i: usize, j: usize| self.triangle[i * n + j];
        // w = S·A·R⁻¹·R⁻ᵀ·e_m.
        let mut y = vec![0.0; n];
        for i in 0..n {
            let known: f64 = (0..i).map(|j| r(j, i) * y[j]).sum();
            y[i] = (f64::from(u8::from(i == m)) - known) / r(i, i);
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| r(i, j) * y[j]).sum();
            y[i] = (y[i] - known) / r(i, i);
        }
        let rows = self.scaled.chunks_exact(n).zip(&self.scales);
        weights.clear();
        weights.extend(rows.map(|(row, s)| s * row.iter().zip(&y).map(|(b, y)| b * y).sum::<f64>()));
        weights.iter().all(|w| w.is_finite())
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
        // Nine points, basis 1, x, y, x·y: any combination of them has the value c₀ at the origin.
        let points: Vec<[f64; 2]> = (0..9).map(|k| [f64::from(k % 3) - 0.8, f64::from(k / 3) - 1.3]).collect();
        let basis: Vec<f64> = points.iter().flat_map(|&[x, y]| [1.0, x, y, x * y]).collect();
        let scales: Vec<f64> = (0..9).map(|k| 1.0 + f64::from(k) * 0.1).collect();
        let mut weights = Vec::new();
        let fit = Fit::new(&basis, 4, &scales).expect("nine points determine four terms");
        for (m, c) in [(0, [3.0, 0.0, 0.0, 0.0]), (0, [0.5, 2.0, -1.0, 4.0]), (2, [0.5, 2.0, -1.0, 4.0])] {
            assert!(fit.coefficient(m, &mut weights));
            let value: f64 =
                basis.chunks(4).zip(&weights).map(|(b, w)| w * b.iter().zip(c).map(|(b, c)| b * c).sum::<f64>()).sum();
            assert!((value - c[m]).abs() < 1e-14, "{value}");
        }
        let on_a_line: Vec<f64> = (0..5).flat_map(|k| [1.0, f64::from(k), 2.0 * f64::from(k)]).collect();
        assert!(Fit::new(&on_a_line, 3, &[1.0; 5]).is_none());
    }

    #[test]
    fn a_system_is_solved_with_pivots() {
        let (mut matrix, mut right) = (vec![0.0, 2.0, 1.0, 1.0, 1.0, 0.0, 2.0, 0.0, 1.0], vec![7.0, 3.0, 5.0]);
        solve(&mut matrix, &mut right).expect("regular");
        assert!(right.iter().zip([1.0, 2.0, 3.0]).all(|(x, e)| (x - e).abs() < 1e-14), "{right:?}");
        assert_eq!(solve(&mut [1.0, 2.0, 2.0, 4.0], &mut [1.0, 2.0]), None);
    }
}
