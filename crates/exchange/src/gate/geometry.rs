//! Where cells are and how far they reach.

use crate::policy::{Extent, Region};
use knarr_grid::{Grid, LonLat};

/// Radius of the sphere that both sides use, km.
const RADIUS_KM: f64 = 6371.229;
/// Corners on the edge of a box are inside; their positions are computed, degrees.
const TOLERANCE_DEG: f64 = 1e-7;

/// Which cells lie within a region with all their corners; `None` if cells have none and the region is bounded.
pub fn inside(grid: &Grid, region: &Region) -> Option<Vec<bool>> {
    match region.extent {
        Extent::Everywhere => Some(vec![true; grid.len()]),
        Extent::Boxes if !grid.has_corners() => None,
        Extent::Boxes => Some((0..grid.len()).map(|cell| is_inside(grid, cell, &region.boxes)).collect()),
    }
}

fn is_inside(grid: &Grid, cell: usize, boxes: &[[f64; 4]]) -> bool {
    let corners: Vec<LonLat> = grid.corners(cell).into_iter().map(LonLat::from_unit).collect();
    !corners.is_empty() && boxes.iter().any(|b| corners.iter().all(|&corner| in_box(corner, *b)))
}

fn in_box(point: LonLat, [west, south, east, north]: [f64; 4]) -> bool {
    let width = if east - west >= 360.0 { 360.0 } else { (east - west).rem_euclid(360.0) };
    let from_west = (point.lon_deg - west).rem_euclid(360.0);
    let pole = point.lat_deg.abs() > 90.0 - TOLERANCE_DEG;
    (south - TOLERANCE_DEG..=north + TOLERANCE_DEG).contains(&point.lat_deg)
        && (pole || from_west <= width + TOLERANCE_DEG || from_west >= 360.0 - TOLERANCE_DEG)
}

/// The smallest over the cells of the longest side, km: what spacing a grid has at its finest. The side of a cell at
/// the pole of a lat-lon grid is the distance of its parallels. `None` without corners.
pub fn finest_spacing_km(grid: &Grid) -> Option<f64> {
    (0..grid.len())
        .filter_map(|cell| {
            let corners = grid.corners(cell);
            let sides = (0..corners.len()).map(|k| {
                let (a, b) = (corners[k], corners[(k + 1) % corners.len()]);
                let chord = (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt();
                2.0 * (chord / 2.0).min(1.0).asin() * RADIUS_KM
            });
            sides.reduce(f64::max)
        })
        .filter(|&side| side > 0.0)
        .reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Outside;

    #[test]
    fn boxes_reach_over_the_date_line_and_the_pole() {
        let grid = Grid::from_spec("r36x18").expect("a grid");
        let region = |b| Region { extent: Extent::Boxes, boxes: vec![b], outside: Outside::Deny };
        let count = |b| inside(&grid, &region(b)).expect("corners").into_iter().filter(|&i| i).count();
        assert_eq!(count([-180.0, -90.0, 180.0, 90.0]), 36 * 18);
        // Centers at 0, 10, ...: cells from 175 to 195 and 70 to 90.
        assert_eq!(count([175.0, 70.0, -165.0, 90.0]), 4);
        assert_eq!(count([176.0, 70.0, -165.0, 90.0]), 2);
    }

    #[test]
    fn the_spacing_of_a_lat_lon_grid_is_that_of_its_parallels() {
        let grid = Grid::from_spec("r360x180").expect("a grid");
        let degree = std::f64::consts::PI / 180.0 * RADIUS_KM;
        let spacing = finest_spacing_km(&grid).expect("corners");
        assert!((spacing / degree - 1.0).abs() < 1e-9, "{spacing} against {degree}");
    }
}
