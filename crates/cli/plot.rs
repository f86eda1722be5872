//! `knarr plot`: a map one can look at.

use crate::Outcome;
use crate::failure::Failure;
use crate::options::NanName;
use crate::slab::{self, data_variables};
use crate::talk::Talk;
use clap::{Args, ValueEnum};
use knarr::io::atomic::AtomicFile;
use knarr::io::{Dataset, VariableInfo};
use knarr::plot::{Colours, MapOptions, View, map};
use std::path::{Path, PathBuf};

/// Draw a map of one variable at one time and level as a PNG.
#[derive(Args)]
#[command(after_help = "Example:\n  knarr plot ocean.nc --var tos --time 11 -o tos.png")]
pub struct Plot {
    /// File to read
    pub file: PathBuf,
    /// Variable to draw (default: the first that has a grid)
    #[arg(long, value_name = "V")]
    pub var: Option<String>,
    /// Step along the time axis, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub time: usize,
    /// Step along the other dimensions (level, member), counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub level: usize,
    /// Write the map to MAP.png
    #[arg(short, long, value_name = "MAP.png")]
    pub output: PathBuf,
    /// Take the grid from GRID, matched by dimension sizes
    #[arg(long, value_name = "GRID", alias = "grid")]
    pub source_grid: Option<String>,
    /// Show auto, global, north, south, or the box W,E,S,N in degrees
    #[arg(long, value_name = "VIEW", default_value = "auto", allow_hyphen_values = true, value_parser = parse_view)]
    pub view: View,
    /// Colours (default: by the name of the variable)
    #[arg(long, value_enum)]
    pub colours: Option<ColoursName>,
    /// Values of the first and last colour, in the units of the variable (default: what fits)
    #[arg(long, value_name = "LOW,HIGH", allow_hyphen_values = true, value_parser = parse_range)]
    pub range: Option<(f64, f64)>,
    /// Title (default: from the metadata)
    #[arg(long)]
    pub title: Option<String>,
    /// Width in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1200)]
    pub width: u32,
    /// Take NaN without a fill value as an error or as missing
    #[arg(long, value_enum, default_value_t = NanName::Error)]
    pub nan: NanName,
    /// Overwrite MAP.png if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    pub force: bool,
}

/// Names of colour scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColoursName {
    /// Dark to light, for any quantity
    Sequential,
    /// Light to dark, for amounts
    Amount,
    /// Blue to red about zero
    Diverging,
}

impl Plot {
    /// What `knarr plot FILE -o OUTPUT` is, for other verbs.
    pub fn of(file: &Path, var: &str, output: &Path) -> Self {
        Self {
            file: file.to_owned(),
            var: Some(var.to_owned()),
            time: 0,
            level: 0,
            output: output.to_owned(),
            source_grid: None,
            view: View::Auto,
            colours: None,
            range: None,
            title: None,
            width: 1200,
            nan: NanName::Error,
            force: true,
        }
    }

    /// Runs the verb.
    pub fn run(self, talk: Talk) -> Result<Outcome, Failure> {
        self.draw()?;
        talk.note(&format!("wrote {}", self.output.display()));
        Ok(Outcome::Fine)
    }

