//! Stacks put to use: the joined weights first, then, slab by slab, the layers above for what is missing.

use super::weights::OPEN;
use super::{Layer, StackWeights};
use crate::apply::{apply_into, kernel_policy, rows_of};
use crate::methods::centers::Centers;
use crate::methods::{creep, neighbour_rows};
use crate::{Device, DeviceValue, MissingPolicy, Options, PreparedRegridder, RegridError, RegridderOn, SlabFlags, Value};
use knarr_kernels::sparse_apply::{self, Missing, SparseRows};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Links kept of masks met before.
const MOST_KEPT_LINKS: usize = 1 << 23;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Number of values of active cells that each layer made.
    pub counts: Vec<u64>,
    /// Number of active cells whose value stays missing.
    pub missing: u64,
    /// For each slab the layer of each destination cell, 255 where the value is missing; `None` where all values are of the
    /// first layer.
    pub of_slabs: Vec<Option<Vec<u8>>>,
}

/// A [`StackRegridder`] made ready for many calls.
#[derive(Debug)]
pub struct PreparedStack<'a> {
    stack: &'a StackRegridder,
    first: PreparedRegridder<'a>,
    kept: Kept,
}

/// A [`StackRegridder`] made ready on a device, for fields of `V`: the joined weights are applied there, what they leave
/// open is filled on the processor.
#[derive(Debug)]
pub struct StackOn<'a, V> {
    stack: &'a StackRegridder,
    first: RegridderOn<'a, V>,
    kept: Kept,
}

impl StackRegridder {
    /// What is the same for every field, worked out once, as [`crate::Regridder::prepare`] does; links to the nearest valid
    /// centers are kept for slabs whose values are missing in the same places.
    pub fn prepare(&self) -> PreparedStack<'_> {
        let first = PreparedRegridder::new(self.weights.joined(), self.missing);
        PreparedStack { stack: self, first, kept: Kept::default() }
    }

    /// [`StackRegridder::prepare`] on a device.
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
        kept: &Kept,
        source: &[V],
        valid: Option<&[bool]>,
        destination: &mut [V],
        destination_valid: &mut [bool],
        first: impl FnOnce(Option<&SlabFlags>, &mut [V]) -> Result<Option<SlabFlags>, RegridError>,
    ) -> Result<Levels, RegridError> {
        let joined = self.weights.joined();
        let (n, found) = (joined.source_len, valid.map_or(source.len(), <[bool]>::len));
        if found != source.len() || n == 0 || !found.is_multiple_of(n) {
            return Err(RegridError::WrongLength { what: "the validity", found, expected: source.len() });
        }
        let expected = destination.len();
        if destination_valid.len() != expected {
            let found = destination_valid.len();
            return Err(RegridError::WrongLength { what: "the destination validity", found, expected });
        }
        let words = valid.map(|v| SlabFlags::from_bools(n, v));
        match first(words.as_ref(), destination)? {
            None => destination_valid.fill(true),
            Some(present) => present.write_bools(destination_valid),
        }
        Ok(self.fill(kept, source, valid, destination, destination_valid))
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
        apply_into(self.weights.joined(), self.missing, source, valid, destination, destination_valid)?;
        Ok(self.fill(&Kept::default(), source, valid, destination, destination_valid))
    }

    /// Fills what is missing in results of the joined weights.
    fn fill<V: Value>(&self, kept: &Kept, source: &[V], valid: Option<&[bool]>, values: &mut [V], flags: &mut [bool]) -> Levels {
        let (sources, cells) = (self.weights.joined().source_len, self.weights.joined().destination_len());
        let mut levels = Levels { counts: vec![0; self.weights.stack().layers().len()], missing: 0, of_slabs: Vec::new() };
        let (_, grid) = self.weights.grids();
        if levels.counts.len() == 1 {
            levels.of_slabs = vec![None; flags.len() / cells.max(1)];
            levels.counts[0] = flags.iter().map(|&ok| u64::from(ok)).sum();
            levels.missing = (grid.active_count() * levels.of_slabs.len()).saturating_sub(levels.counts[0] as usize) as u64;
            return levels;
        }
        for (slab, (values, flags)) in values.chunks_mut(cells).zip(flags.chunks_mut(cells)).enumerate() {
            let range = slab * sources..(slab + 1) * sources;
            // A slab whose values are all there has what the joined weights make.
            let valid = valid.map(|v| &v[range.clone()]).filter(|v| v.contains(&false));
            let of_slab = self.fill_slab(kept, &source[range], valid, values, flags);
            for i in (0..cells).filter(|&i| grid.mask.is_active(i)) {
                match of_slab[i] {
                    OPEN => levels.missing += 1,
                    level => levels.counts[usize::from(level)] += 1,
                }
            }
            let is_plain = of_slab.iter().all(|&level| level == 0 || level == OPEN);
            levels.of_slabs.push((!is_plain).then_some(of_slab));
        }
        levels
    }

    /// Gives the layer of each cell.
    fn fill_slab<V: Value>(
        &self,
        kept: &Kept,
        source: &[V],
        valid: Option<&[bool]>,
        values: &mut [V],
        flags: &mut [bool],
    ) -> Vec<u8> {
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
                    match self.weights.later(k) {
                        Some(weights) => {
                            let few = FewRows::of(rows_of(weights), &open);
                            let missing = kernel_policy(weights, self.missing);
                            let n = source.len();
                            sparse_apply::apply(few.rows(), n, source, Some(valid), missing, &mut found, &mut is_found);
                        }
                        None => {
                            let few = kept.of((k, valid), &open, || self.nearest_valid(options, valid, &open));
                            let missing = Missing::Keep { min_valid: 0.0 };
                            sparse_apply::apply(few.rows(), source.len(), source, None, missing, &mut found, &mut is_found);
                        }
                    }
                    for ((&i, value), _) in open.iter().zip(found).zip(&is_found).filter(|(_, ok)| **ok) {
                        (values[i], flags[i], levels[i]) = (value, true, k as u8);
                    }
                }
                // What these layers reach where all values are there is in the joined weights.
                (Layer::Creep { .. } | Layer::Method(_), None) | (Layer::Given, _) => {}
            }
            open.retain(|&i| levels[i] == OPEN);
        }
        levels
    }

    /// Rows of the destination cells `open` from the nearest centers of valid values.
    fn nearest_valid(&self, options: &Options, valid: &[bool], open: &[usize]) -> FewRows {
        let (source, destination) = self.weights.grids();
        let (mut from, mut to) = (Centers::of(source), Centers::of(destination));
        from.keep_only(|j| valid[j]);
        let mut wanted = vec![false; destination.len()];
        open.iter().for_each(|&i| wanted[i] = true);
        to.keep_only(|i| wanted[i]);
        let rows = neighbour_rows(&from, &to, options).expect("only methods of nearest centers have no whole weights");
        FewRows::of(SparseRows { row_starts: &rows.row_starts, columns: &rows.columns, weights: &rows.values }, open)
    }
}

