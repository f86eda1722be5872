//! Rows for several slabs at once with vectors of 256 bits, of which all sums stay in registers.
//!
//! The operations of [`whole`](super::sums::whole) and [`with_gaps`](super::gaps::with_gaps), in their order: what is missing is
//! left out by masks from a table.
#![allow(unsafe_code, reason = "loads and stores through pointers, functions for instructions that the machine has")]

use super::Value;
use super::gaps::{Link, Met, Rule, magnitudes};
use super::row_facts::UNCANCELLED;
use std::arch::x86_64::*;

/// Lanes of a vector.
pub(crate) const QUAD: usize = 4;

/// Vectors whose sums fit into registers, and those whose extremes do so as well.
const WHOLE_VECTORS: usize = 8;
const CLAMPED_WHOLE_VECTORS: usize = 4;

/// Those whose shares do so as well.
const VECTORS: usize = 4;
const CLAMPED_VECTORS: usize = 2;

/// All ones for each bit of the index.
static MASKS: Masks = Masks([
    [0, 0, 0, 0],
    [!0, 0, 0, 0],
    [0, !0, 0, 0],
    [!0, !0, 0, 0],
    [0, 0, !0, 0],
    [!0, 0, !0, 0],
    [0, !0, !0, 0],
    [!0, !0, !0, 0],
    [0, 0, 0, !0],
    [!0, 0, 0, !0],
    [0, !0, 0, !0],
    [!0, !0, 0, !0],
    [0, 0, !0, !0],
    [!0, 0, !0, !0],
    [0, !0, !0, !0],
    [!0, !0, !0, !0],
]);

/// In lines of their own: no mask lies in two.
#[repr(align(64))]
struct Masks([[u64; QUAD]; 16]);

/// Where the results of a row go.
pub(crate) struct Place<'r, V, const L: usize> {
    results: &'r mut [V; L],
    streams: bool,
}

impl<'r, V: Value, const L: usize> Place<'r, V, L> {
    /// Bytes of what is stored past the caches at once.
    const ALIGNMENT: usize = 16;

    pub(crate) fn new(results: &'r mut [V; L]) -> Self {
        Self { results, streams: false }
    }

    /// Past the caches if results `stream`.
    ///
    /// # Safety
    /// If so, they [can](Self::can_stream).
    #[inline(always)]
    pub(crate) unsafe fn past_caches(results: &'r mut [V; L], streams: bool) -> Self {
        debug_assert!(!streams || Self::can_stream(results));
        Self { results, streams }
    }

    /// Whether all parts of `L` values can be stored past the caches.
    pub(crate) fn can_stream(values: &[V]) -> bool {
        let whole_lines = L.is_multiple_of(V::PER_LINE) && values.len().is_multiple_of(L);
        whole_lines && (values.as_ptr() as usize).is_multiple_of(Self::ALIGNMENT)
    }

    /// Stores the vector `v`.
    ///
    /// # Safety
    /// The machine has vectors of 256 bits; there are as many results.
    #[inline(always)]
    unsafe fn store(&mut self, v: usize, value: __m256d) {
        // SAFETY: as the caller promises, and the one that made this.
        unsafe {
            let to = self.results.as_mut_ptr().add(v * QUAD);
            if self.streams { V::stream_quad(value, to) } else { V::narrow_quad(value, to) }
        }
    }

    /// Stores 0 for all.
    ///
    /// # Safety
    /// The machine has vectors of 256 bits; `L` is a multiple of [`QUAD`].
    #[inline(always)]
    pub(crate) unsafe fn clear(mut self) {
        for v in 0..L / QUAD {
            // SAFETY: as the caller promises.
            unsafe { self.store(v, _mm256_setzero_pd()) };
        }
    }
}

/// The results of a row without gaps, multiplied with `scale` and kept within the range of the values if they are `means`; those of
/// no link are 0.
///
/// # Safety
/// The machine has vectors of 256 bits; `L` is a multiple of [`QUAD`].
#[inline(always)]
pub(crate) unsafe fn whole<'a, V: Value, const L: usize>(
    links: impl Iterator<Item = (f64, &'a [V; L])> + Clone,
    means: bool,
    scale: f64,
    mut place: Place<'_, V, L>,
) {
    let vectors = if V::CLAMPED { CLAMPED_WHOLE_VECTORS } else { WHOLE_VECTORS };
    for first in (0..L / QUAD).step_by(vectors) {
        // SAFETY: as the caller promises.
        unsafe { whole_part::<V, L>(links.clone(), means, scale, first, &mut place) };
    }
}

