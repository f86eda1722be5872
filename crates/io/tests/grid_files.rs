//! Grids written and read back in every format: the same centers, areas and masks.

use knarr_grid::{CornerLists, Detail, Family, Grid, Layout, LonLat, Mask, Offsets};
use knarr_io::{GridFormat, IoError, grid_from_argument, read_grid_file, write_grid};
use knarr_kernels::cell_area::polygon_area;
use knarr_kernels::sphere::distance;
use knarr_regrid::{content_hash, hash_of};
use std::path::Path;
use std::sync::Arc;

const SPECS: [&str; 16] = [
    "r36x18",
    "10",
    "ll:-150,20,2,1,40,28",
    "ll:170,-30,2.5,2.5,16,12",
    "F12",
    "N32",
    "O12",
    "H4",
    "H8n",
    "H3",
    "CS6",
    "ICO5",
    "ICO5d",
    "rot:-162,39.25,-28,-23,2,1.5,20,30",
    "ps:lat_ts=60,lon_0=-111,dx=150000,nx=30,ny=25",
    "lcc:lat_1=50,lat_2=55,lon_0=-107,dx=100000,nx=30,ny=20",
];

const FORMATS: [GridFormat; 4] = [GridFormat::Cf, GridFormat::Scrip, GridFormat::Ugrid, GridFormat::Esmf];

fn grid(spec: &str) -> Grid {
    Grid::from_spec(spec).unwrap_or_else(|e| panic!("{spec}: {e}"))
}

/// The grid with every seventh cell switched off.
fn masked(grid: Grid) -> Grid {
    let active = (0..grid.len()).map(|c| c % 7 != 3).collect();
    grid.masked_by(&Mask::from_active(active))
}

/// Largest differences of centers (radians) and of areas (relative to the mean cell), and whether masks agree.
fn differences(written: &Grid, read: &Grid) -> (f64, f64, bool) {
    assert_eq!(written.len(), read.len());
    // A mesh file turns parallels into great circles: that is what it has to give back.
    let as_rows = matches!(read.layout, Layout::Rows(_));
    let expected = |c: usize| if as_rows { written.area(c) } else { polygon_area(&written.corners(c)) };
    let mean = (0..written.len()).map(expected).sum::<f64>() / written.len() as f64;
    let (mut centers, mut areas, mut masks) = (0.0f64, 0.0f64, true);
    for c in 0..written.len() {
        centers = centers.max(distance(written.center(c).unit(), read.center(c).unit()));
        areas = areas.max((expected(c) - read.area(c)).abs() / mean);
        masks &= written.mask.is_active(c) == read.mask.is_active(c);
    }
    (centers, areas, masks)
}

#[test]
fn grids_return_from_files_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    for spec in SPECS {
        let written = masked(grid(spec));
        for format in FORMATS {
            let path = folder.path().join("grid.nc");
            write_grid(&written, &path, format, true).unwrap_or_else(|e| panic!("{spec} {format:?}: {e}"));
            let found = read_grid_file(&path, None, Detail::Cells).unwrap_or_else(|e| panic!("{spec} {format:?}: {e}"));
            let (centers, areas, masks) = differences(&written, &found.grid);
            // Angles of up to 360 degrees round to 3e-14 degrees, 5e-16 rad, once or twice on the way; cells here are
            // 0.04 to 0.3 rad wide, so that areas change by 1e-14 of a cell, times the flatness of a sliver.
            assert!(centers < 2e-15, "{spec} {format:?}: centers {centers:.1e}");
            assert!(areas < 1e-12, "{spec} {format:?}: areas {areas:.1e}");
            assert!(masks, "{spec} {format:?}: masks differ");
            if format == GridFormat::Cf {
                let (a, b) = (written.family.to_string(), found.grid.family.to_string());
                let keeps = !spec.starts_with("CS") && !spec.starts_with("ICO");
                assert!(!keeps || a == b, "{spec}: {a} came back as {b}");
                assert_eq!(written.shape, found.grid.shape, "{spec}");
                assert_eq!(found.dims.len(), found.grid.shape.len(), "{spec}");
            }
        }
    }
}

/// Cells by their centers against whole cells of the same file.
fn check_by_centers(path: &Path, what: &str) -> Grid {
    let read = |detail| read_grid_file(path, None, detail).unwrap_or_else(|e| panic!("{what}: {e}")).grid;
    let (whole, by_centers) = (read(Detail::Cells), read(Detail::Centers));
    assert_eq!((&whole.shape, &whole.mask), (&by_centers.shape, &by_centers.mask), "{what}");
    assert!((0..whole.len()).all(|c| whole.center(c) == by_centers.center(c)), "{what}: centers differ");
    let hashes = [&whole, &by_centers].map(|grid| hash_of(grid, &grid.mask, Detail::Centers));
    assert_eq!(hashes[0], hashes[1], "{what}");
    assert_ne!(hash_of(&by_centers, &Mask::ALL, Detail::Centers), hashes[1], "{what}: the mask counts");
    // Neighbours are told by rows and columns, or by corners.
    let neighbours = read(Detail::Neighbours);
    let expected = if neighbours.family == Family::Curvilinear { &by_centers } else { &whole };
    assert_eq!(content_hash(&neighbours), content_hash(expected), "{what}: neighbours");
    let hashes = [&whole, &neighbours].map(|grid| hash_of(grid, &grid.mask, Detail::Neighbours));
    assert_eq!(hashes[0], hashes[1], "{what}: neighbours");
    Arc::unwrap_or_clone(by_centers)
}

