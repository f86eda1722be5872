//! Slabs keep the values of one level and time together, sums need the values of one cell together: small
//! matrices are turned around in registers.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Instructions that code is compiled for; all give the same bits.
pub(crate) const PLAIN: u8 = 0;
/// Vectors of 256 bits.
pub(crate) const AVX2: u8 = 1;
/// Vectors of 512 bits.
pub(crate) const AVX512: u8 = 2;

/// The best that this machine has.
pub(crate) fn best_instructions() -> u8 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            return AVX512;
        }
        if is_x86_feature_detected!("avx2") {
            return AVX2;
        }
    }
    PLAIN
}

/// `to[k * stride + b] = rows[b][k]` for `C` values of each row.
///
/// # Safety
/// `C` values follow each pointer of `rows`, and there is room for what is written; the machine has the instructions `I`.
#[inline(always)]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
pub(crate) unsafe fn turn_f32<const I: u8, const R: usize, const C: usize>(rows: &[*const f32; R], to: *mut f32, stride: usize) {
    // SAFETY: as the caller promises; parts of R and C are within them.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        {
            if I == AVX512 && R.is_multiple_of(16) && C.is_multiple_of(16) {
                return in_parts::<_, R, C, 16>(rows, to, stride, |rows, to| turn_16x16(rows, to, stride));
            }
            if I >= AVX2 && R.is_multiple_of(8) && C.is_multiple_of(8) {
                return in_parts::<_, R, C, 8>(rows, to, stride, |rows, to| turn_8x8(rows, to, stride));
            }
        }
        plain::<_, R, C>(rows, to, stride);
    }
}

/// [`turn_f32`] in double precision.
///
/// # Safety
/// As of [`turn_f32`].
#[inline(always)]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
pub(crate) unsafe fn turn_f64<const I: u8, const R: usize, const C: usize>(rows: &[*const f64; R], to: *mut f64, stride: usize) {
    // SAFETY: as the caller promises; parts of R and C are within them.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        {
            if I == AVX512 && R.is_multiple_of(8) && C.is_multiple_of(8) {
                return in_parts::<_, R, C, 8>(rows, to, stride, |rows, to| turn_8x8_wide(rows, to, stride));
            }
            if I >= AVX2 && R.is_multiple_of(4) && C.is_multiple_of(4) {
                return in_parts::<_, R, C, 4>(rows, to, stride, |rows, to| turn_4x4_wide(rows, to, stride));
            }
        }
        plain::<_, R, C>(rows, to, stride);
    }
}

/// Turns `N` by `N` values at once, those that are written side by side one after the other.
///
/// # Safety
/// As of [`turn_f32`]; `N` divides `R` and `C`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
unsafe fn in_parts<V, const R: usize, const C: usize, const N: usize>(
    rows: &[*const V; R],
    to: *mut V,
    stride: usize,
    turn: impl Fn([*const V; N], *mut V),
) {
    for k in (0..C).step_by(N) {
        for b in (0..R).step_by(N) {
            let mut part = [std::ptr::null(); N];
            // SAFETY: as the caller promises.
            unsafe {
                for i in 0..N {
                    part[i] = rows[b + i].add(k);
                }
                turn(part, to.add(k * stride + b));
            }
        }
    }
}

