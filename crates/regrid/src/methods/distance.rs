//! Inverse distance between the nearest source centers.

use super::centers::Centers;
use crate::links::{Link, LinkRows};
use crate::search::points::{NearPoints, TIE};
use knarr_kernels::sphere::UnitVector;

/// Links from the `neighbours` nearest active source centers, weighted by 1/angle; centers beyond the square `reach` of a
/// chord do not count.
pub(super) fn rows(source: &NearPoints, destination: &Centers, neighbours: usize, reach: f64) -> LinkRows {
    let points = destination.points();
    LinkRows::collect(destination.len(), Vec::new, |i, found, links| {
        if destination.is_active[i] {
            links_at(source, points[i], neighbours, reach, found, links);
        }
    })
}

/// A center at `p` itself takes all the weight: the value there is known.
pub(super) fn links_at(
    source: &NearPoints,
    p: UnitVector,
    neighbours: usize,
    reach: f64,
    found: &mut Vec<(f64, u32)>,
    links: &mut Vec<Link>,
) {
    source.nearest_k(p, neighbours, found);
    if found.first().is_some_and(|f| f.0.sqrt() <= TIE) {
        links.extend(source.nearest(p).map(|(column, _)| (column, 1.0)));
        return;
    }
    for &(chord2, column) in found.iter().filter(|f| f.0 <= reach) {
        let angle = 2.0 * (0.5 * chord2.sqrt()).min(1.0).asin();
        links.push((column, 1.0 / angle));
    }
}
