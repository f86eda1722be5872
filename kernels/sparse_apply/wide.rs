//! Rows for several slabs at once with vectors of 512 bits, of which all sums stay in registers.
//!
//! The operations of [`whole`](super::sums::whole) and [`with_gaps`](super::gaps::with_gaps), in their order.
#![allow(unsafe_code, reason = "loads and stores through pointers, functions for instructions that the machine has")]

use super::Value;
use super::gaps::{Link, Met, Rule, magnitudes};
use super::row_facts::UNCANCELLED;
use super::writer::Lines;
use std::arch::x86_64::*;

/// Lanes of a vector.
pub(crate) const WIDE: usize = 8;

/// Vectors of the most slabs.
const VECTORS: usize = 32 / WIDE;

/// Results of up to 32 slabs as doubles, and a bit for each that there is.
pub(crate) struct Wide {
    pub(crate) values: [__m512d; VECTORS],
    pub(crate) there: u32,
}

/// All functions become part of those that call them, down to one that is made for the instructions: those of a function with
/// a list of instructions of its own would not, where it is called from several places.
impl Wide {
    /// No result.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits.
    #[inline(always)]
    pub(crate) unsafe fn nothing() -> Self {
        // SAFETY: as the caller promises.
        Self { values: unsafe { [_mm512_setzero_pd(); VECTORS] }, there: 0 }
    }

    /// The results of a row without gaps; those of no link are 0.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`].
    #[inline(always)]
    pub(crate) unsafe fn whole<'a, V: Value, const L: usize>(
        links: impl Iterator<Item = (f64, &'a [V; L])>,
        means: bool,
    ) -> Self {
        // SAFETY: as the caller promises; WIDE values of `x` follow each multiple of it.
        unsafe {
            let mut sum = [_mm512_setzero_pd(); VECTORS];
            let (mut least, mut greatest) = extremes();
            for (w, x) in links {
                let w = _mm512_set1_pd(w);
                for v in 0..L / WIDE {
                    let value = V::wide(x.as_ptr().add(v * WIDE));
                    sum[v] = _mm512_add_pd(sum[v], _mm512_mul_pd(w, value));
                    if V::CLAMPED {
                        // The second operand is the result where the first is no number.
                        least[v] = _mm512_min_pd(value, least[v]);
                        greatest[v] = _mm512_max_pd(value, greatest[v]);
                    }
                }
            }
            if V::CLAMPED && means {
                for v in 0..L / WIDE {
                    sum[v] = _mm512_min_pd(greatest[v], _mm512_max_pd(least[v], sum[v]));
                }
            }
            Self { values: sum, there: u32::MAX }
        }
    }

