//! Sums over the links of a row of which each slab has its own gaps.
//!
//! [`wide`](super::wide) does the same operations in the same order: it leaves lanes out by masks, where this form adds 0.

use super::row_facts::{RowFacts, SHARE_TOLERANCE, UNCANCELLED};
use super::sums::within;
use super::{Missing, Value};

/// No value of slabs that are done together is missing.
pub(crate) const NO_GAPS: u8 = 0;
/// The same ones of all slabs: those of a [`OneMask`](super::one_mask::OneMask).
pub(crate) const ONE_MASK: u8 = 1;
/// Each slab has its own.
pub(crate) const OWN_MASKS: u8 = 2;

/// The links of a row for some slabs: weight, values of the cell, and a bit for each value that is there.
pub(crate) type Link<'a, V, const L: usize> = (f64, &'a [V; L], u32);

/// A bit for each slab of which a row meets any value, and for each of which it meets all.
#[derive(Clone, Copy)]
pub(crate) struct Met {
    pub(crate) any: u32,
    pub(crate) every: u32,
}

impl Met {
    /// Of a row without links.
    pub(crate) const NOTHING: Self = Self { any: 0, every: u32::MAX };

    /// Adds the bits of a cell.
    #[inline(always)]
    pub(crate) fn add(&mut self, bits: u32) {
        self.any |= bits;
        self.every &= bits;
    }

    /// Whether no value of the first `L` slabs is missing: also where there are no links.
    #[inline(always)]
    pub(crate) fn is_whole<const L: usize>(self) -> bool {
        self.every | !every_of::<L>() == u32::MAX
    }

    /// Whether all values of the first `L` slabs are missing.
    #[inline(always)]
    pub(crate) fn is_nothing<const L: usize>(self) -> bool {
        self.any & every_of::<L>() == 0
    }
}

/// A bit for each of `L` slabs.
#[inline(always)]
pub(crate) const fn every_of<const L: usize>() -> u32 {
    u32::MAX >> (32 - L)
}

/// What makes results of sums.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// The sum of all weights.
    pub(crate) total: f64,
    /// The magnitude of the weights of values from which on there is a result.
    pub(crate) least_share: f64,
    /// Whether sums are scaled up to all weights.
    pub(crate) scales: bool,
    /// Whether results are kept within the range of the values.
    pub(crate) means: bool,
    /// Whether weights have both signs.
    pub(crate) is_mixed: bool,
}

/// What makes the rules of all rows.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'w> {
    facts: &'w RowFacts,
    /// The part of a row's magnitude that has to meet values.
    least_part: f64,
    scales: bool,
    clamps: bool,
}

impl<'w> Rules<'w> {
    /// For numbers that are kept within the range of their values if they are `clamped`.
    pub(crate) fn new(missing: Missing, facts: &'w RowFacts, clamps: bool) -> Self {
        let (least_part, scales) = match missing {
            Missing::Propagate => (f64::INFINITY, false),
            Missing::Keep { min_valid } => (min_valid - SHARE_TOLERANCE, false),
            Missing::Renormalize { min_valid } => (min_valid - SHARE_TOLERANCE, true),
        };
        Self { facts, least_part, scales, clamps }
    }

    /// That of a row.
    #[inline(always)]
    pub(crate) fn of(&self, row: usize) -> Rule {
        let (total, magnitude) = (self.facts.total(row), self.facts.magnitude(row));
        let is_mixed = total != magnitude;
        let least_share = self.least_part * magnitude;
        // Weights of one sign that come to less than this are none; so are those of which infinitely many times 0 is no number.
        let least_share = if is_mixed { least_share } else { least_share.max(f64::MIN_POSITIVE) };
        Rule { total, least_share, scales: self.scales, means: self.are_means(row), is_mixed }
    }

    /// Whether the results of a row are kept within the range of the values.
    #[inline(always)]
    pub(crate) fn are_means(&self, row: usize) -> bool {
        self.clamps && self.facts.is_mean(row)
    }
}

impl Rule {
    /// Whether there is a result only where a row meets all values.
    #[inline(always)]
    pub(crate) fn propagates(&self) -> bool {
        self.least_share == f64::INFINITY
    }

    /// Whether the sum of the weights that meet values says all: where it is that of all, there is a result, and a factor 1.
    #[inline(always)]
    pub(crate) fn is_by_share(&self) -> bool {
        !self.is_mixed && self.least_share <= self.total
    }

    /// The factor that sums are scaled by where weights that come to `share` meet values, their magnitudes to `magnitude`, and
    /// some do not; `None`: there is no result.
    #[inline(always)]
    pub(crate) fn scale(&self, share: f64, magnitude: f64) -> Option<f64> {
        let is_enough = magnitude >= self.least_share && share.abs() > UNCANCELLED * magnitude;
        is_enough.then(|| if self.scales { self.total / share } else { 1.0 })
    }
}

/// The results of a row where there are any, and a bit for each of them.
#[inline(always)]
pub(crate) fn with_gaps<'a, V: Value, const L: usize>(
    links: impl Iterator<Item = Link<'a, V, L>> + Clone,
    met: Met,
    rule: Rule,
) -> ([V; L], u32) {
    let (mut sum, mut share) = ([0.0; L], [0.0; L]);
    let (mut least, mut greatest) = ([f64::INFINITY; L], [f64::NEG_INFINITY; L]);
    for (weight, x, bits) in links.clone() {
        for b in 0..L {
            let there = bits >> b & 1 == 1;
            let value = if there { x[b] } else { V::default() }.to_f64();
            sum[b] += weight * value;
            // A weight as it is, or 0.
            share[b] += weight * f64::from(u8::from(there));
            if V::CLAMPED {
                least[b] = if there & (value < least[b]) { value } else { least[b] };
                greatest[b] = if there & (value > greatest[b]) { value } else { greatest[b] };
            }
        }
    }
    let magnitude = if rule.is_mixed { magnitudes(links) } else { share };
    // One thing after the other for all slabs: loops of a kind that vectors are made of.
    let is_whole = |b: usize| met.every >> b & 1 == 1;
    let mut value = sum;
    if rule.scales {
        for b in 0..L {
            value[b] *= if is_whole(b) { 1.0 } else { rule.total / share[b] };
        }
    }
    if rule.means {
        for b in 0..L {
            let bounded = within(value[b], least[b], greatest[b]);
            value[b] = if rule.scales | is_whole(b) { bounded } else { value[b] };
        }
    }
    let (mut results, mut flags) = ([V::default(); L], 0);
    for b in 0..L {
        let enough = (magnitude[b] >= rule.least_share) & (share[b].abs() > UNCANCELLED * magnitude[b]);
        flags |= u32::from((met.any >> b & 1 == 1) & (enough | is_whole(b))) << b;
    }
    for b in 0..L {
        results[b] = V::from_f64(if flags >> b & 1 == 1 { value[b] } else { 0.0 });
    }
    (results, flags)
}

/// The magnitudes of the weights of a row that meet a value.
#[cold]
pub(crate) fn magnitudes<'a, V: Value, const L: usize>(links: impl Iterator<Item = Link<'a, V, L>>) -> [f64; L] {
    let mut magnitude = [0.0; L];
    for (w, _, bits) in links {
        for b in 0..L {
            magnitude[b] += if bits >> b & 1 == 1 { w.abs() } else { 0.0 };
        }
    }
    magnitude
}
