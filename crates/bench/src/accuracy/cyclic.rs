//! Remapping there and back many times: what a coupled run does to a field.

use super::scheme::apply;
use super::score::{Field, Reference, source_integral};
use super::{Scheme, ScoreError, grid};
use knarr_metrics::{AnalyticField, ErrorNorms};
use knarr_regrid::MissingPolicy;

/// The field on the first grid after some cycles.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Cycle {
    /// Method, and limit if there is one.
    pub method: String,
    /// Field.
    pub field: String,
    /// The grids.
    pub grids: [String; 2],
    /// Cycles done: there and back is one.
    pub cycles: usize,
    /// (I(after) − I(before)) / |I(before)|.
    pub conservation: f64,
    /// Norms against the field before.
    pub norms: ErrorNorms,
}

/// Regrids the first smooth field from `a` to `b` and back, `times` times; a row after each of ten parts.
///
/// # Errors
/// [`ScoreError`] for grids and pairs that do not fit.
pub fn cyclic(a: &str, b: &str, scheme: Scheme, times: usize) -> Result<Vec<Cycle>, ScoreError> {
    let (first, second) = (grid(a)?, grid(b)?);
    let missing = MissingPolicy::Skip { min_valid: 0.0 };
    let there = scheme.between((a, &first), (b, &second), missing)?;
    let back = scheme.between((b, &second), (a, &first), missing)?;
    let field = Field::Analytic(AnalyticField::SMOOTH[0]);
    let truth = field.on(&first, Reference::Means);
    let areas: Vec<f64> = (0..first.len()).map(|c| first.area(c)).collect();
    let before = source_integral(&first, &truth);
    // The field's own integral is 0: the size of its values is what an error is held against.
    let size = source_integral(&first, &truth.iter().map(|v| v.abs()).collect::<Vec<f64>>());
    let (mut values, mut rows) = (truth.clone(), Vec::new());
    let step = times.div_ceil(10).max(1);
    for cycle in 1..=times {
        let (on_second, valid) = apply(&there, &values, None);
        let (again, valid_again) = apply(&back, &on_second, Some(&valid));
        values = again;
        if cycle % step == 0 || cycle == times || cycle == 1 {
            let norms = ErrorNorms::of(&values, &truth, Some(&areas), Some(&valid_again));
            let norms =
                norms.map_err(|_| ScoreError::NothingMapped { method: scheme.to_string(), from: a.into(), to: b.into() })?;
            let after = source_integral(&first, &values);
            let conservation = match (before, after, size) {
                (Some(before), Some(after), Some(size)) => (after - before) / size,
                _ => f64::NAN,
            };
            let grids = [a.to_owned(), b.to_owned()];
            rows.push(Cycle { method: scheme.to_string(), field: field.to_string(), grids, cycles: cycle, conservation, norms });
        }
    }
    Ok(rows)
}
