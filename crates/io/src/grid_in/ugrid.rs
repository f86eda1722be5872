//! UGRID meshes: values on faces, nodes or edges.

use super::context::{Context, Found, malformed, positions_of};
use super::neighbours;
use crate::IoError;
use crate::nc::{Dimension, File, Variable};
use knarr_grid::{Detail, Faces, Grid, GridError, LonLat};

/// What part of the mesh holds the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Location {
    Face,
    Node,
    Edge,
}

pub(super) fn of_variable(context: &Context<'_>) -> Result<Option<Found>, IoError> {
    let named = context.attributes.text("mesh");
    let own = match named {
        Some(name) => context.find(name).filter(|v| is_topology(v)),
        None => topologies(context.file).next(),
    };
    if let Some(topology) = own {
        let mesh = Mesh { file: context.file, topology, detail: context.detail };
        let found = mesh.found(context)?;
        if found.is_none() && named.is_some() {
            return Err(context.no_grid(format!("none of its dimensions belongs to the mesh `{}`", topology.name)));
        }
        return Ok(found);
    }
    match named {
        Some(name) => in_neighbour(context, name),
        None => Ok(None),
    }
}

/// The mesh of that name in a NetCDF file of the same folder, as FESOM keeps it.
fn in_neighbour(context: &Context<'_>, name: &str) -> Result<Option<Found>, IoError> {
    for path in neighbours(context.file) {
        let Ok(file) = File::open(&path) else { continue };
        let Some(topology) = file.find(name).filter(|v| is_topology(v)) else { continue };
        if let Some(mut found) = (Mesh { file: &file, topology, detail: context.detail }).found(context)? {
            let beside = path.file_name().unwrap_or_default().to_string_lossy();
            found.grid.report.notes.push(format!("mesh `{name}` taken from `{beside}` beside the file"));
            // Those variables are in the other file.
            found.variables.clear();
            return Ok(Some(found));
        }
    }
    Ok(None)
}

pub(super) fn topologies(file: &File) -> impl Iterator<Item = &Variable> {
    file.variables().iter().filter(|v| is_topology(v))
}

fn is_topology(variable: &Variable) -> bool {
    variable.attributes.text("cf_role") == Some("mesh_topology")
}

/// The faces of a mesh, or its nodes where it has none.
pub(super) fn of_topology(file: &File, topology: &Variable, detail: Detail) -> Result<Found, IoError> {
    let mesh = Mesh { file, topology, detail };
    match mesh.connectivity_dims()? {
        Some((dim, _)) => mesh.read(Location::Face, &dim),
        None => mesh.read(Location::Node, &mesh.node_dim()?),
    }
}

struct Mesh<'a> {
    file: &'a File,
    topology: &'a Variable,
    detail: Detail,
}

impl<'a> Mesh<'a> {
    /// The grid of `context`, whose dimension tells the location where no attribute does.
    fn found(&self, context: &Context<'_>) -> Result<Option<Found>, IoError> {
        // A mesh in another file has its own dimensions: names and lengths must agree.
        let shares = |d: &Dimension| context.dims.iter().any(|c| c.name == d.name && c.len == d.len);
        let node_dim = self.node_dim()?;
        let stated = context.attributes.text("location").map(str::trim);
        let face_dim = self.connectivity_dims()?.map(|(face, _)| face);
        let edge_dim = self.edge_dim();
        let candidates =
            [(Location::Face, "face", face_dim), (Location::Node, "node", Some(node_dim)), (Location::Edge, "edge", edge_dim)];
        for (location, word, dim) in candidates {
            let Some(dim) = dim.filter(shares) else { continue };
            if stated.is_some_and(|s| s != word) {
                continue;
            }
            if location == Location::Edge && self.topology.attributes.text("edge_coordinates").is_none() {
                return Err(
                    context.no_grid(format!("it lies on edges of mesh `{}`, which has no edge_coordinates", self.topology.name))
                );
            }
            let mut found = self.read(location, &dim)?;
            if stated.is_none() {
                found.grid.report.notes.push(format!("location {word} told from dimension `{}`", dim.name));
            }
            return Ok(Some(found));
        }
        Ok(None)
    }

    fn read(&self, location: Location, dim: &Dimension) -> Result<Found, IoError> {
        let mut variables = vec![self.topology.name.clone()];
        let bad =
            |source| IoError::Grid { path: self.file.path().to_owned(), what: format!("mesh `{}`", self.topology.name), source };
        let (mut grid, word) = match location {
            Location::Face => (self.faces(dim, &mut variables)?.map_err(bad)?, "faces"),
            Location::Node => (self.nodes(&mut variables)?.map_err(bad)?, "nodes"),
            Location::Edge => {
                let places = self.places("edge_coordinates", &mut variables)?;
                let places = places.ok_or_else(|| self.malformed("values on edges need edge_coordinates, which are missing"))?;
                (Grid::points(places).map_err(bad)?, "edges")
            }
        };
        grid.report.recognised_by = format!("UGRID mesh `{}`, values on {word}", self.topology.name);
        Ok(Found { grid, dims: vec![dim.name.clone()], variables })
    }

    /// The faces, which lie along `dim`.
    fn faces(&self, dim: &Dimension, variables: &mut Vec<String>) -> Result<Result<Grid, GridError>, IoError> {
        let centers = self.places("face_coordinates", variables)?.filter(|centers| centers.len() == dim.len);
        if self.detail == Detail::Centers
            && let Some(centers) = centers
        {
            return Ok(Grid::points(centers));
        }
        let faces = self.connectivity(variables)?.ok_or_else(|| self.malformed("no face_node_connectivity"))?;
        Ok(Grid::mesh_of_faces(centers, &self.needed_nodes(variables)?, faces))
    }

