//! Grids with two-dimensional longitudes and latitudes.

use crate::infer::corners_from_centers;
use crate::mesh::{points_grid, polygons_grid};
use crate::polygon::{chord, perimeter};
use crate::repair::{Context, Repaired, median, repair, unit_of, units_of};
use crate::repeats::Repeats;
use crate::{Action, Axis, BadCell, Blemish, CornerLists, CornerSource, Family, Grid, GridError, LonLat, Mask, Outlines, Report};
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
        let outlines = corners.map(Outlines::of_lists).transpose()?;
        Self::curvilinear_masked(shape, centers, outlines, &Mask::ALL)
    }

    /// [`Grid::curvilinear`] with a mask: where cells are given twice, as in halos and folds, an active copy is kept.
    ///
    /// # Errors
    /// As [`Grid::curvilinear`].
    pub fn curvilinear_masked(
        shape: [usize; 2],
        centers: Vec<LonLat>,
        corners: Option<Outlines>,
        mask: &Mask,
    ) -> Result<Grid, GridError> {
        let [ny, nx] = shape;
        check_count(shape, &centers)?;
        let unset = Unset::among(&centers);
        let missing = |p: &LonLat| unset.is(p);
        if let Some(outlines) = corners {
            let substitutes = |asked: &[usize], centers: &[LonLat], mut places: Vec<Option<UnitVector>>| {
                places.iter_mut().zip(centers).filter(|(_, center)| missing(center)).for_each(|(place, _)| *place = None);
                corners_from_centers(shape, &places, Some(asked)).cells
            };
            let context = Context { shape: Some(shape), substitutes: Some(&substitutes), mask };
            let mut report = Report::new("two-dimensional longitude and latitude with corners", CornerSource::Given);
            let repaired = repair(outlines, Some(centers), &context)?;
            report.notes.extend(neighbours_apart(shape, &repaired));
            return Ok(polygons_grid(Family::Curvilinear, shape.to_vec(), repaired, report).masked_by(mask));
        }
        if let Some(grid) = of_axes_written_out(shape, &centers) {
            return Ok(grid.masked_by(mask));
        }
        let mut report = Report::new("two-dimensional longitude and latitude", CornerSource::Centers);
        let places: Vec<Option<UnitVector>> = centers.iter().map(|p| if missing(p) { None } else { unit_of(*p) }).collect();
        report.notes.extend(unset.note());
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
        let given = centers.into_iter().map(|center| if missing(&center) { NOWHERE } else { center }).collect();
        let context = Context { shape: Some(shape), substitutes: None, mask };
        let repaired = repair(outlines, Some(given), &context)?;
        Ok(polygons_grid(Family::Curvilinear, shape.to_vec(), repaired, report).masked_by(mask))
    }

    /// The cells of [`Grid::curvilinear_masked`] by their centers alone, for methods that ask for no more: the same centers to
    /// the bit, and of cells given twice the same copies. Corners are not inferred, nor cells dropped for them, but those
    /// whose center lies far from all around it; whether a file gives corners tells `has_corners`: without them, axes of a
    /// lat-lon grid written out become that grid.
    ///
    /// # Errors
    /// [`GridError::WrongLength`] if lengths do not fit `shape`; [`GridError::BadAxis`] if no center is usable.
    pub fn curvilinear_by_centers(
        shape: [usize; 2],
        mut centers: Vec<LonLat>,
        has_corners: bool,
        mask: &Mask,
    ) -> Result<Grid, GridError> {
        check_count(shape, &centers)?;
        if !has_corners && let Some(grid) = of_axes_written_out(shape, &centers) {
            return Ok(grid.masked_by(mask));
        }
        let mut report = Report::new("two-dimensional longitude and latitude", CornerSource::None);
        let unset = Unset::among(&centers);
        report.notes.extend(unset.note());
        centers.iter_mut().filter(|center| unset.is(center)).for_each(|center| *center = NOWHERE);
        let places = units_of(&centers, |p| p);
        let spacing = spacings(shape, &places);
        let known = spacing.iter().copied().filter(|width| !width.is_nan()).collect();
        let typical = median(known);
        let repeats = Repeats {
            places: &places,
            radius: |cell: usize| Some(0.5 * spacing[cell]).filter(|radius| !radius.is_nan()),
            typical: 0.5 * typical,
            shape: Some(shape),
            mask,
        };
        let repeats = repeats.find(|_, _| false).into_iter().map(|cell| (cell, Blemish::Duplicate));
        let strays = strays(shape, &places, &spacing, typical).into_iter().map(|cell| (cell, Blemish::Oversized));
        let mut grid = points_grid(Family::Curvilinear, shape.to_vec(), centers, report)?;
        let mut active = vec![true; grid.len()];
        for (cell, blemish) in strays.chain(repeats) {
            if std::mem::replace(&mut active[cell], false) {
                let center = grid.center(cell);
                grid.report.bad_cells.push(BadCell { cell, center, blemish, action: Action::Dropped });
            }
        }
        grid.report.bad_cells.sort_by_key(|bad| bad.cell);
        Ok(grid.masked_by(&Mask::from_active(active)).masked_by(mask))
    }
}

