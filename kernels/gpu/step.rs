//! Dispatches that are submitted together.

use super::{Buffer, Gpu, GpuError, Kernel, LOOP_LIMIT, Parameters};
use std::time::{Duration, Instant};

/// Invocations of a workgroup in all kernels.
pub const GROUP: usize = 64;

/// Workgroups in a row of the dispatch; more rows follow.
const ROW: u64 = 32_768;

/// A buffer, or a part of it, that a kernel sees.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'b> {
    buffer: &'b Buffer,
    offset: u64,
    /// `None`: to the end.
    bytes: Option<u64>,
}

impl<'b> From<&'b Buffer> for Binding<'b> {
    fn from(buffer: &'b Buffer) -> Self {
        Self { buffer, offset: 0, bytes: None }
    }
}

impl<'b> Binding<'b> {
    /// `bytes` from `offset` on, which is a multiple of the device's alignment.
    pub fn part(buffer: &'b Buffer, offset: u64, bytes: u64) -> Self {
        Self { buffer, offset, bytes: Some(bytes.max(16)) }
    }
}

#[derive(Debug)]
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    parameters: Vec<u8>,
    groups: [u32; 2],
}

/// How long a step took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ran {
    /// On the device, by its clock; `None` if it has none.
    pub device: Option<Duration>,
    /// From the call to the end of the work.
    pub wall: Duration,
}

/// Dispatches in order, each after the one before; may be submitted several times.
#[derive(Debug)]
pub struct Step {
    gpu: Gpu,
    dispatches: Vec<Dispatch>,
}

