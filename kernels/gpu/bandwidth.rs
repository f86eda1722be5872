//! What a device can move at most: what kernels are measured by.

use super::kernel::{Access, Kernel, Numbers, Parameters, Width};
use super::{Gpu, GpuError, Step};
use std::time::Instant;

/// Copies vectors of four words.
pub const COPY: Kernel = Kernel {
    name: "copy",
    texts: &[include_str!("../shared/copy.wgsl")],
    entry: "copy",
    bindings: &[("before", Access::Read), ("after", Access::Write)],
    numbers: &[Numbers { stored: Width::F32, real: Width::F32 }],
    loops: false,
};

/// Bytes of an array that is copied: beyond all caches of today's devices.
const BYTES: u64 = 512 << 20;

/// Measured rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bandwidth {
    /// Bytes read and written per second while memory is copied to memory.
    pub copy: f64,
    /// Bytes per second from the host.
    pub upload: f64,
    /// Bytes per second to the host.
    pub download: f64,
    /// Seconds from the submit of a step without work to its end.
    pub submit_s: f64,
}

impl Bandwidth {
    /// Measures a device; the best of some runs.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub fn measure(gpu: &Gpu) -> Result<Self, GpuError> {
        let bytes = BYTES.min(gpu.binding_limit() / 16 * 16);
        Self::measure_with(gpu, bytes, 5)
    }

    pub(super) fn measure_with(gpu: &Gpu, bytes: u64, runs: usize) -> Result<Self, GpuError> {
        let values = vec![1u32; bytes as usize / 4];
        let (from, to) = (gpu.buffer("an array to copy", bytes)?, gpu.buffer("an array to copy to", bytes)?);
        let mut step = Step::new(gpu);
        step.run(&COPY, Parameters::new(Numbers::all(Width::F32)), &[(&from).into(), (&to).into()], bytes / 16)?;
        let nothing = Step::new(gpu);
        let (mut best, mut back) = (Self { copy: 0.0, upload: 0.0, download: 0.0, submit_s: f64::INFINITY }, values.clone());
        let rate = |bytes: u64, start: Instant| bytes as f64 / start.elapsed().as_secs_f64();
        for _ in 0..runs {
            let start = Instant::now();
            gpu.write(&from, 0, &values)?;
            nothing.finish()?;
            best.upload = best.upload.max(rate(bytes, start));
            let ran = step.timed(4)?;
            best.copy = best.copy.max(8.0 * bytes as f64 / ran.device.unwrap_or(ran.wall).as_secs_f64());
            let start = Instant::now();
            gpu.read_into(&to, 0, &mut back)?;
            best.download = best.download.max(rate(bytes, start));
            let start = Instant::now();
            nothing.finish()?;
            best.submit_s = best.submit_s.min(start.elapsed().as_secs_f64());
        }
        match back == values {
            true => Ok(best),
            false => Err(GpuError::Refused { what: "a copy".into(), why: "it came back with other values".into() }),
        }
    }
}
