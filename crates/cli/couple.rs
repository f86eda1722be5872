//! `knarr couple`: check, run and resume coupled experiments.

mod kinds;

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::{self, Talk, number};
use clap::{Args, Subcommand, ValueEnum};
use knarr::coupling::{
    ExperimentError, ExperimentFile, Findings, Origin, Overview, Prepared, Progress, Registry, Report, RunError, RunOptions,
    Severity, Watch, experiment,
};
use knarr::kernels::device::DeviceChoice;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Couple components of an Earth-system run by one readable experiment file.
#[derive(Args)]
pub struct Couple {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Prove an experiment without running it: fields, units, times, coverage, order; exit code 1 if something is wrong
    #[command(after_help = "Examples:\n  knarr couple check run.yaml\n  knarr couple check run.yaml --graph=svg > run.svg")]
    Check(Check),
    /// Run an experiment: outputs, ledger and report go to its folder
    Run(Run),
    /// Go on with a run from its latest kept state
    Resume(Resume),
    /// List the kinds of components, or tell one: its parameters, imports and exports
    #[command(after_help = "Examples:\n  knarr couple kinds\n  knarr couple kinds slab_ocean")]
    Kinds(kinds::Kinds),
    /// Print the JSON Schema of experiment files, for editors
    Schema,
}

#[derive(Args)]
struct Check {
    /// Experiment file (YAML)
    experiment: PathBuf,
    /// Print the graph of components and exchanges, in the language of Mermaid or as a picture
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "mermaid")]
    graph: Option<GraphName>,
    /// Show what holds by default because nothing is written, and where
    #[arg(long)]
    explain: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = FormatName::Text)]
    format: FormatName,
    /// Take warnings as errors
    #[arg(long)]
    strict: bool,
}

/// Forms of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum GraphName {
    /// Text that many sites draw
    Mermaid,
    /// A picture
    Svg,
}

/// Forms of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Args)]
struct Run {
    /// Experiment file (YAML)
    experiment: PathBuf,
    /// Write to FOLDER (default: the experiment's `output: folder`, else NAME.out beside it)
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Write into a folder that has a run already
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    force: bool,
    /// Say who waits for whom when no step has ended for so many seconds; 0: never
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    watch: u64,
}

#[derive(Args)]
struct Resume {
    #[command(flatten)]
    run: Run,
    /// Go on although what NAME names has changed since: a file, or a part of the experiment such as `maps`
    #[arg(long, value_name = "NAME")]
    allow_changed: Vec<String>,
}

impl Couple {
    /// Runs the verb.
    pub fn run(self, device: Option<DeviceChoice>, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        if !matches!(self.what, What::Run(_) | What::Resume(_)) {
            crate::device::refuse(device, "couple check")?;
        }
        match self.what {
            What::Check(check) => check.run(json),
            What::Run(run) => run.run(device, talk, json, None),
            What::Resume(resume) => resume.run.run(device, talk, json, Some(resume.allow_changed)),
            What::Kinds(kinds) => kinds.run(json),
            What::Schema => {
                talk::print_json(&experiment::schema(&Registry::built_in()))?;
                Ok(Outcome::Fine)
            }
        }
    }
}

/// The plan of an experiment, and what was found.
fn prepare(path: &Path) -> Result<Result<(Option<Prepared>, Findings), ExperimentError>, Failure> {
    match ExperimentFile::read(path) {
        Ok(file) => Ok(Ok(Prepared::new(&file, &Registry::built_in()))),
        Err(error @ ExperimentError::Document { .. }) => Ok(Err(error)),
        Err(error) => Err(failure(&error)),
    }
}

/// An experiment that cannot be read, as the program tells it.
pub fn failure(error: &ExperimentError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        ExperimentError::Document { source, .. } => match &source.hint {
            Some(hint) => failure.hint(hint.clone()),
            None => failure.hint("`knarr couple schema` prints the form of experiment files"),
        },
        ExperimentError::Unreadable { .. } => failure.hint("name an experiment file, such as `knarr couple check run.yaml`"),
    }
}

