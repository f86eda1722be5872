//! Validity of the values of several slabs, a bit each.

use rayon::prelude::*;

/// Cells per word.
const WORD: usize = u64::BITS as usize;

/// A flag per cell and slab: bit `cell % 64` of word `cell / 64` of the slab. Bits beyond the last cell are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlabFlags {
    cells: usize,
    slabs: usize,
    words: Vec<u64>,
}

impl SlabFlags {
    /// Flags that are all false.
    pub fn none(cells: usize, slabs: usize) -> Self {
        Self { cells, slabs, words: vec![0; cells.div_ceil(WORD) * slabs] }
    }

    /// Flags that are all true.
    pub fn all(cells: usize, slabs: usize) -> Self {
        let (mut flags, rest) = (Self::none(cells, slabs), cells % WORD);
        flags.words.fill(u64::MAX);
        if rest > 0 {
            flags.words.chunks_mut(cells.div_ceil(WORD)).for_each(|slab| slab[cells / WORD] = (1 << rest) - 1);
        }
        flags
    }

    /// The flags of some of the slabs.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    pub fn slabs_in(&self, slabs: std::ops::Range<usize>) -> Self {
        let words = self.cells.div_ceil(WORD);
        let own = self.words[slabs.start * words..slabs.end * words].to_vec();
        Self { cells: self.cells, slabs: slabs.len(), words: own }
    }

    /// Takes the flags of `other` from slab `first` on.
    ///
    /// # Panics
    /// If it has other cells, or more slabs than there are.
    pub fn put(&mut self, first: usize, other: &Self) {
        assert_eq!(self.cells, other.cells, "flags of the same cells");
        let words = self.cells.div_ceil(WORD);
        self.words[first * words..(first + other.slabs) * words].copy_from_slice(&other.words);
    }

    /// The flags of slabs of `cells` that lie one after the other.
    ///
    /// # Panics
    /// If `flags` are not whole slabs.
    pub fn from_bools(cells: usize, flags: &[bool]) -> Self {
        let slabs = flags.len().checked_div(cells).unwrap_or(0);
        assert_eq!(flags.len(), slabs * cells, "whole slabs of flags");
        let mut all = Self::none(cells, slabs);
        if cells > 0 {
            let words = all.words.par_chunks_mut(cells.div_ceil(WORD));
            words.zip(flags.par_chunks(cells)).for_each(|(words, flags)| {
                for (word, flags) in words.iter_mut().zip(flags.chunks(WORD)) {
                    *word = word_of(flags);
                }
            });
        }
        all
    }

    /// Writes the flags as bytes, slab after slab.
    ///
    /// # Panics
    /// If `flags` does not have one per cell and slab.
    pub fn write_bools(&self, flags: &mut [bool]) {
        assert_eq!(flags.len(), self.cells * self.slabs, "a flag per cell and slab");
        if self.cells == 0 {
            return;
        }
        flags.par_chunks_mut(self.cells).zip(self.words.par_chunks(self.cells.div_ceil(WORD))).for_each(|(flags, words)| {
            for (&word, flags) in words.iter().zip(flags.chunks_mut(WORD)) {
                match word {
                    u64::MAX => flags.fill(true),
                    0 => flags.fill(false),
                    _ => flags.iter_mut().enumerate().for_each(|(k, flag)| *flag = word >> k & 1 == 1),
                }
            }
        });
    }

    /// Cells per slab.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Number of slabs.
    pub fn slabs(&self) -> usize {
        self.slabs
    }

    /// The flag of a cell.
    pub fn get(&self, slab: usize, cell: usize) -> bool {
        self.slab(slab)[cell / WORD] >> (cell % WORD) & 1 == 1
    }

    /// The words of a slab.
    #[inline]
    pub fn slab(&self, slab: usize) -> &[u64] {
        let words = self.cells.div_ceil(WORD);
        &self.words[slab * words..(slab + 1) * words]
    }

    /// Whether all flags of a slab are true.
    pub fn is_full(&self, slab: usize) -> bool {
        let (words, rest) = (self.slab(slab), self.cells % WORD);
        let (last, whole) = words.split_at(words.len() - usize::from(rest > 0));
        last.iter().all(|&w| w == u64::MAX) && whole.iter().all(|&w| w == (1 << rest) - 1)
    }

    /// Whether all flags are true.
    pub fn is_all(&self) -> bool {
        (0..self.slabs).into_par_iter().with_min_len(4096).all(|slab| self.is_full(slab))
    }

    /// A bit for each slab of which all flags are true, if those of the others are all false.
    pub(crate) fn all_or_none(&self) -> Option<Vec<u64>> {
        let (words, rest) = (self.cells.div_ceil(WORD), self.cells % WORD);
        let last = if rest > 0 { (1 << rest) - 1 } else { u64::MAX };
        let is = |slab: &[u64], most: u64, end: u64| {
            let (last, others) = slab.split_last().expect("a word");
            *last == end && others.iter().all(|&word| word == most)
        };
        let bits = |slabs: &[u64]| {
            let (mut all, mut any) = (0, 0);
            for (k, slab) in slabs.chunks_exact(words).enumerate() {
                all |= u64::from(is(slab, u64::MAX, last)) << k;
                any |= u64::from(!is(slab, 0, 0)) << k;
            }
            (all == any).then_some(all)
        };
        // Those of a word alone in a loop without branches.
        let bits_of_words = |slabs: &[u64]| {
            let (mut all, mut any) = (0, 0);
            for (k, &word) in slabs.iter().enumerate() {
                all |= u64::from(word == last) << k;
                any |= u64::from(word != 0) << k;
            }
            (all == any).then_some(all)
        };
        if words == 1 {
            return self.words.par_chunks(WORD).with_min_len(64).map(bits_of_words).collect();
        }
        self.words.par_chunks(WORD * words.max(1)).with_min_len(64).map(bits).collect()
    }

    /// Number of true flags of a slab.
    pub fn count(&self, slab: usize) -> usize {
        self.slab(slab).iter().map(|w| w.count_ones() as usize).sum()
    }

    pub(crate) fn slab_mut(&mut self, slab: usize) -> &mut [u64] {
        let words = self.cells.div_ceil(WORD);
        &mut self.words[slab * words..(slab + 1) * words]
    }

    /// The words of all slabs, one after the other.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }
}

