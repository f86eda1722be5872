//! Rows between grids of latitudes and longitudes, whose weights are products of those of latitudes and of longitudes.
//!
//! `destination_(y,x) = Σ_j Σ_i (wy_(y,j) · wx_(x,i)) · source_(j,i)`, in the stored order of the links, in f64. The rounded product
//! is the weight of the link in every form, so that all of them give the same bits: for few slabs it is made of the weights of
//! both axes, which stay in cache, where others read it.

mod across;
mod find;
mod order;
mod slabs;
mod sums;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
pub(crate) mod vectors;

pub(crate) use slabs::run;

use super::SparseRows;
use across::{Across, TOGETHER};
use order::Order;
use rayon::prelude::*;
use std::ops::Range;

/// Rows of which most are products.
#[derive(Debug, PartialEq)]
pub(crate) struct Products {
    /// Source cells of a latitude.
    columns: usize,
    /// Destination cells of a latitude; where neighbouring ones have the same weights they may count as one.
    cells: usize,
    /// Source latitudes of each of the destination; `None`: its rows are no products.
    latitudes: Vec<Option<Latitude>>,
    across: Across,
    /// The links of a latitude for each number of source latitudes.
    orders: Vec<Order>,
}

/// The source latitudes that one of the destination takes from.
#[derive(Clone, Debug, Default, PartialEq)]
struct Latitude {
    first: usize,
    /// Of each from the first on; none if nothing reaches these rows.
    weights: Vec<f64>,
}

impl Products {
    /// The products that rows are; `None` for those of other grids, which is found out after some rows.
    pub(crate) fn find(rows: SparseRows<'_>, source_len: usize) -> Option<Self> {
        find::find(rows, source_len)
    }

    /// Number of rows that are products.
    pub(crate) fn len(&self) -> usize {
        self.latitudes.iter().flatten().count() * self.cells
    }

    /// Whether all of some rows are products.
    pub(crate) fn are_all(&self, rows: Range<usize>) -> bool {
        self.latitudes[rows.start / self.cells..rows.end.div_ceil(self.cells)].iter().all(Option::is_some)
    }

    /// Whether as many slabs are best done one after the other: their values are read in order, where they have to be turned
    /// around for a tile. With gaps that takes too long.
    pub(crate) fn are_best_for(slabs: usize, has_gaps: bool) -> bool {
        // As measured with 4, 20 and 80 links a row.
        slabs <= 4 && !has_gaps
    }

    /// The links of the rows that are none.
    pub(crate) fn others<'a>(&'a self, rows: SparseRows<'a>) -> impl Iterator<Item = Range<usize>> + 'a {
        let others = self.latitudes.iter().enumerate().filter(|(_, latitude)| latitude.is_none());
        others.map(move |(y, _)| rows.row_starts[y * self.cells]..rows.row_starts[(y + 1) * self.cells])
    }

    /// Destination cells of a latitude.
    pub(crate) fn cells(&self) -> usize {
        self.cells
    }

    /// Writes the sums of the weights of the rows of a latitude; false if they are no products.
    pub(crate) fn write_totals(&self, y: usize, totals: &mut [f64]) -> bool {
        let Some(latitude) = &self.latitudes[y] else { return false };
        for (group, totals) in totals.chunks_mut(TOGETHER).enumerate() {
            let mut all = [0.0; TOGETHER];
            for down in &latitude.weights {
                for shares in self.across.group(group).shares {
                    for b in 0..TOGETHER {
                        all[b] += down * shares[b];
                    }
                }
            }
            totals.copy_from_slice(&all[..totals.len()]);
        }
        true
    }

    /// The weights of all links, those of products rounded.
    pub(crate) fn weights(&self, rows: SparseRows<'_>) -> Vec<f64> {
        let mut weights = vec![0.0; rows.weights.len()];
        let (mut rest, mut pieces) = (&mut weights[..], Vec::with_capacity(self.latitudes.len()));
        for (y, latitude) in self.latitudes.iter().enumerate() {
            let count = rows.row_starts[(y + 1) * self.cells] - rows.row_starts[y * self.cells];
            let own = rest.split_off_mut(..count).expect("weights of every row");
            pieces.push((y, latitude, own));
        }
        pieces.into_par_iter().for_each(|(y, latitude, weights)| {
            let Some(latitude) = latitude else {
                let start = rows.row_starts[y * self.cells];
                return weights.copy_from_slice(&rows.weights[start..start + weights.len()]);
            };
            let order = Order::of_height(&self.orders, latitude.weights.len()).expect("of every height");
            order.write(&latitude.weights, weights);
        });
        weights
    }

    /// The weights of a row.
    #[inline(always)]
    fn row_weights<'a>(&'a self, latitude: &'a Latitude, cell: usize) -> impl Iterator<Item = f64> + 'a {
        let across = self.across.row(cell).1;
        latitude.weights.iter().flat_map(move |down| across.iter().map(move |w| down * w))
    }
}
