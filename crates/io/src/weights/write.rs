//! Weights files written in ESMF and SCRIP layout.
//!
//! Values go to the file block by block, uncompressed and contiguous; the next block is made while one is written.

use super::WeightsFormat;
use super::parts::{Fractions, Links, Parts};
use crate::IoError;
use crate::grid_out::cells::{corner_width, extents_fastest_first, finite, put_centers, put_corners};
use crate::grid_out::stream::Stream;
use knarr_grid::{Grid, Layout};
use knarr_regrid::{Weights, WeightsOrigin};
use std::path::Path;

/// Writes weights from `source` to `destination` with the description of both grids.
///
/// The file is NetCDF-4, complete or absent, and depends on the arguments alone. Beside the arguments memory takes a
/// few blocks of 256 KiB, whatever the number of links, which may be beyond 2^31.
///
/// Methods between centers use no corners and no areas: files of such weights have none, except in ESMF layout those of
/// the destination, from which NCO makes the bounds of its output, and areas of 0 of the source.
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
    write_parts(&Parts::of(weights), source, destination, path, format, overwrite)
}

pub(super) fn write_parts(
    parts: &Parts<'_>,
    source: &Grid,
    destination: &Grid,
    path: &Path,
    format: WeightsFormat,
    overwrite: bool,
) -> Result<(), IoError> {
    for (end, found, grid) in [("source", parts.source_len(), source), ("destination", parts.destination_len(), destination)] {
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
    let stream = match format {
        WeightsFormat::Esmf => esmf(parts, source, destination),
        WeightsFormat::Scrip => scrip(parts, source, destination),
    };
    stream.write(path, overwrite)
}

fn esmf<'a>(parts: &'a Parts<'a>, source: &'a Grid, destination: &'a Grid) -> Stream<'a> {
    let origin = parts.origin;
    let mut stream = Stream::default();
    for (name, value) in [
        ("title", "Interpolation weights written by Knarr"),
        ("Conventions", "ESMF"),
        ("conventions", "NCAR-CSM"),
        ("normalization", origin.normalization.as_str()),
        ("map_method", if origin.conservative { "Conservative remapping" } else { origin.method.as_str() }),
        ("method", &origin.method),
    ] {
        stream.attributes.set(name, value);
    }
    identity_attributes(&mut stream, origin, source, destination);
    stream.dim("n_s", parts.links.len());
    for (k, (suffix, prefix, grid)) in [("a", "src", source), ("b", "dst", destination)].into_iter().enumerate() {
        let extents = extents_fastest_first(grid);
        let (cells, vertices, rank) = (format!("n_{suffix}"), format!("nv_{suffix}"), format!("{prefix}_grid_rank"));
        stream.dim(&cells, grid.len());
        // NCO asks for this dimension of both grids.
        stream.dim(&vertices, corner_width(grid));
        stream.dim(&rank, extents.len());
        let name = |stem: &str| format!("{stem}_{suffix}");
        stream.few(&format!("{prefix}_grid_dims"), &rank, extents);
        let degrees = [("units", "degrees")];
        stream.pair([&name("xc"), &name("yc")], &[&cells], &degrees, |range, lons, lats| put_centers(grid, range, lons, lats));
        if origin.conservative || suffix == "b" {
            stream.pair([&name("xv"), &name("yv")], &[&cells, &vertices], &degrees, |range, lons, lats| {
                put_corners(grid, range, lons, lats);
                lons.iter_mut().chain(lats).for_each(|v| *v = finite(*v));
            });
        }
        put_mask(&mut stream, &name("mask"), &cells, grid);
        let steradian = [("units", "steradian")];
        match parts.areas {
            Some(areas) => stream.whole(&name("area"), &[&cells], &steradian, areas[k]),
            // NCO gives its output the areas of the destination, which weights between centers do not have.
            None => stream.numbers(&name("area"), &[&cells], &steradian, move |range, out| {
                if k == 1 {
                    grid.put_areas(range, out)
                } else {
                    out.fill(0.0)
                }
                Ok(())
            }),
        }
        put_fractions(&mut stream, &name("frac"), &cells, parts, k);
    }
    let links = parts.links;
    let (column, row) = ("source cell of the link, from 1", "destination cell of the link, from 1");
    stream.integers("col", "n_s", &[("long_name", column)], |range, out| links.columns(range, out));
    stream.integers("row", "n_s", &[("long_name", row)], |range, out| parts.rows(range, out));
    put_weights(&mut stream, "S", &["n_s"], &[("long_name", "weight of the link")], links);
    stream
}

fn scrip<'a>(parts: &'a Parts<'a>, source: &'a Grid, destination: &'a Grid) -> Stream<'a> {
    let origin = parts.origin;
    let mut stream = Stream::default();
    for (name, value) in [
        ("title", "Interpolation weights written by Knarr"),
        ("conventions", "SCRIP"),
        ("normalization", origin.normalization.as_str()),
        ("map_method", scrip_method(origin)),
        ("method", &origin.method),
        ("source_grid", &cdo_grid_type(source)),
        ("dest_grid", &cdo_grid_type(destination)),
    ] {
        stream.attributes.set(name, value);
    }
    if origin.conservative {
        stream.attributes.set("remap_order", 1);
    }
    identity_attributes(&mut stream, origin, source, destination);
    stream.dim("num_links", parts.links.len());
    stream.dim("num_wgts", 1);
    for (k, (prefix, grid)) in [("src", source), ("dst", destination)].into_iter().enumerate() {
        let extents = extents_fastest_first(grid);
        let name = |stem: &str| format!("{prefix}_grid_{stem}");
        let (size, rank, number) = (name("size"), name("rank"), name("corners"));
        stream.dim(&size, grid.len());
        stream.dim(&rank, extents.len());
        stream.few(&name("dims"), &rank, extents);
        let radians = [("units", "radians")];
        let convert = |lats: &mut [f64], lons: &mut [f64]| lats.iter_mut().chain(lons).for_each(|v| *v = finite(*v).to_radians());
        stream.pair([&name("center_lat"), &name("center_lon")], &[&size], &radians, move |range, lats, lons| {
            put_centers(grid, range, lons, lats);
            convert(lats, lons);
        });
        if grid.has_corners() && origin.conservative {
            stream.dim(&number, corner_width(grid));
            stream.pair([&name("corner_lat"), &name("corner_lon")], &[&size, &number], &radians, move |range, lats, lons| {
                put_corners(grid, range, lons, lats);
                convert(lats, lons);
            });
        }
        put_mask(&mut stream, &name("imask"), &size, grid);
        // Methods between centers have none, and CDO does not ask for them.
        if let Some(areas) = parts.areas {
            stream.whole(&name("area"), &[&size], &[("units", "square radians")], areas[k]);
        }
        put_fractions(&mut stream, &name("frac"), &size, parts, k);
    }
    let links = parts.links;
    stream.integers("src_address", "num_links", &[], |range, out| links.columns(range, out));
    stream.integers("dst_address", "num_links", &[], |range, out| parts.rows(range, out));
    put_weights(&mut stream, "remap_matrix", &["num_links", "num_wgts"], &[], links);
    stream
}

/// The weights, from where they are if they are in memory.
fn put_weights<'a>(stream: &mut Stream<'a>, name: &str, dims: &[&str], attributes: &[(&str, &str)], links: &'a dyn Links) {
    match links.all_values() {
        Some(values) => stream.whole(name, dims, attributes, values),
        None => stream.numbers(name, dims, attributes, |range, out| links.values(range, out)),
    }
}

