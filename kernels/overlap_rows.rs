//! Overlap of any cell with the cells between parallels and meridians, by slicing.
//!
//! A cell is cut along the parallels it crosses into bands, each band along the meridians into pieces: about one
//! cut per overlap. A cut gives both sides the same new corners, so the pieces of a cell tile it, and the area
//! of each piece is exact for great circles (difference form of the triangle area) and for parallels (closed
//! form of the area between a parallel and its chord), see [`crate::cell_area`].

use crate::cell_area::parallel_lens_area;
use crate::sphere::{UnitVector, cross, dot, scale, sub};

/// Corners a piece can have. Cells with more than [`MAX_CELL_CORNERS`] are split by the caller.
const CAPACITY: usize = 40;
/// Corners a cell may have when it is handed in.
pub const MAX_CELL_CORNERS: usize = 16;
/// Distance (rad) below which a corner counts as on a cutting line: a few roundings of a coordinate.
const ON_LINE: f64 = 1e-15;
/// No row or column owns this part of the sphere.
pub const NO_OWNER: u32 = u32::MAX;

/// What an edge of a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    GreatCircle,
    /// On a meridian where it was cut.
    Meridian,
    /// On the parallel below the band.
    Lower,
    /// On the parallel above the band.
    Upper,
    /// On the first or second parallel of the cell's own frame.
    Own(u8),
}

/// Parallels of another pole that bound the cell being sliced.
#[derive(Clone, Copy, Debug)]
pub struct OwnParallels {
    /// The other pole, in the frame of the rows.
    pub axis: UnitVector,
    /// Sine of the latitude (about `axis`) of the cell's south and north edge.
    pub sin: [f64; 2],
}

/// A polygon whose edges are great circles or parallels.
#[derive(Clone, Copy)]
pub struct Piece {
    len: usize,
    corners: [UnitVector; CAPACITY],
    edges: [Edge; CAPACITY],
}

impl Default for Piece {
    fn default() -> Self {
        Self { len: 0, corners: [[0.0; 3]; CAPACITY], edges: [Edge::GreatCircle; CAPACITY] }
    }
}

impl Piece {
    /// A polygon with great-circle edges; `None` with more than [`MAX_CELL_CORNERS`] corners.
    pub fn great_circle(corners: &[UnitVector]) -> Option<Self> {
        let mut piece = Self::default();
        if corners.len() > MAX_CELL_CORNERS {
            return None;
        }
        corners.iter().for_each(|&p| piece.push(p, Edge::GreatCircle));
        Some(piece)
    }

    /// A quadrangle `south-west, south-east, north-east, north-west` between the [`OwnParallels`] of its frame.
    pub fn quadrangle(corners: [UnitVector; 4]) -> Self {
        let mut piece = Self::default();
        let edges = [Edge::Own(0), Edge::GreatCircle, Edge::Own(1), Edge::GreatCircle];
        corners.into_iter().zip(edges).for_each(|(p, e)| piece.push(p, e));
        piece
    }

    #[inline(always)]
    fn push(&mut self, corner: UnitVector, edge: Edge) {
        if self.len < CAPACITY {
            self.corners[self.len] = corner;
            self.edges[self.len] = edge;
            self.len += 1;
        }
    }

    #[inline(always)]
    fn copy_from(&mut self, other: &Self) {
        self.len = other.len;
        self.corners[..other.len].copy_from_slice(&other.corners[..other.len]);
        self.edges[..other.len].copy_from_slice(&other.edges[..other.len]);
    }

    #[inline(always)]
    fn next(&self, k: usize) -> usize {
        if k + 1 == self.len { 0 } else { k + 1 }
    }
}

