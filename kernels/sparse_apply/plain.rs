//! The plain form, one slab after the other; what the others are tested against.

use super::Value;
use super::gaps::{Rule, Rules};
use super::sums::within;
use super::tile::Work;
use std::ops::Range;

/// The first `n` rows of the work.
pub(crate) fn run<V: Value>(n: usize, mut work: Work<'_, '_, V>) {
    let destinations = std::mem::take(&mut work.destinations);
    let rows = work.first..work.first + n;
    for (&(source, words), (values, flags)) in work.sources.iter().zip(destinations) {
        some_rows(&work, source, words, rows.clone(), values, flags);
    }
}

/// Some rows of a slab; `values` and `flags` start with those of the first row of the work.
#[inline(always)]
pub(crate) fn some_rows<V: Value>(
    work: &Work<'_, '_, V>,
    source: &[V],
    words: &[u64],
    rows: Range<usize>,
    values: &mut [V],
    flags: &mut [u64],
) {
    for row in rows {
        put(work, row, result(work, work.rows.row(row), source, words, row), values, flags);
    }
}

/// Puts the result of a row, and that it is there if values may be missing.
#[inline(always)]
pub(crate) fn put<V: Value>(work: &Work<'_, '_, V>, row: usize, result: Option<f64>, values: &mut [V], flags: &mut [u64]) {
    let k = row - work.first;
    values[k] = V::from_f64(result.unwrap_or(0.0));
    if work.has_gaps() {
        flags[k / 64] |= u64::from(result.is_some()) << (k % 64);
    }
}

/// The result of a row with its columns and weights; 0 of one without links if no value is missing.
#[inline(always)]
pub(crate) fn result<V: Value>(
    work: &Work<'_, '_, V>,
    links: (&[u32], &[f64]),
    source: &[V],
    words: &[u64],
    row: usize,
) -> Option<f64> {
    if work.has_gaps() { some(work, links, source, words, row) } else { Some(whole(work, links, source, row)) }
}

/// A row where no value is missing.
#[inline(always)]
fn whole<V: Value>(work: &Work<'_, '_, V>, (columns, weights): (&[u32], &[f64]), source: &[V], row: usize) -> f64 {
    let mut sums = Sums::ZERO;
    for (&column, &w) in columns.iter().zip(weights) {
        sums.add::<V>(w, source[column as usize].to_f64());
    }
    if V::CLAMPED && work.facts.is_mean(row) { sums.bounded(sums.value) } else { sums.value }
}

/// A row where values may be missing.
#[inline(always)]
fn some<V: Value>(
    work: &Work<'_, '_, V>,
    (columns, weights): (&[u32], &[f64]),
    source: &[V],
    words: &[u64],
    row: usize,
) -> Option<f64> {
    // All ones for a value that is there, else 0.
    let there = |column: u32| (words[column as usize / 64] >> (column % 64) & 1).wrapping_neg();
    let (mut sums, mut links, mut share) = (Sums::ZERO, 0, 0.0);
    for (&column, &w) in columns.iter().zip(weights) {
        // What is there is not foreseen by the machine: 0 is added for what is not, without a branch.
        let there = there(column);
        sums.add_if::<V>(there, w, source[column as usize].to_f64());
        share += f64::from_bits(w.to_bits() & there);
        links += there as usize & 1;
    }
    let rule = Rules::new(work.missing, work.facts, V::CLAMPED).of(row);
    let magnitude = match rule.is_mixed {
        true => columns.iter().zip(weights).fold(0.0, |sum, (&c, w)| sum + f64::from_bits(w.abs().to_bits() & there(c))),
        false => share,
    };
    if links == 0 { None } else { sums.result(rule, links == columns.len(), share, magnitude) }
}

/// Running sums of one destination value.
pub(crate) struct Sums {
    pub(crate) value: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Sums {
    const ZERO: Self = Self { value: 0.0, least: f64::INFINITY, greatest: f64::NEG_INFINITY };

    #[inline(always)]
    fn add<V: Value>(&mut self, weight: f64, x: f64) {
        self.value += weight * x;
        if V::CLAMPED {
            self.least = if x < self.least { x } else { self.least };
            self.greatest = if x > self.greatest { x } else { self.greatest };
        }
    }

    /// [`Self::add`] where `there` is all ones, and nothing where it is 0.
    #[inline(always)]
    fn add_if<V: Value>(&mut self, there: u64, weight: f64, x: f64) {
        self.value += weight * f64::from_bits(x.to_bits() & there);
        if V::CLAMPED {
            let counts = there != 0;
            self.least = if counts & (x < self.least) { x } else { self.least };
            self.greatest = if counts & (x > self.greatest) { x } else { self.greatest };
        }
    }

    /// What a `rule` makes of sums over some values: `is_whole`, of all; else of those that carry the weights `share`.
    #[inline(always)]
    pub(crate) fn result(&self, rule: Rule, is_whole: bool, share: f64, magnitude: f64) -> Option<f64> {
        let scale = if is_whole { 1.0 } else { rule.scale(share, magnitude)? };
        let value = self.value * scale;
        Some(if rule.means && (is_whole || rule.scales) { self.bounded(value) } else { value })
    }

    #[inline(always)]
    fn bounded(&self, value: f64) -> f64 {
        within(value, self.least, self.greatest)
    }
}
