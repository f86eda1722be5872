//! Rings in the plane of longitude and latitude: unrolled across the antimeridian, cut into the octants of the
//! sphere, their edges turned into great circles.

use super::{Region, RegionEdges, RegionPolygon};
use knarr_grid::LonLat;
use knarr_kernels::sphere::{UnitVector, add, lon_lat_deg, scale, sin_cos_deg, unit_vector};

/// Largest distance (rad) of a great-circle chain from the line of longitude and latitude that it follows.
const TOLERANCE: f64 = 1e-8;
/// Steps of a whole turn run along a parallel, as the rims of maps do; what is below it crosses the antimeridian.
const WHOLE_TURN_DEG: f64 = 360.0 - 1e-6;

/// Longitude (of any range) and latitude in degrees.
type Position = [f64; 2];

/// A closed chain of great circles within one octant; counter-clockwise where it adds area, clockwise for holes.
pub(super) type Ring = Vec<UnitVector>;

/// Rings of a region by octant: 90° of longitude by a hemisphere.
pub(super) fn octants(region: &Region, edges: RegionEdges) -> Vec<Vec<Ring>> {
    let mut octants = vec![Vec::new(); 8];
    for RegionPolygon { outer, holes } in &region.polygons {
        let rings = std::iter::once((outer, true)).chain(holes.iter().map(|hole| (hole, false)));
        for (ring, is_outer) in rings {
            let mut plane = unrolled(ring);
            if (signed_area(&plane) > 0.0) != is_outer {
                plane.reverse();
            }
            cut(&plane, edges, &mut octants);
        }
    }
    octants
}

/// The ring without repeated positions, longitudes continuous; one around a pole is closed along that pole.
fn unrolled(ring: &[LonLat]) -> Vec<Position> {
    let mut plane: Vec<Position> = Vec::with_capacity(ring.len() + 2);
    let step = |from: f64, to: f64| {
        let step = to - from;
        if step.abs() > 180.0 && step.abs() < WHOLE_TURN_DEG { step - 360.0 * (step / 360.0).round() } else { step }
    };
    let mut previous: Option<f64> = None;
    for p in ring {
        let lon = match (previous, plane.last()) {
            (Some(previous), Some(last)) => {
                let step = step(previous, p.lon_deg);
                let ahead = last[0] - plane[0][0];
                // Half a turn goes either way: back towards where the ring began.
                let is_half = (step.abs() - 180.0).abs() < 1e-9 && ahead.abs() > 1e-9;
                last[0] + if is_half { -step.abs() * ahead.signum() } else { step }
            }
            _ => p.lon_deg,
        };
        previous = Some(p.lon_deg);
        if plane.last() != Some(&[lon, p.lat_deg]) {
            plane.push([lon, p.lat_deg]);
        }
    }
    let (Some(first), Some(last)) = (plane.first().copied(), plane.last().copied()) else { return plane };
    if plane.len() > 1 && first == last {
        plane.pop();
        return plane;
    }
    // What the edge back to the first position adds: a ring that is not back at its longitude has gone round a pole.
    let end = last[0] + step(last[0], first[0]);
    let turns = ((end - first[0]) / 360.0).round();
    if turns != 0.0 && (end - first[0]).abs() > 1.0 {
        let mean = plane.iter().map(|p| p[1]).sum::<f64>() / plane.len() as f64;
        let pole = if mean < 0.0 { -90.0 } else { 90.0 };
        plane.extend([[first[0] + 360.0 * turns, first[1]], [first[0] + 360.0 * turns, pole], [first[0], pole]]);
        plane.dedup();
    }
    plane
}

/// Twice the area in the plane, positive if counter-clockwise.
fn signed_area(ring: &[Position]) -> f64 {
    (0..ring.len())
        .map(|k| {
            let (p, q) = (ring[k], ring[(k + 1) % ring.len()]);
            (q[0] - p[0]) * (p[1] + q[1])
        })
        .fold(0.0, |sum, part| sum - part)
}

/// Cuts a ring along every 90th meridian and the equator, which are great circles.
fn cut(ring: &[Position], edges: RegionEdges, octants: &mut [Vec<Ring>]) {
    let range = |at: usize, start: f64, pick: fn(f64, f64) -> f64| ring.iter().fold(start, |m, p| pick(m, p[at]));
    let (west, east) = (range(0, f64::INFINITY, f64::min), range(0, f64::NEG_INFINITY, f64::max));
    if ring.len() < 3 || !(west.is_finite() && east.is_finite()) {
        return;
    }
    for quadrant in (west / 90.0).floor() as i64..(east / 90.0).ceil() as i64 {
        let bounds = (quadrant as f64 * 90.0, (quadrant + 1) as f64 * 90.0);
        let column = clip(&clip(ring, 0, bounds.0, 1.0, edges), 0, bounds.1, -1.0, edges);
        for (hemisphere, side) in [1.0, -1.0].into_iter().enumerate() {
            let part = clip(&column, 1, 0.0, side, edges);
            if part.len() >= 3 {
                octants[2 * quadrant.rem_euclid(4) as usize + hemisphere].push(on_sphere(&part, edges));
            }
        }
    }
}

/// The part of a ring where `side * (coordinate - value)` is not negative.
fn clip(ring: &[Position], axis: usize, value: f64, side: f64, edges: RegionEdges) -> Vec<Position> {
    let mut out = Vec::with_capacity(ring.len() + 4);
    for k in 0..ring.len() {
        let (p, q) = (ring[k], ring[(k + 1) % ring.len()]);
        let (s, t) = (side * (p[axis] - value), side * (q[axis] - value));
        if s >= 0.0 {
            out.push(p);
        }
        if (s > 0.0 && t < 0.0) || (s < 0.0 && t > 0.0) {
            out.push(crossing(p, q, axis, value, edges));
        }
    }
    out
}

