//! Overlaps with cells between parallels and meridians as integrals along the edges of a polygon.
//!
//! In longitude λ and z = sin φ areas are plane: the part of a counter-clockwise polygon in column c and row j is
//! −∮ (clamp(z, r_j, t_j) − r_j) dλ over the stretch of its boundary in that column, with t_j the upper end of the
//! row and r_j its lower one. So each edge is cut where it passes from cell to cell, and each segment gives one
//! integral to the cell it lies in and its width to the rows below: no polygon is ever built. Segments are
//! integrated in closed form, see [`Segment::integrals`].

use super::bands::{Bands, Meridians, NO_OWNER};
use super::split::{great_circle_top, side};
use crate::cell_area::polygon_area;
use crate::sphere::{UnitVector, cross, dot, sub};

/// Buffers of the sweep, and where the last polygon began.
#[derive(Default)]
pub(super) struct Buffers {
    segments: Vec<Segment>,
    window: Vec<Sum>,
    /// Lowest and highest row that a segment lies in, by column.
    ranges: Vec<[usize; 2]>,
    last_part: usize,
    last_row: usize,
}

/// A point with its distance from the axis.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
    z: f64,
    radius: f64,
}

impl Point {
    #[inline(always)]
    fn of(p: UnitVector) -> Self {
        Self { x: p[0], y: p[1], z: p[2], radius: (p[0] * p[0] + p[1] * p[1]).sqrt() }
    }

    #[inline(always)]
    fn vector(&self) -> UnitVector {
        [self.x, self.y, self.z]
    }
}

/// Part of an edge in one cell: columns counted from where the polygon starts, rows by their upper limit.
#[derive(Clone, Copy)]
struct Segment {
    column: i32,
    row: usize,
    /// tan(Δλ/2).
    half_tangent: f64,
    /// tan of the half of what it cuts off the equator, over `half_tangent`.
    height: f64,
}

/// What the segments of a cell add up to.
#[derive(Clone, Copy, Default)]
struct Sum {
    area: f64,
    width: f64,
}

impl Segment {
    /// With z̄ the mean of the ends' sines, the integral ∫ z dλ is 2 atan(s·tan(Δλ/2)), s = z̄/(1 − δ) and
    /// δ = sin²((φ_b − φ_a)/2): the area between a great circle and the equator.
    #[inline(always)]
    fn new(column: i32, row: usize, a: &Point, b: &Point) -> Self {
        let across = a.x * (b.y - a.y) - a.y * (b.x - a.x);
        let along = a.x * b.x + a.y * b.y;
        let (dz, dr) = (b.z - a.z, b.radius - a.radius);
        let delta = 0.25 * (dz * dz + dr * dr);
        let mean = 0.5 * (a.z + b.z);
        // The series leaves δ⁴.
        let rest = if delta < 1e-4 { delta * (1.0 + delta * (1.0 + delta)) } else { delta / (1.0 - delta) };
        Self { column, row, half_tangent: across / (a.radius * b.radius + along), height: mean + mean * rest }
    }

    /// ∫ (z − r) dλ and ∫ dλ; `r` is `reference`.
    #[inline(always)]
    fn integrals(&self, reference: f64) -> Sum {
        let (t, s, r) = (self.half_tangent, self.height, reference);
        let t2 = t * t;
        if t2 < 6e-4 {
            // Series of both arcs, differences taken first; what follows is below 1e-17 of the first term.
            let s2 = s * s;
            let (s3, s5) = (s2 * s, s2 * s2 * s);
            let (s7, s9) = (s5 * s2, s5 * s2 * s2);
            let bend =
                (s3 - r) * (-1.0 / 3.0) + t2 * ((s5 - r) * 0.2 + t2 * ((s7 - r) * (-1.0 / 7.0) + t2 * ((s9 - r) * (1.0 / 9.0))));
            let width = 1.0 + t2 * (-1.0 / 3.0 + t2 * (0.2 + t2 * (-1.0 / 7.0 + t2 * (1.0 / 9.0))));
            Sum { area: 2.0 * t * ((s - r) + t2 * bend), width: 2.0 * t * width }
        } else {
            let width = 2.0 * t.atan();
            Sum { area: 2.0 * (t * s).atan() - r * width, width }
        }
    }
}

