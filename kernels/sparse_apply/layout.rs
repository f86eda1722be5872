//! In which order source cells enter and leave the tile while rows are worked through.
//!
//! The tile holds [`SLOTS`] pages of source cells, a cell with its values of several slabs. Rows that follow each other share
//! most of their cells: as many as need no more pages than there are slots are a window. Its pages enter together, in the
//! order of memory, but for those that the window before has left there.

use super::SparseRows;
use rayon::prelude::*;
use std::ops::Range;

/// Source cells that enter together: a cache line of single precision.
pub(crate) const PAGE: usize = 16;

/// Pages of a tile: with 64 bytes a cell 1 MiB. Many rows share them, so that pages enter in long runs; those of rows that follow
/// each other stay in the second-level cache even where that is smaller.
pub(crate) const SLOTS: usize = 1024;

/// Cells of a tile.
pub(crate) const CELLS: usize = SLOTS * PAGE;

/// Most rows of a group: a word of flags.
pub(crate) const GROUP: usize = 64;

/// Cells that enter per link, above which rows are too scattered for a tile to pay.
const WORTHWHILE: usize = 3;

/// A page of the source and the slot it enters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    pub(crate) page: u32,
    pub(crate) slot: u32,
}

/// Rows that are finished together, none beyond a multiple of [`GROUP`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The first row, counted from that of the chunk.
    pub(crate) first: usize,
    pub(crate) rows: usize,
    /// The end of its loads in those of the chunk: those of its window, before the first group of which all of them enter.
    pub(crate) loads_end: usize,
}

/// Rows that one thread works through, a multiple of [`GROUP`] but for the last.
#[derive(Debug)]
pub struct Chunk {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// `None`: too scattered, values are read where they are.
    pub(crate) plan: Option<Plan>,
}

/// How a chunk goes through the tile.
#[derive(Debug, Default)]
pub struct Plan {
    /// Cell in the tile of each link.
    pub(crate) columns: Vec<u16>,
    pub(crate) groups: Vec<Group>,
    pub(crate) loads: Vec<Load>,
    /// The rows of each group by their number of links: loops of one length are foreseen by the machine.
    pub(crate) order: Vec<u8>,
}

/// Rows per chunk: enough chunks for many threads, and long ones because each starts with an empty tile.
pub(crate) fn chunk_rows(rows: usize) -> usize {
    (rows / 64).clamp(2048, 16384).next_multiple_of(GROUP)
}

/// The chunks of all rows.
///
/// # Panics
/// If a column is not below `source_len`.
pub(crate) fn lay_out(rows: SparseRows<'_>, source_len: usize) -> Vec<Chunk> {
    let (n, step) = (rows.len(), chunk_rows(rows.len()));
    let planner = || Planner::new(source_len);
    (0..n.div_ceil(step))
        .into_par_iter()
        .map_init(planner, |planner, chunk| {
            let (first, last) = (chunk * step, n.min((chunk + 1) * step));
            Chunk { first, last, plan: planner.plan(rows, first, last) }
        })
        .collect()
}

/// What a thread needs to plan, kept from chunk to chunk.
struct Planner {
    source_len: usize,
    /// For each page of the source its slot plus 1, or 0.
    places: Vec<u16>,
    /// For each page the last window that touches it.
    last_use: Vec<u32>,
    /// Windows of all chunks so far.
    count: u32,
}

impl Planner {
    fn new(source_len: usize) -> Self {
        let pages = source_len.div_ceil(PAGE);
        Self { source_len, places: vec![0; pages], last_use: vec![0; pages], count: 0 }
    }

    /// `None` if a row needs more pages than there are slots, or cells enter too often.
    fn plan(&mut self, rows: SparseRows<'_>, first: usize, last: usize) -> Option<Plan> {
        let links = rows.row_starts[last] - rows.row_starts[first];
        let mut plan = Plan { columns: Vec::with_capacity(links), ..Plan::default() };
        let mut free: Vec<u16> = (0..SLOTS as u16).rev().collect();
        let (mut start, mut held) = (first, Vec::new());
        while start < last && plan.loads.len() * PAGE <= WORTHWHILE * links {
            let (end, pages) = self.window(rows, start, last);
            for page in std::mem::replace(&mut held, pages) {
                if self.last_use[page as usize] != self.count {
                    free.push(std::mem::take(&mut self.places[page as usize]) - 1);
                }
            }
            for &page in &held {
                let place = &mut self.places[page as usize];
                if *place == 0 {
                    let slot = free.pop().expect("a window needs no more pages than there are slots");
                    *place = slot + 1;
                    plan.loads.push(Load { page, slot: slot.into() });
                }
            }
            let columns = &rows.columns[rows.row_starts[start]..rows.row_starts[end]];
            let in_tile = |&column: &u32| {
                let slot = self.places[column as usize / PAGE] - 1;
                slot * PAGE as u16 + (column as usize % PAGE) as u16
            };
            plan.columns.extend(columns.iter().map(in_tile));
            plan.add_groups(rows, first, start..end);
            if end == start {
                break;
            }
            start = end;
        }
        held.iter().for_each(|&page| self.places[page as usize] = 0);
        let is_worthwhile = plan.loads.len() * PAGE <= WORTHWHILE * links;
        (start == last && is_worthwhile).then_some(plan)
    }

