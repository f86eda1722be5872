//! Rows for values of which those of a cell lie together, as levels do in files of meshes: nothing is turned around.
//!
//! Sums run in the same order as in the plain form and give the same bits.

use super::gaps::{Link, Met, NO_GAPS, ONE_MASK, OWN_MASKS, Rules, every_of, with_gaps};
use super::layout::GROUP;
use super::one_mask::OneMask;
#[cfg(target_arch = "x86_64")]
use super::quads::{self, Place, QUAD};
use super::sums::whole;
use super::transpose::{AVX2, AVX512, PLAIN};
#[cfg(target_arch = "x86_64")]
use super::wide::{WIDE, Wide};
#[cfg(target_arch = "x86_64")]
use super::writer::Lines;
use super::writer::{LINE, fence, prefetch};
use super::{SparseRows, Value};

/// Bytes of source cells between the call for one and its use: a third of a first-level cache.
const AHEAD: usize = 16 << 10;

/// What all rows have in common.
#[derive(Clone, Copy)]
pub(crate) struct CellWork<'w, V> {
    pub(crate) rows: SparseRows<'w>,
    pub(crate) rules: Rules<'w>,
    /// Whether results are written past the caches.
    pub(crate) streams: bool,
    pub(crate) slabs: usize,
    pub(crate) source: &'w [V],
    /// Which values are missing: [`NO_GAPS`] or others.
    pub(crate) gaps: u8,
    /// What one mask makes of rows, if there are gaps of [`ONE_MASK`].
    pub(crate) one_mask: Option<&'w OneMask>,
    /// [`ONE_MASK`]: a bit for each cell. [`OWN_MASKS`]: words of flags, those of a cell together, a bit for each slab.
    pub(crate) valid: &'w [u64],
}

/// Works through the rows from `first` on with `instructions` that the machine has: values and words of flags of all of
/// them, row by row; there are no words where no flags are wanted.
pub(crate) fn run<V: Value>(instructions: u8, work: CellWork<'_, V>, first: usize, values: &mut [V], flags: &mut [u64]) {
    match work.gaps {
        NO_GAPS => with_gaps_or_not::<V, NO_GAPS>(instructions, work, first, values, flags),
        ONE_MASK => with_gaps_or_not::<V, ONE_MASK>(instructions, work, first, values, flags),
        _ => with_gaps_or_not::<V, OWN_MASKS>(instructions, work, first, values, flags),
    }
}

/// `GAPS`: which values are missing.
fn with_gaps_or_not<V: Value, const GAPS: u8>(
    instructions: u8,
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    match work.slabs {
        32.. => with_lanes::<V, 32, GAPS>(instructions, work, first, values, flags),
        16.. => with_lanes::<V, 16, GAPS>(instructions, work, first, values, flags),
        8.. => with_lanes::<V, 8, GAPS>(instructions, work, first, values, flags),
        4.. => with_lanes::<V, 4, GAPS>(instructions, work, first, values, flags),
        _ => with_lanes::<V, 1, GAPS>(instructions, work, first, values, flags),
    }
}

/// The same code for all instructions: none of them changes an operation or its order.
fn with_lanes<V: Value, const L: usize, const GAPS: u8>(
    instructions: u8,
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    if work.slabs == L {
        with_instructions::<V, L, true, GAPS>(instructions, work, first, values, flags);
    } else {
        with_instructions::<V, L, false, GAPS>(instructions, work, first, values, flags);
    }
}

