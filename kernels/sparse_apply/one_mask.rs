//! What a mask makes of rows, for all slabs that have it: found once, however many they are.

use super::gaps::Rules;
use super::row_facts::RowFacts;
use super::{Missing, SparseRows};
use rayon::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// Masks whose factors are kept: each takes as much memory as the results of two slabs of single precision, of the eight and more
/// that it was made for.
const KEPT: usize = 2;

/// A mask, and what it makes of each row.
#[derive(Debug)]
pub(crate) struct OneMask {
    /// A bit for each source cell that has values.
    mask: Vec<u64>,
    missing: Missing,
    /// What sums over the values that are there are multiplied with.
    scales: Vec<f64>,
    /// Bits of the rows that have a result, of those that meet all values, and of those whose results are kept within the range of
    /// the values.
    there: Vec<u64>,
    whole: Vec<u64>,
    bounded: Vec<u64>,
}

impl OneMask {
    fn new(mask: &[u64], missing: Missing, rows: SparseRows<'_>, facts: &RowFacts) -> Self {
        let rules = Rules::new(missing, facts, true);
        let words = rows.len().div_ceil(64);
        let mut scales = vec![0.0; rows.len()];
        let (mut there, mut whole, mut bounded) = (vec![0; words], vec![0; words], vec![0; words]);
        let bits = there.par_iter_mut().zip(&mut whole).zip(&mut bounded);
        scales.par_chunks_mut(64).zip(bits).with_min_len(64).enumerate().for_each(|(word, (scales, bits))| {
            let ((there, whole), bounded) = bits;
            for (k, scale) in scales.iter_mut().enumerate() {
                let row = 64 * word + k;
                let found = of_row(mask, rows.row(row), rules, row);
                *scale = found.scale.unwrap_or(0.0);
                *there |= u64::from(found.scale.is_some()) << k;
                *whole |= u64::from(found.is_whole) << k;
                *bounded |= u64::from(found.is_bounded) << k;
            }
        });
        Self { mask: mask.to_vec(), missing, scales, there, whole, bounded }
    }

    /// A bit for each source cell that has values.
    pub(crate) fn mask(&self) -> &[u64] {
        &self.mask
    }

    /// Bits of the rows that have a result.
    pub(crate) fn there(&self) -> &[u64] {
        &self.there
    }

    /// Whether a row has a result.
    #[inline(always)]
    pub(crate) fn is_there(&self, row: usize) -> bool {
        self.there[row / 64] >> (row % 64) & 1 == 1
    }

    /// Whether a row meets all values.
    #[inline(always)]
    pub(crate) fn is_whole(&self, row: usize) -> bool {
        self.whole[row / 64] >> (row % 64) & 1 == 1
    }

    /// Whether the results of a row are kept within the range of the values.
    #[inline(always)]
    pub(crate) fn is_bounded(&self, row: usize) -> bool {
        self.bounded[row / 64] >> (row % 64) & 1 == 1
    }

    /// What sums of a row are multiplied with.
    #[inline(always)]
    pub(crate) fn scale(&self, row: usize) -> f64 {
        self.scales[row]
    }
}

/// What a mask makes of a row.
struct Found {
    /// The factor, `None` if there is no result.
    scale: Option<f64>,
    is_whole: bool,
    is_bounded: bool,
}

#[inline(always)]
fn of_row(mask: &[u64], (columns, weights): (&[u32], &[f64]), rules: Rules<'_>, row: usize) -> Found {
    // All ones for a cell that has values, else 0: what comes is not foreseen by the machine.
    let there = |column: u32| (mask[column as usize / 64] >> (column % 64) & 1).wrapping_neg();
    let (mut share, mut any, mut every) = (0.0, 0, u64::MAX);
    for (&column, &w) in columns.iter().zip(weights) {
        let there = there(column);
        share += f64::from_bits(w.to_bits() & there);
        any |= there;
        every &= there;
    }
    if any == 0 {
        return Found { scale: None, is_whole: false, is_bounded: false };
    }
    let rule = rules.of(row);
    if every != 0 {
        return Found { scale: Some(1.0), is_whole: true, is_bounded: rule.means };
    }
    let magnitude = match rule.is_mixed {
        true => columns.iter().zip(weights).fold(0.0, |sum, (&c, w)| sum + f64::from_bits(w.abs().to_bits() & there(c))),
        false => share,
    };
    Found { scale: rule.scale(share, magnitude), is_whole: false, is_bounded: rule.means && rule.scales }
}

/// The last masks.
#[derive(Debug, Default)]
pub(crate) struct Masks(Mutex<Vec<Arc<OneMask>>>);

impl Masks {
    /// What a mask makes of rows that are the same each time.
    pub(crate) fn get(&self, mask: &[u64], missing: Missing, rows: SparseRows<'_>, facts: &RowFacts) -> Arc<OneMask> {
        let is_it = |one: &Arc<OneMask>| one.missing == missing && one.mask == mask;
        let known = self.kept().iter().find(|one| is_it(one)).cloned();
        // Not under the lock: a thread that waits for others here may do another batch.
        let one = known.unwrap_or_else(|| Arc::new(OneMask::new(mask, missing, rows, facts)));
        let mut kept = self.kept();
        kept.retain(|other| !is_it(other));
        kept.truncate(KEPT - 1);
        kept.insert(0, Arc::clone(&one));
        one
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Arc<OneMask>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_masks_are_kept() {
        let rows = SparseRows { row_starts: &[0, 2, 3, 3], columns: &[0, 1, 1], weights: &[0.25, 0.75, 1.0] };
        let facts = RowFacts::new(rows, None);
        let masks = Masks::default();
        let missing = Missing::Renormalize { min_valid: 0.5 };
        let get = |mask: u64| masks.get(&[mask], missing, rows, &facts);
        let second = get(0b10);
        assert_eq!((second.there(), second.scale(0), second.scale(1)), (&[0b011][..], 1.0 / 0.75, 1.0));
        assert_eq!((second.is_whole(0), second.is_whole(1), second.is_there(2)), (false, true, false));
        let first = get(0b01);
        assert_eq!(first.there(), &[0], "a quarter is not enough");
        assert!(Arc::ptr_eq(&second, &get(0b10)) && Arc::ptr_eq(&first, &get(0b01)));
        // Another policy is something else, and takes the place of what was asked for longest ago.
        let kept = masks.get(&[0b01], Missing::Keep { min_valid: 0.1 }, rows, &facts);
        assert_eq!((kept.there(), kept.scale(0)), (&[0b001][..], 1.0));
        assert!(Arc::ptr_eq(&first, &get(0b01)) && !Arc::ptr_eq(&second, &get(0b10)));
    }
}
