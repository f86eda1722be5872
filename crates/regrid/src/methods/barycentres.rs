//! Barycentres of cells and of their overlaps.
//!
//! In the tangent plane: the mean over a plane polygon is that over the sphere up to the square of its size, relative to
//! its size. Edges along parallels are followed by chords of at most [`CHORD_DEG`].

use super::second_order::direction;
use knarr_grid::{Grid, Layout, Rows};
use knarr_kernels::overlap::{is_convex, triangulate};
use knarr_kernels::sphere::{UnitVector, add, normalize, scale, unit_vector};
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};

/// Longest chord in degrees of longitude that stands for a parallel.
const CHORD_DEG: f64 = 0.5;
/// Most chords of one edge.
const MOST_CHORDS: usize = 24;

/// Cells with their outlines.
pub(super) struct Cells<'a> {
    grid: &'a Grid,
    rows: Option<&'a Rows>,
}

impl<'a> Cells<'a> {
    pub fn of(grid: &'a Grid) -> Self {
        let rows = match &grid.layout {
            Layout::Rows(rows) => Some(rows),
            _ => None,
        };
        Self { grid, rows }
    }

    /// The barycentre of a cell as a direction.
    pub fn centre(&self, cell: usize) -> UnitVector {
        match self.rows {
            Some(rows) => {
                let ([west, east], [south, north]) = rows.frame_bounds_deg(cell);
                rows_to_globe(rows, quadrangle_centre(west, east, south, north))
            }
            None => {
                let corners = self.grid.corners(cell);
                let middle = normalize(corners.iter().fold([0.0; 3], |s, &p| add(s, p)));
                let flat = middle.and_then(|m| {
                    let plane = TangentPlane::new(m, 0.1);
                    let points: Option<Vec<PlanePoint>> = corners.iter().map(|&p| plane.project(p)).collect();
                    plane_moment(&points?).filter(|m| m.1 > 0.0).map(|(moment, area)| lift(&plane, moment, area))
                });
                flat.unwrap_or_else(|| self.grid.center(cell).unit())
            }
        }
    }

    /// Corners with parallels as chords.
    fn outline(&self, cell: usize, out: &mut Vec<UnitVector>) {
        out.clear();
        let Some(rows) = self.rows else {
            out.extend(self.grid.corners(cell));
            return;
        };
        let ([west, east], [south, north]) = rows.frame_bounds_deg(cell);
        let chords = (((east - west) / CHORD_DEG).ceil() as usize).clamp(1, MOST_CHORDS);
        let lon = |k: usize| west + (east - west) * k as f64 / chords as f64;
        let mut push = |lon, lat| out.push(rows_to_globe(rows, unit_vector(lon, lat)));
        // A row that ends at a pole has one corner there.
        if south > -90.0 {
            (0..=chords).for_each(|k| push(lon(k), south));
        } else {
            push(west, south);
        }
        if north < 90.0 {
            (0..=chords).rev().for_each(|k| push(lon(k), north));
        } else {
            push(east, north);
        }
    }
}

fn rows_to_globe(rows: &Rows, p: UnitVector) -> UnitVector {
    rows.rotation.as_ref().map_or(p, |r| r.apply_inverse(p))
}

/// Direction of ∫ r dA over the quadrangle between parallels and meridians, in closed form.
fn quadrangle_centre(west: f64, east: f64, south: f64, north: f64) -> UnitVector {
    let (s, n) = (south.to_radians(), north.to_radians());
    let (half, middle) = (0.5 * (east - west).to_radians(), 0.5 * (west + east));
    // ∫ cos²φ dφ = [φ/2 + sin 2φ/4] and ∫ cos φ dφ = [sin φ], as products where they would cancel.
    let (height, mean) = (n - s, 0.5 * (n + s));
    let radius = 0.5 * height + 0.5 * (2.0 * mean).cos() * height.sin();
    let sine = 2.0 * mean.cos() * (0.5 * height).sin();
    let z = 0.5 * sine * (s.sin() + n.sin());
    let narrow = if half > 1e-6 { half.sin() / half } else { 1.0 };
    let [x, y, _] = unit_vector(middle, 0.0);
    direction([radius * narrow * x, radius * narrow * y, z])
}

/// Twice the first moment and twice the area of a plane polygon.
fn plane_moment(corners: &[PlanePoint]) -> Option<(PlanePoint, f64)> {
    let first = *corners.first()?;
    let (mut moment, mut area) = ([0.0; 2], 0.0);
    for pair in corners[1..].windows(2) {
        let (b, c) = ([pair[0][0] - first[0], pair[0][1] - first[1]], [pair[1][0] - first[0], pair[1][1] - first[1]]);
        let cross = b[0] * c[1] - b[1] * c[0];
        area += cross;
        moment[0] += cross * (first[0] + (b[0] + c[0]) / 3.0);
        moment[1] += cross * (first[1] + (b[1] + c[1]) / 3.0);
    }
    Some((moment, area))
}

fn lift(plane: &TangentPlane, moment: PlanePoint, area: f64) -> UnitVector {
    let [first, second] = plane.axes();
    let at = add(scale(first, moment[0] / area), scale(second, moment[1] / area));
    direction(add(plane.center(), at))
}

