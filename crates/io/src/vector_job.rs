//! Two variables of a file, the components of vectors, on their way to another grid.

use crate::job::{Job, add_counts, batches_of};
use crate::nc_write::{NewFile, SlabPart};
use crate::prepared::Prepared;
use crate::regrid_file::{RegridRequest, VariableReport, VectorReport, fail};
use crate::{Dataset, GridLayout, IoError};
use knarr_field::VectorFrame;
use knarr_grid::Grid;
use knarr_kernels::rotate_vectors::longest;
use knarr_kernels::sphere::UnitVector;
use knarr_regrid::{Device, StackOn, VectorRegridder, VectorSource};
use std::ops::Range;
use std::sync::Arc;

/// A vector to be regridded.
pub(crate) struct VectorJob {
    pub(crate) components: [Job; 2],
    pub(crate) from: VectorFrame,
    pub(crate) to: VectorFrame,
}

/// Axes of grids in use: vectors at several heights share them.
#[derive(Default)]
pub(crate) struct KnownAxes(Vec<GridAxes>);

struct GridAxes {
    grid: Arc<Grid>,
    frame: VectorFrame,
    axes: Arc<Vec<[UnitVector; 2]>>,
}

impl KnownAxes {
    fn of(&mut self, grid: &Arc<Grid>, frame: VectorFrame) -> Result<Arc<Vec<[UnitVector; 2]>>, knarr_grid::GridError> {
        if let Some(known) = self.0.iter().find(|known| Arc::ptr_eq(&known.grid, grid) && known.frame == frame) {
            return Ok(known.axes.clone());
        }
        let axes = Arc::new(match frame {
            VectorFrame::Earth => grid.east_north(),
            VectorFrame::Grid => grid.axes()?,
        });
        self.0.push(GridAxes { grid: grid.clone(), frame, axes: axes.clone() });
        Ok(axes)
    }

    /// Bytes held.
    fn bytes(&self) -> usize {
        self.0.iter().map(|known| size_of_val(&known.axes[..])).sum()
    }
}

/// Values of some slabs, of both components.
#[derive(Default)]
struct Both {
    values: [Vec<f64>; 2],
    valid: [Option<Vec<bool>>; 2],
}

/// Values of some slabs of the destination.
#[derive(Default)]
struct Moved {
    values: [Vec<f64>; 2],
    valid: Vec<bool>,
}

impl VectorJob {
    pub(crate) fn slabs(&self) -> usize {
        self.components[0].slabs
    }

