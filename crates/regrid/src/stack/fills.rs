//! How layers above the first fill what is missing: rows of some cells, applied where the field is.

use crate::links::LinkRows;
use crate::methods::centers::Centers;
use crate::methods::neighbour_rows;
use crate::{Options, RegridError, Value};
#[cfg(feature = "gpu")]
use knarr_kernels::gpu::{Gpu, Numbers};
use knarr_kernels::sparse_apply::{self, Missing, SparseRows};
#[cfg(feature = "gpu")]
use knarr_kernels::twins::sparse_apply::DeviceRows;
#[cfg(feature = "gpu")]
use std::sync::OnceLock;

/// Values of a slab and their validity (`None`: what rows link to is valid).
pub(crate) type FilledFrom<'s, V> = (&'s [V], Option<&'s [bool]>);

/// Where layers are applied to what the layers below left open.
pub(crate) trait Fills<V> {
    /// Values and validity of the cells that `rows` are of, from a slab of the source, the number of which is among those
    /// that the first layer was last applied to.
    fn apply(
        &self,
        rows: &FewRows,
        slab: (FilledFrom<'_, V>, usize),
        missing: Missing,
        made: (&mut [V], &mut [bool]),
    ) -> Result<(), RegridError>;

    /// Rows of a method of nearest centers.
    fn neighbours(&self, from: &Centers, to: &Centers, options: &Options) -> Result<LinkRows, RegridError>;
}

/// On the processor.
pub(crate) struct OnHost;

impl<V: Value> Fills<V> for OnHost {
    fn apply(
        &self,
        rows: &FewRows,
        ((source, valid), _): (FilledFrom<'_, V>, usize),
        missing: Missing,
        (values, flags): (&mut [V], &mut [bool]),
    ) -> Result<(), RegridError> {
        sparse_apply::apply(rows.rows(), source.len(), source, valid, missing, values, flags);
        Ok(())
    }

    fn neighbours(&self, from: &Centers, to: &Centers, options: &Options) -> Result<LinkRows, RegridError> {
        Ok(neighbour_rows(from, to, options).expect("only methods of nearest centers have no whole weights"))
    }
}

/// Some rows of weights, one after the other.
#[derive(Debug)]
pub(crate) struct FewRows {
    pub(super) cells: Vec<usize>,
    row_starts: Vec<usize>,
    pub(super) columns: Vec<u32>,
    values: Vec<f64>,
    /// The same where fields are, once they were needed there.
    #[cfg(feature = "gpu")]
    on_device: OnceLock<DeviceRows>,
}

impl FewRows {
    pub(super) fn of(rows: SparseRows<'_>, cells: &[usize]) -> Self {
        let (mut row_starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for &i in cells {
            let range = rows.row_starts[i]..rows.row_starts[i + 1];
            columns.extend_from_slice(&rows.columns[range.clone()]);
            values.extend_from_slice(&rows.weights[range]);
            row_starts.push(columns.len());
        }
        Self {
            cells: cells.to_vec(),
            row_starts,
            columns,
            values,
            #[cfg(feature = "gpu")]
            on_device: OnceLock::new(),
        }
    }

    pub(super) fn rows(&self) -> SparseRows<'_> {
        SparseRows { row_starts: &self.row_starts, columns: &self.columns, weights: &self.values }
    }

    /// The rows on a device, copied there once.
    #[cfg(feature = "gpu")]
    pub(crate) fn on_device(&self, gpu: &Gpu, source_len: usize, numbers: Numbers) -> Result<&DeviceRows, RegridError> {
        if let Some(rows) = self.on_device.get() {
            return Ok(rows);
        }
        let rows = DeviceRows::upload(gpu, self.rows(), source_len, numbers)?;
        Ok(self.on_device.get_or_init(|| rows))
    }
}
