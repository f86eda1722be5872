//! Sums over the links of a row of which each slab has its own gaps.
//!
//! Both forms do the same operations in the same order: the wide one leaves lanes out by masks, where the plain one adds 0.

use super::row_facts::{SHARE_TOLERANCE, UNCANCELLED};
use super::sums::within;
#[cfg(target_arch = "x86_64")]
use super::transpose::AVX512;
use super::{Missing, Value};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Lanes of a vector of 512 bits.
pub(crate) const WIDE: usize = 8;

/// Sums of a row, slab by slab.
pub(crate) struct Gapped<const L: usize> {
    /// Of weights times the values that are there.
    sum: [f64; L],
    /// Of their weights.
    pub(crate) share: [f64; L],
    /// Least and greatest of the values, where results are kept within.
    least: [f64; L],
    greatest: [f64; L],
    /// Number of the values: of the plain form.
    met: [f64; L],
    /// A bit for each slab that has any value, and for each that has all: of the wide form.
    any: u32,
    every: u32,
}

/// What makes results of sums.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// The sum of all weights.
    total: f64,
    /// The magnitude of the weights of values from which on there is a result.
    least_share: f64,
    /// Whether sums are scaled up to all weights.
    scales: bool,
    /// Whether results are kept within the range of the values.
    means: bool,
}

impl Rule {
    /// For a row whose weights have the sum `total` and the magnitude `magnitude`.
    #[inline(always)]
    pub(crate) fn new(missing: Missing, total: f64, magnitude: f64, means: bool) -> Self {
        let (least_share, scales) = match missing {
            Missing::Propagate => (f64::INFINITY, false),
            Missing::Keep { min_valid } => ((min_valid - SHARE_TOLERANCE) * magnitude, false),
            Missing::Renormalize { min_valid } => ((min_valid - SHARE_TOLERANCE) * magnitude, true),
        };
        Self { total, least_share, scales, means }
    }
}

impl<const L: usize> Gapped<L> {
    /// Of no link.
    pub(crate) const NONE: Self = Self {
        sum: [0.0; L],
        share: [0.0; L],
        least: [f64::INFINITY; L],
        greatest: [f64::NEG_INFINITY; L],
        met: [0.0; L],
        any: 0,
        every: u32::MAX,
    };

    /// Adds a link: its weight, the values of its cell, and a bit for each that is there; without such bits it is
    /// there unless it is [`Sealed::GAP`](super::value::sealed::Sealed::GAP).
    #[inline(always)]
    pub(crate) fn add<V: Value, const I: u8>(&mut self, weight: f64, x: &[V; L], bits: Option<u32>) {
        #[cfg(target_arch = "x86_64")]
        if I == AVX512 && L.is_multiple_of(WIDE) {
            #[allow(unsafe_code, reason = "the instructions are there, arrays have WIDE values from each start on")]
            // SAFETY: `I` is what the machine has; L is a multiple of WIDE.
            unsafe {
                self.add_wide(weight, x, bits);
            }
            return;
        }
        for b in 0..L {
            let there = bits.map_or_else(|| !x[b].is_gap(), |bits| bits >> b & 1 == 1);
            let value = if there { x[b] } else { V::default() }.to_f64();
            self.sum[b] += weight * value;
            // A weight as it is, or 0.
            let one = f64::from(u8::from(there));
            self.share[b] += weight * one;
            self.met[b] += one;
            if V::CLAMPED {
                self.least[b] = if there & (value < self.least[b]) { value } else { self.least[b] };
                self.greatest[b] = if there & (value > self.greatest[b]) { value } else { self.greatest[b] };
            }
        }
    }

