//! Rows for values of which those of a cell lie together, as levels do in files of meshes: nothing is turned around.
//!
//! Sums run in the same order as in the plain form and give the same bits.

use super::gaps::{Link, Met, Rule, every_of, with_gaps};
use super::layout::GROUP;
#[cfg(target_arch = "x86_64")]
use super::quads::{self, Place, QUAD};
use super::row_facts::RowFacts;
use super::sums::whole;
use super::transpose::{AVX2, AVX512, PLAIN};
#[cfg(target_arch = "x86_64")]
use super::wide::{WIDE, Wide};
#[cfg(target_arch = "x86_64")]
use super::writer::Lines;
use super::writer::{LINE, fence, prefetch};
use super::{Missing, SparseRows, Value};

/// Bytes of source cells between the call for one and its use: a third of a first-level cache.
const AHEAD: usize = 16 << 10;

/// What all rows have in common.
#[derive(Clone, Copy)]
pub(crate) struct CellWork<'w, V> {
    pub(crate) rows: SparseRows<'w>,
    pub(crate) facts: &'w RowFacts,
    pub(crate) missing: Missing,
    /// Whether results are written past the caches.
    pub(crate) streams: bool,
    pub(crate) slabs: usize,
    pub(crate) source: &'w [V],
    /// Words of flags, those of a cell together, a bit for each slab; `None`: no value is missing.
    pub(crate) valid: Option<&'w [u64]>,
}

/// Works through the rows from `first` on with `instructions` that the machine has: values and words of flags of all of
/// them, row by row; there are no words where no flags are wanted.
pub(crate) fn run<V: Value>(instructions: u8, work: CellWork<'_, V>, first: usize, values: &mut [V], flags: &mut [u64]) {
    match work.valid {
        None => with_gaps_or_not::<V, false>(instructions, work, first, values, flags),
        Some(_) => with_gaps_or_not::<V, true>(instructions, work, first, values, flags),
    }
}