#[test]
fn cells_by_their_centers_are_where_the_whole_ones_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("grid.nc");
    for spec in SPECS {
        for format in FORMATS {
            write_grid(&masked(grid(spec)), &path, format, true).expect("written");
            let found = check_by_centers(&path, &format!("{spec} {format:?}"));
            let is_mesh = spec.starts_with("CS") || spec.starts_with("ICO");
            assert!(!is_mesh || matches!(found.layout, Layout::Points { .. }), "{spec} {format:?}: corners were read");
        }
    }
    // Rows and columns that no axes give.
    let bent = |c: usize| LonLat { lon_deg: (c % 12) as f64 * 30.0 + (c / 12) as f64, lat_deg: (c / 12) as f64 * 8.0 - 30.0 };
    let curvilinear = Grid::curvilinear([9, 12], (0..108).map(bent).collect(), None).expect("a grid");
    for format in [GridFormat::Cf, GridFormat::Scrip] {
        write_grid(&masked(curvilinear.clone()), &path, format, true).expect("written");
        let found = check_by_centers(&path, &format!("curvilinear {format:?}"));
        assert!(matches!(found.layout, Layout::Points { .. }), "{format:?}");
    }
}

#[test]
fn neighbours_in_one_row_alone_are_known_by_corners() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mesh.nc");
    let mesh = grid("CS6");
    let polygons = mesh.polygons().expect("cells");
    let corner = |&v: &u32| LonLat::from_unit(polygons.vertices[v as usize]);
    let corners = (0..mesh.len()).flat_map(|cell| polygons.cell(cell).iter().map(corner));
    let lists = CornerLists { corners: corners.collect(), offsets: Offsets::Uniform(4) };
    let centers = (0..mesh.len()).map(|c| mesh.center(c)).collect();
    let in_a_row = Grid::curvilinear([1, mesh.len()], centers, Some(lists)).expect("a grid");
    write_grid(&in_a_row, &path, GridFormat::Cf, true).expect("written");
    let read = |detail| read_grid_file(&path, None, detail).expect("a grid").grid;
    let (whole, neighbours) = (read(Detail::Cells), read(Detail::Neighbours));
    assert_eq!((&whole.family, &whole.shape[..]), (&Family::Curvilinear, &[1, mesh.len()][..]));
    assert!(neighbours.has_corners());
    assert_eq!(content_hash(&neighbours), content_hash(&whole));
    let known = |grid: &Grid| hash_of(grid, &grid.mask, Detail::Neighbours);
    assert_eq!(known(&neighbours), known(&whole));
    assert_ne!(known(&whole), known(&read(Detail::Centers)), "neighbours of these are others");
}

#[test]
fn the_comparison_sees_a_shifted_cell() {
    let (a, b) = (grid("r36x18"), grid("ll:5.0001,-85,10,10,36,18"));
    let (centers, _, _) = differences(&a, &b);
    assert!(centers > 1e-6);
    let (_, areas, _) = differences(&grid("F12"), &grid("ll:0,-86,7.5,7.47,48,24"));
    assert!(areas > 1e-3, "{areas}");
    let (_, _, masks) = differences(&a, &masked(a.clone()));
    assert!(!masks);
}

#[test]
fn points_have_no_mesh_but_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let centers: Vec<_> = (0..50).map(|c| grid("H4").center(c)).collect();
    let points = Grid::points(centers).expect("points");
    for format in [GridFormat::Cf, GridFormat::Scrip] {
        let path = folder.path().join("points.nc");
        write_grid(&points, &path, format, true).expect("written");
        let found = read_grid_file(&path, None, Detail::Cells).expect("a grid").grid;
        assert!(!found.has_corners());
        assert_eq!(found.len(), 50);
        assert_eq!(found.center(17), points.center(17));
    }
    for format in [GridFormat::Ugrid, GridFormat::Esmf] {
        let error = write_grid(&points, &folder.path().join("mesh.nc"), format, false).expect_err("no cells");
        assert!(error.to_string().contains("without corners"), "{error}");
        assert!(!folder.path().join("mesh.nc").exists());
    }
}

#[test]
fn grid_files_are_kept_and_the_same_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let (a, b) = (folder.path().join("a.nc"), folder.path().join("b.nc"));
    for format in FORMATS {
        write_grid(&grid("H4n"), &a, format, true).expect("written");
        write_grid(&grid("H4n"), &b, format, true).expect("written");
        assert!(std::fs::read(&a).expect("a") == std::fs::read(&b).expect("b"), "{format:?}");
        assert!(matches!(write_grid(&grid("H4n"), &a, format, false), Err(IoError::Exists { .. })));
    }
}

#[test]
fn the_argument_is_a_file_or_a_specification() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("grid.nc");
    write_grid(&grid("F12"), &path, GridFormat::Cf, false).expect("written");
    let text = path.to_str().expect("a path of characters");
    assert_eq!(grid_from_argument(text, Detail::Cells).expect("a grid").len(), 24 * 48);
    assert_eq!(grid_from_argument(&format!("{text}:cell_area"), Detail::Cells).expect("a grid").len(), 24 * 48);
    assert_eq!(grid_from_argument("H4n", Detail::Cells).expect("a grid").len(), 192);
    assert!(
        matches!(grid_from_argument(&format!("{text}:cell_araa"), Detail::Cells), Err(IoError::NoVariable { near, .. }) if near[0] == "cell_area")
    );
    assert!(matches!(grid_from_argument("no/such.nc", Detail::Cells), Err(IoError::NotFound { .. })));
    assert!(
        matches!(grid_from_argument("no/such.nc:tas", Detail::Cells), Err(IoError::NotFound { path }) if path == Path::new("no/such.nc"))
    );
    assert!(matches!(grid_from_argument("H9x", Detail::Cells), Err(IoError::UnknownGrid { .. })));
}
