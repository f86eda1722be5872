//! Rows for several slabs at once: the values of a source cell are neighbours in the tile, one for each slab.
//!
//! A weight is read once for all slabs and nothing is gathered. Sums run in the same order as in the plain form
//! and give the same bits.

use super::layout::{CELLS, GROUP, Load, PAGE, Plan};
use super::row_facts::{RowFacts, SHARE_TOLERANCE, UNCANCELLED};
use super::transpose::bits_of;
use super::value::Lanes;
use super::writer::{CARRY, Staging, Writer, fence, prefetch};
use super::{Missing, SparseRows};

/// Groups of rows between the call for a page and its use.
const AHEAD: usize = 8;

/// Groups of rows between the call for links and their use.
const LINKS_AHEAD: usize = 3;

/// What the slabs of a batch have in common.
#[derive(Clone, Copy, Debug)]
pub enum Valid<'v> {
    /// No value is missing.
    All,
    /// The same values are missing; what each row's sum is multiplied by, NaN where there is no result.
    Same(&'v [f64]),
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
    pub(crate) valid: Valid<'w>,
    /// For each slab its values, the words of its flags unless all are valid, and where results go.
    pub(crate) sources: Vec<(&'w [V], &'w [u64])>,
    pub(crate) destinations: Vec<super::Results<'d, V>>,
}

/// The values of `L` slabs, cell by cell.
pub struct Tile<V, const L: usize> {
    /// Where each slab has its own missing values, these are [`Lanes::GAP`].
    values: Box<[[V; L]; CELLS]>,
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

