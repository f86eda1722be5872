//! Maps one can look at: one slab of values on any grid becomes a PNG.
//!
//! [`map`] colours every pixel by the cell it lies in, so that what is seen is what the cells are, on
//! structured and on unstructured grids; it adds the coastline, a graticule, a colour bar with units and a title.
//! The same input gives the same bytes.
//!
//! ```
//! use knarr_grid::{Columns, CornerSource, Family, Grid, Layout, LonAxis, Mask, Report, Rows};
//! use knarr_plot::{MapOptions, map};
//!
//! let lats: Vec<f64> = (0..18).map(|j| -85.0 + 10.0 * f64::from(j)).collect();
//! let lons: Vec<f64> = (0..36).map(|i| 5.0 + 10.0 * f64::from(i)).collect();
//! let around = |centers: &[f64]| centers.iter().map(|c| [c - 5.0, c + 5.0]).collect::<Vec<_>>();
//! let grid = Grid {
//!     family: Family::LatLon,
//!     shape: vec![18, 36],
//!     layout: Layout::Rows(Rows {
//!         rotation: None,
//!         lat_bounds_deg: around(&lats),
//!         lats_deg: lats,
//!         columns: Columns::Shared(LonAxis { bounds_deg: around(&lons), centers_deg: lons }),
//!     }),
//!     mask: Mask::ALL,
//!     report: Report::new("an example", CornerSource::Formula),
//! };
//! let values: Vec<f64> = (0..grid.len()).map(|cell| grid.center(cell).lat_deg).collect();
//! let png = map(&grid, &values, None, &MapOptions { title: "Latitude".into(), ..MapOptions::default() })?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), knarr_plot::PlotError>(())
//! ```

mod cells;
mod coast;
mod colours;
mod error;
mod figure;
mod graticule;
mod lookup;
mod map;
mod text;
mod ticks;
mod units;
mod view;

pub use colours::{Colours, Scale};
pub use error::PlotError;
pub use map::{MapOptions, map};
pub use view::View;
