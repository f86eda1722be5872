//! Rows for values of which those of a cell lie together, as levels do in files of meshes: nothing is turned around.
//!
//! Sums run in the same order as in the plain form and give the same bits.

use super::gaps::{Gapped, Rule, WIDE};
use super::layout::GROUP;
use super::row_facts::RowFacts;
use super::sums::whole;
use super::transpose::{AVX2, AVX512, PLAIN};
use super::writer::{CARRY, LINE, Writer, fence, prefetch_near};
use super::{Missing, SlabFlags, SparseRows, Value};

/// Bytes of source cells between the call for one and its use: a third of a first-level cache.
const AHEAD: usize = 16 << 10;

/// Results that leave together: few enough for the first-level cache, and so many that those that leave are no longer on
/// their way into it.
const STAGED: usize = 1024;

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
    /// A flag for each slab of a cell; `None`: no value is missing.
    pub(crate) valid: Option<&'w SlabFlags>,
}

/// Works through the rows from `first` on with `instructions` that the machine has: values and words of flags of all of
/// them, row by row; there are no words where no flags are wanted.
pub(crate) fn run<V: Value>(instructions: u8, work: CellWork<'_, V>, first: usize, values: &mut [V], flags: &mut [u64]) {
    match work.slabs {
        32.. => with_lanes::<V, 32>(instructions, work, first, values, flags),
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
    let CellWork { rows, slabs, .. } = work;
    let words = slabs.div_ceil(GROUP);
    let ahead = (AHEAD / (slabs * size_of::<V>())).max(4);
    let count = values.len() / slabs;
    let mut writer = Writer::new(values, work.streams);
    let mut staging = [V::default(); CARRY + STAGED];
    // Values of the staging that are not yet with the writer.
    let mut staged = CARRY;
    for k in 0..count {
        let row = first + k;
        let links = rows.row_starts[row]..rows.row_starts[row + 1];
        // At the end its own: they are there already.
        let coming = rows.columns.get(links.start + ahead..links.end + ahead).unwrap_or(&rows.columns[links]);
        let mut at = 0;
        while at < slabs {
            // The last ones again where they do not fill their lanes: the same bits.
            let start = at.min(slabs - L);
            let new = start + L - at;
            if staged + L > staging.len() {
                writer.append::<I>(&mut staging, staged - CARRY);
                staged = CARRY;
            }
            let results: &mut [V; L] = (&mut staging[staged..staged + L]).try_into().expect("L values");
            let bits = one_row::<V, L, I>(&work, row, start, coming, results);
            if new < L {
                results.copy_within(L - new.., 0);
            }
            staged += new;
            if !flags.is_empty() {
                // A word begins where lanes do.
                flags[k * words + at / GROUP] |= u64::from(bits) >> (L - new) << (at % GROUP);
            }
            at += new;
        }
    }
    writer.append::<I>(&mut staging, staged - CARRY);
    writer.finish(&staging);
    if work.streams {
        fence();
    }
}

/// The results of a row for the slabs from `start` on, and a bit for each that there is. With each link one of the cells
/// that are `coming` is called for: a loop of their own would end where the machine does not foresee it.
#[inline(always)]
fn one_row<V: Value, const L: usize, const I: u8>(
    work: &CellWork<'_, V>,
    row: usize,
    start: usize,
    coming: &[u32],
    results: &mut [V; L],
) -> u32 {
    let (facts, means) = (work.facts, V::CLAMPED && work.facts.is_mean(row));
    let rule = Rule::new(work.missing, facts.total(row), facts.magnitude(row), means);
    #[cfg(target_arch = "x86_64")]
    if I == AVX512 && L.is_multiple_of(WIDE) {
        #[allow(unsafe_code, reason = "the instructions are there")]
        // SAFETY: `I` is what the machine has.
        return unsafe {
            match work.valid {
                None => wide::one_row(work, row, start, coming, means, results),
                Some(valid) => wide::one_row_with_gaps(work, valid, row, start, coming, rule, results),
            }
        };
    }
    let (columns, weights) = work.rows.row(row);
    coming.iter().for_each(|&column| work.call::<L>(column, start));
    let links = columns.iter().zip(weights).map(|(&c, &w)| (c as usize, w, work.lanes::<L>(c, start)));
    let Some(valid) = work.valid else {
        *results = whole(links.map(|(_, w, x)| (w, x)), means);
        return if columns.is_empty() { 0 } else { u32::MAX >> (32 - L) };
    };
    let mut sums = Gapped::NONE;
    links.for_each(|(c, w, x)| sums.add::<V, I>(w, x, Some(bits_from(valid.slab(c), start))));
    let magnitude = if facts.is_mixed(row) { magnitudes(work.rows, valid, row, start) } else { sums.share };
    let (values, bits) = sums.results::<V, I>(columns.len(), &magnitude, rule);
    *results = values;
    bits
}

impl<V> CellWork<'_, V> {
    /// Calls for `L` values of a cell from slab `start` on; what they share a line with is called for as well.
    #[inline(always)]
    fn call<const L: usize>(&self, column: u32, start: usize) {
        let values = self.source.as_ptr().wrapping_add(column as usize * self.slabs + start).cast::<u8>();
        (0..L * size_of::<V>()).step_by(LINE).for_each(|line| prefetch_near(values.wrapping_add(line)));
    }

    /// `L` values of a cell from slab `start` on.
    #[inline(always)]
    fn lanes<const L: usize>(&self, column: u32, start: usize) -> &[V; L] {
        let start = column as usize * self.slabs + start;
        debug_assert!(start + L <= self.source.len());
        #[allow(unsafe_code, reason = "a check for every link would cost a tenth of the time")]
        // SAFETY: columns were checked when rows were prepared, the length of the source before it was worked on.
        unsafe {
            &*self.source.as_ptr().add(start).cast()
        }
    }
}

