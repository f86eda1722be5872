//! Decoding without a branch per value, for the rules that files usually have.
//!
//! The results are those of [`Decoder::decode`], which takes the values that this does not.

use super::{Decoder, NanPolicy};
use crate::element::{Element, Real};
use knarr_field::NumberType;
use rayon::prelude::*;

/// Values of a task.
const BLOCK: usize = 1 << 14;

/// Rules as bounds and forbidden values, in the type they are compared in.
#[derive(Clone, Copy)]
struct Rules<R> {
    low: R,
    high: R,
    missing: [R; 2],
}

impl<R: Real> Rules<R> {
    #[inline(always)]
    fn admit(&self, raw: R) -> bool {
        // No short cuts: the compiler makes vector instructions of it.
        (raw >= self.low) & (raw <= self.high) & (raw != self.missing[0]) & (raw != self.missing[1])
    }
}

/// Flags of a block, `None` if all its values are valid; or the place of a value that is not finite.
type Flags = Result<Option<Vec<bool>>, usize>;

impl Decoder {
    /// [`Decoder::decode`] of `raw` into `out`, rounded to its type; gives the flags, `None` if all are valid.
    pub(crate) fn decode_into<T: Element, V: Real>(
        &self,
        raw: &[T],
        nan: NanPolicy,
        out: &mut [V],
    ) -> Result<Option<Vec<bool>>, usize> {
        assert_eq!((raw.len(), T::NUMBER), (out.len(), self.number), "a place for each value of the variable");
        let rules = self.rules::<f64>();
        let blocks = raw.par_chunks(BLOCK).zip(out.par_chunks_mut(BLOCK)).map(|(raw, out)| match rules {
            Some(rules) if self.nan_is_clear(nan) || !T::NUMBER.is_float() || all_finite(raw) => {
                Ok(self.convert(rules, raw, out))
            }
            _ => self.decode_block(raw.iter().map(|v| v.widened()).collect(), nan, out),
        });
        joined(blocks.collect(), raw.len())
    }

    /// [`Decoder::decode_into`] of values that have the type of the variable already.
    pub(crate) fn decode_in_place<V: Real>(&self, values: &mut [V], nan: NanPolicy) -> Result<Option<Vec<bool>>, usize> {
        assert_eq!(V::NUMBER, self.number, "values of the variable's type");
        let rules = self.rules::<V>().filter(|_| !self.is_packed() && self.decoded_range.is_none());
        let len = values.len();
        let blocks = values.par_chunks_mut(BLOCK).map(|values| match rules {
            Some(rules) if values.iter().fold(true, |all, &v| all & rules.admit(v)) => Ok(None),
            Some(rules) if self.nan_is_clear(nan) || all_finite(values) => {
                let mut flags = vec![false; values.len()];
                for (value, flag) in values.iter_mut().zip(&mut flags) {
                    *flag = rules.admit(*value);
                    *value = if *flag { *value } else { V::default() };
                }
                Ok(Some(flags))
            }
            _ => self.decode_block(values.iter().map(|v| v.widened()).collect(), nan, values),
        });
        joined(blocks.collect(), len)
    }

    /// Whether values that are not finite are missing, whatever else holds.
    fn nan_is_clear(&self, nan: NanPolicy) -> bool {
        self.nan_is_missing || nan == NanPolicy::Missing
    }

    /// The rules for raw values, where they are as files usually have them.
    fn rules<R: Real>(&self) -> Option<Rules<R>> {
        let mut missing = self.missing.clone();
        missing.sort_by(f64::total_cmp);
        missing.dedup();
        // NaN differs from every value.
        missing.resize(missing.len().max(2), f64::NAN);
        let [first, second] = missing[..] else { return None };
        let least = if R::NUMBER == NumberType::F32 { f64::from(f32::MAX) } else { f64::MAX };
        let (low, high) = self.raw_range.unwrap_or((-least, least));
        // Beyond these bounds values are not finite.
        let (low, high) = (low.max(-least), high.min(least));
        let exact = [low, high].iter().all(|&bound| R::stored(bound).widened() == bound);
        (exact && !self.unsigned).then(|| Rules {
            low: R::stored(low),
            high: R::stored(high),
            missing: [R::stored(first), R::stored(second)],
        })
    }

    fn convert<T: Element, V: Real>(&self, rules: Rules<f64>, raw: &[T], out: &mut [V]) -> Option<Vec<bool>> {
        let (low, high) = self.decoded_range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        let mut flags = vec![false; raw.len()];
        let (scale, offset) = (self.scale, self.offset);
        // Without packing nothing is added: adding 0 to -0 would give 0.
        let decode = |raw: f64| if self.is_packed() { raw * scale + offset } else { raw };
        for ((out, flag), raw) in out.iter_mut().zip(&mut flags).zip(raw) {
            let raw = raw.widened();
            let value = decode(raw);
            *flag = rules.admit(raw) & (value >= low) & (value <= high);
            *out = V::from_f64(if *flag { value } else { 0.0 });
        }
        if flags.iter().all(|&ok| ok) { None } else { Some(flags) }
    }

    fn decode_block<V: Real>(&self, raw: Vec<f64>, nan: NanPolicy, out: &mut [V]) -> Flags {
        let decoded = self.decode(raw, nan)?;
        out.iter_mut().zip(&decoded.values).for_each(|(out, &value)| *out = V::from_f64(value));
        Ok(decoded.valid)
    }
}

fn all_finite<T: Element>(values: &[T]) -> bool {
    values.iter().fold(true, |all, v| all & v.widened().is_finite())
}

/// Flags of all blocks one after the other.
fn joined(blocks: Vec<Flags>, len: usize) -> Result<Option<Vec<bool>>, usize> {
    let mut flags: Option<Vec<bool>> = None;
    for (block, found) in blocks.into_iter().enumerate() {
        match found.map_err(|at| block * BLOCK + at)? {
            None => {}
            Some(own) => flags.get_or_insert_with(|| vec![true; len])[block * BLOCK..][..own.len()].copy_from_slice(&own),
        }
    }
    Ok(flags)
}