    /// Draws the map and writes it.
    pub fn draw(&self) -> Result<(), Failure> {
        if !self.output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
            return Err(Failure::new(format!(
                "{}: maps are PNG images, expected a name that ends in .png",
                self.output.display()
            ))
            .hint(format!("`-o {}`", self.output.with_extension("png").display())));
        }
        let dataset = Dataset::open(&self.file)?;
        let (variable, grid) = self.variable(&dataset)?;
        if variable.is_empty() {
            return Err(Failure::new(format!("cannot draw `{}`: it has no values", variable.name))
                .detail(format!("dimensions {}", dims_in_words(variable))));
        }
        let slab = slab::read(&dataset, variable, &grid, (self.time, self.level), self.nan.into())?;
        let attribute = |name: &str| variable.attributes.text(name).map(str::trim).filter(|t| !t.is_empty());
        let name = attribute("standard_name").or(attribute("long_name")).unwrap_or(&variable.name);
        let title = match &self.title {
            Some(title) => title.clone(),
            None => title_of(attribute("long_name").or(attribute("standard_name")).unwrap_or(&variable.name)),
        };
        let mut subtitle = slab.place.clone();
        subtitle.push(grid.grid.family.to_string());
        let colours = match self.colours {
            None => Colours::for_name(name),
            Some(ColoursName::Sequential) => Colours::Sequential,
            Some(ColoursName::Amount) => Colours::Amount,
            Some(ColoursName::Diverging) => Colours::Diverging,
        };
        let options = MapOptions {
            title,
            subtitle: subtitle.join("  ·  "),
            units: attribute("units").unwrap_or_default().to_owned(),
            colours,
            range: self.range,
            view: self.view,
            width: self.width,
        };
        let file = AtomicFile::create(&self.output, self.force)?;
        let png = map(&grid.grid, &slab.values, slab.valid.as_deref(), &options)?;
        std::fs::write(file.path(), png).map_err(|e| file.error(&e))?;
        Ok(file.commit()?)
    }

    fn variable<'a>(&self, dataset: &'a Dataset) -> Result<(&'a VariableInfo, knarr::io::VariableGrid), Failure> {
        let grid_of = |v| slab::grid_of(dataset, v, self.source_grid.as_deref());
        if let Some(name) = &self.var {
            let variable = dataset.variable(name)?;
            return Ok((variable, grid_of(variable)?));
        }
        let mut first = None;
        for variable in data_variables(dataset) {
            match grid_of(variable) {
                Ok(grid) => return Ok((variable, grid)),
                Err(failure) => first = first.or(Some(failure)),
            }
        }
        Err(first.unwrap_or_else(|| Failure::new(format!("{}: no variable to draw", self.file.display()))))
    }
}

fn dims_in_words(variable: &VariableInfo) -> String {
    variable.dims.iter().map(|(name, len)| format!("{name} = {len}")).collect::<Vec<_>>().join(", ")
}

/// `sea_surface_temperature` and `SEA SURFACE TEMPERATURE` become `Sea surface temperature`.
fn title_of(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let shouting = !spaced.chars().any(char::is_lowercase) && spaced.contains(' ');
    let text = if shouting { spaced.to_lowercase() } else { spaced };
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn parse_view(text: &str) -> Result<View, String> {
    match text {
        "auto" => Ok(View::Auto),
        "global" => Ok(View::Global),
        "north" => Ok(View::North(45.0)),
        "south" => Ok(View::South(-45.0)),
        _ => match numbers(text)[..] {
            [west_deg, east_deg, south_deg, north_deg]
                if (-90.0..90.0).contains(&south_deg)
                    && south_deg < north_deg
                    && north_deg <= 90.0
                    && east_deg - west_deg <= 360.0 =>
            {
                Ok(View::Region { west_deg, east_deg, south_deg, north_deg })
            }
            _ => Err("expected auto, global, north, south or WEST,EAST,SOUTH,NORTH in degrees".to_owned()),
        },
    }
}

fn parse_range(text: &str) -> Result<(f64, f64), String> {
    match numbers(text)[..] {
        [low, high] if low < high => Ok((low, high)),
        _ => Err("expected two numbers LOW,HIGH with LOW < HIGH".to_owned()),
    }
}

/// Numbers separated by commas; none if one is not a finite number.
fn numbers(text: &str) -> Vec<f64> {
    let parsed: Option<Vec<f64>> = text.split(',').map(|t| t.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
    parsed.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_read_like_titles() {
        assert_eq!(title_of("SEA SURFACE TEMPERATURE"), "Sea surface temperature");
        assert_eq!(title_of("air_temperature"), "Air temperature");
        assert_eq!(title_of("SST"), "SST");
        assert_eq!(title_of("Near-Surface Air Temperature"), "Near-Surface Air Temperature");
    }

    #[test]
    fn views_and_ranges_are_read_or_refused() {
        assert_eq!(
            parse_view("-10,40,30,70"),
            Ok(View::Region { west_deg: -10.0, east_deg: 40.0, south_deg: 30.0, north_deg: 70.0 })
        );
        assert!(parse_view("-10,40,70,30").is_err() && parse_view("moon").is_err());
        assert_eq!(parse_range("-1,1"), Ok((-1.0, 1.0)));
        assert!(parse_range("1,1").is_err() && parse_range("a,b").is_err());
    }
}
