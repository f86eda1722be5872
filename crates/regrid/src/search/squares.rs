//! The nearest points of places that have some close by: the faces of a cube around the sphere, cut into squares.
//!
//! A place looks at the points of its square and of the eight around it. The nearest of them is the nearest of all if it is
//! closer than the four planes, through the center of the sphere, that bound these squares. Each face has a row of squares
//! more on all sides, with what the faces beside it have there. Places without a point so close, in the middle of a
//! continent or beside a dense region, stay open: [`quarters`](super::quarters) answers them. Squares keep points in single
//! precision, which mostly tells; the others are asked for [anew](compared).

use super::buckets::Buckets;
use super::compared::{self, Point, SHORT, point};
use super::cube::{Extent, Seen, Sights, TOGETHER, face_of};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;
use std::ops::Range;

/// Points of a square, on average and where they are even.
const PER_SQUARE: f64 = 1.25;
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
/// Of so many points one tells where they lie, a number that lines of a grid are hardly a multiple of; of few points, all do.
const SAMPLED: usize = 17;
const SAMPLES: usize = 1 << 9;

/// Points that squares are made of, asked for as they are needed: only single precision stays in squares.
pub(crate) trait Sites: Sync {
    /// Whether each takes part.
    fn are_active(&self) -> &[bool];
    /// One of them.
    fn unit(&self, site: usize) -> UnitVector;
    /// Puts some of them into `units`, as [`Self::unit`] has them.
    fn put_units(&self, sites: Range<usize>, units: &mut [UnitVector]);
}

/// Points in squares.
pub(crate) struct Squares<'a, S> {
    sites: &'a S,
    /// Square by square; those that several faces see are there for each.
    points: Vec<Point>,
    /// First point of each square, and the number of points at the end.
    starts: Vec<u32>,
    faces: [Face; 6],
}

/// A point on its way to its square, and the number of that.
type Item = [u32; 5];

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

impl<'a, S: Sites> Squares<'a, S> {
    /// The sites that are active; those with coordinates that are not numbers are left out.
    pub fn new(sites: &'a S) -> Self {
        let is_active = sites.are_active();
        let mut count = 0;
        let faces = extents(sites).map(|extent| {
            let extent = Extent { low: extent.low.map(bent), high: extent.high.map(bent), ..extent };
            let face = Face::over(&extent, count);
            count += face.len();
            face
        });
        // What is nearer to the edge of its face may be seen by another one, in its outer squares.
        let edge = 1.0 / straight(1.0 + faces.iter().map(Face::width).fold(0.0, f64::max)) - MARGIN;
        let blocks = is_active.len().div_ceil(BLOCK);
        let block = |k: usize| k * BLOCK..is_active.len().min((k + 1) * BLOCK);
        let put = |k: usize, items: &mut Vec<Item>| {
            let (mut units, mut sights) = ([[0.0; 3]; TOGETHER], Sights::NONE);
            for first in block(k).step_by(TOGETHER) {
                let some = first..block(k).end.min(first + TOGETHER);
                let units = &mut units[..some.len()];
                sites.put_units(some.clone(), units);
                sights.take(units);
                for (i, &p) in some.clone().zip(&*units).filter(|(i, _)| is_active[*i]) {
                    let [x, y, z, number] = point(p, i as u32);
                    let (own, seen) = sights.get(i - first);
                    if let Some(square) = faces[own].square_of(seen) {
                        items.push([x, y, z, number, square]);
                    }
                    if seen.x.abs().max(seen.y.abs()) > edge {
                        let others = (0..6).filter(|&face| face != own);
                        let squares = others.filter_map(|face| faces[face].square_of(Seen::from(face, p)));
                        items.extend(squares.map(|square| [x, y, z, number, square]));
                    }
                }
            }
        };
        let spaces = (0..blocks).map(|k| SIGHTS * block(k).len());
        let sorted = Buckets::new(spaces, count.div_ceil(BAND), put, |item| item[4] as usize / BAND);
        Self::filled(sites, &sorted, count, faces)
    }

