//! `knarr grid`: describe a grid, write it, or list the names of grids.

use crate::Outcome;
use crate::failure::Failure;
use crate::options::{self, GridFormatName};
use crate::talk::{self, Talk, number};
use clap::Args;
use knarr::grid::{Grid, specs};
use knarr::io::write_grid;
use std::path::PathBuf;

/// Describe a grid, or write it as a grid file.
#[derive(Args)]
#[command(after_help = "Examples:\n  knarr grid H128n\n  knarr grid ocean.nc:tos -o ocean_scrip.nc --format scrip")]
pub struct GridVerb {
    /// GRID: a file (FILE.nc, FILE.nc:VARIABLE) or a name (see --list)
    #[arg(required_unless_present = "list")]
    grid: Option<String>,
    /// List the names of grids and what they mean
    #[arg(long, conflicts_with_all = ["grid", "output"])]
    list: bool,
    /// Write the grid to FILE
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Layout of the grid file
    #[arg(long, value_enum, default_value_t = GridFormatName::Scrip, requires = "output")]
    format: GridFormatName,
    /// Overwrite FILE if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    force: bool,
    /// List up to N bad cells
    #[arg(long, value_name = "N", default_value_t = 10)]
    bad_cells: usize,
}

/// A grid in words and numbers.
#[derive(serde::Serialize)]
pub struct Description {
    /// Its kind.
    pub kind: String,
    /// How it was recognised.
    pub recognised_by: String,
    /// Extents, slowest first.
    pub shape: Vec<usize>,
    /// Cells.
    pub cells: usize,
    /// Cells that take part.
    pub active_cells: usize,
    /// Where corners come from.
    pub corners: String,
    /// Area of active cells over that of the sphere; nothing for points.
    pub area_over_sphere: Option<f64>,
    /// Longitudes (nothing where they go all around) and latitudes of the centers of active cells.
    pub latitudes_deg: Option<[f64; 2]>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Bad cells by kind.
    pub bad: Vec<BadCount>,
    /// The first bad cells.
    pub bad_cells: Vec<BadCellLine>,
}

/// How many cells have a blemish.
#[derive(serde::Serialize)]
pub struct BadCount {
    /// What was wrong.
    pub blemish: String,
    /// What was done.
    pub action: String,
    /// How many.
    pub cells: usize,
}

/// One bad cell.
#[derive(serde::Serialize)]
pub struct BadCellLine {
    /// Index, 0-based.
    pub cell: usize,
    /// Longitude of its center.
    pub lon_deg: f64,
    /// Latitude of its center.
    pub lat_deg: f64,
    /// What was wrong.
    pub blemish: String,
    /// What was done.
    pub action: String,
}

impl Description {
    /// Describes `grid`, with up to `listed` bad cells.
    pub fn of(grid: &Grid, listed: usize) -> Self {
        let latitudes = (0..grid.len())
            .filter(|&cell| grid.mask.is_active(cell))
            .map(|cell| grid.center(cell).lat_deg)
            .filter(|lat| lat.abs() <= 90.0)
            .fold(None, |range: Option<[f64; 2]>, lat| {
                Some(range.map_or([lat, lat], |[south, north]| [south.min(lat), north.max(lat)]))
            });
        Self {
            kind: grid.family.to_string(),
            recognised_by: grid.report.recognised_by.clone(),
            shape: grid.shape.clone(),
            cells: grid.len(),
            active_cells: grid.active_count(),
            corners: grid.report.corners.to_string(),
            area_over_sphere: grid.has_corners().then(|| grid.covered_fraction()),
            latitudes_deg: latitudes,
            notes: grid.report.notes.clone(),
            bad: grid
                .report
                .summary()
                .into_iter()
                .map(|(blemish, action, cells)| BadCount { blemish: blemish.to_string(), action: action.to_string(), cells })
                .collect(),
            bad_cells: grid
                .report
                .bad_cells
                .iter()
                .take(listed)
                .map(|bad| BadCellLine {
                    cell: bad.cell,
                    lon_deg: bad.center.lon_deg,
                    lat_deg: bad.center.lat_deg,
                    blemish: bad.blemish.to_string(),
                    action: bad.action.to_string(),
                })
                .collect(),
        }
    }

    /// Lines for people, each after `indent`.
    pub fn lines(&self, indent: &str) -> String {
        let shape: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let mut text = format!("{indent}kind        {}\n", self.kind);
        text += &format!("{indent}recognised  {}\n", self.recognised_by);
        let extents = if shape.len() > 1 { format!("{} = ", shape.join(" x ")) } else { String::new() };
        text += &format!("{indent}cells       {extents}{}, {} active\n", self.cells, self.active_cells);
        text += &format!("{indent}corners     {}\n", self.corners);
        if let Some(area) = self.area_over_sphere {
            text += &format!("{indent}area        {area:.12} of the sphere\n");
        }
        if let Some([south, north]) = self.latitudes_deg {
            text += &format!("{indent}latitudes   {} to {}\n", number(south), number(north));
        }
        for note in &self.notes {
            text += &format!("{indent}note        {note}\n");
        }
        for bad in &self.bad {
            text += &format!("{indent}bad cells   {} {}: {}\n", bad.cells, bad.action, bad.blemish);
        }
        for bad in &self.bad_cells {
            let place = format!("{}E {}N", number(bad.lon_deg), number(bad.lat_deg));
            text += &format!("{indent}  cell {} at {place}: {}, {}\n", bad.cell, bad.blemish, bad.action);
        }
        let total: usize = self.bad.iter().map(|b| b.cells).sum();
        if total > self.bad_cells.len() && !self.bad_cells.is_empty() {
            text += &format!("{indent}  and {} more\n", total - self.bad_cells.len());
        }
        text
    }
}

impl GridVerb {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let Some(name) = self.grid.as_deref().filter(|_| !self.list) else {
            return list(json);
        };
        let grid = options::grid(name)?;
        let description = Description::of(&grid, self.bad_cells);
        if json {
            talk::print_json(&description)?;
        } else {
            talk::print(&format!("{name}\n{}", description.lines("  ")))?;
        }
        if let Some(path) = &self.output {
            write_grid(&grid, path, self.format.into(), self.force)?;
            talk.note(&format!("wrote {}", path.display()));
        }
        Ok(Outcome::Fine)
    }
}

fn list(json: bool) -> Result<Outcome, Failure> {
    let all = specs();
    if json {
        let entries: Vec<_> = all.iter().map(|s| serde_json::json!({ "spec": s.spec, "meaning": s.meaning })).collect();
        talk::print_json(&entries)?;
    } else {
        let width = all.iter().map(|s| s.spec.chars().count()).max().unwrap_or(0).min(30);
        let lines: String = all
            .iter()
            .map(|s| {
                if s.spec.chars().count() > width {
                    format!("{}\n{:width$}  {}\n", s.spec, "", s.meaning)
                } else {
                    format!("{:width$}  {}\n", s.spec, s.meaning)
                }
            })
            .collect();
        talk::print(&lines)?;
    }
    Ok(Outcome::Fine)
}
