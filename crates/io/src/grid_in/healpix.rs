//! HEALPix: declared by a grid mapping, or seen in the centers.

use super::context::{Context, Found};
use super::coordinates::find_pair;
use crate::IoError;
use crate::nc::Variable;
use knarr_grid::{Grid, GridError, HealpixOrder, LonLat};
use knarr_kernels::sphere::distance;

/// The grid of a `grid_mapping_name = "healpix"`: CF 1.13 (`refinement_level`, `indexing_scheme`) or the older
/// `healpix_nside`, `healpix_order`.
pub(super) fn of_mapping(context: &Context<'_>, mapping: &Variable) -> Result<Option<Found>, IoError> {
    let attributes = &mapping.attributes;
    let bad = |problem: String| context.malformed("HEALPix grid mapping", format!("`{}`: {problem}", mapping.name));
    let nside = match (attributes.number("refinement_level"), attributes.number("healpix_nside")) {
        (Some(level), _) if (0.0..=29.0).contains(&level) => 1usize << level as u32,
        (Some(level), _) => return Err(bad(format!("refinement_level is {level}, expected 0 to 29"))),
        (None, Some(nside)) if nside >= 1.0 => nside as usize,
        _ => return Err(bad("neither `refinement_level` nor `healpix_nside`".to_owned())),
    };
    let scheme = ["indexing_scheme", "healpix_order", "healpix_ordering"].iter().find_map(|name| attributes.text(name));
    let order = match scheme.map(|s| s.trim().to_lowercase()).as_deref() {
        Some("nested" | "nest") => HealpixOrder::Nested,
        Some("ring") => HealpixOrder::Ring,
        other => return Err(bad(format!("order of the cells is {}, expected `nested` or `ring`", other.unwrap_or("not given")))),
    };
    let cells = 12 * nside * nside;
    let Some(dim) = context.dims.iter().rev().find(|d| d.len == cells) else {
        return Err(context
            .no_grid(format!("no dimension has the {cells} cells of HEALPix nside {nside}: parts of the globe are not read")));
    };
    let mut grid = Grid::healpix(nside, order).map_err(context.bad_grid(format!("grid mapping `{}`", mapping.name)))?;
    grid.report.recognised_by = format!("grid mapping `{}`", mapping.name);
    let mut variables = vec![mapping.name.clone()];
    if let Some(pair) = find_pair(context) {
        for v in [pair.lon, pair.lat] {
            variables.push(v.name.clone());
            variables.extend(v.attributes.text("bounds").map(str::to_owned));
        }
    }
    Ok(Some(Found { grid, dims: vec![dim.name.clone()], variables }))
}

/// Centers made at a time.
const STRETCH: usize = 256;

/// The HEALPix grid with these centers in this order, if there is one.
pub(super) fn from_centers(centers: &[LonLat]) -> Result<Option<Grid>, GridError> {
    let nside = ((centers.len() / 12) as f64).sqrt().round() as usize;
    if nside == 0 || 12 * nside * nside != centers.len() {
        return Ok(None);
    }
    // A hundredth of a cell, or what single precision keeps of a longitude.
    let tolerance_rad = (0.01 * (std::f64::consts::PI / 3.0).sqrt() / nside as f64).max(5e-5f64.to_radians());
    let tolerance_deg = tolerance_rad.to_degrees();
    // No two points are farther apart than a way along a parallel and a meridian, which is told with less work.
    let near = |a: LonLat, b: LonLat| {
        (a.lon_deg - b.lon_deg).abs() + (a.lat_deg - b.lat_deg).abs() <= tolerance_deg
            || distance(a.unit(), b.unit()) <= tolerance_rad
    };
    // In either order the first cell is centered on 45 E.
    let first = centers[0];
    if !near(first, LonLat { lon_deg: 45.0, lat_deg: first.lat_deg }) {
        return Ok(None);
    }
    // Only powers of two have a nested order.
    let orders: &[HealpixOrder] =
        if nside.is_power_of_two() { &[HealpixOrder::Nested, HealpixOrder::Ring] } else { &[HealpixOrder::Ring] };
    for &order in orders {
        let mut grid = Grid::healpix(nside, order)?;
        let (mut lons, mut lats) = ([0.0; STRETCH], [0.0; STRETCH]);
        let are_near = |(k, centers): (usize, &[LonLat])| {
            let (lons, lats) = (&mut lons[..centers.len()], &mut lats[..centers.len()]);
            grid.put_centers(k * STRETCH..k * STRETCH + centers.len(), lons, lats);
            let own = lons.iter().zip(&*lats).map(|(&lon_deg, &lat_deg)| LonLat { lon_deg, lat_deg });
            own.zip(centers).all(|(own, &center)| near(own, center))
        };
        if centers.chunks(STRETCH).enumerate().all(are_near) {
            grid.report.recognised_by = format!("centers equal those of HEALPix nside {nside}");
            return Ok(Some(grid));
        }
    }
    Ok(None)
}
