//! The device of the tests, how twins are compared, and what devices refuse.

use super::*;
use crate::sparse_apply::SlabFlags;
use crate::twins::blocked_layout;

/// The one device of the tests: the first adapter, a software one too. `None`, said on stderr, where there is none;
/// a failure instead if KNARR_REQUIRE_GPU is 1.
pub(crate) fn device() -> Option<&'static Gpu> {
    static DEVICE: OnceLock<Option<Gpu>> = OnceLock::new();
    let gpu = DEVICE.get_or_init(|| match open() {
        Ok(gpu) => gpu,
        Err(error) => {
            assert!(std::env::var("KNARR_REQUIRE_GPU").as_deref() != Ok("1"), "{error}");
            None
        }
    });
    if gpu.is_none() {
        eprintln!("skipped: no GPU adapter; mesa-vulkan-drivers is one that computes on the processor");
    }
    gpu.as_ref()
}

fn open() -> Result<Option<Gpu>, GpuError> {
    Gpu::open(DeviceChoice::Gpu(Some(0)))
}

/// Small reproducible pseudo-random numbers in 0..1.
pub(crate) struct Noise(pub(crate) u64);
impl Noise {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }

    pub(crate) fn many(&mut self, n: usize, low: f64, high: f64) -> Vec<f64> {
        (0..n).map(|_| low + (high - low) * self.next()).collect()
    }
}

/// What is in memory that no kernel has written yet.
pub(crate) const POISON: f64 = -7.25e30;

/// The first value that is not within its bound of the expected one, in words.
pub(crate) fn difference(found: &[f64], expected: &[f64], bound: impl Fn(usize) -> f64) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{} values, expected {}", found.len(), expected.len()));
    }
    let bad = (0..found.len()).find(|&k| {
        let same = found[k] == expected[k] || found[k].is_nan() && expected[k].is_nan();
        // A comparison with NaN is false.
        let is_close = (found[k] - expected[k]).abs() <= bound(k);
        !same && !is_close
    });
    bad.map(|k| format!("value {k} is {:e}, expected {:e} within {:e}", found[k], expected[k], bound(k)))
}

/// Fails unless all values are within their bounds.
pub(crate) fn assert_close(what: &str, found: &[f64], expected: &[f64], bound: impl Fn(usize) -> f64) {
    if let Some(text) = difference(found, expected, bound) {
        panic!("{what}: {text}");
    }
}

/// A field of poison, all flags set.
pub(crate) fn poisoned<V: Stored>(gpu: &Gpu, shape: BlockShape, has_flags: bool) -> DeviceField<V> {
    let field = DeviceField::zeros(gpu, shape, has_flags).expect("it fits");
    let values = vec![V::from_f64(POISON); field.values.bytes() as usize / V::WIDTH.bytes()];
    gpu.write(&field.values, 0, &values).expect("it fits");
    if let Some(valid) = &field.valid {
        gpu.write(valid, 0, &vec![u32::MAX; valid.bytes() as usize / 4]).expect("it fits");
    }
    field
}

#[test]
fn the_comparator_sees_a_fault() {
    let expected = [1.0, f64::NAN, f64::INFINITY, POISON];
    assert_eq!(difference(&expected, &expected, |_| 0.0), None);
    for (k, fault) in [(0, 1.0 + 3e-16), (0, f64::NAN), (1, 0.0), (2, 1e300), (3, 0.0)] {
        let mut found = expected;
        found[k] = fault;
        assert!(difference(&found, &expected, |_| 1e-16).is_some(), "{k} {fault}");
    }
    assert!(difference(&expected[1..], &expected, |_| 1.0).is_some());
}

#[test]
fn slabs_come_back_from_blocks() {
    let Some(gpu) = device() else { return };
    fn check<V: Stored + std::fmt::Debug>(gpu: &Gpu) {
        let mut noise = Noise(3);
        // 70 000 cells are several words and a row of workgroups; 5 and 17 slabs leave lanes unused.
        for (cells, slabs) in [(1, 1), (33, 1), (65, 3), (1000, 5), (70_000, 2), (130, 17), (64, 32)] {
            let lanes = gpu.lanes::<V>(cells, slabs).expect("small");
            let values: Vec<V> = noise.many(cells * slabs, -1.0, 1.0).into_iter().map(V::from_f64).collect();
            let flags: Vec<bool> = (0..values.len()).map(|_| noise.next() < 0.7).collect();
            let flags = SlabFlags::from_bools(cells, &flags);
            let shape = BlockShape { cells, slabs, lanes };
            for valid in [None, Some(&flags)] {
                let field = poisoned::<V>(gpu, shape, valid.is_some());
                field.replace(gpu, &values, valid).expect("it fits");
                let stride = shape.block_bytes(V::WIDTH.bytes()) as usize / V::WIDTH.bytes();
                let raw: Vec<V> = gpu.read(&field.values, 0, stride * shape.blocks()).expect("read");
                let blocks = crate::blocked_layout::to_blocks(&values, cells, lanes);
                let found: Vec<V> = raw.chunks(stride).flat_map(|b| &b[..cells * lanes]).copied().collect();
                assert!(found == blocks, "{cells} cells, {slabs} slabs");
                let back = field.download(gpu).expect("read");
                assert!(back.0 == values, "{cells} cells, {slabs} slabs");
                assert_eq!(back.1.as_ref(), valid);
            }
        }
    }
    check::<f32>(gpu);
    if gpu.facts().f64 {
        check::<f64>(gpu);
    }
}

