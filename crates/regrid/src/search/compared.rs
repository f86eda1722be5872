//! The nearest of a few points in runs, all of which are compared.
//!
//! Points are compared in single precision. Those that it cannot tell from the nearest one, and a nearest one that it cannot
//! tell from what is out of reach, are compared anew in double precision: answers are those of double precision alone.

use super::points::TIE;
use knarr_kernels::sphere::{UnitVector, dot, sub};
use std::ops::Range;

/// Points that are compared at once, and those that a run mostly has no more of.
pub(super) const SHORT: usize = 8;

/// How far a chord in single precision may be from that in double: coordinates up to 1 are rounded by 2⁻²⁵ at most, those of
/// both ends, in three directions; differences, squares, sums and the root add a few times 2⁻²⁴ of the chord.
const ROUNDED: f32 = 1.25e-7;
const ROUNDED_PER_CHORD: f32 = 5e-7;

/// A point: the bits of its coordinates in single precision, and its number. A run of them lies in few cache lines, and zeros of
/// a number the system has without writing them.
pub(super) type Point = [u32; 4];

/// The point with a number.
#[inline(always)]
pub(super) fn point([x, y, z]: UnitVector, number: u32) -> Point {
    let bits = |c: f64| (c as f32).to_bits();
    [bits(x), bits(y), bits(z), number]
}

/// The number of a point.
#[inline(always)]
fn number_of(point: &Point) -> u32 {
    point[3]
}

/// What the least chord in single precision tells.
struct Least {
    /// Squares of chords in single precision of all that may be tied with the nearest point are no greater.
    limit: f32,
    /// Whether the nearest point is within reach, unless only double precision tells.
    is_near: Option<bool>,
}

impl Least {
    #[inline(always)]
    fn of(chord2: f32, reach: f64) -> Self {
        let chord = chord2.sqrt();
        let rounded = ROUNDED + ROUNDED_PER_CHORD * chord;
        let (low, high) = (f64::from(chord - rounded), f64::from(chord + rounded));
        let is_near = if high < reach { Some(true) } else { (low >= reach).then_some(false) };
        // That of the nearest point and that of another one, and a little for the difference in theirs and for ties.
        let limit = chord + 2.5 * rounded;
        Self { limit: limit * limit, is_near }
    }
}

/// Points that single precision does not tell from the nearest one: hardly ever more.
const CANDIDATES: usize = 3 * SHORT;

/// The lowest number of the candidates that are tied with the nearest of them, if it is closer than a chord.
#[inline(never)]
fn nearest_of(candidates: impl Iterator<Item = u32>, p: UnitVector, reach: f64, unit: impl Fn(u32) -> UnitVector) -> Option<u32> {
    let (mut list, mut count, mut others) = ([(f64::INFINITY, 0); CANDIDATES], 0, Vec::new());
    for number in candidates {
        let chord = sub(unit(number), p);
        let candidate = (dot(chord, chord), number);
        if count < CANDIDATES {
            list[count] = candidate;
            count += 1;
        } else {
            others.push(candidate);
        }
    }
    let all = || list[..count].iter().chain(&others);
    let least = all().map(|c| c.0).fold(f64::INFINITY, f64::min);
    let tied = least.sqrt() + TIE;
    let is_near = least < reach * reach;
    all().filter(|c| is_near && c.0.sqrt() <= tied).map(|c| c.1).min()
}

/// The number of the nearest point of some runs, the lowest of those tied, if it is closer than a chord. `unit` has the points
/// in double precision.
pub(super) fn nearest(
    points: &[Point],
    runs: [Range<usize>; 3],
    p: UnitVector,
    reach: f64,
    unit: impl Fn(u32) -> UnitVector,
) -> Option<u32> {
    let at = p.map(|c| c as f32);
    let chord2 = |point: &Point| {
        let [x, y, z] = [0, 1, 2].map(|c| f32::from_bits(point[c]) - at[c]);
        x * x + y * y + z * z
    };
    let all = || runs.iter().flat_map(|run| &points[run.clone()]);
    let Least { limit, is_near } = Least::of(all().map(chord2).fold(f32::INFINITY, f32::min), reach);
    let mut candidates = all().filter(|point| chord2(point) <= limit).map(number_of);
    match is_near {
        Some(false) => None,
        Some(true) if candidates.clone().nth(1).is_none() => candidates.next(),
        _ => nearest_of(candidates, p, reach, unit),
    }
}

/// [`nearest`] in vectors. What lies beyond the end of a run is compared as well and does no harm: it is a point.
///
/// # Safety
/// The processor has AVX2; [`SHORT`] points follow the start of each run, and each of its points.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
pub(super) unsafe fn nearest_avx2(
    points: &[Point],
    runs: [Range<usize>; 3],
    p: UnitVector,
    reach: f64,
    unit: impl Fn(u32) -> UnitVector,
) -> Option<u32> {
    // SAFETY: as the caller promises.
    unsafe {
        if runs[0].len().max(runs[1].len()).max(runs[2].len()) <= SHORT {
            nearest_of_short(points, [runs[0].start, runs[1].start, runs[2].start], p, reach, unit)
        } else {
            nearest_of_long(points, runs, p, reach, unit)
        }
    }
}