/// Meridians that separate the columns of a row; the columns go eastward all around the pole.
#[derive(Clone, Debug)]
pub enum Meridians {
    /// Column `c` of `count` equal ones lies between `(c ∓ 1/2)·360°/count`.
    Uniform {
        /// Columns; at least 8, so that none is wider than 45°.
        count: usize,
    },
    /// Sorted meridians less than 45° apart; part `k` lies between meridian `k` and `k + 1` (cyclic).
    Table {
        /// Longitude of each meridian, ascending, within one turn.
        lon_deg: Vec<f64>,
        /// (sin, cos) of each.
        sin_cos: Vec<(f64, f64)>,
        /// Column that each part belongs to, [`NO_OWNER`] for gaps.
        columns: Vec<u32>,
    },
}

impl Meridians {
    /// A table from the parts' western ends; parts wider than 45° are subdivided.
    ///
    /// `parts` are (west end, column) with ascending west ends within one turn; each part ends where the
    /// next begins, the last where the first begins.
    pub fn table(parts: &[(f64, u32)]) -> Self {
        let (mut lon_deg, mut columns) = (Vec::new(), Vec::new());
        for (k, &(west, column)) in parts.iter().enumerate() {
            let east = parts.get(k + 1).map_or(parts[0].0 + 360.0, |p| p.0);
            let pieces = ((east - west) / 40.0).ceil().max(1.0);
            for piece in 0..pieces as usize {
                lon_deg.push(west + (east - west) * piece as f64 / pieces);
                columns.push(column);
            }
        }
        let sin_cos = lon_deg.iter().map(|&l| crate::sphere::sin_cos_deg(l)).collect();
        Self::Table { lon_deg, sin_cos, columns }
    }

    fn len(&self) -> usize {
        match self {
            Self::Uniform { count } => *count,
            Self::Table { lon_deg, .. } => lon_deg.len(),
        }
    }

    /// Sine and cosine of the western end of part `k`.
    #[inline(always)]
    fn sin_cos(&self, k: usize) -> (f64, f64) {
        match self {
            Self::Uniform { count } => crate::sphere::sin_cos_deg((k as f64 - 0.5) * 360.0 / *count as f64),
            Self::Table { sin_cos, .. } => sin_cos[k],
        }
    }

    #[inline(always)]
    fn column(&self, k: usize) -> u32 {
        match self {
            Self::Uniform { .. } => k as u32,
            Self::Table { columns, .. } => columns[k],
        }
    }

    /// The part that holds a longitude.
    fn locate(&self, lon_deg: f64) -> usize {
        match self {
            Self::Uniform { count } => {
                let k = (lon_deg / 360.0 * *count as f64 + 0.5).floor() as i64;
                k.rem_euclid(*count as i64) as usize
            }
            Self::Table { lon_deg: breaks, .. } => {
                let lon = breaks[0] + (lon_deg - breaks[0]).rem_euclid(360.0);
                breaks.partition_point(|&b| b <= lon).saturating_sub(1).min(breaks.len() - 1)
            }
        }
    }
}

/// Rows between parallels, in their own frame; bands ascend from south to north.
#[derive(Clone, Debug)]
pub struct Bands {
    /// Sine of each parallel, ascending: one more than bands.
    pub sin: Vec<f64>,
    /// Cosine of each parallel.
    pub cos: Vec<f64>,
    /// Row of each band, [`NO_OWNER`] for gaps.
    pub rows: Vec<u32>,
    /// Meridians: one for all rows, or one per row.
    pub meridians: Vec<Meridians>,
    /// First cell of each row.
    pub row_starts: Vec<usize>,
}

impl Bands {
    /// Band limits from latitudes in degrees, ascending.
    pub fn new(lat_deg: &[f64], rows: Vec<u32>, meridians: Vec<Meridians>, row_starts: Vec<usize>) -> Self {
        let (sin, cos) = lat_deg.iter().map(|&l| crate::sphere::sin_cos_deg(l)).map(|(s, c)| (s, c.abs())).unzip();
        Self { sin, cos, rows, meridians, row_starts }
    }
}

