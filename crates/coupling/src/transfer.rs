//! A window's value on its way: converted, mapped, turned, corrected, clipped, each with its entry in the ledger.
//!
//! Values go first, and sums are asked for; the ledger is written once those are read. On a device all stays there.

use crate::error::RunError;
use crate::experiment::ConservationMode;
use crate::ledger::{Account, CellWeights, Cells, Column, times};
use crate::plan::Coupling;
use crate::sums::{Asked, Sums};
use crate::way::Way;
use crate::{FieldValues, Nature, Values};
use knarr_field::units::Linear;
use knarr_kernels::convert::Conversion;
use knarr_kernels::global_integral::Compensated;

/// What a coupling's value comes to at the destination.
pub(crate) struct Arrived {
    /// One for each part.
    pub values: Vec<FieldValues>,
    entries: Option<Entries>,
}

/// What the ledger is told of a value on its way.
struct Entries {
    /// As it left, in units of the destination, and as it was mapped.
    given: FieldValues,
    mapped: FieldValues,
    amounts: Asked,
    lost: Lost,
    corrected: Option<Asked>,
    clipped: Option<Asked>,
}

/// Where the rest is of what was given.
enum Lost {
    /// All of it arrived.
    Nothing,
    /// The map keeps no integral: this is that of what was given.
    Unkept(Asked),
    /// As the mapping's losses tell.
    Told { masked: Option<Asked>, beyond: Asked, stretched: Option<Asked>, moved: Moved, unread: Option<Asked> },
}

/// What came into each zone from others.
enum Moved {
    /// Told link by link, once the ledger is written.
    ByLinks,
    #[cfg(feature = "gpu")]
    Asked(Option<Asked>),
}

