//! What regridding did to the values: range, mean, missing values, integral.

use crate::element::Real;
use knarr_kernels::global_integral::Compensated;
use knarr_regrid::{MissingPolicy, Weights};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Cells of a task; sums within it are plain, between tasks compensated.
const BLOCK: usize = 2048;
/// Running sums side by side, so that vector instructions serve them.
const LANES: usize = 8;

/// Range and mean of the valid values on one grid, over all slabs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Smallest valid value; `NaN` if there is none.
    pub min: f64,
    /// Largest valid value; `NaN` if there is none.
    pub max: f64,
    /// Mean weighted by cell areas, where they are known, else of all values alike; `NaN` if there is none.
    pub mean: f64,
    /// Number of valid values.
    pub valid: u64,
    /// Number of missing values among active cells.
    pub missing: u64,
}

/// Integrals over the sphere of radius 1, summed over all slabs, in the units of the variable times steradian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conservation {
    /// Over the part of the source cells that overlaps destination cells.
    pub source: f64,
    /// Over the same part of the destination cells.
    pub destination: f64,
    /// Difference over the integral of the absolute values of the source; 0 if that is 0.
    pub relative_error: f64,
}

/// One side of the regridding: what values are weighted with, and the sums so far.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    cells: usize,
    active: Option<&'a [bool]>,
    /// Weights of the mean; all 1 where areas are not known.
    areas: Option<&'a [f64]>,
    /// Weights of the integral; `None` where it has no meaning.
    parts: Option<Parts<'a>>,
    sums: Sums<Compensated>,
}

/// The parts of cells that an integral is over: their areas times fractions, or all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) areas: &'a [f64],
    pub(crate) fractions: Option<&'a [f64]>,
}

impl Parts<'_> {
    /// Those of some cells.
    fn of(&self, cells: Range<usize>) -> Vec<f64> {
        let areas = &self.areas[cells.clone()];
        match self.fractions {
            Some(fractions) => areas.iter().zip(&fractions[cells]).map(|(area, fraction)| area * fraction).collect(),
            None => areas.to_vec(),
        }
    }
}

/// What all slabs of a block of cells have in common.
struct Block<'a> {
    active: Option<&'a [bool]>,
    areas: Cow<'a, [f64]>,
    /// Sum of the areas.
    weight: f64,
    /// Empty where the integral has no meaning.
    parts: Vec<f64>,
}

/// Sums over the values of one side.
#[derive(Clone, Copy, Debug)]
struct Sums<S> {
    min: f64,
    max: f64,
    value: S,
    weight: S,
    integral: S,
    magnitude: S,
    valid: u64,
    missing: u64,
}

impl<S: Default> Default for Sums<S> {
    fn default() -> Self {
        Self {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            value: S::default(),
            weight: S::default(),
            integral: S::default(),
            magnitude: S::default(),
            valid: 0,
            missing: 0,
        }
    }
}

impl Sums<Compensated> {
    fn add(&mut self, block: &Sums<f64>) {
        self.min = self.min.min(block.min);
        self.max = self.max.max(block.max);
        self.value.add(block.value);
        self.weight.add(block.weight);
        self.integral.add(block.integral);
        self.magnitude.add(block.magnitude);
        self.valid += block.valid;
        self.missing += block.missing;
    }
}

impl<'a> Tally<'a> {
    /// For values on `cells` cells; those that are not active count for nothing but the integral.
    pub(crate) fn new(cells: usize, active: Option<&'a [bool]>, areas: Option<&'a [f64]>, parts: Option<Parts<'a>>) -> Self {
        let whole = |list: &[f64]| list.len() == cells;
        let parts = parts.filter(|p| whole(p.areas) && p.fractions.is_none_or(whole));
        Self { cells, active, areas, parts, sums: Sums::default() }
    }