/// `EXACT`: there are as many slabs as lanes, which spares half of the instructions.
fn with_instructions<V: Value, const L: usize, const EXACT: bool, const GAPS: u8>(
    instructions: u8,
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        AVX512 => {
            #[allow(unsafe_code, reason = "the machine has the instructions")]
            // SAFETY: the caller asked the machine.
            unsafe {
                with_avx512::<V, L, EXACT, GAPS>(work, first, values, flags);
            }
        }
        #[cfg(target_arch = "x86_64")]
        AVX2 => {
            #[allow(unsafe_code, reason = "the machine has the instructions")]
            // SAFETY: the caller asked the machine.
            unsafe {
                with_avx2::<V, L, EXACT, GAPS>(work, first, values, flags);
            }
        }
        _ => all_rows::<V, L, EXACT, GAPS, PLAIN>(work, first, values, flags),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn with_avx512<V: Value, const L: usize, const EXACT: bool, const GAPS: u8>(
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    all_rows::<V, L, EXACT, GAPS, AVX512>(work, first, values, flags);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<V: Value, const L: usize, const EXACT: bool, const GAPS: u8>(
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    all_rows::<V, L, EXACT, GAPS, AVX2>(work, first, values, flags);
}

/// The links of a row, and the columns of as many that come.
#[derive(Clone, Copy)]
struct Row<'w> {
    index: usize,
    columns: &'w [u32],
    weights: &'w [f64],
    coming: &'w [u32],
}

/// Where results go.
enum Results<'d, V> {
    /// Row by row, past the caches if they stream.
    Rows { values: &'d mut [V], streams: bool },
    /// Line by line, past the caches.
    #[cfg(target_arch = "x86_64")]
    Lines(Lines<'d, V>),
}

#[inline(always)]
fn all_rows<V: Value, const L: usize, const EXACT: bool, const GAPS: u8, const I: u8>(
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    let work = CellWork { slabs: if EXACT { L } else { work.slabs }, ..work };
    let slabs = work.slabs;
    let words = slabs.div_ceil(GROUP);
    let ahead = (AHEAD / (slabs * size_of::<V>())).max(4);
    let count = values.len() / slabs;
    let mut results = results::<V, L, I>(&work, values);
    let mut bits = Vec::new();
    for k in 0..count {
        let row = work.row(first + k, ahead);
        let mut at = 0;
        while at < slabs {
            // The last ones again where they do not fill their lanes: the same bits.
            let start = at.min(slabs - L);
            let there = part::<V, L, GAPS, I>(&work, row, start, &mut bits, &mut results, k * slabs + start);
            if !flags.is_empty() {
                // A word begins where lanes do.
                let new = start + L - at;
                flags[k * words + at / GROUP] |= u64::from(there & every_of::<L>()) >> (L - new) << (at % GROUP);
            }
            at = start + L;
        }
    }
    match results {
        Results::Rows { streams: false, .. } => {}
        Results::Rows { .. } => fence(),
        #[cfg(target_arch = "x86_64")]
        Results::Lines(lines) => {
            lines.finish();
            fence();
        }
    }
}

/// Results pass the caches where there are many, and those of a part of a row are whole lines.
#[inline(always)]
fn results<'d, V: Value, const L: usize, const I: u8>(work: &CellWork<'_, V>, values: &'d mut [V]) -> Results<'d, V> {
    #[cfg(target_arch = "x86_64")]
    if I == AVX512 && work.streams && L.is_multiple_of(V::PER_LINE) && work.slabs.is_multiple_of(L) {
        #[allow(unsafe_code, reason = "the instructions are there")]
        // SAFETY: `I` is what the machine has.
        return Results::Lines(unsafe { Lines::new(values) });
    }
    #[cfg(target_arch = "x86_64")]
    let streams = I == AVX2 && work.streams && work.slabs.is_multiple_of(L) && Place::<V, L>::can_stream(values);
    #[cfg(not(target_arch = "x86_64"))]
    let streams = false;
    Results::Rows { values, streams }
}

/// The results of a row for the slabs from `start` on to their place, and a bit for each that there is. Meanwhile the cells that
/// come are called for. `bits`: room for those of the links.
#[inline(always)]
fn part<V: Value, const L: usize, const GAPS: u8, const I: u8>(
    work: &CellWork<'_, V>,
    row: Row<'_>,
    start: usize,
    bits: &mut Vec<u32>,
    results: &mut Results<'_, V>,
    place: usize,
) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if I == AVX512 && L.is_multiple_of(WIDE) {
        #[allow(unsafe_code, reason = "the instructions are there")]
        // SAFETY: `I` is what the machine has; results pass the caches where L of them are whole lines.
        return unsafe { wide_part::<V, L, GAPS>(work, row, start, bits, results, place) };
    }
    let (values, streams) = match results {
        Results::Rows { values, streams } => (values, *streams),
        #[cfg(target_arch = "x86_64")]
        Results::Lines(_) => unreachable!("lines are for wide vectors"),
    };
    let results: &mut [V; L] = (&mut values[place..place + L]).try_into().expect("L values");
    #[cfg(target_arch = "x86_64")]
    if I == AVX2 && L.is_multiple_of(QUAD) {
        #[allow(unsafe_code, reason = "the instructions are there")]
        // SAFETY: `I` is what the machine has; results stream where they can.
        return unsafe { quad_row::<V, L, GAPS>(work, row, start, bits, Place::past_caches(results, streams)) };
    }
    debug_assert!(!streams, "past the caches there are vectors");
    if GAPS == NO_GAPS {
        row.coming.iter().for_each(|&next| work.call::<L, GAPS>(next, start));
        *results = whole(work.links(row, start), work.are_means(row), 1.0);
        return row.every();
    }
    if let Some(one) = work.one_mask.filter(|_| GAPS == ONE_MASK) {
        row.coming.iter().for_each(|&next| work.call::<L, GAPS>(next, start));
        let is_there = one.is_there(row.index);
        *results = if is_there {
            whole(work.links_of_mask(row, start), one.is_bounded(row.index), one.scale(row.index))
        } else {
            [V::default(); L]
        };
        return u32::from(is_there).wrapping_neg();
    }
    let met = work.meet::<L, GAPS>(row, start, bits);
    let there;
    (*results, there) = if met.is_nothing::<L>() {
        ([V::default(); L], 0)
    } else if met.is_whole::<L>() {
        (whole(work.links(row, start), work.are_means(row), 1.0), u32::MAX)
    } else {
        with_gaps(work.links_with_bits(row, start, bits), met, work.rules.of(row.index))
    };
    there
}

/// The results of a row in vectors of 256 bits.
///
/// # Safety
/// The machine has them; `L` is a multiple of [`QUAD`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "the caller promises what the functions need")]
unsafe fn quad_row<V: Value, const L: usize, const GAPS: u8>(
    work: &CellWork<'_, V>,
    row: Row<'_>,
    start: usize,
    bits: &mut Vec<u32>,
    place: Place<'_, V, L>,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        if GAPS == NO_GAPS {
            // In one loop: one of their own for the calls would end where the machine does not foresee it.
            let links = work.calling::<L, GAPS>(row, start).map(|(column, w)| (w, work.lanes(column, start)));
            quads::whole(links, work.are_means(row), 1.0, place);
            return row.every();
        }
        if let Some(one) = work.one_mask.filter(|_| GAPS == ONE_MASK) {
            row.coming.iter().for_each(|&next| work.call::<L, GAPS>(next, start));
            let is_there = one.is_there(row.index);
            if is_there {
                quads::whole(work.links_of_mask(row, start), one.is_bounded(row.index), one.scale(row.index), place);
            } else {
                place.clear();
            }
            return u32::from(is_there).wrapping_neg();
        }
        let met = work.meet::<L, GAPS>(row, start, bits);
        if met.is_nothing::<L>() {
            place.clear();
            0
        } else if met.is_whole::<L>() {
            quads::whole(work.links(row, start), work.are_means(row), 1.0, place);
            u32::MAX
        } else {
            quads::with_gaps(work.links_with_bits(row, start, bits), met, work.rules.of(row.index), place)
        }
    }
}

