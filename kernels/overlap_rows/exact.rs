//! Areas that polygons share with cells of rows, to 30 digits and the long way: what the kernels are held against.

use crate::double_double::{DoubleDouble, PI};
use crate::sphere::UnitVector;

type Number = DoubleDouble;

fn number(v: f64) -> Number {
    Number::from(v)
}

/// The angle of (x, y), improved from the double next to it.
fn atan2(y: Number, x: Number) -> Number {
    let guess = number(y.high.atan2(x.high));
    let (s, c) = (guess * number(180.0) / PI).sin_cos_deg();
    // What is left is an angle of 1e-16 at most: its tangent to 1e-48.
    guess + (y * c - x * s) / (x * c + y * s)
}

fn cross(a: [Number; 3], b: [Number; 3]) -> [Number; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Area of a counter-clockwise polygon, smaller than a quarter of the sphere and of corners of any length, in the cell
/// between parallels and meridians in degrees, which is not on the other side of the sphere.
///
/// −∮ (clamp(sin φ) − sin south) dλ along the edges between the meridians. On a great circle whose top is at λ₀ with
/// latitude φ₀ tan φ = tan φ₀ cos(λ − λ₀) and ∫ sin φ dλ = asin(sin φ₀ sin(λ − λ₀)).
pub(crate) fn shared_area<N: Into<Number> + Copy>(corners: &[UnitVector], lats: [f64; 2], lons: [N; 2]) -> f64 {
    let corners: Vec<([Number; 3], Line)> = corners.iter().map(|p| (p.map(number), Line::GreatCircle)).collect();
    shared_area_of(&corners, lats, lons.map(Into::into))
}

/// What begins at a corner.
#[derive(Clone, Copy)]
pub(crate) enum Line {
    GreatCircle,
    /// A parallel of that sine about a pole, eastward or westward.
    Parallel {
        axis: [Number; 3],
        sin: Number,
        is_eastward: bool,
    },
}

/// The same of a cell with edges of other kinds, of corners of length 1.
pub(crate) fn shared_area_of(corners: &[([Number; 3], Line)], [south, north]: [f64; 2], [west, east]: [Number; 2]) -> f64 {
    let (zero, one) = (number(0.0), number(1.0));
    let (west_sin, west_cos) = west.sin_cos_deg();
    let end = (east - west) * PI / number(180.0);
    let parallels = [south, north].map(|lat| number(lat).sin_cos_deg());
    let height = parallels[1].0 - parallels[0].0;
    let clamp = |v: Number, low: Number, high: Number| {
        if v < low {
            low
        } else if v > high {
            high
        } else {
            v
        }
    };
    // Longitudes from the western meridian on.
    let turn = |[x, y, z]: [Number; 3]| [x * west_cos + y * west_sin, y * west_cos - x * west_sin, z];
    let turned: Vec<[Number; 3]> = corners.iter().map(|(p, _)| turn(*p)).collect();
    let mut area = zero;
    for (k, a) in turned.iter().enumerate() {
        let b = &turned[(k + 1) % turned.len()];
        if let Line::Parallel { axis, sin, is_eastward } = corners[k].1 {
            area = area + along_parallel(*a, *b, (turn(axis), sin, is_eastward), parallels, end);
            continue;
        }
        let normal = cross(*a, *b);
        if normal[2] == zero {
            continue;
        }
        let (lon_a, lon_b) = (atan2(a[1], a[0]), atan2(b[1], b[0]));
        let (from, to, sign) = if normal[2] > zero { (lon_a, lon_b, one) } else { (lon_b, lon_a, -one) };
        let (from, to) = (clamp(from, zero, end), clamp(to, zero, end));
        if from >= to {
            continue;
        }
        // The top of the circle, with the northern of its two normals.
        let [nx, ny, nz] = if normal[2] > zero { normal } else { normal.map(|v| -v) };
        let flat = (nx * nx + ny * ny).sqrt();
        let length = (nx * nx + ny * ny + nz * nz).sqrt();
        let (top_sin, top) = (flat / length, atan2(-ny, -nx));
        let mut stops = vec![from, to];
        for (s, c) in parallels {
            let cosine = if flat == zero { number(2.0) } else { nz * s / (flat * c) };
            if cosine < one && cosine > -one {
                let angle = atan2((one - cosine * cosine).sqrt(), cosine);
                for shift in [-1.0, 0.0, 1.0] {
                    let turn = number(2.0 * shift) * PI;
                    stops.extend([top + angle + turn, top - angle + turn].into_iter().filter(|&l| l > from && l < to));
                }
            }
        }
        stops.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        let from_top = |lon: Number| ((lon - top) * number(180.0) / PI).sin_cos_deg();
        for pair in stops.windows(2) {
            let middle = from_top((pair[0] + pair[1]) / number(2.0)).1;
            let tangent = middle * flat / nz;
            let sine = tangent / (one + tangent * tangent).sqrt();
            let width = pair[1] - pair[0];
            let under = if sine <= parallels[0].0 {
                zero
            } else if sine >= parallels[1].0 {
                height * width
            } else {
                let integral = |lon: Number| {
                    let s = top_sin * from_top(lon).0;
                    atan2(s, (one - s * s).sqrt())
                };
                integral(pair[1]) - integral(pair[0]) - parallels[0].0 * width
            };
            area = area - sign * under;
        }
    }
    area.high
}

fn dot(a: [Number; 3], b: [Number; 3]) -> Number {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// What an arc of a parallel about another pole adds to the area between longitude 0 and `end`: cut where it meets the
/// cell's sides, each part is the great circle between its ends and what lies between the two.
fn along_parallel(
    a: [Number; 3],
    b: [Number; 3],
    (axis, sin, is_eastward): ([Number; 3], Number, bool),
    parallels: [(Number, Number); 2],
    end: Number,
) -> Number {
    let (zero, one, two) = (number(0.0), number(1.0), number(2.0));
    let scaled = |v: [Number; 3], f: Number| v.map(|v| v * f);
    let sum = |a: [Number; 3], b: [Number; 3]| [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    let radius = (one - sin * sin).sqrt();
    // Axes in the plane of the parallel, the first at its start.
    let across = cross(axis, a);
    let second = scaled(across, one / dot(across, across).sqrt());
    let first = cross(second, axis);
    let at = |angle: Number| {
        let (s, c) = (angle * number(180.0) / PI).sin_cos_deg();
        sum(scaled(axis, sin), scaled(sum(scaled(first, c), scaled(second, s)), radius))
    };
    let mut last = atan2(dot(b, second), dot(b, first));
    if is_eastward && last < zero {
        last = last + two * PI;
    }
    if !is_eastward && last > zero {
        last = last - two * PI;
    }
    let mut stops = vec![zero, last];
    // Planes n · p = h that bound the cell.
    let (end_sin, end_cos) = (end * number(180.0) / PI).sin_cos_deg();
    let up = [zero, zero, one];
    for (normal, height) in
        [([zero, one, zero], zero), ([-end_sin, end_cos, zero], zero), (up, parallels[0].0), (up, parallels[1].0)]
    {
        let (x, y) = (dot(normal, first) * radius, dot(normal, second) * radius);
        let cosine = (height - sin * dot(normal, axis)) / (x * x + y * y).sqrt();
        if cosine < one && cosine > -one {
            let (middle, angle) = (atan2(y, x), atan2((one - cosine * cosine).sqrt(), cosine));
            for shift in [-2.0, 0.0, 2.0] {
                stops.extend([middle + angle, middle - angle].map(|v| v + number(shift) * PI));
            }
        }
    }
    let (low, high) = if last < zero { (last, zero) } else { (zero, last) };
    stops.retain(|&v| v >= low && v <= high);
    stops.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    if !is_eastward {
        stops.reverse();
    }
    let mut area = zero;
    for pair in stops.windows(2) {
        let [middle, p, q] = [(pair[0] + pair[1]) / two, pair[0], pair[1]].map(at);
        let lon = atan2(middle[1], middle[0]);
        if lon <= zero || lon >= end {
            continue;
        }
        let distance = |p: [Number; 3]| (p[0] * p[0] + p[1] * p[1]).sqrt();
        let (p_far, q_far) = (distance(p), distance(q));
        let tangent = (p[0] * q[1] - p[1] * q[0]) / (p_far * q_far + p[0] * q[0] + p[1] * q[1]);
        let width = two * atan2(tangent, one);
        if middle[2] >= parallels[1].0 {
            area = area - (parallels[1].0 - parallels[0].0) * width;
        } else if middle[2] > parallels[0].0 {
            let (rise, out) = (q[2] - p[2], q_far - p_far);
            let slope = (p[2] + q[2]) / two / (one - (rise * rise + out * out) / number(4.0));
            let half = (pair[1] - pair[0]) / two;
            let (s, c) = (half * number(180.0) / PI).sin_cos_deg();
            let lens = two * (atan2(sin * s / c, one) - sin * half);
            area = area - (two * atan2(slope * tangent, one) - parallels[0].0 * width) + lens;
        }
    }
    area
}

#[test]
fn exact_areas_are_those_of_quadrangles_and_triangles() {
    use crate::cell_area::{polygon_area, quadrangle_area};
    use crate::sphere::unit_vector;
    // A polygon in the cell, and the cell in the polygon.
    let triangle = [unit_vector(12.0, 31.0), unit_vector(14.0, 32.0), unit_vector(11.0, 35.0)];
    let within = shared_area(&triangle, [20.0, 40.0], [0.0, 20.0]);
    assert!((within / polygon_area(&triangle) - 1.0).abs() < 1e-14, "{within}");
    let around = [unit_vector(0.0, 20.0), unit_vector(30.0, 20.0), unit_vector(30.0, 45.0), unit_vector(0.0, 45.0)];
    for [south, west] in [[31.0, 12.0], [31.0, 12.5], [24.0, 20.0]] {
        let cell = shared_area(&around, [south, south + 1.0], [west, west + 1.0]);
        assert!((cell / quadrangle_area(south, south + 1.0, 1.0) - 1.0).abs() < 1e-14, "{cell}");
    }
    // Halves add up, southern ones too.
    let low = triangle.map(|[x, y, z]| [y, -x, -z]);
    let low = [low[2], low[1], low[0]];
    let parts = [-40.0, -33.0, -20.0].windows(2).map(|l| shared_area(&low, [l[0], l[1]], [-90.0, -60.0])).sum::<f64>();
    assert!((parts / polygon_area(&low) - 1.0).abs() < 1e-14, "{parts}");
}
