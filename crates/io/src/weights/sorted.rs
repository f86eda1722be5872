//! Links in any order made into compressed sparse rows.

use super::WeightsFile;
use super::raw::{RawWeights, malformed};
use crate::IoError;
use knarr_grid::Mask;
use knarr_regrid::{Weights, WeightsOrigin};
use rayon::prelude::*;
use std::path::Path;

/// Checks the links, and sorts them by row and column if they are not.
pub(super) fn weights_from(mut raw: RawWeights, path: &Path) -> Result<WeightsFile, IoError> {
    check(&raw, path)?;
    let (source_len, destination_len) = (raw.source.len, raw.destination.len);
    let (row_starts, columns, values) = if raw.is_ordered() {
        let row_starts = raw.row_starts();
        raw.rows.cells = Vec::new();
        (row_starts, std::mem::take(&mut raw.columns.cells), std::mem::take(&mut raw.values))
    } else {
        let links = sorted(&mut raw);
        let merged = links.merged;
        if merged > 0 {
            raw.notes.push(format!("{merged} repeated links were added to the first of their pair"));
        }
        (links.row_starts, links.columns, links.values)
    };
    let areas = [&mut raw.source, &mut raw.destination].map(|end| end.areas.take());
    let areas = (raw.conservative || areas.iter().any(Option::is_some)).then(|| {
        let [source, destination] = areas;
        [source.unwrap_or_else(|| vec![0.0; source_len]), destination.unwrap_or_else(|| vec![0.0; destination_len])]
    });
    let mut weights = Weights {
        source_len,
        row_starts,
        columns,
        values,
        areas,
        fractions: None,
        origin: WeightsOrigin {
            method: raw.method,
            normalization: raw.normalization,
            conservative: raw.conservative,
            source_hash: raw.source_hash,
            destination_hash: raw.destination_hash,
            options_hash: raw.options_hash,
            fixed_value: raw.fixed_value,
        },
    };
    let [source, destination] = [&mut raw.source, &mut raw.destination].map(|end| end.fractions.take());
    let fractions = [
        source.unwrap_or_else(|| weights.source_fractions().into_owned()),
        destination.unwrap_or_else(|| weights.destination_fractions().into_owned()),
    ];
    let are_of_links = || fractions[0] == *weights.source_fractions() && fractions[1] == *weights.destination_fractions();
    if weights.origin.conservative || !are_of_links() {
        weights.fractions = Some(fractions);
    }
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

/// Refuses indices outside the grids and weights that are no number.
fn check(raw: &RawWeights, path: &Path) -> Result<(), IoError> {
    let ends = [("destination", &raw.rows, raw.destination.len), ("source", &raw.columns, raw.source.len)];
    for (end, indices, len) in ends {
        if let Some((link, index)) = indices.outside {
            return Err(malformed(path, format!("{end} index {} of link {} is outside 1..={len}", index + 1, link + 1)));
        }
    }
    match raw.values.par_iter().with_min_len(1 << 14).position_first(|value| !value.is_finite()) {
        Some(k) => Err(malformed(path, format!("weight of link {} is {}, expected a finite number", k + 1, raw.values[k]))),
        None => Ok(()),
    }
}

/// Links by row and column.
struct Sorted {
    row_starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
    /// Links added to another of the same pair.
    merged: usize,
}

/// Sorts the links, which are taken out of `raw`.
fn sorted(raw: &mut RawWeights) -> Sorted {
    let destination_len = raw.destination.len;
    let (rows, columns, values) =
        (std::mem::take(&mut raw.rows.cells), std::mem::take(&mut raw.columns.cells), std::mem::take(&mut raw.values));
    let mut starts = vec![0usize; destination_len + 1];
    for &row in &rows {
        starts[row as usize + 1] += 1;
    }
    for i in 0..destination_len {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut links = vec![(0u32, 0.0f64); values.len()];
    for ((&row, &column), &value) in rows.iter().zip(&columns).zip(&values) {
        let slot = &mut next[row as usize];
        links[*slot] = (column, value);
        *slot += 1;
    }
    drop((rows, columns, values, next));
    let mut sorted = Sorted {
        row_starts: Vec::with_capacity(destination_len + 1),
        columns: Vec::with_capacity(links.len()),
        values: Vec::with_capacity(links.len()),
        merged: 0,
    };
    sorted.row_starts.push(0);
    for i in 0..destination_len {
        let row = &mut links[starts[i]..starts[i + 1]];
        // Stable, so that repeated links are added in the order of the file.
        row.sort_by_key(|&(column, _)| column);
        let first = sorted.columns.len();
        for &(column, value) in row.iter() {
            if sorted.columns.len() > first && sorted.columns.last() == Some(&column) {
                *sorted.values.last_mut().expect("columns and values have the same length") += value;
                sorted.merged += 1;
            } else {
                sorted.columns.push(column);
                sorted.values.push(value);
            }
        }
        sorted.row_starts.push(sorted.columns.len());
    }
    sorted
}
