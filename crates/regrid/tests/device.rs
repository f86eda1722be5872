//! Weights made and applied on a graphics processor beside those of the processor.
#![cfg(feature = "gpu")]

use knarr_grid::{Grid, Mask};
use knarr_kernels::device::DeviceChoice;
use knarr_kernels::gpu::Gpu;
use knarr_regrid::{
    Device, Edges, Method, MissingPolicy, Normalization, Options, Regridder, SlabFlags, StackRegridder, StackWeights,
    VectorRegridder, VectorSource, Weights,
};
use std::sync::Arc;

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
}

#[test]
fn weights_of_rows_and_rows_are_those_of_the_processor() {
    let Some(device) = device() else { return };
    let masked = |spec: &str| {
        let mut grid = grid(spec);
        grid.mask = Mask::from_active((0..grid.len()).map(|i| i % 7 != 3).collect());
        grid
    };
    let rotated = ["rot:-162,39.25,-20,-20,2,2,21,21", "rot:-162,39.25,-18,-15,1.5,1.5,21,18"];
    let pairs = [("r36x18", "r40x20"), ("r180x90", "r7x5"), ("r8x4", "r90x45"), ("F16", "r72x36"), (rotated[0], rotated[1])];
    for (source, destination) in pairs {
        for [source, destination] in [[grid(source), grid(destination)], [masked(source), masked(destination)]] {
            for normalization in [Normalization::FractionArea, Normalization::DestinationArea] {
                let options = Options { normalization, ..Options::new(Method::Conservative) };
                assert!(Weights::has_kernels(&source, &destination, &options));
                let expected = Weights::build(&source, &destination, &options).expect("corners");
                let found = Weights::build_on(&device, &source, &destination, &options).expect("corners");
                if has_f64(&device) {
                    assert_eq!(found, expected, "products of the same numbers");
                } else {
                    assert_same(&found, &expected, 1e-6, "rows and rows");
                }
            }
        }
    }
    // Reduced rows, and rows about two poles.
    for (source, destination) in [("O16", "r36x18"), ("r36x18", "O16"), (rotated[0], "r36x18")] {
        let (source, destination) = (grid(source), grid(destination));
        let options = Options::new(Method::Conservative);
        assert!(!Weights::has_kernels(&source, &destination, &options));
        let made = Weights::build_on(&device, &source, &destination, &options);
        assert_eq!(made, Weights::build(&source, &destination, &options));
    }
}

#[test]
fn tiles_made_on_a_device_are_rows_of_the_whole() {
    let Some(device) = device() else { return };
    for (source, destination) in [("r36x18", "r40x20"), ("CS12", "r36x18"), ("r36x18", "H8"), ("CS12", "H8"), ("O16", "H8")] {
        let (source, destination) = (grid(source), grid(destination));
        for method in [Method::Conservative, Method::Nearest, Method::Bilinear] {
            let options = Options::new(method);
            let whole = Weights::build_on(&device, &source, &destination, &options).expect("corners");
            let n = destination.len();
            let mut first = 0;
            for end in [0, n / 3 + 1, n / 2, n] {
                let tile = Weights::build_rows_on(&device, &source, &destination, &options, first..end).expect("in range");
                assert_eq!(tile.destination_len(), end - first);
                for i in first..end {
                    assert_eq!(tile.row(i - first), whole.row(i), "{method} {i}");
                }
                first = end;
            }
        }
    }
}

/// Compares weights link by link; a link that one has alone must be a rounding.
fn assert_same(found: &Weights, expected: &Weights, share: f64, name: &str) {
    assert_eq!(found.row_starts.len(), expected.row_starts.len(), "{name}");
    for i in 0..expected.destination_len() {
        let ((fc, fw), (ec, ew)) = (found.row(i), expected.row(i));
        let weight = |c: &[u32], w: &[f64], column: u32| c.iter().position(|&k| k == column).map_or(0.0, |k| w[k]);
        for &column in fc.iter().chain(ec) {
            let (f, e) = (weight(fc, fw, column), weight(ec, ew, column));
            assert!((f - e).abs() <= share, "{name}: row {i}, column {column}: {f:e} {e:e}");
        }
    }
    assert_eq!(found.origin, expected.origin, "{name}");
}

