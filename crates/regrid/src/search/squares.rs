//! The nearest points of places that have some close by: the faces of a cube around the sphere, cut into squares.
//!
//! A place looks at the points of its square and of the eight around it. The nearest of them is the nearest of all if it is
//! closer than the four planes, through the center of the sphere, that bound these squares. Each face has a row of squares
//! more on all sides, with what the faces beside it have there. Places without a point so close, in the middle of a
//! continent or beside a dense region, stay open: [`quarters`](super::quarters) answers them.

use super::buckets::Buckets;
use super::compared::{self, SHORT};
use super::cube::{Extent, Seen, face_of};
use super::quarters::Points;
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;
use std::ops::Range;

/// Points of a square, on average and where they are even, for places that mostly have one near.
pub(crate) const FINE: f64 = 1.25;
/// The same for places that have none there: squares four times as wide.
pub(crate) const COARSE: f64 = 16.0 * FINE;
/// Squares of a face are no wider, so that it still sees well what lies in those around it.
const WIDEST: f64 = 0.25;
/// More points of nine squares are not worth comparing: where they are dense, few of them are near.
const MANY: usize = 256;
/// Fewer points are all compared.
const FEW: usize = 64;
/// Faces that may see a point.
const SIGHTS: usize = 3;
/// More than ties, and than the rounding of places and of distances.
const MARGIN: f64 = 1e-13;
/// Points that one task sorts.
const BLOCK: usize = 1 << 13;
/// Squares that one task fills.
const BAND: usize = 1 << 12;

/// Points in squares.
pub(crate) struct Squares {
    /// Square by square; those that several faces see are there for each.
    points: Points,
    /// First point of each square, and the number of points at the end.
    starts: Vec<u32>,
    faces: [Face; 6],
}

/// The squares of a face: a lattice over its points, with a row more on all sides.
#[derive(Default)]
struct Face {
    /// The number of its first square.
    first: usize,
    across: [Axis; 2],
}

/// The squares of a lattice in one direction.
#[derive(Default)]
struct Axis {
    low: f64,
    per_unit: f64,
    /// Without the two at the ends.
    count: usize,
    /// Where squares begin and end: the line as the face sees it, and what the distance from it there is multiplied by for that
    /// from its plane.
    lines: Vec<[f64; 2]>,
}

/// Where points are even on the sphere, so they nearly are by this instead of by the tangent `x` of an angle. Ascending up to
/// [`FARTHEST`].
#[inline(always)]
fn bent(x: f64) -> f64 {
    x * (4.0 - x.abs()) / 3.0
}

/// Tangents of what is in squares are less.
const FARTHEST: f64 = 2.0;

/// The inverse of [`bent`].
fn straight(t: f64) -> f64 {
    (2.0 - (4.0 - 3.0 * t.abs()).sqrt()).copysign(t)
}

impl Squares {
    /// The points that are `active`, `per_square` of them in a square; those with coordinates that are not numbers are left out.
    pub fn new(at: &[UnitVector], is_active: &[bool], per_square: f64) -> Self {
        let blocks = at.len().div_ceil(BLOCK);
        let block = |k: usize| k * BLOCK..at.len().min((k + 1) * BLOCK);
        let taken = |k: usize| block(k).filter(|&i| is_active[i] && at[i].iter().all(|c| c.is_finite()));
        let measure = |k: usize| {
            let mut extents = [Extent::NONE; 6];
            taken(k).for_each(|i| {
                let face = face_of(at[i]);
                extents[face].meet(Seen::from(face, at[i]));
            });
            extents
        };
        let join = |a: [Extent; 6], b: [Extent; 6]| std::array::from_fn(|face| a[face].and(&b[face]));
        let extents = (0..blocks).into_par_iter().map(measure).reduce(|| [Extent::NONE; 6], join);
        let mut count = 0;
        let faces = extents.map(|extent| {
            let extent = Extent { low: extent.low.map(bent), high: extent.high.map(bent), ..extent };
            let face = Face::over(&extent, per_square, count);
            count += face.len();
            face
        });
        // What is nearer to the edge of its face may be seen by another one, in its outer squares.
        let edge = 1.0 / straight(1.0 + faces.iter().map(Face::width).fold(0.0, f64::max)) - MARGIN;
        let put = |k: usize, items: &mut Vec<[u32; 2]>| {
            for i in taken(k) {
                let own = face_of(at[i]);
                let seen = Seen::from(own, at[i]);
                items.extend(faces[own].square_of(seen).map(|square| [square as u32, i as u32]));
                if seen.x.abs().max(seen.y.abs()) > edge {
                    let others = (0..6).filter(|&face| face != own);
                    let squares = others.filter_map(|face| faces[face].square_of(Seen::from(face, at[i])));
                    items.extend(squares.map(|square| [square as u32, i as u32]));
                }
            }
        };
        let spaces = (0..blocks).map(|k| SIGHTS * block(k).len());
        let sorted = Buckets::new(spaces, count.div_ceil(BAND), put, |item| item[0] as usize / BAND);
        Self::filled(&sorted, count, at, faces)
    }

