//! Overlaps with cells between parallels and meridians as integrals along the edges of a polygon.
//!
//! In longitude λ and z = sin φ areas are plane: the part of a counter-clockwise polygon in column c and row j is
//! −∮ (clamp(z, r_j, t_j) − r_j) dλ over the stretch of its boundary in that column, with t_j the upper end of the
//! row and r_j its lower one. So each edge is cut where it passes from cell to cell, and each segment gives one
//! integral to the cell it lies in and its width to the rows below: no polygon is ever built. Segments are
//! integrated in closed form, see [`Segment::integrals`].
//!
//! All that is a difference is taken as one, in the [`Frame`] of the polygon's first corner: areas are right to 4e-15 of
//! the cell at any resolution, and to 2e-14 where cells at a pole are a hundred times as high as wide.

use super::bands::{Bands, Meridians, NO_OWNER};
use super::frame::{Direction, Frame, InTwo, Point};
use super::split::arc_top;
use crate::cell_area::polygon_area;
use crate::sphere::UnitVector;

/// Buffers of the sweep, and where the last polygon began.
#[derive(Default)]
pub(super) struct Buffers {
    corners: Vec<Point>,
    segments: Vec<Segment>,
    window: Vec<Sum>,
    /// Lowest and highest row that a segment lies in, by column.
    ranges: Vec<[usize; 2]>,
    last_part: usize,
    last_row: usize,
}

/// Part of an edge in one cell: columns counted from where the polygon starts, rows by their upper limit.
#[derive(Clone, Copy)]
struct Segment {
    column: i32,
    row: usize,
    /// tan(Δλ/2).
    half_tangent: f64,
    /// tan of the half of what it cuts off the equator, over `half_tangent`: s, and how far that is above the sine of the
    /// frame's origin.
    slope: f64,
    height: f64,
    /// 1 − s².
    rest: f64,
}

/// What the segments of a cell add up to.
#[derive(Clone, Copy, Default)]
struct Sum {
    area: f64,
    width: f64,
}

impl Segment {
    /// With z̄ the mean of the ends' sines, the integral ∫ z dλ is 2 atan(s·tan(Δλ/2)), s = z̄/(1 − δ) and
    /// δ = sin²((φ_b − φ_a)/2): the area between a great circle and the equator. 1 − s² = cos φ_a cos φ_b/(1 − δ).
    #[inline(always)]
    fn new(column: i32, row: usize, a: &Point, b: &Point, origin_sin: f64) -> Self {
        let across = a.x * (b.y - a.y) - a.y * (b.x - a.x);
        let along = a.x * b.x + a.y * b.y;
        let (dz, dr) = (b.rise - a.rise, b.radius - a.radius);
        let delta = 0.25 * (dz * dz + dr * dr);
        let mean = 0.5 * (a.rise + b.rise);
        let radii = a.radius * b.radius;
        // 1/(1 − δ) − 1; the series leaves δ⁴.
        let more = if delta < 1e-4 { delta * (1.0 + delta * (1.0 + delta)) } else { delta / (1.0 - delta) };
        let height = mean + (origin_sin + mean) * more;
        let half_tangent = across / (radii + along);
        Self { column, row, half_tangent, slope: origin_sin + height, height, rest: radii + radii * more }
    }

    /// ∫ (z − r) dλ and ∫ dλ; `reference` is how far r is above the sine of the frame's origin.
    ///
    /// The first is (s − r) Δλ + 2 (atan(s t) − s atan(t)), t = tan(Δλ/2): what is below the parallel s and what the arc adds.
    #[inline(always)]
    fn integrals(&self, reference: f64) -> Sum {
        let (t, s, above) = (self.half_tangent, self.slope, self.height - reference);
        let (t2, s2) = (t * t, s * s);
        let (half_width, lens) = if t2 < 6e-4 {
            // What follows is below 1e-17 of the first term.
            let s4 = s2 * s2;
            let lens = 1.0 / 3.0
                - t2 * ((1.0 + s2) * 0.2 - t2 * ((1.0 + s2 + s4) * (1.0 / 7.0) - t2 * ((1.0 + s2 + s4 + s4 * s2) * (1.0 / 9.0))));
            (1.0 + t2 * (-1.0 / 3.0 + t2 * (0.2 + t2 * (-1.0 / 7.0 + t2 * (1.0 / 9.0)))), lens)
        } else {
            long_series(t2, s2)
        };
        let half_width = t * half_width;
        Sum { area: 2.0 * (above * half_width + s * self.rest * t * t2 * lens), width: 2.0 * half_width }
    }
}