#[test]
fn weights_of_rows_and_polygons_are_those_of_the_processor() {
    let Some(device) = device() else { return };
    // Global and reduced Gaussian rows, wide cells, a rotated region; both ways.
    let rows = ["r36x18", "r180x90", "O16", "F16", "r6x4", "10", "rot:-162,39.25,-20,-20,2,2,21,21"].map(grid);
    let polygons = ["H8n", "CS12", "ICO9d"].map(grid);
    for rows in &rows {
        for polygons in &polygons {
            for (source, destination) in [(rows, polygons), (polygons, rows)] {
                for normalization in [Normalization::FractionArea, Normalization::DestinationArea] {
                    let options = Options { normalization, ..Options::new(Method::Conservative) };
                    assert!(Weights::has_kernels(source, destination, &options));
                    let expected = Weights::build(source, destination, &options).expect("corners");
                    let found = Weights::build_on(&device, source, destination, &options).expect("corners");
                    // Slivers may be judged otherwise; in single precision they are wider.
                    let share = if has_f64(&device) { 1e-11 } else { 1e-5 };
                    let name = format!("{} cells to {}", source.len(), destination.len());
                    assert_same(&found, &expected, share, &name);
                    let again = Weights::build_on(&device, source, destination, &options).expect("corners");
                    assert_eq!(again, found, "the same bits in every run");
                }
            }
        }
    }
}

#[test]
fn masked_cells_take_no_part_on_a_device() {
    let Some(device) = device() else { return };
    let masked = |spec: &str| {
        let mut grid = grid(spec);
        grid.mask = Mask::from_active((0..grid.len()).map(|i| i % 5 != 2).collect());
        grid
    };
    for method in [Method::Conservative, Method::Nearest, Method::Bilinear] {
        for (source, destination) in [("r36x18", "H8"), ("H8", "r36x18"), ("CS12", "H8")] {
            let (source, destination) = (masked(source), masked(destination));
            let options = Options::new(method);
            let expected = Weights::build(&source, &destination, &options).expect("corners");
            let found = Weights::build_on(&device, &source, &destination, &options).expect("corners");
            assert_same(&found, &expected, if has_f64(&device) { 1e-11 } else { 1e-5 }, &format!("{method}"));
        }
    }
}

#[test]
fn nearest_centers_and_weights_between_centers_are_those_of_the_processor() {
    let Some(device) = device() else { return };
    // Rows, reduced rows, meshes and their points; ties are on every grid of these.
    let specs = ["r36x18", "O8", "10", "CS12", "H8n", "ICO6d"];
    for source in specs {
        for destination in specs {
            let (from, to) = (grid(source), grid(destination));
            let nearest = Options::new(Method::Nearest);
            let expected = Weights::build(&from, &to, &nearest).expect("centers");
            let found = Weights::build_on(&device, &from, &to, &nearest).expect("centers");
            assert_eq!(found.columns, expected.columns, "{source} {destination}");
            assert_eq!(found, expected, "{source} {destination}");
            let bilinear = Options::new(Method::Bilinear);
            assert!(Weights::has_kernels(&from, &to, &bilinear));
            let expected = Weights::build(&from, &to, &bilinear).expect("centers");
            let found = Weights::build_on(&device, &from, &to, &bilinear).expect("centers");
            assert_same(&found, &expected, 1e-12, &format!("{source} {destination}"));
        }
    }
    let far = Options { reach_m: Some(200_000), ..Options::new(Method::Nearest) };
    let (from, to) = (grid("r36x18"), grid("H8"));
    assert_eq!(Weights::build_on(&device, &from, &to, &far), Weights::build(&from, &to, &far));
}

