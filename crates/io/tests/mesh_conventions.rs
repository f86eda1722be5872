//! Meshes told from the conventions of files: UGRID, ESMF, ICON.

mod case;

use case::{Attributes, Case, Data, grid_of, noted, read, t};
use knarr_grid::{Detail, Family, Grid};
use knarr_io::{read_grid_file, read_grid_matching};
use netcdf::AttributeValue;
use std::path::PathBuf;

/// Longitudes and latitudes of a specification's centers, in degrees or radians.
fn places(spec: &str, unit: f64) -> (Vec<f64>, Vec<f64>) {
    let grid = Grid::from_spec(spec).expect("a specification");
    (0..grid.len()).map(|c| grid.center(c)).map(|p| (p.lon_deg * unit, p.lat_deg * unit)).unzip()
}

#[test]
fn shifted_cells_are_points_and_icon_vertices_make_a_mesh() {
    let case = Case::new();
    let (mut lons, lats) = places("O12", 1.0);
    lons.iter_mut().for_each(|l| *l += 0.5);
    let n = lons.len();
    let file = case.file(
        "points.nc",
        &[("i", n)],
        &[
            ("lon", &["i"], Data::F64(lons), &[("units", t("degrees_east"))]),
            ("lat", &["i"], Data::F64(lats), &[("units", t("degrees_north"))]),
            ("v", &["i"], Data::F32(vec![0.0; n]), &[]),
        ],
    );
    assert_eq!(grid_of(&file, "v").grid.family, Family::Points);

    let octant = std::f64::consts::FRAC_PI_2;
    let file = case.file(
        "icon.nc",
        &[("cell", 2), ("nv", 3)],
        &[
            (
                "clon",
                &["cell"],
                Data::F64(vec![octant / 2.0, 1.5 * octant]),
                &[("units", t("radian")), ("bounds", t("clon_vertices"))],
            ),
            ("clat", &["cell"], Data::F64(vec![0.6, 0.6]), &[("units", t("radian")), ("bounds", t("clat_vertices"))]),
            // The second one turns clockwise.
            ("clon_vertices", &["cell", "nv"], Data::F64(vec![0.0, octant, 0.0, octant, octant, 2.0 * octant]), &[]),
            ("clat_vertices", &["cell", "nv"], Data::F64(vec![0.0, 0.0, octant, 0.0, octant, 0.0]), &[]),
            ("v", &["cell"], Data::F32(vec![0.0; 2]), &[("coordinates", t("clat clon"))]),
        ],
    );
    let found = grid_of(&file, "v");
    assert_eq!((found.grid.family.clone(), found.coordinate_variables.len()), (Family::Mesh, 4));
    for cell in 0..2 {
        assert!((found.grid.area(cell) - octant).abs() < 1e-14, "an octant is an eighth of 4π");
    }
}

/// A prism around the globe: two triangles about the poles, three quadrangles about the equator.
const NODES: ([f64; 6], [f64; 6]) = ([0.0, 120.0, 240.0, 0.0, 120.0, 240.0], [40.0, 40.0, 40.0, -40.0, -40.0, -40.0]);
const FACES: [[i32; 4]; 5] = [[1, 2, 3, -999], [6, 5, 4, -999], [4, 5, 2, 1], [5, 6, 3, 2], [6, 4, 1, 3]];

fn ugrid(case: &Case, name: &str, transposed: bool, faces: &[[i32; 4]], with_mesh: bool) -> PathBuf {
    let n = faces.len();
    let table: Vec<i32> =
        if transposed { (0..4).flat_map(|k| faces.iter().map(move |f| f[k])).collect() } else { faces.concat() };
    let topology: Attributes<'_> = &[
        ("cf_role", t("mesh_topology")),
        ("topology_dimension", AttributeValue::Int(2)),
        ("node_coordinates", t("node_x node_y")),
        ("face_node_connectivity", t("face_nodes")),
        ("face_dimension", t("nface")),
    ];
    let dims: &[&str] = if transposed { &["four", "nface"] } else { &["nface", "four"] };
    let on = |location: &str| [("mesh", t("mesh2d")), ("location", t(location))];
    let (face, node) = (on("face"), on("node"));
    let east: Attributes<'_> = &[("standard_name", t("longitude")), ("units", t("degrees_east"))];
    let north: Attributes<'_> = &[("standard_name", t("latitude")), ("units", t("degrees_north"))];
    let from_one: Attributes<'_> = &[("start_index", AttributeValue::Int(1))];
    let mut variables: Vec<(&str, &[&str], Data, Attributes<'_>)> = Vec::new();
    if with_mesh {
        variables.push(("mesh2d", &[], Data::I32(vec![0]), topology));
        variables.push(("node_x", &["nnode"], Data::F64(NODES.0.to_vec()), east));
        variables.push(("node_y", &["nnode"], Data::F64(NODES.1.to_vec()), north));
        variables.push(("face_nodes", dims, Data::I32(table), from_one));
    }
    variables.push(("on_faces", &["nface"], Data::F64(vec![0.0; n]), &face));
    variables.push(("on_nodes", &["nnode"], Data::F64(vec![0.0; 6]), &node));
    case.file(name, &[("nface", n), ("nnode", 6), ("four", 4)], &variables)
}

