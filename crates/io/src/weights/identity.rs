//! Whether weights belong to two grids.

use super::WeightsFile;
use crate::IoError;
use knarr_grid::{Action, Detail, Grid, LonLat, Mask};
use knarr_kernels::sphere::distance;
use knarr_regrid::{content_hash, hash_of};

/// Centers of a foreign file may lie this far from the grid's, in degrees of arc: 32-bit longitudes near 360
/// are kept to 3e-5 degrees, and some programs store such centers.
pub const CENTER_TOLERANCE_DEG: f64 = 5e-5;

/// Refuses weights made for other grids.
///
/// The number of cells must agree. Files of this program carry content hashes of both grids with their masks, which
/// must be equal; a grid with more active cells than the weights were made for will do, if its cells are the same, and
/// weights between centers may have cells that the grid dropped for their corners. Other files are compared center by
/// center within [`CENTER_TOLERANCE_DEG`]; without centers the number of cells has to do.
///
/// # Errors
/// [`IoError::WeightsMismatch`] says which end differs and how.
pub fn check_identity(file: &WeightsFile, source: &Grid, destination: &Grid) -> Result<(), IoError> {
    let origin = &file.weights.origin;
    // Which hash it is, it does not tell.
    let details: &[Detail] = if origin.conservative { &[Detail::Cells] } else { &[Detail::Centers, Detail::Cells] };
    let (hash, centers, mask) = (&origin.source_hash, file.source_centers.as_deref(), &file.source_mask);
    check_end("source", file.weights.source_len, End { hash, details, centers, mask }, source)?;
    let (hash, centers, mask) = (&origin.destination_hash, file.destination_centers.as_deref(), &file.destination_mask);
    check_end("destination", file.weights.destination_len(), End { hash, details, centers, mask }, destination)
}

/// What a weights file says of one grid.
struct End<'a> {
    hash: &'a str,
    /// What the hash may be of.
    details: &'a [Detail],
    centers: Option<&'a [LonLat]>,
    mask: &'a Mask,
}

fn check_end(end: &'static str, len: usize, said: End, grid: &Grid) -> Result<(), IoError> {
    let End { hash, details, centers, mask } = said;
    let mismatch =
        |found: String, expected: String| IoError::WeightsMismatch { what: format!("the {end} grid"), found, expected };
    if len != grid.len() {
        return Err(mismatch(format!("{len} cells"), format!("{} cells", grid.len())));
    }
    if !hash.is_empty() {
        if is_of(hash, details, mask, grid) {
            return Ok(());
        }
        return Err(mismatch(format!("hash {}", short(hash)), format!("hash {}", short(&content_hash(grid)))));
    }
    let tolerance_rad = CENTER_TOLERANCE_DEG.to_radians();
    for (cell, stored) in centers.unwrap_or_default().iter().enumerate() {
        let center = grid.center(cell);
        let known = |p: &LonLat| p.lon_deg.is_finite() && p.lat_deg.is_finite() && p.lat_deg.abs() <= 90.001;
        // Cells without a place take no part: nothing to compare.
        if known(stored) && known(&center) && distance(stored.unit(), center.unit()) > tolerance_rad {
            let place = |p: &LonLat| format!("center of cell {} at {:.5}E {:.5}N", cell + 1, p.lon_deg, p.lat_deg);
            return Err(mismatch(place(stored), place(&center)));
        }
    }
    Ok(())
}

/// Whether `hash`, of one of `details` and the cells active in `mask`, is that of a grid.
fn is_of(hash: &str, details: &[Detail], mask: &Mask, grid: &Grid) -> bool {
    let has = |mask: &Mask, details: &[Detail]| details.iter().any(|&detail| hash == hash_of(grid, mask, detail));
    if has(&grid.mask, details) {
        return true;
    }
    // Weights may have been made with fewer cells, those of a variable that is missing on land, say.
    if grid.mask.and(mask) == *mask {
        return has(mask, details);
    }
    // Between centers, cells take part whose corners are bad.
    let mut dropped = vec![false; grid.len()];
    grid.report.bad_cells.iter().filter(|bad| bad.action == Action::Dropped).for_each(|bad| dropped[bad.cell] = true);
    let is_excused = |cell: usize| grid.mask.is_active(cell) || !mask.is_active(cell) || dropped[cell];
    details.contains(&Detail::Centers) && (0..grid.len()).all(is_excused) && has(mask, &[Detail::Centers])
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