/// [`part`] in vectors of 512 bits.
///
/// # Safety
/// The machine has them; `L` is a multiple of [`WIDE`], and results pass the caches where L of them are whole lines.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "the caller promises what the functions need")]
unsafe fn wide_part<V: Value, const L: usize, const GAPS: u8>(
    work: &CellWork<'_, V>,
    row: Row<'_>,
    start: usize,
    bits: &mut Vec<u32>,
    results: &mut Results<'_, V>,
    place: usize,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        // In one loop: one of their own for the calls would end where the machine does not foresee it. Each case puts its results
        // where they go: what comes together from several would go through memory.
        let one_mask = work.one_mask.filter(|_| GAPS == ONE_MASK);
        if GAPS == NO_GAPS || one_mask.is_some_and(|one| one.is_whole(row.index)) {
            let links = work.calling::<L, GAPS>(row, start).map(|(column, w)| (w, work.lanes(column, start)));
            let whole = Wide::whole::<V, L>(links, work.are_means(row));
            return results.put::<L>(whole, place) & row.every();
        }
        if one_mask.is_some_and(|one| !one.is_there(row.index)) {
            row.coming.iter().for_each(|&next| work.call::<L, GAPS>(next, start));
            return results.put::<L>(Wide::nothing(), place);
        }
        let links = work.calling::<L, GAPS>(row, start);
        let links = links.map(|(column, w)| (w, work.lanes(column, start), work.bits::<GAPS>(column, start)));
        if let Some(one) = one_mask {
            let wide = Wide::of_one_mask::<V, L>(links, one.is_bounded(row.index), one.scale(row.index));
            return results.put::<L>(wide, place);
        }
        let rule = work.rules.of(row.index);
        if rule.is_by_share() {
            results.put::<L>(Wide::by_share::<V, L>(links, rule), place)
        } else if rule.propagates() && !row.columns.is_empty() {
            results.put::<L>(Wide::where_whole::<V, L>(links, rule), place)
        } else {
            results.put::<L>(in_two_passes::<V, L, GAPS>(work, row.index, start, bits), place)
        }
    }
}

