//! Areas from a trail where all rows have the same columns.

use super::bands::{Bands, NO_OWNER};
use super::frame::Frame;
use super::segment::Sum;
use super::sweep::Buffers;

/// Adds the segments up cell by cell, then from the top row of each column downward.
pub(super) fn collect(bands: &Bands, columns: &[u32], frame: &Frame, buffers: &mut Buffers, emit: &mut impl FnMut(usize, f64)) {
    let Buffers { trail, window, ranges, .. } = buffers;
    let (segments, bottom) = (&trail.segments, trail.lowest);
    let (mut west, mut east, mut south, mut north) = (i64::MAX, i64::MIN, usize::MAX, 0);
    for segment in segments {
        (west, east) = (west.min(segment.column), east.max(segment.column));
        (south, north) = (south.min(segment.row), north.max(segment.row));
    }
    let (width, height) = ((east - west + 1) as usize, north - south + 1);
    window.clear();
    window.resize(width * height, Sum::default());
    ranges.clear();
    ranges.resize(width, [usize::MAX, 0]);
    // The lowest row is measured from the polygon, so that a low polygon in a tall row keeps its digits.
    let limit = |row: usize| frame.rise(bands.limits[row]);
    let lower = |row: usize| limit(row).max(bottom).min(limit(row + 1));
    for segment in segments {
        let column = (segment.column - west) as usize;
        let sum = segment.integrals(lower(segment.row));
        let cell = &mut window[(segment.row - south) * width + column];
        cell.area -= sum.area;
        cell.width -= sum.width;
        let range = &mut ranges[column];
        *range = [range[0].min(segment.row), range[1].max(segment.row)];
    }
    for &(column, row, lens) in &trail.lenses {
        window[(row - south) * width + (column - west) as usize].area += lens;
    }
    for row in (south..north).rev() {
        // Rows without an owner south of the bands need no area.
        let extent = if row == 0 { 0.0 } else { limit(row + 1) - lower(row) };
        let (below, above) = window[(row - south) * width..][..2 * width].split_at_mut(width);
        for (sum, over) in below.iter_mut().zip(above) {
            sum.area += over.width * extent;
            sum.width += over.width;
        }
    }
    let count = columns.len();
    let mut emit_row = |row: usize| {
        let Some(owner) = bands.owner(row) else { return };
        let row_start = bands.row_starts[owner];
        let mut part = west.rem_euclid(count as i64) as usize;
        for (sum, range) in window[(row - south) * width..][..width].iter().zip(ranges.iter()) {
            if row >= range[0] && row <= range[1] && columns[part] != NO_OWNER {
                emit(row_start + columns[part] as usize, sum.area);
            }
            part = if part + 1 == count { 0 } else { part + 1 };
        }
    };
    // In the order of the cells' numbers, so that they need no sorting.
    if bands.is_southward { (south..=north).rev().for_each(emit_row) } else { (south..=north).for_each(&mut emit_row) }
}