impl PreparedStack<'_> {
    /// [`StackRegridder::apply_into`] with the same results, bit for bit.
    ///
    /// # Errors
    /// As there.
    pub fn apply_into<V: Value>(
        &self,
        source: &[V],
        valid: Option<&[bool]>,
        destination: &mut [V],
        destination_valid: &mut [bool],
    ) -> Result<Levels, RegridError> {
        let first = |valid: Option<&SlabFlags>, destination: &mut [V]| self.first.apply_into(source, valid, destination);
        self.stack.apply_by(&self.kept, source, valid, destination, destination_valid, first)
    }
}

impl<V: DeviceValue> StackOn<'_, V> {
    /// [`StackRegridder::apply_into`]; on a graphics processor results are those of the processor to some units in the last
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
        let first = |valid: Option<&SlabFlags>, destination: &mut [V]| self.first.apply_into(source, valid, destination);
        self.stack.apply_by(&self.kept, source, valid, destination, destination_valid, first)
    }
}

/// Some rows of weights, one after the other.
#[derive(Debug)]
struct FewRows {
    cells: Vec<usize>,
    row_starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl FewRows {
    fn of(rows: SparseRows<'_>, cells: &[usize]) -> Self {
        let (mut row_starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for &i in cells {
            let range = rows.row_starts[i]..rows.row_starts[i + 1];
            columns.extend_from_slice(&rows.columns[range.clone()]);
            values.extend_from_slice(&rows.weights[range]);
            row_starts.push(columns.len());
        }
        Self { cells: cells.to_vec(), row_starts, columns, values }
    }

    fn rows(&self) -> SparseRows<'_> {
        SparseRows { row_starts: &self.row_starts, columns: &self.columns, weights: &self.values }
    }
}

/// Rows of layers for masks met before: fields on levels have the same mask at every time.
#[derive(Debug, Default)]
struct Kept(Mutex<HashMap<(usize, blake3::Hash), Arc<FewRows>>>);

impl Kept {
    /// The rows of a layer for a mask, made if they are not kept.
    fn of(&self, (layer, valid): (usize, &[bool]), open: &[usize], make: impl FnOnce() -> FewRows) -> Arc<FewRows> {
        let bytes: Vec<u8> = valid.iter().map(|&v| u8::from(v)).collect();
        let key = (layer, blake3::hash(&bytes));
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = lock().get(&key).filter(|rows| rows.cells == open) {
            return rows.clone();
        }
        let rows = Arc::new(make());
        let mut kept = lock();
        if kept.values().map(|rows| rows.columns.len() + rows.cells.len()).sum::<usize>() > MOST_KEPT_LINKS {
            kept.clear();
        }
        kept.insert(key, rows.clone());
        rows
    }
}
