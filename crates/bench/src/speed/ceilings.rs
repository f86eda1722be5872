//! What the machine can do at best: the limits that kernels are held against.

use super::timing::{Effort, Timing};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

/// Values of an array of the memory kernels: 256 MiB of `f64`, far beyond caches.
const VALUES: usize = 32 << 20;
const VALUES_QUICK: usize = 8 << 20;

/// Bytes of the file of the disk figures.
const FILE_BYTES: usize = 256 << 20;
const FILE_BYTES_QUICK: usize = 64 << 20;

/// Measured limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ceilings {
    /// Memory and arithmetic, for each number of threads.
    pub threads: Vec<ThreadCeilings>,
    /// Bytes a second written to a file and made durable.
    pub disk_write_bytes_per_s: Option<f64>,
    /// Bytes a second read from that file, which the system was asked to forget before.
    pub disk_read_bytes_per_s: Option<f64>,
    /// Bytes a second copied within a graphics processor; `None`: there is none.
    pub gpu_copy_bytes_per_s: Option<f64>,
}

/// Limits of some threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadCeilings {
    /// Threads.
    pub threads: usize,
    /// `a = s b`: bytes a second, counting 24 a value: read, allocated in the cache, written.
    pub copy_bytes_per_s: f64,
    /// `a = b + s c` (McCalpin 1995): bytes a second, counting 32 a value.
    pub triad_bytes_per_s: f64,
    /// Fused multiply-adds in registers, counting 2 operations each.
    pub f32_flops_per_s: f64,
    /// The same in double precision.
    pub f64_flops_per_s: f64,
}

impl Ceilings {
    /// Measures, with a file in `folder`. `threads` are the numbers of threads to measure, `adapter` is the number of the
    /// graphics processor.
    pub fn measure(threads: &[usize], adapter: usize, folder: &Path, quick: bool) -> Self {
        let (values, file) = if quick { (VALUES_QUICK, FILE_BYTES_QUICK) } else { (VALUES, FILE_BYTES) };
        let disk = disk(folder, file).ok();
        Self {
            threads: threads.iter().map(|&t| ThreadCeilings::measure(t, values)).collect(),
            disk_write_bytes_per_s: disk.map(|d| d.0),
            disk_read_bytes_per_s: disk.map(|d| d.1),
            gpu_copy_bytes_per_s: super::gpu::copy_bytes_per_s(adapter),
        }
    }

    /// Those of a number of threads, or of the nearest lower number that was measured.
    pub fn of_threads(&self, threads: usize) -> Option<&ThreadCeilings> {
        self.threads.iter().filter(|c| c.threads <= threads).max_by_key(|c| c.threads)
    }
}

impl ThreadCeilings {
    fn measure(threads: usize, values: usize) -> Self {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let (b, c) = (vec![1f64; values], vec![2f64; values]);
        let mut a = vec![0f64; values];
        let piece = 1 << 15;
        let effort = Effort { samples_min: 7, ..Effort::QUICK };
        let seconds = |run: &mut (dyn FnMut() + Send)| {
            let timing = Timing::measure(effort, || {
                pool.install(&mut *run);
                Ok::<(), std::convert::Infallible>(())
            });
            // A limit is what was reached once: the best, not the middle.
            let Ok(timing) = timing;
            timing.samples_s.iter().copied().fold(f64::INFINITY, f64::min)
        };
        let copy = seconds(&mut || {
            a.par_chunks_mut(piece).zip(b.par_chunks(piece)).for_each(|(a, b)| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a = 3.0 * b);
            });
            black_box(&mut a);
        });
        let triad = seconds(&mut || {
            a.par_chunks_mut(piece).zip(b.par_chunks(piece)).zip(c.par_chunks(piece)).for_each(|((a, b), c)| {
                a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = b + 3.0 * c);
            });
            black_box(&mut a);
        });
        let rounds = 200_000;
        let f32_s = seconds(&mut || (0..threads).into_par_iter().for_each(|_| fma::f32(rounds)));
        let f64_s = seconds(&mut || (0..threads).into_par_iter().for_each(|_| fma::f64(rounds)));
        let flops = |lanes: usize, seconds: f64| (2 * rounds * fma::CHAINS * lanes * threads) as f64 / seconds;
        Self {
            threads,
            copy_bytes_per_s: (24 * values) as f64 / copy,
            triad_bytes_per_s: (32 * values) as f64 / triad,
            f32_flops_per_s: flops(fma::LANES_F32, f32_s),
            f64_flops_per_s: flops(fma::LANES_F64, f64_s),
        }
    }
}