/// Up to 64 flags.
#[inline(always)]
fn word_of(flags: &[bool]) -> u64 {
    // A true flag is a byte 1; the product gathers the lowest bits of eight bytes in the highest byte.
    let byte = |bytes: &[bool]| {
        let mut all = [0u8; 8];
        all.iter_mut().zip(bytes).for_each(|(byte, &flag)| *byte = u8::from(flag));
        u64::from_le_bytes(all).wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    flags.chunks(8).enumerate().fold(0, |word, (k, bytes)| word | byte(bytes) << (8 * k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_back_from_bits() {
        for cells in [1, 63, 64, 65, 130, 1000] {
            let flags: Vec<bool> = (0..3 * cells).map(|k| k >= 2 * cells || k * k % 7 < 3).collect();
            let bits = SlabFlags::from_bools(cells, &flags);
            let mut back: Vec<bool> = flags.iter().map(|f| !f).collect();
            bits.write_bools(&mut back);
            assert_eq!(back, flags);
            for (k, &flag) in flags.iter().enumerate() {
                assert_eq!(bits.get(k / cells, k % cells), flag);
            }
            assert!(bits.is_full(2));
            assert_eq!(bits.count(2), cells);
            assert_eq!(bits.is_full(1), flags[cells..2 * cells].iter().all(|&f| f));
        }
    }

    #[test]
    fn slabs_of_all_or_none_are_bits() {
        for cells in [1, 32, 64, 65, 130] {
            let is_all = |slab: usize| slab * slab % 7 < 3;
            let mut flags: Vec<bool> = (0..100 * cells).map(|k| is_all(k / cells)).collect();
            let bits = SlabFlags::from_bools(cells, &flags).all_or_none().expect("all or none");
            assert_eq!(bits.len(), 2);
            assert!((0..100).all(|slab| (bits[slab / 64] >> (slab % 64) & 1 == 1) == is_all(slab)));
            if cells > 1 {
                flags[70 * cells + cells / 2] ^= true;
                assert_eq!(SlabFlags::from_bools(cells, &flags).all_or_none(), None);
            }
        }
    }

    #[test]
    fn slabs_are_taken_and_put() {
        let flags: Vec<bool> = (0..3 * 70).map(|k| k % 3 > 0).collect();
        let bits = SlabFlags::from_bools(70, &flags);
        let mut others = SlabFlags::all(70, 3);
        assert!((0..3).all(|slab| others.is_full(slab) && others.count(slab) == 70));
        others.put(1, &bits.slabs_in(1..3));
        assert!(others.is_full(0));
        assert_eq!(others.slabs_in(1..3), SlabFlags::from_bools(70, &flags[70..]));
    }
}