/// atan(t)/t, and (s·atan(t) − atan(s·t)) / (s (s² − 1) t³), for t² < 0.18: columns are at most 45° wide.
#[cold]
fn long_series(t2: f64, s2: f64) -> (f64, f64) {
    let (mut angle, mut lens, mut power, mut powers) = (1.0, 0.0, 1.0, 1.0);
    for k in 0..24 {
        let next = power * t2;
        let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
        let part = 1.0 / f64::from(2 * k + 3);
        lens += sign * power * powers * part;
        angle -= sign * next * part;
        if next < 1e-18 {
            break;
        }
        (power, powers) = (next, 1.0 + s2 * powers);
    }
    (angle, lens)
}

/// Where a walk along the boundary is.
struct Walk<'a> {
    frame: Frame,
    meridians: &'a [Direction],
    limits: &'a [InTwo],
    cosines: &'a [f64],
    segments: &'a mut Vec<Segment>,
    /// Place in `meridians` of the western end of the column.
    part: usize,
    column: i32,
    /// Sine and cosine of the ends of the column, in the frame.
    west: (f64, f64),
    east: (f64, f64),
    /// Row 0 lies south of all bands.
    row: usize,
    /// The ends of the row, above the frame's origin.
    south: f64,
    north: f64,
}

/// Emits the overlaps of a narrow polygon with bands that share one table of meridians; false if there are more.
pub(super) fn sweep(bands: &Bands, corners: &[UnitVector], buffers: &mut Buffers, emit: &mut impl FnMut(usize, f64)) -> bool {
    let [Meridians::Table { lon_deg, directions, columns, .. }] = bands.meridians.as_slice() else {
        return false;
    };
    let frame = Frame::at(corners[0]);
    buffers.corners.clear();
    buffers.corners.extend(corners.iter().map(|&p| frame.point(p)));
    buffers.segments.clear();
    let (part, row) = (buffers.last_part.min(directions.len() - 1), buffers.last_row.min(bands.rows.len() + 1));
    let mut walk = Walk {
        frame,
        meridians: directions,
        limits: &bands.limits,
        cosines: &bands.cos,
        segments: &mut buffers.segments,
        part,
        column: 0,
        west: (0.0, 1.0),
        east: (0.0, 1.0),
        row,
        south: 0.0,
        north: 0.0,
    };
    let first = buffers.corners[0];
    walk.find(&first, corners[0], lon_deg);
    let start = walk.part;
    (buffers.last_part, buffers.last_row) = (walk.part, walk.row);
    if walk.holds(&buffers.corners) {
        let owner = walk.row.checked_sub(1).and_then(|band| bands.rows.get(band)).copied().unwrap_or(NO_OWNER);
        if owner != NO_OWNER && columns[start] != NO_OWNER {
            emit(bands.row_starts[owner as usize] + columns[start] as usize, polygon_area(corners));
        }
        return true;
    }

    let (mut lowest, mut longest2) = (first.rise, 0.0f64);
    let mut a = first;
    for k in 1..=corners.len() {
        let b = buffers.corners[if k == corners.len() { 0 } else { k }];
        let chord2 = chord2(&a, &b);
        lowest = lowest.min(b.rise);
        longest2 = longest2.max(chord2);
        // Between its northernmost or southernmost point and its ends an edge rises or falls all along.
        if let Some(t) = arc_top(frame.sin() + a.rise, frame.sin() + b.rise, b.rise - a.rise, chord2) {
            let top = Arc::new(a, b).at(t, &frame);
            walk.follow(&Arc::new(a, top));
            a = top;
        }
        walk.follow(&Arc::new(a, b));
        a = b;
    }
    // No edge dips further below the lowest corner.
    collect(bands, columns, start, &frame, lowest - longest2 / 7.0, buffers, emit);
    true
}

