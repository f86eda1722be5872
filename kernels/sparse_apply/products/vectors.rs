//! [`Sums`] in vectors of 256 bits: the operations of the plain form, in their order; what is missing is left out by masks.
#![allow(unsafe_code, reason = "loads through pointers, functions for instructions that the machine has")]

use super::across::{Group, TOGETHER};
use super::sums::{Lines, Sums, bits_at};
use crate::sparse_apply::Value;
use std::arch::x86_64::*;

/// Lanes of a vector, and vectors of a group.
const QUAD: usize = 4;
const QUADS: usize = TOGETHER / QUAD;

/// A number for each cell of a group.
type Lanes = [__m256d; QUADS];

impl Sums {
    /// The sums of a group; `GAPS`: of which values are missing.
    ///
    /// # Safety
    /// The machine has vectors of 256 bits.
    #[inline(always)]
    pub(super) unsafe fn in_vectors<V: Value, const GAPS: bool>(lines: Lines<'_, V>, group: Group<'_>) -> Self {
        // SAFETY: as the caller promises.
        unsafe {
            match group.near {
                Some(_) => in_vectors::<V, GAPS, true>(lines, group),
                None => in_vectors::<V, GAPS, false>(lines, group),
            }
        }
    }
}

/// `NEAR`: of neighbouring columns, which are loaded once for all cells.
///
/// # Safety
/// The machine has vectors of 256 bits; `NEAR` groups are so.
#[inline(always)]
unsafe fn in_vectors<V: Value, const GAPS: bool, const NEAR: bool>(lines: Lines<'_, V>, group: Group<'_>) -> Sums {
    // SAFETY: as the caller promises; numbers of a group follow the pointers.
    unsafe {
        let near = group.near.unwrap_or(0);
        let (mut value, mut share, mut every) = ([_mm256_setzero_pd(); QUADS], [_mm256_setzero_pd(); QUADS], all_ones());
        let mut least = [_mm256_set1_pd(f64::INFINITY); QUADS];
        let mut greatest = [_mm256_set1_pd(f64::NEG_INFINITY); QUADS];
        for (start, down) in lines.each() {
            let values = &lines.source[start..start + lines.columns];
            let eight = if NEAR { V::eight(values[near..near + TOGETHER].as_ptr()) } else { value };
            let down = _mm256_set1_pd(down);
            let word = match GAPS && group.span.is_some() {
                true => bits_at(lines.words, start + group.span.map_or(0, |span| span.0)),
                false => 0,
            };
            for (places, shares) in group.places.iter().zip(group.shares) {
                let x = match NEAR {
                    true => V::picked(eight, _mm256_sub_epi32(load(places), _mm256_set1_epi32(near as i32))),
                    false => gathered(values, places),
                };
                let w = [0, 1].map(|v| _mm256_mul_pd(down, _mm256_loadu_pd(shares.as_ptr().add(v * QUAD))));
                let there = match (GAPS, group.span) {
                    (false, _) => all_ones(),
                    (true, Some((first, _))) => masks(word, places, first as u32),
                    (true, None) => masks_of_cells(lines.words, start, places),
                };
                for v in 0..QUADS {
                    let product = _mm256_mul_pd(w[v], x[v]);
                    value[v] = _mm256_add_pd(value[v], if GAPS { _mm256_and_pd(product, there[v]) } else { product });
                    if GAPS {
                        share[v] = _mm256_add_pd(share[v], _mm256_and_pd(w[v], there[v]));
                        every[v] = _mm256_and_pd(every[v], there[v]);
                    }
                    if V::CLAMPED {
                        // The second operand is the result where the first is no number.
                        let (low, high) = (_mm256_min_pd(x[v], least[v]), _mm256_max_pd(x[v], greatest[v]));
                        least[v] = if GAPS { _mm256_blendv_pd(least[v], low, there[v]) } else { low };
                        greatest[v] = if GAPS { _mm256_blendv_pd(greatest[v], high, there[v]) } else { high };
                    }
                }
            }
        }
        let mut sums = Sums::ZERO;
        for v in 0..QUADS {
            _mm256_storeu_pd(sums.value.as_mut_ptr().add(v * QUAD), value[v]);
            if GAPS {
                _mm256_storeu_pd(sums.share.as_mut_ptr().add(v * QUAD), share[v]);
                _mm256_storeu_pd(sums.every.as_mut_ptr().add(v * QUAD).cast(), every[v]);
            }
            if V::CLAMPED {
                _mm256_storeu_pd(sums.least.as_mut_ptr().add(v * QUAD), least[v]);
                _mm256_storeu_pd(sums.greatest.as_mut_ptr().add(v * QUAD), greatest[v]);
            }
        }
        sums
    }
}

/// The values of a source latitude at some places, which are below its length.
///
/// # Safety
/// The machine has vectors of 256 bits.
#[inline(always)]
unsafe fn gathered<V: Value>(values: &[V], places: &[u32; TOGETHER]) -> Lanes {
    // SAFETY: as the caller promises.
    unsafe {
        [
            V::four(values, [places[0], places[1], places[2], places[3]]),
            V::four(values, [places[4], places[5], places[6], places[7]]),
        ]
    }
}

