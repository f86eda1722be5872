//! Overlap areas as sparse rows.

use crate::growing::{self, RowBlock};
use std::ops::Range;

/// Areas of overlap, compressed by row; columns ascend within a row and appear once.
#[derive(Debug, Default)]
pub(super) struct Overlaps {
    pub row_starts: Vec<usize>,
    pub columns: Vec<u32>,
    pub areas: Vec<f64>,
}

impl RowBlock {
    /// Ends a row: sorts its links, adds up repeated ones, drops slivers below `least_area`.
    pub fn finish_row(&mut self, links: &mut Vec<(u32, f64)>, least_area: f64) {
        // A stable sort keeps the order in which parts of one overlap are added.
        if !links.is_sorted_by_key(|l| l.0) {
            links.sort_by_key(|l| l.0);
        }
        links.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let before = self.columns.len();
        for &(column, area) in links.iter() {
            if area > least_area {
                self.columns.push(column);
                self.values.push(area);
            }
        }
        self.counts.push((self.columns.len() - before) as u32);
        links.clear();
    }
}

impl Overlaps {
    /// No rows yet, of `len` in the end.
    #[cfg(feature = "gpu")]
    pub fn with_rows(len: usize) -> Self {
        let mut row_starts = Vec::with_capacity(len + 1);
        row_starts.push(0);
        Self { row_starts, columns: Vec::new(), areas: Vec::new() }
    }

    /// Makes `len` rows in parallel; `row(i, state, links)` pushes the links of row `i` and gives its sliver limit.
    pub fn by_rows<S>(
        len: usize,
        state: impl Fn() -> S + Sync,
        row: impl Fn(usize, &mut S, &mut Vec<(u32, f64)>) -> f64 + Sync,
    ) -> Self {
        Self::by_blocks(
            len,
            || (state(), Vec::new()),
            |rows, (state, links), block| {
                for i in rows {
                    let least_area = row(i, state, links);
                    block.finish_row(links, least_area);
                }
            },
        )
    }

    /// Makes `len` rows in parallel; `make(rows, state, block)` finishes each of the rows in turn.
    pub fn by_blocks<S>(
        len: usize,
        state: impl Fn() -> S + Sync,
        make: impl Fn(Range<usize>, &mut S, &mut RowBlock) + Sync,
    ) -> Self {
        let (row_starts, columns, areas) = growing::collect(len, state, make);
        Self { row_starts, columns, areas }
    }

    /// Adds rows that follow; there are `len` in the end.
    #[cfg(feature = "gpu")]
    pub fn append(&mut self, rows: &Self, len: usize) {
        let counts: Vec<u32> = rows.row_starts.windows(2).map(|w| (w[1] - w[0]) as u32).collect();
        self.append_rows(&counts, &rows.columns, &rows.areas, len);
    }

    /// Adds the row that follows; there are `len` in the end.
    #[cfg(feature = "gpu")]
    pub fn append_row(&mut self, columns: &[u32], areas: &[f64], len: usize) {
        self.append_rows(&[columns.len() as u32], columns, areas, len);
    }

    /// Adds rows that follow, from the number of links of each; there are `len` in the end.
    #[cfg(feature = "gpu")]
    pub fn append_rows(&mut self, counts: &[u32], columns: &[u32], areas: &[f64], len: usize) {
        for count in counts {
            self.row_starts.push(self.row_starts[self.row_starts.len() - 1] + *count as usize);
        }
        let needed = self.columns.len() + columns.len();
        if needed > self.columns.capacity() {
            // Space for all rows, judged by those made so far: doubling would waste up to half of it.
            let done = self.row_starts.len() - 1;
            let expected = (needed as f64 * 1.03 * len as f64 / done as f64) as usize;
            let expected = expected.clamp(needed, needed.saturating_mul(2).max(1 << 16));
            self.columns.reserve_exact(expected - self.columns.len());
            self.areas.reserve_exact(expected - self.areas.len());
        }
        self.columns.extend_from_slice(columns);
        self.areas.extend_from_slice(areas);
    }

    /// Gives back space that was kept for more links.
    #[cfg(feature = "gpu")]
    pub fn shrink(&mut self) {
        self.columns.shrink_to_fit();
        self.areas.shrink_to_fit();
    }

    /// The same overlaps by the cells `cells` of the other grid, without those up to `least(name, cell)`. Row `k` is of the
    /// cell `name(k)`; ascending names make ascending columns.
    #[cfg(feature = "gpu")]
    pub fn transposed(mut self, cells: Range<usize>, name: impl Fn(usize) -> u32, least: impl Fn(u32, usize) -> f64) -> Self {
        let mut row_starts = vec![0usize; cells.len() + 1];
        for row in 0..self.row_starts.len() - 1 {
            for link in self.row_starts[row]..self.row_starts[row + 1] {
                let cell = self.columns[link] as usize;
                if self.areas[link] > least(name(row), cell) {
                    row_starts[cell - cells.start + 1] += 1;
                } else {
                    self.areas[link] = 0.0;
                }
            }
        }
        for i in 0..cells.len() {
            row_starts[i + 1] += row_starts[i];
        }
        let total = row_starts[cells.len()];
        let (mut columns, mut areas) = (vec![0u32; total], vec![0.0; total]);
        // Each start moves to its row's end, which is the next row's start.
        for row in 0..self.row_starts.len() - 1 {
            for link in self.row_starts[row]..self.row_starts[row + 1] {
                if self.areas[link] > 0.0 {
                    let place = &mut row_starts[self.columns[link] as usize - cells.start];
                    columns[*place] = name(row);
                    areas[*place] = self.areas[link];
                    *place += 1;
                }
            }
        }
        row_starts.copy_within(0..cells.len(), 1);
        row_starts[0] = 0;
        Self { row_starts, columns, areas }
    }
}

/// The least area of overlap that is not a rounding of corners: cells of side s that only touch along an edge
/// appear to overlap by a strip of a few 1e-16 times s.
pub(super) fn least_overlap(area: f64) -> f64 {
    4e-15 * area.max(0.0).sqrt()
}
