//! Items brought together by all threads: each block of them is sorted by bucket on its own, and a bucket has its part of every
//! block in turn. So the items of a bucket are in the order of the blocks, whatever the number of threads.

use rayon::prelude::*;
use std::ops::Range;

/// Items in blocks, each sorted by bucket.
pub(crate) struct Buckets<T> {
    items: Vec<T>,
    blocks: Vec<Block>,
    count: usize,
}

/// Where the items of a block start, and where its buckets end, counted from there.
struct Block {
    first: usize,
    ends: Vec<u32>,
}

impl<T: Copy + Default + Send + Sync> Buckets<T> {
    /// `fill(k, items)` appends the items of block `k`, `spaces[k]` of them at most, and `bucket` says for each where it belongs:
    /// a number below `count`.
    pub fn new(
        spaces: impl Iterator<Item = usize>,
        count: usize,
        fill: impl Fn(usize, &mut Vec<T>) + Sync,
        bucket: impl Fn(&T) -> usize + Sync,
    ) -> Self {
        let spaces: Vec<usize> = spaces.collect();
        // Zeros that are asked for anew are not written before they are needed.
        let mut items = vec![T::default(); spaces.iter().sum()];
        let (mut rest, mut first, mut places) = (items.as_mut_slice(), 0, Vec::with_capacity(spaces.len()));
        for space in spaces {
            let (own, after) = rest.split_at_mut(space);
            places.push((first, own));
            (rest, first) = (after, first + space);
        }
        let sort = |unsorted: &mut Vec<T>, (k, (first, own)): (usize, (usize, &mut [T]))| {
            unsorted.clear();
            fill(k, unsorted);
            let mut ends = vec![0u32; count];
            unsorted.iter().for_each(|item| ends[bucket(item)] += 1);
            let mut start = 0;
            for end in &mut ends {
                (start, *end) = (start + *end, start);
            }
            // Starts become ends as buckets are filled.
            for item in unsorted {
                let next = &mut ends[bucket(item)];
                own[*next as usize] = *item;
                *next += 1;
            }
            Block { first, ends }
        };
        let blocks = places.into_par_iter().enumerate().map_init(Vec::new, sort).collect();
        Self { items, blocks, count }
    }

    /// Number of buckets.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The items of a bucket, block by block.
    pub fn parts(&self, bucket: usize) -> impl Iterator<Item = &[T]> + Clone {
        self.blocks.iter().map(move |block| &self.items[block.range(bucket)])
    }

    /// Number of items of a bucket.
    pub fn len(&self, bucket: usize) -> usize {
        self.blocks.iter().map(|block| block.range(bucket).len()).sum()
    }
}

impl Block {
    fn range(&self, bucket: usize) -> Range<usize> {
        let start = if bucket == 0 { 0 } else { self.ends[bucket - 1] };
        self.first + start as usize..self.first + self.ends[bucket] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_the_order_of_blocks() {
        // Blocks of 0 to 99 numbers, fewer than there is space for, over 7 buckets of which one is empty.
        let numbers = |k: usize| (0..k as u64).filter(|n| n % 7 != 3).map(move |n| 1000 * k as u64 + n);
        let buckets = Buckets::new(0..100, 7, |k, items| items.extend(numbers(k)), |item: &u64| (item % 1000 % 7) as usize);
        assert_eq!(buckets.count(), 7);
        for bucket in 0..7 {
            let found: Vec<u64> = buckets.parts(bucket).flatten().copied().collect();
            let expected: Vec<u64> = (0..100).flat_map(numbers).filter(|n| n % 1000 % 7 == bucket as u64).collect();
            assert_eq!((found.len(), buckets.len(bucket)), (expected.len(), expected.len()));
            assert_eq!(found, expected);
        }
        assert_eq!(buckets.len(3), 0);
        assert_eq!(Buckets::new(0..0, 2, |_, _| (), |_: &u64| 0).parts(1).count(), 0);
    }
}
