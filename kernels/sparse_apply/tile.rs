//! Rows for several slabs at once: the values of a source cell are neighbours in the tile, one for each slab.
//!
//! A weight is read once for all slabs and nothing is gathered. Sums run in the same order as in the plain form
//! and give the same bits.

use super::gaps::{Link, Met, NO_GAPS, ONE_MASK, OWN_MASKS, Rule, Rules, with_gaps};
use super::layout::{CELLS, GROUP, Load, PAGE, Plan};
use super::one_mask::OneMask;
#[cfg(target_arch = "x86_64")]
use super::quads::{self, Place};
use super::room::Room;
use super::row_facts::RowFacts;
use super::sums::whole;
use super::transpose::{AVX2, AVX512, bits_of, spread_flags, turn_flags};
use super::value::Lanes;
#[cfg(target_arch = "x86_64")]
use super::wide::Wide;
use super::writer::{CARRY, LINE, STAGED, Writer, fence, prefetch};
use super::{Missing, SparseRows};

/// Groups of rows between the call for links and their use.
const LINKS_AHEAD: usize = 3;

/// Pages between the call for one and its entry: runs of pages are short, and the machine foresees none of their starts. The first
/// of a window come while the one before is summed.
const LOADS_AHEAD: usize = 16;

/// Pages whose flags share a word.
const PER_WORD: usize = u64::BITS as usize / PAGE;

/// Pages whose flags share a cache line.
const FLAGGED: u32 = (8 * LINE / PAGE) as u32;

/// The part of a batch that one thread does: the rows of a chunk.
pub struct Work<'w, 'd, V> {
    pub(crate) rows: SparseRows<'w>,
    pub(crate) facts: &'w RowFacts,
    pub(crate) missing: Missing,
    pub(crate) streams: bool,
    /// The first row of the chunk.
    pub(crate) first: usize,
    /// Which values are missing: [`NO_GAPS`] or others.
    pub(crate) gaps: u8,
    /// That of all slabs, if there are gaps of [`ONE_MASK`]; flags of results are known then.
    pub(crate) one_mask: Option<&'w OneMask>,
    /// For each slab its values, the words of its flags if values are missing, and where results go.
    pub(crate) sources: Vec<(&'w [V], &'w [u64])>,
    pub(crate) destinations: Vec<super::Results<'d, V>>,
}

impl<V> Work<'_, '_, V> {
    /// Whether values are missing.
    #[inline(always)]
    pub(crate) fn has_gaps(&self) -> bool {
        self.gaps != NO_GAPS
    }
}

/// The values of `L` slabs, cell by cell.
pub struct Tile<V, const L: usize> {
    values: Room<V, L, CELLS>,
    /// Where values are missing, a bit for each slab of a cell that has one.
    bits: Box<[u16; CELLS]>,
    /// The results of a group.
    results: Room<V, L, GROUP>,
    staging: Room<V, STAGED, L>,
}

impl<V: Lanes<L>, const L: usize> Default for Tile<V, L> {
    fn default() -> Self {
        Self { values: Room::default(), bits: Box::new([0; CELLS]), results: Room::default(), staging: Room::default() }
    }
}

/// A tile being worked with.
struct Parts<'t, V, const L: usize> {
    values: &'t mut [[V; L]; CELLS],
    bits: &'t mut [u16; CELLS],
    results: &'t mut [[V; L]; GROUP],
    staging: &'t mut [[V; STAGED]; L],
    /// Whether the row before met no value: so does the next, mostly.
    met_nothing: bool,
}

