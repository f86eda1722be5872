//! Compressed sparse rows made in blocks by all threads, and copied to their places by all of them.

use rayon::prelude::*;
use std::ops::Range;

/// Rows made by one task.
#[derive(Default)]
pub(crate) struct RowBlock {
    /// Number of links of each row.
    pub counts: Vec<u32>,
    pub columns: Vec<u32>,
    pub values: Vec<f64>,
}

impl RowBlock {
    fn clear(&mut self) {
        self.counts.clear();
        self.columns.clear();
        self.values.clear();
    }
}

/// Links that a block should have: enough to make bookkeeping cheap, few enough to balance threads.
const BLOCK_LINKS: usize = 8192;
/// Most rows per block.
const BLOCK_ROWS: usize = 1024;
/// Blocks that each thread makes before they are joined, and all of them at most: bounds what is held twice.
const BLOCKS_PER_THREAD: usize = 24;
const MOST_BLOCKS: usize = 64;
/// Space is kept for this many times the links expected: what is not written to takes no memory.
const MARGIN: f64 = 1.25;
/// Most that the space grows at a time: the first rows may be longer than others.
const MOST_GROWTH: usize = 8;

/// Makes `len` rows in parallel; `make(rows, state, block)` adds each of the rows in turn. The result, row starts, columns
/// and values, does not depend on the number of threads.
pub(crate) fn collect<S>(
    len: usize,
    state: impl Fn() -> S + Sync,
    make: impl Fn(Range<usize>, &mut S, &mut RowBlock) + Sync,
) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
    let mut all = Growing::with_rows(len);
    // Kept from one round to the next: memory that is given back and asked for anew costs more than what is done in it.
    let at_once = (BLOCKS_PER_THREAD * rayon::current_num_threads()).min(MOST_BLOCKS);
    let mut blocks: Vec<RowBlock> = (0..at_once).map(|_| RowBlock::default()).collect();
    // The first blocks are small: how many links a row has shows then.
    let mut rows = BLOCK_ROWS / 32;
    while all.done < len {
        let starts: Vec<usize> = (all.done..len).step_by(rows).take(at_once).collect();
        let blocks = &mut blocks[..starts.len()];
        blocks.par_iter_mut().zip(starts).for_each_init(&state, |state, (block, start)| {
            block.clear();
            make(start..(start + rows).min(len), state, block);
        });
        all.append(blocks);
        rows = (BLOCK_LINKS * all.done / all.filled.max(1)).clamp(1, BLOCK_ROWS);
    }
    all.finish()
}

/// Rows so far. Memory beyond what is filled has not been touched.
pub(crate) struct Growing {
    row_starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
    /// Rows and links so far.
    done: usize,
    filled: usize,
}

impl Growing {
    /// No rows yet, of `len` in the end.
    pub(crate) fn with_rows(len: usize) -> Self {
        Self { row_starts: vec![0; len + 1], columns: Vec::new(), values: Vec::new(), done: 0, filled: 0 }
    }

    /// Adds the rows that follow.
    pub(crate) fn append(&mut self, blocks: &[RowBlock]) {
        let rows: usize = blocks.iter().map(|b| b.counts.len()).sum();
        let links: usize = blocks.iter().map(|b| b.columns.len()).sum();
        self.reserve(self.filled + links, self.done + rows);
        let mut row_starts = &mut self.row_starts[self.done + 1..];
        let (mut columns, mut values) = (&mut self.columns[self.filled..], &mut self.values[self.filled..]);
        let mut places = Vec::with_capacity(blocks.len());
        let mut start = self.filled;
        for block in blocks {
            let links = block.columns.len();
            let (starts, columns_after, values_after) =
                (row_starts.split_at_mut(block.counts.len()), columns.split_at_mut(links), values.split_at_mut(links));
            places.push((start, starts.0, columns_after.0, values_after.0));
            (row_starts, columns, values) = (starts.1, columns_after.1, values_after.1);
            start += links;
        }
        places.into_par_iter().zip(blocks).for_each(|((start, row_starts, columns, values), block)| {
            let mut end = start;
            for (row_end, &count) in row_starts.iter_mut().zip(&block.counts) {
                end += count as usize;
                *row_end = end;
            }
            columns.copy_from_slice(&block.columns);
            values.copy_from_slice(&block.values);
        });
        (self.done, self.filled) = (self.done + rows, self.filled + links);
    }

    /// Space for `needed` links of the first `rows` rows, and for what then comes as it seems.
    fn reserve(&mut self, needed: usize, rows: usize) {
        if needed <= self.columns.len() {
            return;
        }
        let len = self.row_starts.len() - 1;
        let expected = (needed as f64 * MARGIN * len as f64 / rows as f64) as usize;
        let expected = expected.clamp(needed, needed.saturating_mul(MOST_GROWTH).max(1 << 16));
        if self.filled < expected / 4 {
            // Zeros that are asked for anew are not written before they are needed.
            let mut columns = vec![0; expected];
            columns[..self.filled].copy_from_slice(&self.columns[..self.filled]);
            self.columns = columns;
            let mut values = vec![0.0; expected];
            values[..self.filled].copy_from_slice(&self.values[..self.filled]);
            self.values = values;
        } else {
            // Late, and far more than it seemed: no second copy of what there is.
            let expected = needed + expected / 32;
            self.columns.reserve_exact(expected - self.columns.len());
            self.columns.resize(expected, 0);
            self.values.reserve_exact(expected - self.values.len());
            self.values.resize(expected, 0.0);
        }
    }

    /// Row starts, columns and values.
    pub(crate) fn finish(mut self) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
        self.columns.truncate(self.filled);
        self.columns.shrink_to_fit();
        self.values.truncate(self.filled);
        self.values.shrink_to_fit();
        (self.row_starts, self.columns, self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Short rows, then rows far longer, then none: space runs out in every way.
    #[test]
    fn rows_keep_their_order_however_long_they_are() {
        let count = |i: usize| match i {
            0..3000 => i % 3,
            3000..9000 => 1,
            9000..9100 => 5000 + i,
            9100..20_000 => i % 40,
            _ => 0,
        };
        let (row_starts, columns, values) = collect(
            21_000,
            || (),
            |rows, (), block| {
                for i in rows {
                    block.counts.push(count(i) as u32);
                    block.columns.extend((0..count(i)).map(|k| (i + k) as u32));
                    block.values.extend((0..count(i)).map(|k| i as f64 - 0.5 * k as f64));
                }
            },
        );
        assert_eq!(row_starts.len(), 21_001);
        assert_eq!((columns.len(), values.len()), (row_starts[21_000], row_starts[21_000]));
        for i in 0..21_000 {
            let row = row_starts[i]..row_starts[i + 1];
            assert_eq!(row.len(), count(i), "{i}");
            assert!(row.clone().all(|k| columns[k] as usize == i + k - row.start), "{i}");
            assert!(row.clone().all(|k| values[k] == i as f64 - 0.5 * (k - row.start) as f64), "{i}");
        }
        assert_eq!(collect(0, || (), |_, (), _| unreachable!()), (vec![0], vec![], vec![]));
    }
}
