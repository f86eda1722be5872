//! Whether rows are products, found from the rows themselves.
//!
//! Rows between grids of latitudes and longitudes have links to a rectangle of source cells each, whose latitudes are the same for
//! all cells of a destination latitude, and whose longitudes are so for all cells of a meridian. Rows of other grids differ
//! within the first of those looked at.

use super::across::Across;
use super::order::Order;
use super::{Latitude, Products};
use crate::sparse_apply::SparseRows;
use rayon::prelude::*;

/// Cells that a latitude has at least: below, nothing is won.
const LEAST: usize = 8;

/// Rows of which the length of a source latitude is found.
const SAMPLE: usize = 64;

/// Changes from one destination latitude to the next of which its length is found.
const CHANGES: usize = 8;

/// Weights of latitudes are the same within this: those of two different ones hardly are.
const SAME: f64 = 1e-12;

/// Numbers of source latitudes that those of the destination take from: there are hardly ever more than a few.
const HEIGHTS: usize = 16;

/// Factors below are refused: products are then no subnormal numbers.
const SMALLEST: f64 = 1e-150;

/// The source cells of a row as a rectangle.
#[derive(Clone, Copy, PartialEq)]
struct Rectangle {
    /// The first latitude, and how many there are.
    first: usize,
    height: usize,
    /// Cells of each.
    width: usize,
}

impl Rectangle {
    /// `None` if latitudes of `columns` cells have no such rectangle, or cells are in another order.
    fn of(cells: &[u32], columns: usize) -> Option<Self> {
        let first = *cells.first()? as usize / columns;
        let width = cells.iter().take_while(|&&cell| cell as usize / columns == first).count();
        let height = cells.len() / width;
        let is_one = height * width == cells.len() && {
            let (all, above) = (cells.chunks_exact(width), &cells[..width]);
            all.enumerate()
                .all(|(k, row)| row.iter().zip(above).all(|(&cell, &first)| cell as usize == first as usize + k * columns))
        };
        is_one.then_some(Self { first, height, width })
    }

    /// The sums of the weights of each latitude.
    fn heights(self, weights: &[f64]) -> Vec<f64> {
        weights.chunks_exact(self.width).map(|row| row.iter().sum()).collect()
    }
}

pub(super) fn find(rows: SparseRows<'_>, source_len: usize) -> Option<Products> {
    if rows.is_empty() || rows.columns.len() < 2 * rows.len() {
        return None;
    }
    let columns = source_latitude(rows, source_len)?;
    let (mut cells, inside) = destination_latitude(rows, columns)?;
    let mut best: Option<Products> = None;
    loop {
        let (found, finer) = products(rows, source_len, columns, cells, inside)?;
        let count = |products: &Products| products.latitudes.iter().flatten().count() * products.cells;
        if best.as_ref().is_none_or(|best| count(&found) > count(best)) {
            best = Some(found);
        }
        // Where latitudes that count as one differ, there are more of them.
        let Some(finer) = finer else {
            return best.filter(|best| 4 * count(best) >= 3 * rows.len());
        };
        cells = finer;
    }
}

/// The products if destination latitudes have as many `cells`, of which one is that of the row `inside`; and a number that may be
/// right if this is too large.
fn products(
    rows: SparseRows<'_>,
    source_len: usize,
    columns: usize,
    cells: usize,
    inside: usize,
) -> Option<(Products, Option<usize>)> {
    let across = across(rows, columns, cells, inside / cells)?;
    let count = rows.len() / cells;
    let latitudes: Vec<_> = (0..count).map(|y| latitude(rows, source_len, columns, cells, y, &across)).collect();
    let mut orders: Vec<Order> = Vec::new();
    for latitude in latitudes.iter().flatten() {
        let height = latitude.weights.len();
        if orders.len() < HEIGHTS && Order::of_height(&orders, height).is_none() {
            orders.push(Order::new(&across, columns, height));
        }
    }
    let check = |(y, latitude): (usize, &Option<Latitude>)| {
        let latitude = latitude.as_ref().ok_or(0usize)?;
        let order = Order::of_height(&orders, latitude.weights.len()).ok_or(0usize)?;
        order.check(rows, y * cells, (latitude.first * columns) as u32, &latitude.weights)
    };
    let checked: Vec<Result<(), usize>> = latitudes.par_iter().enumerate().map(check).collect();
    let finer = checked.iter().filter_map(|found| found.err()).map(|offset| gcd(cells, offset));
    let finer = finer.filter(|&finer| (LEAST..cells).contains(&finer)).min();
    let latitudes = latitudes.into_iter().zip(&checked).map(|(found, checked)| found.filter(|_| checked.is_ok())).collect();
    Some((Products { columns, cells, latitudes, across, orders }, finer))
}