/// Buffers of a slicing; one per thread.
#[derive(Default)]
pub struct Scratch {
    rest: Piece,
    band: Piece,
    east: Piece,
    west: Piece,
    spare: Piece,
}

/// Calls `emit(cell, area)` with every cell of `bands` that `cell` overlaps and the area of overlap (sr).
///
/// `cell` is in the frame of the rows, its corners counter-clockwise, smaller than a hemisphere; concave cells
/// are right as well. A cell may be emitted more than once (add the areas up) when `cell` lies around a pole or
/// is concave. Areas can be as small as rounding, and then of either sign: the caller decides what a sliver is.
pub fn slice(bands: &Bands, cell: &Piece, own: Option<&OwnParallels>, scratch: &mut Scratch, emit: &mut impl FnMut(usize, f64)) {
    if cell.len < 3 || bands.rows.is_empty() {
        return;
    }
    if is_narrow(cell) {
        scratch.rest.copy_from(cell);
        slice_narrow(bands, own, scratch, emit);
    } else {
        // Quadrants by the meridians 0°/180° and 90°/270°: none holds a pole inside or is wider than 90°.
        let (mut east, mut west, mut north, mut south) =
            (Piece::default(), Piece::default(), Piece::default(), Piece::default());
        let mut work = *cell;
        split(&mut work, &Cut::Meridian { sin: 0.0, cos: 1.0 }, own, None, &mut west, &mut east);
        insert_poles(&mut west, 0.0, 1.0);
        insert_poles(&mut east, 0.0, 1.0);
        for half in [&mut west, &mut east] {
            split(half, &Cut::Meridian { sin: 1.0, cos: 0.0 }, own, None, &mut south, &mut north);
            for quadrant in [&mut south, &mut north] {
                insert_poles(quadrant, 1.0, 0.0);
                if quadrant.len >= 2 {
                    scratch.rest.copy_from(quadrant);
                    slice_narrow(bands, own, scratch, emit);
                }
            }
        }
    }
}

/// Whether all corners lie within 60° of longitude of the centroid, so that no pole is inside.
fn is_narrow(cell: &Piece) -> bool {
    let (x, y) = cell.corners[..cell.len].iter().fold((0.0, 0.0), |(x, y), p| (x + p[0], y + p[1]));
    let reach = x * x + y * y;
    reach > 0.0
        && cell.corners[..cell.len].iter().all(|p| {
            let along = p[0] * x + p[1] * y;
            along > 0.0 && 4.0 * along * along >= reach * (p[0] * p[0] + p[1] * p[1])
        })
}

/// Slices `scratch.rest`, which spans at most 120° of longitude and has no pole inside.
fn slice_narrow(bands: &Bands, own: Option<&OwnParallels>, scratch: &mut Scratch, emit: &mut impl FnMut(usize, f64)) {
    let piece = &scratch.rest;
    let lowest = piece.corners[..piece.len].iter().map(|p| p[2]).fold(f64::INFINITY, f64::min);
    let (x, y) = piece.corners[..piece.len].iter().fold((0.0, 0.0), |(x, y), p| (x + p[0], y + p[1]));
    let mut lon_deg = None;
    let mut part = 0;

    // Edges can dip below the lowest corner, towards the south pole: start early, empty bands cost little.
    let chord2 = longest_chord2(piece);
    let dip = if own.is_some() { lowest - 0.5 * chord2.sqrt() } else { lowest - chord2 / 7.0 };
    let mut band = bands.sin.partition_point(|&s| s <= dip);
    if band == 0 {
        // What lies south of the first parallel belongs to no row.
        let cut = Cut::Parallel { sin: bands.sin[0], cos: bands.cos[0], chord2 };
        split(&mut scratch.rest, &cut, own, None, &mut scratch.band, &mut scratch.spare);
        relabel(&mut scratch.spare, Edge::Upper, Edge::Lower);
        std::mem::swap(&mut scratch.rest, &mut scratch.spare);
    } else {
        band -= 1;
    }
    while scratch.rest.len >= 2 && band < bands.rows.len() {
        let cut = Cut::Parallel { sin: bands.sin[band + 1], cos: bands.cos[band + 1], chord2 };
        let parallels = Parallels {
            sin: [bands.sin[band], bands.sin[band + 1]],
            cos: [bands.cos[band], bands.cos[band + 1]],
        };
        split(&mut scratch.rest, &cut, own, None, &mut scratch.band, &mut scratch.spare);
        std::mem::swap(&mut scratch.rest, &mut scratch.spare);
        relabel(&mut scratch.rest, Edge::Upper, Edge::Lower);
        if scratch.band.len >= 2 && bands.rows[band] != NO_OWNER {
            let row = bands.rows[band] as usize;
            let meridians = &bands.meridians[if bands.meridians.len() == 1 { 0 } else { row }];
            let lon = *lon_deg.get_or_insert_with(|| f64::atan2(y, x).to_degrees());
            // With one set of meridians for all rows, the part where the last band began is a good start.
            if bands.meridians.len() > 1 || part >= meridians.len() || part == 0 {
                part = meridians.locate(lon);
            }
            part = slice_band(meridians, part, &parallels, own, scratch, bands.row_starts[row], emit);
        }
        band += 1;
    }
}

