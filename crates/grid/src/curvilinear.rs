//! Grids with two-dimensional longitudes and latitudes.

use crate::infer::corners_from_centers;
use crate::mesh::{points_grid, polygons_grid};
use crate::outlines::Outlines;
use crate::polygon::{chord, perimeter};
use crate::repair::{Context, Repaired, repair, unit_of};
use crate::{Axis, CornerLists, CornerSource, Family, Grid, GridError, LonLat, Mask, Report};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;

impl Grid {
    /// Cells of a curvilinear grid of `shape` `[rows, columns]`, columns fastest, such as ORCA.
    ///
    /// Given corners are checked and repaired cell by cell; cells whose corners are broken get inferred ones.
    /// Missing ones are inferred in 3-D: a corner is the
    /// mean of the four centers around it as unit vectors, and centers beyond the rim are mirrored. Rows that
    /// close the circle, their halo columns, and the north fold of tripolar grids are recognised first, so
    /// that the right neighbours meet and no corner lies across a seam. Two-dimensional coordinates that are
    /// the axes of a lat-lon grid written out become that grid. One row or column without corners is points.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if lengths do not fit `shape`; [`GridError::BadAxis`] if no center is usable.
    pub fn curvilinear(shape: [usize; 2], centers: Vec<LonLat>, corners: Option<CornerLists>) -> Result<Grid, GridError> {
        Self::curvilinear_masked(shape, centers, corners, &Mask::ALL)
    }

    /// [`Grid::curvilinear`] with a mask: where cells are given twice, as in halos and folds, an active copy is kept.
    ///
    /// # Errors
    /// As [`Grid::curvilinear`].
    pub fn curvilinear_masked(
        shape: [usize; 2],
        centers: Vec<LonLat>,
        corners: Option<CornerLists>,
        mask: &Mask,
    ) -> Result<Grid, GridError> {
        let [ny, nx] = shape;
        if centers.len() != ny * nx {
            return Err(GridError::WrongLength { what: "list of centers".into(), found: centers.len(), expected: ny * nx });
        }
        let origin = |p: &LonLat| p.lon_deg == 0.0 && p.lat_deg == 0.0;
        let unset = centers.iter().filter(|p| origin(p)).count();
        let missing = |p: &LonLat| unset > 1 && origin(p);
        if let Some(lists) = corners {
            let substitutes = |asked: &[usize], centers: &[LonLat], mut places: Vec<Option<UnitVector>>| {
                places.iter_mut().zip(centers).filter(|(_, center)| missing(center)).for_each(|(place, _)| *place = None);
                corners_from_centers(shape, &places, Some(asked)).cells
            };
            let context = Context { shape: Some(shape), substitutes: Some(&substitutes), mask };
            let mut report = Report::new("two-dimensional longitude and latitude with corners", CornerSource::Given);
            let repaired = repair(Outlines::of_lists(lists)?, Some(centers), &context)?;
            report.notes.extend(neighbours_apart(shape, &repaired));
            return Ok(polygons_grid(Family::Curvilinear, shape.to_vec(), repaired, report).masked_by(mask));
        }
        if let Some((lon, lat)) = axes_written_out(shape, &centers)
            && let Ok(mut grid) = Grid::lat_lon(&lon, &lat)
        {
            grid.report.recognised_by = format!("two-dimensional coordinates that repeat {}", grid.report.recognised_by);
            return Ok(grid.masked_by(mask));
        }
        let mut report = Report::new("two-dimensional longitude and latitude", CornerSource::Centers);
        let places: Vec<Option<UnitVector>> = centers.iter().map(|p| if missing(p) { None } else { unit_of(*p) }).collect();
        if unset > 1 {
            report.notes.push(format!("{unset} centers at exactly 0 E, 0 N are taken as missing"));
        }
        if ny < 2 || nx < 2 || places.iter().all(Option::is_none) {
            report.corners = CornerSource::None;
            report.notes.push("one row or column of centers gives no corners".into());
            return points_grid(Family::Curvilinear, shape.to_vec(), centers, report);
        }
        let inferred = corners_from_centers(shape, &places, None);
        drop(places);
        report.notes.extend(inferred.notes);
        let outlines = Outlines::of_quadrangles(&inferred.cells);
        drop(inferred.cells);
        let nowhere = LonLat { lon_deg: f64::NAN, lat_deg: f64::NAN };
        let given = centers.into_iter().map(|center| if missing(&center) { nowhere } else { center }).collect();
        let context = Context { shape: Some(shape), substitutes: None, mask };
        let repaired = repair(outlines, Some(given), &context)?;
        Ok(polygons_grid(Family::Curvilinear, shape.to_vec(), repaired, report).masked_by(mask))
    }
}

/// A remark if many given cells do not meet the next one in their row: boxes of longitude and latitude, say.
fn neighbours_apart([ny, nx]: [usize; 2], repaired: &Repaired) -> Option<String> {
    let pairs: Vec<bool> = (0..ny * nx)
        .into_par_iter()
        .filter(|cell| cell % nx + 1 < nx && repaired.mask.is_active(*cell) && repaired.mask.is_active(cell + 1))
        .map(|cell| {
            let [own, next] = [cell, cell + 1].map(|c| repaired.polygons.cell(c));
            if own.iter().filter(|v| next.contains(v)).count() >= 2 {
                return true;
            }
            let (mut a, mut b) = (Vec::with_capacity(4), Vec::with_capacity(4));
            repaired.polygons.copy_cell(cell, &mut a);
            repaired.polygons.copy_cell(cell + 1, &mut b);
            let near = 0.02 * perimeter(&a).min(perimeter(&b));
            a.iter().filter(|p| b.iter().any(|q| chord(**p, *q) < near)).count() >= 2
        })
        .collect();
    let apart = pairs.iter().filter(|meet| !**meet).count();
    (apart * 100 > pairs.len()).then(|| {
        format!(
            "{apart} of {} cells do not share an edge with the next one in their row: the given corners leave gaps or overlap",
            pairs.len()
        )
    })
}

/// The axes, if longitudes depend on columns and latitudes on rows alone.
fn axes_written_out([ny, nx]: [usize; 2], centers: &[LonLat]) -> Option<(Axis, Axis)> {
    if ny < 2 || nx < 2 {
        return None;
    }
    let same = |a: f64, b: f64| (a - b).abs() <= 1e-10;
    let separable = (0..ny * nx).all(|cell| {
        let p = centers[cell];
        same(p.lon_deg, centers[cell % nx].lon_deg) && same(p.lat_deg, centers[cell / nx * nx].lat_deg)
    });
    separable.then(|| {
        let lon = centers[..nx].iter().map(|p| p.lon_deg).collect();
        let lat = centers.iter().step_by(nx).map(|p| p.lat_deg).collect();
        (Axis::new(lon), Axis::new(lat))
    })
}
