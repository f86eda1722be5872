//! Twin of [`mod@crate::sparse_apply`]: rows that stay on the device, applied to fields there.
//!
//! Weights are `real`: in double precision results are those of the processor to a few units in the last place, in
//! single precision within (2n + 6)·ε·Σ|w·x| of them, ε = 2⁻²³, times the square of what weights are scaled up by.

use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{
    Access, Binding, BlockShape, Buffer, DeviceField, GROUP, Gpu, GpuError, Kernel, LOOP_LIMIT, Numbers, Parameters, Step,
    Stored, Width,
};
use crate::sparse_apply::row_facts::{RowFacts, SHARE_TOLERANCE, UNCANCELLED};
use crate::sparse_apply::{Missing, SparseRows, check_columns, check_lengths};

const ROW_STARTS: (&str, Access) = ("row_starts", Access::Read);
const COLUMNS: (&str, Access) = ("columns", Access::Read);
const WEIGHTS: (&str, Access) = ("weights", Access::Read);
const SOURCE: (&str, Access) = ("source", Access::Read);
const SOURCE_VALID: (&str, Access) = ("source_valid", Access::Read);
const DESTINATION: (&str, Access) = ("destination", Access::Write);
const DESTINATION_VALID: (&str, Access) = ("destination_valid", Access::Write);
const LONG_ROWS: (&str, Access) = ("long_rows", Access::Read);

const BINDINGS: &[(&str, Access)] = &[ROW_STARTS, COLUMNS, WEIGHTS, SOURCE, SOURCE_VALID, DESTINATION, DESTINATION_VALID];

