//! A surface through the centers of a two-dimensional grid: bicubic in each quadrangle of four, of continuous slope.
//!
//! In u and v, which count the centers along the two lines, Hermite's bicubic takes at each corner the value, the slopes
//! f_u and f_v, and f_uv. With f₋₂ … f₂ along a line f_u = (f₋₂ − 8·f₋₁ + 8·f₁ − f₂)/12; one center from a rim or a mask
//! (f₁ − f₋₁)/2; beside a mask f₁ − f₀, as fronts along a coast are not to be carried on towards it. f_uv is the mean over
//! the quadrangles at the corner of f₀₀ − f₁₀ − f₀₁ + f₁₁. All four are the corner's, whichever quadrangle asks, so that
//! slopes go on across sides. (u, v) of a point solves the same bicubic for the places of the centers in the tangent plane
//! there: fields linear in that plane are kept. There is no surface in the outermost quadrangles of a grid.
//!
//! Order 4 where the grid is smooth, 2 beside a mask. Reference: de Boor (1962), J. Math. Phys. 41, 212–218 (bicubics by
//! values, slopes and twists).

use super::stars::{NONE, Star, beyond, stars};
use crate::links::Link;
use crate::methods::bilinear::Patches;
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};

/// Steps until (u, v) stands still, or is given up.
const STEPS: usize = 20;
/// The last step.
const STILL: f64 = 1e-13;
/// From where (u, v) does not come back.
const FAR: f64 = 3.0;
/// Points are in a quadrangle up to this much of its sides.
const ON_SIDE: f64 = 1e-9;
/// Sides are curved: this far beyond those of the last quadrangle before a mask.
const BEYOND: f64 = 0.25;
/// Quadrangles that are tried, from the one between straight sides.
const MOVES: usize = 4;
/// Weights of a greater sum of magnitudes are not sound.
const GREATEST_MAGNITUDE: f64 = 4.0;
/// Nearest cosine to the point at which centers are seen in its tangent plane.
const LEAST_COSINE: f64 = 0.1;

/// Centers with those around them.
pub(super) struct Surface<'a> {
    centers: &'a [UnitVector],
    stars: Vec<Star>,
}

/// A sum over centers.
#[derive(Clone, Copy)]
struct Sum {
    len: usize,
    links: [Link; 9],
}

/// What Hermite's bicubic takes at a corner: value, slopes along both sides, and twist.
type Corner = [Sum; 4];

impl Sum {
    const EMPTY: Self = Self { len: 0, links: [(0, 0.0); 9] };

    fn push(&mut self, center: u32, weight: f64) {
        self.links[self.len] = (center, weight);
        self.len += 1;
    }

    fn links(&self) -> &[Link] {
        &self.links[..self.len]
    }
}

impl<'a> Surface<'a> {
    pub fn new(patches: &Patches, centers: &'a [UnitVector]) -> Self {
        let quadrangles: Vec<[u32; 4]> = patches.quadrangles().collect();
        Self { centers, stars: stars(centers.len(), &quadrangles, |c| patches.is_active(c)) }
    }

    /// Appends the links of `p`, which lies between four active corners, counter-clockwise, and has these bilinear weights;
    /// false if there is no surface.
    pub fn links_at(&self, p: UnitVector, corners: [u32; 4], weights: [f64; 4], links: &mut Vec<Link>) -> bool {
        let plane = TangentPlane::new(p, LEAST_COSINE);
        let (mut corners, mut start) = (corners, [weights[1] + weights[2], weights[2] + weights[3]]);
        for _ in 0..MOVES {
            let Some(hermite) = self.corners(corners) else { return false };
            let Some([u, v]) = self.solve(&plane, &hermite, start) else { return false };
            let excess = [-u, u - 1.0, -v, v - 1.0];
            let farthest = (0..4).max_by(|&a, &b| excess[a].total_cmp(&excess[b])).expect("four sides");
            if excess[farthest] > ON_SIDE {
                if let Some(next) = self.next(corners, farthest) {
                    let turned = [[1.0 + u, v], [u - 1.0, v], [u, 1.0 + v], [u, v - 1.0]][farthest];
                    (corners, start) = (next, turned);
                    continue;
                }
                if excess[farthest] > BEYOND {
                    return false;
                }
            }
            return push(&hermite, [u, v], links);
        }
        false
    }

