//! Destination cells that the method does not reach.

use super::centers::Centers;
use super::{creep, distance};
use crate::links::LinkRows;
use crate::{Extrapolation, RegridError};
use knarr_grid::Grid;

/// Neighbours that [`Extrapolation::Distance`] takes.
const NEIGHBOURS: usize = 4;

/// `rows` with the active cells they leave unmapped filled as `how` says; rows that exist stay as they are.
///
/// [`Extrapolation::Creep`] as in [`creep`].
pub(super) fn fill(
    rows: LinkRows,
    source: &Grid,
    destination: &Grid,
    to: &Centers,
    how: Extrapolation,
) -> Result<LinkRows, RegridError> {
    let is_missing = |i: usize| to.is_active[i] && !rows.is_mapped(i);
    if how == Extrapolation::None || !(0..rows.len()).any(is_missing) {
        return Ok(rows);
    }
    let neighbours = match how {
        Extrapolation::Nearest => 1,
        _ => NEIGHBOURS,
    };
    let extra = if how == Extrapolation::Creep {
        creep::rows(&rows, &creep::neighbours(destination, to), to, None)
    } else {
        let near = Centers::of(source).near_points();
        if near.len() == 0 {
            return Err(RegridError::NoActiveCell { end: "source" });
        }
        let points = to.points();
        LinkRows::collect(rows.len(), Vec::new, |i, found, links| {
            if is_missing(i) {
                distance::links_at(&near, points[i], neighbours, f64::INFINITY, found, links);
            }
        })
    };
    Ok(rows.filled_from(&extra))
}
