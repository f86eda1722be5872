//! Weights put to use on values with missing data.

use crate::{RegridError, Weights};

/// What missing source values do to a destination value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MissingPolicy {
    /// They are left out and the other weights scaled up, as long as valid sources carry at least the
    /// share `min_valid` (0..1) of the row's weight; otherwise, and without any valid source, the value is missing.
    /// Weights normalised by the destination's area are not scaled up: what is missing contributes nothing.
    Skip {
        /// Least share of valid weight.
        min_valid: f64,
    },
    /// One missing source makes the destination value missing.
    Propagate,
}

/// Weights with a policy, ready to be applied.
#[derive(Clone, Debug)]
pub struct Regridder {
    /// The weights.
    pub weights: Weights,
    /// What missing values do.
    pub missing: MissingPolicy,
}

impl Regridder {
    /// Regrids one or more slabs: `source` holds `n` slabs of source cells one after the other, `valid` one
    /// flag per value (`None`: all valid). Gives `n` slabs of destination cells and their validity.
    /// Values that are not valid are 0.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] if `source` is not a whole number of slabs or `valid` has another length.
    pub fn apply(&self, source: &[f64], valid: Option<&[bool]>) -> Result<(Vec<f64>, Vec<bool>), RegridError> {
        let n = self.weights.source_len;
        if n == 0 || source.len() % n != 0 {
            return Err(RegridError::WrongLength { what: "the source field", found: source.len(), expected: n });
        }
        if let Some(valid) = valid.filter(|v| v.len() != source.len()) {
            return Err(RegridError::WrongLength { what: "the validity", found: valid.len(), expected: source.len() });
        }
        unimplemented_apply(self, source, valid)
    }
}

fn unimplemented_apply(_: &Regridder, _: &[f64], _: Option<&[bool]>) -> Result<(Vec<f64>, Vec<bool>), RegridError> {
    todo!("written next")
}
