//! A run from its start, or a kept state, to its end, with all it leaves behind.

use crate::budget::{AccountRow, Book, StockRow};
use crate::error::RunError;
use crate::output::Output;
use crate::plan::Prepared;
use crate::run::{ComponentCost, Coupler, CouplingCount, Watch, Watching};
use crate::{Instant, restart};
use knarr_io::IoError;
use knarr_io::atomic::AtomicFile;
use knarr_regrid::Device;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a run is made.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where everything goes.
    pub folder: PathBuf,
    /// Number of threads.
    pub threads: usize,
    /// Whether it goes on from the latest kept state.
    pub resume: bool,
    /// Where exchanges are.
    pub device: Device,
    /// What may have changed since the state that the run goes on from was kept: names of what a refusal lists.
    pub allow_changed: Vec<String>,
    /// When to say that no step ends any more, and to whom.
    pub watch: Option<Watch>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Date that all components have passed.
    pub at: &'a str,
    /// The part done, 0 to 1.
    pub done: f64,
    /// Simulated years per day so far.
    pub sypd: f64,
}

/// Copies between the host and a device, since the run began.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct CopyCounts {
    /// Copies to the device.
    pub uploads: u64,
    /// Their bytes.
    pub uploaded_bytes: u64,
    /// Copies from the device.
    pub downloads: u64,
    /// Their bytes.
    pub downloaded_bytes: u64,
}

/// What a run came to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
    /// What it is about.
    pub title: Option<String>,
    /// First date.
    pub start: String,
    /// Last date.
    pub stop: String,
    /// Calendar.
    pub calendar: &'static str,
    /// The kept state it went on from.
    pub resumed_from: Option<String>,
    /// Where exchanges were.
    pub device: String,
    /// Number of threads.
    pub threads: usize,
    /// Seconds it took.
    pub wall_s: f64,
    /// Simulated years (of 365.25 days) per day.
    pub sypd: f64,
    /// Core hours per simulated year.
    pub chsy: f64,
    /// CPMIP coupling cost: the part of the time outside of components, 0 to 1.
    pub coupling_cost: f64,
    /// Seconds on kept states, outputs and the ledger's rows.
    pub files_s: f64,
    /// Copies between the host and a device: weights, fields and sums.
    pub copies: CopyCounts,
    /// What each component cost.
    pub components: Vec<ComponentCost>,
    /// How often each coupling gave and took.
    pub couplings: Vec<CouplingCount>,
    /// Intervals, passes, and intervals without convergence of each iteration.
    pub iterations: Vec<[u64; 3]>,
    /// Greatest relative residual of the ledger at any interval.
    pub worst_residual: f64,
    /// Greatest correction relative to what was given.
    pub largest_correction: f64,
    /// Hash of the final state: the same for any number of threads.
    pub state_hash: String,
    /// The ledger over the whole run.
    #[serde(skip)]
    pub accounts: Vec<AccountRow>,
    /// Stocks over the whole run.
    #[serde(skip)]
    pub stocks: Vec<StockRow>,
    /// The ledger as text.
    #[serde(skip)]
    pub budget_text: String,
}