/// Cuts `scratch.band` along meridians, starting the walk at part `start`; gives the westernmost part.
fn slice_band(
    meridians: &Meridians,
    start: usize,
    parallels: &Parallels,
    own: Option<&OwnParallels>,
    scratch: &mut Scratch,
    row_start: usize,
    emit: &mut impl FnMut(usize, f64),
) -> usize {
    let count = meridians.len();
    let mut part = start;
    let mut western = meridians.sin_cos(part);
    // Walk west until nothing lies west of the part, then east to the first part with something in it.
    while scratch.band.corners[..scratch.band.len].iter().any(|p| side(p, western) < -ON_LINE) {
        part = if part == 0 { count - 1 } else { part - 1 };
        western = meridians.sin_cos(part);
    }
    let mut first = None;
    for _ in 0..=count {
        let next = if part + 1 == count { 0 } else { part + 1 };
        let eastern = meridians.sin_cos(next);
        let cut = Cut::Meridian { sin: eastern.0, cos: eastern.1 };
        split(&mut scratch.band, &cut, own, Some(parallels), &mut scratch.west, &mut scratch.east);
        if scratch.west.len >= 2 {
            first.get_or_insert(part);
            let column = meridians.column(part);
            if column != NO_OWNER {
                emit(row_start + column as usize, area(&scratch.west, parallels, own));
            }
        }
        if scratch.east.len < 2 {
            break;
        }
        std::mem::swap(&mut scratch.band, &mut scratch.east);
        part = next;
    }
    first.unwrap_or(start)
}

/// The two parallels of a band.
struct Parallels {
    sin: [f64; 2],
    cos: [f64; 2],
}

/// A line along which a piece is cut.
enum Cut {
    /// The parallel of this latitude; `chord2` bounds the squared chord of great-circle edges.
    Parallel { sin: f64, cos: f64, chord2: f64 },
    /// The half great circle from pole to pole at this longitude.
    Meridian { sin: f64, cos: f64 },
}

/// Positive east of the meridian (sin, cos), negative west of it.
#[inline(always)]
fn side(p: &UnitVector, (sin, cos): (f64, f64)) -> f64 {
    p[1] * cos - p[0] * sin
}

fn longest_chord2(piece: &Piece) -> f64 {
    (0..piece.len)
        .map(|k| {
            let d = sub(piece.corners[piece.next(k)], piece.corners[k]);
            dot(d, d)
        })
        .fold(0.0, f64::max)
}

