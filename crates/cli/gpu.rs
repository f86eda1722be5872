//! `knarr gpu`: the graphics processors of the machine.

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::{self, Talk};
use clap::{Args, Subcommand};

/// Tell which graphics processors there are, and what they have.
#[derive(Args)]
#[command(after_help = "Examples:\n  knarr gpu info\n  knarr gpu info --measure --json")]
pub struct GpuVerb {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List the adapters: number for --device gpu:N, kind, driver, limits
    Info {
        /// Measure copy bandwidth and transfers, too
        #[arg(long)]
        measure: bool,
    },
}

#[derive(serde::Serialize)]
struct Line {
    device: String,
    name: String,
    kind: String,
    backend: String,
    driver: String,
    double_precision: bool,
    timestamps: bool,
    subgroup_sizes: [u32; 2],
    buffer_bytes: u64,
    binding_bytes: u64,
    auto: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Measured>,
}

#[derive(serde::Serialize)]
struct Measured {
    copy_gb_s: f64,
    upload_gb_s: f64,
    download_gb_s: f64,
    submit_us: f64,
}

impl GpuVerb {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let What::Info { measure } = self.what;
        let lines = lines(measure, talk)?;
        if json {
            talk::print_json(&lines)?;
            return Ok(Outcome::Fine);
        }
        if lines.is_empty() {
            talk::print("no graphics processor: no Vulkan, Metal or DX12 adapter was found\n")?;
            return Ok(Outcome::Fine);
        }
        let heads = ["device", "name", "kind", "driver", "f64", "buffer", "binding", "auto"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        let size = |bytes: u64| format!("{:.2} GiB", bytes as f64 / f64::from(1 << 30));
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        for l in &lines {
            rows.push(vec![
                l.device.clone(),
                l.name.clone(),
                l.kind.clone(),
                format!("{} {}", l.backend, l.driver),
                yes(l.double_precision),
                size(l.buffer_bytes),
                size(l.binding_bytes),
                yes(l.auto),
            ]);
        }
        let mut text = talk::table(&rows);
        for (line, m) in lines.iter().filter_map(|l| Some((l, l.measured.as_ref()?))) {
            text += &format!(
                "  {}: copies {:.1} GB/s (read and written), up {:.2} GB/s, down {:.2} GB/s, a submit {:.0} us\n",
                line.device, m.copy_gb_s, m.upload_gb_s, m.download_gb_s, m.submit_us
            );
        }
        talk::print(&text)?;
        Ok(Outcome::Fine)
    }
}

#[cfg(not(feature = "gpu"))]
fn lines(_: bool, _: Talk) -> Result<Vec<Line>, Failure> {
    Err(crate::device::left_out("gpu info"))
}

#[cfg(feature = "gpu")]
fn lines(measure: bool, talk: Talk) -> Result<Vec<Line>, Failure> {
    use knarr::kernels::gpu::{AdapterKind, adapters};
    let all = adapters();
    let auto = all.iter().position(|a| a.kind != AdapterKind::Software);
    let line = |(k, a): (usize, knarr::kernels::gpu::AdapterFacts)| {
        Ok(Line {
            device: format!("gpu:{}", a.number),
            measured: if measure { measured(a.number, talk)? } else { None },
            name: a.name,
            kind: a.kind.to_string(),
            backend: a.backend,
            driver: a.driver,
            double_precision: a.f64,
            timestamps: a.timestamps,
            subgroup_sizes: a.subgroup_sizes,
            buffer_bytes: a.buffer_bytes,
            binding_bytes: a.binding_bytes,
            auto: auto == Some(k),
        })
    };
    all.into_iter().enumerate().map(line).collect()
}

#[cfg(feature = "gpu")]
fn measured(number: usize, talk: Talk) -> Result<Option<Measured>, Failure> {
    use knarr::kernels::device::DeviceChoice;
    use knarr::kernels::gpu::{Bandwidth, Gpu};
    talk.more(&format!("measuring gpu:{number}"));
    let opened = Gpu::open(DeviceChoice::Gpu(Some(number))).map_err(crate::device::failure)?;
    let Some(gpu) = opened else { return Ok(None) };
    let found = Bandwidth::measure(&gpu).map_err(crate::device::failure)?;
    Ok(Some(Measured {
        copy_gb_s: found.copy / 1e9,
        upload_gb_s: found.upload / 1e9,
        download_gb_s: found.download / 1e9,
        submit_us: found.submit_s * 1e6,
    }))
}
