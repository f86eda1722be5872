//! How far a field is from its reference.

use knarr_kernels::global_integral::Compensated;

/// Why norms cannot be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NormsError {
    /// Slices that belong together differ in length.
    #[error("{what} has {found} values, expected {expected}")]
    WrongLength {
        /// What was counted.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// No cell has a value in both fields.
    #[error("no cell has a value in both fields")]
    NothingToCompare,
}

impl NormsError {
    pub(crate) fn check(what: &'static str, found: usize, expected: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::WrongLength { what, found, expected }) }
    }
}

/// Relative misfit e_i = |Rψ_i − ψ_i| / |ψ_i|, every cell counting the same.
///
/// Reference: Valcke, Piacentini and Jonville (2022), Math. Comput. Appl. 27(2), 31.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Misfit {
    /// Σ e_i / n.
    pub mean: f64,
    /// max e_i.
    pub max: f64,
    /// √(Σ e_i² / n).
    pub rms: f64,
}

/// Distance of a field Rψ from its reference ψ, over cells valid in both.
///
/// I\[·\] = Σ area_i · (·)_i. Reference: Mahadevan et al. (2022), Geosci. Model Dev. 15, 6601–6635.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct ErrorNorms {
    /// Cells compared.
    pub cells: usize,
    /// Cells left out of the misfit because the reference is 0 there.
    pub zero_references: usize,
    /// Relative misfit; `None` where the reference is 0 everywhere.
    pub misfit: Option<Misfit>,
    /// max |Rψ − ψ|, in the field's units.
    pub max_difference: f64,
    /// I\[Rψ − ψ\] / I\[1\], in the field's units.
    pub mean_difference: f64,
    /// I\[|Rψ − ψ|\] / I\[|ψ|\].
    pub l1: f64,
    /// √(I\[(Rψ − ψ)²\] / I\[ψ²\]).
    pub l2: f64,
    /// max |Rψ − ψ| / max |ψ|.
    pub linf: f64,
    /// (min ψ − min Rψ) / max |ψ|: positive where the field undershoots its reference.
    pub lmin: f64,
    /// (max Rψ − max ψ) / max |ψ|: positive where the field overshoots its reference.
    pub lmax: f64,
}

impl ErrorNorms {
    /// Norms of `result` against `reference`, both one value per cell.
    ///
    /// `areas` (steradians, `None`: all equal) weight the L norms; `valid` (`None`: all) says which cells count.
    /// Norms that divide by a reference of 0 are 0 if the difference is 0 too, and infinite otherwise.
    ///
    /// # Errors
    /// [`NormsError`] if lengths differ or no cell is valid.
    pub fn of(result: &[f64], reference: &[f64], areas: Option<&[f64]>, valid: Option<&[bool]>) -> Result<Self, NormsError> {
        let mut sums = ErrorSums::default();
        sums.add(result, reference, areas, valid)?;
        sums.finish()
    }
}

/// Sums on the way to [`ErrorNorms`], for fields that come slab by slab.
///
/// ```
/// use knarr_metrics::{ErrorNorms, ErrorSums};
/// let mut sums = ErrorSums::default();
/// sums.add(&[1.0], &[2.0], None, None)?;
/// sums.add(&[3.0], &[3.0], None, None)?;
/// assert_eq!(sums.finish()?, ErrorNorms::of(&[1.0, 3.0], &[2.0, 3.0], None, None)?);
/// # Ok::<(), knarr_metrics::NormsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ErrorSums {
    cells: usize,
    zero_references: usize,
    area: Compensated,
    difference: Compensated,
    absolute: Compensated,
    square: Compensated,
    reference_absolute: Compensated,
    reference_square: Compensated,
    misfit: Compensated,
    misfit_square: Compensated,
    misfit_max: f64,
    max_difference: f64,
    max_reference: f64,
    result_range: Range,
    reference_range: Range,
}

impl ErrorSums {
    /// Adds a slab; arguments as for [`ErrorNorms::of`].
    ///
    /// # Errors
    /// [`NormsError::WrongLength`] if lengths differ.
    pub fn add(
        &mut self,
        result: &[f64],
        reference: &[f64],
        areas: Option<&[f64]>,
        valid: Option<&[bool]>,
    ) -> Result<(), NormsError> {
        let n = reference.len();
        NormsError::check("the result", result.len(), n)?;
        NormsError::check("areas", areas.map_or(n, <[f64]>::len), n)?;
        NormsError::check("validity", valid.map_or(n, <[bool]>::len), n)?;
        for i in (0..n).filter(|&i| valid.is_none_or(|v| v[i])) {
            self.add_cell(result[i], reference[i], areas.map_or(1.0, |a| a[i]));
        }
        Ok(())
    }