impl Way<'_> {
    /// The coupling's `window` values brought to the destination, with entries for an account if there is one.
    pub fn transfer(
        &self,
        coupling: &Coupling,
        label: &dyn Fn() -> String,
        window: &[FieldValues],
        account: Option<&mut Account>,
        sums: &mut Sums,
        spare: &mut Vec<Vec<f64>>,
    ) -> Result<Arrived, RunError> {
        let converted = window.iter().zip(&coupling.parts).map(|(values, part)| convert(values, &part.conversion, sums));
        let converted: Vec<FieldValues> = converted.collect::<Result<_, _>>()?;
        let mut values = match (&coupling.rotation, &converted[..]) {
            (Some(rotation), [u, v]) => self.map_vector([u, v], rotation, sums, spare)?.to_vec(),
            _ => converted.iter().map(|given| self.map(given, sums, spare)).collect::<Result<_, _>>()?,
        };
        let Some(account) = account.filter(|_| coupling.has_account()) else {
            if let Some(range) = coupling.range {
                values = values.into_iter().map(|v| clip(v, range, sums)).collect::<Result<_, _>>()?;
            }
            return Ok(Arrived { values, entries: None });
        };
        let per_area = coupling.nature == Nature::Flux;
        let mut arrived = values.remove(0);
        let given = converted.into_iter().next().expect("a coupling has a part");
        let amounts = sums.integral(&self.destination, &arrived, per_area)?;
        let lost = self.lost(&given, &arrived, coupling.nature, sums)?;
        let mapped = arrived.clone();
        let mut corrected = None;
        if let Some(conserve) = &coupling.conserve {
            let (size, values) = self.corrected(&given, arrived, &amounts, per_area, conserve.mode, sums)?;
            arrived = values;
            account.largest_correction = account.largest_correction.max(size);
            if size > conserve.limit {
                return Err(RunError::Correction { coupling: label(), size, limit: conserve.limit });
            }
            corrected = Some(sums.integral(&self.destination, &arrived, per_area)?);
        }
        let mut clipped = None;
        if let Some(range) = coupling.range {
            arrived = clip(arrived, range, sums)?;
            clipped = Some(sums.integral(&self.destination, &arrived, per_area)?);
        }
        let entries = Some(Entries { given, mapped, amounts, lost, corrected, clipped });
        Ok(Arrived { values: vec![arrived], entries })
    }

    /// Asks where the rest is of what was `given`: some of it `arrived`.
    fn lost(&self, given: &FieldValues, arrived: &FieldValues, nature: Nature, sums: &mut Sums) -> Result<Lost, RunError> {
        if self.mapping.regridder.is_some() && !self.mapping.keeps_integrals() {
            return Ok(Lost::Unkept(sums.integral(&self.source, given, nature == Nature::Flux)?));
        }
        let Some(losses) = self.losses(nature) else { return Ok(Lost::Nothing) };
        let masked = losses.masked.as_ref().map(|masked| sums.weighted(&self.source, given, masked)).transpose()?;
        let beyond = sums.weighted(&self.source, given, &losses.beyond)?;
        #[cfg(feature = "gpu")]
        if self.is_on_device() {
            let weights = losses.stretched.as_ref();
            let stretched = weights.map(|weights| sums.weighted(&self.destination, arrived, weights)).transpose()?;
            // Rows that lack values are stretched otherwise.
            let can_lack = stretched.is_some() && given.can_lack_values();
            let read = losses.read(self.mapping).filter(|_| can_lack);
            let unread = read.map(|read| sums.weighted(&self.source, given, read)).transpose()?;
            let crossed = losses.crossed(&self.source, &self.destination);
            let moved = (!crossed.is_empty()).then(|| sums.each(given, crossed)).transpose()?;
            return Ok(Lost::Told { masked, beyond, stretched, moved: Moved::Asked(moved), unread });
        }
        let stretched = match &losses.stretched {
            Some(stretched) => Some(self.stretched(given.host()?, arrived, stretched, sums)?),
            None => None,
        };
        Ok(Lost::Told { masked, beyond, stretched, moved: Moved::ByLinks, unread: None })
    }

    /// What destination cells got that did not come from below them, on the host.
    fn stretched(
        &self,
        given: &Values,
        arrived: &FieldValues,
        stretched: &CellWeights,
        sums: &mut Sums,
    ) -> Result<Asked, RunError> {
        let losses = self.losses(Nature::Flux);
        let own = if self.is_whole(given) {
            None
        } else {
            losses.and_then(|l| l.stretched_with(self.mapping, given, &self.destination))
        };
        match own {
            Some(own) => Ok(Asked::Known(self.destination.weighted(arrived.host()?, &own))),
            None => sums.weighted(&self.destination, arrived, stretched),
        }
    }

    /// Makes the integrals agree; gives the size of the correction relative to what was given.
    fn corrected(
        &self,
        given: &FieldValues,
        arrived: FieldValues,
        now: &Asked,
        per_area: bool,
        mode: ConservationMode,
        sums: &mut Sums,
    ) -> Result<(f64, FieldValues), RunError> {
        let source = sums.integral(&self.source, given, per_area)?;
        let there = [ask_active(&self.source, given, per_area, sums)?, ask_active(&self.destination, &arrived, per_area, sums)?];
        // A correction needs its sums before it can be made.
        sums.read()?;
        let (source, now) = (sums.of(&source)[0].value(), sums.of(now)[0].value());
        let [from, to] = there.map(|there| there.of(sums));
        let aim = match mode {
            ConservationMode::Global | ConservationMode::Glbpos => source,
            ConservationMode::Basbal | ConservationMode::Baspos if from > 0.0 => source * (to / from),
            ConservationMode::Basbal | ConservationMode::Baspos => 0.0,
        };
        let missing = aim - now;
        let size = if missing == 0.0 { 0.0 } else { (missing / aim.abs().max(now.abs())).abs() };
        let correction = match mode {
            ConservationMode::Global | ConservationMode::Basbal if to > 0.0 => {
                Conversion { add: missing / to, ..Conversion::NOTHING }
            }
            ConservationMode::Glbpos | ConservationMode::Baspos if now != 0.0 => {
                Conversion { multiply: aim / now, ..Conversion::NOTHING }
            }
            _ => return Ok((size, arrived)),
        };
        #[cfg(feature = "gpu")]
        if let Some(values) = arrived.made_there() {
            return Ok((size, crate::on_device::convert(values, &correction, sums)?));
        }
        let mut arrived = arrived;
        let cells = 0..arrived.len();
        let values = &mut arrived.host_mut()?.values;
        match mode {
            ConservationMode::Global | ConservationMode::Basbal => {
                cells.filter(|&c| self.destination.is_active(c)).for_each(|c| values[c] += correction.add);
            }
            ConservationMode::Glbpos | ConservationMode::Baspos => values.iter_mut().for_each(|v| *v *= correction.multiply),
        }
        Ok((size, arrived))
    }
}

impl Arrived {
    /// Writes into the account how the value came here, once sums are read; gives what of it is under way. `weight` is how
    /// long it acts.
    pub fn enter(
        &self,
        way: &Way,
        nature: Nature,
        weight: f64,
        account: &mut Account,
        sums: &Sums,
    ) -> Result<Vec<Compensated>, RunError> {
        let Some(entries) = &self.entries else { return Ok(Vec::new()) };
        let mut amounts = sums.of(&entries.amounts);
        entries.enter_lost(way, nature, weight, &amounts, account, sums)?;
        if let Some(corrected) = &entries.corrected {
            let corrected = sums.of(corrected);
            account.add(Column::Corrected, &times(&difference(&corrected, &amounts), weight));
            amounts = corrected;
        }
        if let Some(clipped) = &entries.clipped {
            let clipped = sums.of(clipped);
            account.add(Column::Clipped, &times(&difference(&amounts, &clipped), weight));
            amounts = clipped;
        }
        Ok(times(&amounts, weight))
    }
}

