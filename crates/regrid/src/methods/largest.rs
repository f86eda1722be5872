//! The source cell with the largest share of a destination cell: for classes and codes that no mean makes sense of.

use crate::links::LinkRows;

/// One link of weight 1 to the source cell with the greatest weight of each conservative row; ties, within rounding,
/// go to the lowest index.
pub(super) fn of_overlaps(rows: &LinkRows) -> LinkRows {
    let largest = |i: usize| {
        let greatest = rows.row(i).map(|l| l.1).fold(0.0, f64::max);
        rows.row(i).find(|l| l.1 >= greatest * (1.0 - 1e-12)).map(|l| l.0)
    };
    LinkRows::of_single((0..rows.len()).map(|i| largest(i).unwrap_or(u32::MAX)).collect(), u32::MAX)
}
