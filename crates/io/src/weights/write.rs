//! Weights files written in ESMF and SCRIP layout.

use super::WeightsFormat;
use crate::IoError;
use crate::grid_out::cells::{active_flags, center_tables, extents_fastest_first, known, padded_corners};
use crate::grid_out::tables::Tables;
use knarr_grid::{Grid, Layout};
use knarr_regrid::Weights;
use std::path::Path;

/// Writes weights from `source` to `destination` with the description of both grids.
///
/// The file is NetCDF-4, complete or absent, and depends on the arguments alone.
///
/// # Errors
/// [`IoError::WeightsMismatch`] if the grids do not have the weights' numbers of cells, [`IoError::Exists`] if
/// there is a file and `overwrite` is off, [`IoError::Write`] if it cannot be written.
pub fn write_weights(
    weights: &Weights,
    source: &Grid,
    destination: &Grid,
    path: &Path,
    format: WeightsFormat,
    overwrite: bool,
) -> Result<(), IoError> {
    for (end, found, grid) in [("source", weights.source_len, source), ("destination", weights.destination_len(), destination)] {
        if found != grid.len() {
            return Err(IoError::WeightsMismatch {
                what: format!("the {end} grid"),
                found: format!("{found} cells"),
                expected: format!("{} cells", grid.len()),
            });
        }
        if found > i32::MAX as usize {
            return Err(IoError::Write {
                path: path.to_owned(),
                problem: format!("{found} {end} cells, weights files address at most {}", i32::MAX),
            });
        }
    }
    let rows = (0..weights.destination_len()).flat_map(|i| std::iter::repeat_n(i as i32 + 1, weights.row(i).0.len())).collect();
    let columns = weights.columns.iter().map(|&c| c as i32 + 1).collect();
    let mut tables = Tables::default();
    match format {
        WeightsFormat::Esmf => esmf(&mut tables, weights, source, destination, rows, columns),
        WeightsFormat::Scrip => scrip(&mut tables, weights, source, destination, rows, columns),
    }
    tables.write(path, overwrite)
}

fn esmf(tables: &mut Tables, weights: &Weights, source: &Grid, destination: &Grid, rows: Vec<i32>, columns: Vec<i32>) {
    let origin = &weights.origin;
    for (name, value) in [
        ("title", "Interpolation weights written by Knarr"),
        ("Conventions", "ESMF"),
        ("conventions", "NCAR-CSM"),
        ("normalization", origin.normalization.as_str()),
        ("map_method", if origin.conservative { "Conservative remapping" } else { origin.method.as_str() }),
        ("method", &origin.method),
    ] {
        tables.attributes.set(name, value);
    }
    identity_attributes(tables, weights, source, destination);
    tables.dim("n_s", weights.len());
    let areas = [&weights.source_areas, &weights.destination_areas];
    let fractions = [&weights.source_fractions, &weights.destination_fractions];
    for (k, (suffix, prefix, grid)) in [("a", "src", source), ("b", "dst", destination)].into_iter().enumerate() {
        let corners = padded_corners(grid);
        let extents = extents_fastest_first(grid);
        let (cells, vertices, rank) = (format!("n_{suffix}"), format!("nv_{suffix}"), format!("{prefix}_grid_rank"));
        tables.dim(&cells, grid.len());
        tables.dim(&vertices, corners.width);
        tables.dim(&rank, extents.len());
        let (lons, lats) = center_tables(grid);
        let name = |stem: &str| format!("{stem}_{suffix}");
        tables.integers(&format!("{prefix}_grid_dims"), &[&rank], extents, &[]);
        tables.numbers(&name("xc"), &[&cells], known(lons), &[("units", "degrees")]);
        tables.numbers(&name("yc"), &[&cells], known(lats), &[("units", "degrees")]);
        tables.numbers(&name("xv"), &[&cells, &vertices], known(corners.lons), &[("units", "degrees")]);
        tables.numbers(&name("yv"), &[&cells, &vertices], known(corners.lats), &[("units", "degrees")]);
        tables.integers(&name("mask"), &[&cells], active_flags(grid), &[("units", "unitless")]);
        tables.numbers(&name("area"), &[&cells], areas[k].clone(), &[("units", "steradian")]);
        tables.numbers(&name("frac"), &[&cells], fractions[k].clone(), &[("units", "unitless")]);
    }
    tables.integers("col", &["n_s"], columns, &[("long_name", "source cell of the link, from 1")]);
    tables.integers("row", &["n_s"], rows, &[("long_name", "destination cell of the link, from 1")]);
    tables.numbers("S", &["n_s"], weights.values.clone(), &[("long_name", "weight of the link")]);
}