/// Fractions of the source's cells (`end` 0) or the destination's (1).
fn put_fractions<'a>(stream: &mut Stream<'a>, name: &str, cells: &str, parts: &'a Parts<'a>, end: usize) {
    let unitless = [("units", "unitless")];
    match &parts.fractions {
        Fractions::Told(fractions) => stream.whole(name, &[cells], &unitless, fractions[end]),
        Fractions::OfLinks { used } => stream.numbers(name, &[cells], &unitless, move |range, out| {
            match end {
                0 => out.iter_mut().zip(&used[range]).for_each(|(out, &used)| *out = f64::from(u8::from(used))),
                _ => parts.mapped(range, out),
            }
            Ok(())
        }),
    }
}

/// 1 = active, as SCRIP and ESMF count.
fn put_mask<'a>(stream: &mut Stream<'a>, name: &str, cells: &str, grid: &'a Grid) {
    stream.integers(name, cells, &[("units", "unitless")], |range, out| {
        range.zip(out).for_each(|(cell, flag)| *flag = i32::from(grid.mask.is_active(cell)));
        Ok(())
    });
}

fn identity_attributes(stream: &mut Stream<'_>, origin: &WeightsOrigin, source: &Grid, destination: &Grid) {
    // Weights read from another program's file have no hashes of their own: the grids they are written with count.
    let hash = |kept: &str, grid: &Grid| if kept.is_empty() { knarr_regrid::content_hash(grid) } else { kept.to_owned() };
    stream.attributes.set("source_hash", hash(&origin.source_hash, source));
    stream.attributes.set("destination_hash", hash(&origin.destination_hash, destination));
    if !origin.options_hash.is_empty() {
        stream.attributes.set("options_hash", origin.options_hash.as_str());
    }
    if let Some(value) = origin.fixed_value {
        stream.attributes.set("fixed_value", value);
    }
    let edges = |grid: &Grid| if matches!(grid.layout, Layout::Rows(_)) { "parallels and meridians" } else { "great circles" };
    stream.attributes.set("edges", format!("source: {}, destination: {}", edges(source), edges(destination)));
    stream.attributes.set("source_grid_kind", source.family.to_string());
    stream.attributes.set("destination_grid_kind", destination.family.to_string());
}

/// The names CDO and other readers of SCRIP files know; weights of one value a link all apply the same way.
fn scrip_method(origin: &WeightsOrigin) -> &'static str {
    let method = origin.method.to_lowercase();
    if origin.conservative {
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
