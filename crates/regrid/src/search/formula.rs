//! The nearest center in a grid whose cells are a formula: no tree, and for most points no trigonometry.
//!
//! The centers around the point by the formula's inverse give a distance; all centers that can be as near lie in a
//! window of the formula's coordinates around it.

use super::rings::{At, CLEAR, Ring, Two};
use super::rows::Best;
use knarr_grid::{CubedSphere, FacePlace, Formula, Healpix, LonLat, RingPlace};
use knarr_kernels::sphere::{UnitVector, dot, sub};
use std::f64::consts::FRAC_PI_2;
use std::ops::Range;

/// Rows and rings by the inverse formula are right to this part of one, HEALPix of nside 4096 next to a pole included.
const ROUNDING: f64 = 1e-6;

/// The centers of a formula, ready for queries.
pub(crate) enum FormulaCenters<'a> {
    Healpix(&'a Healpix),
    CubedSphere(&'a CubedSphere),
}

impl<'a> FormulaCenters<'a> {
    /// `None` where a search is as good: among triangles, among few cells, and for as many `places` as a cubed sphere has
    /// centers, which do not take long to sort.
    pub fn of(formula: &'a Formula, places: usize) -> Option<Self> {
        match formula {
            Formula::Healpix(cells) => Some(Self::Healpix(cells)),
            Formula::CubedSphere(cells) if cells.n() >= LEAST_SIDE && places < formula.len() => Some(Self::CubedSphere(cells)),
            Formula::CubedSphere(_) | Formula::IcosahedralTriangles(_) => None,
        }
    }

    /// Whether a point is asked for as its angles first, and as its vector where they do not tell; else as its vector.
    pub fn asks_angles(&self) -> bool {
        matches!(self, Self::Healpix(_))
    }

    /// The nearest center of all cells, masked or not; of those within [`TIE`] of the least distance the lowest number.
    ///
    /// The point is asked for as its angles, its vector, or both.
    #[inline]
    pub fn nearest(&self, lon_lat: impl Fn() -> LonLat, unit: impl Fn() -> UnitVector) -> usize {
        match self {
            Self::Healpix(cells) => nearest_on_rings(cells, lon_lat(), unit),
            Self::CubedSphere(cells) => nearest_on_faces(cells, unit()),
        }
    }
}

/// Rings up to this long are looked at whole where it is close: near a pole all their centers can be as far.
const SHORT_RING: usize = 8;

/// In every ring only the centers east and west of the point can be the nearest.
fn nearest_on_rings(cells: &Healpix, p: LonLat, unit: impl Fn() -> UnitVector) -> usize {
    let last = 4 * cells.nside() - 1;
    let at = At::new(p);
    let At { turn, sin_lat, cos_lat } = at;
    let mut two = Two::none(RingPlace { ring: 1, column: 0 });
    let meet_ring = |ring: usize, two: &mut Two<RingPlace>| {
        let (len, first) = (cells.ring_len(ring), cells.ring_offset(ring));
        at.meet_ring(Ring { sine_cosine: cells.ring_sine_cosine(ring), len, first }, two, |column| RingPlace { ring, column });
    };
    let start = (ring_at(cells.nside(), sin_lat) as usize).clamp(1, last);
    let pair = start..=(start + 1).min(last);
    for ring in pair.clone() {
        meet_ring(ring, &mut two);
    }
    // Sines of the latitudes within that distance, north and south.
    let sine = (two.least * (1.0 - 0.25 * two.least).max(0.0)).sqrt();
    let (along, across) = (sin_lat * (1.0 - 0.5 * two.least), cos_lat * sine);
    // The distance reaches over a pole if it is more than what is left to it.
    let over_pole = cos_lat <= sine;
    let north = if over_pole && sin_lat > 0.0 { 1.0 } else { ring_at(cells.nside(), (along + across).min(1.0)) - ROUNDING };
    let south =
        if over_pole && sin_lat < 0.0 { last as f64 } else { ring_at(cells.nside(), (along - across).max(-1.0)) + ROUNDING };
    let window = (north.ceil() as usize).clamp(1, last)..=(south.floor() as usize).clamp(1, last);
    for ring in window.clone().filter(|ring| !pair.contains(ring)) {
        meet_ring(ring, &mut two);
    }
    if two.is_clear() {
        return cells.cell(two.place);
    }
    let (p, mut best) = (unit(), Best::NONE);
    let mut meet = |place: RingPlace| {
        let chord = sub(cells.unit_at(place), p);
        best.meet(cells.cell(place), dot(chord, chord));
    };
    for ring in (*window.start()).min(start)..=(*window.end()).max(*pair.end()) {
        let count = cells.ring_len(ring);
        if count <= SHORT_RING {
            (0..count).for_each(|column| meet(RingPlace { ring, column }));
            continue;
        }
        let west = (turn * count as f64 - cells.ring_offset(ring)).floor() as isize;
        for column in [west, west + 1] {
            meet(RingPlace { ring, column: column.rem_euclid(count as isize) as usize });
        }
    }
    best.lowest().unwrap_or_else(|| cells.cell(two.place))
}

/// The place of a latitude among the rings, a whole number on each of them.
#[inline(always)]
fn ring_at(nside: usize, sin_lat: f64) -> f64 {
    let n = nside as f64;
    if sin_lat.abs() <= 2.0 / 3.0 {
        return n * (2.0 - 1.5 * sin_lat);
    }
    let from_pole = n * (3.0 * (1.0 - sin_lat.abs()).max(0.0)).sqrt();
    if sin_lat > 0.0 { from_pole } else { 4.0 * n - from_pole }
}

/// Cells along a face from which on [`STRETCH`] holds.
const LEAST_SIDE: usize = 20;

/// Angles of a face change by up to 1/cos φ times the way, φ the latitude above the plane they turn in: 45° at the
/// middle of an edge, and 51° two cells of 4.5° further.
const STRETCH: f64 = 1.6;

/// Error of [`rough_atan`] in radians, with some to spare.
const ROUGH: f64 = 1.2e-5;

/// The arc tangent of a number from -1 to 1. Reference: Abramowitz and Stegun (1964), 4.4.49.
#[inline(always)]
fn rough_atan(t: f64) -> f64 {
    let t2 = t * t;
    t * (0.999_866_0 + t2 * (-0.330_299_5 + t2 * (0.180_141_0 + t2 * (-0.085_133_0 + t2 * 0.020_835_1))))
}

/// The whole numbers of 0 to `last` that are `reach` from `x` at most.
#[inline(always)]
fn whole_within(x: f64, reach: f64, last: usize) -> Range<usize> {
    let (low, high) = ((x - reach).max(0.0), x + reach);
    let first = low as usize;
    let first = first + usize::from((first as f64) < low);
    if high < 0.0 { 0..0 } else { first..(high as usize).min(last) + 1 }
}

/// The nearest center lies within the distance to that of the cell around the point, in angles of some face.
fn nearest_on_faces(cells: &CubedSphere, p: UnitVector) -> usize {
    let (n, last) = (cells.n() as f64, cells.n() - 1);
    let face = face_of(p);
    let seen = CubedSphere::seen_from(face, p);
    // The centers of columns and rows are at whole numbers.
    let place = |angle: f64| (angle / FRAC_PI_2 + 0.5) * n - 0.5;
    let (x, y) = (place(rough_atan(seen[1] / seen[0])), place(rough_atan(seen[2] / seen[0])));
    let nearest_index = |x: f64| ((x + 0.5).max(0.0) as usize).min(last);
    let chord2 = |seen: [f64; 3], place: FacePlace| {
        let chord = sub(cells.seen_at(place), seen);
        dot(chord, chord)
    };
    let first = FacePlace { face, i: nearest_index(x), j: nearest_index(y) };
    let mut two = Two::one(chord2(seen, first), first);
    let reach = (STRETCH * (two.least.sqrt() + 10.0 * CLEAR) + ROUGH) * n / FRAC_PI_2 + ROUNDING;
    let is_inside = |x: f64| x - reach > -0.5 && x + reach < n - 0.5;
    let crosses = !(is_inside(x) && is_inside(y));
    if !crosses {
        for j in whole_within(y, reach, last) {
            for i in whole_within(x, reach, last) {
                if (i, j) != (first.i, first.j) {
                    let place = FacePlace { face, i, j };
                    two.meet(chord2(seen, place), place);
                }
            }
        }
        if two.is_clear() {
            return cells.cell(two.place);
        }
        two = Two::one(chord2(seen, first), first);
    }
    // Calls `visit` with the places of a face within reach of (x, y).
    let window = |face: usize, x: f64, y: f64, visit: &mut dyn FnMut(FacePlace)| {
        for j in whole_within(y, reach, last) {
            whole_within(x, reach, last).for_each(|i| visit(FacePlace { face, i, j }));
        }
    };
    let all = |visit: &mut dyn FnMut([f64; 3], FacePlace)| {
        window(face, x, y, &mut |place| visit(seen, place));
        for other in (0..6).filter(|&other| crosses && other != face) {
            let seen = CubedSphere::seen_from(other, p);
            // Within 60° of the middle of the face: further away is none of its cells.
            if seen[0] > 0.5 {
                window(other, place((seen[1] / seen[0]).atan()), place((seen[2] / seen[0]).atan()), &mut |place| {
                    visit(seen, place)
                });
            }
        }
    };
    all(&mut |seen, place| {
        if place != first {
            two.meet(chord2(seen, place), place);
        }
    });
    if two.is_clear() {
        return cells.cell(two.place);
    }
    let mut best = Best::NONE;
    all(&mut |seen, place| {
        best.meet(cells.cell(place), chord2(seen, place));
    });
    best.lowest().unwrap_or_else(|| cells.cell(two.place))
}

/// The face that `p` lies on.
#[inline]
fn face_of(p: UnitVector) -> usize {
    let size = p.map(f64::abs);
    if size[2] > size[0] && size[2] > size[1] {
        if p[2] > 0.0 { 4 } else { 5 }
    } else if size[0] >= size[1] {
        if p[0] > 0.0 { 0 } else { 2 }
    } else if p[1] > 0.0 {
        1
    } else {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::points::NearPoints;
    use knarr_grid::{Grid, Layout};

    #[test]
    fn formulas_and_strips_agree() {
        let multiples = (0..=144).flat_map(|i| (0..=72).map(move |j| (f64::from(i) * 2.5 - 180.0, f64::from(j) * 2.5 - 90.0)));
        let spiral = (0..20_000).map(|k| (f64::from(k) * 137.50776, (1.0 - f64::from(k) / 9999.5).asin().to_degrees()));
        let poles = (0..400).map(|k| (f64::from(k) * 0.9, 90.0 - 1e-3 * f64::from(k)));
        let points: Vec<(f64, f64)> = multiples.chain(spiral).chain(poles).collect();
        for name in ["H1", "H2", "H3", "H8n", "H13", "H32", "H32n", "CS20", "CS21", "CS90"] {
            let grid = Grid::from_spec(name).expect("a valid name");
            let Layout::Formula(formula) = &grid.layout else { panic!("{name} has no formula") };
            let centers = FormulaCenters::of(formula, 1).expect("a formula with an inverse");
            let near = NearPoints::new((0..grid.len()).map(|c| (grid.center_unit(c), c as u32)).collect());
            // Corners are as far from several centers, and the centers themselves.
            let corners = (0..grid.len()).step_by(3).flat_map(|c| grid.corners(c)).map(LonLat::from_unit);
            let own = (0..grid.len()).step_by(5).map(|c| grid.center(c));
            let given = points.iter().map(|&(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg });
            for p in given.chain(corners).chain(own) {
                let unit = p.unit();
                let found = centers.nearest(|| p, || unit) as u32;
                let expected = near.nearest(unit).map(|n| n.0);
                if Some(found) != expected {
                    // Ties of a tie: the distances must differ by about as much.
                    let chord =
                        |c: u32| dot(sub(grid.center_unit(c as usize), unit), sub(grid.center_unit(c as usize), unit)).sqrt();
                    let gap = (chord(found) - chord(expected.expect("it has points"))).abs();
                    panic!("{name} {p:?}: {found} and {expected:?}, {gap}");
                }
            }
        }
    }
}
