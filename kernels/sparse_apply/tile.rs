//! Rows for several slabs at once: the values of a source cell are neighbours in the tile, one for each slab.
//!
//! A weight is read once for all slabs and nothing is gathered. Sums run in the same order as in the plain form
//! and give the same bits.

use super::gaps::{Gapped, Rule};
use super::layout::{CELLS, GROUP, Load, PAGE, Plan};
use super::row_facts::RowFacts;
use super::sums::{whole, within};
use super::transpose::bits_of;
use super::value::Lanes;
use super::writer::{CARRY, LINE, Staging, Writer, fence, prefetch};
use super::{Missing, SparseRows};

/// Groups of rows between the call for a page and its use.
const AHEAD: usize = 8;

/// Groups of rows between the call for links and their use.
const LINKS_AHEAD: usize = 3;

/// What the slabs of a batch have in common.
#[derive(Clone, Copy, Debug)]
pub enum Valid {
    /// No value is missing.
    All,
    /// The same values are missing.
    Same,
    /// Each has its own missing values.
    Mixed,
}

/// The part of a batch that one thread does: the rows of a chunk.
pub struct Work<'w, 'd, V> {
    pub(crate) rows: SparseRows<'w>,
    pub(crate) facts: &'w RowFacts,
    pub(crate) missing: Missing,
    pub(crate) streams: bool,
    /// The first row of the chunk.
    pub(crate) first: usize,
    pub(crate) valid: Valid,
    /// For each slab its values, the words of its flags unless all are valid, and where results go.
    pub(crate) sources: Vec<(&'w [V], &'w [u64])>,
    pub(crate) destinations: Vec<super::Results<'d, V>>,
}

/// The values of `L` slabs, cell by cell.
pub struct Tile<V, const L: usize> {
    /// Where each slab has its own missing values, these are [`Lanes::GAP`].
    values: Box<[[V; L]; CELLS]>,
    /// Where the same values are missing, all ones for a cell that is there and 0 for others.
    there: Box<[u64; CELLS]>,
    /// The results of a group.
    results: Box<[[V; L]; GROUP]>,
    staging: Box<[Staging<V>; L]>,
}

fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    vec![value; N].into_boxed_slice().try_into().unwrap_or_else(|_| unreachable!("it has N elements"))
}

impl<V: Lanes<L>, const L: usize> Default for Tile<V, L> {
    fn default() -> Self {
        Self {
            values: boxed([V::default(); L]),
            there: boxed(0),
            results: boxed([V::default(); L]),
            staging: boxed([V::default(); CARRY + GROUP]),
        }
    }
}

