//! One variable of a file on its way to another grid.

use crate::decode::{Decoder, Purpose};
use crate::element::{Element, Real, with_element};
use crate::nc::ValueType;
use crate::nc_write::{NewFile, NewVariable};
use crate::output::{self, Made, Storage};
use crate::plan::Plan;
use crate::prepared::{Kind, Prepared};
use crate::regrid_file::{RegridRequest, UsedWeights, VariableReport, fail};
use crate::slabs::SlabOrder;
use crate::statistics::{self, Parts, Shares, Summary, Tally};
use crate::{Dataset, GridLayout, IoError, Role, VariableGrid};
use knarr_field::{NumberType, VectorFrame};
use knarr_grid::Grid;
use knarr_regrid::{Device, Finish, Levels, Weights};
use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

/// Slabs from which on preparing weights for many calls pays.
const FEW_SLABS: usize = 3;

/// Slabs that weights are applied to together at least, where there are as many.
const WORTHWHILE_SLABS: usize = 8;

/// Bytes of a batch, if memory allows: enough to share among threads, little enough that stages overlap.
const BATCH_BYTES: usize = 32 << 20;

/// One variable to be regridded.
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) grid: VariableGrid,
    pub(crate) decoder: Decoder,
    pub(crate) storage: Storage,
    pub(crate) extra_dims: Vec<(String, usize)>,
    pub(crate) slabs: usize,
    pub(crate) weights: usize,
    pub(crate) auxiliary: bool,
    /// What a component of a vector is along in the output.
    pub(crate) frame: Option<VectorFrame>,
    /// What is to be said beside the decoder's remarks.
    pub(crate) remarks: Vec<String>,
}

impl Job {
    /// A variable as it is stored and will be.
    pub(crate) fn new(
        dataset: &Dataset,
        name: String,
        grid: VariableGrid,
        weights: usize,
        keeps_values: bool,
    ) -> Result<Self, IoError> {
        let (info, variable) = (dataset.variable(&name)?, dataset.file().variable(&name)?);
        let decoder = Decoder::new(dataset.file(), variable, Purpose::Data)?;
        let storage = output::storage(variable, &decoder, keeps_values);
        let order = SlabOrder::new(dataset, info, &grid)?;
        let extra_dims: Vec<(String, usize)> = order.extra.iter().map(|&i| info.dims[i].clone()).collect();
        let slabs = extra_dims.iter().map(|(_, len)| len).product();
        let auxiliary = info.role == Role::Coordinate;
        Ok(Self { name, grid, decoder, storage, extra_dims, slabs, weights, auxiliary, frame: None, remarks: Vec::new() })
    }

    pub(crate) fn new_variable(
        &self,
        plan: &Plan,
        dataset: &Dataset,
        layout: &GridLayout,
        destination: &Grid,
        used: &UsedWeights,
    ) -> NewVariable {
        let file = dataset.file();
        let variable = file.find(&self.name).expect("the plan names variables of the file");
        let is_kept = |name: &str| file.find_from(&self.name, name).is_some_and(|v| plan.keeps(&v.name));
        let made = match used.regridder.weights.finish() {
            Finish::Statistic(statistic) => Made::Statistic(statistic),
            _ if used.regridder.weights.joined().origin.conservative && !self.auxiliary => Made::Means,
            _ => Made::Values,
        };
        let mut attributes =
            output::regridded_attributes(variable, &self.decoder, self.storage, layout, &self.grid.dims, made, &is_kept);
        if self.auxiliary {
            // A coordinate has no coordinates of its own.
            attributes.remove("coordinates");
        }
        if let Some(frame) = self.frame {
            output::turn(&mut attributes, frame);
        }
        let horizontal = horizontal_dims(layout, destination);
        let lens: Vec<usize> = horizontal.iter().map(|(_, len)| *len).collect();
        let dims = self.extra_dims.iter().map(|(name, len)| plan.dim_name(layout, name, *len));
        NewVariable {
            name: self.name.clone(),
            dims: dims.chain(horizontal.iter().map(|(name, _)| name.clone())).collect(),
            value_type: ValueType::Number(self.storage.number),
            attributes,
            fill: Some(self.storage.fill),
            chunks: Some(output::slab_chunks(self.extra_dims.len(), &lens, self.storage.number.size())),
            compressed: true,
        }
    }