/// Runs a prepared experiment.
///
/// Leaves in the folder: NetCDF files of each component, `budget.txt`, `budget.json`, `budget.nc`, `report.json`, and
/// `restart/` with the last two kept states.
///
/// # Errors
/// [`RunError`]; kept states stay, and the run can go on from them.
pub fn run(prepared: &mut Prepared, options: &RunOptions, progress: &mut dyn FnMut(Progress)) -> Result<Report, RunError> {
    let clock = std::time::Instant::now();
    let (_, before) = told(&options.device, CopyCounts::default());
    std::fs::create_dir_all(&options.folder).map_err(|source| IoError::System {
        path: options.folder.clone(),
        action: "make the folder",
        source,
    })?;
    restart::sweep(&options.folder);
    let components = std::mem::take(&mut prepared.components);
    let exports = std::mem::take(&mut prepared.exports);
    let plan = &prepared.plan;
    let mut coupler = Coupler::on(&options.device, plan, components, exports, options.threads)?;
    let _watching = options.watch.map(|watch| Watching::begin(watch, plan, Arc::clone(&coupler.activity)));
    let (mut book, mut resumed_from, mut first_s) = (Book::default(), None, 0);
    if options.resume {
        let (at_s, state, path) = restart::latest(plan, &options.folder, &options.allow_changed)?;
        coupler.restore(&state.under("run"))?;
        book = Book::restore(&state.under("book"))?;
        first_s = at_s;
        resumed_from = Some(path.display().to_string());
    }
    if !options.resume {
        // States of a run before this one would be taken for its own.
        restart::forget(&options.folder);
    }
    let mut output = Output::new(plan, options.folder.clone());
    let length = plan.length_s();
    let budget_end = |after: i64| match plan.budget.every {
        None => length,
        Some(every) => {
            let mut end = Instant(plan.start.0);
            while end.0 - plan.start.0 <= after {
                end = end.after(every, plan.calendar);
            }
            (end.0 - plan.start.0).min(length)
        }
    };
    let mut next_row = budget_end(book.ends_s.last().copied().unwrap_or(0));
    let mut next_restart = plan.restart_every.map(|every| (first_s / every + 1) * every);
    let mut files_s = 0.0;
    let years = |seconds: i64| seconds as f64 / (365.25 * 86_400.0);
    while !coupler.is_finished() {
        let stepped = coupler.advance()?;
        let files = std::time::Instant::now();
        if let Some(every) = plan.output.every {
            for c in stepped {
                let at = coupler.component_reached_s(c);
                if at % every == 0 {
                    output.record(c, &coupler.exports(c), at)?;
                }
            }
        }
        let reached = coupler.reached_s();
        if reached >= next_row {
            book.note(plan, &coupler, reached);
            next_row = budget_end(reached);
        }
        if let (Some(next), Some(every)) = (&mut next_restart, plan.restart_every)
            && reached >= *next
            && reached < length
        {
            // Outputs first: a state promises that all before it is there.
            output.finish()?;
            let mut state = crate::State::new();
            state.absorb("run", coupler.save()?);
            state.absorb("book", book.save());
            restart::keep(plan, &state, reached, &options.folder)?;
            *next = (reached / every + 1) * every;
        }
        files_s += files.elapsed().as_secs_f64();
        let label = Instant(plan.start.0 + reached).label(plan.calendar);
        let sypd = years(reached - first_s) / clock.elapsed().as_secs_f64() * 86_400.0;
        progress(Progress { at: &label, done: reached as f64 / length as f64, sypd });
    }
    output.finish()?;
    let silent: Vec<String> =
        coupler.counts().into_iter().filter(|c| c.taken == 0).map(|c| format!("`{}`", c.coupling)).collect();
    if !silent.is_empty() {
        return Err(RunError::Silent { couplings: silent });
    }
    let wall_s = clock.elapsed().as_secs_f64();
    let costs = coupler.costs();
    let (busy, exchange): (f64, f64) = (costs.iter().map(|c| c.busy_s).sum(), costs.iter().map(|c| c.exchange_s).sum());
    let worst: Vec<(f64, f64)> = (0..plan.couplings.len()).filter_map(|k| coupler.worst(k)).collect();
    let label = |instant: Instant| instant.label(plan.calendar);
    let (device, copies) = told(&options.device, before);
    let report = Report {
        title: plan.title.clone(),
        start: label(plan.start),
        stop: label(plan.stop),
        calendar: plan.calendar.name(),
        resumed_from,
        device,
        threads: options.threads,
        wall_s,
        sypd: years(length - first_s) / wall_s * 86_400.0,
        chsy: wall_s / 3600.0 * options.threads as f64 / years(length - first_s),
        coupling_cost: if busy + exchange > 0.0 { exchange / (busy + exchange) } else { 0.0 },
        files_s,
        copies,
        couplings: coupler.counts(),
        components: costs,
        iterations: coupler.iterations(),
        worst_residual: worst.iter().map(|w| w.0).fold(0.0, f64::max),
        largest_correction: worst.iter().map(|w| w.1).fold(0.0, f64::max),
        state_hash: coupler.save()?.hash(),
        accounts: Book::account_rows(plan, &coupler),
        stocks: Book::stock_rows(plan, &coupler),
        budget_text: Book::text(plan, &coupler),
    };
    write_text(&options.folder.join("budget.txt"), &report.budget_text)?;
    write_text(
        &options.folder.join("budget.json"),
        &json(&serde_json::json!({ "exchanges": report.accounts, "stocks": report.stocks })),
    )?;
    book.write(plan, &coupler, &options.folder.join("budget.nc"))?;
    write_text(&options.folder.join("report.json"), &json(&report))?;
    let changed = plan.changed_inputs();
    if changed.is_empty() { Ok(report) } else { Err(RunError::InputsChanged { files: changed }) }
}

/// A device by name, and the copies to and from it since there were those `before`.
fn told(device: &Device, before: CopyCounts) -> (String, CopyCounts) {
    match device {
        Device::Cpu => ("cpu".to_owned(), before),
        #[cfg(feature = "gpu")]
        Device::Gpu(gpu) => {
            let (facts, copies) = (gpu.facts(), gpu.copies());
            let counts = CopyCounts {
                uploads: copies.uploads - before.uploads,
                uploaded_bytes: copies.uploaded_bytes - before.uploaded_bytes,
                downloads: copies.downloads - before.downloads,
                downloaded_bytes: copies.downloaded_bytes - before.downloaded_bytes,
            };
            (format!("gpu:{} {}", facts.number, facts.name), counts)
        }
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("numbers and texts with text keys become JSON") + "\n"
}

fn write_text(path: &Path, text: &str) -> Result<(), RunError> {
    let file = AtomicFile::create(path, true)?;
    std::fs::write(file.path(), text).map_err(|e| file.error(&e))?;
    file.commit()?;
    Ok(())
}
