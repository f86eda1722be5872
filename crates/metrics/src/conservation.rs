//! What became of the integral.

use crate::NormsError;
use knarr_kernels::global_integral::Compensated;

/// Σ area_i · value_i over valid cells, compensated, in index order: the same bits for any thread count.
///
/// Areas are steradians, so the result is in units of `values` times sr. `valid`: one flag per value, `None` = all.
///
/// # Errors
/// [`NormsError::WrongLength`] if the slices differ in length.
pub fn integral(values: &[f64], areas: &[f64], valid: Option<&[bool]>) -> Result<f64, NormsError> {
    NormsError::check("areas", areas.len(), values.len())?;
    NormsError::check("validity", valid.map_or(values.len(), <[bool]>::len), values.len())?;
    let mut total = Compensated::default();
    for i in 0..values.len() {
        if valid.is_none_or(|v| v[i]) {
            total.add_product(areas[i], values[i]);
        }
    }
    Ok(total.value())
}

/// Integrals before and after regridding.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Conservation {
    /// I_s(ψ_s) = Σ source area · fraction that takes part · source value.
    pub source_integral: f64,
    /// I_t(Rψ) = Σ destination area · fraction covered · regridded value.
    pub destination_integral: f64,
}

impl Conservation {
    /// |I_t(Rψ) − I_s(ψ_s)| / |I_s(ψ_s)|; `None` where the source integral is 0.
    ///
    /// ```
    /// let kept = knarr_metrics::Conservation { source_integral: 4.0, destination_integral: 5.0 };
    /// assert_eq!(kept.relative_error(), Some(0.25));
    /// ```
    pub fn relative_error(&self) -> Option<f64> {
        (self.source_integral != 0.0)
            .then(|| (self.destination_integral - self.source_integral).abs() / self.source_integral.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_do_not_enter_the_integral() {
        let total = integral(&[1.0, 1e30, 3.0], &[2.0, 1.0, 0.5], Some(&[true, false, true])).expect("equal lengths");
        assert_eq!(total, 3.5);
        assert!(integral(&[1.0], &[], None).is_err());
    }

    #[test]
    fn small_values_survive_between_large_ones() {
        assert_eq!(integral(&[1e20, 1.0, -1e20], &[1.0; 3], None), Ok(1.0));
    }
}
