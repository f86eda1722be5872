//! HDF5's shuffle filter: the first bytes of all numbers, then the second ones, ...
//!
//! `shuffled[k·n + i] = bytes[i·size + k]` for `n` numbers of `size` bytes; a tail shorter than a number stays.

use crate::element::Word;

/// The numbers at `range` of `planes`, shuffled bytes of `planes.len() / size` numbers.
pub(super) fn unshuffle<W: Word>(planes: &[u8], start: usize, out: &mut [W]) {
    let size = size_of::<W>();
    let count = planes.len() / size;
    let len = out.len();
    let plane = |k: usize| &planes[k * count + start..k * count + start + len];
    match size {
        1 => bytemuck::cast_slice_mut(out).copy_from_slice(plane(0)),
        2 => {
            let (a, b) = (plane(0), plane(1));
            let words: &mut [u16] = bytemuck::cast_slice_mut(out);
            for (i, word) in words.iter_mut().enumerate() {
                *word = u16::from_ne_bytes([a[i], b[i]]);
            }
        }
        4 => {
            let planes = [plane(0), plane(1), plane(2), plane(3)];
            join4(planes, bytemuck::cast_slice_mut(out));
        }
        _ => {
            let planes = [plane(0), plane(1), plane(2), plane(3), plane(4), plane(5), plane(6), plane(7)];
            join8(planes, bytemuck::cast_slice_mut(out));
        }
    }
}

/// [`join4_plainly`] by the widest instructions of the machine, four times as quick.
fn join4(planes: [&[u8]; 4], words: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
        fn wide(planes: [&[u8]; 4], words: &mut [u32]) {
            join4_plainly(planes, words);
        }
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            #[allow(unsafe_code, reason = "only the call knows which instructions the machine has")]
            // SAFETY: it has them.
            return unsafe { wide(planes, words) };
        }
    }
    join4_plainly(planes, words);
}

#[inline(always)]
fn join4_plainly(planes: [&[u8]; 4], words: &mut [u32]) {
    let [a, b, c, d] = planes.map(|p| &p[..words.len()]);
    for (i, word) in words.iter_mut().enumerate() {
        *word = u32::from_ne_bytes([a[i], b[i], c[i], d[i]]);
    }
}

fn join8(planes: [&[u8]; 8], words: &mut [u64]) {
    let [a, b, c, d, e, f, g, h] = planes.map(|p| &p[..words.len()]);
    for (i, word) in words.iter_mut().enumerate() {
        *word = u64::from_ne_bytes([a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i]]);
    }
}

/// Shuffles `words` into `planes`, which has their bytes.
pub(super) fn shuffle<W: Word>(words: &[W], planes: &mut [u8]) {
    let size = size_of::<W>();
    if size == 1 || words.is_empty() {
        planes.copy_from_slice(bytemuck::cast_slice(words));
        return;
    }
    for (k, plane) in planes.chunks_exact_mut(words.len()).enumerate() {
        match size {
            2 => split(bytemuck::cast_slice(words), plane, |w: u16| w.to_ne_bytes()[k % 2]),
            4 => split(bytemuck::cast_slice(words), plane, |w: u32| w.to_ne_bytes()[k % 4]),
            _ => split(bytemuck::cast_slice(words), plane, |w: u64| w.to_ne_bytes()[k % 8]),
        }
    }
}

#[inline(always)]
fn split<W: Copy>(words: &[W], plane: &mut [u8], byte: impl Fn(W) -> u8) {
    for (out, &word) in plane.iter_mut().zip(words) {
        *out = byte(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition.
    fn plain(bytes: &[u8], size: usize) -> Vec<u8> {
        let n = bytes.len() / size;
        (0..bytes.len()).map(|at| bytes[(at % n) * size + at / n]).collect()
    }

    fn check<W: Word + PartialEq + std::fmt::Debug>(words: &[W]) {
        let bytes: &[u8] = bytemuck::cast_slice(words);
        let mut planes = vec![0xee; bytes.len()];
        shuffle(words, &mut planes);
        assert_eq!(planes, plain(bytes, size_of::<W>()));
        for start in [0, 1, 5, words.len()] {
            let mut back = vec![W::default(); words.len() - start];
            unshuffle(&planes, start, &mut back);
            assert_eq!(back, words[start..]);
        }
    }

    #[test]
    fn every_size_is_shuffled_as_defined_and_back() {
        let mixed = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        check::<u8>(&(0..77).map(|i| mixed(i) as u8).collect::<Vec<_>>());
        check::<u16>(&(0..77).map(|i| mixed(i) as u16).collect::<Vec<_>>());
        check::<u32>(&(0..77).map(|i| mixed(i) as u32).collect::<Vec<_>>());
        check::<u64>(&(0..77).map(mixed).collect::<Vec<_>>());
    }
}
