//! ESMF unstructured meshes: nodes and the elements between them; 1 = active in `elementMask`.

use super::cells::by_formula;
use super::context::{Context, Found, malformed, numbers_or_nan, positions};
use crate::IoError;
use crate::nc::{File, Variable};
use knarr_grid::{Detail, Faces, Grid, LonLat, Mask};

pub(super) fn is_esmf(file: &File) -> bool {
    ["nodeCoords", "elementConn"].iter().all(|name| file.find(name).is_some())
}

pub(super) fn of_variable(context: &Context<'_>) -> Result<Option<Found>, IoError> {
    if is_esmf(context.file) && context.has_dim("elementCount") { read(context.file, context.detail).map(Some) } else { Ok(None) }
}

/// The elements of an ESMF mesh.
pub(super) fn read(file: &File, detail: Detail) -> Result<Found, IoError> {
    let bad = |source| IoError::Grid { path: file.path().to_owned(), what: "ESMF mesh".to_owned(), source };
    let mut variables = vec!["nodeCoords".to_owned(), "elementConn".to_owned()];
    for name in ["numElementConn", "centerCoords", "elementMask", "elementArea"] {
        variables.extend(file.find(name).map(|v| v.name.clone()));
    }
    let elements = file.variable("numElementConn")?.len();
    let centers = file.find("centerCoords").map(|v| places(file, v)).transpose()?.filter(|c| c.len() == elements);
    let formula = match &centers {
        Some(centers) => by_formula(centers).map_err(bad)?,
        None => None,
    };
    let mut kind = String::new();
    let mut grid = match (formula, centers) {
        (Some(grid), _) => {
            kind = format!(", {}", grid.report.recognised_by);
            grid
        }
        (None, Some(centers)) if detail == Detail::Centers => Grid::points(centers).map_err(bad)?,
        (None, centers) => {
            let nodes = places(file, file.variable("nodeCoords")?)?;
            let elements = connectivity(file, nodes.len())?;
            Grid::mesh_of_faces(centers, &nodes, elements).map_err(bad)?
        }
    };
    if file.find("elementMask").is_some() {
        let active = file.read("elementMask")?.into_iter().map(|m| m != 0.0).collect::<Vec<_>>();
        if active.len() != grid.len() {
            return Err(malformed(
                file,
                "ESMF mesh",
                format!("elementMask has {} values, expected {}", active.len(), grid.len()),
            ));
        }
        grid = grid.masked_by(&Mask::from_active(active));
    }
    grid.report.recognised_by = format!("ESMF mesh{kind}");
    let dim = file.find("numElementConn").and_then(|v| v.dims.first()).map_or("elementCount", |d| d.name.as_str());
    Ok(Found { grid, dims: vec![dim.to_owned()], variables })
}

fn places(file: &File, variable: &Variable) -> Result<Vec<LonLat>, IoError> {
    let width = variable.dims.last().map_or(0, |d| d.len);
    if variable.dims.len() != 2 || width != 2 {
        let problem =
            format!("`{}` has dimensions {}, expected two coordinates for each", variable.name, variable.dims_in_words());
        return Err(malformed(file, "ESMF mesh", problem));
    }
    let mut values = numbers_or_nan(file, variable)?;
    if variable.attributes.text("units").is_some_and(|u| u.to_lowercase().starts_with("rad")) {
        values.iter_mut().for_each(|v| *v = v.to_degrees());
    }
    Ok(positions(values))
}

/// Nodes of each element, 0-based; a table padded by -1, or one list after the other.
fn connectivity(file: &File, nodes: usize) -> Result<Faces, IoError> {
    let variable = file.variable("elementConn")?;
    let counts = file.read("numElementConn")?;
    let values = file.read("elementConn")?;
    let base = variable.attributes.number("start_index").unwrap_or(1.0);
    let table = variable.dims.len() == 2;
    let width = variable.dims.last().map_or(0, |d| d.len);
    let mut next = 0usize;
    let (mut elements, mut list) = (Faces::with_room(counts.len(), values.len()), Vec::new());
    for (element, &count) in counts.iter().enumerate() {
        let start = if table { element * width } else { next };
        let end = start + count.max(0.0) as usize;
        next = end;
        let too_long =
            || malformed(file, "ESMF mesh", format!("element {} has {count} nodes, more than `elementConn` holds", element + 1));
        if table && end > start + width {
            return Err(too_long());
        }
        list.clear();
        for &value in values.get(start..end).ok_or_else(too_long)? {
            let node = value - base;
            if !(0.0..nodes as f64).contains(&node) {
                let problem =
                    format!("element {} has node {value}, expected {base} to {}", element + 1, nodes as f64 + base - 1.0);
                return Err(malformed(file, "ESMF mesh", problem));
            }
            list.push(node as u32);
        }
        elements.push(list.iter().copied());
    }
    Ok(elements)
}