/// The magnitudes of the weights of a row that meet a value.
#[cold]
fn magnitudes<const L: usize>(rows: SparseRows<'_>, valid: &SlabFlags, row: usize, start: usize) -> [f64; L] {
    let (columns, weights) = rows.row(row);
    let mut magnitude = [0.0; L];
    for (&c, &w) in columns.iter().zip(weights) {
        let bits = bits_from(valid.slab(c as usize), start);
        for b in 0..L {
            magnitude[b] += if bits >> b & 1 == 1 { w.abs() } else { 0.0 };
        }
    }
    magnitude
}

/// Flags from `start` on, those beyond the last are 0.
#[inline(always)]
fn bits_from(words: &[u64], start: usize) -> u32 {
    let (word, shift) = (start / GROUP, start % GROUP);
    let next = if shift > GROUP - 32 { words.get(word + 1).map_or(0, |next| next << (GROUP - shift)) } else { 0 };
    (words[word] >> shift | next) as u32
}

/// The same with vectors of 512 bits, of which all sums of a row stay in registers.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "loads and stores through pointers, functions for instructions that the machine has")]
mod wide {
    use super::super::gaps::WideSums;
    use super::*;
    use std::arch::x86_64::*;

    /// Vectors of the most lanes.
    const VECTORS: usize = 32 / WIDE;

