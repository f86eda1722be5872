//! Grids that the tests of point methods share, written down apart from the library's constructors.
#![allow(dead_code, reason = "each test program uses some of them")]

use knarr_grid::{Columns, CornerSource, Family, Grid, HealpixOrder, Layout, LonAxis, LonLat, Mask, Polygons, Report, Rows};
use knarr_kernels::sphere::{Rotation, UnitVector, add, normalize, scale, unit_vector};
use std::f64::consts::PI;

pub fn grid(family: Family, shape: Vec<usize>, layout: Layout) -> Grid {
    Grid { family, shape, layout, mask: Mask::ALL, report: Report::new("test", CornerSource::Formula) }
}

/// Global lat-lon with cell edges from `west`; rows from the south.
pub fn lat_lon(nlon: usize, nlat: usize, west: f64) -> Grid {
    let (dlon, dlat) = (360.0 / nlon as f64, 180.0 / nlat as f64);
    let lats = (0..nlat).map(|j| -90.0 + dlat * (j as f64 + 0.5)).collect();
    region(west + 0.5 * dlon, dlon, nlon, lats, 0.5 * dlat, None)
}

/// Pole rows as points, rows from the north, the way many reanalyses come.
pub fn with_pole_rows(nlon: usize, intervals: usize) -> Grid {
    let dlat = 180.0 / intervals as f64;
    let lats = (0..=intervals).map(|j| 90.0 - dlat * j as f64).collect();
    region(0.0, 360.0 / nlon as f64, nlon, lats, 0.5 * dlat, None)
}

/// Rows and columns about any pole; bounds half a step around the centers, within the poles.
pub fn region(first: f64, step: f64, nlon: usize, lats: Vec<f64>, half: f64, rotation: Option<Rotation>) -> Grid {
    let centers: Vec<f64> = (0..nlon).map(|i| first + step * i as f64).collect();
    let rows = Rows {
        rotation,
        lat_bounds_deg: lats.iter().map(|l: &f64| [(l - half).max(-90.0), (l + half).min(90.0)]).collect(),
        lats_deg: lats,
        columns: Columns::Shared(LonAxis {
            bounds_deg: centers.iter().map(|c| [c - 0.5 * step, c + 0.5 * step]).collect(),
            centers_deg: centers,
        }),
    };
    grid(Family::LatLon, vec![rows.lats_deg.len(), nlon], Layout::Rows(rows))
}

pub fn rotated(nlon: usize, nlat: usize) -> Grid {
    let dlat = 180.0 / nlat as f64;
    let lats = (0..nlat).map(|j| -90.0 + dlat * (j as f64 + 0.5)).collect();
    let rotation = Rotation::from_rotated_pole(-97.6, 36.1, 0.0);
    region(-179.0, 360.0 / nlon as f64, nlon, lats, 0.5 * dlat, Some(rotation))
}

/// Rows of equal height with the row lengths of an octahedral grid.
pub fn octahedral(n: usize) -> Grid {
    let counts: Vec<usize> = (0..2 * n).map(|j| 16 + 4 * (j.min(2 * n - 1 - j) + 1)).collect();
    let mut starts = vec![0];
    counts.iter().for_each(|c| starts.push(starts[starts.len() - 1] + c));
    let edge = |j: usize| 90.0 - 180.0 * j as f64 / (2 * n) as f64;
    let rows = Rows {
        rotation: None,
        lats_deg: (0..2 * n).map(|j| 0.5 * (edge(j) + edge(j + 1))).collect(),
        lat_bounds_deg: (0..2 * n).map(|j| [edge(j + 1), edge(j)]).collect(),
        columns: Columns::Reduced { counts, starts },
    };
    grid(Family::Mesh, vec![rows.len()], Layout::Rows(rows))
}

