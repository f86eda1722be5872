//! The nearest source center.

use super::centers::Centers;
use crate::links::LinkRows;
use crate::search::points::PointTree;

/// One link of weight 1 per active destination cell. Ties go to the lowest source index; distances
/// that differ by less than 1e-14 of the radius are ties.
pub(super) fn rows(source: &PointTree, destination: &Centers) -> LinkRows {
    LinkRows::collect(
        destination.len(),
        || (),
        |i, (), links| {
            if let Some((column, _)) = destination.active(i).and_then(|p| source.nearest(p)) {
                links.push((column, 1.0));
            }
        },
    )
}
