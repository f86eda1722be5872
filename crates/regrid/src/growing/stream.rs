//! Blocks made by all threads, each of which goes to its place as soon as those before it have theirs.

use super::{Growing, MARGIN, Place, RowBlock, Space};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard};

/// Links that a block should have: enough to make bookkeeping cheap, few enough to balance threads.
const BLOCK_LINKS: usize = 8192;
/// Most rows per block.
const BLOCK_ROWS: usize = 1024;
/// Blocks of each thread that wait for their turn at most, and of all of them: bounds what is held twice.
const BLOCKS_PER_THREAD: usize = 24;
const MOST_BLOCKS: usize = 64;

/// Samples of the rows, as many rows of each, and the part of all rows that is taken.
const SAMPLES: usize = 64;
const SAMPLE_ROWS: usize = 32;
const SAMPLED_PART: usize = 16;

/// Rows from all over that are made first, by the number of the first one: they tell how many links there will be.
pub(super) struct Samples(BTreeMap<usize, RowBlock>);

/// Makes the samples of `len` rows.
pub(super) fn samples<S>(
    len: usize,
    state: impl Fn() -> S + Sync,
    make: impl Fn(Range<usize>, &mut S, &mut RowBlock) + Sync,
) -> Samples {
    let count = (len / SAMPLES).clamp(1, SAMPLES).min(len);
    let rows = (len / count.max(1) / SAMPLED_PART).clamp(1, SAMPLE_ROWS);
    let sample = |state: &mut S, k: usize| {
        let (first, mut block) = (k * len / count, RowBlock::default());
        make(first..first + rows, state, &mut block);
        (first, block)
    };
    Samples((0..count).into_par_iter().map_init(&state, sample).collect::<Vec<_>>().into_iter().collect())
}

impl Samples {
    /// Links of `len` rows, with a margin. The few longest samples do not count: what they stand for is found when it comes.
    pub fn links_expected(&self, len: usize) -> usize {
        let mut samples: Vec<(usize, usize)> = self.0.values().map(|block| (block.columns.len(), block.counts.len())).collect();
        samples.sort_unstable();
        samples.truncate(samples.len() - samples.len() / SAMPLED_PART);
        let (links, rows) = samples.iter().fold((0, 0), |sum, sample| (sum.0 + sample.0, sum.1 + sample.1));
        (MARGIN * links as f64 * len as f64 / rows.max(1) as f64) as usize
    }

    /// The first row from `row` on that is not of a sample, and the first one after it that is.
    fn gap(&self, row: usize, len: usize) -> Range<usize> {
        let mut gap = row..len;
        for (&first, block) in self.0.range(row..) {
            if first > gap.start {
                gap.end = first;
                break;
            }
            gap.start += block.counts.len();
        }
        gap
    }
}

/// Fills `all` as far as its space reaches. Blocks that have no place any more are returned, the rows that follow.
pub(super) fn fill<S>(
    all: &mut Growing,
    samples: &mut Samples,
    state: impl Fn() -> S + Sync,
    make: impl Fn(Range<usize>, &mut S, &mut RowBlock) + Sync,
) -> Vec<RowBlock> {
    let (threads, len) = (rayon::current_num_threads(), all.row_starts.len() - 1);
    let rows = BLOCK_LINKS * len / all.columns.len().max(1);
    let front = Front {
        asked: all.done,
        rows: rows.clamp(1, BLOCK_ROWS),
        turn: all.done,
        space: all.space(),
        samples,
        waiting: BTreeMap::new(),
        spare: Vec::new(),
        has_ended: false,
    };
    let most = (BLOCKS_PER_THREAD * threads).min(MOST_BLOCKS);
    let stream = Stream { front: Mutex::new(front), moved: Condvar::new(), len, most };
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| stream.work(&state, &make));
    let mut front = stream.front.into_inner().expect("no thread failed");
    let (turn, filled, mut left) = (front.turn, front.space.filled, Vec::new());
    while let Some(block) = front.next() {
        front.turn += block.counts.len();
        left.push(block);
    }
    (all.done, all.filled) = (turn, filled);
    left
}

