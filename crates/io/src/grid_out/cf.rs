//! CF coordinates, bounds and grid mapping of a grid.

use super::cells::{active_flags, areas, center_tables, padded_corners};
use super::tables::{Tables, layout_variable};
use crate::{GridLayout, LayoutData, LayoutVariable};
use knarr_field::{Attribute, Attributes, NumberType};
use knarr_grid::{Columns, Family, Grid, HealpixOrder, Layout, Projection, Rows};

/// Where a coordinate is not known: the default fill value of NetCDF.
const FILL: f64 = 9.969_209_968_386_869e36;

/// How `grid` appears in an output file: coordinates with bounds, and a grid mapping where there is one.
///
/// Dimensions are `lat, lon`; `rlat, rlon` about a rotated pole; `y, x` of projections and curvilinear grids; `cell`
/// for everything else. Rotated, projected and curvilinear grids have two-dimensional `lat` and `lon` besides;
/// HEALPix follows CF 1.13 and keeps `lat` and `lon` for programs that do not.
pub fn output_layout(grid: &Grid) -> GridLayout {
    match (&grid.family, &grid.layout) {
        (Family::RotatedLatLon { .. }, Layout::Rows(rows)) => rotated(grid, rows),
        (_, Layout::Rows(rows)) if matches!(rows.columns, Columns::Shared(_)) => lat_lon(rows),
        (Family::Projected(projection), _) => projected(grid, projection),
        (Family::Healpix { nside, order }, _) => healpix(grid, *nside, *order),
        _ => cells(grid),
    }
}

/// A file with the grid, its mask and its areas.
pub(super) fn tables(grid: &Grid) -> Tables {
    let layout = output_layout(grid);
    let horizontal: Vec<String> = layout.dims.iter().take(grid.shape.len()).map(|d| d.0.clone()).collect();
    let dims: Vec<&str> = horizontal.iter().map(String::as_str).collect();
    let mut mask = layout_variable(
        "cell_mask",
        &dims,
        LayoutData::I32(active_flags(grid)),
        &[("long_name", "whether the cell takes part"), ("flag_meanings", "inactive active")],
    );
    mask.attributes.set("flag_values", Attribute::Numbers(vec![0.0, 1.0], NumberType::I32));
    let areas = areas(grid);
    let mut area = layout_variable(
        "cell_area",
        &dims,
        LayoutData::F64(areas),
        &[("long_name", "area of the cell on the unit sphere"), ("units", "sr")],
    );
    for variable in [&mut mask, &mut area] {
        if let Some(coordinates) = &layout.coordinates {
            variable.attributes.set("coordinates", coordinates.as_str());
        }
        if let Some(mapping) = &layout.grid_mapping {
            variable.attributes.set("grid_mapping", mapping.as_str());
        }
        for (name, value) in layout.data_attributes.iter() {
            variable.attributes.set(name, value.clone());
        }
    }
    let mut tables = Tables { dims: layout.dims, variables: layout.variables, attributes: Attributes::new() };
    tables.attributes.set("Conventions", "CF-1.13");
    tables.attributes.set("title", format!("Grid: {}", grid.family));
    tables.variables.push(mask);
    if grid.has_corners() {
        tables.variables.push(area);
    }
    tables
}

/// An axis with bounds between the dimension and `bnds`.
fn axis(name: &str, centers: &[f64], bounds: &[[f64; 2]], attributes: &[(&str, &str)]) -> [LayoutVariable; 2] {
    let bounds_name = format!("{name}_bnds");
    let mut center = layout_variable(name, &[name], LayoutData::F64(centers.to_vec()), attributes);
    center.attributes.set("bounds", bounds_name.as_str());
    let bounds = layout_variable(&bounds_name, &[name, "bnds"], LayoutData::F64(bounds.as_flattened().to_vec()), &[]);
    [center, bounds]
}

const LON: [(&str, &str); 3] = [("standard_name", "longitude"), ("long_name", "longitude"), ("units", "degrees_east")];
const LAT: [(&str, &str); 3] = [("standard_name", "latitude"), ("long_name", "latitude"), ("units", "degrees_north")];

fn with_axis<'a>(attributes: &[(&'a str, &'a str)], letter: &'a str) -> Vec<(&'a str, &'a str)> {
    attributes.iter().copied().chain([("axis", letter)]).collect()
}

/// Centers and bounds along the rows.
fn columns(rows: &Rows) -> (&[f64], &[[f64; 2]]) {
    match &rows.columns {
        Columns::Shared(lon) => (&lon.centers_deg, &lon.bounds_deg),
        Columns::Reduced { .. } => (&[], &[]),
    }
}

fn lat_lon(rows: &Rows) -> GridLayout {
    let (lons, lon_bounds) = columns(rows);
    let mut variables = Vec::new();
    variables.extend(axis("lat", &rows.lats_deg, &rows.lat_bounds_deg, &with_axis(&LAT, "Y")));
    variables.extend(axis("lon", lons, lon_bounds, &with_axis(&LON, "X")));
    GridLayout {
        dims: vec![("lat".into(), rows.lats_deg.len()), ("lon".into(), lons.len()), ("bnds".into(), 2)],
        variables,
        coordinates: None,
        grid_mapping: None,
        data_attributes: Attributes::new(),
    }
}