    /// Reads, regrids and writes the variable.
    pub(crate) fn run(
        &self,
        request: &RegridRequest<'_>,
        prepared: &Prepared<'_>,
        dataset: &Dataset,
        layout: &GridLayout,
        file: &mut NewFile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<VariableReport, IoError> {
        // What is stored in single precision is rounded to it once, at the source; sums are double in either case.
        match self.storage.number {
            NumberType::F32 => self.run_as::<f32, f32>(request, prepared, dataset, layout, file, progress),
            number => with_element!(number, T => self.run_as::<f64, T>(request, prepared, dataset, layout, file, progress)),
        }
    }

    /// [`Job::run`] by values `V` for an output of numbers `T`.
    fn run_as<V: Kind, T: Element>(
        &self,
        request: &RegridRequest<'_>,
        prepared: &Prepared<'_>,
        dataset: &Dataset,
        layout: &GridLayout,
        file: &mut NewFile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<VariableReport, IoError> {
        let used = prepared.used;
        let (weights, extra) = (used.regridder.weights.joined(), self.extra_dims.len());
        let writer = file.slab_writer(&self.name, T::NUMBER, &self.lens(layout, &request.destination), extra)?;
        let fill = T::stored(self.storage.fill);
        let (mut before, mut after, integrable) = self.tallies(request, used, true);
        let mut shares = Shares::default();
        let mut counts = vec![0; used.regridder.weights.stack().layers().len()];
        // What is the same for all batches is worked out once; a slab or two are done sooner.
        let failed = |e| fail(dataset, &self.name, e);
        let resident = prepared.resident::<V>().map_err(failed)?;
        let own = OnceCell::new();
        // The first slabs are read meanwhile.
        let prepared = || match resident {
            None if self.slabs >= FEW_SLABS => {
                if own.get().is_none() {
                    let _ = own.set(used.regridder.prepare_on::<V>(&Device::Cpu).map_err(failed)?);
                }
                Ok(own.get())
            }
            resident => Ok(resident),
        };

        let nan = request.nan;
        let read = |slabs: Range<usize>, free: Option<Input<V>>| {
            let mut values = free.map(|input| input.values).unwrap_or_default();
            let valid = dataset.read_slabs_into(&self.decoder, &self.name, &self.grid, slabs, nan, &mut values)?;
            Ok(Input { values, valid })
        };
        let regrid = |slabs: Range<usize>, input: &Input<V>, free: Option<Output<V>>| {
            let len = slabs.len() * weights.destination_len();
            // New memory comes cleared, and is first touched by the threads that fill it.
            let mut output = free.unwrap_or_else(|| Output { values: vec![V::default(); len], valid: vec![false; len] });
            output.values.resize(len, V::default());
            output.valid.resize(len, false);
            let valid = input.valid.as_deref();
            let Output { values, valid: flags } = &mut output;
            let done = match prepared()? {
                None => used.regridder.apply_into(&input.values, valid, values, flags),
                Some(prepared) => prepared.apply_into(&input.values, valid, values, flags),
            };
            let levels = done.map_err(|e| fail(dataset, &self.name, e))?;
            let mut share = |k: usize| {
                let flags = valid.map(|v| &v[k * weights.source_len..(k + 1) * weights.source_len]);
                let share = match &levels.shares[k] {
                    Some(shares) => Some(Arc::new(shares.clone())),
                    None => integrable.then(|| shares.of(weights, flags, request.missing)).flatten(),
                };
                of_first_layer(share, levels.of_slabs[k].as_deref(), integrable)
            };
            let shares: Vec<_> = (0..slabs.len()).map(&mut share).collect();
            let shares: Vec<_> = shares.iter().map(|s| s.as_ref().map(|s| s.as_slice())).collect();
            add_counts(&mut counts, &levels);
            before.add(&input.values, valid, &[]);
            after.add(&output.values, Some(&output.valid), &shares);
            Ok(output)
        };
        let write = |slabs, output: &Output<V>| file.put_slabs(&writer, slabs, &output.values, &output.valid, fill);
        let unit = self.slabs_of_chunks(dataset);
        let (batches, overlapped) = batches_of(self.slabs, self.slab_bytes::<V>(weights), request.memory_limit, unit);
        crate::pipeline::run(&batches, overlapped, read, regrid, write, progress)?;

        Ok(VariableReport {
            conservation: integrable.then(|| statistics::conservation(&before, &after)),
            ..self.report(request.finish, used, before.summary(), after.summary(), &counts)
        })
    }

    /// What was done; `counts` are the values that each layer of the stack made.
    pub(crate) fn report(
        &self,
        finish: Finish,
        used: &UsedWeights,
        before: Summary,
        after: Summary,
        counts: &[u64],
    ) -> VariableReport {
        let weights = &used.regridder.weights;
        let method = used.methods.as_ref().map_or_else(
            || weights.joined().origin.method.clone(),
            |stack| stack.single().map_or_else(|| stack.to_string(), |o| o.method.to_string()),
        );
        let method = match finish {
            Finish::Sum => method,
            // It is made of the first layer.
            finish => match method.split_once(',') {
                Some((first, rest)) => format!("{first} ({finish}),{rest}"),
                None => format!("{method} ({finish})"),
            },
        };
        let of_layers = weights.stack().layers().iter().map(ToString::to_string).zip(counts.iter().copied());
        VariableReport {
            name: self.name.clone(),
            family: self.grid.grid.family.to_string(),
            cells: (self.grid.grid.len(), self.grid.grid.active_count()),
            method,
            slabs: self.slabs,
            before,
            after,
            unmapped: weights.open_count(),
            levels: if counts.len() > 1 { of_layers.collect() } else { Vec::new() },
            conservation: None,
            vector: None,
            rounding: f64::from(if self.storage.number == NumberType::F32 { f32::EPSILON } else { 0.0 }).max(f64::EPSILON) / 2.0,
            remarks: self.decoder.remarks().iter().chain(&self.remarks).cloned().collect(),
        }
    }

    /// Lengths of the dimensions in the output.
    pub(crate) fn lens(&self, layout: &GridLayout, destination: &Grid) -> Vec<usize> {
        self.extra_dims.iter().chain(horizontal_dims(layout, destination)).map(|(_, len)| *len).collect()
    }

    /// Sums for the source and the destination, and whether their integrals are wanted and mean something.
    pub(crate) fn tallies<'a>(
        &'a self,
        request: &'a RegridRequest<'_>,
        used: &'a UsedWeights,
        integrals: bool,
    ) -> (Tally<'a>, Tally<'a>, bool) {
        let weights = used.regridder.weights.joined();
        let known = |areas: &&[f64]| areas.iter().any(|&a| a > 0.0);
        let areas = used.areas.as_ref().or(weights.areas.as_ref());
        let [source_areas, destination_areas] = [0, 1].map(|end| areas.map(|both| both[end].as_slice()).filter(known));
        let both_known = source_areas.is_some() && destination_areas.is_some();
        let is_sum = !matches!(request.finish, Finish::Statistic(_));
        let integrable = integrals && is_sum && weights.origin.conservative && both_known;
        // Divided by the whole cell, a value stands for all of it.
        let whole_cell = weights.origin.normalization == "destarea";
        let tables = weights.areas.as_ref().zip(weights.fractions.as_ref()).filter(|_| integrable);
        let [source_parts, destination_parts] = [0, 1].map(|end| {
            let fractions = |both: &'a [Vec<f64>; 2]| (end == 0 || !whole_cell).then_some(both[end].as_slice());
            tables.map(|(areas, both)| Parts { areas: &areas[end], fractions: fractions(both) })
        });
        let before = Tally::new(weights.source_len, self.grid.grid.mask.flags(), source_areas, source_parts);
        let active = request.destination.mask.flags();
        let after = Tally::new(weights.destination_len(), active, destination_areas, destination_parts);
        (before, after, integrable)
    }

    /// Bytes of one slab on its way.
    fn slab_bytes<V: Real>(&self, weights: &Weights) -> usize {
        let raw = self.decoder.number();
        let raw_bytes = if raw == V::NUMBER { 0 } else { raw.size() };
        // Values and flags; raw values while they are decoded, encoded ones while they are written.
        let source = weights.source_len * (V::NUMBER.size() + 1 + raw_bytes);
        let destination = weights.destination_len() * (2 * V::NUMBER.size() + 1);
        source + destination
    }

    /// Slabs that the chunks of the source hold together.
    pub(crate) fn slabs_of_chunks(&self, dataset: &Dataset) -> usize {
        let variable = dataset.file().find(&self.name).expect("the plan names variables of the file");
        let Some(chunks) = &variable.chunks else { return 1 };
        let of = |name: &String| variable.dims.iter().zip(chunks).find(|(dim, _)| dim.name == *name).map_or(1, |(_, &c)| c);
        let lens: Vec<(usize, usize)> = self.extra_dims.iter().map(|(name, len)| (of(name), *len)).collect();
        let Some(slowest) = lens.iter().position(|(chunk, _)| *chunk > 1) else { return 1 };
        lens[slowest + 1..].iter().map(|(_, len)| len).product::<usize>() * lens[slowest].0
    }
}

/// The slabs to take at a time, of `slabs` that take `slab_bytes` each, and whether there is memory for reading and
/// writing some while others are regridded. `unit` of them are in the file together.
pub(crate) fn batches_of(slabs: usize, slab_bytes: usize, memory_limit: usize, unit: usize) -> (Vec<Range<usize>>, bool) {
    let slab_bytes = slab_bytes.max(1);
    let overlapped = memory_limit / slab_bytes >= 2 * WORTHWHILE_SLABS.min(slabs);
    let most = memory_limit / slab_bytes / if overlapped { 2 } else { 1 };
    let wanted = (BATCH_BYTES / slab_bytes).next_multiple_of(WORTHWHILE_SLABS).max(WORTHWHILE_SLABS);
    let mut batch = most.min(wanted).max(1);
    // Chunks that hold several slabs are read once if a batch has all of them.
    if unit <= most {
        batch = if batch < unit { unit } else { batch - batch % unit };
    }
    ((0..slabs).step_by(batch).map(|start| start..(start + batch).min(slabs)).collect(), overlapped)
}

/// Shares of the integral that values of the first layer have: what later layers made has none.
fn of_first_layer(shares: Option<Arc<Vec<f64>>>, levels: Option<&[u8]>, integrable: bool) -> Option<Arc<Vec<f64>>> {
    let Some(levels) = levels.filter(|_| integrable) else { return shares };
    let mut own = shares.map_or_else(|| vec![1.0; levels.len()], |shares| shares.to_vec());
    own.iter_mut().zip(levels).filter(|(_, level)| **level > 0).for_each(|(share, _)| *share = 0.0);
    Some(Arc::new(own))
}

pub(crate) fn add_counts(counts: &mut [u64], levels: &Levels) {
    counts.iter_mut().zip(&levels.counts).for_each(|(sum, n)| *sum += n);
}

/// Source values of some slabs.
struct Input<V> {
    values: Vec<V>,
    valid: Option<Vec<bool>>,
}

/// Destination values of some slabs.
struct Output<V> {
    values: Vec<V>,
    valid: Vec<bool>,
}

/// The dimensions of the layout that hold the cells: as in the grid's shape, or one for all of them.
fn horizontal_dims<'l>(layout: &'l GridLayout, grid: &Grid) -> &'l [(String, usize)] {
    let shaped = layout.dims.len() >= grid.shape.len() && layout.dims.iter().zip(&grid.shape).all(|((_, len), s)| len == s);
    &layout.dims[..if shaped { grid.shape.len() } else { 1 }]
}
