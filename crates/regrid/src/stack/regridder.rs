//! Stacks put to use: the joined weights first, then, slab by slab, the layers above for what is missing.

use super::fills::{FewRows, Fills, OnHost};
use super::weights::OPEN;
use super::{Layer, StackWeights};
use crate::apply::{apply_into, check_lengths, kernel_policy, rows_of};
#[cfg(feature = "gpu")]
use crate::device::Turned;
use crate::methods::centers::Centers;
use crate::methods::creep;
use crate::methods::second_order::Refit;
#[cfg(feature = "gpu")]
use crate::vectors::Axes;
use crate::{Device, DeviceValue, Finish, Limit, MissingPolicy, Options, RegridError, RegridderOn, SlabFlags, Value, limit};
use knarr_kernels::overlap_statistics::apply_statistic;
use knarr_kernels::sparse_apply::{Missing, SparseRows};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Links kept of masks met before.
const MOST_KEPT_LINKS: usize = 1 << 23;

/// Shares of weight are compared with this allowance for their rounding.
const SHARE_TOLERANCE: f64 = 1e-12;

/// Weights of a stack with a policy for missing values, which holds for all layers.
///
/// ```
/// use knarr_grid::Grid;
/// use knarr_regrid::{MissingPolicy, Stack, StackRegridder, StackWeights};
/// use std::sync::Arc;
///
/// // Four columns onto four; the second value is missing.
/// let grid = Arc::new(Grid::from_spec("r4x2")?);
/// let stack: Stack = "conservative,nearest,fixed:-1".parse()?;
/// let weights = StackWeights::build(&grid, &grid, &stack)?;
/// let regridder = StackRegridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
/// let valid: Vec<bool> = (0..8).map(|i| i != 1).collect();
/// let (mut result, mut flags) = ([f64::NAN; 8], [false; 8]);
/// let levels = regridder.apply_into(&[3.0; 8], Some(&valid), &mut result, &mut flags)?;
/// assert_eq!(result, [3.0; 8]);
/// assert_eq!((levels.counts, levels.missing), (vec![7, 1, 0], 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StackRegridder {
    /// The weights.
    pub weights: StackWeights,
    /// What missing values do.
    pub missing: MissingPolicy,
}

/// Which layer made each value.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// Number of values of active cells that each layer made.
    pub counts: Vec<u64>,
    /// Number of active cells whose value stays missing.
    pub missing: u64,
    /// For each slab the layer of each destination cell, 255 where the value is missing; `None` where all values are of the
    /// first layer.
    pub of_slabs: Vec<Option<Vec<u8>>>,
    /// For each slab the share of each cell's overlaps that valid values have, where the weights do not tell: second order with
    /// missing values.
    pub shares: Vec<Option<Vec<f64>>>,
}

/// A [`StackRegridder`] made ready on a device for many calls, for fields of `V`: the joined weights are applied there, and
/// the layers above to what they leave open, from the fields that are there; layers that creep are the processor's.
#[derive(Debug)]
pub struct StackOn<'a, V> {
    stack: &'a StackRegridder,
    first: RegridderOn<'a, V>,
    kept: Kept,
}

impl Levels {
    /// Adds those of slabs that follow.
    fn append(&mut self, other: Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.missing += other.missing;
        self.of_slabs.extend(other.of_slabs);
        self.shares.extend(other.shares);
    }
}

