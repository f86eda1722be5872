//! Whether weights belong to two grids.

use super::WeightsFile;
use crate::IoError;
use knarr_grid::{Grid, LonLat, Mask};
use knarr_kernels::sphere::distance;
use knarr_regrid::content_hash;

/// Centers of a foreign file may lie this far from the grid's, in degrees of arc: 32-bit longitudes near 360
/// are kept to 3e-5 degrees, and some programs store such centers.
pub const CENTER_TOLERANCE_DEG: f64 = 5e-5;

/// Refuses weights made for other grids.
///
/// The number of cells must agree. Files of this program carry content hashes of both grids with their masks, which
/// must be equal; a grid with more active cells than the weights were made for will do, if its cells are the same. Other files are compared center by center within [`CENTER_TOLERANCE_DEG`]; without centers the
/// number of cells has to do.
///
/// # Errors
/// [`IoError::WeightsMismatch`] says which end differs and how.
pub fn check_identity(file: &WeightsFile, source: &Grid, destination: &Grid) -> Result<(), IoError> {
    let origin = &file.weights.origin;
    let (centers, mask) = (file.source_centers.as_deref(), &file.source_mask);
    check_end("source", file.weights.source_len, &origin.source_hash, centers, mask, source)?;
    let (centers, mask) = (file.destination_centers.as_deref(), &file.destination_mask);
    check_end("destination", file.weights.destination_len(), &origin.destination_hash, centers, mask, destination)
}

fn check_end(
    end: &'static str,
    len: usize,
    hash: &str,
    centers: Option<&[LonLat]>,
    mask: &Mask,
    grid: &Grid,
) -> Result<(), IoError> {
    let mismatch =
        |found: String, expected: String| IoError::WeightsMismatch { what: format!("the {end} grid"), found, expected };
    if len != grid.len() {
        return Err(mismatch(format!("{len} cells"), format!("{} cells", grid.len())));
    }
    if !hash.is_empty() {
        let expected = content_hash(grid);
        // Weights may have been made with fewer cells, those of a variable that is missing on land, say.
        return if hash == expected || hash == content_hash(&grid.clone().masked_by(mask)) {
            Ok(())
        } else {
            Err(mismatch(format!("hash {}", short(hash)), format!("hash {}", short(&expected))))
        };
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

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