    /// Points from their squares, `sorted` by band.
    fn filled(sorted: &Buckets<[u32; 2]>, count: usize, at: &[UnitVector], faces: [Face; 6]) -> Self {
        let lens: Vec<usize> = (0..sorted.count()).map(|band| sorted.len(band)).collect();
        let len: usize = lens.iter().sum();
        // The last point again, for what is compared beyond the last run.
        let more = if len > 0 { SHORT } else { 0 };
        let room = || vec![0.0; len + more];
        let mut points = Points { x: room(), y: room(), z: room(), numbers: vec![0; len + more] };
        let mut starts = vec![len as u32; count + 1];
        let (mut x, mut y, mut z) = (points.x.as_mut_slice(), points.y.as_mut_slice(), points.z.as_mut_slice());
        let (mut numbers, mut first) = (points.numbers.as_mut_slice(), 0);
        let mut bands = Vec::with_capacity(lens.len());
        for ((band, starts), len) in starts[..count].chunks_mut(BAND).enumerate().zip(lens) {
            let parts = (cut(&mut x, len), cut(&mut y, len), cut(&mut z, len), cut(&mut numbers, len));
            bands.push((band, starts, first, parts));
            first += len;
        }
        bands.into_par_iter().for_each(|(band, starts, first, (x, y, z, numbers))| {
            let items = || sorted.parts(band).flatten();
            let mut next = vec![0; starts.len()];
            items().for_each(|[square, _]| next[*square as usize % BAND] += 1);
            let mut before = 0;
            for (start, next) in starts.iter_mut().zip(&mut next) {
                *start = (first + before) as u32;
                (before, *next) = (before + *next, before);
            }
            for &[square, i] in items() {
                let to = &mut next[square as usize % BAND];
                ([x[*to], y[*to], z[*to]], numbers[*to]) = (at[i as usize], i);
                *to += 1;
            }
        });
        for to in len..len + more {
            for list in [&mut points.x, &mut points.y, &mut points.z] {
                list[to] = list[len - 1];
            }
            points.numbers[to] = points.numbers[len - 1];
        }
        Self { points, starts, faces }
    }

