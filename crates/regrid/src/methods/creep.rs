//! Creep: values go from mapped destination cells to those around, round by round.
//!
//! A cell becomes the mean of its neighbours that were mapped in the round before. Neighbours are the four next cells in
//! rows and columns, the cells that share a corner in meshes, and the four nearest centers for points and reduced rows.
//! Masked destination cells are not crossed; what cannot be reached stays unmapped. Keeps constants and the range, no
//! integral.

use super::bilinear::structured;
use super::centers::Centers;
use crate::links::{Link, LinkRows};
use crate::search::points::NearPoints;
use knarr_grid::{Columns, Grid, Layout, Neighbours, Polygons};
use knarr_kernels::sphere::UnitVector;
use std::borrow::Cow;
use std::collections::HashMap;

/// Neighbours of cells without shared corners.
const NEAREST: usize = 4;

/// Goes from the cells that are mapped to the `missing` ones in at most `rounds` (`None`: as many as it takes): `mean` makes
/// what a cell gets of its mapped neighbours, `put` keeps it at the end of the round.
fn go<S, T>(
    state: &mut S,
    (is_mapped, mut missing): (&mut [bool], Vec<usize>),
    neighbours: &Neighbours,
    rounds: Option<u32>,
    mean: impl Fn(&S, &[u32]) -> T,
    put: impl Fn(&mut S, usize, T),
) {
    let mut mapped: Vec<u32> = Vec::new();
    let mut left = rounds.unwrap_or(u32::MAX);
    while left > 0 {
        left -= 1;
        let mut round: Vec<(usize, T)> = Vec::new();
        for &i in &missing {
            mapped.clear();
            mapped.extend(neighbours.of(i).iter().filter(|&&k| is_mapped[k as usize]));
            if !mapped.is_empty() {
                round.push((i, mean(state, &mapped)));
            }
        }
        if round.is_empty() {
            break;
        }
        for (i, made) in round {
            is_mapped[i] = true;
            put(state, i, made);
        }
        missing.retain(|&i| !is_mapped[i]);
    }
}

/// Rows of the active cells that `rows` leave unmapped and creep reaches.
pub(crate) fn rows(rows: &LinkRows, neighbours: &Neighbours, to: &Centers, rounds: Option<u32>) -> LinkRows {
    let n = rows.len();
    let mut is_mapped: Vec<bool> = (0..n).map(|i| rows.is_mapped(i)).collect();
    let missing: Vec<usize> = (0..n).filter(|&i| to.is_active[i] && !is_mapped[i]).collect();
    let mut crept: HashMap<usize, Vec<Link>> = HashMap::new();
    let mean = |crept: &HashMap<usize, Vec<Link>>, around: &[u32]| {
        let mut links: Vec<Link> = Vec::new();
        for &k in around {
            let known = crept.get(&(k as usize)).map_or_else(|| rows.row(k as usize).collect(), Clone::clone);
            let sum: f64 = known.iter().map(|l: &Link| l.1).sum();
            links.extend(known.iter().map(|l| (l.0, l.1 / (sum * around.len() as f64))));
        }
        crate::links::tidy_signed(&mut links);
        links
    };
    let put = |crept: &mut HashMap<usize, Vec<Link>>, i: usize, links: Vec<Link>| {
        crept.insert(i, links);
    };
    go(&mut crept, (&mut is_mapped, missing), neighbours, rounds, mean, put);
    LinkRows::collect_signed(n, || (), |i, (), links| links.extend(crept.get(&i).into_iter().flatten()))
}

/// Values of the cells `missing` that creep reaches from those that are known, which they become.
pub(crate) fn values(values: &mut [f64], is_known: &mut [bool], missing: &[usize], neighbours: &Neighbours, rounds: Option<u32>) {
    let mean =
        |values: &&mut [f64], around: &[u32]| around.iter().map(|&k| values[k as usize]).sum::<f64>() / around.len() as f64;
    let put = |values: &mut &mut [f64], i: usize, value: f64| values[i] = value;
    go(&mut { values }, (is_known, missing.to_vec()), neighbours, rounds, mean, put);
}

