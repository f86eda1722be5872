//! Which cell each pixel lies in.

use crate::lookup::RowsLookup;
use crate::view::Canvas;
use knarr_grid::{Grid, Layout};
use knarr_kernels::sphere::{UnitVector, add, cross, dot, normalize, sub};

/// No cell.
pub(crate) const OUTSIDE: u32 = u32::MAX;

/// The cell under the middle of each pixel, row by row; [`OUTSIDE`] where there is none.
///
/// Where cells overlap, one with a value (`has_value`) wins over one without, then the lower index.
pub(crate) fn cells_of_pixels(grid: &Grid, canvas: &Canvas, has_value: &dyn Fn(usize) -> bool) -> Vec<u32> {
    let directions: Vec<Option<UnitVector>> = (0..canvas.width * canvas.height)
        .map(|k| canvas.unit_at((k % canvas.width) as f64 + 0.5, (k / canvas.width) as f64 + 0.5))
        .collect();
    match &grid.layout {
        Layout::Rows(rows) => {
            let lookup = RowsLookup::new(rows);
            directions.into_iter().map(|p| p.and_then(|p| lookup.cell_at(p)).map_or(OUTSIDE, |cell| cell as u32)).collect()
        }
        Layout::Formula(_) | Layout::Polygons { .. } => polygons(grid, canvas, &directions, has_value),
        Layout::Points { .. } => points(grid, canvas, &directions),
    }
}

fn polygons(grid: &Grid, canvas: &Canvas, directions: &[Option<UnitVector>], has_value: &dyn Fn(usize) -> bool) -> Vec<u32> {
    let mut found = vec![OUTSIDE; directions.len()];
    let mut boxes = Vec::new();
    for cell in 0..grid.len() {
        let corners = grid.corners(cell);
        if corners.len() < 3 {
            continue;
        }
        let Some(middle) = normalize(corners.iter().fold([0.0; 3], |sum, &c| add(sum, c))) else { continue };
        let chord2 = corners.iter().map(|&c| sub(c, middle)).map(|d| dot(d, d)).fold(0.0, f64::max);
        // A chord of √2 is 90°: no cell of a usable grid is a hemisphere.
        if chord2.is_nan() || chord2 >= 2.0 {
            continue;
        }
        let radius = 2.0 * (0.5 * chord2.sqrt()).asin() + 1e-9;
        let nearest = 1.0 - 0.5 * chord2 - 1e-12;
        canvas.boxes_around(middle, radius, &mut boxes);
        for &((x0, x1), (y0, y1)) in &boxes {
            for y in y0..y1 {
                for x in x0..x1 {
                    let pixel = y * canvas.width + x;
                    let Some(p) = directions[pixel] else { continue };
                    if dot(p, middle) < nearest {
                        continue;
                    }
                    let before = found[pixel];
                    let free = before == OUTSIDE || (!has_value(before as usize) && has_value(cell));
                    if free && contains(&corners, p) {
                        found[pixel] = cell as u32;
                    }
                }
            }
        }
    }
    found
}

/// Whether `p` lies in the polygon, by counting its edges on the half circle from `p` eastward to the antipode of `p`
/// (which is outside, as both `p` and the polygon are within 90° of its middle); convex or not, either orientation.
///
/// The test of an edge changes only sign when its ends are swapped, so no pixel falls between two cells that share it.
fn contains(corners: &[UnitVector], p: UnitVector) -> bool {
    let east = normalize([-p[1], p[0], 0.0]).unwrap_or([0.0, 1.0, 0.0]);
    let north = cross(p, east);
    let local = |c: UnitVector| [dot(c, east), dot(c, north)];
    let mut inside = false;
    let mut a = local(corners[corners.len() - 1]);
    for &corner in corners {
        let b = local(corner);
        if (a[1] > 0.0) != (b[1] > 0.0) {
            let turn = if b[1] > 0.0 { 1.0 } else { -1.0 };
            inside ^= (a[0] * b[1] - b[0] * a[1]) * turn > 0.0;
        }
        a = b;
    }
    inside
}

/// Nearest center within three quarters of the usual distance between centers (a square's corner is at 0.71).
fn points(grid: &Grid, canvas: &Canvas, directions: &[Option<UnitVector>]) -> Vec<u32> {
    let centers: Vec<Option<UnitVector>> = (0..grid.len())
        .map(|cell| grid.center(cell))
        .map(|c| (c.lat_deg.abs() <= 90.0 && c.lon_deg.abs() <= 1e4).then(|| c.unit()))
        .collect();
    let radius = 0.75 * usual_spacing(&centers);
    let reach2 = radius * radius;
    let mut found = vec![OUTSIDE; directions.len()];
    let mut nearest = vec![f64::INFINITY; directions.len()];
    let mut boxes = Vec::new();
    for (cell, center) in centers.iter().enumerate() {
        let Some(center) = *center else { continue };
        canvas.boxes_around(center, radius, &mut boxes);
        for &((x0, x1), (y0, y1)) in &boxes {
            for y in y0..y1 {
                for x in x0..x1 {
                    let pixel = y * canvas.width + x;
                    let Some(p) = directions[pixel] else { continue };
                    let d = sub(p, center);
                    let distance2 = dot(d, d);
                    if distance2 < reach2 && distance2 < nearest[pixel] {
                        nearest[pixel] = distance2;
                        found[pixel] = cell as u32;
                    }
                }
            }
        }
    }
    found
}

