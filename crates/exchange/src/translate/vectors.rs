//! Vectors along the axes of a grid, and vectors east and north.

use super::Slab;
use knarr_grid::{Family, Grid, Projection};

/// Components along the grid's first (x, i) and second (y, j) axis. They cannot be interpolated: the axes turn.
#[derive(Clone, Debug, PartialEq)]
pub struct GridRelative {
    /// Along x.
    pub x: Slab,
    /// Along y.
    pub y: Slab,
}

/// Components east and north.
#[derive(Clone, Debug, PartialEq)]
pub struct EarthRelative {
    /// Eastward.
    pub east: Slab,
    /// Northward.
    pub north: Slab,
}

/// The angle from east to the grid's x axis in each cell, counter-clockwise, as cosine and sine.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    angles: Vec<[f64; 2]>,
}

/// Why a grid has no axes to turn from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {family} grid has no axes that vectors could be along")]
pub struct NoAxes {
    /// The kind of grid.
    pub family: String,
}

impl Turn {
    /// The turn of each cell of a grid.
    ///
    /// Rotated lat-lon, polar stereographic and Lambert grids by formula; other projections and curvilinear grids from
    /// the centers of neighbours along x; lat-lon and Gaussian grids do not turn.
    ///
    /// # Errors
    /// [`NoAxes`] for unstructured grids.
    pub fn of(grid: &Grid) -> Result<Self, NoAxes> {
        let angles = match &grid.family {
            Family::LatLon | Family::Gaussian { .. } | Family::ReducedGaussian { .. } | Family::ReducedLatLon => {
                vec![[1.0, 0.0]; grid.len()]
            }
            Family::RotatedLatLon { pole_lon_deg, pole_lat_deg, .. } => rotated(grid, *pole_lon_deg, *pole_lat_deg),
            Family::Projected(projection) => match conformal(projection) {
                Some((cone, lon_deg)) => (0..grid.len())
                    .map(|cell| direction((-cone * wrapped(grid.center(cell).lon_deg - lon_deg)).to_radians()))
                    .collect(),
                None => neighbours(grid),
            },
            Family::Curvilinear => neighbours(grid),
            other => return Err(NoAxes { family: other.to_string() }),
        };
        Ok(Self { angles })
    }

    /// Whether components along the axes are eastward and northward ones already.
    pub fn is_none(&self) -> bool {
        self.angles.iter().all(|a| *a == [1.0, 0.0])
    }

    /// East = x cos a − y sin a, north = x sin a + y cos a; missing where either component is.
    pub fn to_earth(&self, vector: &GridRelative) -> EarthRelative {
        let (east, north) = self.turned(&vector.x, &vector.y, 1.0);
        EarthRelative { east, north }
    }

    /// x = east cos a + north sin a, y = −east sin a + north cos a: the inverse.
    pub fn to_grid(&self, vector: &EarthRelative) -> GridRelative {
        let (x, y) = self.turned(&vector.east, &vector.north, -1.0);
        GridRelative { x, y }
    }

    fn turned(&self, first: &Slab, second: &Slab, sign: f64) -> (Slab, Slab) {
        let (mut one, mut two) =
            (Slab::combine(&[first, second], |v| Some(v[0])), Slab::combine(&[first, second], |v| Some(v[1])));
        for (cell, &[cos, sin]) in self.angles.iter().enumerate() {
            let (a, b, sin) = (one.values[cell], two.values[cell], sign * sin);
            if one.is_valid(cell) {
                (one.values[cell], two.values[cell]) = (a * cos - b * sin, a * sin + b * cos);
            }
        }
        (one, two)
    }
}

fn direction(angle_rad: f64) -> [f64; 2] {
    [angle_rad.cos(), angle_rad.sin()]
}

fn wrapped(deg: f64) -> f64 {
    (deg + 180.0).rem_euclid(360.0) - 180.0
}