/// Equiangular cubed sphere; centers half-way in angle.
pub fn cubed_sphere(n: usize) -> Grid {
    let tan = |twice: usize| if twice == n { 0.0 } else { (PI / 2.0 * (0.5 * twice as f64 / n as f64 - 0.5)).tan() };
    let (mut cells, mut centers) = (Vec::new(), Vec::new());
    for face in 0..6 {
        let at = |i: usize, j: usize| -> UnitVector {
            let (a, b) = (tan(i), tan(j));
            let p = match face {
                0 => [1.0, a, b],
                1 => [-a, 1.0, b],
                2 => [-1.0, -a, b],
                3 => [a, -1.0, b],
                4 => [-b, a, 1.0],
                _ => [b, a, -1.0],
            };
            normalize(p).expect("never zero")
        };
        for (j, i) in (0..n).flat_map(|j| (0..n).map(move |i| (2 * j, 2 * i))) {
            centers.push(at(i + 1, j + 1));
            cells.push(vec![at(i, j), at(i + 2, j), at(i + 2, j + 2), at(i, j + 2)]);
        }
    }
    mesh(Family::CubedSphere { n }, vec![cells.len()], centers, &cells)
}

pub fn mesh(family: Family, shape: Vec<usize>, centers: Vec<UnitVector>, cells: &[Vec<UnitVector>]) -> Grid {
    let polygons = Polygons::from_cells(cells.iter().map(Vec::as_slice));
    let centers = centers.into_iter().map(LonLat::from_unit).collect();
    grid(family, shape, Layout::Polygons { centers, polygons })
}