    /// Adds slabs. `shares`, one list for each slab that has one, scale the weights of the integral.
    pub(crate) fn add<V: Real>(&mut self, values: &[V], valid: Option<&[bool]>, shares: &[Option<&[f64]>]) {
        let (cells, slabs) = (self.cells, values.len() / self.cells.max(1));
        let this = &*self;
        let blocks: Vec<Vec<Sums<f64>>> = (0..cells.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let range = block * BLOCK..cells.min((block + 1) * BLOCK);
                let block = this.block(range.clone());
                let of_slab = |slab: usize| {
                    let at = slab * cells + range.start..slab * cells + range.end;
                    let shares = shares.get(slab).copied().flatten().map(|s| &s[range.clone()]);
                    block.sums(&values[at.clone()], valid.map(|v| &v[at]), shares)
                };
                (0..slabs).map(of_slab).collect()
            })
            .collect();
        for slab in 0..slabs {
            blocks.iter().for_each(|block| self.sums.add(&block[slab]));
        }
    }

    fn block(&self, cells: Range<usize>) -> Block<'a> {
        let areas: Cow<'a, [f64]> = match self.areas {
            Some(areas) => Cow::Borrowed(&areas[cells.clone()]),
            None => Cow::Owned(vec![1.0; cells.len()]),
        };
        let parts = self.parts.map_or_else(Vec::new, |parts| parts.of(cells.clone()));
        Block { active: self.active.map(|a| &a[cells]), weight: sum_of_lanes(&areas), areas, parts }
    }

    /// Range, mean and numbers of the values.
    pub(crate) fn summary(&self) -> Summary {
        let Sums { min, max, value, weight, valid, missing, .. } = self.sums;
        if valid == 0 {
            return Summary { min: f64::NAN, max: f64::NAN, mean: f64::NAN, valid, missing };
        }
        Summary { min, max, mean: value.value() / weight.value(), valid, missing }
    }
}

impl Block<'_> {
    fn sums<V: Real>(&self, values: &[V], valid: Option<&[bool]>, shares: Option<&[f64]>) -> Sums<f64> {
        let scaled: Vec<f64>;
        let parts = match shares {
            Some(shares) => {
                scaled = self.parts.iter().zip(shares).map(|(part, share)| part * share).collect();
                &scaled
            }
            None => &self.parts,
        };
        let all = |flags: Option<&[bool]>| flags.is_none_or(|flags| flags.iter().fold(true, |all, &ok| all & ok));
        if all(valid) && all(self.active) {
            let sums = match parts.is_empty() {
                true => sums_of_all::<V, false>(values, &self.areas, &self.areas),
                false => sums_of_all::<V, true>(values, &self.areas, parts),
            };
            return Sums { weight: self.weight, ..sums };
        }
        let mut sums = Sums::default();
        for (i, value) in values.iter().enumerate() {
            let value = value.widened();
            let (ok, counts) = (valid.is_none_or(|v| v[i]), self.active.is_none_or(|a| a[i]));
            let both = ok & counts;
            sums.missing += u64::from(counts & !ok);
            sums.valid += u64::from(both);
            sums.min = if both & (value < sums.min) { value } else { sums.min };
            sums.max = if both & (value > sums.max) { value } else { sums.max };
            sums.value += if both { self.areas[i] * value } else { 0.0 };
            sums.weight += if both { self.areas[i] } else { 0.0 };
            if let Some(&part) = parts.get(i) {
                let product = if ok { part * value } else { 0.0 };
                sums.integral += product;
                sums.magnitude += product.abs();
            }
        }
        sums
    }
}

/// Sums over values that all count, but for those of areas.
fn sums_of_all<V: Real, const INTEGRAL: bool>(values: &[V], areas: &[f64], parts: &[f64]) -> Sums<f64> {
    let (eights, last) = values.as_chunks::<LANES>();
    let parts_of_mixed = if INTEGRAL { parts } else { &[] };
    let ((areas, last_areas), (parts, last_parts)) = (areas.as_chunks::<LANES>(), parts.as_chunks::<LANES>());
    let Lanes { mut min, mut max, mut sum, mut integral } = fastest::<V, INTEGRAL>(eights, areas, parts);
    for (k, value) in last.iter().enumerate() {
        let value = value.widened();
        (min[k], max[k]) = (min[k].min(value), max[k].max(value));
        sum[k] += last_areas[k] * value;
        if INTEGRAL {
            integral[k] += last_parts[k] * value;
        }
    }
    let [value, integral] = [sum, integral].map(|lane| lane.iter().sum::<f64>());
    let (min, max) = (min.into_iter().fold(f64::INFINITY, f64::min), max.into_iter().fold(f64::NEG_INFINITY, f64::max));
    // Areas are not negative, so the sum of magnitudes is a sum of its own only where signs are mixed.
    let magnitude = match (min >= 0.0, max <= 0.0) {
        (true, _) => integral,
        (_, true) => -integral,
        _ => parts_of_mixed.iter().zip(values).map(|(part, value)| (part * value.widened()).abs()).sum(),
    };
    Sums { min, max, value, weight: 0.0, integral, magnitude, valid: values.len() as u64, missing: 0 }
}

