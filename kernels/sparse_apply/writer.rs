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
pub(crate) type Staging<V> = [V; CARRY + GROUP];

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
    pub(crate) fn append<const I: u8>(&mut self, staging: &mut [V], count: usize) {
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
        if whole > 0 {
            let (head, rest) = std::mem::take(&mut self.rest).split_at_mut(whole);
            stream::<I, V>(&staging[from..from + whole], head);
            self.rest = rest;
            from += whole;
        }
        self.carried = to - from;
        staging.copy_within(from..to, CARRY - self.carried);
    }

    /// Writes what is left over.
    pub(crate) fn finish(mut self, staging: &[V]) {
        self.advance(&staging[CARRY - self.carried..CARRY]);
    }
}

/// Copies whole lines to where lines start.
#[inline(always)]
fn stream<const I: u8, V: Value>(values: &[V], destination: &mut [V]) {
    #[cfg(target_arch = "x86_64")]
    if I >= AVX2 {
        let bytes = size_of_val(values);
        assert!(bytes == size_of_val(destination) && bytes.is_multiple_of(LINE));
        assert!((destination.as_ptr() as usize).is_multiple_of(LINE));
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

/// Asks for a line to be brought into the second-level cache; any address will do.
#[inline(always)]
pub(crate) fn prefetch(line: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        #[allow(unsafe_code, reason = "a prefetch exists as an instruction only")]
        // SAFETY: part of SSE; it only hints, and does nothing where there is no memory.
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(line.cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// [`prefetch`] into the first-level cache.
#[inline(always)]
pub(crate) fn prefetch_near(line: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        #[allow(unsafe_code, reason = "a prefetch exists as an instruction only")]
        // SAFETY: as above.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}