/// The number of cells of a source latitude, as a sample of the rows has it.
fn source_latitude(rows: SparseRows<'_>, source_len: usize) -> Option<usize> {
    let sample = || (0..SAMPLE).map(|k| rows.row((2 * k + 1) * rows.len() / (2 * SAMPLE)).0).filter(|cells| cells.len() > 1);
    let columns = sample().filter_map(distance).max()?;
    if columns < LEAST || columns >= source_len || !source_len.is_multiple_of(columns) {
        return None;
    }
    let fit = sample().filter(|cells| Rectangle::of(cells, columns).is_some()).count();
    (4 * fit >= 3 * sample().count()).then_some(columns)
}

/// From each cell to that as many links further on, if it is the same for all links.
fn distance(cells: &[u32]) -> Option<usize> {
    (1..=cells.len() / 2).filter(|width| cells.len().is_multiple_of(*width)).find_map(|width| {
        let distance = cells[width].checked_sub(cells[0])?;
        cells.windows(width + 1).all(|c| c[width].checked_sub(c[0]) == Some(distance)).then_some(distance as usize)
    })
}

/// The number of cells of a destination latitude, and a row that has links: where the source latitudes or their weights change
/// from one row to the next, a latitude begins. Rows without links tell nothing.
fn destination_latitude(rows: SparseRows<'_>, columns: usize) -> Option<(usize, usize)> {
    let n = rows.len();
    let (mut cells, mut changes, mut last) = (n, 0, 0);
    let mut before: Option<(Rectangle, Vec<f64>)> = None;
    for row in n / 4..n {
        let (links, weights) = rows.row(row);
        if links.is_empty() {
            continue;
        }
        let rectangle = Rectangle::of(links, columns)?;
        let mut heights = rectangle.heights(weights);
        let total: f64 = heights.iter().sum();
        heights.iter_mut().for_each(|height| *height /= total);
        let is_same = before.as_ref().is_none_or(|(other, others)| {
            (other.first, other.height) == (rectangle.first, rectangle.height)
                && heights.iter().zip(others).all(|(a, b)| (a - b).abs() <= SAME)
        });
        if !is_same {
            changes += 1;
            cells = if changes > 1 { gcd(cells, row - last) } else { cells };
            last = row;
            if cells < LEAST {
                return None;
            }
            if changes == CHANGES {
                break;
            }
        }
        before = Some((rectangle, heights));
    }
    (changes > 1).then_some((cells, last))
}

/// The weights of columns, as the destination latitude `y` has them.
fn across(rows: SparseRows<'_>, columns: usize, cells: usize, y: usize) -> Option<Across> {
    let (mut starts, mut all_columns, mut all_weights) = (vec![0], Vec::new(), Vec::new());
    for row in y * cells..(y + 1) * cells {
        let (links, weights) = rows.row(row);
        if !links.is_empty() {
            let rectangle = Rectangle::of(links, columns)?;
            all_columns.extend(links[..rectangle.width].iter().map(|&cell| cell - (rectangle.first * columns) as u32));
            all_weights.extend((0..rectangle.width).map(|i| weights.iter().skip(i).step_by(rectangle.width).sum::<f64>()));
        }
        starts.push(all_columns.len() as u32);
    }
    let are_large = all_weights.iter().all(|&w: &f64| w >= SMALLEST && w.is_finite());
    (are_large && !all_columns.is_empty()).then(|| Across::new(starts, all_columns, all_weights, columns))
}

/// What a destination latitude takes from, as its first row with links tells.
fn latitude(
    rows: SparseRows<'_>,
    source_len: usize,
    columns: usize,
    cells: usize,
    y: usize,
    across: &Across,
) -> Option<Latitude> {
    let reference = (0..cells).find(|&cell| !across.row(cell).0.is_empty()).expect("a cell has links");
    let (links, weights) = rows.row(y * cells + reference);
    if links.is_empty() {
        return Some(Latitude::default());
    }
    let rectangle = Rectangle::of(links, columns)?;
    let sum: f64 = across.row(reference).1.iter().sum();
    let weights: Vec<f64> = rectangle.heights(weights).iter().map(|height| height / sum).collect();
    let is_of_source = (rectangle.first + weights.len()) * columns <= source_len;
    let is_one = is_of_source && weights.iter().all(|w| (SMALLEST..f64::INFINITY).contains(w));
    is_one.then_some(Latitude { first: rectangle.first, weights })
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