    /// A page whose missing values are `gap`.
    #[inline(always)]
    fn page_with<const I: u8>(&self, page: usize, gap: V) -> [[V; PAGE]; L] {
        const PER_WORD: usize = u64::BITS as usize / PAGE;
        let lines = self.page(page);
        let mut masked = [[gap; PAGE]; L];
        for b in 0..L {
            let flags = self.words[b][page / PER_WORD] >> (page % PER_WORD * PAGE);
            masked[b] = V::line_with::<I>(lines[b], flags as u16, gap);
        }
        masked
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
            for b in 0..L {
                for load in &plan.loads[called..ahead] {
                    prefetch(sources.pages[b].get(load.page as usize).unwrap_or(&sources.last[b]));
                }
            }
            called = ahead;
            // Rows come by their length, which the machine does not foresee.
            if let Some(next) = plan.groups.get(g + LINKS_AHEAD) {
                let row = work.first + next.first;
                let links = work.rows.row_starts[row]..work.rows.row_starts[row + next.rows];
                work.rows.weights[links.clone()].chunks(8).for_each(|line| prefetch(&line[0]));
                plan.columns[links.start - offset..links.end - offset].chunks(32).for_each(|line| prefetch(&line[0]));
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
                    Valid::All => (self.sum(columns, weights, V::CLAMPED && work.facts.is_mean(row)), Self::EVERY),
                    Valid::Same(scales) => (self.scaled(columns, weights, scales[row], V::CLAMPED && work.facts.is_mean(row)), 0),
                    Valid::Mixed => self.gapped(columns, weights, row, work.facts, work.missing),
                };
            }
            self.turn_results::<I>(group.rows);
            for (staging, writer) in self.staging.iter_mut().zip(&mut writers) {
                writer.append::<I>(staging, group.rows);
            }
            if matches!(work.valid, Valid::Mixed) {
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
    fn fill<const I: u8>(&mut self, sources: &Sources<'_, V, L>, load: Load, valid: Valid<'_>) {
        let start = load.slot as usize % (CELLS / PAGE) * PAGE;
        let cells: &mut [[V; L]; PAGE] = (&mut self.values[start..start + PAGE]).try_into().expect("a page");
        let page = load.page as usize;
        match valid {
            Valid::All => V::turn_in::<I>(sources.page(page), cells.each_mut()),
            Valid::Same(_) if !V::CLAMPED => {
                V::turn_in::<I>(sources.page_with::<I>(page, V::default()).each_ref(), cells.each_mut());
            }
            Valid::Same(_) | Valid::Mixed => V::turn_in::<I>(sources.page_with::<I>(page, V::GAP).each_ref(), cells.each_mut()),
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

    /// The sums of a row without missing values, kept within the range of the values if they are `means`.
    #[inline(always)]
    fn sum(&self, columns: &[u16], weights: &[f64], means: bool) -> [V; L] {
        let mut sum = [0.0; L];
        if !means {
            for (&column, &w) in columns.iter().zip(weights) {
                let x = &self.values[usize::from(column) % CELLS];
                for b in 0..L {
                    sum[b] += w * x[b].to_f64();
                }
            }
            return sum.map(V::from_f64);
        }
        let (mut least, mut greatest) = ([f64::INFINITY; L], [f64::NEG_INFINITY; L]);
        for (&column, &w) in columns.iter().zip(weights) {
            let x = &self.values[usize::from(column) % CELLS];
            for b in 0..L {
                let x = x[b].to_f64();
                sum[b] += w * x;
                least[b] = if x < least[b] { x } else { least[b] };
                greatest[b] = if x > greatest[b] { x } else { greatest[b] };
            }
        }
        std::array::from_fn(|b| V::from_f64(within(sum[b], least[b], greatest[b])))
    }

    /// The sums of a row times `scale` (NaN: 0), kept within the range of the values that are there if they are `means`.
    #[inline(always)]
    fn scaled(&self, columns: &[u16], weights: &[f64], scale: f64, means: bool) -> [V; L] {
        let mut sum = [0.0; L];
        let (mut least, mut greatest) = ([f64::INFINITY; L], [f64::NEG_INFINITY; L]);
        for (&column, &w) in columns.iter().zip(weights) {
            let x = &self.values[usize::from(column) % CELLS];
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
        if scale.is_nan() {
            return [V::default(); L];
        }
        // One thing after the other for all slabs: loops of a kind that vectors are made of.
        let mut value = sum.map(|sum| sum * scale);
        if means {
            for b in 0..L {
                value[b] = within(value[b], least[b], greatest[b]);
            }
        }
        value.map(V::from_f64)
    }

    /// A row of which each slab has its own gaps, and a bit for each slab that has a result.
    #[inline(always)]
    fn gapped(&self, columns: &[u16], weights: &[f64], row: usize, facts: &RowFacts, missing: Missing) -> ([V; L], u16) {
        let (mut sum, mut share, mut met) = ([0.0; L], [0.0; L], [0.0; L]);
        let (mut least, mut greatest) = ([f64::INFINITY; L], [f64::NEG_INFINITY; L]);
        for (&column, &w) in columns.iter().zip(weights) {
            let x = &self.values[usize::from(column) % CELLS];
            for b in 0..L {
                let there = !x[b].is_gap();
                let value = if there { x[b] } else { V::default() }.to_f64();
                sum[b] += w * value;
                let one = f64::from(u8::from(there));
                share[b] += w * one;
                met[b] += one;
                if V::CLAMPED {
                    // No comparison holds for a gap.
                    let x = x[b].to_f64();
                    least[b] = if x < least[b] { x } else { least[b] };
                    greatest[b] = if x > greatest[b] { x } else { greatest[b] };
                }
            }
        }
        // One thing after the other for all slabs, in numbers of one width: loops of a kind that vectors are made of.
        let links = columns.len() as f64;
        let means = V::CLAMPED && facts.is_mean(row);
        let (total, whole_magnitude) = (facts.total(row), facts.magnitude(row));
        let mut magnitude = share;
        if total != whole_magnitude {
            self.magnitudes(columns, weights, &mut magnitude);
        }
        let (least_share, scales) = match missing {
            Missing::Propagate => (f64::INFINITY, false),
            Missing::Keep { min_valid } => ((min_valid - SHARE_TOLERANCE) * whole_magnitude, false),
            Missing::Renormalize { min_valid } => ((min_valid - SHARE_TOLERANCE) * whole_magnitude, true),
        };
        let mut value = sum;
        if scales {
            for b in 0..L {
                value[b] *= if met[b] == links { 1.0 } else { total / share[b] };
            }
        }
        if means {
            for b in 0..L {
                let bounded = within(value[b], least[b], greatest[b]);
                value[b] = if scales | (met[b] == links) { bounded } else { value[b] };
            }
        }
        let mut flags = [0u64; L];
        for b in 0..L {
            let enough = (magnitude[b] >= least_share) & (share[b].abs() > UNCANCELLED * magnitude[b]);
            let there = (met[b] > 0.0) & (enough | (met[b] == links));
            flags[b] = u64::from(there) << b;
        }
        let mut result = [V::default(); L];
        for b in 0..L {
            result[b] = V::from_f64(if flags[b] == 0 { 0.0 } else { value[b] });
        }
        (result, flags.into_iter().fold(0, |all, flag| all | flag) as u16)
    }

    /// The magnitude of the weights of a row that do not meet a gap.
    #[cold]
    fn magnitudes(&self, columns: &[u16], weights: &[f64], magnitude: &mut [f64; L]) {
        magnitude.fill(0.0);
        for (&column, &w) in columns.iter().zip(weights) {
            let x = &self.values[usize::from(column) % CELLS];
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

/// A rounded mean can leave the range of its values by an ulp.
#[inline(always)]
pub(crate) fn within(value: f64, least: f64, greatest: f64) -> f64 {
    let value = if value < least { least } else { value };
    if value > greatest { greatest } else { value }
}
