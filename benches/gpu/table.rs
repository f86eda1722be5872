//! The best time of each case on each device, side by side, with the share of the device's copy bandwidth.

use std::time::Duration;

/// Where and how a time was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The processor's cores.
    Cpu,
    /// The graphics processor, by its clock.
    Device,
    /// From submit to end.
    Wall,
    /// With copies from and to the host.
    EndToEnd,
}

const CLOCKS: [Clock; 4] = [Clock::Cpu, Clock::Device, Clock::Wall, Clock::EndToEnd];

struct Case {
    kernel: String,
    id: String,
    /// Bytes that must be moved at least, if that is what limits the kernel.
    bytes: Option<u64>,
    best: [Option<f64>; 4],
}

/// All cases, in the order in which they ran.
#[derive(Default)]
pub struct Table {
    cases: Vec<Case>,
}

impl Table {
    /// Notes that `count` passes of a case took `time`.
    pub fn note(&mut self, (kernel, id): (&str, &str), bytes: Option<u64>, clock: Clock, time: Duration, count: u64) {
        let at = self.cases.iter().position(|c| c.kernel == kernel && c.id == id).unwrap_or_else(|| {
            self.cases.push(Case { kernel: kernel.to_owned(), id: id.to_owned(), bytes, best: [None; 4] });
            self.cases.len() - 1
        });
        let seconds = time.as_secs_f64() / count.max(1) as f64;
        let place = CLOCKS.iter().position(|c| *c == clock).expect("all are listed");
        let best = &mut self.cases[at].best[place];
        *best = Some(best.map_or(seconds, |b: f64| b.min(seconds)));
    }

    /// Milliseconds, bytes per second on the device and their share of what a copy reaches; then, for each kernel, the
    /// first case from which on the device is faster.
    pub fn print(&self) {
        let rate = |case: &Case, place: usize| Some(case.bytes? as f64 / case.best[place]?);
        let copy = self.cases.iter().find(|c| c.kernel == "copy").and_then(|c| rate(c, 1).or(rate(c, 2)));
        println!("| kernel | case | cpu ms | device ms | wall ms | end to end ms | device GB/s | share of copy | cpu / wall |");
        println!("|---|---|---|---|---|---|---|---|---|");
        for case in &self.cases {
            let ms = |place: usize| case.best[place].map_or_else(|| "-".to_owned(), |s| format!("{:.3}", 1e3 * s));
            let on_device = rate(case, 1).or(rate(case, 2));
            let gbs = on_device.map_or_else(|| "-".to_owned(), |r| format!("{:.1}", r / 1e9));
            let share = on_device.zip(copy).map_or_else(|| "-".to_owned(), |(r, c)| format!("{:.0} %", 100.0 * r / c));
            let gain = case.best[0].zip(case.best[2].or(case.best[3])).map_or(0.0, |(cpu, gpu)| cpu / gpu);
            let [cpu, device, wall, whole] = [0, 1, 2, 3].map(ms);
            println!("| {} | {} | {cpu} | {device} | {wall} | {whole} | {gbs} | {share} | {gain:.2} |", case.kernel, case.id);
        }
        let mut kernels: Vec<&str> = Vec::new();
        for case in &self.cases {
            if !kernels.contains(&case.kernel.as_str()) {
                kernels.push(&case.kernel);
            }
        }
        for kernel in kernels {
            for (place, what) in [(2, "resident"), (3, "with copies")] {
                let pays = |c: &&Case| c.kernel == kernel && c.best[0].zip(c.best[place]).is_some_and(|(cpu, gpu)| gpu < cpu);
                let first = self.cases.iter().find(pays).map_or("none of these", |c| c.id.as_str());
                println!("{kernel}, {what}: pays from {first}");
            }
        }
    }
}
