//! Overlap areas as sparse rows.

use rayon::prelude::*;
use std::ops::Range;

/// Areas of overlap, compressed by row; columns ascend within a row and appear once.
#[derive(Debug, Default)]
pub(super) struct Overlaps {
    pub row_starts: Vec<usize>,
    pub columns: Vec<u32>,
    pub areas: Vec<f64>,
}

/// Rows made by one block of work.
#[derive(Default)]
pub(super) struct Block {
    /// Number of links of each row of the block.
    counts: Vec<u32>,
    columns: Vec<u32>,
    areas: Vec<f64>,
}

impl Block {
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
                self.areas.push(area);
            }
        }
        self.counts.push((self.columns.len() - before) as u32);
        links.clear();
    }
}

/// Rows per block: small enough to balance threads, large enough to make bookkeeping cheap.
const BLOCK: usize = 1024;
/// Blocks made before they are joined: bounds what is held twice.
const BLOCKS_AT_ONCE: usize = 64;

impl Overlaps {
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
        make: impl Fn(Range<usize>, &mut S, &mut Block) + Sync,
    ) -> Self {
        let mut result = Self { row_starts: Vec::with_capacity(len + 1), columns: Vec::new(), areas: Vec::new() };
        result.row_starts.push(0);
        let block_count = len.div_ceil(BLOCK);
        for first in (0..block_count).step_by(BLOCKS_AT_ONCE) {
            let blocks: Vec<Block> = (first..(first + BLOCKS_AT_ONCE).min(block_count))
                .into_par_iter()
                .map_init(&state, |state, b| {
                    let mut block = Block::default();
                    make(b * BLOCK..((b + 1) * BLOCK).min(len), state, &mut block);
                    block
                })
                .collect();
            for block in &blocks {
                result.append(block, len);
            }
        }
        result.columns.shrink_to_fit();
        result.areas.shrink_to_fit();
        result
    }

    /// Adds the rows of a block; of `len` rows in the end.
    fn append(&mut self, block: &Block, len: usize) {
        for count in &block.counts {
            self.row_starts.push(self.row_starts[self.row_starts.len() - 1] + *count as usize);
        }
        let needed = self.columns.len() + block.columns.len();
        if needed > self.columns.capacity() {
            // Space for all rows, judged by those made so far: doubling would waste up to half of it.
            let done = self.row_starts.len() - 1;
            let expected = (needed as f64 * 1.03 * len as f64 / done as f64) as usize;
            let expected = expected.clamp(needed, needed.saturating_mul(2).max(1 << 16));
            self.columns.reserve_exact(expected - self.columns.len());
            self.areas.reserve_exact(expected - self.areas.len());
        }
        self.columns.extend_from_slice(&block.columns);
        self.areas.extend_from_slice(&block.areas);
    }

    /// The same overlaps by the other grid's cells; ascending rows make ascending columns.
    pub fn transposed(self, len: usize) -> Self {
        let mut row_starts = vec![0usize; len + 1];
        for &column in &self.columns {
            row_starts[column as usize + 1] += 1;
        }
        for i in 0..len {
            row_starts[i + 1] += row_starts[i];
        }
        let mut next = row_starts.clone();
        let mut columns = vec![0u32; self.columns.len()];
        let mut areas = vec![0.0; self.columns.len()];
        for row in 0..self.row_starts.len() - 1 {
            for link in self.row_starts[row]..self.row_starts[row + 1] {
                let place = &mut next[self.columns[link] as usize];
                columns[*place] = row as u32;
                areas[*place] = self.areas[link];
                *place += 1;
            }
        }
        Self { row_starts, columns, areas }
    }
}

/// The least area of overlap that is not a rounding of corners: cells of side s that only touch along an edge
/// appear to overlap by a strip of a few 1e-16 times s.
pub(super) fn least_overlap(area: f64) -> f64 {
    4e-15 * area.max(0.0).sqrt()
}