    /// The results where there are any, and a bit for each of them; `magnitude` is that of the weights of values, `links`
    /// how many there are.
    #[inline(always)]
    pub(crate) fn results<V: Value, const I: u8>(&self, links: usize, magnitude: &[f64; L], rule: Rule) -> ([V; L], u32) {
        let mut results = [V::default(); L];
        #[cfg(target_arch = "x86_64")]
        if I == AVX512 && L.is_multiple_of(WIDE) {
            #[allow(unsafe_code, reason = "the instructions are there, arrays have WIDE values from each start on")]
            // SAFETY: `I` is what the machine has; L is a multiple of WIDE.
            let flags = unsafe { self.results_wide(magnitude, rule, &mut results) };
            return (results, flags);
        }
        // One thing after the other for all slabs, in numbers of one width: loops of a kind that vectors are made of.
        let links = links as f64;
        let mut value = self.sum;
        if rule.scales {
            for b in 0..L {
                value[b] *= if self.met[b] == links { 1.0 } else { rule.total / self.share[b] };
            }
        }
        if rule.means {
            for b in 0..L {
                let bounded = within(value[b], self.least[b], self.greatest[b]);
                value[b] = if rule.scales | (self.met[b] == links) { bounded } else { value[b] };
            }
        }
        let mut flags = [0u64; L];
        for b in 0..L {
            let enough = (magnitude[b] >= rule.least_share) & (self.share[b].abs() > UNCANCELLED * magnitude[b]);
            flags[b] = u64::from((self.met[b] > 0.0) & (enough | (self.met[b] == links))) << b;
        }
        for b in 0..L {
            results[b] = V::from_f64(if flags[b] == 0 { 0.0 } else { value[b] });
        }
        (results, flags.into_iter().fold(0, |all, flag| all | flag) as u32)
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "loads and stores through pointers, functions for instructions that the machine has")]
impl<const L: usize> Gapped<L> {
    /// # Safety
    /// The machine has the instructions; `L` is a multiple of [`WIDE`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
    unsafe fn add_wide<V: Value>(&mut self, weight: f64, x: &[V; L], bits: Option<u32>) {
        let w = _mm512_set1_pd(weight);
        let mut met = 0;
        for b in (0..L).step_by(WIDE) {
            // SAFETY: b + WIDE <= L, as the caller promises.
            unsafe {
                let (value, kept) = V::wide(x.as_ptr().add(b));
                let there = bits.map_or(kept, |bits| (bits >> b) as u8);
                let at = |list: &mut [f64; L]| list.as_mut_ptr().add(b);
                let sum = _mm512_loadu_pd(at(&mut self.sum));
                _mm512_storeu_pd(at(&mut self.sum), _mm512_mask_add_pd(sum, there, sum, _mm512_mul_pd(w, value)));
                let share = _mm512_loadu_pd(at(&mut self.share));
                _mm512_storeu_pd(at(&mut self.share), _mm512_mask_add_pd(share, there, share, w));
                if V::CLAMPED {
                    // The second operand is the result where the first is no number.
                    let least = _mm512_loadu_pd(at(&mut self.least));
                    _mm512_storeu_pd(at(&mut self.least), _mm512_mask_min_pd(least, there, value, least));
                    let greatest = _mm512_loadu_pd(at(&mut self.greatest));
                    _mm512_storeu_pd(at(&mut self.greatest), _mm512_mask_max_pd(greatest, there, value, greatest));
                }
                met |= u32::from(there) << b;
            }
        }
        self.any |= met;
        self.every &= met;
    }

    /// # Safety
    /// The machine has the instructions; `L` is a multiple of [`WIDE`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
    unsafe fn results_wide<V: Value>(&self, magnitude: &[f64; L], rule: Rule, results: &mut [V; L]) -> u32 {
        let mut flags = 0;
        if self.any == 0 {
            return flags;
        }
        for b in (0..L).step_by(WIDE) {
            // SAFETY: b + WIDE <= L, as the caller promises.
            unsafe {
                let at = |list: &[f64; L]| _mm512_loadu_pd(list.as_ptr().add(b));
                let sums = WideSums {
                    sum: at(&self.sum),
                    share: at(&self.share),
                    least: at(&self.least),
                    greatest: at(&self.greatest),
                    any: (self.any >> b) as u8,
                    every: (self.every >> b) as u8,
                };
                flags |= u32::from(sums.result(at(magnitude), rule, results.as_mut_ptr().add(b))) << b;
            }
        }
        flags
    }
}

