//! Weighted sums over zones of a field, with what is missing there: stretches of one zone, summed up side by side.

use crate::global_integral::Compensated;

/// A sum over a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ZoneSum {
    /// Σ weight · value, where valid; cells with a weight of 0 never count.
    pub sum: f64,
    /// Σ weight where a value is missing.
    pub missing: f64,
}

/// Running sums that go side by side.
const LANES: usize = 8;

/// Σ a_i·b_i as an exact product and a compensated sum each, over the cells with `b_i ≠ 0` that are valid (`None`: all).
///
/// What stands in `a` elsewhere never counts, not even if it is no number. Cell i goes to lane i mod 8, and lanes are
/// merged in order: the same bits with any instructions. The error is that of [`crate::global_integral::sum`].
///
/// ```
/// use knarr_kernels::zone_sums::product_sum;
/// let valid = [true, true, false, true];
/// assert_eq!(product_sum(&[1.5, f64::NAN, 7.0, 1.0], &[2.0, 0.0, 1.0, 4.0], Some(&valid)).value(), 7.0);
/// ```
///
/// # Panics
/// If lengths differ.
pub fn product_sum(a: &[f64], b: &[f64], valid: Option<&[bool]>) -> Compensated {
    assert!(a.len() == b.len() && valid.is_none_or(|v| v.len() == a.len()), "a factor and a flag per value");
    let (mut total, mut lost) = ([0.0; LANES], [0.0; LANES]);
    let whole = a.len() / LANES * LANES;
    let ((a_whole, a_rest), (b_whole, b_rest)) = (a.split_at(whole), b.split_at(whole));
    add_chunks(a_whole.as_chunks().0, b_whole.as_chunks().0, valid.map(|v| v.as_chunks().0), &mut total, &mut lost);
    if !a_rest.is_empty() {
        // Lanes beyond the end get terms of 0, which change nothing.
        let (mut a, mut b, mut flags) = ([0.0; LANES], [0.0; LANES], [false; LANES]);
        for lane in 0..a_rest.len() {
            (a[lane], b[lane], flags[lane]) = (a_rest[lane], b_rest[lane], valid.is_none_or(|v| v[whole + lane]));
        }
        add_products(&a, &b, &flags, &mut total, &mut lost);
    }
    let mut sum = Compensated::default();
    for lane in 0..LANES {
        sum.merge(&Compensated::from_parts([total[lane], lost[lane]]));
    }
    sum
}

/// Numbers and flags of all lanes.
type Chunk = [f64; LANES];
type Flags = [bool; LANES];

fn add_chunks(a: &[Chunk], b: &[Chunk], valid: Option<&[Flags]>, total: &mut Chunk, lost: &mut Chunk) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
        // SAFETY: the processor has both, as just asked.
        return unsafe { add_chunks_avx2(a, b, valid, total, lost) };
    }
    add_chunks_here(a, b, valid, total, lost);
}

fn add_chunks_here(a: &[Chunk], b: &[Chunk], valid: Option<&[Flags]>, total: &mut Chunk, lost: &mut Chunk) {
    for k in 0..a.len() {
        add_products(&a[k], &b[k], valid.map_or(&[true; LANES], |v| &v[k]), total, lost);
    }
}

/// [`add_products`] by vectors of four: compilers take the lanes apart otherwise.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_chunks_avx2(a: &[Chunk], b: &[Chunk], valid: Option<&[Flags]>, total: &mut Chunk, lost: &mut Chunk) {
    use std::arch::x86_64::*;
    let load = |lanes: &Chunk, first: usize| _mm256_setr_pd(lanes[first], lanes[first + 1], lanes[first + 2], lanes[first + 3]);
    let mut sums = [0, 4].map(|first| (load(total, first), load(lost, first)));
    let zero = _mm256_setzero_pd();
    for k in 0..a.len() {
        for (half, (total, lost)) in sums.iter_mut().enumerate() {
            let first = 4 * half;
            let (mut a, b) = (load(&a[k], first), load(&b[k], first));
            a = _mm256_and_pd(a, _mm256_cmp_pd::<_CMP_NEQ_UQ>(b, zero));
            if let Some(valid) = valid {
                let flags = i32::from_le_bytes(std::array::from_fn(|lane| u8::from(valid[k][first + lane])));
                let flags = _mm256_sub_epi64(_mm256_setzero_si256(), _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(flags)));
                a = _mm256_and_pd(a, _mm256_castsi256_pd(flags));
            }
            let product = _mm256_mul_pd(a, b);
            let rounding = _mm256_fmsub_pd(a, b, product);
            let next = _mm256_add_pd(*total, product);
            let taken = _mm256_sub_pd(next, *total);
            let own = _mm256_sub_pd(*total, _mm256_sub_pd(next, taken));
            let rest = _mm256_add_pd(_mm256_add_pd(own, _mm256_sub_pd(product, taken)), rounding);
            (*total, *lost) = (next, _mm256_add_pd(*lost, rest));
        }
    }
    for (half, sums) in sums.into_iter().enumerate() {
        for (lanes, sums) in [(&mut *total, sums.0), (&mut *lost, sums.1)] {
            let (low, high) = (_mm256_castpd256_pd128(sums), _mm256_extractf128_pd::<1>(sums));
            let lane = |pair: __m128d| [_mm_cvtsd_f64(pair), _mm_cvtsd_f64(_mm_unpackhi_pd(pair, pair))];
            lanes[4 * half..4 * half + 4].copy_from_slice([lane(low), lane(high)].as_flattened());
        }
    }
}

/// A term for each lane; Knuth's sum needs no comparison of sizes.
#[inline(always)]
fn add_products(a: &[f64; LANES], b: &[f64; LANES], valid: &[bool; LANES], total: &mut [f64; LANES], lost: &mut [f64; LANES]) {
    for lane in 0..LANES {
        let a = if valid[lane] && b[lane] != 0.0 { a[lane] } else { 0.0 };
        let product = a * b[lane];
        let rounding = a.mul_add(b[lane], -product);
        let next = total[lane] + product;
        let taken = next - total[lane];
        lost[lane] += ((total[lane] - (next - taken)) + (product - taken)) + rounding;
        total[lane] = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_lose_nothing_and_are_the_same_with_any_instructions() {
        // Whole numbers: great ones that cancel and small ones, in all lanes and beyond the last whole chunk.
        for n in [0i32, 1, 7, 8, 9, 16, 61, 1003] {
            let a: Vec<f64> = (0..n).map(|k| if k % 3 == 0 { 1e17 } else { f64::from(k) }).collect();
            let b: Vec<f64> = (0..n).map(|k| if k % 6 == 3 { -1.0 } else { 1.0 }).collect();
            let valid: Vec<bool> = (0..n).map(|k| k % 5 != 4).collect();
            for valid in [None, Some(&valid[..])] {
                let mut expected = Compensated::default();
                for k in (0..n as usize).filter(|&k| valid.is_none_or(|v| v[k])) {
                    expected.add_product(a[k], b[k]);
                }
                let found = product_sum(&a, &b, valid);
                assert_eq!(found.value(), expected.value(), "{n}");
                let (mut plain, mut vectors) = (([0.0; LANES], [0.0; LANES]), ([0.0; LANES], [0.0; LANES]));
                let ((a, b), valid) = ((a.as_chunks().0, b.as_chunks().0), valid.map(|v| v.as_chunks().0));
                add_chunks_here(a, b, valid, &mut plain.0, &mut plain.1);
                add_chunks(a, b, valid, &mut vectors.0, &mut vectors.1);
                assert_eq!(plain, vectors, "{n}");
            }
        }
    }
}
