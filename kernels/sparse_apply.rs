//! Sparse weights times fields: `destination_i = Σ_k w_k · source[column_k]`.
//!
//! Sums run in the stored order of a row, in f64, whatever the layout, the instructions or the number of
//! threads: all forms give the same bits. Weights that are products of those of latitudes and of longitudes, as they are between
//! most grids of both, are taken as such, the rounded product for the weight. [`PreparedRows`] takes slabs as most files have them, of which several go
//! through a tile that stays in cache, or values cell by cell.

mod cells;
mod gaps;
mod layout;
mod one_mask;
mod plain;
mod products;
#[cfg(target_arch = "x86_64")]
mod quads;
mod room;
pub(crate) mod row_facts;
mod slab_flags;
mod sums;
#[cfg(test)]
mod tests;
mod tile;
mod transpose;
mod value;
#[cfg(target_arch = "x86_64")]
mod wide;
mod writer;

pub use slab_flags::SlabFlags;
pub use value::Value;

use cells::CellWork;
use gaps::{NO_GAPS, ONE_MASK, OWN_MASKS, Rules};
use layout::{Chunk, GROUP, chunk_rows, lay_out};
use one_mask::{Masks, OneMask};
use products::Products;
use rayon::prelude::*;
use row_facts::RowFacts;
use std::borrow::Cow;
use std::sync::Arc;
use tile::Work;
use transpose::best_instructions;

/// Slabs from which on a way through the tile pays that is laid out for them alone, or where rows are products.
const FEW: usize = 3;

/// Slabs of one mask from which on it pays to find what that makes of rows.
const ENOUGH: usize = 8;

/// Bytes of results from which on they are written past the caches.
const STREAMED: usize = 8 << 20;

/// Compressed sparse rows, as slices.
#[derive(Clone, Copy, Debug)]
pub struct SparseRows<'a> {
    /// First link of each row, and the number of links at the end.
    pub row_starts: &'a [usize],
    /// Source cell of each link.
    pub columns: &'a [u32],
    /// Weight of each link.
    pub weights: &'a [f64],
}

impl<'a> SparseRows<'a> {
    /// Number of destination cells.
    pub fn len(&self) -> usize {
        self.row_starts.len() - 1
    }

    /// Whether there are no destination cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> (&'a [u32], &'a [f64]) {
        let range = self.row_starts[i]..self.row_starts[i + 1];
        (&self.columns[range.clone()], &self.weights[range])
    }
}

/// What missing source values do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missing {
    /// Valid weights are scaled up to the row's sum if they carry at least the share `min_valid` of it.
    Renormalize {
        /// Least share of valid weight, 0..1.
        min_valid: f64,
    },
    /// Valid weights are used as they are if they carry at least the share `min_valid`.
    Keep {
        /// Least share of valid weight, 0..1.
        min_valid: f64,
    },
    /// One missing value makes the result missing.
    Propagate,
}

/// Rows made ready to be applied many times: sums of rows, and the way through the tile.
#[derive(Debug)]
pub struct PreparedRows<'a> {
    row_starts: &'a [usize],
    columns: &'a [u32],
    /// Those of the links; in place of products their factors may stand alone.
    weights: Cow<'a, [f64]>,
    products: Option<Box<Products>>,
    source_len: usize,
    facts: RowFacts,
    chunks: Vec<Chunk>,
    masks: Masks,
}

/// The values and the words of flags of some rows of a slab.
type Results<'d, V> = (&'d mut [V], &'d mut [u64]);

/// Slabs that are done together, and which values they miss: [`NO_GAPS`] or others.
struct Batch {
    slabs: Vec<usize>,
    gaps: u8,
    /// That of all, if there are gaps of [`ONE_MASK`].
    one_mask: Option<Arc<OneMask>>,
}

impl<'a> PreparedRows<'a> {
    /// Prepares rows over `source_len` source cells.
    ///
    /// # Panics
    /// If lengths do not fit each other, or a column is not below `source_len`.
    pub fn new(rows: SparseRows<'a>, source_len: usize) -> Self {
        let mut prepared = Self::for_few_slabs(rows, source_len);
        if let Some(products) = &prepared.products {
            prepared.weights = Cow::Owned(products.weights(rows));
        }
        prepared.chunks = lay_out(prepared.rows(), source_len);
        prepared
    }

