//! Bilinear links by a graphics processor that has double precision: which centers are around a point, and their weights.
//! Masks, and points beyond the last centers, are the processor's.

use super::super::centers::Centers;
use super::patches::Scratch;
use super::rows::RowSource;
use crate::RegridError;
use crate::links::LinkRows;
use knarr_grid::{Grid, Layout};
use knarr_kernels::axes_location::{Axes, Corners};
use knarr_kernels::gpu::{Gpu, Width};
use knarr_kernels::polygon_hash::PolygonHash;
use knarr_kernels::reduced_location::ReducedRows;
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::twins::polygon_hash::{DevicePolygonHash, Place};
use knarr_kernels::twins::{axes_location, reduced_location};
use rayon::prelude::*;

/// Points that are looked up at a time.
const POINTS: usize = 1 << 20;

/// As [`super::rows`]: with rows the same bits, with patches weights within some roundings of coordinates over the size
/// of a patch.
pub(in super::super) fn rows(gpu: &Gpu, source: &Grid, destination: &Centers) -> Result<LinkRows, RegridError> {
    let from = Centers::of(source);
    match &source.layout {
        Layout::Rows(rows) => in_rows(gpu, &RowSource::new(rows, &from.is_active), destination),
        _ => in_patches(gpu, source, from, destination),
    }
}

fn in_rows(gpu: &Gpu, source: &RowSource<'_>, destination: &Centers) -> Result<LinkRows, RegridError> {
    let mut located: Vec<Option<Corners>> = Vec::new();
    let (axes, reduced) = (source.axes(), source.reduced());
    if axes.is_some() || reduced.is_some() {
        for first in (0..destination.len()).step_by(POINTS) {
            let range = first..(first + POINTS).min(destination.len());
            // What takes no part lies nowhere.
            let place = |i: usize| destination.active_lon_lat(i).map_or([f64::NAN; 2], |p| source.place(p));
            let points: Vec<[f64; 2]> = range.into_par_iter().map(place).collect();
            if let Some((x, y, period)) = &axes {
                located.extend(axes_location::locate(gpu, Axes { x, y, period: *period }, &points, Width::F64)?);
            } else if let Some((y, columns, starts)) = &reduced {
                located.extend(reduced_location::locate(gpu, ReducedRows { y, columns, starts }, &points, Width::F64)?);
            }
        }
    }
    Ok(LinkRows::collect(
        destination.len(),
        || (),
        |i, (), links| match (located.get(i), destination.active_lon_lat(i)) {
            (Some(Some((centers, weights))), _) => source.push_located(*centers, *weights, links),
            (_, Some(p)) => source.links_at(p, links),
            _ => {}
        },
    ))
}

fn in_patches(gpu: &Gpu, source: &Grid, from: Centers, destination: &Centers) -> Result<LinkRows, RegridError> {
    let (patches, points) = (super::patches(source, from), destination.points());
    let locator = patches.locator();
    let hash = PolygonHash::new(&locator.bounds());
    let (starts, corners, nodes) = locator.parts();
    let starts: Vec<u32> = starts.iter().map(|&start| start as u32).collect();
    let uploaded = DevicePolygonHash::upload(gpu, &hash, &starts, corners, nodes, Width::F64)?;
    let targets: Vec<u32> = (0..destination.len() as u32).filter(|&i| destination.is_active[i as usize]).collect();
    let mut places = vec![Place::Outside; destination.len()];
    for part in targets.chunks(POINTS) {
        let own: Vec<UnitVector> = part.iter().map(|&i| points[i as usize]).collect();
        for (&i, place) in part.iter().zip(uploaded.containing(gpu, &own)?) {
            places[i as usize] = place;
        }
    }
    Ok(LinkRows::collect(destination.len(), Scratch::default, |i, scratch, links| match &places[i] {
        Place::Outside => {}
        Place::In(patch, weights) => {
            // Another patch may have a value where this one has none.
            if !patches.push_weighed(*patch, weights, links) {
                patches.links_at(points[i], scratch, links);
            }
        }
        Place::Elsewhere => patches.links_at(points[i], scratch, links),
    }))
}
