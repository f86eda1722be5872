//! What is scored: a method, as it is or kept from new extremes.

use super::ScoreError;
use knarr_grid::Grid;
use knarr_regrid::{Finish, Layer, Limit, Method, MissingPolicy, Options, Stack, StackRegridder, StackWeights};
use std::sync::Arc;

/// A method and its limit; told, and read by `knarr bench accuracy --methods`, as `patch` or `patch+monotone`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scheme {
    /// The method.
    pub method: Method,
    /// What keeps it from new extremes.
    pub limit: Option<Limit>,
}

impl Scheme {
    /// The weights between two grids with their names, ready to be applied.
    ///
    /// # Errors
    /// [`ScoreError::Weights`] if the method or the limit does not fit the pair.
    pub(super) fn between(
        self,
        source: (&str, &Arc<Grid>),
        destination: (&str, &Arc<Grid>),
        missing: MissingPolicy,
    ) -> Result<StackRegridder, ScoreError> {
        let finish = self.limit.map_or(Finish::Sum, Finish::Limit);
        Stack::new(vec![Layer::Method(Options::new(self.method))])
            .and_then(|stack| StackWeights::build(source.1, destination.1, &stack)?.finished(finish))
            .map(|weights| StackRegridder { weights, missing })
            .map_err(|cause| ScoreError::Weights {
                method: self.to_string(),
                from: source.0.to_owned(),
                to: destination.0.to_owned(),
                source: cause,
            })
    }
}

/// One field regridded: values and whether they are valid.
pub(super) fn apply(regridder: &StackRegridder, values: &[f64], valid: Option<&[bool]>) -> (Vec<f64>, Vec<bool>) {
    let cells = regridder.weights.joined().destination_len();
    let (mut result, mut flags) = (vec![0.0; cells], vec![false; cells]);
    regridder.apply_into(values, valid, &mut result, &mut flags).expect("one value per source cell");
    (result, flags)
}

impl From<Method> for Scheme {
    fn from(method: Method) -> Self {
        Self { method, limit: None }
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.method)?;
        self.limit.map_or(Ok(()), |limit| write!(f, "+{}", Finish::Limit(limit)))
    }
}
