//! Statistics of a field over regions.

use super::RegionOverlaps;
use rayon::prelude::*;

/// What is made of the values in a region; `v` values, `a` areas that cells share with it, `A` areas of the cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// Σ a·v / Σ a over valid cells.
    Mean,
    /// Σ a·v on the unit sphere (sr); times the square of a radius the integral.
    Integral,
    /// Σ (a/A)·v: the sum of an amount per cell, cells counted by the part of them in the region.
    Sum,
    /// Smallest valid value of the cells that share area.
    Min,
    /// Largest valid value of the cells that share area.
    Max,
    /// √(Σ a·(v − mean)² / Σ a).
    StandardDeviation,
    /// The value below which this percentage of the valid area lies: the least v of which cells with values up to v
    /// make up the share p of the area; where they make it up exactly, the middle between v and the next value.
    Percentile(f64),
    /// Area of the region (sr), of valid cells or not.
    Area,
    /// Area of valid cells in the region over the area of the region, 0 to 1.
    ValidShare,
    /// Number of valid cells that share area with the region.
    Count,
}

/// Values on the cells of a grid.
#[derive(Clone, Copy, Debug)]
pub struct RegionField<'a> {
    /// One per cell.
    pub values: &'a [f64],
    /// Which are valid; all if not given.
    pub valid: Option<&'a [bool]>,
}

/// Shares of area closer than this are equal.
const SAME_SHARE: f64 = 1e-12;

impl RegionOverlaps {
    /// `wanted` statistics of a field in each region: `[region][statistic]`; `None` where no value is valid or valid
    /// cells cover less than the share `min_valid` of the region. Area, valid share and count are always there.
    ///
    /// # Panics
    /// If the field does not have a value for each cell of the grid.
    pub fn statistics(&self, field: RegionField<'_>, wanted: &[Statistic], min_valid: f64) -> Vec<Vec<Option<f64>>> {
        assert_eq!(field.values.len(), self.cell_count, "a field has one value per cell");
        let one = |region: usize| {
            let links = self.links(region).filter(|&k| field.valid.is_none_or(|valid| valid[self.cells[k] as usize]));
            let sample: Vec<Shared> = links
                .map(|k| Shared { value: field.values[self.cells[k] as usize], area: self.areas[k], share: self.cell_shares[k] })
                .collect();
            Sample::new(sample, self.region_areas[region]).statistics(wanted, min_valid)
        };
        (0..self.len()).into_par_iter().map(one).collect()
    }
}

/// A valid value, and what its cell shares with the region.
#[derive(Clone, Copy)]
struct Shared {
    value: f64,
    area: f64,
    share: f64,
}

/// The valid values in one region.
struct Sample {
    cells: Vec<Shared>,
    area: f64,
    region_area: f64,
    /// Whether `cells` ascend by value.
    sorted: bool,
}

impl Sample {
    fn new(cells: Vec<Shared>, region_area: f64) -> Self {
        let area = cells.iter().fold(0.0, |sum, c| sum + c.area);
        Self { cells, area, region_area, sorted: false }
    }

    fn statistics(mut self, wanted: &[Statistic], min_valid: f64) -> Vec<Option<f64>> {
        let valid_share = if self.region_area > 0.0 { (self.area / self.region_area).min(1.0) } else { 0.0 };
        // Rounding of areas must not turn a whole region into less than all of it.
        let enough = !self.cells.is_empty() && valid_share >= min_valid - 1e-9;
        // Percentiles last: they sort, and sums are taken in the order of the cells.
        let mut results = vec![None; wanted.len()];
        for sorting in [false, true] {
            for (result, &statistic) in results.iter_mut().zip(wanted) {
                let sorts = matches!(statistic, Statistic::Percentile(_));
                if sorts != sorting {
                    continue;
                }
                *result = match statistic {
                    Statistic::Area => Some(self.region_area),
                    Statistic::ValidShare => Some(valid_share),
                    Statistic::Count => Some(self.cells.len() as f64),
                    _ if !enough => None,
                    Statistic::Mean => Some(self.mean()),
                    Statistic::Integral => Some(self.sum(|c| c.area * c.value)),
                    Statistic::Sum => Some(self.sum(|c| c.share * c.value)),
                    Statistic::Min => Some(self.cells.iter().fold(f64::INFINITY, |m, c| m.min(c.value))),
                    Statistic::Max => Some(self.cells.iter().fold(f64::NEG_INFINITY, |m, c| m.max(c.value))),
                    Statistic::StandardDeviation => {
                        let mean = self.mean();
                        Some((self.sum(|c| c.area * (c.value - mean) * (c.value - mean)) / self.area).sqrt())
                    }
                    Statistic::Percentile(p) => Some(self.percentile(p / 100.0)),
                };
            }
        }
        results
    }

