//! In which order source cells enter and leave the tile while rows are worked through.
//!
//! The tile holds [`SLOTS`] pages of source cells, a cell with its values of several slabs. Rows that follow
//! each other share most of their cells: a page enters before the first group of rows that needs it and stays
//! until its slot is the one unused for longest. Sources are so read about once, as a stream, while sums run.

use super::SparseRows;
use rayon::prelude::*;

/// Source cells that enter together: a cache line of single precision.
pub(crate) const PAGE: usize = 16;

/// Pages of a tile: with 64 bytes a cell half of a second-level cache of 1 MiB.
pub(crate) const SLOTS: usize = 512;

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
    /// The end of its loads in those of the chunk.
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
    places: Vec<u32>,
    /// For each page the last group that touches it.
    last_use: Vec<u32>,
    /// Groups of all chunks so far.
    count: u32,
}

impl Planner {
    fn new(source_len: usize) -> Self {
        let pages = source_len.div_ceil(PAGE);
        Self { source_len, places: vec![0; pages], last_use: vec![0; pages], count: 0 }
    }

    fn plan(&mut self, rows: SparseRows<'_>, first: usize, last: usize) -> Option<Plan> {
        let links = rows.row_starts[last] - rows.row_starts[first];
        let mut plan = Plan { columns: Vec::with_capacity(links), ..Plan::default() };
        let before = self.count;
        let touched = self.group(rows, first, last, &mut plan)?;
        let mut slots = Slots::new();
        let (mut from, mut is_worthwhile) = (0, true);
        for (group, number) in plan.groups.iter_mut().zip(before + 1..) {
            let pages = &touched[from..group.loads_end];
            from = group.loads_end;
            self.load(pages, number, &mut slots, &mut plan.loads);
            group.loads_end = plan.loads.len();
            let (start, end) = (first + group.first, first + group.first + group.rows);
            let columns = &rows.columns[rows.row_starts[start]..rows.row_starts[end]];
            let in_tile = |&column: &u32| {
                let slot = self.places[column as usize / PAGE] - 1;
                (slot as usize * PAGE + column as usize % PAGE) as u16
            };
            plan.columns.extend(columns.iter().map(in_tile));
            for &page in pages {
                if self.last_use[page as usize] == number {
                    slots.free.push(std::mem::take(&mut self.places[page as usize]) - 1);
                }
            }
            is_worthwhile = plan.loads.len() * PAGE <= WORTHWHILE * links;
            if !is_worthwhile {
                break;
            }
        }
        touched.iter().for_each(|&page| self.places[page as usize] = 0);
        is_worthwhile.then_some(plan)
    }

    /// Divides rows into groups, which know the end of their pages among those returned; `None` if a row needs
    /// more pages than there are slots.
    fn group(&mut self, rows: SparseRows<'_>, first: usize, last: usize, plan: &mut Plan) -> Option<Vec<u32>> {
        let (mut touched, mut row) = (Vec::new(), first);
        while row < last {
            self.count += 1;
            let (from, start) = (touched.len(), row);
            let end = last.min(first + (row - first) / GROUP * GROUP + GROUP);
            while row < end {
                let before = touched.len();
                for &column in rows.row(row).0 {
                    assert!((column as usize) < self.source_len, "a column below the length of the source");
                    let page = column as usize / PAGE;
                    if self.last_use[page] != self.count {
                        self.last_use[page] = self.count;
                        touched.push(page as u32);
                    }
                }
                if touched.len() - from > SLOTS {
                    if row == start {
                        return None;
                    }
                    touched.truncate(before);
                    break;
                }
                row += 1;
            }
            // In the order of memory.
            touched[from..].sort_unstable();
            let at = plan.order.len();
            plan.order.extend(0..(row - start) as u8);
            plan.order[at..].sort_by_key(|&k| rows.row(start + usize::from(k)).0.len());
            plan.groups.push(Group { first: start - first, rows: row - start, loads_end: touched.len() });
        }
        Some(touched)
    }

    /// Makes room for the pages that are not in the tile.
    fn load(&mut self, pages: &[u32], group: u32, slots: &mut Slots, loads: &mut Vec<Load>) {
        for &page in pages {
            if let Some(slot) = self.places[page as usize].checked_sub(1) {
                slots.used[slot as usize] = group;
            }
        }
        for &page in pages {
            if self.places[page as usize] == 0 {
                let slot = slots.take(group, &mut self.places);
                slots.pages[slot] = page;
                slots.used[slot] = group;
                self.places[page as usize] = slot as u32 + 1;
                loads.push(Load { page, slot: slot as u32 });
            }
        }
    }
}

/// The slots of a tile.
struct Slots {
    /// Those whose page is not needed any more, the latest last: what is still in cache is used first.
    free: Vec<u32>,
    /// For each slot its page and the last group that used it.
    pages: [u32; SLOTS],
    used: [u32; SLOTS],
}

impl Slots {
    fn new() -> Self {
        Self { free: (0..SLOTS as u32).rev().collect(), pages: [0; SLOTS], used: [0; SLOTS] }
    }

    /// A free slot, or the one unused for longest.
    fn take(&mut self, group: u32, places: &mut [u32]) -> usize {
        if let Some(slot) = self.free.pop() {
            return slot as usize;
        }
        let oldest = *self.used.iter().min().expect("a tile has slots");
        debug_assert!(oldest < group, "a group touches no more pages than there are slots");
        let slot = self.used.iter().position(|&used| used == oldest).expect("the minimum is there");
        places[self.pages[slot] as usize] = 0;
        slot
    }
}