/// [`whole`] for the vectors from `first` on, as many as go together.
///
/// # Safety
/// As of [`whole`].
#[inline(always)]
unsafe fn whole_part<'a, V: Value, const L: usize>(
    links: impl Iterator<Item = (f64, &'a [V; L])>,
    means: bool,
    scale: f64,
    first: usize,
    place: &mut Place<'_, V, L>,
) {
    // SAFETY: as the caller promises; QUAD values of `x` and results follow each multiple of it below L.
    unsafe {
        let count = (L / QUAD).min(if V::CLAMPED { CLAMPED_WHOLE_VECTORS } else { WHOLE_VECTORS });
        let mut sum = [_mm256_setzero_pd(); WHOLE_VECTORS];
        let mut least = [_mm256_set1_pd(f64::INFINITY); CLAMPED_WHOLE_VECTORS];
        let mut greatest = [_mm256_set1_pd(f64::NEG_INFINITY); CLAMPED_WHOLE_VECTORS];
        for (w, x) in links {
            let (w, x) = (_mm256_set1_pd(w), x.as_ptr().add(first * QUAD));
            for v in 0..count {
                let value = V::quad(x.add(v * QUAD));
                sum[v] = _mm256_add_pd(sum[v], _mm256_mul_pd(w, value));
                if V::CLAMPED {
                    // The second operand is the result where the first is no number.
                    least[v] = _mm256_min_pd(value, least[v]);
                    greatest[v] = _mm256_max_pd(value, greatest[v]);
                }
            }
        }
        for v in 0..count {
            sum[v] = _mm256_mul_pd(sum[v], _mm256_set1_pd(scale));
            if V::CLAMPED && means {
                sum[v] = _mm256_min_pd(greatest[v], _mm256_max_pd(least[v], sum[v]));
            }
            place.store(first + v, sum[v]);
        }
    }
}

/// The results of a row of which each slab has its own gaps, and a bit for each that there is.
///
/// # Safety
/// The machine has vectors of 256 bits; `L` is a multiple of [`QUAD`].
#[inline(always)]
pub(crate) unsafe fn with_gaps<'a, V: Value, const L: usize>(
    links: impl Iterator<Item = Link<'a, V, L>> + Clone,
    met: Met,
    rule: Rule,
    mut place: Place<'_, V, L>,
) -> u32 {
    let list = if rule.is_mixed { Some(magnitudes(links.clone())) } else { None };
    let vectors = if V::CLAMPED { CLAMPED_VECTORS } else { VECTORS };
    let mut there = 0;
    for first in (0..L / QUAD).step_by(vectors) {
        // SAFETY: as the caller promises.
        there |= unsafe { part::<V, L>(links.clone(), met, rule, list.as_ref(), first, &mut place) };
    }
    there
}

/// [`with_gaps`] for the vectors from `first` on, as many as go together.
///
/// # Safety
/// As of [`with_gaps`].
#[inline(always)]
unsafe fn part<'a, V: Value, const L: usize>(
    links: impl Iterator<Item = Link<'a, V, L>>,
    met: Met,
    rule: Rule,
    magnitudes: Option<&[f64; L]>,
    first: usize,
    place: &mut Place<'_, V, L>,
) -> u32 {
    // SAFETY: as the caller promises; QUAD values of `x`, magnitudes and results follow each multiple of it below L.
    unsafe {
        let mut sums = Sums::new();
        let (count, mut there) = (sums.count::<V, L>(), 0);
        for (w, x, bits) in links {
            let (w, x, bits) = (_mm256_set1_pd(w), x.as_ptr().add(first * QUAD), bits >> (first * QUAD));
            for v in 0..count {
                sums.add::<V>(v, w, V::quad(x.add(v * QUAD)), mask(bits, v));
            }
        }
        for v in 0..count {
            let at = first + v;
            let magnitude = magnitudes.map_or(sums.share[v], |list| _mm256_loadu_pd(list.as_ptr().add(at * QUAD)));
            let (value, flags) = sums.result::<V>(v, magnitude, [mask(met.any, at), mask(met.every, at)], rule);
            place.store(at, value);
            there |= flags << (at * QUAD);
        }
        there
    }
}

/// The mask of the four bits of the vector `v`.
///
/// # Safety
/// The machine has vectors of 256 bits.
#[inline(always)]
unsafe fn mask(bits: u32, v: usize) -> __m256d {
    // SAFETY: as the caller promises.
    unsafe { _mm256_load_pd(MASKS.0[(bits >> (v * QUAD)) as usize % 16].as_ptr().cast()) }
}

/// Sums over the values that are there.
struct Sums {
    sum: [__m256d; VECTORS],
    share: [__m256d; VECTORS],
    least: [__m256d; VECTORS],
    greatest: [__m256d; VECTORS],
}

