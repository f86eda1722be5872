//! The nearest points of many places, found together.
//!
//! Tiles of the faces of a cube are quartered, and with them the places in them. Points that are the nearest nowhere in a tile
//! are left out: for a point q₀, another one q is farther everywhere in it if p·(q₀ − q) > 0 at its four corners p, since
//! places in it are sums of the corners with positive factors. The point nearest to the middle is a good q₀. Where a few
//! places or points are left, all are compared. On a lattice a place costs some dozens of points, near or far from them.

use super::cube::{Seen, axes, face_of};
use super::points::TIE;
use knarr_kernels::sphere::{UnitVector, dot, scale, sub};
use rayon::prelude::*;

/// So few places are not worth it that points are left out for them, and so few points are not worth it.
const FEW_PLACES: usize = 16;
const FEW_POINTS: usize = 32;
/// Places from which on quarters are given to several threads.
const SHARED: usize = 1 << 12;
/// Tiles are quartered no more often: what is as close is compared.
const DEEPEST: usize = 30;
/// More than the rounding of products, of places at edges, and than differences of ties (see [`TIE`]).
const MARGIN: f64 = 1e-13;

/// A place that asks for the nearest point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub at: UnitVector,
    /// What the place is known by to who asks.
    pub number: u32,
    /// The number of the nearest point; the lowest of those tied.
    pub nearest: u32,
}

/// Points side by side, with their numbers.
#[derive(Default)]
pub(crate) struct Points {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) z: Vec<f64>,
    pub(super) numbers: Vec<u32>,
}

impl Points {
    /// None yet of so many.
    pub fn with_capacity(count: usize) -> Self {
        let [x, y, z] = std::array::from_fn(|_| Vec::with_capacity(count));
        Self { x, y, z, numbers: Vec::with_capacity(count) }
    }

    /// Adds points and the numbers that places get for them. Those with coordinates that are not numbers are left out.
    pub fn extend(&mut self, items: impl Iterator<Item = (UnitVector, u32)>) {
        for ([x, y, z], number) in items.filter(|(p, _)| p.iter().all(|c| c.is_finite())) {
            self.x.push(x);
            self.y.push(y);
            self.z.push(z);
            self.numbers.push(number);
        }
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Gives all places their nearest point, and them another order. Without points places stay as they are.
    pub fn nearest(&self, places: &mut [Asked]) {
        if self.len() == 0 {
            return;
        }
        let (mut rest, mut faces) = (places, Vec::with_capacity(6));
        for face in 0..6 {
            let (own, others) = match face {
                // All that is left.
                5 => (rest, [].as_mut_slice()),
                _ => split(rest, |place| face_of(place.at) == face),
            };
            faces.push((Tile { face, low: [-1.0; 2], width: 2.0, depth: 0 }, own));
            rest = others;
        }
        find_all(faces, self, &mut Room::default());
    }
}

/// Memory that is used again and again.
#[derive(Default)]
struct Room {
    /// The points left in the tile of each depth.
    left: [Points; DEEPEST],
    /// Of each point the bits of its chord², of which the least is found sooner than that of numbers.
    chords2: Vec<i64>,
    /// How much farther than the nearest one it is where that is least.
    farther: Vec<f64>,
    kept: Vec<u32>,
}

/// A square of a face.
#[derive(Clone, Copy)]
struct Tile {
    face: usize,
    /// Its least x and y.
    low: [f64; 2],
    width: f64,
    depth: usize,
}

/// Looks at tiles and the places in them, with several threads if they are many.
fn find_all<'a>(tiles: impl IntoIterator<Item = (Tile, &'a mut [Asked])>, points: &Points, room: &mut Room) {
    let (many, few): (Vec<_>, Vec<_>) = tiles.into_iter().partition(|(_, places)| places.len() >= SHARED);
    few.into_iter().for_each(|(tile, places)| tile.find(points, places, room));
    match <[_; 1]>::try_from(many) {
        Ok([(tile, places)]) => tile.find(points, places, room),
        Err(many) => many.into_par_iter().for_each(|(tile, places)| tile.find(points, places, &mut Room::default())),
    }
}

