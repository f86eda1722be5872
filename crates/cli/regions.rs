//! `knarr regions`: fields summed up in polygons, as a table.

use crate::Outcome;
use crate::failure::Failure;
use crate::options::{self, NanName};
use crate::talk::{self, Talk, number};
use clap::{Args, ValueEnum};
use knarr::io::regions::{CsvLayout, NamedStatistic, RegionReport, RegionsRequest, TableFormat, read_regions, regions_file};
use knarr::io::{GridFormat, write_grid};
use knarr::regrid::regions::RegionEdges;
use std::path::{Path, PathBuf};

/// Sum up fields in polygons: means, sums, extremes and percentiles per region, time and level, as a table.
///
/// Cells count by the area they share with a region, exactly, on any grid with cell corners. Polygons may have holes
/// and many parts, cross the antimeridian and contain poles; shapes of the same name are one region.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  knarr regions tas.nc --polygons watersheds.geojson -o tas.csv\n  knarr regions tas.nc --polygons countries.shp:CONTINENT -o tas.nc --statistics mean,p10,p90\n\nFormulas (a: area that cell and region share, A: area of the cell, v: its value, over valid cells):\n  mean Σav/Σa; integral Σav in m²; sum Σ(a/A)v; min and max of cells that share area; std √(Σa(v-mean)²/Σa);\n  p50, median: the least v up to which cells make up half of Σa (the middle of two where they make it up exactly);\n  area of the region; valid: Σa over it; count of cells"
)]
pub struct Regions {
    /// File to read
    pub file: PathBuf,
    /// Polygons: GeoJSON, TopoJSON or shapefile in longitude and latitude, and the property that names them
    #[arg(long, value_name = "FILE[:NAME_PROPERTY]")]
    pub polygons: String,
    /// Write the table to OUTPUT (.csv or .nc)
    #[arg(short, long)]
    pub output: PathBuf,
    /// Take these variables only, separated by commas (default: all that have a grid)
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub vars: Option<Vec<String>>,
    /// Statistics: mean, integral, sum, min, max, std, median, p0 to p100, area, valid, count
    #[arg(long, value_delimiter = ',', value_name = "A,B", default_value = "mean,min,max,valid", value_parser = statistic)]
    pub statistics: Vec<NamedStatistic>,
    /// Lines of a CSV: one per variable, step and region (long), or regions side by side (wide)
    #[arg(long, value_enum, default_value_t = LayoutName::Long)]
    pub layout: LayoutName,
    /// Join positions of polygons by straight lines in longitude and latitude, or by great circles
    #[arg(long, value_enum, default_value_t = EdgesName::Lonlat)]
    pub edges: EdgesName,
    /// Leave a value empty if valid cells cover less than the share F (0 to 1) of the region
    #[arg(long, value_name = "F", default_value = "0", value_parser = options::share)]
    pub min_valid: f64,
    /// Take the grid of the input from GRID, matched by dimension sizes
    #[arg(long, value_name = "GRID", alias = "grid")]
    pub source_grid: Option<String>,
    /// Take NaN without a fill value as an error or as missing
    #[arg(long, value_enum, default_value_t = NanName::Error)]
    pub nan: NanName,
    /// Overwrite OUTPUT if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    pub force: bool,
}

/// Layouts of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LayoutName {
    /// A line for each region
    Long,
    /// Regions side by side
    Wide,
}

/// Names of edges of polygons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EdgesName {
    /// Straight in longitude and latitude, as GeoJSON says
    Lonlat,
    /// Great circles
    GreatCircle,
}

fn statistic(name: &str) -> Result<NamedStatistic, String> {
    NamedStatistic::parse(name.trim()).ok_or_else(|| format!("expected some of {}", NamedStatistic::NAMES))
}

#[derive(serde::Serialize)]
struct Region<'a> {
    name: &'a str,
    area_km2: f64,
    cells: usize,
    covered: f64,
}

