//! Remapping there and back many times: what a coupled run does to a field.

use super::score::{Field, Reference, source_integral};
use super::{ScoreError, grid};
use knarr_metrics::{AnalyticField, ErrorNorms};
use knarr_regrid::{Method, MissingPolicy, Options, Regridder, Weights};

/// The field on the first grid after some cycles.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Cycle {
    /// Method.
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
pub fn cyclic(a: &str, b: &str, method: Method, times: usize) -> Result<Vec<Cycle>, ScoreError> {
    let (first, second) = (grid(a)?, grid(b)?);
    let build = |from: (&str, &knarr_grid::Grid), to: (&str, &knarr_grid::Grid)| {
        Weights::build(from.1, to.1, &Options::new(method))
            .map(|weights| Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } })
            .map_err(|source| ScoreError::Weights { method: method.to_string(), from: from.0.into(), to: to.0.into(), source })
    };
    let (there, back) = (build((a, &first), (b, &second))?, build((b, &second), (a, &first))?);
    let field = Field::Analytic(AnalyticField::SMOOTH[0]);
    let truth = field.on(&first, Reference::Means);
    let areas: Vec<f64> = (0..first.len()).map(|c| first.area(c)).collect();
    let before = source_integral(&first, &truth);
    // The field's own integral is 0: the size of its values is what an error is held against.
    let size = source_integral(&first, &truth.iter().map(|v| v.abs()).collect::<Vec<f64>>());
    let (mut values, mut rows) = (truth.clone(), Vec::new());
    let step = times.div_ceil(10).max(1);
    for cycle in 1..=times {
        let (on_second, valid) = there.apply(&values, None).expect("one value per cell");
        let (again, valid_again) = back.apply(&on_second, Some(&valid)).expect("one value per cell");
        values = again;
        if cycle % step == 0 || cycle == times || cycle == 1 {
            let norms = ErrorNorms::of(&values, &truth, Some(&areas), Some(&valid_again));
            let norms =
                norms.map_err(|_| ScoreError::NothingMapped { method: method.to_string(), from: a.into(), to: b.into() })?;
            let after = source_integral(&first, &values);
            let conservation = match (before, after, size) {
                (Some(before), Some(after), Some(size)) => (after - before) / size,
                _ => f64::NAN,
            };
            let grids = [a.to_owned(), b.to_owned()];
            rows.push(Cycle { method: method.to_string(), field: field.to_string(), grids, cycles: cycle, conservation, norms });
        }
    }
    Ok(rows)
}
