//! Where the links of each row begin: sums of all counts before, the same on every device.

use crate::gpu::{Access, Buffer, GpuError, Kernel, Numbers, Parameters, Step, Width};

const WORDS: Numbers = Numbers { stored: Width::F32, real: Width::F32 };

/// Sums of chunks.
pub const OF_CHUNKS: Kernel = Kernel {
    name: "exclusive_scan",
    texts: &[include_str!("../exclusive_scan.wgsl")],
    entry: "of_chunks",
    bindings: &[("counts", Access::Read), ("sums", Access::Write)],
    numbers: &[WORDS],
    loops: true,
};

/// Sums before each count.
pub const FILL: Kernel = Kernel {
    name: "exclusive_scan_fill",
    texts: &[include_str!("../exclusive_scan_fill.wgsl")],
    entry: "fill",
    bindings: &[("counts", Access::Read), ("before", Access::Read), ("starts", Access::Write)],
    numbers: &[WORDS],
    loops: true,
};

/// Counts that one invocation adds.
const CHUNK: usize = 256;

/// Adds the scan of `len` counts to a step: `len + 1` starts, the last the sum of all. Counts have 31 bits; so has
/// their sum.
///
/// # Errors
/// [`GpuError::OutOfMemory`], [`GpuError::TooLarge`].
pub fn exclusive_scan(step: &mut Step, counts: &Buffer, len: usize) -> Result<Buffer, GpuError> {
    let gpu = step.gpu().clone();
    let starts = gpu.buffer("starts", 4 * (len as u64 + 1))?;
    let chunks = len.div_ceil(CHUNK);
    let parameters = || Parameters::new(WORDS).trips(CHUNK as u64).count(len as u32).count(CHUNK as u32);
    let before = if chunks <= 1 {
        gpu.buffer("nothing before", 4)?
    } else {
        let sums = gpu.buffer("sums of chunks", 4 * chunks as u64)?;
        step.run(&OF_CHUNKS, parameters(), &[counts.into(), (&sums).into()], chunks as u64)?;
        exclusive_scan(step, &sums, chunks)?
    };
    step.run(&FILL, parameters(), &[counts.into(), (&before).into(), (&starts).into()], chunks as u64)?;
    Ok(starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, device};

    #[test]
    fn starts_are_the_sums_before() {
        let Some(gpu) = device() else { return };
        // One chunk, several, and three levels of them.
        for len in [1usize, 256, 257, 70_001] {
            let mut noise = Noise(len as u64);
            // Marks in the highest bit are no part of a count.
            let counts: Vec<u32> = (0..len).map(|_| noise.below(9) as u32 | (noise.below(2) as u32) << 31).collect();
            let uploaded = gpu.upload("counts", &counts).expect("small");
            let mut step = Step::new(gpu);
            let starts = exclusive_scan(&mut step, &uploaded, len).expect("small");
            step.submit().expect("it runs");
            let mut sum = 0;
            let mut expected = vec![0u32];
            expected.extend(counts.iter().map(|c| {
                sum += c & 0x7fff_ffff;
                sum
            }));
            assert_eq!(gpu.read::<u32>(&starts, 0, len + 1), Ok(expected), "{len}");
        }
    }
}
