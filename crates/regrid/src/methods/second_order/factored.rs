//! Second order in two factors, shapes and overlaps, where weights cannot serve: with missing values, which leave other
//! cells to make shapes of, and with shapes that are limited by the values.

use super::shapes::{Scratch, Shapes};
use super::{Cells, Terms, areas, dot, reaches};
use crate::links::LinkRows;
use crate::methods::conservative;
use crate::{Device, Normalization, Options, RegridError, Value};
use knarr_grid::Grid;
use rayon::prelude::*;

/// Rows that one task makes; the result does not depend on it.
const BLOCK: usize = 1024;

/// Overlaps, and shapes of the source cells.
#[derive(Debug)]
pub(crate) struct Factored {
    /// Areas of overlaps by destination cell.
    overlaps: LinkRows,
    /// φ_ij − φ_j of each overlap.
    reaches: Vec<Terms>,
    /// What each row is divided by; the sum of its overlaps where empty.
    divisors: Vec<f64>,
    shapes: Shapes,
    sums: Sums,
}

/// Shapes of cells, one after the other.
#[derive(Debug, Default)]
struct Sums {
    starts: Vec<usize>,
    /// Pairs (k, v) with s = Σ v·(f_k − f_j).
    links: Vec<(u32, Terms)>,
}

/// Lengths and links of some cells.
type Block = (Vec<usize>, Vec<(u32, Terms)>);

/// Shapes in the cells beside missing values.
#[derive(Debug)]
pub(crate) struct Refit {
    cells: Vec<u32>,
    sums: Sums,
}

impl Refit {
    /// Number of values kept.
    pub fn len(&self) -> usize {
        self.cells.len() + self.sums.links.len()
    }
}

impl Factored {
    /// The factors of second-order weights.
    ///
    /// # Errors
    /// [`RegridError`] if a grid has no cells.
    pub fn new(source: &Grid, destination: &Grid, options: &Options) -> Result<Self, RegridError> {
        let weights = conservative::build(source, destination, &(0..destination.len()), options, &Device::Cpu)?;
        let rows = LinkRows::of_weights(&weights);
        let sum = |i: usize| rows.row(i).map(|l| l.1).sum::<f64>();
        let covered = conservative::covered_areas(&weights);
        let overlaps = areas(&rows, |i| covered(i) / sum(i));
        drop(covered);
        drop(rows);
        let divisors = match (options.normalization, weights.areas) {
            (Normalization::DestinationArea, Some([_, areas])) => areas,
            _ => Vec::new(),
        };
        let (from, to) = (Cells::of(source, options.edges), Cells::of(destination, options.edges));
        let shapes = Shapes::new(source, &from);
        let reaches = reaches(&overlaps, &from, &to, shapes.frames());
        let all: Vec<u32> = (0..source.len() as u32).collect();
        let sums = Sums::of(&shapes, &all, |_| true);
        Ok(Self { overlaps, reaches, divisors, shapes, sums })
    }

    /// Shapes where some of the cells around are not valid.
    pub fn refit(&self, valid: &[bool]) -> Refit {
        let is_beside = |j: &u32| valid[*j as usize] && self.shapes.around(*j as usize).any(|k| !valid[k as usize]);
        let cells: Vec<u32> = (0..valid.len() as u32).into_par_iter().filter(is_beside).collect();
        let sums = Sums::of(&self.shapes, &cells, |k| valid[k as usize]);
        Refit { cells, sums }
    }

