//! Which of many hashes come more than once, by two bits each: unlike a table of what they are hashes of, these fit into caches.

/// For each hash whether it has come, and whether it may have come again; different hashes may share both.
pub(crate) struct Marks(Vec<[u64; 2]>);

impl Marks {
    /// For about `count` hashes: one in eight of them, at most, is taken for another one.
    pub fn for_about(count: usize) -> Self {
        Self(vec![[0; 2]; (count / 8).next_power_of_two()])
    }

    /// Tells of a hash.
    #[inline]
    pub fn meet(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        let [once, again] = &mut self.0[word];
        *again |= *once & bit;
        *once |= bit;
    }

    /// Takes a hash for one that has come again.
    #[inline]
    pub fn doubt(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.0[word][1] |= bit;
    }

    /// Whether a hash may have come.
    #[inline]
    pub fn has(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.0[word][0] & bit != 0
    }

    /// Whether a hash may have come more than once.
    #[inline]
    pub fn is_doubtful(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.0[word][1] & bit != 0
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        ((hash / 64) as usize & (self.0.len() - 1), 1 << (hash % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_again_is_doubtful() {
        let mut marks = Marks::for_about(100);
        [5, 7, 7 << 20, 5].into_iter().for_each(|hash| marks.meet(hash));
        assert!(marks.has(5) && marks.has(7) && !marks.has(6));
        assert!(marks.is_doubtful(5) && !marks.is_doubtful(7) && !marks.is_doubtful(6));
        marks.doubt(7);
        assert!(marks.is_doubtful(7));
    }
}