fn relabel(piece: &mut Piece, from: Edge, to: Edge) {
    for edge in &mut piece.edges[..piece.len] {
        if *edge == from {
            *edge = to;
        }
    }
}

/// Splits `piece` into what lies south/west (`below`) and north/east (`above`) of `cut`.
///
/// `piece` gets extra corners where an edge turns back before it reaches the line or after it.
fn split(
    piece: &mut Piece,
    cut: &Cut,
    own: Option<&OwnParallels>,
    parallels: Option<&Parallels>,
    below: &mut Piece,
    above: &mut Piece,
) {
    below.len = 0;
    above.len = 0;
    let mut sides = [0.0f64; CAPACITY];
    let (mut any_below, mut any_above) = (false, false);
    let mut nearest = f64::INFINITY;
    for k in 0..piece.len {
        let s = match cut {
            Cut::Parallel { sin, .. } => piece.corners[k][2] - sin,
            Cut::Meridian { sin, cos } => side(&piece.corners[k], (*sin, *cos)),
        };
        sides[k] = s;
        any_below |= s < -ON_LINE;
        any_above |= s > ON_LINE;
        nearest = nearest.min(s.abs());
    }
    let may_turn = own.is_some() || matches!(cut, Cut::Parallel { chord2, .. } if nearest < chord2 / 7.0);
    if may_turn && insert_turning_points(piece, cut, own, &mut sides) {
        any_below = sides[..piece.len].iter().any(|&s| s < -ON_LINE);
        any_above = sides[..piece.len].iter().any(|&s| s > ON_LINE);
    }
    if !any_above {
        below.copy_from(piece);
        return;
    }
    if !any_below {
        above.copy_from(piece);
        return;
    }
    let cut_edge = match cut {
        Cut::Parallel { .. } => Edge::Upper,
        Cut::Meridian { .. } => Edge::Meridian,
    };
    for k in 0..piece.len {
        let next = piece.next(k);
        let (p, edge) = (piece.corners[k], piece.edges[k]);
        let (s, s_next) = (sides[k], sides[next]);
        let (is_below, is_above) = (s < -ON_LINE, s > ON_LINE);
        let (next_below, next_above) = (s_next < -ON_LINE, s_next > ON_LINE);
        if !is_above {
            // A corner on the line whose edge leaves to the other side continues along the line.
            below.push(p, if !is_below && next_above { cut_edge } else { edge });
        }
        if !is_below {
            above.push(p, if !is_above && next_below { cut_edge } else { edge });
        }
        if (is_below && next_above) || (is_above && next_below) {
            let x = crossing(piece, k, next, s, s_next, cut, own, parallels);
            below.push(x, if is_below { cut_edge } else { edge });
            above.push(x, if is_above { cut_edge } else { edge });
        }
    }
}

