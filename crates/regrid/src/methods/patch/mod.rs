//! Local cubics between source centers: a smooth surface along the lines of a grid that has them, elsewhere a fit around
//! each destination point.
//!
//! - Two-dimensional grids: [bicubic quadrangles](surface) of four active centers, of continuous slope.
//! - Everywhere else, and beside masked cells: [fits](fit) to the centers around.
//!
//! Order 4 on smooth fields; constants are kept, extremes and integrals are not. Points that
//! [bilinear interpolation](super::bilinear) does not reach are unmapped; where no fit is sound bilinear weights are taken.
//!
//! After Lancaster and Salkauskas (1981), Math. Comp. 37, 141–158 (moving least squares); patch recovery in
//! regridding: Khoei and Gharehbaghi (2007), Finite Elem. Anal. Des. 43, 1144–1158.

mod fit;
mod stars;
mod surface;

use super::bilinear::{self, Patches};
use super::centers::Centers;
use crate::links::{Link, LinkRows};
use knarr_grid::{Grid, Layout};
use knarr_kernels::sphere::UnitVector;
use surface::Surface;

/// Links of all active destination cells; weights of both signs that sum to 1.
pub(super) fn rows(source: &Grid, destination: &Centers) -> LinkRows {
    let from = Centers::of(source);
    let (near, centers, points) = (from.near_points(), from.points(), destination.points());
    if !matches!(source.layout, Layout::Rows(_)) && bilinear::structured(source).is_some() {
        let patches = bilinear::patches(source, Centers::of(source));
        let surface = Surface::new(&patches, centers);
        return LinkRows::collect_signed(destination.len(), Scratch::default, |i, scratch, links| {
            if destination.is_active[i] && !scratch.on_surface(&patches, &surface, points[i], links) {
                patches.links_at(points[i], &mut scratch.found, links);
                let bilinear = links.len();
                if bilinear > 0 && scratch.fit.fit(&near, centers, points[i], links) {
                    links.drain(..bilinear);
                }
            }
        });
    }
    let between = bilinear::rows(source, destination);
    LinkRows::collect_signed(destination.len(), fit::Scratch::default, |i, scratch, links| {
        if between.is_mapped(i) && !scratch.fit(&near, centers, points[i], links) {
            links.extend(between.row(i));
        }
    })
}

/// Buffers of one destination point.
#[derive(Default)]
struct Scratch {
    found: bilinear::Scratch,
    fit: fit::Scratch,
}

impl Scratch {
    /// Appends the links of the quadrangle around `p`; false if there is none, or none that is sound.
    fn on_surface(&mut self, patches: &Patches, surface: &Surface<'_>, p: UnitVector, links: &mut Vec<Link>) -> bool {
        let Some((corners, weights)) = patches.quadrangle_at(p, &mut self.found) else { return false };
        surface.links_at(p, corners, weights, links)
    }
}