impl Tile {
    fn find(self, points: &Points, places: &mut [Asked], room: &mut Room) {
        if places.len() <= FEW_PLACES || points.len() <= FEW_POINTS || self.depth == DEEPEST {
            places.iter_mut().for_each(|place| place.nearest = nearest(points, place.at, room));
            return;
        }
        let mut left = std::mem::take(&mut room.left[self.depth]);
        let [corners @ .., middle] = self.corners();
        leave_out(points, corners, middle, &mut left, room);
        let [ahead, x, y] = axes(self.face);
        let half = 0.5 * self.width;
        let [middle_x, middle_y] = self.low.map(|low| low + half);
        // What lies before the plane through the center of the sphere and a line of the face.
        let before = |axis: UnitVector, line: f64| {
            let across = sub(axis, scale(ahead, line));
            move |place: &Asked| dot(place.at, across) < 0.0
        };
        let (south, north) = split(places, before(y, middle_y));
        let (south_west, south_east) = split(south, before(x, middle_x));
        let (north_west, north_east) = split(north, before(x, middle_x));
        let quarter = |low_x, low_y| Self { low: [low_x, low_y], width: half, depth: self.depth + 1, ..self };
        let quarters = [
            (quarter(self.low[0], self.low[1]), south_west),
            (quarter(middle_x, self.low[1]), south_east),
            (quarter(self.low[0], middle_y), north_west),
            (quarter(middle_x, middle_y), north_east),
        ];
        if quarters.iter().any(|(_, places)| places.len() >= SHARED) {
            find_all(quarters, &left, room);
        } else {
            quarters.into_iter().for_each(|(tile, places)| tile.find(&left, places, room));
        }
        room.left[self.depth] = left;
    }

    /// Its corners, and its middle.
    fn corners(self) -> [UnitVector; 5] {
        [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5)]
            .map(|(i, j)| Seen::point(self.face, self.low[0] + i * self.width, self.low[1] + j * self.width))
    }
}

/// Brings the places that `is_first` holds of to the front.
fn split(places: &mut [Asked], is_first: impl Fn(&Asked) -> bool) -> (&mut [Asked], &mut [Asked]) {
    let mut first = 0;
    // Without a branch: which way a place goes is hard to foresee.
    for k in 0..places.len() {
        let goes_first = is_first(&places[k]);
        places.swap(first, k);
        first += usize::from(goes_first);
    }
    places.split_at_mut(first)
}