/// Positive east of the meridian (sin, cos), negative west of it.
#[inline(always)]
fn side(p: &Point, (sin, cos): (f64, f64)) -> f64 {
    p.y * cos - p.x * sin
}

#[inline(always)]
fn chord2(a: &Point, b: &Point) -> f64 {
    let (x, y, z) = (b.x - a.x, b.y - a.y, b.rise - a.rise);
    x * x + y * y + z * z
}

impl Walk<'_> {
    /// Moves to the cell of a point; where it starts makes no difference to where it ends.
    #[inline]
    fn find(&mut self, p: &Point, vector: UnitVector, lon_deg: &[f64]) {
        self.enter_column(self.part);
        // The search begins anew where the last polygon was far away.
        let along = p.x * self.west.1 + p.y * self.west.0;
        if !(along > 0.0 && 2.0 * along * along > p.radius * p.radius) {
            self.enter_column(locate(lon_deg, vector[1].atan2(vector[0]).to_degrees()));
        }
        let mut steps = 0;
        loop {
            if side(p, self.west) < 0.0 {
                self.go_west();
            } else if side(p, self.east) >= 0.0 {
                self.go_east();
            } else {
                break;
            }
            steps += 1;
            if steps == 8 {
                self.enter_column(locate(lon_deg, vector[1].atan2(vector[0]).to_degrees()));
            }
        }
        self.column = 0;
        self.enter_row(self.row);
        if !(self.south <= p.rise && p.rise < self.north) {
            self.enter_row(self.limits.partition_point(|s| s.high <= vector[2]) - 1);
            while p.rise < self.south {
                self.enter_row(self.row - 1);
            }
            while p.rise >= self.north {
                self.enter_row(self.row + 1);
            }
        }
    }

    fn enter_column(&mut self, part: usize) {
        self.part = part;
        self.west = self.frame.direction(&self.meridians[part]);
        self.east = self.frame.direction(&self.meridians[self.next(part)]);
    }

    #[inline(always)]
    fn go_east(&mut self) {
        self.part = self.next(self.part);
        self.column += 1;
        self.west = self.east;
        self.east = self.frame.direction(&self.meridians[self.next(self.part)]);
    }

    #[inline(always)]
    fn go_west(&mut self) {
        self.part = if self.part == 0 { self.meridians.len() - 1 } else { self.part - 1 };
        self.column -= 1;
        self.east = self.west;
        self.west = self.frame.direction(&self.meridians[self.part]);
    }

    #[inline(always)]
    fn enter_row(&mut self, row: usize) {
        self.row = row;
        self.south = self.frame.rise(self.limits[row]);
        self.north = self.frame.rise(self.limits[row + 1]);
    }

    /// Whether the whole polygon lies in the cell of the walk, which holds the first corner.
    #[inline]
    fn holds(&self, corners: &[Point]) -> bool {
        let (mut lowest, mut highest) = (corners[0].rise, corners[0].rise);
        for p in &corners[1..] {
            (lowest, highest) = (lowest.min(p.rise), highest.max(p.rise));
            if !(side(p, self.west) >= 0.0 && side(p, self.east) < 0.0 && lowest >= self.south && highest < self.north) {
                return false;
            }
        }
        // Edges rise above their ends by an eighth of chord² at most, and no edge is longer than twice the
        // way from the first corner to the farthest one.
        let reach2 = corners.iter().map(|p| chord2(&corners[0], p)).fold(0.0, f64::max);
        lowest - 0.5 * reach2 >= self.south && highest + 0.5 * reach2 < self.north
    }

    #[inline(always)]
    fn next(&self, part: usize) -> usize {
        if part + 1 == self.meridians.len() { 0 } else { part + 1 }
    }

    /// Cuts an arc that rises or falls all along, from where the walk is, at meridians.
    #[inline(always)]
    fn follow(&mut self, arc: &Arc) {
        let mut p = arc.start;
        loop {
            let (from_west, from_east) = (side(&arc.end, self.west), side(&arc.end, self.east));
            if from_east >= 0.0 {
                let q = arc.on_meridian(&self.frame, from_east, self.east);
                self.climb(arc, p, q);
                p = q;
                self.go_east();
            } else if from_west < 0.0 {
                let q = arc.on_meridian(&self.frame, from_west, self.west);
                self.climb(arc, p, q);
                p = q;
                self.go_west();
            } else {
                self.climb(arc, p, arc.end);
                return;
            }
        }
    }

    /// Cuts the part of an arc from `p` to `q`, both in the column of the walk, at parallels.
    #[inline(always)]
    fn climb(&mut self, arc: &Arc, mut p: Point, q: Point) {
        loop {
            // Row k lies between limits k and k + 1, and limit k is parallel k − 1 of the bands.
            let limit = if q.rise >= self.north {
                self.row + 1
            } else if q.rise < self.south {
                self.row
            } else {
                break;
            };
            let rises = limit > self.row;
            let rise = if rises { self.north } else { self.south };
            let x = arc.on_parallel(rises, rise, self.limits[limit].high, self.cosines[limit - 1]);
            self.add(&p, &x);
            p = x;
            if rises {
                self.row += 1;
                self.south = rise;
                self.north = self.frame.rise(self.limits[self.row + 1]);
            } else {
                self.row -= 1;
                self.north = rise;
                self.south = self.frame.rise(self.limits[self.row]);
            }
        }
        self.add(&p, &q);
    }

    #[inline(always)]
    fn add(&mut self, a: &Point, b: &Point) {
        self.segments.push(Segment::new(self.column, self.row, a, b, self.frame.sin()));
    }
}