/// Running sums; lane k has the values at k, k + 8, ...
struct Lanes {
    min: [f64; LANES],
    max: [f64; LANES],
    sum: [f64; LANES],
    integral: [f64; LANES],
}

/// Numbers side by side.
type Eights<'n, N> = &'n [[N; LANES]];

/// The lanes by the widest instructions of the machine, which give the same bits.
fn fastest<V: Real, const INTEGRAL: bool>(values: Eights<'_, V>, areas: Eights<'_, f64>, parts: Eights<'_, f64>) -> Lanes {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        #[allow(unsafe_code, reason = "only the call knows which instructions the machine has")]
        // SAFETY: it has them.
        return unsafe { wide::<V, INTEGRAL>(values, areas, parts) };
    } else if is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "only the call knows which instructions the machine has")]
        // SAFETY: it has them.
        return unsafe { half_wide::<V, INTEGRAL>(values, areas, parts) };
    }
    plain::<V, INTEGRAL>(values, areas, parts)
}

/// [`plain`] with two vectors for all lanes, as the compiler makes them.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn half_wide<V: Real, const INTEGRAL: bool>(values: Eights<'_, V>, areas: Eights<'_, f64>, parts: Eights<'_, f64>) -> Lanes {
    plain::<V, INTEGRAL>(values, areas, parts)
}

#[inline(always)]
fn plain<V: Real, const INTEGRAL: bool>(values: Eights<'_, V>, areas: Eights<'_, f64>, parts: Eights<'_, f64>) -> Lanes {
    let (mut min, mut max) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let [mut sum, mut integral] = [[0.0; LANES]; 2];
    for ((values, areas), parts) in values.iter().zip(areas).zip(parts) {
        // One operation on all lanes at a time, in numbers of one width.
        let values = values.map(V::widened);
        each(&mut min, values, |min, value| if value < min { value } else { min });
        each(&mut max, values, |max, value| if value > max { value } else { max });
        each(&mut sum, product(values, *areas), |sum, x| sum + x);
        if INTEGRAL {
            each(&mut integral, product(values, *parts), |sum, x| sum + x);
        }
    }
    Lanes { min, max, sum, integral }
}

/// [`plain`] with a vector for all lanes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "loads and stores through pointers")]
fn wide<V: Real, const INTEGRAL: bool>(values: Eights<'_, V>, areas: Eights<'_, f64>, parts: Eights<'_, f64>) -> Lanes {
    use std::arch::x86_64::*;
    let (mut min, mut max) = (_mm512_set1_pd(f64::INFINITY), _mm512_set1_pd(f64::NEG_INFINITY));
    let [mut sum, mut integral] = [_mm512_setzero_pd(); 2];
    // SAFETY: each of the arrays has as many numbers as the vector.
    let load = |numbers: &[f64; LANES]| unsafe { _mm512_loadu_pd(numbers.as_ptr()) };
    for ((values, areas), parts) in values.iter().zip(areas).zip(parts) {
        let values = load(&values.map(V::widened));
        // The second operand is the result where the comparison does not hold.
        min = _mm512_min_pd(values, min);
        max = _mm512_max_pd(values, max);
        sum = _mm512_add_pd(sum, _mm512_mul_pd(values, load(areas)));
        if INTEGRAL {
            integral = _mm512_add_pd(integral, _mm512_mul_pd(values, load(parts)));
        }
    }
    let stored = |numbers| {
        let mut lanes = [0.0; LANES];
        // SAFETY: as above.
        unsafe { _mm512_storeu_pd(lanes.as_mut_ptr(), numbers) }
        lanes
    };
    Lanes { min: stored(min), max: stored(max), sum: stored(sum), integral: stored(integral) }
}