impl StackRegridder {
    /// What is the same for every field, worked out once, as [`crate::Regridder::prepare`] does, on a device; links to the
    /// nearest valid centers are kept for slabs whose values are missing in the same places.
    ///
    /// # Errors
    /// [`RegridError::Device`] if the device has not the memory, or not the precision.
    pub fn prepare_on<V: DeviceValue>(&self, device: &Device) -> Result<StackOn<'_, V>, RegridError> {
        let first = RegridderOn::new(self.weights.joined(), self.missing, device)?;
        Ok(StackOn { stack: self, first, kept: Kept::default() })
    }

    /// Applies the joined weights by `first` and fills what is missing.
    fn apply_by<V: Value>(
        &self,
        (kept, fills): (&Kept, &impl Fills<V>),
        source: &[V],
        valid: Option<&[bool]>,
        destination: &mut [V],
        destination_valid: &mut [bool],
        first: impl FnOnce(Option<&SlabFlags>, &mut [V]) -> Result<Option<SlabFlags>, RegridError>,
    ) -> Result<Levels, RegridError> {
        let joined = self.weights.joined();
        check_lengths(joined, source.len(), valid, destination.len(), destination_valid.len())?;
        if matches!(self.weights.finish(), Finish::Statistic(_)) {
            // Sorting is the processor's.
            self.joined_into(source, valid, destination, destination_valid)?;
        } else {
            let words = valid.map(|v| SlabFlags::from_bools(joined.source_len, v));
            match first(words.as_ref(), destination)? {
                None => destination_valid.fill(true),
                Some(present) => present.write_bools(destination_valid),
            }
        }
        self.fill((kept, fills), source, valid, destination, destination_valid)
    }

    /// Regrids one or more slabs: `source` holds slabs of source cells one after the other, `valid` one flag per value (`None`:
    /// all valid), the destination as many slabs of its cells and their validity. Values that are not valid are 0.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] if `source` is not a whole number of slabs or another length does not fit.
    pub fn apply_into<V: Value>(
        &self,
        source: &[V],
        valid: Option<&[bool]>,
        destination: &mut [V],
        destination_valid: &mut [bool],
    ) -> Result<Levels, RegridError> {
        self.joined_into(source, valid, destination, destination_valid)?;
        self.fill((&Kept::default(), &OnHost), source, valid, destination, destination_valid)
    }

    /// Values of the joined weights, or the statistic of their values.
    fn joined_into<V: Value>(
        &self,
        source: &[V],
        valid: Option<&[bool]>,
        destination: &mut [V],
        destination_valid: &mut [bool],
    ) -> Result<(), RegridError> {
        let weights = self.weights.joined();
        let Finish::Statistic(statistic) = self.weights.finish() else {
            return apply_into(weights, self.missing, source, valid, destination, destination_valid);
        };
        check_lengths(weights, source.len(), valid, destination.len(), destination_valid.len())?;
        let share = match self.missing {
            MissingPolicy::Skip { min_valid } => min_valid,
            MissingPolicy::Propagate => 1.0,
        };
        let n = weights.source_len;
        apply_statistic(rows_of(weights), n, source, valid, statistic, share, destination, destination_valid);
        Ok(())
    }

    /// Limits what the joined weights made, and fills what is missing.
    fn fill<V: Value>(
        &self,
        (kept, fills): (&Kept, &impl Fills<V>),
        source: &[V],
        valid: Option<&[bool]>,
        values: &mut [V],
        flags: &mut [bool],
    ) -> Result<Levels, RegridError> {
        let (sources, cells) = (self.weights.joined().source_len, self.weights.joined().destination_len());
        let counts = vec![0; self.weights.stack().layers().len()];
        let slabs = flags.len() / cells.max(1);
        let mut levels = Levels { counts, missing: 0, of_slabs: Vec::new(), shares: vec![None; slabs] };
        let (_, grid) = self.weights.grids();
        if self.limits(valid) {
            for (slab, (values, flags)) in values.chunks_mut(cells).zip(flags.chunks_mut(cells)).enumerate() {
                let range = slab * sources..(slab + 1) * sources;
                let valid = valid.map(|v| &v[range.clone()]).filter(|v| v.contains(&false));
                levels.shares[slab] = self.limit_slab(kept, &source[range], valid, values, flags);
            }
        }
        if levels.counts.len() == 1 {
            levels.of_slabs = vec![None; slabs];
            levels.counts[0] = flags.iter().map(|&ok| u64::from(ok)).sum();
            levels.missing = (grid.active_count() * levels.of_slabs.len()).saturating_sub(levels.counts[0] as usize) as u64;
            return Ok(levels);
        }
        for (slab, (values, flags)) in values.chunks_mut(cells).zip(flags.chunks_mut(cells)).enumerate() {
            let range = slab * sources..(slab + 1) * sources;
            // A slab whose values are all there has what the joined weights make.
            let valid = valid.map(|v| &v[range.clone()]).filter(|v| v.contains(&false));
            let of_slab = self.fill_slab((kept, fills), (&source[range], valid, slab), values, flags)?;
            for i in (0..cells).filter(|&i| grid.mask.is_active(i)) {
                match of_slab[i] {
                    OPEN => levels.missing += 1,
                    level => levels.counts[usize::from(level)] += 1,
                }
            }
            let is_plain = of_slab.iter().all(|&level| level == 0 || level == OPEN);
            levels.of_slabs.push((!is_plain).then_some(of_slab));
        }
        Ok(levels)
    }

    /// Whether values of the joined weights are not yet what they should be.
    fn limits(&self, valid: Option<&[bool]>) -> bool {
        match self.weights.finish() {
            Finish::Limit(_) => true,
            Finish::Statistic(_) => false,
            // Weights of second order say nothing of gradients without what is missing.
            Finish::Sum => {
                let skips = matches!(self.missing, MissingPolicy::Skip { .. });
                skips && valid.is_some_and(|v| v.contains(&false)) && self.weights.factored().is_some()
            }
        }
    }

    /// Makes the values of the first layer anew, with gradients of the valid values, and limits them; gives the shares of
    /// valid overlaps where the weights do not tell.
    fn limit_slab<V: Value>(
        &self,
        kept: &Kept,
        source: &[V],
        valid: Option<&[bool]>,
        values: &mut [V],
        flags: &mut [bool],
    ) -> Option<Vec<f64>> {
        let (joined, finish) = (self.weights.joined(), self.weights.finish());
        let monotone = finish == Finish::Limit(Limit::Monotone);
        let skips = match self.missing {
            MissingPolicy::Skip { min_valid } => valid.map(|_| min_valid),
            MissingPolicy::Propagate => None,
        };
        let factored = if monotone || skips.is_some() { self.weights.factored() } else { None };
        let mut shares = None;
        let mut exact: Vec<f64> = values.iter().map(|v| v.to_f64()).collect();
        if let Some(factored) = factored {
            let refit = valid.map(|v| kept.refit(v, || factored.refit(v)));
            let (made, found) = factored.apply(source, valid.zip(refit.as_deref()), monotone);
            for i in (0..exact.len()).filter(|&i| found[i] > 0.0 || self.weights.level(i) == 0) {
                let least = skips.map_or(1.0, |min_valid| min_valid);
                flags[i] = found[i] > 0.0 && found[i] >= least - SHARE_TOLERANCE;
                exact[i] = if flags[i] { made[i] } else { 0.0 };
            }
            shares = valid.map(|_| found);
        }
        if let Finish::Limit(limit) = finish
            && (factored.is_none() || limit == Limit::Caas)
        {
            let cells: Vec<usize> = (0..exact.len()).filter(|&i| flags[i] && self.weights.level(i) == 0).collect();
            let mut ranges = limit::ranges(rows_of(joined), source, valid);
            if joined.origin.normalization == "destarea" {
                // Divided by the whole cell, partly covered cells hold less than the mean of their sources.
                let of_weights = if shares.is_none() { valid.map(|v| joined.valid_shares(v)) } else { None };
                let shares = shares.as_ref().or(of_weights.as_ref());
                let covered = |i: usize| joined.destination_fraction(i) * shares.map_or(1.0, |s| s[i]);
                ranges.iter_mut().enumerate().for_each(|(i, range)| *range = range.map(|end| end * covered(i)));
            }
            let parts = (limit == Limit::Caas).then(|| self.parts(valid, shares.as_deref()));
            limit::clip(&mut exact, &cells, &ranges, parts.as_deref());
        }
        values.iter_mut().zip(&exact).for_each(|(value, exact)| *value = V::from_f64(*exact));
        shares
    }

    /// Weights of the integral of the destination's values.
    fn parts(&self, valid: Option<&[bool]>, shares: Option<&[f64]>) -> Vec<f64> {
        let joined = self.weights.joined();
        let areas = self.weights.destination_areas();
        if !joined.origin.conservative || joined.origin.normalization == "destarea" {
            return areas.to_vec();
        }
        let of_weights = if shares.is_none() { valid.map(|v| joined.valid_shares(v)) } else { None };
        let shares = shares.or(of_weights.as_deref());
        let part = |i: usize| areas[i] * joined.destination_fraction(i) * shares.map_or(1.0, |s| s[i]);
        (0..joined.destination_len()).map(part).collect()
    }

    /// Gives the layer of each cell.
    fn fill_slab<V: Value>(
        &self,
        (kept, fills): (&Kept, &impl Fills<V>),
        (source, valid, slab): (&[V], Option<&[bool]>, usize),
        values: &mut [V],
        flags: &mut [bool],
    ) -> Result<Vec<u8>, RegridError> {
        let layers = self.weights.stack().layers();
        let (_, grid) = self.weights.grids();
        let mut levels: Vec<u8> =
            flags.iter().enumerate().map(|(i, &ok)| if ok { self.weights.level(i) } else { OPEN }).collect();
        let mut open: Vec<usize> = (0..flags.len()).filter(|&i| !flags[i] && grid.mask.is_active(i)).collect();
        for (k, layer) in layers.iter().enumerate().skip(1) {
            if open.is_empty() {
                break;
            }
            match (layer, valid) {
                (Layer::Fixed(value), _) => {
                    for &i in &open {
                        (values[i], flags[i], levels[i]) = (V::from_f64(*value), true, k as u8);
                    }
                }
                (Layer::Creep { rounds }, Some(_)) => {
                    let neighbours = self.weights.neighbours().expect("made for layers that creep");
                    let mut all: Vec<f64> = values.iter().map(|v| v.to_f64()).collect();
                    let mut known: Vec<bool> = levels.iter().map(|&level| usize::from(level) < k).collect();
                    creep::values(&mut all, &mut known, &open, neighbours, *rounds);
                    for &i in open.iter().filter(|&&i| known[i]) {
                        (values[i], flags[i], levels[i]) = (V::from_f64(all[i]), true, k as u8);
                    }
                }
                (Layer::Method(options), Some(valid)) => {
                    let (mut found, mut is_found) = (vec![V::default(); open.len()], vec![false; open.len()]);
                    let weights = self.weights.later(k);
                    let few = kept.of((k, valid), &open, || match weights {
                        Some(weights) => Ok(FewRows::of(rows_of(weights), &open)),
                        None => self.nearest_valid(fills, options, valid, &open),
                    })?;
                    let (from, missing) = match weights {
                        Some(weights) => (Some(valid), kernel_policy(weights, self.missing)),
                        None => (None, Missing::Keep { min_valid: 0.0 }),
                    };
                    fills.apply(&few, ((source, from), slab), missing, (&mut found, &mut is_found))?;
                    for ((&i, value), _) in open.iter().zip(found).zip(&is_found).filter(|(_, ok)| **ok) {
                        (values[i], flags[i], levels[i]) = (value, true, k as u8);
                    }
                }
                // What these layers reach where all values are there is in the joined weights.
                (Layer::Creep { .. } | Layer::Method(_), None) | (Layer::Given, _) => {}
            }
            open.retain(|&i| levels[i] == OPEN);
        }
        Ok(levels)
    }

    /// Rows of the destination cells `open` from the nearest centers of valid values.
    fn nearest_valid<V>(
        &self,
        fills: &impl Fills<V>,
        options: &Options,
        valid: &[bool],
        open: &[usize],
    ) -> Result<FewRows, RegridError> {
        let (source, destination) = self.weights.grids();
        let (mut from, mut to) = (Centers::of(source), Centers::of(destination));
        from.keep_only(|j| valid[j]);
        let mut wanted = vec![false; destination.len()];
        open.iter().for_each(|&i| wanted[i] = true);
        to.keep_only(|i| wanted[i]);
        let rows = fills.neighbours(&from, &to, options)?;
        Ok(FewRows::of(SparseRows { row_starts: &rows.row_starts, columns: &rows.columns, weights: &rows.values }, open))
    }
}