    fn sum(&self, term: impl Fn(&Shared) -> f64) -> f64 {
        self.cells.iter().fold(0.0, |sum, c| sum + term(c))
    }

    /// The mean as an offset from one of the values, so that a constant keeps its bits.
    fn mean(&self) -> f64 {
        let first = self.cells[0].value;
        first + self.sum(|c| c.area * (c.value - first)) / self.area
    }

    fn percentile(&mut self, share: f64) -> f64 {
        if !self.sorted {
            self.cells.sort_by(|a, b| a.value.total_cmp(&b.value));
            self.sorted = true;
        }
        let mut below = 0.0;
        for (k, cell) in self.cells.iter().enumerate() {
            below += cell.area;
            let reached = below / self.area;
            if reached > share + SAME_SHARE {
                return cell.value;
            }
            if reached >= share - SAME_SHARE && share > SAME_SHARE {
                // What comes next is as good; a larger area of the same value is it as well.
                let next = self.cells.get(k + 1).map_or(cell.value, |c| c.value);
                return 0.5 * (cell.value + next);
            }
        }
        self.cells.last().map_or(f64::NAN, |c| c.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(cells: &[(f64, f64)]) -> Sample {
        let cells: Vec<Shared> = cells.iter().map(|&(value, area)| Shared { value, area, share: 0.5 }).collect();
        Sample::new(cells, 4.0)
    }

    #[test]
    fn percentiles_are_those_of_the_area() {
        let quantile = |cells: &[(f64, f64)], p: f64| sample(cells).percentile(p);
        assert_eq!(quantile(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 0.5), 2.0);
        assert_eq!(quantile(&[(3.0, 1.0), (1.0, 1.0)], 0.5), 2.0);
        assert_eq!(quantile(&[(3.0, 9.0), (1.0, 1.0)], 0.5), 3.0);
        assert_eq!(quantile(&[(3.0, 9.0), (1.0, 1.0)], 0.1), 2.0);
        assert_eq!(quantile(&[(3.0, 9.0), (1.0, 1.0)], 0.0), 1.0);
        assert_eq!(quantile(&[(3.0, 9.0), (1.0, 1.0)], 1.0), 3.0);
        assert_eq!(quantile(&[(7.0, 0.3)], 0.9), 7.0);
    }

    #[test]
    fn sums_and_shares() {
        use Statistic::*;
        let all = [Mean, Integral, Sum, Min, Max, StandardDeviation, Area, ValidShare, Count, Percentile(50.0)];
        let found = sample(&[(1.0, 1.0), (4.0, 2.0)]).statistics(&all, 0.0);
        let expected = [3.0, 9.0, 2.5, 1.0, 4.0, 2f64.sqrt(), 4.0, 0.75, 2.0, 4.0];
        for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found.expect("valid") - expected).abs() < 1e-15, "{:?}", all[k]);
        }
        let too_few = sample(&[(1.0, 1.0), (4.0, 2.0)]).statistics(&all, 0.8);
        assert_eq!(too_few[..6], [None; 6]);
        assert_eq!(too_few[6..9], [Some(4.0), Some(0.75), Some(2.0)]);
    }

    #[test]
    fn a_constant_keeps_its_bits() {
        let cells: Vec<(f64, f64)> = (1..100).map(|k| (0.1, 1.0 / f64::from(k))).collect();
        assert_eq!(sample(&cells).mean(), 0.1);
    }
}
