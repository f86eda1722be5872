//! The device of `--device`.

use crate::failure::Failure;
use crate::talk::Talk;
use knarr::io::RegridReport;
use knarr::kernels::device::DeviceChoice;
use knarr::regrid::{Device, Finish, Layer, Method, Options};

/// The device that was asked for; the processor if none was: the last digits of a graphics processor are its own, and
/// the same command gives the same bytes on every machine unless another device is asked for.
///
/// `auto` says in one line which it is.
pub fn open(choice: Option<DeviceChoice>, talk: Talk) -> Result<Device, Failure> {
    let choice = choice.unwrap_or(DeviceChoice::Cpu);
    let device = opened(choice)?;
    match &device {
        Device::Cpu if choice == DeviceChoice::Auto => talk.note("no graphics processor here: computing on the processor"),
        Device::Cpu => (),
        #[cfg(feature = "gpu")]
        Device::Gpu(gpu) => {
            let facts = gpu.facts();
            talk.note(&format!("computing on gpu:{} {} ({})", facts.number, facts.name, facts.kind));
            if !facts.f64 {
                talk.note("it has single precision alone: sums are less exact there");
            }
        }
    }
    Ok(device)
}

/// Says what went to a graphics processor and came back.
pub fn tell_copies(device: &Device, talk: Talk) {
    #[cfg(not(feature = "gpu"))]
    let _ = talk;
    match device {
        Device::Cpu => (),
        #[cfg(feature = "gpu")]
        Device::Gpu(gpu) => {
            let copies = gpu.copies();
            let size = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
            talk.note(&format!(
                "copied {} to the device ({} times) and {} back ({} times)",
                size(copies.uploaded_bytes),
                copies.uploads,
                size(copies.downloaded_bytes),
                copies.downloads
            ));
        }
    }
}

/// Says in one line what the processor did of a file regridded on a graphics processor; nothing if that did it all.
pub fn tell_left_to_processor(report: &RegridReport, device: &Device, talk: Talk) {
    if matches!(device, Device::Cpu) {
        return;
    }
    let mut left: Vec<String> = Vec::new();
    let mut add = |what: String| {
        if !left.contains(&what) {
            left.push(what);
        }
    };
    for used in &report.weights {
        used.left_to_processor.iter().for_each(|options| add(format!("weights by {}", options.method)));
        let weights = &used.regridder.weights;
        for layer in &weights.stack().layers()[1..] {
            match layer {
                Layer::Creep { .. } => add("what layers that creep fill".into()),
                Layer::Method(Options {
                    method: method @ (Method::Distance { .. } | Method::Gaussian { .. } | Method::Radial { .. }),
                    ..
                }) => {
                    add(format!("the search for valid centers by {method}"));
                }
                _ => (),
            }
        }
        match weights.finish() {
            Finish::Sum => (),
            Finish::Statistic(_) => add("statistics".into()),
            Finish::Limit(_) => add("limits".into()),
        }
        if weights.stack().layers().iter().any(is_second_order) {
            add("gradients of second order".into());
        }
    }
    if !device.has_f64() && report.variables.iter().any(|v| v.vector.is_some()) {
        add("vectors, which need double precision".into());
    }
    if !left.is_empty() {
        talk.note(&format!("left to the processor: {}", left.join("; ")));
    }
}

fn is_second_order(layer: &Layer) -> bool {
    matches!(layer, Layer::Method(options) if options.method == Method::Conservative2nd)
}

/// Refuses a graphics processor to a verb that has no kernels for it.
pub fn refuse(choice: Option<DeviceChoice>, verb: &str) -> Result<(), Failure> {
    match choice {
        Some(choice @ DeviceChoice::Gpu(_)) => Err(Failure::new(format!("`knarr {verb}` does not compute on `{choice}`"))
            .hint("leave `--device` out: it uses all cores of the processor")),
        _ => Ok(()),
    }
}

#[cfg(feature = "gpu")]
fn opened(choice: DeviceChoice) -> Result<Device, Failure> {
    let gpu = knarr::kernels::gpu::Gpu::open(choice).map_err(failure)?;
    Ok(gpu.map_or(Device::Cpu, Device::Gpu))
}

#[cfg(not(feature = "gpu"))]
fn opened(choice: DeviceChoice) -> Result<Device, Failure> {
    match choice {
        DeviceChoice::Gpu(_) => Err(left_out(&format!("--device {choice}"))),
        _ => Ok(Device::Cpu),
    }
}

/// What this build cannot do.
#[cfg(not(feature = "gpu"))]
pub fn left_out(what: &str) -> Failure {
    Failure::new(format!("cannot do `{what}`: this build has no GPU kernels"))
        .hint("build it without `--no-default-features`, or use `--device cpu`")
}

/// An error of a device, and how to go on.
#[cfg(feature = "gpu")]
pub fn failure(error: knarr::kernels::gpu::GpuError) -> Failure {
    use knarr::kernels::gpu::GpuError;
    let failure = Failure::from_error(&error);
    match error {
        GpuError::NoAdapter { .. } => failure.hint("`knarr gpu info` lists adapters; `--device cpu` uses the processor"),
        _ => failure.hint("`--device cpu` computes on the processor"),
    }
}
