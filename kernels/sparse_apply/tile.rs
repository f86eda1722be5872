//! Rows for several slabs at once: the values of a source cell are neighbours in the tile, one for each slab.
//!
//! A weight is read once for all slabs and nothing is gathered. Sums run in the same order as in the plain form
//! and give the same bits.

use super::layout::{CELLS, GROUP, Load, PAGE, Plan};
use super::row_facts::{RowFacts, SHARE_TOLERANCE, UNCANCELLED};
use super::transpose::turn_bits;
use super::value::Lanes;
use super::writer::{CARRY, Staging, Writer, fence, prefetch};
use super::{Missing, SparseRows};

/// Groups of rows between the call for a page and its use.
const AHEAD: usize = 8;

/// Groups of rows between the call for links and their use.
const LINKS_AHEAD: usize = 3;

/// What the slabs of a batch have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Valid {
    /// No value is missing.
    All,
    /// The same cells are valid.
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
    values: Box<[[V; L]; CELLS]>,
    /// A bit per slab; unless all are valid.
    valid: Box<[u16; CELLS]>,
    /// The results of a group.
    results: Box<[[V; L]; GROUP]>,
    staging: Box<[Staging<V>; L]>,
    /// The valid links of a row.
    columns: Vec<u16>,
    weights: Vec<f64>,
}

fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    vec![value; N].into_boxed_slice().try_into().unwrap_or_else(|_| unreachable!("it has N elements"))
}