    /// Points from their squares, `sorted` by band.
    fn filled(sites: &'a S, sorted: &Buckets<Item>, count: usize, faces: [Face; 6]) -> Self {
        let lens: Vec<usize> = (0..sorted.count()).map(|band| sorted.len(band)).collect();
        let len: usize = lens.iter().sum();
        // The last point again, for what is compared beyond the last run.
        let more = if len > 0 { SHORT } else { 0 };
        let mut points = vec![[0; 4]; len + more];
        let mut starts = vec![len as u32; count + 1];
        let (mut rest, mut first, mut bands) = (&mut points[..], 0, Vec::with_capacity(lens.len()));
        for ((band, starts), len) in starts[..count].chunks_mut(BAND).enumerate().zip(lens) {
            let (own, after) = std::mem::take(&mut rest).split_at_mut(len);
            bands.push((band, starts, first, own));
            (rest, first) = (after, first + len);
        }
        bands.into_par_iter().for_each(|(band, starts, first, points)| {
            let items = || sorted.parts(band).flatten();
            let mut next = vec![0; starts.len()];
            items().for_each(|[.., square]| next[*square as usize % BAND] += 1);
            let mut before = 0;
            for (start, next) in starts.iter_mut().zip(&mut next) {
                *start = (first + before) as u32;
                (before, *next) = (before + *next, before);
            }
            for &[x, y, z, number, square] in items() {
                let to = &mut next[square as usize % BAND];
                points[*to] = [x, y, z, number];
                *to += 1;
            }
        });
        if more > 0 {
            let last = points[len - 1];
            points[len..].fill(last);
        }
        Self { sites, points, starts, faces }
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
        let unit = |number: u32| self.sites.unit(number as usize);
        let mut asked = [const { Around { place: 0, reach: 0.0, squares: [0; 3], runs: [const { 0..0 }; 3] } }; TOGETHER];
        let mut sights = Sights::NONE;
        for first in (0..places.len()).step_by(TOGETHER) {
            // Some places at a time, so that what one asks for comes while others ask.
            let some = first..places.len().min(first + TOGETHER);
            sights.take(&places[some.clone()]);
            let mut count = 0;
            for place in some {
                let (own, seen) = sights.get(place - first);
                let face = &self.faces[own];
                if nearest[place] == open
                    && let Some(([column, row], reach)) = face.around(seen)
                {
                    let around = &mut asked[count];
                    (around.place, around.reach) = (place, reach);
                    for k in 0..3 {
                        around.squares[k] = face.first + (row + k) * (face.across[0].count + 2) + column;
                        call(&self.starts, around.squares[k]);
                    }
                    count += 1;
                }
            }
            for around in &mut asked[..count] {
                for (run, &square) in around.runs.iter_mut().zip(&around.squares) {
                    *run = self.starts[square] as usize..self.starts[square + 3] as usize;
                    call(&self.points, run.start);
                    call(&self.points, run.start + 4);
                }
            }
            for Around { place, reach, runs, .. } in &asked[..count] {
                let near = runs[0].len() + runs[1].len() + runs[2].len();
                if near == 0 || near > MANY {
                    continue;
                }
                let (runs, p) = (runs.clone(), places[*place]);
                let found = if AVX2 {
                    #[cfg(target_arch = "x86_64")]
                    #[allow(unsafe_code, reason = "vectors exist as instructions only")]
                    // SAFETY: as the caller says; SHORT points follow the start of each run, the last one again at the end.
                    unsafe {
                        compared::nearest_avx2(&self.points, runs, p, *reach, unit)
                    }
                    #[cfg(not(target_arch = "x86_64"))]
                    None
                } else {
                    compared::nearest(&self.points, runs, p, *reach, unit)
                };
                if let Some(number) = found {
                    nearest[*place] = number;
                }
            }
        }
    }
}

/// What there is around a place.
struct Around {
    place: usize,
    /// A chord that does not reach beyond the nine squares.
    reach: f64,
    /// The first of three squares side by side, three times, and their points.
    squares: [usize; 3],
    runs: [Range<usize>; 3],
}