/// The neighbours of each cell, ascending.
pub(crate) fn neighbours(grid: &Grid, centers: &Centers) -> Neighbours {
    let kind = Kind::of(grid, centers);
    let (mut starts, mut cells, mut around) = (vec![0], Vec::new(), Vec::new());
    for i in 0..grid.len() {
        kind.around(i, &mut around);
        cells.extend(around.iter().filter(|&&k| k != i).map(|&k| k as u32));
        starts.push(cells.len());
    }
    Neighbours { starts, cells }
}

/// How cells are next to each other.
enum Kind<'a> {
    Lattice { ny: usize, nx: usize, is_closed: bool },
    Mesh { polygons: Cow<'a, Polygons>, vertex_starts: Vec<usize>, vertex_cells: Vec<u32> },
    Nearest { near: Box<NearPoints>, points: &'a [UnitVector] },
}

impl<'a> Kind<'a> {
    fn of(grid: &'a Grid, centers: &'a Centers) -> Self {
        match &grid.layout {
            Layout::Rows(rows) => {
                if let Columns::Shared(lon) = &rows.columns {
                    let covered: f64 = lon.bounds_deg.iter().map(|b| b[1] - b[0]).sum();
                    let (ny, nx) = (rows.lats_deg.len(), lon.centers_deg.len());
                    return Self::Lattice { ny, nx, is_closed: covered >= 360.0 - 1e-4 };
                }
            }
            Layout::Formula(_) | Layout::Polygons { .. } => {
                if let Some((ny, nx)) = structured(grid) {
                    return Self::Lattice { ny, nx, is_closed: super::bilinear::is_closed(centers.points(), ny, nx) };
                }
            }
            Layout::Points { .. } => {}
        }
        if let Some(polygons) = grid.polygons() {
            return Self::mesh(polygons);
        }
        Self::Nearest { near: Box::new(centers.near_points()), points: centers.points() }
    }

    fn mesh(polygons: Cow<'a, Polygons>) -> Self {
        let mut vertex_starts = vec![0usize; polygons.vertices.len() + 1];
        polygons.corners.iter().for_each(|&v| vertex_starts[v as usize + 1] += 1);
        for k in 1..vertex_starts.len() {
            vertex_starts[k] += vertex_starts[k - 1];
        }
        let mut next = vertex_starts.clone();
        let mut vertex_cells = vec![0u32; polygons.corners.len()];
        for cell in 0..polygons.len() {
            for &v in polygons.cell(cell) {
                vertex_cells[next[v as usize]] = cell as u32;
                next[v as usize] += 1;
            }
        }
        Self::Mesh { polygons, vertex_starts, vertex_cells }
    }

    fn around(&self, i: usize, out: &mut Vec<usize>) {
        out.clear();
        match self {
            Self::Lattice { ny, nx, is_closed } => {
                let (j, column) = (i / nx, i % nx);
                if j > 0 {
                    out.push(i - nx);
                }
                if j + 1 < *ny {
                    out.push(i + nx);
                }
                if column > 0 || *is_closed {
                    out.push(j * nx + (column + nx - 1) % nx);
                }
                if column + 1 < *nx || *is_closed {
                    out.push(j * nx + (column + 1) % nx);
                }
            }
            Self::Mesh { polygons, vertex_starts, vertex_cells } => {
                for &v in polygons.cell(i) {
                    let cells = &vertex_cells[vertex_starts[v as usize]..vertex_starts[v as usize + 1]];
                    out.extend(cells.iter().map(|&c| c as usize));
                }
            }
            Self::Nearest { near, points } => {
                let mut found = Vec::new();
                near.nearest_k(points[i], NEAREST + 1, &mut found);
                out.extend(found.iter().map(|f| f.1 as usize));
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}