/// An arc of a great circle with its chord.
struct Arc {
    start: Point,
    end: Point,
    x: f64,
    y: f64,
    rise: f64,
    square: f64,
}

impl Arc {
    #[inline(always)]
    fn new(a: Point, b: Point) -> Self {
        let (x, y, rise) = (b.x - a.x, b.y - a.y, b.rise - a.rise);
        Self { start: a, end: b, x, y, rise, square: x * x + y * y + rise * rise }
    }

    /// Of the vector to the part `t` of the chord what its length lacks to 1, and one over the length.
    #[inline(always)]
    fn length(&self, t: f64) -> (f64, f64) {
        let less = t * (1.0 - t) * self.square;
        if less < 1e-4 {
            // √(1 − x) and 1/√(1 − x): what follows is below 1e-16.
            let lack = less * (0.5 + less * (0.125 + less * (0.0625 + less * 0.039_062_5)));
            (lack, 1.0 + less * (0.5 + less * (0.375 + less * (0.3125 + less * 0.273_437_5))))
        } else {
            let length = (1.0 - less).sqrt();
            (less / (1.0 + length), 1.0 / length)
        }
    }

    /// The point over the part `t` of the chord.
    #[inline(always)]
    fn at(&self, t: f64, frame: &Frame) -> Point {
        let (lack, inverse) = self.length(t);
        let (x, y) = ((self.start.x + t * self.x) * inverse, (self.start.y + t * self.y) * inverse);
        let rise = (self.start.rise + t * self.rise + frame.sin() * lack) * inverse;
        Point { x, y, rise, radius: (x * x + y * y).sqrt() }
    }

    /// Where it meets a meridian; `end_side` is the side of its end.
    #[inline(always)]
    fn on_meridian(&self, frame: &Frame, end_side: f64, (sin, cos): (f64, f64)) -> Point {
        let start_side = side(&self.start, (sin, cos));
        // With both ends on the meridian, but for rounding, any point of the edge will do.
        let t = within_one(start_side / (start_side - end_side));
        let (lack, inverse) = self.length(t);
        let radius = ((self.start.x + t * self.x) * cos + (self.start.y + t * self.y) * sin) * inverse;
        let rise = (self.start.rise + t * self.rise + frame.sin() * lack) * inverse;
        Point { x: radius * cos, y: radius * sin, rise, radius }
    }

