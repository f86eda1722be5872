//! Barycentres and second moments of cells and of their overlaps.
//!
//! In the tangent plane: the mean over a plane polygon is that over the sphere up to the square of its size, relative to
//! its size. Edges along parallels are followed by chords of at most [`CHORD_DEG`].

use super::frame::{Frame, Piece};
use crate::Edges;
use knarr_grid::{Grid, Layout, Polygons, Rows};
use knarr_kernels::overlap::{is_convex, triangulate};
use knarr_kernels::sphere::{UnitVector, add, normalize, scale, unit_vector};
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};
use std::borrow::Cow;

/// Longest chord in degrees of longitude that stands for a parallel.
const CHORD_DEG: f64 = 0.5;
/// Most chords of one edge.
const MOST_CHORDS: usize = 24;

/// Cells with their outlines.
pub(super) struct Cells<'a> {
    grid: &'a Grid,
    rows: Option<&'a Rows>,
    polygons: Option<Cow<'a, Polygons>>,
}

impl<'a> Cells<'a> {
    /// With edges along parallels where the grid has and `edges` leaves them.
    pub fn of(grid: &'a Grid, edges: Edges) -> Self {
        let rows = match &grid.layout {
            Layout::Rows(rows) if edges == Edges::Grid => Some(rows),
            _ => None,
        };
        Self { grid, rows, polygons: grid.polygons() }
    }

    /// The barycentre of a cell as a direction.
    pub fn centre(&self, cell: usize) -> UnitVector {
        match self.rows {
            Some(rows) => {
                let ([west, east], [south, north]) = rows.frame_bounds_deg(cell);
                rows_to_globe(rows, quadrangle_centre(west, east, south, north))
            }
            None => {
                let mut corners = Vec::new();
                self.corners(cell, &mut corners);
                let middle = normalize(corners.iter().fold([0.0; 3], |s, &p| add(s, p)));
                let flat = middle.and_then(|m| {
                    let plane = TangentPlane::new(m, 0.1);
                    let points: Option<Vec<PlanePoint>> = corners.iter().map(|&p| plane.project(p)).collect();
                    Some(PlaneMoments::of(&points?)).filter(|m| m.area > 0.0).map(|m| lift(&plane, m.mean()))
                });
                flat.unwrap_or_else(|| self.grid.center(cell).unit())
            }
        }
    }

    /// The coordinates in which a cell is like a square.
    pub fn frame(&self, cell: usize, outline: &mut Vec<UnitVector>) -> Frame {
        self.outline(cell, outline);
        Frame::new(piece_about(self.centre(cell), outline))
    }

    /// Corners with parallels as chords.
    fn outline(&self, cell: usize, out: &mut Vec<UnitVector>) {
        out.clear();
        match self.rows {
            Some(rows) => {
                let (lons, lats) = rows.frame_bounds_deg(cell);
                push_quadrangle(rows, lons, lats, out);
            }
            None => self.corners(cell, out),
        }
    }

    /// Corners with great circles between them.
    fn corners(&self, cell: usize, out: &mut Vec<UnitVector>) {
        out.clear();
        match &self.polygons {
            Some(polygons) => polygons.copy_cell(cell, out),
            None => out.extend(self.grid.corners(cell)),
        }
    }

    /// Whether the cells of both are quadrangles between the same meridians and parallels.
    fn are_aligned(&self, other: &Self) -> bool {
        matches!((self.rows, other.rows), (Some(a), Some(b)) if a.rotation == b.rotation)
    }
}

/// Corners of the quadrangle between meridians and parallels, with chords.
fn push_quadrangle(rows: &Rows, [west, east]: [f64; 2], [south, north]: [f64; 2], out: &mut Vec<UnitVector>) {
    let chords = (((east - west) / CHORD_DEG).ceil() as usize).clamp(1, MOST_CHORDS);
    // Places on the equator, so that the sine and cosine of each longitude are taken once.
    let mut equator = [[0.0; 3]; MOST_CHORDS + 1];
    let equator = &mut equator[..=chords];
    equator.iter_mut().enumerate().for_each(|(k, p)| *p = unit_vector(west + (east - west) * k as f64 / chords as f64, 0.0));
    let at = |[x, y, _]: UnitVector, [radius, _, z]: UnitVector| rows_to_globe(rows, [radius * x, radius * y, z]);
    let (low, high) = (unit_vector(0.0, south), unit_vector(0.0, north));
    // A row that ends at a pole has one corner there.
    let corners = |lat: f64| if lat.abs() < 90.0 { chords + 1 } else { 1 };
    out.extend(equator[..corners(south)].iter().map(|&p| at(p, low)));
    out.extend(equator[equator.len() - corners(north)..].iter().rev().map(|&p| at(p, high)));
}