    /// The quadrangle across the side u = 0, u = 1, v = 0 or v = 1, with u and v the same way.
    fn next(&self, [a, b, c, d]: [u32; 4], side: usize) -> Option<[u32; 4]> {
        let on = |first: u32, second: u32| beyond(&self.stars, first, second);
        let next = match side {
            0 => [on(b, a), a, d, on(c, d)],
            1 => [b, on(a, b), on(d, c), c],
            2 => [on(d, a), on(c, b), b, a],
            _ => [d, c, on(b, c), on(a, d)],
        };
        (!next.contains(&NONE)).then_some(next)
    }

    /// The corners of a quadrangle, with slopes along u and v.
    fn corners(&self, [a, b, c, d]: [u32; 4]) -> Option<[Corner; 4]> {
        // At each corner, the corners along u and along v, and whether these are ahead.
        Some([
            self.corner(a, (b, 1.0), (d, 1.0))?,
            self.corner(b, (a, -1.0), (c, 1.0))?,
            self.corner(c, (d, -1.0), (b, -1.0))?,
            self.corner(d, (c, 1.0), (a, -1.0))?,
        ])
    }

    fn corner(&self, own: u32, u: (u32, f64), v: (u32, f64)) -> Option<Corner> {
        let star = Some(&self.stars[own as usize]).filter(|star| star.is_inner)?;
        let mut value = Sum::EMPTY;
        value.push(own, 1.0);
        let (to_u, to_v) = (star.towards(u.0)?, star.towards(v.0)?);
        Some([value, self.slope(own, u), self.slope(own, v), twist(own, star, to_u, to_v, u.1 * v.1)])
    }

    /// The slope at `own` along the line to `ahead`, times `sign`.
    fn slope(&self, own: u32, (ahead, sign): (u32, f64)) -> Sum {
        let before = beyond(&self.stars, ahead, own);
        let mut sum = Sum::EMPTY;
        if before == NONE {
            sum.push(own, -sign);
            sum.push(ahead, sign);
            return sum;
        }
        let far = [beyond(&self.stars, own, before), beyond(&self.stars, own, ahead)];
        if far.contains(&NONE) {
            sum.push(before, -0.5 * sign);
            sum.push(ahead, 0.5 * sign);
        } else {
            let twelfth = sign / 12.0;
            sum.push(far[0], twelfth);
            sum.push(before, -8.0 * twelfth);
            sum.push(ahead, 8.0 * twelfth);
            sum.push(far[1], -twelfth);
        }
        sum
    }

    /// (u, v) of the point that the plane touches, by Newton's steps.
    fn solve(&self, plane: &TangentPlane, hermite: &[Corner; 4], start: [f64; 2]) -> Option<[f64; 2]> {
        let mut places = [[[0.0; 2]; 4]; 4];
        for (places, corner) in places.iter_mut().zip(hermite) {
            for (place, sum) in places.iter_mut().zip(corner) {
                for &(center, weight) in sum.links() {
                    let [x, y] = plane.project(self.centers[center as usize])?;
                    *place = [place[0] + weight * x, place[1] + weight * y];
                }
            }
        }
        let [mut u, mut v] = start;
        for _ in 0..STEPS {
            let ((hu, du), (hv, dv)) = (basis(u), basis(v));
            let place = combine(&places, hu, hv);
            let (along_u, along_v) = (combine(&places, du, hv), combine(&places, hu, dv));
            let det = along_u[0] * along_v[1] - along_u[1] * along_v[0];
            let step_u = (place[0] * along_v[1] - place[1] * along_v[0]) / det;
            let step_v = (along_u[0] * place[1] - along_u[1] * place[0]) / det;
            (u, v) = (u - step_u, v - step_v);
            let far = u.abs() + v.abs();
            if far.is_nan() || far > FAR {
                return None;
            }
            if step_u.abs() + step_v.abs() < STILL {
                return Some([u, v]);
            }
        }
        None
    }
}

