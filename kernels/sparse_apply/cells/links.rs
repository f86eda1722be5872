//! The links of rows, and the values and flags of cells that they go with.

use crate::sparse_apply::gaps::{Link, Met, ONE_MASK, OWN_MASKS, Rules};
use crate::sparse_apply::layout::GROUP;
use crate::sparse_apply::one_mask::OneMask;
use crate::sparse_apply::writer::{LINE, prefetch};
use crate::sparse_apply::{SparseRows, Value};

/// What all rows have in common.
#[derive(Clone, Copy)]
pub(crate) struct CellWork<'w, V> {
    pub(crate) rows: SparseRows<'w>,
    pub(crate) rules: Rules<'w>,
    /// Whether results are written past the caches.
    pub(crate) streams: bool,
    pub(crate) slabs: usize,
    pub(crate) source: &'w [V],
    /// Which values are missing: [`NO_GAPS`](crate::sparse_apply::gaps::NO_GAPS) or others.
    pub(crate) gaps: u8,
    /// What one mask makes of rows, if there are gaps of [`ONE_MASK`].
    pub(crate) one_mask: Option<&'w OneMask>,
    /// [`ONE_MASK`]: a bit for each cell. [`OWN_MASKS`]: words of flags, those of a cell together, a bit for each slab.
    pub(crate) valid: &'w [u64],
}

/// The links of a row, and the columns of as many that come.
#[derive(Clone, Copy)]
pub(super) struct Row<'w> {
    pub(super) index: usize,
    pub(super) columns: &'w [u32],
    pub(super) weights: &'w [f64],
    pub(super) coming: &'w [u32],
}

impl Row<'_> {
    /// A bit for each slab if there are links: a row without any has no results.
    #[inline(always)]
    pub(super) fn every(&self) -> u32 {
        if self.columns.is_empty() { 0 } else { u32::MAX }
    }
}