/// For runs that have no more points than are compared at once, always as many: what the processor does next it knows before.
///
/// # Safety
/// The processor has AVX2; [`SHORT`] points follow each start.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
unsafe fn nearest_of_short(
    points: &[Point],
    starts: [usize; 3],
    p: UnitVector,
    reach: f64,
    unit: impl Fn(u32) -> UnitVector,
) -> Option<u32> {
    use std::arch::x86_64::*;
    debug_assert!(starts.iter().all(|start| start + SHORT <= points.len()));
    // SAFETY: as the caller promises.
    unsafe {
        let at = [_mm256_set1_ps(p[0] as f32), _mm256_set1_ps(p[1] as f32), _mm256_set1_ps(p[2] as f32)];
        let mut chords2 = [_mm256_setzero_ps(); 3];
        for k in 0..3 {
            chords2[k] = chords2_from(points, starts[k], at);
        }
        let least = least_of(_mm256_min_ps(_mm256_min_ps(chords2[0], chords2[1]), chords2[2]));
        let Least { limit, is_near } = Least::of(least, reach);
        if is_near == Some(false) {
            return None;
        }
        let limit = _mm256_set1_ps(limit);
        let mut near = 0u32;
        for k in 0..3 {
            near |= (_mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(chords2[k], limit)) as u32) << (k * SHORT);
        }
        let number = |bit: u32| number_of(&points[starts[bit as usize / SHORT] + PLACES[bit as usize % SHORT]]);
        if near.is_power_of_two() && is_near.is_some() {
            return Some(number(near.trailing_zeros()));
        }
        nearest_of((0..3 * SHORT as u32).filter(|bit| near >> bit & 1 == 1).map(number), p, reach, unit)
    }
}

/// For runs of any length.
///
/// # Safety
/// As for [`nearest_avx2`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
unsafe fn nearest_of_long(
    points: &[Point],
    runs: [Range<usize>; 3],
    p: UnitVector,
    reach: f64,
    unit: impl Fn(u32) -> UnitVector,
) -> Option<u32> {
    use std::arch::x86_64::*;
    // SAFETY: as the caller promises.
    unsafe {
        let at = [_mm256_set1_ps(p[0] as f32), _mm256_set1_ps(p[1] as f32), _mm256_set1_ps(p[2] as f32)];
        let mut least = _mm256_set1_ps(f32::INFINITY);
        for run in &runs {
            let mut point = run.start;
            while point < run.end {
                least = _mm256_min_ps(least, chords2_from(points, point, at));
                point += SHORT;
            }
        }
        let Least { limit, is_near } = Least::of(least_of(least), reach);
        if is_near == Some(false) {
            return None;
        }
        let limit = _mm256_set1_ps(limit);
        let (mut candidates, mut count) = ([0; CANDIDATES], 0);
        for run in &runs {
            let mut point = run.start;
            while point < run.end {
                let chords2 = chords2_from(points, point, at);
                let mut near = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(chords2, limit)) as u32;
                while near != 0 {
                    candidates[count % CANDIDATES] = number_of(&points[point + PLACES[near.trailing_zeros() as usize]]);
                    near &= near - 1;
                    count += 1;
                }
                point += SHORT;
            }
        }
        match count {
            1 if is_near.is_some() => Some(candidates[0]),
            ..=CANDIDATES => nearest_of(candidates[..count].iter().copied(), p, reach, unit),
            // Of many that are hardly apart all are compared.
            _ => nearest_of(runs.iter().flat_map(|run| &points[run.clone()]).map(number_of), p, reach, unit),
        }
    }
}

/// Which of [`SHORT`] points each lane of [`chords2_from`] is of.
#[cfg(target_arch = "x86_64")]
const PLACES: [usize; SHORT] = [0, 2, 4, 6, 1, 3, 5, 7];

/// The squares of the chords from a place to [`SHORT`] points, in the order of [`PLACES`].
///
/// # Safety
/// The processor has AVX2; there are as many points.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
unsafe fn chords2_from(points: &[Point], first: usize, at: [std::arch::x86_64::__m256; 3]) -> std::arch::x86_64::__m256 {
    use std::arch::x86_64::*;
    debug_assert!(first + SHORT <= points.len());
    // SAFETY: as the caller promises.
    unsafe {
        let from = points.as_ptr().add(first).cast::<f32>();
        let [a, b] = [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))];
        let [c, d] = [_mm256_loadu_ps(from.add(16)), _mm256_loadu_ps(from.add(24))];
        // Four by four values are turned around in each half.
        let [xy_ab, xy_cd] = [_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d)];
        let [z_ab, z_cd] = [_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d)];
        let x = _mm256_sub_ps(_mm256_shuffle_ps::<0x44>(xy_ab, xy_cd), at[0]);
        let y = _mm256_sub_ps(_mm256_shuffle_ps::<0xee>(xy_ab, xy_cd), at[1]);
        let z = _mm256_sub_ps(_mm256_shuffle_ps::<0x44>(z_ab, z_cd), at[2]);
        let across = _mm256_add_ps(_mm256_mul_ps(x, x), _mm256_mul_ps(y, y));
        _mm256_add_ps(across, _mm256_mul_ps(z, z))
    }
}

/// The least of eight.
///
/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "vectors exist as instructions only")]
unsafe fn least_of(eight: std::arch::x86_64::__m256) -> f32 {
    use std::arch::x86_64::*;
    // SAFETY: as the caller promises.
    unsafe {
        let four = _mm_min_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
        let pair = _mm_min_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_min_ss(pair, _mm_shuffle_ps::<1>(pair, pair)))
    }
}
