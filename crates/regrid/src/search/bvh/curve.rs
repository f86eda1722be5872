//! The order of items along a space-filling curve.

use super::super::buckets::Buckets;
use rayon::prelude::*;

/// The items that have a place, along a space-filling curve, those of one stretch of it by number: the order, and with it
/// every result, is the same on every machine.
pub(super) fn curve_order(len: usize, place: impl Fn(usize) -> Option<[f64; 3]> + Sync) -> Vec<u32> {
    // The place along the curve, then the number.
    let key = |item: usize| place(item).map(|p| curve_key(p) << 32 | item as u64);
    let blocks = len.div_ceil(BLOCK);
    let stretch = |block: usize| block * BLOCK..len.min((block + 1) * BLOCK);
    // Buckets are parts of the curve.
    let bits = (len / BUCKET + 1).ilog2().min(MOST_BUCKET_BITS);
    let keys = Buckets::new(
        (0..blocks).map(|block| stretch(block).len()),
        1 << bits,
        |block, keys| keys.extend(stretch(block).filter_map(key)),
        |key: &u64| (key >> 32 >> (32 - bits)) as usize,
    );
    let lens: Vec<usize> = (0..keys.count()).map(|bucket| keys.len(bucket)).collect();
    let mut order = vec![0; lens.iter().sum()];
    let (mut rest, mut places) = (order.as_mut_slice(), Vec::with_capacity(lens.len()));
    for (bucket, len) in lens.into_iter().enumerate().filter(|(_, len)| *len > 0) {
        let (own, after) = rest.split_at_mut(len);
        places.push((bucket, own));
        rest = after;
    }
    places.into_par_iter().for_each_init(Default::default, |(sorted, other): &mut (Vec<u64>, Vec<u64>), (bucket, own)| {
        sorted.clear();
        keys.parts(bucket).for_each(|part| sorted.extend_from_slice(part));
        sort_by_curve(sorted, other);
        own.iter_mut().zip(sorted).for_each(|(item, key)| *item = *key as u32);
    });
    order
}

/// Items whose keys one task makes, and that a bucket should have.
const BLOCK: usize = 1 << 15;
const BUCKET: usize = 1 << 8;
const MOST_BUCKET_BITS: u32 = 12;

/// Sorts keys, given by number, by their place along the curve and then by number.
fn sort_by_curve(keys: &mut Vec<u64>, other: &mut Vec<u64>) {
    if keys.len() < 1 << 9 {
        keys.sort_unstable();
        return;
    }
    other.resize(keys.len(), 0);
    let mut counts = [[0u32; 1 << DIGIT]; DIGITS];
    for key in &*keys {
        (0..DIGITS).for_each(|d| counts[d][digit(*key, d)] += 1);
    }
    // From the lowest digit on, each pass keeping the order of the one before.
    for (d, counts) in counts.iter_mut().enumerate() {
        let mut start = 0;
        for count in counts.iter_mut() {
            (start, *count) = (start + *count, start);
        }
        for &key in &*keys {
            let next = &mut counts[digit(key, d)];
            other[*next as usize] = key;
            *next += 1;
        }
        std::mem::swap(keys, other);
    }
}

/// Bits that a pass sorts by, and passes for the 32 bits of a key.
const DIGIT: usize = 11;
const DIGITS: usize = 3;

#[inline(always)]
fn digit(key: u64, d: usize) -> usize {
    (key >> (32 + DIGIT * d)) as usize & ((1 << DIGIT) - 1)
}

/// Morton key of a point: 11 bits an axis, interleaved, but for the last one of x.
fn curve_key(p: [f64; 3]) -> u64 {
    let [x, y, z] = p.map(|c| spread(((c.clamp(-1.0, 1.0) + 1.0) * f64::from((1u32 << 20) - 1)) as u32 >> 10));
    u64::from(x >> 1 | y | z << 1)
}

/// Moves bit k of eleven to bit 3k.
fn spread(bits: u32) -> u32 {
    let x = (bits | bits << 16) & 0x0700_00ff;
    let x = (x | x << 8) & 0x0700_f00f;
    let x = (x | x << 4) & 0x430c_30c3;
    (x | x << 2) & 0x4924_9249
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::unit_vector;

    #[test]
    fn bits_of_the_axes_take_turns() {
        let from_bits = |bits: u32| (0..11).fold(0, |all, k| all | (bits >> k & 1) << (3 * k));
        assert!((0..1 << 11).all(|bits| spread(bits) == from_bits(bits)));
        assert_eq!([curve_key([-1.0; 3]), curve_key([1.0; 3])], [0, u64::from(u32::MAX)]);
    }

    #[test]
    fn items_are_in_the_order_of_the_curve_and_then_of_numbers() {
        // One point, a region and the globe; every seventh item has no place. Several blocks and many buckets at the end.
        for (count, width) in [(1000, 0.0), (5000, 0.01), (1 << 17, 1.0)] {
            let place = |k: usize| {
                let lon = (k * 37 % 3600) as f64 * 0.1 * width;
                (k % 7 != 3).then(|| unit_vector(lon, ((k * 61) % 1790) as f64 * 0.1 * width - 89.0))
            };
            let mut expected: Vec<(u64, u32)> = (0..count).filter_map(|k| place(k).map(|p| (curve_key(p), k as u32))).collect();
            expected.sort_unstable();
            assert!(curve_order(count, place).iter().eq(expected.iter().map(|(_, k)| k)), "{count} items over {width}");
        }
        assert_eq!(curve_order(0, |_| unreachable!()), [0; 0]);
    }
}