fn scrip(tables: &mut Tables, weights: &Weights, source: &Grid, destination: &Grid, rows: Vec<i32>, columns: Vec<i32>) {
    let origin = &weights.origin;
    for (name, value) in [
        ("title", "Interpolation weights written by Knarr"),
        ("conventions", "SCRIP"),
        ("normalization", origin.normalization.as_str()),
        ("map_method", scrip_method(weights)),
        ("method", &origin.method),
        ("source_grid", &cdo_grid_type(source)),
        ("dest_grid", &cdo_grid_type(destination)),
    ] {
        tables.attributes.set(name, value);
    }
    if origin.conservative {
        tables.attributes.set("remap_order", 1);
    }
    identity_attributes(tables, weights, source, destination);
    tables.dim("num_links", weights.len());
    tables.dim("num_wgts", 1);
    let areas = [&weights.source_areas, &weights.destination_areas];
    let fractions = [&weights.source_fractions, &weights.destination_fractions];
    let radians = |degrees: Vec<f64>| known(degrees).into_iter().map(f64::to_radians).collect::<Vec<f64>>();
    for (k, (prefix, grid)) in [("src", source), ("dst", destination)].into_iter().enumerate() {
        let extents = extents_fastest_first(grid);
        let name = |stem: &str| format!("{prefix}_grid_{stem}");
        let (size, rank, number) = (name("size"), name("rank"), name("corners"));
        tables.dim(&size, grid.len());
        tables.dim(&rank, extents.len());
        tables.integers(&name("dims"), &[&rank], extents, &[]);
        let (lons, lats) = center_tables(grid);
        tables.numbers(&name("center_lat"), &[&size], radians(lats), &[("units", "radians")]);
        tables.numbers(&name("center_lon"), &[&size], radians(lons), &[("units", "radians")]);
        if grid.has_corners() {
            let corners = padded_corners(grid);
            tables.dim(&number, corners.width);
            tables.numbers(&name("corner_lat"), &[&size, &number], radians(corners.lats), &[("units", "radians")]);
            tables.numbers(&name("corner_lon"), &[&size, &number], radians(corners.lons), &[("units", "radians")]);
        }
        tables.integers(&name("imask"), &[&size], active_flags(grid), &[("units", "unitless")]);
        tables.numbers(&name("area"), &[&size], areas[k].clone(), &[("units", "square radians")]);
        tables.numbers(&name("frac"), &[&size], fractions[k].clone(), &[("units", "unitless")]);
    }
    tables.integers("src_address", &["num_links"], columns, &[]);
    tables.integers("dst_address", &["num_links"], rows, &[]);
    tables.numbers("remap_matrix", &["num_links", "num_wgts"], weights.values.clone(), &[]);
}

fn identity_attributes(tables: &mut Tables, weights: &Weights, source: &Grid, destination: &Grid) {
    let origin = &weights.origin;
    // Weights read from another program's file have no hashes of their own: the grids they are written with count.
    let hash = |kept: &str, grid: &Grid| if kept.is_empty() { knarr_regrid::content_hash(grid) } else { kept.to_owned() };
    tables.attributes.set("source_hash", hash(&origin.source_hash, source));
    tables.attributes.set("destination_hash", hash(&origin.destination_hash, destination));
    if !origin.options_hash.is_empty() {
        tables.attributes.set("options_hash", origin.options_hash.as_str());
    }
    let edges = |grid: &Grid| if matches!(grid.layout, Layout::Rows(_)) { "parallels and meridians" } else { "great circles" };
    tables.attributes.set("edges", format!("source: {}, destination: {}", edges(source), edges(destination)));
    tables.attributes.set("source_grid_kind", source.family.to_string());
    tables.attributes.set("destination_grid_kind", destination.family.to_string());
}

/// The names CDO and other readers of SCRIP files know; weights of one value a link all apply the same way.
fn scrip_method(weights: &Weights) -> &'static str {
    let method = weights.origin.method.to_lowercase();
    if weights.origin.conservative {
        "Conservative remapping"
    } else if method.contains("bilinear") {
        "Bilinear remapping"
    } else if method.contains("nearest") {
        "Nearest neighbor"
    } else {
        "Distance weighted avg of nearest neighbors"
    }
}

/// How CDO calls the kind of grid; it compares this with the grid of the data.
fn cdo_grid_type(grid: &Grid) -> String {
    use knarr_grid::Family as F;
    match &grid.family {
        F::LatLon => "lonlat",
        F::Gaussian { .. } => "gaussian",
        F::ReducedGaussian { .. } => "gaussian_reduced",
        F::RotatedLatLon { .. } | F::Projected(_) => "projection",
        F::Curvilinear => "curvilinear",
        _ => "unstructured",
    }
    .to_owned()
}
