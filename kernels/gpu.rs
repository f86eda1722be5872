//! Kernels on a graphics processor, through wgpu: adapters, buffers, dispatch, timing.
//!
//! # How to add a twin
//!
//! A kernel `x.rs` has its twin in `x.wgsl` beside it and in `twins/x.rs`, the call:
//!
//! 1. `x.wgsl` has no `enable` and no type aliases: numbers are `real`, those of fields in memory `stored`, which
//!    [`Numbers`] defines. It starts with `struct Parameters { width: u32, n: u32, ... }`, `var<immediate> p: Parameters`
//!    and bindings 0, 1, ... in the order of the call; an entry point takes item `id.y * p.width + id.x` and returns if
//!    that is not below `p.n`. No transcendental function of a `real` (f64 ones compute garbage without a word): sines
//!    come from the host, an arctangent from `shared/atan.wgsl`. A loop has a bound below [`LOOP_LIMIT`].
//! 2. `twins/x.rs` names it in a `const X: Kernel` and has a function with the arguments of `x.rs` in their order,
//!    fields as [`DeviceField`], which checks lengths and calls [`Step::run`].
//! 3. `X` goes into the list [`crate::twins::KERNELS`]: the guards then hold it to the rules above.
//! 4. Its test compares it with `x.rs` on poisoned outputs, within a bound derived from the number of terms.
//!
//! A [`Step`] gathers the dispatches of several kernels and submits them at once; values stay on the device. What is
//! copied to and from the host is counted ([`Gpu::copies`]).

mod adapter;
mod bandwidth;
mod buffer;
mod copies;
mod error;
mod field;
#[cfg(test)]
mod guards;
pub(crate) mod kernel;
mod step;
#[cfg(test)]
pub(crate) mod tests;

pub use adapter::{AdapterFacts, AdapterKind, adapters};
pub use bandwidth::{Bandwidth, COPY};
pub use buffer::Buffer;
pub use copies::Copies;
pub use error::GpuError;
pub use field::{BlockShape, DeviceField};
pub use kernel::{Access, Kernel, Numbers, Parameters, Stored, Width};
pub use step::{Binding, GROUP, Ran, Step};

use crate::device::DeviceChoice;
use copies::Counters;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

/// Trips of all loops of an invocation, and on some software drivers of its neighbours too, stay below this.
///
/// Mesa's lavapipe ends loops silently after 65 535 trips.
pub const LOOP_LIMIT: u32 = 65_000;

/// A graphics processor that is ready to compute; clones share it.
#[derive(Clone, Debug)]
pub struct Gpu {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    device: wgpu::Device,
    queue: wgpu::Queue,
    facts: AdapterFacts,
    pipelines: Mutex<HashMap<(&'static str, &'static str, Numbers), wgpu::ComputePipeline>>,
    /// Why the device was lost, once it is: wgpu's calls do not tell.
    lost: Arc<OnceLock<String>>,
    /// An error outside any scope; there is none as long as calls go through [`Gpu::scoped`].
    stray: Arc<Mutex<Option<String>>>,
    counters: Counters,
}

impl Gpu {
    /// The device of `choice`; `None` for the processor, and for `auto` without a real graphics processor.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] if `gpu` finds no real graphics processor or `gpu:N` no such adapter;
    /// [`GpuError::NoDevice`] if the adapter does not open.
    pub fn open(choice: DeviceChoice) -> Result<Option<Self>, GpuError> {
        if choice == DeviceChoice::Cpu {
            return Ok(None);
        }
        match adapter::choose(choice)? {
            Some(found) => Self::of_adapter(found).map(Some),
            None => Ok(None),
        }
    }