    /// Where it meets a parallel between its ends, `rise` above the frame's origin; it rises or falls all along.
    #[inline(always)]
    fn on_parallel(&self, rises: bool, rise: f64, sin: f64, cos: f64) -> Point {
        let above = self.start.rise - rise;
        // Sines of the ends of the chord, by that of the parallel.
        let (start, end) = (sin + above, sin + above + self.rise);
        if start * sin <= 0.25 * sin * sin || end * sin <= 0.25 * sin * sin {
            return self.on_low_parallel(rises, rise, sin, cos);
        }
        // (start + t·Δ)² = sin² (1 − t (1 − t) chord²), differences first: A t² + B t + C = 0.
        let bent = sin * sin * self.square;
        let a = self.rise * self.rise - bent;
        let b = 2.0 * self.rise * start + bent;
        let c = above * (sin + start);
        let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
        let divisor = b + if rises == (sin > 0.0) { root } else { -root };
        let t = within_one(-2.0 * c / divisor);
        // The length of the vector is what its sine is above that of the parallel.
        let inverse = sin / (start + t * self.rise);
        Point { x: (self.start.x + t * self.x) * inverse, y: (self.start.y + t * self.y) * inverse, rise, radius: cos }
    }

    /// The same next to the equator.
    #[cold]
    fn on_low_parallel(&self, rises: bool, rise: f64, sin: f64, cos: f64) -> Point {
        // Over the part t of the chord the arc is by above + t·Δ + sin·lack(t) above the parallel, but for a factor, with
        // lack = t (1 − t) chord²/(1 + length): a parabola, all but for the length.
        let above = self.start.rise - rise;
        let bulge = sin * self.square / (1.0 + (1.0 - 0.25 * self.square).sqrt());
        let slope = self.rise + bulge;
        let root = (slope * slope + 4.0 * bulge * above).max(0.0).sqrt();
        let mut t = within_one(-2.0 * above / (slope + if rises { root } else { -root }));
        for _ in 0..8 {
            let (lack, inverse) = self.length(t);
            let slope = self.rise + sin * self.square * (0.5 - t) * inverse;
            let step = (above + t * self.rise + sin * lack) / slope;
            if !step.is_finite() {
                break;
            }
            let better = within_one(t - step);
            let moved = better - t;
            t = better;
            // What Newton's step leaves is below half of chord²/slope of its square.
            if self.square * moved * moved <= 1e-17 * slope.abs() {
                break;
            }
        }
        let inverse = self.length(t).1;
        Point { x: (self.start.x + t * self.x) * inverse, y: (self.start.y + t * self.y) * inverse, rise, radius: cos }
    }
}

/// Between 0 and 1; what is not a number is 0.
#[inline(always)]
fn within_one(t: f64) -> f64 {
    let t = if t > 0.0 { t } else { 0.0 };
    if t < 1.0 { t } else { 1.0 }
}

/// The part that holds a longitude.
fn locate(breaks: &[f64], lon_deg: f64) -> usize {
    let lon = breaks[0] + (lon_deg - breaks[0]).rem_euclid(360.0);
    breaks.partition_point(|&b| b <= lon).saturating_sub(1).min(breaks.len() - 1)
}

/// Adds the segments up cell by cell, then from the top row of each column downward.
fn collect(
    bands: &Bands,
    columns: &[u32],
    start: usize,
    frame: &Frame,
    bottom: f64,
    buffers: &mut Buffers,
    emit: &mut impl FnMut(usize, f64),
) {
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
    let limit = |row: usize| frame.rise(bands.limits[row]);
    let lower = |row: usize| limit(row).max(bottom).min(limit(row + 1));
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
        let extent = if row == 0 { 0.0 } else { limit(row + 1) - lower(row) };
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
