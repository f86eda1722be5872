//! MPAS meshes: cells between the vertices that `verticesOnCell` lists, radians, counted from 1.

use super::context::{Context, Found, lon_lats, malformed};
use crate::IoError;
use crate::nc::File;
use knarr_grid::{Detail, Faces, Grid, LonLat};

pub(super) fn is_mpas(file: &File) -> bool {
    ["lonCell", "latCell", "lonVertex", "latVertex", "verticesOnCell", "nEdgesOnCell"]
        .iter()
        .all(|name| file.find(name).is_some())
}

pub(super) fn of_variable(context: &Context<'_>) -> Result<Option<Found>, IoError> {
    if !is_mpas(context.file) {
        return Ok(None);
    }
    if context.has_dim("nCells") {
        return cells(context.file, context.detail).map(Some);
    }
    if context.has_dim("nVertices") && context.file.find("cellsOnVertex").is_some() {
        return vertices(context.file, context.detail).map(Some);
    }
    if context.has_dim("nEdges") && context.file.find("lonEdge").is_some() && context.file.find("latEdge").is_some() {
        let grid = Grid::points(places(context.file, "Edge")?).map_err(context.bad_grid("MPAS edges"))?;
        return Ok(Some(found(grid, "edges", "nEdges", &["lonEdge", "latEdge"])));
    }
    Ok(None)
}

/// The polygons that carry most variables.
pub(super) fn cells(file: &File, detail: Detail) -> Result<Found, IoError> {
    let names = ["lonCell", "latCell", "lonVertex", "latVertex", "verticesOnCell", "nEdgesOnCell"];
    let centers = places(file, "Cell")?;
    if detail == Detail::Centers {
        return Ok(found(Grid::points(centers).map_err(bad(file))?, "cells", "nCells", &names));
    }
    let corners = places(file, "Vertex")?;
    let counts = file.read("nEdgesOnCell")?;
    let faces = lists(file, "verticesOnCell", corners.len(), Some(&counts))?;
    let grid = Grid::mesh_of_faces(Some(centers), &corners, faces).map_err(bad(file))?;
    Ok(found(grid, "cells", "nCells", &names))
}

/// The triangles of the dual mesh.
fn vertices(file: &File, detail: Detail) -> Result<Found, IoError> {
    let names = ["lonVertex", "latVertex", "lonCell", "latCell", "cellsOnVertex"];
    let centers = places(file, "Vertex")?;
    if detail == Detail::Centers {
        return Ok(found(Grid::points(centers).map_err(bad(file))?, "vertices", "nVertices", &names));
    }
    let corners = places(file, "Cell")?;
    let faces = lists(file, "cellsOnVertex", corners.len(), None)?;
    let grid = Grid::mesh_of_faces(Some(centers), &corners, faces).map_err(bad(file))?;
    Ok(found(grid, "vertices", "nVertices", &names))
}

fn bad(file: &File) -> impl Fn(knarr_grid::GridError) -> IoError {
    let path = file.path().to_owned();
    move |source| IoError::Grid { path: path.clone(), what: "MPAS mesh".to_owned(), source }
}

fn found(mut grid: Grid, on: &str, dim: &str, variables: &[&str]) -> Found {
    grid.report.recognised_by = format!("MPAS mesh, values on {on}");
    Found { grid, dims: vec![dim.to_owned()], variables: variables.iter().map(|&v| v.to_owned()).collect() }
}

/// MPAS keeps radians and writes no units.
fn places(file: &File, of: &str) -> Result<Vec<LonLat>, IoError> {
    let degrees =
        |name: String| -> Result<Vec<f64>, IoError> { Ok(file.read(&name)?.into_iter().map(f64::to_degrees).collect()) };
    Ok(lon_lats(&degrees(format!("lon{of}"))?, &degrees(format!("lat{of}"))?))
}

/// Rows of a connectivity table, 0-based; `counts` has the used length of each row, else 0 ends it.
fn lists(file: &File, name: &str, limit: usize, counts: Option<&[f64]>) -> Result<Faces, IoError> {
    let variable = file.variable(name)?;
    let width = variable.dims.last().map_or(0, |d| d.len);
    let values = file.read(name)?;
    let (mut rows, mut list) = (Faces::with_room(values.len() / width.max(1), values.len()), Vec::with_capacity(width));
    for (k, row) in values.chunks(width.max(1)).enumerate() {
        let used = counts.map_or(width, |c| (c[k].max(0.0) as usize).min(width));
        list.clear();
        for &value in &row[..used] {
            if value == 0.0 && counts.is_none() {
                continue;
            }
            if !(1.0..=limit as f64).contains(&value) {
                return Err(malformed(
                    file,
                    "MPAS mesh",
                    format!("`{name}` has {value} in row {}, expected 1 to {limit}", k + 1),
                ));
            }
            list.push(value as u32 - 1);
        }
        rows.push(list.iter().copied());
    }
    Ok(rows)
}