/// Where a walk along the boundary is.
struct Walk<'a> {
    meridians: &'a [(f64, f64)],
    limits: &'a [f64],
    cosines: &'a [f64],
    segments: &'a mut Vec<Segment>,
    /// Place in `meridians` of the western end of the column.
    part: usize,
    column: i32,
    /// Row 0 lies south of all bands.
    row: usize,
    /// Of the plane of the edge that is followed; not a unit vector.
    normal: UnitVector,
}

/// Emits the overlaps of a narrow polygon with bands that share one table of meridians; false if there are more.
pub(super) fn sweep(bands: &Bands, corners: &[UnitVector], buffers: &mut Buffers, emit: &mut impl FnMut(usize, f64)) -> bool {
    let [Meridians::Table { lon_deg, sin_cos, columns }] = bands.meridians.as_slice() else {
        return false;
    };
    let first = corners[0];
    buffers.segments.clear();
    let mut walk = Walk {
        meridians: sin_cos,
        limits: &bands.limits,
        cosines: &bands.cos,
        segments: &mut buffers.segments,
        part: buffers.last_part.min(sin_cos.len() - 1),
        column: 0,
        row: buffers.last_row.min(bands.rows.len() + 1),
        normal: [0.0; 3],
    };
    walk.find(first, lon_deg);
    let start = walk.part;
    (buffers.last_part, buffers.last_row) = (walk.part, walk.row);
    if walk.holds(corners) {
        let owner = walk.row.checked_sub(1).and_then(|band| bands.rows.get(band)).copied().unwrap_or(NO_OWNER);
        if owner != NO_OWNER && columns[start] != NO_OWNER {
            emit(bands.row_starts[owner as usize] + columns[start] as usize, polygon_area(corners));
        }
        return true;
    }

    let (mut lowest, mut longest2) = (first[2], 0.0f64);
    let mut a = Point::of(first);
    for k in 1..=corners.len() {
        let b = Point::of(corners[if k == corners.len() { 0 } else { k }]);
        let chord = sub(b.vector(), a.vector());
        let chord2 = dot(chord, chord);
        lowest = lowest.min(b.z);
        longest2 = longest2.max(chord2);
        walk.normal = cross(a.vector(), chord);
        // Between its northernmost or southernmost point and its ends an edge rises or falls all along.
        let top = great_circle_top(a.vector(), b.vector(), chord2).map(Point::of);
        let stops = [top.unwrap_or(b), b].into_iter().take(1 + usize::from(top.is_some()));
        for stop in stops {
            walk.follow(a, stop);
            a = stop;
        }
    }
    // No edge dips further below the lowest corner.
    collect(bands, columns, start, lowest - longest2 / 7.0, buffers, emit);
    true
}

