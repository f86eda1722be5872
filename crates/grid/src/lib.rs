//! Where values are: cells, centers, corners, edge kinds, areas and masks of horizontal grids.
//!
//! A [`Grid`] is built from a specification ([`Grid::from_spec`], `"H128n"`, `"r360x180"`), from a file
//! (crate `knarr-io`), or from coordinates: [`Grid::lat_lon`], [`Grid::rotated`], [`Grid::reduced_gaussian`],
//! [`Grid::projected`], [`Grid::curvilinear`], [`Grid::mesh`], [`Grid::mesh_of_faces`], [`Grid::mesh_dual`],
//! [`Grid::points`], [`Grid::healpix`], [`Grid::cubed_sphere`], [`Grid::icosahedral_triangles`]. Its [`Report`] says how it was
//! made and which cells were repaired or dropped.
//! Longitudes and latitudes are degrees, as files write them, so that they return to files unchanged;
//! kernels get unit vectors.

mod areas;
mod axes;
mod axis;
mod boxes;
mod catalogue;
mod centers;
mod cubed_sphere;
mod curvilinear;
mod detail;
mod distinct;
mod dual;
mod error;
mod faces;
mod family;
mod formula;
mod gaussian;
mod grid;
mod healpix;
mod icosahedral;
mod infer;
mod lat_lon;
mod marks;
mod mask;
mod mesh;
mod neighbours;
mod numbering;
mod outlines;
mod polygon;
mod polygons;
mod projected;
mod reduced;
mod repair;
mod repeats;
mod report;
mod rows;
mod sound;
mod spec;

pub use axis::Axis;
pub use boxes::Boxes;
pub use cubed_sphere::{CubedSphere, FacePlace};
pub use detail::Detail;
pub use error::GridError;
pub use faces::Faces;
pub use family::{Family, HealpixOrder, Projection};
pub use formula::{Formula, KnownCorners};
pub use gaussian::{gaussian_edges, gaussian_latitudes, gaussian_weights};
pub use grid::{Grid, Layout, LonLat};
pub use healpix::{Healpix, RingPlace};
pub use icosahedral::IcosahedralTriangles;
pub use mask::Mask;
pub use mesh::CornerLists;
pub use neighbours::Neighbours;
pub use numbering::Listing;
pub use outlines::Outlines;
pub use polygons::{Offsets, Polygons};
pub use report::{Action, BadCell, Blemish, CornerSource, Report};
pub use rows::{Columns, LonAxis, Rows};
pub use spec::{SpecInfo, specs};