/// The lowest number of the points tied with the nearest one.
fn nearest(points: &Points, p: UnitVector, room: &mut Room) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512vl")
        && std::arch::is_x86_feature_detected!("avx512dq")
    {
        #[allow(unsafe_code, reason = "a function for AVX-512 has no other way to be called")]
        // SAFETY: the processor has AVX-512 F, VL and DQ, as just asked.
        return unsafe { nearest_avx512(points, p, room) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
        // SAFETY: the processor has AVX2, as just asked.
        return unsafe { nearest_avx2(points, p, room) };
    }
    nearest_here(points, p, room)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq")]
fn nearest_avx512(points: &Points, p: UnitVector, room: &mut Room) -> u32 {
    nearest_here(points, p, room)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn nearest_avx2(points: &Points, p: UnitVector, room: &mut Room) -> u32 {
    nearest_here(points, p, room)
}

#[inline(always)]
fn nearest_here(points: &Points, p: UnitVector, room: &mut Room) -> u32 {
    let least = measure(points, p, &mut room.chords2);
    let chords2 = &room.chords2[..points.len()];
    let reach = least.sqrt() + TIE;
    // All that are tied, and hardly anything else.
    let limit = (reach * reach * (1.0 + 4.0 * f64::EPSILON)).to_bits() as i64;
    let (mut places, mut count) = (0, 0);
    for k in 0..chords2.len() {
        let is_near = i64::from(chords2[k] <= limit);
        places += is_near * k as i64;
        count += is_near;
    }
    // The sum is the place, if it is one.
    if count == 1 { points.numbers[places as usize] } else { lowest_tied(chords2, &points.numbers, reach) }
}

#[cold]
fn lowest_tied(chords2: &[i64], numbers: &[u32], reach: f64) -> u32 {
    let tied = chords2.iter().zip(numbers).filter(|(bits, _)| f64::from_bits(**bits as u64).sqrt() <= reach);
    tied.map(|(_, &number)| number).min().expect("the nearest point is tied with itself")
}

/// Squares of the chords to all points, as bits, and the least of them. Numbers that are not negative are in the order of
/// their bits.
#[inline(always)]
fn measure(points: &Points, p: UnitVector, chords2: &mut Vec<i64>) -> f64 {
    let n = points.len();
    if chords2.len() < n {
        chords2.resize(n, 0);
    }
    let (x, y, z, chords2) = (&points.x[..n], &points.y[..n], &points.z[..n], &mut chords2[..n]);
    let mut least = i64::MAX;
    for k in 0..n {
        let chord = sub([x[k], y[k], z[k]], p);
        let bits = dot(chord, chord).to_bits() as i64;
        chords2[k] = bits;
        least = least.min(bits);
    }
    f64::from_bits(least as u64)
}

/// Puts the points that may be the nearest somewhere between the corners of a tile into `left`.
fn leave_out(points: &Points, corners: [UnitVector; 4], middle: UnitVector, left: &mut Points, room: &mut Room) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512vl")
        && std::arch::is_x86_feature_detected!("avx512dq")
    {
        #[allow(unsafe_code, reason = "a function for AVX-512 has no other way to be called")]
        // SAFETY: the processor has AVX-512 F, VL and DQ, as just asked.
        return unsafe { leave_out_avx512(points, corners, middle, left, room) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
        // SAFETY: the processor has AVX2, as just asked.
        return unsafe { leave_out_avx2(points, corners, middle, left, room) };
    }
    leave_out_here(points, corners, middle, left, room);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq")]
fn leave_out_avx512(points: &Points, corners: [UnitVector; 4], middle: UnitVector, left: &mut Points, room: &mut Room) {
    leave_out_here(points, corners, middle, left, room);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn leave_out_avx2(points: &Points, corners: [UnitVector; 4], middle: UnitVector, left: &mut Points, room: &mut Room) {
    leave_out_here(points, corners, middle, left, room);
}

#[inline(always)]
fn leave_out_here(points: &Points, corners: [UnitVector; 4], middle: UnitVector, left: &mut Points, room: &mut Room) {
    let n = points.len();
    let least = measure(points, middle, &mut room.chords2).to_bits() as i64;
    let at = room.chords2[..n].iter().position(|&bits| bits == least).expect("the least is one of them");
    if room.kept.len() <= n {
        room.farther.resize(n, 0.0);
        room.kept.resize(n + 1, 0);
    }
    let (x, y, z) = (&points.x[..n], &points.y[..n], &points.z[..n]);
    let (farther, kept) = (&mut room.farther[..n], &mut room.kept[..n + 1]);
    let nearest = [x[at], y[at], z[at]];
    let lesser = |a: f64, b: f64| if b < a { b } else { a };
    for k in 0..n {
        let toward = sub(nearest, [x[k], y[k], z[k]]);
        let [a, b, c, d] = corners;
        farther[k] = lesser(lesser(dot(a, toward), dot(b, toward)), lesser(dot(c, toward), dot(d, toward)));
    }
    let mut count = 0;
    for k in 0..n {
        kept[count] = k as u32;
        count += usize::from(farther[k] <= MARGIN);
    }
    let kept = &kept[..count];
    for (to, from) in [(&mut left.x, x), (&mut left.y, y), (&mut left.z, z)] {
        to.clear();
        to.extend(kept.iter().map(|&k| from[k as usize]));
    }
    left.numbers.clear();
    left.numbers.extend(kept.iter().map(|&k| points.numbers[k as usize]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::points::NearPoints;
    use crate::search::scenes::{edges, globe, lattice, region};

    fn points_of(items: impl IntoIterator<Item = (UnitVector, u32)>) -> Points {
        let mut points = Points::default();
        points.extend(items.into_iter());
        points
    }

    /// What the strips say of each place one by one, places in the order of numbers.
    fn check(what: &str, points: &[UnitVector], places: &[UnitVector]) {
        let items: Vec<(UnitVector, u32)> = points.iter().copied().zip(0..).filter(|(_, k)| k % 11 != 3).collect();
        let near = NearPoints::new(items.clone());
        let mut asked: Vec<Asked> = places.iter().zip(0..).map(|(&at, number)| Asked { at, number, nearest: u32::MAX }).collect();
        points_of(items).nearest(&mut asked);
        asked.sort_by_key(|place| place.number);
        assert_eq!(asked.len(), places.len());
        for (place, &at) in asked.iter().zip(places) {
            assert_eq!(place.at, at, "{what}");
            assert_eq!(Some(place.nearest), near.nearest(at).map(|n| n.0), "{what}: {at:?}");
        }
    }

    #[test]
    fn answers_are_those_of_the_strips() {
        // Places in the middle of two and four points as well.
        let (whole, halves) = (lattice(5.0), lattice(2.5));
        check("a lattice", &whole, &halves);
        check("its points", &whole, &whole);
        // Poles asked for again and again.
        let (globe, region) = (globe(), region());
        check("the globe", &globe, &[edges(), vec![[0.0, 0.0, 1.0]; 5000]].concat());
        check("half of the globe", &globe[..10_000], &halves);
        check("a region", &region, &halves);
        check("the globe around a region", &[&globe[..], &region].concat(), &[halves, region].concat());
    }

    #[test]
    fn few_and_no_points() {
        let asked = || vec![Asked { at: [1.0, 0.0, 0.0], number: 7, nearest: 9 }; 3];
        let mut none = asked();
        points_of([([f64::NAN; 3], 1)]).nearest(&mut none);
        assert!(none.iter().all(|place| place.nearest == 9));
        let mut two = asked();
        points_of([([0.0, 1.0, 0.0], 5), ([0.0, 1.0, 0.0], 3)]).nearest(&mut two);
        assert!(two.iter().all(|place| place.nearest == 3));
        points_of([([0.0, 1.0, 0.0], 5)]).nearest(&mut []);
    }
}
