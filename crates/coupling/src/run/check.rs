//! Stops a run whose values are no numbers, or whose accounts do not close.

use super::coupler::Coupler;
use super::flow::Flow;
use crate::error::RunError;
use crate::sums::{Asked, Sums};
use crate::{FieldValues, Fields, Instant};

impl Coupler<'_> {
    /// Looks for values that are no numbers: on the host now; on a device by a sum for each export, which is then none.
    pub(super) fn ask_finite(
        &self,
        c: usize,
        end: i64,
        exports: &Fields,
        sums: &mut Sums,
    ) -> Result<Vec<Option<Asked>>, RunError> {
        let declared = self.plan.components[c].declaration.exports.iter().enumerate();
        let ask = |(e, export): (usize, &crate::Export)| match exports.at(e) {
            Some(values) if values.is_made_on_device() => sums.integral(&self.cells[c][export.grid], values, true).map(Some),
            Some(values) => self.check_values(c, e, end, values).map(|()| None),
            None => Ok(None),
        };
        declared.map(ask).collect()
    }

    /// Says which value on a device is no number, if its export's sum is none.
    pub(super) fn check_finite(
        &self,
        c: usize,
        end: i64,
        exports: &Fields,
        asked: &[Option<Asked>],
        sums: &Sums,
    ) -> Result<(), RunError> {
        for (e, asked) in asked.iter().enumerate() {
            let (Some(asked), Some(values)) = (asked, exports.at(e)) else { continue };
            if !sums.of(asked)[0].value().is_finite() {
                self.check_values(c, e, end, values)?;
            }
        }
        Ok(())
    }

    fn check_values(&self, c: usize, e: usize, end: i64, values: &FieldValues) -> Result<(), RunError> {
        let planned = &self.plan.components[c];
        let export = &planned.declaration.exports[e];
        let values = values.host()?;
        if all_finite(&values.values) {
            return Ok(());
        }
        let cells = &self.cells[c][export.grid];
        let bad = |&cell: &usize| !values.values[cell].is_finite() && values.is_valid(cell) && cells.is_active(cell);
        match (0..values.len()).find(bad) {
            None => Ok(()),
            Some(cell) => Err(RunError::NotFinite {
                component: planned.name.clone(),
                at: Instant(self.plan.start.0 + end).label(self.plan.calendar),
                field: export.name.clone(),
                cell,
                value: values.values[cell],
            }),
        }
    }

    /// Sees that the account of a coupling closes.
    pub(super) fn check_ledger(&self, k: usize, flow: &mut Flow, window: i64) -> Result<(), RunError> {
        let in_flight = flow.in_flight();
        let Some(account) = &mut flow.account else { return Ok(()) };
        for (zone, in_flight) in in_flight.iter().enumerate() {
            let (residual, scale) = (account.residual(zone, in_flight), account.scale(zone));
            let relative = if residual == 0.0 { 0.0 } else { residual.abs() / scale };
            account.worst = account.worst.max(relative);
            if relative > self.plan.budget.limit {
                return Err(RunError::Ledger {
                    coupling: self.plan.label(&self.plan.couplings[k]),
                    window: Instant(self.plan.start.0 + window).label(self.plan.calendar),
                    zone: self.zone_name(zone),
                    residual,
                    scale,
                    limit: self.plan.budget.limit,
                });
            }
        }
        Ok(())
    }
}

/// Whether there is neither an infinity nor a NaN.
fn all_finite(values: &[f64]) -> bool {
    // Whole chunks without a branch go by vectors.
    values.chunks(1024).all(|chunk| chunk.iter().fold(true, |finite, x| finite & x.is_finite()))
}
