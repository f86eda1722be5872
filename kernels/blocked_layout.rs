//! Slabs of a field laid out in blocks: `[slab / lanes][cell][slab % lanes]`.
//!
//! A cell's values of several slabs are neighbours, so that a gather of one cell brings all of them, and a block is a
//! part of its own that fits a binding of a graphics processor. Files have slab after slab: `[slab][cell]`.

/// Slabs `[slab][cell]` as blocks; lanes of the last block beyond the last slab are 0.
///
/// ```
/// use knarr_kernels::blocked_layout::{to_blocks, to_slabs};
/// let blocks = to_blocks(&[1, 2, 3, 10, 20, 30, 100, 200, 300], 3, 2);
/// assert_eq!(blocks, [1, 10, 2, 20, 3, 30, 100, 0, 200, 0, 300, 0]);
/// assert_eq!(to_slabs(&blocks, 3, 2, 3), [1, 2, 3, 10, 20, 30, 100, 200, 300]);
/// ```
///
/// # Panics
/// If `values` are not whole slabs of `cells`.
pub fn to_blocks<T: Copy + Default>(values: &[T], cells: usize, lanes: usize) -> Vec<T> {
    let slabs = values.len().checked_div(cells).unwrap_or(0);
    assert_eq!(values.len(), slabs * cells, "whole slabs of values");
    let mut blocks = vec![T::default(); slabs.div_ceil(lanes) * lanes * cells];
    for (slab, values) in values.chunks(cells.max(1)).enumerate() {
        for (cell, &value) in values.iter().enumerate() {
            blocks[place(slab, cell, cells, lanes)] = value;
        }
    }
    blocks
}

/// The `slabs` slabs of blocks.
///
/// # Panics
/// If there are fewer blocks.
pub fn to_slabs<T: Copy>(blocks: &[T], cells: usize, lanes: usize, slabs: usize) -> Vec<T> {
    (0..slabs * cells).map(|k| blocks[place(k / cells, k % cells, cells, lanes)]).collect()
}

fn place(slab: usize, cell: usize, cells: usize, lanes: usize) -> usize {
    (slab / lanes * cells + cell) * lanes + slab % lanes
}
