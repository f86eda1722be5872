//! `knarr exchange translate`: one side's names, units, signs and totals become the other's, on its grid.

use crate::Outcome;
use crate::failure::Failure;
use crate::options::{self, NanName};
use crate::talk::{self, Talk};
use clap::{Args, ValueEnum};
use knarr::exchange::Catalogue;
use knarr::exchange::catalogue::Convention;
use knarr::exchange::translate::{FieldReport, Report, Request, Statistic, TranslateError, VectorAxes, translate};
use knarr::field::{Calendar, DateTime, TimeUnits};
use std::path::PathBuf;

/// Translate a file from one side's names, units, signs and totals to the other's, and to its grid.
///
/// Every value goes through the canonical form: CF units, means instead of run totals, vectors east and north. Units are
/// read from the file, statistics are checked against what is known about wrong labels, and what cannot be told is asked
/// for. Variables that are not in the catalogue are left out.
#[derive(Args)]
#[command(
    after_help = "Conventions: cf (canonical), eccc (Datamart GRIB2 and NetCDF), rpn (RPN names and units), climate-dt (destine), extremes-dt.\n\nExamples:\n  knarr exchange translate gdps.nc -o for_destine.nc --from eccc --to destine --to-grid destine-h128n\n  knarr exchange translate twin.nc -o for_eccc.nc --from climate-dt --to eccc --to-grid eccc-ps5km"
)]
pub struct Translate {
    /// File to read
    input: PathBuf,
    /// Write the result to OUTPUT
    #[arg(short, long)]
    output: PathBuf,
    /// Read the file by the convention CONVENTION
    #[arg(long, value_name = "CONVENTION")]
    from: Convention,
    /// Write the result in the convention CONVENTION
    #[arg(long, value_name = "CONVENTION")]
    to: Convention,
    /// Regrid each field by its own rule to GRID (default: the grid of the file; DestinE gets nested HEALPix cells)
    #[arg(long, value_name = "GRID")]
    to_grid: Option<String>,
    /// Translate these variables only, separated by commas (default: all that are in the catalogue)
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    vars: Option<Vec<String>>,
    /// Take the variable VAR as the field FIELD of the catalogue
    #[arg(long, value_name = "VAR=FIELD", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Take the values of VAR as in UNITS, whatever the file says
    #[arg(long, value_name = "VAR=UNITS", value_parser = pair)]
    units: Vec<(String, String)>,
    /// Take the values of VAR as run totals or as means: VAR=total or VAR=mean
    #[arg(long, value_name = "VAR=STATISTIC", value_parser = statistic)]
    statistic: Vec<(String, Statistic)>,
    /// Take vectors as along the grid's axes or as east and north
    #[arg(long, value_enum, default_value_t = VectorsName::Auto)]
    vectors: VectorsName,
    /// Count run totals from TIME (UTC) where the file does not tell: 2026-05-01T00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    start: Option<DateTime>,
    /// Take NaN without a fill value as an error or as missing
    #[arg(long, value_enum, default_value_t = NanName::Error)]
    nan: NanName,
    /// Overwrite OUTPUT if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    force: bool,
}

/// Along what vectors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VectorsName {
    /// As the convention and standard names say
    Auto,
    /// Along the axes of the grid
    Grid,
    /// East and north
    Earth,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected VAR=VALUE")?;
    if name.is_empty() || value.is_empty() {
        Err("expected VAR=VALUE".to_owned())
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

fn statistic(text: &str) -> Result<(String, Statistic), String> {
    let (name, value) = pair(text)?;
    match value.as_str() {
        "total" => Ok((name, Statistic::Total)),
        "mean" => Ok((name, Statistic::Mean)),
        _ => Err("expected VAR=total or VAR=mean".to_owned()),
    }
}

fn instant(text: &str) -> Result<DateTime, String> {
    let units = TimeUnits::parse(&format!("seconds since {text}"), Calendar::Standard).map_err(|e| e.to_string())?;
    units.date_time(0.0).map_err(|e| e.to_string())
}

impl Translate {
    /// Runs the verb. Values beyond the hard limits of their field are a check that failed.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let catalogue = Catalogue::load().map_err(|e| Failure::new(e.to_string()))?;
        let request = Request {
            input: self.input,
            output: self.output.clone(),
            from: self.from,
            to: self.to,
            to_grid: self.to_grid.as_deref().map(options::grid).transpose()?,
            variables: self.vars,
            fields: self.map.into_iter().collect(),
            units: self.units.into_iter().collect(),
            statistics: self.statistic.into_iter().collect(),
            axes: match self.vectors {
                VectorsName::Auto => VectorAxes::Auto,
                VectorsName::Grid => VectorAxes::Grid,
                VectorsName::Earth => VectorAxes::Earth,
            },
            start: self.start,
            overwrite: self.force,
            nan: self.nan.into(),
            catalogue: &catalogue,
        };
        let report = translate(&request).map_err(failure)?;
        for (name, why) in &report.left_out {
            talk.note(&format!("left out {name}: {why}"));
        }
        if json {
            talk::print_json(&report)?;
        } else {
            talk::print(&text(&report))?;
        }
        talk.note(&format!("wrote {}", self.output.display()));
        let outside = report.out_of_range();
        if outside > 0 {
            talk.note(&format!("{outside} values lie outside the limits of their field: are the units right?"));
        }
        Ok(if outside > 0 { Outcome::CheckFailed } else { Outcome::Fine })
    }
}

pub(super) fn failure(error: TranslateError) -> Failure {
    let hint = error.hint();
    let failure = match error {
        TranslateError::Io(error) => return Failure::from(error),
        other => {
            let text = other.to_string();
            let mut lines = text.lines();
            let failure = Failure::new(lines.next().unwrap_or_default());
            lines.fold(failure, |failure, line| failure.detail(line))
        }
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// One line for each field: from what, by which operations, to what, and the canonical range.
fn text(report: &Report) -> String {
    let mut text = String::new();
    for read in &report.read {
        text += &format!("{} -> {}: {}\n", read.from.join(", "), read.field, steps(read));
        if let Some([low, high]) = read.range {
            text += &format!("  {} to {}{}\n", talk::number(low), talk::number(high), outside(read));
        }
        if let Some((_, method)) = report.regridded.iter().find(|(name, _)| *name == read.field) {
            text += &format!("  regridded: {method}\n");
        }
        for written in report.written.iter().filter(|w| w.field == read.field && w.to != [read.field.clone()]) {
            text += &format!("  -> {}: {}\n", written.to.join(", "), steps(written));
        }
    }
    text
}

fn steps(report: &FieldReport) -> String {
    let mut parts = report.operations.clone();
    if report.clipped > 0 {
        parts.push(format!("{} decreases of packed totals set to zero", report.clipped));
    }
    parts.extend(report.remarks.iter().cloned());
    if parts.is_empty() { "as it is".to_owned() } else { parts.join(", ") }
}

fn outside(report: &FieldReport) -> String {
    if report.out_of_range == 0 { String::new() } else { format!(", {} OUT OF RANGE", report.out_of_range) }
}