const NOWHERE: LonLat = LonLat { lon_deg: f64::NAN, lat_deg: f64::NAN };

fn check_count([ny, nx]: [usize; 2], centers: &[LonLat]) -> Result<(), GridError> {
    if centers.len() == ny * nx {
        return Ok(());
    }
    Err(GridError::WrongLength { what: "list of centers".into(), found: centers.len(), expected: ny * nx })
}

/// Centers at exactly 0 E, 0 N: as soon as there is more than one, they are not set.
#[derive(Clone, Copy)]
struct Unset(usize);

impl Unset {
    fn among(centers: &[LonLat]) -> Self {
        Self(centers.iter().filter(|p| Self::is_origin(p)).count())
    }

    fn is_origin(p: &LonLat) -> bool {
        p.lon_deg == 0.0 && p.lat_deg == 0.0
    }

    fn is(self, p: &LonLat) -> bool {
        self.0 > 1 && Self::is_origin(p)
    }

    fn note(self) -> Option<String> {
        (self.0 > 1).then(|| format!("{} centers at exactly 0 E, 0 N are taken as missing", self.0))
    }
}

/// The longer way from each center to the next one in its row and in its column, or the one before at the end; not a number
/// without any.
fn spacings([ny, nx]: [usize; 2], places: &[UnitVector]) -> Vec<f64> {
    let other = |k: usize, count: usize| if k + 1 < count { k + 1 } else { k.saturating_sub(1) };
    let spacing = |cell: usize| {
        let (j, i) = (cell / nx, cell % nx);
        let [row, column] = [j * nx + other(i, nx), other(j, ny) * nx + i].map(|next| chord(places[cell], places[next]));
        row.max(column)
    };
    (0..ny * nx).into_par_iter().with_min_len(1 << 12).map(spacing).collect()
}

/// Centers that lie far from all four around them, which are near to others: what models write where they have no place.
fn strays([ny, nx]: [usize; 2], places: &[UnitVector], spacing: &[f64], typical: f64) -> Vec<usize> {
    let around = |cell: usize| {
        let (j, i) = (cell / nx, cell % nx);
        let inside = [j > 0, j + 1 < ny, i > 0, i + 1 < nx];
        let others = [cell.wrapping_sub(nx), cell + nx, cell.wrapping_sub(1), cell + 1];
        others.into_iter().zip(inside).filter_map(|(other, is_inside)| is_inside.then_some(other))
    };
    // What is not a number is no minimum.
    let nearest = |cell: usize| around(cell).map(|other| chord(places[cell], places[other])).fold(f64::INFINITY, f64::min);
    let is_stray = |&cell: &usize| {
        // Not the nearest one, but mostly near enough.
        if spacing[cell] <= FAR * typical {
            return false;
        }
        let own = nearest(cell);
        own.is_finite() && own > FAR * typical && own > FAR * around(cell).map(nearest).fold(f64::INFINITY, f64::min)
    };
    (0..ny * nx).into_par_iter().with_min_len(1 << 12).filter(is_stray).collect()
}

/// How many times farther than others a center is astray.
const FAR: f64 = 5.0;

/// The lat-lon grid whose axes the centers repeat.
fn of_axes_written_out(shape: [usize; 2], centers: &[LonLat]) -> Option<Grid> {
    let (lon, lat) = axes_written_out(shape, centers)?;
    let mut grid = Grid::lat_lon(&lon, &lat).ok()?;
    grid.report.recognised_by = format!("two-dimensional coordinates that repeat {}", grid.report.recognised_by);
    Some(grid)
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