/// Where edge `k` crosses the line; the two ends lie on different sides.
#[inline]
fn crossing(
    piece: &Piece,
    k: usize,
    next: usize,
    s: f64,
    s_next: f64,
    cut: &Cut,
    own: Option<&OwnParallels>,
    parallels: Option<&Parallels>,
) -> UnitVector {
    let (a, b) = (piece.corners[k], piece.corners[next]);
    if let (Edge::Own(which), Some(own)) = (piece.edges[k], own) {
        return own_crossing(a, b, own, own.sin[which as usize], cut);
    }
    let d = sub(b, a);
    match cut {
        Cut::Parallel { sin, cos, .. } => {
            // Newton on a_z + t·d_z − sin·|a + t·d|, from the linear guess; |a + t·d|² = 1 − t(1 − t)·|d|².
            let chord2 = dot(d, d);
            let (mut low, mut high) = (0.0, 1.0);
            let rising = s < 0.0;
            let mut t = s / (s - s_next);
            for _ in 0..60 {
                let length = (1.0 - t * (1.0 - t) * chord2).sqrt();
                let value = a[2] + t * d[2] - sin * length;
                if (value < 0.0) == rising {
                    low = t;
                } else {
                    high = t;
                }
                let slope = d[2] + sin * chord2 * (1.0 - 2.0 * t) / (2.0 * length);
                let step = value / slope;
                let mut better = t - step;
                if !(better >= low && better <= high) {
                    better = 0.5 * (low + high);
                }
                let moved = (better - t).abs();
                t = better;
                // Newton leaves an error below chord2/(2·slope)·moved²; as a length on the sphere, below 1e-16.
                let left = chord2 * moved * moved;
                if left * left * chord2 < 1e-32 * slope * slope {
                    break;
                }
            }
            let (x, y) = (a[0] + t * d[0], a[1] + t * d[1]);
            let factor = cos / (x * x + y * y).sqrt();
            if factor.is_finite() { [x * factor, y * factor, *sin] } else { [0.0, 0.0, *sin] }
        }
        Cut::Meridian { sin, cos } => {
            if let (Edge::Lower | Edge::Upper, Some(parallels)) = (piece.edges[k], parallels) {
                let which = usize::from(piece.edges[k] == Edge::Upper);
                let radius = parallels.cos[which];
                return [radius * cos, radius * sin, parallels.sin[which]];
            }
            let t = s / (s - s_next);
            let p = [a[0] + t * d[0], a[1] + t * d[1], a[2] + t * d[2]];
            // Along the meridian by construction: what is left across it is rounding.
            let along = p[0] * cos + p[1] * sin;
            let factor = 1.0 / (along * along + p[2] * p[2]).sqrt();
            [along * cos * factor, along * sin * factor, p[2] * factor]
        }
    }
}

