//! Which of many hashes come more than once, by two bits each: unlike a table of what they are hashes of, these fit into caches.

/// For each hash whether it has come, and whether it may have come again; different hashes may share both.
pub(crate) struct Marks(Vec<[u64; 2]>);

impl Marks {
    /// For about `count` hashes: one in four of them, at most, is taken for another one.
    pub fn for_about(count: usize) -> Self {
        Self(vec![[0; 2]; (count / 16).next_power_of_two()])
    }

    /// Tells of hashes.
    pub fn meet(&mut self, hashes: impl Iterator<Item = u64>) {
        in_batches(hashes, |hashes| {
            for &hash in hashes {
                let (word, bit) = self.place(hash);
                let [once, again] = &mut self.0[word];
                *again |= *once & bit;
                *once |= bit;
            }
        });
    }

    /// Of pairs of hashes takes both for some that have come again if the second one may have come.
    pub fn doubt(&mut self, pairs: impl Iterator<Item = [u64; 2]>) {
        in_batches(pairs, |pairs| {
            for &[first, second] in pairs {
                let (word, bit) = self.place(second);
                if self.0[word][0] & bit != 0 {
                    self.0[word][1] |= bit;
                    let (word, bit) = self.place(first);
                    self.0[word][1] |= bit;
                }
            }
        });
    }

    /// The numbers of hashes that may have come more than once.
    pub fn doubtful(&self, numbered: impl Iterator<Item = (u32, u64)>) -> Vec<u32> {
        let mut doubtful = Vec::new();
        in_batches(numbered, |numbered| {
            doubtful.extend(numbered.iter().filter_map(|&(number, hash)| {
                let (word, bit) = self.place(hash);
                (self.0[word][1] & bit != 0).then_some(number)
            }));
        });
        doubtful
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        ((hash / 64) as usize & (self.0.len() - 1), 1 << (hash % 64))
    }
}

/// Which of the first `count` numbers have a hash that may be another one's as well, ascending: all whose hash is, and few
/// others.
pub(crate) fn doubtful(count: usize, hash: impl Fn(u32) -> u64) -> Vec<u32> {
    let mut marks = Marks::for_about(count);
    marks.meet((0..count as u32).map(&hash));
    let doubtful = marks.doubtful((0..count as u32).map(|k| (k, hash(k))));
    // Those that only share bits with another one hardly ever do so in other bits as well.
    let other = |k: u32| hash(k).rotate_left(32);
    let mut marks = Marks::for_about(doubtful.len());
    marks.meet(doubtful.iter().map(|&k| other(k)));
    marks.doubtful(doubtful.iter().map(|&k| (k, other(k))))
}

/// Hands on many items at a time: what then waits for memory waits for that of many at once.
fn in_batches<T: Copy + Default>(items: impl Iterator<Item = T>, mut take: impl FnMut(&[T])) {
    let (mut batch, mut len) = ([T::default(); BATCH], 0);
    items.for_each(|item| {
        batch[len] = item;
        len += 1;
        if len == BATCH {
            take(&batch);
            len = 0;
        }
    });
    take(&batch[..len]);
}

const BATCH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_share_a_hash_are_doubtful_and_few_others() {
        // Hashes without a pattern, one in eleven of them another one's as well.
        let mix = |k: u32| {
            let product = u64::from(k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (product ^ (product >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        for count in [0, 1, 64, 30_000] {
            let others = count as u32 / 11 * 10;
            let doubtful = doubtful(count, |k| mix(k % others.max(1)));
            let is_shared = |k: u32| k >= others || k + others < count as u32;
            assert!((0..count as u32).filter(|&k| is_shared(k)).all(|k| doubtful.binary_search(&k).is_ok()) || count < 2);
            let alone = doubtful.iter().filter(|&&k| !is_shared(k)).count();
            assert!(doubtful.is_sorted() && 25 * alone <= count.max(100), "{alone} of {count}");
        }
    }

    #[test]
    fn what_came_again_is_doubtful() {
        let mut marks = Marks::for_about(100);
        let doubtful = |marks: &Marks| marks.doubtful([5, 6, 7, 8].map(|hash| (hash as u32, hash)).into_iter());
        marks.meet([5, 7, 7 << 20, 5].into_iter());
        assert_eq!(doubtful(&marks), [5]);
        marks.doubt([[7, 6]].into_iter());
        assert_eq!(doubtful(&marks), [5]);
        marks.doubt([[8, 7]].into_iter());
        assert_eq!(doubtful(&marks), [5, 7, 8]);
    }
}
