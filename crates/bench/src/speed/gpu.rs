//! Graphics processors, where the build knows of them.

use super::machine::Gpu;

#[cfg(feature = "gpu")]
mod with_gpu {
    use super::Gpu as Found;
    use crate::speed::CaseError;
    use knarr_kernels::device::DeviceChoice;
    use knarr_kernels::gpu::{AdapterKind, Bandwidth, Gpu, adapters as all};

    pub fn adapters() -> Vec<Found> {
        let found = |a: knarr_kernels::gpu::AdapterFacts| Found {
            name: a.name,
            driver: format!("{}, {}", a.backend, a.driver),
            is_software: a.kind == AdapterKind::Software,
        };
        all().into_iter().map(found).collect()
    }

    /// The adapter of that number, and whether it is software. Real ones come first.
    pub fn open(adapter: usize) -> Result<(Gpu, bool), CaseError> {
        if all().len() <= adapter {
            return Err(CaseError::NoAdapter);
        }
        let gpu = Gpu::open(DeviceChoice::Gpu(Some(adapter))).map_err(CaseError::from_error)?.ok_or(CaseError::NoAdapter)?;
        let is_software = gpu.facts().kind == AdapterKind::Software;
        Ok((gpu, is_software))
    }

    pub fn copy_bytes_per_s(adapter: usize) -> Option<f64> {
        let (gpu, _) = open(adapter).ok()?;
        Bandwidth::measure(&gpu).ok().map(|b| b.copy)
    }
}

#[cfg(feature = "gpu")]
pub use with_gpu::{adapters, copy_bytes_per_s, open};

/// All adapters: none that this build could use.
#[cfg(not(feature = "gpu"))]
pub fn adapters() -> Vec<Gpu> {
    Vec::new()
}

/// Copy bandwidth of an adapter; `None`: there is none.
#[cfg(not(feature = "gpu"))]
pub fn copy_bytes_per_s(_: usize) -> Option<f64> {
    None
}