/// Triangles of an icosahedron whose faces are split twice `levels` times.
pub fn icosahedron(levels: usize) -> Grid {
    let ring = |k: usize, lat: f64, lon: f64| unit_vector(lon + 72.0 * k as f64, lat);
    let lat = 0.5f64.atan().to_degrees();
    let (north, south) = ([0.0, 0.0, 1.0], [0.0, 0.0, -1.0]);
    let mut triangles: Vec<[UnitVector; 3]> = Vec::new();
    for k in 0..5 {
        let (a, b) = (ring(k, lat, 0.0), ring((k + 1) % 5, lat, 0.0));
        let (c, d) = (ring(k, -lat, 36.0), ring((k + 1) % 5, -lat, 36.0));
        triangles.extend([[north, a, b], [a, c, b], [b, c, d], [c, south, d]]);
    }
    let middle = |a: UnitVector, b: UnitVector| normalize(add(a, b)).expect("not opposite");
    for _ in 0..levels {
        triangles = triangles
            .into_iter()
            .flat_map(|[a, b, c]| {
                let (ab, bc, ca) = (middle(a, b), middle(b, c), middle(c, a));
                [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
            })
            .collect();
    }
    let cells: Vec<Vec<UnitVector>> = triangles.iter().map(|t| t.to_vec()).collect();
    let centers = triangles.iter().map(|t| middle(scale(middle(t[0], t[1]), 2.0), t[2])).collect();
    mesh(Family::Mesh, vec![cells.len()], centers, &cells)
}

/// A lat-lon grid that comes as two-dimensional coordinates, with great-circle cells.
pub fn curvilinear(nlon: usize, nlat: usize) -> Grid {
    let from = lat_lon(nlon, nlat, 7.0);
    let cells: Vec<Vec<UnitVector>> = (0..from.len()).map(|c| from.corners(c)).collect();
    let centers = (0..from.len()).map(|c| from.center(c).unit()).collect();
    mesh(Family::Curvilinear, vec![nlat, nlon], centers, &cells)
}

/// Confocal ellipses around a slit across the north pole, where the first row is folded onto itself as in
/// tripolar ocean grids; the last row is a ring around the south pole.
pub fn folded(nlon: usize, nlat: usize) -> Grid {
    let focus = 10f64.to_radians().tan();
    let at = |u: f64, v: f64| -> UnitVector {
        // (u, v) in 0..1; colatitude is 180° v on the axis across the slit.
        let x = ((0.5 * PI * v).tan() / focus).asinh();
        let theta = 2.0 * PI * u;
        let (re, im) = (focus * x.cosh() * theta.cos(), focus * x.sinh() * theta.sin());
        let square = re * re + im * im;
        scale([2.0 * re, 2.0 * im, 1.0 - square], 1.0 / (1.0 + square))
    };
    let corner = |j: usize, i: usize| match j {
        j if j == nlat => [0.0, 0.0, -1.0],
        _ => at((i % nlon) as f64 / nlon as f64, j as f64 / nlat as f64),
    };
    let (mut cells, mut centers) = (Vec::new(), Vec::new());
    for (j, i) in (0..nlat).flat_map(|j| (0..nlon).map(move |i| (j, i))) {
        centers.push(at((i as f64 + 0.5) / nlon as f64, (j as f64 + 0.5) / nlat as f64));
        cells.push(vec![corner(j + 1, i), corner(j + 1, i + 1), corner(j, i + 1), corner(j, i)]);
    }
    mesh(Family::Curvilinear, vec![nlat, nlon], centers, &cells)
}

/// Points of a spiral around the globe.
pub fn spiral(n: usize) -> Grid {
    let centers = (0..n)
        .map(|k| {
            let z = 1.0 - (2.0 * k as f64 + 1.0) / n as f64;
            LonLat { lon_deg: k as f64 * 137.50776, lat_deg: z.asin().to_degrees() }
        })
        .collect();
    grid(Family::Points, vec![n], Layout::Points { centers })
}

/// Every kind of grid that covers the globe.
pub fn global_grids() -> Vec<(&'static str, Grid)> {
    vec![
        ("lat-lon 36x18", lat_lon(36, 18, 0.0)),
        ("lat-lon 20x11 from -183.7", lat_lon(20, 11, -183.7)),
        ("lat-lon 24x13 with pole rows", with_pole_rows(24, 12)),
        ("rotated 30x15", rotated(30, 15)),
        ("octahedral 8", octahedral(8)),
        ("cubed sphere 6", cubed_sphere(6)),
        ("cubed sphere 9", cubed_sphere(9)),
        ("icosahedron 3", icosahedron(3)),
        ("curvilinear 30x16", curvilinear(30, 16)),
        ("folded 40x24", folded(40, 24)),
        ("spiral 500", spiral(500)),
        ("HEALPix 1", Grid::healpix(1, HealpixOrder::Ring).expect("a power of two")),
        ("HEALPix 8", Grid::healpix(8, HealpixOrder::Nested).expect("a power of two")),
        ("library's cubed sphere 5", Grid::cubed_sphere(5).expect("in range")),
        ("icosahedral triangles 6", Grid::icosahedral_triangles(6).expect("in range")),
        ("icosahedral hexagons 6", Grid::icosahedral_dual(6).expect("in range")),
        ("octahedral O16", Grid::reduced_gaussian(16, None).expect("in range")),
    ]
}

pub fn hrdps_like() -> Grid {
    let lats = (0..20).map(|j| -8.0 + 0.8 * f64::from(j)).collect();
    region(-12.0, 0.9, 30, lats, 0.4, Some(Rotation::from_rotated_pole(-92.4, 36.0, 0.0)))
}

/// Regional grids and point sets.
pub fn regional_grids() -> Vec<(&'static str, Grid)> {
    let lats = (0..12).map(|j| 60.0 - 2.0 * f64::from(j)).collect();
    let mut stations = spiral(600);
    if let Layout::Points { centers } = &mut stations.layout {
        centers.retain(|c| c.lat_deg > 20.0 && (c.lon_deg.rem_euclid(360.0) - 180.0).abs() < 90.0);
        stations.shape = vec![centers.len()];
    }
    vec![("across 0", region(-15.0, 2.0, 16, lats, 1.0, None)), ("rotated", hrdps_like()), ("stations", stations)]
}
