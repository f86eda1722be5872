//! The nearest of a few points in runs, all of which are compared.

use super::points::TIE;
use super::quarters::Points;
use knarr_kernels::sphere::{UnitVector, dot, sub};
use std::ops::Range;

/// Points that are compared at once.
const LANES: usize = 4;
/// Points that a run mostly has no more of.
pub(super) const SHORT: usize = 2 * LANES;

/// The number of the nearest point of some runs, the lowest of those tied, if it is closer than a chord.
pub(super) fn nearest(points: &Points, runs: &[Range<usize>; 3], p: UnitVector, reach: f64) -> Option<u32> {
    let Points { x, y, z, numbers } = points;
    let chord2 = |k: usize| {
        let chord = sub([x[k], y[k], z[k]], p);
        dot(chord, chord)
    };
    let points = || runs.iter().cloned().flatten();
    let least = points().map(chord2).fold(f64::INFINITY, f64::min);
    let tied = least.sqrt() + TIE;
    let is_near = least < reach * reach;
    let nearest = points().filter(|&k| is_near && chord2(k).sqrt() <= tied);
    nearest.map(|k| numbers[k]).min()
}

/// [`nearest`] in vectors. What lies beyond the end of a run is compared as well and does no harm: it is a point.
///
/// # Safety
/// The processor has AVX2; [`SHORT`] points follow the start of each run, and [`LANES`] each of its points.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
pub(super) unsafe fn nearest_avx2(points: &Points, runs: &[Range<usize>; 3], p: UnitVector, reach: f64) -> Option<u32> {
    // SAFETY: as the caller promises.
    unsafe {
        if runs[0].len().max(runs[1].len()).max(runs[2].len()) <= SHORT {
            nearest_of_short(points, [runs[0].start, runs[1].start, runs[2].start], p, reach)
        } else {
            nearest_of_long(points, runs, p, reach)
        }
    }
}

/// For runs that have no more points than are compared here, always as many: what the processor does next it knows before.
///
/// # Safety
/// The processor has AVX2; [`SHORT`] points follow each start.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
unsafe fn nearest_of_short(points: &Points, starts: [usize; 3], p: UnitVector, reach: f64) -> Option<u32> {
    use std::arch::x86_64::*;
    const VECTORS: usize = SHORT / LANES;
    debug_assert!(starts.iter().all(|start| start + SHORT <= points.len()));
    // SAFETY: as the caller promises.
    unsafe {
        let at = [_mm256_set1_pd(p[0]), _mm256_set1_pd(p[1]), _mm256_set1_pd(p[2])];
        let mut chords2 = [_mm256_setzero_pd(); 3 * VECTORS];
        for k in 0..3 * VECTORS {
            chords2[k] = chords2_from(points, starts[k / VECTORS] + k % VECTORS * LANES, at);
        }
        let mut least = chords2[0];
        for k in 1..3 * VECTORS {
            least = _mm256_min_pd(least, chords2[k]);
        }
        let least = least_of(least);
        if least >= reach * reach {
            return None;
        }
        let tied = least.sqrt() + TIE;
        let limit = _mm256_set1_pd(limit_of(tied));
        let mut near = 0u32;
        for k in 0..3 * VECTORS {
            near |= (_mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(chords2[k], limit)) as u32) << (k * LANES);
        }
        let point = |k: u32| starts[k as usize / SHORT] + k as usize % SHORT;
        if near.is_power_of_two() {
            return Some(points.numbers[point(near.trailing_zeros())]);
        }
        let mut lowest = u32::MAX;
        while near != 0 {
            let point = point(near.trailing_zeros());
            near &= near - 1;
            let chord = sub([points.x[point], points.y[point], points.z[point]], p);
            if dot(chord, chord).sqrt() <= tied {
                lowest = lowest.min(points.numbers[point]);
            }
        }
        Some(lowest)
    }
}

/// For runs of any length.
///
/// # Safety
/// As for [`nearest_avx2`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
unsafe fn nearest_of_long(points: &Points, runs: &[Range<usize>; 3], p: UnitVector, reach: f64) -> Option<u32> {
    use std::arch::x86_64::*;
    // SAFETY: as the caller promises.
    unsafe {
        let at = [_mm256_set1_pd(p[0]), _mm256_set1_pd(p[1]), _mm256_set1_pd(p[2])];
        let mut least = _mm256_set1_pd(f64::INFINITY);
        for run in runs {
            let mut point = run.start;
            while point < run.end {
                least = _mm256_min_pd(least, chords2_from(points, point, at));
                point += LANES;
            }
        }
        let least = least_of(least);
        if least >= reach * reach {
            return None;
        }
        let tied = least.sqrt() + TIE;
        let limit = _mm256_set1_pd(limit_of(tied));
        let mut lowest = u32::MAX;
        for run in runs {
            let mut point = run.start;
            while point < run.end {
                let chords2 = chords2_from(points, point, at);
                let mut near = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(chords2, limit)) as u32;
                while near != 0 {
                    let k = point + near.trailing_zeros() as usize;
                    near &= near - 1;
                    let chord = sub([points.x[k], points.y[k], points.z[k]], p);
                    if dot(chord, chord).sqrt() <= tied {
                        lowest = lowest.min(points.numbers[k]);
                    }
                }
                point += LANES;
            }
        }
        Some(lowest)
    }
}

/// The squares of the chords from a place to [`LANES`] points.
///
/// # Safety
/// The processor has AVX2; there are as many points.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
unsafe fn chords2_from(points: &Points, first: usize, at: [std::arch::x86_64::__m256d; 3]) -> std::arch::x86_64::__m256d {
    use std::arch::x86_64::*;
    debug_assert!(first + LANES <= points.len());
    // SAFETY: as the caller promises.
    unsafe {
        let x = _mm256_sub_pd(_mm256_loadu_pd(points.x.as_ptr().add(first)), at[0]);
        let y = _mm256_sub_pd(_mm256_loadu_pd(points.y.as_ptr().add(first)), at[1]);
        let z = _mm256_sub_pd(_mm256_loadu_pd(points.z.as_ptr().add(first)), at[2]);
        let across = _mm256_add_pd(_mm256_mul_pd(x, x), _mm256_mul_pd(y, y));
        _mm256_add_pd(across, _mm256_mul_pd(z, z))
    }
}

/// The least of four.
///
/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
unsafe fn least_of(four: std::arch::x86_64::__m256d) -> f64 {
    use std::arch::x86_64::*;
    // SAFETY: as the caller promises.
    unsafe {
        let pair = _mm_min_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
        _mm_cvtsd_f64(_mm_min_pd(pair, _mm_unpackhi_pd(pair, pair)))
    }
}

/// Squares of chords up to one, and of hardly any longer ones, are no more.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn limit_of(chord: f64) -> f64 {
    chord * chord * (1.0 + 4.0 * f64::EPSILON)
}
