//! Compressed sparse rows made in blocks by all threads, and copied to their places by all of them.

mod stream;

use rayon::prelude::*;
use std::mem::take;
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

/// Space is kept for this many times the links expected: what is not written to takes no memory.
const MARGIN: f64 = 1.25;
/// Most that the space grows at a time where rows come one after another: the first may be longer than others.
const MOST_GROWTH: usize = 8;

/// Makes `len` rows in parallel; `make(rows, state, block)` adds each of the rows in turn, and does not wait for other threads.
/// The result, row starts, columns and values, does not depend on the number of threads.
pub(crate) fn collect<S>(
    len: usize,
    state: impl Fn() -> S + Sync,
    make: impl Fn(Range<usize>, &mut S, &mut RowBlock) + Sync,
) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
    let mut all = Growing::with_rows(len);
    let mut samples = stream::samples(len, &state, &make);
    all.hold(samples.links_expected(len));
    while all.done < len {
        // Blocks for which there is no more space are joined to the others as there is.
        let left = stream::fill(&mut all, &mut samples, &state, &make);
        all.append(&left);
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

/// The space that is left.
struct Space<'a> {
    row_starts: &'a mut [usize],
    columns: &'a mut [u32],
    values: &'a mut [f64],
    /// Links before it.
    filled: usize,
}

/// Where a block goes.
struct Place<'a> {
    start: usize,
    row_starts: &'a mut [usize],
    columns: &'a mut [u32],
    values: &'a mut [f64],
}

impl<'a> Space<'a> {
    fn has_room_for(&self, block: &RowBlock) -> bool {
        block.columns.len() <= self.columns.len()
    }

    /// The place of the next block.
    fn give(&mut self, block: &RowBlock) -> Place<'a> {
        let (rows, links) = (block.counts.len(), block.columns.len());
        let (row_starts, columns, values) = (
            take(&mut self.row_starts).split_at_mut(rows),
            take(&mut self.columns).split_at_mut(links),
            take(&mut self.values).split_at_mut(links),
        );
        let start = self.filled;
        *self = Self { row_starts: row_starts.1, columns: columns.1, values: values.1, filled: start + links };
        Place { start, row_starts: row_starts.0, columns: columns.0, values: values.0 }
    }
}

impl Place<'_> {
    fn fill(&mut self, block: &RowBlock) {
        let mut end = self.start;
        for (row_end, &count) in self.row_starts.iter_mut().zip(&block.counts) {
            end += count as usize;
            *row_end = end;
        }
        self.columns.copy_from_slice(&block.columns);
        self.values.copy_from_slice(&block.values);
    }
}

impl Growing {
    /// No rows yet, of `len` in the end.
    pub(crate) fn with_rows(len: usize) -> Self {
        Self { row_starts: vec![0; len + 1], columns: Vec::new(), values: Vec::new(), done: 0, filled: 0 }
    }

    fn space(&mut self) -> Space<'_> {
        Space {
            row_starts: &mut self.row_starts[self.done + 1..],
            columns: &mut self.columns[self.filled..],
            values: &mut self.values[self.filled..],
            filled: self.filled,
        }
    }

    /// Adds the rows that follow.
    pub(crate) fn append(&mut self, blocks: &[RowBlock]) {
        let rows: usize = blocks.iter().map(|b| b.counts.len()).sum();
        let links: usize = blocks.iter().map(|b| b.columns.len()).sum();
        self.reserve(self.filled + links, self.done + rows);
        let mut space = self.space();
        let places: Vec<Place> = blocks.iter().map(|block| space.give(block)).collect();
        places.into_par_iter().zip(blocks).for_each(|(mut place, block)| place.fill(block));
        (self.done, self.filled) = (self.done + rows, self.filled + links);
    }

    /// Space for `links` in all. Zeros that are asked for anew are not written before they are needed.
    fn hold(&mut self, links: usize) {
        let mut columns = vec![0; links];
        columns[..self.filled].copy_from_slice(&self.columns[..self.filled]);
        self.columns = columns;
        let mut values = vec![0.0; links];
        values[..self.filled].copy_from_slice(&self.values[..self.filled]);
        self.values = values;
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
            self.hold(expected);
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

    /// Rows of which none, one or some thousands have a thousand links: what samples say of all is wrong in every way.
    #[test]
    fn space_is_found_whatever_samples_say() {
        for len in [1, 2, 63, 64, 65, 200, 5000, 40_000] {
            for is_long in [|_, _| false, |i, _| i == 0, |i, len| i + 1 == len, |i, len: usize| i > len / 2 && i % 10 == 7] {
                let count = |i: usize| if is_long(i, len) { 1000 } else { i % 2 };
                let (row_starts, columns, values) = collect(
                    len,
                    || (),
                    |rows, (), block| {
                        for i in rows {
                            block.counts.push(count(i) as u32);
                            block.columns.extend(std::iter::repeat_n(i as u32, count(i)));
                            block.values.extend((0..count(i)).map(|k| k as f64));
                        }
                    },
                );
                assert_eq!(row_starts.len(), len + 1);
                for i in 0..len {
                    let row = row_starts[i]..row_starts[i + 1];
                    assert_eq!(row.len(), count(i), "{i} of {len}");
                    assert!(columns[row.clone()].iter().all(|&c| c as usize == i), "{i} of {len}");
                    assert!(values[row].iter().zip(0..).all(|(v, k)| *v == f64::from(k)), "{i} of {len}");
                }
            }
        }
    }

    #[test]
    fn a_failing_row_ends_all_threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("threads");
        let fails = |rows: Range<usize>, (): &mut (), block: &mut RowBlock| {
            assert!(!rows.contains(&300_000), "this row fails");
            block.counts.extend(rows.map(|_| 0));
        };
        let made = || pool.install(|| collect(1_000_000, || (), fails));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(made)).is_err());
    }
}