    /// # Safety
    /// `L` is a multiple of [`WIDE`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
    pub(super) unsafe fn one_row<V: Value, const L: usize>(
        work: &CellWork<'_, V>,
        row: usize,
        start: usize,
        coming: &[u32],
        means: bool,
        results: &mut [V; L],
    ) -> u32 {
        let (columns, weights) = work.rows.row(row);
        let mut sum = [_mm512_setzero_pd(); VECTORS];
        let (mut least, mut greatest) = ([_mm512_set1_pd(f64::INFINITY); VECTORS], [_mm512_set1_pd(f64::NEG_INFINITY); VECTORS]);
        for ((&column, &w), &next) in columns.iter().zip(weights).zip(coming) {
            work.call::<L>(next, start);
            let (x, w) = (work.lanes::<L>(column, start), _mm512_set1_pd(w));
            for v in 0..L / WIDE {
                // SAFETY: eight values of `x` follow.
                let (value, _) = unsafe { V::wide(x.as_ptr().add(v * WIDE)) };
                sum[v] = _mm512_add_pd(sum[v], _mm512_mul_pd(w, value));
                if V::CLAMPED {
                    // The second operand is the result where the first is no number.
                    least[v] = _mm512_min_pd(value, least[v]);
                    greatest[v] = _mm512_max_pd(value, greatest[v]);
                }
            }
        }
        for v in 0..L / WIDE {
            if V::CLAMPED && means {
                sum[v] = _mm512_min_pd(greatest[v], _mm512_max_pd(least[v], sum[v]));
            }
            // SAFETY: there is room for eight values of `results`.
            unsafe { V::narrow(sum[v], u8::MAX, results.as_mut_ptr().add(v * WIDE)) };
        }
        if columns.is_empty() { 0 } else { u32::MAX >> (32 - L) }
    }

    /// # Safety
    /// `L` is a multiple of [`WIDE`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
    pub(super) unsafe fn one_row_with_gaps<V: Value, const L: usize>(
        work: &CellWork<'_, V>,
        valid: &SlabFlags,
        row: usize,
        start: usize,
        coming: &[u32],
        rule: Rule,
        results: &mut [V; L],
    ) -> u32 {
        let (columns, weights) = work.rows.row(row);
        let none = WideSums {
            sum: _mm512_setzero_pd(),
            share: _mm512_setzero_pd(),
            least: _mm512_set1_pd(f64::INFINITY),
            greatest: _mm512_set1_pd(f64::NEG_INFINITY),
            any: 0,
            every: u8::MAX,
        };
        let mut sums = [none; VECTORS];
        let (mut any, mut every) = (0, u32::MAX);
        for ((&column, &w), &next) in columns.iter().zip(weights).zip(coming) {
            work.call::<L>(next, start);
            prefetch_near(valid.slab(next as usize).as_ptr().cast());
            let bits = bits_from(valid.slab(column as usize), start);
            let (x, w) = (work.lanes::<L>(column, start), _mm512_set1_pd(w));
            (any, every) = (any | bits, every & bits);
            for v in 0..L / WIDE {
                let (sums, there) = (&mut sums[v], (bits >> (v * WIDE)) as u8);
                // SAFETY: eight values of `x` follow.
                let (value, _) = unsafe { V::wide(x.as_ptr().add(v * WIDE)) };
                sums.sum = _mm512_mask_add_pd(sums.sum, there, sums.sum, _mm512_mul_pd(w, value));
                sums.share = _mm512_mask_add_pd(sums.share, there, sums.share, w);
                if V::CLAMPED {
                    sums.least = _mm512_mask_min_pd(sums.least, there, value, sums.least);
                    sums.greatest = _mm512_mask_max_pd(sums.greatest, there, value, sums.greatest);
                }
            }
        }
        let magnitudes = work.facts.is_mixed(row).then(|| magnitudes::<L>(work.rows, valid, row, start));
        let mut present = 0;
        for v in 0..L / WIDE {
            let sums = WideSums { any: (any >> (v * WIDE)) as u8, every: (every >> (v * WIDE)) as u8, ..sums[v] };
            let magnitude = match &magnitudes {
                None => sums.share,
                // SAFETY: eight magnitudes follow.
                Some(list) => unsafe { _mm512_loadu_pd(list.as_ptr().add(v * WIDE)) },
            };
            // SAFETY: there is room for eight values of `results`.
            let there = unsafe { sums.result(magnitude, rule, results.as_mut_ptr().add(v * WIDE)) };
            present |= u32::from(there) << (v * WIDE);
        }
        present
    }
}