/// In a rotated frame north is towards the frame's pole P, and x is perpendicular to it: at a point the angle between
/// the two norths is that of the spherical triangle point, true pole, P.
fn rotated(grid: &Grid, pole_lon_deg: f64, pole_lat_deg: f64) -> Vec<[f64; 2]> {
    let (sin_pole, cos_pole) = pole_lat_deg.to_radians().sin_cos();
    (0..grid.len())
        .map(|cell| {
            let center = grid.center(cell);
            let (sin_lat, cos_lat) = center.lat_deg.to_radians().sin_cos();
            let (sin_lon, cos_lon) = wrapped(pole_lon_deg - center.lon_deg).to_radians().sin_cos();
            // Azimuth of P seen from the point, clockwise from north; x is 90 degrees clockwise of it.
            let (east, north) = (cos_pole * sin_lon, sin_pole * cos_lat - cos_pole * sin_lat * cos_lon);
            let length = east.hypot(north);
            if length == 0.0 { [1.0, 0.0] } else { [north / length, -east / length] }
        })
        .collect()
}

/// Cone constant n and central longitude λ₀ of the projections where east is n (λ − λ₀) counter-clockwise of x.
fn conformal(projection: &Projection) -> Option<(f64, f64)> {
    let get = |name: &str| projection.parameters.iter().find(|(n, _)| n == name).map(|(_, values)| values.clone());
    let one = |name: &str| get(name).and_then(|v| v.first().copied());
    match projection.name.as_str() {
        "polar_stereographic" => {
            let lon = one("straight_vertical_longitude_from_pole").or_else(|| one("longitude_of_projection_origin"))?;
            let south = one("latitude_of_projection_origin").is_some_and(|lat| lat < 0.0);
            Some((if south { -1.0 } else { 1.0 }, lon))
        }
        "lambert_conformal_conic" => {
            let parallels = get("standard_parallel")?;
            let lon = one("longitude_of_central_meridian")?;
            let first = parallels.first()?.to_radians();
            let second = parallels.get(1).map_or(first, |p| p.to_radians());
            let tangent = |lat: f64| (std::f64::consts::FRAC_PI_4 + 0.5 * lat).tan();
            let cone = if (first - second).abs() < 1e-12 {
                first.sin()
            } else {
                (first.cos() / second.cos()).ln() / (tangent(second) / tangent(first)).ln()
            };
            Some((cone, lon))
        }
        "mercator" => Some((0.0, 0.0)),
        _ => None,
    }
}

