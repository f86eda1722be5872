//! The grids of both sides.

use serde::{Deserialize, Serialize};

/// What is known about a grid; `knarr_grid::Grid::from_spec` builds those that are fully specified, by `id`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "names and units say it, as in the data")]
pub struct GridEntry {
    pub id: String,
    pub family: String,
    pub ni: Option<usize>,
    pub nj: Option<usize>,
    /// Spacing, of both axes or of each.
    pub d_deg: Option<OneOrTwo>,
    /// First point in the rotated frame: latitude, longitude.
    pub rot_first: Option<[f64; 2]>,
    /// Last point in the rotated frame: latitude, longitude.
    pub rot_last: Option<[f64; 2]>,
    /// South pole of the rotation: latitude, longitude.
    pub south_pole: Option<[f64; 2]>,
    pub rotation_angle: Option<f64>,
    pub scan: Option<String>,
    /// First point: latitude, longitude.
    pub first: Option<[f64; 2]>,
    pub lat_range: Option<[f64; 2]>,
    pub panels: Option<usize>,
    pub dx_m: Option<f64>,
    pub x0_m: Option<f64>,
    pub y0_m: Option<f64>,
    pub lat_origin: Option<f64>,
    pub lon_vertical: Option<f64>,
    pub scale_factor: Option<f64>,
    pub true_lat: Option<f64>,
    pub false_easting: Option<f64>,
    pub false_northing: Option<f64>,
    pub nside: Option<usize>,
    pub order: Option<String>,
    /// Latitudes between pole and equator.
    pub n: Option<usize>,
    pub npix: Option<usize>,
    pub mean_spacing_km: Option<f64>,
    pub spacing_m: Option<[f64; 2]>,
    pub tier: Option<String>,
    pub truncation: Option<String>,
    pub levels: Option<usize>,
    pub max_depth_m: Option<f64>,
    pub members: Option<usize>,
    pub users: Option<Vec<String>>,
    /// Along what vector components are.
    pub winds: Option<Winds>,
    /// How well it is known.
    pub status: GridStatus,
    pub note: Option<String>,
}

/// A value for both axes, or one for each.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum OneOrTwo {
    /// For both.
    One(f64),
    /// Along longitude, along latitude.
    Two([f64; 2]),
}

/// Along what vector components are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Winds {
    /// The axes of the grid.
    GridRelative,
    /// East and north.
    EarthRelative,
}

/// How well a grid is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GridStatus {
    /// Read from a file header or a decoder's log.
    Verified,
    /// From a documentation table only.
    Documented,
    /// Computed.
    Derived,
    /// From one source.
    Unverified,
}
