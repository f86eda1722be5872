//! From each source cell to the destination: nothing of the source is lost (river mouths, point emissions).
//!
//! Each active source cell gives its amount to the nearest active destination cell, or to all within a distance of
//! that cell. destination_i = Σ_j w_ij · source_j.

use super::centers::Centers;
use crate::links::LinkRows;
use knarr_grid::Grid;

/// What is kept when values move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kept<'a> {
    /// Amounts of a cell (kg s⁻¹): weights from one source cell sum to 1.
    Amount,
    /// Amounts per area (kg m⁻² s⁻¹): the integral, w_ij = share · A_j / A_i.
    Integral { source_areas: &'a [f64], destination_areas: &'a [f64] },
}

/// Links of every active source cell to the destination cells within `radius_rad` of the nearest one, in equal shares.
pub(super) fn rows(source: &Grid, destination: &Centers, radius_rad: f64, kept: Kept<'_>) -> LinkRows {
    let from = Centers::of(source);
    let near = destination.near_points();
    let (sources, destinations) = (from.points(), destination.points());
    let chord = 2.0 * (0.5 * radius_rad.clamp(0.0, std::f64::consts::PI)).sin();
    // By source cell first: that is where amounts are divided.
    let given = LinkRows::collect_plain(source.len(), Vec::new, |j, within: &mut Vec<u32>, links| {
        if !from.is_active[j] {
            return;
        }
        let Some((nearest, _)) = near.nearest(sources[j]) else { return };
        within.clear();
        if chord > 0.0 {
            near.all_within(destinations[nearest as usize], chord, within);
        } else {
            within.push(nearest);
        }
        let share = 1.0 / within.len() as f64;
        links.extend(within.iter().map(|&i| {
            let weight = match kept {
                Kept::Amount => share,
                Kept::Integral { source_areas, destination_areas } => share * source_areas[j] / destination_areas[i as usize],
            };
            (i, weight)
        }));
    });
    given.transposed(destination.len())
}