impl<V: Lanes<L>, const L: usize> Default for Tile<V, L> {
    fn default() -> Self {
        Self {
            values: boxed([V::default(); L]),
            valid: boxed(0),
            results: boxed([V::default(); L]),
            staging: boxed([V::default(); CARRY + GROUP]),
            columns: Vec::new(),
            weights: Vec::new(),
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

    /// A word of flags for each cell of a page; with fewer slabs than bits these repeat.
    #[inline(always)]
    fn valid(&self, page: usize) -> [u16; PAGE] {
        const PER_WORD: usize = u64::BITS as usize / PAGE;
        let flags = |b: usize| (self.words[b][page / PER_WORD] >> (page % PER_WORD * PAGE)) as u16;
        let of_slabs: [u16; 16] = std::array::from_fn(|b| flags(b % L));
        match of_slabs {
            [u16::MAX, ..] if of_slabs.iter().all(|&f| f == u16::MAX) => of_slabs,
            _ => turn_bits(of_slabs),
        }
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
                    _ => self.some(columns, weights, row, work.facts, work.missing, work.valid),
                };
            }
            self.turn_results::<I>(group.rows);
            for (staging, writer) in self.staging.iter_mut().zip(&mut writers) {
                writer.append::<I>(staging, group.rows);
            }
            if work.valid != Valid::All {
                add_flags(&present, group.first, &mut flags);
            }
        }
        for (staging, writer) in self.staging.iter().zip(writers) {
            writer.finish(staging);
        }
        if work.streams {
            fence();
        }
    }

    /// Copies a page into its slot; what is missing becomes 0 where slabs differ.
    #[inline(always)]
    fn fill<const I: u8>(&mut self, sources: &Sources<'_, V, L>, load: Load, valid: Valid) {
        let start = load.slot as usize % (CELLS / PAGE) * PAGE;
        let cells: &mut [[V; L]; PAGE] = (&mut self.values[start..start + PAGE]).try_into().expect("a page");
        V::turn_in::<I>(sources.page(load.page as usize), cells.each_mut());
        if valid != Valid::All {
            let flags = sources.valid(load.page as usize);
            self.valid[start..start + PAGE].copy_from_slice(&flags);
            if (valid == Valid::Mixed || !V::CLAMPED) && flags != [u16::MAX; PAGE] {
                for (cell, flags) in cells.iter_mut().zip(flags) {
                    V::keep::<I>(cell, flags);
                }
            }
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

    /// A row where values may be missing, and a bit for each slab that has a result.
    #[inline(always)]
    fn some(
        &mut self,
        columns: &[u16],
        weights: &[f64],
        row: usize,
        facts: &RowFacts,
        missing: Missing,
        valid: Valid,
    ) -> ([V; L], u16) {
        let (mut all, mut any) = (Self::EVERY, 0);
        for &column in columns {
            let valid = self.valid[usize::from(column) % CELLS];
            all &= valid;
            any |= valid;
        }
        any &= Self::EVERY;
        if any == 0 || (missing == Missing::Propagate && all == 0) {
            ([V::default(); L], 0)
        } else if all == Self::EVERY {
            (self.sum(columns, weights, V::CLAMPED && facts.is_mean(row)), Self::EVERY)
        } else if valid == Valid::Same {
            self.same(columns, weights, row, facts, missing)
        } else {
            self.partial(columns, weights, row, facts, missing, all, any)
        }
    }

    /// A row that misses the same values in all slabs: where ranges need no care, the links that miss add 0, which
    /// changes no bit of a sum; elsewhere a row of fewer links.
    #[inline(always)]
    fn same(&mut self, columns: &[u16], weights: &[f64], row: usize, facts: &RowFacts, missing: Missing) -> ([V; L], u16) {
        if V::CLAMPED {
            return self.fewer(columns, weights, row, facts, missing);
        }
        let (mut share, mut magnitude) = (0.0, 0.0);
        for (&column, &w) in columns.iter().zip(weights) {
            let w = if self.valid[usize::from(column) % CELLS] != 0 { w } else { 0.0 };
            share += w;
            magnitude += w.abs();
        }
        let Some(scale) = facts.scale(row, share, magnitude, missing) else { return ([V::default(); L], 0) };
        (self.scaled(columns, weights, scale), Self::EVERY)
    }

    /// The sums of a row times `scale`.
    #[inline(always)]
    fn scaled(&self, columns: &[u16], weights: &[f64], scale: f64) -> [V; L] {
        let mut sum = [0.0; L];
        for (&column, &w) in columns.iter().zip(weights) {
            let x = &self.values[usize::from(column) % CELLS];
            for b in 0..L {
                sum[b] += w * x[b].to_f64();
            }
        }
        sum.map(|sum| V::from_f64(sum * scale))
    }

    /// A row of the links that do not miss.
    fn fewer(&mut self, columns: &[u16], weights: &[f64], row: usize, facts: &RowFacts, missing: Missing) -> ([V; L], u16) {
        let (mut valid_columns, mut valid_weights) = (std::mem::take(&mut self.columns), std::mem::take(&mut self.weights));
        valid_columns.clear();
        valid_weights.clear();
        let (mut share, mut magnitude) = (0.0, 0.0);
        for (&column, &w) in columns.iter().zip(weights) {
            if self.valid[usize::from(column)] != 0 {
                valid_columns.push(column);
                valid_weights.push(w);
                share += w;
                magnitude += w.abs();
            }
        }
        let result = facts.scale(row, share, magnitude, missing).map(|scale| {
            let mut sum = [0.0; L];
            let (mut least, mut greatest) = ([f64::INFINITY; L], [f64::NEG_INFINITY; L]);
            for (&column, &w) in valid_columns.iter().zip(&valid_weights) {
                let x = &self.values[usize::from(column)];
                for b in 0..L {
                    let x = x[b].to_f64();
                    sum[b] += w * x;
                    if V::CLAMPED {
                        least[b] = if x < least[b] { x } else { least[b] };
                        greatest[b] = if x > greatest[b] { x } else { greatest[b] };
                    }
                }
            }
            let clamped = V::CLAMPED && facts.is_mean(row) && matches!(missing, Missing::Renormalize { .. });
            let scaled = |b: usize| if clamped { within(sum[b] * scale, least[b], greatest[b]) } else { sum[b] * scale };
            std::array::from_fn(|b| V::from_f64(scaled(b)))
        });
        (self.columns, self.weights) = (valid_columns, valid_weights);
        result.map_or(([V::default(); L], 0), |result| (result, Self::EVERY))
    }

    /// A row of which some slabs miss some values; bits of `all` and `any`: no value is missing, there is one.
    #[inline(always)]
    fn partial(
        &self,
        columns: &[u16],
        weights: &[f64],
        row: usize,
        facts: &RowFacts,
        missing: Missing,
        all: u16,
        any: u16,
    ) -> ([V; L], u16) {
        let (mut sum, mut share, mut magnitude) = ([0.0; L], [0.0; L], [0.0; L]);
        let (mut least, mut greatest) = ([f64::INFINITY; L], [f64::NEG_INFINITY; L]);
        let total = facts.total(row);
        let one_sign = total == facts.magnitude(row);
        for (&column, &w) in columns.iter().zip(weights) {
            let (x, valid) = (&self.values[usize::from(column) % CELLS], self.valid[usize::from(column) % CELLS]);
            for b in 0..L {
                // What is missing is 0 in the tile, and sums start from +0: adding 0 changes no bit of them.
                let x = x[b].to_f64();
                sum[b] += w * x;
                share[b] += if valid & (1 << b) != 0 { w } else { 0.0 };
                if V::CLAMPED {
                    least[b] = if valid & (1 << b) != 0 && x < least[b] { x } else { least[b] };
                    greatest[b] = if valid & (1 << b) != 0 && x > greatest[b] { x } else { greatest[b] };
                }
            }
            if !one_sign {
                for b in 0..L {
                    magnitude[b] += if valid & (1 << b) != 0 { w.abs() } else { 0.0 };
                }
            }
        }
        if one_sign {
            magnitude = share;
        }
        let (least_share, scale) = match missing {
            Missing::Propagate => (f64::INFINITY, false),
            Missing::Keep { min_valid } => ((min_valid - SHARE_TOLERANCE) * facts.magnitude(row), false),
            Missing::Renormalize { min_valid } => ((min_valid - SHARE_TOLERANCE) * facts.magnitude(row), true),
        };
        let is_mean = V::CLAMPED && facts.is_mean(row);
        // One thing after the other for all slabs: loops of a kind that vectors are made of.
        let whole: [bool; L] = std::array::from_fn(|b| all >> b & 1 != 0);
        let met: [bool; L] = std::array::from_fn(|b| any >> b & 1 != 0);
        let mut value = sum;
        if scale {
            for b in 0..L {
                value[b] *= if whole[b] { 1.0 } else { total / share[b] };
            }
        }
        if is_mean {
            for b in 0..L {
                let bounded = within(value[b], least[b], greatest[b]);
                value[b] = if scale | whole[b] { bounded } else { value[b] };
            }
        }
        let mut ok = [false; L];
        for b in 0..L {
            let enough = (magnitude[b] >= least_share) & (share[b].abs() > UNCANCELLED * magnitude[b]);
            ok[b] = whole[b] | (met[b] & enough);
        }
        let result = std::array::from_fn(|b| V::from_f64(if ok[b] { value[b] } else { 0.0 }));
        let flags = ok.iter().enumerate().fold(0u16, |flags, (b, &ok)| flags | u16::from(ok) << b);
        (result, flags)
    }
}

/// Bits of slabs, row by row, to bits of rows, slab by slab.
fn add_flags(present: &[u16; GROUP], first: usize, flags: &mut [&mut [u64]]) {
    let (word, shift) = (first / GROUP, first % GROUP);
    for (quarter, rows) in present.as_chunks::<16>().0.iter().enumerate() {
        let of_slabs = turn_bits(*rows);
        for (flags, of_slab) in flags.iter_mut().zip(of_slabs) {
            let bits = u64::from(of_slab) << (16 * quarter);
            if bits != 0 {
                flags[word] |= bits << shift;
            }
        }
    }
}

/// A rounded mean can leave the range of its values by an ulp.
#[inline(always)]
pub(crate) fn within(value: f64, least: f64, greatest: f64) -> f64 {
    let value = if value < least { least } else { value };
    if value > greatest { greatest } else { value }
}