    fn add_cell(&mut self, r: f64, t: f64, area: f64) {
        let difference = r - t;
        self.cells += 1;
        self.area.add(area);
        self.difference.add(area * difference);
        self.absolute.add(area * difference.abs());
        self.square.add(area * difference * difference);
        self.reference_absolute.add(area * t.abs());
        self.reference_square.add(area * t * t);
        self.max_difference = self.max_difference.max(difference.abs());
        self.max_reference = self.max_reference.max(t.abs());
        self.result_range.extend(r);
        self.reference_range.extend(t);
        if t == 0.0 {
            self.zero_references += 1;
        } else {
            let e = difference.abs() / t.abs();
            self.misfit.add(e);
            self.misfit_square.add(e * e);
            self.misfit_max = self.misfit_max.max(e);
        }
    }

    /// The norms of all slabs together.
    ///
    /// # Errors
    /// [`NormsError::NothingToCompare`] if no cell was valid.
    pub fn finish(self) -> Result<ErrorNorms, NormsError> {
        if self.cells == 0 {
            return Err(NormsError::NothingToCompare);
        }
        let relative_to = |difference: f64, size: f64| if difference == 0.0 { 0.0 } else { difference / size };
        let n = (self.cells - self.zero_references) as f64;
        Ok(ErrorNorms {
            cells: self.cells,
            zero_references: self.zero_references,
            misfit: (n > 0.0).then(|| Misfit {
                mean: self.misfit.value() / n,
                max: self.misfit_max,
                rms: (self.misfit_square.value() / n).sqrt(),
            }),
            max_difference: self.max_difference,
            mean_difference: relative_to(self.difference.value(), self.area.value()),
            l1: relative_to(self.absolute.value(), self.reference_absolute.value()),
            l2: relative_to(self.square.value(), self.reference_square.value()).sqrt(),
            linf: relative_to(self.max_difference, self.max_reference),
            lmin: relative_to(self.reference_range.min - self.result_range.min, self.max_reference),
            lmax: relative_to(self.result_range.max - self.reference_range.max, self.max_reference),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Range {
    min: f64,
    max: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Range {
    fn extend(&mut self, value: f64) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_meet_their_formulas_by_hand() {
        let n = ErrorNorms::of(&[1.0, 2.5, 99.0], &[2.0, 2.0, 4.0], Some(&[1.0, 3.0, 1.0]), Some(&[true, true, false]))
            .expect("two valid cells");
        assert_eq!(n.cells, 2);
        // e = 0.5 and 0.25.
        assert_eq!(n.misfit, Some(Misfit { mean: 0.375, max: 0.5, rms: (0.3125f64 / 2.0).sqrt() }));
        assert_eq!(n.max_difference, 1.0);
        assert_eq!(n.mean_difference, (-1.0 + 3.0 * 0.5) / 4.0);
        assert_eq!(n.l1, (1.0 + 1.5) / 8.0);
        assert_eq!(n.l2, ((1.0 + 0.75) / 16.0f64).sqrt());
        assert_eq!((n.linf, n.lmin, n.lmax), (0.5, 0.5, 0.25));
    }

    #[test]
    fn a_zero_reference_is_counted_not_divided_by() {
        let n = ErrorNorms::of(&[0.5, 3.0], &[0.0, 2.0], None, None).expect("two valid cells");
        assert_eq!((n.zero_references, n.misfit.expect("one cell is left").max), (1, 0.5));
        let equal = ErrorNorms::of(&[0.0], &[0.0], None, None).expect("one valid cell");
        assert_eq!((equal.misfit, equal.l1, equal.linf), (None, 0.0, 0.0));
    }

    #[test]
    fn nothing_to_compare_is_an_error() {
        assert_eq!(ErrorNorms::of(&[1.0], &[1.0], None, Some(&[false])), Err(NormsError::NothingToCompare));
        assert!(ErrorNorms::of(&[1.0], &[], None, None).is_err());
    }
}