impl Walk<'_> {
    /// Moves to the cell of `p`; where it starts makes no difference to where it ends.
    #[inline]
    fn find(&mut self, p: UnitVector, lon_deg: &[f64]) {
        let near = |(sin, cos): (f64, f64)| {
            let along = p[0] * cos + p[1] * sin;
            along > 0.0 && 2.0 * along * along > p[0] * p[0] + p[1] * p[1]
        };
        if !near(self.meridians[self.part]) {
            self.part = locate(lon_deg, p[1].atan2(p[0]).to_degrees());
        }
        let mut steps = 0;
        loop {
            if side(&p, self.meridians[self.part]) < 0.0 {
                self.part = if self.part == 0 { self.meridians.len() - 1 } else { self.part - 1 };
            } else if side(&p, self.meridians[self.next(self.part)]) >= 0.0 {
                self.part = self.next(self.part);
            } else {
                break;
            }
            steps += 1;
            if steps == 8 {
                self.part = locate(lon_deg, p[1].atan2(p[0]).to_degrees());
            }
        }
        if !(self.limits[self.row] <= p[2] && p[2] < self.limits[self.row + 1]) {
            self.row = self.limits.partition_point(|&s| s <= p[2]) - 1;
        }
    }

    /// Whether the whole polygon lies in the cell of the walk, which holds the first corner.
    #[inline]
    fn holds(&self, corners: &[UnitVector]) -> bool {
        let (west, east) = (self.meridians[self.part], self.meridians[self.next(self.part)]);
        let (mut lowest, mut highest) = (corners[0][2], corners[0][2]);
        for p in &corners[1..] {
            (lowest, highest) = (lowest.min(p[2]), highest.max(p[2]));
            if !(side(p, west) >= 0.0
                && side(p, east) < 0.0
                && lowest >= self.limits[self.row]
                && highest < self.limits[self.row + 1])
            {
                return false;
            }
        }
        // Edges rise above their ends by an eighth of chord² at most, and no edge is longer than twice the
        // way from the first corner to the farthest one.
        let reach2 = corners.iter().map(|p| sub(*p, corners[0])).map(|d| dot(d, d)).fold(0.0, f64::max);
        lowest - 0.5 * reach2 >= self.limits[self.row] && highest + 0.5 * reach2 < self.limits[self.row + 1]
    }

    #[inline(always)]
    fn next(&self, part: usize) -> usize {
        if part + 1 == self.meridians.len() { 0 } else { part + 1 }
    }

    /// Cuts the arc from `a`, where the walk is, to `b` at meridians.
    #[inline(always)]
    fn follow(&mut self, a: Point, b: Point) {
        let mut p = a;
        let end = b.vector();
        loop {
            let (west, east) = (self.meridians[self.part], self.meridians[self.next(self.part)]);
            let (from_west, from_east) = (side(&end, west), side(&end, east));
            if from_east >= 0.0 {
                let q = on_meridian(&p, &b, &self.normal, from_east, east);
                self.climb(p, q);
                p = q;
                self.part = self.next(self.part);
                self.column += 1;
            } else if from_west < 0.0 {
                let q = on_meridian(&p, &b, &self.normal, from_west, west);
                self.climb(p, q);
                p = q;
                self.part = if self.part == 0 { self.meridians.len() - 1 } else { self.part - 1 };
                self.column -= 1;
            } else {
                self.climb(p, b);
                return;
            }
        }
    }

    /// Cuts the arc from `p` to `q`, both in the column of the walk, at parallels.
    #[inline(always)]
    fn climb(&mut self, mut p: Point, q: Point) {
        loop {
            // Row k lies between limits k and k + 1, and limit k is parallel k − 1 of the bands.
            let (lower, upper) = (self.limits[self.row], self.limits[self.row + 1]);
            let (limit, next) = if q.z >= upper {
                (self.row + 1, self.row + 1)
            } else if q.z < lower {
                (self.row, self.row - 1)
            } else {
                break;
            };
            let x = on_parallel(&p, &q, &self.normal, self.limits[limit], self.cosines[limit - 1]);
            self.segments.push(Segment::new(self.column, self.row, &p, &x));
            p = x;
            self.row = next;
        }
        self.segments.push(Segment::new(self.column, self.row, &p, &q));
    }
}

/// Where the rising or falling arc from `p` to `q`, in the plane of `normal`, meets a meridian; `q_side` is the
/// side of `q`.
#[inline(always)]
fn on_meridian(p: &Point, q: &Point, normal: &UnitVector, q_side: f64, (sin, cos): (f64, f64)) -> Point {
    // The line in which the two planes meet.
    let rise = -(normal[0] * cos + normal[1] * sin);
    let factor = 1.0 / (normal[2] * normal[2] + rise * rise).sqrt();
    let z = rise.copysign(rise * normal[2]) * factor;
    if p.z.min(q.z) <= z && z <= p.z.max(q.z) {
        let radius = normal[2].abs() * factor;
        return Point { x: radius * cos, y: radius * sin, z, radius };
    }
    // Edges along a meridian, and ends next to it: planes that are one but for rounding.
    let p_side = side(&p.vector(), (sin, cos));
    let t = (p_side / (p_side - q_side)).clamp(0.0, 1.0);
    let (x, y, z) = (p.x + t * (q.x - p.x), p.y + t * (q.y - p.y), p.z + t * (q.z - p.z));
    let along = x * cos + y * sin;
    let factor = 1.0 / (along * along + z * z).sqrt();
    let radius = along * factor;
    Point { x: radius * cos, y: radius * sin, z: z * factor, radius }
}

