//! Destination cells that the method does not reach.

use super::bilinear::structured;
use super::centers::Centers;
use super::distance;
use crate::links::{Link, LinkRows};
use crate::search::points::PointTree;
use crate::{Extrapolation, RegridError};
use knarr_grid::{Columns, Grid, Layout, Polygons};
use knarr_kernels::sphere::UnitVector;
use std::borrow::Cow;

/// Neighbours that [`Extrapolation::Distance`] takes, and that cells without shared corners have.
const NEIGHBOURS: usize = 4;

/// `rows` with the active cells they leave unmapped filled as `how` says; rows that exist stay as they are.
///
/// [`Extrapolation::Creep`]: a cell becomes the mean of its neighbours that were mapped in the round
/// before. Neighbours are the four next cells in rows and columns, the cells that share a corner in meshes,
/// and the four nearest centers for points and reduced rows. Masked destination cells are not crossed; what
/// cannot be reached stays unmapped.
pub(super) fn fill(
    rows: LinkRows,
    source: &Grid,
    destination: &Grid,
    to: &Centers,
    how: Extrapolation,
) -> Result<LinkRows, RegridError> {
    let is_missing = |i: usize| to.is_active[i] && !rows.is_mapped(i);
    if how == Extrapolation::None || !(0..rows.len()).any(is_missing) {
        return Ok(rows);
    }
    let neighbours = match how {
        Extrapolation::Nearest => 1,
        _ => NEIGHBOURS,
    };
    let extra = if how == Extrapolation::Creep {
        creep(&rows, destination, to)
    } else {
        let tree = Centers::of(source).tree();
        if tree.len() == 0 {
            return Err(RegridError::NoActiveCell { end: "source" });
        }
        let points = to.points();
        LinkRows::collect(rows.len(), Vec::new, |i, found, links| {
            if is_missing(i) {
                distance::links_at(&tree, points[i], neighbours, found, links);
            }
        })
    };
    Ok(rows.filled_from(&extra))
}

fn creep(rows: &LinkRows, destination: &Grid, to: &Centers) -> LinkRows {
    let neighbours = Neighbours::of(destination, to);
    let n = rows.len();
    let mut crept: Vec<Vec<Link>> = vec![Vec::new(); n];
    let mut is_mapped: Vec<bool> = (0..n).map(|i| rows.is_mapped(i)).collect();
    let mut missing: Vec<usize> = (0..n).filter(|&i| to.is_active[i] && !is_mapped[i]).collect();
    let mut around = Vec::new();
    loop {
        let mut round: Vec<(usize, Vec<Link>)> = Vec::new();
        for &i in &missing {
            neighbours.around(i, &mut around);
            around.retain(|&k| k != i && is_mapped[k]);
            let mut links: Vec<Link> = Vec::new();
            for &k in &around {
                let known: Vec<Link> = if crept[k].is_empty() { rows.row(k).collect() } else { crept[k].clone() };
                let sum: f64 = known.iter().map(|l| l.1).sum();
                links.extend(known.iter().map(|l| (l.0, l.1 / (sum * around.len() as f64))));
            }
            if !links.is_empty() {
                crate::links::tidy(&mut links);
                round.push((i, links));
            }
        }
        if round.is_empty() {
            break;
        }
        for (i, links) in round {
            is_mapped[i] = true;
            crept[i] = links;
        }
        missing.retain(|&i| !is_mapped[i]);
    }
    LinkRows::collect(n, || (), |i, (), links| links.extend_from_slice(&crept[i]))
}

/// Which cells of a grid are next to each other.
enum Neighbours<'a> {
    Lattice { ny: usize, nx: usize, is_closed: bool },
    Mesh { polygons: Cow<'a, Polygons>, vertex_starts: Vec<usize>, vertex_cells: Vec<u32> },
    Nearest { tree: PointTree, points: &'a [UnitVector] },
}

impl<'a> Neighbours<'a> {
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
        Self::Nearest { tree: centers.tree(), points: centers.points() }
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
            Self::Nearest { tree, points } => {
                let mut found = Vec::new();
                tree.nearest_k(points[i], NEIGHBOURS + 1, &mut found);
                out.extend(found.iter().map(|f| f.1 as usize));
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}