/// The direction from the neighbour before to the one behind, along the last dimension of the grid.
fn neighbours(grid: &Grid) -> Vec<[f64; 2]> {
    let columns = grid.shape.last().copied().unwrap_or(0).max(1);
    (0..grid.len())
        .map(|cell| {
            let column = cell % columns;
            let before = if column > 0 { cell - 1 } else { cell };
            let behind = if column + 1 < columns { cell + 1 } else { cell };
            let (p, q) = (grid.center(before).unit(), grid.center(behind).unit());
            let (sin_lat, cos_lat) = grid.center(cell).lat_deg.to_radians().sin_cos();
            let (sin_lon, cos_lon) = grid.center(cell).lon_deg.to_radians().sin_cos();
            let step = [q[0] - p[0], q[1] - p[1], q[2] - p[2]];
            let east = -sin_lon * step[0] + cos_lon * step[1];
            let north = -sin_lat * (cos_lon * step[0] + sin_lon * step[1]) + cos_lat * step[2];
            let length = east.hypot(north);
            if length > 0.0 { [east / length, north / length] } else { [1.0, 0.0] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grids whose axes turn; those of ECCC at a tenth of their resolution.
    const TURNING: [&str; 4] = [
        "rot:65.305142,36.08852,345.17878,-12.302501,0.225,0.225,254,129",
        "ps:k_0=0.9330124,lon_0=-100,dx=50000,nx=177,ny=161,x0=0,y0=0,x_0=4245000,y_0=5295000,r=6371229",
        "lcc:lat_1=30,lat_2=60,lon_0=-107,dx=40000,nx=90,ny=80",
        "ps:lat_ts=-70,lon_0=0,dx=100000,nx=60,ny=60",
    ];

    /// Grids are turned as the centers of neighbours say, which knows nothing of formulas. Centers a step of h apart on
    /// either side give the direction to h²/6 of how the direction changes; at most 1e-3 away from the poles.
    #[test]
    fn formulas_agree_with_the_direction_to_neighbours() {
        for spec in TURNING {
            let grid = Grid::from_spec(spec).expect(spec);
            let (turn, seen) = (Turn::of(&grid).expect(spec), neighbours(&grid));
            let columns = grid.shape[1];
            let mut compared = 0;
            for cell in (0..grid.len()).filter(|c| c % columns > 0 && c % columns + 1 < columns) {
                if grid.center(cell).lat_deg.abs() > 85.0 {
                    continue;
                }
                let ([c, s], [d, t]) = (turn.angles[cell], seen[cell]);
                assert!((c - d).hypot(s - t) < 2e-3, "{spec} cell {cell}: {c} {s}, {d} {t}");
                compared += 1;
            }
            assert!(compared > grid.len() / 2, "{spec}");
            assert!(!turn.is_none());
        }
    }

    /// A wind from one place to another must not depend on how it is written: the vector in space is the same.
    #[test]
    fn a_solid_rotation_comes_out_as_it_is_on_the_sphere() {
        // u = cos(lat), v = 0: eastward everywhere. Along the axes of a rotated grid it is neither.
        let grid = Grid::from_spec(TURNING[0]).expect("a grid");
        let turn = Turn::of(&grid).expect("axes");
        let lat = |cell: usize| grid.center(cell).lat_deg.to_radians();
        let truth = EarthRelative {
            east: Slab::whole((0..grid.len()).map(|c| 10.0 * lat(c).cos()).collect()),
            north: Slab::whole(vec![0.0; grid.len()]),
        };
        let along = turn.to_grid(&truth);
        let largest = along.y.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(largest > 5.0, "the axes of this grid turn by more than 30 degrees: {largest}");
        let back = turn.to_earth(&along);
        // Two products and a sum there and back, each within half a unit in the last place of 10.
        for cell in 0..grid.len() {
            assert!((back.east.values[cell] - truth.east.values[cell]).abs() < 1e-14 * 10.0);
            assert!(back.north.values[cell].abs() < 1e-14 * 10.0);
        }
    }

    #[test]
    fn grid_and_earth_are_each_others_inverse_and_keep_speed() {
        for spec in TURNING {
            let grid = Grid::from_spec(spec).expect(spec);
            let turn = Turn::of(&grid).expect(spec);
            let wave = |phase: f64| Slab::whole((0..grid.len()).map(|c| 20.0 * (0.37 * c as f64 + phase).sin()).collect());
            let vector = GridRelative { x: wave(0.0), y: wave(1.0) };
            let earth = turn.to_earth(&vector);
            let back = turn.to_grid(&earth);
            for cell in 0..grid.len() {
                let (x, y) = (vector.x.values[cell], vector.y.values[cell]);
                assert!((back.x.values[cell] - x).abs() < 2e-14 && (back.y.values[cell] - y).abs() < 2e-14);
                let speed = earth.east.values[cell].hypot(earth.north.values[cell]);
                assert!((speed - x.hypot(y)).abs() < 2e-14);
            }
        }
    }

    #[test]
    fn one_missing_component_makes_both_missing() {
        let grid = Grid::from_spec("r4x2").expect("a grid");
        let turn = Turn::of(&grid).expect("axes");
        assert!(turn.is_none());
        let mut x = Slab::whole(vec![1.0; 8]);
        x.valid = Some(vec![true, true, false, true, true, true, true, true]);
        let earth = turn.to_earth(&GridRelative { x, y: Slab::whole(vec![2.0; 8]) });
        assert!(!earth.east.is_valid(2) && !earth.north.is_valid(2) && earth.north.is_valid(1));
    }

    #[test]
    fn grids_without_axes_are_refused() {
        let grid = Grid::from_spec("H4n").expect("a grid");
        assert!(Turn::of(&grid).expect_err("no axes").to_string().contains("HEALPix"));
    }
}
