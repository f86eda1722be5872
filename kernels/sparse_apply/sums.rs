//! Sums over the links of a row for several slabs at once, in the stored order.

use super::Value;

/// The sums of a row without missing values, multiplied with `scale` and kept within the range of the values if they are `means`.
#[inline(always)]
pub(crate) fn whole<'a, V: Value, const L: usize>(
    links: impl Iterator<Item = (f64, &'a [V; L])>,
    means: bool,
    scale: f64,
) -> [V; L] {
    let mut sum = [0.0; L];
    if !means {
        for (w, x) in links {
            for b in 0..L {
                sum[b] += w * x[b].to_f64();
            }
        }
        return sum.map(|sum| V::from_f64(sum * scale));
    }
    let (mut least, mut greatest) = ([f64::INFINITY; L], [f64::NEG_INFINITY; L]);
    for (w, x) in links {
        for b in 0..L {
            let x = x[b].to_f64();
            sum[b] += w * x;
            least[b] = if x < least[b] { x } else { least[b] };
            greatest[b] = if x > greatest[b] { x } else { greatest[b] };
        }
    }
    std::array::from_fn(|b| V::from_f64(within(sum[b] * scale, least[b], greatest[b])))
}

/// A rounded mean can leave the range of its values by an ulp.
#[inline(always)]
pub(crate) fn within(value: f64, least: f64, greatest: f64) -> f64 {
    let value = if value < least { least } else { value };
    if value > greatest { greatest } else { value }
}