    /// The results of a row that has links, where it meets all values: the [`Rule::propagates`]. What is missing spoils
    /// no other slab.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`].
    #[inline(always)]
    pub(crate) unsafe fn where_whole<'a, V: Value, const L: usize>(
        links: impl Iterator<Item = Link<'a, V, L>>,
        rule: Rule,
    ) -> Self {
        let mut every = u32::MAX;
        let links = links.map(|(w, x, bits)| {
            every &= bits;
            (w, x)
        });
        // SAFETY: as the caller promises.
        let whole = unsafe { Self::whole(links, rule.means) };
        Self { there: every, ..whole }
    }

    /// The results of a row of which each slab has its own gaps, and the [`Rule::is_by_share`].
    ///
    /// Rows without a gap or without a value are nothing apart: what is not foreseen costs more than what it spares.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`].
    #[inline(always)]
    pub(crate) unsafe fn by_share<'a, V: Value, const L: usize>(links: impl Iterator<Item = Link<'a, V, L>>, rule: Rule) -> Self {
        // SAFETY: as the caller promises; WIDE values of `x` follow each multiple of it.
        unsafe {
            let Sums { mut sum, share, least, greatest, every } = Sums::new(links);
            let mut there = 0;
            for v in 0..L / WIDE {
                let enough = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(share[v], _mm512_set1_pd(rule.least_share));
                there |= u32::from(enough) << (v * WIDE);
                if rule.scales {
                    sum[v] = _mm512_mul_pd(sum[v], _mm512_div_pd(_mm512_set1_pd(rule.total), share[v]));
                }
                if V::CLAMPED && rule.means {
                    let bounded = _mm512_min_pd(greatest[v], _mm512_max_pd(least[v], sum[v]));
                    let which = if rule.scales { u8::MAX } else { (every >> (v * WIDE)) as u8 };
                    sum[v] = _mm512_mask_mov_pd(sum[v], which, bounded);
                }
            }
            Self { values: sum, there }
        }
    }

    /// The results of a row that has some, of which all slabs have the same gaps: sums multiplied with `scale` and kept within
    /// the range of the values if they are `means`.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`].
    #[inline(always)]
    pub(crate) unsafe fn of_one_mask<'a, V: Value, const L: usize>(
        links: impl Iterator<Item = Link<'a, V, L>>,
        means: bool,
        scale: f64,
    ) -> Self {
        // SAFETY: as the caller promises; WIDE values of `x` follow each multiple of it.
        unsafe {
            let mut sum = [_mm512_setzero_pd(); VECTORS];
            let (mut least, mut greatest) = extremes();
            for (w, x, bits) in links {
                let (there, w) = (bits as u8, _mm512_set1_pd(w));
                for v in 0..L / WIDE {
                    let value = V::wide(x.as_ptr().add(v * WIDE));
                    sum[v] = _mm512_mask_add_pd(sum[v], there, sum[v], _mm512_mul_pd(w, value));
                    if V::CLAMPED {
                        least[v] = _mm512_mask_min_pd(least[v], there, value, least[v]);
                        greatest[v] = _mm512_mask_max_pd(greatest[v], there, value, greatest[v]);
                    }
                }
            }
            for v in 0..L / WIDE {
                sum[v] = _mm512_mul_pd(sum[v], _mm512_set1_pd(scale));
                if V::CLAMPED && means {
                    sum[v] = _mm512_min_pd(greatest[v], _mm512_max_pd(least[v], sum[v]));
                }
            }
            Self { values: sum, there: u32::MAX }
        }
    }

    /// The results of a row of which each slab has its own gaps.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`].
    #[inline(always)]
    pub(crate) unsafe fn with_gaps<'a, V: Value, const L: usize>(
        links: impl Iterator<Item = Link<'a, V, L>> + Clone,
        met: Met,
        rule: Rule,
    ) -> Self {
        // SAFETY: as the caller promises; WIDE values of `x` and magnitudes follow each multiple of it.
        unsafe {
            let Sums { mut sum, share, least, greatest, .. } = Sums::new(links.clone());
            let mut magnitude = share;
            if rule.is_mixed {
                let list = magnitudes(links);
                for v in 0..L / WIDE {
                    magnitude[v] = _mm512_loadu_pd(list.as_ptr().add(v * WIDE));
                }
            }
            let mut there = 0;
            for v in 0..L / WIDE {
                let (any, every) = ((met.any >> (v * WIDE)) as u8, (met.every >> (v * WIDE)) as u8);
                if rule.scales && every != u8::MAX {
                    let scale = _mm512_div_pd(_mm512_set1_pd(rule.total), share[v]);
                    sum[v] = _mm512_mask_mul_pd(sum[v], !every, sum[v], scale);
                }
                if V::CLAMPED && rule.means {
                    let bounded = _mm512_min_pd(greatest[v], _mm512_max_pd(least[v], sum[v]));
                    sum[v] = _mm512_mask_mov_pd(sum[v], if rule.scales { u8::MAX } else { every }, bounded);
                }
                let enough = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(magnitude[v], _mm512_set1_pd(rule.least_share));
                let cancelled = _mm512_mul_pd(_mm512_set1_pd(UNCANCELLED), magnitude[v]);
                let uncancelled = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(_mm512_abs_pd(share[v]), cancelled);
                there |= u32::from(any & (enough & uncancelled | every)) << (v * WIDE);
            }
            Self { values: sum, there }
        }
    }

    /// Stores the results, 0 where there are none.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`].
    #[inline(always)]
    pub(crate) unsafe fn store<V: Value, const L: usize>(&self, results: &mut [V; L]) {
        for v in 0..L / WIDE {
            // SAFETY: as the caller promises; there is room for eight values of `results`.
            unsafe { V::narrow(self.values[v], (self.there >> (v * WIDE)) as u8, results.as_mut_ptr().add(v * WIDE)) };
        }
    }

    /// Appends the results, 0 where there are none.
    ///
    /// # Safety
    /// The machine has vectors of 512 bits; `L` results are whole lines, for which there is room.
    #[inline(always)]
    pub(crate) unsafe fn append<V: Value, const L: usize>(&self, lines: &mut Lines<'_, V>) {
        let vectors = V::PER_LINE / WIDE;
        for l in 0..L / V::PER_LINE {
            let v = l * vectors;
            // SAFETY: as the caller promises, and vectors for a line.
            unsafe {
                let line = V::line(&self.values[v..v + vectors], self.there >> (v * WIDE));
                if l == 0 && lines.is_empty() { lines.begin(line) } else { lines.append(line) }
            }
        }
    }
}

