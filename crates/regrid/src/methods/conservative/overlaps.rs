//! Overlap areas as sparse rows.

use crate::growing::{self, Growing, RowBlock};
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
}

impl From<Growing> for Overlaps {
    fn from(rows: Growing) -> Self {
        let (row_starts, columns, areas) = rows.finish();
        Self { row_starts, columns, areas }
    }
}

/// The least area of overlap that is not a rounding of corners: cells of side s that only touch along an edge
/// appear to overlap by a strip of a few 1e-16 times s.
pub(super) fn least_overlap(area: f64) -> f64 {
    4e-15 * area.max(0.0).sqrt()
}
