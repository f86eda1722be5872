//! Slab after slab, latitude after latitude, some cells of each together.

use super::across::{Group, TOGETHER};
use super::sums::{Lines, Sums, bits_at};
use super::{Latitude, Products};
use crate::sparse_apply::gaps::Rules;
use crate::sparse_apply::sums::within;
use crate::sparse_apply::tile::Work;
use crate::sparse_apply::transpose::PLAIN;
#[cfg(target_arch = "x86_64")]
use crate::sparse_apply::transpose::{AVX2, AVX512};
use crate::sparse_apply::{Value, plain};

/// The rows of the work up to `last` with `instructions` that the machine has. The same code for all of them: none changes an
/// operation or its order.
pub(crate) fn run<V: Value>(instructions: u8, products: &Products, last: usize, work: Work<'_, '_, V>) {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        AVX512 => {
            #[allow(unsafe_code, reason = "the machine has the instructions")]
            // SAFETY: the caller asked the machine.
            unsafe {
                run_avx512(products, last, work);
            }
        }
        #[cfg(target_arch = "x86_64")]
        AVX2 => {
            #[allow(unsafe_code, reason = "the machine has the instructions")]
            // SAFETY: the caller asked the machine.
            unsafe {
                run_avx2(products, last, work);
            }
        }
        _ => all::<V, PLAIN>(products, last, work),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn run_avx512<V: Value>(products: &Products, last: usize, work: Work<'_, '_, V>) {
    all::<V, AVX512>(products, last, work);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<V: Value>(products: &Products, last: usize, work: Work<'_, '_, V>) {
    all::<V, AVX2>(products, last, work);
}

#[inline(always)]
fn all<V: Value, const I: u8>(products: &Products, last: usize, mut work: Work<'_, '_, V>) {
    let destinations = std::mem::take(&mut work.destinations);
    let mut weights = Vec::new();
    for (&(source, words), (values, flags)) in work.sources.iter().zip(destinations) {
        let mut slab = Slab { products, work: &work, source, words, values, flags, weights: &mut weights };
        let mut row = work.first;
        while row < last {
            let latitude = row / products.cells;
            let end = last.min((latitude + 1) * products.cells);
            match &products.latitudes[latitude] {
                Some(found) => slab.latitude::<I>(found, row, end),
                None => plain::some_rows(&work, source, words, row..end, slab.values, slab.flags),
            }
            row = end;
        }
    }
}

/// A piece of a slab.
struct Slab<'s, 'w, 'd, V> {
    products: &'s Products,
    work: &'s Work<'w, 'd, V>,
    source: &'w [V],
    words: &'w [u64],
    values: &'d mut [V],
    flags: &'d mut [u64],
    /// Room for those of a row.
    weights: &'s mut Vec<f64>,
}

/// What a group of cells meets.
#[derive(Clone, Copy, PartialEq)]
enum Meets {
    Nothing,
    Part,
    Everything,
}

impl<V: Value> Slab<'_, '_, '_, V> {
    /// The rows `first..end` of one latitude.
    #[inline(always)]
    fn latitude<const I: u8>(&mut self, latitude: &Latitude, first: usize, end: usize) {
        let start = first / self.products.cells * self.products.cells;
        for group in (first - start) / TOGETHER..(end - start).div_ceil(TOGETHER) {
            // Of a group in two pieces each has its own cells.
            let rows = start + group * TOGETHER;
            let own = rows.max(first)..(rows + TOGETHER).min(end);
            let meets = if self.work.has_gaps() { self.meets(latitude, group) } else { Meets::Everything };
            let results = match meets {
                Meets::Nothing => Some(([V::default(); TOGETHER], 0)),
                Meets::Everything => self.results::<I, false>(latitude, group, rows),
                Meets::Part => self.results::<I, true>(latitude, group, rows),
            };
            let Some((values, there)) = results else {
                own.for_each(|row| self.by_links(latitude, row));
                continue;
            };
            let place = own.start - self.work.first;
            let values = &values[own.start - rows..own.end - rows];
            match values.first_chunk::<TOGETHER>() {
                Some(values) => *self.values[place..].first_chunk_mut().expect("room for a group") = *values,
                None => self.values[place..place + values.len()].copy_from_slice(values),
            }
            if self.work.has_gaps() {
                let there = there >> (own.start - rows) & (u64::MAX >> (64 - own.len()));
                add_bits(self.flags, place, there);
            }
        }
    }

    /// The results of a group whose first row is `rows`, and a bit for each that there is; `GAPS`: of which values are missing.
    /// `None` if a sum is no number or too large: that can be due to a link of another row.
    #[inline(always)]
    fn results<const I: u8, const GAPS: bool>(
        &self,
        latitude: &Latitude,
        group: usize,
        rows: usize,
    ) -> Option<([V; TOGETHER], u64)> {
        let sums = self.sums::<I, GAPS>(latitude, group);
        let mut are_finite = u64::MAX;
        for sum in sums.value {
            are_finite &= u64::from(sum.is_finite());
        }
        if are_finite == 0 {
            return None;
        }
        let Sums { value, least, greatest, .. } = sums;
        let (facts, missing) = (self.work.facts, self.work.missing);
        let mut results = [V::default(); TOGETHER];
        if !GAPS {
            for b in 0..TOGETHER {
                results[b] = V::from_f64(value[b]);
            }
            if V::CLAMPED {
                for b in 0..TOGETHER {
                    let bounded = V::from_f64(within(value[b], least[b], greatest[b]));
                    results[b] = if rows + b < self.work.rows.len() && facts.is_mean(rows + b) { bounded } else { results[b] };
                }
            }
            return Some((results, if self.work.has_gaps() { bits_at(facts.mapped(), rows) } else { 0 }));
        }
        let mut there = 0;
        for b in 0..TOGETHER.min(self.work.rows.len() - rows) {
            // The weights of products are above 0.
            if sums.share[b] == 0.0 || !facts.is_mapped(rows + b) {
                continue;
            }
            let (rule, share) = (Rules::new(missing, facts, V::CLAMPED).of(rows + b), sums.share[b]);
            let own = plain::Sums { value: value[b], least: least[b], greatest: greatest[b] };
            if let Some(value) = own.result(rule, sums.every[b] != 0, share, share) {
                results[b] = V::from_f64(value);
                there |= 1 << b;
            }
        }
        Some((results, there))
    }

    /// The sums of a group with the instructions `I`.
    #[inline(always)]
    fn sums<const I: u8, const GAPS: bool>(&self, latitude: &Latitude, group: usize) -> Sums {
        let (group, columns) = (self.products.across.group(group), self.products.columns);
        let lines = Lines { source: self.source, words: self.words, first: latitude.first, columns, weights: &latitude.weights };
        #[cfg(target_arch = "x86_64")]
        if I == AVX2 || I == AVX512 {
            #[allow(unsafe_code, reason = "the instructions are there")]
            // SAFETY: `I` is what the machine has.
            return unsafe { Sums::in_vectors::<V, GAPS>(lines, group) };
        }
        Sums::plain::<V, GAPS>(lines, group)
    }

    /// What a group meets of the values that are there.
    #[inline(always)]
    fn meets(&self, latitude: &Latitude, group: usize) -> Meets {
        let (Group { places, span, .. }, columns) = (self.products.across.group(group), self.products.columns);
        let (mut any, mut every) = (false, true);
        let starts = (latitude.first..).map(|line| line * columns).take(latitude.weights.len());
        if let Some((first, last)) = span {
            let all = u64::MAX >> (64 - (last - first));
            for start in starts {
                let bits = bits_at(self.words, start + first) & all;
                any |= bits != 0;
                every &= bits == all;
            }
        } else {
            for start in starts {
                for place in places.as_flattened() {
                    let cell = start + *place as usize;
                    let is_there = self.words[cell / 64] >> (cell % 64) & 1 == 1;
                    any |= is_there;
                    every &= is_there;
                }
            }
        }
        match (any, every) {
            (false, _) => Meets::Nothing,
            (true, false) => Meets::Part,
            (true, true) => Meets::Everything,
        }
    }

    /// A row that is a product, link by link.
    #[inline(never)]
    fn by_links(&mut self, latitude: &Latitude, row: usize) {
        self.weights.clear();
        self.weights.extend(self.products.row_weights(latitude, row % self.products.cells));
        let links = (self.work.rows.row(row).0, &self.weights[..]);
        let result = plain::result(self.work, links, self.source, self.words, row);
        plain::put(self.work, row, result, self.values, self.flags);
    }
}

/// Adds bits to `words` from `bit` on; those that are set have a place.
#[inline(always)]
fn add_bits(words: &mut [u64], bit: usize, bits: u64) {
    let (word, shift) = (bit / 64, bit % 64);
    words[word] |= bits << shift;
    if shift > 0 && bits >> (64 - shift) != 0 {
        words[word + 1] |= bits >> (64 - shift);
    }
}