    /// Reads, regrids and writes both components.
    pub(crate) fn run(
        &self,
        request: &RegridRequest<'_>,
        dataset: &Dataset,
        layout: &GridLayout,
        prepared: &[Prepared<'_>],
        known: &mut KnownAxes,
        file: &mut NewFile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<[VariableReport; 2], IoError> {
        let jobs = &self.components;
        let prepared = [&prepared[jobs[0].weights], &prepared[jobs[1].weights]];
        let used = prepared.map(|p| p.used);
        let grid_fails = |what: &str, source| IoError::Grid { path: dataset.path().to_owned(), what: what.to_owned(), source };
        let to = known.of(&request.destination, self.to).map_err(|e| grid_fails("the destination", e))?;
        let mut axes_of = |k: usize| {
            let job: &Job = &jobs[k];
            known.of(&job.grid.grid, self.from).map_err(|e| grid_fails(&format!("variable `{}`", job.name), e))
        };
        let axes = [axes_of(0)?, axes_of(1)?];
        let together = jobs[0].weights == jobs[1].weights;
        let failed = |e| fail(dataset, &jobs[0].name, e);
        // On the processor, where making them ready takes little, for this vector alone.
        let mut own: Vec<StackOn<'_, f64>> = Vec::new();
        if !prepared[0].turns_vectors() {
            for used in &used[..if together { 1 } else { 2 }] {
                own.push(used.regridder.prepare_on(&Device::Cpu).map_err(failed)?);
            }
        }
        let stack_of = |k: usize| match own.get(k) {
            Some(own) => Ok(own),
            None => Ok::<_, IoError>(prepared[k].resident::<f64>().map_err(failed)?.expect("on a graphics processor")),
        };
        let source = if together {
            VectorSource::Together { regridder: stack_of(0)?, axes: &axes[0] }
        } else {
            VectorSource::Apart { regridders: [stack_of(0)?, stack_of(1)?], axes: [&axes[0], &axes[1]] }
        };
        let mut vectors = VectorRegridder::new(source, &to).map_err(failed)?;

        let mut writers = Vec::with_capacity(2);
        for job in jobs {
            writers.push(file.slab_writer(
                &job.name,
                job.storage.number,
                &job.lens(layout, &request.destination),
                job.extra_dims.len(),
            )?);
        }
        let [(mut first_before, mut first_after, _), (mut second_before, mut second_after, _)] =
            [0, 1].map(|k| jobs[k].tallies(request, used[k], false));
        let mut counts = vec![0; used[0].regridder.weights.stack().layers().len()];
        let (mut longest_before, mut longest_after) = ([0.0f64; 2], 0.0f64);

        let nan = request.nan;
        let read = |slabs: Range<usize>, free: Option<Both>| {
            let mut both = free.unwrap_or_default();
            for (k, job) in jobs.iter().enumerate() {
                let values = &mut both.values[k];
                both.valid[k] = dataset.read_slabs_into(&job.decoder, &job.name, &job.grid, slabs.clone(), nan, values)?;
            }
            Ok(both)
        };
        let cells = request.destination.len();
        let regrid = |slabs: Range<usize>, input: &Both, free: Option<Moved>| {
            let mut moved = free.unwrap_or_default();
            let Moved { values: [u, v], valid } = &mut moved;
            for values in [&mut *u, &mut *v] {
                values.resize(slabs.len() * cells, 0.0);
            }
            valid.resize(slabs.len() * cells, false);
            let [first, second] = &input.values;
            let flags = [0, 1].map(|k| input.valid[k].as_deref());
            let levels = vectors.apply_into([first, second], flags, [u, v], valid);
            add_counts(&mut counts, &levels.map_err(|e| fail(dataset, &jobs[0].name, e))?);
            first_before.add(first, flags[0], &[]);
            second_before.add(second, flags[1], &[]);
            first_after.add(&*u, Some(valid), &[]);
            second_after.add(&*v, Some(valid), &[]);
            if together {
                longest_before[0] = longest_before[0].max(longest([first, second], flags, &axes[0]));
            } else {
                // Where the components are apart, no vector is longer than this.
                let largest = |values: &[f64]| values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                longest_before = [longest_before[0].max(largest(first)), longest_before[1].max(largest(second))];
            }
            longest_after = longest_after.max(longest([u, v], [Some(valid), None], &to));
            Ok(moved)
        };
        let write = |slabs: Range<usize>, moved: &Moved| {
            let part = |k: usize| {
                let storage = jobs[k].storage;
                SlabPart { writer: &writers[k], number: storage.number, fill: storage.fill, values: &moved.values[k] }
            };
            file.put_slabs_in_turn(&[part(0), part(1)], slabs, &moved.valid)
        };
        let limit = request.memory_limit.saturating_sub(known.bytes());
        let unit = jobs.iter().map(|job| job.slabs_of_chunks(dataset)).max().unwrap_or(1);
        let (batches, overlapped) = batches_of(self.slabs(), self.slab_bytes(cells), limit, unit);
        crate::pipeline::run(&batches, overlapped, read, regrid, write, progress)?;

        let summaries = [(first_before.summary(), first_after.summary()), (second_before.summary(), second_after.summary())];
        Ok([0, 1].map(|k| {
            let vector = VectorReport {
                partner: jobs[1 - k].name.clone(),
                from: self.from,
                to: self.to,
                longest_before: longest_before[0].hypot(longest_before[1]),
                longest_after,
            };
            let (before, after) = summaries[k];
            VariableReport { vector: Some(vector), ..jobs[k].report(request.finish, used[k], before, after, &counts) }
        }))
    }

    /// Bytes of one slab: values and flags, raw ones while they are decoded, Cartesian ones, encoded ones.
    fn slab_bytes(&self, destination: usize) -> usize {
        let source = |job: &Job| job.grid.grid.len() * (8 + 1 + job.decoder.number().size());
        let cartesian = self.components.iter().map(|job| job.grid.grid.len()).max().unwrap_or(0) * 3 * 9;
        let apart = self.components[0].weights != self.components[1].weights;
        let moved = destination * (2 * (8 + 8) + 1 + 3 * 8 * if apart { 2 } else { 1 });
        self.components.iter().map(source).sum::<usize>() + cartesian + moved
    }
}