#[test]
fn ugrid_faces_and_nodes_in_either_orientation() {
    let case = Case::new();
    for transposed in [false, true] {
        let file = ugrid(&case, "mesh.nc", transposed, &FACES, true);
        let faces = grid_of(&file, "on_faces");
        assert_eq!((faces.grid.len(), faces.dims[0].as_str()), (5, "nface"));
        assert!((faces.grid.covered_fraction() - 1.0).abs() < 1e-14, "{transposed}");
        let area = |cell| faces.grid.area(cell);
        assert!((area(0) / area(1) - 1.0).abs() < 1e-13 && (area(2) / area(4) - 1.0).abs() < 1e-13, "a prism is symmetric");
        assert_eq!(faces.coordinate_variables, ["face_nodes", "mesh2d", "node_x", "node_y"]);
        let nodes = grid_of(&file, "on_nodes");
        assert_eq!((nodes.grid.len(), nodes.dims[0].as_str()), (6, "nnode"));
        assert!((nodes.grid.covered_fraction() - 1.0).abs() < 1e-12);
    }
    let mut bad = FACES;
    bad[2][1] = 7;
    let error = read(&ugrid(&case, "bad.nc", false, &bad, true), "on_faces").expect_err("no node 7").to_string();
    assert!(error.contains("node 7 in face 3, expected 1 to 6"), "{error}");
}

#[test]
fn a_mesh_in_a_file_beside_is_found_and_can_be_named() {
    let case = Case::new();
    let data = ugrid(&case, "data.nc", false, &FACES, false);
    let error = read(&data, "on_faces").expect_err("no mesh yet").to_string();
    assert!(error.contains("mesh `mesh2d` is neither in the file nor"), "{error}");
    let mesh = ugrid(&case, "mesh.nc", true, &FACES, true);
    let found = grid_of(&data, "on_faces");
    assert!(noted(&found, "taken from `mesh.nc`") && found.coordinate_variables.is_empty());
    // Named with other names of dimensions: the lengths decide between faces and nodes.
    for (len, cells) in [(5, 5), (6, 6)] {
        let found = read_grid_matching(&mesh, &[("time".into(), 3), ("other".into(), len)]).expect("a grid");
        assert_eq!((found.grid.len(), found.dims[0].as_str()), (cells, "other"));
    }
    let error = read_grid_matching(&mesh, &[("other".into(), 8)]).expect_err("8 of nothing").to_string();
    assert!(error.contains("has 5 cells") && error.contains("has 6 cells"), "{error}");
}

#[test]
fn esmf_connections_come_as_a_table_or_a_list() {
    let case = Case::new();
    let coordinates = Data::F64(NODES.0.iter().zip(NODES.1).flat_map(|(&lon, lat)| [lon, lat]).collect());
    let list: Vec<i32> = FACES.iter().flatten().filter(|&&n| n > 0).map(|n| n - 1).collect();
    let counts = Data::I32(FACES.iter().map(|f| f.iter().filter(|&&n| n > 0).count() as i32).collect());
    let degrees: Attributes<'_> = &[("units", t("degrees"))];
    let from_zero: Attributes<'_> = &[("start_index", AttributeValue::Int(0))];
    let table = case.file(
        "table.nc",
        &[("nodeCount", 6), ("elementCount", 5), ("max", 4), ("two", 2)],
        &[
            ("nodeCoords", &["nodeCount", "two"], coordinates.clone(), degrees),
            ("elementConn", &["elementCount", "max"], Data::I32(FACES.concat()), &[]),
            ("numElementConn", &["elementCount"], counts.clone(), &[]),
            ("elementMask", &["elementCount"], Data::I32(vec![1, 1, 0, 1, 1]), &[]),
        ],
    );
    let ragged = case.file(
        "list.nc",
        &[("nodeCount", 6), ("elementCount", 5), ("all", list.len()), ("two", 2)],
        &[
            ("nodeCoords", &["nodeCount", "two"], coordinates, degrees),
            ("elementConn", &["all"], Data::I32(list), from_zero),
            ("numElementConn", &["elementCount"], counts, &[]),
        ],
    );
    let (table, ragged) = (
        read_grid_file(&table, None, Detail::Cells).expect("a grid").grid,
        read_grid_file(&ragged, None, Detail::Cells).expect("a grid").grid,
    );
    assert_eq!((table.active_count(), table.mask.is_active(2), ragged.active_count()), (4, false, 5));
    assert!((ragged.covered_fraction() - 1.0).abs() < 1e-14);
    assert!((0..5).all(|c| (table.area(c) - ragged.area(c)).abs() < 1e-15));
}