    /// Ready for few slabs only: without the way through the tile, and without the weights of products.
    fn for_few_slabs(rows: SparseRows<'a>, source_len: usize) -> Self {
        let SparseRows { row_starts, columns, weights } = rows;
        check_lengths(rows);
        let products = Products::find(rows, source_len).map(Box::new);
        match &products {
            Some(products) => products.others(rows).for_each(|links| check_columns(&columns[links], source_len)),
            None => check_columns(columns, source_len),
        }
        let facts = RowFacts::new(rows, products.as_deref());
        let (n, step) = (rows.len(), chunk_rows(rows.len()));
        let chunks = (0..n).step_by(step).map(|first| Chunk { first, last: n.min(first + step), plan: None }).collect();
        Self {
            row_starts,
            columns,
            weights: Cow::Borrowed(weights),
            products,
            source_len,
            facts,
            chunks,
            masks: Masks::default(),
        }
    }

    fn rows(&self) -> SparseRows<'_> {
        SparseRows { row_starts: self.row_starts, columns: self.columns, weights: &self.weights }
    }

    /// Number of source cells.
    pub fn source_len(&self) -> usize {
        self.source_len
    }

    /// Number of destination cells.
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether there are no destination cells.
    pub fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }

    /// Number of destination cells whose weights are taken as products of those of latitudes and of longitudes.
    pub fn products(&self) -> usize {
        self.products.as_ref().map_or(0, |products| products.len())
    }

    /// Applies the rows to slabs of source values that lie one after the other.
    ///
    /// `valid` has a flag per source value (`None`: all valid; values that are not valid never count).
    /// `destination` has a value per row and slab. Gives their validity, `None` if all are valid; a value that
    /// is not valid is 0. Slabs without a missing value cost no mask work, those that share a mask little: what it makes of
    /// rows is found once and kept for the next call.
    ///
    /// # Panics
    /// If lengths do not fit each other.
    pub fn apply<V: Value>(
        &self,
        source: &[V],
        valid: Option<&SlabFlags>,
        missing: Missing,
        destination: &mut [V],
    ) -> Option<SlabFlags> {
        self.apply_with(best_instructions(), source, valid, missing, destination)
    }

    /// [`Self::apply`] with `instructions` that the machine has.
    fn apply_with<V: Value>(
        &self,
        instructions: u8,
        source: &[V],
        valid: Option<&SlabFlags>,
        missing: Missing,
        destination: &mut [V],
    ) -> Option<SlabFlags> {
        let n = self.len();
        let slabs = source.len().checked_div(self.source_len).unwrap_or(0);
        let flags = valid.map(|valid| (valid.cells(), valid.slabs()));
        if !self.is_work(slabs, source.len(), flags, destination.len()) {
            return None;
        }
        let has_gaps = |&slab: &usize| valid.is_some_and(|valid| !valid.is_full(slab));
        let (gapped, full): (Vec<usize>, Vec<usize>) = (0..slabs).partition(has_gaps);
        let mut flags = (!gapped.is_empty() || !self.all_mapped()).then(|| SlabFlags::none(n, slabs));
        if let Some(flags) = &mut flags {
            for &slab in &full {
                flags.slab_mut(slab).copy_from_slice(self.facts.mapped());
            }
        }
        let full = full.chunks(V::LANES).map(|slabs| Batch { slabs: slabs.to_vec(), gaps: NO_GAPS, one_mask: None });
        let mut batches: Vec<Batch> = full.collect();
        if let (Some(valid), Some(flags)) = (valid, &mut flags) {
            batches.extend(self.by_masks(valid, &gapped, V::LANES, missing));
            for batch in &batches {
                if let Some(one) = &batch.one_mask {
                    batch.slabs.iter().for_each(|&slab| flags.slab_mut(slab).copy_from_slice(one.there()));
                }
            }
        }
        self.run(instructions, source, valid, missing, destination, flags.as_mut(), &batches);
        flags
    }

    /// Applies the rows to values of which those of a cell lie together: that of slab `s` of cell `c` at `c * slabs + s`,
    /// in source and destination.
    ///
    /// `valid` has the flags of a cell together as well: those of `slabs` slabs of as many cells as the source has,
    /// `valid.get(cell, slab)`; so has what is given, for the destination, `None` if all are valid. Otherwise as
    /// [`Self::apply`], with the same bits.
    ///
    /// # Panics
    /// If lengths do not fit each other.
    pub fn apply_cells<V: Value>(
        &self,
        slabs: usize,
        source: &[V],
        valid: Option<&SlabFlags>,
        missing: Missing,
        destination: &mut [V],
    ) -> Option<SlabFlags> {
        self.apply_cells_with(best_instructions(), slabs, source, valid, missing, destination)
    }

    /// [`Self::apply_cells`] with `instructions` that the machine has.
    fn apply_cells_with<V: Value>(
        &self,
        instructions: u8,
        slabs: usize,
        source: &[V],
        valid: Option<&SlabFlags>,
        missing: Missing,
        destination: &mut [V],
    ) -> Option<SlabFlags> {
        let n = self.len();
        let flags = valid.map(|valid| (valid.slabs(), valid.cells()));
        if !self.is_work(slabs, source.len(), flags, destination.len()) {
            return None;
        }
        let valid = valid.filter(|valid| !valid.is_all());
        let mut flags = (valid.is_some() || !self.all_mapped()).then(|| SlabFlags::none(slabs, n));
        let streams = size_of_val(destination) >= STREAMED;
        let one_mask = valid.filter(|_| slabs >= ENOUGH).and_then(SlabFlags::all_or_none);
        let one_mask = one_mask.map(|mask| self.masks.get(&mask, missing, self.rows(), &self.facts));
        let (gaps, words) = match (valid, &one_mask) {
            (None, _) => (NO_GAPS, &[][..]),
            (_, Some(one)) => (ONE_MASK, one.mask()),
            (Some(valid), None) => (OWN_MASKS, valid.words()),
        };
        let rules = Rules::new(missing, &self.facts, V::CLAMPED);
        let one_mask = one_mask.as_deref();
        let work = CellWork { rows: self.rows(), rules, streams, slabs, source, gaps, one_mask, valid: words };
        let step = chunk_rows(n);
        let words = flags.as_mut().map_or(&mut [][..], SlabFlags::words_mut);
        // As many pieces of words as of values, empty ones if there are no flags.
        let mut words = words.chunks_mut(step * slabs.div_ceil(GROUP));
        let pieces: Vec<_> =
            destination.chunks_mut(step * slabs).map(|values| (values, words.next().unwrap_or_default())).collect();
        pieces.into_par_iter().enumerate().for_each(|(k, (values, flags))| {
            cells::run(instructions, work, k * step, values, flags);
        });
        flags
    }

    /// Whether there is anything to do for `slabs`; `flags`: of how many cells and slabs.
    ///
    /// # Panics
    /// If lengths do not fit each other.
    fn is_work(&self, slabs: usize, source: usize, flags: Option<(usize, usize)>, destination: usize) -> bool {
        assert_eq!(source, slabs * self.source_len, "source values of every slab");
        assert_eq!(destination, slabs * self.len(), "destination values of every slab");
        assert!(flags.is_none_or(|flags| flags == (self.source_len, slabs)), "a flag per source value");
        slabs > 0 && !self.is_empty()
    }

    /// Whether every row has links.
    fn all_mapped(&self) -> bool {
        self.facts.mapped().iter().map(|w| w.count_ones() as usize).sum::<usize>() == self.len()
    }

    /// Slabs with gaps, as many together as a tile takes: those with the same mask if there are enough of them. What is left of
    /// each mask fills tiles with what is left of others.
    fn by_masks(&self, valid: &SlabFlags, slabs: &[usize], lanes: usize, missing: Missing) -> Vec<Batch> {
        let mut masks: Vec<Vec<usize>> = Vec::new();
        for &slab in slabs {
            // Masks that differ mostly do so soon.
            match masks.iter_mut().find(|mask| valid.slab(mask[0]) == valid.slab(slab)) {
                Some(mask) => mask.push(slab),
                None => masks.push(vec![slab]),
            }
        }
        let (mut batches, mut left) = (Vec::new(), Vec::new());
        for mask in masks {
            let whole = mask.len() / lanes * lanes;
            let shared = if mask.len() - whole >= ENOUGH { mask.len() } else { whole };
            if shared > 0 {
                let one = self.masks.get(valid.slab(mask[0]), missing, self.rows(), &self.facts);
                let slabs = mask[..shared].chunks(lanes);
                batches.extend(slabs.map(|slabs| Batch {
                    slabs: slabs.to_vec(),
                    gaps: ONE_MASK,
                    one_mask: Some(Arc::clone(&one)),
                }));
            }
            left.extend_from_slice(&mask[shared..]);
        }
        batches.extend(left.chunks(lanes).map(|slabs| Batch { slabs: slabs.to_vec(), gaps: OWN_MASKS, one_mask: None }));
        batches
    }

    /// Runs every batch over every chunk; these pieces share no output.
    fn run<V: Value>(
        &self,
        instructions: u8,
        source: &[V],
        valid: Option<&SlabFlags>,
        missing: Missing,
        destination: &mut [V],
        flags: Option<&mut SlabFlags>,
        batches: &[Batch],
    ) {
        let (n, step) = (self.len(), chunk_rows(self.len()));
        let slabs = destination.len() / n;
        let streams = size_of_val(destination) >= STREAMED;
        // For each chunk and slab where results go.
        let mut pieces: Vec<Vec<Option<Results<'_, V>>>> = self.chunks.iter().map(|_| Vec::with_capacity(slabs)).collect();
        let mut words = flags.map(|flags| flags.words_mut().chunks_mut(n.div_ceil(GROUP)));
        for values in destination.chunks_mut(n) {
            let mut words = words.as_mut().and_then(Iterator::next).map(|slab| slab.chunks_mut(step / GROUP));
            for (pieces, values) in pieces.iter_mut().zip(values.chunks_mut(step)) {
                let words = words.as_mut().and_then(Iterator::next).unwrap_or_default();
                pieces.push(Some((values, words)));
            }
        }
        // Chunk by chunk, so that weights are still in cache for the next batch.
        let mut tasks = Vec::with_capacity(self.chunks.len() * batches.len());
        for (chunk, mut pieces) in self.chunks.iter().zip(pieces) {
            for batch in batches {
                let sources = batch.slabs.iter().map(|&slab| {
                    let words = valid.filter(|_| batch.gaps != NO_GAPS).map_or(&[][..], |valid| valid.slab(slab));
                    (&source[slab * self.source_len..(slab + 1) * self.source_len], words)
                });
                let work = Work {
                    rows: self.rows(),
                    facts: &self.facts,
                    missing,
                    streams,
                    first: chunk.first,
                    gaps: batch.gaps,
                    one_mask: batch.one_mask.as_deref(),
                    sources: sources.collect(),
                    destinations: batch.slabs.iter().map(|&slab| pieces[slab].take().expect("a slab is in one batch")).collect(),
                };
                tasks.push((chunk, work));
            }
        }
        tasks.into_par_iter().for_each_init(V::Tiles::default, |tiles, (chunk, work)| {
            let slabs = work.sources.len();
            let products = self.products.as_ref().filter(|products| {
                slabs < FEW || Products::are_best_for(slabs, work.has_gaps()) && products.are_all(chunk.first..chunk.last)
            });
            match (&chunk.plan, products) {
                (_, Some(products)) => products::run(instructions, products, chunk.last, work),
                (Some(plan), _) if slabs > 1 => V::run(tiles, plan, work, instructions),
                _ => plain::run(chunk.last - chunk.first, work),
            }
        });
    }
}