impl<V: DeviceValue> StackOn<'_, V> {
    /// [`StackRegridder::apply_into`] with the same results, bit for bit; on a graphics processor to some units in the last
    /// place.
    ///
    /// # Errors
    /// As there; [`RegridError::Device`] if the device fails.
    pub fn apply_into(
        &self,
        source: &[V],
        valid: Option<&[bool]>,
        destination: &mut [V],
        destination_valid: &mut [bool],
    ) -> Result<Levels, RegridError> {
        let joined = self.stack.weights.joined();
        let (sources, cells) = (joined.source_len, joined.destination_len());
        check_lengths(joined, source.len(), valid, destination.len(), destination_valid.len())?;
        // What layers above fill is taken from slabs that are where the first was applied.
        let slabs = destination.len() / cells.max(1);
        let together = self.first.together(slabs)?.max(1);
        let mut levels: Option<Levels> = None;
        let mut first = 0;
        while first < slabs || levels.is_none() {
            let range = first..slabs.min(first + together);
            let (from, to) = (range.start * sources..range.end * sources, range.start * cells..range.end * cells);
            let (source, valid) = (&source[from.clone()], valid.map(|v| &v[from]));
            let (values, flags) = (&mut destination[to.clone()], &mut destination_valid[to]);
            let apply = |valid: Option<&SlabFlags>, values: &mut [V]| self.first.apply_into(source, valid, values);
            let made = match self.stack.weights.finish() {
                // Sorting is the processor's, and so is what follows.
                Finish::Statistic(_) => self.stack.apply_by((&self.kept, &OnHost), source, valid, values, flags, apply)?,
                _ => self.stack.apply_by((&self.kept, &self.first), source, valid, values, flags, apply)?,
            };
            match &mut levels {
                None => levels = Some(made),
                Some(levels) => levels.append(made),
            }
            first = range.end;
        }
        Ok(levels.expect("one range at least"))
    }
}

