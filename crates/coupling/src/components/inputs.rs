//! What components ask of their grids, imports and files.

use crate::{ComponentError, Context, Fields};
use knarr_grid::Grid;
use knarr_io::{Dataset, NanPolicy, read_grid};
use knarr_regrid::{Method, MissingPolicy, Options, Regridder, Weights};
use std::path::Path;

/// Which cells take part.
pub(super) fn active_cells(grid: &Grid) -> Vec<bool> {
    (0..grid.len()).map(|cell| grid.mask.is_active(cell)).collect()
}

/// The values of an import that has to be there in every active cell.
///
/// # Errors
/// [`ComponentError::NoField`]; [`ComponentError::Value`] with the first place where it is missing or no number.
pub(super) fn everywhere<'f>(imports: &'f Fields, name: &str, grid: &Grid) -> Result<&'f [f64], ComponentError> {
    let field = imports.get(name)?;
    let bad = |cell: usize| grid.mask.is_active(cell) && !field.get(cell).is_some_and(f64::is_finite);
    if let Some(first) = (0..grid.len()).find(|&cell| bad(cell)) {
        let count = (first..grid.len()).filter(|&cell| bad(cell)).count();
        let at = grid.center(first);
        let problem = format!(
            "the import `{name}` has no value in {count} of {} active cells, first in cell {first} at {:.2}° E {:.2}° N",
            grid.active_count(),
            at.lon_deg,
            at.lat_deg
        );
        return Err(ComponentError::Value { problem });
    }
    Ok(&field.values)
}

/// The values of an import that may be missing, with `otherwise` where they are.
///
/// # Errors
/// [`ComponentError::Regrid`] if they cannot be copied from a device.
pub(super) fn or_else(imports: &Fields, name: &str, otherwise: f64, len: usize) -> Result<Vec<f64>, ComponentError> {
    Ok(match imports.find(name)? {
        Some(field) => (0..len).map(|cell| field.get(cell).unwrap_or(otherwise)).collect(),
        None => vec![otherwise; len],
    })
}

/// A field that does not change, from `FILE.nc:VARIABLE`, on the cells of `grid`: the value of the nearest center where
/// the file has another grid. Its first time and level are taken; missing values stay missing.
///
/// # Errors
/// [`ComponentError::Parameter`] for a text of another form, [`ComponentError::Io`] if the file cannot be read.
pub(super) fn static_field(
    context: &Context,
    parameter: &str,
    text: &str,
    grid: &Grid,
) -> Result<(Vec<f64>, Vec<bool>), ComponentError> {
    let Some((path, variable)) = text.rsplit_once(".nc:").map(|(path, variable)| (format!("{path}.nc"), variable)) else {
        let problem = format!("found `{text}`, expected a variable of a file such as `relief.nc:height`");
        return Err(ComponentError::Parameter { parameter: parameter.to_owned(), problem });
    };
    let dataset = Dataset::open(&context.path(Path::new(&path)))?;
    let found = read_grid(&dataset, variable)?;
    let slab = dataset.read_slabs(variable, &found, 0..1, NanPolicy::Missing)?;
    let values: Vec<f64> = slab.values.iter().copied().collect();
    let valid: Vec<bool> = slab.valid.map_or_else(|| vec![true; values.len()], |valid| valid.iter().copied().collect());
    if same_centers(&found.grid, grid) {
        return Ok((values, valid));
    }
    let all = Grid { mask: knarr_grid::Mask::ALL, ..Grid::clone(grid) };
    let bare = Grid { mask: knarr_grid::Mask::ALL, ..Grid::clone(&found.grid) };
    let unusable =
        |e: knarr_regrid::RegridError| ComponentError::Parameter { parameter: parameter.to_owned(), problem: e.to_string() };
    let weights = Weights::build(&bare, &all, &Options::new(Method::Nearest)).map_err(unusable)?;
    let regridder = Regridder { weights, missing: MissingPolicy::Propagate };
    regridder.apply(&values, Some(&valid)).map_err(unusable)
}

/// Whether the cells of two grids have the same centers, in the same order.
pub(super) fn same_centers(a: &Grid, b: &Grid) -> bool {
    const TOLERANCE: f64 = 1e-6;
    a.len() == b.len()
        && (0..a.len()).all(|cell| {
            let (p, q) = (a.center(cell).unit(), b.center(cell).unit());
            p.iter().zip(q).all(|(p, q)| (p - q).abs() < TOLERANCE)
        })
}

/// Part of the year that has passed, 0 to 1, at an instant.
pub(super) fn part_of_year(at: crate::Instant, calendar: knarr_field::Calendar) -> f64 {
    let year = at.date_time(calendar).date.year;
    let first = |year| knarr_field::Date { year, month: 1, day: 1 };
    let start = |year| calendar.day_number(first(year)).unwrap_or_default() * 86_400;
    let (begin, end) = (start(year), start(year + 1));
    (at.0 - begin) as f64 / (end - begin).max(1) as f64
}

/// Values where they mean something, with marks: everything outside the mask is missing.
pub(super) fn masked(values: Vec<f64>, active: &[bool]) -> crate::Values {
    if active.iter().all(|&active| active) {
        return crate::Values::new(values);
    }
    crate::Values { values, valid: Some(active.to_vec()) }
}
