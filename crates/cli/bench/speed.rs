//! `knarr bench speed`, `io` and `all`: what is timed, against what.

use super::write_whole;
use crate::Outcome;
use crate::failure::Failure;
use crate::talk::{self, Talk};
use clap::{Args, ValueEnum};
use knarr::bench::accuracy::{self, Scorecard};
use knarr::bench::speed::{
    AGREES, Change, Device, PeerRequest, Request, Results, Size, Suite, Verdict, beside, compare, count, counted_ids, html,
    markdown, valgrind,
};
use knarr::io::atomic::AtomicFile;
use knarr::kernels::device::DeviceChoice;
use std::path::{Path, PathBuf};

/// Options of the timed suites.
#[derive(Args)]
pub struct Timed {
    /// Size of grids: s (seconds), m, l, xl (the operational grids); smaller ones are run too, but for --quick
    #[arg(long, value_enum, default_value_t = SizeName::S)]
    size: SizeName,
    /// Few samples, 1 and all threads, one size
    #[arg(long)]
    quick: bool,
    /// Only cases with one of these texts in their ids (`DEVICE/KERNEL/SUITE/SIZE`); may be given several times
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Leave other programs out
    #[arg(long)]
    no_peers: bool,
    /// Write the results to FILE, for `--baseline` and `knarr bench report`
    #[arg(long = "out", visible_alias = "json-file", value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the report as a page to FILE
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Set this run against the results in FILE; exit code 1 if a case is slower beyond noise or has no figure any more
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Overwrite files that exist
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    force: bool,
}

/// Sizes by name.
#[derive(Clone, Copy, ValueEnum)]
enum SizeName {
    /// Small
    S,
    /// Medium
    M,
    /// Large
    L,
    /// The operational size
    Xl,
}

impl Timed {
    /// Runs suites, and with `scores` the scorecard of accuracy.
    pub fn run(
        self,
        suites: &[Suite],
        scores: bool,
        devices: &[DeviceChoice],
        talk: Talk,
        json: bool,
    ) -> Result<Outcome, Failure> {
        for path in [&self.out, &self.html].into_iter().flatten() {
            // An output that cannot be written is told before the work; made and dropped.
            AtomicFile::create(path, self.force)?;
        }
        // So is a baseline that cannot be read.
        let before = self.baseline.as_deref().map(read).transpose()?;
        let (devices, adapter) = chosen(devices);
        let size = match self.size {
            SizeName::S => Size::S,
            SizeName::M => Size::M,
            SizeName::L => Size::L,
            SizeName::Xl => Size::Xl,
        };
        let folder = std::env::current_dir().map_err(|e| Failure::new(format!("no current folder: {e}")))?;
        let request =
            Request { suites, size, is_quick: self.quick, devices: &devices, adapter, only: &self.only, folder: &folder };
        let bar = talk.waiting("bench");
        let mut tell = |what: &str| bar.set_message(what.to_owned());
        let mut results = Results::measure(&request, &mut tell);
        if self.no_peers {
            results.notes.push("other programs, as asked".to_owned());
        } else if suites.contains(&Suite::Speed) && self.only.is_empty() {
            let knarr = std::env::current_exe().map_err(|e| Failure::new(format!("cannot find this program: {e}")))?;
            self.counts(&knarr, &mut results, &mut tell);
            let (runs, seconds) = if self.quick { (3, 4) } else { (5, 60) };
            // Sizes beyond L take other programs hours.
            let size = size.min(Size::L);
            let budget = std::time::Duration::from_secs(seconds);
            (results.peers, results.programs) = beside(&PeerRequest { knarr: &knarr, size, runs, budget }, &mut tell);
        }
        if scores {
            let request = accuracy::Request { peers: !self.no_peers, ..accuracy::Request::published(self.quick) };
            let card = Scorecard::make(&request, &mut tell).map_err(|e| Failure::from_error(&e))?;
            results.accuracy = Some(card);
        }
        bar.finish_and_clear();
        let changes = before.map(|b| changes(&b, &mut results)).unwrap_or_default();
        if let Some(path) = &self.out {
            let text = serde_json::to_string(&results).map_err(|e| Failure::new(e.to_string()))?;
            write_whole(path, &(text + "\n"), self.force)?;
            talk.note(&format!("wrote {}", path.display()));
        }
        if let Some(path) = &self.html {
            let page = html(&results, &[], &changes).map_err(|e| Failure::from_error(&e))?;
            write_whole(path, &page, self.force)?;
            talk.note(&format!("wrote {}", path.display()));
        }
        if json {
            talk::print_json(&results)?;
        } else {
            talk::print(&markdown(&results))?;
        }
        verdict(&results, &changes, talk)
    }
}

impl Timed {
    /// Holds formulas of bytes against what is counted, where there is something that counts.
    fn counts(&self, knarr: &Path, results: &mut Results, tell: &mut dyn FnMut(&str)) {
        let Some(tool) = valgrind() else {
            results.notes.push("bytes by count: valgrind is not installed".to_owned());
            return;
        };
        for id in counted_ids(self.quick) {
            tell(&format!("counting {id}"));
            match count(knarr, &id, &tool) {
                Ok(count) => results.counts.push(count),
                Err(why) => results.notes.push(format!("bytes by count of {id}: {why}")),
            }
        }
    }
}

