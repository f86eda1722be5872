//! Links in any order made into compressed sparse rows.

use super::WeightsFile;
use super::raw::{RawWeights, malformed};
use crate::IoError;
use knarr_grid::Mask;
use knarr_regrid::{Weights, WeightsOrigin};
use std::path::Path;

/// Checks the links and sorts them by row and column.
pub(super) fn weights_from(mut raw: RawWeights, path: &Path) -> Result<WeightsFile, IoError> {
    let (source_len, destination_len) = (raw.source.len, raw.destination.len);
    let conservative = raw.conservative;
    let mut row_starts = vec![0usize; destination_len + 1];
    for k in 0..raw.values.len() {
        let (row, column) = (raw.rows[k], raw.columns[k]);
        check_index(path, "destination", k, row, destination_len)?;
        check_index(path, "source", k, column, source_len)?;
        if !raw.values[k].is_finite() {
            return Err(malformed(path, format!("weight of link {} is {}, expected a finite number", k + 1, raw.values[k])));
        }
        row_starts[row as usize + 1] += 1;
    }
    for i in 0..destination_len {
        row_starts[i + 1] += row_starts[i];
    }
    let mut next = row_starts.clone();
    let mut links = vec![(0u32, 0.0f64); raw.values.len()];
    for k in 0..raw.values.len() {
        let slot = &mut next[raw.rows[k] as usize];
        links[*slot] = (raw.columns[k] as u32, raw.values[k]);
        *slot += 1;
    }

    let mut weights = Weights {
        source_len,
        row_starts: Vec::with_capacity(destination_len + 1),
        columns: Vec::with_capacity(links.len()),
        values: Vec::with_capacity(links.len()),
        source_areas: raw.source.areas.take().unwrap_or_else(|| vec![0.0; source_len]),
        destination_areas: raw.destination.areas.take().unwrap_or_else(|| vec![0.0; destination_len]),
        source_fractions: Vec::new(),
        destination_fractions: Vec::new(),
        origin: WeightsOrigin {
            method: raw.method,
            normalization: raw.normalization,
            conservative,
            source_hash: raw.source_hash,
            destination_hash: raw.destination_hash,
            options_hash: raw.options_hash,
        },
    };
    let mut merged = 0usize;
    weights.row_starts.push(0);
    for i in 0..destination_len {
        let row = &mut links[row_starts[i]..row_starts[i + 1]];
        // Stable, so that repeated links are added in the order of the file.
        row.sort_by_key(|&(column, _)| column);
        let first = weights.columns.len();
        for &(column, value) in row.iter() {
            if weights.columns.len() > first && weights.columns.last() == Some(&column) {
                *weights.values.last_mut().expect("columns and values have the same length") += value;
                merged += 1;
            } else {
                weights.columns.push(column);
                weights.values.push(value);
            }
        }
        weights.row_starts.push(weights.columns.len());
    }
    if merged > 0 {
        raw.notes.push(format!("{merged} repeated links were added to the first of their pair"));
    }
    weights.destination_fractions = raw
        .destination
        .fractions
        .take()
        .unwrap_or_else(|| (0..destination_len).map(|i| f64::from(u8::from(weights.is_mapped(i)))).collect());
    weights.source_fractions = raw.source.fractions.take().unwrap_or_else(|| {
        let mut used = vec![0.0; source_len];
        for &column in &weights.columns {
            used[column as usize] = 1.0;
        }
        used
    });
    Ok(WeightsFile {
        weights,
        convention: raw.convention,
        source_centers: raw.source.centers,
        destination_centers: raw.destination.centers,
        source_mask: raw.source.mask.map_or(Mask::ALL, Mask::from_active),
        destination_mask: raw.destination.mask.map_or(Mask::ALL, Mask::from_active),
        source_shape: raw.source.shape,
        destination_shape: raw.destination.shape,
        notes: raw.notes,
    })
}

fn check_index(path: &Path, end: &str, link: usize, index: i64, len: usize) -> Result<(), IoError> {
    if index < 0 || index >= len as i64 || index > i64::from(u32::MAX) {
        return Err(malformed(path, format!("{end} index {} of link {} is outside 1..={len}", index + 1, link + 1)));
    }
    Ok(())
}