/// The pages of `L` slabs; slabs beyond the last repeat it.
struct Sources<'w, V, const L: usize> {
    pages: [&'w [[V; PAGE]]; L],
    /// The page that is not whole.
    last: [[V; PAGE]; L],
    words: [&'w [u64]; L],
}

impl<'w, V: Lanes<L>, const L: usize> Sources<'w, V, L> {
    fn new(slabs: &[(&'w [V], &'w [u64])]) -> Self {
        let slab = |b: usize| slabs[b.min(slabs.len() - 1)];
        let last = |b| {
            let rest = slab(b).0.as_chunks::<PAGE>().1;
            std::array::from_fn(|k| rest.get(k).copied().unwrap_or_default())
        };
        Self {
            pages: std::array::from_fn(|b| slab(b).0.as_chunks().0),
            last: std::array::from_fn(last),
            words: std::array::from_fn(|b| slab(b).1),
        }
    }

    #[inline(always)]
    fn page(&self, page: usize) -> [&[V; PAGE]; L] {
        std::array::from_fn(|b| self.pages[b].get(page).unwrap_or(&self.last[b]))
    }

    /// The flags of a page.
    #[inline(always)]
    fn flags(&self, slab: usize, page: usize) -> u16 {
        const PER_WORD: usize = u64::BITS as usize / PAGE;
        (self.words[slab][page / PER_WORD] >> (page % PER_WORD * PAGE)) as u16
    }

    /// A page whose missing values are [`Sealed::GAP`](super::value::sealed::Sealed::GAP).
    #[inline(always)]
    fn page_with_gaps<const I: u8>(&self, page: usize) -> [[V; PAGE]; L] {
        let lines = self.page(page);
        let mut masked = [[V::GAP; PAGE]; L];
        for b in 0..L {
            masked[b] = V::line_with_gaps::<I>(lines[b], self.flags(b, page));
        }
        masked
    }

    /// A page whose missing values are 0; the same ones in all slabs.
    #[inline(always)]
    fn page_of_alike<const I: u8>(&self, page: usize) -> [[V; PAGE]; L] {
        let (lines, flags) = (self.page(page), self.flags(0, page));
        let mut kept = [[V::default(); PAGE]; L];
        for b in 0..L {
            kept[b] = V::line_of::<I>(lines[b], flags);
        }
        kept
    }
}

impl<V: Lanes<L>, const L: usize> Tile<V, L> {
    /// Bits of the slabs of a tile.
    const EVERY: u16 = u16::MAX >> (16 - L);

    /// Works through a chunk with the instructions `I`.
    #[inline(always)]
    pub(crate) fn run<const I: u8>(&mut self, plan: &Plan, work: Work<'_, '_, V>) {
        let sources = Sources::new(&work.sources);
        let (mut writers, mut flags): (Vec<_>, Vec<_>) =
            work.destinations.into_iter().map(|(values, flags)| (Writer::new(values, work.streams), flags)).unzip();
        let offset = work.rows.row_starts[work.first];
        let (mut loaded, mut called) = (0, 0);
        for (g, group) in plan.groups.iter().enumerate() {
            let ahead = plan.groups[(g + AHEAD).min(plan.groups.len() - 1)].loads_end;
            // Slab by slab, in the order of memory.
            for pages in &sources.pages {
                for load in &plan.loads[called..ahead] {
                    let start = pages.as_ptr().wrapping_add(load.page as usize).cast::<u8>();
                    let end = start.wrapping_add(size_of::<[V; PAGE]>() - 1);
                    // Seldom does a slab start where a line does.
                    (0..size_of::<[V; PAGE]>()).step_by(LINE).for_each(|line| prefetch(start.wrapping_add(line)));
                    prefetch(end);
                }
            }
            called = ahead;
            // Rows come by their length, which the machine does not foresee.
            if let Some(next) = plan.groups.get(g + LINKS_AHEAD) {
                let row = work.first + next.first;
                let links = work.rows.row_starts[row]..work.rows.row_starts[row + next.rows];
                work.rows.weights[links.clone()].chunks(8).for_each(|line| prefetch(line.as_ptr().cast()));
                plan.columns[links.start - offset..links.end - offset].chunks(32).for_each(|line| prefetch(line.as_ptr().cast()));
            }
            for load in &plan.loads[loaded..group.loads_end] {
                self.fill::<I>(&sources, *load, work.valid);
            }
            loaded = group.loads_end;

            let mut present = [0u16; GROUP];
            for &k in &plan.order[group.first..group.first + group.rows] {
                let k = usize::from(k) % GROUP;
                let row = work.first + group.first + k;
                let links = work.rows.row_starts[row]..work.rows.row_starts[row + 1];
                let columns = &plan.columns[links.start - offset..links.end - offset];
                let weights = &work.rows.weights[links];
                (self.results[k], present[k]) = match work.valid {
                    Valid::All => (whole(self.links(columns, weights), V::CLAMPED && work.facts.is_mean(row)), Self::EVERY),
                    Valid::Same => self.scaled(columns, weights, row, work.facts, work.missing),
                    Valid::Mixed => self.gapped::<I>(columns, weights, row, work.facts, work.missing),
                };
            }
            self.turn_results::<I>(group.rows);
            for (staging, writer) in self.staging.iter_mut().zip(&mut writers) {
                writer.append::<I>(staging, group.rows);
            }
            if !matches!(work.valid, Valid::All) {
                add_flags::<I>(&present, group.first, &mut flags);
            }
        }
        for (staging, writer) in self.staging.iter().zip(writers) {
            writer.finish(staging);
        }
        if work.streams {
            fence();
        }
    }

    /// Copies a page into its slot; what is missing becomes a gap, or 0 where that is enough.
    #[inline(always)]
    fn fill<const I: u8>(&mut self, sources: &Sources<'_, V, L>, load: Load, valid: Valid) {
        let start = load.slot as usize % (CELLS / PAGE) * PAGE;
        let cells: &mut [[V; L]; PAGE] = (&mut self.values[start..start + PAGE]).try_into().expect("a page");
        let page = load.page as usize;
        match valid {
            Valid::All => V::turn_in::<I>(sources.page(page), cells.each_mut()),
            Valid::Same => {
                let flags = sources.flags(0, page);
                for k in 0..PAGE {
                    self.there[start + k] = u64::from(flags >> k & 1).wrapping_neg();
                }
                if V::CLAMPED {
                    V::turn_in::<I>(sources.page_with_gaps::<I>(page).each_ref(), cells.each_mut());
                } else {
                    V::turn_in::<I>(sources.page_of_alike::<I>(page).each_ref(), cells.each_mut());
                }
            }
            Valid::Mixed => V::turn_in::<I>(sources.page_with_gaps::<I>(page).each_ref(), cells.each_mut()),
        }
    }

    /// From a row of all slabs to a slab of all rows.
    #[inline(always)]
    fn turn_results<const I: u8>(&mut self, rows: usize) {
        for start in (0..rows).step_by(PAGE) {
            let results: &[[V; L]; PAGE] = self.results[start..start + PAGE].try_into().expect("a group has whole pages");
            let lines = self.staging.each_mut().map(|staging| {
                let line: &mut [V; PAGE] = (&mut staging[CARRY + start..CARRY + start + PAGE]).try_into().expect("a page");
                line
            });
            V::turn_out::<I>(results.each_ref(), lines);
        }
    }

    /// The weights of a row and the values they go with.
    #[inline(always)]
    fn links<'a>(&'a self, columns: &'a [u16], weights: &'a [f64]) -> impl Iterator<Item = (f64, &'a [V; L])> + Clone {
        columns.iter().zip(weights).map(|(&column, &w)| (w, &self.values[usize::from(column) % CELLS]))
    }

    /// A row of which all slabs have the same gaps, and a bit for each slab if there is a result.
    #[inline(always)]
    fn scaled(&self, columns: &[u16], weights: &[f64], row: usize, facts: &RowFacts, missing: Missing) -> ([V; L], u16) {
        let mut sum = [0.0; L];
        let (mut least, mut greatest) = ([f64::INFINITY; L], [f64::NEG_INFINITY; L]);
        let (mut share, mut met) = (0.0, 0);
        for (&column, &w) in columns.iter().zip(weights) {
            let cell = usize::from(column) % CELLS;
            let (x, there) = (&self.values[cell], self.there[cell]);
            // A weight as it is, or 0.
            share += f64::from_bits(w.to_bits() & there);
            met += there & 1;
            for b in 0..L {
                // Sums start from +0: adding 0 changes no bit of them.
                let value = if V::CLAMPED && x[b].is_gap() { 0.0 } else { x[b].to_f64() };
                sum[b] += w * value;
                if V::CLAMPED {
                    // No comparison holds for a gap.
                    let x = x[b].to_f64();
                    least[b] = if x < least[b] { x } else { least[b] };
                    greatest[b] = if x > greatest[b] { x } else { greatest[b] };
                }
            }
        }
        let magnitude = if facts.is_mixed(row) { self.magnitude(columns, weights) } else { share };
        let scale = match met as usize {
            0 => None,
            met if met == columns.len() => Some(1.0),
            _ => facts.scale(row, share, magnitude, missing),
        };
        let Some(scale) = scale else { return ([V::default(); L], 0) };
        // One thing after the other for all slabs: loops of a kind that vectors are made of.
        let mut value = sum.map(|sum| sum * scale);
        if V::CLAMPED && facts.is_mean(row) {
            for b in 0..L {
                value[b] = within(value[b], least[b], greatest[b]);
            }
        }
        (value.map(V::from_f64), Self::EVERY)
    }

    /// The magnitude of the weights of a row that do not meet a gap of all slabs.
    #[cold]
    fn magnitude(&self, columns: &[u16], weights: &[f64]) -> f64 {
        let there = |column: &u16| self.there[usize::from(*column) % CELLS];
        columns.iter().zip(weights).fold(0.0, |sum, (column, w)| sum + f64::from_bits(w.abs().to_bits() & there(column)))
    }

    /// A row of which each slab has its own gaps, and a bit for each slab that has a result.
    #[inline(always)]
    fn gapped<const I: u8>(
        &self,
        columns: &[u16],
        weights: &[f64],
        row: usize,
        facts: &RowFacts,
        missing: Missing,
    ) -> ([V; L], u16) {
        let mut sums = Gapped::NONE;
        for (w, x) in self.links(columns, weights) {
            sums.add::<V, I>(w, x, None);
        }
        let mut magnitude = sums.share;
        if facts.is_mixed(row) {
            self.magnitudes(columns, weights, &mut magnitude);
        }
        let rule = Rule::new(missing, facts.total(row), facts.magnitude(row), V::CLAMPED && facts.is_mean(row));
        let (results, bits) = sums.results::<V, I>(columns.len(), &magnitude, rule);
        (results, bits as u16)
    }

    /// The magnitude of the weights of a row that do not meet a gap.
    #[cold]
    fn magnitudes(&self, columns: &[u16], weights: &[f64], magnitude: &mut [f64; L]) {
        magnitude.fill(0.0);
        for (w, x) in self.links(columns, weights) {
            for b in 0..L {
                magnitude[b] += if x[b].is_gap() { 0.0 } else { w.abs() };
            }
        }
    }
}

/// Bits of slabs, row by row, to bits of rows, slab by slab.
#[inline(always)]
fn add_flags<const I: u8>(present: &[u16; GROUP], first: usize, flags: &mut [&mut [u64]]) {
    let (word, shift) = (first / GROUP, first % GROUP);
    for (b, flags) in flags.iter_mut().enumerate() {
        flags[word] |= bits_of::<I>(present, b) << shift;
    }
}
