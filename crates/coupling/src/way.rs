//! A mapping made ready: the cells at both ends, what is lost between them, values from one to the other.

use crate::error::RunError;
use crate::ledger::Cells;
use crate::losses::Losses;
use crate::mapping::Mapping;
use crate::{Nature, Values};
use knarr_regrid::{PreparedRegridder, SlabFlags};
use std::sync::{Arc, OnceLock};

/// A mapping made ready.
pub(crate) struct Way<'p> {
    pub mapping: &'p Mapping,
    pub source: Arc<Cells>,
    pub destination: Arc<Cells>,
    prepared: Option<PreparedRegridder<'p>>,
    /// Source cells that some row reads.
    read: Vec<bool>,
    /// Destination cells that no row reaches.
    unreached: Vec<u32>,
    /// Validity of results where every value that is read is there.
    valid: Option<Vec<bool>>,
    /// Of fluxes, and of amounts, once asked for.
    losses: [OnceLock<Option<Losses>>; 2],
}

impl<'p> Way<'p> {
    /// Makes a mapping ready.
    pub fn new(mapping: &'p Mapping, source: Arc<Cells>, destination: Arc<Cells>) -> Self {
        let (mut read, mut unreached, mut valid) = (Vec::new(), Vec::new(), None);
        if let Some(regridder) = &mapping.regridder {
            let weights = &regridder.weights;
            read = vec![false; weights.source_len];
            weights.columns.iter().for_each(|&column| read[column as usize] = true);
            let cells = 0..weights.destination_len();
            unreached = cells.clone().filter(|&cell| !weights.is_mapped(cell)).map(|cell| cell as u32).collect();
            if mapping.methods.fill().is_none() {
                valid = destination.told(cells.map(|cell| weights.is_mapped(cell)).collect());
            }
        }
        let prepared = mapping.regridder.as_ref().map(|r| r.prepare());
        Self { mapping, source, destination, prepared, read, unreached, valid, losses: Default::default() }
    }

    /// Whether every value that is read is there.
    pub fn is_whole(&self, given: &Values) -> bool {
        given.valid.as_ref().is_none_or(|valid| self.read.iter().zip(valid).all(|(&read, &valid)| valid || !read))
    }

    /// What is lost of a flux or an amount.
    pub fn losses(&self, nature: Nature) -> Option<&Losses> {
        let kept = &self.losses[usize::from(nature == Nature::Amount)];
        kept.get_or_init(|| Losses::new(self.mapping, &self.source, &self.destination, nature)).as_ref()
    }

    /// Values of the destination from those of the source, in a `spare` field where there is one.
    pub fn map(&self, given: &Values, spare: &mut Vec<Vec<f64>>) -> Result<Values, RunError> {
        let n = self.destination.areas.len();
        let spare = spare.pop().filter(|values| values.len() == n);
        let Some(prepared) = &self.prepared else {
            let mut values = spare.unwrap_or_default();
            values.clear();
            values.extend_from_slice(&given.values);
            return Ok(Values { values, valid: given.valid.clone() });
        };
        // Every value is written: rows without links give 0.
        let mut values = spare.unwrap_or_else(|| vec![0.0; n]);
        let fill = self.mapping.methods.fill();
        if self.is_whole(given) {
            prepared.apply_into(&given.values, None, &mut values)?;
            if let Some(fill) = fill {
                self.unreached.iter().for_each(|&cell| values[cell as usize] = fill);
            }
            return Ok(Values { values, valid: self.valid.clone() });
        }
        let flags = given.valid.as_ref().map(|valid| SlabFlags::from_bools(valid.len(), valid));
        let Some(found) = prepared.apply_into(&given.values, flags.as_ref(), &mut values)? else {
            return Ok(Values::new(values));
        };
        let mut valid = vec![false; n];
        found.write_bools(&mut valid);
        if let Some(fill) = fill {
            values.iter_mut().zip(&valid).filter(|(_, valid)| !**valid).for_each(|(value, _)| *value = fill);
            return Ok(Values::new(values));
        }
        Ok(Values { values, valid: self.destination.told(valid) })
    }
}