/// Sums over the values that are there.
struct Sums {
    sum: [__m512d; VECTORS],
    share: [__m512d; VECTORS],
    least: [__m512d; VECTORS],
    greatest: [__m512d; VECTORS],
    /// A bit for each slab of which all values are there.
    every: u32,
}

impl Sums {
    /// # Safety
    /// The machine has vectors of 512 bits; `L` is a multiple of [`WIDE`].
    #[inline(always)]
    unsafe fn new<'a, V: Value, const L: usize>(links: impl Iterator<Item = Link<'a, V, L>>) -> Self {
        // SAFETY: as the caller promises; WIDE values of `x` follow each multiple of it.
        unsafe {
            let (mut sum, mut share) = ([_mm512_setzero_pd(); VECTORS], [_mm512_setzero_pd(); VECTORS]);
            let (mut least, mut greatest) = extremes();
            let mut every = u32::MAX;
            for (w, x, bits) in links {
                every &= bits;
                let w = _mm512_set1_pd(w);
                for v in 0..L / WIDE {
                    let there = (bits >> (v * WIDE)) as u8;
                    let value = V::wide(x.as_ptr().add(v * WIDE));
                    sum[v] = _mm512_mask_add_pd(sum[v], there, sum[v], _mm512_mul_pd(w, value));
                    share[v] = _mm512_mask_add_pd(share[v], there, share[v], w);
                    if V::CLAMPED {
                        least[v] = _mm512_mask_min_pd(least[v], there, value, least[v]);
                        greatest[v] = _mm512_mask_max_pd(greatest[v], there, value, greatest[v]);
                    }
                }
            }
            Self { sum, share, least, greatest, every }
        }
    }
}

/// The least and greatest of no values.
///
/// # Safety
/// The machine has vectors of 512 bits.
#[inline(always)]
unsafe fn extremes() -> ([__m512d; VECTORS], [__m512d; VECTORS]) {
    // SAFETY: as the caller promises.
    unsafe { ([_mm512_set1_pd(f64::INFINITY); VECTORS], [_mm512_set1_pd(f64::NEG_INFINITY); VECTORS]) }
}

/// Eight values as doubles.
///
/// # Safety
/// 8 values follow the pointer; the machine has vectors of 512 bits.
#[inline(always)]
pub(crate) unsafe fn wide_f32(from: *const f32) -> __m512d {
    // SAFETY: as the caller promises.
    unsafe { _mm512_cvtps_pd(_mm256_loadu_ps(from)) }
}

/// [`wide_f32`] of doubles.
///
/// # Safety
/// 8 values follow the pointer; the machine has vectors of 512 bits.
#[inline(always)]
pub(crate) unsafe fn wide_f64(from: *const f64) -> __m512d {
    // SAFETY: as the caller promises.
    unsafe { _mm512_loadu_pd(from) }
}

/// Stores eight doubles, 0 where no bit is.
///
/// # Safety
/// There is room for 8 values at the pointer; the machine has vectors of 512 bits.
#[inline(always)]
pub(crate) unsafe fn narrow_f32(value: __m512d, there: u8, to: *mut f32) {
    // SAFETY: as the caller promises.
    unsafe { _mm256_storeu_ps(to, _mm512_maskz_cvtpd_ps(there, value)) }
}

/// [`narrow_f32`] to doubles.
///
/// # Safety
/// There is room for 8 values at the pointer; the machine has vectors of 512 bits.
#[inline(always)]
pub(crate) unsafe fn narrow_f64(value: __m512d, there: u8, to: *mut f64) {
    // SAFETY: as the caller promises.
    unsafe { _mm512_storeu_pd(to, _mm512_maskz_mov_pd(there, value)) }
}

/// A line of two vectors of doubles, 0 where no bit is.
///
/// # Safety
/// The machine has vectors of 512 bits.
#[inline(always)]
pub(crate) unsafe fn line_f32(values: &[__m512d], there: u32) -> __m512i {
    // SAFETY: as the caller promises.
    unsafe {
        let low = _mm512_castps256_ps512(_mm512_maskz_cvtpd_ps(there as u8, values[0]));
        _mm512_castps_si512(_mm512_insertf32x8::<1>(low, _mm512_maskz_cvtpd_ps((there >> 8) as u8, values[1])))
    }
}

/// A line of one vector of doubles, 0 where no bit is.
///
/// # Safety
/// The machine has vectors of 512 bits.
#[inline(always)]
pub(crate) unsafe fn line_f64(values: &[__m512d], there: u32) -> __m512i {
    // SAFETY: as the caller promises.
    unsafe { _mm512_castpd_si512(_mm512_maskz_mov_pd(there as u8, values[0])) }
}
