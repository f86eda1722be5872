//! Local cubic fits between source centers of any grid: patch recovery around each destination point.
//!
//! p(x, y) with all terms up to x³, x²y, xy², y³ is fitted to the nearest source values in the tangent plane at the
//! destination point, by least squares with weights (1 − r/R)⁴ / (r² + δ²), R the distance of the first center left
//! out; p(0, 0) is the result. The weight grows without bound towards a center, so that values there are met.
//! Order 4 on smooth fields; constants are kept, extremes and integrals are not. Points that
//! [bilinear interpolation](super::bilinear) does not reach are unmapped; where too few centers determine a cubic
//! (coasts), a quadratic or a plane is fitted, or bilinear weights are taken.
//!
//! After Lancaster and Salkauskas (1981), Math. Comp. 37, 141–158 (moving least squares); patch recovery in
//! regridding: Khoei and Gharehbaghi (2007), Finite Elem. Anal. Des. 43, 1144–1158.

use super::bilinear;
use super::centers::Centers;
use super::solve::Fit;
use crate::links::{Link, LinkRows};
use crate::search::points::PointTree;
use knarr_grid::Grid;
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};

/// Centers that a fit takes: twice the terms of a cubic.
const NEIGHBOURS: usize = 20;
/// Terms of a plane, a quadratic and a cubic, with the centers each needs.
const DEGREES: [(usize, usize); 3] = [(10, 14), (6, 8), (3, 4)];
/// Centers nearer than this share of the patch are met, not approached.
const AT_CENTER: f64 = 1e-6;
/// Fits whose weights have a greater sum of magnitudes reach out of what they know.
const GREATEST_MAGNITUDE: f64 = 4.0;

/// Links of all active destination cells; weights of both signs that sum to 1.
pub(super) fn rows(source: &Grid, destination: &Centers) -> LinkRows {
    let between = bilinear::rows(source, destination);
    let (tree, from) = (Centers::of(source).tree(), Centers::of(source));
    let (points, centers) = (destination.points(), from.points());
    LinkRows::collect_signed(destination.len(), Scratch::default, |i, scratch, links| {
        if between.is_mapped(i) && !scratch.fit(&tree, centers, points[i], links) {
            links.extend(between.row(i));
        }
    })
}

/// Buffers of a fit.
#[derive(Default)]
struct Scratch {
    found: Vec<(f64, u32)>,
    plane: Vec<PlanePoint>,
    basis: Vec<f64>,
    scales: Vec<f64>,
    weights: Vec<f64>,
}

impl Scratch {
    /// Appends the links of a fit around `p`; false if none is sound.
    fn fit(&mut self, tree: &PointTree, centers: &[UnitVector], p: UnitVector, links: &mut Vec<Link>) -> bool {
        tree.nearest_k(p, NEIGHBOURS + 1, &mut self.found);
        let plane = TangentPlane::new(p, 0.1);
        self.plane.clear();
        for &(_, id) in &self.found {
            match plane.project(centers[id as usize]) {
                Some(q) => self.plane.push(q),
                None => break,
            }
        }
        let Some(&[x, y]) = self.plane.last() else { return false };
        let reach = x.hypot(y);
        if reach <= 0.0 {
            return false;
        }
        let near = self.plane.len() - 1;
        DEGREES.into_iter().filter(|&(_, least)| near >= least).any(|(terms, _)| self.fit_degree(terms, near, reach, links))
    }

    fn fit_degree(&mut self, terms: usize, near: usize, reach: f64, links: &mut Vec<Link>) -> bool {
        self.basis.clear();
        self.scales.clear();
        for &[x, y] in &self.plane[..near] {
            let (x, y) = (x / reach, y / reach);
            let all = [1.0, x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y];
            self.basis.extend_from_slice(&all[..terms]);
            let r = x.hypot(y).min(1.0);
            let fading = (1.0 - r) * (1.0 - r);
            // The square root of the least-squares weight.
            self.scales.push(fading / (r * r + AT_CENTER * AT_CENTER).sqrt());
        }
        let fit = Fit::new(&self.basis, terms, &self.scales);
        if !fit.is_some_and(|fit| fit.coefficient(0, &mut self.weights)) {
            return false;
        }
        let magnitude: f64 = self.weights.iter().map(|w| w.abs()).sum();
        if magnitude > GREATEST_MAGNITUDE {
            return false;
        }
        links.extend(self.found.iter().zip(&self.weights).map(|(f, &w)| (f.1, w)));
        true
    }
}
