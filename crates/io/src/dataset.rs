//! A file as a set of variables with parts to play.

use crate::IoError;
use crate::nc::{self, ValueType, Variable};
use knarr_field::Attributes;
use std::collections::HashMap;
use std::path::Path;

/// The part a variable plays in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Values of interest.
    Data,
    /// Values about other values (`ancillary_variables`): flags, errors, counts.
    Ancillary,
    /// A coordinate: of a dimension, named in a `coordinates` attribute, or a geographic longitude or latitude.
    Coordinate,
    /// Bounds of a coordinate.
    Bounds,
    /// A container of projection parameters.
    GridMapping,
    /// Topology of an unstructured mesh, its nodes and connections.
    Mesh,
    /// Areas or volumes of cells.
    CellMeasure,
    /// A term of a vertical coordinate's formula that is not a field of interest of its own.
    FormulaTerm,
    /// Characters or strings.
    Text,
    /// A type that is not read.
    Unreadable,
}

/// A variable and the part it plays.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableInfo {
    /// Its name, with its group's path.
    pub name: String,
    /// Its dimensions, slowest first: name and length.
    pub dims: Vec<(String, usize)>,
    /// Type of its values.
    pub dtype: ValueType,
    /// Its attributes.
    pub attributes: Attributes,
    /// The part it plays.
    pub role: Role,
}

impl VariableInfo {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.dims.iter().map(|(_, len)| len).product()
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An open file with its variables sorted out.
#[derive(Debug)]
pub struct Dataset {
    file: nc::File,
    variables: Vec<VariableInfo>,
}

impl Dataset {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`nc::File::open`].
    pub fn open(path: &Path) -> Result<Self, IoError> {
        let file = nc::File::open(path)?;
        let roles = roles(&file);
        let variables = file
            .variables()
            .iter()
            .map(|v| VariableInfo {
                name: v.name.clone(),
                dims: v.dims.iter().map(|d| (d.name.clone(), d.len)).collect(),
                dtype: v.value_type.clone(),
                attributes: v.attributes.clone(),
                role: roles.get(v.name.as_str()).copied().unwrap_or(Role::Data),
            })
            .collect();
        Ok(Self { file, variables })
    }

    /// The file behind it.
    pub fn file(&self) -> &nc::File {
        &self.file
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// All variables in the order of the file.
    pub fn variables(&self) -> &[VariableInfo] {
        &self.variables
    }

    /// The variable of that name.
    ///
    /// # Errors
    /// [`IoError::NoVariable`] with names that look alike.
    pub fn variable(&self, name: &str) -> Result<&VariableInfo, IoError> {
        self.variables.iter().find(|v| v.name == name).ok_or_else(|| IoError::NoVariable {
            path: self.path().to_owned(),
            name: name.to_owned(),
            near: knarr_field::near(name, self.variables.iter().map(|v| v.name.as_str())),
        })
    }
}

/// Attributes of a mesh topology that name other variables.
const MESH_LINKS: [&str; 10] = [
    "node_coordinates",
    "edge_coordinates",
    "face_coordinates",
    "face_node_connectivity",
    "edge_node_connectivity",
    "face_edge_connectivity",
    "face_face_connectivity",
    "edge_face_connectivity",
    "boundary_node_connectivity",
    "volume_node_connectivity",
];

/// Names an attribute lists: `"lon lat"`, `"area: areacello volume: volcello"`, `"crs: x y"`; keys are left out.
pub fn listed_names(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| !word.ends_with(':'))
}

fn roles(file: &nc::File) -> HashMap<&str, Role> {
    let mut roles: HashMap<&str, Role> = HashMap::new();
    for v in file.variables() {
        let own_role = match &v.value_type {
            ValueType::Char | ValueType::String if v.attributes.contains("grid_mapping_name") => Role::GridMapping,
            ValueType::Char | ValueType::String => Role::Text,
            ValueType::Other(_) => Role::Unreadable,
            ValueType::Number(_) => role_by_itself(v),
        };
        if own_role != Role::Data {
            roles.insert(&v.name, own_role);
        }
    }
    for v in file.variables() {
        for (attribute, value) in v.attributes.iter() {
            let Some(text) = value.text() else { continue };
            let role = match attribute {
                "coordinates" => Role::Coordinate,
                "bounds" | "climatology" => Role::Bounds,
                "grid_mapping" => Role::GridMapping,
                "ancillary_variables" => Role::Ancillary,
                "cell_measures" => Role::CellMeasure,
                "mesh" => Role::Mesh,
                "formula_terms" => Role::FormulaTerm,
                link if MESH_LINKS.contains(&link) => Role::Mesh,
                _ => continue,
            };
            for name in referenced(attribute, text) {
                let Some(target) = file.find_from(&v.name, name) else { continue };
                let numeric = target.value_type.number().is_some() || role == Role::GridMapping;
                // A surface pressure or orography is a field, a hybrid coefficient is not.
                let is_field = role == Role::FormulaTerm && target.dims.len() > 1;
                if !numeric || is_field || target.name == v.name {
                    continue;
                }
                let known = roles.entry(&target.name).or_insert(role);
                // Longitudes and latitudes of a mesh's nodes and edges are of use to the mesh alone.
                if role == Role::Mesh {
                    *known = role;
                }
            }
        }
    }
    roles
}

fn referenced<'a>(attribute: &str, text: &'a str) -> Vec<&'a str> {
    if attribute == "grid_mapping" && text.contains(':') {
        // Extended form "crs: x y": the mappings are the keys.
        return text.split_whitespace().filter_map(|word| word.strip_suffix(':')).collect();
    }
    listed_names(text).collect()
}

fn role_by_itself(v: &Variable) -> Role {
    let a = &v.attributes;
    let plain = v.name.rsplit('/').next().unwrap_or(&v.name);
    if a.contains("grid_mapping_name") {
        return Role::GridMapping;
    }
    if matches!(a.text("cf_role"), Some(role) if role.contains("connectivity") || role == "mesh_topology") {
        return Role::Mesh;
    }
    let own_dimension = v.dims.len() == 1 && v.dims[0].name == v.name;
    let geographic = is_geographic(a, plain);
    let axis = v.dims.len() <= 1 && (a.contains("axis") || a.contains("positive"));
    let time = v.dims.len() <= 1 && a.text("units").is_some_and(|u| u.contains(" since "));
    if own_dimension || geographic || axis || time { Role::Coordinate } else { Role::Data }
}

/// Whether attributes say longitude or latitude, in the words of CF.
fn is_geographic(attributes: &Attributes, name: &str) -> bool {
    let standard = matches!(
        attributes.text("standard_name"),
        Some(
            "longitude" | "latitude" | "grid_longitude" | "grid_latitude" | "projection_x_coordinate" | "projection_y_coordinate"
        )
    );
    let units = matches!(
        attributes.text("units"),
        Some(
            "degrees_north"
                | "degree_north"
                | "degree_N"
                | "degrees_N"
                | "degreeN"
                | "degreesN"
                | "degrees_east"
                | "degree_east"
                | "degree_E"
                | "degrees_E"
                | "degreeE"
                | "degreesE"
        )
    );
    let named = matches!(name, "lon" | "lat" | "nav_lon" | "nav_lat" | "longitude" | "latitude");
    standard || units || named
}