/// Median distance in radians from a center to its nearest neighbour, over about a hundred centers.
fn usual_spacing(centers: &[Option<UnitVector>]) -> f64 {
    let step = centers.len() / 101 + 1;
    let mut distances: Vec<f64> = (0..centers.len())
        .step_by(step)
        .filter_map(|i| centers[i])
        .map(|a| {
            let others = centers.iter().flatten().map(|&b| sub(a, b)).map(|d| dot(d, d)).filter(|&d2| d2 > 1e-20);
            others.fold(f64::INFINITY, f64::min).sqrt()
        })
        .filter(|d| d.is_finite())
        .collect();
    distances.sort_unstable_by(f64::total_cmp);
    // A single point is drawn as a spot of about a degree.
    distances.get(distances.len() / 2).copied().unwrap_or(0.02).clamp(1e-6, 0.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;
    use knarr_grid::{CornerSource, Family, LonLat, Mask, Polygons, Report};
    use knarr_kernels::sphere::unit_vector;

    /// An octahedron: eight triangles that meet at the poles and cross the seam.
    fn octahedron(layout_points: bool) -> Grid {
        let mut cells = Vec::new();
        for k in 0..4 {
            let (west, east) = (90.0 * f64::from(k), 90.0 * f64::from(k) + 90.0);
            for pole in [90.0, -90.0] {
                cells.push(vec![unit_vector(west, 0.0), unit_vector(east, 0.0), unit_vector(0.0, pole)]);
            }
        }
        let centers: Vec<LonLat> = cells
            .iter()
            .map(|c| LonLat::from_unit(normalize(c.iter().fold([0.0; 3], |s, &p| add(s, p))).expect("not zero")))
            .collect();
        let polygons = Polygons::from_cells(cells.iter().map(Vec::as_slice));
        let layout = if layout_points { Layout::Points { centers } } else { Layout::Polygons { centers, polygons } };
        let report = Report::new("a test", CornerSource::Given);
        Grid { family: Family::Mesh, shape: vec![8], layout, mask: Mask::ALL, report }
    }

    #[test]
    fn cells_that_tile_the_globe_leave_no_pixel_free() {
        let grid = octahedron(false);
        for view in [View::Global, View::North(0.5)] {
            let canvas = Canvas::new(view, &grid, &|_| true, 180, 180).expect("a view");
            let found = cells_of_pixels(&grid, &canvas, &|_| true);
            for (k, &cell) in found.iter().enumerate() {
                let p = canvas.unit_at((k % canvas.width) as f64 + 0.5, (k / canvas.width) as f64 + 0.5);
                let Some(p) = p else { continue };
                assert_ne!(cell, OUTSIDE, "{view:?}: pixel {k} is free");
                let center = grid.center(cell as usize).unit();
                // Octants: the signs of the three coordinates say which triangle it is.
                assert!((0..3).all(|i| p[i] * center[i] > -1e-12), "{view:?}: pixel {k} is in the wrong cell");
            }
        }
    }

    #[test]
    fn a_missing_cell_does_not_hide_one_with_a_value() {
        let mut grid = octahedron(false);
        let Layout::Polygons { centers, polygons } = &grid.layout else { unreachable!("built as polygons") };
        let twice: Vec<Vec<UnitVector>> = (0..16).map(|k| grid.corners(k % 8)).collect();
        let doubled = Polygons::from_cells(twice.iter().map(Vec::as_slice));
        assert_eq!(polygons.len(), 8);
        grid.layout = Layout::Polygons { centers: [centers.clone(), centers.clone()].concat(), polygons: doubled };
        let canvas = Canvas::new(View::Global, &grid, &|_| true, 60, 60).expect("a view");
        assert!(cells_of_pixels(&grid, &canvas, &|cell| cell >= 8).iter().all(|&cell| (8..16).contains(&cell)));
    }

    #[test]
    fn points_are_drawn_up_to_their_neighbours() {
        let grid = octahedron(true);
        let canvas = Canvas::new(View::Global, &grid, &|_| true, 60, 60).expect("a view");
        let found = cells_of_pixels(&grid, &canvas, &|_| true);
        let mut seen: Vec<u32> = found.into_iter().filter(|&c| c != OUTSIDE).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }
}