    /// Destination values, and the share of each cell's overlaps that valid values have (0 where there is none).
    ///
    /// `refit` is that of `valid` (`None`: all valid). With `monotone`, the shape of a cell is scaled down until no mean over
    /// an overlap leaves the range of the cell and those around (after Barth and Jespersen, 1989, AIAA 89-0366): the
    /// integral is kept, and no new extreme is made.
    pub fn apply<V: Value>(&self, source: &[V], valid: Option<(&[bool], &Refit)>, monotone: bool) -> (Vec<f64>, Vec<f64>) {
        let is_valid = |j: usize| valid.is_none_or(|(flags, _)| flags[j]);
        let shape = |j: usize| {
            let mut shape = [0.0; 5];
            if !is_valid(j) {
                return shape;
            }
            let of_mask = valid.and_then(|(_, refit)| Some((&refit.sums, refit.cells.binary_search(&(j as u32)).ok()?)));
            let (sums, at) = of_mask.unwrap_or((&self.sums, j));
            let own = source[j].to_f64();
            for (k, v) in &sums.links[sums.starts[at]..sums.starts[at + 1]] {
                let difference = source[*k as usize].to_f64() - own;
                shape.iter_mut().zip(v).for_each(|(s, v)| *s += v * difference);
            }
            shape
        };
        let mut shapes: Vec<Terms> = (0..source.len()).into_par_iter().map(shape).collect();
        let ranges = if monotone { self.limit(source, &is_valid, &mut shapes) } else { Vec::new() };
        let n = self.overlaps.len();
        let (mut values, mut shares) = (vec![0.0; n], vec![0.0; n]);
        let blocks = values.par_chunks_mut(BLOCK).zip(shares.par_chunks_mut(BLOCK)).enumerate();
        blocks.for_each(|(block, (values, shares))| {
            for (k, (value, share)) in values.iter_mut().zip(shares).enumerate() {
                let i = block * BLOCK + k;
                let first = self.overlaps.row_starts[i];
                let (mut sum, mut found, mut total) = (0.0, 0.0, 0.0);
                let mut range = [f64::INFINITY, f64::NEG_INFINITY];
                for (link, (column, area)) in self.overlaps.row(i).enumerate() {
                    let j = column as usize;
                    total += area;
                    if is_valid(j) {
                        sum += area * (source[j].to_f64() + dot(&shapes[j], &self.reaches[first + link]));
                        found += area;
                        if let Some([low, high]) = ranges.get(j) {
                            range = [range[0].min(*low), range[1].max(*high)];
                        }
                    }
                }
                if found > 0.0 {
                    *share = found / total;
                    // Divided by the whole cell, what is missing contributes nothing.
                    *value = sum / self.divisors.get(i).copied().unwrap_or(found);
                    if monotone && self.divisors.is_empty() {
                        // What is left beyond the range is rounding.
                        *value = value.clamp(range[0], range[1]);
                    }
                }
            }
        });
        (values, shares)
    }

    /// Scales shapes down; gives the range of each cell and those around.
    fn limit<V: Value>(&self, source: &[V], is_valid: &(impl Fn(usize) -> bool + Sync), shapes: &mut [Terms]) -> Vec<[f64; 2]> {
        let range = |j: usize| {
            let own = source[j].to_f64();
            let around = self.shapes.around(j).map(|k| k as usize).filter(|&k| is_valid(k)).map(|k| source[k].to_f64());
            around.fold([own, own], |[low, high], v| [low.min(v), high.max(v)])
        };
        let ranges: Vec<[f64; 2]> = (0..source.len()).into_par_iter().map(range).collect();
        let mut factors = vec![1.0f64; source.len()];
        for (&column, reach) in self.overlaps.columns.iter().zip(&self.reaches) {
            let j = column as usize;
            let ([low, high], own, step) = (ranges[j], source[j].to_f64(), dot(&shapes[j], reach));
            let room = if step > 0.0 {
                (high - own) / step
            } else if step < 0.0 {
                (low - own) / step
            } else {
                1.0
            };
            factors[j] = factors[j].min(room);
        }
        shapes.par_iter_mut().zip(factors).for_each(|(shape, factor)| shape.iter_mut().for_each(|s| *s *= factor));
        ranges
    }
}

impl Sums {
    /// Those of some cells, from the cells around that are valid.
    fn of(shapes: &Shapes, cells: &[u32], valid: impl Fn(u32) -> bool + Sync) -> Self {
        let blocks: Vec<Block> = cells
            .par_chunks(BLOCK)
            .map_init(Scratch::default, |scratch, cells| {
                let (mut lens, mut links) = (Vec::with_capacity(cells.len()), Vec::new());
                for &j in cells {
                    shapes.of(j as usize, &valid, scratch);
                    lens.push(scratch.links.len());
                    links.extend_from_slice(&scratch.links);
                }
                (lens, links)
            })
            .collect();
        let mut sums = Self { starts: vec![0], links: Vec::with_capacity(blocks.iter().map(|b| b.1.len()).sum()) };
        for (lens, links) in blocks {
            let mut end = sums.links.len();
            sums.starts.extend(lens.iter().map(|len| {
                end += len;
                end
            }));
            sums.links.extend(links);
        }
        sums
    }
}
