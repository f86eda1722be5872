//! A run whose maps are on a graphics processor, a software one too, beside that of the processor.
#![cfg(feature = "gpu")]

mod common;

use common::shipped;
use knarr_coupling::{Coupler, Fields, Plan, Prepared};
use knarr_kernels::device::DeviceChoice;
use knarr_kernels::gpu::Gpu;
use knarr_regrid::Device;

/// Of what a field has at most: rounding of some sums, through some days of components.
const BOUND: f64 = 1e-11;

/// The first adapter with double precision; nothing, said on stderr, where there is none.
fn device() -> Option<Device> {
    match Gpu::open(DeviceChoice::Gpu(Some(0))) {
        Ok(gpu) => gpu.filter(|gpu| gpu.facts().f64).map(Device::Gpu),
        Err(error) => {
            assert!(std::env::var("KNARR_REQUIRE_GPU").as_deref() != Ok("1"), "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

struct Ended {
    plan: Plan,
    exports: Vec<Fields>,
    /// Greatest relative residual of each account at the end, and of each stock.
    residuals: Vec<f64>,
    fluxes: Vec<f64>,
}

fn ended(name: &str, device: &Device) -> Ended {
    let Prepared { plan, components, exports, .. } = shipped(name, 3);
    let mut coupler = Coupler::on(device, &plan, components, exports, 2).expect("starts");
    while !coupler.is_finished() {
        coupler.advance().unwrap_or_else(|e| panic!("{e}"));
    }
    let (mut residuals, mut fluxes) = (Vec::new(), Vec::new());
    for zone in 0..coupler.zones() {
        for k in 0..plan.couplings.len() {
            let Some((row, in_flight, residual)) = coupler.account(k, zone) else { continue };
            let scale = row.iter().fold(in_flight.abs(), |a, b| a.max(b.abs()));
            residuals.push(if residual == 0.0 { 0.0 } else { residual.abs() / scale });
        }
        for c in 0..plan.components.len() {
            for (_, [first, now, flux, moved]) in coupler.stocks(c, zone) {
                let scale = [first, now, flux, moved].into_iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                let residual = (now - first) - flux - moved;
                residuals.push(if residual == 0.0 { 0.0 } else { residual.abs() / scale });
                fluxes.push(flux);
            }
        }
    }
    let exports = (0..plan.components.len()).map(|c| coupler.exports(c)).collect();
    drop(coupler);
    Ended { plan, exports, residuals, fluxes }
}

#[test]
fn a_run_on_a_graphics_processor_closes_and_is_that_of_the_processor() {
    let Some(device) = device() else { return };
    let Device::Gpu(gpu) = &device else { return };
    for name in ["five-domains.yaml", "eccc-lag2.yaml"] {
        let before = gpu.copies();
        let (found, expected) = (ended(name, &device), ended(name, &Device::Cpu));
        let copies = gpu.copies() - before;
        // Maps went to the device: fields up, fields and sums down.
        assert!([copies.submits, copies.uploads, copies.downloads].iter().all(|n| *n > 0), "{copies:?}");
        let worst = found.residuals.iter().copied().fold(0.0, f64::max);
        assert!(worst <= 1e-12, "{name}: a residual of {worst:.1e}");
        let scale = expected.fluxes.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(found.fluxes.iter().zip(&expected.fluxes).all(|(f, e)| (f - e).abs() <= BOUND * scale));
        for (component, (found, expected)) in found.plan.components.iter().zip(found.exports.iter().zip(&expected.exports)) {
            for (e, field) in expected.names().iter().enumerate() {
                let name = format!("{}.{field}", component.name);
                let (Some(f), Some(x)) = (found.at(e), expected.at(e)) else { panic!("{name} is not there") };
                assert_eq!(f.valid, x.valid, "{name}");
                let size = (0..x.len()).filter_map(|cell| x.get(cell)).fold(0.0, |a: f64, b| a.max(b.abs()));
                let differs = |&cell: &usize| x.is_valid(cell) && (f.values[cell] - x.values[cell]).abs() > BOUND * size;
                let wrong = (0..x.len()).find(differs);
                assert!(wrong.is_none(), "{name} in cell {wrong:?}: {:?}", wrong.map(|c| (f.values[c], x.values[c])));
            }
        }
    }
}
