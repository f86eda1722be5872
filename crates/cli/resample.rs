//! `knarr resample`: the variables of a file at other times.

use crate::Outcome;
use crate::failure::Failure;
use crate::options::NanName;
use crate::talk::{self, Talk};
use clap::{Args, ValueEnum};
use knarr::field::Calendar;
use knarr::io::IoError;
use knarr::io::resample::{Partial, Period, ResampleReport, ResampleRequest, TimeKind, TimeMethod, resample_file};
use std::path::PathBuf;

/// Bring the variables of a file to other times: periods made of their steps, or instants between them.
///
/// Bounds and cell_methods decide: means are weighted by the time that step and period share, amounts are divided by
/// it, extremes stay extremes, totals since the start of a forecast become amounts first.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  knarr resample hourly.nc -o monthly.nc --to month\n  knarr resample forecast.nc -o amounts.nc --to 6h --from total\n  knarr resample daily.nc -o hourly.nc --to 6h --method linear"
)]
pub struct Resample {
    /// File to read
    pub file: PathBuf,
    /// Write the result to OUTPUT
    #[arg(short, long)]
    pub output: PathBuf,
    /// PERIOD: hour, day, month, season, year, or such as 6h, 5d, 3mon
    #[arg(long, value_name = "PERIOD", value_parser = Period::parse)]
    pub to: Period,
    /// Make periods of steps, or instants by lines between steps or from the nearest step
    #[arg(long, value_enum, default_value_t = MethodName::Reduce)]
    pub method: MethodName,
    /// What values are over their step (default: what cell_methods and bounds say)
    #[arg(long, value_enum)]
    pub from: Option<KindName>,
    /// Leave out periods that steps do not fill, keep them, or refuse to go on
    #[arg(long, value_enum, default_value_t = PartialName::Drop)]
    pub partial: PartialName,
    /// Calendar of the output (default: that of the input); dates are kept
    #[arg(long, value_name = "CALENDAR", value_parser = calendar)]
    pub calendar: Option<Calendar>,
    /// Take these variables only, separated by commas (default: all with the time axis)
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub vars: Option<Vec<String>>,
    /// Take NaN without a fill value as an error or as missing
    #[arg(long, value_enum, default_value_t = NanName::Error)]
    pub nan: NanName,
    /// Overwrite OUTPUT if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    pub force: bool,
}

/// Names of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MethodName {
    /// Periods of steps
    Reduce,
    /// Lines between steps
    Linear,
    /// The nearest step
    Nearest,
}

/// Names of what values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KindName {
    /// Values at instants
    Point,
    /// Means over steps
    Mean,
    /// Amounts in steps
    Sum,
    /// Minima of steps
    Min,
    /// Maxima of steps
    Max,
    /// Amounts since the start of a run
    Total,
}

/// Names of what becomes of periods that are not filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PartialName {
    /// Left out
    Drop,
    /// Made of what is there
    Keep,
    /// An error
    Refuse,
}

fn calendar(name: &str) -> Result<Calendar, String> {
    match Calendar::parse(name) {
        Ok(Calendar::None) => Err("a calendar without dates has no periods".to_owned()),
        other => other.map_err(|e| e.to_string()),
    }
}

#[derive(serde::Serialize)]
struct Summary<'a> {
    variables: Vec<(&'a str, String)>,
    steps_before: usize,
    steps_after: usize,
    partial: &'a [(String, f64)],
}

impl Resample {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let request = ResampleRequest {
            input: self.file.clone(),
            output: self.output.clone(),
            period: self.to,
            method: match self.method {
                MethodName::Reduce => TimeMethod::Reduce,
                MethodName::Linear => TimeMethod::Linear,
                MethodName::Nearest => TimeMethod::Nearest,
            },
            kind: self.from.map(|name| match name {
                KindName::Point => TimeKind::Point,
                KindName::Mean => TimeKind::Mean,
                KindName::Sum => TimeKind::Sum,
                KindName::Min => TimeKind::Minimum,
                KindName::Max => TimeKind::Maximum,
                KindName::Total => TimeKind::Total,
            }),
            partial: match self.partial {
                PartialName::Drop => Partial::Drop,
                PartialName::Keep => Partial::Keep,
                PartialName::Refuse => Partial::Refuse,
            },
            calendar: self.calendar,
            variables: self.vars.clone(),
            nan: self.nan.into(),
            overwrite: self.force,
            history: format!("knarr {}: resample", env!("CARGO_PKG_VERSION")),
        };
        let report = resample_file(&request).map_err(explain)?;
        self.tell(&report, talk);
        let kinds: Vec<(&str, String)> =
            report.variables.iter().map(|(name, kind)| (name.as_str(), format!("{kind:?}").to_lowercase())).collect();
        if json {
            let (steps_before, steps_after) = report.steps;
            talk::print_json(&Summary { variables: kinds, steps_before, steps_after, partial: &report.partial })?;
        } else if talk.level >= 0 {
            let mut rows = vec![["variable", "taken for", "steps", "new steps"].map(str::to_owned).to_vec()];
            let steps = [report.steps.0.to_string(), report.steps.1.to_string()];
            rows.extend(
                kinds
                    .iter()
                    .map(|(name, kind)| [(*name).to_owned(), kind.clone()].into_iter().chain(steps.iter().cloned()).collect()),
            );
            talk::print(&talk::table(&rows))?;
        }
        talk.note(&format!("wrote {}", self.output.display()));
        Ok(Outcome::Fine)
    }

    fn tell(&self, report: &ResampleReport, talk: Talk) {
        report.remarks.iter().for_each(|remark| talk.note(remark));
        for (name, why) in &report.skipped {
            talk.more(&format!("left out {name}: {why}"));
        }
        if let Some((first, part)) = report.partial.first() {
            let done = if self.partial == PartialName::Keep { "kept" } else { "left out" };
            let count = report.partial.len();
            talk.note(&format!(
                "{count} periods that steps do not fill are {done}, the first from {first} ({:.0} % of it)",
                part * 100.0
            ));
        }
    }
}

/// How to go on is a matter of options, which the library does not know.
fn explain(error: IoError) -> Failure {
    let text = error.to_string();
    let hint = if text.contains("are not filled") {
        Some("`--partial keep` makes them of what is there, and says how much that is")
    } else if text.contains("has no bounds") {
        Some("`--from point` takes values for instants")
    } else if text.contains("steps begin together") {
        Some("`--from total` takes values for amounts since the start of a run")
    } else {
        None
    };
    match hint {
        Some(hint) => Failure::from(error).or_hint(|| hint.to_owned()),
        None => error.into(),
    }
}
