//! What a device computes where drivers differ: functions of doubles, sums whose error terms compilers may drop,
//! contraction, loops, memory.

use knarr::kernels::gpu::{Access, AdapterKind, Buffer, DeviceField, Gpu, Kernel, Numbers, Parameters, Step, Width};
use std::time::Instant;

const N: usize = 1024;

/// A kernel of two inputs and a result, its body between `{}`.
fn kernel(body: &str) -> Kernel {
    let text = format!(
        "struct Parameters {{ width: u32, n: u32 }}
        var<immediate> p: Parameters;
        @group(0) @binding(0) var<storage, read> a: array<real>;
        @group(0) @binding(1) var<storage, read> b: array<real>;
        @group(0) @binding(2) var<storage, read_write> c: array<real>;
        @compute @workgroup_size(64)
        fn probe(@builtin(global_invocation_id) id: vec3<u32>) {{
            let i = id.y * p.width + id.x;
            if i >= p.n {{ return; }}
            let x = a[i];
            let y = b[i];
            {body}
        }}"
    );
    // Leaked: kernels are named by texts that stay.
    let text: &'static str = text.leak();
    let texts: &'static [&'static str] = vec![text].leak();
    Kernel {
        name: text,
        texts,
        entry: "probe",
        bindings: &[("a", Access::Read), ("b", Access::Read), ("c", Access::Write)],
        numbers: &[],
        loops: false,
    }
}

struct Inputs {
    a: Vec<f64>,
    b: Vec<f64>,
    buffers: [Buffer; 3],
    width: Width,
}

impl Inputs {
    fn new(gpu: &Gpu, width: Width) -> Self {
        let round = |v: f64| if width == Width::F32 { f64::from(v as f32) } else { v };
        let a: Vec<f64> = (0..N).map(|k| round(0.01 + 1.7 * ((k as f64 * 0.618_033_988_7).fract()))).collect();
        let b: Vec<f64> =
            (0..N).map(|k| round((0.3 + (k as f64 * 0.754_877_666_2).fract()) * 2f64.powi((k % 41) as i32 - 20))).collect();
        let numbers = Numbers::all(width);
        let upload = |v: &[f64]| gpu.upload_real("inputs", v, numbers).expect("small");
        let buffers = [upload(&a), upload(&b), gpu.buffer("results", (N * width.bytes()) as u64).expect("small")];
        Self { a, b, buffers, width }
    }

    fn run(&self, gpu: &Gpu, body: &str) -> Result<Vec<f64>, String> {
        let mut step = Step::new(gpu);
        let [a, b, c] = &self.buffers;
        let parameters = Parameters::new(Numbers::all(self.width));
        step.run(&kernel(body), parameters, &[a.into(), b.into(), c.into()], N as u64).map_err(|e| e.to_string())?;
        step.finish().map_err(|e| e.to_string())?;
        gpu.read_real(c, N, self.width).map_err(|e| e.to_string())
    }

    /// The greatest relative difference from `expected`.
    fn worst(&self, gpu: &Gpu, body: &str, expected: impl Fn(f64, f64) -> f64) -> String {
        match self.run(gpu, body) {
            Err(error) => format!("refused: {}", error.lines().last().unwrap_or_default()),
            Ok(found) => {
                let relative = |k: usize| {
                    let e = expected(self.a[k], self.b[k]);
                    if found[k] == e { 0.0 } else { ((found[k] - e) / e.abs().max(1e-300)).abs() }
                };
                let worst = (0..N).map(relative).fold(0.0, |m: f64, d| if d.is_nan() || d > m { d } else { m });
                format!("{worst:.1e}, {:.2} units of the last place", worst / self.width.epsilon())
            }
        }
    }
}

/// Prints a line for each probe.
pub fn run(gpu: &Gpu) {
    println!("{:#?}", gpu.facts());
    for width in [Width::F32, Width::F64].into_iter().filter(|w| *w == Width::F32 || gpu.facts().f64) {
        functions(gpu, width, EXACT);
        contraction(gpu, width);
    }
    functions(gpu, Width::F32, ROUNDED);
    loops(gpu);
    submits(gpu);
    if gpu.facts().kind == AdapterKind::Software {
        println!("memory: left out, a driver on the processor promises any");
    } else {
        memory(gpu);
    }
    // Last: a driver may end the program here (NVIDIA's 580 does at the arcsine).
    if gpu.facts().f64 {
        functions(gpu, Width::F64, ROUNDED);
    }
}

