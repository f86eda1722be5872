//! The adapters of the machine, and the choice among them.

use super::GpuError;
use crate::device::DeviceChoice;

/// What an adapter is; the order is that of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A card of its own.
    Discrete,
    /// A part of the processor.
    Integrated,
    /// A share of a card.
    Virtual,
    /// Of an unknown kind.
    Other,
    /// A driver that computes on the processor.
    Software,
}

impl std::fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Other => "other",
            Self::Software => "software",
        })
    }
}

/// What an adapter has.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterFacts {
    /// N of `gpu:N`.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: AdapterKind,
    /// `Vulkan`, `Metal` or `Dx12`.
    pub backend: String,
    /// Driver and version.
    pub driver: String,
    /// Whether it computes in double precision.
    pub f64: bool,
    /// Whether kernels can be timed on the device.
    pub timestamps: bool,
    /// Least and greatest number of invocations that run together.
    pub subgroup_sizes: [u32; 2],
    /// Most bytes of a buffer.
    pub buffer_bytes: u64,
    /// Most bytes of a part of a buffer that a kernel sees.
    pub binding_bytes: u64,
    /// Offsets of bindings are multiples of this.
    pub binding_alignment: u64,
    /// Most workgroups in a direction.
    pub groups: u32,
}

/// An adapter that may be opened.
pub(super) struct Found {
    pub(super) adapter: wgpu::Adapter,
    pub(super) facts: AdapterFacts,
}

/// All adapters, real graphics processors first; N of `gpu:N` counts them in this order.
pub fn adapters() -> Vec<AdapterFacts> {
    found().into_iter().map(|found| found.facts).collect()
}

fn found() -> Vec<Found> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let descriptor = wgpu::InstanceDescriptor {
        backends,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    let instance = wgpu::Instance::new(descriptor);
    let mut all: Vec<(AdapterKind, String, wgpu::Adapter)> = pollster::block_on(instance.enumerate_adapters(backends))
        .into_iter()
        // Kernels take their parameters as immediates.
        .filter(|adapter| adapter.features().contains(wgpu::Features::IMMEDIATES))
        .map(|adapter| {
            let info = adapter.get_info();
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
                wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
                wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
                wgpu::DeviceType::Cpu => AdapterKind::Software,
                wgpu::DeviceType::Other => AdapterKind::Other,
            };
            (kind, info.device_pci_bus_id, adapter)
        })
        .collect();
    all.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let facts = |number: usize, kind: AdapterKind, adapter: &wgpu::Adapter| {
        let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
        AdapterFacts {
            number,
            name: info.name,
            kind,
            backend: format!("{:?}", info.backend),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            f64: features.contains(wgpu::Features::SHADER_F64),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            subgroup_sizes: [info.subgroup_min_size, info.subgroup_max_size],
            buffer_bytes: limits.max_buffer_size,
            binding_bytes: limits.max_storage_buffer_binding_size,
            binding_alignment: limits.min_storage_buffer_offset_alignment.into(),
            groups: limits.max_compute_workgroups_per_dimension,
        }
    };
    all.into_iter()
        .enumerate()
        .map(|(number, (kind, _, adapter))| Found { facts: facts(number, kind, &adapter), adapter })
        .collect()
}

/// The adapter of a choice; `None` if `auto` finds no real graphics processor.
pub(super) fn choose(choice: DeviceChoice) -> Result<Option<Found>, GpuError> {
    let mut all = found();
    let kinds: Vec<AdapterKind> = all.iter().map(|f| f.facts.kind).collect();
    match pick(choice, &kinds) {
        Some(number) => Ok(Some(all.swap_remove(number))),
        None if matches!(choice, DeviceChoice::Gpu(_)) => {
            let found = all.iter().map(|f| format!("`gpu:{}` {} ({})", f.facts.number, f.facts.name, f.facts.kind));
            Err(GpuError::NoAdapter { wanted: choice.to_string(), found: found.collect() })
        }
        None => Ok(None),
    }
}

fn pick(choice: DeviceChoice, kinds: &[AdapterKind]) -> Option<usize> {
    match choice {
        DeviceChoice::Cpu => None,
        DeviceChoice::Auto | DeviceChoice::Gpu(None) => kinds.iter().position(|&kind| kind != AdapterKind::Software),
        DeviceChoice::Gpu(Some(number)) => (number < kinds.len()).then_some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_is_taken_by_number_alone() {
        let (real, soft) = (AdapterKind::Discrete, AdapterKind::Software);
        assert_eq!(pick(DeviceChoice::Auto, &[soft]), None);
        assert_eq!(pick(DeviceChoice::Gpu(None), &[soft]), None);
        assert_eq!(pick(DeviceChoice::Gpu(Some(0)), &[soft]), Some(0));
        assert_eq!(pick(DeviceChoice::Gpu(Some(1)), &[soft]), None);
        assert_eq!(pick(DeviceChoice::Auto, &[real, soft]), Some(0));
        assert_eq!(pick(DeviceChoice::Cpu, &[real]), None);
    }
}