/// The twist at `own`: the mean over the quadrangles there whose corners all are active.
fn twist(own: u32, star: &Star, to_u: usize, to_v: usize, sign: f64) -> Sum {
    // Counter-clockwise from u to v the first quadrangle is between both ahead or both before.
    let mut sum = Sum::EMPTY;
    let is_whole = |k: usize| ![star.along[k], star.across[k], star.along[(k + 1) % 4]].contains(&NONE);
    let count = (0..4).filter(|&k| is_whole(k)).count();
    if count == 0 {
        return sum;
    }
    let (mut at_own, mut along) = (0.0, [0.0; 4]);
    for k in (0..4).filter(|&k| is_whole(k)) {
        // The quadrangle between the lines to u and v has the sign of their directions; it changes from one to the next.
        let between = if (to_u + 1) % 4 == to_v { to_u } else { to_v };
        let turned = if (k + 4 - between) % 2 == 0 { 1.0 } else { -1.0 };
        let weight = sign * turned / count as f64;
        at_own += weight;
        along[k] -= weight;
        along[(k + 1) % 4] -= weight;
        sum.push(star.across[k], weight);
    }
    sum.push(own, at_own);
    (0..4).filter(|&k| along[k] != 0.0).for_each(|k| sum.push(star.along[k], along[k]));
    sum
}

/// Hermite's cubics at `t`: of the values and slopes at 0 and at 1; and their slopes.
fn basis(t: f64) -> ([[f64; 2]; 2], [[f64; 2]; 2]) {
    let (t2, s) = (t * t, 1.0 - t);
    let values = [[1.0 - t2 * (3.0 - 2.0 * t), t * s * s], [t2 * (3.0 - 2.0 * t), -t2 * s]];
    let slopes = [[-6.0 * t * s, s * (1.0 - 3.0 * t)], [6.0 * t * s, t * (3.0 * t - 2.0)]];
    (values, slopes)
}

/// What the value, slopes and twist of corner `k` are multiplied by.
fn factors(k: usize, u: [[f64; 2]; 2], v: [[f64; 2]; 2]) -> [f64; 4] {
    let (u, v) = (u[usize::from(k == 1 || k == 2)], v[k / 2]);
    [u[0] * v[0], u[1] * v[0], u[0] * v[1], u[1] * v[1]]
}

fn combine(places: &[[PlanePoint; 4]; 4], u: [[f64; 2]; 2], v: [[f64; 2]; 2]) -> PlanePoint {
    let mut sum = [0.0; 2];
    for (k, corner) in places.iter().enumerate() {
        for (factor, place) in factors(k, u, v).into_iter().zip(corner) {
            sum = [sum[0] + factor * place[0], sum[1] + factor * place[1]];
        }
    }
    sum
}