#[test]
fn weights_and_fields_are_copied_once() {
    let Some(Device::Gpu(gpu)) = device() else { return };
    let device = Device::Gpu(gpu.clone());
    let (source, destination) = (grid("r36x18"), grid("H8"));
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).expect("corners");
    let regridder = Regridder { weights, missing: MissingPolicy::Propagate };
    let on_device = regridder.prepare_on::<f32>(&device).expect("it fits");
    let slabs = 3;
    let (values, mut found) = (vec![1.0; slabs * source.len()], vec![0.0; slabs * destination.len()]);
    for _ in 0..3 {
        let before = gpu.copies();
        on_device.apply_into(&values, None, &mut found).expect("it fits");
        let copies = gpu.copies() - before;
        let bytes = [copies.uploaded_bytes, copies.downloaded_bytes];
        assert_eq!(bytes, [size_of_val(&values[..]) as u64, size_of_val(&found[..]) as u64], "values alone");
    }
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

#[test]
fn layers_fill_on_a_device_what_they_fill_on_the_processor() {
    fn check<V: knarr_kernels::gpu::Stored>(device: &Device, stack: &str, slabs: usize, bound: f64) {
        let grids = [Arc::new(grid("r36x18")), Arc::new(grid("H8"))];
        let [source, destination] = &grids;
        let regridder = StackRegridder {
            weights: StackWeights::build(source, destination, &stack.parse().expect("a stack")).expect("weights"),
            missing: MissingPolicy::Skip { min_valid: 0.6 },
        };
        let cells = source.len();
        let values: Vec<V> = (0..slabs * cells).map(|k| V::from_f64(280.0 + 20.0 * (k as f64 * 0.1).sin())).collect();
        // Whole slabs, others of one mask, and others of their own.
        let is_valid = |slab: usize, cell: usize| match (slab + 1) % 4 {
            0 => true,
            1 | 2 => cell % 36 > 12,
            _ => (cell + slab) % 5 > 1,
        };
        let flags: Vec<bool> = (0..slabs * cells).map(|k| is_valid(k / cells, k % cells)).collect();
        let values: Vec<V> = values.iter().zip(&flags).map(|(&v, &ok)| if ok { v } else { V::from_f64(f64::NAN) }).collect();
        let apply = |device: &Device| {
            let prepared = regridder.prepare_on::<V>(device).expect("it fits");
            let n = slabs * destination.len();
            let (mut made, mut ok) = (vec![V::from_f64(f64::NAN); n], vec![false; n]);
            let levels = prepared.apply_into(&values, Some(&flags), &mut made, &mut ok).expect("lengths fit");
            let before = copies(device);
            let again = prepared.apply_into(&values, Some(&flags), &mut made, &mut ok).expect("lengths fit");
            assert_eq!(again, levels);
            let (up, down) = (copies(device).0 - before.0, copies(device).1 - before.1);
            // Rows of layers are there since the first call: the field and its flags go there, values and flags come back.
            let (size, words) = (V::WIDTH.bytes() as u64, (slabs as u64).div_ceil(16) * 4 + 8);
            assert!(up <= cells as u64 * (slabs as u64 * size + words), "{stack}: {up} bytes there");
            assert!(down <= 2 * destination.len() as u64 * (slabs as u64 * size + words), "{stack}: {down} bytes back");
            (made, ok, levels)
        };
        let (expected, found) = (apply(&Device::Cpu), apply(device));
        assert_eq!((&found.1, &found.2), (&expected.1, &expected.2), "{stack}");
        assert!(expected.2.counts[1..].iter().sum::<u64>() > 50, "{stack}: {:?}", expected.2.counts);
        for (f, e) in found.0.iter().zip(&expected.0) {
            assert!((f.to_f64() - e.to_f64()).abs() <= bound, "{stack}: {} {}", f.to_f64(), e.to_f64());
        }
    }
    let Some(device) = device() else { return };
    for stack in ["conservative,nearest", "bilinear,distance:3,fixed:0", "conservative,bilinear,nearest:300km,fixed:-1"] {
        for slabs in [1, 5, 19] {
            // Sums in double precision, rounded once: a unit in the last place of 300.
            check::<f32>(&device, stack, slabs, if has_f64(&device) { 3.1e-5 } else { 3e-4 });
            if has_f64(&device) {
                check::<f64>(&device, stack, slabs, 3e-12);
            }
        }
    }
}

