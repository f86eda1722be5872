//! ESMF unstructured mesh files.

use super::cells::{active_flags, areas, centers, known};
use super::faces::faces;
use super::tables::Tables;
use knarr_field::{Attribute, NumberType};
use knarr_grid::Grid;

pub(super) fn tables(grid: &Grid) -> Tables {
    let faces = faces(grid);
    let mut tables = Tables::default();
    tables.attributes.set("gridType", "unstructured");
    tables.attributes.set("version", "0.9");
    tables.attributes.set("title", format!("Grid: {}", grid.family));
    tables.dim("nodeCount", faces.nodes.len());
    tables.dim("elementCount", faces.faces.len());
    tables.dim("maxNodePElement", faces.width);
    tables.dim("coordDim", 2);
    let nodes = faces.nodes.iter().flat_map(|n| [n.lon_deg, n.lat_deg]).collect();
    tables.numbers("nodeCoords", &["nodeCount", "coordDim"], nodes, &[("units", "degrees")]);
    tables.integers(
        "elementConn",
        &["elementCount", "maxNodePElement"],
        faces.table(1),
        &[("long_name", "nodes of the element")],
    );
    if let Some(connectivity) = tables.variables.last_mut() {
        connectivity.attributes.set("start_index", 1);
        connectivity.attributes.set("_FillValue", Attribute::Numbers(vec![-1.0], NumberType::I32));
    }
    let counts = faces.faces.iter().map(|f| f.len() as i32).collect();
    tables.integers("numElementConn", &["elementCount"], counts, &[("long_name", "number of nodes of the element")]);
    let places = known(centers(grid).into_iter().flat_map(|c| [c.lon_deg, c.lat_deg]).collect());
    tables.numbers("centerCoords", &["elementCount", "coordDim"], places, &[("units", "degrees")]);
    let areas = areas(grid);
    tables.numbers("elementArea", &["elementCount"], areas, &[("units", "radians^2")]);
    tables.integers("elementMask", &["elementCount"], active_flags(grid), &[("long_name", "1 = active")]);
    tables
}
