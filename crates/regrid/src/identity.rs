//! Content hashes: what weights belong to.

use crate::{Options, Stack};
use knarr_grid::{Columns, Detail, Family, Grid, Layout, LonLat, Mask, Polygons};
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
            bytes.floats(bytemuck::cast_slice(centers));
            bytes.polygons(polygons);
        }
        Layout::Points { centers } => bytes.floats(bytemuck::cast_slice(centers)),
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

    /// Each corner where cells use it first, and its number in all: files may number the same corners otherwise.
    fn polygons(&mut self, polygons: &Polygons) {
        const SOME: usize = 1 << 13;
        let Polygons { vertices, corners, offsets } = polygons;
        match polygons.order_of_use() {
            None => {
                self.floats(vertices.as_flattened());
                self.integers(corners);
            }
            Some(order) => {
                let mut numbers = vec![0; vertices.len()];
                order.iter().zip(0..).for_each(|(&v, number)| numbers[v as usize] = number);
                for some in order.chunks(SOME) {
                    self.floats(some.iter().map(|&v| vertices[v as usize]).collect::<Vec<_>>().as_flattened());
                }
                for some in corners.chunks(SOME) {
                    self.integers(&some.iter().map(|&v| numbers[v as usize]).collect::<Vec<_>>());
                }
            }
        }
        let width = |cell: usize| offsets.of(cell).len();
        if (1..polygons.len()).all(|cell| width(cell) == width(0)) {
            self.push(format!("{} cells of the same number of corners", polygons.len()).as_bytes());
        } else {
            let widths: Vec<u32> = (0..polygons.len()).map(|cell| width(cell) as u32).collect();
            self.integers(&widths);
        }
    }

    /// Many numbers, as little-endian bytes.
    fn floats(&mut self, values: &[f64]) {
        if cfg!(target_endian = "little") {
            return self.whole(bytemuck::cast_slice(values));
        }
        values.iter().for_each(|v| self.push(&v.to_le_bytes()));
    }

    fn integers(&mut self, values: &[u32]) {
        if cfg!(target_endian = "little") {
            return self.whole(bytemuck::cast_slice(values));
        }
        values.iter().for_each(|v| self.push(&v.to_le_bytes()));
    }

    /// Bytes that lie together already.
    fn whole(&mut self, bytes: &[u8]) {
        self.hasher.update(&std::mem::take(&mut self.waiting));
        self.hasher.update_rayon(bytes);
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

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_grid::{Faces, Offsets};

    /// Cells of triangles and quadrangles, whatever the order of their nodes and however corners are kept.
    #[test]
    fn equal_cells_have_equal_hashes() {
        let at = |lon_deg: f64, lat_deg: f64| LonLat { lon_deg, lat_deg };
        let nodes = [at(0.0, 0.0), at(10.0, 0.0), at(20.0, 0.0), at(0.0, 10.0), at(10.0, 10.0), at(20.0, 10.0), at(5.0, 20.0)];
        let faces = [&[0, 1, 4, 3][..], &[1, 2, 5, 4], &[3, 4, 6]];
        let hash = |nodes: &[LonLat], faces: &[&[u32]]| {
            content_hash(&Grid::mesh_of_faces(None, nodes, faces.iter().collect::<Faces>()).expect("nodes are there"))
        };
        let expected = hash(&nodes, &faces);
        let mut turned = nodes;
        turned.reverse();
        let turned_faces: Vec<Vec<u32>> = faces.iter().map(|face| face.iter().map(|v| 6 - v).collect()).collect();
        let turned_faces: Vec<&[u32]> = turned_faces.iter().map(Vec::as_slice).collect();
        assert_eq!(hash(&turned, &turned_faces), expected, "other numbers");
        let more: Vec<LonLat> = nodes.into_iter().chain([at(90.0, 0.0)]).collect();
        assert_eq!(hash(&more, &faces), expected, "a node of no cell");
        let mut moved = nodes;
        moved[6].lon_deg += 1e-9;
        assert_ne!(hash(&moved, &faces), expected, "a node elsewhere");
        assert_ne!(hash(&nodes, &[faces[1], faces[0], faces[2]]), expected, "cells in another order");
        // Of quadrangles alone, with where each one starts and without.
        let mut grid = Grid::mesh_of_faces(None, &nodes, faces[..2].iter().collect::<Faces>()).expect("nodes are there");
        let expected = content_hash(&grid);
        let Layout::Polygons { polygons, .. } = &mut grid.layout else { panic!("cells with corners") };
        assert_eq!(polygons.offsets, Offsets::Uniform(4));
        polygons.offsets = Offsets::PerCell(vec![0, 4, 8]);
        assert_eq!(content_hash(&grid), expected);
    }
}
