//! A file translated: what is asked for, what was done, and the steps in between.

use super::TranslateError;
use super::pass::{Direction, pass};
use crate::catalogue::{Catalogue, Convention, FieldMethod};
use knarr_field::DateTime;
use knarr_grid::{Family, Grid, HealpixOrder};
use knarr_io::{Dataset, NanPolicy, RegridRequest, VectorOutput, read_grid, regrid_file};
use knarr_regrid::{Finish, Method, MissingPolicy, Options};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What values of a file are over time, where the file does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Totals since the start of the run, or of their intervals where the file has bounds that say so.
    Total,
    /// Means over intervals, or values at instants.
    Mean,
}

/// Along what the vectors of a file are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VectorAxes {
    /// As the convention says; standard names of components along x and y count more.
    #[default]
    Auto,
    /// Along the axes of the grid.
    Grid,
    /// East and north.
    Earth,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The file to read.
    pub input: PathBuf,
    /// The file to write.
    pub output: PathBuf,
    /// The convention of the file.
    pub from: Convention,
    /// The convention wanted.
    pub to: Convention,
    /// The grid wanted; that of the file if not given.
    pub to_grid: Option<Arc<Grid>>,
    /// Variables to translate; all if not given.
    pub variables: Option<Vec<String>>,
    /// Which field a variable is, where its name does not tell.
    pub fields: HashMap<String, String>,
    /// Units of a variable, in place of those of the file.
    pub units: HashMap<String, String>,
    /// Statistic of a variable, in place of what the file says.
    pub statistics: HashMap<String, Statistic>,
    /// Along what vectors are.
    pub axes: VectorAxes,
    /// When the run started, where the file does not tell.
    pub start: Option<DateTime>,
    /// Whether an existing output is replaced.
    pub overwrite: bool,
    /// What NaN means where no attribute tells.
    pub nan: NanPolicy,
    /// The catalogue.
    pub catalogue: &'a Catalogue,
}

/// What became of a field.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct FieldReport {
    /// Its id.
    pub field: String,
    /// Variables it was made from.
    pub from: Vec<String>,
    /// Variables it became.
    pub to: Vec<String>,
    /// What was done, in order.
    pub operations: Vec<String>,
    /// Smallest and largest canonical value.
    pub range: Option<[f64; 2]>,
    /// Canonical values outside the hard limits of the catalogue.
    pub out_of_range: usize,
    /// Decreases of totals that packing explains, set to zero.
    pub clipped: usize,
    /// What was assumed.
    pub remarks: Vec<String>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Report {
    /// Fields, as they were read.
    pub read: Vec<FieldReport>,
    /// Fields, as they were written.
    pub written: Vec<FieldReport>,
    /// Method by which each field was regridded.
    pub regridded: Vec<(String, String)>,
    /// Variables left out, and why.
    pub left_out: Vec<(String, String)>,
}

impl Report {
    /// Values outside the hard limits, of all fields.
    pub fn out_of_range(&self) -> usize {
        self.read.iter().map(|f| f.out_of_range).sum()
    }
}

/// Translates a file. The output appears whole or not at all.
///
/// # Errors
/// [`TranslateError`].
pub fn translate(request: &Request<'_>) -> Result<Report, TranslateError> {
    // An output that exists is told before the work is done.
    drop(knarr_io::atomic::AtomicFile::create(&request.output, request.overwrite)?);
    let parent = request.output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = tempfile::Builder::new()
        .prefix(".knarr-translate-")
        .tempdir_in(parent)
        .map_err(|source| TranslateError::Folder { path: request.output.display().to_string(), source })?;
    let mut report = Report::default();
    let canonical = folder.path().join("canonical.nc");
    let inward = pass(request, &request.input, &canonical, Direction::ToCanonical, &[])?;
    (report.read, report.left_out) = (inward.fields, inward.left_out);
    let on_grid = folder.path().join("on_grid.nc");
    let destination = match &request.to_grid {
        Some(grid) => Some(grid.clone()),
        None => nested_instead_of_ring(&canonical, request.to)?,
    };
    let canonical = match destination {
        Some(destination) => {
            report.regridded = regrid(request, &canonical, &on_grid, destination)?;
            on_grid
        }
        None => canonical,
    };
    let outward = pass(request, &canonical, &request.output, Direction::FromCanonical, &inward.ratios)?;
    report.written = outward.fields;
    report.left_out.extend(outward.left_out);
    Ok(report)
}

/// DestinE orders HEALPix cells nested: the nested grid where a file has rings.
fn nested_instead_of_ring(path: &Path, to: Convention) -> Result<Option<Arc<Grid>>, TranslateError> {
    if !to.is_destine() {
        return Ok(None);
    }
    let dataset = Dataset::open(path)?;
    let grids =
        dataset.variables().iter().filter(|v| v.role == knarr_io::Role::Data).filter_map(|v| read_grid(&dataset, &v.name).ok());
    for grid in grids {
        if let Family::Healpix { nside, order: HealpixOrder::Ring } = grid.grid.family {
            let nested = Grid::healpix(nside, HealpixOrder::Nested).expect("the ring grid has a valid size");
            return Ok(Some(Arc::new(nested)));
        }
    }
    Ok(None)
}

/// Regrids each field by its own rule; conservatively only where both grids have corners.
fn regrid(
    request: &Request<'_>,
    input: &Path,
    output: &Path,
    destination: Arc<Grid>,
) -> Result<Vec<(String, String)>, TranslateError> {
    let dataset = Dataset::open(input)?;
    let mut methods: HashMap<String, Method> = HashMap::new();
    for field in dataset.variables().iter().filter_map(|v| request.catalogue.field(&v.name).ok()) {
        let source = read_grid(&dataset, &field.id)?.grid;
        let same_cells = match (&source.family, &destination.family) {
            (Family::Healpix { nside: a, .. }, Family::Healpix { nside: b, .. }) => a == b,
            _ => false,
        };
        let method = match field.regrid.method {
            // The same cells in another order.
            _ if same_cells => Method::Nearest,
            FieldMethod::Conservative if !(source.has_corners() && destination.has_corners()) => Method::Bilinear,
            method => method.method(),
        };
        methods.insert(field.id.clone(), method);
    }
    let regridded = regrid_file(
        &RegridRequest {
            input: input.to_owned(),
            grid_file: None,
            output: output.to_owned(),
            destination,
            variables: None,
            methods: &|variable| Options::new(methods.get(&variable.name).copied().unwrap_or(Method::Bilinear)).into(),
            missing: MissingPolicy::Skip { min_valid: 0.0 },
            finish: Finish::Sum,
            weights: None,
            stored: None,
            overwrite: true,
            nan: request.nan,
            history: String::new(),
            memory_limit: 512 << 20,
            vectors: VectorOutput::Earth,
            pairs: Vec::new(),
        },
        &mut |_| (),
    )?;
    Ok(regridded.variables.into_iter().map(|v| (v.name, v.method)).collect())
}