impl<'w, V: Value> CellWork<'w, V> {
    /// A row, with what comes `ahead` links later.
    #[inline(always)]
    pub(super) fn row(&self, index: usize, ahead: usize) -> Row<'w> {
        let (columns, weights) = self.rows.row(index);
        let later = self.rows.row_starts[index] + ahead;
        // At the end its own: they are there already.
        let coming = self.rows.columns.get(later..later + columns.len()).unwrap_or(columns);
        Row { index, columns, weights, coming }
    }

    /// Whether the results of a row are kept within the range of the values.
    #[inline(always)]
    pub(super) fn are_means(&self, row: Row<'_>) -> bool {
        V::CLAMPED && self.rules.are_means(row.index)
    }

    /// What the one mask makes of rows, if there are `GAPS` of one.
    #[inline(always)]
    pub(super) fn of_one_mask<const GAPS: u8>(&self) -> Option<&'w OneMask> {
        if GAPS == ONE_MASK { self.one_mask } else { None }
    }

    /// What a row meets of the slabs from `start` on, with the `bits` of each link; meanwhile the cells that come are called for.
    #[inline(always)]
    pub(super) fn meet<const L: usize, const GAPS: u8>(&self, row: Row<'_>, start: usize, bits: &mut Vec<u32>) -> Met {
        if bits.len() < row.columns.len() {
            bits.resize(row.columns.len(), 0);
        }
        let mut met = Met::NOTHING;
        for ((&column, &next), bits) in row.columns.iter().zip(row.coming).zip(bits) {
            self.call::<L, GAPS>(next, start);
            *bits = self.bits::<GAPS>(column, start);
            met.add(*bits);
        }
        met
    }

    /// The links of a row for `L` slabs from `start` on.
    #[inline(always)]
    pub(super) fn links<'r, const L: usize>(
        &self,
        row: Row<'r>,
        start: usize,
    ) -> impl Iterator<Item = (f64, &'w [V; L])> + Clone + use<'r, 'w, V, L> {
        let work = *self;
        row.columns.iter().zip(row.weights).map(move |(&c, &w)| (w, work.lanes::<L>(c, start)))
    }

    /// [`Self::links`] with their `bits`.
    #[inline(always)]
    pub(super) fn links_with_bits<const L: usize>(
        &self,
        row: Row<'_>,
        start: usize,
        bits: &[u32],
    ) -> impl Iterator<Item = Link<'w, V, L>> + Clone {
        self.links(row, start).zip(bits).map(|((w, x), &bits)| (w, x, bits))
    }

    /// [`Self::links`] of which the one mask has values.
    #[inline(always)]
    pub(super) fn links_of_mask<'r, const L: usize>(
        &self,
        row: Row<'r>,
        start: usize,
    ) -> impl Iterator<Item = (f64, &'w [V; L])> + Clone + use<'r, 'w, V, L> {
        let work = *self;
        let links = row.columns.iter().zip(row.weights).filter(move |(column, _)| work.bits::<ONE_MASK>(**column, start) != 0);
        links.map(move |(&c, &w)| (w, work.lanes::<L>(c, start)))
    }

    /// The columns and weights of a row; with each a cell that comes is called for.
    #[inline(always)]
    pub(super) fn calling<const L: usize, const GAPS: u8>(
        &self,
        row: Row<'_>,
        start: usize,
    ) -> impl Iterator<Item = (u32, f64)> + Clone {
        let work = *self;
        // Slices alone: their loop has one count.
        row.columns.iter().zip(row.weights).zip(row.coming).map(move |((&column, &w), &next)| {
            work.call::<L, GAPS>(next, start);
            (column, w)
        })
    }

    /// Calls for `L` values of a cell from slab `start` on and for flags of their own; what they share a line with is called for
    /// as well. Those of one mask stay in cache.
    #[inline(always)]
    pub(super) fn call<const L: usize, const GAPS: u8>(&self, column: u32, start: usize) {
        let values = self.source.as_ptr().wrapping_add(column as usize * self.slabs + start).cast::<u8>();
        (0..L * size_of::<V>()).step_by(LINE).for_each(|line| prefetch::<1>(values.wrapping_add(line)));
        if GAPS == OWN_MASKS {
            prefetch::<1>(self.valid.as_ptr().wrapping_add(column as usize * self.slabs.div_ceil(GROUP) + start / GROUP).cast());
        }
    }

    /// `L` values of a cell from slab `start` on.
    #[inline(always)]
    pub(super) fn lanes<const L: usize>(&self, column: u32, start: usize) -> &'w [V; L] {
        let start = column as usize * self.slabs + start;
        debug_assert!(start + L <= self.source.len());
        #[allow(unsafe_code, reason = "a check for every link would cost a tenth of the time")]
        // SAFETY: columns were checked when rows were prepared, the length of the source before it was worked on.
        unsafe {
            &*self.source.as_ptr().add(start).cast()
        }
    }

    /// A bit for each value of a cell from slab `start` on that is there; what is beyond the last is nobody's.
    #[inline(always)]
    pub(super) fn bits<const GAPS: u8>(&self, column: u32, start: usize) -> u32 {
        // Columns were checked when rows were prepared, the number of words before they were worked on.
        let word = |word: usize| {
            debug_assert!(word < self.valid.len());
            #[allow(unsafe_code, reason = "a check for every link would cost a tenth of the time")]
            // SAFETY: as above.
            unsafe {
                *self.valid.get_unchecked(word)
            }
        };
        let column = column as usize;
        if GAPS == ONE_MASK {
            return ((word(column / GROUP) >> (column % GROUP) & 1) as u32).wrapping_neg();
        }
        let words = self.slabs.div_ceil(GROUP);
        let (first, shift) = (column * words + start / GROUP, start % GROUP);
        let reaches_on = shift > GROUP - 32 && start / GROUP + 1 < words;
        let next = if reaches_on { word(first + 1) << (GROUP - shift) } else { 0 };
        (word(first) >> shift | next) as u32
    }
}
