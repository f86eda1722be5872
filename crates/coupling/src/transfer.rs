//! A window's value on its way: converted, mapped, turned, corrected, clipped, each with its entry in the ledger.

use crate::error::RunError;
use crate::experiment::ConservationMode;
use crate::ledger::{Account, Cells, Column, times};
use crate::plan::Coupling;
use crate::way::{Sums, Way};
use crate::{Nature, Values};
use knarr_kernels::global_integral::Compensated;
use knarr_kernels::rotate_vectors::{from_cartesian, to_cartesian};
use std::borrow::Cow;

/// What a coupling's value comes to at the destination.
pub(crate) struct Arrived {
    /// One for each part.
    pub values: Vec<Values>,
    /// Amount of each zone, for the ledger.
    pub amounts: Vec<Compensated>,
}

impl Way<'_> {
    /// The coupling's `window` values brought to the destination; `weight` is how long they act.
    pub fn transfer(
        &self,
        coupling: &Coupling,
        label: &dyn Fn() -> String,
        window: &[Cow<Values>],
        weight: f64,
        account: &mut Option<Account>,
        spare: &mut Vec<Vec<f64>>,
    ) -> Result<Arrived, RunError> {
        let converted: Vec<Cow<Values>> =
            window.iter().zip(&coupling.parts).map(|(values, part)| convert(values, &part.conversion)).collect();
        let nature = (account.is_some() && coupling.has_account()).then_some(coupling.nature);
        let mut sums = Sums::default();
        let mut values = match (&coupling.rotation, &converted[..]) {
            (Some(rotation), [u, v]) => {
                let valid = both(u.valid.as_deref(), v.valid.as_deref());
                let cartesian = to_cartesian(&u.values, &v.values, &rotation.source);
                let mapped: Result<Vec<Values>, RunError> = cartesian
                    .into_iter()
                    .map(|values| Ok(self.map(&Values { values, valid: valid.clone() }, None, spare)?.0))
                    .collect();
                let mapped = mapped?;
                let [x, y] = from_cartesian([&mapped[0].values, &mapped[1].values, &mapped[2].values], &rotation.destination);
                let valid = mapped[0].valid.clone();
                vec![Values { values: x, valid: valid.clone() }, Values { values: y, valid }]
            }
            _ => {
                let mut list = Vec::with_capacity(converted.len());
                for given in &converted {
                    let (values, made) = self.map(given, nature, spare)?;
                    list.push(values);
                    sums = made;
                }
                list
            }
        };
        let Some(account) = account.as_mut().filter(|_| nature.is_some()) else {
            if let Some(range) = coupling.range {
                values.iter_mut().for_each(|v| clip(v, range));
            }
            return Ok(Arrived { values, amounts: Vec::new() });
        };
        let per_area = coupling.nature == Nature::Flux;
        let mut arrived = values.remove(0);
        let mut amounts = sums.amounts.take().unwrap_or_else(|| self.destination.integral(&arrived, per_area));
        self.account_mapping(&converted[0], &arrived, &amounts, sums, (coupling.nature, weight), account);
        if let Some(conserve) = &coupling.conserve {
            let size = self.correct(&converted[0], &mut arrived, &amounts[0], per_area, conserve.mode);
            account.largest_correction = account.largest_correction.max(size);
            if size > conserve.limit {
                return Err(RunError::Correction { coupling: label(), size, limit: conserve.limit });
            }
            let corrected = self.destination.integral(&arrived, per_area);
            account.add(Column::Corrected, &times(&difference(&corrected, &amounts), weight));
            amounts = corrected;
        }
        if let Some(range) = coupling.range {
            clip(&mut arrived, range);
            let clipped = self.destination.integral(&arrived, per_area);
            account.add(Column::Clipped, &times(&difference(&amounts, &clipped), weight));
            amounts = clipped;
        }
        Ok(Arrived { values: vec![arrived], amounts: times(&amounts, weight) })
    }

    /// Says where the rest is of what was `given`: `amounts` of it `arrived`.
    fn account_mapping(
        &self,
        given: &Values,
        arrived: &Values,
        amounts: &[Compensated],
        sums: Sums,
        (nature, weight): (Nature, f64),
        account: &mut Account,
    ) {
        if self.mapping.regridder.is_some() && !self.mapping.keeps_integrals() {
            let error = difference(amounts, &self.source.integral(given, nature == Nature::Flux));
            account.add(Column::Mapped, &times(&error, weight));
            return;
        }
        let Some(losses) = self.losses(nature) else { return };
        if let Some(masked) = &losses.masked {
            let sums = sums.masked.unwrap_or_else(|| self.source.weighted(given, masked));
            account.add(Column::Masked, &times(&sums, weight));
        }
        let beyond = sums.beyond.unwrap_or_else(|| self.source.weighted(given, &losses.beyond));
        account.add(Column::Unmapped, &times(&beyond, weight));
        if let Some(stretched) = &losses.stretched {
            let sums = sums.stretched.unwrap_or_else(|| {
                let own = if self.is_whole(given) { None } else { losses.stretched_with(self.mapping, given, &self.destination) };
                self.destination.weighted(arrived, own.as_ref().unwrap_or(stretched))
            });
            account.add(Column::Mapped, &times(&sums, weight));
        }
        if let Some(moved) = losses.moved(given, arrived, &self.source, &self.destination) {
            account.add(Column::Moved, &times(&moved, weight));
        }
    }

    /// Makes the integrals agree; gives the size of the correction relative to what was given.
    fn correct(&self, given: &Values, arrived: &mut Values, now: &Compensated, per_area: bool, mode: ConservationMode) -> f64 {
        let source = self.source.integral(given, per_area)[0].value();
        let active = |cells: &Cells, values: &Values| {
            let there = Values { values: vec![1.0; values.len()], valid: values.valid.clone() };
            cells.integral(&there, per_area)[0].value()
        };
        let aim = match mode {
            ConservationMode::Global | ConservationMode::Glbpos => source,
            ConservationMode::Basbal | ConservationMode::Baspos => {
                let (from, to) = (active(&self.source, given), active(&self.destination, arrived));
                if from > 0.0 { source * (to / from) } else { 0.0 }
            }
        };
        let missing = aim - now.value();
        let size = if missing == 0.0 { 0.0 } else { (missing / aim.abs().max(now.value().abs())).abs() };
        let cells = 0..arrived.len();
        match mode {
            ConservationMode::Global | ConservationMode::Basbal => {
                let area = active(&self.destination, arrived);
                if area > 0.0 {
                    let each = missing / area;
                    cells.filter(|&c| self.destination.is_active(c)).for_each(|c| arrived.values[c] += each);
                }
            }
            ConservationMode::Glbpos | ConservationMode::Baspos => {
                if now.value() != 0.0 {
                    let factor = aim / now.value();
                    cells.for_each(|c| arrived.values[c] *= factor);
                }
            }
        }
        size
    }
}

fn convert<'v>(values: &'v Values, conversion: &knarr_field::units::Linear) -> Cow<'v, Values> {
    if conversion.is_identity() {
        return Cow::Borrowed(values);
    }
    let converted = values.values.iter().map(|&v| conversion.apply(v)).collect();
    Cow::Owned(Values { values: converted, valid: values.valid.clone() })
}

fn both(a: Option<&[bool]>, b: Option<&[bool]>) -> Option<Vec<bool>> {
    match (a, b) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one.to_vec()),
        (Some(a), Some(b)) => Some(a.iter().zip(b).map(|(&a, &b)| a && b).collect()),
    }
}

fn clip(values: &mut Values, [low, high]: [f64; 2]) {
    values.values.iter_mut().for_each(|v| *v = v.clamp(low, high));
}

/// a - b.
pub(crate) fn difference(a: &[Compensated], b: &[Compensated]) -> Vec<Compensated> {
    a.iter()
        .zip(b)
        .map(|(a, b)| {
            let mut left = *a;
            let [total, lost] = b.parts();
            left.add(-total);
            left.add(-lost);
            left
        })
        .collect()
}