/// Four lanes of a row at a time, where values may be missing.
pub const BY_QUADS: Kernel = Kernel {
    name: "sparse_apply",
    texts: &[include_str!("../sparse_apply.wgsl"), include_str!("../shared/row_quads.wgsl")],
    entry: "rows_by_quads",
    bindings: BINDINGS,
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Four lanes of a row at a time, where all values are there.
pub const FULL: Kernel = Kernel {
    name: "sparse_apply_full",
    texts: &[include_str!("../sparse_apply_full.wgsl"), include_str!("../shared/row_quads.wgsl")],
    entry: "full_rows_by_quads",
    bindings: &[ROW_STARTS, COLUMNS, WEIGHTS, SOURCE, DESTINATION, DESTINATION_VALID],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// One lane of a row at a time.
pub const SINGLE: Kernel = Kernel {
    name: "sparse_apply_single",
    texts: &[include_str!("../sparse_apply_single.wgsl"), include_str!("../shared/row_sums.wgsl")],
    entry: "rows",
    bindings: BINDINGS,
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Rows that are long, any number of lanes.
pub const LONG: Kernel = Kernel {
    name: "sparse_apply_long",
    texts: &[include_str!("../sparse_apply_long.wgsl"), include_str!("../shared/row_sums.wgsl")],
    entry: "long_rows_by_parts",
    bindings: &[ROW_STARTS, COLUMNS, WEIGHTS, SOURCE, SOURCE_VALID, DESTINATION, DESTINATION_VALID, LONG_ROWS],
    numbers: FIELD_NUMBERS,
    loops: true,
};

/// Links of rows that an invocation does alone: all others would wait for a longer one in the end. Cells at a pole
/// have hundreds.
const LONGEST_ALONE: usize = 64;

/// Lanes that a workgroup does of a long row, as in its text.
const LANES_TOGETHER: usize = 4;

/// In single precision shares of weights are compared with this allowance.
const SINGLE_TOLERANCE: f64 = 1e-6;

/// Marks rows that are means.
const IS_MEAN: u32 = 1 << 31;

/// Rows on a device.
#[derive(Debug)]
pub struct DeviceRows {
    numbers: Numbers,
    source_len: usize,
    len: usize,
    links: usize,
    longest: usize,
    all_mapped: bool,
    parts: Vec<Part>,
}

/// Some rows, as many as bindings can hold.
#[derive(Debug)]
struct Part {
    first_row: usize,
    rows: usize,
    row_starts: Buffer,
    columns: Buffer,
    weights: Buffer,
    /// Rows with more than [`LONGEST_ALONE`] links, and their number.
    long: (Buffer, usize),
    /// Bound where flags are not written.
    unused: Buffer,
}

impl DeviceRows {
    /// Uploads rows over `source_len` source cells, with weights as `numbers` has its reals.
    ///
    /// Rows in single precision keep their sum: what rounding takes is put on the largest weight.
    ///
    /// # Errors
    /// [`GpuError::TooLong`] if a row has more links than a loop may, [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    ///
    /// # Panics
    /// If lengths do not fit each other, or a column is not below `source_len`.
    pub fn upload(gpu: &Gpu, rows: SparseRows<'_>, source_len: usize, numbers: Numbers) -> Result<Self, GpuError> {
        let most = gpu.binding_limit().min(IS_MEAN.into()) as usize / numbers.real.bytes();
        Self::upload_parts(gpu, rows, source_len, numbers, most)
    }

    /// [`DeviceRows::upload`] in parts of at most `most` links.
    pub(crate) fn upload_parts(
        gpu: &Gpu,
        rows: SparseRows<'_>,
        source_len: usize,
        numbers: Numbers,
        most: usize,
    ) -> Result<Self, GpuError> {
        check_lengths(rows);
        check_columns(rows.columns, source_len);
        let facts = RowFacts::new(rows, None);
        let n = rows.len();
        let longest = (0..n).map(|i| rows.row_starts[i + 1] - rows.row_starts[i]).max().unwrap_or(0);
        if longest > LOOP_LIMIT as usize {
            let limit = LOOP_LIMIT.into();
            return Err(GpuError::TooLong { what: "the longest row of weights", found: longest as u64, limit });
        }
        let mut parts = Vec::new();
        let mut first = 0;
        while first < n {
            let end = rows.row_starts[first] + most.max(longest);
            let last = (rows.row_starts.partition_point(|&start| start <= end) - 1).clamp(first + 1, n).min(first + most);
            parts.push(Part::upload(gpu, rows, &facts, first..last, numbers)?);
            first = last;
        }
        let all_mapped = (0..n).all(|i| rows.row_starts[i] < rows.row_starts[i + 1]);
        Ok(Self { numbers, source_len, len: n, links: rows.columns.len(), longest, all_mapped, parts })
    }

    /// Number of destination cells.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no destination cells.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of links.
    pub fn links(&self) -> usize {
        self.links
    }

    /// The numbers they were uploaded for.
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// A field that takes the results for `source`, with flags if a result can be missing.
    ///
    /// # Errors
    /// As [`DeviceField::zeros`].
    pub fn destination_for<V: Stored>(&self, gpu: &Gpu, source: &DeviceField<V>) -> Result<DeviceField<V>, GpuError> {
        let shape = BlockShape { cells: self.len, ..source.shape() };
        DeviceField::zeros(gpu, shape, source.has_flags() || !self.all_mapped)
    }

    /// Adds the application to `source` to a step: as [`crate::sparse_apply::PreparedRows::apply`].
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if the fields do not fit the rows or one another, or results can be missing and
    /// `destination` has no flags.
    pub fn apply<V: Stored>(
        &self,
        step: &mut Step,
        source: &DeviceField<V>,
        missing: Missing,
        destination: &DeviceField<V>,
    ) -> Result<(), GpuError> {
        let (from, to) = (source.shape(), destination.shape());
        check("slabs of the destination", to.slabs, from.slabs)?;
        check("lanes of the destination", to.lanes, from.lanes)?;
        self.check(source, destination)?;
        let (common, lanes) = (Common::new(self, missing, source, destination), from.lanes);
        let quads = lanes / 4;
        for block in 0..from.blocks() {
            for part in &self.parts {
                if lanes == 1 {
                    self.add_lane(step, part, &common, (source, block, 0), (destination, block))?;
                    continue;
                }
                if part.long.1 < part.rows {
                    let parameters = common.add_to(self.parameters(part, LONGEST_ALONE / 2).count(quads.ilog2()));
                    let bindings = part.bindings(source, destination, block, block);
                    let items = (part.rows * quads) as u64;
                    if source.has_flags() {
                        step.run(&BY_QUADS, parameters, &bindings, items)?;
                    } else {
                        let [starts, columns, weights, source, _, destination, valid] = bindings;
                        step.run(&FULL, parameters, &[starts, columns, weights, source, destination, valid], items)?;
                    }
                }
                self.add_long(step, part, &common, (source, block, 0), (destination, block, lanes))?;
            }
        }
        Ok(())
    }

    /// The same of one slab of `source`: the result is the only slab of `destination`.
    ///
    /// # Errors
    /// As [`DeviceRows::apply`]; [`GpuError::WrongLength`] if there is no such slab.
    pub fn apply_slab<V: Stored>(
        &self,
        step: &mut Step,
        (source, slab): (&DeviceField<V>, usize),
        missing: Missing,
        destination: &DeviceField<V>,
    ) -> Result<(), GpuError> {
        let (from, to) = (source.shape(), destination.shape());
        check("slabs of the destination", to.slabs, 1)?;
        check("lanes of the destination", to.lanes, 1)?;
        if slab >= from.slabs {
            return Err(GpuError::WrongLength { what: "slabs of the source", found: from.slabs, expected: slab + 1 });
        }
        self.check(source, destination)?;
        let common = Common::new(self, missing, source, destination);
        let (block, lane) = (slab / from.lanes, slab % from.lanes);
        self.parts.iter().try_for_each(|part| self.add_lane(step, part, &common, (source, block, lane), (destination, 0)))
    }

    fn check<V: Stored>(&self, source: &DeviceField<V>, destination: &DeviceField<V>) -> Result<(), GpuError> {
        check("the source field", source.shape().cells, self.source_len)?;
        check("the destination field", destination.shape().cells, self.len)?;
        check("bytes of a stored value", V::WIDTH.bytes(), self.numbers.stored.bytes())?;
        if !destination.has_flags() {
            check("flags of the destination", 0, usize::from(source.has_flags() || !self.all_mapped))?;
        }
        Ok(())
    }

    fn parameters(&self, part: &Part, trips: usize) -> Parameters {
        Parameters::new(self.numbers).trips(trips as u64).count(part.first_row as u32).count(LONGEST_ALONE as u32)
    }

    /// One lane of a block of the source, to a destination of one.
    fn add_lane<V: Stored>(
        &self,
        step: &mut Step,
        part: &Part,
        common: &Common,
        (source, from, lane): (&DeviceField<V>, usize, usize),
        (destination, to): (&DeviceField<V>, usize),
    ) -> Result<(), GpuError> {
        if part.long.1 < part.rows {
            let lanes = [source.shape().lanes, 1, lane];
            let parameters = lanes.into_iter().fold(self.parameters(part, LONGEST_ALONE.div_ceil(4)), |p, v| p.count(v as u32));
            let bindings = part.bindings(source, destination, from, to);
            step.run(&SINGLE, common.add_to(parameters), &bindings, part.rows as u64)?;
        }
        self.add_long(step, part, common, (source, from, lane), (destination, to, 1))
    }

    /// The long rows of `taken` lanes of a block of the source from `lane` on, to a destination of as many.
    fn add_long<V: Stored>(
        &self,
        step: &mut Step,
        part: &Part,
        common: &Common,
        (source, from, lane): (&DeviceField<V>, usize, usize),
        (destination, to, taken): (&DeviceField<V>, usize, usize),
    ) -> Result<(), GpuError> {
        let (rows, count) = &part.long;
        if *count == 0 {
            return Ok(());
        }
        let together = taken.min(LANES_TOGETHER);
        let trips = self.longest.div_ceil(4 * GROUP / together) + GROUP.ilog2() as usize;
        let lanes = [source.shape().lanes, taken, lane];
        let parameters = lanes.into_iter().fold(self.parameters(part, trips), |p, v| p.count(v as u32));
        let [starts, columns, weights, source, valid, destination, flags] = part.bindings(source, destination, from, to);
        let bindings = [starts, columns, weights, source, valid, destination, flags, rows.into()];
        let groups = (count * taken / together) as u64;
        step.run_groups(&LONG, common.add_to(parameters), &bindings, groups, groups)
    }
}

fn check(what: &'static str, found: usize, expected: usize) -> Result<(), GpuError> {
    if found == expected { Ok(()) } else { Err(GpuError::WrongLength { what, found, expected }) }
}

/// Parameters that all kernels have.
struct Common {
    policy: u32,
    flags: u32,
    least_share: f64,
    uncancelled: f64,
}

impl Common {
    fn new<V: Stored>(rows: &DeviceRows, missing: Missing, source: &DeviceField<V>, destination: &DeviceField<V>) -> Self {
        let single = rows.numbers.real == Width::F32;
        let (policy, min_valid) = match missing {
            Missing::Propagate => (0, 0.0),
            Missing::Keep { min_valid } => (1, min_valid),
            Missing::Renormalize { min_valid } => (2, min_valid),
        };
        // Sums in double precision cannot leave the range when they are rounded to single.
        let is_clamped = single || V::WIDTH == Width::F64;
        let flags = u32::from(source.has_flags()) | u32::from(destination.has_flags()) << 1 | u32::from(is_clamped) << 2;
        let (tolerance, uncancelled) = match single {
            true => (SINGLE_TOLERANCE, 1.0 - SINGLE_TOLERANCE),
            false => (SHARE_TOLERANCE, UNCANCELLED),
        };
        Self { policy, flags, least_share: min_valid - tolerance, uncancelled }
    }

    fn add_to(&self, parameters: Parameters) -> Parameters {
        parameters.count(self.policy).count(self.flags).real(self.least_share).real(self.uncancelled)
    }
}

impl Part {
    /// What kernels bind, of a block of the source and one of the destination.
    fn bindings<'b, V: Stored>(
        &'b self,
        source: &'b DeviceField<V>,
        destination: &'b DeviceField<V>,
        from: usize,
        to: usize,
    ) -> [Binding<'b>; 7] {
        [
            (&self.row_starts).into(),
            (&self.columns).into(),
            (&self.weights).into(),
            source.block(from),
            source.flags(from),
            destination.block(to),
            if destination.has_flags() { destination.flags(to) } else { (&self.unused).into() },
        ]
    }

    fn upload(
        gpu: &Gpu,
        rows: SparseRows<'_>,
        facts: &RowFacts,
        range: std::ops::Range<usize>,
        numbers: Numbers,
    ) -> Result<Self, GpuError> {
        let links = rows.row_starts[range.start]..rows.row_starts[range.end];
        let start = |i: usize| (rows.row_starts[i] - links.start) as u32;
        let mut row_starts: Vec<u32> = range.clone().map(|i| start(i) | if facts.is_mean(i) { IS_MEAN } else { 0 }).collect();
        row_starts.push(start(range.end));
        let links_of = |i: usize| rows.row_starts[i + 1] - rows.row_starts[i];
        let long = range.clone().filter(|&i| links_of(i) > LONGEST_ALONE).map(|i| (i - range.start) as u32);
        let long: Vec<u32> = long.collect();
        let weights = match numbers.real {
            Width::F64 => gpu.upload("weights", &rows.weights[links.clone()])?,
            Width::F32 => gpu.upload("weights", &rounded(rows, range.clone()))?,
        };
        Ok(Self {
            first_row: range.start,
            rows: range.len(),
            row_starts: gpu.upload("rows of weights", &row_starts)?,
            columns: gpu.upload("columns of weights", &rows.columns[links])?,
            weights,
            long: (gpu.upload("long rows", &long)?, long.len()),
            unused: gpu.buffer("no flags", 4)?,
        })
    }
}

/// Weights in single precision with the sums of their rows.
fn rounded(rows: SparseRows<'_>, range: std::ops::Range<usize>) -> Vec<f32> {
    let mut all = Vec::with_capacity(rows.row_starts[range.end] - rows.row_starts[range.start]);
    for i in range {
        let (_, weights) = rows.row(i);
        let first = all.len();
        all.extend(weights.iter().map(|&w| w as f32));
        let left: f64 = weights.iter().zip(&all[first..]).map(|(&w, &r)| w - f64::from(r)).sum();
        let largest = (first..all.len()).max_by(|&a, &b| all[a].abs().total_cmp(&all[b].abs()));
        if let Some(k) = largest {
            all[k] = (f64::from(all[k]) + left) as f32;
        }
    }
    all
}

#[cfg(test)]
mod tests;
