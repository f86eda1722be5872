//! SCRIP grid files.

use super::cells::{active_flags, areas, center_tables, extents_fastest_first, known, padded_corners};
use super::tables::Tables;
use knarr_grid::Grid;

pub(super) fn tables(grid: &Grid) -> Tables {
    let mut tables = Tables::default();
    tables.attributes.set("title", format!("Grid: {}", grid.family));
    tables.attributes.set("Conventions", "SCRIP");
    let extents = extents_fastest_first(grid);
    tables.dim("grid_size", grid.len());
    tables.dim("grid_rank", extents.len());
    tables.integers("grid_dims", &["grid_rank"], extents, &[]);
    let (lons, lats) = center_tables(grid);
    tables.numbers("grid_center_lat", &["grid_size"], known(lats), &[("units", "degrees")]);
    tables.numbers("grid_center_lon", &["grid_size"], known(lons), &[("units", "degrees")]);
    tables.integers("grid_imask", &["grid_size"], active_flags(grid), &[("units", "unitless")]);
    if grid.has_corners() {
        let corners = padded_corners(grid);
        tables.dim("grid_corners", corners.width);
        tables.numbers("grid_corner_lat", &["grid_size", "grid_corners"], known(corners.lats), &[("units", "degrees")]);
        tables.numbers("grid_corner_lon", &["grid_size", "grid_corners"], known(corners.lons), &[("units", "degrees")]);
        let areas = areas(grid);
        tables.numbers("grid_area", &["grid_size"], areas, &[("units", "steradian")]);
    }
    tables
}
