//! How an iteration makes its next guess from what came out of the last ones.

use crate::experiment::Scheme;

/// The history of one fixed-point iteration x = H(x).
#[derive(Clone, Debug)]
pub(crate) struct Acceleration {
    scheme: Scheme,
    first: f64,
    omega: f64,
    /// Residuals H(x) - x and outcomes H(x), the latest last.
    residuals: Vec<Vec<f64>>,
    outcomes: Vec<Vec<f64>>,
}

impl Acceleration {
    pub fn new(scheme: Scheme, relaxation: f64) -> Self {
        Self { scheme, first: relaxation, omega: relaxation, residuals: Vec::new(), outcomes: Vec::new() }
    }

    /// The next guess, from the guess `x` and its outcome `h`; `weights` (areas) say how much each number counts.
    ///
    /// Aitken (Küttler and Wall 2008, Comput. Mech. 43, 61-72): ω' = -ω r·(r' - r) / |r' - r|².
    /// IQN-ILS (Degroote et al. 2009, Comput. Struct. 87, 793-801): the combination of earlier changes of residuals that
    /// cancels this one in the least-squares sense, applied to the changes of outcomes.
    pub fn next(&mut self, x: &[f64], h: &[f64], weights: &[f64]) -> Vec<f64> {
        let residual: Vec<f64> = h.iter().zip(x).map(|(h, x)| h - x).collect();
        let relaxed = |omega: f64| x.iter().zip(&residual).map(|(x, r)| x + omega * r).collect::<Vec<f64>>();
        let next = match (self.scheme, self.residuals.last()) {
            (Scheme::Constant, _) | (_, None) => relaxed(self.first),
            (Scheme::Aitken, Some(before)) => {
                let change: Vec<f64> = residual.iter().zip(before).map(|(r, b)| r - b).collect();
                let square = dot(&change, &change, weights);
                if square > 0.0 {
                    self.omega *= -dot(before, &change, weights) / square;
                }
                relaxed(self.omega)
            }
            (Scheme::IqnIls, Some(_)) => match self.least_squares(&residual, h, weights) {
                Some(step) => h.iter().zip(&step).map(|(h, s)| h + s).collect(),
                None => relaxed(self.first),
            },
        };
        self.residuals.push(residual);
        self.outcomes.push(h.to_vec());
        next
    }

    /// W·α with α that minimises |V·α + r|, V and W the changes of residuals and outcomes against the present ones.
    fn least_squares(&self, residual: &[f64], h: &[f64], weights: &[f64]) -> Option<Vec<f64>> {
        let differences = |list: &[Vec<f64>], now: &[f64]| -> Vec<Vec<f64>> {
            list.iter().rev().map(|old| old.iter().zip(now).map(|(o, n)| o - n).collect()).collect()
        };
        let (v, w) = (differences(&self.residuals, residual), differences(&self.outcomes, h));
        // Gram-Schmidt (twice), latest first; columns that add nothing are left out.
        let (mut basis, mut rows, mut kept): (Vec<Vec<f64>>, Vec<Vec<f64>>, Vec<usize>) = (Vec::new(), Vec::new(), Vec::new());
        for (k, column) in v.iter().enumerate() {
            let (mut q, size) = (column.clone(), dot(column, column, weights).sqrt());
            let mut row = vec![0.0; basis.len()];
            for _ in 0..2 {
                for (b, entry) in basis.iter().zip(&mut row) {
                    let part = dot(b, &q, weights);
                    *entry += part;
                    q.iter_mut().zip(b).for_each(|(q, b)| *q -= part * b);
                }
            }
            let length = dot(&q, &q, weights).sqrt();
            if length <= 1e-10 * size || length == 0.0 {
                continue;
            }
            q.iter_mut().for_each(|q| *q /= length);
            row.push(length);
            basis.push(q);
            rows.push(row);
            kept.push(k);
        }
        if kept.is_empty() {
            return None;
        }
        // Upper triangular: column c of R is rows[c].
        let mut alpha: Vec<f64> = basis.iter().map(|b| -dot(b, residual, weights)).collect();
        for c in (0..kept.len()).rev() {
            alpha[c] /= rows[c][c];
            for r in 0..c {
                alpha[r] -= rows[c][r] * alpha[c];
            }
        }
        let mut step = vec![0.0; h.len()];
        for (&k, a) in kept.iter().zip(&alpha) {
            step.iter_mut().zip(&w[k]).for_each(|(s, w)| *s += a * w);
        }
        Some(step)
    }
}

fn dot(a: &[f64], b: &[f64], weights: &[f64]) -> f64 {
    let mut total = knarr_kernels::global_integral::Compensated::default();
    for ((a, b), w) in a.iter().zip(b).zip(weights) {
        total.add(a * b * w);
    }
    total.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes until |H(x) - x| <= 1e-10, H linear with spectral radius above 1: plain iteration would diverge.
    fn passes(scheme: Scheme, relaxation: f64, h: impl Fn(&[f64]) -> Vec<f64>) -> Option<usize> {
        let mut acceleration = Acceleration::new(scheme, relaxation);
        let mut x = vec![0.0; 3];
        for pass in 1..=200 {
            let out = h(&x);
            let change = out.iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            if change <= 1e-10 {
                return Some(pass);
            }
            x = acceleration.next(&x, &out, &[1.0, 2.0, 0.5]);
        }
        None
    }

    #[test]
    fn stiff_pairs_converge_faster_the_more_is_learnt() {
        let scalar = |x: &[f64]| vec![1.0 - 3.0 * x[0], 1.0 - 3.0 * x[1], 1.0 - 3.0 * x[2]];
        assert_eq!(passes(Scheme::Constant, 1.0, scalar), None, "plain iteration diverges");
        // One number: the secant is exact.
        assert!(passes(Scheme::Aitken, 0.5, scalar).expect("converges") <= 4);
        let full = |x: &[f64]| {
            vec![1.0 - 2.0 * x[0] + 0.5 * x[1], 2.0 + 0.3 * x[0] - 1.5 * x[1] + 0.2 * x[2], -1.0 + 0.4 * x[1] - 0.8 * x[2]]
        };
        let iqn = passes(Scheme::IqnIls, 0.3, full).expect("converges");
        // Three unknowns: four differences span all, the next guess is exact but for rounding.
        assert!(iqn <= 7, "{iqn}");
        let constant = passes(Scheme::Constant, 0.3, full).expect("converges");
        assert!(constant > 2 * iqn, "{constant} {iqn}");
    }
}
