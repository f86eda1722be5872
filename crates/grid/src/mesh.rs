//! Cells given by their corners, and points.

use crate::repair::{Context, Repaired, is_position, repair};
use crate::{CornerSource, Faces, Family, Grid, GridError, Layout, LonLat, Mask, Offsets, Outlines, Report};

/// Corners of cells as a file lists them: in either orientation, not a number where missing.
#[derive(Clone, Debug, PartialEq)]
pub struct CornerLists {
    /// Corners of all cells, one after another.
    pub corners: Vec<LonLat>,
    /// Where each cell's corners start.
    pub offsets: Offsets,
}

impl CornerLists {
    /// Number of cells.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if the offsets do not fit the corners.
    pub fn cell_count(&self) -> Result<usize, GridError> {
        let total = self.corners.len();
        let wrong = |expected: usize| Err(GridError::WrongLength { what: "list of corners".into(), found: total, expected });
        match &self.offsets {
            Offsets::Uniform(0) => wrong(0),
            Offsets::Uniform(n) if !total.is_multiple_of(*n) => wrong(total.div_ceil(*n) * n),
            Offsets::Uniform(n) => Ok(total / n),
            Offsets::PerCell(offsets) => {
                let last = offsets.last().map_or(0, |&last| last as usize);
                if last != total || offsets.windows(2).any(|w| w[0] > w[1]) || offsets.first() != Some(&0) {
                    return wrong(last);
                }
                Ok(offsets.len() - 1)
            }
        }
    }

    /// Corners of one cell as listed.
    pub fn cell(&self, cell: usize) -> &[LonLat] {
        &self.corners[self.offsets.of(cell)]
    }
}

impl Grid {
    /// Any cells given by their corners, shape `[cell]`; without `centers` their centroids are taken.
    ///
    /// Corners may turn either way, repeat, or be filled up with missing ones. Bad cells are repaired or
    /// dropped one by one and listed in the report.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if lengths do not fit each other.
    pub fn mesh(centers: Option<Vec<LonLat>>, corners: CornerLists) -> Result<Grid, GridError> {
        Self::mesh_of_outlines(centers, Outlines::of_lists(corners)?)
    }

    /// Cells that are faces of a mesh given by its nodes, as UGRID and ESMF files keep them; otherwise as [`Grid::mesh`].
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if a face names a node that is not there, or if there are not as many centers as faces.
    pub fn mesh_of_faces(centers: Option<Vec<LonLat>>, nodes: &[LonLat], faces: Faces) -> Result<Grid, GridError> {
        Self::mesh_of_outlines(centers, Outlines::of_faces(nodes, faces)?)
    }

    /// [`Grid::mesh`] of cells whose corners are numbered already.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if there are not as many centers as outlines.
    pub fn mesh_of_outlines(centers: Option<Vec<LonLat>>, outlines: Outlines) -> Result<Grid, GridError> {
        let context = Context { shape: None, substitutes: None, mask: &Mask::ALL };
        let mut report = Report::new("cells with corners", CornerSource::Given);
        if centers.is_none() {
            report.notes.push("centers are the centroids of the cells".into());
        }
        let shape = vec![outlines.len()];
        Ok(polygons_grid(Family::Mesh, shape, repair(outlines, centers, &context)?, report))
    }

    /// Points without corners, shape `[cell]`; missing ones take no part.
    ///
    /// # Errors
    /// [`GridError::BadAxis`] if there is no usable point.
    pub fn points(centers: Vec<LonLat>) -> Result<Grid, GridError> {
        let shape = vec![centers.len()];
        points_grid(Family::Points, shape, centers, Report::new("points", CornerSource::None))
    }
}

/// Assembles a grid from repaired cells.
pub(crate) fn polygons_grid(family: Family, shape: Vec<usize>, repaired: Repaired, mut report: Report) -> Grid {
    report.notes.extend(repaired.notes);
    report.bad_cells = repaired.bad_cells;
    Grid {
        family,
        shape,
        layout: Layout::Polygons { centers: repaired.centers, polygons: repaired.polygons },
        mask: repaired.mask,
        report,
    }
}

/// Assembles a grid of centers alone.
pub(crate) fn points_grid(
    family: Family,
    shape: Vec<usize>,
    mut centers: Vec<LonLat>,
    mut report: Report,
) -> Result<Grid, GridError> {
    use crate::{Action, BadCell, Blemish};
    let active: Vec<bool> = centers.iter().map(|&p| is_position(p)).collect();
    if !active.contains(&true) {
        return Err(GridError::BadAxis { what: "points".into(), problem: "no position is usable".into() });
    }
    for (cell, _) in active.iter().enumerate().filter(|(_, active)| !**active) {
        let center = LonLat { lon_deg: f64::NAN, lat_deg: f64::NAN };
        report.bad_cells.push(BadCell { cell, center, blemish: Blemish::MissingCoordinate, action: Action::Dropped });
        centers[cell] = LonLat { lon_deg: 0.0, lat_deg: 0.0 };
    }
    Ok(Grid { family, shape, layout: Layout::Points { centers }, mask: Mask::from_active(active), report })
}
