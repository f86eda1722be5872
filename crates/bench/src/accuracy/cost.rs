//! What a method costs: errors mean little without it.

use super::Scheme;
use super::scheme::apply;
use crate::speed::{Effort, Timing};
use knarr_grid::Grid;
use knarr_metrics::AnalyticField;
use knarr_regrid::MissingPolicy;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// A tenth of a second; methods differ by factors.
const EFFORT: Effort = Effort { budget: Duration::from_millis(100), samples_min: 3, samples_max: 9 };

/// Seconds of a method on a pair of grids.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Cost {
    /// Source grid.
    pub source: String,
    /// Destination grid.
    pub destination: String,
    /// Method, and limit if there is one.
    pub method: String,
    /// Median seconds to make weights and apply them to one field, on one thread.
    pub seconds: f64,
}

/// Times `scheme`; `None` if it does not fit the pair.
pub fn cost(source: (&str, &Arc<Grid>), destination: (&str, &Arc<Grid>), scheme: Scheme) -> Option<Cost> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok()?;
    let field = AnalyticField::Vortex.at_centers(source.1);
    let once = || {
        let regridder = scheme.between(black_box(source), black_box(destination), MissingPolicy::Propagate).ok()?;
        black_box(apply(&regridder, &field, None));
        Some(())
    };
    let timing = Timing::measure(EFFORT, || pool.install(once).ok_or(())).ok()?;
    Some(Cost {
        source: source.0.to_owned(),
        destination: destination.0.to_owned(),
        method: scheme.to_string(),
        seconds: timing.median_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_regrid::Method;

    #[test]
    fn what_fits_has_a_cost_and_what_does_not_has_none() {
        let (cells, other) = (Grid::from_spec("r24x12").expect("a grid"), Grid::from_spec("H4n").expect("a grid"));
        let (cells, other) = (Arc::new(cells), Arc::new(other));
        let found = cost(("a", &cells), ("b", &other), Method::Conservative.into()).expect("it fits");
        assert!(found.seconds > 0.0 && found.method == "conservative", "{found:?}");
        let points = Arc::new(Grid::points((0..other.len()).map(|c| other.center(c)).collect()).expect("points"));
        assert_eq!(cost(("points", &points), ("b", &other), Method::Conservative.into()), None);
    }
}
