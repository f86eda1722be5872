//! A mapping made ready: the cells at both ends, what is lost between them, values from one to the other.

use crate::error::RunError;
use crate::ledger::Cells;
use crate::losses::Losses;
use crate::mapping::Mapping;
use crate::plan::Rotation;
use crate::sums::Sums;
use crate::{FieldValues, Nature, Values};
use knarr_kernels::rotate_vectors::{from_cartesian, to_cartesian};
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

impl<'p> Way<'p> {
    /// Makes a mapping ready on a device.
    pub fn new(mapping: &'p Mapping, source: Arc<Cells>, destination: Arc<Cells>, device: &Device) -> Result<Self, RunError> {
        #[cfg(feature = "gpu")]
        let on_device = match device {
            Device::Cpu => None,
            Device::Gpu(gpu) => crate::on_device::DeviceWay::new(gpu, mapping)?,
        };
        #[cfg(not(feature = "gpu"))]
        let _ = device;
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

    /// Whether its weights are on a device.
    pub fn is_on_device(&self) -> bool {
        #[cfg(feature = "gpu")]
        return self.on_device.is_some();
        #[cfg(not(feature = "gpu"))]
        false
    }

    /// Values of the destination from those of the source: where the weights are; in a `spare` field where there is one.
    /// Where both grids are the same values stay where they were made.
    pub fn map(&self, given: &FieldValues, sums: &mut Sums, spare: &mut Vec<Vec<f64>>) -> Result<FieldValues, RunError> {
        #[cfg(feature = "gpu")]
        match &self.on_device {
            Some(on_device) => return on_device.map(given, sums),
            None if given.is_made_on_device() => return Ok(given.clone()),
            None => (),
        }
        let _ = sums;
        Ok(self.map_here(given.host()?, spare)?.into())
    }

    /// [`Way::map`] for the two components of a vector, which turn with the axes.
    pub fn map_vector(
        &self,
        [u, v]: [&FieldValues; 2],
        rotation: &Rotation,
        sums: &mut Sums,
        spare: &mut Vec<Vec<f64>>,
    ) -> Result<[FieldValues; 2], RunError> {
        #[cfg(feature = "gpu")]
        if let Some(on_device) = &self.on_device {
            return on_device.map_vector([u, v], rotation, sums);
        }
        let _ = sums;
        let [u, v] = [u.host()?, v.host()?];
        let valid = both(u.valid.as_deref(), v.valid.as_deref());
        let cartesian = to_cartesian(&u.values, &v.values, &rotation.source);
        let mut map = |values| self.map_here(&Values { values, valid: valid.clone() }, spare);
        let [x, y, z] = cartesian;
        let mapped = [map(x)?, map(y)?, map(z)?];
        let [x, y] = from_cartesian(mapped.each_ref().map(|m| &m.values[..]), &rotation.destination);
        let valid = mapped[0].valid.clone();
        Ok([Values { values: x, valid: valid.clone() }.into(), Values { values: y, valid }.into()])
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

/// Validity of what needs two values.
fn both(a: Option<&[bool]>, b: Option<&[bool]>) -> Option<Vec<bool>> {
    match (a, b) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one.to_vec()),
        (Some(a), Some(b)) => Some(a.iter().zip(b).map(|(&a, &b)| a && b).collect()),
    }
}