/// Appends the links at (u, v); false, and none, if they are not sound.
fn push(hermite: &[Corner; 4], [u, v]: [f64; 2], links: &mut Vec<Link>) -> bool {
    let first = links.len();
    for (k, corner) in hermite.iter().enumerate() {
        for (factor, sum) in factors(k, basis(u).0, basis(v).0).into_iter().zip(corner) {
            links.extend(sum.links().iter().map(|&(center, weight)| (center, factor * weight)));
        }
    }
    // Joined before they are judged: slopes of neighbours have links in common.
    links[first..].sort_unstable_by_key(|l| l.0);
    let magnitude: f64 = links[first..].chunk_by(|a, b| a.0 == b.0).map(|c| c.iter().map(|l| l.1).sum::<f64>().abs()).sum();
    if magnitude > GREATEST_MAGNITUDE {
        links.truncate(first);
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::{bilinear, centers::Centers};
    use knarr_grid::{Grid, LonLat, Mask};
    use knarr_kernels::sphere::unit_vector;

    const COLUMNS: usize = 9;

    /// Centers on squares of the tangent plane at (0, 0), a degree apart, turned by 20°.
    fn squares() -> (Grid, TangentPlane) {
        let plane = TangentPlane::new(unit_vector(0.0, 0.0), 0.5);
        let [e, f] = plane.axes();
        let (sine, cosine) = f64::to_radians(20.0).sin_cos();
        let place = |k: usize| {
            let [i, j] = [k % COLUMNS, k / COLUMNS].map(|k| f64::to_radians(k as f64 - 4.0));
            let (x, y) = (cosine * i - sine * j, sine * i + cosine * j);
            let p: UnitVector = std::array::from_fn(|c| plane.center()[c] + x * e[c] + y * f[c]);
            LonLat::from_unit(knarr_kernels::sphere::normalize(p).expect("not 0"))
        };
        let grid = Grid::curvilinear([COLUMNS; 2], (0..COLUMNS * COLUMNS).map(place).collect(), None).expect("a grid");
        (grid, plane)
    }

    fn links(grid: &Grid, p: UnitVector) -> Option<Vec<Link>> {
        let from = Centers::of(grid);
        let patches = bilinear::patches(grid, Centers::of(grid));
        let surface = Surface::new(&patches, from.points());
        let (corners, weights) = patches.quadrangle_at(p, &mut bilinear::Scratch::default())?;
        let mut links = Vec::new();
        surface.links_at(p, corners, weights, &mut links).then_some(links)
    }

    fn quadrangle(grid: &Grid, p: UnitVector) -> [u32; 4] {
        let patches = bilinear::patches(grid, Centers::of(grid));
        patches.quadrangle_at(p, &mut bilinear::Scratch::default()).expect("within the grid").0
    }

    #[test]
    fn cubics_along_and_twists_across_the_lines_are_kept() {
        let (grid, plane) = squares();
        let points: Vec<UnitVector> = (0..grid.len()).map(|c| grid.center(c).unit()).collect();
        for degree in 0..4 {
            for p in [(0.3, 0.2), (0.9, -0.4), (-1.3, 0.7)].map(|(lon, lat)| unit_vector(lon, lat)) {
                let field = |q: UnitVector| {
                    let [x, y] = plane.project(q).expect("near").map(f64::to_degrees);
                    let (sine, cosine) = f64::to_radians(20.0).sin_cos();
                    let (i, j) = (cosine * x + sine * y, cosine * y - sine * x);
                    [1.0 + i - 2.0 * j, i * j, i * i - 3.0 * j * j + i, i * i * i - j * j * j][degree]
                };
                let found = links(&grid, p).expect("a surface");
                let sum: f64 = found.iter().map(|&(c, w)| w * field(points[c as usize])).sum();
                // Planes at other points see the squares askew by (4° / 1 rad)² of their side.
                assert!((sum - field(p)).abs() < 5e-3 * (1.0 + field(p).abs()), "{degree}: {sum} {}", field(p));
            }
        }
        // At a center, its value.
        let at_center = links(&grid, points[4 * COLUMNS + 4]).expect("a surface");
        let others = at_center.iter().filter(|l| l.0 as usize != 4 * COLUMNS + 4).map(|l| l.1.abs());
        assert!(others.fold(0.0, f64::max) < 1e-12, "{at_center:?}");
    }

    #[test]
    fn outermost_quadrangles_and_those_with_a_mask_have_none() {
        let (grid, _) = squares();
        let rim = unit_vector(0.0, 0.0);
        assert!(links(&grid, rim).is_some());
        let corner: Vec<UnitVector> = [0, 1, COLUMNS, COLUMNS + 1].iter().map(|&c| grid.center(c).unit()).collect();
        let middle = corner.iter().fold([0.0; 3], |s, &p| knarr_kernels::sphere::add(s, p));
        assert!(links(&grid, knarr_kernels::sphere::normalize(middle).expect("not 0")).is_none());
        let masked = |cell: usize| grid.clone().masked_by(&Mask::from_active((0..grid.len()).map(|c| c != cell).collect()));
        let near = unit_vector(0.1, 0.3);
        let [a, b, ..] = quadrangle(&grid, near);
        assert!(links(&masked(a as usize), near).is_none());
        // On the line through both, the one before a.
        let before = a + a - b;
        assert!(links(&grid, near).expect("a surface").iter().any(|l| l.0 == before));
        assert!(links(&masked(before as usize), near).expect("a surface").iter().all(|l| l.0 != before));
    }
}
