//! Knarr: fields of the Earth system from one grid to another.
//!
//! A file comes in, a file goes out: [`io`] finds the grid of each variable, [`regrid`] makes weights between two
//! grids and applies them, [`metrics`] says how good the result is, [`plot`] shows it, [`exchange`] takes it from one
//! data centre to another, [`coupling`] moves fields between the components of one run.
//!
//! # The tour
//!
//! A grid is a file or a name. Both have cells with centers, corners and areas:
//!
//! ```
//! use knarr::grid::Grid;
//! let healpix = Grid::from_spec("H32n")?;
//! assert_eq!(healpix.len(), 12 * 32 * 32);
//! assert!((healpix.covered_fraction() - 1.0).abs() < 1e-12);
//! # Ok::<(), knarr::grid::GridError>(())
//! ```
//!
//! Weights are made once for a pair of grids, then applied to as many fields as there are:
//!
//! ```
//! use knarr::grid::Grid;
//! use knarr::metrics::AnalyticField;
//! use knarr::regrid::{Method, MissingPolicy, Options, Regridder, Weights};
//!
//! let (source, destination) = (Grid::from_spec("r72x36")?, Grid::from_spec("H16")?);
//! let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative))?;
//! let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
//! let (values, valid) = regridder.apply(&AnalyticField::Sinusoid.at_centers(&source), None)?;
//! assert!(valid.iter().all(|&v| v), "both grids cover the globe");
//! let truth = AnalyticField::Sinusoid.at_centers(&destination);
//! let norms = knarr::metrics::ErrorNorms::of(&values, &truth, None, None)?;
//! assert!(norms.l2 < 0.01);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! From file to file it is one call; the output has CF coordinates and bounds of the new grid, and keeps names,
//! attributes and times:
//!
//! ```
//! use knarr::grid::Grid;
//! use knarr::io::{Dataset, NanPolicy, RegridRequest, VectorOutput, read_grid, regrid_file};
//! use knarr::regrid::{Finish, Method, MissingPolicy, Options};
//! use std::sync::Arc;
//!
//! # let folder = tempfile::tempdir()?;
//! # let output = folder.path().join("on_healpix.nc");
//! # let input = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/orca2_votemper.nc");
//! let request = RegridRequest {
//!     input,
//!     grid_file: None,
//!     output: output.clone(),
//!     destination: Arc::new(Grid::from_spec("H16n")?),
//!     variables: None,
//!     methods: &|_| Options::new(Method::Conservative).into(),
//!     missing: MissingPolicy::Skip { min_valid: 0.0 },
//!     finish: Finish::Sum,
//!     weights: None,
//!     stored: None,
//!     overwrite: false,
//!     nan: NanPolicy::Error,
//!     history: "an example".to_owned(),
//!     memory_limit: 1 << 28,
//!     vectors: VectorOutput::Earth,
//!     pairs: Vec::new(),
//! };
//! let report = regrid_file(&request, &mut |_| ())?;
//! assert_eq!(report.variables[0].name, "votemper");
//! // What the ocean cells hold is in the HEALPix cells, to rounding.
//! let variable = &report.variables[0];
//! assert!(variable.conservation.is_some_and(|c| c.relative_error.abs() < variable.rounding));
//!
//! let written = Dataset::open(&output)?;
//! let grid = read_grid(&written, "votemper")?;
//! assert_eq!(grid.grid.family.to_string(), "HEALPix nside 16 nested");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use knarr_bench as bench;
pub use knarr_coupling as coupling;
pub use knarr_exchange as exchange;
pub use knarr_field as field;
pub use knarr_grid as grid;
pub use knarr_io as io;
pub use knarr_kernels as kernels;
pub use knarr_metrics as metrics;
pub use knarr_plot as plot;
pub use knarr_regrid as regrid;
