//! Rows x rows about one pole on a graphics processor, some rows at a time, where all rows of both have the same columns.

use super::overlaps::Overlaps;
use super::rows::{lats, shared_lons};
use crate::RegridError;
use crate::growing::{Growing, RowBlock};
use knarr_grid::{Mask, Rows};
use knarr_kernels::gpu::{Gpu, GpuError, Width};
use knarr_kernels::twins::overlap_products::DeviceProducts;
use std::ops::Range;

/// Links made at a time: lists of some ten megabytes each.
const LINKS: usize = 4 << 20;

/// Overlap areas by destination cell; `None` where rows have columns of their own.
pub(super) fn overlaps(
    gpu: &Gpu,
    (source, source_mask): (&Rows, &Mask),
    (destination, destination_mask): (&Rows, &Mask),
) -> Result<Option<Overlaps>, RegridError> {
    let Some(lons) = shared_lons(source, destination) else { return Ok(None) };
    let lats = lats(source, destination);
    let width = if gpu.facts().f64 { Width::F64 } else { Width::F32 };
    let columns = source.len() / source.lats_deg.len().max(1);
    let flags = |mask: &Mask, len: usize| (0..len).map(|i| mask.is_active(i)).collect::<Vec<bool>>();
    let (own, others) = (flags(destination_mask, destination.len()), flags(source_mask, source.len()));
    let products = DeviceProducts::new(gpu, (&lats, &lons), columns, [&own, &others], width)?;
    let len = destination.len();
    let mut result = Growing::with_rows(len);
    let mut links = LINKS;
    let mut first = 0;
    while first < lats.len() {
        let range = several(first, lats.len(), links, |row| lats.count(row) * lons.links());
        let made = match products.rows(gpu, range.clone()) {
            Err(GpuError::TooLarge { .. } | GpuError::OutOfMemory { .. }) if range.len() > 1 => {
                links /= 4;
                continue;
            }
            made => made?,
        };
        result.append(&[RowBlock { counts: made.counts, columns: made.subjects, values: made.areas }]);
        first = range.end;
    }
    Ok(Some(result.into()))
}

/// Rows from the first on with no more than so many links; one at least.
fn several(first: usize, len: usize, most: usize, links: impl Fn(usize) -> usize) -> Range<usize> {
    let mut sum = 0;
    let fits = |row: &usize| {
        sum += links(*row);
        sum <= most
    };
    first..first + (first..len).take_while(fits).count().max(1)
}
