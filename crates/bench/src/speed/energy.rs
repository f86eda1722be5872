//! Energy by the processor's counters (RAPL), where the system lets them be read.

use std::path::PathBuf;

/// Counters of all packages at one time.
pub struct Counter(Vec<(PathBuf, u64)>);

impl Counter {
    /// Reads them; `None` where there are none or reading is not allowed.
    pub fn read() -> Option<Self> {
        let entries = std::fs::read_dir("/sys/class/powercap").ok()?;
        let packages = entries.flatten().map(|e| e.path()).filter(|p| {
            // Packages alone: what is within them is counted in them.
            p.file_name().is_some_and(|n| n.to_string_lossy().matches(':').count() == 1)
        });
        let read: Vec<_> = packages.filter_map(|p| Some((p.clone(), number(&p.join("energy_uj"))?))).collect();
        (!read.is_empty()).then_some(Self(read))
    }

    /// Joules since then.
    pub fn joules_since(&self) -> Option<f64> {
        let used = self.0.iter().map(|(path, before)| {
            let now = number(&path.join("energy_uj"))?;
            // Counters start anew at their range.
            let range = number(&path.join("max_energy_range_uj")).unwrap_or(u64::MAX);
            Some(if now >= *before { now - before } else { range.saturating_sub(*before) + now })
        });
        Some(used.sum::<Option<u64>>()? as f64 / 1e6)
    }
}

fn number(path: &std::path::Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
