//! Results leave for memory as whole cache lines, past the caches.

use super::Value;
use super::layout::GROUP;
use super::transpose::{AVX2, AVX512};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Room in front of new values for those that did not fill a line.
pub(crate) const CARRY: usize = 16;

/// New values of a slab behind those left over.
pub(crate) const STAGED: usize = CARRY + GROUP;

/// Appends values to a part of a destination slab.
pub(crate) struct Writer<'d, V> {
    rest: &'d mut [V],
    carried: usize,
    streams: bool,
}

impl<'d, V: Value> Writer<'d, V> {
    /// Appends to `destination`, past the caches if it `streams`.
    pub(crate) fn new(destination: &'d mut [V], streams: bool) -> Self {
        Self { rest: destination, carried: 0, streams }
    }

    fn advance(&mut self, values: &[V]) {
        let (head, rest) = std::mem::take(&mut self.rest).split_at_mut(values.len());
        head.copy_from_slice(values);
        self.rest = rest;
    }

    /// Appends `staging[CARRY..CARRY + count]`; what does not fill a line stays in front of that.
    #[inline(always)]
    pub(crate) fn append<const I: u8>(&mut self, staging: &mut [V; STAGED], count: usize) {
        if !self.streams {
            return self.advance(&staging[CARRY..CARRY + count]);
        }
        let (mut from, to) = (CARRY - self.carried, CARRY + count);
        let line = LINE / size_of::<V>();
        // The first values, up to the start of a line.
        let ahead = self.rest.as_ptr().align_offset(LINE);
        if ahead > 0 {
            let ahead = ahead.min(to - from);
            self.advance(&staging[from..from + ahead]);
            from += ahead;
        }
        let whole = (to - from) / line * line;
        call_for_page(self.rest.as_ptr().cast(), whole * size_of::<V>());
        if whole > 0 {
            let (head, rest) = std::mem::take(&mut self.rest).split_at_mut(whole);
            stream::<I, V>(staging, from, head);
            self.rest = rest;
            from += whole;
        }
        self.carried = to - from;
        // Always as many, which takes no call: those left over are the last.
        staging.copy_within(to - CARRY..to, 0);
    }

    /// Writes what is left over.
    pub(crate) fn finish(mut self, staging: &[V]) {
        self.advance(&staging[CARRY - self.carried..CARRY]);
    }
}

/// Appends whole lines to a part of a destination past the caches: what two of them have in a line of memory is joined in a
/// register, wherever that part starts.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Lines<'d, V> {
    destination: &'d mut [V],
    /// Values appended.
    count: usize,
    /// Values that the first line of memory has before those of the destination.
    shift: usize,
    /// The last line appended, and which 32 bits of it and the next one go together.
    last: __m512i,
    joined: __m512i,
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "stores past the caches exist as instructions only")]
impl<'d, V: Value> Lines<'d, V> {
    /// # Safety
    /// The machine has vectors of 512 bits.
    #[inline(always)]
    pub(crate) unsafe fn new(destination: &'d mut [V]) -> Self {
        let shift = destination.as_ptr() as usize % LINE / size_of::<V>();
        // SAFETY: as the caller promises.
        let (last, joined) = unsafe { (_mm512_setzero_si512(), joined::<V>(shift)) };
        Self { destination, count: 0, shift, last, joined }
    }

    /// Whether there is no line yet.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes the first line.
    ///
    /// # Safety
    /// There is room for it.
    #[inline(always)]
    pub(crate) unsafe fn begin(&mut self, line: __m512i) {
        debug_assert!(self.is_empty() && V::PER_LINE <= self.destination.len());
        // SAFETY: as the caller promises.
        unsafe { _mm512_storeu_si512(self.destination.as_mut_ptr().cast(), line) };
        self.last = line;
        self.count = V::PER_LINE;
    }

    /// Appends a line.
    ///
    /// # Safety
    /// There is one before, and room for this.
    #[inline(always)]
    pub(crate) unsafe fn append(&mut self, line: __m512i) {
        debug_assert!(!self.is_empty() && self.count + V::PER_LINE <= self.destination.len());
        // SAFETY: what is stored is a line of memory that starts within the last line and ends within this one.
        unsafe {
            let joined = _mm512_permutex2var_epi32(self.last, self.joined, line);
            let to = self.destination.as_mut_ptr().add(self.count - self.shift).cast::<u8>();
            _mm512_stream_si512(to.cast(), joined);
            call_for_page(to, LINE);
        }
        self.last = line;
        self.count += V::PER_LINE;
    }

    /// Writes what is left over.
    pub(crate) fn finish(self) {
        if !self.is_empty() {
            let mut list = [V::default(); LINE];
            // SAFETY: there is room for a line.
            unsafe { list.as_mut_ptr().cast::<__m512i>().write_unaligned(self.last) };
            self.destination[self.count - self.shift..self.count].copy_from_slice(&list[V::PER_LINE - self.shift..V::PER_LINE]);
        }
    }
}

/// Streams whole lines, the first of which has `carried` values from in front of the new ones: loads of what was just stored elsewhere than it
/// was stored would wait for it, so neighbours are joined in registers.
///
/// # Safety
/// The machine has vectors of 512 bits; `destination` starts where a line does, and has whole lines, no more than are staged.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "stores past the caches exist as instructions only")]
unsafe fn join<V: Value>(staging: &[V; STAGED], carried: usize, destination: &mut [V]) {
    assert!(carried < V::PER_LINE && destination.len() <= GROUP);
    // SAFETY: as the caller promises.
    unsafe {
        let joined = joined::<V>(carried);
        let new = staging.as_ptr().add(CARRY);
        let mut last = _mm512_loadu_si512(new.sub(V::PER_LINE).cast());
        for at in (0..destination.len()).step_by(V::PER_LINE) {
            let line = _mm512_loadu_si512(new.add(at).cast());
            _mm512_stream_si512(destination.as_mut_ptr().add(at).cast(), _mm512_permutex2var_epi32(last, joined, line));
            last = line;
        }
    }
}

