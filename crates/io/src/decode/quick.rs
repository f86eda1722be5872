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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::with_element;

    const LEN: usize = 2 * BLOCK + 99;

    fn decoder(number: NumberType) -> Decoder {
        Decoder {
            number,
            unsigned: false,
            missing: Vec::new(),
            nan_is_missing: false,
            raw_range: None,
            decoded_range: None,
            scale: 1.0,
            offset: 0.0,
            remarks: Vec::new(),
        }
    }

    /// Rules as files have them, alone and together.
    fn rules(number: NumberType) -> Vec<Decoder> {
        let plain = decoder(number);
        let packed = Decoder { scale: 0.01, offset: 250.0, ..plain.clone() };
        let changed: [&dyn Fn(Decoder) -> Decoder; 9] = [
            &|d| d,
            &|d| Decoder { missing: vec![5.0], ..d },
            &|d| Decoder { missing: vec![5.0, 5.0, 0.0], ..d },
            &|d| Decoder { missing: vec![5.0, 7.0, 11.0], ..d },
            &|d| Decoder { raw_range: Some((2.0, 100.0)), ..d },
            &|d| Decoder { raw_range: Some((f64::NEG_INFINITY, 64.0)), missing: vec![7.0], ..d },
            &|d| Decoder { decoded_range: Some((250.1, 250.9)), missing: vec![7.0], ..d },
            &|d| Decoder { unsigned: true, missing: vec![200.0], ..d },
            &|d| Decoder { nan_is_missing: true, missing: vec![1.0], ..d },
        ];
        let fits = |d: &Decoder| !(d.unsigned && number.is_float());
        [plain, packed].into_iter().flat_map(|d| changed.map(|change| change(d.clone()))).filter(fits).collect()
    }

    fn raw<T: Element>(strange: Option<f64>) -> Vec<T> {
        let value = |i: usize| ((i * 7919) % 128) as f64 * if i.is_multiple_of(3) && T::NUMBER.is_float() { -1.0 } else { 1.0 };
        let mut all: Vec<T> = (0..LEN).map(|i| T::stored(value(i))).collect();
        if let Some(strange) = strange {
            all[BLOCK + 17] = T::stored(strange);
        }
        all
    }

    fn check<T: Element, V: Real>(strange: Option<f64>, expect_errors: &mut usize) {
        for decoder in rules(T::NUMBER) {
            for nan in [NanPolicy::Error, NanPolicy::Missing] {
                let raw = raw::<T>(strange);
                let expected = decoder.decode(raw.iter().map(|v| v.widened()).collect(), nan);
                let mut out = vec![V::from_f64(77.0); LEN];
                let mut found = vec![decoder.decode_into(&raw, nan, &mut out)];
                let mut outs = vec![out];
                if T::NUMBER == V::NUMBER {
                    let mut own: Vec<V> = raw.iter().map(|v| V::stored(v.widened())).collect();
                    found.push(decoder.decode_in_place(&mut own, nan));
                    outs.push(own);
                }
                for (found, out) in found.into_iter().zip(outs) {
                    match (&expected, found) {
                        (Ok(expected), Ok(valid)) => {
                            assert_eq!(expected.valid, valid, "{decoder:?}");
                            let same = |(&a, b): (&f64, &V)| V::from_f64(a).widened().to_bits() == b.widened().to_bits();
                            assert!(expected.values.iter().zip(&out).all(same), "{decoder:?}");
                        }
                        (Err(at), Err(found)) => {
                            assert_eq!(*at, found);
                            *expect_errors += 1;
                        }
                        (expected, found) => panic!("{decoder:?}: {} {found:?}", expected.is_ok()),
                    }
                }
            }
        }
    }

    #[test]
    fn every_rule_decodes_as_the_plain_way_bit_by_bit() {
        use NumberType::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        let mut errors = 0;
        for number in [I8, U8, I16, U16, I32, U32, I64, U64, F32, F64] {
            with_element!(number, T => {
                let strange: &[Option<f64>] = if number.is_float() {
                    &[None, Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(-0.0), Some(5.0)]
                } else {
                    &[None, Some(-3.0)]
                };
                for &strange in strange {
                    check::<T, f64>(strange, &mut errors);
                    check::<T, f32>(strange, &mut errors);
                }
            });
        }
        assert!(errors > 20, "values that are not finite are errors in many cases: {errors}");
    }
}
