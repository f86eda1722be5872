//! Rows of weights, made in parallel block by block and joined in order.

use crate::Weights;
use crate::growing::{self, RowBlock};
use rayon::prelude::*;
use std::ops::Range;

/// A source cell and its weight.
pub(crate) type Link = (u32, f64);

/// Weights below this share of a row are left out: they are the rounding of a 0.
pub(crate) const NEGLIGIBLE: f64 = 1e-14;

/// Cells of nearest centers that one task looks at.
const STRETCH: usize = 1 << 14;

impl RowBlock {
    /// Ends a row of these links, which are tidy.
    #[inline]
    pub fn push_row(&mut self, links: &[Link]) {
        self.counts.push(links.len() as u32);
        self.columns.extend(links.iter().map(|l| l.0));
        self.values.extend(links.iter().map(|l| l.1));
    }
}

/// Compressed sparse rows of means: columns ascend, weights are positive and sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LinkRows {
    pub row_starts: Vec<usize>,
    pub columns: Vec<u32>,
    pub values: Vec<f64>,
}

impl LinkRows {
    /// Makes `len` rows: `row(i, scratch, links)` appends the links of row `i`, in any order.
    ///
    /// Links to the same cell are added up, and each row is scaled to the sum 1.
    pub fn collect<S>(len: usize, scratch: impl Fn() -> S + Sync, row: impl Fn(usize, &mut S, &mut Vec<Link>) + Sync) -> Self {
        Self::collect_tidied(len, scratch, row, tidy)
    }

    /// As [`Self::collect`] with weights of either sign.
    pub fn collect_signed<S>(
        len: usize,
        scratch: impl Fn() -> S + Sync,
        row: impl Fn(usize, &mut S, &mut Vec<Link>) + Sync,
    ) -> Self {
        Self::collect_tidied(len, scratch, row, tidy_signed)
    }

    /// As [`Self::collect`], with the weights as they are: rows need not sum to 1.
    pub fn collect_plain<S>(
        len: usize,
        scratch: impl Fn() -> S + Sync,
        row: impl Fn(usize, &mut S, &mut Vec<Link>) + Sync,
    ) -> Self {
        Self::collect_tidied(len, scratch, row, join)
    }

    fn collect_tidied<S>(
        len: usize,
        scratch: impl Fn() -> S + Sync,
        row: impl Fn(usize, &mut S, &mut Vec<Link>) + Sync,
        tidy: impl Fn(&mut Vec<Link>) + Sync,
    ) -> Self {
        Self::collect_blocks(
            len,
            || (scratch(), Vec::new()),
            |rows, (scratch, links), block| {
                for i in rows {
                    links.clear();
                    row(i, scratch, links);
                    tidy(links);
                    block.push_row(links);
                }
            },
        )
    }

    /// Makes `len` rows some at a time: `make(rows, scratch, block)` pushes each of `rows` in turn, tidy.
    pub fn collect_blocks<S>(
        len: usize,
        scratch: impl Fn() -> S + Sync,
        make: impl Fn(Range<usize>, &mut S, &mut RowBlock) + Sync,
    ) -> Self {
        let (row_starts, columns, values) = growing::collect(len, scratch, make);
        Self { row_starts, columns, values }
    }

    /// The rows of weights.
    pub fn of_weights(weights: &Weights) -> Self {
        let (row_starts, columns, values) = (weights.row_starts.clone(), weights.columns.clone(), weights.values.clone());
        Self { row_starts, columns, values }
    }