/// # Safety
/// As of [`turn_f32`].
#[inline(always)]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
unsafe fn plain<V: Copy, const R: usize, const C: usize>(rows: &[*const V; R], to: *mut V, stride: usize) {
    for k in 0..C {
        for b in 0..R {
            // SAFETY: as the caller promises.
            unsafe { *to.add(k * stride + b) = *rows[b].add(k) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
/// # Safety
/// 16 values follow each pointer, and there is room for as many from each of 16 steps on.
unsafe fn turn_16x16(rows: [*const f32; 16], to: *mut f32, stride: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut r = [_mm512_setzero_ps(); 16];
        for i in 0..16 {
            r[i] = _mm512_loadu_ps(rows[i]);
        }
        let mut pairs = [[_mm512_setzero_pd(); 2]; 8];
        for i in 0..8 {
            let (a, b) = (r[2 * i], r[2 * i + 1]);
            pairs[i] = [_mm512_castps_pd(_mm512_unpacklo_ps(a, b)), _mm512_castps_pd(_mm512_unpackhi_ps(a, b))];
        }
        for j in 0..4 {
            // Column 4 m + j of four rows in the 128-bit lane m.
            let mut fours = [_mm512_setzero_ps(); 4];
            for i in 0..4 {
                let (a, b) = (pairs[2 * i][j / 2], pairs[2 * i + 1][j / 2]);
                fours[i] = _mm512_castpd_ps(if j % 2 == 0 { _mm512_unpacklo_pd(a, b) } else { _mm512_unpackhi_pd(a, b) });
            }
            let even = [_mm512_shuffle_f32x4::<0x88>(fours[0], fours[1]), _mm512_shuffle_f32x4::<0x88>(fours[2], fours[3])];
            let odd = [_mm512_shuffle_f32x4::<0xdd>(fours[0], fours[1]), _mm512_shuffle_f32x4::<0xdd>(fours[2], fours[3])];
            _mm512_storeu_ps(to.add(j * stride), _mm512_shuffle_f32x4::<0x88>(even[0], even[1]));
            _mm512_storeu_ps(to.add((j + 4) * stride), _mm512_shuffle_f32x4::<0x88>(odd[0], odd[1]));
            _mm512_storeu_ps(to.add((j + 8) * stride), _mm512_shuffle_f32x4::<0xdd>(even[0], even[1]));
            _mm512_storeu_ps(to.add((j + 12) * stride), _mm512_shuffle_f32x4::<0xdd>(odd[0], odd[1]));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
/// # Safety
/// 8 values follow each pointer, and there is room for as many from each of 8 steps on.
unsafe fn turn_8x8(rows: [*const f32; 8], to: *mut f32, stride: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut r = [_mm256_setzero_ps(); 8];
        for i in 0..8 {
            r[i] = _mm256_loadu_ps(rows[i]);
        }
        let mut pairs = [[_mm256_setzero_pd(); 2]; 4];
        for i in 0..4 {
            let (a, b) = (r[2 * i], r[2 * i + 1]);
            pairs[i] = [_mm256_castps_pd(_mm256_unpacklo_ps(a, b)), _mm256_castps_pd(_mm256_unpackhi_ps(a, b))];
        }
        for j in 0..4 {
            let mut fours = [_mm256_setzero_ps(); 2];
            for i in 0..2 {
                let (a, b) = (pairs[2 * i][j / 2], pairs[2 * i + 1][j / 2]);
                fours[i] = _mm256_castpd_ps(if j % 2 == 0 { _mm256_unpacklo_pd(a, b) } else { _mm256_unpackhi_pd(a, b) });
            }
            _mm256_storeu_ps(to.add(j * stride), _mm256_permute2f128_ps::<0x20>(fours[0], fours[1]));
            _mm256_storeu_ps(to.add((j + 4) * stride), _mm256_permute2f128_ps::<0x31>(fours[0], fours[1]));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
/// # Safety
/// 8 values follow each pointer, and there is room for as many from each of 8 steps on.
unsafe fn turn_8x8_wide(rows: [*const f64; 8], to: *mut f64, stride: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut pairs = [[_mm512_setzero_pd(); 2]; 4];
        for i in 0..4 {
            let (a, b) = (_mm512_loadu_pd(rows[2 * i]), _mm512_loadu_pd(rows[2 * i + 1]));
            pairs[i] = [_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b)];
        }
        for j in 0..2 {
            let (low, high) = ([pairs[0][j], pairs[1][j]], [pairs[2][j], pairs[3][j]]);
            let even = [_mm512_shuffle_f64x2::<0x88>(low[0], low[1]), _mm512_shuffle_f64x2::<0x88>(high[0], high[1])];
            let odd = [_mm512_shuffle_f64x2::<0xdd>(low[0], low[1]), _mm512_shuffle_f64x2::<0xdd>(high[0], high[1])];
            _mm512_storeu_pd(to.add(j * stride), _mm512_shuffle_f64x2::<0x88>(even[0], even[1]));
            _mm512_storeu_pd(to.add((j + 2) * stride), _mm512_shuffle_f64x2::<0x88>(odd[0], odd[1]));
            _mm512_storeu_pd(to.add((j + 4) * stride), _mm512_shuffle_f64x2::<0xdd>(even[0], even[1]));
            _mm512_storeu_pd(to.add((j + 6) * stride), _mm512_shuffle_f64x2::<0xdd>(odd[0], odd[1]));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
/// # Safety
/// 4 values follow each pointer, and there is room for as many from each of 4 steps on.
unsafe fn turn_4x4_wide(rows: [*const f64; 4], to: *mut f64, stride: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut pairs = [[_mm256_setzero_pd(); 2]; 2];
        for i in 0..2 {
            let (a, b) = (_mm256_loadu_pd(rows[2 * i]), _mm256_loadu_pd(rows[2 * i + 1]));
            pairs[i] = [_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)];
        }
        for j in 0..2 {
            _mm256_storeu_pd(to.add(j * stride), _mm256_permute2f128_pd::<0x20>(pairs[0][j], pairs[1][j]));
            _mm256_storeu_pd(to.add((j + 2) * stride), _mm256_permute2f128_pd::<0x31>(pairs[0][j], pairs[1][j]));
        }
    }
}

/// Bit `b` of each of `values`; the machine must have the instructions `I`.
#[inline(always)]
pub(crate) fn bits_of<const I: u8>(values: &[u16; 64], b: usize) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if I == AVX512 {
        #[allow(unsafe_code, reason = "the machine has the instructions")]
        // SAFETY: `I` is what the machine has.
        return unsafe { bits_of_64(values, b) };
    }
    values.iter().enumerate().fold(0, |bits, (k, &value)| bits | u64::from(value >> b & 1) << k)
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn bits_of_64(values: &[u16; 64], b: usize) -> u64 {
    let half = |from: &[u16; 64], at: usize| {
        #[allow(unsafe_code, reason = "a load through a pointer")]
        // SAFETY: 32 values follow.
        let values = unsafe { _mm512_loadu_epi16(from[at..at + 32].as_ptr().cast()) };
        u64::from(_mm512_test_epi16_mask(values, _mm512_set1_epi16(1 << b)))
    };
    half(values, 0) | half(values, 32) << 32
}

/// From flags of 16 cells, slab by slab, to flags of the slabs, cell by cell: bit `b` of the word `k` is bit `k` of `slabs[b]`.
#[inline(always)]
pub(crate) fn turn_flags<const I: u8, const L: usize>(slabs: &[u16; L]) -> [u16; 16] {
    #[cfg(target_arch = "x86_64")]
    if I == AVX512 {
        #[allow(unsafe_code, reason = "the machine has the instructions")]
        // SAFETY: `I` is what the machine has.
        return unsafe { turn_flags_wide(slabs) };
    }
    let mut cells = [0; 16];
    for b in 0..L {
        for k in 0..16 {
            cells[k] |= if slabs[b] & 1 << k == 0 { 0 } else { 1 << b };
        }
    }
    cells
}

/// [`turn_flags`] of slabs that all have the same ones.
#[inline(always)]
pub(crate) fn spread_flags(flags: u16) -> [u16; 16] {
    let mut cells = [0; 16];
    for k in 0..16 {
        cells[k] = (flags >> k & 1).wrapping_neg();
    }
    cells
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn turn_flags_wide<const L: usize>(slabs: &[u16; L]) -> [u16; 16] {
    let mut cells = _mm256_setzero_si256();
    for b in 0..L {
        cells = _mm256_mask_add_epi16(cells, slabs[b], cells, _mm256_set1_epi16(1 << b));
    }
    let mut words = [0; 16];
    #[allow(unsafe_code, reason = "a store through a pointer")]
    // SAFETY: there is room for 16 words.
    unsafe {
        _mm256_storeu_epi16(words.as_mut_ptr().cast(), cells);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_goes_to_its_place() {
        let values: [u16; 64] = std::array::from_fn(|k| (k as u16 + 3).wrapping_mul(40503) ^ 0x1234);
        for (b, k) in (0..16).flat_map(|b| (0..64).map(move |k| (b, k))) {
            let expected = u64::from(values[k] >> b & 1);
            assert_eq!(bits_of::<PLAIN>(&values, b) >> k & 1, expected);
            if best_instructions() == AVX512 {
                assert_eq!(bits_of::<AVX512>(&values, b) >> k & 1, expected);
            }
        }
    }

    fn check_flags<const I: u8>() {
        let slabs: [u16; 16] = std::array::from_fn(|b| (b as u16 + 5).wrapping_mul(40503) ^ 0x4321);
        let (all, half) = (turn_flags::<I, 16>(&slabs), turn_flags::<I, 8>(slabs[..8].try_into().expect("8 slabs")));
        for (b, k) in (0..16).flat_map(|b| (0..16).map(move |k| (b, k))) {
            assert_eq!(all[k] >> b & 1, slabs[b] >> k & 1, "{I}");
            assert_eq!(half[k] >> b & 1, if b < 8 { slabs[b] >> k & 1 } else { 0 }, "{I}");
        }
    }

    #[test]
    fn flags_are_turned() {
        check_flags::<PLAIN>();
        if best_instructions() == AVX512 {
            check_flags::<AVX512>();
        }
    }

    fn check<const I: u8, const R: usize, const C: usize>() {
        let narrow: [[f32; C]; R] = std::array::from_fn(|b| std::array::from_fn(|k| (100 * b + k) as f32));
        let wide = narrow.map(|row| row.map(f64::from));
        let (mut narrow_columns, mut wide_columns) = ([[-1.0; R]; C], [[-1.0; R]; C]);
        #[allow(unsafe_code, reason = "the machine was asked for the instructions")]
        // SAFETY: rows have C values, columns R.
        unsafe {
            turn_f32::<I, R, C>(&narrow.each_ref().map(|row| row.as_ptr()), narrow_columns.as_mut_ptr().cast(), R);
            turn_f64::<I, R, C>(&wide.each_ref().map(|row| row.as_ptr()), wide_columns.as_mut_ptr().cast(), R);
        }
        for (k, b) in (0..C).flat_map(|k| (0..R).map(move |b| (k, b))) {
            assert_eq!(narrow_columns[k][b], (100 * b + k) as f32, "{I} {R} x {C}");
            assert_eq!(wide_columns[k][b], (100 * b + k) as f64, "{I} {R} x {C}");
        }
    }

    #[test]
    fn every_value_goes_to_its_place_with_all_instructions_of_the_machine() {
        let best = best_instructions();
        println!("best instructions: {best}");
        check::<PLAIN, 8, 16>();
        check::<PLAIN, 16, 16>();
        if best >= AVX2 {
            check::<AVX2, 8, 16>();
            check::<AVX2, 16, 8>();
            check::<AVX2, 16, 16>();
        }
        if best >= AVX512 {
            check::<AVX512, 8, 16>();
            check::<AVX512, 16, 8>();
            check::<AVX512, 16, 16>();
        }
    }
}
