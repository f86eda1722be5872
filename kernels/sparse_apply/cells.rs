//! Rows for values of which those of a cell lie together, as levels do in files of meshes: nothing is turned around.
//!
//! Sums run in the same order as in the plain form and give the same bits.

mod links;

pub(crate) use links::CellWork;

use super::Value;
use super::gaps::{NO_GAPS, ONE_MASK, OWN_MASKS, every_of, with_gaps};
use super::layout::GROUP;
#[cfg(target_arch = "x86_64")]
use super::quads::{self, Place, QUAD};
use super::sums::whole;
use super::transpose::{AVX2, AVX512, PLAIN};
#[cfg(target_arch = "x86_64")]
use super::wide::{WIDE, Wide};
#[cfg(target_arch = "x86_64")]
use super::writer::Lines;
use super::writer::fence;
use links::Row;

/// Bytes of source cells between the call for one and its use: a third of a first-level cache.
const AHEAD: usize = 16 << 10;

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
    if let Some(one) = work.of_one_mask::<GAPS>() {
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
        if let Some(one) = work.of_one_mask::<GAPS>() {
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
        let one_mask = work.of_one_mask::<GAPS>();
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