/// The results of a row with gaps, by any rule.
///
/// # Safety
/// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`].
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
#[allow(unsafe_code, reason = "the caller promises what the functions need")]
unsafe fn in_two_passes<V: Value, const L: usize, const GAPS: u8>(
    work: &CellWork<'_, V>,
    row: usize,
    start: usize,
    bits: &mut Vec<u32>,
) -> Wide {
    let (row, rule) = (work.row(row, 0), work.rules.of(row));
    let met = work.meet::<L, GAPS>(row, start, bits);
    // SAFETY: as the caller promises.
    unsafe {
        if met.is_nothing::<L>() {
            Wide::nothing()
        } else if met.is_whole::<L>() {
            Wide::whole::<V, L>(work.links(row, start), rule.means)
        } else {
            Wide::with_gaps::<V, L>(work.links_with_bits(row, start, bits), met, rule)
        }
    }
}

impl Row<'_> {
    /// A bit for each slab if there are links: a row without any has no results.
    #[inline(always)]
    fn every(&self) -> u32 {
        if self.columns.is_empty() { 0 } else { u32::MAX }
    }
}

impl<V: Value> Results<'_, V> {
    /// Puts the results of `L` slabs to their place; gives their bits.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`], and results pass the caches where L of them are whole
    /// lines.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    #[allow(unsafe_code, reason = "the caller promises what the functions need")]
    unsafe fn put<const L: usize>(&mut self, wide: Wide, place: usize) -> u32 {
        // SAFETY: as the caller promises.
        unsafe {
            match self {
                Self::Rows { values, .. } => wide.store::<V, L>((&mut values[place..place + L]).try_into().expect("L values")),
                Self::Lines(lines) => wide.append::<V, L>(lines),
            }
        }
        wide.there
    }
}

impl<'w, V: Value> CellWork<'w, V> {
    /// A row, with what comes `ahead` links later.
    #[inline(always)]
    fn row(&self, index: usize, ahead: usize) -> Row<'w> {
        let (columns, weights) = self.rows.row(index);
        let later = self.rows.row_starts[index] + ahead;
        // At the end its own: they are there already.
        let coming = self.rows.columns.get(later..later + columns.len()).unwrap_or(columns);
        Row { index, columns, weights, coming }
    }

    /// Whether the results of a row are kept within the range of the values.
    #[inline(always)]
    fn are_means(&self, row: Row<'_>) -> bool {
        V::CLAMPED && self.rules.are_means(row.index)
    }

    /// What a row meets of the slabs from `start` on, with the `bits` of each link; meanwhile the cells that come are called for.
    #[inline(always)]
    fn meet<const L: usize, const GAPS: u8>(&self, row: Row<'_>, start: usize, bits: &mut Vec<u32>) -> Met {
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
    fn links<'r, const L: usize>(
        &self,
        row: Row<'r>,
        start: usize,
    ) -> impl Iterator<Item = (f64, &'w [V; L])> + Clone + use<'r, 'w, V, L> {
        let work = *self;
        row.columns.iter().zip(row.weights).map(move |(&c, &w)| (w, work.lanes::<L>(c, start)))
    }

    /// [`Self::links`] with their `bits`.
    #[inline(always)]
    fn links_with_bits<const L: usize>(
        &self,
        row: Row<'_>,
        start: usize,
        bits: &[u32],
    ) -> impl Iterator<Item = Link<'w, V, L>> + Clone {
        self.links(row, start).zip(bits).map(|((w, x), &bits)| (w, x, bits))
    }

    /// [`Self::links`] of which the one mask has values.
    #[inline(always)]
    fn links_of_mask<'r, const L: usize>(
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
    fn calling<const L: usize, const GAPS: u8>(&self, row: Row<'_>, start: usize) -> impl Iterator<Item = (u32, f64)> + Clone {
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
    fn call<const L: usize, const GAPS: u8>(&self, column: u32, start: usize) {
        let values = self.source.as_ptr().wrapping_add(column as usize * self.slabs + start).cast::<u8>();
        (0..L * size_of::<V>()).step_by(LINE).for_each(|line| prefetch::<1>(values.wrapping_add(line)));
        if GAPS == OWN_MASKS {
            prefetch::<1>(self.valid.as_ptr().wrapping_add(column as usize * self.slabs.div_ceil(GROUP) + start / GROUP).cast());
        }
    }

    /// `L` values of a cell from slab `start` on.
    #[inline(always)]
    fn lanes<const L: usize>(&self, column: u32, start: usize) -> &'w [V; L] {
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
    fn bits<const GAPS: u8>(&self, column: u32, start: usize) -> u32 {
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