/// Bytes a second written and read.
fn disk(folder: &Path, bytes: usize) -> std::io::Result<(f64, f64)> {
    // Bytes that no file system compresses away.
    let mut state = 1u64;
    let piece: Vec<u8> = (0..1 << 17)
        .flat_map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32).to_le_bytes()
        })
        .collect();
    let mut file = tempfile::tempfile_in(folder)?;
    let start = Instant::now();
    for _ in 0..bytes.div_ceil(piece.len()) {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    let written = start.elapsed().as_secs_f64();
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    std::io::Seek::rewind(&mut file)?;
    let (mut buffer, mut total) = (vec![0; 4 << 20], 0);
    let start = Instant::now();
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            len => total += len,
        }
    }
    Ok((total as f64 / written, total as f64 / start.elapsed().as_secs_f64()))
}

/// Independent chains of fused multiply-adds, as wide as the machine has them.
mod fma {
    use std::hint::black_box;

    /// Chains in flight: more than the latency of the units.
    pub const CHAINS: usize = 12;
    /// Two of the widest vectors: of one, the compiler makes single numbers in single precision.
    pub const LANES_F32: usize = 32;
    pub const LANES_F64: usize = 8;

    macro_rules! chains {
        ($name:ident, $real:ident, $lanes:expr) => {
            pub fn $name(rounds: usize) {
                #[inline(always)]
                fn body(rounds: usize) {
                    let mut a = [[1.0 as $real; $lanes]; CHAINS];
                    let (x, y) = (black_box(0.999 as $real), black_box(0.001 as $real));
                    for _ in 0..rounds {
                        for chain in &mut a {
                            for v in chain.iter_mut() {
                                *v = v.mul_add(x, y);
                            }
                        }
                    }
                    black_box(a);
                }
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx512f,fma")]
                    fn wide(rounds: usize) {
                        body(rounds);
                    }
                    #[target_feature(enable = "avx2,fma")]
                    fn middle(rounds: usize) {
                        body(rounds);
                    }
                    if is_x86_feature_detected!("avx512f") {
                        #[allow(unsafe_code, reason = "the machine has the instructions")]
                        return unsafe { wide(rounds) };
                    }
                    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                        #[allow(unsafe_code, reason = "the machine has the instructions")]
                        return unsafe { middle(rounds) };
                    }
                }
                body(rounds);
            }
        };
    }
    chains!(f32, f32, LANES_F32);
    chains!(f64, f64, LANES_F64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_positive_and_found_by_threads() {
        let folder = tempfile::tempdir().expect("a folder");
        let one = ThreadCeilings::measure(1, 1 << 16);
        for v in [one.copy_bytes_per_s, one.triad_bytes_per_s, one.f32_flops_per_s, one.f64_flops_per_s] {
            assert!(v.is_finite() && v > 1e6, "{one:?}");
        }
        let (write, read) = disk(folder.path(), 1 << 20).expect("a disk");
        assert!(write > 0.0 && read > 0.0);
        let four = ThreadCeilings { threads: 4, ..one.clone() };
        let all = Ceilings {
            threads: vec![one, four],
            disk_write_bytes_per_s: None,
            disk_read_bytes_per_s: None,
            gpu_copy_bytes_per_s: None,
        };
        assert_eq!([1, 3, 4, 9].map(|t| all.of_threads(t).map(|c| c.threads)), [Some(1), Some(1), Some(4), Some(4)]);
    }
}
