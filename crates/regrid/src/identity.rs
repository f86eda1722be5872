//! Content hashes: what weights belong to.

use crate::{Options, Stack};
use knarr_grid::{Columns, Detail, Family, Grid, Layout, LonLat, Mask};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;

/// BLAKE3 hash (hex) of a grid's cells and mask: equal for equal geometry, whatever the file it came from.
///
/// Cells by formula count by the name and the numbers of the formula; as polygons of a file the same cells are others.
pub fn content_hash(grid: &Grid) -> String {
    hash_of(grid, &grid.mask, Detail::Cells)
}

/// As [`content_hash`] with `mask` for the grid's own, and of centers alone where no more is asked: polygons count as
/// points then, and where no cell takes part, what is kept as its center does not count.
pub fn hash_of(grid: &Grid, mask: &Mask, detail: Detail) -> String {
    let mut bytes = Bytes::default();
    match &grid.layout {
        Layout::Rows(rows) => {
            if let Some(rotation) = &rows.rotation {
                bytes.numbers(rotation.0.iter().flatten());
            }
            bytes.numbers(&rows.lats_deg);
            bytes.numbers(rows.lat_bounds_deg.iter().flatten());
            match &rows.columns {
                Columns::Shared(lon) => {
                    bytes.numbers(&lon.centers_deg);
                    bytes.numbers(lon.bounds_deg.iter().flatten());
                }
                Columns::Reduced { counts, .. } => bytes.numbers(&counts.iter().map(|&n| n as f64).collect::<Vec<f64>>()),
            }
        }
        // What a formula and its numbers say, they say of every cell.
        Layout::Formula(formula) => bytes.push(format!("formula: {formula}").as_bytes()),
        Layout::Polygons { centers, .. } | Layout::Points { centers } if is_of_centers(grid, detail) => {
            bytes.centers(centers, |cell| mask.is_active(cell));
        }
        Layout::Polygons { centers, polygons } => {
            bytes.centers(centers, |_| true);
            let width = 8 + size_of::<UnitVector>() * polygons.max_corners();
            bytes.parallel(polygons.len(), width, |c, out| {
                let cell = polygons.cell(c);
                out.extend_from_slice(&(cell.len() as f64).to_le_bytes());
                for &v in cell {
                    out.extend_from_slice(polygons.vertices[v as usize].map(f64::to_le_bytes).as_flattened());
                }
            });
        }
        Layout::Points { centers } => bytes.centers(centers, |_| true),
    }
    bytes.push(b"mask");
    if let Some(flags) = mask.flags() {
        flags.chunks(1 << 12).for_each(|flags| bytes.push(&flags.iter().map(|&flag| u8::from(flag)).collect::<Vec<u8>>()));
    }
    bytes.finish()
}

/// Whether no more than centers is asked of a grid of polygons or points.
fn is_of_centers(grid: &Grid, detail: Detail) -> bool {
    let detail = match grid.shape[..] {
        [ny, nx] if grid.family == Family::Curvilinear => detail.in_rows([ny, nx]),
        _ => detail,
    };
    detail == Detail::Centers
}

/// Bytes on their way into a hash, collected so that the hash works on long stretches (and on several threads).
#[derive(Default)]
struct Bytes {
    hasher: blake3::Hasher,
    waiting: Vec<u8>,
}

impl Bytes {
    const STRETCH: usize = 1 << 20;

    fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= Self::STRETCH {
            self.hasher.update_rayon(&self.waiting);
            self.waiting.clear();
        }
    }

    fn numbers<'a>(&mut self, values: impl IntoIterator<Item = &'a f64>) {
        values.into_iter().for_each(|v| self.push(&v.to_le_bytes()));
    }

    fn centers(&mut self, centers: &[LonLat], counts: impl Fn(usize) -> bool + Sync) {
        self.parallel(centers.len(), size_of::<LonLat>(), |c, out| {
            let LonLat { lon_deg, lat_deg } = if counts(c) { centers[c] } else { LonLat { lon_deg: 0.0, lat_deg: 0.0 } };
            out.extend_from_slice([lon_deg, lat_deg].map(f64::to_le_bytes).as_flattened());
        });
    }

    /// The bytes of `count` items of at most `width` each, one after another, collected by several threads.
    fn parallel(&mut self, count: usize, width: usize, item: impl Fn(usize, &mut Vec<u8>) + Sync) {
        // They stay in cache until they are hashed.
        const PART: usize = 1 << 17;
        let items = (PART / width).max(1);
        for first in (0..count).step_by(8 * items) {
            let end = (first + 8 * items).min(count);
            let part = |start: usize| {
                let mut out = Vec::with_capacity(items * width);
                (start..(start + items).min(end)).for_each(|i| item(i, &mut out));
                out
            };
            let starts: Vec<usize> = (first..end).step_by(items).collect();
            let parts: Vec<Vec<u8>> = starts.into_par_iter().map(part).collect();
            self.hasher.update(&std::mem::take(&mut self.waiting));
            parts.iter().for_each(|part| {
                self.hasher.update_rayon(part);
            });
        }
    }

    fn finish(mut self) -> String {
        self.hasher.update(&self.waiting);
        self.hasher.finalize().to_hex().to_string()
    }
}

/// What weights are known by: [`hash_of`] the grids, as far as the options ask, and [`options_hash`].
pub fn hashes_of(source: &Grid, destination: &Grid, options: &Options) -> [String; 3] {
    let [from, to] = options.detail();
    [hash_of(source, &source.mask, from), hash_of(destination, &destination.mask, to), options_hash(options)]
}

/// Raised whenever the same options give other weights than before.
const ALGORITHM_VERSION: u32 = 3;

/// BLAKE3 hash (hex) of the options and the version of the algorithms.
pub fn options_hash(options: &Options) -> String {
    blake3::hash(format!("{ALGORITHM_VERSION} {options:?}").as_bytes()).to_hex().to_string()
}

/// As [`options_hash`] for the layers of a stack.
pub(crate) fn stack_hash(stack: &Stack) -> String {
    blake3::hash(format!("{ALGORITHM_VERSION} {stack:?}").as_bytes()).to_hex().to_string()
}
