//! Weights made and applied on a graphics processor beside those of the processor.
#![cfg(feature = "gpu")]

use knarr_grid::Grid;
use knarr_kernels::device::DeviceChoice;
use knarr_kernels::gpu::Gpu;
use knarr_regrid::{Device, Edges, Method, MissingPolicy, Normalization, Options, Regridder, SlabFlags, Weights};

/// The first adapter, a software one too; nothing, said on stderr, where there is none.
fn device() -> Option<Device> {
    match Gpu::open(DeviceChoice::Gpu(Some(0))) {
        Ok(gpu) => gpu.map(Device::Gpu),
        Err(error) => {
            assert!(std::env::var("KNARR_REQUIRE_GPU").as_deref() != Ok("1"), "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

fn grid(spec: &str) -> Grid {
    Grid::from_spec(spec).expect("a grid of this test")
}

fn has_f64(device: &Device) -> bool {
    matches!(device, Device::Gpu(gpu) if gpu.facts().f64)
}

#[test]
fn weights_of_polygons_are_those_of_the_processor() {
    let Some(device) = device() else { return };
    let share = if has_f64(&device) { 1e-12 } else { 1e-5 };
    // Both ways in size, triangles and hexagons, and a lat-lon grid whose pole cells have repeated corners.
    let pairs = [("CS12", "H8"), ("H4n", "CS24"), ("ICO6", "ICO9d"), ("r36x18", "H8"), ("r36x18", "CS9")];
    for (source, destination) in pairs {
        let (source, destination) = (grid(source), grid(destination));
        let mut options = Options::new(Method::Conservative);
        options.edges = Edges::GreatCircle;
        for normalization in [Normalization::FractionArea, Normalization::DestinationArea] {
            options.normalization = normalization;
            assert!(Weights::has_kernels(&source, &destination, &options));
            let expected = Weights::build(&source, &destination, &options).expect("corners");
            let found = Weights::build_on(&device, &source, &destination, &options).expect("corners");
            assert_eq!(found.row_starts, expected.row_starts);
            assert_eq!(found.columns, expected.columns);
            for (k, (f, e)) in found.values.iter().zip(&expected.values).enumerate() {
                assert!((f - e).abs() <= share, "link {k}: {f} {e}");
            }
            assert_eq!(found.origin, expected.origin);
            let again = Weights::build_on(&device, &source, &destination, &options).expect("corners");
            assert_eq!(again, found, "the same bits in every run");
        }
    }
    let (rows, polygons) = (grid("r36x18"), grid("H8"));
    assert!(!Weights::has_kernels(&rows, &polygons, &Options::new(Method::Conservative)), "parallels are no great circles");
    let made = Weights::build_on(&device, &rows, &polygons, &Options::new(Method::Conservative));
    assert_eq!(made, Weights::build(&rows, &polygons, &Options::new(Method::Conservative)));
}

#[test]
fn fields_regridded_on_a_device_are_those_of_the_processor() {
    let Some(device) = device() else { return };
    let (source, destination) = (grid("r36x18"), grid("H8"));
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).expect("corners");
    let slabs = 5;
    let values: Vec<f32> = (0..slabs * source.len()).map(|k| 280.0 + 20.0 * (k as f32 * 0.1).sin()).collect();
    let flags: Vec<bool> = (0..values.len()).map(|k| k / source.len() == 2 || k % 7 > 1).collect();
    let flags = SlabFlags::from_bools(source.len(), &flags);
    for missing in [MissingPolicy::Skip { min_valid: 0.4 }, MissingPolicy::Propagate] {
        let regridder = Regridder { weights: weights.clone(), missing };
        for valid in [None, Some(&flags)] {
            let (mut expected, mut found) =
                (vec![f32::NAN; slabs * destination.len()], vec![f32::NAN; slabs * destination.len()]);
            let expected_flags = regridder.prepare().apply_into(&values, valid, &mut expected).expect("lengths fit");
            let on_device = regridder.prepare_on::<f32>(&device).expect("it fits");
            let found_flags = on_device.apply_into(&values, valid, &mut found).expect("lengths fit");
            assert_eq!(found_flags, expected_flags);
            // Sums in double precision, rounded once: at most a unit in the last place of 300.
            let bound = if has_f64(&device) { 3.1e-5 } else { 3e-4 };
            let worst = found.iter().zip(&expected).map(|(f, e)| (f - e).abs()).fold(0.0, f32::max);
            assert!(worst <= bound, "{missing:?}: {worst}");
        }
    }
    let regridder = Regridder { weights, missing: MissingPolicy::Propagate };
    let on_device = regridder.prepare_on::<f32>(&device).expect("it fits");
    let wrong = on_device.apply_into(&values[1..], None, &mut []);
    assert!(wrong.is_err_and(|e| e.to_string().contains("the weights expect")));
    let Device::Gpu(gpu) = &device else { unreachable!("opened above") };
    gpu.destroy();
    let lost = on_device.apply_into(&values, None, &mut vec![0.0; slabs * destination.len()]);
    assert!(lost.is_err_and(|e| e.to_string().contains("was lost")));
}
