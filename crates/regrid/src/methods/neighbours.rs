//! Weights of the nearest source centers by functions of distance: Gaussian, and radial basis functions.

use super::centers::Centers;
use super::solve::solve;
use crate::links::{Link, LinkRows};
use crate::search::points::TIE;
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};

/// Greatest sum of magnitudes of radial weights.
const GREATEST_MAGNITUDE: f64 = 3.0;

/// Width of the Gaussian: σ² is this share of the mean squared distance between the neighbours.
const GAUSSIAN_SHARE: f64 = 0.1;

/// w_j = exp(−d_j² / (2σ²)) / Σ over the `neighbours` nearest active centers, d_j the angle from the destination, σ²
/// a tenth of the mean squared distance between pairs of those centers. Smooths; keeps constants and the range.
pub(super) fn gaussian(from: &Centers, destination: &Centers, neighbours: usize, reach: f64) -> LinkRows {
    let near = from.near_points();
    let (points, centers) = (destination.points(), from.points());
    LinkRows::collect(destination.len(), Vec::new, |i, found, links| {
        if destination.is_active[i] {
            near.nearest_k(points[i], neighbours, found);
            found.retain(|f| f.0 <= reach);
            let spread = mean_squared_distance(found, centers);
            if spread <= 0.0 {
                links.extend(found.first().map(|f| (f.1, 1.0)));
                return;
            }
            // The nearest center has the factor 1, so that a small σ cannot make all weights vanish.
            let nearest = found[0].0;
            links.extend(found.iter().map(|&(chord2, id)| (id, (-(chord2 - nearest) / (2.0 * GAUSSIAN_SHARE * spread)).exp())));
        }
    })
}

fn mean_squared_distance(found: &[(f64, u32)], centers: &[UnitVector]) -> f64 {
    let n = found.len();
    let mut sum = 0.0;
    for i in 0..n {
        for j in 0..i {
            let (p, q) = (centers[found[i].1 as usize], centers[found[j].1 as usize]);
            sum += (0..3).map(|c| (p[c] - q[c]) * (p[c] - q[c])).sum::<f64>();
        }
    }
    if n < 2 { 0.0 } else { sum / (n * (n - 1) / 2) as f64 }
}

/// Radial basis functions: s(x) = Σ_j λ_j·|x − x_j|³ + a + b·x + c·y through the values of the `neighbours` nearest
/// active centers, in the tangent plane at the destination; s(0) in terms of the values are the weights.
///
/// Needs no width; reproduces linear fields; meets the source values at their centers. Where a destination lies to
/// one side of all centers, inverse distances are taken. Reference: Fornberg and
/// Flyer (2015), A Primer on Radial Basis Functions, SIAM.
pub(super) fn radial(from: &Centers, destination: &Centers, neighbours: usize, reach: f64) -> LinkRows {
    let near = from.near_points();
    let (points, centers) = (destination.points(), from.points());
    LinkRows::collect_signed(destination.len(), Radial::default, |i, scratch, links| {
        if destination.is_active[i] {
            near.nearest_k(points[i], neighbours, &mut scratch.found);
            scratch.found.retain(|f| f.0 <= reach);
            scratch.links_at(centers, points[i], links);
        }
    })
}

#[derive(Default)]
struct Radial {
    found: Vec<(f64, u32)>,
    plane: Vec<PlanePoint>,
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Radial {
    /// From the centers in `found`.
    fn links_at(&mut self, centers: &[UnitVector], p: UnitVector, links: &mut Vec<Link>) {
        if let Some(at) = self.found.first().filter(|f| f.0.sqrt() <= TIE) {
            links.push((at.1, 1.0));
            return;
        }
        let solved = self.system(centers, p).is_some();
        // Outside the centers the functions run away: no weights of a large sum of magnitudes.
        let n = self.found.len();
        if solved && self.right[..n].iter().map(|w| w.abs()).sum::<f64>() <= GREATEST_MAGNITUDE {
            links.extend(self.found.iter().zip(&self.right).map(|(f, &w)| (f.1, w)));
        } else {
            // Centers on one line, too few, or to one side: inverse distance.
            links.extend(self.found.iter().map(|f| (f.1, 1.0 / f.0.sqrt())));
        }
    }

    /// Leaves the weights in `right`.
    fn system(&mut self, centers: &[UnitVector], p: UnitVector) -> Option<()> {
        let plane = TangentPlane::new(p, 0.1);
        self.plane.clear();
        for f in &self.found {
            self.plane.push(plane.project(centers[f.1 as usize])?);
        }
        let reach = self.plane.iter().map(|q| q[0].hypot(q[1])).fold(0.0, f64::max);
        self.plane.iter_mut().for_each(|q| *q = [q[0] / reach, q[1] / reach]);
        let n = self.plane.len();
        let size = n + 3;
        self.matrix.clear();
        self.matrix.resize(size * size, 0.0);
        self.right.clear();
        self.right.resize(size, 0.0);
        let cube = |x: f64, y: f64| x.hypot(y).powi(3);
        for (i, a) in self.plane.iter().enumerate() {
            for (j, b) in self.plane.iter().enumerate() {
                self.matrix[i * size + j] = cube(a[0] - b[0], a[1] - b[1]);
            }
            for (k, term) in [1.0, a[0], a[1]].into_iter().enumerate() {
                self.matrix[i * size + n + k] = term;
                self.matrix[(n + k) * size + i] = term;
            }
            self.right[i] = cube(a[0], a[1]);
        }
        self.right[n] = 1.0;
        solve(&mut self.matrix, &mut self.right)
    }
}