    /// Rows of one link of weight 1 to a source cell, or none.
    pub fn of_single(mut cells: Vec<u32>, none: u32) -> Self {
        let rows = cells.len();
        let gaps = cells.par_chunks(STRETCH).any(|cells| cells.contains(&none));
        let row_starts = if gaps {
            let mut links = 0;
            let mut row_starts = Vec::with_capacity(rows + 1);
            row_starts.push(0);
            row_starts.extend(cells.iter().map(|&cell| {
                links += usize::from(cell != none);
                links
            }));
            cells.retain(|&cell| cell != none);
            row_starts
        } else {
            (0..rows + 1).into_par_iter().with_min_len(STRETCH).collect()
        };
        let values = (0..cells.len()).into_par_iter().with_min_len(STRETCH).map(|_| 1.0).collect();
        Self { row_starts, columns: cells, values }
    }

    /// These rows, and those of `other` where these have no links.
    pub fn filled_from(&self, other: &Self) -> Self {
        let mut filled = Self { row_starts: vec![0], columns: Vec::new(), values: Vec::new() };
        for i in 0..self.len() {
            let rows = if self.is_mapped(i) { self } else { other };
            let range = rows.row_starts[i]..rows.row_starts[i + 1];
            filled.columns.extend_from_slice(&rows.columns[range.clone()]);
            filled.values.extend_from_slice(&rows.values[range]);
            filled.row_starts.push(filled.columns.len());
        }
        filled
    }

    /// The same links by the other end, of which there are `len`; columns ascend because rows do.
    pub fn transposed(&self, len: usize) -> Self {
        let mut row_starts = vec![0usize; len + 1];
        self.columns.iter().for_each(|&c| row_starts[c as usize + 1] += 1);
        for i in 0..len {
            row_starts[i + 1] += row_starts[i];
        }
        let mut next = row_starts.clone();
        let (mut columns, mut values) = (vec![0; self.columns.len()], vec![0.0; self.columns.len()]);
        for i in 0..self.len() {
            for (column, value) in self.row(i) {
                let at = &mut next[column as usize];
                (columns[*at], values[*at]) = (i as u32, value);
                *at += 1;
            }
        }
        Self { row_starts, columns, values }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.row_starts.len() - 1
    }

    /// Whether row `i` has links.
    pub fn is_mapped(&self, i: usize) -> bool {
        self.row_starts[i] < self.row_starts[i + 1]
    }

    /// Links of row `i`.
    pub fn row(&self, i: usize) -> impl Iterator<Item = Link> + '_ {
        let range = self.row_starts[i]..self.row_starts[i + 1];
        self.columns[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }
}

/// Sorts by source cell, joins repeats, leaves out what is negligible and scales to the sum 1.
pub(crate) fn tidy(links: &mut Vec<Link>) {
    join(links);
    let sum: f64 = links.iter().map(|l| l.1.max(0.0)).sum();
    links.retain(|l| l.1 > NEGLIGIBLE * sum);
    scale_to_one(links);
}

/// As [`tidy`] with weights of either sign.
pub(crate) fn tidy_signed(links: &mut Vec<Link>) {
    join(links);
    let magnitude: f64 = links.iter().map(|l| l.1.abs()).sum();
    links.retain(|l| l.1.abs() > NEGLIGIBLE * magnitude);
    scale_to_one(links);
}

/// Sorts by source cell and adds up repeats.
fn join(links: &mut Vec<Link>) {
    if links.is_sorted_by(|a, b| a.0 < b.0) {
        return;
    }
    links.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    links.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
}

fn scale_to_one(links: &mut [Link]) {
    let sum: f64 = links.iter().map(|l| l.1).sum();
    for link in links.iter_mut() {
        link.1 /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_joined_and_scaled() {
        let rows = LinkRows::collect(
            3000,
            || (),
            |i, (), links| {
                if i % 2 == 0 {
                    links.extend([(9, 1.0), (4, 2.0), (9, 1.0), (1, -1e-17), (2, 1e-16)]);
                }
            },
        );
        assert_eq!(rows.len(), 3000);
        assert_eq!(rows.row(2998).collect::<Vec<_>>(), [(4, 0.5), (9, 0.5)]);
        assert!(!rows.is_mapped(2999) && rows.is_mapped(0));
    }
}