/// `GAPS`: whether values are missing.
fn with_gaps_or_not<V: Value, const GAPS: bool>(
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
fn with_lanes<V: Value, const L: usize, const GAPS: bool>(
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
fn with_instructions<V: Value, const L: usize, const EXACT: bool, const GAPS: bool>(
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
fn with_avx512<V: Value, const L: usize, const EXACT: bool, const GAPS: bool>(
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    all_rows::<V, L, EXACT, GAPS, AVX512>(work, first, values, flags);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<V: Value, const L: usize, const EXACT: bool, const GAPS: bool>(
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    all_rows::<V, L, EXACT, GAPS, AVX2>(work, first, values, flags);
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
fn all_rows<V: Value, const L: usize, const EXACT: bool, const GAPS: bool, const I: u8>(
    work: CellWork<'_, V>,
    first: usize,
    values: &mut [V],
    flags: &mut [u64],
) {
    let work = CellWork { slabs: if EXACT { L } else { work.slabs }, ..work };
    let CellWork { rows, slabs, .. } = work;
    let words = slabs.div_ceil(GROUP);
    let ahead = (AHEAD / (slabs * size_of::<V>())).max(4);
    let count = values.len() / slabs;
    let mut results = results::<V, L, I>(&work, values);
    let mut bits = Vec::new();
    for k in 0..count {
        let row = first + k;
        let links = rows.row_starts[row]..rows.row_starts[row + 1];
        // At the end its own: they are there already.
        let coming = rows.columns.get(links.start + ahead..links.end + ahead).unwrap_or(&rows.columns[links]);
        let mut at = 0;
        while at < slabs {
            // The last ones again where they do not fill their lanes: the same bits.
            let start = at.min(slabs - L);
            let there = part::<V, L, GAPS, I>(&work, row, start, coming, &mut bits, &mut results, k * slabs + start);
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
/// are `coming` are called for. `bits`: room for those of the links.
#[inline(always)]
fn part<V: Value, const L: usize, const GAPS: bool, const I: u8>(
    work: &CellWork<'_, V>,
    row: usize,
    start: usize,
    coming: &[u32],
    bits: &mut Vec<u32>,
    results: &mut Results<'_, V>,
    place: usize,
) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if I == AVX512 && L.is_multiple_of(WIDE) {
        #[allow(unsafe_code, reason = "the instructions are there")]
        // SAFETY: `I` is what the machine has; results pass the caches where L of them are whole lines.
        return unsafe {
            let wide = wide_row::<V, L, GAPS>(work, row, start, coming, bits);
            match results {
                Results::Rows { values, .. } => wide.store::<V, L>((&mut values[place..place + L]).try_into().expect("L values")),
                Results::Lines(lines) => wide.append::<V, L>(lines),
            }
            wide.there
        };
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
        return unsafe { quad_row::<V, L>(work, row, start, coming, bits, Place::past_caches(results, streams)) };
    }
    debug_assert!(!streams, "past the caches there are vectors");
    let Some(valid) = work.valid else {
        coming.iter().for_each(|&next| work.call::<L>(next, start));
        *results = whole(work.links(row, start), work.are_means(row));
        return if coming.is_empty() { 0 } else { u32::MAX };
    };
    let met = work.meet::<L>(valid, row, start, coming, bits);
    let there;
    (*results, there) = if met.is_nothing::<L>() {
        ([V::default(); L], 0)
    } else if met.is_whole::<L>() {
        (whole(work.links(row, start), work.are_means(row)), u32::MAX)
    } else {
        with_gaps(work.links_with_bits(row, start, bits), met, work.rule(row))
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
unsafe fn quad_row<V: Value, const L: usize>(
    work: &CellWork<'_, V>,
    row: usize,
    start: usize,
    coming: &[u32],
    bits: &mut Vec<u32>,
    place: Place<'_, V, L>,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        let Some(valid) = work.valid else {
            // In one loop: one of their own for the calls would end where the machine does not foresee it.
            let links = work.calling::<L>(row, start, coming).map(|(column, w)| (w, work.lanes(column, start)));
            quads::whole(links, work.are_means(row), place);
            return if coming.is_empty() { 0 } else { u32::MAX };
        };
        let met = work.meet::<L>(valid, row, start, coming, bits);
        if met.is_nothing::<L>() {
            place.clear();
            0
        } else if met.is_whole::<L>() {
            quads::whole(work.links(row, start), work.are_means(row), place);
            u32::MAX
        } else {
            quads::with_gaps(work.links_with_bits(row, start, bits), met, work.rule(row), place)
        }
    }
}

/// The results of a row in vectors of 512 bits.
///
/// # Safety
/// The machine has them; `L` is a multiple of [`WIDE`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "the caller promises what the functions need")]
unsafe fn wide_row<V: Value, const L: usize, const GAPS: bool>(
    work: &CellWork<'_, V>,
    row: usize,
    start: usize,
    coming: &[u32],
    bits: &mut Vec<u32>,
) -> Wide {
    // SAFETY: as the caller promises.
    unsafe {
        // In one loop: one of their own for the calls would end where the machine does not foresee it.
        match work.valid {
            Some(valid) if GAPS => {
                let rule = work.rule(row);
                let links = work.calling::<L>(row, start, coming);
                let links = links.map(|(column, w)| (w, work.lanes(column, start), work.bits(valid, column, start)));
                if rule.is_by_share() {
                    Wide::by_share::<V, L>(links, rule)
                } else if rule.propagates() && !coming.is_empty() {
                    Wide::where_whole::<V, L>(links, rule)
                } else {
                    in_two_passes::<V, L>(work, valid, row, start, coming, bits, rule)
                }
            }
            _ => {
                let links = work.calling::<L>(row, start, coming).map(|(column, w)| (w, work.lanes(column, start)));
                let whole = Wide::whole::<V, L>(links, work.are_means(row));
                Wide { there: if coming.is_empty() { 0 } else { u32::MAX }, ..whole }
            }
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
unsafe fn in_two_passes<V: Value, const L: usize>(
    work: &CellWork<'_, V>,
    valid: &[u64],
    row: usize,
    start: usize,
    coming: &[u32],
    bits: &mut Vec<u32>,
    rule: Rule,
) -> Wide {
    let met = work.meet::<L>(valid, row, start, coming, bits);
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

impl<'w, V: Value> CellWork<'w, V> {
    /// Whether the results of a row are kept within the range of the values.
    #[inline(always)]
    fn are_means(&self, row: usize) -> bool {
        V::CLAMPED && self.facts.is_mean(row)
    }

    /// What makes the results of a row with gaps.
    #[inline(always)]
    fn rule(&self, row: usize) -> Rule {
        Rule::new(self.missing, self.facts, row, V::CLAMPED)
    }

    /// What a row meets of the slabs from `start` on, with the `bits` of each link; meanwhile the cells `coming` are called for.
    #[inline(always)]
    fn meet<const L: usize>(&self, valid: &[u64], row: usize, start: usize, coming: &[u32], bits: &mut Vec<u32>) -> Met {
        let columns = self.rows.row(row).0;
        if bits.len() < columns.len() {
            bits.resize(columns.len(), 0);
        }
        let mut met = Met::NOTHING;
        for ((&column, &next), bits) in columns.iter().zip(coming).zip(bits) {
            self.call::<L>(next, start);
            *bits = self.bits(valid, column, start);
            met.add(*bits);
        }
        met
    }

    /// The links of a row for `L` slabs from `start` on.
    #[inline(always)]
    fn links<const L: usize>(&self, row: usize, start: usize) -> impl Iterator<Item = (f64, &'w [V; L])> + Clone {
        let (work, (columns, weights)) = (*self, self.rows.row(row));
        columns.iter().zip(weights).map(move |(&c, &w)| (w, work.lanes::<L>(c, start)))
    }

    /// [`Self::links`] with their `bits`.
    #[inline(always)]
    fn links_with_bits<const L: usize>(
        &self,
        row: usize,
        start: usize,
        bits: &[u32],
    ) -> impl Iterator<Item = Link<'w, V, L>> + Clone {
        self.links(row, start).zip(bits).map(|((w, x), &bits)| (w, x, bits))
    }

    /// The columns and weights of a row; with each a cell that is `coming` is called for.
    #[inline(always)]
    fn calling<const L: usize>(&self, row: usize, start: usize, coming: &[u32]) -> impl Iterator<Item = (u32, f64)> + Clone {
        let (work, (columns, weights)) = (*self, self.rows.row(row));
        // Slices alone: their loop has one count.
        columns.iter().zip(weights).zip(coming).map(move |((&column, &w), &next)| {
            work.call::<L>(next, start);
            (column, w)
        })
    }

    /// Calls for `L` values of a cell from slab `start` on and for their flags; what they share a line with is called for as
    /// well.
    #[inline(always)]
    fn call<const L: usize>(&self, column: u32, start: usize) {
        let values = self.source.as_ptr().wrapping_add(column as usize * self.slabs + start).cast::<u8>();
        (0..L * size_of::<V>()).step_by(LINE).for_each(|line| prefetch::<1>(values.wrapping_add(line)));
        if let Some(valid) = self.valid {
            prefetch::<1>(valid.as_ptr().wrapping_add(column as usize * self.slabs.div_ceil(GROUP) + start / GROUP).cast());
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

    /// A bit for each value of a cell from slab `start` on that is there, 0 beyond the last.
    #[inline(always)]
    fn bits(&self, valid: &[u64], column: u32, start: usize) -> u32 {
        let words = self.slabs.div_ceil(GROUP);
        let (word, shift) = (column as usize * words + start / GROUP, start % GROUP);
        let reaches_on = shift > GROUP - 32 && start / GROUP + 1 < words;
        let next = if reaches_on { valid[word + 1] << (GROUP - shift) } else { 0 };
        (valid[word] >> shift | next) as u32
    }
}
