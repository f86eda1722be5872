//! What a figure was measured on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs;

/// The machine, as far as it tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Processor.
    pub cpu: String,
    /// Instruction sets beyond the basic one that kernels choose between.
    pub instructions: Vec<String>,
    /// Threads that this process may use.
    pub threads: usize,
    /// Caches of the first processor: level and kind, bytes.
    pub caches: Vec<Cache>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// System and architecture.
    pub system: String,
    /// Graphics processors with their drivers; none found: empty.
    pub gpus: Vec<Gpu>,
    /// Versions: of Knarr and of the library it reads and writes files with.
    pub versions: Vec<[String; 2]>,
}

/// A cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cache {
    /// As the system names it: `L1 data`, `L2 unified`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// A graphics processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gpu {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Whether it is a program on the processor that only acts as one.
    pub is_software: bool,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let system = sysinfo::System::new_with_specifics(
            sysinfo::RefreshKind::nothing()
                .with_cpu(sysinfo::CpuRefreshKind::nothing())
                .with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram()),
        );
        let cpu = system.cpus().first().map_or_else(|| "unknown".to_owned(), |c| c.brand().trim().to_owned());
        let name = sysinfo::System::long_os_version().unwrap_or_else(|| std::env::consts::OS.to_owned());
        Self {
            cpu,
            instructions: instructions(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            caches: caches(),
            memory_bytes: (system.total_memory() > 0).then(|| system.total_memory()),
            system: format!("{name}, {}", std::env::consts::ARCH),
            gpus: super::gpu::adapters(),
            versions: vec![["knarr".to_owned(), env!("CARGO_PKG_VERSION").to_owned()], ["hdf5".to_owned(), hdf5_version()]],
        }
    }

    /// Whether figures of the two can be set against each other as those of one machine.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.cpu, self.threads, self.memory_bytes) == (&other.cpu, other.threads, other.memory_bytes)
    }
}

fn hdf5_version() -> String {
    let (major, minor, micro) = hdf5_metno::library_version();
    format!("{major}.{minor}.{micro}")
}

fn instructions() -> Vec<String> {
    #[cfg(target_arch = "x86_64")]
    {
        let found = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
        ];
        found.into_iter().filter(|f| f.1).map(|f| f.0.to_owned()).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
}

/// From `/sys`, where there is one.
fn caches() -> Vec<Cache> {
    let read = |k: usize, what: &str| {
        fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{k}/{what}")).ok().map(|t| t.trim().to_owned())
    };
    let cache = |k: usize| {
        let (level, kind, size) = (read(k, "level")?, read(k, "type")?, read(k, "size")?);
        let (number, unit) = size.split_at(size.trim_end_matches(char::is_alphabetic).len());
        let factor = match unit {
            "K" => 1 << 10,
            "M" => 1 << 20,
            _ => 1,
        };
        Some(Cache { name: format!("L{level} {}", kind.to_lowercase()), bytes: number.parse::<u64>().ok()? * factor })
    };
    (0..8).map_while(cache).collect()
}
