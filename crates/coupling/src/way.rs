//! A mapping made ready: the cells at both ends, what is lost between them, values from one to the other.

use crate::error::RunError;
use crate::ledger::Cells;
use crate::losses::Losses;
use crate::mapping::Mapping;
use crate::{Nature, Values};
use knarr_kernels::global_integral::Compensated;
use knarr_regrid::{Device, PreparedRegridder, SlabFlags};
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
    #[cfg(feature = "gpu")]
    on_device: Option<crate::on_device::DeviceWay>,
}

/// Sums of a mapped field that were made with it, as the ledger needs them.
#[derive(Default)]
pub(crate) struct Sums {
    pub amounts: Option<Vec<Compensated>>,
    pub masked: Option<Vec<Compensated>>,
    pub beyond: Option<Vec<Compensated>>,
    pub stretched: Option<Vec<Compensated>>,
}

impl<'p> Way<'p> {
    /// Makes a mapping ready on a device, for fields of some natures.
    pub fn new(
        mapping: &'p Mapping,
        source: Arc<Cells>,
        destination: Arc<Cells>,
        device: &Device,
        natures: &[Nature],
    ) -> Result<Self, RunError> {
        #[cfg(feature = "gpu")]
        let on_device = match device {
            Device::Cpu => None,
            Device::Gpu(gpu) => crate::on_device::DeviceWay::new(gpu, mapping, (&source, &destination), natures)?,
        };
        #[cfg(not(feature = "gpu"))]
        let _ = (device, natures);
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
        Ok(Self {
            mapping,
            source,
            destination,
            prepared,
            read,
            unreached,
            valid,
            losses: Default::default(),
            #[cfg(feature = "gpu")]
            on_device,
        })
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

    /// Values of the destination from those of the source, in a `spare` field where there is one; on a graphics processor
    /// with sums for the ledger if a `nature` is given.
    pub fn map(&self, given: &Values, nature: Option<Nature>, spare: &mut Vec<Vec<f64>>) -> Result<(Values, Sums), RunError> {
        #[cfg(feature = "gpu")]
        if let Some(on_device) = &self.on_device {
            return self.map_on(on_device, given, nature);
        }
        let _ = nature;
        Ok((self.map_here(given, spare)?, Sums::default()))
    }

    #[cfg(feature = "gpu")]
    fn map_on(
        &self,
        on_device: &crate::on_device::DeviceWay,
        given: &Values,
        nature: Option<Nature>,
    ) -> Result<(Values, Sums), RunError> {
        let is_whole = self.is_whole(given);
        // What is not read may be no number, and a product with 0 would not be 0.
        let needs_cleaning = given.valid.is_some() || given.values.iter().any(|v| !v.is_finite());
        let clean = |cell: usize| given.get(cell).filter(|v| v.is_finite()).unwrap_or(0.0);
        let cleaned: Option<Vec<f64>> = needs_cleaning.then(|| (0..given.len()).map(clean).collect());
        let values = cleaned.as_ref().unwrap_or(&given.values);
        let flags = given.valid.as_ref().filter(|_| !is_whole).map(|valid| SlabFlags::from_bools(valid.len(), valid));
        let mapped = on_device.map(values, flags.as_ref(), nature)?;
        let fill = self.mapping.methods.fill();
        let mut sums = Sums::default();
        if let Some(made) = mapped.sums {
            (sums.masked, sums.beyond) = (made.masked, Some(made.beyond));
            // Cells that are filled here have given the device nothing, and rows that lack values are stretched otherwise.
            sums.amounts = fill.is_none_or(|fill| fill == 0.0).then_some(made.amounts);
            sums.stretched = made.stretched.filter(|_| is_whole && sums.amounts.is_some());
        }
        Ok((self.filled(mapped.values, mapped.valid), sums))
    }

    fn map_here(&self, given: &Values, spare: &mut Vec<Vec<f64>>) -> Result<Values, RunError> {
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
        let found = prepared.apply_into(&given.values, flags.as_ref(), &mut values)?;
        Ok(self.filled(values, found))
    }

    /// Results with the fill value, or marks, where they are not valid.
    fn filled(&self, mut values: Vec<f64>, found: Option<SlabFlags>) -> Values {
        let Some(found) = found else { return Values::new(values) };
        let mut valid = vec![false; values.len()];
        found.write_bools(&mut valid);
        if let Some(fill) = self.mapping.methods.fill() {
            values.iter_mut().zip(&valid).filter(|(_, valid)| !**valid).for_each(|(value, _)| *value = fill);
            return Values::new(values);
        }
        Values { values, valid: self.destination.told(valid) }
    }
}
