//! A window's value on its way: converted, mapped, turned, corrected, clipped, each with its entry in the ledger.

use crate::error::RunError;
use crate::experiment::ConservationMode;
use crate::ledger::{Account, Cells, Column, times};
use crate::mapping::Mapping;
use crate::plan::Coupling;
use crate::{Nature, Values};
use knarr_kernels::global_integral::Compensated;
use knarr_kernels::rotate_vectors::{from_cartesian, to_cartesian};
use knarr_regrid::{PreparedRegridder, SlabFlags};
use std::borrow::Cow;

/// A mapping made ready, with the cells at both ends.
pub(crate) struct Way<'p> {
    pub mapping: &'p Mapping,
    pub prepared: Option<PreparedRegridder<'p>>,
    pub source: Cells,
    pub destination: Cells,
}

/// What a coupling's value comes to at the destination.
pub(crate) struct Arrived {
    /// One for each part.
    pub values: Vec<Values>,
    /// Amount of each zone, for the ledger.
    pub amounts: Vec<Compensated>,
}

impl Way<'_> {
    /// Values of the destination from those of the source.
    pub fn map(&self, given: &Values) -> Result<Values, RunError> {
        let Some(prepared) = &self.prepared else { return Ok(given.clone()) };
        let n = self.destination.areas.len();
        let mut values = vec![0.0; n];
        let flags = given.valid.as_ref().map(|valid| SlabFlags::from_bools(valid.len(), valid));
        let valid = prepared.apply_into(&given.values, flags.as_ref(), &mut values)?;
        let mut valid = valid.map(|flags| {
            let mut bools = vec![false; n];
            flags.write_bools(&mut bools);
            bools
        });
        if let (Some(fill), Some(flags)) = (self.mapping.methods.fill(), &mut valid) {
            for (value, flag) in values.iter_mut().zip(flags.iter_mut()).filter(|(_, flag)| !**flag) {
                *value = fill;
                *flag = true;
            }
            valid = None;
        }
        // Cells that take no part are missing for nobody.
        if let Some(flags) = &valid
            && (0..n).all(|cell| flags[cell] || !self.destination.is_active(cell))
        {
            valid = None;
        }
        Ok(Values { values, valid })
    }

    /// The coupling's `window` values brought to the destination; `weight` is how long they act.
    pub fn transfer(
        &self,
        coupling: &Coupling,
        label: &dyn Fn() -> String,
        window: &[Cow<Values>],
        weight: f64,
        account: &mut Option<Account>,
    ) -> Result<Arrived, RunError> {
        let converted: Vec<Cow<Values>> =
            window.iter().zip(&coupling.parts).map(|(values, part)| convert(values, &part.conversion)).collect();
        let mut values = match (&coupling.rotation, &converted[..]) {
            (Some(rotation), [u, v]) => {
                let valid = both(u.valid.as_deref(), v.valid.as_deref());
                let cartesian = to_cartesian(&u.values, &v.values, &rotation.source);
                let mapped: Result<Vec<Values>, RunError> =
                    cartesian.into_iter().map(|values| self.map(&Values { values, valid: valid.clone() })).collect();
                let mapped = mapped?;
                let [x, y] = from_cartesian([&mapped[0].values, &mapped[1].values, &mapped[2].values], &rotation.destination);
                let valid = mapped[0].valid.clone();
                vec![Values { values: x, valid: valid.clone() }, Values { values: y, valid }]
            }
            _ => converted.iter().map(|values| self.map(values)).collect::<Result<Vec<_>, _>>()?,
        };
        let Some(account) = account.as_mut().filter(|_| coupling.nature != Nature::State && values.len() == 1) else {
            if let Some(range) = coupling.range {
                values.iter_mut().for_each(|v| clip(v, range));
            }
            return Ok(Arrived { values, amounts: Vec::new() });
        };
        let per_area = coupling.nature == Nature::Flux;
        let mut arrived = values.remove(0);
        self.account_mapping(&converted[0], &arrived, per_area, weight, account);
        let before = self.destination.integral(&arrived, per_area);
        if let Some(conserve) = &coupling.conserve {
            let size = self.correct(&converted[0], &mut arrived, &before[0], per_area, conserve.mode);
            account.largest_correction = account.largest_correction.max(size);
            if size > conserve.limit {
                return Err(RunError::Correction { coupling: label(), size, limit: conserve.limit });
            }
        }
        let corrected = self.destination.integral(&arrived, per_area);
        account.add(Column::Corrected, &times(&difference(&corrected, &before), weight));
        let mut amounts = corrected;
        if let Some(range) = coupling.range {
            clip(&mut arrived, range);
            let clipped = self.destination.integral(&arrived, per_area);
            account.add(Column::Clipped, &times(&difference(&amounts, &clipped), weight));
            amounts = clipped;
        }
        Ok(Arrived { values: vec![arrived], amounts: times(&amounts, weight) })
    }

    fn account_mapping(&self, given: &Values, arrived: &Values, per_area: bool, weight: f64, account: &mut Account) {
        let Some(regridder) = &self.mapping.regridder else { return };
        let weights = &regridder.weights;
        let value = |cell: usize| given.get(cell).unwrap_or(0.0);
        if !self.mapping.keeps_integrals() {
            let error = difference(&self.destination.integral(arrived, per_area), &self.source.integral(given, per_area));
            account.add(Column::Mapped, &times(&error, weight));
            return;
        }
        let area =
            |cell: usize| if per_area { self.source.areas[cell] } else { f64::from(u8::from(self.source.is_active(cell))) };
        let masked = |cell: usize| self.mapping.masked_fractions.as_ref().map_or(0.0, |m| m[cell]);
        if self.mapping.masked_fractions.is_some() {
            account.add(Column::Masked, &times(&self.source.sums(|cell| (value(cell) * masked(cell), area(cell))), weight));
        }
        let beyond = self.source.sums(|cell| (value(cell) * (1.0 - weights.source_fractions[cell] - masked(cell)), area(cell)));
        account.add(Column::Unmapped, &times(&beyond, weight));
        let whole = !per_area || !weights.origin.conservative || weights.origin.normalization == "destarea";
        // The part of a cell that its value came from: what is left got the same value from nobody.
        let shares = (!whole && given.valid.is_some()).then(|| self.valid_shares(given));
        let part = |cell: usize| {
            if !weights.is_mapped(cell) {
                return 0.0;
            }
            if whole { 1.0 } else { weights.destination_fractions[cell] * shares.as_ref().map_or(1.0, |s| s[cell]) }
        };
        let stretched =
            self.destination.sums(|cell| (arrived.get(cell).unwrap_or(0.0) * (1.0 - part(cell)), self.destination.areas[cell]));
        if per_area {
            account.add(Column::Mapped, &times(&stretched, weight));
        }
        if let (Some(from), Some(to)) = (&self.source.basins, &self.destination.basins) {
            let mut moved = vec![Compensated::default(); self.source.zones];
            for cell in (0..weights.destination_len()).filter(|&cell| arrived.is_valid(cell) && self.destination.is_active(cell))
            {
                let (columns, values) = weights.row(cell);
                if columns.iter().all(|&c| from[c as usize] == to[cell]) {
                    continue;
                }
                let share = shares.as_ref().map_or(1.0, |s| s[cell]);
                let area = if per_area { self.destination.areas[cell] } else { 1.0 } * part(cell) / share;
                for (&c, &w) in
                    columns.iter().zip(values).filter(|(c, _)| from[**c as usize] != to[cell] && given.is_valid(**c as usize))
                {
                    let amount = w * value(c as usize);
                    moved[1 + usize::from(to[cell])].add_product(amount, area);
                    moved[1 + usize::from(from[c as usize])].add_product(-amount, area);
                }
            }
            account.add(Column::Moved, &times(&moved, weight));
        }
    }

    /// The part of each row's weights that stands on valid values.
    fn valid_shares(&self, given: &Values) -> Vec<f64> {
        let Some(regridder) = &self.mapping.regridder else { return Vec::new() };
        (0..regridder.weights.destination_len())
            .map(|cell| {
                let (columns, values) = regridder.weights.row(cell);
                columns.iter().zip(values).filter(|(c, _)| given.is_valid(**c as usize)).map(|(_, w)| w).sum()
            })
            .collect()
    }

    /// Makes the integrals agree; gives the size of the correction relative to what was given.
    fn correct(&self, given: &Values, arrived: &mut Values, now: &Compensated, per_area: bool, mode: ConservationMode) -> f64 {
        let source = self.source.integral(given, per_area)[0].value();
        let active = |cells: &Cells, values: &Values| {
            cells.sums(|cell| {
                let there = f64::from(u8::from(values.is_valid(cell)));
                (there, if per_area { cells.areas[cell] } else { f64::from(u8::from(cells.is_active(cell))) })
            })[0]
                .value()
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
