//! Sums over the links of some cells of a latitude, in the stored order of those of each.

use super::across::{Group, TOGETHER};
use crate::sparse_apply::Value;

/// Source latitudes and their weights.
#[derive(Clone, Copy)]
pub(super) struct Lines<'s, V> {
    /// All values, and the words of their flags if some are missing.
    pub(super) source: &'s [V],
    pub(super) words: &'s [u64],
    /// The first latitude, and the cells of each.
    pub(super) first: usize,
    pub(super) columns: usize,
    pub(super) weights: &'s [f64],
}

impl<'s, V> Lines<'s, V> {
    /// For each latitude its first cell and its weight.
    #[inline(always)]
    pub(super) fn each(self) -> impl Iterator<Item = (usize, f64)> + 's
    where
        V: 's,
    {
        (self.first * self.columns..).step_by(self.columns).zip(self.weights.iter().copied())
    }
}

/// Sums of a group over the values that are there.
pub(super) struct Sums {
    pub(super) value: [f64; TOGETHER],
    /// Of the weights.
    pub(super) share: [f64; TOGETHER],
    pub(super) least: [f64; TOGETHER],
    pub(super) greatest: [f64; TOGETHER],
    /// All ones where every value is there.
    pub(super) every: [u64; TOGETHER],
}

impl Sums {
    pub(super) const ZERO: Self = Self {
        value: [0.0; TOGETHER],
        share: [0.0; TOGETHER],
        least: [f64::INFINITY; TOGETHER],
        greatest: [f64::NEG_INFINITY; TOGETHER],
        every: [u64::MAX; TOGETHER],
    };

    /// The sums of a group; `GAPS`: of which values are missing.
    #[inline(always)]
    pub(super) fn plain<V: Value, const GAPS: bool>(lines: Lines<'_, V>, group: Group<'_>) -> Self {
        let mut sums = Self::ZERO;
        for (start, down) in lines.each() {
            for (places, shares) in group.places.iter().zip(group.shares) {
                for b in 0..TOGETHER {
                    let (cell, w) = (start + places[b] as usize, down * shares[b]);
                    let is_there = !GAPS || lines.words[cell / 64] >> (cell % 64) & 1 == 1;
                    let x = lines.source[cell].to_f64();
                    if is_there {
                        sums.value[b] += w * x;
                        sums.share[b] += w;
                        if V::CLAMPED {
                            sums.least[b] = if x < sums.least[b] { x } else { sums.least[b] };
                            sums.greatest[b] = if x > sums.greatest[b] { x } else { sums.greatest[b] };
                        }
                    } else {
                        sums.every[b] = 0;
                    }
                }
            }
        }
        sums
    }
}

/// Up to 64 bits of `words` from `bit` on.
#[inline(always)]
pub(super) fn bits_at(words: &[u64], bit: usize) -> u64 {
    let (word, shift) = (bit / 64, bit % 64);
    let next = if shift > 0 && word + 1 < words.len() { words[word + 1] << (64 - shift) } else { 0 };
    words[word] >> shift | next
}