impl Step {
    /// Without work.
    pub fn new(gpu: &Gpu) -> Self {
        Self { gpu: gpu.clone(), dispatches: Vec::new() }
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Number of dispatches.
    pub fn len(&self) -> usize {
        self.dispatches.len()
    }

    /// Whether there is no work.
    pub fn is_empty(&self) -> bool {
        self.dispatches.is_empty()
    }

    /// Adds the `items` invocations of a kernel; `bindings` in its order.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] if a binding or the number of items is beyond the device's limits;
    /// [`GpuError::TooLong`] if its loops would run too often; [`GpuError::NoF64`]; [`GpuError::Refused`] if a buffer is both read and written.
    pub fn run(&mut self, kernel: &Kernel, parameters: Parameters, bindings: &[Binding<'_>], items: u64) -> Result<(), GpuError> {
        self.run_groups(kernel, parameters, bindings, items, items.div_ceil(GROUP as u64))
    }

    /// [`Step::run`] with another number of workgroups: for kernels whose items are not invocations.
    ///
    /// # Errors
    /// As [`Step::run`].
    pub fn run_groups(
        &mut self,
        kernel: &Kernel,
        parameters: Parameters,
        bindings: &[Binding<'_>],
        items: u64,
        groups: u64,
    ) -> Result<(), GpuError> {
        assert_eq!(bindings.len(), kernel.bindings.len(), "{}: a buffer per binding", kernel.name);
        if items == 0 {
            return self.gpu.check();
        }
        let trips = parameters.most_trips();
        assert_eq!(kernel.loops, trips > 0, "{}: a bound for the loops of kernels that have some", kernel.name);
        if trips > LOOP_LIMIT.into() {
            return Err(GpuError::TooLong { what: kernel.name, found: trips, limit: LOOP_LIMIT.into() });
        }
        let limit = self.gpu.binding_limit();
        for (binding, (name, _)) in bindings.iter().zip(kernel.bindings) {
            let bytes = binding.bytes.unwrap_or(binding.buffer.bytes() - binding.offset);
            if bytes > limit {
                return Err(GpuError::TooLarge { what: format!("`{name}` of {}", kernel.name), bytes, limit });
            }
        }
        let (x, y) = (groups.min(ROW), groups.div_ceil(ROW));
        let most = u64::from(self.gpu.facts().groups);
        // Items are counted in 32 bits, their numbers too when the last group is rounded up.
        if items > u64::from(u32::MAX) - ROW * GROUP as u64 || y > most {
            let limit = u64::from(u32::MAX) - ROW * GROUP as u64;
            return Err(GpuError::TooLarge { what: format!("the work of {}", kernel.name), bytes: items, limit });
        }
        let numbers = parameters.numbers();
        let pipeline = self.gpu.pipeline(kernel, numbers)?;
        let parameters = parameters.finish(x as u32 * GROUP as u32, items as u32);
        let entries: Vec<wgpu::BindGroupEntry<'_>> = bindings
            .iter()
            .zip(0..)
            .map(|(b, binding)| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &b.buffer.raw,
                    offset: b.offset,
                    size: b.bytes.and_then(std::num::NonZero::new),
                }),
            })
            .collect();
        let bindings = self.gpu.scoped(kernel.name, 0, || {
            self.gpu.shared.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.name),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            })
        })?;
        self.dispatches.push(Dispatch { pipeline, bindings, parameters, groups: [x as u32, y as u32] });
        Ok(())
    }

    /// Starts the work and does not wait for it.
    ///
    /// # Errors
    /// [`GpuError::Refused`], [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub fn submit(&self) -> Result<(), GpuError> {
        self.encode(1, None)
    }

    /// Does the work.
    ///
    /// # Errors
    /// As [`Step::submit`].
    pub fn finish(&self) -> Result<(), GpuError> {
        self.submit()?;
        self.gpu.wait()
    }

    /// Does the work `times` times over in one submit, and tells how long that took.
    ///
    /// # Errors
    /// As [`Step::submit`].
    pub fn timed(&self, times: u32) -> Result<Ran, GpuError> {
        let (gpu, shared) = (&self.gpu, &self.gpu.shared);
        if !gpu.facts().timestamps {
            let start = Instant::now();
            self.encode(times, None)?;
            gpu.wait()?;
            return Ok(Ran { device: None, wall: start.elapsed() });
        }
        let (queries, ticks) = gpu.scoped("a clock", 16, || {
            let descriptor = wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count: 2 };
            let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
            let ticks = wgpu::BufferDescriptor { label: None, size: 16, usage, mapped_at_creation: false };
            (shared.device.create_query_set(&descriptor), shared.device.create_buffer(&ticks))
        })?;
        let start = Instant::now();
        self.encode(times, Some((&queries, &ticks)))?;
        gpu.wait()?;
        let wall = start.elapsed();
        let mut read = [0u64; 2];
        gpu.read_into(&Buffer::of_raw(ticks, 16), 0, &mut read)?;
        let nanoseconds = read[1].saturating_sub(read[0]) as f64 * f64::from(shared.queue.get_timestamp_period());
        Ok(Ran { device: Some(Duration::from_nanos(nanoseconds as u64)), wall })
    }

    fn encode(&self, times: u32, clock: Option<(&wgpu::QuerySet, &wgpu::Buffer)>) -> Result<(), GpuError> {
        let shared = &self.gpu.shared;
        self.gpu.scoped("a step", 0, || {
            let mut encoder = shared.device.create_command_encoder(&Default::default());
            {
                let timestamp_writes = clock.map(|(query_set, _)| wgpu::ComputePassTimestampWrites {
                    query_set,
                    beginning_of_pass_write_index: Some(0),
                    end_of_pass_write_index: Some(1),
                });
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
                for dispatch in (0..times).flat_map(|_| &self.dispatches) {
                    pass.set_pipeline(&dispatch.pipeline);
                    pass.set_bind_group(0, &dispatch.bindings, &[]);
                    pass.set_immediates(0, &dispatch.parameters);
                    pass.dispatch_workgroups(dispatch.groups[0], dispatch.groups[1], 1);
                }
            }
            if let Some((queries, ticks)) = clock {
                encoder.resolve_query_set(queries, 0..2, ticks, 0);
            }
            shared.queue.submit([encoder.finish()]);
        })?;
        shared.counters.submitted();
        Ok(())
    }
}
