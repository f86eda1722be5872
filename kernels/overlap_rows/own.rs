//! Areas from a trail where each row has its own columns.

use super::bands::Bands;
use super::frame::Frame;
use super::segment::{Sum, width_between};
use super::sweep::Buffers;
use super::walk::{Columns, Crossing, Own};

/// Adds the segments up cell by cell, and what lies above each row along its upper end.
pub(super) fn collect(bands: &Bands, frame: &Frame, buffers: &mut Buffers, emit: &mut impl FnMut(usize, f64)) {
    let Buffers { trail, window, spans, .. } = buffers;
    let (segments, bottom) = (&trail.segments, trail.lowest);
    let (mut south, mut north) = (usize::MAX, 0);
    for segment in segments {
        (south, north) = (south.min(segment.row), north.max(segment.row));
    }
    if south > north {
        return;
    }
    spans.clear();
    spans.resize(north - south + 1, (i64::MAX, i64::MIN, 0));
    for segment in segments {
        let span = &mut spans[segment.row - south];
        (span.0, span.1) = (span.0.min(segment.column), span.1.max(segment.column));
    }
    let mut cells = 0;
    for (west, east, start) in spans.iter_mut() {
        *start = cells;
        cells += if *west <= *east { (*east - *west + 1) as usize } else { 0 };
    }
    window.clear();
    window.resize(cells, Sum::default());
    let place = |row: usize, column: i64| spans[row - south].2 + (column - spans[row - south].0) as usize;
    // The lowest row is measured from the cell, so that a low cell in a tall row keeps its digits.
    let limit = |row: usize| frame.rise(bands.limits[row]);
    let lower = |row: usize| limit(row).max(bottom).min(limit(row + 1));
    for segment in segments {
        window[place(segment.row, segment.column)].area -= segment.integrals(lower(segment.row)).area;
    }
    for &(column, row, lens) in &trail.lenses {
        window[place(row, column)].area += lens;
    }
    // A row's crossings take turns: up, down, up, down. Those of one row keep their order.
    trail.crossings.sort_by_key(|crossing| crossing.row);
    for of_row in trail.crossings.chunk_by(|a, b| a.row == b.row) {
        let (row, pairs) = (of_row[0].row, of_row.len() / 2);
        let extent = limit(row + 1) - lower(row);
        let shift = usize::from(!of_row[0].rises);
        for pair in 0..pairs {
            let at = |k: usize| &of_row[(2 * pair + shift + k) % of_row.len()];
            let mut own = Own { bands, row: None };
            own.enter_row(row);
            let radius = bands.cos[row];
            along_upper_end(&own, frame, radius, at(0), at(1), |column, width| window[place(row, column)].area -= width * extent);
        }
    }
    let mut emit_row = |row: usize| {
        let Some(owner) = bands.owner(row) else { return };
        let (west, east, start) = spans[row - south];
        for column in west..=east {
            if let Some(own) = bands.meridians_of(owner).column(column) {
                emit(bands.row_starts[owner] + own, window[start + (column - west) as usize].area);
            }
        }
    };
    // In the order of the cells' numbers, so that they need no sorting.
    if bands.is_southward { (south..=north).rev().for_each(emit_row) } else { (south..=north).for_each(&mut emit_row) }
}

/// Widths by column from one crossing to another along a parallel.
fn along_upper_end(own: &Own<'_>, frame: &Frame, radius: f64, from: &Crossing, to: &Crossing, mut add: impl FnMut(i64, f64)) {
    let place = |crossing: &Crossing| (crossing.x, crossing.y);
    let at_meridian = |column: i64| {
        let (sin, cos) = frame.direction(&own.west_of(column));
        (radius * cos, radius * sin)
    };
    let (mut column, mut a) = (from.column, place(from));
    while column != to.column {
        let (meridian, next) = if to.column > column { (column + 1, column + 1) } else { (column, column - 1) };
        let b = at_meridian(meridian);
        add(column, width_between(a, b, radius));
        (column, a) = (next, b);
    }
    add(column, width_between(a, place(to), radius));
}