/// Asks for an item of a list to be brought into the caches.
#[inline(always)]
fn call<T>(list: &[T], k: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[allow(unsafe_code, reason = "a prefetch exists as an instruction only")]
        // SAFETY: part of SSE; it only hints, and does nothing where there is no memory.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(list.as_ptr().wrapping_add(k).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (list, k);
}

/// Where the points of each face lie and how many there are, nearly: what some of them tell, and as much around it as those are
/// apart. What lies farther out is in no square, which places that ask for it notice.
fn extents<S: Sites>(sites: &S) -> [Extent; 6] {
    let is_active = sites.are_active();
    let step = if is_active.len() < SAMPLED * SAMPLES { 1 } else { SAMPLED };
    let measure = |mut extents: [Extent; 6], k: usize| {
        let i = k * step;
        if is_active[i] {
            let p = sites.unit(i);
            if p.iter().all(|c| c.is_finite()) {
                let face = face_of(p);
                extents[face].meet(Seen::from(face, p));
            }
        }
        extents
    };
    let join = |a: [Extent; 6], b: [Extent; 6]| std::array::from_fn(|face| a[face].and(&b[face]));
    let samples = (0..is_active.len().div_ceil(step)).into_par_iter().with_min_len(SAMPLES);
    let extents = samples.fold(|| [Extent::NONE; 6], measure).reduce(|| [Extent::NONE; 6], join);
    extents.map(|extent| if step == 1 { extent } else { extent.of_all(step) })
}

impl Face {
    /// Squares over the points of a face, numbered from `first`.
    fn over(extent: &Extent, first: usize) -> Self {
        if extent.count == 0 {
            return Self { first, ..Self::default() };
        }
        let squares = extent.count as f64 / PER_SQUARE;
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

    /// The square of a point; none of one whose coordinates are not numbers.
    #[inline(always)]
    fn square_of(&self, seen: Seen) -> Option<u32> {
        let [x, y] = &self.across;
        if seen.out <= 0.0 || seen.x.abs().max(seen.y.abs()) > FARTHEST || x.count == 0 {
            return None;
        }
        let (column, row) = (x.outer(seen.x)?, y.outer(seen.y)?);
        Some((self.first + row * (x.count + 2) + column) as u32)
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
    #[inline(always)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::points::NearPoints;
    use crate::search::scenes::{edges, globe, lattice, region};
    use knarr_kernels::sphere::{add, scale, unit_vector};

    /// Points at hand.
    struct AtHand<'a> {
        points: &'a [UnitVector],
        is_active: Vec<bool>,
    }

    impl Sites for AtHand<'_> {
        fn are_active(&self) -> &[bool] {
            &self.is_active
        }
        fn unit(&self, site: usize) -> UnitVector {
            self.points[site]
        }
        fn put_units(&self, sites: Range<usize>, units: &mut [UnitVector]) {
            units.copy_from_slice(&self.points[sites]);
        }
    }

    /// What the strips say of each place, or nothing: of at most `open` of them.
    fn check(what: &str, points: &[UnitVector], places: &[UnitVector], open: std::ops::RangeInclusive<usize>) {
        let sites = AtHand { points, is_active: (0..points.len()).map(|k| k % 11 != 3).collect() };
        let active = |k: usize| sites.is_active[k].then(|| (points[k], k as u32));
        let near = NearPoints::new((0..points.len()).filter_map(active).collect());
        let mut nearest = vec![u32::MAX; places.len()];
        let squares = Squares::new(&sites);
        squares.nearest(places, &mut nearest, u32::MAX);
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
        // Double precision alone tells them apart.
        let aside = |p: UnitVector| [add(p, scale(if p[0].abs() < 0.5 { [1.0, 0.0, 0.0] } else { [0.0, 0.0, 1.0] }, 1e-9)), p];
        let pairs: Vec<UnitVector> = globe.iter().copied().flat_map(aside).collect();
        check("points hardly apart", &pairs, &[&globe[..], &halves].concat(), 0..=20);
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