/// The values of `L` slabs; slabs beyond the last repeat it.
struct Sources<'w, V, const L: usize> {
    slabs: [&'w [V]; L],
    /// The page that is not whole.
    last: [[V; PAGE]; L],
    words: [&'w [u64]; L],
}

impl<'w, V: Lanes<L>, const L: usize> Sources<'w, V, L> {
    fn new(slabs: &[(&'w [V], &'w [u64])]) -> Self {
        let slab = |b: usize| slabs[b.min(slabs.len() - 1)];
        assert!(slabs.iter().all(|(values, _)| values.len() == slabs[0].0.len()), "slabs of one source");
        let last = |b| {
            let rest = slab(b).0.as_chunks::<PAGE>().1;
            std::array::from_fn(|k| rest.get(k).copied().unwrap_or_default())
        };
        Self {
            slabs: std::array::from_fn(|b| slab(b).0),
            last: std::array::from_fn(last),
            words: std::array::from_fn(|b| slab(b).1),
        }
    }

    /// Where the values of a page are, for each slab.
    #[inline(always)]
    fn page(&self, page: usize) -> [*const V; L] {
        let (start, mut lines) = (page * PAGE, [std::ptr::null(); L]);
        let is_whole = start + PAGE <= self.slabs[0].len();
        for b in 0..L {
            // Slabs are equally long.
            lines[b] = if is_whole { self.slabs[b].as_ptr().wrapping_add(start) } else { self.last[b].as_ptr() };
        }
        lines
    }

    /// Calls for a page, and for its flags if there are `GAPS` and they are not in a line with those of the one `before`.
    #[inline(always)]
    fn call<const GAPS: u8>(&self, before: u32, page: u32) {
        self.page(page as usize).iter().for_each(|line| prefetch::<2>(line.cast()));
        if GAPS != NO_GAPS && before / FLAGGED != page / FLAGGED {
            let masks = if GAPS == ONE_MASK { 1 } else { L };
            self.words[..masks]
                .iter()
                .for_each(|words| prefetch::<2>(words.as_ptr().wrapping_add(page as usize / PER_WORD).cast()));
        }
    }

    /// The flags of a page.
    #[inline(always)]
    fn flags(&self, slab: usize, page: usize) -> u16 {
        (self.words[slab][page / PER_WORD] >> (page % PER_WORD * PAGE)) as u16
    }
}

impl<V: Lanes<L>, const L: usize> Tile<V, L> {
    /// Works through a chunk with the instructions `I`; `GAPS`: which values are missing.
    #[inline(always)]
    pub(crate) fn run<const I: u8, const GAPS: u8>(&mut self, plan: &Plan, work: Work<'_, '_, V>) {
        let mut tile = self.parts();
        let sources = Sources::new(&work.sources);
        let rules = Rules::new(work.missing, work.facts, V::CLAMPED);
        let (mut writers, mut flags): (Vec<_>, Vec<_>) =
            work.destinations.into_iter().map(|(values, flags)| (Writer::new(values, work.streams), flags)).unzip();
        let offset = work.rows.row_starts[work.first];
        let one_mask = work.one_mask;
        let mut loaded = 0;
        for (g, group) in plan.groups.iter().enumerate() {
            // Rows come by their length, which the machine does not foresee.
            if let Some(next) = plan.groups.get(g + LINKS_AHEAD) {
                let row = work.first + next.first;
                let links = work.rows.row_starts[row]..work.rows.row_starts[row + next.rows];
                work.rows.weights[links.clone()].chunks(8).for_each(|line| prefetch::<2>(line.as_ptr().cast()));
                plan.columns[links.start - offset..links.end - offset]
                    .chunks(32)
                    .for_each(|line| prefetch::<2>(line.as_ptr().cast()));
            }
            for l in loaded..group.loads_end {
                if let Some([before, next]) = plan.loads.get(l + LOADS_AHEAD - 1..=l + LOADS_AHEAD) {
                    sources.call::<GAPS>(before.page, next.page);
                }
                tile.fill::<I, GAPS>(&sources, plan.loads[l]);
            }
            loaded = group.loads_end;

            let mut present = [0u16; GROUP];
            for &k in &plan.order[group.first..group.first + group.rows] {
                let k = usize::from(k) % GROUP;
                let row = work.first + group.first + k;
                let links = work.rows.row_starts[row]..work.rows.row_starts[row + 1];
                let columns = &plan.columns[links.start - offset..links.end - offset];
                let weights = &work.rows.weights[links];
                match one_mask {
                    Some(one) if GAPS == ONE_MASK => tile.of_one_mask::<I>(columns, weights, one, row, k),
                    _ if GAPS == OWN_MASKS => present[k] = tile.gapped::<I>(columns, weights, rules.of(row), k),
                    _ => tile.full::<I>(columns, weights, V::CLAMPED && rules.are_means(row), 1.0, k),
                }
            }
            tile.turn_results::<I>(group.rows);
            for (staging, writer) in tile.staging.iter_mut().zip(&mut writers) {
                writer.append::<I>(staging, group.rows);
            }
            if GAPS == OWN_MASKS {
                add_flags::<I>(&present, group.first, &mut flags);
            }
        }
        for (staging, writer) in tile.staging.iter().zip(writers) {
            writer.finish(staging);
        }
        if work.streams {
            fence();
        }
    }

    fn parts(&mut self) -> Parts<'_, V, L> {
        Parts {
            values: self.values.values(),
            bits: &mut self.bits,
            results: self.results.values(),
            staging: self.staging.values(),
            met_nothing: false,
        }
    }
}