    fn of_adapter(adapter::Found { adapter, facts }: adapter::Found) -> Result<Self, GpuError> {
        use wgpu::Features;
        let wanted = Features::SHADER_F64 | Features::TIMESTAMP_QUERY;
        let features = adapter.features() & wanted | Features::IMMEDIATES;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("knarr"),
            required_features: features,
            // The defaults are far below what devices have.
            required_limits: adapter.limits(),
            ..Default::default()
        };
        let fail = |e: wgpu::RequestDeviceError| GpuError::NoDevice { adapter: facts.name.clone(), why: e.to_string() };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).map_err(fail)?;
        let (lost, stray) = (Arc::new(OnceLock::new()), Arc::new(Mutex::new(None)));
        let (set_lost, set_stray) = (lost.clone(), stray.clone());
        device.set_device_lost_callback(move |reason, message| {
            // A device can be lost only once; later reasons are consequences.
            let _ = set_lost.set(format!("{reason:?}: {message}"));
        });
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            set_stray.lock().expect("no holder panics").get_or_insert_with(|| error.to_string());
        }));
        let (pipelines, counters) = (Mutex::default(), Counters::default());
        Ok(Self { shared: Arc::new(Shared { device, queue, facts, pipelines, lost, stray, counters }) })
    }

    /// What the adapter is.
    pub fn facts(&self) -> &AdapterFacts {
        &self.shared.facts
    }

    /// Copies and submits so far.
    pub fn copies(&self) -> Copies {
        self.shared.counters.read()
    }

    /// Most bytes of a binding.
    pub fn binding_limit(&self) -> u64 {
        self.shared.facts.binding_bytes
    }

    /// Fails if the device is lost.
    ///
    /// # Errors
    /// [`GpuError::Lost`], and then for every later call: open it anew, or go on with the processor.
    pub fn check(&self) -> Result<(), GpuError> {
        match self.shared.lost.get() {
            Some(why) => Err(GpuError::Lost { adapter: self.facts().name.clone(), why: why.clone() }),
            None => match self.shared.stray.lock().expect("no holder panics").take() {
                Some(why) => Err(GpuError::Refused { what: "an earlier call".into(), why }),
                None => Ok(()),
            },
        }
    }

    /// Gives the device up: every later call fails with [`GpuError::Lost`].
    pub fn destroy(&self) {
        self.shared.device.destroy();
        // The callback runs while the device is polled.
        let _ = self.shared.device.poll(wgpu::PollType::wait_indefinitely());
    }

    /// The call `f` with what goes wrong in it.
    fn scoped<T>(&self, what: &str, bytes: u64, f: impl FnOnce() -> T) -> Result<T, GpuError> {
        self.check()?;
        let device = &self.shared.device;
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let value = f();
        let refused = [validation.pop_now(), internal.pop_now()].into_iter().flatten().next();
        let is_out_of_memory = memory.pop_now().is_some();
        if refused.is_some() || is_out_of_memory {
            // A loss may be why; it is told while the device is polled.
            let _ = device.poll(wgpu::PollType::Poll);
            self.check()?;
        }
        if is_out_of_memory {
            return Err(GpuError::OutOfMemory { what: what.to_owned(), bytes });
        }
        if let Some(error) = refused {
            return Err(GpuError::Refused { what: what.to_owned(), why: error.to_string().trim().to_owned() });
        }
        self.check()?;
        Ok(value)
    }

    /// Waits until all that was submitted is done.
    fn wait(&self) -> Result<(), GpuError> {
        let polled = self.shared.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        polled.map(|_| ()).map_err(|e| GpuError::Refused { what: "waiting".into(), why: e.to_string() })
    }

    /// The compiled entry point of a kernel.
    fn pipeline(&self, kernel: &Kernel, numbers: Numbers) -> Result<wgpu::ComputePipeline, GpuError> {
        let key = (kernel.name, kernel.entry, numbers);
        if let Some(pipeline) = self.shared.pipelines.lock().expect("no holder panics").get(&key) {
            return Ok(pipeline.clone());
        }
        if numbers.needs_f64() && !self.facts().f64 {
            return Err(GpuError::NoF64 { adapter: self.facts().name.clone() });
        }
        let pipeline = self.scoped(kernel.name, 0, || {
            let source = wgpu::ShaderSource::Wgsl(kernel.source(numbers).into());
            let descriptor = wgpu::ShaderModuleDescriptor { label: Some(kernel.name), source };
            // Loops end: the texts are our own, and each call says how often theirs run. Counting that once more on the
            // device would cost every trip.
            let checks = wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() };
            #[allow(unsafe_code, reason = "loops that end; all other checks are made")]
            let module = unsafe { self.shared.device.create_shader_module_trusted(descriptor, checks) };
            self.shared.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.name),
                layout: None,
                module: &module,
                entry_point: Some(kernel.entry),
                compilation_options: Default::default(),
                cache: None,
            })
        })?;
        self.shared.pipelines.lock().expect("no holder panics").insert(key, pipeline.clone());
        Ok(pipeline)
    }
}

/// A scope's error, which is there as soon as the scope is left.
trait PopNow {
    fn pop_now(self) -> Option<wgpu::Error>;
}

impl PopNow for wgpu::ErrorScopeGuard {
    fn pop_now(self) -> Option<wgpu::Error> {
        pollster::block_on(self.pop())
    }
}