    /// All points, for the places that stay open.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// For each of the places that is `open` the number of the nearest point, the lowest of those tied, where squares tell.
    pub fn nearest(&self, places: &[UnitVector], nearest: &mut [u32], open: u32) {
        if self.points.len() < FEW {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
            // SAFETY: the processor has AVX2, as just asked.
            return unsafe { self.nearest_avx2(places, nearest, open) };
        }
        self.nearest_here::<false>(places, nearest, open);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn nearest_avx2(&self, places: &[UnitVector], nearest: &mut [u32], open: u32) {
        self.nearest_here::<true>(places, nearest, open);
    }

    /// `AVX2`: whether the processor has it.
    #[inline(always)]
    fn nearest_here<const AVX2: bool>(&self, places: &[UnitVector], nearest: &mut [u32], open: u32) {
        for (&p, nearest) in places.iter().zip(nearest).filter(|(_, nearest)| **nearest == open) {
            let own = face_of(p);
            let (face, seen) = (&self.faces[own], Seen::from(own, p));
            let Some(([column, row], reach)) = face.around(seen) else { continue };
            let mut runs = [const { 0..0 }; 3];
            for k in 0..3 {
                runs[k] = face.run(row + k, column, &self.starts);
            }
            let lens = [runs[0].len(), runs[1].len(), runs[2].len()];
            if lens[0] + lens[1] + lens[2] > MANY {
                continue;
            }
            let found = if AVX2 {
                #[cfg(target_arch = "x86_64")]
                #[allow(unsafe_code, reason = "vectors exist as instructions only")]
                // SAFETY: as the caller says; SHORT points follow the start of each run, the last one again at the end.
                unsafe {
                    compared::nearest_avx2(&self.points, &runs, p, reach)
                }
                #[cfg(not(target_arch = "x86_64"))]
                None
            } else {
                compared::nearest(&self.points, &runs, p, reach)
            };
            if let Some(number) = found {
                *nearest = number;
            }
        }
    }
}

impl Face {
    /// Squares over the points of a face, numbered from `first`.
    fn over(extent: &Extent, per_square: f64, first: usize) -> Self {
        if extent.count == 0 {
            return Self { first, ..Self::default() };
        }
        let squares = extent.count as f64 / per_square;
        // Points in one place or line have some room as well.
        let [x, y] = [0, 1].map(|axis| (extent.high[axis] - extent.low[axis]).max(1e-9));
        let width = (x * y / squares).sqrt().min(WIDEST);
        // Places beside points are near them.
        let low = extent.low.map(|low| (low - width).max(-1.0));
        let high = extent.high.map(|high| (high + width).min(1.0));
        let most = squares + 2.0 / WIDEST;
        let count = |axis: usize| ((high[axis] - low[axis]) / width).ceil().clamp(1.0, most);
        Self { first, across: [0, 1].map(|axis| Axis::new(low[axis], high[axis], count(axis))) }
    }

    /// Number of squares.
    fn len(&self) -> usize {
        let [x, y] = &self.across;
        if x.count == 0 { 0 } else { (x.count + 2) * (y.count + 2) }
    }

    /// Of its widest squares.
    fn width(&self) -> f64 {
        self.across.iter().filter(|axis| axis.count > 0).map(|axis| 1.0 / axis.per_unit).fold(0.0, f64::max)
    }

    /// The square of a point.
    fn square_of(&self, seen: Seen) -> Option<usize> {
        if seen.out <= 0.0 || seen.x.abs().max(seen.y.abs()) > FARTHEST || self.len() == 0 {
            return None;
        }
        let [x, y] = &self.across;
        Some(self.first + y.outer(seen.y)? * (x.count + 2) + x.outer(seen.x)?)
    }

    /// For a place that is not in an outer square: the first column and row of the nine squares around it, and a chord that
    /// does not reach beyond them.
    #[inline(always)]
    fn around(&self, seen: Seen) -> Option<([usize; 2], f64)> {
        let [x, y] = &self.across;
        if x.count == 0 {
            return None;
        }
        let (column, row) = (x.inner(seen.x)?, y.inner(seen.y)?);
        let planes = x.planes(column, seen.x).min(y.planes(row, seen.y));
        Some(([column, row], (seen.out * planes - MARGIN).max(0.0)))
    }

    /// The points of three squares side by side.
    #[inline(always)]
    fn run(&self, row: usize, column: usize, starts: &[u32]) -> Range<usize> {
        let first = self.first + row * (self.across[0].count + 2) + column;
        starts[first] as usize..starts[first + 3] as usize
    }
}

impl Axis {
    /// `count` squares from `low` to `high`.
    fn new(low: f64, high: f64, count: f64) -> Self {
        let width = (high - low) / count;
        let line = |k: usize| {
            let x = straight(low + (k as f64 - 1.0) * width);
            [x, 1.0 / (1.0 + x * x).sqrt()]
        };
        let count = count as usize;
        Self { low, per_unit: 1.0 / width, count, lines: (0..count + 3).map(line).collect() }
    }

    /// The square of a place, outer ones being the first and the last.
    fn outer(&self, x: f64) -> Option<usize> {
        let place = (bent(x) - self.low) * self.per_unit + 1.0;
        (place >= 0.0 && place < (self.count + 2) as f64).then_some(place as usize)
    }

    /// The square of a place without counting outer ones: so the first of three around it with them.
    #[inline(always)]
    fn inner(&self, x: f64) -> Option<usize> {
        let place = (bent(x) - self.low) * self.per_unit;
        // What is a little beyond the last one has it beside.
        (place >= 0.0 && place < (self.count + 1) as f64).then_some((place as usize).min(self.count - 1))
    }