/// The sum of numbers in lanes, as [`Lanes`] has them.
fn sum_of_lanes(numbers: &[f64]) -> f64 {
    let mut sum = [0.0; LANES];
    let (eights, last) = numbers.as_chunks::<LANES>();
    eights.iter().for_each(|numbers| each(&mut sum, *numbers, |sum, x| sum + x));
    sum.iter_mut().zip(last).for_each(|(sum, x)| *sum += x);
    sum.iter().sum()
}

#[inline(always)]
fn each(lanes: &mut [f64; LANES], values: [f64; LANES], with: impl Fn(f64, f64) -> f64) {
    for k in 0..LANES {
        lanes[k] = with(lanes[k], values[k]);
    }
}

#[inline(always)]
fn product(mut a: [f64; LANES], b: [f64; LANES]) -> [f64; LANES] {
    each(&mut a, b, |a, b| a * b);
    a
}

/// Integrals of both sides.
pub(crate) fn conservation(source: &Tally<'_>, destination: &Tally<'_>) -> Conservation {
    let (source, absolute) = (source.sums.integral.value(), source.sums.magnitude.value());
    let destination = destination.sums.integral.value();
    let relative_error = if absolute == 0.0 { 0.0 } else { (destination - source) / absolute };
    Conservation { source, destination, relative_error }
}

/// Shares of each row's weight that valid sources have. Where missing values were left out, the mean stands for that
/// share of the overlap alone.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// The last flags of sources, which the next slab mostly has, too, and the shares they give.
    known: Option<(Vec<bool>, std::sync::Arc<Vec<f64>>)>,
}