/// Where the rising or falling arc from `p` to `q`, in the plane of `normal`, meets a parallel between them.
#[inline(always)]
fn on_parallel(p: &Point, q: &Point, normal: &UnitVector, sin: f64, cos: f64) -> Point {
    // x = α·n + β·(n turned by 90°), in the equatorial plane; rising where β > 0.
    let [nx, ny, nz] = *normal;
    let n2 = nx * nx + ny * ny;
    let inverse = 1.0 / n2;
    let alpha = -sin * nz * inverse;
    let root = (cos * cos * n2 - sin * sin * nz * nz).max(0.0).sqrt() * inverse;
    let beta = if q.z > p.z { root } else { -root };
    let (x, y) = (alpha * nx - beta * ny, alpha * ny + beta * nx);
    let apart2 = |u: f64, v: f64, w: f64| (u - p.x) * (u - p.x) + (v - p.y) * (v - p.y) + (w - p.z) * (w - p.z);
    if apart2(x, y, sin) <= 1.01 * apart2(q.x, q.y, q.z) {
        return Point { x, y, z: sin, radius: cos };
    }
    // Edges along a parallel, and ends next to it: any point between the ends will do.
    let t = ((sin - p.z) / (q.z - p.z)).clamp(0.0, 1.0);
    let (x, y) = (p.x + t * (q.x - p.x), p.y + t * (q.y - p.y));
    let factor = cos / (x * x + y * y).sqrt();
    Point { x: x * factor, y: y * factor, z: sin, radius: cos }
}

/// The part that holds a longitude.
fn locate(breaks: &[f64], lon_deg: f64) -> usize {
    let lon = breaks[0] + (lon_deg - breaks[0]).rem_euclid(360.0);
    breaks.partition_point(|&b| b <= lon).saturating_sub(1).min(breaks.len() - 1)
}

/// Adds the segments up cell by cell, then from the top row of each column downward.
fn collect(bands: &Bands, columns: &[u32], start: usize, bottom: f64, buffers: &mut Buffers, emit: &mut impl FnMut(usize, f64)) {
    let Buffers { segments, window, ranges, .. } = buffers;
    let (mut west, mut east, mut south, mut north) = (i32::MAX, i32::MIN, usize::MAX, 0);
    for segment in segments.iter() {
        (west, east) = (west.min(segment.column), east.max(segment.column));
        (south, north) = (south.min(segment.row), north.max(segment.row));
    }
    let (width, height) = ((east - west + 1) as usize, north - south + 1);
    window.clear();
    window.resize(width * height, Sum::default());
    ranges.clear();
    ranges.resize(width, [usize::MAX, 0]);
    // The lowest row is measured from the polygon, so that a low polygon in a tall row keeps its digits.
    let lower = |row: usize| bands.limits[row].max(bottom).min(bands.limits[row + 1]);
    for segment in segments.iter() {
        let column = (segment.column - west) as usize;
        let sum = segment.integrals(lower(segment.row));
        let cell = &mut window[(segment.row - south) * width + column];
        cell.area -= sum.area;
        cell.width -= sum.width;
        let range = &mut ranges[column];
        *range = [range[0].min(segment.row), range[1].max(segment.row)];
    }
    for row in (south..north).rev() {
        // Rows without an owner south of the bands need no area.
        let extent = if row == 0 { 0.0 } else { bands.limits[row + 1] - lower(row) };
        let (below, above) = window[(row - south) * width..][..2 * width].split_at_mut(width);
        for (sum, over) in below.iter_mut().zip(above) {
            sum.area += over.width * extent;
            sum.width += over.width;
        }
    }
    let count = columns.len();
    let mut emit_row = |row: usize| {
        let Some(owner) = row.checked_sub(1).and_then(|band| bands.rows.get(band)).filter(|&&owner| owner != NO_OWNER) else {
            return;
        };
        let row_start = bands.row_starts[*owner as usize];
        let mut part = (start as i64 + i64::from(west)).rem_euclid(count as i64) as usize;
        for (sum, range) in window[(row - south) * width..][..width].iter().zip(ranges.iter()) {
            if row >= range[0] && row <= range[1] && columns[part] != NO_OWNER {
                emit(row_start + columns[part] as usize, sum.area);
            }
            part = if part + 1 == count { 0 } else { part + 1 };
        }
    };
    // In the order of the cells' numbers, so that they need no sorting.
    if bands.is_southward { (south..=north).rev().for_each(emit_row) } else { (south..=north).for_each(&mut emit_row) }
}