/// The piece of an outline whose barycentre is known.
fn piece_about(centre: UnitVector, outline: &[UnitVector]) -> Piece {
    let plane = TangentPlane::new(centre, 0.1);
    let flat: Option<Vec<PlanePoint>> = outline.iter().map(|&p| plane.project(p)).collect();
    let moments = flat.map(|flat| PlaneMoments::of(&flat)).filter(|m| m.area > 0.0);
    moments.map_or_else(|| Piece::point(centre), |m| Piece { centre, axes: plane.axes(), spread: m.spread() })
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

/// Area, and first and second moments about the origin, of a plane polygon.
#[derive(Clone, Copy, Debug, Default)]
struct PlaneMoments {
    area: f64,
    first: [f64; 2],
    /// Of xx, xy and yy.
    second: [f64; 3],
}

impl PlaneMoments {
    fn of(corners: &[PlanePoint]) -> Self {
        let mut sum = Self::default();
        let Some((a, rest)) = corners.split_first() else { return sum };
        for pair in rest.windows(2) {
            let (b, c) = (pair[0], pair[1]);
            let area = 0.5 * ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
            let corners = [0, 1].map(|i| a[i] + b[i] + c[i]);
            let product = |i: usize, k: usize| a[i] * a[k] + b[i] * b[k] + c[i] * c[k] + corners[i] * corners[k];
            sum.add(&Self {
                area,
                first: corners.map(|s| area * s / 3.0),
                second: [product(0, 0), product(0, 1), product(1, 1)].map(|p| area * p / 12.0),
            });
        }
        sum
    }

    fn add(&mut self, other: &Self) {
        self.area += other.area;
        self.first.iter_mut().zip(other.first).for_each(|(a, b)| *a += b);
        self.second.iter_mut().zip(other.second).for_each(|(a, b)| *a += b);
    }

    /// The barycentre.
    fn mean(&self) -> PlanePoint {
        self.first.map(|m| m / self.area)
    }

    /// Means of xx, xy and yy about the barycentre.
    fn spread(&self) -> [f64; 3] {
        let [x, y] = self.mean();
        let [xx, xy, yy] = self.second.map(|m| m / self.area);
        [xx - x * x, xy - x * y, yy - y * y]
    }
}

fn lift(plane: &TangentPlane, [x, y]: PlanePoint) -> UnitVector {
    let [first, second] = plane.axes();
    direction(add(plane.center(), add(scale(first, x), scale(second, y))))
}

/// Direction of a mean of unit vectors; the vector itself where it has none.
fn direction(p: UnitVector) -> UnitVector {
    normalize(p).unwrap_or(p)
}

/// Overlaps with one destination cell after the other; one per thread.
#[derive(Default)]
pub(super) struct Clip {
    destination: Vec<UnitVector>,
    source: Vec<UnitVector>,
    flat: Flat,
}

/// Buffers of clipping in a plane.
#[derive(Default)]
struct Flat {
    subject: Vec<PlanePoint>,
    clipped: Vec<PlanePoint>,
}

/// What has parallels is cut, as its outline may be concave; what cuts is taken with great circles.
fn destination_is_cut(from: &Cells<'_>, to: &Cells<'_>) -> bool {
    to.rows.is_some() && from.rows.is_none()
}

impl Clip {
    /// Turns to the overlaps of a destination cell.
    pub fn turn_to(&mut self, from: &Cells<'_>, to: &Cells<'_>, destination: usize) {
        if destination_is_cut(from, to) {
            to.outline(destination, &mut self.destination);
        } else if !from.are_aligned(to) {
            to.corners(destination, &mut self.destination);
        }
    }

    /// The overlap of two cells that do overlap, of which the second has been [turned to](Self::turn_to); the centre of the
    /// destination cell where it is a sliver that clipping does not find.
    pub fn overlap(&mut self, from: &Cells<'_>, source: usize, to: &Cells<'_>, destination: usize) -> Piece {
        if let (Some(a), Some(b), true) = (from.rows, to.rows, from.are_aligned(to)) {
            let ([west, east], [south, north]) = meeting(a, source, b, destination);
            self.source.clear();
            push_quadrangle(a, [west, east], [south, north], &mut self.source);
            return piece_about(rows_to_globe(a, quadrangle_centre(west, east, south, north)), &self.source);
        }
        let (cut, corners) = if destination_is_cut(from, to) {
            from.corners(source, &mut self.source);
            (&self.destination, &self.source)
        } else {
            from.outline(source, &mut self.source);
            (&self.source, &self.destination)
        };
        let Some(middle) = normalize(corners.iter().fold([0.0; 3], |s, &p| add(s, p))) else {
            return Piece::point(from.centre(source));
        };
        let plane = TangentPlane::new(middle, 0.1);
        let mut moments = PlaneMoments::default();
        if is_convex(corners) {
            self.flat.add_piece(&plane, cut, corners, &mut moments);
        } else {
            triangulate(corners).iter().for_each(|triangle| self.flat.add_piece(&plane, cut, triangle, &mut moments));
        }
        if moments.area <= 0.0 {
            return Piece::point(to.centre(destination));
        }
        Piece { centre: lift(&plane, moments.mean()), axes: plane.axes(), spread: moments.spread() }
    }
}

impl Flat {
    /// Adds the moments of an outline within a convex piece.
    fn add_piece(&mut self, plane: &TangentPlane, outline: &[UnitVector], piece: &[UnitVector], moments: &mut PlaneMoments) {
        if self.cut(plane, outline, piece).is_some() {
            moments.add(&PlaneMoments::of(&self.subject));
        }
    }

    /// Leaves an outline within a convex piece in `subject`; `None` if nothing is left or they are far apart.
    fn cut(&mut self, plane: &TangentPlane, outline: &[UnitVector], piece: &[UnitVector]) -> Option<()> {
        self.subject.clear();
        for &p in outline {
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
        Some(())
    }
}

/// Longitudes and latitudes, in the frame, where two cells of rows about one pole meet.
fn meeting(a: &Rows, source: usize, b: &Rows, destination: usize) -> ([f64; 2], [f64; 2]) {
    let ([west_a, east_a], [south_a, north_a]) = a.frame_bounds_deg(source);
    let ([west_b, east_b], [south_b, north_b]) = b.frame_bounds_deg(destination);
    let (south, north) = (south_a.max(south_b), north_a.min(north_b));
    // Both intervals within one turn of each other; of two places where they meet the wider.
    let turns = ((west_b - west_a) / 360.0).round();
    let shifted = |shift: f64| ((west_a + 360.0 * shift).max(west_b), (east_a + 360.0 * shift).min(east_b));
    let (west, east) = [turns, turns - 1.0, turns + 1.0]
        .map(shifted)
        .into_iter()
        .max_by(|p, q| (p.1 - p.0).total_cmp(&(q.1 - q.0)))
        .expect("three shifts");
    ([west, east.max(west)], [south, north.max(south)])
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

    #[test]
    fn moments_of_a_triangle_are_known() {
        // ∫ over the triangle (0,0), (2,0), (0,1): area 1, ∫x = 2/3, ∫y = 1/3, ∫x² = 2/3, ∫xy = 1/6, ∫y² = 1/6.
        let moments = PlaneMoments::of(&[[0.0, 0.0], [2.0, 0.0], [0.0, 1.0]]);
        let found = [moments.area, moments.first[0], moments.first[1], moments.second[0], moments.second[1], moments.second[2]];
        for (found, expected) in found.iter().zip([1.0, 2.0 / 3.0, 1.0 / 3.0, 2.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0]) {
            assert!((found - expected).abs() < 1e-15, "{moments:?}");
        }
        let spread = moments.spread();
        for (found, expected) in spread.iter().zip([2.0 / 9.0, -1.0 / 18.0, 1.0 / 18.0]) {
            assert!((found - expected).abs() < 1e-15, "{spread:?}");
        }
    }
}
