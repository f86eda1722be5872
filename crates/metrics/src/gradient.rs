//! Gradients by linear fits over the cells around, and norms that weigh them.
//!
//! Reference: Mahadevan et al. (2022), Geosci. Model Dev. 15, 6601–6635.

use knarr_grid::{Grid, Neighbours};
use knarr_kernels::global_integral::Compensated;
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::tangent_plane::TangentPlane;
use rayon::prelude::*;

/// The gradient (per radian) of `values` at each center, in some right-handed pair of tangent axes: least squares of
/// the differences to the neighbours in the tangent plane. Zero where neighbours lie on one line.
pub fn gradients(grid: &Grid, values: &[f64], neighbours: &Neighbours) -> Vec<[f64; 2]> {
    let points: Vec<UnitVector> = (0..grid.len()).into_par_iter().map(|c| grid.center(c).unit()).collect();
    (0..grid.len())
        .into_par_iter()
        .map(|i| {
            let plane = TangentPlane::new(points[i], 0.1);
            let (mut xx, mut xy, mut yy, mut xf, mut yf) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for &k in neighbours.of(i) {
                let Some([x, y]) = plane.project(points[k as usize]) else { continue };
                let f = values[k as usize] - values[i];
                (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
                (xf, yf) = (xf + x * f, yf + y * f);
            }
            let determinant = xx * yy - xy * xy;
            if determinant > 1e-12 * (xx + yy) * (xx + yy) {
                [(yy * xf - xy * yf) / determinant, (xx * yf - xy * xf) / determinant]
            } else {
                [0.0; 2]
            }
        })
        .collect()
}

/// Norms of the difference d = Rψ − ψ that count its gradient.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct GradientNorms {
    /// √(I\[d² + |∇d|²\] / I\[ψ²\]).
    pub h1: f64,
    /// √(I\[|∇d|²\] / I\[ψ²\]).
    pub h1_seminorm: f64,
}

impl GradientNorms {
    /// Of `result` against `reference` on `grid` with these neighbours and areas (steradians).
    pub fn of(result: &[f64], reference: &[f64], grid: &Grid, areas: &[f64], neighbours: &Neighbours) -> Self {
        let difference: Vec<f64> = result.iter().zip(reference).map(|(r, t)| r - t).collect();
        let slopes = gradients(grid, &difference, neighbours);
        let (mut whole, mut slope, mut size) = (Compensated::default(), Compensated::default(), Compensated::default());
        for (i, [x, y]) in slopes.iter().enumerate() {
            let steep = x * x + y * y;
            slope.add_product(areas[i], steep);
            whole.add_product(areas[i], steep + difference[i] * difference[i]);
            size.add_product(areas[i], reference[i] * reference[i]);
        }
        let share = |part: f64| if part == 0.0 { 0.0 } else { (part / size.value()).sqrt() };
        Self { h1: share(whole.value()), h1_seminorm: share(slope.value()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_of_a_linear_function_of_space() {
        // ∇(a·r) on the sphere is the tangent part of a; its length is √(|a|² − (a·r)²).
        let grid = Grid::from_spec("H16").expect("a valid grid");
        let a = [0.3, -0.5, 0.8];
        let at = |c: usize| {
            let p = grid.center(c).unit();
            a[0] * p[0] + a[1] * p[1] + a[2] * p[2]
        };
        let values: Vec<f64> = (0..grid.len()).map(at).collect();
        for (c, [x, y]) in gradients(&grid, &values, &grid.neighbours()).into_iter().enumerate() {
            let expected = (0.98f64 - at(c) * at(c)).max(0.0).sqrt();
            // Cells of 3.7 degrees, and at the corners of base cells seven neighbours to no side alike: first order.
            assert!((x.hypot(y) - expected).abs() < 0.06, "{c}: {} {expected}", x.hypot(y));
        }
        let norms = GradientNorms::of(&values, &values, &grid, &vec![1.0; grid.len()], &grid.neighbours());
        assert_eq!((norms.h1, norms.h1_seminorm), (0.0, 0.0));
    }
}