#[cfg(feature = "gpu")]
impl StackOn<'_, f64> {
    /// The axes of vectors beside the weights; `None` on the processor.
    pub(crate) fn turned(&self, from: &Axes, to: &Axes) -> Result<Option<Turned>, RegridError> {
        self.first.turned(from, to)
    }

    /// Components of vectors, taken to the destination's axes where the weights are; a component that is not given is 0,
    /// `valid` has a flag per vector. `None` where layers above or limits change what the joined weights make of
    /// Cartesian components, which are then the processor's.
    pub(crate) fn apply_turned(
        &self,
        turned: &Turned,
        components: [Option<&[f64]>; 2],
        valid: Option<&[bool]>,
        [u, v]: [&mut [f64]; 2],
        result_valid: &mut [bool],
    ) -> Result<Option<Levels>, RegridError> {
        let weights = &self.stack.weights;
        let valid = valid.filter(|v| v.contains(&false));
        let is_joined = weights.stack().layers().len() == 1 || valid.is_none() && weights.stack().fixed().is_none();
        if !is_joined || matches!(weights.finish(), Finish::Statistic(_)) || self.stack.limits(valid) {
            return Ok(None);
        }
        let words = valid.map(|v| SlabFlags::from_bools(weights.joined().source_len, v));
        match self.first.apply_turned(turned, components, words.as_ref(), [&mut *u, v])? {
            None => result_valid.fill(true),
            Some(present) => present.write_bools(result_valid),
        }
        let source = components.iter().flatten().next().expect("a component");
        // Nothing is filled: this counts.
        Ok(Some(self.stack.fill((&self.kept, &self.first), source, valid, u, result_valid)?))
    }
}

