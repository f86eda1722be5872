//! Fields of a file as series by region: what is asked for, the work, what came of it.

use super::{csv, netcdf};
use crate::decode::{Decoder, NanPolicy, Purpose};
use crate::plan::Plan;
use crate::{Dataset, IoError, Role, SlabOrder, VariableInfo, times};
use knarr_field::Attributes;
use knarr_grid::Grid;
use knarr_regrid::regions::{Region, RegionEdges, RegionField, RegionOverlaps, Statistic};
use std::path::PathBuf;
use std::sync::Arc;

/// Radius (m) of the sphere that has the area of the Earth: areas of regions come out as published ones, to the half
/// percent by which parallels of a sphere and of the ellipsoid differ.
pub(super) const AUTHALIC_RADIUS_M: f64 = 6_371_007.181;

/// A statistic and its name in columns and variables.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedStatistic {
    /// `mean`, `p90`, ...
    pub name: String,
    /// What it is.
    pub statistic: Statistic,
}

impl NamedStatistic {
    /// Names that are understood.
    pub const NAMES: &str = "mean, integral, sum, min, max, std, median, p0 to p100, area, valid, count";

    /// The statistic of that name; `None` for any other.
    pub fn parse(name: &str) -> Option<Self> {
        let statistic = match name {
            "mean" => Statistic::Mean,
            "integral" => Statistic::Integral,
            "sum" => Statistic::Sum,
            "min" => Statistic::Min,
            "max" => Statistic::Max,
            "std" => Statistic::StandardDeviation,
            "median" => Statistic::Percentile(50.0),
            "area" => Statistic::Area,
            "valid" => Statistic::ValidShare,
            "count" => Statistic::Count,
            _ => {
                let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Statistic::Percentile(percent))?
            }
        };
        Some(Self { name: name.to_owned(), statistic })
    }

    /// Units of the statistic of a variable in `units`.
    pub(super) fn units(&self, units: &str) -> String {
        match self.statistic {
            Statistic::Integral if matches!(units, "" | "1") => "m2".to_owned(),
            Statistic::Integral => format!("{units} m2"),
            Statistic::Area => "m2".to_owned(),
            Statistic::ValidShare | Statistic::Count => "1".to_owned(),
            _ => units.to_owned(),
        }
    }

    /// What a value on the unit sphere is multiplied with.
    fn factor(&self) -> f64 {
        match self.statistic {
            Statistic::Integral | Statistic::Area => AUTHALIC_RADIUS_M * AUTHALIC_RADIUS_M,
            _ => 1.0,
        }
    }
}

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// A table of text.
    Csv(csv::CsvLayout),
    /// NetCDF with a dimension of regions.
    Netcdf,
}

/// What is to be done.
pub struct RegionsRequest {
    /// The file to read.
    pub input: PathBuf,
    /// Where grids come from if the file lacks them.
    pub grid_file: Option<PathBuf>,
    /// The file to write.
    pub output: PathBuf,
    /// How to write it.
    pub format: TableFormat,
    /// The regions.
    pub regions: Vec<Region>,
    /// What joins their positions.
    pub edges: RegionEdges,
    /// Variables to take; all that have a grid if not given.
    pub variables: Option<Vec<String>>,
    /// What to make of them.
    pub statistics: Vec<NamedStatistic>,
    /// Least share of a region that valid cells cover.
    pub min_valid: f64,
    /// What NaN means where no attribute tells.
    pub nan: NanPolicy,
    /// Whether an existing output is replaced.
    pub overwrite: bool,
    /// Line added to the `history` attribute.
    pub history: String,
}

/// A variable by region.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionSeries {
    /// Name of the variable.
    pub name: String,
    /// Its attributes, as in the file.
    pub attributes: Attributes,
    /// The dimensions that are not horizontal: name, and a label for each step (ISO time, value of a level).
    pub dims: Vec<(String, Vec<String>)>,
    /// Values: `[slab][region][statistic]`, slabs over the dimensions with the last one fastest.
    pub values: Vec<Option<f64>>,
}