/// # Safety
/// The machine has vectors of 256 bits.
#[inline(always)]
unsafe fn all_ones() -> Lanes {
    // SAFETY: as the caller promises.
    unsafe { [_mm256_castsi256_pd(_mm256_set1_epi32(-1)); QUADS] }
}

/// # Safety
/// The machine has vectors of 256 bits.
#[inline(always)]
unsafe fn load(places: &[u32; TOGETHER]) -> __m256i {
    // SAFETY: as the caller promises; there are eight places.
    unsafe { _mm256_loadu_si256(places.as_ptr().cast()) }
}

/// All ones where a value is there, of which the `word` has the bits from the column `first` on.
///
/// # Safety
/// The machine has vectors of 256 bits.
#[inline(always)]
unsafe fn masks(word: u64, places: &[u32; TOGETHER], first: u32) -> Lanes {
    // SAFETY: as the caller promises.
    unsafe {
        let word = _mm256_set1_epi64x(word as i64);
        // The bit becomes the sign.
        let shifts = _mm256_sub_epi32(_mm256_set1_epi32(first as i32 + 63), load(places));
        let mask = |shifts: __m128i| {
            let signs = _mm256_sllv_epi64(word, _mm256_cvtepu32_epi64(shifts));
            _mm256_castsi256_pd(_mm256_cmpgt_epi64(_mm256_setzero_si256(), signs))
        };
        [mask(_mm256_castsi256_si128(shifts)), mask(_mm256_extracti128_si256::<1>(shifts))]
    }
}

/// All ones where a value is there, cell by cell.
///
/// # Safety
/// The machine has vectors of 256 bits.
#[inline(always)]
unsafe fn masks_of_cells(words: &[u64], start: usize, places: &[u32; TOGETHER]) -> Lanes {
    let mut there = [0; TOGETHER];
    for b in 0..TOGETHER {
        let cell = start + places[b] as usize;
        there[b] = (words[cell / 64] >> (cell % 64) & 1).wrapping_neg();
    }
    // SAFETY: as the caller promises; there are eight masks.
    unsafe { [_mm256_loadu_pd(there.as_ptr().cast()), _mm256_loadu_pd(there.as_ptr().add(QUAD).cast())] }
}

/// Eight neighbouring numbers, and those of some places among them, of single precision.
///
/// # Safety
/// Eight numbers follow the pointer; the machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn eight_f32(from: *const f32) -> [__m256d; 2] {
    // SAFETY: as the caller promises.
    unsafe { [_mm256_castps_pd(_mm256_loadu_ps(from)), _mm256_setzero_pd()] }
}

/// [`eight_f32`] of doubles.
///
/// # Safety
/// Eight numbers follow the pointer; the machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn eight_f64(from: *const f64) -> [__m256d; 2] {
    // SAFETY: as the caller promises.
    unsafe { [_mm256_loadu_pd(from), _mm256_loadu_pd(from.add(QUAD))] }
}

/// Of [`eight_f32`] those at eight places, as doubles.
///
/// # Safety
/// The machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn picked_f32(eight: [__m256d; 2], places: __m256i) -> [__m256d; 2] {
    // SAFETY: as the caller promises.
    unsafe {
        let values = _mm256_permutevar8x32_ps(_mm256_castpd_ps(eight[0]), places);
        [_mm256_cvtps_pd(_mm256_castps256_ps128(values)), _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(values))]
    }
}

/// Of [`eight_f64`] those at eight places.
///
/// # Safety
/// The machine has vectors of 256 bits.
#[inline(always)]
pub(crate) unsafe fn picked_f64(eight: [__m256d; 2], places: __m256i) -> [__m256d; 2] {
    // SAFETY: as the caller promises.
    unsafe {
        let pick = |places: __m128i| {
            let places = _mm256_cvtepu32_epi64(places);
            // Both halves of each number; the third bit of a place, as the sign, tells which four it is of.
            let halves = _mm256_shuffle_epi32::<0b10_10_00_00>(_mm256_slli_epi64::<1>(places));
            let halves = _mm256_add_epi32(halves, _mm256_set1_epi64x(1 << 32));
            let [low, high] = eight.map(|four| _mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(four), halves)));
            _mm256_blendv_pd(low, high, _mm256_castsi256_pd(_mm256_slli_epi64::<61>(places)))
        };
        [pick(_mm256_castsi256_si128(places)), pick(_mm256_extracti128_si256::<1>(places))]
    }
}

/// Four numbers of a source latitude as doubles, at places below its length.
///
/// # Safety
/// The machine has vectors of 256 bits, `values` have the places.
#[inline(always)]
pub(crate) unsafe fn four_f32(values: &[f32], [a, b, c, d]: [u32; 4]) -> __m256d {
    // SAFETY: as the caller promises.
    unsafe {
        let at = |place: u32| *values.get_unchecked(place as usize);
        _mm256_cvtps_pd(_mm_set_ps(at(d), at(c), at(b), at(a)))
    }
}

/// [`four_f32`] of doubles.
///
/// # Safety
/// As of [`four_f32`].
#[inline(always)]
pub(crate) unsafe fn four_f64(values: &[f64], [a, b, c, d]: [u32; 4]) -> __m256d {
    // SAFETY: as the caller promises.
    unsafe {
        let at = |place: u32| *values.get_unchecked(place as usize);
        _mm256_set_pd(at(d), at(c), at(b), at(a))
    }
}