#[test]
fn fields_without_cells_or_slabs_are_fields() {
    let Some(gpu) = device() else { return };
    for (cells, slabs) in [(0, 0), (0, 3), (4, 0)] {
        let field = DeviceField::<f32>::zeros(gpu, BlockShape { cells, slabs, lanes: 4 }, true).expect("nothing");
        field.replace(gpu, &[], Some(&SlabFlags::none(cells, slabs))).expect("nothing");
        let (values, flags) = field.download(gpu).expect("nothing");
        assert!(values.is_empty() && flags.is_some_and(|f| f.cells() * f.slabs() == 0));
    }
}

#[test]
fn what_is_too_large_is_refused_before_the_driver_sees_it() {
    let Some(gpu) = device() else { return };
    let limit = gpu.facts().buffer_bytes;
    let refused = gpu.buffer("a field", limit + 16);
    assert_eq!(refused.err(), Some(GpuError::TooLarge { what: "a field".into(), bytes: limit + 16, limit }));
    let cells = (gpu.binding_limit() / 4) as usize + 1;
    assert!(matches!(gpu.lanes::<f32>(cells, 16), Err(GpuError::TooLarge { .. })));
    let of_four = (gpu.binding_limit() / 16) as usize;
    assert_eq!(gpu.lanes::<f32>(of_four, 16), Ok(4), "narrower blocks for large grids");
    let parameters = |trips| Parameters::new(Numbers::all(Width::F32)).count(1).count(1).count(1).trips(trips);
    let (small, other) = (gpu.buffer("small", 64).expect("small"), gpu.buffer("small", 64).expect("small"));
    let mut step = Step::new(gpu);
    let mut run =
        |items, trips| step.run(&blocked_layout::TO_BLOCKS, parameters(trips), &[(&small).into(), (&other).into()], items);
    assert_eq!(run(1, 1), Ok(()));
    assert!(matches!(run(1 << 32, 1), Err(GpuError::TooLarge { .. })));
    let too_long = run(1, u64::from(LOOP_LIMIT) + 1);
    assert!(matches!(too_long, Err(GpuError::TooLong { found: 65_001, .. })), "{too_long:?}");
}

#[test]
fn a_call_the_driver_refuses_is_an_error_and_no_panic() {
    let Some(gpu) = device() else { return };
    let buffer = gpu.buffer("both", 1024).expect("small");
    let mut step = Step::new(gpu);
    let parameters = Parameters::new(Numbers::all(Width::F32)).count(1).count(1).count(1).trips(1);
    step.run(&blocked_layout::TO_BLOCKS, parameters, &[(&buffer).into(), (&buffer).into()], 1).expect("seen at the end");
    let refused = step.finish();
    assert!(matches!(&refused, Err(GpuError::Refused { why, .. }) if why.contains("conflicting")), "{refused:?}");
    assert_eq!(gpu.check(), Ok(()), "the device is as good as before");
    let beyond = gpu.read::<u8>(&buffer, 1000, 25);
    assert_eq!(beyond, Err(GpuError::WrongLength { what: "what is read", found: 25, expected: 24 }));
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    let Some(gpu) = device() else { return };
    // Software drivers promise any memory; this asks wgpu for an error of that kind instead of the driver.
    let outcome = gpu.scoped("a field", 7, || {
        gpu.shared.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 1 << 62,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        })
    });
    assert!(matches!(outcome, Err(GpuError::Refused { .. } | GpuError::OutOfMemory { .. })), "{outcome:?}");
    assert_eq!(gpu.check(), Ok(()));
}

#[test]
fn a_lost_device_says_so_in_every_call() {
    if device().is_none() {
        return;
    }
    let gpu = open().expect("it opened before").expect("a device");
    let field = DeviceField::<f32>::upload(&gpu, 3, &[1.0, 2.0, 3.0], None, 1).expect("small");
    gpu.destroy();
    let lost = |error: Option<GpuError>| assert!(matches!(error, Some(GpuError::Lost { .. })), "{error:?}");
    lost(field.download(&gpu).err());
    lost(gpu.buffer("new", 4).err());
    lost(gpu.check().err());
    lost(Step::new(&gpu).finish().err());
    // Another device of the same adapter works.
    assert!(open().expect("it opened before").is_some());
}

#[test]
fn copies_are_counted() {
    if device().is_none() {
        return;
    }
    let gpu = open().expect("it opened before").expect("a device");
    let before = gpu.copies();
    let field = DeviceField::<f32>::upload(&gpu, 100, &[1.0; 300], None, 4).expect("small");
    field.download(&gpu).expect("small");
    let copies = gpu.copies() - before;
    let expected = Copies { uploads: 1, uploaded_bytes: 1200, downloads: 1, downloaded_bytes: 1200, submits: 2 };
    assert_eq!(copies, expected);
}

#[test]
fn steps_are_timed() {
    let Some(gpu) = device() else { return };
    let field = DeviceField::<f32>::upload(gpu, 1000, &[1.0; 4000], None, 4).expect("small");
    let to = gpu.buffer("slabs", 16_000).expect("small");
    let mut step = Step::new(gpu);
    let parameters = Parameters::new(Numbers::all(Width::F32)).count(1000).count(4).count(4).trips(4);
    step.run(&blocked_layout::TO_SLABS, parameters, &[field.block(0), (&to).into()], 1000).expect("small");
    let ran = step.timed(3).expect("it runs");
    assert_eq!(ran.device.is_some(), gpu.facts().timestamps);
    assert!(ran.device.is_none_or(|d| d > std::time::Duration::ZERO));
    assert_eq!(gpu.read::<f32>(&to, 0, 4000), Ok(vec![1.0; 4000]));
}

#[test]
fn bandwidth_is_measured_on_copies_that_are_right() {
    let Some(gpu) = device() else { return };
    let found = Bandwidth::measure_with(gpu, 1 << 20, 1).expect("small");
    assert!(found.copy > 0.0 && found.upload > 0.0 && found.download > 0.0 && found.submit_s.is_finite(), "{found:?}");
}