impl Regions {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let format = self.format()?;
        let (path, property) = polygons_argument(&self.polygons);
        let polygons = read_regions(path, property).map_err(|e| {
            Failure::from(e).or_hint(|| "`knarr regions --help` tells which files of polygons are read".to_owned())
        })?;
        polygons.remarks.iter().for_each(|remark| talk.note(remark));
        // Holds a grid that is made for the run.
        let folder = tempfile::tempdir().map_err(|e| Failure::new(format!("cannot make a temporary folder: {e}")))?;
        let request = RegionsRequest {
            input: self.file.clone(),
            grid_file: self.grid_file(folder.path())?,
            output: self.output.clone(),
            format,
            regions: polygons.regions,
            edges: match self.edges {
                EdgesName::Lonlat => RegionEdges::LonLat,
                EdgesName::GreatCircle => RegionEdges::GreatCircle,
            },
            variables: self.vars.clone(),
            statistics: self.statistics.clone(),
            min_valid: self.min_valid,
            nan: self.nan.into(),
            overwrite: self.force,
            history: format!("knarr {}: regions", env!("CARGO_PKG_VERSION")),
        };
        let report = regions_file(&request).map_err(|e| self.explain(e))?;
        tell(&report, talk);
        let regions: Vec<Region> = report
            .regions
            .iter()
            .map(|r| Region { name: &r.name, area_km2: r.area_m2 * 1e-6, cells: r.cells, covered: r.covered })
            .collect();
        if json {
            talk::print_json(&regions)?;
        } else if talk.level >= 0 {
            talk::print(&table(&regions))?;
        }
        talk.note(&format!("wrote {}", self.output.display()));
        Ok(Outcome::Fine)
    }

    fn format(&self) -> Result<TableFormat, Failure> {
        let layout = match self.layout {
            LayoutName::Long => CsvLayout::Long,
            LayoutName::Wide => CsvLayout::Wide,
        };
        match self.output.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Ok(TableFormat::Csv(layout)),
            Some("nc" | "nc4" | "cdf") => Ok(TableFormat::Netcdf),
            _ => Err(Failure::new(format!("{}: cannot tell how to write it", self.output.display()))
                .detail("expected a name that ends in .csv or .nc")
                .hint("name the output `OUTPUT.csv` or `OUTPUT.nc`")),
        }
    }

    fn grid_file(&self, folder: &Path) -> Result<Option<PathBuf>, Failure> {
        let Some(text) = &self.source_grid else { return Ok(None) };
        if Path::new(text).is_file() {
            return Ok(Some(text.into()));
        }
        let made = folder.join("grid.nc");
        write_grid(&*options::grid(text)?, &made, GridFormat::Cf, false)?;
        Ok(Some(made))
    }

    /// Regions need corners, whatever the method.
    fn explain(&self, error: knarr::io::IoError) -> Failure {
        use knarr::regrid::RegridError;
        match &error {
            knarr::io::IoError::Regrid { source: RegridError::NoCorners { .. }, variable, .. } => Failure::new(format!(
                "cannot sum up `{variable}`: its grid has no cell corners"
            ))
            .detail(format!("{}: points without areas", self.file.display()))
            .hint("`knarr regrid FILE -o OUT.nc --to GRID` puts it on a grid of cells first; `--source-grid GRID` gives its own"),
            _ => error.into(),
        }
    }
}

/// `FILE` or `FILE:NAME_PROPERTY`.
fn polygons_argument(text: &str) -> (&Path, Option<&str>) {
    match text.rsplit_once(':') {
        Some((path, property)) if !Path::new(text).exists() => (Path::new(path), Some(property)),
        _ => (Path::new(text), None),
    }
}

fn tell(report: &RegionReport, talk: Talk) {
    for (name, why) in &report.skipped {
        talk.note(&format!("left out {name}: {why}"));
    }
    let unreached: Vec<&str> = report.regions.iter().filter(|r| r.cells == 0).map(|r| r.name.as_str()).collect();
    if !unreached.is_empty() {
        talk.note(&format!("no cell reaches {} of {} regions: {}", unreached.len(), report.regions.len(), unreached.join(", ")));
    }
}

fn table(regions: &[Region]) -> String {
    let mut rows = vec![["region", "area km2", "cells", "covered"].map(str::to_owned).to_vec()];
    rows.extend(
        regions.iter().map(|r| vec![r.name.to_owned(), number(r.area_km2), r.cells.to_string(), format!("{:.4}", r.covered)]),
    );
    talk::table(&rows)
}