    /// The least distance of a place from the planes that bound three squares, by that along the way out.
    #[inline(always)]
    fn planes(&self, first: usize, x: f64) -> f64 {
        let ([low, from_low], [high, from_high]) = (self.lines[first], self.lines[first + 3]);
        ((x - low) * from_low).min((high - x) * from_high)
    }
}

/// Takes the first `len` items.
fn cut<'a, T>(rest: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let (own, after) = std::mem::take(rest).split_at_mut(len);
    *rest = after;
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::points::NearPoints;
    use crate::search::scenes::{edges, globe, lattice, region};
    use knarr_kernels::sphere::unit_vector;

    /// What the strips say of each place, or nothing: of at most `open` of them.
    fn check(what: &str, points: &[UnitVector], places: &[UnitVector], open: std::ops::RangeInclusive<usize>) {
        let is_active: Vec<bool> = (0..points.len()).map(|k| k % 11 != 3).collect();
        let active = |k: usize| is_active[k].then(|| (points[k], k as u32));
        let near = NearPoints::new((0..points.len()).filter_map(active).collect());
        let mut nearest = vec![u32::MAX; places.len()];
        let squares = Squares::new(points, &is_active, FINE);
        squares.nearest(places, &mut nearest, u32::MAX);
        // Coarse ones answer what is left, and what they answer as well they answer the same way.
        let mut coarse = vec![u32::MAX; places.len()];
        Squares::new(points, &is_active, COARSE).nearest(places, &mut coarse, u32::MAX);
        for (k, (fine, coarse)) in nearest.iter().zip(&coarse).enumerate() {
            assert!(*fine == u32::MAX || *coarse == u32::MAX || fine == coarse, "{what}: {:?}", places[k]);
            let expected = near.nearest(places[k]).map(|n| n.0);
            assert!(*coarse == u32::MAX || Some(*coarse) == expected, "{what}, coarse: {:?}", places[k]);
        }
        if squares.points.len() >= FEW {
            let mut plain = vec![u32::MAX; places.len()];
            squares.nearest_here::<false>(places, &mut plain, u32::MAX);
            assert_eq!(plain, nearest, "{what} without vectors");
        }
        for (&number, &at) in nearest.iter().zip(places).filter(|(number, _)| **number != u32::MAX) {
            assert_eq!(Some(number), near.nearest(at).map(|n| n.0), "{what}: {at:?}");
        }
        let count = nearest.iter().filter(|number| **number == u32::MAX).count();
        assert!(open.contains(&count), "{what}: {count} open");
    }

    #[test]
    fn answers_are_those_of_the_strips() {
        // Places in the middle of two and four points as well.
        let (whole, halves) = (lattice(5.0), lattice(2.5));
        check("a lattice", &whole, &halves, 0..=2000);
        check("its points", &whole, &whole, 0..=500);
        let (globe, region) = (globe(), region());
        check("edges", &globe, &edges(), 0..=10);
        check("the globe", &globe, &halves, 0..=10);
        check("half of the globe", &globe[..10_000], &halves, 5000..=5500);
        check("a region", &region, &region, 0..=300);
        check("far from it", &region, &halves, halves.len()..=halves.len());
        check("the globe around a region", &[&globe[..], &region].concat(), &[halves, region].concat(), 6000..=6500);
    }

    #[test]
    fn few_points_and_points_in_a_line_or_one_place() {
        check("none", &[], &[[1.0, 0.0, 0.0]], 1..=1);
        check("one", &[[1.0, 0.0, 0.0]], &[[1.0, 0.0, 0.0]], 1..=1);
        check("no numbers", &[[f64::NAN; 3]; 100], &[[1.0, 0.0, 0.0]], 1..=1);
        check("one place", &[[0.0, 0.6, 0.8]; 100], &[[0.0, 0.6, 0.8], [0.0, 0.8, 0.6]], 0..=2);
        let line: Vec<UnitVector> = (0..1000).map(|k| unit_vector(0.1 * f64::from(k), 0.0)).collect();
        check("a line", &line, &line, 0..=1000);
    }
}