/// The devices whose cases are run, and the number of the adapter; a device that is not here has rows that say so.
fn chosen(asked: &[DeviceChoice]) -> (Vec<Device>, usize) {
    let number = asked.iter().find_map(|d| if let DeviceChoice::Gpu(number) = d { *number } else { None });
    let wants = |device: DeviceChoice| asked.is_empty() || asked.contains(&DeviceChoice::Auto) || asked.contains(&device);
    let mut devices = Vec::new();
    if wants(DeviceChoice::Cpu) {
        devices.push(Device::Cpu);
    }
    if wants(DeviceChoice::Gpu(None)) || number.is_some() {
        devices.push(Device::Gpu);
    }
    (devices, number.unwrap_or(0))
}

fn changes(before: &Results, now: &mut Results) -> Vec<Change> {
    if !before.machine.is_like(&now.machine) {
        now.notes.push(format!("the baseline is of another machine: {}", before.machine.cpu));
    }
    compare(before, now)
}

/// Says what is wrong; fine if nothing is.
fn verdict(results: &Results, changes: &[Change], talk: Talk) -> Result<Outcome, Failure> {
    let mut good = true;
    for (row, why) in results.broken() {
        talk.note(&format!("{}: {why}", row.id));
        good = false;
    }
    for count in results.counts.iter().filter(|c| !c.agrees()) {
        talk.note(&format!(
            "{}: {:.2} times the bytes of its formula were counted, {} to {} agree",
            count.id,
            count.ratio(),
            AGREES[0],
            AGREES[1]
        ));
        good = false;
    }
    for change in changes {
        let range = format!("{:.2} ({:.2} to {:.2})", change.ratio, change.interval[0], change.interval[1]);
        match change.verdict {
            Verdict::Slower => {
                talk.note(&format!("{} on {} threads: slower, {range} times the baseline", change.id, change.threads));
                good = false;
            }
            Verdict::Lost => {
                talk.note(&format!("{} on {} threads: no figure any more", change.id, change.threads));
                good = false;
            }
            Verdict::Faster => talk.note(&format!("{} on {} threads: faster, {range}", change.id, change.threads)),
            Verdict::Same => talk.more(&format!("{} on {} threads: no change told, {range}", change.id, change.threads)),
        }
    }
    if !changes.is_empty() {
        let of = |v| changes.iter().filter(|c| c.verdict == v).count();
        talk.note(&format!(
            "against the baseline: {} slower, {} faster, {} unchanged, {} lost",
            of(Verdict::Slower),
            of(Verdict::Faster),
            of(Verdict::Same),
            of(Verdict::Lost)
        ));
    }
    Ok(if good { Outcome::Fine } else { Outcome::CheckFailed })
}

/// Results of an earlier run.
fn read(path: &Path) -> Result<Results, Failure> {
    let fail = |what: String| Failure::new(format!("cannot read results: {what}")).detail(path.display().to_string());
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    serde_json::from_str(&text)
        .map_err(|e| fail(e.to_string()).hint("name a file that `knarr bench speed --out FILE` has written"))
}

/// Show, compare and combine results of earlier runs.
#[derive(Args)]
pub struct Report {
    /// Results; of several, the first is shown and the others are set beside it
    #[arg(required = true, value_name = "RESULTS")]
    files: Vec<PathBuf>,
    /// Write a page to FILE
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write tables in Markdown to FILE; where it has lines `<!-- figures -->` and `<!-- end of figures -->`, between them
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Overwrite FILE if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    force: bool,
}

const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- end of figures -->";

impl Report {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let mut all = self.files.iter().map(|f| Ok((f, read(f)?))).collect::<Result<Vec<_>, Failure>>()?;
        let (_, first) = all.remove(0);
        let others: Vec<(String, Results)> = all
            .into_iter()
            .map(|(path, results)| (path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned()), results))
            .collect();
        if let Some(path) = &self.html {
            let page = html(&first, &others, &[]).map_err(|e| Failure::from_error(&e))?;
            write_whole(path, &page, self.force)?;
            talk.note(&format!("wrote {}", path.display()));
        }
        if let Some(path) = &self.markdown {
            let old = std::fs::read_to_string(path).unwrap_or_default();
            let text = markdown(&first);
            let (whole, has_marks) = match (old.find(BEGIN), old.find(END)) {
                (Some(begin), Some(end)) if begin < end => {
                    (format!("{}{}\n{text}\n{}", &old[..begin], BEGIN.trim_end(), &old[end..]), true)
                }
                _ => (text, false),
            };
            // The marks are there to be written between.
            write_whole(path, &whole, self.force || has_marks)?;
            talk.note(&format!("wrote {}", path.display()));
        }
        if json {
            talk::print_json(&first)?;
        } else if self.html.is_none() && self.markdown.is_none() {
            talk::print(&markdown(&first))?;
        }
        Ok(Outcome::Fine)
    }
}