impl Check {
    fn run(&self, json: bool) -> Result<Outcome, Failure> {
        let name = self.experiment.display().to_string();
        let json = json || self.format == FormatName::Json;
        let (prepared, findings) = match prepare(&self.experiment)? {
            Ok(found) => found,
            Err(error) if json => {
                talk::print_json(
                    &serde_json::json!({ "findings": [{ "severity": "error", "code": "document", "message": error.to_string() }] }),
                )?;
                return Ok(Outcome::CheckFailed);
            }
            Err(error) => {
                failure(&error).tell();
                return Ok(Outcome::CheckFailed);
            }
        };
        let warnings = findings.0.iter().filter(|f| f.severity == Severity::Warning).count();
        let errors = findings.0.len() - warnings;
        let overview = prepared.as_ref().map(|p| Overview::of(&p.plan));
        if json {
            talk::print_json(&serde_json::json!({ "overview": overview, "findings": findings }))?;
        } else {
            if let (Some(prepared), Some(form)) = (&prepared, self.graph) {
                talk::print(&match form {
                    GraphName::Mermaid => Overview::mermaid(&prepared.plan),
                    GraphName::Svg => Overview::svg(&prepared.plan),
                })?;
            } else if let Some(overview) = &overview {
                talk::print(&told(overview))?;
                if self.explain {
                    talk::print(&format!("\nNot written, holds by default:\n{}", overview.explain(&name)))?;
                }
            }
            // A graph is data for a program: remarks must not get into it.
            let text: String = findings.0.iter().map(|f| format!("\n{}", f.told(&name))).collect();
            if self.graph.is_some() {
                eprint_text(&text)
            } else {
                talk::print(&text)?
            }
            if self.graph.is_none() {
                let verdict = match (errors, warnings) {
                    (0, 0) => "nothing wrong: it can run".to_owned(),
                    (0, w) => format!("it can run; {}", counted(w, "warning")),
                    (e, 0) => format!("it cannot run: {}", counted(e, "error")),
                    (e, w) => format!("it cannot run: {}, {}", counted(e, "error"), counted(w, "warning")),
                };
                talk::print(&format!("\n{name}: {verdict}\n"))?;
            }
        }
        Ok(if errors > 0 || self.strict && warnings > 0 { Outcome::CheckFailed } else { Outcome::Fine })
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn eprint_text(text: &str) {
    use std::io::Write;
    // A closed stderr must not stop the work.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// The overview of a plan as text.
fn told(overview: &Overview) -> String {
    let mut text = format!("From {} to {} ({} calendar)\n\nComponents\n", overview.start, overview.stop, overview.calendar);
    let mut rows = vec![["name", "kind", "step", "cells"].map(str::to_owned).to_vec()];
    rows.extend(
        overview
            .components
            .iter()
            .map(|(name, kind, step, cells)| vec![name.clone(), kind.clone(), step.clone(), cells.to_string()]),
    );
    text += &talk::table(&rows);
    text += "\nExchanges\n";
    let head = ["fields", "units", "every", "reduce", "lag", "map", "links", "coverage", "times"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for row in &overview.couplings {
        let links = match row.weights {
            Origin::Same => "-".to_owned(),
            Origin::Made => row.links.to_string(),
            Origin::Cached => format!("{} (cached)", row.links),
        };
        let lag = if row.lag.is_empty() { "-".to_owned() } else { row.lag.clone() };
        let coverage = format!("{} %", number((row.coverage * 1e4).round() / 100.0));
        rows.push(vec![
            row.coupling.clone(),
            row.units.clone(),
            row.every.clone(),
            row.reduce.to_owned(),
            lag,
            row.map.clone(),
            links,
            coverage,
            row.exchanges.to_string(),
        ]);
    }
    text += &talk::table(&rows);
    let how =
        if overview.order_is_given { "as given; every step gets what it takes" } else { "worked out; no step waits for ever" };
    text += &format!("\nOrder of one cycle of {} ({how})\n  {}\n\nFirst events\n", overview.cycle, overview.order);
    for event in &overview.events {
        text += &format!("  {}  {}", event.at, event.component);
        if !event.takes.is_empty() {
            text += &format!("  takes {}", event.takes.join("; "));
        }
        if !event.sends.is_empty() {
            text += &format!("  sends {}", event.sends.join("; "));
        }
        text.push('\n');
    }
    text += &format!(
        "\nCost: {} steps, {} products with weights (about {} of one core), {} of memory for weights and fields\n",
        overview.steps,
        number(overview.link_products as f64),
        duration(overview.exchange_s),
        size(overview.memory_bytes)
    );
    text
}

fn duration(seconds: f64) -> String {
    match seconds {
        0.0..1.0 => format!("{} ms", number((seconds * 1e3).ceil())),
        1.0..3600.0 => format!("{} s", number(seconds.ceil())),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

impl Run {
    fn run(&self, device: Option<DeviceChoice>, talk: Talk, json: bool, resume: Option<Vec<String>>) -> Result<Outcome, Failure> {
        let name = self.experiment.display().to_string();
        let (prepared, findings) = prepare(&self.experiment)?.map_err(|error| failure(&error))?;
        let Some(mut prepared) = prepared else {
            let text: Vec<String> = findings.0.iter().map(|f| f.told(&name)).collect();
            eprint_text(&text.join("\n"));
            return Err(
                Failure::new(format!("{name} cannot run")).hint(format!("`knarr couple check {name}` tells all that is wrong"))
            );
        };
        for finding in &findings.0 {
            talk.note(finding.told(&name).trim_end());
        }
        let folder = self.output.clone().unwrap_or_else(|| prepared.plan.output.folder.clone());
        if resume.is_none() && !self.force && (folder.join("report.json").exists() || folder.join("restart").exists()) {
            return Err(Failure::new(format!("{}: there is a run in this folder already", folder.display())).hint(format!(
                "`--force` writes into it, `knarr couple resume {name}` goes on with it, `-o FOLDER` takes another"
            )));
        }
        let device = crate::device::open(device.or(prepared.plan.device), talk)?;
        let options = RunOptions {
            folder: folder.clone(),
            threads: rayon::current_num_threads(),
            resume: resume.is_some(),
            device,
            allow_changed: resume.unwrap_or_default(),
            watch: (self.watch > 0).then_some(Watch { after: Duration::from_secs(self.watch), tell: talk::say }),
        };
        let bar = talk.progress("run");
        bar.set_length(1000);
        let mut tell = |progress: Progress| {
            bar.set_position((progress.done * 1000.0) as u64);
            bar.set_message(format!("{} {} SYPD", progress.at, number(progress.sypd.round())));
        };
        let report = knarr::coupling::run(&mut prepared, &options, &mut tell);
        bar.finish_and_clear();
        let report = match report {
            Ok(report) => report,
            Err(error) => return Err(run_failure(&error, &folder, &name)),
        };
        if json {
            talk::print_json(&report)?;
        } else if talk.level >= 0 {
            talk::print(&summary(&report))?;
        }
        talk.note(&format!("wrote {}", folder.display()));
        Ok(Outcome::Fine)
    }
}

/// A run that failed, as the program tells it.
pub fn run_failure(error: &RunError, folder: &Path, name: &str) -> Failure {
    let failure = match error {
        RunError::Restart { path, problem, changed } if !changed.is_empty() => {
            let mut failure = Failure::new(format!("{}: {}", path.display(), problem.split(';').next().unwrap_or(problem)));
            for name in changed {
                failure = failure.detail(format!("changed: {name}"));
            }
            failure
        }
        _ => Failure::new(error.to_string()),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None if folder.join("restart").exists() => {
            failure.hint(format!("`knarr couple resume {name}` goes on from the latest kept state"))
        }
        None => failure,
    }
}

fn summary(report: &Report) -> String {
    let mut text = report.budget_text.clone();
    let seconds = number((report.wall_s * 1000.0).round() / 1000.0);
    text += &format!(
        "\n{} to {} in {seconds} s: {} simulated years per day; {} % of the time outside of components\n",
        report.start,
        report.stop,
        number(report.sypd.round()),
        number((report.coupling_cost * 1e4).round() / 100.0),
    );
    text += &format!("greatest residual of the ledger: {:.1e}\n", report.worst_residual);
    text
}
