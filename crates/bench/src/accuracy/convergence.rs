//! The order of a method, observed on grids of falling cell size.

use super::scheme::apply;
use super::score::{Field, Reference};
use super::{Scheme, ScoreError, grid};
use knarr_metrics::{AnalyticField, ErrorNorms};
use knarr_regrid::{Method, MissingPolicy};

/// Errors on a ladder of source grids.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Convergence {
    /// Method, and limit if there is one.
    pub method: String,
    /// Field.
    pub field: String,
    /// Source grids, coarse to fine.
    pub sources: Vec<String>,
    /// Destination grid.
    pub destination: String,
    /// Mean spacing of source cells in degrees: √(area of the sphere / cells).
    pub spacing_deg: Vec<f64>,
    /// L2 norm of the error on each source grid, cell means for conservative methods, else at centers.
    pub l2: Vec<f64>,
    /// Slope of log error against log spacing, by least squares.
    pub order: f64,
}

/// The observed order of `scheme` on the two smooth fields.
///
/// # Errors
/// [`ScoreError`] for grids and pairs that do not fit.
pub fn convergence(sources: &[String], to: &str, scheme: Scheme) -> Result<Vec<Convergence>, ScoreError> {
    let destination = grid(to)?;
    let reference = match scheme.method {
        Method::Conservative | Method::Conservative2nd => Reference::Means,
        _ => Reference::Centers,
    };
    let mut rows: Vec<Convergence> = AnalyticField::SMOOTH
        .iter()
        .map(|field| Convergence {
            method: scheme.to_string(),
            field: field.to_string(),
            sources: sources.to_vec(),
            destination: to.to_owned(),
            spacing_deg: Vec::new(),
            l2: Vec::new(),
            order: 0.0,
        })
        .collect();
    for name in sources {
        let source = grid(name)?;
        let regridder = scheme.between((name, &source), (to, &destination), MissingPolicy::Propagate)?;
        let areas: Vec<f64> = (0..destination.len()).map(|c| destination.area(c)).collect();
        for (row, field) in rows.iter_mut().zip(AnalyticField::SMOOTH) {
            let field = Field::Analytic(field);
            let (result, valid) = apply(&regridder, &field.on(&source, reference), None);
            let truth = field.on(&destination, reference);
            let norms = ErrorNorms::of(&result, &truth, Some(&areas), Some(&valid)).map_err(|_| ScoreError::NothingMapped {
                method: scheme.to_string(),
                from: name.clone(),
                to: to.to_owned(),
            })?;
            row.spacing_deg.push((4.0 * std::f64::consts::PI / source.len() as f64).sqrt().to_degrees());
            row.l2.push(norms.l2);
        }
    }
    rows.iter_mut().for_each(|row| row.order = slope(&row.spacing_deg, &row.l2));
    Ok(rows)
}

/// Slope of ln y against ln x by least squares.
fn slope(x: &[f64], y: &[f64]) -> f64 {
    let points: Vec<(f64, f64)> = x.iter().zip(y).filter(|p| *p.1 > 0.0).map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = points.len() as f64;
    let (mean_x, mean_y) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let (xx, xy) = points.iter().fold((0.0, 0.0), |(xx, xy), p| {
        let d = p.0 - mean_x;
        (xx + d * d, xy + d * (p.1 - mean_y))
    });
    xy / xx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_power_is_its_exponent() {
        let x = [1.0, 0.5, 0.25, 0.125];
        assert!((slope(&x, &x.map(|v: f64| 7.0 * v.powi(3))) - 3.0).abs() < 1e-12);
    }
}
