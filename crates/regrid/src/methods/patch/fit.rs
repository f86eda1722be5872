//! A cubic fitted to the source centers around each destination point, on any grid.
//!
//! p(x, y) with all terms up to x³, x²y, xy², y³ is fitted to the 24 nearest source values in the tangent plane at the
//! destination point, by least squares with weights w = (1 − r/R)⁶ / (r² + δ²), R the distance of the first center left
//! out; p(0, 0) is the result. The weight grows without bound towards a center, so that values there are met. Terms are
//! taken about their weighted means b̄: w_j·[1/Σw − (b_j − b̄)·N⁻¹b̄] is the weight of value j. Where too few centers
//! determine a cubic (coasts), a quadratic or a plane is fitted.

use super::super::solve::{Fit, TERMS, terms};
use crate::links::Link;
use crate::search::nearby::Nearby;
use crate::search::points::NearPoints;
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::tangent_plane::{PlanePoint, TangentPlane};

/// Centers that a fit takes: where cells are long, as those of ocean grids at the equator, they still lie in five rows.
const NEIGHBOURS: usize = 24;
/// Centers that a cubic, a quadratic and a plane need.
const LEAST: [usize; 3] = [14, 8, 4];
/// Centers nearer than this share of the patch are met, not approached.
const AT_CENTER: f64 = 1e-6;
/// Fits whose weights have a greater sum of magnitudes reach out of what they know.
const GREATEST_MAGNITUDE: f64 = 4.0;

/// Buffers of a fit.
#[derive(Default)]
pub(super) struct Scratch {
    nearby: Nearby,
    found: Vec<(f64, u32)>,
    plane: Vec<PlanePoint>,
    rows: Vec<[f64; TERMS]>,
    weights: Vec<f64>,
}

impl Scratch {
    /// Appends the links of a fit around `p`; false if none is sound.
    pub fn fit(&mut self, near: &NearPoints, centers: &[UnitVector], p: UnitVector, links: &mut Vec<Link>) -> bool {
        self.nearby.nearest_k(near, centers, p, NEIGHBOURS + 1, &mut self.found);
        let plane = TangentPlane::new(p, 0.1);
        self.plane.clear();
        self.plane.extend(self.found.iter().map_while(|&(_, id)| plane.project(centers[id as usize])));
        let Some([x, y]) = self.plane.pop() else { return false };
        let (near, reach) = (self.plane.len(), x.hypot(y));
        if reach <= 0.0 {
            return false;
        }
        self.plane.iter_mut().for_each(|q| *q = q.map(|v| v / reach));
        near >= LEAST[0] && self.fit_degree::<TERMS>(links)
            || near >= LEAST[1] && self.fit_degree::<5>(links)
            || near >= LEAST[2] && self.fit_degree::<2>(links)
    }

    /// Fits a polynomial of `T` terms and a constant.
    fn fit_degree<const T: usize>(&mut self, links: &mut Vec<Link>) -> bool {
        let Self { found, plane, rows, weights, .. } = self;
        rows.clear();
        weights.clear();
        let (mut means, mut total) = ([0.0; TERMS], 0.0);
        for &[x, y] in plane.iter() {
            let r2 = x * x + y * y;
            let fading = (1.0 - r2.sqrt()).max(0.0);
            let weight = fading * fading * fading * (fading * fading * fading) / (r2 + AT_CENTER * AT_CENTER);
            let row = terms([x, y]);
            means.iter_mut().zip(&row).for_each(|(m, b)| *m += weight * b);
            total += weight;
            rows.push(row);
            weights.push(weight);
        }
        means.iter_mut().for_each(|m| *m /= total);
        rows.iter_mut().for_each(|row| row.iter_mut().zip(&means).for_each(|(b, m)| *b -= m));
        let Some(fit) = Fit::<T>::new(rows, weights) else { return false };
        let slopes = fit.solve(&means);
        let mut magnitude = 0.0f64;
        for (weight, row) in weights.iter_mut().zip(rows.iter()) {
            *weight *= 1.0 / total - row.iter().zip(&slopes).map(|(b, s)| b * s).sum::<f64>();
            magnitude += weight.abs();
        }
        if magnitude.is_nan() || magnitude > GREATEST_MAGNITUDE {
            return false;
        }
        links.extend(found.iter().zip(weights.iter()).map(|(f, &w)| (f.1, w)));
        true
    }
}