/// Where an edge meets a meridian (`axis` 0) or the equator (1).
fn crossing(p: Position, q: Position, axis: usize, value: f64, edges: RegionEdges) -> Position {
    let f = (value - p[axis]) / (q[axis] - p[axis]);
    let mut at = [p[0] + f * (q[0] - p[0]), p[1] + f * (q[1] - p[1])];
    // The rim of a map, a whole turn along a parallel, is no great circle.
    if edges == RegionEdges::GreatCircle && (q[0] - p[0]).abs() < 180.0 {
        let normal = if axis == 0 {
            let (sin, cos) = sin_cos_deg(value);
            [-sin, cos, 0.0]
        } else {
            [0.0, 0.0, 1.0]
        };
        let (a, b) = (unit_vector(p[0], p[1]), unit_vector(q[0], q[1]));
        let distance = |v: UnitVector| normal[0] * v[0] + normal[1] * v[1] + normal[2] * v[2];
        let (s, t) = (distance(a), distance(b));
        let met = add(scale(a, t.abs()), scale(b, s.abs()));
        if met != [0.0; 3] {
            let (lon, lat) = lon_lat_deg(met);
            at = [lon + 360.0 * ((at[0] - lon) / 360.0).round(), lat];
        }
    }
    at[axis] = value;
    at
}

/// Corners on the sphere; edges that are straight in the plane become chains within the tolerance.
fn on_sphere(ring: &[Position], edges: RegionEdges) -> Ring {
    let mut out = Vec::with_capacity(ring.len());
    for k in 0..ring.len() {
        let (p, q) = (ring[k], ring[(k + 1) % ring.len()]);
        let parts = if edges == RegionEdges::LonLat { parts(p, q) } else { 1 };
        for part in 0..parts {
            let f = part as f64 / parts as f64;
            let corner = unit_vector(p[0] + f * (q[0] - p[0]), p[1] + f * (q[1] - p[1]));
            if out.last() != Some(&corner) {
                out.push(corner);
            }
        }
    }
    if out.len() > 1 && out.first() == out.last() {
        out.pop();
    }
    out
}

/// Number of great circles that follow an edge within the tolerance.
///
/// A line λ(u), φ(u) of constant steps is accelerated sideways by sin φ · Δλ · √((cos φ Δλ)² + (2 Δφ)²); a chord over
/// 1/n of it is at most an eighth of that over n² away.
fn parts(p: Position, q: Position) -> usize {
    let (width, height) = ((q[0] - p[0]).to_radians().abs(), (q[1] - p[1]).to_radians().abs());
    let greatest = p[1].abs().max(q[1].abs()).min(90.0);
    let least = if p[1] * q[1] <= 0.0 { 0.0 } else { p[1].abs().min(q[1].abs()) };
    let (sin, cos) = (sin_cos_deg(greatest).0, sin_cos_deg(least).1.max(0.0));
    let distance = sin * width * (cos * width).hypot(2.0 * height) / 8.0;
    (distance / TOLERANCE).sqrt().ceil().max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::distance;

    fn ring(corners: &[(f64, f64)]) -> Vec<LonLat> {
        corners.iter().map(|&(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg }).collect()
    }

    #[test]
    fn the_antimeridian_is_crossed_and_whole_turns_are_kept() {
        let crossing = unrolled(&ring(&[(179.0, 0.0), (-179.0, 0.0), (-179.0, 1.0), (179.0, 1.0), (179.0, 0.0)]));
        assert_eq!(crossing, [[179.0, 0.0], [181.0, 0.0], [181.0, 1.0], [179.0, 1.0]]);
        let band = ring(&[(-180.0, -30.0), (180.0, -30.0), (180.0, 30.0), (-180.0, 30.0)]);
        assert_eq!(unrolled(&band)[1], [180.0, -30.0]);
    }

    #[test]
    fn a_ring_around_a_pole_is_closed_there() {
        let south = unrolled(&ring(&[(0.0, -70.0), (120.0, -70.0), (-120.0, -70.0)]));
        assert_eq!(south[3..], [[360.0, -70.0], [360.0, -90.0], [0.0, -90.0]]);
        let north = unrolled(&ring(&[(0.0, 70.0), (-120.0, 70.0), (120.0, 70.0)]));
        assert_eq!(north[3..], [[-360.0, 70.0], [-360.0, 90.0], [0.0, 90.0]]);
    }

    #[test]
    fn chains_stay_within_the_tolerance() {
        for (p, q) in [([0.0, 60.0], [40.0, 60.0]), ([10.0, 20.0], [50.0, 75.0]), ([0.0, -5.0], [80.0, 40.0])] {
            let n = parts(p, q);
            let at = |f: f64| unit_vector(p[0] + f * (q[0] - p[0]), p[1] + f * (q[1] - p[1]));
            let worst = (0..n)
                .map(|k| {
                    let (a, b) = (at(k as f64 / n as f64), at((k + 1) as f64 / n as f64));
                    let middle = knarr_kernels::sphere::normalize(add(a, b)).expect("not opposite");
                    // Distance of the middles: what lies along the chord does no harm, so this is an upper bound.
                    distance(middle, at((k as f64 + 0.5) / n as f64))
                })
                .fold(0.0, f64::max);
            assert!(worst < 1.05 * TOLERANCE, "{p:?} {q:?}: {worst}");
            assert!(n > 100, "a coarser chain would not do: {n}");
        }
        assert_eq!(parts([0.0, -90.0], [360.0, -90.0]), 1);
        assert_eq!(parts([0.0, 0.0], [90.0, 0.0]), 1);
    }
}