impl Shares {
    /// The shares for a slab; `None` where all are 1.
    pub(crate) fn of(
        &mut self,
        weights: &Weights,
        valid: Option<&[bool]>,
        missing: MissingPolicy,
    ) -> Option<std::sync::Arc<Vec<f64>>> {
        let valid = valid.filter(|v| v.contains(&false))?;
        if !matches!(missing, MissingPolicy::Skip { .. }) || weights.origin.normalization == "destarea" {
            return None;
        }
        if let Some((_, shares)) = self.known.as_ref().filter(|(flags, _)| flags == valid) {
            return Some(shares.clone());
        }
        let shares = std::sync::Arc::new(weights.valid_shares(valid));
        self.known = Some((valid.to_vec(), shares.clone()));
        Some(shares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_weighted_and_missing_values_counted() {
        let active = [true, true, true, false];
        let mut tally = Tally::new(4, Some(&active), Some(&[3.0, 1.0, 1.0, 1.0]), None);
        tally.add(&[1.0, 5.0, 9.0, -7.0], Some(&[true, true, false, true]), &[]);
        assert_eq!(tally.summary(), Summary { min: 1.0, max: 5.0, mean: 2.0, valid: 2, missing: 1 });
    }

    #[test]
    fn nothing_valid_has_no_range() {
        let mut tally = Tally::new(2, None, None, None);
        tally.add(&[1.0, 2.0], Some(&[false, false]), &[]);
        let summary = tally.summary();
        assert!(summary.min.is_nan() && summary.max.is_nan() && summary.mean.is_nan());
        assert_eq!((summary.valid, summary.missing), (0, 2));
    }

    /// Slabs at once or one by one, with flags that say nothing or none: the same bits, and the sums of the definition.
    #[test]
    fn sums_do_not_depend_on_batches_nor_on_how_validity_is_said() {
        let (cells, slabs) = (3 * BLOCK + 13, 3);
        let value = |i: usize| 280.0 + ((i * 7919) % 1000) as f32 * 0.01;
        let values: Vec<f32> = (0..cells * slabs).map(value).collect();
        let areas: Vec<f64> = (0..cells).map(|i| 1.0 + (i % 17) as f64).collect();
        let (halves, parts): (Vec<f64>, Vec<f64>) = areas.iter().map(|a| (0.5, a * 0.5)).unzip();
        let of_cells = Parts { areas: &areas, fractions: Some(&halves) };
        let new = || Tally::new(cells, None, Some(&areas), Some(of_cells));
        let (mut at_once, mut one_by_one) = (new(), new());
        at_once.add(&values, None, &[]);
        for slab in values.chunks(cells) {
            one_by_one.add(slab, Some(&vec![true; cells]), &[None]);
        }
        assert_eq!(at_once.summary(), one_by_one.summary());
        assert_eq!(at_once.sums.integral.value().to_bits(), one_by_one.sums.integral.value().to_bits());

        let sum = |weights: &[f64]| values.iter().enumerate().map(|(i, &v)| f64::from(v) * weights[i % cells]).sum::<f64>();
        let mean = sum(&areas) / (areas.iter().sum::<f64>() * slabs as f64);
        let summary = at_once.summary();
        // Rounding of sums of 18471 terms of one sign: n/2 ulp at most.
        assert!((summary.mean / mean - 1.0).abs() < 1e-12 && summary.mean != 0.0, "{} {mean}", summary.mean);
        assert!((at_once.sums.integral.value() / sum(&parts) - 1.0).abs() < 1e-12);
        let found = (summary.min, summary.max, summary.valid);
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        assert_eq!(found, (f64::from(least), f64::from(values.iter().copied().fold(0.0, f32::max)), values.len() as u64));
    }

    /// Each form of the sums against the plain one, on machines that have its instructions.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn wide_instructions_give_the_same_bits() {
        let numbers = |n: f64| -> Vec<[f64; LANES]> {
            (0..257).map(|row| std::array::from_fn(|k| ((row * LANES + k) as f64 * n).sin() * 10f64.powi(k as i32 - 3))).collect()
        };
        let (values, areas, parts) = (numbers(0.37), numbers(1.7), numbers(0.011));
        let singles: Vec<[f32; LANES]> = values.iter().map(|eight| eight.map(|v| v as f32)).collect();
        let bits = |l: Lanes| [l.min, l.max, l.sum, l.integral].map(|lanes| lanes.map(f64::to_bits));
        let expected = [bits(plain::<f64, true>(&values, &areas, &parts)), bits(plain::<f32, true>(&singles, &areas, &parts))];
        #[allow(unsafe_code, reason = "only the call knows which instructions the machine has")]
        // SAFETY: each is called where the machine has its instructions.
        unsafe {
            if is_x86_feature_detected!("avx2") {
                let (double, single) = (half_wide::<f64, true>, half_wide::<f32, true>);
                assert_eq!([bits(double(&values, &areas, &parts)), bits(single(&singles, &areas, &parts))], expected);
            }
            if is_x86_feature_detected!("avx512f") {
                let (double, single) = (wide::<f64, true>, wide::<f32, true>);
                assert_eq!([bits(double(&values, &areas, &parts)), bits(single(&singles, &areas, &parts))], expected);
            }
        }
    }

    /// One missing value among many: what is counted by the branch with flags and by the one without agrees.
    #[test]
    fn values_that_are_missing_count_for_nothing() {
        let cells = BLOCK + 5;
        let mut values: Vec<f64> = (0..cells).map(|i| (i as f64).sin()).collect();
        let mut valid = vec![true; cells];
        (values[7], valid[7]) = (1e30, false);
        let twos = vec![2.0; cells];
        let mut tally = Tally::new(cells, None, None, Some(Parts { areas: &twos, fractions: None }));
        tally.add(&values, Some(&valid), &[]);
        let expected: f64 = (0..cells).filter(|&i| i != 7).map(|i| 2.0 * values[i]).sum();
        assert!((tally.sums.integral.value() - expected).abs() < 1e-11);
        assert_eq!((tally.sums.valid, tally.sums.missing), (cells as u64 - 1, 1));
        assert!(tally.summary().max <= 1.0);
    }
}
