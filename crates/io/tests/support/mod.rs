//! Weights that are known exactly, for the tests of files.

use knarr_grid::Grid;
use knarr_io::{WeightsFormat, write_weights};
use knarr_regrid::{Weights, WeightsOrigin, content_hash};
use std::path::PathBuf;

pub const FINE: &str = "r36x18";
pub const COARSE: &str = "r12x6";

pub fn grid(spec: &str) -> Grid {
    Grid::from_spec(spec).unwrap_or_else(|e| panic!("{spec}: {e}"))
}

/// Exact first-order conservative weights where three by three source cells make a destination cell:
/// the overlap is the source cell. (Centers of both grids start at 0 E, so columns are shifted by one cell.)
pub fn nested_weights(source: &Grid, destination: &Grid) -> Weights {
    let (nx, mx) = (source.shape[1], destination.shape[1]);
    let areas = |g: &Grid| (0..g.len()).map(|c| g.area(c)).collect::<Vec<f64>>();
    let (source_areas, destination_areas) = (areas(source), areas(destination));
    let mut weights = Weights {
        source_len: source.len(),
        row_starts: vec![0],
        columns: Vec::new(),
        values: Vec::new(),
        areas: Some([source_areas.clone(), destination_areas.clone()]),
        fractions: Some([source, destination].map(|g| vec![1.0; g.len()])),
        origin: WeightsOrigin {
            method: "conservative".into(),
            normalization: "fracarea".into(),
            conservative: true,
            source_hash: content_hash(source),
            destination_hash: content_hash(destination),
            options_hash: "0123".into(),
            fixed_value: None,
        },
    };
    for row in 0..destination.len() {
        let (j, i) = (row / mx, row % mx);
        let mut links: Vec<usize> =
            (0..3).flat_map(|dj| (0..3).map(move |di| (3 * j + dj) * nx + (3 * i + di + nx - 1) % nx)).collect();
        links.sort_unstable();
        for column in links {
            weights.columns.push(column as u32);
            weights.values.push(source_areas[column] / destination_areas[row]);
        }
        weights.row_starts.push(weights.columns.len());
    }
    weights
}

pub struct Made {
    pub source: Grid,
    pub destination: Grid,
    pub weights: Weights,
    folder: tempfile::TempDir,
}

impl Made {
    pub fn new() -> Self {
        let (source, destination) = (grid(FINE), grid(COARSE));
        let weights = nested_weights(&source, &destination);
        Self { source, destination, weights, folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn written(&self, name: &str, format: WeightsFormat) -> PathBuf {
        let path = self.path(name);
        write_weights(&self.weights, &self.source, &self.destination, &path, format, true).expect("written");
        path
    }
}