struct Stream<'a> {
    front: Mutex<Front<'a>>,
    /// Told of when rows got their places, or never will.
    moved: Condvar,
    /// Number of rows.
    len: usize,
    /// Blocks that wait at most.
    most: usize,
}

/// What has a place, and the space that is left.
struct Front<'a> {
    /// First row that no thread has been asked for, and rows that a block should have.
    asked: usize,
    rows: usize,
    /// First row that has no place.
    turn: usize,
    space: Space<'a>,
    samples: &'a mut Samples,
    /// Blocks whose turn it is not yet, by their first row.
    waiting: BTreeMap<usize, RowBlock>,
    /// Blocks whose memory is used again.
    spare: Vec<RowBlock>,
    /// No more blocks are made: there is no space, or a thread has failed.
    has_ended: bool,
}

impl<'a> Stream<'a> {
    fn front(&self) -> MutexGuard<'_, Front<'a>> {
        self.front.lock().expect("no thread fails at the front")
    }

    /// Makes blocks until there is nothing left to make, or no space.
    fn work<S>(&self, state: impl Fn() -> S, make: impl Fn(Range<usize>, &mut S, &mut RowBlock)) {
        let _ends = EndsIfFailing(self);
        let (mut state, mut copies) = (state(), Vec::new());
        loop {
            let mut front = self.front();
            // What a thread has made itself comes first and is used next: samples are small, and would have to grow.
            front.spare.extend(copies.drain(..).rev().map(|(_, block)| block));
            // One block is in the making whose turn it is: its thread does not wait.
            while front.waiting.len() >= self.most && !front.has_ended {
                front = self.moved.wait(front).expect("no thread fails at the front");
            }
            let rows = front.ask(self.len);
            if rows.is_empty() {
                front.place(&mut copies);
            } else {
                let mut block = front.spare.pop().unwrap_or_default();
                drop(front);
                block.clear();
                make(rows.clone(), &mut state, &mut block);
                front = self.front();
                front.waiting.insert(rows.start, block);
                front.place(&mut copies);
            }
            self.moved.notify_all();
            drop(front);
            copies.iter_mut().for_each(|(place, block)| place.fill(block));
            if rows.is_empty() {
                return;
            }
        }
    }
}

/// Lets the others end where a thread fails: the turn of its block never comes.
struct EndsIfFailing<'s, 'a>(&'s Stream<'a>);

impl Drop for EndsIfFailing<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(mut front) = self.0.front.lock()
        {
            front.has_ended = true;
            self.0.moved.notify_all();
        }
    }
}

impl<'a> Front<'a> {
    /// The rows to be made next; none if there is nothing left to make, or no space.
    fn ask(&mut self, len: usize) -> Range<usize> {
        if self.has_ended {
            return 0..0;
        }
        // Samples that have their place are behind it.
        let gap = self.samples.gap(self.asked.max(self.turn), len);
        let rows = gap.start..gap.end.min(gap.start + self.rows);
        self.asked = rows.end;
        rows
    }

    /// Takes the blocks whose turn it is, with their places.
    fn place(&mut self, copies: &mut Vec<(Place<'a>, RowBlock)>) {
        while let Some(block) = self.next() {
            if !self.space.has_room_for(&block) {
                self.has_ended = true;
                self.waiting.insert(self.turn, block);
                return;
            }
            let (rows, links) = (block.counts.len(), block.columns.len());
            self.rows = (BLOCK_LINKS * rows / links.max(1)).clamp(1, BLOCK_ROWS).min(2 * self.rows);
            self.turn += rows;
            copies.push((self.space.give(&block), block));
        }
    }

    /// The block whose turn it is, if it has been made.
    fn next(&mut self) -> Option<RowBlock> {
        self.waiting.remove(&self.turn).or_else(|| self.samples.0.remove(&self.turn))
    }
}
