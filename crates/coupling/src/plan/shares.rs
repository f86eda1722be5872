//! Fields that several exchanges feed: do their shares cover every cell once?

use super::build::Builder;
use crate::Values;
use crate::findings::Finding;

/// How closely shares must add up to 1: fractions come from files in single precision.
pub(crate) const TOLERANCE: f64 = 1e-6;

impl Builder<'_> {
    /// Adds up the shares of each merged field that are known before the first step.
    pub(super) fn check_shares(&mut self) {
        let mut findings = Vec::new();
        for c in 0..self.components.len() {
            for import in 0..self.components[c].import_count() {
                let feeding: Vec<usize> = (0..self.couplings.len())
                    .filter(|&k| {
                        let coupling = &self.couplings[k];
                        coupling.destination == c && coupling.share.is_some() && coupling.parts.iter().any(|p| p.import == import)
                    })
                    .collect();
                let shares: Option<Vec<Values>> =
                    feeding.iter().map(|&k| self.share_at_start(c, self.couplings[k].share?)).collect();
                let Some(shares) = shares.filter(|s| !s.is_empty()) else { continue };
                findings.extend(self.judge_shares(c, import, &feeding, &shares));
            }
        }
        findings.into_iter().for_each(|finding| self.findings.add(finding));
    }

    /// A share as it will arrive, if its giver gives it before its first step.
    fn share_at_start(&self, c: usize, import: usize) -> Option<Values> {
        let (coupling, part) = self.couplings.iter().find_map(|k| {
            let part = k.parts.iter().find(|p| p.import == import).filter(|_| k.destination == c)?;
            Some((k, part))
        })?;
        let values = self.started.get(coupling.source)?.at(part.export)?.host().ok()?;
        if values.valid.as_ref().is_some_and(|valid| !valid.contains(&true)) {
            return None;
        }
        match &self.mappings[coupling.mapping].regridder {
            None => Some(values.clone()),
            Some(regridder) => {
                let (values, valid) = regridder.apply(&values.values, values.valid.as_deref()).ok()?;
                Some(Values { values, valid: Some(valid) })
            }
        }
    }

    fn judge_shares(&self, c: usize, import: usize, feeding: &[usize], shares: &[Values]) -> Option<Finding> {
        let component = &self.components[c];
        let field = component.import(import);
        let grid = &component.declaration.grids[field.grid].grid;
        let sum = |cell: usize| shares.iter().filter_map(|s| s.get(cell)).sum::<f64>();
        let sums: Vec<(usize, f64)> =
            (0..grid.len()).filter(|&cell| grid.mask.is_active(cell)).map(|cell| (cell, sum(cell))).collect();
        let givers: Vec<String> =
            feeding.iter().map(|&k| format!("`{}`", self.components[self.couplings[k].source].name)).collect();
        let place = self.couplings[feeding[0]].place;
        let told = |wrong: Vec<&(usize, f64)>, what: &str, hint: String| {
            let worst = wrong.iter().copied().max_by(|a, b| (a.1 - 1.0).abs().total_cmp(&(b.1 - 1.0).abs()))?;
            let p = grid.center(worst.0);
            let message = format!(
                "the shares of `{}` at `{}` add up to {what} than 1 in {} of {} cells, to {:.6} at {:.3} E {:.3} N",
                field.name,
                component.name,
                wrong.len(),
                sums.len(),
                worst.1,
                p.lon_deg,
                p.lat_deg
            );
            Some(Finding::error("shares", place, message).hint(hint))
        };
        let above: Vec<&(usize, f64)> = sums.iter().filter(|(_, sum)| *sum > 1.0 + TOLERANCE).collect();
        if !above.is_empty() {
            let hint = format!("the masks of {} overlap: give each the fraction of a cell that is its own", givers.join(" and "));
            return told(above, "more", hint);
        }
        let below: Vec<&(usize, f64)> = sums.iter().filter(|(_, sum)| *sum < 1.0 - TOLERANCE).collect();
        if !below.is_empty() {
            let hint = format!(
                "{} leave a part of these cells to nobody: add what covers the rest, or correct the fractions",
                givers.join(" and ")
            );
            return told(below, "less", hint);
        }
        None
    }
}
