//! Bilinear interpolation between source centers, for every kind of grid.
//!
//! - Rows (lat-lon, Gaussian, rotated, reduced): linear in the longitudes and latitudes of the frame.
//! - Two-dimensional grids: quadrangles of neighbouring centers, inverse bilinear in the tangent plane.
//! - Meshes: the centers around each shared corner; triangles barycentric, quadrangles bilinear, more
//!   corners by mean value coordinates.
//! - Points, and meshes whose corners do not meet: Delaunay triangles.
//!
//! Masked corners are left out and the weights of the others scaled to the sum 1; a point with no active
//! corner is unmapped. Nothing is extrapolated, but rows around a pole are closed by their mean there.

mod collected;
mod fans;
#[cfg(feature = "gpu")]
mod on_gpu;
mod patches;
mod quads;
mod rows;
mod swept;

use super::centers::Centers;
use crate::links::{LinkRows, tidy};
use crate::search::delaunay;
use collected::Collected;
use knarr_grid::{Family, Grid, Layout};
use patches::PatchBuilder;
use std::f64::consts::PI;

/// Links of all active destination cells.
pub(super) fn rows(source: &Grid, destination: &Centers) -> LinkRows {
    let from = Centers::of(source);
    if let Layout::Rows(rows) = &source.layout {
        return rows::rows(&rows::RowSource::new(rows, &from.is_active), destination);
    }
    let patches = collected(source, from);
    if let Layout::Rows(rows) = &destination.grid().layout
        && let Some(links) = swept::rows(&patches, rows, destination)
    {
        return links;
    }
    let (patches, points) = (patches.located(), destination.points());
    LinkRows::collect_blocks(
        destination.len(),
        || (Scratch::default(), Vec::new()),
        |rows, (scratch, links), block| {
            for first in rows.clone().step_by(RUN) {
                let run = first..rows.end.min(first + RUN);
                patches.gather(&points[run.clone()], scratch);
                for i in run {
                    links.clear();
                    if destination.is_active[i] {
                        patches.links_at(points[i], scratch, links);
                    }
                    tidy(links);
                    block.push_row(links);
                }
            }
        },
    )
}

/// Destination cells in a row of indices, which mostly are neighbours.
const RUN: usize = 16;

/// Bicubic links of all active destination cells; `None` if the source has no rows.
pub(super) fn cubic_rows(source: &Grid, destination: &Centers) -> Option<LinkRows> {
    let Layout::Rows(rows) = &source.layout else { return None };
    let from = Centers::of(source);
    let source = rows::RowSource::new(rows, &from.is_active);
    Some(LinkRows::collect_signed(
        destination.len(),
        || (),
        |i, (), links| {
            if let Some(p) = destination.active_lon_lat(i) {
                source.cubic_links_at(p, links);
            }
        },
    ))
}

/// The patches between the centers of a grid without rows, ready for queries.
pub(super) fn patches(source: &Grid, from: Centers) -> Patches {
    collected(source, from).located()
}

fn collected(source: &Grid, from: Centers) -> Collected {
    if let Some((ny, nx)) = structured(source) {
        let alias = quads::aliases(from.points(), &from.is_active);
        let patches = quads::patches(from.points(), &from.is_active, alias.as_deref(), ny, nx).done();
        let (points, is_active) = from.into_parts();
        return Collected::new(points, patches, alias, is_active);
    }
    let of_formula = match &source.layout {
        Layout::Formula(formula) => fans::patches_of_formula(from.points(), formula),
        _ => None,
    };
    let patches = of_formula.filter(|patches| is_connected(patches, source.len(), || 4.0 * PI)).or_else(|| {
        let polygons = source.polygons()?;
        let covered = || super::areas_of_polygons(&polygons).iter().sum();
        Some(fans::patches(from.points(), &polygons)).filter(|patches| is_connected(patches, polygons.len(), covered))
    });
    let patches = patches.unwrap_or_else(|| triangles(&from)).done();
    let (points, is_active) = from.into_parts();
    Collected::new(points, patches, None, is_active)
}

#[cfg(feature = "gpu")]
pub(super) use on_gpu::rows as rows_on;
pub(super) use patches::{Patches, Scratch};
pub(super) use quads::is_closed;

/// Rows and columns of a grid whose neighbours in index are neighbours on the globe.
pub(super) fn structured(grid: &Grid) -> Option<(usize, usize)> {
    let in_panels = matches!(
        grid.family,
        Family::CubedSphere { .. }
            | Family::Healpix { .. }
            | Family::IcosahedralTriangles { .. }
            | Family::IcosahedralDual { .. }
            | Family::ReducedGaussian { .. }
    );
    match grid.shape[..] {
        [ny, nx] if !in_panels && ny >= 2 && nx >= 2 && ny * nx == grid.len() => Some((ny, nx)),
        _ => None,
    }
}

/// Whether the corners of most of `cells` meet, and leave no hole in a mesh that covers the globe; `covered` is what it covers.
fn is_connected(patches: &PatchBuilder, cells: usize, covered: impl FnOnce() -> f64) -> bool {
    // A closed mesh has one corner per two triangles, and more for cells with more sides.
    4 * patches.len() >= cells && (patches.area() > (1.0 - 1e-9) * 4.0 * PI || covered() < 0.9999 * 4.0 * PI)
}

fn triangles<'a>(from: &'a Centers) -> PatchBuilder<'a> {
    let points = from.points();
    let finite = (0..from.len()).filter(|&i| points[i].iter().all(|c| c.is_finite()));
    let mut patches = PatchBuilder::new(points);
    for triangle in delaunay::triangles(finite.map(|i| (points[i], i as u32)).collect()) {
        patches.add(&triangle);
    }
    patches
}
