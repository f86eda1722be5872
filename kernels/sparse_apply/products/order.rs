//! The links of a latitude, row after row: the same for all latitudes that take from as many of the source.

use super::across::Across;
use crate::sparse_apply::SparseRows;
use std::ops::Range;

/// Products differ from weights by no more than this part of the least row: some roundings of each.
const TOLERANCE: f64 = 4e-15;

/// Links that are looked at together.
const BLOCK: usize = 256;

/// The links of a latitude in their order.
#[derive(Debug, PartialEq)]
pub(super) struct Order {
    /// Source latitudes.
    height: usize,
    /// First link of each row, and the number of all.
    starts: Vec<u32>,
    /// For each link its source cell, counted from the first latitude on, its latitude, and the weight of its column.
    cells: Vec<u32>,
    latitudes: Vec<u32>,
    across: Vec<f64>,
    /// The least sum of the weights of the columns of a row.
    least: f64,
}

impl Order {
    pub(super) fn new(across: &Across, columns: usize, height: usize) -> Self {
        let mut order = Self { height, starts: vec![0], cells: vec![], latitudes: vec![], across: vec![], least: f64::INFINITY };
        for cell in 0..across.len() {
            let (own, weights) = across.row(cell);
            for latitude in 0..height {
                order.cells.extend(own.iter().map(|column| (latitude * columns) as u32 + column));
                order.latitudes.extend(own.iter().map(|_| latitude as u32));
                order.across.extend(weights);
            }
            if !own.is_empty() {
                order.least = order.least.min(weights.iter().sum());
            }
            order.starts.push(order.cells.len() as u32);
        }
        order
    }

    /// That of so many source latitudes.
    pub(super) fn of_height(orders: &[Self], height: usize) -> Option<&Self> {
        orders.iter().find(|order| order.height == height)
    }

    /// Whether the rows from `row` on are products of these columns and the weights `down`, where cells count from `first`; else
    /// the first of them that is not.
    pub(super) fn check(&self, rows: SparseRows<'_>, row: usize, first: u32, down: &[f64]) -> Result<(), usize> {
        assert_eq!(down.len(), self.height, "a weight for each latitude");
        let count = self.starts.len() - 1;
        let starts = &rows.row_starts[row..=row + count];
        if let Some(k) = (0..count).find(|&k| starts[k + 1] - starts[0] != self.starts[k + 1] as usize) {
            return Err(k);
        }
        let links = starts[0]..starts[count];
        let (cells, weights) = (&rows.columns[links.clone()], &rows.weights[links]);
        let tolerance = TOLERANCE * self.least * down.iter().sum::<f64>();
        let are_products = |links: Range<usize>| {
            self.are_products(&cells[links.clone()], &weights[links.clone()], links, first, down, tolerance)
        };
        for start in (0..cells.len()).step_by(BLOCK) {
            let mut block = start..cells.len().min(start + BLOCK);
            if !are_products(block.clone()) {
                let link = block.find(|&k| !are_products(k..k + 1)).unwrap_or(start);
                return Err(self.starts.partition_point(|&start| start as usize <= link) - 1);
            }
        }
        Ok(())
    }

    /// Whether `links` of the latitude have these cells and weights.
    #[inline(always)]
    fn are_products(
        &self,
        cells: &[u32],
        weights: &[f64],
        links: Range<usize>,
        first: u32,
        down: &[f64],
        tolerance: f64,
    ) -> bool {
        // One thing after the other, of which vectors are made.
        let others = cells.iter().zip(&self.cells[links.clone()]).fold(0, |others, (cell, own)| others | (cell ^ (first + own)));
        let mut are_near = u64::MAX;
        for ((&w, across), &latitude) in weights.iter().zip(&self.across[links.clone()]).zip(&self.latitudes[links]) {
            debug_assert!((latitude as usize) < down.len());
            #[allow(unsafe_code, reason = "a check for every link would cost a third of the time")]
            // SAFETY: latitudes are below the height, of which `down` has all.
            let product = unsafe { down.get_unchecked(latitude as usize) } * across;
            are_near &= u64::from((w > 0.0) & ((w - product).abs() <= tolerance));
        }
        others == 0 && are_near != 0
    }

    /// Writes the products with the weights `down`, link by link.
    pub(super) fn write(&self, down: &[f64], weights: &mut [f64]) {
        for ((w, &latitude), across) in weights.iter_mut().zip(&self.latitudes).zip(&self.across) {
            *w = down[latitude as usize] * across;
        }
    }
}