/// Which 32 bits of two lines make one that starts `carried` values before the second.
///
/// # Safety
/// The machine has vectors of 512 bits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "the caller promises the instructions")]
unsafe fn joined<V: Value>(carried: usize) -> __m512i {
    let first = 16 - (carried * size_of::<V>() / 4) as i32;
    // SAFETY: as the caller promises.
    unsafe {
        let steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        _mm512_add_epi32(_mm512_set1_epi32(first), steps)
    }
}

/// Bytes of the smallest pages of memory.
const MEMORY_PAGE: usize = 4096;

/// Calls for the next page of memory where the `bytes` written at `to` are the first of one: its place is known then
/// when it is written to.
#[inline(always)]
fn call_for_page(to: *const u8, bytes: usize) {
    if to as usize % MEMORY_PAGE < bytes {
        prefetch::<1>(to.wrapping_add(MEMORY_PAGE));
    }
}

/// Copies whole lines from `from` on to where lines start.
#[inline(always)]
fn stream<const I: u8, V: Value>(staging: &[V; STAGED], from: usize, destination: &mut [V]) {
    let values = &staging[from..from + destination.len()];
    #[cfg(target_arch = "x86_64")]
    if I >= AVX2 {
        let bytes = size_of_val(values);
        assert!(bytes == size_of_val(destination) && bytes.is_multiple_of(LINE));
        assert!((destination.as_ptr() as usize).is_multiple_of(LINE));
        if I == AVX512 && from <= CARRY {
            #[allow(unsafe_code, reason = "the instructions are there")]
            // SAFETY: `I` is what the machine has; lengths and alignment are as asserted above.
            return unsafe { join(staging, CARRY - from, destination) };
        }
        let (from, to) = (values.as_ptr().cast::<u8>(), destination.as_mut_ptr().cast::<u8>());
        for offset in (0..bytes).step_by(LINE) {
            #[allow(unsafe_code, reason = "stores past the caches exist as instructions only")]
            // SAFETY: `I` is what the machine has; lengths and alignment are as asserted above.
            unsafe {
                if I == AVX512 {
                    stream_512(from.add(offset), to.add(offset));
                } else {
                    stream_256(from.add(offset), to.add(offset));
                }
            }
        }
        return;
    }
    destination.copy_from_slice(values);
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
/// # Safety
/// 64 bytes follow each pointer; `to` is aligned to 64.
unsafe fn stream_512(from: *const u8, to: *mut u8) {
    // SAFETY: as the caller promises.
    unsafe { _mm512_stream_si512(to.cast(), _mm512_loadu_si512(from.cast())) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
/// # Safety
/// 64 bytes follow each pointer; `to` is aligned to 32.
unsafe fn stream_256(from: *const u8, to: *mut u8) {
    // SAFETY: as the caller promises.
    unsafe {
        let (low, high) = (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast()));
        _mm256_stream_si256(to.cast(), low);
        _mm256_stream_si256(to.add(32).cast(), high);
    }
}

/// Makes streamed values visible to other threads before anything that follows.
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    {
        #[allow(unsafe_code, reason = "a fence exists as an instruction only")]
        // SAFETY: part of SSE, which every x86-64 has.
        unsafe {
            _mm_sfence();
        }
    }
}

/// Asks for a line to be brought into the cache of that level, 1 or 2; any address will do.
#[inline(always)]
pub(crate) fn prefetch<const LEVEL: u8>(line: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        #[allow(unsafe_code, reason = "a prefetch exists as an instruction only")]
        // SAFETY: part of SSE; it only hints, and does nothing where there is no memory.
        unsafe {
            if LEVEL == 1 {
                _mm_prefetch::<_MM_HINT_T0>(line.cast());
            } else {
                _mm_prefetch::<_MM_HINT_T1>(line.cast());
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::transpose::best_instructions;
    use super::*;

    /// Lines to a place `shift` values behind the start of a line; what is before and behind stays.
    #[allow(unsafe_code, reason = "the machine was asked for the instructions")]
    fn check<V: Value + std::fmt::Debug>(shift: usize, count: usize) {
        let line = V::PER_LINE;
        let mut room = vec![V::from_f64(-1.0); (count + 3) * line];
        let start = room.as_ptr().align_offset(LINE) + shift;
        let expected: Vec<V> = (0..room.len())
            .map(|k| if (start..start + count * line).contains(&k) { V::from_f64((k - start) as f64) } else { room[k] })
            .collect();
        // SAFETY: the machine was asked; there is room for the lines.
        unsafe {
            let mut lines = Lines::new(&mut room[start..start + count * line]);
            for values in expected[start..start + count * line].chunks(line) {
                let line = _mm512_loadu_si512(values.as_ptr().cast());
                if lines.is_empty() { lines.begin(line) } else { lines.append(line) }
            }
            lines.finish();
        }
        fence();
        assert_eq!(room, expected, "shift {shift}, {count} lines");
    }

    #[test]
    fn lines_reach_any_place() {
        if best_instructions() == AVX512 {
            for count in [0, 1, 2, 9] {
                (0..16).for_each(|shift| check::<f32>(shift, count));
                (0..8).for_each(|shift| check::<f64>(shift, count));
            }
        }
    }
}