impl Entries {
    fn enter_lost(
        &self,
        way: &Way,
        nature: Nature,
        weight: f64,
        amounts: &[Compensated],
        account: &mut Account,
        sums: &Sums,
    ) -> Result<(), RunError> {
        let (masked, beyond, stretched, moved, unread) = match &self.lost {
            Lost::Nothing => return Ok(()),
            Lost::Unkept(source) => {
                account.add(Column::Mapped, &times(&difference(amounts, &sums.of(source)), weight));
                return Ok(());
            }
            Lost::Told { masked, beyond, stretched, moved, unread } => (masked, beyond, stretched, moved, unread),
        };
        if let Some(masked) = masked {
            account.add(Column::Masked, &times(&sums.of(masked), weight));
        }
        account.add(Column::Unmapped, &times(&sums.of(beyond), weight));
        let losses = way.losses(nature).expect("something was lost by them");
        if let Some(stretched) = stretched {
            // Where values are missing that are read, rows are stretched otherwise than was asked for.
            let own = match unread.as_ref().is_some_and(|unread| sums.missing(unread) > 0.0) {
                true => losses.stretched_with(way.mapping, self.given.host()?, &way.destination),
                false => None,
            };
            let stretched = match own {
                Some(own) => way.destination.weighted(self.mapped.host()?, &own),
                None => sums.of(stretched),
            };
            account.add(Column::Mapped, &times(&stretched, weight));
        }
        let moved = match moved {
            Moved::ByLinks => losses.moved(self.given.host()?, self.mapped.host()?, &way.source, &way.destination),
            #[cfg(feature = "gpu")]
            Moved::Asked(asked) => asked.as_ref().map(|asked| sums.of(asked)),
        };
        if let Some(moved) = moved {
            account.add(Column::Moved, &times(&moved, weight));
        }
        Ok(())
    }
}

/// Σ area of cells that take part and have a value; for amounts per cell their number.
enum Active {
    Known(f64),
    /// All there could be, and a sum that knows what is missing.
    #[cfg(feature = "gpu")]
    Without(f64, Asked),
}

fn ask_active(cells: &Cells, field: &FieldValues, per_area: bool, sums: &mut Sums) -> Result<Active, RunError> {
    #[cfg(feature = "gpu")]
    if field.is_made_on_device() {
        let all = cells.integral(&Values::constant(field.len(), 1.0), per_area)[0].value();
        return Ok(Active::Without(all, sums.integral(cells, field, per_area)?));
    }
    let _ = sums;
    let field = field.host()?;
    let there = Values { values: vec![1.0; field.len()], valid: field.valid.clone() };
    Ok(Active::Known(cells.integral(&there, per_area)[0].value()))
}

impl Active {
    fn of(&self, sums: &Sums) -> f64 {
        let _ = sums;
        match self {
            Self::Known(area) => *area,
            #[cfg(feature = "gpu")]
            Self::Without(all, asked) => all - sums.missing(asked),
        }
    }
}

fn convert(field: &FieldValues, conversion: &Linear, sums: &mut Sums) -> Result<FieldValues, RunError> {
    if conversion.is_identity() {
        return Ok(field.clone());
    }
    #[cfg(feature = "gpu")]
    if let Some(values) = field.made_there() {
        let [multiply, divide, add] = conversion.parts();
        return crate::on_device::convert(values, &Conversion { multiply, divide, add, ..Conversion::NOTHING }, sums);
    }
    let _ = sums;
    let values = field.host()?;
    let converted = values.values.iter().map(|&v| conversion.apply(v)).collect();
    Ok(Values { values: converted, valid: values.valid.clone() }.into())
}

fn clip(field: FieldValues, [low, high]: [f64; 2], sums: &mut Sums) -> Result<FieldValues, RunError> {
    #[cfg(feature = "gpu")]
    if let Some(values) = field.made_there() {
        return crate::on_device::convert(values, &Conversion { range: Some([low, high]), ..Conversion::NOTHING }, sums);
    }
    let (_, mut field) = (sums, field);
    field.host_mut()?.values.iter_mut().for_each(|v| *v = v.clamp(low, high));
    Ok(field)
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