fn rotated(grid: &Grid, rows: &Rows) -> GridLayout {
    let (lons, lon_bounds) = columns(rows);
    let lat_names = [("standard_name", "grid_latitude"), ("long_name", "latitude about the rotated pole"), ("units", "degrees")];
    let lon_names =
        [("standard_name", "grid_longitude"), ("long_name", "longitude about the rotated pole"), ("units", "degrees")];
    let mut variables = Vec::new();
    variables.extend(axis("rlat", &rows.lats_deg, &rows.lat_bounds_deg, &with_axis(&lat_names, "Y")));
    variables.extend(axis("rlon", lons, lon_bounds, &with_axis(&lon_names, "X")));
    variables.extend(places(grid, &["rlat", "rlon"]));
    let mut mapping = container("rotated_pole", "rotated_latitude_longitude");
    if let Family::RotatedLatLon { pole_lon_deg, pole_lat_deg, north_pole_grid_longitude_deg } = grid.family {
        mapping.attributes.set("grid_north_pole_latitude", pole_lat_deg);
        mapping.attributes.set("grid_north_pole_longitude", pole_lon_deg);
        mapping.attributes.set("north_pole_grid_longitude", north_pole_grid_longitude_deg);
    }
    variables.push(mapping);
    GridLayout {
        dims: vec![("rlat".into(), rows.lats_deg.len()), ("rlon".into(), lons.len()), ("bnds".into(), 2)],
        variables,
        coordinates: Some("lon lat".into()),
        grid_mapping: Some("rotated_pole".into()),
        data_attributes: Attributes::new(),
    }
}

fn projected(grid: &Grid, projection: &Projection) -> GridLayout {
    let x_names = [("standard_name", "projection_x_coordinate"), ("units", "m")];
    let y_names = [("standard_name", "projection_y_coordinate"), ("units", "m")];
    let mut variables = vec![
        layout_variable("y", &["y"], LayoutData::F64(projection.y.clone()), &with_axis(&y_names, "Y")),
        layout_variable("x", &["x"], LayoutData::F64(projection.x.clone()), &with_axis(&x_names, "X")),
    ];
    let vertices = places_with_vertices(grid, &["y", "x"], &mut variables);
    let mut mapping = container("crs", &projection.name);
    for (name, values) in &projection.parameters {
        mapping.attributes.set(name.as_str(), values.clone());
    }
    variables.push(mapping);
    GridLayout {
        dims: vec![("y".into(), projection.y.len()), ("x".into(), projection.x.len()), ("vertices".into(), vertices)],
        variables,
        coordinates: Some("lon lat".into()),
        grid_mapping: Some("crs".into()),
        data_attributes: Attributes::new(),
    }
}

fn healpix(grid: &Grid, nside: usize, order: HealpixOrder) -> GridLayout {
    let mut layout = cells(grid);
    let mut mapping = container("healpix", "healpix");
    if nside.is_power_of_two() {
        mapping.attributes.set("refinement_level", nside.trailing_zeros() as i32);
    } else {
        mapping.attributes.set("healpix_nside", nside as i32);
    }
    let scheme = match order {
        HealpixOrder::Nested => "nested",
        HealpixOrder::Ring => "ring",
    };
    mapping.attributes.set("indexing_scheme", scheme);
    layout.variables.push(mapping);
    layout.grid_mapping = Some("healpix".into());
    layout
}

/// Curvilinear grids, and single cells along as many dimensions as the grid has.
fn cells(grid: &Grid) -> GridLayout {
    let names: &[&str] = match grid.shape.len() {
        1 => &["cell"],
        2 => &["y", "x"],
        _ => &["tile", "y", "x"],
    };
    let mut dims: Vec<(String, usize)> = names.iter().zip(&grid.shape).map(|(n, &len)| ((*n).to_owned(), len)).collect();
    let mut variables = Vec::new();
    if grid.has_corners() {
        let width = places_with_vertices(grid, names, &mut variables);
        dims.push(("vertices".into(), width));
    } else {
        variables.extend(places(grid, names));
    }
    let mut data_attributes = Attributes::new();
    if names.len() == 1 {
        // CDO takes one-dimensional cells for stations without it.
        data_attributes.set("CDI_grid_type", "unstructured");
    }
    GridLayout { dims, variables, coordinates: Some("lon lat".into()), grid_mapping: None, data_attributes }
}

fn container(name: &str, grid_mapping_name: &str) -> LayoutVariable {
    layout_variable(name, &[], LayoutData::None, &[("grid_mapping_name", grid_mapping_name)])
}

/// `lat` and `lon` of every cell.
fn places(grid: &Grid, dims: &[&str]) -> [LayoutVariable; 2] {
    let (lons, lats) = center_tables(grid);
    [filled("lat", dims, lats, &LAT), filled("lon", dims, lons, &LON)]
}

/// `lat` and `lon` with their vertices; gives the number of vertices.
fn places_with_vertices(grid: &Grid, dims: &[&str], variables: &mut Vec<LayoutVariable>) -> usize {
    let corners = padded_corners(grid);
    let mut vertex_dims = dims.to_vec();
    vertex_dims.push("vertices");
    let [mut lat, mut lon] = places(grid, dims);
    lat.attributes.set("bounds", "lat_vertices");
    lon.attributes.set("bounds", "lon_vertices");
    variables.extend([
        lat,
        filled("lat_vertices", &vertex_dims, corners.lats, &[]),
        lon,
        filled("lon_vertices", &vertex_dims, corners.lons, &[]),
    ]);
    corners.width
}

/// A variable whose unknown values are declared missing.
fn filled(name: &str, dims: &[&str], mut values: Vec<f64>, attributes: &[(&str, &str)]) -> LayoutVariable {
    let unknown = values.iter().any(|v| !v.is_finite());
    if unknown {
        values.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = FILL);
    }
    let mut variable = layout_variable(name, dims, LayoutData::F64(values), attributes);
    if unknown {
        variable.attributes.set("_FillValue", FILL);
    }
    variable
}