type Function = (&'static str, fn(f64, f64) -> f64);

/// What devices have instructions for.
const EXACT: &[Function] = &[
    ("x + y", |x, y| x + y),
    ("x * y", |x, y| x * y),
    ("x / y", |x, y| x / y),
    ("sqrt(x)", |x, _| x.sqrt()),
    ("inverseSqrt(x)", |x, _| 1.0 / x.sqrt()),
    ("floor(x)", |x, _| x.floor()),
    ("min(x, y)", f64::min),
    ("abs(-x)", |x, _| x),
];

/// What is a series or a table.
const ROUNDED: &[Function] = &[
    ("sin(x)", |x, _| x.sin()),
    ("cos(x)", |x, _| x.cos()),
    ("tan(x)", |x, _| x.tan()),
    ("asin(x * 0.5)", |x, _| (x * 0.5).asin()),
    ("acos(x * 0.5)", |x, _| (x * 0.5).acos()),
    ("atan(x)", |x, _| x.atan()),
    ("atan2(x, y)", f64::atan2),
    ("exp(x)", |x, _| x.exp()),
    ("exp2(x)", |x, _| x.exp2()),
    ("log(x)", |x, _| x.ln()),
    ("log2(x)", |x, _| x.log2()),
    ("pow(x, 1.5)", |x, _| x.powf(1.5)),
    ("sinh(x)", |x, _| x.sinh()),
    ("tanh(x)", |x, _| x.tanh()),
];

fn functions(gpu: &Gpu, width: Width, list: &[Function]) {
    let inputs = Inputs::new(gpu, width);
    for &(text, expected) in list {
        let body = format!("c[i] = {};", text.replace("0.5", "real(0.5)").replace("1.5", "real(1.5)"));
        let rounded = move |x: f64, y: f64| match width {
            Width::F32 => f64::from(expected(x, y) as f32),
            Width::F64 => expected(x, y),
        };
        println!("{width:?} {text:14} {}", inputs.worst(gpu, &body, rounded));
    }
}

fn contraction(gpu: &Gpu, width: Width) {
    let inputs = Inputs::new(gpu, width);
    let wrong = |body: &str, expected: &dyn Fn(f64, f64) -> f64| match inputs.run(gpu, body) {
        Err(error) => format!("refused: {error}"),
        Ok(found) => {
            let count = (0..N).filter(|&k| found[k] != expected(inputs.a[k], inputs.b[k])).count();
            format!("{count} of {N} differ")
        }
    };
    let exact = |x: f64, y: f64| -> f64 {
        // The error of the rounded sum.
        let two_sum = |x: f64, y: f64, s: f64| {
            let z = s - x;
            (x - (s - z)) + (y - z)
        };
        match width {
            Width::F64 => two_sum(x, y, x + y),
            Width::F32 => {
                let (x, y) = (x as f32, y as f32);
                let s = x + y;
                let z = s - x;
                f64::from((x - (s - z)) + (y - z))
            }
        }
    };
    println!("{width:?} two_sum error   {}", wrong("let s = x + y; let z = s - x; c[i] = (x - (s - z)) + (y - z);", &exact));
    let product = |x: f64, y: f64| match width {
        Width::F32 => f64::from((x as f32).mul_add(y as f32, -(x as f32 * y as f32))),
        Width::F64 => x.mul_add(y, -(x * y)),
    };
    println!("{width:?} fma(x,y,-x*y)   {}", wrong("c[i] = fma(x, y, -(x * y));", &product));
    let plain = |x: f64, y: f64| match width {
        Width::F32 => f64::from(x as f32 * y as f32 + y as f32),
        Width::F64 => x * y + y,
    };
    println!("{width:?} x*y+y, rounded twice: {}", wrong("c[i] = x * y + y;", &plain));
}

fn loops(gpu: &Gpu) {
    let inputs = Inputs::new(gpu, Width::F32);
    let body = "var n = 0u; for (var k = 0u; k < 200000u + i; k++) { n += 1u; } c[i] = real(n);";
    // The kernel says that it has no loop: this one is here to find the limit.
    match inputs.run(gpu, body) {
        Ok(found) => println!("a loop of 200000 ran {} times", found[0]),
        Err(error) => println!("a loop of 200000: {error}"),
    }
}

fn submits(gpu: &Gpu) {
    let inputs = Inputs::new(gpu, Width::F32);
    let [a, b, c] = &inputs.buffers;
    let mut step = Step::new(gpu);
    let probe = kernel("c[i] = x + y;");
    step.run(&probe, Parameters::new(Numbers::all(Width::F32)), &[a.into(), b.into(), c.into()], N as u64).expect("small");
    step.finish().expect("the device runs");
    let start = Instant::now();
    (0..100).for_each(|_| step.finish().expect("the device runs"));
    println!("a submit and its end: {:.1} us", start.elapsed().as_secs_f64() * 1e4);
    let ran = step.timed(1000).expect("the device runs");
    println!("a dispatch after another: {:.2} us", ran.wall.as_secs_f64() * 1e3);
}

/// A field beyond 2 GiB through its blocks, and memory until there is no more.
fn memory(gpu: &Gpu) {
    let shape = knarr::kernels::gpu::BlockShape { cells: 20_000_000, slabs: 48, lanes: 16 };
    match DeviceField::<f32>::zeros(gpu, shape, false) {
        Ok(_) => println!("a field of {} MiB in blocks: fits", (shape.cells * shape.slabs) >> 18),
        Err(error) => println!("a field of {} MiB in blocks: {error}", (shape.cells * shape.slabs) >> 18),
    }
    let mut held = Vec::new();
    loop {
        match gpu.buffer("memory until there is no more", 1 << 30) {
            Ok(buffer) if held.len() < 400 => held.push(buffer),
            Ok(_) => {
                println!("memory: 400 GiB were promised");
                break;
            }
            Err(error) => {
                println!("memory: {} GiB, then: {error}", held.len());
                break;
            }
        }
    }
    drop(held);
    println!("afterwards: {:?}", gpu.check());
}