pub(crate) fn check_lengths(rows: SparseRows<'_>) {
    let links = rows.row_starts.last().copied().unwrap_or_default();
    assert!(rows.columns.len() == links && rows.weights.len() == links, "a column and a weight per link");
}

pub(crate) fn check_columns(columns: &[u32], source_len: usize) {
    assert!(columns.par_iter().all(|&column| (column as usize) < source_len), "a column below the length of the source");
}

/// Applies `rows` once: [`PreparedRows`] with a byte per flag.
///
/// `valid` has one flag per source value (`None`: all valid). `destination` and `destination_valid` have
/// `rows.len()` values per slab; a value without a valid source is 0 and not valid.
///
/// # Panics
/// If lengths do not fit each other, or a column is not below `source_len`.
pub fn apply<V: Value>(
    rows: SparseRows<'_>,
    source_len: usize,
    source: &[V],
    valid: Option<&[bool]>,
    missing: Missing,
    destination: &mut [V],
    destination_valid: &mut [bool],
) {
    if rows.is_empty() || source_len == 0 {
        return;
    }
    assert_eq!(destination_valid.len(), destination.len(), "a flag per destination value");
    let few = source.len() < FEW * source_len;
    let prepared = if few { PreparedRows::for_few_slabs(rows, source_len) } else { PreparedRows::new(rows, source_len) };
    let valid = valid.map(|valid| SlabFlags::from_bools(source_len, valid));
    match prepared.apply(source, valid.as_ref(), missing, destination) {
        Some(flags) => flags.write_bools(destination_valid),
        None => destination_valid.fill(true),
    }
}
