//! Cells between the parallels and meridians of one pole: lat-lon, Gaussian, reduced Gaussian, rotated lat-lon.

use crate::LonLat;
use knarr_kernels::sphere::{Rotation, unit_vector};

/// Centers and bounds of cells along a parallel, in degrees of the frame.
#[derive(Clone, Debug, PartialEq)]
pub struct LonAxis {
    /// Centers, in the order stored.
    pub centers_deg: Vec<f64>,
    /// West and east end of each cell, west < east <= west + 360; no relation to 0..360 is assumed.
    pub bounds_deg: Vec<[f64; 2]>,
}

/// The longitudes of the rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Columns {
    /// All rows have the same longitudes.
    Shared(LonAxis),
    /// Row `j` has `counts[j]` equal cells around the globe, the first centered at longitude 0.
    Reduced {
        /// Cells per row.
        counts: Vec<usize>,
        /// First cell of each row, and the number of all cells at the end.
        starts: Vec<usize>,
    },
}

impl Columns {
    /// West and east end of a column in a row of `count` cells, in degrees of the frame.
    #[inline]
    pub fn bounds_deg(&self, column: usize, count: usize) -> [f64; 2] {
        match self {
            Self::Shared(lon) => lon.bounds_deg[column],
            Self::Reduced { .. } => [-0.5, 0.5].map(|half| 360.0 * (column as f64 + half) / count as f64),
        }
    }
}

/// Rows of cells between parallels; cell edges are parallels and meridians of the frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// `frame_from_geographic`; `None` where the frame is the geographic one.
    pub rotation: Option<Rotation>,
    /// Center latitudes of the rows, in the order stored.
    pub lats_deg: Vec<f64>,
    /// South and north end of each row, south < north.
    pub lat_bounds_deg: Vec<[f64; 2]>,
    /// Longitudes.
    pub columns: Columns,
}

impl Rows {
    /// Number of cells.
    pub fn len(&self) -> usize {
        match &self.columns {
            Columns::Shared(lon) => lon.centers_deg.len() * self.lats_deg.len(),
            Columns::Reduced { starts, .. } => *starts.last().expect("starts has one more value than rows"),
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row and column of `cell`.
    pub fn row_column(&self, cell: usize) -> (usize, usize) {
        match &self.columns {
            Columns::Shared(lon) => (cell / lon.centers_deg.len(), cell % lon.centers_deg.len()),
            Columns::Reduced { starts, .. } => {
                let row = starts.partition_point(|&s| s <= cell) - 1;
                (row, cell - starts[row])
            }
        }
    }

    /// Center of `cell` in degrees of the frame.
    pub fn frame_center_deg(&self, cell: usize) -> (f64, f64) {
        let (row, column) = self.row_column(cell);
        let lon = match &self.columns {
            Columns::Shared(lon) => lon.centers_deg[column],
            Columns::Reduced { counts, .. } => 360.0 * column as f64 / counts[row] as f64,
        };
        (lon, self.lats_deg[row])
    }

    /// Geographic position of the center of `cell`.
    pub fn center(&self, cell: usize) -> LonLat {
        let (lon_deg, lat_deg) = self.frame_center_deg(cell);
        match &self.rotation {
            None => LonLat { lon_deg, lat_deg },
            Some(rotation) => LonLat::from_unit(rotation.apply_inverse(unit_vector(lon_deg, lat_deg))),
        }
    }

    /// West, east, south and north end of `cell` in degrees of the frame.
    pub fn frame_bounds_deg(&self, cell: usize) -> ([f64; 2], [f64; 2]) {
        let (row, column) = self.row_column(cell);
        let count = match &self.columns {
            Columns::Shared(lon) => lon.centers_deg.len(),
            Columns::Reduced { counts, .. } => counts[row],
        };
        (self.columns.bounds_deg(column, count), self.lat_bounds_deg[row])
    }
}