/// What [`Gapped`] has, for the slabs of a vector.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct WideSums {
    pub(crate) sum: __m512d,
    pub(crate) share: __m512d,
    pub(crate) least: __m512d,
    pub(crate) greatest: __m512d,
    pub(crate) any: u8,
    pub(crate) every: u8,
}

#[cfg(target_arch = "x86_64")]
impl WideSums {
    /// Stores the results, 0 where there are none, and gives a bit for each of them.
    ///
    /// # Safety
    /// There is room for 8 values at the pointer.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
    #[allow(unsafe_code, reason = "a store through a pointer")]
    pub(crate) unsafe fn result<V: Value>(self, magnitude: __m512d, rule: Rule, to: *mut V) -> u8 {
        let Self { mut sum, share, least, greatest, any, every } = self;
        if rule.scales && every != u8::MAX {
            sum = _mm512_mask_mul_pd(sum, !every, sum, _mm512_div_pd(_mm512_set1_pd(rule.total), share));
        }
        if rule.means {
            let bounded = _mm512_min_pd(greatest, _mm512_max_pd(least, sum));
            sum = _mm512_mask_mov_pd(sum, if rule.scales { u8::MAX } else { every }, bounded);
        }
        let enough = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(magnitude, _mm512_set1_pd(rule.least_share));
        let cancelled = _mm512_mul_pd(_mm512_set1_pd(UNCANCELLED), magnitude);
        let uncancelled = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(_mm512_abs_pd(share), cancelled);
        let there = any & (enough & uncancelled | every);
        // SAFETY: as the caller promises.
        unsafe { V::narrow(sum, there, to) };
        there
    }
}

/// Eight values as doubles, and a bit for each that is no gap.
///
/// # Safety
/// 8 values follow the pointer.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
#[allow(unsafe_code, reason = "a load through a pointer")]
pub(crate) unsafe fn wide_f32(from: *const f32) -> (__m512d, u8) {
    // SAFETY: as the caller promises.
    let x = unsafe { _mm256_loadu_ps(from) };
    let gap = _mm256_set1_epi32(<f32 as super::value::sealed::Sealed>::GAP.to_bits() as i32);
    (_mm512_cvtps_pd(x), _mm256_cmpneq_epi32_mask(_mm256_castps_si256(x), gap))
}

/// [`wide_f32`] of doubles.
///
/// # Safety
/// 8 values follow the pointer.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "a load through a pointer")]
pub(crate) unsafe fn wide_f64(from: *const f64) -> (__m512d, u8) {
    // SAFETY: as the caller promises.
    let x = unsafe { _mm512_loadu_pd(from) };
    let gap = _mm512_set1_epi64(<f64 as super::value::sealed::Sealed>::GAP.to_bits() as i64);
    (x, _mm512_cmpneq_epi64_mask(_mm512_castpd_si512(x), gap))
}

/// Stores eight doubles, 0 where no bit is.
///
/// # Safety
/// There is room for 8 values at the pointer.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
#[allow(unsafe_code, reason = "a store through a pointer")]
pub(crate) unsafe fn narrow_f32(value: __m512d, there: u8, to: *mut f32) {
    // SAFETY: as the caller promises.
    unsafe { _mm256_storeu_ps(to, _mm512_maskz_cvtpd_ps(there, value)) }
}

/// [`narrow_f32`] to doubles.
///
/// # Safety
/// There is room for 8 values at the pointer.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "a store through a pointer")]
pub(crate) unsafe fn narrow_f64(value: __m512d, there: u8, to: *mut f64) {
    // SAFETY: as the caller promises.
    unsafe { _mm512_storeu_pd(to, _mm512_maskz_mov_pd(there, value)) }
}
