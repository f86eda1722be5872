//! Where values are: cells, centers, corners, edge kinds, areas and masks of horizontal grids.
//!
//! A [`Grid`] is built from a specification ([`Grid::from_spec`], `"H128n"`, `"r360x180"`), from a file
//! (crate `knarr-io`), or from coordinates by the constructors of [`Rows`], [`Healpix`] and [`Polygons`].
//! Longitudes and latitudes are degrees, as files write them, so that they return to files unchanged;
//! kernels get unit vectors.

mod error;
mod family;
mod grid;
mod mask;
mod polygons;
mod report;
mod rows;

pub use error::GridError;
pub use family::{Family, HealpixOrder, Projection};
pub use grid::{Grid, Layout, LonLat};
pub use mask::Mask;
pub use polygons::{Offsets, Polygons};
pub use report::{Action, BadCell, Blemish, CornerSource, Report};
pub use rows::{Columns, LonAxis, Rows};