    /// The nodes, with cells around them where there are faces.
    fn nodes(&self, variables: &mut Vec<String>) -> Result<Result<Grid, GridError>, IoError> {
        let nodes = self.needed_nodes(variables)?;
        let faces = if self.detail == Detail::Centers { None } else { self.connectivity(variables)? };
        Ok(match faces {
            Some(faces) => Grid::mesh_dual(&nodes, &faces),
            None => Grid::points(nodes),
        })
    }

    fn needed_nodes(&self, variables: &mut Vec<String>) -> Result<Vec<LonLat>, IoError> {
        self.places("node_coordinates", variables)?.ok_or_else(|| self.malformed("no node_coordinates"))
    }

    fn malformed(&self, problem: impl Into<String>) -> IoError {
        malformed(self.file, "UGRID mesh", format!("`{}`: {}", self.topology.name, problem.into()))
    }

    fn linked(&self, attribute: &str) -> Result<Option<&'a Variable>, IoError> {
        let Some(name) = self.topology.attributes.text(attribute) else { return Ok(None) };
        let found = self.file.find_from(&self.topology.name, name.trim());
        found.map(Some).ok_or_else(|| self.malformed(format!("{attribute} names `{name}`, which is not in the file")))
    }

    /// Longitudes and latitudes of nodes, edges or faces; told apart by standard_name or units, else lon comes first.
    fn places(&self, attribute: &str, variables: &mut Vec<String>) -> Result<Option<Vec<LonLat>>, IoError> {
        use super::coordinates::{Quantity, quantity};
        let Some(names) = self.topology.attributes.text(attribute) else { return Ok(None) };
        let found: Vec<&Variable> =
            names.split_whitespace().filter_map(|n| self.file.find_from(&self.topology.name, n)).collect();
        if found.len() < 2 {
            return Err(self.malformed(format!("{attribute} = `{names}`: expected two variables of the file")));
        }
        let lon = found.iter().copied().find(|v| quantity(v) == Some(Quantity::Longitude)).unwrap_or(found[0]);
        let lat = found.iter().copied().find(|v| quantity(v) == Some(Quantity::Latitude)).unwrap_or(found[1]);
        variables.extend([lon.name.clone(), lat.name.clone()]);
        if lon.len() != lat.len() {
            return Err(self.malformed(format!("`{}` has {} values, `{}` {}", lon.name, lon.len(), lat.name, lat.len())));
        }
        positions_of(self.file, [lon, lat]).map(Some)
    }

    fn node_dim(&self) -> Result<Dimension, IoError> {
        let names = self.topology.attributes.text("node_coordinates").unwrap_or_default();
        let first = names.split_whitespace().find_map(|n| self.file.find_from(&self.topology.name, n));
        let dim = first.and_then(|v| v.dims.first());
        dim.cloned().ok_or_else(|| self.malformed("no node_coordinates"))
    }

    fn edge_dim(&self) -> Option<Dimension> {
        let names = self.topology.attributes.text("edge_coordinates").or(self.topology.attributes.text("edge_dimension"))?;
        let first = names.split_whitespace().next()?;
        let by_variable = self.file.find_from(&self.topology.name, first).and_then(|v| v.dims.first());
        by_variable.or_else(|| self.file.dimensions().iter().find(|d| d.name == first)).cloned()
    }

    /// Dimension of the faces, and whether it is the first of the connectivity's two.
    fn connectivity_dims(&self) -> Result<Option<(Dimension, bool)>, IoError> {
        let Some(variable) = self.linked("face_node_connectivity")? else { return Ok(None) };
        let [first, second] = variable.dims.as_slice() else {
            return Err(self.malformed(format!("`{}` has dimensions {}, expected two", variable.name, variable.dims_in_words())));
        };
        let faces_first = match self.topology.attributes.text("face_dimension") {
            Some(name) if name == second.name => false,
            Some(_) => true,
            // A mesh has more faces than a face has nodes.
            None => first.len >= second.len,
        };
        Ok(Some((if faces_first { first } else { second }.clone(), faces_first)))
    }

    /// Nodes of each face, 0-based.
    fn connectivity(&self, variables: &mut Vec<String>) -> Result<Option<Faces>, IoError> {
        let Some((dim, faces_first)) = self.connectivity_dims()? else { return Ok(None) };
        let Some(variable) = self.linked("face_node_connectivity")? else { return Ok(None) };
        let values = self.file.read(&variable.name)?;
        let nodes = self.node_dim()?.len;
        let base = variable.attributes.number("start_index").unwrap_or(0.0);
        let fill = variable.attributes.number("_FillValue");
        let count = dim.len;
        let width = values.len().checked_div(count).unwrap_or(0);
        let (mut faces, mut list) = (Faces::with_room(count, values.len()), Vec::with_capacity(width));
        for face in 0..count {
            list.clear();
            for k in 0..width {
                let value = if faces_first { values[face * width + k] } else { values[k * count + face] };
                // Shorter faces are padded by the fill value; -1, -999 and 999999 are met without being declared.
                if Some(value) == fill || value < base || (value == 999_999.0 && nodes < 999_999) {
                    continue;
                }
                let node = value - base;
                if node >= nodes as f64 || node.fract() != 0.0 {
                    return Err(self.malformed(format!(
                        "`{}` has node {value} in face {}, expected {base} to {} (start_index {base})",
                        variable.name,
                        face + 1,
                        nodes as f64 - 1.0 + base
                    )));
                }
                list.push(node as u32);
            }
            faces.push(list.iter().copied());
        }
        variables.push(variable.name.clone());
        Ok(Some(faces))
    }
}