/// How far the cells of the file's first grid reach into a region.
#[derive(Clone, Debug, PartialEq)]
pub struct ReachedRegion {
    /// Its name.
    pub name: String,
    /// Its area in m².
    pub area_m2: f64,
    /// Cells that share area with it.
    pub cells: usize,
    /// Part of it that active cells cover, 0 to 1.
    pub covered: f64,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionReport {
    /// The regions, in the order of the polygons' file; by the grid of the first variable.
    pub regions: Vec<ReachedRegion>,
    /// The variables, in the order of the file.
    pub variables: Vec<RegionSeries>,
    /// Variables left out, and why.
    pub skipped: Vec<(String, String)>,
}

/// Makes statistics of the variables of a file by region and writes them as a table.
///
/// # Errors
/// [`IoError`]: variables that are not there or have no grid, a grid of points, values that cannot be read, an output
/// that exists or cannot be written.
pub fn regions_file(request: &RegionsRequest) -> Result<RegionReport, IoError> {
    let dataset = Dataset::open(&request.input)?;
    let mut plan = Plan::new(&dataset, request.grid_file.as_deref(), request.variables.as_deref())?;
    // Coordinates that vary over cells (heights of hybrid levels) say nothing of a region.
    plan.regridded.retain(|(name, _)| dataset.variable(name).is_ok_and(|v| v.role != Role::Coordinate));
    let output = crate::atomic::AtomicFile::create(&request.output, request.overwrite)?;
    let mut known: Vec<(Arc<Grid>, RegionOverlaps)> = Vec::new();
    let mut variables = Vec::new();
    for (name, grid) in &plan.regridded {
        let at = match known.iter().position(|(g, _)| Arc::ptr_eq(g, &grid.grid) || *g == grid.grid) {
            Some(at) => at,
            None => {
                let overlaps = RegionOverlaps::build(&grid.grid, &request.regions, request.edges)
                    .map_err(|source| IoError::Regrid { path: request.input.clone(), variable: name.clone(), source })?;
                known.push((grid.grid.clone(), overlaps));
                known.len() - 1
            }
        };
        variables.push(series(request, &dataset, name, grid, &known[at].1)?);
    }
    let overlaps = &known.first().expect("a plan has at least one variable").1;
    let regions: Vec<ReachedRegion> = request
        .regions
        .iter()
        .enumerate()
        .map(|(r, region)| ReachedRegion {
            name: region.name.clone(),
            area_m2: overlaps.region_areas[r] * AUTHALIC_RADIUS_M * AUTHALIC_RADIUS_M,
            cells: overlaps.links(r).len(),
            covered: overlaps.covered(r),
        })
        .collect();
    let report = RegionReport { regions, variables, skipped: plan.skipped.clone() };
    match request.format {
        TableFormat::Csv(layout) => {
            let text = csv::table(&report, &request.statistics, layout);
            std::fs::write(output.path(), text).map_err(|e| output.error(&e))?;
            output.commit()?;
        }
        TableFormat::Netcdf => {
            // The NetCDF library makes its own file; this one only showed that it can be written.
            drop(output);
            netcdf::write(request, &dataset, &plan, &report)?;
        }
    }
    Ok(report)
}

/// Slabs read at a time.
const BATCH_VALUES: usize = 1 << 24;

fn series(
    request: &RegionsRequest,
    dataset: &Dataset,
    name: &str,
    grid: &crate::VariableGrid,
    overlaps: &RegionOverlaps,
) -> Result<RegionSeries, IoError> {
    let info = dataset.variable(name)?;
    let decoder = Decoder::new(dataset.file(), dataset.file().variable(name)?, Purpose::Data)?;
    let order = SlabOrder::new(dataset, info, grid)?;
    let dims: Vec<(String, Vec<String>)> = order.extra.iter().map(|&i| labels(dataset, info, &info.dims[i])).collect();
    let slabs: usize = dims.iter().map(|(_, labels)| labels.len()).product();
    let wanted: Vec<Statistic> = request.statistics.iter().map(|s| s.statistic).collect();
    let batch = (BATCH_VALUES / grid.grid.len().max(1)).max(1);
    let mut values = Vec::with_capacity(slabs * overlaps.len() * wanted.len());
    let mut start = 0;
    while start < slabs {
        let end = (start + batch).min(slabs);
        let read = dataset.read_slabs_with(&decoder, name, grid, start..end, request.nan)?;
        for k in 0..end - start {
            let field = RegionField {
                values: read.values.row(k).to_slice().expect("slabs are contiguous"),
                valid: read.valid.as_ref().map(|v| v.row(k).to_slice().expect("slabs are contiguous")),
            };
            for region in overlaps.statistics(field, &wanted, request.min_valid) {
                values.extend(region.iter().zip(&request.statistics).map(|(v, s)| v.map(|v| v * s.factor())));
            }
        }
        start = end;
    }
    Ok(RegionSeries { name: name.to_owned(), attributes: info.attributes.clone(), dims, values })
}

/// Labels of the steps of a dimension: ISO 8601 times, values of the coordinate, else numbers from 0.
fn labels(dataset: &Dataset, variable: &VariableInfo, (dim, len): &(String, usize)) -> (String, Vec<String>) {
    let time = times::time_of(dataset, variable).filter(|t| t.dimension.as_ref() == Some(dim));
    if let Some(Ok(axis)) = time.map(|t| t.axis) {
        return (dim.clone(), (0..*len).map(|step| axis.label(step).replacen(' ', "T", 1)).collect());
    }
    let coordinate = dataset.variable(dim).ok().filter(|c| c.dims.len() == 1 && c.dtype.number().is_some());
    let values = coordinate.and_then(|c| dataset.file().read(&c.name).ok());
    let label = |step: usize| values.as_ref().and_then(|v| v.get(step)).map_or(step.to_string(), |&v| csv::number(v));
    (dim.clone(), (0..*len).map(label).collect())
}
