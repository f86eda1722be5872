//! Content hashes: what weights belong to.

use knarr_grid::{Columns, Grid, Layout};

/// BLAKE3 hash (hex) of a grid's cells and mask: equal for equal geometry, whatever the file it came from.
pub fn content_hash(grid: &Grid) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut numbers = |values: &mut dyn Iterator<Item = f64>| {
        for v in values {
            hasher.update(&v.to_le_bytes());
        }
    };
    match &grid.layout {
        Layout::Rows(rows) => {
            if let Some(rotation) = &rows.rotation {
                numbers(&mut rotation.0.iter().flatten().copied());
            }
            numbers(&mut rows.lats_deg.iter().copied());
            numbers(&mut rows.lat_bounds_deg.iter().flatten().copied());
            match &rows.columns {
                Columns::Shared(lon) => {
                    numbers(&mut lon.centers_deg.iter().copied());
                    numbers(&mut lon.bounds_deg.iter().flatten().copied());
                }
                Columns::Reduced { counts, .. } => numbers(&mut counts.iter().map(|&n| n as f64)),
            }
        }
        Layout::Polygons { centers, polygons } => {
            numbers(&mut centers.iter().flat_map(|c| [c.lon_deg, c.lat_deg]));
            numbers(&mut (0..polygons.len()).flat_map(|c| {
                let cell = polygons.cell(c);
                std::iter::once(cell.len() as f64).chain(cell.iter().flat_map(|&v| polygons.vertices[v as usize]))
            }));
        }
        Layout::Points { centers } => numbers(&mut centers.iter().flat_map(|c| [c.lon_deg, c.lat_deg])),
    }
    hasher.update(b"mask");
    if let Some(flags) = grid.mask.flags() {
        for chunk in flags.chunks(4096) {
            hasher.update(&chunk.iter().map(|&f| u8::from(f)).collect::<Vec<u8>>());
        }
    }
    hasher.finalize().to_hex().to_string()
}