impl<V: Lanes<L>, const L: usize> Parts<'_, V, L> {
    /// Bits of the slabs of a tile.
    const EVERY: u16 = u16::MAX >> (16 - L);

    /// Copies a page into its slot, with the flags of its cells if there are `GAPS`.
    #[inline(always)]
    fn fill<const I: u8, const GAPS: u8>(&mut self, sources: &Sources<'_, V, L>, load: Load) {
        let start = load.slot as usize % (CELLS / PAGE) * PAGE;
        let cells: &mut [[V; L]; PAGE] = (&mut self.values[start..start + PAGE]).try_into().expect("a page");
        let page = load.page as usize;
        if GAPS == OWN_MASKS {
            let mut flags = [0; L];
            for b in 0..L {
                flags[b] = sources.flags(b, page);
            }
            self.bits[start..start + PAGE].copy_from_slice(&turn_flags::<I, L>(&flags));
        }
        #[allow(unsafe_code, reason = "the instructions are there")]
        // SAFETY: `I` is what the machine has; pages have PAGE values.
        unsafe {
            V::turn_in::<I>(&sources.page(page), cells);
        }
        if GAPS == ONE_MASK {
            let flags = sources.flags(0, page);
            if V::CLAMPED {
                self.bits[start..start + PAGE].copy_from_slice(&spread_flags(flags));
            }
            let mut missing = !flags;
            while missing != 0 {
                cells[missing.trailing_zeros() as usize] = [V::default(); L];
                missing &= missing - 1;
            }
        }
    }

    /// From a row of all slabs to a slab of all rows.
    #[inline(always)]
    fn turn_results<const I: u8>(&mut self, rows: usize) {
        for start in (0..rows).step_by(PAGE) {
            let results: &[[V; L]; PAGE] = self.results[start..start + PAGE].try_into().expect("a group has whole pages");
            #[allow(unsafe_code, reason = "the instructions are there")]
            // SAFETY: `I` is what the machine has.
            unsafe {
                V::turn_out::<I>(results, self.staging, CARRY + start);
            }
        }
    }

    /// The weights of a row and the values they go with.
    #[inline(always)]
    fn links<'a>(&'a self, columns: &'a [u16], weights: &'a [f64]) -> impl Iterator<Item = (f64, &'a [V; L])> + Clone {
        let values = &*self.values;
        columns.iter().zip(weights).map(|(&column, &w)| (w, &values[usize::from(column) % CELLS]))
    }

    /// [`Self::links`] with a bit for each slab that has a value.
    #[inline(always)]
    fn links_with_bits<'a>(&'a self, columns: &'a [u16], weights: &'a [f64]) -> impl Iterator<Item = Link<'a, V, L>> + Clone {
        let values = &*self.values;
        columns.iter().zip(weights).map(move |(&column, &w)| {
            let cell = usize::from(column) % CELLS;
            (w, &values[cell], self.bits[cell].into())
        })
    }

    /// The results of the row `k` of a group without gaps, multiplied with `scale` and kept within the range of the values if they
    /// are `means`.
    #[inline(always)]
    fn full<const I: u8>(&mut self, columns: &[u16], weights: &[f64], means: bool, scale: f64, k: usize) {
        #[cfg(target_arch = "x86_64")]
        if I == AVX2 {
            let mut results = [V::default(); L];
            #[allow(unsafe_code, reason = "the instructions are there")]
            // SAFETY: `I` is what the machine has; L is a multiple of QUAD.
            unsafe {
                quads::whole(self.links(columns, weights), means, scale, Place::new(&mut results));
            }
            self.results[k] = results;
            return;
        }
        let result = whole(self.links(columns, weights), means, scale);
        self.results[k] = result;
    }

    /// The results of the row `k` of a group, of which all slabs have the same gaps: cells that have no values are 0 in the tile.
    #[inline(always)]
    fn of_one_mask<const I: u8>(&mut self, columns: &[u16], weights: &[f64], one: &OneMask, row: usize, k: usize) {
        if !one.is_there(row) {
            self.results[k] = [V::default(); L];
        } else if V::CLAMPED && one.is_bounded(row) {
            let links = self.links_with_bits(columns, weights);
            #[cfg(target_arch = "x86_64")]
            if I == AVX512 {
                #[allow(unsafe_code, reason = "the instructions are there")]
                // SAFETY: `I` is what the machine has; L is a multiple of WIDE.
                unsafe {
                    let wide = Wide::of_one_mask::<V, L>(links, true, one.scale(row));
                    wide.store(&mut self.results[k]);
                }
                return;
            }
            self.results[k] = whole(links.filter(|link| link.2 != 0).map(|(w, x, _)| (w, x)), true, one.scale(row));
        } else {
            self.full::<I>(columns, weights, false, one.scale(row), k);
        }
    }

    /// The results of the row `k` of a group, of which each slab has its own gaps, and a bit for each slab that has one.
    #[inline(always)]
    fn gapped<const I: u8>(&mut self, columns: &[u16], weights: &[f64], rule: Rule, k: usize) -> u16 {
        #[cfg(target_arch = "x86_64")]
        let is_by_share = I == AVX512 && rule.is_by_share();
        #[cfg(not(target_arch = "x86_64"))]
        let is_by_share = false;
        #[cfg(target_arch = "x86_64")]
        if I == AVX512 && rule.propagates() && !columns.is_empty() {
            #[allow(unsafe_code, reason = "the instructions are there")]
            // SAFETY: `I` is what the machine has; L is a multiple of WIDE.
            return unsafe {
                let wide = Wide::where_whole::<V, L>(self.links_with_bits(columns, weights), rule);
                wide.store(&mut self.results[k]);
                wide.there as u16
            };
        }
        let mut met = Met::NOTHING;
        if self.met_nothing || !is_by_share {
            columns.iter().for_each(|&column| met.add(self.bits[usize::from(column) % CELLS].into()));
            self.met_nothing = met.is_nothing::<L>();
            if self.met_nothing {
                self.results[k] = [V::default(); L];
                return 0;
            }
            if met.is_whole::<L>() {
                let result = whole(self.links(columns, weights), rule.means, 1.0);
                self.results[k] = result;
                return Self::EVERY;
            }
        }
        #[cfg(target_arch = "x86_64")]
        if is_by_share {
            #[allow(unsafe_code, reason = "the instructions are there")]
            // SAFETY: `I` is what the machine has; L is a multiple of WIDE.
            return unsafe {
                let links = self.links_with_bits(columns, weights);
                let wide = Wide::by_share::<V, L>(links, rule);
                wide.store(&mut self.results[k]);
                self.met_nothing = wide.there as u16 == 0;
                wide.there as u16
            };
        }
        let links = self.links_with_bits(columns, weights);
        #[cfg(target_arch = "x86_64")]
        if I == AVX512 {
            #[allow(unsafe_code, reason = "the instructions are there")]
            // SAFETY: `I` is what the machine has; L is a multiple of WIDE.
            return unsafe {
                let wide = Wide::with_gaps::<V, L>(links, met, rule);
                wide.store(&mut self.results[k]);
                wide.there as u16
            };
        }
        #[cfg(target_arch = "x86_64")]
        if I == AVX2 {
            #[allow(unsafe_code, reason = "the instructions are there")]
            // SAFETY: `I` is what the machine has; L is a multiple of QUAD.
            return unsafe {
                let mut results = [V::default(); L];
                let there = quads::with_gaps(links, met, rule, Place::new(&mut results));
                self.results[k] = results;
                there as u16
            };
        }
        let (result, there) = with_gaps(links, met, rule);
        self.results[k] = result;
        there as u16
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