/// Rows of layers for masks met before: fields on levels have the same mask at every time.
#[derive(Debug, Default)]
struct Kept {
    rows: Mutex<HashMap<(usize, blake3::Hash), Arc<FewRows>>>,
    gradients: Mutex<HashMap<blake3::Hash, Arc<Refit>>>,
}

impl Kept {
    /// The rows of a layer for a mask, made if they are not kept.
    fn of(
        &self,
        (layer, valid): (usize, &[bool]),
        open: &[usize],
        make: impl FnOnce() -> Result<FewRows, RegridError>,
    ) -> Result<Arc<FewRows>, RegridError> {
        let key = (layer, hash(valid));
        let lock = || self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = lock().get(&key).filter(|rows| rows.cells == open) {
            return Ok(rows.clone());
        }
        let rows = Arc::new(make()?);
        let mut kept = lock();
        if kept.values().map(|rows| rows.columns.len() + rows.cells.len()).sum::<usize>() > MOST_KEPT_LINKS {
            kept.clear();
        }
        kept.insert(key, rows.clone());
        Ok(rows)
    }

    /// The gradients for a mask, made if they are not kept.
    fn refit(&self, valid: &[bool], make: impl FnOnce() -> Refit) -> Arc<Refit> {
        let key = hash(valid);
        let lock = || self.gradients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refit) = lock().get(&key) {
            return refit.clone();
        }
        let refit = Arc::new(make());
        let mut kept = lock();
        if kept.values().map(|refit| refit.len()).sum::<usize>() > MOST_KEPT_LINKS {
            kept.clear();
        }
        kept.insert(key, refit.clone());
        refit
    }
}

fn hash(valid: &[bool]) -> blake3::Hash {
    let bytes: Vec<u8> = valid.iter().map(|&v| u8::from(v)).collect();
    blake3::hash(&bytes)
}