#[test]
fn vectors_turned_on_a_device_are_those_of_the_processor() {
    let Some(device) = device() else { return };
    if !has_f64(&device) {
        return;
    }
    let grids =
        ["rot:-97.6,36.1,-15,-9,0.5,0.5,60,40", "rot:-97.6,36.1,-15,-9.25,0.5,0.5,60,40", "0.5"].map(|s| Arc::new(grid(s)));
    let [source, other, destination] = &grids;
    let axes = [source.axes().expect("axes"), other.axes().expect("axes")];
    // Three slabs, of which the second has values missing, not the same in both components.
    let (cells, slabs) = (source.len(), 3);
    let wave = |phase: f64| (0..slabs * cells).map(|k| 20.0 * (k as f64 * 0.01 + phase).sin()).collect::<Vec<f64>>();
    let flags = |step: usize| (0..slabs * cells).map(|k| k / cells != 1 || k % 97 > step).collect::<Vec<bool>>();
    let (components, flags) = ([wave(0.0), wave(1.0)], [flags(8), flags(20)]);
    let to = destination.east_north();
    for (methods, is_turned) in [("bilinear", [true; 2]), ("conservative", [true; 2]), ("bilinear,nearest", [true, false])] {
        let stack = methods.parse().expect("a stack");
        let regridder = |from: &Arc<Grid>| StackRegridder {
            weights: StackWeights::build(from, destination, &stack).expect("weights"),
            missing: MissingPolicy::Skip { min_valid: 0.3 },
        };
        let regridders = [regridder(source), regridder(other)];
        for (valid, is_turned) in [[None, None], [Some(&flags[0][..]), Some(&flags[1])]].into_iter().zip(is_turned) {
            for is_apart in [false, true] {
                let mut found: Vec<([Vec<f64>; 2], Vec<bool>, knarr_regrid::Levels)> = Vec::new();
                for device in [&Device::Cpu, &device] {
                    let prepared = regridders.each_ref().map(|r| r.prepare_on::<f64>(device).expect("it fits"));
                    let ready = match is_apart {
                        false => VectorSource::Together { regridder: &prepared[0], axes: &axes[0] },
                        true => VectorSource::Apart { regridders: prepared.each_ref(), axes: [&axes[0], &axes[1]] },
                    };
                    let mut vectors = VectorRegridder::new(ready, &to).expect("it fits");
                    let n = slabs * destination.len();
                    let (mut u, mut v, mut ok) = (vec![f64::NAN; n], vec![f64::NAN; n], vec![false; n]);
                    // The second call finds fields of the first.
                    for _ in 0..2 {
                        let before = copies(device);
                        let levels = vectors.apply_into([&components[0], &components[1]], valid, [&mut u, &mut v], &mut ok);
                        let (up, down) = (copies(device).0 - before.0, copies(device).1 - before.1);
                        let is_cpu = matches!(device, Device::Cpu);
                        let (two, parts) = (2 * n as u64 * 8, if is_apart { 2 } else { 1 });
                        if is_turned && !is_cpu {
                            // Two components come back, and their flags; of staggered ones those of both.
                            assert!(down >= parts * two && down < parts * two + two / 8, "{methods}: {down} bytes back");
                            assert!(up < 2 * slabs as u64 * cells as u64 * 9, "{methods}: {up} bytes there");
                        }
                        found.push(([u.clone(), v.clone()], ok.clone(), levels.expect("lengths fit")));
                    }
                }
                let [expected, _, first, again] = &found[..] else { unreachable!("two calls on two devices") };
                assert_eq!(first, again, "the same bits in every run");
                assert_eq!((&first.1, &first.2.counts, first.2.missing), (&expected.1, &expected.2.counts, expected.2.missing));
                assert!(first.1.contains(&true) && (first.1.contains(&false) || methods.contains("nearest")));
                for (f, e) in first.0.iter().flatten().zip(expected.0.iter().flatten()) {
                    // Sums of some products of numbers up to 20, in another order.
                    assert!((f - e).abs() < 1e-13, "{methods} {is_apart}: {f} {e}");
                }
            }
        }
    }
}

/// Bytes that went to a device and came back.
fn copies(device: &Device) -> (u64, u64) {
    match device {
        Device::Gpu(gpu) => (gpu.copies().uploaded_bytes, gpu.copies().downloaded_bytes),
        Device::Cpu => (0, 0),
    }
}
