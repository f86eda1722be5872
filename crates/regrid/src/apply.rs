//! Weights put to use on values with missing data.

use crate::{RegridError, Weights};
use knarr_kernels::sparse_apply::{self, Missing, SparseRows, Value};

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
        if n == 0 || !source.len().is_multiple_of(n) {
            return Err(RegridError::WrongLength { what: "the source field", found: source.len(), expected: n });
        }
        let (n, slabs) = (self.weights.destination_len(), source.len() / self.weights.source_len);
        let (mut values, mut flags) = (vec![0.0; n * slabs], vec![false; n * slabs]);
        self.apply_into(source, valid, &mut values, &mut flags)?;
        Ok((values, flags))
    }

    /// [`Self::apply`] for `f64` or `f32` values into buffers of `n` slabs; sums are `f64` in both cases.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] as for [`Self::apply`], and if a buffer does not fit.
    pub fn apply_into<V: Value>(
        &self,
        source: &[V],
        valid: Option<&[bool]>,
        destination: &mut [V],
        destination_valid: &mut [bool],
    ) -> Result<(), RegridError> {
        let check = |what, found, expected, ok| {
            if ok { Ok(()) } else { Err(RegridError::WrongLength { what, found, expected }) }
        };
        let weights = &self.weights;
        let n = weights.source_len;
        check("the source field", source.len(), n, n > 0 && source.len().is_multiple_of(n))?;
        if let Some(valid) = valid {
            check("the validity", valid.len(), source.len(), valid.len() == source.len())?;
        }
        let expected = weights.destination_len() * (source.len() / n);
        let (values, flags) = (destination.len(), destination_valid.len());
        check("the destination field", values, expected, values == expected)?;
        check("the destination validity", flags, expected, flags == expected)?;
        let rows = SparseRows { row_starts: &weights.row_starts, columns: &weights.columns, weights: &weights.values };
        sparse_apply::apply(rows, n, source, valid, self.kernel_policy(), destination, destination_valid);
        Ok(())
    }

    fn kernel_policy(&self) -> Missing {
        match self.missing {
            MissingPolicy::Propagate => Missing::Propagate,
            MissingPolicy::Skip { min_valid } if self.weights.origin.normalization == "destarea" => Missing::Keep { min_valid },
            MissingPolicy::Skip { min_valid } => Missing::Renormalize { min_valid },
        }
    }
}
