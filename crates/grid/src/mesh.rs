//! Cells given by their corners, and points.

use crate::repair::{Context, Corners, RawCell, Repaired, is_position, look_at, repair, unit_of};
use crate::{CornerSource, Family, Grid, GridError, Layout, LonLat, Mask, Offsets, Report};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;

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
        match &self.offsets {
            Offsets::Uniform(n) => &self.corners[cell * n..(cell + 1) * n],
            Offsets::PerCell(offsets) => &self.corners[offsets[cell] as usize..offsets[cell + 1] as usize],
        }
    }

    /// Cells to check, made as they are asked for; `padded` says that missing corners at the end of a list only fill it up.
    pub(crate) fn raw_cells<'a>(
        &'a self,
        centers: Option<&'a [LonLat]>,
        padded: bool,
    ) -> Result<impl IndexedParallelIterator<Item = RawCell> + 'a, GridError> {
        let count = self.cell_count()?;
        if let Some(centers) = centers
            && centers.len() != count
        {
            return Err(GridError::WrongLength { what: "list of centers".into(), found: centers.len(), expected: count });
        }
        let raw = move |lately: &mut Lately, cell: usize| {
            let listed = self.cell(cell);
            let used = if padded { listed.iter().rposition(|p| is_position(*p)).map_or(0, |k| k + 1) } else { listed.len() };
            let corners: Option<Corners> = listed[..used].iter().map(|&p| lately.unit_of(p)).collect();
            RawCell { center: centers.map(|c| c[cell]), corners: corners.filter(|c| !c.is_empty()) }
        };
        Ok((0..count).into_par_iter().with_min_len(1 << 12).map_init(Lately::default, raw))
    }
}

/// Positions met lately with their unit vectors: most are corners of several cells, which are near each other in lists.
struct Lately(Vec<(LonLat, UnitVector)>);

/// Positions remembered; a power of two.
const REMEMBERED: usize = 1 << 11;

impl Default for Lately {
    fn default() -> Self {
        // What is not a number is equal to no position.
        Self(vec![(LonLat { lon_deg: f64::NAN, lat_deg: f64::NAN }, [0.0; 3]); REMEMBERED])
    }
}

impl Lately {
    /// [`unit_of`], to the bit.
    fn unit_of(&mut self, p: LonLat) -> Option<UnitVector> {
        let bits = [p.lon_deg.to_bits(), p.lat_deg.to_bits()];
        let mixed = (bits[0].wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ bits[1]).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = &mut self.0[(mixed >> (u64::BITS - REMEMBERED.ilog2())) as usize];
        if slot.0 != p {
            *slot = (p, unit_of(p)?);
        }
        Some(slot.1)
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
        let raw = corners.raw_cells(centers.as_deref(), true)?;
        let context = Context { shape: None, centers_given: centers.is_some(), substitutes: None, mask: &Mask::ALL };
        let mut report = Report::new("cells with corners", CornerSource::Given);
        if centers.is_none() {
            report.notes.push("centers are the centroids of the cells".into());
        }
        let cells = look_at(raw, &context);
        drop(corners);
        let given: Vec<Option<LonLat>> = match centers {
            Some(centers) => centers.into_iter().map(Some).collect(),
            None => vec![None; cells.len()],
        };
        Ok(polygons_grid(Family::Mesh, vec![cells.len()], repair(cells, &given, &context), report))
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
    let active: Vec<bool> = centers.iter().map(|&p| unit_of(p).is_some()).collect();
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
