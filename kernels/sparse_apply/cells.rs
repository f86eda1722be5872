//! Rows for values of which those of a cell lie together, as levels do in files of meshes: nothing is turned around.
//!
//! Sums run in the same order as in the plain form and give the same bits.

use super::gaps::{Gapped, Rule};
use super::layout::GROUP;
use super::row_facts::RowFacts;
use super::sums::whole;
use super::transpose::{AVX2, AVX512, PLAIN};
use super::writer::{CARRY, LINE, Staging, Writer, fence, prefetch};
use super::{Missing, SlabFlags, SparseRows, Value};

/// Bytes of source cells between the call for one and its use: a third of a first-level cache.
const AHEAD: usize = 16 << 10;

/// What all rows have in common.
#[derive(Clone, Copy)]
pub(crate) struct CellWork<'w, V> {
    pub(crate) rows: SparseRows<'w>,
    pub(crate) facts: &'w RowFacts,
    pub(crate) missing: Missing,
    pub(crate) streams: bool,
    pub(crate) slabs: usize,
    pub(crate) source: &'w [V],
    /// A flag for each slab of a cell; `None`: no value is missing.
    pub(crate) valid: Option<&'w SlabFlags>,
}

/// Works through the rows from `first` on with `instructions` that the machine has: values and words of flags of all of
/// them, row by row; there are no words where no flags are wanted.
pub(crate) fn run<V: Value>(instructions: u8, work: CellWork<'_, V>, first: usize, values: &mut [V], flags: &mut [u64]) {
    match work.slabs {
        16.. => with_lanes::<V, 16>(instructions, work, first, values, flags),
        8.. => with_lanes::<V, 8>(instructions, work, first, values, flags),
        4.. => with_lanes::<V, 4>(instructions, work, first, values, flags),
        _ => with_lanes::<V, 1>(instructions, work, first, values, flags),
    }
}

/// The same code for all instructions: none of them changes an operation or its order.
fn with_lanes<V: Value, const L: usize>(
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
                with_avx512::<V, L>(work, first, values, flags);
            }
        }
        #[cfg(target_arch = "x86_64")]
        AVX2 => {
            #[allow(unsafe_code, reason = "the machine has the instructions")]
            // SAFETY: the caller asked the machine.
            unsafe {
                with_avx2::<V, L>(work, first, values, flags);
            }
        }
        _ => all_rows::<V, L, PLAIN>(work, first, values, flags),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn with_avx512<V: Value, const L: usize>(work: CellWork<'_, V>, first: usize, values: &mut [V], flags: &mut [u64]) {
    all_rows::<V, L, AVX512>(work, first, values, flags);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<V: Value, const L: usize>(work: CellWork<'_, V>, first: usize, values: &mut [V], flags: &mut [u64]) {
    all_rows::<V, L, AVX2>(work, first, values, flags);
}

#[inline(always)]
fn all_rows<V: Value, const L: usize, const I: u8>(work: CellWork<'_, V>, first: usize, values: &mut [V], flags: &mut [u64]) {
    let CellWork { rows, slabs, source, .. } = work;
    let (cell, words) = (slabs * size_of::<V>(), slabs.div_ceil(GROUP));
    let (ahead, last) = ((AHEAD / cell).max(4), rows.columns.len());
    let count = values.len() / slabs;
    let mut writer = Writer::new(values, work.streams);
    let mut staging: Staging<V> = [V::default(); CARRY + GROUP];
    for k in 0..count {
        let row = first + k;
        let (columns, weights) = rows.row(row);
        let links = rows.row_starts[row]..rows.row_starts[row + 1];
        for &column in &rows.columns[(links.start + ahead).min(last)..(links.end + ahead).min(last)] {
            let start = source.as_ptr().wrapping_add(column as usize * slabs).cast::<u8>();
            (0..cell).step_by(LINE).for_each(|line| prefetch(start.wrapping_add(line)));
        }
        for part in (0..slabs).step_by(GROUP) {
            let (end, mut at) = (slabs.min(part + GROUP), part);
            let mut present = 0;
            while at < end {
                // The last ones again where they do not fill their lanes: the same bits.
                let start = at.min(slabs - L);
                let (results, bits) = match work.valid {
                    None => {
                        let links = columns.iter().zip(weights).map(|(&c, &w)| (w, lanes(source, c as usize * slabs + start)));
                        let bits = if columns.is_empty() { 0 } else { u16::MAX >> (16 - L) };
                        (whole(links, V::CLAMPED && work.facts.is_mean(row)), bits)
                    }
                    Some(valid) => gapped::<V, L, I>(work, valid, row, start),
                };
                staging[CARRY + at - part..CARRY + start + L - part].copy_from_slice(&results[at - start..]);
                present |= u64::from(bits) >> (at - start) << (at - part);
                at = start + L;
            }
            writer.append::<I>(&mut staging, end - part);
            if let Some(word) = flags.get_mut(k * words + part / GROUP) {
                *word = present;
            }
        }
    }
    writer.finish(&staging);
    if work.streams {
        fence();
    }
}

/// `L` values from `start` on.
#[inline(always)]
fn lanes<V, const L: usize>(values: &[V], start: usize) -> &[V; L] {
    values[start..start + L].try_into().expect("L values")
}

/// The results of a row for the slabs from `start` on, each with its own gaps, and a bit for each that has one.
#[inline(always)]
fn gapped<V: Value, const L: usize, const I: u8>(
    work: CellWork<'_, V>,
    valid: &SlabFlags,
    row: usize,
    start: usize,
) -> ([V; L], u16) {
    let (columns, weights) = work.rows.row(row);
    let links = || {
        columns.iter().zip(weights).map(|(&c, &w)| {
            let c = c as usize;
            (w, lanes::<V, L>(work.source, c * work.slabs + start), bits_from(valid.slab(c), start))
        })
    };
    let mut sums = Gapped::NONE;
    links().for_each(|(w, x, bits)| sums.add::<V, I>(w, x, Some(bits)));
    let mut magnitude = sums.share;
    if work.facts.is_mixed(row) {
        magnitude = [0.0; L];
        for (w, _, bits) in links() {
            for b in 0..L {
                magnitude[b] += if bits >> b & 1 == 1 { w.abs() } else { 0.0 };
            }
        }
    }
    let (facts, means) = (work.facts, V::CLAMPED && work.facts.is_mean(row));
    sums.results::<V, I>(columns.len(), &magnitude, Rule::new(work.missing, facts.total(row), facts.magnitude(row), means))
}

/// Sixteen flags from `start` on, those beyond the last are 0.
#[inline(always)]
fn bits_from(words: &[u64], start: usize) -> u16 {
    let (word, shift) = (start / GROUP, start % GROUP);
    let next = if shift > GROUP - 16 { words.get(word + 1).map_or(0, |next| next << (GROUP - shift)) } else { 0 };
    (words[word] >> shift | next) as u16
}