    /// The end of the rows of a window from `start` on, `start` if that row alone needs more pages than there are slots, and the
    /// pages it touches, in the order of memory.
    fn window(&mut self, rows: SparseRows<'_>, start: usize, last: usize) -> (usize, Vec<u32>) {
        self.count += 1;
        let (mut pages, mut row) = (Vec::with_capacity(SLOTS), start);
        while row < last {
            let before = pages.len();
            for &column in rows.row(row).0 {
                assert!((column as usize) < self.source_len, "a column below the length of the source");
                let page = column as usize / PAGE;
                if self.last_use[page] != self.count {
                    self.last_use[page] = self.count;
                    pages.push(page as u32);
                }
            }
            if pages.len() > SLOTS {
                pages.drain(before..).for_each(|page| self.last_use[page as usize] = 0);
                break;
            }
            row += 1;
        }
        pages.sort_unstable();
        (row, pages)
    }
}

impl Plan {
    /// Adds the groups of a window, when it is known what it loads.
    fn add_groups(&mut self, rows: SparseRows<'_>, chunk: usize, window: Range<usize>) {
        let mut start = window.start;
        while start < window.end {
            let end = window.end.min(chunk + ((start - chunk) / GROUP + 1) * GROUP);
            let at = self.order.len();
            self.order.extend(0..(end - start) as u8);
            self.order[at..].sort_by_key(|&k| rows.row(start + usize::from(k)).0.len());
            self.groups.push(Group { first: start - chunk, rows: end - start, loads_end: self.loads.len() });
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of 1024 by 16 cells, each over 10 by 6 of 8192 by 66: 8 by 4 and those around them.
    fn rows() -> (Vec<usize>, Vec<u32>) {
        let (mut row_starts, mut columns) = (vec![0], Vec::new());
        for (j, i) in (0..16).flat_map(|j| (0..1024u32).map(move |i| (j, i))) {
            for y in 4 * j..4 * j + 6 {
                let x = (8 * i).saturating_sub(1)..(8 * i + 9).min(8192);
                columns.extend(x.map(|x| y * 8192 + x));
            }
            row_starts.push(columns.len());
        }
        (row_starts, columns)
    }

    #[test]
    fn pages_stay_from_window_to_window() {
        let (row_starts, columns) = rows();
        let weights = vec![1.0; columns.len()];
        let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
        let chunks = lay_out(rows, 8192 * 66);
        // Two lines of rows, each along six lines of 512 pages, of which a third fits into the tile.
        assert_eq!(chunks.len(), 8);
        for chunk in &chunks {
            let plan = chunk.plan.as_ref().expect("neighbours share cells");
            let windows = plan.groups.chunk_by(|a, b| a.loads_end == b.loads_end).count();
            assert!(windows > 6, "{windows} windows");
            assert_eq!(plan.loads.len(), 2 * 6 * 512, "each page once a line");
        }
    }

    #[test]
    fn each_column_is_where_its_page_is_when_its_group_is_summed() {
        let (row_starts, columns) = rows();
        let weights = vec![1.0; columns.len()];
        let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
        for chunk in lay_out(rows, 8192 * 66) {
            let plan = chunk.plan.expect("neighbours share cells");
            let (mut tile, mut loaded, offset) = (vec![u32::MAX; SLOTS], 0, row_starts[chunk.first]);
            for group in &plan.groups {
                for load in &plan.loads[loaded..group.loads_end] {
                    tile[load.slot as usize] = load.page;
                }
                loaded = group.loads_end;
                let first = chunk.first + group.first;
                for link in row_starts[first]..row_starts[first + group.rows] {
                    let cell = usize::from(plan.columns[link - offset]);
                    assert_eq!(tile[cell / PAGE] * PAGE as u32 + (cell % PAGE) as u32, columns[link]);
                }
            }
        }
    }
}
