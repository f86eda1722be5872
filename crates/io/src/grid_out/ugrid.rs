//! UGRID meshes.

use super::cells::{active_flags, center_tables, known};
use super::faces::faces;
use super::tables::Tables;
use crate::LayoutData;
use knarr_field::{Attribute, NumberType};
use knarr_grid::Grid;

pub(super) fn tables(grid: &Grid) -> Tables {
    let faces = faces(grid);
    let mut tables = Tables::default();
    tables.attributes.set("Conventions", "CF-1.13 UGRID-1.0");
    tables.attributes.set("title", format!("Grid: {}", grid.family));
    tables.dim("node", faces.nodes.len());
    tables.dim("face", faces.faces.len());
    tables.dim("max_face_nodes", faces.width);
    tables.variable(
        "mesh",
        &[],
        LayoutData::None,
        &[
            ("cf_role", "mesh_topology"),
            ("node_coordinates", "node_lon node_lat"),
            ("face_node_connectivity", "face_nodes"),
            ("face_coordinates", "face_lon face_lat"),
            ("face_dimension", "face"),
        ],
    );
    if let Some(mesh) = tables.variables.last_mut() {
        mesh.attributes.set("topology_dimension", 2);
    }
    let east = [("standard_name", "longitude"), ("units", "degrees_east")];
    let north = [("standard_name", "latitude"), ("units", "degrees_north")];
    tables.numbers("node_lon", &["node"], faces.nodes.iter().map(|n| n.lon_deg).collect(), &east);
    tables.numbers("node_lat", &["node"], faces.nodes.iter().map(|n| n.lat_deg).collect(), &north);
    tables.integers("face_nodes", &["face", "max_face_nodes"], faces.table(0), &[("cf_role", "face_node_connectivity")]);
    if let Some(connectivity) = tables.variables.last_mut() {
        connectivity.attributes.set("start_index", 0);
        connectivity.attributes.set("_FillValue", Attribute::Numbers(vec![-1.0], NumberType::I32));
    }
    let (lons, lats) = center_tables(grid);
    tables.numbers("face_lon", &["face"], known(lons), &east);
    tables.numbers("face_lat", &["face"], known(lats), &north);
    tables.integers(
        "cell_mask",
        &["face"],
        active_flags(grid),
        &[
            ("long_name", "whether the cell takes part"),
            ("flag_meanings", "inactive active"),
            ("mesh", "mesh"),
            ("location", "face"),
            ("coordinates", "face_lon face_lat"),
        ],
    );
    if let Some(mask) = tables.variables.last_mut() {
        mask.attributes.set("flag_values", Attribute::Numbers(vec![0.0, 1.0], NumberType::I32));
    }
    tables
}
