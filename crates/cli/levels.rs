//! `knarr levels`: the variables of a file on other levels.

use crate::Outcome;
use crate::failure::Failure;
use crate::options::NanName;
use crate::talk::{self, Talk};
use clap::{Args, ValueEnum};
use knarr::io::levels::{Beyond, LevelsReport, LevelsRequest, Targets, VerticalMethod, levels_file};
use std::path::{Path, PathBuf};

/// Put the variables of a file on other levels of pressure, height or depth.
///
/// Levels are an axis of the file, or a parametric coordinate of CF (hybrid sigma-pressure, sigma, hybrid height, ocean
/// s- and sigma-coordinates), whose formula is evaluated in every column. What has no such levels is copied.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  knarr levels model.nc -o plev.nc --to 1000,850,500hPa --method log\n  knarr levels ocean.nc -o layers.nc --to 0,10,50,200m --method ppm\n\nMethods: linear, log (in the logarithm of pressure) and pchip (monotone cubics) are exact at levels; conservative (layers\nconstant, first order) and ppm (parabolas, third order inside) keep the integral: with them --to names the edges of\nlayers, one more than there are layers, and the result is the mean over what source layers cover"
)]
pub struct Levels {
    /// File to read
    pub file: PathBuf,
    /// Write the result to OUTPUT
    #[arg(short, long)]
    pub output: PathBuf,
    /// Levels with their units after the last number: 1000,850,500hPa or 0,10,100m
    #[arg(long, value_name = "LEVELS", value_parser = Targets::parse, required_unless_present = "to_file", conflicts_with = "to_file")]
    pub to: Option<Targets>,
    /// Take the levels (and their bounds) of the axis VAR of FILE
    #[arg(long, value_name = "FILE:VAR")]
    pub to_file: Option<String>,
    /// Method
    #[arg(long, value_enum, default_value_t = MethodName::Linear)]
    pub method: MethodName,
    /// Below the lowest level (under the ground, the sea floor)
    #[arg(long, value_enum, default_value_t = BeyondName::Missing)]
    pub below: BeyondName,
    /// Above the highest level
    #[arg(long, value_enum, default_value_t = BeyondName::Missing)]
    pub above: BeyondName,
    /// Take these variables only, separated by commas (default: all that have such levels)
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
    /// Lines between levels
    Linear,
    /// Lines in the logarithm of pressure
    Log,
    /// Monotone cubics
    Pchip,
    /// Layers, each constant
    Conservative,
    /// Layers, each a parabola
    Ppm,
}

/// Names of what is beyond the levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BeyondName {
    /// Missing
    Missing,
    /// The value of the nearest level
    Nearest,
    /// The line through the two nearest levels; with conservative and ppm as nearest
    Extrapolate,
}

impl From<BeyondName> for Beyond {
    fn from(name: BeyondName) -> Self {
        match name {
            BeyondName::Missing => Self::Missing,
            BeyondName::Nearest => Self::Nearest,
            BeyondName::Extrapolate => Self::Extrapolate,
        }
    }
}

#[derive(serde::Serialize)]
struct Row<'a> {
    name: &'a str,
    coordinate: &'a str,
    columns: usize,
    values: usize,
    missing: usize,
}

impl Levels {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let method = match self.method {
            MethodName::Linear => VerticalMethod::Linear,
            MethodName::Log => VerticalMethod::Log,
            MethodName::Pchip => VerticalMethod::Pchip,
            MethodName::Conservative => VerticalMethod::Conservative,
            MethodName::Ppm => VerticalMethod::Ppm,
        };
        let targets = self.targets()?;
        if targets.count(method.is_conservative()) == 0 {
            return Err(Failure::new("cannot make layers of one level")
                .detail("expected the edges of at least one layer: two numbers")
                .hint("name both edges, or use `--method linear`"));
        }
        let request = LevelsRequest {
            input: self.file.clone(),
            output: self.output.clone(),
            targets,
            method,
            below: self.below.into(),
            above: self.above.into(),
            variables: self.vars.clone(),
            nan: self.nan.into(),
            overwrite: self.force,
            history: format!("knarr {}: levels", env!("CARGO_PKG_VERSION")),
        };
        let report = levels_file(&request).map_err(|e| {
            Failure::from(e).or_hint(|| "`knarr inspect FILE` tells which axes and formula terms a file has".to_owned())
        })?;
        tell(&report, talk);
        let rows: Vec<Row> = report
            .variables
            .iter()
            .map(|v| Row { name: &v.name, coordinate: &v.coordinate, columns: v.columns, values: v.values, missing: v.missing })
            .collect();
        if json {
            talk::print_json(&rows)?;
        } else if talk.level >= 0 {
            talk::print(&table(&rows))?;
        }
        talk.note(&format!("wrote {}", self.output.display()));
        Ok(Outcome::Fine)
    }

    fn targets(&self) -> Result<Targets, Failure> {
        match (&self.to, &self.to_file) {
            (Some(targets), _) => Ok(targets.clone()),
            (None, Some(text)) => match text.rsplit_once(':') {
                Some((path, name)) => Ok(Targets::read(Path::new(path), name)?),
                None => Err(Failure::new(format!("`{text}` names no variable"))
                    .detail("expected FILE:VAR")
                    .hint("`knarr inspect FILE` lists the variables")),
            },
            (None, None) => unreachable!("clap asks for one of them"),
        }
    }
}

fn tell(report: &LevelsReport, talk: Talk) {
    for (name, why) in &report.skipped {
        talk.more(&format!("left out {name}: {why}"));
    }
    for variable in &report.variables {
        for remark in &variable.remarks {
            talk.note(&format!("{}: {remark}", variable.name));
        }
        if variable.values > 0 && variable.missing == variable.values {
            talk.note(&format!("{}: no column reaches these levels; all values are missing", variable.name));
        }
    }
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![["variable", "from", "columns", "values", "missing"].map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|r| {
        let counts = [r.columns, r.values, r.missing].map(|n| n.to_string());
        [r.name.to_owned(), r.coordinate.to_owned()].into_iter().chain(counts).collect()
    }));
    talk::table(&lines)
}