/// Where the parallel `sin` of the cell's own frame crosses the line between `a` and `b`.
fn own_crossing(a: UnitVector, b: UnitVector, own: &OwnParallels, sin: f64, cut: &Cut) -> UnitVector {
    let (normal, height) = match cut {
        Cut::Parallel { sin, .. } => ([0.0, 0.0, 1.0], *sin),
        Cut::Meridian { sin, cos } => ([-sin, *cos, 0.0], 0.0),
    };
    // Both planes: p = α·axis + β·normal ± γ·(axis × normal).
    let cosine = dot(own.axis, normal);
    let across = cross(own.axis, normal);
    let sine2 = dot(across, across);
    let alpha = (sin - height * cosine) / sine2;
    let beta = (height - sin * cosine) / sine2;
    let gamma2 = (1.0 - alpha * alpha - beta * beta - 2.0 * alpha * beta * cosine) / sine2;
    let gamma = gamma2.max(0.0).sqrt();
    let middle = [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    let base = [
        alpha * own.axis[0] + beta * normal[0],
        alpha * own.axis[1] + beta * normal[1],
        alpha * own.axis[2] + beta * normal[2],
    ];
    let sign = if dot(across, middle) >= dot(scale(across, 2.0), base) { gamma } else { -gamma };
    let candidate = |g: f64| [base[0] + g * across[0], base[1] + g * across[1], base[2] + g * across[2]];
    let nearer = |p: UnitVector| {
        let d = sub(scale(middle, 0.5), p);
        dot(d, d)
    };
    let (first, second) = (candidate(sign), candidate(-sign));
    let p = if nearer(first) <= nearer(second) { first } else { second };
    scale(p, 1.0 / dot(p, p).sqrt())
}

/// Adds corners where an edge comes nearest to the line from either side; true if any was added.
fn insert_turning_points(piece: &mut Piece, cut: &Cut, own: Option<&OwnParallels>, sides: &mut [f64; CAPACITY]) -> bool {
    let mut inserted = false;
    let mut k = 0;
    while k < piece.len && piece.len < CAPACITY {
        let next = piece.next(k);
        let (a, b) = (piece.corners[k], piece.corners[next]);
        let (s, s_next) = (sides[k], sides[next]);
        let turning = match piece.edges[k] {
            Edge::Own(which) => own.and_then(|own| own_turning_point(a, b, own, own.sin[which as usize], cut, s, s_next)),
            Edge::GreatCircle => match cut {
                Cut::Parallel { sin, .. } => great_circle_turning_point(a, b, *sin, s, s_next),
                Cut::Meridian { .. } => None,
            },
            _ => None,
        };
        if let Some((p, s)) = turning {
            piece.corners.copy_within(k + 1..piece.len, k + 2);
            piece.edges.copy_within(k + 1..piece.len, k + 2);
            sides.copy_within(k + 1..piece.len, k + 2);
            piece.corners[k + 1] = p;
            piece.edges[k + 1] = piece.edges[k];
            sides[k + 1] = s;
            piece.len += 1;
            inserted = true;
            k += 1;
        }
        k += 1;
    }
    inserted
}

/// The northernmost or southernmost point of a great-circle edge, if it lies within the edge and beyond the parallel.
fn great_circle_turning_point(a: UnitVector, b: UnitVector, sin: f64, s: f64, s_next: f64) -> Option<(UnitVector, f64)> {
    let d = sub(b, a);
    let chord2 = dot(d, d);
    let (start, end) = (d[2] + 0.5 * chord2 * a[2], d[2] - 0.5 * chord2 * b[2]);
    let northward = start > 0.0 && end < 0.0 && s <= ON_LINE && s_next <= ON_LINE;
    let southward = start < 0.0 && end > 0.0 && s >= -ON_LINE && s_next >= -ON_LINE;
    if !(northward || southward) {
        return None;
    }
    let t = start / (chord2 * (a[2] + 0.5 * d[2]));
    if !(t > 0.0 && t < 1.0) {
        return None;
    }
    let p = [a[0] + t * d[0], a[1] + t * d[1], a[2] + t * d[2]];
    let p = scale(p, 1.0 / dot(p, p).sqrt());
    let side = p[2] - sin;
    let beyond = if northward { side > ON_LINE } else { side < -ON_LINE };
    beyond.then_some((p, side))
}

/// The same for an arc of the cell's own parallel.
fn own_turning_point(
    a: UnitVector,
    b: UnitVector,
    own: &OwnParallels,
    sin: f64,
    cut: &Cut,
    s: f64,
    s_next: f64,
) -> Option<(UnitVector, f64)> {
    let normal = match cut {
        Cut::Parallel { .. } => [0.0, 0.0, 1.0],
        Cut::Meridian { sin, cos } => [-sin, *cos, 0.0],
    };
    let cosine = dot(own.axis, normal);
    let along = sub(normal, scale(own.axis, cosine));
    let length2 = dot(along, along);
    if length2 < 1e-30 {
        return None;
    }
    let radius = ((1.0 - sin) * (1.0 + sin)).max(0.0).sqrt() / length2.sqrt();
    let turn = dot(own.axis, cross(a, b));
    for direction in [1.0, -1.0] {
        let towards = direction > 0.0;
        // Only an extreme on the far side of the line matters, from ends that are both on the near side.
        let ends_near = if towards { s <= ON_LINE && s_next <= ON_LINE } else { s >= -ON_LINE && s_next >= -ON_LINE };
        if !ends_near {
            continue;
        }
        let p: UnitVector = std::array::from_fn(|i| sin * own.axis[i] + direction * radius * along[i]);
        let within = dot(own.axis, cross(a, p)) * turn > 0.0 && dot(own.axis, cross(p, b)) * turn > 0.0;
        let side = match cut {
            Cut::Parallel { sin, .. } => p[2] - sin,
            Cut::Meridian { sin, cos } => side(&p, (*sin, *cos)),
        };
        if within && (if towards { side > ON_LINE } else { side < -ON_LINE }) {
            return Some((p, side));
        }
    }
    None
}

/// Puts the pole into cut edges that run from one half of a great circle through the poles to the other.
fn insert_poles(piece: &mut Piece, sin: f64, cos: f64) {
    let mut k = 0;
    while k < piece.len && piece.len < CAPACITY {
        let next = piece.next(k);
        let (a, b) = (piece.corners[k], piece.corners[next]);
        let (along_a, along_b) = (a[0] * cos + a[1] * sin, b[0] * cos + b[1] * sin);
        if piece.edges[k] == Edge::Meridian && along_a * along_b < 0.0 {
            piece.corners.copy_within(k + 1..piece.len, k + 2);
            piece.edges.copy_within(k + 1..piece.len, k + 2);
            piece.corners[k + 1] = [0.0, 0.0, if a[2] + b[2] >= 0.0 { 1.0 } else { -1.0 }];
            piece.edges[k + 1] = Edge::Meridian;
            piece.len += 1;
            k += 1;
        }
        k += 1;
    }
}

/// Area of a piece: the great-circle polygon of its corners, and what its parallels add.
#[inline]
fn area(piece: &Piece, parallels: &Parallels, own: Option<&OwnParallels>) -> f64 {
    let n = piece.len;
    let origin = piece.corners[0];
    let mut total = 0.0;
    if n > 2 {
        let mut previous = sub(piece.corners[1], origin);
        let mut previous2 = dot(previous, previous);
        for corner in &piece.corners[2..n] {
            let offset = sub(*corner, origin);
            let offset2 = dot(offset, offset);
            let between = sub(offset, previous);
            let determinant = dot(origin, cross(previous, offset));
            // 1 + a·b + b·c + c·a, with a·b = 1 − |a − b|²/2 for unit vectors.
            let sum = 4.0 - 0.5 * (previous2 + offset2 + dot(between, between));
            let t = determinant / sum;
            total += if t.abs() < 1e-3 && sum > 0.0 {
                let t2 = t * t;
                2.0 * t * (1.0 - t2 * (1.0 / 3.0 - t2 * (0.2 - t2 / 7.0)))
            } else {
                2.0 * determinant.atan2(sum)
            };
            previous = offset;
            previous2 = offset2;
        }
    }
    for k in 0..n {
        let (sin, width) = match piece.edges[k] {
            Edge::GreatCircle | Edge::Meridian => continue,
            Edge::Lower => (parallels.sin[0], width_about_pole(piece.corners[k], piece.corners[piece.next(k)])),
            Edge::Upper => (parallels.sin[1], width_about_pole(piece.corners[k], piece.corners[piece.next(k)])),
            Edge::Own(which) => match own {
                Some(own) => (
                    own.sin[which as usize],
                    width_about(own.axis, own.sin[which as usize], piece.corners[k], piece.corners[piece.next(k)]),
                ),
                None => continue,
            },
        };
        total += parallel_lens_area(sin, width);
    }
    total
}

/// Longitude from `a` to `b`.
#[inline]
fn width_about_pole(a: UnitVector, b: UnitVector) -> f64 {
    angle(a[0] * (b[1] - a[1]) - a[1] * (b[0] - a[0]), a[0] * b[0] + a[1] * b[1])
}

/// Angle about `axis` from `a` to `b`, both on the parallel `sin` of that axis.
fn width_about(axis: UnitVector, sin: f64, a: UnitVector, b: UnitVector) -> f64 {
    angle(dot(axis, cross(a, sub(b, a))), dot(a, b) - sin * sin)
}

/// atan2 with a shortcut for small angles.
#[inline]
fn angle(sine: f64, cosine: f64) -> f64 {
    let t = sine / cosine;
    if cosine > 0.0 && t.abs() < 0.02 {
        let t2 = t * t;
        t * (1.0 - t2 * (1.0 / 3.0 - t2 * (0.2 - t2 * (1.0 / 7.0 - t2 * (1.0 / 9.0 - t2 / 11.0)))))
    } else {
        sine.atan2(cosine)
    }
}