impl Sums {
    /// # Safety
    /// The machine has vectors of 256 bits.
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: as the caller promises.
        unsafe {
            let (zero, infinity) = ([_mm256_setzero_pd(); VECTORS], f64::INFINITY);
            Self {
                sum: zero,
                share: zero,
                least: [_mm256_set1_pd(infinity); VECTORS],
                greatest: [_mm256_set1_pd(-infinity); VECTORS],
            }
        }
    }

    /// How many vectors go together.
    #[inline(always)]
    fn count<V: Value, const L: usize>(&self) -> usize {
        (L / QUAD).min(if V::CLAMPED { CLAMPED_VECTORS } else { VECTORS })
    }

    /// Adds the values that are `there` with a weight.
    ///
    /// # Safety
    /// The machine has vectors of 256 bits.
    #[inline(always)]
    unsafe fn add<V: Value>(&mut self, v: usize, w: __m256d, value: __m256d, there: __m256d) {
        // SAFETY: as the caller promises.
        unsafe {
            self.sum[v] = _mm256_add_pd(self.sum[v], _mm256_and_pd(_mm256_mul_pd(w, value), there));
            self.share[v] = _mm256_add_pd(self.share[v], _mm256_and_pd(w, there));
            if V::CLAMPED {
                // The second operand is the result where the first is no number.
                let least = _mm256_min_pd(value, self.least[v]);
                let greatest = _mm256_max_pd(value, self.greatest[v]);
                self.least[v] = _mm256_blendv_pd(self.least[v], least, there);
                self.greatest[v] = _mm256_blendv_pd(self.greatest[v], greatest, there);
            }
        }
    }

    /// The results of a vector, 0 where there is none, and a bit for each that there is. Masks: of the slabs that meet `any`
    /// value, and of those that meet `every`.
    ///
    /// # Safety
    /// The machine has vectors of 256 bits.
    #[inline(always)]
    unsafe fn result<V: Value>(&self, v: usize, magnitude: __m256d, [any, every]: [__m256d; 2], rule: Rule) -> (__m256d, u32) {
        // SAFETY: as the caller promises.
        unsafe {
            let (mut value, share) = (self.sum[v], self.share[v]);
            if rule.scales {
                let scaled = _mm256_mul_pd(value, _mm256_div_pd(_mm256_set1_pd(rule.total), share));
                value = _mm256_blendv_pd(scaled, value, every);
            }
            if V::CLAMPED && rule.means {
                let bounded = _mm256_min_pd(self.greatest[v], _mm256_max_pd(self.least[v], value));
                value = if rule.scales { bounded } else { _mm256_blendv_pd(value, bounded, every) };
            }
            let enough = _mm256_cmp_pd::<_CMP_GE_OQ>(magnitude, _mm256_set1_pd(rule.least_share));
            let cancelled = _mm256_mul_pd(_mm256_set1_pd(UNCANCELLED), magnitude);
            let uncancelled = _mm256_cmp_pd::<_CMP_GT_OQ>(_mm256_andnot_pd(_mm256_set1_pd(-0.0), share), cancelled);
            let there = _mm256_and_pd(any, _mm256_or_pd(_mm256_and_pd(enough, uncancelled), every));
            (_mm256_and_pd(value, there), _mm256_movemask_pd(there) as u32)
        }
    }
}

/// Four values as doubles.
///
/// # Safety
/// 4 values follow the pointer; the machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn quad_f32(from: *const f32) -> __m256d {
    // SAFETY: as the caller promises.
    unsafe { _mm256_cvtps_pd(_mm_loadu_ps(from)) }
}

/// [`quad_f32`] of doubles.
///
/// # Safety
/// 4 values follow the pointer; the machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn quad_f64(from: *const f64) -> __m256d {
    // SAFETY: as the caller promises.
    unsafe { _mm256_loadu_pd(from) }
}

/// Stores four doubles rounded.
///
/// # Safety
/// There is room for 4 values at the pointer; the machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn narrow_quad_f32(value: __m256d, to: *mut f32) {
    // SAFETY: as the caller promises.
    unsafe { _mm_storeu_ps(to, _mm256_cvtpd_ps(value)) }
}

/// [`narrow_quad_f32`] to doubles.
///
/// # Safety
/// There is room for 4 values at the pointer; the machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn narrow_quad_f64(value: __m256d, to: *mut f64) {
    // SAFETY: as the caller promises.
    unsafe { _mm256_storeu_pd(to, value) }
}

/// [`narrow_quad_f32`] past the caches.
///
/// # Safety
/// There is room for 4 values at the pointer, which is a multiple of 16; the machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn stream_quad_f32(value: __m256d, to: *mut f32) {
    // SAFETY: as the caller promises.
    unsafe { _mm_stream_ps(to, _mm256_cvtpd_ps(value)) }
}

/// [`stream_quad_f32`] to doubles.
///
/// # Safety
/// There is room for 4 values at the pointer, which is a multiple of 16; the machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn stream_quad_f64(value: __m256d, to: *mut f64) {
    // SAFETY: as the caller promises.
    unsafe {
        _mm_stream_pd(to, _mm256_castpd256_pd128(value));
        _mm_stream_pd(to.add(2), _mm256_extractf128_pd::<1>(value));
    }
}