/// Buffers of clipping; one per thread.
#[derive(Default)]
pub(super) struct Clip {
    outline: Vec<UnitVector>,
    subject: Vec<PlanePoint>,
    clipped: Vec<PlanePoint>,
}

impl Clip {
    /// The barycentre of the overlap of two cells that do overlap; the centre of the smaller one where the overlap is a
    /// sliver that clipping does not find.
    pub fn barycentre(&mut self, from: &Cells<'_>, source: usize, to: &Cells<'_>, destination: usize) -> UnitVector {
        if let (Some(a), Some(b)) = (from.rows, to.rows)
            && a.rotation == b.rotation
        {
            return rows_to_globe(a, meeting_centre(a, source, b, destination));
        }
        // What has parallels is cut, as its outline may be concave; what cuts is taken with great circles.
        let ((cut, cut_cell), (knife, knife_cell)) = if to.rows.is_some() && from.rows.is_none() {
            ((to, destination), (from, source))
        } else {
            ((from, source), (to, destination))
        };
        cut.outline(cut_cell, &mut self.outline);
        let corners = knife.grid.corners(knife_cell);
        let Some(middle) = normalize(corners.iter().fold([0.0; 3], |s, &p| add(s, p))) else {
            return from.centre(source);
        };
        let plane = TangentPlane::new(middle, 0.1);
        let (mut moment, mut area) = ([0.0; 2], 0.0);
        let mut add_piece = |piece: &[UnitVector], clip: &mut Self| {
            if let Some((m, a)) = clip.piece(&plane, piece) {
                moment = [moment[0] + m[0], moment[1] + m[1]];
                area += a;
            }
        };
        if is_convex(&corners) {
            add_piece(&corners, self);
        } else {
            triangulate(&corners).iter().for_each(|triangle| add_piece(triangle, self));
        }
        if area > 0.0 { lift(&plane, moment, area) } else { to.centre(destination) }
    }

    /// Moment and area of the outline within a convex piece.
    fn piece(&mut self, plane: &TangentPlane, piece: &[UnitVector]) -> Option<(PlanePoint, f64)> {
        self.subject.clear();
        for &p in &self.outline {
            self.subject.push(plane.project(p)?);
        }
        for k in 0..piece.len() {
            let (a, b) = (plane.project(piece[k])?, plane.project(piece[(k + 1) % piece.len()])?);
            let side = |p: PlanePoint| (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
            self.clipped.clear();
            for i in 0..self.subject.len() {
                let (p, q) = (self.subject[i], self.subject[(i + 1) % self.subject.len()]);
                let (s, t) = (side(p), side(q));
                if s >= 0.0 {
                    self.clipped.push(p);
                }
                if (s > 0.0 && t < 0.0) || (s < 0.0 && t > 0.0) {
                    let f = s / (s - t);
                    self.clipped.push([p[0] + f * (q[0] - p[0]), p[1] + f * (q[1] - p[1])]);
                }
            }
            std::mem::swap(&mut self.subject, &mut self.clipped);
            if self.subject.len() < 3 {
                return None;
            }
        }
        plane_moment(&self.subject)
    }
}

/// The centre, in the frame, of where two cells of rows about one pole meet.
fn meeting_centre(a: &Rows, source: usize, b: &Rows, destination: usize) -> UnitVector {
    let ([west_a, east_a], [south_a, north_a]) = a.frame_bounds_deg(source);
    let ([west_b, east_b], [south_b, north_b]) = b.frame_bounds_deg(destination);
    let (south, north) = (south_a.max(south_b), north_a.min(north_b));
    // Both intervals within one turn of each other; of two places where they meet the wider.
    let turns = ((west_b - west_a) / 360.0).round();
    let meeting = |shift: f64| ((west_a + 360.0 * shift).max(west_b), (east_a + 360.0 * shift).min(east_b));
    let (west, east) = [turns, turns - 1.0, turns + 1.0]
        .map(meeting)
        .into_iter()
        .max_by(|p, q| (p.1 - p.0).total_cmp(&(q.1 - q.0)))
        .expect("three shifts");
    quadrangle_centre(west, east.max(west), south, north.max(south))
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::{distance, lon_lat_deg};

    #[test]
    fn centres_of_quadrangles_meet_integration() {
        for (west, east, south, north) in [(10.0, 11.0, 89.0, 90.0), (-5.0, 25.0, -40.0, -20.0), (0.0, 0.1, 50.0, 50.1)] {
            let n = 400;
            let mut sum = [0.0; 3];
            for j in 0..n {
                let lat = south + (north - south) * (f64::from(j) + 0.5) / f64::from(n);
                for i in 0..n {
                    let lon = west + (east - west) * (f64::from(i) + 0.5) / f64::from(n);
                    sum = add(sum, scale(unit_vector(lon, lat), lat.to_radians().cos()));
                }
            }
            let (found, expected) = (quadrangle_centre(west, east, south, north), direction(sum));
            // The midpoint rule with 400 points errs by 1e-6 of the size.
            let size = f64::to_radians(north - south);
            assert!(distance(found, expected) < 3e-6 * size, "{:?} {:?}", lon_lat_deg(found), lon_lat_deg(expected));
        }
    }
}
